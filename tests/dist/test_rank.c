/* test_rank.c - the rank of a symbol among logits; of equal ones the first comes first, as distribution_likeliest has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "dist/distribution.h"

static void test_ranks(void **state) {
  static const float logits[] = {0.5F, 2, -1, 2, 0.5F, 3};
  static const int64_t ranks[] = {4, 2, 6, 3, 5, 1};
  const distribution d = {.width = 6};
  const prediction p = {{logits}};
  (void)state;
  for (int i = 0; i < 6; i++) assert_int_equal(distribution_rank(&d, &p, i), ranks[i]);
  assert_int_equal(distribution_likeliest(&d, &p), 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_ranks)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
