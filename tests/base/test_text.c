/* UTF-8, growing texts, nearest names, numbers, and the errors that copy text. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

static void every_code_point_survives(void **state) {
  (void)state;
  for (uint32_t c = 0; c <= 0x110010; c++) {
    char s[4];
    uint32_t back = 0;
    int n = utf8_encode(c, s);
    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
      assert_int_equal(n, 0);
    else if (n != (c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4) || utf8_decode(s, (size_t)n, &back) != n || back != c)
      fail_msg("code point %x", (unsigned)c);
    else if (n > 1)
      assert_int_equal(utf8_decode(s, (size_t)n - 1, &back), 0);
  }
}

static void bad_bytes_are_found(void **state) {
  (void)state;
  static const struct {
    const char *s;
    size_t n, valid;
  } rows[] = {
      {"", 0, 0},
      {"abc", 3, 3},
      {"a\0b", 3, 3},
      {"\x80", 1, 0}, /* a tail without a head */
      {"ab\xbf", 3, 2},
      {"\xc0\x80", 2, 0}, /* overlong */
      {"\xc1\xbf", 2, 0},
      {"\xe0\x9f\xbf", 3, 0},
      {"\xf0\x8f\xbf\xbf", 4, 0},
      {"\xed\xa0\x80", 3, 0}, /* surrogates */
      {"\xed\xbf\xbf", 3, 0},
      {"\xf4\x90\x80\x80", 4, 0}, /* above U+10FFFF */
      {"\xf5\x80\x80\x80", 4, 0},
      {"\xf8\x88\x80\x80\x80", 5, 0},
      {"\xff", 1, 0},
      {"x\xcf", 2, 1}, /* cut off */
      {"x\xe2\x82", 3, 1},
      {"x\xf0\x9f\x98", 4, 1},
      {"\xcf\x83(W)", 5, 5},
      {"\xe2\x82\xac\xf0\x9f\x98\x80!", 8, 8},
      {"\xe2\x82\xac\xe2(\xac", 6, 3},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (utf8_valid(rows[i].s, rows[i].n) != rows[i].valid) fail_msg("row %zu", i);
}

static void texts_grow(void **state) {
  (void)state;
  text t = {0};
  assert_null(t.data);
  for (int i = 0; i < 1000; i++) text_format(&t, "%d,", i);
  text_add(&t, "a\0b", 3);
  text_add(&t, NULL, 0);
  assert_int_equal(t.length, 10 * 2 + 90 * 3 + 900 * 4 + 3);
  assert_int_equal(t.data[t.length], 0);
  assert_memory_equal(t.data, "0,1,2,3,", 8);
  text_free(&t);
  assert_null(t.data);
  text_add(&t, "kept", 4);
  mem_fail_after(1, 0);
  text_format(&t, "%0100d", 1);
  assert_true(t.failed);
  text_add(&t, "x", 1);
  assert_string_equal(t.data, "kept");
  text_free(&t);
  text_add(&t, "x", SIZE_MAX);
  assert_true(t.failed);
  text_free(&t);
}

