/* lexicon.h - texts numbered 0, 1, 2 ... in the order in which they were first added, with counts: words, labels. */
#ifndef SYMBOLS_LEXICON_H
#define SYMBOLS_LEXICON_H
#include <stddef.h>
#include <stdint.h>
#include "base/text.h"

/* {0} to start. */
typedef struct lexicon {
  text bytes;     /* all texts, a NUL after each */
  size_t *start;  /* [n + 1] */
  int64_t *count; /* [n] how often each was added */
  int32_t *slots; /* hash table with open addresses: number + 1, 0 where free */
  size_t n_slots; /* 0, or a power of two above 3/2 n */
  int32_t n, room;
} lexicon;

int32_t lexicon_add(lexicon *l, const char *s, size_t n);                 /* its number; -1: out of memory, and nothing changed */
int32_t lexicon_find(const lexicon *l, const char *s, size_t n);          /* -1: not there */
const char *lexicon_text(const lexicon *l, int32_t number, size_t *size); /* size may be NULL when no text holds a NUL */
/* Numbers in order of the texts' bytes (which is that of their code points), or, `frequent`, of falling counts and then that. */
void lexicon_sort(const lexicon *l, int32_t *numbers, int32_t n, int frequent);
void lexicon_free(lexicon *l);
#endif
