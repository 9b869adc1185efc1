/* keras.c - models of Keras: its configuration says which layers there are and what they read; a row here says what becomes of
 * each.
 *
 * Masks are not carried along: a sequence here has its own length, and what Keras masks at its end is not there. */
#include "import/keras.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"

enum { MOST_LAYERS = 512, MOST_INPUTS = LAYER_INPUTS };

typedef struct keras_layer {
  const char *name, *class;
  const json_t *config;
  char folder[80]; /* in a .keras: class and number */
  int value;       /* the layer that it became; -1: not yet */
  int inputs[MOST_INPUTS], n_inputs;
  bool flat; /* of a picture: a vector from here on */
} keras_layer;

typedef struct keras {
  layers *l;
  arrays *a;
  enum keras_form form;
  keras_layer list[MOST_LAYERS];
  int n;
  int version; /* 2 or 3 */
  unroll_error *err;
} keras;

#define BAD(k, ...) error_at((k)->err, UNROLL_BAD_INPUT, (k)->a->file, NULL, 0, 0, __VA_ARGS__)

/* --- configuration --- */

static const char *word(const json_t *config, const char *key) { return json_string_value(json_object_get(config, key)); }
static bool flag(const json_t *config, const char *key) { return json_is_true(json_object_get(config, key)); }

static int whole(const json_t *config, const char *key, int missing) {
  const json_t *j = json_object_get(config, key);
  const json_int_t x = json_is_integer(j) ? json_integer_value(j) : json_is_real(j) ? (json_int_t)json_real_value(j) : missing;
  return x < -(1 << 24) || x > 1 << 24 ? missing : (int)x;
}

static double real(const json_t *config, const char *key, double missing) {
  const json_t *j = json_object_get(config, key);
  return json_is_number(j) ? json_number_value(j) : missing;
}

/* Of [3, 3] or 3 the one number; -1: they differ. */
static int square(const json_t *config, const char *key, int missing) {
  const json_t *j = json_object_get(config, key);
  if (!json_is_array(j)) return whole(config, key, missing);
  const json_int_t a = json_integer_value(json_array_get(j, 0)), b = json_integer_value(json_array_get(j, 1));
  return a == b && a > 0 && a < 65536 ? (int)a : -1;
}

/* A function by its name, or by {"class_name": "ReLU", ...}. NULL: not known. */
static const char *function(const keras *k, const json_t *config, const char *key, const char *missing) {
  const json_t *j = json_object_get(config, key);
  const char *name = json_is_object(j) ? word(j, "class_name") : json_string_value(j);
  if (json_is_object(j) && word(json_object_get(j, "config"), "name")) name = word(json_object_get(j, "config"), "name");
  if (json_is_object(j) && json_is_string(json_object_get(j, "config"))) name = json_string_value(json_object_get(j, "config"));
  if (!name) name = json_is_null(j) || !j ? missing : "?";
  if (!strcmp(name, "hard_sigmoid") && k->version >= 3) return "clip(%s / 6 + 0.5, 0, 1)";
  return layers_function(name);
}

/* --- weights --- */

static bool has_component(const char *path, const char *name) {
  const size_t n = strlen(name);
  for (const char *at = path; at; at = strchr(at, '/'), at = at ? at + 1 : NULL)
    if (!strncmp(at, name, n) && (at[n] == '/' || !at[n])) return true;
  return false;
}

static bool ends_with(const char *path, const char *role) {
  const char *last = strrchr(path, '/');
  const size_t n = strlen(role);
  last = last ? last + 1 : path;
  return !strncmp(last, role, n) && (!last[n] || last[n] == ':');
}

