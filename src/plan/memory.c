/* memory.c - which values need a matrix, how long each lives, and where in the arena it lies.
 *
 * A value that only its own tile program reads never leaves the first-level cache. The others live from the stage that computes
 * them to the last that reads them. Matrices that do not live at the same time share room (first fit, largest first). A tile
 * program may write a result where it has read an operand for the last time. So the gradients of gates take the place of the
 * gates. The place is in the cache at that moment, and a pass touches less memory. So may a softmax or a layer norm, and their
 * gradients. */
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "plan/internal.h"

unroll_status plan_request(struct plan *p, int64_t floats, int64_t *offset, int born, int dies, unroll_error *err) {
  if (floats < 0 || floats > PLAN_FLOATS_MAX) return error_set(err, UNROLL_FAILED, "a matrix of this net is too large");
  if (p->n_requests == p->cap_requests) {
    int cap = p->cap_requests ? p->cap_requests * 2 : 128;
    request *grown = arena_alloc(&p->memory, (size_t)cap, sizeof *grown);
    if (!grown) return error_memory(err);
    if (p->n_requests) memcpy(grown, p->requests, (size_t)p->n_requests * sizeof *grown);
    p->requests = grown;
    p->cap_requests = cap;
  }
  p->requests[p->n_requests++] = (request){(floats + LANES - 1) / LANES * LANES, offset, born, dies};
  return UNROLL_OK;
}

static int by_size(const void *a, const void *b) {
  const request *x = a, *y = b;
  if (x->floats != y->floats) return x->floats > y->floats ? -1 : 1;
  return x->born != y->born ? (x->born < y->born ? -1 : 1) : (x->offset < y->offset ? -1 : 1);
}

typedef struct placed { /* a request that has its place */
  int64_t offset, end;
  int born, dies;
} placed;

/* Into those that are there, in the order of their offsets. */
static void insert(placed *list, int n, placed one) {
  int low = 0, high = n;
  while (low < high) {
    const int middle = low + (high - low) / 2;
    if (list[middle].offset <= one.offset)
      low = middle + 1;
    else
      high = middle;
  }
  memmove(list + low + 1, list + low, (size_t)(n - low) * sizeof *list);
  list[low] = one;
}

unroll_status plan_assign(struct plan *p, unroll_error *err) {
  placed *list = mem_zero((size_t)p->n_requests + 1, sizeof *list);
  if (!list) return error_memory(err);
  if (p->n_requests) qsort(p->requests, (size_t)p->n_requests, sizeof *p->requests, by_size); /* a net may need no memory at all */
  for (int i = 0; i < p->n_requests; i++) {
    const request *r = &p->requests[i];
    int64_t at = 0;
    for (int k = 0; k < i; k++) {
      if (list[k].born > r->dies || r->born > list[k].dies) continue;
      if (at + r->floats <= list[k].offset) break;
      if (list[k].end > at) at = list[k].end;
    }
    *r->offset = at;
    insert(list, i, (placed){at, at + r->floats, r->born, r->dies});
    if (at + r->floats > p->out.arena) p->out.arena = at + r->floats;
  }
  mem_free(list);
  for (int i = 0; i < p->n_values; i++)
    if (p->values[i].home >= 0) p->values[i].offset = p->values[p->values[i].home].offset;
  return p->out.arena > PLAN_FLOATS_MAX ? error_set(err, UNROLL_FAILED, "this net needs too much memory") : UNROLL_OK;
}

/* Whether a reader takes the value inside the tile program that computes it. */
static bool reads_in_tile(const value *v, const value *r, int number) {
  if (!value_in_tile(v) || !value_in_tile(r) || !value_same_tile(v, r) || v->level != r->level) return false;
  for (int i = 0; i < r->n_products; i++)
    if (r->products[i].operand == number) return false;
  return true;
}

