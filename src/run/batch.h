/* batch.h - what one pass over some sequences gets: who is active when, and the values of the inputs. */
#ifndef RUN_BATCH_H
#define RUN_BATCH_H
#include <stdbool.h>
#include <stdint.h>

/* One time axis. Sequences are in order of decreasing length: row b of step t is row first[t] + b of every STEP matrix. */
typedef struct batch_axis {
  int steps;            /* T >= 0 */
  const int *active;    /* [T] rows of step t, never increasing, active[0] <= B */
  const int64_t *first; /* [T + 1] first[t] = sum of active[0..t-1] */
  const int *whole;     /* [B] of a shard: which sequence of the whole batch's axis each is, for random numbers; NULL: the same */
  const int *order;     /* [B] the batch row (of STATIC matrices) that sequence b of this axis is; NULL: the same */
} batch_axis;

typedef struct batch {
  int rows;                    /* B */
  int shard, shards;           /* row b is row b * shards + shard of the whole batch; shards 0: it is the whole */
  const batch_axis *axes;      /* [graph.n_axes] */
  const int32_t *const *index; /* [graph.n_inputs] symbols, [R] or [B]; NULL where the input is numbers */
  const float *const *number;  /* [graph.n_inputs] numbers, [R, width] or [B, width] without padding; NULL where symbols */
  const bool *begins;          /* [B] rows that begin a sequence: what was carried is forgotten first; NULL: none do */
  double loss_scale;           /* weight of one symbol's loss; 1 / number of predicted symbols for a mean */
  uint64_t seed, step;         /* of the dropout masks */
  const double *varying; /* [graph.n_varying] settings that vary, as they are now; NULL: as they were when the plan was made */
} batch;
#endif
