/* onnx.h - graphs of ONNX. */
#ifndef IMPORT_ONNX_H
#define IMPORT_ONNX_H
#include "import/import.h"
#include "import/onnx_proto.h"

enum { ONNX_RANK = 6, ONNX_INPUTS = 8, ONNX_NAME = 96 };

/* What a name stands for. The axes of what is computed have letters: T steps, B sequences, F the numbers of a layer, D directions.
 * C, H and W are those of a picture, 1 is an axis of one entry. */
typedef struct onnx_value {
  const char *name;
  const array *constant; /* or */
  int layer;             /* -1: neither: sizes, and states before the first step */
  char axes[ONNX_RANK + 1];
  bool state; /* what a recurrence ends with */
  int directions;
  int flat; /* a picture of so many channels that became a vector, channel after channel */
} onnx_value;

typedef struct onnx_node {
  const char *op, *name;
  const char *in[ONNX_INPUTS], *out[4];
  int n_in, n_out;
  proto message;
} onnx_node;

typedef struct onnx {
  layers *l;
  arrays *a;
  onnx_value *values; /* constants first */
  int n, n_constants, room;
  bool time_first; /* what goes in is [steps, sequences, ...] */
  unroll_error *err;
} onnx;

bool onnx_is(const void *data, size_t size);
unroll_status layers_of_onnx(layers *l, arrays *a, const void *data, size_t size, unroll_error *err);

/* Of a node: its attributes. */
int64_t onnx_whole(const onnx_node *n, const char *name, int64_t missing);
double onnx_real(const onnx_node *n, const char *name, double missing);
int onnx_wholes(const onnx_node *n, const char *name, int64_t out[ONNX_RANK]);
proto onnx_attribute(const onnx_node *n, const char *name);
onnx_value *onnx_find(const onnx *o, const char *name);
/* A new value; NULL: out of memory. */
onnx_value *onnx_set(onnx *o, const char *name, const onnx_value *as);
unroll_status onnx_refuse(const onnx *o, const onnx_node *n, const char *why);
/* onnx_rnn.c: LSTM, GRU, RNN. */
unroll_status onnx_recurrent(onnx *o, const onnx_node *n);
#endif
