/* file.c - a model as a safetensors file, and back.
 *
 * Tensors: one a parameter, named like it, F32, [rows, cols] or [rows]. Metadata, all of it text:
 *   unroll      "model 1", or "checkpoint 1", which has further tensors (names with '@') and metadata
 *   net         the text of the net;  net_file: its name, for messages
 *   cells       JSON object, name of each cell used -> its text
 *   settings    JSON object, as in force: numbers and words
 *   variables   JSON object: name of each -> {"symbols": array, "end": is the last one an end symbol?} or, of numbers,
 *               {"width": how many} and, where they are standardised, "mean" and "deviation": arrays. Symbols are characters,
 *               words, or numbers of bytes; of bpe two numbers for each merge
 *   vocabulary  in files of before there were tables of one column: the symbols of the only variable, a text
 *   data        JSON object: size and hash of the training data
 *   init, ramp  JSON arrays of texts: how parameters started and which settings changed, where --init and --ramp said so
 *   class_weights  JSON object, name of a variable -> {label: weight}, where --class-weights said so
 *   series      JSON object: the column whose equal values make rows an example; of series with dates also the column of these,
 *               step, window, scaling, and until when it was trained
 *
 * A file is untrusted. The graph is built from its text first, then each parameter is looked for. Memory for them is taken only
 * when all are there with the right shapes. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "symbols/bpe.h"
#include "base/hash.h"
#include "io/json.h"
#include "model/model.h"

/* --- JSON texts; NULL when out of memory --- */

static char *dump_and_free(json_t *j) {
  char *s = j ? json_write(j, JSON_COMPACT) : NULL;
  json_decref(j);
  return s;
}

static char *cells_text(const model *m) {
  json_t *j = json_object();
  for (int i = 0; j && i < m->n_cells; i++)
    if (json_object_set_new(j, m->cells[i].name, json_string(m->cells[i].text))) {
      json_decref(j);
      return NULL;
    }
  return dump_and_free(j);
}

static char *settings_text(const graph *g) {
  json_t *j = json_object();
  for (int i = 0; j && i < g->n_settings; i++) {
    const setting *s = &g->settings[i];
    const bool whole = !s->word && s->number == floor(s->number) && fabs(s->number) < 1e15;
    json_t *value = s->word ? json_string(s->word) : whole ? json_integer((json_int_t)s->number) : json_real(s->number);
    if (json_object_set_new(j, s->name, value)) {
      json_decref(j);
      return NULL;
    }
  }
  return dump_and_free(j);
}

static char *inits_text(const model *m) {
  json_t *j = json_array();
  for (int i = 0; j && i < m->n_inits; i++)
    if (json_array_append_new(j, json_string(m->inits[i]))) {
      json_decref(j);
      return NULL;
    }
  return dump_and_free(j);
}

static char *ramps_text(const model *m) {
  json_t *j = json_array();
  for (int i = 0; j && i < m->n_ramps; i++)
    if (json_array_append_new(j, json_string(m->ramps[i].text))) {
      json_decref(j);
      return NULL;
    }
  return dump_and_free(j);
}

static json_t *symbol_json(const vocabulary *v, int i) {
  char s[4];
  size_t size;
  if (v->unit == UNIT_BYTES) return json_integer(v->codes[i]);
  if (v->unit == UNIT_CHARS) return json_stringn(s, (size_t)utf8_encode(v->codes[i], s));
  const char *word = lexicon_text(&v->words, i, &size);
  return json_stringn(word, size);
}

static json_t *vocabulary_json(const vocabulary *v) {
  json_t *j = json_array();
  if (v->unit == UNIT_BPE) {
    for (int i = 0; j && i < v->n_merges; i++)
      if (json_array_append_new(j, json_integer(v->merges[i].left)) || json_array_append_new(j, json_integer(v->merges[i].right))) {
        json_decref(j);
        return NULL;
      }
    return j;
  }
  for (int i = 0; j && i < v->n; i++)
    if (json_array_append_new(j, symbol_json(v, i))) {
      json_decref(j);
      return NULL;
    }
  return j;
}

