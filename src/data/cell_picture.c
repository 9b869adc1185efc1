/* cell_picture.c - cells that name pictures: FILE, or FILE#n, picture n of a file with many. */
#include "base/error.h"
#include "base/memory.h"
#include "data/cell.h"
#include "read/picture_cell.h"

typedef struct pictures {
  picture_files files;
  picture_shape shape;
  const char *beside, *name; /* of what was opened last */
  size_t size;
} pictures;

static unroll_status begin(void **state, const variable *v, unroll_error *err) {
  pictures *s = mem_zero(1, sizeof *s);
  if (!s) return error_memory(err);
  s->shape = v->shape;
  *state = s;
  return UNROLL_OK;
}

static unroll_status open_one(void *state, const char *beside, const char *name, size_t size, int64_t *steps, unroll_error *err) {
  pictures *s = state;
  (void)err;
  s->beside = beside;
  s->name = name;
  s->size = size;
  *steps = 1;
  return UNROLL_OK;
}

static unroll_status read_one(void *state, float *out, unroll_error *err) {
  pictures *s = state;
  return picture_of_file(&s->files, out, &s->shape, s->beside, s->name, s->size, err);
}

static void end(void *state) {
  if (state) picture_files_free(&((pictures *)state)->files);
  mem_free(state);
}

const cell_reader cell_pictures = {.begin = begin, .open = open_one, .read = read_one, .end = end, .shared = true};
