/* case.h - one case of `unroll bench`: a net or cell on made-up data. Its steps are measured beside the machine's peak and
 * taken apart by kind of work. */
#ifndef BENCH_CASE_H
#define BENCH_CASE_H
#include "api/inspect.h"
#include "bench/machine.h"
#include "plan/cost.h"
#include "run/profile.h"
#include "verify/random_batch.h"
#include "train/optimizer.h"

enum { BENCH_SETTINGS = 8 };
#define BENCH_QUIET 0.9 /* of the processors' time: with less of it, other programs ran on this machine */

enum bench_mode {
  BENCH_TRAIN,  /* a whole training step: pass forward and backward, norm, clipping, Adam, repacking */
  BENCH_INFER,  /* a forward pass */
  BENCH_SESSION /* a step through the C API: session.c */
};

typedef struct bench_spec {
  const char *name, *net;               /* a net, or a cell alone, whose derivative from above is made up too */
  const char *settings[BENCH_SETTINGS]; /* NAME=VALUE; NULL after the last one */
  int batch, steps;
  enum bench_mode mode;
  enum precision precision; /* of the products */
  int shards;               /* 0: what net and batch bear */
} bench_spec;

typedef struct spread {     /* of many measurements */
  double median, low, high; /* low, high: the 10th and 90th of 100 */
} spread;

typedef struct bench_case {
  bench_spec spec;
  const bench_machine *machine;
  arena memory;
  inspection x;
  plan *p;
  run *r;
  random_batch data;
  optimizer opt;
  float *weights;
  profile *profile;
  int64_t symbols; /* of a step: batch * steps */
  int64_t updates;
  double operations; /* of the products of a step */
  int64_t bytes;     /* of weights, moments, gradient, matrices and packed weights */
  double *times;     /* [BENCH_TIMES] seconds of each measured step, and how long the profiled ones took */
  double *profiled;
  int n_times, n_profiled;
  double first_loss, last_loss; /* nats per symbol: a step that computes nonsense would be fast, too */
  /* results */
  spread seconds;      /* of a step */
  spread peak;         /* GFLOP/s of all threads, between the steps */
  spread share;        /* of the peak */
  double busy;         /* processor time of the steps, as a share of their time on all threads */
  double overhead;     /* of the profile: share by which its steps took longer */
  profile_part part;   /* of a mean profiled step, all threads together */
  double part_seconds; /* of a mean profiled step, by the wall */
} bench_case;

enum { BENCH_TIMES = 1 << 16 };

/* `settings` come after those of the spec. bench_case_close in every case. */
unroll_status bench_case_open(bench_case *c, const bench_spec *spec, const char *const *settings, int n_settings,
                              const bench_machine *machine, unroll_error *err);
void bench_case_close(bench_case *c);
/* One step; its seconds. */
double bench_case_step(bench_case *c);
/* For about `seconds`. UNROLL_INTERRUPTED, UNROLL_FAILED where the numbers are not finite. */
unroll_status bench_case_measure(bench_case *c, double seconds, unroll_error *err);

/* Sorts x. */
spread bench_spread(double *x, int n);

/* --- what the time should be (roof.c) --- */

typedef struct roof {
  double seconds;  /* the least that this machine needs: for each stage the slowest of products at the peak and bytes at the level's
                      rate */
  double products; /* the part of it where products are the slowest */
  double read[LEVELS]; /* the parts where reading is, by level */
} roof;
roof bench_roof(const bench_case *c);
/* What most of the step is spent on: "products", "L3", "equations" ... */
const char *bench_bound(const bench_case *c, const roof *r);

/* --- words (report.c) --- */
void bench_case_print(const bench_case *c); /* the long form */
void bench_case_print_roofline(const bench_case *c);
void bench_table_head(void);
void bench_table_row(const bench_case *c);
json_t *bench_case_json(const bench_case *c);
#endif
