/* attend_body.h - attention: a row against all steps of a sequence. Compiled per instruction set.
 *
 * The steps of a sequence are rows that lie where `first` says, not at one distance. A product sums lane j over columns
 * j, j+16, ... and ends in the tree of v_sum; a mixture adds the steps one after the other. Four steps, or four vectors of
 * columns, go side by side, with enough registers for four rows at once: which ones do changes no sum. */
#ifndef KERNEL_ATTEND_BODY_H
#define KERNEL_ATTEND_BODY_H

enum { SIDE = 4 };

VECTOR_INLINE const float *step_at(const step_rows *y, int i) { return y->p + y->first[i] * y->row; }

/* `rows` rows against `count` steps from i on. */
VECTOR_INLINE void dots_some(float *const *out, const float *const *x, const int rows, const step_rows *y, int i, const int count,
                             int n) {
  const float *row[SIDE];
  v16 sum[ATTEND_ROWS][SIDE];
  int j = 0;
  VECTOR_UNROLL
  for (int s = 0; s < count; s++) row[s] = step_at(y, i + s);
  VECTOR_UNROLL
  for (int r = 0; r < rows; r++) VECTOR_UNROLL
  for (int s = 0; s < count; s++) sum[r][s] = v_zero();
  for (; j + LANES <= n; j += LANES) {
    v16 b[SIDE];
    VECTOR_UNROLL
    for (int s = 0; s < count; s++) b[s] = v_load(row[s] + j);
    VECTOR_UNROLL
    for (int r = 0; r < rows; r++) {
      const v16 a = v_load(x[r] + j);
      VECTOR_UNROLL
      for (int s = 0; s < count; s++) sum[r][s] = v_fma(a, b[s], sum[r][s]);
    }
  }
  if (j < n) VECTOR_UNROLL
  for (int r = 0; r < rows; r++) {
    const v16 a = v_load_part(x[r] + j, n - j);
    VECTOR_UNROLL
    for (int s = 0; s < count; s++) sum[r][s] = v_fma(a, v_load_part(row[s] + j, n - j), sum[r][s]);
  }
  VECTOR_UNROLL
  for (int r = 0; r < rows; r++) VECTOR_UNROLL
  for (int s = 0; s < count; s++) out[r][i + s] = v_sum(sum[r][s]);
}
static void dots_run(float *const *out, const float *const *x, int rows, const step_rows *y, int n) {
  for (int r = 0; r < rows;) {
    const int many = PRODUCT_WIDE && rows - r >= ATTEND_ROWS;
    int i = 0;
    for (; i + SIDE <= y->n; i += SIDE)
      if (many)
        dots_some(out + r, x + r, ATTEND_ROWS, y, i, SIDE, n);
      else
        dots_some(out + r, x + r, 1, y, i, SIDE, n);
    for (; i < y->n; i++)
      if (many)
        dots_some(out + r, x + r, ATTEND_ROWS, y, i, 1, n);
      else
        dots_some(out + r, x + r, 1, y, i, 1, n);
    r += many ? ATTEND_ROWS : 1;
  }
}

/* `rows` rows of `count` vectors of columns from j on. */
VECTOR_INLINE void mix_some(float *const *out, const float *const *w, const int rows, const step_rows *y, int j, const int count) {
  v16 sum[ATTEND_ROWS][SIDE];
  VECTOR_UNROLL
  for (int r = 0; r < rows; r++) VECTOR_UNROLL
  for (int v = 0; v < count; v++) sum[r][v] = v_zero();
  for (int i = 0; i < y->n; i++) {
    const float *row = step_at(y, i) + j;
    v16 b[SIDE];
    VECTOR_UNROLL
    for (int v = 0; v < count; v++) b[v] = v_load(row + v * LANES);
    VECTOR_UNROLL
    for (int r = 0; r < rows; r++) {
      const v16 weight = v_set1(w[r][i]);
      VECTOR_UNROLL
      for (int v = 0; v < count; v++) sum[r][v] = v_fma(weight, b[v], sum[r][v]);
    }
  }
  VECTOR_UNROLL
  for (int r = 0; r < rows; r++) VECTOR_UNROLL
  for (int v = 0; v < count; v++) v_store(out[r] + j + v * LANES, sum[r][v]);
}
static void mix_run(float *const *out, const float *const *w, int rows, const step_rows *y, int n) {
  for (int r = 0; r < rows;) {
    const int many = PRODUCT_WIDE && rows - r >= ATTEND_ROWS;
    int j = 0;
    for (; n - j > (SIDE - 1) * LANES; j += SIDE * LANES)
      if (many)
        mix_some(out + r, w + r, ATTEND_ROWS, y, j, SIDE);
      else
        mix_some(out + r, w + r, 1, y, j, SIDE);
    for (; j < n; j += LANES)
      if (many)
        mix_some(out + r, w + r, ATTEND_ROWS, y, j, 1);
      else
        mix_some(out + r, w + r, 1, y, j, 1);
    r += many ? ATTEND_ROWS : 1;
  }
}

static void additive_run(float *out, const float *x, const step_rows *y, const float *v, int n) {
  for (int i = 0; i < y->n; i++) {
    const float *row = step_at(y, i);
    v16 sum = v_zero();
    for (int j = 0; j < n; j += LANES) sum = v_fma(row_load(v, j, n), v_tanh(v_add(row_load(x, j, n), row_load(row, j, n))), sum);
    out[i] = v_sum(sum);
  }
}

static void additive_grad_run(float *out, const float *w, const float *x, const step_rows *y, const float *v, int n) {
  for (int j = 0; j < n; j += LANES) {
    const v16 a = row_load(x, j, n);
    v16 sum = v_zero();
    for (int i = 0; i < y->n; i++) {
      const v16 u = v_tanh(v_add(a, row_load(step_at(y, i), j, n)));
      sum = v_fma(v_set1(w[i]), v_fnma(u, u, v_one()), sum);
    }
    v_store(out + j, v_mul(row_load(v, j, n), sum));
  }
}

static void additive_mix_run(float *out, const float *w, const float *x, const step_rows *y, int n) {
  for (int j = 0; j < n; j += LANES) {
    const v16 a = row_load(x, j, n);
    v16 sum = v_zero();
    for (int i = 0; i < y->n; i++) sum = v_fma(v_set1(w[i]), v_tanh(v_add(a, row_load(step_at(y, i), j, n))), sum);
    v_store(out + j, sum);
  }
}
#endif
