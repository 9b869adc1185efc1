/* test_build_bad.c - programs that must not become graphs: too deep, too large, wrong, or built without memory.
 *
 * tests/bad/graph holds a program a file with `# error: LINE:COLUMN: part of the message` in its first line, or
 * `# error in FILE: ...` when the place is in a cell. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/file.h"
#include "graph/graph.h"

typedef struct built {
  arena memory;
  program *net;
  graph g;
} built;

static unroll_status build_with(built *t, const char *source, const build_options *o, unroll_error *err) {
  *t = (built){0};
  graph_init(&t->g);
  unroll_status s = lang_parse(&t->net, "test.net", source, &t->memory, err);
  return s == UNROLL_OK ? graph_build(&t->g, t->net, o, err) : s;
}

static void drop(built *t) {
  graph_free(&t->g);
  arena_free(&t->memory);
}

/* --- limits --- */

/* Cells that call each other: c0 calls c1 twice, c1 calls c2 twice ... */
static const char *find_chain(void *context, const char *name, arena *memory, const char **file) {
  const int depth = *(const int *)context;
  int k = 0;
  char cell[200];
  (void)file;
  if (sscanf(name, "c%d", &k) != 1) return NULL;
  if (k == depth)
    snprintf(cell, sizeof cell, "h = tanh(W x + U h[t-1])\n");
  else
    snprintf(cell, sizeof cell, "h = c%d(x, 2) + c%d(x, 2)\n", k + 1, k + 1);
  return arena_text(memory, cell, strlen(cell));
}

static void test_limits(void **state) {
  (void)state;
  for (int depth = 5; depth <= 12; depth += 7) {
    built t;
    unroll_error err;
    build_options o = {.find_cell = find_chain, .context = &depth};
    const unroll_status s = build_with(&t, "data x : numbers\nh = c0(x[t-1], 2)\nx ~ gaussian(mean = W h, scale = 1)\n", &o, &err);
    assert_int_equal(s, depth == 5 ? UNROLL_OK : UNROLL_BAD_INPUT);
    if (s != UNROLL_OK) assert_non_null(strstr(err.message, "more than 8 deep"));
    drop(&t);
  }
  /* a chain of definitions, each needing the next one */
  for (int n = 100; n <= 3000; n += 2900) {
    text source = {0};
    built t;
    unroll_error err;
    text_format(&source, "data x : numbers\nx ~ gaussian(mean = y0, scale = 1)\n");
    for (int i = 0; i < n; i++) text_format(&source, "y%d = y%d + 1\n", i, i + 1);
    text_format(&source, "y%d = x[t-1]\n", n);
    const unroll_status s = build_with(&t, source.data, NULL, &err);
    assert_int_equal(s, n == 100 ? UNROLL_OK : UNROLL_BAD_INPUT);
    if (s != UNROLL_OK) assert_non_null(strstr(err.message, "nested too deeply"));
    text_free(&source);
    drop(&t);
  }
  assert_int_equal(mem_live(), 0);
}

/* Many calls of a cell of many lines: refused by count, not by memory. */
static const char *find_long(void *context, const char *name, arena *memory, const char **file) {
  text t = {0};
  (void)context;
  (void)file;
  if (strcmp(name, "long")) return NULL;
  for (int i = 0; i < 4000; i++) text_format(&t, "s%d = %d\n", i, i);
  text_format(&t, "h = x\n");
  const char *copy = arena_text(memory, t.data, t.length);
  text_free(&t);
  return copy;
}

static void test_explosion(void **state) {
  (void)state;
  text source = {0};
  built t;
  unroll_error err;
  build_options o = {.find_cell = find_long};
  text_format(&source, "data x : numbers\n");
  for (int i = 0; i < 500; i++) text_format(&source, "y%d = long(long(x[t-1], 1), 1, layers = 9)\n", i);
  text_format(&source, "x ~ gaussian(mean = y0, scale = 1)\n");
  assert_int_equal(build_with(&t, source.data, &o, &err), UNROLL_BAD_INPUT);
  assert_non_null(strstr(err.message, "too large"));
  text_free(&source);
  drop(&t);
}

/* --- bad programs --- */

static const char *find_bad(void *context, const char *name, arena *memory, const char **file) {
  char path[700], *data = NULL;
  size_t size = 0;
  (void)context;
  snprintf(path, sizeof path, "%s/tests/bad/graph/cells/%s.cell", UNROLL_SOURCE_DIR, name);
  if (file_read(path, &data, &size, NULL) != UNROLL_OK) return NULL;
  const char *copy = arena_text(memory, data, size);
  mem_free(data);
  snprintf(path, sizeof path, "%s.cell", name);
  *file = arena_text(memory, path, strlen(path));
  return copy;
}

