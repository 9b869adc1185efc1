/* runs.h - what `unroll log` shows of runs: a table, their curves. */
#ifndef REPORT_RUNS_H
#define REPORT_RUNS_H
#include "report/chart.h"
#include "report/run_log.h"

/* A line a run: how far, how long, loss, best validation and test in bits, and what the runs were asked for differently. */
void runs_table(const run_log *logs, int n, text *out);
/* Loss of training and of validation of one run, or one of the two of many. `of`: that column instead, of each run. UNROLL_USAGE
 * where no run has such a column, with the names that there are. */
unroll_status runs_chart(const run_log *logs, int n, const char *of, const chart_form *form, text *out, unroll_error *err);
/* The letter of a run in table and chart. */
char runs_letter(int run);
#endif
