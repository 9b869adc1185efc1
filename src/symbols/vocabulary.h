/* vocabulary.h - the symbols that a model knows: characters (Unicode code points), bytes, words, parts of words (bpe.h) or labels,
 * each with a number.
 *
 * Words: first <unk>, which stands for all that are not known, then by how often they occurred; labels are sorted by code
 * points. Characters and bytes are sorted by code. Where the data is lines, the end of a line is a symbol too, and the last
 * one. Its code is that of the newline, which no line contains. */
#ifndef SYMBOLS_VOCABULARY_H
#define SYMBOLS_VOCABULARY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unroll.h>
#include "base/text.h"
#include "symbols/lexicon.h"

enum symbol_unit { UNIT_CHARS, UNIT_BYTES, UNIT_WORDS, UNIT_BPE, UNIT_LABELS, UNIT_NUMBERS /* no symbols */ };
static inline bool unit_is_text(enum symbol_unit u) { return u <= UNIT_BPE; }
/* Are its codes numbers of a lexicon (words, chunks of bpe, labels)? */
static inline bool unit_has_lexicon(enum symbol_unit u) { return u >= UNIT_WORDS && u <= UNIT_LABELS; }
enum { END_CODE = '\n' };

typedef struct bpe_merge { /* see bpe.h */
  int32_t left, right;
} bpe_merge;

typedef struct vocabulary {
  enum symbol_unit unit;
  int n;
  int32_t other;     /* characters: 1 + the number of the symbol for all that are not known; 0: there is none */
  int32_t end;       /* number of the end-of-line symbol, n - 1; -1 where the data is one stream */
  uint32_t *codes;   /* [n]; NULL for words and labels */
  lexicon words;     /* words, labels, bpe: their texts; of bpe they need not be distinct, and cannot be looked up */
  bpe_merge *merges; /* bpe: [n_merges] */
  int n_merges;
  int32_t *pairs; /* bpe: [n_pairs] hash table, number of a merge + 1 */
  size_t n_pairs;
  int32_t low[256]; /* numbers of the codes below 256, -1 for none */
} vocabulary;

/* Of characters: those that occur in codes[0..n) or in `more`, and the end symbol if lines. Of bytes: always all 256. */
unroll_status vocabulary_collect(vocabulary *v, enum symbol_unit unit, bool lines, const int32_t *const *codes,
                                 const int64_t *counts, int n_texts, unroll_error *err);
/* From a model file: the codes in order of their numbers, checked (in range, distinct, sorted, end symbol last). */
unroll_status vocabulary_set(vocabulary *v, enum symbol_unit unit, bool lines, const uint32_t *codes, size_t n, unroll_error *err);
/* Of words: <unk>, the most frequent, of those as often the first by code points, and the end symbol if lines. They are at most
 * `most` with <unk> and the end symbol; 0: all. Of labels: all, sorted; more than `most` are an error that names one. */
unroll_status vocabulary_of_words(vocabulary *v, enum symbol_unit unit, bool lines, const lexicon *l, int most, unroll_error *err);
/* Adds the counts of another file's words to `all`, without <unk> and, if lines, without the ends of lines. False: out of memory.
 */
bool vocabulary_count_words(lexicon *all, const lexicon *l, bool lines);
/* From a model file: a text after the other, all distinct; for words the first is <unk>, the last the end symbol if lines. */
unroll_status vocabulary_set_words(vocabulary *v, enum symbol_unit unit, bool lines, const char *const *texts, const size_t *sizes,
                                   size_t n, unroll_error *err);
int32_t vocabulary_find_word(const vocabulary *v, const char *s, size_t n); /* words: 0, <unk>, for an unknown one; labels: -1 */
#define UNKNOWN_WORD "<unk>"
/* The same of characters: Unicode's replacement character. From here on it stands for all that are not known; it must be there. */
enum { UNKNOWN_CODE = 0xfffd };
unroll_status vocabulary_open(vocabulary *v, unroll_error *err);
/* The number of the symbol that stands for what is not known; -1: there is none. */
int32_t vocabulary_unknown(const vocabulary *v);
void vocabulary_free(vocabulary *v);

int32_t vocabulary_find(const vocabulary *v, uint32_t code); /* -1: unknown, and nothing stands for it */
void vocabulary_add_text(const vocabulary *v, int32_t symbol, text *out);
/* [n] the texts of all symbols, by number; of bpe, whose texts need not be distinct, not. False: out of memory. */
bool vocabulary_texts(const vocabulary *v, lexicon *out);
/* Several symbols; words with a space between them, bpe without the space that begins each line. */
void vocabulary_add_texts(const vocabulary *v, const int32_t *symbols, int64_t n, text *out);
/* "'e'", "U+0007", "byte 0xff": a code for messages. */
void vocabulary_name_code(enum symbol_unit unit, uint32_t code, char out[16]);
#endif
