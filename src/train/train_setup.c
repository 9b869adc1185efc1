/* train_setup.c - from options to everything that the loop needs: data and its parts, batches, plan, evaluators, optimizer. */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "data/crop.h"
#include "data/stretch.h"
#include "data/warp.h"
#include "train/trainer.h"

static bool as_share(const char *source, double *share) { return text_number(source, strlen(source), share) == 0; }

/* The first time: what the row of names and the equations say about the variables. */
static unroll_status learn(void *context, const table *raw, unroll_error *err) {
  trainer *t = context;
  const unroll_status status = raw ? schema_widths(&t->m.schema, raw, err) : UNROLL_OK;
  return status ? status : model_learn_steps(&t->m, t->o.settings, t->o.n_settings, err);
}

unroll_status trainer_read_data(trainer *t, unroll_error *err) {
  const char *const files[3] = {t->o.data, t->o.valid, t->o.test};
  data_options how = {.wanted = BIND_TRAINING,
                      .series = t->o.series,
                      .tagged = t->o.tagged,
                      .separator = t->o.separator,
                      .decimal = t->o.decimal,
                      .dates = t->o.dates,
                      .columns = t->o.columns,
                      .folders = t->o.folders,
                      .skip_bad = t->o.skip_bad,
                      .cache = t->o.cache,
                      .learn = t->m.built ? NULL : learn,
                      .context = t};
  double share;
  t->identity = (data_identity){0, 0};
  const char *alone = t->o.standardise ? "standardise" : t->o.time ? "time" : NULL;
  if (alone && schema_is_text(&t->m.schema))
    return error_set(err, UNROLL_USAGE, "option '%s' is for tables, and this net reads a text", alone);
  t->m.schema.standardise = t->o.standardise;
  t->m.schema.keeps_rare = t->o.vectors != NULL; /* they say what a word is */
  if (!t->m.built) {
    const unroll_status status = series_take_options(t, err);
    if (status) return status;
  }
  for (int i = 0; i < 3; i++) {
    const train_source *rows = i == TRAIN ? t->o.source : NULL;
    if (!rows && (!files[i] || (i != TRAIN && as_share(files[i], &share)))) continue;
    how.memory = NULL;
    unroll_status status = rows ? rows->open(rows->context, &t->m.schema, &how.memory, err) : UNROLL_OK;
    if (!status) status = dataset_read(&t->sets[i], &t->m.schema, files[i], &how, err);
    if (status) return status;
    how.learn = NULL;
    t->identity.bytes += t->sets[i].bytes;
    t->identity.hash = hash_mix(t->identity.hash ^ t->sets[i].hash) + (uint64_t)i;
  }
  const char *id = t->sets[TRAIN].looks_like_series;
  if (id)
    trainer_warn(t,
                 "every example has one step, but successive rows have the same '%s': if these are the steps of an example, say so "
                 "by option 'series'",
                 id);
  if (t->sets[TRAIN].not_read)
    trainer_warn(t, "the column '%s' is not read: those of a vector are counted without a gap, and there is one before it",
                 t->sets[TRAIN].not_read);
  return t->m.schema.time.time ? series_cut(t, err) : UNROLL_OK;
}

/* What is left out is never left out in silence. */
static void report_bad(trainer *t, const dataset *d) {
  const bad_rows *b = &d->bad;
  for (int64_t i = 0; i < b->n && i < BAD_SHOWN; i++)
    trainer_warn(t, "%s:%d: left out: %s", b->first[i].file, b->first[i].line, b->first[i].message);
  if (b->n > BAD_SHOWN) trainer_warn(t, "%s: %" PRId64 " more left out", d->name, b->n - BAD_SHOWN);
  t->bad_rows += b->n;
}

unroll_status trainer_encode(trainer *t, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  for (int i = 0; i < 3 && !status; i++) {
    dataset *d = &t->sets[i];
    if (d->first) status = dataset_encode(d, &t->m.schema, err);
    if (!status) report_bad(t, d);
  }
  return status;
}

void trainer_shares(const trainer *t, double shares[3]) {
  const char *const given[3] = {NULL, t->o.valid, t->o.test};
  for (int i = TRAIN; i <= TEST; i++)
    if (!given[i] || t->sets[i].first || !as_share(given[i], &shares[i])) shares[i] = 0;
}

/* Predictions of the training file before there is a graph. What bpe makes of a text is counted in chunks. */
static int64_t count_predictions(const trainer *t) {
  const dataset *d = &t->sets[TRAIN];
  int64_t n = 0;
  for (int i = 0; i < t->m.schema.n; i++) {
    const variable *v = &t->m.schema.list[i];
    if (v->predicted) n += v->step ? d->columns[i].n : d->n_sequences;
  }
  return n;
}