/* A weight of a layer: by role, "kernel", and in a .keras by number. `sub` is "", "forward" or "backward". */
static array *weight(const keras *k, const keras_layer *y, const char *sub, const char *role, int number) {
  char path[200];
  static const char *const inner[] = {"", "cell/", "layer/", "layer/cell/"};
  if (k->form == KERAS_NUMBERS) {
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
      snprintf(path, sizeof path, "layers/%s/%s%s%svars/%d", y->folder, sub, *sub ? "_layer/" : "", inner[i], number);
      array *a = arrays_find(k->a, path);
      if (a) return a->used = true, a;
    }
    return NULL;
  }
  for (int i = 0; i < k->a->n; i++) {
    array *a = &k->a->list[i];
    if (!has_component(a->name, y->name) || !ends_with(a->name, role)) continue;
    if (*sub && (!strstr(a->name, sub) || (!strcmp(sub, "forward") && strstr(a->name, "backward")))) continue;
    a->used = true;
    return a;
  }
  return NULL;
}

/* --- layers --- */

static unroll_status unknown_function(const keras *k, const keras_layer *y) {
  return BAD(k, "the layer '%.60s' (%.40s) has an activation that is not known", y->name, y->class);
}

static unroll_status over(keras *k, const char *function_name, const char *name, int at, bool steps, int *out) {
  *out = layers_add(k->l, LAYER_OVER, name, at);
  if (*out < 0) return error_memory(k->err);
  k->l->list[*out].function = function_name;
  k->l->list[*out].steps = steps;
  return UNROLL_OK;
}

/* One direction of a recurrence, with what it gives: all steps or one. */
static unroll_status one_way(keras *k, const keras_layer *y, const json_t *config, const char *class, const char *sub,
                             bool backward, bool both, int at, int *out) {
  const bool cudnn = !strncmp(class, "CuDNN", 5), sequences = flag(config, "return_sequences");
  const enum cell_type type = strstr(class, "LSTM") ? CELL_LSTM : strstr(class, "GRU") ? CELL_GRU : CELL_RNN;
  const bool bias = !json_is_false(json_object_get(config, "use_bias"));
  keras_cell c = {.type = type,
                  .units = whole(config, "units", 0),
                  .cudnn = cudnn,
                  .reset_after = type == CELL_GRU && (cudnn || flag(config, "reset_after")),
                  .act = cudnn ? "tanh(%s)" : function(k, config, "activation", "tanh"),
                  .gate = cudnn ? "sigmoid(%s)" : function(k, config, "recurrent_activation", "sigmoid")};
  if (c.units < 1) return BAD(k, "the layer '%.60s' has no good number of units", y->name);
  if (!c.act || !c.gate) return unknown_function(k, y);
  if (!k->l->list[at].steps) return BAD(k, "the recurrence '%.60s' reads what has no steps", y->name);
  c.kernel = weight(k, y, sub, "kernel", 0);
  c.recurrent = weight(k, y, sub, "recurrent_kernel", 1);
  if (bias) c.bias = weight(k, y, sub, "bias", 2);
  if (bias && !c.bias) return BAD(k, "the layer '%.60s' lacks its bias", y->name);
  unroll_status status = keras_recurrent(k->l, k->a, &c, y->name, at, backward, out, k->err);
  if (status) return status;
  if (!sequences) return over(k, backward ? "first" : "last", y->name, *out, false, out);
  return backward && !both ? over(k, "reverse", y->name, *out, true, out) : UNROLL_OK; /* Keras leaves it in its own order */
}

static unroll_status merge(keras *k, const char *mode, const char *name, int a, int b, int *out) {
  const bool concat = !strcmp(mode, "concat");
  *out = layers_add(k->l, concat ? LAYER_CONCAT : LAYER_BINARY, name, a);
  if (*out < 0) return error_memory(k->err);
  layer *m = layers_at(k->l, *out);
  m->in[m->n_in++] = b;
  m->function = !strcmp(mode, "mul") ? "*" : "+";
  if (concat && !layers_widen(m, k->l->list[b].width)) return BAD(k, "the layer '%.60s' has too many numbers", name);
  return strcmp(mode, "ave") != 0 ? UNROLL_OK : keras_apply(k->l, "0.5 * %s", name, *out, out, k->err);
}

