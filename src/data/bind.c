/* bind.c - cells of a table -> codes and numbers, by the names of the variables. See schema.h for what a cell may hold. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "data/calendar.h"
#include "base/hash.h"
#include "data/cell.h"
#include "data/columns.h"

typedef struct binder {
  dataset *d;
  const table *t;
  const schema *s;
  column_source *sources; /* [s->n] */
  int series;             /* column, or -1 */
  int time;               /* column, or -1 */
  regular regular;        /* of dates: `t` is its table */
  bool by_rows;           /* a row is a step rather than an example */
  cell_scratch scratch;
  void **states;     /* [s->n] what the readers of cells keep */
  cell_files *files; /* [s->n] */
  unroll_error *err;
} binder;

/* --- cells --- */

static cell_place place_of(binder *b, int i, int64_t row) {
  return (cell_place){.v = &b->s->list[i],
                      .out = &b->d->columns[i],
                      .t = b->t,
                      .row = row,
                      .columns = b->sources[i].columns,
                      .n_columns = b->sources[i].n,
                      .by_rows = b->by_rows,
                      .scratch = &b->scratch,
                      .files = cell_reader_of(&b->s->list[i].form)->shared ? &b->files[i] : NULL,
                      .state = b->states[i],
                      .err = b->err};
}

/* Of `time`: what the calendar says about each step. */
static unroll_status add_cycles(binder *b, int i, int64_t example, int64_t from, int64_t to) {
  const calendar *c = &b->d->calendar;
  const variable *v = &b->s->list[i];
  const cell_place p = place_of(b, i, 0);
  float *out = cell_numbers(&p, to - from);
  for (int64_t k = from; out && k < to; k++)
    time_features(v->form.cycles, time_after(&c->grid, c->first[example], k), out + (k - from) * v->width);
  return out ? UNROLL_OK : UNROLL_FAILED;
}

/* Of `end`: a bit for each step of the variable whose end it is. */
static unroll_status add_ends(binder *b, int i, int64_t example) {
  const cell_place p = place_of(b, i, 0);
  int k = 0;
  while (strcmp(b->s->list[k].form.name, b->s->list[i].form.from)) k++;
  const column_values *c = &b->d->columns[k];
  const int64_t n = c->n - c->first[example];
  float *out = cell_numbers(&p, n);
  for (int64_t t = 0; out && t < n; t++) out[t] = t + 1 == n;
  return out ? UNROLL_OK : UNROLL_FAILED;
}

/* A step without value, in the future of a series. */
static unroll_status add_unknown(binder *b, int i) {
  const cell_place p = place_of(b, i, 0);
  return cell_blank(&p);
}

/* All that the cells of a row hold of variable i. */
static unroll_status add_row(binder *b, int i, int64_t row) {
  const cell_place p = place_of(b, i, row);
  return cell_read(&p);
}

/* --- examples --- */

static unroll_status check_one(const binder *b, int i, int64_t row, int64_t n) {
  const variable *v = &b->s->list[i];
  const int column = b->sources[i].columns[0];
  if (n == 1) return UNROLL_OK;
  const char *what = v->form.of->value;
  if (n == 0) return table_bad(b->t, row, column, 0, b->err, "empty: a %s is missing", what);
  return table_bad(b->t, row, column, 0, b->err, "%" PRId64 " %ss where the net takes one %s", n, what,
                   v->step ? "at each step" : "for each example");
}

static bool is_empty(const binder *b, int i, int64_t row) {
  for (int k = 0; k < b->sources[i].n; k++)
    if (table_cell(b->t, row, b->sources[i].columns[k])->size) return false;
  return true;
}

/* How others write that a number is not there. */
static bool says_none(const cell *c) {
  static const char *const words[] = {"NA", "N/A", "na", "n/a", "NaN", "nan", "NULL", "null", "None"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strlen(words[i]) == c->size && !memcmp(words[i], c->text, c->size)) return true;
  return false;
}

