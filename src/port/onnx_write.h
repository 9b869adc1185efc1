/* onnx_write.h - what the files of the ONNX writer share. onnx_write.c: the file, what goes in and comes out; onnx_node.c: names,
 * nodes, shapes; onnx_ops.c: an operator of the graph becomes nodes; onnx_loop.c: recurrences. */
#ifndef PORT_ONNX_WRITE_H
#define PORT_ONNX_WRITE_H
#include "port/cells.h"
#include "port/flow.h"
#include "port/port.h"
#include "port/proto_write.h"

enum { ONNX_FLOAT = 1, ONNX_INT64 = 7, ONNX_DOUBLE = 11 };

/* A value may have fewer axes than its node, and one column for all: those axes are added where they are needed. */
typedef struct onnx_value {
  const char *name; /* NULL: it was not written yet */
  int rank;         /* 0: [columns], 1: [batch, columns], 2: [steps, batch, columns] */
  int columns;
} onnx_value;

typedef struct onnx_picture { /* the same as [pictures, channels, rows, columns] */
  const char *name;
  int channels, rows, columns;
} onnx_picture;

typedef struct onnx_export {
  const model *m;
  const graph *g;
  flow f;
  arena memory;
  unroll_error *err;
  unroll_status status; /* sticky */
  text top, body, initializers, inputs, outputs, ends_out, body_inputs;
  cell_plan cells;
  int block;                       /* whose step is being written; -1: all steps at once */
  onnx_value *values, *inner;      /* [n_nodes]; inner: of a step */
  onnx_picture *pictures, *inside; /* likewise */
  const char **ends;               /* [n_nodes] the last value of a state, [batch, columns] */
  const char **given;              /* [n_inputs] names of what goes in */
  const char **handed;             /* [n_losses * LOSS_ARGS] names of what comes out */
  const char **steps;              /* [n_axes] how many there are */
  const char *batch;
  const char **slices; /* of the recurrence that is being written: what its steps read */
  int n_slices, cap_slices;
  const char **names; /* hash table */
  size_t n_names, cap_names;
} onnx_export;

/* --- onnx_node.c: all of them do nothing after a failure --- */
void ox_fail_memory(onnx_export *o);
void ox_cannot(onnx_export *o, int x, const char *why);
const char *ox_named(onnx_export *o, const char *wanted); /* one that is not taken */
const char *ox_format(onnx_export *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Attributes, for `attributes` below. */
void ox_put_int(text *a, const char *name, int64_t x);
void ox_put_ints(text *a, const char *name, const int64_t *x, int n);
void ox_put_string(text *a, const char *name, const char *s);
void ox_put_strings(text *a, const char *name, const char *const *s, int n);
void ox_put_float(text *a, const char *name, double x);
void ox_put_graph(text *a, const char *name, text *body);
/* A node; inputs: names up to a NULL, "" for one that is left out. ox_add gives the name of its only output. */
void ox_put(onnx_export *o, const char *op, text *attributes, const char *const *in, int n_in, const char *const *out, int n_out);
const char *ox_add(onnx_export *o, const char *op, const char *wanted, text *attributes, const char *const *in);
#define ONNX(o, op, wanted, attributes, ...) ox_add(o, op, wanted, attributes, (const char *const[]){__VA_ARGS__, NULL})
/* Constants. */
void ox_put_tensor(onnx_export *o, const char *name, int type, const int64_t *shape, int rank, const void *x);
const char *ox_floats(onnx_export *o, const char *wanted, const int64_t *shape, int rank, const float *x);
const char *ox_wholes(onnx_export *o, const int64_t *x, int n);
const char *ox_number(onnx_export *o, double x); /* [1] */
void ox_put_info(text *m, uint32_t field, const char *name, int type, const char *const *axes, const int64_t *sizes, int rank);
/* Values. */
onnx_value ox_see(onnx_export *o, int x);
void ox_set(onnx_export *o, int x, const char *name, int rank, int columns);
const char *ox_wide(onnx_export *o, int x);                             /* all its columns */
const char *ox_full(onnx_export *o, int x, enum space space, int axis); /* all its axes, as the place that is written has them */
const char *ox_all(onnx_export *o, int x);                              /* those of its node */
const char *ox_whole(onnx_export *o, int x); /* all steps at once, wherever it is needed: [steps, batch, columns] */
const char *ox_steps(onnx_export *o, int axis);
const char *ox_batch(onnx_export *o);
const char *ox_picture_of(onnx_export *o, int x, const patches *p);
void ox_set_picture(onnx_export *o, int x, const char *name, int channels, int rows, int columns);
/* The picture of x, if it is all that there is of x here. */
const onnx_picture *ox_only_picture(onnx_export *o, int x);
/* The value `what` is written for all steps: between the two, nodes go there. */
int ox_leave(onnx_export *o);
void ox_return(onnx_export *o, int block);

/* --- onnx_ops.c --- */
bool ox_knows(enum op op);
void ox_write_node(onnx_export *o, int x);
/* --- onnx_loop.c --- */
void ox_write_block(onnx_export *o, int block);
void ox_write_shift(onnx_export *o, int x);
/* --- onnx_write.c --- */
/* What x, a SHIFT, has at its first step: [batch, columns]. *end: the name that its last value is to have; NULL: any. */
const char *ox_start(onnx_export *o, int x, const char **end);
#endif
