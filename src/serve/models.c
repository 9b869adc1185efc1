/* models.c - /v1/models: each model, with what its data lines say. */
#include "serve/server.h"

static json_t *variable_json(const unroll_variable *v) {
  json_t *j = json_pack("{s:s, s:s, s:s, s:b, s:b, s:b}", "name", v->name, "kind", v->kind, "unit", v->unit, "has_steps",
                        v->has_steps, "predicted", v->predicted, "fed_back", v->fed_back);
  json_object_set_new(j, v->width ? "width" : "symbols", json_integer(v->width ? v->width : v->symbols));
  if (v->distribution) json_object_set_new(j, "distribution", json_string(v->distribution));
  if (v->file) json_object_set_new(j, "file", json_string(v->file));
  return j;
}

static json_t *model_json(const server *s, const served *x) {
  json_t *list = json_array();
  unroll_variable v;
  unroll_series series;
  unroll_variable_init(&v);
  unroll_series_init(&series);
  for (int i = 0; unroll_model_variable(x->m, i, &v, NULL) == UNROLL_OK; i++) json_array_append_new(list, variable_json(&v));
  json_t *j = json_pack("{s:s, s:s, s:I, s:s, s:I, s:b, s:o}", "id", x->name, "object", "model", "created", (json_int_t)s->since,
                        "owned_by", "unroll", "weights", (json_int_t)unroll_model_weights(x->m), "completes", x->is_text,
                        "variables", list);
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
