/* table.c - see table.h. Each file is scanned twice: the first time everything is checked and counted, so that the second one can
 * take memory once and cannot fail. Cells point into the file's bytes, except those with doubled quotes. libcsv would read the same
 * but does not say where in the file a field or an error is. */
#include "read/table.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/hash.h"

enum { AFTER_QUOTE = -1, HAS_NUL = -2 }; /* of table.broken */

typedef struct scanner {
  const input_file *f;
  char separator;
  size_t at;
  int64_t line;
} scanner;

typedef struct field {
  size_t begin, end; /* without the quotes around it */
  size_t doubled;    /* quotes in it that are written twice */
  bool last;         /* of its row */
} field;

typedef struct row_info {
  size_t begin;
  int32_t fields, problem; /* AFTER_QUOTE or 0 */
  size_t place;            /* of the problem, or of the first field too many */
  size_t unquoted;         /* bytes of fields with doubled quotes */
} row_info;

static unroll_status bad(const input_file *f, size_t at, unroll_error *err, const char *what) {
  return input_bad_at(f->name, f->data, f->size, at, err, "%s", what);
}

static bool ends_line(const input_file *f, size_t at) {
  return at == f->size || f->data[at] == '\n' || (f->data[at] == '\r' && (at + 1 == f->size || f->data[at + 1] == '\n'));
}

/* Nothing but empty lines from here on? */
static bool at_end(const scanner *s) {
  size_t i = s->at;
  while (i < s->f->size && (s->f->data[i] == '\n' || s->f->data[i] == '\r')) i++;
  return i == s->f->size;
}

static void end_field(scanner *s, field *f) {
  f->last = ends_line(s->f, s->at);
  if (s->at < s->f->size && s->f->data[s->at] == '\r' && f->last) s->at++;
  if (s->at < s->f->size) s->at++; /* separator or newline */
  s->line += f->last;
}

/* *closed = false: text follows behind the quote that closes the field. */
static unroll_status quoted_field(scanner *s, field *f, bool *closed, unroll_error *err) {
  const size_t opened = s->at++;
  f->begin = s->at;
  for (;; s->at++) {
    if (s->at == s->f->size) return bad(s->f, opened, err, "a quote is opened here and never closed");
    s->line += s->f->data[s->at] == '\n';
    if (s->f->data[s->at] != '"') continue;
    if (s->at + 1 == s->f->size || s->f->data[s->at + 1] != '"') break;
    f->doubled++;
    s->at++;
  }
  f->end = s->at++;
  *closed = ends_line(s->f, s->at) || s->f->data[s->at] == s->separator;
  if (*closed) end_field(s, f);
  return UNROLL_OK;
}

static unroll_status next_field(scanner *s, field *f, bool *closed, unroll_error *err) {
  *f = (field){.begin = s->at};
  *closed = true;
  if (s->at < s->f->size && s->f->data[s->at] == '"') return quoted_field(s, f, closed, err);
  while (!ends_line(s->f, s->at) && s->f->data[s->at] != s->separator) s->at++;
  f->end = s->at;
  end_field(s, f);
  return UNROLL_OK;
}

static const char *unquote(const input_file *file, const field *f, char **at) {
  const char *begin = *at;
  for (size_t i = f->begin; i < f->end; i++) {
    *(*at)++ = file->data[i];
    i += file->data[i] == '"';
  }
  return begin;
}

/* A row: what there is to say about it, and its first `most` fields into `out`, if that is not NULL. */
static unroll_status next_row(scanner *s, int most, cell *out, char **unquoted, row_info *r, unroll_error *err) {
  field f;
  *r = (row_info){.begin = s->at, .place = s->at};
  do {
    const size_t at = s->at;
    bool closed;
    const unroll_status status = next_field(s, &f, &closed, err);
    if (status) return status;
    if (!closed) { /* the row ends where its line does */
      r->problem = AFTER_QUOTE;
      r->place = s->at;
      while (!ends_line(s->f, s->at)) s->at++;
      end_field(s, &f);
      return UNROLL_OK;
    }
    if (most && r->fields == most) r->place = at;
    if (f.doubled) r->unquoted += f.end - f.begin - f.doubled;
    if (out && r->fields < most) {
      out[r->fields] = (cell){.text = s->f->data + f.begin, .size = f.end - f.begin - f.doubled, .at = f.begin};
      if (f.doubled) out[r->fields].text = unquote(s->f, &f, unquoted);
    }
    if (r->fields++ == TABLE_MAX_COLUMNS) return bad(s->f, at, err, "too many columns");
  } while (!f.last);
  return UNROLL_OK;
}

static unroll_status problem(const input_file *f, int32_t kind, size_t at, unroll_error *err) {
  return bad(f, at, err,
             kind == HAS_NUL ? "a NUL: this is not a text"
                             : "text after the closing quote: a field that begins with a quote ends with one, and a quote in it is "
                               "written twice");
}

