/* reference.c - the graph, interpreted in double precision: the oracle of every test and of `unroll check`.
 *
 * The idea: a value is (node, step). It is computed when somebody asks for it, after what it depends on. A STEP node at step t
 * is active[t] rows, any other node has the single step 0. SHIFT asks for its neighbour in time, so recurrences in either
 * direction need no order found beforehand. An explicit stack takes the place of recursion: thousands of steps are fine. What
 * an operator computes is in reference_ops.c. Not here: speed, sharing of buffers, anything from plan and run. */
#include "verify/reference.h"
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "verify/reference_internal.h"
#include "verify/reference_picture.h"

enum { WAITING = 1, DONE = 2 }; /* a value that waits for others; 0: never asked for */

typedef struct owner {
  arena memory; /* everything of the last pass except the carry */
  int64_t carry_count;
} owner;

/* --- the order: on demand --- */

static bool push(eval *e, int number, int t) {
  if (e->depth == e->capacity) {
    const size_t capacity = e->capacity ? 2 * e->capacity : 1024;
    place *grown = mem_resize(e->stack, capacity * sizeof *grown);
    if (!grown) return false;
    e->stack = grown;
    e->capacity = capacity;
  }
  e->stack[e->depth++] = (place){number, t};
  return true;
}

static bool need(eval *e, int number, int t) {
  if (number == NODE_NONE) return true;
  if (e->g->nodes[number].space != SPACE_STEP) t = 0;
  return e->state[number][t] == DONE || push(e, number, t);
}

static bool need_all(eval *e, int number) {
  for (int t = steps_of(e, number); t-- > 0;)
    if (!need(e, number, t)) return false;
  return true;
}

/* Pushes what (node, t) depends on and is not computed yet. False: out of memory. */
static bool need_inputs(eval *e, const node *n, int t) {
  bool ok = true;
  switch (n->op) {
  case OP_SHIFT: {
    const batch_axis *a = &e->b->axes[n->axis];
    const int from = t - n->dir;
    const bool inside = from >= 0 && from < a->steps;
    if (inside && a->active[from] > 0) ok = need(e, n->in[0], from);
    if (ok && (!inside || a->active[from] < a->active[t])) ok = need(e, n->in[1], 0);
    return ok;
  }
  case OP_REVERSE:
  case OP_EDGE:
  case OP_SUM_TIME:
  case OP_MAX_TIME:
  case OP_MAX_TIME_GRAD:
  case OP_CTC:
  case OP_CTC_GRAD:
  case OP_SUM_ROWS:
  case OP_SUM_POSITIONS:
  case OP_OUTER:
  case OP_EMBED_T:
  case OP_CONV_OUTER:
  case OP_BATCH_STATS:
  case OP_BATCH_SUMS:
    for (int k = 0; k < NODE_INPUTS && ok; k++) ok = n->in[k] == NODE_NONE || need_all(e, n->in[k]);
    return ok;
  case OP_COLLECT:
    return need_all(e, n->in[0]) && need_all(e, n->in[1]);
  case OP_DOTS:
  case OP_MIX:
  case OP_ADDITIVE:
    return need(e, n->in[0], t) && need_all(e, n->in[1]) && need(e, n->in[2], 0);
  case OP_ADDITIVE_COLLECT:
    return need_all(e, n->in[0]) && need(e, n->in[1], t) && need_all(e, n->in[2]) && need(e, n->in[3], 0);
  case OP_ADDITIVE_GRAD:
  case OP_ADDITIVE_MIX:
    return need(e, n->in[0], t) && need(e, n->in[1], t) && need_all(e, n->in[2]) && need(e, n->in[3], 0);
  default:
    for (int k = 0; k < NODE_INPUTS && ok; k++) ok = need(e, n->in[k], t);
    return ok;
  }
}

static void compute(eval *e, int number, int t) {
  const node *n = &e->g->nodes[number];
  rows q = {.t = t, .count = e->r->rows[number]};
  if (n->space == SPACE_STEP) {
    q.first = e->b->axes[n->axis].first[t];
    q.count = e->b->axes[n->axis].active[t];
  }
  q.y = e->r->values[number] ? e->r->values[number] + q.first * n->width : NULL;
  reference_evaluate[n->op](e, n, &q);
}

