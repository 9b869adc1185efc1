/* arrays_file.c - arrays of safetensors, .npy and .npz. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "import/arrays.h"
#include "import/zip.h"
#include "io/safetensors.h"

#define BAD(...) error_at(err, UNROLL_BAD_INPUT, a->file, NULL, 0, 0, __VA_ARGS__)

unroll_status arrays_of_tensors(arrays *a, const void *data, size_t size, unroll_error *err) {
  static const array_form forms[] = {
      [TENSOR_F32] = {'f', 4, false, NULL}, [TENSOR_F64] = {'f', 8, false, NULL}, [TENSOR_I32] = {'i', 4, false, NULL},
      [TENSOR_I64] = {'i', 8, false, NULL}, [TENSOR_U8] = {'u', 1, false, NULL},  [TENSOR_BF16] = {'h', 2, false, NULL},
      [TENSOR_F16] = {'f', 2, false, NULL}, [TENSOR_OTHER] = {0, 0, false, NULL}};
  tensor_file f = {0};
  unroll_status status = tensor_file_parse(&f, a->file, data, size, err);
  const char *format = status ? NULL : tensor_metadata(&f, "format");
  if (!status && (tensor_metadata(&f, "unroll") || (format && !strncmp(format, "unroll ", 7))))
    status = BAD("this is a model of Unroll already");
  for (size_t i = 0; i < f.count && !status; i++) {
    const tensor *t = &f.tensors[i];
    if (t->type == TENSOR_OTHER)
      status = BAD("'%.60s' has a type that is not read: F32, F64, F16, BF16, I32, I64 or U8", t->name);
    else
      status = arrays_add(a, t->name, t->rank, t->shape, &forms[t->type], t->data, t->bytes, err);
  }
  tensor_file_free(&f);
  return status;
}

/* --- NumPy --- */

/* What follows 'KEY': in the head, a dict of Python in one line. */
static const char *value_of(const char *head, const char *key) {
  const char *at = strstr(head, key);
  if (!at) return NULL;
  at += strlen(key);
  return at + strspn(at, ": ");
}

static const char *const npy_bad = "the head of this NumPy array is wrong";

static unroll_status npy_shape(const arrays *a, const char *s, int *rank, int64_t *shape, unroll_error *err) {
  *rank = 0;
  if (*s++ != '(') return BAD("%s", npy_bad);
  for (s += strspn(s, " "); *s != ')'; s += strspn(s, ", ")) {
    int64_t n = 0;
    if (*s < '0' || *s > '9' || *rank == ARRAY_RANK) return BAD("%s: its shape", npy_bad);
    for (; *s >= '0' && *s <= '9'; s++)
      if (__builtin_mul_overflow(n, (int64_t)10, &n) || __builtin_add_overflow(n, (int64_t)(*s - '0'), &n))
        return BAD("%s: its shape", npy_bad);
    shape[(*rank)++] = n;
  }
  return UNROLL_OK;
}

/* '<f4': the order of bytes, the kind, how many bytes. */
static bool npy_type(const char *s, array_form *f) {
  static const char *const types[] = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"};
  if (*s != '\'' && *s != '"') return false;
  for (size_t i = 0; strlen(s) > 4 && i < sizeof types / sizeof *types; i++)
    if (!strncmp(s + 2, types[i], 2) && s[4] == s[0] && strchr("<>|=", s[1])) {
      *f = (array_form){types[i][0], types[i][1] - '0', s[1] == '>', NULL};
      return true;
    }
  return false;
}

unroll_status arrays_of_npy(arrays *a, const char *name, const void *data, size_t size, unroll_error *err) {
  const unsigned char *d = data;
  char head[4096];
  int rank;
  int64_t shape[ARRAY_RANK], stride[ARRAY_RANK], next = 1;
  array_form form;
  if (size < 12 || memcmp(d, "\x93NUMPY", 6)) return BAD("%s", npy_bad);
  const size_t first = d[6] == 1 ? 10 : 12;
  size_t length = d[8] | (size_t)d[9] << 8;
  if (d[6] > 1) length |= (size_t)d[10] << 16 | (size_t)d[11] << 24;
  if (length > size - first || length >= sizeof head) return BAD("%s", npy_bad);
  memcpy(head, d + first, length);
  head[length] = 0;
  const char *type = value_of(head, "'descr'"), *order = value_of(head, "'fortran_order'"), *shapes = value_of(head, "'shape'");
  if (!type || !order || !shapes) return BAD("%s", npy_bad);
  if (!npy_type(type, &form)) return BAD("the type of '%.60s' is none of floats, integers and bools", name);
  const unroll_status status = npy_shape(a, shapes, &rank, shape, err);
  if (status) return status;
  if (!strncmp(order, "True", 4)) {
    for (int i = 0; i < rank; i++) {
      stride[i] = next;
      if (__builtin_mul_overflow(next, shape[i] ? shape[i] : 1, &next)) return BAD("%s: its shape", npy_bad);
    }
    form.stride = stride;
  }
  return arrays_add(a, name, rank, shape, &form, d + first + length, size - first - length, err);
}

unroll_status arrays_of_npz(arrays *a, const void *data, size_t size, unroll_error *err) {
  zip z;
  unroll_status status = zip_open(&z, a->file, data, size, err);
  for (int i = 0; i < z.n && !status; i++) {
    const void *bytes;
    size_t n, length = strlen(z.list[i].name);
    char *name = arena_text(a->memory, z.list[i].name, length > 4 && text_ends(z.list[i].name, ".npy") ? length - 4 : length);
    status = name ? zip_get(&z, &z.list[i], &bytes, &n, err) : error_memory(err);
    if (!status) status = arrays_of_npy(a, name, bytes, n, err);
  }
  zip_close(&z);
  return status;
}

unroll_status arrays_of_file(arrays *a, const char *path, unroll_error *err) {
  char *data;
  size_t size;
  unroll_status status = file_read(path, &data, &size, err);
  if (status) return status;
  a->file = path;
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  if (size > 6 && !memcmp(data, "\x93NUMPY", 6))
    status = arrays_of_npy(a, name, data, size, err);
  else if (zip_is(data, size))
    status = arrays_of_npz(a, data, size, err);
  else
    status = arrays_of_tensors(a, data, size, err);
  mem_free(data);
  return status;
}
