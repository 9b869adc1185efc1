/* test_diff.c - the gradient graph: its shape, and its numbers against central differences for one sequence per axis. */
#include <math.h>
#include <stdlib.h>
#include "hand.h"
#include "base/error.h"
#include "base/random.h"
#include "base/special.h"

/* --- a tiny interpreter: one sequence, STEPS[axis] steps, a value per (node, step) on demand --- */

enum { T_MAX = 4 };
static const int steps_of_axis[2] = {4, 3};

typedef struct tiny {
  const graph *g;
  const double *weights;
  double **values; /* [n_nodes * T_MAX] */
  int busy;
} tiny;

static double made_up(uint32_t stream, int i) { return 2 * random_uniform(7, stream, 0, (uint32_t)i) - 1; }
static int symbol(const graph *g, int slot, int t) { /* -1 once: nothing to predict, no row to read */
  return slot == 0 && t == 2 ? -1 : (slot * 7 + t * 3 + 1) % g->inputs[slot].width;
}

static double f1(enum op op, double x) {
  switch (op) {
  case OP_NEG:
    return -x;
  case OP_SIGMOID:
    return 1 / (1 + exp(-x));
  case OP_TANH:
    return tanh(x);
  case OP_RELU:
    return fmax(x, 0);
  case OP_STEP:
    return x > 0;
  case OP_EXP:
    return exp(x);
  case OP_LOG:
    return log(x);
  case OP_SOFTPLUS:
    return log1p(exp(x));
  case OP_ABS:
    return fabs(x);
  case OP_SIGN:
    return (x > 0) - (x < 0);
  case OP_SQRT:
    return sqrt(x);
  case OP_SQUARE:
    return x * x;
  case OP_HARD_SIGMOID:
    return fmax(0, fmin(1, 0.2 * x + 0.5));
  case OP_GELU:
    return x * 0.5 * (1 + erf(x / sqrt(2.0)));
  case OP_NORMAL_CDF:
    return 0.5 * (1 + erf(x / sqrt(2.0)));
  case OP_SIN:
    return sin(x);
  case OP_COS:
    return cos(x);
  case OP_LGAMMA:
    return special_lgamma(x);
  case OP_DIGAMMA:
    return special_digamma(x);
  case OP_LOG1P_SQUARE:
    return log1p(x * x);
  case OP_HOLD:
    return x;
  default:
    fail_msg("no function for %s", graph_ops[op].name);
    return 0;
  }
}

static double f2(enum op op, double a, double b) {
  switch (op) {
  case OP_ADD:
    return a + b;
  case OP_SUB:
    return a - b;
  case OP_MUL:
    return a * b;
  case OP_DIV:
    return a / b;
  case OP_MIN:
    return fmin(a, b);
  case OP_MAX:
    return fmax(a, b);
  case OP_LESS:
    return a < b;
  case OP_LBETA:
    return special_lbeta(a, b);
  case OP_DIGAMMA_RISE:
    return special_digamma_rise(a, b);
  default:
    fail_msg("no function for %s", graph_ops[op].name);
    return 0;
  }
}

static const double *at(tiny *e, int x, int t);

static double log_sum_exp(const double *x, int n) {
  double sum = 0;
  for (int j = 0; j < n; j++) sum += exp(x[j]);
  return log(sum);
}

static void norm(const double *x, int n, double *mean, double *scale) {
  double sum = 0, squares = 0;
  for (int j = 0; j < n; j++) sum += x[j];
  *mean = sum / n;
  for (int j = 0; j < n; j++) squares += (x[j] - *mean) * (x[j] - *mean);
  *scale = 1 / sqrt(squares / n + 1e-5);
}

static void shift(tiny *e, const node *n, int t, double *y) {
  const int from = t - n->dir;
  const bool inside = from >= 0 && from < steps_of_axis[n->axis];
  const int source = n->in[inside ? 0 : 1];
  const double *x = source >= 0 ? at(e, source, inside ? from : 0) : NULL;
  for (int j = 0; j < n->width; j++) y[j] = x ? x[j] : 0;
}

static void leaf(tiny *e, const node *n, int t, double *y) {
  const graph *g = e->g;
  const int lag = n->slot >= 0 ? g->inputs[n->slot].lag : 0;
  for (int j = 0; j < n->width; j++) {
    const int s = n->op == OP_EMBED ? symbol(g, n->slot, t) : 0;
    if (n->op == OP_CONST)
      y[j] = n->value;
    else if (n->op == OP_LOSS_SCALE)
      y[j] = 0.3;
    else if (n->op == OP_VECTOR)
      y[j] = e->weights[g->params[n->param].offset + j];
    else if (n->op == OP_INPUT)
      y[j] = 1.5 + made_up(3, (t - lag) * 16 + j);
    else
      y[j] = s < 0 ? 0 : e->weights[g->params[n->param].offset + s * n->width + j];
  }
}

