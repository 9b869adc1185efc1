/* table.c - see table.h. The file is scanned twice: the first time everything is checked and counted, so that the second one can
 * take memory once and cannot fail. Cells point into the file's bytes, except those with doubled quotes. libcsv would read the same
 * but does not say where in the file a field or an error is. */
#include "data/table.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/dataset.h"

typedef struct field {
  size_t begin, end; /* its content */
  size_t doubled;    /* pairs of quotes in it */
  bool last;         /* of its row */
} field;

typedef struct scanner {
  const table *t;
  size_t at;
  int64_t line;
} scanner;

static unroll_status bad(const table *t, size_t at, unroll_error *err, const char *what) {
  return data_bad_at(t->name, t->data, t->size, at, err, "%s", what);
}

static bool ends_line(const table *t, size_t at) {
  return at == t->size || t->data[at] == '\n' || (t->data[at] == '\r' && (at + 1 == t->size || t->data[at + 1] == '\n'));
}

/* Is there nothing but empty lines from here on? */
static bool at_end(const scanner *s) {
  size_t i = s->at;
  while (i < s->t->size && (s->t->data[i] == '\n' || s->t->data[i] == '\r')) i++;
  return i == s->t->size;
}

static void end_field(scanner *s, field *f) {
  const table *t = s->t;
  f->last = ends_line(t, s->at);
  if (s->at < t->size && t->data[s->at] == '\r' && f->last) s->at++;
  if (s->at < t->size) s->at++; /* separator or newline */
  s->line += f->last;
}

static unroll_status quoted_field(scanner *s, field *f, unroll_error *err) {
  const table *t = s->t;
  const size_t opened = s->at++;
  f->begin = s->at;
  for (;; s->at++) {
    if (s->at == t->size) return bad(t, opened, err, "a quote is opened here and never closed");
    s->line += t->data[s->at] == '\n';
    if (t->data[s->at] != '"') continue;
    if (s->at + 1 == t->size || t->data[s->at + 1] != '"') break;
    f->doubled++;
    s->at++;
  }
  f->end = s->at++;
  if (!ends_line(t, s->at) && t->data[s->at] != t->separator)
    return bad(t, s->at, err,
               "text after the closing quote: a field that begins with a quote ends with one, and a quote in it is written twice");
  end_field(s, f);
  return UNROLL_OK;
}

static unroll_status next_field(scanner *s, field *f, unroll_error *err) {
  const table *t = s->t;
  *f = (field){.begin = s->at};
  if (s->at < t->size && t->data[s->at] == '"') return quoted_field(s, f, err);
  while (!ends_line(t, s->at) && t->data[s->at] != t->separator) s->at++;
  f->end = s->at;
  end_field(s, f);
  return UNROLL_OK;
}

static unroll_status wrong_count(const table *t, int64_t row, int64_t fields, size_t at, unroll_error *err) {
  return data_bad_at(t->name, t->data, t->size, at, err, "row %" PRId64 " has %" PRId64 " field%s, but there are %d columns",
                     row + 1, fields, fields == 1 ? "" : "s", t->n_columns);
}

/* Counts rows, columns and bytes of fields with doubled quotes. */
static unroll_status measure(table *t, size_t begin, size_t *unquoted, unroll_error *err) {
  scanner s = {.t = t, .at = begin, .line = 1};
  field f;
  *unquoted = 0;
  for (int64_t row = 0; row == 0 || !at_end(&s); row++) {
    const size_t start = s.at;
    int64_t n = 0;
    do {
      const size_t at = s.at;
      const unroll_status status = next_field(&s, &f, err);
      if (status) return status;
      if (row > 0 && n == t->n_columns) return wrong_count(t, row, n + 1, at, err);
      if (n++ == TABLE_MAX_COLUMNS) return bad(t, at, err, "too many columns");
      if (f.doubled) *unquoted += f.end - f.begin - f.doubled;
    } while (!f.last);
    if (row == 0) t->n_columns = (int)n;
    if (n != t->n_columns) return wrong_count(t, row, n, start, err);
    t->n_rows = row;
  }
  return UNROLL_OK;
}

