/* Whole files in and out; every file operation fails once; writers are killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/file.h"
#include "base/memory.h"

static char folder[200];

static int setup(void **state) {
  (void)state;
  const char *base = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/unroll-file-XXXXXX", base && strlen(base) < 100 ? base : P_tmpdir);
  return !mkdtemp(folder);
}

static int teardown(void **state) {
  (void)state;
  char command[256];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

static const char *in_folder(const char *name) {
  static char path[2][400];
  static int which;
  which = !which;
  snprintf(path[which], sizeof path[which], "%s/%s", folder, name);
  return path[which];
}

/* Files in the folder whose names begin with a dot: temporary ones. */
static int leftovers(void) {
  int n = 0;
  DIR *d = opendir(folder);
  for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] == '.' && strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
  closedir(d);
  return n;
}

static unroll_status put(const char *path, const char *content, size_t size, unroll_error *err) {
  file_writer *w;
  unroll_status status = file_begin(&w, path, err);
  if (status) return status;
  status = file_add(w, content, size / 2, err);
  if (!status) status = file_add(w, content + size / 2, size - size / 2, err);
  if (!status) return file_commit(w, err);
  file_abandon(w);
  return status;
}

static void assert_content(const char *path, const char *content) {
  char *data;
  size_t size;
  assert_int_equal(file_read(path, &data, &size, NULL), UNROLL_OK);
  assert_int_equal(size, strlen(content));
  assert_string_equal(data, content);
  mem_free(data);
}

static void what_is_written_is_read(void **state) {
  (void)state;
  long live = mem_live();
  static const size_t sizes[] = {0, 1, 4094, 4095, 4096, 4097, 1000000};
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
    char *content = mem_alloc(sizes[k]), *data;
    for (size_t i = 0; i < sizes[k]; i++) content[i] = (char)(i * 31 + k);
    assert_int_equal(put(in_folder("a"), content, sizes[k], NULL), UNROLL_OK);
    size_t size;
    assert_int_equal(file_read(in_folder("a"), &data, &size, NULL), UNROLL_OK);
    assert_int_equal(size, sizes[k]);
    assert_int_equal(data[size], 0);
    if (size) assert_memory_equal(data, content, size);
    mem_free(data);
    mem_free(content);
  }
  assert_int_equal(leftovers(), 0);
  assert_int_equal(mem_live(), live);
}

static void assert_refused(unroll_status status, unroll_status expected, const unroll_error *e, const char *file,
                           const char *part) {
  assert_int_equal(status, expected);
  assert_int_equal(e->code, expected);
  assert_string_equal(e->file, file);
  if (!strstr(e->message, part)) fail_msg("'%s' has no '%s'", e->message, part);
}

static void bad_paths_are_refused(void **state) {
  (void)state;
  unroll_error e;
  char *data;
  size_t size;
  file_writer *w;
  const char *none = in_folder("none");
  assert_refused(file_read(none, &data, &size, &e), UNROLL_BAD_INPUT, &e, none, "cannot open: No such file");
  assert_refused(file_read(folder, &data, &size, &e), UNROLL_BAD_INPUT, &e, folder, "is a folder");
  assert_null(data);
  assert_refused(file_begin(&w, folder, &e), UNROLL_FAILED, &e, folder, "is a folder");
  assert_refused(file_begin(&w, "", &e), UNROLL_FAILED, &e, "", "is not the name");
  const char *deep = in_folder("none/x");
  assert_refused(file_begin(&w, deep, &e), UNROLL_FAILED, &e, deep, "No such file");
  const char *slash = in_folder("new/");
  assert_refused(file_begin(&w, slash, &e), UNROLL_FAILED, &e, slash, "is not the name");
  assert_null(w);
}

static void full_disk_is_told(void **state) {
  (void)state;
  unroll_error e;
  if (access("/dev/full", W_OK)) skip();
  assert_refused(put("/dev/full", "content", 7, &e), UNROLL_FAILED, &e, "/dev/full", "No space left");
  struct stat st;
  assert_int_equal(stat("/dev/full", &st), 0);
  assert_false(S_ISREG(st.st_mode));
  assert_int_equal(put("/dev/null", "content", 7, &e), UNROLL_OK);
}

