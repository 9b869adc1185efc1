/* report.c - the results of a case in words, as a row of a table, and as JSON. */
#include <math.h>
#include <stdio.h>
#include "base/cpu.h"
#include "base/text.h"
#include "bench/case.h"
#include "plan/frozen.h"

/* "4.13 ms", "812 us": three digits. */
static const char *time_text(double seconds, char out[32]) {
  const double x = seconds >= 1e-3 ? seconds * 1e3 : seconds * 1e6;
  snprintf(out, 32, x < 10 ? "%.2f %s" : x < 100 ? "%.1f %s" : "%.0f %s", x, seconds >= 1e-3 ? "ms" : "us");
  return out;
}

static double gflops(const bench_case *c) { return c->operations / c->seconds.median * 1e-9; }
static const char *plural(double n) { return n > 0.5 && n < 1.5 ? "" : "s"; }

/* --- the split by kind of work --- */

static void print_split(const bench_case *c) {
  printf("the time by kind of work, of all threads together (looking at the clock costs %.1f %%):\n", 100 * c->overhead);
  const double all = c->part_seconds * c->machine->threads;
  for (int i = 0; i < PROFILE_KINDS; i++)
    if (c->part.seconds[i] >= 0.0005 * all)
      printf("  %-18s %5.1f %%\n", profile_kind_name((enum profile_kind)i), 100 * c->part.seconds[i] / all);
}

void bench_case_print(const bench_case *c) {
  char weights[32], rate[32], low[32], high[32], a[32], b[32], d[32];
  const roof r = bench_roof(c);
  const bool trains = c->spec.mode == BENCH_TRAIN;
  const int threads = c->machine->threads;
  printf("%s: %s weights, batch %d, %d step%s, %d shard%s, %d thread%s\n", c->x.m.net_file, text_count(c->x.g->n_weights, weights),
         c->spec.batch, c->spec.steps, plural(c->spec.steps), c->spec.shards, plural(c->spec.shards), threads, plural(threads));
  printf("processor:      %s (%s)\n", cpu_name(), cpu_isa_name(cpu_isa()));
  printf("%s  %s, median of %d (10 to 90 of 100: %s to %s)\n",
         trains ? "training step:" : "forward pass: ", time_text(c->seconds.median, a), c->n_times, time_text(c->seconds.low, b),
         time_text(c->seconds.high, d));
  printf("speed:          %s symbols/s (%s to %s)\n", text_rate((double)c->symbols / c->seconds.median, rate),
         text_rate((double)c->symbols / c->seconds.high, low), text_rate((double)c->symbols / c->seconds.low, high));
  printf("products:       %.1f GFLOP/s, %.1f MFLOP per step", gflops(c), c->operations * 1e-6);
  if (c->spec.precision != PRECISION_FP32)
    printf(", factors in %s (the peak is that of single precision)", precision_name(c->spec.precision));
  printf("\n");
  printf("measured peak:  %.1f GFLOP/s between the steps (%.1f to %.1f)\n", c->peak.median, c->peak.low, c->peak.high);
  if (!isnan(c->machine->round_trip))
    printf("round trip:     %.0f ns, a cache line from one thread to another and back\n", c->machine->round_trip * 1e9);
  printf("share of peak:  %.1f %% (%.1f to %.1f)\n", 100 * c->share.median, 100 * c->share.low, 100 * c->share.high);
  printf("roofline:       %.1f %% of what this machine allows; bound by: %s\n", 100 * r.seconds / c->seconds.median,
         bench_bound(c, &r));
  printf("memory:         %.1f MB, weights and all\n", (double)c->bytes * 1e-6);
  if (trains && !c->x.cell)
    printf("loss:           %.3f, then %.3f nats per symbol on the same made-up data\n", c->first_loss, c->last_loss);
  print_split(c);
  if (c->busy < BENCH_QUIET)
    printf("the machine was not quiet: this program got %.0f %% of the processors' time, so shares of the peak are too low\n",
           100 * c->busy);
}

/* --- where the remaining time goes --- */

static void print_lost(const char *what, double seconds, double all, const char *why) {
  char t[32];
  if (seconds < 0.001 * all) return;
  printf("  %-34s %8s  %5.1f %%%s%s\n", what, time_text(seconds, t), 100 * seconds / all, *why ? "   " : "", why);
}

static double sum_equations(const bench_case *c) {
  const frozen *f = plan_frozen(c->p);
  double n = 0;
  for (int i = 0; i < f->n_stages; i++) n += plan_stage_cost(&f->stages[i], c->spec.batch, c->spec.steps).equations;
  return n;
}

