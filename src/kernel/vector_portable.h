/* vector_portable.h - v16 as an array, in plain C: the twin and oracle of the others. See vector.h for the meanings.
 *
 * The fused multiply-add is the processor's where it has one. Elsewhere it is made of double arithmetic. The product of two
 * floats is exact in double. The sum's rounding error is found (Knuth's two-sum) and pushed into the last bit (round to odd).
 * So the final rounding to float is the right one (Boldo and Melquiond 2008). Two lanes go together. */
#ifndef KERNEL_VECTOR_PORTABLE_H
#define KERNEL_VECTOR_PORTABLE_H
#include <float.h>

typedef struct v16 {
  float x[16];
} v16;
typedef struct v16i {
  int32_t x[16];
} v16i;
typedef struct v16m {
  int32_t x[16];
} v16m; /* 1 or 0 */

#define PRODUCT_ROWS_1 2
#define PRODUCT_ROWS_2 1
#define PRODUCT_ROWS_3 1
#define PRODUCT_ROWS_4 1
#define PRODUCT_WIDE 0
#define PEAK_CHAINS 2

#define LANES_DO(type, expression)                                                                                                 \
  do {                                                                                                                             \
    type r_;                                                                                                                       \
    for (int i = 0; i < 16; i++) r_.x[i] = (expression);                                                                           \
    return r_;                                                                                                                     \
  } while (0)

VECTOR_INLINE v16 v_load(const float *p) {
  v16 r;
  memcpy(r.x, p, sizeof r.x);
  return r;
}
VECTOR_INLINE void v_store(float *p, v16 a) { memcpy(p, a.x, sizeof a.x); }
VECTOR_INLINE v16 v_load_part(const float *p, int n) {
  v16 r = {{0}};
  memcpy(r.x, p, sizeof *p * (size_t)(n < 16 ? n : 16));
  return r;
}
VECTOR_INLINE void v_store_part(float *p, v16 a, int n) { memcpy(p, a.x, sizeof *p * (size_t)(n < 16 ? n : 16)); }
VECTOR_INLINE v16 v_set1(float x) { LANES_DO(v16, x); }
VECTOR_INLINE v16 v_zero(void) { return v_set1(0.0f); }

VECTOR_INLINE v16 v_add(v16 a, v16 b) { LANES_DO(v16, a.x[i] + b.x[i]); }
VECTOR_INLINE v16 v_sub(v16 a, v16 b) { LANES_DO(v16, a.x[i] - b.x[i]); }
VECTOR_INLINE v16 v_mul(v16 a, v16 b) { LANES_DO(v16, a.x[i] * b.x[i]); }
VECTOR_INLINE v16 v_div(v16 a, v16 b) { LANES_DO(v16, a.x[i] / b.x[i]); }
VECTOR_INLINE v16 v_sqrt(v16 a) { LANES_DO(v16, __builtin_sqrtf(a.x[i])); }
VECTOR_INLINE v16 v_min(v16 a, v16 b) { LANES_DO(v16, a.x[i] < b.x[i] ? a.x[i] : b.x[i]); }
VECTOR_INLINE v16 v_max(v16 a, v16 b) { LANES_DO(v16, a.x[i] > b.x[i] ? a.x[i] : b.x[i]); }
#if defined(__FP_FAST_FMAF) || FLT_EVAL_METHOD != 0
VECTOR_INLINE v16 v_fma(v16 a, v16 b, v16 c) {
  for (int i = 0; i < 16; i++) c.x[i] = __builtin_fmaf(a.x[i], b.x[i], c.x[i]);
  return c;
}
#else
typedef float float_pair __attribute__((vector_size(8)));
typedef double double_pair __attribute__((vector_size(16)));
typedef int64_t bits_pair __attribute__((vector_size(16)));
/* Not inlined: it is long, and everything uses it. */
static __attribute__((noinline, unused)) v16 v_fma(v16 a, v16 b, v16 c) {
  v16 r;
  for (int i = 0; i < 16; i += 2) {
    const float_pair fa = {a.x[i], a.x[i + 1]}, fb = {b.x[i], b.x[i + 1]}, fc = {c.x[i], c.x[i + 1]};
    const double_pair p = __builtin_convertvector(fa, double_pair) * __builtin_convertvector(fb, double_pair);
    const double_pair d = __builtin_convertvector(fc, double_pair), s = p + d, t = s - p;
    const double_pair side = ((p - (s - t)) + (d - t)) * s; /* p + d = s + e exactly, and this is e * s; NaN when s is not finite */
    const bits_pair away = side<0, near = side> 0, one = {1, 1}; /* s was rounded away from zero, towards it: -1, else 0 */
    const double_pair odd = (double_pair)(((bits_pair)s + away) | ((away | near) & one));
    const float_pair f = __builtin_convertvector(odd, float_pair);
    r.x[i] = f[0];
    r.x[i + 1] = f[1];
  }
  return r;
}
#endif
VECTOR_INLINE v16 v_fnma(v16 a, v16 b, v16 c) {
  for (int i = 0; i < 16; i++) a.x[i] = -a.x[i];
  return v_fma(a, b, c);
}

