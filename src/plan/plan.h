/* plan.h - a graph as a frozen list of stages. See plan.c for how it is made and run.h for how it is run. */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H
#include <unroll.h>
#include "base/text.h"
#include "kernel/kernel.h"

typedef struct graph graph; /* graph/graph.h */
typedef struct plan plan;

typedef struct plan_options {
  int max_rows;              /* B */
  int max_steps;             /* T, the same bound for every axis */
  int64_t max_cells;         /* bound on R = sum of lengths of a batch; 0: max_rows * max_steps */
  const int64_t *axis_cells; /* [n_axes] tighter bounds on R of single axes; 0, or NULL: max_cells. Read by plan_new only */
  enum precision precision;  /* of the factors of products; int8 without gradient only */
  int window;                /* steps at a time: a pass needs memory for so many, and computes again what it did not keep. 0: all */
  int chunk;  /* steps that all stages of one direction go through before the next steps. What no other direction reads needs
               * memory for so many only, and nothing is computed again. 0: the planner chooses. Not beside a window */
  int shards; /* parts of the batch that run by themselves, a power of two; their gradients are added in one binary tree. Of net and
                 batch alone, since bits depend on it: see plan_shards. 0: one */
  int gradient; /* 1: the gradient too (graph_differentiate was called); 0: forward only */
  const int
      *keep; /* nodes whose values the caller reads after a pass, e.g. predictions; losses are summed by run_loss without this */
  int n_keep;
} plan_options;

/* The graph must outlive the plan. UNROLL_BAD_INPUT naming file, line and column for what cannot be run. */
unroll_status plan_new(plan **out, const graph *g, const plan_options *options, unroll_error *err);
void plan_free(plan *p);
/* How many shards a batch has where `wanted` are asked for, or 0, and none is to be without a row. With 0 it is the number that
 * net and batch bear. Each shard has rows enough to fill the kernel, and all gradients cost little beside the pass.
 * options.shards is not looked at. */
unroll_status plan_shards(int *shards, int wanted, const graph *g, const plan_options *options, unroll_error *err);
/* Loops found, products hoisted and joined, buffers, operations and bytes per step: for `explain`. */
void plan_print(const plan *p, text *out);
/* Multiply-adds (2 operations each) of the products for a batch with R rows on each axis (attention, softmax and elementwise not
 * counted). */
double plan_operations(const plan *p, int64_t cells);
int64_t plan_arena_bytes(const plan *p);
/* All that a run of such a plan takes, beside the weights. */
unroll_status plan_run_bytes(int64_t *bytes, const graph *g, const plan_options *options, int threads, unroll_error *err);

#endif
