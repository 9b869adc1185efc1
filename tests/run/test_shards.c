/* test_shards.c - a batch in shards: predictions, losses and carried states are those of the batch in one piece, the gradient is
 * near it, and neither the number of threads nor a window changes a bit. Every net of testnet.h, for rows of several lengths. */
#include "testnet.h"
#include "kernel/kernel.h"
#include "plan/frozen.h"
#include "plan/plan.h"
#include "run/profile.h"
#include "run/run.h"

/* Shards of 8 have 16 rows and more: with fewer a product may be taken out of a loop, and some sums have another order. */
enum { ROWS = 131, STEPS = 7, PASSES = 2, MOST_KEPT = 8 };

/* What two passes in a row leave. */
typedef struct result {
  uint64_t values;          /* digest of predictions and losses, row by row, and of the states that are carried */
  uint64_t bits;            /* of these, the gradient, and the sums of the losses */
  float *gradient;          /* [n_weights] of the last pass, for mem_free */
  double losses[MOST_KEPT]; /* of the last pass */
} result;

static void add(uint64_t *hash, const void *from, size_t n) {
  for (size_t i = 0; i < n; i++) *hash = (*hash ^ ((const unsigned char *)from)[i]) * 0x100000001B3ull;
}

static void add_value(uint64_t *hash, const testnet *n, const run *r, const batch *b, int number) {
  const node *y = &n->g.nodes[number];
  const batch_axis *a = y->space == SPACE_STEP ? &b->axes[y->axis] : NULL;
  const int64_t count = a ? a->first[a->steps] : y->space == SPACE_STATIC ? b->rows : 1;
  ptrdiff_t row;
  const float *value = run_value(r, number, &row);
  for (int64_t q = 0; q < count; q++) add(hash, value + q * row, (size_t)y->width * sizeof *value);
}

static plan *make_plan(const testnet *n, int rows, int steps, int shards, int window, enum precision precision) {
  int keep[MOST_KEPT];
  plan *p = NULL;
  plan_options o = {.max_rows = rows,
                    .max_steps = steps,
                    .gradient = 1,
                    .shards = shards,
                    .window = window,
                    .precision = precision,
                    .keep = keep};
  assert_true(2 * n->g.n_losses <= MOST_KEPT);
  for (int i = 0; i < n->g.n_losses; i++) {
    keep[o.n_keep++] = n->g.losses[i].prediction;
    keep[o.n_keep++] = n->g.losses[i].node;
  }
  const unroll_status status = plan_new(&p, &n->g, &o, NULL);
  assert_true(status == UNROLL_OK || (window && status == UNROLL_BAD_INPUT));
  return p;
}

static result run_with(const testnet *n, const plan *p, const batch *b, int threads) {
  result out = {.values = 0xCBF29CE484222325ull};
  const size_t weights = (size_t)n->g.n_weights;
  run *r;
  pool *workers = pool_new(threads);
  assert_int_equal(run_new(&r, p, n->weights, workers, NULL), UNROLL_OK);
  const size_t states = (size_t)run_carry_size(r);
  float *carried = mem_zero(states + 1, sizeof *carried);
  out.gradient = mem_zero(weights + 1, sizeof *out.gradient);
  assert_true(workers && carried && out.gradient);
  for (size_t i = 0; i < states; i++) carried[i] = (float)(i % 7) / 7;
  run_carry_set(r, carried);
  for (int i = 0; i < PASSES; i++) {
    run_pass(r, b, 1);
    for (int k = 0; k < n->g.n_losses; k++) {
      add_value(&out.values, n, r, b, n->g.losses[k].prediction);
      add_value(&out.values, n, r, b, n->g.losses[k].node);
      out.losses[k] = run_loss(r, k);
    }
    run_carry_get(r, carried);
    add(&out.values, carried, states * sizeof *carried);
  }
  memcpy(out.gradient, run_gradient(r), weights * sizeof *out.gradient);
  for (size_t i = 0; i < weights; i++)
    if (!run_touched(r)[i / UNIT]) assert_true(out.gradient[i] == 0.0f);
  out.bits = out.values;
  add(&out.bits, out.gradient, weights * sizeof *out.gradient);
  add(&out.bits, out.losses, sizeof out.losses);
  mem_free(carried);
  run_free(r);
  pool_free(workers);
  return out;
}

static void near(const char *name, const testnet *n, const result *whole, const result *cut) {
  double largest = 0;
  for (int64_t i = 0; i < n->g.n_weights; i++) largest = fmax(largest, fabs((double)whole->gradient[i]));
  for (int64_t i = 0; i < n->g.n_weights; i++)
    if (!(fabs((double)whole->gradient[i] - (double)cut->gradient[i]) <= 2e-5 * largest))
      fail_msg("%s: gradient %d is %.9g, in one piece %.9g", name, (int)i, (double)cut->gradient[i], (double)whole->gradient[i]);
  for (int k = 0; k < n->g.n_losses; k++)
    if (!(fabs(whole->losses[k] - cut->losses[k]) <= 1e-12 * (1 + fabs(whole->losses[k]))))
      fail_msg("%s: loss %d is %.17g, in one piece %.17g", name, k, cut->losses[k], whole->losses[k]);
}

