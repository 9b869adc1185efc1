/* test_plan.c - the planned pass against the reference, for every cell and the nets of testnet.h: several shapes of batches through
 * one plan, one to three threads, every instruction set this machine has. */
#include "testnet.h"
#include "kernel/kernel.h"
#include "plan/frozen.h"
#include "plan/plan.h"
#include "run/run.h"

/* How far from the reference results may be. bf16 has 8 bits: each factor is off by up to 1/512. */
static enum precision precision = PRECISION_FP32;
#define LIMIT (precision == PRECISION_BF16 ? 0.1 : 3e-5)

typedef struct planned {
  testnet n;
  plan *p;
  run *r;
} planned;

static void planned_for(planned *c, const char *name, const char *source, int differentiate, pool *workers, int rows, int steps) {
  unroll_error err = {0};
  *c = (planned){0};
  if (testnet_build(&c->n, source, differentiate, &err) != UNROLL_OK) {
    testnet_say(name, &err);
    fail_msg("%s does not build", name);
  }
  int keep[4] = {0};
  plan_options o = {.max_rows = rows, .max_steps = steps, .precision = precision, .gradient = differentiate, .keep = keep};
  for (int i = 0; i < c->n.g.n_losses; i++) keep[o.n_keep++] = c->n.g.losses[i].prediction;
  if (plan_new(&c->p, &c->n.g, &o, &err) != UNROLL_OK || run_new(&c->r, c->p, c->n.weights, workers, &err) != UNROLL_OK) {
    testnet_say(name, &err);
    fail_msg("%s cannot be planned", name);
  }
  run_pack(c->r);
}

/* A plan for up to 9 rows and 10 steps. */
static void planned_new(planned *c, const char *name, const char *source, int differentiate, pool *workers) {
  planned_for(c, name, source, differentiate, workers, 9, 10);
}

static void planned_free(planned *c) {
  run_free(c->r);
  plan_free(c->p);
  testnet_free(&c->n);
}

static void random_batch_of(random_batch *b, const graph *g, int shape) {
  assert_int_equal(random_batch_new(b, g, testlengths_rows(shape), testlengths[shape], 5 + (uint64_t)shape, NULL), UNROLL_OK);
}

/* --- against the reference --- */

static void near(const char *name, int shape, const char *what, double got, double want, double scale) {
  if (!(fabs(got - want) <= LIMIT * scale + 1e-12))
    fail_msg("%s, batch %d, %s: %.9g, reference %.9g", name, shape, what, got, want);
}

static void compare_predictions(const char *name, int shape, const planned *c, const reference *ref) {
  for (int i = 0; i < c->n.g.n_losses; i++) {
    const int y = c->n.g.losses[i].prediction, width = c->n.g.nodes[y].width;
    ptrdiff_t row;
    const float *got = run_value(c->r, y, &row);
    double scale = 0;
    for (int64_t k = 0; k < ref->rows[y] * width; k++) scale = fmax(scale, fabs(ref->values[y][k]));
    for (int64_t k = 0; k < ref->rows[y]; k++)
      for (int j = 0; j < width; j++)
        near(name, shape, "prediction", (double)got[k * row + j], ref->values[y][k * width + j], scale);
  }
}

static void compare(const char *name, int shape, const planned *c, const reference *ref, int differentiated) {
  const graph *g = &c->n.g;
  for (int i = 0; i < g->n_losses; i++)
    near(name, shape, "loss", run_loss(c->r, i), reference_loss(ref, i), fabs(reference_loss(ref, i)));
  compare_predictions(name, shape, c, ref);
  if (!differentiated) return;
  const float *got = run_gradient(c->r);
  double overall = 0;
  for (int64_t i = 0; i < g->n_weights; i++) overall = fmax(overall, fabs(ref->gradient[i]));
  for (int p = 0; p < g->n_params; p++) {
    const param *w = &g->params[p];
    const int64_t end = w->offset + (int64_t)w->rows * w->cols;
    double scale = 1e-3 * overall;
    for (int64_t i = w->offset; i < end; i++) scale = fmax(scale, fabs(ref->gradient[i]));
    for (int64_t i = w->offset; i < end; i++) near(name, shape, w->name, (double)got[i], ref->gradient[i], scale);
  }
}

