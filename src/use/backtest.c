/* backtest.c - see backtest.h. */
#include "use/backtest.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/special.h"
#include "data/calendar.h"

enum { USUAL_WINDOWS = 10 };

typedef struct point_sum { /* of one method on one column */
  double absolute, squared, relative, scaled, truth;
  int64_t n, n_scaled;
  double pinball[BACKTEST_LEVELS];
  int64_t covered[BACKTEST_LEVELS];
} point_sum;

typedef struct tester {
  backtest *out;
  const model *m;
  const dataset *d;
  const backtest_options *o;
  point_sum (*sums)[BACKTEST_METHODS]; /* [n_columns] */
  forecast_origin *origins;
  int64_t n;
  double *values;      /* [n_columns][steps] of the series at hand */
  baseline *baselines; /* [n_columns] */
  int64_t example;     /* the series at hand; -1: none */
} tester;

const char *backtest_method(int number) { return number ? baseline_names[number - 1] : "model"; }

/* What the data says; NaN: it was not observed. */
static double value_at(const tester *s, int data, int64_t e, int64_t t, int j) {
  const column_values *c = &s->d->columns[data];
  return column_seen(c, c->first[e] + t) ? calendar_value(s->d, &s->m->schema, data, e, t, j) : (double)NAN;
}

/* --- origins --- */

