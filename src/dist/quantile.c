/* quantile.c - quantile(): outputs that are quantiles at given levels, and between them a distribution function that is linear. It
 * has no density. docs/language.md has the layout. */
#include <math.h>
#include "dist/form.h"

enum { MAX_LEVELS = 64 };

/* The outputs for entry j, sorted (Chernozhukov, Fernandez-Val & Galichon 2010). */
static int sorted(const distribution *d, const prediction *p, int j, double q[MAX_LEVELS]) {
  const int n = d->n_numbers < MAX_LEVELS ? d->n_numbers : MAX_LEVELS;
  for (int i = 0; i < n; i++) {
    const double x = (double)p->args[0][i * d->width + j];
    int k = i;
    for (; k > 0 && q[k - 1] > x; k--) q[k] = q[k - 1];
    q[k] = x;
  }
  return n;
}

static double levels_mean(const distribution *d, const prediction *p, int j) {
  double q[MAX_LEVELS];
  const int n = sorted(d, p, j, q);
  double sum = d->numbers[0] * q[0] + (1 - d->numbers[n - 1]) * q[n - 1];
  for (int i = 0; i + 1 < n; i++) sum += (d->numbers[i + 1] - d->numbers[i]) * 0.5 * (q[i] + q[i + 1]);
  return sum;
}

static double levels_quantile(const distribution *d, const prediction *p, int j, double level) {
  double q[MAX_LEVELS];
  const int n = sorted(d, p, j, q);
  if (!(level >= 0 && level <= 1)) return (double)NAN;
  int i = 0;
  while (i < n && d->numbers[i] < level) i++;
  if (i == 0 || i == n) return q[i == 0 ? 0 : n - 1];
  return q[i - 1] + (q[i] - q[i - 1]) * (level - d->numbers[i - 1]) / (d->numbers[i] - d->numbers[i - 1]);
}

static double levels_cdf(const distribution *d, const prediction *p, int j, double y) {
  double q[MAX_LEVELS];
  const int n = sorted(d, p, j, q);
  int i = n - 1;
  while (i >= 0 && q[i] > y) i--;
  if (i < 0 || i == n - 1) return i < 0 ? 0 : 1;
  return d->numbers[i] + (y - q[i]) / (q[i + 1] - q[i]) * (d->numbers[i + 1] - d->numbers[i]);
}

static void draw(const distribution *d, const prediction *p, const draw_choice *how, const draw_place *at, double *out) {
  (void)how;
  for (int j = 0; j < d->width; j++) {
    draw_place own = draw_inner(at, (uint32_t)j);
    out[j] = levels_quantile(d, p, j, draw_uniform(&own));
  }
}

/* The median. */
static void mode(const distribution *d, const prediction *p, double *out) {
  for (int j = 0; j < d->width; j++) out[j] = levels_quantile(d, p, j, 0.5);
}

static const vector_form quantile = {
    .draw = draw, .mode = mode, .mean = levels_mean, .quantile = levels_quantile, .cdf = levels_cdf, .levels = true};
const distribution_form form_quantile = {.vector = &quantile};
