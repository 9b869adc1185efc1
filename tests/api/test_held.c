/* test_held.c - files in memory: unroll_table_add_files says of bytes what a table says of files with these bytes. */
#include "made.h"

enum { ROWS = 6 };

static const struct kind {
  const char *name, *net;
  const char *bytes[ROWS]; /* of the files; NULL: missing, where another stands for it in a folder */
} kinds[] = {
    {"pen",
     "data pen : pen\ndata label : category\nlabel ~ softmax(W last(gru(pen, 5)) + b)\n",
     {"0,0,0 1,-3,0 0,-2,1\n", "0,0,0 1,3,0 0,2,1\n", "0,0,0 2,-3,0 0,-1,1\n", "0,0,0 2,3,0 0,1,1\n", "0,0,0 1,-2,1\n",
      "0,0,0 1,2,1\n"}},
    {"picture",
     "data picture : image(1, 2, 2)\ndata label : category\nlabel ~ softmax(W picture + b)\n",
     {"P2 2 2 9 9 9 0 1", "P2 2 2 9 0 1 9 9", "P2 2 2 9 8 9 1 1", "P2 2 2 9 1 1 8 9", "P2 2 2 9 7 9 0 2", "P2 2 2 9 0 2 7 9"}},
    {"film",
     "data film : video(1, 1, 1)\ndata label : category\nlabel ~ softmax(W last(gru(film, 5)) + b)\n",
     {"zyx", "abc", "zxw", "bcd", "yxw", "abd"}},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void labels(unroll_table *t) {
  const char *list[ROWS];
  for (int i = 0; i < ROWS; i++) list[i] = i % 2 ? "up" : "down";
  OK(unroll_table_add_texts(t, "label", list, NULL, ROWS, err));
}

/* The rows as files of the folder, named by their paths. */
static unroll_table *named(const struct kind *k) {
  static char paths[ROWS][340];
  const char *list[ROWS];
  unroll_table *t = unroll_table_new();
  assert_non_null(t);
  for (int i = 0; i < ROWS; i++) {
    snprintf(paths[i], sizeof paths[i], "%s/%s%d", folder, k->name, i);
    list[i] = paths[i];
    FILE *f = fopen(paths[i], "w");
    assert_non_null(f);
    fputs(k->bytes[i], f);
    assert_int_equal(fclose(f), 0);
  }
  OK(unroll_table_add_texts(t, k->name, list, NULL, ROWS, err));
  labels(t);
  return t;
}

static unroll_table *held(const struct kind *k) {
  const void *list[ROWS];
  size_t sizes[ROWS];
  char copies[ROWS][64];
  unroll_table *t = unroll_table_new();
  assert_non_null(t);
  for (int i = 0; i < ROWS; i++) {
    sizes[i] = strlen(k->bytes[i]);
    memcpy(copies[i], k->bytes[i], sizes[i]);
    list[i] = copies[i];
  }
  OK(unroll_table_add_files(t, k->name, list, sizes, ROWS, err));
  memset(copies, 0, sizeof copies); /* they were copied */
  labels(t);
  return t;
}

static void test_same(void **state) {
  (void)state;
  for (int i = 0; i < KINDS; i++) {
    unroll_table *a = named(&kinds[i]), *b = held(&kinds[i]);
    unroll_model *m = make_model(kinds[i].name, kinds[i].net, a, (const char *const[]){"steps", "30", "lr", "0.05", NULL});
    unroll_result *x = NULL, *y = NULL;
    OK(unroll_predict(m, a, NULL, &x, err));
    OK(unroll_predict(m, b, NULL, &y, err));
    assert_int_equal(unroll_result_rows(x), ROWS);
    assert_int_equal(unroll_result_rows(y), ROWS);
    for (int r = 0; r < ROWS; r++) {
      unroll_value p, q;
      unroll_value_init(&p);
      unroll_value_init(&q);
      OK(unroll_result_value(x, r, "label", &p, err));
      OK(unroll_result_value(y, r, "label", &q, err));
      assert_string_equal(p.text, q.text);
      assert_memory_equal(p.p, q.p, sizeof *p.p);
    }
    unroll_result_free(x);
    unroll_result_free(y);
    unroll_model_free(m);
    unroll_table_free(a);
    unroll_table_free(b);
  }
}

/* What is wrong with the bytes is told with the row; a column that is refused leaves nothing behind. */
static void test_wrong(void **state) {
  (void)state;
  unroll_table *a = named(&kinds[1]), *t = unroll_table_new();
  unroll_model *m = make_model(kinds[1].name, kinds[1].net, a, (const char *const[]){"steps", "1", NULL});
  unroll_result *r = NULL;
  unroll_error e = {0};
  const void *const bad[] = {"P2 2 2 9 1 1 1 1", "no picture"}, *const lacking[] = {NULL, NULL};
  const size_t sizes[] = {16, 10};
  const char *const guess[] = {"/dev/unroll-memory/0/0"};
  OK(unroll_table_add_files(t, "picture", bad, sizes, 2, err));
  assert_int_equal(unroll_predict(m, t, NULL, &r, &e), UNROLL_BAD_INPUT);
  if (!strstr(e.message, "row 3, column 'picture'")) fail_msg("%s", e.message);
  assert_int_equal(unroll_table_add_files(t, "picture", bad, sizes, 2, &e), UNROLL_USAGE);
  assert_int_equal(unroll_table_add_files(t, "other", bad, sizes, 1, &e), UNROLL_USAGE);
  unroll_table_free(t);
  t = unroll_table_new();
  OK(unroll_table_add_files(t, "picture", lacking, sizes, 2, err));
  assert_int_equal(unroll_predict(m, t, NULL, &r, &e), UNROLL_BAD_INPUT);
  unroll_table_free(t);
  t = unroll_table_new(); /* a name that another table made up names nothing */
  OK(unroll_table_add_texts(t, "picture", guess, NULL, 1, err));
  assert_int_equal(unroll_predict(m, t, NULL, &r, &e), UNROLL_BAD_INPUT);
  assert_non_null(strstr(e.message, "cannot open"));
  unroll_table_free(t);
  unroll_table_free(a);
  unroll_model_free(m);
}

/* States by name and direction. */
static void test_states(void **state) {
  (void)state;
  static const char net[] = "data text : words\ndata tag : category\ndata x : numbers(2)\nf = lstm([embed(text, 6), x], 8)\n"
                            "g = gru(x, 3, backward)\ntag ~ softmax(W [f, g] + b)\n";
  static const struct {
    const char *name;
    int is_state;
  } wanted[] = {{"f", 1}, {"f.c", 1}, {"g", -1}, {"f.i", 0}};
  unroll_table *t = make_sentences();
  unroll_model *m = make_model("both", net, t, few);
  unroll_named v;
  int found = 0;
  unroll_named_init(&v);
  for (int n = 0; unroll_model_value(m, n); n++) {
    OK(unroll_model_named(m, n, &v, err));
    for (int i = 0; i < 4; i++)
      if (!strcmp(wanted[i].name, v.name)) {
        assert_int_equal(v.is_state, wanted[i].is_state);
        found++;
      }
  }
  assert_int_equal(found, 4);
  unroll_model_free(m);
  unroll_table_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_same), cmocka_unit_test(test_wrong), cmocka_unit_test(test_states)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
