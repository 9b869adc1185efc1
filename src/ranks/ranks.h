/* ranks.h - processes that work on one thing together, as MPI starts them. */
#ifndef RANKS_RANKS_H
#define RANKS_RANKS_H
#include <stdbool.h>
#include <unroll.h>
#include "ranks/module.h"

typedef struct ranks {
  int own, count, hosts;
  const ranks_module *module;
} ranks;

/* How the environment says that this process was started: as one of how many, and which. 1: alone. */
int ranks_started(int *own);
/* Where this process is one of several: joins the others, once. UNROLL_USAGE where it was started as one of several and finds
 * itself alone, or where there is no module. */
unroll_status ranks_begin(unroll_error *err);
/* All have come to their end. */
void ranks_end(void);
/* One cannot go on, and the others shall not wait: ends all. */
void ranks_fail(int code);
/* NULL: alone. */
const ranks *ranks_here(void);
/* Point to point; every rank that is sent something must receive it in the same call. UNROLL_FAILED names a rank that is silent. */
unroll_status ranks_exchange(const ranks *r, const ranks_message *send, int n_send, ranks_message *receive, int n_receive,
                             unroll_error *err);
/* n bytes of each rank, own ones too, into all[rank * n]. */
unroll_status ranks_share(const ranks *r, const void *own, void *all, size_t n, unroll_error *err);
#endif
