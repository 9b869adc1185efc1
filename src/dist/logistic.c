/* logistic.c - P(Y <= y) = 1 / (1 + exp(-z)), z = (y - l) / s, with location l = a[0] and scale s = a[1]. */
#include <math.h>
#include "dist/form.h"

static double quantile(const double *a, double level) { return a[0] + a[1] * (log(level) - log1p(-level)); }
/* 1e-17, below all draws but 0, keeps them finite. */
static double draw(const double *a, draw_place *at) { return quantile(a, fmax(draw_uniform(at), 1e-17)); }
static double mean(const double *a) { return a[0]; }
static double cdf(const double *a, double y) { return form_sigmoid((y - a[0]) / a[1]); }

static double log_density(const double *a, double y) {
  const double z = (y - a[0]) / a[1];
  return -form_softplus(z) - form_softplus(-z) - log(a[1]);
}

static void heat(double *a, double temperature) { a[1] *= temperature; }

static const number_form logistic = {draw, mean, mean, quantile, cdf, log_density, heat};
const distribution_form form_logistic = {.number = &logistic};
