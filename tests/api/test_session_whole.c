/* test_session_whole.c - sessions of nets that read a sequence whole before their first step: translators, taggers that look both
 * ways; texts of bpe; numbers with all their digits. What they say is what score and predict say. */
#include "made.h"

static const char translator[] =
    "data source : chars\ndata target : chars\nparam c\nhidden = 8\ns = gru(embed(source, 6), 10, backward)\n"
    "d = gru(embed(target[t-1], 6), 10, start = s)\na = attend(d, s)\n"
    "target ~ softmax(W tanh(V [d, a] + b) + c)\n";
static const char pieces[] =
    "data source : bpe(264)\ndata target : bpe(262)\nparam c\nhidden = 8\ns = gru(embed(source, 6), 10, backward)\n"
    "d = gru(embed(target[t-1], 6), 10, start = s)\na = attend(d, s)\n"
    "target ~ softmax(W tanh(V [d, a] + b) + c)\n";
static const char both_ways[] = "data text : words\ndata tag : category\nf = gru(embed(text, 6), 8)\n"
                                "g = gru(embed(text, 6), 8, backward)\nh = gru([f, g, embed(tag[t-1], 4)], 8)\n"
                                "tag ~ softmax(W h + b)\n";
static const char looks_ahead[] = "data text : words\ndata tag : category\nf = gru(embed(text, 6), 8)\n"
                                  "g = gru(embed(text, 6), 8, backward)\ntag ~ softmax(W [f, g] + b)\n";

enum { PAIRS = 24 };
static const char *const sources[] = {"ab", "abcab", "cb", "bacabacabacabacabacabacabacabacabacabacabacabacab"};
static const char *const targets[] = {"bb", "bcabcc", "b", "acb"};

static unroll_table *make_pairs(void) {
  const char *source[PAIRS], *target[PAIRS];
  for (int i = 0; i < PAIRS; i++) source[i] = sources[i % 4], target[i] = targets[i % 4];
  unroll_table *t = unroll_table_new();
  OK(unroll_table_add_texts(t, "source", source, NULL, PAIRS, err));
  OK(unroll_table_add_texts(t, "target", target, NULL, PAIRS, err));
  return t;
}

/* log2 P of a symbol, from the arguments of the softmax. */
static double log2_of(unroll_session *s, int row, const char *name, int symbol) {
  const float *x;
  int width;
  double sum = 0;
  OK(unroll_session_argument(s, row, name, 0, &x, &width, err));
  for (int i = 0; i < width; i++) sum += exp((double)x[i] - (double)x[symbol]);
  return -log2(sum);
}

/* What is scored is the loss of a pass, in single precision. */
static void close_to(double a, double b) {
  if (!(fabs(a - b) < 2e-6)) fail_msg("%.17g, not %.17g", a, b);
}

/* Goes through row `example` of what score says, in a row of a session, from step `from` to `to` - 1. */
static void follow(unroll_session *s, int row, const unroll_value *scored, int from, int to) {
  for (int k = from; k < to; k++) {
    OK(unroll_session_step(s, err));
    close_to(log2_of(s, row, "target", scored->symbols[k]), scored->log2_p[k]);
    OK(unroll_session_set_symbol(s, row, "target", scored->symbols[k], err));
  }
}

