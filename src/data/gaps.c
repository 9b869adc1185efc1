/* gaps.c - see gaps.h. */
#include "data/gaps.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"

enum { FEW = 100 }; /* so many steps may be missing in any series, however short */

typedef struct reader {
  regular *out;
  dataset *d;
  const table *t;
  int column, series;
  int64_t *rows, *at, n; /* [t->n_rows + 1] rows that are good so far, and their times */
  unroll_error *err;
} reader;

/* --- rows with a date --- */

static unroll_status read_time(const reader *r, int64_t row, time_grid *g, int64_t *at, unroll_error *err) {
  const cell *c = table_cell(r->t, row, r->column);
  const time_grid *first = &r->d->calendar.grid;
  const unroll_status status = table_check(r->t, row, err);
  if (status) return status;
  const char *bad = time_read(c->text, c->size, g, at);
  const int shown = (int)(c->size < 40 ? c->size : 40);
  if (!c->size) return table_bad(r->t, row, r->column, 0, err, "empty: a date is missing");
  if (bad) return table_bad(r->t, row, r->column, 0, err, "'%.*s' is %s", shown, c->text, bad);
  if (r->n && !time_alike(g, first))
    return table_bad(r->t, row, r->column, 0, err, "'%.*s' is written otherwise than the dates before it", shown, c->text);
  return UNROLL_OK;
}

/* A row that is left out, or an error: its message is in *e. */
static unroll_status leave_out(reader *r, unroll_status status, const unroll_error *e) {
  if (status != UNROLL_BAD_INPUT || !r->d->bad.skip) {
    if (r->err) *r->err = *e;
    return status;
  }
  return bad_rows_add(&r->d->bad, e, r->err);
}

static unroll_status read_times(reader *r) {
  unroll_status status = UNROLL_OK;
  for (int64_t row = 1; row <= r->t->n_rows && !status; row++) {
    unroll_error e = {0};
    time_grid g;
    const unroll_status one = read_time(r, row, &g, &r->at[r->n], &e);
    if (one) {
      status = leave_out(r, one, &e);
      continue;
    }
    if (!r->n) r->d->calendar.grid = g;
    r->rows[r->n++] = row;
  }
  if (!status && !r->n) status = error_at(r->err, UNROLL_BAD_INPUT, r->d->name, NULL, 0, 0, "not one row can be read");
  return status;
}

/* --- steps --- */

static bool same_series(const reader *r, int64_t i) {
  const table *t = r->t;
  if (table_file(t, r->rows[i]) != table_file(t, r->rows[i - 1])) return false;
  if (r->series < 0) return true;
  const cell *c = table_cell(t, r->rows[i - 1], r->series), *e = table_cell(t, r->rows[i], r->series);
  return c->size == e->size && !memcmp(c->text, e->text, c->size);
}

/* The first place after `i` that another series has. */
static int64_t series_end(const reader *r, int64_t i) {
  for (i++; i < r->n && same_series(r, i);) i++;
  return i;
}

static void find_step(const reader *r, const time_grid *known) {
  int64_t from = 0, longest = 0;
  for (int64_t i = 0, end; i < r->n; i = end) {
    end = series_end(r, i);
    if (end - i > longest) longest = end - i, from = i;
  }
  time_find_step(&r->d->calendar.grid, r->at + from, longest);
  if (longest == 1 && known) time_take_step(&r->d->calendar.grid, known, r->at, r->n);
}

static unroll_status bad_step(const reader *r, int64_t i, int64_t before, int64_t wanted, unroll_error *err) {
  char is[TIME_TEXT], last[TIME_TEXT], missing[TIME_TEXT], step[TIME_TEXT];
  const time_grid *g = &r->d->calendar.grid;
  const int64_t row = r->rows[i], at = r->at[i];
  time_write(g, at, is);
  time_write(g, before, last);
  time_write(g, wanted, missing);
  time_write_step(g, step);
  if (at == before) return table_bad(r->t, row, r->column, 0, err, "%s is there twice in this series", is);
  if (at < before)
    return table_bad(r->t, row, r->column, 0, err, "%s comes after %s: the rows of a series must be in order of time", is, last);
  return table_bad(r->t, row, r->column, 0, err, "%s comes %s after %s: the step of this file is %s, so %s would be next", is,
                   at < wanted ? "too early" : "between two steps", last, step, missing);
}

