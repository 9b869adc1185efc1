/* forecast.c - forecasts as CSV or JSON, back-tests as a table or JSON. */
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

typedef struct printer {
  const options *o;
  const model *m;
  const dataset *d;
  levels q;
  json_t *list;
} printer;

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

/* --- predict --- */

/* A field by RFC 4180. */
static void add_field(text *out, const char *s) {
  if (!strpbrk(s, ",\"\r\n")) {
    text_format(out, "%s", s);
    return;
  }
  text_add(out, "\"", 1);
  for (; *s; s++) text_add(out, *s == '"' ? "\"\"" : s, *s == '"' ? 2 : 1);
  text_add(out, "\"", 1);
}

static unroll_status print(text *out, unroll_error *err) {
  const bool failed = out->failed != 0;
  if (!failed && out->length) fwrite(out->data, 1, out->length, stdout);
  text_free(out);
  if (failed) return error_memory(err);
  return ferror(stdout) ? error_set(err, UNROLL_FAILED, "cannot write to standard output") : UNROLL_OK;
}

static unroll_status print_head(const printer *p, unroll_error *err) {
  text out = {0};
  const series_form *f = &p->m->schema.time;
  if (f->series) add_field(&out, f->series), text_add(&out, ",", 1);
  add_field(&out, f->time);
  text_format(&out, ",variable,mean");
  for (int i = 0; i < p->q.n; i++) text_format(&out, ",%.15g", p->q.list[i]);
  text_add(&out, "\n", 1);
  return print(&out, err);
}

static void entry_name(const variable *v, int entry, char out[80]) {
  snprintf(out, 80, v->width == 1 ? "%.63s" : "%.63s%d", v->form.name, entry + 1);
}

static void add_row(const printer *p, text *out, const forecast_result *r, int k, int h, int entry) {
  const forecast_part *one = &r->parts[k];
  const int64_t place = (int64_t)h * one->v->width + entry;
  char name[80], at[TIME_TEXT];
  if (p->m->schema.time.series) add_field(out, calendar_name(p->d, r->origin.example)), text_add(out, ",", 1);
  calendar_write(p->d, r->origin.example, r->origin.at + h, at);
  entry_name(one->v, entry, name);
  text_format(out, "%s,%s,", at, name);
  text_add_number(out, one->mean[place]);
  for (int i = 0; i < p->q.n; i++) {
    text_add(out, ",", 1);
    text_add_number(out, forecast_quantile(one->draws + place * r->samples, r->samples, p->q.list[i]));
  }
  text_add(out, "\n", 1);
}

static json_t *row_json(const printer *p, const forecast_result *r, int k, int h, int entry) {
  const forecast_part *one = &r->parts[k];
  const int64_t place = (int64_t)h * one->v->width + entry;
  const char *series = calendar_name(p->d, r->origin.example);
  char name[80], at[TIME_TEXT], level[32];
  calendar_write(p->d, r->origin.example, r->origin.at + h, at);
  entry_name(one->v, entry, name);
  json_t *quantiles = json_object();
  for (int i = 0; i < p->q.n; i++) {
    snprintf(level, sizeof level, "%.15g", p->q.list[i]);
    json_object_set_new(quantiles, level,
                        json_number(forecast_quantile(one->draws + place * r->samples, r->samples, p->q.list[i])));
  }
  json_t *row = json_pack("{s:s, s:s, s:o, s:o}", "time", at, "variable", name, "mean", json_number(one->mean[place]), "quantiles",
                          quantiles);
  if (row && p->m->schema.time.series) json_object_set_new(row, "series", output_json_text(series, strlen(series)));
  return row;
}

static unroll_status emit(void *context, const forecast_result *r, unroll_error *err) {
  printer *p = context;
  text out = {0};
  for (int k = 0; k < r->n; k++)
    for (int h = 0; h < r->horizon; h++)
      for (int j = 0; j < r->parts[k].v->width; j++) {
        if (!p->list)
          add_row(p, &out, r, k, h, j);
        else if (json_array_append_new(p->list, row_json(p, r, k, h, j)))
          return error_memory(err);
      }
  return print(&out, err);
}

/* Draws of symbols have these; paths are drawn as the distribution says. Only predict has the options. */
static unroll_status refuse_choice(const options *o, unroll_error *err) {
  const char *given = !isnan(o->temperature) ? "temperature"
                      : !isnan(o->bias)      ? "bias"
                      : o->top_k >= 0        ? "top-k"
                      : !isnan(o->top_p)     ? "top-p"
                                             : NULL;
  return given ? refuse(given, err) : UNROLL_OK;
}

unroll_status forecast_predict(model *m, const options *o, const char *paths, pool *workers, unroll_error *err) {
  dataset d = {0};
  printer p = {.o = o, .m = m, .d = &d, .list = o->json ? json_array() : NULL};
  const forecast_options how = {.horizon = horizon_of(m, o), .samples = samples_of(o), .seed = seed_of(o), .rows = rows_of(o)};
  const forecast_sink sink = {.context = &p, .emit = emit, .stop = signals_flag()};
  const data_options form = data_how(o, BIND_TRUTH);
  unroll_status status = refuse_choice(o, err);
  if (!status) status = forecast_levels(&p.q, o->quantiles, err);
  if (!status) status = forecast_read(&d, m, paths, &form, o->time, how.horizon, err);
  if (!status) data_report(&d);
  forecast_origin *origins = status ? NULL : mem_zero((size_t)d.n_sequences + 1, sizeof *origins);
  if (!status && !origins) status = error_memory(err);
  for (int64_t e = 0; e < d.n_sequences && !status; e++) origins[e] = (forecast_origin){e, d.calendar.known[e]};
  if (!status && !p.list) status = print_head(&p, err);
  if (!status) status = forecast(m, &d, origins, d.n_sequences, &how, workers, &sink, err);
  json_t *all = !status && p.list ? json_pack("{s:O}", "forecasts", p.list) : NULL;
  if (all) data_report_json(all, &d);
  if (!status && p.list) status = output_json(all, err);
  json_decref(p.list);
  mem_free(origins);
  dataset_free(&d);
  return status;
}

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
