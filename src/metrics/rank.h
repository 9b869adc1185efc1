/* rank.h - how far up the true symbol is among all, by probability: rank 1 is the likeliest.
 *
 * hits@n: the share of the truths of rank n or above; MRR: the mean of 1 / rank (Voorhees 1999). */
#ifndef METRICS_RANK_H
#define METRICS_RANK_H
#include <stdint.h>

enum { RANK_HITS = 16 };

typedef struct rank_metrics { /* at and n_at to start; nothing to free */
  int64_t at[RANK_HITS];
  int n_at;
  int64_t n, hits[RANK_HITS];
  double reciprocal; /* sum */
} rank_metrics;

void rank_metrics_add(rank_metrics *m, int64_t rank);
/* NaN where nothing was added. */
double rank_metrics_hits(const rank_metrics *m, int number);
double rank_metrics_mrr(const rank_metrics *m);
#endif
