/* pooled.c - convolutions with a pool: forward, and back through both.
 *
 * A row of the pool's result needs `pool` lines of the convolution. They are computed into scratch, and only the largest number
 * of each square is written, with its pick. The pick says where in the framed picture the patch of that number begins, in floats
 * from where the patch of its square begins. Back, each square has one number for each channel. Its gradient times its patch
 * goes to the weights; its gradient times the weights goes to its patch. */
#include <string.h>
#include "run/internal.h"
#include "run/picture.h"

static int64_t frame_floats(const stage_picture *q) {
  return padded((int64_t)stage_framed(q->out_rows, q) * stage_framed(q->out_columns, q) * q->channels) + PANEL_VECTORS * LANES;
}

/* Floats of a framed picture from a pixel of the convolution's result to the one below, and to the right. */
static int64_t below(const stage_picture *q) { return (int64_t)q->stride * stage_framed(q->out_columns, q) * q->channels; }
static int64_t beside(const stage_picture *q) { return (int64_t)q->stride * q->channels; }

/* A row of the pool's result: of all channels of a group. */
static void pool_line(const run *r, const stage_picture *q, const float *lines, int row, float *y, float *pick) {
  const int width = (int)padded(q->out_channels), pixel = q->out_channels * q->groups;
  const square_pick s = {.line = (ptrdiff_t)q->out_columns * width,
                         .pixel = width,
                         .size = q->pool,
                         .below = (float)below(q),
                         .beside = (float)beside(q),
                         .relu = q->relu};
  const int64_t at = (int64_t)row * (q->out_columns / q->pool) * pixel;
  for (int k = 0; k < q->out_columns / q->pool; k++)
    r->k->square_pick(y + at + (int64_t)k * pixel, pick ? pick + at + (int64_t)k * pixel : NULL,
                      lines + (int64_t)k * q->pool * width, &s, q->out_channels);
}

void run_conv_pool(const run *r, const worker *w, const stage *s, rows y, const rows in[4], int64_t n) {
  const stage_picture *q = &s->picture;
  const int64_t width = padded(q->out_channels);
  const float *bias = s->in[1].base == PLACE_NOTHING ? NULL : in[1].p;
  float *framed = w->outer, *lines = framed + frame_floats(q), *own = lines + q->pool * q->out_columns * width,
        *scratch = own + width;
  for (int64_t i = 0; i < n; i++)
    for (int g = 0; g < q->groups; g++) {
      float *to = y.p + i * y.row + (int64_t)g * q->out_channels;
      run_frame(q, in[0].p + i * in[0].row, g, framed);
      const float *of_group = run_group_bias(q, bias, g, own), *source = run_conv_source(r, q, framed, scratch);
      for (int row = 0; row < q->out_rows / q->pool; row++) {
        run_conv_lines(r, q, g, source, of_group, row * q->pool, q->pool, lines, (int)width, scratch);
        pool_line(r, q, lines, row, to, q->picks ? to + q->picks : NULL);
      }
    }
}

/* What flows back to the squares of a group, as lists in scratch. They are taken band by band: of a band the framed picture stays
 * in the first-level cache while the channels go by. */
enum { BAND_FLOATS = 6144 };
typedef struct flowing {
  float *d;
  int32_t *at;
  int squares, band;
} flowing;

static flowing flow_back(const run *r, const stage_picture *q, const float *dy, const float *y, int group, float *scratch) {
  const int across = q->out_columns / q->pool, down = q->out_rows / q->pool;
  const picked p = {.dy = dy + (int64_t)group * q->out_channels,
                    .pick = y + q->picks + (int64_t)group * q->out_channels,
                    .pixel = (ptrdiff_t)q->out_channels * q->groups,
                    .rows = down,
                    .columns = across,
                    .below = below(q) * q->pool,
                    .beside = beside(q) * q->pool};
  const int64_t most = BAND_FLOATS / p.below;
  const flowing f = {scratch, (int32_t *)(scratch + (int64_t)down * across * q->out_channels), down * across,
                     (int)(most < 1      ? 1
                           : most > down ? down
                                         : most) *
                         across};
  r->k->picks_list(f.d, f.at, &p, q->out_channels);
  return f;
}

static int in_band(const flowing *f, int64_t first) { return f->squares - first < f->band ? f->squares - (int)first : f->band; }

