/* vector_avx512.h - v16 as one 512-bit register (AVX-512 F, BW, DQ, VL). See vector.h for the meanings. */
#ifndef KERNEL_VECTOR_AVX512_H
#define KERNEL_VECTOR_AVX512_H
#include <immintrin.h>

typedef __m512 v16;
typedef __m512i v16i;
typedef __mmask16 v16m;
/* 32 registers: 24 sums, up to 4 of B, one of A; 28 of two vectors, since 14 rows are common in pictures. */
#define PRODUCT_ROWS_1 24
#define PRODUCT_ROWS_2 14
#define PRODUCT_ROWS_3 8
#define PRODUCT_ROWS_4 6
#define PRODUCT_WIDE 1
#define PEAK_CHAINS 24

VECTOR_INLINE v16 v_load(const float *p) { return _mm512_loadu_ps(p); }
VECTOR_INLINE void v_store(float *p, v16 a) { _mm512_storeu_ps(p, a); }
VECTOR_INLINE __mmask16 v_first(int n) { return (__mmask16)(n >= 16 ? 0xffff : (1 << n) - 1); }
VECTOR_INLINE v16 v_load_part(const float *p, int n) { return _mm512_maskz_loadu_ps(v_first(n), p); }
VECTOR_INLINE void v_store_part(float *p, v16 a, int n) { _mm512_mask_storeu_ps(p, v_first(n), a); }
VECTOR_INLINE v16 v_zero(void) { return _mm512_setzero_ps(); }
VECTOR_INLINE v16 v_set1(float x) { return _mm512_set1_ps(x); }

VECTOR_INLINE v16 v_add(v16 a, v16 b) { return _mm512_add_ps(a, b); }
VECTOR_INLINE v16 v_sub(v16 a, v16 b) { return _mm512_sub_ps(a, b); }
VECTOR_INLINE v16 v_mul(v16 a, v16 b) { return _mm512_mul_ps(a, b); }
VECTOR_INLINE v16 v_div(v16 a, v16 b) { return _mm512_div_ps(a, b); }
VECTOR_INLINE v16 v_sqrt(v16 a) { return _mm512_sqrt_ps(a); }
VECTOR_INLINE v16 v_min(v16 a, v16 b) { return _mm512_min_ps(a, b); }
VECTOR_INLINE v16 v_max(v16 a, v16 b) { return _mm512_max_ps(a, b); }
VECTOR_INLINE v16 v_fma(v16 a, v16 b, v16 c) { return _mm512_fmadd_ps(a, b, c); }
VECTOR_INLINE v16 v_fnma(v16 a, v16 b, v16 c) { return _mm512_fnmadd_ps(a, b, c); }

#ifdef __AVX512BF16__
#define VECTOR_DOT_PAIRS(a, b, c) _mm512_dpbf16_ps(c, (__m512bh)(a), (__m512bh)(b))
#endif

