/* test_same.c - our own elementary functions beside the C library's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include "base/same.h"

static void near(double got, double want, double error, double at) {
  if (!(fabs(got - want) <= error)) fail_msg("at %.17g: %.17g, not %.17g", at, got, want);
}

static void test_beside_libm(void **state) {
  (void)state;
  for (int i = 0; i <= 2000; i++) {
    const double u = i / 2001.0, x = (i - 1000) * 0.7, y = exp((i - 1000) * 0.5);
    near(same_cos_turn(u), cos(2 * 3.14159265358979323846 * u), 1e-15, u);
    near(same_exp(x) / exp(x), 1, 1e-15, x);
    near(same_log(y), log(y), 4e-16 * (1 + fabs(log(y))), y);
  }
  assert_true(same_cos_turn(0) == 1 && same_exp(0) == 1 && same_log(1) == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_beside_libm)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