static void standard_input_is_read(void **state) {
  (void)state;
  int ends[2], saved = dup(0);
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 1000; i++)
      if (write(ends[1], "0123456789", 10) != 10) _exit(1);
    _exit(0);
  }
  close(ends[1]);
  dup2(ends[0], 0);
  char *data;
  size_t size;
  unroll_status status = file_read("-", &data, &size, NULL);
  dup2(saved, 0);
  close(saved);
  close(ends[0]);
  waitpid(child, NULL, 0);
  assert_int_equal(status, UNROLL_OK);
  assert_int_equal(size, 10000);
  assert_memory_equal(data + 9990, "0123456789", 10);
  mem_free(data);
  assert_int_equal(file_read("/proc/self/status", &data, &size, NULL), UNROLL_OK); /* tells a size of 0 */
  assert_true(size > 100);
  mem_free(data);
}

static void links_and_modes_stay(void **state) {
  (void)state;
  char *real = strdup(in_folder("real")), *link = strdup(in_folder("link"));
  assert_int_equal(put(real, "one", 3, NULL), UNROLL_OK);
  assert_int_equal(chmod(real, 0640), 0);
  assert_int_equal(symlink("real", link), 0);
  assert_int_equal(put(link, "two", 3, NULL), UNROLL_OK);
  assert_content(real, "two");
  struct stat st;
  assert_int_equal(lstat(link, &st), 0);
  assert_true(S_ISLNK(st.st_mode));
  assert_int_equal(stat(real, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0640);
  free(real);
  free(link);
}

/* The n-th operation fails, for every n: the old content stays until the rename, and no temporary file is left. */
static void every_operation_fails_once(void **state) {
  (void)state;
  const char *path = in_folder("swept");
  long live = mem_live();
  for (int forever = 0; forever < 2; forever++) {
    assert_int_equal(put(path, "old", 3, NULL), UNROLL_OK);
    int n = 1, changed = 0;
    for (;; n++) {
      unroll_error e;
      file_fail_after(n, forever);
      unroll_status status = put(path, "new content", 11, &e);
      file_fail_after(0, 0);
      assert_int_equal(leftovers(), 0);
      assert_int_equal(mem_live(), live);
      if (!status) break;
      assert_int_equal(status, UNROLL_FAILED);
      assert_non_null(strstr(e.message, "Input/output error"));
      char *data;
      size_t size;
      assert_int_equal(file_read(path, &data, &size, NULL), UNROLL_OK);
      if (strcmp(data, "old") != 0) {
        changed = 1; /* only the sync of the folder failed */
        assert_string_equal(data, "new content");
      } else
        assert_false(changed);
      mem_free(data);
    }
    assert_true(n >= 9); /* open, 2 writes, fsync, close, rename, and three for the folder */
    assert_content(path, "new content");
    for (n = 1;; n++) {
      char *data;
      size_t size;
      file_fail_after(n, forever);
      unroll_status status = file_read(path, &data, &size, NULL);
      file_fail_after(0, 0);
      if (!status) mem_free(data);
      assert_int_equal(mem_live(), live);
      if (!status) break;
    }
    assert_int_equal(n, 5);
  }
}

static void every_allocation_fails_once(void **state) {
  (void)state;
  const char *path = in_folder("swept");
  long live = mem_live();
  for (int n = 1;; n++) {
    unroll_error e;
    mem_fail_after(n, 0);
    unroll_status status = put(path, "content", 7, &e);
    mem_fail_after(0, 0);
    assert_int_equal(leftovers(), 0);
    assert_int_equal(mem_live(), live);
    if (!status) break;
    assert_int_equal(status, UNROLL_FAILED);
    assert_true(n < 20);
  }
  char *data;
  size_t size;
  mem_fail_after(1, 0);
  assert_int_equal(file_read(path, &data, &size, NULL), UNROLL_FAILED);
  mem_fail_after(0, 0);
  assert_int_equal(mem_live(), live);
}

static void two_writers_do_not_mix(void **state) {
  (void)state;
  const char *path = in_folder("both");
  file_writer *a, *b, *c;
  assert_int_equal(file_begin(&a, path, NULL), UNROLL_OK);
  assert_int_equal(file_begin(&b, path, NULL), UNROLL_OK);
  assert_int_equal(file_begin(&c, path, NULL), UNROLL_OK);
  file_add(a, "from a", 6, NULL);
  file_add(b, "from b", 6, NULL);
  file_add(c, "from c", 6, NULL);
  assert_int_equal(file_commit(b, NULL), UNROLL_OK);
  assert_content(path, "from b");
  file_abandon(c);
  assert_int_equal(file_commit(a, NULL), UNROLL_OK);
  assert_content(path, "from a");
  assert_int_equal(leftovers(), 0);
}

/* A child rewrites a file with all 'a' or all 'b' of different lengths, and is killed at some instant. */
static void killed_writer_leaves_old_or_new(void **state) {
  (void)state;
  enum { SHORT = 150000, LONG = 400000, ROUNDS = 25 };
  char *path = strdup(in_folder("killed")), *a = malloc(SHORT), *b = malloc(LONG);
  memset(a, 'a', SHORT);
  memset(b, 'b', LONG);
  assert_int_equal(put(path, a, SHORT, NULL), UNROLL_OK);
  for (int round = 0; round < ROUNDS; round++) {
    pid_t child = fork();
    if (child == 0)
      for (;;) {
        if (put(path, b, LONG, NULL)) _exit(1);
        if (put(path, a, SHORT, NULL)) _exit(1);
      }
    nanosleep(&(struct timespec){.tv_nsec = 1000000L * (1 + round % 9) + 137000L * round}, NULL);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    char *data;
    size_t size;
    assert_int_equal(file_read(path, &data, &size, NULL), UNROLL_OK);
    assert_int_equal(size, data[0] == 'a' ? SHORT : LONG);
    for (size_t i = 1; i < size; i++)
      if (data[i] != data[0]) fail_msg("round %d: mixed at byte %zu", round, i);
    mem_free(data);
  }
  free(path);
  free(a);
  free(b);
}

/* Temporary files that killed processes of our number left are replaced, not an obstacle, and those of the living stay. */
/* What killed processes have left goes; what a living one writes, and what only looks alike, stays. */
static void folders_are_cleaned(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int stays;
  } files[] = {
      {".model.tmp-2000000000-0", 0}, {".a.tmp-b.tmp-2000000000-17", 0}, {".model.tmp-1-0", 1}, {"model.tmp-2000000000-0", 1},
      {".model.tmp-2000000000", 1},   {".model.tmp-2000000000-0x", 1},   {".model.tmp--0", 1},  {".model", 1}};
  char *place = strdup(in_folder("clean"));
  assert_int_equal(mkdir(place, 0777), 0);
  char path[600], mine[100];
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    snprintf(path, sizeof path, "%s/%s", place, files[i].name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
  }
  file_writer *w;
  snprintf(path, sizeof path, "%s/open", place);
  assert_int_equal(file_begin(&w, path, NULL), UNROLL_OK);
  snprintf(mine, sizeof mine, ".old.tmp-%ld-9999", (long)getpid()); /* of a process that had our number */
  snprintf(path, sizeof path, "%s/%s", place, mine);
  fclose(fopen(path, "w"));
  file_clean_folder(place);
  assert_false(file_exists(path));
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    snprintf(path, sizeof path, "%s/%s", place, files[i].name);
    if (file_exists(path) != files[i].stays) fail_msg("%s", files[i].name);
    unlink(path);
  }
  assert_int_equal(file_commit(w, NULL), UNROLL_OK);
  snprintf(path, sizeof path, "%s/open", place);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rmdir(place), 0);
  file_clean_folder(place); /* not there: nothing to do */
  free(place);
}

