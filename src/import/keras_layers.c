/* keras_layers.c - what becomes of each layer of Keras: a row for each class.
 *
 * Masks are not carried along: a sequence here has its own length, and what Keras masks at its end is not there. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "import/keras_model.h"

/* --- configuration --- */

static double real(const json_t *config, const char *key, double missing) {
  const json_t *j = json_object_get(config, key);
  return json_is_number(j) ? json_number_value(j) : missing;
}

/* Of [3, 3] or 3 the one number; -1: they differ. */
static int square(const json_t *config, const char *key, int missing) {
  const json_t *j = json_object_get(config, key);
  if (!json_is_array(j)) return keras_whole(config, key, missing);
  const json_int_t a = json_integer_value(json_array_get(j, 0)),
                   b = json_array_size(j) == 1 ? a : json_integer_value(json_array_get(j, 1));
  return a == b && a > 0 && a < 65536 ? (int)a : -1;
}

/* A function by its name, or by {"class_name": "ReLU", ...}. NULL: not known. */
static const char *function(const keras *k, const json_t *config, const char *key, const char *missing) {
  const json_t *j = json_object_get(config, key);
  const char *name = json_is_object(j) ? keras_word(j, "class_name") : json_string_value(j);
  if (json_is_object(j) && keras_word(json_object_get(j, "config"), "name"))
    name = keras_word(json_object_get(j, "config"), "name");
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
  char path[300];
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
    if (a->used && y->scope >= 0) continue; /* of another model's layer of that name */
    if (*sub && (!strstr(a->name, sub) || (!strcmp(sub, "forward") && strstr(a->name, "backward")))) continue;
    a->used = true;
    return a;
  }
  return NULL;
}

/* --- layers --- */

enum { MOST_APART = 4096 }; /* steps that a net here looks back */

static unroll_status unknown_function(const keras *k, const keras_layer *y) {
  return BAD(k, "the layer '%.60s' (%.40s) has an activation that is not known", y->name, y->class);
}

static unroll_status over(keras *k, const char *function_name, const char *name, int at, bool steps, int *out) {
  *out = layers_add(k->l, LAYER_OVER, name, at);
  if (*out < 0) return error_memory(k->err);
  k->l->list[*out].function = function_name;
  k->l->list[*out].steps = steps;
  if (!steps) k->l->list[*out].late = k->l->list[*out].rate = 0;
  return UNROLL_OK;
}

static unroll_status pair(keras *k, const char *sign, const char *name, int a, int b, int *out) {
  *out = layers_add(k->l, LAYER_BINARY, name, a);
  if (*out < 0) return error_memory(k->err);
  layer *l = layers_at(k->l, *out);
  l->in[l->n_in++] = b;
  l->function = sign;
  l->steps |= k->l->list[b].steps;
  return UNROLL_OK;
}

/* Does it have all steps of what goes in? */
static bool is_whole(const layer *l) { return !l->late && l->rate < 2; }

static unroll_status ticks(keras *k, int at, int *out) {
  *out = layers_ticks(k->l, at);
  return *out < 0 ? error_memory(k->err) : UNROLL_OK;
}

/* The mean or the largest of all steps that are there. */
static unroll_status over_steps(keras *k, const char *function_name, const char *name, int at, int *out) {
  int valid = at, low, masked, sum, count;
  if (is_whole(&k->l->list[at])) return over(k, function_name, name, at, false, out);
  unroll_status status = ticks(k, at, &valid);
  if (!status && !strcmp(function_name, "max")) {
    status = keras_apply(k->l, "(%s - 1) * 1e30", "low", valid, &low, k->err);
    if (!status) status = pair(k, "+", name, at, low, &masked);
    return status ? status : over(k, "max", name, masked, false, out);
  }
  if (!status) status = pair(k, "*", name, at, valid, &masked);
  if (!status) status = over(k, "sum", name, masked, false, &sum);
  if (!status) status = over(k, "sum", "count", valid, false, &count);
  return status ? status : pair(k, "/", name, sum, count, out);
}

