/* lang.c - errors at places of a program, its leading comment, and the built-in files. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "lang/parser.h"

unroll_status lang_error(const program *p, span at, unroll_error *err, const char *format, ...) {
  char message[sizeof err->message];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  if (!p) return error_set(err, UNROLL_BAD_INPUT, "%s", message);
  return error_at(err, UNROLL_BAD_INPUT, p->file, p->text, at.line, at.column, "%s", message);
}

/* Copies lines that begin with '#', joined by newlines, without '#', one space after it, and blanks at the end. */
const char *lang_comment(const char *source, arena *memory) {
  const char *s = source;
  if (!strncmp(s, "\xEF\xBB\xBF", 3)) s += 3;
  s += strspn(s, " \t\r\n");
  const char *end = s; /* of the block */
  while (end[strspn(end, " \t")] == '#') {
    end += strcspn(end, "\n");
    if (*end) end++;
  }
  char *out = arena_alloc(memory, (size_t)(end - s) + 1, 1);
  if (!out) return NULL;
  size_t n = 0;
  for (bool first = true; s < end; first = false) {
    if (!first) out[n++] = '\n';
    s += strspn(s, " \t") + 1;
    if (*s == ' ') s++;
    size_t length = strcspn(s, "\n"), keep = length;
    while (keep > 0 && strchr(" \t\r", s[keep - 1])) keep--;
    memcpy(out + n, s, keep);
    n += keep;
    s += length;
    if (s < end) s++;
  }
  return out;
}

static const builtin *find(const builtin *table, const char *name) {
  for (; table->name; table++)
    if (!strcmp(table->name, name)) return table;
  return NULL;
}

const builtin *lang_builtin_cell(const char *name) { return find(lang_cells, name); }
const builtin *lang_builtin_net(const char *name) { return find(lang_nets, name); }
