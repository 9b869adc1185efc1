/* attend_body.h - attention: a row against all steps of a sequence. Compiled per instruction set.
 *
 * The steps of a sequence are rows that lie where `first` says, not at one distance. A product sums lane j over columns
 * j, j+16, ... and ends in the tree of v_sum; a mixture adds the steps one after the other. Four steps, or four vectors of
 * columns, go side by side: which ones do changes no sum. */
#ifndef KERNEL_ATTEND_BODY_H
#define KERNEL_ATTEND_BODY_H

enum { SIDE = 4 };

VECTOR_INLINE const float *step_at(const step_rows *y, int i) { return y->p + y->first[i] * y->row; }

VECTOR_INLINE void dots_some(float *out, const float *x, const step_rows *y, int i, const int count, int n) {
  const float *row[SIDE];
  v16 sum[SIDE];
  VECTOR_UNROLL
  for (int s = 0; s < count; s++) row[s] = step_at(y, i + s), sum[s] = v_zero();
  for (int j = 0; j < n; j += LANES) {
    const v16 a = row_load(x, j, n);
    VECTOR_UNROLL
    for (int s = 0; s < count; s++) sum[s] = v_fma(a, row_load(row[s], j, n), sum[s]);
  }
  VECTOR_UNROLL
  for (int s = 0; s < count; s++) out[i + s] = v_sum(sum[s]);
}
static void dots_run(float *out, const float *x, const step_rows *y, int n) {
  int i = 0;
  for (; i + SIDE <= y->n; i += SIDE) dots_some(out, x, y, i, SIDE, n);
  for (; i < y->n; i++) dots_some(out, x, y, i, 1, n);
}

VECTOR_INLINE void mix_some(float *out, const float *w, const step_rows *y, int j, const int count) {
  v16 sum[SIDE];
  VECTOR_UNROLL
  for (int v = 0; v < count; v++) sum[v] = v_zero();
  for (int i = 0; i < y->n; i++) {
    const float *row = step_at(y, i) + j;
    const v16 weight = v_set1(w[i]);
    VECTOR_UNROLL
    for (int v = 0; v < count; v++) sum[v] = v_fma(weight, v_load(row + v * LANES), sum[v]);
  }
  VECTOR_UNROLL
  for (int v = 0; v < count; v++) v_store(out + j + v * LANES, sum[v]);
}
static void mix_run(float *out, const float *w, const step_rows *y, int n) {
  int j = 0;
  for (; n - j > (SIDE - 1) * LANES; j += SIDE * LANES) mix_some(out, w, y, j, SIDE);
  for (; j < n; j += LANES) mix_some(out, w, y, j, 1);
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
