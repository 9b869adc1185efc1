/* models.c - /v1/models: each model, with what its data lines say; /v1/models/NAME: what the page of a model needs besides. */
#include <string.h>
#include "serve/server.h"

enum { MOST_LABELS = 2000 };

static json_t *variable_json(const unroll_variable *v) {
  json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:b}", "name", v->name, "kind", v->kind, "sort", v->sort, "unit", v->unit,
                        "has_steps", v->has_steps, "predicted", v->predicted, "fed_back", v->fed_back);
  json_object_set_new(j, v->width ? "width" : "symbols", json_integer(v->width ? v->width : v->symbols));
  if (v->distribution) json_object_set_new(j, "distribution", json_string(v->distribution));
  if (v->file) json_object_set_new(j, "file", json_string(v->file));
  if (v->rows) json_object_set_new(j, "shape", json_pack("[i, i, i]", v->channels, v->rows, v->columns));
  return j;
}

static json_t *model_json(const server *s, const served *x) {
  json_t *list = json_array();
  unroll_variable v;
  unroll_series series;
  unroll_variable_init(&v);
  unroll_series_init(&series);
  for (int i = 0; unroll_model_variable(x->m, i, &v, NULL) == UNROLL_OK; i++) json_array_append_new(list, variable_json(&v));
  json_t *j = json_pack("{s:s, s:s, s:I, s:s, s:I, s:b, s:b, s:o}", "id", x->name, "object", "model", "created",
                        (json_int_t)s->since, "owned_by", "unroll", "weights", (json_int_t)unroll_model_weights(x->m), "completes",
                        x->is_text, "listens", x->listens, "variables", list);
  if (x->is_text) json_object_set_new(j, "ends", json_boolean(unroll_model_end(x->m) >= 0));
  if (!unroll_model_series(x->m, &series, NULL) && series.time) {
    json_object_set_new(j, "time", json_string(series.time));
    if (series.series) json_object_set_new(j, "series", json_string(series.series));
    json_object_set_new(j, "horizon", json_integer(series.horizon));
  }
  return j;
}

void route_models(server *s, const http_request *r, http_reply *out) {
  json_t *list = json_array();
  (void)r;
  for (int i = 0; i < s->n; i++) json_array_append_new(list, model_json(s, &s->models[i]));
  reply_json(out, json_pack("{s:s, s:o}", "object", "list", "data", list));
}

/* --- one model --- */

/* The names of labels, where there are not too many. */
static void add_labels(const served *x, json_t *variables) {
  json_t *j;
  size_t i;
  json_array_foreach(variables, i, j) {
    unroll_variable v;
    unroll_variable_init(&v);
    unroll_model_variable(x->m, (int)i, &v, NULL);
    if (strcmp(v.unit, "labels") != 0 || v.symbols > MOST_LABELS) continue;
    json_t *labels = json_array();
    for (int k = 0; k < v.symbols; k++) {
      size_t size = 0;
      const char *s = unroll_model_label(x->m, v.name, k, &size);
      json_array_append_new(labels, json_of_text(s ? s : "", size));
    }
    json_object_set_new(j, "labels", labels);
  }
}

static json_t *values_json(const served *x) {
  json_t *list = json_array();
  unroll_named v;
  unroll_named_init(&v);
  for (int i = 0; unroll_model_named(x->m, i, &v, NULL) == UNROLL_OK; i++) {
    json_t *j = json_pack("{s:s, s:b, s:b, s:b, s:b}", "name", v.name, "has_steps", v.has_steps, "state", v.is_state != 0,
                          "backwards", v.is_state < 0, "gate", v.is_gate);
    if (v.width) json_object_set_new(j, "width", json_integer(v.width));
    if (v.along) json_object_set_new(j, "along", json_string(v.along));
    if (v.over) json_object_set_new(j, "over", json_string(v.over));
    if (v.rows) json_object_set_new(j, "grid", json_pack("[i, i]", v.rows, v.columns));
    json_array_append_new(list, j);
  }
  return list;
}

/* The equations for the page: they are typeset when they are first asked for, maybe by several at once. */
static json_t *mathml_json(server *s, served *x) {
  char *made = NULL;
  pthread_mutex_lock(&s->lock);
  const bool there = x->mathml != NULL;
  pthread_mutex_unlock(&s->lock);
  if (!there) {
    server_take(s);
    unroll_model_typeset(x->m, "mathml", &made, NULL);
    server_give(s);
  }
  pthread_mutex_lock(&s->lock);
  if (!x->mathml) x->mathml = made, made = NULL;
  json_t *j = x->mathml ? json_of_text(x->mathml, strlen(x->mathml)) : json_null();
  pthread_mutex_unlock(&s->lock);
  unroll_free(made);
  return j;
}

void route_model(server *s, const http_request *r, http_reply *out) {
  const served *x = request_model(s, route_rest(r, "/v1/models/*"), out);
  if (!x) return;
  json_t *j = model_json(s, x);
  const char *net = unroll_model_equations(x->m);
  add_labels(x, json_object_get(j, "variables"));
  json_object_set_new(j, "values", values_json(x));
  json_object_set_new(j, "net", json_of_text(net, strlen(net)));
  json_object_set_new(j, "mathml", mathml_json(s, &s->models[x - s->models]));
  reply_json(out, j);
}
