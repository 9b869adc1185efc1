/* held.h - files that are in memory alone: pictures, recordings and the like that a caller has as bytes.
 *
 * A held file has a name, and cells name it as they name any file; file_open and file_read_regular know it. The name begins with
 * a number that is drawn anew in each process, so no table from elsewhere can name one. */
#ifndef BASE_HELD_H
#define BASE_HELD_H
#include <stdbool.h>
#include <stddef.h>
#include <unroll.h>

typedef struct held_file held_file;
/* Copies the bytes. Its name lasts until held_free; any thread may read the file until then. */
unroll_status held_new(held_file **out, const void *bytes, size_t size, unroll_error *err);
const char *held_name(const held_file *h);
void held_free(held_file *h);
/* Is this the name of one? Its bytes belong to it. */
bool held_find(const char *name, const char **bytes, size_t *size);
#endif
