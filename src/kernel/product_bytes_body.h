/* product_bytes_body.h - C = init + A B where both are bytes, with a scale for each row of A and each column of B. It also
 * makes such bytes of rows of floats. Compiled per instruction set, and once more where the processor multiplies bytes itself.
 *
 * The idea: sums of products of bytes are exact in 32 bits, so their order and the width of the vectors change nothing. All
 * that rounds is x / scale on the way in, and two multiplications and an addition on the way out. They are the same operations
 * everywhere. The instruction multiplies unsigned by signed bytes. So A has 128 added, and a column's sum starts from -128
 * times the sum of its bytes. It may wrap around on its way, but not its end, as long as there are at most BYTES_MOST
 * numbers. */
#ifndef KERNEL_PRODUCT_BYTES_BODY_H
#define KERNEL_PRODUCT_BYTES_BODY_H

typedef uint32_t __attribute__((may_alias)) quad;

/* Rows of a block of 1 to 4 vectors, as many as registers can hold sums for. */
#ifdef VECTOR_AVX512
enum { BYTES_WIDE = 1 };
static const int bytes_rows[] = {12, 12, 8, 6};
#define BYTES_BLOCKS BYTES_12(1) BYTES_12(2) BYTES_8(3) BYTES_6(4)
#else
enum { BYTES_WIDE = 0 };
static const int bytes_rows[] = {4, 1, 1, 1};
#define BYTES_BLOCKS BYTES_4(1) BYTES_1(2) BYTES_1(3) BYTES_1(4)
#endif
#define BYTES_1(NV) BYTES_CASE(1, NV)
#define BYTES_4(NV) BYTES_1(NV) BYTES_CASE(2, NV) BYTES_CASE(3, NV) BYTES_CASE(4, NV)
#define BYTES_6(NV) BYTES_4(NV) BYTES_CASE(5, NV) BYTES_CASE(6, NV)
#define BYTES_8(NV) BYTES_6(NV) BYTES_CASE(7, NV) BYTES_CASE(8, NV)
#define BYTES_12(NV) BYTES_8(NV) BYTES_CASE(9, NV) BYTES_CASE(10, NV) BYTES_CASE(11, NV) BYTES_CASE(12, NV)

/* Rows row .. row+MR-1, vectors vector .. vector+NV-1. */
VECTOR_INLINE void bytes_block(const product *p, int row, int vector, const int MR, const int NV) {
  const product_part *q = p->parts;
  const ptrdiff_t a_row = q->a_row, b_k = q->b_k;
  const float *a = q->a + row * a_row, *scales = q->b + vector * LANES, *b = scales + 2 * b_k;
  v16i sum[12][4];
  const quad *r[4];
  VECTOR_UNROLL
  for (int v = 0; v < NV; v++) {
    const v16i correction = v_bits(v_load(scales + b_k + v * LANES));
    VECTOR_UNROLL
    for (int i = 0; i < MR; i++) sum[i][v] = correction;
  }
  VECTOR_UNROLL
  for (int j = 0; j < (MR + 2) / 3; j++) r[j] = (const quad *)(a + 1 + 3 * j * a_row);
  for (int k = 0; k < q->k; k++) {
    v16i x[4];
    VECTOR_UNROLL
    for (int v = 0; v < NV; v++) x[v] = v_bits(v_load(b + v * LANES));
    VECTOR_UNROLL
    for (int i = 0; i < MR; i++) {
      const v16i s = i_set1((int32_t)r[i / 3][i % 3 * a_row]);
      VECTOR_UNROLL
      for (int v = 0; v < NV; v++) sum[i][v] = i_dot_bytes(sum[i][v], s, x[v]);
    }
    VECTOR_UNROLL
    for (int j = 0; j < (MR + 2) / 3; j++) r[j]++;
    b += b_k;
  }
  VECTOR_UNROLL
  for (int v = 0; v < NV; v++) {
    const v16 scale = v_load(scales + v * LANES);
    const float *init = p->init[vector + v];
    VECTOR_UNROLL
    for (int i = 0; i < MR; i++) {
      const v16 from = init ? v_load(init + (row + i) * p->init_row[vector + v]) : v_zero();
      const v16 whole = v_mul(v_from_int(sum[i][v]), scale);
      v_store(p->c[vector + v] + (row + i) * p->c_row[vector + v], v_fma(whole, v_set1(a[i * a_row]), from));
    }
  }
}

#define BYTES_CASE(MR, NV)                                                                                                         \
  static void bytes_##MR##_##NV(const product *p, int row, int vector) { bytes_block(p, row, vector, MR, NV); }
BYTES_BLOCKS
#undef BYTES_CASE
#define BYTES_CASE(MR, NV) [NV - 1][MR - 1] = bytes_##MR##_##NV,
static void (*const bytes_blocks[4][12])(const product *p, int row, int vector) = {BYTES_BLOCKS};
#undef BYTES_CASE

static void product_bytes_run(const product *p) {
  int width = p->vectors;
  while (!BYTES_WIDE && width > 1 && bytes_rows[width - 1] < p->rows) width--;
  for (int v = 0; v < p->vectors; v += width) {
    const int n = p->vectors - v < width ? p->vectors - v : width;
    for (int row = 0, left = (p->rows + bytes_rows[n - 1] - 1) / bytes_rows[n - 1]; left > 0; left--) {
      const int rows = (p->rows - row + left - 1) / left; /* blocks differ by at most one row */
      bytes_blocks[n - 1][rows - 1](p, row, v);
      row += rows;
    }
  }
}
#endif
