/* test_figures.c - lists of figures: what is found again, what is not there, and that lack of memory is remembered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>
#include <cmocka.h>
#include "base/memory.h"
#include "metrics/figures.h"

static void fill(figures *f) {
  figures_add(f, 0, "loss", FIGURE_NATS, 0.25);
  const int y = figures_part(f, figures_part(f, 0, "variables"), "y"), labels = figures_list(f, y, "labels");
  figures_add(f, y, "accuracy", FIGURE_SHARE, 0.75);
  for (int i = 0; i < 100; i++) {
    const char label[] = {'a', 0, (char)i};
    figures_add(f, figures_element(f, labels, "label", label, 3), "support", FIGURE_COUNT, i);
  }
  figures_add_word(f, 0, "precision", "bf16");
  figures_add(f, y, "mse", FIGURE_NUMBER, (double)NAN);
}

static void finds(void **state) {
  (void)state;
  figures f = {0};
  fill(&f);
  assert_true(!f.failed && f.n == 104 && f.n_subjects == 104);
  const int variables = figures_find_part(&f, 0, "variables"), y = figures_find_part(&f, variables, "y");
  const int labels = figures_find_part(&f, y, "labels");
  assert_true(figures_value(&f, 0, "loss") == 0.25 && figures_find(&f, 0, "loss")->unit == FIGURE_NATS);
  assert_true(figures_value(&f, y, "accuracy") == 0.75);
  assert_string_equal(figures_find(&f, 0, "precision")->word, "bf16");
  assert_true(isnan(figures_value(&f, y, "mse")) && figures_find(&f, y, "mse"));
  assert_true(isnan(figures_value(&f, 0, "accuracy")) && !figures_find(&f, 0, "accuracy"));
  assert_true(figures_find_part(&f, 0, "y") == -1 && f.subjects[labels].kind == SUBJECT_LIST && f.subjects[labels].at == 1);
  const subject *last = &f.subjects[f.n_subjects - 1];
  assert_true(last->parent == labels && last->size == 3 && !memcmp(last->label, "a\0\x63", 3) && last->at == 101);
  assert_true(figures_value(&f, f.n_subjects - 1, "support") == 99);
  figures_free(&f);
  assert_int_equal(mem_live(), 0);
}

static void out_of_memory(void **state) {
  (void)state;
  int n = 0;
  for (bool failed = true; failed; n++) {
    figures f = {0};
    mem_fail_after(n + 1, 0);
    fill(&f);
    mem_fail_after(0, 0);
    failed = f.failed;
    assert_true(failed || f.n == 104);
    figures_free(&f);
    assert_int_equal(mem_live(), 0);
  }
  assert_true(n > 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(finds), cmocka_unit_test(out_of_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
