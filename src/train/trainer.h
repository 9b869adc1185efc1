/* trainer.h - what the files of the training loop share: train.c (loop), train_setup.c (data, model, plan), train_options.c
 * (defaults, options and state as JSON), checkpoint.c, log.c. Not for others. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H
#include "data/batch.h"
#include "ranks/ranks.h"
#include "run/gather.h"
#include "run/make.h"
#include "use/evaluate.h"
#include "model/model.h"
#include "train/optimizer.h"
#include "train/schedule.h"
#include "train/train.h"

/* All that changes from step to step beside weights, moments and carried states. Random numbers need no state: they are functions
 * of (seed, step). */
typedef struct train_state {
  int64_t step;                    /* steps made, skipped ones included */
  int64_t updates;                 /* steps that changed the weights */
  int64_t lowered, waiting;        /* plateau: how often the rate was lowered; validations without improvement since */
  int64_t worse;                   /* patience: validations without improvement */
  int64_t last_valid, last_record; /* steps */
  int64_t skipped, skipped_in_row;
  int64_t symbols;          /* trained on */
  int64_t interval_symbols; /* since the last record */
  double interval_nats;
  double best, valid_loss;      /* of validation; NaN: none yet */
  double loss, grad_norm, rate; /* of the last record, the last step, the last step */
  double seconds;               /* of training, all runs together */
  bool stopped;                 /* patience ran out */
} train_state;

enum { TRAIN, VALID, TEST };

typedef struct trainer {
  train_options o; /* texts live in `memory` */
  arena memory;
  train_callbacks calls;
  train_state s;
  schedule rates;
  model m;
  int64_t bad_rows;        /* left out */
  bool *balanced;          /* [m.n_weighted] class weights that are counted; NULL: none, or they are known */
  const bool *const *rare; /* [schema.n] words that are <unk> half of the times: see batch_options; NULL: none */
  model from;              /* the model of option 'from', until its weights are taken */
  text told;               /* what was taken of it, for train_start */
  bool *frozen;            /* [m.g.n_params] what option 'freeze' means; NULL: nothing */
  dataset sets[3];         /* what was read; [VALID] and [TEST] only where they are files of their own */
  part parts[3];
  const ranks *ranks;   /* that train together; NULL: this process alone */
  gathering *gathering; /* of what they have to tell */
  int agreed;           /* what all ranks have seen in this step: see look_around in train.c */
  pool *workers;
  batcher *batches;
  plan *plan;
  int window;    /* steps at a time; 0: all */
  int64_t bytes; /* that the run takes */
  run *run;
  evaluator *valid, *test;
  optimizer opt;
  float *best;          /* [n_weights] weights of the best validation */
  double *best_varying; /* [n_varying] and the settings that change, as they were */
  float *carry;         /* [run_carry_size] scratch */
  int64_t per_epoch, total;
  double began, last_checkpoint, interval_began; /* time_now */
  double seconds_before;                         /* of the runs before this one */
  double speed;                                  /* symbols per second, of the last interval */
  int64_t began_symbols;                         /* s.symbols when the interval began */
  work work;                                     /* of the steps of this run */
  work_rates rates_of_work;                      /* once it has ended */
  data_identity identity;                        /* of what was read */
  struct {
    const char *model, *checkpoint, *previous, *log;
  } files;              /* NULL without a folder */
  double first_largest; /* weight, when this run began */
  double least_norm;    /* of the gradients of this run; 0: none yet */
  int64_t least_at;     /* its step */
  int skips_said;
  bool old_model; /* the folder had the model of an earlier training, and still has unless `wrote` */
  bool wrote;     /* this run has written its model */
  bool interrupted, first_record;
  int lock;     /* 1 + the lock of the folder; 0: none */
  bool damaged; /* the file `checkpoint` is not to be kept as the previous one */
} trainer;

/* train_options.c: everything that a resumed run needs to know, as JSON. NULL when out of memory; freed by mem_free. */
unroll_status train_options_copy(trainer *t, const train_options *o, unroll_error *err);
unroll_status train_options_check(const train_options *o, unroll_error *err);
/* Refuses what a resumed run must go on with. */
unroll_status train_options_may_change(const train_options *change, unroll_error *err);
unroll_status train_options_change(trainer *t, const train_options *change, unroll_error *err); /* of a resumed run */
char *train_options_text(const train_options *o);
unroll_status train_options_parse(trainer *t, const char *file, const char *source, unroll_error *err);
char *train_state_text(const train_state *s);
unroll_status train_state_parse(train_state *s, const char *file, const char *source, unroll_error *err);

