/* optimizer.c - see optimizer.h. The update of a weight depends on nothing but that weight's own numbers. So the flat block is
 * cut into spans that threads share in any way. The norm is one sum in one fixed order, of sums of blocks that threads
 * share. */
#include "train/optimizer.h"
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "kernel/optimizer.h"

enum { SPAN = 1 << 14 };
enum { BLOCK = 4096, FEW_BLOCKS = 4 }; /* of a sum of squares; so few are not worth waking a thread */
static int64_t blocks_of(int64_t n) { return (n + BLOCK - 1) / BLOCK; }

struct optimizer_span {
  int64_t offset, n;
  bool decays;
};

static const char *const kind_names[] = {
    [OPTIMIZER_ADAM] = "adam", [OPTIMIZER_ADAMW] = "adamw", [OPTIMIZER_RMSPROP] = "rmsprop", [OPTIMIZER_SGD] = "sgd"};
enum { N_KINDS = sizeof kind_names / sizeof *kind_names };

unroll_status optimizer_kind_of(enum optimizer_kind *kind, const char *name, unroll_error *err) {
  for (int i = 0; i < N_KINDS; i++) {
    if (strcmp(name, kind_names[i])) continue;
    *kind = (enum optimizer_kind)i;
    return UNROLL_OK;
  }
  const char *near = text_nearest(name, kind_names, N_KINDS);
  return error_set(err, UNROLL_USAGE, "unknown optimizer '%s'%s%s%s", name, near ? "; did you mean '" : "", near ? near : "",
                   near ? "'?" : "; expected adam, adamw, rmsprop or sgd");
}

const char *optimizer_name(enum optimizer_kind kind) { return kind_names[kind]; }

/* Adam's m and v; RMSprop's square and velocity; SGD's velocity. No velocity without momentum. */
static int moments_of(const optimizer_options *o) {
  if (o->kind == OPTIMIZER_SGD) return o->momentum > 0 ? 1 : 0;
  if (o->kind == OPTIMIZER_RMSPROP) return o->momentum > 0 ? 2 : 1;
  return 2;
}

/* Pieces of parameters of one sort, in order; writes them to `spans` unless that is NULL; returns their number. */
static int cut(const graph *g, const bool *frozen, struct optimizer_span *spans) {
  int n = 0;
  for (int i = 0; i < g->n_params;) {
    const bool decays = !g->params[i].vector, stays = frozen && frozen[i];
    const int64_t begin = g->params[i].offset;
    for (i++; i < g->n_params && g->params[i].vector == !decays && (frozen && frozen[i]) == stays;) i++;
    if (stays) continue;
    const int64_t end = i < g->n_params ? g->params[i].offset : g->n_weights;
    for (int64_t at = begin; at < end; at += SPAN, n++)
      if (spans) spans[n] = (struct optimizer_span){at, end - at < SPAN ? end - at : SPAN, decays};
  }
  return n;
}

static unroll_status find_running(optimizer *o, const graph *g, unroll_error *err) {
  int n = 0;
  for (int i = 0; i < g->n_params; i++) n += g->params[i].role == PARAM_RUNNING;
  o->running = mem_zero((size_t)n + 1, sizeof *o->running);
  if (!o->running) return error_memory(err);
  for (int i = 0; i < g->n_params; i++) {
    const param *w = &g->params[i];
    if (w->role != PARAM_RUNNING || (o->options.frozen && o->options.frozen[i])) continue;
    struct optimizer_running *r = &o->running[o->n_running++];
    *r = (struct optimizer_running){w->offset, w->rows, mem_zero((size_t)w->rows, sizeof *r->toward)};
    if (!r->toward) return error_memory(err);
  }
  return UNROLL_OK;
}

static unroll_status find_frozen(optimizer *o, const graph *g, unroll_error *err) {
  if (!o->options.frozen) return UNROLL_OK;
  o->frozen = mem_zero((size_t)g->n_params + 1, sizeof *o->frozen);
  if (!o->frozen) return error_memory(err);
  for (int i = 0; i < g->n_params; i++) {
    const param *p = &g->params[i];
    if (o->options.frozen[i]) o->frozen[o->n_frozen++] = (struct optimizer_frozen){p->offset, (int64_t)p->rows * p->cols};
  }
  return UNROLL_OK;
}

