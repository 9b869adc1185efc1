/* flow.c - see flow.h.
 *
 * The last step's loss is an equation like any other: last(loss). Its gradient graph has the adjoint of every state at every step,
 * and the plan keeps these. States that go backwards get the same with first(loss), in a graph of their own. */
#include "use/flow.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "run/make.h"
#include "use/pass.h"
#include "verify/random_batch.h"

enum { ROWS = 32, MOST_ROWS = 256, MOST_STATES = 256 };

typedef struct walk { /* the states of one direction */
  flow *f;
  graph g;
  bool backwards;
  int *states, *adjoints; /* [n] */
  int n;
  double *norms; /* [n][MOST_ROWS][lags + 1]; NaN: no such step */
  int rows;      /* so far */
} walk;

/* --- the graph --- */

/* Named values that a later step reads, or an earlier one. */
static unroll_status find_states(walk *w, unroll_error *err) {
  const int dir = w->backwards ? -1 : 1;
  w->states = mem_zero(MOST_STATES, sizeof *w->states);
  w->adjoints = mem_zero(MOST_STATES, sizeof *w->adjoints);
  if (!w->states || !w->adjoints) return error_memory(err);
  for (int i = 0; i < w->g.n_nodes; i++) {
    const node *s = graph_at(&w->g, i), *x = s->op == OP_SHIFT && s->in[0] >= 0 ? graph_at(&w->g, s->in[0]) : NULL;
    bool known = !x || !x->name || s->dir != dir || w->n == MOST_STATES;
    for (int k = 0; k < w->n && !known; k++) known = w->states[k] == s->in[0];
    if (!known) w->states[w->n++] = s->in[0];
  }
  return UNROLL_OK;
}

static unroll_status differentiate(walk *w, unroll_error *err) {
  graph *g = &w->g;
  seed *seeds = mem_zero((size_t)g->n_losses + 1, sizeof *seeds);
  if (!seeds) return error_memory(err);
  for (int i = 0; i < g->n_losses; i++) {
    const node *of = graph_at(g, g->losses[i].node);
    const node edge = {.op = OP_EDGE,
                       .space = SPACE_STATIC,
                       .axis = of->axis,
                       .width = of->width,
                       .in = {g->losses[i].node, NODE_NONE, NODE_NONE, NODE_NONE},
                       .dir = w->backwards ? 1 : -1,
                       .param = -1,
                       .slot = -1};
    seeds[i].node = of->space == SPACE_STEP ? graph_node(g, edge) : g->losses[i].node;
  }
  for (int i = 0; i < g->n_losses; i++) seeds[i].cotangent = graph_const(g, 1);
  const unroll_status status = graph_differentiate_wanting(g, seeds, g->n_losses, w->states, w->adjoints, w->n, err);
  mem_free(seeds);
  return status;
}

/* --- norms --- */

static double norm(const float *x, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
  return sqrt(sum);
}

/* The gradients of a pass: sequence q of an axis has as many steps as it is active. */
static void take_state(walk *w, const run *r, const batch *b, int k) {
  const node *x = w->adjoints[k] >= 0 ? graph_at(&w->g, w->adjoints[k]) : NULL;
  if (!x || x->space != SPACE_STEP) return;
  const batch_axis *axis = &b->axes[x->axis];
  ptrdiff_t stride;
  const float *from = run_value(r, w->adjoints[k], &stride);
  const int lags = w->f->lags, rows = axis->steps ? axis->active[0] : 0;
  for (int q = 0, steps = axis->steps; q < rows; q++) {
    while (axis->active[steps - 1] <= q) steps--; /* sequences are in order of decreasing length */
    const int row = w->rows + (axis->order ? axis->order[q] : q);
    for (int lag = 0; row < MOST_ROWS && lag <= lags && lag < steps; lag++) {
      const int t = w->backwards ? lag : steps - 1 - lag;
      w->norms[((size_t)k * MOST_ROWS + (size_t)row) * (size_t)(lags + 1) + (size_t)lag] =
          norm(from + (axis->first[t] + q) * stride, x->width);
    }
  }
}

