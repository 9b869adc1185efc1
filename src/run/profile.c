/* profile.c - see profile.h.
 *
 * The idea: the runner calls kernels through a table. A table of kernels that look at the clock before and after tells product
 * and equations apart, without a branch in the runner. The time of a stage beyond that of its kernels was spent on finding rows
 * and tiles. In stages that only move numbers it was spent on moving them. */
#include "run/profile.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/ticks.h"
#include "run/internal.h"

enum clock_kind { CLOCK_PRODUCT, CLOCK_TILE, CLOCK_ROWS, CLOCK_MOVE, CLOCKS };

/* What the kernels of one thread took since the stage began. */
typedef struct clocks {
  const kernels *k; /* the real ones */
  uint64_t ticks[CLOCKS];
  double operations;
  waiting waits;
} clocks;

static _Thread_local clocks *mine;

typedef struct thread_profile {
  _Alignas(64) clocks now;
  uint64_t begin, end, at; /* of the pass; the last look at the clock */
  struct stage_ticks {
    uint64_t ticks[PROFILE_KINDS], product, meetings;
    double operations;
  } * stages; /* [n_stages + 1]: the last one for what comes before and after the stages */
} thread_profile;

struct profile {
  run *r;
  kernels table;
  int n_threads, n_stages, passes;
  thread_profile *threads;
  profile_part added;
  double wall, ticks; /* of the passes, for the length of a tick */
  double extra;       /* seconds of what was added */
};

/* --- kernels that look at the clock --- */

#define TIMED(clock, call)                                                                                                         \
  do {                                                                                                                             \
    const uint64_t before = ticks_now();                                                                                           \
    mine->k->call;                                                                                                                 \
    mine->ticks[clock] += ticks_now() - before;                                                                                    \
  } while (0)

static void count_product(const product *p, double each) {
  for (int i = 0; i < p->n_parts; i++) mine->operations += each * p->rows * p->parts[i].k * p->vectors * LANES;
}
static void timed_product(const product *p) {
  TIMED(CLOCK_PRODUCT, product(p));
  count_product(p, 2.0);
}
static void timed_product_pairs(const product *p) {
  TIMED(CLOCK_PRODUCT, product_pairs(p));
  count_product(p, 4.0);
}
static void timed_product_bytes(const product *p) {
  TIMED(CLOCK_PRODUCT, product_bytes(p));
  count_product(p, 8.0);
}
static void timed_tile(const tile_instruction *code, int n, const tile_operand *operands, int count, int vectors) {
  TIMED(CLOCK_TILE, tile(code, n, operands, count, vectors));
}
static void timed_softmax(float *y, ptrdiff_t y_row, const float *x, ptrdiff_t x_row, int count, int n) {
  TIMED(CLOCK_ROWS, softmax(y, y_row, x, x_row, count, n));
}
static void timed_softmax_grad(float *dx, ptrdiff_t dx_row, const float *y, ptrdiff_t y_row, const float *dy, ptrdiff_t dy_row,
                               int count, int n) {
  TIMED(CLOCK_ROWS, softmax_grad(dx, dx_row, y, y_row, dy, dy_row, count, n));
}
static void timed_cross_entropy(float *l, ptrdiff_t l_row, const float *x, ptrdiff_t x_row, const int32_t *index, int count,
                                int n) {
  TIMED(CLOCK_ROWS, cross_entropy(l, l_row, x, x_row, index, count, n));
}
static void timed_cross_entropy_grad(float *dx, ptrdiff_t dx_row, const float *x, ptrdiff_t x_row, const float *l, ptrdiff_t l_row,
                                     const float *dl, ptrdiff_t dl_row, const int32_t *index, int count, int n) {
  TIMED(CLOCK_ROWS, cross_entropy_grad(dx, dx_row, x, x_row, l, l_row, dl, dl_row, index, count, n));
}
static void timed_row_sum(float *y, ptrdiff_t y_row, const float *x, ptrdiff_t x_row, int count, int n) {
  TIMED(CLOCK_ROWS, row_sum(y, y_row, x, x_row, count, n));
}
static void timed_layernorm_scale(float *scale, ptrdiff_t scale_row, const float *x, ptrdiff_t x_row, int count, int n) {
  TIMED(CLOCK_ROWS, layernorm_scale(scale, scale_row, x, x_row, count, n));
}
static void timed_layernorm(float *y, ptrdiff_t y_row, const float *x, ptrdiff_t x_row, const float *scale, ptrdiff_t scale_row,
                            int count, int n) {
  TIMED(CLOCK_ROWS, layernorm(y, y_row, x, x_row, scale, scale_row, count, n));
}
static void timed_layernorm_grad(float *dx, ptrdiff_t dx_row, const float *y, ptrdiff_t y_row, const float *scale,
                                 ptrdiff_t scale_row, const float *dy, ptrdiff_t dy_row, int count, int n) {
  TIMED(CLOCK_ROWS, layernorm_grad(dx, dx_row, y, y_row, scale, scale_row, dy, dy_row, count, n));
}
static void timed_gather(float *y, ptrdiff_t y_row, const float *from, ptrdiff_t from_row, const int32_t *index, int count, int n) {
  TIMED(CLOCK_MOVE, gather(y, y_row, from, from_row, index, count, n));
}
static void timed_scatter(float *to, ptrdiff_t to_row, const float *dy, ptrdiff_t dy_row, const int32_t *index, int step, int count,
                          int n) {
  TIMED(CLOCK_MOVE, scatter(to, to_row, dy, dy_row, index, step, count, n));
}
static void timed_dots(float *const *out, const float *const *x, int count, const step_rows *y, int n) {
  TIMED(CLOCK_ROWS, dots(out, x, count, y, n));
}
static void timed_mix(float *const *out, const float *const *w, int count, const step_rows *y, int n) {
  TIMED(CLOCK_ROWS, mix(out, w, count, y, n));
}
static void timed_additive(float *out, const float *x, const step_rows *y, const float *v, int n) {
  TIMED(CLOCK_ROWS, additive(out, x, y, v, n));
}
static void timed_additive_grad(float *out, const float *w, const float *x, const step_rows *y, const float *v, int n) {
  TIMED(CLOCK_ROWS, additive_grad(out, w, x, y, v, n));
}

