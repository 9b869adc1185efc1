/* cell_video.c - cells that name moving pictures: a file or a folder of pictures; FILE#3-7 is its frames 3 to 7, counted from 0. */
#include "base/error.h"
#include "base/memory.h"
#include "data/cell.h"
#include "read/named.h"
#include "read/video.h"

typedef struct films {
  video_form form;
  video *opened;
  int64_t frames;
} films;

static void end(void *state) {
  if (state) video_close(((films *)state)->opened);
  mem_free(state);
}

static unroll_status begin(void **state, const variable *v, unroll_error *err) {
  films *s = mem_zero(1, sizeof *s);
  if (!s) return error_memory(err);
  s->form = (video_form){.shape = v->shape, .fps = v->args[3]};
  *state = s;
  return UNROLL_OK;
}

static unroll_status open_one(void *state, const char *beside, const char *name, size_t size, int64_t *steps, unroll_error *err) {
  films *s = state;
  int64_t from = 0, to = -2;
  named_part(name, &size, &from, &to);
  s->form.from = from;
  s->form.to = to + 1;
  char *path = named_path(beside, name, size);
  if (!path) return error_memory(err);
  video_close(s->opened);
  const unroll_status status = video_open(&s->opened, path, &s->form, &s->frames, err);
  mem_free(path);
  *steps = s->frames;
  return status;
}

static unroll_status read_one(void *state, float *out, unroll_error *err) {
  films *s = state;
  const size_t each = (size_t)s->form.shape.channels * (size_t)s->form.shape.rows * (size_t)s->form.shape.columns;
  unroll_status status = UNROLL_OK;
  for (int64_t i = 0; i < s->frames && !status; i++) status = video_next(s->opened, out + (size_t)i * each, err);
  return status;
}

const cell_reader cell_films = {.begin = begin, .open = open_one, .read = read_one, .end = end};
