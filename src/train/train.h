/* train.h - trains a model: the loop, validation, checkpoints, the log.
 *
 * In DIR: model.safetensors (the best model so far), checkpoint.safetensors and checkpoint-1.safetensors (the last two states of
 * training), log.jsonl. Every random number is a function of (seed, step, place), so a run that was stopped and resumed ends
 * with the bits of one that was not. */
#ifndef TRAIN_TRAIN_H
#define TRAIN_TRAIN_H
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <unroll.h>
#include "graph/graph.h"
#include "train/work.h"

typedef struct train_options {
  const char *net;    /* a file, or the name of a built-in net */
  const char *data;   /* a file, "-", a folder, or several with newlines between them: read/input.h */
  const char *series; /* tables: the column that says which rows are one example; NULL: a row each */
  const char *tagged; /* tables without a row of names: the names of the columns; see read/table.h. NULL: CSV or TSV */
  bool standardise;   /* numbers of tables get mean 0 and deviation 1 */
  const char *time;   /* tables: the column of dates, which makes the examples regular series; see data/calendar.h. NULL: none */
  const char *scale;  /* with time: "none", "series" or "level": how windows are scaled by their context; NULL: none */
  int64_t context, horizon; /* with time: steps that a window knows, and predicts. 0: by the season of the dates */
  bool folders;             /* the data is folders of texts, named by their labels */
  bool skip_bad;            /* rows and lines that cannot be read are left out, reported and counted */
  const char *dir;          /* NULL: nothing is written */
  const setting *settings;
  int n_settings;
  const char *const *inits; /* --init; see build_options */
  int n_inits;
  const char *const *ramps; /* --ramp; see ramp.h */
  int n_ramps;
  const char *class_weights; /* "balanced", FILE, NAME=balanced or NAME=FILE, several with newlines between them; class_weights.c.
                                NULL: all labels count the same */
  int64_t epochs, steps;     /* 0: not given. Neither: 10 epochs, at least 300 steps. Both: what comes first */
  int64_t batch;             /* 32 */
  int64_t unroll;            /* 64 steps a pass, streams only */
  const char *optimizer;     /* "adam" */
  double rate;               /* 0.002 */
  double momentum;           /* 0.9 for sgd, 0 for rmsprop; negative: that default */
  const char *schedule;      /* "constant"; see schedule.h */
  double clip_norm;          /* 5; 0: none */
  double clip_value;         /* 0: none */
  double weight_decay;       /* 0; adamw: 0.01 unless given; negative: that default */
  const char *valid;         /* share or file; NULL: 0.05, none for data of less than 1000 symbols */
  const char *test;          /* share or file; NULL: none */
  int64_t patience;          /* stop after so many validations without improvement; 0: never */
  uint64_t seed;             /* 1 */
  int threads;               /* 0: one per processor; the result does not depend on it */
  const char *precision;     /* "fp32", "bf16" */
  int64_t memory;            /* bytes that a run may take, beside its data; 0: no limit. The result does not depend on it */
  int64_t log_steps;         /* 50: a record about every so many steps */
  double checkpoint_seconds; /* 60: a checkpoint after so many seconds, at the end of an epoch, when interrupted. 0: each step */
} train_options;
void train_defaults(train_options *o);
/* "500M", "1.5G", "64K" (of 1024), or bytes. */
bool train_parse_bytes(const char *s, int64_t *bytes);

typedef struct train_start { /* what training begins with */
  const char *net_file;
  int64_t weights, symbols[3], sequences[3]; /* train, valid, test */
  int vocabulary, rows, steps;               /* symbols known; batch; steps a pass (the longest line) */
  int64_t first_step, total_steps, steps_per_epoch;
  double operations;     /* of one training step's products */
  int64_t memory, bytes; /* options.memory; what the run takes */
  int window;            /* steps that run at a time; 0: all */
  bool resumed;
  bool replaces;             /* the folder held the model of an earlier training */
  const char *checkpoint;    /* the file resumed from */
  const char *counted;       /* what `symbols` are: "symbol", "label", "number", "vector" or, of several kinds, "prediction" */
  const char *class_weights; /* "label: no 0.5, yes 5", a line for each variable that has some; NULL: none */
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

typedef struct train_result {
  int64_t steps, epochs, skipped, symbols;       /* skipped: steps whose loss or gradient was not finite */
  double seconds, loss;                          /* loss of the last record */
  double valid_loss, best_valid_loss, test_loss; /* NaN: there was none. The test is made with the best model */
  bool stopped_early;                            /* patience ran out */
  int64_t bad_rows;                              /* rows and lines of the data that were left out */
  work_rates work;                               /* of the steps of this run, validation and checkpoints aside */
} train_result;

unroll_status train_run(const train_options *o, const train_callbacks *c, train_result *r, unroll_error *err);
/* Goes on from DIR's last checkpoint. Of `change` (or NULL) only these count: data (NULL: as before), epochs and steps (0: as
 * before), memory (0: as before), threads, log_steps, checkpoint_seconds. Changed data is refused. */
unroll_status train_resume(const char *dir, const train_options *change, const train_callbacks *c, train_result *r,
                           unroll_error *err);
#endif
