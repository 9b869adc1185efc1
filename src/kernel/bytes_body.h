/* bytes_body.h - a row of floats as bytes with a scale: see bytes_of_row in kernel.h.
 *
 * Rounding is an addition. In a float of 1.5 * 2^23 and a little more, the last bit counts ones, and the last byte is the
 * number.
 */
#ifndef KERNEL_BYTES_BODY_H
#define KERNEL_BYTES_BODY_H

static void bytes_of_row_run(float *bytes, const float *x, int n) {
  const float least = 0x1p-119f; /* 127 / least is finite, least / 127 a normal number */
  const v16 whole = v_set1(12582912.0f + 128.0f);
  uint8_t *to = (uint8_t *)(bytes + 1);
  v16 largest = v_zero(), wrong = v_zero();
  for (int i = 0; i < n; i += LANES) {
    const v16 a = n - i >= LANES ? v_load(x + i) : v_load_part(x + i, n - i);
    largest = v_max(v_abs(a), largest); /* leaves NaN out */
    wrong = v_fma(a, v_zero(), wrong);  /* zero, or NaN once there was an infinity or a NaN */
  }
  const float most = v_peak(largest);
  const int zero = most < least;
  const v16 factor = v_set1(zero ? 0.0f : 127.0f / most);
  bytes[0] = (zero ? 0.0f : most / 127.0f) + v_sum(wrong);
  int i = 0;
  for (; i + LANES <= n; i += LANES) i_store_bytes(to + i, v_bits(v_fma(v_load(x + i), factor, whole)));
  if (i < n) {
    uint8_t last[LANES];
    i_store_bytes(last, v_bits(v_fma(v_load_part(x + i, n - i), factor, whole)));
    memcpy(to + i, last, (size_t)((n - i + 3) / 4 * 4));
  }
}
#endif
