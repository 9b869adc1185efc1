/* share.c - see share.h. */
#include "use/share.h"
#include "base/error.h"
#include "base/memory.h"

enum { ALIGNED = 8 };

void share_add(text *out, const void *bytes, size_t n) {
  static const char zeros[ALIGNED] = {0};
  if (n) text_add(out, bytes, n);
  if (n % ALIGNED) text_add(out, zeros, ALIGNED - n % ALIGNED);
}

const void *share_next(const text *bytes, size_t *at, size_t n) {
  const void *here = bytes->data + *at;
  *at += (n + ALIGNED - 1) / ALIGNED * ALIGNED;
  return here;
}

/* One piece of each rank. */
static unroll_status make_round(const ranks *r, const shared_work *w, int64_t first, int64_t pieces, text *all, unroll_error *err) {
  text own = {0};
  unroll_status status = UNROLL_OK;
  if (w->stop && *w->stop) status = error_set(err, UNROLL_INTERRUPTED, "interrupted");
  if (!status && first + r->own < pieces) status = w->make(w->context, first + r->own, &own, err);
  if (!status && own.failed) status = error_memory(err);
  status = ranks_collect(r, status, &own, all, err);
  text_free(&own);
  for (int q = 0; q < r->count && !r->own; q++) {
    if (!status && first + q < pieces) status = w->take(w->context, first + q, &all[q], err);
    text_free(&all[q]);
  }
  return status;
}

unroll_status share_work(const ranks *r, const shared_work *w, int64_t pieces, unroll_error *err) {
  text *all = mem_zero((size_t)r->count, sizeof *all);
  unroll_status status = all ? UNROLL_OK : error_memory(err);
  for (int64_t first = 0; first < pieces && !status; first += r->count) status = make_round(r, w, first, pieces, all, err);
  for (int q = 0; all && q < r->count; q++) text_free(&all[q]);
  mem_free(all);
  return status;
}
