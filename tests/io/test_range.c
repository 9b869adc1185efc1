/* Range coder: symbols come back, at their price; also through carries and with the least probable parts. */
#include "io/range.h"
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include "base/random.h"

static void there_and_back(int kind, int n) {
  text t = {0};
  range_encoder e;
  range_decoder d;
  double bits = 0;
  range_begin(&e, &t);
  uint32_t *start = test_malloc((size_t)n * 2 * sizeof *start), *size = start + n;
  for (int i = 0; i < n; i++) {
    const double u = random_uniform(1, RANDOM_SAMPLE, (uint64_t)kind, (uint32_t)i);
    size[i] = kind == 0 ? 1 : kind == 1 ? RANGE_TOTAL : kind == 2 ? RANGE_TOTAL - 1 : 1 + (uint32_t)(u * 1000);
    start[i] = kind == 1 ? 0 : kind == 2 ? (uint32_t)(i & 1) : (uint32_t)(u * (double)(RANGE_TOTAL - size[i]));
    if (kind == 0 && i % 3 == 0) start[i] = RANGE_TOTAL - 1;
    bits += log2((double)RANGE_TOTAL / size[i]);
    range_put(&e, start[i], size[i]);
  }
  range_end(&e);
  assert_false(t.failed);
  assert_true((double)t.length * 8 <= bits * 1.00001 + 17);
  range_open(&d, t.data, t.length);
  for (int i = 0; i < n; i++) {
    const uint32_t at = range_get(&d);
    assert_true(at >= start[i] && at - start[i] < size[i]);
    range_take(&d, start[i], size[i]);
  }
  assert_true(range_all(&d));
  test_free(start);
  text_free(&t);
}

static void test_there_and_back(void **state) {
  (void)state;
  for (int kind = 0; kind < 4; kind++)
    for (int n = 0; n < 2000; n = n * 3 + 1) there_and_back(kind, n);
}

static void test_damage(void **state) {
  (void)state;
  range_decoder d;
  range_open(&d, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
  range_take(&d, range_get(&d) - 5, 3);
  assert_true(d.damaged);
  assert_false(range_all(&d));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_damage)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
