/* train.c - `unroll train`. The work is in train/train.h; this file reads options and shows progress. */
#include "train/train.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "api/settings.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/file.h"
#include "base/threads.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "use/evaluate.h"

static const option_row rows[] = {
    {OPTION_FOLDER, "output", 'o', offsetof(options, output), "DIR", 0, 0, false,
     "where model, checkpoint and log go; made if it is not there"},
    {OPTION_FOLDER, "resume", 0, offsetof(options, resume), "DIR", 0, 0, false,
     "go on from the last checkpoint in DIR, to the same bits"},
    {OPTION_LIST, "set", 0, offsetof(options, sets), "NAME=VALUE", 0, 0, false,
     "a setting of the net, as in --set hidden=512; may be repeated"},
    {OPTION_LIST, "init", 0, offsetof(options, inits), "[NAME=]VALUE", 0, 0, false,
     "how parameters start, as in --init 'h.U*=orthogonal' or, for all matrices, --init 'uniform(0.1)'; may be repeated"},
    {OPTION_LIST, "ramp", 0, offsetof(options, ramps), "NAME=FROM:TO[@SHARE]", 0, 0, false,
     "a setting that changes evenly over training, or its first SHARE, as in --ramp h.s=1:4; may be repeated"},
    {OPTION_INTEGER, "epochs", 0, offsetof(options, epochs), "N", 1, MOST_COUNT, false,
     "passes over the data [10, at least 300 steps]"},
    {OPTION_INTEGER, "steps", 0, offsetof(options, steps), "N", 1, MOST_COUNT, false, "updates; with --epochs, what comes first"},
    {OPTION_INTEGER, "batch", 0, offsetof(options, batch), "N", 1, 65536, false, "sequences per step, or parallel streams [32]"},
    {OPTION_INTEGER, "unroll", 0, offsetof(options, unroll), "N", 1, 1 << 20, false, "steps per truncated pass of a stream [64]"},
    {OPTION_TEXT, "series", 0, offsetof(options, series), "COLUMN", 0, 0, false,
     "tables: successive rows with the same COLUMN are the steps of one example [a row each]"},
    {OPTION_TEXT, "time", 0, offsetof(options, time), "COLUMN", 0, 0, false,
     "tables: the dates of regular series, which are trained on in windows; validation and test are cut from the end of each"},
    {OPTION_INTEGER, "context", 0, offsetof(options, context), "N", 1, 1 << 20, false,
     "with --time: steps that a window knows [3 horizons]"},
    {OPTION_INTEGER, "horizon", 0, offsetof(options, horizon), "N", 1, 1 << 20, false,
     "with --time: steps that are to be forecast [a season of the dates, else 12]"},
    {OPTION_WORD, "scale", 0, offsetof(options, scale), "none|series|level", 0, 0, false,
     "with --time: what is predicted is taken as (x - mean) / deviation, or x / mean of |x|, of each window's context [none]"},
    {OPTION_TEXT, "tagged", 0, offsetof(options, tagged), "NAMES", 0, 0, false,
     "DATA is tagged text, a token a line and an empty line between sentences, with columns of these names: --tagged word,tag"},
    {OPTION_FLAG, "labels-from-folders", 0, offsetof(options, folders), NULL, 0, 0, false,
     "DATA is folders of texts, a folder for each label [so if the net has one text and one category]"},
    {OPTION_FLAG, "skip-bad", 0, offsetof(options, skip_bad), NULL, 0, 0, false,
     "rows and lines that cannot be read are reported, counted and left out [they are an error]"},
    {OPTION_FLAG, "standardise", 0, offsetof(options, standardise), NULL, 0, 0, false,
     "tables: numbers are taken as (x - mean) / deviation of the training file; predictions come in the data's units"},
    {OPTION_LIST, "class-weights", 0, offsetof(options, class_weights), "[NAME=]balanced|FILE", 0, 0, false,
     "what each label of a predicted category counts in training, as balanced or in FILE: label, tab, weight; may be repeated [1]"},
    {OPTION_INTEGER, "seed", 0, offsetof(options, seed), "N", 0, MOST_COUNT, false, "of all random numbers [1]"},
    {OPTION_HEADING, "Optimization", 0, 0, NULL, 0, 0, false, NULL},
    {OPTION_WORD, "optimizer", 0, offsetof(options, optimizer), "adam|adamw|rmsprop|sgd", 0, 0, false, "[adam]"},
    {OPTION_NUMBER, "lr", 0, offsetof(options, rate), "X", 0, 1000, true, "learning rate [0.002]"},
    {OPTION_NUMBER, "momentum", 0, offsetof(options, momentum), "X", 0, 0.9999, false, "of sgd [0.9] and rmsprop [0]"},
    {OPTION_TEXT, "schedule", 0, offsetof(options, schedule), "KIND", 0, 0, false,
     "constant, cosine[:WARMUP_STEPS], plateau[:FACTOR:PATIENCE] or decay:FACTOR:AFTER_EPOCH [constant]"},
    {OPTION_NUMBER, "clip-norm", 0, offsetof(options, clip_norm), "X", 0, MOST_NUMBER, false, "longest gradient; 0: no limit [5]"},
    {OPTION_NUMBER, "clip-value", 0, offsetof(options, clip_value), "X", 0, MOST_NUMBER, false,
     "largest entry of the gradient; 0: no limit [0]"},
    {OPTION_NUMBER, "weight-decay", 0, offsetof(options, decay), "X", 0, 1, false, "on matrices [0; 0.01 for adamw]"},
    {OPTION_HEADING, "Validation", 0, 0, NULL, 0, 0, false, NULL},
    {OPTION_TEXT, "valid", 0, offsetof(options, valid), "SHARE|FILE", 0, 0, false,
     "never trained on; the best model by it is kept [0.05; none of less than 1000 symbols]"},
    {OPTION_TEXT, "test", 0, offsetof(options, test), "SHARE|FILE", 0, 0, false, "looked at once, at the end [none]"},
    {OPTION_INTEGER, "patience", 0, offsetof(options, patience), "N", 0, MOST_COUNT, false,
     "stop after N validations without improvement; 0: never [0]"},
    {OPTION_HEADING, "Running", 0, 0, NULL, 0, 0, false, NULL},
    {OPTION_INTEGER, "threads", 0, offsetof(options, threads), "N", 0, 1024, false, "0: one per processor; changes no result [0]"},
    {OPTION_WORD, "precision", 0, offsetof(options, precision), "fp32|bf16", 0, 0, false,
     "what the factors of products are rounded to; bf16 is faster where the processor multiplies it [fp32]"},
    {OPTION_TEXT, "memory", 0, offsetof(options, memory), "SIZE", 0, 0, false,
     "what training may take beside its data, as in 500M: steps that do not fit are computed again; changes no result [no limit]"},
    {OPTION_INTEGER, "log-steps", 0, offsetof(options, log), "N", 1, MOST_COUNT, false, "steps between records of log.jsonl [50]"},
    {OPTION_INTEGER, "checkpoint-seconds", 0, offsetof(options, checkpoint), "N", 0, MOST_COUNT, false,
     "between checkpoints; 0: after every step [60]"},
    {OPTION_FLAG, "quiet", 'q', offsetof(options, quiet), NULL, 0, 0, false, "no progress, only warnings and errors"},
    {OPTION_FLAG, "json", 0, offsetof(options, json), NULL, 0, 0, false, "the result as one JSON object on standard output"},
    {.kind = OPTION_END},
};

