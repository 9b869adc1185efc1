/* diff.c - the gradient graph: reverse-mode differentiation that adds nodes to the forward graph (Griewank & Walther 2008).
 *
 * The adjoint dx of a node x is the sum of what each of its readers contributes. Nodes are visited so that all readers of a
 * node come before it. The input of a SHIFT does not count: within a step, a SHIFT is a source. What flows back through it
 * comes from another step, and closes the cycle of the gradient. For s = SHIFT(x, dir) the contribution to x is SHIFT(ds,
 * -dir), and is needed before ds is known. It is written down up front, product by product. If s is read by a = U s, then
 * SHIFT(ds) has the term U' SHIFT(da). This SHIFT(da) is a placeholder, whose input is filled in when da is known. All other
 * readers of s share one placeholder, SHIFT(rest of ds). So a loop of the gradient reads products of shifted quantities: dh =
 * ... + Whh' da[t+1]. Placeholders have in[3] = -2 - (the forward node they wait for); none is left in the end. Derivatives
 * themselves are in diff_rules.c and diff_ops.c. Dead nodes may remain in the table. */
#include <assert.h>
#include <string.h>
#include "base/error.h"
#include "graph/diff.h"

enum { SHIFTS_DEEP = 32 }; /* SHIFTs of SHIFTs that are written through; longer chains wait for the rest */

typedef struct item { /* one contribution */
  int node, next;
  bool hoisted; /* already part of what flows back through a SHIFT */
} item;

typedef struct list {
  int first, last; /* items + 1; 0: empty */
} list;

typedef struct diff {
  graph *g;
  int n;             /* forward nodes */
  const int *wanted; /* nodes whose adjoints the caller asks for */
  int *adjoints, n_wanted;
  arena memory;
  diff_rules rules;
  bool *depends, *reached, *live; /* on a parameter or a wanted node; by a loss; both */
  bool *seeded, *inlined;         /* is a loss; its flow back is part of another SHIFT's */
  int *first_reader, *readers;    /* readers[first_reader[x] ..]: reader * NODE_INPUTS + which input */
  int *order;                     /* live nodes, inputs before readers */
  int n_order;
  list *parts; /* contributions to a node's adjoint */
  list *moved; /* of a SHIFT: contributions to its input's adjoint */
  char *state;
  int *adjoint; /* of a SHIFT: of its hidden readers only (the rest) */
  item *items;
  int n_items, cap_items;
  bool failed;
} diff;

/* --- lists of contributions --- */

static void add(diff *d, list *l, int c, bool hoisted) {
  if (c == NODE_NONE || d->failed) return;
  if (d->n_items == d->cap_items) {
    const int cap = d->cap_items ? d->cap_items * 2 : 256;
    item *grown = mem_resize(d->items, (size_t)cap * sizeof *grown);
    if (!grown) {
      d->failed = true;
      return;
    }
    d->items = grown;
    d->cap_items = cap;
  }
  d->items[d->n_items++] = (item){.node = c, .hoisted = hoisted};
  if (l->last)
    d->items[l->last - 1].next = d->n_items;
  else
    l->first = d->n_items;
  l->last = d->n_items;
}

static int plus(graph *g, int a, int b) { return a == NODE_NONE ? b : b == NODE_NONE ? a : graph_binary(g, OP_ADD, a, b); }

/* SHIFT(a, i) + SHIFT(b, j) = SHIFT(a + b, i + j); NODE_NONE when that cannot be written yet. */
static int merge_shifts(graph *g, int a, int b) {
  node na = *graph_at(g, a), nb = *graph_at(g, b);
  if (na.dir != nb.dir || na.axis != nb.axis || na.width != nb.width) return NODE_NONE;
  const bool wait_a = na.in[3] < NODE_NONE, wait_b = nb.in[3] < NODE_NONE;
  if ((wait_a && (wait_b || nb.in[0] != NODE_NONE)) || (wait_b && na.in[0] != NODE_NONE)) return NODE_NONE;
  node n = diff_node(g, OP_SHIFT, a);
  n.dir = na.dir;
  n.in[3] = wait_a ? na.in[3] : nb.in[3];
  if (!wait_a && !wait_b) n.in[0] = plus(g, na.in[0], nb.in[0]);
  n.in[1] = plus(g, na.in[1], nb.in[1]);
  return graph_node(g, n);
}

