/* test_int8.c - plans whose products are of bytes: near to single precision, the same bits on any number of threads and every
 * instruction set, floats where there are few numbers, and no gradient. */
#include "testnet.h"
#include "kernel/kernel.h"
#include "plan/frozen.h"
#include "plan/plan.h"
#include "run/run.h"

static const struct {
  const char *name, *source;
  int rows, steps;
} nets[] = {
    {"lstm", "data token : chars\nh = lstm(embed(token[t-1], 40), 150)\ntoken ~ softmax(W h + b)\n", 37, 12},
    {"gru, one row", "data token : chars\nh = gru(embed(token[t-1], 41), 151, layers = 2)\ntoken ~ softmax(W h + b)\n", 1, 40},
    {"both directions",
     "data x : numbers\ndata tag : category\nf = lstm(x, 70)\ng = gru_reset_after(x, 50, backward)\ntag ~ softmax(W [f, g] + b)\n",
     33, 9},
    {"attention",
     "data source : words\ndata target : words\ns = gru(embed(source, 20), 90, backward)\n"
     "d = gru([embed(target[t-1], 20), attend(Wq d[t-1], s)], 90, start = s)\na = attend(d, s, additive = v)\nparam v\n"
     "hidden = 90\ntarget ~ softmax(W [d, a] + b)\n",
     37, 19},
    {"tied weights", "data token : words\nwidth e = 43\ne = E token[t-1]\nh = gru(e, 43)\ntoken ~ softmax(E' h + b)\n", 5, 11},
};
enum { NETS = sizeof nets / sizeof *nets };

typedef struct predictions {
  float *values; /* [cells, width] of the first prediction */
  int64_t n;
  double loss;
  int bytes, floats; /* products */
} predictions;

static void count_products(const stage *s, predictions *p) {
  for (int i = 0; i < s->n_body; i++) count_products(&s->body[i], p);
  for (int i = 0; i < s->tile.n_calls; i++) {
    p->bytes += s->tile.calls[i].precision == PRECISION_INT8;
    p->floats += s->tile.calls[i].precision == PRECISION_FP32;
  }
}

static void collect(predictions *out, const testnet *n, const plan *p, const run *r, const batch *b) {
  const graph *g = &n->g;
  const int y = g->losses[0].prediction, width = g->nodes[y].width;
  const batch_axis *a = &b->axes[g->nodes[y].axis];
  ptrdiff_t row;
  const float *values = run_value(r, y, &row);
  out->n = a->first[a->steps] * width;
  assert_non_null(out->values = mem_alloc((size_t)out->n * sizeof *out->values));
  for (int64_t i = 0; i < a->first[a->steps]; i++)
    memcpy(out->values + i * width, values + i * row, (size_t)width * sizeof *values);
  out->loss = run_loss(r, 0);
  for (int i = 0; i < plan_frozen(p)->n_stages; i++) count_products(&plan_frozen(p)->stages[i], out);
}

/* A pass of net number `at`. */
static predictions pass(int at, enum precision precision, int threads, const kernels *k) {
  predictions out = {0};
  testnet n;
  plan *p;
  run *r;
  random_batch b;
  int lengths[64];
  pool *workers = threads > 1 ? pool_new(threads) : NULL;
  assert_int_equal(testnet_build(&n, nets[at].source, 0, NULL), UNROLL_OK);
  const plan_options o = {.max_rows = nets[at].rows,
                          .max_steps = nets[at].steps,
                          .precision = precision,
                          .keep = &n.g.losses[0].prediction,
                          .n_keep = 1};
  assert_int_equal(plan_new(&p, &n.g, &o, NULL), UNROLL_OK);
  assert_int_equal(run_new(&r, p, n.weights, workers, NULL), UNROLL_OK);
  run_set_kernels(r, k);
  run_pack(r);
  for (int i = 0; i < nets[at].rows; i++) lengths[i] = nets[at].steps - i * 7 % nets[at].steps;
  assert_int_equal(random_batch_new(&b, &n.g, nets[at].rows, lengths, 9, NULL), UNROLL_OK);
  run_pass(r, &b.b, 0);
  collect(&out, &n, p, r, &b.b);
  random_batch_free(&b);
  run_free(r);
  plan_free(p);
  testnet_free(&n);
  pool_free(workers);
  return out;
}

