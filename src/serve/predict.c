/* predict.c - /v1/predict: rows in, as JSON or CSV; what the model says of each out, with the bits of `unroll predict`. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "serve/rows.h"

/* Options of `unroll predict` that a request may set, and the most that each may be here. */
static const struct allowed {
  const char *name;
  double most; /* 0: no number */
} allowed[] = {
    {"beam", 64},     {"n-best", 64}, {"samples", 1000}, {"length", 10000}, {"temperature", 100}, {"bias", 100},
    {"top", 1000},    {"top-k", 1e6}, {"top-p", 1},      {"seed", 9e18},    {"horizon", 10000},   {"length-penalty", 10},
    {"quantiles", 0}, {"decimal", 0}, {"dates", 0},      {"series", 0},     {"skip-bad", 0},      {"time", 0},
};
enum { N_ALLOWED = sizeof allowed / sizeof *allowed };

/* --- options --- */

static bool set_option(unroll_options *o, const char *name, const char *value, http_reply *out) {
  unroll_error err = {0};
  int i = 0;
  while (i < N_ALLOWED && strcmp(allowed[i].name, name) != 0) i++;
  double x;
  if (i == N_ALLOWED) return reply_error(out, 400, name, "a request cannot set '%.60s'", name), false;
  if (allowed[i].most > 0 && !text_number(value, strlen(value), &x) && x > allowed[i].most)
    return reply_error(out, 400, name, "'%s' is at most %.15g here", name, allowed[i].most), false;
  if (!unroll_options_set(o, name, value, &err)) return true;
  reply_error(out, err.code == UNROLL_FAILED ? 500 : 400, name, "%s", err.message);
  return false;
}

static bool set_option_json(unroll_options *o, const char *name, const json_t *value, http_reply *out) {
  char number[40];
  if (json_is_integer(value))
    snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
  else if (json_is_real(value))
    snprintf(number, sizeof number, "%.17g", json_real_value(value));
  else if (json_is_boolean(value))
    snprintf(number, sizeof number, "%s", json_is_true(value) ? "yes" : "no");
  else if (!json_is_string(value))
    return reply_error(out, 400, name, "\"%.60s\" takes a text or a number", name), false;
  return set_option(o, name, json_is_string(value) ? json_string_value(value) : number, out);
}

/* --- the reply --- */

typedef struct printer {
  const served *model;
  json_t *list;
} printer;

static json_t *label_json(const printer *p, const char *variable, int32_t symbol) {
  size_t size = 0;
  const char *s = unroll_model_label(p->model->m, variable, symbol, &size);
  return json_of_text(s ? s : "", size);
}

static json_t *top_json(const printer *p, const unroll_value *v, int64_t step) {
  json_t *list = json_array();
  for (int64_t k = step * v->n_top; k < (step + 1) * v->n_top; k++)
    json_array_append_new(list, json_pack("{s:o, s:o}", "label", label_json(p, v->name, v->top[k]), "probability",
                                          json_of_number((double)v->top_p[k])));
  return list;
}

static json_t *symbols_json(const printer *p, const unroll_variable *x, const unroll_value *v, bool generated) {
  json_t *value = NULL;
  if (x->has_steps && !strcmp(x->unit, "labels")) {
    value = json_array();
    for (int64_t i = 0; i < v->steps; i++) json_array_append_new(value, label_json(p, v->name, v->symbols[i]));
  } else {
    value = json_of_text(v->text, v->length);
  }
  json_t *j = json_pack("{s:o}", "value", value);
  if (generated || (!v->p && v->steps)) return j;
  json_t *shares = json_array(), *top = json_array();
  for (int64_t i = 0; i < v->steps; i++) json_array_append_new(shares, json_of_number((double)v->p[i]));
  json_object_set_new(j, "probability", shares);
  for (int64_t i = 0; i < v->steps && v->n_top; i++) json_array_append_new(top, top_json(p, v, i));
  if (json_array_size(top))
    json_object_set_new(j, "top", top);
  else
    json_decref(top);
  return j;
}

/* [steps] numbers, or lists of `width` numbers; levels > 0: of the quantile `level`. */
static json_t *steps_json(const unroll_value *v, int level) {
  json_t *list = json_array();
  for (int64_t i = 0; i < v->steps; i++) {
    json_t *step = json_array();
    for (int j = 0; j < v->width; j++)
      json_array_append_new(
          step, json_of_number(level < 0 ? v->numbers[i * v->width + j] : v->quantiles[(i * v->n_levels + level) * v->width + j]));
    if (v->width == 1) {
      json_array_append(list, json_array_get(step, 0));
      json_decref(step);
    } else {
      json_array_append_new(list, step);
    }
  }
  return list;
}

static json_t *numbers_json(const unroll_value *v) {
  json_t *j = json_pack("{s:o}", "mean", steps_json(v, -1)), *quantiles = json_object();
  for (int l = 0; l < v->n_levels; l++) {
    char level[32];
    snprintf(level, sizeof level, "%.15g", v->levels[l]);
    json_object_set_new(quantiles, level, steps_json(v, l));
  }
  if (v->n_levels)
    json_object_set_new(j, "quantiles", quantiles);
  else
    json_decref(quantiles);
  return j;
}

