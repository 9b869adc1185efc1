/* distribution.c - see distribution.h. One line of the graph as a distribution, and vectors of numbers entry by entry. One entry is
 * in distribution_entry.c, quantile() and mixture() in distribution_vector.c, symbols in distribution_symbols.c. */
#include "dist/distribution.h"
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "base/random.h"
#include "dist/distribution_entry.h"

enum { MAX_ENTRIES = 256 }; /* of a mixture: as in graph/build_density.c */

static const char *const names[] = {"softmax",   "bernoulli",         "gaussian", "laplace",
                                    "student_t", "negative_binomial", "quantile", "mixture"};

unroll_status distribution_of(distribution *d, const graph *g, int number, const variable *v, unroll_error *err) {
  const loss *l = &g->losses[number];
  int kind = 0;
  while (kind <= DISTRIBUTION_MIXTURE && strcmp(names[kind], l->distribution)) kind++;
  if (kind > DISTRIBUTION_MIXTURE) return error_set(err, UNROLL_BAD_INPUT, "'%s' is not there yet", l->distribution);
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

static entry entry_of(const distribution *d, const prediction *p, int j) {
  double x[3] = {0, 0, 0};
  for (int k = 0; k < d->n_args && k < 3; k++) x[k] = (double)p->args[k][d->widths[k] == 1 ? 0 : j];
  return (entry){.kind = d->kind, .a = x[0], .b = x[1], .c = x[2]};
}

/* Between the units of the net and those of the data. */
static double unscaled(const distribution *d, int j, double x) { return d->mean ? x * d->deviation[j] + d->mean[j] : x; }
static double scaled(const distribution *d, int j, double y) { return d->mean ? (y - d->mean[j]) / d->deviation[j] : y; }

/* --- all entries --- */

/* Places of the draws of one vector: independent streams under keys made of the place itself, so that a draw may take as many
 * numbers as it likes. */
static draw_place inner(const draw_place *at, uint32_t number) {
  uint32_t x[4];
  random_block(at->seed, at->stream, at->step, at->place, x);
  return (draw_place){.seed = (uint64_t)x[0] << 32 | x[1], .stream = at->stream, .step = ((uint64_t)x[2] << 32 | x[3]) + number};
}

static void unscale(const distribution *d, double *out) {
  for (int j = 0; j < d->width; j++) out[j] = unscaled(d, j, out[j]);
}

void distribution_draw(const distribution *d, const prediction *p, const draw_place *at, double *out) {
  for (int j = 0; j < d->width; j++) {
    draw_place own = inner(at, (uint32_t)j);
    const entry e = entry_of(d, p, j);
    if (d->kind == DISTRIBUTION_MIXTURE) {
      mixture_draw(d, p, &own, out);
      break;
    }
    out[j] = d->kind == DISTRIBUTION_QUANTILE ? levels_quantile(d, p, j, draw_uniform(&own)) : entry_draw(&e, &own);
  }
  unscale(d, out);
}

void distribution_mean(const distribution *d, const prediction *p, double *out) {
  for (int j = 0; j < d->width; j++) {
    const entry e = entry_of(d, p, j);
    out[j] = d->kind == DISTRIBUTION_MIXTURE    ? mixture_mean(d, p, j)
             : d->kind == DISTRIBUTION_QUANTILE ? levels_mean(d, p, j)
                                                : entry_mean(&e);
  }
  unscale(d, out);
}

void distribution_mode(const distribution *d, const prediction *p, double *out) {
  if (d->kind == DISTRIBUTION_MIXTURE) mixture_mode(d, p, out);
  for (int j = 0; j < d->width && d->kind != DISTRIBUTION_MIXTURE; j++) {
    const entry e = entry_of(d, p, j);
    out[j] = d->kind == DISTRIBUTION_QUANTILE ? levels_quantile(d, p, j, 0.5) : entry_mode(&e);
  }
  unscale(d, out);
}

void distribution_quantile(const distribution *d, const prediction *p, double level, double *out) {
  for (int j = 0; j < d->width; j++) {
    const entry e = entry_of(d, p, j);
    out[j] = d->kind == DISTRIBUTION_MIXTURE    ? mixture_quantile(d, p, j, level)
             : d->kind == DISTRIBUTION_QUANTILE ? levels_quantile(d, p, j, level)
                                                : entry_quantile(&e, level);
  }
  unscale(d, out);
}

void distribution_cdf(const distribution *d, const prediction *p, const double *y, double *out) {
  for (int j = 0; j < d->width; j++) {
    const entry e = entry_of(d, p, j);
    const double x = scaled(d, j, y[j]);
    out[j] = d->kind == DISTRIBUTION_MIXTURE    ? mixture_cdf(d, p, j, x)
             : d->kind == DISTRIBUTION_QUANTILE ? levels_cdf(d, p, j, x)
                                                : entry_cdf(&e, x);
  }
}

double distribution_log_density(const distribution *d, const prediction *p, const double *y) {
  double sum = 0, x[MAX_ENTRIES];
  if (d->kind == DISTRIBUTION_QUANTILE) return (double)NAN;
  for (int j = 0; j < d->width; j++) {
    const double at = scaled(d, j, y[j]);
    const entry e = entry_of(d, p, j);
    if (d->kind == DISTRIBUTION_MIXTURE)
      x[j] = at;
    else
      sum += entry_log_density(&e, at);
    if (d->mean) sum -= log(d->deviation[j]);
  }
  return d->kind == DISTRIBUTION_MIXTURE ? sum + mixture_log_density(d, p, x) : sum;
}

double distribution_pinball(const distribution *d, const prediction *p, const double *y) {
  double sum = 0;
  for (int i = 0; d->kind == DISTRIBUTION_QUANTILE && i < d->n_numbers; i++)
    for (int j = 0; j < d->width; j++) {
      const double away = y[j] - unscaled(d, j, (double)p->args[0][i * d->width + j]);
      sum += away * (away > 0 ? d->numbers[i] : d->numbers[i] - 1);
    }
  return sum;
}

void distribution_scaled(const distribution *d, const double *y, float *out) {
  for (int j = 0; j < d->width; j++) out[j] = (float)scaled(d, j, y[j]);
}
