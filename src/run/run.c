/* run.c - a session: takes its memory once, packs weights, and walks the stages of a plan with all threads, which meet after each.
 */
#include "run/run.h"
#include <assert.h>
#include <string.h>
#include "base/budget.h"
#include "base/error.h"
#include "base/memory.h"
#include "run/calls.h"
#include "run/internal.h"

enum { PACKED_STEPS = 32 };

void run_share(int64_t n, int64_t unit, int thread, int threads, int64_t *from, int64_t *to) {
  if (threads == 1) { /* small nets would notice the divisions */
    *from = 0;
    *to = n;
    return;
  }
  const int64_t units = (n + unit - 1) / unit;
  *from = units * thread / threads * unit;
  *to = units * (thread + 1) / threads * unit;
  if (*to > n) *to = n;
  if (*from > n) *from = n;
}

int64_t run_rows(const run *r, const stage *s) {
  if (s->one) return 1;
  if (!s->of_steps) return r->b->rows;
  const batch_axis *a = &r->b->axes[s->axis];
  return a->first[a->steps];
}

int run_step_of(const batch_axis *a, int64_t row) {
  int lo = 0, hi = a->steps - 1;
  while (lo < hi) {
    int middle = (lo + hi + 1) / 2;
    if (a->first[middle] <= row)
      lo = middle;
    else
      hi = middle - 1;
  }
  return lo;
}

void run_free(run *r) {
  if (!r) return;
  for (int i = 0; r->worker && i < r->n_workers; i++) {
    mem_free_aligned(r->worker[i].slots);
    mem_free_aligned(r->worker[i].outer);
    mem_free_aligned(r->worker[i].column);
    mem_free_aligned(r->worker[i].rounded);
    mem_free_aligned(r->worker[i].ctc);
    mem_free(r->worker[i].symbols);
    mem_free(r->worker[i].operands);
    mem_free(r->worker[i].fetches);
  }
  mem_free(r->worker);
  if (r->team) team_free(r);
  calls_free(&r->calls);
  run_window_free(r);
  mem_free(r->sequence);
  mem_free(r->length);
  mem_free_aligned(r->arena);
  mem_free_aligned(r->consts);
  mem_free_aligned(r->zeros);
  if (!r->desk) {
    mem_free_aligned(r->pack);
    mem_free_aligned(r->carry);
    mem_free_aligned(r->gradient);
    mem_free(r->touched);
  }
  mem_free(r);
}

static bool worker_init(worker *w, const frozen *f) {
  w->slots = mem_aligned((size_t)f->slots + LANES, sizeof(float));
  w->outer = mem_aligned((size_t)f->outer + LANES, sizeof(float));
  w->rounded = mem_aligned((size_t)f->rounded + LANES, sizeof(float));
  w->operands = mem_zero((size_t)f->n_operands + 1, sizeof *w->operands);
  w->column = mem_aligned(ATTEND_ROWS * (size_t)f->max_steps + LANES, sizeof(float));
  w->fetches = mem_zero(FETCHES + 1, sizeof *w->fetches);
  w->ctc = f->ctc ? mem_aligned((size_t)f->ctc, sizeof(float)) : NULL;
  w->symbols = f->ctc ? mem_zero((size_t)f->max_steps, sizeof *w->symbols) : NULL;
  return w->slots && w->outer && w->rounded && w->operands && w->fetches && w->column && (!f->ctc || (w->ctc && w->symbols));
}

