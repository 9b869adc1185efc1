/* test_follow.c - boxes that are followed: sums counted by hand, beside a box that stays and one that goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <cmocka.h>
#include "metrics/follow.h"

static void near(double a, double b) { assert_true(fabs(a - b) < 1e-12); }

/* A square of side 2 that goes 1 to the right, 1 more, then 2 down. The guess is right, half beside it, and far away. */
static void test_film(void **state) {
  (void)state;
  static const double truth[] = {0, 0, 2, 2, 1, 0, 2, 2, 2, 0, 2, 2, 2, 2, 2, 2};
  static const double guess[] = {9, 9, 1, 1, 1, 0, 2, 2, 3, 0, 2, 2, 2, 5, 2, 2};
  follow_metrics m = {0};
  follow_add(&m, truth, guess, 4);
  assert_int_equal(m.n, 3); /* the first box is given */
  near(follow_overlap(&m, FOLLOW_MODEL), (1 + 1.0 / 3 + 0) / 3);
  near(follow_above(&m, FOLLOW_MODEL), 1.0 / 3);
  near(follow_distance(&m, FOLLOW_MODEL), (0 + 1 + 3) / 3.0);
  near(follow_overlap(&m, FOLLOW_STAYS), (1.0 / 3 + 0 + 0) / 3);
  near(follow_above(&m, FOLLOW_STAYS), 0);
  near(follow_distance(&m, FOLLOW_STAYS), (1 + 2 + sqrt(8)) / 3);
  near(follow_overlap(&m, FOLLOW_GOES_ON), (1 + 1 + 0) / 3.0); /* at 3, 0 where the truth is at 2, 2 */
  near(follow_above(&m, FOLLOW_GOES_ON), 2.0 / 3);
  near(follow_distance(&m, FOLLOW_GOES_ON), sqrt(5) / 3);
  follow_add(&m, truth, truth, 4); /* films add up */
  assert_int_equal(m.n, 6);
  near(follow_overlap(&m, FOLLOW_MODEL), (4 + 1.0 / 3) / 6);
}

/* A picture each: all boxes count, and nothing moves. */
static void test_pictures(void **state) {
  (void)state;
  static const double truth[] = {0, 0, 2, 2}, guess[] = {1, 0, 2, 2};
  follow_metrics m = {0};
  assert_true(isnan(follow_overlap(&m, FOLLOW_MODEL)) && isnan(follow_above(&m, FOLLOW_STAYS)));
  follow_add(&m, truth, guess, 0);
  assert_int_equal(m.n, 0);
  follow_add(&m, truth, guess, 1);
  assert_int_equal(m.n, 1);
  near(follow_overlap(&m, FOLLOW_MODEL), 1.0 / 3);
  near(follow_distance(&m, FOLLOW_MODEL), 1);
  near(follow_overlap(&m, FOLLOW_STAYS), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_film), cmocka_unit_test(test_pictures)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
