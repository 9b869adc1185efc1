/* train.c - `unroll train`: hands over what was typed, and shows progress. */
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
#include "ranks/ranks.h"

typedef struct watcher {
  bool quiet;
  const char *dir;
  double last_line;    /* when a line that stays was last written */
  double bits;         /* of the last validation */
  const char *counted; /* "symbol" */
} watcher;

static void put_lines(const char *before, const char *lines) {
  for (const char *line = lines; line && *line; line += strcspn(line, "\n"), line += *line == '\n')
    progress_line("%s%.*s", before, (int)strcspn(line, "\n"), line);
}

static void on_start(void *context, const unroll_start *s) {
  watcher *w = context;
  signals_flag(); /* from here on an interrupt waits for the end of a step; before, reading the data can be interrupted */
  char a[32], b[32], c[32], d[32];
  w->counted = s->counted;
  if (w->quiet) return;
  const ranks *k = ranks_here();
  if (k) progress_line("%d ranks on %d host%s", k->count, k->hosts, k->hosts == 1 ? "" : "s");
  if (k && s->shards < k->count)
    terminal_warn("the batch has %d shard%s, so only as many ranks have work; see --shards and --batch", s->shards,
                  s->shards == 1 ? "" : "s");
  if (s->known) snprintf(b, sizeof b, ", %d symbols known", s->known);
  progress_line("%s: %s weights%s, %d thread%s (%s)", s->net_file, text_count(s->weights, a), s->known ? b : "", s->threads,
                s->threads == 1 ? "" : "s", cpu_isa_name(cpu_isa()));
  progress_line("data: %s %ss to train on, %s for validation, %s for test; %s steps", text_count(s->symbols[0], a), s->counted,
                text_count(s->symbols[1], b), text_count(s->symbols[2], c), text_count(s->total_steps, d));
  if (s->memory && s->window && s->window < s->steps)
    progress_line("memory: %.1f MB; %s steps of a pass in %s windows of %s, which are computed again for their gradients",
                  (double)s->bytes / 1048576, text_count(s->steps, a), text_count((s->steps + s->window - 1) / s->window, b),
                  text_count(s->window, c));
  else if (s->memory)
    progress_line("memory: %.1f MB; %s steps of a pass at once%s%s", (double)s->bytes / 1048576, text_count(s->steps, a),
                  s->window ? "; those that validate and test in windows of " : "", s->window ? text_count(s->window, b) : "");
  put_lines("", s->notes);
  put_lines("class weights of ", s->class_weights);
  if (s->resumed) progress_line("resuming from %s at step %s", s->checkpoint, text_count(s->first_step, a));
  if (s->replaces) progress_line("the model of an earlier training in %s is replaced; --resume would have gone on with it", w->dir);
}

static int on_progress(void *context, const unroll_progress *p) {
  watcher *w = context;
  char rate[32], left[32], done[32], total[32], valid[48] = "";
  if (w->quiet) return 0;
  if (p->validated) {
    w->bits = p->valid_bits;
    if (time_now() - w->last_line >= 3 || p->step == p->steps) {
      progress_line("epoch %lld, step %s: loss %.4f bits, validation %.4f bits per %s%s", (long long)p->epoch,
                    text_count(p->step, done), p->loss * BITS_PER_NAT, w->bits, w->counted, p->best ? " (best so far)" : "");
      w->last_line = time_now();
      return 0;
    }
  }
  if (!progress_due()) return 0;
  if (isfinite(w->bits)) snprintf(valid, sizeof valid, ", validation %.3f", w->bits);
  progress_show("epoch %lld, step %s of %s: loss %.3f bits%s, %s %ss/s, %s left", (long long)p->epoch, text_count(p->step, done),
                text_count(p->steps, total), p->loss * BITS_PER_NAT, valid, text_rate(p->symbols_per_second, rate), w->counted,
                duration_text(p->remaining, left));
  return 0;
}

static void on_warning(void *context, const char *message) {
  (void)context;
  if (!ranks_here() || ranks_here()->own == 0) terminal_warn("%s", message);
}

static unroll_status print_json(const unroll_result *r, const char *dir, unroll_error *err) {
  text path = {0};
  text_format(&path, "%s/model.safetensors", dir);
  json_t *figures = figures_json(r),
         *out = path.data ? json_pack("{s:o}", "model", output_json_text(path.data, path.length)) : NULL;
  json_object_update(out, figures);
  json_decref(figures);
  text_free(&path);
  return output_json(out, err);
}

