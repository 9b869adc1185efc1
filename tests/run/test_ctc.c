/* test_ctc.c - alignments: the reference and the plan against torch.nn.functional.ctc_loss in double, and against the sum over all
 * paths one by one; what has no alignment; the same bits for all threads and instruction sets; and no window of steps. */
#include "testnet.h"
#include "kernel/kernel.h"
#include "plan/plan.h"
#include "run/run.h"

enum { SYMBOLS = 5, WIDTH = SYMBOLS + 1, LONGEST = 150, MOST = 50, SEVERAL = 16 };

/* --- a batch of given sequences through text ~ ctc(A x), A the identity --- */

typedef struct sequence {
  int steps, n;
  const float *x; /* [steps, WIDTH] */
  const int32_t *text;
} sequence;

typedef struct aligned {
  testnet net;
  arena memory;
  batch b;
  plan *p;
  run *r;
  reference ref;
  int loss, slope, rows;
} aligned;

static const batch_axis *axis_of(arena *memory, const int *lengths, int rows) {
  batch_axis *a = arena_alloc(memory, 1, sizeof *a);
  int *order = arena_alloc(memory, (size_t)rows, sizeof *order);
  assert_true(a && order);
  for (int i = 0; i < rows; i++) { /* by decreasing length */
    int j = i;
    for (; j > 0 && lengths[order[j - 1]] < lengths[i]; j--) order[j] = order[j - 1];
    order[j] = i;
    if (lengths[i] > a->steps) a->steps = lengths[i];
  }
  int *active = arena_alloc(memory, (size_t)a->steps + 1, sizeof *active);
  int64_t *first = arena_alloc(memory, (size_t)a->steps + 1, sizeof *first);
  assert_true(active && first);
  for (int t = 0; t < a->steps; t++) {
    for (int i = 0; i < rows; i++) active[t] += lengths[i] > t;
    first[t + 1] = first[t] + active[t];
  }
  a->order = order;
  a->active = active;
  a->first = first;
  return a;
}

static int64_t row_of(const batch_axis *a, int example, int t) {
  int q = 0;
  while (a->order[q] != example) q++;
  return a->first[t] + q;
}

static void aligned_new(aligned *c, const sequence *s, int rows, pool *workers) {
  unroll_error err = {0};
  int steps[SEVERAL], lengths[SEVERAL], keep[2];
  *c = (aligned){.rows = rows};
  const unroll_status built = testnet_build(&c->net, "data x : numbers(6)\ndata text : words(5)\ntext ~ ctc(A x)\n", 1, &err);
  if (built) testnet_say("ctc", &err);
  assert_int_equal(built, UNROLL_OK);
  const graph *g = &c->net.g;
  for (int64_t i = 0; i < g->n_weights; i++) {
    c->net.exact[i] = i % (WIDTH + 1) == 0;
    c->net.weights[i] = (float)c->net.exact[i];
  }
  for (int i = 0; i < rows; i++) steps[i] = s[i].steps, lengths[i] = s[i].n;
  const batch_axis *along[2] = {axis_of(&c->memory, steps, rows), axis_of(&c->memory, lengths, rows)};
  batch_axis *axes = arena_alloc(&c->memory, 2, sizeof *axes);
  float *x = arena_alloc(&c->memory, (size_t)(along[0]->first[along[0]->steps] + 1) * WIDTH, sizeof *x);
  int32_t *symbols = arena_alloc(&c->memory, (size_t)along[1]->first[along[1]->steps] + 1, sizeof *symbols);
  const float **number = arena_alloc(&c->memory, 2, sizeof *number);
  const int32_t **index = arena_alloc(&c->memory, 2, sizeof *index);
  assert_true(axes && x && symbols && number && index && g->n_axes == 2 && g->n_inputs == 2);
  for (int i = 0; i < 2; i++) {
    axes[g->inputs[i].axis] = *along[g->inputs[i].index];
    number[i] = g->inputs[i].index ? NULL : x;
    index[i] = g->inputs[i].index ? symbols : NULL;
  }
  for (int i = 0; i < rows; i++) {
    for (int t = 0; t < steps[i]; t++) memcpy(x + row_of(along[0], i, t) * WIDTH, s[i].x + t * WIDTH, WIDTH * sizeof *x);
    for (int t = 0; t < lengths[i]; t++) symbols[row_of(along[1], i, t)] = s[i].text[t];
  }
  c->b = (batch){.rows = rows, .axes = axes, .index = index, .number = number, .loss_scale = 1};
  c->loss = g->losses[0].node;
  for (int i = 0; i < g->n_nodes; i++)
    if (g->nodes[i].op == OP_CTC_GRAD) c->slope = i;
  keep[0] = c->loss;
  keep[1] = c->slope;
  const int most = along[0]->steps > along[1]->steps ? along[0]->steps : along[1]->steps;
  const plan_options o = {.max_rows = rows, .max_steps = most, .gradient = 1, .keep = keep, .n_keep = 2};
  assert_int_equal(plan_new(&c->p, g, &o, NULL), UNROLL_OK);
  assert_int_equal(run_new(&c->r, c->p, c->net.weights, workers, NULL), UNROLL_OK);
}

