/* reply.c - requests as JSON, replies as JSON. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "io/json.h"
#include "serve/server.h"
#include "base/memory.h"

/* --- replies --- */

void reply_json(http_reply *out, json_t *j) {
  char *s = json_write(j, JSON_REAL_PRECISION(12));
  json_decref(j);
  if (s)
    text_format(&out->body, "%s\n", s);
  else
    out->body.failed = 1;
  mem_free(s);
}

void reply_error(http_reply *out, int status, const char *param, const char *format, ...) {
  char message[800];
  va_list list;
  va_start(list, format);
  vsnprintf(message, sizeof message, format, list);
  va_end(list);
  text_free(&out->body);
  out->status = status;
  out->type = NULL;
  reply_json(out,
             json_pack("{s:{s:o, s:s, s:o, s:o}}", "error", "message", json_of_text(message, strlen(message)), "type",
                       status >= 500 ? "server_error" : "invalid_request_error", "param", param ? json_string(param) : json_null(),
                       "code", status == 404 && param ? json_string("model_not_found") : json_null()));
}

void reply_failure(http_reply *out, const http_request *r, unroll_status status, const unroll_error *err) {
  if (status == UNROLL_INTERRUPTED || *r->stop)
    reply_error(out, 503, NULL, "this took longer than the server allows, or it is shutting down");
  else
    reply_error(out, status == UNROLL_FAILED ? 500 : 400, NULL, "%s", err->message);
}

json_t *json_of_text(const char *s, size_t n) {
  text out = {0};
  for (size_t i = 0; i < n;) {
    uint32_t code;
    const int length = utf8_decode(s + i, n - i, &code);
    text_add(&out, length ? s + i : "\xEF\xBF\xBD", length ? (size_t)length : 3);
    i += length ? (size_t)length : 1;
  }
  json_t *j = out.failed ? NULL : json_stringn(out.data ? out.data : "", out.length);
  text_free(&out);
  return j;
}

json_t *json_of_number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

/* --- requests --- */

json_t *request_json(const http_request *r, http_reply *out) {
  json_error_t error;
  int starved;
  json_t *j = json_read(r->body, r->size, &error, &starved);
  if (json_is_object(j)) return j;
  if (starved)
    reply_error(out, 500, NULL, "out of memory");
  else if (j)
    reply_error(out, 400, NULL, "the body of the request is no JSON object");
  else
    reply_error(out, 400, NULL, "the body of the request is no JSON: line %d, column %d: %s", error.line, error.column, error.text);
  json_decref(j);
  return NULL;
}

const served *request_model(const server *s, const char *name, http_reply *out) {
  const char *names[64];
  int n = 0;
  if (!name && s->n == 1) return &s->models[0];
  for (int i = 0; i < s->n; i++) {
    if (name && !strcmp(s->models[i].name, name)) return &s->models[i];
    if (n < 64) names[n++] = s->models[i].name;
  }
  const char *near = name ? text_nearest(name, names, (size_t)n) : NULL;
  if (name)
    reply_error(out, 404, "model", "there is no model '%.100s'%s%s%s", name, near ? "; did you mean '" : ": /v1/models lists all",
                near ? near : "", near ? "'?" : "");
  else
    reply_error(out, 400, "model", "there are several models: \"model\" says which");
  return NULL;
}

const served *request_model_of(const server *s, const json_t *request, http_reply *out) {
  const json_t *name = json_object_get(request, "model");
  if (!name || json_is_string(name)) return request_model(s, json_string_value(name), out);
  reply_error(out, 400, "model", "\"model\" is a name");
  return NULL;
}

static const json_t *member(const json_t *j, const char *name) {
  const json_t *x = json_object_get(j, name);
  return json_is_null(x) ? NULL : x;
}

bool member_number(const json_t *j, const char *name, double least, double most, double *x, http_reply *out) {
  const json_t *given = member(j, name);
  if (!given) return true;
  const double value = json_number_value(given);
  if (json_is_number(given) && value >= least && value <= most) return *x = value, true;
  reply_error(out, 400, name, "\"%s\" takes a number from %g to %g", name, least, most);
  return false;
}

bool member_whole(const json_t *j, const char *name, int64_t least, int64_t most, int64_t *x, http_reply *out) {
  const json_t *given = member(j, name);
  if (!given) return true;
  const int64_t value = (int64_t)json_integer_value(given);
  if (json_is_integer(given) && value >= least && value <= most) return *x = value, true;
  reply_error(out, 400, name, "\"%s\" takes a whole number from %lld to %lld", name, (long long)least, (long long)most);
  return false;
}

bool member_flag(const json_t *j, const char *name, bool *x, http_reply *out) {
  const json_t *given = member(j, name);
  if (!given) return true;
  if (json_is_boolean(given)) return *x = json_is_true(given), true;
  reply_error(out, 400, name, "\"%s\" takes true or false", name);
  return false;
}

bool members_known(const json_t *j, const char *names, http_reply *out) {
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)j, key, value) {
    const size_t n = strlen(key);
    const char *at = names;
    while (*at && !(strcspn(at, " ") == n && !strncmp(at, key, n))) {
      at += strcspn(at, " ");
      at += strspn(at, " ");
    }
    if (n && *at) continue;
    return reply_error(out, 400, key, "a request has no '%.60s' here, but %s", key, names), false;
  }
  return true;
}

/* --- options of the library --- */

bool request_option(unroll_options *o, const allowed_option *list, int n, const char *name, const char *value, http_reply *out) {
  unroll_error err = {0};
  int i = 0;
  while (i < n && strcmp(list[i].name, name) != 0) i++;
  double x;
  if (i == n) return reply_error(out, 400, name, "a request cannot set '%.60s'", name), false;
  if (list[i].most > 0 && !text_number(value, strlen(value), &x) && x > list[i].most)
    return reply_error(out, 400, name, "'%s' is at most %.15g here", name, list[i].most), false;
  if (!unroll_options_set(o, name, value, &err)) return true;
  reply_error(out, err.code == UNROLL_FAILED ? 500 : 400, name, "%s", err.message);
  return false;
}

bool request_option_json(unroll_options *o, const allowed_option *list, int n, const char *name, const json_t *value,
                         http_reply *out) {
  char number[40];
  if (json_is_integer(value))
    snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
  else if (json_is_real(value))
    snprintf(number, sizeof number, "%.17g", json_real_value(value));
  else if (json_is_boolean(value))
    snprintf(number, sizeof number, "%s", json_is_true(value) ? "yes" : "no");
  else if (!json_is_string(value))
    return reply_error(out, 400, name, "\"%.60s\" takes a text or a number", name), false;
  return request_option(o, list, n, name, json_is_string(value) ? json_string_value(value) : number, out);
}

bool request_options(unroll_options *o, const allowed_option *list, int n, const json_t *request, http_reply *out) {
  json_t *given = json_object_get(request, "options"), *value;
  const char *key;
  if (!given || json_is_null(given)) return true;
  if (!json_is_object(given)) return reply_error(out, 400, "options", "\"options\" is an object: {\"NAME\": VALUE}"), false;
  json_object_foreach(given, key, value) {
    if (!request_option_json(o, list, n, key, value, out)) return false;
  }
  return true;
}
