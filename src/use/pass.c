/* pass.c - see pass.h.
 *
 * Warming up: all parallel streams run the 256 steps before their own beginnings. One near the beginning of the stream has
 * fewer before it, and must not feel the steps at which it was not there yet. Its carried states are set back to zero at the
 * step where the stream begins. Passes are cut so that such a step is always the end of one. */
#include "use/pass.h"
#include <string.h>
#include "base/error.h"
#include "ranks/ranks.h"

enum { WARMUP = 256 };

/* --- making --- */

static unroll_status find_heads(pass *s, int *keep, int *n_keep, unroll_error *err) {
  const graph *g = &s->m->g;
  unroll_status status = UNROLL_OK;
  s->heads = mem_zero((size_t)g->n_losses + 1, sizeof *s->heads);
  if (!s->heads) return error_memory(err);
  for (int k = 0; k < g->n_losses && !status; k++) {
    distribution *d = &s->heads[k];
    status = distribution_of(d, g, k, &s->m->schema.list[g->losses[k].data], err);
    for (int i = 0; i < d->n_args && !status; i++) keep[(*n_keep)++] = d->nodes[i];
  }
  return status;
}

/* What both a run and its size need: batches, heads, and the options of the plan; *keep is the caller's to free, in any case. */
static unroll_status prepare(pass *s, plan_options *options, int **keep, const model *m, const part *p, const pass_options *o,
                             unroll_error *err) {
  const graph *g = &m->g;
  const batch_options cut = {.rows = o->rows, .steps = o->steps, .uneven = o->uneven, .schema = &m->schema};
  int n_keep = 0;
  *s = (pass){.m = m, .p = p, .o = *o};
  *keep = NULL;
  unroll_status status = batcher_new(&s->batches, g, p, &cut, err);
  if (status) return status;
  *keep = mem_zero((size_t)g->n_losses * (LOSS_ARGS + 2) + (size_t)o->n_keep + 1, sizeof **keep);
  if (!*keep) return error_memory(err);
  if (o->heads) status = find_heads(s, *keep, &n_keep, err);
  for (int k = 0; k < g->n_losses && o->losses; k++) (*keep)[n_keep++] = g->losses[k].node;
  for (int i = 0; i < o->n_keep; i++) (*keep)[n_keep++] = o->keep[i];
  *options = (plan_options){.precision = m->precision,
                            .max_rows = batcher_rows(s->batches),
                            .max_steps = batcher_steps(s->batches),
                            .max_cells = batcher_cells(s->batches),
                            .window = o->window,
                            .keep = *keep,
                            .n_keep = n_keep};
  for (options->shards = 1; options->shards < o->shards && options->shards <= options->max_rows / 2;) options->shards *= 2;
  return status;
}

/* A stream's rows go to the ranks as shards. Those who ask for losses alone have said how many. */
static unroll_status share_rows(pass *s, plan_options *options, const float *weights, pool *workers, unroll_error *err) {
  int wanted = options->shards;
  while (wanted < s->ranks->count) wanted *= 2;
  if (!s->o.each && plan_shards(&options->shards, wanted, &s->m->g, options, NULL)) options->shards = 1; /* cannot be cut */
  s->shards = options->shards;
  run_range(options->shards, s->ranks->own, s->ranks->count, s->range);
  batcher_share(s->batches, s->shards, s->range);
  const unroll_status status = run_make_range(&s->run, &s->plan, &s->m->g, options, weights, workers, s->range, err);
  return status || !s->o.each ? status : gathering_new(&s->gathering, s->run, s->ranks, err);
}

unroll_status pass_init(pass *s, const model *m, const float *weights, const part *p, const pass_options *o, pool *workers,
                        unroll_error *err) {
  plan_options options;
  int *keep;
  unroll_status status = prepare(s, &options, &keep, m, p, o, err);
  s->ranks = ranks_here();
  const bool rows_shared = !status && s->ranks && p->data->stream, looked_at = !status && s->ranks && !o->each;
  if (looked_at && !(s->losses = mem_zero((size_t)m->g.n_losses + 1, sizeof *s->losses))) status = error_memory(err);
  for (int k = 0; k < m->g.n_losses && rows_shared && looked_at && !o->losses; k++)
    keep[options.n_keep++] = m->g.losses[k].node; /* rank 0 adds them up as one process does */
  if (!status)
    status = rows_shared ? share_rows(s, &options, weights, workers, err)
                         : run_make(&s->run, &s->plan, &m->g, &options, weights, workers, err);
  mem_free(keep);
  if (status || !p->data->stream) return status;
  s->carry = mem_zero((size_t)run_carry_size(s->run) + 1, sizeof *s->carry);
  return s->carry ? UNROLL_OK : error_memory(err);
}

