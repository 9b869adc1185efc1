/* Functions of whole rows: against double, against the portable table; padding holds NaN and must not matter. */
#include "tables.h"

enum { ROWS = 19, WIDE = 144, SIZE = ROWS * WIDE, GUARD = 20 };
static const int widths[] = {1, 2, 15, 16, 17, 31, 32, 33, 64, 100, 128, 129};
static const int row_counts[] = {0, 1, 3, 8, 17};

/* What one call reads and writes: x, y, dy in, out; vectors of one number per row; a table of embeddings. */
typedef struct rows_data {
  float x[SIZE], y[SIZE], dy[SIZE], out[SIZE], loss[2 * ROWS], dl[2 * ROWS], table[SIZE + GUARD];
  int32_t index[ROWS];
} rows_data;

static void start(rows_data *d, int n, double size) {
  numbers(d->x, SIZE, 1, -size, size);
  numbers(d->y, SIZE, 2, 0, 1);
  numbers(d->dy, SIZE, 3, -1, 1);
  numbers(d->dl, 2 * ROWS, 4, 0, 1);
  numbers(d->loss, 2 * ROWS, 5, 0, 1);
  numbers(d->table, SIZE + GUARD, 6, -1, 1);
  for (int i = 0; i < SIZE; i++) {
    if (i % WIDE >= n) d->x[i] = d->y[i] = d->dy[i] = NAN;
    d->out[i] = 5;
  }
  for (int i = 0; i < ROWS; i++) d->index[i] = i % 5 == 3 ? -1 : (int32_t)random_below(7, RANDOM_TEST, 1, (uint32_t)i, (uint32_t)n);
}

/* --- one wrapper and one reference in double per function; the reference fills want[rows][n] (or [rows][1]) --- */
typedef void wrapper(const kernels *t, rows_data *d, int rows, int n);
typedef void reference(const rows_data *d, int rows, int n, double *want);

static void run_softmax(const kernels *t, rows_data *d, int rows, int n) { t->softmax(d->out, WIDE, d->x, WIDE, rows, n); }
static double total(const float *x, int n) { /* log(sum exp(x)) */
  double top = -(double)INFINITY, sum = 0;
  for (int j = 0; j < n; j++) top = fmax(top, (double)x[j]);
  for (int j = 0; j < n; j++) sum += exp((double)x[j] - top);
  return top + log(sum);
}
static void ref_softmax(const rows_data *d, int rows, int n, double *want) {
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < n; j++) want[i * n + j] = exp((double)d->x[i * WIDE + j] - total(d->x + i * WIDE, n));
}

static void run_softmax_grad(const kernels *t, rows_data *d, int rows, int n) {
  t->softmax_grad(d->out, WIDE, d->y, WIDE, d->dy, WIDE, rows, n);
}
static void ref_softmax_grad(const rows_data *d, int rows, int n, double *want) {
  for (int i = 0; i < rows; i++) {
    const float *y = d->y + i * WIDE, *dy = d->dy + i * WIDE;
    double dot = 0;
    for (int j = 0; j < n; j++) dot += (double)y[j] * (double)dy[j];
    for (int j = 0; j < n; j++) want[i * n + j] = (double)y[j] * ((double)dy[j] - dot);
  }
}

static void run_cross_entropy(const kernels *t, rows_data *d, int rows, int n) {
  t->cross_entropy(d->loss, 2, d->x, WIDE, d->index, rows, n);
  for (int i = 0; i < rows; i++) d->out[i * WIDE] = d->loss[2 * i];
}
static void ref_cross_entropy(const rows_data *d, int rows, int n, double *want) {
  for (int i = 0; i < rows; i++) want[i] = d->index[i] < 0 ? 0 : total(d->x + i * WIDE, n) - (double)d->x[i * WIDE + d->index[i]];
}

static void run_cross_entropy_grad(const kernels *t, rows_data *d, int rows, int n) {
  t->cross_entropy(d->loss, 2, d->x, WIDE, d->index, rows, n);
  memcpy(d->out, d->x, sizeof(float) * (size_t)(rows * WIDE));
  t->cross_entropy_grad(d->out, WIDE, d->out, WIDE, d->loss, 2, d->dl, 1, d->index, rows, n); /* in place */
}
static void ref_cross_entropy_grad(const rows_data *d, int rows, int n, double *want) {
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < n; j++)
      want[i * n + j] = d->index[i] < 0
                            ? 0
                            : (double)d->dl[i] * (exp((double)d->x[i * WIDE + j] - total(d->x + i * WIDE, n)) - (j == d->index[i]));
}