/* Computes (node, t) and everything below it. */
static unroll_status demand(eval *e, int number, int t, unroll_error *err) {
  e->depth = 0;
  if (!need(e, number, t)) return error_memory(err);
  while (e->depth > 0) {
    const place p = e->stack[e->depth - 1];
    unsigned char *state = &e->state[p.node][p.t];
    if (*state == DONE) {
      e->depth--;
      continue;
    }
    const size_t depth = e->depth;
    if (!need_inputs(e, &e->g->nodes[p.node], p.t)) return error_memory(err);
    if (e->depth == depth) {
      compute(e, p.node, p.t);
      *state = DONE;
      e->depth--;
    } else if (*state == WAITING) {
      return error_set(err, UNROLL_FAILED, "node %d (%s) depends on itself within a step", p.node,
                       e->g->nodes[p.node].name ? e->g->nodes[p.node].name : graph_ops[e->g->nodes[p.node].op].name);
    }
    *state = *state == DONE ? DONE : WAITING;
  }
  return UNROLL_OK;
}

/* --- what is needed, and whether it can be computed --- */

static bool mark(const graph *g, unsigned char *needed, int *stack, int root) {
  int depth = 0;
  if (root < 0 || root >= g->n_nodes) return root == NODE_NONE;
  if (!needed[root]) needed[root] = 1, stack[depth++] = root;
  while (depth > 0) {
    const node *n = &g->nodes[stack[--depth]];
    for (int k = 0; k < NODE_INPUTS; k++) {
      if (n->in[k] == NODE_NONE) continue;
      if (n->in[k] < 0 || n->in[k] >= g->n_nodes) return false;
      if (!needed[n->in[k]]) needed[n->in[k]] = 1, stack[depth++] = n->in[k];
    }
  }
  return true;
}

/* All nodes that losses, outputs, carries and gradients are made of; a graph with none of these is needed whole. */
static bool mark_needed(const graph *g, unsigned char *needed, int *stack) {
  bool ok = true;
  for (int i = 0; i < g->n_losses; i++)
    ok = ok && mark(g, needed, stack, g->losses[i].node) && mark(g, needed, stack, g->losses[i].prediction);
  for (int i = 0; i < g->n_carries; i++) ok = ok && mark(g, needed, stack, g->carries[i].edge);
  for (int i = 0; i < g->n_gradients; i++) ok = ok && mark(g, needed, stack, g->gradients[i].node);
  if (g->output) ok = ok && mark(g, needed, stack, g->output_node);
  if (!g->n_losses && !g->n_carries && !g->n_gradients && !g->output)
    for (int i = 0; i < g->n_nodes; i++) ok = ok && mark(g, needed, stack, i);
  return ok;
}

/* Symbols and numbers that a node reads from the batch are there and in range. */
static unroll_status check_node(const eval *e, int number, unroll_error *err) {
  const graph *g = e->g;
  const node *n = &g->nodes[number];
  const int64_t count = n->slot >= 0 ? rows_of(e, n) : 0; /* CTC looks at another axis */
  if (n->op == OP_INPUT && count > 0 && !(e->numbers ? e->numbers[n->slot] != NULL : e->b->number[n->slot] != NULL))
    return error_set(err, UNROLL_FAILED, "the batch brings no numbers for input %d", n->slot);
  if (n->op == OP_EMBED || n->op == OP_CROSS_ENTROPY) {
    const int32_t *index = e->b->index[n->slot];
    if (!index && count > 0) return error_set(err, UNROLL_FAILED, "the batch brings no symbols for input %d", n->slot);
    const int symbols = n->op == OP_EMBED ? g->params[n->param].rows : width_in(e, n, 0);
    for (int64_t i = 0; i < count; i++)
      if (index[i] < -1 || index[i] >= symbols)
        return error_set(err, UNROLL_FAILED, "symbol %d of input %d is not in -1 .. %d", (int)index[i], n->slot, symbols - 1);
  }
  if (n->op == OP_CTC) {
    const int64_t symbols = rows_of(e, &(node){.space = g->inputs[n->slot].space, .axis = g->inputs[n->slot].axis});
    for (int64_t i = 0; i < symbols; i++) {
      const int32_t k = e->b->index[n->slot] ? e->b->index[n->slot][i] : -2;
      if (k < -1 || k >= width_in(e, n, 0) - 1)
        return error_set(err, UNROLL_FAILED, "symbol %d of input %d is not in -1 .. %d", (int)k, n->slot, width_in(e, n, 0) - 2);
    }
  }
  for (int k = 0; k < NODE_INPUTS; k++) {
    const node *x = n->in[k] == NODE_NONE ? NULL : &g->nodes[n->in[k]];
    const bool elementwise = graph_ops[n->op].kind != OP_KIND_OTHER;
    if (x && elementwise && ((x->width != n->width && x->width != 1) || (x->space != n->space && x->space != SPACE_PARAM)))
      return error_set(err, UNROLL_FAILED, "node %d (%s): input %d does not fit in width or space", number, graph_ops[n->op].name,
                       k);
  }
  return UNROLL_OK;
}

