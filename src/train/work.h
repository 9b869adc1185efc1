/* work.h - the work of training steps beside what the machine could do. Operations of products are counted from the plan and
 * the true rows of each batch, over the seconds of the steps. The same threads measure the multiply-add peak.
 *
 * As in plan_operations, attention, softmax and elementwise equations do not count. The peak is that of single precision. */
#ifndef TRAIN_WORK_H
#define TRAIN_WORK_H
#include "base/memory.h"
#include "base/threads.h"
#include "plan/plan.h"
#include "run/batch.h"

typedef struct work {
  int n_axes;
  double *of_axis, of_row, once;         /* operations for each row of an axis, each sequence, each pass */
  double operations, seconds, processor; /* of the steps so far; processor: the seconds that all threads had */
  double began, processor_began;
} work;

unroll_status work_init(work *w, const plan *p, arena *memory, unroll_error *err);
void work_begin(work *w);               /* before a step, */
void work_end(work *w, const batch *b); /* and after it; one that is skipped only begins */

typedef struct work_rates { /* NaN where nothing was done or counted */
  double gflops, peak;      /* peak: of all threads together, in GFLOP/s */
  double share;             /* gflops / peak */
  double processor; /* processor time of the steps, as a share of their time on all processors in use: less where others run too */
} work_rates;
extern const work_rates work_none;
/* Measures the peak, which takes a fiftieth of the time of the steps, between 2 and 50 milliseconds. */
work_rates work_measure(const work *w, pool *workers);
#endif
