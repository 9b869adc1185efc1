/* check_run.h - what check.c hands to check_dump.c: one run of a net in double and in single precision. */
#ifndef VERIFY_CHECK_RUN_H
#define VERIFY_CHECK_RUN_H
#include "verify/random_batch.h"
#include "verify/reference.h"
#include "run/run.h"

typedef struct check_run {
  graph g;
  random_batch batch;
  float *weights; /* [n_weights] */
  double *exact;  /* the same in double */
  reference ref;  /* after a pass */
  plan *planned;
  run *single; /* after a pass */
} check_run;

/* Writes inputs, lengths, weights, predictions, losses and gradients. See check_dump.c for the names. */
unroll_status check_dump(const char *path, const check_run *c, unroll_error *err);
#endif
