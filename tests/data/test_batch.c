/* test_batch.c - batches: every symbol is predicted once an epoch, lags see the true symbols before, rows are in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/memory.h"
#include "data/batch.h"
#include "plain.h"

static const data_form stream = {.name = "token", .of = &data_kinds[KIND_chars]},
                       lines = {.name = "token", .of = &data_kinds[KIND_chars], .lines = true};

/* A schema for it. */
static schema *small_schema(const data_form *f) {
  static variable one;
  static schema s;
  one = plain_variable(f, NULL);
  s = (schema){.list = &one, .n = 1};
  return &s;
}

/* The least graph that has inputs token, token[t-1], token[t-3], of which the first is predicted. */
static graph *small_graph(void) {
  static input inputs[3] = {{.lag = 0, .index = true, .width = 300, .space = SPACE_STEP},
                            {.lag = 1, .index = true, .width = 300, .space = SPACE_STEP},
                            {.lag = 3, .index = true, .width = 300, .space = SPACE_STEP}};
  static data_info data = {.name = "token", .kind = "chars"};
  static loss losses[1] = {{.slot = 0}};
  static graph g;
  g = (graph){.inputs = inputs, .n_inputs = 3, .data = &data, .n_data = 1, .losses = losses, .n_losses = 1, .n_axes = 1};
  return &g;
}

/* `usual`: so much is predicted in a full batch on average; 0: the loss is the mean of this batch. */
static void check_shape(const batch *b, double usual) {
  const batch_axis *a = &b->axes[0];
  assert_true(a->steps > 0 && a->active[0] == b->rows);
  assert_int_equal(a->first[0], 0);
  for (int t = 0; t < a->steps; t++) {
    assert_true(a->active[t] >= 1 && (t == 0 || a->active[t] <= a->active[t - 1]));
    assert_int_equal(a->first[t + 1], a->first[t] + a->active[t]);
  }
  const double scaled = b->loss_scale * (usual > 0 ? usual : (double)a->first[a->steps]);
  assert_true(scaled > 1 - 1e-12 && scaled < 1 + 1e-12);
}

/* n symbols in `rows` streams, at most `steps` a pass: each symbol once; rows go on where they left off. */
static void stream_case(int n, int rows, int steps) {
  char s[4096] = {0};
  dataset d;
  part p;
  batcher *b;
  unroll_error err = {0};
  for (int i = 0; i < n; i++) s[i] = (char)('0' + i % 10);
  assert_int_equal(dataset_parse(&d, &stream, "text", s, (size_t)n, NULL), UNROLL_OK);
  for (int i = 0; i < n; i++) d.columns[0].symbols[i] = i; /* a symbol tells its place */
  const int begin = n / 3;                                 /* the part is the rest: lags look before it */
  p = (part){.data = &d, .begin = begin, .end = n, .n_symbols = n - begin};
  if (batcher_new(&b, small_graph(), &p, &(batch_options){.rows = rows, .steps = steps, .schema = small_schema(&stream)}, &err))
    fail_msg("%s", err.message);
  assert_int_equal(batcher_rows(b), n - begin < 2 * rows ? 1 : rows);
  assert_true(batcher_steps(b) <= steps);
  int seen[4096] = {0}, last[4096];
  for (int64_t k = 0; k < batcher_count(b); k++) {
    const batch *x = batcher_get(b, 5, k);
    const batch_axis *a = &x->axes[0];
    check_shape(x, 0);
    assert_true(a->steps <= batcher_steps(b) && a->first[a->steps] <= batcher_cells(b));
    assert_int_equal(batcher_symbols(b), a->first[a->steps]);
    for (int t = 0; t < a->steps; t++)
      for (int row = 0; row < a->active[t]; row++) {
        const int64_t cell = a->first[t] + row;
        const int at = x->index[0][cell];
        int64_t example, step;
        seen[at]++;
        assert_int_equal(x->index[1][cell], at - 1);
        assert_int_equal(x->index[2][cell], at >= 3 ? at - 3 : -1);
        if (t > 0 || k > 0) assert_int_equal(at, last[row] + 1);
        last[row] = at;
        batcher_where(b, 0, cell, &example, &step);
        assert_int_equal(example, 0);
        assert_int_equal(step, at);
      }
  }
  for (int i = 0; i < n; i++) assert_int_equal(seen[i], i >= begin);
  batcher_free(b);
  dataset_free(&d);
}

