/* fold.h - a convolution and its batch normalization as one convolution. */
#ifndef PORT_FOLD_H
#define PORT_FOLD_H
#include "model/model.h"

/* *out is m, whose convolutions take in the running statistics of the batch normalization that follows (Ioffe & Szegedy 2015,
 * section 3.2). With s = gain / sqrt(variance + epsilon) of a channel:
 *   W' = s W,  b' = s (b - mean) + bias
 * Only where nothing else reads the convolution, its weights or the gain and bias. What changes is in `memory`, the rest is m's.
 * Returns how many were folded, or -1: out of memory. */
int port_fold(model *out, const model *m, arena *memory);
#endif
