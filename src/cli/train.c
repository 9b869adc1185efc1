/* train.c - `unroll train`. The work is in train/train.h; this file reads options and shows progress. */
#include "train/train.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/cpu.h"
#include "base/error.h"
#include "base/file.h"
#include "base/threads.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/figures.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "use/evaluate.h"

typedef struct watcher {
  bool quiet;
  const char *dir;
  int64_t first_step, steps_per_epoch;
  double last_line;    /* when a line that stays was last written */
  double bits;         /* of the last validation */
  const char *counted; /* "symbol" */
} watcher;

static void put_lines(const char *before, const char *lines) {
  for (const char *line = lines; line && *line; line += strcspn(line, "\n"), line += *line == '\n')
    progress_line("%s%.*s", before, (int)strcspn(line, "\n"), line);
}

static void on_start(void *context, const train_start *s) {
  watcher *w = context;
  signals_flag(); /* from here on an interrupt waits for the end of a step; before, reading the data can be interrupted */
  char a[32], b[32], c[32], d[32];
  w->first_step = s->first_step;
  w->steps_per_epoch = s->steps_per_epoch;
  w->counted = s->counted;
  if (w->quiet) return;
  if (s->vocabulary) snprintf(b, sizeof b, ", %d symbols known", s->vocabulary);
  progress_line("%s: %s weights%s, %d thread%s (%s)", s->net_file, output_count(s->weights, a), s->vocabulary ? b : "", s->threads,
                s->threads == 1 ? "" : "s", cpu_isa_name(cpu_isa()));
  progress_line("data: %s %ss to train on, %s for validation, %s for test; %s steps", output_count(s->symbols[0], a), s->counted,
                output_count(s->symbols[1], b), output_count(s->symbols[2], c), output_count(s->total_steps, d));
  if (s->memory && s->window && s->window < s->steps)
    progress_line("memory: %.1f MB; %s steps of a pass in %s windows of %s, which are computed again for their gradients",
                  (double)s->bytes / 1048576, output_count(s->steps, a), output_count((s->steps + s->window - 1) / s->window, b),
                  output_count(s->window, c));
  else if (s->memory)
    progress_line("memory: %.1f MB; %s steps of a pass at once%s%s", (double)s->bytes / 1048576, output_count(s->steps, a),
                  s->window ? "; those that validate and test in windows of " : "", s->window ? output_count(s->window, b) : "");
  put_lines("", s->notes);
  put_lines("class weights of ", s->class_weights);
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

static unroll_status print_json(const train_result *r, const char *dir, unroll_error *err) {
  figures f = {0};
  text path = {0};
  text_format(&path, "%s/model.safetensors", dir);
  figures_add_word(&f, 0, "model", path.data ? path.data : "");
  train_figures(&f, r);
  json_t *out = f.failed || path.failed ? NULL : figures_json(&f);
  text_free(&path);
  figures_free(&f);
  return out ? output_json(out, err) : error_memory(err);
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
  progress_line(r->wrote ? "wrote %s/model.safetensors" : "%s/model.safetensors is as it was: this run has no better one", w->dir);
}

static unroll_status start(const options *o, const char *paths, const train_callbacks *calls, train_result *r, unroll_error *err) {
  train_options t = o->train;
  t.data = paths;
  if (t.resume) {
    if (o->n_arguments > 1 && !file_exists(o->arguments[0]))
      return error_set(err, UNROLL_USAGE, "--resume takes at most the data, no net, and there is no file '%s'", o->arguments[0]);
    return train_resume(t.resume, &t, calls, r, err);
  }
  if (o->n_arguments < 1) return error_set(err, UNROLL_USAGE, "which net? 'unroll list' shows those inside the program");
  if (o->n_arguments < 2) return error_set(err, UNROLL_USAGE, "on which data? A file, or - for standard input");
  if (!t.dir) return error_set(err, UNROLL_USAGE, "where to? Give a folder with -o DIR");
  t.net = o->arguments[0];
  return train_run(&t, calls, r, err);
}

unroll_status command_train(const options *o, unroll_error *err) {
  const char *dir = o->train.resume ? o->train.resume : o->train.dir;
  watcher w = {.quiet = o->quiet, .dir = dir, .bits = (double)NAN, .last_line = time_now()};
  const train_callbacks calls = {
      .context = &w, .start = on_start, .progress = on_progress, .warning = on_warning, .stop = signals_pointer()};
  train_result r = {0};
  signals_keep_pipe();
  text paths;
  unroll_status status = data_paths(o, o->train.resume ? 0 : 1, &paths, err);
  if (!status) status = start(o, paths.length ? paths.data : NULL, &calls, &r, err);
  text_free(&paths);
  if (status == UNROLL_INTERRUPTED)
    return error_set(err, status, "interrupted; the checkpoint is written, and 'unroll train --resume %s' goes on", dir);
  if (status) return status;
  if (!o->quiet) print_result(&r, &w);
  return o->json ? print_json(&r, dir, err) : UNROLL_OK;
}
