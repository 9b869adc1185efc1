/* session.h - what the files of sessions share. session.c: life and steps. session_plan.c: what is run, and what is read whole.
 * session_set.c: what is set. session_value.c: what is said of a step. session_state.c: places as bytes. */
#ifndef API_SESSION_H
#define API_SESSION_H
#include "api/api.h"
#include "data/examples.h"
#include "dist/distribution.h"
#include "graph/cut.h"
#include "plan/plan.h"
#include "run/run.h"

/* The values of a variable at the last steps: entry k of a row is its value k steps ago. What is predicted is set after its step,
 * so entry 1 then. Kept as the net takes it. */
typedef struct track {
  const variable *v;
  int data, lags;   /* the most that an equation looks back */
  bool used;        /* it is an input */
  bool fed, still;  /* it is predicted; it has no steps */
  bool now;         /* predicted, and seen in the same step */
  bool whole;       /* all of it is read before the first step: its values are in `given` */
  int32_t *symbols; /* [lags + 1][rows]; NULL: numbers */
  float *numbers;   /* [lags + 1][rows][width] */
  bool *set;        /* [rows] for the step that comes next */
} track;

/* What runs, for as many steps of what is read whole. */
typedef struct session_plans {
  plan *encode, *step;
  run *encoder, *stepper; /* the first may be NULL: nothing is known but what is set at each step */
  examples before;        /* the batch of the encoder */
  int32_t **index;        /* [decoder.n_inputs] */
  float **number;
  int steps;     /* room: of a sequence ... */
  int64_t cells; /* ... and of all of them on an axis */
} session_plans;

typedef struct session_head {
  distribution d;
  int data;
} session_head;

struct unroll_session {
  const unroll_model *m;
  int rows, step_rows; /* step_rows: that a pass has room for */
  bool alone;          /* it is given nothing but what it predicts */
  bool again;          /* something predicted is seen in the same step */
  bool stale;          /* ... and was set since: the step is to be made again */
  bool looked;         /* log_p is that of the last step */
  cut c;
  session_plans p;
  bool reads;          /* something is whole */
  dataset given;       /* what is known before the first step, an example a row */
  int *place;          /* [rows] which sequence of the encoder's batch a row is, on the axis of the steps */
  track *tracks;       /* [n_data] */
  session_head *heads; /* [n_heads] */
  int n_heads;
  batch b;
  batch_axis *axes;
  int active[1];
  int64_t first[2];
  int64_t *made;             /* [rows] steps */
  float *carry, *states_now; /* [states] before the last step, where something is to be made again; scratch */
  float *log_p;
  float *args; /* the arguments of all heads, [rows] each, where they were brought back; `brought`: these count */
  bool brought;
  size_t args_size, states; /* floats */
  float *shares;            /* what was said last: probabilities ... */
  double *numbers;          /* ... means, a draw ... */
  int32_t symbol;           /* ... and the symbol */
  void *scratch;            /* of draws; and [widest] in double */
};

/* A hash of the equations, the weights and the precision. Another hash means another model. */
uint64_t session_model_hash(const model *m);

enum { SESSION_HISTORY = 256, SESSION_ROWS = 16 /* of a batch at least: the bits must not tell how many rows there are */ };
/* Finds out what is read whole, and makes room for it. UNROLL_USAGE for what cannot be set so. */
unroll_status session_find_whole(unroll_session *s, unroll_error *err);
/* Everything that runs, for sequences of so many steps, instead of what there was; the states go on. */
unroll_status session_plan(unroll_session *s, int steps, int64_t cells, unroll_error *err);
void session_plans_free(unroll_session *s);
/* Sequence `row` of a variable that is read whole: n steps of symbols, or of numbers as the net takes them. */
unroll_status session_set_whole(unroll_session *s, int number, int row, const int32_t *symbols, const float *numbers, int64_t n,
                                unroll_error *err);
/* Room for what is set so. */
unroll_status session_reach(unroll_session *s, unroll_error *err);
/* How many steps a row can make; *name (or NULL) is what says so. INT64_MAX: nothing does. */
int64_t session_most_steps(const unroll_session *s, int row, const char **name);
/* Runs the encoder: what is known before the first step. */
void session_encode(unroll_session *s);
/* What the step of each row sees of it, beside what is the same at all steps. */
void session_fill_step(unroll_session *s);
/* A model of one text, and one row of it? */
bool session_is_text(const unroll_session *s);
/* Makes the last step again where something that it sees was set since. */
void session_refresh(unroll_session *s);
/* Checks variable and row; *number is that of the track, or of the head. */
unroll_status session_track(unroll_session *s, int row, const char *name, int *number, unroll_error *err);
unroll_status session_head_of(unroll_session *s, int row, const char *name, int *number, unroll_error *err);
/* The arguments that head k has after the last step; makes it again where that is due. */
prediction session_prediction(unroll_session *s, int k, int row);
/* All of them, [args_size]. */
void session_arguments(unroll_session *s, float *out);
void session_write(unroll_session *s, int number, int row, const int32_t *symbol, const float *numbers);
#endif
