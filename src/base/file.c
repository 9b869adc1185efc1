/* file.c - whole files in, atomic replacement out.
 *
 * Writing: a temporary file `.NAME.tmp-PID-N` beside the target, written, synced, closed, renamed over it, and the folder
 * synced. Whatever instant a process is killed at, the name holds the old content or the new. A temporary file is locked while
 * its writer lives. One without a lock was left by a killed process that had our number, and is replaced. After a failed fsync
 * nobody knows what the disk holds, so the file is given up, never synced again.
 *
 * A target that is no regular file (a pipe, /dev/full) cannot be replaced and is written directly.
 *
 * A folder that is locked is held by its descriptor (openat, renameat). Whatever becomes of its name, a path through that name
 * leads to the folder that was locked. */
#include "base/file.h"
#include "base/elsewhere.h"
#include "base/error.h"
#include "base/held.h"
#include "base/memory.h"
#include "base/text.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_long fail_in; /* as in memory.c */
static atomic_int fail_forever;

void file_fail_after(long n, int forever) {
  atomic_store(&fail_forever, forever);
  atomic_store(&fail_in, n < 0 ? 0 : n);
}

static int may_fail(void) {
  long n = atomic_load(&fail_in);
  while (n > 0) {
    long next = n > 1 ? n - 1 : atomic_load(&fail_forever) ? -1 : 0;
    if (!atomic_compare_exchange_weak(&fail_in, &n, next)) continue;
    if (n > 1) return 0;
    errno = EIO;
    return 1;
  }
  if (n < 0) errno = EIO;
  return n < 0;
}

/* --- locked folders --- */

typedef struct held_folder {
  char *prefix; /* of paths through it: its name and a slash */
  int fd;
  struct held_folder *next;
} held_folder;

static held_folder *held;
static pthread_mutex_t held_lock = PTHREAD_MUTEX_INITIALIZER;

