/* module.c - libunroll_mpi.so: the few calls of MPI that ranks need. Only from point to point: sums are the program's own affair,
 * in its own order. */
#include <mpi.h>
#include <sched.h>
#include <stdlib.h>
#include "ranks/module.h"

enum { TAG = 7 };

static int begin(int *own, int *count, int *hosts) {
  int provided, first;
  MPI_Comm host, leaders;
  if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided)) return 1;
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_rank(MPI_COMM_WORLD, own);
  MPI_Comm_size(MPI_COMM_WORLD, count);
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host);
  MPI_Comm_rank(host, &first);
  MPI_Comm_split(MPI_COMM_WORLD, first == 0 ? 0 : 1, 0, &leaders);
  MPI_Comm_size(leaders, hosts);
  if (first) *hosts = 0; /* only leaders have counted; rank 0 is one of them */
  MPI_Comm_free(&leaders);
  MPI_Comm_free(&host);
  return 0;
}

typedef struct journey {
  int n;
  MPI_Request *requests; /* [n] */
  MPI_Status *states;
  int *ranks; /* [n] whose each is */
} journey;

static void free_journey(journey *j) {
  if (!j) return;
  free(j->requests);
  free(j->states);
  free(j->ranks);
  free(j);
}

static journey *new_journey(int n) {
  const size_t room = (size_t)n + 1;
  journey *j = calloc(1, sizeof *j);
  if (!j) return NULL;
  j->requests = malloc(room * sizeof *j->requests);
  j->states = malloc(room * sizeof *j->states);
  j->ranks = malloc(room * sizeof *j->ranks);
  if (j->requests && j->states && j->ranks) return j;
  free_journey(j);
  return NULL;
}

static void *start(const ranks_message *send, int n_send, ranks_message *receive, int n_receive) {
  journey *j = new_journey(n_send + n_receive);
  int failed = !j;
  for (int i = 0; i < n_receive && !failed; i++) {
    const ranks_message *m = &receive[i];
    j->ranks[j->n] = m->rank;
    failed = MPI_Irecv(m->bytes, (int)m->n, MPI_BYTE, m->rank, TAG, MPI_COMM_WORLD, &j->requests[j->n++]);
  }
  for (int i = 0; i < n_send && !failed; i++) {
    const ranks_message *m = &send[i];
    j->ranks[j->n] = m->rank;
    failed = MPI_Isend(m->bytes, (int)m->n, MPI_BYTE, m->rank, TAG, MPI_COMM_WORLD, &j->requests[j->n++]);
  }
  if (!failed) return j;
  free_journey(j);
  return NULL;
}

static int arrived(void *under_way, double seconds) {
  journey *j = under_way;
  int done = 0;
  for (const double begin = MPI_Wtime(); !done;) {
    if (MPI_Testall(j->n, j->requests, &done, j->states)) {
      free_journey(j);
      return RANKS_FAILED;
    }
    if (done) break;
    if (seconds <= 0) return RANKS_UNDER_WAY;
    sched_yield();
    if (MPI_Wtime() - begin < seconds) continue;
    for (int i = 0; i < j->n; i++) {
      int one = 0;
      if (MPI_Test(&j->requests[i], &one, MPI_STATUS_IGNORE) == MPI_SUCCESS && !one) return j->ranks[i];
    }
  }
  free_journey(j);
  return RANKS_ALL;
}

static void end(void) { MPI_Finalize(); }
static void fail(int code) { MPI_Abort(MPI_COMM_WORLD, code); }

ranks_module_function unroll_ranks_module;
__attribute__((visibility("default"))) const ranks_module *unroll_ranks_module(void) {
  static const ranks_module module = {RANKS_VERSION, begin, start, arrived, end, fail};
  return &module;
}
