/* calendar.c - see calendar.h. */
#include "data/calendar.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "read/table.h"

/* --- times --- */

static unroll_status read_times(dataset *d, const table *t, int column, int64_t *times, unroll_error *err) {
  for (int64_t row = 1; row <= t->n_rows; row++) {
    const cell *c = table_cell(t, row, column);
    time_grid g;
    const unroll_status status = table_check(t, row, err);
    if (status) return status;
    const char *bad = time_read(c->text, c->size, &g, &times[row]);
    if (!c->size) return table_bad(t, row, column, 0, err, "empty: a date is missing");
    if (bad) return table_bad(t, row, column, 0, err, "'%.*s' is %s", (int)(c->size < 40 ? c->size : 40), c->text, bad);
    if (row == 1) d->calendar.grid = g;
    if (!time_alike(&g, &d->calendar.grid))
      return table_bad(t, row, column, 0, err, "'%.*s' is written otherwise than the dates before it", (int)c->size, c->text);
  }
  return UNROLL_OK;
}

/* The step between the times of the longest series is that of all. Where each has but one time, it is `known`, if not NULL. */
static void find_step(dataset *d, const int64_t *times, int64_t n_times, const time_grid *known) {
  int64_t longest = 0;
  for (int64_t e = 1; e < d->n_sequences; e++)
    if (d->row_of[e + 1] - d->row_of[e] > d->row_of[longest + 1] - d->row_of[longest]) longest = e;
  const int64_t n = d->row_of[longest + 1] - d->row_of[longest];
  time_find_step(&d->calendar.grid, times + d->row_of[longest] - 1, n);
  if (n == 1 && known) time_take_step(&d->calendar.grid, known, times + 1, n_times);
}

static unroll_status bad_step(const dataset *d, const table *t, int64_t row, int column, int64_t before, int64_t wanted, int64_t at,
                              unroll_error *err) {
  char is[TIME_TEXT], last[TIME_TEXT], missing[TIME_TEXT], step[TIME_TEXT];
  const time_grid *g = &d->calendar.grid;
  time_write(g, at, is);
  time_write(g, before, last);
  time_write(g, wanted, missing);
  time_write_step(g, step);
  if (at == before) return table_bad(t, row, column, 0, err, "%s is there twice in this series", is);
  if (at < before)
    return table_bad(t, row, column, 0, err, "%s comes after %s: the rows of a series must be in order of time", is, last);
  if (at < wanted)
    return table_bad(t, row, column, 0, err, "%s comes %s after %s: the step of this file is %s, so %s would be next", is,
                     "too early", last, step, missing);
  return table_bad(t, row, column, 0, err, "%s is missing: %s comes after %s, and the step of this file is %s", missing, is, last,
                   step);
}

static unroll_status check_steps(dataset *d, const table *t, int column, const int64_t *times, unroll_error *err) {
  for (int64_t e = 0; e < d->n_sequences; e++) {
    const int64_t row = d->row_of[e] - 1, n = d->row_of[e + 1] - d->row_of[e];
    d->calendar.first[e] = times[row];
    for (int64_t i = 1; i < n; i++) {
      const int64_t wanted = time_after(&d->calendar.grid, times[row], i);
      if (times[row + i] != wanted) return bad_step(d, t, row + i, column, times[row + i - 1], wanted, times[row + i], err);
    }
  }
  return UNROLL_OK;
}

static unroll_status read_names(dataset *d, const table *t, int series, unroll_error *err) {
  for (int64_t e = 0; e < d->n_sequences && series >= 0; e++) {
    const cell *c = table_cell(t, d->row_of[e] - 1, series);
    const size_t bad = utf8_valid(c->text, c->size);
    if (bad < c->size) return table_bad(t, d->row_of[e] - 1, series, bad, err, "invalid UTF-8");
    const int32_t number = lexicon_add(&d->calendar.names, c->text, c->size);
    if (number < 0) return error_memory(err);
    if (number != e)
      return table_bad(t, d->row_of[e] - 1, series, 0, err,
                       "the series '%.*s' goes on here, but began at row %" PRId64 ": the rows of a series must follow each other",
                       (int)(c->size < 60 ? c->size : 60), c->text, table_row(t, d->row_of[number] - 1));
  }
  return UNROLL_OK;
}

unroll_status calendar_read(dataset *d, const table *t, int column, int series, const time_grid *known, unroll_error *err) {
  const size_t n = (size_t)d->n_sequences + 1;
  int64_t *times = mem_zero((size_t)t->n_rows + 1, sizeof *times);
  calendar *c = &d->calendar;
  c->first = mem_zero(n, sizeof *c->first);
  c->known = mem_zero(n, sizeof *c->known);
  for (int i = 0; i < 2; i++) c->ends[i] = mem_zero(n, sizeof *c->ends[i]);
  unroll_status status = times && c->first && c->known && c->ends[0] && c->ends[1] ? UNROLL_OK : error_memory(err);
  if (!status) status = read_times(d, t, column, times, err);
  if (!status) {
    find_step(d, times, t->n_rows, known);
    status = read_names(d, t, series, err);
  }
  if (!status) status = check_steps(d, t, column, times, err);
  mem_free(times);
  return status;
}

void calendar_write(const dataset *d, int64_t example, int64_t step, char out[TIME_TEXT]) {
  time_write(&d->calendar.grid, time_after(&d->calendar.grid, d->calendar.first[example], step), out);
}

const char *calendar_name(const dataset *d, int64_t example) {
  return d->calendar.names.n ? lexicon_text(&d->calendar.names, (int32_t)example, NULL) : "";
}

/* --- parts --- */

