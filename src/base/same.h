/* same.h - logarithm, exponential and cosine in double precision, with the same bits on every machine: nothing but sums, products
 * and quotients in one order. The C library's differ in the last bit from one processor to another. */
#ifndef BASE_SAME_H
#define BASE_SAME_H

double same_log(double x);      /* of normal x > 0 */
double same_exp(double x);      /* of |x| up to 700 */
double same_cos_turn(double u); /* cos(2 pi u), u in [0, 1) */
#endif
