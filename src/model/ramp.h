/* ramp.h - a setting that changes over training: NAME=FROM:TO, or NAME=FROM:TO@SHARE.
 *
 * Its value goes evenly from FROM to TO, from the first step to the last, or to the end of the first SHARE of training. From
 * there on it is TO. The value is a function of the step alone, and what is in force is saved with the model. */
#ifndef MODEL_RAMP_H
#define MODEL_RAMP_H
#include <stdint.h>
#include <unroll.h>
#include "base/memory.h"

typedef struct ramp {
  const char *text; /* as given */
  const char *name; /* "s", "h.s" */
  double from, to, share;
} ramp;

/* n texts into memory. UNROLL_USAGE says what is wrong. */
unroll_status ramps_parse(ramp **out, const char *const *texts, int n, arena *memory, unroll_error *err);
/* After `step` of `total` steps. */
double ramp_value(const ramp *r, int64_t step, int64_t total);
#endif