/* The sum of a list, shifted terms last; NODE_NONE: zero. */
static int sum_of(diff *d, const list *l, bool with_hoisted) {
  int sum = NODE_NONE, shifted[2] = {NODE_NONE, NODE_NONE};
  for (int i = l->first; i; i = d->items[i - 1].next) {
    const item it = d->items[i - 1];
    if (it.hoisted && !with_hoisted) continue;
    const node *n = graph_at(d->g, it.node);
    if (n->op == OP_SHIFT && it.node >= d->n) {
      int *slot = &shifted[n->dir > 0];
      const int merged = *slot == NODE_NONE ? it.node : merge_shifts(d->g, *slot, it.node);
      if (merged != NODE_NONE) {
        *slot = merged;
        continue;
      }
    }
    sum = plus(d->g, sum, it.node);
  }
  return plus(d->g, plus(d->g, sum, shifted[1]), shifted[0]);
}

/* --- which nodes matter --- */

static bool has_param(const node *n) {
  return n->op == OP_VECTOR || n->op == OP_MATVEC || n->op == OP_MATVEC_T || n->op == OP_EMBED || n->op == OP_CONV;
}
static bool live_edge(const diff *d, int y, int k) {
  const node *n = graph_at(d->g, y);
  return d->live[y] && diff_flows(&d->rules, n, k) && d->live[n->in[k]];
}

static void find_readers(diff *d) {
  const node *nodes = d->g->nodes;
  for (int i = 0; i < d->n; i++)
    for (int k = 0; k < NODE_INPUTS; k++)
      if (nodes[i].in[k] >= 0) d->first_reader[nodes[i].in[k] + 1]++;
  for (int i = 0; i < d->n; i++) d->first_reader[i + 1] += d->first_reader[i];
  int *fill = d->order; /* not in use yet */
  memcpy(fill, d->first_reader, (size_t)d->n * sizeof *fill);
  for (int i = 0; i < d->n; i++)
    for (int k = 0; k < NODE_INPUTS; k++)
      if (nodes[i].in[k] >= 0) d->readers[fill[nodes[i].in[k]]++] = i * NODE_INPUTS + k;
}

static void find_live(diff *d, const seed *seeds, int n_seeds) {
  const node *nodes = d->g->nodes;
  int *todo = d->order, n = 0;
  for (int i = 0; i < d->n; i++)
    if (has_param(&nodes[i])) d->depends[i] = true, todo[n++] = i;
  for (int i = 0; i < d->n_wanted; i++)
    if (!d->depends[d->wanted[i]]) d->depends[d->wanted[i]] = true, todo[n++] = d->wanted[i];
  while (n) {
    const int x = todo[--n];
    for (int i = d->first_reader[x]; i < d->first_reader[x + 1]; i++) {
      const int y = d->readers[i] / NODE_INPUTS, k = d->readers[i] % NODE_INPUTS;
      if (!d->depends[y] && diff_flows(&d->rules, &nodes[y], k)) d->depends[y] = true, todo[n++] = y;
    }
  }
  for (int i = 0; i < n_seeds; i++)
    if (!d->reached[seeds[i].node]) d->reached[seeds[i].node] = true, todo[n++] = seeds[i].node;
  while (n) {
    const int y = todo[--n];
    for (int k = 0; k < NODE_INPUTS; k++) {
      if (!diff_flows(&d->rules, &nodes[y], k) || d->reached[nodes[y].in[k]]) continue;
      d->reached[nodes[y].in[k]] = true;
      todo[n++] = nodes[y].in[k];
    }
  }
  for (int i = 0; i < d->n; i++) d->live[i] = d->depends[i] && d->reached[i];
}

/* Depth first over the inputs within a step. A node's state counts the inputs that were looked at. */
static void find_order(diff *d, int *stack) {
  d->n_order = 0;
  for (int root = 0; root < d->n; root++) {
    int depth = 0;
    if (d->live[root] && !d->state[root]) stack[depth++] = root;
    while (depth) {
      const int x = stack[depth - 1], k = d->state[x]++;
      const node *n = graph_at(d->g, x);
      if (k == NODE_INPUTS) {
        d->order[d->n_order++] = x;
        depth--;
      } else if (live_edge(d, x, k) && !(n->op == OP_SHIFT && k == 0) && !d->state[n->in[k]]) {
        stack[depth++] = n->in[k];
      }
    }
  }
  memset(d->state, 0, (size_t)d->n);
}

/* --- time: what flows back through a SHIFT --- */

static int placeholder(diff *d, int waits_for, int dir) {
  node n = diff_node(d->g, OP_SHIFT, waits_for);
  n.dir = dir;
  n.in[3] = -2 - waits_for;
  return graph_node(d->g, n);
}

/* The other product with the same matrix, as far as `like` reaches. The adjoint of y = W x is W' dy, that of x = W' y is W
 * dx. */
