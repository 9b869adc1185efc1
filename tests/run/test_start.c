/* test_start.c - what is read before the first step, and functions that are equations of others: values worked out by hand, in the
 * reference and in the plan. */
#include "testnet.h"
#include "plan/plan.h"
#include "run/run.h"

enum { MOST = 8 };

/* All weights and numbers are 1, but numbers before the first step are 0. The only example has so many steps of x, z, w. */
#define ONE_Z_W "data x : numbers(1)\ndata z : numbers(1)\ndata w : numbers(1)\ndata y : number\n"
#define ALL "y ~ gaussian(mean = h, scale = 1)\n"
static const struct row {
  const char *net;
  int lengths[3];
  const char *name; /* of the variable that is looked at, at all steps of its axis */
  int n;
  double want[MOST];
} rows[] = {
    /* a recurrence without steps hands over what it began from itself */
    {ONE_Z_W "a = k(x, 1)\nb = k(z, 1, start = a)\nh = k(w, 1, start = b)\n" ALL, {2, 0, 2}, "h", 2, {3, 4}},
    {ONE_Z_W "param p\na = k(z, 1, start = p)\nh = k(w, 1, start = a)\n" ALL, {0, 0, 2}, "h", 2, {2, 3}},
    {ONE_Z_W "param p\na = k(x, 1, start = p)\nb = k(z, 1, start = a)\nc = k(z, 1, start = b)\nh = k(w, 1, start = c)\n" ALL,
     {2, 0, 2},
     "h",
     2,
     {4, 5}},
    {ONE_Z_W "a = k(x, 1, backward)\nb = k(z, 1, start = a, layers = 2)\nh = k(w, 1, backward, start = b)\n" ALL,
     {3, 0, 2},
     "h",
     2,
     {5, 4}},
    {ONE_Z_W "a = two(x, 1)\nb = two(z, 1, start = a)\nh = two(w, 1, start = b)\n" ALL, {3, 0, 2}, "h", 2, {7, 12}},
    {ONE_Z_W "a = k(x, 1)\nh = two(w, 1, start = a)\n" ALL, {3, 0, 2}, "h", 2, {6, 10}}, /* it has no h[t-2] of its own */
    {ONE_Z_W "a = inner(x, 1)\nb = inner(z, 1, start = a)\nh = inner(w, 1, start = b)\n" ALL, {2, 0, 2}, "h", 2, {3, 4}},
    /* x[t-1] in a cell is what it is outside: of data, of a variable, of a recurrence, which may start from something */
    {ONE_Z_W "h = late(w, 1)\n" ALL, {0, 0, 3}, "h", 3, {0, 1, 1}},
    {ONE_Z_W "e = tanh(0 * w) + 2\nh = late(e, 1)\n" ALL, {0, 0, 3}, "h", 3, {0, 2, 2}},
    {ONE_Z_W "h = late(tanh(0 * w) + 2, 1)\n" ALL, {0, 0, 3}, "h", 3, {0, 2, 2}},
    {ONE_Z_W "param p\ng = k(w, 1, start = p)\nh = 2 * g[t-1]\n" ALL, {0, 0, 3}, "h", 3, {2, 4, 6}},
    {ONE_Z_W "param p\ng = k(w, 1, start = p)\nh = late(g, 1)\n" ALL, {0, 0, 3}, "h", 3, {1, 2, 3}},
    {ONE_Z_W "param p\nh = late(k(w, 1, start = p), 1)\n" ALL, {0, 0, 3}, "h", 3, {1, 2, 3}},
    {ONE_Z_W "param p\ng = k(w, 1, start = p)\ne = g\nh = late(e, 1, layers = 2)\n" ALL, {0, 0, 3}, "h", 3, {0, 1, 2}},
    {ONE_Z_W "param p\nh = late(k(w, 1, start = p), 1, backward)\n" ALL, {0, 0, 3}, "h", 3, {3, 4, 0}}, /* not its start's end */
    /* a start in the equations, and one in the call, which comes before it */
    {ONE_Z_W "h = started(w, 1)\n" ALL, {0, 0, 3}, "h", 3, {2, 3, 4}},
    {ONE_Z_W "param p\nh = started(w, 1, start = 5 * p)\n" ALL, {0, 0, 3}, "h", 3, {6, 7, 8}},
    {ONE_Z_W "param p\nh[0] = 2 * p\nh = h[t-1] + w\n" ALL, {0, 0, 3}, "h", 3, {3, 4, 5}},
    {ONE_Z_W "a = started(x, 1)\nb = started(z, 1)\nh = k(w, 1, start = b)\n" ALL, {2, 0, 2}, "h", 2, {2, 3}},
    /* functions */
    {ONE_Z_W "h = leaky_relu(-2 * w) + 10 * leaky_relu(3 * w, 0.5) + leaky_relu(-w, 0.5)\n" ALL, {0, 0, 1}, "h", 1, {29.48}},
    {ONE_Z_W "h = elu(-w) + 10 * elu(w, 3) + elu(-0.001 * w, 2)\n" ALL, {0, 0, 1}, "h", 1, {9.36588055953}},
    {ONE_Z_W "h = clip(3 * w, 0, 2) + 10 * clip(-w, 0, 2) + 100 * clip(w, 0, 2)\n" ALL, {0, 0, 1}, "h", 1, {102}},
    {ONE_Z_W "h = dot([w, 2 * w], [3 * w, w]) + dot([w, w], 4)\n" ALL, {0, 0, 1}, "h", 1, {13}},
    {ONE_Z_W "h = w * sum(w) + 10 * mean(w)\n" ALL, {0, 0, 3}, "h", 3, {13, 13, 13}},
    {ONE_Z_W "h = reverse(k(w, 1)) + 10 * reverse(reverse(k(w, 1)))\n" ALL, {0, 0, 3}, "h", 3, {13, 22, 31}},
    {ONE_Z_W "h = k(reverse(k(w, 1)), 1)\n" ALL, {0, 0, 3}, "h", 3, {3, 5, 6}},
    {ONE_Z_W "g = reverse(k(w, 1))\nh = g[t-1] + w\n" ALL, {0, 0, 3}, "h", 3, {1, 4, 3}},
    {ONE_Z_W "(u, v) = [w, 2 * w, 3 * w, 4 * w]\nh = dot(u, v) + 100 * dot(part(v, 2, 2), 1)\n" ALL, {0, 0, 1}, "h", 1, {411}},
    {ONE_Z_W "h = hold(2 * w) + V w\n" ALL, {0, 0, 1}, "h", 1, {3}},
    {ONE_Z_W "param p\nh = other(w, k(w, 1, start = p), 1)\n" ALL, {0, 0, 3}, "h", 3, {2, 3, 4}},
};

