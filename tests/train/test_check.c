/* test_check.c - every built-in cell and net has the right gradient, a wrong one is found, and a dump says what happened.
 * check.c is included whole, so that a gradient can be falsified between its steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include "../../src/verify/check.c"
#include "../part.h"
#include "io/safetensors.h"

static unroll_status check_text(check_report *r, const char *file, const char *source, const check_options *o, unroll_error *err) {
  arena memory = {0};
  program *net;
  *r = (check_report){0};
  unroll_status s = lang_parse(&net, file, source, &memory, err);
  if (s == UNROLL_OK) s = check_net(net, o, r, err);
  arena_free(&memory);
  return s;
}

static void expect_passed(const builtin *b, uint64_t key) {
  check_report r;
  unroll_error err = {0};
  const unroll_status s = check_text(&r, b->file, b->text, &(check_options){.seed = key}, &err);
  if (s != UNROLL_OK) fail_msg("%s: %s:%d:%d: %s", b->file, err.file, err.line, err.column, err.message);
  assert_true(r.n_rows > 0 && r.n_values > 0 && r.n_weights > 0);
  for (int i = 0; i < r.n_rows; i++) {
    const bool place = text_ends(r.rows[i].name, ".across") || text_ends(r.rows[i].name, ".down"); /* no step moves them */
    assert_true(place ? r.rows[i].entries == 0 : r.rows[i].entries > 0);
    if (!(r.rows[i].difference < CHECK_DIFFERENCE_LIMIT && r.rows[i].plan < CHECK_PLAN_LIMIT))
      fail_msg("%s, %s: %g against differences, %g against the plan", b->file, r.rows[i].name, r.rows[i].difference,
               r.rows[i].plan);
  }
  if (!r.passed) fail_msg("%s: %g, %g", b->file, r.worst_difference, r.worst_plan);
  check_free(&r);
}

static void test_cells(void **state) {
  (void)state;
  for (int i = 0; lang_cells[i].name; i++)
    for (uint64_t key = 1; key <= 2; key++)
      if (part_takes(i + (int)key)) expect_passed(&lang_cells[i], key);
}

static void test_nets(void **state) {
  (void)state;
  for (int i = 0; lang_nets[i].name; i++)
    if (part_takes(i)) expect_passed(&lang_nets[i], 1);
}

/* A larger net is sampled, forty entries a parameter. */
static void test_sample(void **state) {
  (void)state;
  const setting sizes[] = {{.name = "hidden", .number = 26}};
  const builtin *b = lang_builtin_net("language");
  check_report r;
  assert_non_null(b);
  assert_int_equal(check_text(&r, b->file, b->text, &(check_options){.settings = sizes, .n_settings = 1}, NULL), UNROLL_OK);
  assert_true(r.passed && r.n_weights > ALL_BELOW);
  for (int i = 0; i < r.n_rows; i++) {
    const int64_t count = (int64_t)r.rows[i].rows * r.rows[i].cols;
    assert_int_equal(r.rows[i].entries, count < SAMPLE ? count : SAMPLE);
  }
  check_free(&r);
}

/* A flipped sign, a lost factor and a single wrong entry are each found, in the parameter where they are and nowhere else. */
static void test_wrong_gradient(void **state) {
  (void)state;
  const builtin *b = lang_builtin_cell("gru");
  for (int fault = 0; fault < 3; fault++) {
    arena memory = {0};
    program *net;
    check_run c = {0};
    check_report r = {0};
    graph forward;
    const check_options o = {.seed = 4};
    graph_init(&c.g);
    graph_init(&forward);
    assert_int_equal(lang_parse(&net, b->file, b->text, &memory, NULL), UNROLL_OK);
    assert_int_equal(build(&c.g, net, &o, &memory, NULL), UNROLL_OK);
    assert_int_equal(build(&forward, net, &o, &memory, NULL), UNROLL_OK);
    assert_int_equal(graph_differentiate(&c.g, NULL), UNROLL_OK);
    c.weights = mem_zero((size_t)c.g.n_weights, sizeof *c.weights);
    c.exact = mem_zero((size_t)c.g.n_weights, sizeof *c.exact);
    assert_int_equal(prepare_report(&r, &c.g, NULL), UNROLL_OK);
    assert_int_equal(make_run(&c, &r, 4, NULL), UNROLL_OK);
    const int wrong = c.g.n_params / 2;
    const param *w = &c.g.params[wrong];
    double *d = c.ref.gradient + w->offset;
    for (int i = 0; i < w->rows * w->cols; i++) d[i] *= fault == 0 ? -1 : fault == 1 ? 1.001 : i == 1 ? 0.99 : 1;
    bool doubtful = false;
    assert_int_equal(check_differences(&c, &forward, r.rows, &doubtful, NULL), UNROLL_OK);
    assert_false(doubtful);
    for (int p = 0; p < c.g.n_params; p++) assert_int_equal(r.rows[p].difference > CHECK_DIFFERENCE_LIMIT, p == wrong);
    mem_free(c.weights);
    mem_free(c.exact);
    reference_free(&c.ref);
    random_batch_free(&c.batch);
    graph_free(&c.g);
    graph_free(&forward);
    check_free(&r);
    arena_free(&memory);
  }
}

