/* backtest.c - back-tests as a table: the model and forecasts that need none, on the same windows. */
#include "cli/backtest.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"
#include "cli/figures.h"
#include "cli/terminal.h"

/* The name of a figure is a number: a level, or the share that an interval is meant to cover. */
static double number_of(const char *name) {
  double x;
  return text_number(name, strlen(name), &x) ? (double)NAN : x;
}

typedef void print_figure(const unroll_figure *f, bool first);

static void print_of(const unroll_result *r, int of, print_figure *print) {
  unroll_figure f;
  bool first = true;
  unroll_figure_init(&f);
  for (int i = 0; !unroll_result_figure(r, i, &f, NULL); i++) {
    if (f.subject != of) continue;
    print(&f, first);
    first = false;
  }
}

static void print_level(const unroll_figure *f, bool first) { printf("%s%10g", first ? "  pinball" : "", number_of(f->name)); }
static void print_pinball(const unroll_figure *f, bool first) { printf("%s%10.4g", first ? "         " : "", f->value); }
static void print_covers(const unroll_figure *f, bool first) {
  (void)first;
  printf("  %3.0f %% covers", 100 * number_of(f->name));
}
static void print_covered(const unroll_figure *f, bool first) {
  (void)first;
  printf("%12.1f %%", 100 * f->value);
}

static void print_method(const unroll_result *r, int of, const char *name) {
  const double mase = figure_value(r, of, "mase");
  printf("  %-16s%10.4g%10.4g%9.2f", name, figure_value(r, of, "mae"), figure_value(r, of, "rmse"), figure_value(r, of, "smape"));
  if (isfinite(mase))
    printf("%8.3f", mase);
  else
    printf("%8s", "-"); /* no series is longer than a season, or none ever changes */
  print_of(r, figure_part(r, of, "pinball"), print_pinball);
  print_of(r, figure_part(r, of, "coverage"), print_covered);
  printf("\n");
}

static void print_table(const unroll_result *r, int of, const char *name) {
  unroll_subject s;
  int model = -1;
  for (int i = 0; figure_subject(r, i, &s); i++) {
    if (s.parent != of) continue;
    if (model < 0) {
      model = i;
      printf("\n  %-16s%10s%10s%9s%8s", name, "MAE", "RMSE", "sMAPE", "MASE");
      print_of(r, figure_part(r, i, "pinball"), print_level);
      print_of(r, figure_part(r, i, "coverage"), print_covers);
      printf("\n");
    }
    print_method(r, i, s.name);
  }
  const double mae = figure_value(r, model, "mae_standardised");
  if (!isnan(mae))
    printf("  in deviations of the training part, the model: MAE %.4f, MSE %.4f\n", mae,
           figure_value(r, model, "mse_standardised"));
}

static int64_t count(const unroll_result *r, const char *name) { return (int64_t)figure_value(r, 0, name); }

static const char *word(const unroll_result *r, const char *name) {
  unroll_figure f;
  return figure_find(r, 0, name, &f) && f.word ? f.word : "";
}

void backtest_print(const unroll_result *r) {
  const int64_t horizon = count(r, "horizon");
  const int variables = figure_part(r, 0, "variables");
  char windows[32], points[32], series[32];
  unroll_subject s;
  printf("%s window%s of %" PRId64 " step%s from %s to %s, %s series, %s points; season %" PRId64 ", %" PRId64 " paths\n",
         text_count(count(r, "windows"), windows), count(r, "windows") == 1 ? "" : "s", horizon, horizon == 1 ? "" : "s",
         word(r, "first"), word(r, "last"), text_count(count(r, "series"), series), text_count(count(r, "points"), points),
         count(r, "season"), count(r, "samples"));
  const int64_t unscaled = isfinite(figure_value(r, 0, "points_without_mase")) ? count(r, "points_without_mase") : 0;
  if (unscaled) /* beside the table, which has the rest */
    terminal_warn("MASE is not of all points: before %s of them no season changes", text_count(unscaled, series));
  if (count(r, "skipped_series")) printf("%s series too short for them\n", text_count(count(r, "skipped_series"), series));
  if (count(r, "windows_seen"))
    printf("%s of them begin in what the model was trained on or chosen by\n", text_count(count(r, "windows_seen"), windows));
  for (int i = 0; figure_subject(r, i, &s); i++)
    if (s.parent == variables) print_table(r, i, s.name);
}
