/* form.c - see form.h. */
#include "serve/form.h"
#include <string.h>
#include <strings.h>

enum { MOST_BOUNDARY = 70, START = 4 };

bool form_begin(form *f, const char *type, const char *body, size_t size) {
  const char *at = strchr(type, ';');
  for (; at; at = strchr(at, ';')) {
    at += 1 + strspn(at + 1, " \t");
    if (!strncasecmp(at, "boundary=", 9)) break;
  }
  if (!at) return false;
  at += 9;
  const bool quoted = *at == '"';
  if (quoted) at++;
  const size_t n = strcspn(at, quoted ? "\"" : "; \t");
  if (n < 1 || n > MOST_BOUNDARY) return false;
  memcpy(f->boundary, "\r\n--", START);
  memcpy(f->boundary + START, at, n);
  f->boundary[START + n] = 0;
  f->end = body + size;
  const size_t first = n + 2; /* the first one has no line before it */
  if (size < first || memcmp(body, f->boundary + 2, first) != 0) return false;
  f->at = body + first;
  return true;
}

/* Where the value of `name` begins among the parameters of a header; NULL: there is no such one. */
static const char *value_of(const char *s, const char *end, const char *name) {
  const size_t n = strlen(name);
  for (const char *at = s; (at = memchr(at, ';', (size_t)(end - at))) != NULL;) {
    at++;
    while (at < end && (*at == ' ' || *at == '\t')) at++;
    if ((size_t)(end - at) > n && !strncasecmp(at, name, n) && at[n] == '=') return at + n + 1;
  }
  return NULL;
}

/* A value, in quotation marks, with a backslash before one in it, or as it is. False: it is empty, has no end or no room. */
static bool read_value(const char *at, const char *end, char *out, size_t room) {
  const bool quoted = at < end && *at == '"';
  const char *stops = quoted ? "\"" : "; \t"; /* and NUL */
  size_t used = 0;
  for (at += quoted; at < end && !strchr(stops, *at); at++) {
    if (quoted && *at == '\\' && at + 1 < end && at[1] == '"') at++;
    if (used + 1 == room) return false;
    out[used++] = *at;
  }
  out[used] = 0;
  return used && (at < end ? *at != 0 : !quoted);
}

/* The lines above a part's bytes: only what it is called counts. */
static bool read_head(const char *s, const char *end, form_part *out) {
  static const char wanted[] = "content-disposition:";
  while (s < end) {
    const char *line = memmem(s, (size_t)(end - s), "\r\n", 2), *to = line ? line : end;
    if ((size_t)(to - s) >= sizeof wanted - 1 && !strncasecmp(s, wanted, sizeof wanted - 1)) {
      const char *name = value_of(s, to, "name");
      out->is_file = value_of(s, to, "filename") || value_of(s, to, "filename*");
      return name && read_value(name, to, out->name, sizeof out->name);
    }
    s = line ? line + 2 : end;
  }
  return false;
}

int form_next(form *f, form_part *out) {
  const size_t left = (size_t)(f->end - f->at);
  if (left >= 2 && !memcmp(f->at, "--", 2)) return 0;
  if (left < 2 || memcmp(f->at, "\r\n", 2) != 0) return -1;
  const char *head = memmem(f->at, left, "\r\n\r\n", 4);
  if (!head || !read_head(f->at + 2, head + 2, out)) return -1;
  out->bytes = head + 4;
  const char *end = memmem(head + 2, (size_t)(f->end - head - 2), f->boundary, strlen(f->boundary));
  if (!end) return -1;
  out->size = end < out->bytes ? 0 : (size_t)(end - out->bytes);
  f->at = end + strlen(f->boundary);
  return 1;
}