static json_t *numbers_json(const double *x, int n) {
  json_t *j = json_array();
  for (int i = 0; j && i < n; i++)
    if (json_array_append_new(j, json_real(x[i]))) {
      json_decref(j);
      return NULL;
    }
  return j;
}

static char *variables_text(const schema *s) {
  json_t *j = json_object();
  for (int i = 0; j && i < s->n; i++) {
    const variable *v = &s->list[i];
    json_t *one = json_object();
    int bad = !one;
    if (v->form.unit == UNIT_NUMBERS) {
      bad |= json_object_set_new(one, "width", json_integer(v->width));
      if (v->mean) bad |= json_object_set_new(one, "mean", numbers_json(v->mean, v->width));
      if (v->mean) bad |= json_object_set_new(one, "deviation", numbers_json(v->deviation, v->width));
    } else {
      bad |= json_object_set_new(one, "symbols", vocabulary_json(&v->words));
      bad |= json_object_set_new(one, "end", json_boolean(v->words.end >= 0));
    }
    if (json_object_set_new(j, v->form.name, one) || bad) {
      json_decref(j);
      return NULL;
    }
  }
  return dump_and_free(j);
}

/* --- writing --- */

enum { MODEL_KEYS = 7, MAX_KEYS = 17 };

uint64_t model_hash(const tensor *tensors, size_t n_tensors, const char *const *keys, const char *const *values, size_t n_keys) {
  uint64_t sum = 0; /* of a hash each, since the order in a file is not ours to say */
  for (size_t i = 0; i < n_tensors; i++) {
    const tensor *t = &tensors[i];
    size_t bytes = sizeof(float);
    uint64_t h = hash_bytes(1, t->name, strlen(t->name));
    for (int k = 0; k < t->rank; k++) {
      h = hash_mix(h ^ (uint64_t)t->shape[k]);
      bytes *= (size_t)t->shape[k];
    }
    sum += hash_bytes(hash_mix(h ^ (uint64_t)t->type), t->data, t->type == TENSOR_F32 ? bytes : t->bytes);
  }
  for (size_t i = 0; i < n_keys; i++)
    if (strcmp(keys[i], "hash")) sum += hash_bytes(hash_bytes(2, keys[i], strlen(keys[i])), values[i], strlen(values[i]));
  return sum;
}

static unroll_status write_tensors(const model *m, const float *weights, const char *path, const model_extra *extra,
                                   const char **keys, const char **values, int n_keys, unroll_error *err) {
  const int n = m->g.n_params + extra->n_tensors;
  char hash[24];
  tensor *tensors = mem_zero((size_t)n + 1, sizeof *tensors);
  if (!tensors) return error_memory(err);
  for (int i = 0; i < m->g.n_params; i++) {
    const param *p = &m->g.params[i];
    tensors[i] = (tensor){.name = p->name, .type = TENSOR_F32, .rank = p->vector ? 1 : 2, .data = weights + p->offset};
    tensors[i].shape[0] = p->rows;
    if (!p->vector) tensors[i].shape[1] = p->cols;
  }
  for (int i = 0; i < extra->n_tensors; i++) tensors[m->g.n_params + i] = extra->tensors[i];
  if (extra->hashed) {
    snprintf(hash, sizeof hash, "%016" PRIx64, model_hash(tensors, (size_t)n, keys, values, (size_t)n_keys));
    keys[n_keys] = "hash";
    values[n_keys++] = hash;
  }
  const unroll_status status = tensor_file_save(path, tensors, (size_t)n, keys, values, (size_t)n_keys, err);
  mem_free(tensors);
  return status;
}

