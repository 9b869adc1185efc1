/* words_form.c - running text as words or as chunks of bpe, as a form asks for it. The end of a line can be a symbol like others,
 * as <eos> is in corpora for language models. */
#include <string.h>
#include "symbols/bpe.h"
#include "symbols/words.h"

const char *word_of_form(const data_form *f, const char *s, size_t size, size_t *at, size_t *length) {
  if (f->unit == UNIT_BPE) return bpe_chunk(s, size, at, length);
  if (!f->spaced) return word_next(s, size, at, length);
  while (*at < size && white_byte(s[*at])) ++*at;
  const size_t begin = *at;
  while (*at < size && !white_byte(s[*at])) ++*at;
  *length = *at - begin;
  return *length ? s + begin : NULL;
}

typedef struct former { /* scratch for a text on its way: composed, small, with a space before it */
  text composed, small, spaced;
} former;

static void former_free(former *x) {
  text_free(&x->composed);
  text_free(&x->small);
  text_free(&x->spaced);
}

/* The text that is to be cut; false: out of memory. */
static bool form_text(const data_form *f, former *x, const char **s, size_t *size) {
  if (f->nfc) {
    words_compose(*s, *size, &x->composed);
    if (x->composed.failed) return false;
    *s = x->composed.data;
    *size = x->composed.length;
  }
  if (f->lower) {
    words_lower(*s, *size, &x->small);
    if (x->small.failed) return false;
    *s = x->small.data;
    *size = x->small.length;
  }
  if (f->unit != UNIT_BPE || !*size) return true;
  x->spaced.length = 0;
  text_add(&x->spaced, " ", 1);
  text_add(&x->spaced, *s, *size);
  *s = x->spaced.data;
  *size = x->spaced.length;
  return !x->spaced.failed;
}

/* One line, or running text in which ends of lines are white space. */
static bool each_in(const data_form *f, former *x, const char *s, size_t size, word_taker take, void *context) {
  size_t at = 0, length;
  const char *word;
  if (!form_text(f, x, &s, &size)) return false;
  while ((word = word_of_form(f, s, size, &at, &length)))
    if (!take(context, word, length)) return false;
  return true;
}

bool words_each(const data_form *f, const char *s, size_t size, word_taker take, void *context) {
  former x = {{0}, {0}, {0}};
  bool fine = true;
  if (f->unit != UNIT_BPE) fine = each_in(f, &x, s, size, take, context);
  for (size_t start = 0; f->unit == UNIT_BPE && fine && start < size;) { /* ends of lines stay */
    const char *newline = memchr(s + start, '\n', size - start);
    const size_t line = newline ? (size_t)(newline - s) - start : size - start;
    fine = each_in(f, &x, s + start, line, take, context) && (!newline || take(context, "\n", 1));
    start += line + 1;
  }
  former_free(&x);
  return fine;
}
