/* train.c - the loop. What a step does depends on the options, the data and the step's number alone. What it leaves behind is
 * in the weights, the moments, the carried states and train_state. A checkpoint holds all of these. Hence a resumed run has the
 * bits of one that was not stopped. Only `seconds` and `symbols_per_second` are not a function of these. */
#include "train/train.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "graph/idle.h"
#include "train/trainer.h"

#define NONE ((double)NAN) /* a figure that is not there */

enum { LEAST_BETWEEN_VALIDATIONS = 20, PATIENCE = 10, IDLE_SHOWN = 5 };

/* Symbols known, of all variables. */
static int symbols_known(const trainer *t) {
  int n = 0;
  for (int i = 0; i < t->m.schema.n; i++) n += t->m.schema.list[i].words.n;
  return n;
}

/* One of what is predicted. */
static const char *counted(const trainer *t) {
  const char *name = NULL;
  for (int i = 0; i < t->m.schema.n; i++) {
    const variable *v = &t->m.schema.list[i];
    if (!v->predicted) continue;
    const char *own = v->form.unit == UNIT_LABELS    ? "label"
                      : v->form.unit != UNIT_NUMBERS ? "symbol"
                      : v->width == 1                ? "number"
                                                     : "vector";
    name = !name || !strcmp(name, own) ? own : "prediction";
  }
  return name ? name : "symbol";
}

static void report_start(const trainer *t, const char *checkpoint, bool replaces) {
  if (!t->calls.start) return;
  train_start s = {.net_file = t->m.net_file,
                   .weights = t->m.g.n_weights,
                   .vocabulary = symbols_known(t),
                   .rows = batcher_rows(t->batches),
                   .steps = batcher_steps(t->batches),
                   .first_step = t->s.step,
                   .total_steps = t->total,
                   .steps_per_epoch = t->per_epoch,
                   .operations = plan_operations(t->plan, batcher_cells(t->batches)),
                   .memory = t->o.memory,
                   .bytes = t->bytes,
                   .window = t->window,
                   .counted = counted(t),
                   .threads = pool_threads(t->workers),
                   .shards = (int)t->o.shards,
                   .resumed = checkpoint != NULL,
                   .replaces = replaces,
                   .checkpoint = checkpoint};
  for (int i = 0; i < 3; i++) {
    s.symbols[i] = t->parts[i].n_symbols;
    s.sequences[i] = t->parts[i].n_symbols == 0 ? 0 : t->parts[i].data->stream ? 1 : t->parts[i].n;
  }
  text weights = {0}, notes = {0};
  class_weights_tell(t, &weights);
  if (t->told.data) text_add(&notes, t->told.data, t->told.length);
  notice_tell(t, &notes);
  s.class_weights = weights.failed ? NULL : weights.data;
  s.notes = notes.failed ? NULL : notes.data;
  t->calls.start(t->calls.context, &s);
  text_free(&weights);
  text_free(&notes);
}

/* What the end of a step depends on that is no function of the step: all ranks must see the same. */
enum { STOPS = 1, DUE = 2, SOON = 4 }; /* somebody wants to stop; rank 0 wants a checkpoint; wants one at the end of an epoch */

static int look_around(const trainer *t) {
  const double since = time_now() - t->last_checkpoint, wanted = t->o.checkpoint_seconds;
  const bool clock = !t->ranks || t->ranks->own == 0; /* whose clock it is */
  const int stops = t->calls.stop && *t->calls.stop ? STOPS : 0;
  return clock ? stops | (since >= wanted ? DUE : 0) | (since >= wanted / 60 ? SOON : 0) : stops;
}

/* What the passes of a step leave to the optimizer. */
typedef struct gathered {
  double nats;            /* sum over all that was predicted */
  int64_t symbols;        /* so many predictions */
  float *dw;              /* [n_weights] gradient of the mean loss */
  const uint8_t *touched; /* see run_touched */
} gathered;

/* The one place between the pass and the norm. The run has added what its shards leave, in one tree. */
static unroll_status gather(trainer *t, gathered *all, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  if (t->gathering) {
    t->agreed = look_around(t);
    status = gathering_all(t->gathering, &t->agreed, err);
  }
  *all = (gathered){.symbols = batcher_symbols(t->batches), .dw = run_gradient(t->run), .touched = run_touched(t->run)};
  for (int i = 0; i < t->m.g.n_losses; i++) all->nats += run_loss(t->run, i);
  return status;
}