static void test_stream(void **state) {
  (void)state;
  static const int cases[][3] = {{3000, 7, 64}, {3000, 32, 64}, {100, 16, 3}, {30, 32, 64}, {5, 32, 64},
                                 {1, 1, 1},     {97, 2, 5},     {643, 3, 1},  {2, 1, 64},   {1000, 1, 7}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) stream_case(cases[i][0], cases[i][1], cases[i][2]);
  assert_int_equal(mem_live(), 0);
}

/* Lines as streams, `rows` beside each other: each symbol once an epoch; a row goes on where it left off, or begins a piece of a
 * line anew; what is looked back at is of the same line. */
static void streams_case(int n, int rows, int steps, bool shuffled) {
  text s = {0};
  dataset d;
  part p;
  batcher *b;
  const batch_options o = {
      .rows = rows, .steps = steps, .seed = 7, .stream = true, .shuffle = shuffled, .schema = small_schema(&lines)};
  for (int i = 0; i < n; i++) text_format(&s, "%.*s\n", i * i % 23, "abcdefghijklmnopqrstuvwxyz");
  assert_int_equal(dataset_parse(&d, &lines, "text", s.data, s.length, NULL), UNROLL_OK);
  const int64_t *first = d.columns[0].first, all = first[n];
  for (int64_t i = 0; i < all; i++) d.columns[0].symbols[i] = (int32_t)i; /* a symbol tells its place */
  assert_int_equal(part_whole(&p, &d, NULL), UNROLL_OK);
  assert_int_equal(batcher_new(&b, small_graph(), &p, &o, NULL), UNROLL_OK);
  int64_t began[2] = {0, 0};
  uint64_t order[2] = {0, 0};
  for (int epoch = 0; epoch < 2; epoch++) {
    int seen[4096] = {0}, last[64], line_of[64];
    for (int64_t k = 0; k < batcher_count(b); k++) {
      const batch *x = batcher_get(b, epoch, k);
      const batch_axis *a = &x->axes[0];
      check_shape(x, 0);
      assert_true(x->rows <= batcher_rows(b) && a->steps <= steps && a->first[a->steps] <= batcher_cells(b));
      for (int t = 0; t < a->steps; t++)
        for (int q = 0; q < a->active[t]; q++) {
          const int64_t cell = a->first[t] + q;
          const int at = x->index[0][cell], row = a->order ? a->order[q] : q;
          int64_t line, step;
          seen[at]++;
          batcher_where(b, 0, cell, &line, &step);
          assert_int_equal(first[line] + step, at);
          assert_int_equal(x->index[1][cell], step >= 1 ? at - 1 : -1);
          assert_int_equal(x->index[2][cell], step >= 3 ? at - 3 : -1);
          if (t > 0 || !x->begins[row]) {
            assert_int_equal(at, last[row] + 1);
            assert_int_equal(line, line_of[row]);
          } else {
            began[epoch]++;
            order[epoch] = order[epoch] * 31 + (uint64_t)at;
          }
          last[row] = at;
          line_of[row] = (int)line;
        }
    }
    for (int64_t i = 0; i < all; i++) assert_int_equal(seen[i], 1);
  }
  assert_int_equal(began[0], began[1]);
  assert_in_range(began[0], n, n + batcher_rows(b));
  if (n > 100) assert_true((order[0] != order[1]) == shuffled);
  batcher_free(b);
  part_free(&p);
  dataset_free(&d);
  text_free(&s);
}

