/* test_bad.c - data and data lines that must be refused, with the place.
 *
 * tests/bad/data/: a *.txt file begins with `# KIND [lines]; known SYMBOLS; error LINE:COLUMN: part of the message`, and its data
 * follows that line; with symbols (- for none) the error comes from encoding with just these. A *.net file ends with
 * `# error CODE LINE:COLUMN: part of the message`. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/file.h"
#include "base/memory.h"
#include "plain.h"

#define FOLDER UNROLL_SOURCE_DIR "/tests/bad/data"

static void check(const char *path, const unroll_error *err, int code, int line, int column, const char *message) {
  if ((int)err->code == code && err->line == line && err->column == column && strstr(err->message, message)) return;
  fail_msg("%s\nexpected %d %d:%d: %s\nfound    %d %d:%d: %s", path, code, line, column, message, err->code, err->line, err->column,
           err->message);
}

/* "ab\n" with the two characters \n meaning a newline -> a vocabulary. */
static void know(vocabulary *v, const data_form *f, const char *symbols) {
  int32_t codes[64];
  int64_t n = 0;
  for (const char *s = symbols; *s;) {
    uint32_t code;
    s += utf8_decode(s, strlen(s), &code);
    if (code == '\\') {
      code = '\n';
      s++;
    }
    codes[n++] = (int32_t)code;
  }
  const int32_t *all = codes;
  assert_int_equal(vocabulary_collect(v, f->unit, f->lines, &all, &n, 1, NULL), UNROLL_OK);
}

static void replay_text(const char *path, const char *data, size_t size) {
  char kind[32], known[64], message[200];
  int line, column;
  if (sscanf(data, "# %31[^;]; known %63[^;]; error %d:%d: %199[^\n]", kind, known, &line, &column, message) != 5)
    fail_msg("%s: bad first line", path);
  const data_form form = {.name = "token",
                          .of = &data_kinds[KIND_chars],
                          .unit = strncmp(kind, "bytes", 5) ? UNIT_CHARS : UNIT_BYTES,
                          .lines = strstr(kind, "lines") != NULL};
  const char *text_begin = strchr(data, '\n') + 1;
  dataset d;
  unroll_error err = {0};
  unroll_status status = dataset_parse(&d, &form, path, text_begin, size - (size_t)(text_begin - data), &err);
  if (strcmp(known, "-")) {
    vocabulary v;
    assert_int_equal(status, UNROLL_OK);
    know(&v, &form, known);
    status = plain_encode(&d, &form, &v, &err);
    vocabulary_free(&v);
    assert_true(err.source[0] != 0);
  }
  assert_int_equal(status, UNROLL_BAD_INPUT);
  check(path, &err, UNROLL_BAD_INPUT, line, column, message);
  dataset_free(&d);
}

static void replay_net(const char *path, const char *data) {
  const char *mark = strstr(data, "# error ");
  char message[200];
  int code = 0, line = 0, column = 0;
  if (!mark || sscanf(mark, "# error %d %d:%d: %199[^\n]", &code, &line, &column, message) != 4)
    fail_msg("%s: bad last line", path);
  arena memory = {0};
  program *net;
  data_form forms[MAX_FORMS];
  int n;
  unroll_error err = {0};
  assert_int_equal(lang_parse(&net, path, data, &memory, &err), UNROLL_OK);
  assert_int_equal(data_forms_of(forms, &n, net, &err), code);
  check(path, &err, code, line, column, message);
  assert_int_equal(data_forms_of(forms, &n, net, NULL), code);
  arena_free(&memory);
}

static void test_files(void **state) {
  (void)state;
  DIR *folder = opendir(FOLDER);
  assert_non_null(folder);
  int n = 0;
  for (struct dirent *f; (f = readdir(folder));) {
    char path[600], *data;
    size_t size;
    if (f->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", FOLDER, f->d_name);
    assert_int_equal(file_read(path, &data, &size, NULL), UNROLL_OK);
    if (strstr(f->d_name, ".net"))
      replay_net(path, data);
    else
      replay_text(path, data, size);
    mem_free(data);
    n++;
  }
  closedir(folder);
  assert_true(n >= 30);
  assert_int_equal(mem_live(), 0);
}

static void test_long_line(void **state) {
  (void)state;
  const data_form form = {.name = "token", .of = &data_kinds[KIND_chars], .lines = true};
  const size_t n = MAX_LINE + 10;
  char *data = mem_alloc(n);
  memset(data, 'a', n);
  data[3] = '\n';
  dataset d;
  unroll_error err = {0};
  assert_int_equal(dataset_parse(&d, &form, "long", data, n, &err), UNROLL_BAD_INPUT);
  assert_int_equal(err.line, 2);
  assert_int_equal(err.column, MAX_LINE);
  assert_int_equal(dataset_parse(&d, &form, "long", data, MAX_LINE + 3, &err), UNROLL_OK); /* one less */
  dataset_free(&d);
  mem_free(data);
}

static void test_no_file(void **state) {
  (void)state;
  const data_form form = {.name = "token", .of = &data_kinds[KIND_chars]};
  dataset d;
  unroll_error err = {0};
  assert_int_equal(dataset_read_plain(&d, &form, FOLDER "/does_not_exist", false, &err), UNROLL_BAD_INPUT);
  assert_true(err.file[0] != 0);
  assert_int_equal(dataset_read_plain(&d, &form, FOLDER "/none", false, &err), UNROLL_BAD_INPUT);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_files), cmocka_unit_test(test_long_line),
                                     cmocka_unit_test(test_no_file)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
