/* test_distribution.c - what distributions say beyond their losses, against values worked out apart with 40 digits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <math.h>
#include <string.h>
#include <cmocka.h>
#include "base/memory.h"
#include "base/random.h"
#include "data/schema.h"
#include "dist/distribution.h"

static void near(double got, double want, double error) {
  if (!(fabs(got - want) <= error * (1 + fabs(want)))) fail_msg("%.17g instead of %.17g", got, want);
}

static const draw_choice plain = {.temperature = 1};

/* A distribution of one net text, and the rows of its arguments one after the other. */
typedef struct fixture {
  program *net;
  arena memory;
  graph g;
  distribution d;
  prediction p;
} fixture;

static void make(fixture *f, const char *source, const variable *v, const float *arguments) {
  unroll_error err = {0};
  const binding width = {"y", v ? v->width : 1};
  const build_options options = {.bindings = &width, .n_bindings = v != NULL};
  *f = (fixture){0};
  graph_init(&f->g);
  if (lang_parse(&f->net, "test.net", source, &f->memory, &err) || graph_build(&f->g, f->net, &options, &err) ||
      distribution_of(&f->d, &f->g, 0, v, &err))
    fail_msg("%d:%d: %s", err.line, err.column, err.message);
  for (int k = 0; k < f->d.n_args; k++) {
    f->p.args[k] = arguments;
    arguments += f->d.widths[k];
  }
}

static void finish(fixture *f) {
  graph_free(&f->g);
  arena_free(&f->memory);
  assert_int_equal(mem_live(), 0);
}

/* --- symbols --- */

static const char *const five = "data y : category(5)\ndata x : number\ny ~ softmax(W x + b)\n";

static void symbols(void **state) {
  (void)state;
  fixture f;
  variable v = {.width = 5};
  const float logits[] = {0.5f, -1, 2, 2, -30};
  double p[5], sum = 0;
  int32_t best[5];
  uint64_t scratch[10];
  make(&f, five, &v, logits);
  assert_true(distribution_is_symbols(&f.d) && f.d.width == 5 && distribution_scratch(&f.d) <= sizeof scratch);
  near(distribution_log_sum(&f.d, &f.p), 2.8210641291243457, 1e-14);
  near(distribution_log_symbol(&f.d, &f.p, 1), -3.8210641291243457, 1e-14);
  distribution_probabilities(&f.d, &f.p, p);
  for (int i = 0; i < 5; i++) sum += p[i];
  near(sum, 1, 1e-15);
  assert_int_equal(distribution_likeliest(&f.d, &f.p), 2);
  assert_int_equal(distribution_best(&f.d, &f.p, 4, best, scratch), 4);
  assert_true(best[0] == 2 && best[1] == 3 && best[2] == 0 && best[3] == 1);
  assert_int_equal(distribution_best(&f.d, &f.p, 9, best, scratch), 5);
  assert_true(distribution_finite(&f.d, &f.p));
  finish(&f);
}

/* Draws on a grid of u: each symbol gets its share of it. */
static void count(const fixture *f, const draw_choice *how, int times[5]) {
  uint64_t scratch[10];
  memset(times, 0, 5 * sizeof *times);
  for (int i = 0; i < 10000; i++) times[distribution_draw_symbol(&f->d, &f->p, how, (i + 0.5) / 10000, scratch)]++;
}

