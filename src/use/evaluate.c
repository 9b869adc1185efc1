/* evaluate.c - see evaluate.h. */
#include "use/evaluate.h"
#include "base/error.h"
#include "use/pass.h"

struct evaluator {
  pass s;
  double nats; /* of this walk */
};

static pass_options options_of(const part *p, int rows, int steps, int shards, int window) {
  return (pass_options){
      .rows = rows, .steps = steps, .uneven = true, .window = window, .shards = shards, .losses = p->windows != NULL};
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
  const unroll_status status = pass_init(&e->s, m, weights, p, &o, workers, err);
  if (status)
    evaluator_free(e);
  else
    *out = e;
  return status;
}

void evaluator_free(evaluator *e) {
  if (!e) return;
  pass_free(&e->s);
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
  for (int k = 0; k < e->s.m->g.n_losses; k++) nats += e->s.o.losses ? counted(e, k) : run_loss(e->s.run, k);
  e->nats += nats;
  return UNROLL_OK;
}

double evaluator_run(evaluator *e) {
  e->nats = 0;
  run_pack(e->s.run);
  pass_all(&e->s, take, e, NULL, NULL);
  return e->nats / (double)e->s.p->n_symbols;
}
