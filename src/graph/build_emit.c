/* build_emit.c - terms become nodes, in order; then the cycles are closed.
 *
 * Widths and axes are known. A shift of a variable whose node is not there yet becomes a placeholder, patched at the end. Constant
 * folding may turn a term into a narrower or stepless node, so what needs full size is widened here (`lift`). */
#include "graph/build_internal.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

enum { MAX_NODES = 1000000, OPEN = -2 /* an input to be filled in when the cycles are closed */ };
static const int64_t MAX_PARAMS = INT64_C(1) << 31;

static node blank(const term *t, enum op op) {
  return (node){.op = op,
                .space = t->step ? SPACE_STEP : SPACE_STATIC,
                .axis = t->step ? t->axis : -1,
                .width = 1,
                .in = {NODE_NONE, NODE_NONE, NODE_NONE, NODE_NONE},
                .param = -1,
                .slot = -1,
                .source = t->in->text,
                .at = t->at->at};
}

static node derived(enum op op, enum space space, int axis, int width) {
  return (node){.op = op,
                .space = space,
                .axis = axis,
                .width = width,
                .in = {NODE_NONE, NODE_NONE, NODE_NONE, NODE_NONE},
                .param = -1,
                .slot = -1};
}

/* x with at least this space and exactly this width. */
static int lift(graph *g, int x, enum space space, int axis, int width) {
  const node n = *graph_at(g, x);
  if (graph_failed(g)) return NODE_NONE;
  if ((n.space == SPACE_PARAM && space != SPACE_PARAM) || n.width != width) {
    const enum space wide = n.space == SPACE_PARAM ? space : n.space;
    node r = derived(OP_REPEAT, wide, wide == SPACE_STEP ? (n.space == SPACE_STEP ? n.axis : axis) : -1, width);
    r.in[0] = x;
    x = graph_node(g, r);
  }
  return space == SPACE_STEP ? graph_spread(g, x, axis) : x;
}

static enum space space_of(const graph *g, int x) { return graph_at(g, x)->space; }

/* An argument at full width, with rows. */
static int argument(builder *b, const term *t, int i) {
  const term *x = &b->terms[t->args[i]];
  const enum space space = space_of(b->g, x->node);
  return lift(b->g, x->node, space == SPACE_PARAM ? SPACE_STATIC : space, x->axis, width_value(b, x->width));
}

/* --- parameters --- */

static bool emit_weight(builder *b, weight *w) {
  int rows = width_value(b, w->rows), cols = w->vector ? 1 : width_value(b, w->cols);
  if (w->symbols) {
    const int swap = rows;
    rows = cols;
    cols = swap;
  }
  if ((int64_t)rows * cols > MAX_PARAMS - b->g->n_weights)
    return FAIL(b, w->in, w->at, "with '%s' [%d, %d] the net has more than 2^31 parameters", w->name, rows, cols), false;
  if (w->init == INIT_IDENTITY && rows != cols && w->init_given) {
    b->status = error_set(b->err, UNROLL_USAGE, "option 'init' %s: identity is for square matrices, and '%s' is [%d, %d]",
                          w->init_given, w->name, rows, cols);
    return false;
  }
  if (w->init == INIT_IDENTITY && rows != cols)
    return FAIL(b, w->in, w->init_at->value->at, "identity is for square matrices, and '%s' is [%d, %d]", w->name, rows, cols),
           false;
  w->param = graph_param(b->g, (param){.name = w->name,
                                       .rows = rows,
                                       .cols = cols,
                                       .vector = w->vector,
                                       .role = w->role,
                                       .init = w->init,
                                       .init_value = w->init_value,
                                       .source = w->in->text,
                                       .at = w->at});
  return true;
}

/* --- products and widths --- */

static int product(builder *b, const term *t, int x, int c0) {
  node n = blank(t, OP_MATVEC);
  const weight *w = &b->weights[t->weight];
  if (t->transposed != w->symbols) n.op = OP_MATVEC_T;
  n.space = space_of(b->g, x);
  n.axis = n.space == SPACE_STEP ? graph_at(b->g, x)->axis : -1;
  n.width = width_value(b, t->width);
  n.in[0] = x;
  n.param = w->param;
  n.c0 = c0;
  return graph_node(b->g, n);
}

