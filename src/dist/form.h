/* form.h - what a distribution's own file, dist/NAME.c, knows. The file ends with `const distribution_form form_NAME`, and
 * graph/distributions.def has its row. All in the units of the net. */
#ifndef DIST_FORM_H
#define DIST_FORM_H
#include "dist/distribution.h"

/* Entries are independent: of one number, with the arguments `a` in their order. */
typedef struct number_form {
  double (*draw)(const double *a, draw_place *at);
  double (*mean)(const double *a);
  double (*mode)(const double *a);
  double (*quantile)(const double *a, double level); /* level within 0 and 1, arguments that are no NaN */
  double (*cdf)(const double *a, double y);
  double (*log_density)(const double *a, double y);
  void (*heat)(double *a, double temperature); /* the arguments as a temperature changes them; NULL: it has no temperature */
} number_form;

/* One argument holds outputs of several kinds: draw, mode and log density of whole vectors, the others of entry j. */
typedef struct vector_form {
  void (*draw)(const distribution *d, const prediction *p, const draw_choice *how, const draw_place *at, double *out);
  void (*mode)(const distribution *d, const prediction *p, double *out);
  double (*mean)(const distribution *d, const prediction *p, int j);
  double (*quantile)(const distribution *d, const prediction *p, int j, double level);
  double (*cdf)(const distribution *d, const prediction *p, int j, double y);
  double (*log_density)(const distribution *d, const prediction *p, const double *y); /* NULL: it has none */
  bool heats, biased; /* draws take a temperature; that of Graves's bias */
  bool levels;        /* its numbers are levels, and its loss is theirs: distribution_pinball */
} vector_form;

struct distribution_form { /* one of them */
  const number_form *number;
  const vector_form *vector;
  bool symbols; /* softmax: distribution.h has its functions */
};

/* Numbers for draws: each call takes the next place of the stream. */
double draw_uniform(draw_place *at); /* in [0, 1) */
double draw_normal(draw_place *at);
double draw_gamma(double shape, draw_place *at); /* of scale 1; NaN unless shape > 0 */
/* Places of the draws of one vector. They are independent streams under keys made of the place itself, so a draw may take as
 * many numbers as it likes. */
draw_place draw_inner(const draw_place *at, uint32_t number);

/* What the bit and the normals of a mixture share with bernoulli and gaussian. */
double form_sigmoid(double x);
double form_softplus(double x);
extern const number_form number_bernoulli, number_gaussian;
#endif