/* A step of a series without a value, or without one of its entries. */
static bool is_missing(const binder *b, int i, int64_t row) {
  const bool numbers = b->s->list[i].form.unit == UNIT_NUMBERS;
  for (int k = 0; k < b->sources[i].n; k++) {
    const cell *c = table_cell(b->t, row, b->sources[i].columns[k]);
    size_t at = 0, begin;
    if (!cell_next(c, &at, &begin) || (numbers && says_none(c))) return true;
  }
  return false;
}

/* Room in c->seen for n steps: what is new there was observed. */
static unroll_status reach_seen(binder *b, column_values *c, int64_t n) {
  if (n <= c->seen_room) return UNROLL_OK;
  const int64_t most = b->t->n_rows + b->d->n_sequences * b->s->time.future + 1;
  const int64_t room = n <= most ? most : 2 * n;
  uint8_t *seen = mem_resize(c->seen, (size_t)room * sizeof *seen);
  if (!seen) return error_memory(b->err);
  memset(seen + c->seen_room, 1, (size_t)(room - c->seen_room));
  c->seen = seen;
  c->seen_room = room;
  return UNROLL_OK;
}

/* Step n of variable i was not observed. */
static unroll_status mark_unseen(binder *b, int i, int64_t n) {
  column_values *c = &b->d->columns[i];
  const unroll_status status = reach_seen(b, c, n + 1);
  if (!status) c->seen[n] = 0;
  return status;
}

/* Variable i must say what is known of a step of the future. */
static unroll_status no_row(const binder *b, int i, int64_t example, int64_t step) {
  char at[TIME_TEXT];
  const char *name = calendar_name(b->d, example);
  calendar_write(b->d, example, step, at);
  return error_at(
      b->err, UNROLL_BAD_INPUT, b->d->name, NULL, 0, 0,
      "%s%s%sthere is no row for %s, and the column '%s' must say what is known of it: a forecast of %d steps needs as many "
      "rows after the last known one, with what is predicted left empty",
      *name ? "series '" : "", name, *name ? "': " : "", at, b->s->list[i].form.name, b->s->time.future);
}

/* Bytes and characters have no symbol for nothing. */
static bool may_lack(const variable *v) { return v->form.unit == UNIT_NUMBERS || unit_has_lexicon(v->form.unit); }

/* Adds this row, a step of a series, to what is known of the series. What is not there was not observed. Nor was what cannot be
 * read, where it may be left out. */
static unroll_status add_known(binder *b, int i, int64_t row) {
  column_values *c = &b->d->columns[i];
  const int64_t before = c->n;
  unroll_error e = {0}, *err = b->err;
  const bool lacks = is_missing(b, i, row) && may_lack(&b->s->list[i]);
  unroll_status status = UNROLL_OK;
  if (!lacks) {
    const bool skips = b->d->bad.skip && may_lack(&b->s->list[i]);
    if (skips) b->err = &e;
    status = add_row(b, i, row);
    if (!status) status = check_one(b, i, row, c->n - before);
    b->err = err;
    if (status != UNROLL_BAD_INPUT || !skips) {
      if (status && skips && err) *err = e;
      return status;
    }
    status = bad_rows_add(&b->d->bad, &e, err);
    const cell_place p = place_of(b, i, row);
    cell_take_back(&p, before);
  }
  if (!status) status = add_unknown(b, i);
  return status ? status : mark_unseen(b, i, before);
}

