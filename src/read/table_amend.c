/* table_amend.c - what options say about a table that has been read: other names for its columns, and dates in another order. */
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "read/table_form.h"

static int find(const table *t, const char *name, size_t size) {
  for (int i = 0; i < t->n_columns; i++)
    if (t->cells[i].size == size && !memcmp(t->cells[i].text, name, size)) return i;
  return -1;
}

static unroll_status no_column(const table *t, const char *name, size_t size, unroll_error *err) {
  text all = {0};
  for (int i = 0; i < t->n_columns && all.length < 300; i++)
    if (t->cells[i].size)
      text_format(&all, "%s%.*s", i ? ", " : "", (int)(t->cells[i].size < 60 ? t->cells[i].size : 60), t->cells[i].text);
  error_at(err, UNROLL_BAD_INPUT, t->files.files[0].name, NULL, 0, 0, "there is no column '%.*s'; the columns are: %s",
           (int)(size < 60 ? size : 60), name, all.data ? all.data : "");
  text_free(&all);
  return UNROLL_BAD_INPUT;
}

/* A column that had the new name before has none afterwards. */
static unroll_status rename_columns(table *t, const char *columns, unroll_error *err) {
  t->names = mem_text(columns);
  t->called = mem_zero((size_t)t->n_columns, sizeof *t->called);
  if (!t->names || !t->called) return error_memory(err);
  memcpy(t->called, t->cells, (size_t)t->n_columns * sizeof *t->called);
  for (char *line = t->names, *next; *line; line = next) {
    const size_t size = strcspn(line, "\n");
    next = line + size + (line[size] == '\n');
    const char *equals = memchr(line, '=', size);
    if (!equals || equals == line || equals + 1 == line + size)
      return error_set(err, UNROLL_USAGE, "option 'column' takes NAME=COLUMN, as in y=sales, not '%.*s'",
                       (int)(size < 60 ? size : 60), line);
    const size_t n = (size_t)(equals - line), of = size - n - 1;
    int column = -1;
    for (int i = 0; i < t->n_columns && column < 0; i++)
      if (t->called[i].size == of && !memcmp(t->called[i].text, equals + 1, of)) column = i;
    if (column < 0) return no_column(t, equals + 1, of, err);
    const int hidden = find(t, line, n);
    if (hidden >= 0) t->cells[hidden].size = 0;
    t->cells[column].text = line;
    t->cells[column].size = n;
  }
  return UNROLL_OK;
}

/* Digits, `most` at most; how many. */
static int digits(const cell *c, size_t *at, int most, int *value) {
  int n = 0;
  for (*value = 0; *at < c->size && n < most && c->text[*at] >= '0' && c->text[*at] <= '9'; n++)
    *value = *value * 10 + (c->text[(*at)++] - '0');
  return n;
}

/* 31.12.2024, 12/31/2024 or 2024/12/31, maybe with a time behind it, as ISO 8601. False: none of these, which others look at. */
static bool iso_date(const cell *c, enum table_dates order, text *out) {
  int part[3], n[3], hour, minute;
  size_t at = 0;
  char between = 0;
  for (int i = 0; i < 3; i++) {
    n[i] = digits(c, &at, 4, &part[i]);
    if (!n[i]) return false;
    if (i == 2) break;
    if (at == c->size || !strchr("./-", c->text[at]) || (between && between != c->text[at])) return false;
    between = c->text[at++];
  }
  const bool year_first = n[0] == 4 && n[1] < 3 && n[2] < 3, year_last = n[0] < 3 && n[1] < 3 && n[2] == 4;
  if (!year_first && !(year_last && order != DATES_ISO)) return false;
  const int year = year_first ? 0 : 2, day = year_first ? 2 : order == DATES_DAY_FIRST ? 0 : 1, month = 3 - year - day;
  text_format(out, "%04d-%02d-%02d", part[year], part[month], part[day]);
  if (at == c->size) return true;
  const char space = c->text[at++];
  const size_t from = at;
  if ((space != ' ' && space != 'T') || !digits(c, &at, 2, &hour) || at == c->size || c->text[at++] != ':' ||
      digits(c, &at, 2, &minute) != 2)
    return false;
  text_format(out, "%c%02d:%.*s", space, hour, (int)(c->size - at + 2), c->text + at - 2);
  return from < at;
}

static unroll_status write_dates(table *t, int column, enum table_dates order, unroll_error *err) {
  text all = {0}, one = {0};
  for (int64_t row = 1; row <= t->n_rows && !all.failed && !one.failed; row++) {
    cell *c = &t->cells[row * t->n_columns + column];
    one.length = 0;
    if (!iso_date(c, order, &one)) continue;
    text_add(&all, one.data, one.length);
    c->text = NULL; /* its place in `all`, once that does not move */
    c->size = one.length;
  }
  const bool failed = all.failed || one.failed;
  t->dates = all.data;
  text_free(&one);
  const char *at = t->dates;
  for (int64_t row = 1; row <= t->n_rows; row++) {
    cell *c = &t->cells[row * t->n_columns + column];
    if (c->text) continue;
    c->text = failed ? "" : at;
    c->size = failed ? 0 : c->size;
    at += failed ? 0 : c->size;
  }
  return failed ? error_memory(err) : UNROLL_OK;
}

unroll_status table_amend(table *t, const table_options *o, unroll_error *err) {
  unroll_status status = o->columns && *o->columns ? rename_columns(t, o->columns, err) : UNROLL_OK;
  const int column = o->time ? find(t, o->time, strlen(o->time)) : -1;
  t->decimal = o->decimal ? o->decimal : '.';
  return !status && column >= 0 ? write_dates(t, column, o->dates, err) : status;
}
