/* picture_body.h - squares of a picture, and channels side by side: pools, positions and batch normalization. Compiled per
 * instruction set.
 *
 * Vectors go along the channels of a pixel; the last one is cut at their true number, so nothing beyond is read or written. */
#ifndef KERNEL_PICTURE_BODY_H
#define KERNEL_PICTURE_BODY_H

static void square_max_run(float *y, const float *x, ptrdiff_t line, int size, int channels) {
  for (int c = 0; c < channels; c += LANES) {
    v16 top = row_load(x, c, channels);
    for (int i = 0; i < size; i++)
      for (int j = 0; j < size; j++) top = v_max(row_load(x + i * line + (ptrdiff_t)j * channels, c, channels), top);
    row_store(y, top, c, channels);
  }
}

static void square_max_grad_run(float *dx, const float *x, const float *y, const float *dy, ptrdiff_t line, int size,
                                int channels) {
  for (int c = 0; c < channels; c += LANES) {
    const v16 top = row_load(y, c, channels);
    v16 left = row_load(dy, c, channels);
    for (int i = 0; i < size; i++)
      for (int j = 0; j < size; j++) {
        const ptrdiff_t at = i * line + (ptrdiff_t)j * channels;
        const v16m below = v_lt(row_load(x + at, c, channels), top);
        row_store(dx + at, v_select(below, v_zero(), left), c, channels);
        left = v_select(below, left, v_zero());
      }
  }
}

static void square_max_add_run(float *dx, const float *x, const float *y, const float *dy, ptrdiff_t line, int size, int channels) {
  for (int c = 0; c < channels; c += LANES) {
    const v16 top = row_load(y, c, channels);
    v16 left = row_load(dy, c, channels);
    for (int i = 0; i < size; i++)
      for (int j = 0; j < size; j++) {
        const ptrdiff_t at = i * line + (ptrdiff_t)j * channels;
        const v16m below = v_lt(row_load(x + at, c, channels), top);
        row_store(dx + at, v_add(row_load(dx + at, c, channels), v_select(below, v_zero(), left)), c, channels);
        left = v_select(below, left, v_zero());
      }
  }
}

static void square_sum_run(float *y, const float *x, float scale, ptrdiff_t line, int size, int channels) {
  for (int c = 0; c < channels; c += LANES) {
    v16 sum = v_zero();
    for (int i = 0; i < size; i++)
      for (int j = 0; j < size; j++) sum = v_add(sum, row_load(x + i * line + (ptrdiff_t)j * channels, c, channels));
    row_store(y, v_mul(sum, v_set1(scale)), c, channels);
  }
}

static void square_sum_add_run(float *dx, const float *dy, float scale, ptrdiff_t line, int size, int channels) {
  for (int c = 0; c < channels; c += LANES) {
    const v16 part = v_mul(row_load(dy, c, channels), v_set1(scale));
    for (int i = 0; i < size; i++)
      for (int j = 0; j < size; j++) {
        float *to = dx + i * line + (ptrdiff_t)j * channels;
        row_store(to, v_add(row_load(to, c, channels), part), c, channels);
      }
  }
}

static void match_run(float *y, const float *q, const float *x, int positions, int n) {
  for (int p = 0; p < positions; p++, x += n) {
    v16 sum = v_zero();
    for (int c = 0; c < n; c += LANES) sum = v_fma(row_load(q, c, n), row_load(x, c, n), sum);
    y[p] = v_sum(sum);
  }
}

static void blend_run(float *y, const float *w, const float *x, int positions, int n) {
  for (int c = 0; c < n; c += LANES) {
    v16 sum = v_zero();
    for (int p = 0; p < positions; p++) sum = v_fma(v_set1(w[p]), row_load(x + (ptrdiff_t)p * n, c, n), sum);
    row_store(y, sum, c, n);
  }
}

static void paint_run(float *y, const float *w, const float *q, int positions, int n) {
  for (int p = 0; p < positions; p++, y += n)
    for (int c = 0; c < n; c += LANES) row_store(y, v_mul(v_set1(w[p]), row_load(q, c, n)), c, n);
}

static void channel_squares_run(float *y, const float *x, const float *mean, ptrdiff_t row, int rows, int n) {
  for (int c = 0; c < n; c += LANES) {
    const v16 middle = v_load(mean + c);
    v16 sum = v_zero();
    for (int i = 0; i < rows; i++) {
      const v16 off = v_sub(row_load(x + i * row, c, n), middle);
      sum = v_fma(off, off, sum);
    }
    row_store(y, v_add(row_load(y, c, n), sum), c, n);
  }
}

static void channel_dots_run(float *y, const float *dy, const float *x, const float *mean, ptrdiff_t row, int rows, int n) {
  for (int c = 0; c < n; c += LANES) {
    const v16 middle = v_load(mean + c);
    v16 sum = v_zero();
    for (int i = 0; i < rows; i++) sum = v_fma(row_load(dy + i * row, c, n), v_sub(row_load(x + i * row, c, n), middle), sum);
    row_store(y, v_add(row_load(y, c, n), sum), c, n);
  }
}

static void channel_scale_run(float *y, const float *x, const float *mean, const float *a, const float *b, int rows, int n) {
  for (int i = 0; i < rows; i++, y += n, x += n)
    for (int c = 0; c < n; c += LANES)
      row_store(y, v_fma(v_sub(row_load(x, c, n), v_load(mean + c)), v_load(a + c), v_load(b + c)), c, n);
}

static void channel_grad_run(float *dx, const float *dy, const float *x, const float *mean, const float *a, const float *b,
                             const float *of, int rows, int n) {
  for (int i = 0; i < rows; i++, dx += n, dy += n, x += n)
    for (int c = 0; c < n; c += LANES) {
      const v16 rest = v_fma(v_sub(row_load(x, c, n), v_load(mean + c)), v_load(b + c), v_load(of + c));
      row_store(dx, v_mul(v_load(a + c), v_add(row_load(dy, c, n), rest)), c, n);
    }
}
#endif
