/* machine.c - see machine.h.
 *
 * Every figure is the best of many short turns: another program on the machine can only make a turn slower. */
#include "bench/machine.h"
#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include "base/cpu.h"
#include "base/error.h"
#include "base/memory.h"
#include "kernel/kernel.h"

enum { MOST_THREADS = 1024, READ_UNIT = 128 };

typedef struct measuring {
  double seconds, rate[MOST_THREADS]; /* of each thread, which fill it side by side */
  const float *x;
  ptrdiff_t n; /* floats of each thread, one after the other; 0: multiply-adds */
} measuring;

static void measure(void *context, int thread, int threads) {
  measuring *m = context;
  (void)threads;
  const kernels *k = kernel_table();
  m->rate[thread] = m->n ? k->read(m->x + thread * m->n, m->n, m->seconds) : k->peak(m->seconds);
}

static double measure_all(pool *workers, measuring *m) {
  double sum = 0;
  pool_run(workers, measure, m);
  for (int i = 0; i < pool_threads(workers) && i < MOST_THREADS; i++) sum += m->rate[i];
  return sum;
}

double bench_peak(pool *workers, double seconds) {
  measuring m = {.seconds = seconds};
  return measure_all(workers, &m);
}

/* --- a cache line there and back --- */

enum { TRIPS = 2000, TURNS = 20, SPINS = 10000 };

typedef struct tossing {
  _Alignas(64) atomic_int ball; /* odd: the second thread has it */
  double seconds;
} tossing;

static void catch_ball(atomic_int *ball, int wanted) {
  for (int spins = 0; atomic_load_explicit(ball, memory_order_acquire) != wanted;)
    if (++spins == SPINS) {
      spins = 0;
      sched_yield(); /* more threads than cores */
    }
}

static void toss(void *context, int thread, int threads) {
  tossing *t = context;
  if (thread > 1 || threads < 2) return;
  const double begin = time_now();
  for (int i = 0; i < TRIPS; i++) {
    if (thread == 0) {
      atomic_store_explicit(&t->ball, 2 * i + 1, memory_order_release);
      catch_ball(&t->ball, 2 * i + 2);
    } else {
      catch_ball(&t->ball, 2 * i + 1);
      atomic_store_explicit(&t->ball, 2 * i + 2, memory_order_release);
    }
  }
  if (thread == 0) t->seconds = (time_now() - begin) / TRIPS;
}

static double round_trip(pool *workers) {
  double best = (double)NAN;
  for (int turn = 0; turn < TURNS && pool_threads(workers) > 1; turn++) {
    tossing t = {.seconds = (double)NAN};
    pool_run(workers, toss, &t);
    best = fmin(best, t.seconds); /* of NaN and a number, the number */
  }
  return best;
}

/* Half of a cache: the other half is for whatever else lives there. Where the system does not say, usual sizes. */
static void choose_sizes(bench_machine *m) {
  static const int64_t usual[LEVELS] = {0, 32 << 10, 512 << 10, 0, 0};
  int64_t last = 0;
  for (int level = 1; level < LEVEL_MEMORY; level++) {
    m->cache[level] = cpu_cache(level);
    const int64_t bytes = m->cache[level] ? m->cache[level] : usual[level];
    if (bytes > last) m->read[level].bytes = bytes / 2 / 4096 * 4096;
    last = bytes > last ? bytes : last;
  }
  int64_t memory = 4 * last;
  if (memory < 64 << 20) memory = 64 << 20;
  if (memory > 256 << 20) memory = 256 << 20;
  m->read[LEVEL_MEMORY].bytes = memory;
}

/* The last cache and memory are shared: there the threads read the same number of bytes in all. */
static ptrdiff_t share_of(const bench_machine *m, int level) {
  const int64_t bytes = level >= 3 ? m->read[level].bytes / m->threads : m->read[level].bytes;
  const ptrdiff_t floats = (ptrdiff_t)(bytes / (int64_t)sizeof(float)) / READ_UNIT * READ_UNIT;
  return floats ? floats : READ_UNIT;
}

