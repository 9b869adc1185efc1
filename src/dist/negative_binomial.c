/* negative_binomial.c - counts with mean a[0] and variance mean + shape mean^2, shape a[1]: a Poisson distribution whose mean is
 * drawn from a gamma distribution. */
#include <math.h>
#include "base/special.h"
#include "dist/form.h"

/* Few: products of uniform numbers (Knuth). Many: transformed rejection (Hoermann 1993). So many that a double does not hold the
 * steps between probabilities: a rounded normal. */
static double draw_poisson(double mean, draw_place *at) {
  if (!(mean > 0)) return mean == 0 ? 0 : (double)NAN;
  if (mean > 1e9) return floor(mean + sqrt(mean) * draw_normal(at) + 0.5);
  if (mean < 20) {
    const double end = exp(-mean);
    int k = 0;
    for (double all = draw_uniform(at); all > end; k++) all *= draw_uniform(at);
    return k;
  }
  const double b = 0.931 + 2.53 * sqrt(mean), a = -0.059 + 0.02483 * b;
  const double alpha = 1.1239 + 1.1328 / (b - 3.4), quick = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const double u = draw_uniform(at) - 0.5, v = 1 - draw_uniform(at), near = 0.5 - fabs(u);
    const double k = floor((2 * a / near + b) * u + mean + 0.43);
    if (near >= 0.07 && v <= quick) return k;
    if (k < 0 || near <= 0 || (near < 0.013 && v > near)) continue;
    if (log(v * alpha / (a / (near * near) + b)) <= k * log(mean) - mean - special_lgamma(k + 1)) return k;
  }
}

static double draw(const double *a, draw_place *at) { return draw_poisson(draw_gamma(1 / a[1], at) * a[1] * a[0], at); }
static double mean(const double *a) { return a[0]; }
static double mode(const double *a) { return a[1] < 1 ? floor(a[0] * (1 - a[1])) : 0; }

/* P(Y <= y) = 1 - I_q(y + 1, r), q = mean shape / (1 + mean shape). Below a shape of 1e-10 the distribution is Poisson's to all
 * digits that are kept here. */
static double count_cdf(double mean, double shape, double y) {
  if (y < 0) return 0;
  const double s = shape < 1e-10 ? 1e-10 : shape;
  return y < 1e300 ? 1 - special_beta_share(floor(y) + 1, 1 / s, mean * s / (1 + mean * s)) : 1;
}

static double cdf(const double *a, double y) { return count_cdf(a[0], a[1], y); }

static double count_quantile(double mean, double shape, double level) {
  if (level == 1) return (double)INFINITY;
  double low = -1, high = floor(mean) + 1;
  while (count_cdf(mean, shape, high) < level && high < 1e300) low = high, high *= 2;
  while (high - low > 1 && high - low > 1e-15 * high) { /* cdf(low) < level <= cdf(high) */
    const double middle = floor(low + 0.5 * (high - low));
    if (count_cdf(mean, shape, middle) < level)
      low = middle;
    else
      high = middle;
  }
  return high;
}

static double quantile(const double *a, double level) { return count_quantile(a[0], a[1], level); }

static double log_density(const double *a, double y) {
  const double r = 1 / a[1], l = log(a[0]) + log(a[1]);
  if (y < 0 || y != floor(y)) return -(double)INFINITY;
  return -y * form_softplus(-l) - r * form_softplus(l) - special_lbeta(y + 1, r) - log(y + r);
}

static const number_form negative_binomial = {draw, mean, mode, quantile, cdf, log_density, NULL};
const distribution_form form_negative_binomial = {.number = &negative_binomial};
