/* vector_gamma.h - gamma and beta functions on sixteen lanes, for arguments above 0.
 *
 * The idea: below 8 polynomials of our own, from 8 on Stirling's series (Abramowitz & Stegun 1964, 6.1.40 and 6.3.18). Two
 * differences of such functions are computed as one function each, since a difference would keep no digits. They are log B(a,
 * b), and digamma(a + b) - digamma(a). Relative errors found: lgamma and digamma 2.1e-7, the difference 4e-7, lbeta 6e-7 of 1 +
 * |log B|. Not inlined: they are long, and few nets use them. */
#ifndef KERNEL_VECTOR_GAMMA_H
#define KERNEL_VECTOR_GAMMA_H

#define GAMMA_FUNCTION static __attribute__((noinline, unused))
#define GAMMA_FAR 8.0f /* from here on the series */
#define GAMMA_MIDDLE 2.5f
#define GAMMA_NEAR 0.75f /* below it one step up */
#define HALF_LOG_2PI 0.918938533f

/* log(1 + x), x >= 0: the logarithm of the rounded sum, and what the rounding lost. */
VECTOR_FUNCTION v16 v_log1p_positive(v16 x) {
  const v16 u = v_add(v_one(), x), lost = v_div(v_sub(x, v_sub(u, v_one())), u);
  return v_add(v_log(u), v_select(v_lt(u, v_set1(INFINITY)), lost, v_zero()));
}

/* log(1 + x^2); where x^2 is all that counts, twice the logarithm of x. */
VECTOR_FUNCTION v16 v_log1p_square(v16 x) {
  const v16 a = v_abs(x), z = v_mul(x, x), u = v_add(v_one(), z), lost = v_div(v_sub(z, v_sub(u, v_one())), u);
  const v16m far = v_lt(v_set1(4096.0f), a);
  const v16 l = v_log(v_select(far, a, u));
  return v_add(l, v_select(far, l, lost));
}

/* (x - 1 - log x) / (x - 1)^2, x > 0. Near 1 the difference keeps no digits, so there it is by log x = 2 atanh s, s = (x - 1) /
 * (x + 1). */
GAMMA_FUNCTION v16 v_log_bend(v16 x) {
  const v16 w = v_sub(x, v_one()), s = v_div(w, v_add(x, v_one())), z = v_mul(s, s), rest = v_sub(v_one(), s);
  v16 p = v_set1(0.0588235296f);
  p = v_fma(p, z, v_set1(0.0666666701f));
  p = v_fma(p, z, v_set1(0.0769230798f));
  p = v_fma(p, z, v_set1(0.0909090936f));
  p = v_fma(p, z, v_set1(0.111111112f));
  p = v_fma(p, z, v_set1(0.142857149f));
  p = v_fma(p, z, v_set1(0.200000003f));
  p = v_fma(p, z, v_set1(0.333333343f));
  const v16 near = v_mul(v_mul(v_set1(0.5f), rest), v_fnma(v_mul(rest, s), p, v_one()));
  const v16 far = v_div(v_sub(v_one(), v_div(v_log(x), w)), w);
  return v_select(v_lt(v_abs(s), v_set1(0.333333343f)), near, far);
}

/* One of two polynomials for each lane: in x - 1.625 up to GAMMA_MIDDLE, in x - 5.25 up to GAMMA_FAR. */
VECTOR_FUNCTION v16 v_gamma_polynomial(v16 x, const float (*c)[2], int n) {
  const v16m low = v_lt(x, v_set1(GAMMA_MIDDLE));
  const v16 t = v_sub(x, v_select(low, v_set1(1.625f), v_set1(5.25f)));
  v16 p = v_select(low, v_set1(c[0][0]), v_set1(c[0][1]));
  for (int i = 1; i < n; i++) p = v_fma(p, t, v_select(low, v_set1(c[i][0]), v_set1(c[i][1])));
  return p;
}

