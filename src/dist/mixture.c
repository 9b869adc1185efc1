/* mixture.c - mixture(): normal distributions of vectors with weights, for a pen also correlations and a bit (Graves 2013).
 * docs/language.md has the layout, graph/build_vector.c the loss. */
#include <math.h>
#include "dist/form.h"

typedef struct parts { /* the vector cut up */
  const float *x;
  int n, normals; /* components; entries that are normal */
  bool pen;       /* two offsets that may be correlated, and a bit */
  double sharper; /* the weights' logits are to be taken times this */
  double total;   /* log sum exp of them */
} parts;

static parts parts_of(const distribution *d, const prediction *p, double sharper) {
  parts m = {.x = p->args[0], .n = (int)d->numbers[0], .sharper = sharper, .pen = d->width == 3};
  m.normals = m.pen ? 2 : d->width;
  double most = -(double)INFINITY, sum = 0;
  for (int k = 0; k < m.n; k++) most = fmax(most, sharper * (double)m.x[k]);
  for (int k = 0; k < m.n; k++) sum += exp(sharper * (double)m.x[k] - most);
  m.total = most + log(sum);
  return m;
}

static double within(double x, double bound) { return x < -bound ? -bound : x > bound ? bound : x; }
static double log_weight(const parts *m, int k) { return m->sharper * (double)m->x[k] - m->total; }
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

/* Arguments of component k's normal for entry j. */
static void normal_of(const parts *m, int k, int j, double a[2]) {
  a[0] = mean(m, k, j);
  a[1] = exp(log_scale(m, k, j));
}

static double mixture_log_density(const distribution *d, const prediction *p, const double *y) {
  const parts m = parts_of(d, p, 1);
  const double normals = normals_log_density(&m, y);
  if (!m.pen) return normals;
  const double b = bit(&m);
  return normals + number_bernoulli.log_density(&b, y[2]);
}

/* As a bias b changes it (Graves 2013, eq. 61 and 62): the weights' logits times 1 + b, deviations times e^-b; 1 + b is 1 /
 * temperature. Correlations and the bit stay. */
static void mixture_draw(const distribution *d, const prediction *p, const draw_choice *how, const draw_place *at, double *out) {
  draw_place own = draw_inner(at, 0);
  const double sharper = 1 / how->temperature, narrower = exp(1 - sharper);
  const parts m = parts_of(d, p, sharper);
  double u = draw_uniform(&own);
  int k = 0;
  for (double share = exp(log_weight(&m, 0)); k + 1 < m.n && u >= share; share = exp(log_weight(&m, k))) u -= share, k++;
  for (int j = 0; j < m.normals; j++) out[j] = draw_normal(&own);
  if (m.pen) {
    const double r = correlation(&m, k);
    out[1] = tanh(r) * out[0] + out[1] / cosh(r);
    const double b = bit(&m);
    out[2] = number_bernoulli.draw(&b, &own);
  }
  for (int j = 0; j < m.normals; j++) out[j] = mean(&m, k, j) + exp(log_scale(&m, k, j)) * narrower * out[j];
}

/* Of the components' means the one where the density is largest. */
static void mixture_mode(const distribution *d, const prediction *p, double *out) {
  const parts m = parts_of(d, p, 1);
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

static double mixture_mean(const distribution *d, const prediction *p, int j) {
  const parts m = parts_of(d, p, 1);
  double sum = 0;
  if (is_bit(&m, j)) return form_sigmoid(bit(&m));
  for (int k = 0; k < m.n; k++) sum += exp(log_weight(&m, k)) * mean(&m, k, j);
  return sum;
}

static double share_below(const parts *m, int j, double y) {
  double sum = 0;
  for (int k = 0; k < m->n; k++) {
    double a[2];
    normal_of(m, k, j, a);
    sum += exp(log_weight(m, k)) * number_gaussian.cdf(a, y);
  }
  return sum < 1 ? sum : 1;
}

static double mixture_cdf(const distribution *d, const prediction *p, int j, double y) {
  const parts m = parts_of(d, p, 1);
  if (!is_bit(&m, j)) return share_below(&m, j, y);
  const double b = bit(&m);
  return number_bernoulli.cdf(&b, y);
}

/* It lies between the least and the largest of the components' quantiles. */
static double mixture_quantile(const distribution *d, const prediction *p, int j, double level) {
  const parts m = parts_of(d, p, 1);
  double low = (double)INFINITY, high = -(double)INFINITY;
  if (is_bit(&m, j)) {
    const double b = bit(&m);
    return number_bernoulli.quantile(&b, level);
  }
  for (int k = 0; k < m.n; k++) {
    double a[2];
    normal_of(&m, k, j, a);
    const double q = number_gaussian.quantile(a, level);
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

static const vector_form mixture = {.draw = mixture_draw,
                                    .mode = mixture_mode,
                                    .mean = mixture_mean,
                                    .quantile = mixture_quantile,
                                    .cdf = mixture_cdf,
                                    .log_density = mixture_log_density,
                                    .heats = true,
                                    .biased = true};
const distribution_form form_mixture = {.vector = &mixture};
