/* picture.c - which reader a picture needs, IDX and blocks of bytes, and pictures as numbers of a wanted shape. */
#include "read/picture.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "base/known.h"
#include "base/memory.h"

void picture_free(picture *p) {
  mem_free(p->pixels);
  *p = (picture){0};
}

unroll_status picture_room(picture *p, int64_t rows, int64_t columns, int channels, int most, unroll_error *err) {
  if (rows < 1 || columns < 1) return error_set(err, UNROLL_BAD_INPUT, "a picture without pixels");
  if (rows > PICTURE_MAX_SIDE || columns > PICTURE_MAX_SIDE || rows * columns > PICTURE_MAX_PIXELS / channels)
    return error_set(err, UNROLL_BAD_INPUT, "a picture of %" PRId64 " x %" PRId64 " pixels is too large", rows, columns);
  *p = (picture){.rows = (int)rows, .columns = (int)columns, .channels = channels, .most = most};
  p->pixels = mem_zero((size_t)(rows * columns) * (size_t)channels, sizeof *p->pixels);
  return p->pixels ? UNROLL_OK : error_memory(err);
}

/* --- many pictures in a file --- */

static unroll_status bytes_at(picture *p, const unsigned char *data, size_t size, size_t first, int64_t number,
                              const picture_shape *s, unroll_error *err) {
  const size_t each = (size_t)s->rows * (size_t)s->columns * (size_t)s->channels;
  const unroll_status status = picture_room(p, s->rows, s->columns, s->channels, 255, err);
  if (status) return status;
  const int64_t count = (int64_t)((size - first) / each);
  if (number < 0 || number >= count)
    return error_set(err, UNROLL_BAD_INPUT, "there is no picture %" PRId64 ": the file has %" PRId64 " (0 is the first)", number,
                     count);
  for (size_t i = 0; i < each; i++) p->pixels[i] = data[first + (size_t)number * each + i];
  return UNROLL_OK;
}

static unroll_status which(const char *what, unroll_error *err) {
  return error_set(err, UNROLL_BAD_INPUT, "%s holds many pictures: say which one, as in FILE#0", what);
}

/* IDX: 0, 0, the type (8: bytes), the number of sizes, the sizes as 32 bits with the high byte first, the numbers. */
static unroll_status idx_at(picture *p, const unsigned char *data, size_t size, int64_t number, unroll_error *err) {
  const int n = data[3];
  uint32_t sizes[4] = {1, 1, 1, 1};
  if (data[2] != 8 || n < 3 || n > 4 || size < 4 + 4 * (size_t)n)
    return error_set(err, UNROLL_BAD_INPUT, "an IDX file of pictures has bytes in 3 or 4 dimensions");
  for (int i = 0; i < n; i++)
    for (int k = 0; k < 4; k++) sizes[i] = sizes[i] << 8 | data[4 + 4 * i + k];
  if (sizes[1] < 1 || sizes[2] < 1 || sizes[3] < 1 || sizes[1] > PICTURE_MAX_SIDE || sizes[2] > PICTURE_MAX_SIDE || sizes[3] > 4096)
    return error_set(err, UNROLL_BAD_INPUT, "the sizes in this IDX file are no picture's");
  const picture_shape s = {(int)sizes[3], (int)sizes[1], (int)sizes[2]};
  if ((uint64_t)sizes[0] * sizes[1] * sizes[2] * sizes[3] != size - 4 - 4 * (size_t)n)
    return error_set(err, UNROLL_BAD_INPUT, "this IDX file is longer or shorter than its sizes say");
  return number < 0 ? which("an IDX file", err) : bytes_at(p, data, size, 4 + 4 * (size_t)n, number, &s, err);
}

static unroll_status block_at(picture *p, const unsigned char *data, size_t size, int64_t number, const picture_shape *s,
                              unroll_error *err) {
  const size_t each = (size_t)s->rows * (size_t)s->columns * (size_t)s->channels;
  if (number < 0)
    return error_set(err, UNROLL_BAD_INPUT,
                     "this is no PGM, PPM, PNG or JPEG picture; of a file of bytes say which picture, as in FILE#0");
  if (size % each)
    return error_set(err, UNROLL_BAD_INPUT, "%zu bytes are not a number of pictures of %d x %d x %d bytes", size, s->rows,
                     s->columns, s->channels);
  return bytes_at(p, data, size, 0, number, s, err);
}

