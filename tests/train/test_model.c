/* test_model.c - initial weights; models to files and back; model files that must be refused. */
#include <math.h>
#include "help.h"

static char folder[200];

static int setup(void **state) {
  (void)state;
  folder_make(folder, sizeof folder);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  folder_remove(folder);
  assert_int_equal(mem_live(), 0);
  return 0;
}

/* A model of a net (its name or file) on the letters of `letters`. */
static unroll_status make(model *m, const char *net, const char *letters, const setting *settings, int n_settings,
                          unroll_error *err) {
  arena memory = {0};
  const char *file, *source;
  int32_t codes[64];
  int64_t n = 0;
  *m = (model){0};
  unroll_status status = model_find_net(net, &memory, &file, &source, err);
  if (!status) status = model_begin(m, file, source, err);
  arena_free(&memory);
  for (const char *s = letters; *s; n++) {
    uint32_t code;
    s += utf8_decode(s, strlen(s), &code);
    codes[n] = (int32_t)code;
  }
  const int32_t *all = codes;
  variable *v = m->schema.list;
  if (!status) status = vocabulary_collect(&v->words, v->form.unit, v->form.lines, &all, &n, 1, err);
  if (!status) status = model_build(m, settings, n_settings, false, err);
  return status ? status : model_init(m, 3, err);
}

static const param *find(const model *m, const char *name) {
  for (int i = 0; i < m->g.n_params; i++)
    if (!strcmp(m->g.params[i].name, name)) return &m->g.params[i];
  fail_msg("no parameter %s", name);
  return NULL;
}

/* Largest |dot of two rows (or columns) - (same ? 1 : 0)|. */
static double not_orthogonal(const float *w, int rows, int cols) {
  const int few = rows < cols ? rows : cols, many = rows < cols ? cols : rows;
  double worst = 0;
  for (int i = 0; i < few; i++)
    for (int j = 0; j <= i; j++) {
      double sum = i == j ? -1 : 0;
      for (int k = 0; k < many; k++)
        sum += rows < cols ? (double)w[i * cols + k] * (double)w[j * cols + k] : (double)w[k * cols + i] * (double)w[k * cols + j];
      worst = fmax(worst, fabs(sum));
    }
  return worst;
}

static void moments(const float *w, int64_t n, double *mean, double *deviation) {
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += (double)w[i];
    squares += (double)w[i] * (double)w[i];
  }
  *mean = sum / (double)n;
  *deviation = sqrt(squares / (double)n - *mean * *mean);
}

