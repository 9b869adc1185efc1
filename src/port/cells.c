/* cells.c - see cells.h. The equations of each row become a graph, as those of a cell file do. A recurrence is such a cell if
 * the two graphs are the same. Sums into gates may have any terms in any order: matrices times what comes from outside, and biases.
 */
#include "port/cells.h"
#include <string.h>
#include "base/error.h"

#define LSTM(i, f, o, last)                                                                                                        \
  "i = sigmoid(Wi x + Ui h[t-1] + bi" i ")\nf = sigmoid(Wf x + Uf h[t-1] + bf" f ")\ng = tanh(Wg x + Ug h[t-1] + bg)\n" last       \
  "o = sigmoid(Wo x + Uo h[t-1] + bo" o ")\nh = o * tanh(c)\n"
#define COUPLED(f, o, last)                                                                                                        \
  "f = sigmoid(Wf x + Uf h[t-1] + bf" f ")\ng = tanh(Wg x + Ug h[t-1] + bg)\n" last "o = sigmoid(Wo x + Uo h[t-1] + bo" o ")\n"    \
  "h = o * tanh(c)\n"
#define GRU(inner, last)                                                                                                           \
  "z = sigmoid(Wz x + Uz h[t-1] + bz)\nr = sigmoid(Wr x + Ur h[t-1] + br)\nc = tanh(Wc x + bc + " inner ")\n" last
#define BEFORE "Uc (r * h[t-1])"
#define AFTER "r * (Uc h[t-1] + buc)"
#define OLD_BY_Z "h = (1 - z) * c + z * h[t-1]\n"
#define NEW_BY_Z "h = (1 - z) * h[t-1] + z * c\n"

static const cell_row rows[] = {
    {CELL_LSTM, {"i", "o", "f", "g"}, {0}, NULL, false, false, false, LSTM("", "", "", "c = f * c[t-1] + i * g\n")},
    {CELL_LSTM,
     {"i", "o", "f", "g"},
     {"pi", "po", "pf"},
     NULL,
     false,
     false,
     false,
     "param pi, pf, po\n" LSTM(" + pi * c[t-1]", " + pf * c[t-1]", " + po * c", "c = f * c[t-1] + i * g\n")},
    {CELL_LSTM, {"f", "o", NULL, "g"}, {0}, NULL, false, true, true, COUPLED("", "", "c = f * c[t-1] + (1 - f) * g\n")},
    {CELL_LSTM,
     {"f", "o", NULL, "g"},
     {"pf", "po", NULL},
     NULL,
     false,
     true,
     true,
     "param pf, po\n" COUPLED(" + pf * c[t-1]", " + po * c", "c = f * c[t-1] + (1 - f) * g\n")},
    {CELL_LSTM, {"f", "o", NULL, "g"}, {0}, NULL, false, false, true, COUPLED("", "", "c = (1 - f) * c[t-1] + f * g\n")},
    {CELL_GRU, {"z", "r", "c"}, {0}, NULL, false, false, false, GRU(BEFORE, OLD_BY_Z)},
    {CELL_GRU, {"z", "r", "c"}, {0}, NULL, false, true, false, GRU(BEFORE, NEW_BY_Z)},
    {CELL_GRU, {"z", "r", "c"}, {0}, NULL, true, false, false, GRU(AFTER, OLD_BY_Z)},
    {CELL_GRU, {"z", "r", "c"}, {0}, NULL, true, true, false, GRU(AFTER, NEW_BY_Z)},
    {CELL_RNN, {"h"}, {0}, "Tanh", false, false, false, "h = tanh(W x + U h[t-1] + b)\n"},
    {CELL_RNN, {"h"}, {0}, "Relu", false, false, false, "h = relu(W x + U h[t-1] + b)\n"},
    {CELL_RNN, {"h"}, {0}, "Sigmoid", false, false, false, "h = sigmoid(W x + U h[t-1] + b)\n"},
};

typedef struct search {
  const graph *p, *g; /* the row's, and the net's */
  const flow *f;
  int block;
  int *map; /* [nodes of p] */
  int *trail, n_trail;
  bool *used; /* [nodes of g] */
  int *marked, n_marked;
  cell_sum *sums; /* [nodes of p] */
} search;

typedef struct terms {
  int list[CELL_TERMS], n;
  bool overflow;
} terms;