static void stale_files_are_replaced(void **state) {
  (void)state;
  char *path = strdup(in_folder("stale"));
  file_writer *w;
  assert_int_equal(file_begin(&w, path, NULL), UNROLL_OK); /* to learn the next number */
  unsigned next = 0;
  DIR *d = opendir(folder);
  char prefix[60];
  int n = snprintf(prefix, sizeof prefix, ".stale.tmp-%ld-", (long)getpid());
  for (struct dirent *e; (e = readdir(d));)
    if (strncmp(e->d_name, prefix, (size_t)n) == 0) next = (unsigned)atoi(e->d_name + n) + 1;
  closedir(d);
  char name[100];
  snprintf(name, sizeof name, "%s%u", prefix, next);
  const char *left = in_folder(name);
  int fd = open(left, O_WRONLY | O_CREAT, 0666);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, "garbage that is longer", 22), 22);
  close(fd);
  assert_int_equal(put(path, "fresh", 5, NULL), UNROLL_OK);
  assert_content(path, "fresh");
  assert_int_not_equal(access(in_folder(name), F_OK), 0);
  file_abandon(w);
  free(path);
}

static void folders_are_made(void **state) {
  (void)state;
  unroll_error e;
  assert_int_equal(file_make_folder(in_folder("x/y//z/"), &e), UNROLL_OK);
  assert_int_equal(file_make_folder(in_folder("x/y/z"), &e), UNROLL_OK);
  assert_int_equal(put(in_folder("x/y/z/file"), "1", 1, NULL), UNROLL_OK);
  assert_int_equal(file_make_folder(in_folder("x/y/z/file"), &e), UNROLL_FAILED);
  assert_non_null(strstr(e.message, "is a file, not a folder"));
  assert_int_equal(file_make_folder(in_folder("x/y/z/file/deeper"), &e), UNROLL_FAILED);
  assert_int_equal(file_make_folder("", &e), UNROLL_FAILED);
  assert_int_equal(file_make_folder("/", &e), UNROLL_OK);
  assert_int_equal(file_make_folder(".", &e), UNROLL_OK);
}

