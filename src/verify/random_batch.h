/* random_batch.h - made-up data and weights for a graph: for `unroll check`, `unroll bench` and tests.
 * Every value is a pure function of (key, data, sequence, step), so a lagged input is the same data, one step late. */
#ifndef VERIFY_RANDOM_BATCH_H
#define VERIFY_RANDOM_BATCH_H
#include "graph/graph.h"
#include "run/batch.h"

typedef struct random_batch {
  batch b;          /* points into the arrays below; loss_scale is 1 / number of predicted symbols */
  batch_axis *axes; /* [n_axes] */
  int **lengths;    /* [n_axes][rows] in the order of batch rows */
  int32_t **index;  /* [n_inputs], as in batch; the caller may change entries */
  float **number;
  arena memory;
} random_batch;

/* `lengths` has `rows` entries, in any order; axis a gives batch row b the length lengths[(b + a) % rows]. The sequences of an
 * axis are sorted by length; `order` is NULL where they are sorted already. Symbols are drawn from all that an input has, numbers
 * from -1 .. 1; before a sequence's start the symbol is -1 and the number 0. */
unroll_status random_batch_new(random_batch *out, const graph *g, int rows, const int *lengths, uint64_t key, unroll_error *err);
void random_batch_free(random_batch *r);

/* Steps `from` .. `from + steps - 1` of the same batch (every sequence must have them), as a stream would bring them: a lagged
 * input sees what came before. */
unroll_status random_batch_part(random_batch *out, const graph *g, int rows, int from, int steps, uint64_t key, unroll_error *err);

/* Weights that saturate nothing: uniform in +-1/sqrt(columns) for matrices, +-1/2 for vectors and embeddings. */
void random_weights(float *weights, const graph *g, uint64_t key);
#endif
