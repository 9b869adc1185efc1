/* tables.h - what the kernel tests share: the tables of this machine, numbers, comparisons. */
#ifndef TESTS_KERNEL_TABLES_H
#define TESTS_KERNEL_TABLES_H
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../part.h"
#include "base/random.h"
#include "kernel/kernel.h"

enum { ISAS = 4 };
static const enum cpu_isa all_isas[ISAS] = {CPU_PORTABLE, CPU_NEON, CPU_AVX2, CPU_AVX512};

/* Equal bits, or both NaN. */
static inline int same(float a, float b) { return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b)); }

static inline int same_all(const float *a, const float *b, size_t n, size_t *at) {
  for (size_t i = 0; i < n; i++)
    if (!same(a[i], b[i])) {
      *at = i;
      return 0;
    }
  return 1;
}

/* Does `got` stand for the true value within `ulps`? Infinite, NaN and tiny values count by kind. */
static inline int near(float got, double want, double ulps) {
  const float rounded = (float)want;
  int exponent;
  if (isnan(want)) return isnan(got);
  if (isinf(got) || isinf(rounded)) return got == rounded || (fabs(want) > 0.999999 * (double)FLT_MAX && fabsf(got) >= FLT_MAX);
  if (fabs(want) < 2 * (double)FLT_MIN) return fabsf(got) <= 4 * FLT_MIN;
  frexp(want, &exponent);
  return fabs((double)got - want) <= ulps * ldexp(1, exponent - 24);
}

/* Numbers in [low, high), a function of seed and place. */
static inline float number(uint64_t seed, uint32_t place, double low, double high) {
  return (float)(low + (high - low) * random_uniform(seed, RANDOM_TEST, 0, place));
}
static inline void numbers(float *x, size_t n, uint64_t seed, double low, double high) {
  for (size_t i = 0; i < n; i++) x[i] = number(seed, (uint32_t)i, low, high);
}
#endif
