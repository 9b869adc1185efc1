/* safetensors.c - reads and writes the safetensors format.
 *
 * A file is untrusted. Every number in the header is checked before it is used, and every product is checked for overflow.
 * Memory is taken only for the header's JSON and one record per tensor. The tensors must tile the data. Sorted by offset, the
 * first begins at 0, each begins where the one before ended, and the last ends with the file. So no byte of a file is without
 * an owner, and none has two. The data itself is neither copied nor looked at.
 *
 * Messages give the position as a byte from the start of the file. It is where the tensor's name stands in the header. For
 * wrong spans it is where the data would begin. */
#include "io/safetensors.h"
#include "base/error.h"
#include "base/file.h"
#include "base/known.h"
#include "base/memory.h"
#include "base/text.h"
#include "io/json.h"
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is little-endian, and data is not converted");

#define HEADER_LIMIT 100000000u

/* All types of the format. Those that Unroll has no use for are TENSOR_OTHER: such a tensor may be in a file. */
static const struct {
  const char *name;
  enum tensor_type type;
  unsigned bits;
} types[] = {
    {"F32", TENSOR_F32, 32},      {"F64", TENSOR_F64, 64},      {"I32", TENSOR_I32, 32},      {"I64", TENSOR_I64, 64},
    {"U8", TENSOR_U8, 8},         {"BF16", TENSOR_BF16, 16},    {"F16", TENSOR_F16, 16},      {"BOOL", TENSOR_OTHER, 8},
    {"I8", TENSOR_OTHER, 8},      {"I16", TENSOR_OTHER, 16},    {"U16", TENSOR_OTHER, 16},    {"U32", TENSOR_OTHER, 32},
    {"U64", TENSOR_OTHER, 64},    {"C64", TENSOR_OTHER, 64},    {"F8_E5M2", TENSOR_OTHER, 8}, {"F8_E4M3", TENSOR_OTHER, 8},
    {"F8_E8M0", TENSOR_OTHER, 8}, {"F6_E2M3", TENSOR_OTHER, 6}, {"F6_E3M2", TENSOR_OTHER, 6}, {"F4", TENSOR_OTHER, 4},
};
enum { TYPES = sizeof types / sizeof *types };

/* What belongs to a tensor_file: names and metadata live in the JSON, data in the block of a file that was loaded. */
struct owner {
  json_t *root;
  char *block;
};

/* A file being read. */
struct reader {
  const char *name;
  const char *header; /* the JSON */
  size_t header_size;
  const char *data; /* what follows it */
  size_t data_size;
  unroll_error *err;
};

#define BAD(r, ...) error_at((r)->err, UNROLL_BAD_INPUT, (r)->name, NULL, 0, 0, __VA_ARGS__)

/* Where the index-th key of the header stands, as a byte of the file. jansson keeps keys in the order of the text, but not
 * their positions. The text is valid JSON here. */
static size_t key_position(const struct reader *r, size_t index) {
  const char *s = r->header;
  int depth = 0;
  for (size_t i = 0; i < r->header_size; i++) {
    if (s[i] == '{' || s[i] == '[') depth++;
    if (s[i] == '}' || s[i] == ']') depth--;
    if (s[i] != '"') continue;
    size_t start = i++;
    while (i < r->header_size && s[i] != '"') i += s[i] == '\\' ? 2 : 1;
    size_t next = i + 1;
    while (next < r->header_size && strchr(" \t\r\n", s[next])) next++;
    if (depth == 1 && next < r->header_size && s[next] == ':' && index-- == 0) return 8 + start;
  }
  return 8;
}

static size_t data_position(const struct reader *r, const tensor *t) {
  return 8 + r->header_size + (size_t)((const char *)t->data - r->data);
}

/* No character that a terminal or a line-based tool would act on. `s` is valid UTF-8. */
static int has_control(const char *s) {
  uint32_t code;
  for (size_t n = strlen(s); n > 0;) {
    int length = utf8_decode(s, n, &code);
    if (length == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0)) return 1;
    s += length;
    n -= (size_t)length;
  }
  return 0;
}

/* A JSON number that is a size: an integer, not negative. */
static int as_size(const json_t *j, int64_t *size) {
  if (!json_is_integer(j)) return 0;
  *size = json_integer_value(j);
  return *size >= 0;
}

