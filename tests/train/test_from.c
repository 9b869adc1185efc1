/* test_from.c - training from another model: rows go by symbol, shapes that differ are left, what is frozen keeps its bits, also
 * over a resumed run; vectors of others. */
#include "help.h"

static char folder[200];

static void put(const char *name, const char *data) { file_put(folder, name, data, strlen(data)); }

static int setup(void **state) {
  (void)state;
  folder_make(folder, sizeof folder);
  put("a.txt", "abc\nbcd\ncab\ndaab\n");
  put("b.txt", "xbz\nbcx\nzab\nzzab\n");
  put("w.csv", "text,label\nred cat,good\nblue dog,bad\nred dog,good\nblue cat,bad\n");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  folder_remove(folder);
  assert_int_equal(mem_live(), 0);
  return 0;
}

static train_options options_of(const char *net, const char *data, const char *dir, int64_t steps) {
  train_options o = small_options(net, folder_path(folder, data), folder_path(folder, dir));
  o.steps = steps;
  return o;
}

static const param *param_of(const model *m, const char *name) {
  for (int i = 0; i < m->g.n_params; i++)
    if (!strcmp(m->g.params[i].name, name)) return &m->g.params[i];
  fail_msg("no parameter %s", name);
  return NULL;
}

static const float *row_of(const model *m, const char *name, int row) {
  const param *p = param_of(m, name);
  assert_in_range(row, 0, p->rows - 1);
  return m->weights + p->offset + (int64_t)row * p->cols;
}

static bool same(const float *a, const float *b, int n) { return !memcmp(a, b, (size_t)n * sizeof *a); }

/* Symbols here: a b c d x z and the end; there: a b c d and the end. */
static void test_by_symbol(void **state) {
  (void)state;
  model old = {0}, m = {0}, plain = {0};
  train_options o = options_of("names", "a.txt", "A", 4);
  train_result r;
  OK(train_run(&o, NULL, &r, err));
  OK(model_load(&old, folder_path(folder, "A/model.safetensors"), false, err));
  o = options_of("names", "b.txt", "B", 4);
  o.from = folder_path(folder, "A");
  OK(train_untrained(&o, &m, err));
  o.from = NULL;
  OK(train_untrained(&o, &plain, err));
  assert_int_equal(m.schema.list[0].words.n, 7);
  assert_int_equal(plain.schema.list[0].words.n, 6);
  static const int map[7] = {0, 1, 2, 3, -1, -1, 4};
  const char *const tables[] = {"token.embed", "W", "b"};
  for (int k = 0; k < 3; k++) {
    const int cols = param_of(&m, tables[k])->cols;
    for (int s = 0; s < 7; s++) {
      if (map[s] >= 0 && !same(row_of(&m, tables[k], s), row_of(&old, tables[k], map[s]), cols))
        fail_msg("%s: row %d is not that of the model", tables[k], s);
      for (int there = 0; map[s] < 0 && k == 1 && there < 5; there++) /* W starts by its size */
        assert_false(same(row_of(&m, tables[k], s), row_of(&old, tables[k], there), cols));
    }
  }
  const param *u = param_of(&m, "h.Uf");
  assert_true(same(row_of(&m, "h.Uf", 0), row_of(&old, "h.Uf", 0), u->rows * u->cols));
  model_free(&m);
  model_free(&plain);
  model_free(&old);
}

