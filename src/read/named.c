/* named.c - see named.h. */
#include "read/named.h"
#include <string.h>
#include "base/memory.h"

char *named_path(const char *beside, const char *name, size_t size) {
  const char *slash = strrchr(beside, '/');
  const size_t folder = slash && name[0] != '/' ? (size_t)(slash - beside) + 1 : 0;
  char *path = mem_alloc(folder + size + 1);
  if (!path) return NULL;
  memcpy(path, beside, folder);
  memcpy(path + folder, name, size);
  path[folder + size] = 0;
  return path;
}

/* The digits before *at, at most 15 of them; *at where they begin. */
static bool digits(const char *s, size_t *at, int64_t *out) {
  const size_t end = *at;
  int64_t place = 1;
  *out = 0;
  for (; *at > 0 && s[*at - 1] >= '0' && s[*at - 1] <= '9' && end - *at < 15; place *= 10) *out += place * (s[--*at] - '0');
  return *at < end;
}

bool named_part(const char *name, size_t *size, int64_t *from, int64_t *to) {
  size_t at = *size;
  int64_t first, last;
  if (!digits(name, &at, &last)) return false;
  first = last;
  if (at > 0 && name[at - 1] == '-' && (at--, !digits(name, &at, &first))) return false;
  if (at < 2 || name[at - 1] != '#') return false;
  *size = at - 1;
  *from = first;
  *to = last;
  return true;
}