static unroll_status too_many(const reader *r, int64_t i, int64_t before, int64_t missing, int64_t there, unroll_error *err) {
  char is[TIME_TEXT], last[TIME_TEXT], step[TIME_TEXT];
  const time_grid *g = &r->d->calendar.grid;
  time_write(g, r->at[i], is);
  time_write(g, before, last);
  time_write_step(g, step);
  return table_bad(r->t, r->rows[i], r->column, 0, err,
                   "%s comes after %s: with a step of %s, %" PRId64 " dates are missing so far, and %" PRId64
                   " rows are there; is a date or the step wrong?",
                   is, last, step, missing, there);
}

/* Leaves the rows that are steps of their series; *total: how many steps the series have together, gaps included. */
static unroll_status check_steps(reader *r, int64_t *total) {
  const time_grid *g = &r->d->calendar.grid;
  unroll_status status = UNROLL_OK;
  int64_t kept = 0;
  *total = 0;
  for (int64_t i = 0, end; i < r->n && !status; i = end) {
    const int64_t first = kept;
    int64_t steps = 1;
    end = series_end(r, i);
    r->rows[kept] = r->rows[i];
    r->at[kept++] = r->at[i];
    for (int64_t k = i + 1; k < end && !status; k++) {
      unroll_error e = {0};
      const int64_t step = time_steps(g, r->at[first], r->at[k]), missing = step + 1 - (kept - first + 1);
      unroll_status one = UNROLL_OK;
      if (r->at[k] <= r->at[kept - 1] || step < 0)
        one = bad_step(r, k, r->at[kept - 1], time_after(g, r->at[first], steps), &e);
      else if (missing > FEW && missing > end - i)
        one = too_many(r, k, r->at[kept - 1], missing, kept - first, &e);
      if (one) {
        status = leave_out(r, one, &e);
        continue;
      }
      r->rows[kept] = r->rows[k];
      r->at[kept++] = r->at[k];
      steps = step + 1;
    }
    *total += steps;
  }
  r->n = kept;
  return status;
}

/* --- the table --- */

static unroll_status make_room(regular *out, const table *t, int64_t n) {
  size_t cells;
  out->t = *t;
  out->t.n_rows = n;
  out->t.cells = NULL;
  out->t.lines = out->t.numbers = out->t.first_row = NULL;
  out->t.broken = NULL;
  if (__builtin_mul_overflow((size_t)n + 1, (size_t)t->n_columns, &cells)) return UNROLL_FAILED;
  out->t.cells = mem_zero(cells, sizeof *out->t.cells);
  out->t.lines = mem_zero((size_t)n + 1, sizeof *out->t.lines);
  out->t.numbers = mem_zero((size_t)n + 1, sizeof *out->t.numbers);
  out->t.broken = mem_zero((size_t)n + 1, sizeof *out->t.broken);
  out->t.first_row = mem_zero((size_t)t->files.n + 1, sizeof *out->t.first_row);
  out->times = mem_zero((size_t)n + 1, sizeof *out->times);
  out->gap = mem_zero((size_t)n + 1, sizeof *out->gap);
  const bool full = out->t.cells && out->t.lines && out->t.numbers && out->t.broken && out->t.first_row && out->times && out->gap;
  return full ? UNROLL_OK : UNROLL_FAILED;
}

/* Row `to` of the new table is row `from` of the old one, or (gap) a row without values just before it. */
static void put_row(const reader *r, int64_t to, int64_t from, bool gap) {
  table *t = &r->out->t;
  cell *cells = &t->cells[to * t->n_columns];
  memcpy(cells, table_cell(r->t, from, 0), (size_t)t->n_columns * sizeof *cells);
  t->lines[to] = r->t->lines[from];
  t->numbers[to] = table_row(r->t, from);
  r->out->gap[to] = gap;
  r->out->n_gaps += gap;
  for (int i = 0; i < t->n_columns && gap; i++)
    if (i != r->series) cells[i].size = 0, cells[i].text = "";
}

