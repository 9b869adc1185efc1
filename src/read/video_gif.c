/* video_gif.c - animated GIFs: blocks, LZW, and a canvas on which each frame is laid over those before.
 *
 * Opening walks over the blocks, so that the number of frames and their times are known; reading unpacks frame after frame. What is
 * transparent at the end is black. A file that is damaged or cut off is refused. */
#include <inttypes.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "read/video_source.h"

enum { TABLE = 4096, EXTENSION = 0x21, IMAGE = 0x2C, TRAILER = 0x3B, CONTROL = 0xF9 };
enum disposal { KEEP, KEEP_TOO, CLEAR, RESTORE };

typedef struct gif {
  unsigned char *data;
  size_t size, at, first; /* first: the block after the head */
  int rows, columns, colours;
  const unsigned char *palette;   /* of the whole file, or NULL */
  int64_t done;                   /* frames unpacked */
  unsigned char *canvas, *before; /* [rows][columns][3]; before: what RESTORE brings back */
  unsigned char *indices;         /* [rows * columns] of a frame */
  struct {                        /* of the next image */
    enum disposal disposal;
    int transparent; /* -1: none */
    int delay;       /* hundredths of a second */
  } control;
  struct {
    int left, top, rows, columns;
    enum disposal disposal;
  } last; /* the frame that is on the canvas */
  uint16_t prefix[TABLE];
  unsigned char suffix[TABLE], stack[TABLE];
} gif;

static unroll_status cut(unroll_error *err) { return error_set(err, UNROLL_BAD_INPUT, "the GIF is cut off"); }

/* The next n bytes, or NULL. */
static const unsigned char *take(gif *g, size_t n) {
  if (n > g->size - g->at) return NULL;
  g->at += n;
  return g->data + g->at - n;
}
static int little(const unsigned char *x) { return x[0] | x[1] << 8; }

/* Passes over blocks of data, up to the empty one. */
static bool skip_data(gif *g) {
  for (;;) {
    const unsigned char *n = take(g, 1);
    if (!n || !take(g, *n)) return false;
    if (!*n) return true;
  }
}

/* Brings g to the next image, whose 9 bytes follow; *there: false at the end. */
static unroll_status find_image(gif *g, bool *there, unroll_error *err) {
  g->control.disposal = KEEP;
  g->control.transparent = -1;
  g->control.delay = 0;
  for (;;) {
    const unsigned char *kind = take(g, 1);
    if (!kind) return cut(err);
    *there = *kind == IMAGE;
    if (*kind == IMAGE || *kind == TRAILER) return UNROLL_OK;
    if (*kind != EXTENSION) return error_set(err, UNROLL_BAD_INPUT, "the GIF has a block of an unknown kind");
    if (!(kind = take(g, 1))) return cut(err);
    if (*kind == CONTROL) {
      const size_t here = g->at;
      const unsigned char *x = take(g, 6);
      if (!x) return cut(err);
      if (x[0] == 4) {
        g->control.disposal = (x[1] >> 2 & 7) <= RESTORE ? (enum disposal)(x[1] >> 2 & 7) : KEEP;
        g->control.transparent = x[1] & 1 ? x[4] : -1;
        g->control.delay = little(x + 2);
      }
      g->at = here;
    }
    if (!skip_data(g)) return cut(err);
  }
}

typedef struct image {
  int left, top, rows, columns, colours, bits;
  bool interlaced;
  const unsigned char *palette;
} image;

/* The head of an image, up to its data. */
static unroll_status image_head(gif *g, image *i, unroll_error *err) {
  const unsigned char *x = take(g, 9);
  if (!x) return cut(err);
  *i = (image){little(x), little(x + 2), little(x + 6), little(x + 4), g->colours, 0, (x[8] & 0x40) != 0, g->palette};
  if (i->rows < 1 || i->columns < 1 || i->left + i->columns > g->columns || i->top + i->rows > g->rows)
    return error_set(err, UNROLL_BAD_INPUT, "a frame of the GIF does not fit into its picture");
  if (x[8] & 0x80) {
    i->colours = 2 << (x[8] & 7);
    if (!(i->palette = take(g, 3 * (size_t)i->colours))) return cut(err);
  }
  if (!i->palette) return error_set(err, UNROLL_BAD_INPUT, "a frame of the GIF has no colours");
  if (!(x = take(g, 1))) return cut(err);
  i->bits = x[0];
  return i->bits < 2 || i->bits > 8 ? error_set(err, UNROLL_BAD_INPUT, "a frame of the GIF is packed in an unknown way")
                                    : UNROLL_OK;
}

