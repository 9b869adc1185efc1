/* test_session.c - sessions of any net: steps of several variables, rows side by side, copies, saved places. */
#include "made.h"

static const char seq_tagger[] = "data text : words\ndata tag : category\ndata x : numbers(2)\ncell = gru\n"
                                 "h = cell([embed(text, 6), embed(tag[t-1], 3), x], 8)\ntag ~ softmax(W h + b)\n";

static const char *const words[] = {"the", "cat", "sat"};

/* Step s of sentence i, whose words are 0 */
static void give(unroll_session *s, int row, int i, int step) {
  const float x[] = {SENTENCE_X(i, 2 * step), SENTENCE_X(i, 2 * step + 1)};
  OK(unroll_session_set_text(s, row, "text", words[step], strlen(words[step]), err));
  OK(unroll_session_set_numbers(s, row, "x", x, 2, err));
}

/* A session says of each step what predict says of the sentence; so does each row of a batch. */
static void test_steps(void **state) {
  (void)state;
  unroll_table *t = make_sentences();
  unroll_model *m = make_model("tagger", tagger, t, few);
  unroll_result *r = NULL;
  unroll_session *one = NULL, *many = NULL;
  unroll_value v, w;
  unroll_error e;
  unroll_value_init(&v);
  unroll_value_init(&w);
  unroll_options *all = unroll_options_new("predict");
  set(all, "probabilities", NULL);
  OK(unroll_predict(m, t, all, &r, err));
  unroll_options_free(all);
  OK(unroll_session_new(&one, m, err));
  OK(unroll_session_new_rows(&many, m, 3, err));
  assert_int_equal(unroll_session_value(one, 0, "tag", &v, &e), UNROLL_USAGE); /* no step yet */
  assert_null(unroll_session_log_p(one));
  assert_int_equal(unroll_session_feed(one, 0, &e), UNROLL_USAGE);
  for (int step = 0; step < WORDS; step++) {
    give(one, 0, 0, step);
    for (int row = 0; row < 3; row++) give(many, row, 4 * row, step); /* sentences 0, 4, 8 have these words */
    OK(unroll_session_step(one, err));
    OK(unroll_session_step(many, err));
    for (int row = 0; row < 3; row++) {
      OK(unroll_result_value(r, 4 * row, "tag", &w, err));
      OK(unroll_session_value(many, row, NULL, &v, err));
      assert_int_equal(v.symbols[0], w.symbols[step]);
      assert_string_equal(v.text, unroll_model_label(m, "tag", w.symbols[step], NULL));
      for (int k = 0; k < 3; k++) assert_true(fabsf(v.probabilities[k] - w.probabilities[step * 3 + k]) < 1e-5f);
    }
    OK(unroll_result_value(r, 0, "tag", &w, err));
    OK(unroll_session_value(one, 0, "tag", &v, err));
    for (int k = 0; k < 3; k++) assert_true(fabsf(v.probabilities[k] - w.probabilities[step * 3 + k]) < 1e-5f);
  }
  assert_int_equal(unroll_session_step(one, &e), UNROLL_USAGE);
  assert_non_null(strstr(e.message, "'text' is not set"));
  assert_int_equal(unroll_session_set_text(one, 0, "test", "cat", 3, &e), UNROLL_USAGE);
  assert_non_null(strstr(e.message, "'text'"));
  assert_int_equal(unroll_session_set_text(one, 1, "text", "cat", 3, &e), UNROLL_USAGE);
  assert_int_equal(unroll_session_set_text(one, 0, "x", "1;2;3", 5, &e), UNROLL_BAD_INPUT);
  OK(unroll_session_set_text(one, 0, "x", "1;2", 3, err));
  assert_int_equal(unroll_session_set_symbol(one, 0, "text", 9999, &e), UNROLL_USAGE);
  assert_int_equal(unroll_session_set_symbol(one, 0, "x", 0, &e), UNROLL_USAGE);
  assert_int_equal(unroll_session_set_numbers(one, 0, "x", (const float[]){1}, 1, &e), UNROLL_USAGE);
  assert_int_equal(unroll_session_value(one, 0, "text", &v, &e), UNROLL_USAGE);
  unroll_result_free(r);
  unroll_session_free(one);
  unroll_session_free(many);
  unroll_model_free(m);
  unroll_table_free(t);
}