/* Every shape through the same plan, the large ones first and last, so that what one pass leaves behind would show in the next. */
static void check_net_text(const char *name, const char *source) {
  static const int shapes[] = {4, 0, 1, 2, 3, 5, 6, 4};
  planned c;
  planned_new(&c, name, source, 1, NULL);
  for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
    random_batch b;
    reference ref = {0};
    unroll_error err = {0};
    random_batch_of(&b, &c.n.g, shapes[k]);
    if (reference_pass(&ref, &c.n.g, c.n.exact, &b.b, NULL, 1, &err) != UNROLL_OK) fail_msg("%s: %s", name, err.message);
    run_carry_reset(c.r);
    run_pass(c.r, &b.b, 1);
    compare(name, shapes[k], &c, &ref, 1);
    reference_free(&ref);
    random_batch_free(&b);
  }
  planned_free(&c);
}

static void test_cells(void **state) {
  (void)state;
  static const int widths[] = {1, 5, 16, 19, 35, 70};
  char source[512], name[64];
  for (int i = 0; lang_cells[i].name; i++)
    for (size_t k = 0; k < sizeof widths / sizeof *widths; k++) {
      if (!part_takes(i + (int)k)) continue;
      snprintf(name, sizeof name, "%s of %d", lang_cells[i].name, widths[k]);
      check_net_text(name, testnet_cell(source, lang_cells[i].name, widths[k]));
    }
}

static void test_nets(void **state) {
  (void)state;
  for (int i = 0; i < TESTNETS; i++)
    if (part_takes(i)) check_net_text(testnets[i].name, testnets[i].text);
}

