/* build_time.c - which values have steps, which steps run side by side, and whether the equations can be computed.
 *
 * A value has steps if something in it has. Text and sound always have steps. Other data has them where the equations ask for
 * it. They ask by an index [t-1], a recurrence, a prediction at every step, or a function over all steps. What is combined step
 * by step shares one time axis (union-find over terms and data). Then two searches. Along cycles: nothing may need the whole of
 * a sequence that depends on itself. Backwards from a prediction: it must not see what it predicts. */
#include "graph/build_internal.h"
#include <string.h>

/* --- steps --- */

static bool whole_argument(const term *t, int i) {
  if (t->kind == TERM_ATTEND) return i == 1 || i == 2;
  return t->kind == TERM_EDGE || t->kind == TERM_OVER || t->kind == TERM_CTC;
}

/* The same, or it reads other steps than its own: what is on its axis all the same. */
static bool reads_whole(const term *t, int i) { return t->kind == TERM_REVERSE || whole_argument(t, i); }

static bool data_steps(const builder *b, int data) { return b->g->data[data].space == SPACE_STEP; }

/* The equations ask for a value at every step; what a data line says is stronger. */
static void give_steps(builder *b, int data) {
  if (b->g->data[data].why == STEPS_INFERRED) b->g->data[data].space = SPACE_STEP;
}

static bool has_steps(const builder *b, const term *t) {
  if (t->kind == TERM_SHIFT) return true;
  if (t->data >= 0 && t->kind != TERM_CTC && data_steps(b, t->data)) return true;
  for (int i = 0; i < t->n_args; i++)
    if (!whole_argument(t, i) && b->terms[t->args[i]].step) return true;
  return false;
}

/* Everything in the first argument of a recurrence has steps: searches the terms of one scope. `all`: also images and categories.
 */
static void visit(const builder *b, const scope *in, int next, bool *seen, int *stack, int *n) {
  if (next == TERM_NONE || seen[next] || b->terms[next].in != in) return;
  seen[next] = true;
  stack[(*n)++] = next;
}

static void force(builder *b, int from, const scope *in, bool all, bool *seen, int *stack) {
  int n = 0;
  visit(b, in, from, seen, stack, &n);
  while (n) {
    const term *t = &b->terms[stack[--n]];
    if (t->data >= 0) {
      const data_kind *k = kind_find(b->g->data[t->data].kind);
      if (all || k->steps == KIND_EITHER) give_steps(b, t->data);
    }
    if (t->kind == TERM_SHIFT) visit(b, in, t->of->term, seen, stack, &n);
    for (int i = 0; i < t->n_args; i++)
      if (!whole_argument(t, i)) visit(b, in, t->args[i], seen, stack, &n);
  }
}

static void force_all(builder *b, bool *seen, int *stack) {
  const int n = b->n_terms;
  for (int i = 0; i < b->n_terms; i++)
    if (b->terms[i].lag && b->terms[i].data >= 0) give_steps(b, b->terms[i].data);
  for (int i = 0; i < b->n_firsts; i++) force(b, b->firsts[i].term, b->firsts[i].in, true, seen, stack);
  for (int i = 0; i < b->n_terms; i++) { /* recurrences written out in the net */
    const term *t = &b->terms[i];
    if (t->kind == TERM_SHIFT && t->in == b->root && !b->alone) force(b, t->of->term, b->root, false, seen + n, stack);
  }
}

/* Data predicted at every step has steps, and that may give steps to more. */
static void spread_steps(builder *b) {
  for (bool changed = true; changed;) {
    changed = false;
    for (int i = 0; i < b->n_terms; i++) b->terms[i].step = has_steps(b, &b->terms[i]);
    for (int i = 0; i < b->n_losses; i++) {
      const loss_term *l = &b->losses[i];
      bool step = false;
      for (int k = 0; k < l->n_args; k++) step = step || b->terms[l->args[k]].step;
      if (!l->distribution->aligned || !step || data_steps(b, l->data) || b->g->data[l->data].why != STEPS_INFERRED) continue;
      give_steps(b, l->data);
      changed = true;
    }
  }
}