/* --- gradients --- */

/* dW[:, c0 : c0+K] += sum over rows of dy x' */
static void add_outer(const eval *e, const node *n) {
  const int64_t a = e->r->rows[n->in[0]], b = e->r->rows[n->in[1]], count = a > b ? a : b;
  const int K = width_in(e, n, 1), N = width_in(e, n, 0), cols = e->g->params[n->param].cols;
  double *dW = e->r->gradient + e->g->params[n->param].offset + n->c0;
  for (int64_t i = 0; i < count; i++)
    for (int j = 0; j < N; j++)
      for (int k = 0; k < K; k++) dW[(int64_t)j * cols + k] += at(e, n, 0, i, j) * at(e, n, 1, i, k);
}

/* dE[index, :] += dy */
static void add_embed(const eval *e, const node *n) {
  const int N = width_in(e, n, 0), cols = e->g->params[n->param].cols;
  double *dE = e->r->gradient + e->g->params[n->param].offset;
  for (int64_t i = 0; i < e->r->rows[n->in[0]]; i++) {
    const int32_t k = e->b->index[n->slot][i];
    for (int j = 0; j < N && k >= 0; j++) dE[(int64_t)k * cols + j] += at(e, n, 0, i, j);
  }
}

/* dW += sum over rows and positions of dy patch' */
static void add_conv(const eval *e, const node *n) {
  double *dW = e->r->gradient + e->g->params[n->param].offset;
  for (int64_t i = 0; i < e->r->rows[n->in[0]]; i++)
    reference_conv_outer(&n->patches, channels_of(e, n), row_in(e, n, 0, i), row_in(e, n, 1, i), dW);
}

static void add_gradients(const eval *e) {
  for (int i = 0; i < e->g->n_gradients; i++) {
    const gradient *d = &e->g->gradients[i];
    const node *n = &e->g->nodes[d->node];
    if (n->op == OP_OUTER) {
      add_outer(e, n);
    } else if (n->op == OP_EMBED_T) {
      add_embed(e, n);
    } else if (n->op == OP_CONV_OUTER) {
      add_conv(e, n);
    } else {
      double *to = e->r->gradient + e->g->params[d->param].offset;
      EACH_COLUMN(j, n) to[j] += e->r->values[d->node][j];
    }
  }
}

/* --- a pass --- */

/* New states from the EDGE nodes; the old ones were read by now. */
static void advance_carries(const eval *e) {
  double *to = e->r->carry;
  for (int i = 0; i < e->g->n_carries; i++) {
    const int64_t count = (int64_t)e->b->rows * e->g->carries[i].width;
    if (count > 0) memcpy(to, e->r->values[e->g->carries[i].edge], (size_t)count * sizeof *to);
    to += count;
  }
}

static unroll_status begin(reference *r, const graph *g, const batch *b, unroll_error *err) {
  if (!r->owner && !(r->owner = mem_zero(1, sizeof(owner)))) return error_memory(err);
  owner *o = r->owner;
  arena_free(&o->memory);
  o->memory = (arena){0};
  r->g = g;
  r->values = arena_alloc(&o->memory, (size_t)g->n_nodes + 1, sizeof *r->values);
  r->rows = arena_alloc(&o->memory, (size_t)g->n_nodes + 1, sizeof *r->rows);
  r->gradient = arena_alloc(&o->memory, (size_t)g->n_weights + 1, sizeof *r->gradient);
  int64_t states = 0;
  for (int i = 0; i < g->n_carries; i++) states += (int64_t)b->rows * g->carries[i].width;
  if (!r->carry || states != o->carry_count) {
    mem_free(r->carry);
    r->carry = mem_zero((size_t)states + 1, sizeof *r->carry);
    o->carry_count = states;
  }
  return r->values && r->rows && r->gradient && r->carry ? UNROLL_OK : error_memory(err);
}

/* Room for every alignment of the graph. */
static bool room_for_alignments(eval *e, arena *memory) {
  size_t logits = 0, states = 0, symbols = 0;
  for (int i = 0; i < e->g->n_nodes; i++) {
    const node *n = &e->g->nodes[i];
    if (n->op != OP_CTC && n->op != OP_CTC_GRAD) continue;
    const input *in = &e->g->inputs[n->slot];
    const node *x = &e->g->nodes[n->in[0]];
    const size_t T = (size_t)e->b->axes[x->axis].steps, U = in->space == SPACE_STEP ? (size_t)e->b->axes[in->axis].steps : 1;
    if (T * (size_t)x->width > logits) logits = T * (size_t)x->width;
    if (T * (2 * U + 1) > states) states = T * (2 * U + 1);
    if (U > symbols) symbols = U;
  }
  e->ctc.p = arena_alloc(memory, logits + 1, sizeof *e->ctc.p);
  e->ctc.forward = arena_alloc(memory, states + 1, sizeof *e->ctc.forward);
  e->ctc.back = arena_alloc(memory, states + 1, sizeof *e->ctc.back);
  e->ctc.symbols = arena_alloc(memory, symbols + 1, sizeof *e->ctc.symbols);
  return e->ctc.p && e->ctc.forward && e->ctc.back && e->ctc.symbols;
}

