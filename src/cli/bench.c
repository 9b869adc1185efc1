/* bench.c - `unroll bench`: the training step's share of the multiply-add peak that this machine shows right before and after.
 * The step is the whole one: pass forward and backward, norm and clipping, optimizer, repacking; on made-up data. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/inspect.h"
#include "api/settings.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/threads.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "kernel/kernel.h"
#include "run/random_batch.h"
#include "run/run.h"
#include "train/optimizer.h"

static const option_row rows[] = {
    {OPTION_LIST, "set", 0, offsetof(options, sets), "NAME=VALUE", 0, 0, false,
     "a setting of the net, as in --set hidden=512; may be repeated"},
    {OPTION_INTEGER, "batch", 0, offsetof(options, batch), "N", 1, 65536, false, "sequences [32]"},
    {OPTION_INTEGER, "unroll", 0, offsetof(options, unroll), "N", 1, 65536, false, "steps [64]"},
    {OPTION_NUMBER, "seconds", 0, offsetof(options, seconds), "X", 0.05, 3600, false, "how long to measure [5]"},
    {OPTION_INTEGER, "threads", 0, offsetof(options, threads), "N", 0, 1024, false, "0: one per processor [0]"},
    {OPTION_FLAG, "quiet", 'q', offsetof(options, quiet), NULL, 0, 0, false, "no progress"},
    {OPTION_FLAG, "json", 0, offsetof(options, json), NULL, 0, 0, false, "one JSON object on standard output"},
    {.kind = OPTION_END},
};

enum { MAX_THREADS = 1024, MAX_TIMES = 1 << 16, WARM_UP = 3 };

typedef struct bench {
  const options *o;
  inspection x;
  plan *p;
  run *r;
  random_batch data;
  optimizer opt;
  float *weights;
  pool *workers;
  int batch, steps, threads;
  int64_t cells;     /* symbols per step */
  double operations; /* of the products, per step */
  double peak[2];    /* GFLOP/s of all threads, before and after */
  double *times;     /* seconds of each step */
  int n_times;
  double loss; /* nats per symbol, first and last: a step that computes nonsense would be fast, too */
  double first_loss;
} bench;

static double peaks[MAX_THREADS]; /* GFLOP/s of each thread; the threads of the pool fill it side by side */

static void measure(void *context, int thread, int threads) {
  (void)threads;
  peaks[thread] = kernel_table()->peak(*(const double *)context);
}

