/* build_vector.c - quantile() and mixture(), whose last argument is a vector that holds outputs of several kinds. docs/language.md
 * has the layouts. */
#include "graph/build_internal.h"

enum { MAX_ENTRIES = 256 }; /* of what a mixture predicts: every entry has equations of its own */
static const double LOG_2PI = 1.8378770664093454836, HALF_LOG_2PI = 0.9189385332046727418;
static const double SCALE_BOUND = 40, CORRELATION_BOUND = 10;

static int plus(const site *c, int x, int y) { return site_binary(c, OP_ADD, x, y); }
static int minus(const site *c, int x, int y) { return site_binary(c, OP_SUB, x, y); }
static int times(const site *c, int x, int y) { return site_binary(c, OP_MUL, x, y); }
static int half(const site *c, int x) { return times(c, site_number(c, 0.5), x); }

static int within(const site *c, int x, double bound) {
  return site_binary(c, OP_MAX, site_number(c, -bound), site_binary(c, OP_MIN, site_number(c, bound), x));
}

/* The width of the vector: each * times + more. */
static bool wide(builder *b, scope *s, const expr *e, int each, int many, int more, int *needed) {
  int per = 0;
  if (!__builtin_mul_overflow(each, many, &per) && !__builtin_add_overflow(per, more, needed) && *needed <= MAX_WIDTH) return true;
  return FAIL(b, s, e->at, "too wide"), false;
}

/* --- quantile(levels ..., x) --- */

bool quantile_numbers(builder *b, scope *s, const expr *e, int width, loss_term *l, int *needed) {
  if (e->n_args < 2) return FAIL(b, s, e->at, "'quantile' takes levels and a vector"), false;
  for (int i = 0; i < l->n_numbers; i++) {
    if (!build_number(b, s, e->args[i], &l->numbers[i]) || !(l->numbers[i] > 0 && l->numbers[i] < 1))
      return FAIL(b, s, e->args[i]->at, "a level must be a number between 0 and 1"), false;
    if (i > 0 && l->numbers[i] <= l->numbers[i - 1])
      return FAIL(b, s, e->args[i]->at, "the levels must rise: %g comes after %g", l->numbers[i], l->numbers[i - 1]), false;
  }
  return wide(b, s, e, width, l->n_numbers, 0, needed);
}

/* The pinball loss of every level: max(level (y - q), (level - 1) (y - q)). */
int quantile_loss(const site *c, const loss_term *l, int width) {
  int total = TERM_NONE;
  for (int i = 0; i < l->n_numbers; i++) {
    const int away = minus(c, c->y, site_slice(c, l->args[0], i * width, width)), level = site_number(c, l->numbers[i]);
    const int one = site_binary(c, OP_MAX, times(c, level, away), times(c, site_number(c, l->numbers[i] - 1), away));
    total = i == 0 ? one : plus(c, total, one);
  }
  return site_reduce(c, OP_ROW_SUM, total);
}

/* --- mixture(n, x) --- */

/* Weights, means and log scales; for a pen (x, y, lifted) also correlations, and one bit (Graves 2013). */
bool mixture_numbers(builder *b, scope *s, const expr *e, int width, loss_term *l, int *needed) {
  int n = 0, per = 0;
  if (e->n_args != 2) return FAIL(b, s, e->at, "'mixture' takes a number of components and a vector"), false;
  if (!build_integer(b, s, e->args[0], "the number of components", 1, 1024, &n)) return false;
  l->numbers[0] = n;
  if (width == 3) return *needed = 6 * n + 1, true;
  return wide(b, s, e, width, 2, 1, &per) && wide(b, s, e, per, n, 0, needed);
}

/* (y - mean) / scale of entry j in each of n components; adds its log scale to *scales. */
static int standard(const site *c, int x, int width, int n, int j, int *scales) {
  const int log_scale = within(c, site_slice(c, x, (1 + width + j) * n, n), SCALE_BOUND);
  const int away = minus(c, site_slice(c, c->y, j, 1), site_slice(c, x, (1 + j) * n, n));
  *scales = *scales == TERM_NONE ? log_scale : plus(c, *scales, log_scale);
  return times(c, away, site_unary(c, OP_EXP, site_unary(c, OP_NEG, log_scale)));
}

/* -log of each component's density of the first `width` entries, all independent. */
static int independent(const site *c, int x, int width, int n) {
  int scales = TERM_NONE, squares = TERM_NONE;
  for (int j = 0; j < width && c->b->status == UNROLL_OK; j++) {
    const int square = site_unary(c, OP_SQUARE, standard(c, x, width, n, j, &scales));
    squares = j == 0 ? square : plus(c, squares, square);
  }
  return plus(c, plus(c, half(c, squares), scales), site_number(c, width * HALF_LOG_2PI));
}

/* The same of a pen's offsets with correlation tanh r (Graves 2013, equations 24 and 25):
 *   (z1^2 + u^2) / 2 + log(s1 s2) - log cosh r + log(2 pi), u = z2 cosh r - z1 sinh r = (e^r (z2 - z1) + e^-r (z2 + z1)) / 2 */
static int correlated(const site *c, int x, int n) {
  int scales = TERM_NONE;
  const int z1 = standard(c, x, 2, n, 0, &scales), z2 = standard(c, x, 2, n, 1, &scales);
  const int r = within(c, site_slice(c, x, 5 * n, n), CORRELATION_BOUND), back = site_unary(c, OP_NEG, r);
  const int up = times(c, site_unary(c, OP_EXP, r), minus(c, z2, z1)),
            down = times(c, site_unary(c, OP_EXP, back), plus(c, z2, z1));
  const int squares = plus(c, site_unary(c, OP_SQUARE, z1), site_unary(c, OP_SQUARE, half(c, plus(c, up, down))));
  const int two = plus(c, r, r); /* log cosh r = softplus(2 r) - r - log 2 */
  const int cosh = minus(c, site_unary(c, OP_SOFTPLUS, two), r);
  return plus(c, plus(c, half(c, squares), minus(c, scales, cosh)), site_number(c, LOG_2PI + 0.6931471805599453094));
}

/* softplus((1 - 2 y) z): -log p of a bit y with logits z */
static int bit(const site *c, int y, int z) {
  const int side = minus(c, site_number(c, 1), plus(c, y, y));
  return site_unary(c, OP_SOFTPLUS, times(c, side, z));
}

/* log sum e^w - log sum e^(w + log density): the weights are softmax(w). First about its largest entry is taken from w, without a
 * gradient. Any number changes neither value nor gradient, and this one leaves logits of any size their digits. */
int mixture_loss(const site *c, const loss_term *l, int width) {
  const int n = (int)l->numbers[0], x = l->args[0], given = site_slice(c, x, 0, n);
  const int weights = minus(c, given, site_unary(c, OP_HOLD, site_reduce(c, OP_LOG_SUM_EXP, given)));
  const bool pen = width == 3;
  if (width > MAX_ENTRIES) return FAIL(c->b, c->s, c->e->at, "a mixture predicts at most %d numbers, not %d", MAX_ENTRIES, width);
  const int each = minus(c, weights, pen ? correlated(c, x, n) : independent(c, x, width, n));
  const int total = minus(c, site_reduce(c, OP_LOG_SUM_EXP, weights), site_reduce(c, OP_LOG_SUM_EXP, each));
  return pen ? plus(c, total, bit(c, site_slice(c, c->y, 2, 1), site_slice(c, x, 6 * n, 1))) : total;
}
