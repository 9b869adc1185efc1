/* evaluate.c - see evaluate.h. */
#include "use/evaluate.h"
#include "base/error.h"
#include "ranks/ranks.h"
#include "use/pass.h"

struct evaluator {
  pass s;
  double nats;        /* of this walk */
  double *own, *all;  /* where ranks share batches: nats of those that this one, that each has run: [each], [ranks][each] */
  int64_t each, done; /* batches of a rank; done: of this walk */
};

static pass_options options_of(const part *p, int rows, int steps, int shards, int window) {
  return (pass_options){
      .rows = rows, .steps = steps, .uneven = true, .window = window, .shards = shards, .losses = p->windows != NULL, .each = true};
}

unroll_status evaluator_bytes(int64_t *bytes, const model *m, const part *p, int rows, int steps, int shards, int window,
                              int threads, int *longest, unroll_error *err) {
  int of_pass = 0;
  const pass_options o = options_of(p, rows, steps, shards, window);
  *bytes = 0;
  const unroll_status status = pass_bytes(bytes, &of_pass, m, p, &o, threads, err);
  if (!status && !p->data->stream && of_pass > *longest) *longest = of_pass;
  return status;
}

unroll_status evaluator_new(evaluator **out, const model *m, const float *weights, const part *p, int rows, int steps, int shards,
                            int window, pool *workers, unroll_error *err) {
  *out = NULL;
  if (p->n_symbols < 1) return error_set(err, UNROLL_USAGE, "there is no data to evaluate");
  evaluator *e = mem_zero(1, sizeof *e);
  if (!e) return error_memory(err);
  const pass_options o = options_of(p, rows, steps, shards, window);
  unroll_status status = pass_init(&e->s, m, weights, p, &o, workers, err);
  if (!status && e->s.ranks && !p->data->stream) {
    e->each = (batcher_count(e->s.batches) + e->s.ranks->count - 1) / e->s.ranks->count;
    e->own = mem_zero((size_t)e->each + 1, sizeof *e->own);
    e->all = mem_zero((size_t)e->each + 1, (size_t)e->s.ranks->count * sizeof *e->all);
    if (!e->own || !e->all) status = error_memory(err);
  }
  if (status)
    evaluator_free(e);
  else
    *out = e;
  return status;
}

void evaluator_free(evaluator *e) {
  if (!e) return;
  pass_free(&e->s);
  mem_free(e->own);
  mem_free(e->all);
  mem_free(e);
}

int64_t evaluator_symbols(const evaluator *e) { return e->s.p->n_symbols; }

/* A loss of the last batch of windows, without the steps that only give the context. */
static double counted(const evaluator *e, int number) {
  const examples *x = batcher_examples(e->s.batches);
  double nats = 0;
  ptrdiff_t stride;
  const float *nats_of = run_value(e->s.run, e->s.m->g.losses[number].node, &stride);
  for (int64_t i = 0; i < examples_rows(x, number); i++) {
    int row, step;
    examples_where(x, number, i, &row, &step);
    if (step >= x->windows[row].context) nats += (double)nats_of[i * stride];
  }
  return nats;
}

static unroll_status take(void *context, unroll_error *err) {
  evaluator *e = context;
  double nats = 0;
  (void)err;
  for (int k = 0; k < e->s.m->g.n_losses; k++) nats += e->s.o.losses ? counted(e, k) : pass_loss(&e->s, k);
  if (e->own)
    e->own[e->done++] = nats;
  else
    e->nats += nats;
  return UNROLL_OK;
}

/* In the order of the batches. */
static unroll_status add_up(evaluator *e, unroll_error *err) {
  const int count = e->s.ranks->count;
  const unroll_status status = ranks_share(e->s.ranks, e->own, e->all, (size_t)e->each * sizeof *e->own, err);
  for (int64_t i = 0; i < batcher_count(e->s.batches) && !status; i++) e->nats += e->all[i % count * e->each + i / count];
  return status;
}

unroll_status evaluator_run(evaluator *e, double *nats, unroll_error *err) {
  e->nats = 0;
  e->done = 0;
  run_pack(e->s.run);
  unroll_status status = pass_all(&e->s, take, e, NULL, err);
  if (!status && e->own) status = add_up(e, err);
  *nats = e->nats / (double)e->s.p->n_symbols;
  return status;
}
