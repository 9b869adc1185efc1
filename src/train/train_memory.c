/* train_memory.c - how a training fits into a given memory: the most steps that are kept at once.
 *
 * What a run takes is planned, not guessed. A plan for windows of k steps says its size, of the training pass and of the one
 * that evaluates. Large windows need room for their steps, small ones for what each leaves to the next, so the size falls and
 * rises with k. Halves of the whole are tried until one fits, then the largest between it and the last that did not. With n
 * windows the steps are spread evenly over them. What is read of the data is not counted. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/text.h"
#include "base/threads.h"
#include "train/trainer.h"

/* Bytes of all that the run holds when its passes go in windows of `window` steps; 0: all steps. *longest: steps of any pass. */
static unroll_status bytes_with(const trainer *t, const plan_options *given, int window, int64_t *bytes, int *longest,
                                unroll_error *err) {
  const int threads = pool_threads(t->workers);
  plan_options o = *given;
  const int64_t weights =
      4 * t->m.g.n_weights * (int64_t)sizeof(float); /* weights, two moments, the best weights; the gradient is the run's */
  o.window = window;
  unroll_status status = plan_run_bytes(bytes, &t->m.g, &o, threads, err);
  *bytes += weights;
  for (int i = VALID; i <= TEST && !status; i++) {
    int64_t more = 0;
    if (!t->parts[i].n_symbols) continue;
    status =
        evaluator_bytes(&more, &t->m, &t->parts[i], (int)t->o.batch, (int)t->o.unroll, o.shards, window, threads, longest, err);
    *bytes += more;
  }
  return status;
}

static unroll_status refuse(const trainer *t, int64_t least, unroll_error *err) {
  char size[32];
  const double mega = ceil((double)least / 1024 / 1024), kilo = ceil((double)least / 1024);
  if (least > 10 * 1024 * 1024)
    snprintf(size, sizeof size, "%.0fM", mega);
  else
    snprintf(size, sizeof size, "%.0fK", kilo);
  return error_set(err, UNROLL_USAGE,
                   "this training does not fit into %" PRId64 " bytes; the least that would do is option 'memory' %s", t->o.memory,
                   size);
}

unroll_status trainer_fit(trainer *t, plan_options *o, unroll_error *err) {
  const int unit = o->precision == PRECISION_BF16 ? PLAN_STEPS_OF_PAIRS : 1;
  int steps = o->max_steps;
  int64_t bytes, least;
  unroll_status status = bytes_with(t, o, 0, &bytes, &steps, err);
  t->bytes = bytes;
  if (status || !t->o.memory || bytes <= t->o.memory) return status;
  int most = (steps + unit - 1) / unit, fits = 0; /* in units; `most` of them are too many */
  least = bytes;
  for (int n = (most + 1) / 2; !status && !fits && n >= 1; n = n > 1 ? (n + 1) / 2 : 0) {
    status = bytes_with(t, o, n * unit, &bytes, &steps, err);
    if (bytes < least) least = bytes;
    if (!status && bytes <= t->o.memory)
      fits = n;
    else
      most = n;
  }
  if (status) return status;
  if (!fits) return refuse(t, least, err);
  while (most - fits > 1 && !status) {
    const int n = fits + (most - fits) / 2;
    status = bytes_with(t, o, n * unit, &bytes, &steps, err);
    if (bytes <= t->o.memory)
      fits = n;
    else
      most = n;
  }
  const int windows = (steps + fits * unit - 1) / (fits * unit), each = (steps + windows - 1) / windows;
  o->window = (each + unit - 1) / unit * unit;
  if (!status) status = bytes_with(t, o, o->window, &t->bytes, &steps, err);
  return status;
}