VECTOR_INLINE v16m v_lt(v16 a, v16 b) { LANES_DO(v16m, a.x[i] < b.x[i]); }
VECTOR_INLINE v16 v_select(v16m m, v16 a, v16 b) { LANES_DO(v16, m.x[i] ? a.x[i] : b.x[i]); }
VECTOR_INLINE int v_any(v16m m) {
  int any = 0;
  for (int i = 0; i < 16; i++) any |= m.x[i];
  return any;
}

VECTOR_INLINE v16i v_bits(v16 a) {
  v16i r;
  memcpy(r.x, a.x, sizeof r.x);
  return r;
}
VECTOR_INLINE v16 v_from_bits(v16i a) {
  v16 r;
  memcpy(r.x, a.x, sizeof r.x);
  return r;
}
VECTOR_INLINE v16 v_from_int(v16i a) { LANES_DO(v16, (float)a.x[i]); }
VECTOR_INLINE v16i i_set1(int32_t x) { LANES_DO(v16i, x); }
VECTOR_INLINE v16i i_add(v16i a, v16i b) { LANES_DO(v16i, (int32_t)((uint32_t)a.x[i] + (uint32_t)b.x[i])); }
VECTOR_INLINE v16i i_sub(v16i a, v16i b) { LANES_DO(v16i, (int32_t)((uint32_t)a.x[i] - (uint32_t)b.x[i])); }
VECTOR_INLINE v16i i_and(v16i a, v16i b) { LANES_DO(v16i, a.x[i] & b.x[i]); }
VECTOR_INLINE v16i i_xor(v16i a, v16i b) { LANES_DO(v16i, a.x[i] ^ b.x[i]); }
VECTOR_INLINE v16i i_shl16(v16i a) { LANES_DO(v16i, (int32_t)((uint32_t)a.x[i] << 16)); }
VECTOR_INLINE v16i i_shl23(v16i a) { LANES_DO(v16i, (int32_t)((uint32_t)a.x[i] << 23)); }
VECTOR_INLINE v16i i_shl30(v16i a) { LANES_DO(v16i, (int32_t)((uint32_t)a.x[i] << 30)); }
VECTOR_INLINE v16i i_shr23(v16i a) { LANES_DO(v16i, a.x[i] >> 23); }
VECTOR_INLINE v16i i_shr1(v16i a) { LANES_DO(v16i, a.x[i] >> 1); }
VECTOR_INLINE void i_store_bytes(uint8_t *p, v16i a) {
  for (int i = 0; i < 16; i++) p[i] = (uint8_t)a.x[i];
}
/* Not inlined, like v_fma. */
static __attribute__((noinline, unused)) v16i i_dot_bytes(v16i c, v16i a, v16i b) {
  for (int i = 0; i < 16; i++) {
    int32_t sum = 0;
    for (int j = 0; j < 32; j += 8) sum += (int32_t)(uint8_t)((uint32_t)a.x[i] >> j) * (int8_t)(uint8_t)((uint32_t)b.x[i] >> j);
    c.x[i] = (int32_t)((uint32_t)c.x[i] + (uint32_t)sum);
  }
  return c;
}
VECTOR_INLINE v16m i_eq(v16i a, v16i b) { LANES_DO(v16m, a.x[i] == b.x[i]); }
VECTOR_INLINE v16m i_lt(v16i a, v16i b) { LANES_DO(v16m, a.x[i] < b.x[i]); }
VECTOR_INLINE v16i i_mul_wide(v16i a, uint32_t b, v16i *high) {
  for (int i = 0; i < 16; i++) {
    const uint64_t whole = (uint64_t)b * (uint32_t)a.x[i];
    high->x[i] = (int32_t)(uint32_t)(whole >> 32);
    a.x[i] = (int32_t)(uint32_t)whole;
  }
  return a;
}
VECTOR_INLINE void v_store_turned(float *p, v16 a, v16 b, v16 c, v16 d) {
  for (int i = 0; i < 16; i++, p += 4) p[0] = a.x[i], p[1] = b.x[i], p[2] = c.x[i], p[3] = d.x[i];
}

VECTOR_INLINE float v_sum(v16 a) {
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; i++) a.x[i] += a.x[i + half];
  return a.x[0];
}
VECTOR_INLINE float v_peak(v16 a) {
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; i++) a.x[i] = a.x[i] > a.x[i + half] ? a.x[i] : a.x[i + half];
  return a.x[0];
}
#endif
