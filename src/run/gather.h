/* gather.h - what the ranks that share a batch's shards tell each other after a pass. */
#ifndef RUN_GATHER_H
#define RUN_GATHER_H
#include "run/run.h"

struct ranks; /* ranks/ranks.h */
enum { MOST_RANKS = 1024 };
typedef struct gathering gathering;
/* r was made by run_new_range for the range of this rank. */
unroll_status gathering_new(gathering **out, run *r, const struct ranks *k, unroll_error *err);
void gathering_free(gathering *g);
/* After a pass, by all ranks: run_loss, run_gradient and run_touched are then those of the whole batch, to the bits of one process.
 * *flags: the bits that any rank has set. */
unroll_status gathering_all(gathering *g, int *flags, unroll_error *err);
int gathering_early(const gathering *g); /* rounds of messages that set out before the end of a pass, since the beginning */
/* The shards that are a rank's: range[0] .. range[1] - 1. */
void run_range(int shards, int rank, int count, int range[2]);
#endif
