/* cells.c - see cells.h.
 *
 * A cell's steps and lstm's take turns, and each turn gives one ratio, so both see the same machine; the median of the ratios
 * counts. Operations are two for a multiply-add of a product and one for each instruction of a tile program and unit, both passes.
 */
#include "bench/cells.h"
#include "bench/bench.h"
#include <math.h>
#include <stdio.h>
#include "base/error.h"
#include "plan/frozen.h"

enum { MOST_TURNS = 512, LEAST_TURNS = 3 };
#define TURN_SECONDS 0.01

typedef struct cell_result {
  const char *name;
  int64_t weights;
  stage_cost cost;
  spread seconds, lstm, ratio, ratio_products; /* a step; time per operation against lstm: all, those of products only */
} cell_result;

static stage_cost sum_costs(const bench_case *c) {
  const frozen *f = plan_frozen(c->p);
  stage_cost sum = {0};
  for (int i = 0; i < f->n_stages; i++) {
    const stage_cost s = plan_stage_cost(&f->stages[i], c->spec.batch, c->spec.steps);
    sum.products += s.products;
    sum.equations += s.equations;
  }
  return sum;
}

/* Seconds of a step: the mean of as many as a turn takes. */
static double turn(bench_case *c) {
  double sum = 0;
  int n = 0;
  do {
    sum += bench_case_step(c);
    n++;
  } while (sum < TURN_SECONDS);
  return sum / n;
}

static unroll_status compare_cells(cell_result *r, bench_case *c, bench_case *lstm, double seconds, unroll_error *err) {
  double mine[MOST_TURNS], theirs[MOST_TURNS], ratio[MOST_TURNS];
  const stage_cost other = sum_costs(lstm);
  const double start = time_now();
  int n = 0;
  r->cost = sum_costs(c);
  r->weights = c->x.g->n_weights;
  const double all = (other.products + other.equations) / (r->cost.products + r->cost.equations);
  const double products = r->cost.products > 0 ? other.products / r->cost.products : 0;
  bench_case_step(c);
  for (; n < MOST_TURNS && (n < LEAST_TURNS || time_now() - start < seconds) && !bench_stopped(lstm->machine->watch); n++) {
    theirs[n] = turn(lstm);
    mine[n] = turn(c);
    ratio[n] = mine[n] / theirs[n];
  }
  if (bench_stopped(lstm->machine->watch)) return error_set(err, UNROLL_INTERRUPTED, "interrupted");
  r->seconds = bench_spread(mine, n);
  r->lstm = bench_spread(theirs, n);
  const spread x = bench_spread(ratio, n);
  r->ratio = (spread){x.median * all, x.low * all, x.high * all};
  r->ratio_products = (spread){x.median * products, x.low * products, x.high * products};
  return UNROLL_OK;
}

static void print_result(const cell_result *r) {
  printf("%-20s %9.2f ms %12.2f %12.2f %9.3f (%.3f - %.3f)", r->name, r->seconds.median * 1e3, r->cost.products * 1e-6,
         r->cost.equations * 1e-6, r->ratio.median, r->ratio.low, r->ratio.high);
  if (r->cost.products > 0) printf(" %9.3f", r->ratio_products.median);
  printf("\n");
  fflush(stdout);
}

static json_t *result_json(const cell_result *r) {
  return json_pack("{s:s, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "cell", r->name, "weights", (json_int_t)r->weights,
                   "seconds_per_step", r->seconds.median, "lstm_seconds_per_step", r->lstm.median, "product_operations",
                   r->cost.products, "equations", r->cost.equations, "per_operation_against_lstm", r->ratio.median,
                   "per_operation_against_lstm_p10", r->ratio.low, "per_operation_against_lstm_p90", r->ratio.high,
                   "per_product_operation_against_lstm", r->ratio_products.median);
}

static unroll_status one_cell(const builtin *b, const bench_spec *shape, bench_case *lstm, double seconds, json_t *out,
                              unroll_error *err) {
  bench_case c;
  cell_result r = {.name = b->name};
  bench_spec spec = *shape;
  spec.name = spec.net = b->name;
  unroll_status s = bench_case_open(&c, &spec, NULL, 0, lstm->machine, err);
  if (!s) s = compare_cells(&r, &c, lstm, seconds, err);
  bench_case_close(&c);
  if (s) return s;
  if (!out)
    print_result(&r);
  else if (json_array_append_new(out, result_json(&r)))
    return error_memory(err);
  return UNROLL_OK;
}

unroll_status bench_cells(const bench_spec *shape, const bench_machine *machine, double seconds, json_t *out, unroll_error *err) {
  bench_case lstm;
  bench_spec spec = *shape;
  spec.name = spec.net = "lstm";
  unroll_status s = bench_case_open(&lstm, &spec, NULL, 0, machine, err);
  if (!s) bench_case_step(&lstm);
  if (!out && !s)
    printf("%-20s %12s %12s %12s   %s\n", "cell", "step", "MFLOP", "M equations",
           "time per operation, lstm = 1 (all; of products)");
  for (const builtin *b = lang_cells; b->name && !s; b++) {
    bench_show(machine->watch, "%s", b->name);
    s = one_cell(b, shape, &lstm, seconds, out, err);
  }
  bench_case_close(&lstm);
  return s;
}