/* What a recurrence starts from: the tensors from `first` on. *start -1: zeros. The whole state of another one, or a vector. */
static unroll_status find_start(keras *k, const keras_layer *y, enum cell_type type, int first, int count, int *start) {
  *start = -1;
  if (count < 1) return UNROLL_OK;
  const keras_layer *from = &k->list[y->inputs[first].layer];
  const int which = y->inputs[first].tensor, both = from->ends[1] >= 0 && from->n_values > 3;
  const int per = type == CELL_LSTM ? 2 : 1;
  if (count != per) return BAD(k, "the recurrence '%.60s' starts from %d states, and has %d", y->name, count, per);
  if (type != CELL_LSTM) {
    *start = keras_value(k, y, first);
    return *start < 0 ? BAD(k, "the recurrence '%.60s' starts from a state that is not understood", y->name) : UNROLL_OK;
  }
  const bool whole = from->ends[0] >= 0 && y->inputs[first + 1].layer == y->inputs[first].layer && which % 2 == 1 &&
                     y->inputs[first + 1].tensor == which + 1;
  if (!whole)
    return BAD(k, "the LSTM '%.60s' starts from what is not the whole state of another recurrence: h and c of it, as they are",
               y->name);
  *start = from->ends[both && which == 3];
  return UNROLL_OK;
}

