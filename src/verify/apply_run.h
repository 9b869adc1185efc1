/* apply_run.h - what apply.c (names, the graph), apply_bind.c (shapes) and apply_run.c (the pass) share. */
#ifndef VERIFY_APPLY_RUN_H
#define VERIFY_APPLY_RUN_H
#include "run/batch.h"
#include "verify/apply.h"

enum port_kind {
  PORT_DATA,      /* a data variable: [T, B, N], [B, N]; symbols [T, B], [B] */
  PORT_INITIAL,   /* h[0]: [B, N] */
  PORT_COTANGENT, /* d.h: as h */
  PORT_FINAL      /* d.h[T]: [B, N]; a cotangent that is zero but for each sequence's last step */
};

typedef struct port { /* a tensor that the file of inputs may have */
  enum port_kind kind;
  const char *name;
  enum space space; /* of the tensor */
  int axis, width;
  bool index, required;
  int data;            /* number in graph.data of what it fills; -1: nothing asks for it */
  int state;           /* PORT_INITIAL, PORT_FINAL */
  const tensor *given; /* NULL: not there */
} port;

typedef struct state { /* what a recurrence carries from step to step */
  const char *name;    /* "h.c" */
  int shift, from;     /* the SHIFT node, and the node that it shifts */
  int dir, axis, width;
  int lag;     /* 1: h[t-1]; 2: h[t-2], which shifts h[t-1] */
  int initial; /* number of its port, or -1: it starts from something in the net */
} state;

typedef struct output { /* a named value that is written */
  const char *name;
  int node;
} output;

typedef struct wanting { /* an adjoint that is added to the gradient of a port */
  int port, lag, node, adjoint;
} wanting;

typedef struct apply_axis {
  int T;        /* of the tensors; -1: no tensor has said it yet */
  int *lengths; /* [B] */
  batch_axis steps;
} apply_axis;

typedef struct apply_run {
  const apply_options *o;
  const tensor_file *weights, *inputs;
  arena memory;
  graph g;
  port *ports;
  int n_ports;
  state *states;
  int n_states;
  output *outputs;
  int n_outputs;
  wanting *wanted;
  int n_wanted;
  bool *lost; /* [g.n_losses] the loss is computed: its target is there */
  int B;      /* -1: no tensor has said it yet */
  apply_axis *axes;
} apply_run;

/* apply_bind.c */
typedef struct shape {
  int rank;
  int64_t n[3]; /* -1: any; its letter is then shown */
  const char *letter[3];
} shape;
void shape_add(shape *s, int64_t n, const char *letter);
double apply_number(const tensor *t, int64_t i); /* F32, F64 */
int64_t apply_whole(const tensor *t, int64_t i); /* U8, I32, I64 */
unroll_status apply_check_weights(const apply_run *r, unroll_error *err);
/* Finds out T, B and lengths from the ports' tensors and checks their shapes; the file must have no other tensor. */
unroll_status apply_bind(apply_run *r, unroll_error *err);

/* apply_run.c: the pass; its values become tensors. */
unroll_status apply_pass(apply_run *r, apply_result *result, unroll_error *err);
#endif