static int transposed(diff *d, int product, int operand, int like) {
  const node p = *graph_at(d->g, product), *o = graph_at(d->g, operand);
  node n = diff_node(d->g, p.op == OP_MATVEC ? OP_MATVEC_T : OP_MATVEC, like);
  n.space = o->space;
  n.axis = o->space == SPACE_STEP ? o->axis : -1;
  n.param = p.param;
  n.c0 = p.c0;
  n.in[0] = operand;
  return graph_node(d->g, n);
}

static bool is_product(const diff *d, int y) { return graph_at(d->g, y)->op == OP_MATVEC || graph_at(d->g, y)->op == OP_MATVEC_T; }

/* Writes down what the SHIFT s contributes to its input. */
static void move_back(diff *d, int s, int depth) {
  const int dir = -graph_at(d->g, s)->dir;
  bool others = d->seeded[s];
  d->state[s] = 1; /* being written */
  for (int i = d->first_reader[s]; i < d->first_reader[s + 1]; i++) {
    const int y = d->readers[i] / NODE_INPUTS, k = d->readers[i] % NODE_INPUTS;
    if (!live_edge(d, y, k)) continue;
    if (is_product(d, y)) {
      add(d, &d->moved[s], transposed(d, y, placeholder(d, y, dir), s), false);
    } else if (graph_at(d->g, y)->op == OP_SHIFT && k == 0) {
      if (!d->state[y] && depth < SHIFTS_DEEP) move_back(d, y, depth + 1);
      d->inlined[y] = d->state[y] == 2;
      for (int j = d->moved[y].first; j && d->inlined[y]; j = d->items[j - 1].next)
        add(d, &d->moved[s], diff_move(d->g, OP_SHIFT, d->items[j - 1].node, dir), false);
      others = others || !d->inlined[y];
    } else {
      others = true;
    }
  }
  if (others) add(d, &d->moved[s], placeholder(d, s, dir), false);
  d->state[s] = 2;
}

/* The last contributions to x: from SHIFTs of it. */
static void add_moved(diff *d, int x) {
  for (int i = d->first_reader[x]; i < d->first_reader[x + 1]; i++) {
    const int s = d->readers[i] / NODE_INPUTS, k = d->readers[i] % NODE_INPUTS;
    if (graph_at(d->g, s)->op != OP_SHIFT || k != 0 || !live_edge(d, s, 0)) continue;
    for (int j = d->moved[s].first; j; j = d->items[j - 1].next) add(d, &d->parts[x], d->items[j - 1].node, d->inlined[s]);
  }
}

/* The start of a recurrence: the initial value gets the adjoint at the first step. */
static void visit_shift(diff *d, int s) {
  const node n = *graph_at(d->g, s);
  d->adjoint[s] = sum_of(d, &d->parts[s], false);
  if (!live_edge(d, s, 1)) return;
  const int ds = sum_of(d, &d->parts[s], true);
  if (ds == NODE_NONE) return;
  const int edge = diff_move(d->g, OP_EDGE, diff_full(d->g, ds, s), n.dir);
  add(d, &d->parts[n.in[1]], diff_reduce(d->g, edge, edge, n.in[1]), false);
}

/* --- the other operators --- */

static void add_gradient(diff *d, int to, int number) {
  graph *g = d->g;
  if (number == NODE_NONE || d->failed) return;
  if (g->n_gradients == g->cap_gradients) {
    const int cap = g->cap_gradients ? g->cap_gradients * 2 : 16;
    gradient *grown = mem_resize(g->gradients, (size_t)cap * sizeof *grown);
    if (!grown) {
      d->failed = true;
      return;
    }
    g->gradients = grown;
    g->cap_gradients = cap;
  }
  g->gradients[g->n_gradients++] = (gradient){to, number};
}

/* dW[:, c0 : c0+K] += sum over rows of dy x' */
static void visit_product(diff *d, int y, int dy) {
  const node n = *graph_at(d->g, y);
  const bool forward = n.op == OP_MATVEC;
  const int left = forward ? dy : n.in[0], right = forward ? n.in[0] : dy;
  node outer = diff_node(d->g, OP_OUTER, right);
  outer.space = SPACE_PARAM;
  outer.axis = -1;
  outer.param = n.param;
  outer.c0 = n.c0;
  outer.in[0] = left;
  outer.in[1] = right;
  add_gradient(d, n.param, graph_node(d->g, outer));
  if (live_edge(d, y, 0)) add(d, &d->parts[n.in[0]], transposed(d, y, dy, n.in[0]), graph_at(d->g, n.in[0])->op == OP_SHIFT);
}

