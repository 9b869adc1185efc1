/* build_gap.c - numbers that are predicted at every step, and may not be observed at some (build_options.gaps).
 *
 * Their loss is multiplied by y.seen. What the equations write as y[t-k] becomes y[t-k] + (1 - y.seen[t-k]) * mean[t-k]. The
 * batch has 0 for what was not observed within it. The mean is a state like others, and 0 before the first step. There the
 * batch has what data says, or is filled with. */
#include "graph/build_internal.h"
#include <string.h>

static const statement *prediction_of(const builder *b, int data) {
  const program *p = b->root->text;
  for (int i = 0; i < p->n_statements; i++)
    if (p->statements[i].kind == STATEMENT_DISTRIBUTION && !strcmp(p->statements[i].name, b->g->data[data].name))
      return &p->statements[i];
  return NULL;
}

bool build_may_lack(const builder *b, int data) {
  if (!b->options->gaps || b->alone || kind_is_symbols(kind_find(b->g->data[data].kind))) return false;
  return prediction_of(b, data) != NULL;
}

/* Its state; no name of a file has a point and this behind it. */
static symbol *state_of(builder *b, int data, bool make) {
  const char *name = build_text(b, "%s.mean", b->g->data[data].name);
  symbol *y = scope_find(b->root, name);
  if (y || !make) return y;
  y = scope_add(b, b->root, name, SYMBOL_VARIABLE, b->g->data[data].at->at);
  if (!y) return NULL;
  y->state = SYMBOL_WAITING; /* until the distribution says it */
  y->width = b->data[data];
  return y;
}

int build_or_mean(builder *b, scope *s, const expr *e, int data, int lag, int value) {
  const char *name = prediction_of(b, data)->value->name;
  const distribution_row *d = NULL;
  for (int i = 0; i < DISTRIBUTION_COUNT && name; i++)
    if (!strcmp(graph_distributions[i].name, name)) d = &graph_distributions[i];
  if (!d || !build_has_mean(d) || lag > OWN_MEAN_STEPS) return value; /* what it is filled with */
  symbol *mean = state_of(b, data, true);
  if (!mean) return TERM_NONE;
  const int past = term_add(b, b->root, e, TERM_SHIFT, mean->width, NULL, 0);
  if (past == TERM_NONE) return TERM_NONE;
  b->terms[past].of = mean;
  b->terms[past].lag = lag;
  b->terms[past].dir = 1;
  b->g->data[data].own_mean = true;
  const int lacks = term_binary(b, s, e, OP_SUB, term_number(b, s, e, 1), term_seen(b, s, e, data, lag));
  const int t = term_binary(b, s, e, OP_ADD, value, term_binary(b, s, e, OP_MUL, lacks, past));
  if (t == TERM_NONE) return TERM_NONE;
  b->terms[t].data = data; /* it is still y[t-lag] */
  b->terms[t].lag = lag;
  return t;
}

bool build_mean(builder *b, scope *s, const expr *e, const loss_term *l) {
  symbol *y = state_of(b, l->data, false);
  if (!y) return b->status == UNROLL_OK;
  y->term = build_density_mean(b, s, e, l);
  y->state = SYMBOL_DONE;
  return y->term != TERM_NONE;
}
