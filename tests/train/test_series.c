/* test_series.c - training on series with dates: the same bits after a resume and with other numbers of threads, what the model
 * file remembers, and what is refused. */
#include <math.h>
#include "help.h"

static char folder[200];

static const char net[] =
    "data y : number\ndata x : number\ndata item : category\ndata when : time weekday month\nhidden = 8\nembedding = 3\n"
    "h = lstm([y[t-1], y[t-7], x, when, embed(item, embedding)], hidden)\n"
    "y ~ gaussian(mean = W h + b, scale = 0.01 + softplus(V h + bv))\n";

static const char *path_of(const char *name) {
  static char paths[16][300];
  static int next;
  char *path = paths[next++ % 16];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

/* Three series of days with a weekly pattern, of different lengths and levels. */
static int setup(void **state) {
  (void)state;
  text t = {0};
  folder_make(folder, sizeof folder);
  file_put(folder, "forecast.net", net, strlen(net));
  text_format(&t, "id,day,y,x,item\n");
  for (int s = 0; s < 3; s++)
    for (int i = 0; i < 40 + 25 * s; i++) {
      static const int month_days[] = {31, 29, 31, 30};
      int month = 0, day = i;
      while (day >= month_days[month]) day -= month_days[month++];
      text_format(&t, "s%d,2020-%02d-%02d,%.3f,%d,%c\n", s, month + 1, day + 1,
                  (s + 1) * 10.0 + 3 * (i % 7) + (double)(hash_mix((uint64_t)i) % 100) / 100, i % 7 == 0, 'a' + s);
    }
  file_put(folder, "days.csv", t.data, t.length);
  text_free(&t);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  folder_remove(folder);
  assert_int_equal(mem_live(), 0);
  return 0;
}

static train_options options_of(const char *scale, const char *dir) {
  train_options o;
  train_defaults(&o);
  o.net = path_of("forecast.net");
  o.data = path_of("days.csv");
  o.dir = path_of(dir);
  o.series = "id";
  o.time = "day";
  o.scale = scale;
  o.standardise = true;
  o.context = 14;
  o.horizon = 7;
  o.batch = 4;
  o.valid = "0.2";
  o.test = "0.1";
  o.threads = 1;
  o.log_steps = 3;
  return o;
}

static void on_progress(void *context, const train_progress *p) {
  int64_t *at = context; /* where to stop, and the flag */
  if (p->step == at[0]) *(volatile sig_atomic_t *)(at + 1) = 1;
}

static unroll_status run(const train_options *o, int64_t stop_at, bool resumed, train_result *r, unroll_error *err) {
  int64_t at[2] = {stop_at, 0};
  const train_callbacks c = {.context = at, .progress = on_progress, .stop = (volatile sig_atomic_t *)(at + 1)};
  return resumed ? train_resume(o->dir, NULL, &c, r, err) : train_run(o, &c, r, err);
}

static const char *const scales[] = {NULL, "series", "level"};

static void same_bits(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    train_result whole, cut;
    train_options o = options_of(scales[i], "whole");
    o.steps = 40;
    OK(run(&o, 0, false, &whole, err));
    assert_true(isfinite(whole.best_valid_loss) && isfinite(whole.test_loss));
    const uint64_t hash = file_hash(o.dir, "model.safetensors");
    for (int64_t at = 5; at < 40; at += 16) {
      o = options_of(scales[i], "cut");
      o.steps = 40;
      assert_int_equal(run(&o, at, false, &cut, NULL), UNROLL_INTERRUPTED);
      OK(run(&o, 0, true, &cut, err));
      assert_true(file_hash(o.dir, "model.safetensors") == hash);
      assert_true(cut.test_loss == whole.test_loss);
    }
    o = options_of(scales[i], "cut");
    o.steps = 40;
    o.threads = 3;
    OK(run(&o, 0, false, &cut, err));
    assert_true(file_hash(o.dir, "model.safetensors") == hash);
  }
}

/* What comes after the training part has no influence on what is learned. */
static void no_peeking(void **state) {
  (void)state;
  char *data;
  size_t size;
  train_result r;
  for (int i = 0; i < 3; i++) {
    train_options o = options_of(scales[i], "first");
    model a, b;
    o.steps = 20;
    o.valid = "0";
    o.test = "0.3";
    OK(run(&o, 0, false, &r, err));
    OK(model_load(&a, path_of("first/model.safetensors"), false, err));
    OK(file_read(path_of("days.csv"), &data, &size, err));
    text changed = {0};
    int line = 0;
    for (char *at = data, *end; *at; at = end + 1, line++) {
      end = strchr(at, '\n');
      const bool last = line > 40 - 12 && line <= 40; /* the test part of the first series */
      if (last)
        text_format(&changed, "%.*s,9999.5,%s", (int)(strchr(strchr(at, ',') + 1, ',') - at), at,
                    strncmp(end - 4, ",1", 2) ? "0,a\n" : "1,a\n");
      else
        text_add(&changed, at, (size_t)(end + 1 - at));
    }
    file_put(folder, "changed.csv", changed.data, changed.length);
    o.data = path_of("changed.csv");
    o.dir = path_of("second");
    OK(run(&o, 0, false, &r, err));
    OK(model_load(&b, path_of("second/model.safetensors"), false, err));
    assert_memory_equal(a.weights, b.weights, (size_t)a.g.n_weights * sizeof *a.weights);
    text_free(&changed);
    mem_free(data);
    model_free(&a);
    model_free(&b);
  }
}

