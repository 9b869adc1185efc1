/* touched.c - which parts of the gradient a pass may have changed, and which it need not clear.
 *
 * A table of embeddings is large, and a batch looks up few of its rows. So the gradient's numbers are counted in units. Units
 * that are wholly of tables are known to be zero until a row of the batch adds to them. Only what was touched is cleared before
 * the next pass. Whoever reads the gradient may leave out the others: a sum loses nothing but zeros. Units wholly of a matrix
 * whose sums are the gradient's own are written in every pass, so nobody clears them. */
#include <string.h>
#include "base/memory.h"
#include "run/internal.h"

/* Units that lie wholly in the n numbers from `offset` on. */
static void mark(uint8_t *touched, int64_t offset, int64_t n, uint8_t as) {
  const int64_t first = (offset + UNIT - 1) / UNIT, end = (offset + n) / UNIT;
  if (first < end) memset(touched + first, as, (size_t)(end - first));
}

uint8_t *run_touched_new(const frozen *f) {
  const int64_t units = f->n_weights / UNIT + 1;
  uint8_t *touched = mem_zero((size_t)units, sizeof *touched);
  if (!touched) return NULL;
  memset(touched, UNIT_ALWAYS, (size_t)units);
  for (int i = 0; i < f->n_tables; i++) mark(touched, f->tables[i].offset, f->tables[i].n, UNIT_ZERO);
  for (int i = 0; i < f->n_stages; i++) {
    const stage_outer *o = &f->stages[i].outer;
    for (int k = 0; f->stages[i].kind == STAGE_OUTER && k < o->n_pairs; k++)
      if (o->pairs[k].straight && o->pairs[k].target_row == o->x[o->pairs[k].x].width)
        mark(touched, o->pairs[k].target, (int64_t)o->dy[o->pairs[k].dy].width * o->pairs[k].target_row, UNIT_WRITTEN);
  }
  return touched;
}

const uint8_t *run_touched(const run *r) { return r->team ? team_touched(r) : r->touched; }

static bool stays_as_is(uint8_t unit) { return unit == UNIT_ZERO || unit == UNIT_WRITTEN; }

void run_clear_gradient(run *r, int thread, int threads) {
  int64_t from, to;
  if (!r->gradient) return;
  run_share(r->f->n_weights / UNIT + 1, 1, thread, threads, &from, &to);
  for (int64_t i = from, end; i < to; i = end) {
    const bool stays = stays_as_is(r->touched[i]);
    for (end = i; end < to && stays_as_is(r->touched[end]) == stays; end++)
      if (r->touched[end] == UNIT_TOUCHED) r->touched[end] = UNIT_ZERO;
    const int64_t n = end * UNIT < r->f->n_weights ? (end - i) * UNIT : r->f->n_weights - i * UNIT;
    if (!stays) memset(r->gradient + i * UNIT, 0, (size_t)n * sizeof(float));
  }
}

void run_touch(const run *r, int64_t table, int width, const int32_t *index, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    if (index[i] < 0) continue;
    const int64_t first = table + (int64_t)index[i] * width, last = first + width - 1;
    for (int64_t unit = first / UNIT; unit <= last / UNIT; unit++)
      if (r->touched[unit] == UNIT_ZERO) r->touched[unit] = UNIT_TOUCHED;
  }
}
