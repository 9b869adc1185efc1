/* The forms of tables: each ends as the same rows and cells, and says what is wrong with it where it stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/budget.h"
#include "base/memory.h"
#include "base/text.h"
#include "read/table.h"

#define BYTES(s) s, sizeof(s) - 1
#define NPY_HEAD(dict) "\x93NUMPY\1\0\100\0" dict /* of 64 bytes */
/* [3], [2, 2], [2, 1, 2] in the order of Fortran, big-endian shorts, bools */
#define NPY_3 NPY_HEAD("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }      \n") "\0\0\200\77\0\0\0\300\0\0\0\77"
#define NPY_2_2 NPY_HEAD("{'descr': '<i2', 'fortran_order': False, 'shape': (2, 2), }    \n") "\1\0\377\377\3\0\4\0"
#define NPY_2_3_2 NPY_HEAD("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 2), }  \n") "\1\2\3\4\5\6\7\10\11\12\13\14"
#define NPY_BIG NPY_HEAD("{'descr': '>i2', 'fortran_order': False, 'shape': (2,), }      \n") "\1\0\377\376"
#define NPY_HALF NPY_HEAD("{'descr': '<f2', 'fortran_order': False, 'shape': (3,), }      \n") "\0\76\0\374\1\0"
#define TENSORS(size, head) size "\0\0\0\0\0\0\0" head
#define SENTENCES                                                                                                                  \
  "# text = Go on\n1\tGo\tgo\tVERB\t_\t_\t0\troot\t_\t_\n2\ton\ton\tADP\t_\t_\t1\tadv\t_\t_\n\n"                                   \
  "1-2\tdon't\t_\t_\t_\t_\t_\t_\t_\t_\n1\tdo\tdo\tAUX\t_\t_\t0\troot\t_\t_\r\n1.1\tx\tx\tX\t_\t_\t_\t_\t_\t_\n# odd\n"             \
  "2\tnot so\tnot\tPART\t_\t_\t1\tadv\t_\t_\n\n"

/* Cells with | between them, rows with newlines. `columns`: only the first so many. */
static const struct {
  const char *name, *data;
  size_t size;
  int columns;
  const char *cells;
} good[] = {
    /* separators */
    {"a.csv", BYTES("a,b\n1,2\n"), 2, "a|b\n1|2\n"},
    {"a.csv", BYTES("a;b\n1,5;2,5\n"), 2, "a|b\n1,5|2,5\n"},
    {"a.csv", BYTES("a,x;b\n15;2\n"), 2, "a,x|b\n15|2\n"},
    {"a.csv", BYTES("a\tb\n1,5\t2,5\n"), 2, "a|b\n1,5|2,5\n"},
    {"a", BYTES("a|b\n1;5|2;5\n"), 2, "a|b\n1;5|2;5\n"},
    {"a", BYTES("\"a;b\",c\n\"1;2\",3\n"), 2, "a;b|c\n1;2|3\n"},
    {"a.csv", BYTES("text\none, two\n"), 1, "text\n\n"}, /* as ever: a row of two fields is broken */
    {"a.tsv", BYTES("a,b\n1,2\n"), 1, "a,b\n1,2\n"},
    {"a.csv.gz", BYTES("a,b\tc\n1,2\t3\n"), 2, "a|b\tc\n1|2\t3\n"},
    {"a.csv", BYTES("sep=;\r\na;b\r\n1;2\r\n"), 2, "a|b\n1|2\n"},
    {"a.csv", BYTES("sep=|\na,b|c\n1,2|3\n"), 2, "a,b|c\n1,2|3\n"},
    /* lines that end with a carriage return */
    {"a.csv", BYTES("a,b\r1,2\r3,4"), 2, "a|b\n1|2\n3|4\n"},
    {"a.csv", BYTES("a,b\r1,\"2\r3\"\r4,5\r\r"), 2, "a|b\n1|2\r3\n4|5\n"},
    {"a.csv", BYTES("a;b\r\n1;2\r\n"), 2, "a|b\n1|2\n"},
    {"a.csv", BYTES("a,b\n1,2\r3\n"), 2, "a|b\n1|2\r3\n"},
    /* JSON lines */
    {"a.jsonl", BYTES("{\"a\": 1, \"b\": \"x\"}\n{\"b\": \"y, \\\"z\\\"\\u00e9\", \"a\": -2.5e3}\n"), 2,
     "a|b\n1|x\n-2.5e3|y, \"z\"\xc3\xa9\n"},
    {"a", BYTES("\xef\xbb\xbf{\"a\":true,\"b\":null}\r\n\n  {\"c\":\"\\\\\",\"a\":false}"), 3, "a|b|c\ntrue||\nfalse||\\\n"},
    {"a.ndjson", BYTES("{}\n{\"a\": \"{[\"}\n"), 1, "a\n\n{[\n"},
    {"a.csv", BYTES("{\"a\": 1}\n{2}\n"), 1, "{\"a\": 1}\n{2}\n"}, /* the name comes first */
    /* CoNLL-U */
    {"a.conllu", BYTES(SENTENCES), 4, "id|form|lemma|upos\n1|Go|go|VERB\n2|on|on|ADP\n1|do|do|AUX\n2|not so|not|PART\n"},
    {"a", BYTES(SENTENCES), 2, "id|form\n1|Go\n2|on\n1|do\n2|not so\n"},
    /* arrays */
    {"data/x.npy", BYTES(NPY_3), 1, "x\n1\n-2\n0.5\n"},
    {"y.npy", BYTES(NPY_2_2), 1, "y\n1;-1\n3;4\n"},
    {"z", BYTES(NPY_2_3_2), 1, "z\n1;7 3;9 5;11\n2;8 4;10 6;12\n"},
    {"x.npy", BYTES(NPY_BIG), 1, "x\n256\n-2\n"},
    {"x.npy", BYTES(NPY_HALF), 1, "x\n1.5\n-inf\n5.96046448e-08\n"},
    {"x.safetensors",
     BYTES(TENSORS("\164", "{\"u\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
                           "\"v,w\":{\"dtype\":\"BF16\",\"shape\":[2,1],\"data_offsets\":[2,6]}}     ") "\7\10\200\77\0\300"),
     2, "u|v,w\n7|1\n8|-2\n"},
};

