/* Packed files: what comes out, files of several members, damaged ones, and those that would never end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "base/memory.h"
#include "read/unpack.h"

#define TABLE "text,label\na,b\n"
/* TABLE by gzip, its two lines as two members, TABLE by zstd; 20,000 letters a by both */
#define GZIP                                                                                                                       \
  "\037\213\010\000\000\000\000\000\002\003\053\111\255\050\321\311\111\114\112\315\341\112\324\111\342\002\000\332\370\146\343"   \
  "\017\000\000\000"
#define GZIP_1                                                                                                                     \
  "\037\213\010\000\000\000\000\000\002\003\053\111\255\050\321\311\111\114\112\315\341\002\000\314\230\004\124\013\000\000\000"
#define GZIP_2 "\037\213\010\000\000\000\000\000\002\003\113\324\111\342\002\000\305\020\227\044\004\000\000\000"
#define ZSTD "\050\265\057\375\040\017\171\000\000\164\145\170\164\054\154\141\142\145\154\012\141\054\142\012"
#define GZIP_A                                                                                                                     \
  "\037\213\010\000\000\000\000\000\002\003\355\301\061\001\000\000\000\302\240\254\353\137\302\032\036\100\001\000\000\000\000"   \
  "\000\000\000\000\000\000\000\000\000\000\000\000\000\000\360\140\061\207\275\312\040\116\000\000"
#define ZSTD_A "\050\265\057\375\140\040\115\115\000\000\020\141\141\001\000\033\316\016\260"
#define BYTES(s) s, sizeof(s) - 1

static const struct {
  const char *data;
  size_t size;
  const char *text, *message; /* what is read, or why not */
} files[] = {
    {BYTES(GZIP), TABLE, NULL},
    {BYTES(GZIP_1 GZIP_2), TABLE, NULL},
    {BYTES(GZIP "\0\0\0\0"), TABLE, NULL},
    {BYTES(ZSTD), TABLE, NULL},
    {BYTES(ZSTD ZSTD), TABLE TABLE, NULL},
    {BYTES(TABLE), TABLE, NULL},
    {BYTES(""), "", NULL},
    {BYTES(GZIP TABLE), NULL, "packed by gzip and damaged: incorrect header check"},
    {BYTES(ZSTD TABLE), NULL, "packed by zstd and damaged"},
    {BYTES(GZIP_1 "\x1F\x8B\x08"), NULL, "packed by gzip and damaged: it is cut off"},
    {BYTES("\x28\xB5\x2F\xFD"), NULL, "packed by zstd and damaged: it is cut off"},
    {BYTES(GZIP_A), NULL, "what is packed in the file is larger than 0 MB"},
    {BYTES(ZSTD_A), NULL, "what is packed in the file is larger than 0 MB"},
};

enum { MOST = 10000 };

static char *copy_of(const char *data, size_t size) {
  char *copy = mem_alloc(size + 1);
  assert_non_null(copy);
  memcpy(copy, data, size);
  return copy;
}

static void test_files(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    const bool zstd = files[i].size > 3 && !memcmp(files[i].data, "\x28\xB5\x2F\xFD", 4);
    const bool gzip = files[i].size > 2 && !memcmp(files[i].data, "\x1F\x8B\x08", 3);
    const bool can = (!zstd && !gzip) || unpack_can(files[i].data, files[i].size);
    size_t size = files[i].size;
    char *data = copy_of(files[i].data, size);
    unroll_error err = {0};
    const unroll_status status = unpack("x", &data, &size, MOST, &err);
    if (!can) { /* without its library */
      assert_int_equal(status, UNROLL_BAD_INPUT);
      assert_non_null(strstr(err.message, zstd ? "built without libzstd" : "built without zlib"));
      mem_free(data);
      continue;
    }
    if (status != (files[i].text ? UNROLL_OK : UNROLL_BAD_INPUT) || (status && !strstr(err.message, files[i].message)))
      fail_msg("%zu: %d %s", i, (int)status, err.message);
    if (!status && (size != strlen(files[i].text) || memcmp(data, files[i].text, size)))
      fail_msg("%zu: '%.*s'", i, (int)size, data);
    mem_free(data);
    assert_int_equal(mem_live(), 0);
  }
}

/* Any byte missing at the end, any bit wrong: never something else without a word. */
static void test_damage(void **state) {
  (void)state;
  const char *const packed = GZIP;
  if (!unpack_can(packed, sizeof GZIP - 1)) skip();
  for (size_t n = 3; n < sizeof GZIP - 1; n++) {
    char *data = copy_of(packed, n);
    size_t size = n;
    if (unpack("x", &data, &size, MOST, NULL) != UNROLL_BAD_INPUT) fail_msg("%zu bytes are taken", n);
    mem_free(data);
  }
  for (size_t bit = 10 * 8; bit < 8 * (sizeof GZIP - 1); bit++) {
    char *data = copy_of(packed, sizeof GZIP - 1);
    size_t size = sizeof GZIP - 1;
    data[bit / 8] = (char)(data[bit / 8] ^ 1 << bit % 8);
    if (!unpack("x", &data, &size, MOST, NULL) && (size != strlen(TABLE) || memcmp(data, TABLE, size))) fail_msg("bit %zu", bit);
    mem_free(data);
  }
}

static void test_memory(void **state) {
  (void)state;
  static const struct {
    const char *data;
    size_t size;
  } packed[] = {{BYTES(GZIP)}, {BYTES(GZIP_A)}, {BYTES(ZSTD_A)}};
  for (int i = 0; i < 3; i++) {
    if (!unpack_can(packed[i].data, packed[i].size)) continue;
    for (long n = 1;; n++) {
      char *data = copy_of(packed[i].data, packed[i].size);
      size_t size = packed[i].size;
      unroll_error err = {0};
      mem_fail_after(n, 0);
      const unroll_status status = unpack("x", &data, &size, 1 << 20, &err);
      mem_fail_after(0, 0);
      mem_free(data);
      assert_int_equal(mem_live(), 0);
      if (!status) break;
      assert_int_equal(status, UNROLL_FAILED);
      assert_string_equal(err.message, "out of memory");
    }
  }
}

static void test_names(void **state) {
  (void)state;
  assert_int_equal(unpack_name("a.csv.gz"), 5);
  assert_int_equal(unpack_name("a.csv.zst"), 5);
  assert_int_equal(unpack_name("a.csv"), 5);
  assert_int_equal(unpack_name(".gz"), 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_files), cmocka_unit_test(test_damage), cmocka_unit_test(test_memory),
                                     cmocka_unit_test(test_names)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
