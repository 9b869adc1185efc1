/* test_cache.c - values kept on disk: found again to the bit; whatever is damaged, cut off or of another key is not found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/file.h"
#include "base/memory.h"
#include "data/cache.h"

static char folder[] = "/tmp/unroll-cache-XXXXXX";
static char entry[128];
static const uint64_t key[2] = {0x0123456789abcdef, 7};
static const float values[3] = {1.5f, -0.25f, 1e-30f};

static int setup(void **state) {
  (void)state;
  if (!mkdtemp(folder)) return -1;
  snprintf(entry, sizeof entry, "%s/0123456789abcdef0000000000000007.values", folder);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  return remove(entry) ? -1 : rmdir(folder);
}

static bool find(const uint64_t wanted[2], int64_t n) {
  float x[4] = {0};
  bool found = true;
  assert_int_equal(cache_get(folder, wanted, x, n, &found, NULL), UNROLL_OK);
  if (found) assert_memory_equal(x, values, (size_t)n * sizeof *x);
  return found;
}

static void test_found(void **state) {
  (void)state;
  assert_false(find(key, 3));
  assert_int_equal(cache_put(folder, key, values, 3, NULL), UNROLL_OK);
  assert_true(find(key, 3));
  assert_false(find(key, 2));
  assert_false(find(key, 4));
  assert_false(find((const uint64_t[2]){key[0], key[1] + 1}, 3));
  assert_int_equal(cache_put(folder, key, values, 2, NULL), UNROLL_OK); /* replaced */
  assert_true(find(key, 2));
  assert_int_equal(cache_put(folder, key, values, 0, NULL), UNROLL_OK);
  assert_true(find(key, 0));
}

/* Each bit of an entry counts, and so does each byte at its end. */
static void test_damaged(void **state) {
  (void)state;
  char *data;
  size_t size;
  assert_int_equal(cache_put(folder, key, values, 3, NULL), UNROLL_OK);
  assert_int_equal(file_read(entry, &data, &size, NULL), UNROLL_OK);
  for (size_t i = 0; i < 8 * size; i++) {
    data[i / 8] ^= (char)(1 << i % 8);
    assert_int_equal(file_write(entry, data, size, NULL), UNROLL_OK);
    if (find(key, 3)) fail_msg("found with bit %zu damaged", i);
    data[i / 8] ^= (char)(1 << i % 8);
  }
  for (size_t n = 0; n <= size; n++) {
    assert_int_equal(file_write(entry, data, n, NULL), UNROLL_OK);
    assert_int_equal(find(key, 3), n == size);
  }
  mem_free(data);
}

/* Where it cannot be written there is a message with the path; a part of an entry never has its name. */
static void test_unwritable(void **state) {
  (void)state;
  unroll_error err = {0};
  assert_int_equal(cache_put("/nowhere/at/all", key, values, 3, &err), UNROLL_FAILED);
  assert_non_null(strstr(err.file, "/nowhere/at/all/0123456789abcdef0000000000000007.values"));
  assert_int_equal(cache_put(folder, key, values, 2, NULL), UNROLL_OK);
  for (long n = 1;; n++) {
    file_fail_after(n, 0);
    const unroll_status status = cache_put(folder, key, values, 3, &err);
    file_fail_after(0, 0);
    assert_int_equal(mem_live(), 0);
    if (!status) break;
    assert_int_equal(status, UNROLL_FAILED);
    assert_true(find(key, 2)); /* the old one */
  }
  assert_true(find(key, 3));
  for (long n = 1;; n++) {
    float x[3];
    bool found = false;
    mem_fail_after(n, 0);
    const unroll_status status = cache_get(folder, key, x, 3, &found, &err);
    mem_fail_after(0, 0);
    if (!status && found) break;
    assert_int_equal(status, UNROLL_FAILED);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_found),
      cmocka_unit_test(test_damaged),
      cmocka_unit_test(test_unwritable),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
