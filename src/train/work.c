/* work.c - see work.h. */
#include "train/work.h"
#include <math.h>
#include <time.h>
#include "base/cpu.h"
#include "base/error.h"
#include "kernel/kernel.h"
#include "plan/cost.h"

enum { MOST_THREADS = 1024 };

const work_rates work_none = {.gflops = (double)NAN, .peak = (double)NAN, .share = (double)NAN, .processor = (double)NAN};

unroll_status work_init(work *w, const plan *p, arena *memory, unroll_error *err) {
  const frozen *f = plan_frozen(p);
  *w = (work){.n_axes = f->n_axes, .of_axis = arena_alloc(memory, (size_t)f->n_axes + 1, sizeof *w->of_axis)};
  if (!w->of_axis) return error_memory(err);
  for (int a = 0; a < w->n_axes; a++) w->of_axis[a] = 0;
  for (int i = 0; i < f->n_stages; i++) {
    const stage *s = &f->stages[i];
    double *to = s->of_steps ? &w->of_axis[s->axis] : s->one ? &w->once : &w->of_row;
    *to += plan_stage_operations(s);
  }
  return UNROLL_OK;
}

static double processor_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void work_begin(work *w) {
  w->began = time_now();
  w->processor_began = processor_now();
}

void work_end(work *w, const batch *b) {
  w->seconds += time_now() - w->began;
  w->processor += processor_now() - w->processor_began;
  w->operations += w->once + w->of_row * b->rows;
  for (int a = 0; a < w->n_axes; a++) w->operations += w->of_axis[a] * (double)b->axes[a].first[b->axes[a].steps];
}

typedef struct measuring {
  double seconds, rate[MOST_THREADS]; /* of each thread, which fill it side by side */
} measuring;

static void measure(void *context, int thread, int threads) {
  measuring *m = context;
  (void)threads;
  if (thread < MOST_THREADS) m->rate[thread] = kernel_table()->peak(m->seconds);
}

work_rates work_measure(const work *w, pool *workers) {
  if (!(w->operations > 0 && w->seconds > 0)) return work_none;
  measuring m = {.seconds = fmin(fmax(w->seconds / 50, 0.002), 0.05)};
  const int threads = pool_threads(workers), processors = threads < cpu_count() ? threads : cpu_count();
  double peak = 0;
  pool_run(workers, measure, &m);
  for (int i = 0; i < threads && i < MOST_THREADS; i++) peak += m.rate[i];
  peak *= (double)processors / threads; /* of more threads, each had a processor to itself in its best turn */
  const double gflops = w->operations / w->seconds * 1e-9;
  return (work_rates){.gflops = gflops,
                      .peak = peak,
                      .share = peak > 0 ? gflops / peak : (double)NAN,
                      .processor = w->processor / (w->seconds * processors)};
}
