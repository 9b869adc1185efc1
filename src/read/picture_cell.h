/* picture_cell.h - pictures that the cells of a table name. */
#ifndef READ_PICTURE_CELL_H
#define READ_PICTURE_CELL_H
#include "read/picture.h"

/* The last files with many pictures stay in memory while a table is read. */
enum { PICTURE_FILES = 8 };
#define PICTURE_MAX_BYTES ((size_t)1 << 31) /* of a file, unpacked */
typedef struct picture_files {
  struct picture_file {
    char *path, *data;
    size_t size;
  } kept[PICTURE_FILES];
  int next;
} picture_files;
void picture_files_free(picture_files *f);

/* The file NAME, relative to the folder of the file `beside`; FILE#n is picture n of many, counted from 0. Only a regular file is
 * read; one packed by gzip or zstd is unpacked. out: rows * columns * channels numbers. UNROLL_BAD_INPUT with a message that says
 * what is wrong but not where. */
unroll_status picture_of_file(picture_files *f, float *out, const picture_shape *shape, const char *beside, const char *name,
                              size_t size, unroll_error *err);
#endif
