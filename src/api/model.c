/* model.c - behind unroll.h: a model's life, its symbols, samples and scores; explain and version. */
#include <limits.h>
#include <string.h>
#include "api/api.h"
#include "api/inspect.h"
#include "graph/settings.h"
#include "base/error.h"
#include "symbols/bpe.h"
#include "symbols/words.h"
#include "use/evaluate.h"
#include "use/generate.h"
#include "use/score.h"

const char *unroll_version(void) { return UNROLL_VERSION; }

const char *unroll_parts(void) {
  static const char with[] = UNROLL_PARTS, without[] = UNROLL_PARTS_LACKING;
  if (!*without) return "with " UNROLL_PARTS;
  return *with ? "with " UNROLL_PARTS "; without " UNROLL_PARTS_LACKING : "without " UNROLL_PARTS_LACKING;
}

void unroll_free(void *block) { mem_free(block); }

/* The symbols of a model of texts; others have none. */
static const vocabulary *words_of(const unroll_model *m) {
  static const vocabulary none = {.end = -1};
  return schema_is_text(&m->m.schema) ? &m->m.schema.list->words : &none;
}

/* The texts of all symbols, made once so that the model stays constant. */
static unroll_status add_symbols(unroll_model *m, unroll_error *err) {
  const vocabulary *v = words_of(m);
  m->symbols = mem_zero((size_t)v->n + 1, sizeof *m->symbols);
  m->lengths = mem_zero((size_t)v->n + 1, sizeof *m->lengths);
  if (!m->symbols || !m->lengths) return error_memory(err);
  for (int i = 0; i < v->n; i++) {
    text t = {0};
    text_add(&t, "", 0);
    if (i != v->end) vocabulary_add_text(v, i, &t);
    if (t.failed) {
      text_free(&t);
      return error_memory(err);
    }
    m->symbols[i] = t.data;
    m->lengths[i] = t.length;
  }
  return UNROLL_OK;
}

unroll_status unroll_model_load(unroll_model **out, const char *path, unroll_error *err) {
  *out = NULL;
  unroll_model *m = mem_zero(1, sizeof *m);
  if (!m) return error_memory(err);
  unroll_status status = model_load(&m->m, path, false, err);
  if (!status) status = add_symbols(m, err);
  if (status)
    unroll_model_free(m);
  else
    *out = m;
  return status;
}

unroll_status unroll_model_set_precision(unroll_model *m, const char *precision, unroll_error *err) {
  return model_set_precision(&m->m, precision, err);
}

void unroll_model_free(unroll_model *m) {
  if (!m) return;
  for (int i = 0; m->symbols && i < words_of(m)->n; i++) mem_free(m->symbols[i]);
  mem_free(m->symbols);
  mem_free(m->lengths);
  model_free(&m->m);
  mem_free(m);
}

const char *unroll_model_equations(const unroll_model *m) { return m->m.net_text; }
int64_t unroll_model_weights(const unroll_model *m) { return m->m.g.n_weights; }
int unroll_model_symbols(const unroll_model *m) { return words_of(m)->n; }
int unroll_model_end(const unroll_model *m) { return words_of(m)->end; }

const char *unroll_model_symbol(const unroll_model *m, int symbol, size_t *length) {
  if (symbol < 0 || symbol >= words_of(m)->n) return NULL;
  if (length) *length = m->lengths[symbol];
  return m->symbols[symbol];
}

int unroll_model_find(const unroll_model *m, const char *begin, size_t length, size_t *taken) {
  const vocabulary *v = words_of(m);
  if (v->n == 0) return -1; /* a model of tables */
  if (v->unit == UNIT_WORDS) {
    size_t at = 0, size;
    const char *word = word_of_form(&m->m.schema.list->form, begin, utf8_valid(begin, length), &at, &size);
    if (!word) return -1;
    if (taken) *taken = at;
    text small = {0};
    if (m->m.schema.list->form.lower) words_lower(word, size, &small);
    const int found = small.length ? vocabulary_find_word(v, small.data, small.length) : vocabulary_find_word(v, word, size);
    text_free(&small);
    return found;
  }
  if (v->unit == UNIT_BPE) {
    int32_t out[BPE_CHUNK];
    size_t at = 0, size;
    const char *chunk = length && *begin == '\n' ? begin : bpe_chunk(begin, length, &at, &size);
    if (!chunk) return -1;
    const int found = bpe_encode(v, chunk, at ? size : 1, out) > 0 ? out[0] : -1;
    if (found == v->end) return -1;
    if (taken) *taken = m->lengths[found];
    return found;
  }
  uint32_t code = length ? (unsigned char)begin[0] : 0;
  const int n = v->unit == UNIT_BYTES ? length > 0 : utf8_decode(begin, length, &code);
  const int symbol = n ? vocabulary_find(v, code) : -1;
  if (symbol < 0 || symbol == v->end) return -1;
  if (taken) *taken = (size_t)n;
  return symbol;
}

