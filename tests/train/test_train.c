/* test_train.c - training: what it learns, and that resumed runs, other numbers of threads and damaged files change no bit. */
#include <math.h>
#include "help.h"
#include "io/json.h"

static char folder[200], data_path[300];

static int setup(void **state) {
  (void)state;
  folder_make(folder, sizeof folder);
  words_put(folder, "words.txt", 90);
  snprintf(data_path, sizeof data_path, "%s/words.txt", folder);
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
  int64_t stop_at; /* 0: never */
  volatile sig_atomic_t stop;
  int warnings;
  char last[512];
  train_start start;
} watcher;

static void on_progress(void *context, const train_progress *p) {
  watcher *w = context;
  if (p->step == w->stop_at) w->stop = 1;
}
static void on_warning(void *context, const char *message) {
  watcher *w = context;
  w->warnings++;
  snprintf(w->last, sizeof w->last, "%s", message);
}
static void on_start(void *context, const train_start *s) { ((watcher *)context)->start = *s; }

static unroll_status train(const train_options *o, watcher *w, train_result *r, unroll_error *err) {
  w->stop = 0;
  w->warnings = 0;
  const train_callbacks c = {.context = w, .start = on_start, .progress = on_progress, .warning = on_warning, .stop = &w->stop};
  return train_run(o, &c, r, err);
}

static unroll_status resume(const char *path, const train_options *change, watcher *w, train_result *r, unroll_error *err) {
  w->stop = 0;
  w->warnings = 0;
  const train_callbacks c = {.context = w, .start = on_start, .progress = on_progress, .warning = on_warning, .stop = &w->stop};
  return train_resume(path, change, &c, r, err);
}

/* --- comparing --- */

/* Hash of all tensors of a file. */
static uint64_t tensors_hash(const char *path, const char *name) {
  char file[600];
  tensor_file f;
  unroll_error e = {0};
  snprintf(file, sizeof file, "%s/%s", path, name);
  if (tensor_file_load(&f, file, &e)) fail_msg("%s: %s", file, e.message);
  const uint64_t h = model_hash(f.tensors, f.count, NULL, NULL, 0);
  tensor_file_free(&f);
  return h;
}

/* The log without what time decides. */
static void log_text(const char *path, text *out) {
  char file[600], *data;
  size_t size;
  snprintf(file, sizeof file, "%s/log.jsonl", path);
  OK(file_read(file, &data, &size, err));
  for (char *line = data, *end; (end = strchr(line, '\n')); line = end + 1) {
    json_error_t error;
    int starved;
    json_t *j = json_read(line, (size_t)(end - line), &error, &starved);
    if (!j) fail_msg("%s: %s", file, error.text);
    static const char *const timed[] = {"seconds",     "symbols_per_second", "gflops",
                                        "peak_gflops", "processor_time",     "share_of_peak"};
    for (size_t i = 0; i < sizeof timed / sizeof *timed; i++) json_object_del(j, timed[i]);
    char *s = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
    text_format(out, "%s\n", s);
    mem_free(s);
    json_decref(j);
  }
  mem_free(data);
}

static void same_run(const char *a, const char *b, const char *what) {
  text x = {0}, y = {0};
  log_text(a, &x);
  log_text(b, &y);
  if (strcmp(x.data, y.data)) fail_msg("%s: the logs differ:\n%s\n%s", what, x.data, y.data);
  text_free(&x);
  text_free(&y);
  if (tensors_hash(a, "checkpoint.safetensors") != tensors_hash(b, "checkpoint.safetensors"))
    fail_msg("%s: the checkpoints differ", what);
  if (file_hash(a, "model.safetensors") != file_hash(b, "model.safetensors")) fail_msg("%s: the models differ", what);
}

/* --- learning --- */

