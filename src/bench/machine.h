/* machine.h - what the machine can do, measured by this program on this day: multiply-adds and reading, one and all threads.
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H
#include <jansson.h>
#include <stdint.h>
#include <unroll.h>
#include "base/threads.h"

enum { LEVEL_MEMORY = 4, LEVELS = 5 }; /* level 1 to 3 are caches; 0 is not used */

typedef struct bench_machine {
  const struct bench_watch *watch; /* bench.h */
  pool *workers;
  int threads;
  double peak_one, peak_all; /* GFLOP/s: one thread, all together */
  double round_trip;         /* seconds that a cache line takes from one thread to another and back; NaN: there is one thread */
  int64_t cache[LEVELS];     /* bytes; 0: there is none, or nobody says */
  struct bench_read {
    int64_t
        bytes; /* that were read over and over, of one thread; of all together as many again for each where caches are their own */
    double one, all; /* GB/s; 0: not measured */
  } read[LEVELS];
} bench_machine;

/* Of all threads together, over about so many seconds. */
double bench_peak(pool *workers, double seconds);
/* About `seconds` in all. `workers` is borrowed. */
unroll_status bench_machine_measure(bench_machine *m, pool *workers, double seconds, unroll_error *err);
/* The nearest level that holds so many bytes, of `threads` threads that share nothing but the last cache: LEVEL_MEMORY if none
 * does. */
int bench_level(const bench_machine *m, double bytes, int threads);
const char *bench_level_name(int level); /* "L1", "memory" */
void bench_machine_print(const bench_machine *m);
json_t *bench_machine_json(const bench_machine *m);
#endif
