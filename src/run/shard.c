/* shard.c - a batch in shards. A shard runs as if it were a process that shares the weights: with matrices, carries and a gradient
 * of its own. Nothing but weights and gradients goes from one core to another.
 *
 * Threads sit at desks, each a run with matrices for one shard. Where there are more shards than threads, a desk has one
 * thread, and its shards one after the other. Else a desk has one shard, and its threads share the work as they do with a batch
 * in one piece. When all have run, a binary tree over the shards' numbers adds the gradients: 0 + 1, 2 + 3, then 0 + 2, and so
 * on. So the bits do not depend on who ran what. A shard without rows, which comes after all that have some, adds nothing. */
#include <limits.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "run/internal.h"

typedef struct shard {
  float *carry, *gradient;
  uint8_t *touched;
  double *losses; /* [n_losses] of the last pass */
  bool runs;      /* it has rows */
} shard;

typedef struct team {
  int first, end; /* the shards that are run here */
  int n_desks;
  run **desk;
  cutting *cut;  /* [n_desks] */
  shard *shards; /* [f->shards + 1], the last one for the sum where none is run here; of those that are not, only `losses` and
                    `runs` */
  float **kept;  /* [n_keep] what is kept, as of a batch in one piece: row after row without padding */
  const run_piece *pieces;
  int n_pieces, n_added; /* those that are added up before the end of the pass */
  team_look *look;       /* NULL: nobody looks meanwhile */
  void *context;
  atomic_int *passed; /* [threads] stages of its last shard that each has done */
} team;

/* What of n shards is a thread's: which, at which desk, and which of the threads there it is. */
typedef struct seat {
  int from, to, desk, thread, threads;
} seat;

static int first_thread(int number, int n, int threads) { return (number * threads + n - 1) / n; }

static seat seat_of(const team *t, int thread, int threads) {
  const int n = t->end - t->first;
  if (threads <= n) return (seat){t->first + n * thread / threads, t->first + n * (thread + 1) / threads, thread, 0, 1};
  if (!n) return (seat){.threads = 1};
  const int own = thread * n / threads, begin = first_thread(own, n, threads);
  return (seat){t->first + own, t->first + own + 1, own, thread - begin, first_thread(own + 1, n, threads) - begin};
}

/* --- a team's life --- */

static bool shard_init(shard *s, const frozen *f) {
  s->carry = mem_aligned((size_t)f->carry + LANES, sizeof(float));
  if (f->gradient) s->gradient = mem_aligned((size_t)f->n_weights + LANES, sizeof(float));
  if (f->gradient) s->touched = run_touched_new(f);
  return s->carry && (!f->gradient || (s->gradient && s->touched));
}

/* By the thread that will use it, so that the memory is near its core. */
static void furnish(void *context, int thread, int threads) {
  run *r = context;
  team *t = r->team;
  const seat at = seat_of(t, thread, threads);
  if (at.from == at.to || at.thread) return;
  if (run_alone(&t->desk[at.desk], r->f, r->weights, NULL, at.threads, r->pack, NULL)) return;
  if (!cutting_init(&t->cut[at.desk], r->f)) return;
  for (int i = at.from; i < at.to; i++) shard_init(&t->shards[i], r->f);
}

static bool is_furnished(const team *t, const frozen *f, int threads) {
  const int n = t->end - t->first, desks = n < threads ? n : threads;
  bool full = true;
  for (int i = 0; i < desks; i++) full = full && t->desk[i] && t->cut[i].number;
  for (int i = t->first; i < t->end; i++) full = full && t->shards[i].carry && (!f->gradient || t->shards[i].touched);
  for (int i = 0; i < f->shards; i++) full = full && t->shards[i].losses;
  for (int i = 0; i < f->n_keep; i++) full = full && t->kept[i];
  return full;
}

unroll_status team_new(run *r, const int range[2], unroll_error *err) {
  const frozen *f = r->f;
  team *t = r->team = mem_zero(1, sizeof *t);
  if (!t) return error_memory(err);
  t->first = range[0];
  t->end = range[1];
  t->n_desks = t->end - t->first < r->n_workers ? t->end - t->first : r->n_workers;
  t->desk = mem_zero((size_t)t->n_desks + 1, sizeof *t->desk);
  t->cut = mem_zero((size_t)t->n_desks + 1, sizeof *t->cut);
  t->shards = mem_zero((size_t)f->shards + 1, sizeof *t->shards);
  t->kept = mem_zero((size_t)f->n_keep + 1, sizeof *t->kept);
  t->passed = mem_zero((size_t)r->n_workers, sizeof *t->passed);
  if (!t->desk || !t->cut || !t->shards || !t->kept || !t->passed) return error_memory(err);
  for (int i = 0; i < f->n_keep; i++) {
    const struct frozen_keep *k = &f->keep[i];
    const int64_t n = k->at.rows == ROWS_STEP ? f->whole_cells : k->at.rows == ROWS_BATCH ? f->whole_rows : 1;
    t->kept[i] = mem_zero((size_t)n * (size_t)k->width + 1, sizeof **t->kept); /* rows of others' shards are zeros */
  }
  for (int i = 0; i < f->shards; i++) t->shards[i].losses = mem_zero((size_t)f->n_losses + 1, sizeof *t->shards[i].losses);
  if (t->first == t->end && !shard_init(&t->shards[f->shards], f)) return error_memory(err);
  pool_run(r->workers, furnish, r);
  return is_furnished(t, f, pool_threads(r->workers)) ? UNROLL_OK : error_memory(err); /* fewer threads if the system gave fewer */
}