static void run_row_sum(const kernels *t, rows_data *d, int rows, int n) { t->row_sum(d->out, WIDE, d->x, WIDE, rows, n); }
static void ref_row_sum(const rows_data *d, int rows, int n, double *want) {
  for (int i = 0; i < rows; i++) {
    want[i] = 0;
    for (int j = 0; j < n; j++) want[i] += (double)d->x[i * WIDE + j];
  }
}

static void run_log_sum_exp(const kernels *t, rows_data *d, int rows, int n) { t->log_sum_exp(d->out, WIDE, d->x, WIDE, rows, n); }
static void ref_log_sum_exp(const rows_data *d, int rows, int n, double *want) {
  for (int i = 0; i < rows; i++) want[i] = total(d->x + i * WIDE, n);
}

static double moments(const float *x, int n, double *mean) { /* 1 / sqrt(variance + 1e-5) */
  double sum = 0;
  *mean = 0;
  for (int j = 0; j < n; j++) *mean += (double)x[j] / n;
  for (int j = 0; j < n; j++) sum += ((double)x[j] - *mean) * ((double)x[j] - *mean);
  return 1 / sqrt(sum / n + 1e-5);
}
static void run_layernorm(const kernels *t, rows_data *d, int rows, int n) {
  t->layernorm_scale(d->loss, 2, d->x, WIDE, rows, n);
  t->layernorm(d->out, WIDE, d->x, WIDE, d->loss, 2, rows, n);
}
static void ref_layernorm(const rows_data *d, int rows, int n, double *want) {
  for (int i = 0; i < rows; i++) {
    double mean, scale = moments(d->x + i * WIDE, n, &mean);
    for (int j = 0; j < n; j++) want[i * n + j] = ((double)d->x[i * WIDE + j] - mean) * scale;
  }
}
static void run_layernorm_grad(const kernels *t, rows_data *d, int rows, int n) {
  t->layernorm_scale(d->loss, 2, d->x, WIDE, rows, n);
  t->layernorm_grad(d->out, WIDE, d->y, WIDE, d->loss, 2, d->dy, WIDE, rows, n);
}
static void ref_layernorm_grad(const rows_data *d, int rows, int n, double *want) {
  for (int i = 0; i < rows; i++) {
    const float *y = d->y + i * WIDE, *dy = d->dy + i * WIDE;
    double mean, scale = moments(d->x + i * WIDE, n, &mean), sum = 0, dot = 0;
    for (int j = 0; j < n; j++) {
      sum += (double)dy[j] / n;
      dot += (double)dy[j] * (double)y[j] / n;
    }
    for (int j = 0; j < n; j++) want[i * n + j] = ((double)dy[j] - sum - (double)y[j] * dot) * scale;
  }
}

/* The table's rows are n long and start one float off: nothing in it is aligned. As many rows as fit. */
static int table_rows(int n) { return SIZE / n < ROWS ? SIZE / n : ROWS; }
static int32_t table_index(const rows_data *d, int i, int n) { return d->index[i] < 0 ? -1 : d->index[i] % table_rows(n); }
static void run_gather(const kernels *t, rows_data *d, int rows, int n) {
  int32_t index[ROWS];
  for (int i = 0; i < rows; i++) index[i] = table_index(d, i, n);
  t->gather(d->out, WIDE, d->table + 1, n, index, rows, n);
}
static void ref_gather(const rows_data *d, int rows, int n, double *want) {
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < n; j++) want[i * n + j] = d->index[i] < 0 ? 0 : (double)d->table[1 + table_index(d, i, n) * n + j];
}
/* The table itself is compared with a plain loop, guard and all: the order of additions is fixed. */
static void run_scatter(const kernels *t, rows_data *d, int rows, int n) {
  static float want[SIZE + GUARD];
  int32_t index[ROWS] = {0};
  memcpy(want, d->table, sizeof want);
  for (int i = 0; i < rows; i++) {
    index[i] = table_index(d, i, n);
    for (int j = 0; index[i] >= 0 && j < n; j++) want[1 + index[i] * n + j] += d->dy[i * WIDE + j];
  }
  t->scatter(d->table + 1, n, d->dy, WIDE, index, 1, rows, n);
  assert_memory_equal(want, d->table, sizeof want);
  for (int i = rows - 1; i >= 0; i--)
    for (int j = 0; index[i] >= 0 && j < n; j++) want[1 + index[i] * n + j] += d->dy[i * WIDE + j];
  if (rows) t->scatter(d->table + 1, n, d->dy + (rows - 1) * WIDE, -WIDE, index + rows - 1, -1, rows, n);
  assert_memory_equal(want, d->table, sizeof want);
}
static void run_sum_rows(const kernels *t, rows_data *d, int rows, int n) {
  static float want[SIZE + GUARD];
  memcpy(want, d->table, sizeof want);
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < n; j++) want[3 + j] += d->x[i * WIDE + j];
  t->sum_rows(d->table + 3, d->x, WIDE, rows, n);
  assert_memory_equal(want, d->table, sizeof want);
}
static void run_dot_rows(const kernels *t, rows_data *d, int rows, int n) {
  static float want[SIZE + GUARD];
  memcpy(want, d->table, sizeof want);
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < n; j++) want[3 + j] = fmaf(d->x[i * WIDE + j], d->dy[i * WIDE + j], want[3 + j]);
  t->dot_rows(d->table + 3, d->x, WIDE, d->dy, WIDE, rows, n);
  assert_memory_equal(want, d->table, sizeof want);
}