static void remembered(void **state) {
  (void)state;
  train_result r;
  train_options o = options_of("series", "model");
  model m;
  char at[TIME_TEXT];
  o.steps = 2;
  OK(run(&o, 0, false, &r, err));
  OK(model_load(&m, path_of("model/model.safetensors"), false, err));
  const series_form *f = &m.schema.time;
  assert_string_equal(f->time, "day");
  assert_string_equal(f->series, "id");
  assert_int_equal(f->context, 14);
  assert_int_equal(f->horizon, 7);
  assert_int_equal(f->scaling, SCALING_SERIES);
  assert_int_equal(f->names.n, 3);
  time_write(&f->grid, f->trained[0], at); /* 40 days, 4 of test, 8 of validation */
  assert_string_equal(at, "2020-01-28");
  time_write(&f->grid, f->chosen[0], at);
  assert_string_equal(at, "2020-02-05");
  assert_null(m.schema.list[0].mean); /* scaled by its windows */
  assert_non_null(m.schema.list[1].mean);
  assert_null(m.schema.list[3].mean);
  OK(model_save(&m, path_of("copy.safetensors"), err));
  assert_true(file_hash(folder, "copy.safetensors") == file_hash(o.dir, "model.safetensors"));

  static const struct {
    const char *from, *to;
  } damage[] = {{"\"context\":14", "\"context\":0"},   {"\"unit\":\"seconds\"", "\"unit\":\"hours\""},
                {"\"time\":\"day\"", "\"time\":3"},    {"2020-01-28", "2020-01-32"},
                {"\"step\":86400", "\"step\":-1"},     {"\"scale\":\"series\"", "\"scale\":1"},
                {"\"month_end\":false", "\"month\":1"}};
  for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
    model bad;
    unroll_error e = {0};
    tensor_file t;
    OK(tensor_file_load(&t, path_of("copy.safetensors"), err));
    for (size_t k = 0; k < t.metadata; k++) {
      if (strcmp(t.keys[k], "series")) continue;
      text changed = {0};
      const char *there = strstr(t.values[k], damage[i].from);
      assert_non_null(there);
      text_format(&changed, "%.*s%s%s", (int)(there - t.values[k]), t.values[k], damage[i].to, there + strlen(damage[i].from));
      const char *kept = t.values[k];
      t.values[k] = changed.data;
      assert_int_equal(model_from_tensors(&bad, "copy", &t, false, &e), UNROLL_BAD_INPUT);
      assert_non_null(strstr(e.message, "the metadata 'series'"));
      t.values[k] = kept;
      text_free(&changed);
    }
    tensor_file_free(&t);
  }
  model_free(&m);
}

static void refused(void **state) {
  (void)state;
  train_result r;
  unroll_error e = {0};
  train_options o = options_of("sideways", "refused");
  assert_int_equal(run(&o, 0, false, &r, &e), UNROLL_USAGE);
  assert_non_null(strstr(e.message, "'sideways'"));
  o = options_of("level", "refused");
  o.time = NULL;
  assert_int_equal(run(&o, 0, false, &r, &e), UNROLL_USAGE);
  assert_non_null(strstr(e.message, "option 'scale' is for series with dates"));
  o = options_of(NULL, "refused");
  o.valid = "0.6";
  o.test = "0.5";
  assert_int_equal(run(&o, 0, false, &r, &e), UNROLL_USAGE);
  assert_non_null(strstr(e.message, "together less than 1"));
  o = options_of(NULL, "refused");
  static const char weeks[] = "id,day,y,x,item\ns0,2020-01-01,1,2,a\ns0,2020-01-08,1,2,a\n";
  file_put(folder, "weeks.csv", weeks, sizeof weeks - 1);
  o.test = path_of("weeks.csv");
  assert_int_equal(run(&o, 0, false, &r, &e), UNROLL_BAD_INPUT);
  assert_non_null(strstr(e.message, "the step of its dates is 1 week, but that of the training data is 1 day"));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(same_bits), cmocka_unit_test(no_peeking), cmocka_unit_test(remembered),
                                     cmocka_unit_test(refused)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