/* The length of a path's folder with the slash after it; 0: the working folder. */
static size_t folder_length(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Where a path begins: of one through a locked folder the folder's descriptor, and *path becomes the name in it. */
static int base_of(const char **path) {
  const size_t n = folder_length(*path);
  int fd = AT_FDCWD;
  pthread_mutex_lock(&held_lock);
  for (const held_folder *h = held; h; h = h->next)
    if (strlen(h->prefix) == n && !memcmp(h->prefix, *path, n)) fd = h->fd;
  pthread_mutex_unlock(&held_lock);
  if (fd != AT_FDCWD) *path += n;
  return fd;
}

static unroll_status hold(const char *path, int fd, unroll_error *err) {
  const size_t n = strlen(path);
  held_folder *h = mem_zero(1, sizeof *h);
  char *prefix = mem_alloc(n + 2);
  if (!h || !prefix) {
    mem_free(h);
    mem_free(prefix);
    return error_memory(err);
  }
  memcpy(prefix, path, n + 1);
  if (n && path[n - 1] != '/') memcpy(prefix + n, "/", 2);
  h->prefix = prefix;
  h->fd = fd;
  pthread_mutex_lock(&held_lock);
  h->next = held;
  held = h;
  pthread_mutex_unlock(&held_lock);
  return UNROLL_OK;
}

static void let_go(int fd) {
  held_folder *found = NULL;
  pthread_mutex_lock(&held_lock);
  for (held_folder **h = &held; *h && !found; h = &(*h)->next)
    if ((*h)->fd == fd) {
      found = *h;
      *h = found->next;
      break;
    }
  pthread_mutex_unlock(&held_lock);
  if (found) mem_free(found->prefix);
  mem_free(found);
}

/* --- the system's calls, through the failing counter and past interruptions --- */

static int do_open(const char *path, int flags) {
  if (may_fail()) return -1;
  int fd;
  const int base = base_of(&path);
  do fd = openat(base, path, flags | O_CLOEXEC, 0666);
  while (fd < 0 && errno == EINTR);
  return fd;
}
/* What was looked at of standard input and not yet read. */
static struct {
  char data[512];
  size_t at, n;
} looked;

static ssize_t do_read(int fd, void *data, size_t size) {
  if (may_fail()) return -1;
  ssize_t n;
  if (fd == STDIN_FILENO && looked.n > looked.at) {
    n = (ssize_t)(size < looked.n - looked.at ? size : looked.n - looked.at);
    memcpy(data, looked.data + looked.at, (size_t)n);
    looked.at += (size_t)n;
    return n;
  }
  do n = read(fd, data, size);
  while (n < 0 && errno == EINTR);
  return n;
}
static ssize_t do_read_at(int fd, void *data, size_t size, uint64_t from) {
  if (may_fail()) return -1;
  ssize_t n;
  do n = pread(fd, data, size, (off_t)from);
  while (n < 0 && errno == EINTR);
  return n;
}
static ssize_t do_write(int fd, const void *data, size_t size) {
  if (may_fail()) return -1;
  ssize_t n;
  do n = write(fd, data, size);
  while (n < 0 && errno == EINTR);
  return n;
}
static int do_sync(int fd) {
  if (may_fail()) return -1;
  int failed;
  do failed = fsync(fd);
  while (failed && errno == EINTR);
  return failed;
}
/* Whatever close returns, the descriptor is gone; an interrupted one is closed all the same. */
static int do_close(int fd) {
  int fail = may_fail();
  if (close(fd) && errno != EINTR) return -1;
  if (fail) errno = EIO;
  return fail ? -1 : 0;
}
static int do_rename(const char *from, const char *to) {
  if (may_fail()) return -1;
  const int base_from = base_of(&from), base_to = base_of(&to);
  return renameat(base_from, from, base_to, to);
}
static int remove_file(const char *path) {
  const int base = base_of(&path);
  return unlinkat(base, path, 0);
}

static unroll_status trouble(unroll_error *err, unroll_status code, const char *path, const char *what) {
  const char *why = strerror(errno);
  return error_at(err, code, path, NULL, 0, 0, "%s: %s", what, why);
}

static unroll_status no_memory(unroll_error *err, const char *path) {
  return error_at(err, UNROLL_FAILED, path, NULL, 0, 0, "out of memory");
}

static unroll_status too_large(unroll_error *err, const char *path, size_t most) {
  const bool small = most < 1 << 20;
  return error_at(err, UNROLL_BAD_INPUT, path, NULL, 0, 0, "the file is larger than %zu %s", small ? most : most >> 20,
                  small ? "bytes" : "MB");
}

/* Reads to the end of fd. `expected` is the size that the system told. It need not be true: /proc tells 0, and files grow.
 * There is room for one byte more and the NUL, so a file of that size is read without moving it. More than `most` bytes are
 * refused. */
static unroll_status read_all(int fd, const char *name, size_t expected, size_t most, char **data, size_t *size,
                              unroll_error *err) {
  size_t capacity, used = 0;
  if (__builtin_add_overflow(expected, (size_t)2, &capacity)) return no_memory(err, name);
  if (capacity < 4096) capacity = 4096;
  char *block = mem_alloc(capacity);
  if (!block) return no_memory(err, name);
  for (;;) {
    ssize_t n = do_read(fd, block + used, capacity - used - 1);
    if (n < 0) {
      unroll_status status = trouble(err, UNROLL_BAD_INPUT, name, "cannot read");
      mem_free(block);
      return status;
    }
    if (n == 0) break;
    used += (size_t)n;
    if (used > most) {
      mem_free(block);
      return too_large(err, name, most);
    }
    if (used < capacity - 1) continue;
    char *larger = __builtin_mul_overflow(capacity, (size_t)2, &capacity) ? NULL : mem_resize(block, capacity);
    if (!larger) {
      mem_free(block);
      return no_memory(err, name);
    }
    block = larger;
  }
  block[used] = 0;
  *data = block;
  *size = used;
  return UNROLL_OK;
}

unroll_status file_read(const char *path, char **data, size_t *size, unroll_error *err) {
  if (elsewhere_now()) return elsewhere_now()->read(path, false, SIZE_MAX, data, size, err);
  *data = NULL;
  *size = 0;
  int standard = strcmp(path, "-") == 0;
  const char *name = standard ? "standard input" : path;
  int fd = standard ? STDIN_FILENO : do_open(path, O_RDONLY);
  if (fd < 0) return trouble(err, UNROLL_BAD_INPUT, name, "cannot open");
  struct stat st;
  unroll_status status = UNROLL_OK;
  if (fstat(fd, &st))
    status = trouble(err, UNROLL_BAD_INPUT, name, "cannot read");
  else if (S_ISDIR(st.st_mode))
    status = error_at(err, UNROLL_BAD_INPUT, name, NULL, 0, 0, "is a folder, not a file");
  else
    status = read_all(fd, name, S_ISREG(st.st_mode) && st.st_size > 0 ? (size_t)st.st_size : 0, SIZE_MAX, data, size, err);
  if (!standard && do_close(fd) && !status) {
    status = trouble(err, UNROLL_BAD_INPUT, name, "cannot close");
    mem_free(*data);
    *data = NULL;
    *size = 0;
  }
  return status;
}

unroll_status file_look(const char **data, size_t *size, unroll_error *err) {
  for (ssize_t n = 1; n > 0 && looked.n < sizeof looked.data && (looked.n < 12 || !memchr(looked.data, '\n', looked.n));) {
    do n = read(STDIN_FILENO, looked.data + looked.n, sizeof looked.data - looked.n);
    while (n < 0 && errno == EINTR);
    if (n < 0) return trouble(err, UNROLL_BAD_INPUT, "standard input", "cannot read");
    looked.n += (size_t)n;
  }
  *data = looked.data;
  *size = looked.n;
  return UNROLL_OK;
}

unroll_status file_input(void *data, size_t size, size_t *n, unroll_error *err) {
  const ssize_t got = do_read(STDIN_FILENO, data, size);
  *n = got > 0 ? (size_t)got : 0;
  return got < 0 ? trouble(err, UNROLL_BAD_INPUT, "standard input", "cannot read") : UNROLL_OK;
}

/* A file that is in memory alone. */
static unroll_status open_held(file_source *f, const char *path, const char *bytes, size_t size, unroll_error *err) {
  *f = (file_source){.fd = -1, .path = mem_text(path), .size = size, .held = bytes};
  return f->path ? UNROLL_OK : no_memory(err, path);
}

unroll_status file_open(file_source *f, const char *path, unroll_error *err) {
  struct stat st;
  const char *bytes;
  size_t size;
  if (held_find(path, &bytes, &size)) return open_held(f, path, bytes, size, err);
  *f = (file_source){.fd = do_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)};
  if (f->fd < 0) return trouble(err, UNROLL_BAD_INPUT, path, "cannot open");
  unroll_status status = UNROLL_OK;
  if (fstat(f->fd, &st))
    status = trouble(err, UNROLL_BAD_INPUT, path, "cannot read");
  else if (S_ISDIR(st.st_mode))
    status = error_at(err, UNROLL_BAD_INPUT, path, NULL, 0, 0, "is a folder, not a file");
  else if (!S_ISREG(st.st_mode))
    status = error_at(err, UNROLL_BAD_INPUT, path, NULL, 0, 0, "is no regular file");
  else if (!(f->path = mem_text(path)))
    status = no_memory(err, path);
  if (status)
    close(f->fd);
  else
    f->size = (uint64_t)st.st_size;
  return status;
}