/* log gamma(x) = (x - 1/2) log x - x + log(2 pi)/2 + this, x >= 8 */
VECTOR_FUNCTION v16 v_stirling(v16 x) {
  const v16 r = v_div(v_one(), x), w = v_mul(r, r);
  v16 p = v_set1(0.000793650793f);
  p = v_fma(p, w, v_set1(-0.00277777785f));
  p = v_fma(p, w, v_set1(0.0833333358f));
  return v_mul(p, r);
}
/* digamma(x) = log x - 1/(2x) - this, x >= 8 */
VECTOR_FUNCTION v16 v_digamma_rest(v16 x) {
  const v16 r = v_div(v_one(), x), w = v_mul(r, r);
  v16 p = v_set1(0.00396825397f);
  p = v_fma(p, w, v_set1(-0.00833333377f));
  p = v_fma(p, w, v_set1(0.0833333358f));
  return v_mul(p, w);
}

/* Up to 8: (x - 1)(x - 2) P(x) and (x - 2) P(x), which keeps the digits near the zeros at 1 and 2. Infinity at 0, NaN below. */
GAMMA_FUNCTION v16 v_lgamma(v16 x) {
  static const float c[14][2] = {
      {-0.000161749922f, 3.84765622e-11f}, {0.000279002241f, -2.17133797e-10f}, {-4.97638866e-05f, 2.15313933e-10f},
      {9.31703835e-05f, -1.32045563e-09f}, {-0.000632708194f, 1.88295193e-08f}, {0.0011257187f, -1.12264836e-07f},
      {-0.00178632559f, 6.282811e-07f},    {0.00328172743f, -3.95706184e-06f},  {-0.00621817075f, 2.60181569e-05f},
      {0.0119965775f, -0.00017934588f},    {-0.0241943039f, 0.00134373165f},    {0.0525792018f, -0.0116741806f},
      {-0.131578997f, 0.142821342f},       {0.465809643f, 1.09580803f}};
  const v16m up = v_lt(x, v_set1(GAMMA_NEAR));
  const v16 y = v_select(up, v_add(x, v_one()), x), two = v_sub(y, v_set1(2.0f)), l = v_log(x);
  const v16 zeros = v_select(v_lt(y, v_set1(GAMMA_MIDDLE)), v_mul(v_sub(y, v_one()), two), two);
  const v16 near = v_mul(zeros, v_gamma_polynomial(y, c, 14));
  v16 far = v_fma(v_sub(x, v_set1(0.5f)), v_sub(l, v_one()), v_set1(HALF_LOG_2PI - 0.5f));
  far = v_add(far, v_stirling(x));
  return v_select(v_lt(y, v_set1(GAMMA_FAR)), v_select(up, v_sub(near, l), near), far);
}

/* Up to 2.5: (x - x0) P(x), x0 its zero as the sum of two floats. -infinity at 0, NaN below. */
GAMMA_FUNCTION v16 v_digamma(v16 x) {
  static const float c[14][2] = {
      {-0.0024076018f, 2.59892358e-10f},    {0.00391319068f, -1.38340306e-09f}, {9.04755652e-05f, 5.07597686e-10f},
      {-0.000143423604f, -2.97752378e-09f}, {-0.00656835362f, 8.93112855e-08f}, {0.0107015511f, -4.89174226e-07f},
      {-0.013919875f, 2.34196e-06f},        {0.0228235926f, -1.33026824e-05f},  {-0.0386028998f, 7.84726435e-05f},
      {0.0643357635f, -0.000474095403f},    {-0.109194793f, 0.00304383622f},    {0.192716569f, -0.0219210684f},
      {-0.369774967f, 0.209760413f},        {0.901592553f, 1.55997729f}};
  const v16m up = v_lt(x, v_set1(GAMMA_NEAR));
  const v16 y = v_select(up, v_add(x, v_one()), x);
  const v16 zero = v_sub(v_sub(y, v_set1(1.4616321f)), v_set1(1.243815e-08f));
  v16 near = v_gamma_polynomial(y, c, 14);
  near = v_select(v_lt(y, v_set1(GAMMA_MIDDLE)), v_mul(zero, near), near);
  near = v_select(up, v_sub(near, v_div(v_one(), v_abs(x))), near);
  const v16 far = v_sub(v_sub(v_log(x), v_div(v_set1(0.5f), x)), v_digamma_rest(x));
  return v_select(v_lt(x, v_zero()), v_set1(NAN), v_select(v_lt(y, v_set1(GAMMA_FAR)), near, far));
}

