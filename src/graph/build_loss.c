/* build_loss.c - `v ~ distribution(...)`: the negative log-likelihood of v, in nats per row. */
#include "graph/build_internal.h"
#include <math.h>
#include <string.h>

static const distribution_row *find_distribution(builder *b, scope *s, const expr *e) {
  const char *names[DISTRIBUTION_COUNT];
  for (int i = 0; i < DISTRIBUTION_COUNT; i++) {
    names[i] = graph_distributions[i].name;
    if (!strcmp(names[i], e->name)) return &graph_distributions[i];
  }
  FAIL(b, s, e->at, "unknown distribution '%s'%s", e->name, build_hint(b, e->name, names, DISTRIBUTION_COUNT));
  return NULL;
}

static const symbol *find_data(builder *b, scope *s, const statement *at) {
  const char *names[MAX_DATA];
  const symbol *y = scope_find(s, at->name);
  if (y && y->kind == SYMBOL_DATA) return y;
  for (int i = 0; i < b->g->n_data; i++) names[i] = b->g->data[i].name;
  FAIL(b, s, at->at, "'%s' is no data, so it cannot be predicted%s", at->name,
       build_hint(b, at->name, names, (size_t)b->g->n_data));
  return NULL;
}

/* An argument has the width of what is predicted or, unless that must be exact, is one number for all of it. */
static bool fit(builder *b, scope *s, const expr *e, int t, int wanted, bool exact) {
  const int own = b->terms[t].width;
  if (wanted == WIDTH_FREE) return false;
  if (own == WIDTH_FREE || (!exact && width_value(b, own) == 1)) return true;
  if (width_unify(b, own, wanted)) return true;
  FAIL(b, s, e->at, "'%s' is %d wide (%s), but must be %d wide (%s)", build_describe(b, e), width_value(b, own), width_why(b, own),
       width_value(b, wanted), width_why(b, wanted));
  return false;
}

/* --- arguments --- */

static bool bind_args(builder *b, scope *s, const expr *e, const distribution_row *d, const expr *bound[DISTRIBUTION_ARGS]) {
  const char *names[DISTRIBUTION_ARGS];
  int next = 0;
  for (int k = 0; k < d->n_args; k++) names[k] = d->args[k].name;
  for (int i = 0; i < e->n_args; i++) {
    const char *name = e->arg_names ? e->arg_names[i] : NULL;
    int k = next;
    if (name)
      for (k = 0; k < d->n_args && strcmp(names[k], name);) k++;
    else
      next++;
    if (k >= d->n_args && name)
      return FAIL(b, s, e->arg_at[i], "'%s' has no argument '%s'%s", d->name, name, build_hint(b, name, names, (size_t)d->n_args)),
             false;
    if (k >= d->n_args) return FAIL(b, s, e->args[i]->at, "too many arguments: '%s' takes %d", d->name, d->n_args), false;
    if (bound[k]) return FAIL(b, s, e->args[i]->at, "'%s' is given twice", names[k]), false;
    bound[k] = e->args[i];
  }
  for (int k = 0; k < d->n_args; k++)
    if (!bound[k]) return FAIL(b, s, e->at, "'%s' needs the argument '%s'", d->name, names[k]), false;
  return true;
}

/* --- the line --- */

static bool check_data(builder *b, scope *s, const statement *at, const distribution_row *d, const symbol *y) {
  const data_info *info = &b->g->data[y->data];
  for (int i = 0; i < b->n_losses; i++)
    if (b->losses[i].data == y->data)
      return FAIL(b, s, at->at, "'%s' is predicted already in line %d", at->name, b->losses[i].at->at.line), false;
  const bool symbols = d->support == SUPPORT_SYMBOLS;
  if (kind_is_symbols(kind_find(info->kind)) == symbols) return true;
  FAIL(b, s, at->value->at, "'%s' predicts %s, and '%s' is %s", d->name, symbols ? "symbols" : "numbers", at->name, info->kind);
  return false;
}

