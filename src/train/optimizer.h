/* optimizer.h - Adam, AdamW, RMSprop and SGD over the flat block; clipping. The formulas are in kernel/optimizer.h.
 *
 * Weight decay is an L2 penalty in adam, rmsprop and sgd, and decoupled in adamw. It acts on matrices only, not on biases and
 * vectors. Parameters, gradients and moments are equal flat blocks. Running means and variances are no optimizer's: the norm leaves
 * them out, and a step moves them toward those of the batch. */
#ifndef TRAIN_OPTIMIZER_H
#define TRAIN_OPTIMIZER_H
#include "base/threads.h"
#include "graph/graph.h"

enum optimizer_kind { OPTIMIZER_ADAM, OPTIMIZER_ADAMW, OPTIMIZER_RMSPROP, OPTIMIZER_SGD };

typedef struct optimizer_options {
  enum optimizer_kind kind;
  double momentum;     /* rmsprop, sgd */
  double weight_decay; /* 0: none */
  double clip_norm;    /* 0: none */
  double clip_value;   /* 0: none */
  const bool *frozen;  /* [params] no step moves these, and the norm leaves them out; NULL: none */
} optimizer_options;

typedef struct optimizer {
  optimizer_options options;
  int64_t n;
  float *moments[2];            /* [n] each; NULL where the kind has no such moment */
  struct optimizer_span *spans; /* pieces of the flat block with and without decay, small enough to share among threads */
  int n_spans;
  double *squares;           /* scratch: of each block */
  struct optimizer_running { /* what no gradient moves: see PARAM_RUNNING */
    int64_t offset, n;
    float *toward; /* what the last batch had */
  } * running;
  int n_running;
  struct optimizer_frozen { /* what stays as it is */
    int64_t offset, n;
  } * frozen;
  int n_frozen;
} optimizer;

unroll_status optimizer_kind_of(enum optimizer_kind *kind, const char *name, unroll_error *err);
const char *optimizer_name(enum optimizer_kind kind);
unroll_status optimizer_init(optimizer *o, const graph *g, const optimizer_options *options, unroll_error *err);
void optimizer_free(optimizer *o);
/* Takes the statistics of the batch, and what is frozen, out of the gradient. Then clips by value, and returns the norm of the
 * gradient (not finite when an entry is not). `touched`: see run_touched; NULL: any entry may differ from zero. */
double optimizer_norm(const optimizer *o, float *dw, const uint8_t *touched, pool *workers);
/* One step; `updates` is the number of steps made before (for Adam's bias correction), `norm` that of optimizer_norm. */
void optimizer_step(optimizer *o, float *weights, const float *dw, const uint8_t *touched, double norm, double rate,
                    int64_t updates, pool *workers);
#endif