static unroll_status one_step(trainer *t, unroll_error *err) {
  train_state *s = &t->s;
  const int64_t epoch = s->step / t->per_epoch, index = s->step % t->per_epoch;
  work_begin(&t->work);
  batch *b = batcher_get(t->batches, epoch, index);
  b->seed = t->o.seed;
  b->step = (uint64_t)s->step;
  run_pass(t->run, b, 1);
  gathered all;
  const unroll_status told = gather(t, &all, err);
  if (told) return told;
  const double norm = optimizer_norm(&t->opt, all.dw, all.touched, t->workers);
  s->rate = fmax(t->o.min_rate, schedule_rate(&t->rates, t->o.rate, s->step, t->total, epoch, s->lowered));
  s->step++;
  model_set_ramps(&t->m, s->step, t->total); /* what the step has led to is measured and saved with these */
  s->symbols += all.symbols;
  if (!isfinite(all.nats) || !isfinite(norm)) return skipped_step(t, all.nats / (double)all.symbols, norm, err);
  optimizer_step(&t->opt, t->m.weights, all.dw, all.touched, norm, s->rate, s->updates, t->workers);
  run_pack(t->run);
  work_end(&t->work, b);
  s->updates++;
  s->skipped_in_row = 0;
  s->grad_norm = norm;
  skipped_note(t);
  s->interval_nats += all.nats;
  s->interval_symbols += all.symbols;
  return UNROLL_OK;
}

static void keep_best(trainer *t) {
  memcpy(t->best, t->m.weights, (size_t)t->m.g.n_weights * sizeof *t->best);
  memcpy(t->best_varying, t->m.g.varying, (size_t)t->m.g.n_varying * sizeof *t->best_varying);
}

/* With the best model: its weights are those of the evaluator, the settings that change are put in for as long as it takes. */
static unroll_status run_test(trainer *t, double *nats, unroll_error *err) {
  if (t->valid) memcpy(t->m.g.varying, t->best_varying, (size_t)t->m.g.n_varying * sizeof *t->best_varying);
  const unroll_status status = evaluator_run(t->test, nats, err);
  model_set_ramps(&t->m, t->s.step, t->total);
  return status;
}

unroll_status trainer_save(trainer *t, unroll_error *err) {
  if (!t->o.dir) return UNROLL_OK;
  const unroll_status status = model_save(&t->m, t->files.model, err);
  t->wrote |= !status;
  return status;
}

/* At the end of a run its model is there, also where somebody has removed it. */
static unroll_status ensure_model(trainer *t, unroll_error *err) {
  if (!t->o.dir || file_exists(t->files.model)) return UNROLL_OK;
  const bool best = t->valid && !isnan(t->s.best);
  if (best) memcpy(t->m.g.varying, t->best_varying, (size_t)t->m.g.n_varying * sizeof *t->best_varying);
  const unroll_status status =
      model_write(&t->m, best ? t->best : t->m.weights, t->files.model, &(model_extra){.format = MODEL_FORMAT}, err);
  model_set_ramps(&t->m, t->s.step, t->total);
  t->wrote |= !status;
  return status;
}

/* Unless told otherwise training goes on for as long as it took to the best model, and for ten validations. What rises or falls
 * over all of training may be best at its end. */
static bool patience_is_over(const trainer *t) {
  const train_state *s = &t->s;
  if (t->o.patience >= 0) return t->o.patience > 0 && s->worse >= t->o.patience;
  if (t->rates.kind == SCHEDULE_COSINE || t->m.n_ramps > 0) return false;
  const int64_t between = (LEAST_BETWEEN_VALIDATIONS + t->per_epoch - 1) / t->per_epoch * t->per_epoch;
  return s->worse >= PATIENCE && 2 * s->worse >= s->step / between;
}

/* Measures the validation part, keeps the best weights. *best: is it better than all before? */
static unroll_status validate(trainer *t, bool *best, unroll_error *err) {
  train_state *s = &t->s;
  const unroll_status status = evaluator_run(t->valid, &s->valid_loss, err);
  if (status) return status;
  s->last_valid = s->step;
  *best = isfinite(s->valid_loss) && !(s->valid_loss >= s->best);
  if (!*best) {
    s->worse++;
    if (t->rates.kind == SCHEDULE_PLATEAU && ++s->waiting >= t->rates.patience) {
      s->lowered++;
      s->waiting = 0;
    }
    s->stopped = patience_is_over(t);
    return UNROLL_OK;
  }
  s->best = s->valid_loss;
  s->worse = s->waiting = 0;
  keep_best(t);
  return trainer_save(t, err);
}

