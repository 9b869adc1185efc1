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

static void planes_run(float *planes, ptrdiff_t area, const float *x, ptrdiff_t n, int channels) {
  for (int c = 0; c < channels; c++, planes += area)
    for (ptrdiff_t i = 0; i < n; i++) planes[i] = x[i * channels + c];
}

/* What is written beyond a line's positions is written again, but for the last. */
static void im2col_run(float *to, ptrdiff_t to_row, const float *planes, ptrdiff_t area, ptrdiff_t line, int size, int channels,
                       int lines, int columns) {
  for (int i = 0; i < size; i++)
    for (int j = 0; j < size; j++)
      for (int c = 0; c < channels; c++, to += to_row)
        for (int n = 0; n < lines; n++) {
          const float *from = planes + c * area + (i + n) * line + j;
          for (int p = 0; p < columns; p += LANES) v_store(to + n * columns + p, v_load(from + p));
        }
}

static void rectify_run(float *x, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i += LANES) {
    const int left = n - i < LANES ? (int)(n - i) : LANES;
    if (left == LANES)
      v_store(x + i, v_max(v_load(x + i), v_zero()));
    else
      v_store_part(x + i, v_max(v_load_part(x + i, left), v_zero()), left);
  }
}

static void square_pick_run(float *y, float *pick, const float *x, const square_pick *s, int channels) {
  for (int c = 0; c < channels; c += LANES) {
    v16 top = v_set1(-INFINITY), from = v_zero();
    for (int i = 0; i < s->size; i++)
      for (int j = 0; j < s->size; j++) {
        const v16 a = v_load(x + i * s->line + j * s->pixel + c); /* lines are padded */
        from = v_select(v_lt(top, a), v_set1((float)i * s->below + (float)j * s->beside), from);
        top = v_max(a, top);
      }
    if (s->relu) {
      from = v_select(v_lt(v_zero(), top), from, v_set1(-1));
      top = v_max(top, v_zero());
    }
    row_store(y, top, c, channels);
    if (pick) row_store(pick, from, c, channels);
  }
}

static void picks_list_run(float *d, int32_t *at, const picked *p, int channels) {
  for (int i = 0; i < p->rows; i++)
    for (int k = 0; k < p->columns; k++, d += channels, at += channels) {
      const ptrdiff_t square = (ptrdiff_t)i * p->columns + k;
      const float *dy = p->dy + square * p->pixel, *pick = p->pick + square * p->pixel;
      const int32_t here = (int32_t)(i * p->below + k * p->beside);
      for (int c = 0; c < channels; c++) {
        const int32_t from = (int32_t)pick[c];
        d[c] = from < 0 ? 0 : dy[c];
        at[c] = here + (from < 0 ? 0 : from);
      }
    }
}

/* A block of sums, or of weights: `of_channel` and `of_line` floats from one to the next. */
typedef struct picks {
  float *sum;
  const float *w;
  ptrdiff_t of_channel, of_line;
  float *x;
  ptrdiff_t line;
  const float *d;
  const int32_t *at;
  int squares, channels, width;
} picks;

/* NO channels, NL lines of NV vectors of their patches: their sums stay in registers while the squares go by. */
VECTOR_INLINE void picks_sums(const picks *p, const int NO, const int NL, const int NV) {
  v16 s[4][5][5];
  VECTOR_UNROLL
  for (int o = 0; o < NO; o++) VECTOR_UNROLL
  for (int i = 0; i < NL; i++) VECTOR_UNROLL
  for (int v = 0; v < NV; v++) s[o][i][v] = v_load(p->sum + o * p->of_channel + i * p->of_line + v * LANES);
  const float *d = p->d;
  const int32_t *at = p->at;
  const ptrdiff_t line = p->line;
  for (int q = 0; q < p->squares; q++, d += p->channels, at += p->channels) VECTOR_UNROLL
  for (int o = 0; o < NO; o++) {
    const v16 by = v_set1(d[o]);
    const float *from = p->x + at[o];
    VECTOR_UNROLL
    for (int i = 0; i < NL; i++) VECTOR_UNROLL
    for (int v = 0; v < NV; v++) s[o][i][v] = v_fma(by, v_load(from + i * line + v * LANES), s[o][i][v]);
  }
  VECTOR_UNROLL
  for (int o = 0; o < NO; o++) VECTOR_UNROLL
  for (int i = 0; i < NL; i++) VECTOR_UNROLL
  for (int v = 0; v < NV; v++) v_store(p->sum + o * p->of_channel + i * p->of_line + v * LANES, s[o][i][v]);
}

