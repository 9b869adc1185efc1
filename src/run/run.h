/* run.h - runs a plan. A pass allocates nothing, looks up no name and checks no shape. */
#ifndef RUN_RUN_H
#define RUN_RUN_H
#include <unroll.h>
#include "base/threads.h"
#include "run/batch.h"

typedef struct run run;
typedef struct plan plan; /* plan/plan.h; of it a run sees what is frozen */
struct kernels;

/* `weights`: the flat block, [graph.n_weights], borrowed; after changing it call run_pack. `workers` may be NULL (one thread);
 * borrowed. All memory is taken here. */
unroll_status run_new(run **out, const plan *p, const float *weights, pool *workers, unroll_error *err);
/* Of several processes one runs the shards range[0] .. range[1] - 1, perhaps none: what a pass leaves is then of these alone, until
 * gathering_all (run/gather.h). */
unroll_status run_new_range(run **out, const plan *p, const float *weights, pool *workers, const int range[2], unroll_error *err);
void run_free(run *r);
void run_set_kernels(run *r, const struct kernels *k); /* tests: another instruction set; same bits */
void run_pack(run *r);                                 /* repacks all matrices from the flat block */
/* One pass: forward, and the gradient if planned. Batch within the plan's bounds (asserted). training: dropout masks are drawn. */
void run_pass(run *r, const batch *b, int training);
/* Of a plan of one row and one step without gradient, with one thread: every pass from here on is of this batch. It stays where it
 * is, and only its symbols and numbers change; so places are looked up now instead of in every pass. Same bits. */
unroll_status run_stay(run *r, const batch *b, unroll_error *err);
/* After a pass: */
double run_loss(const run *r, int number);                      /* sum over rows, in nats, not scaled, in one fixed order */
const float *run_value(const run *r, int node, ptrdiff_t *row); /* a kept node's matrix: row i at p + i * row */
float *run_gradient(run *r);                                    /* [graph.n_weights], overwritten by every pass */
/* Units of it, of UNIT numbers: 0 where they are known to be zero. NULL without a gradient. */
const uint8_t *run_touched(const run *r);
/* Streams: the states that a pass leaves become the next pass's start, of rows that do not begin anew (batch.begins). Rows are
 * [max_rows, width] each, carries in order. */
void run_carry_reset(run *r);
int64_t run_carry_size(const run *r); /* floats */
/* Rows of shards that another process runs are zeros. */
void run_carry_get(const run *r, float *out);
void run_carry_set(run *r, const float *in);
#endif
