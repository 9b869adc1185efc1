/* table_json.c - JSON lines as a table: a line an object, its keys the columns, in the order in which they first come.
 *
 * jansson says whether a line is good and what its strings are. A second walk through the good text finds where each value
 * stands in the file. So cells point into the file's bytes, except strings with escapes. A null, and a key that a line lacks,
 * is an empty cell. Lists and objects in an object are looked for before jansson sees the line: what it takes is then bounded
 * by the text. */
#include <string.h>
#include "base/budget.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "io/json.h"
#include "read/table_form.h"

enum { SLOTS = 2 * TABLE_MAX_COLUMNS };

typedef struct pair {
  int64_t row;
  int column;   /* -1: here the row begins */
  bool decoded; /* the text lies in `texts`, from c.text on, which is an offset */
  size_t from;
  cell c;
} pair;

typedef struct reader {
  table *t;
  const input_file *f;
  text texts; /* names of columns, and strings with escapes */
  pair *pairs;
  size_t n, room;
  struct name {
    size_t from, size, at;
  } * names;        /* [t->n_columns] in texts */
  int32_t *slots;   /* [SLOTS] a column + 1; 0: free */
  int64_t row_room; /* of lines and broken */
  int guess;        /* the column that comes next if this line has the keys of the last one */
  unroll_error *err;
} reader;

