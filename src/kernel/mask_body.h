/* mask_body.h - rows of dropout masks: Philox 4x32-10 as in base/random.c, sixteen blocks side by side, which are 64 columns.
 * Compiled per instruction set. */
#ifndef KERNEL_MASK_BODY_H
#define KERNEL_MASK_BODY_H

enum { MASK_COLUMNS = 4 * LANES };

/* Columns 64 * part and following. */
VECTOR_FUNCTION void mask_part(float *out, const mask_draw *d, int part) {
  static const _Alignas(64) int32_t lane[LANES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  v16i x[4] = {i_xor(i_add(v_bits(v_load((const float *)lane)), i_set1(part * LANES)), i_set1((int32_t)d->place)),
               i_set1((int32_t)(uint32_t)d->step), i_set1((int32_t)(uint32_t)(d->step >> 32)), i_set1((int32_t)d->stream)};
  uint32_t k0 = (uint32_t)d->key, k1 = (uint32_t)(d->key >> 32);
  for (int round = 0; round < PHILOX_ROUNDS; round++) {
    v16i p_high, q_high;
    const v16i p = i_mul_wide(x[0], PHILOX_FACTOR_0, &p_high), q = i_mul_wide(x[2], PHILOX_FACTOR_1, &q_high);
    x[0] = i_xor(i_xor(q_high, x[1]), i_set1((int32_t)k0));
    x[1] = q;
    x[2] = i_xor(i_xor(p_high, x[3]), i_set1((int32_t)k1));
    x[3] = p;
    k0 += PHILOX_KEY_0;
    k1 += PHILOX_KEY_1;
  }
  const v16i top = i_set1(INT32_MIN), limit = i_xor(i_set1((int32_t)d->limit), top); /* unsigned numbers, compared as signed */
  v16 m[4];
  for (int i = 0; i < 4; i++) m[i] = v_select(i_lt(i_xor(x[i], top), limit), v_zero(), v_set1(d->kept));
  v_store_turned(out, m[0], m[1], m[2], m[3]);
}

static void mask_run(float *out, const mask_draw *d, int n) {
  int part = 0;
  for (; n >= MASK_COLUMNS; n -= MASK_COLUMNS, out += MASK_COLUMNS) mask_part(out, d, part++);
  if (n <= 0) return;
  float rest[MASK_COLUMNS];
  mask_part(rest, d, part);
  memcpy(out, rest, (size_t)n * sizeof *out);
}
#endif
