/* span.h - spans in tagged sequences: what the tags B-X, I-X and O mark, as the evaluation of CoNLL-2000 counts them (Tjong
 * Kim Sang & Buchholz 2000).
 *
 * A span of type X begins at B-X, and at I-X where no span of type X is open. So an I- without a B- begins one. IOB, where B-
 * only parts spans that touch, and BIO (IOB2) are read alike. It ends before O, before any beginning and before another type.
 * S-X is a span of one token and E-X the last token of one. In BILOU these are U-X and L-X (Ratinov & Roth 2009); M-X is I-X,
 * as in BMES, and W-X is S-X. A predicted span is correct if a true one has the same type, first and last token. */
#ifndef METRICS_SPAN_H
#define METRICS_SPAN_H
#include <stdbool.h>
#include "symbols/vocabulary.h"

typedef struct class_count {
  int64_t support, predicted, correct;
} class_count;

/* NaN where undefined: nothing predicted, nothing there, neither. */
double count_precision(const class_count *c);
double count_recall(const class_count *c);
double count_f1(const class_count *c);

typedef struct span_tag {
  char place; /* 'B', 'I', 'E', 'S' or 'O' */
  int type;
} span_tag;

typedef struct span_metrics {
  span_tag *tags;    /* [n] of the labels */
  lexicon types;     /* "NP", "VP" ...; "" where tags have no type */
  class_count *list; /* [types.n] */
  class_count all;
} span_metrics;

/* Are all labels O or B, I, E, S, L, U, M, W with or without -TYPE, and one of them B or I? */
bool span_tagged(const vocabulary *v);
unroll_status span_metrics_init(span_metrics *m, const vocabulary *v, unroll_error *err);
void span_metrics_free(span_metrics *m);
void span_metrics_add(span_metrics *m, const int32_t *truth, const int32_t *predicted, int64_t n);
#endif