unroll_status model_write(const model *m, const float *weights, const char *path, const model_extra *extra, unroll_error *err) {
  const int bad = model_first_bad(m, weights);
  if (bad >= 0)
    return error_at(err, UNROLL_FAILED, path, NULL, 0, 0, "not saved: %s holds a number that is not finite", m->g.params[bad].name);
  json_setup();
  char data[96];
  const char *name = strrchr(m->net_file, '/');
  const bool remembers = m->schema.time.time || m->schema.time.series;
  char *cells = cells_text(m), *settings = settings_text(&m->g), *words = variables_text(&m->schema), *inits = inits_text(m),
       *ramps = ramps_text(m), *series = remembers ? model_series_text(&m->schema.time) : NULL, *weighted = model_weights_text(m);
  snprintf(data, sizeof data, "{\"bytes\":%" PRIu64 ",\"hash\":\"%016" PRIx64 "\"}", m->data.bytes, m->data.hash);
  const char *keys[MAX_KEYS] = {"unroll", "net", "net_file", "cells", "settings", "variables", "data"};
  const char *values[MAX_KEYS] = {extra->format, m->net_text, name ? name + 1 : m->net_file, cells, settings, words, data};
  int n = MODEL_KEYS;
  if (m->n_inits) keys[n] = "init", values[n++] = inits;
  if (m->n_ramps) keys[n] = "ramp", values[n++] = ramps;
  if (m->n_weighted) keys[n] = "class_weights", values[n++] = weighted;
  if (series) keys[n] = "series", values[n++] = series;
  if (m->schema.tagged) keys[n] = "tagged", values[n++] = m->schema.tagged;
  if (m->schema.folders) keys[n] = "labels_from_folders", values[n++] = "true";
  for (int i = 0; i < extra->n_keys && n < MAX_KEYS - 1; i++, n++) {
    keys[n] = extra->keys[i];
    values[n] = extra->values[i];
  }
  unroll_status status = UNROLL_OK;
  if (!cells || !settings || !words || !inits || !ramps || !weighted || (remembers && !series))
    status = error_memory(err);
  else
    status = write_tensors(m, weights, path, extra, keys, values, n, err);
  mem_free(cells);
  mem_free(settings);
  mem_free(words);
  mem_free(inits);
  mem_free(ramps);
  mem_free(series);
  mem_free(weighted);
  return status;
}

unroll_status model_save(const model *m, const char *path, unroll_error *err) {
  return model_write(m, m->weights, path, &(model_extra){.format = MODEL_FORMAT}, err);
}

/* --- reading --- */

#define BAD(...) error_at(err, UNROLL_BAD_INPUT, name, NULL, 0, 0, __VA_ARGS__)

static unroll_status need(const tensor_file *f, const char *name, const char *key, const char **value, unroll_error *err) {
  *value = tensor_metadata(f, key);
  return *value ? UNROLL_OK : BAD("not a model of Unroll: the metadata '%s' is missing", key);
}

static unroll_status need_json(const tensor_file *f, const char *name, const char *key, json_type type, json_t **out,
                               unroll_error *err) {
  const char *value;
  json_error_t error;
  int starved;
  *out = NULL;
  const unroll_status status = need(f, name, key, &value, err);
  if (status) return status;
  json_t *j = json_read(value, strlen(value), &error, &starved);
  if (!j && starved) return error_memory(err);
  if (!j) return BAD("the metadata '%s' is not good JSON: %s", key, error.text);
  if (json_typeof(j) != type) {
    json_decref(j);
    return BAD("the metadata '%s' is not a JSON %s", key, type == JSON_OBJECT ? "object" : "array");
  }
  *out = j;
  return UNROLL_OK;
}

static unroll_status read_cells(model *m, const tensor_file *f, const char *name, unroll_error *err) {
  json_t *cells, *value;
  const char *key;
  unroll_status status = need_json(f, name, "cells", JSON_OBJECT, &cells, err);
  if (status) return status;
  m->cells = mem_zero(json_object_size(cells) + 1, sizeof *m->cells);
  m->sealed = true;
  if (!m->cells) status = error_memory(err);
  json_object_foreach(cells, key, value) {
    if (status) break;
    text file = {0};
    text_format(&file, "%s.cell", key);
    model_cell *c = &m->cells[m->n_cells];
    if (!json_is_string(value))
      status = BAD("the text of the cell '%.60s' is not a string", key);
    else {
      *c = (model_cell){arena_text(&m->memory, key, strlen(key)),
                        file.failed ? NULL : arena_text(&m->memory, file.data, file.length),
                        arena_text(&m->memory, json_string_value(value), json_string_length(value))};
      if (!c->name || !c->file || !c->text) status = error_memory(err);
      m->n_cells++;
    }
    text_free(&file);
  }
  json_decref(cells);
  m->cap_cells = m->n_cells;
  return status;
}

