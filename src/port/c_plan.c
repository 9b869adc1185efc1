/* c_plan.c - a net as one C file: which nodes are computed in which function, where they lie, and which of them share a loop.
 *
 * The forward graph has all that is needed. Where one time axis can be taken step by step, it is the stream. What has no steps,
 * or those of another axis, is computed by NAME_reset, what has steps of the stream by NAME_step. A SHIFT becomes a member of the
 * state. What looks at all steps (last, sum, max) is computed by NAME_end, from members that each step brings up to date. A net
 * that looks both ways, or at all steps from each, has no stream, and one function does it all. */
#include <string.h>
#include "base/error.h"
#include "port/c_internal.h"
#include "port/fold.h"

enum { MOST_HEIGHT = 16, LARGE = 1024 /* floats: they lie in the state rather than on the stack */ };

static unroll_status refuse(const c_export *c, int x, const char *what) {
  const node *n = &c->g->nodes[x];
  const char *name = n->name ? n->name : *graph_ops[n->op].text ? graph_ops[n->op].text : graph_ops[n->op].name;
  if (n->source)
    return error_at(c->err, UNROLL_USAGE, n->source->file, n->source->text, n->at.line, n->at.column,
                    "'%s' cannot be written in C: %s", name, what);
  return error_set(c->err, UNROLL_USAGE, "'%s' cannot be written in C: %s", name, what);
}

int c_alias(const c_export *c, int x) {
  const node *n = &c->g->nodes[x];
  switch (n->op) {
  case OP_SPREAD:
  case OP_HOLD:
  case OP_REPEAT:
  case OP_SLICE:
    return n->in[0];
  case OP_MUL:
    for (int k = 0; k < 2; k++)
      if (c->g->nodes[n->in[k]].op == OP_MASK && c->g->nodes[n->in[1 - k]].width == n->width) return n->in[1 - k];
    return NODE_NONE;
  default:
    return NODE_NONE;
  }
}

int c_root(const c_export *c, int x) {
  for (int y = x; y != NODE_NONE; y = c->phase[y] == PHASE_CONSTANT ? NODE_NONE : c_alias(c, y)) x = y;
  return x;
}

bool c_gathers(enum op op) { return op == OP_EDGE || op == OP_SUM_TIME || op == OP_MAX_TIME; }
static bool looks_at_all(enum op op) { return c_gathers(op) || op == OP_LENGTH; }
bool c_reads_all(const node *n, int k) { return k == 1 && (n->op == OP_DOTS || n->op == OP_MIX || n->op == OP_ADDITIVE); }
bool c_has_steps(const c_export *c, int x) { return c->phase[x] == PHASE_START && c->g->nodes[x].space == SPACE_STEP; }

static bool by_hand(enum op op) { /* operators that c_loop.c and c_whole.c know */
  static const enum op known[] = {
      OP_CONST,   OP_SETTING, OP_VECTOR,    OP_INPUT,      OP_CARRY,   OP_MASK,      OP_MATVEC,          OP_MATVEC_T,
      OP_EMBED,   OP_CONCAT,  OP_SLICE,     OP_PAD,        OP_ROW_SUM, OP_REPEAT,    OP_LOG_SUM_EXP,     OP_SOFTMAX,
      OP_SHIFT,   OP_EDGE,    OP_SPREAD,    OP_SUM_TIME,   OP_LENGTH,  OP_LAYERNORM, OP_LAYERNORM_SCALE, OP_MAX_TIME,
      OP_REVERSE, OP_DOTS,    OP_MIX,       OP_ADDITIVE,   OP_CONV,    OP_POOL,      OP_POOL_MEAN,       OP_MATCH,
      OP_BLEND,   OP_PAINT,   OP_BATCHNORM, OP_BATCH_STATS};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i] == op) return true;
  return false;
}

static bool is_leaf(enum op op) { return op == OP_CONST || op == OP_SETTING || op == OP_VECTOR || op == OP_MASK || op == OP_CARRY; }

static unroll_status check(c_export *c, int x) {
  const node *n = &c->g->nodes[x];
  if (!c_operators[n->op].form && !by_hand(n->op)) return refuse(c, x, "there is no loop for this operator yet");
  if (c->out->no_libm && (n->op == OP_LGAMMA || n->op == OP_LBETA)) return refuse(c, x, "it needs math.h");
  if (n->op == OP_INPUT && c->g->inputs[n->slot].seen) return refuse(c, x, "values that were not observed are not known there");
  return UNROLL_OK;
}

