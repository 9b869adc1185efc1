/* draw.h - what option 'output' writes: drawings, pieces of music, sound. And the file that they begin with, and the text that they
 * are made from. */
#ifndef API_DRAW_H
#define API_DRAW_H
#include "data/cell.h"
#include "use/decode.h"
#include "use/predict.h"

typedef struct drawing {
  const model *m;
  const variable *v; /* what is written */
  cell_values prime; /* what each begins with */
  cell_values *list; /* [n] */
  int n, room;
} drawing;

#define DRAWING_KINDS "'pen', 'notes' or 'audio' with 'raw'" /* what there are files of */

/* UNROLL_USAGE and `why` for a model that generates nothing of which there are files. drawing_free in any case. */
unroll_status drawing_begin(drawing *d, const model *m, const char *why, unroll_error *err);
/* Draws of the variable d->v. `given` is what the model is given: a cell of its only variable that is not predicted. All draws
 * go on from `file`. Either may be NULL. */
unroll_status drawing_go_on(drawing *d, const model *m, const char *given, const char *file, const decode_options *how,
                            pool *workers, const decode_sink *sink, unroll_error *err);
/* Steps of the variable d->v: as they are, of what was generated, of what was predicted. */
unroll_status drawing_add(drawing *d, const double *numbers, int64_t steps, unroll_error *err);
unroll_status drawing_add_decoded(drawing *d, const decoded *x, unroll_error *err);
unroll_status drawing_add_predicted(drawing *d, const predicted *x, unroll_error *err);
unroll_status drawing_write(const drawing *d, const char *path, unroll_error *err);
void drawing_free(drawing *d);
#endif
