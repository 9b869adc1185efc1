/* print.c - a graph in the notation of its own language, and the gradient in the same.
 *
 * The idea: an expression is printed down to the nearest names. Inside a SHIFT all that depends on time is printed a step earlier
 * or later, so SHIFT(dh * (1 - h^2), -1) reads dh[t+1] * (1 - h[t+1]^2). Sums and products are associative here: a + (b + c) is
 * printed without brackets. Names of the only recurrence lose its prefix (h.Whh is Whh) where that is unambiguous.
 * attend(...) is printed whole forward; in the gradient its weights have a name, a.weights for a = attend(...).
 * Beyond the language: W' x, first(...), last(...) of expressions, at_first(x) and at_last(x) (zero at all other steps), sums. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "graph/graph.h"

enum { LEVEL_SENTENCE, LEVEL_SUM, LEVEL_PRODUCT, LEVEL_SIGN, LEVEL_APPLY, LEVEL_POWER, LEVEL_WORD };
enum { MAX_DEPTH = 100, MAX_PIECES = 400, LONG = 20 }; /* of one expression; then "..." */

typedef struct printer {
  const graph *g;
  text *out;
  int root; /* printed in full although it may have a name */
  int depth, pieces;
  const char *prefix; /* "h." to be left out, or NULL */
  size_t prefix_length;
  const char **plain; /* names without a dot, sorted */
  size_t n_plain;
  int logits, dlogits; /* nodes that are called so for want of a name */
  int *numbered;       /* [n_nodes], may be NULL: shared expressions that are called u1, u2 ...; 0: not */
} printer;

static void expression(printer *p, int x, int offset, int level);

/* --- names --- */