/* --- what is needed, and which axis is the stream --- */

/* What the predictions need, states too, into list[]; how many. */
static int reach(const c_export *c, bool *seen, int *list) {
  const graph *g = c->g;
  int n = 0;
  for (int i = 0; i < g->n_losses; i++)
    for (int k = 0; k < g->losses[i].n_args; k++) {
      const int x = g->losses[i].args[k];
      if (!seen[x]) list[n++] = x;
      seen[x] = true;
    }
  for (int i = 0; i < n; i++)
    for (int k = 0; k < NODE_INPUTS && g->nodes[list[i]].space != SPACE_PARAM; k++) {
      const int x = g->nodes[list[i]].in[k];
      if (x == NODE_NONE || seen[x]) continue;
      seen[x] = true;
      list[n++] = x;
    }
  return n;
}

static bool is_predicted(const graph *g, int data) {
  for (int k = 0; k < g->n_losses; k++)
    if (g->losses[k].data == data) return true;
  return false;
}

static bool is_on(const c_export *c, int x, int axis) {
  return x != NODE_NONE && c->g->nodes[x].space == SPACE_STEP && c->g->nodes[x].axis == axis;
}

/* Which of the nodes need all steps of an axis. */
static void find_after(const c_export *c, int axis, const int *list, int n, bool *after) {
  for (int i = 0; i < n; i++) after[list[i]] = false;
  for (bool changed = true; changed;) {
    changed = false;
    for (int i = n - 1; i >= 0; i--) {
      const node *x = &c->g->nodes[list[i]];
      bool is = looks_at_all(x->op) && x->axis == axis;
      for (int k = 0; k < NODE_INPUTS && x->space != SPACE_PARAM; k++) is |= x->in[k] != NODE_NONE && after[x->in[k]];
      changed |= is != after[list[i]];
      after[list[i]] = is;
    }
  }
}

/* Can the steps of an axis be taken one by one, when all else that has steps is known? */
static bool streams(const c_export *c, int axis, const int *list, int n, bool *after) {
  const graph *g = c->g;
  find_after(c, axis, list, n, after);
  for (int i = 0; i < n; i++) {
    const node *x = &g->nodes[list[i]];
    const bool here = is_on(c, list[i], axis);
    if (here && ((x->op == OP_SHIFT && x->dir < 0) || x->op == OP_REVERSE)) return false;
    if (graph_steps_axis(x->width) == axis) return false;
    if (x->space == SPACE_STEP && after[list[i]]) return false;
    for (int k = 0; k < NODE_INPUTS; k++)
      if (c_reads_all(x, k) && is_on(c, x->in[k], axis)) return false;
    if (here && (x->op == OP_INPUT || x->op == OP_EMBED) && !g->inputs[x->slot].lag && is_predicted(g, g->inputs[x->slot].data))
      return false;
  }
  for (int i = 0; i < g->n_losses; i++)
    for (int k = 0; k < g->losses[i].n_args && c_loss_axis(c, &g->losses[i]) == axis; k++)
      if (after[g->losses[i].args[k]]) return false;
  return true;
}

/* The one that is fed back; else the only one. */
static void find_stream(c_export *c, const int *list, int n, bool *after) {
  int found = -1, count = 0;
  bool fed = false;
  for (int a = 0; a < c->g->n_axes; a++) {
    bool used = false, back = false;
    for (int i = 0; i < n; i++) {
      const node *x = &c->g->nodes[list[i]];
      used |= is_on(c, list[i], a);
      if (is_on(c, list[i], a) && (x->op == OP_INPUT || x->op == OP_EMBED))
        back |= c->g->inputs[x->slot].lag > 0 && is_predicted(c->g, c->g->inputs[x->slot].data);
    }
    for (int i = 0; i < c->g->n_losses; i++) used |= c_loss_axis(c, &c->g->losses[i]) == a;
    c->axis_used[a] = used;
    count += used;
    if (used && (found < 0 || (back && !fed))) found = a;
    fed |= back;
  }
  c->stream = (count == 1 || fed) && found >= 0 && streams(c, found, list, n, after) ? found : -1;
}

/* --- which function --- */

