/* decode_eval.h - how near what a net generates is to the truth. */
#ifndef USE_DECODE_EVAL_H
#define USE_DECODE_EVAL_H
#include "use/decode.h"
#include "metrics/span.h"
#include "metrics/text.h"
#include "use/references.h"

typedef struct decode_total { /* of one line with ~ on the decoded axis */
  int loss;
  const variable *v;
  text_metrics text;      /* of symbols; of labels tokens are labels */
  int64_t steps, correct; /* of symbols: true ones, and how many of them are there at the same step */
  int64_t entries;        /* of numbers: those of the steps that both have */
  double squared;         /* sum of squared errors, in the units of the data */
  bool tagged;            /* labels are of the form B-X, I-X, O; then `spans` is filled */
  span_metrics spans;
} decode_total;

/* more: further true texts of one of the lines, which only BLEU, chrF, ROUGE and exact matches look at; an empty one is none. NULL:
 * there are none. Generates the best text of each example of a table and compares. d was read with the truth and, for words, with
 * `codes` (a word that the model does not know is never right). totals: [graph's n_losses], *n of them are filled. */
/* decode_totals_free in any case. */
unroll_status decode_eval(const model *m, const dataset *d, const references *more, const decode_options *o, pool *workers,
                          volatile sig_atomic_t *stop, decode_total *totals, int *n, unroll_error *err);
void decode_totals_free(decode_total *totals, int n);
#endif