/* What vocabulary_set... reports gets the file's name. */
static unroll_status with_file(unroll_status status, const char *name, unroll_error *err) {
  if (status == UNROLL_BAD_INPUT && err && !err->file[0])
    snprintf(err->file, sizeof err->file, "%.*s", (int)sizeof err->file - 1, name);
  return status;
}

static unroll_status read_codes(vocabulary *v, enum symbol_unit unit, bool end, const json_t *j, const char *name,
                                unroll_error *err) {
  const size_t n = json_array_size(j);
  unroll_status status = UNROLL_OK;
  uint32_t *codes = mem_zero(n + 1, sizeof *codes);
  if (!codes) status = error_memory(err);
  for (size_t i = 0; i < n && !status; i++) {
    const json_t *e = json_array_get(j, i);
    const char *s = json_string_value(e);
    const size_t size = json_string_length(e);
    if (unit == UNIT_BYTES && json_is_integer(e) && json_integer_value(e) >= 0 && json_integer_value(e) < 256)
      codes[i] = (uint32_t)json_integer_value(e);
    else if (unit == UNIT_BYTES || !s || size < 1 || (size_t)utf8_decode(s, size, &codes[i]) != size)
      status = BAD("symbol %zu of the vocabulary is not one %s", i, unit == UNIT_BYTES ? "byte" : "character");
  }
  if (!status) status = with_file(vocabulary_set(v, unit, end, codes, n, err), name, err);
  mem_free(codes);
  return status;
}

static unroll_status read_words(vocabulary *v, enum symbol_unit unit, bool end, const json_t *j, const char *name,
                                unroll_error *err) {
  const size_t n = json_array_size(j);
  const char **texts = mem_zero(n + 1, sizeof *texts);
  size_t *sizes = mem_zero(n + 1, sizeof *sizes);
  unroll_status status = texts && sizes ? UNROLL_OK : error_memory(err);
  for (size_t i = 0; i < n && !status; i++) {
    texts[i] = json_string_value(json_array_get(j, i));
    sizes[i] = json_string_length(json_array_get(j, i));
    if (!texts[i] || !sizes[i] || strlen(texts[i]) != sizes[i]) status = BAD("symbol %zu of a vocabulary is no text", i);
  }
  if (!status) status = with_file(vocabulary_set_words(v, unit, end, texts, sizes, n, err), name, err);
  mem_free(texts);
  mem_free(sizes);
  return status;
}

/* Two numbers a merge. */
static unroll_status read_merges(vocabulary *v, enum symbol_unit unit, bool end, const json_t *j, const char *name,
                                 unroll_error *err) {
  const size_t n = json_array_size(j);
  bpe_merge *merges = mem_zero(n / 2 + 1, sizeof *merges);
  unroll_status status = merges ? UNROLL_OK : error_memory(err);
  (void)unit;
  if (!status && n % 2) status = BAD("the merges of a vocabulary are not pairs of numbers");
  for (size_t i = 0; i < n && !status; i++) {
    const json_t *e = json_array_get(j, i);
    const json_int_t x = json_integer_value(e);
    if (!json_is_integer(e) || x < 0 || x > INT32_MAX) status = BAD("merge %zu of a vocabulary is no pair of numbers", i / 2);
    *(i % 2 ? &merges[i / 2].right : &merges[i / 2].left) = (int32_t)x;
  }
  if (!status) status = with_file(vocabulary_set_merges(v, end, merges, n / 2, err), name, err);
  mem_free(merges);
  return status;
}

typedef unroll_status (*symbols_reader)(vocabulary *v, enum symbol_unit unit, bool end, const json_t *j, const char *name,
                                        unroll_error *err);
static symbols_reader reader_of(enum symbol_unit unit) {
  return unit == UNIT_BPE ? read_merges : unit_has_lexicon(unit) ? read_words : read_codes;
}

static unroll_status read_symbols(variable *v, bool end, const json_t *j, const char *name, unroll_error *err) {
  const unroll_status status = reader_of(v->form.unit)(&v->words, v->form.unit, end, j, name, err);
  return !status && v->form.unknown ? with_file(vocabulary_open(&v->words, err), name, err) : status;
}

