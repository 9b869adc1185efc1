/* search.c - see search.h. */
#include "use/search.h"
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"

enum { MOST_WORDS_BYTES = 1 << 28, LONGEST_WORD = 256 };
static const double LEAST = 1e-6; /* of a symbol that is tried where a language model has its say: it costs a step of the model */

const variable *search_variable(const model *m) {
  for (int i = 0; i < m->schema.n; i++)
    if (m->schema.list[i].over >= 0) return &m->schema.list[i];
  return NULL;
}

/* --- words --- */

/* The symbols of a word; 0: there is none of them, or one that is not known. */
static int symbols_of(const vocabulary *v, const char *s, size_t size, int32_t *out) {
  int n = 0;
  for (size_t i = 0; i < size;) {
    uint32_t code = (unsigned char)s[i];
    const int bytes = v->unit == UNIT_CHARS ? utf8_decode(s + i, size - i, &code) : 1;
    if (!bytes || n == LONGEST_WORD || (out[n++] = vocabulary_find(v, code)) < 0) return 0;
    i += (size_t)bytes;
  }
  return n;
}

static unroll_status read_words(search *s, const variable *v, const char *path, unroll_error *err) {
  char *data = NULL;
  size_t size = 0;
  int32_t symbols[LONGEST_WORD];
  unroll_error own = {0};
  unroll_status status = file_read_regular(path, MOST_WORDS_BYTES, &data, &size, &own);
  if (status) return error_set(err, status, "'%.200s': %.200s", path, own.message);
  for (size_t at = 0, end; at < size && !status; at = end + 1) {
    const char *line = data + at;
    const char *newline = memchr(line, '\n', size - at);
    end = newline ? (size_t)(newline - data) : size;
    size_t n = 0;
    while (at + n < end && !strchr(" \t\r", line[n])) n++;
    const int many = symbols_of(&v->words, line, n, symbols);
    if (many) status = ctc_words_add(&s->words, symbols, many, err);
  }
  mem_free(data);
  if (!status && !s->words.n)
    status = error_set(err, UNROLL_BAD_INPUT, "'%.200s' has no word of the symbols of '%s', one at the beginning of each line",
                       path, v->form.name);
  s->how.words = &s->words;
  return status;
}

/* --- all --- */

static unroll_status check(const model *m, const search_options *o, const variable *v, unroll_error *err) {
  const char *name = o->language         ? "lm"
                     : o->lexicon        ? "lexicon"
                     : !isnan(o->weight) ? "lm-weight"
                     : !isnan(o->bonus)  ? "word-bonus"
                                         : NULL;
  int many = 0;
  if (name && !v) return error_set(err, UNROLL_USAGE, "option '%s' is for texts that ctc predicts, and here there are none", name);
  for (int i = 0; i < m->schema.n; i++) many += m->schema.list[i].over >= 0;
  if (name && many > 1) return error_set(err, UNROLL_USAGE, "option '%s' is for models with one line of ctc", name);
  if (!isnan(o->weight) && !o->language) return error_set(err, UNROLL_USAGE, "option 'lm-weight' goes with option 'lm'");
  const bool spelled = v && (v->words.unit == UNIT_CHARS || v->words.unit == UNIT_BYTES);
  if (!spelled && (o->lexicon || !isnan(o->bonus)))
    return error_set(err, UNROLL_USAGE, "option '%s' is for texts of characters", o->lexicon ? "lexicon" : "word-bonus");
  return UNROLL_OK;
}

unroll_status search_init(search *s, const model *m, const search_options *o, unroll_error *err) {
  const variable *v = search_variable(m);
  *s = (search){0};
  unroll_status status = check(m, o, v, err);
  if (status || !v) return status;
  const bool guided = o->language || o->lexicon || !isnan(o->bonus);
  s->how = (ctc_search){.beam = o->beam > 0 ? (int)o->beam
                                : guided    ? SEARCH_BEAM
                                            : 1,
                        .best = o->best > 0 ? (int)o->best : 1,
                        .space = -1};
  s->any = guided || s->how.beam > 1;
  if (s->how.best > s->how.beam)
    return error_set(err, UNROLL_USAGE, "option 'n-best' is at most option 'beam', which is %d", s->how.beam);
  if (guided && (v->words.unit == UNIT_CHARS || v->words.unit == UNIT_BYTES)) s->how.space = vocabulary_find(&v->words, ' ');
  s->how.word_bonus = isnan(o->bonus) ? 0 : o->bonus;
  if (o->lexicon) status = read_words(s, v, o->lexicon, err);
  if (!status && o->language) {
    status = language_load(&s->language, o->language, v, err);
    if (!status) s->how.language = language_asked(s->language);
    s->how.language_weight = isnan(o->weight) ? 1 : o->weight;
    s->how.least = LEAST;
  }
  return status;
}

void search_free(search *s) {
  ctc_words_free(&s->words);
  language_free(s->language);
  *s = (search){0};
}

const ctc_search *search_asked(const search *s) { return s->any ? &s->how : NULL; }