static void test_init(void **state) {
  (void)state;
  static const char net[] = "data token : chars\n"
                            "h = mine(embed(token[t-1], 48), 64)\n"
                            "token ~ softmax(W h + b)\n";
  static const char cell[] = "param p\n"
                             "g = Wg x + Ug h[t-1] + bg + p * h[t-1]\n"
                             "h = tanh(Wa x + Ua g + Ub g + Uc g + Ud g + Ue (g * g) + Uh g + ba)\n"
                             "init bg = 2\ninit Ua = identity\ninit Ub = uniform(0.5)\ninit Uc = normal(0.1)\ninit Ud = xavier\n"
                             "init Wa = orthogonal\ninit Ue = 0.25\ninit Uh = he\n";
  char path[300];
  model m;
  double mean, deviation;
  file_put(folder, "init.net", net, strlen(net));
  file_put(folder, "mine.cell", cell, strlen(cell));
  snprintf(path, sizeof path, "%s/init.net", folder);
  OK(make(&m, path, "abcdefghijklmnopqrstuvwxyz", NULL, 0, err));
  const float *w = m.weights;
  assert_int_equal(m.n_cells, 1);
  assert_string_equal(m.cells[0].text, cell);
  const param *p = find(&m, "h.Ug"); /* recurrent: orthogonal by default */
  assert_true(not_orthogonal(w + p->offset, p->rows, p->cols) < 1e-6);
  p = find(&m, "h.Wa"); /* 64 x 48: orthonormal columns */
  assert_int_equal(p->cols, 48);
  assert_true(not_orthogonal(w + p->offset, p->rows, p->cols) < 1e-6);
  p = find(&m, "h.bg");
  for (int i = 0; i < p->rows; i++) assert_true(w[p->offset + i] == 2.0f);
  p = find(&m, "h.ba");
  for (int i = 0; i < p->rows; i++) assert_true(w[p->offset + i] == 0.0f);
  p = find(&m, "h.p");
  for (int i = 0; i < p->rows; i++) assert_true(w[p->offset + i] == 0.0f);
  p = find(&m, "h.Ua");
  for (int i = 0; i < p->rows * p->cols; i++) assert_true(w[p->offset + i] == (i / p->cols == i % p->cols ? 1.0f : 0.0f));
  p = find(&m, "h.Ue");
  for (int i = 0; i < p->rows * p->cols; i++) assert_true(w[p->offset + i] == 0.25f);
  p = find(&m, "h.Ub");
  moments(w + p->offset, 64 * 64, &mean, &deviation);
  assert_true(fabs(mean) < 0.02 && fabs(deviation - 0.5 / sqrt(3)) < 0.01);
  p = find(&m, "h.Uc");
  moments(w + p->offset, 64 * 64, &mean, &deviation);
  assert_true(fabs(mean) < 0.01 && fabs(deviation - 0.1) < 0.005);
  p = find(&m, "h.Uh");
  moments(w + p->offset, 64 * 64, &mean, &deviation);
  assert_true(fabs(mean) < 0.01 && fabs(deviation - sqrt(2.0 / 64)) < 0.008);
  p = find(&m, "h.Wg"); /* input matrix: Glorot */
  moments(w + p->offset, 64 * 48, &mean, &deviation);
  assert_true(fabs(mean) < 0.02 && fabs(deviation - sqrt(2.0 / (64 + 48))) < 0.01);
  for (int i = 0; i < 64 * 48; i++) assert_true(fabsf(w[p->offset + i]) <= sqrtf(6.0f / (64 + 48)));
  p = find(&m, "token.embed");
  moments(w + p->offset, 26 * 48, &mean, &deviation);
  assert_true(fabs(mean) < 0.1 && fabs(deviation - 1) < 0.1);
  model_free(&m);
}

static void test_init_seeds(void **state) {
  (void)state;
  model a, b;
  OK(make(&a, "names", "abc", small_settings, 2, err));
  OK(make(&b, "names", "abc", small_settings, 2, err));
  const size_t bytes = (size_t)a.g.n_weights * sizeof(float);
  assert_memory_equal(a.weights, b.weights, bytes);
  OK(model_init(&b, 4, err));
  assert_true(memcmp(a.weights, b.weights, bytes));
  model_free(&a);
  model_free(&b);
}