/* `exact`: predictions have the bits of those of the batch in one piece. */
static void compare(const char *name, const testnet *n, const batch *b, int plan_rows, enum precision precision, bool exact) {
  static const int counts[] = {1, 2, 3, 4, 8}, threads[] = {1, 2, 3, 4, 8, 11};
  plan *p = make_plan(n, plan_rows, STEPS, 0, 0, precision);
  result whole = run_with(n, p, b, 1);
  plan_free(p);
  for (size_t s = 1; s < sizeof counts / sizeof *counts; s++) {
    if (counts[s] == 3) continue;
    p = make_plan(n, plan_rows, STEPS, counts[s], 0, precision);
    assert_int_equal(plan_frozen(p)->shards, counts[s]);
    result one = run_with(n, p, b, 1);
    if (exact && one.values != whole.values) fail_msg("%s: other predictions in %d shards", name, counts[s]);
    if (precision == PRECISION_FP32) near(name, n, &whole, &one);
    for (size_t t = 1; t < sizeof threads / sizeof *threads; t++) {
      result many = run_with(n, p, b, threads[t]);
      if (many.bits != one.bits) fail_msg("%s: other bits of %d shards with %d threads", name, counts[s], threads[t]);
      mem_free(many.gradient);
    }
    plan_free(p);
    if ((p = make_plan(n, plan_rows, STEPS, counts[s], precision == PRECISION_BF16 ? PLAN_STEPS_OF_PAIRS : 3, precision))) {
      result windows = run_with(n, p, b, 3);
      if (windows.bits != one.bits) fail_msg("%s: other bits of %d shards in windows", name, counts[s]);
      mem_free(windows.gradient);
      plan_free(p);
    }
    mem_free(one.gradient);
  }
  mem_free(whole.gradient);
}

static void compare_text(const char *name, const char *source, int given, int plan_rows, enum precision precision) {
  unroll_error err = {0};
  testnet n = {0};
  random_batch data;
  int lengths[ROWS];
  for (int i = 0; i < given; i++) lengths[i] = STEPS - i * 5 % 7;
  if (testnet_build(&n, source, 1, &err)) {
    testnet_say(name, &err);
    fail();
  }
  assert_int_equal(random_batch_new(&data, &n.g, given, lengths, 5, &err), UNROLL_OK);
  compare(name, &n, &data.b, plan_rows, precision, true);
  random_batch_free(&data);
  testnet_free(&n);
}

static void all_nets(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof testnets / sizeof *testnets; i++)
    if (part_takes((int)i) && !strstr(testnets[i].text, "batchnorm"))
      compare_text(testnets[i].name, testnets[i].text, ROWS, ROWS, PRECISION_FP32);
}

/* Fewer rows than shards: the last ones run nothing. */
static void empty_shards(void **state) {
  (void)state;
  compare_text("three rows", testnets[6].text, 3, 8, PRECISION_FP32);
  compare_text("one row", testnets[8].text, 1, 8, PRECISION_FP32);
}

static void pairs(void **state) {
  (void)state;
  for (int i = 0; i < 9; i++)
    if (part_takes(i)) compare_text(testnets[i].name, testnets[i].text, ROWS, ROWS, PRECISION_BF16);
}

/* What the planner chooses: of net and batch alone. */
static void choice(void **state) {
  static const struct {
    const char *net;
    int rows, steps, gradient, shards;
  } table[] = {
      {"data token : chars\nh = lstm(embed(token[t-1], 64), 256)\ntoken ~ softmax(W h + b)\n", 32, 64, 1, 2},
      {"data token : chars\nh = lstm(embed(token[t-1], 64), 256)\ntoken ~ softmax(W h + b)\n", 31, 64, 1, 1}, /* a row too few */
      {"data token : chars\nh = lstm(embed(token[t-1], 64), 256)\ntoken ~ softmax(W h + b)\n", 256, 64, 1, 16},
      {"data token : chars\nh = lstm(embed(token[t-1], 64), 256)\ntoken ~ softmax(W h + b)\n", 32, 4, 1, 1}, /* little work */
      {"data token : chars\nh = lstm(embed(token[t-1], 64), 256)\ntoken ~ softmax(W h + b)\n", 32, 4, 0, 2},
      {"data token : chars\nh = lstm(embed(token[t-1], 64), 512)\ntoken ~ softmax(W h + b)\n", 64, 64, 1,
       2}, /* weights from afar */
      {"data token : chars\nh = lstm(embed(token[t-1], 64), 512)\ntoken ~ softmax(W h + b)\n", 63, 64, 0, 1},
      {"data x : numbers(9)\nh = lstm(x[t-1], 1600)\nx ~ gaussian(mean = W h + b, scale = 1)\n", 32, 30, 1,
       1}, /* a large gradient */
  };
  (void)state;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    testnet n = {0};
    int shards;
    assert_int_equal(testnet_build(&n, table[i].net, 1, NULL), UNROLL_OK);
    const plan_options o = {.max_rows = table[i].rows, .max_steps = table[i].steps, .gradient = table[i].gradient};
    assert_int_equal(plan_shards(&shards, 0, &n.g, &o, NULL), UNROLL_OK);
    if (shards != table[i].shards) fail_msg("row %zu: %d shards, not %d", i, shards, table[i].shards);
    testnet_free(&n);
  }
}