static const char *const own_cells[][2] = {
    {"k", "h = h[t-1] + W x\n"}, {"two", "h = h[t-1] + h[t-2] + W x\n"},
    {"late", "h = W x[t-1]\n"},  {"other", "h = W x + v[t-1]\n"},
    {"inner", "h = k(x, 1)\n"},  {"started", "param s\nh[0] = s\nh = h[t-1] + W x\n"},
};

static const char *find_own(void *context, const char *name, arena *memory, const char **file) {
  (void)context, (void)memory, (void)file;
  for (size_t i = 0; i < sizeof own_cells / sizeof *own_cells; i++)
    if (!strcmp(own_cells[i][0], name)) return own_cells[i][1];
  return NULL;
}

/* The last node of a name: h = cell(...) names several where layers are. */
static int named(const graph *g, const char *name) {
  for (int i = g->n_nodes; i-- > 0;)
    if (g->nodes[i].name && !strcmp(g->nodes[i].name, name)) return i;
  fail_msg("no node is called '%s'", name);
  return NODE_NONE;
}

static void same(size_t row, const char *who, const double *got) {
  for (int i = 0; i < rows[row].n; i++)
    if (!(fabs(got[i] - rows[row].want[i]) <= 1e-6 * (1 + fabs(rows[row].want[i]))))
      fail_msg("row %zu, %s: %s is %g at step %d, not %g\n%s", row, who, rows[row].name, got[i], i + 1, rows[row].want[i],
               rows[row].net);
}