static void flatten(const graph *g, int x, terms *t) {
  int stack[CELL_TERMS], depth = 0;
  stack[depth++] = x;
  while (depth > 0) {
    x = port_flow_plain(g, stack[--depth]);
    const node *n = &g->nodes[x];
    if (n->op == OP_SPREAD || n->op == OP_REPEAT) {
      stack[depth++] = n->in[0];
    } else if (n->op == OP_ADD && depth + 2 <= CELL_TERMS) {
      stack[depth++] = n->in[1];
      stack[depth++] = n->in[0];
    } else if (t->n < CELL_TERMS)
      t->list[t->n++] = x;
    else
      t->overflow = true;
  }
}

static bool is_sum(const graph *p, int x, terms *t) {
  if (p->nodes[x].op != OP_ADD && p->nodes[x].op != OP_MATVEC) return false;
  *t = (terms){.n = 0};
  flatten(p, x, t);
  for (int i = 0; i < t->n; i++)
    if (p->nodes[t->list[i]].op == OP_MATVEC) return true;
  return false;
}

static bool match(search *s, int p, int n);
static bool within(const search *s, int x) { return port_flow_within(s->f, s->block, x); }

static void bind(search *s, int p, int n) {
  s->map[p] = n;
  s->trail[s->n_trail++] = p;
}

static void forget(search *s, int n_trail, int n_marked) {
  while (s->n_trail > n_trail) s->map[s->trail[--s->n_trail]] = NODE_NONE;
  while (s->n_marked > n_marked) s->used[s->marked[--s->n_marked]] = false;
}

/* Members of the recurrence from x through views and, of a sum, additions. */
static void mark(search *s, int x, bool sum) {
  int stack[CELL_TERMS + 2], depth = 0;
  stack[depth++] = x;
  while (depth > 0) {
    x = stack[--depth];
    if (!within(s, x)) continue;
    if (!s->used[x]) {
      s->used[x] = true;
      s->marked[s->n_marked++] = x;
    }
    const node *n = &s->g->nodes[x];
    const int plain = port_flow_plain(s->g, x);
    if (plain != x) {
      for (int k = 0; k < 2; k++)
        if (n->in[k] != NODE_NONE && port_flow_plain(s->g, n->in[k]) == plain) stack[depth++] = n->in[k];
    } else if (sum && n->op == OP_ADD && depth + 2 <= CELL_TERMS) {
      stack[depth++] = n->in[0];
      stack[depth++] = n->in[1];
    }
  }
}

static bool match_terms(search *s, const terms *p, int from, const terms *n, bool *taken) {
  while (from < p->n) {
    const node *q = &s->p->nodes[p->list[from]];
    if (q->op == OP_VECTOR || (q->op == OP_MATVEC && s->p->nodes[q->in[0]].op == OP_INPUT))
      from++;
    else
      break;
  }
  if (from == p->n) return true;
  for (int j = 0; j < n->n; j++) {
    const int trail = s->n_trail, marked = s->n_marked;
    if (taken[j] || !within(s, n->list[j])) continue;
    taken[j] = true;
    if (match(s, p->list[from], n->list[j]) && match_terms(s, p, from + 1, n, taken)) return true;
    taken[j] = false;
    forget(s, trail, marked);
  }
  return false;
}

static bool match_sum(search *s, int x, const terms *p, int to) {
  terms n = {.n = 0};
  bool taken[CELL_TERMS] = {false}, has_input = false, has_bias = false;
  cell_sum sum = {.recurrent = NODE_NONE};
  flatten(s->g, to, &n);
  if (n.overflow) return false;
  bind(s, x, to);
  mark(s, to, true);
  if (!match_terms(s, p, 0, &n, taken)) return false;
  for (int i = 0; i < p->n; i++) {
    const node *q = &s->p->nodes[p->list[i]];
    has_bias |= q->op == OP_VECTOR;
    has_input |= q->op == OP_MATVEC && s->p->nodes[q->in[0]].op == OP_INPUT;
    if (q->op == OP_MATVEC && s->p->nodes[q->in[0]].op != OP_INPUT) sum.recurrent = s->map[p->list[i]];
  }
  for (int j = 0; j < n.n; j++) {
    const node *q = &s->g->nodes[n.list[j]];
    if (taken[j]) continue;
    if (within(s, n.list[j])) return false;
    if (q->op == OP_VECTOR && has_bias && q->width == s->g->nodes[to].width)
      sum.biases[sum.n_biases++] = n.list[j];
    else if (q->op == OP_MATVEC && has_input && q->space == SPACE_STEP)
      sum.inputs[sum.n_inputs++] = n.list[j];
    else
      return false;
  }
  s->sums[x] = sum;
  return true;
}

static bool match_inputs(search *s, const node *p, const node *n, bool turned) {
  for (int k = 0; k < graph_ops[p->op].inputs; k++)
    if (!match(s, p->in[k], n->in[turned ? 1 - k : k])) return false;
  return true;
}

