/* calls.c - see calls.h. */
#include "run/calls.h"
#include <assert.h>
#include <string.h>
#include "base/memory.h"

static void add(calls *l, const call *c) {
  if (l->list) l->list[l->n] = *c;
  l->n++;
}

void calls_product(calls *l, enum precision p, const product *q) {
  call c = {.kind = CALL_PRODUCT, .precision = p};
  c.product = *q;
  assert(q->rows == 1 && !q->ahead);
  if (l->parts) {
    c.product.parts = l->parts + l->n_parts;
    memcpy(l->parts + l->n_parts, q->parts, (size_t)q->n_parts * sizeof *q->parts);
  }
  l->n_parts += q->n_parts;
  add(l, &c);
}

void calls_tile(calls *l, const stage_tile *t, const tile_operand *operands, int vectors) {
  call c = {.kind = CALL_TILE, .tile = {t, NULL, vectors}};
  if (l->operands) {
    c.tile.operands = l->operands + l->n_operands;
    memcpy(l->operands + l->n_operands, operands, (size_t)t->n_operands * sizeof *operands);
  }
  l->n_operands += t->n_operands;
  add(l, &c);
}

void calls_round(calls *l, enum precision p, float *rounded, const float *x, int n) {
  add(l, &(call){.kind = CALL_ROUND, .precision = p, .move = {rounded, x, n}});
}

void calls_copy(calls *l, float *to, const float *from, int n) { add(l, &(call){.kind = CALL_COPY, .move = {to, from, n}}); }

void calls_rows(calls *l, const stage *s, rows y, const rows in[4], const where *here) {
  call c = {.kind = CALL_ROWS, .stage = {.s = s, .y = y, .here = *here}};
  memcpy(c.stage.in, in, sizeof c.stage.in);
  add(l, &c);
}

void calls_stage(calls *l, const stage *s, const where *here) {
  add(l, &(call){.kind = CALL_STAGE, .stage = {.s = s, .here = *here}});
}

/* How many calls there are is known when the walk is over: the first one only counts. */
static void walk(run *r, worker *w, calls *l) {
  l->n = l->n_operands = l->n_parts = 0;
  w->calls = l;
  run_walk(r, w, run_visit, NULL, 0, 1);
  w->calls = NULL;
}

bool calls_make(run *r, const batch *b) {
  calls *l = &r->calls;
  assert(b->rows == 1 && r->f->max_rows == 1 && r->f->max_steps == 1 && !r->f->gradient && r->n_workers == 1);
  for (int i = 0; i < r->f->n_axes; i++) assert(b->axes[i].steps == 1);
  calls_free(l);
  run_begin(r, b, 0);
  walk(r, &r->worker[0], l);
  call *list = mem_zero((size_t)l->n + 1, sizeof *list);
  tile_operand *operands = mem_zero((size_t)l->n_operands + 1, sizeof *operands);
  product_part *parts = mem_zero((size_t)l->n_parts + 1, sizeof *parts);
  *l = (calls){.list = list, .operands = operands, .parts = parts};
  if (!list || !operands || !parts) {
    calls_free(l);
    return false;
  }
  walk(r, &r->worker[0], l);
  return true;
}

void calls_free(calls *l) {
  mem_free(l->list);
  mem_free(l->operands);
  mem_free(l->parts);
  *l = (calls){0};
}

void calls_run(run *r, worker *w) {
  for (const call *c = r->calls.list, *const end = c + r->calls.n; c < end; c++) {
    switch (c->kind) {
    case CALL_PRODUCT:
      r->product[c->precision](&c->product);
      break;
    case CALL_TILE:
      r->k->tile(c->tile.t->code, c->tile.t->n_code, c->tile.operands, 1, c->tile.vectors);
      break;
    case CALL_ROUND:
      r->round_row[c->precision](c->move.to, c->move.from, c->move.n);
      break;
    case CALL_COPY:
      if (c->move.from)
        memcpy(c->move.to, c->move.from, (size_t)c->move.n * sizeof *c->move.to);
      else
        memset(c->move.to, 0, (size_t)c->move.n * sizeof *c->move.to);
      break;
    case CALL_ROWS:
      run_rows_of(r, w, c->stage.s, c->stage.y, c->stage.in, &c->stage.here, 0, 1);
      break;
    case CALL_STAGE:
      if (c->stage.here.t >= 0)
        run_attend(r, w, c->stage.s, &c->stage.here, 0, 1);
      else
        run_stage(r, w, c->stage.s, 0, 1);
    }
  }
}