static void symbols_drawn(void **state) {
  (void)state;
  fixture f;
  variable v = {.width = 5};
  const float logits[] = {0, 0.69314718f, 1.0986123f, -40, 1.3862944f}; /* 1, 2, 3, 0, 4 tenths */
  int n[5];
  make(&f, five, &v, logits);
  count(&f, &(draw_choice){.temperature = 1}, n);
  assert_true(n[0] == 1000 && n[1] == 2000 && n[2] == 3000 && n[3] == 0 && n[4] == 4000);
  count(&f, &(draw_choice){.temperature = 0.5}, n); /* 1, 4, 9, 0, 16 thirtieths */
  assert_true(abs(n[0] - 333) <= 1 && abs(n[1] - 1333) <= 1 && abs(n[2] - 3000) <= 1 && abs(n[4] - 5333) <= 1);
  count(&f, &(draw_choice){.temperature = 1, .top_k = 2}, n);
  assert_true(n[0] == 0 && n[1] == 0 && abs(n[2] - 4286) <= 1 && abs(n[4] - 5714) <= 1);
  count(&f, &(draw_choice){.temperature = 1, .top_p = 0.6}, n); /* 0.4 does not suffice, 0.7 does */
  assert_true(n[0] == 0 && n[1] == 0 && abs(n[2] - 4286) <= 1 && abs(n[4] - 5714) <= 1);
  count(&f, &(draw_choice){.temperature = 1, .top_p = 0.3}, n);
  assert_true(n[4] == 10000);
  count(&f, &(draw_choice){.temperature = 1, .top_k = 3, .top_p = 0.9}, n);
  assert_true(n[0] == 0 && abs(n[1] - 2222) <= 1 && abs(n[4] - 4444) <= 1);
  count(&f, &(draw_choice){.temperature = 0}, n);
  assert_true(n[4] == 10000);
  finish(&f);
}

/* --- numbers --- */

/* The mean and variance of many draws, and the share below y against the cdf: within 5 standard errors. */
static void check_draws(const fixture *f, double y) {
  enum { N = 20000 };
  double sum[8] = {0}, below[8] = {0}, out[8], ys[8], want[8], other[8];
  for (int j = 0; j < f->d.width; j++) ys[j] = y;
  for (uint32_t i = 0; i < N; i++) {
    const draw_place at = {.seed = 7, .stream = RANDOM_TEST, .step = i / 100, .place = i % 100};
    distribution_draw(&f->d, &f->p, &plain, &at, out);
    for (int j = 0; j < f->d.width; j++) sum[j] += out[j], below[j] += out[j] <= y;
  }
  distribution_cdf(&f->d, &f->p, ys, want);
  for (int j = 0; j < f->d.width; j++) {
    const double error = sqrt(want[j] * (1 - want[j]) / N);
    if (!(fabs(below[j] / N - want[j]) <= 5 * error + 1e-12))
      fail_msg("%s: %g of the draws are below %g instead of %g", f->d.row->name, below[j] / N, y, want[j]);
  }
  distribution_draw(&f->d, &f->p, &plain, &(draw_place){.seed = 7, .stream = RANDOM_TEST, .step = 3, .place = 4}, out);
  distribution_draw(&f->d, &f->p, &plain, &(draw_place){.seed = 7, .stream = RANDOM_TEST, .step = 3, .place = 4}, other);
  assert_memory_equal(out, other, (size_t)f->d.width * sizeof *out);
}

/* quantile and cdf undo each other where the distribution is continuous. */
static void check_quantiles(const fixture *f) {
  double y[8], level[8];
  for (int i = 1; i < 20; i++) {
    distribution_quantile(&f->d, &f->p, i / 20.0, y);
    distribution_cdf(&f->d, &f->p, y, level);
    for (int j = 0; j < f->d.width; j++) near(level[j], i / 20.0, 1e-9);
  }
}

static void bernoulli(void **state) {
  (void)state;
  fixture f;
  variable v = {.width = 3};
  const float logits[] = {0.4f, -2, 800};
  const double y[] = {1, 0, 1};
  double out[3];
  make(&f, "data y : numbers(3)\ndata x : number\ny ~ bernoulli(W x + b)\n", &v, logits);
  distribution_mean(&f.d, &f.p, out);
  near(out[0], 0.59868766154451764, 1e-14);
  near(out[1], 0.11920292202211756, 1e-14);
  near(out[2], 1, 1e-14);
  distribution_mode(&f.d, &f.p, out);
  assert_true(out[0] == 1 && out[1] == 0 && out[2] == 1);
  distribution_quantile(&f.d, &f.p, 0.3, out);
  assert_true(out[0] == 0 && out[1] == 0 && out[2] == 1);
  near(distribution_log_density(&f.d, &f.p, y), -0.63994326105091718, 1e-14);
  check_draws(&f, 0.5);
  finish(&f);
}

