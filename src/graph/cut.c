/* cut.c - see cut.h. Marks the decoder's nodes from the predictions down, copies them in order, and closes the recurrences. */
#include "graph/cut.h"
#include <string.h>
#include "base/error.h"

typedef struct cutter {
  cut *c;
  const graph *g;
  int n;          /* nodes of the forward graph */
  bool *later;    /* [n] on the axis, and needs later steps ... */
  bool *drawn;    /* [n] ... or what is drawn */
  bool *inside;   /* [n] in the decoder */
  int *map;       /* [n] node of the decoder, or NODE_NONE */
  int *whole;     /* [n] of the axis: the input of the decoder that is all its steps, or NODE_NONE */
  int *todo;      /* [n] scratch */
  int *open, *to; /* [n] shifts of the decoder whose first input is not there yet, and that input in the whole */
  int n_open;
  unroll_error *err;
} cutter;

/* --- which axis --- */

static bool predicted(const graph *g, int data) {
  for (int k = 0; k < g->n_losses; k++)
    if (g->losses[k].data == data) return true;
  return false;
}

unroll_status cut_axis(int *axis, const graph *g, unroll_error *err) {
  int first = -1;
  *axis = -1;
  for (int i = 0; i < g->n_inputs; i++) {
    const input *in = &g->inputs[i];
    if (in->lag < 1 || in->space != SPACE_STEP || !predicted(g, in->data)) continue;
    if (*axis >= 0 && *axis != in->axis)
      return error_set(err, UNROLL_USAGE,
                       "'%s' and '%s' are both predicted from their own earlier values, but have steps of their own",
                       g->data[first].name, g->data[in->data].name);
    *axis = in->axis;
    first = in->data;
  }
  return UNROLL_OK;
}

/* --- what a step needs --- */

static bool any_fed(const cutter *k) {
  for (int i = 0; i < k->g->n_data; i++)
    if (k->c->fed[i]) return true;
  return false;
}

static bool on_axis(const cutter *k, int i) { return k->g->nodes[i].space == SPACE_STEP && k->g->nodes[i].axis == k->c->axis; }

/* Attention reads all steps of its second operand, whatever step it is at. */
static bool reads_all(const node *x, int a) { return a == 1 && (x->op == OP_DOTS || x->op == OP_MIX || x->op == OP_ADDITIVE); }

/* Both spread along the axis. Cycles are why this goes round. */
static void find_needs(const cutter *k) {
  for (bool changed = true; changed;) {
    changed = false;
    for (int i = 0; i < k->n; i++) {
      const node *x = &k->g->nodes[i];
      if (!on_axis(k, i)) continue;
      bool later = (x->op == OP_SHIFT && x->dir < 0) || x->op == OP_REVERSE;
      bool drawn = (x->op == OP_INPUT || x->op == OP_EMBED) && k->c->fed[k->g->inputs[x->slot].data];
      for (int a = 0; a < NODE_INPUTS; a++) {
        if (x->in[a] < 0 || !on_axis(k, x->in[a]) || reads_all(x, a)) continue;
        later |= k->later[x->in[a]];
        drawn |= k->drawn[x->in[a]];
      }
      changed |= later != k->later[i] || drawn != k->drawn[i];
      k->later[i] = later;
      k->drawn[i] = drawn;
    }
  }
}

/* The decoder computes what it can, step by step: all on the axis but what is known before it starts and needs later steps. */
static bool belongs(const cutter *k, int i) {
  return k->g->nodes[i].space == SPACE_PARAM || (on_axis(k, i) && (k->drawn[i] || !k->later[i]));
}

static void visit(cutter *k, int i, int *n) {
  if (i < 0 || k->inside[i] || !belongs(k, i)) return;
  k->inside[i] = true;
  k->todo[(*n)++] = i;
}

/* How many inputs of a node the decoder reads. The first value of a recurrence is read by its carry, and statistics of batches
 * are the running ones. */
static int reads(const node *x) { return x->op == OP_SHIFT ? 1 : x->op == OP_BATCH_STATS ? 0 : NODE_INPUTS; }

/* What is not aligned is predicted by the steps of its arguments: nothing is fed back then. */
static bool of_axis(const cutter *k, const loss *l) {
  const data_info *d = &k->g->data[l->data];
  if (!l->distribution->aligned) return on_axis(k, l->args[0]) && !any_fed(k);
  return d->space == SPACE_STEP && d->axis == k->c->axis;
}

