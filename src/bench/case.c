/* case.c - see case.h.
 *
 * Measured in rounds: the peak, some steps, some profiled steps, and again. A share of the peak is that of one round, between
 * the two looks at the peak around it. So a machine that changes its speed changes both sides. Medians of the steps of a round,
 * and over the rounds. */
#include "bench/case.h"
#include "bench/bench.h"
#include <math.h>
#include <stdlib.h>
#include <time.h>
#include "graph/settings.h"
#include "base/error.h"
#include "base/memory.h"
#include "run/make.h"

enum { WARM_UP = 3, MOST_ROUNDS = 256, LEAST_ROUNDS = 3 };

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double quantile(const double *sorted, int n, double q) { return sorted[(int)(q * (n - 1) + 0.5)]; }

spread bench_spread(double *x, int n) {
  if (n < 1) return (spread){0};
  qsort(x, (size_t)n, sizeof *x, compare);
  return (spread){quantile(x, n, 0.5), quantile(x, n, 0.1), quantile(x, n, 0.9)};
}

/* Without changing the order of x; of the first 1024 numbers at most. */
static double median_of(const double *x, int n) {
  double copy[1024];
  const int most = n < 1024 ? n : 1024;
  for (int i = 0; i < most; i++) copy[i] = x[i];
  return bench_spread(copy, most).median;
}

/* --- a case's life --- */

static unroll_status build(bench_case *c, const char *const *settings, int n_settings, unroll_error *err) {
  const char *all[BENCH_SETTINGS + 256];
  int n = 0;
  setting *list;
  while (n < BENCH_SETTINGS && c->spec.settings[n]) all[n] = c->spec.settings[n], n++;
  for (int i = 0; i < n_settings && i < 256; i++) all[n++] = settings[i];
  unroll_status status = inspect_parse(&c->x, c->spec.net, err);
  if (!status) status = settings_parse(&list, &n, all, n, &c->memory, err);
  return status ? status : inspect_build(&c->x, list, n, err);
}

static unroll_status make_pass(bench_case *c, unroll_error *err) {
  const graph *g = c->x.g;
  const bool trains = c->spec.mode == BENCH_TRAIN;
  const int keep = c->x.cell ? g->output_node : g->n_losses ? g->losses[0].prediction : NODE_NONE;
  plan_options o = {.max_rows = c->spec.batch,
                    .max_steps = c->spec.steps,
                    .gradient = trains,
                    .precision = c->spec.precision,
                    .keep = &keep,
                    .n_keep = !trains && keep != NODE_NONE};
  const unroll_status status = plan_shards(&o.shards, c->spec.shards, g, &o, err);
  c->spec.shards = o.shards;
  return status ? status : run_make(&c->r, &c->p, g, &o, c->weights, c->machine->workers, err);
}

static unroll_status make_run(bench_case *c, unroll_error *err) {
  const graph *g = c->x.g;
  const optimizer_options adam = {.kind = OPTIMIZER_ADAM, .clip_norm = 5};
  const bool trains = c->spec.mode == BENCH_TRAIN;
  int *lengths = mem_zero((size_t)c->spec.batch, sizeof *lengths);
  if (!lengths) return error_memory(err);
  for (int i = 0; i < c->spec.batch; i++) lengths[i] = c->spec.steps;
  unroll_status status = random_batch_new(&c->data, g, c->spec.batch, lengths, 1, err);
  mem_free(lengths);
  if (status) return status;
  c->weights = mem_aligned((size_t)g->n_weights + 1, sizeof *c->weights);
  c->times = mem_zero(BENCH_TIMES, sizeof *c->times);
  c->profiled = mem_zero(BENCH_TIMES, sizeof *c->profiled);
  if (!c->weights || !c->times || !c->profiled) return error_memory(err);
  random_weights(c->weights, g, 1);
  status = make_pass(c, err);
  if (!status) status = profile_new(&c->profile, c->r, err);
  if (!status && trains) status = optimizer_init(&c->opt, g, &adam, err);
  if (status) return status;
  c->symbols = (int64_t)c->spec.batch * c->spec.steps;
  c->operations = plan_operations(c->p, c->symbols);
  c->bytes = plan_arena_bytes(c->p) + g->n_weights * (int64_t)sizeof(float) * (trains ? 3 + c->spec.shards : 1);
  return status;
}

unroll_status bench_case_open(bench_case *c, const bench_spec *spec, const char *const *settings, int n_settings,
                              const bench_machine *machine, unroll_error *err) {
  *c = (bench_case){.spec = *spec, .machine = machine};
  unroll_status status = build(c, settings, n_settings, err);
  return status ? status : make_run(c, err);
}

void bench_case_close(bench_case *c) {
  optimizer_free(&c->opt);
  profile_free(c->profile);
  run_free(c->r);
  random_batch_free(&c->data);
  plan_free(c->p);
  inspect_close(&c->x);
  mem_free_aligned(c->weights);
  mem_free(c->times);
  mem_free(c->profiled);
  arena_free(&c->memory);
  *c = (bench_case){0};
}

/* --- steps --- */

