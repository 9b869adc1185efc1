/* warp.h - pictures that are seen a little moved, slanted, larger or smaller (Simard, Steinkraus & Platt 2003). */
#ifndef DATA_WARP_H
#define DATA_WARP_H
#include "data/schema.h"

/* From where in a picture a point is taken: row and column, both from -1 to 1 over it. */
typedef struct warp {
  double row[3], column[3]; /* of the row, of the column, and 1 */
} warp;

/* Is the variable a picture, or frames, that is only read? */
bool warp_takes(const graph *g, const schema *s, int i);
/* UNROLL_USAGE where the net has none, or predicts boxes, which would not move with them. */
unroll_status warp_check(const graph *g, const schema *s, unroll_error *err);
/* Each number of the map is up to `most` from where nothing changes. */
warp warp_draw(double most, uint64_t key, int64_t epoch, int64_t example);
/* Numbers between pixels lie on the plane of the four around; beyond the picture its edge goes on. */
void warp_picture(float *out, const float *from, const picture_shape *shape, const warp *w);
#endif