/* As cut() will cut. */
unroll_status trainer_hold_out(trainer *t, unroll_error *err) {
  double shares[3];
  bool none;
  if (t->m.schema.time.time) return UNROLL_OK; /* the calendar knows */
  trainer_shares(t, shares);
  const bool usual = !t->o.valid && count_predictions(t) >= TRAINER_SMALL;
  if (usual) shares[VALID] = TRAINER_VALID;
  unroll_status status = dataset_hold_out(&t->sets[TRAIN], shares[VALID], shares[TEST], t->o.seed, &none, err);
  if (!status && usual && none) status = dataset_hold_out(&t->sets[TRAIN], 0, shares[TEST], t->o.seed, &none, err);
  return status;
}

static unroll_status cut(trainer *t, unroll_error *err) {
  double shares[3];
  unroll_status status = UNROLL_OK;
  trainer_shares(t, shares);
  for (int i = VALID; i <= TEST && !status; i++)
    if (t->sets[i].first) status = part_whole(&t->parts[i], &t->sets[i], err);
  if (status) return status;
  const bool usual = !t->o.valid && t->sets[TRAIN].n_symbols >= TRAINER_SMALL;
  part unused[2] = {{0}, {0}};
  part *valid = t->sets[VALID].first ? &unused[0] : &t->parts[VALID], *test = t->sets[TEST].first ? &unused[1] : &t->parts[TEST];
  status = part_split(&t->parts[TRAIN], valid, test, &t->sets[TRAIN], usual ? TRAINER_VALID : shares[VALID], shares[TEST],
                      t->o.seed, err);
  if (status == UNROLL_USAGE && usual) /* a few long lines: none fell to the validation */
    status = part_split(&t->parts[TRAIN], valid, test, &t->sets[TRAIN], 0, shares[TEST], t->o.seed, err);
  for (int i = 0; i < 2; i++) part_free(&unused[i]);
  return status;
}

/* Pieces of the training examples. Where they vote, the validation is on pieces too. */
static unroll_status crop_parts(trainer *t, unroll_error *err) {
  const model *m = &t->m;
  unroll_status status = UNROLL_OK;
  if (t->o.crop) status = crop_drawn(&t->parts[TRAIN], &m->g, &m->schema, t->o.crop, err);
  for (int i = VALID; i <= TEST && t->o.crop && !status; i++)
    if (t->parts[i].n_symbols && crop_votes(&m->g, &m->schema))
      status = crop_all(&t->parts[i], &m->g, &m->schema, t->o.crop, t->o.crop, err);
  return status;
}

static unroll_status check_transpose(const trainer *t, unroll_error *err) {
  for (int i = 0; i < t->m.schema.n; i++)
    if (t->m.schema.list[i].form.of->sort == KIND_KEYS) return UNROLL_OK;
  return t->o.transpose ? error_set(err, UNROLL_USAGE, "option 'transpose' is for music of kind 'notes', and this net reads none")
                        : UNROLL_OK;
}

static unroll_status check_valid(const trainer *t, unroll_error *err) {
  if (t->parts[VALID].n_symbols == 0 && (t->o.patience > 0 || t->rates.kind == SCHEDULE_PLATEAU))
    return error_set(err, UNROLL_USAGE, "%s needs a validation part; give one by option 'valid'",
                     t->o.patience > 0 ? "patience" : "the schedule plateau");
  return UNROLL_OK;
}

static unroll_status set_total(trainer *t, unroll_error *err) {
  enum { EPOCHS = 10, LEAST_STEPS = 300 };
  int64_t epochs = t->o.epochs;
  t->per_epoch = batcher_count(t->batches);
  if (!epochs && !t->o.steps) {
    const int64_t least = (LEAST_STEPS + t->per_epoch - 1) / t->per_epoch;
    epochs = least > EPOCHS ? least : EPOCHS;
  }
  t->total = t->o.steps;
  if (epochs) {
    int64_t all;
    if (__builtin_mul_overflow(epochs, t->per_epoch, &all)) return error_set(err, UNROLL_USAGE, "too many epochs");
    if (!t->total || all < t->total) t->total = all;
  }
  return UNROLL_OK;
}

