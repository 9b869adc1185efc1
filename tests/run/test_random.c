/* test_random.c - random nets and cells: the plan against the reference, the reference's gradient against differences, and the same
 * bits for every number of threads, for every instruction set, and in windows of any number of steps.
 *
 * UNROLL_NETS=N tests N nets instead of a few hundred, UNROLL_NETS_FROM=S those from number S on; UNROLL_NETS_SHOW=1 prints each.
 */
#include <stdlib.h>
#include "kernel/kernel.h"
#include "random_net.h"
#include "plan/plan.h"
#include "run/run.h"
#include "testnet.h"

enum { USUAL = 400, MAX_SEQUENCES = 17, MAX_LENGTH = 9 };

typedef struct tried {
  made_net made;
  text source;
  testnet n;
  plan *p;
  uint64_t number;
  random_batch b;
  int most; /* sequences that the plan is made for: what is taken out of loops depends on it */
  int longest;
  enum precision precision;
} tried;

static const char *find_cell(void *context, const char *name, arena *memory, const char **file) {
  const made_net *m = context;
  (void)memory;
  for (int i = 0; i < m->n_cells; i++)
    if (!strcmp(m->cell_names[i], name)) return *file = m->cell_names[i], m->cells[i].data;
  return NULL;
}

static void show(const tried *t) {
  fprintf(stderr, "net %llu:\n%s", (unsigned long long)t->number, t->source.data);
  for (int i = 0; i < t->made.n_cells; i++) fprintf(stderr, "%s.cell:\n%s", t->made.cell_names[i], t->made.cells[i].data);
  if (!t->b.b.rows) return;
  for (int a = 0; a < t->n.g.n_axes; a++) {
    fprintf(stderr, "lengths %d:", a);
    for (int i = 0; i < t->b.b.rows; i++) fprintf(stderr, " %d", t->b.lengths[a][i]);
    fprintf(stderr, "\n");
  }
}

#define WRONG(t, ...)                                                                                                              \
  do {                                                                                                                             \
    show(t);                                                                                                                       \
    fail_msg(__VA_ARGS__);                                                                                                         \
  } while (0)

/* --- making --- */

static unroll_status build(tried *t, const char *source, graph *g, arena *memory, unroll_error *err) {
  program *net;
  static const char *const varying[] = {"k"};
  const build_options o = {.find_cell = find_cell, .context = &t->made, .varying = varying, .n_varying = t->made.varies ? 1 : 0};
  graph_init(g);
  unroll_status s = lang_parse(&net, "random.net", source, memory, err);
  if (!s) s = graph_build(g, net, &o, err);
  if (!s) s = graph_differentiate(g, err);
  if (!s && source == t->source.data) t->n.net = net;
  return s;
}

static void make(tried *t, uint64_t number) {
  unroll_error err = {0};
  *t = (tried){.number = number};
  made_new(&t->made, number);
  text_format(&t->source, "%s%s", t->made.net.out.data, t->made.net.end.data ? t->made.net.end.data : "");
  assert_false(t->source.failed);
  if (getenv("UNROLL_NETS_SHOW")) show(t);
  if (build(t, t->source.data, &t->n.g, &t->n.memory, &err))
    WRONG(t, "%s:%d:%d: %s\n%s", err.file, err.line, err.column, err.message, err.source);
  t->n.weights = mem_zero((size_t)t->n.g.n_weights + 1, sizeof *t->n.weights);
  t->n.exact = mem_zero((size_t)t->n.g.n_weights + 1, sizeof *t->n.exact);
  assert_true(t->n.weights && t->n.exact);
  random_weights(t->n.weights, &t->n.g, number);
  for (int64_t i = 0; i < t->n.g.n_weights; i++) t->n.exact[i] = (double)t->n.weights[i];
}

static void drop(tried *t) {
  plan_free(t->p);
  testnet_free(&t->n);
  text_free(&t->source);
  made_free(&t->made);
}

