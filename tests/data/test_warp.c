/* test_warp.c - pictures that are moved and slanted: where numbers come from, edges, and what a batch sees. */
#include "data/warp.h"
#include <math.h>
#include "tables.h"

enum { ROWS = 5, COLUMNS = 9, CHANNELS = 2, PIXELS = ROWS * COLUMNS * CHANNELS };
static const picture_shape shape = {CHANNELS, ROWS, COLUMNS};

static const float *pixel(const float *x, int row, int column) { return x + (row * COLUMNS + column) * CHANNELS; }

static void known(void **state) {
  (void)state;
  float x[PIXELS], y[PIXELS];
  for (int i = 0; i < PIXELS; i++) x[i] = (float)(i % 7) + 0.25f * (float)(i % 3);
  warp_picture(y, x, &shape, &(warp){{1, 0, 0}, {0, 1, 0}});
  assert_memory_equal(x, y, sizeof x);
  warp_picture(y, x, &shape, &(warp){{1, 0, 0.5}, {0, 1, -0.25}}); /* 0.5 of -1 .. 1 is a row here, 0.25 a column */
  for (int i = 0; i < ROWS; i++)
    for (int k = 0; k < COLUMNS; k++)
      assert_memory_equal(pixel(y, i, k), pixel(x, i + 1 < ROWS ? i + 1 : i, k > 0 ? k - 1 : 0), CHANNELS * sizeof *x);
  warp_picture(y, x, &shape, &(warp){{-1, 0, 0}, {0, -1, 0}}); /* half a turn */
  for (int i = 0; i < ROWS; i++)
    for (int k = 0; k < COLUMNS; k++)
      for (int c = 0; c < CHANNELS; c++) assert_true(fabsf(pixel(y, i, k)[c] - pixel(x, ROWS - 1 - i, COLUMNS - 1 - k)[c]) < 1e-5f);
}

/* A plane stays one. */
static void between(void **state) {
  (void)state;
  float x[PIXELS], y[PIXELS];
  const warp w = {{0.8, 0.1, -0.05}, {-0.1, 0.7, 0.15}};
  for (int i = 0; i < PIXELS; i++)
    x[i] = (float)(3 * (i / CHANNELS / COLUMNS) - 2 * (i / CHANNELS % COLUMNS) + 50 * (i % CHANNELS));
  warp_picture(y, x, &shape, &w);
  for (int i = 0; i < ROWS; i++)
    for (int k = 0; k < COLUMNS; k++) {
      const double down = i / 2.0 - 1, right = k / 4.0 - 1;
      const double row = 2 * (0.8 * down + 0.1 * right - 0.05 + 1), column = 4 * (-0.1 * down + 0.7 * right + 0.15 + 1);
      for (int c = 0; c < CHANNELS; c++) assert_true(fabs((double)pixel(y, i, k)[c] - (3 * row - 2 * column + 50 * c)) < 1e-4);
    }
}

static void drawn(void **state) {
  (void)state;
  enum { MANY = 2000 };
  double least = 1, most = -1, sum = 0;
  for (int epoch = 0; epoch < MANY; epoch++) {
    const warp w = warp_draw(0.2, 7, epoch, 3), same = warp_draw(0.2, 7, epoch, 3), other = warp_draw(0.2, 7, epoch, 4);
    const double off[6] = {w.row[0] - 1, w.row[1], w.row[2], w.column[0], w.column[1] - 1, w.column[2]};
    assert_memory_equal(&w, &same, sizeof w);
    assert_true(w.row[0] != other.row[0]);
    for (int i = 0; i < 6; i++) {
      least = fmin(least, off[i]);
      most = fmax(most, off[i]);
      sum += off[i];
      for (int k = 0; k < i; k++) assert_true(off[i] != off[k]);
    }
  }
  assert_true(least >= -0.2 && least < -0.199 && most <= 0.2 && most > 0.199 && fabs(sum / (6 * MANY)) < 0.005);
}

static void refused(void **state) {
  (void)state;
  static const struct {
    const char *net, *csv, *why;
  } rows[] = {
      {"data x : numbers(2)\ndata label : category\nlabel ~ softmax(W x + b)\n", "x,label\n1;2,a\n3;4,b\n",
       "option 'warp' is for pictures that are only read, and this net reads none"},
      {"data p : image(1, 1, 2)\np ~ bernoulli(b)\n", "p\n0;1\n1;1\n",
       "option 'warp' is for pictures that are only read, and this net reads none"},
      {"data p : image(1, 1, 2)\ndata where : box\nwhere ~ gaussian(mean = W p + b, scale = 1)\n",
       "p,where\n0;1,1;2;3;4\n1;1,2;3;4;5\n",
       "option 'warp' is for pictures that are only read, and this net predicts boxes, which would not move with them"},
      {"data p : image(1, 1, 2)\ndata label : category\nlabel ~ softmax(W p + b)\n", "p,label\n0;1,a\n1;1,b\n", NULL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    loaded x;
    unroll_error err = {0};
    if (load(&x, rows[i].net, rows[i].csv, NULL, &err)) fail_msg("%s", err.message);
    const unroll_status s = warp_check(&x.g, &x.s, &err);
    assert_int_equal(s, rows[i].why ? UNROLL_USAGE : UNROLL_OK);
    if (rows[i].why) assert_string_equal(err.message, rows[i].why);
    loaded_free(&x);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(known), cmocka_unit_test(between), cmocka_unit_test(drawn),
                                     cmocka_unit_test(refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
