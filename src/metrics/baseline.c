/* baseline.c - see baseline.h. Sums over all beginnings of the series are made once, so that each window costs the same. */
#include "metrics/baseline.h"
#include <math.h>
#include "base/error.h"
#include "base/memory.h"

const char *const baseline_names[BASELINE_COUNT] = {"naive", "seasonal naive", "drift"};

enum { DIFFERENCES, DIFFERENCES_N, SEASON_ABSOLUTE, SEASON_SQUARES, SEASON_N, N_SUMS };

unroll_status baseline_init(baseline *b, const double *y, int64_t n, int64_t season, unroll_error *err) {
  *b = (baseline){.y = y, .n = n, .season = season, .first = -1};
  b->sums = mem_zero((size_t)n + 1, N_SUMS * sizeof *b->sums);
  b->last = mem_zero((size_t)n + 1, sizeof *b->last);
  if (!b->sums || !b->last) return error_memory(err);
  for (int64_t t = 0; t < n; t++) {
    const double *before = b->sums + t * N_SUMS;
    double *next = b->sums + (t + 1) * N_SUMS;
    const double step = t > 0 ? y[t] - y[t - 1] : (double)NAN, over = t >= season ? y[t] - y[t - season] : (double)NAN;
    for (int i = 0; i < N_SUMS; i++) next[i] = before[i];
    if (!isnan(step)) next[DIFFERENCES] += step * step, next[DIFFERENCES_N]++;
    if (!isnan(over)) next[SEASON_ABSOLUTE] += fabs(over), next[SEASON_SQUARES] += over * over, next[SEASON_N]++;
    b->last[t] = !isnan(y[t]) ? t : t > 0 ? b->last[t - 1] : -1;
    if (b->first < 0 && !isnan(y[t])) b->first = t;
  }
  return UNROLL_OK;
}

void baseline_free(baseline *b) {
  mem_free(b->sums);
  mem_free(b->last);
  *b = (baseline){0};
}

static double root_mean(double sum, double n) { return n > 0 ? sqrt(sum / n) : 0; }

/* The value of a season before step `at` + h - 1, or of the season before that, where there was none; -1: of none. */
static int64_t season_ago(const baseline *b, int64_t at, int64_t h) {
  int64_t t = at - b->season + (h - 1) % b->season;
  while (t >= 0 && isnan(b->y[t])) t -= b->season;
  return t;
}

void baseline_at(const baseline *b, enum baseline_kind kind, int64_t at, int64_t h, double *point, double *deviation) {
  const double *sums = b->sums + at * N_SUMS;
  const int64_t end = b->last[at - 1], season = kind == BASELINE_SEASONAL && at >= b->season ? season_ago(b, at, h) : -1;
  const double last = end < 0 ? (double)NAN : b->y[end], naive = root_mean(sums[DIFFERENCES], sums[DIFFERENCES_N]);
  const int64_t ahead = at - 1 - end + h;
  *point = last;
  *deviation = naive * sqrt((double)ahead);
  if (season >= 0) {
    *point = b->y[season];
    const double seasons = (double)((h - 1) / b->season + 1);
    if (at > b->season) *deviation = root_mean(sums[SEASON_SQUARES], sums[SEASON_N]) * sqrt(seasons);
  }
  if (kind == BASELINE_DRIFT && end > b->first) {
    const double n = (double)(end - b->first), slope = (last - b->y[b->first]) / n, rest = naive * naive - slope * slope;
    *point = last + (double)ahead * slope;
    *deviation = sqrt(rest > 0 ? rest : 0) * sqrt((double)ahead * (1 + (double)ahead / n));
  }
}

double baseline_scale(const baseline *b, int64_t at) {
  const double *sums = b->sums + at * N_SUMS, mean = sums[SEASON_N] > 0 ? sums[SEASON_ABSOLUTE] / sums[SEASON_N] : 0;
  return mean > 0 ? mean : (double)NAN;
}