/* W [a, b] = W[:, a] a + W[:, b] b: what is not on a cycle is then computed for all steps at once. */
static int split_product(builder *b, const term *t, const term *x, int sum, int *c0) {
  for (int i = 0; i < x->n_args; i++) {
    const term *part = &b->terms[x->args[i]];
    if (part->kind == TERM_CONCAT) {
      sum = split_product(b, t, part, sum, c0); /* as deep as brackets are nested */
      continue;
    }
    const int p = product(b, t, argument(b, x, i), *c0);
    sum = sum == NODE_NONE || graph_failed(b->g) ? p : graph_binary(b->g, OP_ADD, sum, p);
    *c0 += width_value(b, part->width);
  }
  return sum;
}

static int emit_matvec(builder *b, const term *t) {
  const term *x = &b->terms[t->args[0]];
  int c0 = 0;
  const bool rows = t->transposed != b->weights[t->weight].symbols;
  if (x->kind == TERM_CONCAT && !rows) return split_product(b, t, x, NODE_NONE, &c0);
  return product(b, t, argument(b, t, 0), 0);
}

static int emit_concat(builder *b, const term *t) {
  enum space space = SPACE_STATIC;
  for (int i = 0; i < t->n_args; i++)
    if (space_of(b->g, b->terms[t->args[i]].node) == SPACE_STEP) space = SPACE_STEP;
  int all = NODE_NONE;
  for (int i = 0; i < t->n_args; i++) {
    const int part = lift(b->g, argument(b, t, i), space, t->axis, width_value(b, b->terms[t->args[i]].width));
    if (i == 0) {
      all = part;
      continue;
    }
    node n = blank(t, OP_CONCAT);
    n.space = space;
    n.axis = space == SPACE_STEP ? t->axis : -1;
    n.width = graph_at(b->g, all)->width + graph_at(b->g, part)->width;
    n.in[0] = all;
    n.in[1] = part;
    all = graph_node(b->g, n);
  }
  return all;
}

/* A node of one operand, with its rows, or of another one beside it. */
static int over_width(builder *b, const term *t, enum op op, int x, int other, int width, int c0) {
  node n = blank(t, op);
  n.space = space_of(b->g, x);
  n.axis = n.space == SPACE_STEP ? t->axis : -1;
  n.width = width;
  n.c0 = c0;
  n.in[0] = x;
  n.in[1] = other;
  return graph_node(b->g, n);
}

static int emit_row(builder *b, const term *t, enum op op) {
  const int x = argument(b, t, 0), width = graph_at(b->g, x)->width;
  const int scale = op == OP_LAYERNORM ? over_width(b, t, OP_LAYERNORM_SCALE, x, NODE_NONE, 1, 0) : NODE_NONE;
  return over_width(b, t, op, x, scale, width, 0);
}

static int emit_reduce(builder *b, const term *t) {
  const int x = argument(b, t, 0);
  const int width = graph_at(b->g, x)->width, sum = width == 1 ? x : over_width(b, t, t->op, x, NODE_NONE, 1, 0);
  return t->value == 0 || width == 1 ? sum : graph_binary(b->g, OP_MUL, graph_const(b->g, 1.0 / width), sum);
}

static int emit_slice(builder *b, const term *t) {
  const int x = argument(b, t, 0), width = width_value(b, t->width);
  const int first = t->kind == TERM_PART ? t->lag * width : t->lag;
  return graph_at(b->g, x)->width == width ? x : over_width(b, t, OP_SLICE, x, NODE_NONE, width, first);
}

/* --- leaves --- */

static int emit_data(builder *b, const term *t) {
  const int slot = graph_input(b->g, t->data, t->lag);
  node n = blank(t, t->kind == TERM_EMBED ? OP_EMBED : OP_INPUT);
  n.slot = slot;
  n.param = t->kind == TERM_EMBED ? b->weights[t->weight].param : -1;
  n.width = width_value(b, t->width);
  return graph_node(b->g, n);
}

static int emit_seen(builder *b, const term *t) {
  node n = blank(t, OP_INPUT);
  n.slot = graph_seen(b->g, t->data, t->lag);
  return graph_node(b->g, n);
}

