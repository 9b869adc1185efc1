/* build_density.c - the negative log-likelihoods of numbers as equations, in nats per row. docs/language.md has the formulas.
 *
 * They are arranged such that arguments of any size give what the density is, as far as a float can hold it: no difference of gamma
 * functions, no logarithm of what may have become 0, no exponential that is not bounded. */
#include "graph/build_internal.h"
#include <string.h>

enum { MAX_ENTRIES = 256 }; /* of what a mixture predicts: every entry has equations of its own */
static const double LOG_2PI = 1.8378770664093454836, HALF_LOG_2PI = 0.9189385332046727418;
static const double SCALE_BOUND = 40, CORRELATION_BOUND = 10;

typedef struct site { /* where terms are made */
  builder *b;
  scope *s;
  const expr *e;
  int y; /* what is predicted */
} site;

static int unary(const site *c, enum op op, int x) { return term_unary(c->b, c->s, c->e, op, x); }
static int binary(const site *c, enum op op, int x, int y) {
  return x == TERM_NONE || y == TERM_NONE ? TERM_NONE : term_binary(c->b, c->s, c->e, op, x, y);
}
static int number(const site *c, double value) { return term_number(c->b, c->s, c->e, value); }
static int plus(const site *c, int x, int y) { return binary(c, OP_ADD, x, y); }
static int minus(const site *c, int x, int y) { return binary(c, OP_SUB, x, y); }
static int times(const site *c, int x, int y) { return binary(c, OP_MUL, x, y); }
static int over(const site *c, int x, int y) { return binary(c, OP_DIV, x, y); }
static int half(const site *c, int x) { return times(c, number(c, 0.5), x); }

/* One number for each row. */
static int reduce(const site *c, enum op op, int x) {
  if (x == TERM_NONE) return TERM_NONE;
  const int one = width_known(c->b, 1, "a sum");
  const int t = one == WIDTH_FREE ? TERM_NONE : term_add(c->b, c->s, c->e, TERM_REDUCE, one, &x, 1);
  if (t != TERM_NONE) c->b->terms[t].op = op;
  return t;
}

/* Columns first .. first + n - 1. */
static int slice(const site *c, int x, int first, int n) {
  const int width = width_known(c->b, n, "a part");
  const int t = x == TERM_NONE || width == WIDTH_FREE ? TERM_NONE : term_add(c->b, c->s, c->e, TERM_SLICE, width, &x, 1);
  if (t != TERM_NONE) c->b->terms[t].lag = first;
  return t;
}

static int within(const site *c, int x, double bound) {
  return binary(c, OP_MAX, number(c, -bound), binary(c, OP_MIN, number(c, bound), x));
}

/* --- entries that are independent --- */

/* -log p(y) with logits z: softplus(z) - y z */
static int bernoulli(const site *c, int y, int z) { return minus(c, unary(c, OP_SOFTPLUS, z), times(c, y, z)); }

/* ((y - m) / s)^2 / 2 + log s + log(2 pi) / 2 */
static int gaussian(const site *c, int mean, int scale) {
  const int z = over(c, minus(c, c->y, mean), scale);
  return plus(c, plus(c, half(c, unary(c, OP_SQUARE, z)), unary(c, OP_LOG, scale)), number(c, HALF_LOG_2PI));
}

/* |y - m| / s + log(2 s) */
static int laplace(const site *c, int mean, int scale) {
  const int away = unary(c, OP_ABS, minus(c, c->y, mean));
  return plus(c, over(c, away, scale), unary(c, OP_LOG, times(c, number(c, 2), scale)));
}

/* (v + 1) / 2 log(1 + z^2 / v) + log s + log(v) / 2 + log B(v / 2, 1/2), z = (y - m) / s */
static int student_t(const site *c, int mean, int scale, int dof) {
  const int z = over(c, over(c, minus(c, c->y, mean), scale), unary(c, OP_SQRT, dof));
  const int tail = times(c, half(c, plus(c, dof, number(c, 1))), unary(c, OP_LOG1P_SQUARE, z));
  const int logs = plus(c, unary(c, OP_LOG, scale), half(c, unary(c, OP_LOG, dof)));
  return plus(c, plus(c, tail, logs), binary(c, OP_LBETA, half(c, dof), number(c, 0.5)));
}

/* With r = 1 / shape and l = log(mean shape): y log(1 + e^-l) + r log(1 + e^l) + log B(y + 1, r) + log(y + r), where the last two
 * are -log of the binomial coefficient gamma(y + r) / (gamma(y + 1) gamma(r)). */
static int negative_binomial(const site *c, int mean, int shape) {
  const int r = over(c, number(c, 1), shape), l = plus(c, unary(c, OP_LOG, mean), unary(c, OP_LOG, shape));
  const int counts = times(c, c->y, unary(c, OP_SOFTPLUS, unary(c, OP_NEG, l)));
  const int rest = times(c, r, unary(c, OP_SOFTPLUS, l));
  const int ways = plus(c, binary(c, OP_LBETA, plus(c, c->y, number(c, 1)), r), unary(c, OP_LOG, plus(c, c->y, r)));
  return plus(c, plus(c, counts, rest), ways);
}

