/* test_forecast.c - forecasts of nets whose weights are set by hand, against what is known about them; that the future has no
 * influence; the windows and scores of back-tests. */
#include <math.h>
#include "help.h"
#include "use/backtest.h"

static char folder[200];
enum { SAMPLES = 4000, HORIZON = 4 };

static const char *path_of(const char *name) {
  static char paths[16][300];
  static int next;
  char *path = paths[next++ % 16];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

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

typedef struct fixture {
  model m;
  dataset d;
} fixture;

static void put(const char *name, const char *s) { file_put(folder, name, s, strlen(s)); }

/* A model of `net` on the table csv; its weights are to be set. */
static void make(fixture *x, const char *net, const char *csv, const char *series, const char *scale, int context) {
  train_options o;
  train_result r;
  train_defaults(&o);
  put("net.net", net);
  put("data.csv", csv);
  o.net = path_of("net.net");
  o.data = path_of("data.csv");
  o.dir = path_of("model");
  o.series = series;
  o.time = "t";
  o.scale = scale;
  o.context = context;
  o.horizon = HORIZON;
  o.steps = 1;
  o.threads = 1;
  o.test = "0.25";
  OK(train_run(&o, NULL, &r, err));
  OK(model_load(&x->m, path_of("model/model.safetensors"), false, err));
}

static void set(fixture *x, const char *name, const double *values) {
  for (int i = 0; i < x->m.g.n_params; i++) {
    const param *p = &x->m.g.params[i];
    if (strcmp(p->name, name)) continue;
    for (int64_t k = 0; k < (int64_t)p->rows * p->cols; k++) x->m.weights[p->offset + k] = (float)values[k];
    return;
  }
  fail_msg("no parameter %s", name);
}

static void read_as(fixture *x, const char *csv, int future) {
  put("data.csv", csv);
  OK(forecast_read(&x->d, &x->m, path_of("data.csv"), NULL, NULL, future, err));
}

static void fixture_free(fixture *x) {
  dataset_free(&x->d);
  model_free(&x->m);
}

typedef struct taken { /* of the first part */
  int n;
  double mean[8][HORIZON], low[8][HORIZON], high[8][HORIZON];
  uint64_t hash; /* of all draws */
} taken;

static unroll_status take(void *context, const forecast_result *r, unroll_error *err) {
  taken *t = context;
  (void)err;
  assert_int_equal(r->number, t->n);
  for (int k = 0; k < r->n; k++) {
    const size_t n = (size_t)r->horizon * (size_t)r->parts[k].v->width * (size_t)r->samples;
    for (size_t i = 1; i < n; i++) assert_true(i % (size_t)r->samples == 0 || r->parts[k].draws[i - 1] <= r->parts[k].draws[i]);
    t->hash = hash_bytes(t->hash, r->parts[k].draws, n * sizeof(double));
  }
  for (int h = 0; h < r->horizon && h < HORIZON; h++) {
    const double *draws = r->parts[0].draws + h * r->parts[0].v->width * r->samples;
    t->mean[t->n][h] = r->parts[0].mean[h * r->parts[0].v->width];
    t->low[t->n][h] = forecast_quantile(draws, r->samples, 0.1);
    t->high[t->n][h] = forecast_quantile(draws, r->samples, 0.9);
  }
  t->n++;
  return UNROLL_OK;
}

static void ask(const fixture *x, const forecast_origin *origins, int n, int64_t samples, uint64_t from, int rows, pool *workers,
                taken *out) {
  const forecast_options o = {.horizon = HORIZON, .samples = samples, .seed = from, .rows = rows};
  *out = (taken){0};
  OK(forecast(&x->m, &x->d, origins, n, &o, workers, &(forecast_sink){.context = out, .emit = take}, err));
  assert_int_equal(out->n, n);
}

/* Within so many standard errors of what is known. */
static void near(double is, double wanted, double error) {
  if (!(fabs(is - wanted) < 5 * error)) fail_msg("%g instead of %g, standard error %g", is, wanted, error);
}

static const char sixteen[] =
    "t,y\n1,10\n2,11\n3,9\n4,10\n5,14\n6,11\n7,12\n8,13\n9,10\n10,12\n11,11\n12,10\n13,9\n14,8\n15,12\n16,20\n";

/* y[t] = a y[t-1] + b + s e: the h-th value has the mean a^h y + b (1 + a + ...) and the variance s^2 (1 + a^2 + a^4 + ...). */
static void autoregression(void **state) {
  (void)state;
  fixture x;
  taken t;
  const double a = 0.8, b = 1.5, s = 0.5;
  make(&x, "data y : number\ny ~ gaussian(mean = A y[t-1] + b, scale = 0.5)\n", sixteen, NULL, NULL, 3);
  set(&x, "A", &a);
  set(&x, "b", &b);
  read_as(&x, sixteen, HORIZON);
  const forecast_origin origins[] = {{0, 16}, {0, 5}};
  ask(&x, origins, 2, SAMPLES, 1, 1000, NULL, &t);
  for (int i = 0; i < 2; i++) {
    double mean = i ? 14 : 20, variance = 0;
    for (int h = 0; h < HORIZON; h++) {
      mean = a * mean + b;
      variance = a * a * variance + s * s;
      const double deviation = sqrt(variance), error = deviation / sqrt(SAMPLES);
      near(t.mean[i][h], mean, error);
      near(t.low[i][h], mean - 1.2815516 * deviation, 1.71 * error); /* sqrt(q (1 - q)) / density */
      near(t.high[i][h], mean + 1.2815516 * deviation, 1.71 * error);
    }
  }
  fixture_free(&x);
}

/* What a lag reaches before the window is the true past, in the scale of the window. */
static void lags(void **state) {
  (void)state;
  for (int scaled = 0; scaled < 2; scaled++) {
    fixture x;
    taken t;
    const double a = 1, b = 0;
    make(&x, "data y : number\ny ~ gaussian(mean = A y[t-3] + b, scale = 0.001)\n", sixteen, NULL, scaled ? "series" : NULL, 2);
    set(&x, "A", &a);
    set(&x, "b", &b);
    read_as(&x, sixteen, HORIZON);
    ask(&x, &(forecast_origin){0, 16}, 1, 50, 1, 100, NULL, &t);
    static const double wanted[HORIZON] = {8, 12, 20, 8};
    for (int h = 0; h < HORIZON; h++) assert_true(fabs(t.mean[0][h] - wanted[h]) < 0.02);
    fixture_free(&x);
  }
}

/* A value that was not observed is what the model expected there, in the window; before it, it is the value that was before it. */
static void gaps(void **state) {
  (void)state;
  static const struct {
    const char *csv;
    int context;
    double wanted[2]; /* of y[17] and y[18] = A y[t-2] + b */
  } rows[] = {{"t,y\n10,12\n11,11\n12,10\n13,9\n14,8\n15,\n16,20\n", 3, {0.5 * (0.5 * 9 + 1) + 1, 11}},
              {"t,y\n10,12\n11,11\n12,10\n13,9\n14,8\n16,20\n", 3, {0.5 * (0.5 * 9 + 1) + 1, 11}},
              {"t,y\n10,12\n11,11\n12,10\n13,NA\n14,8\n15,\n16,20\n", 3, {0.5 * (0.5 * 10 + 1) + 1, 11}}, /* 13 is before: 10 */
              {"t,y\n10,12\n11,11\n12,10\n13,NA\n14,8\n15,\n16,20\n", 4, {0.5 * (0.5 * (0.5 * 11 + 1) + 1) + 1, 11}},
              {"t,y\n10,12\n11,11\n12,10\n13,9\n14,8\n15,\n16,20\n", 1, {0.5 * 8 + 1, 11}}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (int given = 0; given < 2; given++) { /* the model may have known of gaps when it was trained, or not */
      fixture x;
      taken t;
      const double a = 0.5, b = 1;
      make(&x, "data y : number\ny ~ gaussian(mean = A y[t-2] + b, scale = 0.0001)\n", given ? rows[i].csv : sixteen, NULL, NULL,
           rows[i].context);
      set(&x, "A", &a);
      set(&x, "b", &b);
      assert_false(x.m.gaps);
      read_as(&x, rows[i].csv, HORIZON);
      assert_true(x.m.gaps);
      ask(&x, &(forecast_origin){0, 7}, 1, 20, 1, 100, NULL, &t);
      for (int h = 0; h < 2; h++) near(t.mean[0][h], rows[i].wanted[h], 0.0001);
      fixture_free(&x);
    }
}

/* Whether a value was observed is a variable too: 1 in what is drawn. */
static void seen_as_input(void **state) {
  (void)state;
  fixture x;
  taken t;
  const double a = 3, b = 1;
  make(&x, "data y : number\ny ~ gaussian(mean = A y.seen[t-2] + b, scale = 0.0001)\n", sixteen, NULL, NULL, 3);
  set(&x, "A", &a);
  set(&x, "b", &b);
  read_as(&x, "t,y\n13,9\n14,8\n15,\n16,20\n", HORIZON);
  ask(&x, &(forecast_origin){0, 4}, 1, 20, 1, 100, NULL, &t);
  static const double wanted[HORIZON] = {1, 4, 4, 4};
  for (int h = 0; h < HORIZON; h++) near(t.mean[0][h], wanted[h], 0.0001);
  fixture_free(&x);
}

/* A random walk in the units of a window: the scale of the context comes back in the spread of the paths. */
static void scales(void **state) {
  (void)state;
  for (int level = 0; level < 2; level++) {
    fixture x;
    taken t;
    const double one = 1, zero = 0;
    make(&x, "data y : number\ny ~ gaussian(mean = A y[t-1] + b, scale = 0.5)\n", sixteen, NULL, level ? "level" : "series", 4);
    set(&x, "A", &one);
    set(&x, "b", &zero);
    read_as(&x, sixteen, HORIZON);
    ask(&x, &(forecast_origin){0, 16}, 1, SAMPLES, 3, 100, NULL, &t);
    /* 9 8 12 20 */
    const double unit = level ? 12.25 : sqrt((81 + 64 + 144 + 400) / 4.0 - 12.25 * 12.25);
    for (int h = 0; h < HORIZON; h++) {
      const double deviation = 0.5 * unit * sqrt(h + 1);
      near(t.mean[0][h], 20, deviation / sqrt(SAMPLES));
      near(t.high[0][h] - t.low[0][h], 2 * 1.2815516 * deviation, 2.3 * deviation / sqrt(SAMPLES));
    }
    fixture_free(&x);
  }
}

static const char given_net[] = "data y : number\ndata x : number\ndata when : time month\nhidden = 5\n"
                                "y ~ gaussian(mean = y[t-1] + W rnn([y[t-1], x, when], hidden) + b, scale = 0.3)\n";

/* Draws depend on the seed and on nothing else: neither on what runs beside them, nor on threads, nor on the future. */
static void nothing_else(void **state) {
  (void)state;
  fixture x;
  text csv = {0}, other = {0};
  taken a, b;
  pool *workers = pool_new(3);
  for (int s = 0; s < 2; s++)
    for (int k = 0; k < 2; k++) {
      text *to = k ? &other : &csv;
      if (!s) text_format(to, "id,t,y,x\n");
      for (int i = 0; i < 20; i++)
        text_format(to, "%c,%d-%02d,%d,%d\n", 'a' + s, 2020 + i / 12, i % 12 + 1, i < 15 ? 5 + s + i % 3 : k ? -70 : 7, i % 2);
    }
  static const char *const kinds[] = {NULL, "series", "level"};
  for (int k = 0; k < 3; k++) {
    make(&x, given_net, csv.data, "id", kinds[k], 6);
    read_as(&x, csv.data, 0);
    const forecast_origin origins[] = {{0, 15}, {0, 14}, {1, 15}, {1, 3}};
    ask(&x, origins, 4, 20, 7, 500, NULL, &a);
    ask(&x, origins, 4, 20, 7, 3, workers, &b);
    assert_true(a.hash == b.hash);
    ask(&x, origins, 4, 20, 8, 500, NULL, &b);
    assert_true(a.hash != b.hash);
    dataset_free(&x.d);
    const forecast_origin before[] = {{0, 15}, {1, 15}};
    read_as(&x, csv.data, 0);
    ask(&x, before, 2, 20, 7, 500, NULL, &a);
    dataset_free(&x.d);
    read_as(&x, other.data, 0);
    ask(&x, before, 2, 20, 7, 500, NULL, &b);
    assert_true(a.hash == b.hash);
    fixture_free(&x);
  }
  pool_free(workers);
  text_free(&csv);
  text_free(&other);
}

/* What is known of the future is read from rows without what is predicted; without them the first missing date is named. */
static void known_ahead(void **state) {
  (void)state;
  fixture x;
  taken t;
  unroll_error e = {0};
  const double w = 2, b = 1, zero = 0;
  static const char csv[] = "t,y,x\n2020-01,1,0\n2020-02,3,1\n2020-03,1,0\n2020-04,3,1\n2020-05,1,0\n2020-06,1,0\n2020-07,3,1\n"
                            "2020-08,,5\n2020-09,,6\n2020-10,,7\n2020-11,,8\n";
  make(&x, "data y : number\ndata x : number\nz = y[t-1] + x[t-1]\ny ~ gaussian(mean = W x + b + C z, scale = 0.001)\n", csv, NULL,
       NULL, 3);
  set(&x, "W", &w);
  set(&x, "b", &b);
  set(&x, "C", &zero);
  read_as(&x, csv, HORIZON);
  ask(&x, &(forecast_origin){0, 7}, 1, 30, 1, 100, NULL, &t);
  for (int h = 0; h < HORIZON; h++) near(t.mean[0][h], 11 + 2 * h, 0.001);
  dataset_free(&x.d);
  assert_int_equal(forecast_read(&x.d, &x.m, path_of("data.csv"), NULL, NULL, HORIZON + 1, &e), UNROLL_BAD_INPUT);
  assert_non_null(strstr(e.message, "there is no row for 2020-12, and the column 'x' must say"));
  dataset_free(&x.d);
  put("data.csv", "t,y,x\n2020-01-01,1,0\n2020-01-02,3,1\n2020-01-03,1,0\n");
  assert_int_equal(forecast_read(&x.d, &x.m, path_of("data.csv"), NULL, NULL, 0, &e), UNROLL_BAD_INPUT);
  assert_non_null(strstr(e.message, "the step of its dates is 1 day, but the model was trained on one of 1 month"));
  dataset_free(&x.d);
  put("data.csv", "t,y,x\n2020-01,,0\n");
  assert_int_equal(forecast_read(&x.d, &x.m, path_of("data.csv"), NULL, NULL, 0, &e), UNROLL_BAD_INPUT);
  assert_non_null(strstr(e.message, "row 2, column 'y': the series that begins here has no value of what is predicted"));
  fixture_free(&x);
}

/* A net that feeds nothing back, and one that predicts two things, one of them a vector. */
static void kinds_of_nets(void **state) {
  (void)state;
  fixture x;
  taken t, u;
  const double w = 2, b = 1;
  static const char csv[] = "t,y,x\n1,1,0\n2,3,1\n3,1,0\n4,3,1\n5,1,0\n6,3,1\n7,,5\n8,,6\n9,,7\n10,,8\n";
  make(&x, "data y : number\ndata x : number\nu = x - x[t-1]\ny ~ gaussian(mean = W x + b + 0 * u, scale = 0.1)\n", csv, NULL, NULL,
       3);
  set(&x, "W", &w);
  set(&x, "b", &b);
  read_as(&x, csv, HORIZON);
  const forecast_origin origins[] = {{0, 6}, {0, 2}};
  ask(&x, origins, 2, 400, 1, 100, NULL, &t);
  ask(&x, origins, 2, 400, 1, 1, NULL, &u);
  assert_true(t.hash == u.hash);
  for (int h = 0; h < HORIZON; h++) near(t.mean[0][h], 11 + 2 * h, 0.1 / 20);
  for (int h = 0; h < HORIZON; h++) near(t.mean[1][h], h % 2 ? 3 : 1, 0.1 / 20);
  fixture_free(&x);

  static const char two[] = "t,a1,a2,b\n1,1,2,3\n2,1,2,3\n3,1,2,3\n4,1,2,3\n5,1,2,3\n6,4,5,6\n";
  const double id[] = {0, 0, 1, 1, 0, 0}, swap[] = {0, 1, 0}, zero[] = {0, 0};
  make(&x,
       "data a : numbers\ndata b : number\na ~ gaussian(mean = A [a[t-1], b[t-1]] + ba, scale = 0.001)\n"
       "b ~ gaussian(mean = B [a[t-1], b[t-1]] + bb, scale = 0.001)\n",
       two, NULL, NULL, 2);
  set(&x, "A", id);   /* a1 = b, a2 = a1 */
  set(&x, "B", swap); /* b = a2 */
  set(&x, "ba", zero);
  set(&x, "bb", zero);
  read_as(&x, two, HORIZON);
  ask(&x, &(forecast_origin){0, 6}, 1, 10, 1, 100, NULL, &t);
  static const double wanted[HORIZON] = {6, 5, 4, 6};
  for (int h = 0; h < HORIZON; h++) assert_true(fabs(t.mean[0][h] - wanted[h]) < 0.02);
  fixture_free(&x);
}

static backtest_options small_test(int64_t windows) {
  return (backtest_options){
      .horizon = 2, .windows = windows, .samples = 100, .seed = 1, .rows = 100, .levels = {0.1, 0.5, 0.9}, .n_levels = 3};
}

/* A model that says what the last value was is as good as the naive forecast. */
static void windows_and_scores(void **state) {
  (void)state;
  fixture x;
  backtest b;
  unroll_error e = {0};
  const double one = 1, zero = 0;
  make(&x, "data y : number\ny ~ gaussian(mean = A y[t-1] + b, scale = 0.0001)\n", sixteen, NULL, NULL, 3);
  set(&x, "A", &one);
  set(&x, "b", &zero);
  read_as(&x, sixteen, 0);
  backtest_options o = small_test(2); /* from 13 and from 15: 9 8 | 12 20, after 10 and 8 */
  o.season = 3;
  OK(backtest_run(&b, &x.m, &x.d, &o, NULL, NULL, err));
  assert_int_equal(b.windows, 2);
  assert_int_equal(b.points, 4);
  assert_string_equal(b.first, "13");
  assert_string_equal(b.last, "16");
  assert_int_equal(b.seen, 0);
  assert_int_equal(b.n_intervals, 1);
  const double trained = sqrt((4 * 100 + 3 * 121 + 81 + 196 + 2 * 144 + 169) / 12.0 - 133.0 * 133 / 144); /* until 12 */
  assert_true(fabs(b.columns[0].deviation - trained) < 1e-9);
  const backtest_score *model_ = &b.columns[0].scores[0], *naive = &b.columns[0].scores[1], *seasonal = &b.columns[0].scores[2];
  assert_true(fabs(naive->mae - (1 + 2 + 4 + 12) / 4.0) < 1e-9);
  assert_true(fabs(naive->rmse - sqrt((1 + 4 + 16 + 144) / 4.0)) < 1e-9);
  assert_true(fabs(naive->smape - 50 * (1 / 19.0 + 2 / 18.0 + 4 / 20.0 + 12 / 28.0)) < 1e-9);
  assert_true(fabs(naive->nd - 19 / 49.0) < 1e-9);
  assert_true(fabs(naive->pinball[1] - naive->mae / 2) < 1e-9);
  assert_true(fabs(model_->mae - naive->mae) < 1e-3);
  assert_true(fabs(model_->rmse - naive->rmse) < 1e-3);
  assert_true(fabs(model_->pinball[2] - (0.1 * 3 + 0.9 * 16) / 4) < 1e-3);
  assert_true(model_->covered[0] == 0);
  assert_true(fabs(seasonal->mae - (3 + 3 + 2 + 11) / 4.0) < 1e-9);                           /* 12 11 | 10 9 */
  const double first = (0 + 3 + 2 + 2 + 1 + 1 + 0 + 2 + 0) / 9.0, then = (11 + 3 + 3) / 11.0; /* before 13; before 15 */
  assert_true(fabs(naive->mase - (3 / first + 16 / then) / 4) < 1e-9);
  backtest_free(&b);

  o = small_test(0); /* all that follow the training part, which ends at 12 */
  OK(backtest_run(&b, &x.m, &x.d, &o, NULL, NULL, err));
  assert_int_equal(b.windows, 2);
  backtest_free(&b);
  o = small_test(3);
  assert_int_equal(backtest_run(&b, &x.m, &x.d, &o, NULL, NULL, &e), UNROLL_USAGE);
  assert_non_null(
      strstr(e.message, "only 2 windows of 2 steps come after 12, until which the model was trained or chosen, 3 are asked for"));
  backtest_free(&b);
  o.trained = true;
  o.stride = 1;
  OK(backtest_run(&b, &x.m, &x.d, &o, NULL, NULL, err));
  assert_string_equal(b.first, "13");
  assert_int_equal(b.seen, 0);
  backtest_free(&b);
  o.windows = 5;
  OK(backtest_run(&b, &x.m, &x.d, &o, NULL, NULL, err));
  assert_int_equal(b.seen, 2);
  backtest_free(&b);
  o.windows = 20;
  assert_int_equal(backtest_run(&b, &x.m, &x.d, &o, NULL, NULL, &e), UNROLL_USAGE);
  assert_non_null(strstr(e.message, "no series is long enough"));
  backtest_free(&b);
  fixture_free(&x);
}

static void no_memory(void **state) {
  (void)state;
  fixture x;
  make(&x, given_net,
       "id,t,y,x\na,2020-01,1,2\na,2020-02,1,2\na,2020-03,1,2\na,2020-04,3,2\na,2020-05,1,1\na,2020-06,1,2\na,2020-07,1,2\na,2020-"
       "08,3,2\n",
       NULL, "series", 3);
  const long before = mem_live();
  for (long n = 1;; n++) {
    backtest b = {0};
    dataset d;
    unroll_error e = {0};
    backtest_options o = small_test(1);
    o.samples = 3;
    mem_fail_after(n, 0);
    unroll_status status = forecast_read(&d, &x.m, path_of("data.csv"), NULL, NULL, 0, &e);
    if (!status) status = backtest_run(&b, &x.m, &d, &o, NULL, NULL, &e);
    mem_fail_after(0, 0);
    backtest_free(&b);
    dataset_free(&d);
    assert_int_equal(mem_live(), before);
    if (!status) break;
    assert_int_equal(status, UNROLL_FAILED);
  }
  model_free(&x.m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(autoregression), cmocka_unit_test(lags),          cmocka_unit_test(gaps),
      cmocka_unit_test(seen_as_input),  cmocka_unit_test(scales),        cmocka_unit_test(nothing_else),
      cmocka_unit_test(known_ahead),    cmocka_unit_test(kinds_of_nets), cmocka_unit_test(windows_and_scores),
      cmocka_unit_test(no_memory)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