static int compare_names(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static bool is_plain(const printer *p, const char *name) {
  return p->n_plain && bsearch(&name, p->plain, p->n_plain, sizeof *p->plain, compare_names);
}

/* The scope of the recurrence when all matrices and vectors outside the top level share it. */
static void find_prefix(printer *p) {
  for (int i = 0; i < p->g->n_params; i++) {
    const param *w = &p->g->params[i];
    const char *dot = strrchr(w->name, '.');
    if (!dot || w->role == PARAM_EMBEDDING) continue;
    const size_t length = (size_t)(dot - w->name) + 1;
    if (p->prefix && (length != p->prefix_length || strncmp(p->prefix, w->name, length) != 0)) {
      p->prefix = NULL;
      return;
    }
    p->prefix = w->name;
    p->prefix_length = length;
  }
}

static void begin(printer *p, const graph *g, text *out) {
  *p = (printer){.g = g, .out = out, .root = NODE_NONE, .logits = NODE_NONE, .dlogits = NODE_NONE};
  find_prefix(p);
  p->plain = mem_zero((size_t)g->n_params + (size_t)g->n_nodes + 1, sizeof *p->plain);
  if (!p->plain) {
    out->failed = 1;
    return;
  }
  for (int i = 0; i < g->n_params; i++)
    if (!strchr(g->params[i].name, '.')) p->plain[p->n_plain++] = g->params[i].name;
  for (int i = 0; i < g->n_nodes; i++)
    if (g->nodes[i].name && !strchr(g->nodes[i].name, '.')) p->plain[p->n_plain++] = g->nodes[i].name;
  qsort(p->plain, p->n_plain, sizeof *p->plain, compare_names);
}

static void end(printer *p) {
  mem_free(p->plain);
  mem_free(p->numbered);
}

static void name(printer *p, const char *full) {
  const char *rest = full + p->prefix_length;
  const bool inside = p->prefix && !strncmp(full, p->prefix, p->prefix_length) && !strchr(rest, '.');
  text_format(p->out, "%s", inside && !is_plain(p, rest) ? rest : full);
}

/* dh, dc for the adjoints of h, h.c */
static void adjoint_name(printer *p, const char *full) {
  text_format(p->out, "d");
  name(p, full + 1);
}

static void index_of_time(printer *p, int offset) {
  if (offset) text_format(p->out, "[t%+d]", offset);
}

/* Without the locale's decimal comma. */
static void number(printer *p, double value) {
  char s[40];
  for (int digits = 6; digits <= 17; digits++) {
    snprintf(s, sizeof s, "%.*g", digits, value);
    if (strtod(s, NULL) == value) break;
  }
  for (char *c = s; *c; c++)
    if (*c == ',') *c = '.';
  text_format(p->out, "%s", s);
}

/* The variable behind an input, at its time. */
static void data_name(printer *p, int slot, int offset) {
  const input *i = &p->g->inputs[slot];
  text_format(p->out, "%s", p->g->data[i->data].name);
  index_of_time(p, i->space == SPACE_STEP ? offset - i->lag : 0);
}

/* --- operators --- */

/* Leaves print as what they are. */
static bool is_leaf(const node *n) {
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

static bool has_name(const printer *p, int x) {
  if (is_leaf(graph_at(p->g, x))) return false;
  return graph_at(p->g, x)->name || x == p->logits || x == p->dlogits || (p->numbered && p->numbered[x]);
}

static void print_name(printer *p, int x) {
  const node *n = graph_at(p->g, x);
  if (x == p->logits)
    text_format(p->out, "logits");
  else if (x == p->dlogits)
    text_format(p->out, "dlogits");
  else if (!n->name)
    text_format(p->out, "u%d", p->numbered[x]);
  else if (p->g->n_forward && x >= p->g->n_forward)
    adjoint_name(p, n->name);
  else
    name(p, n->name);
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
    if ((x != p->root || steps > 0) && has_name(p, x)) return x;
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
  return n->op == OP_DIV && graph_at(p->g, n->in[0])->op == OP_SUM_TIME && !has_name(p, n->in[0]) &&
         graph_at(p->g, n->in[1])->op == OP_LENGTH;
}

/* How tightly a node's text holds together. */
static int level_of(const printer *p, int x) {
  const int seen = visible(p, x);
  if (seen == NODE_NONE || ((seen != x || x != p->root) && has_name(p, seen))) return LEVEL_WORD;
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
  expression(p, n->in[0], offset, level);
  text_format(p->out, " %s ", n->op == OP_ADD ? "+" : n->op == OP_SUB ? "-" : n->op == OP_MUL ? "*" : "/");
  expression(p, n->in[1], offset, sign ? LEVEL_APPLY : strict ? level + 1 : level);
}

static void call(printer *p, const char *function, const node *n, int offset) {
  text_format(p->out, "%s(", function);
  for (int k = 0; k < NODE_INPUTS && n->in[k] != NODE_NONE; k++) {
    if (k) text_format(p->out, ", ");
    expression(p, n->in[k], offset, LEVEL_SENTENCE);
  }
  text_format(p->out, ")");
}

/* The matrix, with its columns where only some of them take part. */
static void matrix(printer *p, int number_of_param, int c0, int columns) {
  const param *w = &p->g->params[number_of_param];
  name(p, w->name);
  if (c0 || columns != w->cols) text_format(p->out, "[:, %d:%d]", c0, c0 + columns);
}

static void product(printer *p, const node *n, int offset) {
  const bool back = n->op == OP_MATVEC_T;
  matrix(p, n->param, n->c0, back ? n->width : graph_at(p->g, n->in[0])->width);
  text_format(p->out, back ? "' " : " ");
  expression(p, n->in[0], offset, LEVEL_POWER);
}

static void shift(printer *p, int x, const node *n, int offset) {
  const char *edge = n->dir > 0 ? "at_first" : "at_last";
  const bool started = prints_start(p, x);
  if (n->in[0] != NODE_NONE) expression(p, n->in[0], offset - n->dir, started ? LEVEL_SUM : LEVEL_SENTENCE);
  if (n->in[0] != NODE_NONE && started) text_format(p->out, " + ");
  if (n->in[0] == NODE_NONE && !started) text_format(p->out, "0");
  if (!started) return;
  text_format(p->out, "%s(", edge);
  expression(p, n->in[1], 0, LEVEL_SENTENCE);
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
      expression(p, n->in[k], offset, LEVEL_SENTENCE);
    }
  }
}

