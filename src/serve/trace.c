/* trace.c - /v1/trace: values inside the equations at each step, as `unroll trace` has them. /v1/embeddings: the states that a
 * model is in after what it read, as one vector. Clients of OpenAI ask for it that way. */
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "io/json.h"
#include "report/html.h"
#include "serve/rows.h"

/* What is traced stays in memory, so there is not much of it. */
enum { MOST_NAMES = 16, MOST_TEXT = 4096, MOST_FILES = 8 << 20, MOST_EMBEDDED = 16384, MOST_INPUTS = 256, MOST_STATES = 64 };

#define MOST_NUMBERS "4000000" /* of a trace: 32 MB; known before anything is computed */

/* --- traces --- */

static void symbols(const served *model, const unroll_value *v, text *out) {
  text_format(out, "{\"steps\": %lld, \"symbols\": [", (long long)v->steps);
  for (int64_t t = 0; t < v->steps; t++) {
    size_t size = 0;
    const char *s = unroll_model_label(model->m, v->name, v->symbols[t], &size);
    if (t) text_add(out, ", ", 2);
    json_add(out, json_of_text(s ? s : "", size));
  }
  text_add(out, "]}", 2);
}

/* Numbers are written as they come: there may be a million. */
static void numbers(const unroll_value *v, text *out) {
  text_format(out, "{\"steps\": %lld, \"width\": %d, \"values\": [", (long long)v->steps, v->width);
  for (int64_t t = 0; t < v->steps; t++) {
    text_add(out, t ? ", [" : "[", t ? 3 : 1);
    if (v->numbers) text_add_numbers(out, v->numbers + t * v->width, (size_t)v->width, 7, ", ", "null");
    text_add(out, "]", 1);
  }
  text_add(out, "]}", 2);
}

