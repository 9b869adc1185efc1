/* bind.c - cells of a table -> codes and numbers, by the names of the variables. See schema.h for what a cell may hold. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "data/calendar.h"
#include "base/hash.h"
#include "read/picture_cell.h"
#include "data/schema.h"
#include "read/table.h"
#include "symbols/words.h"

typedef struct source { /* where a variable is read from */
  int *columns, n;      /* several: an entry of the vectors each; none: not read */
} source;

typedef struct binder {
  dataset *d;
  const table *t;
  const schema *s;
  source *sources;            /* [s->n] */
  int series;                 /* column, or -1 */
  int time;                   /* column, or -1 */
  bool by_rows;               /* a row is a step rather than an example */
  text small, composed, part; /* scratch: a cell in small letters, in composed form; a part of a word */
  picture_files files;
  unroll_error *err;
} binder;

/* --- columns --- */

static int find_column(const table *t, const char *name) {
  const size_t n = strlen(name);
  for (int i = 0; i < t->n_columns; i++) {
    const cell *c = table_cell(t, 0, i);
    if (c->size == n && !memcmp(c->text, name, n)) return i;
  }
  return -1;
}

static int find_entry(const table *t, const char *name, int number) {
  char all[96];
  snprintf(all, sizeof all, "%.63s%d", name, number);
  return find_column(t, all);
}

/* The number of columns NAME1, NAME2 ... or, from *base = 0, NAME0, NAME1 ... */
static int count_entries(const table *t, const char *name, int *base) {
  int n = 0;
  *base = find_entry(t, name, 0) >= 0 ? 0 : 1;
  while (find_entry(t, name, *base + n) >= 0) n++;
  return n;
}

static unroll_status no_column(const table *t, const char *name, unroll_error *err) {
  text all = {0};
  for (int i = 0; i < t->n_columns && all.length < 300; i++) {
    const cell *c = table_cell(t, 0, i);
    if (!c->size && i == t->series) continue; /* the sentence's number, which tagged text has no name for */
    text_format(&all, "%s%.*s", i ? ", " : "", (int)(c->size < 60 ? c->size : 60), c->text);
  }
  const input_file *f = &t->files.files[0];
  const unroll_status status = input_bad_at(f->name, f->data, f->size, table_cell(t, 0, 0)->at, err,
                                            "there is no column '%s'; the columns are: %s", name, all.data ? all.data : "");
  text_free(&all);
  return status;
}

static unroll_status check_once(const table *t, int column, unroll_error *err) {
  const cell *c = table_cell(t, 0, column);
  for (int i = column + 1; i < t->n_columns; i++) {
    const cell *e = table_cell(t, 0, i);
    if (e->size == c->size && !memcmp(e->text, c->text, c->size)) return table_bad(t, 0, i, 0, err, "two columns have this name");
  }
  return UNROLL_OK;
}

static unroll_status find_source(const binder *b, source *out, const variable *v) {
  const char *name = v->form.from ? v->form.from : v->form.name;
  int base = 0;
  if (v->form.cycles) return UNROLL_OK; /* from the dates */
  out->n = 1;
  const int column = find_column(b->t, name);
  if (column < 0) out->n = v->form.unit == UNIT_NUMBERS ? count_entries(b->t, name, &base) : 0;
  if (!out->n) return no_column(b->t, name, b->err);
  out->columns = mem_zero((size_t)out->n, sizeof *out->columns);
  if (!out->columns) return error_memory(b->err);
  unroll_status status = UNROLL_OK;
  for (int i = 0; i < out->n && !status; i++) {
    out->columns[i] = column >= 0 ? column : find_entry(b->t, name, base + i);
    status = check_once(b->t, out->columns[i], b->err);
  }
  if (!status && column < 0 && v->width && v->width != out->n)
    return table_bad(b->t, 0, out->columns[0], 0, b->err, "'%s' has %d entries, but there are %d columns for it", name, v->width,
                     out->n);
  return status;
}

/* White space separates. */
static bool next_part(const cell *c, size_t *at, size_t *begin) {
  while (*at < c->size && white_byte(c->text[*at])) ++*at;
  *begin = *at;
  while (*at < c->size && !white_byte(c->text[*at])) ++*at;
  return *at > *begin;
}

