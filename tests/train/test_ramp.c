/* test_ramp.c - a setting that changes in training: its text, its values over the steps, and that a model is measured and saved
 * with the value it was trained to. */
#include <math.h>
#include "help.h"
#include "io/json.h"
#include "model/ramp.h"

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

static void test_values(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t step, total;
    double value;
  } rows[] = {
      {"s=1:4", 0, 100, 1},        {"s=1:4", 50, 100, 2.5},   {"s=1:4", 100, 100, 4},      {"s=1:4", 200, 100, 4},
      {"s=1:4@0.5", 25, 100, 2.5}, {"s=1:4@0.5", 50, 100, 4}, {"s=1:4@0.5", 99, 100, 4},   {"s=0.5:-1.5", 25, 100, 0},
      {"s=4:1@1", 50, 100, 2.5},   {"s=1:4", 0, 0, 4},        {"h.2.s=1e-1:0", 0, 9, 0.1}, {"s=2:2", 3, 9, 2},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    arena memory = {0};
    ramp *r;
    OK(ramps_parse(&r, &rows[i].text, 1, &memory, err));
    if (!(fabs(ramp_value(r, rows[i].step, rows[i].total) - rows[i].value) < 1e-15))
      fail_msg("%s after %d of %d: %g", rows[i].text, (int)rows[i].step, (int)rows[i].total,
               ramp_value(r, rows[i].step, rows[i].total));
    arena_free(&memory);
  }
}

static void test_refused(void **state) {
  (void)state;
  static const char *const rows[] = {
      "",          "s",        "s=",         "=1:2",    "s=1",   "s=1:",    "s=:2",    "s=1:2@", "s=1:2@0",
      "s=1:2@1.5", "s=1:2@-1", "s=1:2@0.5@", "s=1:2:3", "s=a:2", "s=1:inf", "s=nan:2", "s= 1:2", "s=1:2 "};
  unroll_error e = {0};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    arena memory = {0};
    ramp *r;
    if (ramps_parse(&r, &rows[i], 1, &memory, &e) != UNROLL_USAGE || !strstr(e.message, "option 'ramp' takes NAME=FROM:TO"))
      fail_msg("'%s' is taken: %s", rows[i], e.message);
    arena_free(&memory);
  }
  arena memory = {0};
  ramp *r;
  const char *const twice[] = {"s=1:2", "t=1:2", "s=1:3"};
  assert_int_equal(ramps_parse(&r, twice, 3, &memory, &e), UNROLL_USAGE);
  assert_non_null(strstr(e.message, "two ramps for the setting 's'"));
  arena_free(&memory);
}

/* Mean nats per symbol of a saved model on the whole data. */
static double loss_of(const char *path) {
  model m;
  double nats = 0;
  int64_t symbols = 0;
  char *data;
  size_t size;
  OK(model_load(&m, path, false, err));
  OK(file_read(data_path, &data, &size, err));
  for (char *line = data, *end; (end = strchr(line, '\n')); line = end + 1) {
    double p[16];
    for (char *c = line;; c++) {
      if (((unsigned char)*c & 0xC0) == 0x80) continue; /* within a character */
      OK(generate_next(&m, line, (size_t)(c - line), p, err));
      const uint32_t code = (unsigned char)*c == 0xC3 ? 0xE9 : (unsigned char)*c; /* the one letter that is not of one byte */
      for (int i = 0; i < m.schema.list->words.n; i++)
        if (i == (*c == '\n' ? m.schema.list->words.end : -1) ||
            (*c != '\n' && i != m.schema.list->words.end && m.schema.list->words.codes[i] == code))
          nats -= log(p[i]);
      symbols++;
      if (*c == '\n') break;
    }
  }
  mem_free(data);
  model_free(&m);
  return nats / (double)symbols;
}

/* The validation is the training data itself: what the log says last must be what the saved model gives, settings included. */
static void test_saved(void **state) {
  (void)state;
  static const char *const ramps[] = {"h.s=0.5:3"};
  static const setting settings[] = {{"cell", 0, "lstm_steep"}, {"hidden", 8, NULL}, {"embedding", 4, NULL}};
  char path[300], model_path[400];
  snprintf(path, sizeof path, "%s/saved", folder);
  snprintf(model_path, sizeof model_path, "%s/model.safetensors", path);
  train_options o = small_options("names", data_path, path);
  train_result r;
  o.settings = settings;
  o.n_settings = 3;
  o.ramps = (option_list){ramps, 1};
  o.steps = 40;
  o.rate = 0.02;
  o.valid = data_path;
  OK(train_run(&o, NULL, &r, err));
  assert_true(r.best_valid_loss == r.valid_loss); /* the last one was the best: the model has the last value */
  assert_true(fabs(loss_of(model_path) - r.valid_loss) < 1e-5);
  model m;
  OK(model_load(&m, model_path, false, err));
  bool found = false;
  for (int i = 0; i < m.g.n_settings; i++)
    if (!strcmp(m.g.settings[i].name, "h.s")) found = m.g.settings[i].number == 3;
  assert_true(found && m.g.n_varying == 1 && m.g.varying[0] == 3);
  model_free(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_refused), cmocka_unit_test(test_saved)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
