/* test_baseline.c - the forecasts without a model, by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/memory.h"
#include "metrics/baseline.h"

static void is(const baseline *b, enum baseline_kind kind, int64_t at, int64_t h, double point, double deviation) {
  double p, d;
  baseline_at(b, kind, at, h, &p, &d);
  assert_true(fabs(p - point) < 1e-12);
  if (!(fabs(d - deviation) < 1e-12)) fail_msg("deviation %g instead of %g", d, deviation);
}

static void by_hand(void **state) {
  (void)state;
  static const double y[] = {1, 3, 2, 5, 4, 9, 100, 100};
  baseline b;
  unroll_error err;
  assert_int_equal(baseline_init(&b, y, 8, 2, &err), UNROLL_OK);
  /* differences 2 -1 3 -1 5, over a season 1 2 2 4: what comes from 6 on has no influence */
  const double naive = sqrt(40.0 / 5), season = sqrt(25.0 / 4), slope = 8.0 / 5, rest = sqrt(8 - slope * slope);
  is(&b, BASELINE_NAIVE, 6, 1, 9, naive);
  is(&b, BASELINE_NAIVE, 6, 4, 9, 2 * naive);
  is(&b, BASELINE_SEASONAL, 6, 1, 4, season);
  is(&b, BASELINE_SEASONAL, 6, 2, 9, season);
  is(&b, BASELINE_SEASONAL, 6, 3, 4, season * sqrt(2));
  is(&b, BASELINE_SEASONAL, 6, 8, 9, season * 2);
  is(&b, BASELINE_DRIFT, 6, 3, 9 + 3 * slope, rest * sqrt(3 * (1 + 3.0 / 5)));
  assert_true(fabs(baseline_scale(&b, 6) - 9.0 / 4) < 1e-12);
  is(&b, BASELINE_SEASONAL, 1, 1, 1, 0); /* no season yet, nothing to measure */
  is(&b, BASELINE_DRIFT, 1, 5, 1, 0);
  assert_true(isnan(baseline_scale(&b, 2)));
  baseline_free(&b);
  static const double flat[] = {7, 7, 7, 7};
  assert_int_equal(baseline_init(&b, flat, 4, 1, &err), UNROLL_OK);
  assert_true(isnan(baseline_scale(&b, 4)));
  is(&b, BASELINE_DRIFT, 4, 2, 7, 0);
  baseline_free(&b);
  mem_fail_after(1, 0);
  assert_int_equal(baseline_init(&b, flat, 4, 1, &err), UNROLL_FAILED);
  mem_fail_after(0, 0);
  baseline_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(by_hand)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
