/* backtest.h - how good forecasts are. They are made again and again from origins that roll through the end of each series,
 * beside forecasts without a model on the same windows.
 *
 * MAE, sMAPE (200 |y - f| / (|y| + |f|)), MASE and ND (sum |y - f| / sum |y|) are those of the median, RMSE that of the mean. MASE
 * divides by the error of the seasonal naive forecast within the series before each origin. The pinball loss of level q is
 * (y - f) q above f, (f - y) (1 - q) below. */
#ifndef USE_BACKTEST_H
#define USE_BACKTEST_H
#include "metrics/baseline.h"
#include "metrics/figures.h"
#include "use/forecast.h"

enum { BACKTEST_LEVELS = 32, BACKTEST_METHODS = 1 + BASELINE_COUNT }; /* the model, and those of baseline.h */

typedef struct backtest_options {
  int horizon;
  int64_t windows; /* of each series; 0: as many as follow training and validation part, at most 10 */
  int64_t stride;  /* steps from window to window; 0: the horizon */
  int64_t season;  /* 0: by the dates */
  int64_t samples;
  uint64_t seed;
  int rows;
  int64_t most; /* series, spread over all; 0: all */
  bool trained; /* windows may lie in what the model was trained on, or chosen by */
  double levels[BACKTEST_LEVELS];
  int n_levels; /* increasing */
} backtest_options;

typedef struct backtest_score { /* means over all points */
  double mae, rmse, smape, mase, nd;
  double pinball[BACKTEST_LEVELS];
  double covered[BACKTEST_LEVELS]; /* [n_intervals] share of the points within the interval */
} backtest_score;

typedef struct backtest_column { /* an entry of what is predicted */
  char name[80];
  double deviation; /* of what the model was trained on; 0: nothing of this data */
  backtest_score scores[BACKTEST_METHODS];
} backtest_column;

typedef struct backtest {
  backtest_column *columns;
  int n_columns;
  struct {
    int low, high; /* levels that are as far from 0 as from 1 */
  } intervals[BACKTEST_LEVELS];
  int n_intervals;
  int64_t season, stride, windows, points; /* windows of all series; points of each column */
  int64_t series, skipped;                 /* series with windows; those too short for one */
  int64_t unscaled;                        /* points without MASE: no season before them changes */
  int64_t seen;                            /* windows that begin in what the model was trained on, or chosen by */
  char first[TIME_TEXT], last[TIME_TEXT];  /* times that are forecast */
} backtest;

const char *backtest_method(int number);
double backtest_share(const backtest *b, const backtest_options *o, int interval); /* that it is meant to cover */
/* All of it: the whole, and in "variables" each column with its methods. f may have failed then. */
void backtest_figures(figures *f, const backtest *b, const backtest_options *o);
/* backtest_free in any case. UNROLL_USAGE where so many windows would reach into the training part, or no series is long enough. */
unroll_status backtest_run(backtest *out, const model *m, const dataset *d, const backtest_options *o, pool *workers,
                           volatile sig_atomic_t *stop, unroll_error *err);
void backtest_free(backtest *b);
#endif
