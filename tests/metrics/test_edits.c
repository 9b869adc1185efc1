/* test_edits.c - substitutions, deletions and insertions of words and characters as jiwer 4.0 counts them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>
#include "base/memory.h"
#include "metrics/edits.h"

static const struct row {
  const char *drawn, *truth;
  edits words;
  double wer;
  edits characters;
  double cer;
} rows[] = {
    {"the cat sat on mat", "the cat sat on the mat", {5, 0, 1, 0}, 0.166666666666667, {18, 0, 4, 0}, 0.181818181818182},
    {"a the cat sat down", "the cat sat", {3, 0, 0, 2}, 0.666666666666667, {11, 0, 0, 7}, 0.636363636363636},
    {"a b", "b a", {1, 0, 1, 1}, 1, {1, 2, 0, 0}, 0.666666666666667},
    {"c b a b a d c a", "a b c a b c d", {4, 2, 1, 2}, 0.714285714285714, {9, 4, 0, 2}, 0.461538461538462},
    {"one two three", "one two three", {3, 0, 0, 0}, 0, {13, 0, 0, 0}, 0},
    {"", "hello", {0, 0, 1, 0}, 1, {0, 0, 5, 0}, 1},
    {"eleven seven ate nine", "seven eight nine ten", {2, 1, 1, 1}, 0.75, {12, 4, 4, 5}, 0.65},
    {"uber große strassen", "über große straßen", {1, 2, 0, 0}, 0.666666666666667, {16, 2, 0, 1}, 0.166666666666667},
    {"a b c a c a b b", "b a c c a b a", {5, 1, 1, 2}, 0.571428571428571, {10, 3, 0, 2}, 0.384615384615385},
};
enum { ROWS = sizeof rows / sizeof *rows };

static void same(const edits *got, const edits *want, const char *what, const char *truth) {
  if (memcmp(got, want, sizeof *got))
    fail_msg("%s of '%s': %d hits, %d substitutions, %d deletions, %d insertions", what, truth, (int)got->hits,
             (int)got->substitutions, (int)got->deletions, (int)got->insertions);
}

static void test_jiwer(void **state) {
  (void)state;
  edits all_words = {0}, all_characters = {0};
  for (int i = 0; i < ROWS; i++) {
    const struct row *r = &rows[i];
    edits words = {0}, characters = {0};
    for (int k = 0; k < 2; k++) {
      assert_int_equal(edits_add_words(k ? &all_words : &words, r->drawn, strlen(r->drawn), r->truth, strlen(r->truth), NULL),
                       UNROLL_OK);
      assert_int_equal(
          edits_add_characters(k ? &all_characters : &characters, r->drawn, strlen(r->drawn), r->truth, strlen(r->truth), NULL),
          UNROLL_OK);
    }
    same(&words, &r->words, "words", r->truth);
    same(&characters, &r->characters, "characters", r->truth);
    assert_true(fabs(edits_rate(&words) - r->wer) < 1e-14 && fabs(edits_rate(&characters) - r->cer) < 1e-14);
  }
  assert_true(fabs(edits_rate(&all_words) - 0.5555555555555556) < 1e-15);
  assert_true(fabs(edits_rate(&all_characters) - 0.3813559322033898) < 1e-15);
}

/* White space at the ends and in a row; a text that is no UTF-8; nothing true. */
static void test_texts(void **state) {
  (void)state;
  edits e = {0};
  assert_int_equal(edits_add_words(&e, "  a  b\t", 7,
                                   "a\xc2\xa0"
                                   "b c",
                                   6, NULL),
                   UNROLL_OK);
  same(&e, &(edits){2, 0, 1, 0}, "words", "a b c");
  e = (edits){0};
  assert_int_equal(edits_add_characters(&e,
                                        " \xff"
                                        "b ",
                                        4,
                                        "\xfe"
                                        "b",
                                        2, NULL),
                   UNROLL_OK);
  same(&e, &(edits){1, 1, 0, 0}, "characters", "?b");
  e = (edits){0};
  assert_int_equal(edits_add_words(&e, "a b", 3, " ", 1, NULL), UNROLL_OK);
  same(&e, &(edits){0, 0, 0, 2}, "words", "");
  assert_true(isnan(edits_rate(&e)));
  assert_int_equal(edits_add(&e, NULL, 0, NULL, 0, NULL), UNROLL_OK);
}

static void test_memory(void **state) {
  (void)state;
  edits e = {0};
  const long live = mem_live();
  for (long fail = 1;; fail++) {
    mem_fail_after(fail, 0);
    const unroll_status s = edits_add_words(&e, "a b c", 5, "b c d", 5, NULL);
    mem_fail_after(0, 0);
    assert_int_equal(mem_live(), live);
    if (s == UNROLL_OK) break;
    assert_int_equal(s, UNROLL_FAILED);
    same(&e, &(edits){0}, "words", "b c d");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_jiwer), cmocka_unit_test(test_texts), cmocka_unit_test(test_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