/* log B(a, b) = log gamma(a) + log gamma(b) - log gamma(a + b). With p <= q, B(p, q) = B(p, q + 1) (p + q) / q brings q to 8 or
 * more. Then log gamma(p + q) - log gamma(q) is the difference of two series. */
GAMMA_FUNCTION v16 v_lbeta(v16 a, v16 b) {
  const v16 p = v_min(a, b), q = v_max(a, b), far = v_set1(GAMMA_FAR);
  const v16m small = v_lt(q, far);
  v16 above = v_one(), below = v_one();
  for (int k = 0; k < 8; k++) {
    const v16 step = v_select(small, v_add(q, v_set1((float)k)), v_one());
    above = v_mul(above, v_select(small, v_add(p, step), v_one()));
    below = v_mul(below, step);
  }
  const v16 Q = v_select(small, v_add(q, far), q), n = v_add(p, Q), share = v_div(p, Q);
  v16 rise = v_mul(v_sub(n, v_set1(0.5f)), v_log1p_positive(share)); /* of log gamma from Q to n, but for p log Q - p */
  rise = v_add(rise, v_sub(v_stirling(n), v_stirling(Q)));
  const v16 l = v_log(v_select(v_lt(p, far), Q, p));
  const v16 low = v_add(v_lgamma(p), v_fnma(p, l, p));
  const v16 high = v_add(v_fma(p, v_log(share), v_fma(v_set1(-0.5f), l, v_set1(HALF_LOG_2PI))), v_stirling(p));
  const v16 r = v_add(v_sub(v_select(v_lt(p, far), low, high), rise), v_log(v_div(above, below)));
  return v_select(v_lt(v_zero(), v_add(a, b)), r, v_set1(NAN));
}

/* digamma(x + b) - digamma(x), x, b > 0. It is the sum of b / ((x + k)(x + b + k)) up to 8, then the difference of two series.
 * There v - w = 1/y^2 - 1/n^2 is taken out. All terms but the last factor's are positive, so no digits are lost. */
GAMMA_FUNCTION v16 v_digamma_rise(v16 x, v16 b) {
  const v16m small = v_lt(x, v_set1(GAMMA_FAR));
  v16 sum = v_zero();
  for (int k = 0; k < 8; k++) {
    const v16 y = v_add(x, v_set1((float)k));
    sum = v_add(sum, v_div(v_div(b, y), v_add(y, b)));
  }
  const v16 y = v_select(small, v_add(x, v_set1(GAMMA_FAR)), x), n = v_add(y, b), share = v_div(b, y);
  const v16 ry = v_div(v_one(), y), rn = v_div(v_one(), n), v = v_mul(ry, ry), w = v_mul(rn, rn);
  v16 p = v_mul(v_fma(v, v_add(v, w), v_mul(w, w)), v_set1(0.00396825397f)); /* of v^3 - w^3 */
  p = v_fma(v_add(v, w), v_set1(-0.00833333377f), p);
  p = v_add(p, v_set1(0.0833333358f));
  p = v_fma(v_add(ry, rn), p, v_set1(0.5f));
  const v16 far = v_fma(v_mul(share, rn), p, v_log1p_positive(share));
  const v16 r = v_add(far, v_select(small, sum, v_zero()));
  return v_select(v_lt(x, v_zero()), v_set1(NAN), v_select(v_lt(b, v_zero()), v_set1(NAN), r));
}
#endif