static const char *unquote(const table *t, const field *f, char **at) {
  const char *begin = *at;
  for (size_t i = f->begin; i < f->end; i++) {
    *(*at)++ = t->data[i];
    i += t->data[i] == '"';
  }
  return begin;
}

static void fill(table *t, size_t begin) {
  scanner s = {.t = t, .at = begin, .line = 1};
  char *unquoted = t->unquoted;
  for (int64_t row = 0; row <= t->n_rows; row++) {
    t->lines[row] = s.line;
    for (int i = 0; i < t->n_columns; i++) {
      field f;
      next_field(&s, &f, NULL); /* measure() has seen that it is good */
      cell *c = &t->cells[row * t->n_columns + i];
      *c = (cell){.text = t->data + f.begin, .size = f.end - f.begin - f.doubled, .at = f.begin};
      if (f.doubled) c->text = unquote(t, &f, &unquoted);
    }
  }
}

static char separator_of(const table *t) {
  const char *dot = strrchr(t->name, '.');
  if (dot && !strcmp(dot, ".csv")) return ',';
  if (dot && (!strcmp(dot, ".tsv") || !strcmp(dot, ".tab"))) return '\t';
  const char *end = memchr(t->data, '\n', t->size);
  return memchr(t->data, '\t', end ? (size_t)(end - t->data) : t->size) ? '\t' : ',';
}

unroll_status table_parse(table *t, const char *name, char *data, size_t size, unroll_error *err) {
  *t = (table){.name = mem_text(name), .data = data, .size = size, .series = -1};
  if (!t->name) return error_memory(err);
  const size_t begin = size >= 3 && !memcmp(data, "\xef\xbb\xbf", 3) ? 3 : 0;
  if (size == begin) return error_at(err, UNROLL_BAD_INPUT, name, NULL, 0, 0, "the file is empty");
  const char *nul = memchr(data, 0, size);
  if (nul) return bad(t, (size_t)(nul - data), err, "a NUL: this is not a table of text");
  t->separator = separator_of(t);
  size_t unquoted, cells;
  const unroll_status status = measure(t, begin, &unquoted, err);
  if (status) return status;
  if (t->n_rows == 0) return error_at(err, UNROLL_BAD_INPUT, name, NULL, 0, 0, "the table has names of columns but no rows");
  if (__builtin_mul_overflow((size_t)t->n_rows + 1, (size_t)t->n_columns, &cells)) return error_memory(err);
  t->cells = mem_zero(cells, sizeof *t->cells);
  t->lines = mem_zero((size_t)t->n_rows + 1, sizeof *t->lines);
  t->unquoted = mem_zero(unquoted + 1, 1);
  if (!t->cells || !t->lines || !t->unquoted) return error_memory(err);
  fill(t, begin);
  return UNROLL_OK;
}

unroll_status table_read(table *t, const char *path, const char *tagged, unroll_error *err) {
  char *data;
  size_t size;
  *t = (table){0};
  const unroll_status status = file_read(path, &data, &size, err);
  if (status) return status;
  const char *name = strcmp(path, "-") ? path : "standard input";
  return tagged ? table_parse_tagged(t, name, tagged, data, size, err) : table_parse(t, name, data, size, err);
}

void table_free(table *t) {
  mem_free(t->name);
  mem_free(t->data);
  mem_free(t->cells);
  mem_free(t->lines);
  mem_free(t->unquoted);
  *t = (table){0};
}

unroll_status table_bad(const table *t, int64_t row, int column, size_t skip, unroll_error *err, const char *format, ...) {
  char what[400];
  va_list list;
  va_start(list, format);
  vsnprintf(what, sizeof what, format, list);
  va_end(list);
  const cell *c = table_cell(t, row, column), *name = table_cell(t, 0, column);
  return data_bad_at(t->name, t->data, t->size, c->at + skip, err, "row %" PRId64 ", column '%.*s': %s", table_row(t, row),
                     (int)(name->size < 60 ? name->size : 60), name->text, what);
}
