/* lower.c - graph nodes become the planner's values.
 *
 * First live nodes are copied. Then cheap elementwise values that both the forward and the backward part read are computed anew
 * for the latter. An instruction costs less than a matrix in memory. Then additions that hold products become sums. One call of
 * the product kernel starts from a sum's other terms. */
#include <string.h>
#include "base/error.h"
#include "plan/internal.h"

int plan_value(struct plan *p, value v) {
  if (p->n_values == p->cap_values) {
    int cap = p->cap_values ? p->cap_values * 2 : 256;
    value *grown = arena_alloc(&p->memory, (size_t)cap, sizeof *grown);
    if (!grown) return -1;
    if (p->n_values) memcpy(grown, p->values, (size_t)p->n_values * sizeof *grown);
    p->values = grown;
    p->cap_values = cap;
  }
  v.loop = v.component = -1;
  p->values[p->n_values] = v;
  return p->n_values++;
}

void plan_reads(const struct plan *p, int v, plan_visit *visit, void *context) {
  const value *x = &p->values[v];
  for (int i = 0; i < NODE_INPUTS; i++)
    if (x->in[i] >= 0) visit(context, v, x->in[i]);
  for (int i = 0; i < x->n_products; i++) visit(context, v, x->products[i].operand);
  for (int i = 0; i < x->n_terms; i++) visit(context, v, x->terms[i]);
}

static void count_reader(void *context, int reader, int read) {
  (void)reader;
  ((struct plan *)context)->values[read].n_readers++;
}
static void note_reader(void *context, int reader, int read) {
  struct plan *p = context;
  value *v = &p->values[read];
  p->readers[v->first_reader + v->n_readers++] = reader;
}

unroll_status plan_find_readers(struct plan *p, unroll_error *err) {
  for (int i = 0; i < p->n_values; i++) p->values[i].n_readers = 0;
  for (int i = 0; i < p->n_values; i++)
    if (p->values[i].kind != VALUE_DEAD) plan_reads(p, i, count_reader, p);
  int total = 0;
  for (int i = 0; i < p->n_values; i++) {
    p->values[i].first_reader = total;
    total += p->values[i].n_readers;
    p->values[i].n_readers = 0;
  }
  p->readers = arena_alloc(&p->memory, (size_t)total + 1, sizeof *p->readers);
  if (!p->readers) return error_memory(err);
  for (int i = 0; i < p->n_values; i++)
    if (p->values[i].kind != VALUE_DEAD) plan_reads(p, i, note_reader, p);
  return UNROLL_OK;
}

/* Marks what the roots need. */
static unroll_status mark_live(const struct plan *p, bool *live, unroll_error *err) {
  const graph *g = p->g;
  int *todo = mem_alloc(((size_t)g->n_nodes + 1) * sizeof *todo);
  if (!todo) return error_memory(err);
  int n = 0;
#define ROOT(x)                                                                                                                    \
  do {                                                                                                                             \
    int root_ = (x);                                                                                                               \
    if (root_ >= 0 && !live[root_]) live[root_] = true, todo[n++] = root_;                                                         \
  } while (0)
  for (int i = 0; i < g->n_losses; i++) ROOT(g->losses[i].node);
  for (int i = 0; i < p->options.n_keep; i++) ROOT(p->options.keep[i]);
  for (int i = 0; i < g->n_carries; i++) ROOT(g->carries[i].edge);
  for (int i = 0; p->options.gradient && i < g->n_gradients; i++) ROOT(g->gradients[i].node);
  while (n) {
    const node *x = &g->nodes[todo[--n]];
    for (int i = 0; i < NODE_INPUTS; i++) ROOT(x->in[i]);
  }
#undef ROOT
  mem_free(todo);
  return UNROLL_OK;
}

