/* range.c - see range.h. The interval of all that may follow is low .. low + range - 1, in units that shrink by bytes. */
#include "io/range.h"

enum { ENDING = 2 }; /* bytes that tell an interval of 2^48: the decoder reads zeros after them */
#define LEAST_RANGE ((uint64_t)1 << 48)

void range_begin(range_encoder *e, text *out) { *e = (range_encoder){.range = UINT64_MAX, .out = out}; }

/* One is carried into what was written. */
static void carry(const range_encoder *e) {
  size_t i = e->out->length;
  while (i > 0 && (unsigned char)++e->out->data[i - 1] == 0) i--;
}

static void raise_low(range_encoder *e, uint64_t by) {
  e->low += by;
  if (e->low < by) carry(e);
}

static void put_byte(range_encoder *e) {
  const char byte = (char)(unsigned char)(e->low >> 56);
  text_add(e->out, &byte, 1);
  e->low <<= 8;
}

void range_put(range_encoder *e, uint32_t start, uint32_t size) {
  const uint64_t unit = e->range / RANGE_TOTAL;
  raise_low(e, unit * start);
  e->range = unit * size;
  while (e->range < LEAST_RANGE) {
    put_byte(e);
    e->range <<= 8;
  }
}

void range_end(range_encoder *e) {
  raise_low(e, LEAST_RANGE - 1);
  for (int i = 0; i < ENDING; i++) put_byte(e);
}

static uint64_t next_byte(range_decoder *d) {
  if (d->next < d->end) return *d->next++;
  return 0;
}

void range_open(range_decoder *d, const void *bytes, size_t size) {
  *d = (range_decoder){.range = UINT64_MAX, .size = size, .next = bytes, .end = (const unsigned char *)bytes + size};
  for (int i = 0; i < 8; i++) d->value = d->value << 8 | next_byte(d);
}

uint32_t range_get(range_decoder *d) {
  d->unit = d->range / RANGE_TOTAL;
  const uint64_t at = d->value / d->unit;
  d->damaged |= at >= RANGE_TOTAL;
  return at < RANGE_TOTAL ? (uint32_t)at : RANGE_TOTAL - 1;
}

void range_take(range_decoder *d, uint32_t start, uint32_t size) {
  const uint64_t from = d->unit * start;
  d->damaged |= d->value < from || d->value - from >= d->unit * size;
  if (d->damaged) return;
  d->value -= from;
  d->range = d->unit * size;
  while (d->range < LEAST_RANGE) {
    d->value = d->value << 8 | next_byte(d);
    d->range <<= 8;
    d->shifted++;
  }
  d->damaged |= d->shifted + ENDING > d->size;
}

bool range_all(const range_decoder *d) { return !d->damaged && d->shifted + ENDING == d->size; }
