/* graph.c - the node table: sharing of equal nodes, folding of constants, spaces and widths of elementwise nodes.
 *
 * A node is found again by a hash over all that it means; its name and place mean nothing. A node with an input below NODE_NONE is
 * a placeholder whose input is patched later (a cycle is being closed): it is never shared. Arrays that have a `cap_` come from
 * mem_resize and end with graph_free; everything else of a graph lives in g->memory. Pointers into g->nodes hold only until the
 * next node is made. */
#include "graph/graph.h"
#include <assert.h>
#include <math.h>
#include <string.h>
#include "base/budget.h"
#include "base/special.h"

const op_info graph_ops[OP_COUNT] = {
#define UNARY(name, text, dx, y) {#name, text, OP_KIND_UNARY, 1, {dx, NULL}},
#define BINARY(name, text, da, db, y) {#name, text, OP_KIND_BINARY, 2, {da, db}},
#define OTHER(name, text, inputs, back, form) {#name, text, OP_KIND_OTHER, inputs, {NULL, NULL}},
#include "graph/ops.def"
#undef UNARY
#undef BINARY
#undef OTHER
};

typedef struct node_index {
  int *slots;          /* node number + 1; 0: free */
  uint32_t size, used; /* size is a power of two */
  bool failed;
} node_index;

void graph_init(graph *g) {
  memset(g, 0, sizeof *g);
  g->output_node = NODE_NONE;
  g->index = mem_zero(1, sizeof(node_index));
}

void graph_free(graph *g) {
  node_index *index = g->index;
  if (index) mem_free(index->slots);
  mem_free(index);
  mem_free(g->nodes);
  mem_free(g->params);
  mem_free(g->inputs);
  mem_free(g->carries);
  mem_free(g->losses);
  mem_free(g->gradients);
  arena_free(&g->memory);
  memset(g, 0, sizeof *g);
}

int graph_most_nodes(void) {
  const int n = budget_operations();
  return n < GRAPH_MAX_NODES ? n : GRAPH_MAX_NODES;
}

bool graph_failed(const graph *g) {
  const node_index *index = g->index;
  return !index || index->failed;
}

static int fail(graph *g) {
  node_index *index = g->index;
  if (index) index->failed = true;
  return NODE_NONE;
}

/* Room for one more element, or false. */
static bool grow(void **items, int n, int *cap, size_t size) {
  int wanted = 0;
  size_t bytes = 0;
  if (n < *cap) return true;
  if (__builtin_mul_overflow(*cap, 2, &wanted)) return false;
  if (wanted < 16) wanted = 16;
  if (__builtin_mul_overflow((size_t)wanted, size, &bytes)) return false;
  void *bigger = mem_resize(*items, bytes);
  if (!bigger) return false;
  *items = bigger;
  *cap = wanted;
  return true;
}

const node *graph_at(const graph *g, int number) {
  static const node nothing = {
      .op = OP_CONST, .axis = -1, .width = 1, .in = {NODE_NONE, NODE_NONE, NODE_NONE, NODE_NONE}, .param = -1, .slot = -1};
  if (number < 0) return &nothing; /* after a failure, so that builders need not look at every call */
  assert(number < g->n_nodes);
  return &g->nodes[number];
}

/* --- sharing --- */

static bool same(const node *a, const node *b) {
  return a->op == b->op && a->space == b->space && a->axis == b->axis && a->width == b->width &&
         !memcmp(a->in, b->in, sizeof a->in) && a->dir == b->dir && a->param == b->param && a->slot == b->slot && a->c0 == b->c0 &&
         !memcmp(&a->value, &b->value, sizeof a->value) && !memcmp(&a->patches, &b->patches, sizeof a->patches);
}

static uint64_t mix(uint64_t h, uint64_t x) {
  h = (h ^ x) * 0x9E3779B97F4A7C15u;
  return h ^ h >> 29;
}

