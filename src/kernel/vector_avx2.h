/* vector_avx2.h - v16 as two 256-bit registers (AVX2, FMA). See vector.h for the meanings. */
#ifndef KERNEL_VECTOR_AVX2_H
#define KERNEL_VECTOR_AVX2_H
#include <immintrin.h>

typedef struct v16 {
  __m256 lo, hi;
} v16;
typedef struct v16i {
  __m256i lo, hi;
} v16i;
typedef struct v16m {
  __m256 lo, hi;
} v16m; /* all ones or all zeros in a lane */

/* 16 registers: 12 sums, 2 of B, one of A for six rows and one vector. */
#define PRODUCT_ROWS_1 6
#define PRODUCT_ROWS_2 2
#define PRODUCT_ROWS_3 1
#define PRODUCT_ROWS_4 1
#define PRODUCT_WIDE 0
#define PEAK_CHAINS 6

VECTOR_INLINE v16 v_load(const float *p) { return (v16){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
VECTOR_INLINE void v_store(float *p, v16 a) {
  _mm256_storeu_ps(p, a.lo);
  _mm256_storeu_ps(p + 8, a.hi);
}
/* Lanes `from` and following of a half are on while their number is below n. */
VECTOR_INLINE __m256i v_first(int n, int from) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n - from), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
VECTOR_INLINE v16 v_load_part(const float *p, int n) {
  return (v16){_mm256_maskload_ps(p, v_first(n, 0)), _mm256_maskload_ps(p + 8, v_first(n, 8))};
}
VECTOR_INLINE void v_store_part(float *p, v16 a, int n) {
  _mm256_maskstore_ps(p, v_first(n, 0), a.lo);
  _mm256_maskstore_ps(p + 8, v_first(n, 8), a.hi);
}
VECTOR_INLINE v16 v_zero(void) { return (v16){_mm256_setzero_ps(), _mm256_setzero_ps()}; }
VECTOR_INLINE v16 v_set1(float x) { return (v16){_mm256_set1_ps(x), _mm256_set1_ps(x)}; }

VECTOR_INLINE v16 v_add(v16 a, v16 b) { return (v16){_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
VECTOR_INLINE v16 v_sub(v16 a, v16 b) { return (v16){_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)}; }
VECTOR_INLINE v16 v_mul(v16 a, v16 b) { return (v16){_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
VECTOR_INLINE v16 v_div(v16 a, v16 b) { return (v16){_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)}; }
VECTOR_INLINE v16 v_min(v16 a, v16 b) { return (v16){_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)}; }
VECTOR_INLINE v16 v_max(v16 a, v16 b) { return (v16){_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }
VECTOR_INLINE v16 v_sqrt(v16 a) { return (v16){_mm256_sqrt_ps(a.lo), _mm256_sqrt_ps(a.hi)}; }
VECTOR_INLINE v16 v_fma(v16 a, v16 b, v16 c) { return (v16){_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)}; }
VECTOR_INLINE v16 v_fnma(v16 a, v16 b, v16 c) {
  return (v16){_mm256_fnmadd_ps(a.lo, b.lo, c.lo), _mm256_fnmadd_ps(a.hi, b.hi, c.hi)};
}

VECTOR_INLINE v16m v_lt(v16 a, v16 b) {
  return (v16m){_mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ), _mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ)};
}
VECTOR_INLINE v16 v_select(v16m m, v16 a, v16 b) {
  return (v16){_mm256_blendv_ps(b.lo, a.lo, m.lo), _mm256_blendv_ps(b.hi, a.hi, m.hi)};
}
VECTOR_INLINE int v_any(v16m m) { return _mm256_movemask_ps(_mm256_or_ps(m.lo, m.hi)) != 0; }