/* The inputs of x have their phases; a SHIFT gets its own without them. */
static unroll_status settle(c_export *c, int x) {
  const node *n = &c->g->nodes[x];
  enum phase p = n->space == SPACE_STEP && n->axis == c->stream ? PHASE_STEP : PHASE_START;
  if (is_leaf(n->op))
    p = PHASE_LEAF;
  else if (n->space == SPACE_PARAM)
    p = PHASE_CONSTANT;
  else if (looks_at_all(n->op) && n->axis == c->stream)
    p = PHASE_END;
  const unroll_status status = p <= PHASE_CONSTANT ? UNROLL_OK : check(c, x);
  for (int k = 0; k < NODE_INPUTS && !status && n->op != OP_SHIFT && p == PHASE_START; k++)
    if (n->in[k] != NODE_NONE && c->phase[n->in[k]] == PHASE_END) p = PHASE_END;
  c->phase[x] = (unsigned char)p;
  c->order[c->n_order++] = x;
  return status;
}

/* Everything that `root` needs, inputs first. */
static unroll_status visit(c_export *c, int root, int *stack, unsigned char *seen) {
  unroll_status status = UNROLL_OK;
  int depth = 0;
  if (root == NODE_NONE || seen[root]) return UNROLL_OK;
  stack[depth++] = root;
  while (depth > 0 && !status) {
    const int x = stack[depth - 1];
    const node *n = &c->g->nodes[x];
    const bool opened = seen[x];
    seen[x] = 1;
    for (int k = 0; k < NODE_INPUTS && !opened; k++)
      if (n->in[k] != NODE_NONE && !seen[n->in[k]] && n->op != OP_SHIFT && n->space != SPACE_PARAM) stack[depth++] = n->in[k];
    if (!opened) continue;
    depth--;
    if (c->phase[x] == PHASE_NONE) status = settle(c, x);
  }
  return status;
}

static unroll_status walk(c_export *c) {
  const graph *g = c->g;
  const size_t nodes = (size_t)g->n_nodes + 1;
  int *stack = arena_alloc(&c->memory, nodes * (NODE_INPUTS + 1), sizeof *stack),
      *list = arena_alloc(&c->memory, nodes, sizeof *list);
  unsigned char *seen = arena_alloc(&c->memory, nodes, 1);
  bool *needed = arena_alloc(&c->memory, nodes, sizeof *needed), *after = arena_alloc(&c->memory, nodes, sizeof *after);
  unroll_status status = stack && list && seen && needed && after ? UNROLL_OK : error_memory(c->err);
  if (!status) find_stream(c, list, reach(c, needed, list), after);
  for (int i = 0; i < g->n_losses && !status; i++)
    for (int k = 0; k < g->losses[i].n_args && !status; k++) status = visit(c, g->losses[i].args[k], stack, seen);
  for (int i = 0; i < c->n_order && !status; i++) { /* grows as states are found */
    const node *n = &g->nodes[c->order[i]];
    if (n->op != OP_SHIFT || c->phase[c->order[i]] <= PHASE_CONSTANT) continue;
    status = visit(c, n->in[0], stack, seen);
    if (!status) status = visit(c, n->in[1], stack, seen);
  }
  return status;
}

bool c_is_symbols(const loss *l) { return l->distribution->support == SUPPORT_SYMBOLS; }
bool c_takes_symbols(const c_export *c, int data) { return c->m->schema.list[data].form.unit != UNIT_NUMBERS; }

bool c_is_streamed(const c_export *c, int data) {
  return c->data[data].used && c->g->data[data].space == SPACE_STEP && c->g->data[data].axis == c->stream;
}

int c_loss_axis(const c_export *c, const loss *l) {
  for (int k = 0; k < l->n_args; k++)
    if (c->g->nodes[l->args[k]].space == SPACE_STEP) return c->g->nodes[l->args[k]].axis;
  return l->distribution->aligned && c->g->data[l->data].space == SPACE_STEP ? c->g->data[l->data].axis : -1;
}

enum phase c_loss_phase(const c_export *c, const loss *l) {
  const int axis = c_loss_axis(c, l);
  if (axis >= 0) return axis == c->stream ? PHASE_STEP : PHASE_START;
  return c->stream >= 0 ? PHASE_END : PHASE_START;
}

