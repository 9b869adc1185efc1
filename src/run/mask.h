/* mask.h - the dropout mask as a pure function of (key, step, mask, time, sequence, column): runner and reference share it. */
#ifndef RUN_MASK_H
#define RUN_MASK_H
#include "base/random.h"

/* Fills n columns of the row of sequence b at time t (0 for a mask that holds for all steps): 0 with probability p, else 1 / (1 -
 * p). */
static inline void mask_row(float *out, int n, uint64_t key, uint64_t step, int mask, int t, int b, double p) {
  const float kept = (float)(1.0 / (1.0 - p));
  const uint32_t limit = (uint32_t)(p * 4294967295.0);
  uint32_t bits[4] = {0};
  for (int j = 0; j < n; j++) {
    if (j % 4 == 0)
      random_block(key, RANDOM_DROPOUT + ((uint32_t)mask << 8), step << 24 ^ (uint64_t)t, (uint32_t)b << 14 ^ (uint32_t)(j / 4),
                   bits);
    out[j] = bits[j % 4] < limit ? 0.0f : kept;
  }
}
#endif