static void test_streams(void **state) {
  (void)state;
  static const int cases[][3] = {{300, 7, 4}, {300, 32, 64}, {3, 16, 3}, {1, 4, 2}, {40, 1, 5}, {200, 64, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int shuffled = 0; shuffled < 2; shuffled++) streams_case(cases[i][0], cases[i][1], cases[i][2], shuffled);
  assert_int_equal(mem_live(), 0);
}

/* Lines of the lengths given by a pattern; each line once an epoch, whole, in one row. Shuffled ones count alike in every batch. */
static void lines_case(int n, int rows, bool shuffled) {
  text s = {0};
  dataset d;
  part p;
  batcher *b;
  for (int i = 0; i < n; i++) text_format(&s, "%.*s\n", i * i % 23, "abcdefghijklmnopqrstuvwxyz");
  assert_int_equal(dataset_parse(&d, &lines, "text", s.data, s.length, NULL), UNROLL_OK);
  assert_int_equal(part_whole(&p, &d, NULL), UNROLL_OK);
  assert_int_equal(
      batcher_new(&b, small_graph(), &p,
                  &(batch_options){.rows = rows, .steps = 1, .seed = 3, .shuffle = shuffled, .schema = small_schema(&lines)}, NULL),
      UNROLL_OK);
  int64_t first_lines[2] = {0};
  for (int epoch = 0; epoch < 2; epoch++) {
    int seen[2000] = {0}, largest = 0;
    for (int64_t k = 0; k < batcher_count(b); k++) {
      const batch *x = batcher_get(b, epoch, k);
      const batch_axis *a = &x->axes[0];
      check_shape(x, shuffled ? (double)(d.n_symbols * batcher_rows(b)) / n : 0);
      assert_true(x->rows <= batcher_rows(b) && a->steps <= batcher_steps(b) && a->first[a->steps] <= batcher_cells(b));
      if (a->first[a->steps] > largest) largest = (int)a->first[a->steps];
      for (int row = 0; row < x->rows; row++) {
        int64_t line, step;
        batcher_where(b, 0, row, &line, &step);
        assert_int_equal(step, 0);
        if (k == 0 && row == 0) first_lines[epoch] = line;
        const int64_t from = d.first[line], length = d.first[line + 1] - from;
        seen[line]++;
        for (int t = 0; t < length; t++) {
          assert_true(a->active[t] > row);
          const int64_t cell = a->first[t] + row;
          assert_int_equal(x->index[0][cell], d.columns[0].symbols[from + t]);
          assert_int_equal(x->index[1][cell], t >= 1 ? d.columns[0].symbols[from + t - 1] : -1);
          assert_int_equal(x->index[2][cell], t >= 3 ? d.columns[0].symbols[from + t - 3] : -1);
        }
        assert_true(length == a->steps || a->active[length] <= row);
      }
    }
    for (int i = 0; i < n; i++) assert_int_equal(seen[i], 1);
    if (!shuffled) assert_int_equal(largest, batcher_cells(b)); /* the bound is no larger than needed */
  }
  if (shuffled && n > 100) assert_true(first_lines[0] != first_lines[1]);
  batcher_free(b);
  part_free(&p);
  dataset_free(&d);
  text_free(&s);
}

static void test_lines(void **state) {
  (void)state;
  static const int cases[][2] = {{1, 32}, {5, 2}, {100, 32}, {1000, 8}, {1999, 3}, {64, 64}, {33, 32}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int shuffled = 0; shuffled < 2; shuffled++) lines_case(cases[i][0], cases[i][1], shuffled);
  assert_int_equal(mem_live(), 0);
}

/* A batch depends on nothing that was asked for before. */
static void test_pure(void **state) {
  (void)state;
  text s = {0};
  dataset d;
  part p;
  batcher *b, *c;
  const batch_options o = {.rows = 8, .steps = 4, .seed = 11, .shuffle = true, .schema = small_schema(&lines)};
  for (int i = 0; i < 500; i++) text_format(&s, "%d\n", i * i);
  assert_int_equal(dataset_parse(&d, &lines, "text", s.data, s.length, NULL), UNROLL_OK);
  assert_int_equal(part_whole(&p, &d, NULL), UNROLL_OK);
  assert_int_equal(batcher_new(&b, small_graph(), &p, &o, NULL), UNROLL_OK);
  assert_int_equal(batcher_new(&c, small_graph(), &p, &o, NULL), UNROLL_OK);
  mem_fail_after(1, 1); /* and nothing allocates */
  for (int64_t i = 0; i < 200; i++) {
    const int64_t epoch = i * 7 % 5, k = i * 13 % batcher_count(b);
    batcher_get(c, (i * 3) % 4, i % batcher_count(c));
    const batch *x = batcher_get(b, epoch, k), *y = batcher_get(c, epoch, k);
    assert_int_equal(x->axes[0].steps, y->axes[0].steps);
    assert_int_equal(batcher_symbols(b), batcher_symbols(c));
    for (int j = 0; j < 3; j++) assert_memory_equal(x->index[j], y->index[j], (size_t)batcher_symbols(b) * sizeof(int32_t));
  }
  mem_fail_after(0, 0);
  batcher_free(b);
  batcher_free(c);
  part_free(&p);
  dataset_free(&d);
  text_free(&s);
}

/* Of four shards a process has two: their rows are as in the whole batch, and the others have no values. */
static void test_share(void **state) {
  (void)state;
  text s = {0};
  dataset d;
  part p;
  batcher *b, *c;
  int own = 0, others = 0;
  const batch_options o = {.rows = 10, .steps = 4, .seed = 11, .shuffle = true, .schema = small_schema(&lines)};
  for (int i = 0; i < 80; i++) text_format(&s, "%d\n", i * i);
  assert_int_equal(dataset_parse(&d, &lines, "text", s.data, s.length, NULL), UNROLL_OK);
  for (int64_t i = 0; i < d.columns[0].first[d.n_sequences]; i++) d.columns[0].symbols[i] = 1 + (int32_t)i;
  assert_int_equal(part_whole(&p, &d, NULL), UNROLL_OK);
  for (int64_t k = 0; k < 8; k++) {
    assert_int_equal(batcher_new(&b, small_graph(), &p, &o, NULL), UNROLL_OK);
    assert_int_equal(batcher_new(&c, small_graph(), &p, &o, NULL), UNROLL_OK);
    batcher_share(c, 4, (const int[]){1, 3});
    const batch *x = batcher_get(b, 0, k), *y = batcher_get(c, 0, k);
    const batch_axis *a = &x->axes[0];
    assert_int_equal(batcher_symbols(b), batcher_symbols(c));
    assert_true(x->loss_scale - y->loss_scale == 0);
    for (int t = 0; t < a->steps; t++)
      for (int q = 0; q < a->active[t]; q++) {
        const int row = a->order ? a->order[q] : q;
        const bool there = row % 4 == 1 || row % 4 == 2;
        for (int j = 0; j < 3; j++) assert_int_equal(y->index[j][a->first[t] + q], there ? x->index[j][a->first[t] + q] : 0);
        own += there;
        others += !there;
      }
    batcher_free(b);
    batcher_free(c);
  }
  assert_true(own > 50 && others > 50);
  part_free(&p);
  dataset_free(&d);
  text_free(&s);
}

/* Steps before the beginnings of the streams, some of which are before the text. */
static void test_before(void **state) {
  (void)state;
  dataset d;
  part p;
  batcher *b;
  assert_int_equal(dataset_parse(&d, &stream, "text", "0123456789", 10, NULL), UNROLL_OK);
  for (int i = 0; i < 10; i++) d.columns[0].symbols[i] = i;
  p = (part){.data = &d, .begin = 1, .end = 9, .n_symbols = 8};
  const batch_options o = {.rows = 2, .steps = 3, .uneven = true, .schema = small_schema(&stream)};
  assert_int_equal(batcher_new(&b, small_graph(), &p, &o, NULL), UNROLL_OK);
  const batch *x = batcher_before(b, 2, 3); /* from -1 and from 3 */
  const int32_t now[6] = {-1, 3, 0, 4, 1, 5}, before[6] = {-1, 2, -1, 3, 0, 4};
  assert_int_equal(x->axes[0].steps, 3);
  assert_memory_equal(x->index[0], now, sizeof now);
  assert_memory_equal(x->index[1], before, sizeof before);
  assert_int_equal(batcher_count(b), 2); /* 3 steps, then one */
  assert_int_equal(batcher_get(b, 0, 0)->axes[0].steps, 3);
  assert_int_equal(batcher_get(b, 0, 1)->axes[0].steps, 1);
  batcher_free(b);
  dataset_free(&d);
}

static void test_refused(void **state) {
  (void)state;
  int64_t first[2] = {0, 1};
  int32_t symbol = 0;
  column_values column = {.there = true, .symbols = &symbol, .first = first, .n = 1};
  dataset d = {.plain = true, .stream = true, .columns = &column, .n_columns = 1, .n_sequences = 1, .n_symbols = 1};
  const schema *const s = small_schema(&stream);
  part p = {.data = &d, .end = 1, .n_symbols = 1};
  batcher *b;
  graph *g = small_graph();
  assert_int_equal(batcher_new(&b, g, &p, &(batch_options){.rows = 0, .steps = 1, .schema = s}, NULL), UNROLL_USAGE);
  assert_int_equal(batcher_new(&b, g, &p, &(batch_options){.rows = 1, .steps = 0, .schema = s}, NULL), UNROLL_USAGE);
  g->n_axes = 2;
  assert_int_equal(batcher_new(&b, g, &p, &(batch_options){.rows = 1, .steps = 1, .schema = s}, NULL), UNROLL_USAGE);
  g->n_axes = 1;
  g->n_losses = 0;
  assert_int_equal(batcher_new(&b, g, &p, &(batch_options){.rows = 1, .steps = 1, .schema = s}, NULL), UNROLL_USAGE);
  p.n_symbols = 0;
  assert_int_equal(batcher_new(&b, small_graph(), &p, &(batch_options){.rows = 1, .steps = 1, .schema = s}, NULL), UNROLL_USAGE);
  assert_int_equal(mem_live(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_stream), cmocka_unit_test(test_streams), cmocka_unit_test(test_lines),
                                     cmocka_unit_test(test_pure),   cmocka_unit_test(test_share),   cmocka_unit_test(test_before),
                                     cmocka_unit_test(test_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