static void test_hello(void **state) {
  (void)state;
  file_put(folder, "hello.txt", "hello", 5);
  train_options o;
  train_result r;
  watcher w = {0};
  train_defaults(&o);
  o.net = "language";
  o.data = dir("hello.txt");
  o.dir = dir("hello");
  o.settings = &(setting){"hidden", 64, NULL};
  o.n_settings = 1;
  OK(train(&o, &w, &r, err));
  assert_int_equal(r.steps, 300);
  assert_int_equal(w.start.rows, 1);
  assert_int_equal(w.start.steps, 5);
  assert_true(isnan(r.valid_loss) && isnan(r.test_loss));
  model m;
  char path[600];
  double p[8];
  snprintf(path, sizeof path, "%s/model.safetensors", o.dir);
  OK(model_load(&m, path, false, err));
  assert_int_equal(m.schema.list->words.n, 4); /* e h l o */
  OK(generate_next(&m, "hell", 4, p, err));
  assert_true(p[3] > 0.99);
  OK(generate_next(&m, "he", 2, p, err));
  assert_true(p[2] > 0.99);
  model_free(&m);
}

static void test_lines_learned(void **state) {
  (void)state;
  train_options o = small_options("names", data_path, dir("learned"));
  train_result r;
  watcher w = {0};
  o.epochs = 40;
  o.rate = 0.01;
  o.valid = "0.2";
  o.test = "0.1";
  OK(train(&o, &w, &r, err));
  assert_true(r.best_valid_loss < 1.6); /* 10 letters and the end: ln 11 = 2.4 without knowing anything */
  assert_true(isfinite(r.test_loss) && r.test_loss < 2.2);
  assert_true(r.best_valid_loss <= r.valid_loss);
  assert_int_equal(w.start.sequences[0] + w.start.sequences[1] + w.start.sequences[2], 90);
}

/* --- the same bits --- */

static const char steep_net[] =
    "data token : chars lines\nmixed = 0\nhidden = 8\nembedding = 4\ndrop = 0\ne = embed(token[t-1], embedding)\n"
    "h = lstm_steep(e, hidden, dropout = drop)\ng = (1 - mixed) * h + mixed * tanh(V e)\ntoken ~ softmax(W g + b)\n";

static const struct {
  const char *net, *optimizer, *schedule, *valid;
  double drop;
} runs[] = {
    {"language", "adam", "constant", "0.1", 0.2},  {"names", "adam", "cosine", "0.2", 0.2},
    {"language", "adamw", "cosine:5", "0.1", 0},   {"names", "rmsprop", "plateau:0.5:1", "0.2", 0.1},
    {"language", "sgd", "decay:0.9:1", "0", 0.1},  {"names", "sgd", "constant", "0", 0},
    {"language", "rmsprop", "constant", "0.1", 0}, {"words", "sgd", "decay:0.9:1", "0.1", 0.1},
    {"clicks", "adam", "constant", "0.1", 0},      {"steep", "adam", "constant", "0.1", 0.2},
};
enum { RUNS = sizeof runs / sizeof *runs };

static train_options options_of(int i, const char *path, setting settings[3]) {
  static const char *const inits[] = {"uniform(0.1)", "h.U*=identity"}, *const ramps[] = {"h.s=1:4@0.75", "mixed=0:0.3"};
  const bool steep = !strcmp(runs[i].net, "steep");
  train_options o = small_options(steep ? dir("steep.net") : runs[i].net, data_path, path);
  memcpy(settings, small_settings, sizeof small_settings);
  if (steep) {
    file_put(folder, "steep.net", steep_net, strlen(steep_net));
    o.inits = (option_list){inits, 2};
    o.ramps = (option_list){ramps, 2};
  }
  settings[2] = (setting){"drop", runs[i].drop, NULL};
  o.settings = settings;
  o.n_settings = strcmp(runs[i].net, "clicks") ? 3 : 1;
  o.optimizer = runs[i].optimizer;
  o.schedule = runs[i].schedule;
  o.valid = runs[i].valid;
  o.test = "0.1";
  o.momentum = 0.5;
  o.steps = 60;
  return o;
}

