/* diff_ops.c - what the operators that are not elementwise contribute to the adjoints of their inputs. The column `back` of ops.def
 * names a row of this file. */
#include "graph/diff.h"

/* An operator of up to three inputs with the size of `like`. */
static int grad_node(graph *g, enum op op, int like, int a, int b, int c) {
  node n = diff_node(g, op, like);
  n.in[0] = a;
  n.in[1] = b;
  n.in[2] = c;
  return graph_node(g, n);
}

/* --- columns and rows --- */

/* Columns c0 .. of dy for one input of width `like`, or dy at columns c0 .. of it. */
static int columns(graph *g, enum op op, int like, int dy, int c0) {
  node n = diff_node(g, op, like);
  n.space = graph_at(g, dy)->space;
  n.axis = n.space == SPACE_STEP ? graph_at(g, dy)->axis : -1;
  n.c0 = c0;
  n.in[0] = dy;
  return graph_node(g, n);
}

static int concat(graph *g, int y, int k, int dy) {
  const node n = *graph_at(g, y);
  return columns(g, OP_SLICE, n.in[k], dy, k == 0 ? 0 : graph_at(g, n.in[0])->width);
}

static int slice(graph *g, int y, int k, int dy) {
  const node n = *graph_at(g, y);
  return columns(g, OP_PAD, n.in[k], dy, n.c0);
}

static int pad(graph *g, int y, int k, int dy) {
  const node n = *graph_at(g, y);
  return columns(g, OP_SLICE, n.in[k], dy, n.c0);
}

/* What is repeated or reduced by its size alone. */
static int same(graph *g, int y, int k, int dy) {
  (void)g, (void)y, (void)k;
  return dy;
}

static int log_sum_exp(graph *g, int y, int k, int dy) {
  const int x = graph_at(g, y)->in[k];
  return graph_binary(g, OP_MUL, dy, grad_node(g, OP_SOFTMAX, x, x, NODE_NONE, NODE_NONE));
}

static int softmax(graph *g, int y, int k, int dy) {
  (void)k;
  return grad_node(g, OP_SOFTMAX_GRAD, y, y, dy, NODE_NONE);
}

static int layernorm(graph *g, int y, int k, int dy) {
  (void)k;
  return grad_node(g, OP_LAYERNORM_GRAD, y, graph_at(g, y)->in[1], y, dy);
}

/* --- pictures --- */

/* What CONV (k = 0: the picture, k = 1: the bias), POOL or POOL_MEAN contributes. */
static int picture(graph *g, int y, int k, int dy) {
  const node n = *graph_at(g, y);
  const enum op of_conv = k ? OP_SUM_POSITIONS : OP_CONV_T, of_pool = n.op == OP_POOL ? OP_POOL_GRAD : OP_POOL_MEAN_GRAD;
  node c = diff_node(g, n.op == OP_CONV ? of_conv : of_pool, n.in[k]);
  if (!k) c.space = n.space, c.axis = n.axis;
  c.patches = n.patches;
  c.param = n.op == OP_CONV && !k ? n.param : -1;
  c.in[0] = n.op == OP_POOL ? n.in[0] : dy;
  if (n.op == OP_POOL) c.in[1] = y, c.in[2] = dy;
  return graph_node(g, c);
}

/* MATCH of q and x, BLEND of w and x: each is what the other needs, and PAINT goes back to the picture. */
static int match(graph *g, int y, int k, int dy) {
  const node n = *graph_at(g, y);
  return k == 0 ? grad_node(g, OP_BLEND, n.in[0], dy, n.in[1], NODE_NONE) : grad_node(g, OP_PAINT, n.in[1], dy, n.in[0], NODE_NONE);
}

static int blend(graph *g, int y, int k, int dy) {
  const node n = *graph_at(g, y);
  return k == 0 ? grad_node(g, OP_MATCH, n.in[0], dy, n.in[1], NODE_NONE) : grad_node(g, OP_PAINT, n.in[1], n.in[0], dy, NODE_NONE);
}

/* Sums over rows and positions of what flows back to a BATCHNORM. */
static int batch_sums(graph *g, int y, int dy) {
  const node n = *graph_at(g, y);
  node sums = diff_node(g, OP_BATCH_SUMS, n.in[1]);
  sums.patches = n.patches;
  sums.value = n.value;
  sums.in[0] = n.in[0];
  sums.in[1] = n.in[1];
  sums.in[2] = dy;
  return graph_node(g, sums);
}

int diff_half(graph *g, int both, int k) {
  node n = diff_node(g, OP_SLICE, both);
  n.width /= 2;
  n.c0 = k * n.width;
  n.in[0] = both;
  return graph_node(g, n);
}

/* What BATCHNORM contributes to x (k = 0), gain (2) and bias (3). */
static int batchnorm(graph *g, int y, int k, int dy) {
  const node n = *graph_at(g, y);
  const int sums = batch_sums(g, y, dy);
  if (k) return diff_half(g, sums, k == 2);
  node c = diff_node(g, OP_BATCHNORM_GRAD, y);
  c.patches = n.patches;
  c.value = n.value;
  c.param = graph_at(g, n.in[2])->param;
  c.in[0] = n.in[0];
  c.in[1] = n.in[1];
  c.in[2] = dy;
  c.in[3] = sums;
  return graph_node(g, c);
}

/* --- time --- */