static void test_refused(void **state) {
  (void)state;
  model m = {0};
  unroll_error e = {0};
  train_options o = options_of("names", "b.txt", "B", 4);
  static const setting wide[] = {{"hidden", 3, NULL}, {"embedding", 2, NULL}, {"cell", 0, "gru"}};
  o.settings = wide;
  o.n_settings = 3;
  o.from = folder_path(folder, "A/model.safetensors");
  OK(train_untrained(&o, &m, err)); /* b is taken */
  model_free(&m);
  o = options_of("classify", "b.txt", "B", 4);
  o.from = folder_path(folder, "nothing");
  assert_int_equal(train_untrained(&o, &m, &e), UNROLL_BAD_INPUT);
  put("other.net", "data y : number\nparam p\nz = p * y[t-1]\nparam s\ny ~ gaussian(z, softplus(s))\n");
  put("y.csv", "y\n1 2 3\n");
  o = options_of(folder_path(folder, "other.net"), "y.csv", "B", 4);
  o.n_settings = 0;
  o.from = folder_path(folder, "A");
  assert_int_equal(train_untrained(&o, &m, &e), UNROLL_USAGE);
  if (!strstr(e.message, "not one parameter of this model is one of the net")) fail_msg("%s", e.message);
}

/* Frozen weights keep their bits over a cut and resumed run, others move; and the run is the one that was not cut. */
static void test_frozen(void **state) {
  (void)state;
  model old = {0}, whole = {0};
  train_options o = options_of("names", "b.txt", "whole", 12);
  train_result r;
  o.from = folder_path(folder, "A");
  o.freeze = "h.*\nembeddings";
  OK(train_run(&o, NULL, &r, err));
  o.dir = folder_path(folder, "cut");
  o.steps = 5;
  OK(train_run(&o, NULL, &r, err));
  train_options more;
  train_defaults(&more);
  more.steps = 12;
  OK(train_resume(folder_path(folder, "cut"), &more, NULL, &r, err));
  assert_int_equal(file_hash(folder, "whole/model.safetensors"), file_hash(folder, "cut/model.safetensors"));
  OK(model_load(&old, folder_path(folder, "A/model.safetensors"), false, err));
  OK(model_load(&whole, folder_path(folder, "cut/model.safetensors"), false, err));
  for (int i = 0; i < old.g.n_params; i++) {
    const param *p = &old.g.params[i];
    if (!strncmp(p->name, "h.", 2)) assert_true(same(row_of(&whole, p->name, 0), row_of(&old, p->name, 0), p->rows * p->cols));
  }
  for (int s = 0; s < 4; s++) {
    assert_true(same(row_of(&whole, "token.embed", s), row_of(&old, "token.embed", s), 5));
    assert_false(same(row_of(&whole, "W", s), row_of(&old, "W", s), 12));
  }
  more.freeze = "W";
  more.given[0] = false;
  for (int i = 0; i < TRAIN_OPTIONS; i++) more.given[i] = train_option_rows[i].name && !strcmp(train_option_rows[i].name, "freeze");
  unroll_error e = {0};
  assert_int_equal(train_resume(folder_path(folder, "cut"), &more, NULL, &r, &e), UNROLL_USAGE);
  model_free(&old);
  model_free(&whole);
}

/* Every optimizer leaves frozen weights alone, with weight decay and clipping too. */
static void test_optimizers(void **state) {
  (void)state;
  static const char *const kinds[] = {"adam", "adamw", "rmsprop", "sgd"};
  for (int k = 0; k < 4; k++) {
    model begin = {0}, end = {0};
    train_options o = options_of("names", "a.txt", "O", 3);
    train_result r;
    o.freeze = "h.U*\nb";
    o.optimizer = kinds[k];
    o.weight_decay = 0.1;
    o.clip_value = 0.01;
    OK(train_untrained(&o, &begin, err));
    OK(train_run(&o, NULL, &r, err));
    OK(model_load(&end, folder_path(folder, "O/model.safetensors"), false, err));
    for (int i = 0; i < end.g.n_params; i++) {
      const param *p = &end.g.params[i];
      const bool frozen = !strncmp(p->name, "h.U", 3) || !strcmp(p->name, "b");
      if (same(row_of(&begin, p->name, 0), row_of(&end, p->name, 0), p->rows * p->cols) != frozen)
        fail_msg("%s: %s %s", kinds[k], p->name, frozen ? "moves" : "does not move");
    }
    model_free(&begin);
    model_free(&end);
  }
}