static unroll_status read_scale(variable *v, const json_t *j, const char *name, unroll_error *err) {
  const json_t *mean = json_object_get(j, "mean"), *deviation = json_object_get(j, "deviation");
  if (json_array_size(mean) != (size_t)v->width || json_array_size(deviation) != (size_t)v->width)
    return BAD("the variable '%s' has no good mean and deviation", v->form.name);
  const unroll_status status = variable_scale(v, err); /* as much as the file has */
  for (int i = 0; i < v->width && !status; i++) {
    const json_t *m = json_array_get(mean, (size_t)i), *d = json_array_get(deviation, (size_t)i);
    v->mean[i] = json_number_value(m);
    v->deviation[i] = json_number_value(d);
    if (!json_is_number(m) || !json_is_number(d) || !isfinite(v->mean[i]) || !(v->deviation[i] > 0) || !isfinite(v->deviation[i]))
      return BAD("the variable '%s' has no good mean and deviation", v->form.name);
  }
  return status;
}

static unroll_status read_variable(variable *v, const json_t *j, const char *name, unroll_error *err) {
  const json_t *width = json_object_get(j, "width"), *symbols = json_object_get(j, "symbols"), *end = json_object_get(j, "end");
  const enum symbol_unit unit = v->form.unit;
  if (unit == UNIT_NUMBERS) {
    if (!json_is_integer(width) || json_integer_value(width) < 1 || json_integer_value(width) > (1 << 24) ||
        (!strcmp(v->form.kind, "number") && json_integer_value(width) != 1))
      return BAD("the variable '%s' has no good width", v->form.name);
    v->width = (int)json_integer_value(width);
    return json_object_get(j, "mean") ? read_scale(v, j, name, err) : UNROLL_OK;
  }
  if (!json_is_array(symbols) || !json_is_boolean(end) || (unit == UNIT_LABELS && json_is_true(end)))
    return BAD("the variable '%s' has no good vocabulary", v->form.name);
  return read_symbols(v, json_is_true(end), symbols, name, err);
}

/* The old form of a text's vocabulary. */
static unroll_status read_only_vocabulary(variable *v, const tensor_file *f, const char *name, unroll_error *err) {
  json_t *j;
  unroll_status status = need_json(f, name, "vocabulary", JSON_ARRAY, &j, err);
  if (!status) status = read_symbols(v, v->form.lines, j, name, err);
  json_decref(j);
  return status;
}

static unroll_status read_variables(model *m, const tensor_file *f, const char *name, unroll_error *err) {
  json_t *j;
  if (schema_is_text(&m->schema) && tensor_metadata(f, "vocabulary")) return read_only_vocabulary(m->schema.list, f, name, err);
  unroll_status status = need_json(f, name, "variables", JSON_OBJECT, &j, err);
  if (status) return status;
  for (int i = 0; i < m->schema.n && !status; i++)
    status = read_variable(&m->schema.list[i], json_object_get(j, m->schema.list[i].form.name), name, err);
  json_decref(j);
  return status;
}

/* Does what the vocabularies have fit what the equations ask for? */
static unroll_status check_variables(const model *m, const char *name, unroll_error *err) {
  for (int i = 0; i < m->schema.n; i++) {
    const variable *v = &m->schema.list[i];
    if (v->form.unit != UNIT_NUMBERS && v->ends != (v->words.end >= 0))
      return BAD("the vocabulary of '%s' has %s end symbol", v->form.name, v->ends ? "no" : "an");
  }
  return UNROLL_OK;
}

static unroll_status read_settings(model *m, const tensor_file *f, const char *name, setting **out, int *n_out, unroll_error *err) {
  json_t *j, *value;
  const char *key;
  int n = 0;
  unroll_status status = need_json(f, name, "settings", JSON_OBJECT, &j, err);
  if (status) return status;
  setting *settings = arena_alloc(&m->memory, json_object_size(j) + 1, sizeof *settings);
  if (!settings) status = error_memory(err);
  json_object_foreach(j, key, value) {
    if (status) break;
    setting *s = &settings[n++];
    s->name = arena_text(&m->memory, key, strlen(key));
    s->number = json_number_value(value);
    if (json_is_string(value)) s->word = arena_text(&m->memory, json_string_value(value), json_string_length(value));
    if (!json_is_string(value) && !json_is_number(value))
      status = BAD("the setting '%.60s' is neither a number nor a word", key);
    else if (!s->name || (json_is_string(value) && !s->word))
      status = error_memory(err);
  }
  json_decref(j);
  *out = settings;
  *n_out = n;
  return status;
}

