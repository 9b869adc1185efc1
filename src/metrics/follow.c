/* follow.c - see follow.h. */
#include "metrics/follow.h"
#include <math.h>
#include "metrics/boxes.h"

static box box_at(const double *x, int64_t i) { return (box){x[4 * i], x[4 * i + 1], x[4 * i + 2], x[4 * i + 3]}; }

static void add(follow_sums *s, const box *truth, const box *guess) {
  const double overlap = box_overlap(truth, guess);
  s->overlap += overlap;
  s->distance += box_distance(truth, guess);
  s->above += overlap > 0.5;
}

void follow_add(follow_metrics *m, const double *truth, const double *guess, int64_t n) {
  for (int64_t i = n > 1; i < n; i++) {
    const box right = box_at(truth, i), said = box_at(guess, i), first = box_at(truth, 0);
    box gone = first;
    gone.left += (double)i * (box_at(truth, n > 1).left - first.left);
    gone.top += (double)i * (box_at(truth, n > 1).top - first.top);
    add(&m->sums[FOLLOW_MODEL], &right, &said);
    if (n > 1) {
      add(&m->sums[FOLLOW_STAYS], &right, &first);
      add(&m->sums[FOLLOW_GOES_ON], &right, &gone);
    }
    m->n++;
  }
}

static double mean(const follow_metrics *m, double sum) { return m->n ? sum / (double)m->n : (double)NAN; }

double follow_overlap(const follow_metrics *m, enum follow_kind kind) { return mean(m, m->sums[kind].overlap); }
double follow_above(const follow_metrics *m, enum follow_kind kind) { return mean(m, (double)m->sums[kind].above); }
double follow_distance(const follow_metrics *m, enum follow_kind kind) { return mean(m, m->sums[kind].distance); }
