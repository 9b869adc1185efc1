/* import.c - which source a file is, and the way from there to a model. */
#include "import/import.h"
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/known.h"
#include "import/json_models.h"
#include "import/keras.h"
#include "import/onnx.h"
#include "import/pickle.h"
#include "import/zip.h"
#include "io/safetensors.h"

/* What modules take is marked; what is left is refused by its name. */
static unroll_status check_used(const arrays *a, unroll_error *err) {
  char is[96];
  for (int i = 0; i < a->n; i++) {
    if (a->list[i].used) continue;
    array_shape(&a->list[i], is);
    return error_at(err, UNROLL_BAD_INPUT, a->file, NULL, 0, 0, "'%.100s' (%s) belongs to no module that is understood",
                    a->list[i].name, is);
  }
  return UNROLL_OK;
}

static bool looks_like_json(const char *data, size_t size) {
  size_t at = 0;
  while (at < size && white_byte(data[at])) at++;
  return at < size && data[at] == '{';
}

static bool has_entry(const char *path, const void *data, size_t size, const char *name) {
  zip z;
  const bool there = !zip_open(&z, path, data, size, NULL) && zip_find(&z, name);
  zip_close(&z);
  return there;
}

/* With a net of the caller: are the names those of its own parameters, as `unroll run` takes them? Modules of other programs say
 * weight, bias, running_mean ... behind the last point. */
static bool has_own_names(const arrays *a) {
  bool own = a->n > 0;
  for (int i = 0; i < a->n && own; i++) {
    const char *dot = strrchr(a->list[i].name, '.'), *last = dot ? dot + 1 : a->list[i].name;
    own = a->list[i].rank >= 1 && a->list[i].rank <= 2 && strncmp(last, "weight", 6) != 0 && strncmp(last, "bias", 4) != 0 &&
          strncmp(last, "running_", 8) != 0 && !strstr(last, "_ih") && !strstr(last, "_hh");
  }
  return own;
}

static unroll_status layers_of_own(layers *l, arrays *a, unroll_error *err) {
  char is[96];
  for (int i = 0; i < a->n; i++) {
    array *x = &a->list[i];
    const int64_t cols = x->rank == 2 ? x->shape[1] : 0;
    array_shape(x, is);
    if (x->shape[0] < 1 || x->shape[0] > 1 << 24 || (x->rank == 2 && cols < 1) || cols > 1 << 24)
      return error_at(err, UNROLL_BAD_INPUT, a->file, NULL, 0, 0, "'%.100s' is %s", x->name, is);
    if (!layers_spare(l, x->name, (int)x->shape[0], (int)cols, x->x)) return error_memory(err);
    x->used = true;
  }
  l->source = "weights by the names of the net";
  return UNROLL_OK;
}

static unroll_status read_modules(layers *l, arrays *a, const char *data, size_t size, const import_options *o, unroll_error *err) {
  const bool archive = zip_is(data, size),
             torch = pickle_is_old(data, size) || (archive && has_entry(a->file, data, size, "data.pkl"));
  const unroll_status status = torch     ? arrays_of_torch(a, data, size, err)
                               : archive ? arrays_of_npz(a, data, size, err)
                                         : arrays_of_tensors(a, data, size, err);
  if (status) return status;
  return o->equations && has_own_names(a) ? layers_of_own(l, a, err) : layers_of_modules(l, a, o, err);
}

static bool is_model(const char *data, size_t size) {
  return zip_is(data, size) || pickle_is_old(data, size) || tensor_file_is(data, size) || keras_is_h5(data, size) ||
         looks_like_json(data, size) || onnx_is(data, size);
}

unroll_status import_bytes(layers *l, const char *path, const char *data, size_t size, const import_options *o, unroll_error *err) {
  arrays a = {.memory = &l->memory, .file = path};
  unroll_status status;
  l->open_width = o ? o->width : 0;
  if (!is_model(data, size)) {
    const known_file *k = known_find(data, size);
    return k ? known_refuse(k, path, "a model that can be imported", 0, err)
             : error_at(err, UNROLL_BAD_INPUT, path, NULL, 0, 0,
                        "this is no model that can be imported: .safetensors, .pt, .pth, .npz, .h5, .keras, .json or .onnx");
  }
  if (zip_is(data, size) && has_entry(path, data, size, "config.json"))
    status = keras_zip(l, &a, data, size, err);
  else if (keras_is_h5(data, size))
    status = keras_h5(l, &a, data, size, err);
  else if (onnx_is(data, size))
    status = layers_of_onnx(l, &a, data, size, err);
  else if (looks_like_json(data, size))
    status = layers_of_json(l, &a, data, size, o, err);
  else
    status = read_modules(l, &a, data, size, o, err);
  if (!status) status = check_used(&a, err);
  if (!status && l->told.failed) status = error_memory(err);
  arrays_free(&a);
  return status;
}

static unroll_status read_one(layers *l, const char *path, const import_options *o, unroll_error *err) {
  char *data;
  size_t size;
  unroll_status status = file_read(path, &data, &size, err);
  if (status) return status;
  status = import_bytes(l, path, data, size, o, err);
  mem_free(data);
  return status;
}

/* A new layer directly behind `from`, which nothing reads yet. */
static int insert(layers *l, int from) {
  const int added = layers_add(l, LAYER_OVER, "end", from), place = from + 1;
  if (added < 0) return -1;
  const layer one = l->list[added];
  memmove(&l->list[place + 1], &l->list[place], (size_t)(added - place) * sizeof one);
  l->list[place] = one;
  for (int i = place + 1; i < l->n; i++)
    for (int k = 0; k < l->list[i].n_in; k++) l->list[i].in[k] += l->list[i].in[k] >= place;
  for (int k = 0; k < l->n_outputs; k++) l->outputs[k].layer += l->outputs[k].layer >= place;
  return place;
}

