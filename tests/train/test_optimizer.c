/* test_optimizer.c - optimizers against their formulas in double, clipping, schedules. */
#include <math.h>
#include "help.h"
#include "kernel/kernel.h"
#include "train/optimizer.h"
#include "train/schedule.h"

enum { ROWS = 40, COLS = 500, N = ROWS * COLS + 37 };

/* A matrix and a bias: a flat block of more than one span. */
static graph *two_params(void) {
  static param params[2] = {{.name = "W", .rows = ROWS, .cols = COLS, .role = PARAM_INPUT_MATRIX},
                            {.name = "b", .rows = 37, .cols = 1, .vector = true, .role = PARAM_BIAS, .offset = ROWS * COLS}};
  static graph g;
  g = (graph){.params = params, .n_params = 2, .n_weights = N};
  return &g;
}

static double number(int64_t i) { return (double)(hash_mix((uint64_t)i + 1) % 20001) / 10000 - 1; }

/* The formulas of kernel/optimizer.h, once more, in double. */
static void by_hand(const optimizer_options *o, double *w, double *m, double *v, double g, double rate, double decay, int t) {
  if (o->kind != OPTIMIZER_ADAMW) { /* an L2 penalty */
    g += decay * *w;
    decay = 0;
  }
  if (o->kind == OPTIMIZER_SGD) {
    *m = o->momentum * *m + g;
    *w = *w - rate * decay * *w - rate * *m;
  } else if (o->kind == OPTIMIZER_RMSPROP) {
    *m = 0.99 * *m + 0.01 * g * g;
    *v = o->momentum * *v + g / (sqrt(*m) + 1e-8);
    *w = *w - rate * decay * *w - rate * *v;
  } else {
    *m = 0.9 * *m + 0.1 * g;
    *v = 0.999 * *v + 0.001 * g * g;
    *w = *w - rate * decay * *w - rate * (*m / (1 - pow(0.9, t))) / (sqrt(*v / (1 - pow(0.999, t))) + 1e-8);
  }
}

static const optimizer_options cases[] = {
    {.kind = OPTIMIZER_ADAM},
    {.kind = OPTIMIZER_ADAM, .clip_norm = 5},
    {.kind = OPTIMIZER_ADAMW, .weight_decay = 0.1},
    {.kind = OPTIMIZER_RMSPROP},
    {.kind = OPTIMIZER_RMSPROP, .momentum = 0.8, .clip_value = 0.5},
    {.kind = OPTIMIZER_SGD},
    {.kind = OPTIMIZER_SGD, .momentum = 0.9, .weight_decay = 0.01, .clip_norm = 1, .clip_value = 0.25},
};

static void one_case(const optimizer_options *c, int threads, float *w) {
  static float dw[N];
  static double wd[N], m[N], v[N];
  optimizer o;
  pool *workers = pool_new(threads);
  OK(optimizer_init(&o, two_params(), c, err));
  for (int i = 0; i < N; i++) {
    w[i] = (float)number(i);
    wd[i] = (double)w[i];
    m[i] = v[i] = 0;
  }
  for (int t = 1; t <= 5; t++) {
    double squares = 0;
    for (int i = 0; i < N; i++) {
      dw[i] = (float)number(i * 31 + t);
      double g = (double)dw[i];
      if (c->clip_value > 0) g = fmax(-c->clip_value, fmin(c->clip_value, g));
      squares += g * g;
    }
    const double norm = optimizer_norm(&o, dw, NULL, NULL);
    assert_true(fabs(norm - sqrt(squares)) < 1e-6 * norm);
    const double scale = c->clip_norm > 0 && norm > c->clip_norm ? c->clip_norm / norm : 1;
    for (int i = 0; i < N; i++)
      by_hand(c, &wd[i], &m[i], &v[i], (double)dw[i] * scale, 0.01, i < ROWS * COLS ? c->weight_decay : 0, t);
    optimizer_step(&o, w, dw, NULL, norm, 0.01, t - 1, workers);
    for (int i = 0; i < N; i++) assert_true(fabs((double)w[i] - wd[i]) < 2e-5 * t);
  }
  optimizer_free(&o);
  pool_free(workers);
}

static void test_formulas(void **state) {
  (void)state;
  static float one[N], three[N];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    one_case(&cases[i], 1, one);
    one_case(&cases[i], 3, three);
    assert_memory_equal(one, three, sizeof one);
  }
  assert_int_equal(mem_live(), 0);
}

