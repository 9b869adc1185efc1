/* test_print.c - graphs in the notation of the language: whole nets, and single expressions with their brackets. */
#include "hand.h"

static char *printed(void print(const graph *, text *), const graph *g) {
  text t = {0};
  print(g, &t);
  assert_false(t.failed);
  return t.data ? t.data : mem_text("");
}

static void assert_line(const char *whole, const char *line) {
  const size_t n = strlen(line);
  for (const char *s = whole; (s = strstr(s, line)); s++)
    if ((s == whole || s[-1] == '\n') && s[n] == '\n') return;
  fail_msg("no line\n%s\nin\n%s", line, whole);
}

static const struct {
  void (*make)(graph *g);
  const char *lines[8];
} forward_rows[] = {
    {net_language, {"h = tanh(Wxh embed(token[t-1]) + Whh h[t-1] + h.b)", "token ~ softmax(W h + b)"}},
    {net_lstm, {"i = sigmoid(Wi embed(token[t-1]) + Ui h[t-1] + bi)", "c = f * c[t-1] + i * g", "h = o * tanh(c)"}},
    {net_gru, {"c = tanh(Wc embed(token[t-1]) + Uc (r * h[t-1]) + bc)", "h = (1 - z) * h[t-1] + z * c"}},
    {net_static, {"h = tanh(V v + bv)", "label ~ softmax(W h + b)"}},
    {net_sentiment, {"h = tanh(Wxh embed(token) + Whh h[t+1] + h.b)", "label ~ softmax(W [last(h), first(h)] + b)"}},
    {net_far, {"h = h[t-1] + tanh(Wx x + 0.5 * (U h[t-1] + V h[t-2] + M (h[t-1] - h[t-2])))"}},
};

static const struct {
  void (*make)(graph *g);
  const char *lines[12];
} gradient_rows[] = {
    {net_language,
     {"loss = -log softmax(logits)[token]", "dlogits = (softmax(logits) - onehot(token)) * 1/n",
      "dh = W' dlogits + Whh' (dh[t+1] * (1 - h[t+1]^2))", "dWhh = sum over t of (dh * (1 - h^2)) h[t-1]'",
      "dtoken.embed = sum over t of onehot(token[t-1]) Wxh' (dh * (1 - h^2))'", "dh.b = sum over t of dh * (1 - h^2)",
      "db = sum over t of dlogits", "dW = sum over t of dlogits h'"}},
    {net_lstm,
     {"do = dh * tanh(c)", "dc = dh * o * (1 - tanh(c)^2) + dc[t+1] * f[t+1]", "df = dc * c[t-1]",
      "dUi = sum over t of (di * i * (1 - i)) h[t-1]'"}},
    {net_gru,
     {"dz = dh * c - dh * h[t-1]", "dr = Uc' (dc * (1 - c^2)) * h[t-1]", "dUc = sum over t of (dc * (1 - c^2)) (r * h[t-1])'"}},
    {net_static, {"dh = W' dlogits", "dV = (dh * (1 - h^2)) v'", "db = dlogits"}},
    {net_translate, {"dc = dh * o * (1 - tanh(c)^2) + dc[t+1] * f[t+1] + at_last(first(dc * f))"}},
    {net_sentiment, {"dh = Whh' (dh[t-1] * (1 - h[t-1]^2)) + at_first(columns(W' dlogits, 3:6))"}},
};

static void whole_nets(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof forward_rows / sizeof *forward_rows; i++) {
    graph g;
    hand_init(&g);
    forward_rows[i].make(&g);
    char *s = printed(graph_print_forward, &g);
    for (int k = 0; forward_rows[i].lines[k]; k++) assert_line(s, forward_rows[i].lines[k]);
    mem_free(s);
    graph_free(&g);
  }
}

static void whole_gradients(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof gradient_rows / sizeof *gradient_rows; i++) {
    graph g;
    hand_init(&g);
    gradient_rows[i].make(&g);
    assert_int_equal(graph_differentiate(&g, NULL), UNROLL_OK);
    char *s = printed(graph_print_gradient, &g);
    for (int k = 0; gradient_rows[i].lines[k]; k++) assert_line(s, gradient_rows[i].lines[k]);
    mem_free(s);
    graph_free(&g);
  }
}

static void gradient_is_in_backward_order(void **state) {
  (void)state;
  graph g;
  hand_init(&g);
  net_lstm(&g);
  assert_int_equal(graph_differentiate(&g, NULL), UNROLL_OK);
  char *s = printed(graph_print_gradient, &g);
  const char *const order[] = {"loss = ", "dlogits = ", "\ndh = ", "\ndc = ", "\ndWi = "};
  const char *at = s;
  for (size_t i = 0; i < sizeof order / sizeof *order; i++) assert_non_null(at = strstr(at, order[i]));
  mem_free(s);
  graph_free(&g);
}

