/* Products of bytes: rows against their definition, products against plain integers for many shapes and extremes, the same bits on
 * every instruction set, with the processor's own instruction and without it. */
#include "tables.h"
#include "base/memory.h"
#include "kernel/isa.h"

enum { MOST_TABLES = ISAS + 1 };
static const kernels *tables_here[MOST_TABLES]; /* the first one is the portable one */
static int n_tables;

/* All tables of this machine; of AVX-512 also the one that makes bytes of words. */
static int find_tables(void **state) {
  (void)state;
  n_tables = 0;
  for (int i = 0; i < ISAS; i++)
    if (kernel_table_of(all_isas[i])) tables_here[n_tables++] = kernel_table_of(all_isas[i]);
  if (kernel_table_of(CPU_AVX512)) tables_here[n_tables++] = kernels_avx512();
  return 0;
}

static uint8_t byte_of(const float *row, int k) { return ((const uint8_t *)(row + 1))[k]; }

/* --- rows --- */

static void row_of(const float *x, int n) {
  enum { ROOM = 128 };
  float got[ROOM];
  const factors f = factors_of(PRECISION_INT8, n);
  float most = 0;
  for (int k = 0; k < n; k++) most = fabsf(x[k]) > most ? fabsf(x[k]) : most;
  const int zero = most < 0x1p-119f;
  const float scale = zero ? 0.0f : most / 127.0f, factor = zero ? 0.0f : 127.0f / most;
  for (int i = 0; i < n_tables; i++) {
    memset(got, 0xee, sizeof got);
    tables_here[i]->bytes_of_row(got, x, n);
    assert_true(same(got[0], scale));
    for (int k = 0; k < f.steps * 4; k++) {
      const int want = k < n ? (int)nearbyint((double)x[k] * (double)factor) + 128 : 128;
      if (byte_of(got, k) != want)
        fail_msg("%s: %d of %d: %g is %d, not %d", cpu_isa_name(tables_here[i]->isa), k, n, (double)x[k], byte_of(got, k), want);
      assert_in_range(byte_of(got, k), 1, 255);
    }
    for (size_t k = (size_t)f.row * sizeof *got; k < sizeof got; k++) assert_int_equal(((unsigned char *)got)[k], 0xee);
  }
}

static void rows_of_bytes(void **state) {
  (void)state;
  float x[100];
  for (int n = 0; n <= 100; n++) {
    numbers(x, 100, (uint64_t)n, -3, 2);
    row_of(x, n);
    for (int k = 0; k < n; k++) x[k] = ldexpf(x[k], (k * 37 + n) % 250 - 148); /* to 2^100, down to denormal numbers */
    row_of(x, n);
    for (int k = 0; k < n; k++) x[k] = k % 3 ? ldexpf(1.5f, -130) : -0.0f;
    row_of(x, n);
    for (int k = 0; k < n; k++) x[k] = k % 2 ? FLT_MAX : -FLT_MAX;
    row_of(x, n);
    for (int k = 0; k < n; k++) x[k] = (float)((k % 5 - 2) * 127) / 4; /* ties: 31.75 = 63.5 * 0.5 */
    row_of(x, n);
  }
}

static void rows_not_finite(void **state) {
  (void)state;
  const float bad[] = {INFINITY, -INFINITY, NAN};
  float x[40], got[12];
  for (int i = 0; i < n_tables; i++)
    for (int n = 1; n <= 40; n++)
      for (int at = 0; at < n; at++) {
        numbers(x, 40, 5, -1, 1);
        x[at] = bad[at % 3];
        tables_here[i]->bytes_of_row(got, x, n);
        assert_true(isnan(got[0]));
      }
}

/* --- products --- */

typedef struct operands {
  int rows, k, vectors;
  const float *a, *b; /* [rows, k], [vectors * 16, k] */
} operands;

typedef struct packed {
  float *a, *b, *init, *c;
  factors f;
  int step;
} packed;