/* Many rows and wide states: several blocks of rows and panels, loops split by rows and by panels. */
static void test_large(void **state) {
  (void)state;
  static const struct {
    const char *name, *source;
    int rows, steps;
  } table[] = {
      {"wide lstm", "data token : chars\nh = lstm(embed(token[t-1], 40), 150)\ntoken ~ softmax(W h + b)\n", 37, 12},
      {"wide gru, one row", "data token : chars\nh = gru(embed(token[t-1], 40), 150)\ntoken ~ softmax(W h + b)\n", 1, 40},
      {"both directions",
       "data x : numbers\ndata tag : category\nf = lstm(x, 70)\ng = gru_reset_after(x, 50, backward)\n"
       "tag ~ softmax(W [f, g] + b)\n",
       33, 9},
      {"pictures", /* several panels, a kernel of even size, sums over k in pieces, one channel to many and many to one */
       "data p : image(1, 9, 8)\ndata label : category\nu = relu(conv(p, 70, 4))\nv = tanh(conv(u, 33, 3) + conv(p, 33, 5))\n"
       "label ~ softmax(W conv(pool(v, 3), 48, 2) + b)\n",
       11, 1},
      {"wide attention",
       "data source : words\ndata target : words\ns = gru(embed(source, 20), 90, backward)\n"
       "d = gru([embed(target[t-1], 20), attend(Wq d[t-1], s)], 90, start = s)\na = attend(d, s, additive = v)\nparam v\n"
       "hidden = 90\ntarget ~ softmax(W [d, a] + b)\n",
       37, 19},
      {"rows far apart, of no whole vectors",
       "data token : chars\nh = rnn(embed(token[t-1], 20), 530)\ntoken ~ softmax(W h + V embed(token[t-2], 40) + b)\n", 21, 15},
      {"rows far apart, straight into the gradient", /* in blocks of columns and of rows */
       "data token : chars\nhidden = 1040\nu = gru(embed(token[t-1], 32), 528)\nh = tanh(A u + B u[t-1])\n"
       "token ~ softmax(W h + b)\n",
       37, 9},
      {"many classes, in pieces of k", "data token : words(8200)\nh = gru(embed(token[t-1], 8), 70)\ntoken ~ softmax(W h + b)\n",
       20, 6},
      {"pieces of k, and at the first step none",
       "data x : numbers(3)\ndata tag : words(6)\nwidth z = 128\nwidth h = 4200\nz = U h[t-1]\nh = tanh(V z + A x + bh)\n"
       "tag ~ softmax(W z + b)\n",
       50, 3},
      {"more products than a product has parts",
       "data x : numbers\ndata tag : category\nhidden = 70\n"
       "h = tanh(A x + B x[t-1] + C x[t-2] + D x[t-3] + E x[t-4] + F x[t-5] + G x[t-6] + H x[t-7] + I h[t-1] + J h[t-2] + K h[t-3] "
       "+ "
       "L h[t-4] + M h[t-5] + N h[t-6] + O h[t-7] + P h[t-8] + Q h[t-9] + R h[t-10] + S h[t-11] + T h[t-12])\n"
       "tag ~ softmax(W h + b)\n",
       11, 19},
      {"more lines of a patch than a product has parts",
       "data p : image(2, 19, 20)\ndata label : category\nlabel ~ softmax(W relu(conv(p, 20, 18)) + b)\n", 3, 1},
      {"strides, groups of no whole vectors, squares that overlap, batches",
       "data p : image(6, 19, 17)\ndata label : category\nu = batchnorm(relu(conv(p, 40, 5, stride = 2, groups = 2)))\n"
       "v = pool(u, 3, stride = 2) + pool(u, 3, mean, stride = 2)\nw = batchnorm(conv(v, 20, 3, groups = 4), epsilon = 0.1)\n"
       "label ~ softmax(W conv(w, 33, 2, pad = 1, stride = 3) + b)\n",
       11, 1},
      {"more lines of positions than a product has parts",
       "data p : image(2, 40, 21)\ndata label : category\nlabel ~ softmax(W relu(conv(p, 20, 3, stride = 2)) + b)\n", 3, 1},
      {"tall rnn", "data token : chars\nh = rnn(embed(token[t-1], 20), 65, layers = 2)\ntoken ~ softmax(W h + b)\n", 130, 4},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    if (!part_takes((int)i)) continue;
    float *one = NULL;
    for (int threads = 0; threads <= 3; threads++) {
      pool *workers = threads ? pool_new(threads) : NULL;
      planned c;
      random_batch b;
      int lengths[130];
      for (int k = 0; k < table[i].rows; k++) lengths[k] = table[i].steps - (k * 7) % table[i].steps;
      planned_for(&c, table[i].name, table[i].source, 1, workers, table[i].rows, table[i].steps);
      assert_int_equal(random_batch_new(&b, &c.n.g, table[i].rows, lengths, 9, NULL), UNROLL_OK);
      run_pass(c.r, &b.b, 1);
      const size_t bytes = (size_t)c.n.g.n_weights * sizeof(float);
      if (one) {
        if (memcmp(one, run_gradient(c.r), bytes) != 0) fail_msg("%s: other bits with %d threads", table[i].name, threads);
      } else {
        reference ref = {0};
        assert_int_equal(reference_pass(&ref, &c.n.g, c.n.exact, &b.b, NULL, 1, NULL), UNROLL_OK);
        compare(table[i].name, 0, &c, &ref, 1);
        reference_free(&ref);
        assert_non_null(one = mem_alloc(bytes));
        memcpy(one, run_gradient(c.r), bytes);
      }
      random_batch_free(&b);
      planned_free(&c);
      if (workers) pool_free(workers);
    }
    mem_free(one);
  }
}

/* A plan without gradient, masks off. */
static void test_forward_only(void **state) {
  (void)state;
  for (int i = 0; i < TESTNETS; i++) {
    if (!part_takes(i)) continue;
    planned c;
    random_batch b;
    reference ref = {0};
    planned_new(&c, testnets[i].name, testnets[i].text, 0, NULL);
    random_batch_of(&b, &c.n.g, 3);
    assert_int_equal(reference_pass(&ref, &c.n.g, c.n.exact, &b.b, NULL, 0, NULL), UNROLL_OK);
    run_pass(c.r, &b.b, 0);
    compare(testnets[i].name, 3, &c, &ref, 0);
    reference_free(&ref);
    random_batch_free(&b);
    planned_free(&c);
  }
}

/* Targets that do not count have index -1. */
static void test_missing_targets(void **state) {
  (void)state;
  planned c;
  random_batch b;
  reference ref = {0};
  planned_new(&c, testnets[0].name, testnets[0].text, 1, NULL);
  random_batch_of(&b, &c.n.g, 4);
  int32_t *target = b.index[c.n.g.losses[0].slot];
  for (int i = 0; i < b.axes[0].first[b.axes[0].steps]; i += 3) target[i] = -1;
  assert_int_equal(reference_pass(&ref, &c.n.g, c.n.exact, &b.b, NULL, 1, NULL), UNROLL_OK);
  run_pass(c.r, &b.b, 1);
  compare("missing targets", 4, &c, &ref, 1);
  reference_free(&ref);
  random_batch_free(&b);
  planned_free(&c);
}

