/* picture.c - convolutions and pools over the rows of a batch, each of which is a picture [rows, columns, channels].
 *
 * A patch's row of pixels is one piece of memory, since channels lie side by side. So a row of positions times a row of the patch
 * is a product as it stands: the numbers of A are size * channels long and `channels` apart, they overlap, and nothing is copied
 * out. The rows of the patch follow each other as pieces of k. All that is copied is the picture itself, to put zeros around it. */
#include <string.h>
#include "run/internal.h"

enum { PANEL = PANEL_VECTORS * LANES };

/* The picture with its border: [rows + size - 1, columns + size - 1] of the results. */
static void frame(const stage_picture *q, const float *x, float *to) {
  const int64_t line = (int64_t)(q->out_columns + q->size - 1) * q->channels, inside = (int64_t)q->columns * q->channels;
  const int64_t left = (int64_t)q->before * q->channels;
  for (int i = 0; i < q->out_rows + q->size - 1; i++, to += line) {
    const int from = i - q->before;
    if (from < 0 || from >= q->rows) {
      memset(to, 0, (size_t)line * sizeof *to);
      continue;
    }
    const int64_t count = inside < line - left ? inside : line - left;
    memset(to, 0, (size_t)left * sizeof *to);
    memcpy(to + left, x + from * inside, (size_t)count * sizeof *to);
    memset(to + left + count, 0, (size_t)(line - left - count) * sizeof *to);
  }
}

static int panel_vectors(int width, int first) {
  const int left = (int)padded(width) - first;
  return left >= PANEL ? PANEL_VECTORS : left / LANES;
}

/* One row of positions, one panel of channels: `to` has rows `to_row` floats apart. */
static void conv_line(const run *r, const stage_picture *q, const float *framed, const float *bias, int line, int first, float *to,
                      int to_row) {
  const int vectors = panel_vectors(q->out_channels, first), k = q->size * q->channels;
  const int64_t across = (int64_t)(q->out_columns + q->size - 1) * q->channels;
  product_part parts[PRODUCT_PARTS]; /* a line of the patch each */
  product p = {.parts = parts, .rows = q->out_columns, .vectors = vectors};
  for (int v = 0; v < vectors; v++) {
    p.c[v] = to + v * LANES;
    p.c_row[v] = to_row;
    p.init[v] = bias ? bias + first + v * LANES : NULL;
  }
  for (int i = 0; i < q->size; i++) {
    parts[p.n_parts++] = (product_part){.a = framed + (line + i) * across,
                                        .a_row = q->channels,
                                        .a_k = 1,
                                        .b = r->pack + q->pack + ((int64_t)first * q->size + (int64_t)i * vectors * LANES) * k,
                                        .b_k = vectors * LANES,
                                        .k = k};
    if (p.n_parts < PRODUCT_PARTS && i + 1 < q->size) continue;
    r->k->product(&p);
    p.n_parts = 0;
    for (int v = 0; v < vectors; v++) p.init[v] = p.c[v], p.init_row[v] = to_row;
  }
}

void run_conv(const run *r, const worker *w, const stage *s, rows y, const rows in[4], int64_t n) {
  const stage_picture *q = &s->picture;
  const float *bias = s->in[1].base == PLACE_NOTHING ? NULL : in[1].p;
  const bool whole = q->out_channels % LANES == 0; /* results may be written where they belong */
  float *framed = w->outer;
  float *line = framed + padded((int64_t)(q->out_rows + q->size - 1) * (q->out_columns + q->size - 1) * q->channels) + PANEL;
  const int line_row = (int)padded(q->out_channels);
  for (int64_t i = 0; i < n; i++) {
    frame(q, in[0].p + i * in[0].row, framed);
    for (int row = 0; row < q->out_rows; row++) {
      float *out = y.p + i * y.row + (int64_t)row * q->out_columns * q->out_channels, *to = whole ? out : line;
      for (int first = 0; first < q->out_channels; first += PANEL) conv_line(r, q, framed, bias, row, first, to + first, line_row);
      for (int c = 0; !whole && c < q->out_columns; c++)
        memcpy(out + (int64_t)c * q->out_channels, line + (int64_t)c * line_row, (size_t)q->out_channels * sizeof *out);
    }
  }
}