/* The graph with the widths that this batch gives to rows of steps. */
static bool settle_widths(eval *e, graph *settled, arena *memory) {
  const graph *g = e->g;
  node *nodes = arena_alloc(memory, (size_t)g->n_nodes + 1, sizeof *nodes);
  e->over = arena_alloc(memory, (size_t)g->n_nodes + 1, sizeof *e->over);
  if (!nodes || !e->over) return false;
  for (int i = 0; i < g->n_nodes; i++) {
    nodes[i] = g->nodes[i];
    e->over[i] = graph_steps_axis(nodes[i].width);
    if (e->over[i] >= 0) nodes[i].width = e->b->axes[e->over[i]].steps;
  }
  *settled = *g;
  settled->nodes = nodes;
  e->g = settled;
  return true;
}

/* Room for the values of all needed nodes; those that are not needed keep NULL. */
static unroll_status prepare(eval *e, arena *memory, const unsigned char *needed, unroll_error *err) {
  for (int i = 0; i < e->g->n_nodes; i++) {
    const node *n = &e->g->nodes[i];
    if (!needed[i]) continue;
    unroll_status s = check_node(e, i, err);
    if (s != UNROLL_OK) return s;
    e->r->rows[i] = rows_of(e, n);
    e->state[i] = arena_alloc(memory, (size_t)steps_of(e, i) + 1, 1);
    if (!e->state[i]) return error_memory(err);
    if (n->op == OP_OUTER || n->op == OP_EMBED_T || n->op == OP_CONV_OUTER) continue;
    e->r->values[i] = arena_alloc(memory, (size_t)(e->r->rows[i] + 1) * (size_t)n->width, sizeof(double));
    if (!e->r->values[i]) return error_memory(err);
  }
  return UNROLL_OK;
}

unroll_status reference_pass(reference *r, const graph *g, const double *weights, const batch *b, const double *const *numbers,
                             int training, unroll_error *err) {
  unroll_status s = begin(r, g, b, err);
  if (s != UNROLL_OK) return s;
  arena *memory = &((owner *)r->owner)->memory;
  eval e = {.r = r, .g = g, .b = b, .weights = weights, .numbers = numbers, .training = training};
  graph settled;
  int widest = 1;
  if (!settle_widths(&e, &settled, memory)) return error_memory(err);
  g = &settled;
  for (int i = 0; i < g->n_nodes; i++) widest = g->nodes[i].width > widest ? g->nodes[i].width : widest;
  e.drawn = arena_alloc(memory, (size_t)widest, sizeof *e.drawn);
  unsigned char *needed = arena_alloc(memory, (size_t)g->n_nodes + 1, 1);
  int *stack = arena_alloc(memory, (size_t)g->n_nodes + 1, sizeof *stack);
  e.state = arena_alloc(memory, (size_t)g->n_nodes + 1, sizeof *e.state);
  if (!needed || !stack || !e.state || !e.drawn || !room_for_alignments(&e, memory)) return error_memory(err);
  if (!mark_needed(g, needed, stack)) return error_set(err, UNROLL_FAILED, "the graph refers to a node that does not exist");
  s = prepare(&e, memory, needed, err);
  for (int i = 0; i < g->n_nodes && s == UNROLL_OK; i++)
    for (int t = 0; needed[i] && t < steps_of(&e, i) && s == UNROLL_OK; t++) s = demand(&e, i, t, err);
  mem_free(e.stack);
  if (s != UNROLL_OK) return s;
  add_gradients(&e);
  advance_carries(&e);
  return UNROLL_OK;
}

double reference_loss(const reference *r, int number) {
  const int n = r->g->losses[number].node;
  double sum = 0;
  for (int64_t i = 0; i < r->rows[n]; i++) sum += r->values[n][i];
  return sum;
}

void reference_free(reference *r) {
  if (r->owner) arena_free(&((owner *)r->owner)->memory);
  mem_free(r->owner);
  mem_free(r->carry);
  *r = (reference){0};
}
