/* generate.c - see generate.h. */
#include "use/generate.h"
#include <string.h>
#include "base/error.h"
#include "use/decode.h"

void generate_defaults(generate_options *o, const model *m) {
  (void)m;
  *o = (generate_options){.n = 1, .temperature = 1, .seed = 1, .length = 1000};
}

unroll_status prime_read(prime *p, const model *m, const char *source, size_t size, unroll_error *err) {
  *p = (prime){0};
  if (!(p->v = model_text(m, "generating", err))) return UNROLL_USAGE;
  if (!source || size == 0) return UNROLL_OK;
  variable stream = *p->v; /* borrows its vocabulary */
  stream.form.lines = false;
  unroll_status status = dataset_parse(&p->data, &stream.form, "the prime", source, size, err);
  if (!status) status = dataset_encode(&p->data, &(schema){.list = &stream, .n = 1}, err);
  if (status) return status;
  p->symbols = p->data.columns[0].symbols;
  p->n = p->data.columns[0].n;
  for (int64_t i = 0; !status && i < p->n; i++)
    if (p->symbols[i] == p->v->words.end) status = error_set(err, UNROLL_USAGE, "the prime must not go over the end of a line");
  return status;
}

unroll_status prime_text(prime *p, const int32_t *drawn, int64_t n, text *out, unroll_error *err) {
  const int64_t both = p->n + n;
  if (both >= p->room) {
    int32_t *bigger = mem_resize(p->all, (size_t)(both + 1) * sizeof *bigger);
    if (!bigger) return error_memory(err);
    p->all = bigger;
    p->room = both + 1;
  }
  if (p->n) memcpy(p->all, p->symbols, (size_t)p->n * sizeof *p->all);
  if (n) memcpy(p->all + p->n, drawn, (size_t)n * sizeof *p->all);
  vocabulary_add_texts(&p->v->words, p->all, both, out);
  text_add(out, "", 0);
  return out->failed ? error_memory(err) : UNROLL_OK;
}

void prime_free(prime *p) {
  dataset_free(&p->data);
  mem_free(p->all);
  *p = (prime){0};
}

typedef struct generator {
  const generate_sink *sink;
  prime prime;
  text out;
} generator;

static unroll_status emit(void *context, const decoded *d, unroll_error *err) {
  generator *s = context;
  s->out.length = 0;
  const unroll_status status = prime_text(&s->prime, d->parts[0].symbols, d->n, &s->out, err);
  if (status) return status;
  const generated g = {.number = d->number,
                       .symbols = s->prime.all,
                       .n = s->prime.n + d->n,
                       .text = s->out.length ? s->out.data : "",
                       .size = s->out.length,
                       .ended = d->ended,
                       .log_probability = d->log_probability};
  return s->sink->emit(s->sink->context, &g, err);
}

unroll_status generate(const model *m, const generate_options *o, pool *workers, const generate_sink *sink, unroll_error *err) {
  generator s = {.sink = sink};
  decode_options how;
  decode_defaults(&how);
  how.samples = o->n;
  how.choice = (draw_choice){.temperature = o->temperature, .top_k = o->top_k, .top_p = o->top_p};
  how.seed = o->seed;
  how.length = o->length;
  if (o->n < 1 || o->length < 0) return error_set(err, UNROLL_USAGE, "there is nothing to generate");
  unroll_status status = prime_read(&s.prime, m, o->prime, o->prime_size, err);
  const decode_sink inner = {.context = &s, .emit = emit, .stop = sink->stop};
  if (!status) status = decode_nothing(m, s.prime.symbols, s.prime.n, &how, workers, &inner, err);
  prime_free(&s.prime);
  text_free(&s.out);
  return status;
}

static unroll_status ignore(void *context, const decoded *d, unroll_error *err) {
  (void)context, (void)d, (void)err;
  return UNROLL_OK;
}

unroll_status generate_next(const model *m, const char *prefix, size_t size, double *probabilities, unroll_error *err) {
  prime p;
  decode_options how;
  decode_defaults(&how);
  how.length = 1;
  unroll_status status = prime_read(&p, m, prefix, size, err);
  const decode_sink sink = {.emit = ignore, .probabilities = probabilities};
  if (!status) status = decode_nothing(m, p.symbols, p.n, &how, NULL, &sink, err);
  prime_free(&p);
  return status;
}