static int emit_vector(builder *b, const term *t) {
  node n = blank(t, OP_VECTOR);
  n.space = SPACE_PARAM;
  n.width = width_value(b, t->width);
  n.param = b->weights[t->weight].param;
  return graph_node(b->g, n);
}

static int emit_setting(builder *b, const term *t) {
  node n = blank(t, OP_SETTING);
  n.space = SPACE_PARAM;
  n.axis = -1;
  n.slot = t->dir;
  return graph_node(b->g, n);
}

static int emit_dropout(builder *b, const term *t) {
  const int x = argument(b, t, 0);
  const bool steps = space_of(b->g, x) == SPACE_STEP && !t->over_time;
  node n = blank(t, OP_MASK);
  n.space = steps ? SPACE_STEP : SPACE_STATIC;
  n.axis = steps ? t->axis : -1;
  n.width = graph_at(b->g, x)->width;
  n.slot = b->g->n_masks++;
  n.value = t->value;
  const int mask = graph_node(b->g, n);
  return graph_failed(b->g) ? NODE_NONE : graph_binary(b->g, OP_MUL, x, mask);
}

/* --- time --- */

symbol *build_state(symbol *y) {
  while (y->call && y->call->dir == y->in->dir) y = y->call->output;
  return y;
}

static int edge(graph *g, int x, int dir) {
  const node in = *graph_at(g, x);
  node n = derived(OP_EDGE, SPACE_STATIC, in.axis, in.width);
  n.dir = dir;
  n.in[0] = x;
  n.source = in.source;
  n.at = in.at;
  return graph_failed(g) ? NODE_NONE : graph_node(g, n);
}

static int emit_edge(builder *b, const term *t) {
  const term *x = &b->terms[t->args[0]];
  return edge(b->g, lift(b->g, x->node, SPACE_STEP, x->axis, width_value(b, x->width)), t->dir);
}

/* sum(x) = SUM_TIME(x), mean(x) = SUM_TIME(x) / LENGTH, max(x) = MAX_TIME(x) */
static int emit_over(builder *b, const term *t) {
  graph *g = b->g;
  const term *of = &b->terms[t->args[0]];
  const int x = lift(g, of->node, SPACE_STEP, of->axis, width_value(b, of->width));
  node n = derived(t->op, SPACE_STATIC, of->axis, graph_at(g, x)->width);
  n.in[0] = x;
  const int all = graph_failed(g) ? NODE_NONE : graph_node(g, n);
  if (t->value != 0 || graph_failed(g)) return all;
  const int length = graph_node(g, derived(OP_LENGTH, SPACE_STATIC, of->axis, 1));
  return graph_failed(g) ? NODE_NONE : graph_binary(g, OP_DIV, all, length);
}

/* All steps of an argument. */
static int sequence(builder *b, const term *t, int i) {
  const term *x = &b->terms[t->args[i]];
  return lift(b->g, x->node, SPACE_STEP, x->axis, width_value(b, x->width));
}

/* Scores, their softmax over the steps of the keys, and the values mixed by that. */
static int emit_attend(builder *b, const term *t) {
  graph *g = b->g;
  int q = argument(b, t, 0);
  const int k = sequence(b, t, 1), v = sequence(b, t, 2);
  if (graph_failed(g)) return NODE_NONE;
  if (t->value != 0) q = graph_binary(g, OP_MUL, q, graph_const(g, 1 / sqrt(graph_at(g, k)->width)));
  const node *rows = graph_at(g, q);
  node n = derived(t->n_args > 3 ? OP_ADDITIVE : OP_DOTS, rows->space, rows->axis, GRAPH_STEPS + graph_at(g, k)->axis);
  n.in[0] = q;
  n.in[1] = k;
  if (t->n_args > 3) n.in[2] = b->terms[t->args[3]].node;
  const int scores = graph_failed(g) ? NODE_NONE : graph_node(g, n);
  n.op = OP_SOFTMAX;
  n.in[0] = scores;
  n.in[1] = n.in[2] = NODE_NONE;
  if (t->named) n.name = build_text(b, "%s.weights", t->named->full);
  const int weights = graph_failed(g) ? NODE_NONE : graph_node(g, n);
  n.op = OP_MIX;
  n.name = NULL;
  n.width = graph_at(g, v)->width;
  n.in[0] = weights;
  n.in[1] = v;
  return graph_failed(g) ? NODE_NONE : graph_node(g, n);
}

