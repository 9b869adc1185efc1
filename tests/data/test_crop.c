/* test_crop.c - pieces of long examples, drawn for training and all of them to judge by; music that is heard higher and lower;
 * slower and faster. */
#include "data/crop.h"
#include <math.h>
#include "base/text.h"
#include "data/stretch.h"
#include "tables.h"

#define LABELS "data x : numbers(1)\ndata label : category\nlabel ~ softmax(W last(rnn(x, 2)) + b)\n"
#define NEXT "data x : number\nx ~ gaussian(mean = W rnn(x[t-1], 2) + b, scale = 1)\n"
#define HEAD "x,label\n"
#define TEN "0 1 2 3 4 5 6 7 8 9"

static void pieces(void **state) {
  (void)state;
  static const struct {
    int steps, apart, n;
    int from[8], count;
  } rows[] = {
      {4, 2, 4, {0, 2, 4, 6}, 4}, {4, 4, 3, {0, 3, 6}, 4}, {4, 3, 3, {0, 3, 6}, 4}, {9, 9, 2, {0, 1}, 9},
      {10, 5, 1, {0}, 10},        {50, 1, 1, {0}, 10},     {3, 7, 2, {0, 7}, 3},
  };
  loaded x;
  unroll_error err = {0};
  assert_int_equal(load(&x, LABELS, HEAD TEN ",a\n5 6,b\n", NULL, &err), UNROLL_OK);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    part p;
    assert_int_equal(part_whole(&p, &x.d, &err), UNROLL_OK);
    assert_int_equal(crop_all(&p, &x.g, &x.s, rows[i].steps, rows[i].apart, &err), UNROLL_OK);
    assert_int_equal(p.n, rows[i].n + 1);
    assert_int_equal(p.n_symbols, p.n);
    for (int k = 0; k < rows[i].n; k++) {
      assert_int_equal(p.list[k], 0);
      assert_int_equal(p.windows[k].from, rows[i].from[k]);
      assert_int_equal(p.windows[k].count, rows[i].count);
    }
    assert_int_equal(p.list[p.n - 1], 1);
    assert_int_equal(p.windows[p.n - 1].from, 0);
    assert_int_equal(p.windows[p.n - 1].count, 2);
    part_free(&p);
  }
  assert_true(crop_votes(&x.g, &x.s));
  loaded_free(&x);
}

/* Each example once in an epoch, as steps after each other that begin everywhere in time. */
static void drawn(void **state) {
  (void)state;
  loaded x;
  part p;
  batcher *b;
  unroll_error err = {0};
  bool began[10] = {false}, moved = false;
  assert_int_equal(load(&x, NEXT, "x\n" TEN "\n15 16\n", NULL, &err), UNROLL_OK);
  assert_false(crop_votes(&x.g, &x.s));
  assert_int_equal(part_whole(&p, &x.d, &err), UNROLL_OK);
  assert_int_equal(crop_drawn(&p, &x.g, &x.s, 4, &err), UNROLL_OK);
  assert_int_equal(p.n_symbols, 6);
  const batch_options how = {.rows = 2, .steps = 1, .seed = 3, .shuffle = true, .schema = &x.s};
  assert_int_equal(batcher_new(&b, &x.g, &p, &how, &err), UNROLL_OK);
  int lag = 0;
  while (x.g.inputs[lag].lag != 1) lag++;
  for (int epoch = 0, before = -1; epoch < 60; epoch++) {
    const batch *one = batcher_get(b, epoch, 0);
    assert_int_equal(batcher_count(b), 1);
    assert_int_equal(one->axes[0].steps, 4);
    assert_int_equal(batcher_symbols(b), 6);
    const int first = (int)one->number[lag == 0 ? 1 : 0][0];
    assert_in_range(first, 0, 6);
    for (int t = 0; t < 4; t++) { /* the long example is the first row, the short one has two steps */
      const float *now = one->number[lag == 0 ? 1 : 0] + one->axes[0].first[t], *late = one->number[lag] + one->axes[0].first[t];
      assert_true(now[0] == (float)(first + t));
      assert_true(late[0] == (float)(first + t ? first + t - 1 : 0)); /* what came before the piece is known */
      if (t < 2) assert_true(now[1] == (float)(15 + t));
    }
    began[first] = true;
    moved |= before >= 0 && before != first;
    before = first;
  }
  for (int i = 0; i <= 6; i++) assert_true(began[i]);
  assert_true(moved);
  batcher_free(b);
  part_free(&p);
  loaded_free(&x);
}