unroll_status bench_machine_measure(bench_machine *m, pool *workers, double seconds, unroll_error *err) {
  *m = (bench_machine){.workers = workers, .threads = pool_threads(workers)};
  choose_sizes(m);
  size_t most = 0;
  for (int level = 1; level < LEVELS; level++) {
    const size_t need = (size_t)share_of(m, level) * (size_t)m->threads + (size_t)m->read[level].bytes / sizeof(float);
    most = need > most ? need : most;
  }
  float *x = mem_aligned(most + READ_UNIT, sizeof *x);
  if (!x) return error_memory(err);
  for (size_t i = 0; i < most; i += 256) x[i] = 1; /* pages that nobody wrote to are all the same one */
  const double each = seconds / 10;
  measuring run = {.seconds = each};
  m->peak_one = measure_all(NULL, &run);
  m->peak_all = measure_all(workers, &run);
  for (int level = 1; level < LEVELS; level++) {
    if (!m->read[level].bytes) continue;
    run = (measuring){.seconds = each, .x = x, .n = m->read[level].bytes / (int64_t)sizeof(float) / READ_UNIT * READ_UNIT};
    m->read[level].one = measure_all(NULL, &run);
    run.n = share_of(m, level);
    m->read[level].all = measure_all(workers, &run);
  }
  mem_free_aligned(x);
  m->round_trip = round_trip(workers);
  return UNROLL_OK;
}

int bench_level(const bench_machine *m, double bytes, int threads) {
  for (int level = 1; level < LEVEL_MEMORY; level++) {
    const double room = 2.0 * (double)m->read[level].bytes * (level < 3 ? threads : 1);
    if (m->read[level].bytes && bytes <= room) return level;
  }
  return LEVEL_MEMORY;
}

const char *bench_level_name(int level) {
  static const char *const names[LEVELS] = {"", "L1", "L2", "L3", "memory"};
  return names[level];
}

/* "48 K", "32 M" */
static const char *size_text(int64_t bytes, char out[32]) {
  snprintf(out, 32, bytes >= 1 << 20 ? "%.4g M" : "%.4g K", (double)bytes / (bytes >= 1 << 20 ? 1 << 20 : 1 << 10));
  return out;
}

void bench_machine_print(const bench_machine *m) {
  char bytes[32];
  printf("%s (%s), %d thread%s\n", cpu_name(), cpu_isa_name(cpu_isa()), m->threads, m->threads == 1 ? "" : "s");
  printf("  %-22s %10s %10s\n", "", "1 thread", m->threads > 1 ? "all" : "");
  printf("  %-22s %10.1f", "multiply-adds, GFLOP/s", m->peak_one);
  if (m->threads > 1) printf(" %10.1f", m->peak_all);
  for (int level = 1; level < LEVELS; level++) {
    char label[64];
    if (!m->read[level].bytes) continue;
    snprintf(label, sizeof label, "reading %s, GB/s", bench_level_name(level));
    printf("\n  %-22s %10.1f", label, m->read[level].one);
    if (m->threads > 1) printf(" %10.1f", m->read[level].all);
    if (m->cache[level]) printf("   (%s)", size_text(m->cache[level], bytes));
  }
  printf("\n");
  if (!isnan(m->round_trip)) printf("  %-22s %21.0f\n", "a line to and fro, ns", m->round_trip * 1e9);
}

json_t *bench_machine_json(const bench_machine *m) {
  json_t *levels = json_array();
  for (int level = 1; level < LEVELS; level++)
    if (m->read[level].bytes)
      json_array_append_new(levels, json_pack("{s:s, s:I, s:I, s:f, s:f}", "level", bench_level_name(level), "size",
                                              (json_int_t)m->cache[level], "bytes_read", (json_int_t)m->read[level].bytes,
                                              "gbs_one_thread", m->read[level].one, "gbs_all_threads", m->read[level].all));
  json_t *out =
      json_pack("{s:s, s:s, s:i, s:f, s:f, s:o}", "processor", cpu_name(), "isa", cpu_isa_name(cpu_isa()), "threads", m->threads,
                "peak_gflops_one_thread", m->peak_one, "peak_gflops_all_threads", m->peak_all, "reading", levels);
  if (!isnan(m->round_trip)) json_object_set_new(out, "round_trip_seconds", json_real(m->round_trip));
  return out;
}
