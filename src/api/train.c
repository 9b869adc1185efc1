/* train.c - behind unroll.h: training with options by their names, and a callback. */
#include "train/train.h"
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "use/evaluate.h"

struct unroll_options {
  train_options train;
  arena memory; /* of its texts */
};

unroll_options *unroll_options_new(void) {
  unroll_options *o = mem_zero(1, sizeof *o);
  if (o) train_defaults(&o->train);
  return o;
}

void unroll_options_free(unroll_options *o) {
  if (!o) return;
  arena_free(&o->memory);
  mem_free(o);
}

unroll_status unroll_options_set(unroll_options *o, const char *name, const char *value, unroll_error *err) {
  if (!o || !name) return error_set(err, UNROLL_USAGE, "no options, or no name of one");
  return train_options_set(&o->train, name, value, &o->memory, err);
}

typedef struct listener {
  unroll_progress_call *progress;
  void *context;
  volatile sig_atomic_t stop;
  int64_t first_step;
} listener;

static void on_start(void *context, const train_start *s) { ((listener *)context)->first_step = s->first_step; }

static void on_progress(void *context, const train_progress *p) {
  listener *l = context;
  const int64_t made = p->step - l->first_step;
  const unroll_progress out = {.step = p->step,
                               .steps = p->total_steps,
                               .epoch = p->epoch,
                               .seconds = p->seconds,
                               .remaining = made > 0 ? p->seconds / (double)made * (double)(p->total_steps - p->step) : (double)NAN,
                               .loss = p->loss,
                               .valid_bits = p->valid_loss * BITS_PER_NAT,
                               .rate = p->rate,
                               .gradient_norm = p->grad_norm,
                               .symbols_per_second = p->symbols_per_second};
  if (l->progress(l->context, &out)) l->stop = 1;
}

unroll_status unroll_train(const unroll_options *o, unroll_progress_call *progress, void *context, unroll_error *err) {
  listener l = {.progress = progress, .context = context};
  const train_callbacks calls = {.context = &l, .start = on_start, .progress = progress ? on_progress : NULL, .stop = &l.stop};
  train_result result;
  if (!o) return error_set(err, UNROLL_USAGE, "no options");
  if (o->train.resume) return train_resume(o->train.resume, &o->train, &calls, &result, err);
  if (!o->train.dir) return error_set(err, UNROLL_USAGE, "no folder to write to: option 'output'");
  return train_run(&o->train, &calls, &result, err);
}