/* Equal lengths, ragged ones, with empty sequences, or of one step. */
static int make_lengths(tried *t, int lengths[MAX_SEQUENCES]) {
  static const int rows[] = {1, 2, 3, 5, 9, 17, 3, 5};
  made_net *m = &t->made;
  int n = rows[made_below(m, 8)];
  if (n > t->most) n = t->most;
  const uint32_t kind = made_below(m, 5), same = 1 + made_below(m, MAX_LENGTH);
  for (int i = 0; i < n; i++)
    lengths[i] = kind == 0   ? (int)same
                 : kind == 1 ? 1
                 : kind == 2 ? (int)made_below(m, MAX_LENGTH + 1)
                             : 1 + (int)made_below(m, MAX_LENGTH);
  return n;
}

static unroll_status plan_in(tried *t, int gradients, int window, int chunk, unroll_error *err) {
  int keep[4];
  plan_options o = {.max_rows = t->most,
                    .max_steps = t->longest,
                    .precision = t->precision,
                    .gradient = gradients,
                    .keep = keep,
                    .window = window,
                    .chunk = chunk};
  for (int i = 0; i < t->n.g.n_losses; i++) keep[o.n_keep++] = t->n.g.losses[i].prediction;
  return plan_new(&t->p, &t->n.g, &o, err);
}

static void make_plan(tried *t, int gradients) {
  unroll_error err = {0};
  if (plan_in(t, gradients, 0, 0, &err)) WRONG(t, "not planned: %s:%d:%d: %s", err.file, err.line, err.column, err.message);
}

/* --- comparing --- */

static double width_of(const tried *t, int p) { return (double)t->n.g.params[p].rows * t->n.g.params[p].cols; }

/* How far losses and gradients move when weights change by what single precision cannot hold: what no plan can be blamed for. */
static void measure_noise(tried *t, const reference *ref, double *nats, double *slope) {
  for (int k = 0; k < 4; k++) {
    reference other = {0};
    unroll_error err = {0};
    for (int64_t i = 0; i < t->n.g.n_weights; i++)
      t->n.exact[i] = (double)t->n.weights[i] * (1 + 1e-7 * ((double)made_below(&t->made, 2001) / 1000 - 1));
    assert_int_equal(reference_pass(&other, &t->n.g, t->n.exact, &t->b.b, NULL, 1, &err), UNROLL_OK);
    for (int i = 0; i < t->n.g.n_losses; i++) *nats = fmax(*nats, fabs(reference_loss(&other, i) - reference_loss(ref, i)));
    for (int64_t i = 0; i < t->n.g.n_weights; i++) *slope = fmax(*slope, fabs(other.gradient[i] - ref->gradient[i]));
    reference_free(&other);
  }
  for (int64_t i = 0; i < t->n.g.n_weights; i++) t->n.exact[i] = (double)t->n.weights[i];
}

static void compare_predictions(tried *t, const run *r, const reference *ref, double *worst, const char **where) {
  for (int i = 0; i < t->n.g.n_losses; i++) {
    const int y = t->n.g.losses[i].prediction, width = t->n.g.nodes[y].width;
    ptrdiff_t row;
    const float *got = run_value(r, y, &row);
    double scale = 1e-6;
    for (int64_t k = 0; k < ref->rows[y] * width; k++) scale = fmax(scale, fabs(ref->values[y][k]));
    for (int64_t k = 0; k < ref->rows[y]; k++)
      for (int j = 0; j < width; j++) {
        const double away = fabs((double)got[k * row + (width == 1 ? 0 : j)] - ref->values[y][k * width + j]) / scale;
        if (!(away <= *worst)) *worst = away, *where = "a prediction";
      }
  }
}

