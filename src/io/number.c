/* number.c - see number.h. */
#include "io/number.h"
#include <math.h>
#include <string.h>

number_form number_of_tensor(enum tensor_type type) {
  static const number_form forms[] = {
      [TENSOR_F32] = {'f', 4, false}, [TENSOR_F64] = {'f', 8, false}, [TENSOR_I32] = {'i', 4, false},
      [TENSOR_I64] = {'i', 8, false}, [TENSOR_U8] = {'u', 1, false},  [TENSOR_BF16] = {'h', 2, false},
      [TENSOR_F16] = {'f', 2, false}, [TENSOR_OTHER] = {0, 0, false}};
  return forms[type];
}

static double half(unsigned bits) {
  const int exponent = (int)(bits >> 10 & 31);
  const double m = bits & 1023, sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 31) return m > 0 ? (double)NAN : sign * (double)INFINITY;
  return sign * (exponent ? ldexp(1024 + m, exponent - 25) : ldexp(m, -24));
}

static uint64_t bits_of(const unsigned char *at, const number_form *f) {
  uint64_t bits = 0;
  for (int i = 0; i < f->bytes; i++) bits |= (uint64_t)at[f->swap ? f->bytes - 1 - i : i] << 8 * i;
  return bits;
}

int64_t number_whole(const unsigned char *at, const number_form *f) {
  const int unused = 64 - 8 * f->bytes;
  const uint64_t bits = bits_of(at, f);
  return f->kind == 'i' ? (int64_t)(bits << unused) >> unused : (int64_t)bits;
}

double number_real(const unsigned char *at, const number_form *f) {
  const uint64_t bits = bits_of(at, f);
  const uint32_t word = (uint32_t)(f->kind == 'h' ? bits << 16 : bits);
  float x;
  double y;
  if (f->kind == 'i') return (double)number_whole(at, f);
  if (f->kind != 'f' && f->kind != 'h') return (double)bits;
  if (f->kind == 'f' && f->bytes == 2) return half(word);
  memcpy(&x, &word, sizeof x);
  memcpy(&y, &bits, sizeof y);
  return f->bytes == 8 ? y : (double)x;
}

void number_floats(float *out, const unsigned char *at, int64_t n, const number_form *f) {
  if (f->kind == 'f' && f->bytes == 4 && !f->swap) { /* as they lie in memory: safetensors.c asserts that */
    if (n > 0) memcpy(out, at, (size_t)n * sizeof *out);
    return;
  }
  for (int64_t i = 0; i < n; i++) out[i] = (float)number_real(at + i * f->bytes, f);
}