static void test_resume(void **state) {
  (void)state;
  for (int i = 0; i < RUNS; i++) {
    setting settings[3];
    train_result whole, part_one, rest;
    watcher w = {0};
    folder_clear(dir("whole"));
    folder_clear(dir("cut"));
    train_options o = options_of(i, dir("whole"), settings);
    OK(train(&o, &w, &whole, err));
    o.dir = dir("cut");
    w.stop_at = 23;
    unroll_error e = {0};
    assert_int_equal(train(&o, &w, &part_one, &e), UNROLL_INTERRUPTED);
    assert_int_equal(part_one.steps, 23);
    w.stop_at = 41;
    assert_int_equal(resume(o.dir, NULL, &w, &rest, &e), UNROLL_INTERRUPTED);
    assert_int_equal(w.start.first_step, 23);
    assert_true(w.start.resumed);
    w.stop_at = 0;
    OK(resume(o.dir, NULL, &w, &rest, err));
    assert_int_equal(w.warnings, 0);
    assert_int_equal(rest.steps, 60);
    assert_int_equal(rest.symbols, whole.symbols);
    same_run(dir("whole"), dir("cut"), runs[i].optimizer);
    OK(resume(o.dir, NULL, &w, &rest, err)); /* a finished run: nothing happens */
    assert_true(rest.test_loss == whole.test_loss);
    same_run(dir("whole"), dir("cut"), "finished, resumed");
  }
}

static void test_stop_anywhere(void **state) {
  (void)state;
  train_options o = small_options("language", data_path, dir("whole"));
  train_result r;
  watcher w = {0};
  o.steps = 15;
  o.valid = "0";
  OK(train(&o, &w, &r, err));
  o.dir = dir("cut");
  for (int64_t at = 1; at < 15; at++) {
    w.stop_at = at;
    assert_int_equal(train(&o, &w, &r, NULL), UNROLL_INTERRUPTED);
    w.stop_at = 0;
    OK(resume(o.dir, NULL, &w, &r, err));
    assert_int_equal(w.start.first_step, at);
    same_run(dir("whole"), dir("cut"), "stopped");
  }
}

/* Longer than planned, with another number of threads: the schedule is constant, so a run of 30 steps is one of 20 and 10. */
static void test_more_steps(void **state) {
  (void)state;
  train_options o = small_options("names", data_path, dir("whole")), change;
  train_result r;
  watcher w = {0};
  o.steps = 30;
  o.valid = "0";
  OK(train(&o, &w, &r, err));
  const uint64_t whole = tensors_hash(o.dir, "checkpoint.safetensors");
  o.dir = dir("cut");
  o.steps = 20;
  OK(train(&o, &w, &r, err));
  train_defaults(&change);
  change.steps = 30;
  change.threads = 2;
  OK(resume(o.dir, &change, &w, &r, err));
  assert_int_equal(r.steps, 30);
  assert_true(tensors_hash(o.dir, "checkpoint.safetensors") == whole);
}

static void test_threads(void **state) {
  (void)state;
  static const int threads[] = {1, 2, 3, 8};
  static const char *const nets[] = {"language", "names"};
  for (int n = 0; n < 2; n++) {
    uint64_t model_first = 0, checkpoint_first = 0;
    for (int i = 0; i < 4; i++) {
      setting settings[] = {{"hidden", 40, NULL}, {"drop", 0.1, NULL}, {"layers", 2, NULL}};
      train_options o = small_options(nets[n], data_path, dir("threads"));
      train_result r;
      watcher w = {0};
      o.settings = settings;
      o.n_settings = 3;
      o.batch = 19;
      o.steps = 12;
      o.valid = "0.2";
      o.threads = threads[i];
      OK(train(&o, &w, &r, err));
      const uint64_t m = file_hash(o.dir, "model.safetensors"), c = tensors_hash(o.dir, "checkpoint.safetensors");
      if (i == 0) {
        model_first = m;
        checkpoint_first = c;
      }
      if (m != model_first || c != checkpoint_first) fail_msg("%s: %d threads give other bits than one", nets[n], threads[i]);
    }
  }
}

static int64_t counted;
static void count_allocations(void *context, const train_progress *p) {
  int64_t *before = context;
  if (p->step > 2 && mem_count() != *before) counted++;
  *before = mem_count();
}

static void test_no_allocation(void **state) {
  (void)state;
  static const char *const nets[] = {"language", "names"};
  for (int n = 0; n < 2; n++) {
    train_options o = small_options(nets[n], data_path, NULL);
    train_result r;
    int64_t before = 0;
    const train_callbacks c = {.context = &before, .progress = count_allocations};
    o.steps = part_is_all() ? 1000 : 100;
    o.threads = 2;
    o.valid = "0.1"; /* validations allocate nothing either */
    o.settings = small_settings;
    counted = 0;
    OK(train_run(&o, &c, &r, err));
    assert_int_equal(r.steps, o.steps);
    assert_int_equal(counted, 0);
  }
}

