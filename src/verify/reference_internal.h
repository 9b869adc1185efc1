/* reference_internal.h - a pass of the reference while it runs: what its order (reference.c) and its operators (reference_ops.c)
 * share. */
#ifndef VERIFY_REFERENCE_INTERNAL_H
#define VERIFY_REFERENCE_INTERNAL_H
#include "base/memory.h"
#include "verify/reference.h"
#include "verify/reference_ctc.h"

typedef struct place {
  int node, t;
} place;

typedef struct eval {
  reference *r;
  const graph *g;
  const batch *b;
  const double *weights;
  const double *const *numbers;
  int training;
  int *over;             /* [n_nodes] the axis whose steps are the columns, or -1 */
  unsigned char **state; /* [n_nodes][steps] */
  float *drawn;          /* a row of a mask, as wide as the widest node */
  reference_ctc ctc;     /* room for the largest alignment */
  place *stack;
  size_t depth, capacity;
} eval;

/* --- rows and elements --- */

static inline const batch_axis *axis_of(const eval *e, int number) { return &e->b->axes[e->g->nodes[number].axis]; }
static inline int steps_of(const eval *e, int number) {
  return e->g->nodes[number].space == SPACE_STEP ? axis_of(e, number)->steps : 1;
}

static inline int64_t rows_of(const eval *e, const node *n) {
  if (n->space == SPACE_PARAM) return 1;
  if (n->space == SPACE_STATIC) return e->b->rows;
  const batch_axis *a = &e->b->axes[n->axis];
  return a->steps > 0 ? a->first[a->steps] : 0;
}

/* The batch row of sequence b of an axis. */
static inline int batch_row(const batch_axis *a, int b) { return a->order ? a->order[b] : b; }

/* Entry j of a row of input k; PARAM inputs have one row for all, inputs of width 1 one entry for all columns. */
static inline double at(const eval *e, const node *n, int k, int64_t row, int j) {
  const node *x = &e->g->nodes[n->in[k]];
  return e->r->values[n->in[k]][(x->space == SPACE_PARAM ? 0 : row) * x->width + (x->width == 1 ? 0 : j)];
}
static inline int width_in(const eval *e, const node *n, int k) { return e->g->nodes[n->in[k]].width; }
static inline const double *weights_of(const eval *e, const node *n) { return e->weights + e->g->params[n->param].offset; }

/* Row i of input k as it is stored. */
static inline const double *row_in(const eval *e, const node *n, int k, int64_t i) {
  return e->r->values[n->in[k]] + i * width_in(e, n, k);
}
static inline int channels_of(const eval *e, const node *n) { return e->g->params[n->param].rows; }

/* The rows that one call computes: y is the first one, `first` its number in the node's matrix. */
typedef struct rows {
  double *y;
  int64_t first, count;
  int t;
} rows;

#define EACH_ROW(i, q) for (int64_t i = (q)->first; i < (q)->first + (q)->count; i++)
#define EACH_COLUMN(j, n) for (int j = 0; j < (n)->width; j++)
#define Y(i, j) q->y[((i)-q->first) * n->width + (j)]

/* Computes rows of a node, by its operator. OUTER, EMBED_T and CONV_OUTER add to the gradient instead, in the end. */
extern void (*const reference_evaluate[OP_COUNT])(const eval *, const node *, rows *);
#endif
