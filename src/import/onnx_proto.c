/* onnx_proto.c - see onnx_proto.h. The wire format of protocol buffers: a key, which is number and type, and a value. */
#include "import/onnx_proto.h"
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"

static bool varint(proto *m, uint64_t *x) {
  *x = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (!m->size) return false;
    const unsigned char b = *m->at++;
    m->size--;
    *x |= (uint64_t)(b & 127) << shift;
    if (!(b & 128)) return true;
  }
  return false;
}

static bool fixed(proto *m, int n, uint64_t *x) {
  if (m->size < (uint64_t)n) return false;
  *x = 0;
  for (int i = 0; i < n; i++) *x |= (uint64_t)m->at[i] << 8 * i;
  m->at += n;
  m->size -= (uint64_t)n;
  return true;
}

bool proto_next(proto *m, proto_field *f, bool *bad) {
  uint64_t key, size;
  if (!m->size) return false;
  *bad = true;
  if (!varint(m, &key) || key >> 3 == 0 || key >> 3 > 1 << 29) return false;
  *f = (proto_field){.number = (uint32_t)(key >> 3), .type = (int)(key & 7)};
  if (f->type == 0 && !varint(m, &f->value)) return false;
  if (f->type == 1 && !fixed(m, 8, &f->value)) return false;
  if (f->type == 5 && !fixed(m, 4, &f->value)) return false;
  if (f->type == 2) {
    if (!varint(m, &size) || size > m->size) return false;
    f->piece = (proto){m->at, size};
    m->at += size;
    m->size -= size;
  }
  if (f->type == 3 || f->type == 4 || f->type > 5) return false;
  *bad = false;
  return true;
}

proto proto_piece(proto m, uint32_t number) {
  proto_field f;
  bool bad = false;
  while (proto_next(&m, &f, &bad))
    if (f.number == number && f.type == 2) return f.piece;
  return (proto){NULL, 0};
}

bool proto_is(proto piece, const char *text) {
  const size_t n = strlen(text);
  return piece.size == n && !memcmp(piece.at, text, n);
}

int64_t proto_whole(proto m, uint32_t number, int64_t missing) {
  proto_field f;
  bool bad = false;
  while (proto_next(&m, &f, &bad))
    if (f.number == number && f.type == 0) return (int64_t)f.value;
  return missing;
}

const char *proto_text(proto piece, arena *memory) {
  if (piece.size && memchr(piece.at, 0, (size_t)piece.size)) piece.size = 0;
  return arena_text(memory, piece.at ? (const char *)piece.at : "", (size_t)piece.size);
}

int proto_wholes(proto m, uint32_t number, int64_t *out, int most) {
  proto_field f;
  bool bad = false;
  int n = 0;
  while (proto_next(&m, &f, &bad)) {
    if (f.number != number) continue;
    if (f.type == 0 && n < most) out[n++] = (int64_t)f.value;
    uint64_t x;
    while (f.type == 2 && n < most && f.piece.size && varint(&f.piece, &x)) out[n++] = (int64_t)x;
  }
  return n;
}

/* Numbers that stand in fields of their own: floats as they are, all others as varints. */
static unroll_status spread(arrays *a, const char *name, int rank, const int64_t *shape, proto m, uint32_t number,
                            const array_form *form, unroll_error *err) {
  const int bytes = form->number.bytes;
  const bool floats = form->number.kind == 'f' && bytes > 2;
  proto_field f;
  bool bad = false;
  size_t n = 0, room = (size_t)m.size + 8; /* a number takes a byte at least */
  unsigned char *x = mem_zero(room, (size_t)bytes);
  if (!x) return error_memory(err);
  while (proto_next(&m, &f, &bad)) {
    if (f.number != number) continue;
    uint64_t one = f.value;
    if (f.type == 2) {
      while (f.piece.size && (floats ? fixed(&f.piece, bytes, &one) : varint(&f.piece, &one)) && n < room)
        memcpy(x + n++ * (size_t)bytes, &one, (size_t)bytes);
    } else if (n < room)
      memcpy(x + n++ * (size_t)bytes, &one, (size_t)bytes);
  }
  const unroll_status status = arrays_add(a, name, rank, shape, form, x, n * (size_t)bytes, err);
  mem_free(x);
  return status;
}