/* --- things that go wrong --- */

/* What was written is finite. */
static void check_saved(const char *path) {
  model m;
  char file[600];
  snprintf(file, sizeof file, "%s/checkpoint.safetensors", path);
  OK(model_load(&m, file, false, err));
  assert_int_equal(model_first_bad(&m, m.weights), -1);
  model_free(&m);
}

static void test_not_finite(void **state) {
  (void)state;
  static const char net[] = "data token : chars\nhidden = 8\nh = rnn(embed(token[t-1], 4), hidden)\n"
                            "token ~ softmax(W log(h - 2) + b)\n"; /* h is below 1 */
  file_put(folder, "nan.net", net, strlen(net));
  train_options o = small_options(dir("nan.net"), data_path, dir("nan"));
  train_result r;
  watcher w = {0};
  unroll_error e = {0};
  o.settings = NULL;
  o.n_settings = 0;
  o.steps = 200;
  assert_int_equal(train(&o, &w, &r, &e), UNROLL_FAILED);
  assert_non_null(strstr(e.message, "50 steps in a row"));
  assert_int_equal(w.warnings, 1);
  assert_int_equal(r.skipped, 50);
  assert_non_null(strstr(w.last, "step 1 skipped: the loss is nan, first at symbol"));
  check_saved(o.dir);
}

/* A rate that makes numbers overflow: whatever becomes of it, nothing that is not finite is saved. */
static void test_overflow(void **state) {
  (void)state;
  static const double rates[] = {1e3, 1e20, 1e30};
  for (int i = 0; i < 3; i++) {
    train_options o = small_options("language", data_path, dir("overflow"));
    train_result r;
    watcher w = {0};
    o.optimizer = "sgd";
    o.rate = rates[i];
    o.clip_norm = 0;
    o.steps = 100;
    const unroll_status status = train(&o, &w, &r, NULL);
    assert_true(status == UNROLL_OK || status == UNROLL_FAILED);
    assert_true(r.skipped >= w.warnings);
    check_saved(o.dir);
  }
}

/* One changed byte anywhere in the last checkpoint: it is refused, the one before is used, and the end is the same. */
static void test_damaged(void **state) {
  (void)state;
  train_options o = small_options("names", data_path, dir("whole"));
  train_result r;
  watcher w = {0};
  unroll_error e = {0};
  int refused = 0;
  char cut[sizeof folder + 8];
  o.steps = 12;
  o.valid = "0.2";
  o.checkpoint_seconds = 0;
  OK(train(&o, &w, &r, err));
  snprintf(cut, sizeof cut, "%s/cut", folder); /* what dir() says is gone after four calls */
  o.dir = cut;
  w.stop_at = 8;
  assert_int_equal(train(&o, &w, &r, &e), UNROLL_INTERRUPTED);
  w.stop_at = 0;
  static const char *const names[] = {"checkpoint.safetensors", "checkpoint-1.safetensors", "model.safetensors", "log.jsonl"};
  char *saved[4], path[600];
  size_t sizes[4];
  for (int i = 0; i < 4; i++) {
    snprintf(path, sizeof path, "%s/%s", o.dir, names[i]);
    OK(file_read(path, &saved[i], &sizes[i], err));
  }
  for (int round = 0; round < 60; round++) {
    for (int i = 1; i < 4; i++) file_put(o.dir, names[i], saved[i], sizes[i]);
    const size_t at = hash_mix((uint64_t)round) % sizes[0], size = round % 4 == 3 ? at : sizes[0]; /* every fourth is cut off */
    const char kept = saved[0][at];
    saved[0][at] ^= (char)(1 << round % 8);
    file_put(o.dir, names[0], saved[0], size);
    saved[0][at] = kept;
    if (resume(o.dir, NULL, &w, &r, &e)) fail_msg("byte %zu damaged: %s", at, e.message);
    refused += w.warnings == 1 && w.start.first_step == 7;
    assert_true(w.warnings == 1 || w.start.first_step == 8); /* a bit that means nothing, as in padding */
    same_run(dir("whole"), o.dir, "damaged");
  }
  assert_true(refused >= 58);
  for (int i = 0; i < 2; i++) file_put(o.dir, names[i], saved[i], sizes[i] / 2);
  assert_int_equal(resume(o.dir, NULL, &w, &r, &e), UNROLL_BAD_INPUT);
  assert_non_null(strstr(e.file, "checkpoint.safetensors"));
  for (int i = 0; i < 4; i++) mem_free(saved[i]);
}

