/* pass_ranks.c - the walk of pass.h by several ranks. Rank 0 gets the matrices that are looked at as if it had run the batch. So
 * what is made of them has the bits of one process. */
#include <string.h>
#include "base/error.h"
#include "run/results.h"
#include "use/pass.h"
#include "use/share.h"

typedef struct walk {
  pass *s;
  pass_taker take;
  void *context;
  volatile sig_atomic_t *stop;
} walk;

/* The kept matrices of a batch, all rows or those of a range of shards, after `more` bytes of something else. */
static unsigned char *write_down(const pass *s, const batch *b, const int *range, size_t more, text *out) {
  const size_t n = more + run_results_get(s->run, b, range, NULL);
  *out = (text){.data = mem_alloc(n + 1), .length = n, .capacity = n + 1};
  if (out->data) run_results_get(s->run, b, range, (unsigned char *)out->data + more);
  return (unsigned char *)out->data;
}

/* --- batches go round --- */

static unroll_status make_batch(void *context, int64_t number, text *out, unroll_error *err) {
  const pass *s = ((walk *)context)->s;
  const batch *b = batcher_get(s->batches, 0, number);
  run_pass(s->run, b, 0);
  unsigned char *to = write_down(s, b, NULL, (size_t)s->m->g.n_losses * sizeof(double), out);
  if (!to) return error_memory(err);
  for (int k = 0; k < s->m->g.n_losses; k++) {
    const double nats = run_loss(s->run, k);
    memcpy(to + (size_t)k * sizeof nats, &nats, sizeof nats);
  }
  return UNROLL_OK;
}

static unroll_status take_batch(void *context, int64_t number, const text *bytes, unroll_error *err) {
  const walk *w = context;
  pass *s = w->s;
  const size_t losses = (size_t)s->m->g.n_losses * sizeof *s->losses;
  const batch *b = batcher_get(s->batches, 0, number);
  memcpy(s->losses, bytes->data, losses);
  run_results_set(s->run, b, NULL, (const unsigned char *)bytes->data + losses);
  return w->take(w->context, err);
}

/* --- rows of a stream --- */

/* Sums of the rows' losses in the order of one process. */
static void add_losses(const pass *s) {
  for (int k = 0; k < s->m->g.n_losses; k++) {
    const int64_t rows = batcher_loss_rows(s->batches, k);
    ptrdiff_t row;
    const float *nats = run_value(s->run, s->m->g.losses[k].node, &row);
    double sum = 0;
    for (int64_t i = 0; i < rows; i++) sum += (double)nats[i * row];
    s->losses[k] = sum;
  }
}

static unroll_status take_rows(const walk *w, const batch *b, const text *all, unroll_error *err) {
  pass *s = w->s;
  for (int q = 1; q < s->ranks->count; q++) {
    int range[2];
    run_range(s->shards, q, s->ranks->count, range);
    run_results_set(s->run, b, range, (const unsigned char *)all[q].data);
  }
  add_losses(s);
  return w->take(w->context, err);
}

/* Every pass is made by all, of their own rows. */
static unroll_status share_rows(walk *w, text *all, unroll_error *err) {
  const pass *s = w->s;
  unroll_status status = UNROLL_OK;
  for (int64_t i = 0; i < batcher_count(s->batches) && !status; i++) {
    text own = {0};
    batch *b = batcher_get(s->batches, 0, i);
    if (!s->o.cold) b->begins = NULL;
    if (w->stop && *w->stop) status = error_set(err, UNROLL_INTERRUPTED, "interrupted");
    if (!status) run_pass(s->run, b, 0);
    if (!status && !write_down(s, b, s->range, 0, &own)) status = error_memory(err);
    status = ranks_collect(s->ranks, status, &own, all, err);
    if (!status && !s->ranks->own) status = take_rows(w, b, all, err);
    for (int q = 0; q < s->ranks->count; q++) text_free(&all[q]);
    text_free(&own);
  }
  return status;
}

/* --- no rank looks at what another has run --- */

/* Each takes what it has run; of a stream all have the losses of all. */
static unroll_status each_takes(const walk *w, unroll_error *err) {
  const pass *s = w->s;
  const bool stream = s->gathering != NULL;
  unroll_status status = UNROLL_OK;
  int flags = 0;
  for (int64_t i = stream ? 0 : s->ranks->own; i < batcher_count(s->batches) && !status; i += stream ? 1 : s->ranks->count) {
    batch *b = batcher_get(s->batches, 0, i);
    if (stream && !s->o.cold) b->begins = NULL;
    run_pass(s->run, b, 0);
    if (stream) status = gathering_all(s->gathering, &flags, err);
    if (!status) status = w->take(w->context, err);
  }
  return status;
}

unroll_status pass_shared(pass *s, pass_taker take, void *context, volatile sig_atomic_t *stop, unroll_error *err) {
  walk w = {.s = s, .take = take, .context = context, .stop = stop};
  const shared_work batches = {.context = &w, .make = make_batch, .take = take_batch, .stop = stop};
  if (s->o.each) return each_takes(&w, err);
  if (!s->p->data->stream) return share_work(s->ranks, &batches, batcher_count(s->batches), err);
  text *all = mem_zero((size_t)s->ranks->count, sizeof *all);
  const unroll_status status = all ? share_rows(&w, all, err) : error_memory(err);
  mem_free(all);
  return status;
}
