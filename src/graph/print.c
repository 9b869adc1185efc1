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
#include "graph/print_internal.h"

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

void print_full_name(printer *p, const char *full) {
  const char *rest = full + p->prefix_length;
  const bool inside = p->prefix && !strncmp(full, p->prefix, p->prefix_length) && !strchr(rest, '.');
  text_format(p->out, "%s", inside && !is_plain(p, rest) ? rest : full);
}

/* dh, dc for the adjoints of h, h.c */
void print_adjoint_name(printer *p, const char *full) {
  text_format(p->out, "%s", print_derivative(p));
  print_full_name(p, full + 1);
}

const char *print_derivative(const printer *p) { return p->exact ? GRAPH_DERIVATIVE : "d"; }

void print_index(printer *p, int offset) {
  if (offset) text_format(p->out, "[t%+d]", offset);
}

void print_time(printer *p, int offset) {
  if (p->exact && !offset)
    text_format(p->out, "[t]");
  else
    print_index(p, offset);
}

/* Without the locale's decimal comma. */
void print_number(printer *p, double value) {
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
void print_data_name(printer *p, int slot, int offset) {
  const input *i = &p->g->inputs[slot];
  text_format(p->out, "%s%s", p->g->data[i->data].name, i->seen ? ".seen" : "");
  if (i->space == SPACE_STEP) print_time(p, offset - i->lag);
}

/* --- whole graphs --- */

static void whole(printer *p, int x) {
  p->root = x;
  p->depth = p->pieces = 0;
  print_expression(p, x, 0, LEVEL_SENTENCE);
  p->root = NODE_NONE;
}

static void equation(printer *p, int x) {
  print_name(p, x);
  if (p->exact && graph_at(p->g, x)->space == SPACE_STEP) print_time(p, 0);
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

static void print_forward(const graph *g, bool exact, text *out) {
  const int n_forward = g->n_forward ? g->n_forward : g->n_nodes;
  printer p;
  begin(&p, g, out);
  p.exact = exact;
  for (int i = 0; i < n_forward && !out->failed; i++) {
    const node *n = graph_at(g, i);
    if (!n->name || print_is_leaf(n) || print_is_weights(n)) continue;
    equation(&p, i);
  }
  for (int i = 0; i < g->n_losses && !out->failed; i++) {
    const loss *l = &g->losses[i];
    text_format(out, "%s%s ~ %s(", g->data[l->data].name, exact && g->data[l->data].space == SPACE_STEP ? "[t]" : "",
                l->distribution->name);
    if (l->prediction != NODE_NONE) print_expression(&p, l->prediction, p.depth = p.pieces = 0, LEVEL_SENTENCE);
    text_format(out, l->at && l->at->value->n_args > 1 ? ", ...)\n" : ")\n");
  }
  end(&p);
}

void graph_print_forward(const graph *g, text *out) { print_forward(g, false, out); }
void graph_print_forward_exact(const graph *g, text *out) { print_forward(g, true, out); }

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
      size[i] += print_has_name(p, x) || numbered[x] ? 1 : x > i ? LONG : size[x];
    }
    if (graph_steps_axis(n->width) >= 0 && n->op != OP_DOTS && n->op != OP_ADDITIVE) size[i] = LONG + 1; /* weights */
    if (size[i] > LONG) size[i] = LONG + 1;
    if (size[i] > LONG && live[i] && uses[i] > 1 && !print_has_name(p, i)) numbered[i] = ++last;
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
      text_format(p->out, "%s", print_derivative(p));
      if (n->op == OP_OUTER)
        print_matrix(p, number_of_param, n->c0, n->width);
      else
        print_full_name(p, g->params[number_of_param].name);
      text_format(p->out, " = ");
    }
    whole(p, g->gradients[i].node);
    started = true;
  }
  if (started) text_format(p->out, "\n");
}

static void print_gradient(const graph *g, bool exact, text *out) {
  printer p;
  bool *live = needed(g);
  begin(&p, g, out);
  p.exact = exact;
  if (!live) out->failed = 1;
  if (!out->failed) {
    name_logits(&p, live);
    number_shared(&p, live);
    for (int i = 0; i < g->n_forward && !out->failed; i++)
      if (p.numbered[i] || (live[i] && g->nodes[i].name && print_is_weights(&g->nodes[i]))) equation(&p, i);
    print_losses(&p);
  }
  for (int i = g->n_forward; i < g->n_nodes && !out->failed; i++) {
    const node *n = graph_at(g, i);
    if (!live[i] || i == p.dlogits || !print_has_name(&p, i) || (n->space == SPACE_PARAM && n->name)) continue;
    equation(&p, i);
  }
  for (int i = 0; i < g->n_params && !out->failed; i++) print_parameter(&p, i);
  end(&p);
  mem_free(live);
}

void graph_print_gradient(const graph *g, text *out) { print_gradient(g, false, out); }
void graph_print_gradient_exact(const graph *g, text *out) { print_gradient(g, true, out); }