static void refused(void **state) {
  (void)state;
  static const struct {
    const char *net, *csv, *message;
  } rows[] = {
      {TRANSLATE, "from,to\nab,cd\n", "has not just one time axis"},
      {VECTOR, "v1,v2,label\n1,2,a\n3,4,b\n", "has not just one time axis"},
      {"data text : chars stream\ntext ~ softmax(W rnn(embed(text[t-1], 2), 3) + b)\n", "text\nabc\ndef\n", "reads a stream"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    loaded x;
    part p = {0};
    unroll_error err = {0};
    assert_int_equal(load(&x, rows[i].net, rows[i].csv, NULL, &err), UNROLL_OK);
    assert_int_equal(part_whole(&p, &x.d, &err), UNROLL_OK);
    assert_int_equal(crop_drawn(&p, &x.g, &x.s, 4, &err), UNROLL_USAGE);
    if (!strstr(err.message, rows[i].message)) fail_msg("row %zu: %s", i, err.message);
    part_free(&p);
    loaded_free(&x);
  }
}

/* A step of 88 keys, of which three sound. */
static void put_step(text *out, const int *keys, int n) {
  for (int k = 0; k < 88; k++) {
    bool on = false;
    for (int i = 0; i < n; i++) on |= keys[i] == k;
    text_format(out, k ? ";%d" : "%d", on);
  }
}

/* All steps of an example are moved by as much, and keys that no piano has are left out. Validation hears what is there. */
static void transposed(void **state) {
  (void)state;
  enum { MOST = 2, EPOCHS = 100 };
  static const int first[] = {0, 40, 87}, second[] = {41};
  text csv = {0};
  loaded x;
  part p;
  batcher *b;
  unroll_error err = {0};
  text_format(&csv, "notes\n");
  for (int row = 0; row < 3; row++) {
    put_step(&csv, first, 3);
    text_format(&csv, " ");
    put_step(&csv, second, 1);
    text_format(&csv, "\n");
  }
  const char *net = "data notes : notes\nnotes ~ bernoulli(W rnn(notes[t-1], 3) + b)\n";
  assert_false(csv.failed);
  if (load(&x, net, csv.data, NULL, &err)) fail_msg("%s", err.message);
  assert_int_equal(part_whole(&p, &x.d, &err), UNROLL_OK);
  const int now = x.g.inputs[0].lag ? 1 : 0, late = 1 - now;
  for (int most = 0; most <= MOST; most += MOST) {
    const batch_options how = {.rows = 3, .steps = 1, .seed = 1, .shuffle = true, .schema = &x.s, .transpose = most};
    int met[2 * MOST + 1] = {0}, apart = 0;
    assert_int_equal(batcher_new(&b, &x.g, &p, &how, &err), UNROLL_OK);
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
      const batch *one = batcher_get(b, epoch, 0);
      int by[3];
      for (int row = 0; row < 3; row++) {
        const float *begin = one->number[now] + (ptrdiff_t)row * 88, *then = one->number[now] + (ptrdiff_t)(3 + row) * 88,
                    *before = one->number[late] + (ptrdiff_t)(3 + row) * 88;
        int sounds = 0;
        for (by[row] = -MOST; by[row] <= MOST && begin[40 + by[row]] == 0;) by[row]++;
        assert_in_range(by[row] + most, 0, 2 * most);
        for (int k = 0; k < 88; k++) {
          sounds += begin[k] != 0;
          assert_true(before[k] == begin[k]);
          assert_true(then[k] == (k == 41 + by[row]));
        }
        assert_int_equal(sounds, by[row] ? 2 : 3);
        assert_true(by[row] < 0 || begin[by[row]] == 1);
        assert_true(by[row] > 0 || begin[87 + by[row]] == 1);
        met[by[row] + MOST]++;
      }
      apart += by[0] != by[1];
    }
    for (int i = -most; i <= most; i++) assert_true(met[i + MOST] > EPOCHS / 4);
    assert_true(most ? apart > 0 : apart == 0);
    batcher_free(b);
  }
  text_free(&csv);
  part_free(&p);
  loaded_free(&x);
}

