/* test_api.c - unroll.h from the outside: a tiny model is trained once, then used in every way there is. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <unroll.h>

static char folder[256], path[300];

static void in_folder(char out[300], const char *name) { snprintf(out, 300, "%s/%s", folder, name); }

static void set(unroll_options *o, const char *name, const char *value) {
  unroll_error err = {0};
  if (unroll_options_set(o, name, value, &err)) fail_msg("%s = %s: %s", name, value, err.message);
}

static unroll_options *options(const char *data, const char *const *settings, const char *out) {
  unroll_options *o = unroll_options_new("train");
  assert_non_null(o);
  set(o, "net", "names");
  set(o, "data", data);
  for (int i = 0; i < 2; i++) set(o, "set", settings[i]);
  set(o, "output", out);
  set(o, "steps", "60");
  set(o, "batch", "8");
  set(o, "threads", "2");
  return o;
}

static const char *const small[] = {"hidden=16", "embedding=8"};

static int setup(void **state) {
  static const char *const words[] = {"Vilanova", "Vilafranca", "Vic", "Olot", "Ripoll", "Móra", "Sort", "Tremp", "Valls", "Reus"};
  char names[300], out[300];
  unroll_error err = {0};
  snprintf(folder, sizeof folder, "%s/unroll-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
  if (!mkdtemp(folder)) return -1;
  in_folder(names, "names.txt");
  FILE *f = fopen(names, "w");
  if (!f) return -1;
  for (int i = 0; i < 200; i++) fprintf(f, "%s\n", words[i * 7 % 10]);
  fclose(f);
  in_folder(out, "model");
  unroll_options *o = options(names, small, out);
  if (unroll_train(o, NULL, NULL, &err)) {
    fprintf(stderr, "%s: %s\n", err.file, err.message);
    return -1;
  }
  unroll_options_free(o);
  in_folder(path, "model/model.safetensors");
  unroll_model *m = NULL;
  if (unroll_model_load(&m, path, &err)) {
    fprintf(stderr, "%s: %s\n", err.file, err.message);
    return -1;
  }
  *state = m;
  return 0;
}

static int teardown(void **state) {
  char command[300];
  unroll_model_free(*state);
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

static void test_symbols(void **state) {
  const unroll_model *m = *state;
  const int n = unroll_model_symbols(m);
  size_t length = 99, taken = 0;
  assert_true(n > 10);
  assert_int_equal(unroll_model_end(m), n - 1);
  assert_string_equal(unroll_model_symbol(m, n - 1, &length), "");
  assert_int_equal(length, 0);
  assert_null(unroll_model_symbol(m, n, NULL));
  assert_null(unroll_model_symbol(m, -1, NULL));
  for (int i = 0; i < n - 1; i++) {
    const char *s = unroll_model_symbol(m, i, &length);
    assert_int_equal(strlen(s), length);
    assert_int_equal(unroll_model_find(m, s, length, &taken), i);
    assert_int_equal(taken, length);
  }
  assert_true(unroll_model_find(m, "óx", 3, &taken) >= 0);
  assert_int_equal(taken, 2);
  assert_int_equal(unroll_model_find(m, "#", 1, NULL), -1);
  assert_int_equal(unroll_model_find(m, "\xff", 1, NULL), -1);
  assert_int_equal(unroll_model_find(m, "", 0, NULL), -1);
  assert_int_equal(unroll_model_find(m, "\n", 1, NULL), -1);
  assert_non_null(strstr(unroll_model_equations(m), "softmax"));
  assert_true(unroll_model_weights(m) > 16 * 16 * 4);
}

/* The chain rule, once in one go and once step by step. */
static double walk(unroll_session *s, const unroll_model *m, const char *word) {
  double nats = 0;
  for (size_t i = 0, taken; i < strlen(word); i += taken) {
    const int symbol = unroll_model_find(m, word + i, strlen(word) - i, &taken);
    nats += (double)unroll_session_log_p(s)[symbol];
    assert_int_equal(unroll_session_feed(s, symbol, NULL), UNROLL_OK);
  }
  return (nats + (double)unroll_session_log_p(s)[unroll_model_end(m)]) / log(2);
}