/* The time of the profiled steps, less products at the peak. */
static void print_losses(const bench_case *c) {
  const double threads = c->machine->threads, all = c->part_seconds, peak = c->peak.median * 1e9;
  const profile_part *p = &c->part;
  const double *s = p->seconds, kernel = p->product_seconds / threads, padded_ones = p->product_operations - c->operations;
  char why[128] = "";
  if (kernel > 0) snprintf(why, sizeof why, "the kernel runs at %.1f %% of the peak", 100 * p->product_operations / peak / kernel);
  print_lost("products below the peak", kernel - p->product_operations / peak, all, why);
  snprintf(why, sizeof why, "%.1f %% more columns than needed", c->operations > 0 ? 100 * padded_ones / c->operations : 0);
  print_lost("products on padding", padded_ones / peak, all, why);
  print_lost("weight gradients beside products", (s[PROFILE_GRADIENT] - (p->product_seconds - s[PROFILE_PRODUCT])) / threads, all,
             "packing operands, clearing and adding up");
  snprintf(why, sizeof why, "%.2f numbers per nanosecond and thread", sum_equations(c) / (s[PROFILE_EQUATIONS] + 1e-12) * 1e-9);
  print_lost("equations", s[PROFILE_EQUATIONS] / threads, all, why);
  print_lost("softmax, norms, attention", s[PROFILE_ROWS] / threads, all, "");
  print_lost("gather, scatter, copies", s[PROFILE_MOVE] / threads, all, "");
  print_lost("repacking the weights", s[PROFILE_PACK] / threads, all, "");
  print_lost("optimizer", s[PROFILE_OPTIMIZER] / threads, all, "norm and update");
  print_lost("walk", s[PROFILE_WALK] / threads, all, "finding rows and tiles");
  snprintf(why, sizeof why, "%.0f barriers a step", p->meetings);
  print_lost("start, wait", s[PROFILE_WAIT] / threads, all, threads > 1 ? why : "");
}

static void print_stage_line(const bench_case *c, int number) {
  char t[32], name[64];
  const stage *s = &plan_frozen(c->p)->stages[number];
  const profile_part times = profile_stage(c->profile, number);
  const stage_cost cost = plan_stage_cost(s, c->spec.batch, c->spec.steps);
  double seconds = 0;
  for (int i = 0; i < PROFILE_KINDS; i++) seconds += times.seconds[i];
  seconds /= (double)profile_passes(c->profile) * c->machine->threads;
  if (seconds < 0.02 * c->part_seconds) return;
  const int width = s->kind == STAGE_LOOP && s->n_body ? s->body[0].tile.width : s->kind == STAGE_TILE ? s->tile.width : s->width;
  snprintf(name, sizeof name, "%s%s", stage_rows[s->kind].name,
           s->kind != STAGE_LOOP ? ""
           : s->dir > 0          ? " forwards"
                                 : " backwards");
  printf("  %-24s ", name);
  if (width)
    printf("%5d", width);
  else
    printf("%5s", "");
  printf("  %8s  %5.1f %%", time_text(seconds, t), 100 * seconds / c->part_seconds);
  if (cost.products > 0)
    printf("  %8.1f  %5.1f %%", cost.products / seconds * 1e-9, 100 * cost.products / seconds * 1e-9 / c->peak.median);
  else
    printf("  %8s  %7s", "", "");
  printf("  %8.1f\n", (cost.matrices + cost.weights) / seconds * 1e-9);
}

void bench_case_print_roofline(const bench_case *c) {
  char a[32], b[32];
  const roof r = bench_roof(c);
  const double ideal = c->operations / (c->peak.median * 1e9);
  printf("\nRoofline: on this machine a step cannot take less than %s", time_text(r.seconds, a));
  printf(" (%s of it products at the peak", time_text(r.products, a));
  for (int i = 1; i < LEVELS; i++)
    if (r.read[i] > 0.001 * r.seconds) printf(", %s reading %s", time_text(r.read[i], a), bench_level_name(i));
  printf(").\nThe step takes %s, %.2f times that.\n", time_text(c->seconds.median, a), c->seconds.median / r.seconds);
  printf("Of a profiled step of %s, %s would be products at the peak; the rest is:\n", time_text(c->part_seconds, a),
         time_text(ideal, b));
  print_losses(c);
  printf("Stages of 2 %% and more:       width      time            GFLOP/s  of peak      GB/s\n");
  for (int i = 0; i < plan_frozen(c->p)->n_stages; i++) print_stage_line(c, i);
}

