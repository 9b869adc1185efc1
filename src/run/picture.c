/* picture.c - convolutions and pools over the rows of a batch, each of which is a picture [rows, columns, channels].
 *
 * A patch's row of pixels is one piece of memory, since channels lie side by side. So a row of positions times a row of the
 * patch is a product as it stands. The rows of A are size * channels long and `channels` apart. They overlap, and nothing is
 * copied out. The rows of the patch follow each other as pieces of k. All that is copied is the picture itself, to put zeros
 * around it. */
#include <string.h>
#include "run/internal.h"
#include "run/picture.h"

enum { PANEL = PANEL_VECTORS * LANES };

/* A row of pixels of one group, `spread` pixels from one to the next, with zeros between them. */
static void frame_pixels(const stage_picture *q, const float *x, float *to, int across) {
  const int64_t pixel = (int64_t)q->channels * q->groups;
  for (int i = 0, at = q->before; i < q->columns && at < across; i++, at += q->spread)
    memcpy(to + (int64_t)at * q->channels, x + i * pixel, (size_t)q->channels * sizeof *to);
}

void run_frame(const stage_picture *q, const float *x, int group, float *to) {
  const int across = stage_framed(q->out_columns, q);
  const int64_t line = (int64_t)across * q->channels, inside = (int64_t)q->columns * q->channels;
  const int64_t left = (int64_t)q->before * q->channels;
  for (int i = 0; i < stage_framed(q->out_rows, q); i++, to += line) {
    const int from = i - q->before, row = from / q->spread;
    if (from < 0 || row >= q->rows || row * q->spread != from) {
      memset(to, 0, (size_t)line * sizeof *to);
      continue;
    }
    if (q->groups > 1 || q->spread > 1) {
      memset(to, 0, (size_t)line * sizeof *to);
      frame_pixels(q, x + row * inside * q->groups + (int64_t)group * q->channels, to, across);
      continue;
    }
    const int64_t count = inside < line - left ? inside : line - left;
    memset(to, 0, (size_t)left * sizeof *to);
    memcpy(to + left, x + row * inside, (size_t)count * sizeof *to);
    memset(to + left + count, 0, (size_t)(line - left - count) * sizeof *to);
  }
}

static int panel_vectors(int width, int first) {
  const int left = (int)padded(width) - first;
  return left >= PANEL ? PANEL_VECTORS : left / LANES;
}

/* One row of positions, one panel of channels of a group: `to` has rows `to_row` floats apart. */
static void conv_line(const run *r, const stage_picture *q, int group, const float *framed, const float *bias, int line, int first,
                      float *to, int to_row) {
  const int vectors = panel_vectors(q->out_channels, first), k = q->size * q->channels;
  const int64_t across = (int64_t)stage_framed(q->out_columns, q) * q->channels;
  const float *pack = r->pack + q->pack + (group * padded(q->out_channels) + first) * q->size * k;
  product_part parts[PRODUCT_PARTS]; /* a line of the patch each */
  product p = {.parts = parts, .rows = q->out_columns, .vectors = vectors};
  for (int v = 0; v < vectors; v++) {
    p.c[v] = to + v * LANES;
    p.c_row[v] = to_row;
    p.init[v] = bias ? bias + first + v * LANES : NULL;
  }
  for (int i = 0; i < q->size; i++) {
    parts[p.n_parts++] = (product_part){.a = framed + (line * q->stride + i) * across,
                                        .a_row = (ptrdiff_t)q->stride * q->channels,
                                        .a_k = 1,
                                        .b = pack + (int64_t)i * vectors * LANES * k,
                                        .b_k = vectors * LANES,
                                        .k = k};
    if (p.n_parts < PRODUCT_PARTS && i + 1 < q->size) continue;
    r->k->product(&p);
    p.n_parts = 0;
    for (int v = 0; v < vectors; v++) p.init[v] = p.c[v], p.init_row[v] = to_row;
  }
}

static int64_t plane(const stage_picture *q) {
  return padded((int64_t)stage_framed(q->out_rows, q) * stage_framed(q->out_columns, q)) + LANES;
}

