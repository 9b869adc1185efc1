/* calendar.c - see calendar.h. */
#include "data/calendar.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "read/table.h"

/* --- times --- */

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

unroll_status calendar_read(dataset *d, const regular *r, int series, unroll_error *err) {
  const size_t n = (size_t)d->n_sequences + 1;
  calendar *c = &d->calendar;
  c->missing = r->n_gaps;
  c->first = mem_zero(n, sizeof *c->first);
  c->known = mem_zero(n, sizeof *c->known);
  for (int i = 0; i < 2; i++) c->ends[i] = mem_zero(n, sizeof *c->ends[i]);
  if (!c->first || !c->known || !c->ends[0] || !c->ends[1]) return error_memory(err);
  for (int64_t e = 0; e < d->n_sequences; e++) c->first[e] = r->times[d->row_of[e] - 1];
  return read_names(d, &r->t, series, err);
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
      const series_window *w = &p->windows[k];
      p->n_symbols += (w->count - w->context) * per_step(d, e);
      for (int i = 0; i < s->n; i++)
        if (s->list[i].predicted) p->n_symbols -= dataset_unseen(d, s, i, e, w->from + w->context, w->from + w->count);
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

/* Mean, and deviation or (level) mean of what is above 0, of entry j of n steps; false: none of them was observed. */
static bool scale_of(const dataset *d, const schema *s, int i, int64_t first, int64_t n, int j, double *mean, double *deviation) {
  const variable *v = &s->list[i];
  const column_values *c = &d->columns[i];
  const bool level = s->time.scaling == SCALING_LEVEL;
  double sum = 0, squares = 0;
  int64_t seen = 0;
  for (int64_t k = first; k < first + n; k++) {
    if (!column_seen(c, k)) continue;
    const double x = column_unscaled(c, v, k, j);
    sum += level ? fabs(x) : x;
    seen++;
  }
  if (!seen) return false;
  if (level) {
    if (sum > 0) *deviation = sum / (double)seen;
    return true;
  }
  *mean = sum / (double)seen;
  for (int64_t k = first; k < first + n; k++) {
    if (!column_seen(c, k)) continue;
    const double away = column_unscaled(c, v, k, j) - *mean;
    squares += away * away;
  }
  if (squares > 0) *deviation = sqrt(squares / (double)seen);
  return true;
}

void calendar_scale(const dataset *d, const schema *s, int i, int64_t example, int64_t from, int64_t context, double *mean,
                    double *deviation) {
  const variable *v = &s->list[i];
  const column_values *c = &d->columns[i];
  const int64_t left = d->calendar.known[example] - from, n = at_most(left, context), first = c->first[example];
  for (int j = 0; j < v->width; j++) {
    mean[j] = v->mean ? v->mean[j] : 0;
    deviation[j] = v->mean ? v->deviation[j] : 1;
    if (!calendar_scales(s, i) || variable_stays(v, j) || n < 1) continue;
    if (scale_of(d, s, i, first + from, n, j, &mean[j], &deviation[j])) continue;
    scale_of(d, s, i, first, from, j, &mean[j], &deviation[j]); /* nothing was observed: of all that was before */
  }
}

double calendar_value(const dataset *d, const schema *s, int i, int64_t example, int64_t step, int entry) {
  return column_unscaled(&d->columns[i], &s->list[i], d->columns[i].first[example] + step, entry);
}
