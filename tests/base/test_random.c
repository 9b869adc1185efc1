/* Known answers of Philox 4x32-10 and the shape of what is made from it; the processor's answers beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>
#include <cmocka.h>
#include "base/cpu.h"
#include "base/random.h"

/* The vectors of Random123's kat_vectors: counter, key, result. Ours is key = seed, counter = (place, step, stream). */
static void known_answers(void **state) {
  (void)state;
  static const struct {
    uint32_t counter[4], key[2], out[4];
  } rows[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const uint32_t *c = rows[i].counter;
    uint64_t seed = (uint64_t)rows[i].key[1] << 32 | rows[i].key[0], step = (uint64_t)c[2] << 32 | c[1];
    uint32_t out[4];
    random_block(seed, c[3], step, c[0], out);
    assert_memory_equal(out, rows[i].out, sizeof out);
    assert_int_equal(random_bits(seed, c[3], step, c[0]), out[0]);
  }
}

enum { N = 200000 };

static void uniform_is_uniform(void **state) {
  (void)state;
  double sum = 0, chi = 0;
  int bins[100] = {0};
  for (uint32_t i = 0; i < N; i++) {
    double u = random_uniform(7, RANDOM_TEST, 3, i);
    assert_true(u >= 0 && u < 1);
    sum += u;
    bins[(int)(u * 100)]++;
  }
  for (int i = 0; i < 100; i++) chi += (bins[i] - N / 100.0) * (bins[i] - N / 100.0) / (N / 100.0);
  assert_true(fabs(sum / N - 0.5) < 4 * sqrt(1 / 12.0 / N));
  assert_true(chi > 50 && chi < 160); /* 99 degrees of freedom */
}

static void normal_is_normal(void **state) {
  (void)state;
  double m[5] = {0};
  int tail = 0;
  for (uint32_t i = 0; i < N; i++) {
    double x = random_normal(7, RANDOM_TEST, i, 0);
    assert_true(isfinite(x) && fabs(x) < 9);
    for (int k = 1; k <= 4; k++) m[k] += pow(x, k) / N;
    tail += fabs(x) > 1.959964;
  }
  assert_true(fabs(m[1]) < 0.01 && fabs(m[2] - 1) < 0.015 && fabs(m[3]) < 0.03 && fabs(m[4] - 3) < 0.1);
  assert_true(fabs(tail / (double)N - 0.05) < 0.002);
}

/* random_normal has its own logarithm and cosine; libm's are the oracle for the first blocks. */
static void normal_agrees_with_libm(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 20000; i++) {
    uint32_t x[4];
    random_block(11, RANDOM_INIT, 0, i, x);
    double u = (double)(((uint64_t)x[0] << 21) ^ (x[1] >> 11)) / 9007199254740992.0;
    double v = (double)(((uint64_t)x[2] << 21) ^ (x[3] >> 11)) / 9007199254740992.0;
    double expected = sqrt(-2 * log(1 - u)) * cos(6.283185307179586 * v);
    assert_true(fabs(random_normal(11, RANDOM_INIT, 0, i) - expected) < 4e-15 * (1 + fabs(expected)));
  }
}

static void below_has_no_bias(void **state) {
  (void)state;
  static const uint32_t limits[] = {1, 2, 3, 7, 10, 1000, 0x80000001u, 0xffffffffu};
  for (size_t k = 0; k < sizeof limits / sizeof *limits; k++) {
    uint32_t n = limits[k];
    double sum = 0;
    for (uint32_t i = 0; i < 20000; i++) {
      uint32_t x = random_below(5, RANDOM_SHUFFLE, 1, i, n);
      assert_true(x < n);
      sum += x;
    }
    double mean = (n - 1) / 2.0, deviation = sqrt(((double)n * n - 1) / 12 / 20000);
    assert_true(fabs(sum / 20000 - mean) <= 4 * deviation);
  }
}

static void streams_differ(void **state) {
  (void)state;
  int same = 0;
  for (uint32_t i = 0; i < 1000; i++) {
    uint32_t x = random_bits(1, RANDOM_INIT, 0, i);
    same += x == random_bits(1, RANDOM_SAMPLE, 0, i);
    same += x == random_bits(2, RANDOM_INIT, 0, i);
    same += x == random_bits(1, RANDOM_INIT, 1, i);
    same += x == random_bits(1, RANDOM_INIT, 1ull << 32, i);
    same += x == random_bits(1, RANDOM_INIT, 0, i + 1);
    assert_int_equal(x, random_bits(1, RANDOM_INIT, 0, i));
  }
  assert_int_equal(same, 0);
}

static void processor_answers(void **state) {
  (void)state;
  assert_true(cpu_count() >= 1);
  assert_true(strlen(cpu_name()) > 0);
  assert_true(cpu_isa() >= CPU_PORTABLE && cpu_isa() <= CPU_AVX512);
  assert_string_equal(cpu_isa_name(CPU_AVX2), "avx2");
  assert_string_equal(cpu_isa_name(CPU_PORTABLE), "portable");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_answers),           cmocka_unit_test(uniform_is_uniform), cmocka_unit_test(normal_is_normal),
      cmocka_unit_test(normal_agrees_with_libm), cmocka_unit_test(below_has_no_bias),  cmocka_unit_test(streams_differ),
      cmocka_unit_test(processor_answers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