static void product(tiny *e, const node *n, int t, double *y) {
  const param *w = &e->g->params[n->param];
  const double *W = e->weights + w->offset + n->c0, *x = at(e, n->in[0], t);
  const int K = graph_at(e->g, n->in[0])->width;
  for (int j = 0; j < n->width; j++)
    for (int k = 0; k < K; k++) y[j] += n->op == OP_MATVEC ? W[j * w->cols + k] * x[k] : W[k * w->cols + j] * x[k];
}

static void sum(tiny *e, const node *n, double *y) {
  const node *x = graph_at(e->g, n->in[0]);
  const int T = x->space == SPACE_STEP ? steps_of_axis[x->axis] : 1;
  for (int t = 0; t < T; t++)
    for (int j = 0; j < n->width; j++) y[j] += at(e, n->in[0], t)[x->width == 1 ? 0 : j];
}

static void row(tiny *e, const node *n, int t, double *y) {
  const double *a = at(e, n->in[0], t), *b = n->in[1] >= 0 ? at(e, n->in[1], t) : NULL,
               *c = n->in[2] >= 0 ? at(e, n->in[2], t) : NULL;
  const int N = n->width, K = graph_at(e->g, n->in[0])->width;
  double mean = 0, scale = 0, dot = 0, total = 0;
  if (n->op == OP_LAYERNORM || n->op == OP_LAYERNORM_SCALE) norm(a, K, &mean, &scale);
  for (int j = 0; j < K && n->op == OP_SOFTMAX_GRAD; j++) dot += a[j] * b[j];
  for (int j = 0; j < N && n->op == OP_LAYERNORM_GRAD; j++) dot += b[j] * c[j] / N, total += c[j] / N;
  const int s = n->slot >= 0 ? symbol(e->g, n->slot, t) : 0;
  for (int j = 0; j < N; j++) switch (n->op) {
    case OP_CONCAT:
      y[j] = j < K ? a[j] : b[j - K];
      break;
    case OP_SLICE:
      y[j] = a[n->c0 + j];
      break;
    case OP_PAD:
      y[j] = j >= n->c0 && j < n->c0 + K ? a[j - n->c0] : 0;
      break;
    case OP_ROW_SUM:
      for (int k = 0; k < K; k++) y[0] += a[k];
      break;
    case OP_LOG_SUM_EXP:
      y[0] = log_sum_exp(a, K);
      break;
    case OP_SOFTMAX:
      y[j] = exp(a[j] - log_sum_exp(a, N));
      break;
    case OP_SOFTMAX_GRAD:
      y[j] = a[j] * (b[j] - dot);
      break;
    case OP_LAYERNORM_SCALE:
      y[0] = scale;
      break;
    case OP_LAYERNORM:
      y[j] = (a[j] - mean) * b[0];
      break;
    case OP_LAYERNORM_GRAD:
      y[j] = (c[j] - total - b[j] * dot) * a[0];
      break;
    case OP_CROSS_ENTROPY:
      y[0] = s < 0 ? 0 : log_sum_exp(a, K) - a[s];
      break;
    case OP_CROSS_ENTROPY_GRAD:
      y[j] = s < 0 ? 0 : (exp(a[j] - log_sum_exp(a, K)) - (j == s)) * c[0];
      break;
    default:
      fail_msg("no function for %s", graph_ops[n->op].name);
    }
}

static void compute(tiny *e, const node *n, int t, double *y) {
  const enum op_kind kind = graph_ops[n->op].kind;
  for (int j = 0; j < n->width && kind != OP_KIND_OTHER; j++) {
    const int ja = graph_at(e->g, n->in[0])->width == 1 ? 0 : j, jb = graph_at(e->g, n->in[1])->width == 1 ? 0 : j;
    y[j] = kind == OP_KIND_UNARY ? f1(n->op, at(e, n->in[0], t)[j]) : f2(n->op, at(e, n->in[0], t)[ja], at(e, n->in[1], t)[jb]);
  }
  if (kind != OP_KIND_OTHER) return;
  switch (n->op) {
  case OP_CONST:
  case OP_LOSS_SCALE:
  case OP_VECTOR:
  case OP_INPUT:
  case OP_EMBED:
    leaf(e, n, t, y);
    break;
  case OP_MATVEC:
  case OP_MATVEC_T:
    product(e, n, t, y);
    break;
  case OP_SUM_ROWS:
  case OP_SUM_TIME:
    sum(e, n, y);
    break;
  case OP_SHIFT:
    shift(e, n, t, y);
    break;
  case OP_EDGE:
    memcpy(y, at(e, n->in[0], n->dir > 0 ? 0 : steps_of_axis[n->axis] - 1), (size_t)n->width * sizeof *y);
    break;
  case OP_SPREAD:
  case OP_REPEAT:
    for (int j = 0; j < n->width; j++) y[j] = at(e, n->in[0], t)[graph_at(e->g, n->in[0])->width == 1 ? 0 : j];
    break;
  default:
    row(e, n, t, y);
  }
}

