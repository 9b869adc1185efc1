/* onnx_proto.h - the messages of an ONNX file (onnx.proto), as far as an importer needs them. Fields that are not known are passed
 * over. */
#ifndef IMPORT_ONNX_PROTO_H
#define IMPORT_ONNX_PROTO_H
#include "import/arrays.h"

typedef struct proto { /* a message: its bytes */
  const unsigned char *at;
  uint64_t size;
} proto;

typedef struct proto_field {
  uint32_t number;
  int type;       /* 0: varint, 1: 8 bytes, 2: a piece, 5: 4 bytes */
  uint64_t value; /* of 0, 1 and 5 */
  proto piece;    /* of 2 */
} proto_field;

/* Takes the next field off a message. False: there is none, or *bad. */
bool proto_next(proto *m, proto_field *f, bool *bad);
/* The first piece of this number; size 0: there is none. */
proto proto_piece(proto m, uint32_t number);
bool proto_is(proto piece, const char *text);
/* The first number. */
int64_t proto_whole(proto m, uint32_t number, int64_t missing);
/* A text into the arena; "" where there is none, NULL: out of memory. */
const char *proto_text(proto piece, arena *memory);
/* Whole numbers of a repeated field, packed or not, at most `most`; how many. */
int proto_wholes(proto m, uint32_t number, int64_t *out, int most);
/* A TensorProto as an array of this name. */
unroll_status proto_tensor(arrays *a, const char *name, proto m, unroll_error *err);
#endif