const float *run_conv_source(const run *r, const stage_picture *q, const float *framed, float *scratch) {
  if (!q->im2col || q->channels == 1) return framed;
  r->k->planes(scratch, plane(q), framed, (ptrdiff_t)stage_framed(q->out_rows, q) * stage_framed(q->out_columns, q), q->channels);
  return scratch;
}

/* All patches of the lines as one matrix: a row of it for each number of a patch. */
static void conv_im2col(const run *r, const stage_picture *q, int group, const float *planes, const float *bias, int line,
                        int lines, float *to, int to_row, float *matrix) {
  const int k = q->size * q->size * q->channels, count = lines * q->out_columns, across = stage_framed(q->out_columns, q);
  r->k->im2col(matrix, padded(count), planes + (int64_t)line * across, plane(q), across, q->size, q->channels, lines,
               q->out_columns);
  for (int first = 0; first < q->out_channels; first += PANEL) {
    const int vectors = panel_vectors(q->out_channels, first);
    const product_part part = {.a = matrix,
                               .a_row = 1,
                               .a_k = padded(count),
                               .b = r->pack + q->pack + (group * padded(q->out_channels) + first) * k,
                               .b_k = vectors * LANES,
                               .k = k};
    product p = {.parts = &part, .n_parts = 1, .rows = count, .vectors = vectors};
    for (int v = 0; v < vectors; v++) {
      p.c[v] = to + first + v * LANES;
      p.c_row[v] = to_row;
      p.init[v] = bias ? bias + first + v * LANES : NULL;
    }
    r->k->product(&p);
  }
}

void run_conv_lines(const run *r, const stage_picture *q, int group, const float *source, const float *bias, int line, int lines,
                    float *to, int to_row, float *scratch) {
  if (q->im2col) {
    conv_im2col(r, q, group, source, bias, line, lines, to, to_row, scratch + plane(q) * q->channels);
    return;
  }
  for (int i = 0; i < lines; i++, to += (int64_t)q->out_columns * to_row)
    for (int first = 0; first < q->out_channels; first += PANEL)
      conv_line(r, q, group, source, bias, line + i, first, to + first, to_row);
}

const float *run_group_bias(const stage_picture *q, const float *bias, int group, float *own) {
  if (!bias || q->groups == 1) return bias;
  memcpy(own, bias + (int64_t)group * q->out_channels, (size_t)q->out_channels * sizeof *own);
  return own;
}

/* One group of one picture; `line` is room for a row of the result where that cannot be written straight. */
static void conv_group(const run *r, const stage_picture *q, int group, const float *framed, const float *bias, float *line,
                       float *out, float *scratch) {
  const bool whole = q->out_channels % LANES == 0; /* results may be written where they belong */
  const int pixel = q->out_channels * q->groups, line_row = whole ? pixel : (int)padded(q->out_channels);
  for (int row = 0; row < q->out_rows; row++, out += (int64_t)q->out_columns * pixel) {
    float *to = whole ? out : line;
    run_conv_lines(r, q, group, framed, bias, row, 1, to, line_row, scratch);
    if (q->relu && line_row == q->out_channels)
      r->k->rectify(to, q->out_columns * line_row);
    else
      for (int c = 0; q->relu && c < q->out_columns; c++) r->k->rectify(to + (int64_t)c * line_row, q->out_channels);
    for (int c = 0; !whole && c < q->out_columns; c++)
      memcpy(out + (int64_t)c * pixel, line + (int64_t)c * line_row, (size_t)q->out_channels * sizeof *out);
  }
}

void run_conv(const run *r, const worker *w, const stage *s, rows y, const rows in[4], int64_t n) {
  const stage_picture *q = &s->picture;
  const float *bias = s->in[1].base == PLACE_NOTHING ? NULL : in[1].p;
  float *framed = w->outer;
  float *line = framed + padded((int64_t)stage_framed(q->out_rows, q) * stage_framed(q->out_columns, q) * q->channels) + PANEL;
  float *own = line + q->out_columns * padded(q->out_channels); /* the bias of a group: vectors may reach beyond it */
  float *scratch = own + padded(q->out_channels);
  for (int64_t i = 0; i < n; i++)
    for (int g = 0; g < q->groups; g++) {
      const float *of_group = run_group_bias(q, bias, g, own);
      run_frame(q, in[0].p + i * in[0].row, g, framed);
      conv_group(r, q, g, run_conv_source(r, q, framed, scratch), of_group, line, y.p + i * y.row + (int64_t)g * q->out_channels,
                 scratch);
    }
}

