/* special.h - functions of statistics in double precision: gamma, beta and the normal distribution. Not for kernels, which have
 * their own in single precision. Outside of what is said here the result is NaN. */
#ifndef BASE_SPECIAL_H
#define BASE_SPECIAL_H

double special_lgamma(double x);  /* log gamma(x), x >= 0; infinity at 0 */
double special_digamma(double x); /* its derivative, x >= 0, -infinity at 0; relative error below 1e-12 but at the zero, 1.4616 */
double special_digamma_rise(double x,
                            double b);    /* digamma(x + b) - digamma(x), x > 0, b >= 0, accurate where b is small beside x */
double special_lbeta(double a, double b); /* log of gamma(a) gamma(b) / gamma(a + b), a, b > 0; accurate where one is large */
double special_log_bend(double x);        /* (x - 1 - log x) / (x - 1)^2, x > 0; 1/2 at 1 */
/* The share of the beta distribution (a, b) below x, a, b > 0, x in [0, 1]: I_x(a, b). */
double special_beta_share(double a, double b, double x);
double special_normal_share(double x);    /* of the standard normal distribution below x */
double special_normal_quantile(double p); /* its inverse; -infinity at 0, infinity at 1 */
#endif
