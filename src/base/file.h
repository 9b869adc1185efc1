/* file.h - whole files in and out; writing is atomic and every operation can be made to fail by tests. */
#ifndef BASE_FILE_H
#define BASE_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unroll.h>

/* Reads a whole file ("-": standard input) into a block for mem_free; a NUL is appended after *size bytes.
 * UNROLL_BAD_INPUT when it cannot be read (with the reason), UNROLL_FAILED for lack of memory. Directories are refused. */
unroll_status file_read(const char *path, char **data, size_t *size, unroll_error *err);

/* The first bytes of standard input, as many as a line has, at least 12 and at most 512 where there are so many. They stay there:
 * who reads standard input gets them again. One thread only. */
unroll_status file_look(const char **data, size_t *size, unroll_error *err);
/* Some of standard input, as soon as there is any; *n = 0: its end. */
unroll_status file_input(void *data, size_t size, size_t *n, unroll_error *err);

/* A regular file of at most `most` bytes, as file_read does it. Whatever else has the name is refused and not waited for: a pipe, a
 * device, "-" too. */
unroll_status file_read_regular(const char *path, size_t most, char **data, size_t *size, unroll_error *err);
/* The same file piece by piece. file_get reads exactly `size` bytes from the place `from`, or fails. file_close in any case. */
typedef struct file_source {
  char *path; /* for messages; NULL: nothing is open */
  int fd;
  uint64_t size;
  const char *held; /* its bytes, where it is in memory alone (held.h) */
} file_source;
unroll_status file_open(file_source *f, const char *path, unroll_error *err);
unroll_status file_get(const file_source *f, uint64_t from, void *data, size_t size, unroll_error *err);
void file_close(file_source *f);

/* Atomic replacement: temporary file in the same folder, write, fsync, rename, fsync the folder. Old content stays until
 * the rename; on any failure the temporary file is removed. */
typedef struct file_writer file_writer;
unroll_status file_begin(file_writer **out, const char *path, unroll_error *err);
unroll_status file_add(file_writer *w, const void *data, size_t size, unroll_error *err);
unroll_status file_commit(file_writer *w, unroll_error *err); /* frees w, success or not */
void file_abandon(file_writer *w);
/* The commit then waits for no disk. If the machine stops, the file may be damaged: for what can be made again, and is checked. */
void file_hurry(file_writer *w);
/* All of it at once. */
unroll_status file_write(const char *path, const void *data, size_t size, unroll_error *err);

unroll_status file_make_folder(const char *path, unroll_error *err); /* with parents; fine if it is there */

/* Adds to the end of a file, which is created if need be; for logs. Not atomic: a failure may leave a part of the data. */
unroll_status file_append(const char *path, const void *data, size_t size, unroll_error *err);
/* Renames within a folder, replacing what has the new name. UNROLL_OK too when there is no file of the old name. */
unroll_status file_rename(const char *from, const char *to, unroll_error *err);

bool file_exists(const char *path);
/* The path of what a file calls `name`: in that file's folder, unless the name begins with a slash. A block for mem_free, or NULL.
 */
char *file_beside(const char *file, const char *name, size_t size);

/* Takes a folder for this process alone until file_unlock, or the end of the process. UNROLL_FAILED when another one has it; fine
 * where the file system knows no locks. *lock: what file_unlock takes. Until then a path through `path` leads
 * into that very folder. That also holds where the folder was renamed since, or where another one or a link has its name. */
unroll_status file_lock_folder(const char *path, int *lock, unroll_error *err);
void file_unlock(int lock);

/* Removes the temporary files that killed processes have left in a folder which is locked for this one. */
void file_clean_folder(const char *path);

/* Tests: the n-th file operation (open, write, fsync, rename, close) from now fails, as mem_fail_after. */
void file_fail_after(long n, int forever);
#endif
