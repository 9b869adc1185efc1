/* build_emit.c - terms become nodes, in order; then the cycles are closed.
 *
 * Widths and axes are known. Constant folding may turn a term into a narrower or stepless node, so what needs full size is widened
 * here (`build_lift`). What looks back in time is in build_shift.c. */
#include "graph/build_internal.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

static const int64_t MAX_PARAMS = INT64_C(1) << 31;

node build_blank(const term *t, enum op op) {
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

node build_derived(enum op op, enum space space, int axis, int width) {
  return (node){.op = op,
                .space = space,
                .axis = axis,
                .width = width,
                .in = {NODE_NONE, NODE_NONE, NODE_NONE, NODE_NONE},
                .param = -1,
                .slot = -1};
}

int build_lift(graph *g, int x, enum space space, int axis, int width) {
  const node n = *graph_at(g, x);
  if (graph_failed(g)) return NODE_NONE;
  if ((n.space == SPACE_PARAM && space != SPACE_PARAM) || n.width != width) {
    const enum space wide = n.space == SPACE_PARAM ? space : n.space;
    node r = build_derived(OP_REPEAT, wide, wide == SPACE_STEP ? (n.space == SPACE_STEP ? n.axis : axis) : -1, width);
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
  return build_lift(b->g, x->node, space == SPACE_PARAM ? SPACE_STATIC : space, x->axis, width_value(b, x->width));
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
  node n = build_blank(t, OP_MATVEC);
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
    const int part = build_lift(b->g, argument(b, t, i), space, t->axis, width_value(b, b->terms[t->args[i]].width));
    if (i == 0) {
      all = part;
      continue;
    }
    node n = build_blank(t, OP_CONCAT);
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
  node n = build_blank(t, op);
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
  node n = build_blank(t, t->kind == TERM_EMBED ? OP_EMBED : OP_INPUT);
  n.slot = slot;
  n.param = t->kind == TERM_EMBED ? b->weights[t->weight].param : -1;
  n.width = width_value(b, t->width);
  return graph_node(b->g, n);
}

static int emit_seen(builder *b, const term *t) {
  node n = build_blank(t, OP_INPUT);
  n.slot = graph_seen(b->g, t->data, t->lag);
  return graph_node(b->g, n);
}

static int emit_vector(builder *b, const term *t) {
  node n = build_blank(t, OP_VECTOR);
  n.space = SPACE_PARAM;
  n.width = width_value(b, t->width);
  n.param = b->weights[t->weight].param;
  return graph_node(b->g, n);
}

static int emit_setting(builder *b, const term *t) {
  node n = build_blank(t, OP_SETTING);
  n.space = SPACE_PARAM;
  n.axis = -1;
  n.slot = t->dir;
  return graph_node(b->g, n);
}

static int emit_dropout(builder *b, const term *t) {
  const int x = argument(b, t, 0);
  const bool steps = space_of(b->g, x) == SPACE_STEP && !t->over_time;
  node n = build_blank(t, OP_MASK);
  n.space = steps ? SPACE_STEP : SPACE_STATIC;
  n.axis = steps ? t->axis : -1;
  n.width = graph_at(b->g, x)->width;
  n.slot = b->g->n_masks++;
  n.value = t->value;
  const int mask = graph_node(b->g, n);
  return graph_failed(b->g) ? NODE_NONE : graph_binary(b->g, OP_MUL, x, mask);
}

/* --- time --- */

int build_edge(graph *g, int x, int dir) {
  const node in = *graph_at(g, x);
  node n = build_derived(OP_EDGE, SPACE_STATIC, in.axis, in.width);
  n.dir = dir;
  n.in[0] = x;
  n.source = in.source;
  n.at = in.at;
  return graph_failed(g) ? NODE_NONE : graph_node(g, n);
}

static int emit_edge(builder *b, const term *t) {
  const term *x = &b->terms[t->args[0]];
  return build_edge(b->g, build_lift(b->g, x->node, SPACE_STEP, x->axis, width_value(b, x->width)), t->dir);
}

/* sum(x) = SUM_TIME(x), mean(x) = SUM_TIME(x) / LENGTH, max(x) = MAX_TIME(x) */
static int emit_over(builder *b, const term *t) {
  graph *g = b->g;
  const term *of = &b->terms[t->args[0]];
  const int x = build_lift(g, of->node, SPACE_STEP, of->axis, width_value(b, of->width));
  node n = build_derived(t->op, SPACE_STATIC, of->axis, graph_at(g, x)->width);
  n.in[0] = x;
  const int all = graph_failed(g) ? NODE_NONE : graph_node(g, n);
  if (t->value != 0 || graph_failed(g)) return all;
  const int length = graph_node(g, build_derived(OP_LENGTH, SPACE_STATIC, of->axis, 1));
  return graph_failed(g) ? NODE_NONE : graph_binary(g, OP_DIV, all, length);
}

/* All steps of an argument. */
static int sequence(builder *b, const term *t, int i) {
  const term *x = &b->terms[t->args[i]];
  return build_lift(b->g, x->node, SPACE_STEP, x->axis, width_value(b, x->width));
}

static int emit_reverse(builder *b, const term *t) {
  const int x = sequence(b, t, 0);
  if (graph_failed(b->g)) return NODE_NONE;
  node n = build_blank(t, OP_REVERSE);
  n.width = graph_at(b->g, x)->width;
  n.in[0] = x;
  return graph_node(b->g, n);
}

/* Scores, their softmax over the steps of the keys, and the values mixed by that. */
static int emit_attend(builder *b, const term *t) {
  graph *g = b->g;
  int q = argument(b, t, 0);
  const int k = sequence(b, t, 1), v = sequence(b, t, 2);
  if (graph_failed(g)) return NODE_NONE;
  if (t->value != 0) q = graph_binary(g, OP_MUL, q, graph_const(g, 1 / sqrt(graph_at(g, k)->width)));
  const node *rows = graph_at(g, q);
  node n = build_derived(t->n_args > 3 ? OP_ADDITIVE : OP_DOTS, rows->space, rows->axis, GRAPH_STEPS + graph_at(g, k)->axis);
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

/* --- pictures --- */

/* CONV, POOL or POOL_MEAN of a picture, which may have steps. */
static int emit_picture(builder *b, const term *t, enum op op) {
  node n = build_blank(t, op);
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

/* MATCH or BLEND: a row of its own and a picture, either of which may have steps. */
static int emit_positions(builder *b, const term *t) {
  const int x[] = {argument(b, t, 0), argument(b, t, 1)};
  if (graph_failed(b->g)) return NODE_NONE;
  node n = build_blank(t, t->op);
  const bool steps = space_of(b->g, x[0]) == SPACE_STEP || space_of(b->g, x[1]) == SPACE_STEP;
  n.space = steps ? SPACE_STEP : SPACE_STATIC;
  n.axis = steps ? t->axis : -1;
  n.width = width_value(b, t->width);
  const int *shape = b->terms[t->args[1]].shape, positions = shape[1] * shape[2];
  n.in[0] = build_lift(b->g, x[0], n.space, t->axis, t->op == OP_MATCH ? shape[0] : positions);
  n.in[1] = build_lift(b->g, x[1], n.space, t->axis, shape[0] * positions);
  if (graph_failed(b->g)) return NODE_NONE;
  node weights = *graph_at(b->g, n.in[0]); /* those of an attention have a name, as of `attend`: it is the same node */
  if (t->op == OP_BLEND && t->named && weights.op == OP_SOFTMAX && !weights.name) {
    weights.name = build_text(b, "%s.weights", t->named->full);
    n.in[0] = graph_node(b->g, weights);
  }
  return graph_node(b->g, n);
}

static int emit_batchnorm(builder *b, const term *t) {
  node stats = build_blank(t, OP_BATCH_STATS), n = build_blank(t, OP_BATCHNORM);
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
  node n = build_blank(t, OP_CROSS_ENTROPY);
  n.space = d->space;
  n.axis = d->axis;
  n.in[0] = build_lift(b->g, b->terms[t->args[0]].node, d->space, d->axis, d->width);
  n.slot = graph_input(b->g, t->data, 0);
  return graph_node(b->g, n);
}

static int emit_class_weight(builder *b, const term *t) {
  const data_info *d = &b->g->data[t->data];
  node n = build_blank(t, OP_CLASS_WEIGHT);
  n.space = d->space;
  n.axis = d->axis;
  n.slot = graph_input(b->g, t->data, 0);
  return graph_node(b->g, n);
}

static int emit_ctc(builder *b, const term *t) {
  node n = build_blank(t, OP_CTC);
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
                  .node = l->distribution->aligned ? build_lift(g, x, d->space, d->axis, 1) : x,
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
    out->objective = l->distribution->aligned ? build_lift(g, y, d->space, d->axis, 1) : y;
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
    return build_shifted(b, t);
  case TERM_EDGE:
    return emit_edge(b, t);
  case TERM_REVERSE:
    return emit_reverse(b, t);
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
  case TERM_POSITIONS:
    return emit_positions(b, t);
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
  if (b->g->n_nodes >= graph_most_nodes())
    b->status =
        error_set(b->err, UNROLL_FAILED, "this net has more than %d operations (option 'max-operations' says how many may be)",
                  graph_most_nodes());
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
  build_close_cycles(b);
  build_close_carries(b);
  if (!finished(b) || !check_batches(b) || !emit_losses(b)) return false;
  if (b->alone) {
    const term *t = &b->terms[b->root->output->term];
    g->output = b->root->output->name;
    g->output_node = build_lift(g, t->node, t->step ? SPACE_STEP : SPACE_STATIC, t->axis, width_value(b, t->width));
  }
  return finished(b);
}