static void visit_embed(diff *d, int y, int dy) {
  const node n = *graph_at(d->g, y);
  node sink = diff_node(d->g, OP_EMBED_T, y);
  sink.space = SPACE_PARAM;
  sink.axis = -1;
  sink.param = n.param;
  sink.slot = n.slot;
  sink.in[0] = dy;
  add_gradient(d, n.param, graph_node(d->g, sink));
}

/* dW += sum over rows and positions of dy patch' */
static void visit_conv(diff *d, int y, int dy) {
  const node n = *graph_at(d->g, y);
  node outer = diff_node(d->g, OP_CONV_OUTER, y);
  outer.space = SPACE_PARAM;
  outer.axis = -1;
  outer.param = n.param;
  outer.patches = n.patches;
  outer.in[0] = dy;
  outer.in[1] = n.in[0];
  add_gradient(d, n.param, graph_node(d->g, outer));
}

/* dh for the adjoint of h. The first name stays when several nodes share an adjoint. */
static void name_adjoint(diff *d, const char *name, int dy) {
  graph *g = d->g;
  text t = {0};
  const enum op op = graph_at(g, dy)->op;
  if (!name || dy < d->n || g->nodes[dy].name || op == OP_CONST || op == OP_SETTING || op == OP_LOSS_SCALE) return;
  text_format(&t, "d%s", name);
  if (t.data && !t.failed) g->nodes[dy].name = arena_text(&g->memory, t.data, t.length);
  d->failed = d->failed || !g->nodes[dy].name;
  text_free(&t);
}

static void visit(diff *d, int y) {
  graph *g = d->g;
  const node n = *graph_at(g, y);
  add_moved(d, y);
  if (n.op == OP_SHIFT) {
    visit_shift(d, y);
    return;
  }
  int dy = sum_of(d, &d->parts[y], true);
  d->adjoint[y] = dy;
  if (dy == NODE_NONE || graph_failed(g)) return;
  name_adjoint(d, n.name, dy);
  const diff_row *row = diff_others[n.op];
  if (row && row->size != SIZE_ANY) dy = diff_full(g, dy, y);
  if (n.op == OP_VECTOR) add_gradient(d, n.param, dy);
  if (n.op == OP_EMBED) visit_embed(d, y, dy);
  if (n.op == OP_CONV) visit_conv(d, y, dy);
  if (n.op == OP_BATCHNORM)
    for (int k = 0; k < 2; k++) add_gradient(d, graph_at(g, n.in[1])->param + k, diff_half(g, n.in[1], k));
  if (n.op == OP_MATVEC || n.op == OP_MATVEC_T) {
    visit_product(d, y, dy);
    return;
  }
  for (int k = 0; k < NODE_INPUTS && !graph_failed(g); k++) {
    if (!live_edge(d, y, k)) continue;
    const int c = row ? row->contribution(g, y, k, dy) : diff_elementwise(&d->rules, g, y, k, dy);
    add(d, &d->parts[n.in[k]], diff_reduce(g, c, row && row->size != SIZE_NODE ? c : y, n.in[k]), false);
  }
}

/* Several products may wait for the same adjoint: of equal SHIFTs the first one stays. */
static void share_filled(diff *d, int end) {
  graph *g = d->g;
  int *first[2] = {arena_alloc(&d->memory, (size_t)end, sizeof(int)), arena_alloc(&d->memory, (size_t)end, sizeof(int))};
  int *instead = arena_alloc(&d->memory, (size_t)end, sizeof *instead);
  if (!first[0] || !first[1] || !instead) {
    d->failed = true;
    return;
  }
  for (int i = d->n; i < end; i++) {
    const node *n = &g->nodes[i];
    if (n->op != OP_SHIFT || n->in[0] < 0 || n->in[1] != NODE_NONE || n->in[0] >= end) continue;
    int *one = &first[n->dir > 0][n->in[0]];
    if (!*one) {
      *one = i;
      continue;
    }
    instead[i] = *one;
    if (!g->nodes[*one].name) g->nodes[*one].name = n->name;
  }
  for (int i = d->n; i < g->n_nodes; i++)
    for (int k = 0; k < NODE_INPUTS; k++)
      if (g->nodes[i].in[k] >= d->n && g->nodes[i].in[k] < end && instead[g->nodes[i].in[k]])
        g->nodes[i].in[k] = instead[g->nodes[i].in[k]];
}

