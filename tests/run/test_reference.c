/* test_reference.c - the oracle itself: every operator against values computed by hand, whole nets against differences. */
#include "testnet.h"
#include "run/mask.h"

/* --- operators by hand: sequences of length 1, 3 and 2, so that the axis' order is 1, 2, 0 --- */

enum { X = 0, V, WIDE, OTHER_WIDE, SYMBOL, HAND_DATA };

typedef struct hand {
  graph g;
  data_info data[HAND_DATA];
  reference r;
  double *weights;
} hand;

static const int hand_active[] = {3, 2, 1}, hand_order[] = {1, 2, 0};
static const int64_t hand_first[] = {0, 3, 5, 6};
static const batch_axis hand_axis = {.steps = 3, .active = hand_active, .first = hand_first, .order = hand_order};
static const double hand_x[] = {10, 20, 0, 11, 21, 12}, hand_v[] = {100, 101, 102};
static const double hand_wide[] = {1, -0.5, 2, -1.25, 0.5, 3, 4, 5, 6}, hand_other[] = {3, 0, -1, 1, 1, 1, 0, 7, 0};
static const int32_t hand_symbol[] = {2, -1, 0};

static void hand_init(hand *h) {
  memset(h, 0, sizeof *h);
  graph_init(&h->g);
  h->data[X] = (data_info){.name = "x", .kind = "numbers", .width = 1, .space = SPACE_STEP, .axis = 0};
  h->data[V] = (data_info){.name = "v", .kind = "numbers", .width = 1, .space = SPACE_STATIC, .axis = -1};
  h->data[WIDE] = (data_info){.name = "a", .kind = "numbers", .width = 3, .space = SPACE_STATIC, .axis = -1};
  h->data[OTHER_WIDE] = (data_info){.name = "b", .kind = "numbers", .width = 3, .space = SPACE_STATIC, .axis = -1};
  h->data[SYMBOL] = (data_info){.name = "k", .kind = "chars", .width = 3, .space = SPACE_STATIC, .axis = -1};
  h->g.data = h->data;
  h->g.n_data = HAND_DATA;
  h->g.n_axes = 1;
  for (int i = 0; i < HAND_DATA; i++) assert_int_equal(graph_input(&h->g, i, 0), i);
}

static node hand_node(enum op op, enum space space, int width) {
  return (node){.op = op,
                .space = space,
                .axis = space == SPACE_STEP ? 0 : -1,
                .width = width,
                .in = {NODE_NONE, NODE_NONE, NODE_NONE, NODE_NONE},
                .param = -1,
                .slot = -1};
}

static int hand_input(hand *h, int slot) {
  node n = hand_node(OP_INPUT, h->data[slot].space, h->data[slot].width);
  n.slot = slot;
  return graph_node(&h->g, n);
}

static const double *hand_pass(hand *h, int output) {
  const double *const numbers[] = {hand_x, hand_v, hand_wide, hand_other, NULL};
  const int32_t *const index[] = {NULL, NULL, NULL, NULL, hand_symbol};
  const float *const none[HAND_DATA] = {NULL};
  const batch b = {.rows = 3, .axes = &hand_axis, .index = index, .number = none, .loss_scale = 0.25};
  unroll_error err = {0};
  h->g.output = "y";
  h->g.output_node = output;
  if (reference_pass(&h->r, &h->g, h->weights, &b, numbers, 1, &err) != UNROLL_OK) fail_msg("%s", err.message);
  return h->r.values[output];
}

static void hand_free(hand *h) {
  reference_free(&h->r);
  graph_free(&h->g);
}

static void expect(const char *what, int row, const double *got, const double *want, int n) {
  for (int i = 0; i < n; i++)
    if (!(fabs(got[i] - want[i]) <= 1e-13 * (1 + fabs(want[i]))))
      fail_msg("%s, row %d of the table: entry %d is %.17g, not %.17g", what, row, i, got[i], want[i]);
}