/* Variable i of the example that is rows from .. to - 1. */
static unroll_status add_example(binder *b, int i, int64_t example, int64_t from, int64_t to) {
  const variable *v = &b->s->list[i];
  column_values *c = &b->d->columns[i];
  const int64_t start = c->n, known = b->time >= 0 ? from + b->d->calendar.known[example] : to;
  unroll_status status = UNROLL_OK;
  if (v->form.cycles) return add_cycles(b, i, example, 0, to - from);
  if (!v->step) {
    int64_t row = to - 1;
    while (row > from && (is_empty(b, i, row) || (b->time >= 0 && b->regular.gap[row]))) row--;
    c->row[example] = row + 1;
    status = add_row(b, i, row);
    return status ? status : check_one(b, i, row, c->n - start);
  }
  for (int64_t row = from; row < to && !status; row++) {
    const int64_t before = c->n;
    if (b->time >= 0 && (row < known || v->predicted)) {
      status = row < known ? add_known(b, i, row) : add_unknown(b, i);
      continue;
    }
    if (b->time >= 0 && b->regular.gap[row]) return no_row(b, i, example, row - from);
    status = add_row(b, i, row);
    if (!status && b->by_rows) status = check_one(b, i, row, c->n - before);
  }
  if (!status && v->ends) {
    const cell_place p = place_of(b, i, 0);
    status = cell_add_end(&p);
  }
  const int64_t most = schema_streams(b->s) ? MAX_STREAM : MAX_LINE;
  if (!status && c->n - start >= most)
    return table_bad(b->t, from, b->sources[i].columns[0], 0, b->err, "more than %s million steps%s", most > MAX_LINE ? "16" : "a",
                     most > MAX_LINE ? "" : "; of a text with 'stream' in its data line 16 million");
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
      if (variable_is_end(v) || variable_is_end(w)) continue; /* as many as what ends, which is on the same axis */
      if (n != m)
        return table_bad(b->t, row, b->sources[i].columns[0], 0, b->err,
                         "%" PRId64 " steps, but '%s' has %" PRId64 ", and the net needs as many%s", n, w->form.name, m,
                         n == 1 && kind_place(v->form.of->words, "whole") >= 0 ? "; 'whole' in its data line takes one for all"
                                                                               : "");
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
    const cell_place p = place_of(b, i, 0);
    for (int64_t n = c->first[example]; n < c->n && n < c->seen_room; n++) c->seen[n] = 1;
    cell_take_back(&p, c->first[example]);
  }
}

/* Steps that a series needs after its last row: what is predicted is not known, and what the calendar says is. */
static unroll_status add_future(binder *b, int i, int64_t example, int64_t rows) {
  const calendar *c = &b->d->calendar;
  const variable *v = &b->s->list[i];
  const int64_t wanted = b->time < 0 ? 0 : c->known[example] + b->s->time.future;
  unroll_status status = UNROLL_OK;
  if (!v->step || wanted <= rows) return UNROLL_OK;
  if (v->form.cycles) return add_cycles(b, i, example, rows, wanted);
  for (int64_t n = rows; n < wanted && v->predicted && !status; n++) status = add_unknown(b, i);
  return v->predicted ? status : no_row(b, i, example, rows);
}

static unroll_status bind_example(binder *b, int64_t example, int64_t from, int64_t to) {
  dataset *d = b->d;
  unroll_status status = UNROLL_OK;
  for (int64_t row = from; row < to && !status; row++) status = table_check(b->t, row, b->err);
  for (int i = 0; i < b->s->n && !status; i++) {
    if (!d->columns[i].there || variable_is_end(&b->s->list[i])) continue;
    status = add_example(b, i, example, from, to);
    if (!status) status = add_future(b, i, example, to - from);
  }
  for (int i = 0; i < b->s->n && !status; i++)
    if (d->columns[i].there && variable_is_end(&b->s->list[i])) status = add_ends(b, i, example);
  return status ? status : check_steps(b, example, from);
}

static void no_value(const binder *b, int64_t example, unroll_error *err) {
  const char *name = calendar_name(b->d, example);
  int i = 0;
  while (i < b->s->n && !b->s->list[i].predicted) i++;
  const int column = i < b->s->n && b->sources[i].n ? b->sources[i].columns[0] : b->time;
  table_bad(b->t, b->d->row_of[example] - 1, column, 0, err,
            "the series %s%s%sthat begins here has no value of what is predicted; leave its rows out (option 'skip-bad' does)",
            *name ? "'" : "", name, *name ? "' " : "");
}