/* The value of a stream's state from the pass before. The carry is completed when the state has its node. */
static int carry_leaf(builder *b, const symbol *y, int lag, int width) {
  graph *g = b->g;
  if (!build_grow(b, (void **)&g->carries, g->n_carries, &g->cap_carries, sizeof *g->carries)) return NODE_NONE;
  const char *name = y->full;
  if (lag > 1) {
    const char *earlier = build_text(b, "%s[t-%d]", y->full, lag - 1);
    name = arena_text(&g->memory, earlier, strlen(earlier));
    if (!name) return build_memory(b);
  }
  g->carries[g->n_carries] = (carry){.node = NODE_NONE, .edge = NODE_NONE, .width = width, .name = name};
  node n = derived(OP_CARRY, SPACE_STATIC, -1, width);
  n.slot = g->n_carries++;
  return graph_node(g, n);
}

static int initial(builder *b, const symbol *y, int lag, int width);
static int given_start(builder *b, const symbol *y, int lag, int width);

static bool room_for_shifts(builder *b, symbol *y, int lag) {
  int *bigger = arena_alloc(&b->scratch, (size_t)lag, sizeof *bigger);
  if (!bigger) return build_memory(b), false;
  if (y->n_shifts) memcpy(bigger, y->shifts, (size_t)y->n_shifts * sizeof *bigger);
  y->shifts = bigger;
  return true;
}

/* Whether what y starts from can be said yet: an equation may need y[t-1] before that, as in y = cell(y[t-1], 5, start = z). */
static bool start_is_there(const builder *b, const symbol *y) {
  for (; y->start_from; y = build_state(y->start_from))
    if (b->terms[build_state(y->start_from)->term].node == NODE_NONE) return false;
  return y->start == TERM_NONE || b->terms[y->start].node != NODE_NONE;
}

/* y[t-1] .. y[t-lag]; `t`: who asks for them. */
static int shifts_of(builder *b, symbol *y, int lag, const term *t) {
  graph *g = b->g;
  const int width = width_value(b, y->width), axis = b->terms[y->term].axis;
  if (y->n_shifts < lag && !room_for_shifts(b, y, lag)) return NODE_NONE;
  while (y->n_shifts < lag && !graph_failed(g) && b->status == UNROLL_OK) {
    const int back = y->n_shifts + 1, x = back > 1 ? y->shifts[back - 2] : b->terms[y->term].node;
    node n = blank(t, OP_SHIFT);
    n.space = SPACE_STEP;
    n.axis = axis;
    n.width = width;
    n.dir = y->in->dir;
    if (start_is_there(b, y))
      n.in[1] = initial(b, y, back, width);
    else
      n.in[2] = OPEN;
    if (x == NODE_NONE || n.in[2] == OPEN) n.in[3] = -b->unique++; /* see close_cycles */
    if (x != NODE_NONE) n.in[0] = lift(g, x, SPACE_STEP, axis, width);
    y->shifts[y->n_shifts] = graph_node(g, n);
    y->n_shifts++;
  }
  return graph_failed(g) || b->status != UNROLL_OK ? NODE_NONE : y->shifts[lag - 1];
}

static int emit_shift(builder *b, const term *t) { return shifts_of(b, build_state(t->of), t->lag, t); }

/* 1 for each sequence that has no steps on an axis, else 0. */
static int is_empty(graph *g, int axis) {
  const int one = lift(g, graph_const(g, 1), SPACE_STEP, axis, 1);
  return graph_failed(g) ? NODE_NONE : graph_binary(g, OP_SUB, graph_const(g, 1), edge(g, one, 1));
}

/* What the recurrence z leaves, `back` steps before its last one: of a sequence without steps what z itself began from. */
static int final_state(builder *b, symbol *z, int back, int width) {
  graph *g = b->g;
  const term *t = &b->terms[z->term];
  const int state = back ? shifts_of(b, z, back, t) : lift(g, t->node, SPACE_STEP, t->axis, width);
  const int end = graph_failed(g) ? NODE_NONE : edge(g, state, -z->in->dir), start = given_start(b, z, back + 1, width);
  if (start == NODE_NONE || graph_failed(g)) return end;
  return graph_binary(g, OP_ADD, end, graph_binary(g, OP_MUL, is_empty(g, t->axis), start));
}