static kernels timed_kernels(const kernels *real) {
  kernels k = *real;
  k.product = timed_product;
  k.product_pairs = timed_product_pairs;
  k.product_bytes = timed_product_bytes;
  k.tile = timed_tile;
  k.softmax = timed_softmax;
  k.softmax_grad = timed_softmax_grad;
  k.cross_entropy = timed_cross_entropy;
  k.cross_entropy_grad = timed_cross_entropy_grad;
  k.row_sum = timed_row_sum;
  k.layernorm_scale = timed_layernorm_scale;
  k.layernorm = timed_layernorm;
  k.layernorm_grad = timed_layernorm_grad;
  k.dots = timed_dots;
  k.mix = timed_mix;
  k.additive = timed_additive;
  k.additive_grad = timed_additive_grad;
  k.gather = timed_gather;
  k.scatter = timed_scatter;
  return k;
}

/* --- the walk --- */

/* What is left of a stage when its kernels and waits are taken away. */
static enum profile_kind rest_of(enum stage_kind kind) {
  static const enum profile_kind kinds[] = {
      [REST_WALK] = PROFILE_WALK, [REST_GRADIENT] = PROFILE_GRADIENT, [REST_ROWS] = PROFILE_ROWS, [REST_MOVE] = PROFILE_MOVE};
  return kinds[stage_rows[kind].rest];
}

static void add_stage(struct stage_ticks *to, const clocks *c, enum stage_kind kind, uint64_t all) {
  uint64_t inside = c->waits.ticks;
  for (int i = 0; i < CLOCKS; i++) inside += c->ticks[i];
  to->product += c->ticks[CLOCK_PRODUCT];
  to->operations += c->operations;
  to->ticks[rest_of(kind)] += all > inside ? all - inside : 0;
  to->ticks[rest_of(kind) == PROFILE_GRADIENT ? PROFILE_GRADIENT : PROFILE_PRODUCT] += c->ticks[CLOCK_PRODUCT];
  to->ticks[PROFILE_EQUATIONS] += c->ticks[CLOCK_TILE];
  to->ticks[PROFILE_ROWS] += c->ticks[CLOCK_ROWS];
  to->ticks[PROFILE_MOVE] += c->ticks[CLOCK_MOVE];
  to->ticks[PROFILE_WAIT] += c->waits.ticks;
  to->meetings += c->waits.count;
}

/* The time since *at, which becomes now: no moment is lost between two looks at the clock. */
static uint64_t since(uint64_t *at) {
  const uint64_t before = *at;
  *at = ticks_now();
  return *at - before;
}

static void meet(run *r, worker *w, int threads, struct stage_ticks *to, uint64_t *at) {
  if (threads == 1) return;
  barrier_wait(&r->meet, threads, &w->sense);
  to->ticks[PROFILE_WAIT] += since(at);
  to->meetings++;
}

static void timed_visit(void *context, run *r, worker *w, int number, int thread, int threads) {
  profile *p = context;
  thread_profile *t = &p->threads[w->number];
  t->now = (clocks){.k = t->now.k};
  run_stage(r, w, &r->f->stages[number], thread, threads);
  add_stage(&t->stages[number], &t->now, r->f->stages[number].kind, since(&t->at));
  meet(r, w, threads, &t->stages[number], &t->at);
}

static void timed_shard(void *context, run *r, worker *w, int thread, int threads) {
  profile *p = context;
  thread_profile *t = &p->threads[w->number];
  struct stage_ticks *outside = &t->stages[p->n_stages];
  outside->ticks[PROFILE_WALK] += since(&t->at); /* a shard's part of the batch was cut out */
  mine = &t->now;
  w->waiting = &t->now.waits;
  run_clear_gradient(r, thread, threads);
  outside->ticks[PROFILE_GRADIENT] += since(&t->at);
  meet(r, w, threads, outside, &t->at);
  run_walk(r, w, timed_visit, p, thread, threads);
  w->waiting = NULL;
}