static void test_unary(void **state) {
  (void)state;
  static const double x[] = {-1.25, 0.5, 3};
  static const struct {
    enum op op;
    double want[3]; /* infinite: not a number */
  } table[] = {
      {OP_NEG, {1.25, -0.5, -3}},
      {OP_SIGMOID, {0.22270013882530884, 0.62245933120185459, 0.95257412682243336}},
      {OP_TANH, {-0.84828363995751288, 0.46211715726000974, 0.99505475368673046}},
      {OP_RELU, {0, 0.5, 3}},
      {OP_STEP, {0, 1, 1}},
      {OP_EXP, {0.28650479686019009, 1.6487212707001282, 20.085536923187668}},
      {OP_LOG, {HUGE_VAL, -0.69314718055994529, 1.0986122886681098}},
      {OP_SOFTPLUS, {0.2519290813453729, 0.97407698418010669, 3.0485873515737421}},
      {OP_ABS, {1.25, 0.5, 3}},
      {OP_SIGN, {-1, 1, 1}},
      {OP_SQRT, {HUGE_VAL, 0.70710678118654757, 1.7320508075688772}},
      {OP_SQUARE, {1.5625, 0.25, 9}},
      {OP_HARD_SIGMOID, {0.25, 0.6, 1}},
      {OP_GELU, {-0.13206221708356913, 0.34573123063700656, 2.9959503059051098}},
      {OP_NORMAL_CDF, {0.1056497736668553, 0.69146246127401312, 0.9986501019683699}},
      {OP_SIN, {-0.9489846193555862, 0.47942553860420301, 0.14112000805986721}},
      {OP_COS, {0.31532236239526867, 0.87758256189037276, -0.98999249660044542}},
      {OP_LGAMMA, {HUGE_VAL, 0.57236494292470009, 0.69314718055994531}},
      {OP_DIGAMMA, {HUGE_VAL, -1.9635100260214235, 0.92278433509846714}},
      {OP_LOG1P_SQUARE, {0.9409833444645266, 0.22314355131420976, 2.302585092994046}},
      {OP_LOG_BEND, {HUGE_VAL, 0.77258872223978120, 0.22534692783297258}},
      {OP_HOLD, {-1.25, 0.5, 3}},
  };
  int rows = 0;
  for (int op = 0; op < OP_COUNT; op++) rows += graph_ops[op].kind == OP_KIND_UNARY;
  assert_int_equal(rows, sizeof table / sizeof *table);
  for (int i = 0; i < rows; i++) {
    hand h;
    hand_init(&h);
    const double *y = hand_pass(&h, graph_unary(&h.g, table[i].op, hand_input(&h, WIDE))) + 3;
    for (int j = 0; j < 3; j++) {
      if (isinf(table[i].want[j]))
        assert_true(isnan(y[j]));
      else
        expect(graph_ops[table[i].op].name, i, y + j, table[i].want + j, 1);
    }
    assert_true(hand_wide[3] == x[0] && hand_wide[4] == x[1] && hand_wide[5] == x[2]);
    hand_free(&h);
  }
}

static void test_binary(void **state) {
  (void)state;
  static const struct {
    enum op op;
    int b; /* V is of width 1, repeated over the columns */
    double want[3];
  } table[] = {
      {OP_ADD, OTHER_WIDE, {4, -0.5, 1}}, {OP_SUB, OTHER_WIDE, {-2, -0.5, 3}}, {OP_MUL, OTHER_WIDE, {3, 0, -2}},
      {OP_DIV, V, {0.01, -0.005, 0.02}},  {OP_MIN, OTHER_WIDE, {1, -0.5, -1}}, {OP_MAX, OTHER_WIDE, {3, 0, 2}},
      {OP_LESS, OTHER_WIDE, {1, 1, 0}},   {OP_ADD, V, {101, 99.5, 102}},
  };
  for (int i = 0; i < (int)(sizeof table / sizeof *table); i++) {
    hand h;
    hand_init(&h);
    const int a = hand_input(&h, WIDE), b = hand_input(&h, table[i].b);
    expect("binary", i, hand_pass(&h, graph_binary(&h.g, table[i].op, a, b)), table[i].want, 3);
    hand_free(&h);
  }
}