/* What last(x), mean(x) and the like go over, where nothing else gave it steps. */
static bool force_whole(builder *b, bool *seen, int *stack) {
  bool any = false;
  for (int i = 0; i < b->n_terms; i++)
    for (int k = 0; k < b->terms[i].n_args; k++) {
      const int x = b->terms[i].args[k];
      if (!reads_whole(&b->terms[i], k) || b->terms[x].step) continue;
      any = any || !seen[x];
      force(b, x, b->terms[x].in, true, seen, stack);
    }
  return any;
}

static bool find_steps(builder *b) {
  const size_t n = (size_t)b->n_terms + 1;
  bool *seen = arena_alloc(&b->scratch, n, 3 * sizeof *seen);
  int *stack = arena_alloc(&b->scratch, n, sizeof *stack);
  if (!seen || !stack) return build_memory(b), false;
  force_all(b, seen, stack);
  do spread_steps(b);
  while (force_whole(b, seen + 2 * n, stack));
  return true;
}

/* What a data line says to be `whole` is nowhere asked for at single steps. */
static bool check_whole(builder *b, const term *t) {
  if (!t->lag || t->data < 0 || data_steps(b, t->data)) return true;
  const char *name = b->g->data[t->data].name;
  return FAIL(b, t->in, t->at->at, "'%s' is 'whole', so it has no steps: %s[t-%d] is nothing", name, name, t->lag), false;
}

static bool check_losses(builder *b) {
  for (int i = 0; i < b->n_losses; i++) {
    const loss_term *l = &b->losses[i];
    const char *name = b->g->data[l->data].name;
    for (int k = 0; k < l->n_args && l->distribution->aligned && !data_steps(b, l->data); k++)
      if (b->terms[l->args[k]].step)
        return FAIL(b, b->root, l->at->at, "'%s' is 'whole', but is predicted at every step; predict it from last(...) or the like",
                    name),
               false;
  }
  return true;
}

static bool check_steps(builder *b) {
  for (int i = 0; i < b->n_terms; i++) {
    const term *t = &b->terms[i];
    if (!check_whole(b, t)) return false;
    if (t->kind == TERM_SHIFT) {
      const term *x = &b->terms[t->of->term];
      if (x->kind == TERM_INDEX) return FAIL(b, t->in, t->at->at, "'%s' is symbols: put embed(...) before it", t->of->name), false;
      if (!x->step)
        return FAIL(b, t->in, t->at->at, "'%s' has no steps: it is the same for the whole sequence", t->of->name), false;
    }
    for (int k = 0; k < t->n_args; k++)
      if (reads_whole(t, k) && !b->terms[t->args[k]].step)
        return FAIL(b, t->in, t->at->at, "'%s' needs a value that has steps, and '%s' has none", t->at->name,
                    build_describe(b, t->at->args[k])),
               false;
  }
  for (const scope *s = b->scopes; s; s = s->next)
    for (const symbol *y = s->first; y; y = y->next)
      if (y->start != TERM_NONE && b->terms[y->start].step)
        return FAIL(b, y->start_in, y->start_at->at,
                    "a recurrence starts from another one, or from a vector without steps; use last(...) or first(...)"),
               false;
  return check_losses(b);
}

/* --- axes --- */

static int find(int *parent, int i) {
  while (parent[i] != i) i = parent[i] = parent[parent[i]];
  return i;
}

static void unite(int *parent, int i, int k) { parent[find(parent, i)] = find(parent, k); }

/* Classes 0 .. n_data-1 are data, the rest terms. */
static void unite_axes(builder *b, int *parent) {
  const int first = b->g->n_data;
  for (int i = 0; i < b->n_terms; i++) {
    const term *t = &b->terms[i];
    if (t->kind == TERM_ATTEND) unite(parent, first + t->args[1], first + t->args[2]); /* keys and values */
    if (!t->step) continue;
    if (t->kind == TERM_SHIFT) unite(parent, first + i, first + t->of->term);
    if (t->data >= 0 && t->kind != TERM_CTC && data_steps(b, t->data)) unite(parent, first + i, t->data);
    for (int k = 0; k < t->n_args; k++)
      if (!whole_argument(t, k) && b->terms[t->args[k]].step) unite(parent, first + i, first + t->args[k]);
  }
  for (int i = 0; i < b->n_losses; i++) {
    const loss_term *l = &b->losses[i];
    for (int k = 0; k < l->n_args && l->distribution->aligned; k++)
      if (b->terms[l->args[k]].step) unite(parent, first + l->args[k], l->data);
  }
}