static void test_changed_data(void **state) {
  (void)state;
  words_put(folder, "changing.txt", 50);
  train_options o = small_options("names", dir("changing.txt"), dir("changed")), change;
  train_result r;
  watcher w = {.stop_at = 3};
  unroll_error e = {0};
  assert_int_equal(train(&o, &w, &r, &e), UNROLL_INTERRUPTED);
  w.stop_at = 0;
  words_put(folder, "changing.txt", 51);
  assert_int_equal(resume(o.dir, NULL, &w, &r, &e), UNROLL_BAD_INPUT);
  assert_non_null(strstr(e.message, "not the data that training began with"));
  words_put(folder, "elsewhere.txt", 50); /* the same data in another place */
  train_defaults(&change);
  change.data = dir("elsewhere.txt");
  change.steps = 5;
  OK(resume(o.dir, &change, &w, &r, err));
}

static void test_patience(void **state) {
  (void)state;
  train_options o = small_options("names", data_path, dir("patience"));
  train_result r;
  watcher w = {0};
  o.rate = 0.05;
  o.epochs = 300;
  o.valid = "0.2";
  o.patience = 2;
  OK(train(&o, &w, &r, err));
  assert_true(r.stopped_early && r.steps < 3000);
  assert_true(r.best_valid_loss < r.valid_loss);
  OK(resume(o.dir, NULL, &w, &r, err));
  assert_true(r.stopped_early);
}

static void test_files_of_their_own(void **state) {
  (void)state;
  words_put(folder, "valid.txt", 20);
  file_put(folder, "test.txt", "bara\nxyz\n", 9); /* letters that only the test has are known all the same */
  train_options o = small_options("names", data_path, dir("files"));
  train_result r;
  watcher w = {0};
  o.valid = dir("valid.txt");
  o.test = dir("test.txt");
  o.epochs = 2;
  OK(train(&o, &w, &r, err));
  assert_int_equal(w.start.sequences[0], 90);
  assert_int_equal(w.start.sequences[1], 20);
  assert_int_equal(w.start.sequences[2], 2);
  assert_true(isfinite(r.test_loss) && isfinite(r.valid_loss));
}

