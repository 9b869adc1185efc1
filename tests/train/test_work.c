/* test_work.c - the operations of training steps are counted from the true rows of each batch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>
#include <cmocka.h>
#include "base/cpu.h"
#include "lang/lang.h"
#include "verify/random_batch.h"
#include "train/work.h"

enum { ROWS = 3, LONGEST = 6 };

/* A product of 5 x 4 and one of 5 x 5 at each step of x, one of 3 x 5 for each sequence; forward and, of the matrices, gradient. */
static const char source[] =
    "hidden = 5\ndata x : numbers(4)\ndata label : category(3)\nh = tanh(A x + U h[t-1] + bh)\nlabel ~ softmax(W last(h) + b)\n";
static const char two_axes[] =
    "hidden = 5\ndata x : numbers(4)\ndata y : numbers(4)\ndata label : category(3)\nf = tanh(A x + U f[t-1] + bf)\n"
    "g = tanh(B y + V g[t-1] + bg)\nlabel ~ softmax(W [last(f), last(g)] + b)\n";

typedef struct setup {
  arena memory;
  program *net;
  graph g;
  plan *p;
  work w;
} setup;

static void open_setup(setup *s, const char *net, int with_gradient) {
  unroll_error err = {0};
  memset(s, 0, sizeof *s);
  const binding widths[] = {{"x", 4}, {"y", 4}, {"label", 3}};
  const build_options o = {.bindings = widths, .n_bindings = 3};
  assert_int_equal(lang_parse(&s->net, "test.net", net, &s->memory, &err), UNROLL_OK);
  graph_init(&s->g);
  assert_int_equal(graph_build(&s->g, s->net, &o, &err), UNROLL_OK);
  if (with_gradient) assert_int_equal(graph_differentiate(&s->g, &err), UNROLL_OK);
  const plan_options options = {.max_rows = ROWS, .max_steps = LONGEST, .gradient = with_gradient};
  assert_int_equal(plan_new(&s->p, &s->g, &options, &err), UNROLL_OK);
  assert_int_equal(work_init(&s->w, s->p, &s->memory, &err), UNROLL_OK);
}

static void close_setup(setup *s) {
  plan_free(s->p);
  graph_free(&s->g);
  arena_free(&s->memory);
}

static double counted(setup *s, int rows, const int *lengths) {
  unroll_error err = {0};
  random_batch data;
  assert_int_equal(random_batch_new(&data, &s->g, rows, lengths, 1, &err), UNROLL_OK);
  const double before = s->w.operations;
  work_begin(&s->w);
  work_end(&s->w, &data.b);
  random_batch_free(&data);
  return s->w.operations - before;
}

static void true_rows(void **state) {
  (void)state;
  setup s;
  open_setup(&s, source, 0);
  const int full[] = {6, 6, 6}, ragged[] = {6, 1, 2}, short_one[] = {4};
  const double step = 2 * (5 * 4 + 5 * 5), end = 2 * 3 * 5;
  assert_true(counted(&s, 3, full) == plan_operations(s.p, 18));
  assert_true(counted(&s, 3, full) == 18 * step + 3 * end);
  assert_true(counted(&s, 3, ragged) == 9 * step + 3 * end);
  assert_true(counted(&s, 1, short_one) == 4 * step + end);
  close_setup(&s);
}

/* Each axis by itself: random_batch gives axis 1 the lengths turned by one, so their sums agree only where all rows are there. */
static void axes(void **state) {
  (void)state;
  setup s;
  open_setup(&s, two_axes, 1);
  const int lengths[] = {6, 1, 2};
  const double all = counted(&s, 3, lengths), twice = counted(&s, 3, lengths);
  assert_int_equal(s.w.n_axes, 2);
  assert_true(s.w.of_axis[0] == s.w.of_axis[1] && s.w.of_axis[0] > 0);
  assert_true(all == s.w.once + 3 * s.w.of_row + 9 * s.w.of_axis[0] + 9 * s.w.of_axis[1]);
  assert_true(twice == all);
  close_setup(&s);
}

static void rates(void **state) {
  (void)state;
  setup s;
  open_setup(&s, source, 0);
  assert_true(isnan(work_measure(&s.w, NULL).share)); /* nothing was done */
  s.w.operations = 3e9;
  s.w.seconds = 0.5;
  s.w.processor = 0.25;
  const work_rates r = work_measure(&s.w, NULL);
  assert_true(r.gflops == 6);
  assert_true(r.peak > 0 && r.share == r.gflops / r.peak);
  assert_true(r.processor == 0.5);
  pool *many = pool_new(4 * cpu_count()); /* which have no more time than the processors */
  assert_non_null(many);
  s.w.processor = 0.5 * cpu_count();
  assert_true(work_measure(&s.w, many).processor == 1);
  pool_free(many);
  close_setup(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(true_rows),
      cmocka_unit_test(axes),
      cmocka_unit_test(rates),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