/* The worst share by which the plan is off, of the largest entry of each tensor. */
static double worst_of(tried *t, const run *r, const reference *ref, const float *got, const char **where) {
  const graph *g = &t->n.g;
  double worst = 0, overall = 1e-9;
  for (int i = 0; i < g->n_losses; i++) {
    const double away = fabs(run_loss(r, i) - reference_loss(ref, i)) / (1e-3 + fabs(reference_loss(ref, i)));
    if (!(away <= worst)) worst = away, *where = "a loss";
  }
  compare_predictions(t, r, ref, &worst, where);
  for (int64_t i = 0; i < g->n_weights; i++) overall = fmax(overall, fabs(ref->gradient[i]));
  for (int p = 0; p < g->n_params && got; p++) {
    const int64_t from = g->params[p].offset, end = from + (int64_t)width_of(t, p);
    double scale = 1e-2 * overall;
    for (int64_t i = from; i < end; i++) scale = fmax(scale, fabs(ref->gradient[i]));
    for (int64_t i = from; i < end; i++) {
      const double away = fabs((double)got[i] - ref->gradient[i]) / scale;
      if (!(away <= worst)) worst = away, *where = g->params[p].name;
    }
  }
  return worst;
}

static void compare(tried *t, run *r, const reference *ref, const char *what) {
  const char *where = "";
  for (int64_t i = 0; i < t->n.g.n_weights; i++)
    if (!run_touched(r)[i / UNIT] && run_gradient(r)[i] != 0.0f) WRONG(t, "%s: gradient %d is not zero", what, (int)i);
  const double worst = worst_of(t, r, ref, run_gradient(r), &where);
  if (worst < (t->made.narrow ? 0.2 : 5e-4)) return;
  double nats = 0, slope = 0, overall = 1e-9, largest = 1e-3;
  measure_noise(t, ref, &nats, &slope);
  for (int64_t i = 0; i < t->n.g.n_weights; i++) overall = fmax(overall, fabs(ref->gradient[i]));
  for (int i = 0; i < t->n.g.n_losses; i++) largest = fmax(largest, fabs(reference_loss(ref, i)));
  const double noise = fmax(nats / largest, slope / overall);
  if (!(worst < 3000 * noise)) WRONG(t, "%s, %s: off by %g of the largest (noise %g)", what, where, worst, noise);
}

static double loss_at(tried *t, const double *direction, double by, unroll_error *err) {
  reference side = {0};
  for (int64_t i = 0; i < t->n.g.n_weights; i++) t->n.exact[i] = (double)t->n.weights[i] + by * direction[i];
  assert_int_equal(reference_pass(&side, &t->n.g, t->n.exact, &t->b.b, NULL, 1, err), UNROLL_OK);
  const double nats = testnet_loss(&side, &t->b.b);
  reference_free(&side);
  for (int64_t i = 0; i < t->n.g.n_weights; i++) t->n.exact[i] = (double)t->n.weights[i];
  return nats;
}

/* Along a random direction in one parameter, or in all of them: the five-point difference. */
static void differences(tried *t, const reference *ref) {
  const graph *g = &t->n.g;
  unroll_error err = {0};
  double *direction = mem_zero((size_t)g->n_weights + 1, sizeof *direction);
  assert_non_null(direction);
  for (int turn = 0; turn < 3 && g->n_params > 0; turn++) {
    const int p = turn ? (int)made_below(&t->made, (uint32_t)g->n_params) : -1;
    const int64_t from = p < 0 ? 0 : g->params[p].offset, end = p < 0 ? g->n_weights : from + (int64_t)width_of(t, p);
    double slope = 0, scale = 0, best = 1e300, found = 0;
    memset(direction, 0, (size_t)g->n_weights * sizeof *direction);
    for (int64_t i = from; i < end; i++) direction[i] = (double)made_below(&t->made, 2001) / 1000 - 1;
    for (int64_t i = from; i < end; i++) slope += ref->gradient[i] * direction[i], scale += fabs(ref->gradient[i] * direction[i]);
    for (double e = 1e-3; e > 1e-6 && best > 1e-6; e /= 10) {
      const double one = loss_at(t, direction, e, &err) - loss_at(t, direction, -e, &err),
                   two = loss_at(t, direction, 2 * e, &err) - loss_at(t, direction, -2 * e, &err),
                   away = fabs((8 * one - two) / (12 * e) - slope) / (1e-4 + scale);
      if (away < best) best = away, found = (8 * one - two) / (12 * e);
    }
    if (!(best < 1e-5))
      WRONG(t, "the gradient of %s along a direction: %g, differences %g", p < 0 ? "all" : g->params[p].name, slope, found);
  }
  mem_free(direction);
}

