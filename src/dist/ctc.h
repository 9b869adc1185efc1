/* ctc.h - texts out of what `text ~ ctc(logits)` says: at each step a distribution over the symbols and, last, the blank.
 *
 * A path has a symbol or the blank at each step. Its text is what is left when repetitions are one and blanks are gone. The
 * probability of a text is the sum over all paths that leave it. */
#ifndef DIST_CTC_H
#define DIST_CTC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unroll.h>
#include "base/memory.h"

/* Logits or log-probabilities: step t at x + t * row, `width` of them, the blank's the last. */
typedef struct ctc_steps {
  const float *x;
  ptrdiff_t row;
  int n, width;
} ctc_steps;

/* The text of the likeliest path; of equal logits the first one counts. symbols [s->n]; returns how many. */
int ctc_best_path(const ctc_steps *s, int32_t *symbols);
/* The steps at which the symbols of a text begin, in its likeliest path. times [n]. UNROLL_BAD_INPUT where the text needs more
 * steps than there are. */
unroll_status ctc_times(const ctc_steps *s, const int32_t *symbols, int n, int *times, unroll_error *err);

/* --- search --- */

/* A language model. States are the caller's, any number from 0 on. */
typedef struct ctc_language {
  void *context;
  int64_t start;                                                  /* before the first symbol */
  void (*begin)(void *context);                                   /* a search begins, and states of the last are over; or NULL */
  double (*log_p)(void *context, int64_t state, int32_t symbol);  /* nats; symbol -1: the end of the text; NaN: out of memory */
  int64_t (*after)(void *context, int64_t state, int32_t symbol); /* asked once for each text; -1: out of memory */
} ctc_language;

/* The words that may occur, as a tree of their symbols. {0} to start. */
typedef struct ctc_words {
  struct ctc_word_node {
    int32_t symbol, child, sibling; /* 0: none; node 0 is the root */
    bool ends;                      /* a word is over here */
  } * nodes;
  int32_t n, room;
} ctc_words;
unroll_status ctc_words_add(ctc_words *w, const int32_t *symbols, int n, unroll_error *err);
void ctc_words_free(ctc_words *w);

typedef struct ctc_search {
  int beam, best;                     /* texts that go on from step to step, at least 1; that come out at most */
  double least;                       /* symbols of a smaller probability are not tried at a step; 0: all are */
  int32_t space;                      /* the symbol that separates words; -1: none does, and a text is one word */
  const ctc_language *language;       /* or NULL */
  const ctc_words *words;             /* or NULL: no other words come out, each followed by one space but the last */
  double language_weight, word_bonus; /* score = log P + weight * log P of the language model + bonus * number of words */
} ctc_search;

typedef struct ctc_text {
  int32_t *symbols;
  int n;
  double log_probability; /* of the paths that were not cut off: at most that of the text */
  double score;
} ctc_text;

/* Prefix beam search (Hannun et al. 2014). *texts: by falling score, in `memory`; with `words` there may be none at all. */
unroll_status ctc_find(const ctc_steps *s, const ctc_search *how, ctc_text **texts, int *n, arena *memory, unroll_error *err);
#endif
