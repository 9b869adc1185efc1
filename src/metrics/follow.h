/* follow.h - how well one box is followed from frame to frame, beside what needs no model. */
#ifndef METRICS_FOLLOW_H
#define METRICS_FOLLOW_H
#include <stdint.h>

/* The model; the first true box, which stays; the first one, which goes on as it went from the first frame to the second. */
enum follow_kind { FOLLOW_MODEL, FOLLOW_STAYS, FOLLOW_GOES_ON, FOLLOW_KINDS };

typedef struct follow_sums {
  double overlap, distance; /* of boxes.h, sums */
  int64_t above;            /* boxes that overlap by more than a half */
} follow_sums;

typedef struct follow_metrics { /* {0} to start */
  int64_t n;                    /* boxes */
  follow_sums sums[FOLLOW_KINDS];
} follow_metrics;

/* Boxes of the frames of one film, [n][4]: left, top, width, height. Where a film has several frames the first does not count, for
 * its box is given. A model of single pictures has n = 1, and nothing stays or goes on. */
void follow_add(follow_metrics *m, const double *truth, const double *guess, int64_t n);
/* NaN where nothing was counted. */
double follow_overlap(const follow_metrics *m, enum follow_kind kind);
double follow_above(const follow_metrics *m, enum follow_kind kind); /* a share */
double follow_distance(const follow_metrics *m, enum follow_kind kind);
#endif