unroll_status pass_bytes(int64_t *bytes, int *steps, const model *m, const part *p, const pass_options *o, int threads,
                         unroll_error *err) {
  pass s;
  plan_options options;
  int *keep;
  unroll_status status = prepare(&s, &options, &keep, m, p, o, err);
  if (!status) status = plan_run_bytes(bytes, &m->g, &options, threads, err);
  if (!status) *steps = batcher_steps(s.batches);
  mem_free(keep);
  pass_free(&s);
  return status;
}

void pass_free(pass *s) {
  gathering_free(s->gathering);
  mem_free(s->losses);
  run_free(s->run);
  plan_free(s->plan);
  batcher_free(s->batches);
  mem_free(s->heads);
  mem_free(s->carry);
  *s = (pass){0};
}

/* --- warming up --- */

/* How many steps of the warm-up pass before stream i is there. */
static int64_t absent(const pass *s, int i) {
  int64_t length;
  const int64_t begin = batcher_stream(s->batches, i, &length);
  return begin < WARMUP ? WARMUP - begin : 0;
}

static void clear_carry(pass *s, int row) {
  const graph *g = &s->m->g;
  float *at = s->carry;
  for (int c = 0; c < g->n_carries; c++) {
    memset(at + (size_t)row * (size_t)g->carries[c].width, 0, (size_t)g->carries[c].width * sizeof *at);
    at += (size_t)batcher_rows(s->batches) * (size_t)g->carries[c].width;
  }
}

static void warm_up(pass *s) {
  const int rows = batcher_rows(s->batches), steps = batcher_steps(s->batches);
  if (absent(s, rows - 1) == WARMUP) return; /* not even the last stream has anything before it */
  for (int64_t t = 0, next; t < WARMUP; t = next) {
    bool begins = false;
    next = t + steps < WARMUP ? t + steps : WARMUP;
    for (int i = 0; i < rows; i++)
      if (absent(s, i) > t && absent(s, i) < next) next = absent(s, i);
    run_pass(s->run, batcher_before(s->batches, WARMUP - t, (int)(next - t)), 0);
    for (int i = 0; i < rows; i++) begins |= absent(s, i) == next;
    if (!begins) continue;
    run_carry_get(s->run, s->carry);
    for (int i = 0; i < rows; i++)
      if (absent(s, i) == next) clear_carry(s, i);
    run_carry_set(s->run, s->carry);
  }
}

/* --- walking --- */

unroll_status pass_all(pass *s, pass_taker take, void *context, volatile sig_atomic_t *stop, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  const bool warm = s->p->data->stream && !s->o.cold;
  if (warm) run_carry_reset(s->run), warm_up(s);
  if (s->ranks) return pass_shared(s, take, context, stop, err);
  for (int64_t i = 0; !status && i < batcher_count(s->batches); i++) {
    if (stop && *stop) return error_set(err, UNROLL_INTERRUPTED, "interrupted");
    batch *b = batcher_get(s->batches, 0, i);
    if (warm) b->begins = NULL;
    run_pass(s->run, b, 0);
    status = take(context, err);
  }
  return status;
}

double pass_loss(const pass *s, int k) { return s->losses ? s->losses[k] : run_loss(s->run, k); }

pass_place pass_at(const pass *s, int k, int64_t i) {
  const examples *x = batcher_examples(s->batches);
  int row, step;
  examples_where(x, k, i, &row, &step);
  return (pass_place){.row = row, .example = x->list[row], .step = step + (x->windows ? x->windows[row].from : 0)};
}

int64_t *pass_firsts(const model *m, const dataset *d, int k) {
  const variable *v = &m->schema.list[m->g.losses[k].data];
  const int along = v->over >= 0 ? v->over : v->axis;
  int64_t *first = mem_zero((size_t)d->n_sequences + 1, sizeof *first);
  for (int64_t i = 0; first && i < d->n_sequences; i++)
    first[i + 1] = first[i] + (along >= 0 ? dataset_length(d, &m->schema, along, i) : 1);
  return first;
}
