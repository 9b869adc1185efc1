/* predict.c - behind unroll.h: predictions, what is generated from data, and forecasts, as rows of values. */
#include <math.h>
#include "api/ask.h"
#include "api/collect.h"
#include "data/calendar.h"
#include "use/evaluate.h"
#include "use/forecast.h"
#include "use/next.h"
#include "use/predict.h"

enum { ROWS = 32, FORECAST_ROWS = 1024, SAMPLES = 200 };

/* --- of each example --- */

/* The k likeliest of n symbols at each step: a list that stays in order, as k is small beside n. The likeliest is known already,
 * and others are behind it where rounding makes them equal. */
static bool take_top(unroll_result *r, unroll_value *v, const int32_t *likeliest, const float *all, int n, int k) {
  if (k > n) k = n;
  int32_t *top = result_alloc(r, (size_t)v->steps * (size_t)k + 1, sizeof *top);
  float *top_p = result_alloc(r, (size_t)v->steps * (size_t)k + 1, sizeof *top_p);
  if (!top || !top_p) return false;
  for (int64_t step = 0; step < v->steps; step++) {
    const float *p = all + step * n;
    int32_t *to = top + step * k;
    to[0] = likeliest[step];
    for (int i = 0, held = 1; i < n; i++) {
      int at = held;
      if (i == to[0]) continue;
      while (at > 1 && p[to[at - 1]] < p[i]) at--;
      if (at == k) continue;
      if (held < k) held++;
      memmove(to + at + 1, to + at, (size_t)(held - at - 1) * sizeof *to);
      to[at] = i;
    }
    for (int i = 0; i < k; i++) top_p[step * k + i] = p[to[i]];
  }
  v->n_top = k;
  v->top = top;
  v->top_p = top_p;
  return true;
}

static bool take_part(unroll_result *r, unroll_value *v, const predicted_part *p, const call_options *o) {
  bool full = true;
  int64_t n = 0;
  if (p->numbers) {
    const size_t each = (size_t)p->v->width;
    v->steps = p->n;
    v->width = p->v->width;
    v->numbers = result_copy(r, p->numbers, (size_t)p->n * each, sizeof *p->numbers, &full);
    v->n_levels = p->quantiles ? p->n_levels : 0;
    v->levels = result_copy(r, p->levels, (size_t)v->n_levels, sizeof *p->levels, &full);
    v->quantiles = result_copy(r, p->quantiles, (size_t)p->n * each * (size_t)v->n_levels, sizeof *p->quantiles, &full);
    return full;
  }
  while (n < p->n && (p->next || p->symbols[n] != p->v->words.end)) n++;
  full = result_symbols(r, v, &p->v->words, p->symbols, n);
  v->times = result_copy(r, p->times, (size_t)n, sizeof *p->times, &full);
  v->p = result_copy(r, p->p, (size_t)n, sizeof *p->p, &full);
  if (!p->all) return full;
  if (o->top > 0) full &= take_top(r, v, p->symbols, p->all, p->v->words.n, (int)o->top);
  if (o->probabilities) {
    v->n_probabilities = p->v->words.n;
    v->probabilities = result_copy(r, p->all, (size_t)n * (size_t)v->n_probabilities, sizeof *p->all, &full);
  }
  return full;
}

static unroll_status take_predicted(void *context, const predicted *p, unroll_error *err) {
  collector *c = context;
  const unroll_status status = collect_gaps(c, p->number, err);
  result_row *row = status ? NULL : result_add(c->r);
  bool full = row != NULL;
  if (status) return status;
  if (full) {
    row->row.example = p->number + c->gaps;
    row->row.number = p->rank;
    row->row.log2_p = p->log_probability * BITS_PER_NAT;
    row->row.ended = !isnan(p->log_probability);
  }
  for (int k = 0; k < p->n && full; k++) full = take_part(c->r, &row->values[k], &p->parts[k], &c->a->o);
  if (full && c->draw && drawing_add_predicted(c->draw, p, err)) return UNROLL_FAILED;
  return full ? result_hand(c->r) : error_memory(err);
}

static unroll_status take_decoded(void *context, const decoded *d, unroll_error *err) {
  const collector *c = context;
  const unroll_status status = c->draw ? drawing_add_decoded(c->draw, d, err) : UNROLL_OK;
  return status ? status : collect_decoded(context, d, err);
}

static unroll_status take_levels(const ask *a, bool generates, double levels[ASK_LEVELS], predict_sink *sink, unroll_error *err) {
  bool numbers = false;
  const schema *s = &a->m.schema;
  for (int i = 0; i < s->n; i++) numbers |= s->list[i].predicted && s->list[i].form.unit == UNIT_NUMBERS;
  if (generates || !numbers)
    return error_set(err, UNROLL_USAGE, "option 'quantiles' is for numbers that are predicted, and here %s",
                     numbers ? "they are drawn: option 'samples' shows draws" : "there are none");
  sink->levels = levels;
  return ask_levels(a->o.quantiles, levels, &sink->n_levels, err);
}