static uint32_t hash_of(const node *n) {
  uint64_t h = 0x51, bits = 0;
  memcpy(&bits, &n->value, sizeof bits);
  h = mix(h, (uint64_t)n->op << 32 | (uint32_t)n->width);
  h = mix(h, (uint64_t)n->space << 32 | (uint32_t)n->axis);
  h = mix(h, (uint64_t)(uint32_t)n->in[0] << 32 | (uint32_t)n->in[1]);
  h = mix(h, (uint64_t)(uint32_t)n->in[2] << 32 | (uint32_t)n->in[3]);
  h = mix(h, (uint64_t)(uint32_t)n->param << 32 | (uint32_t)n->slot);
  h = mix(h, (uint64_t)(uint32_t)n->c0 << 32 | (uint32_t)n->dir);
  h = mix(h, bits);
  h = mix(h, (uint64_t)n->patches.size << 32 | (uint32_t)n->patches.border);
  h = mix(h, (uint64_t)n->patches.stride << 32 | (uint32_t)n->patches.groups);
  return (uint32_t)(h ^ h >> 32);
}

static bool index_grow(graph *g) {
  node_index *index = g->index;
  if (index->used * 2 < index->size) return true;
  const uint32_t size = index->size ? index->size * 2 : 256;
  int *slots = mem_zero(size, sizeof *slots);
  if (!slots) return false;
  for (uint32_t i = 0; i < index->size; i++) {
    if (!index->slots[i]) continue;
    uint32_t at = hash_of(&g->nodes[index->slots[i] - 1]) & (size - 1);
    while (slots[at]) at = (at + 1) & (size - 1);
    slots[at] = index->slots[i];
  }
  mem_free(index->slots);
  index->slots = slots;
  index->size = size;
  return true;
}

static const char *copy_name(graph *g, const char *name) {
  if (!name) return NULL;
  const char *copy = arena_text(&g->memory, name, strlen(name));
  if (!copy) fail(g);
  return copy;
}

/* Appends without looking for an equal node. */
static int append(graph *g, const node *n) {
  if (g->n_nodes >= graph_most_nodes() || !grow((void **)&g->nodes, g->n_nodes, &g->cap_nodes, sizeof *g->nodes)) return fail(g);
  node *fresh = &g->nodes[g->n_nodes];
  *fresh = *n;
  fresh->name = copy_name(g, n->name);
  if (graph_failed(g)) return NODE_NONE;
  return g->n_nodes++;
}

int graph_node(graph *g, node n) {
  bool placeholder = false;
  if (graph_failed(g)) return NODE_NONE;
  for (int k = 0; k < NODE_INPUTS; k++) {
    assert(n.in[k] < g->n_nodes);
    placeholder = placeholder || n.in[k] < NODE_NONE;
  }
  assert(n.width >= 1);
  if (placeholder) return append(g, &n);

  node_index *index = g->index;
  if (!index_grow(g)) return fail(g);
  uint32_t at = hash_of(&n) & (index->size - 1);
  for (; index->slots[at]; at = (at + 1) & (index->size - 1)) {
    const int found = index->slots[at] - 1;
    if (!same(&g->nodes[found], &n)) continue;
    if (n.name && !g->nodes[found].name) {
      g->nodes[found].name = copy_name(g, n.name);
      if (graph_failed(g)) return NODE_NONE;
    }
    return found;
  }
  const int number = append(g, &n);
  if (number == NODE_NONE) return NODE_NONE;
  index->slots[at] = number + 1;
  index->used++;
  return number;
}

/* --- elementwise nodes --- */

static node blank(enum op op) {
  return (node){.op = op, .axis = -1, .width = 1, .in = {NODE_NONE, NODE_NONE, NODE_NONE, NODE_NONE}, .param = -1, .slot = -1};
}

int graph_const(graph *g, double value) {
  node n = blank(OP_CONST);
  n.value = value == 0 ? 0.0 : value; /* no negative zero */
  return graph_node(g, n);
}