static void last_read(struct plan *p, value *v, int number) {
  bool outside = false, later_step = false, elsewhere = false;
  for (int i = 0; i < v->n_readers; i++) {
    const int reader = p->readers[v->first_reader + i];
    const value *r = &p->values[reader];
    if (r->kind == VALUE_VIEW) {
      later_step = elsewhere = true;
      if (r->copied && r->stage > v->dies) v->dies = r->stage;
      for (int k = 0; k < r->n_readers; k++) {
        const value *through = &p->values[p->readers[r->first_reader + k]];
        if (through->kind != VALUE_VIEW && through->stage > v->dies) v->dies = through->stage;
      }
      continue;
    }
    if (!reads_in_tile(v, r, number)) outside = true;
    if (r->loop != v->loop) elsewhere = true;
    if (r->stage > v->dies) v->dies = r->stage;
  }
  v->stored = outside || later_step || !value_in_tile(v);
  v->per_step = v->stored && v->loop >= 0 && !elsewhere && !later_step;
}

static bool in_chunks(const struct plan *p, const value *v) { return p->keeps && plan_in_windows(p, v); }

/* ---- results in the place of operands ---- */

static bool same_program(const value *a, const value *b) {
  return value_in_tile(a) && value_in_tile(b) && value_same_tile(a, b) && a->level == b->level;
}

/* The value that this one is folded into, if its program has one; else -1. */
static int folded_into(const struct plan *p, int number) {
  const value *v = &p->values[number];
  if (v->kind != VALUE_ELEMENT || v->n_readers != 1 || v->stored) return -1;
  const int reader = p->readers[v->first_reader];
  return same_program(v, &p->values[reader]) ? reader : -1;
}

/* The last instruction that may read what `number` reads: its own, or that of the reader it is folded into. A reader comes later in
 * its program, so from the last to the first each knows its reader's. */
static int last_instruction(const struct plan *p, const int *position, const int *last, int number) {
  const int reader = folded_into(p, number);
  if (reader < 0) return position[number];
  return last[reader] > position[number] ? last[reader] : position[number];
}

/* Stages that have read a row when they write it, column by column. */
static bool by_rows(const value *v) { return v->kind == VALUE_STAGE && v->over < 0 && plan_others[v->op]->onto_operand; }

/* Has `reader` read row b of `from` at this step, and at no other, when the stage of `to` writes its row b? */
static bool done_before_stage(const struct plan *p, int reader, int from, int to) {
  const value *r = &p->values[reader];
  const int all_steps = r->kind == VALUE_STAGE ? plan_others[r->op]->steps_operand : -1; /* as attention reads its keys */
  return reader == to || (r->level < p->values[to].level && (all_steps < 0 || r->in[all_steps] != from));
}

/* The same for instructions of one tile program: products read whole rows. */
static bool done_before_instruction(const struct plan *p, const int *last, const int *position, int reader, int from, int to) {
  const value *r = &p->values[reader];
  if (!same_program(r, &p->values[to])) return false;
  for (int k = 0; k < r->n_products; k++)
    if (r->products[k].operand == from) return false;
  return last[reader] <= position[to];
}

/* Is everything that `from` is read for done when `to` is written? */
static bool can_replace(const struct plan *p, const int *last, const int *position, int from, int to) {
  const value *a = &p->values[from], *b = &p->values[to];
  if (!a->stored || a->per_step || a->kind == VALUE_VIEW || a->kind == VALUE_ORDER || plan_kept(p, from)) return false;
  if (in_chunks(p, a) && in_chunks(p, b) ? a->outlives && !b->outlives : a->outlives || b->outlives) return false;
  if (a->dies != b->stage || a->stage >= b->stage || a->row != b->row) return false;
  if (a->floats != b->floats && a->outlives == b->outlives) return false;
  if (a->space != b->space || a->axis != b->axis || a->width != b->width) return false;
  for (int i = 0; i < a->n_readers; i++) {
    const int number = p->readers[a->first_reader + i];
    const value *r = &p->values[number];
    if (r->kind == VALUE_VIEW) return false;
    if (r->stage != b->stage) continue;
    if (by_rows(b) ? !done_before_stage(p, number, from, to) : !done_before_instruction(p, last, position, number, from, to))
      return false;
  }
  return true;
}

/* What replace_operands knows of all values. */
typedef struct places {
  int *position;          /* in its program */
  int *last;              /* instruction there that may read what it reads */
  int *shares;            /* the next value in the same place, from its home on; -1: none */
  int *first;             /* [n_groups + 1] of those that a stage reads last, the first value that may be replaced ... */
  int *next;              /* ... and the next one, in rising order; -1: none */
  int *candidates;        /* those of one stage */
  uint64_t *left, *ready; /* bits of them: that are not taken; and that nothing of the program has still to read */
  int *done, *after; /* [members] the first candidate that an instruction is the last to read, and the next such one; -1: none */
} places;