static void test_time(void **state) {
  (void)state;
  static const struct {
    enum op op;
    enum space space;
    int in[2], dir, count;
    double want[6];
  } table[] = {
      {OP_SHIFT, SPACE_STEP, {X, NODE_NONE}, 1, 6, {0, 0, 0, 10, 20, 11}},
      {OP_SHIFT, SPACE_STEP, {X, V}, 1, 6, {101, 102, 100, 10, 20, 11}},
      {OP_SHIFT, SPACE_STEP, {X, NODE_NONE}, -1, 6, {11, 21, 0, 12, 0, 0}},
      {OP_SHIFT, SPACE_STEP, {X, V}, -1, 6, {11, 21, 100, 12, 102, 101}},
      {OP_SHIFT, SPACE_STEP, {NODE_NONE, V}, 1, 6, {101, 102, 100, 0, 0, 0}},
      {OP_SHIFT, SPACE_STEP, {NODE_NONE, V}, -1, 6, {0, 0, 100, 0, 102, 101}},
      {OP_EDGE, SPACE_STATIC, {X, NODE_NONE}, 1, 3, {0, 10, 20}},
      {OP_EDGE, SPACE_STATIC, {X, NODE_NONE}, -1, 3, {0, 12, 21}},
      {OP_SPREAD, SPACE_STEP, {V, NODE_NONE}, 0, 6, {101, 102, 100, 101, 102, 101}},
      {OP_SUM_TIME, SPACE_STATIC, {X, NODE_NONE}, 0, 3, {0, 33, 41}},
      {OP_SUM_ROWS, SPACE_PARAM, {X, NODE_NONE}, 0, 1, {74}},
      {OP_SUM_ROWS, SPACE_PARAM, {V, NODE_NONE}, 0, 1, {303}},
  };
  for (int i = 0; i < (int)(sizeof table / sizeof *table); i++) {
    hand h;
    hand_init(&h);
    node n = hand_node(table[i].op, table[i].space, 1);
    for (int k = 0; k < 2; k++)
      if (table[i].in[k] != NODE_NONE) n.in[k] = hand_input(&h, table[i].in[k]);
    n.dir = table[i].dir;
    if (n.op == OP_EDGE || n.op == OP_SUM_TIME) n.axis = 0;
    const int y = graph_node(&h.g, n);
    expect("time", i, hand_pass(&h, y), table[i].want, table[i].count);
    assert_int_equal(h.r.rows[y], table[i].count);
    hand_free(&h);
  }
}