/* dW += dy' patches. Without a stride dy is as wide as the framed x, with zeros at the end of its rows. Then all positions are
 * one run of k. With a stride, each row of positions is a run. */
static void outer_part(const run *r, const stage_picture *q, const float *framed, const float *dy, float *sums, int patch_row,
                       int o) {
  const int width = q->size * q->channels, row = (int)padded(width), across = stage_framed(q->out_columns, q);
  const int left = q->out_channels - o, runs = q->stride == 1 ? 1 : q->out_rows;
  for (int first = 0; first < width; first += PANEL) {
    const int vectors = panel_vectors(width, first);
    product_part parts[PRODUCT_PARTS];
    product p = {.parts = parts, .rows = left < LANES ? left : LANES, .vectors = vectors};
    for (int v = 0; v < vectors; v++) {
      p.c[v] = sums + first + v * LANES;
      p.init[v] = p.c[v];
      p.c_row[v] = p.init_row[v] = row;
    }
    for (int i = 0; i < runs; i++) {
      parts[p.n_parts++] = (product_part){.a = dy + (int64_t)i * q->out_columns * q->out_channels + o,
                                          .a_row = 1,
                                          .a_k = q->out_channels,
                                          .b = framed + ((int64_t)i * q->stride + patch_row) * across * q->channels + first,
                                          .b_k = (ptrdiff_t)q->stride * q->channels,
                                          .k = runs == 1 ? (q->out_rows - 1) * across + q->out_columns : q->out_columns};
      if (p.n_parts < PRODUCT_PARTS && i + 1 < runs) continue;
      r->k->product(&p);
      p.n_parts = 0;
    }
  }
}

/* One group of dy, row after row: as wide as the framed picture where there is no stride. */
static void gather_group(const stage_picture *q, const float *dy, int group, float *wide) {
  const int64_t pixel = (int64_t)q->out_channels * q->groups, inside = (int64_t)q->out_columns * q->out_channels;
  const int64_t row = q->stride > 1 ? inside : (int64_t)stage_framed(q->out_columns, q) * q->out_channels;
  dy += (int64_t)group * q->out_channels;
  for (int k = 0; k < q->out_rows; k++, wide += row, dy += q->out_columns * pixel) {
    if (q->groups == 1) {
      memcpy(wide, dy, (size_t)inside * sizeof *wide);
      continue;
    }
    for (int c = 0; c < q->out_columns; c++)
      memcpy(wide + (int64_t)c * q->out_channels, dy + c * pixel, (size_t)q->out_channels * sizeof *wide);
  }
}

void run_conv_outer(const run *r, const worker *w, const stage *s, rows dy, rows x, int64_t n, int thread, int threads) {
  const stage_picture *q = &s->picture;
  const int across = stage_framed(q->out_columns, q), width = q->size * q->channels;
  const int blocks = (q->out_channels + LANES - 1) / LANES, in_group = q->size * blocks;
  const int64_t of_part = LANES * padded(width);
  float *framed = w->outer;
  float *wide = framed + padded((int64_t)stage_framed(q->out_rows, q) * across * q->channels) + PANEL;
  float *sums = wide + padded((int64_t)q->out_rows * across * q->out_channels);
  int64_t from, to;
  run_share((int64_t)q->groups * in_group, 1, thread, threads, &from, &to); /* parts: a row of the patch, 16 rows of W */
  if (from >= to) return;
  memset(sums, 0, (size_t)((to - from) * of_part) * sizeof *sums);
  memset(wide, 0, (size_t)q->out_rows * (size_t)across * (size_t)q->out_channels * sizeof *wide);
  for (int64_t i = 0; i < n; i++)
    for (int64_t part = from, g = -1; part < to; part++) {
      if (part / in_group != g) {
        g = part / in_group;
        run_frame(q, x.p + i * x.row, (int)g, framed);
        gather_group(q, dy.p + i * dy.row, (int)g, wide);
      }
      const int of = (int)(part % in_group);
      outer_part(r, q, framed, wide, sums + (part - from) * of_part, of / blocks, of % blocks * LANES);
    }
  for (int64_t part = from; part < to; part++) {
    const int64_t g = part / in_group, of = part % in_group;
    for (int64_t o = of % blocks * LANES, k = 0; k < LANES && o + k < q->out_channels; k++) {
      float *target = r->gradient + s->weight + ((g * q->out_channels + o + k) * q->size + of / blocks) * width;
      const float *sum = sums + (part - from) * of_part + k * padded(width);
      for (int j = 0; j < width; j++) target[j] += sum[j];
    }
  }
}

