/* crop.h - pieces of long examples instead of whole ones. Training takes one of each example, which begins elsewhere in each epoch.
 * Whole examples are judged by all of their pieces. */
#ifndef DATA_CROP_H
#define DATA_CROP_H
#include "data/schema.h"

/* Each example of the part that is longer than `steps` is trained on as so many successive steps. Where they begin is drawn in each
 * epoch. UNROLL_USAGE for data and nets that cannot be cut. */
unroll_status crop_drawn(part *p, const graph *g, const schema *s, int64_t steps, unroll_error *err);
/* Each as pieces of that length that begin at most `apart` steps after each other and have all steps. The list of the part has an
 * example as often as it has pieces. */
unroll_status crop_all(part *p, const graph *g, const schema *s, int64_t steps, int64_t apart, unroll_error *err);
/* Is all that is predicted a label of a whole example? Then its pieces may vote. */
bool crop_votes(const graph *g, const schema *s);
#endif
