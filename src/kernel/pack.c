/* pack.c - weights into panels: see the end of kernel.h for the layout.
 *
 * pack_cols copies pieces of rows. pack_rows is a transpose, done 16 steps of k at a time so that each piece of a row is read
 * as one cache line. A step's 16 lanes are written together, past the caches if asked to. Bytes come as rows that are rounded
 * already, and get their signs here. */
#include "kernel/kernel.h"
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

typedef float v4 __attribute__((vector_size(16), aligned(4), may_alias));

static inline void put(float *out, v4 x, const int past) {
#ifdef __SSE2__
  if (past) {
    _mm_stream_ps(out, (__m128)x);
    return;
  }
#else
  (void)past;
#endif
  *(v4 *)out = x;
}

/* The 4 lanes of 4 steps, from 4 rows of W. */
static inline void transpose(float *out, ptrdiff_t step, const float *w, ptrdiff_t row, const int past) {
  const v4 a = *(const v4 *)w, b = *(const v4 *)(w + row), c = *(const v4 *)(w + 2 * row), d = *(const v4 *)(w + 3 * row);
  const v4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const v4 ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7), cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  put(out, __builtin_shufflevector(ab, cd, 0, 1, 4, 5), past);
  put(out + step, __builtin_shufflevector(ab, cd, 2, 3, 6, 7), past);
  put(out + 2 * step, __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5), past);
  put(out + 3 * step, __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7), past);
}

static inline void rows_body(float *out, int vectors, int v, const float *w, ptrdiff_t row, int first, int count, int k0,
                             int k_count, const int past) {
  const ptrdiff_t step = (ptrdiff_t)vectors * LANES;
  const int lanes = count < LANES ? count : LANES;
  w += first * row + k0;
  out += v * LANES;
  int k = 0;
  for (; lanes == LANES && k + LANES <= k_count; k += LANES)
    for (int i = 0; i < LANES; i += 4)
      for (int l = 0; l < LANES; l += 4) transpose(out + (k + i) * step + l, step, w + l * row + k + i, row, past);
  for (; k < k_count; k++)
    for (int l = 0; l < LANES; l++) out[k * step + l] = l < lanes ? w[l * row + k] : 0.0f;
}

static inline void cols_body(float *out, int vectors, int v, const float *w, ptrdiff_t row, int first, int count, int k0,
                             int k_count, const int past) {
  const ptrdiff_t step = (ptrdiff_t)vectors * LANES;
  w += k0 * row + first;
  out += v * LANES;
  if (count >= LANES)
    for (int k = 0; k < k_count; k++)
      for (int l = 0; l < LANES; l += 4) put(out + k * step + l, *(const v4 *)(w + k * row + l), past);
  else
    for (int k = 0; k < k_count; k++)
      for (int l = 0; l < LANES; l++) out[k * step + l] = l < count ? w[k * row + l] : 0.0f;
}

void pack_rows(float *out, int vectors, int v, const float *w, ptrdiff_t row, int first, int count, int k0, int k_count) {
  rows_body(out, vectors, v, w, row, first, count, k0, k_count, 0);
}
void pack_cols(float *out, int vectors, int v, const float *w, ptrdiff_t row, int first, int count, int k0, int k_count) {
  cols_body(out, vectors, v, w, row, first, count, k0, k_count, 0);
}
void pack_rows_past(float *out, int vectors, int v, const float *w, ptrdiff_t row, int first, int count, int k0, int k_count) {
  rows_body(out, vectors, v, w, row, first, count, k0, k_count, 1);
}
void pack_cols_past(float *out, int vectors, int v, const float *w, ptrdiff_t row, int first, int count, int k0, int k_count) {
  cols_body(out, vectors, v, w, row, first, count, k0, k_count, 1);
}
void pack_past_end(void) {
#ifdef __SSE2__
  _mm_sfence();
#endif
}

void pack_bytes(float *out, int vectors, int v, int lane, const float *bytes, int k) {
  const ptrdiff_t step = (ptrdiff_t)vectors * LANES;
  const int quads = factors_of(PRECISION_INT8, k).steps;
  int32_t sum = 0;
  out += v * LANES + lane;
  for (int i = 0; i < quads; i++) {
    uint8_t quad[4] = {128, 128, 128, 128};
    if (bytes) memcpy(quad, bytes + 1 + i, sizeof quad);
    for (int j = 0; j < 4; j++) {
      sum += quad[j] - 128;
      quad[j] ^= 0x80; /* less 128, in two's complement */
    }
    memcpy(out + (i + 2) * step, quad, sizeof quad);
  }
  const int32_t correction = -128 * sum;
  out[0] = bytes ? bytes[0] : 0.0f;
  memcpy(out + step, &correction, sizeof correction);
}
