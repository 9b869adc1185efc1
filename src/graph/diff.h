/* diff.h - what the files of the gradient share: diff.c walks the forward graph, diff_rules.c knows the derivatives of
 * elementwise operators, diff_ops.c those of all others. */
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

/* diff_ops.c. What a contribution needs of dy, and what it has in columns and rows. */
enum diff_size {
  SIZE_NODE,  /* dy at the full size of the node; the node's size, or repeated by it */
  SIZE_INPUT, /* dy at the full size of the node; the input's size */
  SIZE_ANY    /* dy as it is; the input's size or smaller */
};
typedef struct diff_row {
  int (*contribution)(graph *g, int y, int k, int dy); /* of node y to its input k; NULL: none, or diff.c looks after it */
  unsigned through;                                    /* bit k: the gradient flows back to input k */
  enum diff_size size;
} diff_row;
extern const diff_row *const diff_others[OP_COUNT]; /* NULL: elementwise */
/* Columns of half the width: the means (k = 0) or variances (k = 1) of BATCH_STATS, or one of two such sums. */
int diff_half(graph *g, int both, int k);

/* A contribution may be of width 1 or in PARAM space where the same value holds for all columns or rows of node `like`.
 * Elementwise nodes repeat it anyway. Sums need it at full size. */
int diff_full(graph *g, int c, int like);
/* Brings a contribution to y down to the size of y's input x: sums over what y repeated. */
int diff_reduce(graph *g, int c, int y, int x);
/* SHIFT or EDGE of an expression, moved to the operands of its products: SHIFT(W' d) = W' SHIFT(d). */
int diff_move(graph *g, enum op op, int x, int dir);
/* A node with the size of another one, all else empty. */
node diff_node(const graph *g, enum op op, int like);
#endif