static bool is_symbols(const schema *s) {
  for (int i = 0; i < s->n; i++)
    if (s->list[i].predicted && s->list[i].form.unit == UNIT_NUMBERS) return false;
  return true;
}

/* Are probabilities of all symbols asked for, and are there some? */
static unroll_status check_ranks(const ask *a, bool generates, unroll_error *err) {
  const char *option = a->o.top > 0 ? "top" : a->o.probabilities ? "probabilities" : NULL;
  const schema *s = &a->m.schema;
  bool any = false, heard = false;
  if (!option) return UNROLL_OK;
  if (generates && a->o.probabilities)
    return error_set(
        err, UNROLL_USAGE,
        "option 'probabilities' is for what is not generated, and this net predicts from its own earlier values: option "
        "'top' shows the likeliest texts");
  if (generates && a->m.g.n_losses == 1 && is_symbols(s)) return UNROLL_OK;
  if (generates)
    return error_set(
        err, UNROLL_USAGE,
        "option 'top' of nets that generate is for one variable of symbols, and this one generates %s: option 'samples' "
        "shows draws",
        a->m.g.n_losses > 1 ? "several variables" : "numbers");
  for (int i = 0; i < s->n; i++) {
    const bool symbols = s->list[i].predicted && s->list[i].form.unit != UNIT_NUMBERS;
    any |= symbols && s->list[i].over < 0;
    heard |= symbols && s->list[i].over >= 0;
  }
  if (any) return UNROLL_OK;
  if (heard)
    return error_set(
        err, UNROLL_USAGE,
        "option '%s' is for symbols that are predicted one by one; of ctc option 'beam' with option 'n-best' shows the "
        "likeliest texts",
        option);
  return error_set(err, UNROLL_USAGE, "option '%s' is for labels and symbols that are predicted one by one, and here are none",
                   option);
}

static unroll_status check_crop(const ask *a, unroll_error *err) {
  return a->o.crop > 0 ? error_set(err, UNROLL_USAGE, "option 'crop' is for labels of whole examples, and this net generates")
                       : UNROLL_OK;
}

/* Predicts with a model of one text what comes after each line. */
static unroll_status predict_next(ask *a, collector *c, unroll_error *err) {
  const predict_sink sink = {.context = c, .emit = take_predicted, .stop = a->stop, .all = a->o.probabilities || a->o.top > 0};
  unroll_status status = ask_check_next(a, err);
  if (!status) status = check_crop(a, err);
  if (!status) status = ask_read_next(a, err);
  return status ? status : next_symbols(&a->m, &a->d, (int)ask_or(a->o.batch, ROWS), a->workers, &sink, err);
}

static unroll_status predict_examples(ask *a, collector *c, unroll_error *err) {
  const call_options *o = &a->o;
  const bool generates = decode_is_for(&a->m.g);
  double levels[ASK_LEVELS];
  search s = {0};
  decode_options how;
  predict_sink sink = {.context = c,
                       .emit = take_predicted,
                       .stop = a->stop,
                       .all = o->probabilities || o->top > 0,
                       .times = o->times,
                       .crop = ask_or(o->crop, 0)};
  const decode_sink drawn = {.context = c, .emit = take_decoded, .stop = a->stop};
  unroll_status status = generates ? ask_decode(o, &how, err) : ask_check_alone(a, err);
  if (!status && generates) status = check_crop(a, err);
  if (!status && o->quantiles) status = take_levels(a, generates, levels, &sink, err);
  if (!status) status = check_ranks(a, generates, err);
  if (!status) status = ask_read(a, BIND_GIVEN, err);
  if (!status && generates) return decode_table(&a->m, &a->d, NULL, &how, a->workers, &drawn, err);
  if (!status) status = ask_search(a, &s, err);
  sink.search = search_asked(&s);
  if (!status) status = predict(&a->m, &a->d, false, (int)ask_or(o->batch, ROWS), 1, a->workers, &sink, NULL, err);
  search_free(&s);
  return status;
}

/* --- series --- */

static bool take_times(const collector *c, result_row *row, const forecast_result *f) {
  const char **times = result_alloc(c->r, (size_t)f->horizon, sizeof *times);
  const char *series = calendar_name(c->d, f->origin.example);
  row->row.series = collect_text(c->r, series);
  row->row.times = times;
  bool full = times && row->row.series;
  for (int h = 0; h < f->horizon && full; h++) {
    char at[TIME_TEXT];
    calendar_write(c->d, f->origin.example, f->origin.at + h, at);
    full = (times[h] = collect_text(c->r, at)) != NULL;
  }
  return full;
}

