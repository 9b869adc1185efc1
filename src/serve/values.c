/* values.c - what a model says of a row, as JSON. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "serve/server.h"

static json_t *label_json(const row_printer *p, const char *variable, int32_t symbol) {
  size_t size = 0;
  const char *s = unroll_model_label(p->model->m, variable, symbol, &size);
  return json_of_text(s ? s : "", size);
}

static json_t *top_json(const row_printer *p, const unroll_value *v, int64_t step) {
  json_t *list = json_array();
  for (int64_t k = step * v->n_top; k < (step + 1) * v->n_top; k++)
    json_array_append_new(list, json_pack("{s:o, s:o}", "label", label_json(p, v->name, v->top[k]), "probability",
                                          json_of_number((double)v->top_p[k])));
  return list;
}

static json_t *symbols_json(const row_printer *p, const unroll_variable *x, const unroll_value *v, bool generated) {
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

static json_t *value_json(const row_printer *p, const unroll_value *v, bool generated) {
  unroll_variable x;
  unroll_variable_init(&x);
  for (int i = 0; unroll_model_variable(p->model->m, i, &x, NULL) == UNROLL_OK && strcmp(x.name, v->name) != 0; i++) continue;
  return v->width ? numbers_json(v) : symbols_json(p, &x, v, generated);
}

int row_add(void *context, const unroll_result *r) {
  row_printer *p = context;
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
