/* vector_math.h - exp, tanh and the rest on sixteen lanes, with the same bits on every instruction set.
 *
 * The idea: argument reduction with fused multiply-adds and integer operations on the bits, then a polynomial of our own, then
 * at most one division. The polynomials are minimax, fitted with the Remez exchange and rounded to float. Nothing overflows on
 * the way for any finite argument, limits at the infinities are right, a NaN comes out as a NaN. Largest errors found, in units
 * in the last place: exp and log 0.9, sin and cos 1.6, sigmoid and tanh 2.5, softplus 3.6. Those of normal_cdf and gelu are 6,
 * and 10 where gelu leaves the normal numbers. Results below the smallest normal number may be zero. The clamps are written so
 * that v_min and v_max hand a NaN through. */
#ifndef KERNEL_VECTOR_MATH_H
#define KERNEL_VECTOR_MATH_H

#define LOG2_E 1.44269502f
#define LN2_HIGH 0.693147182f     /* ln 2 to the nearest float */
#define LN2_LOW (-1.90465421e-9f) /* and what is missing */
#define ROUNDER 12582912.0f       /* 1.5 * 2^23: adding it rounds to an integer and leaves that in the low bits */

/* 2^n for the integer n that t = n + ROUNDER holds; n = -127 gives 0, n = 128 infinity. */
VECTOR_INLINE v16 v_power2(v16 t) { return v_from_bits(i_shl23(i_add(v_bits(t), i_set1(127)))); }

/* exp(r) for |r| <= ln2 / 2: 1 + r + r^2 P(r). */
VECTOR_FUNCTION v16 v_exp_near_0(v16 r) {
  v16 p = v_set1(0.0013847543f);
  p = v_fma(p, r, v_set1(0.00837000646f));
  p = v_fma(p, r, v_set1(0.041668009f));
  p = v_fma(p, r, v_set1(0.166665092f));
  p = v_fma(p, r, v_set1(0.49999994f));
  p = v_fma(p, r, v_one());
  return v_fma(p, r, v_one());
}
/* x = n ln2 + r; returns r and n + ROUNDER. |x| below 2^20. */
VECTOR_INLINE v16 v_exp_reduce(v16 x, v16 *t) {
  *t = v_fma(x, v_set1(LOG2_E), v_set1(ROUNDER));
  const v16 n = v_sub(*t, v_set1(ROUNDER));
  return v_fnma(n, v_set1(LN2_LOW), v_fnma(n, v_set1(LN2_HIGH), x));
}

/* exp(x); 2^n is applied in two halves, so that n = 128 and results below the normal numbers come out right. */
VECTOR_FUNCTION v16 v_exp(v16 x) {
  v16 t;
  const v16 r = v_exp_reduce(v_max(v_set1(-105.0f), v_min(v_set1(89.0f), x)), &t);
  const v16i n = i_sub(v_bits(t), v_bits(v_set1(ROUNDER))), half = i_shr1(n), rest = i_sub(n, half), bias = i_set1(127);
  const v16 p = v_mul(v_exp_near_0(r), v_from_bits(i_shl23(i_add(half, bias))));
  return v_mul(p, v_from_bits(i_shl23(i_add(rest, bias))));
}
/* exp(x) for x <= 88: one scaling suffices; 0 where the result would be far below the normal numbers. */
VECTOR_FUNCTION v16 v_exp_low(v16 x) {
  v16 t;
  const v16 r = v_exp_reduce(v_max(v_set1(-88.0f), x), &t);
  return v_mul(v_exp_near_0(r), v_power2(t));
}

/* 1 / (1 + exp(-x)), as (x < 0 ? e : 1) / (1 + e) with e = exp(-|x|). */
VECTOR_FUNCTION v16 v_sigmoid(v16 x) {
  const v16 e = v_exp_low(v_neg(v_abs(x)));
  return v_div(v_select(v_lt(x, v_zero()), e, v_one()), v_add(v_one(), e));
}

/* tanh|x| = m / (m + 2) with m = exp(2|x|) - 1 = 2^n (exp(r) - 1) + (2^n - 1), which keeps its digits near 0. */
VECTOR_FUNCTION v16 v_tanh(v16 x) {
  const v16 a = v_min(v_set1(10.0f), v_abs(x)), y = v_add(a, a);
  const v16 t = v_fma(y, v_set1(LOG2_E), v_set1(ROUNDER));
  const v16 r = v_fnma(v_sub(t, v_set1(ROUNDER)), v_set1(LN2_HIGH), y); /* LN2_LOW would not change the result */
  v16 p = v_set1(0.00139187893f);
  p = v_fma(p, r, v_set1(0.00836767815f));
  p = v_fma(p, r, v_set1(0.0416666083f));
  p = v_fma(p, r, v_set1(0.166665345f));
  p = v_fma(p, r, v_set1(0.5f));
  p = v_fma(v_mul(r, r), p, r);
  const v16 s = v_power2(t), m = v_fma(s, p, v_sub(s, v_one()));
  return v_flip(v_div(m, v_add(m, v_set1(2.0f))), v_sign_bits(x));
}