unroll_status schema_widths(schema *s, const table *t, unroll_error *err) {
  for (int i = 0; i < s->n; i++) {
    variable *v = &s->list[i];
    int base;
    if (v->form.unit != UNIT_NUMBERS || v->form.n_args) continue;
    v->width = v->form.cycles ? 2 * __builtin_popcount(v->form.cycles) : 1;
    if (v->form.cycles || !strcmp(v->form.kind, "number")) continue;
    const int column = find_column(t, v->form.name);
    if (column < 0) {
      v->width = count_entries(t, v->form.name, &base);
      if (!v->width) return no_column(t, v->form.name, err);
      continue;
    }
    for (int64_t row = 1; row <= t->n_rows; row++) {
      const cell *c = table_cell(t, row, column);
      size_t at = 0, begin = 0;
      if (t->broken[row] || !next_part(c, &at, &begin)) continue;
      for (size_t k = begin; k < at; k++) v->width += c->text[k] == ';';
      break;
    }
  }
  return UNROLL_OK;
}

/* --- cells --- */

static unroll_status grow(binder *b, int i) {
  column_values *c = &b->d->columns[i];
  const variable *v = &b->s->list[i];
  if (c->n < c->room) return UNROLL_OK;
  int64_t room, numbers;
  if (__builtin_mul_overflow(c->room ? c->room : 32, (int64_t)2, &room) ||
      __builtin_mul_overflow(room, (int64_t)v->width + 1, &numbers) || numbers > INT64_MAX / 8)
    return error_memory(b->err);
  if (v->form.unit == UNIT_NUMBERS) {
    float *x = mem_resize(c->numbers, (size_t)(room * v->width) * sizeof *x);
    if (!x) return error_memory(b->err);
    c->numbers = x;
  } else {
    int32_t *x = mem_resize(c->symbols, (size_t)room * sizeof *x);
    if (!x) return error_memory(b->err);
    c->symbols = x;
  }
  c->room = room;
  return UNROLL_OK;
}

static unroll_status add_symbol(binder *b, int i, int32_t code) {
  column_values *c = &b->d->columns[i];
  const unroll_status status = grow(b, i);
  if (!status) c->symbols[c->n++] = code;
  return status;
}

static unroll_status add_word(binder *b, int i, const char *s, size_t size) {
  if (b->s->list[i].form.part && !(size == 1 && *s == '\n')) {
    words_part(&b->s->list[i].form, s, size, &b->part);
    if (b->part.failed) return error_memory(b->err);
    s = b->part.data;
    size = b->part.length;
  }
  const int32_t number = lexicon_add(&b->d->columns[i].words, s, size);
  return number < 0 ? error_memory(b->err) : add_symbol(b, i, number);
}

static unroll_status read_number(const binder *b, const variable *v, int64_t row, int column, size_t begin, size_t end,
                                 float *out) {
  const cell *c = table_cell(b->t, row, column);
  double x;
  if (text_number(c->text + begin, end - begin, &x) || !isfinite((float)x))
    return table_bad(b->t, row, column, begin, b->err, end > begin ? "'%.*s' is no number" : "a number is missing",
                     (int)(end - begin < 40 ? end - begin : 40), c->text + begin);
  if (v->counts && (x < 0 || x != floor(x)))
    return table_bad(b->t, row, column, begin, b->err, "'%.*s' is no count, and negative_binomial predicts counts: 0, 1, 2 ...",
                     (int)(end - begin < 40 ? end - begin : 40), c->text + begin);
  *out = (float)x;
  return UNROLL_OK;
}

/* Numbers of one column: each part is a step of `width` numbers with ; between them. */
static unroll_status add_vectors(binder *b, int i, int64_t row, int column) {
  const variable *v = &b->s->list[i];
  const cell *c = table_cell(b->t, row, column);
  size_t at = 0, begin;
  while (next_part(c, &at, &begin)) {
    unroll_status status = grow(b, i);
    if (status) return status;
    float *out = b->d->columns[i].numbers + b->d->columns[i].n++ * v->width;
    size_t from = begin;
    int n = 0;
    for (size_t k = begin; k <= at; k++) {
      if (k < at && c->text[k] != ';') continue;
      if (n == v->width || (k == at && n + 1 < v->width))
        return table_bad(b->t, row, column, begin, b->err, "'%.*s' has %s than %d numbers",
                         (int)(at - begin < 40 ? at - begin : 40), c->text + begin, n == v->width ? "more" : "less", v->width);
      if ((status = read_number(b, v, row, column, from, k, &out[n++]))) return status;
      from = k + 1;
    }
  }
  return UNROLL_OK;
}