/* The statistics of the batch, and zeros in their place. */
static void take_running(const optimizer *o, float *dw) {
  for (int i = 0; i < o->n_running; i++) {
    const struct optimizer_running *r = &o->running[i];
    memcpy(r->toward, dw + r->offset, (size_t)r->n * sizeof *dw);
    memset(dw + r->offset, 0, (size_t)r->n * sizeof *dw);
  }
}

static void move_running(const optimizer *o, float *weights) {
  for (int i = 0; i < o->n_running; i++) {
    const struct optimizer_running *r = &o->running[i];
    for (int64_t k = 0; k < r->n; k++) {
      float *w = weights + r->offset + k;
      *w += RUNNING_SHARE * (r->toward[k] - *w);
    }
  }
}

unroll_status optimizer_init(optimizer *o, const graph *g, const optimizer_options *options, unroll_error *err) {
  *o = (optimizer){.options = *options, .n = g->n_weights};
  bool full = true;
  for (int i = 0; full && i < moments_of(options); i++)
    full = (o->moments[i] = mem_aligned((size_t)o->n + 1, sizeof(float))) != NULL;
  o->squares = full ? mem_zero((size_t)blocks_of(o->n) + 1, sizeof *o->squares) : NULL;
  full = o->squares != NULL;
  o->n_spans = cut(g, options->frozen, NULL);
  o->spans = full ? mem_zero((size_t)o->n_spans + 1, sizeof *o->spans) : NULL;
  if (!o->spans) {
    optimizer_free(o);
    return error_memory(err);
  }
  cut(g, options->frozen, o->spans);
  unroll_status s = find_running(o, g, err);
  if (!s) s = find_frozen(o, g, err);
  if (s) optimizer_free(o);
  return s;
}

void optimizer_free(optimizer *o) {
  for (int i = 0; i < 2; i++) mem_free_aligned(o->moments[i]);
  for (int i = 0; i < o->n_running; i++) mem_free(o->running[i].toward);
  mem_free(o->running);
  mem_free(o->frozen);
  mem_free(o->spans);
  mem_free(o->squares);
  *o = (optimizer){0};
}

typedef struct squares {
  const optimizer *o;
  const float *dw;
  const uint8_t *touched;
} squares;

static void sum_blocks(void *context, int thread, int threads) {
  const squares *s = context;
  const int64_t blocks = blocks_of(s->o->n), from = blocks * thread / threads, to = blocks * (thread + 1) / threads;
  for (int64_t i = from; i < to; i++) {
    const int64_t at = i * BLOCK, n = s->o->n - at < BLOCK ? s->o->n - at : BLOCK;
    s->o->squares[i] = kernel_table()->sum_squares(s->dw + at, s->touched ? s->touched + at / UNIT : NULL, (ptrdiff_t)n);
  }
}

/* Block after block, whoever summed them. */
static double sum_squares(const optimizer *o, const float *dw, const uint8_t *touched, pool *workers) {
  squares s = {o, dw, touched};
  double sum = 0;
  pool_run(blocks_of(o->n) > FEW_BLOCKS ? workers : NULL, sum_blocks, &s);
  for (int64_t i = 0; i < blocks_of(o->n); i++) sum += o->squares[i];
  return sum;
}

double optimizer_norm(const optimizer *o, float *dw, const uint8_t *touched, pool *workers) {
  take_running(o, dw);
  for (int i = 0; i < o->n_frozen; i++) memset(dw + o->frozen[i].offset, 0, (size_t)o->frozen[i].n * sizeof *dw);
  double all = sum_squares(o, dw, touched, workers); /* of the unclipped one: clipping would hide what is not finite */
  if (o->options.clip_value > 0 && isfinite(all)) {
    kernel_table()->clip_value(dw, (ptrdiff_t)o->n, (float)o->options.clip_value);
    all = sum_squares(o, dw, touched, workers);
  }
  return sqrt(all);
}

