/* hand.h - graphs built by hand for the tests of the graph room: small helpers and the nets themselves. */
#ifndef TESTS_HAND_H
#define TESTS_HAND_H
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "graph/graph.h"

enum { HIDDEN = 3, SYMBOLS = 5, NUMBERS = 4 };
/* data declarations of every hand-built graph */
enum { DATA_TOKEN, DATA_X, DATA_LABEL, DATA_V, DATA_TARGET, DATA_COUNT };

static inline void hand_init(graph *g) {
  static const data_info data[DATA_COUNT] = {
      {.name = "token", .kind = "chars", .width = SYMBOLS, .space = SPACE_STEP, .axis = 0},
      {.name = "x", .kind = "numbers", .width = NUMBERS, .space = SPACE_STEP, .axis = 0},
      {.name = "label", .kind = "category", .width = SYMBOLS, .space = SPACE_STATIC, .axis = -1},
      {.name = "v", .kind = "numbers", .width = NUMBERS, .space = SPACE_STATIC, .axis = -1},
      {.name = "target", .kind = "chars", .width = SYMBOLS, .space = SPACE_STEP, .axis = 1},
  };
  graph_init(g);
  g->data = arena_alloc(&g->memory, DATA_COUNT, sizeof *g->data);
  assert_non_null(g->data);
  memcpy(g->data, data, sizeof data);
  g->n_data = DATA_COUNT;
  g->n_axes = 2;
}

static inline node hand_node(enum op op, enum space space, int axis, int width) {
  return (node){.op = op, .space = space, .axis = axis, .width = width, .in = {-1, -1, -1, -1}, .param = -1, .slot = -1};
}

static inline int hand_matrix(graph *g, const char *name, int rows, int cols) {
  return graph_param(g, (param){.name = name, .rows = rows, .cols = cols, .role = PARAM_RECURRENT_MATRIX});
}

/* W[:, c0 : c0 + width of x] x */
static inline int hand_times(graph *g, int W, int c0, int x) {
  node n = hand_node(OP_MATVEC, graph_at(g, x)->space, graph_at(g, x)->axis, g->params[W].rows);
  n.param = W;
  n.c0 = c0;
  n.in[0] = x;
  return graph_node(g, n);
}

static inline int hand_product(graph *g, const char *W, int rows, int x) {
  return hand_times(g, hand_matrix(g, W, rows, graph_at(g, x)->width), 0, x);
}

static inline int hand_vector(graph *g, const char *name, int width) {
  node n = hand_node(OP_VECTOR, SPACE_PARAM, -1, width);
  n.param = graph_param(g, (param){.name = name, .rows = width, .cols = 1, .vector = true, .role = PARAM_BIAS});
  return graph_node(g, n);
}

static inline int hand_input(graph *g, int data, int lag) {
  const data_info *d = &g->data[data];
  node n = hand_node(OP_INPUT, d->space, d->axis, d->width);
  n.slot = graph_input(g, data, lag);
  return graph_node(g, n);
}

static inline int hand_embed(graph *g, const char *E, int data, int lag, int width) {
  const data_info *d = &g->data[data];
  node n = hand_node(OP_EMBED, d->space, d->axis, width);
  n.param = graph_param(g, (param){.name = E, .rows = d->width, .cols = width, .role = PARAM_EMBEDDING});
  n.slot = graph_input(g, data, lag);
  return graph_node(g, n);
}

/* x one step before (dir +1) or after (-1), to be closed by hand_close */
static inline int hand_open_shift(graph *g, int axis, int width, int dir, int init) {
  node n = hand_node(OP_SHIFT, SPACE_STEP, axis, width);
  n.dir = dir;
  n.in[0] = -2;
  n.in[1] = init;
  return graph_node(g, n);
}
static inline void hand_close(graph *g, int shift, int x, const char *name) {
  g->nodes[shift].in[0] = x;
  if (name) g->nodes[x].name = name;
}

static inline int hand_edge(graph *g, int x, int dir) {
  node n = hand_node(OP_EDGE, SPACE_STATIC, graph_at(g, x)->axis, graph_at(g, x)->width);
  n.in[0] = x;
  n.dir = dir;
  return graph_node(g, n);
}

/* Any node of one or two inputs; space and axis are those of the first. */
static inline int hand_other(graph *g, enum op op, int width, int c0, int a, int b) {
  node n = hand_node(op, graph_at(g, a)->space, graph_at(g, a)->axis, width);
  n.c0 = c0;
  n.in[0] = a;
  n.in[1] = b;
  return graph_node(g, n);
}

static inline void hand_loss(graph *g, int data, int slot, int number, int prediction) {
  static loss one[4];
  assert_true(g->n_losses < 4);
  one[g->n_losses] = (loss){.data = data,
                            .slot = slot,
                            .node = number,
                            .objective = number,
                            .prediction = prediction,
                            .distribution = &graph_distributions[DISTRIBUTION_softmax],
                            .weight = NODE_NONE};
  loss *grown = mem_resize(g->losses, sizeof *grown * (size_t)(g->n_losses + 1));
  assert_non_null(grown);
  g->losses = grown;
  g->losses[g->n_losses] = one[g->n_losses];
  g->n_losses++;
}

