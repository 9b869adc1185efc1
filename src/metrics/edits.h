/* edits.h - how many edits make a true text of a drawn one: word and character error rate.
 *
 * The fewest substitutions, deletions (what is true is not drawn) and insertions (what is drawn is not true). Of several such
 * alignments the counts are those of jiwer: what both begin or end with is a hit. From there on, backwards, the first that is among
 * the best counts: a deletion, a substitution, an insertion, a hit. */
#ifndef METRICS_EDITS_H
#define METRICS_EDITS_H
#include <stddef.h>
#include <stdint.h>
#include <unroll.h>

typedef struct edits { /* {0} to start; nothing to free */
  int64_t hits, substitutions, deletions, insertions;
} edits;

unroll_status edits_add(edits *e, const int32_t *drawn, int64_t n, const int32_t *truth, int64_t m, unroll_error *err);
/* Of texts in UTF-8: words are what white space separates; characters are code points without white space at the ends. */
unroll_status edits_add_words(edits *e, const char *drawn, size_t n, const char *truth, size_t m, unroll_error *err);
unroll_status edits_add_characters(edits *e, const char *drawn, size_t n, const char *truth, size_t m, unroll_error *err);
/* Edits by true words or characters: 0 is best, and it may be above 1. NaN where nothing true was added. */
double edits_rate(const edits *e);
#endif
