/* known.h - what a file of another kind is, by its first bytes: for messages. known.def has the rows. */
#ifndef BASE_KNOWN_H
#define BASE_KNOWN_H
#include <stddef.h>
#include <unroll.h>

typedef struct known_file {
  const char *bytes, *bytes2;
  int size, size2;
  int at, at2;
  unsigned flags;
  const char *is, *bring;
} known_file;

enum { KNOWN_LOOKS = 1 << 16, KNOWN_TEXT = 1, KNOWN_TENSORS = 2, KNOWN_CELL = 4 };

/* NULL: nothing that is known. */
const known_file *known_find(const char *data, size_t size);
/* UNROLL_BAD_INPUT: "FILE: this is a JPEG picture, not a table; ...". `file` may be NULL. What to bring is said if the row's flags
 * have all of `flags`. */
unroll_status known_refuse(const known_file *k, const char *file, const char *wanted, unsigned flags, unroll_error *err);
#endif
