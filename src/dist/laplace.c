/* laplace.c - exp(-|y - m| / s) / (2 s), with mean m = a[0] and scale s = a[1]. */
#include <math.h>
#include "dist/form.h"

/* Logarithms within 0 and 1, and not of 0. */
static double draw(const double *a, draw_place *at) {
  const double u = draw_uniform(at);
  return u < 0.5 ? a[0] + a[1] * log(1 - 2 * u) : a[0] - a[1] * log(2 - 2 * u);
}

static double mean(const double *a) { return a[0]; }

static double quantile(const double *a, double level) {
  return level < 0.5 ? a[0] + a[1] * log(2 * level) : a[0] - a[1] * log(2 - 2 * level);
}

static double cdf(const double *a, double y) {
  const double z = (y - a[0]) / a[1];
  return z < 0 ? 0.5 * exp(z) : 1 - 0.5 * exp(-z);
}

static double log_density(const double *a, double y) { return -fabs((y - a[0]) / a[1]) - log(2 * a[1]); }
static void heat(double *a, double temperature) { a[1] *= temperature; }

static const number_form laplace = {draw, mean, mean, quantile, cdf, log_density, heat};
const distribution_form form_laplace = {.number = &laplace};