static inline void hand_softmax(graph *g, int data, int z) {
  node n = hand_node(OP_CROSS_ENTROPY, graph_at(g, z)->space, graph_at(g, z)->axis, 1);
  n.in[0] = z;
  n.slot = graph_input(g, data, 0);
  hand_loss(g, data, n.slot, graph_node(g, n), z);
}

static inline int add(graph *g, int a, int b) { return graph_binary(g, OP_ADD, a, b); }
static inline int mul(graph *g, int a, int b) { return graph_binary(g, OP_MUL, a, b); }

/* W x + U h + b */
static inline int hand_gate(graph *g, const char *gate, int x, int h) {
  char W[8], U[8], b[8];
  snprintf(W, sizeof W, "h.W%s", gate);
  snprintf(U, sizeof U, "h.U%s", gate);
  snprintf(b, sizeof b, "h.b%s", gate);
  const int left = hand_product(g, W, HIDDEN, x), right = hand_product(g, U, HIDDEN, h);
  return add(g, add(g, left, right), hand_vector(g, b, HIDDEN));
}

static inline int hand_named(graph *g, int x, const char *name) {
  g->nodes[x].name = name;
  return x;
}

/* --- the nets --- */

/* h = tanh(Wxh x + Whh h[t-1] + b), from `init` */
static inline int hand_rnn(graph *g, int x, int dir, int init) {
  const int before = hand_open_shift(g, graph_at(g, x)->axis, HIDDEN, dir, init);
  const int left = hand_product(g, "h.Wxh", HIDDEN, x), right = hand_product(g, "h.Whh", HIDDEN, before);
  const int h = graph_unary(g, OP_TANH, add(g, add(g, left, right), hand_vector(g, "h.b", HIDDEN)));
  hand_close(g, before, h, "h");
  return h;
}

static inline void hand_output(graph *g, int data, int h) {
  const int product = hand_product(g, "W", SYMBOLS, h), bias = hand_vector(g, "b", SYMBOLS);
  hand_softmax(g, data, add(g, product, bias));
}

static inline void net_language(graph *g) {
  hand_output(g, DATA_TOKEN, hand_rnn(g, hand_embed(g, "token.embed", DATA_TOKEN, 1, 4), 1, NODE_NONE));
}

typedef struct states {
  int h, c;
} states;

static inline states hand_lstm(graph *g, int x, states start) {
  const int axis = graph_at(g, x)->axis;
  const int h0 = hand_open_shift(g, axis, HIDDEN, 1, start.h), c0 = hand_open_shift(g, axis, HIDDEN, 1, start.c);
  const int i = hand_named(g, graph_unary(g, OP_SIGMOID, hand_gate(g, "i", x, h0)), "h.i");
  const int f = hand_named(g, graph_unary(g, OP_SIGMOID, hand_gate(g, "f", x, h0)), "h.f");
  const int u = hand_named(g, graph_unary(g, OP_TANH, hand_gate(g, "g", x, h0)), "h.g");
  const int o = hand_named(g, graph_unary(g, OP_SIGMOID, hand_gate(g, "o", x, h0)), "h.o");
  const int c = add(g, mul(g, f, c0), mul(g, i, u));
  const int h = mul(g, o, graph_unary(g, OP_TANH, c));
  hand_close(g, h0, h, "h");
  hand_close(g, c0, c, "h.c");
  return (states){h, c};
}

static inline void net_lstm(graph *g) {
  hand_output(g, DATA_TOKEN, hand_lstm(g, hand_embed(g, "token.embed", DATA_TOKEN, 1, 4), (states){NODE_NONE, NODE_NONE}).h);
}

static inline void net_gru(graph *g) {
  const int x = hand_embed(g, "token.embed", DATA_TOKEN, 1, 4), h0 = hand_open_shift(g, 0, HIDDEN, 1, NODE_NONE);
  const int z = hand_named(g, graph_unary(g, OP_SIGMOID, hand_gate(g, "z", x, h0)), "h.z");
  const int r = hand_named(g, graph_unary(g, OP_SIGMOID, hand_gate(g, "r", x, h0)), "h.r");
  const int c = hand_named(g, graph_unary(g, OP_TANH, hand_gate(g, "c", x, mul(g, r, h0))), "h.c");
  const int h = add(g, mul(g, graph_binary(g, OP_SUB, graph_const(g, 1), z), h0), mul(g, z, c));
  hand_close(g, h0, h, "h");
  hand_output(g, DATA_TOKEN, h);
}

