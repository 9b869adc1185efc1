/* html.c - see html.h. */
#include "report/html.h"
#include <ctype.h>
#include <math.h>
#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void html_add(text *out, const char *markup) { text_add(out, markup, strlen(markup)); }

/* Takes a character; *n bytes of it. NULL: not one that may stand in a text. */
static const char *entity(uint32_t code) {
  switch (code) {
  case '<':
    return "&lt;";
  case '>':
    return "&gt;";
  case '&':
    return "&amp;";
  case '"':
    return "&quot;";
  case '\'':
    return "&#39;";
  default:
    return (code < 32 && code != '\n' && code != '\t') || (code >= 0x7f && code < 0xa0) || (code & 0xfffe) == 0xfffe
               ? "\xef\xbf\xbd"
               : NULL;
  }
}

static size_t add_character(text *out, const char *s, size_t n) {
  uint32_t code;
  const int length = utf8_decode(s, n, &code);
  const char *instead = length ? entity(code) : "\xef\xbf\xbd";
  if (instead)
    html_add(out, instead);
  else
    text_add(out, s, (size_t)length);
  return length ? (size_t)length : 1;
}

void html_text(text *out, const char *s, size_t n) {
  for (size_t at = 0; at < n;) at += add_character(out, s + at, n - at);
}

void html_string(text *out, const char *s) { html_text(out, s, strlen(s)); }

void html_short(text *out, const char *s, size_t n, size_t most) {
  size_t at = 0;
  for (size_t k = 0; at < n && k < most; k++) at += add_character(out, s + at, n - at);
  if (at < n) html_add(out, "…");
}

void html_symbol(text *out, const char *s, size_t n) {
  if (!n) html_add(out, "∅");
  for (size_t at = 0; at < n;) {
    const char *shown = s[at] == '\n' ? "↵" : s[at] == '\t' ? "⇥" : s[at] == '\r' ? "␍" : s[at] == ' ' ? "␣" : NULL;
    if (shown) {
      html_add(out, shown);
      at++;
    } else {
      at += add_character(out, s + at, n - at);
    }
  }
}

void html_id(text *out, const char *name) {
  for (const char *s = name; *s; s++) {
    if (isalnum((unsigned char)*s) || *s == '-' || *s == '.')
      text_add(out, s, 1);
    else
      text_format(out, "_%02X", (unsigned char)*s);
  }
}

void html_number(text *out, double x) {
  if (!isfinite(x))
    html_add(out, isnan(x) ? "–" : x > 0 ? "∞" : "−∞");
  else if (x == floor(x) && fabs(x) < 1e7)
    text_format(out, "%.0f", x);
  else
    text_format(out, "%.4g", x);
}

void html_json(text *out, const char *s, size_t n) {
  text_add(out, "\"", 1);
  for (size_t at = 0; at < n;) {
    uint32_t code;
    const int length = utf8_decode(s + at, n - at, &code);
    if (!length)
      html_add(out, "\xef\xbf\xbd");
    else if (code < 32 || code == '"' || code == '\\' || code == '<' || code == '>' || code == '&' || code == 0x7f ||
             code == 0x2028 || code == 0x2029)
      text_format(out, "\\u%04x", (unsigned)code);
    else
      text_add(out, s + at, (size_t)length);
    at += length ? (size_t)length : 1;
  }
  text_add(out, "\"", 1);
}

void html_base64(text *out, const void *bytes, size_t n) {
  const unsigned char *s = bytes;
  char group[4];
  for (size_t i = 0; i < n; i += 3) {
    const unsigned left = (unsigned)(n - i > 2 ? 3 : n - i);
    const unsigned bits = (unsigned)s[i] << 16 | (left > 1 ? (unsigned)s[i + 1] << 8 : 0u) | (left > 2 ? s[i + 2] : 0u);
    for (unsigned k = 0; k < 4; k++) group[k] = k <= left ? letters[bits >> (18 - 6 * k) & 63] : '=';
    text_add(out, group, 4);
  }
}

char html_level(int level) { return letters[level < 0 ? 0 : level > 63 ? 63 : level]; }
