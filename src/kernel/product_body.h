/* product_body.h - C = init + A B for up to four vectors of columns. It is compiled twice per instruction set: for floats, and
 * with PRODUCT_PAIRS for pairs of bf16 numbers. There a step of k is a pair, whose two products are added one after the other.
 *
 * The idea: a block of MR rows and NV vectors of the result stays in registers while k runs. Every step loads NV vectors of B
 * and repeats MR numbers of A over the lanes. Each number of the result is one chain of fused multiply-adds in increasing k. So
 * its bits do not depend on how rows are blocked. Nor do they depend on cutting k into pieces that start from what the piece
 * before stored. Every step of k also asks for one line of what is needed next (fetch_run). The rows of some blocks lie side by
 * side, as those of a weight gradient do. Such a block asks also for the sums of the block after it. All of these lines come
 * while the multiply-adds go on. vector_*.h says how many rows a block has for 1 to 4 vectors (PRODUCT_ROWS_n). */
#ifndef KERNEL_PRODUCT_BODY_H
#define KERNEL_PRODUCT_BODY_H
/* Steps of k after which the next rows' turn comes at the latest. Then this part of B is still in the second-level cache, or in
 * the first where vectors go one by one. */
enum { PIECE = PRODUCT_WIDE ? 1280 : 256 };
enum { COPIED_K = 128, COPIED_ROWS = 48 };

static const int block_rows[] = {PRODUCT_ROWS_1, PRODUCT_ROWS_2, PRODUCT_ROWS_3, PRODUCT_ROWS_4};
#endif
#ifdef PRODUCT_PAIRS
#define PRODUCT(name) pairs_##name
#define PRODUCT_ADD v_dot_pairs
#else
#define PRODUCT(name) name
#define PRODUCT_ADD v_fma
#endif

typedef void PRODUCT(block_function)(const product *p, const product_part *parts, int n, int row, int vector);

/* `count` steps of k, each of which asks for the next line. a[0], a[1] .. point at every third row of A, or a[0] at all of them. */
VECTOR_INLINE void PRODUCT(block_steps)(v16 c[24][4], const float *a[8], const float **b, const product_part *part, int count,
                                        const int MR, const int NV, const ptrdiff_t known_row, fetch_run *next, const int own) {
  const ptrdiff_t a_row = part->a_row, a_k = part->a_k, b_k = part->b_k;
  for (; count > 0; count--) {
    if (MR >= FETCH_ROWS) {
      if (own)
        __builtin_prefetch(next->p, 1, 2);
      else
        __builtin_prefetch(next->p, 0, 2);
      next->p += next->step;
    }
    v16 x[4];
    VECTOR_UNROLL
    for (int v = 0; v < NV; v++) x[v] = v_load(*b + v * LANES);
    VECTOR_UNROLL
    for (int i = 0; i < MR; i++) {
      const v16 s = v_set1(known_row ? a[0][i * known_row] : a[i / 3][i % 3 * a_row]);
      VECTOR_UNROLL
      for (int v = 0; v < NV; v++) c[i][v] = PRODUCT_ADD(s, x[v], c[i][v]);
    }
    if (known_row)
      a[0] += a_k;
    else
      VECTOR_UNROLL
    for (int j = 0; j < (MR + 2) / 3; j++) a[j] += a_k;
    *b += b_k;
  }
}

/* Rows row .. row+MR-1, vectors vector .. vector+NV-1 of the n parts. */
VECTOR_INLINE void PRODUCT(block_body)(const product *p, const product_part *parts, int n, int row, int vector, const int MR,
                                       const int NV, const ptrdiff_t known_row) {
  v16 c[24][4];
  VECTOR_UNROLL
  for (int v = 0; v < NV; v++) {
    const ptrdiff_t step = p->init_row[vector + v];
    const float *from = p->init[vector + v] + row * step;
    VECTOR_UNROLL
    for (int i = 0; i < MR; i++, from += step) c[i][v] = v_load(from);
  }
  if (known_row) VECTOR_UNROLL
  for (int i = 0; i < MR; i++) VECTOR_UNROLL
  for (int v = 0; v < NV; v++) __builtin_prefetch(p->c[vector + v] + (row + MR + i) * p->c_row[vector + v], 1);
  fetch_run none = FETCH_END((const float *)p), *next = p->ahead ? *p->ahead : &none, now = *next;
  for (const product_part *end = parts + n; parts < end; parts++) {
    const float *a[8], *b = parts->b + vector * LANES;
    VECTOR_UNROLL
    for (int j = 0; j < 8; j++) a[j] = parts->a + (row + 3 * j) * (known_row ? known_row : parts->a_row);
    for (int left = parts->k, count; left > 0; left -= count) {
      count = MR >= FETCH_ROWS && now.n < left ? now.n : left;
      if (MR >= FETCH_ROWS && now.own)
        PRODUCT(block_steps)(c, a, &b, parts, count, MR, NV, known_row, &now, 1);
      else
        PRODUCT(block_steps)(c, a, &b, parts, count, MR, NV, known_row, &now, 0);
      if (MR >= FETCH_ROWS && (now.n -= count) == 0) now = *++next;
    }
  }
  if (MR >= FETCH_ROWS && p->ahead) {
    *next = now;
    *p->ahead = next;
  }
  VECTOR_UNROLL
  for (int v = 0; v < NV; v++) {
    const ptrdiff_t step = p->c_row[vector + v];
    float *to = p->c[vector + v] + row * step;
    VECTOR_UNROLL
    for (int i = 0; i < MR; i++, to += step) v_store(to, c[i][v]);
  }
}