static void mark(cutter *k) {
  int n = 0;
  for (int l = 0; l < k->g->n_losses; l++)
    for (int a = 0; a < k->g->losses[l].n_args && of_axis(k, &k->g->losses[l]); a++) visit(k, k->g->losses[l].args[a], &n);
  while (n) {
    const node *x = &k->g->nodes[k->todo[--n]];
    for (int a = 0; a < reads(x); a++)
      if (!reads_all(x, a)) visit(k, x->in[a], &n);
  }
}

/* --- the decoder --- */

static bool grow_input(graph *d) {
  if (d->n_inputs < d->cap_inputs) return true;
  const int cap = d->cap_inputs ? 2 * d->cap_inputs : 16;
  input *bigger = mem_resize(d->inputs, (size_t)cap * sizeof *bigger);
  if (!bigger) return false;
  d->inputs = bigger;
  d->cap_inputs = cap;
  return true;
}

static int add_input(graph *d, input in) {
  for (int i = 0; i < d->n_inputs && in.data >= 0; i++)
    if (d->inputs[i].data == in.data && d->inputs[i].lag == in.lag && d->inputs[i].seen == in.seen) return i;
  if (!grow_input(d)) return -1;
  d->inputs[d->n_inputs] = in;
  return d->n_inputs++;
}

/* A width that is the steps of the axis is that of its copy. */
static int width_of(const cutter *k, int width) {
  return graph_steps_axis(width) == k->c->axis ? GRAPH_STEPS + k->g->n_axes : width;
}

/* The decoder's node for what one of its nodes reads. `all`: all steps of it. Steps of the decoded axis are then on an axis of
 * their own: the decoder has one of them at a time. */
static int boundary_of(cutter *k, int i, bool all) {
  graph *d = &k->c->decoder;
  const node *x = &k->g->nodes[i];
  const bool copied = all && on_axis(k, i);
  int *made = copied ? &k->whole[i] : &k->map[i];
  if (*made != NODE_NONE) return *made;
  if (copied) d->n_axes = k->g->n_axes + 1;
  const int axis = x->space != SPACE_STEP ? -1 : copied ? k->g->n_axes : x->axis;
  const int slot = add_input(d, (input){.data = -1, .width = x->width, .space = x->space, .axis = axis});
  if (slot < 0) return NODE_NONE;
  k->c->boundary[k->c->n_boundary++] = (cut_boundary){i, slot};
  return *made = graph_node(d, (node){.op = OP_INPUT,
                                      .space = x->space,
                                      .axis = axis,
                                      .width = x->width,
                                      .in = {NODE_NONE, NODE_NONE, NODE_NONE, NODE_NONE},
                                      .param = -1,
                                      .slot = slot,
                                      .name = x->name,
                                      .source = x->source,
                                      .at = x->at});
}

/* A recurrence: its first value is a carry, which the last step of each pass leaves for the next. */
static bool add_carry(cutter *k, const node *shift, node *copy) {
  graph *d = &k->c->decoder;
  const int slot = d->n_carries++, start = shift->in[1];
  d->carries[slot] = (carry){.node = NODE_NONE, .edge = NODE_NONE, .width = shift->width, .name = shift->name};
  k->c->starts[slot] = start >= 0 && k->g->nodes[start].op == OP_CARRY ? NODE_NONE : start;
  node leaf = {.op = OP_CARRY,
               .space = SPACE_STATIC,
               .axis = -1,
               .width = shift->width,
               .in = {NODE_NONE, NODE_NONE, NODE_NONE, NODE_NONE},
               .param = -1,
               .slot = slot};
  copy->in[1] = graph_node(d, leaf);
  return copy->in[1] != NODE_NONE;
}

