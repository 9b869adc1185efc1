/* npy.c - see npy.h. */
#include "io/npy.h"
#include <inttypes.h>
#include <string.h>
#include "base/error.h"

#define BAD(...) error_at(err, UNROLL_BAD_INPUT, file, NULL, 0, 0, __VA_ARGS__)

/* What follows 'KEY': in the head, a dict of Python in one line. */
static const char *value_of(const char *head, const char *key) {
  const char *at = strstr(head, key);
  if (!at) return NULL;
  at += strlen(key);
  return at + strspn(at, ": ");
}

static const char *const bad_head = "the head of this NumPy file is wrong";

static unroll_status read_shape(npy *a, const char *s, bool fortran, uint64_t *count, const char *file, unroll_error *err) {
  *count = 1;
  if (*s++ != '(') return BAD("%s", bad_head);
  for (s += strspn(s, " "); *s != ')'; s += strspn(s, ", ")) {
    uint64_t n = 0;
    if (*s < '0' || *s > '9' || a->rank == NPY_RANK) return BAD("%s: its shape", bad_head);
    for (; *s >= '0' && *s <= '9'; s++)
      if (__builtin_mul_overflow(n, (uint64_t)10, &n) || __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n) || n > INT64_MAX)
        return BAD("%s: its shape", bad_head);
    a->shape[a->rank++] = (int64_t)n;
    if (__builtin_mul_overflow(*count, n, count)) return BAD("%s: its shape", bad_head);
  }
  int64_t stride = 1;
  for (int i = 0; i < a->rank; i++) {
    const int k = fortran ? i : a->rank - 1 - i;
    a->stride[k] = stride;
    if (a->shape[k] && __builtin_mul_overflow(stride, a->shape[k], &stride)) return BAD("%s: its shape", bad_head);
  }
  return UNROLL_OK;
}

/* '<f4': the order of bytes, the kind, how many bytes. */
static unroll_status read_type(npy *a, const char *s, const char *file, unroll_error *err) {
  static const char *const types[] = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"};
  const bool quoted = *s == '\'' || *s == '"';
  for (size_t i = 0; quoted && strlen(s) > 4 && i < sizeof types / sizeof *types; i++)
    if (!strncmp(s + 2, types[i], 2) && s[4] == s[0] && strchr("<>|=", s[1])) {
      a->kind = types[i][0];
      a->bytes = types[i][1] - '0';
      a->swap = s[1] == '>';
      return UNROLL_OK;
    }
  return BAD("its type %.*s is none of floats, integers and bools", (int)strcspn(s, ","), s);
}

unroll_status npy_read(npy *a, const char *file, const void *data, size_t size, unroll_error *err) {
  const unsigned char *d = data;
  char head[4096];
  uint64_t count;
  *a = (npy){0};
  if (size < 12 || memcmp(d, "\x93NUMPY", 6) != 0) return BAD("%s", bad_head);
  const size_t first = d[6] == 1 ? 10 : 12;
  size_t length = d[8] | (size_t)d[9] << 8;
  if (d[6] != 1) length |= (size_t)d[10] << 16 | (size_t)d[11] << 24;
  if (length > size - first || length >= sizeof head) return BAD("%s", bad_head);
  memcpy(head, d + first, length);
  head[length] = 0;
  const char *type = value_of(head, "'descr'"), *order = value_of(head, "'fortran_order'"), *shape = value_of(head, "'shape'");
  if (!type || !order || !shape) return BAD("%s", bad_head);
  unroll_status status = read_type(a, type, file, err);
  if (!status) status = read_shape(a, shape, !strncmp(order, "True", 4), &count, file, err);
  if (status) return status;
  a->data = d + first + length;
  a->size = size - first - length;
  if (count > a->size / (size_t)a->bytes || count * (size_t)a->bytes != a->size)
    return BAD("the file has %zu bytes of numbers, and its shape needs %" PRIu64 " of %d bytes each", a->size, count, a->bytes);
  return UNROLL_OK;
}
