/* c_plan.c - a net as one C file: which nodes are computed in which function, and which of them share a loop.
 *
 * The forward graph has all that is needed. A SHIFT becomes a member of the state. What has no steps is computed by NAME_reset,
 * what has steps by NAME_step. What looks at all steps (last, sum, max) is computed by NAME_end, from members that each step
 * brings up to date. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "port/c_internal.h"

enum { MOST_HEIGHT = 16, MOST_NAME = 64 };

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

static bool looks_at_all(enum op op) { return op == OP_EDGE || op == OP_SUM_TIME || op == OP_MAX_TIME || op == OP_LENGTH; }

static bool by_hand(enum op op) { /* operators that c_loop.c knows */
  switch (op) {
  case OP_CONST:
  case OP_SETTING:
  case OP_VECTOR:
  case OP_INPUT:
  case OP_CARRY:
  case OP_MASK:
  case OP_MATVEC:
  case OP_MATVEC_T:
  case OP_EMBED:
  case OP_CONCAT:
  case OP_SLICE:
  case OP_PAD:
  case OP_ROW_SUM:
  case OP_LOG_SUM_EXP:
  case OP_REPEAT:
  case OP_SOFTMAX:
  case OP_LAYERNORM_SCALE:
  case OP_LAYERNORM:
  case OP_SHIFT:
  case OP_EDGE:
  case OP_SPREAD:
  case OP_SUM_TIME:
  case OP_LENGTH:
  case OP_MAX_TIME:
    return true;
  default:
    return false;
  }
}

static bool is_leaf(enum op op) { return op == OP_CONST || op == OP_SETTING || op == OP_VECTOR || op == OP_MASK || op == OP_CARRY; }

static unroll_status check(c_export *c, int x) {
  const node *n = &c->g->nodes[x];
  if (n->op == OP_SHIFT && n->dir < 0) return refuse(c, x, "it needs later steps");
  if (graph_steps_axis(n->width) >= 0) return refuse(c, x, "it needs all steps of a sequence at once");
  if (!c_operators[n->op].form && !by_hand(n->op)) return refuse(c, x, "there is no loop for this operator yet");
  if (n->op == OP_INPUT && c->g->inputs[n->slot].seen) return refuse(c, x, "values that were not observed are not known there");
  if (n->space == SPACE_STEP && c->axis >= 0 && n->axis != c->axis) return refuse(c, x, "it has steps of a second sequence");
  if (n->space == SPACE_STEP) c->axis = n->axis;
  return UNROLL_OK;
}

/* The inputs of x have their phases; a SHIFT gets its own without them. */
static unroll_status settle(c_export *c, int x) {
  const node *n = &c->g->nodes[x];
  enum phase p = n->space == SPACE_STEP ? PHASE_STEP : PHASE_START;
  if (is_leaf(n->op))
    p = PHASE_LEAF;
  else if (n->space == SPACE_PARAM)
    p = PHASE_CONSTANT;
  else if (looks_at_all(n->op))
    p = PHASE_END;
  const unroll_status status = p == PHASE_CONSTANT ? UNROLL_OK : check(c, x);
  for (int k = 0; k < NODE_INPUTS && !status && n->op != OP_SHIFT && p > PHASE_CONSTANT; k++) {
    if (n->in[k] == NODE_NONE) continue;
    if (c->phase[n->in[k]] == PHASE_END && p == PHASE_STEP) return refuse(c, x, "its steps begin when those of another are over");
    if (c->phase[n->in[k]] == PHASE_END) p = PHASE_END;
  }
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
  int *stack = arena_alloc(&c->memory, (size_t)g->n_nodes * (NODE_INPUTS + 1) + 1, sizeof *stack);
  unsigned char *seen = arena_alloc(&c->memory, (size_t)g->n_nodes + 1, 1);
  unroll_status status = stack && seen ? UNROLL_OK : error_memory(c->err);
  for (int i = 0; i < g->n_losses && !status; i++)
    for (int k = 0; k < g->losses[i].n_args && !status; k++) status = visit(c, g->losses[i].args[k], stack, seen);
  for (int i = 0; i < c->n_order && !status; i++) { /* grows as states are found */
    const node *n = &g->nodes[c->order[i]];
    if (n->op != OP_SHIFT || c->phase[c->order[i]] != PHASE_STEP) continue;
    status = visit(c, n->in[0], stack, seen);
    if (!status) status = visit(c, n->in[1], stack, seen);
    if (!status && n->in[1] != NODE_NONE && c->phase[n->in[1]] == PHASE_END)
      status = refuse(c, c->order[i], "its steps begin when those of another are over");
  }
  return status;
}