/* One function for each size of block: block_ROWS_VECTORS for rows anywhere in A, near_ROWS_VECTORS for rows side by side. */
#define BLOCK(MR, NV)                                                                                                              \
  static void PRODUCT(block_##MR##_##NV)(const product *p, const product_part *parts, int n, int row, int vector) {                \
    PRODUCT(block_body)(p, parts, n, row, vector, MR, NV, 0);                                                                      \
  }                                                                                                                                \
  static void PRODUCT(near_##MR##_##NV)(const product *p, const product_part *parts, int n, int row, int vector) {                 \
    PRODUCT(block_body)(p, parts, n, row, vector, MR, NV, 1);                                                                      \
  }
#define BLOCKS_1(F, NV) F(1, NV)
#define BLOCKS_2(F, NV) BLOCKS_1(F, NV) F(2, NV)
#define BLOCKS_3(F, NV) BLOCKS_2(F, NV) F(3, NV)
#define BLOCKS_6(F, NV) BLOCKS_3(F, NV) F(4, NV) F(5, NV) F(6, NV)
#define BLOCKS_8(F, NV) BLOCKS_6(F, NV) F(7, NV) F(8, NV)
#define BLOCKS_12(F, NV) BLOCKS_8(F, NV) F(9, NV) F(10, NV) F(11, NV) F(12, NV)
#define BLOCKS_14(F, NV) BLOCKS_12(F, NV) F(13, NV) F(14, NV)
#define BLOCKS_24(F, NV)                                                                                                           \
  BLOCKS_12(F, NV)                                                                                                                 \
  F(13, NV) F(14, NV) F(15, NV) F(16, NV) F(17, NV) F(18, NV) F(19, NV) F(20, NV) F(21, NV) F(22, NV) F(23, NV) F(24, NV)
#define BLOCKS_UP_TO_(n) BLOCKS_##n
#define BLOCKS_UP_TO(n) BLOCKS_UP_TO_(n)
#define BLOCK_ENTRY(MR, NV) {PRODUCT(block_##MR##_##NV), PRODUCT(near_##MR##_##NV)},
typedef PRODUCT(block_function) *const PRODUCT(block_pair)[2];

BLOCKS_UP_TO(PRODUCT_ROWS_1)
(BLOCK, 1) BLOCKS_UP_TO(PRODUCT_ROWS_2)(BLOCK, 2) BLOCKS_UP_TO(PRODUCT_ROWS_3)(BLOCK, 3)
    BLOCKS_UP_TO(PRODUCT_ROWS_4)(BLOCK, 4) static const PRODUCT(block_pair)
        PRODUCT(blocks_1)[] = {BLOCKS_UP_TO(PRODUCT_ROWS_1)(BLOCK_ENTRY, 1)};
static const PRODUCT(block_pair) PRODUCT(blocks_2)[] = {BLOCKS_UP_TO(PRODUCT_ROWS_2)(BLOCK_ENTRY, 2)};
static const PRODUCT(block_pair) PRODUCT(blocks_3)[] = {BLOCKS_UP_TO(PRODUCT_ROWS_3)(BLOCK_ENTRY, 3)};
static const PRODUCT(block_pair) PRODUCT(blocks_4)[] = {BLOCKS_UP_TO(PRODUCT_ROWS_4)(BLOCK_ENTRY, 4)};
static const PRODUCT(block_pair) *const
    PRODUCT(blocks)[] = {PRODUCT(blocks_1), PRODUCT(blocks_2), PRODUCT(blocks_3), PRODUCT(blocks_4)};

/* Are the rows of A side by side? Parts that are more than one have theirs apart. */
static int PRODUCT(product_near)(const product *p) { return p->n_parts == 1 && p->parts->a_row == 1; }

/* All rows of a group of vectors, in blocks that differ by at most one row. */
static void PRODUCT(product_rows)(const product *p, const product_part *parts, int n, int vector, int vectors) {
  const int count = (p->rows + block_rows[vectors - 1] - 1) / block_rows[vectors - 1], near = PRODUCT(product_near)(p);
  const PRODUCT(block_pair) *const table = PRODUCT(blocks)[vectors - 1];
  int row = 0;
  for (int i = 0; i < count; i++) {
    const int rows = (p->rows - row + count - i - 1) / (count - i);
    table[rows - 1][near](p, parts, n, row, vector);
    row += rows;
  }
}