/* --- what training minimises --- */

/* One symbol at each prediction: what weighs and smooths classes is for these. */
static bool has_classes(const distribution_row *d) { return d->support == SUPPORT_SYMBOLS && d->aligned; }

typedef struct emphasis { /* arguments that any distribution may have besides its own; NULL: not given */
  const expr *weight, *smoothing;
} emphasis;

/* The call without these. */
static const expr *take_emphasis(builder *b, scope *s, const expr *e, const distribution_row *d, emphasis *out) {
  expr *rest = arena_alloc(&b->scratch, 1, sizeof *rest);
  const size_t n = (size_t)e->n_args + 1;
  if (!rest) return build_memory(b), NULL;
  *rest = *e;
  rest->n_args = 0;
  rest->args = arena_alloc(&b->scratch, n, sizeof *rest->args);
  rest->arg_names = arena_alloc(&b->scratch, n, sizeof *rest->arg_names);
  rest->arg_at = arena_alloc(&b->scratch, n, sizeof *rest->arg_at);
  if (!rest->args || !rest->arg_names || !rest->arg_at) return build_memory(b), NULL;
  for (int i = 0; i < e->n_args; i++) {
    const char *name = e->arg_names ? e->arg_names[i] : NULL;
    const expr **to = name && !strcmp(name, "weight") ? &out->weight : name && !strcmp(name, "smoothing") ? &out->smoothing : NULL;
    if (to && *to) return FAIL(b, s, e->arg_at[i], "'%s' is given twice", name), NULL;
    if (to == &out->smoothing && !has_classes(d))
      return FAIL(b, s, e->arg_at[i], "only softmax has smoothing, '%s' has not", d->name), NULL;
    if (to) {
      *to = e->args[i];
      continue;
    }
    rest->args[rest->n_args] = e->args[i];
    rest->arg_names[rest->n_args] = name;
    if (e->arg_at) rest->arg_at[rest->n_args] = e->arg_at[i];
    rest->n_args++;
  }
  return rest;
}

static int class_weight(builder *b, scope *s, const expr *e, const loss_term *l) {
  const int one = width_known(b, 1, "a weight");
  const int t = one == WIDTH_FREE ? TERM_NONE : term_add(b, s, e, TERM_CLASS_WEIGHT, one, NULL, 0);
  if (t != TERM_NONE) b->terms[t].data = l->data;
  return t;
}

static int reduce(builder *b, scope *s, const expr *e, enum op op, int x) {
  const int one = width_known(b, 1, "a sum");
  const int t = one == WIDTH_FREE ? TERM_NONE : term_add(b, s, e, TERM_REDUCE, one, &x, 1);
  if (t != TERM_NONE) b->terms[t].op = op;
  return t;
}

/* (1 - p) times the loss, p times the mean of -log softmax over all symbols (Szegedy et al. 2016), which is log sum exp - mean. */
static int smooth(builder *b, scope *s, const expr *e, const loss_term *l, double p, int classes) {
  const int sum =
      term_binary(b, s, e, OP_MUL, term_number(b, s, e, 1.0 / b->g->data[l->data].width), reduce(b, s, e, OP_ROW_SUM, l->args[0]));
  const int flat = term_binary(b, s, e, OP_SUB, reduce(b, s, e, OP_LOG_SUM_EXP, l->args[0]), sum);
  const int share = term_binary(b, s, e, OP_MUL, classes, term_binary(b, s, e, OP_MUL, term_number(b, s, e, p), flat));
  const int rest = term_binary(b, s, e, OP_MUL, term_number(b, s, e, 1 - p), l->node);
  return term_binary(b, s, e, OP_ADD, b->g->data[l->data].weights ? term_binary(b, s, e, OP_MUL, classes, rest) : rest, share);
}