static unroll_status bidirectional(keras *k, const keras_layer *y, int at, int *out) {
  const json_t *inner = json_object_get(y->config, "layer"), *config = json_object_get(inner, "config");
  const char *class = word(inner, "class_name"), *mode = word(y->config, "merge_mode");
  int ends[2] = {0, 0};
  if (!class || !config) return BAD(k, "the layer '%.60s' has no layer in it", y->name);
  if (!mode || (strcmp(mode, "concat") && strcmp(mode, "sum") && strcmp(mode, "mul") && strcmp(mode, "ave")))
    return BAD(k, "the layer '%.60s' merges by '%.20s', which is none of concat, sum, mul and ave", y->name,
               mode ? mode : "nothing");
  for (int d = 0; d < 2; d++) {
    const unroll_status status = one_way(k, y, config, class, d ? "backward" : "forward", d == 1, true, at, &ends[d]);
    if (status) return status;
  }
  return merge(k, mode, y->name, ends[0], ends[1], out);
}

static unroll_status embedding(keras *k, const keras_layer *y, int at, int *out) {
  const array *w = weight(k, y, "", "embeddings", 0);
  if (!w || w->rank != 2 || w->shape[0] != k->l->list[at].width || w->shape[1] < 1 || w->shape[1] > 1 << 20)
    return BAD(k, "the layer '%.60s' has no good table of %d symbols", y->name, k->l->list[at].width);
  *out = layers_add(k->l, LAYER_EMBED, y->name, at);
  if (*out < 0) return error_memory(k->err);
  k->l->list[*out].W = w->x;
  k->l->list[*out].width = (int)w->shape[1];
  return UNROLL_OK;
}

static unroll_status dense(keras *k, const keras_layer *y, const json_t *config, int at, int *out) {
  const char *f = function(k, config, "activation", "linear");
  const bool bias = !json_is_false(json_object_get(config, "use_bias"));
  const array *kernel = weight(k, y, "", "kernel", 0), *b = bias ? weight(k, y, "", "bias", 1) : NULL;
  if (!f) return unknown_function(k, y);
  if (bias && !b) return BAD(k, "the layer '%.60s' lacks its bias", y->name);
  if (k->l->list[at].channels && !k->list[y->inputs[0]].flat)
    return BAD(k, "the layer '%.60s' is applied to each pixel, which is not understood", y->name);
  const unroll_status status = keras_dense(k->l, k->a, kernel, b, y->name, at, out, k->err);
  return status ? status : keras_apply(k->l, f, y->name, *out, out, k->err);
}

static unroll_status norm(keras *k, const keras_layer *y, int at, bool batch, int *out) {
  const bool scale = !json_is_false(json_object_get(y->config, "scale")),
             center = !json_is_false(json_object_get(y->config, "center"));
  int number = 0;
  const array *gain = scale ? weight(k, y, "", "gamma", number++) : NULL,
              *bias = center ? weight(k, y, "", "beta", number++) : NULL;
  const array *mean = batch ? weight(k, y, "", "moving_mean", number++) : NULL;
  const array *variance = batch ? weight(k, y, "", "moving_variance", number++) : NULL;
  const array *const all[] = {gain, bias, mean, variance};
  const bool wanted[] = {scale, center, batch, batch};
  const layer *from = &k->l->list[at];
  const int n = batch && from->channels ? from->channels : from->width;
  for (int i = 0; i < 4; i++)
    if (wanted[i] && (!all[i] || all[i]->count != n)) return BAD(k, "the layer '%.60s' lacks %d numbers", y->name, n);
  *out = layers_add(k->l, batch ? LAYER_BATCHNORM : LAYER_NORM, y->name, at);
  float *ones = layers_numbers(k->l, n), *zeros = layers_numbers(k->l, n);
  if (*out < 0 || !ones || !zeros) return error_memory(k->err);
  for (int i = 0; i < n; i++) ones[i] = 1;
  layer *l = layers_at(k->l, *out);
  l->gain = gain ? gain->x : batch ? ones : NULL;
  l->bias = bias ? bias->x : batch ? zeros : NULL;
  l->mean = mean ? mean->x : NULL;
  l->variance = variance ? variance->x : NULL;
  l->epsilon = real(y->config, "epsilon", 1e-3);
  return UNROLL_OK;
}