void team_free(run *r) {
  team *t = r->team;
  for (int i = 0; i < t->n_desks; i++) {
    if (t->desk) run_free(t->desk[i]);
    if (t->cut) cutting_free(&t->cut[i], r->f);
  }
  for (int i = 0; t->shards && i <= r->f->shards; i++) {
    mem_free_aligned(t->shards[i].carry);
    mem_free_aligned(t->shards[i].gradient);
    mem_free(t->shards[i].touched);
    mem_free(t->shards[i].losses);
  }
  for (int i = 0; t->kept && i < r->f->n_keep; i++) mem_free(t->kept[i]);
  mem_free(t->desk);
  mem_free(t->cut);
  mem_free(t->shards);
  mem_free(t->kept);
  mem_free(t->passed);
  mem_free(t);
}

void team_set_kernels(run *r, const kernels *k) {
  for (int i = 0; i < r->team->n_desks; i++)
    if (r->team->desk[i]) run_set_kernels(r->team->desk[i], k);
}

worker *team_worker(const run *r, int thread) {
  const seat at = seat_of(r->team, thread, pool_threads(r->workers));
  if (!r->team->n_desks) return NULL;
  return &r->team->desk[at.desk]->worker[at.thread];
}

/* --- a pass --- */

static void keep_step(const run *r, const struct frozen_keep *k, const cutting *c, const float *from, float *to) {
  const batch_axis *a = &c->axes[k->axis];
  const int64_t *first = r->whole->axes[k->axis].first;
  for (int t = 0; t < a->steps; t++)
    for (int q = 0; q < a->active[t]; q++)
      memcpy(to + (first[t] + a->whole[q]) * k->width, from + (a->first[t] + q) * k->at.row, (size_t)k->width * sizeof *to);
}

/* What the desk's matrices hold that somebody will ask for. */
static void keep_results(const run *r, const run *desk, const cutting *c, int number) {
  const frozen *f = r->f;
  shard *s = &r->team->shards[number];
  for (int i = 0; i < f->n_losses; i++) s->losses[i] = run_loss(desk, i);
  for (int i = 0; i < f->n_keep; i++) {
    const struct frozen_keep *k = &f->keep[i];
    const float *from = desk->arena + k->at.offset;
    float *to = r->team->kept[i];
    if (k->at.base != PLACE_ARENA) continue;
    if (k->at.rows == ROWS_STEP)
      keep_step(r, k, c, from, to);
    else if (k->at.rows == ROWS_BATCH)
      for (int b = 0; b < c->b.rows; b++)
        memcpy(to + (int64_t)(b * f->shards + number) * k->width, from + b * k->at.row, (size_t)k->width * sizeof *to);
    else if (number == r->team->first)
      memcpy(to, from, (size_t)k->width * sizeof *to);
  }
}

static void sit_down(const run *r, int number, int at) {
  shard *s = &r->team->shards[number];
  run *desk = r->team->desk[at];
  cutting *c = &r->team->cut[at];
  cutting_make(c, r->f, r->whole, number);
  desk->carry = s->carry;
  desk->gradient = s->gradient;
  desk->touched = s->touched;
  run_begin(desk, &c->b, r->training);
}

void team_begin(run *r) {
  for (int i = 0; i < r->f->shards; i++) r->team->shards[i].runs = i < r->whole->rows;
  for (int i = 0; i < r->n_workers; i++) atomic_store(&r->team->passed[i], 0);
  r->team->n_added = 0;
}

void team_run(run *r, shard_visit *one, void *context, int thread, int threads) {
  team *t = r->team;
  const seat at = seat_of(t, thread, threads);
  int last = at.to - 1;
  while (last >= at.from && !t->shards[last].runs) last--;
  if (last < at.from) atomic_store(&t->passed[thread], INT_MAX);
  if (at.from == at.to) return;
  run *desk = t->desk[at.desk];
  worker *w = &desk->worker[at.thread];
  w->number = thread;
  for (int i = at.from; i <= last; i++) {
    if (at.thread == 0) {
      sit_down(r, i, at.desk);
      desk->above = i == last && t->look && !run_in_windows(desk) ? r : NULL;
    }
    if (at.threads > 1) barrier_wait(&desk->meet, at.threads, &w->sense);
    one(context, desk, w, at.thread, at.threads);
    if (at.thread == 0) keep_results(r, desk, &t->cut[at.desk], i);
  }
}

