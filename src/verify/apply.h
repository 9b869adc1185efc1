/* apply.h - a cell or net on given tensors. The library's part of `unroll run`; docs/verify.md has the names and shapes.
 *
 * Weights come from one file by their names, data, initial states (`h[0]`) and cotangents (`d.h`) from another. What a net makes of
 * them, and on request the gradient, goes to tensors by name. Single precision through the plan, or double through the reference.
 */
#ifndef VERIFY_APPLY_H
#define VERIFY_APPLY_H
#include "graph/graph.h"
#include "io/safetensors.h"

typedef struct apply_options {
  const setting *settings; /* --set */
  int n_settings;
  const char *(*find_cell)(void *context, const char *name, arena *memory, const char **file); /* as in build_options */
  void *context;
  const char *weights_name, *inputs_name; /* the files', for messages */
  bool gradient;                          /* of weights, inputs and initial states; the cotangents must be among the inputs */
  bool reference;                         /* in double precision, through the interpreter */
} apply_options;

typedef struct apply_result {
  tensor *tensors; /* F32, or F64 from the reference */
  size_t count;
  arena memory;
} apply_result;

/* UNROLL_BAD_INPUT for a tensor that is missing, of no use or misshapen, by name and with the expected shape. Also for a net
 * that cannot be built or run. apply_free in any case. */
unroll_status apply_net(const program *net, const tensor_file *weights, const tensor_file *inputs, const apply_options *options,
                        apply_result *result, unroll_error *err);
void apply_free(apply_result *result);
#endif
