/* npy.h - the head of an array of NumPy, .npy of version 1 to 3: type, order and shape. */
#ifndef IO_NPY_H
#define IO_NPY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unroll.h>

enum { NPY_RANK = 8 };

typedef struct npy {
  char kind; /* f, i, u, b (bool) */
  int bytes; /* of a number */
  bool swap; /* the high byte comes first */
  int rank;
  int64_t shape[NPY_RANK], stride[NPY_RANK]; /* in numbers */
  const unsigned char *data;                 /* in what was read */
  size_t size;                               /* of the data: that of the shape */
} npy;

/* UNROLL_BAD_INPUT with the name of the file: no such head, another type, or as many bytes as the shape does not need. */
unroll_status npy_read(npy *a, const char *file, const void *data, size_t size, unroll_error *err);
#endif
