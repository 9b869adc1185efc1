/* output.h - texts and numbers for people and programs: escapes, thousands, probabilities. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H
#include <jansson.h>
#include <stdint.h>
#include "base/text.h"
#include "symbols/vocabulary.h"
#include "kernel/kernel.h"

/* A text as it went in, but for newlines, which are written as \n, so that it has one line. Between words and between labels is a
 * space. At most `most` symbols; then "..." follows. */
void output_values(text *out, const vocabulary *v, const int32_t *symbols, int64_t n, int64_t most);
void output_line(const text *line); /* to standard output, whatever its bytes, with a newline */
/* The same in JSON, newlines too. `list`: of labels, an array of them. */
json_t *output_json_values(const vocabulary *v, const int32_t *symbols, int64_t n, bool list);
/* A text to be seen: newline as \n, tab as \t, backslash as \\, other control characters and bytes that are no UTF-8 as \xNN. */
void output_visible(text *out, const char *s, size_t size);
/* One symbol like that; of bpe the space before a word is shown as a mark. */
void output_symbol(text *out, const vocabulary *v, int32_t symbol);
/* A JSON string; bytes that are not UTF-8 are written as \xNN. */
json_t *output_json_text(const char *s, size_t n);
/* "1,234,567" */
const char *output_count(int64_t n, char out[32]);
/* "24.1k", "1.32M": for rates */
const char *output_rate(double x, char out[32]);
/* e^nats as "0.0123", "3.1e-07", "2.4e-1021": also far below what a double holds. */
const char *output_probability(double nats, char out[32]);
/* What eval says of a model whose products are rounded: the loss in single precision, and how much more it is with rounding. */
void output_rounding(enum precision p, double loss, double exact, const char *unit);
void output_rounding_json(json_t *out, enum precision p, double loss, double exact); /* in nats */
#endif