bool c_has_loss_steps(const c_export *c, const loss *l) { return c_loss_phase(c, l) == PHASE_START && c_loss_axis(c, l) >= 0; }

/* --- what is stored, and where --- */

static bool is_late(const c_export *c, int y) { return c->phase[y] > PHASE_START && c->g->nodes[y].op != OP_SHIFT; }

/* Numbers that go into loops of NAME_reset just as the caller has them. */
static void find_given(c_export *c) {
  for (int i = 0; i < c->n_order; i++) {
    const int x = c->order[i];
    const node *n = &c->g->nodes[x];
    if (n->op != OP_INPUT || !c_has_steps(c, x)) continue;
    if (!c->g->inputs[n->slot].lag && !c->data[c->g->inputs[n->slot].data].scaled) c->home[x] = HOME_GIVEN;
  }
  for (int i = 0; i < c->n_order; i++)
    for (int k = 0; k < NODE_INPUTS && is_late(c, c->order[i]); k++) {
      const int x = c->g->nodes[c->order[i]].in[k], root = x == NODE_NONE ? NODE_NONE : c_root(c, x);
      if (root != NODE_NONE && c->home[root] == HOME_GIVEN) c->home[root] = HOME_NONE;
    }
}

/* All steps of x are needed by what is not in its loop. */
static void need_all(c_export *c, int x, bool here, c_group group) {
  const int root = c_root(c, x);
  if (!c_has_steps(c, root) || c->home[root] == HOME_GIVEN || is_leaf(c->g->nodes[root].op)) return;
  const enum op op = c->g->nodes[root].op;
  if (here && c_same_group(c->group[root], group)) return;
  if (!here || (op != OP_EMBED && op != OP_INPUT)) c->home[root] = HOME_ALL_STEPS;
  if (c->home[root] == HOME_NONE) c->home[root] = HOME_EACH;
}

static void find_all_steps(c_export *c) {
  for (int i = 0; i < c->n_order; i++) {
    const int y = c->order[i];
    const node *n = &c->g->nodes[y];
    if (c->phase[y] <= PHASE_CONSTANT || c_gathers(n->op) || c_alias(c, y) != NODE_NONE) continue;
    for (int k = 0; k < NODE_INPUTS; k++) {
      if (n->in[k] == NODE_NONE || (n->op == OP_SHIFT && c_carried(c, y))) continue;
      need_all(c, n->in[k], !is_late(c, y) && n->op != OP_SHIFT && n->op != OP_REVERSE && !c_reads_all(n, k), c->group[y]);
    }
  }
  for (int i = 0; i < c->g->n_losses; i++)
    for (int k = 0; k < c->g->losses[i].n_args; k++) need_all(c, c->g->losses[i].args[k], true, c->loss_group[i]);
  for (bool changed = true; changed;) { /* a state of which all steps are needed is looked up there, too */
    changed = false;
    for (int i = 0; i < c->n_order; i++) {
      const node *n = &c->g->nodes[c->order[i]];
      if (n->op != OP_SHIFT || c->home[c->order[i]] != HOME_ALL_STEPS || n->in[0] == NODE_NONE) continue;
      const int root = c_root(c, n->in[0]), before = c->home[root];
      need_all(c, n->in[0], false, c->group[c->order[i]]);
      changed |= c->home[root] != before;
    }
  }
}

static void count_uses(c_export *c) {
  for (int i = 0; i < c->n_order; i++) {
    const node *n = &c->g->nodes[c->order[i]];
    for (int k = 0; k < NODE_INPUTS && c->phase[c->order[i]] > PHASE_CONSTANT; k++)
      if (n->in[k] != NODE_NONE) c->uses[n->in[k]]++;
  }
  for (int i = 0; i < c->g->n_losses; i++)
    for (int k = 0; k < c->g->losses[i].n_args; k++) c->uses[c->g->losses[i].args[k]]++;
}

static bool elementwise(enum op op) { return graph_ops[op].kind != OP_KIND_OTHER; }

static bool can_inline(const c_export *c, int x, int y) {
  const node *in = &c->g->nodes[x], *n = &c->g->nodes[y];
  if (in->name || c->uses[x] != 1 || c->phase[x] != c->phase[y] || c_alias(c, x) != NODE_NONE) return false;
  if (c->home[x] != HOME_NONE || (c_has_steps(c, x) && !c_same_group(c->group[x], c->group[y]))) return false;
  if (in->space != n->space || (c->phase[x] == PHASE_START && in->axis != n->axis)) return false;
  if (!elementwise(in->op) && in->op != OP_MATVEC && in->op != OP_MATVEC_T && in->op != OP_EMBED) return false;
  return (in->width == n->width || n->op == OP_CONCAT) && c->height[x] < MOST_HEIGHT;
}