static void nearest_names(void **state) {
  (void)state;
  static const char *const names[] = {"tanh", "sigmoid",      "softmax", "softplus", "h",
                                      "relu", "hard_sigmoid", "exp",     "abs",      "layernorm"};
  static const struct {
    const char *word, *nearest;
  } rows[] = {
      {"tahn", "tanh"},  /* neighbours swapped */
      {"tan", "tanh"},   /* one missing */
      {"tanhh", "tanh"}, /* one too many */
      {"tank", "tanh"},  /* one wrong */
      {"sigmod", "sigmoid"},
      {"segmoyd", "sigmoid"}, /* two of seven letters */
      {"sagmyod", NULL},      /* three of seven */
      {"sofmax", "softmax"},
      {"softmux", "softmax"},
      {"hardsigmoid", "hard_sigmoid"},
      {"tanh", "tanh"},
      {"x", NULL}, /* nothing in common with h */
      {"hh", "h"},
      {"ab", "abs"},
      {"elephant", NULL},
      {"", NULL},
      {"layernrom", "layernorm"},
      {"reul", "relu"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const char *found = text_nearest(rows[i].word, names, sizeof names / sizeof *names);
    if (!rows[i].nearest ? found != NULL : !found || strcmp(found, rows[i].nearest) != 0)
      fail_msg("%s: %s", rows[i].word, found ? found : "none");
  }
  char large[400];
  memset(large, 'a', sizeof large - 1);
  large[sizeof large - 1] = 0;
  const char *candidates[] = {large, "b"};
  assert_null(text_nearest(large, candidates, 2));
  assert_null(text_nearest("b", candidates, 1));
}

static void check_numbers(void) {
  static const struct {
    const char *s;
    int good;
    double value;
  } rows[] = {
      {"0", 1, 0},
      {"12", 1, 12},
      {"-1.5", 1, -1.5},
      {"+2", 1, 2},
      {".5", 1, 0.5},
      {"5.", 1, 5},
      {"1e3", 1, 1000},
      {"1E-2", 1, 0.01},
      {"1e+2", 1, 100},
      {"1e-400", 1, 0},
      {"1e400", 0, 0},
      {"", 0, 0},
      {".", 0, 0},
      {"-", 0, 0},
      {"1,5", 0, 0},
      {"1e", 0, 0},
      {"1e+", 0, 0},
      {" 1", 0, 0},
      {"1 ", 0, 0},
      {"0x10", 0, 0},
      {"nan", 0, 0},
      {"inf", 0, 0},
      {"-infinity", 0, 0},
      {"--1", 0, 0},
      {"1.2.3", 0, 0},
      {"1_000", 0, 0},
      {"e5", 0, 0},
      {"0.1", 1, 0.1},
      {"3.141592653589793", 1, 3.141592653589793},
      {"1.000,5", 0, 0},
      {"4.9e-324", 1, 4.9e-324},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    double x = -77;
    int failed = text_number(rows[i].s, strlen(rows[i].s), &x);
    if (failed == rows[i].good || (rows[i].good && x != rows[i].value)) fail_msg("'%s': %d, %g", rows[i].s, failed, x);
  }
  double x;
  assert_int_equal(text_number("125", 2, &x), 0); /* only the first n bytes */
  assert_true(x == 12);
  assert_int_equal(text_number("1\0002", 3, &x), 1);
  char large[600];
  memset(large, '0', sizeof large);
  assert_int_not_equal(text_number(large, sizeof large, &x), 0);
  assert_int_equal(text_number(large, 400, &x), 0);
}

static void numbers(void **state) {
  (void)state;
  check_numbers();
}

/* Numbers as they are written out: what lies a hundredth apart stays apart. */
static void numbers_written(void **state) {
  (void)state;
  static const struct {
    double x;
    const char *s;
  } rows[] = {{0, "0"},
              {1.0 / 3, "0.3333333"},
              {-12345.678, "-12345.68"},
              {99999.994, "99999.99"},
              {123456.789, "123456.79"},
              {100000001, "100000001"},
              {-100000001.25, "-100000001.25"},
              {1234567890123.456, "1234567890123.46"},
              {2.5e30, "2.5e+30"},
              {1e-9, "1e-09"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    text t = {0};
    text_add_number(&t, rows[i].x);
    assert_string_equal(t.data, rows[i].s);
    text_free(&t);
  }
}

static void numbers_in_germany(void **state) {
  (void)state;
  if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "de_DE.utf8")) skip();
  char s[10];
  snprintf(s, sizeof s, "%.1f", 1.5);
  assert_string_equal(s, "1,5"); /* it is a locale with a comma */
  check_numbers();
  setlocale(LC_ALL, "C");
}

static void errors_are_filled(void **state) {
  (void)state;
  unroll_error e;
  memset(&e, 'x', sizeof e);
  assert_int_equal(error_set(&e, UNROLL_USAGE, "no %s", "way"), UNROLL_USAGE);
  assert_int_equal(e.code, UNROLL_USAGE);
  assert_string_equal(e.message, "no way");
  assert_string_equal(e.file, "");
  assert_string_equal(e.source, "");
  assert_int_equal(e.line, 0);
  assert_int_equal(e.column, 0);
  const char *whole = "one\ntwo\twords\r\nthree";
  assert_int_equal(error_at(&e, UNROLL_BAD_INPUT, "gru.cell", whole, 2, 3, "bad"), UNROLL_BAD_INPUT);
  assert_string_equal(e.file, "gru.cell");
  assert_string_equal(e.source, "two words");
  assert_int_equal(e.line, 2);
  assert_int_equal(e.column, 3);
  error_at(&e, UNROLL_BAD_INPUT, "gru.cell", whole, 3, 1, "bad");
  assert_string_equal(e.source, "three");
  error_at(&e, UNROLL_BAD_INPUT, "gru.cell", whole, 4, 1, "bad");
  assert_string_equal(e.source, "");
  error_at(&e, UNROLL_BAD_INPUT, e.file, NULL, 0, 0, "again: %s", e.message); /* wrapped by itself */
  assert_string_equal(e.message, "again: bad");
  assert_string_equal(e.file, "gru.cell");
  assert_int_equal(error_memory(&e), UNROLL_FAILED);
  assert_string_equal(e.message, "out of memory");
  assert_int_equal(error_set(NULL, UNROLL_FAILED, "x"), UNROLL_FAILED);
  assert_int_equal(error_at(NULL, UNROLL_FAILED, NULL, NULL, 0, 0, "x"), UNROLL_FAILED);
  assert_int_equal(error_memory(NULL), UNROLL_FAILED);
}