void calendar_cut(dataset *d, double valid_share, double test_share) {
  for (int64_t e = 0; e < d->n_sequences; e++) {
    const double n = (double)d->calendar.known[e];
    const int64_t test = (int64_t)(n * test_share + 0.5), valid = (int64_t)(n * valid_share + 0.5);
    const int64_t left = d->calendar.known[e] - test;
    d->calendar.ends[1][e] = left;
    d->calendar.ends[0][e] = left > valid ? left - valid : 0;
  }
}

static int64_t at_most(int64_t n, int64_t most) { return n < most ? n : most; }

/* Windows of a series: how many, and (out not NULL) which. */
static int64_t train_windows(const dataset *d, const schema *s, int64_t e, int64_t factor, series_window *out) {
  const int64_t length = s->time.context + s->time.horizon, n = d->calendar.ends[0][e];
  if (n < 1) return 0;
  const int64_t all = (n + length - 1) / length * factor, free_starts = n > length ? n - length + 1 : 1;
  const int64_t count = at_most(all, free_starts);
  for (int64_t k = 0; out && k < count; k++) {
    const int64_t from = free_starts * k / count, next = free_starts * (k + 1) / count;
    out[k] = (series_window){.from = from, .spread = next - from - 1, .count = (int)at_most(length, n)};
  }
  return count;
}

/* Counted steps from .. to - 1, a horizon at a time. Where windows are scaled by their context, there must be one. */
static int64_t later_windows(const dataset *d, const schema *s, int64_t e, enum calendar_part which, series_window *out) {
  const int64_t *const *ends = (const int64_t *const *)d->calendar.ends;
  const int64_t to = which == CALENDAR_VALID ? ends[1][e] : d->calendar.known[e];
  int64_t from = which == CALENDAR_VALID ? ends[0][e] : which == CALENDAR_TEST ? ends[1][e] : 0, n = 0;
  if (s->time.scaling && from == 0) from = at_most(s->time.context, to / 2);
  for (; from < to; from += s->time.horizon, n++) {
    const int64_t context = at_most(from, s->time.context), count = at_most(to - from, s->time.horizon);
    if (out) out[n] = (series_window){.from = from - context, .count = (int)(context + count), .context = (int)context};
  }
  return n;
}

static int64_t windows_of(const dataset *d, const schema *s, int64_t e, enum calendar_part which, int64_t factor,
                          series_window *out) {
  return which == CALENDAR_TRAIN ? train_windows(d, s, e, factor, out) : later_windows(d, s, e, which, out);
}

/* Predictions of a series at each step. */
static int64_t per_step(const dataset *d, int64_t e) {
  const int64_t steps = d->row_of[e + 1] - d->row_of[e];
  return steps > 0 ? (d->first[e + 1] - d->first[e]) / steps : 0;
}

unroll_status calendar_part(part *p, const dataset *d, const schema *s, enum calendar_part which, int rows, unroll_error *err) {
  int64_t n = 0, factor = 1;
  *p = (part){.data = d};
  for (int64_t e = 0; e < d->n_sequences; e++) n += windows_of(d, s, e, which, 1, NULL);
  if (which == CALENDAR_TRAIN && n > 0 && n < rows) { /* a short series fills a batch too */
    factor = (rows + n - 1) / n;
    n = 0;
    for (int64_t e = 0; e < d->n_sequences; e++) n += windows_of(d, s, e, which, factor, NULL);
  }
  p->list = mem_zero((size_t)n + 1, sizeof *p->list);
  p->windows = mem_zero((size_t)n + 1, sizeof *p->windows);
  if (!p->list || !p->windows) return error_memory(err);
  for (int64_t e = 0; e < d->n_sequences; e++) {
    const int64_t more = windows_of(d, s, e, which, factor, p->windows + p->n);
    for (int64_t k = p->n; k < p->n + more; k++) {
      p->list[k] = e;
      p->n_symbols += (p->windows[k].count - p->windows[k].context) * per_step(d, e);
    }
    p->n += more;
  }
  return UNROLL_OK;
}

/* --- scales --- */

bool calendar_scales(const schema *s, int i) {
  const variable *v = &s->list[i];
  return s->time.scaling && v->predicted && v->step && !variable_stays(v, 0) && v->form.unit == UNIT_NUMBERS;
}

void calendar_scale(const dataset *d, const schema *s, int i, int64_t example, int64_t from, int64_t context, double *mean,
                    double *deviation) {
  const variable *v = &s->list[i];
  const column_values *c = &d->columns[i];
  const int64_t left = d->calendar.known[example] - from, n = at_most(left, context);
  for (int j = 0; j < v->width; j++) {
    const int64_t first = c->first[example] + from;
    double sum = 0, squares = 0;
    mean[j] = v->mean ? v->mean[j] : 0;
    deviation[j] = v->mean ? v->deviation[j] : 1;
    if (!calendar_scales(s, i) || variable_stays(v, j) || n < 1) continue;
    for (int64_t k = 0; k < n; k++) {
      const double x = column_unscaled(c, v, first + k, j);
      sum += s->time.scaling == SCALING_LEVEL ? fabs(x) : x;
    }
    if (s->time.scaling == SCALING_LEVEL) {
      if (sum > 0) deviation[j] = sum / (double)n;
      continue;
    }
    mean[j] = sum / (double)n;
    for (int64_t k = 0; k < n; k++) {
      const double away = column_unscaled(c, v, first + k, j) - mean[j];
      squares += away * away;
    }
    if (squares > 0) deviation[j] = sqrt(squares / (double)n);
  }
}

double calendar_value(const dataset *d, const schema *s, int i, int64_t example, int64_t step, int entry) {
  return column_unscaled(&d->columns[i], &s->list[i], d->columns[i].first[example] + step, entry);
}