/* The other way, one channel at a time: its weights stay there. Beyond their width they are zeros, which change nothing. */
VECTOR_INLINE void picks_spread(const picks *p, const int NL, const int NV) {
  v16 s[5][5];
  VECTOR_UNROLL
  for (int i = 0; i < NL; i++) VECTOR_UNROLL
  for (int v = 0; v < NV; v++) s[i][v] = row_load(p->w + i * p->of_line, v * LANES, p->width);
  const float *d = p->d;
  const int32_t *at = p->at;
  const ptrdiff_t line = p->line;
  for (int q = 0; q < p->squares; q++, d += p->channels, at += p->channels) {
    const v16 by = v_set1(*d);
    float *to = p->x + *at;
    VECTOR_UNROLL
    for (int i = 0; i < NL; i++) VECTOR_UNROLL
    for (int v = 0; v < NV; v++) v_store(to + i * line + v * LANES, v_fma(by, s[i][v], v_load(to + i * line + v * LANES)));
  }
}

/* A function for each block: of 5, 3 or 1 lines and 1 to 5 vectors. Of the sums of several channels not all fit the registers. */
typedef void picks_function(const picks *p);
#define PICKS_WIDE(F, NO, NL) F(NO, NL, 1) F(NO, NL, 2) F(NO, NL, 3) F(NO, NL, 4) F(NO, NL, 5)
#define PICKS_SUMS(NO, NL, NV)                                                                                                     \
  static void picks_sums_##NO##_##NL##_##NV(const picks *p) { picks_sums(p, NO, NL, NV); }
#define PICKS_SPREAD(NO, NL, NV)                                                                                                   \
  static void picks_spread_##NO##_##NL##_##NV(const picks *p) { picks_spread(p, NL, NV); }
#define PICKS_SUMS_ENTRY(NO, NL, NV) picks_sums_##NO##_##NL##_##NV,
#define PICKS_SPREAD_ENTRY(NO, NL, NV) picks_spread_##NO##_##NL##_##NV,
enum { PICKS_LINES = 3, PICKS_VECTORS = 5, PICKS_CHANNELS = PRODUCT_WIDE ? 4 : 1 };
typedef picks_function *const picks_table[PICKS_LINES][PICKS_VECTORS];
#define PICKS_SPREADS PICKS_WIDE(PICKS_SPREAD, 1, 5) PICKS_WIDE(PICKS_SPREAD, 1, 3) PICKS_WIDE(PICKS_SPREAD, 1, 1)
#define PICKS_SUMS_ONE PICKS_SUMS(1, 5, 1) PICKS_SUMS(1, 3, 1) PICKS_WIDE(PICKS_SUMS, 1, 1)
#define PICKS_SUMS_MORE PICKS_SUMS(4, 5, 1) PICKS_SUMS(4, 3, 1) PICKS_SUMS(4, 3, 2) PICKS_WIDE(PICKS_SUMS, 4, 1)
PICKS_SPREADS
PICKS_SUMS_ONE

static picks_table picks_spread_one = {
    {PICKS_WIDE(PICKS_SPREAD_ENTRY, 1, 5)}, {PICKS_WIDE(PICKS_SPREAD_ENTRY, 1, 3)}, {PICKS_WIDE(PICKS_SPREAD_ENTRY, 1, 1)}};
