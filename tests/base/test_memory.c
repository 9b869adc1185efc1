/* The allocation table and arenas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "base/memory.h"

static void blocks_are_counted(void **state) {
  (void)state;
  long before = mem_live();
  char *a = mem_alloc(10), *b = mem_zero(3, 5), *c = mem_text("three"), *d = mem_alloc(0);
  assert_non_null(a);
  assert_non_null(d);
  for (int i = 0; i < 15; i++) assert_int_equal(b[i], 0);
  assert_string_equal(c, "three");
  assert_int_equal(mem_live(), before + 4);
  memset(a, 'x', 10);
  a = mem_resize(a, 1000);
  for (int i = 0; i < 10; i++) assert_int_equal(a[i], 'x');
  assert_int_equal(mem_live(), before + 4);
  char *e = mem_resize(NULL, 4);
  assert_int_equal(mem_live(), before + 5);
  mem_free(a), mem_free(b), mem_free(c), mem_free(d), mem_free(e), mem_free(NULL);
  assert_int_equal(mem_live(), before);
}

static void aligned_blocks_are_zero(void **state) {
  (void)state;
  for (size_t n = 0; n < 300; n += 7) {
    unsigned char *p = mem_aligned(n, 1);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 64, 0);
    for (size_t i = 0; i < n; i++) assert_int_equal(p[i], 0);
    mem_free_aligned(p);
  }
}

static void overflow_is_refused(void **state) {
  (void)state;
  long before = mem_live();
  arena a = {0};
  assert_null(mem_zero(SIZE_MAX / 2, 3));
  assert_null(mem_alloc(SIZE_MAX));
  assert_null(mem_aligned(SIZE_MAX, 2));
  assert_null(mem_aligned(SIZE_MAX - 10, 1));
  assert_null(arena_alloc(&a, SIZE_MAX / 2, 4));
  assert_null(arena_alloc(&a, SIZE_MAX - 3, 1));
  assert_null(arena_text(&a, "x", SIZE_MAX));
  assert_int_equal(mem_live(), before);
}

static void chosen_allocation_fails(void **state) {
  (void)state;
  const long failed = mem_failures();
  mem_fail_after(2, 0);
  void *a = mem_alloc(1), *b = mem_alloc(1), *c = mem_alloc(1);
  assert_non_null(a);
  assert_null(b);
  assert_non_null(c);
  assert_int_equal(mem_failures(), failed + 1);
  mem_free(a), mem_free(c);
  mem_fail_after(1, 1);
  for (int i = 0; i < 5; i++) assert_null(mem_zero(1, 1));
  assert_null(mem_aligned(1, 1));
  assert_null(mem_text("x"));
  mem_fail_after(0, 0);
  char *d = mem_alloc(8);
  assert_non_null(d);
  d[0] = 'd';
  mem_fail_after(1, 0);
  assert_null(mem_resize(d, 1 << 20)); /* d stays */
  assert_int_equal(d[0], 'd');
  mem_free(d);
}

static void arena_blocks_stay(void **state) {
  (void)state;
  long before = mem_live();
  arena a = {0};
  enum { N = 3000 };
  static unsigned char *place[N];
  for (int i = 0; i < N; i++) {
    size_t n = (size_t)(i % 97) * (i % 50 == 0 ? 1000 : 1);
    place[i] = arena_alloc(&a, n, 1);
    assert_non_null(place[i]);
    assert_int_equal((uintptr_t)place[i] % 16, 0);
    for (size_t k = 0; k < n; k++) assert_int_equal(place[i][k], 0);
    memset(place[i], i & 0xff, n);
  }
  for (int i = 0; i < N; i++) {
    size_t n = (size_t)(i % 97) * (i % 50 == 0 ? 1000 : 1);
    for (size_t k = 0; k < n; k++) assert_int_equal(place[i][k], i & 0xff);
  }
  assert_string_equal(arena_text(&a, "hello world", 5), "hello");
  mem_fail_after(1, 1);
  assert_null(arena_alloc(&a, 1 << 20, 1));
  mem_fail_after(0, 0);
  arena_free(&a);
  assert_null(a.first);
  assert_int_equal(mem_live(), before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks_are_counted),      cmocka_unit_test(aligned_blocks_are_zero), cmocka_unit_test(overflow_is_refused),
      cmocka_unit_test(chosen_allocation_fails), cmocka_unit_test(arena_blocks_stay),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