static const double *at(tiny *e, int x, int t) {
  const node *n = graph_at(e->g, x);
  if (n->space != SPACE_STEP) t = 0;
  double **slot = &e->values[x * T_MAX + t];
  if (*slot) return *slot;
  assert_true(++e->busy < 5000); /* a cycle within a step */
  double *y = calloc((size_t)n->width, sizeof *y);
  compute(e, n, t, y);
  e->busy--;
  return *slot = y;
}

static void forget(tiny *e) {
  for (int i = 0; i < e->g->n_nodes * T_MAX; i++) {
    free(e->values[i]);
    e->values[i] = NULL;
  }
}

static double loss_of(tiny *e) {
  double total = 0;
  for (int i = 0; i < e->g->n_losses; i++) {
    const node *n = graph_at(e->g, e->g->losses[i].node);
    for (int t = 0; t < (n->space == SPACE_STEP ? steps_of_axis[n->axis] : 1); t++)
      total += 0.3 * at(e, e->g->losses[i].node, t)[0];
  }
  forget(e);
  return total;
}

/* Adds gradient number i to the flat block. */
static void add_gradient(tiny *e, int i, double *dw) {
  const graph *g = e->g;
  const node *n = graph_at(g, g->gradients[i].node);
  const param *w = &g->params[g->gradients[i].param];
  const node *d = graph_at(g, n->in[0]);
  const int T = n->op != OP_OUTER && n->op != OP_EMBED_T ? 1 : d->space == SPACE_STEP ? steps_of_axis[d->axis] : 1;
  dw += w->offset;
  for (int t = 0; t < T; t++) {
    if (n->op == OP_OUTER) {
      assert_int_equal(graph_at(g, n->in[1])->space, d->space);
      assert_int_equal(d->width, w->rows);
      for (int j = 0; j < d->width; j++)
        for (int k = 0; k < n->width; k++) dw[j * w->cols + n->c0 + k] += at(e, n->in[0], t)[j] * at(e, n->in[1], t)[k];
    } else if (n->op == OP_EMBED_T) {
      for (int j = 0; j < n->width && symbol(g, n->slot, t) >= 0; j++)
        dw[symbol(g, n->slot, t) * w->cols + j] += at(e, n->in[0], t)[j];
    } else {
      assert_int_equal(n->space, SPACE_PARAM);
      assert_int_equal(n->width, w->rows);
      for (int j = 0; j < n->width; j++) dw[j] += at(e, g->gradients[i].node, 0)[j];
    }
  }
}

static void check_shape(const graph *g) {
  for (int i = 0; i < g->n_nodes; i++) {
    const node *n = graph_at(g, i);
    for (int k = 0; k < NODE_INPUTS; k++) assert_in_range(n->in[k] + 1, 0, g->n_nodes);
  }
}

static void check_numbers(graph *g) {
  tiny e = {.g = g};
  const size_t n = (size_t)g->n_weights;
  double *weights = calloc(n, sizeof *weights), *dw = calloc(n, sizeof *dw);
  e.weights = weights;
  e.values = calloc((size_t)g->n_nodes * T_MAX, sizeof *e.values);
  for (size_t i = 0; i < n; i++) weights[i] = 0.8 * made_up(1, (int)i) + 0.05;
  for (int i = 0; i < g->n_gradients; i++) add_gradient(&e, i, dw);
  forget(&e);
  int nonzero = 0;
  for (size_t i = 0; i < n; i++) {
    const double w = weights[i], h = 1e-5;
    weights[i] = w + h;
    const double up = loss_of(&e);
    weights[i] = w - h;
    const double down = loss_of(&e);
    weights[i] = w;
    const double expected = (up - down) / (2 * h);
    if (fabs(dw[i] - expected) > 1e-7 + 1e-6 * fabs(expected)) fail_msg("weight %zu: %.10g, expected %.10g", i, dw[i], expected);
    nonzero += dw[i] != 0;
  }
  assert_true(2 * nonzero > (int)n);
  free(weights);
  free(dw);
  free(e.values);
}