static bool match(search *s, int x, int to) {
  const node *p = &s->p->nodes[x];
  terms t;
  mark(s, to, false);
  to = port_flow_plain(s->g, to);
  const node *n = &s->g->nodes[to];
  if (s->map[x] != NODE_NONE) return s->map[x] == to;
  if (p->op == OP_MATVEC ? false : is_sum(s->p, x, &t)) return match_sum(s, x, &t, to);
  if (p->op != n->op) return false;
  if (p->op == OP_CONST) return p->value == n->value;
  bind(s, x, to);
  if (p->op == OP_VECTOR) return n->width > 1;
  if (!within(s, to) || p->op == OP_INPUT) return false;
  mark(s, to, false);
  if (p->op == OP_MATVEC) return within(s, n->in[0]) && match(s, p->in[0], n->in[0]);
  if (p->op == OP_SHIFT) return n->dir == s->f->blocks[s->block].dir && match(s, p->in[0], n->in[0]);
  if (graph_ops[p->op].kind == OP_KIND_OTHER) return false;
  const int trail = s->n_trail, marked = s->n_marked;
  if (match_inputs(s, p, n, false)) return true;
  forget(s, trail, marked);
  return (p->op == OP_ADD || p->op == OP_MUL) && match_inputs(s, p, n, true);
}

static int named(const graph *p, const char *name) {
  for (int i = 0; i < p->n_nodes && name; i++)
    if (p->nodes[i].name && !strcmp(p->nodes[i].name, name)) return i;
  return NODE_NONE;
}

static int shift_of(const search *s, int x) {
  const flow_block *b = &s->f->blocks[s->block];
  for (int i = 0; i < b->n && x != NODE_NONE; i++)
    if (s->g->nodes[b->nodes[i]].op == OP_SHIFT && port_flow_plain(s->g, s->g->nodes[b->nodes[i]].in[0]) == x) return b->nodes[i];
  return NODE_NONE;
}

static void take_sum(const search *s, int at, cell_sum *to) { *to = s->sums[at]; }

/* All members are part of it, nothing but h is seen, and sizes fit. */
static bool take(cell_match *m, const search *s, const cell_row *row) {
  const graph *p = s->p, *g = s->g;
  const flow_block *b = &s->f->blocks[s->block];
  *m = (cell_match){.row = row, .h = s->map[p->output_node], .c = NODE_NONE, .peepholes = {-1, -1, -1}};
  const int c = named(p, "c");
  if (row->kind == CELL_LSTM) m->c = s->map[c];
  m->shift_h = shift_of(s, m->h);
  m->shift_c = shift_of(s, m->c);
  for (int i = 0; i < b->n; i++) {
    const int x = b->nodes[i], plain = port_flow_plain(g, x);
    if (!s->used[x] || (s->f->outside[x] && plain != m->h && x != m->shift_h)) return false;
    if (g->nodes[x].op == OP_SHIFT && x != m->shift_h && x != m->shift_c) return false;
  }
  const int H = g->nodes[m->h].width;
  if (m->shift_h == NODE_NONE || (m->c != NODE_NONE && (m->shift_c == NODE_NONE || g->nodes[m->c].width != H))) return false;
  for (int k = 0; k < CELL_GATES; k++) {
    const int gate = named(p, row->gates[k]);
    m->gates[k].recurrent = NODE_NONE;
    if (gate != NODE_NONE) take_sum(s, p->nodes[gate].in[0], &m->gates[k]);
  }
  if (row->reset_after)
    for (int i = 0; i < p->n_nodes; i++)
      if (s->sums[i].recurrent != NODE_NONE && s->map[i] != NODE_NONE && i != p->nodes[named(p, "z")].in[0] &&
          i != p->nodes[named(p, "r")].in[0])
        m->inner = s->sums[i];
  bool fed = false;
  for (int k = 0; k < CELL_GATES; k++) {
    const cell_sum *sum = &m->gates[k];
    const int u = sum->recurrent == NODE_NONE && row->reset_after && k == 2 ? m->inner.recurrent : sum->recurrent;
    if (!row->gates[k]) continue;
    if (u == NODE_NONE || g->nodes[u].width != H || g->nodes[g->nodes[u].in[0]].width != H) return false;
    fed |= sum->n_inputs > 0;
  }
  for (int k = 0; k < CELL_PEEPHOLES; k++)
    for (int i = 0; i < p->n_nodes && row->peepholes[k]; i++)
      if (p->nodes[i].op == OP_VECTOR && s->map[i] != NODE_NONE && !strcmp(p->params[p->nodes[i].param].name, row->peepholes[k]))
        m->peepholes[k] = g->nodes[s->map[i]].param;
  return fed;
}