static void brackets(void **state) {
  (void)state;
  graph g;
  hand_init(&g);
  const int a = hand_vector(&g, "a", NUMBERS), b = hand_vector(&g, "b", NUMBERS), x = hand_input(&g, DATA_X, 0);
  const int sum = add(&g, a, b), product = mul(&g, a, b), square = graph_unary(&g, OP_SQUARE, a),
            minus = graph_unary(&g, OP_NEG, a);
  const int W = hand_product(&g, "W", NUMBERS, x), two = graph_const(&g, 2);
  const struct {
    int node;
    const char *expected;
  } rows[] = {
      {add(&g, a, sum), "a + a + b"},
      {graph_binary(&g, OP_SUB, a, sum), "a - (a + b)"},
      {graph_binary(&g, OP_SUB, sum, a), "a + b - a"},
      {mul(&g, sum, a), "(a + b) * a"},
      {mul(&g, a, product), "a * a * b"},
      {graph_binary(&g, OP_DIV, a, product), "a / (a * b)"},
      {graph_binary(&g, OP_DIV, product, a), "a * b / a"},
      {mul(&g, a, minus), "a * (-a)"},
      {mul(&g, minus, a), "-a * a"},
      {graph_unary(&g, OP_NEG, sum), "-(a + b)"},
      {graph_unary(&g, OP_NEG, product), "-(a * b)"},
      {graph_unary(&g, OP_SQUARE, minus), "(-a)^2"},
      {graph_unary(&g, OP_NEG, square), "-a^2"},
      {graph_unary(&g, OP_SQUARE, square), "(a^2)^2"},
      {graph_unary(&g, OP_TANH, sum), "tanh(a + b)"},
      {graph_binary(&g, OP_MAX, sum, two), "max(a + b, 2)"},
      {mul(&g, graph_const(&g, 0.1), a), "0.1 * a"},
      {mul(&g, a, graph_const(&g, -2)), "a * (-2)"},
      {hand_product(&g, "V", HIDDEN, W), "V (W x)"},
      {hand_product(&g, "V", HIDDEN, add(&g, W, x)), "V (W x + x)"},
      {hand_product(&g, "V", HIDDEN, graph_unary(&g, OP_TANH, W)), "V tanh(W x)"},
      {mul(&g, W, W), "W x * W x"},
      {graph_shift(&g, mul(&g, add(&g, W, a), x), -1, NODE_NONE), "(W x[t+1] + a) * x[t+1]"},
      {graph_shift(&g, graph_shift(&g, W, 1, NODE_NONE), 1, NODE_NONE), "W x[t-2]"},
      {hand_edge(&g, add(&g, W, x), -1), "last(W x + x)"},
      {hand_other(&g, OP_SLICE, 2, 1, x, NODE_NONE), "columns(x, 1:3)"},
      {hand_other(&g, OP_CONCAT, 12, 0, hand_other(&g, OP_CONCAT, 8, 0, x, W), x), "[x, W x, x]"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    text t = {0};
    graph_print_node(&g, rows[i].node, &t);
    assert_string_equal(t.data, rows[i].expected);
    text_free(&t);
  }
  graph_free(&g);
}

static void pictures(void **state) {
  (void)state;
  static const char *const source = "data p : image(1, 4, 4)\ndata label : category\nu = pool(relu(conv(p, 2, 3)), 2)\n"
                                    "v = conv(u, 3, 2, valid)\nlabel ~ softmax(W v)\n";
  static const char *const lines[] = {
      "u = pool(relu(conv(p, 2, 3)), 2)",
      "v = conv(u, 3, 2, valid)",
      "du = conv_back(dv, v.conv)",
      "dv.conv = sum over positions of dv patches(u, 2)'",
      "dv.conv_bias = sum over positions of dv",
      "du.conv_bias = sum over positions of (pool_grad(relu(conv(p, 2, 3)), 2, du) * step(conv(p, 2, 3)))"};
  arena memory = {0};
  program *net;
  graph g;
  graph_init(&g);
  assert_int_equal(lang_parse(&net, "test.net", source, &memory, NULL), UNROLL_OK);
  assert_int_equal(graph_build(&g, net, &(build_options){0}, NULL), UNROLL_OK);
  char *forward = printed(graph_print_forward, &g);
  assert_int_equal(graph_differentiate(&g, NULL), UNROLL_OK);
  char *backward = printed(graph_print_gradient, &g);
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) assert_line(i < 2 ? forward : backward, lines[i]);
  mem_free(forward);
  mem_free(backward);
  graph_free(&g);
  arena_free(&memory);
}

/* What has no names is neither endless nor exponential. */
static void long_things_end(void **state) {
  (void)state;
  graph g;
  hand_init(&g);
  const int before = hand_open_shift(&g, 0, NUMBERS, 1, NODE_NONE);
  int x = add(&g, before, hand_input(&g, DATA_X, 0));
  for (int i = 0; i < 100; i++) x = mul(&g, x, x);
  hand_close(&g, before, x, NULL);
  text t = {0};
  graph_print_node(&g, x, &t);
  assert_false(t.failed);
  assert_true(t.length < 10000);
  text_free(&t);
  const int itself = hand_open_shift(&g, 0, NUMBERS, 1, NODE_NONE);
  hand_close(&g, itself, itself, NULL);
  graph_print_node(&g, add(&g, itself, x), &t);
  assert_false(t.failed);
  text_free(&t);
  const int named = hand_open_shift(&g, 0, NUMBERS, 1, NODE_NONE);
  hand_close(&g, named, named, "n");
  graph_print_node(&g, named, &t);
  assert_string_equal(t.data, "n[t-1]");
  text_free(&t);
  graph_free(&g);
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  graph g;
  hand_init(&g);
  net_language(&g);
  assert_int_equal(graph_differentiate(&g, NULL), UNROLL_OK);
  const long live = mem_live();
  for (long n = 1;; n++) {
    text t = {0};
    mem_fail_after(n, 0);
    graph_print_forward(&g, &t);
    graph_print_gradient(&g, &t);
    const int failed = t.failed;
    mem_fail_after(0, 0);
    text_free(&t);
    assert_int_equal(mem_live(), live);
    if (!failed) break;
  }
  graph_free(&g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whole_nets),
      cmocka_unit_test(whole_gradients),
      cmocka_unit_test(gradient_is_in_backward_order),
      cmocka_unit_test(brackets),
      cmocka_unit_test(pictures),
      cmocka_unit_test(long_things_end),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
