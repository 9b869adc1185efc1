/* arrays.h - named arrays of numbers as a file of another program has them. Numbers become floats, row-major. */
#ifndef IMPORT_ARRAYS_H
#define IMPORT_ARRAYS_H
#include <stdbool.h>
#include <stdint.h>
#include <unroll.h>
#include "base/memory.h"
#include "io/number.h"

enum { ARRAY_RANK = 8 };

typedef struct array {
  const char *name;
  int rank;
  int64_t shape[ARRAY_RANK];
  int64_t count; /* the product; 1 for rank 0 */
  float *x;      /* [count] */
  bool used;     /* a module has taken it */
  bool whole;    /* whole numbers in the file */
} array;

typedef struct arrays {
  array *list; /* in the order of the file */
  int n, room;
  arena *memory;    /* names and numbers */
  const char *file; /* for messages */
} arrays;

/* How the numbers lie in the file. */
typedef struct array_form {
  number_form number;
  const int64_t *stride; /* [rank] in numbers; NULL: row-major */
} array_form;

/* Adds an array of `size` bytes of data, which are copied. UNROLL_BAD_INPUT: it does not lie within them. */
unroll_status arrays_add(arrays *a, const char *name, int rank, const int64_t *shape, const array_form *form, const void *data,
                         size_t size, unroll_error *err);
array *arrays_find(const arrays *a, const char *name); /* NULL: not there */
void arrays_free(arrays *a);

/* "2 x 3" into out. */
void array_shape(const array *a, char out[96]);

/* Files: of safetensors, of NumPy (.npy and .npz), each by its bytes. arrays_file.c */
unroll_status arrays_of_tensors(arrays *a, const void *data, size_t size, unroll_error *err);
unroll_status arrays_of_npy(arrays *a, const char *name, const void *data, size_t size, unroll_error *err);
unroll_status arrays_of_npz(arrays *a, const void *data, size_t size, unroll_error *err);
/* Whichever of the three a file is. */
unroll_status arrays_of_file(arrays *a, const char *path, unroll_error *err);
#endif
