/* text.h - UTF-8 and growing text buffers. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes one code point at s (n bytes left). Returns its length 1..4, or 0 when the bytes are not valid UTF-8
 * (overlong, surrogate, above U+10FFFF, cut off). */
int utf8_decode(const char *s, size_t n, uint32_t *code);
int utf8_encode(uint32_t code, char out[4]);
/* Index of the first invalid byte, or n. */
size_t utf8_valid(const char *s, size_t n);

/* A growing text; {0} to start. After a failed append `failed` is set and further appends do nothing. */
typedef struct text {
  char *data; /* NUL-terminated once something was appended, else NULL */
  size_t length, capacity;
  int failed;
} text;
bool text_room(text *t, size_t n); /* for n more bytes and the NUL behind them */
void text_add(text *t, const char *s, size_t n);
void text_format(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Seven digits, and of a number from 100,000 on as many as two behind the point take (at most 15): neighbours stay apart. */
void text_add_number(text *t, double x);
/* As "%.*g" of printf writes it in the C locale, the same bytes, in a tenth of the time. digits: 1 to 17. */
void text_add_digits(text *t, double x, int digits);
/* A list of them. What is not finite is `other`, or as printf writes it where that is NULL. */
void text_add_numbers(text *t, const double *x, size_t n, int digits, const char *between, const char *other);
void text_add_whole(text *t, int64_t x);
void text_free(text *t);

/* A field of CSV (RFC 4180): in quotes, those within doubled; text_add_field where it must be, text_add_quoted always. */
void text_add_field(text *t, const char *s, size_t n);
void text_add_quoted(text *t, const char *s, size_t n);
bool text_ends(const char *s, const char *end);

/* The candidate nearest to `word` (edit distance with transpositions, at most a third of its length, at least 1), or NULL. */
const char *text_nearest(const char *word, const char *const *candidates, size_t n);
/* Numbers without the locale: whole text must be a number. Returns 0 on success. */
int text_number(const char *s, size_t n, double *value);
const char *text_count(int64_t n, char out[32]); /* "1,234,567" */
const char *text_rate(double x, char out[32]);   /* "24.1k", "1.32M" */
/* White space of one byte: what separates fields, steps, labels and spaced words. Of UTF-8 no byte but a whole character is one. */
static inline bool white_byte(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
#endif