static void test_session(void **state) {
  const unroll_model *m = *state;
  unroll_session *s = NULL;
  unroll_error err = {0};
  double log2_p = 1;
  int64_t symbols = 0;
  assert_int_equal(unroll_session_new(&s, m, &err), UNROLL_OK);
  double sum = 0;
  for (int i = 0; i < unroll_model_symbols(m); i++) sum += exp((double)unroll_session_log_p(s)[i]);
  assert_true(fabs(sum - 1) < 1e-5);
  const double first = walk(s, m, "Vilanova");
  assert_int_equal(unroll_score(m, "Vilanova", 8, &log2_p, &symbols, &err), UNROLL_OK);
  assert_int_equal(symbols, 9);
  assert_true(log2_p < 0);
  assert_true(fabs(log2_p - first) < 1e-3);
  unroll_session_reset(s);
  assert_true(walk(s, m, "Vilanova") == first);
  unroll_session_reset(s);
  assert_int_equal(unroll_score(m, "Móra", 5, &log2_p, &symbols, &err), UNROLL_OK);
  assert_true(fabs(log2_p - walk(s, m, "Móra")) < 1e-3);
  assert_int_equal(unroll_session_feed(s, unroll_model_symbols(m), &err), UNROLL_USAGE);
  assert_int_equal(unroll_session_feed(s, -1, NULL), UNROLL_USAGE);
  /* Who looks only at the end sees what one sees who always looks. */
  float last[2] = {0};
  for (int always = 0; always < 2; always++) {
    unroll_session_reset(s);
    for (int i = 0; i < 5; i++) {
      assert_int_equal(unroll_session_feed(s, i, NULL), UNROLL_OK);
      if (always) assert_true(unroll_session_log_p(s)[i] < 0);
    }
    last[always] = unroll_session_log_p(s)[1];
  }
  assert_true(last[0] < 0 && last[0] == last[1]);
  unroll_session_free(s);
  unroll_session_free(NULL);
}

/* Rounded products: near, other bits, and back again. */
static void test_precision(void **state) {
  unroll_model *m = *state;
  unroll_error err = {0};
  static const char *const names[] = {"fp32", "bf16", "int8", "fp32"};
  double walked[4];
  assert_int_equal(unroll_model_set_precision(m, "int4", &err), UNROLL_USAGE);
  assert_non_null(strstr(err.message, "int4"));
  for (int i = 0; i < 4; i++) {
    unroll_session *s = NULL;
    double log2_p = 0;
    assert_int_equal(unroll_model_set_precision(m, names[i], &err), UNROLL_OK);
    assert_int_equal(unroll_model_set_precision(m, NULL, &err), UNROLL_OK);
    assert_int_equal(unroll_session_new(&s, m, &err), UNROLL_OK);
    walked[i] = walk(s, m, "Vilanova");
    assert_int_equal(unroll_score(m, "Vilanova", 8, &log2_p, NULL, &err), UNROLL_OK);
    assert_true(fabs(log2_p - walked[i]) < 1e-3);
    unroll_session_free(s);
  }
  assert_true(walked[3] == walked[0] && walked[1] != walked[0] && walked[2] != walked[0] && walked[2] != walked[1]);
  assert_true(fabs(walked[1] - walked[0]) < 0.1 && fabs(walked[2] - walked[0]) < 0.1);
}

static void test_score_refuses(void **state) {
  const unroll_model *m = *state;
  unroll_error err = {0};
  double log2_p = 1;
  assert_int_equal(unroll_score(m, "Vic\nVic", 7, &log2_p, NULL, &err), UNROLL_USAGE);
  assert_int_equal(unroll_score(m, "V#c", 3, &log2_p, NULL, &err), UNROLL_BAD_INPUT);
  assert_int_equal(err.column, 2);
  assert_true(log2_p == 1);
}

