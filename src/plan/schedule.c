/* schedule.c - what runs step by step, what runs over all steps at once, and in which order.
 *
 * Tarjan's strongly connected components of the graph of values: a component with a cycle is a loop, everything else is
 * batched. Products in a loop whose operand is not on the cycle are taken out (hoisted). Equations outside that only one loop
 * reads go into its tile program (sunk), so that their results never see memory. So do those that read a loop's results, which
 * are in the first-level cache then. Then every value gets the earliest level it can have. */
#include <string.h>
#include "base/error.h"
#include "plan/internal.h"

/* ---- loops ---- */

static bool loop_may_hold(const value *v) {
  if (v->kind == VALUE_ELEMENT || v->kind == VALUE_SUM || v->op == OP_SHIFT) return true;
  return plan_others[v->op]->in_loop;
}

static unroll_status not_in_loop(const struct plan *p, const value *v, unroll_error *err) {
  const node *n = &p->g->nodes[v->node];
  const char *what = *graph_ops[n->op].text ? graph_ops[n->op].text : graph_ops[n->op].name;
  if (n->source)
    return lang_error(n->source, n->at, err, "'%s' cannot run step by step yet: it is part of a recurrence here", what);
  return error_set(err, UNROLL_BAD_INPUT, "'%s' cannot run step by step yet, and is part of a recurrence", what);
}

static unroll_status note_loop(struct plan *p, const int *members, int n, unroll_error *err) {
  loop l = {.component = p->values[members[0]].component, .axis = p->values[members[0]].axis, .n_members = n};
  l.members = arena_alloc(&p->memory, (size_t)n, sizeof *l.members);
  if (!l.members) return error_memory(err);
  memcpy(l.members, members, (size_t)n * sizeof *members);
  for (int i = 0; i < n; i++) {
    value *v = &p->values[members[i]];
    if (!loop_may_hold(v)) return not_in_loop(p, v, err);
    v->loop = p->n_loops;
    if (v->op != OP_SHIFT || v->kind != VALUE_VIEW) continue;
    if (l.dir && l.dir != v->dir) {
      const node *at = &p->g->nodes[v->node];
      if (at->source)
        return lang_error(at->source, at->at, err, "this recurrence needs the step before and the step after at once");
      return error_set(err, UNROLL_BAD_INPUT, "a recurrence needs the step before and the step after at once");
    }
    l.dir = v->dir;
  }
  p->loops[p->n_loops++] = l;
  return UNROLL_OK;
}

static bool reads_itself(const struct plan *p, int v) {
  reads_list l = {0};
  int to[64];
  const value *x = &p->values[v];
  if (x->n_products + x->n_terms + NODE_INPUTS > 64)
    return false; /* such a value is a sum; sums read no sum directly in a cycle of one */
  l.to = to;
  plan_reads(p, v, plan_add_read, &l);
  for (int i = 0; i < l.n; i++)
    if (to[i] == v) return true;
  return false;
}

/* From this many rows on, one step's rows fill the product kernel as well as all steps' rows would. Then a product that could
 * be hoisted is cheaper in a loop that has products anyway. Its result is added to where it is, instead of being a matrix in
 * memory. The sum has the same order either way: hoistable products first.
 *
 * Not so where k is DEEP times the rows of a step, as below a softmax over a vocabulary. There the weights are read anew at
 * each step. They are many times what the result takes, and no cache holds them. */
enum { DEEP = 8 };

/* Moves the products that need no step to the front; returns how many there are. */
static int products_outside_first(struct plan *p, value *v) {
  int n = 0;
  for (int i = 0; i < v->n_products; i++) {
    if (p->values[v->products[i].operand].component == v->component) continue;
    value_product q = v->products[i];
    for (int k = i; k > n; k--) v->products[k] = v->products[k - 1];
    v->products[n++] = q;
  }
  return n;
}

/* Is a product on the cycle? If not, the recurrence is elementwise, and its loop a scan without products. */
static bool product_on_cycle(const struct plan *p, const int *members, int n) {
  for (int i = 0; i < n; i++) {
    const value *v = &p->values[members[i]];
    for (int k = 0; k < v->n_products; k++)
      if (p->values[v->products[k].operand].component == v->component) return true;
  }
  return false;
}

/* The products and vectors of a loop's sum that need no step: a sum of their own, computed for all steps at once. `scan`: of a loop
 * without products on its cycle. */