/* The value lies where `from` does, which may be the place of something older. In chunks, where it is kept for all steps and that
 * is not, all of them get its rows. */
static void take_place(struct plan *p, const places *q, int number, int from) {
  value *v = &p->values[number];
  const int home = p->values[from].home < 0 ? from : p->values[from].home;
  value *first = &p->values[home];
  first->dies = v->dies;
  if (first->floats != v->floats || first->outlives != v->outlives) /* all who share a place are alike */
    for (int i = home; i >= 0; i = q->shares[i]) p->values[i].floats = v->floats, p->values[i].outlives = v->outlives;
  q->shares[number] = q->shares[home];
  q->shares[home] = number;
  v->home = home;
}

/* When is everything in this stage that reads `from` done: the last of the instructions that do. */
static int done_at(const struct plan *p, const places *q, int from, int at_stage) {
  const value *v = &p->values[from];
  int at = 0;
  for (int i = 0; i < v->n_readers; i++) {
    const int reader = p->readers[v->first_reader + i];
    if (p->values[reader].stage == at_stage && q->last[reader] > at) at = q->last[reader];
  }
  return at;
}

/* The first of the n candidates that may be replaced by `number`; `ready` ones only, or all that are left. */
static int find_operand(const struct plan *p, const places *q, int n, bool ready, int number) {
  for (int word = 0; word <= n / 64; word++)
    for (uint64_t left = ready ? q->ready[word] : q->left[word]; left; left &= left - 1) {
      const int c = word * 64 + __builtin_ctzll(left);
      if (can_replace(p, q->last, q->position, q->candidates[c], number)) return c;
    }
  return -1;
}

/* Gives every elementwise result of a program, in its order, and every result by rows the place of an operand. The operand is
 * one that this stage reads last and that is free by then. An instruction looks only at what earlier ones are done with, as a
 * deep net has thousands.
 */
static void replace_in(struct plan *p, const places *q, const int *members, int n, int at_stage) {
  int count = 0;
  for (int i = 0; i < n; i++) q->done[i] = -1;
  for (int k = q->first[at_stage]; k >= 0; k = q->next[k], count++) {
    const int at = done_at(p, q, k, at_stage);
    q->candidates[count] = k;
    q->left[count / 64] |= (uint64_t)1 << count % 64;
    q->after[count] = at < n ? q->done[at] : -1;
    if (at < n) q->done[at] = count;
  }
  for (int i = 0; i < n; i++) {
    const value *v = &p->values[members[i]];
    for (int c = q->done[i]; c >= 0; c = q->after[c]) q->ready[c / 64] |= q->left[c / 64] & (uint64_t)1 << c % 64;
    if ((v->kind != VALUE_ELEMENT && !by_rows(v)) || !v->stored || v->per_step || v->space == SPACE_PARAM || v->home >= 0) continue;
    const int c = find_operand(p, q, count, !by_rows(v), members[i]);
    if (c < 0) continue;
    take_place(p, q, members[i], q->candidates[c]);
    q->left[c / 64] &= ~((uint64_t)1 << c % 64);
    q->ready[c / 64] &= q->left[c / 64];
  }
  memset(q->left, 0, ((size_t)count / 64 + 1) * sizeof *q->left);
  memset(q->ready, 0, ((size_t)count / 64 + 1) * sizeof *q->ready);
}

/* Values by the stage that reads them last; what is taken leaves its list, all others keep their last stage. */
static void list_by_last(const struct plan *p, const places *q) {
  for (int i = 0; i <= p->n_groups; i++) q->first[i] = -1;
  for (int i = p->n_values - 1; i >= 0; i--) {
    const value *v = &p->values[i];
    q->shares[i] = q->next[i] = -1;
    if (!v->stored || v->dies < 0 || v->dies > p->n_groups) continue;
    q->next[i] = q->first[v->dies];
    q->first[v->dies] = i;
  }
}