void run_add_units(float *to, uint8_t *touched, const float *from, const uint8_t *more, int64_t n, int64_t left) {
  for (int64_t u = 0, end; u < n; u = end) {
    const bool has = more[u] != UNIT_ZERO;
    for (end = u; end < n && (more[end] != UNIT_ZERO) == has; end++)
      if (has && touched[end] == UNIT_ZERO) touched[end] = UNIT_TOUCHED;
    const int64_t stop = end * UNIT < left ? end * UNIT : left;
    for (int64_t i = u * UNIT; has && i < stop; i++) to[i] += from[i];
  }
}

/* Of one shard's subtree to that on its left, the units from `at` on. */
static void add_shard(const frozen *f, shard *to, const shard *from, int64_t at, int64_t n) {
  run_add_units(to->gradient + at * UNIT, to->touched + at, from->gradient + at * UNIT, from->touched + at, n,
                f->n_weights - at * UNIT);
}

enum { AT_ONCE = 32 }; /* units: of all shards they stay in the first-level cache */

/* What the tree adds of the shards that are run here. */
static void add_units(const run *r, int64_t from, int64_t to) {
  const team *t = r->team;
  shard *s = t->shards;
  for (int64_t u = from; u < to; u += AT_ONCE)
    for (int step = 1; step < r->f->shards; step *= 2)
      for (int i = (t->first + 2 * step - 1) / (2 * step) * 2 * step; i + 2 * step <= t->end && s[i + step].runs; i += 2 * step)
        add_shard(r->f, &s[i], &s[i + step], u, to - u < AT_ONCE ? to - u : AT_ONCE);
}

void team_add(run *r, int thread, int threads) {
  const team *t = r->team;
  int64_t from, to;
  if (!t->n_added) {
    run_share(r->f->n_weights / UNIT + 1, AT_ONCE, thread, threads, &from, &to);
    add_units(r, from, to);
    return;
  }
  for (int i = t->n_added; i < t->n_pieces; i++) {
    const run_piece *p = &t->pieces[i];
    run_share(p->end - p->from, AT_ONCE, thread, threads, &from, &to);
    add_units(r, p->from + from, p->from + to);
  }
}

/* --- meanwhile --- */

void team_set_look(run *r, const run_piece *pieces, int n, team_look *look, void *context) {
  team *t = r->team;
  t->pieces = pieces;
  t->n_pieces = n;
  t->look = look;
  t->context = context;
}

bool team_is_final(run *r, int piece) {
  team *t = r->team;
  for (int i = 0; i < pool_threads(r->workers); i++)
    if (atomic_load(&t->passed[i]) <= t->pieces[piece].after) return false;
  add_units(r, t->pieces[piece].from, t->pieces[piece].end);
  t->n_added = piece + 1;
  return true;
}

void team_passed(run *r, const worker *w, int number) {
  team *t = r->team;
  if (number >= 0) atomic_store(&t->passed[w->number], number + 1);
  if (w->number == 0) t->look(t->context);
}

/* --- what comes out --- */

static shard *sum_of(const run *r) { return &r->team->shards[r->team->first < r->team->end ? r->team->first : r->f->shards]; }

float *team_gradient(const run *r) { return sum_of(r)->gradient; }
const uint8_t *team_touched(const run *r) { return sum_of(r)->touched; }
double *team_losses(const run *r, int number) { return r->team->shards[number].losses; }

float *team_slope(const run *r, int number, uint8_t **touched) {
  const shard *s = number < 0 ? sum_of(r) : &r->team->shards[number];
  *touched = s->touched;
  return s->gradient;
}

const float *team_value(const run *r, int keep) { return r->team->kept[keep]; }

/* The same tree. */
double team_loss(const run *r, int number) {
  double sum[MOST_SHARDS];
  const int n = r->f->shards;
  for (int i = 0; i < n; i++) sum[i] = r->team->shards[i].losses[number];
  for (int step = 1; step < n; step *= 2)
    for (int i = 0; i + step < n && r->team->shards[i + step].runs; i += 2 * step) sum[i] += sum[i + step];
  return sum[0];
}

float *team_carry(const run *r, int row, int64_t *own) {
  *own = row / r->f->shards;
  return r->team->shards[row % r->f->shards].carry;
}

void team_carry_reset(run *r) {
  for (int i = r->team->first; i < r->team->end; i++) memset(r->team->shards[i].carry, 0, (size_t)r->f->carry * sizeof(float));
}
