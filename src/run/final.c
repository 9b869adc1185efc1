/* final.c - after which stage of a pass a part of the gradient no longer changes. What upper layers get is known long before the
 * pass has come to the lower ones. It may be sent meanwhile (gather.c). */
#include "base/memory.h"
#include "run/internal.h"

/* Stage `number` adds to n numbers from `offset` on. Stages come in order, so the last one counts. */
static void note(const frozen *f, int *after, int64_t offset, int64_t n, int number) {
  const int64_t end = offset + n < f->n_weights ? offset + n : f->n_weights;
  for (int64_t u = offset / UNIT; u * UNIT < end; u++) after[u] = number;
}

/* The rows of a table are known where it is only looked up. Of others it is not known where they end. */
static int64_t table_numbers(const frozen *f, int64_t offset) {
  for (int i = 0; i < f->n_tables; i++)
    if (f->tables[i].offset == offset) return f->tables[i].n;
  return f->n_weights - offset;
}

static void note_stage(const frozen *f, int *after, int number) {
  const stage *s = &f->stages[number];
  const stage_picture *q = &s->picture;
  if (s->kind == STAGE_OUTER)
    for (int i = 0; i < s->outer.n_pairs; i++) {
      const struct outer_pair *pair = &s->outer.pairs[i];
      const int64_t height = s->outer.dy[pair->dy].width, columns = s->outer.x[pair->x].width;
      if (!pair->late) note(f, after, pair->target, (height - 1) * pair->target_row + columns, number);
    }
  else if (s->kind == STAGE_SCATTER)
    note(f, after, s->weight, table_numbers(f, s->weight), number);
  else if (s->kind == STAGE_CONV_OUTER || s->kind == STAGE_CONV_POOL_OUTER)
    note(f, after, s->weight, (int64_t)q->groups * q->out_channels * q->size * q->size * q->channels, number);
  else if (s->kind == STAGE_GRADIENT)
    note(f, after, s->weight, s->width, number);
  else if (s->kind == STAGE_ADD)
    note(f, after, s->weight, (int64_t)(s->width - 1) * s->columns + s->in_width, number);
}

/* A short run of units goes to a neighbour that is final no sooner, else to the smaller one. */
static int join_short(run_piece *list, int n, int64_t least) {
  int kept = 0;
  for (int i = 0; i < n; i++) {
    const run_piece one = list[i];
    run_piece *before = kept ? &list[kept - 1] : NULL, *next = i + 1 < n ? &list[i + 1] : NULL;
    if (one.end - one.from >= least || (!before && !next)) {
      list[kept++] = one;
      continue;
    }
    const bool fits_before = before && before->after >= one.after, fits_next = next && next->after >= one.after;
    const bool smaller = !next || (before && before->end - before->from <= next->end - next->from);
    run_piece *to = fits_before ? before : fits_next ? next : smaller ? before : next;
    if (to == before)
      before->end = one.end;
    else
      next->from = one.from;
    if (to->after < one.after) to->after = one.after;
  }
  return kept;
}

static int in_order(run_piece *list, int n) {
  for (int i = 1; i < n; i++) {
    const run_piece one = list[i];
    int k = i;
    for (; k > 0 && list[k - 1].after > one.after; k--) list[k] = list[k - 1];
    list[k] = one;
  }
  return n;
}

run_piece *run_final_pieces(const frozen *f, int64_t least, int *n) {
  const int64_t units = f->n_weights / UNIT + 1;
  int *after = mem_zero((size_t)units, sizeof *after), runs = 1;
  if (!after) return NULL;
  for (int i = 0; i < f->n_stages; i++) note_stage(f, after, i);
  for (int64_t u = 1; u < units; u++) runs += after[u] != after[u - 1];
  run_piece *list = mem_zero((size_t)runs, sizeof *list);
  runs = 0;
  for (int64_t u = 0, end; u < units && list; u = end) {
    for (end = u + 1; end < units && after[end] == after[u];) end++;
    list[runs++] = (run_piece){u, end, after[u]};
  }
  mem_free(after);
  if (!list) return NULL;
  runs = join_short(list, runs, least);
  *n = in_order(list, runs);
  return list;
}
