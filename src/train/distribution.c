/* distribution.c - see distribution.h. One line of the graph as a distribution, and the densities of numbers by entry. Symbols are
 * in distribution_symbols.c. */
#include "train/distribution.h"
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "base/random.h"
#include "base/special.h"

static const char *const names[] = {"softmax",   "bernoulli",         "gaussian", "laplace",
                                    "student_t", "negative_binomial", "quantile", "mixture"};

unroll_status distribution_of(distribution *d, const graph *g, int number, const variable *v, unroll_error *err) {
  const loss *l = &g->losses[number];
  int kind = 0;
  while (kind <= DISTRIBUTION_LAPLACE && strcmp(names[kind], l->distribution)) kind++;
  if (kind > DISTRIBUTION_LAPLACE)
    return error_set(err, UNROLL_BAD_INPUT, "'%s' can be trained at most, not used yet", l->distribution);
  *d = (distribution){.kind = (enum distribution_kind)kind,
                      .name = l->distribution,
                      .width = g->data[l->data].width,
                      .n_args = l->n_args,
                      .numbers = l->numbers,
                      .n_numbers = l->n_numbers};
  for (int k = 0; k < l->n_args; k++) {
    const node *n = graph_at(g, l->args[k]);
    d->nodes[k] = l->args[k];
    d->widths[k] = n->width;
    d->spaces[k] = n->space;
  }
  if (v && v->mean) {
    d->mean = v->mean;
    d->deviation = v->deviation;
  }
  return UNROLL_OK;
}

bool distribution_is_symbols(const distribution *d) { return d->kind == DISTRIBUTION_SOFTMAX; }

prediction distribution_at(const distribution *d, const run *r, int64_t step, int64_t row) {
  prediction p = {{NULL}};
  for (int k = 0; k < d->n_args; k++) {
    ptrdiff_t stride;
    const float *x = run_value(r, d->nodes[k], &stride);
    p.args[k] = x + (d->spaces[k] == SPACE_STEP ? step : d->spaces[k] == SPACE_STATIC ? row : 0) * stride;
  }
  return p;
}

bool distribution_finite(const distribution *d, const prediction *p) {
  if (distribution_is_symbols(d)) return isfinite(distribution_log_sum(d, p)); /* a symbol may be impossible */
  for (int k = 0; k < d->n_args; k++)
    for (int j = 0; j < d->widths[k]; j++)
      if (!isfinite(p->args[k][j])) return false;
  return true;
}

/* --- one entry --- */

static double argument(const distribution *d, const prediction *p, int k, int j) {
  return (double)p->args[k][d->widths[k] == 1 ? 0 : j];
}

/* Between the units of the net and those of the data. */
static double unscaled(const distribution *d, int j, double x) { return d->mean ? x * d->deviation[j] + d->mean[j] : x; }
static double scaled(const distribution *d, int j, double y) { return d->mean ? (y - d->mean[j]) / d->deviation[j] : y; }

static double sigmoid(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }

static double uniform(const draw_place *at, uint32_t number) { return random_uniform(at->seed, at->stream, at->step, number); }

static double draw_entry(const distribution *d, const prediction *p, int j, const draw_place *at) {
  const double a = argument(d, p, 0, j), b = d->n_args > 1 ? argument(d, p, 1, j) : 0;
  double u;
  switch (d->kind) {
  case DISTRIBUTION_BERNOULLI:
    return uniform(at, 0) < sigmoid(a);
  case DISTRIBUTION_LAPLACE:
    u = uniform(at, 0);
    return u < 0.5 ? a + b * log(1 - 2 * u) : a - b * log(2 - 2 * u); /* logarithms of what is within 0 and 1, and not 0 */
  default:                                                            /* gaussian */
    return a + b * random_normal(at->seed, at->stream, at->step, 0);
  }
}

static double mean_entry(const distribution *d, const prediction *p, int j) {
  const double a = argument(d, p, 0, j);
  return d->kind == DISTRIBUTION_BERNOULLI ? sigmoid(a) : a;
}

