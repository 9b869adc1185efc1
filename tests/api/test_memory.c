/* test_memory.c - memory that runs out anywhere in a call is UNROLL_FAILED, and nothing is left behind. */
#include "base/memory.h"
#include "made.h"

static unroll_model *m, *answers;
static unroll_table *t, *questions;

static unroll_status predict(unroll_error *err) {
  unroll_result *r = NULL;
  const unroll_status status = unroll_predict(m, t, NULL, &r, err);
  assert_true((r != NULL) == (status == UNROLL_OK));
  unroll_result_free(r);
  return status;
}

static unroll_status evaluate(unroll_error *err) {
  unroll_result *r = NULL;
  const unroll_status status = unroll_evaluate(m, t, NULL, &r, err);
  unroll_result_free(r);
  return status;
}

static unroll_status references(unroll_error *err) {
  unroll_result *r = NULL;
  unroll_options *o = unroll_options_new("eval");
  unroll_status status = o ? unroll_options_set(o, "decode", "yes", err) : UNROLL_FAILED;
  if (!status) status = unroll_options_set(o, "references", "b,c", err);
  if (!status) status = unroll_evaluate(answers, questions, o, &r, err);
  if (!status) assert_int_equal(unroll_result_find(r, "variables/a/generated", "sequences"), 2);
  unroll_result_free(r);
  unroll_options_free(o);
  return status;
}

static unroll_status score(unroll_error *err) {
  unroll_result *r = NULL;
  const unroll_status status = unroll_score_table(m, t, NULL, &r, err);
  unroll_result_free(r);
  return status;
}

static unroll_status trace(unroll_error *err) {
  static const char *const names[] = {"h", "h.z"};
  unroll_result *r = NULL;
  const unroll_status status = unroll_trace(m, t, names, 2, NULL, &r, err);
  unroll_result_free(r);
  return status;
}

static unroll_status session(unroll_error *err) {
  unroll_session *s = NULL, *copy = NULL;
  unroll_value v;
  unroll_value_init(&v);
  unroll_status status = unroll_session_new_rows(&s, m, 2, err);
  for (int row = 0; row < 2 && !status; row++) {
    status = unroll_session_set_text(s, row, "text", "cat", 3, err);
    if (!status) status = unroll_session_set_numbers(s, row, "x", (const float[]){1, 2}, 2, err);
  }
  if (!status) status = unroll_session_step(s, err);
  if (!status) status = unroll_session_draw(s, 1, "tag", NULL, &v, err);
  if (!status) status = unroll_session_clone(&copy, s, err);
  unroll_session_free(s);
  unroll_session_free(copy);
  return status;
}

static unroll_status table(unroll_error *err) {
  unroll_table *own = unroll_table_new();
  if (!own) return UNROLL_FAILED;
  unroll_status status = unroll_table_add_texts(own, "a", (const char *const[]){"x", "y"}, NULL, 2, err);
  if (!status) status = unroll_table_add_sequences(own, "b", (const float[]){1, 2, 3}, (const int64_t[]){0, 1, 3}, 2, 1, err);
  unroll_table_free(own);
  return status;
}

static unroll_status options(unroll_error *err) {
  unroll_options *o = unroll_options_new("predict");
  if (!o) return UNROLL_FAILED;
  const unroll_status status = unroll_options_set(o, "tagged", "a,b", err);
  unroll_options_free(o);
  return status;
}

static unroll_status load(unroll_error *err) {
  char path[300];
  unroll_model *other = NULL;
  in_folder(path, "fed/model.safetensors");
  const unroll_status status = unroll_model_load(&other, path, err);
  unroll_model_free(other);
  return status;
}

static void test_no_memory(void **state) {
  static unroll_status (*const calls[])(unroll_error * err) = {predict, evaluate, references, score, trace,
                                                               session, table,    options,    load};
  static const char net[] = "data text : words\ndata tag : category\ndata x : numbers(2)\ncell = gru\n"
                            "h = cell([embed(text, 6), x], 8)\ntag ~ softmax(W h + b)\n";
  static const char generates[] = "data q : words\ndata a : words(9)\ns = gru(embed(q, 2), 3, backward)\n"
                                  "d = gru(embed(a[t-1], 2), 3, start = s)\na ~ softmax(W d + b)\n";
  (void)state;
  t = make_sentences();
  m = make_model("fed", net, t, few);
  questions = unroll_table_new();
  assert_non_null(questions);
  OK(unroll_table_add_texts(questions, "q", (const char *const[]){"x y", "y"}, NULL, 2, err));
  OK(unroll_table_add_texts(questions, "a", (const char *const[]){"one two", "two"}, NULL, 2, err));
  OK(unroll_table_add_texts(questions, "b", (const char *const[]){"two", ""}, NULL, 2, err));
  OK(unroll_table_add_texts(questions, "c", (const char *const[]){"one", "one one"}, NULL, 2, err));
  answers = make_model("answers", generates, questions, few);
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    OK(calls[i](err));
    const long live = mem_live();
    unroll_status status = UNROLL_FAILED;
    long n = 0;
    while (status != UNROLL_OK && n < 5000) {
      mem_fail_after(++n, 0);
      status = calls[i](NULL);
      mem_fail_after(0, 0);
      if (status != UNROLL_OK && status != UNROLL_FAILED) fail_msg("call %zu, allocation %ld: status %d", i, n, (int)status);
      if (mem_live() != live) fail_msg("call %zu, allocation %ld: %ld blocks are left", i, n, mem_live() - live);
    }
    assert_int_equal(status, UNROLL_OK);
    assert_true(n > 2);
  }
  unroll_model_free(m);
  unroll_model_free(answers);
  unroll_table_free(t);
  unroll_table_free(questions);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_memory)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