static void check_translator(const char *name, const char *net) {
  unroll_table *t = make_pairs();
  unroll_model *m = make_model(name, net, t, few);
  unroll_result *r = NULL, *p = NULL;
  unroll_session *one = NULL, *copy = NULL, *many = NULL;
  unroll_value v[4], w;
  unroll_sample_options greedy;
  unroll_error e;
  void *place;
  size_t size;
  unroll_row found;
  unroll_variable target;
  double log2_p = 0;
  unroll_variable_init(&target);
  OK(unroll_model_variable(m, 1, &target, err));
  unroll_row_init(&found);
  unroll_value_init(&w);
  unroll_sample_options_init(&greedy);
  greedy.temperature = 0;
  OK(unroll_score_table(m, t, NULL, &r, err));
  for (int i = 0; i < 4; i++) {
    unroll_value_init(&v[i]);
    OK(unroll_result_value(r, i, "target", &v[i], err));
  }
  OK(unroll_session_new(&one, m, err));
  assert_int_equal(unroll_session_step(one, &e), UNROLL_USAGE);
  assert_non_null(strstr(e.message, "'source' is not set"));
  for (int i = 0; i < 4; i++) { /* the last is longer than the first room */
    const int n = (int)v[i].n_log2_p;
    assert_true(n >= 2);
    unroll_session_reset(one);
    OK(unroll_session_set_text(one, 0, "source", sources[i], strlen(sources[i]), err));
    follow(one, 0, &v[i], 0, 1);
    assert_int_equal(unroll_session_set_text(one, 0, "source", "ab", 2, &e), UNROLL_USAGE);
    assert_non_null(strstr(e.message, "before the first step"));
    OK(unroll_session_save(one, &place, &size, err));
    OK(unroll_session_clone(&copy, one, err));
    follow(copy, 0, &v[i], 1, n - 1);
    follow(one, 0, &v[i], 1, n - 1);
    unroll_session_reset(one);
    OK(unroll_session_set_text(one, 0, "source", "cc", 2, err));
    OK(unroll_session_step(one, err));
    OK(unroll_session_restore(one, place, size, err));
    follow(one, 0, &v[i], 1, n - 1);
    ((char *)place)[size - 1] ^= 1;
    assert_int_equal(unroll_session_restore(one, place, size, &e), UNROLL_BAD_INPUT);
    unroll_free(place);
    unroll_session_free(copy);
  }
  /* Three rows; the second begins again with the long text while the others go on. */
  OK(unroll_session_new_rows(&many, m, 3, err));
  for (int row = 0; row < 3; row++) OK(unroll_session_set_text(many, row, "source", sources[row], strlen(sources[row]), err));
  OK(unroll_session_step(many, err));
  for (int row = 0; row < 3; row++) {
    close_to(log2_of(many, row, "target", v[row].symbols[0]), v[row].log2_p[0]);
    OK(unroll_session_set_symbol(many, row, "target", v[row].symbols[0], err));
  }
  OK(unroll_session_reset_row(many, 1, err));
  OK(unroll_session_set_text(many, 1, "source", sources[3], strlen(sources[3]), err));
  close_to(log2_of(many, 0, "target", v[0].symbols[0]), v[0].log2_p[0]); /* still what its step said */
  OK(unroll_session_step(many, err));
  close_to(log2_of(many, 0, "target", v[0].symbols[1]), v[0].log2_p[1]);
  close_to(log2_of(many, 1, "target", v[3].symbols[0]), v[3].log2_p[0]);
  close_to(log2_of(many, 2, "target", target.symbols - 1), v[2].log2_p[1]); /* its end, the last symbol */
  /* What is drawn at temperature 0 is what predict finds with a beam of one. */
  unroll_options *o = unroll_options_new("predict");
  set(o, "beam", "1");
  OK(unroll_predict(m, t, o, &p, err));
  OK(unroll_result_value(p, 1, "target", &w, err));
  OK(unroll_result_row(p, 1, &found, err));
  unroll_session_reset(one);
  OK(unroll_session_set_text(one, 0, "source", sources[1], strlen(sources[1]), err));
  for (int k = 0; k < w.steps + found.ended; k++) {
    unroll_value drawn;
    unroll_value_init(&drawn);
    OK(unroll_session_step(one, err));
    OK(unroll_session_draw(one, 0, "target", &greedy, &drawn, err));
    if (k < w.steps) assert_int_equal(drawn.symbols[0], w.symbols[k]);
    log2_p += log2_of(one, 0, "target", drawn.symbols[0]);
  }
  if (!(fabs(log2_p - found.log2_p) < 1e-12 * fabs(log2_p))) fail_msg("%.17g, not %.17g", log2_p, found.log2_p); /* same bits */
  unroll_options_free(o);
  unroll_result_free(r);
  unroll_result_free(p);
  unroll_session_free(one);
  unroll_session_free(many);
  unroll_model_free(m);
  unroll_table_free(t);
}

static void test_translator(void **state) {
  (void)state;
  check_translator("translator", translator);
}

static void test_pieces(void **state) {
  (void)state;
  check_translator("pieces", pieces);
}