/* y[t-lag] at the first step, as `start =` says; NODE_NONE: zeros. */
static int given_start(builder *b, const symbol *y, int lag, int width) {
  if (y->start_from) return final_state(b, build_state(y->start_from), lag - 1, width);
  return y->start != TERM_NONE && lag == 1 ? lift(b->g, b->terms[y->start].node, SPACE_STATIC, -1, width) : NODE_NONE;
}

/* The value of y before the first step. */
static int initial(builder *b, const symbol *y, int lag, int width) {
  if (y->start_from || (y->start != TERM_NONE && lag == 1)) return given_start(b, y, lag, width);
  return b->stream && y->in->dir > 0 ? carry_leaf(b, y, lag, width) : NODE_NONE;
}

static void close_shift(builder *b, const symbol *y, int at, int lag) {
  graph *g = b->g;
  const node n = *graph_at(g, at);
  const int before = g->n_nodes;
  if (graph_failed(g) || n.in[3] == NODE_NONE) return;
  const int x = n.in[0] == NODE_NONE ? lift(g, b->terms[y->term].node, SPACE_STEP, n.axis, n.width) : n.in[0];
  const int start = n.in[2] == OPEN ? initial(b, y, lag, n.width) : n.in[1];
  if (graph_failed(g)) return;
  g->nodes[at].in[0] = x;
  g->nodes[at].in[1] = start;
  g->nodes[at].in[2] = g->nodes[at].in[3] = NODE_NONE;
  for (int i = before; i < g->n_nodes; i++) g->nodes[i].source = n.source, g->nodes[i].at = n.at;
}

static void close_cycles(builder *b) {
  for (const scope *s = b->scopes; s; s = s->next)
    for (const symbol *y = s->first; y; y = y->next)
      for (int k = 0; k < y->n_shifts; k++) close_shift(b, y, y->shifts[k], k + 1);
}

/* The carry of each shift that starts from one: the last value of what is shifted. */
static void close_carries(builder *b) {
  graph *g = b->g;
  const int n = g->n_nodes;
  for (int i = 0; i < n && !graph_failed(g); i++) {
    const node shift = g->nodes[i];
    if (shift.op != OP_SHIFT || shift.in[1] == NODE_NONE || g->nodes[shift.in[1]].op != OP_CARRY) continue;
    carry *c = &g->carries[g->nodes[shift.in[1]].slot];
    c->node = shift.in[0];
    c->edge = edge(g, shift.in[0], -1);
  }
}

/* --- pictures --- */

/* CONV, POOL or POOL_MEAN of a picture, which may have steps. */
static int emit_picture(builder *b, const term *t, enum op op) {
  node n = blank(t, op);
  n.in[0] = argument(b, t, 0);
  n.space = space_of(b->g, n.in[0]);
  n.axis = n.space == SPACE_STEP ? t->axis : -1;
  n.width = width_value(b, t->width);
  n.patches = t->patches;
  if (op == OP_CONV) {
    n.in[1] = b->terms[t->args[1]].node;
    n.param = b->weights[t->weight].param;
  }
  return graph_node(b->g, n);
}

static int emit_batchnorm(builder *b, const term *t) {
  node stats = blank(t, OP_BATCH_STATS), n = blank(t, OP_BATCHNORM);
  n.in[0] = stats.in[0] = argument(b, t, 0);
  n.space = space_of(b->g, n.in[0]);
  n.axis = n.space == SPACE_STEP ? t->axis : -1;
  n.width = width_value(b, t->width);
  n.patches = t->patches;
  if (!n.patches.channels) n.patches.channels = n.width, n.patches.rows = n.patches.columns = 1; /* no picture */
  stats.patches = n.patches;
  n.value = stats.value = t->value;
  stats.space = SPACE_PARAM;
  stats.axis = -1;
  stats.width = 2 * n.patches.channels;
  stats.param = b->weights[t->weight].param;
  n.in[1] = graph_node(b->g, stats);
  n.in[2] = b->terms[t->args[1]].node;
  n.in[3] = b->terms[t->args[2]].node;
  return graph_node(b->g, n);
}