static unroll_status convolution(keras *k, const keras_layer *y, int at, int *out) {
  const char *f = function(k, y->config, "activation", "linear"), *padding = word(y->config, "padding");
  const int size = square(y->config, "kernel_size", -1), stride = square(y->config, "strides", 1),
            n = whole(y->config, "filters", 0);
  const int groups = whole(y->config, "groups", 1);
  const layer from = k->l->list[at];
  const array *w = weight(k, y, "", "kernel", 0), *b = weight(k, y, "", "bias", 1);
  const bool same = padding && !strcmp(padding, "same");
  if (!f) return unknown_function(k, y);
  if (!from.channels || size < 1 || stride < 1 || n < 1 || groups < 1 || from.channels % groups || (same && stride > 1) ||
      square(y->config, "dilation_rate", 1) != 1)
    return BAD(k, "the layer '%.60s' (%.40s) is a convolution that is not understood: squares, and with a stride no padding",
               y->name, y->class);
  const int c = from.channels / groups;
  if (!w || w->rank != 4 || w->shape[0] != size || w->shape[1] != size || w->shape[2] != c || w->shape[3] != n ||
      (b && b->count != n))
    return BAD(k, "the layer '%.60s' has no good kernel", y->name);
  float *x = layers_turned(k->l, w->x, n, size * size * c), *zeros = layers_numbers(k->l, n);
  *out = x && zeros ? layers_add(k->l, LAYER_CONV, y->name, at) : -1;
  if (*out < 0) return error_memory(k->err);
  layer *l = layers_at(k->l, *out);
  l->W = x;
  l->b = b ? b->x : zeros;
  l->size = size;
  l->stride = stride;
  l->groups = groups;
  l->same = same;
  if (!same && (size > from.rows || size > from.columns)) return BAD(k, "the layer '%.60s' is larger than its picture", y->name);
  const int rows = same ? from.rows : (from.rows - size) / stride + 1,
            columns = same ? from.columns : (from.columns - size) / stride + 1;
  if (!layers_picture(l, n, rows, columns)) return BAD(k, "the layer '%.60s' has too many numbers", y->name);
  return keras_apply(k->l, f, y->name, *out, out, k->err);
}

static unroll_status pool(keras *k, const keras_layer *y, int at, int *out) {
  const char *padding = word(y->config, "padding");
  const int size = square(y->config, "pool_size", 2), stride = square(y->config, "strides", size);
  const layer from = k->l->list[at];
  if (!from.channels || size < 1 || stride < 1 || (padding && strcmp(padding, "valid")) || size > from.rows || size > from.columns)
    return BAD(k, "the layer '%.60s' (%.40s) is a pool that is not understood: squares without padding", y->name, y->class);
  *out = layers_add(k->l, LAYER_POOL, y->name, at);
  if (*out < 0) return error_memory(k->err);
  layer *l = layers_at(k->l, *out);
  l->function = strstr(y->class, "Max") ? "max" : "mean";
  l->size = size;
  l->stride = stride;
  layers_picture(l, from.channels, (from.rows - size) / stride + 1, (from.columns - size) / stride + 1);
  return UNROLL_OK;
}

