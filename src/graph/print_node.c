/* print_node.c - expressions: a node down to the nearest names, by its operator. */
#include <string.h>
#include "graph/print_internal.h"

/* --- operators --- */

/* Leaves print as what they are. */
bool print_is_leaf(const node *n) {
  switch (n->op) {
  case OP_CONST:
  case OP_SETTING:
  case OP_VECTOR:
  case OP_INPUT:
  case OP_CARRY:
  case OP_MASK:
  case OP_LOSS_SCALE:
  case OP_LENGTH:
    return true;
  default:
    return false;
  }
}

bool print_has_name(const printer *p, int x) {
  if (print_is_leaf(graph_at(p->g, x))) return false;
  return graph_at(p->g, x)->name || x == p->logits || x == p->dlogits || (p->numbered && p->numbered[x]);
}

void print_name(printer *p, int x) {
  const node *n = graph_at(p->g, x);
  if (x == p->logits)
    text_format(p->out, "logits");
  else if (x == p->dlogits)
    text_format(p->out, "%slogits", print_derivative(p));
  else if (!n->name)
    text_format(p->out, "u%d", p->numbered[x]);
  else if (p->g->n_forward && x >= p->g->n_forward)
    print_adjoint_name(p, n->name);
  else
    print_full_name(p, n->name);
}

/* Whether the value at the edge of a SHIFT is printed: in the language it belongs to the call, in the gradient it is a term. */
static bool prints_start(const printer *p, int x) {
  const node *n = graph_at(p->g, x);
  return n->in[1] != NODE_NONE && ((p->g->n_forward && x >= p->g->n_forward) || n->in[0] == NODE_NONE);
}

/* What node x is printed as: nodes that leave no trace in the text give way to their input. NODE_NONE: a chain without end. */
static int visible(const printer *p, int x) {
  for (int steps = 0; steps < MAX_DEPTH; steps++) {
    const node *n = graph_at(p->g, x);
    if ((x != p->root || steps > 0) && print_has_name(p, x)) return x;
    const bool same = n->op == OP_SPREAD || n->op == OP_REPEAT || n->op == OP_LAYERNORM_SCALE ||
                      (n->op == OP_SUM_ROWS && graph_at(p->g, n->in[0])->space != SPACE_STEP) ||
                      (n->op == OP_SHIFT && n->in[0] != NODE_NONE && !prints_start(p, x));
    if (!same) return x;
    x = n->in[0];
  }
  return NODE_NONE;
}

/* The mean over all steps: their sum by their number. */
static bool is_mean(const printer *p, const node *n) {
  return n->op == OP_DIV && graph_at(p->g, n->in[0])->op == OP_SUM_TIME && !print_has_name(p, n->in[0]) &&
         graph_at(p->g, n->in[1])->op == OP_LENGTH;
}

/* How tightly a node's text holds together. */
static int level_of(const printer *p, int x) {
  const int seen = visible(p, x);
  if (seen == NODE_NONE || ((seen != x || x != p->root) && print_has_name(p, seen))) return LEVEL_WORD;
  const node *n = graph_at(p->g, seen);
  if (is_mean(p, n)) return LEVEL_WORD;
  switch (n->op) {
  case OP_OUTER:
  case OP_EMBED_T:
  case OP_SUM_ROWS:
  case OP_SUM_TIME:
  case OP_CONV_OUTER:
  case OP_SUM_POSITIONS:
    return LEVEL_SENTENCE;
  case OP_ADD:
  case OP_SUB:
    return LEVEL_SUM;
  case OP_SHIFT:
    return n->in[0] == NODE_NONE ? LEVEL_WORD : LEVEL_SUM;
  case OP_MUL:
  case OP_DIV:
  case OP_SOFTMAX_GRAD:
  case OP_CROSS_ENTROPY_GRAD:
  case OP_CTC_GRAD:
  case OP_LOSS_SCALE:
    return LEVEL_PRODUCT;
  case OP_NEG:
  case OP_CROSS_ENTROPY:
  case OP_CTC:
    return LEVEL_SIGN;
  case OP_CONST:
    return n->value < 0 ? LEVEL_SIGN : LEVEL_WORD;
  case OP_MATVEC:
  case OP_MATVEC_T:
    return LEVEL_APPLY;
  case OP_EMBED:
    return p->g->params[n->param].role == PARAM_EMBEDDING ? LEVEL_WORD : LEVEL_APPLY;
  case OP_SQUARE:
    return LEVEL_POWER;
  default:
    return LEVEL_WORD;
  }
}