static void aligned_run(aligned *c) {
  run_pass(c->r, &c->b, 1);
  assert_int_equal(reference_pass(&c->ref, &c->net.g, c->net.exact, &c->b, NULL, 1, NULL), UNROLL_OK);
}

static void aligned_free(aligned *c) {
  run_free(c->r);
  plan_free(c->p);
  reference_free(&c->ref);
  testnet_free(&c->net);
  arena_free(&c->memory);
}

static double loss_of(const aligned *c, int example, int single) {
  ptrdiff_t row;
  const float *y = run_value(c->r, c->loss, &row);
  return single ? (double)y[example * row] : c->ref.values[c->loss][example];
}
static double slope_of(const aligned *c, int example, int t, int k, int single) {
  ptrdiff_t row;
  const float *dx = run_value(c->r, c->slope, &row);
  const int64_t at = row_of(&c->b.axes[c->net.g.nodes[c->slope].axis], example, t);
  return single ? (double)dx[at * row + k] : c->ref.values[c->slope][at * WIDTH + k];
}

static void near(const char *name, const char *what, double got, double want, double tolerance) {
  if (!(fabs(got - want) <= tolerance * fmax(1, fabs(want)))) fail_msg("%s, %s: %.12g, not %.12g", name, what, got, want);
}

/* --- against torch --- */

/* Logits scale * sin(1.7 t + 0.9 k^2 + phase), the last one the blank's. From torch 1.13: the loss, the sum of the squares of the
 * gradient, and that of the gradient times cos(t + 2 k), all in double. A text without symbols here is i * i modulo 5, i * 3, i
 * * 2. */
static const struct known {
  const char *name;
  int steps;
  double scale, phase;
  int32_t text[MOST];
  int n;
  double nats, squares, sum;
} known[] = {
    {"a word", 12, 2, 0, {0, 1, 2, 3}, 4, 15.1802842363856, 3.81358165403248, -1.89425154852441},
    {"repeats", 12, 2, 1, {2, 2, 2, 0, 0}, 5, 20.1587341499845, 6.06849269569776, -0.329589585892201},
    {"empty", 7, 2, 2, {0}, 0, 16.9246572875501, 7.01540065430878, 0.327238209875047},
    {"one step", 1, 3, 3, {4}, 1, 4.9573576884365, 1.31917286146809, -0.215466397585281},
    {"one step, empty", 1, 3, 3.5, {0}, 0, 0.674408686814462, 0.453179014976142, 0.130881738687968},
    {"just long enough", 5, 2, 4, {1, 1, 3, 4}, 4, 14.6540355831863, 5.55428346316885, -0.0800875427639423},
    {"every step a symbol", 4, 5, 5, {0, 1, 0, 1}, 4, 20.3096782248015, 3.11182688710907, -0.441484249647853},
    {"one symbol", 20, 1, 6, {3}, 1, 35.2353469701527, 9.13829576968736, 0.900615307069355},
    {"sure of itself", 30, 30, 7, {0, 1, 1, 2, 4, 3}, 6, 434.822414167344, 34.6369066992147, -1.62627927080526},
    {"long", 150, 2, 8, {0}, 50, 162.388527899886, 45.6146440483413, -2.90813646378012},
    {"as many as lanes", 60, 1.5, 9, {0}, 16, 68.1454108315949, 10.9762843110652, 0.488912997284393},
    {"one more than lanes", 60, 1.5, 9.5, {0}, 17, 67.3418844897586, 10.4908264840302, 0.556575911882538},
};
enum { KNOWN = sizeof known / sizeof *known };