static unroll_status several(keras *k, const keras_layer *y, int *out) {
  static const char *const rows[][2] = {{"Concatenate", "concat"}, {"Add", "sum"}, {"Multiply", "mul"}, {"Average", "ave"}};
  const char *mode = NULL;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (!strcmp(rows[i][0], y->class)) mode = rows[i][1];
  const int first = k->list[y->inputs[0]].value;
  *out = first;
  if (!mode || (!strcmp(mode, "ave") && y->n_inputs > 2))
    return BAD(k, "the layer '%.60s' (%.40s) reads several layers", y->name, y->class);
  for (int i = 1; i < y->n_inputs; i++) {
    const int other = k->list[y->inputs[i]].value;
    const layer *a = &k->l->list[*out], *b = &k->l->list[other];
    if (a->channels || b->channels || (strcmp(mode, "concat") && a->width != b->width) || a->steps != b->steps)
      return BAD(k, "the layers that '%.60s' puts together do not go together", y->name);
    const unroll_status status = merge(k, mode, y->name, *out, other, out);
    if (status) return status;
  }
  return UNROLL_OK;
}

/* Layers that do nothing outside of training. */
static bool is_idle(const char *class) {
  static const char *const rows[] = {"Dropout",         "SpatialDropout1D", "SpatialDropout2D",       "GaussianNoise",
                                     "GaussianDropout", "AlphaDropout",     "ActivityRegularization", "Masking",
                                     "Identity"};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (!strcmp(rows[i], class)) return true;
  return false;
}

/* *known: there is such a function; NULL is then for want of memory. */
static const char *function_layer(keras *k, const keras_layer *y, bool *known) {
  char own[64] = "";
  *known = true;
  if (!strcmp(y->class, "ReLU") && !json_is_number(json_object_get(y->config, "max_value"))) return "relu(%s)";
  if (!strcmp(y->class, "Softmax")) return "softmax(%s)";
  if (!strcmp(y->class, "ReLU")) snprintf(own, sizeof own, "clip(%%s, 0, %.9g)", real(y->config, "max_value", 6));
  if (!strcmp(y->class, "ELU")) snprintf(own, sizeof own, "elu(%%s, %.9g)", real(y->config, "alpha", 1));
  if (!strcmp(y->class, "LeakyReLU"))
    snprintf(own, sizeof own, "leaky_relu(%%s, %.9g)", real(y->config, "negative_slope", real(y->config, "alpha", 0.3)));
  *known = *own != 0;
  return *known ? arena_text(&k->l->memory, own, strlen(own)) : NULL;
}

static unroll_status flatten(keras *k, keras_layer *y, int at, int *out) {
  *out = at;
  if (k->l->list[at].steps) return BAD(k, "the layer '%.60s' makes all steps one vector, and here they may be many", y->name);
  y->flat = true;
  return UNROLL_OK;
}

