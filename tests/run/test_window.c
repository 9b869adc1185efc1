/* test_window.c - a pass in windows of steps has the bits of a pass in one: for every cell and the nets of testnet.h, for streams,
 * for bf16; what cannot be cut is refused with its place; and a window needs less memory than all steps. */
#include "testnet.h"
#include "kernel/kernel.h"
#include "plan/frozen.h"
#include "plan/plan.h"
#include "run/run.h"

enum { ROWS = 9, STEPS = 10 };

typedef struct bits {
  uint64_t hash;
} bits;

static void add(bits *b, const void *from, size_t n) {
  for (size_t i = 0; i < n; i++) b->hash = (b->hash ^ ((const unsigned char *)from)[i]) * 0x100000001B3ull;
}

typedef struct shape {
  int rows, steps, window;
  enum precision precision;
  int gradient, chunk;
} shape;

static unroll_status make_plan(plan **p, const testnet *n, const shape *s, unroll_error *err) {
  int keep[4];
  plan_options o = {.max_rows = s->rows,
                    .max_steps = s->steps,
                    .precision = s->precision,
                    .gradient = s->gradient,
                    .window = s->window,
                    .chunk = s->chunk,
                    .keep = keep};
  for (int i = 0; i < n->g.n_losses; i++) keep[o.n_keep++] = n->g.losses[i].prediction;
  return plan_new(p, &n->g, &o, err);
}

/* Losses, gradient, predictions and what is handed on, of `passes` passes over the batches. */
static uint64_t run_all(const testnet *n, const plan *p, pool *workers, const random_batch *b, int passes) {
  bits out = {0xCBF29CE484222325ull};
  run *r;
  assert_int_equal(run_new(&r, p, n->weights, workers, NULL), UNROLL_OK);
  float *states = mem_zero((size_t)run_carry_size(r) + 1, sizeof *states);
  assert_non_null(states);
  for (int i = 0; i < passes; i++) {
    if (!n->g.n_carries) run_carry_reset(r);
    run_pass(r, &b[i].b, 1);
    for (int k = 0; k < n->g.n_losses; k++) {
      const double nats = run_loss(r, k);
      const node *y = &n->g.nodes[n->g.losses[k].prediction];
      const batch_axis *a = y->space == SPACE_STEP ? &b[i].b.axes[y->axis] : NULL;
      const int64_t rows = a ? a->first[a->steps] : y->space == SPACE_STATIC ? b[i].b.rows : 1;
      ptrdiff_t row;
      const float *value = run_value(r, n->g.losses[k].prediction, &row);
      add(&out, &nats, sizeof nats);
      for (int64_t q = 0; q < rows; q++) add(&out, value + q * row, (size_t)y->width * sizeof *value);
    }
    if (run_gradient(r)) add(&out, run_gradient(r), (size_t)n->g.n_weights * sizeof(float));
    run_carry_get(r, states);
    add(&out, states, (size_t)run_carry_size(r) * sizeof *states);
  }
  mem_free(states);
  run_free(r);
  return out.hash;
}

static pool *pools[3]; /* NULL: one thread */

/* In chunks of some steps, every second of the list, the first with one thread and the others with three; a net that cannot be cut
 * runs at once. */
static void same_in_chunks(const char *name, const testnet *n, shape s, const random_batch *b, int passes, uint64_t whole,
                           const int *chunks) {
  plan *p;
  for (int i = 0; chunks[i]; i++) {
    if (i % 2) continue;
    s.chunk = chunks[i];
    assert_int_equal(make_plan(&p, n, &s, NULL), UNROLL_OK);
    const int k = i ? 2 : 0;
    if (run_all(n, p, pools[k], b, passes) != whole)
      fail_msg("%s: other bits in chunks of %d steps with %d threads", name, chunks[i], k + 1);
    plan_free(p);
  }
}