/* --- what is stored, and where --- */

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

static void share_loops(c_export *c) {
  const graph *g = c->g;
  for (int i = 0; i < c->n_order; i++) {
    const int y = c->order[i];
    const node *n = &g->nodes[y];
    c->height[y] = 1;
    for (int k = 0; k < NODE_INPUTS; k++) {
      const int x = n->in[k];
      if (x == NODE_NONE || c->phase[y] <= PHASE_CONSTANT || c_alias(c, y) != NODE_NONE) continue;
      if (!elementwise(n->op) && n->op != OP_CONCAT) continue;
      const node *in = &g->nodes[x];
      if (in->name || c->uses[x] != 1 || c->phase[x] != c->phase[y] || c_alias(c, x) != NODE_NONE) continue;
      if (!elementwise(in->op) && in->op != OP_MATVEC && in->op != OP_MATVEC_T && in->op != OP_EMBED) continue;
      if ((in->width != n->width && n->op != OP_CONCAT) || c->height[x] >= MOST_HEIGHT) continue;
      c->inlined[x] = true;
      if (c->height[x] >= c->height[y]) c->height[y] = c->height[x] + 1;
    }
  }
}

/* What a later function needs of NAME_reset is part of the state. */
static void keep(c_export *c, int x) {
  while (x != NODE_NONE && c->phase[x] == PHASE_START) {
    c->kept[x] = true;
    x = c_alias(c, x);
  }
}

static void keep_all(c_export *c) {
  for (int i = 0; i < c->n_order; i++) {
    const int y = c->order[i];
    const node *n = &c->g->nodes[y];
    if (n->op == OP_SHIFT || c->phase[y] <= PHASE_START) continue;
    for (int k = 0; k < NODE_INPUTS; k++) keep(c, n->in[k]);
  }
  for (int i = 0; i < c->g->n_losses && c->has_steps; i++)
    for (int k = 0; k < c->g->losses[i].n_args; k++) keep(c, c->g->losses[i].args[k]);
}

/* --- names --- */

static const char *const reserved[] = {
    "alignas",  "alignof",  "and",       "asm",      "auto",      "bool",     "break",    "case",   "catch",    "char",
    "class",    "concept",  "const",     "continue", "decltype",  "default",  "delete",   "do",     "double",   "else",
    "enum",     "explicit", "export",    "extern",   "false",     "float",    "for",      "friend", "goto",     "if",
    "inline",   "int",      "long",      "mutable",  "namespace", "new",      "noexcept", "not",    "nullptr",  "operator",
    "or",       "private",  "protected", "public",   "register",  "requires", "restrict", "return", "short",    "signed",
    "sizeof",   "static",   "struct",    "switch",   "template",  "this",     "throw",    "true",   "try",      "typedef",
    "typename", "union",    "unsigned",  "using",    "virtual",   "void",     "volatile", "while",  "xor",      "main",
    "state",    "steps",    "i",         "k",        "t",         "row",      "best",     "NULL",   "HUGE_VALF"};

static bool is_taken(const c_export *c, const char *s) {
  for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
    if (!strcmp(reserved[i], s)) return true;
  for (int i = 0; i < c->n_taken; i++)
    if (!strcmp(c->taken[i], s)) return true;
  return false;
}

