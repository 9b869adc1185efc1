/* c_group.c - which loops over steps NAME_reset has, and in which of them a node is.
 *
 * A recurrence goes in its own direction. What needs no direction goes with what it reads. A node is in the loop of what it
 * reads where that is there at the same step. What reads other steps, or all of them, is in a loop one level higher. */
#include "base/error.h"
#include "port/c_internal.h"

/* Is x needed for the next value of the state `shift`, and does it need that state? Marks all such nodes. */
static void mark_cycle(c_export *c, int shift, int *stack, unsigned char *mark) {
  const graph *g = c->g;
  enum { NEEDED = 1, NEEDS = 2 };
  int depth = 0;
  for (int i = 0; i < g->n_nodes; i++) mark[i] = 0;
  if (g->nodes[shift].in[0] == NODE_NONE) return;
  stack[depth++] = g->nodes[shift].in[0];
  mark[stack[0]] = NEEDED;
  while (depth > 0) {
    const node *n = &g->nodes[stack[--depth]];
    for (int k = 0; k < NODE_INPUTS; k++) {
      const int x = n->in[k];
      if (x == NODE_NONE || mark[x] || !c_has_steps(c, x) || g->nodes[x].axis != g->nodes[shift].axis) continue;
      mark[x] = NEEDED;
      stack[depth++] = x;
    }
  }
  if (!mark[shift]) return;
  mark[shift] = NEEDED | NEEDS;
  for (bool changed = true; changed;) {
    changed = false;
    for (int i = 0; i < c->n_order; i++) {
      const int y = c->order[i];
      const node *n = &g->nodes[y];
      for (int k = 0; k < NODE_INPUTS && mark[y] == NEEDED; k++)
        if (n->in[k] != NODE_NONE && (mark[n->in[k]] & NEEDS)) mark[y] |= NEEDS, changed = true;
    }
  }
  for (int i = 0; i < c->n_order; i++)
    if (mark[c->order[i]] == (NEEDED | NEEDS)) c->group[c->order[i]].dir = g->nodes[shift].dir;
}

/* Is x read at its own step? Then it goes with its reader, and the reader with it. */
static bool goes_with(const c_export *c, int x, const node *reader, int k) {
  if (x == NODE_NONE || !c_has_steps(c, x) || c_reads_all(reader, k)) return false;
  return reader->space == SPACE_STEP && c->g->nodes[x].axis == reader->axis && reader->op != OP_SHIFT && reader->op != OP_REVERSE;
}

/* What is on no cycle goes backward where all that it reads does, or all that reads it; else forward. */
static void find_directions(c_export *c, signed char *found) {
  for (int i = 0; i < c->n_order; i++) {
    const int y = c->order[i];
    const node *n = &c->g->nodes[y];
    bool forward = n->op == OP_SHIFT && n->dir > 0, backward = n->op == OP_SHIFT && n->dir < 0;
    if (!c_has_steps(c, y) || c->group[y].dir) continue;
    for (int k = 0; k < NODE_INPUTS; k++) {
      if (!goes_with(c, n->in[k], n, k)) continue;
      forward |= c->group[n->in[k]].dir > 0;
      backward |= c->group[n->in[k]].dir < 0;
    }
    c->group[y].dir = forward ? 1 : backward ? -1 : 0;
  }
  for (int i = 0; i < c->g->n_nodes; i++) found[i] = 0;
  for (int i = c->n_order - 1; i >= 0; i--) {
    const int y = c->order[i];
    const node *n = &c->g->nodes[y];
    if (!c_has_steps(c, y)) continue;
    if (!c->group[y].dir) c->group[y].dir = found[y] ? found[y] : 1;
    for (int k = 0; k < NODE_INPUTS; k++)
      if (goes_with(c, n->in[k], n, k) && found[n->in[k]] != 1) found[n->in[k]] = (signed char)c->group[y].dir;
  }
}

bool c_carried(const c_export *c, int shift) {
  const node *n = &c->g->nodes[shift];
  if (c->home[shift] == HOME_ALL_STEPS) return false;
  if (n->in[0] == NODE_NONE) return true;
  const int root = c_root(c, n->in[0]);
  if (!c_has_steps(c, root) || c->home[root] == HOME_GIVEN) return false;
  return n->dir == c->group[shift].dir && c_same_group(c->group[shift], c->group[root]);
}

/* The least level of a reader that goes in direction `dir` along its axis. */
static int level_after(const c_export *c, int x, const node *n, int k, c_group own) {
  const c_group *in = &c->group[x];
  if (c->phase[x] != PHASE_START || c->home[x] == HOME_GIVEN) return 0;
  if (c->g->nodes[x].space != SPACE_STEP) return in->level;
  const bool same = n->space == SPACE_STEP && in->axis == own.axis && in->dir == own.dir && !c_reads_all(n, k);
  const bool near = n->op == OP_SHIFT ? k == 0 && n->dir == own.dir : n->op != OP_REVERSE;
  return in->level + !(same && near);
}

static bool lift(c_export *c, int y) {
  const node *n = &c->g->nodes[y];
  bool changed = false;
  for (int k = 0; k < NODE_INPUTS; k++) {
    if (n->in[k] == NODE_NONE) continue;
    const int level = level_after(c, n->in[k], n, k, c->group[y]);
    if (level > c->group[y].level) c->group[y].level = level, changed = true;
  }
  return changed;
}

/* What is predicted is handed out where all its arguments are there. */
static void group_losses(c_export *c) {
  for (int i = 0; i < c->g->n_losses; i++) {
    const loss *l = &c->g->losses[i];
    const bool steps = c_has_loss_steps(c, l);
    const node reader = {.op = OP_ADD, .space = steps ? SPACE_STEP : SPACE_STATIC};
    c_group best = {0, -1, 0};
    for (int dir = 1; dir >= -1 && c_loss_phase(c, l) == PHASE_START; dir -= 2) {
      c_group own = {0, steps ? c_loss_axis(c, l) : -1, steps ? dir : 0};
      for (int k = 0; k < l->n_args; k++) {
        const int level = level_after(c, l->args[k], &reader, 0, own);
        if (level > own.level) own.level = level;
      }
      if (dir > 0 || own.level < best.level) best = own;
    }
    c->loss_group[i] = best;
    if (best.level >= c->n_levels) c->n_levels = best.level + 1;
  }
}

unroll_status c_groups(c_export *c) {
  const size_t nodes = (size_t)c->g->n_nodes + 1;
  int *stack = arena_alloc(&c->memory, nodes, sizeof *stack);
  unsigned char *mark = arena_alloc(&c->memory, nodes, 1);
  c->n_levels = 1;
  if (!stack || !mark) return error_memory(c->err);
  for (int i = 0; i < c->n_order; i++) {
    const int x = c->order[i];
    c->group[x] = (c_group){0, c_has_steps(c, x) ? c->g->nodes[x].axis : -1, 0};
  }
  for (int i = 0; i < c->n_order; i++) {
    const int x = c->order[i];
    if (c_has_steps(c, x) && c->g->nodes[x].op == OP_SHIFT && !c->group[x].dir) mark_cycle(c, x, stack, mark);
  }
  find_directions(c, (signed char *)mark);
  for (bool changed = true; changed;) {
    changed = false;
    for (int i = 0; i < c->n_order; i++)
      if (c->phase[c->order[i]] == PHASE_START) changed |= lift(c, c->order[i]);
  }
  for (int i = 0; i < c->n_order; i++)
    if (c->group[c->order[i]].level >= c->n_levels) c->n_levels = c->group[c->order[i]].level + 1;
  group_losses(c);
  return UNROLL_OK;
}
