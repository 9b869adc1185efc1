/* safetensors_write.c - writes the safetensors format.
 *
 * The same tensors always give the same bytes: metadata first, then the tensors, both in the order given. There is no space but
 * the padding after the header. What the reader would refuse is not written. */
#include "io/safetensors.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include <string.h>

#define HEADER_LIMIT 100000000u

static const struct {
  const char *name;
  unsigned bytes;
} types[] = {[TENSOR_F32] = {"F32", 4}, [TENSOR_F64] = {"F64", 8},   [TENSOR_I32] = {"I32", 4}, [TENSOR_I64] = {"I64", 8},
             [TENSOR_U8] = {"U8", 1},   [TENSOR_BF16] = {"BF16", 2}, [TENSOR_F16] = {"F16", 2}};

#define REFUSE(...) error_at(err, UNROLL_FAILED, path, NULL, 0, 0, __VA_ARGS__)

static void add_string(text *out, const char *s) {
  text_add(out, "\"", 1);
  for (; *s; s++) {
    unsigned char c = (unsigned char)*s;
    if (c == '"' || c == '\\')
      text_format(out, "\\%c", c);
    else if (c < 0x20)
      text_format(out, "\\u%04x", c);
    else
      text_add(out, s, 1);
  }
  text_add(out, "\"", 1);
}

static int printable(const char *s) {
  size_t n = strlen(s);
  uint32_t code;
  int length;
  for (; n > 0; s += length, n -= (size_t)length) {
    length = utf8_decode(s, n, &code);
    if (length == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0)) return 0;
  }
  return 1;
}

/* The bytes of a tensor's data; 0 when a product overflows. */
static int size_of(const tensor *t, size_t *bytes) {
  int64_t count = 1;
  for (int i = 0; i < t->rank; i++)
    if (t->shape[i] < 0 || __builtin_mul_overflow(count, t->shape[i], &count)) return 0;
  return !__builtin_mul_overflow((uint64_t)count, (uint64_t)types[t->type].bytes, bytes);
}

static unroll_status check(const char *path, const tensor *tensors, size_t count, const char *const *keys,
                           const char *const *values, size_t metadata, unroll_error *err) {
  size_t bytes;
  for (size_t i = 0; i < count; i++) {
    const tensor *t = &tensors[i];
    if (!*t->name || !printable(t->name) || !strcmp(t->name, "__metadata__"))
      return REFUSE("cannot save a tensor with the name '%s'", t->name);
    if ((unsigned)t->type >= TENSOR_OTHER) return REFUSE("cannot save tensor '%s': its type has no name", t->name);
    if (t->rank < 0 || t->rank > (int)(sizeof t->shape / sizeof *t->shape) || !size_of(t, &bytes))
      return REFUSE("cannot save tensor '%s': its shape makes no sense", t->name);
    for (size_t j = 0; j < i; j++)
      if (!strcmp(t->name, tensors[j].name)) return REFUSE("cannot save two tensors with the name '%s'", t->name);
  }
  for (size_t i = 0; i < metadata; i++) {
    if (utf8_valid(keys[i], strlen(keys[i])) < strlen(keys[i]) || utf8_valid(values[i], strlen(values[i])) < strlen(values[i]))
      return REFUSE("cannot save the metadata '%s': it is not UTF-8", keys[i]);
    for (size_t j = 0; j < i; j++)
      if (!strcmp(keys[i], keys[j])) return REFUSE("cannot save the metadata '%s' twice", keys[i]);
  }
  return UNROLL_OK;
}

/* The JSON, padded so that 8 + its length is a multiple of 8. Fails only by overflow of the offsets (0) or out->failed. */
static int make_header(text *out, const tensor *tensors, size_t count, const char *const *keys, const char *const *values,
                       size_t metadata) {
  text_add(out, "{", 1);
  for (size_t i = 0; i < metadata; i++) {
    text_format(out, i == 0 ? "\"__metadata__\":{" : ",");
    add_string(out, keys[i]);
    text_add(out, ":", 1);
    add_string(out, values[i]);
  }
  if (metadata) text_add(out, "}", 1);
  size_t begin = 0, end;
  for (size_t i = 0; i < count; i++, begin = end) {
    const tensor *t = &tensors[i];
    size_t bytes;
    if (!size_of(t, &bytes) || __builtin_add_overflow(begin, bytes, &end)) return 0;
    if (metadata || i > 0) text_add(out, ",", 1);
    add_string(out, t->name);
    text_format(out, ":{\"dtype\":\"%s\",\"shape\":[", types[t->type].name);
    for (int k = 0; k < t->rank; k++) text_format(out, "%s%lld", k ? "," : "", (long long)t->shape[k]);
    text_format(out, "],\"data_offsets\":[%zu,%zu]}", begin, end);
  }
  text_add(out, "}", 1);
  text_add(out, "       ", (8 - out->length % 8) % 8);
  return 1;
}

static unroll_status write_all(const char *path, const text *header, const tensor *tensors, size_t count, unroll_error *err) {
  file_writer *w;
  unroll_status status = file_begin(&w, path, err);
  if (status) return status;
  unsigned char length[8];
  for (int i = 0; i < 8; i++) length[i] = (unsigned char)((uint64_t)header->length >> 8 * i);
  status = file_add(w, length, 8, err);
  if (!status) status = file_add(w, header->data, header->length, err);
  for (size_t i = 0; i < count && !status; i++) {
    size_t bytes = 0;
    if (size_of(&tensors[i], &bytes) && bytes > 0) status = file_add(w, tensors[i].data, bytes, err);
  }
  if (!status) return file_commit(w, err);
  file_abandon(w);
  return status;
}

unroll_status tensor_file_save(const char *path, const tensor *tensors, size_t count, const char *const *keys,
                               const char *const *values, size_t metadata, unroll_error *err) {
  unroll_status status = check(path, tensors, count, keys, values, metadata, err);
  if (status) return status;
  text header = {0};
  if (!make_header(&header, tensors, count, keys, values, metadata))
    status = REFUSE("cannot save: the tensors are too large");
  else if (header.failed)
    status = REFUSE("out of memory");
  else if (header.length > HEADER_LIMIT)
    status = REFUSE("cannot save: the header would be longer than the format allows");
  else
    status = write_all(path, &header, tensors, count, err);
  text_free(&header);
  return status;
}
