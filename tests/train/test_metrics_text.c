/* test_metrics_text.c - BLEU, chrF, ROUGE and exact matches against values worked out by hand, and against what other programs gave
 * for the same texts. */
#include <math.h>
#include "help.h"
#include "metrics/text.h"

enum { MOST = 64, SEVERAL = 3 };

/* Words as numbers: the place where each is first in `all`. */
static int64_t tokens_of(const char *s, lexicon *l, int32_t *out) {
  int64_t n = 0;
  while (*s) {
    const size_t size = strcspn(s, " ");
    if (size) out[n++] = lexicon_add(l, s, size);
    s += size + (s[size] == ' ');
  }
  return n;
}

/* truths: up to a NULL. */
static void add_several(text_metrics *m, const char *drawn, const char *const *truths) {
  lexicon l = {0};
  int32_t x[MOST], y[SEVERAL][MOST];
  const text_tokens a = {x, tokens_of(drawn, &l, x), drawn, strlen(drawn)};
  text_tokens b[SEVERAL];
  int n = 0;
  for (; n < SEVERAL && truths[n]; n++) b[n] = (text_tokens){y[n], tokens_of(truths[n], &l, y[n]), truths[n], strlen(truths[n])};
  OK(text_metrics_add(m, &a, b, n, err));
  lexicon_free(&l);
}

static void add(text_metrics *m, const char *drawn, const char *truth) {
  add_several(m, drawn, (const char *const[]){truth, NULL});
}

static void near(double x, double y) {
  if (!(fabs(x - y) < 1e-12)) fail_msg("%.15g, not %.15g", x, y);
}

/* 7 tokens against 6: 6 of them are there (the second "the" is clipped), 4 of 6 pairs, 2 of 5 triples, 1 of 4 fours. */
static void test_counts(void **state) {
  (void)state;
  text_metrics m = {0};
  add(&m, "the cat the sat on a mat", "the cat sat on a mat");
  assert_int_equal(m.bleu[0].match, 6);
  assert_int_equal(m.bleu[1].match, 4); /* the cat, sat on, on a, a mat */
  assert_int_equal(m.bleu[2].match, 2); /* sat on a, on a mat */
  assert_int_equal(m.bleu[3].match, 1);
  assert_int_equal(m.bleu[3].drawn, 4);
  near(text_metrics_bleu(&m, 4), pow(6.0 / 7 * 4 / 6 * 2 / 5 * 1 / 4, 0.25));
  near(text_metrics_bleu(&m, 1), 6.0 / 7);
  near(text_metrics_bleu(&m, 2), sqrt(6.0 / 7 * 4 / 6));
  near(text_metrics_bleu(&m, 3), cbrt(6.0 / 7 * 4 / 6 * 2 / 5));
  near(text_metrics_rouge_1(&m), 2 * (6.0 / 7) / (6.0 / 7 + 1));
  near(text_metrics_rouge_l(&m), 2 * (6.0 / 7) / (6.0 / 7 + 1));
  near(text_metrics_exact(&m), 0);
  m = (text_metrics){0};
  add(&m, "a a a a", "a b a"); /* each counts as often as both have it; too short: the brevity penalty is of the whole corpus */
  assert_int_equal(m.bleu[0].match, 2);
  near(text_metrics_bleu(&m, 4), 0);
  near(text_metrics_rouge_1(&m), 4.0 / 7);
  near(text_metrics_rouge_l(&m), 4.0 / 7);
}

/* 4 of 8 tokens: all precisions are 1, and only the penalty is left. */
static void test_brevity(void **state) {
  (void)state;
  text_metrics m = {0};
  add(&m, "a b c d", "a b c d e f g h");
  near(text_metrics_bleu(&m, 4), exp(1 - 2));
  add(&m, "a b c d e f g h", "a b c d"); /* as many tokens as the truth: no penalty any more */
  near(text_metrics_bleu(&m, 4), pow(8.0 / 12 * 6 / 10 * 4 / 8 * 2 / 6, 0.25));
}

/* "ab ab" against "abb": of characters a b a b and a b b 3 are common, of pairs ab (once), of triples none; of fours the truth has
 * none.
 */
static void test_characters(void **state) {
  (void)state;
  text_metrics m = {0};
  add(&m, "ab ab", "abb");
  const double precision = (3.0 / 4 + 1.0 / 3 + 0) / 3, recall = (3.0 / 3 + 1.0 / 2 + 0) / 3;
  near(text_metrics_chrf(&m), 5 * precision * recall / (4 * precision + recall));
  m = (text_metrics){0};
  add(&m, "\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9"); /* three characters, five bytes */
  assert_int_equal(m.chrf[0].match, 3);
  near(text_metrics_chrf(&m), 1);
}

static void test_ends(void **state) {
  (void)state;
  text_metrics m = {0};
  assert_true(isnan(text_metrics_bleu(&m, 4)) && isnan(text_metrics_chrf(&m)) && isnan(text_metrics_exact(&m)));
  assert_true(isnan(text_metrics_rouge_1(&m)) && isnan(text_metrics_rouge_l(&m)));
  add(&m, "", "");
  near(text_metrics_exact(&m), 1);
  near(text_metrics_rouge_l(&m), 1);
  near(text_metrics_bleu(&m, 4), 0);
  near(text_metrics_chrf(&m), 0);
  add(&m, "", "a b");
  add(&m, "a b", "");
  add(&m, "a b c d e", "a b c d e");
  near(text_metrics_exact(&m), 0.5);
  near(text_metrics_rouge_1(&m), 0.5);
}