static json_t *value_json(const printer *p, const unroll_value *v, bool generated) {
  unroll_variable x;
  unroll_variable_init(&x);
  for (int i = 0; unroll_model_variable(p->model->m, i, &x, NULL) == UNROLL_OK && strcmp(x.name, v->name) != 0; i++) continue;
  return v->width ? numbers_json(v) : symbols_json(p, &x, v, generated);
}

static int add_row(void *context, const unroll_result *r) {
  printer *p = context;
  json_t *row = json_object();
  unroll_row about;
  unroll_value v;
  unroll_row_init(&about);
  unroll_value_init(&v);
  unroll_result_row(r, 0, &about, NULL);
  const bool generated = !isnan(about.log2_p);
  int64_t steps = 0;
  json_object_set_new(row, "row", json_integer(about.example));
  for (int k = 0; k < unroll_result_variables(r); k++) {
    unroll_result_value(r, 0, unroll_result_variable(r, k), &v, NULL);
    if (v.text || v.width) json_object_set_new(row, v.name, value_json(p, &v, generated));
    steps = v.steps;
  }
  if (generated) {
    json_object_set_new(row, "log2_p", json_of_number(about.log2_p));
    json_object_set_new(row, "ended", json_boolean(about.ended));
  }
  if (about.times) {
    json_t *times = json_array();
    for (int64_t i = 0; i < steps; i++) json_array_append_new(times, json_string(about.times[i]));
    json_object_set_new(row, "time", times);
    if (*about.series) json_object_set_new(row, "series", json_of_text(about.series, strlen(about.series)));
  }
  return json_array_append_new(p->list, row) != 0;
}

/* --- the request --- */

static void predict(server *s, const http_request *r, const served *model, const request_rows *rows, unroll_options *o,
                    http_reply *out) {
  printer p = {.model = model, .list = json_array()};
  unroll_result *result = NULL;
  unroll_error err = {0};
  unroll_options_set_rows(o, add_row, &p);
  unroll_options_set_stop(o, r->stop);
  server_take(s);
  const unroll_status status = *r->stop ? UNROLL_INTERRUPTED : unroll_predict(model->m, rows->t, o, &result, &err);
  server_give(s);
  server_count(s, 0, (int64_t)json_array_size(p.list));
  if (status) {
    reply_failure(out, r, status, &err);
  } else {
    json_t *j = json_pack("{s:s, s:O}", "model", model->name, "predictions", p.list);
    const double bad = result ? unroll_result_find(result, NULL, "bad_rows") : 0;
    if (bad > 0) json_object_set_new(j, "bad_rows", json_integer((json_int_t)bad));
    reply_json(out, j);
  }
  json_decref(p.list);
  unroll_result_free(result);
}

static void predict_json(server *s, const http_request *r, unroll_options *o, http_reply *out) {
  request_rows rows = {0};
  json_t *j = request_json(r, out), *value;
  if (!j) return;
  const json_t *name = json_object_get(j, "model");
  const served *model = NULL;
  const char *key;
  bool fine = true;
  json_object_foreach(j, key, value) {
    if (!strcmp(key, "model") || !strcmp(key, "rows") || !strcmp(key, "options") || !strcmp(key, "top")) continue;
    reply_error(out, 400, key, "a request has \"model\", \"rows\", \"options\" and \"top\", and no '%.60s'", key);
    fine = false;
    break;
  }
  if (fine && name && !json_is_string(name)) fine = false, reply_error(out, 400, "model", "\"model\" is a name");
  if (fine) model = request_model(s, json_string_value(name), out);
  fine = model != NULL;
  if (fine && json_object_get(j, "top")) fine = set_option_json(o, "top", json_object_get(j, "top"), out);
  json_object_foreach(json_object_get(j, "options"), key, value) {
    if (fine) fine = set_option_json(o, key, value, out);
  }
  if (fine && rows_of_json(&rows, model, json_object_get(j, "rows"), out)) predict(s, r, model, &rows, o, out);
  rows_free(&rows);
  json_decref(j);
}

static void predict_csv(server *s, const http_request *r, char separator, unroll_options *o, http_reply *out) {
  request_rows rows = {0};
  const served *model = request_model(s, http_query(r, "model"), out);
  bool fine = model != NULL;
  for (int i = 0; i < N_ALLOWED && fine; i++) {
    const char *value = http_query(r, allowed[i].name);
    if (value) fine = set_option(o, allowed[i].name, value, out);
  }
  if (fine && utf8_valid(r->body, r->size) < r->size) fine = false, reply_error(out, 400, NULL, "the body is no UTF-8");
  if (fine && rows_of_csv(&rows, model, r->body, r->size, separator, out)) predict(s, r, model, &rows, o, out);
  rows_free(&rows);
}

void route_predict(server *s, const http_request *r, http_reply *out) {
  const char *type = http_header(r, "Content-Type");
  unroll_options *o = unroll_options_new("predict");
  if (!o || unroll_options_set(o, "threads", "1", NULL))
    reply_error(out, 500, NULL, "out of memory");
  else if (type && !strncasecmp(type, "text/csv", 8))
    predict_csv(s, r, ',', o, out);
  else if (type && !strncasecmp(type, "text/tab-separated-values", 25))
    predict_csv(s, r, '\t', o, out);
  else if (!type || !strncasecmp(type, "application/json", 16))
    predict_json(s, r, o, out);
  else
    reply_error(out, 415, NULL, "the body is application/json, text/csv or text/tab-separated-values");
  unroll_options_free(o);
}