static void infix(printer *p, const node *n, int offset) {
  const bool sum = n->op == OP_ADD || n->op == OP_SUB;
  const bool strict = n->op == OP_SUB || n->op == OP_DIV; /* the right side needs brackets at the same level */
  const int level = sum ? LEVEL_SUM : LEVEL_PRODUCT;
  const bool sign = level_of(p, n->in[1]) == LEVEL_SIGN;
  print_expression(p, n->in[0], offset, level);
  text_format(p->out, " %s ", n->op == OP_ADD ? "+" : n->op == OP_SUB ? "-" : n->op == OP_MUL ? "*" : "/");
  print_expression(p, n->in[1], offset, sign ? LEVEL_APPLY : strict ? level + 1 : level);
}

static void call(printer *p, const char *function, const node *n, int offset) {
  text_format(p->out, "%s(", function);
  for (int k = 0; k < NODE_INPUTS && n->in[k] != NODE_NONE; k++) {
    if (k) text_format(p->out, ", ");
    print_expression(p, n->in[k], offset, LEVEL_SENTENCE);
  }
  text_format(p->out, ")");
}

/* The matrix, with its columns where only some of them take part. */
void print_matrix(printer *p, int number_of_param, int c0, int columns) {
  const param *w = &p->g->params[number_of_param];
  print_full_name(p, w->name);
  if (c0 || columns != w->cols) text_format(p->out, "[:, %d:%d]", c0, c0 + columns);
}

static void product(printer *p, const node *n, int offset) {
  const bool back = n->op == OP_MATVEC_T;
  print_matrix(p, n->param, n->c0, back ? n->width : graph_at(p->g, n->in[0])->width);
  text_format(p->out, back ? "' " : " ");
  print_expression(p, n->in[0], offset, LEVEL_POWER);
}

static void shift(printer *p, int x, const node *n, int offset) {
  const char *edge = n->dir > 0 ? "at_first" : "at_last";
  const bool started = prints_start(p, x);
  if (n->in[0] != NODE_NONE) print_expression(p, n->in[0], offset - n->dir, started ? LEVEL_SUM : LEVEL_SENTENCE);
  if (n->in[0] != NODE_NONE && started) text_format(p->out, " + ");
  if (n->in[0] == NODE_NONE && !started) text_format(p->out, "0");
  if (!started) return;
  text_format(p->out, "%s(", edge);
  print_expression(p, n->in[1], 0, LEVEL_SENTENCE);
  text_format(p->out, ")");
}

static void concat(printer *p, int x, int offset) {
  const node *n = graph_at(p->g, x);
  for (int k = 0; k < 2; k++) {
    const node *side = graph_at(p->g, n->in[k]);
    if (k) text_format(p->out, ", ");
    if (side->op == OP_CONCAT && !side->name && p->depth < MAX_DEPTH) {
      p->depth++;
      concat(p, n->in[k], offset);
      p->depth--;
    } else {
      print_expression(p, n->in[k], offset, LEVEL_SENTENCE);
    }
  }
}

static void columns(printer *p, const node *n, int offset) {
  const int width = n->op == OP_SLICE ? n->width : graph_at(p->g, n->in[0])->width;
  text_format(p->out, n->op == OP_SLICE ? "columns(" : "at_columns(");
  print_expression(p, n->in[0], offset, LEVEL_SENTENCE);
  text_format(p->out, ", %d:%d)", n->c0, n->c0 + width);
}

static void cross_entropy(printer *p, const node *n, int offset) {
  text_format(p->out, n->op == OP_CROSS_ENTROPY ? "-log softmax(" : "(softmax(");
  print_expression(p, n->in[0], offset, LEVEL_SENTENCE);
  text_format(p->out, n->op == OP_CROSS_ENTROPY ? ")[" : ") - onehot(");
  print_data_name(p, n->slot, offset);
  text_format(p->out, n->op == OP_CROSS_ENTROPY ? "]" : ")) * ");
  if (n->op == OP_CROSS_ENTROPY_GRAD) print_expression(p, n->in[2], offset, LEVEL_PRODUCT);
}

/* -log ctc(x)[text], and (softmax(x) - alignment(x, text)) * dy: all steps of x have a part in each step of an alignment */
static void ctc(printer *p, const node *n, int offset) {
  const bool nats = n->op == OP_CTC;
  text_format(p->out, nats ? "-log ctc(" : "(softmax(");
  print_expression(p, n->in[0], offset, LEVEL_SENTENCE);
  if (!nats) text_format(p->out, ") - alignment(");
  if (!nats) print_expression(p, n->in[0], offset, LEVEL_SENTENCE);
  text_format(p->out, nats ? ")[" : ", ");
  print_data_name(p, n->slot, 0);
  text_format(p->out, nats ? "]" : ")) * ");
  if (!nats) print_expression(p, n->in[2], offset, LEVEL_PRODUCT);
}

