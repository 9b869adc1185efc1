/* forecast.h - `unroll predict` and `unroll eval` of models of series with dates; what forecast.c has for predict.c and score.c. */
#ifndef CLI_FORECAST_H
#define CLI_FORECAST_H
#include "base/threads.h"
#include "cli/options.h"
#include "use/backtest.h"
#include "model/model.h"

/* UNROLL_USAGE where an option is only for such models and this is none. `quantiles`: the command has those of others too. */
unroll_status forecast_check(const model *m, const options *o, bool quantiles, unroll_error *err);
typedef struct levels {
  int n;
  double list[BACKTEST_LEVELS];
} levels;
unroll_status forecast_levels(levels *q, const char *list, unroll_error *err); /* "0.1,0.9"; NULL: 0.1,0.5,0.9 */
unroll_status forecast_eval(model *m, const options *o, pool *workers, unroll_error *err);

#endif
