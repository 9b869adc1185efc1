/* reference_picture.h - one picture in double precision, for the reference. x is [rows, columns, channels] as in `patches`, y
 * has O channels, W is [O, size * size * channels / groups]. Everything is added to what is there. */
#ifndef VERIFY_REFERENCE_PICTURE_H
#define VERIFY_REFERENCE_PICTURE_H
#include "graph/graph.h"

void reference_conv(const patches *p, int O, const double *W, const double *x, double *y);         /* y += W patch */
void reference_conv_back(const patches *p, int O, const double *W, const double *dy, double *dx);  /* dx += W' dy, patch by patch */
void reference_conv_outer(const patches *p, int O, const double *dy, const double *x, double *dW); /* dW += dy patch' */
/* Where in x the number is that column y of the pooled picture takes: the largest, the first of several. */
int64_t reference_largest(const patches *p, const double *x, int y);
double reference_mean(const patches *p, const double *x, int y);          /* of the square of that column */
void reference_mean_back(const patches *p, double dy, int y, double *dx); /* its adjoint */
#endif