static void test_width(void **state) {
  (void)state;
  static const struct {
    enum op op;
    int width, in[3], c0, row; /* the inputs of CROSS_ENTROPY and its gradient follow from the operator */
    double want[6];
  } table[] = {
      {OP_CONCAT, 6, {WIDE, OTHER_WIDE, -1}, 0, 0, {1, -0.5, 2, 3, 0, -1}},
      {OP_CONCAT, 4, {V, OTHER_WIDE, -1}, 0, 2, {102, 0, 7, 0}},
      {OP_SLICE, 2, {WIDE, -1, -1}, 1, 1, {0.5, 3}},
      {OP_PAD, 5, {WIDE, -1, -1}, 1, 1, {0, -1.25, 0.5, 3, 0}},
      {OP_ROW_SUM, 1, {WIDE, -1, -1}, 0, 2, {15}},
      {OP_LOG_SUM_EXP, 1, {WIDE, -1, -1}, 0, 0, {2.371539031852683}},
      {OP_REPEAT, 3, {V, -1, -1}, 0, 1, {101, 101, 101}},
      {OP_SOFTMAX, 3, {WIDE, -1, -1}, 0, 0, {0.2537161816350252, 0.05661173224047128, 0.6896720861245035}},
      {OP_SOFTMAX_GRAD, 3, {WIDE, OTHER_WIDE, -1}, 0, 0, {2, 0.5, -4}}, /* y * (dy - 1) */
      {OP_LAYERNORM_SCALE, 1, {WIDE, -1, -1}, 0, 0, {0.9733239163137856}},
      {OP_LAYERNORM, 3, {WIDE, -1, -1}, 0, 0, {0.16222065271896427, -1.2977652217517146, 1.1355445690327501}},
      {OP_CROSS_ENTROPY, 1, {WIDE, -1, -1}, 0, 0, {0.371539031852683}},
      {OP_CROSS_ENTROPY, 1, {WIDE, -1, -1}, 0, 1, {0}},
      {OP_CROSS_ENTROPY_GRAD, 3, {WIDE, V, V}, 0, 0, {25.37161816350252, 5.661173224047128, -31.03279138754965}},
      {OP_CROSS_ENTROPY_GRAD, 3, {WIDE, V, V}, 0, 1, {0, 0, 0}},
  };
  for (int i = 0; i < (int)(sizeof table / sizeof *table); i++) {
    hand h;
    hand_init(&h);
    node n = hand_node(table[i].op, SPACE_STATIC, table[i].width);
    for (int k = 0; k < 3; k++)
      if (table[i].in[k] >= 0) n.in[k] = hand_input(&h, table[i].in[k]);
    n.c0 = table[i].c0;
    if (n.op == OP_LAYERNORM) {
      node scale = hand_node(OP_LAYERNORM_SCALE, SPACE_STATIC, 1);
      scale.in[0] = n.in[0];
      n.in[1] = graph_node(&h.g, scale);
    }
    if (n.op == OP_CROSS_ENTROPY || n.op == OP_CROSS_ENTROPY_GRAD) n.slot = SYMBOL;
    expect("width", i, hand_pass(&h, graph_node(&h.g, n)) + table[i].row * n.width, table[i].want, n.width);
    hand_free(&h);
  }
}

/* dx of LAYERNORM, against differences made elsewhere. */
static void test_layernorm_grad(void **state) {
  (void)state;
  static const double want[] = {2.305240530888856, -0.9220937534509809, -1.3831467774348218};
  hand h;
  hand_init(&h);
  node y = hand_node(OP_LAYERNORM, SPACE_STATIC, 3);
  node scale = hand_node(OP_LAYERNORM_SCALE, SPACE_STATIC, 1);
  y.in[0] = scale.in[0] = hand_input(&h, WIDE);
  y.in[1] = graph_node(&h.g, scale);
  node n = hand_node(OP_LAYERNORM_GRAD, SPACE_STATIC, 3);
  n.in[0] = y.in[1];
  n.in[1] = graph_node(&h.g, y);
  n.in[2] = hand_input(&h, OTHER_WIDE);
  const double *dx = hand_pass(&h, graph_node(&h.g, n));
  for (int j = 0; j < 3; j++) assert_true(fabs(dx[j] - want[j]) < 1e-9);
  hand_free(&h);
}

