/* results.h - what a pass leaves, as bytes: for a process that asks what another has run. */
#ifndef RUN_RESULTS_H
#define RUN_RESULTS_H
#include <stddef.h>
#include "run/run.h"

/* The matrices that are kept, of batch b: all rows, or those of the shards range[0] .. range[1] - 1 where the plan has shards. Kept
 * nodes that are weights or constants have none. Writes them, unless `to` is NULL; how many bytes. */
size_t run_results_get(const run *r, const batch *b, const int *range, unsigned char *to);
/* As if run_pass of b had left them. */
void run_results_set(run *r, const batch *b, const int *range, const unsigned char *from);
#endif