unroll_status table_check(const table *t, int64_t row, unroll_error *err) {
  const int32_t fields = t->broken[row];
  const input_file *f = &t->files.files[table_file(t, row)];
  const size_t at = table_cell(t, row, 0)->at;
  if (!fields) return UNROLL_OK;
  if (fields < 0) return problem(f, fields, at, err);
  const char *many = fields == 1 ? "" : "s";
  if (t->series >= 0)
    return input_bad_at(f->name, f->data, f->size, at, err, "%" PRId32 " field%s, but there are %d columns", fields, many,
                        t->n_columns - 1);
  return input_bad_at(f->name, f->data, f->size, at, err, "row %" PRId64 " has %" PRId32 " field%s, but there are %d columns",
                      table_row(t, row), fields, many, t->n_columns);
}

static char separator_of(const input_file *f) {
  const char *dot = strrchr(f->name, '.');
  if (dot && !strcmp(dot, ".csv")) return ',';
  if (dot && (!strcmp(dot, ".tsv") || !strcmp(dot, ".tab"))) return '\t';
  const char *end = memchr(f->data, '\n', f->size);
  return memchr(f->data, '\t', end ? (size_t)(end - f->data) : f->size) ? '\t' : ',';
}

static scanner begin(const input_file *f) {
  const size_t at = f->size >= 3 && !memcmp(f->data, "\xef\xbb\xbf", 3) ? 3 : 0;
  return (scanner){.f = f, .separator = separator_of(f), .at = at, .line = 1};
}

/* Counts rows, columns and bytes of fields with doubled quotes. */
static unroll_status measure(table *t, int i, size_t *unquoted, unroll_error *err) {
  const input_file *f = &t->files.files[i];
  scanner s = begin(f);
  row_info r;
  if (s.at == f->size) return error_at(err, UNROLL_BAD_INPUT, f->name, NULL, 0, 0, "the file is empty");
  const char *nul = memchr(f->data, 0, f->size);
  if (nul) return bad(f, (size_t)(nul - f->data), err, "a NUL: this is not a table of text");
  unroll_status status = next_row(&s, 0, NULL, NULL, &r, err);
  if (!status && r.problem) status = problem(f, r.problem, r.place, err);
  if (status) return status;
  if (i == 0) t->n_columns = r.fields;
  *unquoted += r.unquoted;
  t->first_row[i] = t->n_rows + 1;
  for (; !at_end(&s); t->n_rows++) {
    if ((status = next_row(&s, t->n_columns, NULL, NULL, &r, err))) return status;
    *unquoted += r.unquoted;
  }
  t->first_row[i + 1] = t->n_rows + 1;
  if (t->first_row[i] > t->n_rows)
    return error_at(err, UNROLL_BAD_INPUT, f->name, NULL, 0, 0, "the table has names of columns but no rows");
  return UNROLL_OK;
}

static bool same_cell(const cell *a, const cell *b) { return a->size == b->size && !memcmp(a->text, b->text, a->size); }

/* The names of a further file go where its first row will be. */
static unroll_status check_names(const table *t, const input_file *f, const cell *names, const row_info *r, unroll_error *err) {
  bool same = r->fields == t->n_columns;
  for (int k = 0; k < t->n_columns && same; k++) same = same_cell(&names[k], &t->cells[k]);
  if (same) return UNROLL_OK;
  return bad(f, r->begin, err, "the names of the columns are not those of the first file");
}

static unroll_status fill(table *t, int i, char **unquoted, unroll_error *err) {
  const input_file *f = &t->files.files[i];
  scanner s = begin(f);
  row_info r;
  cell *out = t->cells + (i ? t->first_row[i] * t->n_columns : 0);
  next_row(&s, t->n_columns, out, unquoted, &r, NULL); /* measure() has seen that it is good */
  const unroll_status status = i ? check_names(t, f, out, &r, err) : UNROLL_OK;
  for (int64_t row = t->first_row[i]; row < t->first_row[i + 1] && !status; row++) {
    out = t->cells + row * t->n_columns;
    t->lines[row] = s.line;
    next_row(&s, t->n_columns, out, unquoted, &r, NULL);
    if (!r.problem && r.fields == t->n_columns) continue;
    t->broken[row] = r.problem ? r.problem : r.fields;
    for (int k = 0; k < t->n_columns; k++) out[k] = (cell){.text = "", .at = r.place};
  }
  return status;
}

