/* test_class_weights.c - weights of labels in a whole training: counted in the training part only, of steps where there are steps,
 * saved, and no allocation that fails does harm. */
#include "help.h"

static char folder[200];

static const char net[] = "data x : number\n"
                          "data y : category\n"
                          "h = lstm(x, 3)\n"
                          "y ~ softmax(W h + b)\n";
/* steps of the series a, b, c: 5 p and 1 q, with a label that is not in it */
static const char rows_of_s[] = "s,x,y\na,1,p\na,2,p\na,3,q\nb,1,p\nb,0,p\nc,4,p\n", other[] = "s,x,y\na,1,r\na,2,q\n";

static int setup(void **state) {
  (void)state;
  folder_make(folder, sizeof folder);
  file_put(folder, "n.net", net, sizeof net - 1);
  file_put(folder, "t.csv", rows_of_s, sizeof rows_of_s - 1);
  file_put(folder, "v.csv", other, sizeof other - 1);
  file_put(folder, "w.tsv", "r\t3\nq\t0.1\np\t7\n", 14);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  folder_remove(folder);
  assert_int_equal(mem_live(), 0);
  return 0;
}

static const char *in(const char *name, char out[300]) {
  snprintf(out, 300, "%s/%s", folder, name);
  return out;
}

static unroll_status train(const char *weights, unroll_error *err) {
  static char files[4][300];
  train_options o = small_options(in("n.net", files[0]), in("t.csv", files[1]), in("out", files[2]));
  train_result r;
  o.n_settings = 0;
  o.series = "s";
  o.valid = in("v.csv", files[3]);
  o.steps = 2;
  o.class_weights = weights;
  return train_run(&o, NULL, &r, err);
}

/* Saved for p, q, r; and in the graph of the model only where it has a gradient. */
static void expect(const float wanted[3]) {
  static const char *const names[2] = {"out/model.safetensors", "out/checkpoint.safetensors"};
  char path[300];
  for (int i = 0; i < 4; i++) {
    model m;
    OK(model_load(&m, in(names[i / 2], path), i % 2, err));
    assert_int_equal(m.n_weighted, 1);
    assert_string_equal(m.weighted[0].name, "y");
    assert_memory_equal(m.weighted[0].values, wanted, 3 * sizeof *wanted);
    if (i % 2)
      assert_memory_equal(m.g.data[1].weights, wanted, 3 * sizeof *wanted);
    else
      assert_null(m.g.data[1].weights);
    assert_int_equal(m.g.losses[0].objective != m.g.losses[0].node, i % 2);
    model_free(&m);
  }
}

static void test_counted(void **state) {
  (void)state;
  OK(train("balanced", err));
  expect((const float[3]){(float)(6.0 / 10), 3, 1});
}

static void test_file(void **state) {
  (void)state;
  char option[320], path[300];
  snprintf(option, sizeof option, "y=%s", in("w.tsv", path));
  OK(train(option, err));
  expect((const float[3]){7, 0.1f, 3});
  OK(train(in("w.tsv", path), err));
  expect((const float[3]){7, 0.1f, 3});
}

static void test_refused(void **state) {
  (void)state;
  static const struct {
    const char *weights, *message;
    unroll_status status;
  } rows[] = {{"x=balanced", "'x' is not predicted", UNROLL_USAGE},        {"z=balanced", "there is no variable 'z'", UNROLL_USAGE},
              {"y=", "takes balanced, FILE or NAME=FILE", UNROLL_USAGE},   {"", "takes balanced, FILE or NAME=FILE", UNROLL_USAGE},
              {"balanced\nbalanced", "given twice for 'y'", UNROLL_USAGE}, {"./y=balanced", "", UNROLL_BAD_INPUT}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    unroll_error e = {0};
    if (train(rows[i].weights, &e) != rows[i].status || !strstr(e.message, rows[i].message))
      fail_msg("'%s': %s", rows[i].weights, e.message);
  }
}

static void test_memory(void **state) {
  (void)state;
  char option[320], path[300];
  snprintf(option, sizeof option, "y=%s", in("w.tsv", path));
  for (int k = 0; k < 2; k++) {
    unroll_status status = UNROLL_FAILED;
    for (long n = 1; n < 20000 && status == UNROLL_FAILED; n++) {
      unroll_error e = {0};
      mem_fail_after(n, 1);
      status = train(k ? "balanced" : option, &e);
      mem_fail_after(0, 0);
      if (status && status != UNROLL_FAILED) fail_msg("allocation %ld: %s", n, e.message);
    }
    assert_int_equal(status, UNROLL_OK);
  }
}

static void test_damaged(void **state) {
  (void)state;
  static const char *const rows[] = {"[]",
                                     "{",
                                     "{\"x\":{}}",
                                     "{\"y\":[1,2,3]}",
                                     "{\"y\":{\"p\":1,\"q\":1}}",
                                     "{\"y\":{\"p\":1,\"q\":1,\"r\":-1}}",
                                     "{\"y\":{\"p\":1,\"q\":1,\"r\":1e99}}",
                                     "{\"y\":{\"p\":1,\"q\":1,\"s\":1}}",
                                     "{\"y\":{\"p\":1,\"q\":1,\"r\":\"1\"}}"};
  char path[300];
  OK(train("balanced", err));
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    tensor_file f;
    model m;
    unroll_error e = {0};
    OK(tensor_file_load(&f, in("out/model.safetensors", path), err));
    for (size_t k = 0; k < f.metadata; k++)
      if (!strcmp(f.keys[k], "class_weights")) f.values[k] = rows[i];
    if (model_from_tensors(&m, "m", &f, true, &e) != UNROLL_BAD_INPUT || !strstr(e.message, "'class_weights'"))
      fail_msg("'%s': %s", rows[i], e.message);
    tensor_file_free(&f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_counted), cmocka_unit_test(test_file), cmocka_unit_test(test_refused),
                                     cmocka_unit_test(test_memory), cmocka_unit_test(test_damaged)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