static unroll_status make_plan(trainer *t, unroll_error *err) {
  const batch_options cut_into = {.rows = (int)t->o.batch,
                                  .steps = (int)t->o.unroll,
                                  .seed = t->o.seed,
                                  .shuffle = true,
                                  .stream = schema_streams(&t->m.schema),
                                  .schema = &t->m.schema,
                                  .rare = t->rare,
                                  .transpose = (int)t->o.transpose,
                                  .stretch = t->o.stretch,
                                  .warp = t->o.warp};
  unroll_status status = t->o.stretch > 0 ? stretch_check(&t->m.g, &t->parts[TRAIN], &t->m.schema, err) : UNROLL_OK;
  if (!status && t->o.warp > 0) status = warp_check(&t->m.g, &t->m.schema, err);
  if (!status) status = batcher_new(&t->batches, &t->m.g, &t->parts[TRAIN], &cut_into, err);
  if (!status) status = set_total(t, err);
  if (status) return status;
  int *keep = arena_alloc(&t->memory, (size_t)t->m.g.n_losses, sizeof *keep); /* to find the place of one that is not finite */
  if (!keep) return error_memory(err);
  for (int i = 0; i < t->m.g.n_losses; i++) keep[i] = t->m.g.losses[i].node;
  plan_options options = {.max_rows = batcher_rows(t->batches),
                          .max_steps = batcher_steps(t->batches),
                          .max_cells = batcher_cells(t->batches),
                          .precision = t->m.precision,
                          .gradient = 1,
                          .keep = keep,
                          .n_keep = t->m.g.n_losses};
  t->workers = pool_new((int)t->o.threads);
  if (!t->workers) return error_memory(err);
  status = plan_shards(&options.shards, (int)t->o.shards, &t->m.g, &options, err);
  t->o.shards = options.shards; /* a resumed run goes on with so many */
  if (!status) status = trainer_fit(t, &options, err);
  t->window = options.window;
  if (!status) status = together_run(t, &options, err);
  if (!status) status = work_init(&t->work, t->plan, &t->memory, err);
  t->rates_of_work = work_none;
  return status;
}

static unroll_status make_optimizer(trainer *t, unroll_error *err) {
  optimizer_options options = {
      .momentum = t->o.momentum, .weight_decay = t->o.weight_decay, .clip_norm = t->o.clip_norm, .clip_value = t->o.clip_value};
  unroll_status status = freeze_choose(t, err);
  options.frozen = t->frozen;
  if (!status) status = optimizer_kind_of(&options.kind, t->o.optimizer, err);
  if (status) return status;
  if (options.momentum < 0) options.momentum = options.kind == OPTIMIZER_SGD ? 0.9 : 0;
  if (options.weight_decay < 0) options.weight_decay = options.kind == OPTIMIZER_ADAMW ? 0.01 : 0;
  return optimizer_init(&t->opt, &t->m.g, &options, err);
}

unroll_status trainer_prepare(trainer *t, unroll_error *err) {
  const int rows = (int)t->o.batch, steps = (int)t->o.unroll;
  for (int i = 0; i < 3; i++)
    if (t->sets[i].first) dataset_measure(&t->sets[i], &t->m.schema, &t->m.g);
  unroll_status status = model_set_precision(&t->m, t->o.precision, err);
  if (!status) status = schedule_parse(&t->rates, t->o.schedule, err);
  if (!status) status = make_optimizer(t, err);
  if (!status) status = check_transpose(t, err);
  if (!status) status = t->m.schema.time.time ? series_parts(t, err) : cut(t, err);
  if (!status) status = crop_parts(t, err);
  if (!status) status = class_weights_count(t, err);
  if (!status) status = check_valid(t, err);
  if (!status) status = notice_rare(t, err);
  if (!status) status = make_plan(t, err);
  if (status) return status;
  t->best = mem_aligned((size_t)t->m.g.n_weights + 1, sizeof *t->best);
  t->carry = mem_zero((size_t)run_carry_size(t->run) + 1, sizeof *t->carry);
  t->best_varying = arena_alloc(&t->memory, (size_t)t->m.g.n_varying + 1, sizeof *t->best_varying);
  if (!t->best || !t->carry || !t->best_varying) return error_memory(err);
  model_set_ramps(&t->m, t->s.step, t->total);
  memcpy(t->best_varying, t->m.g.varying, (size_t)t->m.g.n_varying * sizeof *t->best_varying);
  if (t->parts[VALID].n_symbols)
    status =
        evaluator_new(&t->valid, &t->m, t->m.weights, &t->parts[VALID], rows, steps, (int)t->o.shards, t->window, t->workers, err);
  const float *tested = t->valid ? t->best : t->m.weights;
  if (!status && t->parts[TEST].n_symbols)
    status = evaluator_new(&t->test, &t->m, tested, &t->parts[TEST], rows, steps, (int)t->o.shards, t->window, t->workers, err);
  return status;
}

void trainer_free(trainer *t) {
  file_unlock(t->lock - 1);
  evaluator_free(t->valid);
  evaluator_free(t->test);
  gathering_free(t->gathering);
  run_free(t->run);
  plan_free(t->plan);
  batcher_free(t->batches);
  optimizer_free(&t->opt);
  pool_free(t->workers);
  for (int i = 0; i < 3; i++) {
    part_free(&t->parts[i]);
    dataset_free(&t->sets[i]);
  }
  mem_free_aligned(t->best);
  mem_free(t->carry);
  model_free(&t->m);
  model_free(&t->from);
  text_free(&t->told);
  arena_free(&t->memory);
}
