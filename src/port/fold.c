/* fold.c - see fold.h. */
#include "port/fold.h"
#include <math.h>
#include <string.h>

/* Of each node how many read it, and of each parameter how many nodes do; the statistics' own reader does not count. */
typedef struct reads {
  int *nodes, *params;
} reads;

static bool count(const graph *g, reads *r, arena *memory) {
  r->nodes = arena_alloc(memory, (size_t)g->n_nodes + 1, sizeof *r->nodes);
  r->params = arena_alloc(memory, (size_t)g->n_params + 1, sizeof *r->params);
  if (!r->nodes || !r->params) return false;
  for (int i = 0; i < g->n_nodes; i++) {
    const node *n = &g->nodes[i];
    if (n->param >= 0) r->params[n->param]++;
    for (int k = 0; k < NODE_INPUTS && n->op != OP_BATCH_STATS; k++)
      if (n->in[k] >= 0) r->nodes[n->in[k]]++;
  }
  for (int i = 0; i < g->n_losses; i++) {
    r->nodes[g->losses[i].node]++;
    for (int k = 0; k < g->losses[i].n_args; k++) r->nodes[g->losses[i].args[k]]++;
  }
  for (int i = 0; i < g->n_carries; i++) r->nodes[g->carries[i].node]++;
  return true;
}

static bool is_own_vector(const graph *g, const reads *r, int x) {
  const node *n = &g->nodes[x];
  return n->op == OP_VECTOR && r->nodes[x] == 1 && r->params[n->param] == 1;
}

/* Is it a batch normalization of a convolution that nobody else needs? */
static bool folds(const graph *g, const reads *r, const node *n) {
  if (n->op != OP_BATCHNORM) return false;
  const node *conv = &g->nodes[n->in[0]], *stats = &g->nodes[n->in[1]];
  return conv->op == OP_CONV && !conv->name && r->nodes[n->in[0]] == 1 && r->params[conv->param] == 1 &&
         is_own_vector(g, r, conv->in[1]) && is_own_vector(g, r, n->in[2]) && is_own_vector(g, r, n->in[3]) &&
         stats->op == OP_BATCH_STATS && g->params[stats->param].rows == g->params[conv->param].rows;
}

static void fold(const graph *g, float *weights, const node *n) {
  const node *conv = &g->nodes[n->in[0]], *stats = &g->nodes[n->in[1]];
  const param *w = &g->params[conv->param];
  const float *mean = weights + g->params[stats->param].offset, *variance = weights + g->params[stats->param + 1].offset;
  const float *gain = weights + g->params[g->nodes[n->in[2]].param].offset,
              *after = weights + g->params[g->nodes[n->in[3]].param].offset;
  float *bias = weights + g->params[g->nodes[conv->in[1]].param].offset;
  for (int c = 0; c < w->rows; c++) {
    const double s = (double)gain[c] / sqrt((double)variance[c] + n->value);
    float *row = weights + w->offset + (int64_t)c * w->cols;
    for (int k = 0; k < w->cols; k++) row[k] = (float)(s * (double)row[k]);
    bias[c] = (float)(s * ((double)bias[c] - (double)mean[c]) + (double)after[c]);
  }
}

int port_fold(model *out, const model *m, arena *memory) {
  const graph *g = &m->g;
  reads r;
  int n = 0;
  *out = *m;
  if (!count(g, &r, memory)) return -1;
  for (int i = 0; i < g->n_nodes; i++) n += folds(g, &r, &g->nodes[i]);
  if (!n) return 0;
  node *nodes = arena_alloc(memory, (size_t)g->n_nodes, sizeof *nodes);
  float *weights = arena_alloc(memory, (size_t)g->n_weights + LANES, sizeof *weights);
  if (!nodes || !weights) return -1;
  memcpy(nodes, g->nodes, (size_t)g->n_nodes * sizeof *nodes);
  memcpy(weights, m->weights, (size_t)g->n_weights * sizeof *weights);
  for (int i = 0; i < g->n_nodes; i++) {
    const node *old = &g->nodes[i];
    if (!folds(g, &r, old)) continue;
    fold(g, weights, old);
    nodes[i] = g->nodes[old->in[0]];
    nodes[i].name = old->name;
    nodes[i].source = old->source;
    nodes[i].at = old->at;
  }
  out->g.nodes = nodes;
  out->weights = weights;
  return n;
}