/* What is fed back must be set; what a greedy session sets is what predict generates. */
static void test_fed_back(void **state) {
  (void)state;
  unroll_table *t = make_sentences();
  unroll_model *m = make_model("fed", seq_tagger, t, few);
  unroll_result *r = NULL;
  unroll_session *s = NULL, *copy = NULL;
  unroll_value v, w;
  unroll_error e;
  unroll_sample_options greedy;
  unroll_value_init(&v);
  unroll_value_init(&w);
  unroll_sample_options_init(&greedy);
  greedy.temperature = 0;
  OK(unroll_predict(m, t, NULL, &r, err));
  OK(unroll_result_value(r, 0, "tag", &w, err));
  OK(unroll_session_new(&s, m, err));
  assert_int_equal(unroll_session_set_symbol(s, 0, "tag", 0, &e), UNROLL_USAGE); /* before any step */
  for (int step = 0; step < WORDS; step++) {
    give(s, 0, 0, step);
    if (step == 1) {
      assert_int_equal(unroll_session_step(s, &e), UNROLL_USAGE);
      assert_non_null(strstr(e.message, "'tag' has no value for the step before"));
      OK(unroll_session_draw(s, 0, "tag", &greedy, &v, err));
      assert_int_equal(v.symbols[0], w.symbols[0]);
    }
    OK(unroll_session_step(s, err));
    if (step == 1) OK(unroll_session_clone(&copy, s, err));
    if (step > 0) OK(unroll_session_draw(s, 0, NULL, &greedy, &v, err));
    if (step > 0) assert_int_equal(v.symbols[0], w.symbols[step]);
  }
  /* The copy goes the same way later, and the saved place brings it back. */
  void *place = NULL;
  size_t size = 0;
  float p[2][3];
  OK(unroll_session_save(copy, &place, &size, err));
  for (int round = 0; round < 2; round++) {
    OK(unroll_session_value(copy, 0, "tag", &v, err));
    assert_int_equal(v.symbols[0], w.symbols[1]);
    OK(unroll_session_draw(copy, 0, "tag", &greedy, NULL, err));
    give(copy, 0, 0, 2);
    OK(unroll_session_step(copy, err));
    OK(unroll_session_value(copy, 0, "tag", &v, err));
    memcpy(p[round], v.probabilities, sizeof p[round]);
    if (round == 0) OK(unroll_session_restore(copy, place, size, err));
  }
  OK(unroll_session_value(s, 0, "tag", &v, err));
  assert_memory_equal(p[0], p[1], sizeof p[0]);
  assert_memory_equal(p[0], v.probabilities, sizeof p[0]);
  ((char *)place)[size - 1] ^= 1;
  assert_int_equal(unroll_session_restore(copy, place, size, &e), UNROLL_BAD_INPUT);
  assert_int_equal(unroll_session_restore(copy, place, 10, &e), UNROLL_BAD_INPUT);
  assert_int_equal(unroll_session_restore(copy, "nothing", 7, &e), UNROLL_BAD_INPUT);
  unroll_free(place);
  unroll_session_free(s);
  unroll_session_free(copy);
  unroll_result_free(r);
  unroll_model_free(m);
  unroll_table_free(t);
}

