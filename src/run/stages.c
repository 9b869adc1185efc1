/* stages.c - the stages that are not products: by rows, and over whole matrices. */
#include <string.h>
#include "run/calls.h"
#include "run/internal.h"
#include "run/mask.h"

static const int32_t *index_at(const run *r, const stage *s, const where *here, int64_t row) {
  return r->b->index[s->slot] + r->window.row + (here->t >= 0 ? here->axis->first[here->t] : 0) + row;
}

static void copy_columns(const stage *s, rows y, rows x, rows z, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    float *out = y.p + i * y.row;
    if (s->clear) memset(out, 0, (size_t)s->width * sizeof *out);
    if (x.p)
      memcpy(out + s->out_column, x.p + i * x.row + s->column, (size_t)s->columns * sizeof *out);
    else
      memset(out + s->out_column, 0, (size_t)s->columns * sizeof *out);
    if (s->in[1].base == PLACE_NOTHING && !s->in[1].shift) continue;
    if (z.p)
      memcpy(out + s->columns, z.p + i * z.row, (size_t)s->in_width * sizeof *out);
    else
      memset(out + s->columns, 0, (size_t)s->in_width * sizeof *out);
  }
}

void run_by_rows(const run *r, const worker *w, const stage *s, const where *here, int64_t row0, int64_t row1) {
  const int n = (int)(row1 - row0);
  if (n <= 0) return;
  rows y = run_at(r, w, &s->out, here, row0), in[4];
  for (int i = 0; i < 4; i++) {
    in[i] = run_at(r, w, &s->in[i], here, row0);
    if (!in[i].p && s->kind != STAGE_COPY_COLUMNS) in[i] = (rows){r->zeros, 0}; /* a view's missing step */
  }
  if (w->calls)
    calls_rows(w->calls, s, y, in, here);
  else
    run_rows_of(r, w, s, y, in, here, row0, n);
}

void run_rows_of(const run *r, const worker *w, const stage *s, rows y, const rows in[4], const where *here, int64_t row0, int n) {
  switch (s->kind) {
  case STAGE_SOFTMAX:
    r->k->softmax(y.p, y.row, in[0].p, in[0].row, n, s->width);
    break;
  case STAGE_SOFTMAX_GRAD:
    r->k->softmax_grad(y.p, y.row, in[0].p, in[0].row, in[1].p, in[1].row, n, s->width);
    break;
  case STAGE_LAYERNORM_SCALE:
    r->k->layernorm_scale(y.p, y.row, in[0].p, in[0].row, n, s->in_width);
    break;
  case STAGE_LAYERNORM:
    r->k->layernorm(y.p, y.row, in[0].p, in[0].row, in[1].p, in[1].row, n, s->width);
    break;
  case STAGE_LAYERNORM_GRAD:
    r->k->layernorm_grad(y.p, y.row, in[1].p, in[1].row, in[0].p, in[0].row, in[2].p, in[2].row, n, s->width);
    break;
  case STAGE_ROW_SUM:
    r->k->row_sum(y.p, y.row, in[0].p, in[0].row, n, s->in_width);
    break;
  case STAGE_LOG_SUM_EXP:
    r->k->log_sum_exp(y.p, y.row, in[0].p, in[0].row, n, s->in_width);
    break;
  case STAGE_CROSS_ENTROPY:
    r->k->cross_entropy(y.p, y.row, in[0].p, in[0].row, index_at(r, s, here, row0), n, s->in_width);
    break;
  case STAGE_CROSS_ENTROPY_GRAD:
    r->k->cross_entropy_grad(y.p, y.row, in[0].p, in[0].row, in[1].p, in[1].row, in[2].p, in[2].row, index_at(r, s, here, row0), n,
                             s->width);
    break;
  case STAGE_CONV:
    run_conv(r, w, s, y, in, n);
    break;
  case STAGE_POOL:
  case STAGE_POOL_MEAN:
    run_pool(r, s, y, in[0], n);
    break;
  case STAGE_POOL_GRAD:
    run_pool_grad(r, s, y, in, n);
    break;
  case STAGE_POOL_MEAN_GRAD:
    run_pool_mean_grad(r, s, y, in[0], n);
    break;
  case STAGE_BATCHNORM:
    run_batchnorm(r, w, s, y, in, n);
    break;
  case STAGE_BATCHNORM_GRAD:
    run_batchnorm_grad(r, w, s, y, in, n);
    break;
  default:
    copy_columns(s, y, in[0], in[1], n);
  }
}

