/* words_text.c - a plain text of words: one stream, in which the end of a line is a symbol like others (as <eos> is in corpora for
 * language models), or a sequence a line. */
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "data/words.h"

const char *word_of_form(const data_form *f, const char *s, size_t size, size_t *at, size_t *length) {
  if (!f->spaced) return word_next(s, size, at, length);
  while (*at < size && white_byte(s[*at])) ++*at;
  const size_t begin = *at;
  while (*at < size && !white_byte(s[*at])) ++*at;
  *length = *at - begin;
  return *length ? s + begin : NULL;
}

typedef struct sink { /* where words go; d = NULL: they are only counted */
  dataset *d;
  const data_form *f;
  text small; /* scratch */
  int64_t n;
} sink;

static bool add(sink *k, const char *s, size_t size) {
  if (k->d) {
    if (k->f->lower) {
      words_lower(s, size, &k->small);
      if (k->small.failed) return false;
      s = k->small.data;
      size = k->small.length;
    }
    const int32_t number = lexicon_add(&k->d->words, s, size);
    if (number < 0) return false;
    k->d->symbols[k->n] = number;
  }
  k->n++;
  return true;
}

/* `more`: another file follows, so the last line of a stream ends too. */
static bool read_lines(sink *k, const char *data, size_t size, bool more, int64_t *sequence) {
  for (size_t start = 0; start < size;) {
    const char *newline = memchr(data + start, '\n', size - start), *word;
    const size_t line = newline ? (size_t)(newline - data) - start : size - start;
    size_t at = 0, length;
    while ((word = word_of_form(k->f, data + start, line, &at, &length)))
      if (!add(k, word, length)) return false;
    if ((newline || more || k->f->lines) && !add(k, "\n", 1)) return false;
    if (k->f->lines && k->d) k->d->first[++*sequence] = k->n;
    start += line + 1;
  }
  return true;
}

int64_t words_count(const data_form *f, const char *data, size_t size) {
  sink k = {.f = f};
  read_lines(&k, data, size, false, NULL);
  return k.n;
}

unroll_status words_read(dataset *d, const data_form *f, const char *data, size_t size, bool more, int64_t *sequence,
                         unroll_error *err) {
  sink k = {.d = d, .f = f, .n = d->n_symbols};
  const bool fine = read_lines(&k, data, size, more, sequence);
  d->n_symbols = k.n;
  text_free(&k.small);
  return fine ? UNROLL_OK : error_memory(err);
}
