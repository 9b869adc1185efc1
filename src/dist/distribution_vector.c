/* distribution_vector.c - quantile() and mixture(), whose one argument holds outputs of several kinds. docs/language.md has the
 * layouts, graph/build_density.c the losses. */
#include <math.h>
#include "base/special.h"
#include "dist/distribution_entry.h"

enum { MAX_LEVELS = 64 };

/* --- quantile(): a distribution function that is linear between the outputs --- */

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

double levels_mean(const distribution *d, const prediction *p, int j) {
  double q[MAX_LEVELS];
  const int n = sorted(d, p, j, q);
  double sum = d->numbers[0] * q[0] + (1 - d->numbers[n - 1]) * q[n - 1];
  for (int i = 0; i + 1 < n; i++) sum += (d->numbers[i + 1] - d->numbers[i]) * 0.5 * (q[i] + q[i + 1]);
  return sum;
}

double levels_quantile(const distribution *d, const prediction *p, int j, double level) {
  double q[MAX_LEVELS];
  const int n = sorted(d, p, j, q);
  if (!(level >= 0 && level <= 1)) return (double)NAN;
  int i = 0;
  while (i < n && d->numbers[i] < level) i++;
  if (i == 0 || i == n) return q[i == 0 ? 0 : n - 1];
  return q[i - 1] + (q[i] - q[i - 1]) * (level - d->numbers[i - 1]) / (d->numbers[i] - d->numbers[i - 1]);
}

double levels_cdf(const distribution *d, const prediction *p, int j, double y) {
  double q[MAX_LEVELS];
  const int n = sorted(d, p, j, q);
  int i = n - 1;
  while (i >= 0 && q[i] > y) i--;
  if (i < 0 || i == n - 1) return i < 0 ? 0 : 1;
  return d->numbers[i] + (y - q[i]) / (q[i + 1] - q[i]) * (d->numbers[i + 1] - d->numbers[i]);
}

/* --- mixture() --- */

typedef struct parts { /* the vector cut up */
  const float *x;
  int n, normals; /* components; entries that are normal */
  bool pen;       /* two offsets that may be correlated, and a bit */
  double total;   /* log sum exp of the weights' logits */
} parts;

static parts parts_of(const distribution *d, const prediction *p) {
  parts m = {.x = p->args[0], .n = (int)d->numbers[0], .pen = d->width == 3};
  m.normals = m.pen ? 2 : d->width;
  double most = -(double)INFINITY, sum = 0;
  for (int k = 0; k < m.n; k++) most = fmax(most, (double)m.x[k]);
  for (int k = 0; k < m.n; k++) sum += exp((double)m.x[k] - most);
  m.total = most + log(sum);
  return m;
}

static double within(double x, double bound) { return x < -bound ? -bound : x > bound ? bound : x; }
static double log_weight(const parts *m, int k) { return (double)m->x[k] - m->total; }
static double mean(const parts *m, int k, int j) { return (double)m->x[(1 + j) * m->n + k]; }
static double log_scale(const parts *m, int k, int j) { return within((double)m->x[(1 + m->normals + j) * m->n + k], 40); }
static double correlation(const parts *m, int k) { return m->pen ? within((double)m->x[5 * m->n + k], 10) : 0; } /* atanh of it */
static double bit(const parts *m) { return (double)m->x[6 * m->n]; }
static bool is_bit(const parts *m, int j) { return m->pen && j == 2; }

static double component_log_density(const parts *m, int k, const double *y) {
  double z[2] = {0, 0}, squares = 0, sum = log_weight(m, k) - m->normals * 0.91893853320467274;
  for (int j = 0; j < m->normals; j++) {
    const double away = (y[j] - mean(m, k, j)) * exp(-log_scale(m, k, j));
    if (j < 2) z[j] = away;
    squares += away * away;
    sum -= log_scale(m, k, j);
  }
  if (!m->pen) return sum - 0.5 * squares;
  const double r = correlation(m, k), u = z[1] * cosh(r) - z[0] * sinh(r);
  return sum + log(cosh(r)) - 0.5 * (z[0] * z[0] + u * u);
}

