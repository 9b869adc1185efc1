/* score.c - see score.h. Lines are run in batches of similar lengths, a stream as one row from its beginning; what comes out is
 * put into the order of the data before anyone sees it. */
#include "use/score.h"
#include <math.h>
#include "base/error.h"
#include "data/batch.h"
#include "plan/plan.h"
#include "run/run.h"

enum { ROWS = 32, STEPS = 256 };

typedef struct scorer {
  const model *m;
  const dataset *d;
  part all;
  batcher *batches;
  plan *plan;
  run *run;
  int *keep;      /* the losses' nodes */
  float *nats;    /* [n_symbols] or NULL */
  double *totals; /* [n_sequences] */
} scorer;

/* The nodes to be looked at after a pass; NULL when out of memory. */
static int *losses_of(const graph *g) {
  int *nodes = mem_zero((size_t)g->n_losses + 1, sizeof *nodes);
  for (int i = 0; nodes && i < g->n_losses; i++) nodes[i] = g->losses[i].node;
  return nodes;
}

static unroll_status begin(scorer *s, pool *workers, bool per_symbol, unroll_error *err) {
  const batch_options cut = {.rows = s->d->lines ? ROWS : 1, .steps = STEPS};
  unroll_status status = model_needs_text(s->m, "scoring", err);
  if (!status) status = part_whole(&s->all, s->d, err);
  if (!status) status = batcher_new(&s->batches, &s->m->g, &s->all, &cut, err);
  if (status) return status;
  if (!(s->keep = losses_of(&s->m->g))) return error_memory(err);
  const plan_options options = {.precision = s->m->precision,
                                .max_rows = batcher_rows(s->batches),
                                .max_steps = batcher_steps(s->batches),
                                .max_cells = batcher_cells(s->batches),
                                .keep = s->keep,
                                .n_keep = s->m->g.n_losses};
  status = plan_new(&s->plan, &s->m->g, &options, err);
  if (!status) status = run_new(&s->run, s->plan, s->m->weights, workers, err);
  if (status) return status;
  s->totals = mem_zero((size_t)s->d->n_sequences, sizeof *s->totals);
  if (per_symbol) s->nats = mem_zero((size_t)s->d->n_symbols, sizeof *s->nats);
  return s->totals && (s->nats || !per_symbol) ? UNROLL_OK : error_memory(err);
}

static void scorer_free(scorer *s) {
  run_free(s->run);
  plan_free(s->plan);
  batcher_free(s->batches);
  part_free(&s->all);
  mem_free(s->keep);
  mem_free(s->nats);
  mem_free(s->totals);
}

/* Adds the losses of a pass to the sequences that they belong to. */
static unroll_status collect(scorer *s, const batch *b, unroll_error *err) {
  const batch_axis *a = &b->axes[0];
  for (int i = 0; i < b->rows; i++) {
    int64_t line, column;
    batcher_where(s->batches, 0, i, &line, &column); /* of step 0 */
    const int64_t sequence = line > 0 ? line - 1 : 0, place = s->d->first[sequence] + column - 1;
    for (int t = 0; t < a->steps && a->active[t] > i; t++) {
      double nats = 0;
      for (int k = 0; k < s->m->g.n_losses; k++) {
        ptrdiff_t row;
        const float *x = run_value(s->run, s->m->g.losses[k].node, &row);
        nats += (double)x[(a->first[t] + i) * row];
      }
      if (!isfinite(nats)) return error_set(err, UNROLL_FAILED, "the model's output is not finite");
      s->totals[sequence] += nats;
      if (s->nats) s->nats[place + t] = (float)nats;
    }
  }
  return UNROLL_OK;
}

static unroll_status emit_all(const scorer *s, const score_sink *sink, score_total *total, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  *total = (score_total){.sequences = s->d->n_sequences, .symbols = s->d->n_symbols};
  for (int64_t i = 0; i < s->d->n_sequences && !status; i++) {
    const int64_t first = s->d->first[i];
    const scored row = {.number = i,
                        .symbols = s->d->symbols + first,
                        .nats = s->nats ? s->nats + first : NULL,
                        .n = s->d->first[i + 1] - first,
                        .nats_total = s->totals[i]};
    total->nats += s->totals[i];
    if (sink->emit) status = sink->emit(sink->context, &row, err);
  }
  return status;
}

unroll_status score(const model *m, const dataset *d, pool *workers, const score_sink *sink, score_total *total,
                    unroll_error *err) {
  scorer s = {.m = m, .d = d};
  *total = (score_total){0};
  unroll_status status = begin(&s, workers, sink->per_symbol, err);
  if (!status) run_carry_reset(s.run);
  for (int64_t i = 0; !status && i < batcher_count(s.batches); i++) {
    if (sink->stop && *sink->stop) status = error_set(err, UNROLL_INTERRUPTED, "interrupted");
    if (status) break;
    const batch *b = batcher_get(s.batches, 0, i);
    run_pass(s.run, b, 0);
    status = collect(&s, b, err);
  }
  if (!status) status = emit_all(&s, sink, total, err);
  scorer_free(&s);
  return status;
}
