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

static int wait_for(MPI_Request *requests, MPI_Status *states, int n, const ranks_message *send, int n_send,
                    const ranks_message *receive, double seconds) {
  int done = 0;
  for (const double start = MPI_Wtime(); !done;) {
    if (MPI_Testall(n, requests, &done, states)) return -2;
    if (done) break;
    sched_yield();
    if (MPI_Wtime() - start < seconds) continue;
    for (int i = 0; i < n; i++) {
      int one = 0;
      if (MPI_Test(&requests[i], &one, MPI_STATUS_IGNORE) == MPI_SUCCESS && !one)
        return i < n_send ? send[i].rank : receive[i - n_send].rank;
    }
  }
  return -1;
}

static int exchange(const ranks_message *send, int n_send, ranks_message *receive, int n_receive, double seconds) {
  const int n = n_send + n_receive;
  MPI_Request *requests = malloc((size_t)(n + 1) * sizeof *requests);
  MPI_Status *states = malloc((size_t)(n + 1) * sizeof *states);
  int failed = !requests || !states, result = -2, posted = 0;
  for (int i = 0; i < n_send && !failed; i++, posted++)
    failed = MPI_Isend(send[i].bytes, (int)send[i].n, MPI_BYTE, send[i].rank, TAG, MPI_COMM_WORLD, &requests[i]);
  for (int i = 0; i < n_receive && !failed; i++, posted++)
    failed = MPI_Irecv(receive[i].bytes, (int)receive[i].n, MPI_BYTE, receive[i].rank, TAG, MPI_COMM_WORLD, &requests[n_send + i]);
  if (!failed) result = wait_for(requests, states, posted, send, n_send, receive, seconds);
  free(requests);
  free(states);
  return result;
}

static void end(void) { MPI_Finalize(); }
static void fail(int code) { MPI_Abort(MPI_COMM_WORLD, code); }

ranks_module_function unroll_ranks_module;
__attribute__((visibility("default"))) const ranks_module *unroll_ranks_module(void) {
  static const ranks_module module = {RANKS_VERSION, begin, exchange, end, fail};
  return &module;
}