static bool try_row(cell_match *m, const cell_row *row, const graph *p, const flow *f, int block, bool *starved) {
  arena memory = {0};
  const flow_block *b = &f->blocks[block];
  const size_t np = (size_t)p->n_nodes + 1, ng = (size_t)f->g->n_nodes + 1;
  search s = {.p = p, .g = f->g, .f = f, .block = block};
  s.map = arena_alloc(&memory, np, sizeof *s.map);
  s.trail = arena_alloc(&memory, np, sizeof *s.trail);
  s.used = arena_alloc(&memory, ng, sizeof *s.used);
  s.marked = arena_alloc(&memory, ng, sizeof *s.marked);
  s.sums = arena_alloc(&memory, np, sizeof *s.sums);
  const bool whole = s.map && s.trail && s.used && s.marked && s.sums;
  bool found = false;
  *starved = !whole;
  for (int i = 0; i < p->n_nodes && whole; i++) s.map[i] = s.sums[i].recurrent = NODE_NONE;
  for (int i = 0; i < b->n && whole && !found; i++) {
    if (f->g->nodes[b->nodes[i]].op != OP_SHIFT) continue;
    found = match(&s, p->output_node, f->g->nodes[b->nodes[i]].in[0]) && take(m, &s, row);
    if (!found) forget(&s, 0, 0);
  }
  arena_free(&memory);
  return found;
}

/* Whether a recurrence is such a cell, with nothing but h seen from outside at every step. */
static bool find(cell_match *m, const flow *f, int block, bool (*takes)(const cell_row *), unroll_status *status,
                 unroll_error *err) {
  bool found = false;
  for (size_t i = 0; i < sizeof rows / sizeof *rows && !found && !*status; i++) {
    graph p;
    program *cell = NULL;
    arena memory = {0};
    bool starved = false;
    if (takes && !takes(&rows[i])) continue;
    *status = lang_parse(&cell, "cell", rows[i].text, &memory, err);
    graph_init(&p);
    if (!*status) *status = graph_build(&p, cell, &(build_options){0}, err);
    if (!*status) found = try_row(m, &rows[i], &p, f, block, &starved);
    if (starved) *status = error_memory(err);
    graph_free(&p);
    arena_free(&memory);
  }
  return found;
}

/* --- what is left --- */

static void demand(cell_plan *p, int x) {
  if (x != NODE_NONE) p->live[x] = true;
}

/* What node x reads: not masks, and not what operators elsewhere do by themselves. */
static void demand_of(cell_plan *p, const graph *g, int x) {
  const node *n = &g->nodes[x];
  const int plain = port_flow_plain(g, x);
  if (plain != x) {
    demand(p, plain);
    return;
  }
  for (int k = 0; k < NODE_INPUTS; k++)
    if (k != 1 || n->op != OP_LAYERNORM) demand(p, n->in[k]);
}

/* Of a cell: what its matrices are multiplied by, and where it starts. */
static void demand_cell(cell_plan *p, const graph *g, const cell_match *m) {
  const cell_operands x = cell_operands_of(m, g);
  for (int i = 0; i < x.n; i++) demand(p, x.list[i]);
  demand(p, g->nodes[m->shift_h].in[1]);
  if (m->shift_c != NODE_NONE) demand(p, g->nodes[m->shift_c].in[1]);
}

unroll_status cell_plan_new(cell_plan *p, const flow *f, bool (*takes)(const cell_row *row), arena *memory, unroll_error *err) {
  const graph *g = f->g;
  unroll_status status = UNROLL_OK;
  p->list = arena_alloc(memory, (size_t)f->n_blocks + 1, sizeof(cell_match *));
  p->live = arena_alloc(memory, (size_t)g->n_nodes + 1, sizeof *p->live);
  if (!p->list || !p->live) return error_memory(err);
  for (int i = 0; i < f->n_blocks && !status; i++) {
    cell_match m;
    if (!f->blocks[i].loops || !find(&m, f, i, takes, &status, err)) continue;
    p->list[i] = arena_alloc(memory, 1, sizeof m);
    if (!p->list[i]) return error_memory(err);
    *p->list[i] = m;
  }
  for (int i = 0; i < g->n_losses; i++)
    for (int k = 0; k < g->losses[i].n_args; k++) demand(p, g->losses[i].args[k]);
  for (int i = f->n_blocks - 1; i >= 0 && !status; i--) { /* from what comes out back to what goes in */
    const flow_block *b = &f->blocks[i];
    bool live = false;
    for (int j = 0; j < b->n; j++) live |= p->live[b->nodes[j]];
    if (live && p->list[i])
      demand_cell(p, g, p->list[i]);
    else
      for (int j = 0; j < b->n && live; j++) {
        p->live[b->nodes[j]] |= b->loops;
        demand_of(p, g, b->nodes[j]);
      }
  }
  return status;
}

