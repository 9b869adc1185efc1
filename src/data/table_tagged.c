/* table_tagged.c - tagged text as a table: a token a line, its fields apart by white space, empty lines between sentences.
 *
 * The last column has no name and holds "0" and "1" in turn, so that its value changes with every sentence. The row of names is not
 * in the file; its cells say that they are at its beginning. */
#include <inttypes.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "data/table.h"
#include "data/words.h"

/* The next field of a line, which ends at `end`. */
static bool next_field(const char *data, size_t *at, size_t end, size_t *begin) {
  while (*at < end && white_byte(data[*at])) ++*at;
  *begin = *at;
  while (*at < end && !white_byte(data[*at])) ++*at;
  return *at > *begin;
}

static size_t line_end(const table *t, size_t at) {
  const char *end = memchr(t->data + at, '\n', t->size - at);
  return end ? (size_t)(end - t->data) : t->size;
}

/* Names with commas between them, into row 0. */
static unroll_status read_names(table *t, const char *columns, unroll_error *err) {
  int i = 0;
  for (const char *s = columns;; s++) {
    const size_t n = strcspn(s, ",");
    if (!n) return error_set(err, UNROLL_USAGE, "the names of the columns are '%s': one is missing", columns);
    t->cells[i++] = (cell){.text = t->unquoted + (s - columns), .size = n};
    s += n;
    if (!*s) break;
  }
  t->cells[i] = (cell){.text = ""};
  return UNROLL_OK;
}

static unroll_status read_rows(table *t, size_t begin, unroll_error *err) {
  const int fields = t->n_columns - 1;
  int64_t line = 1, row = 0, sentence = 0;
  bool open = false;
  for (size_t at = begin, end; at < t->size; at = end + 1, line++) {
    size_t from, k = at;
    int n = 0;
    end = line_end(t, at);
    cell *c = &t->cells[(row + 1) * t->n_columns];
    for (; next_field(t->data, &k, end, &from); n++)
      if (n < fields) c[n] = (cell){.text = t->data + from, .size = k - from, .at = from};
    if (n && n != fields)
      return data_bad_at(t->name, t->data, t->size, at, err, "%d field%s, but there are %d columns", n, n == 1 ? "" : "s", fields);
    if (!n) {
      sentence += open;
      open = false;
      continue;
    }
    c[fields] = (cell){.text = sentence % 2 ? "1" : "0", .size = 1, .at = at};
    t->lines[++row] = line;
    open = true;
  }
  t->n_rows = row;
  return row ? UNROLL_OK : error_at(err, UNROLL_BAD_INPUT, t->name, NULL, 0, 0, "the file has no rows");
}

unroll_status table_parse_tagged(table *t, const char *name, const char *columns, char *data, size_t size, unroll_error *err) {
  *t = (table){.name = mem_text(name), .data = data, .size = size, .series = -1};
  if (!t->name) return error_memory(err);
  const size_t begin = size >= 3 && !memcmp(data, "\xef\xbb\xbf", 3) ? 3 : 0;
  if (size == begin) return error_at(err, UNROLL_BAD_INPUT, name, NULL, 0, 0, "the file is empty");
  const char *nul = memchr(data, 0, size);
  if (nul) return data_bad_at(name, data, size, (size_t)(nul - data), err, "a NUL: this is not a text");
  size_t lines = 2, n = 2, cells;
  for (size_t i = 0; i < size; i++) lines += data[i] == '\n';
  for (const char *s = columns; *s; s++) n += *s == ',';
  if (n > TABLE_MAX_COLUMNS) return error_set(err, UNROLL_USAGE, "too many columns");
  if (__builtin_mul_overflow(lines, n, &cells)) return error_memory(err);
  t->n_columns = (int)n;
  t->series = (int)n - 1;
  t->cells = mem_zero(cells, sizeof *t->cells);
  t->lines = mem_zero(lines, sizeof *t->lines);
  t->unquoted = mem_text(columns); /* the names */
  if (!t->cells || !t->lines || !t->unquoted) return error_memory(err);
  const unroll_status status = read_names(t, columns, err);
  return status ? status : read_rows(t, begin, err);
}
