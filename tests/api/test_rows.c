/* test_rows.c - rows that are handed over one by one are those that are kept otherwise; the caller may have enough; what is drawn
 * is new; values as lines, symbols as texts. */
#include "made.h"

typedef struct taker {
  const unroll_result *kept;
  int64_t n, most;
} taker;

/* Is it the row that is kept? */
static int take(void *context, const unroll_result *one) {
  taker *t = context;
  unroll_row a, b;
  unroll_value x, y;
  unroll_row_init(&a);
  unroll_row_init(&b);
  unroll_value_init(&x);
  unroll_value_init(&y);
  assert_int_equal(unroll_result_rows(one), 1);
  OK(unroll_result_row(one, 0, &a, err));
  OK(unroll_result_row(t->kept, t->n, &b, err));
  assert_true(a.example == b.example && a.number == b.number && (a.log2_p == b.log2_p || isnan(b.log2_p)));
  OK(unroll_result_value(one, 0, NULL, &x, err));
  OK(unroll_result_value(t->kept, t->n, NULL, &y, err));
  assert_true(x.steps == y.steps && x.length == y.length);
  assert_string_equal(x.text, y.text);
  for (int64_t i = 0; i < x.steps; i++) {
    assert_int_equal(x.symbols[i], y.symbols[i]);
    if (y.p) assert_true(x.p[i] == y.p[i]);
    if (y.log2_p) assert_true(x.log2_p[i] == y.log2_p[i]);
  }
  return ++t->n == t->most;
}

typedef unroll_status table_call(const unroll_model *m, const unroll_table *t, const unroll_options *o, unroll_result **out,
                                 unroll_error *err);

static void test_rows(void **state) {
  static const struct {
    const char *command;
    table_call *call;
  } rows[] = {{"predict", unroll_predict}, {"score", unroll_score_table}};
  (void)state;
  unroll_table *t = make_sentences();
  unroll_model *m = make_model("rows", tagger, t, few);
  for (int i = 0; i < 2; i++)
    for (int64_t most = 5; most <= SENTENCES; most += SENTENCES - 5) {
      unroll_options *o = unroll_options_new(rows[i].command);
      unroll_result *kept = NULL, *r = NULL;
      OK(rows[i].call(m, t, o, &kept, err));
      assert_int_equal(unroll_result_rows(kept), SENTENCES);
      taker x = {.kept = kept, .most = most};
      unroll_options_set_rows(o, take, &x);
      OK(rows[i].call(m, t, o, &r, err));
      assert_int_equal(x.n, most);
      assert_int_equal(unroll_result_rows(r), 0);
      unroll_result_free(r);
      unroll_result_free(kept);
      unroll_options_free(o);
    }
  unroll_model_free(m);
  unroll_table_free(t);
}

static const char speller[] = "data token : chars lines\nh = gru(embed(token[t-1], 4), 8)\ntoken ~ softmax(W h + b)\n";

static void test_drawn(void **state) {
  static const char *const lines[] = {"ab", "aab", "abb", "ba"};
  const char *list[40];
  char path[300];
  (void)state;
  for (int i = 0; i < 40; i++) list[i] = lines[i % 4];
  unroll_table *t = unroll_table_new();
  OK(unroll_table_add_texts(t, "token", list, NULL, 40, err));
  unroll_model *m = make_model("speller", speller, t, (const char *const[]){"steps", "60", "lr", "0.02", NULL});
  unroll_options *o = unroll_options_new("sample");
  unroll_result *kept = NULL, *r = NULL;
  unroll_error e;
  set(o, "number", "12");
  set(o, "prime", "a");
  OK(unroll_generate(m, o, &kept, err));
  assert_int_equal(unroll_result_rows(kept), 12);
  taker x = {.kept = kept, .most = 12};
  unroll_options_set_rows(o, take, &x);
  OK(unroll_generate(m, o, &r, err));
  assert_int_equal(x.n, 12);
  unroll_result_free(r);
  unroll_result_free(kept);
  /* none of a list, and none twice */
  in_folder(path, "known");
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fputs("ab\r\nabb\n", f);
  fclose(f);
  set(o, "not-in", path);
  unroll_options_set_rows(o, NULL, NULL);
  OK(unroll_generate(m, o, &r, err));
  assert_true(unroll_result_rows(r) > 1 && unroll_result_rows(r) <= 12);
  unroll_value v, w;
  unroll_value_init(&v);
  unroll_value_init(&w);
  for (int64_t i = 0; i < unroll_result_rows(r); i++) {
    OK(unroll_result_value(r, i, NULL, &v, err));
    assert_true(v.text[0] == 'a' && strcmp(v.text, "ab") && strcmp(v.text, "abb"));
    for (int64_t k = 0; k < i; k++) {
      OK(unroll_result_value(r, k, NULL, &w, err));
      assert_true(strcmp(v.text, w.text) != 0);
    }
  }
  unroll_result_free(r);
  set(o, "output", path);
  assert_int_equal(unroll_generate(m, o, &r, &e), UNROLL_USAGE);
  unroll_options_free(o);
  unroll_model_free(m);
  unroll_table_free(t);
}

static void test_lines(void **state) {
  const double means[] = {1, 2.5, 100000001, -3}, quantiles[] = {0.5, 1.5}, levels[] = {0.1, 0.9};
  unroll_value v;
  char *line;
  (void)state;
  unroll_value_init(&v);
  v.steps = v.width = 2;
  v.numbers = means;
  OK(unroll_value_line(&v, &line, err));
  assert_string_equal(line, "1;2.5 100000001;-3");
  unroll_free(line);
  v.steps = v.width = 1;
  v.n_levels = 2;
  v.levels = levels;
  v.quantiles = quantiles;
  OK(unroll_value_line(&v, &line, err));
  assert_string_equal(line, "0.5;1.5");
  unroll_free(line);
  unroll_value_init(&v);
  v.text = "a\\b\nc";
  v.length = 5;
  OK(unroll_value_line(&v, &line, err));
  assert_string_equal(line, "a\\b\\nc");
  unroll_free(line);
}

static void test_texts(void **state) {
  (void)state;
  unroll_table *t = make_sentences();
  unroll_model *m = make_model("texts", tagger, t, few);
  unroll_result *r = NULL;
  unroll_value v;
  unroll_series s;
  unroll_error e;
  char *text;
  size_t length;
  unroll_value_init(&v);
  unroll_series_init(&s);
  OK(unroll_predict(m, t, NULL, &r, err));
  OK(unroll_result_value(r, 0, "tag", &v, err));
  OK(unroll_model_text(m, "tag", v.symbols, v.steps, &text, &length, err));
  assert_string_equal(text, v.text);
  assert_int_equal(length, v.length);
  unroll_free(text);
  OK(unroll_model_text(m, NULL, v.symbols, 2, &text, NULL, err)); /* the first that is predicted: tag */
  assert_int_equal(strlen(text), 3);
  unroll_free(text);
  assert_int_equal(unroll_model_text(m, "tag", (const int32_t[]){3}, 1, &text, NULL, &e), UNROLL_USAGE);
  assert_int_equal(unroll_model_text(m, "x", v.symbols, 1, &text, NULL, &e), UNROLL_USAGE);
  assert_int_equal(unroll_model_text(m, "tga", v.symbols, 1, &text, NULL, &e), UNROLL_USAGE);
  OK(unroll_model_series(m, &s, err));
  assert_null(s.time);
  unroll_result_free(r);
  unroll_model_free(m);
  unroll_table_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_drawn), cmocka_unit_test(test_lines),
                                     cmocka_unit_test(test_texts)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