/* --- the same bits --- */

static uint64_t add_bytes(uint64_t h, const void *from, size_t n) {
  for (size_t j = 0; j < n; j++) h = (h ^ ((const unsigned char *)from)[j]) * 0x100000001B3ull;
  return h;
}

/* Predictions, and the states that are handed on. */
static uint64_t add_values(const tried *t, const run *r, uint64_t h) {
  float *states = mem_zero((size_t)run_carry_size(r) + 1, sizeof *states);
  assert_non_null(states);
  run_carry_get(r, states);
  h = add_bytes(h, states, (size_t)run_carry_size(r) * sizeof *states);
  mem_free(states);
  for (int i = 0; i < t->n.g.n_losses; i++) {
    const node *y = &t->n.g.nodes[t->n.g.losses[i].prediction];
    ptrdiff_t row;
    const float *from = run_value(r, t->n.g.losses[i].prediction, &row);
    const batch_axis *a = y->space == SPACE_STEP ? &t->b.b.axes[y->axis] : NULL;
    const int64_t n = a ? a->first[a->steps] : y->space == SPACE_STATIC ? t->b.b.rows : 1;
    for (int64_t k = 0; k < n; k++) h = add_bytes(h, from + k * row, (size_t)y->width * sizeof *from);
  }
  return h;
}

static uint64_t digest(tried *t, pool *workers, const kernels *k, run **out) {
  const graph *g = &t->n.g;
  uint64_t h = 0xCBF29CE484222325ull;
  run *r;
  assert_int_equal(run_new(&r, t->p, t->n.weights, workers, NULL), UNROLL_OK);
  if (k) run_set_kernels(r, k);
  run_pack(r);
  run_pass(r, &t->b.b, 1);
  for (int i = 0; i < g->n_losses; i++) {
    const double nats = run_loss(r, i);
    h = add_bytes(h, &nats, sizeof nats);
  }
  if (run_gradient(r)) h = add_bytes(h, run_gradient(r), (size_t)g->n_weights * sizeof(float));
  h = add_values(t, r, h);
  if (out)
    *out = r;
  else
    run_free(r);
  return h;
}

static pool *pools[2];

static void same_bits(tried *t, uint64_t one) {
  static const enum cpu_isa sets[] = {CPU_PORTABLE, CPU_NEON, CPU_AVX2, CPU_AVX512};
  for (int i = 0; i < 2; i++)
    if (digest(t, pools[i], NULL, NULL) != one) WRONG(t, "other bits with %d threads", i + 2);
  const enum cpu_isa set = sets[t->number % 4];
  const kernels *k = kernel_table_of(set);
  if (k && k->isa != kernel_table()->isa && digest(t, NULL, k, NULL) != one) WRONG(t, "other bits with %s", cpu_isa_name(set));
  if (digest(t, pools[1], kernel_table_of(CPU_PORTABLE), NULL) != one) WRONG(t, "other bits with portable code and three threads");
}

/* In chunks of some steps, where the net can be cut: the same bits. */
static void chunks(tried *t, int gradients, int chunk, uint64_t one) {
  unroll_error err = {0};
  pool *workers[] = {NULL, pools[0], pools[1]};
  if (plan_in(t, gradients, 0, chunk, &err)) WRONG(t, "not planned in chunks: %s", err.message);
  for (int k = 0; k < 3; k += 2)
    if (digest(t, workers[k], NULL, NULL) != one)
      WRONG(t, "other bits in chunks of %d steps, %s, %d threads", chunk, gradients ? "training" : "forward", k + 1);
  plan_free(t->p);
}

