/* json_models.c - see json_models.h.
 *
 * RTNeural: {"in_shape": [...], "layers": [{"type": "lstm", "activation": "", "shape": [..., n], "weights": [...]}]}, with matrices
 * as Keras has them. GuitarML: {"model_data": {...}, "state_dict": {"rec.weight_ih_l0": [[...]], ...}}, as PyTorch has them. */
#include "import/json_models.h"
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "import/keras.h"
#include "io/json.h"

#define BAD(...) error_at(err, UNROLL_BAD_INPUT, a->file, NULL, 0, 0, __VA_ARGS__)

/* --- nested lists of numbers --- */

static bool count_of(const json_t *j, int64_t *shape, int *rank) {
  for (*rank = 0; json_is_array(j); j = json_array_get(j, 0)) {
    if (*rank == ARRAY_RANK || !json_array_size(j)) return false;
    shape[(*rank)++] = (int64_t)json_array_size(j);
  }
  return json_is_number(j);
}

static bool fill(const json_t *j, int rank, const int64_t *shape, float **at) {
  if (!rank) {
    if (!json_is_number(j)) return false;
    *(*at)++ = (float)json_number_value(j);
    return true;
  }
  if (!json_is_array(j) || (int64_t)json_array_size(j) != *shape) return false;
  for (size_t i = 0; i < json_array_size(j); i++)
    if (!fill(json_array_get(j, i), rank - 1, shape + 1, at)) return false;
  return true;
}

/* Numbers in JSON take two bytes each at least, so the file bounds what is taken. */
static unroll_status add_numbers(arrays *a, const char *name, const json_t *j, unroll_error *err) {
  int64_t shape[ARRAY_RANK], count = 1;
  int rank;
  const array_form form = {{'f', 4, false}, NULL};
  if (!count_of(j, shape, &rank)) return BAD("'%.60s' is no list of numbers", name);
  for (int i = 0; i < rank; i++)
    if (__builtin_mul_overflow(count, shape[i], &count) || count > 1 << 28) return BAD("'%.60s' is too large", name);
  float *x = mem_zero((size_t)count + 1, sizeof *x), *at = x;
  if (!x) return error_memory(err);
  unroll_status status = fill(j, rank, shape, &at) ? UNROLL_OK : BAD("the lists of '%.60s' are of different lengths", name);
  if (!status) status = arrays_add(a, name, rank, shape, &form, x, (size_t)count * sizeof *x, err);
  mem_free(x);
  return status;
}

/* --- RTNeural --- */

typedef struct rt {
  layers *l;
  arrays *a;
  const import_options *o;
  unroll_error *err;
} rt;

static int last_of(const json_t *shape) {
  const json_int_t n = json_integer_value(json_array_get(shape, json_array_size(shape) - 1));
  return n > 0 && n < 1 << 20 ? (int)n : 0;
}

static int last_or_whole(const json_t *j, int missing) {
  const json_t *last = json_is_array(j) ? json_array_get(j, json_array_size(j) - 1) : j;
  const json_int_t n = json_integer_value(last);
  return json_is_integer(last) && n > 0 && n < 1 << 20 ? (int)n : missing;
}

/* x above 0, else a number for each entry times x: relu(x) + a * (x - relu(x)). */
static unroll_status prelu(rt *r, const array *slopes, size_t number, int *at) {
  layers *l = r->l;
  const int x = *at, n = l->list[x].width;
  if (!slopes || (slopes->count != n && slopes->count != 1))
    return error_at(r->err, UNROLL_BAD_INPUT, r->a->file, NULL, 0, 0, "layer %zu (prelu) has other than %d slopes", number, n);
  float *wide = layers_numbers(l, n);
  for (int i = 0; wide && i < n; i++) wide[i] = slopes->x[slopes->count == 1 ? 0 : i];
  const int above = wide ? layers_add(l, LAYER_APPLY, "above", x) : -1;
  const int below = above < 0 ? -1 : layers_add(l, LAYER_BINARY, "below", x);
  const int sloped = below < 0 ? -1 : layers_add(l, LAYER_BINARY, "sloped", below);
  *at = sloped < 0 ? -1 : layers_add(l, LAYER_BINARY, "prelu", above);
  if (*at < 0) return error_memory(r->err);
  l->list[above].function = "relu(%s)";
  l->list[below].function = "-";
  l->list[below].in[l->list[below].n_in++] = above;
  l->list[sloped].function = "*";
  l->list[sloped].b = wide;
  l->list[*at].function = "+";
  l->list[*at].in[l->list[*at].n_in++] = sloped;
  return UNROLL_OK;
}

