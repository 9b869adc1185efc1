/* ranks.c - see ranks.h. The module is looked for beside the program and where it gets installed; UNROLL_MPI names another one. */
#include "ranks/ranks.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"

#define SILENT_SECONDS 900.0 /* a validation, or a checkpoint on a slow disk, takes less */

#define MOST_BYTES ((size_t)1 << 30) /* of a message */

static ranks here;
static bool apart;

static int number_of(const char *name) {
  const char *value = getenv(name);
  return value && *value >= '0' && *value <= '9' ? atoi(value) : -1;
}

/* The first pair of names that the environment has. */
static int find_number(const char *const names[][2], size_t n, int *own) {
  *own = 0;
  for (size_t i = 0; i < n; i++) {
    const int count = number_of(names[i][0]), rank = number_of(names[i][1]);
    if (count < 1 || rank < 0) continue;
    *own = rank;
    return count;
  }
  return 1;
}

int ranks_started(int *own) {
  /* Open MPI and its PMIx, MPICH and others, Slurm */
  static const char *const names[][2] = {{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
                                         {"PMI_SIZE", "PMI_RANK"},
                                         {"MPI_LOCALNRANKS", "MPI_LOCALRANKID"},
                                         {"SLURM_NTASKS", "SLURM_PROCID"}};
  *own = 0;
  return number_of("UNROLL_RANKS") == 1 ? 1 : find_number(names, sizeof names / sizeof *names, own);
}

int ranks_near(int *own) {
  static const char *const names[][2] = {{"OMPI_COMM_WORLD_LOCAL_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
                                         {"MPI_LOCALNRANKS", "MPI_LOCALRANKID"},
                                         {"SLURM_NTASKS_PER_NODE", "SLURM_LOCALID"}};
  return find_number(names, sizeof names / sizeof *names, own);
}

/* MPICH's starter says it by PMI alone, Open MPI's by names of its own. */
static bool is_mpich(void) { return number_of("PMI_SIZE") > 0 && number_of("OMPI_COMM_WORLD_SIZE") < 0; }

static void *open_module(void) {
  static const char *const places[] = {"%s/%s", "%s/../lib/unroll/%s"}, *const modules[] = {"libunroll_mpich.so",
                                                                                            "libunroll_mpi.so"};
  const char *named = getenv("UNROLL_MPI");
  char program[4096], file[4200];
  if (named) return dlopen(named, RTLD_NOW | RTLD_GLOBAL);
  const ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
  if (n <= 0) return NULL;
  program[n] = 0;
  *strrchr(program, '/') = 0;
  for (size_t m = is_mpich() ? 0 : 1; m < 2; m++)
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
      snprintf(file, sizeof file, i ? places[1] : places[0], program, modules[m]);
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

const ranks *ranks_here(void) { return here.module && !apart ? &here : NULL; }
void ranks_apart(bool now) { apart = now; }

unroll_status ranks_start(const ranks *r, const ranks_message *send, int n_send, ranks_message *receive, int n_receive,
                          void **under_way, unroll_error *err) {
  *under_way = r->module->start(send, n_send, receive, n_receive);
  return *under_way ? UNROLL_OK : error_set(err, UNROLL_FAILED, "MPI cannot send or receive");
}

unroll_status ranks_arrived(const ranks *r, void **under_way, bool wait, unroll_error *err) {
  if (!*under_way) return UNROLL_OK;
  const int named = wait ? number_of("UNROLL_SILENT_SECONDS") : 0;
  const double seconds = !wait ? 0 : named > 0 ? named : SILENT_SECONDS;
  const int silent = r->module->arrived(*under_way, seconds);
  if (silent == RANKS_UNDER_WAY) return UNROLL_OK;
  *under_way = NULL; /* of a rank that is silent it is never freed: messages may still come */
  if (silent == RANKS_ALL) return UNROLL_OK;
  if (silent == RANKS_FAILED) return error_set(err, UNROLL_FAILED, "MPI cannot send or receive");
  return error_set(err, UNROLL_FAILED, "rank %d has been silent for %.0f seconds; the last checkpoint is whole", silent, seconds);
}

unroll_status ranks_exchange(const ranks *r, const ranks_message *send, int n_send, ranks_message *receive, int n_receive,
                             unroll_error *err) {
  void *under_way;
  const unroll_status status = ranks_start(r, send, n_send, receive, n_receive, &under_way, err);
  return status ? status : ranks_arrived(r, &under_way, true, err);
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

uint64_t ranks_program(void) {
  FILE *f = fopen("/proc/self/exe", "rb");
  unsigned char block[1 << 14];
  uint64_t hash = 0;
  size_t n;
  while (f && (n = fread(block, 1, sizeof block, f)) > 0) hash = hash_bytes(hash, block, n);
  if (f) fclose(f);
  return hash;
}

/* --- bytes of any number --- */

typedef struct report { /* what each rank says before it sends */
  uint64_t size;
  int64_t code;
  unroll_error error;
} report;

/* The error of the rank of the least number that cannot go on. */
static unroll_status worst(const ranks *r, const report *all, unroll_error *err) {
  for (int i = 0; i < r->count; i++) {
    const unroll_error *e = &all[i].error;
    if (!all[i].code) continue;
    if (i == r->own || !err) return (unroll_status)all[i].code; /* has its error */
    *err = *e;
    if (i) snprintf(err->message, sizeof err->message, "rank %d: %.*s", i, (int)sizeof e->message - 32, e->message);
    return (unroll_status)all[i].code;
  }
  return UNROLL_OK;
}

/* All say how they are and how many bytes they have; *all is for mem_free, in any case. */
static unroll_status tell(const ranks *r, unroll_status status, size_t size, report **all, unroll_error *err) {
  report own = {.size = size, .code = status};
  *all = mem_zero((size_t)r->count, sizeof **all);
  if (!*all) return error_memory(err);
  if (status && err) own.error = *err;
  const unroll_status shared = ranks_share(r, &own, *all, sizeof own, err);
  return shared ? shared : worst(r, *all, err);
}

static bool make_room(text *t, size_t n) {
  mem_free(t->data);
  *t = (text){.data = mem_alloc(n + 1), .length = n, .capacity = n + 1};
  if (t->data) t->data[n] = 0;
  return t->data != NULL;
}

/* A piece of n bytes at `at`, if there is one. */
static int add_piece(ranks_message *list, int n, int rank, char *bytes, size_t size, size_t at) {
  if (at < size) list[n++] = (ranks_message){rank, bytes + at, size - at < MOST_BYTES ? size - at : MOST_BYTES};
  return n;
}

unroll_status ranks_collect(const ranks *r, unroll_status status, const text *own, text *all, unroll_error *err) {
  report *said = NULL;
  ranks_message *list = mem_zero((size_t)r->count, sizeof *list);
  size_t most = 0;
  if (!list && !status) status = error_memory(err);
  status = tell(r, status, own->length, &said, err);
  for (int q = 1; q < r->count && !status; q++) {
    const size_t n = (size_t)said[q].size;
    if (n > most) most = n;
    if (!r->own && !make_room(&all[q], n)) status = error_memory(err);
  }
  if (!status && !r->own) text_add(&all[0], own->data ? own->data : "", own->length);
  if (!status && !r->own && all[0].failed) status = error_memory(err);
  for (size_t at = 0; at < most && !status; at += MOST_BYTES) {
    int n = 0;
    if (r->own) n = add_piece(list, n, 0, own->data, own->length, at);
    for (int q = 1; q < r->count && !r->own; q++) n = add_piece(list, n, q, all[q].data, all[q].length, at);
    status = r->own ? ranks_exchange(r, list, n, NULL, 0, err) : ranks_exchange(r, NULL, 0, list, n, err);
  }
  mem_free(said);
  mem_free(list);
  return status;
}

unroll_status ranks_spread(const ranks *r, unroll_status status, text *t, unroll_error *err) {
  report *said = NULL;
  ranks_message *list = mem_zero((size_t)r->count, sizeof *list);
  if (!list && !status) status = error_memory(err);
  status = tell(r, status, t->length, &said, err);
  const size_t size = status ? 0 : (size_t)said[0].size;
  if (!status && r->own && !make_room(t, size)) status = error_memory(err);
  for (size_t at = 0; at < size && !status; at += MOST_BYTES) {
    int n = 0;
    if (r->own) n = add_piece(list, n, 0, t->data, size, at);
    for (int q = 1; q < r->count && !r->own; q++) n = add_piece(list, n, q, t->data, size, at);
    status = r->own ? ranks_exchange(r, NULL, 0, list, n, err) : ranks_exchange(r, list, n, NULL, 0, err);
  }
  mem_free(said);
  mem_free(list);
  return status;
}

unroll_status ranks_same(const ranks *r, unroll_status status, const ranks_trait *traits, int n, unroll_error *err) {
  enum { MOST_TRAITS = 8 };
  report *said = NULL;
  uint64_t own[MOST_TRAITS] = {0}, *all = mem_zero((size_t)r->count, sizeof own);
  if (!all && !status) status = error_memory(err);
  for (int i = 0; i < n && i < MOST_TRAITS && !status; i++) own[i] = traits[i].hash;
  status = tell(r, status, 0, &said, err);
  if (!status) status = ranks_share(r, own, all, sizeof own, err);
  for (int q = 1; q < r->count && !status; q++)
    for (int i = 0; i < n && i < MOST_TRAITS && !status; i++)
      if (all[q * MOST_TRAITS + i] != all[i])
        status = error_set(err, UNROLL_USAGE, "rank %d has %s than rank 0", q, traits[i].what);
  mem_free(said);
  mem_free(all);
  if (status) ranks_end();
  return status;
}
