/* picture_cell.c - see picture_cell.h. */
#include "read/picture_cell.h"
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "read/picture_array.h"
#include "read/unpack.h"

void picture_files_free(picture_files *f) {
  for (int i = 0; i < PICTURE_FILES; i++) {
    mem_free(f->kept[i].path);
    mem_free(f->kept[i].data);
  }
  *f = (picture_files){0};
}

/* FILE#123: the number, and *size without it; -1: none. A # without digits behind it belongs to the name. */
static int64_t number_of(const char *name, size_t *size) {
  size_t i = *size;
  int64_t number = 0, place = 1;
  while (i > 0 && name[i - 1] >= '0' && name[i - 1] <= '9' && *size - i < 15) {
    number += place * (name[--i] - '0');
    place *= 10;
  }
  if (i == *size || i < 2 || name[i - 1] != '#') return -1;
  *size = i - 1;
  return number;
}

/* The file's bytes; those of a file with many pictures are kept. Takes over `path`. */
static unroll_status bytes_of(picture_files *f, char *path, struct picture_file *out, unroll_error *err) {
  for (int i = 0; i < PICTURE_FILES; i++)
    if (f->kept[i].path && !strcmp(f->kept[i].path, path)) {
      mem_free(path);
      *out = f->kept[i];
      return UNROLL_OK;
    }
  *out = (struct picture_file){.path = path};
  const unroll_status status =
      file_read_regular(path, PICTURE_MAX_BYTES, &out->data, &out->size, err); /* a table may name anything */
  return status ? status : unpack(path, &out->data, &out->size, PICTURE_MAX_BYTES, err);
}

static void keep(picture_files *f, const struct picture_file *file) {
  struct picture_file *place = &f->kept[f->next];
  f->next = (f->next + 1) % PICTURE_FILES;
  mem_free(place->path);
  mem_free(place->data);
  *place = *file;
}

static bool is_kept(const picture_files *f, const char *path) {
  for (int i = 0; i < PICTURE_FILES; i++)
    if (f->kept[i].path == path) return true;
  return false;
}

unroll_status picture_of_file(picture_files *f, float *out, const picture_shape *shape, const char *beside, const char *name,
                              size_t size, unroll_error *err) {
  const int64_t number = number_of(name, &size);
  struct picture_file file;
  picture p = {0};
  char *path = file_beside(beside, name, size);
  if (!path) return error_memory(err);
  unroll_status status = bytes_of(f, path, &file, err);
  if (!status && picture_array_is(file.data, file.size)) {
    status = picture_array_row(out, shape, file.path, file.data, file.size, number, err);
  } else {
    if (!status) status = picture_decode(&p, (const unsigned char *)file.data, file.size, number, shape, err);
    if (!status) status = picture_fit(out, &p, shape, err);
  }
  picture_free(&p);
  if (is_kept(f, file.path)) return status;
  if (!status && number >= 0) return keep(f, &file), UNROLL_OK;
  mem_free(file.path);
  mem_free(file.data);
  return status;
}