static void test_sample(void **state) {
  const unroll_model *m = *state;
  unroll_sample_options o;
  unroll_error err = {0};
  char *a = NULL, *b = NULL;
  double p = 1, q = 1;
  unroll_sample_options_init(&o);
  assert_int_equal(unroll_sample(m, &o, &a, &p, &err), UNROLL_OK);
  assert_int_equal(unroll_sample(m, &o, &b, NULL, &err), UNROLL_OK);
  assert_string_equal(a, b);
  assert_int_equal(unroll_score(m, a, strlen(a), &q, NULL, &err), UNROLL_OK);
  assert_true(fabs(p - q) < 1e-3);
  unroll_free(a);
  unroll_free(b);
  o.prime = "Vila";
  o.temperature = 0;
  assert_int_equal(unroll_sample(m, &o, &a, &p, &err), UNROLL_OK);
  assert_int_equal(strncmp(a, "Vila", 4), 0);
  unroll_free(a);
  o.temperature = (double)NAN;
  assert_int_equal(unroll_sample(m, &o, &a, &p, &err), UNROLL_USAGE);
  assert_null(a);
  o.temperature = 1;
  o.prime = "###";
  assert_true(unroll_sample(m, &o, &a, &p, &err) != UNROLL_OK);
  assert_null(a);
}

/* A session that says how many symbols were drawn draws what unroll_sample does. */
static void test_sample_by_steps(void **state) {
  const unroll_model *m = *state;
  unroll_error err = {0};
  unroll_sample_options o;
  unroll_session *s = NULL;
  int32_t *symbols = NULL, drawn[200];
  int64_t n = 0;
  char *whole = NULL, *text = NULL;
  unroll_sample_options_init(&o);
  o.prime = "Vila";
  o.length = 60;
  o.seed = 5;
  assert_int_equal(unroll_sample(m, &o, &whole, NULL, &err), UNROLL_OK);
  assert_int_equal(unroll_model_read(m, "V#", 2, &symbols, &n, &err), UNROLL_BAD_INPUT);
  assert_null(symbols);
  assert_int_equal(unroll_model_read(m, "Vila", 4, &symbols, &n, &err), UNROLL_OK);
  assert_int_equal(n, 4);
  assert_int_equal(unroll_session_new(&s, m, &err), UNROLL_OK);
  for (int64_t i = 0; i < n; i++) assert_int_equal(unroll_session_feed(s, drawn[i] = symbols[i], &err), UNROLL_OK);
  for (o.drawn = 0; o.drawn < o.length; o.drawn++) {
    unroll_value v;
    unroll_value_init(&v);
    assert_int_equal(unroll_session_draw(s, 0, NULL, &o, &v, &err), UNROLL_OK);
    if (v.symbols[0] == unroll_model_end(m)) break;
    drawn[n++] = v.symbols[0];
    assert_int_equal(unroll_session_step(s, &err), UNROLL_OK);
  }
  assert_int_equal(unroll_model_text(m, NULL, drawn, n, &text, NULL, &err), UNROLL_OK);
  assert_string_equal(text, whole);
  unroll_free(text);
  unroll_free(whole);
  unroll_free(symbols);
  unroll_session_free(s);
}

static void test_load_refuses(void **state) {
  unroll_model *m = (unroll_model *)state;
  unroll_error err = {0};
  assert_int_equal(unroll_model_load(&m, "nowhere.safetensors", &err), UNROLL_BAD_INPUT);
  assert_null(m);
  assert_true(*err.message);
  unroll_model_free(NULL);
}

static void test_explain(void **state) {
  static const char *const sets[] = {"hidden=8"}, *const wrong[] = {"hiden=8"};
  unroll_error err = {0};
  char *text = NULL;
  (void)state;
  assert_int_equal(unroll_explain("names", sets, 1, &text, &err), UNROLL_OK);
  assert_non_null(strstr(text, "hidden = 8"));
  unroll_free(text);
  assert_int_equal(unroll_explain("names", wrong, 1, &text, &err), UNROLL_USAGE);
  assert_null(text);
  assert_true(unroll_explain("nmes", NULL, 0, &text, &err) != UNROLL_OK);
  assert_non_null(strstr(err.message, "names"));
}

static int stop_at_20(void *context, const unroll_progress *p) {
  *(int64_t *)context = p->step;
  return p->step >= 20;
}