static void write_cells(text *out, const table *t, int columns) {
  for (int64_t row = 0; row <= t->n_rows; row++)
    for (int k = 0; k < columns; k++) {
      const cell *c = table_cell(t, row, k);
      text_add(out, c->text, c->size);
      text_add(out, k + 1 < columns ? "|" : "\n", 1);
    }
}

static char *copy_of(const char *data, size_t size) {
  char *copy = mem_alloc(size + 1);
  if (!copy) return NULL;
  memcpy(copy, data, size);
  copy[size] = 0;
  return copy;
}

static void test_good(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    table t;
    unroll_error err = {0};
    text cells = {0};
    if (table_parse(&t, good[i].name, copy_of(good[i].data, good[i].size), good[i].size, &err))
      fail_msg("%zu: %s:%d:%d: %s", i, err.file, err.line, err.column, err.message);
    write_cells(&cells, &t, good[i].columns);
    if (t.n_columns < good[i].columns || strcmp(cells.data, good[i].cells)) fail_msg("%zu: %s", i, cells.data);
    text_free(&cells);
    table_free(&t);
    assert_int_equal(mem_live(), 0);
  }
}

/* What is wrong with a file, or with its first broken row. */
static const struct {
  const char *name, *data;
  size_t size;
  int line, column;
  const char *message;
} bad[] = {
    {"a", BYTES("a;b\n1;2\n3\n"), 3, 1, "row 3 has 1 field, but there are 2 columns"},
    {"a", BYTES("a,b\r1,2\r3\r"), 3, 1, "row 3 has 1 field, but there are 2 columns"},
    {"a", BYTES("sep=;\na;b\n1;2\n3\n"), 4, 1, "row 3 has 1 field, but there are 2 columns"},
    {"a.jsonl", BYTES("{\"a\": 1}\n{\"a\": 1,}\n"), 2, 9, "this is not good JSON"},
    {"a.jsonl", BYTES("{\"a\": 1}\n{\"a\": [1, 2]}\n"), 2, 7, "a list or an object in an object"},
    {"a.jsonl", BYTES("{\"a\": 1}\n\n {\"b\": {}}\n"), 3, 8, "a list or an object in an object"},
    {"a.jsonl", BYTES("{\"a\": 1}\n[1]\n"), 2, 1, "a line of JSON lines is an object"},
    {"a.jsonl", BYTES("{\"a\": 1}\n{\"a\": 1, \"a\": 2}\n"), 2, 0, "this is not good JSON"},
    {"a.jsonl", BYTES("{\"a\": 1}\n{\"a\": \"\xff\"}\n"), 2, 0, "this is not good JSON"},
    {"a.jsonl", BYTES("a,b\n1,2\n"), 1, 1, "a line of JSON lines is an object"},
    {"a.jsonl", BYTES("{}\n"), 1, 1, "an object without keys"},
    {"a.jsonl", BYTES("\n \n"), 0, 0, "the file has no rows"},
    {"a.jsonl", BYTES(""), 0, 0, "the file is empty"},
    {"a.conllu", BYTES("1\ta\tb\n"), 1, 1, "3 fields, but there are 10 columns"},
    {"a.conllu", BYTES("# nothing\n\n"), 0, 0, "the file has no rows"},
    {"a.npy", BYTES("a,b\n1,2\n"), 0, 0, "the header's length"},
    {"a.npy", BYTES(NPY_3 "x"), 0, 0, "13 bytes of numbers, and its shape needs 3 of 4 bytes each"},
    {"a.npy", BYTES(NPY_HEAD("{'descr': '<U4', 'fortran_order': False, 'shape': (3,), }      \n")), 0, 0,
     "its type '<U4' is none of"},
    {"a.npy", BYTES(NPY_HEAD("{'descr': '<f4', 'fortran_order': False, 'shape': (), }        \n") "\0\0\0\0"), 0, 0,
     "is one number"},
    {"a.npy", BYTES(NPY_HEAD("{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }      \n")), 0, 0, "no rows"},
    {"a.npy", BYTES(NPY_HEAD("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999,0)}\n ")), 0, 0, "rows without numbers"},
    {"a.npy", BYTES(NPY_HEAD("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999)}")), 0, 0,
     "its shape needs 99999999999"},
    {"a.npy", BYTES("\x93NUMPY\1\0\100\0{'descr'"), 0, 0, "the head of this NumPy file is wrong"},
    {"a.safetensors", BYTES(TENSORS("\60", "{\"__metadata__\":{\"format\":\"unroll 1\"}}          ")), 0, 0,
     "this is a model of Unroll, not a table"},
    {"photo.jpg", BYTES("\xFF\xD8\xFF\xE0\0\20JFIF"), 0, 0,
     "this is a JPEG picture, not a table; the cells of a table name pictures"},
    {"a.csv", BYTES("PK\3\4\24\0\10\0\0\0 xl/workbook.xml"), 0, 0, "this is an Excel workbook (XLSX), not a table; save it as CSV"},
    {"a.csv", BYTES("PAR1\x15\4\0"), 0, 0, "this is a Parquet file, not a table; write it as CSV or JSON lines"},
    {"a.csv",
     BYTES("\xFF\xFE"
           "a\0,\0"),
     0, 0, "this is a text in UTF-16, not a table; bring it in UTF-8"},
    {"a.csv", BYTES("<!DOCTYPE html><p>"), 0, 0, "this is a page of HTML, not a table"},
    {"a.json", BYTES("[{\"a\": 1}]"), 0, 0, "this is a JSON array, not a table; write an object a line"},
    {"a.csv", BYTES("a,b\n1,\0\n"), 2, 3, "a NUL: this is not a table of text"},
};