static void sum_over_rows(printer *p, const node *n, int offset) {
  if (graph_at(p->g, n->in[0])->space == SPACE_STEP) text_format(p->out, "sum over t of ");
  if (n->op == OP_EMBED_T) {
    text_format(p->out, "onehot(");
    print_data_name(p, n->slot, offset);
    text_format(p->out, ") ");
  }
  print_expression(p, n->in[0], offset, n->op == OP_OUTER || n->op == OP_EMBED_T ? LEVEL_APPLY : LEVEL_SUM);
  if (n->op == OP_OUTER) {
    text_format(p->out, " ");
    print_expression(p, n->in[1], offset, LEVEL_WORD);
  }
  if (n->op == OP_OUTER || n->op == OP_EMBED_T) text_format(p->out, "'");
}

/* conv(x, 16, 5), and the gradient in words of the same kind: conv_back(dy, W), sums over rows and positions. */
static void picture(printer *p, const node *n, int offset) {
  static const char *const names[] = {[OP_CONV] = "conv(",
                                      [OP_CONV_T] = "conv_back(",
                                      [OP_CONV_OUTER] = "sum over positions of ",
                                      [OP_SUM_POSITIONS] = "sum over positions of ",
                                      [OP_POOL] = "pool(",
                                      [OP_POOL_GRAD] = "pool_grad(",
                                      [OP_POOL_MEAN] = "pool(",
                                      [OP_POOL_MEAN_GRAD] = "pool_grad("};
  const bool sum = n->op == OP_CONV_OUTER || n->op == OP_SUM_POSITIONS;
  if (sum && graph_at(p->g, n->in[0])->space == SPACE_STEP)
    text_format(p->out, "sum over t and positions of ");
  else
    text_format(p->out, "%s", names[n->op]);
  print_expression(p, n->in[0], offset, sum ? LEVEL_APPLY : LEVEL_SENTENCE);
  switch (n->op) {
  case OP_CONV:
    text_format(p->out, ", %d, %d", p->g->params[n->param].rows, n->patches.size);
    if (n->patches.border != n->patches.size - 1)
      text_format(p->out, n->patches.border ? ", pad = %d" : ", valid", n->patches.border / 2);
    if (n->patches.stride > 1) text_format(p->out, ", stride = %d", n->patches.stride);
    if (n->patches.groups > 1) text_format(p->out, ", groups = %d", n->patches.groups);
    text_format(p->out, ")");
    break;
  case OP_CONV_T:
    text_format(p->out, ", ");
    print_full_name(p, p->g->params[n->param].name);
    text_format(p->out, ")");
    break;
  case OP_CONV_OUTER:
    text_format(p->out, " patches(");
    print_expression(p, n->in[1], offset, LEVEL_SENTENCE);
    text_format(p->out, ", %d)'", n->patches.size);
    break;
  case OP_POOL:
  case OP_POOL_MEAN:
  case OP_POOL_GRAD:
  case OP_POOL_MEAN_GRAD:
    text_format(p->out, ", %d", n->patches.size);
    if (n->op == OP_POOL_MEAN || n->op == OP_POOL_MEAN_GRAD) text_format(p->out, ", mean");
    if (n->patches.stride != n->patches.size) text_format(p->out, ", stride = %d", n->patches.stride);
    if (n->op == OP_POOL_GRAD) {
      text_format(p->out, ", ");
      print_expression(p, n->in[2], offset, LEVEL_SENTENCE);
    }
    text_format(p->out, ")");
    break;
  default:
    break;
  }
}

/* batchnorm(x), and words for the gradient; what the running statistics get prints as statistics(x). */
static void batchnorm(printer *p, const node *n, int offset) {
  const char *name = n->op == OP_BATCHNORM ? "batchnorm(" : n->op == OP_BATCH_STATS ? "statistics(" : "batchnorm_grad(";
  text_format(p->out, "%s%s", n->op == OP_BATCH_SUMS ? "sums of " : "", name);
  if (n->in[0] != NODE_NONE) print_expression(p, n->in[0], offset, LEVEL_SENTENCE);
  if (n->op == OP_BATCH_SUMS || n->op == OP_BATCHNORM_GRAD) {
    text_format(p->out, ", ");
    print_expression(p, n->in[2], offset, LEVEL_SENTENCE);
  }
  if (n->op == OP_BATCHNORM && n->value != 1e-5) text_format(p->out, ", epsilon = %g", n->value);
  text_format(p->out, ")");
}