static void share_loops(c_export *c) {
  for (int i = 0; i < c->n_order; i++) {
    const int y = c->order[i];
    const node *n = &c->g->nodes[y];
    c->height[y] = 1;
    for (int k = 0; k < NODE_INPUTS; k++) {
      const int x = n->in[k];
      if (x == NODE_NONE || c->phase[y] <= PHASE_CONSTANT || c_alias(c, y) != NODE_NONE) continue;
      if ((!elementwise(n->op) && n->op != OP_CONCAT) || !can_inline(c, x, y)) continue;
      c->inlined[x] = true;
      if (c->height[x] >= c->height[y]) c->height[y] = c->height[x] + 1;
    }
  }
}

/* What a later function needs of NAME_reset is part of the state. */
static void keep(c_export *c, int x) {
  const int root = c_root(c, x);
  if (c->phase[root] == PHASE_START && c->home[root] == HOME_LOCAL) c->home[root] = HOME_STATE;
}

static void settle_homes(c_export *c) {
  const graph *g = c->g;
  for (int i = 0; i < c->n_order; i++) {
    const int x = c->order[i];
    const node *n = &g->nodes[x];
    if (c->phase[x] <= PHASE_CONSTANT || c->inlined[x] || c->home[x] != HOME_NONE || n->op == OP_LENGTH) continue;
    if (c_alias(c, x) != NODE_NONE || (n->op == OP_INPUT && c->phase[x] == PHASE_STEP)) continue;
    const bool member = n->op == OP_SHIFT || c_gathers(n->op);
    const bool state = member ? c->phase[x] != PHASE_START : n->width > LARGE && graph_steps_axis(n->width) < 0;
    c->home[x] = state ? HOME_STATE : HOME_LOCAL;
  }
  for (int i = 0; i < c->n_order; i++)
    for (int k = 0; k < NODE_INPUTS && is_late(c, c->order[i]); k++)
      if (g->nodes[c->order[i]].in[k] != NODE_NONE) keep(c, g->nodes[c->order[i]].in[k]);
  for (int i = 0; i < g->n_losses; i++)
    for (int k = 0; k < g->losses[i].n_args && c_loss_phase(c, &g->losses[i]) != PHASE_START; k++) keep(c, g->losses[i].args[k]);
}

/* Which axes have a most, and whose number of steps a later function needs. */
static void find_axes(c_export *c) {
  const graph *g = c->g;
  for (int i = 0; i < c->n_order; i++) {
    const int x = c->order[i], columns = graph_steps_axis(g->nodes[x].width);
    const node *n = &g->nodes[x];
    if (c->phase[x] <= PHASE_CONSTANT) continue;
    if (columns >= 0) c->axis_bound[columns] = true;
    if (c->home[x] == HOME_ALL_STEPS) c->axis_bound[n->axis] = true;
    if (n->op == OP_LENGTH && n->axis != c->stream) c->axis_kept[n->axis] = true;
    if (c->phase[x] == PHASE_START) continue;
    if (columns >= 0) c->axis_kept[columns] = true;
    for (int k = 0; k < NODE_INPUTS; k++)
      if (n->in[k] != NODE_NONE && c_reads_all(n, k) && g->nodes[n->in[k]].space == SPACE_STEP)
        c->axis_kept[g->nodes[n->in[k]].axis] = true;
    if (c->home[x] == HOME_STATE) c->has_members = true;
  }
  for (int i = 0; i < c->n_order; i++) c->has_members |= c->home[c->order[i]] >= HOME_STATE;
  for (int a = 0; a < g->n_axes; a++) {
    if (c->stream < 0) c->axis_kept[a] = false;
    c->has_members |= c->axis_kept[a];
  }
}

/* --- inputs --- */

