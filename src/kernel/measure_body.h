/* measure_body.h - what the machine can do, in the same vectors as everything else: reading. (Multiply-adds: optimizer_body.h.) */
#ifndef KERNEL_MEASURE_BODY_H
#define KERNEL_MEASURE_BODY_H

/* Reads n floats, a multiple of 128, over and over, with eight sums so that no addition waits for the one before. The best of all
 * turns, as for the peak. */
static double read_run(const float *x, ptrdiff_t n, double seconds) {
  enum { CHAINS = 8, LEAST = 1 << 18 };
  v16 sum[CHAINS];
  VECTOR_UNROLL
  for (int i = 0; i < CHAINS; i++) sum[i] = v_zero();
  const ptrdiff_t turns = n < LEAST ? LEAST / n : 1; /* a turn takes long against a look at the clock */
  const double start = time_now();
  double now = start, best = 0;
  do {
    const double before = now;
    for (ptrdiff_t turn = 0; turn < turns; turn++)
      for (ptrdiff_t at = 0; at < n; at += CHAINS * LANES) {
        VECTOR_UNROLL
        for (int i = 0; i < CHAINS; i++) sum[i] = v_add(sum[i], v_load(x + at + i * LANES));
      }
    now = time_now();
    const double rate = (double)turns * (double)n * sizeof(float) / (now - before) * 1e-9;
    if (now > before && rate > best) best = rate;
  } while (now - start < seconds);
  for (int i = 1; i < CHAINS; i++) sum[0] = v_add(sum[0], sum[i]);
  volatile float sink = v_sum(sum[0]); /* so that the work is not optimised away */
  (void)sink;
  return best;
}
#endif