const char *c_name(c_export *c, const char *wanted, const char *suffix) {
  text s = {0};
  size_t length = strlen(wanted);
  if (length > MOST_NAME) length = MOST_NAME;
  if (!length || isdigit((unsigned char)*wanted) || *wanted == '_') text_format(&s, "n");
  for (size_t i = 0; i < length; i++) {
    const char letter = wanted[i];
    const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9');
    text_format(&s, "%c", plain ? letter : '_');
  }
  text_format(&s, "%s", suffix);
  const size_t base = s.length;
  for (int i = 2; !s.failed && is_taken(c, s.data); i++) {
    s.length = base;
    text_format(&s, "_%d", i);
  }
  const char *name = s.failed ? NULL : arena_text(&c->memory, s.data, s.length);
  text_free(&s);
  if (name) c->taken[c->n_taken++] = name;
  return name;
}

static bool is_stored(const c_export *c, int x) {
  const node *n = &c->g->nodes[x];
  if (c->phase[x] == PHASE_LEAF || c->inlined[x] || n->op == OP_LENGTH) return false;
  return c->phase[x] == PHASE_CONSTANT || c_alias(c, x) == NODE_NONE;
}

/* A value that is given late is x_before, or x_2_before. */
static bool name_data(c_export *c, int data) {
  c_data *d = &c->data[data];
  char suffix[32] = "";
  if (d->least == 1) snprintf(suffix, sizeof suffix, "_before");
  if (d->least > 1) snprintf(suffix, sizeof suffix, "_%d_before", d->least);
  const char *name = c->g->data[data].name;
  d->name = c_name(c, name, suffix);
  d->value = c_name(c, name, "_value");
  d->center = c_name(c, name, "_center");
  d->spread = c_name(c, name, "_spread");
  return d->name && d->value && d->center && d->spread;
}

static bool name_output(c_export *c, int loss_number, int k) {
  const loss *l = &c->g->losses[loss_number];
  char suffix[64];
  if (c_is_symbols(l))
    snprintf(suffix, sizeof suffix, "_p");
  else if (k < l->distribution->n_args)
    snprintf(suffix, sizeof suffix, "_%s", l->distribution->args[k].name);
  else
    snprintf(suffix, sizeof suffix, "_%s%d", l->distribution->name, k + 1);
  c->outputs[loss_number][k] = c_name(c, c->g->data[l->data].name, suffix);
  return c->outputs[loss_number][k] != NULL;
}

static unroll_status name_all(c_export *c) {
  const graph *g = c->g;
  bool full = true;
  int unnamed = 0;
  for (int i = 0; i < g->n_params && full; i++) full = (c->weight_names[i] = c_name(c, g->params[i].name, "_w")) != NULL;
  for (int i = 0; i < g->n_data && full; i++) full = name_data(c, i);
  for (int i = 0; i < g->n_losses && full; i++)
    for (int k = 0; k < g->losses[i].n_args && full; k++) full = name_output(c, i, k);
  for (int i = 0; i < c->n_order && full; i++) {
    const node *n = &g->nodes[c->order[i]];
    const bool state = n->op == OP_SHIFT || (looks_at_all(n->op) && !n->name);
    if (!is_stored(c, c->order[i]) || state || (n->op == OP_INPUT && n->space == SPACE_STEP)) continue;
    char number[32];
    snprintf(number, sizeof number, "%d", ++unnamed);
    full = (c->names[c->order[i]] = c_name(c, n->name ? n->name : "u", n->name ? "" : number)) != NULL;
    unnamed -= n->name != NULL;
  }
  for (int i = 0; i < c->n_order && full; i++) {
    const int x = c->order[i];
    const node *n = &g->nodes[x];
    if (c->names[x] || (n->op != OP_SHIFT && !looks_at_all(n->op)) || n->op == OP_LENGTH) continue;
    const char *of = n->in[0] == NODE_NONE ? NULL : g->nodes[n->in[0]].name;
    const char *suffix = n->op == OP_SHIFT      ? "_before"
                         : n->op == OP_SUM_TIME ? "_sum"
                         : n->op == OP_MAX_TIME ? "_max"
                         : n->dir > 0           ? "_first"
                                                : "_last";
    full = (c->names[x] = c_name(c, of ? of : "u", suffix)) != NULL;
  }
  return full ? UNROLL_OK : error_memory(c->err);
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
    for (int k = 0; k < g->n_losses && !in->lag; k++)
      if (g->losses[k].data == in->data) return refuse(c, c->order[i], "it sees what is predicted in the same step");
  }
  for (int i = 0; i < g->n_data; i++) {
    const variable *v = &c->m->schema.list[i];
    for (int j = 0; v->mean && j < v->width; j++) c->data[i].scaled |= v->mean[j] != 0 || v->deviation[j] != 1;
  }
  return UNROLL_OK;
}

