/* special.c - see special.h. Formulas as in Abramowitz & Stegun (1964), chapters 6 and 26. */
#include "base/special.h"
#include <math.h>

enum { FAR = 10 }; /* from here on Stirling's series is exact to the last bits */

/* --- gamma --- */

double special_lgamma(double x) {
  if (x == 0) return (double)INFINITY;
  if (!(x > 0)) return (double)NAN;
  int sign; /* lgamma_r, as lgamma writes a global */
  return lgamma_r(x, &sign);
}

/* log gamma(x) = (x - 1/2) log x - x + log(2 pi) / 2 + this, x >= FAR (6.1.40). */
static double stirling(double x) {
  const double w = 1 / (x * x);
  return (1.0 / 12 - w * (1.0 / 360 - w * (1.0 / 1260 - w * (1.0 / 1680 - w * (1.0 / 1188 - w * 691.0 / 360360))))) / x;
}

/* digamma(x) = log x - 1 / (2 x) - this, x >= FAR (6.3.18). */
static double digamma_rest(double x) {
  const double w = 1 / (x * x);
  return w * (1.0 / 12 - w * (1.0 / 120 - w * (1.0 / 252 - w * (1.0 / 240 - w * (1.0 / 132 - w * (691.0 / 32760 - w / 12))))));
}

double special_digamma(double x) {
  double sum = 0;
  if (x > 1e300) return log(x);
  if (!(x > 0)) return x == 0 ? -(double)INFINITY : (double)NAN;
  for (; x < FAR; x++) sum += 1 / x; /* digamma(x + 1) = digamma(x) + 1 / x */
  return log(x) - 0.5 / x - digamma_rest(x) - sum;
}

double special_digamma_rise(double x, double b) {
  double sum = 0;
  if (!(x > 0) || !(b >= 0)) return x == 0 && b > 0 ? (double)INFINITY : (double)NAN;
  for (; x < FAR; x++) sum += b / x / (x + b);
  return sum + log1p(b / x) + 0.5 * (b / x) / (x + b) + (digamma_rest(x) - digamma_rest(x + b));
}

double special_lbeta(double a, double b) {
  double p = a < b ? a : b, q = a < b ? b : a, factor = 1;
  if (!(p > 0)) return p == 0 && q > 0 ? (double)INFINITY : (double)NAN;
  for (; q < FAR; q++) factor *= (p + q) / q; /* B(p, q) = B(p, q + 1) (p + q) / q */
  const double fall = (p + q - 0.5) * log1p(p / q) - stirling(q) + stirling(p + q);
  if (p < FAR) return special_lgamma(p) + p - p * log(q) - fall + log(factor);
  return p * log(p / q) - 0.5 * log(p) + 0.91893853320467274 + stirling(p) - fall;
}

/* By log x = 2 atanh s, s = (x - 1) / (x + 1), near 1, where the difference would keep no digits. */
double special_log_bend(double x) {
  const double w = x - 1, s = w / (x + 1), z = s * s;
  double sum = 0;
  if (!(fabs(s) < 1.0 / 3)) return (1 - log(x) / w) / w;
  for (int k = 16; k >= 0; k--) sum = sum * z + 1.0 / (2 * k + 3);
  return 0.5 * (1 - s) * (1 - (1 - s) * s * sum);
}

/* --- the beta distribution --- */

/* The continued fraction 26.5.8, evaluated after Lentz (1976). */
static double beta_fraction(double a, double b, double x) {
  const double least = 1e-300;
  double c = 1, d = 1 - (a + b) * x / (a + 1);
  d = 1 / (fabs(d) < least ? least : d);
  double value = d;
  for (int m = 1; m < 100000; m++) {
    for (int odd = 0; odd < 2; odd++) {
      const double n = a + 2 * m, term = odd ? -(a + m) * (a + b + m) * x / (n * (n + 1)) : m * (b - m) * x / ((n - 1) * n);
      d = 1 + term * d;
      c = 1 + term / c;
      d = 1 / (fabs(d) < least ? least : d);
      c = fabs(c) < least ? least : c;
      value *= d * c;
      if (odd && fabs(d * c - 1) < 1e-15) return value;
    }
  }
  return value;
}

double special_beta_share(double a, double b, double x) {
  if (!(a > 0) || !(b > 0) || !(x >= 0 && x <= 1)) return (double)NAN;
  if (x == 0 || x == 1) return x;
  const double front = exp(a * log(x) + b * log1p(-x) - special_lbeta(a, b));
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
  return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/* --- the normal distribution --- */

double special_normal_share(double x) { return 0.5 * erfc(-x * 0.70710678118654752); }

/* 26.2.23, then Halley's method on the share itself. */
double special_normal_quantile(double p) {
  if (!(p >= 0 && p <= 1)) return (double)NAN;
  if (p == 0 || p == 1) return p == 0 ? -(double)INFINITY : (double)INFINITY;
  const double tail = p < 0.5 ? p : 1 - p, t = sqrt(-2 * log(tail));
  double x = (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t;
  for (int i = 0; i < 3; i++) {
    const double u = (special_normal_share(x) - tail) * 2.5066282746310005 * exp(0.5 * x * x);
    x -= u / (1 + 0.5 * x * u);
  }
  return p < 0.5 ? x : -x;
}
