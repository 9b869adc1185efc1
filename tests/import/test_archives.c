/* Zip archives and pickles that are made by hand; memory that runs out at every place of every reader. */
#include "import/import.h"
#include <dirent.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "base/budget.h"
#include "base/file.h"
#include "import/pickle.h"
#include "import/zip.h"

static void number(text *t, int bytes, uint64_t x) {
  for (int i = 0; i < bytes; i++) text_add(t, &(char){(char)(i < 8 ? x >> 8 * i : 0)}, 1);
}

/* An archive of one piece of data that all `n` names have. */
static text archive(const char *const *names, const size_t *sizes, int n, int method, const char *data, size_t packed,
                    size_t size) {
  text t = {0};
  text_add(&t, "PK\3\4", 4);
  number(&t, 4, 0);
  number(&t, 2, (uint64_t)method);
  number(&t, 8, 0);
  number(&t, 4, packed);
  number(&t, 4, size);
  number(&t, 4, 0);
  text_add(&t, data, packed);
  const size_t list = t.length;
  for (int i = 0; i < n; i++) {
    text_add(&t, "PK\1\2", 4);
    number(&t, 6, 0);
    number(&t, 2, (uint64_t)method);
    number(&t, 8, 0);
    number(&t, 4, packed);
    number(&t, 4, size);
    number(&t, 2, sizes[i]);
    number(&t, 12, 0);
    number(&t, 4, 0);
    text_add(&t, names[i], sizes[i]);
  }
  const size_t end = t.length;
  text_add(&t, "PK\5\6", 4);
  number(&t, 6, 0);
  number(&t, 2, (uint64_t)n);
  number(&t, 4, end - list);
  number(&t, 4, list);
  number(&t, 2, 0);
  assert_false(t.failed);
  return t;
}

static void names_with_zeros(void **state) {
  (void)state;
  const char *const names[] = {"\0x", "a/", "b"};
  const size_t sizes[] = {2, 2, 1};
  text t = archive(names, sizes, 3, 0, "1234", 4, 4);
  zip z;
  unroll_error err;
  assert_int_equal(zip_open(&z, "a.zip", t.data, t.length, &err), UNROLL_OK);
  assert_int_equal(z.n, 1);
  assert_string_equal(z.list[0].name, "b");
  zip_close(&z);
  text_free(&t);
}

/* A stored block of deflate, which all names have: what they unpack to is counted together. */
static void one_piece_many_names(void **state) {
  (void)state;
  static char data[5 + 4096];
  const char *const names[] = {"a", "b", "c", "d"};
  const size_t sizes[] = {1, 1, 1, 1};
  memcpy(data, "\1\0\20\377\357", 5);
  text t = archive(names, sizes, 4, 8, data, sizeof data, 4096);
  zip z;
  unroll_error err;
  const void *out;
  size_t n;
  budget_set(3 * 4096);
  assert_int_equal(zip_open(&z, "a.zip", t.data, t.length, &err), UNROLL_OK);
  if (zip_get(&z, &z.list[0], &out, &n, &err) && strstr(err.message, "no zlib")) {
    zip_close(&z);
    text_free(&t);
    skip();
  }
  z.unpacked = 0;
  for (int i = 0; i < 3; i++) assert_int_equal(zip_get(&z, &z.list[i], &out, &n, &err), UNROLL_OK);
  assert_int_equal(n, 4096);
  assert_int_equal(zip_get(&z, &z.list[3], &out, &n, &err), UNROLL_FAILED);
  budget_set(0);
  zip_close(&z);
  text_free(&t);
}

/* A million references, each by the number of those before it. */
static void many_references(void **state) {
  (void)state;
  enum { MANY = 1000000 };
  static const char magic[] = "\x80\x02\x8a\x0al\xfc\x9c"
                              "F\xf9 j\xa8P\x19.";
  text t = {0};
  arena memory = {0};
  arrays a = {.memory = &memory, .file = "m.pt"};
  unroll_error err;
  text_add(&t, magic, sizeof magic - 1);
  text_add(&t, "K\1.K\1.", 6);
  text_add(&t, "N", 1);
  for (int i = 0; i < MANY; i++) text_add(&t, "\x94", 1);
  text_add(&t, ".].", 3);
  const clock_t from = clock();
  assert_int_equal(arrays_of_torch(&a, t.data, t.length, &err), UNROLL_BAD_INPUT);
  assert_non_null(strstr(err.message, "no tensors with names"));
  assert_true((double)(clock() - from) / CLOCKS_PER_SEC < 60); /* searched from the first on they take minutes */
  arrays_free(&a);
  arena_free(&memory);
  text_free(&t);
}

/* --- memory that runs out --- */

static unroll_status whole_way(const char *path, const char *data, size_t size, unroll_error *err) {
  const import_options how = {.width = 3}; /* where a file leaves it open */
  layers l = {0};
  imported out = {.difference = 0};
  unroll_status status = import_bytes(&l, path, data, size, &how, err);
  if (!status) status = import_build(&out, &l, path, &how, err);
  imported_free(&out);
  layers_free(&l);
  return status;
}

/* Whatever allocation fails, it is said, and nothing is kept. */
static void starve(const char *path) {
  char *data;
  size_t size;
  unroll_error err = {0};
  assert_int_equal(file_read(path, &data, &size, &err), UNROLL_OK);
  const long before = mem_count(), live = mem_live();
  const unroll_status whole = whole_way(path, data, size, &err);
  const long all = mem_count() - before;
  if (whole) fail_msg("%s: %s", path, err.message);
  for (long n = 1; n <= all; n += 1 + all / 150) {
    mem_fail_after(n, 1);
    const unroll_status status = whole_way(path, data, size, &err);
    mem_fail_after(0, 0);
    if (status != UNROLL_FAILED) fail_msg("%s, allocation %ld of %ld: status %d, %s", path, n, all, status, err.message);
    assert_int_equal(mem_live(), live);
  }
  mem_free(data);
}

static void memory_runs_out(void **state) {
  (void)state;
  DIR *d = opendir("import");
  assert_non_null(d);
  int n = 0;
  for (const struct dirent *e; (e = readdir(d));) {
    static const char *const forms[] = {".onnx", ".keras", ".h5", ".pt", ".pth", ".safetensors", ".json"};
    char path[400];
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
      if (!text_ends(e->d_name, forms[i])) continue;
      snprintf(path, sizeof path, "import/%s", e->d_name);
      starve(path);
      n++;
    }
  }
  closedir(d);
  starve("import/keras_back/model.json");
  assert_true(n > 15);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(names_with_zeros), cmocka_unit_test(one_piece_many_names),
                                     cmocka_unit_test(many_references), cmocka_unit_test(memory_runs_out)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
