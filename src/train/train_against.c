/* train_against.c - after training on series: is the model better than the seasonal naive forecast? Both forecast what comes after
 * the training and validation part, or, where nothing does, the end of the validation part. */
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "train/trainer.h"
#include "use/backtest.h"

enum { SERIES = 40, PATHS = 50 }; /* a look, not a study: eval has more */

static double error_of(const backtest *b, int method, bool scaled) {
  double sum = 0;
  for (int c = 0; c < b->n_columns; c++) sum += scaled ? b->columns[c].scores[method].mase : b->columns[c].scores[method].mae;
  return sum / b->n_columns;
}

/* With the model as it is. `which`: the data is one file of its own; else the end of the training file. */
static unroll_status measure(trainer *t, int which, train_result *r, unroll_error *err) {
  enum { MODEL, SEASONAL = 1 + BASELINE_SEASONAL };
  const dataset *d = &t->sets[t->sets[which].first ? which : TRAIN];
  backtest_options how = {.horizon = t->m.schema.time.horizon,
                          .samples = PATHS,
                          .seed = t->o.seed,
                          .rows = 256,
                          .most = SERIES,
                          .levels = {0.5},
                          .n_levels = 1};
  if (which == VALID) how.windows = 1, how.trained = true;
  backtest b = {0};
  unroll_error e = {0};
  const unroll_status status = backtest_run(&b, &t->m, d, &how, t->workers, t->calls.stop, &e);
  if (!status) {
    const double scaled = error_of(&b, SEASONAL, true), naive = isfinite(scaled) ? scaled : error_of(&b, SEASONAL, false);
    r->against = (train_against){.of = which == TEST ? "test" : "validation",
                                 .windows = b.windows,
                                 .model = error_of(&b, MODEL, isfinite(scaled)),
                                 .naive = naive,
                                 .scaled = isfinite(scaled),
                                 .season = b.season};
  }
  backtest_free(&b);
  if (status == UNROLL_FAILED && err) *err = e;
  return status == UNROLL_FAILED ? status : UNROLL_OK; /* too few steps for a window: nothing is said */
}

unroll_status series_against(trainer *t, train_result *r, unroll_error *err) {
  float *now = t->m.weights;
  const int which = t->parts[TEST].n_symbols ? TEST : VALID;
  if (!t->m.schema.time.time || !t->parts[which].n_symbols || !t->s.updates) return UNROLL_OK;
  if (t->valid && !isnan(t->s.best)) t->m.weights = t->best;
  const unroll_status status = measure(t, which, r, err);
  t->m.weights = now;
  return status;
}