/* train_setup.c */
unroll_status trainer_read_data(trainer *t, unroll_error *err); /* datasets, as codes; t->m has begun, or is built */
unroll_status trainer_hold_out(trainer *t, unroll_error *err);  /* before schema_collect: what it must not see */
unroll_status trainer_encode(trainer *t, unroll_error *err);    /* once t->m.schema has its vocabularies */
/* The shares that the options valid and test ask for; 0 where they are not given or name a file. */
void trainer_shares(const trainer *t, double shares[3]);
enum { TRAINER_SMALL = 1000 }; /* fewer symbols: no validation unless asked for */
#define TRAINER_VALID 0.05
unroll_status trainer_prepare(trainer *t, unroll_error *err); /* everything else; t->m is built */
void trainer_free(trainer *t);

/* together.c: ranks. All of these are called by all ranks at the same time. What each has met so far: an error of one is one of
 * all. */
unroll_status together_meet(trainer *t, unroll_status status, unroll_error *err);
unroll_status together_run(trainer *t, const plan_options *options, unroll_error *err); /* t->run, t->plan */
unroll_status together_carry(trainer *t, unroll_error *err);                            /* t->carry: the states of all rows */

/* train_memory.c: the window of a plan that fits into t->o.memory, and t->bytes. */
unroll_status trainer_fit(trainer *t, plan_options *o, unroll_error *err);

/* class_weights.c: of a new run. First, once the data is encoded and before the model is built: m.weighted. Then, once there
 * are parts and before there is a plan: those that are counted. */
unroll_status class_weights_begin(trainer *t, unroll_error *err);
unroll_status class_weights_count(trainer *t, unroll_error *err);
void class_weights_tell(const trainer *t, text *out); /* for train_start */

/* from.c: option 'from' of a new run. First the model and its settings. Once there are vocabularies, those that both know. Once
 * there are weights, what is taken. */
unroll_status from_begin(trainer *t, unroll_error *err);
unroll_status from_merge(trainer *t, unroll_error *err);
unroll_status from_take(trainer *t, unroll_error *err);
/* vectors.c: option 'vectors' of a new run, once there are weights. */
unroll_status vectors_take(trainer *t, unroll_error *err);
/* freeze.c: t->frozen, of any run. */
unroll_status freeze_choose(trainer *t, unroll_error *err);

/* train_series.c: tables with a column of dates. In this order: */
unroll_status series_take_options(trainer *t, unroll_error *err); /* of a new run */
unroll_status series_cut(trainer *t, unroll_error *err);          /* once the data is read: where each part ends */
bool series_have_gaps(const trainer *t);                          /* are values missing that the net is to predict? */
unroll_status series_parts(trainer *t, unroll_error *err);        /* once it is measured: t->parts, as windows */

/* train.c */
unroll_status trainer_save(trainer *t, unroll_error *err); /* the model of this step, where there is a folder */

/* skipped.c */
void skipped_begin(trainer *t); /* before the first step of this run */
void skipped_note(trainer *t);  /* after each that was made */
/* A step without a finite loss and gradient is counted and reported; UNROLL_FAILED after too many in a row. */
unroll_status skipped_step(trainer *t, double mean, double norm, unroll_error *err);

/* notice.c */
unroll_status notice_rare(trainer *t, unroll_error *err); /* t->rare, once there are parts */
void notice_warn(const trainer *t);                       /* of a new run */
void notice_tell(const trainer *t, text *out);            /* for train_start */

/* train_against.c: of a finished training; r->against. */
unroll_status series_against(trainer *t, train_result *r, unroll_error *err);

/* checkpoint.c */
unroll_status checkpoint_save(trainer *t, unroll_error *err);
unroll_status checkpoint_start(trainer *t, unroll_error *err); /* step 0 of a new run, replacing both of an earlier one */
/* Loads model, options and state of the last good checkpoint of the folder; t->m, t->o, t->s; the rest by checkpoint_finish once
 * the trainer is prepared. *file is the one used. */
unroll_status checkpoint_load(trainer *t, tensor_file *f, const char **file, unroll_error *err);
/* UNROLL_USAGE if a checkpoint that was written elsewhere would have files read that nobody asked for. */
unroll_status checkpoint_trust(const trainer *t, const tensor_file *f, const char *file, const train_options *change,
                               unroll_error *err);
unroll_status checkpoint_finish(trainer *t, const tensor_file *f, const char *file, unroll_error *err);
unroll_status trainer_set_folder(trainer *t, const char *dir, unroll_error *err); /* t->files */
void trainer_warn(const trainer *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* log.c */
unroll_status log_start(trainer *t, unroll_error *err); /* an empty log, or on resume one without what comes after the checkpoint */
unroll_status log_add(trainer *t, bool validated, double test_loss, unroll_error *err);
#endif
