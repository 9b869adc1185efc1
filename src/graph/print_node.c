/* print_node.c - expressions: a node down to the nearest names, by its operator. */
#include <string.h>
#include "graph/print_internal.h"

/* --- operators --- */

/* How a node without a name prints; the column `form` of ops.def names a row below. */
typedef struct form {
  void (*print)(printer *p, const node *n, int offset);
  int level;                                        /* how tightly its text holds together */
  int (*level_of)(const printer *p, const node *n); /* where that depends on the node; else NULL */
  bool leaf;                                        /* prints as what it is, whatever its name */
} form;
static const form *form_of(enum op op);

bool print_is_leaf(const node *n) { return form_of(n->op)->leaf; }

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

/* Whether the value at the edge of a SHIFT is printed. In the language it belongs to the call, in the gradient it is a term. */
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
  const form *f = form_of(n->op);
  return f->level_of ? f->level_of(p, n) : f->level;
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

static void call_as(printer *p, const char *function, const node *n, int offset) {
  text_format(p->out, "%s(", function);
  for (int k = 0; k < NODE_INPUTS && n->in[k] != NODE_NONE; k++) {
    if (k) text_format(p->out, ", ");
    print_expression(p, n->in[k], offset, LEVEL_SENTENCE);
  }
  text_format(p->out, ")");
}

static void call(printer *p, const node *n, int offset) { call_as(p, graph_ops[n->op].text, n, offset); }

static void negated(printer *p, const node *n, int offset) {
  text_format(p->out, "-");
  print_expression(p, n->in[0], offset, LEVEL_APPLY);
}