static bool room(c_export *c) {
  const size_t n = (size_t)c->g->n_nodes + 1, p = (size_t)c->g->n_params + 1, d = (size_t)c->g->n_data + 1;
  c->phase = arena_alloc(&c->memory, n, 1);
  c->inlined = arena_alloc(&c->memory, n, sizeof *c->inlined);
  c->kept = arena_alloc(&c->memory, n, sizeof *c->kept);
  c->uses = arena_alloc(&c->memory, n, sizeof *c->uses);
  c->height = arena_alloc(&c->memory, n, sizeof *c->height);
  c->names = arena_alloc(&c->memory, n, sizeof *c->names);
  c->order = arena_alloc(&c->memory, n, sizeof *c->order);
  c->weight_used = arena_alloc(&c->memory, p, sizeof *c->weight_used);
  c->weight_names = arena_alloc(&c->memory, p, sizeof *c->weight_names);
  c->data = arena_alloc(&c->memory, d, sizeof *c->data);
  c->outputs = arena_alloc(&c->memory, (size_t)c->g->n_losses + 1, sizeof *c->outputs);
  c->taken = arena_alloc(&c->memory, n + p + 4 * d + LOSS_ARGS * (size_t)c->g->n_losses + 1, sizeof *c->taken);
  return c->phase && c->inlined && c->kept && c->uses && c->height && c->names && c->order && c->weight_used && c->weight_names &&
         c->data && c->outputs && c->taken;
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
  for (int i = 0; i < c->n_order; i++) {
    c->has_steps |= c->phase[c->order[i]] == PHASE_STEP;
    c->has_end |= c->phase[c->order[i]] == PHASE_END;
  }
  count_uses(c);
  share_loops(c);
  keep_all(c);
  return name_all(c);
}

unroll_status port_write_c(port_c *out, const model *m, unroll_error *err) {
  c_export c = {.out = out, .m = m, .g = &m->g, .axis = -1, .err = err};
  unroll_status status = room(&c) ? UNROLL_OK : error_memory(err);
  if (!status && m->schema.time.scaling != SCALING_NONE)
    status = error_set(err, UNROLL_USAGE, "the numbers of this model are scaled by what a window of a series knows: not so in C");
  if (!status && !m->g.n_losses) status = error_set(err, UNROLL_USAGE, "the net predicts nothing, so there is nothing to write");
  if (!status) status = name_file(&c);
  if (!status) status = plan(&c);
  for (int i = 0; i < m->g.n_losses && !status; i++) c.has_end |= c_loss_phase(&c, &m->g.losses[i]) == PHASE_END;
  if (!status) status = c_reference(&c);
  if (!status) status = c_file(&c);
  for (int p = 0; p < N_PHASES; p++) text_free(&c.body[p]);
  reference_free(&c.values);
  random_batch_free(&c.batch);
  arena_free(&c.memory);
  return status;
}