static void run_mask(const kernels *t, rows_data *d, int rows, int n) {
  for (int i = 0; i < rows; i++) {
    const mask_draw m = {.key = 0x123456789abcdefull * (uint64_t)n,
                         .step = 0xfedcba9876543210ull + (uint64_t)i,
                         .stream = 77,
                         .place = (uint32_t)i << 14,
                         .limit = i % 3 ? 0x40000000u * (uint32_t)(i % 4) : 0xfffffff0u,
                         .kept = 1.25f};
    float *row = d->out + i * WIDE;
    float want[WIDE];
    mask_row(want, &m, n);
    t->mask(row, &m, n);
    for (int j = 0; j < n; j++) assert_true(row[j] == want[j]);
    for (int j = n; j < WIDE; j++) assert_true(row[j] == 5);
  }
}

static const struct function {
  const char *name;
  wrapper *run;
  reference *ref; /* NULL: run compares by itself */
  int one;        /* one number per row */
  double size, bound;
} functions[] = {
    {"softmax", run_softmax, ref_softmax, 0, 10, 2e-6},
    {"softmax, large", run_softmax, ref_softmax, 0, 10000, 1e-6},
    {"softmax_grad", run_softmax_grad, ref_softmax_grad, 0, 1, 1e-5},
    {"cross_entropy", run_cross_entropy, ref_cross_entropy, 1, 10, 2e-6},
    {"cross_entropy, large", run_cross_entropy, ref_cross_entropy, 1, 10000, 2e-3},
    {"cross_entropy_grad", run_cross_entropy_grad, ref_cross_entropy_grad, 0, 10, 4e-6},
    {"row_sum", run_row_sum, ref_row_sum, 1, 10, 5e-5},
    {"log_sum_exp", run_log_sum_exp, ref_log_sum_exp, 1, 10, 2e-6},
    {"log_sum_exp, large", run_log_sum_exp, ref_log_sum_exp, 1, 10000, 2e-3},
    {"layernorm", run_layernorm, ref_layernorm, 0, 10, 2e-5},
    {"layernorm_grad", run_layernorm_grad, ref_layernorm_grad, 0, 10, 1e-4},
    {"gather", run_gather, ref_gather, 0, 1, 0},
    {"scatter", run_scatter, NULL, 0, 1, 0},
    {"mask", run_mask, NULL, 0, 1, 0},
    {"sum_rows", run_sum_rows, NULL, 0, 1, 0},
    {"dot_rows", run_dot_rows, NULL, 0, 1, 0},
};

static void check(const struct function *f, int rows, int n) {
  static _Alignas(64) rows_data d;
  static float portable[SIZE];
  static double want[SIZE];
  const int columns = f->one ? 1 : n;
  for (int s = 0; s < ISAS; s++) {
    const kernels *t = kernel_table_of(all_isas[s]);
    if (!t) continue;
    start(&d, n, f->size);
    if (f->ref) f->ref(&d, rows, n, want);
    f->run(t, &d, rows, n);
    for (int i = 0; f->ref && i < rows; i++)
      for (int j = 0; j < columns; j++) {
        const float got = d.out[i * WIDE + j];
        const double bound =
            f->bound * (1 + (n == 2 && f->run == run_layernorm_grad ? 100 : 0)) * (1 + fabs(want[i * columns + j]));
        if (!(fabs((double)got - want[i * columns + j]) <= bound))
          fail_msg("%s, %d columns, [%d][%d]: %g, not %g", f->name, n, i, j, (double)got, want[i * columns + j]);
        if (s == 0) portable[i * WIDE + j] = got;
        if (!same(got, portable[i * WIDE + j]))
          fail_msg("%s: %s, %d columns, [%d][%d] differs", cpu_isa_name(t->isa), f->name, n, i, j);
      }
    for (int i = rows * WIDE; i < SIZE; i++) assert_true(d.out[i] == 5); /* nothing beyond the rows */
  }
}

static void every_function(void **state) {
  (void)state;
  for (size_t f = 0; f < sizeof functions / sizeof *functions; f++)
    for (size_t r = 0; r < sizeof row_counts / sizeof *row_counts; r++)
      for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) check(&functions[f], row_counts[r], widths[w]);
}

