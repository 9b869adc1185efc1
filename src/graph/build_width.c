/* build_width.c - widths by unification.
 *
 * While terms are made, every width is a class of a union-find: elementwise partners are united, data and sizes give classes a
 * value. What only a sum says (a concatenation) and what has a default is settled here. First comes what follows from the
 * equations. Then a cell takes the size of its call, innermost cells first. Then a net takes the setting `hidden`. */
#include "graph/build_internal.h"
#include <math.h>
#include <string.h>

int width_new(builder *b) {
  if (b->status != UNROLL_OK) return WIDTH_FREE;
  if (!build_grow(b, (void **)&b->widths, b->n_widths, &b->cap_widths, sizeof *b->widths)) return WIDTH_FREE;
  b->widths[b->n_widths] = (width_class){.parent = b->n_widths, .matrix = TERM_NONE};
  return b->n_widths++;
}

int width_known(builder *b, int value, const char *why) {
  const int w = width_new(b);
  if (w == WIDTH_FREE) return w;
  b->widths[w].value = value;
  b->widths[w].why = why;
  return w;
}

int width_root(const builder *b, int w) {
  while (b->widths[w].parent != w) {
    b->widths[w].parent = b->widths[b->widths[w].parent].parent; /* halves the path */
    w = b->widths[w].parent;
  }
  return w;
}

int width_value(const builder *b, int w) { return w == WIDTH_FREE ? 1 : b->widths[width_root(b, w)].value; }

const char *width_why(const builder *b, int w) {
  const char *why = w == WIDTH_FREE ? "a number" : b->widths[width_root(b, w)].why;
  return why ? why : "?";
}

bool width_unify(builder *b, int v, int w) {
  v = width_root(b, v);
  w = width_root(b, w);
  if (v == w) return true;
  width_class *from = &b->widths[v], *to = &b->widths[w];
  if (from->value && to->value && from->value != to->value) return false;
  if (from->value) to->value = from->value, to->why = from->why;
  if (to->matrix == TERM_NONE) to->matrix = from->matrix;
  if (!to->parts) to->parts = from->parts;
  from->parent = w;
  return true;
}

static void set(builder *b, int w, int value, const char *why) {
  width_class *c = &b->widths[width_root(b, w)];
  c->value = value;
  c->why = why;
}

/* --- data --- */

static const char *why_data(builder *b, const data_info *d) {
  return build_text(b, kind_is_symbols(kind_find(d->kind)) ? "the symbols of %s" : "data %s", d->name);
}

bool width_add_data(builder *b, int data, bool open) {
  const data_info *d = &b->g->data[data];
  b->open[data] = open;
  b->data[data] = open ? width_new(b) : width_known(b, d->width, why_data(b, d));
  return b->data[data] != WIDTH_FREE && b->status == UNROLL_OK;
}

int width_of_data(builder *b, int data) {
  data_info *d = &b->g->data[data];
  const int width = width_value(b, b->data[data]);
  if (width) return b->open[data] ? (d->width = width) : d->width;
  set(b, b->data[data], d->width, why_data(b, d));
  return d->width;
}

/* A default width, as of each part where there are some. */
static void set_default(builder *b, int w, int value, const char *why) {
  const int parts = b->widths[width_root(b, w)].parts;
  set(b, w, parts > 1 && value <= MAX_WIDTH / parts ? value * parts : value, why);
}

/* --- concatenations and parts --- */

/* Total = sum of the parts; settles the total, or a part if only that is unknown. */
static bool solve_concat(builder *b, const term *t, bool *changed) {
  int64_t known = 0;
  int unknown = -1, times = 0;
  bool several = false;
  for (int i = 0; i < t->n_args; i++) {
    const int w = b->terms[t->args[i]].width, value = width_value(b, w);
    known += value;
    if (value) continue;
    several = several || (times && width_root(b, w) != unknown);
    unknown = width_root(b, w);
    times++;
  }
  const int total = width_value(b, t->width);
  if (known > MAX_WIDTH) return FAIL(b, t->in, t->at->at, "this is wider than %d", MAX_WIDTH), false;
  if (several || (times && !total)) return true;
  const int64_t rest = times ? (total - known) / times : 0;
  if (total && (total - known != rest * times || (times && rest < 1)))
    return FAIL(b, t->in, t->at->at, "the parts are %d wide together, but %d is needed (%s)", (int)known, total,
                width_why(b, t->width)),
           false;
  if (total && !times) return true;
  *changed = true;
  if (times)
    set(b, unknown, (int)rest, build_text(b, "what is left of %d", total));
  else
    set(b, t->width, (int)known, build_text(b, "%d parts", t->n_args));
  return true;
}