static void errors_are_harmless(void **state) {
  (void)state;
  unroll_error e;
  error_set(&e, UNROLL_FAILED, "a\nb\tc\x1b[31md\x7f \xff \xc2\x9b \xcf\x83");
  assert_string_equal(e.message, "a b c?[31md? ? ? \xcf\x83");
  char large[1001];
  for (int shift = 0; shift < 3; shift++) { /* three-byte characters, cut at each of their bytes */
    memset(large, 'x', sizeof large - 1);
    for (int i = shift; i + 3 < 1000; i += 3) memcpy(large + i, "\xe2\x82\xac", 3);
    large[1000] = 0;
    error_at(&e, UNROLL_FAILED, large, large, 1, 1, "%s", large);
    assert_int_equal(utf8_valid(e.message, strlen(e.message)), strlen(e.message));
    assert_int_equal(utf8_valid(e.source, strlen(e.source)), strlen(e.source));
    assert_true(strlen(e.message) > 500 && strlen(e.source) > 190);
    assert_null(strchr(e.message, '?'));
    assert_memory_equal(e.file, "...", 3);
    assert_string_equal(e.file + strlen(e.file) - 3, large + strlen(large) - 3);
  }
}

/* The bytes of printf: of random doubles and floats of every size, of ties, of what is near a power of ten. */
static void numbers_are_written_as_printf_writes_them(void **state) {
  static const double some[] = {0,
                                -0.0,
                                1,
                                0.5,
                                9.5,
                                99.5,
                                0.25,
                                0.125,
                                2.5,
                                1e-5,
                                1e-4,
                                123456789,
                                999999999.5,
                                1e22,
                                1e23,
                                -1.5,
                                1e-19,
                                1e-300,
                                5e-324,
                                1e308,
                                1e9,
                                1e8,
                                0.3,
                                9.9999999999999995,
                                0.99999999999,
                                1e17,
                                1e16,
                                9007199254740993.0};
  uint64_t seed = 88172645463325252u;
  (void)state;
  for (int i = 0; i < 60000; i++) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17; /* xorshift */
    double x;
    float f;
    const uint64_t near = (seed & ((UINT64_C(1) << 52) - 1)) | (UINT64_C(1023 - 60) + seed % 100) << 52;
    const uint32_t few = (uint32_t)(seed >> 32);
    memcpy(&x, i % 3 ? &near : &seed, sizeof x);
    memcpy(&f, &few, sizeof f);
    if (i % 7 == 0) x = (double)f;
    if (i % 7 == 1) x = (double)(int64_t)(seed % 4000001) / 1024 - 1000; /* many of them ties */
    if (i % 7 == 2) x = strtod((char[]){'1', 'e', '-', (char)('0' + i % 10), 0}, NULL) * (double)(1 + i % 3 * i % 5);
    if (i % 7 == 3)
      x = (double)(float)ldexp(x < 0 ? -1 - (double)few : 1 + (double)few, -32 - (int)(seed % 18) + 4 * (i % 9)); /* of floats */
    if (i % 7 == 4) x = (double)few / 65536; /* ties of few bits */
    if (i < (int)(sizeof some / sizeof *some)) x = some[i];
    for (int digits = i < 100 ? 1 : 6; digits <= 17; digits += i < 100 ? 1 : 3) {
      char wanted[64];
      text t = {0};
      snprintf(wanted, sizeof wanted, "%.*g", digits, x);
      text_add_digits(&t, x, digits);
      if (t.failed || strcmp(t.data, wanted) != 0) fail_msg("%s instead of %s (%.17g, %d digits)", t.data, wanted, x, digits);
      text_free(&t);
    }
  }
  static const double list[] = {0.5,    -0.25, 0.0001, 0.00009,    123456.0,         -0.0,
                                1e-300, 1e300, 0.1,    99999999.6, (double)INFINITY, (double)NAN};
  text all = {0};
  text_add_numbers(&all, list, sizeof list / sizeof *list, 7, ", ", "null");
  assert_string_equal(all.data, "0.5, -0.25, 0.0001, 9e-05, 123456, -0, 1e-300, 1e+300, 0.1, 1e+08, null, null");
  all.length = 0;
  text_add_numbers(&all, list + 10, 2, 9, ",", NULL);
  assert_string_equal(all.data, "inf,nan");
  text_free(&all);
  static const int64_t whole[] = {0, -1, 7, 10, INT64_MAX, INT64_MIN, 1234567890123};
  for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
    char wanted[32];
    text t = {0};
    snprintf(wanted, sizeof wanted, "%lld", (long long)whole[i]);
    text_add_whole(&t, whole[i]);
    assert_string_equal(t.data, wanted);
    text_free(&t);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_code_point_survives),
      cmocka_unit_test(numbers_are_written_as_printf_writes_them),
      cmocka_unit_test(bad_bytes_are_found),
      cmocka_unit_test(texts_grow),
      cmocka_unit_test(nearest_names),
      cmocka_unit_test(numbers),
      cmocka_unit_test(numbers_written),
      cmocka_unit_test(numbers_in_germany),
      cmocka_unit_test(errors_are_filled),
      cmocka_unit_test(errors_are_harmless),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
