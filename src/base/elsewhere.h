/* elsewhere.h - files that are read by somebody else for this process. */
#ifndef BASE_ELSEWHERE_H
#define BASE_ELSEWHERE_H
#include <stdbool.h>
#include <stddef.h>
#include <unroll.h>
#include "base/text.h"

typedef struct elsewhere {
  /* As file_read, or file_read_regular with its `most`. */
  unroll_status (*read)(const char *path, bool regular, size_t most, char **data, size_t *size, unroll_error *err);
  bool (*is_folder)(const char *path);
  bool (*exists)(const char *path);
  unroll_status (*list)(const char *path, text *out, int *n, unroll_error *err); /* as folder_list */
} elsewhere;

/* From here on file_read, file_read_regular, file_exists, folder_is and folder_list ask it. NULL: the files are here. */
void elsewhere_set(const elsewhere *e);
const elsewhere *elsewhere_now(void);
#endif