static unroll_status copy_nodes(struct plan *p, const bool *live, unroll_error *err) {
  const graph *g = p->g;
  for (int i = 0; i < g->n_nodes; i++) {
    const node *n = &g->nodes[i];
    value v = {.kind = VALUE_DEAD, .op = n->op, .space = n->space, .node = i, .axis = n->axis, .width = n->width, .dir = n->dir};
    v.over = graph_steps_axis(n->width);
    if (v.over >= 0) v.width = p->options.max_steps;
    if (n->op == OP_CTC || n->op == OP_CTC_GRAD) v.over = g->inputs[n->slot].axis;
    for (int k = 0; k < NODE_INPUTS; k++) v.in[k] = NODE_NONE;
    if (live[i]) {
      v.kind = plan_others[n->op]->value;
      memcpy(v.in, n->in, sizeof v.in);
      if (v.kind == VALUE_SUM) {
        const param *w = &g->params[n->param];
        v.products = arena_alloc(&p->memory, 1, sizeof *v.products);
        if (!v.products) return error_memory(err);
        bool transposed = n->op == OP_MATVEC_T;
        *v.products = (value_product){n->in[0], n->param, n->c0, transposed ? w->rows : g->nodes[n->in[0]].width, transposed};
        v.n_products = 1;
        v.in[0] = NODE_NONE;
      }
    }
    if (plan_value(p, v) < 0) return error_memory(err);
  }
  return UNROLL_OK;
}

/* One instruction, and one matrix to read at most. */
static bool is_cheap(const struct plan *p, const value *v) {
  if (v->kind != VALUE_ELEMENT) return false;
  const enum op op = v->op;
  if (op == OP_ADD || op == OP_SUB || op == OP_MUL)
    return p->values[v->in[0]].kind == VALUE_CONST || p->values[v->in[1]].kind == VALUE_CONST;
  return op == OP_NEG || op == OP_SQUARE || op == OP_STEP || op == OP_SIGN || op == OP_ABS || op == OP_RELU;
}

/* A cheap forward value that the gradient reads gets a twin for the gradient. */
static unroll_status compute_twice(struct plan *p, unroll_error *err) {
  const int forward = p->g->n_forward ? p->g->n_forward : p->n_values, n = p->n_values;
  if (forward >= n) return UNROLL_OK;
  unroll_status s = plan_find_readers(p, err);
  if (s) return s;
  for (int i = forward - 1; i >= 0; i--) {
    if (p->values[i].kind == VALUE_DEAD || !is_cheap(p, &p->values[i])) continue;
    int before = 0, after = 0;
    for (int k = 0; k < p->values[i].n_readers; k++) {
      int reader = p->readers[p->values[i].first_reader + k];
      if (reader < forward)
        before++;
      else
        after++;
    }
    if (!before || !after) continue;
    value twin = p->values[i];
    const int first = twin.first_reader, count = twin.n_readers;
    int number = plan_value(p, twin);
    if (number < 0) return error_memory(err);
    p->n_copied_twice++;
    for (int k = 0; k < count; k++) {
      int reader = p->readers[first + k];
      if (reader < forward) continue;
      value *r = &p->values[reader];
      for (int a = 0; a < NODE_INPUTS; a++)
        if (r->in[a] == i) r->in[a] = number;
      for (int a = 0; a < r->n_products; a++)
        if (r->products[a].operand == i) r->products[a].operand = number;
    }
  }
  return UNROLL_OK;
}

/* Gathers the leaves of a tree of additions below `v`; inner additions and products that nobody else reads are absorbed. */
typedef struct gathered {
  int n_products, n_terms, cap;
  value_product *products;
  int *terms;
} gathered;

static bool absorbs(const struct plan *p, const bool *kept, const value *root, int child) {
  const value *c = &p->values[child];
  return c->n_readers == 1 && !kept[child] && c->space == root->space && c->axis == root->axis && c->width == root->width;
}

