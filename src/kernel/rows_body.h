/* rows_body.h - what works along whole rows: softmax and its loss, layer norm, gathers, sums. Compiled per instruction set.
 *
 * The idea: a row is read as vectors; the last one is cut at the true width n, so that padding never matters. Sums over a row keep
 * lane j for columns j, j+16, ... and end in the tree of v_sum. Whole vectors are written where rows are padded, exact widths
 * where they may not be (tables of embeddings, gradients of biases). */
#ifndef KERNEL_ROWS_BODY_H
#define KERNEL_ROWS_BODY_H
#include <float.h>

#define CROSS_ENTROPY_NEAR 32.0f /* up to here float keeps 2e-6 of log sum exp */

/* Columns j .. j+15 of a row of n; zeros beyond. */
VECTOR_INLINE v16 row_load(const float *x, int j, int n) { return n - j >= LANES ? v_load(x + j) : v_load_part(x + j, n - j); }
/* Lanes of columns beyond n become `other`. */
VECTOR_INLINE v16 row_cut(v16 a, int j, int n, v16 other) { return n - j >= LANES ? a : v_fill(a, n - j, other); }

static float row_peak(const float *x, int n) {
  v16 top = v_set1(-INFINITY);
  for (int j = 0; j < n; j += LANES) top = v_max(top, row_cut(row_load(x, j, n), j, n, v_set1(-INFINITY)));
  return v_peak(top);
}

/* y = exp(x - top) where y is given; returns the sum. */
VECTOR_INLINE float row_exp(float *y, const float *x, int n, float top) {
  v16 sum = v_zero();
  for (int j = 0; j < n; j += LANES) {
    const v16 e = row_cut(v_exp_low(v_sub(row_load(x, j, n), v_set1(top))), j, n, v_zero());
    if (y) v_store(y + j, e);
    sum = v_add(sum, e);
  }
  return v_sum(sum);
}

static void softmax_run(float *y, ptrdiff_t y_row, const float *x, ptrdiff_t x_row, int rows, int n) {
  for (int i = 0; i < rows; i++, y += y_row, x += x_row) {
    const v16 scale = v_div(v_one(), v_set1(row_exp(y, x, n, row_peak(x, n))));
    for (int j = 0; j < n; j += LANES) v_store(y + j, v_mul(v_load(y + j), scale));
  }
}

/* dx = y * (dy - sum(y * dy)) */
static void softmax_grad_run(float *dx, ptrdiff_t dx_row, const float *y, ptrdiff_t y_row, const float *dy, ptrdiff_t dy_row,
                             int rows, int n) {
  for (int i = 0; i < rows; i++, dx += dx_row, y += y_row, dy += dy_row) {
    v16 sum = v_zero();
    for (int j = 0; j < n; j += LANES) sum = v_fma(row_load(y, j, n), row_load(dy, j, n), sum);
    const v16 dot = v_set1(v_sum(sum));
    for (int j = 0; j < n; j += LANES) v_store(dx + j, v_mul(row_load(y, j, n), v_sub(row_load(dy, j, n), dot)));
  }
}

/* loss = log(sum exp(x - top)) + (top - x[index]); the logarithms of 16 rows are taken together. */
static void cross_entropy_run(float *loss, ptrdiff_t loss_row, const float *x, ptrdiff_t x_row, const int32_t *index, int rows,
                              int n) {
  for (int first = 0; first < rows; first += LANES) {
    const int count = rows - first < LANES ? rows - first : LANES;
    float sum[LANES], rest[LANES];
    for (int i = 0; i < LANES; i++) {
      sum[i] = 1;
      rest[i] = 0;
      if (i >= count || index[first + i] < 0) continue;
      const float *row = x + (first + i) * x_row, top = row_peak(row, n);
      sum[i] = row_exp(NULL, row, n, top);
      rest[i] = top - row[index[first + i]];
    }
    v_store(sum, v_add(v_log(v_load(sum)), v_load(rest)));
    for (int i = 0; i < count; i++) loss[(first + i) * loss_row] = sum[i];
  }
}

/* The same without an index. Rows of -infinity alone keep their value. */
static void log_sum_exp_run(float *y, ptrdiff_t y_row, const float *x, ptrdiff_t x_row, int rows, int n) {
  for (int first = 0; first < rows; first += LANES) {
    const int count = rows - first < LANES ? rows - first : LANES;
    float sum[LANES], top[LANES] = {0};
    for (int i = 0; i < LANES; i++) {
      sum[i] = 1;
      if (i >= count) continue;
      const float *row = x + (first + i) * x_row, peak = row_peak(row, n);
      top[i] = peak < -FLT_MAX ? -FLT_MAX : peak;
      sum[i] = row_exp(NULL, row, n, top[i]);
    }
    v_store(sum, v_add(v_log(v_load(sum)), v_load(top)));
    for (int i = 0; i < count; i++) y[(first + i) * y_row] = sum[i];
  }
}

