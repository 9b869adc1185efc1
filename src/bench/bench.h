/* bench.h - what the machine can do, and what share of it a training step, a forward pass or a step through the C API gets. It
 * measures one net, a table of cases, or all cells. It prints: this room is a part of the program, not of the library. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <unroll.h>

typedef struct bench_watch { /* who waits for it */
  volatile sig_atomic_t *stop;
  void (*show)(const char *line); /* how it goes; or NULL */
} bench_watch;

typedef struct bench_options { /* as the options of `unroll bench` say: not given are NULL, -1 or NaN */
  const char *net, *cell, *shape, *precision;
  const char *const *sets;
  int n_sets;
  bool cases, cells, sessions, forward, roofline, json;
  int64_t batch, unroll, shards, threads;
  double seconds;
  bench_watch watch;
} bench_options;

/* Prints results, or with `json` makes *out. */
unroll_status bench_run(const bench_options *o, json_t **out, unroll_error *err);

bool bench_stopped(const bench_watch *w);
void bench_show(const bench_watch *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
#endif
