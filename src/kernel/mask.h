/* mask.h - a row of a dropout mask: four columns for each block of Philox, whose number goes into `place` by exclusive or. Zero
 * where the bits are below the limit, else `kept`. */
#ifndef KERNEL_MASK_H
#define KERNEL_MASK_H
#include "base/random.h"

typedef struct mask_draw {
  uint64_t key, step;
  uint32_t stream, place, limit;
  float kept;
} mask_draw;

/* n columns, one after the other: what kernels.mask does with many at once. */
static inline void mask_row(float *out, const mask_draw *d, int n) {
  uint32_t bits[4] = {0};
  for (int j = 0; j < n; j++) {
    if (j % 4 == 0) random_block(d->key, d->stream, d->step, d->place ^ (uint32_t)(j / 4), bits);
    out[j] = bits[j % 4] < d->limit ? 0.0f : d->kept;
  }
}
#endif
