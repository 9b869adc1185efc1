/* table.c - see table.h: which form the files have, folders of texts, and what rows say about themselves. */
#include "read/table_form.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/hash.h"

const char *table_problem(int32_t broken) {
  static const char *const texts[] = {
      [-TABLE_AFTER_QUOTE] = "text after the closing quote: a field that begins with a quote ends with one, and a quote in it is "
                             "written twice",
      [-TABLE_HAS_NUL] = "a NUL: this is not a text",
      [-TABLE_NOT_JSON] = "this is not good JSON",
      [-TABLE_NOT_OBJECT] = "a line of JSON lines is an object, as in {\"text\": \"good\", \"label\": 1}",
      [-TABLE_NESTED] = "a list or an object in an object: a table has texts and numbers only",
  };
  return texts[-broken];
}

unroll_status table_check(const table *t, int64_t row, unroll_error *err) {
  const int32_t fields = t->broken[row];
  const input_file *f = &t->files.files[table_file(t, row)];
  const size_t at = table_cell(t, row, 0)->at;
  if (!fields) return UNROLL_OK;
  if (fields == TABLE_HAS_NUL) {
    const unroll_status status = input_refuse(f, "a text", true, err);
    if (status) return status;
  }
  if (fields < 0) return input_bad_at(f->name, f->data, f->size, at, err, "%s", table_problem(fields));
  const char *many = fields == 1 ? "" : "s";
  if (t->series >= 0)
    return input_bad_at(f->name, f->data, f->size, at, err, "%" PRId32 " field%s, but there are %d columns", fields, many,
                        t->n_columns - 1);
  return input_bad_at(f->name, f->data, f->size, at, err, "row %" PRId64 " has %" PRId32 " field%s, but there are %d columns",
                      table_row(t, row), fields, many, t->n_columns);
}

static unroll_status take(table *t, input_files *in, unroll_error *err) {
  *t = (table){.files = *in, .series = -1};
  *in = (input_files){0};
  for (int i = 0; i < t->files.n; i++) {
    const input_file *f = &t->files.files[i];
    t->bytes += f->size;
    t->hash = hash_bytes(t->hash, f->data, f->size);
  }
  t->first_row = mem_zero((size_t)t->files.n + 1, sizeof *t->first_row);
  return t->first_row ? UNROLL_OK : error_memory(err);
}

unroll_status table_room(table *t, size_t texts, unroll_error *err) {
  size_t cells;
  if (__builtin_mul_overflow((size_t)t->n_rows + 1, (size_t)t->n_columns, &cells)) return error_memory(err);
  t->cells = mem_zero(cells, sizeof *t->cells);
  t->lines = mem_zero((size_t)t->n_rows + 1, sizeof *t->lines);
  t->broken = mem_zero((size_t)t->n_rows + 1, sizeof *t->broken);
  t->unquoted = mem_zero(texts + 1, 1);
  return t->cells && t->lines && t->broken && t->unquoted ? UNROLL_OK : error_memory(err);
}

unroll_status text_of_table(const input_file *f, size_t from, unroll_error *err) {
  const unroll_status status = input_refuse(f, "a table", false, err);
  if (status) return status;
  if (from == f->size) return error_at(err, UNROLL_BAD_INPUT, f->name, NULL, 0, 0, "the file is empty");
  const char *nul = memchr(f->data, 0, f->size);
  if (!nul) return UNROLL_OK;
  return input_bad_at(f->name, f->data, f->size, (size_t)(nul - f->data), err, "a NUL: this is not a table of text");
}

/* --- forms --- */

static bool any(const input_file *f) {
  (void)f;
  return true;
}

/* By a file's name, else by what is in it, the first row that fits. */
static const struct table_form {
  const char *is, *endings;
  bool (*fits)(const input_file *f);
  unroll_status (*parse)(table *t, const table_options *o, unroll_error *err);
} forms[] = {
    {"JSON lines", ".jsonl .ndjson ", json_fits, json_parse},
    {"CoNLL-U", ".conllu ", conllu_fits, conllu_parse},
    {"arrays", ".npy .safetensors ", arrays_fit, arrays_parse},
    {"a table with a separator", ".csv .tsv .tab ", any, csv_parse},
};
enum { FORMS = sizeof forms / sizeof *forms };

static const struct table_form *form_of_name(const char *name) {
  const size_t n = unpack_name(name);
  for (int i = 0; i < FORMS; i++)
    for (const char *s = forms[i].endings; *s; s = strchr(s, ' ') + 1) {
      const size_t k = strcspn(s, " ");
      if (n > k && !memcmp(name + n - k, s, k)) return &forms[i];
    }
  return NULL;
}

bool table_named(const char *name) { return form_of_name(name) != NULL; }

static const struct table_form *form_of(const input_file *f) {
  const struct table_form *form = form_of_name(f->name);
  for (int i = 0; i < FORMS && !form; i++)
    if (forms[i].fits(f)) form = &forms[i];
  return form;
}

unroll_status table_parse_files(table *t, input_files *in, const table_options *o, unroll_error *err) {
  unroll_status status = take(t, in, err);
  if (status) return status;
  if (o->tagged) {
    status = tagged_parse(t, o, err);
    return status ? status : table_amend(t, o, err);
  }
  const struct table_form *form = form_of(&t->files.files[0]);
  for (int i = 1; i < t->files.n; i++) {
    const input_file *f = &t->files.files[i];
    if (form_of(f) != form)
      return error_at(err, UNROLL_BAD_INPUT, f->name, NULL, 0, 0, "this is %s, but the first file, %.200s, is %s", form_of(f)->is,
                      t->files.files[0].name, form->is);
  }
  status = form->parse(t, o, err);
  return status ? status : table_amend(t, o, err);
}