static void timed_work(void *context, int thread, int threads) {
  profile *p = context;
  thread_profile *t = &p->threads[thread];
  t->at = t->begin = ticks_now();
  run_each_shard(p->r, timed_shard, p, thread, threads);
  t->stages[p->n_stages].ticks[PROFILE_MOVE] += since(&t->at);
  t->end = t->at;
}

static void timed_add(void *context, int thread, int threads) {
  profile *p = context;
  thread_profile *t = &p->threads[thread];
  t->at = ticks_now();
  run_add_shards(p->r, thread, threads);
  const uint64_t took = since(&t->at);
  t->stages[p->n_stages].ticks[PROFILE_GRADIENT] += took;
  t->end += took; /* the rest of the pass was spent on waiting */
}

void profile_pass(profile *p, const batch *b, int training) {
  const kernels *real = p->r->k;
  p->table = timed_kernels(real);
  for (int i = 0; i < p->n_threads; i++) {
    p->threads[i].now = (clocks){.k = real};
    p->threads[i].begin = p->threads[i].end = 0;
  }
  run_begin(p->r, b, training);
  const double start = time_now();
  const uint64_t first = ticks_now();
  run_set_kernels(p->r, &p->table);
  pool_run(p->r->workers, timed_work, p);
  if (p->r->team && p->r->f->gradient) pool_run(p->r->workers, timed_add, p);
  run_set_kernels(p->r, real);
  const uint64_t last = ticks_now();
  p->wall += time_now() - start;
  p->ticks += (double)(last - first);
  p->passes++;
  for (int i = 0; i < p->n_threads; i++) {
    thread_profile *t = &p->threads[i];
    const uint64_t all = last - first, worked = t->end - t->begin;
    t->stages[p->n_stages].ticks[PROFILE_WAIT] += all > worked ? all - worked : 0;
  }
}

void profile_add(profile *p, enum profile_kind kind, double seconds) {
  p->added.seconds[kind] += seconds * p->n_threads;
  p->extra += seconds;
}

/* --- a profile's life, and what it says --- */

void profile_clear(profile *p) {
  p->passes = 0;
  p->wall = p->ticks = p->extra = 0;
  p->added = (profile_part){0};
  for (int i = 0; i < p->n_threads; i++)
    for (int k = 0; k <= p->n_stages; k++) p->threads[i].stages[k] = (struct stage_ticks){0};
}

void profile_free(profile *p) {
  if (!p) return;
  for (int i = 0; p->threads && i < p->n_threads; i++) mem_free(p->threads[i].stages);
  mem_free_aligned(p->threads);
  mem_free(p);
}

unroll_status profile_new(profile **out, run *r, unroll_error *err) {
  *out = NULL;
  profile *p = mem_zero(1, sizeof *p);
  if (!p) return error_memory(err);
  p->r = r;
  p->n_threads = r->n_workers;
  p->n_stages = r->f->n_stages;
  p->threads = mem_aligned((size_t)p->n_threads, sizeof *p->threads);
  bool full = p->threads != NULL;
  for (int i = 0; full && i < p->n_threads; i++)
    full = (p->threads[i].stages = mem_zero((size_t)p->n_stages + 1, sizeof *p->threads[i].stages)) != NULL;
  if (!full) {
    profile_free(p);
    return error_memory(err);
  }
  *out = p;
  return UNROLL_OK;
}

const char *profile_kind_name(enum profile_kind kind) {
  static const char *const names[PROFILE_KINDS] = {
      [PROFILE_PRODUCT] = "products",     [PROFILE_EQUATIONS] = "equations", [PROFILE_ROWS] = "rows",
      [PROFILE_MOVE] = "gather, scatter", [PROFILE_PACK] = "packing",        [PROFILE_GRADIENT] = "weight gradients",
      [PROFILE_OPTIMIZER] = "optimizer",  [PROFILE_WALK] = "walk",           [PROFILE_WAIT] = "start, wait",
  };
  return names[kind];
}

int profile_passes(const profile *p) { return p->passes; }
double profile_seconds(const profile *p) { return p->wall + p->extra; }

profile_part profile_stage(const profile *p, int number) {
  const double tick = p->ticks > 0 ? p->wall / p->ticks : 0;
  profile_part sum = {0};
  for (int i = 0; i < p->n_threads; i++) {
    const struct stage_ticks *s = &p->threads[i].stages[number];
    for (int k = 0; k < PROFILE_KINDS; k++) sum.seconds[k] += (double)s->ticks[k] * tick;
    sum.product_seconds += (double)s->product * tick;
    sum.product_operations += s->operations;
    if (i == 0) sum.meetings = (double)s->meetings;
  }
  return sum;
}

profile_part profile_total(const profile *p) {
  profile_part sum = p->added;
  for (int i = 0; i <= p->n_stages; i++) {
    const profile_part s = profile_stage(p, i);
    for (int k = 0; k < PROFILE_KINDS; k++) sum.seconds[k] += s.seconds[k];
    sum.product_seconds += s.product_seconds;
    sum.product_operations += s.product_operations;
    sum.meetings += s.meetings;
  }
  return sum;
}