static unroll_status gather_terms(struct plan *p, const bool *kept, int root, gathered *out, int *todo, unroll_error *err) {
  int n = 0;
  out->n_products = out->n_terms = 0;
  todo[n++] = root;
  while (n) {
    int i = todo[--n];
    const value *v = &p->values[i];
    bool inner = i == root || absorbs(p, kept, &p->values[root], i);
    if (out->n_products + out->n_terms >= out->cap) return error_set(err, UNROLL_BAD_INPUT, "a sum has too many terms");
    if (inner && v->kind == VALUE_ELEMENT && v->op == OP_ADD) {
      todo[n++] = v->in[1];
      todo[n++] = v->in[0];
    } else if (inner && v->kind == VALUE_SUM && v->n_terms == 0 && v->n_products == 1)
      out->products[out->n_products++] = v->products[0];
    else
      out->terms[out->n_terms++] = i;
  }
  return UNROLL_OK;
}

static void bury_tree(struct plan *p, const bool *kept, int root, int *todo) {
  int n = 0;
  const value r = p->values[root];
  todo[n++] = r.in[0];
  todo[n++] = r.in[1];
  while (n) {
    int i = todo[--n];
    value *v = &p->values[i];
    if (!absorbs(p, kept, &r, i)) continue;
    if (v->kind == VALUE_ELEMENT && v->op == OP_ADD) {
      todo[n++] = v->in[0];
      todo[n++] = v->in[1];
      v->kind = VALUE_DEAD;
    } else if (v->kind == VALUE_SUM)
      v->kind = VALUE_DEAD;
  }
}

/* Whether an addition is the top of its tree. */
static bool is_top(const struct plan *p, const bool *kept, int i) {
  const value *v = &p->values[i];
  if (v->n_readers != 1 || kept[i]) return true;
  const value *r = &p->values[p->readers[v->first_reader]];
  return !(r->kind == VALUE_ELEMENT && r->op == OP_ADD && r->space == v->space && r->axis == v->axis && r->width == v->width);
}

static unroll_status join_sums(struct plan *p, const bool *kept, unroll_error *err) {
  unroll_status s = plan_find_readers(p, err);
  if (s) return s;
  const int n = p->n_values;
  gathered tree = {.cap = n + 1};
  tree.products = mem_zero((size_t)tree.cap, sizeof *tree.products);
  tree.terms = mem_zero((size_t)tree.cap, sizeof *tree.terms);
  int *todo = mem_zero((size_t)n * 2 + 4, sizeof *todo);
  s = tree.products && tree.terms && todo ? UNROLL_OK : error_memory(err);
  for (int i = 0; i < n && !s; i++) {
    value *v = &p->values[i];
    if (v->kind != VALUE_ELEMENT || v->op != OP_ADD || !is_top(p, kept, i)) continue;
    s = gather_terms(p, kept, i, &tree, todo, err);
    if (s || !tree.n_products) continue;
    bury_tree(p, kept, i, todo);
    v->products = arena_alloc(&p->memory, (size_t)tree.n_products, sizeof *v->products);
    v->terms = arena_alloc(&p->memory, (size_t)tree.n_terms + 1, sizeof *v->terms);
    if (!v->products || !v->terms) {
      s = error_memory(err);
      break;
    }
    memcpy(v->products, tree.products, (size_t)tree.n_products * sizeof *v->products);
    memcpy(v->terms, tree.terms, (size_t)tree.n_terms * sizeof *v->terms);
    v->n_products = tree.n_products;
    v->n_terms = tree.n_terms;
    v->in[0] = v->in[1] = NODE_NONE;
    v->kind = VALUE_SUM;
  }
  mem_free(tree.products);
  mem_free(tree.terms);
  mem_free(todo);
  return s;
}

