/* keras.c - models of Keras: its configuration says which layers there are and what they read, and models stand in models. */
#include "import/keras.h"
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "import/keras_model.h"

int keras_whole(const json_t *config, const char *key, int missing) {
  const json_t *j = json_object_get(config, key);
  const json_int_t x = json_is_integer(j) ? json_integer_value(j) : json_is_real(j) ? (json_int_t)json_real_value(j) : missing;
  return x < -(1 << 24) || x > 1 << 24 ? missing : (int)x;
}

/* --- what goes in --- */

/* [batch, ...]: a vector, steps of vectors, or a picture. */
static unroll_status add_input(keras *k, keras_layer *y, const json_t *shape, int symbols) {
  const size_t rank = json_array_size(shape);
  const int at = layers_add(k->l, symbols ? LAYER_SYMBOLS : LAYER_NUMBERS, "input", -1);
  if (at < 0) return error_memory(k->err);
  layer *l = layers_at(k->l, at);
  y->values[y->n_values++] = at;
  const int count = ++k->n_inputs;
  snprintf(l->name, sizeof l->name, count > 1 ? "x%d" : "x", count);
  if (symbols) {
    l->width = symbols;
    l->steps = rank != 1;
    return UNROLL_OK;
  }
  int64_t dims[5] = {0, 0, 0, 0, 0};
  for (size_t i = 1; i < rank && i < 5; i++) dims[i - 1] = json_integer_value(json_array_get(shape, i));
  if ((rank == 2 || rank == 3) && dims[rank - 2] < 1) dims[rank - 2] = k->l->open_width;
  const bool pixels = rank == 4 || rank == 5; /* once, or at each step */
  const int64_t *p = dims + (rank == 5), width = rank == 2 ? dims[0] : dims[1];
  l->steps = rank == 3 || rank == 5;
  if (!pixels && width > 0 && width <= MOST_WIDTH) l->width = (int)width;
  if (pixels && !(p[0] < 4096 && p[1] < 4096 && layers_picture(l, p[2], p[0], p[1]))) l->width = 0;
  return l->width > 0 ? UNROLL_OK : BAD(k, "the input of '%.60s' has no width that is known: option 'width' says it", y->name);
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
    for (int j = 0; j < y->n_inputs; j++) {
      if (y->inputs[j].layer != number) continue;
      if (!strcmp(y->class, "Embedding")) return keras_whole(y->config, "input_dim", 0);
      for (int m = 0; y->model && m < k->n; m++) { /* of a model in the model */
        const keras_layer *in = &k->list[m];
        const bool first = in->scope == i && in->number == j && !strcmp(in->class, "InputLayer");
        const int inner = first ? symbols_of(k, m) : 0;
        if (inner) return inner;
        if (y->sequential && in->scope == i && !in->n_inputs && !strcmp(in->class, "Embedding"))
          return keras_whole(in->config, "input_dim", 0);
      }
    }
  }
  return 0;
}

/* --- which reads which --- */

static int find(const keras *k, const char *name, int scope) {
  for (int i = 0; i < k->n; i++)
    if (k->list[i].scope == scope && !strcmp(k->list[i].name, name)) return i;
  return -1;
}

/* Names in whatever form a version of Keras writes them: ["lstm", 0, 0, {}], or "keras_history": ["lstm", 0, 0]. The last number
 * counts the tensors that the layer gives. */
static unroll_status collect_inputs(keras *k, keras_layer *y, const json_t *j, int scope, int depth) {
  const json_t *value;
  size_t i;
  const char *key;
  if (depth > 12) return BAD(k, "the inputs of '%.60s' are nested too deep", y->name);
  if (json_is_array(j) && json_array_size(j) >= 3 && json_is_string(json_array_get(j, 0)) &&
      json_is_integer(json_array_get(j, 1))) {
    const int from = find(k, json_string_value(json_array_get(j, 0)), scope);
    const json_int_t which = json_integer_value(json_array_get(j, 2));
    if (from < 0)
      return BAD(k, "the layer '%.60s' reads '%.60s', which is not there", y->name, json_string_value(json_array_get(j, 0)));
    if (y->n_inputs == KERAS_INPUTS) return BAD(k, "the layer '%.60s' reads more than %d layers", y->name, KERAS_INPUTS);
    y->inputs[y->n_inputs].layer = from;
    y->inputs[y->n_inputs++].tensor = which < 0 || which > KERAS_TENSORS ? KERAS_TENSORS : (int)which;
    return UNROLL_OK;
  }
  unroll_status status = UNROLL_OK;
  if (json_is_array(j)) json_array_foreach(j, i, value) {
      if (!status) status = collect_inputs(k, y, value, scope, depth + 1);
    }
  if (json_is_object(j)) json_object_foreach((json_t *)(uintptr_t)j, key, value) {
      if (!status && strcmp(key, "shape") && strcmp(key, "dtype")) status = collect_inputs(k, y, value, scope, depth + 1);
    }
  return status;
}

