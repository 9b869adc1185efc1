/* zip.h - the files in a zip archive that is in memory. Stored and deflated ones; no encryption, no zip64 beyond the sizes of
 * entries. */
#ifndef IMPORT_ZIP_H
#define IMPORT_ZIP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unroll.h>
#include "base/memory.h"

typedef struct zip_entry {
  const char *name;
  uint64_t at, packed, size; /* of its local head; bytes in the archive, and unpacked */
  int method;
} zip_entry;

typedef struct zip {
  const unsigned char *data;
  size_t bytes;
  const char *file; /* for messages */
  zip_entry *list;
  int n;
  arena memory;      /* names and what was unpacked */
  uint64_t unpacked; /* bytes */
} zip;

bool zip_is(const void *data, size_t size);
/* The list of files. The data must outlive it. zip_close in any case. */
unroll_status zip_open(zip *z, const char *file, const void *data, size_t size, unroll_error *err);
void zip_close(zip *z);
/* The entry whose name is `name`, or ends with it after a slash; NULL: there is none. */
const zip_entry *zip_find(const zip *z, const char *name);
/* Its bytes, valid until zip_close. */
unroll_status zip_get(zip *z, const zip_entry *e, const void **data, size_t *size, unroll_error *err);
#endif