/* --- LZW --- */

typedef struct bits { /* of data in blocks, the lowest bit first */
  gif *g;
  size_t left; /* bytes in the block */
  uint32_t held;
  int n;
} bits;

static int next_code(bits *b, int width) { /* -1: no more data */
  while (b->n < width) {
    if (!b->left) {
      const unsigned char *n = take(b->g, 1);
      if (!n) return -1;
      if (!*n) return b->g->at--, -1;
      b->left = *n;
    }
    const unsigned char *x = take(b->g, 1);
    if (!x) return -1;
    b->left--;
    b->held |= (uint32_t)*x << b->n;
    b->n += 8;
  }
  const int code = (int)(b->held & ((1u << width) - 1));
  b->held >>= width;
  b->n -= width;
  return code;
}

/* The indices of a frame, `count` of them. False where the data is damaged or ends early. */
static bool unpack(gif *g, int least, size_t count) {
  const int clear = 1 << least, end = clear + 1;
  bits b = {.g = g};
  int width = least + 1, used = end + 1, last = -1;
  unsigned char first = 0;
  size_t out = 0;
  for (int i = 0; i < clear; i++) g->suffix[i] = (unsigned char)i;
  while (out < count) {
    const int code = next_code(&b, width);
    if (code < 0 || code == end) return false;
    if (code == clear) {
      width = least + 1, used = end + 1, last = -1;
      continue;
    }
    if (code > used || (last < 0 && code >= clear) || (code == used && used == TABLE)) return false;
    int n = 0, at = code;
    if (code == used) g->stack[n++] = first, at = last; /* the text before, with its own first letter behind it */
    for (; at >= clear; at = g->prefix[at]) g->stack[n++] = g->suffix[at];
    first = g->suffix[at];
    g->stack[n++] = first;
    if (last >= 0 && used < TABLE) {
      g->prefix[used] = (uint16_t)last;
      g->suffix[used++] = first;
      if (used == 1 << width && width < 12) width++;
    }
    last = code;
    while (n > 0 && out < count) g->indices[out++] = g->stack[--n];
  }
  return take(g, b.left) && skip_data(g);
}

/* --- frames --- */