unroll_status run_alone(run **out, const frozen *f, const float *weights, pool *workers, int n_workers, float *pack,
                        unroll_error *err) {
  *out = NULL;
  run *r = mem_zero(1, sizeof *r);
  if (!r) return error_memory(err);
  r->f = f;
  r->desk = pack != NULL;
  run_set_kernels(r, kernel_table());
  r->weights = weights;
  r->workers = workers;
  r->n_workers = n_workers;
  r->arena = mem_aligned((size_t)f->arena + LANES, sizeof(float));
  r->consts = mem_aligned((size_t)f->n_consts + LANES, sizeof(float));
  r->zeros = mem_aligned((size_t)padded(f->widest) + LANES, sizeof(float));
  r->pack = pack ? pack : mem_aligned((size_t)f->pack + LANES, sizeof(float));
  r->carry = pack ? NULL : mem_aligned((size_t)f->carry + LANES, sizeof(float));
  r->gradient = f->gradient && !pack ? mem_aligned((size_t)f->n_weights + LANES, sizeof(float)) : NULL;
  r->touched = f->gradient && !pack ? run_touched_new(f) : NULL;
  r->worker = mem_zero((size_t)r->n_workers, sizeof *r->worker);
  r->sequence = mem_zero((size_t)f->n_axes * (size_t)f->max_rows + 1, sizeof *r->sequence);
  r->length = mem_zero((size_t)f->n_axes * (size_t)f->max_rows + 1, sizeof *r->length);
  bool fine = r->arena && r->pack && r->consts && r->zeros && r->worker && r->sequence && r->length && run_window_memory(r) &&
              (pack || (r->carry && ((r->gradient && r->touched) || !f->gradient)));
  for (int i = 0; fine && i < r->n_workers; i++) fine = worker_init(&r->worker[i], f);
  if (!fine) {
    run_free(r);
    return error_memory(err);
  }
  memcpy(r->consts, f->consts, (size_t)f->n_consts * sizeof(float));
  *out = r;
  return UNROLL_OK;
}

/* What all shards share. */
static unroll_status run_together(run **out, const frozen *f, const float *weights, pool *workers, const int range[2],
                                  unroll_error *err) {
  run *r = mem_zero(1, sizeof *r);
  if (!r) return error_memory(err);
  r->f = f;
  r->weights = weights;
  r->workers = workers;
  r->n_workers = workers ? pool_threads(workers) : 1;
  r->pack = mem_aligned((size_t)f->pack + LANES, sizeof(float));
  r->consts = mem_aligned((size_t)f->n_consts + LANES, sizeof(float));
  const unroll_status status = r->pack && r->consts ? team_new(r, range, err) : error_memory(err);
  if (status) {
    run_free(r);
    return status;
  }
  memcpy(r->consts, f->consts, (size_t)f->n_consts * sizeof(float));
  run_set_kernels(r, kernel_table());
  *out = r;
  return UNROLL_OK;
}

static unroll_status allowed(const frozen *f, pool *workers, unroll_error *err) {
  return budget_check((uint64_t)frozen_bytes(f, workers ? pool_threads(workers) : 1), "a pass of this net", err);
}

unroll_status run_new_range(run **out, const plan *p, const float *weights, pool *workers, const int range[2], unroll_error *err) {
  const frozen *f = plan_frozen(p);
  *out = NULL;
  unroll_status status = allowed(f, workers, err);
  if (!status) status = run_together(out, f, weights, workers, range, err);
  if (!status) run_pack(*out);
  return status;
}

unroll_status run_new(run **out, const plan *p, const float *weights, pool *workers, unroll_error *err) {
  const frozen *f = plan_frozen(p);
  if (f->shards > 1) return run_new_range(out, p, weights, workers, (const int[]){0, f->shards}, err);
  *out = NULL;
  unroll_status status = allowed(f, workers, err);
  if (!status) status = run_alone(out, f, weights, workers, workers ? pool_threads(workers) : 1, NULL, err);
  if (!status) run_pack(*out);
  return status;
}

void run_set_kernels(run *r, const kernels *k) {
  r->k = k;
  r->product[PRECISION_FP32] = k->product;
  r->product[PRECISION_BF16] = k->product_pairs;
  r->product[PRECISION_INT8] = k->product_bytes;
  r->round_row[PRECISION_BF16] = k->pairs_of_row;
  r->round_row[PRECISION_INT8] = k->bytes_of_row;
  if (r->team) team_set_kernels(r, k);
}

enum { PACK_PAST = 1 << 22 }; /* floats of panels: more do not stay in the caches until the next pass */
static bool packs_past(const run *r) { return r->f->pack > PACK_PAST; }

