/* diff_rules.c - derivatives of the elementwise operators, read from ops.def, and the algebra of contributions.
 *
 * The idea: a derivative is an expression in Unroll's own language, so the parser of nets parses it. Evaluating it with node
 * numbers as values yields nodes. Not here: the order in which nodes are visited (diff.c). */
#include "graph/diff.h"
#include <assert.h>
#include <math.h>
#include <string.h>
#include "base/error.h"

enum { MOVED_TERMS = 64 };

node diff_node(const graph *g, enum op op, int like) {
  const node *l = graph_at(g, like);
  return (node){.op = op,
                .space = l->space,
                .axis = l->space == SPACE_STEP ? l->axis : -1,
                .width = l->width,
                .in = {NODE_NONE, NODE_NONE, NODE_NONE, NODE_NONE},
                .param = -1,
                .slot = -1};
}

/* --- derivative texts --- */

unroll_status diff_rules_parse(diff_rules *r, unroll_error *err) {
  for (int op = 0; op < OP_COUNT; op++)
    for (int k = 0; k < 2; k++) {
      const char *source = graph_ops[op].derivative[k];
      expr *parsed = NULL;
      if (!source || !strcmp(source, "0")) continue;
      const unroll_status s = lang_parse_expr(&parsed, source, &r->memory, err);
      if (s != UNROLL_OK) return s;
      r->of[op][k] = parsed;
    }
  return UNROLL_OK;
}

typedef struct names { /* what the names in a derivative stand for */
  int dy, y, in[2];
} names;

static int value_of(graph *g, const expr *e, const names *v);

static int call(graph *g, const expr *e, const names *v) {
  for (int op = 0; op < OP_COUNT; op++) {
    const op_info *o = &graph_ops[op];
    if (o->kind == OP_KIND_OTHER || o->inputs != e->n_args || strcmp(o->text, e->name)) continue;
    const int a = value_of(g, e->args[0], v);
    if (o->kind == OP_KIND_UNARY) return graph_unary(g, (enum op)op, a);
    return graph_binary(g, (enum op)op, a, value_of(g, e->args[1], v));
  }
  assert(0 && "ops.def: a derivative calls an unknown function");
  return NODE_NONE;
}

static int power(graph *g, int x, double exponent) {
  const int n = (int)fabs(exponent);
  if (exponent == 0.5) return graph_unary(g, OP_SQRT, x);
  assert(exponent == (double)(int)exponent && n >= 1 && n <= 8);
  int y = n >= 2 ? graph_unary(g, OP_SQUARE, x) : x;
  for (int i = 2; i < n; i++) y = graph_binary(g, OP_MUL, y, x);
  return exponent > 0 ? y : graph_binary(g, OP_DIV, graph_const(g, 1), y);
}

static int value_of_name(const char *name, const names *v) {
  if (!strcmp(name, "dy")) return v->dy;
  if (!strcmp(name, "y")) return v->y;
  if (!strcmp(name, "x") || !strcmp(name, "a")) return v->in[0];
  assert(!strcmp(name, "b"));
  return v->in[1];
}

static int value_of(graph *g, const expr *e, const names *v) {
  switch (e->kind) {
  case EXPR_NUMBER:
    return graph_const(g, e->number);
  case EXPR_NAME:
    return value_of_name(e->name, v);
  case EXPR_CALL:
    return call(g, e, v);
  case EXPR_NEGATE:
    return graph_unary(g, OP_NEG, value_of(g, e->args[0], v));
  case EXPR_POWER:
    return power(g, value_of(g, e->args[0], v), e->number);
  case EXPR_ADD:
  case EXPR_SUB:
  case EXPR_MUL:
  case EXPR_DIV:
    break;
  case EXPR_MATRIX:
  case EXPR_CONCAT:
    assert(0 && "ops.def: a derivative is elementwise");
    return NODE_NONE;
  }
  const enum op op = e->kind == EXPR_ADD ? OP_ADD : e->kind == EXPR_SUB ? OP_SUB : e->kind == EXPR_MUL ? OP_MUL : OP_DIV;
  const int a = value_of(g, e->args[0], v);
  return graph_binary(g, op, a, value_of(g, e->args[1], v));
}

int diff_elementwise(const diff_rules *r, graph *g, int y, int k, int dy) {
  const node n = *graph_at(g, y);
  const names v = {.dy = dy, .y = y, .in = {n.in[0], n.in[1]}};
  return value_of(g, r->of[n.op][k], &v);
}

bool diff_flows(const diff_rules *r, const node *n, int k) {
  if (n->in[k] < 0) return false;
  return diff_others[n->op] ? diff_others[n->op]->through >> k & 1 : r->of[n->op][k] != NULL;
}

/* --- contributions --- */

int diff_full(graph *g, int c, int like) {
  const node *nc = graph_at(g, c), *nl = graph_at(g, like);
  if (graph_failed(g) || (nc->space == nl->space && nc->width == nl->width)) return c;
  assert(nc->space == nl->space || nc->space == SPACE_PARAM);
  assert(nc->width == nl->width || nc->width == 1);
  node n = diff_node(g, OP_REPEAT, like);
  n.in[0] = c;
  return graph_node(g, n);
}

