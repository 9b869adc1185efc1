/* test_attend.c - attention in graphs: what attend(...) becomes, on which axes and how wide; its gradient; how both are printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>
#include "graph/graph.h"

#define SENTENCES                                                                                                                  \
  "data source : words(9)\ndata target : words(8)\ns = rnn(embed(source, 3), 6)\nd = rnn(embed(target[t-1], 3), 6)\n"
enum { SOURCE, TARGET }; /* axes */

typedef struct built {
  arena memory;
  graph g;
} built;

static void build(built *t, const char *source) {
  program *p;
  unroll_error err = {0};
  *t = (built){0};
  graph_init(&t->g);
  unroll_status s = lang_parse(&p, "test.net", source, &t->memory, &err);
  if (!s) s = graph_build(&t->g, p, NULL, &err);
  if (s) fail_msg("%d:%d: %s\n%s", err.line, err.column, err.message, err.source);
}

static void drop(built *t) {
  graph_free(&t->g);
  arena_free(&t->memory);
}

static int count(const graph *g, enum op op, int from, int to) {
  int n = 0;
  for (int i = from; i < to; i++) n += g->nodes[i].op == op;
  return n;
}

static const node *only(const graph *g, enum op op) {
  const node *found = NULL;
  for (int i = 0; i < g->n_nodes; i++) {
    if (g->nodes[i].op != op) continue;
    assert_null(found);
    found = &g->nodes[i];
  }
  assert_non_null(found);
  return found;
}

static const node *input_of(const graph *g, const node *n, int k) { return graph_at(g, n->in[k]); }

static void products(void **state) {
  (void)state;
  built t;
  build(&t, SENTENCES "a = attend(d, s)\ntarget ~ softmax(W [d, a] + b)\n");
  const node *mix = only(&t.g, OP_MIX), *weights = input_of(&t.g, mix, 0), *scores = input_of(&t.g, weights, 0);
  assert_string_equal(mix->name, "a");
  assert_true(mix->space == SPACE_STEP && mix->axis == TARGET && mix->width == 6);
  assert_true(weights->op == OP_SOFTMAX && weights->axis == TARGET && graph_steps_axis(weights->width) == SOURCE);
  assert_string_equal(weights->name, "a.weights");
  assert_true(scores->op == OP_DOTS && graph_steps_axis(scores->width) == SOURCE);
  assert_string_equal(input_of(&t.g, scores, 0)->name, "d");
  assert_string_equal(input_of(&t.g, scores, 1)->name, "s");
  assert_int_equal(mix->in[1], scores->in[1]);
  drop(&t);
}

static void scaled(void **state) {
  (void)state;
  built t;
  build(&t, SENTENCES "a = attend(d, V s, s, scaled)\ntarget ~ softmax(W a + b)\n");
  const node *q = input_of(&t.g, only(&t.g, OP_DOTS), 0);
  assert_int_equal(q->op, OP_MUL);
  assert_true(fabs(input_of(&t.g, q, 1)->value - 1 / sqrt(6)) < 1e-15);
  drop(&t);
  /* a variable of that name is a value like any other */
  build(&t, SENTENCES "scaled = tanh(s)\na = attend(d, V s, scaled)\ntarget ~ softmax(W a + b)\n");
  assert_string_equal(input_of(&t.g, only(&t.g, OP_MIX), 1)->name, "scaled");
  drop(&t);
}

static void additive(void **state) {
  (void)state;
  built t;
  build(&t, SENTENCES "param v\nhidden = 5\na = attend(V d, U s, s, additive = v)\ntarget ~ softmax(W a + b)\n");
  const node *scores = only(&t.g, OP_ADDITIVE);
  assert_int_equal(input_of(&t.g, scores, 2)->op, OP_VECTOR);
  assert_int_equal(input_of(&t.g, scores, 2)->width, 5);
  assert_int_equal(only(&t.g, OP_MIX)->width, 6);
  drop(&t);
}

static void one_row(void **state) {
  (void)state;
  built t;
  build(&t, SENTENCES "data label : category\nq = last(d)\nlabel ~ softmax(W attend(q, s) + b)\ntarget ~ softmax(V d)\n");
  assert_true(only(&t.g, OP_MIX)->space == SPACE_STATIC && only(&t.g, OP_DOTS)->space == SPACE_STATIC);
  drop(&t);
  /* a vector of weights asks; what is looked at has steps for that alone */
  build(&t, "data x : numbers(3)\ndata label : category\nparam q\nlabel ~ softmax(W attend(q, V x, x) + b)\nhidden = 4\n");
  assert_true(t.g.data[0].space == SPACE_STEP && only(&t.g, OP_MIX)->space == SPACE_STATIC && only(&t.g, OP_MIX)->width == 3);
  drop(&t);
}

