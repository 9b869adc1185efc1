/* schema_read.c - what is read: a plain text, a table, tagged text, or files that are a row each. Those are texts, or what cells
 * name, as pictures and sounds; their folders are the labels. */
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/cell.h"
#include "data/schema.h"
#include "read/table.h"

/* The text and the label of a schema that has just these. */
static bool text_and_label(const schema *s, const char **of_text, const char **of_label) {
  *of_text = *of_label = NULL;
  for (int i = 0; i < s->n; i++) {
    if (unit_is_text(s->list[i].form.unit)) *of_text = s->list[i].form.name;
    if (s->list[i].form.unit == UNIT_LABELS) *of_label = s->list[i].form.name;
  }
  return s->n == 2 && *of_text && *of_label;
}

/* The variable that names files, and the label if there is one, of a schema that reads nothing else. */
static bool file_and_label(const schema *s, const char **of_file, const char **of_label) {
  *of_file = *of_label = NULL;
  for (int i = 0; i < s->n; i++) {
    const variable *v = &s->list[i];
    const bool named = cell_reader_of(&v->form)->open != NULL, label = v->form.unit == UNIT_LABELS;
    if ((named && *of_file) || (label && *of_label) || !(named || label || v->predicted)) return false;
    if (named) *of_file = v->form.name;
    if (label) *of_label = v->form.name;
  }
  return *of_file != NULL;
}

/* Are all files of folders, and none of them a table? */
static bool are_texts(const input_files *in) {
  bool all = true;
  for (int i = 0; i < in->n; i++) all = all && in->files[i].in_folder && !table_named(in->files[i].name);
  return all;
}

/* A file with the name of a table is one, whatever the model learnt from. */
static bool any_table(const input_files *in) {
  for (int i = 0; i < in->n; i++)
    if (table_named(in->files[i].name)) return true;
  return false;
}

/* How the files of a table are written, by the options. */
static unroll_status form_of(table_options *form, const schema *s, const data_options *how, unroll_error *err) {
  const char *c = how->separator;
  *form =
      (table_options){.tagged = how->tagged && *how->tagged ? how->tagged : NULL, .time = s->time.time, .columns = how->columns};
  if (how->memory) { /* as we write it */
    form->separator = ',';
    form->decimal = '.';
    return UNROLL_OK;
  }
  form->decimal = how->decimal && !strcmp(how->decimal, ",") ? ',' : '.';
  if (how->dates && strcmp(how->dates, "iso")) form->dates = strcmp(how->dates, "day-first") ? DATES_MONTH_FIRST : DATES_DAY_FIRST;
  if (!c) return UNROLL_OK;
  form->separator = !strcmp(c, "tab") ? '\t' : c[0];
  const bool fits =
      c[0] && (!c[1] || form->separator == '\t') && form->separator != '"' && form->separator != '\n' && form->separator != '\r';
  return fits ? UNROLL_OK
              : error_set(err, UNROLL_USAGE, "option 'separator' takes one character, as in ';', or tab, not '%.20s'", c);
}

static unroll_status open_files(input_files *in, const char *paths, const data_memory *m, unroll_error *err) {
  if (!m) return input_read(in, paths, err);
  char *copy = mem_alloc(m->size + 1);
  *in = (input_files){0};
  if (!copy) return error_memory(err);
  if (m->size) memcpy(copy, m->data, m->size);
  copy[m->size] = 0;
  return input_memory(in, m->name, copy, m->size, err);
}

/* A folder of texts, if it is asked for or if that is what the files are, else a table. */
static unroll_status read_table(const schema *s, table *t, const char *paths, const data_options *how, unroll_error *err) {
  const char *of_file, *of_label;
  const bool named = file_and_label(s, &of_file, &of_label),
             fits = named ? of_label != NULL : text_and_label(s, &of_file, &of_label);
  table_options form;
  input_files in;
  unroll_status status = form_of(&form, s, how, err);
  if (status) return status;
  const bool silent = !how->series && !how->tagged && !how->folders && !how->memory;
  if (how->folders && how->tagged)
    return error_set(err, UNROLL_USAGE, "option 'tagged' and option 'labels-from-folders' do not go together");
  if (how->folders && !fits)
    return error_set(err, UNROLL_USAGE,
                     "option 'labels-from-folders' is for nets with a category and one text, or one variable of files");
  status = open_files(&in, paths, how->memory, err);
  if (silent && !any_table(&in)) form.tagged = s->tagged;
  for (int i = 0; i < in.n && how->folders && !status; i++)
    if (!in.files[i].in_folder)
      status = error_at(err, UNROLL_USAGE, in.files[i].name, NULL, 0, 0,
                        "option 'labels-from-folders' takes folders, and this is a file");
  bool folders = how->folders || (silent && s->folders && in.n > 0);
  for (int i = 0; i < in.n && !how->folders; i++) folders = folders && in.files[i].in_folder;
  if (!status && (folders || (silent && named && input_are_cells(&in)) || (!form.tagged && !named && fits && are_texts(&in))))
    status = table_parse_folders(t, &in, of_file, named, of_label, err);
  else if (!status)
    status = table_parse_files(t, &in, &form, err);
  input_free(&in);
  t->skip = how->skip_bad;
  t->cache = how->cache;
  return status;
}

static unroll_status read_plain(dataset *d, const schema *s, const char *paths, const data_options *how, unroll_error *err) {
  input_files in;
  unroll_status status = open_files(&in, paths, how->memory, err);
  if (!status) status = dataset_parse_files(d, &s->list->form, &in, how->skip_bad, err);
  input_free(&in);
  return status;
}

static unroll_status check_cache(const schema *s, const char *folder, unroll_error *err) {
  bool any = false;
  for (int i = 0; i < s->n; i++) any |= cell_reader_of(&s->list[i].form)->identify != NULL;
  return any ? file_make_folder(folder, err)
             : error_set(err, UNROLL_USAGE, "option 'cache' keeps the features of recordings, and this net hears none");
}

unroll_status dataset_read(dataset *d, const schema *s, const char *paths, const data_options *how, unroll_error *err) {
  const char *alone = how->series      ? "series"
                      : how->tagged    ? "tagged"
                      : how->folders   ? "labels-from-folders"
                      : how->separator ? "separator"
                      : how->columns   ? "column"
                                       : NULL;
  const bool plain = schema_is_text(s);
  table t = {0};
  unroll_status status = UNROLL_OK;
  *d = (dataset){0};
  if (how->cache) status = check_cache(s, how->cache, err);
  if (status) return status;
  if (plain && alone) return error_set(err, UNROLL_USAGE, "option '%s' is for tables, and this net reads a text", alone);
  if (!plain) status = read_table(s, &t, paths, how, err);
  if (!status && how->learn) status = how->learn(how->context, plain ? NULL : &t, err);
  if (!status && plain) status = read_plain(d, s, paths, how, err);
  if (!status && !plain) status = dataset_bind(d, &t, s, how->series, how->wanted, err);
  table_free(&t);
  d->keep_codes = how->codes;
  return status;
}