/* (softmax(x) - onehot(hit)) d of one row from its maximum on: right for logits of any size. What the hit lacks of 1 is the sum of
 * the others, which keeps the digits that 1 - softmax would lose. */
static void cross_entropy_far(float *dx, const float *x, int hit, float d, int n) {
  const float top = row_peak(x, n), all = row_exp(dx, x, n, top);
  const v16 scale = v_set1(d / all);
  dx[hit] = 0;
  v16 others = v_zero();
  for (int j = 0; j < n; j += LANES) {
    others = v_add(others, row_cut(v_load(dx + j), j, n, v_zero()));
    v_store(dx + j, v_mul(v_load(dx + j), scale));
  }
  dx[hit] = -v_sum(others) * (d / all);
}

/* exp(x - total), total = log sum exp(x) = loss + x[index]. That sum rounds to its own size, and so does what is left of it. So
 * rows where it may be large go from their maximum on. */
static void cross_entropy_grad_run(float *dx, ptrdiff_t dx_row, const float *x, ptrdiff_t x_row, const float *loss,
                                   ptrdiff_t loss_row, const float *dl, ptrdiff_t dl_row, const int32_t *index, int rows, int n) {
  for (int i = 0; i < rows; i++, dx += dx_row, x += x_row) {
    if (index[i] < 0) {
      for (int j = 0; j < n; j += LANES) v_store(dx + j, v_zero());
      continue;
    }
    const float hit = x[index[i]], nats = loss[i * loss_row], total = nats + hit;
    if (!(nats <= CROSS_ENTROPY_NEAR && fabsf(hit) <= CROSS_ENTROPY_NEAR)) {
      cross_entropy_far(dx, x, index[i], dl[i * dl_row], n);
      continue;
    }
    const v16 all = v_set1(total), d = v_set1(dl[i * dl_row]);
    for (int j = 0; j < n; j += LANES) v_store(dx + j, v_mul(v_exp_low(v_sub(row_load(x, j, n), all)), d));
    float at[LANES];
    v_store(at, v_mul(v_sub(v_exp_low(v_set1(hit - total)), v_one()), d));
    dx[index[i]] = at[0];
  }
}

static float row_sum_of(const float *x, int n) {
  v16 sum = v_zero();
  for (int j = 0; j < n; j += LANES) sum = v_add(sum, row_load(x, j, n));
  return v_sum(sum);
}
static void row_sum_run(float *y, ptrdiff_t y_row, const float *x, ptrdiff_t x_row, int rows, int n) {
  for (int i = 0; i < rows; i++) y[i * y_row] = row_sum_of(x + i * x_row, n);
}

static void layernorm_scale_run(float *scale, ptrdiff_t scale_row, const float *x, ptrdiff_t x_row, int rows, int n) {
  for (int i = 0; i < rows; i++, x += x_row) {
    const v16 mean = v_set1(row_sum_of(x, n) / (float)n);
    v16 sum = v_zero();
    for (int j = 0; j < n; j += LANES) {
      const v16 d = row_cut(v_sub(row_load(x, j, n), mean), j, n, v_zero());
      sum = v_fma(d, d, sum);
    }
    scale[i * scale_row] = 1.0f / sqrtf(v_sum(sum) / (float)n + 1e-5f);
  }
}
/* y = (x - mean) scale */
static void layernorm_run(float *y, ptrdiff_t y_row, const float *x, ptrdiff_t x_row, const float *scale, ptrdiff_t scale_row,
                          int rows, int n) {
  for (int i = 0; i < rows; i++, y += y_row, x += x_row) {
    const v16 mean = v_set1(row_sum_of(x, n) / (float)n), s = v_set1(scale[i * scale_row]);
    for (int j = 0; j < n; j += LANES) v_store(y + j, v_mul(v_sub(row_load(x, j, n), mean), s));
  }
}
/* dx = (dy - mean(dy) - y mean(dy y)) scale */
static void layernorm_grad_run(float *dx, ptrdiff_t dx_row, const float *y, ptrdiff_t y_row, const float *scale,
                               ptrdiff_t scale_row, const float *dy, ptrdiff_t dy_row, int rows, int n) {
  for (int i = 0; i < rows; i++, dx += dx_row, y += y_row, dy += dy_row) {
    v16 sum = v_zero(), dot = v_zero();
    for (int j = 0; j < n; j += LANES) {
      sum = v_add(sum, row_load(dy, j, n));
      dot = v_fma(row_load(y, j, n), row_load(dy, j, n), dot);
    }
    const v16 s = v_set1(v_sum(sum) / (float)n), t = v_set1(v_sum(dot) / (float)n), all = v_set1(scale[i * scale_row]);
    for (int j = 0; j < n; j += LANES) v_store(dx + j, v_mul(v_fnma(row_load(y, j, n), t, v_sub(row_load(dy, j, n), s)), all));
  }
}

