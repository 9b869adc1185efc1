/* generate.c - see generate.h. */
#include "use/generate.h"
#include <string.h>
#include "base/error.h"
#include "use/decode.h"

typedef struct generator {
  const model *m;
  const generate_sink *sink;
  const variable *v;
  dataset prime;
  const int32_t *first; /* [n_first] its symbols */
  int64_t n_first;
  int32_t *symbols; /* prime and drawn ones */
  int64_t room;
  text out;
} generator;

void generate_defaults(generate_options *o, const model *m) {
  (void)m;
  *o = (generate_options){.n = 1, .temperature = 1, .seed = 1, .length = 1000};
}

static unroll_status read_prime(generator *s, const char *prime, size_t size, unroll_error *err) {
  if (!(s->v = model_text(s->m, "generating", err))) return UNROLL_USAGE;
  if (!prime || size == 0) return UNROLL_OK;
  variable stream = *s->v; /* borrows its vocabulary */
  stream.form.lines = false;
  unroll_status status = dataset_parse(&s->prime, &stream.form, "the prime", prime, size, err);
  if (!status) status = dataset_encode(&s->prime, &(schema){.list = &stream, .n = 1}, err);
  if (status) return status;
  s->first = s->prime.columns[0].symbols;
  s->n_first = s->prime.columns[0].n;
  for (int64_t i = 0; !status && i < s->n_first; i++)
    if (s->first[i] == s->v->words.end) status = error_set(err, UNROLL_USAGE, "the prime must not go over the end of a line");
  return status;
}

static unroll_status emit(void *context, const decoded *d, unroll_error *err) {
  generator *s = context;
  const int64_t n = s->n_first + d->n;
  if (n >= s->room) {
    int32_t *bigger = mem_resize(s->symbols, (size_t)(n + 1) * sizeof *bigger);
    if (!bigger) return error_memory(err);
    s->symbols = bigger;
    s->room = n + 1;
  }
  if (s->n_first) memcpy(s->symbols, s->first, (size_t)s->n_first * sizeof *s->symbols);
  if (d->n) memcpy(s->symbols + s->n_first, d->parts[0].symbols, (size_t)d->n * sizeof *s->symbols);
  s->out.length = 0;
  vocabulary_add_texts(&s->v->words, s->symbols, n, &s->out);
  text_add(&s->out, "", 0);
  if (s->out.failed) return error_memory(err);
  const generated g = {.number = d->number,
                       .symbols = s->symbols,
                       .n = n,
                       .text = s->out.length ? s->out.data : "",
                       .size = s->out.length,
                       .ended = d->ended,
                       .log_probability = d->log_probability};
  return s->sink->emit(s->sink->context, &g, err);
}

static void generator_free(generator *s) {
  dataset_free(&s->prime);
  mem_free(s->symbols);
  text_free(&s->out);
}

unroll_status generate(const model *m, const generate_options *o, pool *workers, const generate_sink *sink, unroll_error *err) {
  generator s = {.m = m, .sink = sink};
  decode_options how;
  decode_defaults(&how);
  how.samples = o->n;
  how.choice = (draw_choice){.temperature = o->temperature, .top_k = o->top_k, .top_p = o->top_p};
  how.seed = o->seed;
  how.length = o->length;
  unroll_status status = o->n < 1 || o->length < 0 ? error_set(err, UNROLL_USAGE, "there is nothing to generate") : UNROLL_OK;
  if (!status) status = read_prime(&s, o->prime, o->prime_size, err);
  const decode_sink inner = {.context = &s, .emit = emit, .stop = sink->stop};
  if (!status) status = decode_nothing(m, s.first, s.n_first, &how, workers, &inner, err);
  generator_free(&s);
  return status;
}

static unroll_status ignore(void *context, const decoded *d, unroll_error *err) {
  (void)context, (void)d, (void)err;
  return UNROLL_OK;
}

unroll_status generate_next(const model *m, const char *prefix, size_t size, double *probabilities, unroll_error *err) {
  generator s = {.m = m};
  decode_options how;
  decode_defaults(&how);
  how.length = 1;
  unroll_status status = read_prime(&s, prefix, size, err);
  const decode_sink sink = {.emit = ignore, .probabilities = probabilities};
  if (!status) status = decode_nothing(m, s.first, s.n_first, &how, NULL, &sink, err);
  generator_free(&s);
  return status;
}