/* The bytes of `count` values of `bits` each; 0 when they overflow or do not fill whole bytes. */
static int span_of(int64_t count, unsigned bits, uint64_t *bytes) {
  if (__builtin_mul_overflow((uint64_t)count, (uint64_t)bits, bytes) || *bytes % 8 != 0) return 0;
  *bytes /= 8;
  return 1;
}

static unroll_status read_shape(const struct reader *r, const json_t *shape, tensor *t, size_t index) {
  if (!json_is_array(shape)) return BAD(r, "tensor '%s' at byte %zu: its shape is not an array", t->name, key_position(r, index));
  size_t rank = json_array_size(shape), most = sizeof t->shape / sizeof *t->shape;
  if (rank > most)
    return BAD(r, "tensor '%s' at byte %zu: it has %zu dimensions, and at most %zu are supported", t->name, key_position(r, index),
               rank, most);
  t->rank = (int)rank;
  t->count = 1;
  for (size_t i = 0; i < rank; i++) {
    if (!as_size(json_array_get(shape, i), &t->shape[i]))
      return BAD(r, "tensor '%s' at byte %zu: dimension %zu of its shape is not a whole number from 0", t->name,
                 key_position(r, index), i + 1);
    if (__builtin_mul_overflow(t->count, t->shape[i], &t->count))
      return BAD(r, "tensor '%s' at byte %zu: the product of its shape overflows", t->name, key_position(r, index));
  }
  return UNROLL_OK;
}

static unroll_status read_span(const struct reader *r, const json_t *offsets, unsigned bits, tensor *t, size_t index) {
  int64_t begin, end;
  uint64_t bytes;
  if (!json_is_array(offsets) || json_array_size(offsets) != 2 || !as_size(json_array_get(offsets, 0), &begin) ||
      !as_size(json_array_get(offsets, 1), &end))
    return BAD(r, "tensor '%s' at byte %zu: its data_offsets are not two whole numbers from 0", t->name, key_position(r, index));
  if (end < begin)
    return BAD(r, "tensor '%s' at byte %zu: its data ends at offset %lld, before it begins at %lld", t->name,
               key_position(r, index), (long long)end, (long long)begin);
  if ((uint64_t)end > r->data_size)
    return BAD(r, "tensor '%s' at byte %zu: its data ends at offset %lld, but the file has only %zu bytes of data", t->name,
               key_position(r, index), (long long)end, r->data_size);
  if (!span_of(t->count, bits, &bytes))
    return BAD(r, "tensor '%s' at byte %zu: its size in bytes overflows or is not whole", t->name, key_position(r, index));
  if (bytes != (uint64_t)(end - begin))
    return BAD(r, "tensor '%s' at byte %zu: its data_offsets span %lld bytes, its shape and dtype need %llu", t->name,
               key_position(r, index), (long long)(end - begin), (unsigned long long)bytes);
  t->data = r->data + begin;
  t->bytes = (size_t)bytes;
  return UNROLL_OK;
}

/* One entry of the header that is not the metadata; `index` counts all entries. */
static unroll_status read_tensor(const struct reader *r, const char *name, json_t *info, tensor *t, size_t index) {
  t->name = name;
  if (!*name) return BAD(r, "the name of a tensor at byte %zu is empty", key_position(r, index));
  if (has_control(name)) return BAD(r, "the name of tensor '%s' at byte %zu has a control character", name, key_position(r, index));
  if (!json_is_object(info)) return BAD(r, "tensor '%s' at byte %zu: its entry is not an object", name, key_position(r, index));
  static const char *const fields[] = {"dtype", "shape", "data_offsets"};
  for (int i = 0; i < 3; i++)
    if (!json_object_get(info, fields[i]))
      return BAD(r, "tensor '%s' at byte %zu: its %s is missing", name, key_position(r, index), fields[i]);
  const char *key;
  json_t *value;
  json_object_foreach(info, key, value) {
    if (strcmp(key, fields[0]) && strcmp(key, fields[1]) && strcmp(key, fields[2]))
      return BAD(r, "tensor '%s' at byte %zu: it has an unknown field '%s'", name, key_position(r, index), key);
  }

  const char *dtype = json_string_value(json_object_get(info, fields[0]));
  if (!dtype) return BAD(r, "tensor '%s' at byte %zu: its dtype is not a string", name, key_position(r, index));
  int k = 0;
  while (k < TYPES && strcmp(dtype, types[k].name) != 0) k++;
  if (k == TYPES) return BAD(r, "tensor '%s' at byte %zu: its dtype '%s' is unknown", name, key_position(r, index), dtype);
  t->type = types[k].type;
  unroll_status status = read_shape(r, json_object_get(info, fields[1]), t, index);
  return status ? status : read_span(r, json_object_get(info, fields[2]), types[k].bits, t, index);
}

