/* distribution.h - what a distribution says beyond its loss: draws, means, quantiles, densities.
 *
 * The one place where the arguments of `y ~ distribution(...)` become numbers or symbols again. A `distribution` is one such
 * line of a graph; a prediction is the rows of its arguments. What comes out is in the units of the data: where a variable is
 * standardised, (x - mean) / deviation, all here undoes that. Numbers are vectors of `width` entries. Entries are independent,
 * but for those of a mixture. There draw, mode and log density are joint, and mean, quantile and cdf are those of each entry.
 * docs/language.md says what the arguments mean. */
#ifndef DIST_DISTRIBUTION_H
#define DIST_DISTRIBUTION_H
#include "data/schema.h"
#include "graph/graph.h"
#include "run/run.h"

typedef struct distribution_form distribution_form; /* form.h */

typedef struct distribution {
  const distribution_row *row; /* name, arguments, support */
  const distribution_form *form;
  int width; /* of what is predicted: entries; softmax: symbols */
  int n_args;
  int nodes[LOSS_ARGS];  /* the arguments' nodes: for plan_options.keep */
  int widths[LOSS_ARGS]; /* columns of each; 1 beside a larger `width`: the same for all entries */
  enum space spaces[LOSS_ARGS];
  const double *numbers; /* quantile: the levels, rising; mixture: the number of components. Of the graph */
  int n_numbers;
  bool has_levels;                /* its numbers are levels, and it has no density: its loss is distribution_pinball */
  const double *mean, *deviation; /* [width] or NULL. Of the variable */
} distribution;

typedef struct prediction { /* the rows of the arguments, [widths[k]] */
  const float *args[LOSS_ARGS];
} prediction;

/* Loss number `loss` of a graph, which must outlive d, as v (or NULL: not standardised). Of ctc there are
 * the rows of its logits alone: dist/ctc.h makes texts of them. */
unroll_status distribution_of(distribution *d, const graph *g, int loss, const variable *v, unroll_error *err);
bool distribution_is_symbols(const distribution *d);

/* The arguments of one prediction after a pass of a plan that keeps d->nodes. `step` is its row in the matrices of steps (0
 * where the variable has none), `row` its row in the batch. They are valid until the next pass. */
prediction distribution_at(const distribution *d, const run *r, int64_t step, int64_t row);
bool distribution_finite(const distribution *d, const prediction *p); /* none of what follows is NaN */

typedef struct draw_choice {
  double temperature; /* divides the log-probabilities; 0: always the likeliest. Of numbers: see distribution_check_choice */
  int top_k;          /* of the k likeliest only; 0: of all */
  double top_p; /* of the likeliest that together have this probability, at this temperature (Holtzman et al. 2020); 0, 1: all */
  bool biased;  /* the temperature is that of a bias (Graves 2013) */
} draw_choice;
/* The temperature that a bias b >= 0 is: see mixture. */
double draw_temperature_of_bias(double bias);
/* Does the distribution know this way of drawing? A temperature multiplies a scale, divides the logits
 * of bernoulli, and of a mixture weights and deviations as Graves's bias does (2013, eq. 61 and 62). UNROLL_USAGE for the
 * temperature of any other (but 0 and 1), and for a bias of anything but a mixture. top_k and top_p are for symbols: who draws both
 * symbols and numbers uses them for the symbols. */
unroll_status distribution_check_choice(const distribution *d, const draw_choice *how, unroll_error *err);

/* --- symbols: softmax --- */

/* log(sum exp(logits)): not finite where the model's output is not. log p of symbol k is logits[k] - this. */
double distribution_log_sum(const distribution *d, const prediction *p);
double distribution_log_symbol(const distribution *d, const prediction *p, int32_t symbol); /* nats */
void distribution_probabilities(const distribution *d, const prediction *p, double *out);   /* [width] */
bool distribution_can_draw(const distribution *d, const prediction *p);     /* is distribution_log_sum finite? Without the sum */
int32_t distribution_likeliest(const distribution *d, const prediction *p); /* of equal ones the first */
/* 1 and how many symbols are likelier, or as likely and before it: 1 for the likeliest. */
int64_t distribution_rank(const distribution *d, const prediction *p, int32_t symbol);
/* The k likeliest, falling; of equal ones the first comes first. Returns how many: min(k, width). `scratch` as below. */
int distribution_best(const distribution *d, const prediction *p, int k, int32_t *symbols, void *scratch);
/* Draws with u in [0, 1). */
int32_t distribution_draw_symbol(const distribution *d, const prediction *p, const draw_choice *how, double u, void *scratch);
size_t distribution_scratch(const distribution *d); /* bytes, aligned as malloc does */

/* --- numbers: all others --- out and y are [width], in the units of the data */

/* Where the random numbers of one draw come from; any two places are independent of each other. `stream` as in base/random.h. */
typedef struct draw_place {
  uint64_t seed;
  uint32_t stream;
  uint64_t step;  /* which sequence, path ... */
  uint32_t place; /* which step of it */
} draw_place;
void distribution_draw(const distribution *d, const prediction *p, const draw_choice *how, const draw_place *at, double *out);
/* bernoulli: the probability of 1. student_t with dof <= 1 has no mean: NaN. */
void distribution_mean(const distribution *d, const prediction *p, double *out);
/* The likeliest value; bernoulli 0 or 1. quantile() has no density: its median. */
void distribution_mode(const distribution *d, const prediction *p, double *out);
/* The least value that at least the share `level` (within 0 and 1) is not above. */
void distribution_quantile(const distribution *d, const prediction *p, double level, double *out);
void distribution_cdf(const distribution *d, const prediction *p, const double *y, double *out); /* P(Y <= y) */
/* log density in nats (log probability, of bernoulli and negative_binomial) of all entries together. NaN for quantile(). */
double distribution_log_density(const distribution *d, const prediction *p, const double *y);
/* The loss of one with levels: the pinball loss of its outputs as they are, in the units of the data. */
double distribution_pinball(const distribution *d, const prediction *p, const double *y);
/* From the units of the data to those of the net, to be fed back. */
void distribution_scaled(const distribution *d, const double *y, float *out);
#endif