/* Numbers that are in a file beside this one: its name, where they begin, how many bytes. */
static unroll_status outside(arrays *a, const char *name, int rank, const int64_t *shape, proto m, const array_form *form,
                             unroll_error *err) {
  const char *location = NULL;
  uint64_t offset = 0, length = 0, count = (uint64_t)form->number.bytes;
  proto_field f;
  bool bad = false;
  while (proto_next(&m, &f, &bad)) {
    if (f.number != 13 || f.type != 2) continue;
    const char *value = proto_text(proto_piece(f.piece, 2), a->memory);
    if (!value) return error_memory(err);
    if (proto_is(proto_piece(f.piece, 1), "location")) location = value;
    if (proto_is(proto_piece(f.piece, 1), "offset")) offset = strtoull(value, NULL, 10);
    if (proto_is(proto_piece(f.piece, 1), "length")) length = strtoull(value, NULL, 10);
  }
  if (location && !strncmp(location, "./", 2)) location += 2;
  for (int i = 0; i < rank; i++)
    if (shape[i] < 0 || __builtin_mul_overflow(count, (uint64_t)shape[i], &count)) count = UINT64_MAX;
  if (!location || !*location || *location == '.' || strchr(location, '/') || strchr(location, '\\'))
    return error_at(err, UNROLL_BAD_INPUT, a->file, NULL, 0, 0, "the numbers of '%.60s' are in a file that is not beside it", name);
  if (!length) length = count;
  char *path = file_beside(a->file, location, strlen(location));
  file_source source = {0};
  unroll_status status = path ? file_open(&source, path, err) : error_memory(err);
  if (!status && (count != length || offset > source.size || length > source.size - offset))
    status = error_at(err, UNROLL_BAD_INPUT, path, NULL, 0, 0, "the file ends before the numbers of '%.60s'", name);
  char *data = status ? NULL : mem_alloc((size_t)length + 1);
  if (!status && !data) status = error_memory(err);
  if (!status) status = file_get(&source, offset, data, (size_t)length, err);
  if (!status) status = arrays_add(a, name, rank, shape, form, data, (size_t)length, err);
  file_close(&source);
  mem_free(data);
  mem_free(path);
  return status;
}

unroll_status proto_tensor(arrays *a, const char *name, proto m, unroll_error *err) {
  static const array_form forms[] = {
      [1] = {{'f', 4, false}, NULL},  [2] = {{'u', 1, false}, NULL},  [3] = {{'i', 1, false}, NULL},
      [4] = {{'u', 2, false}, NULL},  [5] = {{'i', 2, false}, NULL},  [6] = {{'i', 4, false}, NULL},
      [7] = {{'i', 8, false}, NULL},  [9] = {{'b', 1, false}, NULL},  [10] = {{'f', 2, false}, NULL},
      [11] = {{'f', 8, false}, NULL}, [12] = {{'u', 4, false}, NULL}, [16] = {{'h', 2, false}, NULL}};
  int64_t shape[ARRAY_RANK + 1];
  const int rank = proto_wholes(m, 1, shape, ARRAY_RANK + 1);
  const int64_t type = proto_whole(m, 2, 0);
  const proto raw = proto_piece(m, 9);
  if (rank > ARRAY_RANK) return error_at(err, UNROLL_BAD_INPUT, a->file, NULL, 0, 0, "'%.60s' has too many dimensions", name);
  if (type < 1 || type > 16 || !forms[type].number.bytes)
    return error_at(err, UNROLL_BAD_INPUT, a->file, NULL, 0, 0, "'%.60s' has a type (%d) that is not read", name, (int)type);
  if (proto_whole(m, 14, 0) == 1) return outside(a, name, rank, shape, m, &forms[type], err);
  if (raw.size) return arrays_add(a, name, rank, shape, &forms[type], raw.at, (size_t)raw.size, err);
  if (type == 1) return spread(a, name, rank, shape, m, 4, &forms[1], err);
  if (type == 7) return spread(a, name, rank, shape, m, 7, &forms[7], err);
  if (type == 11) return spread(a, name, rank, shape, m, 10, &(array_form){{'f', 8, false}, NULL}, err);
  if (type == 10 || type == 16) return spread(a, name, rank, shape, m, 5, &forms[type], err); /* as bits */
  return spread(a, name, rank, shape, m, 5, &forms[7], err);
}