typedef struct update {
  const optimizer *o;
  float *weights;
  const float *dw;
  const uint8_t *touched;
  float decay, coupled; /* where there is decay at all; one of them is 0 */
  adam_step adam;
  rmsprop_step rmsprop;
  sgd_step sgd;
} update;

/* n weights of a span from `at` on, with a gradient or without. */
static void update_part(const update *u, const struct optimizer_span *s, int64_t at, int64_t count, bool with) {
  const kernels *k = kernel_table();
  float *w = u->weights + at, *moments[2] = {NULL, NULL};
  const float *dw = with ? u->dw + at : NULL, decay = s->decays ? u->decay : 0.0f, coupled = s->decays ? u->coupled : 0.0f;
  const ptrdiff_t n = (ptrdiff_t)count;
  for (int i = 0; i < 2; i++)
    if (u->o->moments[i]) moments[i] = u->o->moments[i] + at;
  const bool remembers = u->o->options.kind != OPTIMIZER_SGD || moments[0];
  if (!with && !remembers && decay <= 0 && coupled <= 0) return; /* nothing changes */
  if (u->o->options.kind == OPTIMIZER_SGD) {
    sgd_step step = u->sgd;
    step.decay = decay;
    step.coupled = coupled;
    k->sgd(w, dw, moments[0], n, &step);
  } else if (u->o->options.kind == OPTIMIZER_RMSPROP) {
    rmsprop_step step = u->rmsprop;
    step.decay = decay;
    step.coupled = coupled;
    k->rmsprop(w, dw, moments[0], moments[1], n, &step);
  } else {
    adam_step step = u->adam;
    step.decay = decay;
    step.coupled = coupled;
    k->adam(w, dw, moments[0], moments[1], n, &step);
  }
}

/* Parts that the gradient has touched, and those between them. */
static void update_span(const update *u, const struct optimizer_span *s) {
  const int64_t end = s->offset + s->n;
  for (int64_t at = s->offset, to; at < end; at = to) {
    const bool with = !u->touched || u->touched[at / UNIT];
    for (to = (at / UNIT + 1) * UNIT; u->touched && to < end && (u->touched[to / UNIT] != 0) == with;) to += UNIT;
    if (to > end || !u->touched) to = end;
    update_part(u, s, at, to - at, with);
  }
}

static void work(void *context, int thread, int threads) {
  const update *u = context;
  for (int i = thread; i < u->o->n_spans; i += threads) update_span(u, &u->o->spans[i]);
}

void optimizer_step(optimizer *o, float *weights, const float *dw, const uint8_t *touched, double norm, double rate,
                    int64_t updates, pool *workers) {
  const double limit = o->options.clip_norm;
  const float scale = limit > 0 && norm > limit ? (float)(limit / norm) : 1.0f, momentum = (float)o->options.momentum;
  const double beta1 = 0.9, beta2 = 0.999;
  update u = {.o = o, .weights = weights, .dw = dw, .touched = touched};
  if (o->options.kind == OPTIMIZER_ADAMW)
    u.decay = (float)(rate * o->options.weight_decay);
  else
    u.coupled = (float)o->options.weight_decay; /* an L2 penalty, as everywhere */
  u.adam = (adam_step){.rate = (float)rate, .beta1 = (float)beta1, .beta2 = (float)beta2, .epsilon = 1e-8f, .scale = scale};
  adam_corrections(&u.adam, beta1, beta2, (long)updates + 1);
  u.rmsprop = (rmsprop_step){.rate = (float)rate, .alpha = 0.99f, .epsilon = 1e-8f, .momentum = momentum, .scale = scale};
  u.sgd = (sgd_step){.rate = (float)rate, .momentum = momentum, .scale = scale};
  pool_run(o->n_spans > 1 ? workers : NULL, work, &u);
  move_running(o, weights);
}
