/* input.h - the files that data is read from, in their order. */
#ifndef READ_INPUT_H
#define READ_INPUT_H
#include <stdbool.h>
#include <stddef.h>
#include <unroll.h>

typedef struct input_file {
  char *name; /* for messages */
  char *data; /* a NUL follows */
  size_t size;
  bool in_folder; /* it was found in a folder */
} input_file;

typedef struct input_files {
  input_file *files; /* [n], n >= 1 */
  int n, room;
} input_files;

/* `paths`: a file, "-" or a folder, or several with newlines between them. Of a folder all files, those of its sub-folders too, by
 * folder_list. UNROLL_BAD_INPUT when one cannot be read, or nothing is there. input_free in any case. */
unroll_status input_read(input_files *in, const char *paths, unroll_error *err);
/* One file that is in memory already; `data`, a block for mem_free with a NUL behind it, is taken over. input_free in any case. */
unroll_status input_memory(input_files *in, const char *name, char *data, size_t size, unroll_error *err);
void input_free(input_files *in);
/* Is every file, given by name, one that a cell of a table may name: a picture, a sound ... ? */
bool input_are_cells(const input_files *in);
/* UNROLL_BAD_INPUT if a file is of a known other kind: "this is a JPEG picture, not a table; ...". `texts`: any text is fine. */
unroll_status input_refuse(const input_file *f, const char *wanted, bool texts, unroll_error *err);
/* UNROLL_BAD_INPUT at byte `at` of a text: line, column in characters, the line itself. */
unroll_status input_bad_at(const char *name, const char *data, size_t size, size_t at, unroll_error *err, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
#endif