/* W [2, 4]: products with its columns 1 .. 3, and sums of dy x' into them; the embedding E [3, 2]. */
static void test_products(void **state) {
  (void)state;
  double weights[] = {1, 2, 3, 4, -1, 0.5, 0, 2, /* E */ 10, 11, 20, 21, 30, 31};
  hand h;
  hand_init(&h);
  h.weights = weights;
  const int W = graph_param(&h.g, (param){.name = "W", .rows = 2, .cols = 4});
  const int E = graph_param(&h.g, (param){.name = "E", .rows = 3, .cols = 2, .role = PARAM_EMBEDDING});
  const int x = hand_input(&h, WIDE);
  node y = hand_node(OP_MATVEC, SPACE_STATIC, 2);
  y.in[0] = x, y.param = W, y.c0 = 1;
  const int product = graph_node(&h.g, y);
  node back = hand_node(OP_MATVEC_T, SPACE_STATIC, 3);
  back.in[0] = product, back.param = W, back.c0 = 1;
  node outer = hand_node(OP_OUTER, SPACE_PARAM, 3);
  outer.in[0] = product, outer.in[1] = x, outer.param = W, outer.c0 = 1;
  node embed = hand_node(OP_EMBED, SPACE_STATIC, 2);
  embed.slot = SYMBOL, embed.param = E;
  node sink = hand_node(OP_EMBED_T, SPACE_PARAM, 2);
  sink.in[0] = product, sink.slot = SYMBOL, sink.param = E;
  gradient d[] = {{W, graph_node(&h.g, outer)}, {E, graph_node(&h.g, sink)}, {E, graph_node(&h.g, sink)}};
  h.g.gradients = d;
  h.g.n_gradients = 3;

  static const double want_product[] = {8.5, 4.5, 11, 5.375, 47, 14};
  static const double want_back[] = {2 * 8.5 + 0.5 * 4.5, 3 * 8.5, 4 * 8.5 + 2 * 4.5};
  static const double want_embed[] = {30, 31, 0, 0, 10, 11};
  expect("y = W x", 0, hand_pass(&h, product), want_product, 6);
  expect("x = W' y", 0, hand_pass(&h, graph_node(&h.g, back)), want_back, 3);
  expect("embed", 0, hand_pass(&h, graph_node(&h.g, embed)), want_embed, 6);
  double want[14] = {0};
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 2; j++) {
      for (int k = 0; k < 3; k++) want[j * 4 + 1 + k] += want_product[i * 2 + j] * hand_wide[i * 3 + k];
      if (hand_symbol[i] >= 0) want[8 + hand_symbol[i] * 2 + j] += 2 * want_product[i * 2 + j];
    }
  expect("gradient", 0, h.r.gradient, want, 14);
  h.g.gradients = NULL;
  hand_free(&h);
}

static void test_masks(void **state) {
  (void)state;
  for (int space = SPACE_STATIC; space <= SPACE_STEP; space++) {
    hand h;
    hand_init(&h);
    node n = hand_node(OP_MASK, (enum space)space, 5);
    n.slot = 2, n.value = 0.4;
    const double *y = hand_pass(&h, graph_node(&h.g, n));
    for (int t = 0, row = 0; t < (space == SPACE_STEP ? 3 : 1); t++)
      for (int b = 0; b < hand_active[t]; b++, row++) {
        float want[5];
        const mask_draw d = mask_row_of(0, 0, 2, t, b, 0.4);
        mask_row(want, &d, 5);
        for (int j = 0; j < 5; j++) assert_true(y[row * 5 + j] == (double)want[j]);
      }
    hand_free(&h);
  }
}

/* --- whole nets --- */

/* A few entries of each parameter against five-point differences. */
static void check_gradient(const char *name, testnet *n, const random_batch *b) {
  reference r = {0}, moved = {0};
  unroll_error err = {0};
  if (reference_pass(&r, &n->g, n->exact, &b->b, NULL, 1, &err) != UNROLL_OK) fail_msg("%s: %s", name, err.message);
  double overall = 0;
  for (int64_t i = 0; i < n->g.n_weights; i++) overall = fmax(overall, fabs(r.gradient[i]));
  assert_true(isfinite(testnet_loss(&r, &b->b)));
  for (int p = 0; p < n->g.n_params; p++) {
    const param *w = &n->g.params[p];
    const int64_t count = (int64_t)w->rows * w->cols;
    for (int64_t i = 0; i < count && w->role != PARAM_RUNNING; i += 1 + count / 8) { /* what stands there is no derivative */
      double *entry = &n->exact[w->offset + i], kept = *entry, f[4];
      static const double at[] = {1e-4, -1e-4, 2e-4, -2e-4};
      for (int k = 0; k < 4; k++) {
        *entry = kept + at[k];
        reference_free(&moved);
        assert_int_equal(reference_pass(&moved, &n->g, n->exact, &b->b, NULL, 1, NULL), UNROLL_OK);
        f[k] = testnet_loss(&moved, &b->b);
      }
      *entry = kept;
      const double numeric = (8 * (f[0] - f[1]) - (f[2] - f[3])) / 12e-4, analytic = r.gradient[w->offset + i];
      if (!(fabs(numeric - analytic) <= 1e-6 * fmax(fabs(numeric), 1e-3 * overall) + 1e-10))
        fail_msg("%s, %s[%d]: gradient %.10g, difference %.10g", name, w->name, (int)i, analytic, numeric);
    }
  }
  reference_free(&r);
  reference_free(&moved);
}

