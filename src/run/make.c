/* make.c - see make.h. */
#include "run/make.h"

static unroll_status make(run **r, plan **p, const graph *g, const plan_options *options, const float *weights, pool *workers,
                          const int *range, unroll_error *err) {
  *r = NULL;
  unroll_status status = plan_new(p, g, options, err);
  if (status) return status;
  status = range ? run_new_range(r, *p, weights, workers, range, err) : run_new(r, *p, weights, workers, err);
  if (!status) return UNROLL_OK;
  plan_free(*p);
  *p = NULL;
  return status;
}

unroll_status run_make(run **r, plan **p, const graph *g, const plan_options *options, const float *weights, pool *workers,
                       unroll_error *err) {
  return make(r, p, g, options, weights, workers, NULL, err);
}

unroll_status run_make_range(run **r, plan **p, const graph *g, const plan_options *options, const float *weights, pool *workers,
                             const int range[2], unroll_error *err) {
  return make(r, p, g, options, weights, workers, range, err);
}
