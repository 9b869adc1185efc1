/* output.h - texts and numbers for people and programs: escapes, thousands, probabilities. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H
#include <jansson.h>
#include <stdint.h>
#include <unroll.h>
#include "base/text.h"

#define BITS_PER_NAT 1.4426950408889634

/* A whole file; path NULL or "-": to standard output, whose failures output_close tells. */
unroll_status output_put(const char *path, const void *data, size_t size, unroll_error *err);
void output_line(const text *line); /* to standard output, whatever its bytes, with a newline */
/* A text to be seen: newline as \n, tab as \t, backslash as \\, other control characters and bytes that are no UTF-8 as \xNN. */
void output_visible(text *out, const char *s, size_t size);
/* A JSON string; bytes that are not UTF-8 are written as \xNN. */
json_t *output_json_text(const char *s, size_t n);
/* e^nats as "0.0123", "3.1e-07", "2.4e-1021": also far below what a double holds. */
const char *output_probability(double nats, char out[32]);
#endif