static void gaussian(void **state) {
  (void)state;
  fixture f;
  double mean[] = {10, 0}, deviation[] = {4, 0.5}, out[2];
  variable v = {.width = 2, .mean = mean, .deviation = deviation};
  const float arguments[] = {1, -2, 0.5f}; /* two means, one scale */
  const double y[] = {15, -1.25};
  float back[2];
  make(&f, "data y : numbers(2)\ndata x : number\ny ~ gaussian(W x + b, 0.5)\n", &v, arguments);
  distribution_mean(&f.d, &f.p, out);
  assert_true(out[0] == 14 && out[1] == -1);
  distribution_quantile(&f.d, &f.p, 0.975, out);
  near(out[0], 17.919927969080108, 1e-12);
  near(out[1], -0.51000900386498646, 1e-12);
  distribution_cdf(&f.d, &f.p, y, out);
  near(out[0], 0.69146246127401312, 1e-14);
  near(out[1], 0.15865525393145705, 1e-14);
  near(distribution_log_density(&f.d, &f.p, y), -1.7697298858494002, 1e-14);
  distribution_scaled(&f.d, y, back);
  assert_true(back[0] == 1.25f && back[1] == -2.5f);
  check_draws(&f, 0.3);
  check_quantiles(&f);
  finish(&f);
}

static void laplace(void **state) {
  (void)state;
  fixture f;
  const float arguments[] = {1.5f, 2};
  double y = 4, out;
  make(&f, "data y : number\ndata x : number\ny ~ laplace(W x + b, softplus(V x))\n", NULL, arguments);
  distribution_mean(&f.d, &f.p, &out);
  assert_true(out == 1.5);
  distribution_quantile(&f.d, &f.p, 0.9, &out);
  near(out, 4.7188758248682007, 1e-14);
  distribution_cdf(&f.d, &f.p, &y, &out);
  near(out, 0.85674760156990494, 1e-14);
  near(distribution_log_density(&f.d, &f.p, &y), -2.6362943611198906, 1e-14);
  check_draws(&f, 2);
  check_draws(&f, -1);
  check_quantiles(&f);
  assert_true(distribution_finite(&f.d, &f.p));
  finish(&f);
}

static void logistic(void **state) {
  (void)state;
  fixture f;
  const float arguments[] = {1.5f, 2};
  double y = 4, out;
  make(&f, "data y : number\ndata x : number\ny ~ logistic(W x + b, softplus(V x))\n", NULL, arguments);
  distribution_mean(&f.d, &f.p, &out);
  assert_true(out == 1.5);
  distribution_mode(&f.d, &f.p, &out);
  assert_true(out == 1.5);
  distribution_quantile(&f.d, &f.p, 0.9, &out);
  near(out, 5.8944491546724388, 1e-14);
  distribution_cdf(&f.d, &f.p, &y, &out);
  near(out, 0.77729986117469115, 1e-14);
  near(distribution_log_density(&f.d, &f.p, &y), -2.4470053432506911, 1e-14);
  y = -1e6; /* where the cdf is 0 in double, the density still has its logarithm */
  near(distribution_log_density(&f.d, &f.p, &y), -500001.44314718056, 1e-14);
  check_draws(&f, 2);
  check_draws(&f, -1);
  check_quantiles(&f);
  finish(&f);
}

