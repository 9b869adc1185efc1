/* cell_pen.c - cells that name drawings: FILE, or FILE#n, line n of a file of offsets. */
#include <inttypes.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/cell.h"
#include "read/named.h"
#include "read/pen.h"

typedef struct drawings {
  int merge;
  char *path; /* the last file, which may hold many drawings */
  char *data;
  size_t size;
  pen_lines lines;
  pen opened;
} drawings;

static void forget(drawings *s) {
  mem_free(s->path);
  mem_free(s->data);
  mem_free(s->lines.starts);
  s->path = s->data = NULL;
  s->lines = (pen_lines){0};
}

static void end(void *state) {
  drawings *s = state;
  if (!s) return;
  forget(s);
  pen_free(&s->opened);
  mem_free(s);
}

static unroll_status begin(void **state, const variable *v, unroll_error *err) {
  drawings *s = mem_zero(1, sizeof *s);
  if (!s) return error_memory(err);
  s->merge = (int)v->args[0];
  *state = s;
  return UNROLL_OK;
}

/* The file's bytes; takes over `path`. */
static unroll_status read_file(drawings *s, char *path, unroll_error *err) {
  if (s->path && !strcmp(s->path, path)) return mem_free(path), UNROLL_OK;
  forget(s);
  s->path = path;
  unroll_status status = file_read_regular(path, PEN_MAX_BYTES, &s->data, &s->size, err);
  if (!status) status = pen_lines_of(&s->lines, s->data, s->size, err);
  if (status) forget(s);
  return status;
}

/* A message with the place in the file. */
static unroll_status placed(unroll_status status, const unroll_error *why, unroll_error *err) {
  if (status == UNROLL_FAILED) return error_memory(err);
  return why->line ? error_set(err, status, "line %d, column %d: %.300s", why->line, why->column, why->message)
                   : error_set(err, status, "%.300s", why->message);
}

static unroll_status open_one(void *state, const char *beside, const char *name, size_t size, int64_t *steps, unroll_error *err) {
  drawings *s = state;
  int64_t from, to, number = -1;
  unroll_error why = {0};
  if (named_part(name, &size, &from, &to)) number = from;
  if (number >= 0 && to != from) return error_set(err, UNROLL_BAD_INPUT, "of a file of drawings one is named, as in FILE#0");
  char *path = named_path(beside, name, size);
  if (!path) return error_memory(err);
  pen_free(&s->opened);
  unroll_status status = read_file(s, path, &why);
  if (!status) status = pen_decode(&s->opened, s->data, s->size, &s->lines, number, &why);
  if (status) return placed(status, &why, err);
  pen_merge(&s->opened, s->merge);
  *steps = s->opened.n;
  return UNROLL_OK;
}

static unroll_status read_one(void *state, float *out, unroll_error *err) {
  const drawings *s = state;
  (void)err;
  memcpy(out, s->opened.points, (size_t)s->opened.n * 3 * sizeof *out);
  return UNROLL_OK;
}

/* A sheet that is about as high as wide. */
static unroll_status write_sheet(text *out, const variable *v, const cell_values *list, int n, unroll_error *err) {
  (void)v;
  pen *sheet = mem_zero((size_t)n + 1, sizeof *sheet);
  unroll_status status = sheet ? UNROLL_OK : error_memory(err);
  int columns = 1;
  while (columns * columns < n) columns++;
  for (int i = 0; i < n && !status; i++) {
    pen *p = &sheet[i];
    p->n = list[i].steps;
    p->points = mem_zero((size_t)p->n + 1, 3 * sizeof *p->points);
    if (!p->points) status = error_memory(err);
    for (int64_t k = 0; k < 3 * p->n && !status; k++)
      p->points[k] = k % 3 < 2 ? (float)list[i].numbers[k] : list[i].numbers[k] > 0.5 ? 1 : 0;
  }
  if (!status) status = pen_svg(out, sheet, NULL, n, columns, err);
  for (int i = 0; i < n && sheet; i++) pen_free(&sheet[i]);
  mem_free(sheet);
  return status;
}

const cell_reader cell_drawings = {.begin = begin, .open = open_one, .read = read_one, .end = end, .write = write_sheet};