static void take(walk *w, const run *r, const batch *b) {
  for (int k = 0; k < w->n; k++) take_state(w, r, b, k);
  w->rows += b->rows;
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* The median of those that are there. */
static double median(double *x, int n) {
  int there = 0;
  for (int i = 0; i < n; i++)
    if (!isnan(x[i])) x[there++] = x[i];
  if (!there) return (double)NAN;
  qsort(x, (size_t)there, sizeof *x, compare);
  return there % 2 ? x[there / 2] : (x[there / 2 - 1] + x[there / 2]) / 2;
}

static int rows_of(const walk *w) { return w->rows < MOST_ROWS ? w->rows : MOST_ROWS; }

static double norm_at(const walk *w, int state, int row, int lag) {
  return w->norms[((size_t)state * MOST_ROWS + (size_t)row) * (size_t)(w->f->lags + 1) + (size_t)lag];
}

static unroll_status summarise(walk *w, unroll_error *err) {
  flow *f = w->f;
  double column[MOST_ROWS];
  for (int k = 0; k < w->n; k++) {
    double *norms = arena_alloc(&f->memory, (size_t)f->lags + 1, sizeof *norms);
    const char *name = graph_at(&w->g, w->states[k])->name, *copy = arena_text(&f->memory, name, strlen(name));
    if (!norms || !copy) return error_memory(err);
    for (int lag = 0; lag <= f->lags; lag++) {
      for (int r = 0; r < rows_of(w); r++) column[r] = norm_at(w, k, r, lag);
      norms[lag] = median(column, rows_of(w));
    }
    f->states[f->n_states++] = (flow_state){copy, w->backwards, norms};
  }
  return UNROLL_OK;
}

/* The norm of all states together. */
static double joint(const walk *w, int row, int lag) {
  double sum = 0;
  for (int k = 0; k < w->n; k++) {
    const double x = norm_at(w, k, row, lag);
    if (w->adjoints[k] >= 0 && !isnan(x)) sum += x * x;
  }
  return sqrt(sum);
}

/* The slope between half of the lags that an example has and all of them. */
static double exponent(const walk *w) {
  double slopes[MOST_ROWS];
  for (int r = 0; r < rows_of(w); r++) {
    int last = w->f->lags;
    while (last > 0 && !(joint(w, r, last) > 0)) last--;
    const double from = joint(w, r, last / 2), to = joint(w, r, last);
    slopes[r] = last >= 4 && from > 0 ? log(to / from) / (last - last / 2) : (double)NAN;
  }
  return median(slopes, rows_of(w));
}

/* --- running --- */

typedef struct taker {
  walk *w;
  pass *s;
} taker;

static unroll_status take_pass(void *context, unroll_error *err) {
  const taker *t = context;
  (void)err;
  take(t->w, t->s->run, &batcher_examples(t->s->batches)->b);
  return UNROLL_OK;
}

static int kept(const walk *w, int *keep) {
  int n = 0;
  for (int k = 0; k < w->n; k++)
    if (w->adjoints[k] >= 0) keep[n++] = w->adjoints[k];
  return n;
}

static unroll_status run_data(walk *w, const model *m, const dataset *d, pool *workers, unroll_error *err) {
  model own = *m; /* borrows everything but the graph */
  part all = {0};
  pass s = {0};
  taker t = {w, &s};
  int keep[MOST_STATES];
  own.g = w->g;
  const pass_options o = {
      .rows = ROWS, .steps = w->f->lags + 1, .uneven = true, .cold = true, .keep = keep, .n_keep = kept(w, keep)};
  unroll_status status = part_whole(&all, d, err);
  if (!status && !d->stream && all.n > MOST_ROWS) all.n = MOST_ROWS;
  if (!status) status = pass_init(&s, &own, m->weights, &all, &o, workers, err);
  if (!status) status = pass_all(&s, take_pass, &t, NULL, err);
  pass_free(&s);
  part_free(&all);
  return status;
}

static unroll_status run_made_up(walk *w, const float *weights, uint64_t key, pool *workers, unroll_error *err) {
  random_batch b;
  plan *p = NULL;
  run *r = NULL;
  int keep[MOST_STATES], lengths[ROWS];
  for (int i = 0; i < ROWS; i++) lengths[i] = w->f->lags + 1;
  const plan_options o = {.max_rows = ROWS, .max_steps = w->f->lags + 1, .keep = keep, .n_keep = kept(w, keep)};
  unroll_status status = random_batch_new(&b, &w->g, ROWS, lengths, key, err);
  if (!status) status = run_make(&r, &p, &w->g, &o, weights, workers, err);
  if (!status) {
    run_pass(r, &b.b, 0);
    take(w, r, &b.b);
  }
  run_free(r);
  plan_free(p);
  random_batch_free(&b);
  return status;
}

static unroll_status walk_one(flow *f, model *m, const dataset *d, bool backwards, uint64_t key, pool *workers, unroll_error *err) {
  walk w = {.f = f, .backwards = backwards};
  unroll_status status = model_graph(m, &w.g, false, err);
  if (!status) status = find_states(&w, err);
  if (!status && w.n) {
    const size_t n = (size_t)w.n * MOST_ROWS * (size_t)(f->lags + 1);
    w.norms = mem_zero(n, sizeof *w.norms);
    for (size_t i = 0; w.norms && i < n; i++) w.norms[i] = (double)NAN;
    status = w.norms ? differentiate(&w, err) : error_memory(err);
    if (!status) status = d ? run_data(&w, m, d, workers, err) : run_made_up(&w, m->weights, key, workers, err);
    if (!status) status = summarise(&w, err);
    if (!status && !backwards) f->exponent = exponent(&w);
  }
  graph_free(&w.g);
  mem_free(w.states);
  mem_free(w.adjoints);
  mem_free(w.norms);
  return status;
}

static unroll_status find_matrices(flow *f, const model *m, unroll_error *err) {
  f->matrices = arena_alloc(&f->memory, (size_t)m->g.n_params + 1, sizeof *f->matrices);
  if (!f->matrices) return error_memory(err);
  for (int i = 0; i < m->g.n_params; i++) {
    const param *p = &m->g.params[i];
    if (p->role != PARAM_RECURRENT_MATRIX || p->rows != p->cols) continue;
    flow_matrix *x = &f->matrices[f->n_matrices++];
    x->name = arena_text(&f->memory, p->name, strlen(p->name));
    if (!x->name) return error_memory(err);
    x->radius = flow_radius(m->weights + p->offset, p->rows);
    flow_singular(m->weights + p->offset, p->rows, &x->largest, &x->least);
  }
  return UNROLL_OK;
}

unroll_status flow_find(flow *f, model *m, const dataset *d, int lags, uint64_t key, pool *workers, unroll_error *err) {
  *f = (flow){.lags = lags, .exponent = (double)NAN};
  f->states = arena_alloc(&f->memory, 2 * MOST_STATES, sizeof *f->states);
  if (!f->states) return error_memory(err);
  unroll_status status = walk_one(f, m, d, false, key, workers, err);
  if (!status) status = walk_one(f, m, d, true, key, workers, err);
  if (!status && !f->n_states) status = error_set(err, UNROLL_USAGE, "this net has no state that goes from step to step");
  return status ? status : find_matrices(f, m, err);
}

void flow_free(flow *f) { arena_free(&f->memory); }