/* Pictures: files, or numbers with ; between them. Where a cell is one picture, spaces belong to the name. */
static unroll_status add_pictures(binder *b, int i, int64_t row, int column) {
  const variable *v = &b->s->list[i];
  const cell *c = table_cell(b->t, row, column);
  if (memchr(c->text, ';', c->size)) return add_vectors(b, i, row, column);
  size_t at = 0, begin;
  while (next_part(c, &at, &begin)) {
    if (!v->step || b->by_rows)
      for (at = c->size; white_byte(c->text[at - 1]);) at--;
    unroll_status status = grow(b, i);
    if (status) return status;
    float *out = b->d->columns[i].numbers + b->d->columns[i].n++ * v->width;
    if ((status = picture_of_cell(&b->files, out, &v->shape, b->t, row, column, begin, at, b->err))) return status;
  }
  return UNROLL_OK;
}

/* A column for each entry of the vectors. */
static unroll_status add_entries(binder *b, int i, int64_t row) {
  const variable *v = &b->s->list[i];
  const source *from = &b->sources[i];
  column_values *to = &b->d->columns[i];
  const int64_t start = to->n;
  for (int k = 0; k < from->n; k++) {
    const cell *c = table_cell(b->t, row, from->columns[k]);
    size_t at = 0, begin;
    int64_t n = start;
    for (; next_part(c, &at, &begin); n++) {
      if (k > 0 && n >= to->n) continue; /* only counted */
      unroll_status status = k == 0 ? grow(b, i) : UNROLL_OK;
      if (k == 0 && !status) to->n++;
      if (!status) status = read_number(b, v, row, from->columns[k], begin, at, &to->numbers[n * v->width + k]);
      if (status) return status;
    }
    if (n != to->n)
      return table_bad(b->t, row, from->columns[k], 0, b->err, "%s numbers than in the column '%s%d'", n < to->n ? "less" : "more",
                       v->form.name, find_entry(b->t, v->form.name, 0) >= 0 ? 0 : 1);
  }
  return UNROLL_OK;
}

static unroll_status add_characters(binder *b, int i, int64_t row, int column) {
  const variable *v = &b->s->list[i];
  const cell *c = table_cell(b->t, row, column);
  const char *s = c->text;
  size_t size = c->size;
  unroll_status status = UNROLL_OK;
  if (v->form.nfc) words_compose(s, size, &b->composed), s = b->composed.data, size = b->composed.length;
  if (b->composed.failed) return error_memory(b->err);
  for (size_t k = 0; k < size && !status;) {
    uint32_t code = (unsigned char)s[k];
    int n = 1;
    if (v->form.unit == UNIT_CHARS) n = utf8_decode(s + k, size - k, &code);
    if (code == END_CODE && v->ends)
      return table_bad(b->t, row, column, k, b->err, "a newline in a text that ends with an end symbol");
    status = add_symbol(b, i, (int32_t)code);
    k += (size_t)n;
  }
  return status;
}

/* A cell that is one word or label as it is, small and composed if asked for. */
static unroll_status add_whole(binder *b, int i, const cell *c) {
  const data_form *f = &b->s->list[i].form;
  const char *s = c->text;
  size_t size = c->size;
  if (f->nfc) words_compose(s, size, &b->composed), s = b->composed.data, size = b->composed.length;
  if (f->lower && !b->composed.failed) words_lower(s, size, &b->small), s = b->small.data, size = b->small.length;
  return b->composed.failed || b->small.failed ? error_memory(b->err) : add_word(b, i, s, size);
}

typedef struct taker {
  binder *b;
  int i;
} taker;

static bool take_word(void *context, const char *s, size_t size) {
  const taker *x = context;
  return add_word(x->b, x->i, s, size) == UNROLL_OK;
}

