/* flow.h - vanishing and exploding gradients, as numbers: how the derivative of one loss by a state fades or grows over the
 * steps before it. Sources: Hochreiter 1991; Bengio, Simard & Frasconi 1994; Pascanu, Mikolov & Bengio 2013. */
#ifndef USE_FLOW_H
#define USE_FLOW_H
#include "base/threads.h"
#include "data/dataset.h"
#include "model/model.h"

typedef struct flow_state {
  const char *name;    /* "h", "h.c" */
  bool backwards;      /* it goes from the last step to the first: lags count towards later steps */
  const double *norms; /* [lags + 1] median over the examples of |dL[t] / ds[t - k]|; NaN: none is so long */
} flow_state;

typedef struct flow_matrix { /* a square matrix on a state */
  const char *name;
  double radius;         /* of its spectrum */
  double largest, least; /* singular values */
} flow_matrix;

typedef struct flow {
  arena memory;
  int lags;
  flow_state *states;
  int n_states;
  double exponent; /* growth of the logarithm of all forward states' gradient together, a step: an estimate of the largest Lyapunov
                      exponent. Above 0 a small change of a state grows. NaN: no forward state, or too few steps */
  flow_matrix *matrices;
  int n_matrices;
} flow;

/* L is the loss of the last step of each example, or of an example where that has one. `m` is built without its gradient. `d` NULL:
 * made-up data of lags + 1 steps by the key. UNROLL_USAGE for a net without a state. flow_free in any case. */
unroll_status flow_find(flow *f, model *m, const dataset *d, int lags, uint64_t key, pool *workers, unroll_error *err);
void flow_free(flow *f);

/* Spectral radius of a matrix [n][n], by the growth of a power iteration over many steps. Its singular values, by one-sided
 * Jacobi. NaN: out of memory. */
double flow_radius(const float *w, int n);
void flow_singular(const float *w, int n, double *largest, double *least);
#endif