static int hoist(struct plan *p, int number, bool scan) {
  value v = p->values[number];
  const int out = products_outside_first(p, &v);
  int vectors = 0;
  for (int i = 0; i < v.n_terms; i++) vectors += p->values[v.terms[i]].kind == VALUE_VECTOR;
  if (!out) return -1;
  int depth = 0;
  for (int i = 0; i < out; i++) depth += v.products[i].k;
  if (p->options.max_rows >= ROWS_FILL_KERNEL && !scan && depth < DEEP * p->options.max_rows) {
    p->n_kept_in += out;
    return -1;
  }
  value h = {.kind = VALUE_SUM, .op = OP_ADD, .space = v.space, .node = v.node, .axis = v.axis, .width = v.width};
  for (int i = 0; i < NODE_INPUTS; i++) h.in[i] = NODE_NONE;
  h.products = arena_alloc(&p->memory, (size_t)out, sizeof *h.products);
  h.terms = arena_alloc(&p->memory, (size_t)vectors + 1, sizeof *h.terms);
  int *terms = arena_alloc(&p->memory, (size_t)v.n_terms + 1, sizeof *terms);
  value_product *products = arena_alloc(&p->memory, (size_t)v.n_products + 1, sizeof *products);
  if (!h.products || !h.terms || !terms || !products) return -2;
  int n_terms = 0, n_products = 0;
  for (int i = 0; i < v.n_products; i++)
    if (p->values[v.products[i].operand].component != v.component)
      h.products[h.n_products++] = v.products[i];
    else
      products[n_products++] = v.products[i];
  int made = plan_value(p, h);
  if (made < 0) return -2;
  value *hp = &p->values[made];
  terms[n_terms++] = made;
  for (int i = 0; i < v.n_terms; i++)
    if (p->values[v.terms[i]].kind == VALUE_VECTOR)
      hp->terms[hp->n_terms++] = v.terms[i];
    else
      terms[n_terms++] = v.terms[i];
  value *x = &p->values[number];
  x->products = products;
  x->n_products = n_products;
  x->terms = terms;
  x->n_terms = n_terms;
  p->n_hoisted += hp->n_products;
  return made;
}

/* Finds the loops, hoists out of them, and leaves p->order with the hoisted sums just before their loop. */
static unroll_status find_loops(struct plan *p, int n_components, unroll_error *err) {
  const int n = p->n_order;
  int *old = mem_zero((size_t)n + 1, sizeof *old);
  p->loops = arena_alloc(&p->memory, (size_t)n_components + 1, sizeof *p->loops);
  if (!old || !p->loops) {
    mem_free(old);
    return error_memory(err);
  }
  memcpy(old, p->order, (size_t)n * sizeof *old);
  p->n_order = 0;
  unroll_status s = UNROLL_OK;
  for (int i = 0; i < n && !s;) {
    int end = i + 1;
    while (end < n && p->values[old[end]].component == p->values[old[i]].component) end++;
    if (end - i > 1 || reads_itself(p, old[i])) {
      s = note_loop(p, old + i, end - i, err);
      const bool scan = !product_on_cycle(p, old + i, end - i);
      for (int k = i; k < end && !s; k++) {
        if (p->values[old[k]].kind != VALUE_SUM) continue;
        int made = hoist(p, old[k], scan);
        if (made == -2) s = error_memory(err);
        if (made >= 0) p->order[p->n_order++] = made;
      }
    }
    for (int k = i; k < end; k++) p->order[p->n_order++] = old[k];
    i = end;
  }
  mem_free(old);
  return s;
}

/* ---- equations after a loop ---- */

typedef struct following {
  struct plan *p;
  int loop;
  bool *after; /* depends on the loop */
  bool *joins;
  bool depends, joinable;
} following;

static void note_read(void *context, int reader, int read) {
  following *f = context;
  const value *r = &f->p->values[reader], *v = &f->p->values[read];
  const bool member = v->loop == f->loop || f->joins[read];
  f->depends = f->depends || member || f->after[read];
  if (member && v->kind != VALUE_VIEW && !(value_in_tile(v) && v->width == r->width)) f->joinable = false;
  if (!member && f->after[read]) f->joinable = false;
}

/* Of one loop, whose members and followers lie side by side: what one of them needs, all of them wait for. */
static bool same_loop(const struct plan *p, int i, int k) {
  const int one = p->values[p->order[i]].loop;
  return one >= 0 && one == p->values[p->order[k]].loop;
}

