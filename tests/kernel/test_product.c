/* The product: every small size, all strides and starts, pieces of k; the same bits everywhere, near to double. */
#include "tables.h"
#include "base/memory.h"

typedef struct shape {
  int rows, k, vectors, layout,
      start; /* layout 0: rows of A in sequence, 1: columns, 2: both far apart; start 0: zero, 1: another, 2: c */
} shape;
enum { GAP = 3 * LANES }; /* between parts of the result that must not be touched */

typedef struct data {
  float *a, *b, *init, *c[2];
  size_t c_size;
} data;

/* All of k in `n_parts` parts of about the same size, the last of which may be empty. */
static void run(const kernels *t, const shape *s, const data *d, int n_parts, float *c) {
  const ptrdiff_t c_row = s->vectors * (LANES + GAP);
  const product_part all = {.a = d->a,
                            .a_row = s->layout == 0   ? s->k
                                     : s->layout == 1 ? 1
                                                      : 2 * s->k + 5,
                            .a_k = s->layout == 0   ? 1
                                   : s->layout == 1 ? s->rows + 3
                                                    : 2,
                            .b = d->b,
                            .b_k = (s->vectors + (s->layout == 2)) * LANES,
                            .k = s->k};
  product_part parts[PRODUCT_PARTS];
  for (int i = 0; i < n_parts; i++) {
    const int size = s->k / n_parts + 1, from = i * size < s->k ? i * size : s->k;
    parts[i] = all;
    parts[i].a += from * all.a_k;
    parts[i].b += from * all.b_k;
    parts[i].k = s->k - from < size ? s->k - from : size;
  }
  product p = {.parts = parts, .n_parts = n_parts, .rows = s->rows, .vectors = s->vectors};
  for (size_t i = 0; i < d->c_size; i++) c[i] = (float)(i % 17) - 8.25f;
  for (int v = 0; v < s->vectors; v++) {
    p.c[v] = c + v * (LANES + GAP);
    p.c_row[v] = c_row;
    p.init[v] = s->start == 0 ? NULL : s->start == 1 ? d->init + v * LANES : p.c[v];
    p.init_row[v] = s->start == 1 ? (v % 2 ? 0 : 5 * LANES) : c_row; /* a bias is one row for all */
  }
  t->product(&p);
}

static void check_double(const shape *s, const data *d, const float *c) {
  const ptrdiff_t a_row = s->layout == 0 ? s->k : s->layout == 1 ? 1 : 2 * s->k + 5;
  const ptrdiff_t a_k = s->layout == 0 ? 1 : s->layout == 1 ? s->rows + 3 : 2, b_k = (s->vectors + (s->layout == 2)) * LANES;
  for (size_t i = 0; i < d->c_size; i++) {
    const int row = (int)(i / (size_t)(s->vectors * (LANES + GAP))), rest = (int)(i % (size_t)(s->vectors * (LANES + GAP)));
    const int v = rest / (LANES + GAP), lane = rest % (LANES + GAP);
    const double before = (double)((float)(i % 17) - 8.25f);
    if (row >= s->rows || lane >= LANES) {
      assert_true((double)c[i] == before);
      continue;
    }
    double sum = s->start == 0 ? 0 : s->start == 1 ? (double)d->init[(v % 2 ? 0 : row * 5 * LANES) + v * LANES + lane] : before;
    double size = fabs(sum);
    for (int k = 0; k < s->k; k++) {
      const double term = (double)d->a[row * a_row + k * a_k] * (double)d->b[k * b_k + v * LANES + lane];
      sum += term;
      size += fabs(term);
    }
    if (fabs((double)c[i] - sum) > 1e-7 * (s->k + 1) * size)
      fail_msg("rows %d k %d vectors %d: %g, not %g", s->rows, s->k, s->vectors, (double)c[i], sum);
  }
}

static void check(const shape *s) {
  const size_t a_size = (size_t)(s->rows + 4) * (size_t)(2 * s->k + 5) + 16,
               b_size = (size_t)(s->k + 1) * (size_t)(s->vectors + 1) * LANES;
  const size_t init_size = (size_t)(s->rows + 1) * 5 * LANES;
  data d = {.c_size = (size_t)(s->rows + 1) * (size_t)s->vectors * (LANES + GAP)};
  d.a = mem_aligned(a_size, sizeof(float));
  d.b = mem_aligned(b_size, sizeof(float));
  d.init = mem_aligned(init_size, sizeof(float));
  for (int i = 0; i < 2; i++) d.c[i] = mem_aligned(d.c_size, sizeof(float));
  assert_true(d.a && d.b && d.init && d.c[0] && d.c[1]);
  numbers(d.a, a_size, (uint64_t)s->rows, -1, 1);
  numbers(d.b, b_size, (uint64_t)s->k, -1, 1);
  numbers(d.init, init_size, 9, -1, 1);
  run(kernel_table_of(CPU_PORTABLE), s, &d, 1, d.c[0]);
  check_double(s, &d, d.c[0]);
  static const int parts[] = {1, 2, 5, PRODUCT_PARTS};
  for (int i = 0; i < 4 * ISAS; i++) {
    const kernels *t = kernel_table_of(all_isas[i / 4]);
    size_t at;
    if (!t) continue;
    run(t, s, &d, parts[i % 4], d.c[1]);
    if (!same_all(d.c[1], d.c[0], d.c_size, &at))
      fail_msg("%s: rows %d k %d vectors %d layout %d start %d in %d parts differs at %zu", cpu_isa_name(t->isa), s->rows, s->k,
               s->vectors, s->layout, s->start, parts[i % 4], at);
  }
  mem_free_aligned(d.a);
  mem_free_aligned(d.b);
  mem_free_aligned(d.init);
  for (int i = 0; i < 2; i++) mem_free_aligned(d.c[i]);
}

