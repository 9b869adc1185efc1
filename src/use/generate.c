/* generate.c - see generate.h. */
#include "use/generate.h"
#include <string.h>
#include "base/error.h"
#include "use/decode.h"

typedef struct generator {
  const model *m;
  const generate_sink *sink;
  dataset prime;    /* its symbols */
  int32_t *symbols; /* prime and drawn ones */
  int64_t room;
  text out;
} generator;

void generate_defaults(generate_options *o, const model *m) {
  (void)m;
  *o = (generate_options){.n = 1, .temperature = 1, .seed = 1, .length = 1000};
}

static unroll_status read_prime(generator *s, const char *prime, size_t size, unroll_error *err) {
  const vocabulary *v = &s->m->words;
  data_form form = s->m->form;
  unroll_status status = model_needs_text(s->m, "generating", err);
  form.lines = false;
  if (status || !prime || size == 0) return status;
  status = dataset_parse(&s->prime, &form, "the prime", prime, size, err);
  if (!status) status = dataset_encode(&s->prime, v, err);
  for (int64_t i = 0; !status && i < s->prime.n_symbols; i++)
    if (s->prime.symbols[i] == v->end) status = error_set(err, UNROLL_USAGE, "the prime must not go over the end of a line");
  return status;
}

static unroll_status emit(void *context, const decoded *d, unroll_error *err) {
  generator *s = context;
  const int64_t n = s->prime.n_symbols + d->n;
  if (n >= s->room) {
    int32_t *bigger = mem_resize(s->symbols, (size_t)(n + 1) * sizeof *bigger);
    if (!bigger) return error_memory(err);
    s->symbols = bigger;
    s->room = n + 1;
  }
  if (s->prime.n_symbols) memcpy(s->symbols, s->prime.symbols, (size_t)s->prime.n_symbols * sizeof *s->symbols);
  if (d->n) memcpy(s->symbols + s->prime.n_symbols, d->parts[0].symbols, (size_t)d->n * sizeof *s->symbols);
  s->out.length = 0;
  vocabulary_add_texts(&s->m->words, s->symbols, n, &s->out);
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
  if (!status) status = decode_nothing(m, s.prime.symbols, s.prime.n_symbols, &how, workers, &inner, err);
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
  if (!status) status = decode_nothing(m, s.prime.symbols, s.prime.n_symbols, &how, NULL, &sink, err);
  generator_free(&s);
  return status;
}