static double measure_peak(pool *workers, int threads, double seconds) {
  double sum = 0;
  pool_run(workers, measure, &seconds);
  for (int i = 0; i < threads; i++) sum += peaks[i];
  return sum;
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double quantile(const double *sorted, int n, double q) { return sorted[(int)(q * (n - 1) + 0.5)]; }

static unroll_status prepare(bench *b, unroll_error *err) {
  const graph *g = b->x.g;
  const optimizer_options adam = {.kind = OPTIMIZER_ADAM, .clip_norm = 5};
  int *lengths = mem_zero((size_t)b->batch, sizeof *lengths);
  if (!lengths) return error_memory(err);
  for (int i = 0; i < b->batch; i++) lengths[i] = b->steps;
  unroll_status status = inspect_plan(&b->x, b->batch, b->steps, &b->p, err);
  if (!status) status = random_batch_new(&b->data, g, b->batch, lengths, 1, err);
  mem_free(lengths);
  if (status) return status;
  b->weights = mem_aligned((size_t)g->n_weights, sizeof *b->weights);
  b->times = mem_zero(MAX_TIMES, sizeof *b->times);
  if (!b->weights || !b->times) return error_memory(err);
  random_weights(b->weights, g, 1);
  b->cells = (int64_t)b->batch * b->steps;
  b->operations = plan_operations(b->p, b->cells);
  status = run_new(&b->r, b->p, b->weights, b->workers, err);
  if (!status) status = optimizer_init(&b->opt, g, &adam, err);
  return status;
}

static double step(bench *b, int64_t number) {
  const double start = time_now();
  run_pass(b->r, &b->data.b, 1);
  float *dw = run_gradient(b->r);
  const double norm = optimizer_norm(&b->opt, dw);
  optimizer_step(&b->opt, b->weights, dw, norm, 0.002, number, b->workers);
  run_pack(b->r);
  const double seconds = time_now() - start;
  b->loss = 0;
  for (int i = 0; i < b->x.g->n_losses; i++) b->loss += run_loss(b->r, i) * b->data.b.loss_scale;
  if (number == 0) b->first_loss = b->loss;
  return seconds;
}

static unroll_status measure_steps(bench *b, unroll_error *err) {
  const double seconds = isnan(b->o->seconds) ? 5 : b->o->seconds, start = time_now();
  const double share = seconds / 5 < 1 ? seconds / 5 : 1;
  int64_t number = 0;
  run_pack(b->r);
  for (; number < WARM_UP; number++) step(b, number);
  b->peak[0] = measure_peak(b->workers, b->threads, share);
  do {
    b->times[b->n_times++] = step(b, number++);
    if (!b->o->quiet && progress_due())
      progress_show("%s: %d steps, %.0f s left", b->x.m.net_file, b->n_times, seconds - (time_now() - start));
  } while (time_now() - start < seconds && b->n_times < MAX_TIMES && !*signals_flag());
  b->peak[1] = measure_peak(b->workers, b->threads, share);
  if (*signals_flag()) return error_set(err, UNROLL_INTERRUPTED, "interrupted");
  if (!isfinite(b->loss)) return error_set(err, UNROLL_FAILED, "the loss is not finite after %d steps", b->n_times);
  qsort(b->times, (size_t)b->n_times, sizeof *b->times, compare);
  return UNROLL_OK;
}

static unroll_status print_result(const bench *b, unroll_error *err) {
  char weights[32], rate[32], low[32], high[32];
  const double median = quantile(b->times, b->n_times, 0.5), peak = (b->peak[0] + b->peak[1]) / 2;
  const double fast = quantile(b->times, b->n_times, 0.1), slow = quantile(b->times, b->n_times, 0.9);
  const double speed = b->operations / median * 1e-9;
  if (b->o->json)
    return output_json(json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:I, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "net",
                                 b->x.m.net_file, "processor", cpu_name(), "isa", cpu_isa_name(cpu_isa()), "threads", b->threads,
                                 "batch", b->batch, "unroll", b->steps, "weights", (json_int_t)b->x.g->n_weights, "steps",
                                 b->n_times, "seconds_per_step", median, "seconds_per_step_p10", fast, "seconds_per_step_p90", slow,
                                 "symbols_per_second", (double)b->cells / median, "gflops", speed, "peak_gflops_before", b->peak[0],
                                 "peak_gflops_after", b->peak[1], "share_of_peak", speed / peak),
                       err);
  printf("%s: %s weights, batch %d, %d steps, %d thread%s\n", b->x.m.net_file, output_count(b->x.g->n_weights, weights), b->batch,
         b->steps, b->threads, b->threads == 1 ? "" : "s");
  printf("processor:      %s (%s)\n", cpu_name(), cpu_isa_name(cpu_isa()));
  printf("training step:  %.2f ms, median of %d (10 to 90 of 100: %.2f to %.2f ms)\n", median * 1e3, b->n_times, fast * 1e3,
         slow * 1e3);
  printf("speed:          %s symbols/s (%s to %s)\n", output_rate((double)b->cells / median, rate),
         output_rate((double)b->cells / slow, low), output_rate((double)b->cells / fast, high));
  printf("products:       %.1f GFLOP/s, %.1f MFLOP per step\n", speed, b->operations * 1e-6);
  printf("measured peak:  %.1f GFLOP/s before, %.1f after\n", b->peak[0], b->peak[1]);
  printf("share of peak:  %.1f %%\n", 100 * speed / peak);
  printf("loss:           %.3f, then %.3f nats per symbol on the same made-up data\n", b->first_loss, b->loss);
  return UNROLL_OK;
}

static unroll_status run_bench(const options *o, unroll_error *err) {
  bench *b = mem_zero(1, sizeof *b);
  arena memory = {0};
  setting *settings = NULL;
  int n_settings = 0;
  if (!b) return error_memory(err);
  b->o = o;
  b->batch = o->batch > 0 ? (int)o->batch : 32;
  b->steps = o->unroll > 0 ? (int)o->unroll : 64;
  unroll_status status = inspect_parse(&b->x, o->n_arguments ? o->arguments[0] : "language", err);
  b->workers = pool_new(o->threads > 0 ? (int)o->threads : 0);
  if (!status && !b->workers) status = error_memory(err);
  if (!status) b->threads = pool_threads(b->workers);
  if (!status) status = settings_parse(&settings, &n_settings, o->sets.items, o->sets.n, &memory, err);
  if (!status) status = inspect_build(&b->x, settings, n_settings, err);
  if (!status && b->x.cell)
    status = error_set(err, UNROLL_USAGE, "'%s' is a cell; 'unroll bench language --set cell=%s' trains one", o->arguments[0],
                       o->arguments[0]);
  if (!status) status = prepare(b, err);
  if (!status) status = measure_steps(b, err);
  if (!status) status = print_result(b, err);
  optimizer_free(&b->opt);
  run_free(b->r);
  random_batch_free(&b->data);
  plan_free(b->p);
  inspect_close(&b->x);
  pool_free(b->workers);
  mem_free_aligned(b->weights);
  mem_free(b->times);
  mem_free(b);
  arena_free(&memory);
  return status;
}

const command command_bench = {
    .name = "bench",
    .usage = "[NET] [options]",
    .summary = "speed as a share of the machine's measured peak",
    .text = "Measures the whole training step of NET [language] on made-up data: the multiply-adds of its products against the "
            "peak that\n"
            "all threads together reach right before and after with nothing but multiply-adds in registers.",
    .rows = rows,
    .least = 0,
    .most = 1,
    .names = true,
    .run = run_bench,
};