/* The last rows of a series in which nothing predicted is there are its future. There must be a past. */
static unroll_status find_known(binder *b) {
  dataset *d = b->d;
  unroll_status status = UNROLL_OK;
  for (int64_t e = 0; e < d->n_sequences && !status; e++) {
    const int64_t from = d->row_of[e] - 1;
    int64_t row = d->row_of[e + 1] - 1;
    for (bool empty = true; empty && row > from; row -= empty)
      for (int i = 0; i < b->s->n && empty; i++) empty = !b->s->list[i].predicted || is_missing(b, i, row - 1);
    for (int i = 0; i < 2; i++) d->calendar.ends[i][e] = row - from;
    d->calendar.known[e] = row - from;
    if (row > from) continue;
    unroll_error message = {0};
    no_value(b, e, &message);
    if (!d->bad.skip && b->err) *b->err = message;
    status = d->bad.skip ? dataset_set_aside(d, e, &message, b->err) : UNROLL_BAD_INPUT;
  }
  return status;
}

/* How many rows of an example that cannot be read are bad by themselves; at least one, for its rows may not fit together. */
static int64_t count_bad(binder *b, int64_t from, int64_t to) {
  unroll_error *err = b->err;
  int64_t n = 0;
  b->err = NULL;
  for (int64_t row = from; row < to && b->by_rows; row++) {
    bool bad = table_check(b->t, row, NULL) != UNROLL_OK;
    for (int i = 0; i < b->s->n && !bad; i++)
      if (b->d->columns[i].there && b->s->list[i].step && b->sources[i].n)
        bad = b->time >= 0 && is_missing(b, i, row) ? false : is_empty(b, i, row) || add_row(b, i, row) != UNROLL_OK;
    n += bad;
  }
  b->err = err;
  return n ? n : 1;
}

