/* help.h - for the tests of the room train: folders of their own, small texts, whole trainings. */
#ifndef TESTS_TRAIN_HELP_H
#define TESTS_TRAIN_HELP_H
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "../part.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/hash.h"
#include "use/generate.h"
#include "model/model.h"
#include "use/score.h"
#include "train/train.h"

/* The call must succeed; it may pass `err`. */
#define OK(call)                                                                                                                   \
  do {                                                                                                                             \
    unroll_error *err = &ok_error;                                                                                                 \
    *err = (unroll_error){0};                                                                                                      \
    if (call) fail_msg("%s: %s:%d:%d: %s", #call, err->file, err->line, err->column, err->message);                                \
  } while (0)
static unroll_error ok_error;

/* A new folder under the system's one for temporary files; removed by folder_remove. */
static inline void folder_make(char *out, size_t size) {
  const char *base = getenv("TMPDIR")           ? getenv("TMPDIR")
                     : access("/dev/shm", W_OK) ? "/tmp"
                                                : "/dev/shm"; /* where syncing is quick */
  snprintf(out, size, "%s/unroll-test-XXXXXX", base);
  assert_non_null(mkdtemp(out));
}

static inline void folder_clear(const char *path) {
  DIR *d = opendir(path);
  if (!d) return;
  for (struct dirent *e; (e = readdir(d));) {
    text name = {0};
    if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
    text_format(&name, "%s/%s", path, e->d_name);
    if (unlink(name.data)) {
      folder_clear(name.data);
      rmdir(name.data);
    }
    text_free(&name);
  }
  closedir(d);
}

/* A path in a folder; the text is valid until seven calls later. */
static inline const char *folder_path(const char *folder, const char *name) {
  static char paths[8][300];
  static int next;
  char *path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

static inline void folder_remove(const char *path) {
  folder_clear(path);
  rmdir(path);
}

static inline void file_put(const char *folder, const char *name, const char *data, size_t size) {
  char path[600];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(data, 1, size, f), size);
  assert_int_equal(fclose(f), 0);
}

/* Hash of a file's bytes; 0 when it is not there. */
static inline uint64_t file_hash(const char *folder, const char *name) {
  char path[600], *data;
  size_t size;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  if (file_read(path, &data, &size, NULL)) return 0;
  const uint64_t h = hash_bytes(0, data, size);
  mem_free(data);
  return h;
}

/* A made-up text: words of a small language, one a line. */
static inline void words_put(const char *folder, const char *name, int n) {
  static const char *const parts[] = {"ba", "ra", "ti", "no", "\xc3\xa9l", "mu", "s", "ka"};
  text t = {0};
  uint64_t h = 1;
  for (int i = 0; i < n; i++) {
    h = hash_mix(h + (uint64_t)i);
    for (uint64_t k = 0; k < 1 + h % 4; k++) text_format(&t, "%s", parts[(h >> (8 + 3 * k)) % 8]);
    text_add(&t, "\n", 1);
  }
  file_put(folder, name, t.data, t.length);
  text_free(&t);
}

/* Small sizes: tests are about bits, not about learning. */
static const setting small_settings[] = {{"hidden", 12, NULL}, {"embedding", 5, NULL}};

static inline train_options small_options(const char *net, const char *data, const char *dir) {
  train_options o;
  train_defaults(&o);
  o.net = net;
  o.data = data;
  o.dir = dir;
  o.settings = small_settings;
  o.n_settings = 2;
  o.batch = 4;
  o.unroll = 7;
  o.threads = 1;
  o.log_steps = 3;
  o.force = true; /* tests share folders */
  return o;
}
#endif