static const tensor *tensor_of(const tensor_file *f, const char *name, enum tensor_type type, int rank, int64_t a, int64_t b) {
  const tensor *t = tensor_find(f, name);
  if (!t) fail_msg("the dump has no %s", name);
  assert_int_equal(t->type, type);
  assert_int_equal(t->rank, rank);
  if (rank > 0) assert_int_equal(t->shape[0], a);
  if (rank > 1) assert_int_equal(t->shape[1], b);
  return t;
}

/* The loss in a dump is what the logits and symbols in it say. */
static void test_dump(void **state) {
  (void)state;
  char path[] = "/tmp/unroll-check-XXXXXX";
  const int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
  const builtin *b = lang_builtin_net("names");
  check_report r;
  tensor_file f;
  assert_int_equal(check_text(&r, b->file, b->text, &(check_options){.dump = path}, NULL), UNROLL_OK);
  assert_int_equal(tensor_file_load(&f, path, NULL), UNROLL_OK);
  const int T = r.steps, B = r.sequences;
  const tensor *lengths = tensor_of(&f, "lengths", TENSOR_I32, 1, B, 0);
  const tensor *symbols = tensor_of(&f, "input.token", TENSOR_I32, 2, T, B);
  const tensor *late = tensor_of(&f, "input.token.lag1", TENSOR_I32, 2, T, B);
  const tensor *logits = tensor_of(&f, "output.token", TENSOR_F64, 3, T, B);
  tensor_of(&f, "single.output.token", TENSOR_F32, 3, T, B);
  for (int i = 0; i < r.n_rows; i++) {
    static const char *const kinds[] = {"weight.", "gradient.", "single.gradient."};
    for (int k = 0; k < 3; k++) {
      char name[128];
      snprintf(name, sizeof name, "%s%s", kinds[k], r.rows[i].name);
      tensor_of(&f, name, k == 1 ? TENSOR_F64 : TENSOR_F32, r.rows[i].vector ? 1 : 2, r.rows[i].rows, r.rows[i].cols);
    }
  }
  const int N = (int)logits->shape[2];
  double sum = 0, said, scale;
  int predicted = 0;
  for (int seq = 0; seq < B; seq++) {
    int32_t length, before = -1;
    memcpy(&length, (const char *)lengths->data + 4 * seq, 4);
    for (int t = 0; t < T; t++) {
      int32_t symbol, lagged;
      memcpy(&symbol, (const char *)symbols->data + 4 * (t * B + seq), 4);
      memcpy(&lagged, (const char *)late->data + 4 * (t * B + seq), 4);
      if (t >= length) {
        assert_int_equal(symbol, -1);
        continue;
      }
      assert_int_equal(lagged, before);
      before = symbol;
      double total = 0, x, own = 0;
      for (int j = 0; j < N; j++) {
        memcpy(&x, (const char *)logits->data + 8 * ((t * B + seq) * N + j), 8);
        total += exp(x);
        if (j == symbol) own = x;
      }
      sum += log(total) - own;
      predicted++;
    }
  }
  memcpy(&said, tensor_of(&f, "loss.token", TENSOR_F64, 0, 0, 0)->data, 8);
  memcpy(&scale, tensor_of(&f, "loss_scale", TENSOR_F64, 0, 0, 0)->data, 8);
  assert_true(fabs(said - sum) < 1e-10);
  assert_true(fabs(scale * predicted - 1) < 1e-12);
  assert_true(fabs(r.loss - sum / predicted) < 1e-10);
  assert_string_equal(tensor_metadata(&f, "net"), b->text);
  tensor_file_free(&f);
  check_free(&r);
  unlink(path);
}

static void test_errors(void **state) {
  (void)state;
  static const struct {
    const char *text;
    unroll_status status;
  } table[] = {
      {"data x : numbers\nh = tanh(A x)\n", UNROLL_BAD_INPUT}, /* predicts nothing */
      {"data x : numbers\ny = tahn(x)\n", UNROLL_BAD_INPUT},
      {"data x : numbers\ndata k : category\nk ~ softmax(A log(0 - x^2))\n", UNROLL_FAILED}, /* not finite */
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    check_report r;
    unroll_error err = {0};
    assert_int_equal(check_text(&r, "test.net", table[i].text, &(check_options){0}, &err), table[i].status);
    assert_true(err.message[0]);
    check_free(&r);
  }
}

/* Each failing allocation gives a status and leaks nothing. */
static void test_memory(void **state) {
  (void)state;
  const builtin *b = lang_builtin_net("names");
  const long live = mem_live();
  for (long fail = 1; fail < 400; fail += 1 + fail / 16) {
    check_report r;
    mem_fail_after(fail, 1);
    const unroll_status s = check_text(&r, b->file, b->text, &(check_options){0}, NULL);
    mem_fail_after(0, 0);
    check_free(&r);
    assert_int_equal(mem_live(), live);
    assert_int_equal(s, UNROLL_FAILED);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cells),          cmocka_unit_test(test_nets), cmocka_unit_test(test_sample),
      cmocka_unit_test(test_wrong_gradient), cmocka_unit_test(test_dump), cmocka_unit_test(test_errors),
      cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