/* What is known to be zero is left out, to the same bits. */
static void test_touched(void **state) {
  (void)state;
  static float dw[N], w[2][N];
  static uint8_t touched[N / UNIT + 1];
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    double norm[2];
    pool *workers = pool_new(2);
    for (int known = 0; known < 2; known++) {
      optimizer o;
      OK(optimizer_init(&o, two_params(), &cases[c], err));
      for (int i = 0; i < N; i++) w[known][i] = (float)number(i);
      for (int t = 1; t <= 3; t++) {
        for (int i = 0; i < N; i++) {
          touched[i / UNIT] = i / UNIT % 7 < t;
          dw[i] = touched[i / UNIT] ? (float)number(i * 31 + t) : 0.0f;
        }
        norm[known] = optimizer_norm(&o, dw, known ? touched : NULL, workers);
        optimizer_step(&o, w[known], dw, known ? touched : NULL, norm[known], 0.01, t - 1, workers);
      }
      optimizer_free(&o);
    }
    assert_true(norm[0] == norm[1]);
    assert_memory_equal(w[0], w[1], sizeof w[0]);
    pool_free(workers);
  }
}

static void test_not_finite(void **state) {
  (void)state;
  static float dw[N];
  optimizer o;
  OK(optimizer_init(&o, two_params(), &(optimizer_options){.kind = OPTIMIZER_SGD, .clip_value = 1}, err));
  static const float bad[] = {NAN, INFINITY, -INFINITY};
  for (int i = 0; i < 3; i++) {
    memset(dw, 0, sizeof dw);
    dw[N - 1] = bad[i];
    assert_false(isfinite(optimizer_norm(&o, dw, NULL, NULL))); /* clipping by value does not hide it */
  }
  optimizer_free(&o);
}

static void test_names(void **state) {
  (void)state;
  enum optimizer_kind k;
  unroll_error err = {0};
  static const char *const names[] = {"adam", "adamw", "rmsprop", "sgd"};
  for (int i = 0; i < 4; i++) {
    assert_int_equal(optimizer_kind_of(&k, names[i], NULL), UNROLL_OK);
    assert_int_equal(k, i);
    assert_string_equal(optimizer_name(k), names[i]);
  }
  assert_int_equal(optimizer_kind_of(&k, "adma", &err), UNROLL_USAGE);
  assert_non_null(strstr(err.message, "did you mean 'adam'"));
}

/* rate 1, 1000 steps in all, 100 an epoch */
static const struct {
  const char *schedule;
  int64_t step, lowered;
  double rate;
} rates[] = {
    {"constant", 0, 0, 1},          {"constant", 999, 3, 1},      {"cosine:0", 0, 0, 1},
    {"cosine:0", 500, 0, 0.5},      {"cosine:9", 0, 0, 0.1},      {"cosine:9", 8, 0, 0.9},
    {"cosine:9", 9, 0, 1},          {"cosine", 0, 0, 1.0 / 51},   {"cosine", 50, 0, 1},
    {"cosine", 525, 0, 0.5},        {"plateau", 10, 0, 1},        {"plateau", 10, 2, 0.25},
    {"plateau:0.1:3", 10, 2, 0.01}, {"decay:0.5:3", 299, 0, 1},   {"decay:0.5:3", 300, 0, 0.5},
    {"decay:0.5:3", 599, 0, 0.125}, {"decay:0.95:10", 999, 0, 1}, {"cosine:2000", 999, 0, 1000 / 2001.0},
};

static void test_schedules(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
    schedule s;
    OK(schedule_parse(&s, rates[i].schedule, err));
    const double rate = schedule_rate(&s, 1, rates[i].step, 1000, rates[i].step / 100, rates[i].lowered);
    if (!(fabs(rate - rates[i].rate) < 1e-12)) fail_msg("%s at %d: %.17g", rates[i].schedule, (int)rates[i].step, rate);
  }
  static const char *const bad[] = {
      "",          "constnt",       "constant:1", "cosine:-1", "cosine:x",      "cosine:1.5", "cosine:1:2", "plateau:2",
      "plateau:0", "plateau:0.5:0", "decay",      "decay:0.5", "decay:0.5:1:2", "decay:1:5",  "decay:",     "cosine:"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    schedule s;
    unroll_error err = {0};
    if (schedule_parse(&s, bad[i], &err) != UNROLL_USAGE) fail_msg("'%s' is taken", bad[i]);
    assert_true(err.message[0] != 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_formulas), cmocka_unit_test(test_touched),
                                     cmocka_unit_test(test_not_finite), cmocka_unit_test(test_names),
                                     cmocka_unit_test(test_schedules)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