static double normals_log_density(const parts *m, const double *y) {
  double most = -(double)INFINITY, sum = 0;
  for (int k = 0; k < m->n; k++) most = fmax(most, component_log_density(m, k, y));
  if (isinf(most)) return most;
  for (int k = 0; k < m->n; k++) sum += exp(component_log_density(m, k, y) - most);
  return most + log(sum);
}

static entry bit_of(const parts *m) { return (entry){.kind = DISTRIBUTION_BERNOULLI, .a = bit(m)}; }
static entry normal_of(const parts *m, int k, int j) {
  return (entry){.kind = DISTRIBUTION_GAUSSIAN, .a = mean(m, k, j), .b = exp(log_scale(m, k, j))};
}

double mixture_log_density(const distribution *d, const prediction *p, const double *y) {
  const parts m = parts_of(d, p);
  const double normals = normals_log_density(&m, y);
  if (!m.pen) return normals;
  const entry b = bit_of(&m);
  return normals + entry_log_density(&b, y[2]);
}

void mixture_draw(const distribution *d, const prediction *p, draw_place *at, double *out) {
  const parts m = parts_of(d, p);
  double u = draw_uniform(at);
  int k = 0;
  for (double share = exp(log_weight(&m, 0)); k + 1 < m.n && u >= share; share = exp(log_weight(&m, k))) u -= share, k++;
  for (int j = 0; j < m.normals; j++) out[j] = draw_normal(at);
  if (m.pen) {
    const double r = correlation(&m, k);
    out[1] = tanh(r) * out[0] + out[1] / cosh(r);
    const entry b = bit_of(&m);
    out[2] = entry_draw(&b, at);
  }
  for (int j = 0; j < m.normals; j++) out[j] = mean(&m, k, j) + exp(log_scale(&m, k, j)) * out[j];
}

/* Of the components' means the one where the density is largest. */
void mixture_mode(const distribution *d, const prediction *p, double *out) {
  const parts m = parts_of(d, p);
  double most = -(double)INFINITY;
  int best = 0;
  for (int k = 0; k < m.n; k++) {
    for (int j = 0; j < m.normals; j++) out[j] = mean(&m, k, j);
    const double density = normals_log_density(&m, out);
    if (density > most) most = density, best = k;
  }
  for (int j = 0; j < m.normals; j++) out[j] = mean(&m, best, j);
  if (m.pen) out[2] = bit(&m) > 0;
}

double mixture_mean(const distribution *d, const prediction *p, int j) {
  const parts m = parts_of(d, p);
  double sum = 0;
  if (is_bit(&m, j)) return entry_sigmoid(bit(&m));
  for (int k = 0; k < m.n; k++) sum += exp(log_weight(&m, k)) * mean(&m, k, j);
  return sum;
}

static double share_below(const parts *m, int j, double y) {
  double sum = 0;
  for (int k = 0; k < m->n; k++) {
    const entry e = normal_of(m, k, j);
    sum += exp(log_weight(m, k)) * entry_cdf(&e, y);
  }
  return sum < 1 ? sum : 1;
}

double mixture_cdf(const distribution *d, const prediction *p, int j, double y) {
  const parts m = parts_of(d, p);
  if (!is_bit(&m, j)) return share_below(&m, j, y);
  const entry b = bit_of(&m);
  return entry_cdf(&b, y);
}

/* It lies between the least and the largest of the components' quantiles. */
double mixture_quantile(const distribution *d, const prediction *p, int j, double level) {
  const parts m = parts_of(d, p);
  double low = (double)INFINITY, high = -(double)INFINITY;
  if (is_bit(&m, j)) {
    const entry b = bit_of(&m);
    return entry_quantile(&b, level);
  }
  for (int k = 0; k < m.n; k++) {
    const entry e = normal_of(&m, k, j);
    const double q = entry_quantile(&e, level);
    if (isnan(q)) return q;
    low = fmin(low, q);
    high = fmax(high, q);
  }
  if (isinf(low)) return low;
  for (int i = 0; i < 200 && high - low > 1e-15 * fmax(fabs(low), fabs(high)); i++) {
    const double middle = low + 0.5 * (high - low);
    if (middle <= low || middle >= high) break;
    if (share_below(&m, j, middle) < level)
      low = middle;
    else
      high = middle;
  }
  return high;
}