static int sum_rows(graph *g, int c, enum space space) {
  node n = diff_node(g, space == SPACE_STATIC ? OP_SUM_TIME : OP_SUM_ROWS, c);
  n.axis = space == SPACE_STATIC ? graph_at(g, c)->axis : -1;
  n.space = space;
  n.in[0] = c;
  return graph_node(g, n);
}

int diff_reduce(graph *g, int c, int y, int x) {
  const node nx = *graph_at(g, x), ny = *graph_at(g, y);
  if (graph_failed(g) || (nx.width >= ny.width && nx.space >= ny.space)) return c;
  c = diff_full(g, c, y);
  if (nx.width < ny.width) {
    node n = diff_node(g, OP_ROW_SUM, c);
    n.width = 1;
    n.in[0] = c;
    c = graph_node(g, n);
  }
  if (nx.space < ny.space && !graph_failed(g)) c = sum_rows(g, c, nx.space);
  return c;
}

/* --- moving SHIFT and EDGE to operands --- */

typedef struct term {
  int node;
  bool minus;
} term;

/* The terms of a sum; false when there are too many. */
static bool split(const graph *g, int x, bool minus, int depth, term *terms, int *n) {
  const node *s = graph_at(g, x);
  if (*n == MOVED_TERMS || depth > MOVED_TERMS) return false;
  if (s->op == OP_NEG) return split(g, s->in[0], !minus, depth + 1, terms, n);
  if (s->op == OP_ADD || s->op == OP_SUB)
    return split(g, s->in[0], minus, depth + 1, terms, n) && split(g, s->in[1], minus != (s->op == OP_SUB), depth + 1, terms, n);
  terms[(*n)++] = (term){x, minus};
  return true;
}

static bool is_product(const graph *g, int x) { return graph_at(g, x)->op == OP_MATVEC || graph_at(g, x)->op == OP_MATVEC_T; }

static int number_side(const graph *g,
                       int x) { /* which side of a product of a number with a matrix product is the number; -1: neither */
  const node *n = graph_at(g, x);
  if (n->op != OP_MUL) return -1;
  if (graph_at(g, n->in[0])->op == OP_CONST && is_product(g, n->in[1])) return 0;
  return graph_at(g, n->in[1])->op == OP_CONST && is_product(g, n->in[0]) ? 1 : -1;
}

/* SHIFT or EDGE of one node as it is. */
static int leaf(graph *g, enum op op, int x, int dir) {
  const node n = *graph_at(g, x);
  if (op == OP_SHIFT) return graph_shift(g, x, dir, NODE_NONE);
  if (n.space != SPACE_STEP) return x;
  if (n.op == OP_SPREAD) return n.in[0];
  if (n.op == OP_SHIFT && n.dir == dir && n.in[1] >= 0) return n.in[1];
  node edge = diff_node(g, OP_EDGE, x);
  edge.axis = n.axis;
  edge.space = SPACE_STATIC;
  edge.in[0] = x;
  edge.dir = dir;
  return graph_node(g, edge);
}

static int move_product(graph *g, enum op op, int x, int dir) {
  const int side = number_side(g, x);
  if (side >= 0) {
    const node n = *graph_at(g, x);
    const int product = move_product(g, op, n.in[1 - side], dir);
    return side == 0 ? graph_binary(g, OP_MUL, n.in[0], product) : graph_binary(g, OP_MUL, product, n.in[1]);
  }
  node n = *graph_at(g, x);
  const int operand = leaf(g, op, n.in[0], dir);
  n.space = graph_at(g, operand)->space;
  n.axis = n.space == SPACE_STEP ? graph_at(g, operand)->axis : -1;
  n.in[0] = operand;
  n.name = NULL;
  return graph_node(g, n);
}

static int add_term(graph *g, int sum, int x, bool minus) {
  if (sum == NODE_NONE) return minus ? graph_unary(g, OP_NEG, x) : x;
  return graph_binary(g, minus ? OP_SUB : OP_ADD, sum, x);
}

int diff_move(graph *g, enum op op, int x, int dir) {
  term terms[MOVED_TERMS];
  int n = 0, n_products = 0, rest = NODE_NONE, sum = NODE_NONE;
  if (graph_failed(g) || graph_at(g, x)->space != SPACE_STEP) return graph_failed(g) ? NODE_NONE : leaf(g, op, x, dir);
  if (!split(g, x, false, 0, terms, &n)) return leaf(g, op, x, dir);
  for (int i = 0; i < n; i++) {
    const node *t = graph_at(g, terms[i].node);
    const bool product = t->space == SPACE_STEP && (is_product(g, terms[i].node) || number_side(g, terms[i].node) >= 0);
    n_products += product;
    if (!product) rest = add_term(g, rest, terms[i].node, terms[i].minus);
  }
  if (n_products == 0 || graph_failed(g)) return leaf(g, op, x, dir);
  if (rest != NODE_NONE && graph_at(g, rest)->space != SPACE_STEP && op == OP_SHIFT) return leaf(g, op, x, dir);
  for (int i = 0; i < n && !graph_failed(g); i++) {
    const int t = terms[i].node;
    if (graph_at(g, t)->space != SPACE_STEP || !(is_product(g, t) || number_side(g, t) >= 0)) continue;
    sum = add_term(g, sum, move_product(g, op, t, dir), terms[i].minus);
  }
  return rest == NODE_NONE || graph_failed(g) ? sum : add_term(g, sum, leaf(g, op, rest, dir), false);
}