VECTOR_INLINE v16i v_bits(v16 a) { return (v16i){_mm256_castps_si256(a.lo), _mm256_castps_si256(a.hi)}; }
VECTOR_INLINE v16 v_from_bits(v16i a) { return (v16){_mm256_castsi256_ps(a.lo), _mm256_castsi256_ps(a.hi)}; }
VECTOR_INLINE v16 v_from_int(v16i a) { return (v16){_mm256_cvtepi32_ps(a.lo), _mm256_cvtepi32_ps(a.hi)}; }
VECTOR_INLINE v16i i_set1(int32_t x) { return (v16i){_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
VECTOR_INLINE v16i i_add(v16i a, v16i b) { return (v16i){_mm256_add_epi32(a.lo, b.lo), _mm256_add_epi32(a.hi, b.hi)}; }
VECTOR_INLINE v16i i_sub(v16i a, v16i b) { return (v16i){_mm256_sub_epi32(a.lo, b.lo), _mm256_sub_epi32(a.hi, b.hi)}; }
VECTOR_INLINE v16i i_and(v16i a, v16i b) { return (v16i){_mm256_and_si256(a.lo, b.lo), _mm256_and_si256(a.hi, b.hi)}; }
VECTOR_INLINE v16i i_xor(v16i a, v16i b) { return (v16i){_mm256_xor_si256(a.lo, b.lo), _mm256_xor_si256(a.hi, b.hi)}; }
VECTOR_INLINE v16i i_shl16(v16i a) { return (v16i){_mm256_slli_epi32(a.lo, 16), _mm256_slli_epi32(a.hi, 16)}; }
VECTOR_INLINE v16i i_shl23(v16i a) { return (v16i){_mm256_slli_epi32(a.lo, 23), _mm256_slli_epi32(a.hi, 23)}; }
VECTOR_INLINE v16i i_shl30(v16i a) { return (v16i){_mm256_slli_epi32(a.lo, 30), _mm256_slli_epi32(a.hi, 30)}; }
VECTOR_INLINE v16i i_shr23(v16i a) { return (v16i){_mm256_srai_epi32(a.lo, 23), _mm256_srai_epi32(a.hi, 23)}; }
VECTOR_INLINE v16i i_shr1(v16i a) { return (v16i){_mm256_srai_epi32(a.lo, 1), _mm256_srai_epi32(a.hi, 1)}; }
VECTOR_INLINE void i_store_bytes(uint8_t *p, v16i a) {
  const __m256i low = _mm256_set1_epi32(0xff);
  const __m256i words = _mm256_packus_epi32(_mm256_and_si256(a.lo, low), _mm256_and_si256(a.hi, low)),
                sorted = _mm256_permute4x64_epi64(words, 0xd8);
  _mm_storeu_si128((__m128i *)p, _mm_packus_epi16(_mm256_castsi256_si128(sorted), _mm256_extracti128_si256(sorted, 1)));
}
/* In 16 bits, since the instruction that multiplies bytes saturates; even bytes, then odd ones. */
VECTOR_INLINE __m256i half_dot_bytes(__m256i c, __m256i a, __m256i b) {
  const __m256i even =
      _mm256_madd_epi16(_mm256_and_si256(a, _mm256_set1_epi16(0xff)), _mm256_srai_epi16(_mm256_slli_epi16(b, 8), 8));
  const __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(a, 8), _mm256_srai_epi16(b, 8));
  return _mm256_add_epi32(c, _mm256_add_epi32(even, odd));
}
VECTOR_INLINE v16i i_dot_bytes(v16i c, v16i a, v16i b) {
  return (v16i){half_dot_bytes(c.lo, a.lo, b.lo), half_dot_bytes(c.hi, a.hi, b.hi)};
}
VECTOR_INLINE v16m i_eq(v16i a, v16i b) {
  return (v16m){_mm256_castsi256_ps(_mm256_cmpeq_epi32(a.lo, b.lo)), _mm256_castsi256_ps(_mm256_cmpeq_epi32(a.hi, b.hi))};
}
VECTOR_INLINE v16m i_lt(v16i a, v16i b) {
  return (v16m){_mm256_castsi256_ps(_mm256_cmpgt_epi32(b.lo, a.lo)), _mm256_castsi256_ps(_mm256_cmpgt_epi32(b.hi, a.hi))};
}
VECTOR_INLINE __m256i half_mul_wide(__m256i a, __m256i factor, __m256i *high) {
  const __m256i even = _mm256_mul_epu32(a, factor), odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), factor);
  *high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
  return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
}
VECTOR_INLINE v16i i_mul_wide(v16i a, uint32_t b, v16i *high) {
  const __m256i factor = _mm256_set1_epi32((int)b);
  return (v16i){half_mul_wide(a.lo, factor, &high->lo), half_mul_wide(a.hi, factor, &high->hi)};
}
VECTOR_INLINE void half_store_turned(float *p, __m256 a, __m256 b, __m256 c, __m256 d) {
  const __m256d ab = _mm256_castps_pd(_mm256_unpacklo_ps(a, b)), cd = _mm256_castps_pd(_mm256_unpacklo_ps(c, d)),
                ab_high = _mm256_castps_pd(_mm256_unpackhi_ps(a, b)), cd_high = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
  const __m256 w = _mm256_castpd_ps(_mm256_unpacklo_pd(ab, cd)), x = _mm256_castpd_ps(_mm256_unpackhi_pd(ab, cd)),
               y = _mm256_castpd_ps(_mm256_unpacklo_pd(ab_high, cd_high)),
               z = _mm256_castpd_ps(_mm256_unpackhi_pd(ab_high, cd_high)); /* lanes 0 and 4 of all; 1 and 5; 2 and 6; 3 and 7 */
  _mm256_storeu_ps(p, _mm256_permute2f128_ps(w, x, 0x20));
  _mm256_storeu_ps(p + 8, _mm256_permute2f128_ps(y, z, 0x20));
  _mm256_storeu_ps(p + 16, _mm256_permute2f128_ps(w, x, 0x31));
  _mm256_storeu_ps(p + 24, _mm256_permute2f128_ps(y, z, 0x31));
}
VECTOR_INLINE void v_store_turned(float *p, v16 a, v16 b, v16 c, v16 d) {
  half_store_turned(p, a.lo, b.lo, c.lo, d.lo);
  half_store_turned(p + 32, a.hi, b.hi, c.hi, d.hi);
}

VECTOR_INLINE float v_sum(v16 a) {
  const __m256 b = _mm256_add_ps(a.lo, a.hi);
  __m128 c = _mm_add_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
  c = _mm_add_ps(c, _mm_movehl_ps(c, c));
  return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
}
VECTOR_INLINE float v_peak(v16 a) {
  const __m256 b = _mm256_max_ps(a.lo, a.hi);
  __m128 c = _mm_max_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
  c = _mm_max_ps(c, _mm_movehl_ps(c, c));
  return _mm_cvtss_f32(_mm_max_ss(c, _mm_movehdup_ps(c)));
}
#endif