static unroll_status add_layer(keras *k, keras_layer *y) {
  const char *class = y->class;
  const int at = y->n_inputs ? k->list[y->inputs[0]].value : -1;
  int *out = &y->value;
  if (y->n_inputs > 1) return several(k, y, out);
  if (at < 0) return BAD(k, "the layer '%.60s' reads nothing", y->name);
  *out = at;
  const bool steps = k->l->list[at].steps;
  y->flat = k->list[y->inputs[0]].flat && is_idle(class);
  if (is_idle(class)) return UNROLL_OK;
  if (!strcmp(class, "Embedding")) return embedding(k, y, at, out);
  if (!strcmp(class, "LSTM") || !strcmp(class, "GRU") || !strcmp(class, "SimpleRNN") || !strcmp(class, "CuDNNLSTM") ||
      !strcmp(class, "CuDNNGRU"))
    return one_way(k, y, y->config, class, "", flag(y->config, "go_backwards"), false, at, out);
  if (!strcmp(class, "Bidirectional")) return bidirectional(k, y, at, out);
  if (!strcmp(class, "Dense")) return dense(k, y, y->config, at, out);
  if (!strcmp(class, "TimeDistributed")) {
    const json_t *inner = json_object_get(y->config, "layer");
    const char *of = word(inner, "class_name");
    if (of && is_idle(of)) return UNROLL_OK;
    if (!of || strcmp(of, "Dense"))
      return BAD(k, "the layer '%.60s' has %.40s at each step, which is not understood", y->name, of ? of : "nothing");
    return dense(k, y, json_object_get(inner, "config"), at, out);
  }
  if (!strcmp(class, "LayerNormalization")) return norm(k, y, at, false, out);
  if (!strcmp(class, "BatchNormalization")) return norm(k, y, at, true, out);
  if (!strcmp(class, "Conv2D")) return convolution(k, y, at, out);
  if (!strcmp(class, "MaxPooling2D") || !strcmp(class, "AveragePooling2D")) return pool(k, y, at, out);
  if (!strcmp(class, "Flatten")) return flatten(k, y, at, out);
  if (steps && !strcmp(class, "GlobalAveragePooling1D")) return over(k, "mean", y->name, at, false, out);
  if (steps && !strcmp(class, "GlobalMaxPooling1D")) return over(k, "max", y->name, at, false, out);
  if (!strcmp(class, "Activation")) {
    const char *f = function(k, y->config, "activation", "linear");
    return f ? keras_apply(k->l, f, y->name, at, out, k->err) : unknown_function(k, y);
  }
  bool known;
  const char *f = function_layer(k, y, &known);
  return known ? keras_apply(k->l, f, y->name, at, out, k->err)
               : BAD(k, "the layer '%.60s' is a %.60s, which is not understood", y->name, class);
}

/* --- what goes in --- */

/* [batch, ...]: a vector, steps of vectors, or a picture. */
static unroll_status add_input(keras *k, keras_layer *y, const json_t *shape, int symbols) {
  const size_t rank = json_array_size(shape);
  y->value = layers_add(k->l, symbols ? LAYER_SYMBOLS : LAYER_NUMBERS, "input", -1);
  if (y->value < 0) return error_memory(k->err);
  layer *l = layers_at(k->l, y->value);
  int count = 0;
  for (int i = 0; i < k->l->n; i++) count += k->l->list[i].kind <= LAYER_SYMBOLS;
  snprintf(l->name, sizeof l->name, count > 1 ? "x%d" : "x", count);
  if (symbols) {
    l->width = symbols;
    l->steps = rank != 1;
    return UNROLL_OK;
  }
  int dims[4] = {0, 0, 0, 0};
  for (size_t i = 1; i < rank && i < 5; i++) {
    const json_int_t n = json_integer_value(json_array_get(shape, i));
    dims[i - 1] = n < 0 || n > 1 << 24 ? 0 : (int)n;
  }
  l->steps = rank == 3;
  l->width = rank == 2 ? dims[0] : rank == 3 ? dims[1] : 0;
  if (rank == 4 && dims[0] < 4096 && dims[1] < 4096 && dims[2] < 4096) {
    l->rows = dims[0];
    l->columns = dims[1];
    l->channels = dims[2];
    l->width = dims[0] * dims[1] <= (1 << 24) / (dims[2] ? dims[2] : 1) ? dims[0] * dims[1] * dims[2] : 0;
  }
  return l->width > 0 ? UNROLL_OK : BAD(k, "the input of '%.60s' has no width that is known", y->name);
}

static const json_t *shape_of(const json_t *config) {
  const json_t *s = json_object_get(config, "batch_shape");
  if (!s) s = json_object_get(config, "batch_input_shape");
  return s ? s : json_object_get(config, "input_shape");
}

/* An input that an Embedding reads has symbols: how many. */
static int symbols_of(const keras *k, int number) {
  for (int i = 0; i < k->n; i++) {
    const keras_layer *y = &k->list[i];
    for (int j = 0; j < y->n_inputs; j++)
      if (y->inputs[j] == number && !strcmp(y->class, "Embedding")) return whole(y->config, "input_dim", 0);
  }
  return 0;
}

/* --- which reads which --- */