static void check(size_t row) {
  const struct row *w = &rows[row];
  arena memory = {0};
  program *net;
  graph g;
  plan *p;
  run *r = NULL;
  reference ref = {0};
  unroll_error err = {0};
  const build_options o = {.find_cell = find_own};
  graph_init(&g);
  if (lang_parse(&net, "t.net", w->net, &memory, &err) || graph_build(&g, net, &o, &err) || graph_differentiate(&g, &err))
    fail_msg("row %zu: %d:%d: %s\n%s", row, err.line, err.column, err.message, w->net);
  const int seen = named(&g, w->name);
  float weights[64];
  double exact[64];
  assert_true(g.n_weights <= 64);
  for (int i = 0; i < 64; i++) exact[i] = 1, weights[i] = 1;

  static const float ones[64 + MOST] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  static const int32_t symbols[MOST] = {0};
  static const int active[MOST] = {1, 1, 1, 1, 1, 1, 1, 1};
  static const int64_t first[MOST + 1] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  const float *number[8] = {NULL};
  const int32_t *index[8] = {NULL};
  float late[MOST] = {0};
  batch_axis axes[4];
  assert_true(g.n_axes <= 4 && g.n_inputs <= 8);
  for (int i = 0; i < 3; i++)
    if (g.data[i].axis >= 0) axes[g.data[i].axis] = (batch_axis){.steps = w->lengths[i], .active = active, .first = first};
  for (int i = 1; i < MOST; i++) late[i] = 1; /* x[t-1] of data */
  for (int i = 0; i < g.n_inputs; i++) number[i] = g.inputs[i].lag ? late : ones, index[i] = symbols;
  const batch b = {.rows = 1, .axes = axes, .index = index, .number = number, .loss_scale = 1};

  if (plan_new(&p, &g, &(plan_options){.max_rows = 1, .max_steps = MOST, .gradient = 1, .keep = &seen, .n_keep = 1}, &err) ||
      run_new(&r, p, weights, NULL, &err) || reference_pass(&ref, &g, exact, &b, NULL, 1, &err))
    fail_msg("row %zu: %s", row, err.message);
  double got[MOST];
  for (int i = 0; i < w->n; i++) got[i] = ref.values[seen][i];
  same(row, "reference", got);
  run_pass(r, &b, 1);
  ptrdiff_t apart;
  const float *value = run_value(r, seen, &apart);
  for (int i = 0; i < w->n; i++) got[i] = (double)value[i * apart];
  same(row, "plan", got);
  for (int i = 0; i < g.n_weights; i++)
    if (!(fabs((double)run_gradient(r)[i] - ref.gradient[i]) <= 1e-5 * (1 + fabs(ref.gradient[i]))))
      fail_msg("row %zu: gradient %d is %g in the plan, %g in the reference", row, i, (double)run_gradient(r)[i], ref.gradient[i]);
  reference_free(&ref);
  run_free(r);
  plan_free(p);
  graph_free(&g);
  arena_free(&memory);
}

static void every_row(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) check(i);
  assert_int_equal(mem_live(), 0);
}

/* Sequences of 3, 2 and 1 steps: each is reversed within its own length. The cotangents of y - mean are the other way round. */
static void ragged(void **state) {
  static const char source[] = "data x : numbers(1)\ndata y : number\nh = reverse(x)\ny ~ gaussian(mean = W h, scale = 1)\n";
  static const float x[6] = {1, 10, 100, 2, 20, 3}, y[6] = {0, 0, 0, 0, 0, 1}; /* step after step */
  static const double want[6] = {3, 20, 100, 2, 10, 1};
  static const int active[3] = {3, 2, 1};
  static const int64_t first[4] = {0, 3, 5, 6};
  (void)state;
  arena memory = {0};
  program *net;
  graph g;
  plan *p;
  run *r = NULL;
  reference ref = {0};
  unroll_error err = {0};
  graph_init(&g);
  if (lang_parse(&net, "t.net", source, &memory, &err) || graph_build(&g, net, &(build_options){0}, &err) ||
      graph_differentiate(&g, &err))
    fail_msg("%d:%d: %s", err.line, err.column, err.message);
  const int seen = named(&g, "h");
  const float weight[1] = {1};
  const double exact[1] = {1};
  const batch_axis axes[1] = {{.steps = 3, .active = active, .first = first}};
  const float *number[2];
  assert_int_equal(g.n_inputs, 2);
  assert_int_equal(g.n_weights, 1);
  for (int i = 0; i < 2; i++) number[i] = !strcmp(g.data[g.inputs[i].data].name, "x") ? x : y;
  const int32_t *index[2] = {NULL};
  const batch b = {.rows = 3, .axes = axes, .index = index, .number = number, .loss_scale = 1};
  for (int threads = 1; threads <= 3; threads++) {
    pool *workers = pool_new(threads);
    assert_non_null(workers);
    if (plan_new(&p, &g, &(plan_options){.max_rows = 3, .max_steps = 3, .gradient = 1, .keep = &seen, .n_keep = 1}, &err) ||
        run_new(&r, p, weight, workers, &err) || reference_pass(&ref, &g, exact, &b, NULL, 1, &err))
      fail_msg("%s", err.message);
    run_pass(r, &b, 1);
    ptrdiff_t apart;
    const float *value = run_value(r, seen, &apart);
    for (int i = 0; i < 6; i++) {
      assert_true((double)value[i * apart] == want[i]);
      assert_true(ref.values[seen][i] == want[i]);
    }
    /* d loss / d W = sum of (W h - y) h = 9 + 400 + 10000 + 4 + 100 + (1 - 1) */
    assert_true(fabs(ref.gradient[0] - 10513) < 1e-9 && fabs((double)run_gradient(r)[0] - 10513) < 1e-2);
    run_free(r);
    plan_free(p);
    pool_free(workers);
  }
  reference_free(&ref);
  graph_free(&g);
  arena_free(&memory);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_row), cmocka_unit_test(ragged)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