static double mode_entry(const distribution *d, const prediction *p, int j) {
  const double a = argument(d, p, 0, j);
  return d->kind == DISTRIBUTION_BERNOULLI ? a > 0 : a;
}

static double quantile_entry(const distribution *d, const prediction *p, int j, double level) {
  const double a = argument(d, p, 0, j), b = d->n_args > 1 ? argument(d, p, 1, j) : 0;
  switch (d->kind) {
  case DISTRIBUTION_BERNOULLI:
    return level > sigmoid(-a);
  case DISTRIBUTION_LAPLACE:
    return level < 0.5 ? a + b * log(2 * level) : a - b * log(2 - 2 * level);
  default:
    return a + b * special_normal_quantile(level);
  }
}

static double cdf_entry(const distribution *d, const prediction *p, int j, double y) {
  const double a = argument(d, p, 0, j), b = d->n_args > 1 ? argument(d, p, 1, j) : 0;
  switch (d->kind) {
  case DISTRIBUTION_BERNOULLI:
    return y < 0 ? 0 : y < 1 ? sigmoid(-a) : 1;
  case DISTRIBUTION_LAPLACE:
    return y < a ? 0.5 * exp((y - a) / b) : 1 - 0.5 * exp((a - y) / b);
  default:
    return special_normal_share((y - a) / b);
  }
}

static double log_density_entry(const distribution *d, const prediction *p, int j, double y) {
  const double a = argument(d, p, 0, j), b = d->n_args > 1 ? argument(d, p, 1, j) : 0;
  const double z = (y - a) / b;
  switch (d->kind) {
  case DISTRIBUTION_BERNOULLI:
    return y * a - (a > 0 ? a + log1p(exp(-a)) : log1p(exp(a)));
  case DISTRIBUTION_LAPLACE:
    return -fabs(z) - log(2 * b);
  default:
    return -0.5 * z * z - log(b) - 0.91893853320467274;
  }
}

/* --- all entries --- */

/* Places of the draws of one vector: independent streams under keys made of the place itself, so that a draw may take as many
 * numbers as it likes. */
static draw_place inner(const draw_place *at, uint32_t entry) {
  uint32_t x[4];
  random_block(at->seed, at->stream, at->step, at->place, x);
  return (draw_place){.seed = (uint64_t)x[0] << 32 | x[1], .stream = at->stream, .step = ((uint64_t)x[2] << 32 | x[3]) + entry};
}

void distribution_draw(const distribution *d, const prediction *p, const draw_place *at, double *out) {
  for (int j = 0; j < d->width; j++) {
    const draw_place own = inner(at, (uint32_t)j);
    out[j] = unscaled(d, j, draw_entry(d, p, j, &own));
  }
}

void distribution_mean(const distribution *d, const prediction *p, double *out) {
  for (int j = 0; j < d->width; j++) out[j] = unscaled(d, j, mean_entry(d, p, j));
}

void distribution_mode(const distribution *d, const prediction *p, double *out) {
  for (int j = 0; j < d->width; j++) out[j] = unscaled(d, j, mode_entry(d, p, j));
}

void distribution_quantile(const distribution *d, const prediction *p, double level, double *out) {
  for (int j = 0; j < d->width; j++) out[j] = unscaled(d, j, quantile_entry(d, p, j, level));
}

void distribution_cdf(const distribution *d, const prediction *p, const double *y, double *out) {
  for (int j = 0; j < d->width; j++) out[j] = cdf_entry(d, p, j, scaled(d, j, y[j]));
}

double distribution_log_density(const distribution *d, const prediction *p, const double *y) {
  double sum = 0;
  for (int j = 0; j < d->width; j++) {
    sum += log_density_entry(d, p, j, scaled(d, j, y[j]));
    if (d->mean) sum -= log(d->deviation[j]);
  }
  return sum;
}

void distribution_scaled(const distribution *d, const double *y, float *out) {
  for (int j = 0; j < d->width; j++) out[j] = (float)scaled(d, j, y[j]);
}
