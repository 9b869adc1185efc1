/* cache.c - see cache.h. */
#include "data/cache.h"
#include <inttypes.h>
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"

/* An entry is its head and the numbers, both as this machine writes them: elsewhere the mark reads otherwise. */
typedef struct head {
  uint64_t mark, key[2], n, hash;
} head;

#define MARK UINT64_C(0x31656863616c6e75) /* "unlache1" */

static head head_of(const uint64_t key[2], const float *x, int64_t n) {
  return (head){.mark = MARK, .key = {key[0], key[1]}, .n = (uint64_t)n, .hash = hash_bytes(key[0], x, (size_t)n * sizeof *x)};
}

static text path_of(const char *folder, const uint64_t key[2]) {
  text path = {0};
  text_format(&path, "%s/%016" PRIx64 "%016" PRIx64 ".values", folder, key[0], key[1]);
  return path;
}

unroll_status cache_get(const char *folder, const uint64_t key[2], float *x, int64_t n, bool *found, unroll_error *err) {
  text path = path_of(folder, key);
  file_source f = {0};
  head is;
  *found = false;
  if (path.failed) return error_memory(err);
  unroll_status status = file_open(&f, path.data, err);
  text_free(&path);
  if (!status && f.size == sizeof is + (size_t)n * sizeof *x) {
    status = file_get(&f, 0, &is, sizeof is, err);
    if (!status) status = file_get(&f, sizeof is, x, (size_t)n * sizeof *x, err);
    if (!status) {
      const head wanted = head_of(key, x, n);
      *found = is.mark == wanted.mark && is.key[0] == key[0] && is.key[1] == key[1] && is.n == wanted.n && is.hash == wanted.hash;
    }
  }
  file_close(&f);
  return status == UNROLL_BAD_INPUT ? UNROLL_OK : status;
}

unroll_status cache_put(const char *folder, const uint64_t key[2], const float *x, int64_t n, unroll_error *err) {
  const head is = head_of(key, x, n);
  text path = path_of(folder, key);
  file_writer *w = NULL;
  if (path.failed) return error_memory(err);
  unroll_status status = file_begin(&w, path.data, err);
  text_free(&path);
  if (status) return status;
  file_hurry(w);
  status = file_add(w, &is, sizeof is, err);
  if (!status) status = file_add(w, x, (size_t)n * sizeof *x, err);
  if (!status) return file_commit(w, err);
  file_abandon(w);
  return status;
}