static void test_round_trip(void **state) {
  (void)state;
  static const struct {
    const char *net, *letters;
  } rows[] = {{"names", "ab\xc3\xa9\xe4\xb8\xad\"\\\x01"}, {"language", "\n\t ab"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const setting settings[] = {{"hidden", 10, NULL}, {"cell", 0, "gru"}, {"drop", 0.1, NULL}};
    char first[300], second[300];
    model m, n;
    snprintf(first, sizeof first, "%s/first", folder);
    snprintf(second, sizeof second, "%s/second", folder);
    OK(make(&m, rows[i].net, rows[i].letters, settings, 3, err));
    m.data = (data_identity){12345, 0xfedcba9876543210u};
    OK(model_save(&m, first, err));
    OK(model_load(&n, first, true, err));
    assert_int_equal(n.g.n_weights, m.g.n_weights);
    assert_memory_equal(n.weights, m.weights, (size_t)m.g.n_weights * sizeof(float));
    const vocabulary *v = &m.schema.list->words, *w = &n.schema.list->words;
    assert_int_equal(w->n, v->n);
    assert_int_equal(w->end, v->end);
    assert_memory_equal(w->codes, v->codes, (size_t)v->n * sizeof *v->codes);
    assert_string_equal(n.net_text, m.net_text);
    assert_true(n.data.bytes == 12345 && n.data.hash == 0xfedcba9876543210u);
    assert_true(n.sealed && n.n_cells == 1);
    assert_true(n.g.n_forward > 0); /* the gradient was asked for */
    OK(model_save(&n, second, err));
    assert_true(file_hash(folder, "first") == file_hash(folder, "second"));
    model_free(&m);
    model_free(&n);
  }
}

/* --- files that must be refused --- */

enum change { SET, DROP, RENAME, SHAPE, TYPE, NUMBER, EXTRA, HASH };
static const struct {
  enum change change;
  const char *name, *value, *message;
} bad[] = {
    {DROP, "unroll", NULL, "the metadata 'unroll' is missing"},
    {SET, "unroll", "model 2", "the format 'model 2' is not known"},
    {SET, "unroll", "pt", "the format 'pt' is not known"},
    {SET, "unroll", CHECKPOINT_FORMAT, "the metadata 'hash' is missing"},
    {HASH, "hash", "0123456789abcdef", "the checkpoint is damaged"},
    {DROP, "net", NULL, "the metadata 'net' is missing"},
    {SET, "net", "data token : chars lines\nh = = 3\n", "expected"},
    {SET, "net", "", "no 'data' line"},
    {SET, "net", "data token : bpe(10)\n", "merge 0 of a vocabulary is no pair of numbers"},
    {DROP, "variables", NULL, "the metadata 'variables' is missing"},
    {SET, "variables", "[]", "the metadata 'variables' is not a JSON object"},
    {SET, "variables", "{}", "the variable 'token' has no good vocabulary"},
    {SET, "variables", "{\"token\":{\"symbols\":[\"a\",\"b\",\"c\"],\"end\":false}}",
     "the vocabulary of 'token' has no end symbol"},
    {SET, "net", "data token : audio\n", "the variable 'token' has no good width"},
    {SET, "net", "data token : chars lines\nh = nosuchcell(embed(token[t-1], 4), 5)\ntoken ~ softmax(W h + b)\n", ""},
    {SET, "net",
     "data token : chars lines\nhidden = 1000000000\nh = lstm(embed(token[t-1], 4), hidden)\ntoken ~ softmax(W h + b)\n", ""},
    {DROP, "net_file", NULL, "the metadata 'net_file' is missing"},
    {DROP, "cells", NULL, "the metadata 'cells' is missing"},
    {SET, "cells", "{}", "the text of the cell 'lstm' is missing"}, /* the built-in one may be another by now */
    {SET, "cells", "[]", "the metadata 'cells' is not a JSON object"},
    {SET, "cells", "{\"lstm\":3}", "the text of the cell 'lstm' is not a string"},
    {SET, "cells", "{\"lstm\":\"h = Wx x\",\"lstm\":\"\"}", "the metadata 'cells' is not good JSON"},
    {SET, "cells", "{\"lstm\":\"h = (\"}", "expected"},
    {SET, "cells", "{\"lstm\":\"h = lstm(x, 3)\"}", ""}, /* a cell that calls itself */
    {DROP, "settings", NULL, "the metadata 'settings' is missing"},
    {SET, "settings", "{\"hidden\":", "the metadata 'settings' is not good JSON"},
    {SET, "settings", "3", "the metadata 'settings' is not"},
    {SET, "settings", "{\"hidden\":[]}", "the setting 'hidden' is neither a number nor a word"},
    {SET, "settings", "{\"hidden\":13}", ""}, /* the shapes do not fit then */
    {SET, "settings", "{\"hidden\":-5}", ""},
    {SET, "settings", "{\"hidden\":1e300}", ""},
    {SET, "settings", "{\"hiden\":12}", ""},
    {SET, "vocabulary", "[]", "the vocabulary is empty"},
    {SET, "vocabulary", "{}", "the metadata 'vocabulary' is not a JSON array"}, /* the form of old files */
    {SET, "vocabulary", "[\"a\",\"b\",\"c\"]", "the last symbol of the vocabulary is not the end of a line"},
    {SET, "vocabulary", "[\"a\",\"bc\",\"\\n\"]", "symbol 1 of the vocabulary is not one character"},
    {SET, "vocabulary", "[\"a\",7,\"\\n\"]", "symbol 1 of the vocabulary is not one character"},
    {SET, "vocabulary", "[\"a\",\"\",\"\\n\"]", "symbol 1 of the vocabulary is not one character"},
    {SET, "vocabulary", "[\"b\",\"a\",\"\\n\"]", "symbol 1 of the vocabulary, 'a', is out of order"},
    {SET, "vocabulary", "[\"a\",\"b\",\"\\n\"]", "is not a"}, /* too few for the shapes */
    {DROP, "data", NULL, "the metadata 'data' is missing"},
    {SET, "data", "{\"bytes\":-1,\"hash\":\"0123456789abcdef\"}", "does not hold the size and hash"},
    {SET, "data", "{\"bytes\":1,\"hash\":\"0x23456789abcdef\"}", "does not hold the size and hash"},
    {RENAME, "h.Wi", "h.Wj", "the parameter h.Wi is missing"},
    {SHAPE, "h.Wi", NULL, "the parameter h.Wi is not a matrix of 12 rows and 5 columns"},
    {SHAPE, "h.bi", NULL, "the parameter h.bi is not a vector of 12 numbers"},
    {TYPE, "W", NULL, "the parameter W is not of type F32"},
    {NUMBER, "h.Ui", "nan", "the parameter h.Ui holds a number that is not finite"},
    {NUMBER, "token.embed", "inf", "the parameter token.embed holds a number that is not finite"},
    {EXTRA, "more", NULL, "the tensor more belongs to no parameter"},
    {EXTRA, "@moment1", NULL, "the tensor @moment1 belongs to no parameter"},
};

static void write_changed(const char *path, const tensor_file *f, size_t row) {
  tensor tensors[32];
  const char *keys[16], *values[16];
  static float numbers[4096];
  size_t n = 0, n_keys = 0;
  for (size_t i = 0; i < f->metadata; i++) {
    const bool old = !strcmp(bad[row].name, "vocabulary") && !strcmp(f->keys[i], "variables"); /* the key in old files */
    const bool here = old || !strcmp(f->keys[i], bad[row].name) || (bad[row].change == HASH && !strcmp(f->keys[i], "unroll"));
    if (here && bad[row].change == DROP) continue;
    keys[n_keys] = old ? bad[row].name : f->keys[i];
    values[n_keys++] = !here ? f->values[i] : bad[row].change == HASH ? CHECKPOINT_FORMAT : bad[row].value;
  }
  if (bad[row].change == HASH) {
    keys[n_keys] = "hash";
    values[n_keys++] = bad[row].value;
  }
  for (size_t i = 0; i < f->count; i++) {
    tensor *t = &tensors[n++];
    *t = f->tensors[i];
    if (strcmp(t->name, bad[row].name)) continue;
    if (bad[row].change == RENAME) t->name = bad[row].value;
    if (bad[row].change == SHAPE) t->shape[0]--;
    if (bad[row].change == TYPE) t->type = TENSOR_I32;
    if (bad[row].change == NUMBER) {
      memcpy(numbers, t->data, t->bytes);
      numbers[t->count - 1] = strtof(bad[row].value, NULL);
      t->data = numbers;
    }
  }
  if (bad[row].change == EXTRA)
    tensors[n++] = (tensor){.name = bad[row].name, .type = TENSOR_F32, .rank = 1, .shape = {2}, .data = numbers};
  OK(tensor_file_save(path, tensors, n, keys, values, n_keys, err));
}

static void test_bad_files(void **state) {
  (void)state;
  char good[300], path[300];
  model m;
  tensor_file f;
  snprintf(good, sizeof good, "%s/good", folder);
  snprintf(path, sizeof path, "%s/changed.safetensors", folder);
  OK(make(&m, "names", "abc", small_settings, 2, err));
  OK(model_save(&m, good, err));
  model_free(&m);
  OK(tensor_file_load(&f, good, err));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    unroll_error e = {0};
    write_changed(path, &f, i);
    const unroll_status status = model_load(&m, path, true, &e);
    if (status != UNROLL_BAD_INPUT && status != UNROLL_USAGE) fail_msg("row %zu (%s): status %d", i, bad[i].name, (int)status);
    if (!strstr(e.message, bad[i].message)) fail_msg("row %zu (%s): %s", i, bad[i].name, e.message);
    if (!e.file[0] && bad[i].change != SET) fail_msg("row %zu: no file named", i);
    assert_null(m.weights);
    assert_int_equal(model_load(&m, path, false, NULL), status);
  }
  tensor_file_free(&f);
}

