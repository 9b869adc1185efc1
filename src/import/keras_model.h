/* keras_model.h - what a model of Keras is while it is read: its layers, in the order of the file, those of models within it too.
 */
#ifndef IMPORT_KERAS_MODEL_H
#define IMPORT_KERAS_MODEL_H
#include "import/keras.h"

enum { KERAS_LAYERS = 1024, KERAS_INPUTS = 16, KERAS_TENSORS = 8 };
enum { KERAS_UNKNOWN = -1, KERAS_HIDDEN = -2 /* a state that has no name in a net */ };

typedef struct keras_layer {
  const char *name, *class;
  const json_t *config;
  const json_t *nodes;
  char folder[160]; /* in a .keras: class and number, below that of its model */
  int scope;        /* the model within the model that it belongs to; -1: none */
  int number;       /* InputLayer: of its model's inputs */
  struct {
    int layer, tensor;
  } inputs[KERAS_INPUTS], outputs[KERAS_INPUTS]; /* outputs: of a model */
  int n_inputs, n_outputs;
  int values[KERAS_TENSORS], n_values; /* the layers that its tensors became */
  int ends[2];                         /* recurrences whose states tensors are */
  bool done, model, sequential;
  bool flat; /* of a picture: a vector from here on */
} keras_layer;

typedef struct keras {
  layers *l;
  arrays *a;
  enum keras_form form;
  keras_layer list[KERAS_LAYERS];
  int n, n_inputs;
  int version; /* 2 or 3 */
  unroll_error *err;
} keras;

#define BAD(k, ...) error_at((k)->err, UNROLL_BAD_INPUT, (k)->a->file, NULL, 0, 0, __VA_ARGS__)

/* Of a configuration. */
static inline const char *keras_word(const json_t *config, const char *key) {
  return json_string_value(json_object_get(config, key));
}
static inline bool keras_flag(const json_t *config, const char *key) { return json_is_true(json_object_get(config, key)); }
int keras_whole(const json_t *config, const char *key, int missing);

/* keras_layers.c: the layer that y becomes, of the values that it reads. */
unroll_status keras_add_layer(keras *k, keras_layer *y);
/* The layer of its input i. */
static inline int keras_value(const keras *k, const keras_layer *y, int i) {
  const keras_layer *from = &k->list[y->inputs[i].layer];
  return y->inputs[i].tensor < from->n_values ? from->values[y->inputs[i].tensor] : KERAS_UNKNOWN;
}
#endif