/* --- losses --- */

static int emit_cross_entropy(builder *b, const term *t) {
  const data_info *d = &b->g->data[t->data];
  node n = blank(t, OP_CROSS_ENTROPY);
  n.space = d->space;
  n.axis = d->axis;
  n.in[0] = lift(b->g, b->terms[t->args[0]].node, d->space, d->axis, d->width);
  n.slot = graph_input(b->g, t->data, 0);
  return graph_node(b->g, n);
}

static int emit_class_weight(builder *b, const term *t) {
  const data_info *d = &b->g->data[t->data];
  node n = blank(t, OP_CLASS_WEIGHT);
  n.space = d->space;
  n.axis = d->axis;
  n.slot = graph_input(b->g, t->data, 0);
  return graph_node(b->g, n);
}

static int emit_ctc(builder *b, const term *t) {
  node n = blank(t, OP_CTC);
  n.in[0] = sequence(b, t, 0);
  n.space = SPACE_STATIC;
  n.axis = b->terms[t->args[0]].axis;
  n.slot = graph_input(b->g, t->data, 0);
  return graph_node(b->g, n);
}

static bool emit_losses(builder *b) {
  graph *g = b->g;
  for (int i = 0; i < b->n_losses && !graph_failed(g); i++) {
    const loss_term *l = &b->losses[i];
    const data_info *d = &g->data[l->data];
    if (!build_grow(b, (void **)&g->losses, g->n_losses, &g->cap_losses, sizeof *g->losses)) return false;
    const int x = b->terms[l->node].node, before = g->n_nodes;
    loss *out = &g->losses[g->n_losses++];
    *out = (loss){.data = l->data,
                  .slot = graph_input(g, l->data, 0),
                  .seen = build_may_lack(b, l->data) ? graph_seen(g, l->data, 0) : -1,
                  .node = l->distribution->aligned ? lift(g, x, d->space, d->axis, 1) : x,
                  .objective = NODE_NONE,
                  .prediction = b->terms[l->prediction].node,
                  .n_args = l->n_args,
                  .numbers = l->numbers,
                  .n_numbers = l->n_numbers,
                  .weight = l->weight == TERM_NONE ? NODE_NONE : b->terms[l->weight].node,
                  .distribution = l->distribution,
                  .at = l->at};
    const int y = b->terms[l->objective].node;
    if (!graph_failed(g) && space_of(g, y) > space_of(g, out->node))
      return FAIL(b, b->root, l->at->at, "the weight is one for each step, and %s'%s' has no steps",
                  l->distribution->aligned ? "" : "the loss of ", d->name),
             false;
    out->objective = l->distribution->aligned ? lift(g, y, d->space, d->axis, 1) : y;
    for (int k = 0; k < l->n_args; k++) out->args[k] = b->terms[l->args[k]].node;
    for (int k = before; k < g->n_nodes; k++) g->nodes[k].source = b->root->text, g->nodes[k].at = l->at->at;
  }
  return true;
}

/* --- terms --- */

static int emit_term(builder *b, const term *t) {
  graph *g = b->g;
  switch (t->kind) {
  case TERM_NUMBER:
    return graph_const(g, t->value);
  case TERM_SETTING:
    return emit_setting(b, t);
  case TERM_INDEX:
    return NODE_NONE;
  case TERM_INPUT:
  case TERM_EMBED:
    return emit_data(b, t);
  case TERM_SEEN:
    return emit_seen(b, t);
  case TERM_VECTOR:
    return emit_vector(b, t);
  case TERM_ELEMENTWISE:
    if (t->n_args == 1) return graph_unary(g, t->op, b->terms[t->args[0]].node);
    return graph_binary(g, t->op, b->terms[t->args[0]].node, b->terms[t->args[1]].node);
  case TERM_ROW:
    return emit_row(b, t, t->op);
  case TERM_REDUCE:
    return emit_reduce(b, t);
  case TERM_SLICE:
  case TERM_PART:
    return emit_slice(b, t);
  case TERM_MATVEC:
    return emit_matvec(b, t);
  case TERM_CONCAT:
    return emit_concat(b, t);
  case TERM_SHIFT:
    return emit_shift(b, t);
  case TERM_EDGE:
    return emit_edge(b, t);
  case TERM_OVER:
    return emit_over(b, t);
  case TERM_ATTEND:
    return emit_attend(b, t);
  case TERM_DROPOUT:
    return emit_dropout(b, t);
  case TERM_CONV:
    return emit_picture(b, t, OP_CONV);
  case TERM_POOL:
    return emit_picture(b, t, t->value > 0 ? OP_POOL_MEAN : OP_POOL);
  case TERM_BATCHNORM:
    return emit_batchnorm(b, t);
  case TERM_CLASS_WEIGHT:
    return emit_class_weight(b, t);
  case TERM_CROSS_ENTROPY:
    return emit_cross_entropy(b, t);
  case TERM_CTC:
    return emit_ctc(b, t);
  }
  return NODE_NONE;
}

