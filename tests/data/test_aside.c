/* test_aside.c - rows and lines that are left out: what stays is as if they had never been there, and knows its place. */
#include <stdlib.h>
#include <unistd.h>
#include "plain.h"
#include "tables.h"

static const char bad_csv[] = "text,label\na b,x\nq,\nb a,y,z\nc\xff,x\n\"c\" d,x\nc,y\na,x\n";

static unroll_status load_skipping(loaded *x, const char *csv, const char *series, unroll_error *err) {
  unroll_status status = load_codes(x, CLASSIFY, "test.csv", "text,label\na,x\n", 15, NULL, err);
  table_free(&x->t);
  dataset_free(&x->d);
  char *copy = status ? NULL : mem_text(csv);
  if (!status && !copy) status = UNROLL_FAILED;
  if (status) return status;
  status = table_parse(&x->t, "test.csv", copy, strlen(csv), err);
  x->t.skip = true;
  if (!status) status = dataset_bind(&x->d, &x->t, &x->s, series, BIND_TRAINING, err);
  if (!status) status = schema_collect(&x->s, &x->d, 1, err);
  if (!status) status = dataset_encode(&x->d, &x->s, err);
  return status;
}

static void test_rows(void **state) {
  (void)state;
  static const int lines[] = {3, 4, 5, 6};
  loaded x, y;
  unroll_error err = {0};
  if (load_skipping(&x, bad_csv, NULL, &err)) fail_msg("%s", err.message);
  assert_int_equal(x.d.n_sequences, 3);
  assert_int_equal(x.d.bad.n, 4);
  for (int i = 0; i < 4; i++) assert_int_equal(x.d.bad.first[i].line, lines[i]);
  assert_int_equal(load(&y, CLASSIFY, "text,label\na b,x\nc,y\na,x\n", NULL, &err), UNROLL_OK);
  assert_int_equal(x.s.list[0].words.n, y.s.list[0].words.n); /* q and d are unknown */
  for (int i = 0; i < 2; i++) {
    const column_values *a = &x.d.columns[i], *b = &y.d.columns[i];
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->symbols, b->symbols, (size_t)a->n * sizeof *a->symbols);
    assert_memory_equal(a->first, b->first, 4 * sizeof *a->first);
  }
  assert_memory_equal(x.d.hashes, y.d.hashes, 3 * sizeof *x.d.hashes);
  int64_t row;
  assert_string_equal(dataset_place(&x.d, x.d.row_of[1], &row), "test.csv");
  assert_int_equal(row, 7);
  loaded_free(&x);
  loaded_free(&y);
  assert_int_equal(load(&x, CLASSIFY, bad_csv, NULL, &err), UNROLL_BAD_INPUT);
  assert_int_equal(err.line, 3);
  assert_non_null(strstr(err.message, "; 3 more rows cannot be read"));
  loaded_free(&x);
  assert_int_equal(mem_live(), 0);
}

/* Rows are counted, not the examples that they are the steps of. */
static void test_count(void **state) {
  (void)state;
  loaded x;
  unroll_error err = {0};
  assert_int_equal(load(&x, TAG, "s,word,tag\n1,a,x\n1,b\n1,c\n1,d,\n2,e,y\n3\n4,f,x\n", "s", &err), UNROLL_BAD_INPUT);
  assert_non_null(strstr(err.message, "row 3 has 2 fields, but there are 3 columns; 3 more rows cannot be read"));
  loaded_free(&x);
  assert_int_equal(mem_live(), 0);
}

/* A broken row stays with its series, which is left out as a whole. */
static void test_series(void **state) {
  (void)state;
  loaded x;
  unroll_error err = {0};
  static const char csv[] = "id,text,label\n1,a,x\n1,b\n1,c,x\n2,d,y\n2,e,\n3,f,x\n4\n";
  if (load_skipping(&x, csv, "id", &err)) fail_msg("%s", err.message);
  assert_int_equal(x.d.bad.n, 2); /* 1, and the last row counts as one of 3 */
  assert_int_equal(x.d.n_sequences, 1);
  assert_int_equal(x.d.columns[0].n, 2);
  loaded_free(&x);
}

static void test_none(void **state) {
  (void)state;
  loaded x;
  unroll_error err = {0};
  assert_int_equal(load_skipping(&x, "text,label\na\n", NULL, &err), UNROLL_BAD_INPUT);
  assert_string_equal(err.message, "not one row can be read");
  loaded_free(&x);
  assert_int_equal(mem_live(), 0);
}

static void test_memory(void **state) {
  (void)state;
  int failures = 0;
  for (long n = 1; n < 4000; n++) {
    loaded x;
    unroll_error err = {0};
    mem_fail_after(n, 0);
    const unroll_status status = load_skipping(&x, bad_csv, NULL, &err);
    mem_fail_after(0, 0);
    loaded_free(&x);
    assert_int_equal(mem_live(), 0);
    if (!status) break;
    assert_int_equal(status, UNROLL_FAILED);
    failures++;
  }
  assert_true(failures > 20);
}