/* Bit by bit, what predict says of sentence 1. */
static void same_as_predicted(unroll_session *s, const unroll_model *m, const unroll_table *t) {
  unroll_options *all = unroll_options_new("predict");
  unroll_result *r = NULL;
  unroll_value v, w;
  unroll_value_init(&v);
  unroll_value_init(&w);
  set(all, "probabilities", NULL);
  OK(unroll_predict(m, t, all, &r, err));
  OK(unroll_result_value(r, 1, "tag", &v, err));
  unroll_session_reset(s);
  OK(unroll_session_set_text(s, 0, "text", "a dog ran", 9, err));
  for (int k = 0; k < WORDS; k++) {
    OK(unroll_session_step(s, err));
    OK(unroll_session_value(s, 0, "tag", &w, err));
    assert_memory_equal(w.probabilities, v.probabilities + k * v.n_probabilities, (size_t)v.n_probabilities * sizeof(float));
  }
  unroll_result_free(r);
  unroll_options_free(all);
}

/* The text is read whole and walked along with the tags. */
static void test_both_ways(void **state) {
  (void)state;
  unroll_table *t = make_sentences();
  for (int fed = 0; fed < 2; fed++) {
    unroll_model *m = make_model(fed ? "both" : "ahead", fed ? both_ways : looks_ahead, t, few);
    unroll_result *r = NULL;
    unroll_session *s = NULL, *copy = NULL;
    unroll_value v;
    unroll_error e;
    int32_t *words = NULL;
    unroll_value_init(&v);
    OK(unroll_score_table(m, t, NULL, &r, err));
    OK(unroll_result_value(r, 1, "tag", &v, err));
    OK(unroll_session_new(&s, m, err));
    OK(unroll_session_set_text(s, 0, "text", "a dog ran", 9, err));
    for (int k = 0; k < WORDS; k++) {
      OK(unroll_session_step(s, err));
      close_to(log2_of(s, 0, "tag", v.symbols[k]), v.log2_p[k]);
      if (fed) OK(unroll_session_set_symbol(s, 0, "tag", v.symbols[k], err));
      if (k == 0) OK(unroll_session_clone(&copy, s, err));
    }
    assert_int_equal(unroll_session_step(s, &e), UNROLL_USAGE);
    assert_non_null(strstr(e.message, "'text' of row 0 has 3 steps"));
    if (!fed) same_as_predicted(s, m, t);
    for (int k = 1; k < WORDS; k++) {
      OK(unroll_session_step(copy, err));
      close_to(log2_of(copy, 0, "tag", v.symbols[k]), v.log2_p[k]);
      if (fed) OK(unroll_session_set_symbol(copy, 0, "tag", v.symbols[k], err));
    }
    unroll_session_reset(s); /* the same by numbers of words */
    words = malloc(3 * sizeof *words);
    for (int k = 0; k < 3; k++) {
      static const char *const three[] = {"a", "dog", "ran"};
      words[k] = -1;
      for (int i = 0; unroll_model_label(m, "text", i, NULL); i++)
        if (!strcmp(unroll_model_label(m, "text", i, NULL), three[k])) words[k] = i;
    }
    OK(unroll_session_set_symbols(s, 0, "text", words, 3, err));
    OK(unroll_session_step(s, err));
    close_to(log2_of(s, 0, "tag", v.symbols[0]), v.log2_p[0]);
    free(words);
    unroll_result_free(r);
    unroll_session_free(s);
    unroll_session_free(copy);
    unroll_model_free(m);
  }
  unroll_table_free(t);
}