/* Initial states and spread values are STATIC matrices seen in the order of a time axis. */
static unroll_status order_static(struct plan *p, unroll_error *err) {
  const int n = p->n_values;
  for (int i = 0; i < n; i++) {
    const value *v = &p->values[i];
    if (v->kind != VALUE_VIEW) continue;
    int which = v->op == OP_SHIFT ? 1 : 0, from = v->in[which];
    if (from < 0 || p->values[from].kind == VALUE_CONST) continue;
    int made = -1;
    for (int k = n; k < p->n_values; k++)
      if (p->values[k].in[0] == from && p->values[k].axis == p->values[i].axis) made = k;
    if (made < 0) {
      value order = {.kind = VALUE_ORDER,
                     .op = OP_SPREAD,
                     .space = SPACE_STATIC,
                     .node = p->values[from].node,
                     .axis = v->axis,
                     .width = p->values[from].width,
                     .in = {from, NODE_NONE, NODE_NONE, NODE_NONE}};
      made = plan_value(p, order);
      if (made < 0) return error_memory(err);
    }
    p->values[i].in[which] = made;
  }
  return UNROLL_OK;
}

/* A view of a view (h[t-2]) sees a copy. */
static unroll_status separate_views(struct plan *p, unroll_error *err) {
  const int n = p->n_values;
  for (int i = 0; i < n; i++) {
    value v = p->values[i];
    if (v.kind != VALUE_VIEW || v.op != OP_SHIFT || v.in[0] < 0 || p->values[v.in[0]].kind != VALUE_VIEW) continue;
    value copy = {.kind = VALUE_ELEMENT,
                  .op = OP_REPEAT,
                  .space = v.space,
                  .node = v.node,
                  .axis = v.axis,
                  .width = v.width,
                  .in = {v.in[0], NODE_NONE, NODE_NONE, NODE_NONE}};
    int made = plan_value(p, copy);
    if (made < 0) return error_memory(err);
    p->values[i].in[0] = made;
  }
  return UNROLL_OK;
}

/* A matrix of values that a product with something else can read: no constant and no parameter. */
static bool is_matrix(const struct plan *p, int number, int width) {
  const value *v = &p->values[number];
  return v->width == width && v->space != SPACE_PARAM && v->kind != VALUE_CONST && v->kind != VALUE_CARRY;
}

/* The sum over rows of a product that nobody else reads is taken without ever writing the product. */
static unroll_status join_dots(struct plan *p, const bool *kept, unroll_error *err) {
  unroll_status s = plan_find_readers(p, err);
  for (int i = 0; i < p->n_values && !s; i++) {
    value *v = &p->values[i];
    if (v->kind != VALUE_STAGE || v->op != OP_SUM_ROWS) continue;
    value *m = &p->values[v->in[0]];
    if (m->kind != VALUE_ELEMENT || m->op != OP_MUL || m->n_readers != 1 || kept[v->in[0]]) continue;
    if (!is_matrix(p, m->in[0], v->width) || !is_matrix(p, m->in[1], v->width)) continue;
    if (p->values[m->in[0]].space != m->space || p->values[m->in[1]].space != m->space) continue;
    v->in[0] = m->in[0];
    v->in[1] = m->in[1];
    m->kind = VALUE_DEAD;
  }
  return s;
}

unroll_status plan_lower(struct plan *p, unroll_error *err) {
  const graph *g = p->g;
  bool *live = mem_zero((size_t)g->n_nodes + 1, sizeof *live), *kept = NULL;
  unroll_status s = live ? mark_live(p, live, err) : error_memory(err);
  if (!s) s = copy_nodes(p, live, err);
  if (!s) {
    kept = mem_zero(2 * (size_t)p->n_values + 1, sizeof *kept); /* each value may get a twin */
    if (!kept) s = error_memory(err);
  }
  for (int i = 0; !s && i < g->n_losses; i++) kept[g->losses[i].node] = true;
  for (int i = 0; !s && i < p->options.n_keep; i++) kept[p->options.keep[i]] = true;
  for (int i = 0; !s && p->options.gradient && i < g->n_gradients; i++) kept[g->gradients[i].node] = true;
  if (!s) s = plan_fuse(p, kept, err);
  if (!s) s = compute_twice(p, err);
  if (!s) s = join_sums(p, kept, err);
  if (!s) s = join_dots(p, kept, err);
  if (!s) s = order_static(p, err);
  if (!s) s = separate_views(p, err);
  mem_free(live);
  mem_free(kept);
  return s;
}