static void replay(const char *path) {
  char *data = NULL, place[600] = "", expected[600], found[600];
  size_t size = 0;
  int line = 0, column = 0;
  assert_int_equal(file_read(path, &data, &size, NULL), UNROLL_OK);
  if (sscanf(data, "# error: %d:%d: %599[^\n]", &line, &column, expected) != 3 &&
      sscanf(data, "# error in %599[^:]: %d:%d: %599[^\n]", place, &line, &column, expected) != 4)
    fail_msg("%s: bad first line", path);
  arena memory = {0};
  program *p = NULL;
  unroll_error err;
  if (lang_parse(&p, path, data, &memory, &err) != UNROLL_OK) fail_msg("%s does not parse: %s", path, err.message);
  for (int pass = 0; pass < 2; pass++) {
    graph g;
    build_options o = {.find_cell = find_bad};
    graph_init(&g);
    if (graph_build(&g, p, &o, pass ? NULL : &err) != UNROLL_BAD_INPUT) fail_msg("%s is not refused", path);
    graph_free(&g);
  }
  snprintf(found, sizeof found, "%d:%d: %s", err.line, err.column, err.message);
  if (err.code != UNROLL_BAD_INPUT || err.line != line || err.column != column || !strstr(err.message, expected))
    fail_msg("%s\nexpected %d:%d: %s\nfound    %s", path, line, column, expected, found);
  const char *file = *place ? strstr(err.file, place) : NULL; /* the called cell's, built in or not */
  if (*place ? !file || strcmp(file, place) : strncmp(err.file, path, sizeof err.file - 1))
    fail_msg("%s: error in file %s", path, err.file);
  assert_true(err.source[0] != 0);
  arena_free(&memory);
  mem_free(data);
}

static void test_bad(void **state) {
  (void)state;
  DIR *folder = opendir(UNROLL_SOURCE_DIR "/tests/bad/graph");
  assert_non_null(folder);
  int n = 0;
  for (struct dirent *f; (f = readdir(folder));) {
    char path[600];
    if (!strchr(f->d_name, '.') || f->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/tests/bad/graph/%s", UNROLL_SOURCE_DIR, f->d_name);
    replay(path);
    n++;
  }
  closedir(folder);
  assert_true(n >= 70);
  assert_int_equal(mem_live(), 0);
}

/* --- lack of memory --- */

static const char *find_own(void *context, const char *name, arena *memory, const char **file) {
  (void)context;
  (void)memory;
  (void)file;
  return strcmp(name, "stacked") ? NULL : "low = rnn(x, 4)\nh = rnn(low, 4)\n";
}

static void test_memory(void **state) {
  (void)state;
  static const char *const sources[] = {
      ("data a : chars\ndata token : words(9)\nk = lstm\ns = k(embed(a, 3), 4, backward, layers = 2)\n"
       "h = lstm(embed(token[t-1], 3), 4, start = s, dropout = 0.5)\ntoken ~ softmax(W [h, attend(h, s)] + b)\ninit W = xavier\n"),
      "data token : chars\nh = stacked(embed(token[t-1], 3), 4)\nk = tanh(U k[t-2] + h)\ntoken ~ softmax(W k)\n",
      "data token : chars\nh = stackd(embed(token[t-1], 3), 4)\ntoken ~ softmax(W h)\n",
      "h = tanh(W x + V v + U h[t-1])\n",
  };
  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
    for (int forever = 0; forever < 2; forever++) {
      unroll_status s = UNROLL_FAILED;
      for (long n = 1; s == UNROLL_FAILED; n++) {
        const setting word = {.name = "k", .word = "gru"};
        build_options o = {.find_cell = find_own, .settings = &word, .n_settings = i == 0};
        arena memory = {0};
        program *p = NULL;
        graph g;
        unroll_error err;
        assert_int_equal(lang_parse(&p, "test.net", sources[i], &memory, &err), UNROLL_OK);
        mem_fail_after(n, forever);
        graph_init(&g);
        s = graph_build(&g, p, &o, &err);
        mem_fail_after(0, 0);
        graph_free(&g);
        arena_free(&memory);
        assert_true(n < 100000);
      }
      assert_int_equal(s, i == 2 ? UNROLL_BAD_INPUT : UNROLL_OK);
    }
  assert_int_equal(mem_live(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_explosion),
      cmocka_unit_test(test_bad),
      cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
