/* score.h - the log-probability that a model gives to what it predicts in each example, or in a stream, exactly: every one from its
 * own beginning. Of numbers it is that of the density, in the units of the data. */
#ifndef USE_SCORE_H
#define USE_SCORE_H
#include <signal.h>
#include "base/threads.h"
#include "model/model.h"

typedef struct scored_part { /* of one line with ~ */
  const variable *v;
  int64_t n;              /* 1, or the steps of the example, the end symbol included */
  const int32_t *symbols; /* [n]; NULL for numbers */
  const column_values *c; /* numbers: column_unscaled(c, v, from + i, j) is entry j of step i */
  int64_t from;
  const float *nats; /* [n] -log P(value | those before it); NULL unless per_symbol, and of ctc */
} scored_part;

typedef struct scored {
  int64_t number; /* of the example, from 0 */
  const scored_part *parts;
  int n_parts;       /* lines with ~, in their order */
  int64_t n;         /* predictions */
  double nats_total; /* -log P of all of them; log2 P = -nats_total * BITS_PER_NAT */
} scored;

typedef struct score_total {
  int64_t sequences, symbols;
  double nats; /* bits per symbol: nats / symbols * BITS_PER_NAT; perplexity: exp(nats / symbols) */
} score_total;

typedef struct score_sink {
  void *context;
  unroll_status (*emit)(void *context, const scored *s, unroll_error *err); /* in the order of the data; may be NULL */
  bool per_symbol;
  volatile sig_atomic_t *stop; /* or NULL */
} score_sink;

/* The dataset is encoded and measured, and has what is predicted. */
unroll_status score(const model *m, const dataset *d, pool *workers, const score_sink *sink, score_total *total, unroll_error *err);
#endif
