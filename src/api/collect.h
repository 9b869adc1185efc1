/* collect.h - what is predicted or generated becomes rows of a result. */
#ifndef API_COLLECT_H
#define API_COLLECT_H
#include "api/ask.h"
#include "api/draw.h"
#include "api/result.h"

typedef struct collector {
  const ask *a;
  const model *m;
  const dataset *d;
  unroll_result *r;
  int64_t gaps;         /* rows that are out for examples that were left out */
  const double *levels; /* of forecasts */
  int n_levels;
  drawing *draw; /* what goes to a file too; NULL: there is none */
} collector;

/* A result with the names of all lines with ~. collect_end in any case. */
unroll_status collect_begin(collector *c, const ask *a, const unroll_options *o, unroll_error *err);
/* Hands out the result, with what was left out of the data, or frees it. Takes and returns the status of all before. */
unroll_status collect_end(collector *c, unroll_status status, unroll_result **out, unroll_error *err);
/* Adds a row, which is complete with result_hand; NULL: out of memory. `context` of collect_decoded is the collector. */
/* Rows without values for what was left out before this example; they are handed over. INT64_MAX: for all others. */
unroll_status collect_gaps(collector *c, int64_t example, unroll_error *err);
result_row *collect_row(collector *c, const decoded *d);
unroll_status collect_decoded(void *context, const decoded *d, unroll_error *err);
char *collect_text(unroll_result *r, const char *s); /* a copy in the row's memory */
#endif
