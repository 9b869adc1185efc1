/* words.h - running text -> words, numbers and punctuation. */
#ifndef DATA_WORDS_H
#define DATA_WORDS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/text.h"

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
bool word_space(uint32_t code);
#endif
