/* The pool and the barrier, with fewer and with more threads than there are processors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "base/cpu.h"
#include "base/memory.h"
#include "base/threads.h"

static const int counts[] = {1, 2, 3, 8};
enum { COUNTS = sizeof counts / sizeof *counts, MOST = 8 };

struct calls {
  atomic_int times[MOST];
  int plain[MOST]; /* written without a lock: the pool itself must order it */
  atomic_int wrong;
  int threads;
};

static void count_call(void *context, int thread, int threads) {
  struct calls *c = context;
  if (threads != c->threads || thread < 0 || thread >= threads) {
    atomic_fetch_add(&c->wrong, 1);
    return;
  }
  atomic_fetch_add(&c->times[thread], 1);
  c->plain[thread]++;
}

static void pause_for(long microseconds) { nanosleep(&(struct timespec){.tv_nsec = microseconds * 1000}, NULL); }

static void each_index_is_called_once(void **state) {
  (void)state;
  long before = mem_live();
  for (int k = 0; k < COUNTS; k++) {
    pool *p = pool_new(counts[k]);
    assert_non_null(p);
    assert_int_equal(pool_threads(p), counts[k]);
    struct calls c = {.threads = counts[k]};
    for (int run = 1; run <= 600; run++) {
      pool_run(p, count_call, &c);
      for (int i = 0; i < counts[k]; i++) {
        assert_int_equal(atomic_load(&c.times[i]), run);
        assert_int_equal(c.plain[i], run);
      }
      if (run % 20 == 0) pause_for(run % 40 ? 30 : 300); /* workers awake, about to sleep, asleep */
    }
    assert_int_equal(atomic_load(&c.wrong), 0);
    pool_free(p);
  }
  assert_int_equal(mem_live(), before);
}

static void unused_and_missing_pools(void **state) {
  (void)state;
  pool_free(pool_new(4)); /* never started */
  pool_free(NULL);
  struct calls c = {.threads = 1};
  pool_run(NULL, count_call, &c);
  assert_int_equal(c.plain[0], 1);
  assert_int_equal(pool_threads(NULL), 1);
  pool *p = pool_new(0);
  assert_int_equal(pool_threads(p), cpu_count());
  pool_free(p);
  mem_fail_after(1, 0);
  assert_null(pool_new(2));
  mem_fail_after(0, 0);
}

static void slow_work(void *context, int thread, int threads) {
  (void)threads;
  if (thread > 0) pause_for(500L * thread); /* longer than the caller spins */
  ((int *)context)[thread] = 1;
}

static void caller_waits_for_slow_workers(void **state) {
  (void)state;
  pool *p = pool_new(4);
  for (int run = 0; run < 20; run++) {
    int done[4] = {0};
    pool_run(p, slow_work, done);
    for (int i = 0; i < 4; i++) assert_int_equal(done[i], 1);
  }
  pool_free(p);
}

static float halve_smallest(void) {
  volatile float x = 1.17549435e-38f; /* the smallest normal number */
  volatile float half = 0.5f;
  return x * half;
}

static void flushes(void *context, int thread, int threads) {
  (void)threads;
  ((float *)context)[thread] = halve_smallest();
}

static void denormals_are_flushed_only_inside(void **state) {
  (void)state;
#if defined(__x86_64__) || defined(__aarch64__)
  for (int k = 0; k < COUNTS; k++) {
    pool *p = pool_new(counts[k]);
    float results[MOST] = {0};
    memset(results, 0x55, sizeof results);
    assert_true(halve_smallest() > 0);
    pool_run(p, flushes, results);
    assert_true(halve_smallest() > 0);
    for (int i = 0; i < counts[k]; i++) assert_true(results[i] == 0);
    pool_free(p);
  }
#endif
}

struct rounds {
  barrier b;
  int number, senses[MOST];
  int slots[MOST];
  atomic_int wrong;
};

/* In each round every thread writes its slot, and after the barrier reads everybody's. */
static void meet(void *context, int thread, int threads) {
  struct rounds *r = context;
  for (int round = 1; round <= r->number; round++) {
    r->slots[thread] = round;
    barrier_wait(&r->b, threads, &r->senses[thread]);
    for (int i = 0; i < threads; i++)
      if (r->slots[i] != round) atomic_fetch_add(&r->wrong, 1);
    barrier_wait(&r->b, threads, &r->senses[thread]);
  }
}

static void barrier_separates_rounds(void **state) {
  (void)state;
  for (int k = 0; k < COUNTS; k++) {
    pool *p = pool_new(counts[k]);
    struct rounds r = {.number = 100};
    for (int run = 0; run < 3; run++) pool_run(p, meet, &r); /* the barrier and its senses live on */
    assert_int_equal(atomic_load(&r.wrong), 0);
    pool_free(p);
  }
}

static void time_goes_on(void **state) {
  (void)state;
  double start = time_now();
  pause_for(2000);
  double passed = time_now() - start;
  assert_true(passed >= 0.002 && passed < 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_index_is_called_once),     cmocka_unit_test(unused_and_missing_pools),
      cmocka_unit_test(caller_waits_for_slow_workers), cmocka_unit_test(denormals_are_flushed_only_inside),
      cmocka_unit_test(barrier_separates_rounds),      cmocka_unit_test(time_goes_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