static void squared(printer *p, const node *n, int offset) {
  print_expression(p, n->in[0], offset, LEVEL_WORD);
  text_format(p->out, "^2");
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

static void shift(printer *p, const node *n, int offset) {
  const char *at = n->dir > 0 ? "at_first" : "at_last";
  const bool started = prints_start(p, (int)(n - p->g->nodes));
  if (n->in[0] != NODE_NONE) print_expression(p, n->in[0], offset - n->dir, started ? LEVEL_SUM : LEVEL_SENTENCE);
  if (n->in[0] != NODE_NONE && started) text_format(p->out, " + ");
  if (n->in[0] == NODE_NONE && !started) text_format(p->out, "0");
  if (!started) return;
  text_format(p->out, "%s(", at);
  print_expression(p, n->in[1], 0, LEVEL_SENTENCE);
  text_format(p->out, ")");
}

static void entries(printer *p, const node *n, int offset) {
  for (int k = 0; k < 2; k++) {
    const node *side = graph_at(p->g, n->in[k]);
    if (k) text_format(p->out, ", ");
    if (side->op == OP_CONCAT && !side->name && p->depth < MAX_DEPTH) {
      p->depth++;
      entries(p, side, offset);
      p->depth--;
    } else {
      print_expression(p, n->in[k], offset, LEVEL_SENTENCE);
    }
  }
}

static void concat(printer *p, const node *n, int offset) {
  text_format(p->out, "[");
  entries(p, n, offset);
  text_format(p->out, "]");
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

static void sum_over_time(printer *p, const node *n, int offset) {
  (void)offset;
  sum_over_rows(p, n, 0);
}

/* Pictures: conv(x, 16, 5), and the gradient in words of the same kind. */
static void conv(printer *p, const node *n, int offset) {
  text_format(p->out, "conv(");
  print_expression(p, n->in[0], offset, LEVEL_SENTENCE);
  text_format(p->out, ", %d, %d", p->g->params[n->param].rows, n->patches.size);
  if (n->patches.border != n->patches.size - 1)
    text_format(p->out, n->patches.border ? ", pad = %d" : ", valid", n->patches.border / 2);
  if (n->patches.stride > 1) text_format(p->out, ", stride = %d", n->patches.stride);
  if (n->patches.groups > 1) text_format(p->out, ", groups = %d", n->patches.groups);
  text_format(p->out, ")");
}

static void conv_back(printer *p, const node *n, int offset) {
  text_format(p->out, "conv_back(");
  print_expression(p, n->in[0], offset, LEVEL_SENTENCE);
  text_format(p->out, ", ");
  print_full_name(p, p->g->params[n->param].name);
  text_format(p->out, ")");
}

static void sum_positions(printer *p, const node *n, int offset) {
  const bool steps = graph_at(p->g, n->in[0])->space == SPACE_STEP;
  text_format(p->out, steps ? "sum over t and positions of " : "sum over positions of ");
  print_expression(p, n->in[0], offset, LEVEL_APPLY);
}

static void conv_outer(printer *p, const node *n, int offset) {
  sum_positions(p, n, offset);
  text_format(p->out, " patches(");
  print_expression(p, n->in[1], offset, LEVEL_SENTENCE);
  text_format(p->out, ", %d)'", n->patches.size);
}

static void pool(printer *p, const node *n, int offset) {
  text_format(p->out, n->op == OP_POOL || n->op == OP_POOL_MEAN ? "pool(" : "pool_grad(");
  print_expression(p, n->in[0], offset, LEVEL_SENTENCE);
  text_format(p->out, ", %d", n->patches.size);
  if (n->op == OP_POOL_MEAN || n->op == OP_POOL_MEAN_GRAD) text_format(p->out, ", mean");
  if (n->patches.stride != n->patches.size) text_format(p->out, ", stride = %d", n->patches.stride);
  if (n->op == OP_POOL_GRAD) {
    text_format(p->out, ", ");
    print_expression(p, n->in[2], offset, LEVEL_SENTENCE);
  }
  text_format(p->out, ")");
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

static void carried(printer *p, const node *n, int offset) {
  (void)offset;
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

static void constant(printer *p, const node *n, int offset) {
  (void)offset;
  print_number(p, n->value);
}

static void varying(printer *p, const node *n, int offset) {
  (void)offset;
  print_full_name(p, p->g->varying_names[n->slot]);
}

static void vector(printer *p, const node *n, int offset) {
  (void)offset;
  print_full_name(p, p->g->params[n->param].name);
}

static void data(printer *p, const node *n, int offset) { print_data_name(p, n->slot, offset); }

static void loss_scale(printer *p, const node *n, int offset) {
  (void)n, (void)offset;
  text_format(p->out, "1/n");
}

static void steps(printer *p, const node *n, int offset) {
  (void)n, (void)offset;
  text_format(p->out, "length");
}

/* SPREAD and REPEAT; the index may reach beyond the ends. */
static void through(printer *p, const node *n, int offset) {
  print_expression(p, n->in[0], 0, offset ? LEVEL_WORD : LEVEL_SENTENCE);
  print_index(p, offset);
}

static void row_sum(printer *p, const node *n, int offset) { call_as(p, "sum", n, offset); }
static void log_sum_exp(printer *p, const node *n, int offset) { call_as(p, "log_sum_exp", n, offset); }
static void layernorm_grad(printer *p, const node *n, int offset) { call_as(p, "layernorm_grad", n, offset); }

/* As what it is the scale of: layernorm_grad(x, y, dy). */
static void layernorm_scale(printer *p, const node *n, int offset) { print_expression(p, n->in[0], offset, LEVEL_SENTENCE); }

static void layernorm(printer *p, const node *n, int offset) {
  text_format(p->out, "layernorm(");
  print_expression(p, n->in[0], offset, LEVEL_SENTENCE);
  text_format(p->out, ")");
}

static void max_time(printer *p, const node *n, int offset) {
  (void)offset;
  call(p, n, 0);
}

static void edge(printer *p, const node *n, int offset) {
  (void)offset;
  call_as(p, n->dir > 0 ? "first" : "last", n, 0);
}

/* All steps have a part in it: the operand has no index, what comes out may have one. */
static void reverse(printer *p, const node *n, int offset) {
  call_as(p, "reverse", n, 0);
  print_index(p, offset);
}

static void mix(printer *p, const node *n, int offset) {
  if (print_is_weights(graph_at(p->g, n->in[0])))
    attend(p, n, offset);
  else
    over_steps(p, n, offset);
}

static void class_weight(printer *p, const node *n, int offset) {
  text_format(p->out, "class_weight(");
  print_data_name(p, n->slot, offset);
  text_format(p->out, ")");
}

/* --- the rows --- */

static int level_of_constant(const printer *p, const node *n) {
  (void)p;
  return n->value < 0 ? LEVEL_SIGN : LEVEL_WORD;
}
static int level_of_shift(const printer *p, const node *n) {
  (void)p;
  return n->in[0] == NODE_NONE ? LEVEL_WORD : LEVEL_SUM;
}
static int level_of_embed(const printer *p, const node *n) {
  return p->g->params[n->param].role == PARAM_EMBEDDING ? LEVEL_WORD : LEVEL_APPLY;
}

static const form form_sum = {.print = infix, .level = LEVEL_SUM};
static const form form_term = {.print = infix, .level = LEVEL_PRODUCT};
static const form form_negated = {.print = negated, .level = LEVEL_SIGN};
static const form form_squared = {.print = squared, .level = LEVEL_POWER};
static const form form_call = {.print = call, .level = LEVEL_WORD};
static const form form_const = {.print = constant, .level_of = level_of_constant, .leaf = true};
static const form form_setting = {.print = varying, .level = LEVEL_WORD, .leaf = true};
static const form form_vector = {.print = vector, .level = LEVEL_WORD, .leaf = true};
static const form form_input = {.print = data, .level = LEVEL_WORD, .leaf = true};
static const form form_carry = {.print = carried, .level = LEVEL_WORD, .leaf = true};
static const form form_mask = {.print = mask, .level = LEVEL_WORD, .leaf = true};
static const form form_loss_scale = {.print = loss_scale, .level = LEVEL_PRODUCT, .leaf = true};
static const form form_length = {.print = steps, .level = LEVEL_WORD, .leaf = true};
static const form form_product = {.print = product, .level = LEVEL_APPLY};
static const form form_sum_over_rows = {.print = sum_over_rows, .level = LEVEL_SENTENCE};
static const form form_sum_over_time = {.print = sum_over_time, .level = LEVEL_SENTENCE};
static const form form_conv = {.print = conv, .level = LEVEL_WORD};
static const form form_conv_back = {.print = conv_back, .level = LEVEL_WORD};
static const form form_conv_outer = {.print = conv_outer, .level = LEVEL_SENTENCE};
static const form form_sum_positions = {.print = sum_positions, .level = LEVEL_SENTENCE};
static const form form_pool = {.print = pool, .level = LEVEL_WORD};
static const form form_batchnorm = {.print = batchnorm, .level = LEVEL_WORD};
static const form form_embed = {.print = embed, .level_of = level_of_embed};
static const form form_concat = {.print = concat, .level = LEVEL_WORD};
static const form form_columns = {.print = columns, .level = LEVEL_WORD};
static const form form_row_sum = {.print = row_sum, .level = LEVEL_WORD};
static const form form_log_sum_exp = {.print = log_sum_exp, .level = LEVEL_WORD};
static const form form_through = {.print = through, .level = LEVEL_WORD};
static const form form_softmax_grad = {.print = softmax_grad, .level = LEVEL_PRODUCT};
static const form form_layernorm_scale = {.print = layernorm_scale, .level = LEVEL_WORD};
static const form form_layernorm = {.print = layernorm, .level = LEVEL_WORD};
static const form form_layernorm_grad = {.print = layernorm_grad, .level = LEVEL_WORD};
static const form form_shift = {.print = shift, .level_of = level_of_shift};
static const form form_reverse = {.print = reverse, .level = LEVEL_WORD};
static const form form_edge = {.print = edge, .level = LEVEL_WORD};
static const form form_max_time = {.print = max_time, .level = LEVEL_WORD};
static const form form_over_steps = {.print = over_steps, .level = LEVEL_WORD};
static const form form_mix = {.print = mix, .level = LEVEL_WORD};
static const form form_cross_entropy = {.print = cross_entropy, .level = LEVEL_SIGN};
static const form form_cross_entropy_grad = {.print = cross_entropy, .level = LEVEL_PRODUCT};
static const form form_class_weight = {.print = class_weight, .level = LEVEL_WORD};
static const form form_ctc = {.print = ctc, .level = LEVEL_SIGN};
static const form form_ctc_grad = {.print = ctc, .level = LEVEL_PRODUCT};

static const form *const forms[OP_COUNT] = {
#define UNARY(name, text, dx, y)
#define BINARY(name, text, da, db, y)
#define OTHER(name, text, inputs, back, form) [OP_##name] = &form_##form,
#include "graph/ops.def"
#undef UNARY
#undef BINARY
#undef OTHER
    [OP_ADD] = &form_sum,  [OP_SUB] = &form_sum,     [OP_MUL] = &form_term,
    [OP_DIV] = &form_term, [OP_NEG] = &form_negated, [OP_SQUARE] = &form_squared};

/* Elementwise operators are calls, but for those that have a sign in the language. */
static const form *form_of(enum op op) { return forms[op] ? forms[op] : &form_call; }

/* A node without a name. */
static void operation(printer *p, int x, int offset) {
  const node *n = graph_at(p->g, x);
  if (is_mean(p, n))
    call_as(p, "mean", graph_at(p->g, n->in[0]), 0);
  else
    form_of(n->op)->print(p, n, offset);
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
