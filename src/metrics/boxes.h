/* boxes.h - how well boxes are followed: overlap, and the measures of trackers of several things at once (Bernardin & Stiefelhagen
 * 2008; Ristani et al. 2016). */
#ifndef METRICS_BOXES_H
#define METRICS_BOXES_H
#include <stdbool.h>
#include <stdint.h>
#include <unroll.h>

typedef struct box {
  double left, top, width, height;
} box;

/* Intersection over union, 0 to 1; 0 where neither has an area. */
double box_overlap(const box *a, const box *b);
/* From one middle to the other. */
double box_distance(const box *a, const box *b);

/* A box of one thing in one frame; numbers are any, a thing has one box a frame. */
typedef struct tracked_box {
  int64_t frame, thing;
  box at;
} tracked_box;

typedef struct tracking {
  int64_t boxes, guesses; /* true ones, guessed ones */
  int64_t matches;        /* pairs of one frame that overlap enough, each box in one pair at most; with switches */
  int64_t misses, false_positives;
  int64_t switches; /* a true thing is matched with another guess than when it was matched last */
  double mota;      /* 1 - (misses + false positives + switches) / boxes */
  double motp;      /* the mean overlap of the pairs */
  int64_t identity; /* pairs that are left when each thing keeps one guess for all frames, the best choice of these */
  double idf1;      /* 2 identity / (boxes + guesses) */
} tracking;

/* Pairs overlap by at least `least`, usually 0.5. Both lists may be in any order. Within a frame, pairs of the frame before stay,
 * and the others are as many as possible, of those the ones with the largest overlap. */
unroll_status tracking_measure(tracking *out, const tracked_box *truth, int64_t n_truth, const tracked_box *guess, int64_t n_guess,
                               double least, unroll_error *err);

/* Gives each of n rows a column of its own, of m >= n. The costs [n, m] add up to the least then (Kuhn 1955). Returns false
 * when out of memory. */
bool assign_columns(int *column, const double *cost, int n, int m);
#endif
