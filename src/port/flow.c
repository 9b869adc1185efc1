/* flow.c - see flow.h. Strongly connected components by Tarjan, without recursion: nets may have many nodes. */
#include "port/flow.h"
#include <string.h>
#include "base/error.h"

typedef struct walk {
  flow *f;
  int *index, *low, *stack, *calls, *next; /* index: from 1; next: the input to look at */
  bool *open;
  int count, depth, n_stack;
} walk;

int port_flow_plain(const graph *g, int x) {
  for (;;) {
    const node *n = &g->nodes[x];
    int to = NODE_NONE;
    if (n->op == OP_HOLD) to = n->in[0];
    for (int k = 0; k < 2 && n->op == OP_MUL; k++)
      if (g->nodes[n->in[k]].op == OP_MASK && g->nodes[n->in[1 - k]].width == n->width) to = n->in[1 - k];
    if (to == NODE_NONE) return x;
    x = to;
  }
}

static void enter(walk *w, int x) {
  w->index[x] = w->low[x] = ++w->count;
  w->stack[w->n_stack++] = x;
  w->open[x] = true;
  w->calls[w->depth++] = x;
}

/* The nodes of a component in the order of a step: a SHIFT has its value before. */
static bool order_block(flow *f, flow_block *b, int number) {
  const size_t n = (size_t)b->n;
  int *sorted = arena_alloc(&f->memory, n + 1, sizeof *sorted), *stack = mem_zero(n * (NODE_INPUTS + 1) + 1, sizeof *stack);
  unsigned char *seen = mem_zero((size_t)f->g->n_nodes + 1, 1); /* 1: its inputs are on the stack, 2: it is in order */
  int count = 0;
  for (int i = 0; sorted && stack && seen && i < b->n; i++) {
    int depth = 0;
    if (seen[b->nodes[i]] < 2) stack[depth++] = b->nodes[i];
    while (depth > 0) {
      const int x = stack[depth - 1];
      const node *at = &f->g->nodes[x];
      const unsigned char before = seen[x];
      if (before) depth--;
      if (before == 1) sorted[count++] = x;
      seen[x] = before ? 2 : 1;
      for (int k = 0; k < NODE_INPUTS && !before && at->op != OP_SHIFT; k++)
        if (at->in[k] != NODE_NONE && f->block_of[at->in[k]] == number && !seen[at->in[k]]) stack[depth++] = at->in[k];
    }
  }
  const bool whole = sorted && stack && seen;
  if (whole) b->nodes = sorted;
  mem_free(stack);
  mem_free(seen);
  return whole;
}

static bool close_block(walk *w, int x) {
  flow *f = w->f;
  int first = w->n_stack;
  while (w->stack[--first] != x) {
  }
  flow_block *b = &f->blocks[f->n_blocks];
  b->n = w->n_stack - first;
  b->nodes = arena_alloc(&f->memory, (size_t)b->n, sizeof *b->nodes);
  if (!b->nodes) return false;
  for (int i = 0; i < b->n; i++) {
    const int y = w->stack[first + i];
    const node *n = &f->g->nodes[y];
    b->nodes[b->n - 1 - i] = y;
    w->open[y] = false;
    f->block_of[y] = f->n_blocks;
    if (n->op == OP_SHIFT && (b->n > 1 || n->in[0] == y)) b->loops = true, b->axis = n->axis, b->dir = n->dir;
  }
  w->n_stack = first;
  if (b->n > 1 && !order_block(f, b, f->n_blocks)) return false;
  f->n_blocks++;
  return true;
}

static bool visit(walk *w, int root) {
  const graph *g = w->f->g;
  if (root == NODE_NONE || w->index[root]) return true;
  enter(w, root);
  while (w->depth > 0) {
    const int x = w->calls[w->depth - 1];
    if (w->next[x] < NODE_INPUTS) {
      const int y = g->nodes[x].in[w->next[x]++];
      if (y == NODE_NONE) continue;
      if (!w->index[y])
        enter(w, y);
      else if (w->open[y] && w->index[y] < w->low[x])
        w->low[x] = w->index[y];
      continue;
    }
    w->depth--;
    if (w->depth > 0 && w->low[x] < w->low[w->calls[w->depth - 1]]) w->low[w->calls[w->depth - 1]] = w->low[x];
    if (w->low[x] == w->index[x] && !close_block(w, x)) return false;
  }
  return true;
}

bool port_flow_is_end(const flow *f, int x) {
  const node *n = &f->g->nodes[x];
  if (n->op != OP_EDGE || f->block_of[n->in[0]] < 0) return false;
  const flow_block *b = &f->blocks[f->block_of[n->in[0]]];
  return b->loops && f->state[n->in[0]] && n->dir == -b->dir;
}

/* Who asks for what of other blocks. */
static void find_uses(flow *f, const int *roots, int n_roots) {
  const graph *g = f->g;
  for (int i = 0; i < g->n_nodes; i++) {
    const int x = g->nodes[i].in[0];
    if (f->block_of[i] >= 0 && g->nodes[i].op == OP_SHIFT && port_flow_within(f, f->block_of[i], x)) f->state[x] = true;
  }
  for (int i = 0; i < n_roots; i++)
    if (roots[i] != NODE_NONE) f->outside[roots[i]] = true;
  for (int i = 0; i < g->n_nodes; i++)
    for (int k = 0; k < NODE_INPUTS && f->block_of[i] >= 0; k++) {
      const int x = g->nodes[i].in[k];
      if (x != NODE_NONE && f->block_of[x] != f->block_of[i] && !port_flow_is_end(f, i)) f->outside[x] = true;
    }
}

unroll_status port_flow_new(flow *f, const graph *g, const int *roots, int n_roots, unroll_error *err) {
  const size_t n = (size_t)g->n_nodes + 1;
  *f = (flow){.g = g};
  arena memory = {0};
  walk w = {.f = f};
  w.index = arena_alloc(&memory, n, sizeof(int));
  w.low = arena_alloc(&memory, n, sizeof(int));
  w.stack = arena_alloc(&memory, n, sizeof(int));
  w.calls = arena_alloc(&memory, n, sizeof(int));
  w.next = arena_alloc(&memory, n, sizeof(int));
  w.open = arena_alloc(&memory, n, sizeof(bool));
  f->block_of = arena_alloc(&f->memory, n, sizeof(int));
  f->blocks = arena_alloc(&f->memory, n, sizeof(flow_block));
  f->outside = arena_alloc(&f->memory, n, sizeof(bool));
  f->state = arena_alloc(&f->memory, n, sizeof(bool));
  bool full = w.index && w.low && w.stack && w.calls && w.next && w.open && f->block_of && f->blocks && f->outside && f->state;
  for (int i = 0; i < g->n_nodes && full; i++) f->block_of[i] = -1;
  for (int i = 0; i < n_roots && full; i++) full = visit(&w, roots[i]);
  if (full) find_uses(f, roots, n_roots);
  arena_free(&memory);
  return full ? UNROLL_OK : error_memory(err);
}

void port_flow_free(flow *f) {
  arena_free(&f->memory);
  *f = (flow){0};
}