static void student_t(void **state) {
  (void)state;
  fixture f;
  const float arguments[] = {0.5f, 1.2f, 3.5f};
  double y = 2, out;
  make(&f, "data y : number\ndata x : number\ny ~ student_t(W x + b, softplus(V x), 3 + softplus(U x))\n", NULL, arguments);
  distribution_mean(&f.d, &f.p, &out);
  assert_true(out == 0.5);
  distribution_mode(&f.d, &f.p, &out);
  assert_true(out == 0.5);
  distribution_cdf(&f.d, &f.p, &y, &out);
  near(out, 0.85582254256600971, 1e-13);
  near(distribution_log_density(&f.d, &f.p, &y), -2.0022644264593038, 1e-13);
  y = -3;
  distribution_cdf(&f.d, &f.p, &y, &out);
  near(out, 0.025536773534076382, 1e-13);
  distribution_quantile(&f.d, &f.p, 0.99, &out);
  near(out, 5.3728538247899069, 1e-12);
  distribution_quantile(&f.d, &f.p, 0.001, &out);
  near(out, -9.4786815219365033, 1e-12);
  distribution_quantile(&f.d, &f.p, 0.5, &out);
  near(out, 0.5, 1e-14);
  distribution_quantile(&f.d, &f.p, 1, &out);
  assert_true(out == (double)INFINITY);
  check_draws(&f, 1);
  check_draws(&f, -2);
  check_quantiles(&f);
  const float heavy[] = {0, 1, 0.7f}, normal[] = {0, 1, 1e8f};
  for (int k = 0; k < 3; k++) f.p.args[k] = heavy + k;
  distribution_mean(&f.d, &f.p, &out);
  assert_true(isnan(out));
  check_draws(&f, 3);
  check_quantiles(&f);
  for (int k = 0; k < 3; k++) f.p.args[k] = normal + k;
  distribution_quantile(&f.d, &f.p, 0.75, &out);
  near(out, 0.67448975019608174, 1e-7);
  check_draws(&f, 0.4);
  finish(&f);
}

static void negative_binomial(void **state) {
  (void)state;
  fixture f;
  const float arguments[] = {7.5f, 0.3f};
  double y = 4, out;
  make(&f, "data y : number\ndata x : number\ny ~ negative_binomial(softplus(W x + b), softplus(V x))\n", NULL, arguments);
  distribution_mean(&f.d, &f.p, &out);
  assert_true(out == 7.5);
  distribution_mode(&f.d, &f.p, &out);
  assert_true(out == 5);
  distribution_cdf(&f.d, &f.p, &y, &out);
  near(out, 0.30875248154218594, 1e-13);
  near(distribution_log_density(&f.d, &f.p, &y), -2.3876899441920367, 1e-13);
  y = 0.5;
  assert_true(distribution_log_density(&f.d, &f.p, &y) == -(double)INFINITY);
  distribution_cdf(&f.d, &f.p, &y, &out);
  near(out, 0.019666277277563357, 1e-13);
  y = -1;
  distribution_cdf(&f.d, &f.p, &y, &out);
  assert_true(out == 0);
  static const double levels[][2] = {{0, 0}, {0.01, 0}, {0.05, 1}, {0.5, 7}, {0.95, 17}};
  for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
    distribution_quantile(&f.d, &f.p, levels[i][0], &out);
    assert_true(out == levels[i][1]);
  }
  check_draws(&f, 3);
  check_draws(&f, 12);
  const float large[] = {5000, 0.002f}, poisson[] = {30, 1e-20f}, rare[] = {0.05f, 40};
  const float *const others[] = {large, poisson, rare};
  const double at[] = {4900, 27, 0};
  for (int k = 0; k < 3; k++) {
    f.p.args[0] = others[k];
    f.p.args[1] = others[k] + 1;
    check_draws(&f, at[k]);
  }
  finish(&f);
}