/* Steps k0 .. k0+n-1 of the vector of a panel that is this job's; k0 is even, n at most PACKED_STEPS. It asks for the steps after
 * them: each is in all rows, or is a row of its own. */
static void pack_steps(const run *r, const pack_job *j, int k0, int n) {
  const bool past = j->precision == PRECISION_FP32 && packs_past(r);
  pack_function *pack = past ? pack_cols_past : pack_cols;
  const ptrdiff_t step = (ptrdiff_t)j->vectors * LANES;
  const int64_t k = j->k0 + k0, next = k + n;
  const float *w = r->weights + j->weight;
  float *panel = r->pack + j->out;
  if (j->by_rows) {
    pack = past ? pack_rows_past : pack_rows;
    for (int64_t l = 0; l < j->count; l++)
      for (int64_t q = 0; q < n; q += LANES) __builtin_prefetch(w + (j->first + l) * j->row + next + q);
  } else {
    for (int64_t q = 0; q < n; q++) __builtin_prefetch(w + (next + q) * j->row + j->first);
  }
  if (j->precision == PRECISION_FP32) {
    pack(panel + k0 * step, j->vectors, j->v, w, j->row, j->first, j->count, (int)k, n);
    return;
  }
  _Alignas(64) float t[PACKED_STEPS * LANES];
  pack(t, 1, 0, w, j->row, j->first, j->count, (int)k, n);
  for (int q = 0; q < n; q += 2)
    r->k->pairs_of_rows(panel + (k0 + q) / 2 * step + j->v * LANES, t + q * LANES, q + 1 < n ? t + (q + 1) * LANES : NULL, LANES);
}

/* Of bytes: lane by lane, since each has a scale of its own. */
static void pack_lanes(const run *r, const worker *own, const pack_job *j) {
  float *column = own->rounded, *rounded = column + j->k;
  const float *w = r->weights + j->weight;
  for (int lane = 0; lane < LANES; lane++) {
    const float *x = w + (int64_t)(j->first + lane) * j->row + j->k0;
    for (int k = 0; !j->by_rows && lane < j->count && k < j->k; k++) column[k] = w[(int64_t)(j->k0 + k) * j->row + j->first + lane];
    if (lane < j->count) r->k->bytes_of_row(rounded, j->by_rows ? x : column, j->k);
    pack_bytes(r->pack + j->out, j->vectors, j->v, lane, lane < j->count ? rounded : NULL, j->k);
  }
}

/* The jobs of one panel together, a piece of k after the other, so that it is written once from front to back. */
static void pack_panel(const run *r, const worker *own, const pack_job *jobs, int64_t n) {
  if (jobs->precision == PRECISION_INT8)
    for (int64_t i = 0; i < n; i++) pack_lanes(r, own, &jobs[i]);
  else
    for (int k = 0; k < jobs->k; k += PACKED_STEPS)
      for (int64_t i = 0; i < n; i++) pack_steps(r, &jobs[i], k, jobs->k - k < PACKED_STEPS ? jobs->k - k : PACKED_STEPS);
}

static void pack_work(void *context, int thread, int threads) {
  run *r = context;
  int64_t from, to;
  const worker *own = r->team ? team_worker(r, thread) : &r->worker[thread];
  run_share(r->f->n_packs, 1, thread, threads, &from, &to);
  for (int64_t i = from, end; i < to; i = end) {
    const pack_job *j = &r->f->packs[i];
    for (end = i + 1; end < to && !j->vector && !j[end - i].vector && j[end - i].out == j->out; end++) {
    }
    if (j->vector)
      memcpy(r->pack + j->out, r->weights + j->weight, (size_t)j->count * sizeof(float));
    else
      pack_panel(r, own, j, end - i);
  }
  if (packs_past(r)) pack_past_end();
}

void run_pack(run *r) { pool_run(r->workers, pack_work, r); }

