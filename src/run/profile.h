/* profile.h - where the time of passes goes: by stage and by kind of work. A pass for the profile does the same work in the
 * same order as run_pass, to the same bits. It looks at the clock around every stage, kernel and barrier. run_pass knows
 * nothing of it.
 */
#ifndef RUN_PROFILE_H
#define RUN_PROFILE_H
#include "run/run.h"

enum profile_kind {
  PROFILE_PRODUCT,   /* the product kernel, but for weight gradients */
  PROFILE_EQUATIONS, /* tile programs */
  PROFILE_ROWS,      /* softmax, cross entropy, layer norm, attention: reductions over a row */
  PROFILE_MOVE,      /* gather, scatter, copies, sums of rows */
  PROFILE_GRADIENT,  /* weight gradients, with the packing of their operands */
  PROFILE_PACK,      /* repacking of the weights (the caller's: profile_add) */
  PROFILE_OPTIMIZER, /* norm, clipping and update (the caller's: profile_add) */
  PROFILE_WALK,      /* finding the rows and tiles of a stage: everything in a stage that is none of these */
  PROFILE_WAIT,      /* starting the threads, barriers, the end of the last one */
  PROFILE_KINDS
};

typedef struct profile_part {
  double seconds[PROFILE_KINDS]; /* of all threads together */
  double product_seconds;        /* in the product kernel, also that for weight gradients */
  double product_operations;     /* done there, padding included */
  double meetings;               /* barriers that the threads met at, pool_run's start and end not counted */
} profile_part;

typedef struct profile profile;

unroll_status profile_new(profile **out, run *r, unroll_error *err);
void profile_free(profile *p);
const char *profile_kind_name(enum profile_kind kind);
/* One pass, as run_pass; times are added up. */
void profile_pass(profile *p, const batch *b, int training);
/* `seconds` of the caller's clock during which all threads did this, or could have. */
void profile_add(profile *p, enum profile_kind kind, double seconds);
void profile_clear(profile *p);

int profile_passes(const profile *p);
double profile_seconds(const profile *p);     /* by the wall, of all passes and what was added */
profile_part profile_total(const profile *p); /* of all stages and what was added: seconds sum up to threads * profile_seconds */
profile_part profile_stage(const profile *p, int stage); /* a stage of the frozen plan with the barrier after it */
#endif