/* Streams: passes of five steps hand their states on; get, reset and set bring them back. */
static void test_stream(void **state) {
  (void)state;
  for (int i = 0; i < TESTNETS; i++) {
    if (!part_takes(i)) continue;
    planned c;
    reference ref = {0};
    random_batch b;
    planned_new(&c, testnets[i].name, testnets[i].text, 1, NULL);
    const int64_t size = run_carry_size(c.r);
    float *kept = mem_zero((size_t)size + 1, sizeof *kept);
    run_carry_reset(c.r);
    for (int from = 0; from < 15; from += 5) {
      run_carry_get(c.r, kept);
      for (int again = 0; again < 2; again++) {
        assert_int_equal(random_batch_part(&b, &c.n.g, 3, from, 5, 5, NULL), UNROLL_OK);
        if (again)
          run_carry_reset(c.r), run_carry_set(c.r, kept);
        else
          assert_int_equal(reference_pass(&ref, &c.n.g, c.n.exact, &b.b, NULL, 1, NULL), UNROLL_OK);
        run_pass(c.r, &b.b, 1);
        compare(testnets[i].name, from, &c, &ref, 1);
        random_batch_free(&b);
      }
    }
    mem_free(kept);
    reference_free(&ref);
    planned_free(&c);
  }
}

/* A pass allocates nothing. */
static void test_no_allocation(void **state) {
  (void)state;
  for (int i = 0; i < TESTNETS; i++) {
    if (!part_takes(i)) continue;
    planned c;
    random_batch b;
    planned_new(&c, testnets[i].name, testnets[i].text, 1, NULL);
    random_batch_of(&b, &c.n.g, 4);
    const long before = mem_count();
    for (int k = 0; k < 20; k++) run_pass(c.r, &b.b, 1);
    assert_int_equal(mem_count(), before);
    random_batch_free(&b);
    planned_free(&c);
  }
}

/* New weights count after run_pack. */
static void test_new_weights(void **state) {
  (void)state;
  planned c;
  random_batch b;
  reference ref = {0};
  planned_new(&c, testnets[0].name, testnets[0].text, 1, NULL);
  random_batch_of(&b, &c.n.g, 4);
  run_pass(c.r, &b.b, 1);
  random_weights(c.n.weights, &c.n.g, 77);
  for (int64_t i = 0; i < c.n.g.n_weights; i++) c.n.exact[i] = (double)c.n.weights[i];
  run_pack(c.r);
  run_carry_reset(c.r);
  run_pass(c.r, &b.b, 1);
  assert_int_equal(reference_pass(&ref, &c.n.g, c.n.exact, &b.b, NULL, 1, NULL), UNROLL_OK);
  compare("new weights", 4, &c, &ref, 1);
  reference_free(&ref);
  random_batch_free(&b);
  planned_free(&c);
}

/* Each failing allocation of plan_new and run_new gives a status and leaks nothing. */
static void test_memory(void **state) {
  (void)state;
  testnet n;
  assert_int_equal(testnet_build(&n, testnets[0].text, 1, NULL), UNROLL_OK);
  const plan_options o = {.max_rows = 4, .max_steps = 4, .gradient = 1};
  const long live = mem_live();
  for (long fail = 1;; fail++) {
    plan *p = NULL;
    run *r = NULL;
    mem_fail_after(fail, 0);
    unroll_status s = plan_new(&p, &n.g, &o, NULL);
    if (s == UNROLL_OK) s = run_new(&r, p, n.weights, NULL, NULL);
    mem_fail_after(0, 0);
    if (r) run_free(r);
    if (p) plan_free(p);
    assert_int_equal(mem_live(), live);
    if (s == UNROLL_OK) break;
    assert_int_equal(s, UNROLL_FAILED);
  }
  testnet_free(&n);
}

/* --- the same bits --- */

static void mix(uint64_t *h, const void *data, size_t bytes) {
  const unsigned char *p = data;
  for (size_t i = 0; i < bytes; i++) *h = (*h ^ p[i]) * 0x100000001B3ull;
}