static picks_table picks_sums_one = {
    {PICKS_SUMS_ENTRY(1, 5, 1)}, {PICKS_SUMS_ENTRY(1, 3, 1)}, {PICKS_WIDE(PICKS_SUMS_ENTRY, 1, 1)}};
#if PRODUCT_WIDE
PICKS_SUMS_MORE
static picks_table picks_sums_more = {
    {PICKS_SUMS_ENTRY(4, 5, 1)}, {PICKS_SUMS_ENTRY(4, 3, 1) PICKS_SUMS_ENTRY(4, 3, 2)}, {PICKS_WIDE(PICKS_SUMS_ENTRY, 4, 1)}};
#else
#define picks_sums_more picks_sums_one
#endif
#undef PICKS_SPREADS
#undef PICKS_SUMS_ONE
#undef PICKS_SUMS_MORE
#undef PICKS_WIDE
#undef PICKS_SUMS
#undef PICKS_SPREAD
#undef PICKS_SUMS_ENTRY
#undef PICKS_SPREAD_ENTRY

/* All lines and vectors of a patch, block by block. */
static void picks_blocks(picks_table table, const picks *all, int lines) {
  static const int lines_of[PICKS_LINES] = {5, 3, 1};
  const int vectors = (all->width + LANES - 1) / LANES;
  for (int v = 0, wide; v < vectors; v += wide) {
    const int left = vectors - v;
    wide = left <= PICKS_VECTORS ? left : left < 2 * PICKS_VECTORS ? (left + 1) / 2 : PICKS_VECTORS;
    for (int i = 0, which = 0; i < lines; i += lines_of[which]) {
      while (lines_of[which] > lines - i || !table[which][wide - 1]) which++;
      picks p = *all;
      if (p.sum) p.sum += i * p.of_line + v * LANES;
      if (p.w) p.w += i * p.of_line + v * LANES;
      p.x += i * p.line + v * LANES;
      p.width -= v * LANES;
      table[which][wide - 1](&p);
    }
  }
}

static void picks_outer_run(float *sum, const float *x, ptrdiff_t line, const float *d, const int32_t *at, int squares,
                            int channels, int n, int lines, int width) {
  const ptrdiff_t of_line = (width + LANES - 1) / LANES * LANES;
  picks p = {.sum = sum,
             .of_channel = of_line * lines,
             .of_line = of_line,
             .x = (float *)x, /* read only */
             .line = line,
             .d = d,
             .at = at,
             .squares = squares,
             .channels = channels,
             .width = width};
  for (int c = 0, step; c < n; c += step, p.sum += step * p.of_channel, p.d += step, p.at += step) {
    step = n - c >= PICKS_CHANNELS ? PICKS_CHANNELS : 1;
    picks_blocks(step > 1 ? picks_sums_more : picks_sums_one, &p, lines);
  }
}

static void picks_back_run(float *x, ptrdiff_t line, const float *d, const int32_t *at, int squares, int channels, const float *w,
                           int lines, int width) {
  picks p = {.w = w,
             .of_channel = (ptrdiff_t)lines * width,
             .of_line = width,
             .x = x,
             .line = line,
             .d = d,
             .at = at,
             .squares = squares,
             .channels = channels,
             .width = width};
  for (int c = 0; c < channels; c++, p.w += p.of_channel, p.d++, p.at++) picks_blocks(picks_spread_one, &p, lines);
}

static void picks_sum_run(float *y, const float *dy, const float *pick, ptrdiff_t row, int rows, int n) {
  for (int j = 0; j < n; j += LANES) {
    v16 sum = row_load(y, j, n);
    for (int i = 0; i < rows; i++) {
      const v16m gone = v_lt(row_load(pick + i * row, j, n), v_zero());
      sum = v_add(sum, v_select(gone, v_zero(), row_load(dy + i * row, j, n)));
    }
    row_store(y, sum, j, n);
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