/* --- samples --- */

void unroll_sample_options_init(unroll_sample_options *o) {
  *o = (unroll_sample_options){.temperature = 1, .length = 1000, .seed = 1};
}

typedef struct taken_sample {
  char *text;
  double nats;
} taken_sample;

static unroll_status take_sample(void *context, const generated *g, unroll_error *err) {
  taken_sample *t = context;
  t->text = mem_alloc(g->size + 1);
  if (!t->text) return error_memory(err);
  memcpy(t->text, g->text, g->size);
  t->text[g->size] = 0;
  t->nats = g->log_probability;
  return UNROLL_OK;
}

unroll_status unroll_sample(const unroll_model *m, const unroll_sample_options *o, char **out, double *log2_p, unroll_error *err) {
  taken_sample t = {0};
  generate_options g;
  *out = NULL;
  if (!(o->temperature >= 0 && o->temperature <= 1e6) || o->top_k < 0 || o->length < 1)
    return error_set(err, UNROLL_USAGE, "a temperature below 0, a negative top_k or a length below 1");
  generate_defaults(&g, &m->m);
  g.n = 1;
  g.prime = o->prime;
  g.prime_size = o->prime ? strlen(o->prime) : 0;
  g.temperature = o->temperature;
  g.top_k = o->top_k;
  g.seed = o->seed;
  g.length = o->length;
  const generate_sink sink = {.context = &t, .emit = take_sample};
  const unroll_status status = generate(&m->m, &g, NULL, &sink, err);
  if (status) {
    mem_free(t.text);
    return status;
  }
  *out = t.text;
  if (log2_p) *log2_p = t.nats * BITS_PER_NAT;
  return UNROLL_OK;
}

/* --- scores --- */

unroll_status unroll_score(const unroll_model *m, const char *sequence, size_t length, double *log2_p, int64_t *symbols,
                           unroll_error *err) {
  dataset d = {0};
  score_total total = {0};
  const score_sink sink = {0};
  const variable *v = model_text(&m->m, "scoring", err);
  if (!v) return UNROLL_USAGE;
  const bool lines = v->form.lines;
  if (lines && memchr(sequence, '\n', length))
    return error_set(err, UNROLL_USAGE, "the text has more than one line, and so is not one sequence");
  text copy = {0}; /* of a line, with its end: an empty line is a sequence too */
  text_add(&copy, sequence, length);
  if (lines) text_add(&copy, "\n", 1);
  unroll_status status = copy.failed ? error_memory(err) : dataset_parse(&d, &v->form, "text", copy.data, copy.length, err);
  if (!status) status = dataset_encode(&d, &m->m.schema, err);
  if (!status) dataset_measure(&d, &m->m.schema, &m->m.g);
  if (!status) status = score(&m->m, &d, NULL, &sink, &total, err);
  if (!status) {
    *log2_p = 0 - total.nats * BITS_PER_NAT;
    if (symbols) *symbols = total.symbols;
  }
  dataset_free(&d);
  text_free(&copy);
  return status;
}

/* --- explain --- */

unroll_status unroll_explain(const char *net, const char *const *settings, int n_settings, char **out, unroll_error *err) {
  inspection x;
  arena memory = {0};
  setting *list = NULL;
  plan *p = NULL;
  text t = {0};
  int n = 0;
  *out = NULL;
  unroll_status status = inspect_parse(&x, net, err);
  if (!status) status = settings_parse(&list, &n, settings, n_settings, &memory, err);
  if (!status) status = inspect_build(&x, list, n, err);
  if (!status) status = inspect_plan(&x, 32, 64, &p, err);
  if (!status) {
    inspect_print(&x, p, &t);
    if (t.failed) status = error_memory(err);
  }
  if (status)
    text_free(&t);
  else
    *out = t.data;
  plan_free(p);
  inspect_close(&x);
  arena_free(&memory);
  return status;
}