/* Losses and gradients of a net over all shapes. */
static uint64_t digest_net(const char *name, const char *source, pool *workers, const kernels *k) {
  uint64_t h = 0xCBF29CE484222325ull;
  planned c;
  planned_new(&c, name, source, 1, workers);
  run_set_kernels(c.r, k);
  for (int shape = 0; shape < TESTLENGTHS; shape++) {
    random_batch b;
    random_batch_of(&b, &c.n.g, shape);
    run_carry_reset(c.r);
    run_pass(c.r, &b.b, 1);
    for (int i = 0; i < c.n.g.n_losses; i++) {
      const double nats = run_loss(c.r, i);
      mix(&h, &nats, sizeof nats);
    }
    mix(&h, run_gradient(c.r), (size_t)c.n.g.n_weights * sizeof(float));
    random_batch_free(&b);
  }
  planned_free(&c);
  return h;
}

/* Number k of all nets that digests are made of: nets, then cells; NULL after the last one. */
static const char *numbered(int k, char source[512], const char **name) {
  if (k < TESTNETS) {
    *name = testnets[k].name;
    return testnets[k].text;
  }
  for (int i = 0; lang_cells[i].name; i++)
    if (i == k - TESTNETS) {
      *name = lang_cells[i].name;
      return testnet_cell(source, lang_cells[i].name, 37);
    }
  return NULL;
}

static void test_threads(void **state) {
  (void)state;
  char source[512];
  const char *name = NULL, *net;
  for (int k = 0; (net = numbered(k, source, &name)); k++) {
    if (!part_takes(k)) continue;
    const uint64_t one = digest_net(name, net, NULL, kernel_table());
    for (int threads = 1; threads <= 3; threads++) {
      pool *workers = pool_new(threads);
      assert_non_null(workers);
      if (digest_net(name, net, workers, kernel_table()) != one) fail_msg("%s: other bits with %d threads", name, threads);
      pool_free(workers);
    }
  }
}

static void test_instruction_sets(void **state) {
  (void)state;
  static const enum cpu_isa sets[] = {CPU_PORTABLE, CPU_NEON, CPU_AVX2, CPU_AVX512};
  char source[512];
  const char *name = NULL, *net;
  for (int k = 0; (net = numbered(k, source, &name)); k++) {
    if (!part_takes(k)) continue;
    const uint64_t own = digest_net(name, net, NULL, kernel_table());
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
      const kernels *other = kernel_table_of(sets[i]);
      if (other && digest_net(name, net, NULL, other) != own)
        fail_msg("%s: %s gives other bits than %s", name, cpu_isa_name(sets[i]), cpu_isa_name(kernel_table()->isa));
    }
  }
}

/* With factors rounded to bf16: near the reference, and the same bits on any number of threads and every instruction set. */
static void test_bf16(void **state) {
  precision = PRECISION_BF16;
  test_nets(state);
  test_large(state);
  test_threads(state);
  test_instruction_sets(state);
  precision = PRECISION_FP32;
}

/* The gradient of a softmax takes the place of its input, unless that is kept: one matrix less, the same bits. */
static void test_in_place(void **state) {
  (void)state;
  static const char source[] = "data word : words(300)\nh = rnn(embed(word[t-1], 4), 5)\nword ~ softmax(W h + b)\n";
  planned kept, c = {0};
  random_batch b;
  planned_new(&kept, "in place", source, 1, NULL);
  assert_int_equal(testnet_build(&c.n, source, 1, NULL), UNROLL_OK);
  assert_int_equal(plan_new(&c.p, &c.n.g, &(plan_options){.max_rows = 9, .max_steps = 10, .gradient = 1}, NULL), UNROLL_OK);
  assert_int_equal(run_new(&c.r, c.p, c.n.weights, NULL, NULL), UNROLL_OK);
  run_pack(c.r);
  const int64_t logits = 9 * 10 * graph_at(&c.n.g, c.n.g.losses[0].prediction)->width * (int64_t)sizeof(float);
  assert_true(plan_arena_bytes(c.p) + logits <= plan_arena_bytes(kept.p));
  random_batch_of(&b, &c.n.g, 4);
  run_pass(kept.r, &b.b, 1);
  run_pass(c.r, &b.b, 1);
  assert_memory_equal(run_gradient(c.r), run_gradient(kept.r), (size_t)c.n.g.n_weights * sizeof(float));
  random_batch_free(&b);
  planned_free(&c);
  planned_free(&kept);
}

