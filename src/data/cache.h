/* cache.h - values of files that are kept on disk, so that no later run computes them again: the features of recordings.
 *
 * An entry is a file in a folder that the user names. Its name is a hash of what the file holds and how it is to be read. So an
 * entry never gets old: a changed recording has another one. Entries appear as a whole and carry a hash of their numbers. One that
 * is damaged is not found, and written anew. */
#ifndef DATA_CACHE_H
#define DATA_CACHE_H
#include <stdbool.h>
#include <stdint.h>
#include <unroll.h>

/* Reads the n numbers of the entry into x. *found: are they there? UNROLL_FAILED: out of memory. */
unroll_status cache_get(const char *folder, const uint64_t key[2], float *x, int64_t n, bool *found, unroll_error *err);
/* Writes them. The folder is there. UNROLL_FAILED where it cannot be written. */
unroll_status cache_put(const char *folder, const uint64_t key[2], const float *x, int64_t n, unroll_error *err);
#endif
