/* evaluate.c - see evaluate.h.
 *
 * Warming up: all parallel streams run the 256 symbols before their own beginnings, uncounted. One that has fewer before it (near
 * the beginning of the text) must not feel the steps at which it was not there yet: its carried states are set back to zero at the
 * step where its text begins, and passes are cut so that such a step is always the end of one. */
#include "use/evaluate.h"
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "data/batch.h"
#include "plan/plan.h"
#include "run/run.h"
#include "dist/distribution.h"

enum { WARMUP = 256 };

struct evaluator {
  const model *m;
  const part *p;
  int rows, steps;
  batcher *lines; /* lines only */
  frame f;        /* streams only */
  plan *plan;
  run *run;
  float *carry; /* [run_carry_size] scratch */
  int *losses;  /* [n_losses] their nodes, where not all rows of them count */
  bool counts;  /* the symbols that are predicted right: */
  distribution symbols;
  int64_t correct;
};

/* What is to be planned; of lines also their batches. */
static unroll_status shape(evaluator *e, int rows, int steps, plan_options *o, unroll_error *err) {
  const graph *g = &e->m->g;
  *o = (plan_options){.precision = e->m->precision};
  if (!e->p->data->lines) {
    e->rows = e->p->n_symbols < 2 * (int64_t)rows ? 1 : rows;
    e->steps = steps;
    o->max_rows = e->rows;
    o->max_steps = steps;
    return UNROLL_OK;
  }
  const batch_options cut_into = {.rows = rows, .steps = 1, .table = e->m->table.n ? &e->m->table : NULL};
  const unroll_status status = batcher_new(&e->lines, g, e->p, &cut_into, err);
  if (status) return status;
  o->max_rows = batcher_rows(e->lines);
  o->max_steps = batcher_steps(e->lines);
  o->max_cells = batcher_cells(e->lines);
  if (!e->p->windows) return UNROLL_OK;
  e->losses = mem_zero((size_t)g->n_losses + 1, sizeof *e->losses);
  if (!e->losses) return error_memory(err);
  for (int i = 0; i < g->n_losses; i++) e->losses[i] = g->losses[i].node;
  o->keep = e->losses;
  o->n_keep = g->n_losses;
  return UNROLL_OK;
}

static unroll_status begin(evaluator *e, const float *weights, int rows, int steps, int window, pool *workers, unroll_error *err) {
  const graph *g = &e->m->g;
  plan_options options;
  unroll_status status = shape(e, rows, steps, &options, err);
  if (!status && !e->lines) status = frame_init(&e->f, g, e->rows, steps, (int64_t)e->rows * steps, err);
  if (!status && e->counts) {
    status = distribution_of(&e->symbols, g, 0, NULL, err);
    options.keep = e->symbols.nodes;
    options.n_keep = e->symbols.n_args;
  }
  options.window = window;
  if (!status) status = plan_new(&e->plan, g, &options, err);
  if (!status) status = run_new(&e->run, e->plan, weights, workers, err);
  if (status) return status;
  e->carry = mem_zero((size_t)run_carry_size(e->run) + 1, sizeof *e->carry);
  return e->carry ? UNROLL_OK : error_memory(err);
}

unroll_status evaluator_bytes(int64_t *bytes, const model *m, const part *p, int rows, int steps, int window, int threads,
                              int *longest, unroll_error *err) {
  evaluator *e = mem_zero(1, sizeof *e);
  plan_options options;
  *bytes = 0;
  if (!e) return error_memory(err);
  e->m = m;
  e->p = p;
  unroll_status status = shape(e, rows, steps, &options, err);
  options.window = window;
  if (!status) status = plan_new(&e->plan, &m->g, &options, err);
  if (!status) *bytes = plan_run_bytes(e->plan, threads);
  if (!status && e->lines && options.max_steps > *longest) *longest = options.max_steps;
  evaluator_free(e);
  return status;
}

static unroll_status make(evaluator **out, const model *m, const float *weights, const part *p, int rows, int steps, int window,
                          bool counts, pool *workers, unroll_error *err) {
  *out = NULL;
  if (p->n_symbols < 1) return error_set(err, UNROLL_USAGE, "there is no data to evaluate");
  if (rows < 1 || steps < 1) return error_set(err, UNROLL_USAGE, "a batch needs at least one row and one step");
  evaluator *e = mem_zero(1, sizeof *e);
  if (!e) return error_memory(err);
  e->m = m;
  e->p = p;
  e->counts = counts;
  const unroll_status status = begin(e, weights, rows, steps, window, workers, err);
  if (status) {
    evaluator_free(e);
    return status;
  }
  *out = e;
  return UNROLL_OK;
}

unroll_status evaluator_new(evaluator **out, const model *m, const float *weights, const part *p, int rows, int steps, int window,
                            pool *workers, unroll_error *err) {
  return make(out, m, weights, p, rows, steps, window, false, workers, err);
}

unroll_status evaluator_new_accuracy(evaluator **out, const model *m, const float *weights, const part *p, int rows, int steps,
                                     pool *workers, unroll_error *err) {
  const unroll_status status = model_needs_text(m, "counting right symbols", err);
  *out = NULL;
  return status ? status : make(out, m, weights, p, rows, steps, 0, true, workers, err);
}