/* A plan that is frozen needs no graph: it is printed, and runs to the same bits, when the graph is gone. */
static void test_frozen(void **state) {
  (void)state;
  static const char source[] = "data word : words(30)\nh = lstm(dropout(embed(word[t-1], 4), 0.1), 5)\nword ~ softmax(W h + b)\n";
  planned c;
  random_batch b;
  text before = {0}, after = {0};
  planned_new(&c, "frozen", source, 1, NULL);
  random_batch_of(&b, &c.n.g, 4);
  run_pass(c.r, &b.b, 1);
  frozen_print(plan_frozen(c.p), &before);
  const int64_t n = c.n.g.n_weights;
  float *slope = mem_zero((size_t)n, sizeof *slope);
  assert_non_null(slope);
  memcpy(slope, run_gradient(c.r), (size_t)n * sizeof *slope);
  const double first = run_loss(c.r, 0);
  graph_free(&c.n.g);
  arena_free(&c.n.memory);
  memset(&c.n.g, 0xee, sizeof c.n.g);
  run_carry_reset(c.r);
  run_pass(c.r, &b.b, 1);
  frozen_print(plan_frozen(c.p), &after);
  assert_memory_equal(run_gradient(c.r), slope, (size_t)n * sizeof *slope);
  assert_true(run_loss(c.r, 0) == first);
  assert_string_equal(before.data, after.data);
  assert_non_null(strstr(before.data, "frozen plan, version 3\nrows 9 steps 10 "));
  assert_non_null(strstr(before.data, "\nloop: phase "));
  assert_non_null(strstr(before.data, "\ncross entropy: phase "));
  mem_free(slope);
  text_free(&before);
  text_free(&after);
  random_batch_free(&b);
  run_free(c.r);
  plan_free(c.p);
  mem_free(c.n.weights);
  mem_free(c.n.exact);
}

/* A convolution, its relu and its pool are one stage, and so are their gradients; not where somebody wants to see what is between.
 */
static void test_pooled(void **state) {
  (void)state;
  static const char net[] = "data p : image(1, 8, 8)\ndata label : category\nc = conv(p, 4, 3)\nr = relu(c)\nu = pool(r, 2)\n"
                            "v = pool(relu(conv(u, 3, 3)), 2)\nlabel ~ softmax(W v + b)\n";
  static const char *const stages[] = {"convolution and pool", "gradient through pool and convolution",
                                       "weight gradient through a pool", "sum over positions through a pool"};
  unroll_error err;
  testnet n;
  assert_int_equal(testnet_build(&n, net, 1, &err), UNROLL_OK);
  for (int between = 0; between < 3; between++) {
    int keep = 0;
    while (!n.g.nodes[keep].name || strcmp(n.g.nodes[keep].name, between == 1 ? "c" : between == 2 ? "r" : "v")) keep++;
    const plan_options o = {.max_rows = 2, .max_steps = 1, .gradient = 1, .keep = &keep, .n_keep = 1};
    text said = {0};
    plan *p;
    assert_int_equal(plan_new(&p, &n.g, &o, &err), UNROLL_OK);
    frozen_print(plan_frozen(p), &said);
    for (int i = 0; i < 4; i++) assert_non_null(strstr(said.data, stages[i]));
    assert_int_equal(strstr(said.data, "\npool: phase ") != NULL, between > 0);
    assert_int_equal(strstr(said.data, "\npool gradient: phase ") != NULL, between > 0);
    plan_free(p);
    text_free(&said);
  }
  testnet_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cells),
      cmocka_unit_test(test_nets),
      cmocka_unit_test(test_large),
      cmocka_unit_test(test_forward_only),
      cmocka_unit_test(test_missing_targets),
      cmocka_unit_test(test_stream),
      cmocka_unit_test(test_no_allocation),
      cmocka_unit_test(test_new_weights),
      cmocka_unit_test(test_memory),
      cmocka_unit_test(test_in_place),
      cmocka_unit_test(test_pooled),
      cmocka_unit_test(test_frozen),
      cmocka_unit_test(test_threads),
      cmocka_unit_test(test_instruction_sets),
      cmocka_unit_test(test_bf16),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