/* h = 0.5 h[t-1] + x, and the mean is k h: rows begin and end on their own. */
static void test_numbers(void **state) {
  static const char net[] = "data x : numbers\ndata y : numbers\nh = 0.5 * h[t-1] + x\ny ~ gaussian(mean = W h, scale = 2)\n";
  const float zeros[6] = {0}, one = 1;
  const int64_t first[] = {0, 6};
  const double levels[] = {0.5, 0.8413447};
  float q[2];
  (void)state;
  unroll_table *t = unroll_table_new();
  OK(unroll_table_add_sequences(t, "x", zeros, first, 1, 1, err));
  OK(unroll_table_add_sequences(t, "y", zeros, first, 1, 1, err));
  unroll_model *m = make_model("half", net, t, (const char *const[]){"steps", "1", NULL});
  unroll_session *s = NULL;
  unroll_value v;
  unroll_error e;
  const float *argument;
  int width;
  unroll_value_init(&v);
  OK(unroll_session_new_rows(&s, m, 2, err));
  double h[2] = {0, 0}, k = 0;
  for (int step = 0; step < 5; step++) {
    if (step == 3) {
      OK(unroll_session_reset_row(s, 1, err));
      h[1] = 0;
      assert_int_equal(unroll_session_value(s, 1, "y", &v, &e), UNROLL_USAGE);
    }
    for (int row = 0; row < 2; row++) {
      const float x = one * (float)(row + 1);
      OK(unroll_session_set_numbers(s, row, "x", &x, 1, err));
      h[row] = 0.5 * h[row] + (double)x;
    }
    OK(unroll_session_step(s, err));
    for (int row = 0; row < 2; row++) {
      OK(unroll_session_value(s, row, "y", &v, err));
      if (step == 0 && row == 0) k = v.numbers[0];
      assert_true(k != 0 && fabs(v.numbers[0] / k - h[row]) < 1e-5);
    }
    OK(unroll_session_argument(s, 0, "y", 1, &argument, &width, err));
    assert_true(width == 1 && argument[0] == 2);
    OK(unroll_session_quantiles(s, 0, "y", levels, 2, q, err));
    assert_true(fabs((double)q[0] - k * h[0]) < 1e-4 && fabs((double)(q[1] - q[0]) - 2) < 1e-3); /* a deviation */
  }
  assert_int_equal(unroll_session_argument(s, 0, "y", 2, &argument, &width, &e), UNROLL_USAGE);
  unroll_session_free(s);
  unroll_model_free(m);
  unroll_table_free(t);
}

/* Nets that a session cannot run are named. */
static void test_refuses(void **state) {
  static const char whole[] = "data text : words\ndata tag : category\ncell = gru\nf = cell(embed(text, 3), 3)\n"
                              "tag ~ softmax(W last(f) + b)\n";
  unroll_error e;
  unroll_session *s = NULL;
  (void)state;
  unroll_table *t = make_sentences();
  unroll_model *m = make_model("whole", whole, t, few);
  assert_int_equal(unroll_session_new(&s, m, &e), UNROLL_USAGE);
  assert_non_null(strstr(e.message, "predicts nothing step by step"));
  assert_null(s);
  unroll_model_free(m);
  unroll_table_free(t);
}

/* What has no steps is set once, and a recurrence may start from it. */
static void test_start(void **state) {
  static const char net[] = "data mood : category\ndata y : numbers\nh = rnn(y[t-1], 4, start = embed(mood, 4))\n"
                            "y ~ gaussian(mean = W h, scale = 1)\n";
  static const char *const moods[] = {"good", "bad"};
  const float y[] = {1, 2, -1, -2};
  const int64_t first[] = {0, 2, 4};
  unroll_error e;
  (void)state;
  unroll_table *t = unroll_table_new();
  OK(unroll_table_add_texts(t, "mood", moods, NULL, 2, err));
  OK(unroll_table_add_sequences(t, "y", y, first, 2, 1, err));
  unroll_model *m = make_model("mood", net, t, (const char *const[]){"steps", "30", "lr", "0.05", NULL});
  unroll_session *s = NULL;
  unroll_value v;
  double mean[2];
  unroll_value_init(&v);
  OK(unroll_session_new_rows(&s, m, 2, err));
  assert_int_equal(unroll_session_step(s, &e), UNROLL_USAGE);
  for (int row = 0; row < 2; row++) OK(unroll_session_set_text(s, row, "mood", moods[row], strlen(moods[row]), err));
  OK(unroll_session_step(s, err));
  for (int row = 0; row < 2; row++) {
    OK(unroll_session_value(s, row, "y", &v, err));
    mean[row] = v.numbers[0];
    OK(unroll_session_set_numbers(s, row, "y", &y[2 * row], 1, err));
  }
  assert_true(mean[0] > 0 && mean[1] < 0);
  assert_int_equal(unroll_session_set_text(s, 0, "mood", "bad", 3, &e), UNROLL_USAGE); /* too late */
  OK(unroll_session_step(s, err));
  unroll_session_free(s);
  unroll_model_free(m);
  unroll_table_free(t);
}

