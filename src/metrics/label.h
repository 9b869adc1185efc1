/* label.h - how well labels and symbols are predicted: counts per class, a confusion table, whole sequences, spans.
 *
 * Precision, recall and F1 after van Rijsbergen (1979). For a class with c correct of p predictions and s occurrences they are
 * c / p, c / s and 2 c / (p + s). Macro: the mean over all classes that occur or are predicted, where an undefined value counts
 * as 0. Weighted: the mean with s as weights. */
#ifndef METRICS_LABEL_H
#define METRICS_LABEL_H
#include "symbols/vocabulary.h"
#include "metrics/span.h"

typedef struct label_metrics {
  int n;              /* classes */
  class_count *list;  /* [n] */
  int64_t *confusion; /* [n][n] true class, predicted class; NULL: not asked for */
  int64_t labels, correct;
  int64_t sequences, exact; /* with at least one label; of which all are right */
  bool tagged;              /* the labels are of the form B-X, I-X, O; then `spans` is filled */
  span_metrics spans;
} label_metrics;

enum { MAX_CONFUSION = 1000 }; /* classes */

/* Of the symbols of v; `steps`: they come in sequences. UNROLL_USAGE for a confusion table of too many classes. label_metrics_free
 * in any case. */
unroll_status label_metrics_init(label_metrics *m, const vocabulary *v, bool steps, bool confusion, unroll_error *err);
void label_metrics_free(label_metrics *m);
/* A sequence, or one label. */
void label_metrics_add(label_metrics *m, const int32_t *truth, const int32_t *predicted, int64_t n);

typedef struct label_summary { /* shares; NaN where there is nothing to divide by */
  int classes;                 /* that occur or are predicted */
  double accuracy, exact;
  double macro_precision, macro_recall, macro_f1, weighted_f1;
} label_summary;
label_summary label_metrics_summary(const label_metrics *m);
#endif