static bool copy_node(cutter *k, int i) {
  graph *d = &k->c->decoder;
  const node *x = &k->g->nodes[i];
  node copy = *x;
  copy.width = width_of(k, x->width);
  if (x->op == OP_BATCH_STATS) copy.in[0] = NODE_NONE;
  for (int a = 0; a < reads(x); a++) {
    if (x->in[a] < 0) continue;
    const bool all = reads_all(x, a);
    if (k->inside[x->in[a]] && !(all && on_axis(k, x->in[a])))
      copy.in[a] = k->map[x->in[a]];
    else if ((copy.in[a] = boundary_of(k, x->in[a], all)) == NODE_NONE)
      return false;
  }
  if (x->op == OP_INPUT || x->op == OP_EMBED) {
    copy.slot = add_input(d, k->g->inputs[x->slot]);
    if (copy.slot < 0) return false;
  }
  if (x->op == OP_SHIFT && !add_carry(k, x, &copy)) return false;
  const bool open = x->op == OP_SHIFT && copy.in[0] == NODE_NONE;
  if (open) {
    copy.in[3] = -2 - k->n_open; /* a placeholder is shared with no other */
    k->to[k->n_open] = x->in[0];
  }
  k->map[i] = graph_node(d, copy);
  if (open) k->open[k->n_open++] = k->map[i];
  return k->map[i] != NODE_NONE;
}

static bool close_carry(graph *d, int shift) {
  const node x = d->nodes[shift];
  carry *c = &d->carries[d->nodes[x.in[1]].slot];
  c->node = x.in[0];
  c->edge = graph_node(d, (node){.op = OP_EDGE,
                                 .space = SPACE_STATIC,
                                 .axis = x.axis,
                                 .width = x.width,
                                 .in = {x.in[0], NODE_NONE, NODE_NONE, NODE_NONE},
                                 .dir = -1,
                                 .param = -1,
                                 .slot = -1,
                                 .source = x.source,
                                 .at = x.at});
  return c->edge != NODE_NONE;
}

static bool copy_all(cutter *k) {
  graph *d = &k->c->decoder;
  for (int i = 0; i < k->n; i++)
    if (k->inside[i] && !copy_node(k, i)) return false;
  for (int i = 0; i < k->n_open; i++) {
    d->nodes[k->open[i]].in[0] = k->map[k->to[i]];
    d->nodes[k->open[i]].in[3] = NODE_NONE;
  }
  const int n = d->n_nodes;
  for (int i = 0; i < n; i++)
    if (d->nodes[i].op == OP_SHIFT && !close_carry(d, i)) return false;
  return true;
}

/* The predictions, as losses of a view. */
static bool add_heads(cutter *k) {
  cut *c = k->c;
  graph *h = &c->heads;
  *h = c->decoder;
  h->losses = arena_alloc(&c->decoder.memory, (size_t)k->g->n_losses + 1, sizeof *h->losses);
  c->losses = arena_alloc(&c->decoder.memory, (size_t)k->g->n_losses + 1, sizeof *c->losses);
  if (!h->losses || !c->losses) return false;
  for (int l = 0; l < k->g->n_losses; l++) {
    if (!of_axis(k, &k->g->losses[l])) continue;
    loss *one = &h->losses[h->n_losses];
    *one = k->g->losses[l];
    c->losses[h->n_losses++] = l;
    one->slot = one->node = NODE_NONE;
    for (int a = 0; a < one->n_args; a++) {
      one->args[a] = k->inside[one->args[a]] ? k->map[one->args[a]] : boundary_of(k, one->args[a], false);
      if (one->args[a] == NODE_NONE) return false;
    }
    one->prediction = one->args[0];
  }
  h->nodes = c->decoder.nodes; /* boundary_of may have moved them */
  h->n_nodes = c->decoder.n_nodes;
  h->inputs = c->decoder.inputs;
  h->n_inputs = c->decoder.n_inputs;
  return true;
}

/* --- the encoder --- */

static unroll_status refuse(const cutter *k, const char *name) {
  return error_set(k->err, UNROLL_USAGE,
                   "'%s' cannot be generated: something that is predicted with it needs later or all steps of it", name);
}

static unroll_status check_decoder(const cutter *k) {
  int data = 0; /* one of what is drawn */
  while (data < k->g->n_data && !k->c->fed[data]) data++;
  for (int i = 0; i < k->n; i++) {
    const node *x = &k->g->nodes[i];
    if (!k->inside[i] || x->op != OP_SHIFT) continue;
    if (x->dir < 0) return refuse(k, k->g->data[data].name);
    if (graph_steps_axis(x->width) >= 0)
      return error_set(k->err, UNROLL_USAGE, "'%s' cannot be generated: weights of an attention are used at the next step",
                       k->g->data[data].name);
  }
  return UNROLL_OK;
}