unroll_status table_take(table *t, input_files *in, unroll_error *err) {
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

unroll_status table_parse_files(table *t, input_files *in, const char *tagged, unroll_error *err) {
  size_t unquoted = 0, cells;
  unroll_status status = table_take(t, in, err);
  if (status || tagged) return status ? status : tagged_parse(t, tagged, err);
  for (int i = 0; i < t->files.n && !status; i++) status = measure(t, i, &unquoted, err);
  if (status) return status;
  if (__builtin_mul_overflow((size_t)t->n_rows + 1, (size_t)t->n_columns, &cells)) return error_memory(err);
  t->cells = mem_zero(cells, sizeof *t->cells);
  t->lines = mem_zero((size_t)t->n_rows + 1, sizeof *t->lines);
  t->broken = mem_zero((size_t)t->n_rows + 1, sizeof *t->broken);
  t->unquoted = mem_zero(unquoted + 1, 1);
  if (!t->cells || !t->lines || !t->broken || !t->unquoted) return error_memory(err);
  char *at = t->unquoted;
  t->lines[0] = 1;
  for (int i = 0; i < t->files.n && !status; i++) status = fill(t, i, &at, err);
  return status;
}

static unroll_status parse_one(table *t, const char *name, const char *columns, char *data, size_t size, unroll_error *err) {
  input_files in = {.files = mem_zero(1, sizeof *in.files), .n = 1, .room = 1};
  char *copy = mem_text(name);
  if (!in.files || !copy) {
    mem_free(in.files);
    mem_free(copy);
    mem_free(data);
    *t = (table){0};
    return error_memory(err);
  }
  in.files[0] = (input_file){.name = copy, .data = data, .size = size};
  return table_parse_files(t, &in, columns, err);
}

unroll_status table_parse(table *t, const char *name, char *data, size_t size, unroll_error *err) {
  return parse_one(t, name, NULL, data, size, err);
}

unroll_status table_parse_tagged(table *t, const char *name, const char *columns, char *data, size_t size, unroll_error *err) {
  return parse_one(t, name, columns, data, size, err);
}

unroll_status table_read(table *t, const char *paths, const char *tagged, unroll_error *err) {
  input_files in;
  *t = (table){0};
  unroll_status status = input_read(&in, paths, err);
  if (!status) status = table_parse_files(t, &in, tagged, err);
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

unroll_status table_parse_folders(table *t, input_files *in, const char *of_text, const char *of_folder, unroll_error *err) {
  const unroll_status status = table_take(t, in, err);
  if (status) return status;
  const size_t n = (size_t)t->files.n, first = strlen(of_text) + 1;
  t->n_columns = 2;
  t->n_rows = t->files.n;
  t->by_line = true;
  t->cells = mem_zero(n + 1, 2 * sizeof *t->cells);
  t->lines = mem_zero(n + 1, sizeof *t->lines);
  t->broken = mem_zero(n + 1, sizeof *t->broken);
  t->unquoted = mem_zero(first + strlen(of_folder) + 1, 1); /* the names */
  if (!t->cells || !t->lines || !t->broken || !t->unquoted) return error_memory(err);
  memcpy(t->unquoted, of_text, first);
  memcpy(t->unquoted + first, of_folder, strlen(of_folder));
  t->cells[0] = (cell){.text = t->unquoted, .size = first - 1};
  t->cells[1] = (cell){.text = t->unquoted + first, .size = strlen(of_folder)};
  for (int64_t row = 0; row <= t->n_rows; row++) t->lines[row] = 1;
  for (int64_t row = 1; row <= t->n_rows; row++) {
    const input_file *f = &t->files.files[row - 1];
    const size_t from = begin(f).at;
    const char *nul = memchr(f->data, 0, f->size);
    t->first_row[row - 1] = row;
    t->cells[2 * row] = (cell){.text = f->data + from, .size = without_newline(f, from), .at = from};
    t->cells[2 * row + 1] = folder_of(f->name);
    t->broken[row] = nul ? HAS_NUL : 0;
    if (nul) t->cells[2 * row].at = (size_t)(nul - f->data);
  }
  t->first_row[n] = t->n_rows + 1;
  return UNROLL_OK;
}

void table_free(table *t) {
  input_free(&t->files);
  mem_free(t->first_row);
  mem_free(t->cells);
  mem_free(t->lines);
  mem_free(t->broken);
  mem_free(t->unquoted);
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
  return t->by_line ? t->lines[row] : row ? row - t->first_row[table_file(t, row)] + 2 : 1;
}

unroll_status table_bad(const table *t, int64_t row, int column, size_t skip, unroll_error *err, const char *format, ...) {
  char what[400];
  va_list list;
  if (!err) return UNROLL_BAD_INPUT;
  va_start(list, format);
  vsnprintf(what, sizeof what, format, list);
  va_end(list);
  const cell *c = table_cell(t, row, column), *name = table_cell(t, 0, column);
  const input_file *f = &t->files.files[table_file(t, row)];
  return input_bad_at(f->name, f->data, f->size, c->at + skip, err, "row %" PRId64 ", column '%.*s': %s", table_row(t, row),
                      (int)(name->size < 60 ? name->size : 60), name->text, what);
}