static void class_folder(const keras *k, keras_layer *y) {
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
  for (const keras_layer *z = k->list; z < y; z++) same += z->scope == y->scope && !strcmp(z->class, y->class);
  const char *above = y->scope < 0 ? "" : k->list[y->scope].folder;
  const int fits = same ? snprintf(y->folder, sizeof y->folder, "%s%s%s_%d", above, *above ? "/layers/" : "", stem, same)
                        : snprintf(y->folder, sizeof y->folder, "%s%s%s", above, *above ? "/layers/" : "", stem);
  if (fits >= (int)sizeof y->folder) y->folder[0] = 0;
}

static bool is_sequential(const char *class) { return !strcmp(class, "Sequential"); }
static bool is_model(const char *class) { return is_sequential(class) || !strcmp(class, "Functional") || !strcmp(class, "Model"); }

static unroll_status collect_layers(keras *k, const json_t *config, bool sequential, int scope, int depth);

/* What the layers of one model read, when all of them are known. */
static unroll_status connect(keras *k, const json_t *config, bool sequential, int scope, int from, int to) {
  keras_layer all = {.name = "the model"};
  unroll_status status = UNROLL_OK;
  int before = -1;
  for (int i = from; i < to && !status; i++) {
    keras_layer *y = &k->list[i];
    if (y->scope != scope) continue;
    if (!sequential && json_array_size(y->nodes) > 1) return BAD(k, "the layer '%.60s' is used several times", y->name);
    if (!sequential) status = collect_inputs(k, y, y->nodes, scope, 0);
    if (sequential && before >= 0) y->inputs[y->n_inputs++].layer = before;
    before = i;
  }
  if (status) return status;
  if (sequential)
    all.inputs[all.n_inputs++].layer = before;
  else
    status = collect_inputs(k, &all, json_object_get(config, "output_layers"), scope, 0);
  keras_layer *owner = &k->list[scope < 0 ? KERAS_LAYERS - 1 : scope];
  owner->n_outputs = all.n_inputs;
  memcpy(owner->outputs, all.inputs, sizeof all.inputs);
  all.n_inputs = 0;
  if (!status && !sequential) status = collect_inputs(k, &all, json_object_get(config, "input_layers"), scope, 0);
  for (int i = 0; i < all.n_inputs; i++) k->list[all.inputs[i].layer].number = i;
  return status;
}

static unroll_status collect_layers(keras *k, const json_t *config, bool sequential, int scope, int depth) {
  const json_t *list = json_is_array(config) ? config : json_object_get(config, "layers");
  const int from = k->n;
  if (!json_array_size(list)) return BAD(k, "the configuration has no layers");
  if (depth > 8) return BAD(k, "models are nested too deep");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *j = json_array_get(list, i);
    if (k->n + 1 >= KERAS_LAYERS) return BAD(k, "there are more than %d layers", KERAS_LAYERS - 2);
    keras_layer *y = &k->list[k->n];
    *y = (keras_layer){.class = keras_word(j, "class_name"), .config = json_object_get(j, "config"), .scope = scope};
    y->name = keras_word(j, "name") ? keras_word(j, "name") : keras_word(y->config, "name");
    if (!y->name && y->class && is_model(y->class)) y->name = y->class;
    if (!y->class || !y->config || !y->name) return BAD(k, "layer %zu has no class, name or configuration", i);
    y->nodes = json_object_get(j, "inbound_nodes");
    y->model = is_model(y->class);
    y->sequential = is_sequential(y->class);
    if (!y->model && !json_is_object(y->config)) return BAD(k, "layer %zu has no class, name or configuration", i);
    class_folder(k, y);
    const int number = k->n++;
    const unroll_status status = y->model ? collect_layers(k, y->config, y->sequential, number, depth + 1) : UNROLL_OK;
    if (status) return status;
  }
  return connect(k, config, sequential, scope, from, k->n);
}

/* A Sequential without an InputLayer says in its first layer what goes in. */
static unroll_status add_first(keras *k) {
  keras_layer *y = &k->list[0], *in = &k->list[k->n];
  if (k->n + 1 >= KERAS_LAYERS) return BAD(k, "there are more than %d layers", KERAS_LAYERS - 2);
  *in = (keras_layer){.name = "input", .class = "InputLayer", .scope = -1, .done = true};
  const keras_layer *first = y;
  while (first->model && first + 1 < in) first++;
  const bool embeds = !strcmp(first->class, "Embedding");
  const unroll_status status = add_input(k, in, shape_of(first->config), embeds ? keras_whole(first->config, "input_dim", 0) : 0);
  y->inputs[y->n_inputs++].layer = k->n;
  return status;
}

