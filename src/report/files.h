/* files.h - files that are part of the program: cmake/embed.cmake writes the tables. */
#ifndef REPORT_FILES_H
#define REPORT_FILES_H
#include <stddef.h>

typedef struct embedded_file {
  const char *name; /* "page.css"; NULL: the end */
  const char *bytes;
  size_t size;
} embedded_file;
extern const embedded_file report_files[];
#endif