static void test_bad(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    table t;
    unroll_error err = {0};
    unroll_status status = table_parse(&t, bad[i].name, copy_of(bad[i].data, bad[i].size), bad[i].size, &err);
    for (int64_t row = 1; !status && row <= t.n_rows; row++) status = table_check(&t, row, &err);
    if (status != UNROLL_BAD_INPUT || err.line != bad[i].line || (bad[i].column && err.column != bad[i].column) ||
        !strstr(err.message, bad[i].message))
      fail_msg("%zu: %d %s:%d:%d: %s", i, (int)status, err.file, err.line, err.column, err.message);
    table_free(&t);
    assert_int_equal(mem_live(), 0);
  }
}

/* The place of a value is that in the file. */
static void test_places(void **state) {
  (void)state;
  table t;
  unroll_error err = {0};
  const char json[] = "{\"k\": \"v\\u0061\"}\n{ \"k\" : \"ab\" }\n";
  assert_int_equal(table_parse(&t, "a.jsonl", copy_of(BYTES(json)), sizeof json - 1, &err), UNROLL_OK);
  table_bad(&t, 2, 0, 1, &err, "here");
  assert_int_equal(err.line, 2);
  assert_int_equal(err.column, 11);
  assert_string_equal(err.message, "row 2, column 'k': here");
  table_bad(&t, 1, 0, 0, &err, "here");
  assert_int_equal(err.column, 8);
  table_free(&t);
  assert_int_equal(table_parse(&t, "x.npy", copy_of(BYTES(NPY_HALF)), sizeof NPY_HALF - 1, &err), UNROLL_OK);
  table_bad(&t, 2, 0, 0, &err, "here");
  assert_int_equal(err.line, 3);
  assert_string_equal(err.message, "row 3, column 'x': here");
  assert_string_equal(err.source, "-inf");
  table_free(&t);
}

