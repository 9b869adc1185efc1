/* test_graph.c - the node table: sharing, folding, spaces and widths, parameters and inputs. */
#include "hand.h"

typedef struct sides { /* nodes that the tables below speak of */
  int x, y, zero, one, minus_one, two, neg_x;
} sides;

static sides make_sides(graph *g) {
  sides s;
  hand_init(g);
  s.x = hand_input(g, DATA_X, 0);
  s.y = hand_input(g, DATA_X, 1);
  s.zero = graph_const(g, 0);
  s.one = graph_const(g, 1);
  s.minus_one = graph_const(g, -1);
  s.two = graph_const(g, 2);
  s.neg_x = graph_unary(g, OP_NEG, s.x);
  return s;
}

static void equal_nodes_are_shared(void **state) {
  (void)state;
  graph g;
  const sides s = make_sides(&g);
  const int sum = add(&g, s.x, s.y);
  assert_int_equal(add(&g, s.x, s.y), sum);
  assert_int_not_equal(add(&g, s.y, s.x), sum);
  assert_int_equal(graph_const(&g, 2), s.two);
  assert_int_equal(graph_const(&g, -0.0), s.zero);
  assert_int_equal(hand_input(&g, DATA_X, 0), s.x);
  assert_int_not_equal(graph_shift(&g, s.x, 1, NODE_NONE), graph_shift(&g, s.x, -1, NODE_NONE));
  node named = *graph_at(&g, sum);
  named.name = "first";
  assert_int_equal(graph_node(&g, named), sum);
  named.name = "second";
  assert_int_equal(graph_node(&g, named), sum);
  assert_string_equal(graph_at(&g, sum)->name, "first");
  graph_free(&g);
}

static void placeholders_are_not_shared(void **state) {
  (void)state;
  graph g;
  hand_init(&g);
  const int a = hand_open_shift(&g, 0, HIDDEN, 1, NODE_NONE), b = hand_open_shift(&g, 0, HIDDEN, 1, NODE_NONE);
  assert_int_not_equal(a, b);
  graph_free(&g);
}

