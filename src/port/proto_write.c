/* proto_write.c - see proto_write.h. */
#include "port/proto_write.h"
#include <string.h>

static void put_varint(text *m, uint64_t x) {
  char bytes[10];
  size_t n = 0;
  do {
    bytes[n++] = (char)(unsigned char)((x & 127) | (x > 127 ? 128 : 0));
    x >>= 7;
  } while (x);
  text_add(m, bytes, n);
}

static void put_key(text *m, uint32_t field, unsigned type) { put_varint(m, (uint64_t)field << 3 | type); }

void proto_put_whole(text *m, uint32_t field, int64_t x) {
  put_key(m, field, 0);
  put_varint(m, (uint64_t)x);
}

void proto_put_real(text *m, uint32_t field, float x) {
  uint32_t bits;
  char bytes[4];
  memcpy(&bits, &x, sizeof bits);
  for (int i = 0; i < 4; i++) bytes[i] = (char)(unsigned char)(bits >> 8 * i & 255);
  put_key(m, field, 5);
  text_add(m, bytes, 4);
}

void proto_put_bytes(text *m, uint32_t field, const void *bytes, size_t size) {
  put_key(m, field, 2);
  put_varint(m, size);
  if (size) text_add(m, bytes, size);
}

void proto_put_text(text *m, uint32_t field, const char *s) { proto_put_bytes(m, field, s, strlen(s)); }

void proto_put_wholes(text *m, uint32_t field, const int64_t *x, int n) {
  text all = {0};
  for (int i = 0; i < n; i++) put_varint(&all, (uint64_t)x[i]);
  proto_put_piece(m, field, &all);
}

void proto_put_piece(text *m, uint32_t field, text *piece) {
  m->failed |= piece->failed;
  proto_put_bytes(m, field, piece->data, piece->length);
  text_free(piece);
}