/* ---- whole matrices ---- */

static int length_of(const batch_axis *a, int64_t sequence) {
  int lo = 0, hi = a->steps; /* active never increases: the first step without the sequence */
  while (lo < hi) {
    int middle = (lo + hi) / 2;
    if (a->active[middle] > sequence)
      lo = middle + 1;
    else
      hi = middle;
  }
  return lo;
}
static int64_t batch_row(const batch_axis *a, int64_t sequence) { return a->order ? a->order[sequence] : sequence; }

static void copy_row(const worker *w, rows to, int64_t i, rows from, int64_t k, int width) {
  if (w->calls)
    calls_copy(w->calls, to.p + i * to.row, from.p ? from.p + k * from.row : NULL, width);
  else if (from.p)
    memcpy(to.p + i * to.row, from.p + k * from.row, (size_t)width * sizeof(float));
  else
    memset(to.p + i * to.row, 0, (size_t)width * sizeof(float));
}

/* Copies rows from..to-1 of a shifted matrix. */
static void shift_rows(const run *r, const worker *w, const stage *s, const batch_axis *a, rows y, rows x, rows init, int64_t from,
                       int64_t to) {
  if (from >= to) return;
  int t = run_step_of(a, from);
  for (int64_t i = from; i < to; i++) {
    while (i >= a->first[t + 1]) t++;
    const int64_t b = i - a->first[t];
    const bool inside = s->dir > 0 ? t > 0 : t + 1 < a->steps && b < a->active[t + 1];
    const bool beyond = s->dir > 0 ? t == 0 && r->window.before : t + 1 == a->steps && b < r->window.after;
    if (beyond && s->in[0].slots)
      copy_row(w, y, i, run_bound(r, &s->in[0], s->dir, b), 0, s->width);
    else if (inside || beyond)
      copy_row(w, y, i, x, a->first[t - s->dir] + b, s->width);
    else
      copy_row(w, y, i, init, b, s->width);
  }
}

static void edge_rows(const run *r, const worker *w, const stage *s, const batch_axis *a, rows y, rows x, int64_t from,
                      int64_t to) {
  for (int64_t q = from; q < to; q++) {
    const int length = length_of(a, q);
    if (r->window.before && (s->dir > 0 || !length)) continue; /* this edge is in a window before */
    if (s->dir < 0 && q < r->window.after) continue;           /* after */
    if (!length)
      copy_row(w, y, batch_row(a, q), (rows){NULL, 0}, 0, s->width);
    else
      copy_row(w, y, batch_row(a, q), x, a->first[s->dir > 0 ? 0 : length - 1] + q, s->width);
  }
}

static void sum_time(const run *r, const stage *s, const batch_axis *a, rows y, rows x, int64_t from, int64_t to) {
  for (int64_t q = from; q < to; q++) {
    float *out = y.p + batch_row(a, q) * y.row;
    if (r->window.begins) memset(out, 0, (size_t)s->width * sizeof *out);
    r->k->sum_time(out, &(step_rows){x.p + q * x.row, x.row, a->first, length_of(a, q)}, s->back, s->width);
  }
}

static void max_time(const run *r, const stage *s, const batch_axis *a, rows y, rows x, int64_t from, int64_t to) {
  for (int64_t q = from; q < to; q++) {
    float *out = y.p + batch_row(a, q) * y.row;
    if (r->window.begins) memset(out, 0, (size_t)s->width * sizeof *out);
    const int length = length_of(a, q);
    const bool begins = s->back ? q >= r->window.after : !r->window.before; /* its first step to be seen is in this window */
    const step_rows steps = {x.p + q * x.row, x.row, a->first, length};
    if (begins && length)
      memcpy(out, steps.p + a->first[s->back ? length - 1 : 0] * x.row, (size_t)s->width * sizeof *out); /* -infinity, or NaN */
    r->k->max_time(out, &steps, s->back, s->width);
  }
}