/* Whole = number of parts times one of them. */
static bool solve_part(builder *b, const term *t, bool *changed) {
  const int whole = b->terms[t->args[0]].width, n = (int)t->value, all = width_value(b, whole), one = width_value(b, t->width);
  if (!all && !one) return true;
  if (all && all % n)
    return FAIL(b, t->in, t->at->at, "there are no %d equal parts of %d (%s)", n, all, width_why(b, whole)), false;
  if (all && one && all != n * (int64_t)one)
    return FAIL(b, t->in, t->at->at, "each of %d parts of %d (%s) is %d wide, but must be %d wide (%s)", n, all,
                width_why(b, whole), all / n, one, width_why(b, t->width)),
           false;
  if (all && one) return true;
  if (one > MAX_WIDTH / n) return FAIL(b, t->in, t->at->at, "this is wider than %d", MAX_WIDTH), false;
  *changed = true;
  set(b, all ? t->width : whole, all ? all / n : n * one, build_text(b, all ? "one of %d parts" : "%d parts", n));
  return true;
}

static bool solve(builder *b) {
  bool changed = true;
  for (int pass = 0; changed && pass < 100; pass++) {
    changed = false;
    for (int i = 0; i < b->n_terms; i++) {
      if (b->terms[i].kind == TERM_CONCAT && !solve_concat(b, &b->terms[i], &changed)) return false;
      if (b->terms[i].kind == TERM_PART && !solve_part(b, &b->terms[i], &changed)) return false;
    }
  }
  return b->status == UNROLL_OK;
}

/* --- defaults --- */

static void default_symbols(builder *b, scope *s, bool states_only) {
  for (const symbol *y = s->first; y; y = y->next) {
    if (y->kind != SYMBOL_VARIABLE || !y->value || (states_only && !y->is_state)) continue;
    if (y->term == TERM_NONE || b->terms[y->term].width == WIDTH_FREE) continue;
    if (!width_value(b, y->width)) set_default(b, y->width, s->size, build_text(b, "the size of %s", s->cell));
  }
}

/* What is left in cells: inner parts of expressions. */
static bool default_terms(builder *b) {
  bool changed;
  for (int i = 0; i < b->n_terms; i++) {
    const term *t = &b->terms[i];
    if (!t->in->size || width_value(b, t->width)) continue;
    if (t->kind == TERM_CONCAT) {
      if (!solve_concat(b, t, &changed)) return false;
    } else {
      set_default(b, t->width, t->in->size, build_text(b, "the size of %s", t->in->cell));
    }
  }
  return solve(b);
}

/* Matrices of a net whose rows nothing says: the setting `hidden`. */
static bool default_net(builder *b) {
  bool changed;
  const symbol *hidden = scope_find(b->root, "hidden");
  for (int i = 0; i < b->n_terms; i++) {
    const term *t = &b->terms[i];
    if (width_value(b, t->width)) continue;
    if (t->kind == TERM_CONCAT && !solve_concat(b, t, &changed)) return false;
    const int matrix = b->widths[width_root(b, t->width)].matrix;
    if (matrix == TERM_NONE || width_value(b, t->width)) continue;
    const term *m = &b->terms[matrix];
    if (!hidden || hidden->kind != SYMBOL_NUMBER)
      return FAIL(b, m->in, m->at->at,
                  "cannot infer the width of '%s': nothing says how many rows '%s' has; a setting 'hidden = N' would",
                  build_describe(b, m->at), m->at->name),
             false;
    if (!(hidden->number >= 1 && hidden->number <= MAX_SIZE) || floor(hidden->number) != hidden->number)
      return FAIL(b, b->root, hidden->at, "hidden must be a whole number from 1 to %d", MAX_SIZE), false;
    set_default(b, t->width, (int)hidden->number, "the setting hidden");
  }
  return solve(b);
}

bool build_widths(builder *b) {
  int n = 0;
  for (const scope *s = b->scopes; s; s = s->next) n++;
  scope **order = arena_alloc(&b->scratch, (size_t)n, sizeof *order);
  if (!order) return build_memory(b), false;
  n = 0;
  for (scope *s = b->scopes; s; s = s->next) order[n++] = s;
  if (!solve(b)) return false;
  for (int states = 1; states >= 0; states--) {
    for (int i = n - 1; i >= 0; i--)
      if (order[i]->size) default_symbols(b, order[i], states);
    if (!solve(b)) return false;
    for (int i = 0; i < b->g->n_data && states; i++) width_of_data(b, i);
    if (states && !solve(b)) return false;
  }
  if (!default_terms(b) || !default_net(b)) return false;
  for (int w = 0; w < b->n_widths; w++) /* vectors that no matrix bounds: one number */
    if (!width_value(b, w)) set(b, w, 1, "nothing says more");
  return solve(b);
}
