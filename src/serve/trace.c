/* trace.c - /v1/trace: values inside the equations at each step, as `unroll trace` has them. /v1/embeddings: the states that a
 * model is in after what it read, as one vector. Clients of OpenAI ask for it that way. */
#include <math.h>
#include <string.h>
#include "base/memory.h"
#include "io/json.h"
#include "serve/rows.h"

/* What is traced stays in memory, so there is not much of it. */
enum { MOST_NAMES = 16, MOST_TEXT = 4096, MOST_EMBEDDED = 16384, MOST_NUMBERS = 2000000, MOST_INPUTS = 256, MOST_STATES = 64 };

/* --- traces --- */

static void number(text *out, double x) {
  if (isfinite(x))
    text_format(out, "%.7g", x);
  else
    text_add(out, "null", 4);
}

static void string(text *out, json_t *s) {
  char *written = json_write(s, JSON_ENCODE_ANY);
  json_decref(s);
  if (written)
    text_add(out, written, strlen(written));
  else
    out->failed = 1;
  mem_free(written);
}

static void symbols(const served *model, const unroll_value *v, text *out) {
  text_format(out, "{\"steps\": %lld, \"symbols\": [", (long long)v->steps);
  for (int64_t t = 0; t < v->steps; t++) {
    size_t size = 0;
    const char *s = unroll_model_label(model->m, v->name, v->symbols[t], &size);
    if (t) text_add(out, ", ", 2);
    string(out, json_of_text(s ? s : "", size));
  }
  text_add(out, "]}", 2);
}

/* Numbers are written as they come: there may be a million. */
static void numbers(const unroll_value *v, text *out) {
  text_format(out, "{\"steps\": %lld, \"width\": %d, \"values\": [", (long long)v->steps, v->width);
  for (int64_t t = 0; t < v->steps; t++) {
    text_add(out, t ? ", [" : "[", t ? 3 : 1);
    for (int i = 0; i < v->width && v->numbers; i++) {
      if (i) text_add(out, ", ", 2);
      number(out, v->numbers[t * v->width + i]);
    }
    text_add(out, "]", 1);
  }
  text_add(out, "]}", 2);
}

static bool few(const unroll_result *r, http_reply *out) {
  double all = 0;
  for (int64_t row = 0; row < unroll_result_rows(r); row++)
    for (int k = 0; k < unroll_result_variables(r); k++) {
      unroll_value v;
      unroll_value_init(&v);
      unroll_result_value(r, row, unroll_result_variable(r, k), &v, NULL);
      all += (double)v.steps * (v.width > 1 ? v.width : 1);
    }
  if (all <= MOST_NUMBERS) return true;
  reply_error(out, 400, "of", "these are %.0f numbers, and at most %d are sent", all, MOST_NUMBERS);
  return false;
}

static void print(const served *model, const unroll_result *r, text *out) {
  text_format(out, "{\"model\": ");
  string(out, json_string(model->name));
  text_format(out, ", \"traces\": [");
  for (int64_t row = 0; row < unroll_result_rows(r); row++) {
    text_format(out, "%s\n{\"row\": %lld, \"values\": {", row ? "," : "", (long long)row);
    for (int k = 0; k < unroll_result_variables(r); k++) {
      unroll_value v;
      unroll_value_init(&v);
      unroll_result_value(r, row, unroll_result_variable(r, k), &v, NULL);
      if (k) text_add(out, ", ", 2);
      string(out, json_string(v.name));
      text_add(out, ": ", 2);
      if (v.symbols)
        symbols(model, &v, out);
      else
        numbers(&v, out);
    }
    text_add(out, "}}", 2);
  }
  text_format(out, "]}\n");
}

/* The names that are asked for, or the states. -1: the reply says why. */
static int names_of(const served *model, const json_t *of, const char **names, http_reply *out) {
  const size_t n = json_array_size(of);
  if (!of) {
    int found = 0;
    unroll_named v;
    unroll_named_init(&v);
    for (int i = 0; found < MOST_NAMES && unroll_model_named(model->m, i, &v, NULL) == UNROLL_OK; i++)
      if (v.is_state) names[found++] = v.name;
    if (!found) reply_error(out, 400, "of", "the model has no states: \"of\" says what is traced");
    return found ? found : -1;
  }
  bool fine = json_is_array(of) && n > 0 && n <= MOST_NAMES;
  for (size_t i = 0; i < n && fine; i++) fine = (names[i] = json_string_value(json_array_get(of, i))) != NULL;
  if (fine) return (int)n;
  reply_error(out, 400, "of", "\"of\" is a list of 1 to %d names of values", MOST_NAMES);
  return -1;
}

static bool short_enough(const json_t *rows, http_reply *out) {
  size_t all = 0, i;
  json_t *row, *value;
  const char *key;
  json_array_foreach((json_t *)rows, i, row) {
    json_object_foreach(row, key, value) { all += json_is_array(value) ? json_array_size(value) : json_string_length(value); }
  }
  if (all <= MOST_TEXT) return true;
  reply_error(out, 400, "rows", "texts of at most %d bytes together are traced", MOST_TEXT);
  return false;
}