static void read_file(const char *name, char **data, size_t *size) {
  FILE *f = fopen(name, "rb");
  assert_non_null(f);
  *data = malloc(1 << 22);
  assert_non_null(*data);
  *size = fread(*data, 1, 1 << 22, f);
  fclose(f);
}

static void test_train_stops_and_resumes(void **state) {
  char names[300], out[300], other[300];
  unroll_error err = {0};
  int64_t last = 0;
  (void)state;
  in_folder(names, "names.txt");
  in_folder(out, "stopped");
  unroll_options *o = options(names, small, out);
  assert_int_equal(unroll_train(o, stop_at_20, &last, &err), UNROLL_INTERRUPTED);
  assert_int_equal(last, 20);
  unroll_options_free(o);
  o = unroll_options_new("train");
  assert_non_null(o);
  set(o, "resume", out);
  assert_int_equal(unroll_train(o, NULL, NULL, &err), UNROLL_OK);
  set(o, "lr", "0.5");
  assert_int_equal(unroll_train(o, NULL, NULL, &err), UNROLL_USAGE);
  assert_non_null(strstr(err.message, "option 'lr' cannot be given with option 'resume'"));
  unroll_options_free(o);
  in_folder(other, "stopped/model.safetensors");
  char *a, *b;
  size_t n_a, n_b;
  read_file(path, &a, &n_a);
  read_file(other, &b, &n_b);
  assert_int_equal(n_a, n_b);
  assert_memory_equal(a, b, n_a);
  free(a);
  free(b);
}

static void test_train_refuses(void **state) {
  static const struct {
    const char *net, *setting;
    bool data;
    unroll_status status;
  } rows[] = {
      {NULL, "hidden=8", true, UNROLL_USAGE},       {"names", "hidden=8", false, UNROLL_USAGE},
      {"names", "hidden", true, UNROLL_USAGE},      {"names", "hiden=8", true, UNROLL_USAGE},
      {"nmes", "hidden=8", true, UNROLL_BAD_INPUT},
  };
  char names[300], out[300];
  (void)state;
  in_folder(names, "names.txt");
  in_folder(out, "refused");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    unroll_error err = {0};
    unroll_options *o = unroll_options_new("train");
    assert_non_null(o);
    if (rows[i].net) set(o, "net", rows[i].net);
    if (rows[i].data) set(o, "data", names);
    set(o, "set", rows[i].setting);
    assert_int_equal(unroll_train(o, NULL, NULL, &err), UNROLL_USAGE); /* where to? */
    set(o, "output", out);
    assert_int_equal(unroll_train(o, NULL, NULL, &err), rows[i].status);
    assert_true(*err.message);
    unroll_options_free(o);
  }
  assert_int_equal(unroll_train(NULL, NULL, NULL, NULL), UNROLL_USAGE);
  assert_int_equal(unroll_options_set(NULL, "net", "names", NULL), UNROLL_USAGE);
}

static void test_options(void **state) {
  static const struct {
    const char *name, *value, *message; /* NULL: it is taken */
  } rows[] = {
      {"batch", "64", NULL},
      {"batch", "0", "option 'batch' takes a whole number from 1 to 1048576, not '0'"},
      {"batch", "1e3", "not '1e3'"},
      {"batch", NULL, "option 'batch' needs a value"},
      {"lr", "0.01", NULL},
      {"lr", "0", "option 'lr' takes a number above 0, not '0'"},
      {"momentum", "-1", "option 'momentum' takes a number from 0 to 0.9999, not '-1'"},
      {"epochs", "0", "option 'epochs' takes a whole number of at least 1, not '0'"},
      {"optimizer", "adm", "option 'optimizer' takes one of adam|adamw|rmsprop|sgd, not 'adm'; did you mean 'adam'?"},
      {"memory", "1.5G", NULL},
      {"memory", "0", "option 'memory' takes a size"},
      {"valid", "0.2", NULL},
      {"valid", "1.5", "option 'valid' takes a share from 0 to below 1, or a file, not '1.5'"},
      {"valid", "held.txt", NULL},
      {"skip-bad", NULL, NULL},
      {"skip_bad", "no", NULL},
      {"skip-bad", "perhaps", "option 'skip-bad' takes yes or no, not 'perhaps'"},
      {"class-weights", "a=b\nc", "the value of option 'class-weights' has a newline in it"},
      {"optimiser", "adam", "unknown option 'optimiser'; did you mean 'optimizer'?"},
      {"bananas", "7", "unknown option 'bananas'"},
  };
  unroll_options *o = unroll_options_new("train");
  (void)state;
  assert_non_null(o);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    unroll_error err = {0};
    const unroll_status status = unroll_options_set(o, rows[i].name, rows[i].value, &err);
    if (status != (rows[i].message ? UNROLL_USAGE : UNROLL_OK) || (rows[i].message && !strstr(err.message, rows[i].message)))
      fail_msg("%s = %s: %s", rows[i].name, rows[i].value ? rows[i].value : "NULL", err.message);
  }
  unroll_options_free(o);
}