static unroll_status add_words(binder *b, int i, int64_t row, int column) {
  const variable *v = &b->s->list[i];
  const cell *c = table_cell(b->t, row, column);
  const bool whole = b->by_rows || (v->form.unit == UNIT_LABELS && !v->step); /* the cell is one word or label */
  unroll_status status = UNROLL_OK;
  size_t at = 0, begin = 0;
  if (whole) return c->size ? add_whole(b, i, c) : UNROLL_OK;
  if (v->form.unit == UNIT_BPE && v->ends && memchr(c->text, '\n', c->size))
    return table_bad(b->t, row, column, 0, b->err, "a newline in a text that ends with an end symbol");
  if (v->form.unit != UNIT_LABELS) {
    const bool fine = words_each(&v->form, c->text, c->size, take_word, &(taker){b, i});
    status = fine ? UNROLL_OK : error_memory(b->err);
  } else
    while (!status && next_part(c, &at, &begin)) status = add_word(b, i, c->text + begin, at - begin);
  return status;
}

/* Of `time`: what the calendar says about each step. */
static unroll_status add_cycles(binder *b, int i, int64_t example, int64_t from, int64_t to) {
  const calendar *c = &b->d->calendar;
  const variable *v = &b->s->list[i];
  column_values *out = &b->d->columns[i];
  for (int64_t k = from; k < to; k++) {
    const unroll_status status = grow(b, i);
    if (status) return status;
    time_features(v->form.cycles, time_after(&c->grid, c->first[example], k), out->numbers + out->n++ * v->width);
  }
  return UNROLL_OK;
}

/* A step without value, in the future of a series. */
static unroll_status add_unknown(binder *b, int i) {
  column_values *c = &b->d->columns[i];
  const int width = b->s->list[i].width;
  const unroll_status status = grow(b, i);
  if (!status) memset(c->numbers + c->n++ * width, 0, (size_t)width * sizeof *c->numbers);
  return status;
}

/* All that the cells of a row hold of variable i. */
static unroll_status add_row(binder *b, int i, int64_t row) {
  const variable *v = &b->s->list[i];
  const int column = b->sources[i].columns[0];
  const cell *c = table_cell(b->t, row, column);
  if (v->form.unit != UNIT_BYTES) {
    const size_t bad = utf8_valid(c->text, c->size);
    if (bad < c->size) return table_bad(b->t, row, column, bad, b->err, "invalid UTF-8");
  }
  switch (v->form.unit) {
  case UNIT_NUMBERS:
    if (b->sources[i].n > 1) return add_entries(b, i, row);
    return v->shape.channels ? add_pictures(b, i, row, column) : add_vectors(b, i, row, column);
  case UNIT_WORDS:
  case UNIT_BPE:
  case UNIT_LABELS:
    return add_words(b, i, row, column);
  default:
    return add_characters(b, i, row, column);
  }
}

/* --- examples --- */

static unroll_status check_one(const binder *b, int i, int64_t row, int64_t n) {
  const variable *v = &b->s->list[i];
  const int column = b->sources[i].columns[0];
  if (n == 1) return UNROLL_OK;
  const char *what = v->shape.channels              ? "picture"
                     : v->form.unit == UNIT_NUMBERS ? "number"
                     : v->form.unit == UNIT_LABELS  ? "label"
                     : v->form.unit == UNIT_WORDS   ? "word"
                                                    : "symbol";
  if (n == 0) return table_bad(b->t, row, column, 0, b->err, "empty: a %s is missing", what);
  return table_bad(b->t, row, column, 0, b->err, "%" PRId64 " %ss where the net takes one %s", n, what,
                   v->step ? "at each step" : "for each example");
}

static bool is_empty(const binder *b, int i, int64_t row) {
  for (int k = 0; k < b->sources[i].n; k++)
    if (table_cell(b->t, row, b->sources[i].columns[k])->size) return false;
  return true;
}