static unroll_status read_metadata(const struct reader *r, json_t *metadata, tensor_file *f, size_t index) {
  if (!json_is_object(metadata)) return BAD(r, "__metadata__ at byte %zu is not an object", key_position(r, index));
  size_t n = json_object_size(metadata);
  f->keys = mem_zero(n, sizeof *f->keys);
  f->values = mem_zero(n, sizeof *f->values);
  if (!f->keys || !f->values) return error_at(r->err, UNROLL_FAILED, r->name, NULL, 0, 0, "out of memory");
  const char *key;
  json_t *value;
  json_object_foreach(metadata, key, value) {
    if (!json_is_string(value))
      return BAD(r, "__metadata__ at byte %zu: the value of '%s' is not a string", key_position(r, index), key);
    f->keys[f->metadata] = key;
    f->values[f->metadata++] = json_string_value(value);
  }
  return UNROLL_OK;
}

/* By offset; among tensors of no bytes at one offset, by name, so that the order is always the same. */
static int by_offset(const void *a, const void *b) {
  const tensor *s = a, *t = b;
  if (s->data != t->data) return (const char *)s->data < (const char *)t->data ? -1 : 1;
  if (s->bytes != t->bytes) return s->bytes < t->bytes ? -1 : 1;
  return strcmp(s->name, t->name);
}

static unroll_status check_tiling(const struct reader *r, const tensor *tensors, size_t count) {
  const char *end = r->data;
  for (size_t i = 0; i < count; i++) {
    const tensor *t = &tensors[i];
    const char *begin = t->data;
    if (i == 0 && begin != end)
      return BAD(r, "tensor '%s': the first offset is %zu, not 0 (byte %zu)", t->name, (size_t)(begin - end), data_position(r, t));
    if (begin > end)
      return BAD(r, "tensor '%s': there is a gap of %zu bytes before it (byte %zu)", t->name, (size_t)(begin - end),
                 data_position(r, t));
    if (begin < end)
      return BAD(r, "tensor '%s': it overlaps tensor '%s' (byte %zu)", t->name, tensors[i - 1].name, data_position(r, t));
    end = begin + t->bytes;
  }
  if ((size_t)(end - r->data) != r->data_size)
    return BAD(r, "%zu bytes follow the last tensor (byte %zu)", r->data_size - (size_t)(end - r->data),
               8 + r->header_size + (size_t)(end - r->data));
  return UNROLL_OK;
}

static unroll_status read_entries(const struct reader *r, json_t *root, tensor_file *f) {
  if (!json_is_object(root)) return BAD(r, "the header is not a JSON object (byte 8)");
  f->tensors = mem_zero(json_object_size(root), sizeof *f->tensors);
  if (!f->tensors) return error_at(r->err, UNROLL_FAILED, r->name, NULL, 0, 0, "out of memory");
  const char *key;
  json_t *value;
  size_t index = 0;
  json_object_foreach(root, key, value) {
    int metadata = strcmp(key, "__metadata__") == 0;
    unroll_status status = metadata ? read_metadata(r, value, f, index) : read_tensor(r, key, value, &f->tensors[f->count], index);
    if (status) return status;
    f->count += !metadata;
    index++;
  }
  if (f->count > 1) qsort(f->tensors, f->count, sizeof *f->tensors, by_offset);
  return check_tiling(r, f->tensors, f->count);
}

static unroll_status read_header(struct reader *r, const char *data, size_t size) {
  if (size < 8) return BAD(r, "the file has %zu bytes, too short for the 8 of the header's length", size);
  uint64_t length = 0;
  for (int i = 7; i >= 0; i--) length = length << 8 | (unsigned char)data[i];
  if (length > HEADER_LIMIT)
    return BAD(r, "the header's length at byte 0 is %llu, more than the %u that the format allows", (unsigned long long)length,
               HEADER_LIMIT);
  if (length > size - 8)
    return BAD(r, "the header's length at byte 0 is %llu, but only %zu bytes follow", (unsigned long long)length, size - 8);
  r->header = data + 8;
  r->header_size = (size_t)length;
  r->data = r->header + length;
  r->data_size = size - 8 - r->header_size;
  size_t valid = utf8_valid(r->header, r->header_size);
  if (valid < r->header_size) return BAD(r, "the header is not UTF-8 at byte %zu", 8 + valid);
  return UNROLL_OK;
}

