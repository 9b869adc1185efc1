/* known.c - see known.h. */
#include "base/known.h"
#include <stdbool.h>
#include <string.h>
#include "base/error.h"

enum { ANYWHERE = -1 };

static const known_file files[] = {
#define KNOWN(at_, bytes_, at2_, bytes2_, flags_, is_, bring_)                                                                     \
  {.bytes = bytes_,                                                                                                                \
   .bytes2 = bytes2_,                                                                                                              \
   .size = sizeof(bytes_) - 1,                                                                                                     \
   .size2 = sizeof(bytes2_) - 1,                                                                                                   \
   .at = at_,                                                                                                                      \
   .at2 = at2_,                                                                                                                    \
   .flags = flags_,                                                                                                                \
   .is = is_,                                                                                                                      \
   .bring = bring_},
#include "base/known.def"
#undef KNOWN
};

static bool stands(const char *data, size_t size, int at, const char *bytes, int n) {
  if (!n) return true;
  if (at == ANYWHERE) return memmem(data, size < KNOWN_LOOKS ? size : KNOWN_LOOKS, bytes, (size_t)n) != NULL;
  return size >= (size_t)at + (size_t)n && !memcmp(data + at, bytes, (size_t)n);
}

const known_file *known_find(const char *data, size_t size) {
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    const known_file *k = &files[i];
    if (stands(data, size, k->at, k->bytes, k->size) && stands(data, size, k->at2, k->bytes2, k->size2)) return k;
  }
  return NULL;
}

unroll_status known_refuse(const known_file *k, const char *file, const char *wanted, unsigned flags, unroll_error *err) {
  const bool advice = (k->flags & flags) == flags;
  return error_at(err, UNROLL_BAD_INPUT, file, NULL, 0, 0, "this is %s, not %s%s%s", k->is, wanted, advice ? "; " : "",
                  advice ? k->bring : "");
}
