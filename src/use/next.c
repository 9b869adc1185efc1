/* next.c - see next.h. The step that would predict the end of a line comes after all of it. What the net says there is of the
 * next symbol, whatever that is. So a pass over all lines is enough. Where all probabilities are wanted, a pass has as many
 * lines as keep these below 64 MB, since each pass is planned anew. */
#include "use/next.h"
#include <math.h>
#include "base/error.h"
#include "use/pass.h"

enum { LEAST_LINES = 256, MOST_SHARES = 1 << 24 }; /* at a time */

typedef struct next {
  const model *m;
  const dataset *d;
  const predict_sink *sink;
  pass s;
  int64_t chunk; /* lines of a pass */
  int64_t *list; /* [chunk] those of this one */
  int32_t *symbols;
  float *p, *all;
  double *shares; /* [symbols] scratch */
} next;

/* Some nets of texts lack the symbol for an end, which nothing looks at: it becomes another. */
static void blunt_ends(dataset *d, const variable *v) {
  column_values *c = &d->columns[0];
  if (unit_has_lexicon(v->form.unit) || vocabulary_find(&v->words, END_CODE) >= 0 || v->words.n < 1) return;
  for (int64_t i = 0; i < d->n_sequences; i++)
    if (c->first[i + 1] > c->first[i]) c->symbols[c->first[i + 1] - 1] = (int32_t)v->words.codes[0];
}

unroll_status next_read(dataset *d, model *m, const char *paths, const data_options *how, unroll_error *err) {
  m->schema.list->form.lines = true;
  unroll_status status = dataset_read(d, &m->schema, paths, how, err);
  if (!status) blunt_ends(d, m->schema.list);
  if (!status) status = dataset_encode(d, &m->schema, err);
  if (!status) dataset_measure(d, &m->schema, &m->g);
  return status;
}

static unroll_status take(void *context, unroll_error *err) {
  next *s = context;
  const distribution *d = &s->s.heads[0];
  const int64_t rows = batcher_loss_rows(s->s.batches, 0);
  for (int64_t i = 0; i < rows; i++) {
    const pass_place place = pass_at(&s->s, 0, i);
    const int64_t *first = s->d->columns[0].first + place.example, at = place.example - s->list[0];
    if (place.step + 1 < first[1] - first[0]) continue;
    const prediction p = distribution_at(d, s->s.run, i, place.row);
    if (!distribution_finite(d, &p)) return error_set(err, UNROLL_FAILED, "the model's output is not finite");
    s->symbols[at] = distribution_likeliest(d, &p);
    s->p[at] = (float)exp(distribution_log_symbol(d, &p, s->symbols[at]));
    if (!s->all) continue;
    distribution_probabilities(d, &p, s->shares);
    for (int j = 0; j < d->width; j++) s->all[at * d->width + j] = (float)s->shares[j];
  }
  return UNROLL_OK;
}

static unroll_status emit(const next *s, int64_t n, unroll_error *err) {
  const variable *v = s->m->schema.list;
  unroll_status status = UNROLL_OK;
  for (int64_t i = 0; i < n && !status; i++) {
    const predicted_part one = {.v = v,
                                .distribution = s->m->g.losses[0].distribution,
                                .n = 1,
                                .next = true,
                                .symbols = s->symbols + i,
                                .p = s->p + i,
                                .all = s->all ? s->all + i * v->words.n : NULL};
    const predicted p = {.number = s->list[i], .log_probability = (double)NAN, .parts = &one, .n = 1};
    status = s->sink->emit(s->sink->context, &p, err);
  }
  return status;
}

static unroll_status do_chunk(next *s, int64_t from, int rows, pool *workers, unroll_error *err) {
  const int64_t left = s->d->n_sequences - from, n = left < s->chunk ? left : s->chunk, *first = s->d->columns[0].first + from;
  const part lines = {.data = s->d, .list = s->list, .n = n, .n_symbols = first[n] - first[0]};
  const pass_options o = {.rows = rows, .steps = 1, .uneven = true, .heads = true};
  for (int64_t i = 0; i < n; i++) s->list[i] = from + i;
  unroll_status status = pass_init(&s->s, s->m, s->m->weights, &lines, &o, workers, err);
  if (!status) status = pass_all(&s->s, take, s, s->sink->stop, err);
  pass_free(&s->s);
  return status ? status : emit(s, n, err);
}

unroll_status next_symbols(const model *m, const dataset *d, int rows, pool *workers, const predict_sink *sink, unroll_error *err) {
  next s = {.m = m, .d = d, .sink = sink};
  const size_t words = (size_t)m->schema.list->words.n;
  const int64_t fits = MOST_SHARES / (int64_t)(words + 1), most = fits > LEAST_LINES ? fits : LEAST_LINES;
  s.chunk = sink->all && d->n_sequences > most ? most : d->n_sequences;
  s.list = mem_zero((size_t)s.chunk + 1, sizeof *s.list);
  s.symbols = mem_zero((size_t)s.chunk + 1, sizeof *s.symbols);
  s.p = mem_zero((size_t)s.chunk + 1, sizeof *s.p);
  s.shares = mem_zero(words + 1, sizeof *s.shares);
  if (sink->all) s.all = mem_zero((size_t)s.chunk * words + 1, sizeof *s.all);
  bool full = s.list && s.symbols && s.p && s.shares && (s.all || !sink->all);
  unroll_status status = full ? UNROLL_OK : error_memory(err);
  for (int64_t from = 0; from < d->n_sequences && !status; from += s.chunk) status = do_chunk(&s, from, rows, workers, err);
  mem_free(s.list);
  mem_free(s.symbols);
  mem_free(s.p);
  mem_free(s.all);
  mem_free(s.shares);
  return status;
}
