/* safetensors.h - reads and writes the safetensors format, strictly (all rules of the format; see docs/model-file.md).
 * Header: 8 bytes little-endian length, JSON, padded with spaces so that data starts at a multiple of 8. */
#ifndef IO_SAFETENSORS_H
#define IO_SAFETENSORS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unroll.h>

enum tensor_type { TENSOR_F32, TENSOR_F64, TENSOR_I32, TENSOR_I64, TENSOR_U8, TENSOR_BF16, TENSOR_F16, TENSOR_OTHER };

typedef struct tensor {
  const char *name;
  enum tensor_type type;
  int rank;
  int64_t shape[8];
  int64_t count;    /* product of shape; 1 for rank 0 */
  const void *data; /* may be unaligned: copy with memcpy */
  size_t bytes;
} tensor;

typedef struct tensor_file {
  tensor *tensors;
  size_t count;
  const char **keys, **values; /* __metadata__: strings to strings */
  size_t metadata;
  void *owner;
} tensor_file;

/* Loads and checks a file. Everything in *f belongs to it until tensor_file_free. */
unroll_status tensor_file_load(tensor_file *f, const char *path, unroll_error *err);
unroll_status tensor_file_parse(tensor_file *f, const char *name, const void *data, size_t size,
                                unroll_error *err); /* copies nothing of the data: it must outlive f */
void tensor_file_free(tensor_file *f);
/* Do bytes look like such a file? The length of a header below 2^32, and its brace. */
bool tensor_file_is(const void *data, size_t size);
/* Is it a model of this program? */
bool tensor_file_is_model(const tensor_file *f);
const tensor *tensor_find(const tensor_file *f, const char *name);  /* NULL: not there */
const char *tensor_metadata(const tensor_file *f, const char *key); /* NULL: not there */

/* Writes atomically (base/file.h). Reads only name, type, rank, shape and data of each tensor. */
unroll_status tensor_file_save(const char *path, const tensor *tensors, size_t count, const char *const *keys,
                               const char *const *values, size_t metadata, unroll_error *err);
#endif