/* Variable i of the example that is rows from .. to - 1. */
static unroll_status add_example(binder *b, int i, int64_t example, int64_t from, int64_t to) {
  const variable *v = &b->s->list[i];
  column_values *c = &b->d->columns[i];
  const int64_t start = c->n, known = b->time >= 0 && v->predicted ? from + b->d->calendar.known[example] : to;
  unroll_status status = UNROLL_OK;
  if (v->form.cycles) return add_cycles(b, i, example, 0, to - from);
  if (!v->step) {
    int64_t row = to - 1;
    while (row > from && is_empty(b, i, row)) row--;
    c->row[example] = row + 1;
    status = add_row(b, i, row);
    return status ? status : check_one(b, i, row, c->n - start);
  }
  for (int64_t row = from; row < to && !status; row++) {
    const int64_t before = c->n;
    status = row < known ? add_row(b, i, row) : add_unknown(b, i);
    if (!status && b->by_rows) status = check_one(b, i, row, c->n - before);
  }
  if (!status && v->ends) status = unit_has_lexicon(v->form.unit) ? add_word(b, i, "\n", 1) : add_symbol(b, i, END_CODE);
  if (!status && c->n - start >= MAX_LINE)
    return table_bad(b->t, from, b->sources[i].columns[0], 0, b->err, "more than a million steps");
  return status;
}

/* What shares an axis has as many steps. */
static unroll_status check_steps(const binder *b, int64_t example, int64_t row) {
  for (int i = 0; i < b->s->n; i++)
    for (int k = 0; k < i; k++) {
      const variable *v = &b->s->list[i], *w = &b->s->list[k];
      const column_values *c = &b->d->columns[i], *e = &b->d->columns[k];
      if (v->axis < 0 || v->axis != w->axis || !c->there || !e->there) continue;
      const int64_t n = c->n - c->first[example], m = e->n - e->first[example];
      if (n != m)
        return table_bad(b->t, row, b->sources[i].columns[0], 0, b->err,
                         "%" PRId64 " steps, but '%s' has %" PRId64 ", and the net needs as many", n, w->form.name, m);
    }
  return UNROLL_OK;
}

static uint64_t hash_rows(const binder *b, int64_t from, int64_t to) {
  uint64_t h = 0;
  for (int64_t row = from; row < to; row++)
    for (int i = 0; i < b->s->n; i++)
      for (int k = 0; k < b->sources[i].n; k++) {
        const cell *c = table_cell(b->t, row, b->sources[i].columns[k]);
        h = hash_bytes(h, c->text, c->size);
      }
  return h;
}

/* A broken row belongs to what is before it. */
static bool same_series(const binder *b, int64_t row) {
  const table *t = b->t;
  const int64_t first = t->first_row[table_file(t, row)];
  int64_t before = row - 1;
  if (row == first || t->broken[row] || b->series < 0) return b->by_rows && row > first;
  while (before > first && t->broken[before]) before--;
  const cell *c = table_cell(t, before, b->series), *e = table_cell(t, row, b->series);
  return t->broken[before] || (c->size == e->size && !memcmp(c->text, e->text, c->size));
}

/* Takes back what was read of an example. */
static void take_back(binder *b, int64_t example) {
  for (int i = 0; i < b->s->n; i++) {
    column_values *c = &b->d->columns[i];
    if (!c->there) continue;
    for (int64_t n = c->first[example]; c->words.n && n < c->n; n++) c->words.count[c->symbols[n]]--;
    c->n = c->first[example];
  }
}

/* Steps that a series needs after its last row: what is predicted is not known, and what the calendar says is. */
static unroll_status add_future(binder *b, int i, int64_t example, int64_t rows) {
  const calendar *c = &b->d->calendar;
  const variable *v = &b->s->list[i];
  const int64_t wanted = b->time < 0 ? 0 : c->known[example] + b->s->time.future;
  char at[TIME_TEXT];
  unroll_status status = UNROLL_OK;
  if (!v->step || wanted <= rows) return UNROLL_OK;
  if (v->form.cycles) return add_cycles(b, i, example, rows, wanted);
  for (int64_t n = rows; n < wanted && v->predicted && !status; n++) status = add_unknown(b, i);
  if (v->predicted) return status;
  const char *name = calendar_name(b->d, example);
  calendar_write(b->d, example, rows, at);
  return error_at(
      b->err, UNROLL_BAD_INPUT, b->d->name, NULL, 0, 0,
      "%s%s%sthere is no row for %s, and the column '%s' must say what is known of it: a forecast of %d steps needs as many "
      "rows after the last known one, with what is predicted left empty",
      *name ? "series '" : "", name, *name ? "': " : "", at, v->form.name, b->s->time.future);
}