static bool number_axes(builder *b) {
  graph *g = b->g;
  const int n = g->n_data + b->n_terms;
  int *parent = arena_alloc(&b->scratch, (size_t)n + 1, sizeof *parent),
      *number = arena_alloc(&b->scratch, (size_t)n + 1, sizeof *number);
  if (!parent || !number) return build_memory(b), false;
  for (int i = 0; i < n; i++) parent[i] = i;
  unite_axes(b, parent);
  for (int i = 0; i < g->n_data; i++) {
    g->data[i].axis = -1;
    if (!data_steps(b, i)) continue;
    int *axis = &number[find(parent, i)];
    if (!*axis) *axis = ++g->n_axes;
    g->data[i].axis = *axis - 1;
  }
  for (int i = 0; i < b->n_terms; i++) {
    term *t = &b->terms[i];
    t->axis = -1;
    if (!t->step) continue;
    t->axis = number[find(parent, g->n_data + i)] - 1;
    if (t->axis < 0)
      return FAIL(b, t->in, t->at->at, "nothing says how many steps '%s' has: no data with steps goes with it",
                  build_describe(b, t->at)),
             false;
  }
  return true;
}

/* --- cycles --- */

/* What a term needs, one after the other; TERM_NONE at the end. *whole: the whole sequence of it. */
static int need(const term *t, int i, bool *whole) {
  *whole = false;
  if (t->kind == TERM_SHIFT) {
    const symbol *y = build_state(t->of);
    if (i == 0) return y->term;
    for (; i > 1 && y->start_from; i--) y = build_state(y->start_from); /* what it starts from may have had no steps */
    if (i == 1 && y->start_from) return *whole = true, y->start_from->term;
    return i == 1 ? y->start : TERM_NONE;
  }
  if (i >= t->n_args) return TERM_NONE;
  *whole = reads_whole(t, i);
  return t->args[i];
}

typedef struct search { /* Tarjan's strongly connected components, without recursion */
  int *order, *low, *component, *stack, *path, *next;
  int n_order, n_stack, n_path, n_components;
} search;

static void enter(search *q, int v) {
  q->order[v] = q->low[v] = ++q->n_order;
  q->stack[q->n_stack++] = v;
  q->path[q->n_path++] = v;
}

static void leave(search *q) {
  const int v = q->path[--q->n_path];
  if (q->n_path) {
    const int above = q->path[q->n_path - 1];
    if (q->low[v] < q->low[above]) q->low[above] = q->low[v];
  }
  if (q->low[v] != q->order[v]) return;
  q->n_components++;
  for (int w = -1; w != v;) q->component[w = q->stack[--q->n_stack]] = q->n_components;
}

static void components(const builder *b, search *q) {
  bool whole;
  for (int root = 0; root < b->n_terms; root++) {
    if (q->order[root]) continue;
    enter(q, root);
    while (q->n_path) {
      const int v = q->path[q->n_path - 1], w = need(&b->terms[v], q->next[v]++, &whole);
      if (w == TERM_NONE)
        leave(q);
      else if (!q->order[w])
        enter(q, w);
      else if (!q->component[w] && q->order[w] < q->low[v])
        q->low[v] = q->order[w];
    }
  }
}

static bool check_cycles(builder *b) {
  const size_t n = (size_t)b->n_terms + 1;
  int *space = arena_alloc(&b->scratch, n, 7 * sizeof *space);
  bool whole;
  if (!space) return build_memory(b), false;
  search q = {.order = space,
              .low = space + n,
              .component = space + 2 * n,
              .stack = space + 3 * n,
              .path = space + 4 * n,
              .next = space + 5 * n};
  int *dir = space + 6 * n; /* of each component's shifts */
  components(b, &q);
  for (int v = 0; v < b->n_terms; v++) {
    const term *t = &b->terms[v];
    int w;
    for (int i = 0; (w = need(t, i, &whole)) != TERM_NONE; i++) {
      if (q.component[v] != q.component[w]) continue;
      const span at = t->at->at;
      if (whole) return FAIL(b, t->in, at, "this needs all steps of a value that itself depends on this"), false;
      if (t->kind != TERM_SHIFT || i > 0) continue;
      if (dir[q.component[v]] == -t->dir)
        return FAIL(b, t->in, at,
                    "this needs earlier and later steps of itself: forward and backward recurrences cannot be one cycle"),
               false;
      dir[q.component[v]] = t->dir;
    }
  }
  return true;
}