static void quantiles(void **state) {
  (void)state;
  fixture f;
  variable v = {.width = 2};
  const float outputs[] = {0, 5, 1, 3, 3, 4}; /* the second entry's cross */
  double y[] = {2, 3.5}, out[2];
  make(&f, "data y : numbers(2)\ndata x : number\ny ~ quantile(0.1, 0.5, 0.9, W x + b)\n", &v, outputs);
  distribution_mean(&f.d, &f.p, out);
  near(out[0], 1.3, 1e-15);
  near(out[1], 4, 1e-15);
  distribution_mode(&f.d, &f.p, out);
  assert_true(out[0] == 1 && out[1] == 4);
  distribution_quantile(&f.d, &f.p, 0.3, out);
  near(out[0], 0.5, 1e-15);
  near(out[1], 3.5, 1e-15);
  distribution_quantile(&f.d, &f.p, 0.05, out);
  assert_true(out[0] == 0 && out[1] == 3);
  distribution_quantile(&f.d, &f.p, 0.95, out);
  assert_true(out[0] == 3 && out[1] == 5);
  distribution_cdf(&f.d, &f.p, y, out);
  near(out[0], 0.7, 1e-15);
  near(out[1], 0.3, 1e-15);
  distribution_cdf(&f.d, &f.p, (const double[]){-1, 5}, out);
  assert_true(out[0] == 0 && out[1] == 1);
  assert_true(isnan(distribution_log_density(&f.d, &f.p, y)));
  near(distribution_pinball(&f.d, &f.p, y), 2.45, 1e-14);
  check_draws(&f, 2);
  check_draws(&f, 3);
  finish(&f);
}

static void mixtures(void **state) {
  (void)state;
  fixture f;
  variable v = {.width = 2};
  const float two[] = {0.2f, -0.4f, 0, 1, 0.5f, -1, -0.5f, 0.3f, 0.1f, 0.2f};
  double out[3];
  make(&f, "data y : numbers(2)\ndata x : number\ny ~ mixture(2, W x + b)\n", &v, two);
  near(distribution_log_density(&f.d, &f.p, (const double[]){(double)0.3f, -(double)0.8f}), -2.3287460181742103, 1e-14);
  distribution_mean(&f.d, &f.p, out);
  near(out[0], 0.35434369377420455, 1e-7);
  near(out[1], -0.03151554066130683, 1e-7);
  distribution_mode(&f.d, &f.p, out);
  assert_true(out[0] == 0 && out[1] == 0.5);
  check_draws(&f, 0.5);
  check_draws(&f, -1);
  check_quantiles(&f);
  finish(&f);
}

static void pens(void **state) {
  (void)state;
  fixture f;
  enum { N = 20000 };
  double mean[] = {0, 10, 0}, deviation[] = {1, 2, 1}, out[3], sum = 0;
  variable v = {.width = 3}, scaled = {.width = 3, .mean = mean, .deviation = deviation};
  const float two[] = {0.2f, -0.4f, 0, 1, 0.5f, -1, -0.5f, 0.3f, 0.1f, 0.2f, 0.6f, -1.2f, -0.7f};
  const double y[] = {(double)0.3f, -(double)0.8f, 1}, in_data[] = {(double)0.3f, 10 + 2 * -(double)0.8f, 1};
  make(&f, "data y : numbers(3)\ndata x : number\ny ~ mixture(2, W x + b)\n", &v, two);
  near(distribution_log_density(&f.d, &f.p, y), -3.5634166187325564, 1e-14);
  check_draws(&f, 0.4);
  finish(&f);
  make(&f, "data y : numbers(3)\ndata x : number\ny ~ mixture(2, W x + b)\n", &scaled, two);
  near(distribution_log_density(&f.d, &f.p, in_data), -3.5634166187325564 - 0.69314718055994531, 1e-14);
  finish(&f);
  const float one[] = {0, 1, -1, 0, 0.69314718f, 0.8f, -1}; /* scales 1 and 2, correlation tanh 0.8 */
  make(&f, "data y : numbers(3)\ndata x : number\ny ~ mixture(1, W x + b)\n", &v, one);
  distribution_mode(&f.d, &f.p, out);
  assert_true(out[0] == 1 && out[1] == -1 && out[2] == 0);
  for (uint32_t i = 0; i < N; i++) {
    distribution_draw(&f.d, &f.p, &plain, &(draw_place){.seed = 9, .stream = RANDOM_TEST, .place = i}, out);
    sum += (out[0] - 1) * (out[1] + 1);
  }
  if (!(fabs(sum / N - 2 * tanh(0.8)) < 0.085)) fail_msg("covariance %g", sum / N); /* 5 standard errors */
  finish(&f);
}