static void pack(packed *q, const operands *o, const kernels *t) {
  q->f = factors_of(PRECISION_INT8, o->k);
  q->step = o->vectors * LANES;
  q->a = mem_aligned((size_t)(o->rows * q->f.row) + 1, sizeof(float));
  q->b = mem_aligned((size_t)(q->step * q->f.depth) + 1, sizeof(float));
  q->init = mem_aligned((size_t)(o->rows * q->step) + 1, sizeof(float));
  q->c = mem_aligned((size_t)((o->rows + 1) * q->step) + 1, sizeof(float));
  float *row = mem_aligned((size_t)q->f.row + 1, sizeof *row);
  assert_true(q->a && q->b && q->init && q->c && row);
  numbers(q->init, (size_t)(o->rows * q->step), 3, -1, 1);
  for (int i = 0; i < o->rows; i++) t->bytes_of_row(q->a + i * q->f.row, o->a + i * o->k, o->k);
  for (int j = 0; j < q->step; j++) {
    t->bytes_of_row(row, o->b + j * o->k, o->k);
    pack_bytes(q->b, o->vectors, j / LANES, j % LANES, j == 5 ? NULL : row, o->k);
  }
  mem_free_aligned(row);
}

static void unpack(packed *q) {
  mem_free_aligned(q->a);
  mem_free_aligned(q->b);
  mem_free_aligned(q->init);
  mem_free_aligned(q->c);
}

/* start 0: from nothing, 1: from a row for all, 2: from c itself */
static void multiply(const packed *q, const operands *o, const kernels *t, int start) {
  const product_part part = {.a = q->a, .a_row = q->f.row, .a_k = 1, .b = q->b, .b_k = q->step, .k = q->f.steps};
  product p = {.parts = &part, .n_parts = 1, .rows = o->rows, .vectors = o->vectors};
  for (int i = 0; i < (o->rows + 1) * q->step; i++) q->c[i] = start == 2 && i < o->rows * q->step ? q->init[i] : 77;
  for (int v = 0; v < o->vectors; v++) {
    p.c[v] = q->c + v * LANES;
    p.c_row[v] = q->step;
    p.init[v] = start == 0 ? NULL : start == 1 ? q->init + v * LANES : p.c[v];
    p.init_row[v] = start == 1 ? 0 : q->step;
  }
  t->product_bytes(&p);
}

/* Against the definition, from rows rounded by this table. */
static void compare(const packed *q, const operands *o, const kernels *t, int start) {
  const int steps = o->k;
  float *row = mem_aligned((size_t)q->f.row + 1, sizeof *row);
  assert_non_null(row);
  for (int j = 0; j < q->step; j++) {
    t->bytes_of_row(row, o->b + j * o->k, o->k);
    for (int i = 0; i < o->rows; i++) {
      const float *a = q->a + i * q->f.row, from = start == 0 ? 0 : start == 1 ? q->init[j] : q->init[i * q->step + j];
      int64_t sum = 0;
      for (int k = 0; k < steps && j != 5; k++) sum += (byte_of(a, k) - 128) * (byte_of(row, k) - 128);
      const float whole = (float)sum * (j == 5 ? 0 : row[0]), want = fmaf(whole, a[0], from), got = q->c[i * q->step + j];
      if (!same(got, want))
        fail_msg("%s: rows %d k %d vectors %d, row %d column %d: %g, not %g", cpu_isa_name(t->isa), o->rows, o->k, o->vectors, i, j,
                 (double)got, (double)want);
    }
  }
  for (int j = 0; j < q->step; j++) assert_true(q->c[o->rows * q->step + j] == 77);
  mem_free_aligned(row);
}

static void all_tables(const operands *o, int start) {
  for (int i = 0; i < n_tables; i++) {
    packed q;
    pack(&q, o, tables_here[i]);
    multiply(&q, o, tables_here[i], start);
    compare(&q, o, tables_here[i], start);
    unpack(&q);
  }
}

