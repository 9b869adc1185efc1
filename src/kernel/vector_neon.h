/* vector_neon.h - v16 as four 128-bit registers (AArch64). See vector.h for the meanings. */
#ifndef KERNEL_VECTOR_NEON_H
#define KERNEL_VECTOR_NEON_H
#include <arm_neon.h>

typedef struct v16 {
  float32x4_t a, b, c, d;
} v16;
typedef struct v16i {
  int32x4_t a, b, c, d;
} v16i;
typedef struct v16m {
  uint32x4_t a, b, c, d;
} v16m; /* all ones or all zeros in a lane */

/* 32 registers: 24 sums, 4 of B, one of A for six rows and one vector. */
#define PRODUCT_ROWS_1 6
#define PRODUCT_ROWS_2 2
#define PRODUCT_ROWS_3 1
#define PRODUCT_ROWS_4 1
#define PRODUCT_WIDE 0
#define PEAK_CHAINS 6

#define NEON_EACH1(type, f, x) ((type){f(x.a), f(x.b), f(x.c), f(x.d)})
#define NEON_EACH2(type, f, x, y) ((type){f(x.a, y.a), f(x.b, y.b), f(x.c, y.c), f(x.d, y.d)})
#define NEON_EACH3(type, f, x, y, z) ((type){f(x.a, y.a, z.a), f(x.b, y.b, z.b), f(x.c, y.c, z.c), f(x.d, y.d, z.d)})
#define NEON_SHIFT(f, x, n) ((v16i){f(x.a, n), f(x.b, n), f(x.c, n), f(x.d, n)})

VECTOR_INLINE v16 v_load(const float *p) { return (v16){vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)}; }
VECTOR_INLINE void v_store(float *p, v16 x) {
  vst1q_f32(p, x.a);
  vst1q_f32(p + 4, x.b);
  vst1q_f32(p + 8, x.c);
  vst1q_f32(p + 12, x.d);
}
VECTOR_INLINE v16 v_load_part(const float *p, int n) {
  float t[16] = {0};
  memcpy(t, p, sizeof *t * (size_t)(n < 16 ? n : 16));
  return v_load(t);
}
VECTOR_INLINE void v_store_part(float *p, v16 x, int n) {
  float t[16];
  v_store(t, x);
  memcpy(p, t, sizeof *t * (size_t)(n < 16 ? n : 16));
}
VECTOR_INLINE v16 v_set1(float x) {
  const float32x4_t r = vdupq_n_f32(x);
  return (v16){r, r, r, r};
}
VECTOR_INLINE v16 v_zero(void) { return v_set1(0.0f); }

VECTOR_INLINE v16 v_add(v16 x, v16 y) { return NEON_EACH2(v16, vaddq_f32, x, y); }
VECTOR_INLINE v16 v_sub(v16 x, v16 y) { return NEON_EACH2(v16, vsubq_f32, x, y); }
VECTOR_INLINE v16 v_mul(v16 x, v16 y) { return NEON_EACH2(v16, vmulq_f32, x, y); }
VECTOR_INLINE v16 v_div(v16 x, v16 y) { return NEON_EACH2(v16, vdivq_f32, x, y); }
VECTOR_INLINE v16 v_sqrt(v16 x) { return NEON_EACH1(v16, vsqrtq_f32, x); }
VECTOR_INLINE v16 v_fma(v16 x, v16 y, v16 z) { return NEON_EACH3(v16, vfmaq_f32, z, x, y); }
VECTOR_INLINE v16 v_fnma(v16 x, v16 y, v16 z) { return NEON_EACH3(v16, vfmsq_f32, z, x, y); }

VECTOR_INLINE v16m v_lt(v16 x, v16 y) { return NEON_EACH2(v16m, vcltq_f32, x, y); }
VECTOR_INLINE v16 v_select(v16m m, v16 x, v16 y) { return NEON_EACH3(v16, vbslq_f32, m, x, y); }
VECTOR_INLINE v16 v_min(v16 x, v16 y) { return v_select(v_lt(x, y), x, y); }
VECTOR_INLINE v16 v_max(v16 x, v16 y) { return v_select(v_lt(y, x), x, y); }
VECTOR_INLINE int v_any(v16m m) { return vmaxvq_u32(vorrq_u32(vorrq_u32(m.a, m.b), vorrq_u32(m.c, m.d))) != 0; }

