/* calls.h - a pass of one row and one step as a list of kernel calls whose pointers are found once.
 *
 * A small net's step takes a fraction of a microsecond, and most of that would go into finding out where its matrices are.
 * Where the batch stays the same arrays, they are in the same place in every pass. So the ordinary walk over the stages runs
 * once with a list in the worker's hand. Whoever would call a kernel writes the call down instead. */
#ifndef RUN_CALLS_H
#define RUN_CALLS_H
#include "run/internal.h"

/* For the walk: what is to be called. */
void calls_product(calls *l, enum precision p, const product *q);
void calls_tile(calls *l, const stage_tile *t, const tile_operand *operands, int vectors);
void calls_round(calls *l, enum precision p, float *rounded, const float *x, int n);
void calls_copy(calls *l, float *to, const float *from, int n); /* from NULL: zeros */
void calls_rows(calls *l, const stage *s, rows y, const rows in[4], const where *here);
/* Any other stage, or attention in a loop. Its places are looked up at every call. */
void calls_stage(calls *l, const stage *s, const where *here);

/* Makes the list for a batch, which must stay where it is; false: no memory. */
bool calls_make(run *r, const batch *b);
void calls_free(calls *l);
void calls_run(run *r, worker *w);
#endif