void run_sum_positions(const run *r, const stage *s, rows y, rows x, int64_t n, int c0, int c1) {
  memset(y.p + c0, 0, (size_t)(c1 - c0) * sizeof *y.p);
  for (int64_t i = 0; i < n; i++) r->k->sum_rows(y.p + c0, x.p + i * x.row + c0, s->width, s->in_width / s->width, c1 - c0);
}

void run_pool(const run *r, const stage *s, rows y, rows x, int64_t n) {
  const stage_picture *q = &s->picture;
  const int64_t line = (int64_t)q->columns * q->channels;
  const float share = 1.0f / ((float)q->size * (float)q->size);
  for (int64_t i = 0; i < n; i++)
    for (int row = 0; row < q->out_rows; row++)
      for (int k = 0; k < q->out_columns; k++) {
        float *to = y.p + i * y.row + ((int64_t)row * q->out_columns + k) * q->channels;
        const float *from = x.p + i * x.row + (row * line + (int64_t)k * q->channels) * q->stride;
        if (s->kind == STAGE_POOL)
          r->k->square_max(to, from, line, q->size, q->channels);
        else
          r->k->square_sum(to, from, share, line, q->size, q->channels);
      }
}

/* Squares that lie side by side and fill the picture are written, others are added to zeros. */
void run_pool_grad(const run *r, const stage *s, rows dx, const rows in[4], int64_t n) {
  const stage_picture *q = &s->picture;
  const int64_t line = (int64_t)q->columns * q->channels;
  const bool apart = q->stride >= q->size,
             all = q->stride == q->size && q->out_rows * q->size == q->rows && q->out_columns * q->size == q->columns;
  for (int64_t i = 0; i < n; i++) {
    const float *x = in[0].p + i * in[0].row, *y = in[1].p + i * in[1].row, *dy = in[2].p + i * in[2].row;
    float *to = dx.p + i * dx.row;
    if (!all) memset(to, 0, (size_t)s->width * sizeof *to);
    for (int row = 0; row < q->out_rows; row++)
      for (int k = 0; k < q->out_columns; k++) {
        const int64_t at = (row * line + (int64_t)k * q->channels) * q->stride;
        const int64_t of = ((int64_t)row * q->out_columns + k) * q->channels;
        (apart ? r->k->square_max_grad : r->k->square_max_add)(to + at, x + at, y + of, dy + of, line, q->size, q->channels);
      }
  }
}

void run_pool_mean_grad(const run *r, const stage *s, rows dx, rows dy, int64_t n) {
  const stage_picture *q = &s->picture;
  const int64_t line = (int64_t)q->columns * q->channels;
  const float share = 1.0f / ((float)q->size * (float)q->size);
  for (int64_t i = 0; i < n; i++) {
    float *to = dx.p + i * dx.row;
    memset(to, 0, (size_t)s->width * sizeof *to);
    for (int row = 0; row < q->out_rows; row++)
      for (int k = 0; k < q->out_columns; k++)
        r->k->square_sum_add(to + (row * line + (int64_t)k * q->channels) * q->stride,
                             dy.p + i * dy.row + ((int64_t)row * q->out_columns + k) * q->channels, share, line, q->size,
                             q->channels);
  }
}
