/* words.h - running text -> words, numbers and punctuation. */
#ifndef SYMBOLS_WORDS_H
#define SYMBOLS_WORDS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "symbols/form.h"

/* The next token of a valid UTF-8 text from *at on, which moves behind it; its begin and size, or NULL at the end. White space only
 * separates. A token is
 *   - letters, marks, digits and '_', also with one ' or ’ or - between them (don't, well-known, 2020-05-17), and one . or , or :
 *     between digits (3.14, 1,000, 9:30);
 *   - a Han character;
 *   - a word between < and >, as corpora have it (<unk>);
 *   - dots or hyphens in a row (..., --);
 *   - any other character. */
const char *word_next(const char *s, size_t size, size_t *at, size_t *length);
/* Replaces what `out` holds by s (valid UTF-8) in small letters; it may fail for lack of memory. */
void words_lower(const char *s, size_t size, text *out);
/* The next word or chunk as a form asks for it, before it is made small; NULL at the end. */
const char *word_of_form(const data_form *f, const char *s, size_t size, size_t *at, size_t *length);
bool word_space(uint32_t code);
bool word_letter(uint32_t code); /* letters, marks, digits, '_', Han characters */
/* The words of running text as a form asks for them, or chunks of bpe. Each goes to `take`, which returns false when out of
 * memory, and so does this. */
typedef bool (*word_taker)(void *context, const char *s, size_t size);
bool words_each(const data_form *f, const char *s, size_t size, word_taker take, void *context);
/* Replaces what `out` holds by a part of a word: its last or first letters, small, or its shape. A shape has X for capitals, x
 * for other letters, d for digits, and the rest as it is. Of equal ones in a row only the first stays. */
void words_part(const data_form *f, const char *s, size_t size, text *out);
/* Replaces what `out` holds by s in the composed form NFC of Unicode. */
void words_compose(const char *s, size_t size, text *out);
bool words_can_compose(void); /* was that built in? */
/* The tables behind these rules, for programs that are written; how many rows. Signs: ranges of characters from U+0080 on that are
 * no letters. Runs: capitals, with how far on their small letters are. Pairs: runs in which these take turns. */
enum words_table { WORDS_SIGNS, WORDS_RUNS, WORDS_PAIRS };
enum { WORD_RANGES = 64 };
int words_signs(uint32_t out[WORD_RANGES][3]); /* words.c: those of WORDS_SIGNS */
int words_ranges(enum words_table which, uint32_t out[WORD_RANGES][3]);
#endif