typedef struct vectors_case {
  const char *file, *says; /* NULL: good */
} vectors_case;

static void test_vectors(void **state) {
  (void)state;
  static const vectors_case rows[] = {
      {"red 1 2 3 4 5\nbird 9 9 9 9 9\ndog -1 0.5 1e-3 0 2\nred 7 7 7 7 7\n", NULL},
      {"3 5\nred 1 2 3 4 5 \ndog -1 0.5 1e-3 0 2 \nbird 0 0 0 0 0 \n", NULL},
      {"red 1 2 3 4\n", "a word has 4 numbers, and a row of"},
      {"red 1 2 3 4 5\ndog 1 2 3\n", "'dog' has 3 numbers, and the words before it have 5"},
      {"red 1 2 3 4 5\ndog 1 2 3 4 5 6\n", "'dog' has more than 5 numbers"},
      {"red 1 2 x 4 5\n", "number 3 of 'red' is none"},
      {"red 1 2 inf 4 5\n", "number 3 of 'red' is none"},
      {"bird 1 2 3 4 5\n", "not one symbol of 'text' has a vector here"},
      {"", "not one symbol of 'text' has a vector here"},
      {"red\n", "a line is a word and its numbers"},
      {"2 99999999999\nred 1\n", "a line is a word and its numbers"},
  };
  static const float red[5] = {1, 2, 3, 4, 5}, dog[5] = {-1, 0.5f, 1e-3f, 0, 2};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    model m = {0};
    unroll_error e = {0};
    train_options o = options_of("sentiment", "w.csv", "V", 3);
    file_put(folder, "v.vec", rows[i].file, strlen(rows[i].file));
    o.vectors = folder_path(folder, "v.vec");
    const unroll_status status = train_untrained(&o, &m, &e);
    if (rows[i].says && (status != UNROLL_BAD_INPUT || !strstr(e.message, rows[i].says))) fail_msg("row %zu: %s", i, e.message);
    if (!rows[i].says) {
      if (status) fail_msg("row %zu: %s", i, e.message);
      const vocabulary *v = &m.schema.list[0].words;
      assert_true(same(row_of(&m, "E", vocabulary_find_word(v, "red", 3)), red, 5));
      assert_true(same(row_of(&m, "E", vocabulary_find_word(v, "dog", 3)), dog, 5));
      model_free(&m);
    }
  }
}

/* Labels and words of both: the model's words come first. */
static void test_words(void **state) {
  (void)state;
  model old = {0}, m = {0};
  train_options o = options_of("sentiment", "w.csv", "W", 3);
  train_result r;
  OK(train_run(&o, NULL, &r, err));
  OK(model_load(&old, folder_path(folder, "W/model.safetensors"), false, err));
  put("w2.csv", "text,label\nred bird,average\nred owl,good\n");
  o = options_of("sentiment", "w2.csv", "W2", 3);
  o.from = folder_path(folder, "W");
  OK(train_untrained(&o, &m, err));
  const vocabulary *words = &m.schema.list[0].words, *labels = &m.schema.list[1].words, *before = &old.schema.list[0].words;
  assert_int_equal(words->n, 7); /* <unk> red cat blue dog, and bird owl */
  assert_int_equal(labels->n, 3);
  for (int i = 0; i < before->n; i++)
    assert_string_equal(lexicon_text(&words->words, i, NULL), lexicon_text(&before->words, i, NULL));
  assert_string_equal(lexicon_text(&labels->words, 0, NULL), "average");
  static const int map[3] = {-1, 0, 1}; /* average bad good */
  for (int k = 1; k < 3; k++) assert_true(same(row_of(&m, "W", k), row_of(&old, "W", map[k]), param_of(&m, "W")->cols));
  model_free(&m);
  model_free(&old);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_by_symbol),  cmocka_unit_test(test_refused), cmocka_unit_test(test_frozen),
      cmocka_unit_test(test_optimizers), cmocka_unit_test(test_vectors), cmocka_unit_test(test_words),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