/* A text of bpe: fed symbol by symbol it has the probability that score gives it. */
static void test_bpe(void **state) {
  (void)state;
  static const char net[] = "data text : bpe(270) lines\nh = gru(embed(text[t-1], 6), 10)\ntext ~ softmax(W h + b)\n";
  unroll_table *t = unroll_table_new();
  const char *line[PAIRS];
  unroll_error e;
  for (int i = 0; i < PAIRS; i++) line[i] = i % 2 ? "the cat and the dog" : "a dog and a cat";
  OK(unroll_table_add_texts(t, "text", line, NULL, PAIRS, err));
  unroll_model *m = make_model("bpe", net, t, few);
  unroll_session *s = NULL, *copy = NULL;
  int32_t *symbols = NULL;
  int64_t n;
  double log2_p, sum = 0;
  OK(unroll_score(m, "the cat and a dog", 17, &log2_p, NULL, err));
  OK(unroll_model_read(m, "the cat and a dog", 17, &symbols, &n, err));
  assert_true(n > 3 && n < 18);
  OK(unroll_session_new(&s, m, err));
  for (int64_t k = 0; k <= n; k++) {
    const int symbol = k < n ? symbols[k] : unroll_model_end(m);
    sum += log2_of(s, 0, "text", symbol);
    if (k == 1) OK(unroll_session_clone(&copy, s, err));
    if (k < n) OK(unroll_session_set_symbol(s, 0, "text", symbol, err));
    if (k < n) OK(unroll_session_step(s, err));
  }
  close_to(sum, log2_p);
  for (int64_t k = 1; k < n; k++) OK(unroll_session_feed(copy, symbols[k], err));
  close_to(log2_of(copy, 0, "text", unroll_model_end(m)), log2_of(s, 0, "text", unroll_model_end(m)));
  unroll_session_reset(s);
  assert_int_equal(unroll_session_set_text(s, 0, "text", "the cat and a dog", 17, &e), UNROLL_BAD_INPUT);
  assert_non_null(strstr(e.message, "takes one symbol at a time"));
  OK(unroll_session_set_text(s, 0, "text", "the", 3, err)); /* a symbol, with its space */
  OK(unroll_session_step(s, err));
  unroll_free(symbols);
  unroll_session_free(s);
  unroll_session_free(copy);
  unroll_model_free(m);
  unroll_table_free(t);
}

/* Levels of 1e8 and steps of 1: doubles say them, floats do not. */
static void test_doubles(void **state) {
  (void)state;
  static const char net[] = "data x : number\ndata y : number\nh = rnn(x, 4)\ny ~ gaussian(mean = W h + b, scale = 1)\n";
  enum { N = 6 };
  double x[N * PAIRS], y[N * PAIRS];
  const char *id[N * PAIRS];
  for (int i = 0; i < N * PAIRS; i++) {
    x[i] = 100000000 + i * 7 % 5;
    y[i] = x[i] + 1;
    id[i] = i / N % 2 ? "a" : "b";
  }
  unroll_table *t = unroll_table_new();
  OK(unroll_table_add_numbers(t, "x", x, N * PAIRS, err));
  OK(unroll_table_add_numbers(t, "y", y, N * PAIRS, err));
  OK(unroll_table_add_texts(t, "id", id, NULL, N * PAIRS, err));
  unroll_model *m =
      make_model("levels", net, t, (const char *const[]){"steps", "60", "lr", "0.05", "series", "id", "standardise", NULL, NULL});
  unroll_result *r = NULL;
  unroll_session *s = NULL;
  unroll_value v, w;
  unroll_error e;
  unroll_value_init(&v);
  unroll_value_init(&w);
  OK(unroll_predict(m, t, NULL, &r, err));
  OK(unroll_result_value(r, 0, "y", &v, err));
  OK(unroll_session_new(&s, m, err));
  for (int k = 0; k < N; k++) {
    OK(unroll_session_set_doubles(s, 0, "x", &x[k], 1, err));
    OK(unroll_session_step(s, err));
    OK(unroll_session_value(s, 0, "y", &w, err));
    if (!(fabs(w.numbers[0] - v.numbers[k]) < 1e-6)) fail_msg("%d: %.9f, not %.9f", k, w.numbers[0], v.numbers[k]);
  }
  unroll_session_reset(s);
  const float rounded = (float)x[1];
  OK(unroll_session_set_numbers(s, 0, "x", &rounded, 1, err));
  OK(unroll_session_step(s, err));
  OK(unroll_session_value(s, 0, "y", &w, err));
  const double single = w.numbers[0];
  unroll_session_reset(s);
  OK(unroll_session_set_doubles(s, 0, "x", &x[1], 1, err));
  OK(unroll_session_step(s, err));
  OK(unroll_session_value(s, 0, "y", &w, err));
  assert_true(fabs(w.numbers[0] - single) > 0.1); /* 100000002 is a float, and 100000000 the next below */
  assert_int_equal(unroll_session_set_doubles(s, 0, "x", x, 2, &e), UNROLL_USAGE);
  assert_int_equal(unroll_session_set_doubles(s, 0, "x", &(double){(double)NAN}, 1, &e), UNROLL_USAGE);
  unroll_result_free(r);
  unroll_session_free(s);
  unroll_model_free(m);
  unroll_table_free(t);
}

