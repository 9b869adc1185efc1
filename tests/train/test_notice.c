/* test_notice.c - what training says: of its data before the first step, of steps that were skipped, of the folder it writes into.
 */
#include <math.h>
#include "help.h"

static char folder[200];

static int setup(void **state) {
  (void)state;
  folder_make(folder, sizeof folder);
  words_put(folder, "words.txt", 90);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  folder_remove(folder);
  assert_int_equal(mem_live(), 0);
  return 0;
}

static const char *in(const char *name) { return folder_path(folder, name); }

typedef struct watcher {
  int64_t stop_at; /* 0: never */
  volatile sig_atomic_t stop;
  int warnings;
  char said[2048], notes[1024]; /* all warnings, a line each */
  bool replaces;
} watcher;

static void on_progress(void *context, const train_progress *p) {
  watcher *w = context;
  if (p->step == w->stop_at) w->stop = 1;
}
static void on_warning(void *context, const char *message) {
  watcher *w = context;
  const size_t used = strlen(w->said);
  w->warnings++;
  snprintf(w->said + used, sizeof w->said - used, "%s\n", message);
}
static void on_start(void *context, const train_start *s) {
  watcher *w = context;
  snprintf(w->notes, sizeof w->notes, "%s", s->notes ? s->notes : "");
  w->replaces = s->replaces;
}

static train_callbacks watch(watcher *w) {
  w->stop = 0;
  w->warnings = 0;
  w->said[0] = w->notes[0] = 0;
  return (train_callbacks){.context = w, .start = on_start, .progress = on_progress, .warning = on_warning, .stop = &w->stop};
}

static unroll_status train(const train_options *o, watcher *w, train_result *r, unroll_error *err) {
  const train_callbacks c = watch(w);
  return train_run(o, &c, r, err);
}

static unroll_status resume(const char *dir, watcher *w, train_result *r, unroll_error *err) {
  const train_callbacks c = watch(w);
  return train_resume(dir, NULL, &c, r, err);
}

/* --- data --- */

static const struct {
  const char *net, *train, *valid, *notes, *warnings;
} cases[] = {
    /* which data has steps is inferred where a data line does not say it */
    {"data x : number\ndata y : category\ny ~ softmax(W last(rnn(x, 3)) + b)\n", "x,y\n1 2,p\n3,q\n", NULL,
     "taken to have a value at every step: 'x'; one value for each example: 'y'; 'each' or 'whole' in a data line says otherwise\n",
     ""},
    {"data x : number each\ndata y : category whole\ny ~ softmax(W last(rnn(x, 3)) + b)\n", "x,y\n1 2,p\n3,q\n", NULL, "", ""},
    {"data x : number each\ndata c : category\ndata y : category whole\ny ~ softmax(W [last(rnn(x, 3)), embed(c, 2)] + b)\n",
     "x,c,y\n1 2,a,p\n3,b,q\n", NULL,
     "taken to have one value for each example: 'c'; 'each' or 'whole' in a data line says otherwise\n", ""},
    /* the share of <unk> is always there, a large one is a warning; a word that is seen once trains <unk> */
    {"data s : words(4)\ndata y : category whole\ny ~ softmax(W mean(embed(s, 3)) + b)\n",
     "s,y\na a a b b b c c c d,p\na b c a b c a b c e,q\n", NULL, "<unk> of 's': 10.0 % in training\n", ""},
    {"data s : words(3)\ndata y : category whole\ny ~ softmax(W mean(embed(s, 3)) + b)\n",
     "s,y\na a a b b b b c c d,p\na b a b b c a b c e,q\n", "s,y\na z,p\n",
     "<unk> of 's': 30.0 % in training, 50.0 % in validation\n",
     "30 % of 's' in what is trained on is <unk>: words that the vocabulary of 3 lacks\n"
     "50 % of 's' in what is for validation is <unk>: words that the vocabulary of 3 lacks\n"},
    {"data s : words\ndata y : category whole\ny ~ softmax(W mean(embed(s, 3)) + b)\n", "s,y\na b a,p\nb c,q\n", NULL,
     "<unk> of 's': 0.0 % in training (so half of the times words that occur once are read as <unk>)\n", ""},
    {"data s : words\ndata y : category whole\ny ~ softmax(W mean(embed(s, 3)) + b)\n", "s,y\na b a,p\nb a c,q\n",
     "s,y\nc a a a a a a a a a,p\n", "<unk> of 's': 16.7 % in training (words that occur once), 10.0 % in validation\n", ""},
    {"data s : words\ndata y : category whole\ny ~ softmax(W mean(embed(s, 3)) + b)\n", "s,y\na b a,p\nb a b,q\n", NULL,
     "<unk> of 's': 0.0 % in training\n", ""},
    /* what is always the same */
    {"data x : number each\ndata y : category whole\ny ~ softmax(W last(rnn(x, 3)) + b)\n", "x,y\n1 2,p\n3,p\n", NULL, "",
     "'y' is always 'p' in what is trained on: there is nothing to learn\n"},
    {"data x : number each\ndata y : category whole\ny ~ softmax(W last(rnn(x, 3)) + b)\n", "x,y\n1 2,p\n3,p\n", "x,y\n1,q\n", "",
     "'y' is always 'p' in what is trained on: there is nothing to learn\n"},
    {"data x : numbers each\ndata z : number each\ndata y : number whole\ny ~ gaussian(W last(rnn([x, z], 3)) + b, 1)\n",
     "x,z,y\n1;2 1;2,7 7,0.5\n1;2,7,0.5\n", NULL, "",
     "'x' is always the same in what is trained on: it can tell the net nothing\n"
     "'z' is always '7' in what is trained on: it can tell the net nothing\n"
     "'y' is always '0.5' in what is trained on: there is nothing to learn\n"},
};