/* Regular files only: a pipe that nobody writes to is refused at once. Each operation and each allocation fails once. */
static void regular_files_are_read(void **state) {
  (void)state;
  const char *const path = in_folder("regular"), *const pipe_path = in_folder("pipe");
  char *data, piece[4];
  size_t size;
  unroll_error e;
  file_source f;
  assert_int_equal(put(path, "a small file", 12, &e), UNROLL_OK);
  assert_int_equal(mkfifo(pipe_path, 0600), 0);
  assert_int_equal(file_read_regular(path, 12, &data, &size, &e), UNROLL_OK);
  assert_int_equal(size, 12);
  assert_string_equal(data, "a small file");
  mem_free(data);
  assert_refused(file_read_regular(path, 11, &data, &size, &e), UNROLL_BAD_INPUT, &e, path, "the file is larger than 11 bytes");
  assert_null(data);
  assert_refused(file_read_regular(pipe_path, 100, &data, &size, &e), UNROLL_BAD_INPUT, &e, pipe_path, "is no regular file");
  assert_refused(file_read_regular("/dev/zero", 100, &data, &size, &e), UNROLL_BAD_INPUT, &e, "/dev/zero", "is no regular file");
  assert_refused(file_read_regular(folder, 100, &data, &size, &e), UNROLL_BAD_INPUT, &e, folder, "is a folder, not a file");
  assert_refused(file_open(&f, "-", &e), UNROLL_BAD_INPUT, &e, "-", "cannot open");
  file_close(&f);

  assert_int_equal(file_open(&f, path, &e), UNROLL_OK);
  assert_int_equal(f.size, 12);
  assert_int_equal(file_get(&f, 2, piece, 4, &e), UNROLL_OK);
  assert_memory_equal(piece, "smal", 4);
  assert_refused(file_get(&f, 10, piece, 4, &e), UNROLL_BAD_INPUT, &e, path, "the file ends early");
  file_close(&f);

  for (int memory = 0; memory < 2; memory++)
    for (long n = 1;; n++) {
      memory ? mem_fail_after(n, 0) : file_fail_after(n, 0);
      const unroll_status status = file_read_regular(path, 100, &data, &size, &e);
      mem_fail_after(0, 0);
      file_fail_after(0, 0);
      mem_free(data);
      if (!status) break;
      assert_int_equal(status, memory ? UNROLL_FAILED : UNROLL_BAD_INPUT);
      assert_int_equal(mem_live(), 0);
      assert_true(n < 10);
    }
}

