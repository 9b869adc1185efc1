/* reference_ctc.c - see reference_ctc.h. State s is a blank where s is even, else symbol (s - 1) / 2. */
#include "verify/reference_ctc.h"
#include <math.h>
#include <stdbool.h>

static double plus(double a, double b) {
  const double top = fmax(a, b);
  return isinf(top) ? top : top + log(exp(a - top) + exp(b - top));
}
static int symbol_of(const reference_ctc *c, int s) { return s % 2 ? c->symbols[s / 2] : c->K - 1; }
static double heard(const reference_ctc *c, int t, int s) { return c->p[(int64_t)t * c->K + symbol_of(c, s)]; }
/* Symbols that differ may follow each other without the blank between them. */
static bool may_skip(const reference_ctc *c, int s) { return s >= 2 && s % 2 && symbol_of(c, s) != symbol_of(c, s - 2); }

static void log_probabilities(const reference_ctc *c) {
  for (int t = 0; t < c->T; t++) {
    double *x = c->p + (int64_t)t * c->K, total = -HUGE_VAL;
    for (int k = 0; k < c->K; k++) total = plus(total, x[k]);
    for (int k = 0; k < c->K; k++) x[k] -= total;
  }
}

double reference_ctc_loss(reference_ctc *c) {
  const int S = 2 * c->n + 1, T = c->T;
  log_probabilities(c);
  for (int t = 0; t < T; t++)
    for (int s = 0; s < S; s++) {
      const double *before = c->forward + (int64_t)(t - 1) * S;
      double sum = t ? before[s] : s < 2 ? 0 : -HUGE_VAL;
      if (t && s >= 1) sum = plus(sum, before[s - 1]);
      if (t && may_skip(c, s)) sum = plus(sum, before[s - 2]);
      c->forward[(int64_t)t * S + s] = sum + heard(c, t, s);
    }
  for (int t = T; t-- > 0;)
    for (int s = 0; s < S; s++) {
      const double *after = c->back + (int64_t)(t + 1) * S;
      double sum = t == T - 1 ? (s >= S - 2 ? 0 : -HUGE_VAL) : after[s] + heard(c, t + 1, s);
      if (t < T - 1 && s + 1 < S) sum = plus(sum, after[s + 1] + heard(c, t + 1, s + 1));
      if (t < T - 1 && s + 2 < S && may_skip(c, s + 2)) sum = plus(sum, after[s + 2] + heard(c, t + 1, s + 2));
      c->back[(int64_t)t * S + s] = sum;
    }
  if (T == 0) return c->n ? HUGE_VAL : 0;
  const double *last = c->forward + (int64_t)(T - 1) * S;
  return -(S > 1 ? plus(last[S - 1], last[S - 2]) : last[0]);
}

double reference_ctc_share(const reference_ctc *c, int t, int k) {
  const int S = 2 * c->n + 1;
  double all = -HUGE_VAL, own = -HUGE_VAL;
  for (int s = 0; s < S; s++) {
    const double both = c->forward[(int64_t)t * S + s] + c->back[(int64_t)t * S + s];
    all = plus(all, both);
    if (symbol_of(c, s) == k) own = plus(own, both);
  }
  return exp(own - all);
}