/* --- the nets --- */

typedef struct net {
  const char *name;
  void (*make)(graph *g);
} net;
static const net nets[] = {{"language", net_language},   {"lstm", net_lstm},           {"gru", net_gru}, {"static", net_static},
                           {"translate", net_translate}, {"sentiment", net_sentiment}, {"far", net_far}, {"mixed", net_mixed}};

static void differentiate(graph *g) {
  unroll_error err = {0};
  if (graph_differentiate(g, &err) != UNROLL_OK) fail_msg("%s", err.message);
  assert_false(graph_failed(g));
}

static void gradients_match_differences(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
    graph g;
    hand_init(&g);
    nets[i].make(&g);
    const int forward = g.n_nodes;
    differentiate(&g);
    assert_int_equal(g.n_forward, forward);
    print_message("%s: %d nodes, %d of the gradient\n", nets[i].name, g.n_nodes, g.n_nodes - forward);
    check_shape(&g);
    check_numbers(&g);
    graph_free(&g);
  }
}

/* Every row of ops.def: loss = sum of f(z) for z = p * x, or f(z, q * x). */
static void every_elementwise_operator(void **state) {
  (void)state;
  for (int op = 0; op < OP_COUNT; op++) {
    if (graph_ops[op].kind == OP_KIND_OTHER || !graph_ops[op].derivative[0] || op == OP_HOLD) continue;
    const bool positive = op == OP_LOG || op == OP_SQRT || op == OP_LGAMMA || op == OP_LBETA,
               unary = graph_ops[op].kind == OP_KIND_UNARY;
    graph g;
    hand_init(&g);
    const int x = hand_input(&g, DATA_X, 0);
    int a = mul(&g, hand_vector(&g, "p", NUMBERS), x), b = mul(&g, hand_vector(&g, "q", NUMBERS), x);
    if (positive) a = graph_unary(&g, OP_EXP, a);
    if (op == OP_DIV || op == OP_LBETA) b = graph_unary(&g, OP_EXP, b);
    const int y = unary ? graph_unary(&g, (enum op)op, a) : graph_binary(&g, (enum op)op, a, b);
    const int safe = add(&g, mul(&g, y, x), mul(&g, a, b)); /* both always have a gradient */
    hand_loss(&g, DATA_X, graph_input(&g, DATA_X, 0), hand_other(&g, OP_ROW_SUM, 1, 0, safe, NODE_NONE), safe);
    differentiate(&g);
    print_message("%s\n", graph_ops[op].name);
    check_numbers(&g);
    graph_free(&g);
  }
}

/* --- shape --- */

static bool reads(const graph *g, int from, int what) { /* through in[] only */
  bool *seen = calloc((size_t)g->n_nodes, sizeof *seen);
  int *todo = calloc((size_t)g->n_nodes + 1, sizeof *todo), n = 0;
  seen[from] = true;
  todo[n++] = from;
  while (n && !seen[what]) {
    const node *x = graph_at(g, todo[--n]);
    for (int k = 0; k < NODE_INPUTS; k++)
      if (x->in[k] >= 0 && !seen[x->in[k]]) seen[x->in[k]] = true, todo[n++] = x->in[k];
  }
  const bool found = seen[what];
  free(seen);
  free(todo);
  return found;
}

static bool needed(const graph *g, int x) {
  for (int i = 0; i < g->n_gradients; i++)
    if (reads(g, g->gradients[i].node, x)) return true;
  return false;
}

static int find_name(const graph *g, const char *name) {
  for (int i = 0; i < g->n_nodes; i++)
    if (g->nodes[i].name && !strcmp(g->nodes[i].name, name)) return i;
  fail_msg("no node is called %s", name);
  return 0;
}

static void products_read_shifted_operands(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
    graph g;
    hand_init(&g);
    nets[i].make(&g);
    differentiate(&g);
    for (int x = g.n_forward; x < g.n_nodes; x++) {
      const node *n = graph_at(&g, x);
      if (n->op != OP_SHIFT || n->in[0] < 0 || !needed(&g, x)) continue;
      assert_int_not_equal(graph_at(&g, n->in[0])->op, OP_MATVEC_T);
    }
    graph_free(&g);
  }
}