static const char same_step[] = "data text : words\ndata tag : category\ndata x : numbers(2)\nparam c\n"
                                "f = gru([embed(text, 6), embed(tag[t-1], 3)], 8)\ng = gru(embed(text, 6), 8, backward)\n"
                                "tag ~ softmax(W [f, g] + b)\nx ~ gaussian(mean = V [f, g, embed(tag, 3)] + c, scale = 1)\n";

static void set_texts(unroll_session *s, int from, int rows, const char *words) {
  for (int r = from; r < rows; r++) OK(unroll_session_set_text(s, r, "text", words, strlen(words), err));
}

/* A step after which `tag` is known, so that x is looked at anew. */
static void step_with_tag(unroll_session *s, int rows, int tag) {
  OK(unroll_session_step(s, err));
  for (int r = 0; r < rows; r++) OK(unroll_session_set_symbol(s, r, "tag", tag, err));
}

static void same_mean(unroll_session *a, unroll_session *b, int row) {
  const float *x, *y;
  int n, m;
  OK(unroll_session_argument(a, row, "x", 0, &x, &n, err));
  const float kept[2] = {x[0], x[1]};
  OK(unroll_session_argument(b, row, "x", 0, &y, &m, err));
  assert_true(n == 2 && m == 2);
  assert_memory_equal(kept, y, sizeof kept);
}

/* Rows out of use, rows that begin again beside rows that go on, and a place of longer sequences than the session has had. */
static void test_rows(void **state) {
  (void)state;
  enum { ROWS = 3 };
  unroll_table *t = make_sentences();
  unroll_model *m = make_model("same_step", same_step, t, few);
  unroll_session *s, *whole, *other;
  void *bytes;
  size_t size;
  OK(unroll_session_new_rows(&s, m, ROWS, err));
  OK(unroll_session_new_rows(&whole, m, ROWS, err));
  set_texts(s, 0, ROWS, "the cat sat");
  set_texts(whole, 0, ROWS, "the cat sat");
  step_with_tag(s, ROWS, 0);
  step_with_tag(whole, ROWS, 0);
  OK(unroll_session_use(s, 1, err));
  step_with_tag(s, 1, 1);
  step_with_tag(whole, ROWS, 1);
  same_mean(s, whole, 0);
  OK(unroll_session_use(s, ROWS, err));
  set_texts(s, 1, ROWS, "a dog ran");
  step_with_tag(s, ROWS, 2);
  step_with_tag(whole, ROWS, 2);
  same_mean(s, whole, 0);
  OK(unroll_session_reset_row(s, 1, err));
  OK(unroll_session_set_symbol(s, 0, "tag", 1, err));
  OK(unroll_session_set_symbol(whole, 0, "tag", 1, err));
  same_mean(s, whole, 0);
  unroll_session_reset(whole);
  set_texts(whole, 0, ROWS, "the cat sat a dog ran the dog sat a cat ran the cat sat a dog ran");
  for (int k = 0; k < 9; k++) step_with_tag(whole, ROWS, k % 3);
  OK(unroll_session_save(whole, &bytes, &size, err));
  OK(unroll_session_new_rows(&other, m, ROWS, err));
  set_texts(other, 0, ROWS, "a dog");
  for (int k = 0; k < 2; k++) step_with_tag(other, ROWS, 0);
  OK(unroll_session_restore(other, bytes, size, err));
  for (int k = 0; k < 2; k++) {
    for (int r = 0; r < ROWS; r++) same_mean(other, whole, r);
    step_with_tag(other, ROWS, 1);
    step_with_tag(whole, ROWS, 1);
  }
  unroll_free(bytes);
  unroll_session_free(s);
  unroll_session_free(whole);
  unroll_session_free(other);
  unroll_model_free(m);
  unroll_table_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_translator), cmocka_unit_test(test_pieces),
                                     cmocka_unit_test(test_both_ways),  cmocka_unit_test(test_bpe),
                                     cmocka_unit_test(test_doubles),    cmocka_unit_test(test_rows)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
