/* model.c - behind unroll.h: a model's life, its symbols, samples and scores; explain and version. */
#include <limits.h>
#include <string.h>
#include "api/api.h"
#include "base/error.h"
#include "data/cell.h"
#include "graph/kinds.h"
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

unroll_status api_null(unroll_error *err) { return error_set(err, UNROLL_USAGE, "an argument is NULL that must not be"); }

int api_variable(const model *m, const char *name) {
  for (int i = 0; i < m->schema.n; i++)
    if (!strcmp(m->schema.list[i].form.name, name)) return i;
  return -1;
}

unroll_status api_no_variable(const model *m, const char *name, unroll_error *err) {
  const char *names[MAX_FORMS];
  for (int i = 0; i < m->schema.n; i++) names[i] = m->schema.list[i].form.name;
  const char *near = text_nearest(name, names, (size_t)m->schema.n);
  return error_set(err, UNROLL_USAGE, "the net has no variable '%s'%s%s%s", name, near ? "; did you mean '" : "", near ? near : "",
                   near ? "'?" : "");
}

void api_text(const vocabulary *v, const int32_t *symbols, int64_t n, text *out) {
  for (int64_t i = 0; i < n && v->unit == UNIT_LABELS; i++) {
    if (i) text_add(out, " ", 1);
    vocabulary_add_text(v, symbols[i], out);
  }
  if (v->unit != UNIT_LABELS) vocabulary_add_texts(v, symbols, n, out);
}

/* The symbols of a model of texts; others have none. */
static const vocabulary *words_of(const unroll_model *m) {
  static const vocabulary none = {.end = -1};
  return m && schema_is_text(&m->m.schema) ? &m->m.schema.list->words : &none;
}

/* The texts of all symbols of a variable. */
static unroll_status add_texts(symbol_texts *t, const vocabulary *v, unroll_error *err) {
  t->texts = mem_zero((size_t)v->n + 1, sizeof *t->texts);
  t->lengths = mem_zero((size_t)v->n + 1, sizeof *t->lengths);
  if (!t->texts || !t->lengths) return error_memory(err);
  for (t->n = 0; t->n < v->n; t->n++) {
    text one = {0};
    text_add(&one, "", 0);
    if (t->n != v->end) vocabulary_add_text(v, t->n, &one);
    if (one.failed) {
      text_free(&one);
      return error_memory(err);
    }
    t->texts[t->n] = one.data;
    t->lengths[t->n] = one.length;
  }
  return UNROLL_OK;
}

/* Made once so that the model stays constant. */
unroll_status api_symbols(unroll_model *m, unroll_error *err) {
  const schema *s = &m->m.schema;
  unroll_status status = UNROLL_OK;
  m->symbols = mem_zero((size_t)s->n + 1, sizeof *m->symbols);
  if (!m->symbols) return error_memory(err);
  for (int i = 0; i < s->n && !status; i++)
    if (s->list[i].form.unit != UNIT_NUMBERS) status = add_texts(&m->symbols[i], &s->list[i].words, err);
  return status;
}

/* From a file, or from bytes. */
static unroll_status load(unroll_model **out, const char *path, const void *bytes, size_t size, unroll_error *err) {
  unroll_model *m = mem_zero(1, sizeof *m);
  if (!m) return error_memory(err);
  unroll_status status = bytes ? model_load_memory(&m->m, bytes, size, err) : model_load(&m->m, path, false, err);
  if (!status) status = api_symbols(m, err);
  if (status)
    unroll_model_free(m);
  else
    *out = m;
  return status;
}

unroll_status unroll_model_load(unroll_model **out, const char *path, unroll_error *err) {
  if (!out) return api_null(err);
  *out = NULL;
  return path ? load(out, path, NULL, 0, err) : api_null(err);
}

unroll_status unroll_model_load_memory(unroll_model **out, const void *bytes, size_t size, unroll_error *err) {
  if (!out) return api_null(err);
  *out = NULL;
  return bytes ? load(out, NULL, bytes, size, err) : api_null(err);
}

unroll_status unroll_model_set_precision(unroll_model *m, const char *precision, unroll_error *err) {
  return m ? model_set_precision(&m->m, precision, err) : api_null(err);
}

