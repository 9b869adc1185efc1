/* unpack.h - files packed by gzip or zstd. */
#ifndef READ_UNPACK_H
#define READ_UNPACK_H
#include <stdbool.h>
#include <stddef.h>
#include <unroll.h>

/* Whether the bytes are those of a packed file of which this build can read. */
bool unpack_can(const char *data, size_t size);
/* Replaces a block for mem_free by what is packed in it, at most `most` bytes, a NUL after them. `name` is for messages. A file
 * that is damaged, cut off, or followed by something else is UNROLL_BAD_INPUT. */
unroll_status unpack(const char *name, char **data, size_t *size, size_t most, unroll_error *err);
/* The length of a name without the .gz or .zst at its end. */
size_t unpack_name(const char *name);
#endif
