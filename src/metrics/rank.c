/* rank.c - see rank.h. */
#include "metrics/rank.h"
#include <math.h>

void rank_metrics_add(rank_metrics *m, int64_t rank) {
  m->n++;
  m->reciprocal += 1 / (double)rank;
  for (int i = 0; i < m->n_at; i++) m->hits[i] += rank <= m->at[i];
}

double rank_metrics_hits(const rank_metrics *m, int number) { return m->n ? (double)m->hits[number] / (double)m->n : (double)NAN; }

double rank_metrics_mrr(const rank_metrics *m) { return m->n ? m->reciprocal / (double)m->n : (double)NAN; }