/* Whatever becomes of the name of a locked folder, what goes through that name goes into that folder. */
static void test_locked_folder_keeps(void **state) {
  (void)state;
  char here[300], there[300], other[300], path[400], name[400];
  unroll_error err = {0};
  struct stat st;
  int lock, second;
  char *data = NULL;
  size_t size = 0;
  snprintf(here, sizeof here, "%s", in_folder("run"));
  snprintf(there, sizeof there, "%s", in_folder("moved"));
  snprintf(other, sizeof other, "%s", in_folder("other"));
  for (int slash = 0; slash < 2; slash++) {
    char given[310];
    snprintf(given, sizeof given, "%s%s", here, slash ? "/" : "");
    assert_int_equal(mkdir(here, 0777) | mkdir(other, 0777), 0);
    assert_int_equal(file_lock_folder(given, &lock, &err), UNROLL_OK);
    snprintf(path, sizeof path, "%s/a", here);
    assert_int_equal(put(path, "first", 5, &err), UNROLL_OK);
    assert_int_equal(rename(here, there) | symlink(other, here), 0);
    assert_int_equal(put(path, "again", 5, &err), UNROLL_OK);
    snprintf(name, sizeof name, "%s/b", here);
    assert_int_equal(file_rename(path, name, &err), UNROLL_OK);
    assert_int_equal(file_append(name, "more", 4, &err), UNROLL_OK);
    assert_true(file_exists(name) && !file_exists(path));
    assert_int_equal(file_read(name, &data, &size, &err), UNROLL_OK);
    assert_string_equal(data, "againmore");
    mem_free(data);
    snprintf(name, sizeof name, "%s/b", there);
    assert_int_equal(stat(name, &st), 0);
    assert_int_equal(st.st_size, 9);
    assert_int_equal(rmdir(other), 0); /* it is empty */
    assert_int_equal(mkdir(other, 0777), 0);
    assert_int_equal(file_lock_folder(there, &second, &err), UNROLL_FAILED); /* it is the same folder */
    snprintf(name, sizeof name, "%s/.x.tmp-%ld-7", there, (long)getpid());
    assert_int_equal(close(open(name, O_CREAT | O_WRONLY, 0666)), 0);
    file_clean_folder(given);
    assert_int_equal(stat(name, &st), -1);
    file_unlock(lock);
    assert_int_equal(put(path, "free", 4, &err), UNROLL_OK);
    snprintf(name, sizeof name, "%s/a", other);
    assert_int_equal(unlink(name), 0); /* there it is: the name is a name again */
    snprintf(name, sizeof name, "%s/b", there);
    assert_int_equal(unlink(name) | rmdir(there) | unlink(here) | rmdir(other), 0);
  }
  assert_int_equal(mem_live(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_written_is_read),
      cmocka_unit_test(bad_paths_are_refused),
      cmocka_unit_test(full_disk_is_told),
      cmocka_unit_test(standard_input_is_read),
      cmocka_unit_test(links_and_modes_stay),
      cmocka_unit_test(every_operation_fails_once),
      cmocka_unit_test(every_allocation_fails_once),
      cmocka_unit_test(two_writers_do_not_mix),
      cmocka_unit_test(stale_files_are_replaced),
      cmocka_unit_test(folders_are_cleaned),
      cmocka_unit_test(folders_are_made),
      cmocka_unit_test(regular_files_are_read),
      cmocka_unit_test(killed_writer_leaves_old_or_new),
      cmocka_unit_test(test_locked_folder_keeps),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