static bool is_ready(const keras *k, const keras_layer *y) {
  bool ready = true;
  for (int j = 0; j < y->n_inputs; j++) ready &= k->list[y->inputs[j].layer].done;
  if (y->model)
    for (int j = 0; j < y->n_outputs; j++) ready &= k->list[y->outputs[j].layer].done;
  if (y->scope >= 0 && !y->n_inputs) /* its model is not done yet, but what that reads must be */
    for (int j = 0; j < k->list[y->scope].n_inputs; j++) ready &= k->list[k->list[y->scope].inputs[j].layer].done;
  return ready;
}

static unroll_status take_values(keras *k, keras_layer *y) {
  for (int i = 0; i < y->n_outputs && y->n_values < KERAS_TENSORS; i++) {
    const keras_layer *from = &k->list[y->outputs[i].layer];
    const int which = y->outputs[i].tensor;
    y->values[y->n_values++] = which < from->n_values ? from->values[which] : KERAS_UNKNOWN;
  }
  return y->n_values ? UNROLL_OK : BAD(k, "the model '%.60s' gives nothing", y->name);
}

static unroll_status add_one(keras *k, int number) {
  keras_layer *y = &k->list[number];
  const bool enters = !strcmp(y->class, "InputLayer");
  if (y->model) return take_values(k, y);
  if (enters && y->scope >= 0) { /* what the model that it is in reads */
    const keras_layer *owner = &k->list[y->scope];
    if (y->number >= owner->n_inputs) return BAD(k, "the model '%.60s' has more inputs than it reads", owner->name);
    y->values[y->n_values++] = keras_value(k, owner, y->number);
    y->flat = k->list[owner->inputs[y->number].layer].flat;
    return UNROLL_OK;
  }
  if (enters) return add_input(k, y, shape_of(y->config), symbols_of(k, number));
  if (!y->n_inputs && y->scope >= 0 && k->list[y->scope].n_inputs) /* the first of a Sequential in the model */
    y->inputs[y->n_inputs++] = k->list[y->scope].inputs[0];
  const unroll_status status = keras_add_layer(k, y);
  if (!status)
    text_format(&k->l->told, "%s: %s -> %d%s\n", y->name, y->class, k->l->list[y->values[0]].width,
                k->l->list[y->values[0]].steps ? " at each step" : "");
  return status;
}

static unroll_status add_all(keras *k, bool sequential) {
  unroll_status status = UNROLL_OK;
  if (sequential && strcmp(k->list[0].class, "InputLayer")) status = add_first(k);
  for (bool more = true; more && !status;) {
    more = false;
    for (int i = 0; i < k->n && !status; i++) {
      keras_layer *y = &k->list[i];
      if (y->done || !is_ready(k, y)) continue;
      status = add_one(k, i);
      y->done = more = true;
    }
  }
  for (int i = 0; i < k->n && !status; i++)
    if (!k->list[i].done) status = BAD(k, "the layer '%.60s' depends on itself", k->list[i].name);
  return status;
}

static unroll_status outputs(keras *k) {
  const keras_layer *all = &k->list[KERAS_LAYERS - 1];
  if (!all->n_outputs) return BAD(k, "the model has no outputs");
  for (int i = 0; i < all->n_outputs && k->l->n_outputs < NET_OUTPUTS; i++) {
    const keras_layer *from = &k->list[all->outputs[i].layer];
    const int which = all->outputs[i].tensor, at = which < from->n_values ? from->values[which] : KERAS_UNKNOWN;
    if (at < 0 && k->l->n_outputs) continue; /* a state behind what matters */
    if (at < 0) return BAD(k, "the first output of the model is a state");
    if (k->l->list[at].steps && (k->l->list[at].late || k->l->list[at].rate > 1))
      return BAD(k, "what comes out of '%.60s' has fewer steps than what goes in, by a pool, a stride or a convolution of 'valid'",
                 from->name);
    k->l->outputs[k->l->n_outputs++].layer = at;
  }
  return UNROLL_OK;
}

unroll_status keras_model(layers *l, arrays *a, const json_t *root, enum keras_form form, unroll_error *err) {
  const char *class = keras_word(root, "class_name");
  const json_t *config = json_object_get(root, "config");
  keras *k = mem_zero(1, sizeof *k);
  if (!k) return error_memory(err);
  *k = (keras){
      .l = l, .a = a, .form = form, .err = err, .version = json_object_get(root, "module") || form == KERAS_NUMBERS ? 3 : 2};
  const json_t *policy =
      json_object_get(json_object_get(json_array_get(json_object_get(config, "layers"), 0), "config"), "batch_shape");
  if (policy) k->version = 3; /* of the first layer: Keras 2 wrote batch_input_shape */
  const bool sequential = class && is_sequential(class);
  unroll_status status = UNROLL_OK;
  if (!class || !is_model(class))
    status = BAD(k, "the model is a %.60s, and neither Sequential nor Functional", class ? class : "(no class)");
  if (!status) status = collect_layers(k, config, sequential, -1, 0);
  if (!status) status = add_all(k, sequential);
  if (!status) status = outputs(k);
  l->source = "Keras model";
  mem_free(k);
  return status;
}