/* The last step alone: before the products that lead to what comes out, so that they are made once. */
static unroll_status take_last(layers *l, int output, unroll_error *err) {
  int from = l->outputs[output].layer, next = -1;
  if (!l->list[from].steps) return UNROLL_OK;
  for (; l->list[from].kind == LAYER_LINEAR || l->list[from].kind == LAYER_APPLY; from = l->list[from].in[0]) {
    l->list[from].steps = false;
    next = from;
  }
  const int last = insert(l, from);
  if (last < 0) return error_memory(err);
  l->list[last].function = "last";
  l->list[last].steps = false;
  if (next >= 0)
    l->list[next + 1].in[0] = last;
  else
    l->outputs[output].layer = last;
  return UNROLL_OK;
}

/* What is last applied says what comes out: labels of a softmax, bits of a sigmoid. */
static void strip_activation(layers *l, int k) {
  const layer *out = &l->list[l->outputs[k].layer];
  if (out->kind != LAYER_APPLY) return;
  const bool softmax = !strcmp(out->function, "softmax(%s)");
  if (!softmax && strcmp(out->function, "sigmoid(%s)")) return;
  l->outputs[k].predicts = softmax ? PREDICTS_SYMBOLS : PREDICTS_BITS;
  l->outputs[k].layer = out->in[0];
}

/* A model of single characters may read them as vectors with one 1. With a vocabulary these are symbols, and the
 * table of their rows is the identity. What was said of the last step alone is said of every step then. */
static unroll_status read_symbols(layers *l, const import_options *o, unroll_error *err) {
  const int out = l->n_outputs == 1 ? l->outputs[0].layer : -1;
  if (!o->vocabulary || out < 0 || !l->n || l->list[0].kind != LAYER_NUMBERS || !l->list[0].steps) return UNROLL_OK;
  const int n = l->list[0].width;
  if (l->list[out].kind != LAYER_LINEAR || l->list[out].width != n || l->outputs[0].predicts != PREDICTS_SYMBOLS || n > 4096)
    return UNROLL_OK;
  for (int i = 1; i < l->n; i++)
    if (l->list[i].kind <= LAYER_SYMBOLS) return UNROLL_OK;
  const int rows_at = insert(l, 0);
  float *rows = layers_numbers(l, (int64_t)n * n);
  if (rows_at < 0 || !rows) return error_memory(err);
  for (int i = 0; i < n; i++) rows[(int64_t)i * n + i] = 1;
  l->list[0].kind = LAYER_SYMBOLS;
  l->list[rows_at].kind = LAYER_EMBED;
  l->list[rows_at].W = rows;
  for (int i = rows_at + 1; i < l->n; i++) {
    layer *y = &l->list[i];
    for (int k = 0; k < y->n_in; k++)
      if (y->in[k] == 0) y->in[k] = rows_at;
    const bool last = y->kind == LAYER_OVER && !strcmp(y->function, "last");
    for (int j = i + 1; last && j < l->n; j++)
      for (int k = 0; k < l->list[j].n_in; k++)
        if (l->list[j].in[k] == i) l->list[j].in[k] = y->in[0];
    if (last) { /* nothing reads it any more */
      y->kind = LAYER_APPLY;
      y->function = "%s";
      continue;
    }
    if (y->kind != LAYER_OVER && y->n_in) y->steps = l->list[y->in[0]].steps;
  }
  text_format(&l->told, "vectors of %d numbers are taken to be symbols, of which one number is 1\n", n);
  return UNROLL_OK;
}

static unroll_status finish(layers *l, const import_options *o, unroll_error *err) {
  for (int k = 0; k < l->n_outputs; k++) {
    strip_activation(l, k);
    const unroll_status status = o->last ? take_last(l, k, err) : UNROLL_OK;
    if (status) return status;
    if (!o->predicts) continue;
    l->outputs[k].predicts = !strcmp(o->predicts, "labels") ? PREDICTS_SYMBOLS
                             : !strcmp(o->predicts, "bits") ? PREDICTS_BITS
                                                            : PREDICTS_NUMBERS;
  }
  return o->inputs ? UNROLL_OK : read_symbols(l, o, err);
}

unroll_status import_files(imported *out, const char *const *files, int n_files, const import_options *o, unroll_error *err) {
  layers l = {0};
  *out = (imported){0};
  if (n_files != 1) return error_set(err, UNROLL_USAGE, "one file, not %d, is a model", n_files);
  if (!o->inputs != !o->outputs) return error_set(err, UNROLL_USAGE, "option 'verify' takes inputs and outputs");
  unroll_status status = read_one(&l, files[0], o, err);
  if (!status) status = finish(&l, o, err);
  if (!status) text_format(&out->told, "%s: %s\n", files[0], l.source);
  if (!status && l.told.data) text_add(&out->told, l.told.data, l.told.length);
  if (!status) status = import_build(out, &l, files[0], o, err);
  if (!status && l.n_outputs && !o->equations) status = import_verify(out, &l, files[0], o, err);
  if (!status && out->told.failed) status = error_memory(err);
  layers_free(&l);
  return status;
}

void imported_free(imported *i) {
  model_free(&i->m);
  net_free(&i->net);
  text_free(&i->told);
  *i = (imported){0};
}
