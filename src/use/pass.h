/* pass.h - a net over the data: plan, run and batches of a part, and the walk over all of them, in one place.
 *
 * A stream is cut into as many parallel streams as the batch has rows. Each is warmed up on up to 256 steps of the stream
 * before it, so that figures do not suffer from cold starts. Nobody looks at the warm-up. Other examples are taken whole.
 *
 * Ranks share the walk, to the same bits. Batches go round: batch i is run by rank i modulo their number. Of a stream each rank
 * runs some of the rows. What was run comes to rank 0, which alone takes it, in the order of the batches. */
#ifndef USE_PASS_H
#define USE_PASS_H
#include <signal.h>
#include "base/threads.h"
#include "data/batch.h"
#include "dist/distribution.h"
#include "model/model.h"
#include "run/gather.h"
#include "run/make.h"

struct ranks; /* ranks/ranks.h */

typedef struct pass_options {
  int rows, steps;   /* at a time; steps: of a stream */
  bool uneven, cold; /* streams: as in batch_options; without warming up */
  int shards;        /* see plan_options; fewer where the data has fewer rows */
  int window;        /* steps that run at a time, see plan_options; 0: all */
  const int *keep;   /* [n_keep] further nodes that are looked at */
  int n_keep;
  bool heads, losses; /* what is looked at after each pass: the arguments of the distributions; the losses of each prediction */
  bool each;          /* of ranks each takes the batches that it has run; of a stream all take all, and may look at losses only */
} pass_options;

typedef struct pass {
  const model *m;
  const part *p;
  pass_options o;
  batcher *batches;
  plan *plan;
  run *run;
  distribution *heads;       /* [n_losses], if asked for */
  float *carry;              /* [run_carry_size] scratch, of streams */
  const struct ranks *ranks; /* that share the walk; NULL: this process alone */
  int shards;                /* of a stream that they share, */
  int range[2];              /* and those that are run here */
  double *losses;            /* [n_losses] of the batch that is taken, where others have run it; else NULL */
  gathering *gathering;
} pass;

/* The weights (a block like m->weights) are read by run_pack and at each pass; everything given is borrowed. pass_free in any case.
 */
unroll_status pass_init(pass *s, const model *m, const float *weights, const part *p, const pass_options *o, pool *workers,
                        unroll_error *err);
/* What such a pass would take beside the weights, and how many steps it would have at most. */
unroll_status pass_bytes(int64_t *bytes, int *steps, const model *m, const part *p, const pass_options *o, int threads,
                         unroll_error *err);
void pass_free(pass *s);

/* All batches; `take` is called after each and allocates what it likes, this nothing. stop (or NULL) set: UNROLL_INTERRUPTED. */
typedef unroll_status (*pass_taker)(void *context, unroll_error *err);
unroll_status pass_all(pass *s, pass_taker take, void *context, volatile sig_atomic_t *stop, unroll_error *err);
/* As run_loss, of the batch that is taken. */
double pass_loss(const pass *s, int k);
/* Row i of loss k in the last batch: row of the batch, example and step. */
typedef struct pass_place {
  int row;
  int64_t example, step;
} pass_place;
pass_place pass_at(const pass *s, int k, int64_t i);

/* pass_ranks.c: as pass_all, where ranks share it. */
unroll_status pass_shared(pass *s, pass_taker take, void *context, volatile sig_atomic_t *stop, unroll_error *err);

/* [n_sequences + 1] where the predictions of loss k begin that belong to each example (of ctc the steps that it reads); NULL: out
 * of memory. */
int64_t *pass_firsts(const model *m, const dataset *d, int k);
#endif
