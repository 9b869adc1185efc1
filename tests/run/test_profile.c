/* test_profile.c - passes that look at the clock: the same bits as others, times that add up, operations that are counted. */
#include "testnet.h"
#include "base/threads.h"
#include "plan/cost.h"
#include "plan/frozen.h"
#include "run/profile.h"
#include "plan/plan.h"
#include "run/run.h"

enum { ROWS = 9, STEPS = 7 };

typedef struct setup {
  testnet net;
  plan *p;
  run *plain, *timed;
  profile *times;
  pool *workers;
  random_batch data;
} setup;

static void open_setup(setup *s, const char *source, int threads) {
  unroll_error err;
  int lengths[ROWS];
  for (int i = 0; i < ROWS; i++) lengths[i] = STEPS - i % 3;
  assert_int_equal(testnet_build(&s->net, source, 1, &err), UNROLL_OK);
  const plan_options o = {.max_rows = ROWS, .max_steps = STEPS, .gradient = 1};
  assert_int_equal(plan_new(&s->p, &s->net.g, &o, &err), UNROLL_OK);
  s->workers = pool_new(threads);
  assert_int_equal(run_new(&s->plain, s->p, s->net.weights, s->workers, &err), UNROLL_OK);
  assert_int_equal(run_new(&s->timed, s->p, s->net.weights, s->workers, &err), UNROLL_OK);
  assert_int_equal(profile_new(&s->times, s->timed, &err), UNROLL_OK);
  assert_int_equal(random_batch_new(&s->data, &s->net.g, ROWS, lengths, 3, &err), UNROLL_OK);
}

static void close_setup(setup *s) {
  random_batch_free(&s->data);
  profile_free(s->times);
  run_free(s->plain);
  run_free(s->timed);
  pool_free(s->workers);
  plan_free(s->p);
  testnet_free(&s->net);
}

static double sum(const profile_part *part) {
  double all = 0;
  for (int i = 0; i < PROFILE_KINDS; i++) {
    assert_true(part->seconds[i] >= 0);
    all += part->seconds[i];
  }
  return all;
}

static void same_bits(void **state) {
  (void)state;
  for (int threads = 1; threads <= 3; threads += 2)
    for (size_t i = 0; i < sizeof testnets / sizeof *testnets; i++) {
      setup s;
      open_setup(&s, testnets[i].text, threads);
      for (int pass = 0; pass < 2; pass++) { /* the second one starts from the states of the first */
        run_pass(s.plain, &s.data.b, 1);
        profile_pass(s.times, &s.data.b, 1);
      }
      assert_memory_equal(run_gradient(s.plain), run_gradient(s.timed), (size_t)s.net.g.n_weights * sizeof(float));
      for (int k = 0; k < s.net.g.n_losses; k++) assert_true(run_loss(s.plain, k) == run_loss(s.timed, k));
      assert_int_equal(profile_passes(s.times), 2);
      close_setup(&s);
    }
}

/* Every moment of every thread belongs to one kind; what the caller adds counts for all threads. */
static void times_add_up(void **state) {
  (void)state;
  for (int threads = 1; threads <= 2; threads++) {
    setup s;
    open_setup(&s, testnets[0].text, threads);
    profile_pass(s.times, &s.data.b, 1);
    profile_add(s.times, PROFILE_PACK, 0.25);
    const profile_part all = profile_total(s.times);
    assert_true(all.seconds[PROFILE_PACK] == 0.25 * threads);
    assert_true(sum(&all) <= threads * profile_seconds(s.times) * 1.001);
    assert_true(all.seconds[PROFILE_PRODUCT] > 0 && all.seconds[PROFILE_EQUATIONS] > 0 && all.seconds[PROFILE_GRADIENT] > 0);
    assert_true(all.product_seconds > all.seconds[PROFILE_PRODUCT]);
    assert_true(threads == 1 ? all.meetings == 0 : all.meetings > plan_frozen(s.p)->n_stages);
    profile_clear(s.times);
    const profile_part none = profile_total(s.times);
    assert_true(sum(&none) == 0 && profile_seconds(s.times) == 0);
    close_setup(&s);
  }
}

/* What the kernels did, against what the plan says; the plan counts true widths, the kernels whole vectors. */
static void operations(void **state) {
  (void)state;
  setup s;
  open_setup(&s, "hidden = 32\ndata token : chars\nh = gru(embed(token[t-1], 16), hidden)\ntoken ~ softmax(W h + b)\n", 1);
  profile_pass(s.times, &s.data.b, 1);
  const int64_t cells = s.data.b.axes[0].first[s.data.b.axes[0].steps];
  const double exact = plan_operations(s.p, cells), done = profile_total(s.times).product_operations;
  assert_true(done >= exact * 0.8 && done < exact * 1.7); /* first steps have no h[t-1], symbols fill no whole vectors */
  double counted = 0;
  for (int i = 0; i < plan_frozen(s.p)->n_stages; i++) {
    const stage_cost c = plan_stage_cost(&plan_frozen(s.p)->stages[i], ROWS, STEPS);
    counted += c.products;
    assert_true(c.matrices > 0 || plan_frozen(s.p)->stages[i].kind == STAGE_GRADIENT);
  }
  assert_true(fabs(counted - plan_operations(s.p, (int64_t)ROWS * STEPS)) < 1e-6 * counted);
  close_setup(&s);
}

static void names(void **state) {
  (void)state;
  for (int kind = 0; kind < STAGE_KINDS; kind++) assert_non_null(stage_rows[kind].name);
  for (int kind = 0; kind < PROFILE_KINDS; kind++) assert_non_null(profile_kind_name((enum profile_kind)kind));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(same_bits), cmocka_unit_test(times_add_up),
                                     cmocka_unit_test(operations)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