static unroll_status parse_all(table *t, const char *const *names, const char *const *data, const size_t *sizes, int n,
                               unroll_error *err) {
  input_files in = {.files = mem_zero((size_t)n, sizeof *in.files), .n = n};
  for (int i = 0; i < n; i++)
    in.files[i] = (input_file){.name = copy_of(names[i], strlen(names[i])), .data = copy_of(data[i], sizes[i]), .size = sizes[i]};
  return table_parse_files(t, &in, &(table_options){0}, err);
}

/* Arrays stand side by side, other files one behind the other. */
static void test_several(void **state) {
  (void)state;
  table t;
  unroll_error err = {0};
  text cells = {0};
  const char *names[] = {"d/x.npy", "d/y.npy"}, *arrays[] = {NPY_2_2, NPY_BIG};
  const size_t sizes[] = {sizeof NPY_2_2 - 1, sizeof NPY_BIG - 1};
  assert_int_equal(parse_all(&t, names, arrays, sizes, 2, &err), UNROLL_OK);
  write_cells(&cells, &t, 2);
  assert_string_equal(cells.data, "x|y\n1;-1|256\n3;4|-2\n");
  text_free(&cells);
  table_free(&t);
  const char *more[] = {NPY_2_2, NPY_3};
  const size_t other[] = {sizeof NPY_2_2 - 1, sizeof NPY_3 - 1};
  assert_int_equal(parse_all(&t, names, more, other, 2, &err), UNROLL_BAD_INPUT);
  assert_string_equal(err.message, "'y' has 3 rows, but 'x' has 2");
  table_free(&t);
  const char *lines[] = {"a.jsonl", "b.jsonl"}, *json[] = {"{\"a\": 1}\n", "{\"b\": 2}\n{\"a\": 3}"};
  const size_t lengths[] = {9, 17};
  assert_int_equal(parse_all(&t, lines, json, lengths, 2, &err), UNROLL_OK);
  write_cells(&cells, &t, 2);
  assert_string_equal(cells.data, "a|b\n1|\n|2\n3|\n");
  assert_int_equal(table_file(&t, 2), 1);
  assert_int_equal(table_row(&t, 3), 2);
  text_free(&cells);
  table_free(&t);
  const char *mixed[] = {"a.jsonl", "b.csv"};
  assert_int_equal(parse_all(&t, mixed, json, lengths, 2, &err), UNROLL_BAD_INPUT);
  assert_string_equal(err.message, "this is a table with a separator, but the first file, a.jsonl, is JSON lines");
  table_free(&t);
  assert_int_equal(mem_live(), 0);
}