static void columns(printer *p, const node *n, int offset) {
  const int width = n->op == OP_SLICE ? n->width : graph_at(p->g, n->in[0])->width;
  text_format(p->out, n->op == OP_SLICE ? "columns(" : "at_columns(");
  expression(p, n->in[0], offset, LEVEL_SENTENCE);
  text_format(p->out, ", %d:%d)", n->c0, n->c0 + width);
}

static void cross_entropy(printer *p, const node *n, int offset) {
  text_format(p->out, n->op == OP_CROSS_ENTROPY ? "-log softmax(" : "(softmax(");
  expression(p, n->in[0], offset, LEVEL_SENTENCE);
  text_format(p->out, n->op == OP_CROSS_ENTROPY ? ")[" : ") - onehot(");
  data_name(p, n->slot, offset);
  text_format(p->out, n->op == OP_CROSS_ENTROPY ? "]" : ")) * ");
  if (n->op == OP_CROSS_ENTROPY_GRAD) expression(p, n->in[2], offset, LEVEL_PRODUCT);
}

/* -log ctc(x)[text], and (softmax(x) - alignment(x, text)) * dy: all steps of x have a part in each step of an alignment */
static void ctc(printer *p, const node *n, int offset) {
  const bool nats = n->op == OP_CTC;
  text_format(p->out, nats ? "-log ctc(" : "(softmax(");
  expression(p, n->in[0], offset, LEVEL_SENTENCE);
  if (!nats) text_format(p->out, ") - alignment(");
  if (!nats) expression(p, n->in[0], offset, LEVEL_SENTENCE);
  text_format(p->out, nats ? ")[" : ", ");
  data_name(p, n->slot, 0);
  text_format(p->out, nats ? "]" : ")) * ");
  if (!nats) expression(p, n->in[2], offset, LEVEL_PRODUCT);
}

static void sum_over_rows(printer *p, const node *n, int offset) {
  if (graph_at(p->g, n->in[0])->space == SPACE_STEP) text_format(p->out, "sum over t of ");
  if (n->op == OP_EMBED_T) {
    text_format(p->out, "onehot(");
    data_name(p, n->slot, offset);
    text_format(p->out, ") ");
  }
  expression(p, n->in[0], offset, n->op == OP_OUTER || n->op == OP_EMBED_T ? LEVEL_APPLY : LEVEL_SUM);
  if (n->op == OP_OUTER) {
    text_format(p->out, " ");
    expression(p, n->in[1], offset, LEVEL_WORD);
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
                                      [OP_POOL_GRAD] = "pool_grad("};
  const bool sum = n->op == OP_CONV_OUTER || n->op == OP_SUM_POSITIONS;
  if (sum && graph_at(p->g, n->in[0])->space == SPACE_STEP)
    text_format(p->out, "sum over t and positions of ");
  else
    text_format(p->out, "%s", names[n->op]);
  expression(p, n->in[0], offset, sum ? LEVEL_APPLY : LEVEL_SENTENCE);
  switch (n->op) {
  case OP_CONV:
    text_format(p->out, ", %d, %d%s)", p->g->params[n->param].rows, n->patches.size,
                n->patches.border || n->patches.size == 1 ? "" : ", valid");
    break;
  case OP_CONV_T:
    text_format(p->out, ", ");
    name(p, p->g->params[n->param].name);
    text_format(p->out, ")");
    break;
  case OP_CONV_OUTER:
    text_format(p->out, " patches(");
    expression(p, n->in[1], offset, LEVEL_SENTENCE);
    text_format(p->out, ", %d)'", n->patches.size);
    break;
  case OP_POOL:
    text_format(p->out, ", %d)", n->patches.size);
    break;
  case OP_POOL_GRAD:
    text_format(p->out, ", %d, ", n->patches.size);
    expression(p, n->in[2], offset, LEVEL_SENTENCE);
    text_format(p->out, ")");
    break;
  default:
    break;
  }
}