/* class weight * weight * the loss, smoothed or not. */
static int objective(builder *b, scope *s, const expr *e, loss_term *l, const emphasis *by) {
  double p = 0, factor = 0;
  int t = l->node;
  if (by->smoothing && (!build_number(b, s, by->smoothing, &p) || !(p >= 0 && p < 1)))
    return FAIL(b, s, by->smoothing->at, "smoothing must be a number from 0 up to, but not including, 1");
  const bool classes = b->g->data[l->data].weights && has_classes(l->distribution);
  if (p > 0)
    t = smooth(b, s, e, l, p, class_weight(b, s, e, l));
  else if (classes)
    t = term_binary(b, s, e, OP_MUL, class_weight(b, s, e, l), t);
  if (!by->weight || t == TERM_NONE) return t;
  const int w = l->weight = build_value(b, s, by->weight);
  if (w == TERM_NONE) return w;
  if (build_number(b, s, by->weight, &factor) && !(factor >= 0)) return FAIL(b, s, by->weight->at, "a weight must not be negative");
  if (!fit(b, s, by->weight, w, width_known(b, 1, "a weight"), true)) return TERM_NONE;
  return term_binary(b, s, e, OP_MUL, w, t);
}

/* A number where an argument must be positive is looked at here; what is computed, training sees. */
static bool check_positive(builder *b, scope *s, const distribution_row *d, int k, const expr *e) {
  double x = 0;
  if (!d->args[k].positive || build_varies(b, s, e) || !build_number(b, s, e, &x) || x > 0) return true;
  return FAIL(b, s, e->at, "'%s' must be positive, not %g", d->args[k].name, x), false;
}

static bool build_arguments(builder *b, scope *s, const statement *at, const expr *e, loss_term *l) {
  const distribution_row *d = l->distribution;
  const expr *bound[DISTRIBUTION_ARGS] = {NULL};
  const bool symbols = d->support == SUPPORT_SYMBOLS;
  const bool plain = d->n_args && d->aligned; /* what it takes is as wide as the data, which may be open */
  int width = plain ? 0 : width_of_data(b, l->data), wanted = b->data[l->data];
  l->n_args = d->n_args ? d->n_args : 1;
  if (d->n_args ? !bind_args(b, s, e, d, bound) : !build_numbers(b, s, e, width, l, &width)) return false;
  if (!d->n_args) bound[0] = e->args[e->n_args - 1];
  if (!d->aligned) width++; /* the blank */
  if (!plain) wanted = width_known(b, width, build_text(b, symbols ? "the symbols of %s" : "data %s", at->name));
  for (int k = 0; k < l->n_args; k++) {
    l->args[k] = build_value(b, s, bound[k]);
    if (l->args[k] == TERM_NONE || !fit(b, s, bound[k], l->args[k], wanted, symbols || !d->n_args)) return false;
    if (!check_positive(b, s, d, k, bound[k])) return false;
  }
  l->prediction = l->args[0];
  return true;
}

bool build_loss(builder *b, scope *s, const statement *at) {
  emphasis by = {NULL, NULL};
  const distribution_row *d = find_distribution(b, s, at->value);
  const symbol *y = d ? find_data(b, s, at) : NULL;
  if (!y || !check_data(b, s, at, d, y)) return false;
  const expr *e = take_emphasis(b, s, at->value, d, &by);
  if (!e) return false;
  loss_term l = {.at = at, .distribution = d, .data = y->data, .weight = TERM_NONE};
  if (!build_arguments(b, s, at, e, &l)) return false;
  l.node = build_density(b, s, e, &l);
  if (build_may_lack(b, l.data) && l.node != TERM_NONE) { /* no loss where there was no value */
    if (!build_mean(b, s, e, &l)) return false;
    l.node = term_binary(b, s, e, OP_MUL, term_seen(b, s, e, l.data, 0), l.node);
  }
  l.objective = l.node == TERM_NONE ? TERM_NONE : objective(b, s, e, &l, &by);
  if (l.objective == TERM_NONE || !build_grow(b, (void **)&b->losses, b->n_losses, &b->cap_losses, sizeof *b->losses)) return false;
  b->losses[b->n_losses++] = l;
  return true;
}