/* Whether the net can be cut; if so, the bits of all windows are those of none, and those of all chunks. */
static bool same(const char *name, const testnet *n, shape s, const random_batch *b, int passes, const int *windows) {
  unroll_error err = {0};
  plan *p;
  bool cut = true;
  s.window = 0;
  assert_int_equal(make_plan(&p, n, &s, &err), UNROLL_OK);
  const uint64_t whole = run_all(n, p, NULL, b, passes);
  plan_free(p);
  same_in_chunks(name, n, s, b, passes, whole, windows);
  for (int i = 0; windows[i] && cut; i++) {
    s.window = windows[i];
    cut = !make_plan(&p, n, &s, &err);
    if (!cut) {
      assert_int_equal(err.code, UNROLL_BAD_INPUT);
      continue;
    }
    for (int k = 0; k < 3; k++)
      if (run_all(n, p, pools[k], b, passes) != whole)
        fail_msg("%s: other bits in windows of %d steps with %d threads", name, windows[i], k + 1);
    plan_free(p);
  }
  return cut;
}

static bool same_for_text(const char *name, const char *source, enum precision precision, const int *windows) {
  unroll_error err = {0};
  testnet n = {0};
  bool cut = true;
  if (testnet_build(&n, source, 1, &err)) {
    testnet_say(name, &err);
    fail();
  }
  for (int k = 0; k < TESTLENGTHS; k++) {
    random_batch b;
    assert_int_equal(random_batch_new(&b, &n.g, testlengths_rows(k), testlengths[k], 5 + (uint64_t)k, NULL), UNROLL_OK);
    cut &= same(name, &n, (shape){ROWS, STEPS, 0, precision, 1, 0}, &b, 1, windows);
    cut &= same(name, &n, (shape){ROWS, STEPS, 0, precision, 0, 0}, &b, 1, windows) || !cut;
    random_batch_free(&b);
  }
  testnet_free(&n);
  return cut;
}

static void test_cells(void **state) {
  (void)state;
  static const int windows[] = {1, 2, 3, 7, 0};
  char source[512];
  for (int i = 0; lang_cells[i].name; i++) {
    if (!part_takes(i)) continue;
    const char *net = testnet_cell(source, lang_cells[i].name, i % 2 ? 5 : 19);
    if (!same_for_text(lang_cells[i].name, net, PRECISION_FP32, windows)) fail_msg("%s is not cut", lang_cells[i].name);
  }
}

static void test_nets(void **state) {
  (void)state;
  static const int windows[] = {1, 2, 3, 7, 0};
  int cut = 0;
  for (int i = 0; i < TESTNETS; i++)
    if (part_takes(i)) cut += same_for_text(testnets[i].name, testnets[i].text, PRECISION_FP32, windows);
  assert_true(cut >= 25 || !part_is_all());
}

/* Passes that go on from each other; wide enough for several panels and blocks of rows. */
static void test_streams(void **state) {
  (void)state;
  static const int windows[] = {1, 5, 32, 40, 0}, coarse[] = {32, 64, 0};
  static const char *const table[] = {
      /* five sweeps, one of them empty */
      "data word : words(6)\ndata tag : words(4)\ndata extra : words(3)\nh = gru(embed(word, 3), 5, backward)\n"
      "tag ~ softmax(M h[t-1] + b1)\nextra ~ softmax(W [h, h] + b2)\n",
      "data token : chars\nh = lstm(embed(token[t-1], 40), 70, layers = 2, dropout = 0.3)\ntoken ~ softmax(W h + b)\n",
      "hidden = 21\ndata token : chars\nn = tanh(V token[t-1] + U h[t-1] + R h[t-3] + bh)\nh = zoneout(n, h[t-1], 0.3)\n"
      "token ~ softmax(W dropout(h, 0.2, same) + b)\n",
      "data token : chars\nwidth e = 18\ne = E token[t-1]\nh = gru(e, 18)\ntoken ~ softmax(E' h + b)\n"};
  for (size_t i = 0; i < 4; i++)
    for (int precision = 0; precision < 2; precision++) {
      if (!part_takes(2 * (int)i + precision)) continue;
      testnet n = {0};
      random_batch b[3];
      unroll_error err = {0};
      if (testnet_build(&n, table[i], 1, &err)) testnet_say("a stream", &err), fail();
      for (int k = 0; k < 3; k++) assert_int_equal(random_batch_part(&b[k], &n.g, 3, 75 * k, 75, 7, NULL), UNROLL_OK);
      const shape s = {3, 75, 0, precision ? PRECISION_BF16 : PRECISION_FP32, 1, 0};
      assert_true(same("a stream", &n, s, b, 3, precision ? coarse : windows));
      for (int k = 0; k < 3; k++) random_batch_free(&b[k]);
      testnet_free(&n);
    }
}