static void report_progress(const trainer *t, bool validated, bool best) {
  const train_state *s = &t->s;
  if (!t->calls.progress) return;
  const bool open = s->interval_symbols > 0;
  const double since = time_now() - t->interval_began;
  const train_progress p = {.step = s->step,
                            .total_steps = t->total,
                            .epoch = (s->step + t->per_epoch - 1) / t->per_epoch,
                            .loss = open ? s->interval_nats / (double)s->interval_symbols : s->loss,
                            .rate = s->rate,
                            .grad_norm = s->grad_norm,
                            .seconds = s->seconds - t->seconds_before,
                            .symbols_per_second = open && since > 0 ? (double)(s->symbols - t->began_symbols) / since : t->speed,
                            .valid_loss = s->valid_loss,
                            .validated = validated,
                            .best = best};
  t->calls.progress(t->calls.context, &p);
}

static unroll_status record(trainer *t, bool validated, double test_loss, unroll_error *err) {
  train_state *s = &t->s;
  const double now = time_now();
  s->loss = s->interval_symbols > 0 ? s->interval_nats / (double)s->interval_symbols : NONE;
  t->speed = now > t->interval_began ? (double)(s->symbols - t->began_symbols) / (now - t->interval_began) : 0;
  t->first_record = s->last_record == 0;
  s->last_record = s->step;
  s->interval_nats = 0;
  s->interval_symbols = 0;
  t->began_symbols = s->symbols;
  t->interval_began = now;
  return log_add(t, validated, test_loss, err);
}

/* What follows a step: validation, test, record, checkpoint. */
static unroll_status after_step(trainer *t, train_result *r, unroll_error *err) {
  train_state *s = &t->s;
  bool validated = false, best = false;
  const bool end_of_epoch = s->step % t->per_epoch == 0;
  bool end = s->step >= t->total;
  unroll_status status = UNROLL_OK;
  if (t->valid && (end || (end_of_epoch && s->step - s->last_valid >= LEAST_BETWEEN_VALIDATIONS))) {
    status = validate(t, &best, err);
    validated = true;
    end |= s->stopped;
  }
  s->seconds = t->seconds_before + time_now() - t->began;
  if (!status && end && t->test) {
    if (t->valid && isnan(s->best)) keep_best(t);
    status = run_test(t, &r->test_loss, err);
  }
  if (end) t->rates_of_work = work_measure(&t->work, t->workers);
  if (!status && (validated || end || s->step - s->last_record >= t->o.log_steps)) status = record(t, validated, r->test_loss, err);
  if (status) return status;
  report_progress(t, validated, best);
  const int seen = t->gathering ? t->agreed : look_around(t); /* looked at once: the checkpoint must agree with what is returned */
  t->interrupted = !end && seen & STOPS;
  if (!(end || t->interrupted || seen & DUE || (end_of_epoch && seen & SOON))) return UNROLL_OK;
  const bool early = t->interrupted && isnan(s->best) && !t->old_model; /* stopped before there is a best one */
  if (!t->valid || early || (end && isnan(s->best))) status = trainer_save(t, err);
  if (!status && end) status = ensure_model(t, err);
  return status ? status : checkpoint_save(t, err);
}

static void fill_result(const trainer *t, train_result *r) {
  const train_state *s = &t->s;
  r->steps = s->step;
  r->epochs = t->per_epoch ? s->step / t->per_epoch : 0;
  r->skipped = s->skipped;
  r->bad_rows = t->bad_rows;
  r->symbols = s->symbols;
  r->seconds = s->seconds;
  r->loss = s->loss;
  r->valid_loss = s->valid_loss;
  r->best_valid_loss = s->best;
  r->stopped_early = s->stopped;
  r->wrote = t->wrote;
  r->work = t->rates_of_work;
}

static unroll_status loop(trainer *t, train_result *r, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  t->began = t->interval_began = time_now();
  t->seconds_before = t->s.seconds;
  t->began_symbols = t->s.symbols;
  skipped_begin(t);
  if (t->s.step >= t->total || t->s.stopped) status = ensure_model(t, err);
  if (t->s.step >= t->total && t->test && !status) status = run_test(t, &r->test_loss, err); /* a finished run, resumed */
  while (t->s.step < t->total && !t->s.stopped && !status) {
    status = one_step(t, err);
    if (!status) status = after_step(t, r, err);
    if (!status && t->s.step >= t->total && t->s.step > 0 && t->s.updates == 0)
      status = error_set(err, UNROLL_FAILED, "not one of %" PRId64 " steps had a finite loss and gradient: nothing was learned",
                         t->s.step);
    if (!status && t->interrupted) status = error_set(err, UNROLL_INTERRUPTED, "interrupted at step %" PRId64, t->s.step);
  }
  fill_result(t, r);
  return status ? status : series_against(t, r, err);
}

