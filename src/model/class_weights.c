/* class_weights.c - the class weights that a model was trained with, as JSON in its file and log:
 *   {name of the variable: {label: weight, ...}, ...}; of symbols that are no labels [weight, ...] in the order of their numbers */
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "io/json.h"
#include "model/model.h"

static const vocabulary *symbols_of(const model *m, const char *name) {
  for (int i = 0; i < m->schema.n; i++)
    if (!strcmp(m->schema.list[i].form.name, name) && m->schema.list[i].form.unit != UNIT_NUMBERS) return &m->schema.list[i].words;
  return NULL;
}

json_t *model_weights_json(const model *m) {
  json_t *j = json_object();
  int bad = !j;
  for (int i = 0; i < m->n_weighted && !bad; i++) {
    const vocabulary *v = symbols_of(m, m->weighted[i].name);
    const bool named = v && v->unit == UNIT_LABELS;
    json_t *one = named ? json_object() : json_array();
    for (int k = 0; v && k < v->n && one && !bad; k++) {
      json_t *x = json_real((double)m->weighted[i].values[k]);
      bad |= named ? json_object_set_new(one, lexicon_text(&v->words, k, NULL), x) : json_array_append_new(one, x);
    }
    bad |= json_object_set_new(j, m->weighted[i].name, one);
  }
  if (!bad) return j;
  json_decref(j);
  return NULL;
}

char *model_weights_text(const model *m) {
  json_t *j = model_weights_json(m);
  char *s = j ? json_write(j, JSON_COMPACT) : NULL;
  json_decref(j);
  return s;
}

/* A weight for each label and no others. 0: good; 1: bad; -1: out of memory. */
static int read_one(model *m, class_weights *out, const char *name, const json_t *j) {
  const vocabulary *v = symbols_of(m, name);
  const bool named = v && v->unit == UNIT_LABELS;
  if (!v || (named ? json_object_size(j) : json_array_size(j)) != (size_t)v->n) return 1;
  float *values = arena_alloc(&m->memory, (size_t)v->n + 1, sizeof *values);
  *out = (class_weights){arena_text(&m->memory, name, strlen(name)), values};
  if (!values || !out->name) return -1;
  for (int k = 0; k < v->n; k++) {
    const json_t *x = named ? json_object_get(j, lexicon_text(&v->words, k, NULL)) : json_array_get(j, (size_t)k);
    values[k] = (float)json_number_value(x);
    if (!json_is_number(x) || !(values[k] >= 0) || !isfinite(values[k])) return 1;
  }
  return 0;
}

unroll_status model_read_weights(model *m, const tensor_file *f, const char *name, unroll_error *err) {
  const char *source = tensor_metadata(f, "class_weights"), *key;
  json_error_t error;
  int starved, bad = 0;
  json_t *value;
  if (!source) return UNROLL_OK;
  json_t *j = json_read(source, strlen(source), &error, &starved);
  if (!j && starved) return error_memory(err);
  m->weighted = arena_alloc(&m->memory, json_object_size(j) + 1, sizeof *m->weighted);
  if (!m->weighted) bad = -1;
  if (!json_is_object(j)) bad = 1;
  json_object_foreach(j, key, value) {
    if (!bad) bad = read_one(m, &m->weighted[m->n_weighted++], key, value);
  }
  json_decref(j);
  if (bad < 0) return error_memory(err);
  return bad ? error_at(err, UNROLL_BAD_INPUT, name, NULL, 0, 0,
                        "the metadata 'class_weights' does not hold a weight for each label")
             : UNROLL_OK;
}