void run_stage(run *r, worker *w, const stage *s, int thread, int threads) {
  int64_t from, to;
  const stage_row *row = &stage_rows[s->kind];
  const where here = {s->of_steps ? &r->b->axes[s->axis] : NULL, -1, false};
  if (w->calls && !row->writes) {
    calls_stage(w->calls, s, &here);
    return;
  }
  switch (row->way) {
  case WAY_TILE:
    run_share(run_rows(r, s), 1, thread, threads, &from, &to);
    run_tile(r, w, s, &here, from, to, 0, run_tiles(s));
    break;
  case WAY_LOOP:
    run_loop(r, w, s, thread, threads);
    break;
  case WAY_OUTER:
    run_outer(r, w, s, thread, threads);
    break;
  case WAY_ROWS:
    run_share(run_rows(r, s), 1, thread, threads, &from, &to);
    run_by_rows(r, w, s, &here, from, to);
    break;
  case WAY_ATTEND:
    run_attend_all(r, w, s, thread, threads);
    break;
  case WAY_CTC:
    run_ctc(r, w, s, thread, threads);
    break;
  case WAY_WHOLE:
    run_whole(r, w, s, thread, threads);
  }
}

void run_keep_carries(const run *r, const worker *w) {
  for (int i = 0; i < r->f->n_carries; i++) {
    const struct frozen_carry *c = &r->f->carries[i];
    const int64_t n = r->b->rows * c->row;
    if (w->calls)
      calls_copy(w->calls, r->carry + c->offset, r->arena + c->edge.offset, (int)n);
    else
      memcpy(r->carry + c->offset, r->arena + c->edge.offset, (size_t)n * sizeof(float));
  }
}

void run_visit(void *context, run *r, worker *w, int number, int thread, int threads) {
  (void)context;
  run_stage(r, w, &r->f->stages[number], thread, threads);
  if (threads > 1) barrier_wait(&r->meet, threads, &w->sense);
  run_look(r, w, number);
}

void run_walk(run *r, worker *w, stage_visit *visit, void *context, int thread, int threads) {
  if (run_in_windows(r))
    run_windows(r, w, visit, context, thread, threads);
  else
    for (int i = 0; i < r->f->n_stages; i++) visit(context, r, w, i, thread, threads);
  if (thread == 0) run_keep_carries(r, w);
}

static void pass_shard(void *context, run *r, worker *w, int thread, int threads) {
  (void)context;
  run_clear_gradient(r, thread, threads);
  if (threads > 1) barrier_wait(&r->meet, threads, &w->sense);
  run_walk(r, w, run_visit, NULL, thread, threads);
}

void run_each_shard(run *r, shard_visit *one, void *context, int thread, int threads) {
  if (r->team) {
    team_run(r, one, context, thread, threads);
    return;
  }
  r->worker[thread].number = thread;
  one(context, r, &r->worker[thread], thread, threads);
}

void run_add_shards(run *r, int thread, int threads) {
  if (r->team) team_add(r, thread, threads);
}

static void pass_work(void *context, int thread, int threads) {
  run *r = context;
  if (r->calls.n)
    calls_run(r, &r->worker[thread]);
  else
    run_each_shard(r, pass_shard, NULL, thread, threads);
}

static void add_work(void *context, int thread, int threads) { run_add_shards(context, thread, threads); }

/* Where each example is on each axis, and how long. */
static void find_sequences(run *r) {
  for (int i = 0; i < r->f->n_axes; i++) {
    const batch_axis *a = &r->b->axes[i];
    int *sequence = r->sequence + (int64_t)i * r->f->max_rows, *length = r->length + (int64_t)i * r->f->max_rows;
    for (int q = 0, steps = a->steps; q < r->b->rows; q++) {
      while (steps > 0 && a->active[steps - 1] <= q) steps--;
      length[q] = steps;
      sequence[a->order ? a->order[q] : q] = q;
    }
  }
}

/* What may be another number in every pass. */
static void set_numbers(run *r, int training) {
  r->training = training;
  r->consts[CONST_SCALE] = (float)r->b->loss_scale;
  for (int i = 0; r->b->varying && i < r->f->n_varying; i++) r->consts[CONST_VARYING + i] = (float)r->b->varying[i];
}