/* A straight line stays one, from its first to its last value, over as many steps as were drawn; texts stay as they are. */
static void stretched(void **state) {
  (void)state;
  enum { EPOCHS = 200 };
  const char *net = "data x : numbers(2)\ndata to : chars\nto ~ ctc(W gru(x, 3) + b)\n";
  const char *csv = "x,to\n0;0 1;-2 2;-4 3;-6 4;-8 5;-10 6;-12 7;-14 8;-16 9;-18 10;-20,ab\n0;0 1;-2 2;-4,aa\n5;1,b\n";
  loaded x;
  part p;
  batcher *b;
  unroll_error err = {0};
  bool met[17] = {false};
  if (load(&x, net, csv, NULL, &err)) fail_msg("%s", err.message);
  assert_int_equal(part_whole(&p, &x.d, &err), UNROLL_OK);
  assert_int_equal(stretch_check(&x.g, &p, &x.s, &err), UNROLL_OK);
  for (int i = 0; i < 2; i++) {
    const double most = i ? 0.5 : 0;
    const batch_options how = {.rows = 3, .steps = 1, .seed = 4, .shuffle = true, .schema = &x.s, .stretch = most};
    assert_int_equal(batcher_new(&b, &x.g, &p, &how, &err), UNROLL_OK);
    int moved = 0;
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
      const batch *one = batcher_get(b, epoch, 0);
      const batch_axis *axis = &one->axes[x.s.list[0].axis], *of_text = &one->axes[x.s.list[1].axis];
      assert_int_equal(batcher_symbols(b), 5);
      assert_int_equal(of_text->first[of_text->steps], 5);
      for (int q = 0; q < 3; q++) { /* by length: the examples in their order */
        const int first = q == 2 ? 5 : 0;
        int steps = 0;
        while (steps < axis->steps && axis->active[steps] > q) steps++;
        assert_in_range(steps, q == 0 ? i ? 7 : 11 : q == 1 ? 3 : 1, q == 0 ? i ? 17 : 11 : q == 1 ? i ? 5 : 3 : 1);
        for (int t = 0; t < steps; t++) {
          const float *now = one->number[0] + 2 * (axis->first[t] + q);
          const double expected = first + (steps > 1 ? (q == 0 ? 10.0 : 2.0) * t / (steps - 1) : 0);
          assert_true(fabs((double)now[0] - expected) < 1e-5);
          assert_true(q == 2 ? now[1] == 1 : fabs((double)now[1] + 2 * expected) < 1e-5);
        }
        if (q == 0) met[steps - 1] = true, moved += steps != 11;
      }
    }
    assert_true(i ? moved > EPOCHS / 2 : moved == 0);
    batcher_free(b);
  }
  for (int steps = 8; steps <= 16; steps++) assert_true(met[steps - 1]);
  part_free(&p);
  loaded_free(&x);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(pieces), cmocka_unit_test(drawn), cmocka_unit_test(refused),
                                     cmocka_unit_test(transposed), cmocka_unit_test(stretched)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
