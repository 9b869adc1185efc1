/* score.c - see score.h. Examples run in batches of similar lengths, a stream as one row from its beginning. What comes out is
 * put into the order of the data before anyone sees it. */
#include "use/score.h"
#include <math.h>
#include "base/error.h"
#include "use/pass.h"

enum { ROWS = 32, STEPS = 256 };

typedef struct scorer {
  const model *m;
  const dataset *d;
  part all;
  pass s;
  int64_t **first;    /* [n_losses][n_sequences + 1] predictions of each example */
  float **nats;       /* [n_losses] of each prediction, or NULL; ctc gives one for the whole text */
  double *totals;     /* [n_sequences] */
  scored_part *parts; /* [n_losses] */
} scorer;

static const variable *variable_of(const scorer *s, int k) { return &s->m->schema.list[s->m->g.losses[k].data]; }

static unroll_status check(const model *m, unroll_error *err) {
  if (m->schema.time.time)
    return error_set(err, UNROLL_USAGE, "this model is for series with dates, of which windows are predicted: see eval");
  for (int k = 0; k < m->g.n_losses; k++) {
    const variable *v = &m->schema.list[m->g.losses[k].data];
    distribution d;
    const unroll_status status = distribution_of(&d, &m->g, k, v, err);
    if (status) return status;
    if (d.has_levels)
      return error_set(err, UNROLL_USAGE, "what %s says of '%s' is no probability", m->g.losses[k].distribution->name,
                       v->form.name);
  }
  return UNROLL_OK;
}

static unroll_status begin(scorer *s, pool *workers, bool per_symbol, unroll_error *err) {
  const pass_options o = {.rows = s->d->stream ? 1 : ROWS, .steps = STEPS, .cold = true, .losses = true};
  const size_t n = (size_t)s->m->g.n_losses;
  unroll_status status = check(s->m, err);
  if (!status) status = part_whole(&s->all, s->d, err);
  if (!status) status = pass_init(&s->s, s->m, s->m->weights, &s->all, &o, workers, err);
  if (status) return status;
  s->first = mem_zero(n, sizeof *s->first);
  s->nats = mem_zero(n, sizeof *s->nats);
  s->parts = mem_zero(n, sizeof *s->parts);
  s->totals = mem_zero((size_t)s->d->n_sequences, sizeof *s->totals);
  bool full = s->first && s->nats && s->parts && s->totals;
  for (int k = 0; full && k < s->m->g.n_losses; k++) {
    full = (s->first[k] = pass_firsts(s->m, s->d, k)) != NULL;
    if (full && per_symbol && variable_of(s, k)->over < 0)
      full = (s->nats[k] = mem_zero((size_t)s->first[k][s->d->n_sequences] + 1, sizeof **s->nats)) != NULL;
  }
  return full ? UNROLL_OK : error_memory(err);
}

static void scorer_free(scorer *s) {
  pass_free(&s->s);
  part_free(&s->all);
  for (int k = 0; s->first && s->nats && k < s->m->g.n_losses; k++) {
    mem_free(s->first[k]);
    mem_free(s->nats[k]);
  }
  mem_free(s->first);
  mem_free(s->nats);
  mem_free(s->parts);
  mem_free(s->totals);
}

/* Adds the losses of a pass to the examples that they belong to. */
static unroll_status take(void *context, unroll_error *err) {
  scorer *s = context;
  for (int k = 0; k < s->m->g.n_losses; k++) {
    const int64_t rows = batcher_loss_rows(s->s.batches, k);
    const double units = variable_units(variable_of(s, k));
    ptrdiff_t stride;
    const float *x = run_value(s->s.run, s->m->g.losses[k].node, &stride);
    for (int64_t i = 0; i < rows; i++) {
      const pass_place at = pass_at(&s->s, k, i);
      const double nats = (double)x[i * stride] + units;
      if (!isfinite(nats)) return error_set(err, UNROLL_FAILED, "the model's output is not finite");
      s->totals[at.example] += nats;
      if (s->nats[k]) s->nats[k][s->first[k][at.example] + at.step] = (float)nats;
    }
  }
  return UNROLL_OK;
}

static unroll_status emit_all(const scorer *s, const score_sink *sink, score_total *total, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  *total = (score_total){.sequences = s->d->n_sequences, .symbols = s->d->n_symbols};
  for (int64_t e = 0; e < s->d->n_sequences && !status; e++) {
    scored row = {.number = e, .parts = s->parts, .n_parts = s->m->g.n_losses, .nats_total = s->totals[e]};
    for (int k = 0; k < row.n_parts; k++) {
      const variable *v = variable_of(s, k);
      const column_values *c = &s->d->columns[s->m->g.losses[k].data];
      const int64_t from = s->first[k][e], n = c->first[e + 1] - c->first[e];
      s->parts[k] = (scored_part){.v = v,
                                  .n = n,
                                  .symbols = c->symbols ? c->symbols + c->first[e] : NULL,
                                  .c = c,
                                  .from = c->first[e],
                                  .nats = s->nats[k] ? s->nats[k] + from : NULL};
      row.n += n;
    }
    total->nats += s->totals[e];
    if (sink->emit) status = sink->emit(sink->context, &row, err);
  }
  return status;
}

unroll_status score(const model *m, const dataset *d, pool *workers, const score_sink *sink, score_total *total,
                    unroll_error *err) {
  scorer s = {.m = m, .d = d};
  *total = (score_total){0};
  unroll_status status = begin(&s, workers, sink->per_symbol, err);
  if (!status) status = pass_all(&s.s, take, &s, sink->stop, err);
  if (!status) status = emit_all(&s, sink, total, err);
  scorer_free(&s);
  return status;
}