typedef struct watcher {
  bool quiet;
  const char *dir;
  int threads;
  int64_t first_step, steps_per_epoch;
  double last_line;    /* when a line that stays was last written */
  double bits;         /* of the last validation */
  const char *counted; /* "symbol" */
} watcher;

static void on_start(void *context, const train_start *s) {
  watcher *w = context;
  signals_flag(); /* from here on an interrupt waits for the end of a step; before, reading the data can be interrupted */
  char a[32], b[32], c[32], d[32];
  w->first_step = s->first_step;
  w->steps_per_epoch = s->steps_per_epoch;
  w->counted = s->counted;
  if (w->quiet) return;
  const int threads = w->threads > 0 ? w->threads : cpu_count();
  if (s->vocabulary) snprintf(b, sizeof b, ", %d symbols known", s->vocabulary);
  progress_line("%s: %s weights%s, %d thread%s (%s)", s->net_file, output_count(s->weights, a), s->vocabulary ? b : "", threads,
                threads == 1 ? "" : "s", cpu_isa_name(cpu_isa()));
  progress_line("data: %s %ss to train on, %s for validation, %s for test; %s steps", output_count(s->symbols[0], a), s->counted,
                output_count(s->symbols[1], b), output_count(s->symbols[2], c), output_count(s->total_steps, d));
  if (s->memory && s->window && s->window < s->steps)
    progress_line("memory: %.1f MB; %s steps of a pass in %s windows of %s, which are computed again for their gradients",
                  (double)s->bytes / 1048576, output_count(s->steps, a), output_count((s->steps + s->window - 1) / s->window, b),
                  output_count(s->window, c));
  else if (s->memory)
    progress_line("memory: %.1f MB; %s steps of a pass at once%s%s", (double)s->bytes / 1048576, output_count(s->steps, a),
                  s->window ? "; those that validate and test in windows of " : "", s->window ? output_count(s->window, b) : "");
  for (const char *line = s->class_weights; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
    progress_line("class weights of %.*s", (int)strcspn(line, "\n"), line);
  if (s->resumed) progress_line("resuming from %s at step %s", s->checkpoint, output_count(s->first_step, a));
  if (s->replaces) progress_line("the model of an earlier training in %s is replaced; --resume would have gone on with it", w->dir);
}

static void on_progress(void *context, const train_progress *p) {
  watcher *w = context;
  char rate[32], left[32], done[32], total[32], valid[48] = "";
  if (w->quiet) return;
  if (p->validated) {
    w->bits = p->valid_loss * BITS_PER_NAT;
    if (time_now() - w->last_line >= 3 || p->step == p->total_steps) {
      progress_line("epoch %lld, step %s: loss %.4f bits, validation %.4f bits per %s%s", (long long)p->epoch,
                    output_count(p->step, done), p->loss * BITS_PER_NAT, w->bits, w->counted, p->best ? " (best so far)" : "");
      w->last_line = time_now();
      return;
    }
  }
  if (!progress_due()) return;
  const int64_t made = p->step - w->first_step;
  const double remaining = made > 0 ? p->seconds / (double)made * (double)(p->total_steps - p->step) : (double)NAN;
  if (isfinite(w->bits)) snprintf(valid, sizeof valid, ", validation %.3f", w->bits);
  progress_show("epoch %lld, step %s of %s: loss %.3f bits%s, %s %ss/s, %s left", (long long)p->epoch, output_count(p->step, done),
                output_count(p->total_steps, total), p->loss * BITS_PER_NAT, valid, output_rate(p->symbols_per_second, rate),
                w->counted, duration_text(remaining, left));
}

static void on_warning(void *context, const char *message) {
  (void)context;
  terminal_warn("%s", message);
}

/* What was given on the command line over the defaults. */
static void apply(train_options *t, const options *o) {
  if (o->epochs >= 0) t->epochs = o->epochs;
  if (o->steps >= 0) t->steps = o->steps;
  if (o->batch >= 0) t->batch = o->batch;
  if (o->unroll >= 0) t->unroll = o->unroll;
  if (o->optimizer) t->optimizer = o->optimizer;
  if (!isnan(o->rate)) t->rate = o->rate;
  if (!isnan(o->momentum)) t->momentum = o->momentum;
  if (o->schedule) t->schedule = o->schedule;
  if (!isnan(o->clip_norm)) t->clip_norm = o->clip_norm;
  if (!isnan(o->clip_value)) t->clip_value = o->clip_value;
  if (!isnan(o->decay)) t->weight_decay = o->decay;
  if (o->series) t->series = o->series;
  if (o->tagged) t->tagged = o->tagged;
  if (o->standardise) t->standardise = true;
  if (o->time) t->time = o->time;
  if (o->scale) t->scale = o->scale;
  if (o->context >= 0) t->context = o->context;
  if (o->horizon >= 0) t->horizon = o->horizon;
  if (o->folders) t->folders = true;
  if (o->skip_bad) t->skip_bad = true;
  if (o->valid) t->valid = o->valid;
  if (o->test) t->test = o->test;
  if (o->patience >= 0) t->patience = o->patience;
  if (o->seed >= 0) t->seed = (uint64_t)o->seed;
  if (o->threads >= 0) t->threads = (int)o->threads;
  if (o->precision) t->precision = o->precision;
  if (o->log >= 0) t->log_steps = o->log;
  if (o->checkpoint >= 0) t->checkpoint_seconds = (double)o->checkpoint;
}

/* A resumed run keeps its options, else its bits would not be those of an uninterrupted one. */
static unroll_status check_resume(const options *o, unroll_error *err) {
  const char *given = o->output               ? "output"
                      : o->sets.n             ? "set"
                      : o->inits.n            ? "init"
                      : o->ramps.n            ? "ramp"
                      : o->batch >= 0         ? "batch"
                      : o->unroll >= 0        ? "unroll"
                      : o->optimizer          ? "optimizer"
                      : !isnan(o->rate)       ? "lr"
                      : !isnan(o->momentum)   ? "momentum"
                      : o->schedule           ? "schedule"
                      : !isnan(o->clip_norm)  ? "clip-norm"
                      : !isnan(o->clip_value) ? "clip-value"
                      : !isnan(o->decay)      ? "weight-decay"
                      : o->series             ? "series"
                      : o->tagged             ? "tagged"
                      : o->standardise        ? "standardise"
                      : o->time               ? "time"
                      : o->scale              ? "scale"
                      : o->context >= 0       ? "context"
                      : o->horizon >= 0       ? "horizon"
                      : o->folders            ? "labels-from-folders"
                      : o->skip_bad           ? "skip-bad"
                      : o->class_weights.n    ? "class-weights"
                      : o->valid              ? "valid"
                      : o->test               ? "test"
                      : o->patience >= 0      ? "patience"
                      : o->seed >= 0          ? "seed"
                      : o->precision          ? "precision"
                                              : NULL;
  if (given)
    return error_set(err, UNROLL_USAGE,
                     "--%s cannot be given with --resume: a resumed run goes on with the options it was started with", given);
  if (o->n_arguments > 1 && !file_exists(o->arguments[0]))
    return error_set(err, UNROLL_USAGE, "--resume takes at most the data, no net, and there is no file '%s'", o->arguments[0]);
  return UNROLL_OK;
}

static void set_number(json_t *out, const char *name, double x) { json_object_set_new(out, name, json_number(x)); }

static unroll_status print_json(const train_result *r, const char *dir, unroll_error *err) {
  text path = {0};
  text_format(&path, "%s/model.safetensors", dir);
  json_t *out = json_pack("{s:o, s:I, s:I, s:I, s:I, s:b}", "model", output_json_text(path.data ? path.data : "", path.length),
                          "steps", (json_int_t)r->steps, "epochs", (json_int_t)r->epochs, "symbols", (json_int_t)r->symbols,
                          "skipped", (json_int_t)r->skipped, "stopped_early", r->stopped_early);
  text_free(&path);
  if (!out) return error_memory(err);
  if (r->bad_rows) json_object_set_new(out, "bad_rows", json_integer((json_int_t)r->bad_rows));
  set_number(out, "seconds", r->seconds);
  set_number(out, "symbols_per_second", r->seconds > 0 ? (double)r->symbols / r->seconds : (double)NAN);
  set_number(out, "loss", r->loss);
  set_number(out, "bits", r->loss * BITS_PER_NAT);
  set_number(out, "valid_loss", r->valid_loss);
  set_number(out, "valid_bits", r->valid_loss * BITS_PER_NAT);
  set_number(out, "best_valid_bits", r->best_valid_loss * BITS_PER_NAT);
  set_number(out, "test_loss", r->test_loss);
  set_number(out, "test_bits", r->test_loss * BITS_PER_NAT);
  if (isfinite(r->work.share)) {
    set_number(out, "gflops", r->work.gflops);
    set_number(out, "peak_gflops", r->work.peak);
    set_number(out, "share_of_peak", r->work.share);
    set_number(out, "processor_time", r->work.processor);
  }
  return output_json(out, err);
}

static void print_result(const train_result *r, const watcher *w) {
  char time[32], rate[32], skipped[32], valid[64] = "", test[64] = "";
  if (isfinite(r->best_valid_loss)) snprintf(valid, sizeof valid, ", best validation %.4f", r->best_valid_loss * BITS_PER_NAT);
  if (isfinite(r->test_loss)) snprintf(test, sizeof test, ", test %.4f", r->test_loss * BITS_PER_NAT);
  progress_line("%s in %s (%s %ss/s): loss %.4f bits per %s%s%s", r->stopped_early ? "stopped early" : "done",
                duration_text(r->seconds, time), output_rate(r->seconds > 0 ? (double)r->symbols / r->seconds : 0, rate),
                w->counted, r->loss * BITS_PER_NAT, w->counted, valid, test);
  if (isfinite(r->work.share))
    progress_line("products of the training steps: %.1f GFLOP/s, %.0f %% of this machine's measured peak", r->work.gflops,
                  100 * r->work.share);
  if (r->work.processor < 0.9)
    progress_line("the machine was not quiet: the steps had %.0f %% of the processors' time", 100 * r->work.processor);
  if (r->skipped) progress_line("%s steps were skipped: their loss or gradient was not finite", output_count(r->skipped, skipped));
  progress_line("wrote %s/model.safetensors", w->dir);
}

/* With newlines between them. */
static unroll_status join_weights(const option_list *list, text *out, unroll_error *err) {
  for (int i = 0; i < list->n; i++) {
    if (strchr(list->items[i], '\n')) return error_set(err, UNROLL_USAGE, "the value of --class-weights has a newline in it");
    text_format(out, "%s%s", i ? "\n" : "", list->items[i]);
  }
  return out->failed ? error_memory(err) : UNROLL_OK;
}

static unroll_status start(const options *o, const text *paths, const train_callbacks *calls, train_result *r, unroll_error *err) {
  train_options t;
  train_defaults(&t);
  if (o->memory && !train_parse_bytes(o->memory, &t.memory))
    return error_set(err, UNROLL_USAGE, "--memory takes a size, as in 500M, 2G or a number of bytes, not '%s'", o->memory);
  if (o->resume) {
    const unroll_status status = check_resume(o, err);
    if (status) return status;
    t.epochs = t.steps = 0;
    t.data = paths->length ? paths->data : NULL;
    apply(&t, o);
    return train_resume(o->resume, &t, calls, r, err);
  }
  if (o->n_arguments < 1) return error_set(err, UNROLL_USAGE, "which net? 'unroll list' shows those inside the program");
  if (o->n_arguments < 2) return error_set(err, UNROLL_USAGE, "on which data? A file, or - for standard input");
  if (!o->output) return error_set(err, UNROLL_USAGE, "where to? Give a folder with -o DIR");
  arena memory = {0};
  setting *settings = NULL;
  unroll_status status = settings_parse(&settings, &t.n_settings, o->sets.items, o->sets.n, &memory, err);
  t.net = o->arguments[0];
  t.data = paths->data;
  t.dir = o->output;
  t.settings = settings;
  t.inits = o->inits.items;
  t.n_inits = o->inits.n;
  t.ramps = o->ramps.items;
  t.n_ramps = o->ramps.n;
  apply(&t, o);
  text weights = {0};
  if (!status) status = join_weights(&o->class_weights, &weights, err);
  t.class_weights = weights.data;
  if (!status) status = train_run(&t, calls, r, err);
  text_free(&weights);
  arena_free(&memory);
  return status;
}

static unroll_status run(const options *o, unroll_error *err) {
  const char *dir = o->resume ? o->resume : o->output;
  watcher w = {.quiet = o->quiet, .dir = dir, .threads = (int)o->threads, .bits = (double)NAN, .last_line = time_now()};
  const train_callbacks calls = {
      .context = &w, .start = on_start, .progress = on_progress, .warning = on_warning, .stop = signals_pointer()};
  train_result r = {0};
  text paths;
  unroll_status status = data_paths(o, o->resume ? 0 : 1, &paths, err);
  if (!status) status = start(o, &paths, &calls, &r, err);
  text_free(&paths);
  if (status == UNROLL_INTERRUPTED)
    return error_set(err, status, "interrupted; the checkpoint is written, and 'unroll train --resume %s' goes on", dir);
  if (status) return status;
  if (!o->quiet) print_result(&r, &w);
  return o->json ? print_json(&r, dir, err) : UNROLL_OK;
}

const command command_train = {
    .name = "train",
    .usage = "NET DATA... -o DIR [options]\n--resume DIR [DATA...] [options]",
    .summary = "trains a net on data",
    .text =
        "Trains NET, a file or a built-in net, on DATA: files that follow each other, folders of such files, or - for standard\n"
        "input. In DIR:\n"
        "    model.safetensors       the best model so far: all that is needed to use it\n"
        "    checkpoint.safetensors  the state of training, for --resume\n"
        "    log.jsonl               one record per logging step\n"
        "An interrupt (Ctrl-C) ends the step, writes the checkpoint and leaves with exit code 130.",
    .rows = rows,
    .least = 0,
    .most = NO_BOUND,
    .names = true,
    .run = run,
};