VECTOR_INLINE v16i v_bits(v16 x) { return NEON_EACH1(v16i, vreinterpretq_s32_f32, x); }
VECTOR_INLINE v16 v_from_bits(v16i x) { return NEON_EACH1(v16, vreinterpretq_f32_s32, x); }
VECTOR_INLINE v16 v_from_int(v16i x) { return NEON_EACH1(v16, vcvtq_f32_s32, x); }
VECTOR_INLINE v16i i_set1(int32_t n) {
  const int32x4_t r = vdupq_n_s32(n);
  return (v16i){r, r, r, r};
}
VECTOR_INLINE v16i i_add(v16i x, v16i y) { return NEON_EACH2(v16i, vaddq_s32, x, y); }
VECTOR_INLINE v16i i_sub(v16i x, v16i y) { return NEON_EACH2(v16i, vsubq_s32, x, y); }
VECTOR_INLINE v16i i_and(v16i x, v16i y) { return NEON_EACH2(v16i, vandq_s32, x, y); }
VECTOR_INLINE v16i i_xor(v16i x, v16i y) { return NEON_EACH2(v16i, veorq_s32, x, y); }
VECTOR_INLINE v16i i_shl16(v16i x) { return NEON_SHIFT(vshlq_n_s32, x, 16); }
VECTOR_INLINE v16i i_shl23(v16i x) { return NEON_SHIFT(vshlq_n_s32, x, 23); }
VECTOR_INLINE v16i i_shl30(v16i x) { return NEON_SHIFT(vshlq_n_s32, x, 30); }
VECTOR_INLINE v16i i_shr23(v16i x) { return NEON_SHIFT(vshrq_n_s32, x, 23); }
VECTOR_INLINE v16i i_shr1(v16i x) { return NEON_SHIFT(vshrq_n_s32, x, 1); }
VECTOR_INLINE void i_store_bytes(uint8_t *p, v16i x) {
  const uint16x8_t lo = vcombine_u16(vmovn_u32(vreinterpretq_u32_s32(x.a)), vmovn_u32(vreinterpretq_u32_s32(x.b)));
  const uint16x8_t hi = vcombine_u16(vmovn_u32(vreinterpretq_u32_s32(x.c)), vmovn_u32(vreinterpretq_u32_s32(x.d)));
  vst1q_u8(p, vcombine_u8(vmovn_u16(lo), vmovn_u16(hi)));
}
/* Products in 16 bits, where 255 * 127 has room: even bytes, then odd ones. */
VECTOR_INLINE int32x4_t part_dot_bytes(int32x4_t c, int32x4_t x, int32x4_t y) {
  const uint16x8_t a = vreinterpretq_u16_s32(x);
  const int16x8_t b = vreinterpretq_s16_s32(y);
  c = vpadalq_s16(c, vmulq_s16(vreinterpretq_s16_u16(vandq_u16(a, vdupq_n_u16(0xff))), vshrq_n_s16(vshlq_n_s16(b, 8), 8)));
  return vpadalq_s16(c, vmulq_s16(vreinterpretq_s16_u16(vshrq_n_u16(a, 8)), vshrq_n_s16(b, 8)));
}
VECTOR_INLINE v16i i_dot_bytes(v16i c, v16i x, v16i y) { return NEON_EACH3(v16i, part_dot_bytes, c, x, y); }
VECTOR_INLINE v16m i_eq(v16i x, v16i y) { return NEON_EACH2(v16m, vceqq_s32, x, y); }
VECTOR_INLINE v16m i_lt(v16i x, v16i y) { return NEON_EACH2(v16m, vcltq_s32, x, y); }
VECTOR_INLINE int32x4_t part_mul_wide(int32x4_t x, uint32_t y, int32x4_t *high) {
  const uint32x4_t a = vreinterpretq_u32_s32(x);
  const uint64x2_t lo = vmull_n_u32(vget_low_u32(a), y), hi = vmull_n_u32(vget_high_u32(a), y);
  *high = vreinterpretq_s32_u32(vcombine_u32(vshrn_n_u64(lo, 32), vshrn_n_u64(hi, 32)));
  return vreinterpretq_s32_u32(vcombine_u32(vmovn_u64(lo), vmovn_u64(hi)));
}
VECTOR_INLINE v16i i_mul_wide(v16i x, uint32_t y, v16i *high) {
  return (v16i){part_mul_wide(x.a, y, &high->a), part_mul_wide(x.b, y, &high->b), part_mul_wide(x.c, y, &high->c),
                part_mul_wide(x.d, y, &high->d)};
}
VECTOR_INLINE void v_store_turned(float *p, v16 a, v16 b, v16 c, v16 d) {
  vst4q_f32(p, ((float32x4x4_t){{a.a, b.a, c.a, d.a}}));
  vst4q_f32(p + 16, ((float32x4x4_t){{a.b, b.b, c.b, d.b}}));
  vst4q_f32(p + 32, ((float32x4x4_t){{a.c, b.c, c.c, d.c}}));
  vst4q_f32(p + 48, ((float32x4x4_t){{a.d, b.d, c.d, d.d}}));
}

VECTOR_INLINE float v_sum(v16 x) {
  const float32x4_t q = vaddq_f32(vaddq_f32(x.a, x.c), vaddq_f32(x.b, x.d));
  const float32x2_t h = vadd_f32(vget_low_f32(q), vget_high_f32(q));
  return vget_lane_f32(h, 0) + vget_lane_f32(h, 1);
}
VECTOR_INLINE float32x4_t neon_max(float32x4_t x, float32x4_t y) { return vbslq_f32(vcltq_f32(y, x), x, y); }
VECTOR_INLINE float v_peak(v16 x) {
  float q[4];
  vst1q_f32(q, neon_max(neon_max(x.a, x.c), neon_max(x.b, x.d)));
  const float h0 = q[0] > q[2] ? q[0] : q[2], h1 = q[1] > q[3] ? q[1] : q[3];
  return h0 > h1 ? h0 : h1;
}
#endif
