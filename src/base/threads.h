/* threads.h - a pool of workers, started lazily, and a spin barrier. */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H
#include <stdatomic.h>

typedef struct pool pool;
/* threads >= 1: workers including the caller; with 1 no thread is ever started. 0: one per processor the
 * process may use. NULL on lack of memory. Workers are started at the first pool_run and set flush-to-zero. */
pool *pool_new(int threads);
void pool_free(pool *p);
int pool_threads(const pool *p);
/* Calls work(context, i, n) for i = 0 .. n-1, n = pool_threads(p); i = 0 on the caller. Returns when all have returned. The
 * caller's floating-point mode is set to flush denormals for the call and restored after it. All threads are started before the
 * first call, because `work` may wait at a barrier. If the system gives fewer threads than asked for, n is what was really
 * started. p may be NULL: one thread. */
void pool_run(pool *p, void (*work)(void *context, int thread, int threads), void *context);

/* A sense-reversing spin barrier that yields the processor after a short spin, so that more threads than cores work. */
typedef struct barrier {
  atomic_int arrived;
  atomic_int sense;
} barrier;
void barrier_wait(barrier *b, int threads, int *local_sense); /* *local_sense starts at 0, one per thread */

/* The calling thread's processor time spent waiting etc. is not measured here. Monotonic seconds: */
double time_now(void);
#endif
