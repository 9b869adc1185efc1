/* keras.h - layers of Keras from its configuration and its weights; the same layers as other programs write them. */
#ifndef IMPORT_KERAS_H
#define IMPORT_KERAS_H
#include "import/import.h"
#include "io/json.h"

/* A recurrence as Keras has it: kernel [inputs, gates * units], recurrent [units, gates * units], bias; of a GRU with reset_after
 * two rows of bias. Gates are i f c o, z r h. Functions are those of layers_function. */
typedef struct keras_cell {
  enum cell_type type;
  const array *kernel, *recurrent, *bias; /* bias NULL: none */
  int units;
  bool reset_after, cudnn;
  const char *act, *gate;
} keras_cell;

/* UNROLL_BAD_INPUT for arrays that do not fit, by their names. `at`: the layer that is read; *out the one that was added. */
unroll_status keras_recurrent(layers *l, const arrays *a, const keras_cell *k, const char *name, int at, bool backward, int *out,
                              unroll_error *err);
/* A convolution over the steps: kernel [size, in / groups, out], and bias or NULL. It looks first at the step `before` steps back.
 */
typedef struct keras_around {
  const array *kernel, *bias;
  int before, dilation, groups;
} keras_around;
unroll_status keras_conv_1d(layers *l, const arrays *a, const keras_around *c, const char *name, int at, int *out,
                            unroll_error *err);
/* kernel [in, out] and bias (or NULL). */
unroll_status keras_dense(layers *l, const arrays *a, const array *kernel, const array *bias, const char *name, int at, int *out,
                          unroll_error *err);
/* The function; "" for one that does nothing adds no layer, and NULL is out of memory. */
unroll_status keras_apply(layers *l, const char *function, const char *name, int at, int *out, unroll_error *err);

/* How the weights of a layer are found. */
enum keras_form { KERAS_NAMES /* .h5, TensorFlow.js: by paths that name layer and weight */, KERAS_NUMBERS /* .keras */ };
/* The model of a configuration: {"class_name": "Sequential", ...}. Arrays that are taken are marked. */
unroll_status keras_model(layers *l, arrays *a, const json_t *model, enum keras_form form, unroll_error *err);

/* Files, by their bytes or, of TensorFlow.js, the path of model.json. keras_files.c */
bool keras_is_h5(const void *data, size_t size);
unroll_status keras_h5(layers *l, arrays *a, const void *data, size_t size, unroll_error *err);
unroll_status keras_zip(layers *l, arrays *a, const void *data, size_t size, unroll_error *err);
unroll_status keras_js(layers *l, arrays *a, const json_t *model, unroll_error *err);

/* hdf5.c: all arrays of floats of a file, by their paths, and the text of an attribute of its root (for mem_free; NULL: none). */
unroll_status arrays_of_hdf5(arrays *a, const void *data, size_t size, const char *attribute, char **value, unroll_error *err);
#endif
