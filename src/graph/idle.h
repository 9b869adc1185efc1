/* idle.h - parameters that training cannot move: an equation that nothing predicted depends on, a gate whose gradient is always 0.
 */
#ifndef GRAPH_IDLE_H
#define GRAPH_IDLE_H
#include "graph/graph.h"

typedef struct idle_param {
  int param;
  bool used; /* a prediction depends on it, but no gradient comes to it: it is behind step, sign, hold or a factor 0 */
} idle_param;

/* Of a graph with its gradient. `out` has room for g->n_params. */
unroll_status graph_idle_params(const graph *g, idle_param *out, int *n, unroll_error *err);
#endif
