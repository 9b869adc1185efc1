/* folder.h - what is in a folder. */
#ifndef BASE_FOLDER_H
#define BASE_FOLDER_H
#include <stdbool.h>
#include "base/text.h"
#include <unroll.h>

bool folder_is(const char *path);
/* The paths of all files in a folder and its sub-folders, a NUL after each, sorted by their bytes. Names that begin with a dot are
 * passed over, links to folders are not followed. UNROLL_BAD_INPUT when a folder cannot be read or is more than 64 deep. text_free
 * in any case. */
unroll_status folder_list(const char *path, text *out, int *n, unroll_error *err);
#endif
