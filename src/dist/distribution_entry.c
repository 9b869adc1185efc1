/* distribution_entry.c - distributions of one number. See distribution_entry.h. */
#include "dist/distribution_entry.h"
#include <float.h>
#include <math.h>
#include "base/random.h"
#include "base/special.h"

double entry_sigmoid(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }
static double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }

/* --- draws --- */

double draw_uniform(draw_place *at) { return random_uniform(at->seed, at->stream, at->step, at->place++); }
double draw_normal(draw_place *at) { return random_normal(at->seed, at->stream, at->step, at->place++); }

/* Scale 1 (Marsaglia & Tsang 2000). Below shape 1 that of shape + 1 times u^(1 / shape). */
static double draw_gamma(double shape, draw_place *at) {
  if (!(shape > 0)) return (double)NAN;
  if (shape < 1) {
    const double u = 1 - draw_uniform(at);
    return draw_gamma(shape + 1, at) * pow(u, 1 / shape);
  }
  const double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
  for (;;) {
    const double x = draw_normal(at), u = 1 - draw_uniform(at), root = 1 + c * x, v = root * root * root;
    if (v > 0 && log(u) < 0.5 * x * x + d - d * v + d * log(v)) return d * v;
    if (!(shape < (double)INFINITY)) return (double)NAN;
  }
}

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

double entry_draw(const entry *e, draw_place *at) {
  double u;
  switch (e->kind) {
  case DISTRIBUTION_BERNOULLI:
    return draw_uniform(at) < entry_sigmoid(e->a);
  case DISTRIBUTION_LAPLACE:
    u = draw_uniform(at);
    return u < 0.5 ? e->a + e->b * log(1 - 2 * u) : e->a - e->b * log(2 - 2 * u); /* logarithms within 0 and 1, and not of 0 */
  case DISTRIBUTION_STUDENT_T:
    u = draw_normal(at);
    return e->a + e->b * u / sqrt(fmax(draw_gamma(0.5 * e->c, at) / (0.5 * e->c), DBL_MIN));
  case DISTRIBUTION_NEGATIVE_BINOMIAL:
    return draw_poisson(draw_gamma(1 / e->b, at) * e->b * e->a, at);
  default: /* gaussian */
    return e->a + e->b * draw_normal(at);
  }
}

/* --- means and modes --- */

double entry_mean(const entry *e) {
  if (e->kind == DISTRIBUTION_BERNOULLI) return entry_sigmoid(e->a);
  return e->kind == DISTRIBUTION_STUDENT_T && e->c <= 1 ? (double)NAN : e->a;
}

double entry_mode(const entry *e) {
  if (e->kind == DISTRIBUTION_BERNOULLI) return e->a > 0;
  if (e->kind == DISTRIBUTION_NEGATIVE_BINOMIAL) return e->b < 1 ? floor(e->a * (1 - e->b)) : 0;
  return e->a;
}

/* --- shares --- */

static double student_cdf(double t, double dof) {
  const double square = t * t;
  const double tail = square < dof ? 0.5 - 0.5 * special_beta_share(0.5, 0.5 * dof, square / (dof + square))
                                   : 0.5 * special_beta_share(0.5 * dof, 0.5, dof / (dof + square));
  return t > 0 ? 1 - tail : tail;
}

/* P(Y <= y) = 1 - I_q(y + 1, r), q = mean shape / (1 + mean shape). Below a shape of 1e-10 the distribution is Poisson's to all
 * digits that are kept here. */
static double count_cdf(double mean, double shape, double y) {
  if (y < 0) return 0;
  const double s = shape < 1e-10 ? 1e-10 : shape;
  return y < 1e300 ? 1 - special_beta_share(floor(y) + 1, 1 / s, mean * s / (1 + mean * s)) : 1;
}

double entry_cdf(const entry *e, double y) {
  const double z = (y - e->a) / e->b;
  switch (e->kind) {
  case DISTRIBUTION_BERNOULLI:
    return y < 0 ? 0 : y < 1 ? entry_sigmoid(-e->a) : 1;
  case DISTRIBUTION_LAPLACE:
    return z < 0 ? 0.5 * exp(z) : 1 - 0.5 * exp(-z);
  case DISTRIBUTION_STUDENT_T:
    return isinf(z) ? z > 0 : student_cdf(z, e->c);
  case DISTRIBUTION_NEGATIVE_BINOMIAL:
    return count_cdf(e->a, e->b, y);
  default:
    return special_normal_share(z);
  }
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

double entry_quantile(const entry *e, double level) {
  if (isnan(e->a) || isnan(e->b) || isnan(e->c) || !(level >= 0 && level <= 1)) return (double)NAN;
  switch (e->kind) {
  case DISTRIBUTION_BERNOULLI:
    return level > entry_sigmoid(-e->a);
  case DISTRIBUTION_LAPLACE:
    return level < 0.5 ? e->a + e->b * log(2 * level) : e->a - e->b * log(2 - 2 * level);
  case DISTRIBUTION_STUDENT_T:
    return e->a + e->b * student_quantile(level, e->c);
  case DISTRIBUTION_NEGATIVE_BINOMIAL:
    return count_quantile(e->a, e->b, level);
  default:
    return e->a + e->b * special_normal_quantile(level);
  }
}

/* --- densities: as graph/build_density.c has them --- */

double entry_log_density(const entry *e, double y) {
  const double z = (y - e->a) / e->b, r = 1 / e->b;
  switch (e->kind) {
  case DISTRIBUTION_BERNOULLI:
    return y * e->a - softplus(e->a);
  case DISTRIBUTION_LAPLACE:
    return -fabs(z) - log(2 * e->b);
  case DISTRIBUTION_STUDENT_T:
    return -0.5 * (e->c + 1) * log1p(z * z / e->c) - log(e->b) - 0.5 * log(e->c) - special_lbeta(0.5 * e->c, 0.5);
  case DISTRIBUTION_NEGATIVE_BINOMIAL: {
    const double l = log(e->a) + log(e->b);
    if (y < 0 || y != floor(y)) return -(double)INFINITY;
    return -y * softplus(-l) - r * softplus(l) - special_lbeta(y + 1, r) - log(y + r);
  }
  default:
    return -0.5 * z * z - log(e->b) - 0.91893853320467274;
  }
}
