/* train.c - behind unroll.h: training with options of plain types and a callback. */
#include "train/train.h"
#include <math.h>
#include <string.h>
#include "api/settings.h"
#include "base/error.h"
#include "use/evaluate.h"

void unroll_train_options_init(unroll_train_options *o) {
  train_options t;
  train_defaults(&t);
  *o = (unroll_train_options){.epochs = t.epochs,
                              .steps = t.steps,
                              .batch = (int)t.batch,
                              .unroll = (int)t.unroll,
                              .optimizer = t.optimizer,
                              .rate = t.rate,
                              .schedule = t.schedule,
                              .clip_norm = t.clip_norm,
                              .weight_decay = t.weight_decay,
                              .valid = t.valid,
                              .test = t.test,
                              .seed = t.seed,
                              .threads = t.threads};
}

typedef struct listener {
  const unroll_train_options *o;
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
  if (l->o->progress(l->o->context, &out)) l->stop = 1;
}

static unroll_status check(const unroll_train_options *o, unroll_error *err) {
  if (!o->folder) return error_set(err, UNROLL_USAGE, "no folder to write to");
  if (!o->resume && !o->net) return error_set(err, UNROLL_USAGE, "no net");
  if (!o->resume && o->n_data < 1) return error_set(err, UNROLL_USAGE, "no data to train on");
  if (o->n_settings < 0 || (o->n_settings > 0 && !o->settings)) return error_set(err, UNROLL_USAGE, "settings are missing");
  if (o->epochs < 0 || o->steps < 0 || o->batch < 1 || o->unroll < 1 || o->threads < 0 || !(o->rate > 0))
    return error_set(err, UNROLL_USAGE,
                     "epochs, steps, batch, unroll, threads and rate must not be negative, nor batch, unroll and rate 0");
  return UNROLL_OK;
}

/* Files with newlines between them. */
static unroll_status join(const unroll_train_options *o, text *out, unroll_error *err) {
  for (int i = 0; i < o->n_data; i++) {
    if (strchr(o->data[i], '\n')) return error_set(err, UNROLL_USAGE, "the name of a file has a newline in it");
    text_format(out, "%s%s", i ? "\n" : "", o->data[i]);
  }
  return out->failed ? error_memory(err) : UNROLL_OK;
}

unroll_status unroll_train(const unroll_train_options *o, unroll_error *err) {
  listener l = {.o = o};
  const train_callbacks calls = {.context = &l, .start = on_start, .progress = o->progress ? on_progress : NULL, .stop = &l.stop};
  train_result result;
  train_options t;
  arena memory = {0};
  setting *settings = NULL;
  unroll_status status = check(o, err);
  if (status) return status;
  text paths = {0};
  status = join(o, &paths, err);
  train_defaults(&t);
  t.net = o->net;
  t.data = paths.data;
  t.dir = o->folder;
  t.epochs = o->epochs;
  t.steps = o->steps;
  t.batch = o->batch;
  t.unroll = o->unroll;
  t.optimizer = o->optimizer;
  t.rate = o->rate;
  t.schedule = o->schedule;
  t.clip_norm = o->clip_norm;
  t.weight_decay = o->weight_decay;
  t.valid = o->valid;
  t.test = o->test;
  t.seed = o->seed;
  t.threads = o->threads;
  if (!status) status = settings_parse(&settings, &t.n_settings, o->settings, o->n_settings, &memory, err);
  t.settings = settings;
  if (!status) status = o->resume ? train_resume(o->folder, &t, &calls, &result, err) : train_run(&t, &calls, &result, err);
  text_free(&paths);
  arena_free(&memory);
  return status;
}
