/* optimizer.h - the formulas of the update functions in the table of kernel.h; g, m, v, w are single entries.
 *
 * In all of them the gradient is first scaled and given the coupled weight decay, that of an L2 penalty: g <- scale * g +
 * coupled * w. `scale` is the factor of a clipped global norm, else 1. Decoupled decay takes from the weight itself: w <- w -
 * decay * w. Here decay is learning rate times lambda, multiplied by the caller. 0 for none.
 *
 * adam (Kingma & Ba 2015; with decay: AdamW, Loshchilov & Hutter 2019), t counting updates from 1:
 *   m <- beta1 m + (1 - beta1) g
 *   v <- beta2 v + (1 - beta2) g^2
 *   w <- w - decay w - rate (m correction1) / (sqrt(v correction2) + epsilon)
 *   correction1 = 1 / (1 - beta1^t), correction2 = 1 / (1 - beta2^t)
 * rmsprop (Tieleman & Hinton 2012, with momentum as in PyTorch):
 *   square <- alpha square + (1 - alpha) g^2
 *   velocity <- momentum velocity + g / (sqrt(square) + epsilon)
 *   w <- w - decay w - rate velocity
 * sgd:
 *   velocity <- momentum velocity + g
 *   w <- w - decay w - rate velocity
 * velocity may be NULL in the last two: then there is no momentum, whatever the field says. */
#ifndef KERNEL_OPTIMIZER_H
#define KERNEL_OPTIMIZER_H
#include "kernel/kernel.h"

/* The last two fields of an adam_step for update t >= 1, computed in double. */
void adam_corrections(adam_step *s, double beta1, double beta2, long t);
#endif