static unroll_options *quiet_options(const http_request *r) {
  unroll_options *o = unroll_options_new("trace");
  if (o && !unroll_options_set(o, "threads", "1", NULL)) return unroll_options_set_stop(o, r->stop), o;
  unroll_options_free(o);
  return NULL;
}

/* NULL, and the reply says why. */
static unroll_result *trace(server *s, const http_request *r, const served *model, const unroll_table *t, const char *const *names,
                            int n, http_reply *out) {
  unroll_options *o = quiet_options(r);
  unroll_result *result = NULL;
  unroll_error err = {0};
  if (!o) return reply_error(out, 500, NULL, "out of memory"), NULL;
  server_take(s);
  const unroll_status status = *r->stop ? UNROLL_INTERRUPTED : unroll_trace(model->m, t, names, n, o, &result, &err);
  server_give(s);
  if (status) reply_failure(out, r, status, &err);
  unroll_options_free(o);
  return result;
}

void route_trace(server *s, const http_request *r, http_reply *out) {
  request_rows rows = {0};
  json_t *j = request_json(r, out), *given = json_object_get(j, "rows");
  const char *names[MOST_NAMES];
  unroll_result *result = NULL;
  const served *model = j && members_known(j, "model rows of", out) ? request_model_of(s, j, out) : NULL;
  const int n = model ? names_of(model, json_object_get(j, "of"), names, out) : -1;
  if (n > 0 && short_enough(given, out) && rows_of_json(&rows, model, given, out))
    result = trace(s, r, model, rows.t, names, n, out);
  if (result && few(result, out)) print(model, result, &out->body);
  unroll_result_free(result);
  rows_free(&rows);
  json_decref(j);
}

/* --- embeddings --- */

typedef struct states { /* of a model */
  const char *names[MOST_STATES];
  int backwards[MOST_STATES], n;
} states;

/* Those that the net itself names; the memory inside a cell only where there are no others. */
static states states_of(const served *model) {
  states x = {.n = 0};
  unroll_named v;
  unroll_named_init(&v);
  for (int inner = 0; inner < 2 && !x.n; inner++)
    for (int i = 0; x.n < MOST_STATES && unroll_model_named(model->m, i, &v, NULL) == UNROLL_OK; i++) {
      if (!v.is_state || (!inner && strchr(v.name, '.'))) continue;
      x.backwards[x.n] = v.is_state < 0;
      x.names[x.n++] = v.name;
    }
  return x;
}

/* The variable that a text is for: the only one that is given, or the text itself. */
static bool text_variable(const served *model, unroll_variable *out) {
  unroll_variable v;
  int n = 0;
  unroll_variable_init(&v);
  for (int i = 0; unroll_model_variable(model->m, i, &v, NULL) == UNROLL_OK; i++)
    if (!v.predicted || model->is_text) *out = v, n++;
  return n == 1 && !out->file && !out->width;
}

/* The list of numbers, or, as the client of OpenAI asks for it, their bytes as base64. */
static json_t *vector_json(const float *x, int n, bool bytes) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (!bytes) {
    json_t *list = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(list, json_of_number((double)x[i]));
    return list;
  }
  const unsigned char *from = (const unsigned char *)x; /* the low byte first, as this machine has it */
  const size_t size = (size_t)n * sizeof *x;
  text out = {0};
  for (size_t i = 0; i < size; i += 3) {
    const size_t left = size - i;
    const unsigned bits = (unsigned)from[i] << 16 | (left > 1 ? (unsigned)from[i + 1] << 8 : 0) | (left > 2 ? from[i + 2] : 0u);
    const char four[4] = {digits[bits >> 18], digits[bits >> 12 & 63], left > 1 ? digits[bits >> 6 & 63] : '=',
                          left > 2 ? digits[bits & 63] : '='};
    text_add(&out, four, 4);
  }
  json_t *j = out.failed ? NULL : json_stringn(out.data ? out.data : "", out.length);
  text_free(&out);
  return j;
}

/* The states after the last step; of those that go backwards, after the first. */
static json_t *embedding(const unroll_result *r, const states *x, bool bytes) {
  int n = 0;
  unroll_value v;
  for (int pass = 0; pass < 2; pass++) {
    float *all = pass ? mem_alloc((size_t)n * sizeof *all + 1) : NULL;
    if (pass && !all) return NULL;
    n = 0;
    for (int k = 0; k < x->n; k++) {
      unroll_value_init(&v);
      unroll_result_value(r, 0, x->names[k], &v, NULL);
      const double *at = v.numbers ? v.numbers + (x->backwards[k] ? 0 : (v.steps - 1) * v.width) : NULL;
      for (int i = 0; i < v.width && at; i++, n++)
        if (pass) all[n] = (float)at[i];
    }
    if (!pass) continue;
    json_t *j = vector_json(all, n, bytes);
    mem_free(all);
    return j;
  }
  return NULL;
}

