/* ranks.h - processes that work on one thing together, as MPI starts them. */
#ifndef RANKS_RANKS_H
#define RANKS_RANKS_H
#include <stdbool.h>
#include <stdint.h>
#include <unroll.h>
#include "base/text.h"
#include "ranks/module.h"

typedef struct ranks {
  int own, count, hosts;
  const ranks_module *module;
} ranks;

/* How the environment says that this process was started: as one of how many, and which. 1: alone. */
int ranks_started(int *own);
/* The same of those on this machine, as far as it is known. */
int ranks_near(int *own);
/* Where this process is one of several: joins the others, once. UNROLL_USAGE where it was started as one of several and finds
 * itself alone, or where there is no module. */
unroll_status ranks_begin(unroll_error *err);
/* All have come to their end. */
void ranks_end(void);
/* One cannot go on, and the others shall not wait: ends all. */
void ranks_fail(int code);
/* NULL: alone. */
const ranks *ranks_here(void);
/* Until it is said again with false this process works for itself, and ranks_here is NULL. */
void ranks_apart(bool apart);
/* Rank 0 reads the data for all: files are then read by all at the same time, between ranks_data_begin and ranks_data_end. */
void ranks_set_data_first(bool first);
void ranks_data_begin(void);
void ranks_data_end(void);
/* What all ranks must have in common. */
typedef struct ranks_trait {
  const char *what; /* "other data" */
  uint64_t hash;
} ranks_trait;
/* Called by all. UNROLL_USAGE says which rank has what. What went wrong on one rank until here, its `status`, goes wrong on all.
 * After an error all know of it, and have come to their end. */
unroll_status ranks_same(const ranks *r, unroll_status status, const ranks_trait *traits, int n, unroll_error *err);
uint64_t ranks_program(void); /* a hash of the program that runs */
/* Point to point; every rank that is sent something must receive it in the same call. UNROLL_FAILED names a rank that is silent
 * for 15 minutes, or for the seconds that UNROLL_SILENT_SECONDS has. */
unroll_status ranks_exchange(const ranks *r, const ranks_message *send, int n_send, ranks_message *receive, int n_receive,
                             unroll_error *err);
/* The same in two parts, so that there is something else to do meanwhile: bytes must stay until they have arrived. *under_way is
 * NULL when they have. wait: until then. */
unroll_status ranks_start(const ranks *r, const ranks_message *send, int n_send, ranks_message *receive, int n_receive,
                          void **under_way, unroll_error *err);
unroll_status ranks_arrived(const ranks *r, void **under_way, bool wait, unroll_error *err);
/* n bytes of each rank, own ones too, into all[rank * n]. */
unroll_status ranks_share(const ranks *r, const void *own, void *all, size_t n, unroll_error *err);
/* The bytes of each rank, of any number, come to rank 0: all[rank], [count] texts that are empty; other ranks leave them so. What
 * went wrong on one rank until here, its `status`, goes wrong on all. */
unroll_status ranks_collect(const ranks *r, unroll_status status, const text *own, text *all, unroll_error *err);
/* The bytes of rank 0 come to all, into *t, which is empty elsewhere; `status` is that of rank 0. */
unroll_status ranks_spread(const ranks *r, unroll_status status, text *t, unroll_error *err);
#endif
