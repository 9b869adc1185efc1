/* Bad safetensors, each with its own message, and odd but good ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/memory.h"
#include "base/text.h"
#include "io/safetensors.h"

/* A file in a block of exactly its size, so that the address sanitizer sees any step beyond it. */
static char *make(const char *header, size_t length, size_t data, size_t *size) {
  *size = 8 + length + data;
  char *file = malloc(*size);
  assert_non_null(file);
  memset(file, 0, *size);
  for (int i = 0; i < 8; i++) file[i] = (char)(length >> 8 * i);
  memcpy(file + 8, header, length);
  return file;
}

struct row {
  const char *header;
  size_t data; /* bytes after the header */
  const char *expected;
};

/* One tensor "a" with these three fields. */
#define A(dtype, shape, offsets) "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define T(name, dtype, shape, offsets) "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static const struct row bad[] = {
    /* not JSON, or not an object */
    {"", 0, "not good JSON, at byte 8"},
    {"        ", 0, "not good JSON"},
    {"x", 0, "not good JSON, at byte 9: '[' or '{' expected near 'x'"},
    {"{", 0, "not good JSON"},
    {"{}x", 0, "not good JSON, at byte 11: end of file expected"},
    {"{}{}", 0, "not good JSON"},
    {"{'a':1}", 0, "not good JSON"},
    {"{\"a\":1,}", 0, "not good JSON"},
    {"{\"a\":01}", 0, "not good JSON"},
    {"{\"a\":NaN}", 0, "not good JSON"},
    {"{\"a\":\"\\ud800\"}", 0, "not good JSON"},
    {"{\"a\\u0000b\":1}", 0, "not good JSON"},
    {"{\"a\":99999999999999999999}", 0, "not good JSON"},
    {"{\"a\":1e999}", 0, "not good JSON"},
    {"[]", 0, "the header is not a JSON object"},
    {"null", 0, "not good JSON"},
    {"{\"\xff\":1}", 0, "the header is not UTF-8 at byte 10"},
    {"{\"a\":\"\xc0\x80\"}", 0, "the header is not UTF-8 at byte 14"},
    {"{\"a\":\"\xed\xa0\x80\"}", 0, "the header is not UTF-8 at byte 14"},
    /* keys that appear twice */
    {"{" T("a", "U8", "[1]", "[0,1]") "," T("a", "U8", "[1]", "[1,2]") "}", 2, "a key appears twice in the header, at byte 6"},
    {"{" T("a", "U8", "[1]", "[0,1]") "," T("\\u0061", "U8", "[1]", "[1,2]") "}", 2, "a key appears twice"},
    {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "a key appears twice"},
    {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "a key appears twice"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "a key appears twice"},
    /* names */
    {"{" T("", "U8", "[1]", "[0,1]") "}", 1, "the name of a tensor at byte 9 is empty"},
    {"{" T("a\\nb", "U8", "[1]", "[0,1]") "}", 1, "the name of tensor 'a b' at byte 9 has a control character"},
    {"{" T("a\\u001b[1m", "U8", "[1]", "[0,1]") "}", 1, "has a control character"},
    {"{" T("a\xc2\x9b", "U8", "[1]", "[0,1]") "}", 1, "has a control character"},
    /* entries */
    {"{\"a\":1}", 0, "tensor 'a' at byte 9: its entry is not an object"},
    {"{\"a\":[]}", 0, "tensor 'a' at byte 9: its entry is not an object"},
    {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "tensor 'a' at byte 9: its dtype is missing"},
    {"{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1, "tensor 'a' at byte 9: its shape is missing"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, "tensor 'a' at byte 9: its data_offsets is missing"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":1}}", 1, "it has an unknown field 'x'"},
    {A("1", "[1]", "[0,1]"), 1, "its dtype is not a string"},
    {A("\"F31\"", "[1]", "[0,4]"), 4, "tensor 'a' at byte 9: its dtype 'F31' is unknown"},
    {A("\"f32\"", "[1]", "[0,4]"), 4, "its dtype 'f32' is unknown"},
    {A("\"\"", "[1]", "[0,4]"), 4, "its dtype '' is unknown"},
    {A("\"U8\"", "1", "[0,1]"), 1, "its shape is not an array"},
    {A("\"U8\"", "{}", "[0,1]"), 1, "the header is nested too deeply, at byte 35"},
    {A("\"U8\"", "[[[1]]]", "[0,1]"), 1, "the header is nested too deeply, at byte 36"},
    {A("\"U8\"", "[-1]", "[0,1]"), 1, "dimension 1 of its shape is not a whole number from 0"},
    {A("\"U8\"", "[1,1.0]", "[0,1]"), 1, "dimension 2 of its shape is not a whole number"},
    {A("\"U8\"", "[\"1\"]", "[0,1]"), 1, "dimension 1 of its shape is not a whole number"},
    {A("\"U8\"", "[[1]]", "[0,1]"), 1, "the header is nested too deeply, at byte 36"},
    {A("\"U8\"", "[1,1,1,1,1,1,1,1,1]", "[0,1]"), 1, "it has 9 dimensions, and at most 8 are supported"},
    {A("\"U8\"", "[4294967296,4294967296]", "[0,1]"), 1, "the product of its shape overflows"},
    {A("\"U8\"", "[9223372036854775807,2,0]", "[0,0]"), 0, "the product of its shape overflows"},
    {A("\"F64\"", "[4611686018427387904]", "[0,8]"), 8, "its size in bytes overflows"},
    {A("\"F32\"", "[4611686018427387904]", "[0,4]"), 4, "its size in bytes overflows"},
    {A("\"F32\"", "[4611686018427387905]", "[0,4]"), 4, "its size in bytes overflows"},
    {A("\"F4\"", "[3]", "[0,1]"), 1, "its size in bytes overflows or is not whole"},
    /* spans */
    {A("\"U8\"", "[1]", "0"), 1, "its data_offsets are not two whole numbers"},
    {A("\"U8\"", "[1]", "[0]"), 1, "its data_offsets are not two whole numbers"},
    {A("\"U8\"", "[1]", "[0,1,2]"), 1, "its data_offsets are not two whole numbers"},
    {A("\"U8\"", "[1]", "[-1,0]"), 1, "its data_offsets are not two whole numbers"},
    {A("\"U8\"", "[1]", "[0,1.0]"), 1, "its data_offsets are not two whole numbers"},
    {A("\"U8\"", "[1]", "[null,1]"), 1, "its data_offsets are not two whole numbers"},
    {A("\"U8\"", "[1]", "[1,0]"), 1, "its data ends at offset 0, before it begins at 1"},
    {A("\"U8\"", "[1]", "[0,2]"), 1, "its data ends at offset 2, but the file has only 1 bytes"},
    {A("\"U8\"", "[1]", "[9223372036854775806,9223372036854775807]"), 1, "its data ends at offset 9223372036854775807, but"},
    {A("\"F32\"", "[2]", "[0,4]"), 4, "its data_offsets span 4 bytes, its shape and dtype need 8"},
    {A("\"F32\"", "[]", "[0,8]"), 8, "its data_offsets span 8 bytes, its shape and dtype need 4"},
    {A("\"F32\"", "[0]", "[0,4]"), 4, "its data_offsets span 4 bytes, its shape and dtype need 0"},
    {A("\"U8\"", "[1]", "[1,2]"), 2, "tensor 'a': the first offset is 1, not 0 (byte 62)"},
    {A("\"U8\"", "[0]", "[1,1]"), 1, "tensor 'a': the first offset is 1, not 0"},
    {"{" T("a", "U8", "[1]", "[0,1]") "," T("b", "U8", "[1]", "[2,3]") "}", 3, "tensor 'b': there is a gap of 1 bytes before it"},
    {"{" T("b", "U8", "[1]", "[3,4]") "," T("a", "U8", "[2]", "[0,2]") "}", 4, "tensor 'b': there is a gap of 1 bytes before it"},
    {"{" T("a", "U8", "[2]", "[0,2]") "," T("b", "U8", "[2]", "[1,3]") "}", 3, "tensor 'b': it overlaps tensor 'a'"},
    {"{" T("a", "U8", "[2]", "[0,2]") "," T("b", "U8", "[2]", "[0,2]") "}", 2, "tensor 'b': it overlaps tensor 'a'"},
    {"{" T("a", "U8", "[2]", "[0,2]") "," T("b", "U8", "[0]", "[1,1]") "}", 2, "tensor 'b': it overlaps tensor 'a'"},
    {A("\"U8\"", "[1]", "[0,1]"), 3, "2 bytes follow the last tensor (byte 62)"},
    {"{}", 1, "1 bytes follow the last tensor (byte 10)"},
    {"{" T("a", "U8", "[1]", "[0,1]") ", " T("b", "U9", "[1]", "[1,2]") "}", 2, "tensor 'b' at byte 62: its dtype 'U9'"},
    {"{" T("q\\\"{,:", "U8", "[1]", "[0,1]") "," T("b", "U9", "[1]", "[1,2]") "}", 2, "tensor 'b' at byte 66: its dtype 'U9'"},
    /* metadata */
    {"{\"__metadata__\":1}", 0, "__metadata__ at byte 9 is not an object"},
    {"{\"__metadata__\":[\"a\"]}", 0, "__metadata__ at byte 9 is not an object"},
    {"{\"__metadata__\":{\"epoch\":1}}", 0, "__metadata__ at byte 9: the value of 'epoch' is not a string"},
    {"{\"__metadata__\":{\"k\":\"v\",\"n\":null}}", 0, "the value of 'n' is not a string"},
    {"{\"__metadata__\":{\"k\":[]}}", 0, "the value of 'k' is not a string"},
};

