/* columns.h - the columns of a table that variables are read from. */
#ifndef DATA_COLUMNS_H
#define DATA_COLUMNS_H
#include "data/schema.h"
#include "read/table.h"

typedef struct column_source { /* where a variable is read from */
  int *columns, n;             /* several: an entry of the vectors each; none: not read */
} column_source;

/* The number of the column with this name, or -1. */
int columns_find(const table *t, const char *name);
/* The error that no column has this name, with the names that there are. */
unroll_status columns_none(const table *t, const char *name, unroll_error *err);
/* The columns of variable v; out->columns is the caller's. A column of the same row of names that is not read is noted in d. */
unroll_status columns_of(column_source *out, const variable *v, const table *t, dataset *d, unroll_error *err);
/* Notes in d an unused column that looks like the name of a series, where a net has steps and each example has only one. */
unroll_status columns_guess_series(dataset *d, const table *t, const schema *s, const column_source *sources, unroll_error *err);
#endif