void evaluator_free(evaluator *e) {
  if (!e) return;
  run_free(e->run);
  plan_free(e->plan);
  batcher_free(e->lines);
  if (e->f.g) frame_free(&e->f);
  mem_free(e->carry);
  mem_free(e->losses);
  mem_free(e);
}

int64_t evaluator_symbols(const evaluator *e) { return e->p->n_symbols; }

double evaluator_accuracy(const evaluator *e) { return e->counts ? (double)e->correct / (double)e->p->n_symbols : (double)NAN; }

/* Of the last pass; what only warms up has no target. */
static int64_t count_correct(const evaluator *e, const batch *b) {
  const batch_axis *a = &b->axes[0];
  const int32_t *target = b->index[e->m->g.losses[0].slot];
  int64_t correct = 0;
  for (int64_t i = 0; i < a->first[a->steps]; i++) {
    const prediction p = distribution_at(&e->symbols, e->run, i, 0);
    correct += target[i] >= 0 && distribution_likeliest(&e->symbols, &p) == target[i];
  }
  return correct;
}

/* Of the last batch of windows: a loss without what only gives the context. */
static double counted(const evaluator *e, int number) {
  const examples *x = batcher_examples(e->lines);
  double nats = 0;
  ptrdiff_t stride;
  const float *nats_of = run_value(e->run, e->losses[number], &stride);
  for (int64_t i = 0; i < examples_rows(x, number); i++) {
    int row, step;
    examples_where(x, number, i, &row, &step);
    if (step >= x->windows[row].context) nats += (double)nats_of[i * stride];
  }
  return nats;
}

static double pass(evaluator *e, const batch *b) {
  double nats = 0;
  run_pass(e->run, b, 0);
  if (e->counts) e->correct += count_correct(e, b);
  if (e->losses) {
    for (int i = 0; i < e->m->g.n_losses; i++) nats += counted(e, i);
    return nats;
  }
  for (int i = 0; i < e->m->g.n_losses; i++) nats += run_loss(e->run, i);
  return nats;
}

/* Stream i: where it begins and how long it is. The first n % rows streams have one symbol more. */
static int64_t stream_begin(const evaluator *e, int64_t i, int64_t *length) {
  const int64_t n = e->p->end - e->p->begin, each = n / e->rows, more = n % e->rows;
  *length = each + (i < more);
  return e->p->begin + i * each + (i < more ? i : more);
}

/* How many steps of the warm-up pass before stream i is there. */
static int64_t absent(const evaluator *e, int64_t i) {
  int64_t length;
  const int64_t begin_at = stream_begin(e, i, &length);
  return begin_at < WARMUP ? WARMUP - begin_at : 0;
}

static void clear_carry(evaluator *e, int row) {
  const graph *g = &e->m->g;
  float *at = e->carry;
  for (int c = 0; c < g->n_carries; c++) {
    memset(at + (size_t)row * (size_t)g->carries[c].width, 0, (size_t)g->carries[c].width * sizeof *at);
    at += (size_t)e->rows * (size_t)g->carries[c].width;
  }
}

static void warm_up(evaluator *e) {
  int64_t t = 0, length;
  if (absent(e, e->rows - 1) == WARMUP) return; /* not even the last stream has text before it */
  while (t < WARMUP) {
    int64_t next = t + e->steps < WARMUP ? t + e->steps : WARMUP;
    bool begins = false;
    for (int i = 0; i < e->rows; i++) {
      const int64_t at = absent(e, i);
      if (at > t && at < next) next = at;
    }
    for (int i = 0; i < e->rows; i++)
      e->f.rows[i] =
          (frame_row){.text = e->p->data->symbols, .from = stream_begin(e, i, &length) - WARMUP + t, .count = (int)(next - t)};
    frame_fill(&e->f, e->rows, false);
    pass(e, &e->f.b);
    t = next;
    for (int i = 0; i < e->rows; i++) begins |= absent(e, i) == t;
    if (!begins) continue;
    run_carry_get(e->run, e->carry);
    for (int i = 0; i < e->rows; i++)
      if (absent(e, i) == t) clear_carry(e, i);
    run_carry_set(e->run, e->carry);
  }
}

static double run_stream(evaluator *e) {
  double nats = 0;
  int64_t longest, length;
  run_carry_reset(e->run);
  warm_up(e);
  stream_begin(e, 0, &longest);
  for (int64_t skip = 0; skip < longest; skip += e->steps) {
    int rows = 0;
    for (int i = 0; i < e->rows; i++) {
      const int64_t from = stream_begin(e, i, &length) + skip, left = length - skip;
      if (left <= 0) break;
      e->f.rows[rows++] = (frame_row){.text = e->p->data->symbols, .from = from, .count = (int)(left < e->steps ? left : e->steps)};
    }
    frame_fill(&e->f, rows, true);
    nats += pass(e, &e->f.b);
  }
  return nats;
}

double evaluator_run(evaluator *e) {
  double nats = 0;
  e->correct = 0;
  run_pack(e->run);
  if (!e->lines)
    nats = run_stream(e);
  else
    for (int64_t i = 0; i < batcher_count(e->lines); i++) nats += pass(e, batcher_get(e->lines, 0, i));
  return nats / (double)e->p->n_symbols;
}