/* No time at all. */
static inline void net_static(graph *g) {
  const int v = hand_input(g, DATA_V, 0);
  const int product = hand_product(g, "V", HIDDEN, v), bias = hand_vector(g, "bv", HIDDEN);
  const int h = graph_unary(g, OP_TANH, add(g, product, bias));
  hand_output(g, DATA_LABEL, hand_named(g, h, "h"));
}

/* The encoder's last states start the decoder. */
static inline void net_translate(graph *g) {
  const states s = hand_lstm(g, hand_embed(g, "token.embed", DATA_TOKEN, 0, 4), (states){NODE_NONE, NODE_NONE});
  const states start = {hand_edge(g, s.h, -1), hand_edge(g, s.c, -1)};
  hand_output(g, DATA_TARGET, hand_lstm(g, hand_embed(g, "target.embed", DATA_TARGET, 1, 4), start).h);
}

/* Both directions, joined at their ends; the whole state is read at its edges. */
static inline void net_sentiment(graph *g) {
  const int x = hand_embed(g, "token.embed", DATA_TOKEN, 0, 4);
  const int f = hand_rnn(g, x, 1, NODE_NONE), b = hand_rnn(g, x, -1, NODE_NONE);
  const int both = hand_other(g, OP_CONCAT, 2 * HIDDEN, 0, hand_edge(g, f, -1), hand_edge(g, b, 1));
  hand_output(g, DATA_LABEL, both);
}

/* Two steps back, a state added to itself, a learned start, a constant beside a product under the shift. */
static inline void net_far(graph *g) {
  const int x = hand_input(g, DATA_X, 0);
  const int h1 = hand_open_shift(g, 0, HIDDEN, 1, hand_vector(g, "start", HIDDEN)), h2 = graph_shift(g, h1, 1, NODE_NONE);
  const int u = hand_product(g, "U", HIDDEN, h1), v = hand_product(g, "V", HIDDEN, h2);
  const int a = add(g, u, v);
  const int mixed = hand_product(g, "M", HIDDEN, add(g, h1, graph_unary(g, OP_NEG, h2)));
  const int b = mul(g, graph_const(g, 0.5), add(g, a, mixed));
  const int h = add(g, h1, graph_unary(g, OP_TANH, add(g, hand_product(g, "Wx", HIDDEN, x), b)));
  hand_close(g, h1, h, "h");
  hand_output(g, DATA_TOKEN, h);
}

/* Everything else: norms, slices, means over time, widths and spaces that repeat, a matrix used twice and transposed. */
static inline void net_mixed(graph *g) {
  const int x = hand_input(g, DATA_X, 0), v = hand_input(g, DATA_V, 0);
  const int W = hand_matrix(g, "W2", HIDDEN, 2 * NUMBERS);
  const int s = hand_product(g, "S", HIDDEN, v), scalar = hand_vector(g, "p", 1);
  const int positive = graph_unary(g, OP_SOFTPLUS, hand_vector(g, "q", HIDDEN));
  const int a = add(g, hand_times(g, W, 0, x), hand_times(g, W, NUMBERS, mul(g, x, scalar)));
  const int sum = add(g, a, s), scale = hand_other(g, OP_LAYERNORM_SCALE, 1, 0, sum, NODE_NONE);
  const int norm = mul(g, positive, hand_other(g, OP_LAYERNORM, HIDDEN, 0, sum, scale));
  const int soft = hand_other(g, OP_SOFTMAX, HIDDEN, 0, norm, NODE_NONE);
  node back = hand_node(OP_MATVEC_T, SPACE_STEP, 0, NUMBERS);
  back.param = W;
  back.c0 = NUMBERS;
  back.in[0] = soft;
  const int t = graph_unary(g, OP_SIN, graph_node(g, back));
  const int part = hand_other(g, OP_SLICE, 2, 1, t, NODE_NONE);
  const int wide = hand_other(g, OP_PAD, HIDDEN, 1, part, NODE_NONE);
  const int sums = hand_other(g, OP_ROW_SUM, 1, 0, add(g, wide, soft), NODE_NONE);
  const int total = add(g, sums, hand_other(g, OP_LOG_SUM_EXP, 1, 0, norm, NODE_NONE));
  node mean = hand_node(OP_SUM_TIME, SPACE_STATIC, 0, HIDDEN);
  mean.in[0] = mul(g, add(g, wide, total), graph_shift(g, soft, -1, s));
  hand_output(g, DATA_LABEL, graph_unary(g, OP_TANH, graph_node(g, mean)));
  hand_output(g, DATA_TOKEN, hand_other(g, OP_CONCAT, 2 * HIDDEN, 0, wide, norm));
  /* a loss that is linear in what it sees: its adjoint is one number for all rows and columns */
  hand_loss(g, DATA_X, graph_input(g, DATA_X, 0), hand_other(g, OP_ROW_SUM, 1, 0, graph_shift(g, a, 1, NODE_NONE), NODE_NONE), a);
}
#endif