/* The gradient goes to the first step that attains the maximum. `left` is what has not gone anywhere yet; a window takes it from
 * the one before and leaves it to the next, also when it is run again. */
static void max_time_grad(const run *r, const stage *s, const batch_axis *a, const rows in[3], rows dx, int64_t from, int64_t to) {
  const rows x = in[0], y = in[1], dy = in[2];
  const place *kept = &s->in[3];
  const rows before = r->window.before ? run_bound(r, kept, 1, 0) : dy;
  const rows after = r->window.after ? run_bound(r, kept, 0, 0) : (rows){NULL, 0};
  for (int64_t q = from; q < to; q++) {
    const int length = length_of(a, q);
    const int64_t row = batch_row(a, q);
    if (!length) continue;
    for (int first = 0; first < s->width; first += LANES) {
      const int n = s->width - first < LANES ? s->width - first : LANES;
      float left[LANES];
      memcpy(left, before.p + (r->window.before ? q : row) * before.row + first, (size_t)n * sizeof *left);
      r->k->max_time_grad(dx.p + q * dx.row + first, dx.row, left, &(step_rows){x.p + q * x.row + first, x.row, a->first, length},
                          y.p + row * y.row + first, n);
      if (after.p) memcpy(after.p + q * after.row + first, left, (size_t)n * sizeof *left);
    }
  }
}

static void spread_rows(const worker *w, const stage *s, const batch_axis *a, rows y, rows x, int64_t from, int64_t to) {
  for (int64_t i = from, t = from < to ? run_step_of(a, from) : 0; i < to; i++) {
    while (i >= a->first[t + 1]) t++;
    copy_row(w, y, i, x, i - a->first[t], s->width);
  }
}

static void mask_rows(const run *r, const stage *s, const batch_axis *a, rows y, int64_t from, int64_t to) {
  for (int64_t i = from, t = s->of_steps && from < to ? run_step_of(a, from) : 0; i < to; i++) {
    while (s->of_steps && i >= a->first[t + 1]) t++;
    float *out = y.p + i * y.row;
    if (r->training) {
      const int own = (int)(s->of_steps ? i - a->first[t] : i);
      const int sequence = s->of_steps ? a->whole ? a->whole[own] : own : r->b->shards ? own * r->b->shards + r->b->shard : own;
      const mask_draw d = mask_row_of(r->b->seed, r->b->step, s->slot, (int)t + r->window.step, sequence, s->value);
      r->k->mask(out, &d, s->width);
    } else
      for (int j = 0; j < s->width; j++) out[j] = 1.0f;
  }
}

static void number_rows(const run *r, const stage *s, rows y, int64_t from, int64_t to) {
  const float *x = r->b->number[s->slot] + r->window.row * s->width;
  for (int64_t i = from; i < to; i++) memcpy(y.p + i * y.row, x + i * s->width, (size_t)s->width * sizeof *x);
}

static void class_weight_rows(const stage *s, const int32_t *index, rows y, int64_t from, int64_t to) {
  for (int64_t i = from; i < to; i++) y.p[i * y.row] = index[i] < 0 ? 0.0f : s->table ? s->table[index[i]] : 1.0f;
}

static void add_vector(const run *r, const stage *s, rows x, int64_t from, int64_t to) {
  for (int64_t j = from; j < to; j++) r->gradient[s->weight + j] += x.p[s->in_width == 1 ? 0 : j];
}

static void scatter_rows(const run *r, const stage *s, rows x, int64_t n, int64_t c0, int64_t c1) {
  const int64_t first = s->back ? n - 1 : 0;
  r->k->scatter(r->gradient + s->weight + c0, s->width, x.p + first * x.row + c0, s->back ? -x.row : x.row,
                r->b->index[s->slot] + r->window.row + first, s->back ? -1 : 1, (int)n, (int)(c1 - c0));
}