/* --- a new run --- */

/* A weight that stays as it is, whatever the data, is a mistake more often than not. */
static unroll_status report_idle(const trainer *t, unroll_error *err) {
  const graph *g = &t->m.g;
  idle_param *list = mem_zero((size_t)g->n_params + 1, sizeof *list);
  int n = 0;
  const unroll_status status = list ? graph_idle_params(g, list, &n, err) : error_memory(err);
  for (int i = 0; i < n && !status && i < IDLE_SHOWN; i++)
    trainer_warn(t,
                 list[i].used ? "'%s' stays as it starts: its gradient is always 0, as behind step() or hold()"
                              : "'%s' stays as it starts: no prediction depends on it",
                 g->params[list[i].param].name);
  if (n > IDLE_SHOWN && !status) trainer_warn(t, "%d more parameters stay as they start", n - IDLE_SHOWN);
  mem_free(list);
  return status;
}

/* A folder with the model of another net is one that was not meant. */
static unroll_status check_replaced(trainer *t, unroll_error *err) {
  tensor_file f;
  text path = {0};
  unroll_status status = UNROLL_OK;
  if (!t->o.dir || t->o.force) return UNROLL_OK;
  text_format(&path, "%s/model.safetensors", t->o.dir);
  if (path.failed) status = error_memory(err);
  if (!status && file_exists(path.data)) {
    const unroll_status loaded = tensor_file_load(&f, path.data, err);
    if (loaded == UNROLL_FAILED) { /* no memory to look: nothing is known of it */
      text_free(&path);
      return loaded;
    }
    const bool read = !loaded;
    const char *format = read ? model_format(&f) : NULL, *own = strrchr(t->m.net_file, '/');
    const char *net = format && !strcmp(format, MODEL_FORMAT) ? tensor_metadata(&f, "net_file") : NULL;
    own = own ? own + 1 : t->m.net_file;
    if (!net || strcmp(net, own))
      status = error_at(err, UNROLL_USAGE, path.data, NULL, 0, 0,
                        "this is %s%.100s%s, and training '%s' would replace it: choose another folder, or give option 'force'",
                        net ? "the model of another net, '" : "no model that this program can read", net ? net : "", net ? "'" : "",
                        own);
    if (read) tensor_file_free(&f);
  }
  text_free(&path);
  return status;
}

static unroll_status make_model(trainer *t, unroll_error *err) {
  const char *file, *source;
  unroll_status status = model_find_net(t->o.net, &t->memory, &file, &source, err);
  if (!status) status = model_begin(&t->m, file, source, err);
  if (!status) status = check_replaced(t, err);
  if (!status) status = from_begin(t, err);
  t->m.inits = t->o.inits.items;
  t->m.n_inits = t->o.inits.n;
  t->m.n_ramps = t->o.ramps.n;
  if (!status) status = ramps_parse(&t->m.ramps, t->o.ramps.items, t->o.ramps.n, &t->m.memory, err);
  ranks_data_begin();
  if (!status) status = trainer_read_data(t, err);
  ranks_data_end();
  if (status) return status;
  status = trainer_hold_out(t, err);
  if (!status) status = schema_collect(&t->m.schema, t->sets, 3, err);
  if (!status) status = from_merge(t, err);
  if (!status) status = trainer_encode(t, err);
  if (!status) status = class_weights_begin(t, err);
  t->m.gaps = !status && series_have_gaps(t);
  if (!status) status = model_build(&t->m, t->o.settings, t->o.n_settings, true, err);
  if (!status) status = report_idle(t, err);
  if (!status) status = model_init(&t->m, t->o.seed, err);
  if (!status) status = from_take(t, err);
  if (!status) status = vectors_take(t, err);
  t->m.data = t->identity;
  return status;
}

static const train_result no_result = {.loss = NONE, .valid_loss = NONE, .best_valid_loss = NONE, .test_loss = NONE};