static void softmax_grad(printer *p, const node *n, int offset) {
  expression(p, n->in[0], offset, LEVEL_POWER);
  text_format(p->out, " * (");
  expression(p, n->in[1], offset, LEVEL_PRODUCT);
  text_format(p->out, " - sum(");
  expression(p, n->in[0], offset, LEVEL_POWER);
  text_format(p->out, " * ");
  expression(p, n->in[1], offset, LEVEL_PRODUCT);
  text_format(p->out, "))");
}

static void embed(printer *p, const node *n, int offset) {
  const param *w = &p->g->params[n->param];
  if (w->role == PARAM_EMBEDDING)
    text_format(p->out, "embed(");
  else
    name(p, w->name), text_format(p->out, " ");
  data_name(p, n->slot, offset);
  if (w->role == PARAM_EMBEDDING) text_format(p->out, ")");
}

static void carried(printer *p, const node *n) {
  text_format(p->out, "carried(");
  if (n->slot < p->g->n_carries && p->g->carries[n->slot].name) name(p, p->g->carries[n->slot].name);
  text_format(p->out, ")");
}

static void mask(printer *p, const node *n, int offset) {
  text_format(p->out, "mask");
  if (p->g->n_masks > 1) text_format(p->out, "%d", n->slot + 1);
  index_of_time(p, offset);
}

/* Of attention: the operands that are all steps of a sequence have no index. */
static void over_steps(printer *p, const node *n, int offset) {
  const int here = n->op == OP_COLLECT ? 0 : n->op == OP_DOTS || n->op == OP_MIX || n->op == OP_ADDITIVE ? 1 : 2;
  text_format(p->out, "%s(", graph_ops[n->op].text);
  for (int k = 0; k < NODE_INPUTS && n->in[k] != NODE_NONE; k++) {
    const bool own = k < here && !(n->op == OP_ADDITIVE_COLLECT && k == 0);
    if (k) text_format(p->out, ", ");
    expression(p, n->in[k], own ? offset : 0, LEVEL_SENTENCE);
  }
  text_format(p->out, ")");
}

/* A softmax over the steps of a sequence. */
static bool is_weights(const node *n) { return n->op == OP_SOFTMAX && graph_steps_axis(n->width) >= 0; }