static float given_x[KNOWN][LONGEST * WIDTH];
static int32_t given_text[KNOWN][MOST];

static sequence given(int i) {
  const struct known *a = &known[i];
  const int factor = a->n == 16 ? 3 : 2;
  for (int t = 0; t < a->steps; t++)
    for (int k = 0; k < WIDTH; k++) given_x[i][t * WIDTH + k] = (float)(a->scale * sin(1.7 * t + 0.9 * k * k + a->phase));
  for (int k = 0; k < a->n; k++) given_text[i][k] = a->n < 16 ? a->text[k] : (a->n > 17 ? k * k : k * factor) % SYMBOLS;
  return (sequence){a->steps, a->n, given_x[i], given_text[i]};
}

static void compare(const aligned *c, int example, const struct known *a) {
  for (int single = 0; single < 2; single++) {
    const double tolerance = single ? 1e-5 : 1e-11;
    double squares = 0, sum = 0;
    for (int t = 0; t < a->steps; t++)
      for (int k = 0; k < WIDTH; k++) {
        const double d = slope_of(c, example, t, k, single);
        squares += d * d;
        sum += d * cos(t + 2 * k);
      }
    near(a->name, single ? "loss, planned" : "loss", loss_of(c, example, single), a->nats, tolerance);
    near(a->name, single ? "squares, planned" : "squares", squares, a->squares, tolerance);
    near(a->name, single ? "sum, planned" : "sum", sum, a->sum, tolerance);
  }
}

/* Each alone, and all in one batch of ragged sequences. */
static void test_torch(void **state) {
  (void)state;
  aligned c;
  sequence all[SEVERAL];
  double total = 0;
  for (int i = 0; i < KNOWN; i++) {
    all[i] = given(i);
    aligned_new(&c, &all[i], 1, NULL);
    aligned_run(&c);
    compare(&c, 0, &known[i]);
    aligned_free(&c);
    total += known[i].nats;
  }
  aligned_new(&c, all, KNOWN, NULL);
  aligned_run(&c);
  for (int i = 0; i < KNOWN; i++) compare(&c, i, &known[i]);
  near("all", "loss", run_loss(c.r, 0), total, 1e-6);
  aligned_free(&c);
}

/* --- against all paths --- */

/* The sum of the probabilities of all paths that give the text, and of those whose step `at` is `k`. */
static double all_paths(const double *p, int steps, const int32_t *symbols, int n, int at, int k) {
  int path[8] = {0};
  double sum = 0;
  for (;;) {
    double p_path = 1;
    int length = 0, last = SYMBOLS;
    bool same = true;
    for (int t = 0; t < steps; t++) {
      p_path *= p[t * WIDTH + path[t]];
      if (path[t] != last && path[t] != SYMBOLS) same = same && length < n && symbols[length] == path[t], length++;
      last = path[t];
    }
    if (same && length == n && (at < 0 || path[at] == k)) sum += p_path;
    int t = 0;
    while (t < steps && ++path[t] == WIDTH) path[t++] = 0;
    if (t == steps) return sum;
  }
}

static void test_paths(void **state) {
  (void)state;
  static const struct {
    int steps, n;
    int32_t text[4];
  } rows[] = {{3, 0, {0}}, {1, 1, {2}}, {5, 2, {3, 3}}, {4, 3, {0, 4, 0}}, {5, 3, {1, 1, 2}}, {5, 4, {0, 1, 2, 3}}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    aligned c;
    float x[8 * WIDTH];
    double p[8 * WIDTH];
    const sequence s = {rows[i].steps, rows[i].n, x, rows[i].text};
    for (int t = 0; t < s.steps; t++) {
      double total = 0;
      for (int k = 0; k < WIDTH; k++) x[t * WIDTH + k] = (float)(2 * cos(t * 2.3 + k * 1.1 + (double)i));
      for (int k = 0; k < WIDTH; k++) total += p[t * WIDTH + k] = exp((double)x[t * WIDTH + k]);
      for (int k = 0; k < WIDTH; k++) p[t * WIDTH + k] /= total;
    }
    const double all = all_paths(p, s.steps, s.text, s.n, -1, 0);
    aligned_new(&c, &s, 1, NULL);
    aligned_run(&c);
    for (int single = 0; single < 2; single++) {
      near("paths", "loss", loss_of(&c, 0, single), -log(all), single ? 1e-6 : 1e-12);
      for (int t = 0; t < s.steps; t++)
        for (int k = 0; k < WIDTH; k++)
          near("paths", "slope", slope_of(&c, 0, t, k, single), p[t * WIDTH + k] - all_paths(p, s.steps, s.text, s.n, t, k) / all,
               single ? 1e-6 : 1e-12);
    }
    aligned_free(&c);
  }
}

