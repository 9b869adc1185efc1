/* output.c - see output.h. */
#include "cli/output.h"
#include "cli/terminal.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/file.h"

unroll_status output_put(const char *path, const void *data, size_t size, unroll_error *err) {
  if (path && strcmp(path, "-") != 0) return file_write(path, data, size, err);
  fwrite(data, 1, size, stdout);
  return UNROLL_OK;
}

/* --- texts --- */

void output_line(const text *line) {
  if (line->length) fwrite(line->data, 1, line->length, stdout);
  putchar('\n');
}

void output_visible(text *out, const char *s, size_t size) {
  for (size_t i = 0; i < size;) {
    uint32_t code;
    const int length = utf8_decode(s + i, size - i, &code);
    if (!length)
      text_format(out, "\\x%02x", (unsigned char)s[i]);
    else if (code == '\n' || code == '\t' || code == '\\')
      text_format(out, "\\%c", code == '\n' ? 'n' : code == '\t' ? 't' : '\\');
    else if (code < 0x20 || (code >= 0x7f && code < 0xa0))
      text_format(out, "\\x%02x", code);
    else
      text_add(out, s + i, (size_t)length);
    i += length ? (size_t)length : 1;
  }
}

json_t *output_json_text(const char *s, size_t n) {
  text out = {0};
  for (size_t i = 0; i < n;) {
    uint32_t code;
    const int length = utf8_decode(s + i, n - i, &code);
    if (length)
      text_add(&out, s + i, (size_t)length);
    else
      text_format(&out, "\\x%02x", (unsigned char)s[i]);
    i += length ? (size_t)length : 1;
  }
  json_t *j = out.failed ? NULL : json_stringn(out.data ? out.data : "", out.length);
  text_free(&out);
  return j;
}

const char *output_probability(double nats, char out[32]) {
  const double tens = nats / log(10);
  if (!isfinite(tens)) return strcpy(out, nats < 0 ? "0" : "?");
  if (tens > -4) {
    snprintf(out, 32, "%.3g", exp(nats));
    return out;
  }
  double exponent = floor(tens), digits = pow(10, tens - exponent);
  if (digits >= 9.95) { /* would print as 10.0 */
    digits = 1;
    exponent++;
  }
  snprintf(out, 32, "%.1fe%03.0f", digits, exponent);
  return out;
}