/* --- a prediction must not see what it predicts --- */

enum view { VIEW_NOW, VIEW_PAST, VIEW_ANY, N_VIEWS };

static enum view view_of(const term *t, int i, bool whole, enum view from) {
  if (whole || from == VIEW_ANY) return VIEW_ANY;
  if (t->kind == TERM_SHIFT && i == 0) return t->dir > 0 ? VIEW_PAST : VIEW_ANY;
  return from;
}

static bool sees(const builder *b, const term *t, const loss_term *l, enum view from) {
  if (t->data != l->data) return false;
  if (!l->distribution->aligned || !data_steps(b, l->data) || from == VIEW_ANY) return true;
  return from == VIEW_NOW && t->lag == 0;
}

static bool refuse_view(builder *b, const term *t, const loss_term *l, enum view from) {
  const char *name = b->g->data[l->data].name;
  if (!data_steps(b, l->data) || !l->distribution->aligned)
    FAIL(b, t->in, t->at->at, "'%s' is predicted in line %d, so the prediction cannot use it", name, l->at->at.line);
  else if (from == VIEW_ANY)
    FAIL(b, t->in, t->at->at, "'%s' is predicted in line %d, and is seen there through all or later steps", name, l->at->at.line);
  else
    FAIL(b, t->in, t->at->at, "'%s' is predicted here: use %s[t-1] (line %d predicts it)", name, name, l->at->at.line);
  return false;
}

static bool check_views(builder *b, const loss_term *l, unsigned char *seen, int *stack) {
  int n = 0;
  memset(seen, 0, (size_t)b->n_terms * N_VIEWS);
  for (int k = 0; k < l->n_args; k++) {
    const int place = l->args[k] * N_VIEWS + VIEW_NOW;
    if (!seen[place]) seen[stack[n++] = place] = 1;
  }
  while (n) {
    const int place = stack[--n];
    const enum view from = (enum view)(place % N_VIEWS);
    const term *t = &b->terms[place / N_VIEWS];
    bool whole;
    int w;
    if (sees(b, t, l, from)) return refuse_view(b, t, l, from);
    for (int i = 0; (w = need(t, i, &whole)) != TERM_NONE; i++) {
      const int next = w * N_VIEWS + (int)view_of(t, i, whole, from);
      if (!seen[next]) seen[stack[n++] = next] = 1;
    }
  }
  return true;
}

static bool check_predictions(builder *b) {
  unsigned char *seen = arena_alloc(&b->scratch, (size_t)b->n_terms + 1, N_VIEWS);
  int *stack = arena_alloc(&b->scratch, (size_t)b->n_terms + 1, N_VIEWS * sizeof *stack);
  if (!seen || !stack) return build_memory(b), false;
  for (int i = 0; i < b->n_losses; i++)
    if (!check_views(b, &b->losses[i], seen, stack)) return false;
  return true;
}

/* end(x) is predicted, as a bit, step by step with x: it says where what is generated ends. */
static bool check_ends(builder *b) {
  const graph *g = b->g;
  for (int i = 0; i < g->n_data; i++) {
    const data_info *d = &g->data[i];
    bool predicted = false, together = false;
    if (kind_find(d->kind)->sort != KIND_END) continue;
    const char *of = d->at->value->args[0]->name;
    for (int k = 0; k < b->n_losses; k++)
      predicted |= b->losses[k].data == i && support_of_entry(b->losses[k].distribution->support, 1, 0) == SUPPORT_BIT;
    for (int k = 0; k < g->n_data; k++) together |= !strcmp(g->data[k].name, of) && data_steps(b, k) && g->data[k].axis == d->axis;
    if (!predicted)
      return FAIL(b, b->root, d->at->at, "'%s' is an end, which is predicted: %s ~ bernoulli(...)", d->name, d->name), false;
    if (!together)
      return FAIL(b, b->root, d->at->at, "'%s' is the end of '%s', but is not predicted step by step with it", d->name, of), false;
  }
  return true;
}

bool build_time(builder *b) {
  return find_steps(b) && check_steps(b) && number_axes(b) && check_cycles(b) && check_predictions(b) && check_ends(b);
}
