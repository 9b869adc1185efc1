/* idle.c - see idle.h. A parameter is idle if no gradient flows to it but zeros. */
#include "graph/idle.h"
#include "base/error.h"

/* Is a gradient zero whatever the data? Sums of rows and products are, if what they are of is. */
static bool is_zero(const graph *g, int x) {
  for (int depth = 0; depth < 8 && x >= 0; depth++) {
    const node *n = &g->nodes[x];
    if (n->op == OP_CONST) return n->value == 0;
    if (n->op != OP_OUTER && n->op != OP_EMBED_T && n->op != OP_CONV_OUTER && n->op != OP_REPEAT && n->op != OP_SUM_ROWS)
      return false;
    x = n->in[0];
  }
  return false;
}

/* The parameters of all nodes that a loss is made of. */
static void mark_used(const graph *g, bool *seen, int *stack, bool *used) {
  int n = 0;
  for (int i = 0; i < g->n_losses; i++)
    if (!seen[g->losses[i].objective]) seen[stack[n++] = g->losses[i].objective] = true;
  while (n) {
    const node *x = &g->nodes[stack[--n]];
    if (x->param >= 0) used[x->param] = true;
    for (int k = 0; k < NODE_INPUTS; k++)
      if (x->in[k] >= 0 && !seen[x->in[k]]) seen[stack[n++] = x->in[k]] = true;
  }
}

unroll_status graph_idle_params(const graph *g, idle_param *out, int *n, unroll_error *err) {
  const size_t nodes = (size_t)g->n_nodes + 1, params = (size_t)g->n_params + 1;
  bool *seen = mem_zero(nodes, sizeof *seen), *used = mem_zero(params, sizeof *used), *moved = mem_zero(params, sizeof *moved);
  int *stack = mem_zero(nodes, sizeof *stack);
  const bool room = seen && used && moved && stack;
  *n = 0;
  if (room) {
    mark_used(g, seen, stack, used);
    for (int i = 0; i < g->n_gradients; i++)
      if (!is_zero(g, g->gradients[i].node)) moved[g->gradients[i].param] = true;
    for (int i = 0; i < g->n_params; i++)
      if (!moved[i] && g->params[i].role != PARAM_PLACE) out[(*n)++] = (idle_param){i, used[i]};
  }
  mem_free(seen);
  mem_free(used);
  mem_free(moved);
  mem_free(stack);
  return room ? UNROLL_OK : error_memory(err);
}