/* Row k of the data of an interlaced image: every 8th, those between, and so on. */
static int interlaced(int k, int rows) {
  static const int first[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
  for (int pass = 0; pass < 4; pass++) {
    const int n = rows > first[pass] ? (rows - first[pass] + step[pass] - 1) / step[pass] : 0;
    if (k < n) return first[pass] + k * step[pass];
    k -= n;
  }
  return rows - 1;
}

/* What the last frame leaves behind. */
static void dispose(gif *g) {
  if (g->last.disposal == RESTORE) memcpy(g->canvas, g->before, (size_t)g->rows * (size_t)g->columns * 3);
  for (int r = 0; r < g->last.rows && g->last.disposal == CLEAR; r++)
    memset(g->canvas + 3 * ((size_t)(g->last.top + r) * (size_t)g->columns + (size_t)g->last.left), 0, 3 * (size_t)g->last.columns);
}

static unroll_status draw_next(gif *g, unroll_error *err) {
  bool there;
  image i;
  unroll_status status = find_image(g, &there, err);
  if (!status) status = image_head(g, &i, err);
  if (status) return status;
  const size_t count = (size_t)i.rows * (size_t)i.columns;
  if (!unpack(g, i.bits, count)) return error_set(err, UNROLL_BAD_INPUT, "frame %" PRId64 " of the GIF is damaged", g->done);
  dispose(g);
  if (g->control.disposal == RESTORE) memcpy(g->before, g->canvas, (size_t)g->rows * (size_t)g->columns * 3);
  for (int k = 0; k < i.rows; k++) {
    const int row = i.top + (i.interlaced ? interlaced(k, i.rows) : k);
    unsigned char *out = g->canvas + 3 * ((size_t)row * (size_t)g->columns + (size_t)i.left);
    const unsigned char *in = g->indices + (size_t)k * (size_t)i.columns;
    for (int c = 0; c < i.columns; c++, out += 3)
      if (in[c] != g->control.transparent && in[c] < i.colours) memcpy(out, i.palette + 3 * in[c], 3);
  }
  g->last.left = i.left, g->last.top = i.top, g->last.rows = i.rows, g->last.columns = i.columns;
  g->last.disposal = g->control.disposal;
  g->done++;
  return UNROLL_OK;
}

static unroll_status gif_read(void *own, int64_t number, picture *p, unroll_error *err) {
  gif *g = own;
  unroll_status status = UNROLL_OK;
  while (g->done <= number && !status) status = draw_next(g, err);
  if (!status && !p->pixels) status = picture_room(p, g->rows, g->columns, 3, 255, err);
  for (size_t i = 0; !status && i < (size_t)g->rows * (size_t)g->columns * 3; i++) p->pixels[i] = g->canvas[i];
  return status;
}

static void gif_close(void *own) {
  gif *g = own;
  mem_free(g->data);
  mem_free(g->canvas);
  mem_free(g->before);
  mem_free(g->indices);
  mem_free(g);
}

static unroll_status head(gif *g, unroll_error *err) {
  const unsigned char *x = take(g, 13);
  if (!x) return cut(err);
  if (memcmp(x, "GIF87a", 6) && memcmp(x, "GIF89a", 6)) return error_set(err, UNROLL_BAD_INPUT, "a GIF of an unknown version");
  g->columns = little(x + 6);
  g->rows = little(x + 8);
  if (g->rows < 1 || g->columns < 1) return error_set(err, UNROLL_BAD_INPUT, "a picture without pixels");
  if ((int64_t)g->rows * g->columns > PICTURE_MAX_PIXELS / 3)
    return error_set(err, UNROLL_BAD_INPUT, "a picture of %d x %d pixels is too large", g->rows, g->columns);
  if (x[10] & 0x80) {
    g->colours = 2 << (x[10] & 7);
    if (!(g->palette = take(g, 3 * (size_t)g->colours))) return cut(err);
  }
  g->first = g->at;
  return UNROLL_OK;
}

/* Walks over all frames: how many there are, and when each begins. Delays below 2 are 10, as browsers show them. */
static unroll_status walk(gif *g, video_source *s, unroll_error *err) {
  int64_t room = 0;
  for (;;) {
    bool there;
    image i;
    unroll_status status = find_image(g, &there, err);
    if (status || !there) return g->at = g->first, status;
    status = image_head(g, &i, err);
    if (!status && !skip_data(g)) status = cut(err);
    if (status) return status;
    if (s->frames == room) {
      double *larger = mem_resize(s->starts, (size_t)(room = room ? 2 * room : 64) * sizeof *larger);
      if (!larger) return error_memory(err);
      s->starts = larger;
    }
    s->starts[s->frames++] = s->end;
    s->end += (g->control.delay < 2 ? 10 : g->control.delay) / 100.;
  }
}

unroll_status video_gif(video_source *s, file_source *f, unroll_error *err) {
  gif *g = mem_zero(1, sizeof *g);
  *s = (video_source){.own = g, .read = gif_read, .close = g ? gif_close : NULL};
  unroll_status status = !g                        ? error_memory(err)
                         : f->size > VIDEO_MAX_GIF ? error_set(err, UNROLL_BAD_INPUT, "the GIF is too large")
                                                   : UNROLL_OK;
  if (!status && !(g->data = mem_alloc((size_t)f->size))) status = error_memory(err);
  if (!status) status = file_get(f, 0, g->data, g->size = (size_t)f->size, err);
  file_close(f);
  if (!status) status = head(g, err);
  if (!status) status = walk(g, s, err);
  if (status) return status; /* video_close frees what is there */
  const size_t pixels = (size_t)g->rows * (size_t)g->columns;
  g->canvas = mem_zero(pixels, 3);
  g->before = mem_zero(pixels, 3);
  g->indices = mem_alloc(pixels);
  return g->canvas && g->before && g->indices ? UNROLL_OK : error_memory(err);
}