static void test_data(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    watcher w = {0};
    train_result r;
    file_put(folder, "n.net", cases[i].net, strlen(cases[i].net));
    file_put(folder, "t.csv", cases[i].train, strlen(cases[i].train));
    if (cases[i].valid) file_put(folder, "v.csv", cases[i].valid, strlen(cases[i].valid));
    train_options o = small_options(in("n.net"), in("t.csv"), NULL);
    o.n_settings = 0;
    o.valid = cases[i].valid ? in("v.csv") : NULL;
    o.steps = 1;
    OK(train(&o, &w, &r, err));
    if (strcmp(w.notes, cases[i].notes) || strcmp(w.said, cases[i].warnings))
      fail_msg("%d: %s\nnotes:\n%s%s", (int)i, cases[i].net, w.notes, w.said);
  }
}

/* The first row of the embedding after so many steps. */
static void unknown_row(const char *net, int steps, float row[3]) {
  static const char rows[] = "s,y\na b a c,p\nb a d,q\na b,p\nb b e a,q\n";
  watcher w = {0};
  train_result r;
  model m;
  file_put(folder, "u.net", net, strlen(net));
  file_put(folder, "t.csv", rows, sizeof rows - 1);
  train_options o = small_options(in("u.net"), in("t.csv"), in("u"));
  o.n_settings = 0;
  o.steps = steps;
  OK(train(&o, &w, &r, err));
  OK(model_load(&m, in("u/model.safetensors"), false, err));
  for (int i = 0; i < m.g.n_params; i++)
    if (!strcmp(m.g.params[i].name, "E")) memcpy(row, m.weights + m.g.params[i].offset, 3 * sizeof *row);
  model_free(&m);
}

static void test_unknown_is_trained(void **state) {
  (void)state;
  static const char net[] = "data s : words\ndata y : category whole\nwidth e = 3\ne = E s\ny ~ softmax(W mean(e) + b)\n",
                    predicts[] = "data s : words lines\nwidth e = 3\ne = E s[t-1]\ns ~ softmax(W rnn(e, 3) + b)\n";
  float before[3], after[3], again[3];
  unknown_row(net, 1, before);
  unknown_row(net, 40, after);
  unknown_row(net, 40, again);
  for (int i = 0; i < 3; i++) assert_true(fabsf(before[i] - after[i]) > 1e-3f);
  assert_memory_equal(after, again, sizeof after);
  unknown_row(predicts, 1, before); /* words that are predicted stay what they are */
  unknown_row(predicts, 40, after);
  assert_memory_equal(before, after, sizeof before);
}

/* --- steps that are skipped --- */

static void test_explodes(void **state) {
  (void)state;
  static const char net[] = "data x : number each\ndata y : number whole\nh = h[t-1] + V x\nwidth h = 1\n"
                            "y ~ gaussian(W last(h) + b, 1)\n",
                    rows[] = "x,y\n1 2,3\n3,4\n2 2,5\n4 1,6\n";
  watcher w = {0};
  train_result r;
  unroll_error e = {0};
  file_put(folder, "x.net", net, sizeof net - 1);
  file_put(folder, "x.csv", rows, sizeof rows - 1);
  train_options o = small_options(in("x.net"), in("x.csv"), NULL);
  o.n_settings = 0;
  o.optimizer = "sgd";
  o.rate = 10;
  o.clip_norm = 0;
  o.steps = 200;
  if (train(&o, &w, &r, &e) != UNROLL_FAILED) fail_msg("%s", e.message);
  assert_true(w.warnings >= 1 && w.warnings <= 5); /* not fifty */
  if (!strstr(w.said, "the run explodes: the length of the gradient grew from ") ||
      !strstr(w.said, ". What helps: option 'lr' below 10, or a limit by option 'clip-norm'\n") || strstr(w.said, "row "))
    fail_msg("%s", w.said);
  if (!strstr(e.message, "50 steps in a row had no finite loss") || !strstr(e.message, "the run explodes"))
    fail_msg("%s", e.message);
}