unroll_status train_run(const train_options *o, const train_callbacks *c, train_result *r, unroll_error *err) {
  trainer t = {.ranks = ranks_here(), .s = {.best = NONE, .valid_loss = NONE, .loss = NONE, .grad_norm = NONE, .rate = NONE}};
  *r = no_result;
  r->work = work_none;
  if (c) t.calls = *c;
  unroll_status status = train_options_check(o, err);
  if (!status) status = train_options_copy(&t, o, err);
  if (!status) status = make_model(&t, err);
  if (!status) status = trainer_prepare(&t, err);
  status = together_meet(&t, status, err);
  if (!status && t.o.dir) status = file_make_folder(t.o.dir, err);
  if (!status && t.o.dir) status = trainer_set_folder(&t, t.o.dir, err);
  t.old_model = !status && t.o.dir && file_exists(t.files.model);
  if (!status) status = log_start(&t, err);
  if (!status) status = checkpoint_start(&t, err);
  if (!status) notice_warn(&t);
  if (!status) report_start(&t, NULL, t.old_model);
  if (!status) status = loop(&t, r, err);
  trainer_free(&t);
  return status;
}

unroll_status train_untrained(const train_options *o, model *out, unroll_error *err) {
  trainer t = {0};
  train_options own = *o;
  own.dir = NULL;
  unroll_status status = train_options_check(&own, err);
  if (!status) status = train_options_copy(&t, &own, err);
  if (!status) status = make_model(&t, err);
  if (!status) {
    *out = t.m;
    out->inits = NULL; /* they have done their work, and live with the trainer */
    out->n_inits = 0;
    t.m = (model){0};
  }
  trainer_free(&t);
  return status;
}

/* --- a resumed run --- */

static unroll_status read_same_data(trainer *t, unroll_error *err) {
  ranks_data_begin();
  unroll_status status = trainer_read_data(t, err);
  ranks_data_end();
  if (status) return status;
  if (t->identity.bytes != t->m.data.bytes || t->identity.hash != t->m.data.hash)
    return error_at(err, UNROLL_BAD_INPUT, t->o.data, NULL, 0, 0,
                    "this is not the data that training began with (%" PRIu64 " bytes, it had %" PRIu64 ")", t->identity.bytes,
                    t->m.data.bytes);
  status = trainer_encode(t, err);
  return !status && series_have_gaps(t) ? model_see_gaps(&t->m, err) : status;
}

/* The best weights so far are those of the model file; without it the next validation begins anew. */
static unroll_status read_best(trainer *t, unroll_error *err) {
  model m;
  if (!t->valid || isnan(t->s.best)) return UNROLL_OK;
  unroll_error e = {0};
  const unroll_status status = model_load(&m, t->files.model, false, &e);
  const bool fits = !status && m.g.n_weights == t->m.g.n_weights && m.g.n_varying == t->m.g.n_varying;
  if (fits) {
    memcpy(t->best, m.weights, (size_t)m.g.n_weights * sizeof *t->best);
    memcpy(t->best_varying, m.g.varying, (size_t)t->m.g.n_varying * sizeof *t->best_varying);
  } else if (status != UNROLL_FAILED) {
    trainer_warn(t, "%s: %s; the best model so far is lost", t->files.model,
                 status ? e.message : "it is the model of another training");
    t->s.best = NONE;
  }
  if (!status) model_free(&m);
  if (status == UNROLL_FAILED && err) *err = e;
  return status == UNROLL_FAILED ? status : UNROLL_OK;
}

unroll_status train_resume(const char *dir, const train_options *change, const train_callbacks *c, train_result *r,
                           unroll_error *err) {
  trainer t = {.ranks = ranks_here()};
  tensor_file f = {0};
  const char *file = NULL;
  *r = no_result;
  r->work = work_none;
  if (c) t.calls = *c;
  unroll_status status = change ? train_options_may_change(change, err) : UNROLL_OK;
  if (!status) status = trainer_set_folder(&t, dir, err);
  if (!status) status = checkpoint_load(&t, &f, &file, err);
  t.o.dir = dir;
  t.o.source = change ? change->source : NULL;
  if (!status && change) status = train_options_change(&t, change, err);
  if (!status && !(t.ranks && t.ranks->own)) status = checkpoint_trust(&t, &f, file, change, err);
  if (!status) status = read_same_data(&t, err);
  if (!status) status = trainer_prepare(&t, err);
  if (!status) status = checkpoint_finish(&t, &f, file, err);
  if (!status) status = read_best(&t, err);
  tensor_file_free(&f);
  status = together_meet(&t, status, err);
  if (!status) status = log_start(&t, err);
  t.last_checkpoint = time_now();
  if (!status) report_start(&t, file, false);
  if (!status) status = loop(&t, r, err);
  trainer_free(&t);
  return status;
}
