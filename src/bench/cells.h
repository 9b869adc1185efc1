/* cells.h - every built-in cell against lstm, time per operation. */
#ifndef BENCH_CELLS_H
#define BENCH_CELLS_H
#include "bench/case.h"

/* Cells alone, forward and backward with Adam, `shape` for all of them (its net does not matter). Each is measured in turns
 * with lstm, for about `seconds` a cell. Prints a table, or adds objects to `out` unless that is NULL. */
unroll_status bench_cells(const bench_spec *shape, const bench_machine *machine, double seconds, json_t *out, unroll_error *err);
#endif
