/* range.h - a range coder (Martin 1979, "Range encoding"): symbols to bytes at the price of their probabilities, and back.
 *
 * A symbol is a part of the whole numbers 0 .. RANGE_TOTAL - 1, as large as it is probable. Only integers are used, so the bytes
 * are the same on every machine. A symbol costs log2(RANGE_TOTAL / size) bits, and at most 2^-17 of a bit more. */
#ifndef IO_RANGE_H
#define IO_RANGE_H
#include <stdbool.h>
#include "base/text.h"

#define RANGE_TOTAL ((uint32_t)1 << 30)

typedef struct range_encoder {
  uint64_t low, range;
  text *out; /* lacking memory sets out->failed */
} range_encoder;
void range_begin(range_encoder *e, text *out);
/* The part start .. start + size - 1, of which size is not 0. */
void range_put(range_encoder *e, uint32_t start, uint32_t size);
void range_end(range_encoder *e);

typedef struct range_decoder {
  uint64_t value, range, unit;
  const unsigned char *next, *end;
  size_t size, shifted; /* bytes in all; of the interval's units so far */
  bool damaged;         /* no encoder writes such bytes */
} range_decoder;
/* The bytes must outlive the decoder. */
void range_open(range_decoder *d, const void *bytes, size_t size);
/* A number of the next symbol's part. */
uint32_t range_get(range_decoder *d);
/* Takes that symbol, of whose part the number was one. */
void range_take(range_decoder *d, uint32_t start, uint32_t size);
/* Was everything read, and nothing more? */
bool range_all(const range_decoder *d);
#endif
