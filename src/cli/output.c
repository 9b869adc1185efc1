/* output.c - see output.h. */
#include "cli/output.h"
#include "cli/terminal.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- texts --- */

void output_values(text *out, const vocabulary *v, const int32_t *symbols, int64_t n, int64_t most) {
  text all = {0};
  const int64_t shown = n < most ? n : most;
  if (v->unit != UNIT_LABELS)
    vocabulary_add_texts(v, symbols, shown, &all);
  else
    for (int64_t i = 0; i < shown; i++) {
      if (i > 0) text_add(&all, " ", 1);
      vocabulary_add_text(v, symbols[i], &all);
    }
  out->failed |= all.failed;
  for (size_t i = 0; i < all.length; i++) {
    if (all.data[i] == '\n')
      text_add(out, "\\n", 2);
    else
      text_add(out, all.data + i, 1);
  }
  if (n > most) text_add(out, "...", 3);
  text_free(&all);
}

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

void output_symbol(text *out, const vocabulary *v, int32_t symbol) {
  text t = {0};
  if (v->unit == UNIT_BPE && *lexicon_text(&v->words, symbol, NULL) == ' ')
    text_add(out, "\xe2\x96\x81", 3); /* the mark of a beginning */
  if (v->unit == UNIT_BPE)
    vocabulary_add_texts(v, &symbol, 1, &t);
  else
    vocabulary_add_text(v, symbol, &t);
  out->failed |= t.failed;
  output_visible(out, t.data, t.length);
  text_free(&t);
}

json_t *output_json_values(const vocabulary *v, const int32_t *symbols, int64_t n, bool list) {
  json_t *all = list ? json_array() : NULL;
  for (int64_t i = 0; i < n && list; i++) {
    size_t size;
    const char *s = lexicon_text(&v->words, symbols[i], &size);
    json_array_append_new(all, output_json_text(s, size));
  }
  if (list) return all;
  text t = {0};
  vocabulary_add_texts(v, symbols, n, &t);
  json_t *j = t.failed ? NULL : output_json_text(t.data ? t.data : "", t.length);
  text_free(&t);
  return j;
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

const char *output_count(int64_t n, char out[32]) {
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

const char *output_rate(double x, char out[32]) {
  const char *unit = x >= 1e9 ? "G" : x >= 1e6 ? "M" : x >= 1e3 ? "k" : "";
  const double scaled = x >= 1e9 ? x / 1e9 : x >= 1e6 ? x / 1e6 : x >= 1e3 ? x / 1e3 : x;
  if (!(x >= 0 && x < 1e15)) return strcpy(out, "?");
  snprintf(out, 32, scaled < 10 ? "%.2f%s" : scaled < 100 ? "%.1f%s" : "%.0f%s", scaled, unit);
  return out;
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

void output_rounding(enum precision p, double loss, double exact, const char *unit) {
  printf("in single precision: %.4f %s; %s costs %+.4f", exact, unit, precision_name(p), loss - exact);
  if (exact > 0) printf(" (%+.2f %%)", 100 * (loss - exact) / exact);
  printf("\n");
}

void output_rounding_json(json_t *out, enum precision p, double loss, double exact) {
  json_object_set_new(out, "precision", json_string(precision_name(p)));
  json_object_set_new(out, "loss_fp32", json_number(exact));
  json_object_set_new(out, "loss_of_rounding", json_number(loss - exact));
}
