/* train.c - behind unroll.h: training with options by their names, and a callback. */
#include "train/train.h"
#include <math.h>
#include "api/api.h"
#include "api/options.h"
#include "api/result.h"
#include "api/table.h"
#include "base/text.h"
#include "graph/settings.h"
#include "use/evaluate.h"

typedef struct listener {
  unroll_watch w;
  volatile sig_atomic_t own, *stop; /* the caller's flag, or `own` */
  int64_t first_step;
} listener;

static void on_start(void *context, const train_start *s) {
  listener *l = context;
  l->first_step = s->first_step;
  const unroll_start out = {.size = sizeof out,
                            .net_file = s->net_file,
                            .counted = s->counted,
                            .weights = s->weights,
                            .symbols = {s->symbols[0], s->symbols[1], s->symbols[2]},
                            .sequences = {s->sequences[0], s->sequences[1], s->sequences[2]},
                            .known = s->vocabulary,
                            .rows = s->rows,
                            .steps = s->steps,
                            .first_step = s->first_step,
                            .total_steps = s->total_steps,
                            .steps_per_epoch = s->steps_per_epoch,
                            .memory = s->memory,
                            .bytes = s->bytes,
                            .window = s->window,
                            .threads = s->threads,
                            .shards = s->shards,
                            .resumed = s->resumed,
                            .replaces = s->replaces,
                            .checkpoint = s->checkpoint,
                            .class_weights = s->class_weights,
                            .notes = s->notes};
  if (l->w.start) l->w.start(l->w.context, &out);
}

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
                               .symbols_per_second = p->symbols_per_second,
                               .validated = p->validated,
                               .best = p->best};
  if (l->w.progress(l->w.context, &out)) *l->stop = 1;
}

static void on_warning(void *context, const char *message) {
  const listener *l = context;
  l->w.warning(l->w.context, message);
}

static unroll_status take_figures(unroll_result **out, const train_result *result, unroll_error *err) {
  figures f = {0};
  unroll_result *r = result_new(0, NULL);
  train_figures(&f, result);
  const bool full = r && !f.failed && result_figures(r, &f);
  figures_free(&f);
  if (full)
    *out = r;
  else
    unroll_result_free(r);
  return full ? UNROLL_OK : error_memory(err);
}

static unroll_status run_training(const train_options *o, volatile sig_atomic_t *stop, const unroll_watch *w, unroll_result **out,
                                  unroll_error *err) {
  listener l = {.w = *w};
  train_result result = {0};
  l.stop = stop ? stop : &l.own;
  const train_callbacks calls = {.context = &l,
                                 .start = on_start,
                                 .progress = w->progress ? on_progress : NULL,
                                 .warning = w->warning ? on_warning : NULL,
                                 .stop = l.stop};
  if (!o->resume && !o->dir) return error_set(err, UNROLL_USAGE, "no folder to write to: option 'output'");
  const unroll_status status = o->resume ? train_resume(o->resume, o, &calls, &result, err) : train_run(o, &calls, &result, err);
  return status || !out ? status : take_figures(out, &result, err);
}

static unroll_status check(const unroll_options *o, unroll_error *err) {
  if (!o) return api_null(err);
  return o->bit == IN(train) ? UNROLL_OK : error_set(err, UNROLL_USAGE, "these are the options of another command");
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

/* The best model, as it is in the folder. */
static unroll_status load_best(unroll_model **out, const train_options *o, unroll_error *err) {
  text path = {0};
  text_format(&path, "%s/model.safetensors", o->resume ? o->resume : o->dir);
  const unroll_status status = path.failed ? error_memory(err) : unroll_model_load(out, path.data, err);
  text_free(&path);
  return status;
}

void unroll_watch_init_sized(unroll_watch *w, size_t size) { api_init(w, size); }

unroll_status unroll_train_watched(const unroll_options *o, const unroll_table *t, const unroll_watch *w, unroll_model **out,
                                   unroll_result **results, unroll_error *err) {
  given_table given = {.t = t};
  const train_source source = {.open = open_table, .context = &given};
  unroll_watch watch = {.size = sizeof watch};
  if (out) *out = NULL;
  if (results) *results = NULL;
  unroll_status status = check(o, err);
  if (status) return status;
  if (w) API_TAKE(&watch, w);
  train_options own = o->train;
  if (t && own.data) return error_set(err, UNROLL_USAGE, "there is a table, and option 'data' too");
  if (t) own.data = table_files(t);
  if (t && !own.data) own.source = &source;
  status = run_training(&own, o->stop, &watch, results, err);
  table_source_free(&given.source);
  if (!status && out) status = load_best(out, &own, err);
  if (!status || !results) return status;
  unroll_result_free(*results);
  *results = NULL;
  return status;
}

unroll_status unroll_train(const unroll_options *o, unroll_progress_call *progress, void *context, unroll_error *err) {
  const unroll_watch w = {.size = sizeof w, .context = context, .progress = progress};
  return unroll_train_watched(o, NULL, &w, NULL, NULL, err);
}

unroll_status unroll_train_table(const unroll_options *o, const unroll_table *t, unroll_progress_call *progress, void *context,
                                 unroll_model **out, unroll_error *err) {
  const unroll_watch w = {.size = sizeof w, .context = context, .progress = progress};
  if (out) *out = NULL;
  return t ? unroll_train_watched(o, t, &w, out, NULL, err) : api_null(err);
}

/* A model of a net alone: what data would say has its default size. */
static unroll_status without_data(model *m, const train_options *o, unroll_error *err) {
  arena memory = {0};
  setting *settings = NULL;
  int n = 0;
  const char *file, *source;
  unroll_status status = model_find_net(o->net, &memory, &file, &source, err);
  if (!status) status = model_begin(m, file, source, err);
  if (!status) status = settings_parse(&settings, &n, o->sets.items, (int)o->sets.n, &memory, err);
  m->inits = o->inits.items;
  m->n_inits = o->inits.n;
  if (!status) status = model_build(m, settings, n, false, err);
  if (!status) status = model_init(m, o->seed, err);
  m->inits = NULL; /* they have done their work, and belong to the options */
  m->n_inits = 0;
  arena_free(&memory);
  return status;
}

unroll_status unroll_untrained(const unroll_options *o, const unroll_table *t, unroll_model **out, unroll_error *err) {
  given_table given = {.t = t};
  const train_source source = {.open = open_table, .context = &given};
  if (!out) return api_null(err);
  *out = NULL;
  unroll_status status = check(o, err);
  if (status) return status;
  unroll_model *m = mem_zero(1, sizeof *m);
  if (!m) return error_memory(err);
  train_options own = o->train;
  if (!own.net) status = error_set(err, UNROLL_USAGE, "no net: option 'net'");
  if (!status && t) own.data = table_files(t);
  if (!status && t && !own.data) own.source = &source;
  if (!status) status = own.data || own.source ? train_untrained(&own, &m->m, err) : without_data(&m->m, &own, err);
  if (!status) status = api_symbols(m, err);
  table_source_free(&given.source);
  if (status)
    unroll_model_free(m);
  else
    *out = m;
  return status;
}