static void safe_softmax(void **state) {
  (void)state;
  for (int s = 0; s < ISAS; s++) {
    const kernels *t = kernel_table_of(all_isas[s]);
    if (!t) continue;
    _Alignas(64) float x[32] = {FLT_MAX, -FLT_MAX, -INFINITY, 0}, y[32];
    t->softmax(y, 32, x, 32, 1, 4);
    assert_true(y[0] == 1 && y[1] == 0 && y[2] == 0 && y[3] == 0);
    x[1] = NAN;
    t->softmax(y, 32, x, 32, 1, 20);
    for (int j = 0; j < 20; j++) assert_true(isnan(y[j]));
  }
}

/* Squares of a picture against what is written down here, for every table: ties go to the first, what lies beside stays. */
static void test_squares(void **state) {
  (void)state;
  enum { MOST = 35, LINE = 4 * MOST, ALL = 3 * LINE };
  static const int channels[] = {1, 3, 15, 16, 17, 35};
  float x[ALL], y[MOST + LANES], dy[MOST + LANES], dx[ALL], want[ALL];
  for (size_t which = 0; which < ISAS; which++)
    for (size_t i = 0; i < sizeof channels / sizeof *channels; i++)
      for (int size = 1; size <= 3; size++) {
        const kernels *t = kernel_table_of(all_isas[which]);
        const int n = channels[i];
        if (!t) continue;
        for (int k = 0; k < ALL; k++) x[k] = floorf(number(3, (uint32_t)k, 0, 5)), dx[k] = want[k] = -1;
        for (int k = 0; k < MOST + LANES; k++) y[k] = -1, dy[k] = number(4, (uint32_t)k, 1, 2);
        t->square_max(y, x, LINE, size, n);
        t->square_max_grad(dx, x, y, dy, LINE, size, n);
        for (int c = 0; c < n; c++) {
          int best = c;
          for (int r = 0; r < size; r++)
            for (int k = 0; k < size; k++) {
              want[r * LINE + k * n + c] = 0;
              if (x[r * LINE + k * n + c] > x[best]) best = r * LINE + k * n + c;
            }
          want[best] = dy[c];
          assert_true(y[c] == x[best]);
        }
        assert_true(y[n] == -1);
        size_t at = 0;
        if (!same_all(dx, want, ALL, &at)) fail_msg("%s, %d channels, size %d: entry %zu", cpu_isa_name(t->isa), n, size, at);
      }
}

/* Positions of a picture against the sums themselves, and every table against the first: nothing beside is written. */
static void test_positions(void **state) {
  (void)state;
  enum { MOST = 35, POSITIONS = 6, ALL = MOST * POSITIONS };
  static const int channels[] = {1, 3, 15, 16, 17, 35};
  float x[ALL], q[MOST], w[POSITIONS], score[ISAS][POSITIONS + 1], mixed[ISAS][MOST + 1], painted[ISAS][ALL + 1];
  for (int k = 0; k < ALL; k++) x[k] = number(5, (uint32_t)k, -1, 1);
  for (int k = 0; k < MOST; k++) q[k] = number(6, (uint32_t)k, -1, 1);
  for (int k = 0; k < POSITIONS; k++) w[k] = number(7, (uint32_t)k, -1, 1);
  for (size_t i = 0; i < sizeof channels / sizeof *channels; i++)
    for (size_t which = 0; which < ISAS; which++) {
      const kernels *t = kernel_table_of(all_isas[which]);
      const int n = channels[i];
      if (!t) continue;
      score[which][POSITIONS] = mixed[which][n] = painted[which][n * POSITIONS] = 9;
      t->match(score[which], q, x, POSITIONS, n);
      t->blend(mixed[which], w, x, POSITIONS, n);
      t->paint(painted[which], w, q, POSITIONS, n);
      assert_true(score[which][POSITIONS] == 9 && mixed[which][n] == 9 && painted[which][n * POSITIONS] == 9);
      for (int p = 0; p < POSITIONS; p++) {
        double sum = 0;
        for (int c = 0; c < n; c++) sum += (double)q[c] * (double)x[p * n + c];
        assert_true(fabs((double)score[which][p] - sum) < 1e-5 && same(score[which][p], score[0][p]));
        for (int c = 0; c < n; c++) assert_true(painted[which][p * n + c] == w[p] * q[c]);
      }
      for (int c = 0; c < n; c++) {
        double sum = 0;
        for (int p = 0; p < POSITIONS; p++) sum += (double)w[p] * (double)x[p * n + c];
        assert_true(fabs((double)mixed[which][c] - sum) < 1e-5 && same(mixed[which][c], mixed[0][c]));
      }
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_squares), cmocka_unit_test(test_positions),
                                     cmocka_unit_test(every_function), cmocka_unit_test(safe_softmax)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
