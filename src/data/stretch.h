/* stretch.h - sequences of numbers that are taken faster or slower: a recording, a gesture (Ko et al. 2015, speed perturbation).
 * Values between steps lie on the straight line from one to the next. The first step stays the first, the last stays the last. */
#ifndef DATA_STRETCH_H
#define DATA_STRETCH_H
#include "data/schema.h"

/* Is all that has steps on this axis numbers that are only read? */
bool stretch_takes(const graph *g, const schema *s, int axis);
/* UNROLL_USAGE where no axis of the net is like that, or the part is of windows. */
unroll_status stretch_check(const graph *g, const part *p, const schema *s, unroll_error *err);
/* How many times as long example `example` is in this epoch: evenly from 1 to 1 + most, or from there down to 1 / (1 + most). */
double stretch_draw(double most, uint64_t key, int64_t epoch, int64_t example);
/* Steps of an example that has `length` of them, on an axis that is stretched: never fewer than its text needs, by ctc. */
int64_t stretch_length(const dataset *d, const schema *s, int axis, int64_t example, double times);
#endif
