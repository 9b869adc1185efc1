/* build_shift.c - what looks back in time: y[t-1], where it starts from, and what a stream carries on.
 *
 * A shift of a variable whose node is not there yet becomes a placeholder, patched when the cycles are closed. */
#include <string.h>
#include "graph/build_internal.h"

enum { OPEN = -2 }; /* an input to be filled in when the cycles are closed */

symbol *build_state(symbol *y) {
  while (y->call && y->call->dir == y->in->dir) y = y->call->output;
  return y;
}

/* The value of a stream's state from the pass before. The carry is completed when the state has its node. */
static int carry_leaf(builder *b, const symbol *y, int lag, int width) {
  graph *g = b->g;
  if (!build_grow(b, (void **)&g->carries, g->n_carries, &g->cap_carries, sizeof *g->carries)) return NODE_NONE;
  const char *name = y->full;
  if (lag > 1) {
    const char *earlier = build_text(b, "%s[t-%d]", y->full, lag - 1);
    name = arena_text(&g->memory, earlier, strlen(earlier));
    if (!name) return build_memory(b);
  }
  g->carries[g->n_carries] = (carry){.node = NODE_NONE, .edge = NODE_NONE, .width = width, .name = name};
  node n = build_derived(OP_CARRY, SPACE_STATIC, -1, width);
  n.slot = g->n_carries++;
  return graph_node(g, n);
}

static int initial(builder *b, const symbol *y, int lag, int width);
static int given_start(builder *b, const symbol *y, int lag, int width);

static bool room_for_shifts(builder *b, symbol *y, int lag) {
  int *bigger = arena_alloc(&b->scratch, (size_t)lag, sizeof *bigger);
  if (!bigger) return build_memory(b), false;
  if (y->n_shifts) memcpy(bigger, y->shifts, (size_t)y->n_shifts * sizeof *bigger);
  y->shifts = bigger;
  return true;
}

/* Whether what y starts from can be said yet: an equation may need y[t-1] before that, as in y = cell(y[t-1], 5, start = z). */
static bool start_is_there(const builder *b, const symbol *y) {
  for (; y->start_from; y = build_state(y->start_from))
    if (b->terms[build_state(y->start_from)->term].node == NODE_NONE) return false;
  return y->start == TERM_NONE || b->terms[y->start].node != NODE_NONE;
}

/* y[t-1] .. y[t-lag]; `t`: who asks for them. */
static int shifts_of(builder *b, symbol *y, int lag, const term *t) {
  graph *g = b->g;
  const int width = width_value(b, y->width), axis = b->terms[y->term].axis;
  if (y->n_shifts < lag && !room_for_shifts(b, y, lag)) return NODE_NONE;
  while (y->n_shifts < lag && !graph_failed(g) && b->status == UNROLL_OK) {
    const int back = y->n_shifts + 1, x = back > 1 ? y->shifts[back - 2] : b->terms[y->term].node;
    node n = build_blank(t, OP_SHIFT);
    n.space = SPACE_STEP;
    n.axis = axis;
    n.width = width;
    n.dir = y->in->dir;
    if (start_is_there(b, y))
      n.in[1] = initial(b, y, back, width);
    else
      n.in[2] = OPEN;
    if (x == NODE_NONE || n.in[2] == OPEN) n.in[3] = -b->unique++; /* see build_close_cycles */
    if (x != NODE_NONE) n.in[0] = build_lift(g, x, SPACE_STEP, axis, width);
    y->shifts[y->n_shifts] = graph_node(g, n);
    y->n_shifts++;
  }
  return graph_failed(g) || b->status != UNROLL_OK ? NODE_NONE : y->shifts[lag - 1];
}

int build_shifted(builder *b, const term *t) { return shifts_of(b, build_state(t->of), t->lag, t); }

/* 1 for each sequence that has no steps on an axis, else 0. */
static int is_empty(graph *g, int axis) {
  const int one = build_lift(g, graph_const(g, 1), SPACE_STEP, axis, 1);
  return graph_failed(g) ? NODE_NONE : graph_binary(g, OP_SUB, graph_const(g, 1), build_edge(g, one, 1));
}

/* What the recurrence z leaves, `back` steps before its last one: of a sequence without steps what z itself began from. */
static int final_state(builder *b, symbol *z, int back, int width) {
  graph *g = b->g;
  const term *t = &b->terms[z->term];
  const int state = back ? shifts_of(b, z, back, t) : build_lift(g, t->node, SPACE_STEP, t->axis, width);
  const int end = graph_failed(g) ? NODE_NONE : build_edge(g, state, -z->in->dir), start = given_start(b, z, back + 1, width);
  if (start == NODE_NONE || graph_failed(g)) return end;
  return graph_binary(g, OP_ADD, end, graph_binary(g, OP_MUL, is_empty(g, t->axis), start));
}

/* y[t-lag] at the first step, as `start =` says; NODE_NONE: zeros. */
static int given_start(builder *b, const symbol *y, int lag, int width) {
  if (y->start_from) return final_state(b, build_state(y->start_from), lag - 1, width);
  return y->start != TERM_NONE && lag == 1 ? build_lift(b->g, b->terms[y->start].node, SPACE_STATIC, -1, width) : NODE_NONE;
}

/* The value of y before the first step. */
static int initial(builder *b, const symbol *y, int lag, int width) {
  if (y->start_from || (y->start != TERM_NONE && lag == 1)) return given_start(b, y, lag, width);
  return b->stream && y->in->dir > 0 ? carry_leaf(b, y, lag, width) : NODE_NONE;
}

static void close_shift(builder *b, const symbol *y, int at, int lag) {
  graph *g = b->g;
  const node n = *graph_at(g, at);
  const int before = g->n_nodes;
  if (graph_failed(g) || n.in[3] == NODE_NONE) return;
  const int x = n.in[0] == NODE_NONE ? build_lift(g, b->terms[y->term].node, SPACE_STEP, n.axis, n.width) : n.in[0];
  const int start = n.in[2] == OPEN ? initial(b, y, lag, n.width) : n.in[1];
  if (graph_failed(g)) return;
  g->nodes[at].in[0] = x;
  g->nodes[at].in[1] = start;
  g->nodes[at].in[2] = g->nodes[at].in[3] = NODE_NONE;
  for (int i = before; i < g->n_nodes; i++) g->nodes[i].source = n.source, g->nodes[i].at = n.at;
}

void build_close_cycles(builder *b) {
  for (const scope *s = b->scopes; s; s = s->next)
    for (const symbol *y = s->first; y; y = y->next)
      for (int k = 0; k < y->n_shifts; k++) close_shift(b, y, y->shifts[k], k + 1);
}

/* The carry of each shift that starts from one: the last value of what is shifted. */
void build_close_carries(builder *b) {
  graph *g = b->g;
  const int n = g->n_nodes;
  for (int i = 0; i < n && !graph_failed(g); i++) {
    const node shift = g->nodes[i];
    if (shift.op != OP_SHIFT || shift.in[1] == NODE_NONE || g->nodes[shift.in[1]].op != OP_CARRY) continue;
    carry *c = &g->carries[g->nodes[shift.in[1]].slot];
    c->node = shift.in[0];
    c->edge = build_edge(g, shift.in[0], -1);
  }
}
