/* decode_eval.c - see decode_eval.h. Tokens are compared by their texts: those of the truth as they were read. Of bpe they are the
 * chunks that its symbols join to: the same text may be other symbols. */
#include "use/decode_eval.h"
#include <string.h>
#include "base/error.h"
#include "symbols/bpe.h"

typedef struct side { /* a text */
  int32_t *tokens;
  int64_t n, room;
  text bytes;
} side;

static void side_free(side *s) {
  mem_free(s->tokens);
  text_free(&s->bytes);
}

typedef struct comparer {
  const model *m;
  const dataset *d;
  const references *more; /* or NULL */
  decode_total *totals;
  int n;
  lexicon words;       /* numbers of all words and labels that were compared */
  side drawn, *truths; /* [1 + the references] */
  text joined;         /* scratch */
} comparer;

static bool add_token(comparer *s, side *to, const variable *v, int32_t code, const char *word, size_t size) {
  const bool apart = unit_has_lexicon(v->form.unit);
  if (to->n == to->room) {
    const int64_t room = to->room ? 2 * to->room : 64;
    int32_t *bigger = mem_resize(to->tokens, (size_t)room * sizeof *bigger);
    if (!bigger) return false;
    to->tokens = bigger;
    to->room = room;
  }
  if (apart) {
    code = lexicon_add(&s->words, word, size);
    if (code < 0) return false;
    if (to->n) text_add(&to->bytes, " ", 1);
    text_add(&to->bytes, word, size);
  } else {
    char c[4] = {(char)code};
    text_add(&to->bytes, c, v->form.unit == UNIT_BYTES ? 1 : (size_t)utf8_encode((uint32_t)code, c));
  }
  to->tokens[to->n++] = code;
  return !to->bytes.failed;
}

/* The chunks of `joined`, which begins with a space. */
static bool cut_chunks(comparer *s, side *to, const variable *v) {
  size_t at = 0, size;
  const char *chunk;
  if (s->joined.failed || s->joined.length <= 1) return !s->joined.failed;
  while ((chunk = bpe_chunk(s->joined.data, s->joined.length, &at, &size))) {
    const bool spaced = size > 1 && *chunk == ' ';
    if (!add_token(s, to, v, 0, chunk + spaced, size - spaced)) return false;
  }
  return true;
}

/* The tokens of a text of bpe, in the place of those that are there. */
static bool add_chunks(comparer *s, side *to, const variable *v, const int32_t *symbols, int64_t n) {
  s->joined.length = 0;
  text_add(&s->joined, " ", 1); /* which joining the symbols takes away */
  vocabulary_add_texts(&v->words, symbols, n, &s->joined);
  return cut_chunks(s, to, v);
}

static bool add_drawn(comparer *s, const variable *v, const decoded_part *p, int64_t n) {
  bool fine = true;
  s->drawn.n = 0;
  s->drawn.bytes.length = 0;
  if (v->form.unit == UNIT_BPE) return add_chunks(s, &s->drawn, v, p->symbols, n);
  for (int64_t i = 0; i < n && fine; i++) {
    size_t size = 0;
    const char *word = v->words.codes ? NULL : lexicon_text(&v->words.words, p->symbols[i], &size);
    fine = add_token(s, &s->drawn, v, word ? 0 : (int32_t)v->words.codes[p->symbols[i]], word, size);
  }
  return fine;
}

static bool add_truth(comparer *s, side *to, const variable *v, const column_values *c, int64_t example) {
  bool fine = true;
  to->n = 0;
  to->bytes.length = 0;
  const int64_t steps = c->first[example + 1] - v->ends - c->first[example];
  if (v->form.unit == UNIT_BPE) return add_chunks(s, to, v, c->symbols + c->first[example], steps);
  for (int64_t i = c->first[example]; i < c->first[example + 1] - v->ends && fine; i++) {
    size_t size = 0;
    const char *word = NULL;
    if (!v->words.codes)
      word = c->codes ? lexicon_text(&c->words, c->codes[i], &size) : lexicon_text(&v->words.words, c->symbols[i], &size);
    fine = add_token(s, to, v, word ? 0 : (int32_t)v->words.codes[c->symbols[i]], word, size);
  }
  return fine;
}

/* The tokens of a reference, which are codes as they were read. */
static bool add_reference(comparer *s, side *to, const variable *v, const column_values *c, int64_t example) {
  const bool apart = unit_has_lexicon(v->form.unit), chunks = v->form.unit == UNIT_BPE;
  bool fine = true;
  to->n = 0;
  to->bytes.length = 0;
  s->joined.length = 0;
  for (int64_t i = c->first[example]; i < c->first[example + 1] - v->ends && fine; i++) {
    size_t size = 0;
    const char *word = apart ? lexicon_text(&c->words, c->symbols[i], &size) : NULL;
    if (chunks)
      text_add(&s->joined, word, size);
    else
      fine = add_token(s, to, v, c->symbols[i], word, size);
  }
  return fine && (!chunks || cut_chunks(s, to, v));
}