/* What is predicted from what was predicted before, said to be nothing: so a translator reads its source. */
static unroll_status add_unsaid(unroll_table *t, const served *model, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  unroll_variable v;
  unroll_variable_init(&v);
  for (int i = 0; !model->is_text && !status && unroll_model_variable(model->m, i, &v, NULL) == UNROLL_OK; i++)
    if (v.predicted && v.fed_back && v.symbols) status = unroll_table_add_texts(t, v.name, &(const char *){""}, NULL, 1, err);
  return status;
}

static json_t *embed(server *s, const http_request *r, const served *model, const states *x, const char *name, const json_t *input,
                     bool bytes, http_reply *out) {
  const char *one = json_string_value(input);
  const size_t size = json_string_length(input);
  unroll_table *t = unroll_table_new();
  unroll_error err = {0};
  json_t *j = NULL;
  unroll_status status = t ? unroll_table_add_texts(t, name, &one, &size, 1, &err) : UNROLL_FAILED;
  if (!status) status = add_unsaid(t, model, &err);
  unroll_result *result = status ? NULL : trace(s, r, model, t, x->names, x->n, out);
  if (status) reply_error(out, status == UNROLL_FAILED ? 500 : 400, "input", "%s", t ? err.message : "out of memory");
  if (result && !(j = embedding(result, x, bytes))) reply_error(out, 500, NULL, "out of memory");
  unroll_result_free(result);
  unroll_table_free(t);
  return j;
}

/* "input": a text, or a list of them. NULL, and the reply says why. */
static json_t *inputs_of(const json_t *request, http_reply *out) {
  json_t *given = json_object_get(request, "input"), *list = json_array();
  bool fine = json_is_string(given) || (json_is_array(given) && json_array_size(given) <= MOST_INPUTS);
  size_t all = 0;
  if (json_is_string(given)) json_array_append(list, given);
  for (size_t i = 0; i < json_array_size(given) && fine; i++) json_array_append(list, json_array_get(given, i));
  for (size_t i = 0; i < json_array_size(list) && fine; i++) {
    const json_t *x = json_array_get(list, i);
    fine = json_string_length(x) > 0;
    all += json_string_length(x);
  }
  if (fine && json_array_size(list) && all <= MOST_EMBEDDED) return list;
  json_decref(list);
  reply_error(out, 400, "input", "\"input\" is a text, or a list of at most %d; of at most %d bytes together, and none empty",
              MOST_INPUTS, MOST_EMBEDDED);
  return NULL;
}

static void embeddings(server *s, const http_request *r, const json_t *request, const served *model, http_reply *out) {
  const json_t *format = json_object_get(request, "encoding_format");
  const bool bytes = format && !strcmp(json_is_string(format) ? json_string_value(format) : "", "base64");
  unroll_variable v;
  unroll_variable_init(&v);
  const states x = states_of(model);
  if (format && !bytes && strcmp(json_is_string(format) ? json_string_value(format) : "", "float") != 0)
    reply_error(out, 400, "encoding_format", "\"encoding_format\" is float or base64");
  else if (!text_variable(model, &v))
    reply_error(out, 400, "model", "'%.100s' is given more than one text: ask /v1/trace", model->name);
  else if (!x.n)
    reply_error(out, 400, "model", "'%.100s' has no states", model->name);
  else {
    json_t *inputs = inputs_of(request, out), *list = json_array(), *one = inputs;
    for (size_t i = 0; i < json_array_size(inputs) && one; i++) {
      one = embed(s, r, model, &x, v.name, json_array_get(inputs, i), bytes, out);
      if (one) json_array_append_new(list, json_pack("{s:s, s:i, s:o}", "object", "embedding", "index", (int)i, "embedding", one));
    }
    if (one) {
      size_t read = 0;
      for (size_t i = 0; i < json_array_size(inputs); i++) read += json_string_length(json_array_get(inputs, i));
      reply_json(out, json_pack("{s:s, s:O, s:s, s:{s:I, s:I}}", "object", "list", "data", list, "model", model->name, "usage",
                                "prompt_tokens", (json_int_t)read, "total_tokens", (json_int_t)read));
    }
    json_decref(list);
    json_decref(inputs);
  }
}

void route_embeddings(server *s, const http_request *r, http_reply *out) {
  json_t *j = request_json(r, out);
  const served *model =
      j && members_known(j, "model input encoding_format user dimensions", out) ? request_model_of(s, j, out) : NULL;
  const json_t *dimensions = json_object_get(j, "dimensions");
  if (model && dimensions && !json_is_null(dimensions))
    reply_error(out, 400, "dimensions", "a state has the width that the model has: \"dimensions\" is not known here");
  else if (model)
    embeddings(s, r, j, model, out);
  json_decref(j);
}