/* --- what has no alignment, and what is left out --- */

static void test_unfit(void **state) {
  (void)state;
  float x[9 * WIDTH];
  for (int i = 0; i < 9 * WIDTH; i++) x[i] = (float)sin(i);
  /* one step too few for the blank between equal ones; no steps at all; a text of unknown symbols alone is an empty one */
  const sequence s[] = {{3, 3, x, (const int32_t[]){1, 1, 2}},
                        {4, 3, x, (const int32_t[]){1, 1, 2}},
                        {0, 1, x, (const int32_t[]){3}},
                        {0, 0, x, NULL},
                        {9, 4, x, (const int32_t[]){-1, -1, -1, -1}},
                        {9, 0, x, NULL},
                        {5, 4, x, (const int32_t[]){1, -1, 1, 2}},
                        {5, 3, x, (const int32_t[]){1, 1, 2}}};
  aligned c;
  aligned_new(&c, s, 8, NULL);
  aligned_run(&c);
  for (int single = 0; single < 2; single++) {
    assert_true(loss_of(&c, 0, single) == 0 && loss_of(&c, 2, single) == 0 && loss_of(&c, 3, single) == 0);
    assert_true(loss_of(&c, 1, single) > 1 && loss_of(&c, 4, single) > 1 && loss_of(&c, 6, single) > 1);
    assert_true(loss_of(&c, 4, single) == loss_of(&c, 5, single) && loss_of(&c, 6, single) == loss_of(&c, 7, single));
    for (int t = 0; t < 3; t++)
      for (int k = 0; k < WIDTH; k++) assert_true(slope_of(&c, 0, t, k, single) == 0);
    double most = 0;
    for (int t = 0; t < 4; t++) most = fmax(most, fabs(slope_of(&c, 1, t, 1, single)));
    assert_true(most > 0.01);
  }
  aligned_free(&c);
  assert_int_equal(ctc_least_steps((const int32_t[]){1, 1, 2}, 3), 4);
  assert_int_equal(ctc_least_steps((const int32_t[]){1, 2, 1}, 3), 3);
  assert_int_equal(ctc_least_steps(NULL, 0), 0);
}

/* --- the same bits --- */

static void test_bits(void **state) {
  (void)state;
  sequence all[SEVERAL];
  aligned c;
  float *want = NULL;
  const enum cpu_isa isas[] = {CPU_PORTABLE, CPU_AVX2, CPU_AVX512, CPU_NEON};
  for (int i = 0; i < KNOWN; i++) all[i] = given(i);
  for (int threads = 1; threads <= 3; threads++)
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
      const kernels *k = kernel_table_of(isas[i]);
      if (!k) continue;
      pool *workers = pool_new(threads);
      assert_non_null(workers);
      aligned_new(&c, all, KNOWN, workers);
      run_set_kernels(c.r, k);
      run_pass(c.r, &c.b, 1);
      ptrdiff_t row;
      const int64_t rows = c.b.axes[c.net.g.nodes[c.slope].axis].first[LONGEST];
      const float *got = run_value(c.r, c.slope, &row);
      if (!want) assert_non_null(want = mem_alloc((size_t)rows * WIDTH * sizeof *want));
      for (int64_t q = 0; q < rows; q++) {
        if (threads == 1 && i == 0) memcpy(want + q * WIDTH, got + q * row, WIDTH * sizeof *want);
        if (memcmp(want + q * WIDTH, got + q * row, WIDTH * sizeof *want))
          fail_msg("other bits with %d threads, %s", threads, cpu_isa_name(isas[i]));
      }
      aligned_free(&c);
      pool_free(workers);
    }
  mem_free(want);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_torch), cmocka_unit_test(test_paths), cmocka_unit_test(test_unfit),
                                     cmocka_unit_test(test_bits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
