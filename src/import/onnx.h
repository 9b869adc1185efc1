/* onnx.h - graphs of ONNX.
 *
 * Operators there work on arrays with numbered axes; here axes have meanings. So each value has letters for its axes, which
 * transpositions move and recurrences ask for. A constant has numbers of the file, or sizes that
 * follow from shapes; NaN is a size that is not known. The rest is idle: states before the first step, lengths, rates. */
#ifndef IMPORT_ONNX_H
#define IMPORT_ONNX_H
#include "import/import.h"
#include "import/onnx_proto.h"

enum { ONNX_RANK = 7, ONNX_INPUTS = 64, ONNX_OUTPUTS = 16, ONNX_PARTS = 16 };

/* B sequences, T steps, F the numbers of a layer, D parts that are layers of their own (directions, layers of a module). C, H and W
 * are those of a picture, whose numbers a layer has pixel after pixel. 1 is an axis of one entry, M are two axes in one: B and T.
 */
typedef struct onnx_value {
  const char *name;
  const array *constant; /* or */
  int layer;             /* -1: neither */
  char axes[ONNX_RANK + 1];
  bool state;                     /* what a recurrence ends with */
  int parts[ONNX_PARTS], n_parts; /* along D */
  int c, h, w;                    /* sizes of C, H and W */
  int flat;                       /* a picture of so many channels that became a vector, channel after channel */
  int pad[2];                     /* zeros that stand before the first and behind the last step */
  char merged[3];                 /* of M: "BT" or "TB" */
} onnx_value;

typedef struct onnx_node {
  const char *op, *name;
  const char *in[ONNX_INPUTS], *out[ONNX_OUTPUTS];
  int n_in, n_out;
  proto message;
} onnx_node;

/* How arrays of numbers that go in are understood. */
typedef struct onnx_reading {
  const char *rank2, *rank3; /* their axes; symbols: without F */
  const char *symbols;
  bool stepwise;    /* a pass is one step of a sequence: states go in and come out */
  const char *told; /* NULL: it goes without saying */
} onnx_reading;

typedef struct onnx {
  layers *l;
  arrays *a;
  onnx_value *values; /* constants first */
  int n, n_constants, room;
  const onnx_reading *how;
  bool too_large;  /* a constant is larger than is understood */
  int depth, done; /* of graphs within graphs; nodes that were understood */
  unroll_error *err;
} onnx;

bool onnx_is(const void *data, size_t size);
unroll_status layers_of_onnx(layers *l, arrays *a, const void *data, size_t size, unroll_error *err);

/* --- onnx.c: values and attributes of a node --- */
int64_t onnx_whole(const onnx_node *n, const char *name, int64_t missing);
double onnx_real(const onnx_node *n, const char *name, double missing);
int onnx_wholes(const onnx_node *n, const char *name, int64_t out[ONNX_RANK]);
proto onnx_attribute(const onnx_node *n, const char *name);
bool onnx_word(const onnx_node *n, const char *name, const char *is);
/* Whole numbers of an attribute, or of the constant input `at`. -1: neither. */
int onnx_numbers(const onnx *o, const onnx_node *n, const char *name, int at, int64_t out[ONNX_RANK]);
onnx_value *onnx_find(const onnx *o, const char *name);
/* A copy of input i; false: it is left out or not there. */
bool onnx_input(const onnx *o, const onnx_node *n, int i, onnx_value *v);
/* Input i as a constant; NULL: it is none. */
const array *onnx_constant(const onnx *o, const onnx_node *n, int i);
onnx_value *onnx_set(onnx *o, const char *name, const onnx_value *as); /* a new value; NULL: out of memory */
unroll_status onnx_give(onnx *o, const onnx_node *n, const onnx_value *v);
unroll_status onnx_refuse(const onnx *o, const onnx_node *n, const char *why);
int onnx_axis(const onnx_value *v, int64_t axis); /* -1: there is none */
/* What an axis has; NaN: not known. */
double onnx_size(const onnx *o, const onnx_value *v, int axis);
/* A picture of which one axis is left is a vector. */
void onnx_normalize(onnx_value *v);
const char *onnx_name(const onnx_node *n);

/* W [out, in] of the layer, and b or NULL. */
unroll_status onnx_linear(onnx *o, const onnx_node *n, int from, int out, const float *W, const float *b, int *layer);
unroll_status onnx_apply(onnx *o, const onnx_node *n, const onnx_value *x, const char *function);
/* A constant that is spread over the axes, as a vector of the layer's numbers; NULL: it does not fit, or *starved. */
const float *onnx_spread(onnx *o, const onnx_value *x, const array *c, bool *starved);
/* sign: "+", "-", "*", "/", "max", "min". */
unroll_status onnx_pair(onnx *o, const onnx_node *n, const onnx_value *a, const onnx_value *b, const char *sign);
/* In the place of x: its first, last, largest step or the mean of them. */
unroll_status onnx_over(onnx *o, const onnx_node *n, onnx_value *x, int axis, const char *function, bool keeps);
/* Does it have all steps of what goes in? */
static inline bool onnx_every_step(const onnx *o, int at) { return !o->l->list[at].late && o->l->list[at].rate < 2; }
/* 0 at the steps that other programs do not have (around.c). */
unroll_status onnx_masked(onnx *o, const onnx_node *n, int at, int *out);
unroll_status onnx_node_read(onnx *o, const onnx_node *n);

/* --- onnx_fold.c: nodes whose inputs are constants --- */
/* *done: it was one, and what comes out is there. */
unroll_status onnx_fold(onnx *o, const onnx_node *n, bool *done);
/* --- onnx_shape.c: operators that move axes --- */
unroll_status onnx_transpose(onnx *o, const onnx_node *n, const onnx_value *x);
unroll_status onnx_squeeze(onnx *o, const onnx_node *n, const onnx_value *x);
unroll_status onnx_unsqueeze(onnx *o, const onnx_node *n, const onnx_value *x);
unroll_status onnx_reshape(onnx *o, const onnx_node *n, const onnx_value *x);
unroll_status onnx_slice(onnx *o, const onnx_node *n, const onnx_value *x);
unroll_status onnx_split(onnx *o, const onnx_node *n, const onnx_value *x);
unroll_status onnx_gather(onnx *o, const onnx_node *n, const onnx_value *x);
unroll_status onnx_concat(onnx *o, const onnx_node *n, const onnx_value *x);
unroll_status onnx_pad(onnx *o, const onnx_node *n, const onnx_value *x);
/* Parts side by side; a vector in its own order. */
unroll_status onnx_settle(onnx *o, const onnx_node *n, onnx_value *x);
/* --- onnx_conv.c --- */
unroll_status onnx_conv(onnx *o, const onnx_node *n, const onnx_value *x);
unroll_status onnx_pool(onnx *o, const onnx_node *n, const onnx_value *x);
unroll_status onnx_batchnorm(onnx *o, const onnx_node *n, const onnx_value *x);
/* In the place of x: the sum or the mean over an axis of numbers. */
unroll_status onnx_collapse(onnx *o, const onnx_node *n, onnx_value *x, int axis, bool mean, bool keeps);
/* --- onnx_rnn.c: LSTM, GRU, RNN --- */
unroll_status onnx_recurrent(onnx *o, const onnx_node *n, const onnx_value *x);
#endif