static unroll_status parse_one(table *t, const char *name, const char *columns, char *data, size_t size, unroll_error *err) {
  input_files in;
  *t = (table){0};
  unroll_status status = input_memory(&in, name, data, size, err);
  if (!status) status = table_parse_files(t, &in, &(table_options){.tagged = columns}, err);
  input_free(&in);
  return status;
}

unroll_status table_parse(table *t, const char *name, char *data, size_t size, unroll_error *err) {
  return parse_one(t, name, NULL, data, size, err);
}

unroll_status table_parse_tagged(table *t, const char *name, const char *columns, char *data, size_t size, unroll_error *err) {
  return parse_one(t, name, columns, data, size, err);
}

unroll_status table_read(table *t, const char *paths, const table_options *o, unroll_error *err) {
  input_files in;
  *t = (table){0};
  unroll_status status = input_read(&in, paths, err);
  if (!status) status = table_parse_files(t, &in, o, err);
  input_free(&in);
  return status;
}

static size_t without_newline(const input_file *f, size_t begin) {
  size_t end = f->size;
  if (end > begin && f->data[end - 1] == '\n') end--;
  if (end > begin && end < f->size && f->data[end - 1] == '\r') end--;
  return end - begin;
}

/* The last folder of a path, as in "reviews/good/12.txt". */
static cell folder_of(const char *path) {
  const char *slash = strrchr(path, '/'), *begin = slash;
  while (begin && begin > path && begin[-1] != '/') begin--;
  return begin ? (cell){.text = begin, .size = (size_t)(slash - begin)} : (cell){.text = ""};
}

/* The last part of a path, which is its name beside itself. */
static cell name_of(const char *path) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  return (cell){.text = name, .size = strlen(name)};
}

unroll_status table_parse_folders(table *t, input_files *in, const char *of_file, bool named, const char *of_folder,
                                  unroll_error *err) {
  unroll_status status = take(t, in, err);
  if (status) return status;
  const size_t n = (size_t)t->files.n, first = strlen(of_file) + 1, second = of_folder ? strlen(of_folder) : 0;
  const int columns = of_folder ? 2 : 1;
  t->n_columns = columns;
  t->n_rows = t->files.n;
  t->by_line = true;
  status = table_room(t, first + second, err); /* the names */
  if (status) return status;
  memcpy(t->unquoted, of_file, first);
  t->cells[0] = (cell){.text = t->unquoted, .size = first - 1};
  if (of_folder) {
    memcpy(t->unquoted + first, of_folder, second);
    t->cells[1] = (cell){.text = t->unquoted + first, .size = second};
  }
  for (int64_t row = 0; row <= t->n_rows; row++) t->lines[row] = 1;
  for (int64_t row = 1; row <= t->n_rows; row++) {
    const input_file *f = &t->files.files[row - 1];
    const size_t from = text_begin(f);
    const char *nul = named ? NULL : memchr(f->data, 0, f->size);
    cell *cells = t->cells + columns * row;
    t->first_row[row - 1] = row;
    cells[0] = named ? name_of(f->name) : (cell){.text = f->data + from, .size = without_newline(f, from), .at = from};
    if (of_folder) cells[1] = folder_of(f->name);
    t->broken[row] = nul ? TABLE_HAS_NUL : 0;
    if (nul) cells[0].at = (size_t)(nul - f->data);
  }
  t->first_row[n] = t->n_rows + 1;
  return UNROLL_OK;
}

void table_free(table *t) {
  input_free(&t->files);
  mem_free(t->first_row);
  mem_free(t->cells);
  mem_free(t->lines);
  mem_free(t->numbers);
  mem_free(t->broken);
  mem_free(t->unquoted);
  mem_free(t->names);
  mem_free(t->called);
  mem_free(t->dates);
  *t = (table){0};
}

int table_file(const table *t, int64_t row) {
  int low = 0, high = t->files.n - 1;
  while (low < high) {
    const int middle = low + (high - low + 1) / 2;
    if (t->first_row[middle] <= row)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

int64_t table_row(const table *t, int64_t row) {
  if (t->numbers) return t->numbers[row];
  return t->by_line ? t->lines[row] : row ? row - t->first_row[table_file(t, row)] + 2 : 1;
}

unroll_status table_bad(const table *t, int64_t row, int column, size_t skip, unroll_error *err, const char *format, ...) {
  char what[400];
  va_list list;
  if (!err) return UNROLL_BAD_INPUT;
  va_start(list, format);
  vsnprintf(what, sizeof what, format, list);
  va_end(list);
  const cell *c = table_cell(t, row, column), *name = t->called ? &t->called[column] : table_cell(t, 0, column);
  const input_file *f = &t->files.files[table_file(t, row)];
  if (t->plain) return input_bad_at(f->name, f->data, f->size, c->at + skip, err, "%s", what);
  return input_bad_at(f->name, f->data, f->size, c->at + skip, err, "row %" PRId64 ", column '%.*s': %s", table_row(t, row),
                      (int)(name->size < 60 ? name->size : 60), name->text, what);
}
