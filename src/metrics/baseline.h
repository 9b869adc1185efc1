/* baseline.h - forecasts that need no model, for comparison: the last value, the value of a season ago, a straight line.
 *
 * Their intervals are those of independent normal errors. They are the deviation of the one-step errors before the forecast,
 * times sqrt(h), sqrt(seasons begun) and sqrt(h (1 + h / (n - 1))). Source: Hyndman & Athanasopoulos, Forecasting: Principles
 * and Practice, 3rd edition, sections 5.2 and 5.5. */
#ifndef METRICS_BASELINE_H
#define METRICS_BASELINE_H
#include <stdint.h>
#include <unroll.h>

enum baseline_kind { BASELINE_NAIVE, BASELINE_SEASONAL, BASELINE_DRIFT, BASELINE_COUNT };
extern const char *const baseline_names[BASELINE_COUNT];

typedef struct baseline { /* of one series of numbers */
  const double *y;        /* [n] borrowed; NaN: not observed */
  int64_t n, season;
  int64_t first; /* step that was observed */
  int64_t *last; /* [n] the last one up to each step; -1: none */
  double *sums;  /* [n + 1][5] before each step: squared differences and how many; absolute and squared differences over a season,
                    and how many */
} baseline;

unroll_status baseline_init(baseline *b, const double *y, int64_t n, int64_t season, unroll_error *err);
void baseline_free(baseline *b);
/* Step h (from 1) after the first `at` values (at >= 1), one of which was observed: point forecast and deviation. What was not
 * observed is passed over: the last value that was, or that of one more season ago. Without a whole season before it the
 * seasonal one is the last value. */
void baseline_at(const baseline *b, enum baseline_kind kind, int64_t at, int64_t h, double *point, double *deviation);
/* Mean absolute error of the seasonal naive forecast, one step ahead, within the first `at` values: what MASE divides by (Hyndman &
 * Koehler 2006). NaN where there is none, or where it is 0. */
double baseline_scale(const baseline *b, int64_t at);
#endif
