/* backtest_figures.c - a back-test as a list of figures: of each column, and there of each method. */
#include <stdio.h>
#include "use/backtest.h"

double backtest_share(const backtest *b, const backtest_options *o, int interval) {
  return o->levels[b->intervals[interval].high] - o->levels[b->intervals[interval].low];
}

static void add_score(figures *f, int of, const backtest *b, const backtest_options *o, const backtest_column *c,
                      const backtest_score *s) {
  char name[32];
  figures_add(f, of, "mae", FIGURE_NUMBER, s->mae);
  figures_add(f, of, "rmse", FIGURE_NUMBER, s->rmse);
  figures_add(f, of, "smape", FIGURE_NUMBER, s->smape);
  figures_add(f, of, "mase", FIGURE_NUMBER, s->mase);
  figures_add(f, of, "nd", FIGURE_NUMBER, s->nd);
  const int pinball = figures_part(f, of, "pinball");
  for (int i = 0; i < o->n_levels; i++) {
    snprintf(name, sizeof name, "%.15g", o->levels[i]);
    figures_add(f, pinball, figures_name(f, name), FIGURE_PINBALL, s->pinball[i]);
  }
  const int coverage = figures_part(f, of, "coverage");
  for (int i = 0; i < b->n_intervals; i++) {
    snprintf(name, sizeof name, "%g", backtest_share(b, o, i));
    figures_add(f, coverage, figures_name(f, name), FIGURE_SHARE, s->covered[i]);
  }
  if (!(c->deviation > 0)) return;
  figures_add(f, of, "mae_standardised", FIGURE_NUMBER, s->mae / c->deviation);
  figures_add(f, of, "mse_standardised", FIGURE_NUMBER, s->rmse / c->deviation * s->rmse / c->deviation);
}

void backtest_figures(figures *f, const backtest *b, const backtest_options *o) {
  figures_add(f, 0, "windows", FIGURE_COUNT, (double)b->windows);
  figures_add(f, 0, "horizon", FIGURE_COUNT, o->horizon);
  figures_add(f, 0, "samples", FIGURE_COUNT, (double)o->samples);
  figures_add(f, 0, "season", FIGURE_COUNT, (double)b->season);
  figures_add(f, 0, "series", FIGURE_COUNT, (double)b->series);
  figures_add(f, 0, "points", FIGURE_COUNT, (double)b->points);
  figures_add(f, 0, "skipped_series", FIGURE_COUNT, (double)b->skipped);
  if (b->unscaled) figures_add(f, 0, "points_without_mase", FIGURE_COUNT, (double)b->unscaled);
  figures_add_word(f, 0, "first", b->first);
  figures_add_word(f, 0, "last", b->last);
  figures_add(f, 0, "windows_seen", FIGURE_COUNT, (double)b->seen);
  const int variables = figures_part(f, 0, "variables");
  for (int i = 0; i < b->n_columns; i++) {
    const int column = figures_part(f, variables, figures_name(f, b->columns[i].name));
    for (int k = 0; k < BACKTEST_METHODS; k++)
      add_score(f, figures_part(f, column, backtest_method(k)), b, o, &b->columns[i], &b->columns[i].scores[k]);
  }
}