VECTOR_INLINE v16m v_lt(v16 a, v16 b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
VECTOR_INLINE v16 v_select(v16m m, v16 a, v16 b) { return _mm512_mask_blend_ps(m, b, a); }
VECTOR_INLINE int v_any(v16m m) { return m != 0; }

VECTOR_INLINE v16i v_bits(v16 a) { return _mm512_castps_si512(a); }
VECTOR_INLINE v16 v_from_bits(v16i a) { return _mm512_castsi512_ps(a); }
VECTOR_INLINE v16 v_from_int(v16i a) { return _mm512_cvtepi32_ps(a); }
VECTOR_INLINE v16i i_set1(int32_t x) { return _mm512_set1_epi32(x); }
VECTOR_INLINE v16i i_add(v16i a, v16i b) { return _mm512_add_epi32(a, b); }
VECTOR_INLINE v16i i_sub(v16i a, v16i b) { return _mm512_sub_epi32(a, b); }
VECTOR_INLINE v16i i_and(v16i a, v16i b) { return _mm512_and_si512(a, b); }
VECTOR_INLINE v16i i_xor(v16i a, v16i b) { return _mm512_xor_si512(a, b); }
VECTOR_INLINE v16i i_shl16(v16i a) { return _mm512_slli_epi32(a, 16); }
VECTOR_INLINE v16i i_shl23(v16i a) { return _mm512_slli_epi32(a, 23); }
VECTOR_INLINE v16i i_shl30(v16i a) { return _mm512_slli_epi32(a, 30); }
VECTOR_INLINE v16i i_shr23(v16i a) { return _mm512_srai_epi32(a, 23); }
VECTOR_INLINE v16i i_shr1(v16i a) { return _mm512_srai_epi32(a, 1); }
VECTOR_INLINE void i_store_bytes(uint8_t *p, v16i a) { _mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8(a)); }
VECTOR_INLINE v16i i_dot_bytes(v16i c, v16i a, v16i b) {
#if defined(__AVX512VNNI__) && defined(__clang__)
  return _mm512_dpbusd_epi32(c, a, b);
#elif defined(__AVX512VNNI__) /* gcc 12 moves the sums of its own function through memory, which takes twice the time */
  __asm__("vpdpbusd %2, %1, %0" : "+v"(c) : "v"(a), "v"(b));
  return c;
#else                         /* in 16 bits, since the instruction that multiplies bytes saturates; even bytes, then odd ones */
  const v16i even = _mm512_madd_epi16(_mm512_and_si512(a, _mm512_set1_epi16(0xff)), _mm512_srai_epi16(_mm512_slli_epi16(b, 8), 8));
  const v16i odd = _mm512_madd_epi16(_mm512_srli_epi16(a, 8), _mm512_srai_epi16(b, 8));
  return _mm512_add_epi32(c, _mm512_add_epi32(even, odd));
#endif
}
VECTOR_INLINE v16m i_eq(v16i a, v16i b) { return _mm512_cmpeq_epi32_mask(a, b); }
VECTOR_INLINE v16m i_lt(v16i a, v16i b) { return _mm512_cmplt_epi32_mask(a, b); }
VECTOR_INLINE v16i i_mul_wide(v16i a, uint32_t b, v16i *high) {
  const __m512i factor = _mm512_set1_epi32((int)b);
  const __m512i even = _mm512_mul_epu32(a, factor), odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), factor);
  *high = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
  return _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
}
VECTOR_INLINE void v_store_turned(float *p, v16 a, v16 b, v16 c, v16 d) {
  const __m512d ab = _mm512_castps_pd(_mm512_unpacklo_ps(a, b)), cd = _mm512_castps_pd(_mm512_unpacklo_ps(c, d)),
                ab_high = _mm512_castps_pd(_mm512_unpackhi_ps(a, b)), cd_high = _mm512_castps_pd(_mm512_unpackhi_ps(c, d));
  const __m512d w = _mm512_unpacklo_pd(ab, cd), x = _mm512_unpackhi_pd(ab, cd), y = _mm512_unpacklo_pd(ab_high, cd_high),
                z = _mm512_unpackhi_pd(ab_high, cd_high); /* lanes 0, 4, 8, 12 of all; 1, 5, ...; 2, ...; 3, ... */
  const __m512d wx = _mm512_shuffle_f64x2(w, x, 0x44), yz = _mm512_shuffle_f64x2(y, z, 0x44),
                wx_high = _mm512_shuffle_f64x2(w, x, 0xee), yz_high = _mm512_shuffle_f64x2(y, z, 0xee);
  _mm512_storeu_pd(p, _mm512_shuffle_f64x2(wx, yz, 0x88));
  _mm512_storeu_pd(p + 16, _mm512_shuffle_f64x2(wx, yz, 0xdd));
  _mm512_storeu_pd(p + 32, _mm512_shuffle_f64x2(wx_high, yz_high, 0x88));
  _mm512_storeu_pd(p + 48, _mm512_shuffle_f64x2(wx_high, yz_high, 0xdd));
}

VECTOR_INLINE float v_sum(v16 a) {
  __m256 b = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
  __m128 c = _mm_add_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
  c = _mm_add_ps(c, _mm_movehl_ps(c, c));
  return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
}
VECTOR_INLINE float v_peak(v16 a) {
  __m256 b = _mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
  __m128 c = _mm_max_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
  c = _mm_max_ps(c, _mm_movehl_ps(c, c));
  return _mm_cvtss_f32(_mm_max_ss(c, _mm_movehdup_ps(c)));
}
#endif