static bool is_const(const graph *g, int x) { return graph_at(g, x)->op == OP_CONST; }
static bool is_number(const graph *g, int x, double value) { return is_const(g, x) && graph_at(g, x)->value == value; }

/* Values of elementwise operators of constants. */
#define UNARY(name, text, dx, y)                                                                                                   \
  static double value_##name(double x) { return (y); }
#define BINARY(name, text, da, db, y)                                                                                              \
  static double value_##name(double a, double b) { return (y); }
#define OTHER(name, text, inputs, back, form)
#include "graph/ops.def"
#undef UNARY
#undef BINARY
static double (*const values_of_one[OP_COUNT])(double) = {
#define UNARY(name, text, dx, y) [OP_##name] = value_##name,
#define BINARY(name, text, da, db, y)
#include "graph/ops.def"
#undef UNARY
#undef BINARY
};
static double (*const values_of_two[OP_COUNT])(double, double) = {
#define UNARY(name, text, dx, y)
#define BINARY(name, text, da, db, y) [OP_##name] = value_##name,
#include "graph/ops.def"
#undef UNARY
#undef BINARY
#undef OTHER
};

int graph_unary(graph *g, enum op op, int x) {
  assert(graph_ops[op].kind == OP_KIND_UNARY);
  if (graph_failed(g)) return NODE_NONE;
  assert(x >= 0);
  const node *in = graph_at(g, x);
  if (in->op == OP_CONST) {
    const double value = values_of_one[op](in->value);
    if (isfinite(value)) return graph_const(g, value);
  }
  if (op == OP_NEG && in->op == OP_NEG) return in->in[0];
  node n = blank(op);
  n.space = in->space;
  n.axis = in->space == SPACE_STEP ? in->axis : -1;
  n.width = in->width;
  n.in[0] = x;
  return graph_node(g, n);
}

static int simple_add(graph *g, int a, int b) {
  const node *na = graph_at(g, a), *nb = graph_at(g, b);
  if (is_number(g, a, 0)) return b;
  if (is_number(g, b, 0)) return a;
  if (nb->op == OP_NEG) return graph_binary(g, OP_SUB, a, nb->in[0]);
  if (na->op == OP_NEG) return graph_binary(g, OP_SUB, b, na->in[0]);
  return NODE_NONE;
}

static int simple_sub(graph *g, int a, int b) {
  const node *nb = graph_at(g, b);
  if (is_number(g, b, 0)) return a;
  if (is_number(g, a, 0)) return graph_unary(g, OP_NEG, b);
  if (nb->op == OP_NEG) return graph_binary(g, OP_ADD, a, nb->in[0]);
  return NODE_NONE;
}

static int simple_mul(graph *g, int a, int b) {
  if (is_number(g, a, 0) || is_number(g, b, 1)) return a;
  if (is_number(g, b, 0) || is_number(g, a, 1)) return b;
  if (is_number(g, b, -1)) return graph_unary(g, OP_NEG, a);
  if (is_number(g, a, -1)) return graph_unary(g, OP_NEG, b);
  return NODE_NONE;
}

/* What needs no node: a number, one of the sides, or a simpler node. NODE_NONE: nothing to simplify. */
static int simplify(graph *g, enum op op, int a, int b) {
  const node *na = graph_at(g, a), *nb = graph_at(g, b);
  if (na->op == OP_CONST && nb->op == OP_CONST) {
    const double value = values_of_two[op](na->value, nb->value);
    if (isfinite(value)) return graph_const(g, value);
  }
  if (op == OP_ADD) return simple_add(g, a, b);
  if (op == OP_SUB) return simple_sub(g, a, b);
  if (op == OP_MUL) return simple_mul(g, a, b);
  return op == OP_DIV && is_number(g, b, 1) ? a : NODE_NONE;
}