static void shapes(void **state) {
  (void)state;
  enum { ROWS = 30, K = 300, COLUMNS = PANEL_VECTORS * LANES };
  static float a[ROWS * K], b[COLUMNS * K];
  numbers(a, ROWS * K, 1, -1, 1);
  numbers(b, COLUMNS * K, 2, -0.1, 0.2);
  int turn = 0;
  for (int rows = 0; rows <= ROWS; rows += rows < 14 ? 1 : 5)
    for (int k = 0; k <= K; k += k < 9 ? 1 : k < 30 ? 7 : 89)
      for (int vectors = 1; vectors <= PANEL_VECTORS; vectors++, turn++) all_tables(&(operands){rows, k, vectors, a, b}, turn % 3);
}

/* All bytes as large as they can be, of all signs, and as many as a product may have: no sum is cut off. */
static void largest(void **state) {
  (void)state;
  const int ks[] = {4, 1023, BYTES_MOST};
  float *a = mem_aligned((size_t)2 * BYTES_MOST, sizeof *a), *b = mem_aligned((size_t)LANES * BYTES_MOST, sizeof *b);
  assert_true(a && b);
  for (int sign = 0; sign < 3; sign++)
    for (int i = 0; i < 3; i++) {
      const int k = ks[i];
      for (int j = 0; j < 2 * k; j++) a[j] = sign == 1 || (sign == 2 && j % 2) ? -127 : 127;
      for (int j = 0; j < LANES * k; j++) b[j] = j / k % 2 && (sign < 2 || j % 3) ? -127 : 127;
      all_tables(&(operands){2, k, 1, a, b}, 0);
    }
  mem_free_aligned(a);
  mem_free_aligned(b);
}

/* An infinity or NaN in a row of A comes out in all results of this row, one in a column of B in those of this column. */
static void not_finite(void **state) {
  (void)state;
  enum { ROWS = 7, K = 37, COLUMNS = 2 * LANES };
  static float a[ROWS * K], b[COLUMNS * K];
  numbers(a, ROWS * K, 1, -1, 1);
  numbers(b, COLUMNS * K, 2, -1, 1);
  a[3 * K + 5] = NAN;
  a[4 * K + 36] = INFINITY;
  b[9 * K + 1] = NAN;
  const operands o = {ROWS, K, 2, a, b};
  for (int i = 0; i < n_tables; i++) {
    packed q;
    pack(&q, &o, tables_here[i]);
    multiply(&q, &o, tables_here[i], 1);
    for (int row = 0; row < ROWS; row++)
      for (int j = 0; j < COLUMNS; j++) assert_true(!!isnan(q.c[row * COLUMNS + j]) == (row == 3 || row == 4 || j == 9));
    unpack(&q);
  }
}

/* Numbers, and rows with one large number among small ones: as near to floats as the scales allow. */
static void near_to_floats(void **state) {
  (void)state;
  enum { ROWS = 5, K = 256, COLUMNS = LANES };
  static float a[ROWS * K], b[COLUMNS * K];
  numbers(a, ROWS * K, 1, -1, 1);
  numbers(b, COLUMNS * K, 2, -1, 1);
  const operands o = {ROWS, K, 1, a, b};
  packed q;
  pack(&q, &o, kernel_table());
  multiply(&q, &o, kernel_table(), 0);
  for (int i = 0; i < ROWS; i++)
    for (int j = 0; j < COLUMNS; j++) {
      double sum = 0;
      if (j == 5) continue; /* a column that is not there */
      for (int k = 0; k < K; k++) sum += (double)a[i * K + k] * (double)b[j * K + k];
      assert_true(fabs((double)q.c[i * COLUMNS + j] - sum) < 6 * sqrt(2.0 * K / 3 / 12) / 127); /* six deviations of the rounding */
    }
  unpack(&q);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(rows_of_bytes), cmocka_unit_test(rows_not_finite),
                                     cmocka_unit_test(shapes),        cmocka_unit_test(largest),
                                     cmocka_unit_test(not_finite),    cmocka_unit_test(near_to_floats)};
  return cmocka_run_group_tests(tests, find_tables, NULL);
}
