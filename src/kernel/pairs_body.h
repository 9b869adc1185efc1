/* pairs_body.h - floats to pairs of bf16 numbers. Plain loops over integers, which compilers turn into vectors. */
#ifndef KERNEL_PAIRS_BODY_H
#define KERNEL_PAIRS_BODY_H

typedef uint32_t __attribute__((may_alias)) bits32;
typedef uint16_t __attribute__((may_alias)) bits16;

/* The bits of the nearest bf16, ties to even; infinities stay, and so do the NaNs that arithmetic makes. */
VECTOR_INLINE uint32_t bf16_of(uint32_t bits) { return (bits + 0x7fff + (bits >> 16 & 1)) >> 16; }

static void pairs_of_row_run(float *pairs, const float *x, int n) {
  bits16 *out = (bits16 *)pairs;
  const bits32 *in = (const bits32 *)x;
  for (int i = 0; i < n; i++) out[i] = (uint16_t)bf16_of(in[i]);
  if (n % 2) out[n] = 0;
}

static void pairs_of_rows_run(float *pairs, const float *x, const float *next, int n) {
  bits32 *out = (bits32 *)pairs;
  const bits32 *low = (const bits32 *)x, *high = (const bits32 *)next;
  if (high)
    for (int i = 0; i < n; i++) out[i] = bf16_of(low[i]) | bf16_of(high[i]) << 16;
  else
    for (int i = 0; i < n; i++) out[i] = bf16_of(low[i]);
}
#endif
