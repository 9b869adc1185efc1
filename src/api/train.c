/* train.c - behind unroll.h: training with options by their names, and a callback. */
#include "train/train.h"
#include <math.h>
#include "api/options.h"
#include "api/table.h"
#include "use/evaluate.h"

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
  const unroll_progress out = {.size = sizeof out,
                               .step = p->step,
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

static unroll_status run_training(const train_options *o, unroll_progress_call *progress, void *context, unroll_error *err) {
  listener l = {.progress = progress, .context = context};
  const train_callbacks calls = {.context = &l, .start = on_start, .progress = progress ? on_progress : NULL, .stop = &l.stop};
  train_result result;
  if (o->resume) return train_resume(o->resume, o, &calls, &result, err);
  if (!o->dir) return error_set(err, UNROLL_USAGE, "no folder to write to: option 'output'");
  return train_run(o, &calls, &result, err);
}

static unroll_status check(const unroll_options *o, unroll_error *err) {
  if (!o) return api_null(err);
  return o->bit == IN(train) ? UNROLL_OK : error_set(err, UNROLL_USAGE, "these are the options of another command");
}

unroll_status unroll_train(const unroll_options *o, unroll_progress_call *progress, void *context, unroll_error *err) {
  const unroll_status status = check(o, err);
  return status ? status : run_training(&o->train, progress, context, err);
}

typedef struct given_table {
  const unroll_table *t;
  table_source source;
} given_table;

static unroll_status open_table(void *context, const schema *s, const data_memory **out, unroll_error *err) {
  given_table *g = context;
  table_source_free(&g->source);
  const unroll_status status = table_source_of(&g->source, g->t, s, err);
  *out = &g->source.memory;
  return status;
}

unroll_status unroll_train_table(const unroll_options *o, const unroll_table *t, unroll_progress_call *progress, void *context,
                                 unroll_model **out, unroll_error *err) {
  given_table given = {.t = t};
  const train_source source = {.open = open_table, .context = &given};
  if (out) *out = NULL;
  unroll_status status = t ? check(o, err) : api_null(err);
  if (status) return status;
  train_options own = o->train;
  if (own.data) return error_set(err, UNROLL_USAGE, "there is a table, and option 'data' too");
  own.data = table_files(t);
  if (!own.data) own.source = &source;
  status = run_training(&own, progress, context, err);
  table_source_free(&given.source);
  if (status || !out) return status;
  text path = {0};
  text_format(&path, "%s/model.safetensors", own.resume ? own.resume : own.dir);
  status = path.failed ? error_memory(err) : unroll_model_load(out, path.data, err);
  text_free(&path);
  return status;
}
