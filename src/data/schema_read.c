/* schema_read.c - which kind of table is read: CSV and TSV, tagged text, or a folder of texts with a folder for each label. */
#include <string.h>
#include "base/error.h"
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

/* Are all files of folders, and none of them a table? */
static bool are_texts(const input_files *in) {
  bool all = true;
  for (int i = 0; i < in->n; i++) all = all && in->files[i].in_folder && !table_named(in->files[i].name);
  return all;
}

unroll_status schema_read(const schema *s, table *t, const char *paths, const table_options *o, bool folders, unroll_error *err) {
  const char *of_text, *of_label;
  const bool fits = text_and_label(s, &of_text, &of_label);
  input_files in;
  table_options how = o ? *o : (table_options){0};
  const char *tagged = how.tagged;
  *t = (table){0};
  how.time = s->time.time;
  if (folders && tagged) return error_set(err, UNROLL_USAGE, "option 'tagged' and option 'labels-from-folders' do not go together");
  if (folders && !fits)
    return error_set(err, UNROLL_USAGE, "option 'labels-from-folders' is for nets with one text and one category variable");
  unroll_status status = input_read(&in, paths, err);
  for (int i = 0; i < in.n && folders && !status; i++)
    if (!in.files[i].in_folder)
      status = error_at(err, UNROLL_USAGE, in.files[i].name, NULL, 0, 0,
                        "option 'labels-from-folders' takes folders, and this is a file");
  if (!status && (folders || (!tagged && fits && are_texts(&in))))
    status = table_parse_folders(t, &in, of_text, of_label, err);
  else if (!status)
    status = table_parse_files(t, &in, &how, err);
  input_free(&in);
  return status;
}