/* dh = W' dlogits + Whh' SHIFT(dh * (1 - h^2), -1) */
static void rnn_has_the_loop_form(void **state) {
  (void)state;
  graph g;
  hand_init(&g);
  net_language(&g);
  differentiate(&g);
  const int dh = find_name(&g, "dh");
  const node *sum_node = graph_at(&g, dh), *back = graph_at(&g, sum_node->in[1]);
  assert_int_equal(sum_node->op, OP_ADD);
  assert_int_equal(graph_at(&g, sum_node->in[0])->op, OP_MATVEC_T);
  assert_int_equal(back->op, OP_MATVEC_T);
  assert_string_equal(g.params[back->param].name, "h.Whh");
  const node *moved = graph_at(&g, back->in[0]);
  assert_int_equal(moved->op, OP_SHIFT);
  assert_int_equal(moved->dir, -1);
  assert_int_equal(graph_at(&g, moved->in[0])->op, OP_MUL);
  assert_int_equal(graph_at(&g, moved->in[0])->in[0], dh);
  assert_int_equal(g.n_gradients, g.n_params);
  graph_free(&g);
}

/* The encoder's dc = ... + SHIFT(dc * f, -1), which starts with what the decoder hands back. */
static void handover_merges_into_the_shift(void **state) {
  (void)state;
  graph g;
  hand_init(&g);
  net_translate(&g);
  differentiate(&g);
  int merged = 0, edges = 0;
  for (int i = g.n_forward; i < g.n_nodes; i++) {
    const node *n = graph_at(&g, i);
    if (!needed(&g, i)) continue;
    merged += n->op == OP_SHIFT && n->in[0] >= 0 && n->in[1] >= 0;
    edges += n->op == OP_EDGE && graph_at(&g, n->in[0])->op == OP_MATVEC_T;
  }
  assert_int_equal(merged, 1);
  assert_int_equal(edges, 0);
  graph_free(&g);
}

static void carries_and_masks_get_no_gradient(void **state) {
  (void)state;
  graph g;
  hand_init(&g);
  node carried = hand_node(OP_CARRY, SPACE_STATIC, -1, HIDDEN), mask = hand_node(OP_MASK, SPACE_STEP, 0, HIDDEN);
  carried.slot = mask.slot = 0;
  mask.value = 0.5;
  const int init = graph_node(&g, carried), m = graph_node(&g, mask);
  hand_output(&g, DATA_TOKEN, mul(&g, hand_rnn(&g, hand_input(&g, DATA_X, 0), 1, init), m));
  differentiate(&g);
  for (int i = g.n_forward; i < g.n_nodes; i++) assert_int_not_equal(graph_at(&g, i)->op, OP_EDGE);
  graph_free(&g);
}

/* Cells alone: the cotangent of the output comes from outside. */
static void differentiate_from_a_seed(void **state) {
  (void)state;
  graph g;
  hand_init(&g);
  const int h = hand_rnn(&g, hand_input(&g, DATA_X, 0), 1, NODE_NONE);
  node given = hand_node(OP_INPUT, SPACE_STEP, 0, HIDDEN);
  given.slot = graph_input(&g, DATA_X, 1);
  const seed s = {h, graph_node(&g, given)};
  assert_int_equal(graph_differentiate_from(&g, &s, 1, NULL), UNROLL_OK);
  const node *dh = graph_at(&g, find_name(&g, "dh"));
  assert_int_equal(dh->op, OP_ADD);
  assert_int_equal(dh->in[0], s.cotangent);
  assert_int_equal(g.n_gradients, 3);
  graph_free(&g);
}

static void parameters_that_no_loss_sees(void **state) {
  (void)state;
  graph g;
  hand_init(&g);
  hand_product(&g, "unused", HIDDEN, hand_input(&g, DATA_X, 0));
  assert_int_equal(graph_differentiate(&g, NULL), UNROLL_OK);
  assert_int_equal(g.n_gradients, 0);
  graph_free(&g);
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  for (long n = 1;; n++) {
    graph g;
    const long live = mem_live();
    hand_init(&g);
    net_lstm(&g);
    mem_fail_after(n, 1);
    unroll_error err = {0};
    const unroll_status s = graph_differentiate(&g, &err);
    mem_fail_after(0, 0);
    graph_free(&g);
    assert_int_equal(mem_live(), live);
    if (s == UNROLL_OK) break;
    assert_int_equal(s, UNROLL_FAILED);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradients_match_differences),    cmocka_unit_test(every_elementwise_operator),
      cmocka_unit_test(products_read_shifted_operands), cmocka_unit_test(rnn_has_the_loop_form),
      cmocka_unit_test(handover_merges_into_the_shift), cmocka_unit_test(carries_and_masks_get_no_gradient),
      cmocka_unit_test(differentiate_from_a_seed),      cmocka_unit_test(parameters_that_no_loss_sees),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
