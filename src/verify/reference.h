/* reference.h - the graph, interpreted in double precision, as plainly as possible. The oracle of every test; never fast.
 * A leaf of its own: it shares no code with plan and run. */
#ifndef VERIFY_REFERENCE_H
#define VERIFY_REFERENCE_H
#include "graph/graph.h"
#include "run/batch.h"

typedef struct reference {
  const graph *g;
  double **values;  /* [n_nodes]: [R or B or 1, width] of each node, NULL until computed */
  int64_t *rows;    /* [n_nodes] */
  double *gradient; /* [n_weights] */
  double *carry;    /* states of all carries one after the other, [B, width] each; zeros at the start; advanced by a pass */
  void *owner;
} reference;

/* Computes every node of the graph (the gradient's too when it was differentiated) for a batch with weights in double.
 * training: masks are drawn exactly as run_pass draws them. numbers: like batch.number but double; NULL: takes the batch's. */
unroll_status reference_pass(reference *r, const graph *g, const double *weights, const batch *b, const double *const *numbers,
                             int training, unroll_error *err);
double reference_loss(const reference *r, int loss); /* sum over rows, nats */
void reference_free(reference *r);
#endif