static void attend(printer *p, const node *n, int offset) {
  const node *scores = graph_at(p->g, graph_at(p->g, n->in[0])->in[0]);
  text_format(p->out, "attend(");
  expression(p, scores->in[0], offset, LEVEL_SENTENCE);
  text_format(p->out, ", ");
  expression(p, scores->in[1], 0, LEVEL_SENTENCE);
  if (n->in[1] != scores->in[1]) {
    text_format(p->out, ", ");
    expression(p, n->in[1], 0, LEVEL_SENTENCE);
  }
  if (scores->op == OP_ADDITIVE) {
    text_format(p->out, ", additive = ");
    expression(p, scores->in[2], 0, LEVEL_SENTENCE);
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
    expression(p, n->in[0], offset, LEVEL_APPLY);
    break;
  case OP_SQUARE:
    expression(p, n->in[0], offset, LEVEL_WORD);
    text_format(p->out, "^2");
    break;
  case OP_CONST:
    number(p, n->value);
    break;
  case OP_SETTING:
    name(p, p->g->varying_names[n->slot]);
    break;
  case OP_VECTOR:
    name(p, p->g->params[n->param].name);
    break;
  case OP_INPUT:
    data_name(p, n->slot, offset);
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
    picture(p, n, offset);
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
    expression(p, n->in[0], offset, LEVEL_SENTENCE);
    break;
  case OP_LAYERNORM:
    text_format(p->out, "layernorm(");
    expression(p, n->in[0], offset, LEVEL_SENTENCE);
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
    expression(p, n->in[0], 0, offset ? LEVEL_WORD : LEVEL_SENTENCE);
    index_of_time(p, offset); /* it may reach beyond the ends */
    break;
  case OP_MAX_TIME:
    call(p, "max", n, 0);
    break;
  case OP_MIX:
    if (is_weights(graph_at(p->g, n->in[0]))) {
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
    data_name(p, n->slot, offset);
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
static void expression(printer *p, int x, int offset, int level) {
  const node *n = graph_at(p->g, x);
  if (n->space != SPACE_STEP) offset = 0;
  if (x != p->root && has_name(p, x)) {
    print_name(p, x);
    index_of_time(p, offset);
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

/* --- whole graphs --- */

static void whole(printer *p, int x) {
  p->root = x;
  p->depth = p->pieces = 0;
  expression(p, x, 0, LEVEL_SENTENCE);
  p->root = NODE_NONE;
}

static void equation(printer *p, int x) {
  print_name(p, x);
  text_format(p->out, " = ");
  whole(p, x);
  text_format(p->out, "\n");
}

void graph_print_node(const graph *g, int number_of_node, text *out) {
  printer p;
  begin(&p, g, out);
  if (!out->failed) whole(&p, number_of_node);
  end(&p);
}

void graph_print_forward(const graph *g, text *out) {
  const int n_forward = g->n_forward ? g->n_forward : g->n_nodes;
  printer p;
  begin(&p, g, out);
  for (int i = 0; i < n_forward && !out->failed; i++) {
    const node *n = graph_at(g, i);
    if (!n->name || is_leaf(n) || is_weights(n)) continue;
    equation(&p, i);
  }
  for (int i = 0; i < g->n_losses && !out->failed; i++) {
    const loss *l = &g->losses[i];
    text_format(out, "%s ~ %s(", g->data[l->data].name, l->distribution->name);
    if (l->prediction != NODE_NONE) expression(&p, l->prediction, p.depth = p.pieces = 0, LEVEL_SENTENCE);
    text_format(out, l->at && l->at->value->n_args > 1 ? ", ...)\n" : ")\n");
  }
  end(&p);
}

/* Marks the nodes that the gradients need. */
static bool *needed(const graph *g) {
  bool *live = mem_zero((size_t)g->n_nodes + 1, sizeof *live);
  int *todo = mem_zero((size_t)g->n_nodes + 1, sizeof *todo), n = 0;
  for (int i = 0; live && todo && i < g->n_gradients; i++)
    if (!live[g->gradients[i].node]) live[g->gradients[i].node] = true, todo[n++] = g->gradients[i].node;
  while (n) {
    const node *x = graph_at(g, todo[--n]);
    for (int k = 0; k < NODE_INPUTS; k++)
      if (x->in[k] >= 0 && !live[x->in[k]]) live[x->in[k]] = true, todo[n++] = x->in[k];
  }
  if (!todo) mem_free(live), live = NULL;
  mem_free(todo);
  return live;
}

/* A single loss's argument and its adjoint get names of their own when they have none. */
static void name_logits(printer *p, const bool *live) {
  const graph *g = p->g;
  if (g->n_losses != 1 || is_plain(p, "logits") || is_plain(p, "dlogits")) return;
  const char *argument = g->losses[0].distribution->args[0].name;
  if (!argument || strcmp(argument, "logits") != 0) return;
  const int z = g->losses[0].prediction;
  if (z == NODE_NONE || graph_at(g, z)->name) return;
  p->logits = z;
  for (int i = g->n_forward; i < g->n_nodes; i++)
    if (live[i] && (g->nodes[i].op == OP_CROSS_ENTROPY_GRAD || g->nodes[i].op == OP_CTC_GRAD) && g->nodes[i].in[0] == z &&
        !g->nodes[i].name)
      p->dlogits = i;
}

/* Numbers the expressions that are long and read more than once. A cycle has such an expression: what is read from a later step
 * counts as long. */
static void number_shared(printer *p, const bool *live) {
  const graph *g = p->g;
  int *size = mem_zero((size_t)g->n_nodes + 1, sizeof *size), *uses = mem_zero((size_t)g->n_nodes + 1, sizeof *uses), last = 0;
  int *numbered = mem_zero((size_t)g->n_nodes + 1, sizeof *numbered);
  for (int i = 0; size && uses && i < g->n_nodes; i++)
    for (int k = 0; k < NODE_INPUTS; k++)
      if (live[i] && g->nodes[i].in[k] >= 0) uses[g->nodes[i].in[k]]++;
  for (int i = 0; size && uses && numbered && i < g->n_nodes; i++) {
    const node *n = graph_at(g, i);
    size[i] = 1;
    for (int k = 0; k < NODE_INPUTS && n->in[k] >= 0; k++) {
      const int x = n->in[k];
      size[i] += has_name(p, x) || numbered[x] ? 1 : x > i ? LONG : size[x];
    }
    if (graph_steps_axis(n->width) >= 0 && n->op != OP_DOTS && n->op != OP_ADDITIVE) size[i] = LONG + 1; /* weights */
    if (size[i] > LONG) size[i] = LONG + 1;
    if (size[i] > LONG && live[i] && uses[i] > 1 && !has_name(p, i)) numbered[i] = ++last;
  }
  if (!numbered || !size || !uses) p->out->failed = 1;
  mem_free(size);
  mem_free(uses);
  p->numbered = numbered;
}

static void print_losses(printer *p) {
  const graph *g = p->g;
  if (p->logits != NODE_NONE) equation(p, p->logits);
  for (int i = 0; i < g->n_losses; i++) {
    text_format(p->out, g->n_losses > 1 ? "loss_%s = " : "loss = ", g->data[g->losses[i].data].name);
    whole(p, g->losses[i].node);
    text_format(p->out, "\n");
    if (g->losses[i].objective == g->losses[i].node) continue;
    text_format(p->out, g->n_losses > 1 ? "objective_%s = " : "objective = ", g->data[g->losses[i].data].name);
    whole(p, g->losses[i].objective);
    text_format(p->out, "\n");
  }
  if (p->dlogits != NODE_NONE) equation(p, p->dlogits);
}

/* All contributions to one parameter: dW = a + b. Contributions to some columns get a line each. */
static void print_parameter(printer *p, int number_of_param) {
  const graph *g = p->g;
  bool started = false;
  for (int i = 0; i < g->n_gradients; i++) {
    const node *n = graph_at(g, g->gradients[i].node);
    if (g->gradients[i].param != number_of_param) continue;
    const bool part = n->op == OP_OUTER && (n->c0 || n->width != g->params[number_of_param].cols);
    if (started && part) text_format(p->out, "\n"), started = false;
    if (started)
      text_format(p->out, " + ");
    else {
      text_format(p->out, "d");
      if (n->op == OP_OUTER)
        matrix(p, number_of_param, n->c0, n->width);
      else
        name(p, g->params[number_of_param].name);
      text_format(p->out, " = ");
    }
    whole(p, g->gradients[i].node);
    started = true;
  }
  if (started) text_format(p->out, "\n");
}

void graph_print_gradient(const graph *g, text *out) {
  printer p;
  bool *live = needed(g);
  begin(&p, g, out);
  if (!live) out->failed = 1;
  if (!out->failed) {
    name_logits(&p, live);
    number_shared(&p, live);
    for (int i = 0; i < g->n_forward && !out->failed; i++)
      if (p.numbered[i] || (live[i] && g->nodes[i].name && is_weights(&g->nodes[i]))) equation(&p, i);
    print_losses(&p);
  }
  for (int i = g->n_forward; i < g->n_nodes && !out->failed; i++) {
    const node *n = graph_at(g, i);
    if (!live[i] || i == p.dlogits || !has_name(&p, i) || (n->space == SPACE_PARAM && n->name)) continue;
    equation(&p, i);
  }
  for (int i = 0; i < g->n_params && !out->failed; i++) print_parameter(&p, i);
  end(&p);
  mem_free(live);
}
