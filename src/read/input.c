/* input.c - see input.h. */
#include "read/input.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "base/budget.h"
#include "base/error.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/known.h"
#include "base/memory.h"
#include "base/text.h"
#include "read/unpack.h"

static unroll_status add_file(input_files *in, const char *path, bool in_folder, unroll_error *err) {
  if (in->n == in->room) {
    const int room = in->room ? 2 * in->room : 8;
    input_file *files = mem_resize(in->files, (size_t)room * sizeof *files);
    if (!files) return error_memory(err);
    in->files = files;
    in->room = room;
  }
  input_file f = {.name = mem_text(strcmp(path, "-") ? path : "standard input"), .in_folder = in_folder};
  if (!f.name) return error_memory(err);
  unroll_status status = in_folder ? file_read_regular(path, SIZE_MAX, &f.data, &f.size, err) /* nobody named a pipe */
                                   : file_read(path, &f.data, &f.size, err);
  if (!status) status = unpack(f.name, &f.data, &f.size, budget_bytes(), err);
  if (status) {
    mem_free(f.name);
    mem_free(f.data);
  } else
    in->files[in->n++] = f;
  return status;
}

static unroll_status add_path(input_files *in, const char *path, unroll_error *err) {
  text names;
  int n;
  if (!folder_is(path)) return add_file(in, path, false, err);
  unroll_status status = folder_list(path, &names, &n, err);
  if (!status && n == 0) status = error_at(err, UNROLL_BAD_INPUT, path, NULL, 0, 0, "there are no files in the folder");
  const char *name = names.data;
  for (int i = 0; i < n && !status; i++, name += strlen(name) + 1) status = add_file(in, name, true, err);
  text_free(&names);
  return status;
}

unroll_status input_memory(input_files *in, const char *name, char *data, size_t size, unroll_error *err) {
  *in = (input_files){.files = mem_zero(1, sizeof *in->files), .room = 1};
  char *copy = mem_text(name);
  if (!in->files || !copy) {
    mem_free(copy);
    mem_free(data);
    return error_memory(err);
  }
  in->files[in->n++] = (input_file){.name = copy, .data = data, .size = size};
  return UNROLL_OK;
}

unroll_status input_read(input_files *in, const char *paths, unroll_error *err) {
  *in = (input_files){0};
  char *copy = mem_text(paths);
  unroll_status status = copy ? UNROLL_OK : error_memory(err);
  for (char *path = copy, *end; path && !status; path = end) {
    end = strchr(path, '\n');
    if (end) *end++ = 0;
    status = add_path(in, path, err);
  }
  mem_free(copy);
  return status;
}

unroll_status input_refuse(const input_file *f, const char *wanted, bool texts, unroll_error *err) {
  const known_file *k = known_find(f->data, f->size);
  return k && !(texts && k->flags & KNOWN_TEXT) ? known_refuse(k, f->name, wanted, 0, err) : UNROLL_OK;
}

bool input_are_cells(const input_files *in) {
  for (int i = 0; i < in->n; i++) {
    const known_file *k = file_exists(in->files[i].name) ? known_find(in->files[i].data, in->files[i].size) : NULL;
    if (!k || !(k->flags & KNOWN_CELL)) return false;
  }
  return in->n > 0;
}

void input_free(input_files *in) {
  for (int i = 0; i < in->n; i++) {
    mem_free(in->files[i].name);
    mem_free(in->files[i].data);
  }
  mem_free(in->files);
  *in = (input_files){0};
}

unroll_status input_bad_at(const char *name, const char *data, size_t size, size_t at, unroll_error *err, const char *format, ...) {
  int line = 1, column = 1;
  size_t start = 0;
  if (!err) return UNROLL_BAD_INPUT; /* finding the line takes time */
  if (at > size) at = size;          /* of a cell that was written anew */
  for (size_t i = 0; i < at; i++)
    if (data[i] == '\n') {
      line += line < INT32_MAX;
      start = i + 1;
    }
  for (size_t i = start; i < at;) {
    uint32_t code;
    const int n = utf8_decode(data + i, size - i, &code);
    i += n ? (size_t)n : 1;
    column += column < INT32_MAX;
  }
  char source[sizeof err->source], what[sizeof err->message];
  size_t n = 0;
  while (start + n < size && n + 1 < sizeof source && data[start + n] != '\n') n++;
  memcpy(source, data + start, n);
  source[n] = 0;
  const bool legible = !memchr(source, 0, n); /* else it is of no use to anybody's eyes */
  va_list list;
  va_start(list, format);
  vsnprintf(what, sizeof what, format, list);
  va_end(list);
  error_at(err, UNROLL_BAD_INPUT, name, legible ? source : NULL, 1, column, "%s", what);
  err->line = line;
  return UNROLL_BAD_INPUT;
}
