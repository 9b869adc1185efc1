/* gumbel.c - the largest of many numbers: P(Y <= y) = exp(-exp(-z)), z = (y - l) / s, with location l = a[0] and scale s = a[1]. */
#include <math.h>
#include "dist/form.h"

static double quantile(const double *a, double level) { return a[0] - a[1] * log(-log(level)); }
/* -log(1 - u) is exponential; 1e-17, below all of its values but 0, keeps draws finite. */
static double draw(const double *a, draw_place *at) { return a[0] - a[1] * log(fmax(-log1p(-draw_uniform(at)), 1e-17)); }
static double mean(const double *a) { return a[0] + 0.57721566490153286 * a[1]; } /* Euler's constant */
static double mode(const double *a) { return a[0]; }
static double cdf(const double *a, double y) { return exp(-exp(-(y - a[0]) / a[1])); }

static double log_density(const double *a, double y) {
  const double z = (y - a[0]) / a[1];
  return -z - exp(-z) - log(a[1]);
}

static void heat(double *a, double temperature) { a[1] *= temperature; }

static const number_form gumbel = {draw, mean, mode, quantile, cdf, log_density, heat};
const distribution_form form_gumbel = {.number = &gumbel};