/* Every byte of the header changed: the file loads or is refused, and nothing else happens. */
static void test_changed_bytes(void **state) {
  (void)state;
  char good[300], *data;
  size_t size, header;
  model m;
  int loaded = 0;
  const setting tiny[] = {{"hidden", 2, NULL}, {"embedding", 1, NULL}, {"cell", 0, "rnn"}};
  snprintf(good, sizeof good, "%s/good", folder);
  OK(make(&m, "names", "ab", tiny, 3, err));
  OK(model_save(&m, good, err));
  model_free(&m);
  OK(file_read(good, &data, &size, err));
  header = 8 + (size_t)(unsigned char)data[0] + 256 * (size_t)(unsigned char)data[1];
  assert_true(header < size);
  for (size_t i = 0; i < header; i++) {
    const char kept = data[i];
    tensor_file f;
    data[i] ^= (char)(1 << i % 7);
    if (!tensor_file_parse(&f, "changed", data, size, NULL)) {
      if (!model_from_tensors(&m, "changed", &f, true, NULL)) {
        loaded++;
        model_free(&m);
      }
      tensor_file_free(&f);
    }
    data[i] = kept;
  }
  mem_free(data);
  assert_true(loaded < (int)header);
}

static void test_sweeps(void **state) {
  (void)state;
  char path[300];
  snprintf(path, sizeof path, "%s/sweep", folder);
  for (int memory = 0; memory < 2; memory++)
    for (int forever = 0; forever < 2; forever++)
      for (long n = 1;; n += n > 100 ? 3 : 1) {
        model m, back;
        unroll_error e = {0};
        OK(make(&m, "names", "abc", small_settings, 2, err));
        const long live = mem_live();
        (memory ? mem_fail_after : file_fail_after)(n, forever);
        unroll_status status = model_save(&m, path, &e);
        if (!status) {
          status = model_load(&back, path, true, &e);
          if (!status) model_free(&back);
        }
        mem_fail_after(0, 0);
        file_fail_after(0, 0);
        assert_int_equal(mem_live(), live);
        model_free(&m);
        if (!status) break;
        assert_true(e.message[0] && e.code == status);
        if (memory && status != UNROLL_FAILED) fail_msg("allocation %ld: %s", n, e.message);
        assert_true(n < 20000);
      }
}

