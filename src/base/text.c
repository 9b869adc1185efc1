/* text.c - UTF-8, growing texts, the nearest name, and numbers that no locale changes. */
#include "base/text.h"
#include "base/memory.h"
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int utf8_decode(const char *s, size_t n, uint32_t *code) {
  static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
  if (n == 0) return 0;
  unsigned char first = (unsigned char)s[0];
  int length = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 0;
  if (length == 0 || (size_t)length > n) return 0;
  uint32_t c = length == 1 ? first : first & (0x7fu >> length);
  for (int i = 1; i < length; i++) {
    unsigned char next = (unsigned char)s[i];
    if ((next & 0xc0) != 0x80) return 0;
    c = c << 6 | (next & 0x3f);
  }
  if (c < least[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) return 0;
  *code = c;
  return length;
}

int utf8_encode(uint32_t code, char out[4]) {
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return 0;
  if (code < 0x80) {
    out[0] = (char)code;
    return 1;
  }
  int length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (int i = length - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
  out[0] = (char)((0xf00u >> length & 0xff) | code);
  return length;
}

size_t utf8_valid(const char *s, size_t n) {
  size_t i = 0;
  uint32_t code;
  while (i < n) {
    if ((unsigned char)s[i] < 0x80) {
      i++;
      continue;
    }
    int length = utf8_decode(s + i, n - i, &code);
    if (length == 0) return i;
    i += (size_t)length;
  }
  return n;
}

bool text_room(text *t, size_t n) {
  size_t need;
  if (t->failed) return false;
  if (__builtin_add_overflow(t->length, n, &need) || __builtin_add_overflow(need, (size_t)1, &need)) return t->failed = 1, false;
  if (need <= t->capacity) return true;
  size_t capacity = t->capacity + t->capacity / 2;
  if (capacity < need) capacity = need;
  if (capacity < 32) capacity = 32;
  char *data = mem_resize(t->data, capacity);
  if (!data) return t->failed = 1, false;
  t->data = data;
  t->capacity = capacity;
  return true;
}

void text_add(text *t, const char *s, size_t n) {
  if (!text_room(t, n)) return;
  if (n) memcpy(t->data + t->length, s, n);
  t->length += n;
  t->data[t->length] = 0;
}

void text_format(text *t, const char *format, ...) {
  va_list list;
  va_start(list, format);
  int n = vsnprintf(NULL, 0, format, list);
  va_end(list);
  if (n < 0) t->failed = 1;
  if (n < 0 || !text_room(t, (size_t)n)) return;
  va_start(list, format);
  vsnprintf(t->data + t->length, (size_t)n + 1, format, list);
  va_end(list);
  t->length += (size_t)n;
}

void text_add_number(text *t, double x) {
  int digits = 7;
  for (double from = 1e5; digits < 15 && fabs(x) >= from; from *= 10) digits++;
  text_add_digits(t, x, digits);
}

void text_free(text *t) {
  mem_free(t->data);
  *t = (text){0};
}

void text_add_quoted(text *t, const char *s, size_t n) {
  text_add(t, "\"", 1);
  for (size_t i = 0, from = 0; i <= n; i++) {
    if (i < n && s[i] != '"') continue;
    text_add(t, s + from, i - from);
    if (i < n) text_add(t, "\"\"", 2);
    from = i + 1;
  }
  text_add(t, "\"", 1);
}

void text_add_field(text *t, const char *s, size_t n) {
  bool plain = true;
  for (size_t i = 0; i < n && plain; i++) plain = s[i] != ',' && s[i] != '"' && s[i] != '\r' && s[i] != '\n';
  if (plain)
    text_add(t, s, n);
  else
    text_add_quoted(t, s, n);
}

bool text_ends(const char *s, const char *end) {
  const size_t n = strlen(s), m = strlen(end);
  return n >= m && !strcmp(s + n - m, end);
}

/* Longer names get no suggestion: the distance's rows live on the stack. */
enum { WORD = 128 };

static int least(int a, int b) { return a < b ? a : b; }

/* Edit distance of a[n] and b[m] with insertion, deletion, substitution and swap of neighbours (Damerau 1964, the restricted
 * form). d(i,j) is the distance of the first i letters of a and the first j of b; three rows are enough. */
static int distance(const char *a, size_t n, const char *b, size_t m) {
  int rows[3][WORD + 1];
  int *before = rows[0], *last = rows[1], *now = rows[2];
  for (size_t j = 0; j <= m; j++) last[j] = (int)j;
  for (size_t i = 1; i <= n; i++) {
    now[0] = (int)i;
    for (size_t j = 1; j <= m; j++) {
      int d = last[j - 1] + (a[i - 1] != b[j - 1]);
      d = least(d, 1 + least(last[j], now[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) d = least(d, before[j - 2] + 1);
      now[j] = d;
    }
    int *reuse = before;
    before = last, last = now, now = reuse;
  }
  return last[m];
}

/* The first of the nearest. Nothing in common, as with 'h' and 'x', is not near. */
const char *text_nearest(const char *word, const char *const *candidates, size_t n) {
  size_t length = strlen(word);
  if (length == 0 || length > WORD) return NULL;
  int best = (int)(length / 3 > 1 ? length / 3 : 1) + 1;
  const char *found = NULL;
  for (size_t i = 0; i < n; i++) {
    size_t other = strlen(candidates[i]);
    if (other > WORD || other + (size_t)best <= length || length + (size_t)best <= other) continue;
    int d = distance(word, length, candidates[i], other);
    if (d < best && (size_t)d < (length > other ? length : other)) best = d, found = candidates[i];
  }
  return found;
}

static size_t digits(const char *s, size_t n, size_t i) {
  while (i < n && s[i] >= '0' && s[i] <= '9') i++;
  return i;
}

/* number = [+-] (digits [. [digits]] | . digits) [(e|E) [+-] digits]. No hexadecimal, no infinity, no "nan". A value too large
 * for a double is refused, as is a text longer than any way to print one. */
int text_number(const char *s, size_t n, double *value) {
  char copy[512];
  if (n >= sizeof copy) return 1;
  size_t i = n > 0 && (s[0] == '+' || s[0] == '-'), start = i;
  i = digits(s, n, i);
  size_t seen = i - start;
  if (i < n && s[i] == '.') {
    start = ++i;
    i = digits(s, n, i);
    seen += i - start;
  }
  if (seen == 0) return 1;
  if (i < n && (s[i] == 'e' || s[i] == 'E')) {
    i++;
    if (i < n && (s[i] == '+' || s[i] == '-')) i++;
    start = i;
    i = digits(s, n, i);
    if (i == start) return 1;
  }
  if (i != n) return 1;
  memcpy(copy, s, n);
  copy[n] = 0;
  locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (!plain) return 1;
  double x = strtod_l(copy, NULL, plain);
  freelocale(plain);
  if (!isfinite(x)) return 1;
  *value = x;
  return 0;
}

const char *text_count(int64_t n, char out[32]) {
  char digits[24];
  const int length = snprintf(digits, sizeof digits, "%" PRId64, n < 0 ? 0 : n);
  char *p = out;
  for (int i = 0; i < length; i++) {
    if (i && (length - i) % 3 == 0) *p++ = ',';
    *p++ = digits[i];
  }
  *p = 0;
  return out;
}

const char *text_rate(double x, char out[32]) {
  const char *unit = x >= 1e9 ? "G" : x >= 1e6 ? "M" : x >= 1e3 ? "k" : "";
  const double scaled = x >= 1e9 ? x / 1e9 : x >= 1e6 ? x / 1e6 : x >= 1e3 ? x / 1e3 : x;
  if (!(x >= 0 && x < 1e15)) return strcpy(out, "?");
  snprintf(out, 32, scaled < 10 ? "%.2f%s" : scaled < 100 ? "%.1f%s" : "%.0f%s", scaled, unit);
  return out;
}