/* --- a row of the table --- */

void bench_table_head(void) {
  printf("%-26s %6s %6s %10s %19s %9s %8s %8s  %-14s %9s\n", "case", "batch", "steps", "time", "(10 to 90 of 100)", "GFLOP/s",
         "of peak", "of roof", "bound by", "memory");
}

void bench_table_row(const bench_case *c) {
  char a[32], b[32], d[32], range[80];
  const roof r = bench_roof(c);
  snprintf(range, sizeof range, "%s - %s", time_text(c->seconds.low, a), time_text(c->seconds.high, b));
  printf("%-26s %6d %6d %10s %19s %9.1f %6.1f %% %6.1f %%  %-14s %6.1f MB\n", c->spec.name, c->spec.batch, c->spec.steps,
         time_text(c->seconds.median, d), range, gflops(c), 100 * c->share.median, 100 * r.seconds / c->seconds.median,
         bench_bound(c, &r), (double)c->bytes * 1e-6);
  if (c->busy < BENCH_QUIET) printf("%28s(not quiet: %.0f %% of the processors' time)\n", "", 100 * c->busy);
  fflush(stdout);
}

/* --- JSON --- */

static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

static json_t *json_split(const bench_case *c) {
  json_t *split = json_object();
  for (int i = 0; i < PROFILE_KINDS; i++)
    json_object_set_new(split, profile_kind_name((enum profile_kind)i),
                        number(c->part.seconds[i] / (c->part_seconds * c->machine->threads)));
  return split;
}

static json_t *json_roof(const bench_case *c) {
  const roof r = bench_roof(c);
  json_t *reads = json_object();
  for (int i = 1; i < LEVELS; i++)
    if (r.read[i] > 0) json_object_set_new(reads, bench_level_name(i), number(r.read[i]));
  return json_pack("{s:f, s:f, s:o, s:f, s:s}", "seconds", r.seconds, "seconds_of_products", r.products, "seconds_of_reading",
                   reads, "share_of_roof", r.seconds / c->seconds.median, "bound", bench_bound(c, &r));
}

static json_t *json_counts(const bench_case *c) {
  const frozen *f = plan_frozen(c->p);
  stage_cost sum = {0};
  for (int i = 0; i < f->n_stages; i++) {
    const stage_cost s = plan_stage_cost(&f->stages[i], c->spec.batch, c->spec.steps);
    sum.products += s.products;
    sum.equations += s.equations;
    sum.matrices += s.matrices;
    sum.weights += s.weights;
  }
  return json_pack("{s:f, s:f, s:f, s:f, s:f, s:i}", "product_operations", sum.products, "equations", sum.equations, "matrix_bytes",
                   sum.matrices, "weight_bytes", sum.weights, "barriers", c->part.meetings, "stages", f->n_stages);
}

json_t *bench_case_json(const bench_case *c) {
  static const char *const modes[] = {"train", "infer", "session"};
  json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:I, s:I}", "name", c->spec.name, "precision",
                        precision_name(c->spec.precision), "mode", modes[c->spec.mode], "net", c->x.m.net_file, "processor",
                        cpu_name(), "isa", cpu_isa_name(cpu_isa()), "threads", c->machine->threads, "batch", c->spec.batch,
                        "unroll", c->spec.steps, "weights", (json_int_t)c->x.g->n_weights, "bytes", (json_int_t)c->bytes);
  json_t *times = json_pack("{s:i, s:f, s:f, s:f, s:f, s:f}", "steps", c->n_times, "seconds_per_step", c->seconds.median,
                            "seconds_per_step_p10", c->seconds.low, "seconds_per_step_p90", c->seconds.high, "symbols_per_second",
                            (double)c->symbols / c->seconds.median, "gflops", gflops(c));
  json_t *shares =
      json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "peak_gflops", c->peak.median, "peak_gflops_p10", c->peak.low,
                "peak_gflops_p90", c->peak.high, "share_of_peak", c->share.median, "share_of_peak_p10", c->share.low,
                "share_of_peak_p90", c->share.high, "profile_overhead", c->overhead, "processor_time", c->busy);
  json_object_update_new(j, times);
  json_object_update_new(j, shares);
  json_object_set_new(j, "time_by_kind", json_split(c));
  json_object_set_new(j, "roofline", json_roof(c));
  json_object_set_new(j, "counts", json_counts(c));
  return j;
}
