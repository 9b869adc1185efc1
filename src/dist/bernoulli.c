/* bernoulli.c - a bit y with logits z: 1 with probability sigmoid(z). */
#include <math.h>
#include "dist/form.h"

double form_sigmoid(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }
double form_softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }

static double draw(const double *a, draw_place *at) { return draw_uniform(at) < form_sigmoid(a[0]); }
static double mean(const double *a) { return form_sigmoid(a[0]); }
static double mode(const double *a) { return a[0] > 0; }
static double quantile(const double *a, double level) { return level > form_sigmoid(-a[0]); }
static double cdf(const double *a, double y) { return y < 0 ? 0 : y < 1 ? form_sigmoid(-a[0]) : 1; }
static double log_density(const double *a, double y) { return y * a[0] - form_softplus(a[0]); }
static void heat(double *a, double temperature) { a[0] /= temperature; }

const number_form number_bernoulli = {draw, mean, mode, quantile, cdf, log_density, heat};
const distribution_form form_bernoulli = {.number = &number_bernoulli};
