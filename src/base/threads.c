/* threads.c - a pool of workers and a spin barrier.
 *
 * pool_run publishes the work by raising `turn`. An idle worker looks for it for a few tens of microseconds, because in
 * training the next call is near. Then the worker sleeps on a condition variable. The caller waits for the workers the same
 * way. No wake-up is lost: a side that goes to sleep says so first and then looks once more. The other side acts first and then
 * asks whether anyone sleeps. Sequential consistency gives both one order.
 *
 * A pool serves one caller at a time, cannot be used from inside its own work, and does not survive fork(). */
#include "base/threads.h"
#include "base/cpu.h"
#include "base/memory.h"
#include "base/pin.h"
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

struct worker {
  pool *owner;
  int index;
  pthread_t thread;
};

struct pool {
  int threads; /* with the caller; fewer than asked for once started, if the system gave fewer */
  int started;
  void (*work)(void *context, int thread, int threads);
  void *context;
  atomic_int busy, stop;
  atomic_uint turn;
  atomic_int running;  /* workers that have not finished this turn */
  atomic_int sleepers; /* workers in or before pthread_cond_wait */
  atomic_int caller_sleeps;
  pthread_mutex_t lock;
  pthread_cond_t wake, done;
  struct worker workers[]; /* [threads - 1] */
};

static void relax(void) {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

double time_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Sets flush-to-zero (and, on x86, denormals-are-zero) and returns the mode before, for mode_restore. */
static unsigned long mode_flush(void) {
#if defined(__x86_64__)
  unsigned old = _mm_getcsr();
  _mm_setcsr(old | 0x8040u);
  return old;
#elif defined(__aarch64__)
  unsigned long old;
  __asm__ volatile("mrs %0, fpcr" : "=r"(old));
  __asm__ volatile("msr fpcr, %0" : : "r"(old | 1ul << 24) : "memory");
  return old;
#else
  return 0;
#endif
}

static void mode_restore(unsigned long old) {
#if defined(__x86_64__)
  _mm_setcsr((unsigned)old);
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" : : "r"(old) : "memory");
#else
  (void)old;
#endif
}

/* How long an idle side looks before it sleeps. */
#define SPIN_SECONDS 40e-6

/* Whether the next turn came, or the workers finished, while spinning. */
static int turn_came(pool *p, unsigned seen) {
  double end = time_now() + SPIN_SECONDS;
  do {
    for (int i = 0; i < 32; i++) {
      if (atomic_load_explicit(&p->turn, memory_order_acquire) != seen) return 1;
      relax();
    }
    sched_yield();
  } while (time_now() < end);
  return 0;
}
static int workers_done(pool *p) {
  double end = time_now() + SPIN_SECONDS;
  do {
    for (int i = 0; i < 32; i++) {
      if (atomic_load_explicit(&p->running, memory_order_acquire) == 0) return 1;
      relax();
    }
    sched_yield();
  } while (time_now() < end);
  return 0;
}

static void await_turn(pool *p, unsigned seen) {
  if (turn_came(p, seen)) return;
  pthread_mutex_lock(&p->lock);
  atomic_fetch_add(&p->sleepers, 1);
  while (atomic_load(&p->turn) == seen) pthread_cond_wait(&p->wake, &p->lock);
  atomic_fetch_sub(&p->sleepers, 1);
  pthread_mutex_unlock(&p->lock);
}

static void await_workers(pool *p) {
  if (workers_done(p)) return;
  pthread_mutex_lock(&p->lock);
  atomic_store(&p->caller_sleeps, 1);
  while (atomic_load(&p->running) != 0) pthread_cond_wait(&p->done, &p->lock);
  atomic_store(&p->caller_sleeps, 0);
  pthread_mutex_unlock(&p->lock);
}

static void next_turn(pool *p) {
  atomic_fetch_add(&p->turn, 1);
  if (atomic_load(&p->sleepers) == 0) return;
  pthread_mutex_lock(&p->lock);
  pthread_cond_broadcast(&p->wake);
  pthread_mutex_unlock(&p->lock);
}

static void *worker_main(void *argument) {
  struct worker *self = argument;
  pool *p = self->owner;
  mode_flush();
  pin_thread(self->index);
  for (unsigned seen = 0;; seen++) {
    await_turn(p, seen);
    if (atomic_load(&p->stop)) return NULL;
    p->work(p->context, self->index, p->threads);
    if (atomic_fetch_sub(&p->running, 1) == 1 && atomic_load(&p->caller_sleeps)) {
      pthread_mutex_lock(&p->lock);
      pthread_cond_signal(&p->done);
      pthread_mutex_unlock(&p->lock);
    }
  }
}

pool *pool_new(int threads) {
  if (threads < 1) threads = cpu_count();
  size_t bytes;
  if (__builtin_mul_overflow((size_t)(threads - 1), sizeof(struct worker), &bytes) ||
      __builtin_add_overflow(bytes, sizeof(pool), &bytes))
    return NULL;
  pool *p = mem_zero(1, bytes);
  if (!p) return NULL;
  p->threads = threads;
  pthread_mutex_init(&p->lock, NULL);
  pthread_cond_init(&p->wake, NULL);
  pthread_cond_init(&p->done, NULL);
  return p;
}

void pool_free(pool *p) {
  if (!p) return;
  if (p->started) {
    atomic_store(&p->stop, 1);
    next_turn(p);
    for (int i = 0; i < p->threads - 1; i++) pthread_join(p->workers[i].thread, NULL);
  }
  pthread_cond_destroy(&p->done);
  pthread_cond_destroy(&p->wake);
  pthread_mutex_destroy(&p->lock);
  mem_free(p);
}

int pool_threads(const pool *p) { return p ? p->threads : 1; }

/* Workers take no signals: an interrupt is for the thread that can write the checkpoint. */
static void start(pool *p) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int n = 0;
  for (; n < p->threads - 1; n++) {
    p->workers[n].owner = p;
    p->workers[n].index = n + 1;
    if (pthread_create(&p->workers[n].thread, NULL, worker_main, &p->workers[n]) != 0) break;
  }
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  p->threads = n + 1; /* read by workers only after the first turn */
  p->started = 1;
}

void pool_run(pool *p, void (*work)(void *context, int thread, int threads), void *context) {
  if (p && p->threads > 1 && !p->started) start(p);
  unsigned long mode = mode_flush();
  if (!p || p->threads == 1) {
    work(context, 0, 1);
    mode_restore(mode);
    return;
  }
  int busy = atomic_exchange(&p->busy, 1);
  assert(!busy);
  (void)busy;
  p->work = work;
  p->context = context;
  atomic_store(&p->running, p->threads - 1);
  next_turn(p);
  work(context, 0, p->threads);
  mode_restore(mode);
  await_workers(p);
  atomic_store(&p->busy, 0);
}

/* The last to arrive turns the barrier's sense; the others wait for it. Spinning is cheap while each thread has a core of its
 * own; where it has not, yielding lets the one that is waited for run. */
void barrier_wait(barrier *b, int threads, int *local_sense) {
  int sense = *local_sense = !*local_sense;
  if (atomic_fetch_add_explicit(&b->arrived, 1, memory_order_acq_rel) + 1 == threads) {
    atomic_store_explicit(&b->arrived, 0, memory_order_relaxed);
    atomic_store_explicit(&b->sense, sense, memory_order_release);
    return;
  }
  for (int spins = 0; atomic_load_explicit(&b->sense, memory_order_acquire) != sense; spins++) {
    if (spins < 200)
      relax();
    else
      sched_yield();
  }
}