static void assert_bad(const char *data, size_t size, const char *expected, const char *what) {
  long live = mem_live();
  unroll_error e;
  tensor_file f;
  unroll_status status = tensor_file_parse(&f, "bad.safetensors", data, size, &e);
  if (status != UNROLL_BAD_INPUT) fail_msg("accepted (%d): %s", (int)status, what);
  if (!strstr(e.message, expected)) fail_msg("%s\n  says '%s'\n  not  '%s'", what, e.message, expected);
  assert_string_equal(e.file, "bad.safetensors");
  assert_int_equal(e.code, UNROLL_BAD_INPUT);
  assert_null(f.owner);
  assert_null(f.tensors);
  assert_int_equal(f.count, 0);
  assert_int_equal(mem_live(), live);
  tensor_file_free(&f);
}

static void bad_headers_are_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    size_t size;
    char *file = make(bad[i].header, strlen(bad[i].header), bad[i].data, &size);
    assert_bad(file, size, bad[i].expected, bad[i].header);
    free(file);
  }
}

static void bad_lengths_are_refused(void **state) {
  (void)state;
  static const struct {
    uint64_t length;
    size_t size; /* of the whole file */
    const char *expected;
  } rows[] = {
      {0, 0, "the file has 0 bytes, too short"},
      {2, 7, "the file has 7 bytes, too short"},
      {1, 8, "the header's length at byte 0 is 1, but only 0 bytes follow"},
      {0, 8, "not good JSON"},
      {3, 10, "the header's length at byte 0 is 3, but only 2 bytes follow"},
      {100000000, 10, "the header's length at byte 0 is 100000000, but only 2"},
      {100000001, 10, "100000001, more than the 100000000 that the format allows"},
      {UINT64_MAX, 10, "18446744073709551615, more than"},
      {UINT64_MAX - 7, 10, "18446744073709551608, more than"},
      {1ull << 63, 10, "9223372036854775808, more than"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char whole[16] = {0}, *file = malloc(rows[i].size ? rows[i].size : 1);
    for (int k = 0; k < 8; k++) whole[k] = (char)(rows[i].length >> 8 * k);
    memcpy(whole + 8, "{}", 2);
    memcpy(file, whole, rows[i].size);
    assert_bad(file, rows[i].size, rows[i].expected, "a length");
    free(file);
  }
}

/* Nesting far beyond any stack, and many small entries; neither takes much memory or time. */
static void bombs_are_refused(void **state) {
  (void)state;
  static const char *const openings[] = {"[", "{\"a\":", "{\"__metadata__\":{\"a\":["};
  for (size_t k = 0; k < 3; k++) {
    text t = {0};
    text_add(&t, "{\"a\":", 5);
    for (int i = 0; i < 100000; i++) text_add(&t, openings[k], strlen(openings[k]));
    size_t size;
    char *file = make(t.data, t.length, 0, &size);
    assert_bad(file, size, "the header is nested too deeply", "a deep header");
    free(file);
    text_free(&t);
  }
  text t = {0};
  text_add(&t, "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,0],\"shape\":[0", 51);
  for (int i = 0; i < 100000; i++) text_add(&t, ",1", 2);
  text_add(&t, "]}}", 3);
  size_t size;
  char *file = make(t.data, t.length, 0, &size);
  assert_bad(file, size, "it has 100001 dimensions", "a long shape");
  free(file);
  text_free(&t);
}

/* Every prefix of a good file is bad, and none crashes. */
static void cut_files_are_refused(void **state) {
  (void)state;
  const char *header = "{" T("a", "F32", "[2]", "[0,8]") "," T("b", "U8", "[3]", "[8,11]") ",\"__metadata__\":{\"k\":\"v\"}}  ";
  size_t size;
  char *file = make(header, strlen(header), 11, &size);
  for (size_t n = 0; n < size; n++) {
    char *part = malloc(n ? n : 1);
    memcpy(part, file, n);
    assert_bad(part, n, "", "a cut file");
    free(part);
  }
  free(file);
}

static const struct row good[] = {
    {"{}", 0, ""},
    {"{}      ", 0, ""},
    {" \t\r\n{}", 0, ""},
    {"{\"__metadata__\":{}}", 0, ""},
    {"{\"__metadata__\":{\"\":\"\",\"net\":\"h = tanh(W x)\\n\"}}", 0, ""},
    {A("\"U8\"", "[0]", "[0,0]"), 0, "a"},
    {A("\"F32\"", "[]", "[0,4]"), 4, "a"},
    {A("\"F32\"", "[0,4611686018427387904]", "[0,0]"), 0, "a"},
    {A("\"F64\"", "[1,1,1,1,1,1,1,1]", "[0,8]"), 8, "a"},
    {A("\"BOOL\"", "[3]", "[0,3]"), 3, "a"},
    {A("\"F4\"", "[4]", "[0,2]"), 2, "a"},
    {"{" T("b", "U8", "[2]", "[1,3]") "," T("a", "U8", "[1]", "[0,1]") "}", 3, "ab"},
    {"{" T("c", "U8", "[0]", "[2,2]") "," T("b", "U8", "[2]", "[0,2]") "," T("a", "U8", "[0]", "[0,0]") "}", 2, "abc"},
    {"{" T("b", "U8", "[0]", "[1,1]") "," T("c", "U8", "[1]", "[1,2]") "," T("a", "U8", "[1]", "[0,1]") "}", 2, "abc"},
    {"{ \"a\" : { \"shape\" : [ 1 ] , \"data_offsets\" : [ 0 , 1 ] , \"dtype\" : \"U8\" } }", 1, "a"},
    {"{" T("\\u0061", "U8", "[1]", "[0,1]") "}", 1, "a"},
};

static void odd_but_good_files_load(void **state) {
  (void)state;
  long live = mem_live();
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    size_t size;
    char *file = make(good[i].header, strlen(good[i].header), good[i].data, &size);
    unroll_error e;
    tensor_file f;
    if (tensor_file_parse(&f, "good", file, size, &e)) fail_msg("%s: %s", good[i].header, e.message);
    assert_int_equal(f.count, strlen(good[i].expected));
    for (size_t k = 0; k < f.count; k++) {
      assert_int_equal(f.tensors[k].name[0], good[i].expected[k]);
      assert_true((const char *)f.tensors[k].data + f.tensors[k].bytes <= file + size);
    }
    tensor_file_free(&f);
    free(file);
  }
  assert_int_equal(mem_live(), live);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bad_headers_are_refused), cmocka_unit_test(bad_lengths_are_refused), cmocka_unit_test(bombs_are_refused),
      cmocka_unit_test(cut_files_are_refused),   cmocka_unit_test(odd_but_good_files_load),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