static unroll_status bind_example(binder *b, int64_t example, int64_t from, int64_t to) {
  dataset *d = b->d;
  unroll_status status = UNROLL_OK;
  for (int64_t row = from; row < to && !status; row++) status = table_check(b->t, row, b->err);
  for (int i = 0; i < b->s->n && !status; i++) {
    if (!d->columns[i].there) continue;
    status = add_example(b, i, example, from, to);
    if (!status) status = add_future(b, i, example, to - from);
  }
  return status ? status : check_steps(b, example, from);
}

/* The last rows of a series in which nothing predicted is there are its future. */
static void find_known(binder *b) {
  const dataset *d = b->d;
  for (int64_t e = 0; e < d->n_sequences; e++) {
    const int64_t from = d->row_of[e] - 1;
    int64_t row = d->row_of[e + 1] - 1;
    for (bool empty = true; empty && row > from; row -= empty)
      for (int i = 0; i < b->s->n && empty; i++) empty = !b->s->list[i].predicted || is_empty(b, i, row - 1);
    for (int i = 0; i < 2; i++) d->calendar.ends[i][e] = row - from;
    d->calendar.known[e] = row - from;
  }
}

static unroll_status bind_rows(binder *b) {
  dataset *d = b->d;
  unroll_error message = {0}, *err = b->err;
  for (int64_t example = 0; example < d->n_sequences; example++) {
    const int64_t from = d->row_of[example] - 1, to = d->row_of[example + 1] - 1;
    b->err = bad_rows_place(&d->bad, &message);
    unroll_status status = bind_example(b, example, from, to);
    if (status == UNROLL_FAILED) return error_memory(err);
    if (status) {
      take_back(b, example);
      status = dataset_set_aside(d, example, &message, err);
    }
    if (status) return status;
    for (int i = 0; i < b->s->n; i++)
      if (d->columns[i].there) d->columns[i].first[example + 1] = d->columns[i].n;
    d->hashes[example] = hash_rows(b, from, to);
  }
  b->err = err;
  return dataset_settle(d, b->s, err);
}

static unroll_status make_room(binder *b) {
  dataset *d = b->d;
  d->n_sequences = 1;
  for (int64_t row = 2; row <= b->t->n_rows; row++) d->n_sequences += !same_series(b, row);
  const size_t n = (size_t)d->n_sequences + 1;
  d->first = mem_zero(n, sizeof *d->first);
  d->row_of = mem_zero(n, sizeof *d->row_of);
  d->hashes = mem_zero(n, sizeof *d->hashes);
  d->line_of = mem_zero((size_t)b->t->n_rows + 2, sizeof *d->line_of);
  bool full = d->first && d->row_of && d->hashes && d->line_of;
  for (int i = 0; full && i < b->s->n; i++) {
    column_values *c = &d->columns[i];
    if (!c->there) continue;
    c->first = mem_zero(n, sizeof *c->first);
    if (!b->s->list[i].step) c->row = mem_zero(n, sizeof *c->row);
    full = c->first && (c->row || b->s->list[i].step);
  }
  if (!full) return error_memory(b->err);
  int64_t example = 0;
  for (int64_t row = 1; row <= b->t->n_rows; row++) {
    d->line_of[row + 1] = b->t->lines[row];
    if (row == 1 || !same_series(b, row)) d->row_of[example++] = row + 1;
  }
  d->line_of[1] = b->t->lines[0];
  d->row_of[example] = b->t->n_rows + 2;
  return UNROLL_OK;
}

/* A net for regular series: one time axis, on which numbers are predicted. */
static unroll_status check_forecast(const binder *b) {
  int axis = -1;
  for (int i = 0; i < b->s->n; i++) {
    const variable *v = &b->s->list[i];
    if (v->form.cycles && b->time < 0)
      return error_set(b->err, UNROLL_USAGE, "'%s' comes from dates: name their column with --time", v->form.name);
    if (b->time < 0) continue;
    if (v->predicted && (!v->step || v->form.unit != UNIT_NUMBERS))
      return error_set(b->err, UNROLL_USAGE, "--time is for nets that predict numbers at each step, and '%s' is %s", v->form.name,
                       v->step ? v->form.kind : "predicted once for a series");
    if (v->axis >= 0 && axis >= 0 && v->axis != axis)
      return error_set(b->err, UNROLL_USAGE, "--time is for nets with one time axis, and '%s' has another one", v->form.name);
    if (v->axis >= 0) axis = v->axis;
  }
  return UNROLL_OK;
}

