/* lower.c - small letters for capitals: fixed tables, so that a text has the same words whatever the locale and the C library.
 * Latin, Greek, Cyrillic, Armenian; one character for one. */
#include "base/text.h"
#include "symbols/words.h"

/* A run of capitals whose small letters are `by` further on ... */
static const struct run {
  uint32_t first, last, by;
} runs[] = {
    {'A', 'Z', 32},       {0x00C0, 0x00D6, 32}, {0x00D8, 0x00DE, 32}, {0x0386, 0x0386, 38}, {0x0388, 0x038A, 37},
    {0x038C, 0x038C, 64}, {0x038E, 0x038F, 63}, {0x0391, 0x03A1, 32}, {0x03A3, 0x03AB, 32}, {0x0400, 0x040F, 80},
    {0x0410, 0x042F, 32}, {0x0531, 0x0556, 48}, {0xFF21, 0xFF3A, 32},
};
/* ... and runs where they follow, the capitals being as the first one, even or odd. */
static const struct run pairs[] = {
    {0x0100, 0x012E, 1}, {0x0132, 0x0136, 1}, {0x0139, 0x0147, 1}, {0x014A, 0x0176, 1}, {0x0179, 0x017D, 1},
    {0x01CD, 0x01DB, 1}, {0x01DE, 0x01EE, 1}, {0x01F8, 0x021E, 1}, {0x0222, 0x0232, 1}, {0x0460, 0x0480, 1},
    {0x048A, 0x04BE, 1}, {0x04C1, 0x04CD, 1}, {0x04D0, 0x052E, 1}, {0x1E00, 0x1E94, 1}, {0x1EA0, 0x1EFE, 1},
};
enum { N_RUNS = sizeof runs / sizeof *runs, N_PAIRS = sizeof pairs / sizeof *pairs };

static uint32_t lower(uint32_t c) {
  for (int i = 0; i < N_RUNS; i++)
    if (c >= runs[i].first && c <= runs[i].last) return c + runs[i].by;
  for (int i = 0; i < N_PAIRS; i++)
    if (c >= pairs[i].first && c <= pairs[i].last && (c - pairs[i].first) % 2 == 0) return c + 1;
  return c == 0x0130 ? 'i' : c == 0x0178 ? 0xFF : c == 0x1E9E ? 0xDF : c;
}

void words_lower(const char *s, size_t size, text *out) {
  out->length = 0;
  for (size_t i = 0; i < size;) {
    uint32_t code;
    char small[4];
    const int n = utf8_decode(s + i, size - i, &code);
    text_add(out, small, (size_t)utf8_encode(lower(n ? code : 0xFFFD), small));
    i += n ? (size_t)n : 1;
  }
}

/* The byte where the last n letters begin. */
static size_t last_letters(const char *s, size_t size, int n) {
  size_t i = size;
  while (n-- > 0 && i > 0) do
      i--;
    while (i > 0 && (s[i] & 0xc0) == 0x80);
  return i;
}

static size_t first_letters(const char *s, size_t size, int n) {
  size_t i = 0;
  while (n-- > 0 && i < size) do
      i++;
    while (i < size && (s[i] & 0xc0) == 0x80);
  return i;
}

static void add_shape(const char *s, size_t size, text *out) {
  uint32_t last = 0;
  for (size_t i = 0; i < size;) {
    uint32_t c;
    char sign[4];
    const int n = utf8_decode(s + i, size - i, &c);
    c = !n ? 0xFFFD : c >= '0' && c <= '9' ? 'd' : lower(c) != c ? 'X' : word_letter(c) ? 'x' : c;
    if (c != last) text_add(out, sign, (size_t)utf8_encode(c, sign));
    last = c;
    i += n ? (size_t)n : 1;
  }
}

void words_part(const data_form *f, const char *s, size_t size, text *out) {
  out->length = 0;
  if (f->part == PART_SHAPE) {
    add_shape(s, size, out);
    return;
  }
  const size_t from = f->part == PART_SUFFIX ? last_letters(s, size, f->letters) : 0;
  const size_t to = f->part == PART_PREFIX ? first_letters(s, size, f->letters) : size;
  words_lower(s + from, to - from, out);
}

int words_ranges(enum words_table which, uint32_t out[WORD_RANGES][3]) {
  const struct run *from = which == WORDS_RUNS ? runs : pairs;
  const int n = which == WORDS_RUNS ? N_RUNS : N_PAIRS;
  _Static_assert((int)N_RUNS <= (int)WORD_RANGES && (int)N_PAIRS <= (int)WORD_RANGES, "room for all");
  if (which == WORDS_SIGNS) return words_signs(out);
  for (int i = 0; i < n; i++) out[i][0] = from[i].first, out[i][1] = from[i].last, out[i][2] = from[i].by;
  return n;
}
