/* share.h - pieces of work that ranks share: piece i is made by rank i modulo their number. What comes of them goes to rank 0 as
 * bytes, which takes all in order. */
#ifndef USE_SHARE_H
#define USE_SHARE_H
#include <signal.h>
#include "ranks/ranks.h"

typedef struct shared_work {
  void *context;
  unroll_status (*make)(void *context, int64_t piece, text *out, unroll_error *err);
  unroll_status (*take)(void *context, int64_t piece, const text *bytes, unroll_error *err); /* aligned for any type */
  volatile sig_atomic_t *stop;                                                               /* or NULL */
} shared_work;

/* Called by all ranks; what goes wrong on one of them ends it on all. */
unroll_status share_work(const ranks *r, const shared_work *w, int64_t pieces, unroll_error *err);
/* n bytes more, in multiples of 8: they stay aligned. */
void share_add(text *out, const void *bytes, size_t n);
/* The next n bytes that were added so. */
const void *share_next(const text *bytes, size_t *at, size_t n);
#endif
