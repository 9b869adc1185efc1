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
unroll_status forecast_predict(model *m, const options *o, const char *paths, pool *workers, unroll_error *err);
unroll_status forecast_eval(model *m, const options *o, pool *workers, unroll_error *err);

/* The options of both, for their tables. */
/* clang-format off */
#define FORECAST_ROWS \
    {OPTION_HEADING, "Series with dates", 0, 0, NULL, 0, 0, false, NULL}, \
    {OPTION_INTEGER, "horizon", 0, offsetof(options, horizon), "N", 1, 1 << 20, false, "steps to forecast [as trained]"}, \
    {OPTION_TEXT, "quantiles", 0, offsetof(options, quantiles), "LIST", 0, 0, false, \
     "of the paths, increasing, with commas between them [0.1,0.5,0.9]; of predict without --time: of each number, in place of\n" \
     "its mean"}, \
    {OPTION_TEXT, "time", 0, offsetof(options, time), "COLUMN", 0, 0, false, "of the dates [as trained]"}
/* clang-format on */
#endif
