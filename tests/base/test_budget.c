/* The budget of memory: what is allowed, and what is said otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <cmocka.h>
#include "base/budget.h"

static void test_figures(void **state) {
  (void)state;
  unroll_error err = {0};
  budget_set(100 << 20);
  assert_int_equal(budget_bytes(), 100 << 20);
  assert_int_equal(budget_check(100 << 20, "it", &err), UNROLL_OK);
  assert_int_equal(budget_check((100 << 20) + 1, "it", &err), UNROLL_FAILED);
  assert_string_equal(err.message, "it needs 100 MB of memory, and 100 MB are allowed (option 'max-memory' says how much)");
  assert_int_equal(budget_check(UINT64_MAX, "it", NULL), UNROLL_FAILED);
  budget_set(0);
}

/* Without a word it is a share of what there is. */
static void test_share(void **state) {
  (void)state;
  struct rlimit old, less;
  const uint64_t usual = budget_bytes();
  assert_true(usual > 1 << 20);
  assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
  less = old;
  less.rlim_cur = usual / 8 * 4;
  assert_int_equal(setrlimit(RLIMIT_AS, &less), 0);
  const uint64_t there = budget_bytes();
  assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
  assert_int_equal(there, less.rlim_cur / 4 * 3);
}

static void test_operations(void **state) {
  (void)state;
  assert_int_equal(budget_operations(), 32768);
  budget_set_operations(5);
  assert_int_equal(budget_operations(), 5);
  budget_set_operations(0);
  assert_int_equal(budget_operations(), 32768);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_figures), cmocka_unit_test(test_share),
                                     cmocka_unit_test(test_operations)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