static void check_net_text(const char *name, const char *source) {
  testnet n;
  unroll_error err = {0};
  if (testnet_build(&n, source, 1, &err) != UNROLL_OK) {
    testnet_say(name, &err);
    fail_msg("%s does not build", name);
  }
  for (int k = 2; k < TESTLENGTHS; k++) {
    random_batch b;
    assert_int_equal(random_batch_new(&b, &n.g, testlengths_rows(k), testlengths[k], 5, &err), UNROLL_OK);
    check_gradient(name, &n, &b);
    random_batch_free(&b);
  }
  testnet_free(&n);
}

static void test_cells(void **state) {
  (void)state;
  char source[512];
  for (int i = 0; lang_cells[i].name; i++)
    if (part_takes(i)) check_net_text(lang_cells[i].name, testnet_cell(source, lang_cells[i].name, 5));
}

static void test_nets(void **state) {
  (void)state;
  for (int i = 0; i < TESTNETS; i++)
    if (part_takes(i)) check_net_text(testnets[i].name, testnets[i].text);
}

/* Two passes of five steps give what one of ten gives. */
static void test_stream(void **state) {
  (void)state;
  static const char *const names[] = {"language", "layers", "two steps back", "two loops", "one loop of two states"};
  static const int ten[] = {10, 10, 10};
  for (int i = 0; i < TESTNETS; i++) {
    bool wanted = false;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) wanted = wanted || strcmp(names[k], testnets[i].name) == 0;
    if (!wanted) continue;
    testnet n;
    random_batch whole, part;
    reference one = {0}, two = {0};
    assert_int_equal(testnet_build(&n, testnets[i].text, 0, NULL), UNROLL_OK);
    assert_true(n.g.n_carries > 0);
    const int y = n.g.losses[0].prediction, width = n.g.nodes[y].width;
    assert_int_equal(random_batch_new(&whole, &n.g, 3, ten, 5, NULL), UNROLL_OK);
    assert_int_equal(reference_pass(&one, &n.g, n.exact, &whole.b, NULL, 0, NULL), UNROLL_OK);
    for (int from = 0; from < 10; from += 5) {
      assert_int_equal(random_batch_part(&part, &n.g, 3, from, 5, 5, NULL), UNROLL_OK);
      assert_int_equal(reference_pass(&two, &n.g, n.exact, &part.b, NULL, 0, NULL), UNROLL_OK);
      expect(testnets[i].name, from, two.values[y], one.values[y] + from * 3 * width, 15 * width);
      random_batch_free(&part);
    }
    random_batch_free(&whole);
    reference_free(&one);
    reference_free(&two);
    testnet_free(&n);
  }
}

/* Thousands of steps need no deep stack. */
static void test_long(void **state) {
  (void)state;
  static const int length[] = {30000};
  testnet n;
  random_batch b;
  reference r = {0};
  assert_int_equal(testnet_build(&n, "data token : chars\nh = rnn(embed(token[t-1], 1), 1)\ntoken ~ softmax(W h + b)\n", 1, NULL),
                   UNROLL_OK);
  assert_int_equal(random_batch_new(&b, &n.g, 1, length, 5, NULL), UNROLL_OK);
  assert_int_equal(reference_pass(&r, &n.g, n.exact, &b.b, NULL, 0, NULL), UNROLL_OK);
  assert_true(isfinite(reference_loss(&r, 0)));
  reference_free(&r);
  random_batch_free(&b);
  testnet_free(&n);
}

/* Every allocation of a pass fails once: no crash, no leak, a status. */
static void test_memory(void **state) {
  (void)state;
  testnet n;
  random_batch b;
  assert_int_equal(testnet_build(&n, testnets[0].text, 1, NULL), UNROLL_OK);
  assert_int_equal(random_batch_new(&b, &n.g, testlengths_rows(3), testlengths[3], 5, NULL), UNROLL_OK);
  const long live = mem_live();
  for (long fail = 1;; fail++) {
    reference r = {0};
    mem_fail_after(fail, 0);
    const unroll_status s = reference_pass(&r, &n.g, n.exact, &b.b, NULL, 1, NULL);
    mem_fail_after(0, 0);
    reference_free(&r);
    assert_int_equal(mem_live(), live);
    if (s == UNROLL_OK) break;
    assert_int_equal(s, UNROLL_FAILED);
  }
  random_batch_free(&b);
  testnet_free(&n);
}

