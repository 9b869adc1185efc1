/* decode.h - draws what a net feeds back to itself: texts, tags, series, step by step. The one decoder of all such nets.
 *
 * The net is cut (graph/cut.h). For each group of examples the encoder runs once. The true values that come first, if any (the
 * prime of a text, the context of a series), run in few passes of many steps. Then each pass is one step of all rows. A row is
 * one hypothesis or sample of one example. A net without an encoder is the same with nothing to encode.
 *
 * Search: greedy (beam = 1) or beam search. Of each example's hypotheses the `beam` best go on, and ended ones are put aside.
 * The search is over when `beam` have ended, or when none that goes on can be among the best any more. They are ranked by log P
 * / penalty, where penalty = ((5 + n) / 6)^a, n the symbols with the end symbol (Wu et al. 2016, equation 14). With a = 0 that
 * is log P. Sampling: every draw is a function of (seed, number of the example, number of the sample, place). So it depends
 * neither on how many run side by side nor on threads. */
#ifndef USE_DECODE_H
#define USE_DECODE_H
#include <signal.h>
#include "base/threads.h"
#include "run/batch.h"
#include "dist/distribution.h"
#include "model/model.h"

typedef struct decode_options {
  int beam;           /* hypotheses that go on; more than 1 for nets with one softmax only */
  double penalty;     /* a */
  int best;           /* so many hypotheses of each example come out, at most `beam` */
  int64_t samples;    /* 0: search; else so many draws of each example */
  draw_choice choice; /* of symbols; temperature 0 also takes the mode of numbers */
  uint64_t seed;
  int64_t
      length; /* steps to draw at most, beside the known ones; -1: 50 + twice the longest input of the example, 1000 without one */
  int rows;   /* side by side, about; changes no result */
} decode_options;
void decode_defaults(decode_options *o); /* greedy, temperature 1, seed 1, 32 rows */

/* Where examples come from: batches of the whole graph, in any order of the rows along each axis. */
typedef struct decode_source {
  void *context;
  /* Examples first .. first + n - 1, n <= decode_group(): row i of the batch is example first + i. What is predicted on the decoded
   * axis counts in its `known` first steps only (input of lag 0). Valid until the next call. */
  const batch *(*fill)(void *context, int64_t first, int n);
  int64_t n;             /* examples */
  const int64_t *known;  /* [n] true values that come first; NULL: none */
  const int64_t *length; /* [n] or NULL: so many steps are drawn at most, 0 or more; then options.length does not count */
  int steps;             /* bounds on a batch, as in plan_options */
  int64_t cells;
} decode_source;
/* Examples that are filled at a time. */
int decode_group(const decode_options *o);

typedef struct decoded_part { /* of one line with ~ on the decoded axis */
  int loss;                   /* its number */
  const vocabulary *words;    /* NULL: numbers */
  int width;                  /* of a step's numbers */
  bool ends;                  /* they only say which step is the last */
  const int32_t *symbols;     /* [n] without the end symbol */
  const double *numbers;      /* [n][width] in the units of the data */
} decoded_part;

typedef struct decoded {
  int64_t example, number; /* from 0; number: of the sample, or the hypothesis by rank */
  const decoded_part *parts;
  int n_parts;
  int64_t n;              /* steps drawn, after the known ones and before the end symbol */
  double log_probability; /* nats, at temperature 1, of all that was drawn (the end symbol too) given what was known */
  double score;           /* log_probability / penalty */
  bool ended; /* by its end symbol, or by a step that says it is the last. Where the data says how many steps there are, by the
               * last of them */
} decoded;

/* Gets examples in order, each with all its samples or hypotheses in order; valid during the call. A status other than OK ends it
 * and is returned. stop (or NULL) set: UNROLL_INTERRUPTED. */
typedef struct decode_sink {
  void *context;
  unroll_status (*emit)(void *context, const decoded *d, unroll_error *err);
  volatile sig_atomic_t *stop;
  double *probabilities; /* or NULL: [symbols] of the first head becomes the distribution of its first symbol in example 0 */
} decode_sink;

/* Does the net feed back what it predicts? */
bool decode_is_for(const graph *g);
unroll_status decode(const model *m, const decode_options *o, const decode_source *source, pool *workers, const decode_sink *sink,
                     unroll_error *err);

/* --- ready sources --- */
/* Examples of a table. `known` as above. d is encoded; columns of what is decoded need not be there. */
unroll_status decode_table(const model *m, const dataset *d, const int64_t *known, const decode_options *o, pool *workers,
                           const decode_sink *sink, unroll_error *err);
/* One example from nothing but a beginning, symbols[n] of the variable of a text; n = 0: nothing. UNROLL_USAGE for a net that needs
 * other data. */
unroll_status decode_nothing(const model *m, const int32_t *symbols, int64_t n, const decode_options *o, pool *workers,
                             const decode_sink *sink, unroll_error *err);
#endif
