/* test_rank.c - hits@n and MRR beside values worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "metrics/rank.h"

/* Ranks 1, 3, 2, 10, 11, 5: hits@1 1/6, hits@5 4/6, hits@10 5/6; MRR (1 + 1/3 + 1/2 + 1/10 + 1/11 + 1/5) / 6. */
static void test_hits(void **state) {
  static const int64_t ranks[] = {1, 3, 2, 10, 11, 5};
  rank_metrics m = {.at = {1, 5, 10}, .n_at = 3};
  (void)state;
  assert_true(isnan(rank_metrics_hits(&m, 0)) && isnan(rank_metrics_mrr(&m)));
  for (int i = 0; i < 6; i++) rank_metrics_add(&m, ranks[i]);
  assert_true(fabs(rank_metrics_hits(&m, 0) - 1.0 / 6) < 1e-15);
  assert_true(fabs(rank_metrics_hits(&m, 1) - 4.0 / 6) < 1e-15);
  assert_true(fabs(rank_metrics_hits(&m, 2) - 5.0 / 6) < 1e-15);
  assert_true(fabs(rank_metrics_mrr(&m) - 0.3707070707070707) < 1e-15);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_hits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
