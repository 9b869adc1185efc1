/* proto_write.h - messages of protocol buffers: a field is a key, which is number and type, and a value. */
#ifndef PORT_PROTO_WRITE_H
#define PORT_PROTO_WRITE_H
#include "base/text.h"

void proto_put_whole(text *m, uint32_t field, int64_t x);
void proto_put_real(text *m, uint32_t field, float x);
void proto_put_bytes(text *m, uint32_t field, const void *bytes, size_t size);
void proto_put_text(text *m, uint32_t field, const char *s);
void proto_put_wholes(text *m, uint32_t field, const int64_t *x, int n); /* packed */
/* A message in a message; the inner one is freed. */
void proto_put_piece(text *m, uint32_t field, text *piece);
#endif
