/* group.c - values of one level become the top-level stages: single ones, tile programs, loops, weight gradients. */
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "plan/internal.h"

bool plan_kept(const struct plan *p, int number) {
  const graph *g = p->g;
  for (int i = 0; i < p->options.n_keep; i++)
    if (p->options.keep[i] == number) return true;
  for (int i = 0; i < g->n_losses; i++)
    if (g->losses[i].node == number) return true;
  for (int i = 0; i < g->n_carries; i++)
    if (g->carries[i].edge == number) return true;
  return false;
}

/* What a value becomes at the top level; members of loops become part of theirs. */
static int kind_at_top(const value *v) {
  if (v->kind == VALUE_VIEW) return v->copied ? GROUP_STAGE : -1;
  if (v->kind == VALUE_DEAD || value_always_there(v) || v->loop >= 0) return -1;
  if (value_in_tile(v)) return GROUP_TILE;
  if (v->kind == VALUE_STAGE && (v->op == OP_OUTER || v->op == OP_SUM_ROWS)) return GROUP_OUTER;
  return GROUP_STAGE;
}

static bool joins(const struct plan *p, const group *g, const value *first, const value *v, int kind) {
  if ((int)g->kind != kind || g->level != v->level || g->phase != v->phase) return false;
  if (kind == GROUP_TILE) return value_same_tile(first, v);
  if (kind == GROUP_OUTER) {
    const value *a = &p->values[first->in[0]], *b = &p->values[v->in[0]];
    return a->space == b->space && a->axis == b->axis;
  }
  return false;
}

static int by_level(const void *a, const void *b) {
  const group *x = a, *y = b;
  if (x->phase != y->phase) return x->phase < y->phase ? -1 : 1;
  if (x->level != y->level) return x->level < y->level ? -1 : 1;
  if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
  if (x->loop != y->loop) return x->loop < y->loop ? -1 : 1;
  return x->members && y->members ? (x->members[0] < y->members[0] ? -1 : 1) : 0;
}

/* The group that a value joins, or a new one. Members are laid when all groups have their sizes. */
static int join_group(struct plan *p, int number, int kind, int *first) {
  const value *v = &p->values[number];
  for (int i = p->n_groups - 1; i >= 0; i--)
    if (joins(p, &p->groups[i], &p->values[first[i]], v, kind)) return p->groups[i].n++, i;
  first[p->n_groups] = number;
  p->groups[p->n_groups] = (group){.kind = (unsigned)kind, .phase = v->phase, .level = v->level, .n = 1, .loop = -1};
  return p->n_groups++;
}

static unroll_status lay_members(struct plan *p, const int *group_of, unroll_error *err) {
  for (int i = 0; i < p->n_groups; i++) {
    p->groups[i].members = arena_alloc(&p->memory, (size_t)p->groups[i].n, sizeof *p->groups[i].members);
    if (!p->groups[i].members) return error_memory(err);
    p->groups[i].n = 0;
  }
  for (int i = 0; i < p->n_order; i++)
    if (group_of[i] >= 0) {
      group *g = &p->groups[group_of[i]];
      g->members[g->n++] = p->order[i];
    }
  return UNROLL_OK;
}

static unroll_status join_all(struct plan *p, unroll_error *err) {
  int *group_of = mem_zero((size_t)p->n_order + 1, sizeof *group_of), *first = mem_zero((size_t)p->n_order + 1, sizeof *first);
  unroll_status s = group_of && first ? UNROLL_OK : error_memory(err);
  for (int i = 0; i < p->n_order && !s; i++) {
    const int k = kind_at_top(&p->values[p->order[i]]);
    group_of[i] = k >= 0 ? join_group(p, p->order[i], k, first) : -1;
  }
  if (!s) s = lay_members(p, group_of, err);
  mem_free(group_of);
  mem_free(first);
  return s;
}

static int phase_of_loop(const struct plan *p, int number) {
  const loop *l = &p->loops[number];
  for (int i = 0; i < l->n_members; i++)
    if (p->values[l->members[i]].kind != VALUE_VIEW) return p->values[l->members[i]].phase;
  return 0;
}

unroll_status plan_group(struct plan *p, unroll_error *err) {
  p->groups = arena_alloc(&p->memory, (size_t)p->n_order + (size_t)p->n_loops + 1, sizeof *p->groups);
  if (!p->groups) return error_memory(err);
  const unroll_status s = join_all(p, err);
  if (s) return s;
  for (int i = 0; i < p->n_loops; i++)
    p->groups[p->n_groups++] = (group){.kind = GROUP_LOOP, .phase = phase_of_loop(p, i), .level = p->loops[i].level, .loop = i};
  qsort(p->groups, (size_t)p->n_groups, sizeof *p->groups, by_level);
  const int last = p->n_groups ? p->groups[p->n_groups - 1].phase : 0;
  if (p->options.gradient) p->groups[p->n_groups++] = (group){.kind = GROUP_GRADIENT, .phase = last + last % 2, .loop = -1};
  for (int i = 0; i < p->n_groups; i++) {
    group *g = &p->groups[i];
    for (int k = 0; k < g->n; k++) p->values[g->members[k]].stage = i;
    if (g->kind == GROUP_LOOP)
      for (int k = 0; k < p->loops[g->loop].n_members; k++) {
        value *v = &p->values[p->loops[g->loop].members[k]];
        if (v->kind != VALUE_VIEW) v->stage = i;
      }
  }
  return UNROLL_OK;
}