int graph_binary(graph *g, enum op op, int a, int b) {
  assert(graph_ops[op].kind == OP_KIND_BINARY);
  if (graph_failed(g)) return NODE_NONE;
  assert(a >= 0 && b >= 0);
  const int simple = simplify(g, op, a, b);
  if (simple != NODE_NONE || graph_failed(g)) return simple;

  node na = *graph_at(g, a), nb = *graph_at(g, b);
  if (na.space == SPACE_STEP && nb.space == SPACE_STATIC) nb = *graph_at(g, b = graph_spread(g, b, na.axis));
  if (nb.space == SPACE_STEP && na.space == SPACE_STATIC) na = *graph_at(g, a = graph_spread(g, a, nb.axis));
  assert(na.space != SPACE_STEP || nb.space != SPACE_STEP || na.axis == nb.axis);
  assert(na.width == nb.width || na.width == 1 || nb.width == 1);
  if (graph_failed(g)) return NODE_NONE;
  const node *larger = na.space >= nb.space ? &na : &nb;
  node n = blank(op);
  n.space = larger->space;
  n.axis = larger->space == SPACE_STEP ? larger->axis : -1;
  n.width = na.width > nb.width ? na.width : nb.width;
  n.in[0] = a;
  n.in[1] = b;
  return graph_node(g, n);
}

/* --- time --- */

int graph_shift(graph *g, int x, int dir, int init) {
  assert(dir == 1 || dir == -1);
  if (graph_failed(g)) return NODE_NONE;
  if (init != NODE_NONE && is_number(g, init, 0)) init = NODE_NONE;
  if (init == NODE_NONE && is_number(g, x, 0)) return x;
  const node *in = graph_at(g, x);
  assert(in->space == SPACE_STEP);
  node n = blank(OP_SHIFT);
  n.space = SPACE_STEP;
  n.axis = in->axis;
  n.width = in->width;
  n.in[0] = x;
  n.in[1] = init;
  n.dir = dir;
  return graph_node(g, n);
}

int graph_spread(graph *g, int x, int axis) {
  if (graph_failed(g)) return NODE_NONE;
  const node *in = graph_at(g, x);
  if (in->space == SPACE_STEP) return x;
  node n = blank(OP_SPREAD);
  n.space = SPACE_STEP;
  n.axis = axis;
  n.width = in->width;
  n.in[0] = x;
  return graph_node(g, n);
}

/* --- parameters and inputs --- */

int graph_param(graph *g, param p) {
  int64_t size = 0, end = 0;
  if (graph_failed(g)) return NODE_NONE;
  assert(p.name && p.rows >= 1 && p.cols >= 1);
  if (__builtin_mul_overflow((int64_t)p.rows, (int64_t)p.cols, &size) || __builtin_add_overflow(g->n_weights, size, &end))
    return fail(g);
  if (!grow((void **)&g->params, g->n_params, &g->cap_params, sizeof *g->params)) return fail(g);
  p.name = copy_name(g, p.name);
  if (graph_failed(g)) return NODE_NONE;
  p.offset = g->n_weights;
  g->n_weights = end;
  g->params[g->n_params] = p;
  return g->n_params++;
}

static int find_input(graph *g, int data, int lag, bool seen) {
  if (graph_failed(g)) return NODE_NONE;
  assert(data >= 0 && data < g->n_data);
  for (int i = 0; i < g->n_inputs; i++)
    if (g->inputs[i].data == data && g->inputs[i].lag == lag && g->inputs[i].seen == seen) return i;
  if (!grow((void **)&g->inputs, g->n_inputs, &g->cap_inputs, sizeof *g->inputs)) return fail(g);
  const data_info *d = &g->data[data];
  g->inputs[g->n_inputs] = (input){.data = data,
                                   .lag = lag,
                                   .index = !seen && kind_is_symbols(kind_find(d->kind)),
                                   .seen = seen,
                                   .width = seen ? 1 : d->width,
                                   .space = d->space,
                                   .axis = d->axis};
  return g->n_inputs++;
}

int graph_input(graph *g, int data, int lag) { return find_input(g, data, lag, false); }
int graph_seen(graph *g, int data, int lag) { return find_input(g, data, lag, true); }