/* In windows of some steps, with and without gradient: the same bits, or a refusal that names the equation. */
static int windows(tried *t) {
  static const int steps[] = {1, 2, 3, 7};
  plan *whole = t->p;
  unroll_error err = {0};
  int cut = 0;
  for (int gradients = 0; gradients < 2; gradients++) {
    if (gradients)
      t->p = whole;
    else
      make_plan(t, 0);
    const uint64_t one = digest(t, NULL, NULL, NULL);
    if (!gradients) plan_free(t->p);
    for (int i = 0; i < 2; i++) {
      const int window = steps[(t->number + 2 * (uint64_t)i + (uint64_t)gradients) % 4];
      if (i) chunks(t, gradients, window, one);
      if (plan_in(t, gradients, window, 0, &err)) {
        if (err.code != UNROLL_BAD_INPUT || (t->n.g.n_axes && err.line < 1)) WRONG(t, "not planned in windows: %s", err.message);
        continue;
      }
      pool *workers[] = {NULL, pools[0], pools[1]};
      cut += gradients;
      for (int k = 0; k < 3; k++)
        if (digest(t, workers[k], NULL, NULL) != one)
          WRONG(t, "other bits in windows of %d steps, %s, %d threads", window, gradients ? "training" : "forward", k + 1);
      plan_free(t->p);
    }
  }
  t->p = whole;
  return cut > 0;
}

/* --- texts --- */

/* The canonical text is the same net; printing and telling work. */
static void texts(tried *t) {
  arena memory = {0};
  unroll_error err = {0};
  graph g;
  text out = {0}, told = {0};
  lang_print(t->n.net, &out);
  if (build(t, out.data, &g, &memory, &err))
    WRONG(t, "its canonical text:\n%s%d:%d: %s", out.data, err.line, err.column, err.message);
  if (g.n_nodes != t->n.g.n_nodes || g.n_weights != t->n.g.n_weights) WRONG(t, "its canonical text is another net:\n%s", out.data);
  graph_print_forward(&t->n.g, &told);
  graph_print_gradient(&t->n.g, &told);
  plan_print(t->p, &told);
  assert_true(!told.failed && told.length > 0);
  text_free(&out);
  text_free(&told);
  graph_free(&g);
  arena_free(&memory);
}

/* --- the test --- */

/* Without gradient and masks, through a plan of its own. */
static void forward_only(tried *t) {
  plan *whole = t->p;
  reference ref = {0};
  run *r;
  unroll_error err = {0};
  const char *where = "";
  make_plan(t, 0);
  assert_int_equal(run_new(&r, t->p, t->n.weights, NULL, NULL), UNROLL_OK);
  assert_int_equal(reference_pass(&ref, &t->n.g, t->n.exact, &t->b.b, NULL, 0, &err), UNROLL_OK);
  run_pass(r, &t->b.b, 0);
  const double worst = worst_of(t, r, &ref, NULL, &where);
  if (!(worst < 1e-2)) WRONG(t, "forward only: %s is off by %g", where, worst);
  reference_free(&ref);
  run_free(r);
  plan_free(t->p);
  t->p = whole;
}

/* Two passes of a stream: the second goes on from what the first leaves. */
static void stream(tried *t) {
  reference ref = {0};
  run *r;
  unroll_error err = {0};
  assert_int_equal(run_new(&r, t->p, t->n.weights, NULL, NULL), UNROLL_OK);
  for (int from = 0; from < 8; from += 4) {
    assert_int_equal(random_batch_part(&t->b, &t->n.g, t->most < 3 ? t->most : 3, from, 4, t->number, NULL), UNROLL_OK);
    assert_int_equal(reference_pass(&ref, &t->n.g, t->n.exact, &t->b.b, NULL, 1, &err), UNROLL_OK);
    run_pass(r, &t->b.b, 1);
    const char *where = "";
    if (!(worst_of(t, r, &ref, run_gradient(r), &where) < 1e-2)) WRONG(t, "pass %d of a stream: %s is off", from / 4, where);
    random_batch_free(&t->b);
  }
  reference_free(&ref);
  run_free(r);
}

static uint64_t add_pass(tried *t, run *r, uint64_t h) {
  run_pass(r, &t->b.b, 1);
  for (int i = 0; i < t->n.g.n_losses; i++) {
    const double nats = run_loss(r, i);
    h = add_bytes(h, &nats, sizeof nats);
  }
  return add_values(t, r, h);
}