static void fill_placeholders(diff *d) {
  graph *g = d->g;
  const int end = g->n_nodes;
  for (int i = d->n; i < end && !graph_failed(g); i++) {
    if (g->nodes[i].in[3] >= NODE_NONE) continue;
    const int waits_for = -2 - g->nodes[i].in[3];
    int x = d->adjoint[waits_for];
    if (x != NODE_NONE) x = diff_full(g, x, waits_for);
    g->nodes[i].in[0] = x;
    g->nodes[i].in[3] = NODE_NONE;
  }
  if (!graph_failed(g)) share_filled(d, end);
}

/* --- the whole --- */

static bool prepare(diff *d, int **stack) {
  const size_t n = (size_t)d->n + 1;
#define ARRAY(p, count) ((p) = arena_alloc(&d->memory, (count), sizeof *(p)))
  return ARRAY(d->depends, n) && ARRAY(d->reached, n) && ARRAY(d->live, n) && ARRAY(d->seeded, n) && ARRAY(d->inlined, n) &&
         ARRAY(d->first_reader, n + 1) && ARRAY(d->readers, n * NODE_INPUTS) && ARRAY(d->order, n) && ARRAY(d->parts, n) &&
         ARRAY(d->moved, n) && ARRAY(d->state, n) && ARRAY(d->adjoint, n) && ARRAY(*stack, n);
#undef ARRAY
}

static unroll_status differentiate(diff *d, const seed *seeds, int n_seeds, unroll_error *err) {
  graph *g = d->g;
  int *stack = NULL;
  unroll_status s = diff_rules_parse(&d->rules, err);
  if (s != UNROLL_OK) return s;
  if (!prepare(d, &stack)) return error_memory(err);
  find_readers(d);
  find_live(d, seeds, n_seeds);
  find_order(d, stack);
  for (int i = 0; i < n_seeds; i++) {
    d->seeded[seeds[i].node] = true;
    add(d, &d->parts[seeds[i].node], seeds[i].cotangent, false);
  }
  for (int i = 0; i < d->n; i++) d->adjoint[i] = NODE_NONE;
  for (int i = 0; i < d->n && !graph_failed(g); i++)
    if (graph_at(g, i)->op == OP_SHIFT && live_edge(d, i, 0) && !d->state[i]) move_back(d, i, 0);
  for (int i = d->n_order; i-- > 0 && !graph_failed(g) && !d->failed;) visit(d, d->order[i]);
  fill_placeholders(d);
  for (int i = 0; i < d->n_wanted && !graph_failed(g); i++) {
    const int dy = d->adjoint[d->wanted[i]];
    d->adjoints[i] = dy == NODE_NONE ? NODE_NONE : diff_full(g, dy, d->wanted[i]);
  }
  if (d->failed || (graph_failed(g) && g->n_nodes < graph_most_nodes())) return error_memory(err);
  if (graph_failed(g))
    return error_set(err, UNROLL_FAILED,
                     "this net and its gradient have more than %d operations (option 'max-operations' says how many may be)",
                     graph_most_nodes());
  return UNROLL_OK;
}

static unroll_status run(diff d, const seed *seeds, int n_seeds, unroll_error *err) {
  d.g->n_forward = d.n;
  const unroll_status s = differentiate(&d, seeds, n_seeds, err);
  mem_free(d.items);
  arena_free(&d.rules.memory);
  arena_free(&d.memory);
  return s;
}

unroll_status graph_differentiate_wanting(graph *g, const seed *seeds, int n_seeds, const int *wanted, int *adjoints, int n,
                                          unroll_error *err) {
  if (graph_failed(g)) return error_memory(err);
  assert(g->n_forward == 0);
  return run((diff){.g = g, .n = g->n_nodes, .wanted = wanted, .adjoints = adjoints, .n_wanted = n}, seeds, n_seeds, err);
}

unroll_status graph_differentiate_from(graph *g, const seed *seeds, int n_seeds, unroll_error *err) {
  return graph_differentiate_wanting(g, seeds, n_seeds, NULL, NULL, 0, err);
}

unroll_status graph_differentiate(graph *g, unroll_error *err) {
  if (graph_failed(g)) return error_memory(err);
  assert(g->n_forward == 0);
  const int n_forward = g->n_nodes;
  seed *seeds = mem_zero((size_t)g->n_losses + 1, sizeof *seeds);
  if (!seeds) return error_memory(err);
  node scale = diff_node(g, OP_LOSS_SCALE, NODE_NONE); /* one number */
  scale.space = SPACE_PARAM;
  for (int i = 0; i < g->n_losses; i++) seeds[i] = (seed){g->losses[i].objective, graph_node(g, scale)};
  const unroll_status s = run((diff){.g = g, .n = n_forward}, seeds, g->n_losses, err);
  mem_free(seeds);
  return s;
}
