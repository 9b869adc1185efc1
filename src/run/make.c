/* make.c - see make.h. */
#include "run/make.h"

unroll_status run_make(run **r, plan **p, const graph *g, const plan_options *options, const float *weights, pool *workers,
                       unroll_error *err) {
  *r = NULL;
  unroll_status status = plan_new(p, g, options, err);
  if (status) return status;
  status = run_new(r, *p, weights, workers, err);
  if (!status) return UNROLL_OK;
  plan_free(*p);
  *p = NULL;
  return status;
}
