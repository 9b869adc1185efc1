/* gaussian.c - normal, with mean a[0] and deviation a[1]. */
#include <math.h>
#include "base/special.h"
#include "dist/form.h"

static double draw(const double *a, draw_place *at) { return a[0] + a[1] * draw_normal(at); }
static double mean(const double *a) { return a[0]; }
static double quantile(const double *a, double level) { return a[0] + a[1] * special_normal_quantile(level); }
static double cdf(const double *a, double y) { return special_normal_share((y - a[0]) / a[1]); }
static double log_density(const double *a, double y) {
  const double z = (y - a[0]) / a[1];
  return -0.5 * z * z - log(a[1]) - 0.91893853320467274;
}
static void heat(double *a, double temperature) { a[1] *= temperature; }

const number_form number_gaussian = {draw, mean, mean, quantile, cdf, log_density, heat};
const distribution_form form_gaussian = {.number = &number_gaussian};