/* Two files and bad lines, as lines and as a stream. */
static void test_lines(void **state) {
  (void)state;
  static const char *const texts[2] = {"ab\n\xff\nba\r\nab", "b\xff"
                                                             "b\nqa\nbb\n"};
  char folder[] = "/tmp/unroll-test-XXXXXX", paths[200], name[100];
  assert_non_null(mkdtemp(folder));
  for (int i = 0; i < 2; i++) {
    snprintf(name, sizeof name, "%s/%d.txt", folder, i);
    FILE *f = fopen(name, "wb");
    assert_non_null(f);
    fwrite(texts[i], 1, strlen(texts[i]), f);
    fclose(f);
  }
  snprintf(paths, sizeof paths, "%s/0.txt\n%s/1.txt", folder, folder);
  for (int lines = 0; lines < 2; lines++) {
    const data_form form = {.name = "s", .of = &data_kinds[KIND_chars], .kind = "chars", .unit = UNIT_CHARS, .lines = lines};
    const uint32_t known[] = {'a', 'b', '\n'}, sorted[] = {'\n', '\r', 'a', 'b'};
    vocabulary v;
    dataset d;
    unroll_error err = {0};
    int64_t line;
    if (dataset_read_plain(&d, &form, paths, true, &err)) fail_msg("%s", err.message);
    assert_int_equal(d.bad.n, 2);
    assert_int_equal(vocabulary_set(&v, UNIT_CHARS, lines, lines ? known : sorted, lines ? 3 : 4, &err), UNROLL_OK);
    assert_int_equal(plain_encode(&d, &form, &v, &err), UNROLL_OK); /* q is not known */
    assert_int_equal(d.bad.n, 3);
    assert_int_equal(d.bad.first[2].line, 2);
    assert_non_null(strstr(d.bad.first[2].file, "1.txt"));
    text all = {0};
    vocabulary_add_texts(&v, d.columns[0].symbols, d.n_symbols, &all);
    assert_string_equal(all.data, lines ? "ab\nba\nab\nbb\n" : "ab\nba\r\nab\nbb\n");
    if (lines) {
      assert_int_equal(d.n_sequences, 4);
      static const int place[4][2] = {{0, 1}, {0, 3}, {0, 4}, {1, 3}};
      for (int i = 0; i < 4; i++) {
        const char *file = dataset_place(&d, d.row_of[i], &line);
        assert_int_equal(file[strlen(file) - 5] - '0', place[i][0]);
        assert_int_equal(line, place[i][1]);
      }
    }
    text_free(&all);
    dataset_free(&d);
    vocabulary_free(&v);
    assert_int_equal(dataset_read_plain(&d, &form, paths, false, &err), UNROLL_BAD_INPUT);
    assert_non_null(strstr(err.message, "1 more line cannot be read"));
  }
  for (int i = 0; i < 2; i++) {
    snprintf(name, sizeof name, "%s/%d.txt", folder, i);
    unlink(name);
  }
  rmdir(folder);
  assert_int_equal(mem_live(), 0);
}

/* What the reader of a kind refuses: the line is left out, with what was read of it. */
static void test_refused(void **state) {
  (void)state;
  static const char source[] = "61 62\n63 6g\n64\n6\n65\n";
  input_file file = {.name = (char *)"a.hex", .data = (char *)source, .size = sizeof source - 1};
  const input_files in = {.files = &file, .n = 1};
  for (int lines = 0; lines < 2; lines++) {
    const data_form form = {.name = "s", .of = &data_kinds[KIND_hex], .unit = UNIT_BYTES, .lines = lines};
    static const int32_t all[] = {'a', 'b', 'd', 'e'}, ended[] = {'a', 'b', '\n', 'd', '\n', 'e', '\n'};
    dataset d;
    unroll_error err = {0};
    int64_t line;
    assert_int_equal(dataset_parse_files(&d, &form, &in, true, &err), UNROLL_OK);
    assert_int_equal(d.bad.n, 2);
    assert_int_equal(d.bad.first[0].line, 2);
    assert_int_equal(d.bad.first[0].column, 4);
    assert_string_equal(d.bad.first[1].message, "a byte is two digits of 0 to 9 and a to f");
    assert_int_equal(d.n_symbols, lines ? 7 : 4);
    assert_memory_equal(d.columns[0].symbols, lines ? ended : all, (size_t)d.n_symbols * sizeof *all);
    dataset_place(&d, lines ? d.row_of[2] : 3, &line); /* the e */
    assert_int_equal(line, 5);
    assert_int_equal(d.n_gaps, lines ? 2 : 0);
    dataset_free(&d);
    assert_int_equal(dataset_parse_files(&d, &form, &in, false, &err), UNROLL_BAD_INPUT);
    assert_int_equal(err.line, 2);
  }
  assert_int_equal(mem_live(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows),   cmocka_unit_test(test_count),  cmocka_unit_test(test_series),
                                     cmocka_unit_test(test_none),   cmocka_unit_test(test_memory), cmocka_unit_test(test_lines),
                                     cmocka_unit_test(test_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
