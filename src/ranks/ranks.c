/* ranks.c - see ranks.h. The module is looked for beside the program and where it gets installed; UNROLL_MPI names another one. */
#include "ranks/ranks.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/memory.h"

#define SILENT_SECONDS 900.0 /* a validation, or a checkpoint on a slow disk, takes less */

static ranks here;

static int number_of(const char *name) {
  const char *value = getenv(name);
  return value && *value >= '0' && *value <= '9' ? atoi(value) : -1;
}

int ranks_started(int *own) {
  /* Open MPI and its PMIx, MPICH and others, Slurm */
  static const char *const names[][2] = {{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
                                         {"PMI_SIZE", "PMI_RANK"},
                                         {"MPI_LOCALNRANKS", "MPI_LOCALRANKID"},
                                         {"SLURM_NTASKS", "SLURM_PROCID"}};
  *own = 0;
  if (number_of("UNROLL_RANKS") == 1) return 1;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const int n = number_of(names[i][0]), rank = number_of(names[i][1]);
    if (n < 1 || rank < 0) continue;
    *own = rank;
    return n;
  }
  return 1;
}

static void *open_module(void) {
  static const char *const places[] = {"%s/libunroll_mpi.so", "%s/../lib/unroll/libunroll_mpi.so"};
  const char *named = getenv("UNROLL_MPI");
  char program[4096], file[4200];
  if (named) return dlopen(named, RTLD_NOW | RTLD_GLOBAL);
  const ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
  if (n <= 0) return NULL;
  program[n] = 0;
  *strrchr(program, '/') = 0;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    snprintf(file, sizeof file, i ? places[1] : places[0], program);
    if (access(file, R_OK) == 0) return dlopen(file, RTLD_NOW | RTLD_GLOBAL); /* MPI loads parts that look for it */
  }
  return NULL;
}

unroll_status ranks_begin(unroll_error *err) {
  int own;
  const int started = ranks_started(&own);
  if (here.module || started < 2) return UNROLL_OK;
  void *library = open_module();
  if (!library)
    return error_set(
        err, UNROLL_USAGE,
        "started as one of %d processes, but libunroll_mpi.so cannot be loaded: build where MPI is installed, or name it in "
        "UNROLL_MPI, or set UNROLL_RANKS=1 for processes that have nothing to do with each other",
        started);
  ranks_module_function *find = (ranks_module_function *)dlsym(library, RANKS_MODULE_SYMBOL);
  const ranks_module *m = find ? find() : NULL;
  if (!m || m->version != RANKS_VERSION)
    return error_set(err, UNROLL_USAGE, "libunroll_mpi.so is of another version of this program");
  if (m->begin(&here.own, &here.count, &here.hosts)) return error_set(err, UNROLL_FAILED, "MPI does not start");
  here.module = m;
  if (here.count > 1) return UNROLL_OK;
  m->end();
  here.module = NULL;
  return error_set(
      err, UNROLL_USAGE,
      "started as one of %d processes, which MPI does not connect: srun must be told the kind of MPI that this one was "
      "built for, and UNROLL_RANKS=1 is for processes that have nothing to do with each other",
      started);
}

void ranks_end(void) {
  if (here.module) here.module->end();
  here.module = NULL;
}

void ranks_fail(int code) {
  if (here.module) here.module->fail(code);
}

const ranks *ranks_here(void) { return here.module ? &here : NULL; }

unroll_status ranks_exchange(const ranks *r, const ranks_message *send, int n_send, ranks_message *receive, int n_receive,
                             unroll_error *err) {
  const int silent = r->module->exchange(send, n_send, receive, n_receive, SILENT_SECONDS);
  if (silent == -1) return UNROLL_OK;
  if (silent < 0) return error_set(err, UNROLL_FAILED, "MPI cannot send or receive");
  return error_set(err, UNROLL_FAILED, "rank %d has been silent for %.0f seconds; the last checkpoint is whole", silent,
                   SILENT_SECONDS);
}

unroll_status ranks_share(const ranks *r, const void *own, void *all, size_t n, unroll_error *err) {
  ranks_message *m = mem_zero(2 * (size_t)r->count, sizeof *m);
  int k = 0;
  if (!m) return error_memory(err);
  memcpy((char *)all + (size_t)r->own * n, own, n);
  for (int i = 0; i < r->count; i++) {
    if (i == r->own) continue;
    m[k] = (ranks_message){i, (char *)all + (size_t)r->own * n, n};
    m[r->count + k++] = (ranks_message){i, (char *)all + (size_t)i * n, n};
  }
  const unroll_status status = ranks_exchange(r, m, k, m + r->count, k, err);
  mem_free(m);
  return status;
}
