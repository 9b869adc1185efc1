/* test_bad.c - programs that must be refused: files that say where and why, caps, and lack of memory.
 *
 * tests/bad/lang/ holds a program a file; its first line is `# error: LINE:COLUMN: part of the message`. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/file.h"
#include "lang/lang.h"

static void replay(const char *path) {
  char *data = NULL, expected[600], found[600];
  size_t size = 0;
  assert_int_equal(file_read(path, &data, &size, NULL), UNROLL_OK);
  const char *first = strstr(data, "# error: ");
  if (!first || first - data > 3) fail_msg("%s: expected '# error: LINE:COLUMN: message' in the first line", path);
  int line = 0, column = 0, n = 0;
  if (sscanf(first, "# error: %d:%d: %599[^\n]%n", &line, &column, expected, &n) != 3) fail_msg("%s: bad first line", path);
  arena memory = {0};
  program *p = NULL;
  unroll_error err;
  if (lang_parse(&p, path, data, &memory, &err) != UNROLL_BAD_INPUT) fail_msg("%s is not refused", path);
  assert_null(p);
  assert_int_equal(err.code, UNROLL_BAD_INPUT);
  snprintf(found, sizeof found, "%d:%d: %s", err.line, err.column, err.message);
  if (err.line != line || err.column != column || !strstr(err.message, expected))
    fail_msg("%s\nexpected %d:%d: %s\nfound    %s", path, line, column, expected, found);
  assert_true(err.source[0] != 0);
  assert_int_equal(lang_parse(&p, path, data, &memory, NULL), UNROLL_BAD_INPUT);
  arena_free(&memory);
  mem_free(data);
}

static void test_files(void **state) {
  (void)state;
  DIR *folder = opendir(UNROLL_SOURCE_DIR "/tests/bad/lang");
  assert_non_null(folder);
  int n = 0;
  for (struct dirent *f; (f = readdir(folder));) {
    char path[600];
    if (f->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", UNROLL_SOURCE_DIR "/tests/bad/lang", f->d_name);
    replay(path);
    n++;
  }
  closedir(folder);
  assert_true(n >= 100);
  assert_int_equal(mem_live(), 0);
}

/* `count` times the same piece, between two others. */
static char *repeated(const char *before, const char *piece, size_t count, const char *after) {
  text t = {0};
  text_add(&t, before, strlen(before));
  for (size_t i = 0; i < count; i++) text_add(&t, piece, strlen(piece));
  text_add(&t, after, strlen(after));
  assert_false(t.failed);
  return t.data;
}

static const struct cap {
  const char *before, *piece;
  size_t fits, too_many;
  const char *after, *message; /* NULL: any */
} caps[] = {
    {"y = ", "(", 64, 65, "x", NULL}, /* not closed: an error either way */
    {"y = x", " + x", 511, 512, "", "more than 512 operators"},
    {"y = x", " * -x", 510, 511, "", "more than 512 operators"},
    {"", "a = \n", 0, 1, "", "expected an expression"},
    {"# ", "x", (1 << 20) - 2, (1 << 20) - 1, "", "larger than 1 MiB"},
    {"y = f([", "x,", 119998, 119999, "x])", "more than 120000 names"},
    {"y = 1\n", "\n", 100000, 1 << 20, "", "larger than 1 MiB"},
    {"param ", "p,", 0, 1 << 18, "p", NULL},
    {"y = [x", ",(x)", 60000, 70000, "]", NULL},
};

static void test_caps(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof caps / sizeof *caps; i++) {
    const struct cap *c = &caps[i];
    for (int over = 0; over < 2; over++) {
      arena memory = {0};
      program *p;
      unroll_error err;
      char *source = repeated(c->before, c->piece, over ? c->too_many : c->fits, c->after);
      unroll_status status = lang_parse(&p, "cap", source, &memory, &err);
      if (over && (status != UNROLL_BAD_INPUT || (c->message && !strstr(err.message, c->message))))
        fail_msg("row %zu: not refused as it should: %s", i, status ? err.message : "");
      if (!over && c->message && strcmp(c->message, "expected an expression") && strncmp(c->message, "more than 120000", 16) &&
          status)
        fail_msg("row %zu: refused: %s", i, err.message);
      mem_free(source);
      arena_free(&memory);
    }
  }
  assert_int_equal(mem_live(), 0);
}

static void test_statements_cap(void **state) {
  (void)state;
  for (int n = 32768; n <= 32769; n++) {
    text t = {0};
    for (int i = 0; i < n; i++) text_format(&t, "y%d = W x\n", i);
    arena memory = {0};
    program *p;
    unroll_error err;
    assert_int_equal(lang_parse(&p, "cap", t.data, &memory, &err), n == 32768 ? UNROLL_OK : UNROLL_BAD_INPUT);
    if (n > 32768) assert_non_null(strstr(err.message, "more than 32768 statements"));
    arena_free(&memory);
    text_free(&t);
  }
}

static const char sample[] = "# Everything that allocates.\n"
                             "data token : words(100) lines\n"
                             "param a, c\n"
                             "n = 3\n"
                             "h_t = lstm(embed(token_{t-1}, n), [a, W·c], layers = 2, backward)\n"
                             "init W, V = uniform(0.1)\n"
                             "token ~ softmax(W h^2 - -x + b)\n";

/* Every allocation fails once, and from then on: refused for lack of memory, nothing left behind. */
static void sweep(const char *source, unroll_status whole) {
  const long live = mem_live();
  for (int forever = 0; forever < 2; forever++) {
    for (long n = 1;; n++) {
      arena memory = {0};
      program *p = NULL;
      unroll_error err;
      mem_fail_after(n, forever);
      unroll_status status = lang_parse(&p, "memory", source, &memory, &err);
      text out = {0};
      if (!status) lang_print(p, &out);
      bool printed = !status && !out.failed;
      mem_fail_after(0, 0);
      if (status == UNROLL_FAILED) {
        assert_null(p);
        assert_string_equal(err.message, "out of memory");
      } else {
        assert_int_equal(status, whole);
      }
      text_free(&out);
      arena_free(&memory);
      assert_int_equal(mem_live(), live);
      if (whole ? status == whole : printed) break;
      assert_true(n < 10000);
    }
  }
}

static void test_memory(void **state) {
  (void)state;
  sweep(sample, UNROLL_OK);
  sweep("y = tanh(W x + b\nh = 3 x\n", UNROLL_BAD_INPUT);
  char *sum = repeated("y = [x", ", W x", 400, "]\n"); /* lists that grow */
  sweep(sum, UNROLL_OK);
  mem_free(sum);
  for (long n = 1;; n++) {
    arena memory = {0};
    expr *e;
    mem_fail_after(n, 1);
    unroll_status status = lang_parse_expr(&e, "dy * y * (1 - y)", &memory, NULL);
    mem_fail_after(0, 0);
    arena_free(&memory);
    assert_int_equal(mem_live(), 0);
    if (!status) break;
    assert_int_equal(status, UNROLL_FAILED);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_files),
      cmocka_unit_test(test_caps),
      cmocka_unit_test(test_statements_cap),
      cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
