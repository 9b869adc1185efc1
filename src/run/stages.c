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

/* Some rows of a stage with its places known: in the pass or in a step of a loop. A function for each stage of the way ROWS. */
typedef struct rows_part {
  const run *r;
  const worker *w;
  const stage *s;
  const where *here;
  const rows *in;
  rows y;
  int64_t row0;
  int n;
} rows_part;

static void rows_SOFTMAX(const rows_part *p) { p->r->k->softmax(p->y.p, p->y.row, p->in[0].p, p->in[0].row, p->n, p->s->width); }
static void rows_SOFTMAX_GRAD(const rows_part *p) {
  p->r->k->softmax_grad(p->y.p, p->y.row, p->in[0].p, p->in[0].row, p->in[1].p, p->in[1].row, p->n, p->s->width);
}
static void rows_LAYERNORM_SCALE(const rows_part *p) {
  p->r->k->layernorm_scale(p->y.p, p->y.row, p->in[0].p, p->in[0].row, p->n, p->s->in_width);
}
static void rows_LAYERNORM(const rows_part *p) {
  p->r->k->layernorm(p->y.p, p->y.row, p->in[0].p, p->in[0].row, p->in[1].p, p->in[1].row, p->n, p->s->width);
}
static void rows_LAYERNORM_GRAD(const rows_part *p) {
  const rows *in = p->in;
  p->r->k->layernorm_grad(p->y.p, p->y.row, in[1].p, in[1].row, in[0].p, in[0].row, in[2].p, in[2].row, p->n, p->s->width);
}
static void rows_ROW_SUM(const rows_part *p) { p->r->k->row_sum(p->y.p, p->y.row, p->in[0].p, p->in[0].row, p->n, p->s->in_width); }
static void rows_LOG_SUM_EXP(const rows_part *p) {
  p->r->k->log_sum_exp(p->y.p, p->y.row, p->in[0].p, p->in[0].row, p->n, p->s->in_width);
}
static void rows_CROSS_ENTROPY(const rows_part *p) {
  p->r->k->cross_entropy(p->y.p, p->y.row, p->in[0].p, p->in[0].row, index_at(p->r, p->s, p->here, p->row0), p->n, p->s->in_width);
}
static void rows_CROSS_ENTROPY_GRAD(const rows_part *p) {
  const rows *in = p->in;
  const int32_t *index = index_at(p->r, p->s, p->here, p->row0);
  p->r->k->cross_entropy_grad(p->y.p, p->y.row, in[0].p, in[0].row, in[1].p, in[1].row, in[2].p, in[2].row, index, p->n,
                              p->s->width);
}
static void rows_COPY_COLUMNS(const rows_part *p) { copy_columns(p->s, p->y, p->in[0], p->in[1], p->n); }
static void rows_CONV(const rows_part *p) { run_conv(p->r, p->w, p->s, p->y, p->in, p->n); }
static void rows_CONV_POOL(const rows_part *p) { run_conv_pool(p->r, p->w, p->s, p->y, p->in, p->n); }
static void rows_CONV_POOL_BACK(const rows_part *p) { run_conv_pool_back(p->r, p->w, p->s, p->y, p->in, p->n); }
static void rows_POOL(const rows_part *p) { run_pool(p->r, p->s, p->y, p->in[0], p->n); }
static void rows_POOL_MEAN(const rows_part *p) { run_pool(p->r, p->s, p->y, p->in[0], p->n); }
static void rows_POOL_GRAD(const rows_part *p) { run_pool_grad(p->r, p->s, p->y, p->in, p->n); }
static void rows_POOL_MEAN_GRAD(const rows_part *p) { run_pool_mean_grad(p->r, p->s, p->y, p->in[0], p->n); }
static void rows_MATCH(const rows_part *p) {
  for (int i = 0; i < p->n; i++)
    p->r->k->match(p->y.p + i * p->y.row, p->in[0].p + i * p->in[0].row, p->in[1].p + i * p->in[1].row, p->s->width,
                   p->s->in_width);
}
static void rows_BLEND(const rows_part *p) {
  for (int i = 0; i < p->n; i++)
    p->r->k->blend(p->y.p + i * p->y.row, p->in[0].p + i * p->in[0].row, p->in[1].p + i * p->in[1].row, p->s->in_width,
                   p->s->width);
}
static void rows_PAINT(const rows_part *p) {
  const int positions = p->s->in_width, channels = p->s->width / positions;
  for (int i = 0; i < p->n; i++)
    p->r->k->paint(p->y.p + i * p->y.row, p->in[0].p + i * p->in[0].row, p->in[1].p + i * p->in[1].row, positions, channels);
}
static void rows_BATCHNORM(const rows_part *p) { run_batchnorm(p->r, p->w, p->s, p->y, p->in, p->n); }
static void rows_BATCHNORM_GRAD(const rows_part *p) { run_batchnorm_grad(p->r, p->w, p->s, p->y, p->in, p->n); }

