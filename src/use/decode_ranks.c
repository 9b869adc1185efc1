/* decode_ranks.c - groups of examples that ranks share: each decodes some, and what comes out goes to the sink of rank 0 in order.
 */
#include "base/error.h"
#include "use/decoder.h"
#include "use/share.h"

typedef struct sharer {
  decoder *s;
  decode_group_run *group;
  const decode_sink *sink; /* whose caller waits on rank 0 */
  text *out;               /* what the group that is decoded comes to */
} sharer;

typedef struct record {
  int64_t example, number, n, ended;
  double log_probability, score;
} record; /* then for each part its symbols, or its numbers */

static unroll_status write_down(void *context, const decoded *d, unroll_error *err) {
  const sharer *w = context;
  const record r = {d->example, d->number, d->n, d->ended, d->log_probability, d->score};
  share_add(w->out, &r, sizeof r);
  for (int k = 0; k < d->n_parts; k++) {
    const decoded_part *p = &d->parts[k];
    if (p->symbols) share_add(w->out, p->symbols, (size_t)d->n * sizeof *p->symbols);
    if (p->numbers) share_add(w->out, p->numbers, (size_t)d->n * (size_t)p->width * sizeof *p->numbers);
  }
  return w->out->failed ? error_memory(err) : UNROLL_OK;
}

static unroll_status make(void *context, int64_t group, text *out, unroll_error *err) {
  sharer *w = context;
  w->out = out;
  w->s->first = group * w->s->group;
  return w->group(w->s, err);
}

static unroll_status take(void *context, int64_t group, const text *bytes, unroll_error *err) {
  const sharer *w = context;
  decoder *s = w->s;
  unroll_status status = UNROLL_OK;
  (void)group;
  for (size_t at = 0; at < bytes->length && !status;) {
    const record *r = share_next(bytes, &at, sizeof *r);
    for (int k = 0; k < s->n_heads; k++) {
      const head *h = &s->heads[k];
      const values *v = &s->results.heads[k];
      decoded_part *p = &s->parts[k];
      *p = (decoded_part){.loss = h->loss, .words = h->words, .width = h->d.width, .ends = h->ends};
      if (v->symbols) p->symbols = share_next(bytes, &at, (size_t)r->n * sizeof *p->symbols);
      if (v->units) p->numbers = share_next(bytes, &at, (size_t)r->n * (size_t)p->width * sizeof *p->numbers);
    }
    const decoded d = {.example = r->example,
                       .number = r->number,
                       .parts = s->parts,
                       .n_parts = s->n_heads,
                       .n = r->n,
                       .log_probability = r->log_probability,
                       .score = r->score,
                       .ended = r->ended != 0};
    status = w->sink->emit(w->sink->context, &d, err);
  }
  return status;
}

unroll_status decode_shared(decoder *s, const struct ranks *r, decode_group_run *one, unroll_error *err) {
  sharer w = {.s = s, .group = one, .sink = s->sink};
  const decode_sink own = {.context = &w, .emit = write_down, .stop = s->sink->stop, .probabilities = s->sink->probabilities};
  const shared_work work = {.context = &w, .make = make, .take = take, .stop = s->sink->stop};
  s->sink = &own;
  const unroll_status status = share_work(r, &work, (s->source->n + s->group - 1) / s->group, err);
  s->sink = w.sink;
  return status;
}
