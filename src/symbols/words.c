/* words.c - see words.h. Fixed ranges say which characters are no letters. So a text has the same words whatever the locale and
 * the C library. */
#include "symbols/words.h"

typedef struct range {
  uint32_t first, last;
} range;

/* From U+0080 on: punctuation, symbols, pictures. All the rest is letters, marks and digits. */
static const range signs[] = {
    {0x0080, 0x00A9}, {0x00AB, 0x00B1},   {0x00B4, 0x00B4},    {0x00B6, 0x00B8}, {0x00BB, 0x00BF}, {0x00D7, 0x00D7},
    {0x00F7, 0x00F7}, {0x037E, 0x037E},   {0x0387, 0x0387},    {0x055A, 0x055F}, {0x0589, 0x058A}, {0x05BE, 0x05BE},
    {0x05C0, 0x05C0}, {0x05C3, 0x05C3},   {0x05F3, 0x05F4},    {0x0609, 0x060D}, {0x061B, 0x061F}, {0x066A, 0x066D},
    {0x06D4, 0x06D4}, {0x0964, 0x0965},   {0x0970, 0x0970},    {0x0E3F, 0x0E3F}, {0x0E4F, 0x0E4F}, {0x0E5A, 0x0E5B},
    {0x1360, 0x1368}, {0x2000, 0x200B},   {0x200E, 0x203E},    {0x2041, 0x2053}, {0x2055, 0x206F}, {0x207A, 0x207E},
    {0x208A, 0x208E}, {0x20A0, 0x20CF},   {0x2190, 0x2BFF},    {0x2E00, 0x2E7F}, {0x3000, 0x3004}, {0x3008, 0x3020},
    {0x3030, 0x3030}, {0x303D, 0x303F},   {0x30FB, 0x30FB},    {0xD800, 0xF8FF}, {0xFD3E, 0xFD3F}, {0xFE10, 0xFE19},
    {0xFE30, 0xFE6F}, {0xFEFF, 0xFEFF},   {0xFF01, 0xFF0F},    {0xFF1A, 0xFF20}, {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65},
    {0xFFE0, 0xFFFF}, {0x1F000, 0x1FAFF}, {0xE0000, 0x10FFFF},
};
enum { N_SIGNS = sizeof signs / sizeof *signs };

static bool is_digit(uint32_t c) { return c >= '0' && c <= '9'; }
static bool is_han(uint32_t c) {
  return (c >= 0x3400 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF);
}

bool word_space(uint32_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
         c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

/* A character of a word; digits are. */
static bool is_letter(uint32_t c) {
  if (c < 0x80) return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  if (is_han(c)) return false;
  int low = 0, high = N_SIGNS;
  while (low < high) {
    const int middle = low + (high - low) / 2;
    if (signs[middle].last < c)
      low = middle + 1;
    else
      high = middle;
  }
  return low == N_SIGNS || c < signs[low].first;
}

/* The character at i and its bytes; 0 behind the end. */
static uint32_t look(const char *s, size_t size, size_t i, size_t *bytes) {
  uint32_t c = 0;
  *bytes = 0;
  if (i >= size) return 0;
  const int n = utf8_decode(s + i, size - i, &c);
  *bytes = n ? (size_t)n : 1;
  return n ? c : 0xFFFD;
}

static bool joins(uint32_t before, uint32_t c, uint32_t after) {
  if (!is_letter(before) || !is_letter(after)) return false;
  if (is_digit(before) && is_digit(after) && (c == '.' || c == ',' || c == ':')) return true;
  return c == '\'' || c == 0x2019 || c == '-';
}

bool word_letter(uint32_t c) { return is_letter(c) || is_han(c); }

static size_t word_end(const char *s, size_t size, size_t i) {
  uint32_t before = 0;
  for (;;) {
    size_t n, m;
    const uint32_t c = look(s, size, i, &n), after = look(s, size, i + n, &m);
    if (n && is_letter(c)) {
      before = c;
      i += n;
    } else if (n && m && joins(before, c, after)) {
      before = after;
      i += n + m;
    } else
      return i;
  }
}

/* The end of <word>, or 0. */
static size_t marked_end(const char *s, size_t size, size_t i) {
  size_t n, begin = ++i;
  for (uint32_t c; (c = look(s, size, i, &n)), n && is_letter(c);) i += n;
  return i > begin && i < size && s[i] == '>' ? i + 1 : 0;
}

const char *word_next(const char *s, size_t size, size_t *at, size_t *length) {
  size_t i = *at, n, end;
  uint32_t c;
  while ((c = look(s, size, i, &n)), n && word_space(c)) i += n;
  *at = i;
  if (!n) return NULL;
  end = i + n;
  if (is_letter(c))
    end = word_end(s, size, i);
  else if (c == '<' && marked_end(s, size, i))
    end = marked_end(s, size, i);
  else if (c == '.' || c == '-')
    while (end < size && s[end] == (char)c) end++;
  *at = end;
  *length = end - i;
  return s + i;
}

int words_signs(uint32_t out[WORD_RANGES][3]) {
  _Static_assert((int)N_SIGNS <= (int)WORD_RANGES, "room for all");
  for (int i = 0; i < N_SIGNS; i++) out[i][0] = signs[i].first, out[i][1] = signs[i].last, out[i][2] = 0;
  return N_SIGNS;
}