/* One row, one step, again and again: a list of calls does what the walk does, also when symbols, settings and states are others.
 */
static void staying(tried *t) {
  const int length = 1;
  run *walks, *stays;
  plan *whole = t->p;
  uint64_t by_walk = 0, by_list = 0;
  const tried before = *t;
  t->most = t->longest = 1;
  t->precision = (enum precision)(t->number % PRECISIONS);
  make_plan(t, 0);
  assert_int_equal(random_batch_new(&t->b, &t->n.g, 1, &length, t->number, NULL), UNROLL_OK);
  assert_int_equal(run_new(&walks, t->p, t->n.weights, NULL, NULL), UNROLL_OK);
  assert_int_equal(run_new(&stays, t->p, t->n.weights, NULL, NULL), UNROLL_OK);
  assert_int_equal(run_stay(stays, &t->b.b, NULL), UNROLL_OK);
  for (int i = 0; i < 4; i++) {
    by_walk = add_pass(t, walks, by_walk);
    by_list = add_pass(t, stays, by_list);
    if (by_walk != by_list) WRONG(t, "other bits by a list of calls in pass %d, %s", i + 1, precision_name(t->precision));
    for (int k = 0; k < t->n.g.n_inputs; k++)
      if (t->b.index[k]) t->b.index[k][0] = i - 1;
    if (t->made.varies) t->n.g.varying[0] += 0.25;
  }
  run_free(walks);
  run_free(stays);
  random_batch_free(&t->b);
  plan_free(t->p);
  t->p = whole;
  t->most = before.most;
  t->longest = before.longest;
  t->precision = before.precision;
  t->b = before.b;
}

/* Whether its pass can be cut into windows. */
static int one_net(uint64_t number) {
  tried t;
  int cut = 0, lengths[MAX_SEQUENCES];
  unroll_error err = {0};
  make(&t, number);
  t.most = made_once_in(&t.made, 3) ? 5 : made_once_in(&t.made, 4) ? 1 : MAX_SEQUENCES;
  t.longest = MAX_LENGTH;
  make_plan(&t, 1);
  texts(&t);
  for (int turn = 0; turn < 2; turn++) {
    const int rows = make_lengths(&t, lengths);
    reference ref = {0};
    run *r;
    assert_int_equal(random_batch_new(&t.b, &t.n.g, rows, lengths, number, &err), UNROLL_OK);
    if (reference_pass(&ref, &t.n.g, t.n.exact, &t.b.b, NULL, 1, &err)) WRONG(&t, "reference: %s", err.message);
    const uint64_t bits = digest(&t, NULL, NULL, &r);
    compare(&t, r, &ref, "training");
    run_free(r);
    if (turn == 0) same_bits(&t, bits);
    cut = windows(&t);
    if (turn == 0 && !t.made.kinks) differences(&t, &ref);
    reference_free(&ref);
    if (turn) forward_only(&t);
    random_batch_free(&t.b);
    t.b.b.rows = 0;
    if (t.made.varies) t.n.g.varying[0] = 1.25;
  }
  if (t.n.g.n_carries) stream(&t);
  staying(&t);
  drop(&t);
  return cut;
}

static void test_nets(void **state) {
  (void)state;
  const char *n = getenv("UNROLL_NETS"), *from = getenv("UNROLL_NETS_FROM");
  const uint64_t first = from ? strtoull(from, NULL, 10) : 1, count = n ? strtoull(n, NULL, 10) : USUAL;
  for (int i = 0; i < 2; i++) assert_non_null(pools[i] = pool_new(i + 2));
  uint64_t cut = 0;
  for (uint64_t i = 0; i < count; i++) cut += (uint64_t)one_net(first + i);
  if (getenv("UNROLL_NETS_SHOW")) fprintf(stderr, "%llu nets were cut\n", (unsigned long long)cut);
  if (count >= USUAL) assert_true(cut > count / 2);
  for (int i = 0; i < 2; i++) pool_free(pools[i]);
  assert_int_equal(mem_live(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_nets)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