/* The variable's name and the place of the text, where they are not given already. */
static void label(builder *b, const term *t, int before) {
  graph *g = b->g;
  for (int i = before; i < g->n_nodes; i++) {
    if (g->nodes[i].source) continue;
    g->nodes[i].source = t->in->text;
    g->nodes[i].at = t->at->at;
  }
  if (!t->named || t->node == NODE_NONE) return;
  node *n = &g->nodes[t->node];
  const enum op op = n->op;
  if (!n->name && op != OP_CONST && op != OP_SETTING && op != OP_VECTOR && op != OP_INPUT && op != OP_SHIFT && op != OP_SPREAD &&
      op != OP_MASK)
    n->name = t->named->full;
}

static bool finished(builder *b) {
  if (b->status != UNROLL_OK) return false;
  if (!graph_failed(b->g)) return true;
  if (b->g->n_nodes >= MAX_NODES)
    FAIL(b, b->root, ((span){1, 1, 1}), "the net is too large: more than %d operations", MAX_NODES);
  else
    build_memory(b);
  return false;
}

/* Statistics are over all steps at once, so what they are of must not wait for them. */
static bool check_batches(builder *b) {
  const graph *g = b->g;
  bool ok = true;
  int n = 0;
  for (int i = 0; i < g->n_nodes; i++) n += g->nodes[i].op == OP_BATCH_STATS;
  if (!n) return true;
  int *todo = mem_alloc(((size_t)g->n_nodes + 1) * sizeof *todo), *seen = mem_zero((size_t)g->n_nodes + 1, sizeof *seen);
  if (!todo || !seen) build_memory(b), ok = false;
  for (int i = 0; i < g->n_nodes && ok; i++) {
    if (g->nodes[i].op != OP_BATCH_STATS) continue;
    todo[0] = i;
    for (n = 1; n && ok;) {
      const node *x = &g->nodes[todo[--n]];
      for (int k = 0; k < NODE_INPUTS; k++) {
        ok = ok && x->in[k] != i;
        if (x->in[k] >= 0 && seen[x->in[k]] != i + 1) seen[x->in[k]] = i + 1, todo[n++] = x->in[k];
      }
    }
    if (!ok)
      b->status = lang_error(g->nodes[i].source, g->nodes[i].at, b->err,
                             "'batchnorm' is over all steps at once, and here a step needs the one before");
  }
  mem_free(todo);
  mem_free(seen);
  return ok;
}

bool build_emit(builder *b) {
  graph *g = b->g;
  for (int i = 0; i < b->n_weights; i++)
    if (!emit_weight(b, &b->weights[i]) || !finished(b)) return false;
  for (int i = 0; i < b->n_terms; i++) {
    const int before = g->n_nodes;
    b->terms[i].node = emit_term(b, &b->terms[i]);
    if (!finished(b)) return false;
    label(b, &b->terms[i], before);
  }
  close_cycles(b);
  close_carries(b);
  if (!finished(b) || !check_batches(b) || !emit_losses(b)) return false;
  if (b->alone) {
    const term *t = &b->terms[b->root->output->term];
    g->output = b->root->output->name;
    g->output_node = lift(g, t->node, t->step ? SPACE_STEP : SPACE_STATIC, t->axis, width_value(b, t->width));
  }
  return finished(b);
}