/* Rows that come and go in a large session say the same bits as in a session of one; who draws as sequence 7 draws its numbers. */
static void test_use(void **state) {
  (void)state;
  enum { MANY = 40, STEPS = 12 };
  static const int used[STEPS] = {1, 3, 40, 17, 16, 15, 2, 40, 40, 5, 33, 1};
  unroll_table *t = unroll_table_new();
  const char *const lines[] = {"abcabcab", "bcabcabc", "cabcabca", "aabbccaa"};
  OK(unroll_table_add_texts(t, "text", lines, NULL, 4, err));
  unroll_model *m =
      make_model("letters", "data text : chars\nh = lstm(embed(text[t-1], 6), 20)\ntext ~ softmax(W h + b)\n", t, few);
  unroll_session *many = NULL, *alone[MANY] = {0};
  unroll_sample_options how;
  unroll_value v, w;
  unroll_error e;
  unroll_sample_options_init(&how);
  unroll_value_init(&v);
  unroll_value_init(&w);
  OK(unroll_session_new_rows(&many, m, MANY, err));
  assert_int_equal(unroll_session_use(many, MANY + 1, &e), UNROLL_USAGE);
  assert_int_equal(unroll_session_use(many, 0, &e), UNROLL_USAGE);
  OK(unroll_session_use(many, 1, err));
  OK(unroll_session_new(&alone[0], m, err));
  for (int step = 0, before = 1; step < STEPS; step++) {
    const int n = used[step];
    OK(unroll_session_use(many, n, err));
    for (int r = n; r < before; r++) unroll_session_free(alone[r]), alone[r] = NULL;
    for (int r = 0; r < n && r < before; r++) { /* the same symbol for both, drawn by one of them */
      how.seed = 5;
      how.drawn = step;
      how.sequence = 7 + r;
      OK(unroll_session_draw(many, r, NULL, &how, &v, err));
      OK(unroll_session_draw(alone[r], 0, NULL, &how, &w, err));
      assert_int_equal(v.symbols[0], w.symbols[0]);
      OK(unroll_session_step(alone[r], err));
    }
    OK(unroll_session_step(many, err));
    for (int r = before; r < n; r++) OK(unroll_session_new(&alone[r], m, err)); /* it has made its first step */
    for (int r = 0; r < n; r++) {
      OK(unroll_session_value(many, r, NULL, &v, err));
      OK(unroll_session_value(alone[r], 0, NULL, &w, err));
      assert_memory_equal(v.probabilities, w.probabilities, (size_t)v.n_probabilities * sizeof *v.probabilities);
    }
    before = n;
  }
  for (int r = 0; r < MANY; r++) unroll_session_free(alone[r]);
  unroll_session_free(many);
  unroll_model_free(m);
  unroll_table_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_steps),   cmocka_unit_test(test_fed_back), cmocka_unit_test(test_numbers),
      cmocka_unit_test(test_refuses), cmocka_unit_test(test_start),    cmocka_unit_test(test_use),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
