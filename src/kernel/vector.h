/* vector.h - sixteen float lanes, one meaning on every instruction set.
 *
 * The idea: kernels are written once in terms of v16 (floats), v16i (32-bit integers) and v16m (a mask per lane). This header
 * picks what they are. Each operation has the same bits everywhere: only IEEE operations that round once, and
 *   v_min(a, b) is a < b ? a : b, v_max(a, b) is a > b ? a : b (so b comes out when either is NaN, and for two zeros);
 *   v_fma(a, b, c) is a*b + c and v_fnma(a, b, c) is c - a*b, both fused;
 *   i_dot_bytes(c, a, b) adds to each lane of c the four products of its unsigned bytes of a and signed ones of b, modulo 2^32;
 *   i_store_bytes writes the lowest byte of each lane;
 *   i_mul_wide(a, b, &high) multiplies unsigned lanes by an unsigned number: the low half is returned; i_lt compares signed lanes;
 *   v_store_turned(p, a, b, c, d) writes lane 0 of all four, then lane 1, and so on: 64 floats;
 *   v_sum adds lane j and j+8, then j+4, j+2, j+1; v_peak does the same with v_max.
 * A NaN stays a NaN, but its sign and payload are the processor's. Loads and stores need no alignment; the _part ones touch only
 * the first n floats (n may exceed 16). What it does not do: approximate reciprocals, reassociation, denormal corner cases. */
#ifndef KERNEL_VECTOR_H
#define KERNEL_VECTOR_H
#include <math.h>
#include <stdint.h>
#include <string.h>

/* VECTOR_PLAIN: leave inlining and unrolling to the compiler, as builds with sanitizers need to stay within minutes. */
#ifdef VECTOR_PLAIN
#define VECTOR_INLINE static inline __attribute__((unused))
#else
#define VECTOR_INLINE static inline __attribute__((always_inline, unused))
#endif
/* For whole elementary functions: inlined where lanes are registers, a call in portable C, which would take minutes to compile. */
#if defined(VECTOR_AVX512) || defined(VECTOR_AVX2) || defined(VECTOR_NEON)
#define VECTOR_FUNCTION VECTOR_INLINE
#else
#define VECTOR_FUNCTION static __attribute__((noinline, unused))
#endif
/* Before a loop whose count is known once its function is inlined: unroll it wholly. */
#if defined(VECTOR_PLAIN)
#define VECTOR_UNROLL
#elif defined(__clang__)
#define VECTOR_UNROLL _Pragma("clang loop unroll(full)")
#else
#define VECTOR_UNROLL _Pragma("GCC unroll 24")
#endif

#if defined(VECTOR_AVX512)
#include "kernel/vector_avx512.h"
#elif defined(VECTOR_AVX2)
#include "kernel/vector_avx2.h"
#elif defined(VECTOR_NEON)
#include "kernel/vector_neon.h"
#else
#include "kernel/vector_portable.h"
#endif

VECTOR_INLINE v16 v_one(void) { return v_set1(1.0f); }
VECTOR_INLINE v16 v_abs(v16 a) { return v_from_bits(i_and(v_bits(a), i_set1(0x7fffffff))); }
VECTOR_INLINE v16 v_neg(v16 a) { return v_from_bits(i_xor(v_bits(a), i_set1(INT32_MIN))); }
/* a in the first n lanes, b in the others. */
VECTOR_INLINE v16 v_fill(v16 a, int n, v16 b) {
  static const _Alignas(64) float lane[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return v_select(v_lt(v_load(lane), v_set1((float)n)), a, b);
}
/* Lanes hold two bf16 numbers each (the upper halves of floats): c + a_high * b_high, then + a_low * b_low, each rounded once. */
#ifdef VECTOR_DOT_PAIRS
VECTOR_INLINE v16 v_dot_pairs(v16 a, v16 b, v16 c) { return VECTOR_DOT_PAIRS(a, b, c); }
#else
VECTOR_INLINE v16 v_high(v16 a) { return v_from_bits(i_and(v_bits(a), i_set1(-65536))); }
VECTOR_INLINE v16 v_low(v16 a) { return v_from_bits(i_shl16(v_bits(a))); }
VECTOR_INLINE v16 v_dot_pairs(v16 a, v16 b, v16 c) { return v_fma(v_low(a), v_low(b), v_fma(v_high(a), v_high(b), c)); }
#endif
/* The sign bit of a, alone. */
VECTOR_INLINE v16i v_sign_bits(v16 a) { return i_and(v_bits(a), i_set1(INT32_MIN)); }
/* a with its sign flipped where `sign` has its top bit set (and no other). */
VECTOR_INLINE v16 v_flip(v16 a, v16i sign) { return v_from_bits(i_xor(v_bits(a), sign)); }
#endif
