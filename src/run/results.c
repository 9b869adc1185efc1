/* results.c - see results.h. Rows go in the order of their matrices. */
#include "run/results.h"
#include <string.h>
#include "run/internal.h"

typedef struct mover {
  const run *r;
  const batch *b;
  const int *range; /* or NULL */
  unsigned char *to;
  const unsigned char *from; /* or NULL: from the matrices */
  size_t n;
} mover;

static bool is_there(const mover *m, int row) {
  const int shard = row % m->r->f->shards; /* 1 or more */
  return !m->range || (shard >= m->range[0] && shard < m->range[1]);
}

static void move_row(mover *m, float *row, int width) {
  const size_t bytes = (size_t)width * sizeof *row;
  if (m->to) memcpy(m->to + m->n, row, bytes);
  if (m->from) memcpy(row, m->from + m->n, bytes);
  m->n += bytes;
}

static void move_steps(mover *m, float *p, ptrdiff_t row, const struct frozen_keep *k) {
  const batch_axis *a = &m->b->axes[k->axis];
  for (int t = 0; t < a->steps; t++)
    for (int q = 0; q < a->active[t]; q++)
      if (is_there(m, a->order ? a->order[q] : q)) move_row(m, p + (a->first[t] + q) * row, k->width);
}

static void move_all(mover *m) {
  const frozen *f = m->r->f;
  for (int i = 0; i < f->n_keep; i++) {
    const struct frozen_keep *k = &f->keep[i];
    ptrdiff_t row;
    float *p = (float *)(uintptr_t)run_value(m->r, k->node, &row); /* matrices of the run, which it may write */
    if (k->at.base != PLACE_ARENA) continue;
    if (k->at.rows == ROWS_STEP)
      move_steps(m, p, row, k);
    else if (k->at.rows == ROWS_BATCH)
      for (int b = 0; b < m->b->rows; b++) {
        if (is_there(m, b)) move_row(m, p + b * row, k->width);
      }
    else if (is_there(m, 0))
      move_row(m, p, k->width);
  }
}

size_t run_results_get(const run *r, const batch *b, const int *range, unsigned char *to) {
  mover m = {.r = r, .b = b, .range = range, .to = to};
  move_all(&m);
  return m.n;
}

void run_results_set(run *r, const batch *b, const int *range, const unsigned char *from) {
  mover m = {.r = r, .b = b, .range = range, .from = from};
  move_all(&m);
}