void unroll_model_free(unroll_model *m) {
  if (!m) return;
  for (int i = 0; m->symbols && i < m->m.schema.n; i++) {
    for (int k = 0; k < m->symbols[i].n; k++) mem_free(m->symbols[i].texts[k]);
    mem_free(m->symbols[i].texts);
    mem_free(m->symbols[i].lengths);
  }
  mem_free(m->symbols);
  model_free(&m->m);
  mem_free(m);
}

/* --- variables --- */

void unroll_variable_init_sized(unroll_variable *v, size_t size) { api_init(v, size); }

int unroll_model_variables(const unroll_model *m) { return m ? m->m.schema.n : 0; }

unroll_status unroll_model_read(const unroll_model *m, const char *source, size_t length, int32_t **symbols, int64_t *n,
                                unroll_error *err) {
  prime p = {0};
  if (!m || !source || !symbols || !n) return api_null(err);
  unroll_status status = prime_read(&p, &m->m, source, length, err);
  int32_t *copy = status ? NULL : mem_alloc(((size_t)p.n + 1) * sizeof *copy);
  if (!status && !copy) status = error_memory(err);
  if (!status) {
    if (p.n) memcpy(copy, p.symbols, (size_t)p.n * sizeof *copy);
    *symbols = copy;
    *n = p.n;
  }
  prime_free(&p);
  return status;
}

/* What the cells of a kind name files of. */
static const char *file_of(const data_form *f) {
  const cell_reader *r = cell_reader_of(f);
  return r->open ? f->of->value : NULL;
}

unroll_status unroll_model_variable(const unroll_model *m, int number, unroll_variable *out, unroll_error *err) {
  if (!m || !out) return api_null(err);
  if (number < 0 || number >= m->m.schema.n)
    return error_set(err, UNROLL_USAGE, "the net has variables 0 to %d", m->m.schema.n - 1);
  const variable *v = &m->m.schema.list[number];
  static const char *const units[] = {[UNIT_CHARS] = "chars", [UNIT_BYTES] = "bytes",   [UNIT_WORDS] = "words",
                                      [UNIT_BPE] = "bpe",     [UNIT_LABELS] = "labels", [UNIT_NUMBERS] = "numbers"};
  static const char *const sorts[] = {
      [KIND_TEXT] = "text",       [KIND_LABEL] = "label", [KIND_PART] = "part", [KIND_NUMBERS] = "numbers", [KIND_BOX] = "box",
      [KIND_PICTURE] = "picture", [KIND_PEN] = "pen",     [KIND_KEYS] = "keys", [KIND_CALENDAR] = "time",   [KIND_END] = "end"};
  const bool numbers = v->form.unit == UNIT_NUMBERS;
  const unroll_variable own = {.name = v->form.name,
                               .kind = v->form.kind,
                               .has_steps = v->step,
                               .predicted = v->predicted,
                               .fed_back = v->fed_back,
                               .symbols = numbers ? 0 : v->words.n,
                               .width = numbers ? v->width : 0,
                               .distribution = v->distribution ? v->distribution->name : NULL,
                               .unit = units[v->form.unit],
                               .file = file_of(&v->form),
                               .sort = sorts[v->form.of->sort],
                               .channels = v->shape.channels,
                               .rows = v->shape.rows,
                               .columns = v->shape.columns};
  API_GIVE(out, &own);
  return UNROLL_OK;
}

const char *unroll_model_label(const unroll_model *m, const char *name, int symbol, size_t *length) {
  const int i = m && name ? api_variable(&m->m, name) : -1;
  if (i < 0 || symbol < 0 || symbol >= m->symbols[i].n) return NULL;
  if (length) *length = m->symbols[i].lengths[symbol];
  return m->symbols[i].texts[symbol];
}

unroll_status unroll_model_text(const unroll_model *m, const char *name, const int32_t *symbols, int64_t n, char **out,
                                size_t *length, unroll_error *err) {
  if (!out) return api_null(err);
  *out = NULL;
  if (!m || (n > 0 && !symbols)) return api_null(err);
  int i = name ? api_variable(&m->m, name) : 0;
  while (!name && i < m->m.schema.n - 1 && !m->m.schema.list[i].predicted) i++;
  if (i < 0) return api_no_variable(&m->m, name, err);
  const variable *v = &m->m.schema.list[i];
  if (v->form.unit == UNIT_NUMBERS) return error_set(err, UNROLL_USAGE, "'%s' has no symbols", v->form.name);
  for (int64_t k = 0; k < n; k++)
    if (symbols[k] < 0 || symbols[k] >= v->words.n)
      return error_set(err, UNROLL_USAGE, "'%s' has symbols 0 to %d", v->form.name, v->words.n - 1);
  text t = {0};
  api_text(&v->words, symbols, n, &t);
  text_add(&t, "", 0);
  if (t.failed) {
    text_free(&t);
    return error_memory(err);
  }
  *out = t.data;
  if (length) *length = t.length;
  return UNROLL_OK;
}

