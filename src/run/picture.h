/* picture.h - what convolutions share: with a pool (pooled.c) and without (picture.c). */
#ifndef RUN_PICTURE_H
#define RUN_PICTURE_H
#include "run/internal.h"

/* A group of the picture with its border, as far as the patches look at it. */
void run_frame(const stage_picture *q, const float *x, int group, float *to);
/* The bias of a group, where vectors may reach beyond it: copied to `own` where there are several. */
const float *run_group_bias(const stage_picture *q, const float *bias, int group, float *own);
/* Of a framed picture what `run_conv_lines` reads: itself, or planes in scratch. */
const float *run_conv_source(const run *r, const stage_picture *q, const float *framed, float *scratch);
/* `lines` lines of the result, all channels of a group. Pixels are `to_row` floats apart, and padded; lines follow each other. */
void run_conv_lines(const run *r, const stage_picture *q, int group, const float *source, const float *bias, int line, int lines,
                    float *to, int to_row, float *scratch);
#endif
