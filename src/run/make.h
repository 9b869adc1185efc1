/* make.h - from a graph to a run in one call: what everybody outside does who wants to run a net. */
#ifndef RUN_MAKE_H
#define RUN_MAKE_H
#include "plan/plan.h"
#include "run/run.h"

/* Plans the graph and takes the memory of a run; see plan_new and run_new for what must outlive them. *p is the run's plan; both
 * are NULL after an error. Freed by run_free, then plan_free. */
unroll_status run_make(run **r, plan **p, const graph *g, const plan_options *options, const float *weights, pool *workers,
                       unroll_error *err);
/* Of a rank that runs some shards only: see run_new_range. */
unroll_status run_make_range(run **r, plan **p, const graph *g, const plan_options *options, const float *weights, pool *workers,
                             const int range[2], unroll_error *err);
#endif
