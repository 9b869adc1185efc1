/* How gradients flow back: closed forms. */
#include "made.h"

static void put(const char *name, const char *content) {
  char file[300];
  in_folder(file, name);
  FILE *f = fopen(file, "w");
  assert_non_null(f);
  fputs(content, f);
  fclose(f);
}

/* `inits`: values of option "init", a NULL at the end; or NULL. */
static unroll_model *untrained(const char *name, const char *net, const unroll_table *t, const char *const *inits) {
  char file[300];
  unroll_model *m = NULL;
  put(name, net);
  in_folder(file, name);
  unroll_options *o = unroll_options_new("train");
  set(o, "net", file);
  for (; inits && *inits; inits++) set(o, "init", *inits);
  OK(unroll_untrained(o, t, &m, err));
  unroll_options_free(o);
  return m;
}

static unroll_result *flow_of(const unroll_model *m, const unroll_table *t, const char *lags) {
  unroll_result *r = NULL;
  unroll_options *o = unroll_options_new("flow");
  set(o, "lags", lags);
  OK(unroll_flow(m, t, o, &r, err));
  unroll_options_free(o);
  return r;
}

/* |dL/ds[t-k]| / |dL/ds[t]| of the state. */
static double ratio(const unroll_result *r, const char *state, int k) {
  for (int64_t i = 0; i < unroll_result_rows(r); i++) {
    unroll_row row;
    unroll_value v;
    unroll_row_init(&row);
    unroll_value_init(&v);
    OK(unroll_result_row(r, i, &row, err));
    OK(unroll_result_value(r, i, "norms", &v, err));
    if (strcmp(row.series, state) != 0) continue;
    assert_true(k < v.steps && v.numbers[0] > 0);
    return v.numbers[k] / v.numbers[0];
  }
  fail_msg("no state %s", state);
  return 0;
}

static void near(double x, double wanted) {
  if (!(fabs(x - wanted) <= 1e-5 * fabs(wanted))) fail_msg("%.9g instead of %.9g", x, wanted);
}

/* h = e h[t-1] + x: the gradient k steps back is e^k of what it is, and its logarithm grows by ln e a step. */
static void test_linear(void **state) {
  static const double values[] = {0.5, 1, 2};
  (void)state;
  for (int i = 0; i < 3; i++) {
    char net[200];
    snprintf(net, sizeof net, "data x : numbers\ndata y : numbers\nh = %g * h[t-1] + x\ny ~ gaussian(mean = h, scale = 1)\n",
             values[i]);
    unroll_model *m = untrained("linear.net", net, NULL, NULL);
    unroll_result *r = flow_of(m, NULL, "20");
    for (int k = 0; k <= 20; k += 4) near(ratio(r, "h", k), pow(values[i], k));
    assert_true(fabs(unroll_result_find(r, "", "exponent") - log(values[i])) < 1e-5);
    unroll_result_free(r);
    unroll_model_free(m);
  }
}

/* An LSTM whose matrices are 0: c = sigmoid(bf) c[t-1] + a constant. The gate that is half open halves the gradient at each step,
 * one with bias 3 keeps 95 % of it. */
static void test_lstm(void **state) {
  static const double bias[] = {0, 3};
  static const char net[] =
      "data x : numbers\ndata y : numbers\ncell = lstm\nh = cell(x, 6)\ny ~ gaussian(mean = W h, scale = 1)\n";
  (void)state;
  for (int i = 0; i < 2; i++) {
    char forget[20];
    snprintf(forget, sizeof forget, "h.bf=%g", bias[i]);
    const char *const inits[] = {"h.W*=0", "h.U*=0", "h.bg=1", forget, NULL};
    unroll_model *m = untrained("lstm.net", net, NULL, inits);
    unroll_result *r = flow_of(m, NULL, "12");
    for (int k = 1; k <= 12; k++) near(ratio(r, "h.c", k), pow(1 / (1 + exp(-bias[i])), k));
    unroll_result_free(r);
    unroll_model_free(m);
  }
}

/* On data of a table, examples shorter than the lags; and a net that goes both ways, with one loss for all. */
static void test_data(void **state) {
  static const char both[] = "data x : numbers\ndata y : numbers\nf = 0.5 * f[t-1] + x\nb = quarter(x, 1, backward)\n"
                             "y ~ gaussian(mean = last(f) + first(b), scale = 1)\n";
  double x[3] = {1, 2, 3};
  float steps[15];
  const int64_t first[] = {0, 4, 9, 15};
  (void)state;
  for (int i = 0; i < 15; i++) steps[i] = 1;
  put("quarter.cell", "h = 0.25 * h[t-1] + V x\n");
  unroll_table *t = unroll_table_new();
  OK(unroll_table_add_sequences(t, "x", steps, first, 3, 1, err));
  OK(unroll_table_add_numbers(t, "y", x, 3, err));
  unroll_model *m = untrained("both.net", both, t, NULL);
  unroll_result *r = flow_of(m, t, "8");
  assert_int_equal(unroll_result_rows(r), 2);
  near(ratio(r, "f", 3), 0.125);
  near(ratio(r, "b", 3), 1.0 / 64);
  assert_true(isnan(ratio(r, "f", 6))); /* no example is so long */
  unroll_result_free(r);
  unroll_model_free(m);
  unroll_table_free(t);
}

/* Radius and singular values of known matrices: 3 I; a rotation by 90 degrees, twice as long; one that is 0 after two steps. */
static void test_matrices(void **state) {
  static const char *const inits[] = {"identity", "orthogonal"};
  (void)state;
  for (int i = 0; i < 2; i++) {
    char net[300];
    snprintf(net, sizeof net,
             "data x : numbers\ndata y : numbers\nwidth h = 5\nh = tanh(U h[t-1] + V x)\ny ~ gaussian(mean = W h, scale = 1)\n"
             "init U = %s\n",
             inits[i]);
    unroll_model *m = untrained("matrix.net", net, NULL, NULL);
    unroll_result *r = flow_of(m, NULL, "4");
    near(unroll_result_find(r, "matrices/U", "spectral_radius"), 1);
    near(unroll_result_find(r, "matrices/U", "largest"), 1);
    near(unroll_result_find(r, "matrices/U", "least"), 1);
    unroll_result_free(r);
    unroll_model_free(m);
  }
}

static void test_refused(void **state) {
  static const char none[] = "data x : numbers\ndata y : numbers\ny ~ gaussian(mean = W x, scale = 1)\n";
  unroll_result *r = NULL;
  unroll_error e = {0};
  (void)state;
  unroll_model *m = untrained("none.net", none, NULL, NULL);
  assert_int_equal(unroll_flow(m, NULL, NULL, &r, &e), UNROLL_USAGE);
  assert_non_null(strstr(e.message, "no state"));
  unroll_model_free(m);
}

int main(void) {
  (void)make_sentences, (void)make_model;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_linear), cmocka_unit_test(test_lstm), cmocka_unit_test(test_data),
                                     cmocka_unit_test(test_matrices), cmocka_unit_test(test_refused)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