static void refused(void **state) {
  static const int wrong[] = {3, 6, 16};
  testnet n = {0};
  plan *p;
  (void)state;
  assert_int_equal(testnet_build(&n, testnets[0].text, 1, NULL), UNROLL_OK);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    const plan_options o = {.max_rows = 12, .max_steps = 2, .gradient = 1, .shards = wrong[i]};
    assert_int_equal(plan_new(&p, &n.g, &o, NULL), UNROLL_USAGE);
  }
  const plan_options o = {.max_rows = 12, .max_steps = 2, .gradient = 1};
  int shards;
  assert_int_equal(plan_shards(&shards, 6, &n.g, &o, NULL), UNROLL_USAGE);
  assert_int_equal(plan_shards(&shards, 16, &n.g, &o, NULL), UNROLL_OK);
  assert_int_equal(shards, 8); /* each has a row */
  const plan_options many = {.max_rows = 1 << 17, .max_steps = 1};
  assert_int_equal(plan_shards(&shards, 0, &n.g, &many, NULL), UNROLL_OK);
  assert_int_equal(shards, MOST_SHARDS);
  testnet_free(&n);
  assert_int_equal(testnet_build(&n,
                                 "data x : numbers\ndata y : number\nh = batchnorm(A x)\nwidth h = 3\n"
                                 "y ~ gaussian(mean = W h + b, scale = 1)\n",
                                 1, NULL),
                   UNROLL_OK);
  const plan_options whole = {.max_rows = 64, .max_steps = 20000, .gradient = 1, .shards = 2};
  unroll_error err = {0};
  assert_int_equal(plan_new(&p, &n.g, &whole, &err), UNROLL_USAGE);
  assert_non_null(strstr(err.message, "the whole batch"));
  assert_int_equal(plan_shards(&shards, 0, &n.g, &whole, NULL), UNROLL_OK);
  assert_int_equal(shards, 1);
  testnet_free(&n);
}

/* Each failing allocation gives a status and leaks nothing; a profiled pass has the bits of a plain one. */
static void memory_and_profile(void **state) {
  testnet n = {0};
  random_batch data;
  int lengths[ROWS];
  (void)state;
  for (int i = 0; i < ROWS; i++) lengths[i] = STEPS;
  assert_int_equal(testnet_build(&n, testnets[6].text, 1, NULL), UNROLL_OK);
  assert_int_equal(random_batch_new(&data, &n.g, ROWS, lengths, 5, NULL), UNROLL_OK);
  plan *p = make_plan(&n, ROWS, STEPS, 4, 0, PRECISION_FP32);
  unroll_status status = UNROLL_FAILED;
  for (int i = 1; status; i++) {
    run *r = NULL;
    const long before = mem_live();
    mem_fail_after(i, 0);
    status = run_new(&r, p, n.weights, NULL, NULL);
    mem_fail_after(-1, 0);
    run_free(r);
    assert_int_equal(mem_live(), before);
    assert_true(i < 1000);
  }
  run *plain, *timed;
  profile *times;
  pool *workers = pool_new(3);
  assert_int_equal(run_new(&plain, p, n.weights, workers, NULL), UNROLL_OK);
  assert_int_equal(run_new(&timed, p, n.weights, workers, NULL), UNROLL_OK);
  assert_int_equal(profile_new(&times, timed, NULL), UNROLL_OK);
  for (int i = 0; i < PASSES; i++) {
    run_pass(plain, &data.b, 1);
    profile_pass(times, &data.b, 1);
    assert_memory_equal(run_gradient(plain), run_gradient(timed), (size_t)n.g.n_weights * sizeof(float));
  }
  assert_true(profile_total(times).product_seconds > 0);
  profile_free(times);
  run_free(plain);
  run_free(timed);
  pool_free(workers);
  plan_free(p);
  random_batch_free(&data);
  testnet_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_nets), cmocka_unit_test(empty_shards), cmocka_unit_test(pairs),
      cmocka_unit_test(choice),   cmocka_unit_test(refused),      cmocka_unit_test(memory_and_profile),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