/* A list of texts that need not be there. */
static unroll_status read_texts(model *m, const tensor_file *f, const char *name, const char *key, const char *const **out,
                                int *n_out, unroll_error *err) {
  json_t *j;
  *n_out = 0;
  if (!tensor_metadata(f, key)) return UNROLL_OK;
  unroll_status status = need_json(f, name, key, JSON_ARRAY, &j, err);
  if (status) return status;
  const size_t n = json_array_size(j);
  const char **texts = arena_alloc(&m->memory, n + 1, sizeof *texts);
  if (!texts) status = error_memory(err);
  for (size_t i = 0; i < n && !status; i++) {
    const json_t *one = json_array_get(j, i);
    if (!json_is_string(one))
      status = BAD("the metadata '%s' holds what is no text", key);
    else if (!(texts[i] = arena_text(&m->memory, json_string_value(one), json_string_length(one))))
      status = error_memory(err);
  }
  json_decref(j);
  *out = texts;
  *n_out = status ? 0 : (int)n;
  return status;
}

static unroll_status read_identity(model *m, const tensor_file *f, const char *name, unroll_error *err) {
  json_t *j;
  unsigned long long hash = 0;
  const unroll_status status = need_json(f, name, "data", JSON_OBJECT, &j, err);
  if (status) return status;
  const json_t *bytes = json_object_get(j, "bytes");
  const char *s = json_string_value(json_object_get(j, "hash"));
  int used = 0;
  const bool good = json_is_integer(bytes) && json_integer_value(bytes) >= 0 && s && strlen(s) == 16 &&
                    strspn(s, "0123456789abcdef") == 16 && sscanf(s, "%16llx%n", &hash, &used) == 1 && used == 16;
  if (good) m->data = (data_identity){(uint64_t)json_integer_value(bytes), hash};
  json_decref(j);
  return good ? UNROLL_OK : BAD("the metadata 'data' does not hold the size and hash of the data");
}

static unroll_status find_param(const tensor_file *f, const char *name, const param *p, const tensor **out, unroll_error *err) {
  const tensor *t = *out = tensor_find(f, p->name);
  if (!t) return BAD("the parameter %s is missing", p->name);
  if (t->type != TENSOR_F32) return BAD("the parameter %s is not of type F32", p->name);
  if (p->vector && (t->rank != 1 || t->shape[0] != p->rows))
    return BAD("the parameter %s is not a vector of %d numbers", p->name, p->rows);
  if (!p->vector && (t->rank != 2 || t->shape[0] != p->rows || t->shape[1] != p->cols))
    return BAD("the parameter %s is not a matrix of %d rows and %d columns", p->name, p->rows, p->cols);
  return UNROLL_OK;
}

static bool is_param(const graph *g, const char *name) {
  for (int i = 0; i < g->n_params; i++)
    if (!strcmp(g->params[i].name, name)) return true;
  return false;
}

static unroll_status read_weights(model *m, const tensor_file *f, const char *name, bool checkpoint, unroll_error *err) {
  const graph *g = &m->g;
  const tensor *t;
  unroll_status status;
  for (int i = 0; i < g->n_params; i++)
    if ((status = find_param(f, name, &g->params[i], &t, err))) return status;
  for (size_t i = 0; i < f->count; i++)
    if (!(checkpoint && f->tensors[i].name[0] == '@') && !is_param(g, f->tensors[i].name))
      return BAD("the tensor %.60s belongs to no parameter of the net", f->tensors[i].name);
  m->weights = mem_aligned((size_t)g->n_weights + 1, sizeof *m->weights); /* as many as the file has */
  if (!m->weights) return error_memory(err);
  for (int i = 0; i < g->n_params; i++) {
    const param *p = &g->params[i];
    if ((status = find_param(f, name, p, &t, err))) return status;
    if (t->bytes) memcpy(m->weights + p->offset, t->data, t->bytes);
  }
  const int bad = model_first_bad(m, m->weights);
  if (bad >= 0) return BAD("the parameter %s holds a number that is not finite", g->params[bad].name);
  return UNROLL_OK;
}