static void softmax_grad(printer *p, const node *n, int offset) {
  print_expression(p, n->in[0], offset, LEVEL_POWER);
  text_format(p->out, " * (");
  print_expression(p, n->in[1], offset, LEVEL_PRODUCT);
  text_format(p->out, " - sum(");
  print_expression(p, n->in[0], offset, LEVEL_POWER);
  text_format(p->out, " * ");
  print_expression(p, n->in[1], offset, LEVEL_PRODUCT);
  text_format(p->out, "))");
}

static void embed(printer *p, const node *n, int offset) {
  const param *w = &p->g->params[n->param];
  if (w->role == PARAM_EMBEDDING)
    text_format(p->out, "embed(");
  else
    print_full_name(p, w->name), text_format(p->out, " ");
  print_data_name(p, n->slot, offset);
  if (w->role == PARAM_EMBEDDING) text_format(p->out, ")");
}

static void carried(printer *p, const node *n) {
  text_format(p->out, "carried(");
  if (n->slot < p->g->n_carries && p->g->carries[n->slot].name) print_full_name(p, p->g->carries[n->slot].name);
  text_format(p->out, ")");
}

static void mask(printer *p, const node *n, int offset) {
  text_format(p->out, "mask");
  if (p->g->n_masks > 1) text_format(p->out, "%d", n->slot + 1);
  print_index(p, offset);
}

/* Of attention: the operands that are all steps of a sequence have no index. */
static void over_steps(printer *p, const node *n, int offset) {
  const int here = n->op == OP_COLLECT ? 0 : n->op == OP_DOTS || n->op == OP_MIX || n->op == OP_ADDITIVE ? 1 : 2;
  text_format(p->out, "%s(", graph_ops[n->op].text);
  for (int k = 0; k < NODE_INPUTS && n->in[k] != NODE_NONE; k++) {
    const bool own = k < here && !(n->op == OP_ADDITIVE_COLLECT && k == 0);
    if (k) text_format(p->out, ", ");
    print_expression(p, n->in[k], own ? offset : 0, LEVEL_SENTENCE);
  }
  text_format(p->out, ")");
}

/* A softmax over the steps of a sequence. */
bool print_is_weights(const node *n) { return n->op == OP_SOFTMAX && graph_steps_axis(n->width) >= 0; }

static void attend(printer *p, const node *n, int offset) {
  const node *scores = graph_at(p->g, graph_at(p->g, n->in[0])->in[0]);
  text_format(p->out, "attend(");
  print_expression(p, scores->in[0], offset, LEVEL_SENTENCE);
  text_format(p->out, ", ");
  print_expression(p, scores->in[1], 0, LEVEL_SENTENCE);
  if (n->in[1] != scores->in[1]) {
    text_format(p->out, ", ");
    print_expression(p, n->in[1], 0, LEVEL_SENTENCE);
  }
  if (scores->op == OP_ADDITIVE) {
    text_format(p->out, ", additive = ");
    print_expression(p, scores->in[2], 0, LEVEL_SENTENCE);
  }
  text_format(p->out, ")");
}