unroll_status file_get(const file_source *f, uint64_t from, void *data, size_t size, unroll_error *err) {
  if (f->held && (from > f->size || size > f->size - from))
    return error_at(err, UNROLL_BAD_INPUT, f->path, NULL, 0, 0, "the file ends early");
  if (f->held) {
    if (size) memcpy(data, f->held + from, size);
    return UNROLL_OK;
  }
  for (char *at = data; size > 0;) {
    const ssize_t n = do_read_at(f->fd, at, size, from);
    if (n < 0) return trouble(err, UNROLL_BAD_INPUT, f->path, "cannot read");
    if (n == 0) return error_at(err, UNROLL_BAD_INPUT, f->path, NULL, 0, 0, "the file ends early");
    at += n;
    from += (uint64_t)n;
    size -= (size_t)n;
  }
  return UNROLL_OK;
}

void file_close(file_source *f) {
  if (!f->path) return;
  if (!f->held) close(f->fd);
  mem_free(f->path);
  *f = (file_source){0};
}

unroll_status file_read_regular(const char *path, size_t most, char **data, size_t *size, unroll_error *err) {
  if (elsewhere_now()) return elsewhere_now()->read(path, true, most, data, size, err);
  file_source f;
  *data = NULL;
  *size = 0;
  unroll_status status = file_open(&f, path, err);
  if (!status && f.size > most) status = too_large(err, path, most);
  if (!status && f.held) {
    *data = mem_alloc((size_t)f.size + 1);
    status = *data ? file_get(&f, 0, *data, (size_t)f.size, err) : no_memory(err, path);
    *size = (size_t)f.size;
    if (*data) (*data)[*size] = 0;
  } else if (!status) {
    status = read_all(f.fd, path, (size_t)f.size, most, data, size, err);
  }
  file_close(&f);
  return status;
}