static void gather_run(float *y, ptrdiff_t y_row, const float *table, ptrdiff_t table_row, const int32_t *index, int rows, int n) {
  for (int i = 0; i < rows; i++, y += y_row) {
    const float *from = table + index[i] * table_row;
    for (int j = 0; j < n; j += LANES) v_store(y + j, index[i] < 0 ? v_zero() : row_load(from, j, n));
  }
}
static void scatter_run(float *table, ptrdiff_t table_row, const float *dy, ptrdiff_t dy_row, const int32_t *index, int step,
                        int rows, int n) {
  for (int i = 0; i < rows; i++, dy += dy_row, index += step) {
    if (*index < 0) continue;
    float *to = table + *index * table_row;
    int j = 0;
    for (; n - j >= LANES; j += LANES) v_store(to + j, v_add(v_load(to + j), v_load(dy + j)));
    if (j < n) v_store_part(to + j, v_add(v_load_part(to + j, n - j), v_load_part(dy + j, n - j)), n - j);
  }
}

/* y stays in the first-level cache while up to 8 rows at a time stream by. */
VECTOR_INLINE v16 rows_add(v16 sum, const float *x, ptrdiff_t x_row, const int rows) {
  VECTOR_UNROLL
  for (int i = 0; i < rows; i++) sum = v_add(sum, v_load(x + i * x_row));
  return sum;
}
static void sum_rows_run(float *y, const float *x, ptrdiff_t x_row, int rows, int n) {
  const int whole = n / LANES * LANES;
  int i = 0;
  for (; i + 8 <= rows; i += 8)
    for (int j = 0; j < whole; j += LANES) v_store(y + j, rows_add(v_load(y + j), x + i * x_row + j, x_row, 8));
  for (; i < rows; i++)
    for (int j = 0; j < whole; j += LANES) v_store(y + j, rows_add(v_load(y + j), x + i * x_row + j, x_row, 1));
  if (whole < n) {
    v16 sum = v_load_part(y + whole, n - whole);
    for (i = 0; i < rows; i++) sum = v_add(sum, v_load_part(x + i * x_row + whole, n - whole));
    v_store_part(y + whole, sum, n - whole);
  }
}

VECTOR_INLINE v16 rows_dot(v16 sum, const float *a, ptrdiff_t a_row, const float *b, ptrdiff_t b_row, const int rows) {
  VECTOR_UNROLL
  for (int i = 0; i < rows; i++) sum = v_fma(v_load(a + i * a_row), v_load(b + i * b_row), sum);
  return sum;
}
static void dot_rows_run(float *y, const float *a, ptrdiff_t a_row, const float *b, ptrdiff_t b_row, int rows, int n) {
  const int whole = n / LANES * LANES, rest = n - whole;
  int i = 0;
  for (; i + 8 <= rows; i += 8)
    for (int j = 0; j < whole; j += LANES)
      v_store(y + j, rows_dot(v_load(y + j), a + i * a_row + j, a_row, b + i * b_row + j, b_row, 8));
  for (; i < rows; i++)
    for (int j = 0; j < whole; j += LANES)
      v_store(y + j, rows_dot(v_load(y + j), a + i * a_row + j, a_row, b + i * b_row + j, b_row, 1));
  if (rest) {
    v16 sum = v_load_part(y + whole, rest);
    for (i = 0; i < rows; i++) sum = v_fma(v_load_part(a + i * a_row + whole, rest), v_load_part(b + i * b_row + whole, rest), sum);
    v_store_part(y + whole, sum, rest);
  }
}

VECTOR_INLINE void row_store(float *y, v16 a, int j, int n) {
  if (n - j >= LANES)
    v_store(y + j, a);
  else
    v_store_part(y + j, a, n - j);
}
#endif
