/* error.c - fills unroll_error.
 *
 * What a message quotes (names, lines of a file) comes from untrusted files and ends on a terminal. So everything that is
 * copied here is made harmless. Bytes that are not UTF-8 and control characters become '?', tabs and newlines a space. A text
 * that is too long is cut between two characters. Arguments may point into *err itself: an error can be wrapped. */
#include "base/error.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Copies at most n bytes of s, cleaned, into out[size]. One character stays one character, so columns stay true. */
static void clean(char *out, size_t size, const char *s, size_t n) {
  size_t used = 0;
  for (size_t i = 0; i < n;) {
    uint32_t code = 0;
    int length = utf8_decode(s + i, n - i, &code);
    if (length == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0)) {
      if (used + 1 >= size) break;
      out[used++] = length == 1 && (code == '\t' || code == '\n' || code == '\r') ? ' ' : '?';
      i += length == 0 ? 1 : (size_t)length;
    } else {
      if (used + (size_t)length >= size) break;
      memcpy(out + used, s + i, (size_t)length);
      used += (size_t)length;
      i += (size_t)length;
    }
  }
  out[used] = 0;
}

/* The given line (from 1) of whole, without its newline, into out. */
static void copy_line(char *out, size_t size, const char *whole, int line) {
  out[0] = 0;
  if (!whole || line < 1) return;
  for (int i = 1; i < line; i++) {
    const char *end = strchr(whole, '\n');
    if (!end) return;
    whole = end + 1;
  }
  size_t n = strcspn(whole, "\n");
  if (n > 0 && whole[n - 1] == '\r') n--;
  clean(out, size, whole, n);
}

static void fill(unroll_error *err, unroll_status code, const char *file, const char *whole, int line, int column,
                 const char *format, va_list list) {
  char message[sizeof err->message];
  int n = vsnprintf(message, sizeof message, format, list);
  if (n < 0) message[0] = 0;
  unroll_error e = {.code = code, .line = line, .column = column};
  size_t length = strlen(message);
  if (n >= (int)sizeof message) { /* cut: drop a character of which only the first bytes are there */
    size_t valid = utf8_valid(message, length);
    if (length - valid < 4) length = valid;
  }
  clean(e.message, sizeof e.message, message, length);
  if (file) {
    size_t all = strlen(file), keep = sizeof e.file - 4;
    if (all < sizeof e.file)
      clean(e.file, sizeof e.file, file, all);
    else { /* the end of a long path says more than its beginning */
      memcpy(e.file, "...", 3);
      clean(e.file + 3, sizeof e.file - 3, file + all - keep, keep);
    }
  }
  copy_line(e.source, sizeof e.source, whole, line);
  *err = e;
}

unroll_status error_set(unroll_error *err, unroll_status code, const char *format, ...) {
  if (!err) return code;
  va_list list;
  va_start(list, format);
  fill(err, code, NULL, NULL, 0, 0, format, list);
  va_end(list);
  return code;
}

unroll_status error_at(unroll_error *err, unroll_status code, const char *file, const char *whole, int line, int column,
                       const char *format, ...) {
  if (!err) return code;
  va_list list;
  va_start(list, format);
  fill(err, code, file, whole, line, column, format, list);
  va_end(list);
  return code;
}

unroll_status error_memory(unroll_error *err) { return error_set(err, UNROLL_FAILED, "out of memory"); }
