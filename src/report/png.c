/* png.c - see png.h. The format: W3C PNG, with the stored blocks of RFC 1951. */
#include "report/png.h"
#include <math.h>
#include <string.h>
#include "base/memory.h"
#include "report/html.h"

enum { STORED = 65535, DARKEST = 215 };

static uint32_t crc_of(const uint8_t *s, size_t n) {
  static const uint32_t nibbles[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                       0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < n; i++) {
    crc = nibbles[(crc ^ s[i]) & 15] ^ crc >> 4;
    crc = nibbles[(crc ^ s[i] >> 4) & 15] ^ crc >> 4;
  }
  return ~crc;
}

static void put32(uint8_t *to, uint32_t x) {
  for (int i = 0; i < 4; i++) to[i] = (uint8_t)(x >> (24 - 8 * i));
}

static void chunk(text *file, const char *type, const uint8_t *data, size_t n) {
  uint8_t number[4];
  put32(number, (uint32_t)n);
  text_add(file, (const char *)number, 4);
  const size_t from = file->length;
  text_add(file, type, 4);
  text_add(file, (const char *)data, n);
  if (file->failed) return;
  put32(number, crc_of((const uint8_t *)file->data + from, n + 4));
  text_add(file, (const char *)number, 4);
}

/* zlib's frame around lines that each begin with filter 0. */
static void lines_chunk(text *file, const uint8_t *lines, size_t n) {
  uint8_t head[5] = {0x78, 0x01};
  uint32_t a = 1, b = 0;
  text packed = {0};
  text_add(&packed, (const char *)head, 2);
  for (size_t at = 0; at < n || !at; at += STORED) {
    const size_t size = n - at < STORED ? n - at : STORED;
    head[0] = at + size >= n;
    head[1] = (uint8_t)(size & 255);
    head[2] = (uint8_t)(size >> 8);
    head[3] = (uint8_t)~head[1];
    head[4] = (uint8_t)~head[2];
    text_add(&packed, (const char *)head, 5);
    text_add(&packed, (const char *)lines + at, size);
  }
  for (size_t i = 0; i < n; i++) {
    a = (a + lines[i]) % 65521;
    b = (b + a) % 65521;
  }
  put32(head, b << 16 | a);
  text_add(&packed, (const char *)head, 4);
  if (packed.failed)
    file->failed = 1;
  else
    chunk(file, "IDAT", (const uint8_t *)packed.data, packed.length);
  text_free(&packed);
}

static void begin(text *file, int rows, int columns, int depth, int type) {
  static const char magic[] = "\x89PNG\r\n\x1a\n";
  uint8_t head[13] = {0};
  put32(head, (uint32_t)columns);
  put32(head + 4, (uint32_t)rows);
  head[8] = (uint8_t)depth;
  head[9] = (uint8_t)type;
  text_add(file, magic, 8);
  chunk(file, "IHDR", head, sizeof head);
}

static void end(text *file, text *out) {
  chunk(file, "IEND", NULL, 0);
  html_add(out, "data:image/png;base64,");
  if (file->failed)
    out->failed = 1;
  else
    html_base64(out, file->data, file->length);
  text_free(file);
}

void png_picture(text *out, const uint8_t *pixels, int rows, int columns, int channels) {
  const size_t line = (size_t)columns * (size_t)channels;
  uint8_t *lines = mem_zero((size_t)rows, line + 1);
  text file = {0};
  begin(&file, rows, columns, 8, channels == 3 ? 2 : 0);
  for (int i = 0; i < rows && lines; i++) memcpy(lines + (size_t)i * (line + 1) + 1, pixels + (size_t)i * line, line);
  if (lines)
    lines_chunk(&file, lines, (size_t)rows * (line + 1));
  else
    file.failed = 1;
  mem_free(lines);
  end(&file, out);
}

/* A line of levels is half a byte each; each has a colour and says how opaque it is. */
static void png_levels(text *out, const uint8_t *levels, int rows, int columns, const uint8_t colours[16 * 3],
                       const uint8_t opaque[16]) {
  const size_t line = ((size_t)columns + 1) / 2;
  uint8_t *lines = mem_zero((size_t)rows, line + 1);
  text file = {0};
  begin(&file, rows, columns, 4, 3);
  chunk(&file, "PLTE", colours, 16 * 3);
  chunk(&file, "tRNS", opaque, 16);
  for (int i = 0; i < rows && lines; i++)
    for (int j = 0; j < columns; j++)
      lines[(size_t)i * (line + 1) + 1 + (size_t)j / 2] |=
          (uint8_t)((levels[(size_t)i * (size_t)columns + (size_t)j] & 15) << (j % 2 ? 0 : 4));
  if (lines)
    lines_chunk(&file, lines, (size_t)rows * (line + 1));
  else
    file.failed = 1;
  mem_free(lines);
  end(&file, out);
}

void png_heat(text *out, const uint8_t *levels, int rows, int columns) {
  uint8_t colours[16 * 3] = {0}, opaque[16] = {0};
  for (int i = 0; i < PNG_LEVELS; i++) {
    static const uint8_t cold[3] = {33, 102, 192}, warm[3] = {206, 60, 44};
    memcpy(colours + 3 * i, i < PNG_LEVELS / 2 ? cold : warm, 3);
    opaque[i] = (uint8_t)(255 * (i < PNG_LEVELS / 2 ? PNG_LEVELS / 2 - i : i - PNG_LEVELS / 2) / (PNG_LEVELS / 2));
  }
  png_levels(out, levels, rows, columns, colours, opaque);
}

void png_shade(text *out, const uint8_t *levels, int rows, int columns) {
  uint8_t colours[16 * 3], opaque[16] = {0};
  memset(colours, 16, sizeof colours);
  for (int i = 0; i < PNG_LEVELS; i++) {
    const int dark = DARKEST * (PNG_LEVELS - 1 - i) / (PNG_LEVELS / 2);
    opaque[i] = (uint8_t)(dark < DARKEST ? dark : DARKEST);
  }
  png_levels(out, levels, rows, columns, colours, opaque);
}

int png_level(double x, double most) {
  const int zero = PNG_LEVELS / 2;
  if (isnan(x) || !(most > 0)) return zero;
  return zero + (int)lround(fmax(-1, fmin(1, x / most)) * zero);
}
