/* evaluate.h - the loss of a model on a part of a dataset, forward only and deterministic.
 *
 * As pass.h says; of windows of series the context is not counted. */
#ifndef USE_EVALUATE_H
#define USE_EVALUATE_H
#include "base/threads.h"
#include "model/model.h"

typedef struct evaluator evaluator;
/* All memory is taken here. window: steps that run at a time, see plan_options; 0: all. The weights (a block like m->weights) are
 * read at each run; everything given is borrowed. */
unroll_status evaluator_new(evaluator **out, const model *m, const float *weights, const part *p, int rows, int steps, int shards,
                            int window, pool *workers, unroll_error *err);
/* What the passes of one take, beside the weights and the data. *longest grows to the longest line. */
unroll_status evaluator_bytes(int64_t *bytes, const model *m, const part *p, int rows, int steps, int shards, int window,
                              int threads, int *longest, unroll_error *err);
void evaluator_free(evaluator *e);
/* Mean nats per symbol. Ranks call it together and share the work: all get the same number. Alone it allocates nothing and cannot
 * fail. */
unroll_status evaluator_run(evaluator *e, double *nats, unroll_error *err);
int64_t evaluator_symbols(const evaluator *e); /* counted symbols */
#define BITS_PER_NAT 1.4426950408889634
#endif