/* All true texts of an example; *n of them. */
static bool add_truths(comparer *s, int data, int64_t example, int *n) {
  const variable *v = &s->m->schema.list[data];
  bool fine = add_truth(s, s->truths, v, &s->d->columns[data], example);
  *n = 1;
  for (int k = 0; s->more && s->more->data == data && k < s->more->n && fine; k++) {
    const int64_t e = references_example(s->more, k, s->d, example);
    if (e < 0) continue;
    fine = add_reference(s, &s->truths[*n], v, &s->more->list[k].columns[data], e);
    *n += s->truths[*n].n > 0;
  }
  return fine;
}

static text_tokens tokens_of(const side *x) { return (text_tokens){x->tokens, x->n, x->bytes.data, x->bytes.length}; }

static unroll_status compare_symbols(comparer *s, decode_total *t, int data, const decoded_part *p, const decoded *d,
                                     unroll_error *err) {
  const side *truth = s->truths;
  int n;
  if (!add_drawn(s, t->v, p, d->n) || !add_truths(s, data, d->example, &n)) return error_memory(err);
  t->steps += truth->n;
  for (int64_t i = 0; i < truth->n && i < s->drawn.n; i++) t->correct += s->drawn.tokens[i] == truth->tokens[i];
  text_tokens *all = mem_alloc((size_t)n * sizeof *all);
  if (!all) return error_memory(err);
  for (int i = 0; i < n; i++) all[i] = tokens_of(&s->truths[i]);
  const text_tokens drawn = tokens_of(&s->drawn);
  const unroll_status status = text_metrics_add(&t->text, &drawn, all, n, err);
  mem_free(all);
  return status;
}

/* Steps that were not drawn are outside of any span. */
static unroll_status compare_spans(decode_total *t, const column_values *c, const decoded_part *p, const decoded *d,
                                   unroll_error *err) {
  const int64_t n = c->first[d->example + 1] - c->first[d->example];
  int32_t outside = 0, *drawn = mem_alloc(((size_t)n + 1) * sizeof *drawn);
  if (!drawn) return error_memory(err);
  for (int32_t i = 0; i < t->v->words.n; i++)
    if (t->spans.tags[i].place == 'O') outside = i;
  for (int64_t i = 0; i < n; i++) drawn[i] = i < d->n ? p->symbols[i] : outside;
  span_metrics_add(&t->spans, c->symbols + c->first[d->example], drawn, n);
  mem_free(drawn);
  return UNROLL_OK;
}

static void compare_numbers(decode_total *t, const column_values *c, const decoded_part *p, const decoded *d) {
  const int64_t steps = c->first[d->example + 1] - c->first[d->example];
  const int width = p->width;
  for (int64_t i = 0; i < steps * width && i < d->n * width; i++) {
    const double away = p->numbers[i] - column_unscaled(c, t->v, c->first[d->example] + i / width, (int)(i % width));
    t->squared += away * away;
    t->entries++;
  }
}

static unroll_status compare(void *context, const decoded *d, unroll_error *err) {
  comparer *s = context;
  unroll_status status = UNROLL_OK;
  s->n = d->n_parts;
  for (int k = 0; k < d->n_parts && !status; k++) {
    const decoded_part *p = &d->parts[k];
    decode_total *t = &s->totals[k];
    const int data = s->m->g.losses[p->loss].data;
    if (!t->v && p->words && span_tagged(p->words)) {
      status = span_metrics_init(&t->spans, p->words, err);
      t->tagged = !status;
    }
    t->loss = p->loss;
    t->v = &s->m->schema.list[data];
    if (p->words && !status) status = compare_symbols(s, t, data, p, d, err);
    if (t->tagged && !status) status = compare_spans(t, &s->d->columns[data], p, d, err);
    if (!p->words) compare_numbers(t, &s->d->columns[data], p, d);
  }
  return status;
}

void decode_totals_free(decode_total *totals, int n) {
  for (int k = 0; totals && k < n; k++) span_metrics_free(&totals[k].spans);
}

unroll_status decode_eval(const model *m, const dataset *d, const references *more, const decode_options *o, pool *workers,
                          volatile sig_atomic_t *stop, decode_total *totals, int *n, unroll_error *err) {
  const int n_truths = 1 + (more ? more->n : 0);
  comparer s = {.m = m, .d = d, .more = more, .totals = totals, .truths = mem_zero((size_t)n_truths, sizeof(side))};
  const decode_sink sink = {.context = &s, .emit = compare, .stop = stop};
  memset(totals, 0, (size_t)m->g.n_losses * sizeof *totals);
  const unroll_status status = s.truths ? decode_table(m, d, NULL, o, workers, &sink, err) : error_memory(err);
  *n = s.n;
  lexicon_free(&s.words);
  side_free(&s.drawn);
  for (int i = 0; s.truths && i < n_truths; i++) side_free(&s.truths[i]);
  mem_free(s.truths);
  text_free(&s.joined);
  return status;
}
