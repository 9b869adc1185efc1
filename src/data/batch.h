/* batch.h - cuts a part of a dataset into batches; a batch is a pure function of (part, seed, epoch, index).
 *
 * Streams: the part becomes B contiguous streams that run side by side, T symbols a pass; the states are carried from pass to
 * pass. All symbols are used: streams may differ by one symbol, and the last pass of an epoch may be shorter.
 * Lines and examples of a table: whole sequences, shuffled for each epoch, then sorted by length (of the longest axis) within
 * windows of 16 batches, and the batches shuffled. Windows of series too; where each begins is drawn anew in each epoch.
 *
 * Nothing allocates after the batcher was made. */
#ifndef DATA_BATCH_H
#define DATA_BATCH_H
#include "data/examples.h"
#include "graph/graph.h"
#include "run/batch.h"

/* A row of a frame: `count` symbols of a text from place `from`, which may be negative (then nothing is there yet). */
typedef struct frame_row {
  const int32_t *text;
  int64_t from;
  int count;
} frame_row;

/* Room for one batch. */
typedef struct frame {
  batch b;
  batch_axis axis;
  int *active;
  int64_t *first;
  int32_t **index;
  bool *target; /* [n_inputs] is it what a loss predicts? */
  const graph *g;
  frame_row *rows; /* [max_rows] for the caller */
  int max_rows, max_steps;
  int64_t max_cells;
} frame;

/* Checks that the graph takes one variable of symbols over one time axis (UNROLL_USAGE if not). */
unroll_status frame_init(frame *f, const graph *g, int rows, int steps, int64_t cells, unroll_error *err);
void frame_free(frame *f);
/* f->b from f->rows[0..n), which are in order of decreasing count. Lag k at place p is text[p - k], -1 before the beginning.
 * counted = false: nothing is predicted (targets -1), for warming up. loss_scale is one over the number of symbols. */
void frame_fill(frame *f, int n, bool counted);

typedef struct batch_options {
  int rows;            /* B */
  int steps;           /* T, streams only */
  uint64_t seed;       /* of the shuffling */
  bool shuffle;        /* false: lines in order of decreasing length, the same in every epoch */
  const schema *table; /* for the examples of a table; NULL: a text */
} batch_options;

typedef struct batcher batcher;
/* The part must outlive the batcher. A stream shorter than 2 rows * symbols gets one row; T is at most the length of a row. */
unroll_status batcher_new(batcher **out, const graph *g, const part *p, const batch_options *options, unroll_error *err);
void batcher_free(batcher *b);
int64_t batcher_count(const batcher *b); /* batches in an epoch */
int batcher_rows(const batcher *b);      /* bounds for plan_options */
int batcher_steps(const batcher *b);
int64_t batcher_cells(const batcher *b);
/* Valid until the next call. The caller sets seed and step of the masks. */
batch *batcher_get(batcher *b, int64_t epoch, int64_t index);
int64_t batcher_symbols(const batcher *b);             /* predicted symbols of the last batch */
int64_t batcher_loss_rows(const batcher *b, int loss); /* rows of a loss in the last batch */
/* Where row i of a loss in the last batch is in the data, from 1: sequence and symbol of lines, row (as in row_of) and step of a
 * table, or place in the stream (sequence 0). */
void batcher_where(const batcher *b, int loss, int64_t i, int64_t *line, int64_t *column);
const examples *batcher_examples(const batcher *b); /* tables only: what the last batch was made of */
#endif