/* The inside of a framed gradient; what no patch looks at gets nothing. */
static void unframe(const stage_picture *q, const float *framed, int group, float *dx) {
  const int across = stage_framed(q->out_columns, q), down = stage_framed(q->out_rows, q), pixel = q->channels * q->groups;
  for (int i = 0; i < q->rows; i++)
    for (int k = 0; k < q->columns; k++) {
      const int row = i + q->before, column = k + q->before;
      float *to = dx + ((int64_t)i * q->columns + k) * pixel + (int64_t)group * q->channels;
      if (row < down && column < across)
        memcpy(to, framed + ((int64_t)row * across + column) * q->channels, (size_t)q->channels * sizeof *to);
      else
        memset(to, 0, (size_t)q->channels * sizeof *to);
    }
}

void run_conv_pool_back(const run *r, const worker *w, const stage *s, rows dx, const rows in[4], int64_t n) {
  const stage_picture *q = &s->picture;
  const int width = q->size * q->channels;
  float *framed = w->outer, *scratch = framed + frame_floats(q);
  for (int64_t i = 0; i < n; i++)
    for (int g = 0; g < q->groups; g++) {
      const flowing f = flow_back(r, q, in[0].p + i * in[0].row, in[2].p + i * in[2].row, g, scratch);
      memset(framed, 0, (size_t)frame_floats(q) * sizeof *framed);
      for (int64_t k = 0; k < f.squares; k += f.band)
        r->k->picks_back(framed, (ptrdiff_t)stage_framed(q->out_columns, q) * q->channels, f.d + k * q->out_channels,
                         f.at + k * q->out_channels, in_band(&f, k), q->out_channels,
                         r->weights + s->weight + (int64_t)g * q->out_channels * q->size * width, q->size, width);
      unframe(q, framed, g, dx.p + i * dx.row);
    }
}

/* Threads share the channels of W, so each number of the gradient is one thread's. */
void run_conv_pool_outer(const run *r, const worker *w, const stage *s, const rows in[3], int64_t n, int thread, int threads) {
  const stage_picture *q = &s->picture;
  const int width = q->size * q->channels;
  const int64_t of_channel = q->size * padded(width), all = (int64_t)q->groups * q->out_channels;
  float *framed = w->outer, *scratch = framed + frame_floats(q);
  float *sums = scratch + 2 * padded((int64_t)q->out_rows * q->out_columns / q->pool / q->pool * q->out_channels);
  int64_t from, to;
  run_share(all, 1, thread, threads, &from, &to);
  if (from >= to) return;
  memset(sums, 0, (size_t)((to - from) * of_channel) * sizeof *sums);
  for (int64_t i = 0; i < n; i++)
    for (int64_t g = from / q->out_channels; g * q->out_channels < to; g++) {
      const int64_t first = g * q->out_channels;
      const int c0 = (int)(from > first ? from - first : 0),
                c1 = (int)(to - first < q->out_channels ? to - first : q->out_channels);
      run_frame(q, in[1].p + i * in[1].row, (int)g, framed);
      const flowing f = flow_back(r, q, in[0].p + i * in[0].row, in[2].p + i * in[2].row, (int)g, scratch);
      for (int64_t k = 0; k < f.squares; k += f.band)
        r->k->picks_outer(sums + (first + c0 - from) * of_channel, framed, (ptrdiff_t)stage_framed(q->out_columns, q) * q->channels,
                          f.d + k * q->out_channels + c0, f.at + k * q->out_channels + c0, in_band(&f, k), q->out_channels, c1 - c0,
                          q->size, width);
    }
  for (int64_t c = from; c < to; c++)
    for (int i = 0; i < q->size; i++) {
      float *target = r->gradient + s->weight + (c * q->size + i) * width;
      const float *sum = sums + (c - from) * of_channel + i * padded(width);
      for (int j = 0; j < width; j++) target[j] += sum[j];
    }
}

void run_pool_positions(const run *r, const stage *s, rows y, rows dy, rows picks, int64_t n, int c0, int c1) {
  memset(y.p + c0, 0, (size_t)(c1 - c0) * sizeof *y.p);
  for (int64_t i = 0; i < n; i++)
    r->k->picks_sum(y.p + c0, dy.p + i * dy.row + c0, picks.p + i * picks.row + s->picture.picks + c0, s->width,
                    s->in_width / s->width, c1 - c0);
}