static void fill_table(const reader *r) {
  const time_grid *g = &r->d->calendar.grid;
  table *t = &r->out->t;
  int64_t to = 0;
  int file = -1;
  put_row(r, 0, 0, false);
  for (int64_t i = 0, end; i < r->n; i = end) {
    const int64_t first = r->at[i];
    int64_t step = 0;
    end = series_end(r, i);
    for (int64_t k = i; k < end; k++, step++) {
      for (; time_after(g, first, step) != r->at[k]; step++) put_row(r, ++to, r->rows[k], true);
      put_row(r, ++to, r->rows[k], false);
      r->out->times[to] = r->at[k];
      while (file < table_file(r->t, r->rows[k])) t->first_row[++file] = to;
    }
  }
  while (file < t->files.n) t->first_row[++file] = to + 1;
}

unroll_status regular_read(regular *out, dataset *d, const table *t, int column, int series, const time_grid *known,
                           unroll_error *err) {
  reader r = {.out = out, .d = d, .t = t, .column = column, .series = series, .err = err};
  int64_t steps = 0;
  *out = (regular){0};
  r.rows = mem_zero((size_t)t->n_rows + 1, sizeof *r.rows);
  r.at = mem_zero((size_t)t->n_rows + 1, sizeof *r.at);
  unroll_status status = r.rows && r.at ? read_times(&r) : error_memory(err);
  if (!status) {
    find_step(&r, known);
    status = check_steps(&r, &steps);
  }
  if (!status && make_room(out, t, steps)) status = error_memory(err);
  if (!status) fill_table(&r);
  mem_free(r.rows);
  mem_free(r.at);
  return status;
}

void regular_free(regular *r) {
  mem_free(r->t.cells);
  mem_free(r->t.lines);
  mem_free(r->t.numbers);
  mem_free(r->t.broken);
  mem_free(r->t.first_row);
  mem_free(r->times);
  mem_free(r->gap);
  *r = (regular){0};
}

/* --- values --- */

/* The mean of entry j over the observed steps of an example, of its training part if that has some; 0: there are none. */
static double mean_of(const dataset *d, const column_values *c, int64_t example, int width, int j) {
  const int64_t first = c->first[example], ends[2] = {d->calendar.ends[0][example], c->first[example + 1] - first};
  for (int k = 0; k < 2; k++) {
    double sum = 0;
    int64_t n = 0;
    for (int64_t t = 0; t < ends[k]; t++)
      if (c->seen[first + t]) sum += c->exact[(first + t) * width + j], n++;
    if (n) return sum / (double)n;
  }
  return 0;
}

static void fill_example(const dataset *d, column_values *c, const schema *s, int width, int64_t example) {
  const int64_t first = c->first[example], end = c->first[example + 1];
  for (int j = 0; j < width; j++) {
    const double mean = s->time.fill == FILL_MEAN ? mean_of(d, c, example, width, j) : 0;
    int64_t from = first; /* of what comes before the first value, that */
    while (from < end && !c->seen[from]) from++;
    const int64_t season = s->time.fill == FILL_NONE ? time_season(&d->calendar.grid) : 1;
    double last = from < end ? c->exact[from * width + j] : 0;
    for (int64_t t = first; t < end; t++) {
      double *x = &c->exact[t * width + j];
      if (c->seen[t])
        last = *x;
      else if (season > 1 && t - season >= from)
        *x = c->exact[(t - season) * width + j];
      else
        *x = s->time.fill == FILL_ZERO ? 0 : s->time.fill == FILL_MEAN ? mean : last;
    }
  }
}

void dataset_fill(dataset *d, const schema *s) {
  for (int i = 0; i < s->n; i++) {
    column_values *c = &d->columns[i];
    if (!c->there || !c->seen || !c->exact) continue;
    for (int64_t e = 0; e < d->n_sequences; e++) fill_example(d, c, s, s->list[i].width, e);
  }
}

int64_t dataset_unseen(const dataset *d, const schema *s, int i, int64_t example, int64_t from, int64_t to) {
  const column_values *c = &d->columns[i];
  int64_t n = 0;
  if (!c->seen || s->time.fill) return 0;
  for (int64_t t = from; t < to; t++) n += !c->seen[c->first[example] + t];
  return n;
}

bool dataset_has_gaps(const dataset *d, const schema *s) {
  for (int i = 0; i < s->n; i++)
    for (int64_t e = 0; s->list[i].predicted && d->columns && d->calendar.known && e < d->n_sequences; e++)
      if (dataset_unseen(d, s, i, e, 0, d->calendar.known[e])) return true;
  return false;
}
