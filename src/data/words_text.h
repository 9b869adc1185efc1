/* words_text.h - plain texts of words or chunks of bpe. */
#ifndef DATA_WORDS_TEXT_H
#define DATA_WORDS_TEXT_H
#include "data/dataset.h"
#include "symbols/words.h"

/* Running text, valid UTF-8, as a form asks for it: how many symbols there are, and these, behind what d->symbols and d->first hold
 * (*sequence lines), numbered by d->words. The end of a line is a symbol too, also of the last one if `more` text follows. */
int64_t words_count(const data_form *f, const char *data, size_t size);
unroll_status words_read(dataset *d, const data_form *f, const char *data, size_t size, bool more, int64_t *sequence,
                         unroll_error *err);
#endif