static unroll_status check_encoder(cutter *k) {
  const graph *g = k->g;
  int n = 0;
  memset(k->inside, 0, (size_t)k->n * sizeof *k->inside); /* from here on: seen */
#define LOOK(i)                                                                                                                    \
  do {                                                                                                                             \
    const int look_ = (i);                                                                                                         \
    if (look_ >= 0 && !k->inside[look_]) k->inside[look_] = true, k->todo[n++] = look_;                                            \
  } while (0)
  for (int i = 0; i < k->c->n_boundary; i++) LOOK(k->c->boundary[i].node);
  for (int i = 0; i < k->c->decoder.n_carries; i++) LOOK(k->c->starts[i]);
  while (n) {
    const node *x = &g->nodes[k->todo[--n]];
    const bool reads_data = x->op == OP_INPUT || x->op == OP_EMBED;
    if (reads_data && k->c->fed[g->inputs[x->slot].data]) return refuse(k, g->data[g->inputs[x->slot].data].name);
    for (int a = 0; a < NODE_INPUTS; a++) LOOK(x->in[a]);
  }
#undef LOOK
  return UNROLL_OK;
}

/* --- all --- */

static bool make_room(cutter *k) {
  cut *c = k->c;
  const graph *g = k->g;
  const size_t n = (size_t)k->n + 1;
  graph *d = &c->decoder;
  graph_init(d);
  d->net = g->net;
  d->data = g->data;
  d->n_data = g->n_data;
  d->n_axes = g->n_axes;
  d->n_masks = g->n_masks;
  d->n_weights = g->n_weights;
  d->varying = g->varying;
  d->varying_names = g->varying_names;
  d->n_varying = g->n_varying;
  d->params = mem_alloc(((size_t)g->n_params + 1) * sizeof *d->params);
  d->carries = mem_zero(n, sizeof *d->carries); /* one for each shift at most */
  c->starts = mem_zero(n, sizeof *c->starts);
  c->boundary = mem_zero(n, sizeof *c->boundary);
  c->fed = mem_zero((size_t)g->n_data + 1, sizeof *c->fed);
  k->later = mem_zero(n, sizeof *k->later);
  k->drawn = mem_zero(n, sizeof *k->drawn);
  k->inside = mem_zero(n, sizeof *k->inside);
  k->map = mem_zero(n, sizeof *k->map);
  k->whole = mem_zero(n, sizeof *k->whole);
  k->todo = mem_zero(n, sizeof *k->todo);
  k->open = mem_zero(n, sizeof *k->open);
  k->to = mem_zero(n, sizeof *k->to);
  if (graph_failed(d) || !d->params || !d->carries || !c->starts || !c->boundary || !c->fed || !k->later || !k->drawn ||
      !k->inside || !k->map || !k->whole || !k->todo || !k->open || !k->to)
    return false;
  if (g->n_params) memcpy(d->params, g->params, (size_t)g->n_params * sizeof *d->params);
  d->n_params = d->cap_params = g->n_params;
  for (int i = 0; i < k->n; i++) k->map[i] = k->whole[i] = NODE_NONE;
  for (int l = 0; l < g->n_losses; l++)
    if (g->losses[l].distribution->aligned && of_axis(k, &g->losses[l])) c->fed[g->losses[l].data] = true;
  return true;
}

unroll_status cut_graph(cut *c, const graph *g, int axis, unroll_error *err) {
  *c = (cut){.axis = axis, .encoder = *g};
  c->encoder.n_losses = c->encoder.n_carries = c->encoder.n_gradients = 0;
  cutter k = {.c = c, .g = g, .n = g->n_forward ? g->n_forward : g->n_nodes, .err = err};
  unroll_status status = make_room(&k) ? UNROLL_OK : error_memory(err);
  if (!status) {
    find_needs(&k);
    mark(&k);
    status = check_decoder(&k);
  }
  if (!status) {
    if (!copy_all(&k) || !add_heads(&k)) status = error_memory(err);
  }
  if (!status) status = check_encoder(&k);
  mem_free(k.later);
  mem_free(k.drawn);
  mem_free(k.inside);
  mem_free(k.map);
  mem_free(k.whole);
  mem_free(k.todo);
  mem_free(k.open);
  mem_free(k.to);
  return status;
}

void cut_free(cut *c) {
  graph_free(&c->decoder);
  mem_free(c->boundary);
  mem_free(c->starts);
  mem_free(c->fed);
  *c = (cut){0};
}