#define ROWS_OF_TILE(name)
#define ROWS_OF_LOOP(name)
#define ROWS_OF_OUTER(name)
#define ROWS_OF_ROWS(name) [STAGE_##name] = rows_##name,
#define ROWS_OF_ATTEND(name)
#define ROWS_OF_CTC(name)
#define ROWS_OF_WHOLE(name)
#define STAGE(name, text, way, rest, writes, products) ROWS_OF_##way(name)
static void (*const rows_stages[STAGE_KINDS])(const rows_part *) = {
#include "plan/stages.def"
};

void run_rows_of(const run *r, const worker *w, const stage *s, rows y, const rows in[4], const where *here, int64_t row0, int n) {
  rows_stages[s->kind](&(rows_part){.r = r, .w = w, .s = s, .here = here, .in = in, .y = y, .row0 = row0, .n = n});
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

/* Rows from..to-1 of sequences whose last step comes first. */
static void reverse_rows(const worker *w, const stage *s, const batch_axis *a, rows y, rows x, int64_t from, int64_t to) {
  for (int64_t i = from, t = from < to ? run_step_of(a, from) : 0; i < to; i++) {
    while (i >= a->first[t + 1]) t++;
    const int64_t b = i - a->first[t];
    copy_row(w, y, i, x, a->first[length_of(a, b) - 1 - t] + b, s->width);
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

/* The gradient goes to the first step that attains the maximum. `left` is what has not gone anywhere yet. A window takes it
 * from the one before and leaves it to the next, also when it is run again. */
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

/* A thread's part of a stage with its matrices. A function for each stage of the way WHOLE. */
typedef struct whole_part {
  const run *r;
  const worker *w;
  const stage *s;
  const batch_axis *a;
  const where *here;
  rows y, x, z;        /* the result and the first two operands */
  int64_t n, from, to; /* rows or sequences: all, and those of the thread */
  int64_t c0, c1;      /* columns of the thread */
  int thread, threads;
} whole_part;

static rows third(const whole_part *p) { return run_at(p->r, p->w, &p->s->in[2], p->here, 0); }

static void whole_GATHER(const whole_part *p) {
  if (p->from >= p->to) return;
  const int32_t *index = p->r->b->index[p->s->slot] + p->r->window.row + p->from;
  p->r->k->gather(p->y.p + p->from * p->y.row, p->y.row, p->r->weights + p->s->weight, p->s->width, index, (int)(p->to - p->from),
                  p->s->width);
}
static void whole_CLASS_WEIGHT(const whole_part *p) {
  class_weight_rows(p->s, p->r->b->index[p->s->slot] + p->r->window.row, p->y, p->from, p->to);
}
static void whole_SCATTER(const whole_part *p) {
  if (p->thread == 0) run_touch(p->r, p->s->weight, p->s->width, p->r->b->index[p->s->slot] + p->r->window.row, p->n);
  if (p->c0 < p->c1 && p->n) scatter_rows(p->r, p->s, p->x, p->n, p->c0, p->c1);
}
static void whole_NUMBERS(const whole_part *p) { number_rows(p->r, p->s, p->y, p->from, p->to); }
static void whole_MASK(const whole_part *p) { mask_rows(p->r, p->s, p->a, p->y, p->from, p->to); }
static void whole_SHIFT(const whole_part *p) { shift_rows(p->r, p->w, p->s, p->a, p->y, p->x, p->z, p->from, p->to); }
static void whole_REVERSE(const whole_part *p) { reverse_rows(p->w, p->s, p->a, p->y, p->x, p->from, p->to); }
static void whole_EDGE(const whole_part *p) { edge_rows(p->r, p->w, p->s, p->a, p->y, p->x, p->from, p->to); }
static void whole_ORDER(const whole_part *p) {
  for (int64_t q = p->from; q < p->to; q++) copy_row(p->w, p->y, q, p->x, batch_row(p->a, q), p->s->width);
}
static void whole_SPREAD(const whole_part *p) { spread_rows(p->w, p->s, p->a, p->y, p->x, p->from, p->to); }
static void whole_SUM_TIME(const whole_part *p) { sum_time(p->r, p->s, p->a, p->y, p->x, p->from, p->to); }
static void whole_MAX_TIME(const whole_part *p) { max_time(p->r, p->s, p->a, p->y, p->x, p->from, p->to); }
static void whole_MAX_TIME_GRAD(const whole_part *p) {
  max_time_grad(p->r, p->s, p->a, (const rows[]){p->x, p->z, third(p)}, p->y, p->from, p->to);
}
static void whole_LENGTH(const whole_part *p) {
  for (int64_t q = p->from; q < p->to; q++) {
    const int length = length_of(p->a, q);
    p->y.p[batch_row(p->a, q) * p->y.row] = (float)(length ? length : 1);
  }
}
static void whole_CONV_OUTER(const whole_part *p) { run_conv_outer(p->r, p->w, p->s, p->x, p->z, p->n, p->thread, p->threads); }
static void whole_CONV_POOL_OUTER(const whole_part *p) {
  run_conv_pool_outer(p->r, p->w, p->s, (const rows[]){p->x, p->z, third(p)}, p->n, p->thread, p->threads);
}
static void whole_POOL_POSITIONS(const whole_part *p) {
  if (p->c0 < p->c1) run_pool_positions(p->r, p->s, p->y, p->x, third(p), p->n, (int)p->c0, (int)p->c1);
}
static void whole_SUM_POSITIONS(const whole_part *p) {
  if (p->c0 < p->c1) run_sum_positions(p->r, p->s, p->y, p->x, p->n, (int)p->c0, (int)p->c1);
}
static void whole_BATCH_STATS(const whole_part *p) { run_batch_stats(p->r, p->w, p->s, p->y, p->x, p->n, p->thread, p->threads); }
static void whole_BATCH_SUMS(const whole_part *p) {
  run_batch_sums(p->r, p->w, p->s, p->y, (const rows[]){p->x, p->z, third(p)}, p->n, p->thread, p->threads);
}
static void whole_GRADIENT(const whole_part *p) { add_vector(p->r, p->s, p->x, p->c0, p->c1); }
static void whole_ADD(const whole_part *p) { add_matrix(p->r, p->s, p->x, p->c0, p->c1); }

#define WHOLE_OF_TILE(name)
#define WHOLE_OF_LOOP(name)
#define WHOLE_OF_OUTER(name)
#define WHOLE_OF_ROWS(name)
#define WHOLE_OF_ATTEND(name)
#define WHOLE_OF_CTC(name)
#define WHOLE_OF_WHOLE(name) [STAGE_##name] = whole_##name,
#define STAGE(name, text, way, rest, writes, products) WHOLE_OF_##way(name)
static void (*const whole_stages[STAGE_KINDS])(const whole_part *) = {
#include "plan/stages.def"
};

void run_whole(const run *r, const worker *w, const stage *s, int thread, int threads) {
  const batch_axis *a = s->axis >= 0 && r->f->n_axes ? &r->b->axes[s->axis] : NULL;
  const where here = {a, -1, false};
  whole_part p = {.r = r, .w = w, .s = s, .a = a, .here = &here, .thread = thread, .threads = threads, .n = run_rows(r, s)};
  p.y = run_at(r, w, &s->out, &here, 0);
  p.x = run_at(r, w, &s->in[0], &here, 0);
  p.z = run_at(r, w, &s->in[1], &here, 0);
  run_share(by_sequence(s->kind) ? r->b->rows : p.n, 1, thread, threads, &p.from, &p.to);
  run_share(s->width, LANES, thread, threads, &p.c0, &p.c1);
  whole_stages[s->kind](&p);
}