/* For few registers: where A's columns lie far apart, pieces of them are copied side by side and serve every vector. */
static void PRODUCT(product_copied)(const product *p, const product_part *part) {
  _Alignas(64) float near[COPIED_K * COPIED_ROWS];
  const product_part copy = {.a = near, .a_row = 1, .a_k = COPIED_ROWS, .b = part->b, .b_k = part->b_k, .k = part->k};
  product q = *p;
  for (int first = 0; first < p->rows; first += COPIED_ROWS) {
    const int rows = p->rows - first < COPIED_ROWS ? p->rows - first : COPIED_ROWS;
    for (int j = 0; j < part->k; j++)
      for (int i = 0; i < rows; i += LANES) {
        const float *from = part->a + j * part->a_k + first + i;
        v_store(near + j * COPIED_ROWS + i, rows - i >= LANES ? v_load(from) : v_load_part(from, rows - i));
      }
    for (int row = 0; row < rows; row += PRODUCT_ROWS_1) {
      const int n = rows - row < PRODUCT_ROWS_1 ? rows - row : PRODUCT_ROWS_1;
      for (int v = 0; v < p->vectors; v++) PRODUCT(blocks_1)[n - 1][1](&q, &copy, 1, row, v);
    }
    for (int v = 0; v < p->vectors; v++) {
      q.init[v] += COPIED_ROWS * q.init_row[v];
      q.c[v] += COPIED_ROWS * q.c_row[v];
    }
  }
}

/* Few rows, and every sum starts from something: one block does it all. */
static int PRODUCT(product_one_block)(const product *p) {
  const int v = p->vectors - 1;
  if (!PRODUCT_WIDE || p->rows > block_rows[v] || p->rows < 1) return 0;
  for (int i = 0; i <= v; i++)
    if (!p->init[i]) return 0;
  PRODUCT(blocks)[v][p->rows - 1][PRODUCT(product_near)(p)](p, p->parts, p->n_parts, 0, 0);
  return 1;
}

/* The next parts of p, as many as have `most` steps of k together; *part and *k say where to go on. */
static int PRODUCT(product_piece)(const product *p, int most, int *part, int *k, product_part *out) {
  int n = 0;
  for (; most > 0 && *part < p->n_parts; n++) {
    const product_part *from = &p->parts[*part];
    out[n] = *from;
    out[n].a += *k * from->a_k;
    out[n].b += *k * from->b_k;
    out[n].k = from->k - *k < most ? from->k - *k : most;
    most -= out[n].k;
    *k += out[n].k;
    if (*k == from->k) *k = 0, ++*part;
  }
  return n;
}

static void PRODUCT(product_run)(const product *given) {
  if (PRODUCT(product_one_block)(given)) return;
  static const _Alignas(64) float zeros[LANES];
  product p = *given;
  if (p.rows <= 0) return;
  int all = 0;
  for (int i = 0; i < p.n_parts; i++) all += p.parts[i].k;
  for (int v = 0; v < p.vectors; v++)
    if (!p.init[v]) {
      p.init[v] = zeros;
      p.init_row[v] = 0;
    }
  /* B is read once for each block. So with few registers, vectors are taken together only when all rows fit one block. With
   * many, two are taken where only then the rows do. */
  int width = p.vectors;
  while (!PRODUCT_WIDE && width > 1 && block_rows[width - 1] < p.rows) width--;
  if (PRODUCT_WIDE && width > 2 && p.rows > PRODUCT_ROWS_4 && p.rows <= PRODUCT_ROWS_2) width = 2;
  const int copied = !PRODUCT_WIDE && PRODUCT(product_near)(&p) && p.rows > PRODUCT_ROWS_1 && p.parts->a_k > COPIED_ROWS;
  const int most = copied ? COPIED_K : p.rows > block_rows[width - 1] ? PIECE : all;
  const int pieces = all > most ? (all + most - 1) / most : 1;
  product_part parts[PRODUCT_PARTS];
  int part = 0, k = 0;
  for (int i = 0; i < pieces; i++) {
    const int n = PRODUCT(product_piece)(&p, (all + pieces - 1) / pieces, &part, &k, parts);
    for (int q = 0; copied && q < n; q++) PRODUCT(product_copied)(&p, &parts[q]);
    for (int v = 0; !copied && v < p.vectors; v += width)
      PRODUCT(product_rows)(&p, parts, n, v, p.vectors - v < width ? p.vectors - v : width);
    for (int v = 0; v < p.vectors; v++) {
      p.init[v] = p.c[v];
      p.init_row[v] = p.c_row[v];
    }
  }
}
#undef BLOCK
#undef BLOCK_ENTRY
#undef PRODUCT
#undef PRODUCT_ADD