static void test_near_single(void **state) {
  (void)state;
  for (int i = 0; i < NETS; i++) {
    const predictions exact = pass(i, PRECISION_FP32, 1, kernel_table()), got = pass(i, PRECISION_INT8, 1, kernel_table());
    double scale = 0, off = 0;
    for (int64_t k = 0; k < exact.n; k++) {
      scale = fmax(scale, fabs((double)exact.values[k]));
      off = fmax(off, fabs((double)exact.values[k] - (double)got.values[k]));
    }
    assert_int_equal(exact.n, got.n);
    assert_true(exact.bytes == 0 && got.bytes > 0);
    if (!(off > 1e-5 * scale && off < 0.03 * scale)) fail_msg("%s: off by %g of %g", nets[i].name, off, scale);
    if (!(fabs(got.loss - exact.loss) < 0.005 * exact.loss)) fail_msg("%s: loss %g, not %g", nets[i].name, got.loss, exact.loss);
    mem_free(exact.values);
    mem_free(got.values);
  }
}

static void same_as(int i, const predictions *first, int threads, const kernels *k) {
  const predictions got = pass(i, PRECISION_INT8, threads, k);
  if (got.n != first->n || memcmp(got.values, first->values, (size_t)got.n * sizeof *got.values) != 0)
    fail_msg("%s: other bits with %d threads, %s", nets[i].name, threads, cpu_isa_name(k->isa));
  mem_free(got.values);
}

static void test_same_bits(void **state) {
  (void)state;
  static const enum cpu_isa sets[] = {CPU_PORTABLE, CPU_NEON, CPU_AVX2, CPU_AVX512};
  for (int i = 0; i < NETS; i++) {
    const predictions first = pass(i, PRECISION_INT8, 1, kernel_table());
    for (int threads = 2; threads <= 4; threads++) same_as(i, &first, threads, kernel_table());
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++)
      if (kernel_table_of(sets[k])) same_as(i, &first, 1, kernel_table_of(sets[k]));
    mem_free(first.values);
  }
}

/* The numbers of "both directions" are few, its states are not. */
static void test_few_numbers(void **state) {
  (void)state;
  const predictions few = pass(2, PRECISION_INT8, 1, kernel_table()), none = pass(0, PRECISION_INT8, 1, kernel_table());
  assert_true(few.bytes > 0 && few.floats > 0);
  assert_true(none.bytes > 0 && none.floats == 0);
  mem_free(few.values);
  mem_free(none.values);
}

/* Packed weights of bytes take about a quarter. */
static void test_size(void **state) {
  (void)state;
  testnet n;
  int64_t size[PRECISIONS];
  assert_int_equal(testnet_build(&n, nets[0].source, 0, NULL), UNROLL_OK);
  for (int i = 0; i < PRECISIONS; i++) {
    plan *p;
    assert_int_equal(plan_new(&p, &n.g, &(plan_options){.max_rows = 1, .max_steps = 1, .precision = (enum precision)i}, NULL),
                     UNROLL_OK);
    size[i] = plan_frozen(p)->pack;
    plan_free(p);
  }
  assert_true(100 * size[PRECISION_BF16] < 52 * size[PRECISION_FP32]);
  assert_true(100 * size[PRECISION_INT8] < 30 * size[PRECISION_FP32]);
  testnet_free(&n);
}

static void test_no_gradient(void **state) {
  (void)state;
  testnet n;
  plan *p = NULL;
  unroll_error err = {0};
  assert_int_equal(testnet_build(&n, nets[0].source, 1, NULL), UNROLL_OK);
  const plan_options o = {.max_rows = 2, .max_steps = 2, .precision = PRECISION_INT8, .gradient = 1};
  assert_int_equal(plan_new(&p, &n.g, &o, &err), UNROLL_USAGE);
  assert_null(p);
  assert_non_null(strstr(err.message, "int8"));
  testnet_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_near_single), cmocka_unit_test(test_same_bits),
                                     cmocka_unit_test(test_few_numbers), cmocka_unit_test(test_size),
                                     cmocka_unit_test(test_no_gradient)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