void run_begin(run *r, const batch *b, int training) {
  const int most = r->team ? r->f->whole_rows : r->f->max_rows;
  const int64_t cells = r->team ? r->f->whole_cells : r->f->max_cells;
  assert(b->rows <= most);
  for (int i = 0; i < r->f->n_axes; i++) assert(b->axes[i].steps <= r->f->max_steps && b->axes[i].first[b->axes[i].steps] <= cells);
  (void)most;
  (void)cells;
  r->b = r->whole = b;
  r->window.begins = r->window.ends = true;
  set_numbers(r, training);
  if (r->team)
    team_begin(r);
  else
    find_sequences(r);
}

/* Rows begin from zeros. */
static void forget(run *r, const bool *begins, int n) {
  for (int b = 0; b < n; b++) {
    int64_t row = b;
    float *of_shard = !begins[b] ? NULL : r->team ? team_carry(r, b, &row) : r->carry;
    for (int i = 0; i < r->f->n_carries && of_shard; i++) {
      const struct frozen_carry *c = &r->f->carries[i];
      memset(of_shard + c->offset + row * c->row, 0, (size_t)c->row * sizeof(float));
    }
  }
}

void run_pass(run *r, const batch *b, int training) {
  if (r->calls.n) {
    assert(b == r->b);
    set_numbers(r, training);
  } else
    run_begin(r, b, training);
  if (b->begins) forget(r, b->begins, b->rows);
  pool_run(r->workers, pass_work, r);
  if (r->team && r->f->gradient) pool_run(r->workers, add_work, r);
}

unroll_status run_stay(run *r, const batch *b, unroll_error *err) { return calls_make(r, b) ? UNROLL_OK : error_memory(err); }

double run_loss(const run *r, int number) {
  if (r->team) return team_loss(r, number);
  const struct frozen_loss *l = &r->f->losses[number];
  int64_t n = r->b->rows;
  if (l->of_steps) n = r->b->axes[l->axis].first[r->b->axes[l->axis].steps];
  const float *p = r->arena + l->at.offset;
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)p[i * l->at.row];
  return sum;
}

const float *run_value(const run *r, int number, ptrdiff_t *row) {
  for (int i = 0; i < r->f->n_keep; i++)
    if (r->f->keep[i].node == number) {
      const place *at = &r->f->keep[i].at;
      *row = at->row;
      if (r->team && at->base == PLACE_ARENA) {
        *row = at->rows == ROWS_ONE ? 0 : r->f->keep[i].width;
        return team_value(r, i);
      }
      return at->base == PLACE_ARENA   ? r->arena + at->offset
             : at->base == PLACE_CONST ? r->consts + at->offset
                                       : r->pack + at->offset;
    }
  return NULL;
}

float *run_gradient(run *r) { return r->team ? team_gradient(r) : r->gradient; }

int64_t run_carry_size(const run *r) {
  int64_t n = 0;
  for (int i = 0; i < r->f->n_carries; i++) n += (int64_t)r->f->whole_rows * r->f->carries[i].width;
  return n;
}

static void carry_copy(const run *r, float *out, const float *in) {
  for (int i = 0; i < r->f->n_carries; i++) {
    const struct frozen_carry *c = &r->f->carries[i];
    const size_t size = (size_t)c->width * sizeof(float);
    for (int b = 0; b < r->f->whole_rows; b++) {
      int64_t row = b;
      float *of_shard = r->team ? team_carry(r, b, &row) : r->carry;
      const bool here = of_shard != NULL;
      float *mine = here ? of_shard + c->offset + row * c->row : NULL;
      if (out && here) memcpy(out, mine, size);
      if (out && !here) memset(out, 0, size); /* another process has it */
      if (in && here) memcpy(mine, in, size);
      if (out) out += c->width;
      if (in) in += c->width;
    }
  }
}
void run_carry_reset(run *r) {
  if (r->team)
    team_carry_reset(r);
  else
    memset(r->carry, 0, (size_t)r->f->carry * sizeof(float));
}
void run_carry_get(const run *r, float *out) { carry_copy(r, out, NULL); }
void run_carry_set(run *r, const float *in) { carry_copy(r, NULL, in); }
