/* time_body.h - sum and largest of the steps of a sequence, and the gradient of the latter. Compiled per instruction set.
 *
 * Rows lie where `first` says. Every column goes through the steps in their order, or back; four vectors of columns go side by
 * side. Rows may be unaligned, and nothing beyond n is touched. */
#ifndef KERNEL_TIME_BODY_H
#define KERNEL_TIME_BODY_H

VECTOR_INLINE void over_time_some(float *y, const step_rows *x, int back, int j, const int count, const int largest, int n) {
  v16 all[SIDE];
  VECTOR_UNROLL
  for (int v = 0; v < count; v++) all[v] = row_load(y, j + v * LANES, n);
  for (int i = 0; i < x->n; i++) {
    const float *row = step_at(x, back ? x->n - 1 - i : i);
    VECTOR_UNROLL
    for (int v = 0; v < count; v++) {
      const v16 one = row_load(row, j + v * LANES, n);
      all[v] = largest ? v_max(one, all[v]) : v_add(all[v], one);
    }
  }
  VECTOR_UNROLL
  for (int v = 0; v < count; v++) row_store(y, all[v], j + v * LANES, n);
}
static void sum_time_run(float *y, const step_rows *x, int back, int n) {
  int j = 0;
  for (; n - j >= SIDE * LANES; j += SIDE * LANES) over_time_some(y, x, back, j, SIDE, 0, n);
  for (; j < n; j += LANES) over_time_some(y, x, back, j, 1, 0, n);
}
static void max_time_run(float *y, const step_rows *x, int back, int n) {
  int j = 0;
  for (; n - j >= SIDE * LANES; j += SIDE * LANES) over_time_some(y, x, back, j, SIDE, 1, n);
  for (; j < n; j += LANES) over_time_some(y, x, back, j, 1, 1, n);
}

static void max_time_grad_run(float *dx, ptrdiff_t dx_row, float *left, const step_rows *x, const float *y, int n) {
  v16 rest = row_load(left, 0, n);
  const v16 most = row_load(y, 0, n);
  for (int i = 0; i < x->n; i++) {
    const v16m below = v_lt(row_load(step_at(x, i), 0, n), most);
    row_store(dx + x->first[i] * dx_row, v_select(below, v_zero(), rest), 0, n);
    rest = v_select(below, rest, v_zero());
  }
  row_store(left, rest, 0, n);
}
#endif