/* The first step after what the model was trained on, or chosen by, as it remembers: 0 for a series that it has not seen. */
static int64_t seen_until(const tester *s, int64_t e, bool chosen) {
  const series_form *f = &s->m->schema.time;
  const calendar *c = &s->d->calendar;
  const char *name = calendar_name(s->d, e);
  const int32_t number = lexicon_find(&f->names, name, strlen(name));
  if (number < 0) return 0;
  const int64_t seen = chosen ? f->chosen[number] : f->trained[number];
  int64_t low = 0, high = c->known[e]; /* the first step whose time is later */
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (time_after(&c->grid, c->first[e], middle) <= seen)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static unroll_status too_many(const tester *s, int64_t e, int64_t fit, int64_t from, unroll_error *err) {
  char until[TIME_TEXT];
  const char *name = calendar_name(s->d, e);
  calendar_write(s->d, e, from - 1, until);
  return error_set(err, UNROLL_USAGE,
                   "%s%s%sonly %" PRId64
                   " window%s of %d steps come%s after %s, until which the model was trained or chosen, %" PRId64
                   " are asked for; ask for fewer, or say option 'trained'",
                   *name ? "series '" : "", name, *name ? "': " : "", fit, fit == 1 ? "" : "s", s->o->horizon, fit == 1 ? "s" : "",
                   until, s->o->windows);
}

/* The steps of a series after the first that was observed of all that is predicted. */
static int64_t first_seen(const tester *s, int64_t e) {
  int64_t latest = 0;
  for (int k = 0; k < s->m->g.n_losses; k++) {
    int64_t t = 0;
    while (t < s->d->calendar.known[e] && isnan(value_at(s, s->m->g.losses[k].data, e, t, 0))) t++;
    if (t > latest) latest = t;
  }
  return latest;
}

/* The windows of a series, the earliest first. */
static unroll_status add_series(tester *s, int64_t e, unroll_error *err) {
  const int64_t known = s->d->calendar.known[e], stride = s->out->stride, until = seen_until(s, e, true);
  const int64_t begin = 2 + first_seen(s, e); /* a line needs two points */
  const int64_t least = s->o->trained || until < begin ? begin : until;
  const int64_t last = known - s->o->horizon, fit = last >= least ? (last - least) / stride + 1 : 0;
  const int64_t most = s->o->windows ? s->o->windows : USUAL_WINDOWS;
  if (s->o->windows && !s->o->trained && fit < s->o->windows && last >= 2 + (s->o->windows - 1) * stride && until > 2)
    return too_many(s, e, fit, until, err);
  const int64_t count = fit < most ? fit : most;
  if (count < 1 || (s->o->windows && count < s->o->windows)) {
    s->out->skipped++;
    return UNROLL_OK;
  }
  forecast_origin *more = mem_resize(s->origins, (size_t)(s->n + count) * sizeof *more);
  if (!more) return error_memory(err);
  s->origins = more;
  for (int64_t k = 0; k < count; k++) {
    const forecast_origin origin = {.example = e, .at = last - (count - 1 - k) * stride};
    s->origins[s->n++] = origin;
    s->out->seen += origin.at < until;
  }
  s->out->series++;
  return UNROLL_OK;
}

static void find_times(tester *s) {
  int64_t first = INT64_MAX, last = INT64_MIN;
  const calendar *c = &s->d->calendar;
  for (int64_t i = 0; i < s->n; i++) {
    const forecast_origin *o = &s->origins[i];
    const int64_t from = time_after(&c->grid, c->first[o->example], o->at);
    const int64_t to = time_after(&c->grid, c->first[o->example], o->at + s->o->horizon - 1);
    if (from < first) first = from;
    if (to > last) last = to;
  }
  time_write(&c->grid, first, s->out->first);
  time_write(&c->grid, last, s->out->last);
}

/* --- scores --- */

static void add_point(const tester *s, point_sum *p, double truth, double median, double mean, const double *quantiles,
                      double scale) {
  if (isnan(truth)) return; /* not observed */
  const double away = fabs(truth - median), size = fabs(truth) + fabs(median);
  p->n++;
  p->absolute += away;
  p->squared += (truth - mean) * (truth - mean);
  p->relative += size > 0 ? 200 * away / size : 0;
  p->truth += fabs(truth);
  if (!isnan(scale)) {
    p->scaled += away / scale;
    p->n_scaled++;
  }
  for (int i = 0; i < s->o->n_levels; i++) {
    const double q = s->o->levels[i], above = truth - quantiles[i];
    p->pinball[i] += above >= 0 ? q * above : (q - 1) * above;
  }
  for (int i = 0; i < s->out->n_intervals; i++)
    p->covered[i] += truth >= quantiles[s->out->intervals[i].low] && truth <= quantiles[s->out->intervals[i].high];
}

/* The series that a result belongs to: its values, and what the baselines need of them. */
static unroll_status take_series(tester *s, int64_t e, unroll_error *err) {
  int column = 0;
  const int64_t n = s->d->calendar.known[e];
  if (s->example == e) return UNROLL_OK;
  for (int k = 0; k < s->out->n_columns; k++) baseline_free(&s->baselines[k]);
  mem_free(s->values);
  s->values = mem_zero((size_t)n + 1, (size_t)s->out->n_columns * sizeof *s->values);
  if (!s->values) return error_memory(err);
  for (int k = 0; k < s->m->g.n_losses; k++) {
    const int data = s->m->g.losses[k].data;
    for (int j = 0; j < s->m->schema.list[data].width; j++, column++) {
      double *y = s->values + column * n;
      for (int64_t t = 0; t < n; t++) y[t] = value_at(s, data, e, t, j);
      const unroll_status status = baseline_init(&s->baselines[column], y, n, s->out->season, err);
      if (status) return status;
    }
  }
  s->example = e;
  return UNROLL_OK;
}

static void add_baselines(tester *s, int column, int64_t at, int h, double truth, double scale) {
  double point, deviation, quantiles[BACKTEST_LEVELS];
  for (int kind = 0; kind < BASELINE_COUNT; kind++) {
    baseline_at(&s->baselines[column], (enum baseline_kind)kind, at, h + 1, &point, &deviation);
    for (int i = 0; i < s->o->n_levels; i++) quantiles[i] = point + deviation * special_normal_quantile(s->o->levels[i]);
    add_point(s, &s->sums[column][1 + kind], truth, point, point, quantiles, scale);
  }
}

static unroll_status take(void *context, const forecast_result *r, unroll_error *err) {
  tester *s = context;
  double quantiles[BACKTEST_LEVELS];
  int column = 0;
  const int64_t known = s->d->calendar.known[r->origin.example];
  const unroll_status status = take_series(s, r->origin.example, err);
  if (status) return status;
  for (int k = 0; k < r->n; k++)
    for (int j = 0; j < r->parts[k].v->width; j++, column++) {
      const double scale = baseline_scale(&s->baselines[column], r->origin.at);
      for (int h = 0; h < r->horizon; h++) {
        const int64_t place = (int64_t)h * r->parts[k].v->width + j;
        const double *draws = r->parts[k].draws + place * r->samples, truth = s->values[column * known + r->origin.at + h];
        for (int i = 0; i < s->o->n_levels; i++) quantiles[i] = forecast_quantile(draws, r->samples, s->o->levels[i]);
        add_point(s, &s->sums[column][0], truth, forecast_quantile(draws, r->samples, 0.5), r->parts[k].mean[place], quantiles,
                  scale);
        add_baselines(s, column, r->origin.at, h, truth, scale);
      }
    }
  return UNROLL_OK;
}

static void finish(tester *s) {
  for (int c = 0; c < s->out->n_columns; c++)
    for (int k = 0; k < BACKTEST_METHODS; k++) {
      const point_sum *p = &s->sums[c][k];
      backtest_score *to = &s->out->columns[c].scores[k];
      const double n = (double)p->n;
      *to = (backtest_score){.mae = p->absolute / n,
                             .rmse = sqrt(p->squared / n),
                             .smape = p->relative / n,
                             .mase = p->n_scaled ? p->scaled / (double)p->n_scaled : (double)NAN,
                             .nd = p->truth > 0 ? p->absolute / p->truth : (double)NAN};
      for (int i = 0; i < s->o->n_levels; i++) to->pinball[i] = p->pinball[i] / n;
      for (int i = 0; i < s->out->n_intervals; i++) to->covered[i] = (double)p->covered[i] / n;
      s->out->points = p->n;
      s->out->unscaled = p->n - p->n_scaled;
    }
}

/* --- the whole --- */

static void find_intervals(backtest *out, const backtest_options *o) {
  for (int i = 0; i < o->n_levels; i++)
    for (int k = i + 1; k < o->n_levels; k++)
      if (fabs(o->levels[i] + o->levels[k] - 1) < 1e-9) {
        out->intervals[out->n_intervals].low = i;
        out->intervals[out->n_intervals++].high = k;
      }
}

/* The deviation of entry j of a variable, within the training part of all series together. */
static double trained_deviation(const tester *s, int data, int j) {
  double sum = 0, squares = 0, n = 0;
  for (int64_t e = 0; e < s->d->n_sequences; e++)
    for (int64_t t = 0, until = seen_until(s, e, false); t < until; t++)
      if (!isnan(value_at(s, data, e, t, j))) sum += value_at(s, data, e, t, j), n++;
  if (n < 1) return 0;
  for (int64_t e = 0; e < s->d->n_sequences; e++)
    for (int64_t t = 0, until = seen_until(s, e, false); t < until; t++) {
      const double away = value_at(s, data, e, t, j) - sum / n;
      if (!isnan(away)) squares += away * away;
    }
  return sqrt(squares / n);
}

static unroll_status name_columns(tester *s, unroll_error *err) {
  backtest *out = s->out;
  for (int k = 0; k < s->m->g.n_losses; k++) out->n_columns += s->m->schema.list[s->m->g.losses[k].data].width;
  const size_t n = (size_t)out->n_columns + 1;
  out->columns = mem_zero(n, sizeof *out->columns);
  s->sums = mem_zero(n, sizeof *s->sums);
  s->baselines = mem_zero(n, sizeof *s->baselines);
  if (!out->columns || !s->sums || !s->baselines) return error_memory(err);
  int column = 0;
  for (int k = 0; k < s->m->g.n_losses; k++) {
    const variable *v = &s->m->schema.list[s->m->g.losses[k].data];
    for (int j = 0; j < v->width; j++, column++) {
      backtest_column *c = &out->columns[column];
      snprintf(c->name, sizeof c->name, v->width == 1 ? "%.63s" : "%.63s%d", v->form.name, j + 1);
      c->deviation = trained_deviation(s, s->m->g.losses[k].data, j);
    }
  }
  return UNROLL_OK;
}

static unroll_status test(tester *s, pool *workers, volatile sig_atomic_t *stop, unroll_error *err) {
  const forecast_options how = {.horizon = s->o->horizon, .samples = s->o->samples, .seed = s->o->seed, .rows = s->o->rows};
  unroll_status status = name_columns(s, err);
  const int64_t all = s->d->n_sequences, most = s->o->most && s->o->most < all ? s->o->most : all;
  for (int64_t i = 0; i < most && !status; i++) status = add_series(s, all * i / most, err);
  if (status) return status;
  if (!s->n)
    return error_at(
        err, UNROLL_USAGE, s->d->name, NULL, 0, 0,
        "no series is long enough for %s%d steps after what the model was trained on; option 'trained' takes those in it too",
        s->o->windows > 1 ? "so many windows of " : "a window of ", s->o->horizon);
  s->out->windows = s->n;
  find_times(s);
  status = forecast(s->m, s->d, s->origins, s->n, &how, workers, &(forecast_sink){.context = s, .emit = take, .stop = stop}, err);
  if (!status) finish(s);
  return status;
}

unroll_status backtest_run(backtest *out, const model *m, const dataset *d, const backtest_options *o, pool *workers,
                           volatile sig_atomic_t *stop, unroll_error *err) {
  tester s = {.out = out, .m = m, .d = d, .o = o, .example = -1};
  *out = (backtest){.season = o->season ? o->season : time_season(&d->calendar.grid), .stride = o->stride ? o->stride : o->horizon};
  find_intervals(out, o);
  const unroll_status status = test(&s, workers, stop, err);
  for (int k = 0; s.baselines && k < out->n_columns; k++) baseline_free(&s.baselines[k]);
  mem_free(s.baselines);
  mem_free(s.values);
  mem_free(s.sums);
  mem_free(s.origins);
  return status;
}

void backtest_free(backtest *b) {
  mem_free(b->columns);
  *b = (backtest){0};
}
