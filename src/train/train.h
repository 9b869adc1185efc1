/* train.h - trains a model: the loop, validation, checkpoints, the log.
 *
 * In DIR: model.safetensors (the best model so far), checkpoint.safetensors and checkpoint-1.safetensors (the last two states
 * of training), log.jsonl. Every random number is a function of (seed, step, place). So a run that was stopped and resumed ends
 * with the bits of one that was not. */
#ifndef TRAIN_TRAIN_H
#define TRAIN_TRAIN_H
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <unroll.h>
#include "train/options.h"
#include "metrics/figures.h"
#include "model/model.h"
#include "train/work.h"

typedef struct train_start { /* what training begins with */
  const char *net_file;
  int64_t weights, symbols[3], sequences[3]; /* train, valid, test */
  int vocabulary, rows, steps;               /* symbols known; batch; steps a pass (the longest line) */
  int64_t first_step, total_steps, steps_per_epoch;
  double operations;     /* of one training step's products */
  int64_t memory, bytes; /* options.memory; what the run takes */
  int window;            /* steps that run at a time; 0: all */
  int threads;           /* that share the work */
  int shards;            /* of the batch */
  bool resumed;
  bool replaces;             /* the folder held the model of an earlier training */
  const char *checkpoint;    /* the file resumed from */
  const char *counted;       /* what `symbols` are: "symbol", "label", "number", "vector" or, of several kinds, "prediction" */
  const char *class_weights; /* "label: no 0.5, yes 5", a line for each variable that has some; NULL: none */
  const char *notes;         /* what was taken to have steps, shares of <unk>: lines; NULL: none */
} train_start;

typedef struct train_progress {                              /* after each step */
  int64_t step, total_steps, epoch;                          /* steps made; epoch from 1 */
  double loss, rate, grad_norm, seconds, symbols_per_second; /* loss: nats per symbol, smoothed since the last record */
  double valid_loss;                                         /* NaN before the first validation */
  bool validated;                                            /* a validation was made after this step */
  bool best;                                                 /* and it was the best so far */
} train_progress;

typedef struct train_callbacks { /* all may be NULL */
  void *context;
  void (*start)(void *context, const train_start *s);
  void (*progress)(void *context, const train_progress *p);
  void (*warning)(void *context, const char *message); /* a skipped step, a damaged checkpoint ... */
  volatile sig_atomic_t *stop; /* set by a signal: the step is finished, the checkpoint written, UNROLL_INTERRUPTED returned */
} train_callbacks;

typedef struct train_against { /* beside the seasonal naive forecast */
  const char *of;              /* "test", or "validation" by which the model was chosen; NULL: nothing was measured */
  int64_t windows, season;
  bool scaled;         /* the errors are MASE; else MAE */
  double model, naive; /* errors */
} train_against;

typedef struct train_result {
  int64_t steps, epochs, skipped, symbols;       /* skipped: steps whose loss or gradient was not finite */
  double seconds, loss;                          /* loss of the last record */
  double valid_loss, best_valid_loss, test_loss; /* NaN: there was none. The test is made with the best model */
  bool stopped_early;                            /* patience ran out */
  bool wrote;                                    /* the model: false where none was better than what the folder has */
  int64_t bad_rows;                              /* rows and lines of the data that were left out */
  train_against against;                         /* of series */
  work_rates work;                               /* of the steps of this run, validation and checkpoints aside */
} train_result;

void train_figures(figures *f, const train_result *r); /* adds them to the whole; f may have failed then */

/* o->dir NULL: nothing is written. */
unroll_status train_run(const train_options *o, const train_callbacks *c, train_result *r, unroll_error *err);
/* The model as that training would begin with it. On failure *out stays as it is. */
unroll_status train_untrained(const train_options *o, model *out, unroll_error *err);
/* Goes on from the folder's last checkpoint. `change` (or NULL) has options that were given anew. One is taken where its row
 * says FREE, and refused where a resumed run must go on with what it began with. Changed data is refused. */
unroll_status train_resume(const char *dir, const train_options *change, const train_callbacks *c, train_result *r,
                           unroll_error *err);
#endif