static void small_sizes(void **state) {
  (void)state;
  int turn = 0;
  for (int rows = 0; rows <= 30; rows++)
    for (int k = 0; k <= 40; k += k < 4 ? 1 : 3)
      for (int vectors = 1; vectors <= PANEL_VECTORS; vectors++, turn++) {
        if (!part_takes(turn)) continue;
        const int all = k == 3 || k == 40; /* each layout and start for some, one of them in turn for the rest */
        for (int way = 0; way < (all ? 9 : 1); way++)
          check(&(shape){rows, k, vectors, (all ? way : turn) % 3, (all ? way : turn) / 3 % 3});
      }
}

static void pieces_of_k(void **state) {
  (void)state;
  static const int rows[] = {1, 7, 25, 49, 100}, ks[] = {256, 257, 600, 1281};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (size_t j = 0; j < 4; j++)
      for (int way = 0; way < 9; way++)
        if (part_takes((int)(i + j) + way))
          check(&(shape){rows[i], ks[j], 1 + (int)(i + j + (size_t)way) % PANEL_VECTORS, way % 3, way / 3});
}

/* --- pairs of bf16 numbers --- */

static float bf16_value(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static void rounding(void **state) {
  (void)state;
  static const struct {
    uint32_t in;
    uint16_t out;
  } cases[] = {{0x3f800000, 0x3f80}, {0x3f808000, 0x3f80}, {0x3f818000, 0x3f82}, {0x3f808001, 0x3f81}, {0x7f7fffff, 0x7f80},
               {0x7f800000, 0x7f80}, {0xff800000, 0xff80}, {0x7fc00000, 0x7fc0}, {0xffc00000, 0xffc0}, {0x80000000, 0x8000}};
  enum { N = sizeof cases / sizeof *cases };
  for (int i = 0; i < ISAS; i++) {
    const kernels *t = kernel_table_of(all_isas[i]);
    float x[N + 1], pairs[N + 1];
    if (!t) continue;
    for (int n = 1; n <= N; n++) {
      for (int k = 0; k < N; k++) memcpy(&x[k], &cases[k].in, sizeof *x);
      memset(pairs, 0xee, sizeof pairs);
      t->pairs_of_row(pairs, x, n);
      for (int k = 0; k < (n + 1) / 2 * 2; k++) {
        uint16_t got;
        memcpy(&got, (char *)pairs + 2 * k, sizeof got);
        assert_int_equal(got, k < n ? cases[k].out : 0);
      }
      t->pairs_of_rows(pairs, x, n % 2 ? x + 1 : NULL, N - 1);
      for (int k = 0; k < N - 1; k++) {
        uint16_t got[2];
        memcpy(got, &pairs[k], sizeof got);
        assert_int_equal(got[0], cases[k].out);
        assert_int_equal(got[1], n % 2 ? cases[k + 1].out : 0);
      }
    }
  }
}

/* Rows of A as pairs times panels of pairs: against fused multiply-adds of the rounded numbers, the later of a pair first. */
static void pairs_of(int rows, int k, int vectors) {
  enum { MAX_ROWS = 30, MAX_K = 300 };
  static float a[MAX_ROWS * MAX_K], b[MAX_K * PANEL_VECTORS * LANES], a2[MAX_ROWS * MAX_K], b2[MAX_K * PANEL_VECTORS * LANES];
  static float c[MAX_ROWS * PANEL_VECTORS * LANES];
  const int half = (k + 1) / 2, step = vectors * LANES;
  numbers(a, sizeof a / sizeof *a, 1, -1, 1);
  numbers(b, sizeof b / sizeof *b, 2, -1, 1);
  for (int turn = 0; turn < ISAS; turn++) {
    const kernels *t = kernel_table_of(all_isas[turn]);
    if (!t) continue;
    for (int i = 0; i < rows; i++) t->pairs_of_row(a2 + i * half, a + i * k, k);
    for (int q = 0; q < k; q += 2) t->pairs_of_rows(b2 + q / 2 * step, b + q * step, q + 1 < k ? b + (q + 1) * step : NULL, step);
    const product_part part = {.a = a2, .a_row = half, .a_k = 1, .b = b2, .b_k = step, .k = half};
    product p = {.parts = &part, .n_parts = 1, .rows = rows, .vectors = vectors};
    for (int v = 0; v < vectors; v++) p.c[v] = c + v * LANES, p.c_row[v] = step;
    t->product_pairs(&p);
    for (int i = 0; i < rows; i++)
      for (int j = 0; j < step; j++) {
        float sum = 0;
        for (int q = 0; q < half; q++) {
          const int high = 2 * q + 1;
          if (high < k) sum = fmaf(bf16_value(a[i * k + high]), bf16_value(b[high * step + j]), sum);
          sum = fmaf(bf16_value(a[i * k + 2 * q]), bf16_value(b[2 * q * step + j]), sum);
        }
        if ((double)c[i * step + j] != (double)sum)
          fail_msg("%s: rows %d k %d: %g, not %g", cpu_isa_name(t->isa), rows, k, (double)c[i * step + j], (double)sum);
      }
  }
}

static void pairs(void **state) {
  (void)state;
  for (int rows = 1; rows <= 30; rows += rows < 8 ? 1 : 11)
    for (int k = 1; k <= 300; k += k < 4 ? 1 : 74)
      for (int vectors = 1; vectors <= PANEL_VECTORS; vectors++) pairs_of(rows, k, vectors);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(small_sizes), cmocka_unit_test(pieces_of_k), cmocka_unit_test(rounding),
                                     cmocka_unit_test(pairs)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
