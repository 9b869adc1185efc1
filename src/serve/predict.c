/* predict.c - /v1/predict: rows in, as JSON or CSV; what the model says of each out, with the bits of `unroll predict`. */
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "serve/form.h"
#include "serve/rows.h"

/* Options of `unroll predict` that a request may set. */
static const allowed_option allowed[] = {
    {"beam", 64},     {"n-best", 64}, {"samples", 1000}, {"length", 10000}, {"temperature", 100}, {"bias", 100},
    {"top", 1000},    {"top-k", 1e6}, {"top-p", 1},      {"seed", 9e18},    {"horizon", 10000},   {"length-penalty", 10},
    {"quantiles", 0}, {"decimal", 0}, {"dates", 0},      {"series", 0},     {"skip-bad", 0},      {"time", 0},
};
enum { N_ALLOWED = sizeof allowed / sizeof *allowed };

/* --- the request --- */

static void predict(server *s, const http_request *r, const served *model, const request_rows *rows, unroll_options *o,
                    http_reply *out) {
  row_printer p = {.model = model, .list = json_array()};
  unroll_result *result = NULL;
  unroll_error err = {0};
  unroll_options_set_rows(o, row_add, &p);
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
  json_t *j = request_json(r, out);
  if (!j) return;
  const served *model = NULL;
  bool fine = members_known(j, "model rows options top", out);
  if (fine) model = request_model_of(s, j, out);
  fine = model != NULL;
  if (fine && json_object_get(j, "top")) fine = request_option_json(o, allowed, N_ALLOWED, "top", json_object_get(j, "top"), out);
  if (fine) fine = request_options(o, allowed, N_ALLOWED, j, out);
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
    if (value) fine = request_option(o, allowed, N_ALLOWED, allowed[i].name, value, out);
  }
  if (fine && utf8_valid(r->body, r->size) < r->size) fine = false, reply_error(out, 400, NULL, "the body is no UTF-8");
  if (fine && rows_of_csv(&rows, model, r->body, r->size, separator, out)) predict(s, r, model, &rows, o, out);
  rows_free(&rows);
}

/* The parts of a form that are options. */
static bool form_option(void *o, const char *name, const char *value, bool *is_one, http_reply *out) {
  for (int i = 0; i < N_ALLOWED; i++) *is_one |= !strcmp(allowed[i].name, name);
  return !*is_one || request_option(o, allowed, N_ALLOWED, name, value, out);
}

/* NULL: the form does not say it. */
static const char *form_model(const char *type, const http_request *r, form_part *p) {
  form f;
  if (form_begin(&f, type, r->body, r->size))
    while (form_next(&f, p) > 0)
      if (!strcmp(p->name, "model") && p->size < sizeof p->name) {
        memcpy(p->name, p->bytes, p->size);
        p->name[p->size] = 0;
        return p->name;
      }
  return http_query(r, "model");
}

static void predict_form(server *s, const http_request *r, const char *type, unroll_options *o, http_reply *out) {
  request_rows rows = {0};
  form_part named;
  const served *model = request_model(s, form_model(type, r, &named), out);
  if (model && rows_of_form(&rows, model, type, r->body, r->size, form_option, o, out)) predict(s, r, model, &rows, o, out);
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
  else if (type && !strncasecmp(type, "multipart/form-data", 19))
    predict_form(s, r, type, o, out);
  else if (!type || !strncasecmp(type, "application/json", 16))
    predict_json(s, r, o, out);
  else
    reply_error(out, 415, NULL, "the body is application/json, text/csv, text/tab-separated-values or multipart/form-data");
  unroll_options_free(o);
}