/* Pairs of rows do not cross the windows, whatever the lengths. */
static void test_bf16(void **state) {
  (void)state;
  static const int lengths[] = {75, 70, 64, 33, 32, 31, 1, -1}, windows[] = {32, 64, 0};
  testnet n = {0};
  random_batch b;
  assert_int_equal(testnet_build(&n,
                                 "data word : words(20)\ndata tag : words(5)\ne = embed(word, 4)\nf = lstm(e, 19)\n"
                                 "g = gru(e, 9, backward)\ntag ~ softmax(W [f, g] + b)\n",
                                 1, NULL),
                   UNROLL_OK);
  assert_int_equal(random_batch_new(&b, &n.g, 7, lengths, 3, NULL), UNROLL_OK);
  assert_true(same("bf16", &n, (shape){7, 75, 0, PRECISION_BF16, 1, 0}, &b, 1, windows));
  random_batch_free(&b);
  plan *p;
  unroll_error err = {0};
  assert_int_equal(make_plan(&p, &n, &(shape){7, 75, 33, PRECISION_BF16, 1, 0}, &err), UNROLL_USAGE);
  assert_non_null(strstr(err.message, "a multiple of 32 steps"));
  testnet_free(&n);
}

static void test_refused(void **state) {
  (void)state;
  static const struct {
    const char *source, *why;
    int line, column;
  } table[] = {
      {"data word : words\ndata tag : words\nh = rnn(embed(word, 3), 4)\na = attend(h, h)\ntag ~ softmax(W a + b)\n",
       "attention needs all steps at once", 4, 5},
      {"data x : numbers(3)\ndata tag : category\nh = gru(reverse(x), 5)\ntag ~ softmax(W h + b)\n",
       "reverse needs all steps at once", 3, 9},
      {"data sound : numbers\ndata text : chars\nh = rnn(sound, 4)\ntext ~ ctc(W h + b)\n", "ctc needs all steps at once", 4, 8},
      {"hidden = 5\ndata token : chars\nh = tanh(E token[t-1] + E token[t-2] + U h[t-1])\ntoken ~ softmax(W h + b)\n",
       "one table is looked up in two places", 3, 10},
      {"data f : image(2, 4, 3)\ndata tag : category\nv = conv(f, 2, 2)\nh = gru(v, 5)\ntag ~ softmax(W h + b)\n",
       "the gradient of a convolution needs all steps at once", 3, 5},
      {"data x : numbers(3)\ndata tag : category\nwidth u = 4\nu = batchnorm(A x)\nh = gru(u, 5)\ntag ~ softmax(W h + b)\n",
       "batchnorm needs all steps at once", 4, 5},
      {"data z : numbers(3)\ndata y : numbers(2)\na = rnn(z, 2, backward)\ng = sigmoid(A z + (h[t-1] + B a))\nh = tanh(C h[t-1] + "
       "g)\n"
       "r = D g + E first(g)\ny ~ gaussian(mean = F r[t-1] + G g, scale = 1)\nwidth g = 4\nwidth h = 4\nwidth r = 5\n",
       "what goes forwards and what goes back need each other too often", 2, 18}, /* of rnn.cell */
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    testnet n = {0};
    plan *p;
    unroll_error err = {0};
    assert_int_equal(testnet_build(&n, table[i].source, 1, &err), UNROLL_OK);
    assert_int_equal(make_plan(&p, &n, &(shape){2, 9, 3, PRECISION_FP32, 1, 0}, &err), UNROLL_BAD_INPUT);
    if (!strstr(err.message, table[i].why) || err.line != table[i].line || err.column != table[i].column)
      fail_msg("case %zu: %d:%d: %s", i, err.line, err.column, err.message);
    assert_int_equal(make_plan(&p, &n, &(shape){2, 9, 0, PRECISION_FP32, 1, 0}, &err), UNROLL_OK);
    plan_free(p);
    testnet_free(&n);
  }
}

