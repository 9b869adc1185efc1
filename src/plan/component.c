/* component.c - the strongly connected components of the values: what is on a cycle together (Tarjan 1972, without recursion). */
#include <string.h>
#include "base/error.h"
#include "plan/internal.h"

typedef struct tarjan {
  struct plan *p;
  int *index, *low, *stack, *work, *edge; /* edge: position in `reads` of the value being visited */
  int *reads, *first;
  bool *on;
  int counter, n_stack, n_work, n_components;
} tarjan;

void plan_add_read(void *context, int reader, int read) {
  (void)reader;
  reads_list *l = context;
  if (l->to) l->to[l->n] = read;
  l->n++;
}

static void close_component(tarjan *t, int v) {
  struct plan *p = t->p;
  int w;
  do {
    w = t->stack[--t->n_stack];
    t->on[w] = false;
    p->values[w].component = t->n_components;
    p->order[p->n_order++] = w;
  } while (w != v);
  t->n_components++;
}

static void open_value(tarjan *t, int v) {
  t->index[v] = t->low[v] = t->counter++;
  t->stack[t->n_stack++] = v;
  t->on[v] = true;
  t->edge[v] = t->first[v];
  t->work[t->n_work++] = v;
}

static void tarjan_from(tarjan *t, int root) {
  open_value(t, root);
  while (t->n_work) {
    int v = t->work[t->n_work - 1];
    if (t->edge[v] < t->first[v + 1]) {
      int w = t->reads[t->edge[v]++];
      if (t->index[w] < 0)
        open_value(t, w);
      else if (t->on[w] && t->index[w] < t->low[v])
        t->low[v] = t->index[w];
      continue;
    }
    if (t->low[v] == t->index[v]) close_component(t, v);
    t->n_work--;
    if (t->n_work) {
      int u = t->work[t->n_work - 1];
      if (t->low[v] < t->low[u]) t->low[u] = t->low[v];
    }
  }
}

unroll_status plan_find_components(struct plan *p, int *n_components, unroll_error *err) {
  const int n = p->n_values;
  int total = 0;
  for (int i = 0; i < n; i++)
    if (p->values[i].kind != VALUE_DEAD) {
      reads_list count = {0};
      plan_reads(p, i, plan_add_read, &count);
      total += count.n;
    }
  int *block = mem_zero((size_t)n * 6 + (size_t)total + 8, sizeof *block);
  bool *on = mem_zero((size_t)n + 1, sizeof *on);
  p->order = arena_alloc(&p->memory, (size_t)n * 2 + 1, sizeof *p->order); /* room for hoisted ones */
  if (!block || !on || !p->order) {
    mem_free(block);
    mem_free(on);
    return error_memory(err);
  }
  tarjan t = {.p = p,
              .index = block,
              .low = block + n,
              .stack = block + 2 * n,
              .work = block + 3 * n,
              .edge = block + 4 * n,
              .first = block + 5 * n,
              .reads = block + 6 * n + 1,
              .on = on};
  reads_list all = {t.reads, 0};
  for (int i = 0; i < n; i++) {
    t.index[i] = -1;
    t.first[i] = all.n;
    if (p->values[i].kind != VALUE_DEAD) plan_reads(p, i, plan_add_read, &all);
  }
  t.first[n] = all.n;
  for (int i = 0; i < n; i++)
    if (p->values[i].kind != VALUE_DEAD && t.index[i] < 0) tarjan_from(&t, i);
  *n_components = t.n_components;
  mem_free(block);
  mem_free(on);
  return UNROLL_OK;
}