static void constants_are_folded(void **state) {
  (void)state;
  graph g;
  const sides s = make_sides(&g);
  const struct {
    enum op op;
    int a, b, result;
  } rows[] = {
      {OP_ADD, s.x, s.zero, s.x},          {OP_ADD, s.zero, s.x, s.x},     {OP_SUB, s.x, s.zero, s.x},
      {OP_SUB, s.zero, s.x, s.neg_x},      {OP_SUB, s.zero, s.neg_x, s.x}, {OP_MUL, s.x, s.one, s.x},
      {OP_MUL, s.one, s.x, s.x},           {OP_MUL, s.x, s.zero, s.zero},  {OP_MUL, s.zero, s.x, s.zero},
      {OP_MUL, s.x, s.minus_one, s.neg_x}, {OP_DIV, s.x, s.one, s.x},      {OP_ADD, s.one, s.one, s.two},
      {OP_SUB, s.two, s.one, s.one},       {OP_MUL, s.two, s.one, s.two},  {OP_MAX, s.one, s.two, s.two},
      {OP_LESS, s.one, s.two, s.one},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (graph_binary(&g, rows[i].op, rows[i].a, rows[i].b) != rows[i].result) fail_msg("row %zu", i);
  assert_int_equal(graph_unary(&g, OP_NEG, s.neg_x), s.x);
  assert_int_equal(graph_unary(&g, OP_NEG, s.one), s.minus_one);
  assert_int_equal(graph_unary(&g, OP_EXP, s.zero), s.one);
  assert_int_equal(add(&g, s.y, s.neg_x), graph_binary(&g, OP_SUB, s.y, s.x));
  assert_int_equal(graph_at(&g, graph_unary(&g, OP_LOG, s.minus_one))->op, OP_LOG); /* not a number: left to the one who computes */
  assert_int_equal(graph_at(&g, graph_binary(&g, OP_DIV, s.one, s.zero))->op, OP_DIV);
  assert_int_equal(graph_shift(&g, s.zero, 1, NODE_NONE), s.zero);
  graph_free(&g);
}

static void sizes_of_elementwise_nodes(void **state) {
  (void)state;
  graph g;
  const sides s = make_sides(&g);
  const int v = hand_input(&g, DATA_V, 0), p = hand_vector(&g, "p", NUMBERS), scalar = hand_vector(&g, "s", 1);
  const node *n = graph_at(&g, add(&g, p, s.x));
  assert_int_equal(n->space, SPACE_STEP);
  assert_int_equal(n->axis, 0);
  assert_int_equal(n->in[0], p);
  n = graph_at(&g, add(&g, v, s.x));
  assert_int_equal(n->space, SPACE_STEP);
  assert_int_equal(graph_at(&g, n->in[0])->op, OP_SPREAD);
  assert_int_equal(graph_at(&g, n->in[0])->axis, 0);
  assert_int_equal(n->in[0], graph_spread(&g, v, 0));
  n = graph_at(&g, mul(&g, v, scalar));
  assert_int_equal(n->space, SPACE_STATIC);
  assert_int_equal(n->axis, -1);
  assert_int_equal(n->width, NUMBERS);
  assert_int_equal(graph_at(&g, mul(&g, scalar, s.two))->space, SPACE_PARAM);
  assert_int_equal(graph_spread(&g, s.x, 0), s.x);
  graph_free(&g);
}

static void parameters_follow_each_other(void **state) {
  (void)state;
  graph g;
  char name[] = "W";
  hand_init(&g);
  const int W = hand_matrix(&g, name, 3, 4), b = graph_param(&g, (param){.name = "b", .rows = 3, .cols = 1, .vector = true});
  name[0] = '?';
  assert_string_equal(g.params[W].name, "W");
  assert_int_equal(g.params[W].offset, 0);
  assert_int_equal(g.params[b].offset, 12);
  assert_int_equal(g.n_weights, 15);
  for (int i = 0; i < 3 && !graph_failed(&g); i++) hand_matrix(&g, "huge", 2147483647, 2147483647);
  assert_true(graph_failed(&g)); /* no offset beyond 64 bits */
  assert_int_equal(graph_const(&g, 1), NODE_NONE);
  graph_free(&g);
}

static void inputs_are_pairs_of_data_and_lag(void **state) {
  (void)state;
  graph g;
  hand_init(&g);
  const int a = graph_input(&g, DATA_TOKEN, 0), b = graph_input(&g, DATA_TOKEN, 1);
  assert_int_not_equal(a, b);
  assert_int_equal(graph_input(&g, DATA_TOKEN, 0), a);
  assert_true(g.inputs[a].index);
  assert_false(g.inputs[graph_input(&g, DATA_V, 0)].index);
  assert_int_equal(g.inputs[b].width, SYMBOLS);
  assert_int_equal(g.inputs[graph_input(&g, DATA_V, 0)].space, SPACE_STATIC);
  graph_free(&g);
}

static void too_many_nodes(void **state) {
  (void)state;
  graph g;
  const sides s = make_sides(&g);
  int x = s.x;
  while (!graph_failed(&g)) x = add(&g, x, s.y);
  assert_int_equal(g.n_nodes, graph_most_nodes());
  assert_int_equal(x, NODE_NONE);
  assert_int_equal(graph_at(&g, x)->width, 1);
  graph_free(&g);
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  bool failed = true;
  for (long n = 1; failed; n++) {
    graph g;
    const long live = mem_live();
    mem_fail_after(n, 0);
    graph_init(&g);
    for (int i = 0; i < 600; i++) {
      const int c = graph_const(&g, i);
      node named = hand_node(OP_MASK, SPACE_STATIC, -1, 2);
      named.slot = i;
      named.name = "m";
      mul(&g, graph_node(&g, named), c);
      graph_param(&g, (param){.name = "p", .rows = 1, .cols = 1});
    }
    failed = graph_failed(&g);
    mem_fail_after(0, 0);
    graph_free(&g);
    assert_int_equal(mem_live(), live);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(equal_nodes_are_shared),
      cmocka_unit_test(placeholders_are_not_shared),
      cmocka_unit_test(constants_are_folded),
      cmocka_unit_test(sizes_of_elementwise_nodes),
      cmocka_unit_test(parameters_follow_each_other),
      cmocka_unit_test(inputs_are_pairs_of_data_and_lag),
      cmocka_unit_test(too_many_nodes),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