static unroll_status check_hash(const tensor_file *f, const char *name, unroll_error *err) {
  const char *saved;
  char hash[24];
  const unroll_status status = need(f, name, "hash", &saved, err);
  if (status) return status;
  snprintf(hash, sizeof hash, "%016" PRIx64, model_hash(f->tensors, f->count, f->keys, f->values, f->metadata));
  return strcmp(hash, saved) ? BAD("the checkpoint is damaged: its hash does not fit") : UNROLL_OK;
}

/* What the data was that it learnt from. */
static unroll_status read_source(model *m, const tensor_file *f, unroll_error *err) {
  const char *tagged = tensor_metadata(f, "tagged"), *folders = tensor_metadata(f, "labels_from_folders");
  m->schema.folders = folders && !strcmp(folders, "true");
  m->schema.tagged = tagged && *tagged ? mem_text(tagged) : NULL;
  return tagged && *tagged && !m->schema.tagged ? error_memory(err) : UNROLL_OK;
}

const char *model_format(const tensor_file *f) {
  const char *now = tensor_metadata(f, "unroll"), *old = tensor_metadata(f, "format");
  if (now || !old) return now;
  if (!strcmp(old, "unroll 1")) return MODEL_FORMAT;
  return strcmp(old, "unroll checkpoint 1") ? old : CHECKPOINT_FORMAT;
}

unroll_status model_from_tensors(model *m, const char *name, const tensor_file *f, bool derive, unroll_error *err) {
  const char *format, *net, *net_file;
  setting *settings = NULL;
  const char *const *ramps = NULL;
  int n_settings = 0;
  *m = (model){0};
  unroll_status status = UNROLL_OK;
  if (!(format = model_format(f))) status = BAD("the metadata 'unroll' is missing");
  const bool checkpoint = !status && !strcmp(format, CHECKPOINT_FORMAT);
  if (!status && !checkpoint && strcmp(format, MODEL_FORMAT))
    status = BAD("the format '%.40s' is not known to this version; expected '%s'", format, MODEL_FORMAT);
  if (!status && checkpoint) status = check_hash(f, name, err);
  if (!status) status = need(f, name, "net", &net, err);
  if (!status) status = need(f, name, "net_file", &net_file, err);
  if (!status) status = model_begin(m, net_file, net, err);
  if (!status) status = read_cells(m, f, name, err);
  if (!status) status = read_variables(m, f, name, err);
  if (!status) status = model_read_series(m, f, name, err);
  if (!status) status = read_source(m, f, err);
  if (!status) status = model_read_weights(m, f, name, err);
  if (!status) status = read_settings(m, f, name, &settings, &n_settings, err);
  if (!status) status = read_identity(m, f, name, err);
  if (!status) status = read_texts(m, f, name, "init", &m->inits, &m->n_inits, err);
  if (!status) status = read_texts(m, f, name, "ramp", &ramps, &m->n_ramps, err);
  if (!status) status = ramps_parse(&m->ramps, ramps, m->n_ramps, &m->memory, err);
  if (!status) status = model_build(m, settings, n_settings, derive, err);
  if (!status) status = check_variables(m, name, err);
  if (!status) status = read_weights(m, f, name, checkpoint, err);
  if (status) model_free(m);
  return status;
}

unroll_status model_load(model *m, const char *path, bool derive, unroll_error *err) {
  tensor_file f;
  *m = (model){0};
  unroll_status status = tensor_file_load(&f, path, err);
  if (status) return status;
  status = model_from_tensors(m, path, &f, derive, err);
  tensor_file_free(&f);
  return status;
}

unroll_status model_load_memory(model *m, const void *bytes, size_t size, unroll_error *err) {
  tensor_file f;
  *m = (model){0};
  unroll_status status = tensor_file_parse(&f, "the model", bytes, size, err);
  if (!status) status = model_from_tensors(m, "the model", &f, false, err);
  tensor_file_free(&f);
  return status;
}