static const struct {
  table_options o;
  const char *csv, *cells; /* or the message */
} amended[] = {
    {{.separator = '|'}, "a,b|c\n1,2|3\n", "a,b|c\n1,2|3\n"},
    {{.separator = ','}, "a;b,c\n1;2,3\n", "a;b|c\n1;2|3\n"},
    {{.columns = "y=b"}, "a,b\n1,2\n", "a|y\n1|2\n"},
    {{.columns = "a=b\nb=a"}, "a,b\n1,2\n", "b|a\n1|2\n"},
    {{.columns = "a=b"}, "a,b\n1,2\n", "|a\n1|2\n"},
    {{.columns = "y=c"}, "a,b\n1,2\n", "there is no column 'c'; the columns are: a, b"},
    {{.columns = "y"}, "a,b\n1,2\n", "option 'column' takes NAME=COLUMN, as in y=sales, not 'y'"},
    {{.time = "a", .dates = DATES_DAY_FIRST},
     "a,b\n1.2.2024,3.4.2024\n31/12/1999 9:05,x\n2024/1/2,x\n2024-01-02,x\n1-2-2024T10:11:12Z,x\n1.2/2024,x\n1.2.24,x\n,x\n",
     "a|b\n2024-02-01|3.4.2024\n1999-12-31 "
     "09:05|x\n2024-01-02|x\n2024-01-02|x\n2024-02-01T10:11:12Z|x\n1.2/2024|x\n1.2.24|x\n|x\n"},
    {{.time = "a", .dates = DATES_MONTH_FIRST}, "a,b\n1/2/2024,x\n12/31/1999,x\n", "a|b\n2024-01-02|x\n1999-12-31|x\n"},
    {{.time = "a"}, "a,b\n1/2/2024,x\n2024/01/31,x\n", "a|b\n1/2/2024|x\n2024-01-31|x\n"},
    {{.time = "c", .dates = DATES_DAY_FIRST}, "a,b\n1/2/2024,x\n", "a|b\n1/2/2024|x\n"},
};

static unroll_status parse_with(table *t, const char *csv, const table_options *o, unroll_error *err) {
  input_files in = {.files = mem_zero(1, sizeof *in.files), .n = 1};
  *t = (table){0};
  if (!in.files) return UNROLL_FAILED;
  in.files[0] = (input_file){.name = copy_of("a.csv", 5), .data = copy_of(csv, strlen(csv)), .size = strlen(csv)};
  if (in.files[0].name && in.files[0].data) return table_parse_files(t, &in, o, err);
  input_free(&in);
  return UNROLL_FAILED;
}

static void test_amended(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof amended / sizeof *amended; i++) {
    table t;
    unroll_error err = {0};
    text cells = {0};
    const unroll_status status = parse_with(&t, amended[i].csv, &amended[i].o, &err);
    if (!status) write_cells(&cells, &t, 2);
    if (strcmp(status ? err.message : cells.data, amended[i].cells)) fail_msg("%zu: %s", i, status ? err.message : cells.data);
    text_free(&cells);
    table_free(&t);
    for (long n = 1;; n++) {
      mem_fail_after(n, 0);
      const unroll_status again = parse_with(&t, amended[i].csv, &amended[i].o, NULL);
      mem_fail_after(0, 0);
      table_free(&t);
      assert_int_equal(mem_live(), 0);
      if (again == status) break;
      assert_int_equal(again, UNROLL_FAILED);
    }
  }
  table t;
  unroll_error err = {0};
  assert_int_equal(parse_with(&t, "a,b\n1,2\n", &(table_options){.columns = "y=b"}, &err), UNROLL_OK);
  table_bad(&t, 1, 1, 0, &err, "here"); /* by the name in the file */
  assert_string_equal(err.message, "row 2, column 'b': here");
  table_free(&t);
}

/* A line of new keys each is no table: a small file must not take much memory. */
static void test_wide(void **state) {
  (void)state;
  text json = {0};
  table t;
  unroll_error err = {0};
  for (int i = 0; i < 2000; i++) text_format(&json, "{\"%d\": 1}\n", i);
  budget_set(50000000);
  assert_int_equal(table_parse(&t, "a.jsonl", copy_of(json.data, json.length), json.length, &err), UNROLL_BAD_INPUT);
  budget_set(0);
  assert_string_equal(err.message,
                      "2000 lines with 2000 different keys are a table of 91 MB: lines should have their keys in common");
  table_free(&t);
  text_free(&json);
}

static void test_memory(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    for (long n = 1;; n++) {
      table t;
      unroll_error err = {0};
      char *copy = copy_of(good[i].data, good[i].size);
      mem_fail_after(n, 1);
      const unroll_status status = table_parse(&t, good[i].name, copy, good[i].size, &err);
      mem_fail_after(0, 0);
      table_free(&t);
      assert_int_equal(mem_live(), 0);
      if (!status) break;
      if (status != UNROLL_FAILED) fail_msg("%zu, %ld: %s", i, n, err.message);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_good),    cmocka_unit_test(test_bad),  cmocka_unit_test(test_places),
                                     cmocka_unit_test(test_several), cmocka_unit_test(test_wide), cmocka_unit_test(test_memory),
                                     cmocka_unit_test(test_amended)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
