/* test_metrics.c - label and span metrics against values worked out by hand. */
#include <math.h>
#include "help.h"
#include "metrics/label.h"

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-12)

/* A vocabulary of labels; `names` has spaces between them and is sorted. */
static void make(vocabulary *v, const char *names) {
  lexicon l = {0};
  for (const char *s = names; *s;) {
    const size_t n = strcspn(s, " ");
    assert_true(lexicon_add(&l, s, n) >= 0);
    s += n + (s[n] == ' ');
  }
  OK(vocabulary_of_words(v, UNIT_LABELS, false, &l, 0, err));
  lexicon_free(&l);
}

static int read_labels(const vocabulary *v, const char *names, int32_t *out) {
  int n = 0;
  for (const char *s = names; *s;) {
    const size_t size = strcspn(s, " ");
    out[n] = vocabulary_find_word(v, s, size);
    assert_true(out[n++] >= 0);
    s += size + (s[size] == ' ');
  }
  return n;
}

static void add(label_metrics *m, const vocabulary *v, const char *truth, const char *predicted) {
  int32_t a[64], b[64];
  const int n = read_labels(v, truth, a);
  assert_int_equal(read_labels(v, predicted, b), n);
  label_metrics_add(m, a, b, n);
}

/* Truth a a a b b c, predicted a a b b c a; d neither occurs nor is predicted.
 * a: 2 of 3 predicted, 3 there: P 2/3, R 2/3, F 2/3. b: 1 of 2, 2: 1/2, 1/2, 1/2. c: 0 of 1, 1: 0.
 * Macro over three classes: (2/3 + 1/2) / 3 = 7/18. Weighted: (3 * 2/3 + 2 * 1/2) / 6 = 1/2. */
static void test_classes(void **state) {
  (void)state;
  vocabulary v;
  label_metrics m;
  make(&v, "a b c d");
  OK(label_metrics_init(&m, &v, false, true, err));
  assert_false(m.tagged);
  label_summary s = label_metrics_summary(&m);
  assert_true(isnan(s.accuracy) && isnan(s.exact) && isnan(s.macro_f1) && isnan(s.weighted_f1));
  assert_int_equal(s.classes, 0);
  static const char *const truth[] = {"a", "a", "a", "b", "b", "c"}, *const said[] = {"a", "a", "b", "b", "c", "a"};
  for (int i = 0; i < 6; i++) add(&m, &v, truth[i], said[i]);
  s = label_metrics_summary(&m);
  assert_int_equal(s.classes, 3);
  NEAR(s.accuracy, 0.5);
  NEAR(s.macro_precision, 7.0 / 18);
  NEAR(s.macro_recall, 7.0 / 18);
  NEAR(s.macro_f1, 7.0 / 18);
  NEAR(s.weighted_f1, 0.5);
  NEAR(count_f1(&m.list[0]), 2.0 / 3);
  NEAR(count_precision(&m.list[1]), 0.5);
  NEAR(count_f1(&m.list[2]), 0);
  assert_true(isnan(count_precision(&m.list[3])) && isnan(count_recall(&m.list[3])) && isnan(count_f1(&m.list[3])));
  static const int64_t counts[16] = {2, 1, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0};
  assert_memory_equal(m.confusion, counts, sizeof counts);
  label_metrics_free(&m);
  vocabulary_free(&v);
}

/* A class that is never predicted, and one that never occurs: undefined values are 0 in the means.
 * Truth a b, predicted a c: a 1, 1, 1; b -, 0, 0; c 0, -, 0. */
static void test_degenerate(void **state) {
  (void)state;
  vocabulary v;
  label_metrics m;
  make(&v, "a b c");
  OK(label_metrics_init(&m, &v, false, false, err));
  add(&m, &v, "a", "a");
  add(&m, &v, "b", "c");
  const label_summary s = label_metrics_summary(&m);
  assert_true(isnan(count_precision(&m.list[1])) && isnan(count_recall(&m.list[2])));
  NEAR(count_recall(&m.list[1]), 0);
  NEAR(count_precision(&m.list[2]), 0);
  NEAR(s.macro_precision, 1.0 / 3);
  NEAR(s.macro_recall, 1.0 / 3);
  NEAR(s.macro_f1, 1.0 / 3);
  NEAR(s.weighted_f1, 0.5);
  label_metrics_free(&m);
  vocabulary_free(&v);
}

static void test_sequences(void **state) {
  (void)state;
  vocabulary v;
  label_metrics m;
  make(&v, "x y");
  OK(label_metrics_init(&m, &v, true, false, err));
  assert_false(m.tagged);
  add(&m, &v, "", ""); /* nothing to be right or wrong about */
  add(&m, &v, "x y", "x y");
  add(&m, &v, "x", "x");
  add(&m, &v, "x y x", "x y y");
  const label_summary s = label_metrics_summary(&m);
  assert_int_equal(m.sequences, 3);
  NEAR(s.exact, 2.0 / 3);
  NEAR(s.accuracy, 5.0 / 6);
  label_metrics_free(&m);
  vocabulary_free(&v);
}

static void test_too_many(void **state) {
  (void)state;
  vocabulary v = {.unit = UNIT_WORDS, .n = MAX_CONFUSION + 1};
  label_metrics m;
  unroll_error e = {0};
  assert_int_equal(label_metrics_init(&m, &v, true, true, &e), UNROLL_USAGE);
  label_metrics_free(&m);
}

