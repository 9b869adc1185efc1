/* arrays_file.c - arrays of safetensors, .npy and .npz. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "import/arrays.h"
#include "import/zip.h"
#include "io/npy.h"
#include "io/safetensors.h"

#define BAD(...) error_at(err, UNROLL_BAD_INPUT, a->file, NULL, 0, 0, __VA_ARGS__)

unroll_status arrays_of_tensors(arrays *a, const void *data, size_t size, unroll_error *err) {
  tensor_file f = {0};
  unroll_status status = tensor_file_parse(&f, a->file, data, size, err);
  if (!status && tensor_file_is_model(&f)) status = BAD("this is a model of Unroll already");
  for (size_t i = 0; i < f.count && !status; i++) {
    const tensor *t = &f.tensors[i];
    const array_form form = {number_of_tensor(t->type), NULL};
    if (!form.number.kind)
      status = BAD("'%.60s' has a type that is not read: F32, F64, F16, BF16, I32, I64 or U8", t->name);
    else
      status = arrays_add(a, t->name, t->rank, t->shape, &form, t->data, t->bytes, err);
  }
  tensor_file_free(&f);
  return status;
}

/* --- NumPy --- */

unroll_status arrays_of_npy(arrays *a, const char *name, const void *data, size_t size, unroll_error *err) {
  npy head;
  const unroll_status status = npy_read(&head, a->file, data, size, err);
  if (status) return status;
  const array_form form = {{head.kind, head.bytes, head.swap}, head.stride};
  return arrays_add(a, name, head.rank, head.shape, &form, head.data, head.size, err);
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
