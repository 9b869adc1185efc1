/* mask.h - the dropout mask as a pure function of (key, step, mask, time, sequence, column): runner and reference share it. */
#ifndef RUN_MASK_H
#define RUN_MASK_H
#include "kernel/mask.h"

/* The row of sequence b at time t (0 for a mask that holds for all steps): 0 with probability p, else 1 / (1 - p). */
static inline mask_draw mask_row_of(uint64_t key, uint64_t step, int mask, int t, int b, double p) {
  return (mask_draw){.key = key,
                     .step = step << 24 ^ (uint64_t)t,
                     .stream = RANDOM_DROPOUT + ((uint32_t)mask << 8),
                     .place = (uint32_t)b << 14,
                     .limit = (uint32_t)(p * 4294967295.0),
                     .kept = (float)(1.0 / (1.0 - p))};
}
#endif