static void test_nets(void **state) {
  (void)state;
  arena memory = {0};
  const char *file, *source;
  unroll_error e = {0};
  OK(model_find_net("language", &memory, &file, &source, err));
  assert_string_equal(file, "nets/language.net");
  assert_int_equal(model_find_net("langauge", &memory, &file, &source, &e), UNROLL_BAD_INPUT);
  assert_non_null(strstr(e.message, "did you mean 'language'"));
  assert_int_equal(model_find_net("./langauge", &memory, &file, &source, &e), UNROLL_BAD_INPUT);
  char path[300];
  file_put(folder, "nul.net", "a\0b", 3);
  snprintf(path, sizeof path, "%s/nul.net", folder);
  assert_int_equal(model_find_net(path, &memory, &file, &source, &e), UNROLL_BAD_INPUT);
  arena_free(&memory);
}

/* A cell beside the net comes before a built-in one of the same name, and is kept in the model file. */
static void test_own_cell(void **state) {
  (void)state;
  static const char net[] = "data token : chars lines\nh = rnn(embed(token[t-1], 4), 5)\ntoken ~ softmax(W h + b)\n";
  static const char cell[] = "h = relu(Wmine x + Umine h[t-1] + bmine)\n";
  char path[300], saved[300];
  model m;
  file_put(folder, "own.net", net, strlen(net));
  file_put(folder, "rnn.cell", cell, strlen(cell));
  snprintf(path, sizeof path, "%s/own.net", folder);
  snprintf(saved, sizeof saved, "%s/own.safetensors", folder);
  OK(make(&m, path, "ab", NULL, 0, err));
  find(&m, "h.Umine");
  OK(model_save(&m, saved, err));
  model_free(&m);
  assert_int_equal(unlink(path), 0); /* net and cell are gone; the model is not */
  snprintf(path, sizeof path, "%s/rnn.cell", folder);
  assert_int_equal(unlink(path), 0);
  OK(model_load(&m, saved, false, err));
  find(&m, "h.Umine");
  model_free(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_init),          cmocka_unit_test(test_init_seeds),
                                     cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_bad_files),
                                     cmocka_unit_test(test_changed_bytes), cmocka_unit_test(test_sweeps),
                                     cmocka_unit_test(test_nets),          cmocka_unit_test(test_own_cell)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