/* log(x) = e ln2 + log(1 + f), x = 2^e (1 + f), 1 + f in [sqrt(1/2), sqrt(2)): f - f^2/2 + f^3 P(f). log(0) is -infinity. */
VECTOR_FUNCTION v16 v_log(v16 x) {
  const v16i e = i_shr23(i_sub(v_bits(x), i_set1(0x3f3504f3)));
  const v16 f = v_sub(v_from_bits(i_sub(v_bits(x), i_shl23(e))), v_one()), z = v_mul(f, f), n = v_from_int(e);
  v16 p = v_set1(-0.0786013678f);
  p = v_fma(p, f, v_set1(0.12881355f));
  p = v_fma(p, f, v_set1(-0.131284118f));
  p = v_fma(p, f, v_set1(0.141812235f));
  p = v_fma(p, f, v_set1(-0.166245967f));
  p = v_fma(p, f, v_set1(0.200022846f));
  p = v_fma(p, f, v_set1(-0.250008076f));
  p = v_fma(p, f, v_set1(0.333333164f));
  p = v_fma(v_mul(p, f), z, v_mul(n, v_set1(LN2_LOW)));
  p = v_add(f, v_fnma(v_set1(0.5f), z, p));
  p = v_fma(n, v_set1(LN2_HIGH), p);
  p = v_select(v_lt(x, v_set1(INFINITY)), p, x); /* infinity and NaN */
  const v16 low = v_select(v_lt(x, v_zero()), v_set1(NAN), v_set1(-INFINITY));
  return v_select(v_lt(x, v_set1(1.17549435e-38f)), low, p);
}

/* log(1 + exp(x)) = max(x, 0) + log(1 + e), e = exp(-|x|); log(1 + e) = 2 atanh(s), s = e / (2 + e): s (2 + z P(z)), z = s^2. */
VECTOR_FUNCTION v16 v_softplus(v16 x) {
  const v16 e = v_exp_low(v_neg(v_abs(x)));
  const v16 s = v_div(e, v_add(e, v_set1(2.0f))), z = v_mul(s, s);
  v16 p = v_set1(0.280105054f);
  p = v_fma(p, z, v_set1(0.280023783f));
  p = v_fma(p, z, v_set1(0.400214642f));
  p = v_fma(p, z, v_set1(0.666664183f));
  p = v_fma(p, z, v_set1(2.0f));
  return v_fma(s, p, v_max(v_zero(), x));
}

/* The share of a normal distribution below x. For z = |x|: exp(-z^2/2) P(q) / (z + 4), q = (z - 4) / (z + 4). The rounding
 * error of z^2 is put back, so that the tail keeps its digits. */
VECTOR_FUNCTION v16 v_normal_cdf(v16 x) {
  const v16 z = v_min(v_set1(14.0f), v_abs(x)), square = v_mul(z, z), lost = v_fma(z, z, v_neg(square));
  const v16 e = v_exp_low(v_mul(square, v_set1(-0.5f)));
  const v16 w = v_div(v_one(), v_add(z, v_set1(4.0f))), q = v_mul(v_sub(z, v_set1(4.0f)), w);
  v16 p = v_set1(-0.000129528053f);
  p = v_fma(p, q, v_set1(0.000184629302f));
  p = v_fma(p, q, v_set1(0.00157185679f));
  p = v_fma(p, q, v_set1(-0.00351498299f));
  p = v_fma(p, q, v_set1(-0.007526726f));
  p = v_fma(p, q, v_set1(0.0604041442f));
  p = v_fma(p, q, v_set1(-0.186523214f));
  p = v_fma(p, q, v_set1(0.387136877f));
  p = v_fma(p, q, v_set1(-0.607896626f));
  p = v_fma(p, q, v_set1(0.755285144f));
  p = v_mul(v_mul(p, w), v_fma(v_mul(e, lost), v_set1(-0.5f), e));
  return v_select(v_lt(x, v_zero()), p, v_sub(v_one(), p));
}
/* x times the normal cdf; the clamp keeps -infinity from meeting 0. */
VECTOR_INLINE v16 v_gelu(v16 x) { return v_mul(v_max(v_set1(-20.0f), x), v_normal_cdf(x)); }