static bool take_draws(const collector *c, unroll_value *v, const forecast_part *p, const forecast_result *f) {
  const size_t width = (size_t)p->v->width, places = (size_t)f->horizon * width, levels = (size_t)c->n_levels;
  double *mean = result_alloc(c->r, places, sizeof *mean);
  double *quantiles = result_alloc(c->r, places * levels, sizeof *quantiles);
  bool full = mean && quantiles;
  v->steps = f->horizon;
  v->width = p->v->width;
  v->levels = result_copy(c->r, c->levels, levels, sizeof *c->levels, &full);
  for (size_t i = 0; i < places && full; i++) {
    mean[i] = p->mean[i];
    for (size_t l = 0; l < levels; l++)
      quantiles[(i / width * levels + l) * width + i % width] =
          forecast_quantile(p->draws + (int64_t)i * f->samples, f->samples, c->levels[l]);
  }
  v->n_levels = c->n_levels;
  v->numbers = mean;
  v->quantiles = quantiles;
  return full;
}

static unroll_status take_forecast(void *context, const forecast_result *f, unroll_error *err) {
  const collector *c = context;
  result_row *row = result_add(c->r);
  bool full = row && take_times(c, row, f);
  if (full) row->row.example = f->origin.example;
  for (int k = 0; k < f->n && full; k++) full = take_draws(c, &row->values[k], &f->parts[k], f);
  return full ? result_hand(c->r) : error_memory(err);
}

static unroll_status predict_series(ask *a, collector *c, unroll_error *err) {
  const call_options *o = &a->o;
  double levels[ASK_LEVELS];
  const forecast_options how = {.horizon = (int)ask_or(o->horizon, a->m.schema.time.horizon),
                                .samples = ask_or(o->samples, SAMPLES),
                                .seed = ask_seed(o),
                                .rows = (int)ask_or(o->batch, FORECAST_ROWS)};
  const forecast_sink sink = {.context = c, .emit = take_forecast, .stop = a->stop};
  const char *choice = !isnan(o->temperature) ? "temperature"
                       : !isnan(o->bias)      ? "bias"
                       : o->top_k >= 0        ? "top-k"
                       : !isnan(o->top_p)     ? "top-p"
                       : o->top > 0           ? "top"
                       : o->probabilities     ? "probabilities"
                                              : NULL;
  if (choice)
    return error_set(err, UNROLL_USAGE, "option '%s' does not go together with series with dates, which this model is for", choice);
  unroll_status status = ask_levels(o->quantiles, levels, &c->n_levels, err);
  c->levels = levels;
  if (!status) status = ask_read_series(a, how.horizon, err);
  const dataset *d = &a->d;
  forecast_origin *origins = status ? NULL : mem_zero((size_t)d->n_sequences + 1, sizeof *origins);
  if (!status && !origins) status = error_memory(err);
  for (int64_t e = 0; e < d->n_sequences && !status; e++) origins[e] = (forecast_origin){e, d->calendar.known[e]};
  if (!status) status = forecast(&a->m, d, origins, d->n_sequences, &how, a->workers, &sink, err);
  mem_free(origins);
  return status;
}

unroll_status unroll_predict(const unroll_model *m, const unroll_table *t, const unroll_options *o, unroll_result **out,
                             unroll_error *err) {
  ask a;
  collector c = {0};
  drawing draw = {0};
  if (!out) return api_null(err);
  *out = NULL;
  if (!m || !t) return api_null(err);
  unroll_status status = ask_begin(&a, m, t, o, IN(predict), err);
  if (!status) status = collect_begin(&c, &a, o, err);
  if (!status) status = ask_check_series(&a, true, err);
  if (!status && a.o.output) {
    c.draw = &draw;
    status =
        drawing_begin(&draw, &a.m, "option 'output' is for models of " DRAWING_KINDS ", and this one predicts none of them", err);
  }
  if (!status)
    status = a.m.schema.time.time          ? predict_series(&a, &c, err)
             : schema_is_text(&a.m.schema) ? predict_next(&a, &c, err)
                                           : predict_examples(&a, &c, err);
  if (!status && !a.m.schema.time.time) status = collect_gaps(&c, INT64_MAX, err);
  if (status && c.r && c.r->enough) status = UNROLL_OK;
  if (!status && c.draw) status = drawing_write(&draw, a.o.output, err);
  drawing_free(&draw);
  status = collect_end(&c, status, out, err);
  ask_end(&a);
  return status;
}
