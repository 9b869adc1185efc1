/* same.c - see same.h. */
#include "base/same.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

/* x = 2^e m, m in [sqrt(1/2), sqrt(2)). With s = (m-1)/(m+1), log m = 2 (s + s^3/3 + s^5/5 + ...). s^2 < 0.0295, so the term
 * after s^23 is below the last bit. */
double same_log(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  int e = (int)(bits >> 52) - 1023;
  bits = (bits & 0x000FFFFFFFFFFFFFu) | 0x3FF0000000000000u;
  double m;
  memcpy(&m, &bits, sizeof m);
  if (m > 1.4142135623730951) m *= 0.5, e++;
  static const double inverse[] = {1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13,
                                   1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3,  1.0};
  double s = (m - 1) / (m + 1), s2 = s * s, sum = 0;
  for (int k = 0; k < 12; k++) sum = sum * s2 + inverse[k];
  return (double)e * 0.69314718055994531 + 2 * s * sum;
}

/* With x = k log 2 + r, |r| at most log(2) / 2, e^r by its Taylor series. log 2 is taken in two parts, and the first has few
 * bits. */
double same_exp(double x) {
  const double k = floor(x * 1.4426950408889634 + 0.5), r = (x - k * 0.693147182464599609375) + k * 1.9046542999957768e-9;
  double sum = 1;
  for (int n = 16; n > 0; n--) sum = 1 + sum * r / n;
  return ldexp(sum, (int)k);
}

/* Folded to an angle a of at most pi/4, then the Taylor series of cos a or sin a. */
double same_cos_turn(double u) {
  double sign = 1;
  if (u > 0.5) u = 1 - u;               /* cos is even around half a turn */
  if (u > 0.25) u = 0.5 - u, sign = -1; /* and odd around a quarter */
  int sine = u > 0.125;
  static const double of_sine[] = {1.0 / (17 * 16), 1.0 / (15 * 14), 1.0 / (13 * 12), 1.0 / (11 * 10),
                                   1.0 / (9 * 8),   1.0 / (7 * 6),   1.0 / (5 * 4),   1.0 / (3 * 2)};
  static const double of_cosine[] = {1.0 / (16 * 15), 1.0 / (14 * 13), 1.0 / (12 * 11), 1.0 / (10 * 9),
                                     1.0 / (8 * 7),   1.0 / (6 * 5),   1.0 / (4 * 3),   1.0 / (2 * 1)};
  const double *inverse = sine ? of_sine : of_cosine;
  double a = 6.2831853071795865 * (sine ? 0.25 - u : u), a2 = a * a, sum = 0;
  for (int k = 0; k < 8; k++) sum = (1 - sum) * a2 * inverse[k];
  return sign * (sine ? a : 1) * (1 - sum);
}