/* One direction of a recurrence, with what it gives: all steps or one. *end: the recurrence itself. */
static unroll_status one_way(keras *k, const keras_layer *y, const json_t *config, const char *class, const char *sub,
                             bool backward, bool both, int at, int first, int *end, int *out) {
  const bool cudnn = !strncmp(class, "CuDNN", 5), sequences = keras_flag(config, "return_sequences");
  const enum cell_type type = strstr(class, "LSTM") ? CELL_LSTM : strstr(class, "GRU") ? CELL_GRU : CELL_RNN;
  const bool bias = !json_is_false(json_object_get(config, "use_bias"));
  keras_cell c = {.type = type,
                  .units = keras_whole(config, "units", 0),
                  .cudnn = cudnn,
                  .reset_after = type == CELL_GRU && (cudnn || keras_flag(config, "reset_after")),
                  .act = cudnn ? "tanh(%s)" : function(k, config, "activation", "tanh"),
                  .gate = cudnn ? "sigmoid(%s)" : function(k, config, "recurrent_activation", "sigmoid")};
  if (c.units < 1) return BAD(k, "the layer '%.60s' has no good number of units", y->name);
  if (!c.act || !c.gate) return unknown_function(k, y);
  if (!k->l->list[at].steps) return BAD(k, "the recurrence '%.60s' reads what has no steps", y->name);
  const bool held = !is_whole(&k->l->list[at]);
  if (held && backward && !both)
    return BAD(k, "the recurrence '%.60s' goes backwards over steps of which some are left out", y->name);
  int start;
  const int states = y->n_inputs - 1 - first;
  unroll_status status = find_start(k, y, type, first + 1, both && states > 0 ? states / 2 : states, &start);
  if (status) return status;
  c.kernel = weight(k, y, sub, "kernel", 0);
  c.recurrent = weight(k, y, sub, "recurrent_kernel", 1);
  if (bias) c.bias = weight(k, y, sub, "bias", 2);
  if (bias && !c.bias) return BAD(k, "the layer '%.60s' lacks its bias", y->name);
  status = keras_recurrent(k->l, k->a, &c, y->name, at, backward, out, k->err);
  if (status) return status;
  *end = *out;
  if (held) {
    cell *own = (cell *)(uintptr_t)k->l->list[*out].cell;
    int tick;
    status = ticks(k, at, &tick);
    if (status) return status;
    /* a layer reads those before it only: the recurrence comes once more, behind the ticks */
    own->held = true;
    *end = *out = layers_add(k->l, LAYER_RECURRENT, y->name, at);
    if (*out < 0) return error_memory(k->err);
    layer *l = layers_vector(k->l, *out, own->hidden);
    l->cell = own;
    l->in[l->n_in++] = tick;
  }
  if (start >= 0) k->l->list[*out].in[k->l->list[*out].n_in++] = start;
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

/* The states that a layer with return_state gives besides: h, and of an LSTM c, which only another recurrence can take. */
static unroll_status give_states(keras *k, keras_layer *y, const json_t *config, const char *class, int directions) {
  if (!keras_flag(config, "return_state")) return UNROLL_OK;
  for (int d = 0; d < directions; d++) {
    int h;
    const unroll_status status =
        over(k, d || keras_flag(y->config, "go_backwards") ? "first" : "last", "state", y->ends[d], false, &h);
    if (status) return status;
    y->values[y->n_values++] = h;
    if (strstr(class, "LSTM")) y->values[y->n_values++] = KERAS_HIDDEN;
  }
  return UNROLL_OK;
}

static unroll_status recurrent(keras *k, keras_layer *y, int at) {
  int out;
  const bool backward = keras_flag(y->config, "go_backwards");
  const unroll_status status = one_way(k, y, y->config, y->class, "", backward, false, at, 0, &y->ends[0], &out);
  if (status) return status;
  y->values[y->n_values++] = out;
  return give_states(k, y, y->config, y->class, 1);
}

static unroll_status bidirectional(keras *k, keras_layer *y, int at) {
  const json_t *inner = json_object_get(y->config, "layer"), *config = json_object_get(inner, "config");
  const char *class = keras_word(inner, "class_name"), *mode = keras_word(y->config, "merge_mode");
  int ends[2] = {0, 0}, out;
  if (!class || !config) return BAD(k, "the layer '%.60s' has no layer in it", y->name);
  if (!mode || (strcmp(mode, "concat") && strcmp(mode, "sum") && strcmp(mode, "mul") && strcmp(mode, "ave")))
    return BAD(k, "the layer '%.60s' merges by '%.20s', which is none of concat, sum, mul and ave", y->name,
               mode ? mode : "nothing");
  for (int d = 0; d < 2; d++) {
    const unroll_status status = one_way(k, y, config, class, d ? "backward" : "forward", d == 1, true, at,
                                         d ? (y->n_inputs - 1) / 2 : 0, &y->ends[d], &ends[d]);
    if (status) return status;
  }
  const unroll_status status = merge(k, mode, y->name, ends[0], ends[1], &out);
  if (status) return status;
  y->values[y->n_values++] = out;
  return give_states(k, y, config, class, 2);
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
  if (k->l->list[at].channels && !y->flat)
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
  const char *f = function(k, y->config, "activation", "linear"), *padding = keras_word(y->config, "padding");
  const int size = square(y->config, "kernel_size", -1), stride = square(y->config, "strides", 1),
            n = keras_whole(y->config, "filters", 0);
  const int groups = keras_whole(y->config, "groups", 1);
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

/* Along the steps: kernel [size, in / groups, out]. */
static unroll_status convolution_1d(keras *k, const keras_layer *y, int at, int *out) {
  const char *f = function(k, y->config, "activation", "linear"), *padding = keras_word(y->config, "padding");
  const int size = square(y->config, "kernel_size", -1), stride = square(y->config, "strides", 1),
            dilation = square(y->config, "dilation_rate", 1), n = keras_whole(y->config, "filters", 0),
            groups = keras_whole(y->config, "groups", 1);
  const array *w = weight(k, y, "", "kernel", 0), *b = weight(k, y, "", "bias", 1);
  const layer from = k->l->list[at];
  if (!f) return unknown_function(k, y);
  if (!from.steps || from.channels) return BAD(k, "the layer '%.60s' (%.40s) reads what has no steps", y->name, y->class);
  if (stride < 1 || size < 1 || size > LAYER_INPUTS || dilation < 1 || n < 1 || groups < 1 || from.width % groups || n % groups)
    return BAD(k, "the layer '%.60s' (%.40s) has a bad size, or looks at more than %d steps", y->name, y->class, LAYER_INPUTS);
  const bool same = padding && !strcmp(padding, "same"), causal = padding && !strcmp(padding, "causal");
  const int rate = from.rate > 1 ? from.rate : 1;
  if (dilation > MOST_APART / rate || stride > MOST_APART / rate)
    return BAD(k, "the layer '%.60s' (%.40s) looks too far", y->name, y->class);
  const int reach = dilation * rate * (size - 1);
  if (same && stride > 1)
    return BAD(k, "the layer '%.60s' (%.40s) has a stride and 'same', by which the length of a sequence says what is looked at",
               y->name, y->class);
  if (!w || w->rank != 3 || w->shape[0] != size || w->shape[2] != n) return BAD(k, "the layer '%.60s' has no good kernel", y->name);
  const keras_around c = {.kernel = w,
                          .bias = b,
                          .before = same ? (size - 1) * dilation / 2 * rate : reach,
                          .dilation = dilation * rate,
                          .groups = groups};
  unroll_status status = UNROLL_OK;
  if (from.late && (same || causal)) { /* zeros before the first step */
    int valid;
    status = ticks(k, at, &valid);
    if (!status) status = pair(k, "*", y->name, at, valid, &at);
  }
  if (!status) status = keras_conv_1d(k->l, k->a, &c, y->name, at, out, k->err);
  if (status) return status;
  if (!same && !causal) k->l->list[*out].late += reach; /* there are no zeros before the first step: what looks there is no step */
  k->l->list[*out].rate = rate * stride;
  return keras_apply(k->l, f, y->name, *out, out, k->err);
}

/* Along the steps, of which those at the ends of the windows are left. */
static unroll_status pool_1d(keras *k, const keras_layer *y, int at, int *out) {
  const int size = square(y->config, "pool_size", 2), stride = square(y->config, "strides", size);
  const char *padding = keras_word(y->config, "padding");
  const layer from = k->l->list[at];
  const int rate = from.rate > 1 ? from.rate : 1;
  if (!from.steps || from.channels) return BAD(k, "the layer '%.60s' (%.40s) reads what has no steps", y->name, y->class);
  if (size < 1 || stride < 1 || size > LAYER_INPUTS || stride > MOST_APART / rate || size > MOST_APART / rate)
    return BAD(k, "the layer '%.60s' (%.40s) has a bad size, or looks at more than %d steps", y->name, y->class, LAYER_INPUTS);
  if (padding && strcmp(padding, "valid") && (stride > 1 || size > 1))
    return BAD(k, "the layer '%.60s' (%.40s) has zeros around, by which the length of a sequence says what is looked at", y->name,
               y->class);
  *out = layers_window(k->l, y->name, at, size, strstr(y->class, "Max") == NULL);
  if (*out < 0) return error_memory(k->err);
  if (*out == at) return UNROLL_OK;
  k->l->list[*out].late = from.late + rate * (size - 1);
  k->l->list[*out].rate = rate * stride;
  return UNROLL_OK;
}

static unroll_status pool(keras *k, const keras_layer *y, int at, int *out) {
  const char *padding = keras_word(y->config, "padding");
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

/* Is its axis that of the numbers? */
static bool along_last(const keras *k, const keras_layer *y) {
  const int axis = keras_whole(y->config, "axis", -1);
  const layer *from = &k->l->list[keras_value(k, y, 0)];
  return axis == -1 || axis == (from->channels ? 3 : 1) + from->steps;
}

static unroll_status several(keras *k, const keras_layer *y, int *out) {
  static const char *const rows[][2] = {{"Concatenate", "concat"}, {"Add", "sum"}, {"Multiply", "mul"}, {"Average", "ave"}};
  const char *mode = NULL;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (!strcmp(rows[i][0], y->class)) mode = rows[i][1];
  const int first = keras_value(k, y, 0);
  *out = first;
  if (!strcmp(y->class, "Concatenate") && !along_last(k, y))
    return BAD(k, "the layer '%.60s' (%.40s) puts together along another axis than the numbers", y->name, y->class);
  if (!mode || (!strcmp(mode, "ave") && y->n_inputs > 2))
    return BAD(k, "the layer '%.60s' (%.40s) reads several layers", y->name, y->class);
  for (int i = 1; i < y->n_inputs; i++) {
    const int other = keras_value(k, y, i);
    if (*out < 0 || other < 0) return BAD(k, "the layer '%.60s' (%.40s) reads the memory of an LSTM", y->name, y->class);
    const layer *a = &k->l->list[*out], *b = &k->l->list[other];
    if (a->channels || b->channels || (strcmp(mode, "concat") && a->width != b->width) || a->steps != b->steps ||
        a->late != b->late || a->rate != b->rate)
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
  const double slope = real(y->config, "negative_slope", 0), threshold = real(y->config, "threshold", 0);
  const bool plain = !(fabs(slope) > 0) && !(fabs(threshold) > 0);
  if (!strcmp(y->class, "ReLU") && !plain) return *known = false, NULL;
  if (!strcmp(y->class, "ReLU") && !json_is_number(json_object_get(y->config, "max_value"))) return "relu(%s)";
  if (!strcmp(y->class, "Softmax") && along_last(k, y)) return "softmax(%s)";
  if (!strcmp(y->class, "ReLU")) snprintf(own, sizeof own, "clip(%%s, 0, %.9g)", real(y->config, "max_value", 6));
  if (!strcmp(y->class, "ELU")) snprintf(own, sizeof own, "elu(%%s, %.9g)", real(y->config, "alpha", 1));
  if (!strcmp(y->class, "LeakyReLU"))
    snprintf(own, sizeof own, "leaky_relu(%%s, %.9g)", real(y->config, "negative_slope", real(y->config, "alpha", 0.3)));
  *known = *own != 0;
  return *known ? arena_text(&k->l->memory, own, strlen(own)) : NULL;
}

static unroll_status flatten(keras *k, keras_layer *y, int at, bool each, int *out) {
  *out = at;
  if (k->l->list[at].steps && !each)
    return BAD(k, "the layer '%.60s' makes all steps one vector, and here they may be many", y->name);
  y->flat = true;
  return UNROLL_OK;
}

static bool is_recurrent(const char *class) {
  static const char *const rows[] = {"LSTM", "GRU", "SimpleRNN", "CuDNNLSTM", "CuDNNGRU"};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (!strcmp(rows[i], class)) return true;
  return false;
}

static unroll_status rescaling(keras *k, const keras_layer *y, int at, int *out) {
  char own[64];
  if (json_is_array(json_object_get(y->config, "scale")) || json_is_array(json_object_get(y->config, "offset")))
    return BAD(k, "the layer '%.60s' has a scale or an offset for each number, which is not understood", y->name);
  snprintf(own, sizeof own, "%%s * %.9g + %.9g", real(y->config, "scale", 1), real(y->config, "offset", 0));
  return keras_apply(k->l, arena_text(&k->l->memory, own, strlen(own)), y->name, at, out, k->err);
}

/* `each`: what a TimeDistributed does at each step. */
static unroll_status add_plain(keras *k, keras_layer *y, int at, bool each, int *out) {
  const char *class = y->class;
  const bool steps = k->l->list[at].steps;
  if (is_idle(class)) return UNROLL_OK;
  if (!strcmp(class, "Embedding")) return embedding(k, y, at, out);
  if (!strcmp(class, "Dense")) return dense(k, y, y->config, at, out);
  if (!strcmp(class, "TimeDistributed")) {
    const json_t *inner = json_object_get(y->config, "layer"), *config = json_object_get(inner, "config");
    const char *of = keras_word(inner, "class_name");
    if (!of || !config || each || is_recurrent(of) || !strcmp(of, "Embedding"))
      return BAD(k, "the layer '%.60s' has %.40s at each step, which is not understood", y->name, of ? of : "nothing");
    keras_layer one = *y;
    one.class = of;
    one.config = config;
    const unroll_status status = add_plain(k, &one, at, true, out);
    y->flat = one.flat;
    return status;
  }
  if (!strcmp(class, "LayerNormalization")) return norm(k, y, at, false, out);
  if (!strcmp(class, "BatchNormalization")) return norm(k, y, at, true, out);
  if (!strcmp(class, "Conv2D")) return convolution(k, y, at, out);
  if (!strcmp(class, "MaxPooling2D") || !strcmp(class, "AveragePooling2D")) return pool(k, y, at, out);
  if (!strcmp(class, "Conv1D")) return convolution_1d(k, y, at, out);
  if (!strcmp(class, "Rescaling")) return rescaling(k, y, at, out);
  if (!strcmp(class, "Flatten")) return flatten(k, y, at, each, out);
  if (!strcmp(class, "MaxPooling1D") || !strcmp(class, "AveragePooling1D")) return pool_1d(k, y, at, out);
  if (steps && !each && !strcmp(class, "GlobalAveragePooling1D")) return over_steps(k, "mean", y->name, at, out);
  if (steps && !each && !strcmp(class, "GlobalMaxPooling1D")) return over_steps(k, "max", y->name, at, out);
  if (!strcmp(class, "Activation")) {
    const char *f = function(k, y->config, "activation", "linear");
    return f ? keras_apply(k->l, f, y->name, at, out, k->err) : unknown_function(k, y);
  }
  bool known;
  const char *f = function_layer(k, y, &known);
  return known ? keras_apply(k->l, f, y->name, at, out, k->err)
               : BAD(k, "the layer '%.60s' is a %.60s, which is not understood", y->name, class);
}

unroll_status keras_add_layer(keras *k, keras_layer *y) {
  const int at = y->n_inputs ? keras_value(k, y, 0) : -1;
  y->ends[0] = y->ends[1] = -1;
  const char *format = keras_word(y->config, "data_format");
  if (!y->n_inputs) return BAD(k, "the layer '%.60s' reads nothing", y->name);
  if (format && !strcmp(format, "channels_first") && k->l->list[at < 0 ? 0 : at].channels)
    return BAD(k, "the layer '%.60s' (%.40s) has its channels first, which is not understood", y->name, y->class);
  if (at < 0) return BAD(k, "the layer '%.60s' reads the memory of an LSTM, which is none of its values here", y->name);
  y->flat = k->list[y->inputs[0].layer].flat;
  if (is_recurrent(y->class)) return recurrent(k, y, at);
  if (!strcmp(y->class, "Bidirectional")) return bidirectional(k, y, at);
  int out = at;
  const unroll_status status = y->n_inputs > 1 ? several(k, y, &out) : add_plain(k, y, at, false, &out);
  if (out != at) y->flat = false;
  y->values[y->n_values++] = out;
  return status;
}