/* Equations of a step that read the loop's results of the same step, and else only what is there before the loop. */
static void find_following(following *f, const bool *kept, int from) {
  struct plan *p = f->p;
  const loop *l = &p->loops[f->loop];
  const bool backward = p->g->n_forward && l->members[0] >= p->g->n_forward;
  for (int i = from; i < p->n_order; i++) {
    const int number = p->order[i];
    const value *v = &p->values[number];
    f->depends = false;
    f->joinable = v->kind == VALUE_ELEMENT && v->loop < 0 && v->space == SPACE_STEP && v->axis == l->axis && !kept[number];
    if (p->g->n_forward && (number >= p->g->n_forward) != backward) f->joinable = false;
    plan_reads(p, number, note_read, f);
    f->joins[number] = f->depends && f->joinable;
    f->after[number] = f->depends;
    for (int k = i; f->depends && k > from && same_loop(p, k, k - 1) && !f->after[p->order[k - 1]]; k--)
      f->after[p->order[k - 1]] = true;
    if (i > from && same_loop(p, i, i - 1)) f->after[number] = f->after[p->order[i - 1]];
  }
  for (int i = p->n_order - 1; i >= from; i--) { /* worth a matrix, which those outside read that need one anyway */
    const int number = p->order[i];
    const value *v = &p->values[number];
    bool worth = !f->joins[number];
    for (int k = 0; k < v->n_readers && !worth; k++) {
      const int reader = p->readers[v->first_reader + k];
      const value *r = &p->values[reader];
      worth = f->joins[reader] || !value_in_tile(r) || r->width != v->width;
      for (int q = 0; q < r->n_products; q++) worth = worth || r->products[q].operand == number;
    }
    if (!worth) f->joins[number] = false;
  }
}

/* What does not depend on the loop that lies at from .. end-1 goes before it, and what joins it right behind it. */
static void bring_together(struct plan *p, const following *f, int from, int end, int *scratch) {
  enum { BEFORE, LOOP, JOINS, AFTER };
  int n = 0;
  for (int part = BEFORE; part <= AFTER; part++)
    for (int i = from; i < p->n_order; i++) {
      const int number = p->order[i];
      const int of = i < end ? LOOP : f->joins[number] ? JOINS : f->after[number] ? AFTER : BEFORE;
      if (of == part) scratch[n++] = number;
    }
  memcpy(p->order + from, scratch, (size_t)n * sizeof *scratch);
}

/* Elementwise values that read a loop's results move into its tile programs, where these are in the first-level cache. */
static unroll_status follow(struct plan *p, const bool *kept, unroll_error *err) {
  const size_t n = (size_t)p->n_values + 1;
  bool *flags = mem_zero(n, 2);
  int *scratch = mem_zero(n, sizeof *scratch);
  unroll_status s = flags && scratch ? plan_find_readers(p, err) : error_memory(err);
  for (int k = 0; k < p->n_loops && !s; k++) {
    following f = {.p = p, .loop = k, .after = flags, .joins = flags + n};
    int from = 0, joined = 0;
    memset(flags, 0, 2 * n);
    while (p->values[p->order[from]].component != p->loops[k].component) from++;
    const int end = from + p->loops[k].n_members;
    find_following(&f, kept, end);
    for (int i = end; i < p->n_order; i++)
      if (f.joins[p->order[i]]) p->values[p->order[i]].loop = k, joined++;
    p->n_sunk += joined;
    if (joined) bring_together(p, &f, from, end, scratch);
  }
  mem_free(flags);
  mem_free(scratch);
  return s;
}

/* Elementwise values that only one loop's equations read move into its tile programs. */
static unroll_status sink(struct plan *p, const bool *kept, unroll_error *err) {
  unroll_status s = plan_find_readers(p, err);
  if (s) return s;
  for (int i = p->n_order - 1; i >= 0; i--) {
    value *v = &p->values[p->order[i]];
    if (v->kind != VALUE_ELEMENT || v->loop >= 0 || v->space != SPACE_STEP || !v->n_readers || kept[p->order[i]]) continue;
    int target = -1;
    bool fits = true;
    for (int k = 0; k < v->n_readers && fits; k++) {
      const value *r = &p->values[p->readers[v->first_reader + k]];
      fits = r->loop >= 0 && value_in_tile(r) && r->width == v->width && (target < 0 || target == r->loop);
      for (int q = 0; q < r->n_products && fits; q++) fits = r->products[q].operand != p->order[i];
      target = r->loop;
    }
    if (!fits) continue;
    v->loop = target;
    p->n_sunk++;
  }
  return UNROLL_OK;
}

/* ---- who needs a copy of a view ---- */