static void gumbel(void **state) {
  (void)state;
  fixture f;
  const float arguments[] = {1.5f, 2};
  double y = 4, out;
  make(&f, "data y : number\ndata x : number\ny ~ gumbel(W x + b, softplus(V x))\n", NULL, arguments);
  distribution_mean(&f.d, &f.p, &out);
  near(out, 2.6544313298030657, 1e-15);
  distribution_mode(&f.d, &f.p, &out);
  assert_true(out == 1.5);
  distribution_quantile(&f.d, &f.p, 0.9, &out);
  near(out, 6.0007346546248906, 1e-15);
  distribution_cdf(&f.d, &f.p, &y, &out);
  near(out, 0.75088347663939485, 1e-15);
  near(distribution_log_density(&f.d, &f.p, &y), -2.2296519774201354, 1e-15);
  check_draws(&f, 2);
  check_draws(&f, -1);
  check_quantiles(&f);
  finish(&f);
}

/* --- temperatures --- */

static void draw_at(const fixture *f, double temperature, uint32_t place, double *out) {
  const draw_choice how = {.temperature = temperature};
  distribution_draw(&f->d, &f->p, &how, &(draw_place){.seed = 5, .stream = RANDOM_TEST, .place = place}, out);
}

/* What a temperature widens: the same draws, so many times as far from the mean. */
static void temperature_widens(void **state) {
  (void)state;
  static const struct {
    const char *line;
    float arguments[4];
    double mean, at_half, at_two; /* how many times as far */
  } rows[] = {
      {"gaussian(W x, softplus(V x))", {1.5f, 2}, 1.5, 0.5, 2},
      {"laplace(W x, softplus(V x))", {1.5f, 2}, 1.5, 0.5, 2},
      {"logistic(W x, softplus(V x))", {1.5f, 2}, 1.5, 0.5, 2},
      {"gumbel(W x, softplus(V x))", {1.5f, 2}, 1.5, 0.5, 2},
      {"student_t(W x, softplus(V x), 4)", {1.5f, 2, 4}, 1.5, 0.5, 2},
      {"mixture(1, W x)", {0, 1.5f, 0.3f}, 1.5, 0.36787944117144233, 1.6487212707001282}, /* bias 1 and -1/2: e^-bias */
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    fixture f;
    text t = {0};
    text_format(&t, "data y : number\ndata x : number\ny ~ %s\n", rows[i].line);
    make(&f, t.data, NULL, rows[i].arguments);
    for (uint32_t k = 0; k < 50; k++) {
      double one, half, two;
      draw_at(&f, 1, k, &one);
      draw_at(&f, 0.5, k, &half);
      draw_at(&f, 2, k, &two);
      near(half - rows[i].mean, rows[i].at_half * (one - rows[i].mean), 1e-12);
      near(two - rows[i].mean, rows[i].at_two * (one - rows[i].mean), 1e-12);
    }
    text_free(&t);
    finish(&f);
  }
}

