/* bpe.h - byte-pair encoding (Sennrich, Haddow & Birch 2016), over bytes, so that no text is unknown and none is changed.
 *
 * Text is cut into chunks: letters, digits or signs in a row with the space before them. Each line begins with a space that is
 * not in the text, so that a word is the same symbols there as elsewhere. Joining symbols to a text takes it away again.
 * Symbols 0 to 255 are the bytes, 256 + k is the pair of merge k joined. The end symbol, where there is one, is the last.
 * Merges never cross chunks.
 */
#ifndef SYMBOLS_BPE_H
#define SYMBOLS_BPE_H
#include "symbols/vocabulary.h"

enum { BPE_BYTES = 256, BPE_CHUNK = 128 /* bytes of a chunk, at most */, BPE_SYMBOL = 64 /* and of a symbol */ };

/* The next chunk of a line that begins with its space, as above; NULL at the end. */
const char *bpe_chunk(const char *s, size_t size, size_t *at, size_t *length);
/* Merges for at most `most` symbols, learned from chunks and their counts. The next merge is always the most frequent pair; of
 * equals, the one with the lowest numbers. A pair that occurs once is no merge. UNROLL_BAD_INPUT when `most` leaves no room for
 * the bytes. A block for mem_free. */
unroll_status bpe_learn(const lexicon *chunks, int most, bool lines, bpe_merge **merges, int *n, unroll_error *err);
/* The vocabulary of these merges. UNROLL_BAD_INPUT for a merge of later symbols, one that is there twice or one that is too long.
 */
unroll_status vocabulary_set_merges(vocabulary *v, bool lines, const bpe_merge *merges, size_t n, unroll_error *err);
/* Both. */
unroll_status vocabulary_of_chunks(vocabulary *v, bool lines, const lexicon *chunks, int most, unroll_error *err);
/* The symbols of a chunk into out[BPE_CHUNK]; how many. */
int bpe_encode(const vocabulary *v, const char *chunk, size_t size, int32_t *out);
/* Where the symbols of each of a lexicon's chunks are. */
typedef struct bpe_codes {
  int64_t *first;   /* [n + 1] */
  int32_t *symbols; /* [first[n]] */
} bpe_codes;
unroll_status bpe_codes_of(bpe_codes *c, const lexicon *chunks, const vocabulary *v, unroll_error *err);
void bpe_codes_free(bpe_codes *c);
#endif
