/* keras_files.c - where configuration and weights of a Keras model lie. It is an HDF5 file, a zip archive (.keras), or model.json
 * with files of numbers beside it (TensorFlow.js). */
#include <inttypes.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "import/keras.h"
#include "import/zip.h"

#define BAD(...) error_at(err, UNROLL_BAD_INPUT, a->file, NULL, 0, 0, __VA_ARGS__)

bool keras_is_h5(const void *data, size_t size) { return size > 8 && !memcmp(data, "\x89HDF\r\n\x1a\n", 8); }

static unroll_status parse(const arrays *a, const char *data, size_t size, const char *what, json_t **out, unroll_error *err) {
  json_error_t error;
  int starved;
  *out = json_read(data, size, &error, &starved);
  if (*out) return UNROLL_OK;
  return starved ? error_memory(err) : BAD("%s is not good JSON: %s", what, error.text);
}

unroll_status keras_h5(layers *l, arrays *a, const void *data, size_t size, unroll_error *err) {
  char *config;
  json_t *j = NULL;
  unroll_status status = arrays_of_hdf5(a, data, size, "model_config", &config, err);
  if (!status && !config) status = BAD("the file has weights and no model: model.save() writes both");
  if (!status) status = parse(a, config, strlen(config), "the configuration", &j, err);
  int kept = 0;
  for (int i = 0; i < a->n; i++) /* the state of an optimizer */
    if (strncmp(a->list[i].name, "optimizer_weights", 17)) a->list[kept++] = a->list[i];
  a->n = kept;
  if (!status) status = keras_model(l, a, j, KERAS_NAMES, err);
  json_decref(j);
  mem_free(config);
  return status;
}

unroll_status keras_zip(layers *l, arrays *a, const void *data, size_t size, unroll_error *err) {
  zip z;
  const void *config = NULL, *weights = NULL;
  size_t n = 0, m = 0;
  json_t *j = NULL;
  unroll_status status = zip_open(&z, a->file, data, size, err);
  const zip_entry *c = status ? NULL : zip_find(&z, "config.json"), *w = status ? NULL : zip_find(&z, "model.weights.h5");
  if (!status && (!c || !w)) status = BAD("this archive lacks %s", c ? "model.weights.h5" : "config.json");
  if (!status) status = zip_get(&z, c, &config, &n, err);
  if (!status) status = zip_get(&z, w, &weights, &m, err);
  if (!status) status = parse(a, config, n, "config.json", &j, err);
  if (!status) status = arrays_of_hdf5(a, weights, m, "", NULL, err);
  int kept = 0;
  for (int i = 0; i < a->n; i++)
    if (strncmp(a->list[i].name, "optimizer/", 10) && strncmp(a->list[i].name, "vars/", 5)) a->list[kept++] = a->list[i];
  a->n = kept;
  if (!status) status = keras_model(l, a, j, KERAS_NUMBERS, err);
  json_decref(j);
  zip_close(&z);
  return status;
}

/* --- TensorFlow.js --- */

typedef struct shards { /* files of numbers, one after the other */
  char *data;
  size_t size, at;
} shards;

static unroll_status read_shards(const arrays *a, const json_t *paths, shards *s, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  for (size_t i = 0; i < json_array_size(paths) && !status; i++) {
    const char *name = json_string_value(json_array_get(paths, i));
    char *data, *path;
    size_t size;
    if (name && !strncmp(name, "./", 2)) name += 2; /* so do browsers write it */
    if (!name || strchr(name, '/') || !*name || name[0] == '.') return BAD("weightsManifest names a file that is not beside it");
    path = file_beside(a->file, name, strlen(name));
    if (!path) return error_memory(err);
    status = file_read_regular(path, SIZE_MAX - s->size - 1, &data, &size, err);
    mem_free(path);
    if (status) return status;
    char *all = mem_resize(s->data, s->size + size + 1);
    if (all) {
      memcpy(all + s->size, data, size);
      s->data = all;
      s->size += size;
    } else
      status = error_memory(err);
    mem_free(data);
  }
  return status;
}

static unroll_status read_weight(arrays *a, const json_t *j, shards *s, unroll_error *err) {
  static const struct {
    const char *name;
    array_form form;
  } types[] = {{"float32", {{'f', 4, false}, NULL}}, {"float16", {{'f', 2, false}, NULL}}, {"int32", {{'i', 4, false}, NULL}},
               {"uint8", {{'u', 1, false}, NULL}},   {"uint16", {{'u', 2, false}, NULL}},  {"bool", {{'b', 1, false}, NULL}}};
  const json_t *q = json_object_get(j, "quantization"), *dims = json_object_get(j, "shape");
  const char *name = json_string_value(json_object_get(j, "name"));
  const char *type = json_string_value(json_object_get(q ? q : j, "dtype"));
  int64_t shape[ARRAY_RANK], count = 1, bytes = 0;
  const array_form *form = NULL;
  const int rank = (int)json_array_size(dims);
  if (!name || !type || !json_is_array(dims) || json_array_size(dims) > ARRAY_RANK)
    return BAD("weightsManifest has a weight without name, type or shape");
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (!strcmp(types[i].name, type)) form = &types[i].form;
  if (!form) return BAD("the weight '%.60s' is of the type '%.20s', which is not read", name, type);
  for (int i = 0; i < rank; i++) {
    shape[i] = json_integer_value(json_array_get(dims, (size_t)i));
    if (shape[i] < 0 || __builtin_mul_overflow(count, shape[i], &count)) return BAD("the weight '%.60s' has a bad shape", name);
  }
  if (__builtin_mul_overflow(count, (int64_t)form->number.bytes, &bytes) || (uint64_t)bytes > s->size - s->at)
    return BAD("the files of numbers end before the weight '%.60s'", name);
  unroll_status status = arrays_add(a, name, rank, shape, form, s->data + s->at, (size_t)bytes, err);
  s->at += (size_t)bytes;
  if (status || !q || !json_object_get(q, "scale")) return status;
  const double scale = json_number_value(json_object_get(q, "scale")), least = json_number_value(json_object_get(q, "min"));
  array *x = &a->list[a->n - 1];
  for (int64_t i = 0; i < x->count; i++) x->x[i] = (float)((double)x->x[i] * scale + least);
  return status;
}

unroll_status keras_js(layers *l, arrays *a, const json_t *root, unroll_error *err) {
  const json_t *manifest = json_object_get(root, "weightsManifest"), *topology = json_object_get(root, "modelTopology");
  const json_t *config = json_object_get(topology, "model_config");
  unroll_status status = UNROLL_OK;
  if (json_object_get(topology, "node")) return BAD("this is a graph model of TensorFlow.js; only layers models are understood");
  for (size_t i = 0; i < json_array_size(manifest) && !status; i++) {
    const json_t *group = json_array_get(manifest, i), *weights = json_object_get(group, "weights");
    shards s = {0};
    status = read_shards(a, json_object_get(group, "paths"), &s, err);
    for (size_t k = 0; k < json_array_size(weights) && !status; k++) status = read_weight(a, json_array_get(weights, k), &s, err);
    if (!status && s.at < s.size) status = BAD("the files of numbers have %zu bytes that no weight has", s.size - s.at);
    mem_free(s.data);
  }
  if (!status) status = keras_model(l, a, config ? config : topology, KERAS_NAMES, err);
  if (!status) l->source = "TensorFlow.js layers model";
  return status;
}