/* --- which reader --- */

static bool begins(const unsigned char *data, size_t size, const char *with, size_t n) {
  return size >= n && !memcmp(data, with, n);
}

unroll_status picture_decode(picture *p, const unsigned char *data, size_t size, int64_t number, const picture_shape *wanted,
                             unroll_error *err) {
  *p = (picture){0};
  if (!size) return error_set(err, UNROLL_BAD_INPUT, "the file is empty");
  if (begins(data, size, "\0\0", 2) && size >= 4 && data[2] == 8 && data[3] >= 3 && data[3] <= 4)
    return idx_at(p, data, size, number, err);
  if (number >= 0) return block_at(p, data, size, number, wanted, err);
  if (begins(data, size, "P", 1) && size > 1 && data[1] >= '1' && data[1] <= '7') return picture_pnm(p, data, size, err);
  if (begins(data, size, "\x89PNG", 4)) return picture_png(p, data, size, err);
  if (begins(data, size, "\xFF\xD8", 2)) return picture_jpeg(p, data, size, err);
  const known_file *k = known_find((const char *)data, size);
  if (k) return known_refuse(k, NULL, "a picture that can be read", KNOWN_TENSORS, err);
  return block_at(p, data, size, number, wanted, err);
}

/* --- numbers --- */

/* Channel c of a pixel, as it was or grey from colours or colours from grey. */
static double channel(const picture *p, int64_t pixel, int c, int wanted) {
  const uint16_t *x = p->pixels + pixel * p->channels;
  if (p->channels == wanted) return x[c];
  if (p->channels == 1) return x[0];
  return 0.299 * x[0] + 0.587 * x[1] + 0.114 * x[2];
}

/* Pixel `at` of `to` covers first .. of `from` pixels; the first and the last one in part. */
static void covered(int at, int from, int to, int *first, int *last, double *of_first, double *of_last) {
  const double low = (double)at * from / to, high = (double)(at + 1) * from / to;
  *first = (int)low;
  *last = (int)ceil(high) - 1;
  if (*last >= from) *last = from - 1;
  if (*last < *first) *last = *first;
  *of_first = (*first == *last ? high : *first + 1) - low;
  *of_last = *first == *last ? *of_first : high - *last;
}

static double mean_of(const picture *p, const picture_shape *to, int row, int column, int c) {
  int r0, r1, k0, k1;
  double top, bottom, left, right, sum = 0, area = 0;
  covered(row, p->rows, to->rows, &r0, &r1, &top, &bottom);
  covered(column, p->columns, to->columns, &k0, &k1, &left, &right);
  for (int r = r0; r <= r1; r++)
    for (int k = k0; k <= k1; k++) {
      const double part = (r == r0 ? top : r == r1 ? bottom : 1) * (k == k0 ? left : k == k1 ? right : 1);
      sum += part * channel(p, (int64_t)r * p->columns + k, c, to->channels);
      area += part;
    }
  return sum / area;
}

unroll_status picture_fit(float *out, const picture *p, const picture_shape *wanted, unroll_error *err) {
  const int from = p->channels, to = wanted->channels;
  if (from != to && !((from == 1 || from == 3) && (to == 1 || to == 3)))
    return error_set(err, UNROLL_BAD_INPUT, "the picture has %d channel%s, but %d are wanted", from, from == 1 ? "" : "s", to);
  const bool same = p->rows == wanted->rows && p->columns == wanted->columns;
  for (int r = 0; r < wanted->rows; r++)
    for (int k = 0; k < wanted->columns; k++)
      for (int c = 0; c < to; c++) {
        const double x = same ? channel(p, (int64_t)r * p->columns + k, c, to) : mean_of(p, wanted, r, k, c);
        *out++ = (float)(x / p->most);
      }
  return UNROLL_OK;
}