/* The symbols of bpe are not the steps of anything else. */
static unroll_status check_bpe(const binder *b) {
  for (int i = 0; i < b->s->n; i++) {
    const variable *v = &b->s->list[i];
    if (v->form.unit != UNIT_BPE || !v->step) continue;
    if (b->by_rows) return error_set(b->err, UNROLL_USAGE, "'%s' is bpe: a row cannot be a step of it", v->form.name);
    for (int k = 0; k < b->s->n; k++)
      if (k != i && b->s->list[k].axis == v->axis)
        return error_set(b->err, UNROLL_USAGE, "'%s' is bpe, whose steps are its own: '%s' cannot be used with it step by step",
                         v->form.name, b->s->list[k].form.name);
  }
  return UNROLL_OK;
}

/* Is anything there that says how many steps each axis has? What is fed back is generated as long as it is. */
static unroll_status check_axes(const binder *b) {
  for (int i = 0; i < b->s->n; i++) {
    bool known = b->s->list[i].axis < 0;
    for (int k = 0; k < b->s->n; k++)
      known |= b->s->list[k].axis == b->s->list[i].axis && (b->d->columns[k].there || b->s->list[k].fed_back);
    if (!known)
      return error_set(b->err, UNROLL_USAGE, "nothing but '%s', which is to be predicted, says how many steps there are",
                       b->s->list[i].form.name);
  }
  return UNROLL_OK;
}

unroll_status dataset_bind(dataset *d, const table *t, const schema *s, const char *series, enum bind_wanted wanted,
                           unroll_error *err) {
  const char *time = s->time.time;
  binder b = {.d = d, .t = t, .s = s, .series = -1, .time = -1, .err = err};
  *d = (dataset){.lines = true,
                 .n_columns = s->n,
                 .bytes = t->bytes,
                 .hash = t->hash,
                 .by_line = t->by_line,
                 .bad = {.skip = t->skip, .fixed = time != NULL}};
  b.series = t->series;
  const bool tagged = t->series >= 0;
  if (series && tagged) return error_set(err, UNROLL_USAGE, "tagged text has its own sentences: no series can be given");
  if (time && tagged) return error_set(err, UNROLL_USAGE, "tagged text has no column of dates");
  if (time && t->skip)
    return error_set(err, UNROLL_USAGE,
                     "--skip-bad and --time do not go together: a series without one of its steps is another one");
  if (series && (b.series = find_column(t, series)) < 0) return no_column(t, series, err);
  if (time && (b.time = find_column(t, time)) < 0) return no_column(t, time, err);
  b.by_rows = d->stepwise = b.series >= 0 || b.time >= 0;
  const bool truth = wanted != BIND_GIVEN || b.time >= 0; /* the past of what is predicted */
  d->name = mem_text(t->files.files[0].name);
  d->columns = mem_zero((size_t)s->n + 1, sizeof *d->columns);
  b.sources = mem_zero((size_t)s->n + 1, sizeof *b.sources);
  unroll_status status = d->name && d->columns && b.sources ? UNROLL_OK : error_memory(err);
  for (int i = 0; i < s->n && !status; i++) {
    d->columns[i].there = s->list[i].weighs ? wanted == BIND_TRAINING : truth || !s->list[i].predicted;
    if (d->columns[i].there) status = find_source(&b, &b.sources[i], &s->list[i]);
  }
  for (int i = 0; i < t->files.n && !status; i++)
    status = dataset_mark(d, t->files.files[i].name, t->first_row[i] + 1, table_row(t, t->first_row[i]), err);
  if (!status) status = check_bpe(&b);
  if (!status) status = check_axes(&b);
  if (!status) status = check_forecast(&b);
  if (!status) status = make_room(&b);
  if (!status && b.time >= 0) status = calendar_read(d, t, b.time, b.series, s->time.trained ? &s->time.grid : NULL, err);
  if (!status && b.time >= 0) find_known(&b);
  if (!status) status = bind_rows(&b);
  for (int i = 0; b.sources && i < s->n; i++) mem_free(b.sources[i].columns);
  mem_free(b.sources);
  picture_files_free(&b.files);
  text_free(&b.small);
  text_free(&b.composed);
  text_free(&b.part);
  return status;
}
