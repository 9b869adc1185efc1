/* test_threads.c - nothing depends on the number of threads, also where there are many more of them than processors. */
#include "testnet.h"
#include "base/threads.h"
#include "plan/plan.h"
#include "run/run.h"

enum { ROWS = 19, MOST_ROWS = 30, STEPS = 6, PASSES = 2 };

/* The gradients and losses of two passes in a row, the second one from the states of the first. */
static void run_with(const testnet *n, const plan *p, const batch *b, int threads, float *dw, double *losses) {
  unroll_error err;
  run *r;
  pool *workers = pool_new(threads);
  assert_non_null(workers);
  assert_int_equal(run_new(&r, p, n->weights, workers, &err), UNROLL_OK);
  for (int i = 0; i < PASSES; i++) {
    run_pass(r, b, 1);
    memcpy(dw + i * n->g.n_weights, run_gradient(r), (size_t)n->g.n_weights * sizeof(float));
    for (int k = 0; k < n->g.n_losses; k++) losses[i * n->g.n_losses + k] = run_loss(r, k);
  }
  run_free(r);
  pool_free(workers);
}

static void compare_counts(const char *name, const char *source, int rows) {
  static const int counts[] = {2, 4, 8, 16};
  unroll_error err;
  testnet n;
  plan *p;
  random_batch data;
  int lengths[MOST_ROWS];
  for (int i = 0; i < rows; i++) lengths[i] = STEPS - i % 4;
  if (testnet_build(&n, source, 1, &err)) testnet_say(name, &err);
  const plan_options o = {.max_rows = rows, .max_steps = STEPS, .gradient = 1};
  assert_int_equal(plan_new(&p, &n.g, &o, &err), UNROLL_OK);
  assert_int_equal(random_batch_new(&data, &n.g, rows, lengths, 5, &err), UNROLL_OK);
  const size_t weights = (size_t)n.g.n_weights * PASSES, losses = (size_t)n.g.n_losses * PASSES;
  float *one = mem_zero(weights + 1, sizeof *one), *many = mem_zero(weights + 1, sizeof *many);
  double loss_one[16] = {0}, loss_many[16] = {0};
  assert_true(one && many && losses <= 16);
  run_with(&n, p, &data.b, 1, one, loss_one);
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    run_with(&n, p, &data.b, counts[i], many, loss_many);
    if (memcmp(one, many, weights * sizeof *one)) fail_msg("%s: the gradient of %d threads is another one", name, counts[i]);
    assert_memory_equal(loss_one, loss_many, losses * sizeof *loss_one);
  }
  mem_free(one);
  mem_free(many);
  random_batch_free(&data);
  plan_free(p);
  testnet_free(&n);
}

static void all_nets(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof testnets / sizeof *testnets; i++)
    if (part_takes((int)i)) compare_counts(testnets[i].name, testnets[i].text, ROWS);
}

/* Few rows and wide layers: the threads share each step's panels, and meet after every stage of a loop's body. With two threads, so
 * they do where each would have 9 rows of much work, or 15 whose weights are many. */
static void shared_panels(void **state) {
  (void)state;
  const char *const wide = "hidden = 240\ndata token : chars\nh = lstm(embed(token[t-1], 8), hidden)\ntoken ~ softmax(W h + b)\n";
  compare_counts("wide", wide, 1);
  compare_counts("wide", wide, 3);
  compare_counts("wider", "data token : chars\nh = lstm(embed(token[t-1], 8), 260)\ntoken ~ softmax(W h + b)\n", ROWS);
  compare_counts("widest", "data token : chars\nh = lstm(embed(token[t-1], 8), 360)\ntoken ~ softmax(W h + b)\n", MOST_ROWS);
}

/* Many classes: what goes down from them is a product of large k, in pieces where a thread has many rows, else at once. */
static void many_classes(void **state) {
  (void)state;
  compare_counts("many", "data token : words(8200)\nh = lstm(embed(token[t-1], 8), 70)\ntoken ~ softmax(W h + b)\n", ROWS);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(all_nets), cmocka_unit_test(shared_panels), cmocka_unit_test(many_classes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