bool plan_reads_through(const struct plan *p, int reader, int view) {
  const value *r = &p->values[reader], *v = &p->values[view];
  const int whole = r->kind == VALUE_STAGE ? plan_others[r->op]->steps_operand : -1;
  if (whole >= 0 && r->in[whole] == view) return false;
  if (r->loop >= 0 && r->kind != VALUE_VIEW) return true;
  if (v->op != OP_SHIFT || r->kind != VALUE_STAGE) return false;
  return r->op == OP_OUTER ? r->in[1] == view && r->in[0] != view : r->op == OP_SUM_ROWS && r->in[1] >= 0;
}

static void mark_copies(struct plan *p, const bool *kept) {
  for (int i = 0; i < p->n_values; i++) {
    value *v = &p->values[i];
    if (v->kind != VALUE_VIEW) continue;
    v->copied = kept[i];
    for (int k = 0; k < v->n_readers; k++)
      if (!plan_reads_through(p, p->readers[v->first_reader + k], i)) v->copied = true;
  }
}

/* ---- levels ---- */

/* The first level at which all of a value can be read. */
static int available(const struct plan *p, int number) {
  const value *v = &p->values[number];
  if (value_always_there(v)) return 0;
  if (v->kind == VALUE_VIEW && !v->copied) return v->level;
  if (v->loop >= 0 && v->kind != VALUE_VIEW) return p->loops[v->loop].level + 1;
  return v->level + 1;
}
/* A view can be asked for through its source even where a copy exists. */
static int available_to(const struct plan *p, int reader, int number) {
  const value *v = &p->values[number];
  if (v->kind == VALUE_VIEW && plan_reads_through(p, reader, number)) return v->level;
  return available(p, number);
}

typedef struct leveller {
  struct plan *p;
  int level;
} leveller;
static void raise_level(void *context, int reader, int read) {
  leveller *l = context;
  struct plan *p = l->p;
  const value *r = &p->values[reader], *v = &p->values[read];
  int at;
  if (r->loop >= 0 && v->loop == r->loop && v->kind != VALUE_VIEW) {
    at = v->level; /* inside one loop: only sunk values have a level yet, that of their own inputs */
  } else if (value_in_tile(r) && value_in_tile(v) && value_same_tile(r, v)) {
    at = v->level;
    for (int i = 0; i < r->n_products; i++)
      if (r->products[i].operand == read) at = v->level + 1;
  } else
    at = available_to(p, reader, read);
  if (at > l->level) l->level = at;
}

static void level_view(struct plan *p, int number) {
  value *v = &p->values[number];
  v->level = 0;
  for (int i = 0; i < 2; i++)
    if (v->in[i] >= 0 && available(p, v->in[i]) > v->level) v->level = available(p, v->in[i]);
}

/* Outer levels: values in p->order, each loop as a whole when its last member is reached. */
static void level_values(struct plan *p) {
  for (int i = 0; i < p->n_order;) {
    const int component = p->values[p->order[i]].component;
    int end = i + 1;
    while (component >= 0 && end < p->n_order && p->values[p->order[end]].component == component) end++;
    value *first = &p->values[p->order[i]];
    leveller l = {p, 0};
    if (first->loop >= 0 && p->loops[first->loop].component == component && component >= 0) {
      for (int k = i; k < end; k++) p->values[p->order[k]].level = 0;
      for (int k = i; k < end; k++) { /* what comes from outside */
        const value *v = &p->values[p->order[k]];
        if (v->kind == VALUE_VIEW) {
          for (int q = 0; q < 2; q++)
            if (v->in[q] >= 0 && p->values[v->in[q]].component != component && available(p, v->in[q]) > l.level)
              l.level = available(p, v->in[q]);
        } else
          plan_reads(p, p->order[k], raise_level, &l);
      }
      for (int k = end; k < p->n_order && p->values[p->order[k]].loop == first->loop; k++) /* its followers */
        plan_reads(p, p->order[k], raise_level, &l);
      p->loops[first->loop].level = l.level;
      for (int k = i; k < end; k++) { /* its views can be read after it */
        value *v = &p->values[p->order[k]];
        v->level = v->kind == VALUE_VIEW ? l.level + 1 : l.level;
      }
    } else if (first->kind == VALUE_VIEW)
      level_view(p, p->order[i]);
    else {
      plan_reads(p, p->order[i], raise_level, &l);
      first->level = l.level;
    }
    i = end;
  }
}

/* ---- inside a loop ---- */