/* A model is constant: threads share it, each with a session of its own. */
typedef struct job {
  const unroll_model *m;
  double log2_p, walked;
} job;

static void *use_model(void *context) {
  job *j = context;
  unroll_session *s = NULL;
  if (unroll_session_new(&s, j->m, NULL)) return NULL;
  for (int i = 0; i < 20; i++) {
    unroll_session_reset(s);
    j->walked = walk(s, j->m, "Ripoll");
    if (unroll_score(j->m, "Ripoll", 6, &j->log2_p, NULL, NULL)) break;
  }
  unroll_session_free(s);
  return j;
}

/* Limits are of the process: a net that is too much is refused with figures, whoever asks. */
static void test_limits(void **state) {
  (void)state;
  unroll_error err = {0};
  char *text = NULL;
  unroll_options *o = unroll_options_new("explain");
  assert_int_equal(unroll_limit("max-operations", "10", &err), UNROLL_OK);
  assert_int_equal(unroll_explain("language", NULL, 0, &text, &err), UNROLL_FAILED);
  assert_non_null(strstr(err.message, "more than 10 operations (option 'max-operations' says how many may be)"));
  assert_null(text);
  assert_int_equal(unroll_options_set(o, "max-operations", "20", &err), UNROLL_OK);
  assert_int_equal(unroll_explain("language", NULL, 0, &text, &err), UNROLL_FAILED);
  assert_non_null(strstr(err.message, "more than 20 operations"));
  assert_int_equal(unroll_limit("max-operations", NULL, &err), UNROLL_OK);
  assert_int_equal(unroll_explain("language", NULL, 0, &text, &err), UNROLL_OK);
  unroll_free(text);
  assert_int_equal(unroll_limit("max_memory", "1M", &err), UNROLL_OK);
  assert_int_equal(unroll_limit("max-memory", "much", &err), UNROLL_USAGE);
  assert_int_equal(unroll_limit("max-memory", NULL, &err), UNROLL_OK);
  assert_int_equal(unroll_limit("max-memry", "1M", &err), UNROLL_USAGE);
  assert_non_null(strstr(err.message, "did you mean 'max-memory'?"));
  unroll_options_free(o);
}

static void test_threads_share_a_model(void **state) {
  pthread_t threads[3];
  job jobs[3] = {{*state, 0, 0}, {*state, 0, 0}, {*state, 0, 0}};
  for (int i = 0; i < 3; i++) assert_int_equal(pthread_create(&threads[i], NULL, use_model, &jobs[i]), 0);
  for (int i = 0; i < 3; i++) {
    void *done = NULL;
    pthread_join(threads[i], &done);
    assert_non_null(done);
    assert_true(jobs[i].log2_p == jobs[0].log2_p && jobs[i].walked == jobs[0].walked && jobs[0].log2_p < 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_symbols),
      cmocka_unit_test(test_session),
      cmocka_unit_test(test_precision),
      cmocka_unit_test(test_score_refuses),
      cmocka_unit_test(test_sample),
      cmocka_unit_test(test_sample_by_steps),
      cmocka_unit_test(test_load_refuses),
      cmocka_unit_test(test_explain),
      cmocka_unit_test(test_train_stops_and_resumes),
      cmocka_unit_test(test_train_refuses),
      cmocka_unit_test(test_options),
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_threads_share_a_model),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