struct file_writer {
  int fd;         /* -1 once closed */
  int failed;     /* a write failed; only giving up is left */
  bool hurries;   /* nothing is synced */
  char *path;     /* the target, links followed */
  text temporary; /* empty when the target is written directly */
};

/* Whether the temporary file of this name was left by a process that is gone; then it is removed. */
static int remove_stale(const char *name) {
  const char *at = name;
  const int base = base_of(&at);
  int fd = openat(base, at, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  int stale = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && unlinkat(base, at, 0) == 0;
  if (fd >= 0) close(fd);
  errno = EEXIST; /* still the caller's reason, unless it tries again */
  return stale;
}

/* Whether NAME is that of a temporary file whose process is gone, or was one with our number. */
static bool is_temporary(const char *name) {
  char *end;
  const char *mark = name[0] == '.' ? strstr(name, ".tmp-") : NULL;
  for (const char *more = mark; more; more = strstr(more + 1, ".tmp-")) mark = more;
  if (!mark || mark[5] < '0' || mark[5] > '9') return false;
  const long process = strtol(mark + 5, &end, 10);
  if (*end != '-' || !end[1] || end[1 + strspn(end + 1, "0123456789")]) return false;
  return process == (long)getpid() || (process > 0 && kill((pid_t)process, 0) && errno == ESRCH);
}

void file_clean_folder(const char *path) {
  text within = {0};
  text_format(&within, "%s%s.", path, !*path || path[strlen(path) - 1] == '/' ? "" : "/");
  const char *at = within.data;
  const int base = within.failed ? AT_FDCWD : base_of(&at),
            fd = within.failed ? -1 : openat(base, at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
  if (!d && fd >= 0) close(fd);
  for (struct dirent *e; d && (e = readdir(d));) {
    text name = {0};
    if (!is_temporary(e->d_name)) continue;
    text_format(&name, "%.*s%s", (int)within.length - 1, within.data, e->d_name);
    if (!name.failed) remove_stale(name.data);
    text_free(&name);
  }
  if (d) closedir(d);
  text_free(&within);
}

/* Creates the temporary file, empty and locked. */
static int create_temporary(file_writer *w) {
  static atomic_uint number;
  size_t folder = folder_length(w->path);
  for (int tries = 0; tries < 100; tries++) {
    text_free(&w->temporary);
    text_add(&w->temporary, w->path, folder);
    text_format(&w->temporary, ".%.200s.tmp-%ld-%u", w->path + folder, (long)getpid(), atomic_fetch_add(&number, 1));
    if (w->temporary.failed) return -1;
    int fd = do_open(w->temporary.data, O_WRONLY | O_CREAT | O_EXCL);
    if (fd < 0 && errno == EEXIST && remove_stale(w->temporary.data)) fd = do_open(w->temporary.data, O_WRONLY | O_CREAT | O_EXCL);
    if (fd >= 0) flock(fd, LOCK_EX | LOCK_NB); /* where locks are not known, nothing is taken for stale either */
    if (fd >= 0 || errno != EEXIST) return fd;
  }
  return -1;
}

static void writer_free(file_writer *w) {
  if (w->fd >= 0) close(w->fd);
  if (w->temporary.length) remove_file(w->temporary.data);
  text_free(&w->temporary);
  mem_free(w->path);
  mem_free(w);
}

static bool is_link(int base, const char *name) {
  struct stat st;
  return fstatat(base, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

unroll_status file_begin(file_writer **out, const char *path, unroll_error *err) {
  *out = NULL;
  char real[PATH_MAX];
  struct stat st;
  const char *name = path;
  const int base = base_of(&name);
  int there = fstatat(base, name, &st, 0) == 0;
  if (there && S_ISDIR(st.st_mode)) return error_at(err, UNROLL_FAILED, path, NULL, 0, 0, "is a folder, not a file");
  if (!*path || path[strlen(path) - 1] == '/') return error_at(err, UNROLL_FAILED, path, NULL, 0, 0, "is not the name of a file");
  int direct = there && !S_ISREG(st.st_mode);
  const char *target = there && !direct && is_link(base, name) && realpath(path, real) ? real : path;
  file_writer *w = mem_zero(1, sizeof *w);
  if (!w) return no_memory(err, path);
  w->fd = -1;
  w->path = mem_text(target);
  if (!w->path) {
    writer_free(w);
    return no_memory(err, path);
  }
  w->fd = direct ? do_open(path, O_WRONLY) : create_temporary(w);
  if (w->fd < 0) {
    unroll_status status = w->temporary.failed ? no_memory(err, path)
                                               : trouble(err, UNROLL_FAILED, path,
                                                         direct ? "cannot open for writing" : "cannot create a file beside it");
    text_free(&w->temporary); /* it was not created: nothing to remove */
    writer_free(w);
    return status;
  }
  if (there && !direct) (void)fchmod(w->fd, st.st_mode & 07777); /* where it cannot be, the usual mode will do */
  *out = w;
  return UNROLL_OK;
}

unroll_status file_add(file_writer *w, const void *data, size_t size, unroll_error *err) {
  if (w->failed) return error_at(err, UNROLL_FAILED, w->path, NULL, 0, 0, "an earlier write failed");
  for (const char *at = data; size > 0;) {
    ssize_t n = do_write(w->fd, at, size);
    if (n == 0) errno = EIO;
    if (n <= 0) {
      w->failed = 1;
      return trouble(err, UNROLL_FAILED, w->path, "cannot write");
    }
    at += n;
    size -= (size_t)n;
  }
  return UNROLL_OK;
}

/* Makes the rename durable. Some file systems know no sync of folders (EINVAL); they are taken at their word. */
static unroll_status sync_folder(file_writer *w, unroll_error *err) {
  text within = {0};
  text_format(&within, "%.*s.", (int)folder_length(w->path), w->path);
  if (within.failed) return no_memory(err, w->path);
  int fd = do_open(within.data, O_RDONLY | O_DIRECTORY);
  text_free(&within);
  if (fd < 0) return trouble(err, UNROLL_FAILED, w->path, "cannot open its folder");
  unroll_status status = UNROLL_OK;
  if (do_sync(fd) && errno != EINVAL) status = trouble(err, UNROLL_FAILED, w->path, "cannot sync its folder");
  if (do_close(fd) && !status) status = trouble(err, UNROLL_FAILED, w->path, "cannot close its folder");
  return status;
}

unroll_status file_commit(file_writer *w, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  int direct = w->temporary.length == 0;
  if (w->failed)
    status = error_at(err, UNROLL_FAILED, w->path, NULL, 0, 0, "an earlier write failed");
  else if (!w->hurries && do_sync(w->fd) && !(direct && (errno == EINVAL || errno == EROFS)))
    status = trouble(err, UNROLL_FAILED, w->path, "cannot sync");
  if (!status) {
    int fd = w->fd;
    w->fd = -1;
    if (do_close(fd)) status = trouble(err, UNROLL_FAILED, w->path, "cannot close");
  }
  if (!status && !direct) {
    if (do_rename(w->temporary.data, w->path))
      status = trouble(err, UNROLL_FAILED, w->path, "cannot rename to it");
    else {
      text_free(&w->temporary);
      if (!w->hurries) status = sync_folder(w, err);
    }
  }
  writer_free(w);
  return status;
}

void file_hurry(file_writer *w) { w->hurries = true; }

void file_abandon(file_writer *w) {
  if (w) writer_free(w);
}

unroll_status file_write(const char *path, const void *data, size_t size, unroll_error *err) {
  file_writer *w = NULL;
  unroll_status status = file_begin(&w, path, err);
  if (status) return status;
  status = file_add(w, data, size, err);
  if (!status) return file_commit(w, err);
  file_abandon(w);
  return status;
}

unroll_status file_make_folder(const char *path, unroll_error *err) {
  if (!*path) return error_at(err, UNROLL_FAILED, path, NULL, 0, 0, "is not the name of a folder");
  char *copy = mem_text(path);
  if (!copy) return no_memory(err, path);
  unroll_status status = UNROLL_OK;
  for (char *at = copy; *at && !status;) {
    at += strspn(at, "/");
    at += strcspn(at, "/");
    char saved = *at;
    *at = 0;
    struct stat st;
    const int made = mkdir(copy, 0777), why = made ? errno : 0;
    if (made && why != EEXIST && stat(copy, &st)) {
      errno = why;
      status = trouble(err, UNROLL_FAILED, path, "cannot create the folder");
    } else if (stat(copy, &st))
      status = trouble(err, UNROLL_FAILED, path, "cannot create the folder");
    else if (!S_ISDIR(st.st_mode))
      status = error_at(err, UNROLL_FAILED, path, NULL, 0, 0, "%s is a file, not a folder", copy);
    *at = saved;
  }
  mem_free(copy);
  return status;
}

unroll_status file_append(const char *path, const void *data, size_t size, unroll_error *err) {
  file_writer w = {.fd = do_open(path, O_WRONLY | O_CREAT | O_APPEND), .path = (char *)path};
  if (w.fd < 0) return trouble(err, UNROLL_FAILED, path, "cannot open for writing");
  unroll_status status = file_add(&w, data, size, err);
  if (do_close(w.fd) && !status) status = trouble(err, UNROLL_FAILED, path, "cannot close");
  return status;
}

unroll_status file_rename(const char *from, const char *to, unroll_error *err) {
  if (!do_rename(from, to) || errno == ENOENT) return UNROLL_OK;
  return trouble(err, UNROLL_FAILED, to, "cannot rename to it");
}

char *file_beside(const char *file, const char *name, size_t size) {
  const size_t folder = size && name[0] == '/' ? 0 : folder_length(file);
  char *path = mem_alloc(folder + size + 1);
  if (!path) return NULL;
  memcpy(path, file, folder);
  memcpy(path + folder, name, size);
  path[folder + size] = 0;
  return path;
}

bool file_exists(const char *path) {
  if (elsewhere_now()) return elsewhere_now()->exists(path);
  const int base = base_of(&path);
  return faccessat(base, path, F_OK, 0) == 0;
}

unroll_status file_lock_folder(const char *path, int *lock, unroll_error *err) {
  *lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (*lock < 0) return UNROLL_OK; /* who needs the folder will say what is wrong with it */
  const bool busy = flock(*lock, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
  const unroll_status status = busy ? UNROLL_FAILED : hold(path, *lock, err);
  if (!status) return UNROLL_OK;
  close(*lock);
  *lock = -1;
  if (!busy) return status;
  return error_at(err, UNROLL_FAILED, path, NULL, 0, 0, "another process is training in this folder");
}

void file_unlock(int lock) {
  if (lock < 0) return;
  let_go(lock);
  close(lock);
}