/* gamma, beta, mean, variance; without gain and shift the last two alone. */
static unroll_status batch_norm(rt *r, const json_t *j, const array *const *w, size_t number, int *at) {
  layers *l = r->l;
  const int n = l->list[*at].width, first = w[2] ? 2 : 0;
  for (int i = 0; i < first + 2; i++)
    if (!w[i] || w[i]->count != n)
      return error_at(r->err, UNROLL_BAD_INPUT, r->a->file, NULL, 0, 0, "layer %zu (batchnorm) has other than %d numbers", number,
                      n);
  float *ones = layers_numbers(l, n), *zeros = layers_numbers(l, n);
  *at = ones && zeros ? layers_add(l, LAYER_BATCHNORM, "norm", *at) : -1;
  if (*at < 0) return error_memory(r->err);
  for (int i = 0; i < n; i++) ones[i] = 1;
  layer *y = layers_at(l, *at);
  y->gain = first ? w[0]->x : ones;
  y->bias = first ? w[1]->x : zeros;
  y->mean = w[first]->x;
  y->variance = w[first + 1]->x;
  y->epsilon = json_is_number(json_object_get(j, "epsilon")) ? json_number_value(json_object_get(j, "epsilon")) : 1e-3;
  return UNROLL_OK;
}

static unroll_status rt_layer(rt *r, const json_t *j, size_t number, int *at) {
  arrays *a = r->a;
  unroll_error *err = r->err;
  const char *type = json_string_value(json_object_get(j, "type")),
             *activation = json_string_value(json_object_get(j, "activation"));
  const json_t *weights = json_object_get(j, "weights");
  const int units = last_of(json_object_get(j, "shape"));
  char name[96];
  const array *w[4] = {NULL, NULL, NULL, NULL};
  unroll_status status = UNROLL_OK;
  if (!type) return BAD("layer %zu has no type", number);
  for (size_t i = 0; i < json_array_size(weights) && i < 4 && !status; i++) {
    snprintf(name, sizeof name, "layer %zu (%.40s), weight %zu", number, type, i);
    status = add_numbers(a, name, json_array_get(weights, i), err);
  }
  for (size_t i = 0; i < json_array_size(weights) && i < 4 && !status; i++) {
    snprintf(name, sizeof name, "layer %zu (%.40s), weight %zu", number, type, i);
    w[i] = arrays_find(a, name);
    if (w[i]) arrays_find(a, name)->used = true;
  }
  if (status) return status;
  const bool lstm = !strcmp(type, "lstm"), gru = !strcmp(type, "gru");
  const char *f = layers_function(activation ? activation : "");
  if (!f) return BAD("layer %zu has the activation '%.40s', which is not known", number, activation);
  if (lstm || gru) {
    const keras_cell c = {.type = lstm ? CELL_LSTM : CELL_GRU,
                          .kernel = w[0],
                          .recurrent = w[1],
                          .bias = w[2],
                          .units = units,
                          .reset_after = gru && w[2] && w[2]->count == 6 * (int64_t)units,
                          .act = "tanh(%s)",
                          .gate = "sigmoid(%s)"};
    if (units < 1) return BAD("layer %zu has no good shape", number);
    status = keras_recurrent(r->l, a, &c, type, *at, false, at, err);
    f = "";
  } else if (!strcmp(type, "dense") || !strcmp(type, "time-distributed-dense")) {
    status = keras_dense(r->l, a, w[0], w[1], "dense", *at, at, err);
  } else if (!strcmp(type, "conv1d")) {
    const int dilation = last_or_whole(json_object_get(j, "dilation"), 1), groups = last_or_whole(json_object_get(j, "groups"), 1);
    const int size = w[0] && w[0]->rank == 3 && w[0]->shape[0] <= LAYER_INPUTS ? (int)w[0]->shape[0] : 1;
    if (last_or_whole(json_object_get(j, "strides"), 1) != 1) return BAD("layer %zu (conv1d) leaves out steps", number);
    if (dilation > 1 << 16) return BAD("layer %zu has a bad dilation", number);
    const keras_around c = {w[0], w[1], dilation * (size - 1), dilation, groups};
    status = keras_conv_1d(r->l, a, &c, "conv", *at, at, err);
  } else if (!strcmp(type, "prelu")) {
    status = prelu(r, w[0], number, at);
  } else if (!strcmp(type, "batchnorm")) {
    status = batch_norm(r, j, w, number, at);
  } else if (strcmp(type, "activation") != 0)
    return BAD("layer %zu is of the type '%.40s', which is not understood", number, type);
  if (!status) status = keras_apply(r->l, f, "act", *at, at, err);
  if (!status) text_format(&r->l->told, "layer %zu: %s -> %d\n", number, type, r->l->list[*at].width);
  return status;
}

