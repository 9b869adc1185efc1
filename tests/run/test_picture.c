/* test_picture.c - convolutions with a stride and groups, pools that overlap or take means, batch normalization: loss and gradient
 * against torch 1.13 in double; the running statistics, which torch keeps too. */
#include "testnet.h"
#include "plan/plan.h"
#include "run/run.h"

enum { ROWS = 3, PICTURE = 7 * 6 * 4 };

typedef struct from_torch {
  const char *equations;
  int width, training;
  double nats, sum, by_cos,
      by_sin; /* the loss; the sum of the gradient, and of it times cos i and sin 2.3 i, i its place in the block */
} from_torch;

/* p[i] = sin(0.37 i + 0.2), y[i] = cos(0.23 i), weight i of the block 0.3 sin 1.7 i, and 1 more for gains and variances. Where the
 * gradient of running statistics would be, what a share of 1 would make of them; in torch that is (new - 0.9 old) / 0.1, with the
 * variance divided by the number of values rather than by one less. */
static const from_torch table[] = {
    {"u = conv(p, 6, 3, stride = 2, groups = 2)", 72, 1, 279.9658834, 26.93102452, 19.40864792, -17.2909929},
    {"v = conv(p, 5, 2)\nu = conv(v, 4, 4, pad = 1, stride = 3)", 16, 1, 58.98933719, -51.35177722, 7.149584469, 5.219021327},
    {"v = conv(p, 6, 3)\nu = conv(v, 6, 3, valid, stride = 2, groups = 6)", 36, 1, 129.0832401, -3.672565667, -8.809327213,
     -6.617763526},
    {"u = pool(conv(p, 20, 3), 3, stride = 2)", 120, 1, 461.9654785, 89.33454725, 36.79880191, -2.915887413},
    {"u = pool(conv(p, 3, 3), 2, stride = 3)", 12, 1, 44.06425431, 22.84332256, -0.2110328355, -3.137258052},
    {"u = pool(conv(p, 3, 3), 3, mean, stride = 1)", 60, 1, 216.0858249, 13.46213142, 22.43799263, -21.46360115},
    {"u = pool(conv(p, 17, 3), 3, mean)", 68, 1, 243.3529248, -10.40146144, -0.4136287401, -2.222111872},
    {"u = batchnorm(conv(p, 3, 3))", 126, 1, 671.6095648, 430.7038162, 59.00680706, 18.30898814},
    {"u = batchnorm(tanh(conv(p, 18, 3, stride = 2)), epsilon = 0.001)", 216, 1, 1109.607825, 1069.754131, -22.82396531,
     9.952823799},
    {"u = batchnorm(conv(p, 3, 3))", 126, 0, 489.9361699, 254.8070322, 43.7045652, -108.7317015},
};

static void fill(testnet *n, float *p, float *y, int width) {
  for (int i = 0; i < ROWS * PICTURE; i++) p[i] = (float)sin(0.37 * i + 0.2);
  for (int i = 0; i < ROWS * width; i++) y[i] = (float)cos(0.23 * i);
  for (int k = 0; k < n->g.n_params; k++) {
    const param *w = &n->g.params[k];
    for (int64_t i = w->offset; i < w->offset + (int64_t)w->rows * w->cols; i++) {
      n->exact[i] = 0.3 * sin(1.7 * (double)i) + (w->init == INIT_NUMBER ? w->init_value : 0);
      n->weights[i] = (float)n->exact[i];
    }
  }
}

static void expect(const char *name, const char *what, double got, double want, double scale) {
  if (!(fabs(got - want) <= 2e-6 * scale)) fail_msg("%s: %s is %.9g, torch has %.9g", name, what, got, want);
}

static void compare(const from_torch *row, double nats, const double *slope, int64_t n) {
  double sum = 0, by_cos = 0, by_sin = 0, all = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += slope[i];
    by_cos += slope[i] * cos((double)i);
    by_sin += slope[i] * sin(2.3 * (double)i);
    all += fabs(slope[i]);
  }
  expect(row->equations, "the loss", nats, row->nats, row->nats);
  expect(row->equations, "the gradient", sum, row->sum, all);
  expect(row->equations, "the gradient by cos", by_cos, row->by_cos, all);
  expect(row->equations, "the gradient by sin", by_sin, row->by_sin, all);
}

static void check_row(const from_torch *row, pool *workers) {
  text source = {0};
  testnet n = {0};
  unroll_error err = {0};
  text_format(&source, "data p : image(4, 7, 6)\ndata y : numbers(%d)\n%s\ny ~ gaussian(mean = u, scale = 1)\n", row->width,
              row->equations);
  if (testnet_build(&n, source.data, 1, &err) != UNROLL_OK) {
    testnet_say(row->equations, &err);
    fail();
  }
  float *p = mem_alloc(ROWS * PICTURE * sizeof *p), *y = mem_alloc((size_t)(ROWS * row->width) * sizeof *y);
  double *slope = mem_zero((size_t)n.g.n_weights, sizeof *slope);
  assert_true(p && y && slope && n.g.n_inputs == 2);
  fill(&n, p, y, row->width);
  const bool picture_first = n.g.data[n.g.inputs[0].data].width == PICTURE;
  const int32_t *const index[2] = {NULL, NULL};
  const float *const number[2] = {picture_first ? p : y, picture_first ? y : p};
  const batch b = {.rows = ROWS, .index = index, .number = number, .loss_scale = 1};
  reference ref = {0};
  assert_int_equal(reference_pass(&ref, &n.g, n.exact, &b, NULL, row->training, &err), UNROLL_OK);
  compare(row, reference_loss(&ref, 0), ref.gradient, n.g.n_weights);
  plan *planned;
  run *r;
  const plan_options o = {.max_rows = ROWS, .max_steps = 1, .gradient = 1};
  assert_int_equal(plan_new(&planned, &n.g, &o, &err), UNROLL_OK);
  assert_int_equal(run_new(&r, planned, n.weights, workers, &err), UNROLL_OK);
  run_pack(r);
  run_pass(r, &b, row->training);
  for (int64_t i = 0; i < n.g.n_weights; i++) slope[i] = (double)run_gradient(r)[i];
  compare(row, run_loss(r, 0), slope, n.g.n_weights);
  run_free(r);
  plan_free(planned);
  reference_free(&ref);
  mem_free(slope);
  mem_free(p);
  mem_free(y);
  text_free(&source);
  testnet_free(&n);
}

static void test_torch(void **state) {
  (void)state;
  pool *workers = pool_new(3);
  assert_non_null(workers);
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    check_row(&table[i], NULL);
    check_row(&table[i], workers);
  }
  pool_free(workers);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_torch)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