static unroll_status bind_rows(binder *b) {
  dataset *d = b->d;
  unroll_error message = {0}, *err = b->err;
  for (int64_t example = 0; example < d->n_sequences; example++) {
    const int64_t from = d->row_of[example] - 1, to = d->row_of[example + 1] - 1;
    if (d->aside && d->aside[example]) { /* without any value */
      for (int i = 0; i < b->s->n; i++)
        if (d->columns[i].there) d->columns[i].first[example + 1] = d->columns[i].n;
      continue;
    }
    b->err = bad_rows_place(&d->bad, &message);
    unroll_status status = bind_example(b, example, from, to);
    if (status == UNROLL_FAILED)
      return message.message[0] ? error_set(err, UNROLL_FAILED, "%s", message.message) : error_memory(err);
    if (status) {
      d->bad.rows += count_bad(b, from, to) - 1;
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

/* Where rows come from: the first of each file, and those before which some are missing. */
static unroll_status mark_places(binder *b) {
  const table *t = b->t;
  unroll_status status = UNROLL_OK;
  for (int64_t i = 0; i < t->files.n && !status; i++)
    for (int64_t row = t->first_row[i]; row < t->first_row[i + 1] && !status; row++)
      if (row == t->first_row[i] || (t->numbers && t->numbers[row] != t->numbers[row - 1] + 1))
        status = dataset_mark(b->d, t->files.files[i].name, row + 1, table_row(t, row), b->err);
  return status;
}

/* A net for regular series: one time axis, on which numbers are predicted. */
static unroll_status check_forecast(const binder *b) {
  int axis = -1;
  for (int i = 0; i < b->s->n; i++) {
    const variable *v = &b->s->list[i];
    if (v->form.cycles && b->time < 0)
      return error_set(b->err, UNROLL_USAGE, "'%s' comes from dates: name their column with option 'time'", v->form.name);
    if (b->time < 0) continue;
    if (variable_is_end(v))
      return error_set(b->err, UNROLL_USAGE, "'%s' is an end, and series with dates have none: option 'time' is not for this net",
                       v->form.name);
    if (v->predicted && (!v->step || v->form.unit != UNIT_NUMBERS))
      return error_set(b->err, UNROLL_USAGE, "option 'time' is for nets that predict numbers at each step, and '%s' is %s",
                       v->form.name, v->step ? v->form.kind : "predicted once for a series");
    if (v->axis >= 0 && axis >= 0 && v->axis != axis)
      return error_set(b->err, UNROLL_USAGE, "option 'time' is for nets with one time axis, and '%s' has another one",
                       v->form.name);
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

/* Is anything there that says how many steps each axis has? What is fed back is generated as long as it is, and a text of ctc
 * found. */
static unroll_status check_axes(const binder *b) {
  for (int i = 0; i < b->s->n; i++) {
    bool known = b->s->list[i].axis < 0;
    for (int k = 0; k < b->s->n; k++)
      known |=
          b->s->list[k].axis == b->s->list[i].axis && (b->d->columns[k].there || b->s->list[k].fed_back || b->s->list[k].over >= 0);
    if (!known)
      return error_set(b->err, UNROLL_USAGE, "nothing but '%s', which is to be predicted, says how many steps there are",
                       b->s->list[i].form.name);
  }
  return UNROLL_OK;
}

static void binder_free(binder *b) {
  for (int i = 0; b->sources && b->states && b->files && i < b->s->n; i++) {
    const cell_reader *reader = cell_reader_of(&b->s->list[i].form);
    if (reader->end) reader->end(b->states[i]);
    mem_free(b->sources[i].columns);
    cell_files_free(&b->files[i]);
  }
  mem_free(b->sources);
  mem_free(b->states);
  mem_free(b->files);
  regular_free(&b->regular);
  cell_scratch_free(&b->scratch);
}

unroll_status dataset_bind(dataset *d, const table *t, const schema *s, const char *series, enum bind_wanted wanted,
                           unroll_error *err) {
  const char *time = s->time.time;
  binder b = {.d = d, .t = t, .s = s, .series = -1, .time = -1, .err = err};
  *d = (dataset){.n_columns = s->n, .bytes = t->bytes, .hash = t->hash, .by_line = t->by_line, .bad = {.skip = t->skip}};
  b.series = t->series;
  const bool tagged = t->series >= 0;
  if (series && tagged) return error_set(err, UNROLL_USAGE, "tagged text has its own sentences: no series can be given");
  if (time && tagged) return error_set(err, UNROLL_USAGE, "tagged text has no column of dates");
  if (series && (b.series = columns_find(t, series)) < 0) return columns_none(t, series, err);
  if (time && (b.time = columns_find(t, time)) < 0) return columns_none(t, time, err);
  b.by_rows = d->stepwise = b.series >= 0 || b.time >= 0;
  const bool truth = wanted != BIND_GIVEN || b.time >= 0; /* the past of what is predicted */
  d->name = mem_text(t->files.files[0].name);
  d->columns = mem_zero((size_t)s->n + 1, sizeof *d->columns);
  b.sources = mem_zero((size_t)s->n + 1, sizeof *b.sources);
  b.states = mem_zero((size_t)s->n + 1, sizeof *b.states);
  b.files = mem_zero((size_t)s->n + 1, sizeof *b.files);
  unroll_status status = d->name && d->columns && b.sources && b.states && b.files ? UNROLL_OK : error_memory(err);
  for (int i = 0; i < s->n && !status; i++) {
    d->columns[i].there = s->list[i].weighs ? wanted == BIND_TRAINING : truth || !s->list[i].predicted;
    const cell_reader *reader = cell_reader_of(&s->list[i].form);
    if (d->columns[i].there) status = columns_of(&b.sources[i], &s->list[i], t, d, err);
    if (!status && d->columns[i].there && reader->begin) status = reader->begin(&b.states[i], &s->list[i], err);
  }
  if (!status) status = check_bpe(&b);
  if (!status) status = check_axes(&b);
  if (!status) status = check_forecast(&b);
  if (!status && b.time >= 0)
    status = regular_read(&b.regular, d, t, b.time, b.series, s->time.trained ? &s->time.grid : NULL, err);
  if (!status && b.time >= 0) b.t = &b.regular.t;
  if (!status) status = mark_places(&b);
  if (!status) status = make_room(&b);
  if (!status && b.time >= 0) status = calendar_read(d, &b.regular, b.series, err);
  if (!status && b.time >= 0) status = find_known(&b);
  if (!status) status = bind_rows(&b);
  for (int i = 0; i < s->n && !status; i++)
    if (d->columns[i].seen) status = reach_seen(&b, &d->columns[i], d->columns[i].n);
  if (!status && wanted == BIND_TRAINING) status = columns_guess_series(d, b.t, s, b.sources, err);
  binder_free(&b);
  return status;
}