static unroll_status replace_operands(struct plan *p, unroll_error *err) {
  const size_t n_values = (size_t)p->n_values + 1;
  int *room = mem_zero(7 * n_values + (size_t)p->n_groups + 1, sizeof *room);
  uint64_t *bits = mem_zero(2 * (n_values / 64 + 1), sizeof *bits);
  if (!room || !bits) {
    mem_free(room);
    mem_free(bits);
    return error_memory(err);
  }
  const places q = {.position = room,
                    .last = room + n_values,
                    .shares = room + 2 * n_values,
                    .next = room + 3 * n_values,
                    .candidates = room + 4 * n_values,
                    .done = room + 5 * n_values,
                    .after = room + 6 * n_values,
                    .first = room + 7 * n_values,
                    .left = bits,
                    .ready = bits + n_values / 64 + 1};
  list_by_last(p, &q);
  for (int i = 0; i < p->n_groups; i++) {
    const group *g = &p->groups[i];
    const int n = g->kind == GROUP_LOOP ? p->loops[g->loop].n_members : g->n;
    const int *members = g->kind == GROUP_LOOP ? p->loops[g->loop].members : g->members;
    if (g->kind != GROUP_LOOP && g->kind != GROUP_TILE && g->kind != GROUP_STAGE) continue;
    for (int k = 0; k < n; k++) q.position[members[k]] = k;
    for (int k = n; k-- > 0;) q.last[members[k]] = last_instruction(p, q.position, q.last, members[k]);
    replace_in(p, &q, members, n, i);
  }
  mem_free(room);
  mem_free(bits);
  return UNROLL_OK;
}

/* A matrix with the rows of all chunks is in use from the first stage of its sweep. Its end is the last stage of the sweep that
 * reads it last. */
static void live_for_sweeps(const struct plan *p, value *v) {
  const int last = v->dies < p->n_groups ? p->groups[v->dies].phase : -1;
  while (v->born > 0 && p->groups[v->born - 1].phase == v->phase) v->born--;
  while (v->dies + 1 < p->n_groups && p->groups[v->dies + 1].phase == last) v->dies++;
}

static int64_t rows_of(const struct plan *p, const value *v) {
  if (v->space == SPACE_PARAM) return 1;
  if (v->space == SPACE_STATIC || v->per_step) return p->out.max_rows;
  const int64_t *own = p->options.axis_cells;
  const int64_t all = own && own[v->axis] > 0 && own[v->axis] < p->out.max_cells ? own[v->axis] : p->out.max_cells;
  if (!p->options.window || !plan_in_windows(p, v) || v->outlives) return all;
  const int64_t cells = (int64_t)p->out.max_rows * p->options.window;
  return cells < all ? cells : all;
}

unroll_status plan_memory(struct plan *p, unroll_error *err) {
  const int end = p->n_groups;
  unroll_status s = plan_find_readers(p, err);
  for (int i = 0; i < p->n_values && !s; i++) {
    value *v = &p->values[i];
    v->home = -1;
    if (v->kind == VALUE_DEAD || value_always_there(v) || (v->kind == VALUE_VIEW && !v->copied)) continue;
    v->born = v->dies = v->stage;
    last_read(p, v, i);
    if (v->kind == VALUE_VIEW) v->stored = true, v->per_step = false;
    if (plan_kept(p, i)) v->dies = end, v->stored = true, v->per_step = false;
    v->row = matrix_row(v->width) * (v->picks ? 2 : 1);
    if (v->width > p->out.widest) p->out.widest = v->width;
    if (v->kind == VALUE_STAGE && (v->op == OP_OUTER || v->op == OP_EMBED_T || v->op == OP_CONV_OUTER)) v->stored = false;
    if (v->space == SPACE_PARAM && p->options.gradient) v->dies = end, v->stored = true;
    if (!v->stored) continue;
    v->outlives = plan_outlives_sweeps(p, i);
    if (v->outlives && !in_chunks(p, v)) v->born = 0, v->dies = end;
    if (__builtin_mul_overflow(rows_of(p, v), v->row, &v->floats)) v->floats = -1;
  }
  if (!s) s = replace_operands(p, err);
  for (int i = 0; i < p->n_values && !s; i++) {
    value *v = &p->values[i];
    if (v->stored && v->outlives && in_chunks(p, v)) live_for_sweeps(p, v);
    if (v->stored && v->home < 0) s = plan_request(p, v->floats, &v->offset, v->born, v->dies, err);
  }
  if (!s) s = plan_window_memory(p, err);
  return s;
}