static void test_options(void **state) {
  (void)state;
  static const struct {
    const char *what, *part;
  } rows[] = {{"net", "did you mean 'language'"},
              {"data", "cannot open"},
              {"optimizer", "one of adam"},
              {"schedule", "unknown schedule"},
              {"precision", "one of fp32|bf16"},
              {"int8", "one of fp32|bf16"},
              {"batch", "option 'batch' takes a whole number from 1"},
              {"rate", "above 0"},
              {"valid", "share"},
              {"test", "cannot open"},
              {"patience", "validation"},
              {"plateau", "validation"},
              {"setting", ""},
              {"shares", "together less than 1"},
              {"unroll", "option 'unroll' takes a whole number from 1"},
              {"none", "no data"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    train_options o = small_options("language", data_path, NULL);
    const setting typo = {"hiden", 3, NULL};
    train_result r;
    unroll_error e = {0};
    const char *what = rows[i].what;
    o.valid = "0";
    if (!strcmp(what, "net")) o.net = "langage";
    if (!strcmp(what, "data")) o.data = "/does/not/exist";
    if (!strcmp(what, "optimizer")) o.optimizer = "newton";
    if (!strcmp(what, "schedule")) o.schedule = "slow";
    if (!strcmp(what, "precision")) o.precision = "fp8";
    if (!strcmp(what, "int8")) o.precision = "int8";
    if (!strcmp(what, "batch")) o.batch = 0;
    if (!strcmp(what, "unroll")) o.unroll = -1;
    if (!strcmp(what, "rate")) o.rate = 0;
    if (!strcmp(what, "valid")) o.valid = "1.5";
    if (!strcmp(what, "test")) o.test = "/does/not/exist";
    if (!strcmp(what, "patience")) o.patience = 3;
    if (!strcmp(what, "plateau")) o.schedule = "plateau";
    if (!strcmp(what, "none")) o.data = NULL;
    if (!strcmp(what, "shares")) o.valid = o.test = "0.6";
    if (!strcmp(what, "setting")) {
      o.settings = &typo;
      o.n_settings = 1;
    }
    const unroll_status status = train_run(&o, NULL, &r, &e);
    if (status != UNROLL_USAGE && status != UNROLL_BAD_INPUT) fail_msg("%s: status %d", what, (int)status);
    if (e.code != status || !e.message[0] || !strstr(e.message, rows[i].part)) fail_msg("%s: %s", what, e.message);
    assert_int_equal(mem_live(), 0);
  }
}

/* --- sweeps: the n-th allocation or file operation fails --- */

/* Whatever failed: what is in the folder can be gone on from, or there is no checkpoint at all. */
static void check_folder(const char *path) {
  train_result r;
  watcher w = {0};
  unroll_error e = {0};
  if (!file_hash(path, "checkpoint.safetensors") && !file_hash(path, "checkpoint-1.safetensors")) return;
  if (resume(path, NULL, &w, &r, &e)) fail_msg("after a failure: %s: %s", e.file, e.message);
}

static void sweep(bool memory, int forever, bool resumed) {
  int failures = 0;
  char fresh[300], path[300];
  snprintf(fresh, sizeof fresh, "%s", dir("fresh"));
  snprintf(path, sizeof path, "%s", dir("sweep"));
  for (long n = 1;; n += memory && n > 40 ? 1 + n / 12 : 1) {
    train_options o = small_options("names", data_path, path);
    train_result r;
    watcher w = {0};
    unroll_error e = {0};
    o.steps = 3;
    o.log_steps = 1;
    o.checkpoint_seconds = 0;
    o.valid = "0.1";
    folder_clear(path);
    if (resumed) {
      w.stop_at = 2;
      assert_int_equal(train(&o, &w, &r, NULL), UNROLL_INTERRUPTED);
      w.stop_at = 0;
    }
    const long live = mem_live();
    (memory ? mem_fail_after : file_fail_after)(n, forever);
    const unroll_status status = resumed ? resume(path, NULL, &w, &r, &e) : train(&o, &w, &r, &e);
    mem_fail_after(0, 0);
    file_fail_after(0, 0);
    assert_int_equal(mem_live(), live);
    if (status) {
      failures++;
      if (e.code != status || !e.message[0]) fail_msg("failure %ld has no message", n);
      if (memory && status == UNROLL_BAD_INPUT && !resumed) fail_msg("lack of memory %ld reported as bad input: %s", n, e.message);
    }
    check_folder(path);
    if (!status && n > (memory ? 4000 : 150)) break;
  }
  assert_true(failures > 20);
}

static void test_memory_sweep(void **state) {
  (void)state;
  sweep(true, 0, false);
  sweep(true, 1, true);
}

static void test_file_sweep(void **state) {
  (void)state;
  sweep(false, 0, false);
  sweep(false, 1, false);
  sweep(false, 0, true);
}

int main(int argc, char **argv) {
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_hello),
      cmocka_unit_test(test_lines_learned),
      cmocka_unit_test(test_resume),
      cmocka_unit_test(test_stop_anywhere),
      cmocka_unit_test(test_more_steps),
      cmocka_unit_test(test_threads),
      cmocka_unit_test(test_no_allocation),
      cmocka_unit_test(test_not_finite),
      cmocka_unit_test(test_overflow),
      cmocka_unit_test(test_damaged),
      cmocka_unit_test(test_changed_data),
      cmocka_unit_test(test_patience),
      cmocka_unit_test(test_files_of_their_own),
      cmocka_unit_test(test_options),
      cmocka_unit_test(test_memory_sweep),
      cmocka_unit_test(test_file_sweep),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