/* Shares of draws above 50, at temperature 1 and 0.5: logits count once and twice. */
static void temperature_of_weights(void **state) {
  (void)state;
  enum { N = 20000 };
  static const struct {
    const char *line;
    float arguments[6];
    double above, cold, hot; /* the shares at 1, 0.5 and 2 */
  } rows[] = {
      {"bernoulli(W x)", {0.4f}, 0.5, 0.68997448112761250, 0.54983399731247795}, /* 1 / (1 + e^-0.8), e^-0.2 */
      {"mixture(2, W x)", {-0.2f, 0.4f, 0, 100, -3, -3}, 50, 0.76852478349901760, 0.57444251681165905}, /* e^-1.2, e^-0.3 */
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    fixture f;
    text t = {0};
    int cold = 0, hot = 0;
    text_format(&t, "data y : number\ndata x : number\ny ~ %s\n", rows[i].line);
    make(&f, t.data, NULL, rows[i].arguments);
    for (uint32_t k = 0; k < N; k++) {
      double y;
      draw_at(&f, 0.5, k, &y);
      cold += y > rows[i].above;
      draw_at(&f, 2, k, &y);
      hot += y > rows[i].above;
    }
    assert_true(fabs((double)cold / N - rows[i].cold) < 5 * 0.5 / sqrt(N));
    assert_true(fabs((double)hot / N - rows[i].hot) < 5 * 0.5 / sqrt(N));
    text_free(&t);
    finish(&f);
  }
}

static void choices_refused(void **state) {
  (void)state;
  static const struct {
    const char *line;
    double temperature;
    bool biased;
    const char *message; /* NULL: it is fine */
  } rows[] = {
      {"gaussian(W x, 1)", 0.5, false, NULL},
      {"gaussian(W x, 1)", 0.5, true, "a bias is for mixture(), and this model draws from gaussian()"},
      {"mixture(2, W x)", 0.5, true, NULL},
      {"mixture(2, W x)", 3, false, NULL},
      {"bernoulli(W x)", 0.5, false, NULL},
      {"quantile(0.1, 0.9, W x)", 1, false, NULL},
      {"quantile(0.1, 0.9, W x)", 0, false, NULL},
      {"quantile(0.1, 0.9, W x)", 0.5, false, "draws from quantile() have no temperature but 1, and 0"},
      {"negative_binomial(softplus(W x), 1)", 2, false, "draws from negative_binomial() have no temperature"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    fixture f;
    text t = {0};
    unroll_error err = {0};
    text_format(&t, "data y : number\ndata x : number\ny ~ %s\n", rows[i].line);
    make(&f, t.data, NULL, (const float[8]){0});
    const draw_choice how = {.temperature = rows[i].temperature, .biased = rows[i].biased};
    assert_int_equal(distribution_check_choice(&f.d, &how, &err), rows[i].message ? UNROLL_USAGE : UNROLL_OK);
    if (rows[i].message && strncmp(err.message, rows[i].message, strlen(rows[i].message))) fail_msg("%s", err.message);
    text_free(&t);
    finish(&f);
  }
  near(draw_temperature_of_bias(1), 0.5, 0);
}

/* Its rows are steps, from which ctc.h makes texts: no symbols one by one. */
static void steps_of_ctc(void **state) {
  (void)state;
  unroll_error err = {0};
  arena memory = {0};
  program *net;
  graph g;
  distribution d;
  graph_init(&g);
  assert_int_equal(lang_parse(&net, "t.net", "data y : chars\ndata x : number\ny ~ ctc(W x)\n", &memory, &err), UNROLL_OK);
  assert_int_equal(graph_build(&g, net, &(build_options){0}, &err), UNROLL_OK);
  assert_int_equal(distribution_of(&d, &g, 0, NULL, &err), UNROLL_OK);
  assert_true(!d.row->aligned && !distribution_is_symbols(&d) && d.widths[0] == d.width + 1);
  graph_free(&g);
  arena_free(&memory);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(symbols),
      cmocka_unit_test(symbols_drawn),
      cmocka_unit_test(bernoulli),
      cmocka_unit_test(gaussian),
      cmocka_unit_test(laplace),
      cmocka_unit_test(logistic),
      cmocka_unit_test(steps_of_ctc),
      cmocka_unit_test(student_t),
      cmocka_unit_test(negative_binomial),
      cmocka_unit_test(quantiles),
      cmocka_unit_test(mixtures),
      cmocka_unit_test(pens),
      cmocka_unit_test(temperature_widens),
      cmocka_unit_test(temperature_of_weights),
      cmocka_unit_test(gumbel),
      cmocka_unit_test(choices_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
