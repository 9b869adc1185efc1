/* baseline.c - see baseline.h. Sums over all beginnings of the series are made once, so that each window costs the same. */
#include "metrics/baseline.h"
#include <math.h>
#include "base/error.h"
#include "base/memory.h"

const char *const baseline_names[BASELINE_COUNT] = {"naive", "seasonal naive", "drift"};

enum { DIFFERENCES, SEASON_ABSOLUTE, SEASON_SQUARES, N_SUMS };

unroll_status baseline_init(baseline *b, const double *y, int64_t n, int64_t season, unroll_error *err) {
  *b = (baseline){.y = y, .n = n, .season = season};
  b->sums = mem_zero((size_t)n + 1, N_SUMS * sizeof *b->sums);
  if (!b->sums) return error_memory(err);
  for (int64_t t = 0; t < n; t++) {
    const double before[N_SUMS] = {b->sums[t * N_SUMS], b->sums[t * N_SUMS + 1], b->sums[t * N_SUMS + 2]};
    double *next = b->sums + (t + 1) * N_SUMS;
    const double step = t > 0 ? y[t] - y[t - 1] : 0, over = t >= season ? y[t] - y[t - season] : 0;
    next[DIFFERENCES] = before[DIFFERENCES] + step * step;
    next[SEASON_ABSOLUTE] = before[SEASON_ABSOLUTE] + fabs(over);
    next[SEASON_SQUARES] = before[SEASON_SQUARES] + over * over;
  }
  return UNROLL_OK;
}

void baseline_free(baseline *b) {
  mem_free(b->sums);
  *b = (baseline){0};
}

static double root_mean(double sum, int64_t n) { return n > 0 ? sqrt(sum / (double)n) : 0; }

void baseline_at(const baseline *b, enum baseline_kind kind, int64_t at, int64_t h, double *point, double *deviation) {
  const double *sums = b->sums + at * N_SUMS, last = b->y[at - 1];
  const double naive = root_mean(sums[DIFFERENCES], at - 1);
  *point = last;
  *deviation = naive * sqrt((double)h);
  if (kind == BASELINE_SEASONAL && at >= b->season) {
    *point = b->y[at - b->season + (h - 1) % b->season];
    const double seasons = (double)((h - 1) / b->season + 1);
    if (at > b->season) *deviation = root_mean(sums[SEASON_SQUARES], at - b->season) * sqrt(seasons);
  }
  if (kind == BASELINE_DRIFT && at > 1) {
    const double slope = (last - b->y[0]) / (double)(at - 1), rest = naive * naive - slope * slope;
    *point = last + (double)h * slope;
    *deviation = sqrt(rest > 0 ? rest : 0) * sqrt((double)h * (1 + (double)h / (double)(at - 1)));
  }
}

double baseline_scale(const baseline *b, int64_t at) {
  const double mean = at > b->season ? b->sums[at * N_SUMS + SEASON_ABSOLUTE] / (double)(at - b->season) : 0;
  return mean > 0 ? mean : (double)NAN;
}