typedef struct body {
  struct plan *p;
  int loop;
  char *state; /* 0 new, 1 open, 2 done */
  int *out, n;
  int *stack, *next; /* values being visited, and which of their reads comes next */
  int level;
  bool cycle;
} body;

static void level_read(void *context, int reader, int read) {
  body *b = context;
  const value *r = &b->p->values[reader], *v = &b->p->values[read];
  if (v->loop != b->loop || v->kind == VALUE_VIEW) return;
  int at = v->level + 1;
  if (value_in_tile(r) && value_in_tile(v) && r->width == v->width) {
    at = v->level;
    for (int i = 0; i < r->n_products; i++)
      if (r->products[i].operand == read) at = v->level + 1;
  }
  if (at > b->level) b->level = at;
}

/* The k-th value that v reads: NODE_NONE for an empty place, -2 after the last. */
static int read_at(const value *v, int k) {
  if (k < NODE_INPUTS) return v->in[k];
  k -= NODE_INPUTS;
  if (k < v->n_products) return v->products[k].operand;
  k -= v->n_products;
  return k < v->n_terms ? v->terms[k] : -2;
}

static void open_member(body *b, int *depth, int number) {
  b->state[number] = 1;
  b->stack[*depth] = number;
  b->next[(*depth)++] = b->p->values[number].kind == VALUE_VIEW ? -1 : 0;
}

/* Depth first: a value after all it reads in the same step. A view of the step before reads nothing in this one. */
static void visit_member(body *b, int number) {
  int depth = 0;
  if (!b->state[number]) open_member(b, &depth, number);
  while (depth) {
    const int at = b->stack[depth - 1];
    value *v = &b->p->values[at];
    const int read = b->next[depth - 1] < 0 ? -2 : read_at(v, b->next[depth - 1]++);
    if (read >= 0 && b->p->values[read].loop == b->loop) {
      if (!b->state[read])
        open_member(b, &depth, read);
      else if (b->state[read] == 1)
        b->cycle = true;
    }
    if (read != -2) continue;
    if (v->kind != VALUE_VIEW) {
      b->level = 0;
      plan_reads(b->p, at, level_read, b);
      v->level = b->level;
    }
    b->state[at] = 2;
    b->out[b->n++] = at;
    depth--;
  }
}

static unroll_status order_body(struct plan *p, int number, char *state, unroll_error *err) {
  loop *l = &p->loops[number];
  int n = 0;
  for (int i = 0; i < p->n_order; i++) n += p->values[p->order[i]].loop == number;
  int *all = arena_alloc(&p->memory, (size_t)n, sizeof *all);
  body b = {.p = p,
            .loop = number,
            .state = state,
            .out = arena_alloc(&p->memory, (size_t)n, sizeof *b.out),
            .stack = arena_alloc(&p->memory, (size_t)n, sizeof *b.stack),
            .next = arena_alloc(&p->memory, (size_t)n, sizeof *b.next)};
  if (!all || !b.out || !b.stack || !b.next) return error_memory(err);
  n = 0;
  for (int i = 0; i < p->n_order; i++)
    if (p->values[p->order[i]].loop == number) all[n++] = p->order[i];
  for (int i = 0; i < n; i++) visit_member(&b, all[i]);
  if (b.cycle) return error_set(err, UNROLL_BAD_INPUT, "equations define each other at the same step");
  l->members = b.out;
  l->n_members = n;
  return UNROLL_OK;
}

unroll_status plan_schedule(struct plan *p, unroll_error *err) {
  int n_components = 0;
  unroll_status s = plan_find_components(p, &n_components, err);
  if (!s) s = find_loops(p, n_components, err);
  if (s) return s;
  const graph *g = p->g;
  bool *kept = mem_zero((size_t)p->n_values + 1, sizeof *kept);
  char *state = mem_zero((size_t)p->n_values + 1, 1);
  if (!kept || !state) s = error_memory(err);
  for (int i = 0; !s && i < g->n_losses; i++) kept[g->losses[i].node] = true;
  for (int i = 0; !s && i < p->options.n_keep; i++) kept[p->options.keep[i]] = true;
  for (int i = 0; !s && p->options.gradient && i < g->n_gradients; i++) kept[g->gradients[i].node] = true;
  if (!s) s = follow(p, kept, err);
  if (!s) s = sink(p, kept, err);
  if (!s) s = plan_find_readers(p, err);
  if (!s) {
    mark_copies(p, kept);
    level_values(p);
  }
  for (int i = 0; !s && i < p->n_loops; i++) s = order_body(p, i, state, err);
  mem_free(kept);
  mem_free(state);
  return s;
}