/* dW += dy' patches: with dy as wide as the framed x, zeros at the end of its rows, all positions are one run of k. */
static void outer_part(const run *r, const stage_picture *q, const float *framed, const float *dy, float *sums, int patch_row,
                       int o) {
  const int width = q->size * q->channels, row = (int)padded(width), across = q->out_columns + q->size - 1;
  const int left = q->out_channels - o;
  for (int first = 0; first < width; first += PANEL) {
    const int vectors = panel_vectors(width, first);
    const product_part part = {.a = dy + o,
                               .a_row = 1,
                               .a_k = q->out_channels,
                               .b = framed + (int64_t)patch_row * across * q->channels + first,
                               .b_k = q->channels,
                               .k = q->out_rows * across - (q->size - 1)};
    product p = {.parts = &part, .n_parts = 1, .rows = left < LANES ? left : LANES, .vectors = vectors};
    for (int v = 0; v < vectors; v++) {
      p.c[v] = sums + first + v * LANES;
      p.init[v] = p.c[v];
      p.c_row[v] = p.init_row[v] = row;
    }
    r->k->product(&p);
  }
}

void run_conv_outer(const run *r, const worker *w, const stage *s, rows dy, rows x, int64_t n, int thread, int threads) {
  const stage_picture *q = &s->picture;
  const int across = q->out_columns + q->size - 1, width = q->size * q->channels, groups = (q->out_channels + LANES - 1) / LANES;
  const int64_t of_part = LANES * padded(width), inside = (int64_t)q->out_columns * q->out_channels;
  float *framed = w->outer;
  float *wide = framed + padded((int64_t)(q->out_rows + q->size - 1) * across * q->channels) + PANEL;
  float *sums = wide + padded((int64_t)q->out_rows * across * q->out_channels);
  int64_t from, to;
  run_share((int64_t)q->size * groups, 1, thread, threads, &from, &to); /* parts: a row of the patch, 16 rows of W */
  if (from >= to) return;
  memset(sums, 0, (size_t)((to - from) * of_part) * sizeof *sums);
  memset(wide, 0, (size_t)q->out_rows * (size_t)across * (size_t)q->out_channels * sizeof *wide);
  for (int64_t i = 0; i < n; i++) {
    frame(q, x.p + i * x.row, framed);
    for (int k = 0; k < q->out_rows; k++)
      memcpy(wide + (int64_t)k * across * q->out_channels, dy.p + i * dy.row + k * inside, (size_t)inside * sizeof *wide);
    for (int64_t part = from; part < to; part++)
      outer_part(r, q, framed, wide, sums + (part - from) * of_part, (int)(part / groups), (int)(part % groups) * LANES);
  }
  for (int64_t part = from; part < to; part++)
    for (int o = (int)(part % groups) * LANES, k = 0; k < LANES && o + k < q->out_channels; k++) {
      float *target = r->gradient + s->weight + ((int64_t)(o + k) * q->size + part / groups) * width;
      const float *sum = sums + (part - from) * of_part + k * padded(width);
      for (int j = 0; j < width; j++) target[j] += sum[j];
    }
}

void run_sum_positions(const run *r, const stage *s, rows y, rows x, int64_t n, int c0, int c1) {
  memset(y.p + c0, 0, (size_t)(c1 - c0) * sizeof *y.p);
  for (int64_t i = 0; i < n; i++) r->k->sum_rows(y.p + c0, x.p + i * x.row + c0, s->width, s->in_width / s->width, c1 - c0);
}

void run_pool(const run *r, const stage *s, rows y, rows x, int64_t n) {
  const stage_picture *q = &s->picture;
  const int R = q->rows / q->size, K = q->columns / q->size;
  const int64_t line = (int64_t)q->columns * q->channels;
  for (int64_t i = 0; i < n; i++)
    for (int row = 0; row < R; row++)
      for (int k = 0; k < K; k++)
        r->k->square_max(y.p + i * y.row + ((int64_t)row * K + k) * q->channels,
                         x.p + i * x.row + (row * line + (int64_t)k * q->channels) * q->size, line, q->size, q->channels);
}

void run_pool_grad(const run *r, const stage *s, rows dx, const rows in[4], int64_t n) {
  const stage_picture *q = &s->picture;
  const int R = q->rows / q->size, K = q->columns / q->size;
  const int64_t line = (int64_t)q->columns * q->channels;
  for (int64_t i = 0; i < n; i++) {
    const float *x = in[0].p + i * in[0].row, *y = in[1].p + i * in[1].row, *dy = in[2].p + i * in[2].row;
    float *to = dx.p + i * dx.row;
    if (R * q->size != q->rows || K * q->size != q->columns) memset(to, 0, (size_t)s->width * sizeof *to);
    for (int row = 0; row < R; row++)
      for (int k = 0; k < K; k++) {
        const int64_t at = (row * line + (int64_t)k * q->channels) * q->size, of = ((int64_t)row * K + k) * q->channels;
        r->k->square_max_grad(to + at, x + at, y + of, dy + of, line, q->size, q->channels);
      }
  }
}
