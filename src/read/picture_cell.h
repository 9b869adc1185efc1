/* picture_cell.h - pictures that the cells of a table name. */
#ifndef READ_PICTURE_CELL_H
#define READ_PICTURE_CELL_H
#include "read/picture.h"
#include "read/table.h"

/* The last files with many pictures stay in memory while a table is read. */
enum { PICTURE_FILES = 8 };
typedef struct picture_files {
  struct picture_file {
    char *path, *data;
    size_t size;
  } kept[PICTURE_FILES];
  int next;
} picture_files;
void picture_files_free(picture_files *f);

/* The text begin .. end of a cell is the name of a file, relative to the table's folder; FILE#n is picture n of many, counted from
 * 0. out: rows * columns * channels numbers. Errors name row and column of the table, and the file. */
unroll_status picture_of_cell(picture_files *f, float *out, const picture_shape *shape, const table *t, int64_t row, int column,
                              size_t begin, size_t end, unroll_error *err);
#endif