static int find(const keras *k, const char *name) {
  for (int i = 0; i < k->n; i++)
    if (!strcmp(k->list[i].name, name)) return i;
  return -1;
}

/* Names in whatever form a version of Keras writes them: ["lstm", 0, 0, {}], or "keras_history": ["lstm", 0, 0]. */
static unroll_status collect_inputs(keras *k, keras_layer *y, const json_t *j, int depth) {
  const json_t *value;
  size_t i;
  const char *key;
  if (depth > 12) return BAD(k, "the inputs of '%.60s' are nested too deep", y->name);
  if (json_is_array(j) && json_array_size(j) >= 3 && json_is_string(json_array_get(j, 0)) &&
      json_is_integer(json_array_get(j, 1))) {
    const int from = find(k, json_string_value(json_array_get(j, 0)));
    if (from < 0)
      return BAD(k, "the layer '%.60s' reads '%.60s', which is not there", y->name, json_string_value(json_array_get(j, 0)));
    if (y->n_inputs == MOST_INPUTS) return BAD(k, "the layer '%.60s' reads more than %d layers", y->name, MOST_INPUTS);
    y->inputs[y->n_inputs++] = from;
    return UNROLL_OK;
  }
  unroll_status status = UNROLL_OK;
  if (json_is_array(j)) json_array_foreach(j, i, value) {
      if (!status) status = collect_inputs(k, y, value, depth + 1);
    }
  if (json_is_object(j)) json_object_foreach((json_t *)(uintptr_t)j, key, value) {
      if (!status && strcmp(key, "shape") && strcmp(key, "dtype")) status = collect_inputs(k, y, value, depth + 1);
    }
  return status;
}

static void class_folder(keras *k, keras_layer *y) {
  char stem[64];
  size_t n = 0;
  int same = 0;
  for (const char *s = y->class; *s && n < 60; s++) { /* to_snake_case of Keras */
    const bool upper = *s >= 'A' && *s <= 'Z';
    const bool before = s > y->class && s[-1] >= 'a' && s[-1] <= 'z', after = s[1] >= 'a' && s[1] <= 'z';
    if (upper && s > y->class && (before || after)) stem[n++] = '_';
    stem[n++] = (char)(upper ? *s + 32 : *s);
  }
  stem[n] = 0;
  for (const keras_layer *z = k->list; z < y; z++) same += !strcmp(z->class, y->class);
  snprintf(y->folder, sizeof y->folder, same ? "%s_%d" : "%s", stem, same);
}

static unroll_status collect_layers(keras *k, const json_t *config, bool sequential) {
  const json_t *list = json_is_array(config) ? config : json_object_get(config, "layers");
  if (!json_array_size(list)) return BAD(k, "the configuration has no layers");
  if (json_array_size(list) > MOST_LAYERS) return BAD(k, "there are more than %d layers", MOST_LAYERS);
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *j = json_array_get(list, i);
    keras_layer *y = &k->list[k->n];
    *y = (keras_layer){.class = word(j, "class_name"), .config = json_object_get(j, "config"), .value = -1};
    y->name = word(j, "name") ? word(j, "name") : word(y->config, "name");
    if (!y->class || !json_is_object(y->config) || !y->name) return BAD(k, "layer %zu has no class, name or configuration", i);
    if (!strcmp(y->class, "Sequential") || !strcmp(y->class, "Functional") || !strcmp(y->class, "Model"))
      return BAD(k, "the layer '%.60s' is a model of its own, which is not understood", y->name);
    class_folder(k, y);
    k->n++;
  }
  for (int i = 0; i < k->n; i++) {
    keras_layer *y = &k->list[i];
    const json_t *nodes = json_object_get(json_array_get(list, (size_t)i), "inbound_nodes");
    if (sequential && i > 0) y->inputs[y->n_inputs++] = i - 1;
    if (!sequential && json_array_size(nodes) > 1) return BAD(k, "the layer '%.60s' is used several times", y->name);
    const unroll_status status = sequential ? UNROLL_OK : collect_inputs(k, y, nodes, 0);
    if (status) return status;
  }
  return UNROLL_OK;
}