/* What the usual programs give for the same words (no smoothing, nothing split). */
static void test_others(void **state) {
  (void)state;
  text_metrics m = {0};
  add(&m, "two men are standing in front of a red car .", "two men stand in front of the red car .");
  add(&m, "a dog runs over the grass", "a brown dog is running over green grass");
  add(&m,
      "ein Hund l\xc3\xa4uft \xc3\xbc"
      "ber die Wiese , schnell",
      "ein brauner Hund l\xc3\xa4uft \xc3\xbc"
      "ber eine Wiese");
  add(&m, "the the the cat", "the cat sat on the mat");
  add(&m, "nothing in common here", "completely different words");
  add(&m, "she sells sea shells by the sea shore", "she sells sea shells on the sea shore today");
  near(text_metrics_bleu(&m, 4), 0.20626952158057768);
  near(text_metrics_chrf(&m), 0.46617690150734653);
  near(text_metrics_rouge_1(&m), 0.5705882352941177);
  near(text_metrics_rouge_l(&m), 0.5372549019607843);
}

/* By hand. "the" counts once by the first text and twice by the second; of the lengths 2 and 6, 4 is as near to either, and 2 is
 * the shorter: no penalty. */
static void test_several(void **state) {
  (void)state;
  text_metrics m = {0};
  add_several(&m, "the the the cat", (const char *const[]){"the cat", "the dog and the big bird", NULL});
  assert_int_equal(m.bleu[0].match, 3); /* the, the, cat */
  assert_int_equal(m.bleu[1].match, 1); /* the cat */
  assert_int_equal(m.bleu[0].truth, 2);
  assert_int_equal(m.truth, 2);
  near(text_metrics_rouge_1(&m), 2 * 2.0 / (4 + 2)); /* the first; of the second 2 * 2 / 10 */
  near(text_metrics_rouge_l(&m), 2 * 2.0 / (4 + 2));
  near(text_metrics_exact(&m), 0);
  m = (text_metrics){0};
  add_several(&m, "a b c d", (const char *const[]){"a b c d e f", "c d", "a b c d", NULL}); /* any of them */
  near(text_metrics_exact(&m), 1);
  near(text_metrics_bleu(&m, 4), 1);
  near(text_metrics_chrf(&m), 1);
  near(text_metrics_rouge_l(&m), 1);
  m = (text_metrics){0};
  add_several(&m, "a b c d", (const char *const[]){"c d e f g h", "a b c d x", NULL}); /* 5 is nearer than 6 */
  near(text_metrics_bleu(&m, 4), exp(1 - 5.0 / 4));
}

/* What sacrebleu and rouge-score give for the same words: the best of each text, counts by the text that has most. */
static void test_several_others(void **state) {
  (void)state;
  text_metrics m = {0};
  add_several(&m, "two men are standing in front of a red car .",
              (const char *const[]){"two men stand in front of the red car .", "two men are in front of a car",
                                    "two guys standing before a red car .", NULL});
  add_several(&m, "a dog runs over the grass",
              (const char *const[]){"a brown dog is running over green grass", "a dog runs over the green grass today", NULL});
  add_several(&m, "ein Hund l\u00e4uft \u00fcber die Wiese , schnell",
              (const char *const[]){"ein brauner Hund l\u00e4uft \u00fcber eine Wiese",
                                    "ein Hund l\u00e4uft schnell \u00fcber die Wiese", NULL});
  add_several(&m, "the the the cat", (const char *const[]){"the cat sat on the mat", "the the cat is here", NULL});
  add_several(&m, "nothing in common here", (const char *const[]){"completely different words", "nothing here", NULL});
  add_several(&m, "she sells sea shells by the sea shore",
              (const char *const[]){"she sells sea shells on the sea shore today", "she sells sea shells by the sea shore",
                                    "a woman sells shells", NULL});
  near(text_metrics_bleu(&m, 4), 0.6352257400936283);
  near(text_metrics_chrf(&m), 0.7539485208902742);
  near(text_metrics_rouge_1(&m), 0.8276524644945696);
  near(text_metrics_rouge_l(&m), 0.8054302422723474);
  near(text_metrics_exact(&m), 1.0 / 6);
}

static void test_no_memory(void **state) {
  (void)state;
  const int32_t x[] = {1, 2, 3, 2, 1};
  const text_tokens t[2] = {{x, 5, "a b c", 5}, {x, 4, "a b", 3}};
  for (long n = 1;; n++) {
    text_metrics m = {0};
    unroll_error e = {0};
    mem_fail_after(n, 0);
    const unroll_status status = text_metrics_add(&m, t, t, 2, &e);
    mem_fail_after(0, 0);
    assert_int_equal(mem_live(), 0);
    if (!status) break;
    assert_int_equal(status, UNROLL_FAILED);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_counts),         cmocka_unit_test(test_brevity),
                                     cmocka_unit_test(test_characters),     cmocka_unit_test(test_ends),
                                     cmocka_unit_test(test_others),         cmocka_unit_test(test_several),
                                     cmocka_unit_test(test_several_others), cmocka_unit_test(test_no_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
