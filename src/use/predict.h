/* predict.h - what a model says about each example, and how far that is from the truth where the truth is there. */
#ifndef USE_PREDICT_H
#define USE_PREDICT_H
#include <signal.h>
#include "base/threads.h"
#include "dist/ctc.h"
#include "metrics/span.h"
#include "metrics/rank.h"
#include "model/model.h"

typedef struct predicted_part { /* of one line with ~ */
  const variable *v;
  const distribution_row *distribution;
  int64_t n;                  /* 1, or the steps of the example; of ctc the symbols of the text that was found */
  bool next;                  /* what would come next: n = 1, and an end symbol counts */
  const int32_t *symbols;     /* [n] the likeliest; NULL for numbers */
  const float *p;             /* [n] its probability; NULL for ctc, and where the truth is there */
  const float *all;           /* [n][v->words.n] the probabilities of all symbols, if asked for; else NULL */
  const double *times;        /* [n] of ctc, if asked for: when each symbol begins, in seconds; else NULL */
  const int32_t *truth;       /* [n_truth] symbols, where the data holds what is predicted; else NULL */
  int64_t n_truth;            /* n, but of ctc */
  const double *numbers;      /* [n][v->width] the mean; for bernoulli the probability of 1; NULL for symbols */
  const double *true_numbers; /* [n][v->width], where the data holds what is predicted; else NULL */
  const double *levels;       /* [n_levels] those asked for, else those of quantile(); none: NULL */
  int n_levels;
  const double *quantiles; /* [n][n_levels][v->width] */
} predicted_part;

typedef struct predicted {
  int64_t number;         /* of the example, from 0 */
  int rank;               /* of the texts that a search of ctc found, from 0; what else is predicted is the same in all of them */
  double log_probability; /* nats; of what a search of ctc found, as far as it was followed; NaN: only one was asked for */
  const predicted_part *parts;
  int n; /* lines with ~, in their order */
} predicted;

typedef struct predict_total { /* of one line with ~ */
  const char *name;
  const distribution_row *distribution;
  bool pinball; /* its loss is that of quantiles, in the units of the data, and no density */
  int64_t n;    /* predictions; of ctc symbols of the true texts */
  double nats;  /* -log probability of all */
  double
      correct; /* softmax: the likeliest symbol is the true one; bernoulli: so is the likelier value, as a share of the entries */
  class_count ones;       /* of bits: those that are 1, are likelier 1, and both */
  double squared, signal; /* numbers: squared errors of the mean, squares of the true ones; means over the entries */
  rank_metrics ranks;     /* of softmax, if asked for */
} predict_total;

typedef struct predict_sink {
  void *context;
  unroll_status (*emit)(void *context, const predicted *p, unroll_error *err); /* in the order of the data; may be NULL */
  volatile sig_atomic_t *stop;                                                 /* or NULL */
  const double *levels; /* [n_levels] quantiles of numbers that are wanted beside the mean; NULL: those of quantile() alone */
  int n_levels;
  bool all;                  /* the probabilities of all symbols are wanted; not of ctc */
  const rank_metrics *ranks; /* `at` and `n_at` of it: totals get ranks of symbols; NULL: they do not */
  const ctc_search *search;  /* of ctc: how its texts are found, and how many are emitted; NULL: the likeliest path */
  int64_t crop;              /* labels of whole examples: the mean over pieces of so many steps; 0: of the whole */
  bool times;                /* of ctc: the times of symbols are wanted */
} predict_sink;

/* `complete`: the data holds what is predicted; then totals, [m->g.n_losses], is filled. d is encoded and measured. */
/* rows, steps: as in pass_options. */
unroll_status predict(const model *m, const dataset *d, bool complete, int rows, int steps, pool *workers, const predict_sink *sink,
                      predict_total *totals, unroll_error *err);
#endif
