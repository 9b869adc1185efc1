/* batch.h - cuts a part of a dataset into batches; a batch is a pure function of (part, seed, epoch, index).
 *
 * Streams: the part becomes B contiguous streams that run side by side, T steps a pass; the states are carried from pass to
 * pass. All symbols are used: streams may differ by one symbol, and the last pass of an epoch may be shorter. Examples can be
 * streamed too. Each of the B streams then goes through pieces of examples, one after the other. States begin anew with each.
 * Examples: whole ones, shuffled for each epoch, then sorted by length (of the longest axis) within windows of 16 batches, and the
 * batches shuffled. Windows of series too; where each begins is drawn anew in each epoch. Such batches differ in how much they
 * predict. Where they are shuffled, for
 * training, loss_scale is one over what a full batch predicts on average. With a mean of each batch, a prediction in a short
 * example would count more than one in a long one.
 *
 * Nothing allocates after the batcher was made. */
#ifndef DATA_BATCH_H
#define DATA_BATCH_H
#include "data/examples.h"

typedef struct batch_options {
  int rows;      /* B */
  int steps;     /* T, streams only */
  bool uneven;   /* streams: passes of just so many steps, and a shorter last one; else all of about one size */
  uint64_t seed; /* of the shuffling */
  bool stream;   /* examples are streamed */
  bool shuffle;  /* false: examples in order of decreasing length, the same in every epoch */
  const schema *schema;
  /* [schema->n] of a variable NULL or [symbols]: words that are symbol 0, <unk>, half of the times that they are read. Which
   * times is a function of (seed, epoch, place). NULL: none are */
  const bool *const *rare;
  double warp;    /* pictures are seen through a map that is drawn anew, too: see warp.h; 0: as they are */
  double stretch; /* sequences of numbers are up to so much longer or shorter, drawn anew as well: see stretch.h; 0: as they are */
  int transpose;  /* pieces of music are up to so many half tones higher or lower, drawn anew for each example in each epoch */
} batch_options;

typedef struct batcher batcher;
/* The part must outlive the batcher. A stream shorter than 2 rows * symbols gets one row; T is at most the length of a row. */
unroll_status batcher_new(batcher **out, const graph *g, const part *p, const batch_options *options, unroll_error *err);
void batcher_free(batcher *b);
/* From here on only rows of the shards range[0] .. range[1] - 1 get their values: the others are another process's. What does not
 * depend on values, as who is there at which step, is known of all rows. */
void batcher_share(batcher *b, int shards, const int range[2]);
int64_t batcher_count(const batcher *b); /* batches in an epoch */
int batcher_rows(const batcher *b);      /* bounds for plan_options */
int batcher_steps(const batcher *b);
int64_t batcher_cells(const batcher *b);
/* Valid until the next call. The caller sets seed and step of the masks. */
batch *batcher_get(batcher *b, int64_t epoch, int64_t index);
int64_t batcher_symbols(const batcher *b);             /* predictions of the last batch */
int64_t batcher_loss_rows(const batcher *b, int loss); /* rows of a loss in the last batch */
/* Which example and step (from 0) row i of a loss in the last batch belongs to. */
void batcher_where(const batcher *b, int loss, int64_t i, int64_t *example, int64_t *step);
const examples *batcher_examples(const batcher *b); /* what the last batch was made of */

/* A stream that is one text: where row `row` begins in the stream, and how long it is. */
int64_t batcher_stream(const batcher *b, int64_t row, int64_t *length);
/* A batch of `count` steps of all rows, which begin `back` steps before their own. What is before the stream is not there. */
batch *batcher_before(batcher *b, int64_t back, int count);
#endif
