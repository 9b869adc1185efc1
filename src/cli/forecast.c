/* forecast.c - back-tests as a table or JSON. */
#include "cli/forecast.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "cli/data.h"
#include "cli/figures.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "data/calendar.h"
#include "use/backtest.h"

enum { SAMPLES = 200, ROWS = 1024 };

static unroll_status refuse(const char *option, unroll_error *err) {
  return error_set(err, UNROLL_USAGE, "--%s does not go together with series with dates, which this model is for", option);
}

unroll_status forecast_check(const model *m, const options *o, bool quantiles, unroll_error *err) {
  const char *given = o->time                      ? "time"
                      : o->horizon > 0             ? "horizon"
                      : o->backtest > 0            ? "backtest"
                      : o->stride > 0              ? "stride"
                      : o->season > 0              ? "season"
                      : o->trained                 ? "trained"
                      : o->quantiles && !quantiles ? "quantiles"
                                                   : NULL;
  const char *other = o->tagged        ? "tagged"
                      : o->folders     ? "labels-from-folders"
                      : o->confusion   ? "confusion"
                      : o->beam > 0    ? "beam"
                      : o->best > 0    ? "n-best"
                      : o->length > 0  ? "length"
                      : o->probability ? "probability"
                      : o->decode      ? "decode"
                                       : NULL;
  const bool timed = m->schema.time.time != NULL;
  if (timed && other) return refuse(other, err);
  if (timed || !given) return UNROLL_OK;
  return error_set(err, UNROLL_USAGE, "--%s is for models of series with dates, and this one was trained without --time", given);
}

unroll_status forecast_levels(levels *q, const char *list, unroll_error *err) {
  for (const char *at = list ? list : "0.1,0.5,0.9";; at++) {
    const size_t n = strcspn(at, ",");
    double x;
    if (q->n == BACKTEST_LEVELS) return error_set(err, UNROLL_USAGE, "--quantiles takes at most %d", BACKTEST_LEVELS);
    if (text_number(at, n, &x) || !(x > 0 && x < 1) || (q->n && x <= q->list[q->n - 1]))
      return error_set(err, UNROLL_USAGE,
                       "--quantiles takes numbers between 0 and 1, increasing, with commas between them, not '%s'", list);
    q->list[q->n++] = x;
    at += n;
    if (!*at) return UNROLL_OK;
  }
}

static int horizon_of(const model *m, const options *o) { return o->horizon > 0 ? (int)o->horizon : m->schema.time.horizon; }
static int64_t samples_of(const options *o) { return o->samples > 0 ? o->samples : SAMPLES; }
static uint64_t seed_of(const options *o) { return o->seed >= 0 ? (uint64_t)o->seed : 1; }
static int rows_of(const options *o) { return o->batch > 0 ? (int)o->batch : ROWS; }

/* --- eval --- */

static void print_table(const backtest *b, const backtest_options *how, const levels *q, const backtest_column *c) {
  printf("\n  %-16s%10s%10s%9s%8s", c->name, "MAE", "RMSE", "sMAPE", "MASE");
  for (int i = 0; i < q->n; i++) printf("%s%10g", i ? "" : "  pinball", q->list[i]);
  for (int i = 0; i < b->n_intervals; i++) printf("  %3.0f %% covers", 100 * backtest_share(b, how, i));
  printf("\n");
  for (int k = 0; k < BACKTEST_METHODS; k++) {
    const backtest_score *s = &c->scores[k];
    printf("  %-16s%10.4g%10.4g%9.2f", backtest_method(k), s->mae, s->rmse, s->smape);
    if (isfinite(s->mase))
      printf("%8.3f", s->mase);
    else
      printf("%8s", "-"); /* no series is longer than a season, or none ever changes */
    for (int i = 0; i < q->n; i++) printf("%s%10.4g", i ? "" : "         ", s->pinball[i]);
    for (int i = 0; i < b->n_intervals; i++) printf("%12.1f %%", 100 * s->covered[i]);
    printf("\n");
  }
  if (c->deviation > 0)
    printf("  in deviations of the training part, the model: MAE %.4f, MSE %.4f\n", c->scores[0].mae / c->deviation,
           c->scores[0].rmse / c->deviation * c->scores[0].rmse / c->deviation);
}

static void print_backtest(const backtest *b, const backtest_options *how, const levels *q) {
  const int horizon = how->horizon;
  char windows[32], points[32], series[32];
  printf("%s window%s of %d step%s from %s to %s, %s series, %s points; season %" PRId64 ", %" PRId64 " paths\n",
         output_count(b->windows, windows), b->windows == 1 ? "" : "s", horizon, horizon == 1 ? "" : "s", b->first, b->last,
         output_count(b->series, series), output_count(b->points, points), b->season, how->samples);
  if (b->skipped) printf("%s series too short for them\n", output_count(b->skipped, series));
  if (b->seen) printf("%s of them begin in what the model was trained on or chosen by\n", output_count(b->seen, windows));
  for (int i = 0; i < b->n_columns; i++) print_table(b, how, q, &b->columns[i]);
}

static json_t *backtest_json(const backtest *b, const backtest_options *how, const dataset *d) {
  figures f = {0};
  backtest_figures(&f, b, how);
  json_t *out = f.failed ? NULL : figures_json(&f);
  if (out) data_report_json(out, d);
  figures_free(&f);
  return out;
}

unroll_status forecast_eval(model *m, const options *o, pool *workers, unroll_error *err) {
  dataset d = {0};
  backtest b = {0};
  levels q = {0};
  backtest_options how = {.horizon = horizon_of(m, o),
                          .windows = o->backtest > 0 ? o->backtest : 0,
                          .stride = o->stride > 0 ? o->stride : 0,
                          .season = o->season > 0 ? o->season : 0,
                          .samples = samples_of(o),
                          .seed = seed_of(o),
                          .rows = rows_of(o),
                          .trained = o->trained};
  const data_options form = data_how(o, BIND_TRUTH);
  text paths = {0};
  unroll_status status = forecast_levels(&q, o->quantiles, err);
  memcpy(how.levels, q.list, sizeof how.levels);
  how.n_levels = q.n;
  if (!status) status = data_paths(o, 1, &paths, err);
  if (!status) status = forecast_read(&d, m, paths.data, &form, o->time, 0, err);
  if (!status) data_report(&d);
  if (!status) status = backtest_run(&b, m, &d, &how, workers, signals_flag(), err);
  if (!status && o->json) status = output_json(backtest_json(&b, &how, &d), err);
  if (!status && !o->json) print_backtest(&b, &how, &q);
  text_free(&paths);
  backtest_free(&b);
  dataset_free(&d);
  return status;
}