/* Equal scores are computed once, whatever is mixed by them. */
static void shared(void **state) {
  (void)state;
  built t;
  build(&t, SENTENCES "target ~ softmax(W [attend(d, s), attend(d, s, tanh(s))] + V attend(d, s) + b)\n");
  assert_int_equal(count(&t.g, OP_DOTS, 0, t.g.n_nodes), 1);
  assert_int_equal(count(&t.g, OP_MIX, 0, t.g.n_nodes), 2);
  drop(&t);
}

static void adjoints(void **state) {
  (void)state;
  built t;
  unroll_error err = {0};
  build(&t, SENTENCES "a = attend(d, U s, s)\ntarget ~ softmax(W a + b)\n");
  const int n = t.g.n_nodes;
  assert_int_equal(graph_differentiate(&t.g, &err), UNROLL_OK);
  assert_int_equal(count(&t.g, OP_DOTS, n, t.g.n_nodes), 1); /* of the weights */
  assert_int_equal(count(&t.g, OP_MIX, n, t.g.n_nodes), 1);  /* of the query */
  assert_int_equal(count(&t.g, OP_COLLECT, n, t.g.n_nodes), 2);
  for (int i = n; i < t.g.n_nodes; i++) {
    const node *x = graph_at(&t.g, i);
    if (x->op == OP_COLLECT) assert_true(x->space == SPACE_STEP && x->axis == SOURCE && x->width == 6);
    if (x->op == OP_MIX) assert_true(x->axis == TARGET && x->width == 6);
    if (x->op == OP_DOTS) assert_true(x->axis == TARGET && graph_steps_axis(x->width) == SOURCE);
  }
  drop(&t);
}

static void has_line(const char *all, const char *line) {
  const size_t n = strlen(line);
  for (const char *s = all; (s = strstr(s, line)); s++)
    if ((s == all || s[-1] == '\n') && s[n] == '\n') return;
  fail_msg("no line\n%s\nin\n%s", line, all);
}

static const struct {
  const char *net, *forward, *backward[4];
} prints[] = {
    {"a = attend(d, s)\ntarget ~ softmax(W a + b)\n",
     "a = attend(d, s)",
     {"a.weights = softmax(dots(d, s))", "da.weights = dots(da, s)"}},
    {"a = attend(V d, tanh(s), s, additive = v)\nparam v\ntarget ~ softmax(W a + b)\n",
     "a = attend(V d, tanh(s), s, additive = v)",
     {"a.weights = softmax(additive(V d, tanh(s), v))", "dv = sum over t of additive_mix(u1, V d, tanh(s))"}},
    {"h = tanh(attend(h[t-1], s) + d)\ntarget ~ softmax(W h + b)\n",
     "h = tanh(attend(h[t-1], s) + d)",
     {"u1 = softmax(dots(h[t-1], s))", "dh = W' dlogits + mix(u2[t+1], s)"}},
    {"m = mean(s)\nx = max(tanh(s))\ntarget ~ softmax(W d + V (m + x) + b)\n",
     "m = mean(s)",
     {"ds = max_grad(tanh(s), x, dx) * (1 - tanh(s)^2) + dx / length + s.Whh' (ds[t+1] * (1 - s[t+1]^2))"}},
};

static void printed(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof prints / sizeof *prints; i++) {
    char source[1000];
    built t;
    text forward = {0}, back = {0};
    snprintf(source, sizeof source, "%s%s", SENTENCES, prints[i].net);
    build(&t, source);
    graph_print_forward(&t.g, &forward);
    has_line(forward.data, prints[i].forward);
    assert_int_equal(graph_differentiate(&t.g, NULL), UNROLL_OK);
    graph_print_gradient(&t.g, &back);
    for (int k = 0; k < 4 && prints[i].backward[k]; k++) has_line(back.data, prints[i].backward[k]);
    text_free(&forward);
    text_free(&back);
    drop(&t);
  }
}

/* A cell that looks: what it looks at is a further input, which has steps because of that, on an axis of its own. */
static void cell_alone(void **state) {
  (void)state;
  built t;
  build(&t, "h = tanh(Wx x + U attend(Wq h[t-1], Wk s, s) + b)\n");
  assert_int_equal(t.g.n_axes, 2);
  assert_string_equal(t.g.data[1].name, "s");
  assert_true(t.g.data[1].space == SPACE_STEP && t.g.data[1].axis != t.g.data[0].axis);
  drop(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(products), cmocka_unit_test(scaled),   cmocka_unit_test(additive), cmocka_unit_test(one_row),
      cmocka_unit_test(shared),   cmocka_unit_test(adjoints), cmocka_unit_test(printed),  cmocka_unit_test(cell_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