/* --- weights --- */

cell_operands cell_operands_of(const cell_match *m, const graph *g) {
  cell_operands all = {.n = 0};
  for (int k = 0; k < CELL_GATES; k++)
    for (int i = 0; i < m->gates[k].n_inputs; i++) {
      const int x = g->nodes[m->gates[k].inputs[i]].in[0];
      bool there = false;
      for (int j = 0; j < all.n; j++) there |= all.list[j] == x;
      if (there) continue;
      all.list[all.n++] = x;
      all.width += g->nodes[x].width;
    }
  return all;
}

typedef struct source {
  const graph *g;
  const float *weights;
} source;

/* Adds the matrix of a node, [N, K], to rows of `to`, `width` apart. */
static void add_matrix(source s, int x, float *to, int width, float sign) {
  const node *n = &s.g->nodes[x];
  const param *p = &s.g->params[n->param];
  const int K = s.g->nodes[n->in[0]].width;
  for (int j = 0; j < n->width; j++)
    for (int k = 0; k < K; k++) to[(int64_t)j * width + k] += sign * s.weights[p->offset + (int64_t)j * p->cols + n->c0 + k];
}

static void add_biases(source s, const cell_sum *sum, float *to, float sign) {
  for (int i = 0; i < sum->n_biases; i++) {
    const node *n = &s.g->nodes[sum->biases[i]];
    for (int j = 0; j < n->width; j++) to[j] += sign * s.weights[s.g->params[n->param].offset + j];
  }
}

unroll_status cell_arrays_new(cell_arrays *a, const cell_match *m, const graph *g, const float *weights, unroll_error *err) {
  const cell_operands x = cell_operands_of(m, g);
  const source s = {g, weights};
  const int H = g->nodes[m->h].width, G = m->row->kind == CELL_LSTM ? 4 : m->row->kind == CELL_GRU ? 3 : 1, I = x.width;
  const size_t h = (size_t)H, rows_all = (size_t)G * h;
  *a = (cell_arrays){.gates = G, .hidden = H, .inputs = I};
  a->W = mem_zero(rows_all * (size_t)I, sizeof *a->W);
  a->R = mem_zero(rows_all * h, sizeof *a->R);
  a->B = mem_zero(2 * rows_all, sizeof *a->B);
  a->P = mem_zero(CELL_PEEPHOLES * h, sizeof *a->P);
  if (!a->W || !a->R || !a->B || !a->P) return error_memory(err);
  for (int k = 0; k < G; k++) {
    const cell_sum *sum = &m->gates[k];
    const bool inner = sum->recurrent == NODE_NONE && m->row->reset_after;
    const float sign = k == 0 && m->row->turned ? -1 : 1;
    if (!m->row->gates[k]) continue;
    for (int i = 0; i < sum->n_inputs; i++) {
      int from = 0;
      for (int j = 0; x.list[j] != g->nodes[sum->inputs[i]].in[0]; j++) from += g->nodes[x.list[j]].width;
      add_matrix(s, sum->inputs[i], a->W + (int64_t)k * H * I + from, I, sign);
    }
    add_matrix(s, inner ? m->inner.recurrent : sum->recurrent, a->R + (int64_t)k * H * H, H, sign);
    add_biases(s, sum, a->B + (int64_t)k * H, sign);
    if (inner) add_biases(s, &m->inner, a->B + (int64_t)(G + k) * H, sign);
    a->biased |= sum->n_biases > 0 || (inner && m->inner.n_biases > 0);
  }
  for (int k = 0; k < CELL_PEEPHOLES; k++) {
    if (m->peepholes[k] < 0) continue;
    const float sign = k == 0 && m->row->turned ? -1 : 1;
    for (int j = 0; j < H; j++) a->P[k * H + j] = sign * weights[g->params[m->peepholes[k]].offset + j];
    a->peeps = true;
  }
  return UNROLL_OK;
}

void cell_arrays_free(cell_arrays *a) {
  mem_free(a->W);
  mem_free(a->R);
  mem_free(a->B);
  mem_free(a->P);
  *a = (cell_arrays){0};
}