void unroll_series_init_sized(unroll_series *s, size_t size) { api_init(s, size); }

unroll_status unroll_model_series(const unroll_model *m, unroll_series *out, unroll_error *err) {
  if (!m || !out) return api_null(err);
  const series_form *f = &m->m.schema.time;
  const unroll_series own = {.time = f->time, .series = f->series, .context = f->context, .horizon = f->horizon};
  API_GIVE(out, &own);
  return UNROLL_OK;
}

/* --- parameters --- */

void unroll_parameter_init_sized(unroll_parameter *p, size_t size) { api_init(p, size); }

int unroll_model_parameters(const unroll_model *m) { return m ? m->m.g.n_params : 0; }

unroll_status unroll_model_parameter(const unroll_model *m, int number, unroll_parameter *out, unroll_error *err) {
  if (!m || !out) return api_null(err);
  if (number < 0 || number >= m->m.g.n_params)
    return error_set(err, UNROLL_USAGE, "the model has parameters 0 to %d", m->m.g.n_params - 1);
  const param *p = &m->m.g.params[number];
  const unroll_parameter own = {
      .name = p->name, .rows = p->rows, .columns = p->cols, .data = m->m.weights + p->offset, .is_vector = p->vector};
  API_GIVE(out, &own);
  return UNROLL_OK;
}

static const char *name_of(const builtin *list, int number) {
  for (int i = 0; list[i].name && i <= number; i++)
    if (i == number) return list[i].name;
  return NULL;
}

const char *unroll_net_name(int number) { return name_of(lang_nets, number); }
const char *unroll_cell_name(int number) { return name_of(lang_cells, number); }

/* --- of a model of texts --- */

const char *unroll_model_equations(const unroll_model *m) { return m ? m->m.net_text : NULL; }
int64_t unroll_model_weights(const unroll_model *m) { return m ? m->m.g.n_weights : 0; }
int unroll_model_symbols(const unroll_model *m) { return words_of(m)->n; }
int unroll_model_end(const unroll_model *m) { return words_of(m)->end; }

const char *unroll_model_symbol(const unroll_model *m, int symbol, size_t *length) {
  if (symbol < 0 || symbol >= words_of(m)->n) return NULL;
  if (length) *length = m->symbols[0].lengths[symbol];
  return m->symbols[0].texts[symbol];
}

int unroll_model_find(const unroll_model *m, const char *begin, size_t length, size_t *taken) {
  const vocabulary *v = words_of(m);
  if (v->n == 0 || !begin) return -1; /* a model of tables */
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
    if (taken) *taken = m->symbols[0].lengths[found];
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

void unroll_sample_options_init_sized(unroll_sample_options *o, size_t size) {
  const unroll_sample_options usual = {.temperature = 1, .length = 1000, .seed = 1, .top_p = 1, .drawn = -1, .sequence = -1};
  if (!o) return;
  api_init(o, size);
  API_GIVE(o, &usual);
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

unroll_status unroll_sample(const unroll_model *m, const unroll_sample_options *given, char **out, double *log2_p,
                            unroll_error *err) {
  taken_sample t = {0};
  generate_options g;
  unroll_sample_options o;
  if (!out) return api_null(err);
  *out = NULL;
  if (!m || !given) return api_null(err);
  unroll_sample_options_init(&o);
  API_TAKE(&o, given);
  if (!(o.temperature >= 0 && o.temperature <= 1e6) || o.top_k < 0 || o.length < 1 || !(o.top_p >= 0 && o.top_p <= 1))
    return error_set(err, UNROLL_USAGE, "a temperature below 0, a negative top_k, a length below 1, or a top_p not within 0 and 1");
  generate_defaults(&g, &m->m);
  g.n = 1;
  g.prime = o.prime;
  g.prime_size = o.prime ? strlen(o.prime) : 0;
  g.temperature = o.temperature;
  g.top_k = o.top_k;
  g.top_p = o.top_p;
  g.seed = o.seed;
  g.length = o.length;
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
  if (!m || !sequence || !log2_p) return api_null(err);
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
