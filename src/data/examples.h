/* examples.h - some examples, or some steps of each, become a batch. On each time axis it has the sequences in order of
 * decreasing length, and the values of every (variable, lag). */
#ifndef DATA_EXAMPLES_H
#define DATA_EXAMPLES_H
#include "data/schema.h"
#include "data/warp.h"
#include "run/batch.h"

typedef struct examples {
  batch b;
  const graph *g;
  const schema *s;
  const dataset *d;
  int64_t *list;          /* [max_rows] for the caller: numbers of the examples */
  series_window *windows; /* [max_rows] for the caller: which steps of each; NULL: all */
  double *scales;         /* [max_rows][2 * n_scales] mean and deviation of the numbers that are scaled by window ... */
  int *scale_at;          /* [s->n] ... and where those of each variable are; -1: not scaled so */
  int n_scales;
  const bool *const *rare; /* as in batch_options; NULL: no word is hidden */
  uint64_t rare_seed, rare_epoch;
  double *times;     /* [max_rows] for the caller: sequences of numbers are so many times as long (stretch.h); NULL: once */
  bool *stretched;   /* [n_axes] beside it: which axes are */
  double *pace;      /* [max_rows] scratch: steps of the example to a step of the batch */
  int64_t *last;     /* [max_rows] scratch: the example's last step */
  warp *warps;       /* [max_rows] for the caller: pictures are seen through these; NULL: as they are */
  bool *warped;      /* [s->n] beside it: which variables are */
  int *shift;        /* [max_rows] for the caller: keys of pieces of music are so many half tones higher */
  int64_t predicted; /* by all losses, after a fill */
  batch_axis *axes;  /* [n_axes] */
  int **active;      /* [n_axes][max_steps] */
  int64_t **first;   /* [n_axes][max_steps + 1] */
  int **order;       /* [n_axes][max_rows] */
  int32_t **index;   /* [n_inputs] */
  float **number;    /* [n_inputs] */
  uint64_t *keys;    /* [max_rows] scratch */
  int64_t *place;    /* [max_rows] scratch: where the values of each begin */
  int max_rows, max_steps;
  int64_t max_cells;
  int shards, own[2]; /* only rows of the shards own[0] .. own[1] - 1 get their values; shards 0: all rows */
} examples;

/* cells: bound on the sum of the lengths of a batch's examples, on every axis. The dataset is encoded. `windowed`: of windows. */
unroll_status examples_init(examples *f, const graph *g, const schema *s, const dataset *d, int rows, int steps, int64_t cells,
                            bool windowed, unroll_error *err);
void examples_free(examples *f);
unroll_status examples_stretch(examples *f, unroll_error *err); /* from here on f->times counts; once after examples_init */
unroll_status examples_warp(examples *f, unroll_error *err);    /* the same of f->warps */
/* f->b from f->list[0..n). Lag k at step t is the value at t - k. Before the beginning (of the series, not of the window) it is
 * -1 or zeros, and so are missing targets. loss_scale is one over what is predicted. */
void examples_fill(examples *f, int n);
/* Rows of loss k in the last batch, and the example and step (from 0) that row i belongs to. */
int64_t examples_rows(const examples *f, int k);
int64_t examples_predicted(const examples *f, int k); /* the same, but of ctc the symbols of its texts */
void examples_where(const examples *f, int k, int64_t row, int *in_batch, int *step);
#endif
