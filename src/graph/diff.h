/* diff.h - what the two files of the gradient share: diff.c walks the forward graph, diff_rules.c knows derivatives. */
#ifndef GRAPH_DIFF_H
#define GRAPH_DIFF_H
#include "graph/graph.h"

/* The derivative texts of ops.def, parsed. */
typedef struct diff_rules {
  arena memory;
  const expr *of[OP_COUNT][2]; /* NULL: no derivative, or zero everywhere */
} diff_rules;

unroll_status diff_rules_parse(diff_rules *r, unroll_error *err);
/* The contribution of an elementwise node y (forward) to its input k, given dy. It may be smaller than y: see diff_full. */
int diff_elementwise(const diff_rules *r, graph *g, int y, int k, int dy);
/* Whether anything flows back from node n to its input k. */
bool diff_flows(const diff_rules *r, const node *n, int k);

/* A contribution may be of width 1 or in PARAM space where the same value holds for all columns or rows of node `like`: elementwise
 * nodes repeat it anyway. Sums need it at full size. */
int diff_full(graph *g, int c, int like);
/* Brings a contribution to y down to the size of y's input x: sums over what y repeated. */
int diff_reduce(graph *g, int c, int y, int x);
/* SHIFT or EDGE of an expression, moved to the operands of its products: SHIFT(W' d) = W' SHIFT(d). */
int diff_move(graph *g, enum op op, int x, int dir);
/* A node with the size of another one, all else empty. */
node diff_node(const graph *g, enum op op, int like);
#endif
