/* Names of files in cells: the folder they are in, and which part is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "base/memory.h"
#include "read/named.h"

static void names_are_beside_the_table(void **state) {
  (void)state;
  static const char *const rows[][3] = {{"a/b.csv", "c.mid", "a/c.mid"},
                                        {"b.csv", "c.mid", "c.mid"},
                                        {"a/b.csv", "/c.mid", "/c.mid"},
                                        {"/b.csv", "d/c.mid", "/d/c.mid"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char *path = named_path(rows[i][0], rows[i][1], strlen(rows[i][1]));
    assert_string_equal(path, rows[i][2]);
    mem_free(path);
  }
  mem_fail_after(1, 0);
  assert_null(named_path("a", "b", 1));
  mem_fail_after(0, 0);
}

static void parts_are_named(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int size; /* without the part; 0: there is none */
    int64_t from, to;
  } rows[] = {
      {"a#12", 1, 12, 12},  {"a#3-7", 1, 3, 7},
      {"a b#0-0", 3, 0, 0}, {"a", 0, 0, 0},
      {"a#", 0, 0, 0},      {"a12", 0, 0, 0},
      {"a#-7", 0, 0, 0},    {"a#3-", 0, 0, 0},
      {"#3", 0, 0, 0},      {"3-7", 0, 0, 0},
      {"a#b3-7", 0, 0, 0},  {"", 0, 0, 0},
      {"a#1#2", 3, 2, 2},   {"a#1234567890123456", 0, 0, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int64_t from = 0, to = 0;
    size_t size = strlen(rows[i].name);
    const bool found = named_part(rows[i].name, &size, &from, &to);
    if (found != (rows[i].size > 0)) fail_msg("'%s'", rows[i].name);
    if (found && (size != (size_t)rows[i].size || from != rows[i].from || to != rows[i].to)) fail_msg("'%s'", rows[i].name);
    if (!found) assert_int_equal(size, strlen(rows[i].name));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(names_are_beside_the_table), cmocka_unit_test(parts_are_named)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
