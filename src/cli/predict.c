/* predict.c - `unroll predict`: what a model says about each example of a table. */
#include "use/predict.h"
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/decode.h"
#include "cli/forecast.h"
#include "cli/output.h"
#include "cli/terminal.h"

enum { ROWS = 32 };

typedef struct printer {
  const options *o;
  json_t *list;
} printer;

/* The steps before the end symbol. */
static int64_t steps_of(const predicted_part *p) {
  int64_t n = 0;
  while (n < p->n && p->symbols[n] != p->v->words.end) n++;
  return n;
}

/* Means, or quantiles, level after level. */
static void add_numbers(text *out, const predicted_part *p) {
  const double *x = p->quantiles ? p->quantiles : p->numbers;
  const int each = p->v->width * (p->quantiles ? p->n_levels : 1);
  for (int64_t i = 0; i < p->n; i++)
    for (int j = 0; j < each; j++) {
      text_format(out, "%s", j ? ";" : i ? " " : "");
      text_add_number(out, x[i * each + j]);
    }
}

/* A list, or {"mean": a list, "quantiles": {"0.1": a list ...}}. */
static json_t *numbers_json(const predicted_part *p) {
  json_t *means = json_array(), *quantiles = json_object();
  for (int64_t i = 0; i < p->n * p->v->width; i++) json_array_append_new(means, json_number(p->numbers[i]));
  for (int l = 0; p->quantiles && l < p->n_levels; l++) {
    char level[32];
    json_t *list = json_array();
    snprintf(level, sizeof level, "%.15g", p->levels[l]);
    for (int64_t i = 0; i < p->n; i++)
      for (int j = 0; j < p->v->width; j++)
        json_array_append_new(list, json_number(p->quantiles[(i * p->n_levels + l) * p->v->width + j]));
    json_object_set_new(quantiles, level, list);
  }
  if (p->quantiles) return json_pack("{s:o, s:o}", "mean", means, "quantiles", quantiles);
  json_decref(quantiles);
  return means;
}

static json_t *part_json(const predicted_part *p) {
  if (p->numbers) return numbers_json(p);
  const vocabulary *v = &p->v->words;
  json_t *j = json_pack("{s:o}", "value", output_json_values(v, p->symbols, steps_of(p), p->v->step && v->unit == UNIT_LABELS));
  json_t *shares = json_array();
  for (int64_t i = 0; i < p->n && p->p; i++) json_array_append_new(shares, json_number((double)p->p[i]));
  if (p->p)
    json_object_set_new(j, "probability", shares);
  else
    json_decref(shares);
  return j;
}

static unroll_status emit(void *context, const predicted *p, unroll_error *err) {
  printer *out = context;
  if (out->o->json) {
    json_t *row = json_object();
    for (int k = 0; k < p->n; k++) json_object_set_new(row, p->parts[k].v->form.name, part_json(&p->parts[k]));
    return row && json_array_append_new(out->list, row) == 0 ? UNROLL_OK : error_memory(err);
  }
  text line = {0};
  for (int k = 0; k < p->n; k++) {
    const predicted_part *one = &p->parts[k];
    if (k) text_add(&line, "\t", 1);
    if (one->numbers)
      add_numbers(&line, one);
    else
      output_values(&line, &one->v->words, one->symbols, steps_of(one), INT64_MAX);
    if (one->p && !one->v->step) text_format(&line, "\t%.4f", (double)one->p[0]);
  }
  const bool failed = line.failed != 0;
  if (!failed) output_line(&line);
  text_free(&line);
  if (failed) return error_memory(err);
  return ferror(stdout) ? error_set(err, UNROLL_FAILED, "cannot write to standard output") : UNROLL_OK;
}

static unroll_status take_levels(const model *m, const options *o, bool generates, levels *asked, predict_sink *sink,
                                 unroll_error *err) {
  bool numbers = false;
  for (int i = 0; i < m->schema.n; i++) numbers |= m->schema.list[i].predicted && m->schema.list[i].form.unit == UNIT_NUMBERS;
  if (generates || !numbers)
    return error_set(err, UNROLL_USAGE, "--quantiles is for numbers that are predicted, and here %s",
                     numbers ? "they are drawn: --samples shows draws" : "there are none");
  sink->levels = asked->list;
  const unroll_status status = forecast_levels(asked, o->quantiles, err);
  sink->n_levels = asked->n;
  return status;
}

static unroll_status predict_examples(const model *m, const options *o, pool *workers, unroll_error *err) {
  dataset d = {0};
  printer p = {.o = o, .list = o->json ? json_array() : NULL};
  predict_sink sink = {.context = &p, .emit = emit, .stop = signals_flag()};
  levels asked = {0};
  const bool generates = decode_is_for(&m->g);
  ctc_search search;
  unroll_status status = generates ? UNROLL_OK : decode_refuse(o, decode_ctc(m), err);
  sink.search = decode_search(&search, o);
  if (!status && o->quantiles) status = take_levels(m, o, generates, &asked, &sink, err);
  if (!status && schema_is_text(&m->schema))
    status = error_set(err, UNROLL_USAGE, "this model reads texts, not tables: 'sample' and 'score' are for it");
  if (!status) status = data_of_model(&d, m, o, BIND_GIVEN, err);
  if (!status && generates) status = predict_decoded(m, &d, o, workers, p.list, err);
  if (!status && !generates) status = predict(m, &d, false, o->batch > 0 ? (int)o->batch : ROWS, 1, workers, &sink, NULL, err);
  if (!status && o->json) {
    json_t *out = json_pack("{s:O}", "predictions", p.list);
    data_report_json(out, &d);
    status = output_json(out, err);
  }
  json_decref(p.list);
  dataset_free(&d);
  return status;
}

unroll_status command_predict(const options *o, unroll_error *err) {
  model m = {0};
  text paths = {0};
  pool *workers = pool_new(o->threads > 0 ? (int)o->threads : 0);
  unroll_status status = workers ? model_load(&m, o->arguments[0], false, err) : error_memory(err);
  if (!status) status = model_set_precision(&m, o->precision, err);
  if (!status) status = forecast_check(&m, o, true, err);
  if (!status) status = data_paths(o, 1, &paths, err);
  if (!status)
    status = m.schema.time.time ? forecast_predict(&m, o, paths.data, workers, err) : predict_examples(&m, o, workers, err);
  text_free(&paths);
  model_free(&m);
  pool_free(workers);
  return status;
}
