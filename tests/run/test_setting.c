/* test_setting.c - settings that vary: one plan follows their values from pass to pass, agrees with the reference at each, and with
 * a net in which the value is a number of the text; gradients agree with differences. */
#include "plan/plan.h"
#include "run/run.h"
#include "testnet.h"

typedef struct varied {
  testnet n;
  plan *p;
  run *r;
} varied;

static void varied_new(varied *v, const char *source, const char *const *names, int n) {
  unroll_error err = {0};
  *v = (varied){0};
  graph_init(&v->n.g);
  const binding token = {"token", 7};
  const build_options o = {.bindings = &token, .n_bindings = 1, .varying = names, .n_varying = n};
  unroll_status s = lang_parse(&v->n.net, "test.net", source, &v->n.memory, &err);
  if (!s) s = graph_build(&v->n.g, v->n.net, &o, &err);
  if (!s) s = graph_differentiate(&v->n.g, &err);
  if (!s) s = plan_new(&v->p, &v->n.g, &(plan_options){.max_rows = 9, .max_steps = 10, .gradient = 1}, &err);
  if (s) {
    testnet_say(source, &err);
    fail_msg("%s: not built", source);
  }
  v->n.weights = mem_zero((size_t)v->n.g.n_weights + 1, sizeof *v->n.weights);
  v->n.exact = mem_zero((size_t)v->n.g.n_weights + 1, sizeof *v->n.exact);
  assert_true(v->n.weights && v->n.exact);
  random_weights(v->n.weights, &v->n.g, 11);
  for (int64_t i = 0; i < v->n.g.n_weights; i++) v->n.exact[i] = (double)v->n.weights[i];
  assert_int_equal(run_new(&v->r, v->p, v->n.weights, NULL, &err), UNROLL_OK);
}

static void varied_free(varied *v) {
  run_free(v->r);
  plan_free(v->p);
  testnet_free(&v->n);
}

static const struct {
  const char *names[2], *text;
} nets[] = {
    {{"h.s"}, "data token : chars\nh = lstm_steep(embed(token[t-1], 4), 19)\ntoken ~ softmax(W h + b)\n"},
    {{"h.s"}, "data token : chars\nh = lstm_steep(embed(token[t-1], 4), 5, layers = 2)\ntoken ~ softmax(W h + b)\n"},
    {{"a"},
     "data token : chars\na = 1\nhidden = 5\nh = tanh(a * V token[t-1] + U (a * h[t-1]) + b)\ntoken ~ softmax(a * W h + c)\n"
     "param c\n"},
    {{"a", "d"},
     "data token : chars\na = 1\nd = 1\nhidden = 17\nparam c\nk = exp(a) + d * c\n"
     "h = d * h[t-1] + (1 - a / 4) * relu(V token[t-1] + k)\ntoken ~ softmax(W [h, h * a] + b)\n"},
    {{"a"},
     "data token : chars\na = 1\nhidden = 6\ns = softmax(a * V embed(token[t-1], 3))\nh = layernorm(P embed(token[t-1], 3) + a * U "
     "h[t-1] + s)\n"
     "token ~ softmax(W h + b)\n"},
    {{"a", "d"},
     "data token : chars\na = 1\nd = 1\nhidden = 5\nh = lstm_steep(embed(token[t-1], 4), 5, s = a * d)\n"
     "token ~ softmax(a * d + W h)\n"},
    {{"a"}, "data token : chars\na = 1\nh = a * embed(token[t-1], 7) + h[t-1]\nk = [h, a]\ntoken ~ softmax(W k + min(a, h))\n"},
};
enum { NETS = sizeof nets / sizeof *nets };
static const double values[][2] = {{1, 1}, {0.25, 1.5}, {0, 2}, {3, -1}, {0.1, 0.7}, {1, 1}};
enum { VALUES = sizeof values / sizeof *values };

static void near(int net, int k, const char *what, double a, double b, double scale, double limit) {
  if (!(fabs(a - b) <= limit * scale + 1e-12)) fail_msg("net %d, values %d, %s: %.9g and %.9g", net, k, what, a, b);
}

static void compare(int i, int k, const varied *v, const batch *b) {
  reference ref = {0};
  assert_int_equal(reference_pass(&ref, &v->n.g, v->n.exact, b, NULL, 1, NULL), UNROLL_OK);
  near(i, k, "loss", run_loss(v->r, 0), reference_loss(&ref, 0), fabs(reference_loss(&ref, 0)), 1e-5);
  double largest = 0;
  for (int64_t w = 0; w < v->n.g.n_weights; w++) largest = fmax(largest, fabs(ref.gradient[w]));
  assert_true(largest > 1e-4 || values[k][0] == 0);
  for (int64_t w = 0; w < v->n.g.n_weights; w++)
    near(i, k, "gradient", (double)run_gradient(v->r)[w], ref.gradient[w], largest, 1e-4);
  for (int64_t w = 0; w < v->n.g.n_weights; w += 7) { /* and the gradient with differences */
    const double was = v->n.exact[w], e = 1e-4;
    reference side[2] = {{0}, {0}};
    for (int s = 0; s < 2; s++) {
      v->n.exact[w] = s ? was - e : was + e;
      assert_int_equal(reference_pass(&side[s], &v->n.g, v->n.exact, b, NULL, 1, NULL), UNROLL_OK);
    }
    v->n.exact[w] = was;
    near(i, k, "difference", (testnet_loss(&side[0], b) - testnet_loss(&side[1], b)) / (2 * e), ref.gradient[w], largest, 1e-4);
    reference_free(&side[0]);
    reference_free(&side[1]);
  }
  reference_free(&ref);
}

static void test_follows(void **state) {
  (void)state;
  for (int i = 0; i < NETS; i++) {
    if (!part_takes(i)) continue;
    varied v;
    random_batch b;
    double losses[VALUES];
    varied_new(&v, nets[i].text, nets[i].names, nets[i].names[1] ? 2 : 1);
    assert_int_equal(random_batch_new(&b, &v.n.g, testlengths_rows(4), testlengths[4], 5, NULL), UNROLL_OK);
    for (int k = 0; k < VALUES; k++) {
      for (int n = 0; n < v.n.g.n_varying; n++) v.n.g.varying[n] = values[k][n];
      const long before = mem_count();
      run_carry_reset(v.r);
      run_pass(v.r, &b.b, 1);
      assert_int_equal(mem_count(), before); /* no new plan, no memory */
      losses[k] = run_loss(v.r, 0);
      compare(i, k, &v, &b.b);
      if (k == 1) assert_true(losses[1] != losses[0]);
    }
    assert_true(losses[0] == losses[VALUES - 1]);
    random_batch_free(&b);
    varied_free(&v);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_follows)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
