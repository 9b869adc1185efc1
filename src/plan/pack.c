/* pack.c - which weights are packed where, and in which order.
 *
 * A matrix is packed twice: by rows for W x, by columns for W' dy. Both are done strip after strip of its rows, so that a strip
 * is read from memory once. The matrix of a vocabulary of 10,000 words fits no cache. */
#include <string.h>
#include "base/error.h"
#include "plan/internal.h"

enum { FIRST = 256 }; /* jobs there is room for at first; a power of two */
enum { STRIP = 64 };  /* rows of a matrix; an even number, for pairs */

unroll_status plan_add_pack(struct plan *p, const pack_job *job, unroll_error *err) {
  const int n = p->out.n_packs;
  if (n == 0 || (n >= FIRST && (n & (n - 1)) == 0)) { /* twice the room */
    pack_job *grown = arena_alloc(&p->memory, n ? 2 * (size_t)n : FIRST, sizeof *grown);
    if (!grown) return error_memory(err);
    if (n) memcpy(grown, p->out.packs, (size_t)n * sizeof *grown);
    p->out.packs = grown;
  }
  p->out.packs[p->out.n_packs++] = *job;
  return UNROLL_OK;
}

/* Steps from..to-1 of a job by columns, as a job. */
static pack_job steps_of(const pack_job *job, int from, int to) {
  pack_job part = *job;
  part.out += (int64_t)(job->precision == PRECISION_BF16 ? from / 2 : from) * job->vectors * LANES;
  part.k0 += from;
  part.k = to - from;
  return part;
}

/* The steps of the jobs by columns of a matrix up to row `end` that have not been done yet; it goes on at done[i]. */
static unroll_status add_columns(struct plan *p, const pack_job *jobs, int n, int *done, const pack_job *rows, int end,
                                 unroll_error *err) {
  unroll_status s = UNROLL_OK;
  for (int i = 0; i < n && !s; i++) {
    const pack_job *j = &jobs[i];
    if (j->vector || j->by_rows || j->precision == PRECISION_INT8 || (rows && j->weight != rows->weight)) continue;
    int to = rows && end - j->k0 < j->k ? end - j->k0 : j->k;
    if (to <= done[i]) continue;
    const pack_job part = steps_of(j, done[i], to);
    s = plan_add_pack(p, &part, err);
    done[i] = to;
  }
  return s;
}

unroll_status plan_order_packs(struct plan *p, unroll_error *err) {
  const pack_job *jobs = p->out.packs;
  const int n = p->out.n_packs;
  int *done = arena_alloc(&p->memory, (size_t)n + 1, sizeof *done);
  if (!done) return error_memory(err);
  unroll_status s = UNROLL_OK;
  p->out.packs = NULL;
  p->out.n_packs = 0;
  for (int i = 0, next; i < n && !s; i = next) {
    for (next = i + 1; next < n && jobs[next].out == jobs[i].out; next++) {
    }
    for (int k = i; k < next && !s; k++)
      if (jobs[k].vector || jobs[k].by_rows || jobs[k].precision == PRECISION_INT8) s = plan_add_pack(p, &jobs[k], err);
    for (int k = i; k < next && !s; k++) {
      const int end = jobs[k].first + jobs[k].count;
      if (!jobs[k].vector && jobs[k].by_rows && end % STRIP == 0) s = add_columns(p, jobs, n, done, &jobs[k], end, err);
    }
  }
  return s ? s : add_columns(p, jobs, n, done, NULL, 0, err);
}
