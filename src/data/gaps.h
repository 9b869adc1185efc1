/* gaps.h - values that a series lacks: dates without a row, and cells without a value. They are steps that were not observed, which
 * is no error.
 *
 * A date that is missing becomes a row without values, so that row after row is step after step. */
#ifndef DATA_GAPS_H
#define DATA_GAPS_H
#include "data/schema.h"
#include "read/table.h"

typedef struct regular { /* a table whose rows are the steps of regular series */
  table t;               /* all but cells, lines, numbers, broken and first_row is borrowed */
  int64_t *times;        /* [t.n_rows + 1] */
  bool *gap;             /* [t.n_rows + 1] a date that no row of the file has */
  int64_t n_gaps;
} regular;

/* Times are those of `column`; successive rows with the same value in column `series` (or -1) of a file are a series. Sets
 * d->calendar.grid: the step is that of the longest series; where each has a single row, it is `known` (or NULL). A date
 * between two steps, a repetition, disorder, and more missing dates than given ones are UNROLL_BAD_INPUT with row and date.
 * Wrong rows are left out and counted in d->bad, if that asks for it. regular_free in any case. */
unroll_status regular_read(regular *r, dataset *d, const table *t, int column, int series, const time_grid *known,
                           unroll_error *err);
void regular_free(regular *r);

/* Before numbers are encoded: what steps without value are taken as, as s->time.fill says. Without a choice it is the value of
 * a season before, or the last one. Lags see it that reach far back, or before a window. */
void dataset_fill(dataset *d, const schema *s);
/* Counts the steps from .. to - 1 of an example at which variable i was not observed, so that no loss counts. */
int64_t dataset_unseen(const dataset *d, const schema *s, int i, int64_t example, int64_t from, int64_t to);
/* Is there a predicted value that was not observed? Then a net needs to know (graph.h: build_options.gaps). */
bool dataset_has_gaps(const dataset *d, const schema *s);
#endif