static void add_matrix(const run *r, const stage *s, rows x, int64_t from, int64_t to) {
  for (int64_t k = from; k < to; k++)
    for (int64_t j = 0; j < s->in_width; j++) r->gradient[s->weight + k * s->columns + j] += x.p[k * x.row + j];
}

/* Stages whose work is split by sequences rather than by rows of the result. */
static bool by_sequence(enum stage_kind kind) {
  return kind == STAGE_EDGE || kind == STAGE_SUM_TIME || kind == STAGE_MAX_TIME || kind == STAGE_MAX_TIME_GRAD ||
         kind == STAGE_LENGTH;
}

void run_whole(const run *r, const worker *w, const stage *s, int thread, int threads) {
  const batch_axis *a = s->axis >= 0 && r->f->n_axes ? &r->b->axes[s->axis] : NULL;
  const where here = {a, -1, false};
  const rows y = run_at(r, w, &s->out, &here, 0), x = run_at(r, w, &s->in[0], &here, 0), z = run_at(r, w, &s->in[1], &here, 0);
  const int64_t n = run_rows(r, s);
  int64_t from, to, c0, c1;
  run_share(by_sequence(s->kind) ? r->b->rows : n, 1, thread, threads, &from, &to);
  run_share(s->width, LANES, thread, threads, &c0, &c1);
  switch (s->kind) {
  case STAGE_GATHER:
    if (from < to)
      r->k->gather(y.p + from * y.row, y.row, r->weights + s->weight, s->width, r->b->index[s->slot] + r->window.row + from,
                   (int)(to - from), s->width);
    break;
  case STAGE_CLASS_WEIGHT:
    class_weight_rows(s, r->b->index[s->slot] + r->window.row, y, from, to);
    break;
  case STAGE_SCATTER:
    if (thread == 0) run_touch(r, s->weight, s->width, r->b->index[s->slot] + r->window.row, n);
    if (c0 < c1 && n) scatter_rows(r, s, x, n, c0, c1);
    break;
  case STAGE_CONV_OUTER:
    run_conv_outer(r, w, s, x, z, n, thread, threads);
    break;
  case STAGE_SUM_POSITIONS:
    if (c0 < c1) run_sum_positions(r, s, y, x, n, (int)c0, (int)c1);
    break;
  case STAGE_BATCH_STATS:
    run_batch_stats(r, w, s, y, x, n, thread, threads);
    break;
  case STAGE_BATCH_SUMS:
    run_batch_sums(r, w, s, y, (const rows[]){x, z, run_at(r, w, &s->in[2], &here, 0)}, n, thread, threads);
    break;
  case STAGE_GRADIENT:
    add_vector(r, s, x, c0, c1);
    break;
  case STAGE_ADD:
    add_matrix(r, s, x, c0, c1);
    break;
  case STAGE_NUMBERS:
    number_rows(r, s, y, from, to);
    break;
  case STAGE_MASK:
    mask_rows(r, s, a, y, from, to);
    break;
  case STAGE_SHIFT:
    shift_rows(r, w, s, a, y, x, z, from, to);
    break;
  case STAGE_EDGE:
    edge_rows(r, w, s, a, y, x, from, to);
    break;
  case STAGE_SUM_TIME:
    sum_time(r, s, a, y, x, from, to);
    break;
  case STAGE_MAX_TIME:
    max_time(r, s, a, y, x, from, to);
    break;
  case STAGE_MAX_TIME_GRAD:
    max_time_grad(r, s, a, (const rows[]){x, z, run_at(r, w, &s->in[2], &here, 0)}, y, from, to);
    break;
  case STAGE_LENGTH:
    for (int64_t q = from; q < to; q++) {
      const int length = length_of(a, q);
      y.p[batch_row(a, q) * y.row] = (float)(length ? length : 1);
    }
    break;
  case STAGE_SPREAD:
    spread_rows(w, s, a, y, x, from, to);
    break;
  case STAGE_ORDER:
    for (int64_t q = from; q < to; q++) copy_row(w, y, q, x, batch_row(a, q), s->width);
    break;
  default:
    break;
  }
}
