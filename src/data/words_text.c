/* words_text.c - a plain text of words or chunks of bpe: one stream, or a sequence a line. */
#include "base/error.h"
#include "base/memory.h"
#include "data/words_text.h"

typedef struct sink { /* where words go; d = NULL: they are only counted */
  dataset *d;
  int64_t n, *sequence;
} sink;

static bool add(void *context, const char *s, size_t size) {
  sink *k = context;
  if (k->d) {
    const int32_t number = lexicon_add(&k->d->words, s, size);
    if (number < 0) return false;
    k->d->symbols[k->n] = number;
  }
  k->n++;
  return true;
}

static bool line_ended(void *context) {
  sink *k = context;
  k->d->first[++*k->sequence] = k->n;
  return true;
}

int64_t words_count(const data_form *f, const char *data, size_t size) {
  sink k = {NULL, 0, NULL};
  return words_lines(f, data, size, false, add, NULL, &k) ? k.n : -1;
}

unroll_status words_read(dataset *d, const data_form *f, const char *data, size_t size, bool more, int64_t *sequence,
                         unroll_error *err) {
  sink k = {d, d->n_symbols, sequence};
  const bool fine = words_lines(f, data, size, more, add, f->lines ? line_ended : NULL, &k);
  d->n_symbols = k.n;
  return fine ? UNROLL_OK : error_memory(err);
}