static void look_at_loss(bench_case *c) {
  c->last_loss = 0;
  for (int i = 0; i < c->x.g->n_losses && c->spec.mode == BENCH_TRAIN; i++)
    c->last_loss += run_loss(c->r, i) * c->data.b.loss_scale;
  if (c->updates == 0) c->first_loss = c->last_loss;
  c->updates++;
}

/* What comes after the pass of a training step. */
static double update(bench_case *c) {
  pool *workers = c->machine->workers;
  float *dw = run_gradient(c->r);
  const double norm = optimizer_norm(&c->opt, dw, run_touched(c->r), workers);
  if (isfinite(norm)) {
    optimizer_step(&c->opt, c->weights, dw, run_touched(c->r), norm, 0.002, c->updates, workers);
  } else { /* the made-up data drove it out of bounds, as it may a recurrence without gates: from new weights on */
    c->last_loss = norm;
    random_weights(c->weights, c->x.g, (uint64_t)c->updates + 1);
  }
  return norm;
}

double bench_case_step(bench_case *c) {
  const double start = time_now();
  double norm = 0;
  run_pass(c->r, &c->data.b, c->spec.mode == BENCH_TRAIN);
  if (c->spec.mode == BENCH_TRAIN) {
    norm = update(c);
    run_pack(c->r);
  }
  const double seconds = time_now() - start;
  look_at_loss(c);
  if (!isfinite(norm)) c->last_loss = norm;
  return seconds;
}

static double profiled_step(bench_case *c) {
  const double start = time_now();
  profile_pass(c->profile, &c->data.b, c->spec.mode == BENCH_TRAIN);
  if (c->spec.mode == BENCH_TRAIN) {
    const double pass = time_now();
    update(c);
    const double updated = time_now();
    run_pack(c->r);
    profile_add(c->profile, PROFILE_OPTIMIZER, updated - pass);
    profile_add(c->profile, PROFILE_PACK, time_now() - updated);
  }
  const double seconds = time_now() - start;
  look_at_loss(c);
  return seconds;
}

/* Steps for about `seconds`, at least one, into times[*n..]; how long all of them took. */
static double steps_for(bench_case *c, double (*step)(bench_case *), double seconds, double *times, int *n) {
  const double start = time_now();
  double sum = 0;
  do {
    const double one = step(c);
    sum += one;
    if (*n < BENCH_TIMES) times[(*n)++] = one;
  } while (time_now() - start < seconds && !bench_stopped(c->machine->watch));
  return sum;
}

typedef struct rounds {
  int n;
  double wall, processor; /* seconds of the steps, all threads together */
  double share[MOST_ROUNDS], peak[MOST_ROUNDS + 1];
} rounds;

/* Seconds that the threads of this program ran on a processor. */
static double processor_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void one_round(bench_case *c, rounds *r, double seconds) {
  const int before = c->n_times;
  const double processor = processor_now();
  const double sum = steps_for(c, bench_case_step, seconds * 0.6, c->times, &c->n_times);
  r->processor += processor_now() - processor;
  r->wall += sum * c->machine->threads;
  steps_for(c, profiled_step, seconds * 0.25, c->profiled, &c->n_profiled);
  r->peak[r->n + 1] = bench_peak(c->machine->workers, seconds * 0.15);
  const double peak = (r->peak[r->n] + r->peak[r->n + 1]) / 2;
  r->share[r->n++] = c->operations / median_of(c->times + before, c->n_times - before) * 1e-9 / peak;
}

static void summarise(bench_case *c, rounds *r) {
  const int passes = profile_passes(c->profile);
  c->seconds = bench_spread(c->times, c->n_times);
  c->share = bench_spread(r->share, r->n);
  c->peak = bench_spread(r->peak, r->n + 1);
  c->busy = r->processor / r->wall;
  c->overhead = bench_spread(c->profiled, c->n_profiled).median / c->seconds.median - 1;
  c->part = profile_total(c->profile);
  c->part_seconds = profile_seconds(c->profile) / passes;
  for (int i = 0; i < PROFILE_KINDS; i++) c->part.seconds[i] /= passes;
  c->part.product_seconds /= passes;
  c->part.product_operations /= passes;
  c->part.meetings /= passes;
}

unroll_status bench_case_measure(bench_case *c, double seconds, unroll_error *err) {
  rounds r = {0};
  const double start = time_now(), slice = seconds / 8 < 0.4 ? seconds / 8 : 0.4;
  for (int i = 0; i < WARM_UP; i++) bench_case_step(c);
  r.peak[0] = bench_peak(c->machine->workers, slice * 0.15);
  do {
    one_round(c, &r, slice);
    const double left = seconds - (time_now() - start); /* below 0 while the least rounds are not done */
    bench_show(c->machine->watch, "%s: %d steps, %.0f s left", c->spec.name, c->n_times, left > 0 ? left : 0);
  } while (!bench_stopped(c->machine->watch) && r.n < MOST_ROUNDS && (time_now() - start < seconds || r.n < LEAST_ROUNDS));
  if (bench_stopped(c->machine->watch)) return error_set(err, UNROLL_INTERRUPTED, "interrupted");
  if (!isfinite(c->last_loss)) return error_set(err, UNROLL_FAILED, "the loss is not finite after %d steps", (int)c->updates);
  summarise(c, &r);
  return UNROLL_OK;
}
