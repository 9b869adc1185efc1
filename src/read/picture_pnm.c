/* picture_pnm.c - PGM and PPM, plain (P2, P3) and binary (P5, P6), strictly: one picture, nothing missing, nothing behind it. */
#include "base/error.h"
#include "base/memory.h"
#include "read/picture.h"

typedef struct scanner {
  const unsigned char *data;
  size_t size, at;
} scanner;

static bool white(unsigned char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* White space, and comments from # to the end of the line. */
static void skip(scanner *s) {
  while (s->at < s->size && (white(s->data[s->at]) || s->data[s->at] == '#')) {
    if (s->data[s->at] == '#')
      while (s->at < s->size && s->data[s->at] != '\n' && s->data[s->at] != '\r') s->at++;
    else
      s->at++;
  }
}

/* A number up to `most`; -1: there is none. */
static int number(scanner *s, int most) {
  int x = -1;
  skip(s);
  for (; s->at < s->size && s->data[s->at] >= '0' && s->data[s->at] <= '9'; s->at++) {
    x = (x < 0 ? 0 : x) * 10 + (s->data[s->at] - '0');
    if (x > most) return -1;
  }
  return x;
}

static unroll_status plain(picture *p, scanner *s, size_t count, unroll_error *err) {
  for (size_t i = 0; i < count; i++) {
    const int x = number(s, p->most);
    if (x < 0) {
      return s->at == s->size ? error_set(err, UNROLL_BAD_INPUT, "the picture is cut off: %zu of %zu numbers", i, count)
                              : error_set(err, UNROLL_BAD_INPUT, "number %zu of the picture is none from 0 to %d", i + 1, p->most);
    }
    p->pixels[i] = (uint16_t)x;
  }
  skip(s);
  return s->at == s->size ? UNROLL_OK : error_set(err, UNROLL_BAD_INPUT, "something follows the picture");
}

static unroll_status binary(picture *p, const scanner *s, size_t count, unroll_error *err) {
  const size_t bytes = p->most > 255 ? 2 : 1, left = s->size - s->at;
  if (left < count * bytes)
    return error_set(err, UNROLL_BAD_INPUT, "the picture is cut off: %zu of %zu bytes", left, count * bytes);
  if (left > count * bytes) return error_set(err, UNROLL_BAD_INPUT, "something follows the picture");
  const unsigned char *from = s->data + s->at;
  for (size_t i = 0; i < count; i++, from += bytes) {
    const int x = bytes == 2 ? from[0] << 8 | from[1] : from[0];
    if (x > p->most) return error_set(err, UNROLL_BAD_INPUT, "number %zu of the picture is above %d", i + 1, p->most);
    p->pixels[i] = (uint16_t)x;
  }
  return UNROLL_OK;
}

unroll_status picture_pnm(picture *p, const unsigned char *data, size_t size, unroll_error *err) {
  scanner s = {data, size, 2};
  const char kind = (char)data[1];
  if (kind != '2' && kind != '3' && kind != '5' && kind != '6')
    return error_set(err, UNROLL_BAD_INPUT, "of the PNM files PGM and PPM are read (P2, P3, P5, P6), not P%c", kind);
  const int channels = kind == '3' || kind == '6' ? 3 : 1, columns = number(&s, INT32_MAX / 100),
            rows = number(&s, INT32_MAX / 100);
  const int most = number(&s, 65535);
  if (columns < 0 || rows < 0 || most < 1) return error_set(err, UNROLL_BAD_INPUT, "the head of a PGM or PPM file is wrong");
  if (s.at == size || !white(data[s.at])) return error_set(err, UNROLL_BAD_INPUT, "the head of a PGM or PPM file is cut off");
  s.at++;
  /* a plain number takes two bytes, but for the last: no room is made for what cannot be there */
  if ((int64_t)rows * columns > (int64_t)size) return error_set(err, UNROLL_BAD_INPUT, "the picture is cut off");
  const unroll_status status = picture_room(p, rows, columns, channels, most, err);
  if (status) return status;
  const size_t count = (size_t)rows * (size_t)columns * (size_t)channels;
  return kind == '2' || kind == '3' ? plain(p, &s, count, err) : binary(p, &s, count, err);
}
