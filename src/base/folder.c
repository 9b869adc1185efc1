/* folder.c - see folder.h. */
#include "base/folder.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/elsewhere.h"
#include "base/error.h"
#include "base/memory.h"

enum { MAX_DEPTH = 64, MAX_FILES = 1 << 24 };

bool folder_is(const char *path) {
  if (elsewhere_now()) return elsewhere_now()->is_folder(path);
  struct stat st;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static unroll_status add_all(const char *path, int depth, text *out, int *n, unroll_error *err);

static unroll_status add_entry(const char *path, const char *name, int depth, text *out, int *n, unroll_error *err) {
  text full = {0};
  struct stat st;
  const size_t size = strlen(path);
  unroll_status status = UNROLL_OK;
  text_format(&full, "%s%s%s", path, size && path[size - 1] == '/' ? "" : "/", name);
  if (full.failed)
    status = error_memory(err);
  else if (lstat(full.data, &st) == 0 && S_ISDIR(st.st_mode))
    status = add_all(full.data, depth + 1, out, n, err);
  else if (!folder_is(full.data)) {
    text_add(out, full.data, full.length + 1);
    if (out->failed || ++*n > MAX_FILES) status = error_memory(err);
  }
  text_free(&full);
  return status;
}

static unroll_status add_all(const char *path, int depth, text *out, int *n, unroll_error *err) {
  if (depth > MAX_DEPTH) return error_at(err, UNROLL_BAD_INPUT, path, NULL, 0, 0, "the folder is more than %d deep", MAX_DEPTH);
  DIR *d = opendir(path);
  if (!d) return error_at(err, UNROLL_BAD_INPUT, path, NULL, 0, 0, "cannot read the folder: %s", strerror(errno));
  unroll_status status = UNROLL_OK;
  errno = 0;
  for (struct dirent *e; !status && (e = readdir(d)); errno = 0)
    if (e->d_name[0] != '.') status = add_entry(path, e->d_name, depth, out, n, err);
  if (!status && errno) status = error_at(err, UNROLL_BAD_INPUT, path, NULL, 0, 0, "cannot read the folder: %s", strerror(errno));
  closedir(d);
  return status;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

unroll_status folder_list(const char *path, text *out, int *n, unroll_error *err) {
  if (elsewhere_now()) return elsewhere_now()->list(path, out, n, err);
  text found = {0};
  *n = 0;
  *out = (text){0};
  unroll_status status = add_all(path, 0, &found, n, err);
  const char **names = status ? NULL : mem_zero((size_t)*n + 1, sizeof *names);
  if (!status && !names) status = error_memory(err);
  const char *at = found.data;
  for (int i = 0; i < *n && !status; i++, at += strlen(at) + 1) names[i] = at;
  if (!status && *n) qsort(names, (size_t)*n, sizeof *names, by_bytes);
  for (int i = 0; i < *n && !status; i++) text_add(out, names[i], strlen(names[i]) + 1);
  if (out->failed) status = error_memory(err);
  mem_free(names);
  text_free(&found);
  return status;
}