/* Nothing deeper than an array in an object in the header's object belongs there. Looking for that first bounds what the parser
 * can be made to allocate: an empty object takes some seventy times its text. */
static unroll_status check_nesting(const struct reader *r) {
  const char *s = r->header;
  int depth = 0;
  for (size_t i = 0; i < r->header_size && depth >= 0; i++) {
    if (s[i] == '{' || s[i] == '[') {
      depth++;
      if (depth > 3 || (depth == 3 && s[i] == '{')) return BAD(r, "the header is nested too deeply, at byte %zu", 8 + i);
    } else if (s[i] == '}' || s[i] == ']')
      depth--;
    else if (s[i] == '"')
      for (i++; i < r->header_size && s[i] != '"'; i++) i += s[i] == '\\';
  }
  return UNROLL_OK;
}

static unroll_status read_json(const struct reader *r, json_t **root) {
  json_error_t error;
  int starved;
  *root = json_read(r->header, r->header_size, &error, &starved);
  if (*root) return UNROLL_OK;
  if (starved) return error_at(r->err, UNROLL_FAILED, r->name, NULL, 0, 0, "out of memory");
  size_t at = 8 + (error.position > 0 ? (size_t)error.position : 0);
  if (json_error_code(&error) == json_error_duplicate_key)
    return BAD(r, "a key appears twice in the header, at byte %zu: %s", at, error.text);
  return BAD(r, "the header is not good JSON, at byte %zu: %s", at, error.text);
}

unroll_status tensor_file_parse(tensor_file *f, const char *name, const void *data, size_t size, unroll_error *err) {
  *f = (tensor_file){0};
  struct reader r = {.name = name, .err = err};
  unroll_status status = read_header(&r, data, size);
  const bool bracket = size > 8 && ((const char *)data)[8] == '{';
  const known_file *k = status && !bracket ? known_find(data, size) : NULL;
  if (k) return known_refuse(k, name, "safetensors, the form of models and tensors", KNOWN_TENSORS, err);
  if (status) return status;
  struct owner *owner = mem_zero(1, sizeof *owner);
  if (!owner) return error_at(err, UNROLL_FAILED, name, NULL, 0, 0, "out of memory");
  f->owner = owner;
  status = check_nesting(&r);
  if (!status) status = read_json(&r, &owner->root);
  if (!status) status = read_entries(&r, owner->root, f);
  if (status) tensor_file_free(f);
  return status;
}

unroll_status tensor_file_load(tensor_file *f, const char *path, unroll_error *err) {
  *f = (tensor_file){0};
  char *block;
  size_t size;
  unroll_status status = file_read(path, &block, &size, err);
  if (status) return status;
  status = tensor_file_parse(f, path, block, size, err);
  if (status)
    mem_free(block);
  else
    ((struct owner *)f->owner)->block = block;
  return status;
}

void tensor_file_free(tensor_file *f) {
  struct owner *owner = f->owner;
  if (owner) {
    json_decref(owner->root);
    mem_free(owner->block);
    mem_free(owner);
  }
  mem_free(f->tensors);
  mem_free(f->keys);
  mem_free(f->values);
  *f = (tensor_file){0};
}

bool tensor_file_is(const void *data, size_t size) {
  const char *bytes = data;
  return size > 8 && bytes[8] == '{' && !memcmp(bytes + 4, "\0\0\0", 4);
}

/* What older versions wrote has the key `format`. */
bool tensor_file_is_model(const tensor_file *f) {
  const char *format = tensor_metadata(f, "format");
  return tensor_metadata(f, "unroll") || (format && !strncmp(format, "unroll ", 7));
}

const tensor *tensor_find(const tensor_file *f, const char *name) {
  for (size_t i = 0; i < f->count; i++)
    if (strcmp(f->tensors[i].name, name) == 0) return &f->tensors[i];
  return NULL;
}

const char *tensor_metadata(const tensor_file *f, const char *key) {
  for (size_t i = 0; i < f->metadata; i++)
    if (strcmp(f->keys[i], key) == 0) return f->values[i];
  return NULL;
}