/* Zeros but for the step at the edge. */
static int at_edge(graph *g, int y, int k, int dy) {
  const node e = *graph_at(g, y);
  node n = diff_node(g, OP_SHIFT, e.in[k]);
  n.dir = e.dir;
  n.in[1] = dy;
  return graph_node(g, n);
}

static int reverse(graph *g, int y, int k, int dy) {
  return grad_node(g, OP_REVERSE, graph_at(g, y)->in[k], dy, NODE_NONE, NODE_NONE);
}

static int sum_time(graph *g, int y, int k, int dy) {
  (void)k;
  return graph_spread(g, dy, graph_at(g, y)->axis);
}

static int max_time(graph *g, int y, int k, int dy) {
  const int x = graph_at(g, y)->in[k];
  return grad_node(g, OP_MAX_TIME_GRAD, x, x, y, dy);
}

/* --- attention --- */

static int dots(graph *g, int y, int k, int dy) {
  const node n = *graph_at(g, y);
  return grad_node(g, k == 0 ? OP_MIX : OP_COLLECT, n.in[k], dy, n.in[1 - k], NODE_NONE);
}

static int mix(graph *g, int y, int k, int dy) {
  const node n = *graph_at(g, y);
  if (k == 0) return grad_node(g, OP_DOTS, n.in[0], dy, n.in[1], NODE_NONE);
  return grad_node(g, OP_COLLECT, n.in[1], n.in[0], dy, NODE_NONE);
}

/* Additive scores: of the two that are added, x is the one that gets it. */
static int additive(graph *g, int y, int k, int dy) {
  const node n = *graph_at(g, y);
  if (k == 2) return grad_node(g, OP_ADDITIVE_MIX, n.in[0], dy, n.in[0], n.in[1]);
  const int x = n.in[k];
  node c = diff_node(g, k == 0 ? OP_ADDITIVE_GRAD : OP_ADDITIVE_COLLECT, x);
  c.in[0] = dy;
  c.in[1] = x;
  c.in[2] = n.in[1 - k];
  c.in[3] = n.in[2];
  return graph_node(g, c);
}

/* --- losses --- */

static int of_loss(graph *g, enum op op, int y, int k, int dy) {
  const node n = *graph_at(g, y);
  const int x = n.in[k];
  node c = diff_node(g, op, x);
  c.slot = n.slot;
  c.in[0] = x;
  c.in[1] = y;
  c.in[2] = dy;
  return graph_node(g, c);
}

static int cross_entropy(graph *g, int y, int k, int dy) { return of_loss(g, OP_CROSS_ENTROPY_GRAD, y, k, dy); }
static int ctc(graph *g, int y, int k, int dy) { return of_loss(g, OP_CTC_GRAD, y, k, dy); }

/* --- the rows --- */

enum { FIRST = 1 << 0, SECOND = 1 << 1, ALL = (1 << NODE_INPUTS) - 1 };

static const diff_row back_none = {NULL, 0, SIZE_NODE};      /* has no inputs, or is itself part of a gradient */
static const diff_row back_product = {NULL, ALL, SIZE_NODE}; /* diff.c: it waits for nothing */
static const diff_row back_shift = {NULL, ALL, SIZE_NODE};   /* diff.c: it closes cycles */
static const diff_row back_concat = {concat, ALL, SIZE_INPUT};
static const diff_row back_slice = {slice, ALL, SIZE_INPUT};
static const diff_row back_pad = {pad, ALL, SIZE_INPUT};
static const diff_row back_size = {same, ALL, SIZE_ANY};
static const diff_row back_repeat = {same, ALL, SIZE_NODE};
static const diff_row back_log_sum_exp = {log_sum_exp, ALL, SIZE_ANY};
static const diff_row back_softmax = {softmax, ALL, SIZE_NODE};
static const diff_row back_layernorm = {layernorm, FIRST, SIZE_NODE}; /* LAYERNORM_GRAD has the part of the scale */
static const diff_row back_picture = {picture, ALL, SIZE_INPUT};
static const diff_row back_match = {match, ALL, SIZE_INPUT};
static const diff_row back_blend = {blend, ALL, SIZE_INPUT};
static const diff_row back_batchnorm = {batchnorm, ALL & ~SECOND, SIZE_INPUT}; /* BATCHNORM_GRAD has that of the statistics */
static const diff_row back_reverse = {reverse, ALL, SIZE_INPUT};
static const diff_row back_edge = {at_edge, ALL, SIZE_INPUT};
static const diff_row back_sum_time = {sum_time, ALL, SIZE_INPUT};
static const diff_row back_max_time = {max_time, ALL, SIZE_INPUT};
static const diff_row back_dots = {dots, ALL, SIZE_INPUT};
static const diff_row back_mix = {mix, ALL, SIZE_INPUT};
static const diff_row back_additive = {additive, ALL, SIZE_INPUT};
static const diff_row back_cross_entropy = {cross_entropy, FIRST, SIZE_ANY};
static const diff_row back_ctc = {ctc, ALL, SIZE_ANY};

const diff_row *const diff_others[OP_COUNT] = {
#define UNARY(name, text, dx, y)
#define BINARY(name, text, da, db, y)
#define OTHER(name, text, inputs, back, form) [OP_##name] = &back_##back,
#include "graph/ops.def"
#undef UNARY
#undef BINARY
#undef OTHER
};