static int add_numbers_in(layers *l, int width) {
  const int at = layers_add(l, LAYER_NUMBERS, "input", -1);
  if (at < 0) return -1;
  strcpy(l->list[at].name, "x");
  l->list[at].width = width;
  l->list[at].steps = true;
  return at;
}

static unroll_status read_rt(rt *r, const json_t *root) {
  const json_t *list = json_object_get(root, "layers");
  arrays *a = r->a;
  unroll_error *err = r->err;
  const int width = last_of(json_object_get(root, "in_shape"));
  if (!width || !json_array_size(list)) return BAD("the file has no good in_shape, or no layers");
  int at = add_numbers_in(r->l, width);
  unroll_status status = at < 0 ? error_memory(err) : UNROLL_OK;
  for (size_t i = 0; i < json_array_size(list) && !status; i++) status = rt_layer(r, json_array_get(list, i), i, &at);
  r->l->outputs[0].layer = at;
  r->l->n_outputs = 1;
  r->l->source = "RTNeural model";
  return status;
}

/* --- GuitarML, and tensors of PyTorch by their names --- */

static unroll_status read_tensors(rt *r, const json_t *state) {
  const json_t *value;
  const char *key;
  unroll_status status = UNROLL_OK;
  json_object_foreach((json_t *)(uintptr_t)state, key, value) {
    if (!status) status = add_numbers(r->a, key, value, r->err);
  }
  return status ? status : layers_of_modules(r->l, r->a, r->o, r->err);
}

static unroll_status read_guitar(rt *r, const json_t *root) {
  const json_t *data = json_object_get(root, "model_data");
  const unroll_status status = read_tensors(r, json_object_get(root, "state_dict"));
  if (status) return status;
  layers *l = r->l;
  l->source = "GuitarML model";
  if (json_integer_value(json_object_get(data, "skip")) <= 0 || !l->n_outputs) return status;
  const int out = l->outputs[0].layer;
  if (l->list[0].kind != LAYER_NUMBERS || l->list[0].width < l->list[out].width)
    return error_at(r->err, UNROLL_BAD_INPUT, r->a->file, NULL, 0, 0,
                    "what goes in is narrower than what comes out, and is added to it");
  int in = 0;
  if (l->list[0].width > l->list[out].width) { /* knobs come behind the sound */
    in = layers_add(l, LAYER_PART, "sound", 0);
    if (in < 0) return error_memory(r->err);
    l->list[in].width = l->list[out].width;
  }
  const int sum = layers_add(l, LAYER_BINARY, "sum", out);
  if (sum < 0) return error_memory(r->err);
  l->list[sum].in[l->list[sum].n_in++] = in;
  l->list[sum].function = "+";
  l->outputs[0].layer = sum;
  text_format(&l->told, "skip: what goes in is added to what comes out\n");
  return UNROLL_OK;
}

/* {"lstm.weight_ih_l0": [[...]], ...}: RTNeural takes that too. */
static bool are_tensors(const json_t *root) {
  const json_t *value;
  const char *key;
  bool all = json_is_object(root) && json_object_size(root) > 0;
  json_object_foreach((json_t *)(uintptr_t)root, key, value) all &= strchr(key, '.') && json_is_array(value);
  return all;
}

unroll_status layers_of_json(layers *l, arrays *a, const char *data, size_t size, const import_options *o, unroll_error *err) {
  json_error_t error;
  int starved;
  rt r = {.l = l, .a = a, .o = o, .err = err};
  json_t *j = json_read(data, size, &error, &starved);
  if (!j)
    return starved ? error_memory(err)
                   : error_at(err, UNROLL_BAD_INPUT, a->file, NULL, error.line, error.column, "not good JSON: %s", error.text);
  unroll_status status;
  if (json_is_object(json_object_get(j, "modelTopology")))
    status = keras_js(l, a, j, err);
  else if (json_is_array(json_object_get(j, "layers")) && json_object_get(j, "in_shape"))
    status = read_rt(&r, j);
  else if (json_is_object(json_object_get(j, "state_dict")))
    status = read_guitar(&r, j);
  else if (are_tensors(j))
    status = read_tensors(&r, j);
  else
    status = BAD("this JSON is no model of TensorFlow.js, RTNeural or GuitarML, and no state dict of PyTorch");
  json_decref(j);
  return status;
}
