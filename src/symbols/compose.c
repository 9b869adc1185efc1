/* compose.c - texts in the composed form NFC of Unicode (UAX 15), by libutf8proc where it was there when Unroll was built. */
#include <stdlib.h>
#include "base/text.h"
#include "symbols/words.h"
#ifdef UNROLL_UTF8PROC
#include <utf8proc.h>

bool words_can_compose(void) { return true; }

void words_compose(const char *s, size_t size, text *out) {
  utf8proc_uint8_t *composed = NULL;
  out->length = 0;
  const utf8proc_ssize_t n =
      utf8proc_map((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)size, &composed, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  if (n < 0)
    out->failed = 1;
  else
    text_add(out, (const char *)composed, (size_t)n);
  free(composed); /* allocated by the library */
}
#else
bool words_can_compose(void) { return false; }

void words_compose(const char *s, size_t size, text *out) {
  out->length = 0;
  text_add(out, s, size);
}
#endif
