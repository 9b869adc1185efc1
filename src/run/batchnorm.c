/* batchnorm.c - batch normalization of channels (Ioffe & Szegedy 2015), over all rows of a batch and all positions of a picture.
 *
 * Sums go picture by picture. The positions of one are summed for themselves, then added to what there is. So rounding grows
 * with the pictures and not with the pixels. Threads share channels in sums, and rows elsewhere; so the bits do not depend on
 * how many there are. */
#include <math.h>
#include <string.h>
#include "run/internal.h"

static int positions_of(const stage_picture *q) { return q->rows * q->columns; }

/* 1 / sqrt(variance + epsilon) of a channel; stats are [means, variances]. */
static float scale_of(const stage *s, const float *stats, int channel) {
  return 1.0f / sqrtf(stats[s->picture.channels + channel] + (float)s->value);
}

/* Channels from..to-1, a thread's share, and its scratch. */
typedef struct channels {
  int from, n;
  float *mean, *sum, *own; /* [n] and padded */
} channels;

static channels channels_of(const stage *s, const worker *w, int thread, int threads) {
  int64_t from, to;
  run_share(s->picture.channels, LANES, thread, threads, &from, &to);
  channels c = {.from = (int)from, .n = (int)(to - from), .mean = w->outer};
  c.sum = c.mean + padded(c.n);
  c.own = c.sum + padded(c.n);
  memset(c.mean, 0, (size_t)padded(c.n) * sizeof *c.mean);
  return c;
}

/* to[j] becomes the sum over rows and positions of: x; (x - mean)^2; dy (x - mean). */
enum sum { SUM_X, SUM_SQUARES, SUM_DOTS };
static void add_up(const run *r, const stage_picture *q, const channels *c, enum sum what, float *to, rows x, rows dy, int64_t n) {
  const int positions = positions_of(q);
  const size_t bytes = (size_t)c->n * sizeof *to;
  memset(to, 0, bytes);
  for (int64_t i = 0; i < n; i++) {
    const float *row = x.p + i * x.row + c->from;
    memset(c->own, 0, bytes);
    if (what == SUM_X)
      r->k->sum_rows(c->own, row, q->channels, positions, c->n);
    else if (what == SUM_SQUARES)
      r->k->channel_squares(c->own, row, c->mean, q->channels, positions, c->n);
    else
      r->k->channel_dots(c->own, dy.p + i * dy.row + c->from, row, c->mean, q->channels, positions, c->n);
    for (int j = 0; j < c->n; j++) to[j] += c->own[j];
  }
}

/* Of a batch without rows: mean 0, variance 1. */
void run_batch_stats(const run *r, const worker *w, const stage *s, rows y, rows x, int64_t n, int thread, int threads) {
  const stage_picture *q = &s->picture;
  const int C = q->channels;
  const channels c = channels_of(s, w, thread, threads);
  const float part = n ? 1.0f / ((float)n * (float)positions_of(q)) : 0.0f;
  float *means = y.p + c.from, *variances = y.p + C + c.from;
  if (c.n <= 0) return;
  if (!r->training || s->in[0].base == PLACE_NOTHING) {
    memcpy(means, r->weights + s->weight + c.from, (size_t)c.n * sizeof *means);
    memcpy(variances, r->weights + s->weight + C + c.from, (size_t)c.n * sizeof *means); /* they follow the means */
    return;
  }
  add_up(r, q, &c, SUM_X, c.sum, x, x, n);
  for (int j = 0; j < c.n; j++) means[j] = c.mean[j] = c.sum[j] * part;
  add_up(r, q, &c, SUM_SQUARES, c.sum, x, x, n);
  for (int j = 0; j < c.n; j++) variances[j] = n ? c.sum[j] * part : 1.0f;
}

void run_batch_sums(const run *r, const worker *w, const stage *s, rows y, const rows in[3], int64_t n, int thread, int threads) {
  const stage_picture *q = &s->picture;
  const int C = q->channels;
  const channels c = channels_of(s, w, thread, threads);
  if (c.n <= 0) return;
  memcpy(c.mean, in[1].p + c.from, (size_t)c.n * sizeof *c.mean);
  add_up(r, q, &c, SUM_X, y.p + c.from, in[2], in[2], n);
  add_up(r, q, &c, SUM_DOTS, c.sum, in[0], in[2], n);
  for (int j = 0; j < c.n; j++) y.p[C + c.from + j] = c.sum[j] * scale_of(s, in[1].p, c.from + j);
}

/* y = (x - mean) scale gain + bias */
void run_batchnorm(const run *r, const worker *w, const stage *s, rows y, const rows in[4], int64_t n) {
  const stage_picture *q = &s->picture;
  const int C = q->channels;
  float *mean = w->outer, *a = mean + padded(C), *b = a + padded(C);
  memset(mean, 0, 3 * (size_t)padded(C) * sizeof *mean);
  for (int j = 0; j < C; j++) {
    mean[j] = in[1].p[j];
    a[j] = in[2].p[j] * scale_of(s, in[1].p, j);
    b[j] = in[3].p[j];
  }
  for (int64_t i = 0; i < n; i++) r->k->channel_scale(y.p + i * y.row, in[0].p + i * in[0].row, mean, a, b, positions_of(q), C);
}

/* dx = gain scale (dy - sum(dy) / m - y' sum(dy y') / m), y' = (x - mean) scale, m rows times positions. Running statistics do
 * not depend on x: with them dx = gain scale dy. */
void run_batchnorm_grad(const run *r, const worker *w, const stage *s, rows dx, const rows in[4], int64_t n) {
  const stage_picture *q = &s->picture;
  const int C = q->channels;
  float *mean = w->outer, *a = mean + padded(C), *b = a + padded(C), *c = b + padded(C);
  const float share = r->training ? 1.0f / ((float)run_rows(r, s) * (float)positions_of(q)) : 0.0f;
  memset(mean, 0, 4 * (size_t)padded(C) * sizeof *mean);
  for (int j = 0; j < C; j++) {
    const float scale = scale_of(s, in[1].p, j);
    mean[j] = in[1].p[j];
    a[j] = r->weights[s->weight + j] * scale;
    b[j] = -scale * (in[3].p[C + j] * share);
    c[j] = -(in[3].p[j] * share);
  }
  for (int64_t i = 0; i < n; i++)
    r->k->channel_grad(dx.p + i * dx.row, in[2].p + i * in[2].row, in[0].p + i * in[0].row, mean, a, b, c, positions_of(q), C);
}
