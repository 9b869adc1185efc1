/* symbol_dims.c - see symbol_dims.h. Embeddings are looked up by symbol. From the logits of a softmax or ctc the way goes back
 * through all that keeps columns apart, to products and vectors. */
#include "train/symbol_dims.h"
#include <string.h>
#include "base/error.h"

typedef struct walk {
  const graph *g;
  symbol_dims *out;
  int data, width;
  bool blank;
  bool *seen;
  int *open, n_open;
} walk;

static void add(walk *w, int number) {
  if (number < 0 || w->seen[number] || w->g->nodes[number].width != w->width) return;
  w->seen[number] = true;
  w->open[w->n_open++] = number;
}

static void mark_rows(walk *w, int number) {
  symbol_dims *d = &w->out[number];
  if (d->rows >= 0 || w->g->params[number].rows != w->width) return;
  d->rows = w->data;
  d->blank = w->blank;
}

static void visit(walk *w, const node *n) {
  const enum op_kind kind = graph_ops[n->op].kind;
  const bool through = n->op == OP_SPREAD || n->op == OP_SHIFT || n->op == OP_EDGE || n->op == OP_SUM_TIME ||
                       n->op == OP_MAX_TIME || n->op == OP_REVERSE;
  if (kind == OP_KIND_UNARY || kind == OP_KIND_BINARY || through) add(w, n->in[0]);
  if (kind == OP_KIND_BINARY) add(w, n->in[1]);
  if (n->op == OP_VECTOR || n->op == OP_MATVEC) mark_rows(w, n->param);
  if (n->op == OP_MATVEC_T && !n->c0 && w->g->params[n->param].cols == w->width && w->out[n->param].cols < 0)
    w->out[n->param].cols = w->data;
}

unroll_status symbol_dims_of(const graph *g, symbol_dims *out, unroll_error *err) {
  const int n_nodes = g->n_forward > 0 ? g->n_forward : g->n_nodes;
  walk w = {
      .g = g, .out = out, .seen = mem_zero((size_t)g->n_nodes + 1, 1), .open = mem_zero((size_t)g->n_nodes + 1, sizeof *w.open)};
  for (int i = 0; i < g->n_params; i++) out[i] = (symbol_dims){.rows = -1, .cols = -1};
  for (int i = 0; i < n_nodes; i++) {
    const node *n = &g->nodes[i];
    if (n->op != OP_EMBED) continue;
    out[n->param].rows = g->inputs[n->slot].data;
    out[n->param].table = true;
  }
  for (int i = 0; i < g->n_losses && w.seen && w.open; i++) {
    const loss *l = &g->losses[i];
    if (l->distribution->support != SUPPORT_SYMBOLS) continue;
    memset(w.seen, 0, (size_t)g->n_nodes);
    w.data = l->data;
    w.width = g->nodes[l->prediction].width;
    w.blank = !l->distribution->aligned;
    add(&w, l->prediction);
    while (w.n_open > 0) visit(&w, &g->nodes[w.open[--w.n_open]]);
  }
  const bool full = w.seen && w.open;
  mem_free(w.seen);
  mem_free(w.open);
  return full ? UNROLL_OK : error_memory(err);
}