/* Of series: "better than seasonal naive by 31 %: ...". */
static void print_against(const unroll_result *r) {
  const int of = figure_part(r, 0, "against_seasonal_naive");
  unroll_figure error, where;
  char windows[32];
  if (of < 0 || !figure_find(r, of, "error", &error) || !figure_find(r, of, "of", &where)) return;
  const double model = figure_value(r, of, "model"), naive = figure_value(r, of, "seasonal_naive"),
               better = 100 * (1 - model / naive);
  const double n = figure_value(r, of, "windows");
  progress_line("%s than seasonal naive by %.0f %%: %s %.3g, %.3g of it, in %s window%s of the %s part",
                better >= 0 ? "better" : "worse", fabs(better), strcmp(error.word, "mase") ? "MAE" : "MASE", model, naive,
                text_count((int64_t)n, windows), n > 1 ? "s" : "", where.word);
}

static void print_result(const unroll_result *r, const watcher *w) {
  char time[32], rate[32], skipped[32], valid[64] = "", test[64] = "";
  const double best = figure_value(r, 0, "best_valid_bits"), tested = figure_value(r, 0, "test_bits");
  const double seconds = figure_value(r, 0, "seconds"), share = figure_value(r, 0, "share_of_peak");
  if (isfinite(best)) snprintf(valid, sizeof valid, ", best validation %.4f", best);
  if (isfinite(tested)) snprintf(test, sizeof test, ", test %.4f", tested);
  progress_line("%s in %s (%s %ss/s): loss %.4f bits per %s%s%s",
                figure_value(r, 0, "stopped_early") != 0 ? "stopped early" : "done", duration_text(seconds, time),
                text_rate(seconds > 0 ? figure_value(r, 0, "symbols") / seconds : 0, rate), w->counted, figure_value(r, 0, "bits"),
                w->counted, valid, test);
  print_against(r);
  if (isfinite(share))
    progress_line("products of the training steps: %.1f GFLOP/s, %.0f %% of this machine's measured peak",
                  figure_value(r, 0, "gflops"), 100 * share);
  if (figure_value(r, 0, "processor_time") < 0.9)
    progress_line("the machine was not quiet: the steps had %.0f %% of the processors' time",
                  100 * figure_value(r, 0, "processor_time"));
  const int64_t left_out = (int64_t)figure_value(r, 0, "skipped");
  if (left_out) progress_line("%s steps were skipped: their loss or gradient was not finite", text_count(left_out, skipped));
  progress_line(figure_value(r, 0, "model_kept") != 1 ? "wrote %s/model.safetensors"
                                                      : "%s/model.safetensors is as it was: this run has no better one",
                w->dir);
}

/* The arguments: net and data, of a resumed run at most data. */
static unroll_status take_arguments(unroll_options *t, const options *o, unroll_error *err) {
  text paths;
  unroll_status status = data_paths(o, o->resume ? 0 : 1, &paths, err);
  text_free(&paths);
  if (status) return status;
  if (o->resume) {
    if (o->n_arguments > 1 && !file_exists(o->arguments[0]))
      return error_set(err, UNROLL_USAGE, "--resume takes at most the data, no net, and there is no file '%s'", o->arguments[0]);
  } else {
    if (o->n_arguments < 1) return error_set(err, UNROLL_USAGE, "which net? 'unroll list' shows those inside the program");
    if (o->n_arguments < 2) return error_set(err, UNROLL_USAGE, "on which data? A file, or - for standard input");
    if (!o->dir) return error_set(err, UNROLL_USAGE, "where to? Give a folder with -o DIR");
    status = unroll_options_set(t, "net", o->arguments[0], err);
  }
  for (int i = o->resume ? 0 : 1; i < o->n_arguments && !status; i++) status = unroll_options_set(t, "data", o->arguments[i], err);
  return status;
}

unroll_status command_train(const options *o, unroll_error *err) {
  const char *dir = o->resume ? o->resume : o->dir;
  watcher w = {.quiet = o->quiet, .dir = dir, .bits = (double)NAN, .last_line = time_now()};
  const unroll_watch watch = {
      .size = sizeof watch, .context = &w, .start = on_start, .progress = on_progress, .warning = on_warning};
  unroll_options *t = NULL;
  unroll_result *r = NULL;
  signals_keep_pipe();
  unroll_status status = data_options_typed(&t, "train", o, err);
  if (!status) status = take_arguments(t, o, err);
  if (!status) unroll_options_set_stop(t, signals_pointer());
  if (!status) status = unroll_train_watched(t, NULL, &watch, NULL, &r, err);
  unroll_options_free(t);
  if (status == UNROLL_INTERRUPTED)
    return error_set(err, status, "interrupted; the checkpoint is written, and 'unroll train --resume %s' goes on", dir);
  if (!status && !o->quiet) print_result(r, &w);
  if (!status && o->json) status = print_json(r, dir, err);
  unroll_result_free(r);
  return status;
}