/* Which of the built-in nets cannot be cut. */
static void test_builtin(void **state) {
  (void)state;
  static const char *const never[] = {"handwriting_read", "handwriting_text", "speech", "summarise", "track",
                                      "translate",        "translate_align",  "video"};
  for (int i = 0; lang_nets[i].name; i++) {
    testnet n = {0};
    plan *p;
    unroll_error err = {0};
    bool expected = true;
    for (size_t k = 0; k < sizeof never / sizeof *never; k++) expected &= strcmp(never[k], lang_nets[i].name) != 0;
    if (testnet_build(&n, lang_nets[i].text, 1, &err)) fail_msg("%s: %s", lang_nets[i].name, err.message);
    const unroll_status status = make_plan(&p, &n, &(shape){2, 9, 3, PRECISION_FP32, 1, 0}, &err);
    if (!status) plan_free(p);
    if (status != (expected ? UNROLL_OK : UNROLL_BAD_INPUT) || (status && err.line < 1))
      fail_msg("%s: %s", lang_nets[i].name, status ? err.message : "cut");
    testnet_free(&n);
  }
}

/* What grows with the sequence is what windows leave to each other, and the losses. */
static void test_memory(void **state) {
  (void)state;
  testnet n = {0};
  int64_t bytes[4];
  static const shape shapes[] = {{1, 1000, 0, PRECISION_FP32, 1, 0},
                                 {1, 100000, 0, PRECISION_FP32, 1, 0},
                                 {1, 100000, 1000, PRECISION_FP32, 1, 0},
                                 {1, 100000, 100, PRECISION_FP32, 1, 0}};
  assert_int_equal(
      testnet_build(&n, "data x : numbers(2)\ndata y : number\nh = lstm(x, 64)\ny ~ gaussian(mean = W last(h) + b, scale = 1)\n", 1,
                    NULL),
      UNROLL_OK);
  for (int i = 0; i < 4; i++) {
    plan *p;
    assert_int_equal(make_plan(&p, &n, &shapes[i], NULL), UNROLL_OK);
    bytes[i] = plan_arena_bytes(p);
    plan_free(p);
  }
  assert_true(bytes[1] > 80 * bytes[0]);
  assert_true(bytes[2] < 2 * bytes[0] && bytes[3] < bytes[0]);
  testnet_free(&n);
}

/* Chunks: what no other sweep reads, here a wide prediction and what a layer norm is made of, does not grow with the sequence. The
 * planner takes them where that saves enough, and not where all matrices fit the caches or more memory would be needed. */
static void test_chunks(void **state) {
  (void)state;
  static const char stack[] = "data x : numbers(20)\nh = lstm(x[t-1], 64, layers = 6)\nx ~ gaussian(mean = W h + b, scale = 1)\n",
                    wide[] = "data x : numbers(300)\nh = lstm(x[t-1], 8)\nx ~ gaussian(mean = W h + b, scale = 1)\n",
                    norm[] = "data x : numbers(20)\nh = lstm_layernorm(x[t-1], 64)\nx ~ gaussian(mean = W h + b, scale = 1)\n";
  static const struct {
    const char *source;
    int steps;
    int gradient;
    bool chosen;
  } nets[] = {{wide, 4000, 1, true}, {norm, 4000, 1, true}, {norm, 50, 1, false}, {stack, 4000, 0, false}};
  for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
    testnet n = {0};
    const int chunk[] = {0, nets[i].steps, 20};
    int64_t bytes[3];
    assert_int_equal(testnet_build(&n, nets[i].source, 1, NULL), UNROLL_OK);
    for (int k = 0; k < 3; k++) {
      plan *p;
      assert_int_equal(make_plan(&p, &n, &(shape){8, nets[i].steps, 0, PRECISION_FP32, nets[i].gradient, chunk[k]}, NULL),
                       UNROLL_OK);
      bytes[k] = plan_arena_bytes(p);
      if (!k) assert_int_equal(plan_frozen(p)->window > 0, nets[i].chosen);
      plan_free(p);
    }
    if (nets[i].chosen) assert_true(bytes[0] < bytes[1] / 4 * 3 && bytes[2] < bytes[1] / 4 * 3);
    testnet_free(&n);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cells),   cmocka_unit_test(test_nets),    cmocka_unit_test(test_streams),
                                     cmocka_unit_test(test_bf16),    cmocka_unit_test(test_refused), cmocka_unit_test(test_memory),
                                     cmocka_unit_test(test_builtin), cmocka_unit_test(test_chunks)};
  for (int i = 1; i < 3; i++) pools[i] = pool_new(i + 1);
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  for (int i = 1; i < 3; i++) pool_free(pools[i]);
  return failed;
}