static void print(const served *model, const unroll_result *r, text *out) {
  text_format(out, "{\"model\": ");
  json_add(out, json_string(model->name));
  text_format(out, ", \"traces\": [");
  for (int64_t row = 0; row < unroll_result_rows(r); row++) {
    text_format(out, "%s\n{\"row\": %lld, \"values\": {", row ? "," : "", (long long)row);
    for (int k = 0; k < unroll_result_variables(r); k++) {
      unroll_value v;
      unroll_value_init(&v);
      unroll_result_value(r, row, unroll_result_variable(r, k), &v, NULL);
      if (k) text_add(out, ", ", 2);
      json_add(out, json_string(v.name));
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

/* Texts and lists are counted as they come, files by the bytes that they hold. */
static bool short_enough(const json_t *rows, http_reply *out) {
  size_t texts = 0, files = 0, i;
  json_t *row, *value;
  const char *key;
  json_array_foreach((json_t *)rows, i, row) {
    json_object_foreach(row, key, value) {
      files += json_string_length(json_object_get(value, "base64")) / 4 * 3;
      texts += json_is_array(value) ? json_array_size(value) : json_string_length(value);
    }
  }
  if (texts <= MOST_TEXT && files <= MOST_FILES) return true;
  reply_error(out, 400, "rows", "texts of at most %d bytes together are traced, and files of at most %d", MOST_TEXT, MOST_FILES);
  return false;
}

static unroll_options *quiet_options(const http_request *r) {
  unroll_options *o = unroll_options_new("trace");
  if (o && !unroll_options_set(o, "threads", "1", NULL) && !unroll_options_set(o, "most", MOST_NUMBERS, NULL))
    return unroll_options_set_stop(o, r->stop), o;
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
  if (result) print(model, result, &out->body);
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

/* A list of numbers; or, as the client of OpenAI asks for it, base64 of their bytes. */
static json_t *vector_json(const float *x, int n, bool bytes) {
  text out = {0};
  if (!bytes) {
    json_t *list = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(list, json_of_number((double)x[i]));
    return list;
  }
  html_base64(&out, x, (size_t)n * sizeof *x);
  json_t *j = out.failed ? NULL : json_stringn(out.data ? out.data : "", out.length);
  text_free(&out);
  return j;
}

/* The states after the last step; of those that go backwards, after the first. */
static json_t *embedding(const unroll_result *r, int64_t row, const states *x, bool bytes) {
  int n = 0;
  unroll_value v;
  for (int pass = 0; pass < 2; pass++) {
    float *all = pass ? mem_alloc((size_t)n * sizeof *all + 1) : NULL;
    if (pass && !all) return NULL;
    n = 0;
    for (int k = 0; k < x->n; k++) {
      unroll_value_init(&v);
      unroll_result_value(r, row, x->names[k], &v, NULL);
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

typedef struct embedded { /* what is asked for */
  const served *model;
  states of;
  const char *name; /* of the variable that the texts are for */
  bool bytes;
} embedded;

/* n inputs from one on, and, said to be nothing, what is predicted from what was predicted before: so a translator reads its
 * source. */
static unroll_status add_inputs(unroll_table *t, const embedded *x, const json_t *inputs, size_t from, size_t n,
                                unroll_error *err) {
  const char *texts[MOST_INPUTS], *nothing[MOST_INPUTS];
  size_t lengths[MOST_INPUTS];
  unroll_variable v;
  for (size_t i = 0; i < n; i++) {
    texts[i] = json_string_value(json_array_get(inputs, from + i));
    lengths[i] = json_string_length(json_array_get(inputs, from + i));
    nothing[i] = "";
  }
  unroll_status status = unroll_table_add_texts(t, x->name, texts, lengths, (int64_t)n, err);
  unroll_variable_init(&v);
  for (int i = 0; !x->model->is_text && !status && unroll_model_variable(x->model->m, i, &v, NULL) == UNROLL_OK; i++)
    if (v.predicted && v.fed_back && v.symbols) status = unroll_table_add_texts(t, v.name, nothing, NULL, (int64_t)n, err);
  return status;
}

/* Adds an object for each of n inputs, of one pass over them. False, and the reply says why. */
static bool embed(server *s, const http_request *r, const embedded *x, const json_t *inputs, size_t from, size_t n, json_t *list,
                  http_reply *out) {
  unroll_table *t = unroll_table_new();
  unroll_error err = {0};
  unroll_result *result = NULL;
  const unroll_status status = t ? add_inputs(t, x, inputs, from, n, &err) : error_memory(&err);
  if (status)
    reply_error(out, status == UNROLL_FAILED ? 500 : 400, "input", "%s", err.message);
  else
    result = trace(s, r, x->model, t, x->of.names, x->of.n, out);
  bool fine = result && unroll_result_rows(result) == (int64_t)n;
  for (size_t i = 0; i < n && fine; i++) {
    json_t *one = embedding(result, (int64_t)i, &x->of, x->bytes);
    fine = one && !json_array_append_new(
                      list, json_pack("{s:s, s:I, s:o}", "object", "embedding", "index", (json_int_t)(from + i), "embedding", one));
  }
  if (result && !fine) reply_error(out, 500, NULL, "out of memory");
  unroll_result_free(result);
  unroll_table_free(t);
  return fine;
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

/* A model of one long text would read all inputs as one, so each has a pass of its own. */
static void embed_all(server *s, const http_request *r, const embedded *x, const json_t *inputs, http_reply *out) {
  const bool stream = x->model->is_text && unroll_model_end(x->model->m) < 0;
  const size_t n = json_array_size(inputs), each = stream ? 1 : n;
  json_t *list = json_array();
  size_t read = 0;
  bool fine = n > 0;
  for (size_t i = 0; i < n && fine; i += each) fine = embed(s, r, x, inputs, i, each, list, out);
  for (size_t i = 0; i < n; i++) read += json_string_length(json_array_get(inputs, i));
  if (fine)
    reply_json(out, json_pack("{s:s, s:O, s:s, s:{s:I, s:I}}", "object", "list", "data", list, "model", x->model->name, "usage",
                              "prompt_tokens", (json_int_t)read, "total_tokens", (json_int_t)read));
  json_decref(list);
}

static void embeddings(server *s, const http_request *r, const json_t *request, const served *model, http_reply *out) {
  const json_t *format = json_object_get(request, "encoding_format");
  const bool bytes = format && !strcmp(json_is_string(format) ? json_string_value(format) : "", "base64");
  unroll_variable v;
  unroll_variable_init(&v);
  const embedded x = {.model = model, .of = states_of(model), .bytes = bytes, .name = text_variable(model, &v) ? v.name : NULL};
  if (format && !bytes && strcmp(json_is_string(format) ? json_string_value(format) : "", "float") != 0)
    reply_error(out, 400, "encoding_format", "\"encoding_format\" is float or base64");
  else if (!x.name)
    reply_error(out, 400, "model", "'%.100s' is given more than one text: ask /v1/trace", model->name);
  else if (!x.of.n)
    reply_error(out, 400, "model", "'%.100s' has no states", model->name);
  else {
    json_t *inputs = inputs_of(request, out);
    if (inputs) embed_all(s, r, &x, inputs, out);
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