/* --- vectors --- */

/* The pinball loss of every level: max(level (y - q), (level - 1) (y - q)). */
static int quantile(const site *c, const loss_term *l, int width) {
  int total = TERM_NONE;
  for (int i = 0; i < l->n_numbers; i++) {
    const int away = minus(c, c->y, slice(c, l->args[0], i * width, width)), level = number(c, l->numbers[i]);
    const int one = binary(c, OP_MAX, times(c, level, away), times(c, number(c, l->numbers[i] - 1), away));
    total = i == 0 ? one : plus(c, total, one);
  }
  return reduce(c, OP_ROW_SUM, total);
}

/* (y - mean) / scale of entry j in each of n components; adds its log scale to *scales. */
static int standard(const site *c, int x, int width, int n, int j, int *scales) {
  const int log_scale = within(c, slice(c, x, (1 + width + j) * n, n), SCALE_BOUND);
  const int away = minus(c, slice(c, c->y, j, 1), slice(c, x, (1 + j) * n, n));
  *scales = *scales == TERM_NONE ? log_scale : plus(c, *scales, log_scale);
  return times(c, away, unary(c, OP_EXP, unary(c, OP_NEG, log_scale)));
}

/* -log of each component's density of the first `width` entries, all independent. */
static int independent(const site *c, int x, int width, int n) {
  int scales = TERM_NONE, squares = TERM_NONE;
  for (int j = 0; j < width && c->b->status == UNROLL_OK; j++) {
    const int square = unary(c, OP_SQUARE, standard(c, x, width, n, j, &scales));
    squares = j == 0 ? square : plus(c, squares, square);
  }
  return plus(c, plus(c, half(c, squares), scales), number(c, width * HALF_LOG_2PI));
}

/* The same of a pen's offsets with correlation tanh r (Graves 2013, eq. 24 and 25):
 * (z1^2 + u^2) / 2 + log(s1 s2) - log cosh r + log(2 pi), u = z2 cosh r - z1 sinh r = (e^r (z2 - z1) + e^-r (z2 + z1)) / 2. */
static int correlated(const site *c, int x, int n) {
  int scales = TERM_NONE;
  const int z1 = standard(c, x, 2, n, 0, &scales), z2 = standard(c, x, 2, n, 1, &scales);
  const int r = within(c, slice(c, x, 5 * n, n), CORRELATION_BOUND), back = unary(c, OP_NEG, r);
  const int up = times(c, unary(c, OP_EXP, r), minus(c, z2, z1)), down = times(c, unary(c, OP_EXP, back), plus(c, z2, z1));
  const int squares = plus(c, unary(c, OP_SQUARE, z1), unary(c, OP_SQUARE, half(c, plus(c, up, down))));
  const int two = plus(c, r, r); /* log cosh r = softplus(2 r) - r - log 2 */
  const int cosh = minus(c, unary(c, OP_SOFTPLUS, two), r);
  return plus(c, plus(c, half(c, squares), minus(c, scales, cosh)), number(c, LOG_2PI + 0.6931471805599453094));
}

/* log sum e^w - log sum e^(w + log density): the weights are softmax(w). */
static int mixture(const site *c, const loss_term *l, int width) {
  const int n = (int)l->numbers[0], x = l->args[0], weights = slice(c, x, 0, n);
  const bool pen = width == 3;
  if (width > MAX_ENTRIES) return FAIL(c->b, c->s, c->e->at, "a mixture predicts at most %d numbers, not %d", MAX_ENTRIES, width);
  const int each = minus(c, weights, pen ? correlated(c, x, n) : independent(c, x, width, n));
  const int total = minus(c, reduce(c, OP_LOG_SUM_EXP, weights), reduce(c, OP_LOG_SUM_EXP, each));
  return pen ? plus(c, total, bernoulli(c, slice(c, c->y, 2, 1), slice(c, x, 6 * n, 1))) : total;
}

int build_density(builder *b, scope *s, const expr *e, const loss_term *l) {
  const site c = {b, s, e, term_data(b, s, e, l->data, 0)};
  const int *a = l->args, width = b->g->data[l->data].width;
  if (c.y == TERM_NONE) return TERM_NONE;
  if (!strcmp(l->distribution, "quantile")) return quantile(&c, l, width);
  if (!strcmp(l->distribution, "mixture")) return mixture(&c, l, width);
  int t;
  if (!strcmp(l->distribution, "bernoulli"))
    t = bernoulli(&c, c.y, a[0]);
  else if (!strcmp(l->distribution, "laplace"))
    t = laplace(&c, a[0], a[1]);
  else if (!strcmp(l->distribution, "student_t"))
    t = student_t(&c, a[0], a[1], a[2]);
  else if (!strcmp(l->distribution, "negative_binomial"))
    t = negative_binomial(&c, a[0], a[1]);
  else
    t = gaussian(&c, a[0], a[1]);
  return reduce(&c, OP_ROW_SUM, t);
}