/* A Sequential without an InputLayer says in its first layer what goes in. */
static unroll_status add_first(keras *k) {
  keras_layer *y = &k->list[0];
  keras_layer in = {.name = "input", .class = "InputLayer", .value = -1};
  const bool embeds = !strcmp(y->class, "Embedding");
  const unroll_status status = add_input(k, &in, shape_of(y->config), embeds ? whole(y->config, "input_dim", 0) : 0);
  if (status) return status;
  if (k->n == MOST_LAYERS) return BAD(k, "there are more than %d layers", MOST_LAYERS);
  k->list[k->n] = in;
  y->inputs[y->n_inputs++] = k->n;
  return UNROLL_OK;
}

static unroll_status add_all(keras *k, bool sequential) {
  unroll_status status = UNROLL_OK;
  if (sequential && strcmp(k->list[0].class, "InputLayer")) status = add_first(k);
  for (int done = 0, more = 1; more && !status;) {
    more = 0;
    for (int i = 0; i < k->n && !status; i++) {
      keras_layer *y = &k->list[i];
      bool ready = y->value < 0;
      for (int j = 0; j < y->n_inputs; j++) ready &= k->list[y->inputs[j]].value >= 0;
      if (!ready) continue;
      status = !strcmp(y->class, "InputLayer") ? add_input(k, y, shape_of(y->config), symbols_of(k, i)) : add_layer(k, y);
      if (!status && strcmp(y->class, "InputLayer"))
        text_format(&k->l->told, "%s: %s -> %d%s\n", y->name, y->class, k->l->list[y->value].width,
                    k->l->list[y->value].steps ? " at each step" : "");
      more = 1;
      done++;
    }
  }
  for (int i = 0; i < k->n && !status; i++)
    if (k->list[i].value < 0) status = BAD(k, "the layer '%.60s' depends on itself", k->list[i].name);
  return status;
}

static unroll_status outputs(keras *k, const json_t *config, bool sequential) {
  keras_layer all = {.name = "the model"};
  const unroll_status status = sequential ? UNROLL_OK : collect_inputs(k, &all, json_object_get(config, "output_layers"), 0);
  if (status) return status;
  if (sequential) all.inputs[all.n_inputs++] = k->n - 1;
  if (!all.n_inputs) return BAD(k, "the model has no outputs");
  for (int i = 0; i < all.n_inputs; i++) k->l->outputs[k->l->n_outputs++].layer = k->list[all.inputs[i]].value;
  return UNROLL_OK;
}

unroll_status keras_model(layers *l, arrays *a, const json_t *root, enum keras_form form, unroll_error *err) {
  const char *class = word(root, "class_name");
  const json_t *config = json_object_get(root, "config");
  keras *k = mem_zero(1, sizeof *k);
  if (!k) return error_memory(err);
  *k = (keras){
      .l = l, .a = a, .form = form, .err = err, .version = json_object_get(root, "module") || form == KERAS_NUMBERS ? 3 : 2};
  const json_t *policy =
      json_object_get(json_object_get(json_array_get(json_object_get(config, "layers"), 0), "config"), "batch_shape");
  if (policy) k->version = 3; /* of the first layer: Keras 2 wrote batch_input_shape */
  const bool sequential = class && !strcmp(class, "Sequential");
  unroll_status status = UNROLL_OK;
  if (!class || (!sequential && strcmp(class, "Functional") && strcmp(class, "Model")))
    status = BAD(k, "the model is a %.60s, and neither Sequential nor Functional", class ? class : "(no class)");
  if (!status) status = collect_layers(k, config, sequential);
  if (!status) status = add_all(k, sequential);
  if (!status) status = outputs(k, config, sequential);
  l->source = "Keras model";
  mem_free(k);
  return status;
}