static const struct {
  const char *names;
  bool tagged;
} forms[] = {{"B-NP I-NP O", true},   {"I-NP O", true}, {"B I O", true},   {"B-A", true},        {"O", false},
             {"N V", false},          {"B- O", false},  {"B-NP X", false}, {"o", false},         {"E-A O S-A", false},
             {"B-A E-A O S-A", true}, {"BNP O", false}, {"I", true},       {"O-NP B-NP", false}, {"B-A I-A L-A U-A O", true},
             {"B M E S", true},       {"L U O", false}, {"S M L", false}};

static void test_forms(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    vocabulary v;
    make(&v, forms[i].names);
    if (span_tagged(&v) != forms[i].tagged) fail_msg("%s", forms[i].names);
    vocabulary_free(&v);
  }
}

/* One sequence each; support, predicted and correct spans of all types and of type A, as worked out from the definition. */
static const struct {
  const char *truth, *predicted;
  int64_t all[3], a[3];
} spans[] = {
    {"", "", {0, 0, 0}, {0, 0, 0}},
    {"O O", "O O", {0, 0, 0}, {0, 0, 0}},
    {"B-A I-A O", "B-A I-A O", {1, 1, 1}, {1, 1, 1}},
    {"B-A I-A", "B-A I-A", {1, 1, 1}, {1, 1, 1}},         /* ends with the sequence */
    {"O B-A I-A", "O I-A I-A", {1, 1, 1}, {1, 1, 1}},     /* I- without B- begins one */
    {"B-A B-A", "B-A I-A", {2, 1, 0}, {2, 1, 0}},         /* two spans that touch are not one */
    {"I-A B-A I-A", "B-A B-A I-A", {2, 2, 2}, {2, 2, 2}}, /* IOB1 and IOB2 */
    {"B-A I-B", "B-A B-B", {2, 2, 2}, {1, 1, 1}},         /* another type begins another span */
    {"B-A I-B I-A", "B-A I-A I-A", {3, 1, 0}, {2, 1, 0}},
    {"B-A I-A I-A", "B-A I-A O", {1, 1, 0}, {1, 1, 0}}, /* another end */
    {"O B-A I-A", "B-A I-A I-A", {1, 1, 0}, {1, 1, 0}}, /* another beginning */
    {"B-A I-A", "B-B I-B", {1, 1, 0}, {1, 0, 0}},       /* another type */
    {"B-A O B-B", "O O B-B", {2, 1, 1}, {1, 0, 0}},
    {"O O", "B-A I-A", {0, 1, 0}, {0, 1, 0}},
    {"B-A I-A E-A S-A O", "B-A I-A I-A B-A O", {2, 2, 2}, {2, 2, 2}}, /* S and E mark the same spans */
    {"B-A E-A I-A", "B-A I-A I-A", {2, 1, 0}, {2, 1, 0}},             /* nothing goes on behind E */
    {"B-A I-A L-A U-A O", "B-A I-A I-A B-A O", {2, 2, 2}, {2, 2, 2}}, /* BILOU */
    {"B-A L-A B-A L-A", "B-A I-A I-A L-A", {2, 1, 0}, {2, 1, 0}},
    {"U-A U-A", "B-A L-A", {2, 1, 0}, {2, 1, 0}},
    {"B-A M-A E-A W-A", "B-A I-A E-A S-A", {2, 2, 2}, {2, 2, 2}}, /* BMEWO */
    {"S-A I-A", "B-A B-A", {2, 2, 2}, {2, 2, 2}},                 /* nor behind S */
};

static void test_spans(void **state) {
  (void)state;
  vocabulary v;
  make(&v, "B-A B-B E-A I-A I-B O S-A L-A M-A U-A W-A");
  for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
    label_metrics m;
    OK(label_metrics_init(&m, &v, true, false, err));
    assert_true(m.tagged);
    add(&m, &v, spans[i].truth, spans[i].predicted);
    const class_count *c = &m.spans.all, *a = &m.spans.list[lexicon_find(&m.spans.types, "A", 1)];
    const int64_t all[3] = {c->support, c->predicted, c->correct}, one[3] = {a->support, a->predicted, a->correct};
    if (memcmp(all, spans[i].all, sizeof all) || memcmp(one, spans[i].a, sizeof one))
      fail_msg("%s | %s: %d %d %d, A %d %d %d", spans[i].truth, spans[i].predicted, (int)all[0], (int)all[1], (int)all[2],
               (int)one[0], (int)one[1], (int)one[2]);
    label_metrics_free(&m);
  }
  vocabulary_free(&v);
  make(&v, "B-A B-B E-A I-A I-B O S-A");
  label_metrics m; /* no span goes on in the next sequence */
  OK(label_metrics_init(&m, &v, true, false, err));
  add(&m, &v, "B-A", "B-A");
  add(&m, &v, "I-A", "I-A");
  assert_int_equal(m.spans.all.correct, 2);
  NEAR(count_f1(&m.spans.all), 1);
  label_metrics_free(&m);
  vocabulary_free(&v);
  assert_int_equal(mem_live(), 0);
}

static void test_memory(void **state) {
  (void)state;
  vocabulary v;
  make(&v, "B-A I-A O");
  for (long n = 1; n < 12; n++) {
    label_metrics m;
    unroll_error e = {0};
    mem_fail_after(n, 0);
    const unroll_status status = label_metrics_init(&m, &v, true, true, &e);
    mem_fail_after(0, 0);
    if (n == 1) assert_int_equal(status, UNROLL_FAILED);
    label_metrics_free(&m);
    if (!status) assert_true(n > 4);
  }
  vocabulary_free(&v);
  assert_int_equal(mem_live(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_classes),  cmocka_unit_test(test_degenerate), cmocka_unit_test(test_sequences),
      cmocka_unit_test(test_too_many), cmocka_unit_test(test_forms),      cmocka_unit_test(test_spans),
      cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
