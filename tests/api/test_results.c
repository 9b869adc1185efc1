/* test_results.c - what else a result tells: the tree of what figures are of, confusion tables, rows that were left out; and a call
 * that is stopped. */
#include "made.h"

/* Each figure is of the subject that its path names, and the tree leads back to all of the data. */
static void test_subjects(void **state) {
  (void)state;
  unroll_table *t = make_sentences();
  unroll_model *m = make_model("tree", tagger, t, few);
  unroll_result *r = NULL;
  unroll_figure f;
  unroll_subject s;
  unroll_error e;
  unroll_figure_init(&f);
  unroll_subject_init(&s);
  OK(unroll_evaluate(m, t, NULL, &r, err));
  int labels = 0;
  for (int i = 0; i < unroll_result_figures(r); i++) {
    OK(unroll_result_figure(r, i, &f, err));
    OK(unroll_result_subject(r, f.subject, &s, err));
    assert_true(s.before <= i);
    const char *last = strrchr(f.of, '/') ? strrchr(f.of, '/') + 1 : f.of;
    assert_string_equal(s.is_element ? s.label : s.name, last);
    if (s.is_element && !strcmp(f.name, "support")) {
      assert_string_equal(s.name, "label");
      assert_int_equal(f.value, SENTENCES);
      labels++;
    }
    int depth = 0;
    for (; s.parent >= 0; depth++) OK(unroll_result_subject(r, s.parent, &s, err));
    assert_int_equal(depth, !*f.of ? 0 : !strcmp(f.of, "variables/tag") ? 2 : 4);
  }
  assert_int_equal(labels, 3); /* D, N, V */
  assert_int_equal(unroll_result_subject(r, unroll_result_subjects(r), &s, &e), UNROLL_USAGE);
  assert_int_equal(unroll_result_confusions(r), 0);
  unroll_result_free(r);
  unroll_model_free(m);
  unroll_table_free(t);
}

static void test_confusion(void **state) {
  (void)state;
  unroll_table *t = make_sentences();
  unroll_model *m = make_model("confused", tagger, t, few);
  unroll_options *o = unroll_options_new("eval");
  unroll_result *r = NULL;
  unroll_confusion c;
  unroll_variable v;
  int64_t all = 0, right = 0;
  unroll_confusion_init(&c);
  unroll_variable_init(&v);
  set(o, "confusion", NULL);
  OK(unroll_evaluate(m, t, o, &r, err));
  assert_int_equal(unroll_result_confusions(r), 1);
  OK(unroll_result_confusion(r, 0, &c, err));
  assert_string_equal(c.variable, "tag");
  assert_int_equal(c.n, 3);
  for (int i = 0; i < 3; i++) {
    int64_t row = 0;
    assert_true(c.lengths[i] == 1 && !strcmp(c.labels[i], (const char *[]){"D", "N", "V"}[i]));
    for (int k = 0; k < 3; k++) row += c.counts[i * 3 + k];
    assert_int_equal(row, SENTENCES);
    all += row;
    right += c.counts[i * 3 + i];
  }
  assert_true(fabs((double)right / (double)all - unroll_result_find(r, "variables/tag", "accuracy")) < 1e-12);
  OK(unroll_model_variable(m, 0, &v, err));
  assert_string_equal(v.unit, "words");
  OK(unroll_model_variable(m, 1, &v, err));
  assert_string_equal(v.unit, "labels");
  OK(unroll_model_variable(m, 2, &v, err));
  assert_string_equal(v.unit, "numbers");
  unroll_result_free(r);
  unroll_options_free(o);
  unroll_model_free(m);
  unroll_table_free(t);
}

/* Twelve rows of 40 have no number: ten are shown, and "2 more". */
static void test_left_out(void **state) {
  static const char net[] = "data x : number\ndata label : category\nlabel ~ softmax(W x + b)\n";
  enum { N = 40, BAD = 12 };
  const char *x[N], *label[N];
  (void)state;
  for (int i = 0; i < N; i++) {
    x[i] = i < BAD ? "much" : i % 2 ? "1" : "-1";
    label[i] = i % 2 ? "up" : "down";
  }
  unroll_table *t = unroll_table_new();
  OK(unroll_table_add_texts(t, "x", x, NULL, N, err));
  OK(unroll_table_add_texts(t, "label", label, NULL, N, err));
  unroll_model *m = make_model("bad", net, t, (const char *const[]){"steps", "3", "skip-bad", "yes", NULL});
  unroll_options *o = unroll_options_new("eval");
  unroll_result *r = NULL;
  unroll_error e = {0}, none = {0};
  assert_int_equal(unroll_evaluate(m, t, o, &r, &e), UNROLL_BAD_INPUT);
  set(o, "skip-bad", "yes");
  OK(unroll_evaluate(m, t, o, &r, err));
  assert_int_equal(unroll_result_find(r, "", "bad_rows"), BAD);
  assert_int_equal(unroll_result_find(r, "", "sequences"), N - BAD);
  for (int i = 0; i < 10; i++) {
    OK(unroll_result_left_out(r, i, &e, err));
    assert_true(e.line == i + 2 && strstr(e.message, "much"));
  }
  OK(unroll_result_left_out(r, 10, &e, err));
  assert_true(!e.line && !strcmp(e.message, "2 more"));
  assert_int_equal(unroll_result_left_out(r, 11, &e, &none), UNROLL_USAGE);
  unroll_result_free(r);
  unroll_options_free(o);
  unroll_model_free(m);
  unroll_table_free(t);
}

static void test_stop(void **state) {
  volatile sig_atomic_t stop = 1;
  (void)state;
  unroll_table *t = make_sentences();
  unroll_model *m = make_model("stopped", tagger, t, few);
  unroll_options *o = unroll_options_new("eval");
  unroll_result *r = NULL;
  unroll_error e = {0};
  unroll_options_set_stop(o, &stop);
  assert_int_equal(unroll_evaluate(m, t, o, &r, &e), UNROLL_INTERRUPTED);
  assert_null(r);
  stop = 0;
  OK(unroll_evaluate(m, t, o, &r, err));
  unroll_result_free(r);
  unroll_options_free(o);
  unroll_model_free(m);
  unroll_table_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_subjects), cmocka_unit_test(test_confusion),
                                     cmocka_unit_test(test_left_out), cmocka_unit_test(test_stop)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
