/* distribution_entry.h - the parts of distribution.c: one number with its arguments, and vectors with arguments of their own
 * layout. All in the units of the net. */
#ifndef DIST_DISTRIBUTION_ENTRY_H
#define DIST_DISTRIBUTION_ENTRY_H
#include "dist/distribution.h"

typedef struct entry { /* of bernoulli, gaussian, laplace, student_t, negative_binomial */
  enum distribution_kind kind;
  double a, b, c; /* the arguments in their order */
} entry;

/* Numbers for draws: each call takes the next place of the stream. */
double draw_uniform(draw_place *at); /* in [0, 1) */
double draw_normal(draw_place *at);

double entry_draw(const entry *e, draw_place *at);
double entry_mean(const entry *e);
double entry_mode(const entry *e);
double entry_quantile(const entry *e, double level);
double entry_cdf(const entry *e, double y);
double entry_log_density(const entry *e, double y);
double entry_sigmoid(double x);

/* quantile(): entry j. */
double levels_mean(const distribution *d, const prediction *p, int j);
double levels_quantile(const distribution *d, const prediction *p, int j, double level);
double levels_cdf(const distribution *d, const prediction *p, int j, double y);

/* mixture(): draws, modes and log densities of whole vectors, the others of entry j. */
void mixture_draw(const distribution *d, const prediction *p, draw_place *at, double *out);
void mixture_mode(const distribution *d, const prediction *p, double *out);
double mixture_log_density(const distribution *d, const prediction *p, const double *y);
double mixture_mean(const distribution *d, const prediction *p, int j);
double mixture_quantile(const distribution *d, const prediction *p, int j, double level);
double mixture_cdf(const distribution *d, const prediction *p, int j, double y);
#endif