/* A node without a name. */
static void operation(printer *p, int x, int offset) {
  const node *n = graph_at(p->g, x);
  if (is_mean(p, n)) {
    call(p, "mean", graph_at(p->g, n->in[0]), 0);
    return;
  }
  switch (n->op) {
  case OP_ADD:
  case OP_SUB:
  case OP_MUL:
  case OP_DIV:
    infix(p, n, offset);
    break;
  case OP_NEG:
    text_format(p->out, "-");
    print_expression(p, n->in[0], offset, LEVEL_APPLY);
    break;
  case OP_SQUARE:
    print_expression(p, n->in[0], offset, LEVEL_WORD);
    text_format(p->out, "^2");
    break;
  case OP_CONST:
    print_number(p, n->value);
    break;
  case OP_SETTING:
    print_full_name(p, p->g->varying_names[n->slot]);
    break;
  case OP_VECTOR:
    print_full_name(p, p->g->params[n->param].name);
    break;
  case OP_INPUT:
    print_data_name(p, n->slot, offset);
    break;
  case OP_CARRY:
    carried(p, n);
    break;
  case OP_MASK:
    mask(p, n, offset);
    break;
  case OP_LOSS_SCALE:
    text_format(p->out, "1/n");
    break;
  case OP_LENGTH:
    text_format(p->out, "length");
    break;
  case OP_MATVEC:
  case OP_MATVEC_T:
    product(p, n, offset);
    break;
  case OP_OUTER:
  case OP_EMBED_T:
  case OP_SUM_TIME:
  case OP_SUM_ROWS:
    sum_over_rows(p, n, n->op == OP_SUM_TIME ? 0 : offset);
    break;
  case OP_CONV:
  case OP_CONV_T:
  case OP_CONV_OUTER:
  case OP_SUM_POSITIONS:
  case OP_POOL:
  case OP_POOL_GRAD:
  case OP_POOL_MEAN:
  case OP_POOL_MEAN_GRAD:
    picture(p, n, offset);
    break;
  case OP_BATCH_STATS:
  case OP_BATCHNORM:
  case OP_BATCH_SUMS:
  case OP_BATCHNORM_GRAD:
    batchnorm(p, n, offset);
    break;
  case OP_EMBED:
    embed(p, n, offset);
    break;
  case OP_CONCAT:
    text_format(p->out, "[");
    concat(p, x, offset);
    text_format(p->out, "]");
    break;
  case OP_SLICE:
  case OP_PAD:
    columns(p, n, offset);
    break;
  case OP_ROW_SUM:
    call(p, "sum", n, offset);
    break;
  case OP_LOG_SUM_EXP:
    call(p, "log_sum_exp", n, offset);
    break;
  case OP_SOFTMAX_GRAD:
    softmax_grad(p, n, offset);
    break;
  case OP_LAYERNORM_SCALE: /* as what it is the scale of: layernorm_grad(x, y, dy) */
    print_expression(p, n->in[0], offset, LEVEL_SENTENCE);
    break;
  case OP_LAYERNORM:
    text_format(p->out, "layernorm(");
    print_expression(p, n->in[0], offset, LEVEL_SENTENCE);
    text_format(p->out, ")");
    break;
  case OP_LAYERNORM_GRAD:
    call(p, "layernorm_grad", n, offset);
    break;
  case OP_SHIFT:
    shift(p, x, n, offset);
    break;
  case OP_SPREAD:
  case OP_REPEAT:
    print_expression(p, n->in[0], 0, offset ? LEVEL_WORD : LEVEL_SENTENCE);
    print_index(p, offset); /* it may reach beyond the ends */
    break;
  case OP_MAX_TIME:
    call(p, "max", n, 0);
    break;
  case OP_MIX:
    if (print_is_weights(graph_at(p->g, n->in[0]))) {
      attend(p, n, offset);
      break;
    } /* fall through */
  case OP_DOTS:
  case OP_COLLECT:
  case OP_ADDITIVE:
  case OP_ADDITIVE_GRAD:
  case OP_ADDITIVE_COLLECT:
  case OP_ADDITIVE_MIX:
    over_steps(p, n, offset);
    break;
  case OP_EDGE:
    call(p, n->dir > 0 ? "first" : "last", n, 0);
    break;
  case OP_CLASS_WEIGHT:
    text_format(p->out, "class_weight(");
    print_data_name(p, n->slot, offset);
    text_format(p->out, ")");
    break;
  case OP_CROSS_ENTROPY:
  case OP_CROSS_ENTROPY_GRAD:
    cross_entropy(p, n, offset);
    break;
  case OP_CTC:
  case OP_CTC_GRAD:
    ctc(p, n, offset);
    break;
  default:
    call(p, graph_ops[n->op].text, n, offset);
    break;
  }
}

/* Node x as part of something that binds at `level`. */
void print_expression(printer *p, int x, int offset, int level) {
  const node *n = graph_at(p->g, x);
  if (n->space != SPACE_STEP) offset = 0;
  if (x != p->root && print_has_name(p, x)) {
    print_name(p, x);
    if (n->space == SPACE_STEP) print_time(p, offset);
    return;
  }
  if (p->depth >= MAX_DEPTH || p->pieces >= MAX_PIECES || p->out->failed) {
    text_format(p->out, "...");
    return;
  }
  const bool brackets = level_of(p, x) < level;
  p->root = NODE_NONE; /* inside, it has a name */
  p->depth++;
  p->pieces++;
  if (brackets) text_format(p->out, "(");
  operation(p, x, offset);
  if (brackets) text_format(p->out, ")");
  p->depth--;
}
