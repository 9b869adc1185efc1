/* evaluation.h - what an evaluation of a model comes to: figures for each variable that is predicted, or for a text. */
#ifndef USE_EVALUATION_H
#define USE_EVALUATION_H
#include <signal.h>
#include "metrics/figures.h"
#include "metrics/label.h"
#include "use/decode.h"
#include "use/predict.h"
#include "use/references.h"

typedef struct evaluation_options {
  int rows, steps;              /* examples at a time, which changes no result; of a stream as in pass.h */
  bool confusion;               /* of labels; of a net that predicts none, of symbols */
  const rank_metrics *ranks;    /* `at` and `n_at` of it: hits@n and MRR of symbols; NULL: none */
  const decode_options *decode; /* what the net feeds back is generated too, and compared; NULL: it is not */
  const references *references; /* with `decode`: further true texts; NULL: none */
  const ctc_search *search;     /* of ctc, as in predict_sink */
  int64_t crop;                 /* as in predict_sink */
  volatile sig_atomic_t *stop;  /* or NULL */
} evaluation_options;

typedef struct evaluation { /* of the whole: sequences, symbols, loss (and loss_fp32); its part "variables" has one for each; of a
                              text bits_per_symbol, perplexity and accuracy in its place */
  figures figures;
  int *variables;         /* [n] their subjects */
  label_metrics *metrics; /* [n] of symbols; their confusion tables are no figures */
  int n;                  /* lines with ~ */
} evaluation;

/* d is encoded and measured, and holds what is predicted (for `decode` also words by their texts: data_options.codes).
 * evaluation_free in any case. */
unroll_status evaluation_run(evaluation *e, const model *m, const dataset *d, const evaluation_options *o, pool *workers,
                             unroll_error *err);
void evaluation_free(evaluation *e);
#endif
