/* test_boxes.c - overlap of boxes, assignments against all permutations, and tracking counted by hand: matches that stay, a switch,
 * a false one, what is missed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <cmocka.h>
#include "base/memory.h"
#include "base/random.h"
#include "metrics/boxes.h"

static void test_overlap(void **state) {
  (void)state;
  static const struct {
    box a, b;
    double overlap, distance;
  } table[] = {
      {{0, 0, 4, 2}, {0, 0, 4, 2}, 1, 0},
      {{0, 0, 4, 2}, {2, 0, 4, 2}, 1.0 / 3, 2},
      {{0, 0, 4, 2}, {4, 0, 4, 2}, 0, 4},
      {{0, 0, 4, 4}, {1, 1, 2, 2}, 0.25, 0},
      {{0, 0, 0, 0}, {0, 0, 0, 0}, 0, 0},
      {{0, 0, 2, 2}, {9, 12, 2, 2}, 0, 15},
      {{0.5, 0, 1, 1}, {0, 0.5, 1, 1}, 1.0 / 7, 0.70710678118654752},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    assert_true(fabs(box_overlap(&table[i].a, &table[i].b) - table[i].overlap) < 1e-12);
    assert_true(fabs(box_overlap(&table[i].b, &table[i].a) - table[i].overlap) < 1e-12);
    assert_true(fabs(box_distance(&table[i].a, &table[i].b) - table[i].distance) < 1e-12);
  }
}

/* The least cost of rows from `row` on, with columns that are not taken. */
static double least(const double *cost, int row, int n, int m, unsigned taken) {
  double best = row == n ? 0 : (double)INFINITY;
  for (int j = 0; j < m && row < n; j++)
    if (!(taken >> j & 1)) best = fmin(best, cost[row * m + j] + least(cost, row + 1, n, m, taken | 1u << j));
  return best;
}

static void test_assign(void **state) {
  (void)state;
  for (int k = 0; k < 60; k++) {
    const int m = 1 + k % 6, n = 1 + (k / 6) % m;
    double cost[36], sum = 0;
    int column[6];
    unsigned taken = 0;
    for (int i = 0; i < n * m; i++) cost[i] = (double)random_below(7, RANDOM_TEST, (uint64_t)k, (uint32_t)i, 12) - 4;
    assert_true(assign_columns(column, cost, n, m));
    for (int i = 0; i < n; i++) {
      assert_true(column[i] >= 0 && column[i] < m && !(taken >> column[i] & 1));
      taken |= 1u << column[i];
      sum += cost[i * m + column[i]];
    }
    assert_true(sum == least(cost, 0, n, m, 0));
  }
  assert_int_equal(mem_live(), 0);
}

/* Things 1 and 2 go side by side; the guesses 7 and 8 change places at frame 3, where 8 still overlaps enough with thing 1 by a
 * half. */
static void test_tracking(void **state) {
  (void)state;
  static const tracked_box truth[] = {{1, 1, {0, 0, 4, 4}},  {1, 2, {20, 0, 4, 4}}, {2, 1, {1, 0, 4, 4}},
                                      {2, 2, {21, 0, 4, 4}}, {3, 1, {2, 0, 4, 4}},  {3, 2, {22, 0, 4, 4}},
                                      {4, 1, {3, 0, 4, 4}},  {4, 2, {23, 0, 4, 4}}, {5, 1, {4, 0, 4, 4}}};
  static const tracked_box guess[] = {{3, 8, {2, 0, 4, 4}}, {1, 7, {0, 0, 4, 4}},  {1, 8, {20, 0, 4, 4}},
                                      {2, 7, {1, 0, 4, 4}}, {2, 8, {22, 0, 4, 4}}, {3, 7, {22, 0, 4, 4}},
                                      {4, 8, {3, 0, 4, 4}}, {4, 9, {40, 0, 4, 4}}, {6, 9, {41, 0, 4, 4}}};
  tracking t;
  assert_int_equal(tracking_measure(&t, truth, 9, guess, 9, 0.5, NULL), UNROLL_OK);
  assert_int_equal(t.matches, 7); /* all of frames 1 to 3, thing 1 of frame 4 */
  assert_int_equal(t.switches, 2);
  assert_int_equal(t.misses, 2);          /* thing 2 at frame 4, thing 1 at frame 5 */
  assert_int_equal(t.false_positives, 2); /* guess 9 */
  assert_true(fabs(t.mota - (1 - 6.0 / 9)) < 1e-12);
  assert_true(fabs(t.motp - (6 + 0.6) / 7) < 1e-12);
  assert_int_equal(t.identity, 4); /* 7 for thing 1 and 8 for 2: 2 + 2; the other way round: 2 + 1 */
  assert_true(fabs(t.idf1 - 8.0 / 18) < 1e-12);
  /* A pair that still overlaps by a half stays, though another guess overlaps more. */
  static const tracked_box one[] = {{1, 1, {0, 0, 4, 4}}, {2, 1, {0, 0, 4, 4}}};
  static const tracked_box two[] = {{1, 5, {0, 0, 4, 4}}, {2, 5, {1, 0, 4, 4}}, {2, 6, {0, 0, 4, 4}}};
  assert_int_equal(tracking_measure(&t, one, 2, two, 3, 0.5, NULL), UNROLL_OK);
  assert_true(t.matches == 2 && t.switches == 0 && t.false_positives == 1 && fabs(t.motp - 0.8) < 1e-12 && t.identity == 2);
  assert_int_equal(tracking_measure(&t, one, 2, NULL, 0, 0.5, NULL), UNROLL_OK);
  assert_true(t.misses == 2 && t.mota == 0 && isnan(t.motp) && t.idf1 == 0);
  assert_int_equal(tracking_measure(&t, NULL, 0, NULL, 0, 0.5, NULL), UNROLL_OK);
  assert_true(isnan(t.mota) && isnan(t.idf1));
  assert_int_equal(mem_live(), 0);
}

static void test_memory(void **state) {
  (void)state;
  static const tracked_box one[] = {{1, 1, {0, 0, 4, 4}}, {2, 1, {0, 0, 4, 4}}};
  unroll_status s = UNROLL_FAILED;
  for (long n = 1; s == UNROLL_FAILED; n++) {
    tracking t;
    unroll_error err;
    mem_fail_after(n, 0);
    s = tracking_measure(&t, one, 2, one, 2, 0.5, &err);
    mem_fail_after(0, 0);
    assert_true(n < 1000);
  }
  assert_int_equal(s, UNROLL_OK);
  assert_int_equal(mem_live(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_overlap), cmocka_unit_test(test_assign), cmocka_unit_test(test_tracking),
                                     cmocka_unit_test(test_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
