/* forecast.h - where series go on: paths drawn from a model, step by step, what was drawn fed back.
 *
 * A forecast begins at an origin: the context before it is given in one pass, then each step is drawn from its distribution. All
 * that is said about the future are the draws of each step: their mean and their quantiles. Numbers are a function of (seed, number
 * of the origin, number of the path, step). */
#ifndef USE_FORECAST_H
#define USE_FORECAST_H
#include <signal.h>
#include "base/threads.h"
#include "model/model.h"

typedef struct forecast_origin {
  int64_t example, at; /* the first step that is forecast; those before it are known */
} forecast_origin;

typedef struct forecast_part { /* of one line with ~ */
  const variable *v;
  int data;            /* its number in the schema */
  const double *mean;  /* [horizon][width] of the draws, in the units of the data */
  const double *draws; /* [horizon][width][samples] increasing */
} forecast_part;

typedef struct forecast_result {
  int64_t number; /* of the origin */
  forecast_origin origin;
  int horizon;
  int64_t samples;
  const forecast_part *parts;
  int n;
} forecast_result;

typedef struct forecast_options {
  int horizon;
  int64_t samples;
  uint64_t seed;
  int rows; /* side by side; changes no result */
} forecast_options;

typedef struct forecast_sink {
  void *context;
  unroll_status (*emit)(void *context, const forecast_result *r, unroll_error *err); /* in order */
  volatile sig_atomic_t *stop;                                                       /* or NULL */
} forecast_sink;

/* The data of a model of series. The columns of series and dates are those it was trained with unless others are given. `given`
 * and `time` may be NULL. `future`: steps after the known ones that are needed of each series. What is given beside the
 * predicted must be there for them. Encoded and measured. dataset_free in any case. */
unroll_status forecast_read(dataset *d, model *m, const char *paths, const data_options *given, const char *time, int future,
                            unroll_error *err);
unroll_status forecast(const model *m, const dataset *d, const forecast_origin *origins, int64_t n, const forecast_options *o,
                       pool *workers, const forecast_sink *sink, unroll_error *err);
/* A quantile of increasing draws; between two of them in proportion. */
double forecast_quantile(const double *draws, int64_t n, double level);
#endif