/* --- the folder --- */

static train_options names_options(const char *dir) {
  train_options o = small_options("names", in("words.txt"), dir);
  o.steps = 40;
  o.valid = "0.2";
  return o;
}

static void test_other_net(void **state) {
  (void)state;
  const char *dir = in("shared");
  watcher w = {0};
  train_result r;
  unroll_error e = {0};
  train_options o = names_options(dir);
  o.force = false;
  OK(train(&o, &w, &r, err));
  assert_false(w.replaces);
  OK(train(&o, &w, &r, err)); /* the same net again */
  assert_true(w.replaces);
  const uint64_t whole = file_hash(dir, "model.safetensors"), checkpoint = file_hash(dir, "checkpoint.safetensors");
  o.net = "language";
  assert_int_equal(train(&o, &w, &r, &e), UNROLL_USAGE);
  assert_non_null(strstr(e.message, "the model of another net, 'names.net', and training 'language.net' would replace it"));
  assert_true(file_hash(dir, "model.safetensors") == whole && file_hash(dir, "checkpoint.safetensors") == checkpoint);
  o.force = true;
  OK(train(&o, &w, &r, err));
  assert_true(file_hash(dir, "model.safetensors") != whole);
  file_put(dir, "model.safetensors", "mine", 4); /* another program's file */
  o.force = false;
  assert_int_equal(train(&o, &w, &r, &e), UNROLL_USAGE);
  assert_non_null(strstr(e.message, "no model that this program can read"));
}

/* Stopped before the first validation there is a model too, unless it would replace that of an earlier training. */
static void test_stopped_early(void **state) {
  (void)state;
  const char *dir = in("early"), *whole = in("whole");
  watcher w = {.stop_at = 2};
  train_result r;
  unroll_error e = {0};
  train_options o = names_options(dir);
  assert_int_equal(train(&o, &w, &r, &e), UNROLL_INTERRUPTED);
  assert_true(isnan(r.best_valid_loss) && r.wrote);
  model m;
  OK(model_load(&m, in("early/model.safetensors"), false, err));
  model_free(&m);
  w.stop_at = 0;
  OK(resume(dir, &w, &r, err));
  o.dir = whole;
  OK(train(&o, &w, &r, err));
  const uint64_t bits = file_hash(whole, "model.safetensors");
  assert_true(bits == file_hash(dir, "model.safetensors"));
  w.stop_at = 2;
  assert_int_equal(train(&o, &w, &r, &e), UNROLL_INTERRUPTED);
  assert_true(!r.wrote && file_hash(whole, "model.safetensors") == bits);
}

/* A finished run whose model has gone gets one again; of one that is there nobody says that it was written. */
static void test_gone(void **state) {
  (void)state;
  const char *dir = in("gone");
  watcher w = {0};
  train_result r;
  train_options o = names_options(dir);
  OK(train(&o, &w, &r, err));
  assert_true(r.wrote);
  const uint64_t bits = file_hash(dir, "model.safetensors");
  OK(resume(dir, &w, &r, err));
  assert_true(!r.wrote && file_hash(dir, "model.safetensors") == bits);
  assert_int_equal(unlink(in("gone/model.safetensors")), 0);
  OK(resume(dir, &w, &r, err));
  assert_true(r.wrote && file_hash(dir, "model.safetensors") != 0);
}

/* --- patience --- */

static void test_usual_patience(void **state) {
  (void)state;
  watcher w = {0};
  train_result r;
  train_options o = names_options(NULL);
  o.rate = 0.05;
  o.steps = 0;
  o.epochs = 400;
  OK(train(&o, &w, &r, err));
  assert_true(r.stopped_early);
  const int64_t stopped = r.steps;
  o.epochs = 0;
  o.steps = stopped / 2;
  OK(train(&o, &w, &r, err));
  const double half = r.best_valid_loss;
  o.steps = stopped;
  o.patience = 0;
  OK(train(&o, &w, &r, err));
  assert_true(!r.stopped_early && r.best_valid_loss == half); /* nothing better came in the second half */
  o.patience = -1;
  o.steps = 2 * stopped;
  OK(train(&o, &w, &r, err));
  assert_int_equal(r.steps, stopped);
  o.schedule = "cosine"; /* is best at its end */
  OK(train(&o, &w, &r, err));
  assert_true(!r.stopped_early && r.steps == 2 * stopped);
}

int main(int argc, char **argv) {
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_data),           cmocka_unit_test(test_unknown_is_trained), cmocka_unit_test(test_explodes),
      cmocka_unit_test(test_other_net),      cmocka_unit_test(test_stopped_early),      cmocka_unit_test(test_gone),
      cmocka_unit_test(test_usual_patience),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