/* --- sine and cosine --- x = n pi/2 + r, |r| <= pi/4 */

/* Payne and Hanek 1983 for one number a >= 2^16, exactly. a = m 2^e. The bits of 2/pi that give multiples of 4 are skipped, the
 * next 96 decide. Returns r; *n is the quadrant. */
static __attribute__((noinline, unused)) float sine_reduce_large(float a, int32_t *n) {
  static const uint32_t bits[8] = {0,           0xa2f9836eu, 0x4e441529u, 0xfc2757d1u,
                                   0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu}; /* 2/pi after 32 zeros */
  uint32_t u;
  memcpy(&u, &a, sizeof u);
  const uint64_t m = (u & 0x7fffff) | 0x800000;
  const int skip = (int)(u >> 23) - 150 - 2 + 32, word = skip / 32, shift = skip % 32;
  uint32_t w[3];
  for (int i = 0; i < 3; i++) w[i] = (uint32_t)((((uint64_t)bits[word + i] << 32 | bits[word + i + 1]) << shift) >> 32);
  const uint64_t low = m * w[2], middle = m * w[1] + (low >> 32);
  const uint64_t turns = (m * w[0] + (middle >> 32)) << 32 | (middle & 0xffffffffu); /* in units of 2^-62 quarter turns */
  const uint64_t quarter = (turns + ((uint64_t)1 << 61)) >> 62;
  *n = (int32_t)(quarter & 3);
  return (float)((double)(int64_t)(turns - (quarter << 62)) * (1.5707963267948966 / 4611686018427387904.0));
}
VECTOR_FUNCTION v16 v_sine_reduce(v16 a, v16i *n) {
  const v16 limit = v_set1(1e5f), t = v_fma(a, v_set1(0.636619747f), v_set1(ROUNDER)), j = v_sub(t, v_set1(ROUNDER));
  v16 r = v_fnma(j, v_set1(1.57079637f), a);
  r = v_fnma(j, v_set1(-4.37113883e-8f), r);
  r = v_fnma(j, v_set1(-1.71512451e-15f), r);
  *n = v_bits(t);
  if (v_any(v_lt(limit, a))) {
    float as[16], rs[16], ns[16];
    v_store(as, a);
    v_store(rs, r);
    v_store(ns, t);
    for (int i = 0; i < 16; i++) {
      int32_t quadrant;
      if (!(as[i] > 1e5f && as[i] < INFINITY)) continue;
      rs[i] = sine_reduce_large(as[i], &quadrant);
      memcpy(&ns[i], &quadrant, sizeof quadrant);
    }
    r = v_load(rs);
    *n = v_bits(v_load(ns));
  }
  return r;
}
/* sin of r + n pi/2: the polynomial of sine or cosine by n's lowest bit, negated by the next. */
VECTOR_FUNCTION v16 v_sine_of(v16 r, v16i n) {
  const v16 z = v_mul(r, r);
  v16 s = v_set1(-0.000195184053f), c = v_set1(2.44306902e-05f);
  s = v_fma(s, z, v_set1(0.0083321901f));
  s = v_fma(s, z, v_set1(-0.166666552f));
  s = v_fma(v_mul(s, z), r, r);
  c = v_fma(c, z, v_set1(-0.00138873013f));
  c = v_fma(c, z, v_set1(0.0416666456f));
  c = v_fma(c, z, v_set1(-0.5f));
  c = v_fma(c, z, v_one());
  const v16i one = i_set1(1);
  return v_flip(v_select(i_eq(i_and(n, one), one), c, s), i_shl30(i_and(n, i_set1(2))));
}
VECTOR_INLINE v16 v_sin(v16 x) {
  v16i n;
  const v16 r = v_sine_reduce(v_abs(x), &n);
  return v_flip(v_sine_of(r, n), v_sign_bits(x));
}
VECTOR_INLINE v16 v_cos(v16 x) {
  v16i n;
  const v16 r = v_sine_reduce(v_abs(x), &n);
  return v_sine_of(r, i_add(n, i_set1(1)));
}

/* --- steps --- */
VECTOR_INLINE v16 v_less(v16 a, v16 b) { return v_select(v_lt(a, b), v_one(), v_zero()); }
VECTOR_INLINE v16 v_step(v16 x) { return v_less(v_zero(), x); }
VECTOR_INLINE v16 v_sign(v16 x) { return v_sub(v_step(x), v_less(x, v_zero())); }
VECTOR_INLINE v16 v_hard_sigmoid(v16 x) { return v_max(v_zero(), v_min(v_one(), v_fma(v_set1(0.2f), x, v_set1(0.5f)))); }
#endif