static unroll_status find_inputs(c_export *c) {
  const graph *g = c->g;
  for (int i = 0; i < c->n_order; i++) {
    const node *n = &g->nodes[c->order[i]];
    if ((n->op != OP_INPUT && n->op != OP_EMBED) || c->phase[c->order[i]] == PHASE_CONSTANT) continue;
    const input *in = &g->inputs[n->slot];
    c_data *d = &c->data[in->data];
    if (!d->used || in->lag < d->least) d->least = in->lag;
    if (!d->used || in->lag > d->most) d->most = in->lag;
    d->used = true;
  }
  for (int i = 0; i < g->n_data; i++) {
    const variable *v = &c->m->schema.list[i];
    for (int j = 0; v->mean && j < v->width; j++) c->data[i].scaled |= v->mean[j] != 0 || v->deviation[j] != 1;
  }
  return UNROLL_OK;
}

static bool room(c_export *c) {
  const size_t n = (size_t)c->g->n_nodes + 1, p = (size_t)c->g->n_params + 1, d = (size_t)c->g->n_data + 1;
  const size_t axes = (size_t)c->g->n_axes + 1, losses = (size_t)c->g->n_losses + 1, slots = (size_t)c->g->n_inputs + 1;
  arena *a = &c->memory;
  bool full = true;
#define ROOM(what, count) full = full && (c->what = arena_alloc(a, count, sizeof *c->what)) != NULL
  ROOM(phase, n);
  ROOM(home, n);
  ROOM(inlined, n);
  ROOM(uses, n);
  ROOM(height, n);
  ROOM(group, n);
  ROOM(names, n);
  ROOM(order, n);
  ROOM(weight_used, p);
  ROOM(weight_names, p);
  ROOM(slot_names, slots);
  ROOM(data, d);
  ROOM(loss_group, losses);
  ROOM(outputs, losses);
  ROOM(steps_names, axes);
  ROOM(most_names, axes);
  ROOM(axis_used, axes);
  ROOM(axis_bound, axes);
  ROOM(axis_kept, axes);
  ROOM(matrices, n);
  ROOM(rounded, 3 * n);
  ROOM(taken, 9 * n + p + 4 * d + LOSS_ARGS * losses + 2 * axes + slots);
#undef ROOM
  return full;
}

static unroll_status name_file(c_export *c) {
  const char *s = c->out->name ? c->out->name : c->m->net_file;
  const char *slash = strrchr(s, '/');
  if (slash && !c->out->name) s = slash + 1;
  const char *dot = c->out->name ? NULL : strchr(s, '.');
  const char *base = arena_text(&c->memory, s, dot && dot > s ? (size_t)(dot - s) : strlen(s));
  c->name = base ? c_name(c, base, "") : NULL;
  return c->name ? UNROLL_OK : error_memory(c->err);
}

static unroll_status plan(c_export *c) {
  unroll_status status = walk(c);
  if (!status) status = find_inputs(c);
  if (status) return status;
  for (int i = 0; i < c->n_order; i++) c->has_end |= c->phase[c->order[i]] == PHASE_END;
  for (int i = 0; i < c->g->n_losses; i++) c->has_end |= c_loss_phase(c, &c->g->losses[i]) == PHASE_END;
  find_given(c);
  status = c_groups(c);
  if (status) return status;
  find_all_steps(c);
  count_uses(c);
  share_loops(c);
  settle_homes(c);
  find_axes(c);
  c->has_state = c->stream >= 0 || c->has_members;
  return c_name_all(c);
}

unroll_status port_write_c(port_c *out, const model *m, unroll_error *err) {
  model folded;
  c_export c = {.out = out, .m = &folded, .g = &folded.g, .stream = -1, .when = "t", .err = err};
  const bool whole = port_fold(&folded, m, &c.memory) >= 0;
  unroll_status status = whole && room(&c) ? UNROLL_OK : error_memory(err);
  if (!status && m->schema.time.scaling != SCALING_NONE)
    status = error_set(err, UNROLL_USAGE, "the numbers of this model are scaled by what a window of a series knows: not so in C");
  if (!status && !m->g.n_losses) status = error_set(err, UNROLL_USAGE, "the net predicts nothing, so there is nothing to write");
  if (!status) status = name_file(&c);
  if (!status) status = plan(&c);
  if (!status) status = c_reference(&c);
  if (!status) status = c_file(&c);
  for (int p = 0; p < N_PHASES; p++) text_free(&c.body[p]);
  reference_free(&c.values);
  random_batch_free(&c.batch);
  arena_free(&c.memory);
  return status;
}