/* --- pictures --- */

/* 1 + the weights of a kernel of 2 x 2 with zeros at the end, 3 x 3 pixels: one channel to two; then squares and their gradient. */
static void test_pictures(void **state) {
  (void)state;
  static const double picture[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, hand_weights[] = {1, 10, 100, 1000, 0, 0, 0, 1, /* bias */ 0.5, 0};
  static const double want[] = {5421.5, 5, 6532.5, 6, 603.5, 0, 8754.5, 8, 9865.5, 9, 906.5, 0, 87.5, 0, 98.5, 0, 9.5, 0};
  static const double flat[] = {2, 7, 7, 7, 5, 1, 0, 0, 0}, of_flat[] = {0, 3, 0, 0, 0, 0, 0, 0, 0};
  hand h;
  hand_init(&h);
  h.data[WIDE].width = 9;
  h.g.inputs[WIDE].width = 9;
  h.weights = mem_alloc(sizeof hand_weights);
  assert_non_null(h.weights);
  memcpy(h.weights, hand_weights, sizeof hand_weights);
  node conv = hand_node(OP_CONV, SPACE_STATIC, 18), bias = hand_node(OP_VECTOR, SPACE_PARAM, 2);
  conv.param = graph_param(&h.g, (param){.name = "W", .rows = 2, .cols = 4});
  bias.param = graph_param(&h.g, (param){.name = "b", .rows = 2, .cols = 1, .vector = true});
  conv.patches = (patches){.rows = 3, .columns = 3, .channels = 1, .size = 2, .border = 1, .stride = 1, .groups = 1};
  conv.in[0] = hand_input(&h, WIDE);
  conv.in[1] = graph_node(&h.g, bias);
  const int y = graph_node(&h.g, conv);
  node pool = hand_node(OP_POOL, SPACE_STATIC, 1), grad = hand_node(OP_POOL_GRAD, SPACE_STATIC, 9);
  pool.patches = grad.patches = (patches){.rows = 3, .columns = 3, .channels = 1, .size = 2, .stride = 2, .groups = 1};
  pool.in[0] = grad.in[0] = conv.in[0];
  const int top = graph_node(&h.g, pool);
  grad.in[1] = top;
  grad.in[2] = graph_const(&h.g, 3);
  const int back = graph_node(&h.g, grad);
  const double *const pictures[] = {NULL, NULL, picture, NULL, NULL}, *const flats[] = {NULL, NULL, flat, NULL, NULL};
  const float *const none[HAND_DATA] = {NULL};
  const batch b = {.rows = 1, .axes = &hand_axis, .number = none};
  h.g.output = "y";
  h.g.output_node = y;
  assert_int_equal(reference_pass(&h.r, &h.g, h.weights, &b, pictures, 0, NULL), UNROLL_OK);
  expect("conv", 0, h.r.values[y], want, 18);
  h.g.output_node = back;
  assert_int_equal(reference_pass(&h.r, &h.g, h.weights, &b, flats, 0, NULL), UNROLL_OK);
  assert_true(h.r.values[top][0] == 7);
  expect("pool", 0, h.r.values[back], of_flat, 9);
  mem_free(h.weights);
  hand_free(&h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_unary),  cmocka_unit_test(test_binary),         cmocka_unit_test(test_time),
      cmocka_unit_test(test_width),  cmocka_unit_test(test_layernorm_grad), cmocka_unit_test(test_products),
      cmocka_unit_test(test_masks),  cmocka_unit_test(test_pictures),       cmocka_unit_test(test_cells),
      cmocka_unit_test(test_nets),   cmocka_unit_test(test_stream),         cmocka_unit_test(test_long),
      cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
