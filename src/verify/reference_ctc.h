/* reference_ctc.h - connectionist temporal classification of one sequence in double precision, for the reference. It uses the
 * sums of Graves et al. (2006), over the symbols with a blank before, between and after them. */
#ifndef VERIFY_REFERENCE_CTC_H
#define VERIFY_REFERENCE_CTC_H
#include <stdint.h>

typedef struct reference_ctc {
  int T, n, K;            /* steps, symbols, logits of a step; the last logit is the blank's */
  double *p;              /* [T, K] logits; reference_ctc_loss makes log probabilities of them */
  int32_t *symbols;       /* [n] */
  double *forward, *back; /* [T, 2 n + 1] scratch */
} reference_ctc;

/* Sums over all alignments; returns -log of their probability, infinity where there is none. */
double reference_ctc_loss(reference_ctc *c);
/* After that: the probability that step t is symbol k, given that the symbols come out. */
double reference_ctc_share(const reference_ctc *c, int t, int k);
#endif
