/* softmax.c - softmax over symbols: probabilities, the likeliest, draws. See distribution.h. */
#include <float.h>
#include <math.h>
#include <string.h>
#include "base/sort.h"
#include "dist/form.h"

double distribution_log_sum(const distribution *d, const prediction *p) {
  const float *x = p->args[0];
  double most = (double)x[0], sum = 0;
  for (int i = 1; i < d->width; i++)
    if ((double)x[i] > most) most = (double)x[i];
  for (int i = 0; i < d->width; i++) sum += exp((double)x[i] - most);
  return most + log(sum);
}

double distribution_log_symbol(const distribution *d, const prediction *p, int32_t symbol) {
  return (double)p->args[0][symbol] - distribution_log_sum(d, p);
}

void distribution_probabilities(const distribution *d, const prediction *p, double *out) {
  const double total = distribution_log_sum(d, p);
  for (int i = 0; i < d->width; i++) out[i] = exp((double)p->args[0][i] - total);
}

enum { LANES = 8, BLOCK = 64 };

/* The largest of BLOCK numbers, in lanes that the processor fills side by side. */
static float block_largest(const float *x) {
  float most[LANES];
  for (int l = 0; l < LANES; l++) most[l] = x[l];
  for (int i = LANES; i < BLOCK; i += LANES)
    for (int l = 0; l < LANES; l++) most[l] = x[i + l] > most[l] ? x[i + l] : most[l];
  for (int l = 1; l < LANES; l++) most[0] = most[l] > most[0] ? most[l] : most[0];
  return most[0];
}

/* Adds to counts of lanes: what is not a number or infinite, and what is possible. */
static void block_look(const float *x, int *bad, int *possible) {
  for (int i = 0; i < BLOCK; i += LANES)
    for (int l = 0; l < LANES; l++) {
      bad[l] |= !(x[i + l] <= FLT_MAX);
      possible[l] |= x[i + l] >= -FLT_MAX;
    }
}

bool distribution_can_draw(const distribution *d, const prediction *p) {
  const float *x = p->args[0];
  int bad[LANES] = {0}, possible[LANES] = {0}, i = 0;
  for (; i + BLOCK <= d->width; i += BLOCK) block_look(x + i, bad, possible);
  for (; i < d->width; i++) {
    bad[0] |= !(x[i] <= FLT_MAX);
    possible[0] |= x[i] >= -FLT_MAX;
  }
  for (int l = 1; l < LANES; l++) {
    bad[0] |= bad[l];
    possible[0] |= possible[l];
  }
  return !bad[0] && possible[0];
}

int32_t distribution_likeliest(const distribution *d, const prediction *p) {
  const float *x = p->args[0];
  int best = 0, i = 1;
  for (; i < d->width && i < BLOCK; i++)
    if (x[i] > x[best]) best = i;
  for (; i + BLOCK <= d->width; i += BLOCK) {
    if (block_largest(x + i) <= x[best]) continue;
    for (int k = i; k < i + BLOCK; k++)
      if (x[k] > x[best]) best = k;
  }
  for (; i < d->width; i++)
    if (x[i] > x[best]) best = i;
  return best;
}

int64_t distribution_rank(const distribution *d, const prediction *p, int32_t symbol) {
  const float *x = p->args[0];
  int64_t rank = 1;
  for (int i = 0; i < d->width; i++) rank += x[i] > x[symbol] || (x[i] == x[symbol] && i < symbol);
  return rank;
}

/* --- in falling order --- */

/* A key that grows as x falls, and at equal x with the symbol. */
static uint64_t falling_key(float x, int symbol) {
  uint32_t bits;
  const float plain = x + 0.0f; /* -0 is 0 */
  memcpy(&bits, &plain, sizeof bits);
  bits = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return (uint64_t)~bits << 32 | (uint32_t)symbol;
}

static void sort_falling(const distribution *d, const prediction *p, uint64_t *keys) {
  for (int i = 0; i < d->width; i++) keys[i] = falling_key(p->args[0][i], i);
  sort_keys(keys, (size_t)d->width);
}

static int symbol_of(uint64_t key) { return (int)(key & 0xffffffffu); }

size_t distribution_scratch(const distribution *d) { return (size_t)d->width * (sizeof(uint64_t) + sizeof(double)); }

int distribution_best(const distribution *d, const prediction *p, int k, int32_t *symbols, void *scratch) {
  uint64_t *keys = scratch;
  sort_falling(d, p, keys);
  const int n = k < d->width ? k : d->width;
  for (int i = 0; i < n; i++) symbols[i] = symbol_of(keys[i]);
  return n;
}

/* --- draws --- */

/* Zeros but for the likeliest symbols that are asked for. */
static void cut(const distribution *d, const prediction *p, const draw_choice *how, double *shares, uint64_t *keys) {
  const int n = d->width, k = how->top_k > 0 && how->top_k < n ? how->top_k : n;
  const bool nucleus = how->top_p > 0 && how->top_p < 1;
  if (k == n && !nucleus) return;
  sort_falling(d, p, keys);
  double sum = 0, taken = 0;
  for (int i = 0; i < k; i++) sum += shares[symbol_of(keys[i])];
  for (int i = 0; i < n; i++) {
    double *share = &shares[symbol_of(keys[i])];
    if (i >= k || (nucleus && i > 0 && taken >= how->top_p * sum)) *share = 0;
    taken += *share;
  }
}

int32_t distribution_draw_symbol(const distribution *d, const prediction *p, const draw_choice *how, double u, void *scratch) {
  const int n = d->width;
  const float *x = p->args[0];
  double *shares = (double *)((uint64_t *)scratch + n), sum = 0;
  int32_t last = distribution_likeliest(d, p);
  const double most = (double)x[last];
  if (how->temperature == 0) return last;
  for (int i = 0; i < n; i++) shares[i] = exp(((double)x[i] - most) / how->temperature);
  cut(d, p, how, shares, scratch);
  for (int i = 0; i < n; i++) sum += shares[i];
  u *= sum;
  for (int i = 0; i < n; i++) {
    if (shares[i] > 0) last = i;
    u -= shares[i];
    if (u < 0 && shares[i] > 0) return i;
  }
  return last;
}

const distribution_form form_softmax = {.symbols = true};
