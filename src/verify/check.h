/* check.h - is the gradient right? The library's part of `unroll check`.
 *
 * A net is built with small sizes and random weights and data. Then the gradient graph, in double precision, is compared with
 * central differences of the loss, entry by entry with its sign. And the planned pass in single precision is compared with the
 * same graph in double precision. A cell alone is put into a small net. */
#ifndef VERIFY_CHECK_H
#define VERIFY_CHECK_H
#include "graph/graph.h"

/* Largest errors that count as right, each as a share of the largest entry of its tensor. */
#define CHECK_DIFFERENCE_LIMIT 1e-6
#define CHECK_PLAN_LIMIT 1e-4

typedef struct check_options {
  const setting *settings; /* --set; sizes not set here are made small: hidden = 6, embedding = 4 ... */
  int n_settings;
  const char *(*find_cell)(void *context, const char *name, arena *memory, const char **file); /* as in build_options */
  void *context;
  uint64_t seed;
  const char *dump; /* where to write the run as safetensors, or NULL */
} check_options;

typedef struct check_row { /* a parameter */
  const char *name;
  int rows, cols;
  bool vector;
  int64_t entries;   /* how many were differenced; all, in a small net */
  double difference; /* worst error of the gradient against differences */
  double plan;       /* worst error of the planned gradient against the double one */
} check_row;

typedef struct check_value { /* a loss or a prediction */
  const char *name;          /* "loss.token", "output.token" */
  double plan;
} check_value;

typedef struct check_report {
  check_row *rows;
  int n_rows;
  check_value *values;
  int n_values;
  int64_t n_weights;
  int steps, sequences; /* of the batch */
  double loss;          /* nats per predicted symbol */
  double worst_difference, worst_plan;
  bool passed; /* both below their limits */
  arena memory;
} check_report;

/* UNROLL_OK when the comparison was made, whatever came out; the report says. UNROLL_BAD_INPUT for a net that cannot be built
 * or planned. UNROLL_FAILED for lack of memory, a loss that is not finite, or a dump that could not be written. check_free in
 * any case. */
unroll_status check_net(const program *net, const check_options *options, check_report *report, unroll_error *err);
void check_free(check_report *report);
#endif
