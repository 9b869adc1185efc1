/* video_block.c - moving pictures without time: a folder of pictures in the order of their names, IDX files, and blocks of bytes.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/folder.h"
#include "base/memory.h"
#include "read/video_source.h"

/* --- a block of bytes: a frame after the other --- */

typedef struct block {
  file_source f;
  uint64_t first;      /* byte of the first frame */
  picture_shape shape; /* of the file's frames */
  unsigned char *bytes;
} block;

static size_t each(const picture_shape *s) { return (size_t)s->rows * (size_t)s->columns * (size_t)s->channels; }

static unroll_status block_read(void *own, int64_t number, picture *p, unroll_error *err) {
  block *b = own;
  const size_t n = each(&b->shape);
  unroll_status status = UNROLL_OK;
  if (!p->pixels) status = picture_room(p, b->shape.rows, b->shape.columns, b->shape.channels, 255, err);
  if (!status) status = file_get(&b->f, b->first + (uint64_t)number * n, b->bytes, n, err);
  for (size_t i = 0; i < n && !status; i++) p->pixels[i] = b->bytes[i];
  return status;
}

static void block_close(void *own) {
  block *b = own;
  file_close(&b->f);
  mem_free(b->bytes);
  mem_free(b);
}

/* IDX: 0, 0, 8, the number of sizes, the sizes: frames, rows, columns, and channels if there are four. */
static unroll_status idx(block *b, int64_t *frames, unroll_error *err) {
  unsigned char head[20];
  uint32_t sizes[4] = {0, 0, 0, 1};
  unroll_status status = file_get(&b->f, 0, head, 4, err);
  const int n = status ? 0 : head[3];
  if (!status) status = file_get(&b->f, 0, head, 4 + 4 * (size_t)n, err);
  if (status) return status;
  for (int i = 0; i < n; i++)
    for (int k = 0; k < 4; k++) sizes[i] = sizes[i] << 8 | head[4 + 4 * i + k];
  b->first = 4 + 4 * (uint64_t)n;
  for (int i = 1; i < 4; i++)
    if (sizes[i] < 1 || sizes[i] > (i == 3 ? 4096 : PICTURE_MAX_SIDE))
      return error_set(err, UNROLL_BAD_INPUT, "the sizes in this IDX file are no picture's");
  b->shape = (picture_shape){(int)sizes[3], (int)sizes[1], (int)sizes[2]};
  uint64_t all;
  if (!sizes[0]) return error_set(err, UNROLL_BAD_INPUT, "there is no frame in it");
  if (__builtin_mul_overflow((uint64_t)sizes[0], (uint64_t)each(&b->shape), &all) || all != b->f.size - b->first)
    return error_set(err, UNROLL_BAD_INPUT, "this IDX file is longer or shorter than its sizes say");
  *frames = sizes[0];
  return UNROLL_OK;
}

static unroll_status block_frames(block *b, int64_t *frames, unroll_error *err) {
  unsigned char head[4] = {1};
  const size_t n = each(&b->shape);
  unroll_status status = b->f.size >= 4 ? file_get(&b->f, 0, head, 4, err) : UNROLL_OK;
  if (status) return status;
  if (!head[0] && !head[1] && head[2] == 8 && (head[3] == 3 || head[3] == 4)) return idx(b, frames, err);
  if (b->f.size % n)
    return error_set(err, UNROLL_BAD_INPUT,
                     "this is no GIF or film, and %" PRIu64 " bytes are not a number of frames of %d x %d x %d bytes", b->f.size,
                     b->shape.rows, b->shape.columns, b->shape.channels);
  *frames = (int64_t)(b->f.size / n);
  return UNROLL_OK;
}

unroll_status video_block(video_source *s, file_source *f, const picture_shape *shape, unroll_error *err) {
  block *b = mem_zero(1, sizeof *b);
  if (!b) {
    file_close(f);
    return error_memory(err);
  }
  *b = (block){.f = *f, .shape = *shape};
  int64_t frames = 0;
  unroll_status status = block_frames(b, &frames, err);
  if (!status && !(b->bytes = mem_alloc(each(&b->shape)))) status = error_memory(err);
  if (status) return block_close(b), status;
  *s = (video_source){.frames = frames, .own = b, .read = block_read, .close = block_close};
  return UNROLL_OK;
}

/* --- a folder --- */

enum { MOST_BYTES = 256 << 20 }; /* of a picture's file */

typedef struct folder {
  text names;
  const char **files;
  size_t skip; /* bytes of the folder's own name */
} folder;

/* By names, in which a run of digits is one number: frame9 before frame10. */
static int by_name(const void *x, const void *y) {
  const char *a = *(const char *const *)x, *b = *(const char *const *)y, *const all_a = a, *const all_b = b;
  while (*a && *b) {
    const size_t na = strspn(a, "0123456789"), nb = strspn(b, "0123456789");
    if (!na || !nb) {
      if (*a != *b) return (unsigned char)*a - (unsigned char)*b;
      a++, b++;
      continue;
    }
    const size_t za = strspn(a, "0") < na ? strspn(a, "0") : na - 1, zb = strspn(b, "0") < nb ? strspn(b, "0") : nb - 1;
    if (na - za != nb - zb) return na - za < nb - zb ? -1 : 1;
    const int order = strncmp(a + za, b + zb, na - za);
    if (order) return order;
    a += na, b += nb;
  }
  if (*a || *b) return *a ? 1 : -1;
  return strcmp(all_a, all_b);
}

static unroll_status folder_read(void *own, int64_t number, picture *p, unroll_error *err) {
  const folder *f = own;
  const char *name = f->files[number];
  char *data;
  size_t size;
  unroll_error why = {0};
  picture_free(p);
  unroll_status status = file_read_regular(name, MOST_BYTES, &data, &size, &why);
  if (!status) status = picture_decode(p, (const unsigned char *)data, size, -1, &(picture_shape){1, 1, 1}, &why);
  mem_free(data);
  if (status == UNROLL_FAILED) return error_memory(err);
  return status ? error_set(err, status, "'%.200s': %.250s", name + f->skip, why.message) : UNROLL_OK;
}

static void folder_close(void *own) {
  folder *f = own;
  text_free(&f->names);
  mem_free(f->files);
  mem_free(f);
}

unroll_status video_folder(video_source *s, const char *path, unroll_error *err) {
  folder *f = mem_zero(1, sizeof *f);
  if (!f) return error_memory(err);
  int n;
  unroll_status status = folder_list(path, &f->names, &n, err);
  if (!status && !(f->files = mem_zero((size_t)n + 1, sizeof *f->files))) status = error_memory(err);
  if (status) return folder_close(f), status;
  const char *at = f->names.data;
  for (int i = 0; i < n; i++, at += strlen(at) + 1) f->files[i] = at;
  if (n > 1) qsort(f->files, (size_t)n, sizeof *f->files, by_name);
  f->skip = strlen(path);
  while (n && f->files[0][f->skip] == '/') f->skip++;
  *s = (video_source){.frames = n, .own = f, .read = folder_read, .close = folder_close};
  return UNROLL_OK;
}
