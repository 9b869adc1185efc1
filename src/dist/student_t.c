/* student_t.c - Student's t with mean a[0], scale a[1] and degrees of freedom a[2]. */
#include <float.h>
#include <math.h>
#include "base/special.h"
#include "dist/form.h"

static double draw(const double *a, draw_place *at) {
  const double u = draw_normal(at);
  return a[0] + a[1] * u / sqrt(fmax(draw_gamma(0.5 * a[2], at) / (0.5 * a[2]), DBL_MIN));
}

static double mean(const double *a) { return a[2] <= 1 ? (double)NAN : a[0]; }
static double mode(const double *a) { return a[0]; }

static double student_cdf(double t, double dof) {
  const double square = t * t;
  const double tail = square < dof ? 0.5 - 0.5 * special_beta_share(0.5, 0.5 * dof, square / (dof + square))
                                   : 0.5 * special_beta_share(0.5 * dof, 0.5, dof / (dof + square));
  return t > 0 ? 1 - tail : tail;
}

static double cdf(const double *a, double y) {
  const double z = (y - a[0]) / a[1];
  return isinf(z) ? z > 0 : student_cdf(z, a[2]);
}

/* The upper half follows by symmetry. Doubles a bracket, then halves it. */
static double student_quantile(double level, double dof) {
  if (level > 0.5) return -student_quantile(1 - level, dof);
  if (level == 0) return -(double)INFINITY;
  double low = -1, high = 0;
  while (student_cdf(low, dof) > level && low > -1e300) high = low, low *= 2;
  for (int i = 0; i < 200 && high - low > 1e-15 * -low; i++) {
    const double middle = low + 0.5 * (high - low);
    if (student_cdf(middle, dof) < level)
      low = middle;
    else
      high = middle;
  }
  return high;
}

static double quantile(const double *a, double level) { return a[0] + a[1] * student_quantile(level, a[2]); }

static double log_density(const double *a, double y) {
  const double z = (y - a[0]) / a[1];
  return -0.5 * (a[2] + 1) * log1p(z * z / a[2]) - log(a[1]) - 0.5 * log(a[2]) - special_lbeta(0.5 * a[2], 0.5);
}

static void heat(double *a, double temperature) { a[1] *= temperature; }

static const number_form student_t = {draw, mean, mode, quantile, cdf, log_density, heat};
const distribution_form form_student_t = {.number = &student_t};