static bool is_white(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static unroll_status grow(reader *r) {
  table *t = r->t;
  if (r->n == r->room) {
    const size_t room = r->room ? 2 * r->room : 64;
    pair *pairs = mem_resize(r->pairs, room * sizeof *pairs);
    if (!pairs) return error_memory(r->err);
    r->pairs = pairs;
    r->room = room;
  }
  if (t->n_rows + 1 < r->row_room) return UNROLL_OK;
  const int64_t room = 2 * r->row_room + 64;
  int64_t *lines = mem_resize(t->lines, (size_t)room * sizeof *lines);
  if (lines) t->lines = lines;
  int32_t *broken = mem_resize(t->broken, (size_t)room * sizeof *broken);
  if (broken) t->broken = broken;
  if (!lines || !broken) return error_memory(r->err);
  r->row_room = room;
  return UNROLL_OK;
}

static bool is_name(const reader *r, int column, const char *key, size_t size) {
  const struct name *n = &r->names[column];
  return n->size == size && !memcmp(r->texts.data + n->from, key, size);
}

/* The column of a key, a new one where there is none. */
static unroll_status find_column(reader *r, const char *key, size_t size, size_t at, int *column) {
  table *t = r->t;
  if (r->guess < t->n_columns && is_name(r, r->guess, key, size)) {
    *column = r->guess++;
    return UNROLL_OK;
  }
  size_t slot = hash_bytes(0, key, size) % SLOTS;
  for (; r->slots[slot]; slot = (slot + 1) % SLOTS)
    if (is_name(r, r->slots[slot] - 1, key, size)) {
      *column = r->slots[slot] - 1;
      r->guess = *column + 1;
      return UNROLL_OK;
    }
  if (t->n_columns == TABLE_MAX_COLUMNS)
    return input_bad_at(r->f->name, r->f->data, r->f->size, at, r->err, "more than %d keys", TABLE_MAX_COLUMNS);
  if ((t->n_columns & (t->n_columns - 1)) == 0) { /* 0, 1, 2, 4 ... */
    void *names = mem_resize(r->names, 2 * (size_t)(t->n_columns + 1) * sizeof *r->names);
    if (!names) return error_memory(r->err);
    r->names = names;
  }
  r->names[t->n_columns] = (struct name){.from = r->texts.length, .size = size, .at = at};
  text_add(&r->texts, key, size);
  if (r->texts.failed) return error_memory(r->err);
  r->slots[slot] = ++t->n_columns;
  *column = t->n_columns - 1;
  r->guess = t->n_columns;
  return UNROLL_OK;
}

/* Behind the string that begins at `at`, in good JSON; *plain: it has no escapes. */
static size_t behind_string(const char *s, size_t at, bool *plain) {
  *plain = true;
  for (at++; s[at] != '"'; at++)
    if (s[at] == '\\') {
      *plain = false;
      at++;
    }
  return at + 1;
}

/* The members of a good object, which begins at `at`. */
static unroll_status take_members(reader *r, json_t *object, size_t at) {
  const char *s = r->f->data, *key;
  json_t *value;
  unroll_status status = UNROLL_OK;
  at++;
  json_object_foreach(object, key, value) {
    bool plain;
    while (s[at] != '"') at++;
    const size_t at_key = at;
    at = behind_string(s, at, &plain);
    while (s[at] == ':' || s[at] == '\n' || is_white(s[at])) at++;
    pair p = {.row = r->t->n_rows + 1, .c = {.text = s + at, .at = at}};
    if (json_is_string(value)) {
      const size_t end = behind_string(s, at, &plain);
      p.c = (cell){.text = s + at + 1, .size = end - at - 2, .at = at + 1};
      at = end;
      if (!plain) {
        p.decoded = true;
        p.from = r->texts.length;
        p.c.size = json_string_length(value);
        text_add(&r->texts, json_string_value(value), p.c.size);
        if (r->texts.failed) status = error_memory(r->err);
      }
    } else {
      while (s[at] != ',' && s[at] != '}' && !is_white(s[at])) at++;
      p.c.size = json_is_null(value) ? 0 : at - p.c.at;
    }
    if (!status) status = find_column(r, key, strlen(key), at_key, &p.column);
    if (!status) status = grow(r);
    if (status) break;
    r->pairs[r->n++] = p;
  }
  return status;
}

/* What stands in the way of an object between `at` and `end`: 0, or a number for table.broken, and *at its place. */
static int32_t trouble(const char *s, size_t *at, size_t end) {
  if (s[*at] != '{') return TABLE_NOT_OBJECT;
  for (size_t i = *at + 1; i < end; i++) {
    if (s[i] == '"')
      for (i++; i < end && s[i] != '"'; i++) i += s[i] == '\\';
    else if (s[i] == '{' || s[i] == '[') {
      *at = i;
      return TABLE_NESTED;
    }
  }
  return 0;
}

static unroll_status read_line(reader *r, size_t at, size_t end, int64_t line) {
  table *t = r->t;
  unroll_status status = grow(r);
  if (status) return status;
  int32_t broken = trouble(r->f->data, &at, end);
  json_error_t error;
  int starved = 0;
  json_t *object = broken ? NULL : json_read(r->f->data + at, end - at, &error, &starved);
  if (starved) return error_memory(r->err);
  if (!broken && !object) {
    broken = TABLE_NOT_JSON;
    at += error.position > 0 && (size_t)error.position <= end - at ? (size_t)error.position - 1 : 0;
  }
  r->guess = 0;
  r->pairs[r->n++] = (pair){.row = t->n_rows + 1, .column = -1, .c = {.at = at}};
  if (object) status = take_members(r, object, at);
  json_decref(object);
  if (status) return status;
  t->n_rows++;
  t->lines[t->n_rows] = line;
  t->broken[t->n_rows] = broken;
  return UNROLL_OK;
}

static unroll_status read_file(reader *r, int i) {
  table *t = r->t;
  const input_file *f = r->f = &t->files.files[i];
  size_t at = text_begin(f);
  unroll_status status = text_of_table(f, at, r->err);
  int64_t line = 1;
  t->first_row[i] = t->n_rows + 1;
  for (size_t end; at < f->size && !status; at = end + 1, line++) {
    const char *newline = memchr(f->data + at, '\n', f->size - at);
    end = newline ? (size_t)(newline - f->data) : f->size;
    while (at < end && is_white(f->data[at])) at++;
    if (at < end) status = read_line(r, at, end, line);
  }
  t->first_row[i + 1] = t->n_rows + 1;
  if (!status && t->first_row[i] > t->n_rows)
    return error_at(r->err, UNROLL_BAD_INPUT, f->name, NULL, 0, 0, "the file has no rows");
  return status;
}

/* The pairs become cells. */
static unroll_status fill(reader *r) {
  table *t = r->t;
  size_t bytes;
  const input_file *first = &t->files.files[0];
  if (!t->n_columns) /* not one line is good: the first says why */
    return input_bad_at(first->name, first->data, first->size, r->pairs[0].c.at, r->err, "%s",
                        t->broken[1] ? table_problem(t->broken[1]) : "an object without keys");
  if (__builtin_mul_overflow((size_t)t->n_rows + 1, (size_t)t->n_columns * sizeof *t->cells, &bytes) || bytes > budget_bytes())
    return error_at(r->err, UNROLL_BAD_INPUT, r->f->name, NULL, 0, 0,
                    "%lld lines with %d different keys are a table of %zu MB: lines should have their keys in common",
                    (long long)t->n_rows, t->n_columns, bytes >> 20);
  t->cells = mem_zero(1, bytes);
  if (!t->cells) return error_memory(r->err);
  t->unquoted = r->texts.data;
  r->texts = (text){0};
  for (int k = 0; k < t->n_columns; k++)
    t->cells[k] = (cell){.text = t->unquoted + r->names[k].from, .size = r->names[k].size, .at = r->names[k].at};
  for (size_t i = 0; i < r->n; i++) {
    const pair *p = &r->pairs[i];
    cell *row = t->cells + p->row * t->n_columns;
    for (int k = 0; k < t->n_columns && p->column < 0; k++) row[k] = (cell){.text = "", .at = p->c.at};
    if (p->column < 0) continue;
    row[p->column] = p->c;
    if (p->decoded) row[p->column].text = t->unquoted + p->from;
  }
  return UNROLL_OK;
}

bool json_fits(const input_file *f) {
  size_t i = text_begin(f);
  while (i < f->size && (f->data[i] == '\n' || is_white(f->data[i]))) i++;
  if (i == f->size || f->data[i++] != '{') return false;
  while (i < f->size && is_white(f->data[i])) i++;
  return i < f->size && f->data[i] == '"';
}

unroll_status json_parse(table *t, const table_options *o, unroll_error *err) {
  (void)o;
  reader r = {.t = t, .slots = mem_zero(SLOTS, sizeof *r.slots), .err = err};
  t->by_line = true;
  unroll_status status = r.slots ? grow(&r) : error_memory(err);
  if (!status) {
    t->lines[0] = 1;
    t->broken[0] = 0;
  }
  for (int i = 0; i < t->files.n && !status; i++) status = read_file(&r, i);
  if (!status) status = fill(&r);
  text_free(&r.texts);
  mem_free(r.pairs);
  mem_free(r.names);
  mem_free(r.slots);
  return status;
}
