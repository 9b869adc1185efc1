/* score.h - the log-probability that a model gives to lines or to a stream, exactly: every sequence from its own beginning. */
#ifndef USE_SCORE_H
#define USE_SCORE_H
#include <signal.h>
#include "base/threads.h"
#include "model/model.h"

typedef struct scored {
  int64_t number;         /* of the sequence, from 0 */
  const int32_t *symbols; /* n of them, a line's end symbol included */
  const float *nats;      /* [n] -log P(symbol | those before it); NULL unless per_symbol */
  int64_t n;
  double nats_total; /* -log P of the sequence; log2 P = -nats_total * BITS_PER_NAT */
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

/* The dataset is one read with m->form and encoded with m->words. */
unroll_status score(const model *m, const dataset *d, pool *workers, const score_sink *sink, score_total *total, unroll_error *err);
#endif
