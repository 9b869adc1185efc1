/* test_memory.c - training within a given memory: sizes as text, windows that fit, the same bits, other memory when resumed. */
#include "help.h"

static char folder[200], data_path[300], long_path[300];

static int setup(void **state) {
  (void)state;
  text t = {0};
  folder_make(folder, sizeof folder);
  words_put(folder, "words.txt", 90);
  for (int i = 0; i < 9000; i++) text_format(&t, "%c", 'a' + (int)(hash_mix((uint64_t)i) % 7));
  file_put(folder, "long.txt", t.data, t.length);
  text_free(&t);
  snprintf(data_path, sizeof data_path, "%s/words.txt", folder);
  snprintf(long_path, sizeof long_path, "%s/long.txt", folder);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  folder_remove(folder);
  assert_int_equal(mem_live(), 0);
  return 0;
}

static const char *dir(const char *name) { return folder_path(folder, name); }

typedef struct watcher {
  int64_t stop_at;
  volatile sig_atomic_t stop;
  train_start start;
} watcher;

static void on_start(void *context, const train_start *s) { ((watcher *)context)->start = *s; }
static void on_progress(void *context, const train_progress *p) {
  watcher *w = context;
  if (p->step == w->stop_at) w->stop = 1;
}

static void test_sizes(void **state) {
  (void)state;
  static const struct {
    const char *source;
    int64_t bytes; /* 0: none */
  } rows[] = {{"500M", 500ll << 20},
              {"2G", 2ll << 30},
              {"1.5K", 1536},
              {"1T", 1ll << 40},
              {"4096", 4096},
              {"", 0},
              {"M", 0},
              {"0", 0},
              {"-1M", 0},
              {"12 M", 0},
              {"5m", 0},
              {"5MB", 0},
              {"x", 0},
              {"nan", 0},
              {"inf", 0},
              {"1e300", 0},
              {"0.1", 0},
              {"9000000T", 0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int64_t bytes = 0;
    const bool good = option_bytes(rows[i].source, &bytes);
    if (good != (rows[i].bytes > 0) || bytes != rows[i].bytes) fail_msg("'%s': %lld", rows[i].source, (long long)bytes);
  }
}

static train_options long_options(const char *path) {
  train_options o = small_options("language", long_path, path);
  o.batch = 2;
  o.unroll = 2000;
  o.steps = 3;
  o.valid = "0.2";
  return o;
}

static unroll_status train(const train_options *o, watcher *w, unroll_error *err) {
  train_result r;
  w->stop = 0;
  const train_callbacks c = {.context = w, .start = on_start, .progress = on_progress, .stop = &w->stop};
  return train_run(o, &c, &r, err);
}

/* Lines to validate with that are longer than those to train on count, too. */
static void test_long_lines(void **state) {
  (void)state;
  watcher w = {0};
  text net = {0}, valid = {0};
  char net_path[300], valid_path[300];
  text_format(&net, "data token : chars lines\nh = lstm(token[t-1], 20)\ntoken ~ softmax(W h + b)\n");
  for (int i = 0; i < 2000; i++) text_format(&valid, "the cat ");
  file_put(folder, "lines.net", net.data, net.length);
  file_put(folder, "valid.txt", valid.data, valid.length);
  snprintf(net_path, sizeof net_path, "%s/lines.net", folder);
  snprintf(valid_path, sizeof valid_path, "%s/valid.txt", folder);
  text_free(&net);
  text_free(&valid);
  train_options o = small_options(net_path, data_path, dir("lines"));
  o.n_settings = 0;
  o.steps = 2;
  OK(train(&o, &w, err));
  const int64_t alone = w.start.bytes;
  o.valid = valid_path;
  OK(train(&o, &w, err));
  const uint64_t whole = file_hash(o.dir, "model.safetensors");
  assert_true(w.start.bytes > alone + 3000 * 1024);
  o.memory = alone + 1500 * 1024;
  OK(train(&o, &w, err));
  assert_true(w.start.bytes <= o.memory && w.start.window > w.start.steps && w.start.window < 16000);
  assert_true(file_hash(o.dir, "model.safetensors") == whole);
}

/* Less and less memory: smaller windows, within what was given, and the same model, for both precisions. */
static void test_same_bits(void **state) {
  (void)state;
  static const double shares[] = {0, 1, 0.75, 0.5};
  for (int precision = 0; precision < 2; precision++) {
    uint64_t whole = 0;
    int window = 1 << 30;
    watcher w = {0};
    int64_t all = 0;
    for (int i = 0; i < 4; i++) {
      train_options o = long_options(dir("bits"));
      o.precision = precision ? "bf16" : "fp32";
      o.memory = (int64_t)((double)all * shares[i]);
      OK(train(&o, &w, err));
      if (i == 0) {
        whole = file_hash(o.dir, "model.safetensors");
        all = w.start.bytes;
        assert_int_equal(w.start.window, 0);
        continue;
      }
      if (w.start.bytes > o.memory || w.start.window >= window || (i > 1) != (w.start.window > 0))
        fail_msg("%lld of %lld bytes, windows of %d steps", (long long)w.start.bytes, (long long)o.memory, w.start.window);
      if (w.start.window) window = w.start.window;
      assert_true(file_hash(o.dir, "model.safetensors") == whole);
    }
    assert_true(window < 1000);
  }
}

/* Stopped, and gone on with in less memory. */
static void test_resumed(void **state) {
  (void)state;
  watcher w = {0};
  train_options o = long_options(dir("whole")), change;
  train_result r;
  OK(train(&o, &w, err));
  const int64_t all = w.start.bytes;
  const uint64_t whole = file_hash(o.dir, "model.safetensors");
  o.dir = dir("cut");
  o.memory = all / 2;
  w.stop_at = 1;
  assert_int_equal(train(&o, &w, NULL), UNROLL_INTERRUPTED);
  const int window = w.start.window;
  assert_true(window > 0);
  const train_callbacks c = {.context = &w, .start = on_start, .progress = on_progress, .stop = &w.stop};
  w.stop = 0;
  w.stop_at = 2;
  assert_int_equal(train_resume(o.dir, NULL, &c, &r, NULL), UNROLL_INTERRUPTED);
  assert_int_equal(w.start.window, window);
  train_defaults(&change);
  change.memory = all / 3;
  w.stop = 0;
  w.stop_at = 0;
  OK(train_resume(o.dir, &change, &c, &r, err));
  assert_true(w.start.window < window);
  assert_true(file_hash(o.dir, "model.safetensors") == whole);
}

/* The least that is named does, and a little less does not. Lines have windows too. */
static void test_least(void **state) {
  (void)state;
  for (int lines = 0; lines < 2; lines++) {
    train_options o = lines ? small_options("names", data_path, dir("least")) : long_options(dir("least"));
    watcher w = {0};
    unroll_error e = {0};
    o.steps = 1;
    o.memory = 10000;
    assert_int_equal(train(&o, &w, &e), UNROLL_USAGE);
    const char *size = strstr(e.message, "option 'memory' ");
    assert_non_null(size);
    assert_true(option_bytes(size + 16, &o.memory));
    OK(train(&o, &w, err));
    assert_true(w.start.window > 0 && w.start.bytes <= o.memory);
    o.memory = o.memory * 9 / 10;
    assert_int_equal(train(&o, &w, NULL), UNROLL_USAGE);
  }
}

/* A net that needs all steps at once. */
static void test_refused(void **state) {
  (void)state;
  static const char used[] = "data word : chars lines\ndata label : category\nh = gru(embed(word, 8), 16)\nlabel ~ softmax(W "
                             "last(h) + V last(attend(h, h)) + b)\n";
  text lines = {0};
  char path[300];
  text_format(&lines, "word,label\n");
  for (int i = 0; i < 200; i++) text_format(&lines, "%s%s,%c\n", i % 3 ? "ab" : "cd", i % 7 ? "efgh" : "xy", 'p' + i % 2);
  file_put(folder, "table.csv", lines.data, lines.length);
  file_put(folder, "max.net", used, sizeof used - 1);
  text_free(&lines);
  snprintf(path, sizeof path, "%s/max.net", folder);
  train_options o = small_options(path, dir("table.csv"), NULL);
  watcher w = {0};
  unroll_error e = {0};
  o.n_settings = 0;
  o.steps = 1;
  o.memory = 1000;
  assert_int_equal(train(&o, &w, &e), UNROLL_BAD_INPUT);
  assert_non_null(strstr(e.message, "cannot be cut into windows"));
  assert_int_equal(e.line, 4);
  o.memory = 100 << 20; /* all at once */
  OK(train(&o, &w, err));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_sizes),     cmocka_unit_test(test_long_lines),
                                     cmocka_unit_test(test_same_bits), cmocka_unit_test(test_resumed),
                                     cmocka_unit_test(test_least),     cmocka_unit_test(test_refused)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
