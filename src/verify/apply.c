/* apply.c - `unroll run`: sizes that the tensors imply, names of states and outputs, and the graph with initial states and
 * cotangents.
 *
 * The idea: everything that comes from the file of inputs is an INPUT node. A state whose recurrence starts from zero gets one
 * as its initial value. A cotangent is one that seeds the gradient at the node it belongs to. The gradient of an INPUT node is
 * its adjoint. Then one pass of the graph, planned or interpreted, is all there is to do (apply_run.c). Some sizes no setting
 * gives, such as `hidden` of a cell or the number of symbols. They are found by building the net with two values and looking
 * which weight's shape follows. */
#include "verify/apply.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "verify/apply_run.h"

enum { FIRST_GUESS = 7, MAX_HIDDEN = 65536, MAX_WIDTH = 1 << 24, MAX_UNKNOWN = 66 };

static bool is_cell(const program *net) {
  for (int i = 0; i < net->n_statements; i++)
    if (net->statements[i].kind == STATEMENT_DATA || net->statements[i].kind == STATEMENT_DISTRIBUTION) return false;
  return true;
}

/* --- sizes --- */

typedef struct sizes {
  setting *settings;
  int n_settings, hidden; /* which of the settings is `hidden` of a cell, to be found; -1: none */
  binding *bindings;
  int n_bindings, n_symbols; /* the first n_symbols bindings are to be found */
} sizes;

static unroll_status build(apply_run *r, graph *g, const program *net, const sizes *z, unroll_error *err) {
  graph_init(g);
  const build_options b = {.settings = z->settings,
                           .n_settings = z->n_settings,
                           .bindings = z->bindings,
                           .n_bindings = z->n_bindings,
                           .find_cell = r->o->find_cell,
                           .context = r->o->context};
  return graph_build(g, net, &b, err);
}

/* The last dimension of a tensor of numbers, or 0. */
static int width_of(const apply_run *r, const char *name) {
  const tensor *t = tensor_find(r->inputs, name);
  const bool number = t && (t->type == TENSOR_F32 || t->type == TENSOR_F64);
  if (!number || t->rank < 2 || t->rank > 3) return 0;
  const int64_t width = t->shape[t->rank - 1];
  return width >= 1 && width <= MAX_WIDTH ? (int)width : 0;
}

/* The width of a cell's output, where only its own tensors say it. */
static int64_t value_of_output(const apply_run *r, const graph *a, const graph *b, int value) {
  char name[80];
  if (!a->output || a->nodes[a->output_node].width == b->nodes[b->output_node].width) return 0;
  for (int i = 0; i < 2; i++) {
    snprintf(name, sizeof name, i ? "d.%.63s" : "%.63s[0]", a->output);
    const int step = b->nodes[b->output_node].width - a->nodes[a->output_node].width, width = width_of(r, name);
    if (width && step > 0) return (width - a->nodes[a->output_node].width) / step + value;
  }
  return 0;
}

/* The value that gives some weight its shape in the file, if shapes grow evenly from graph a (built with `value`) to b (value +
 * 1). 0: there is none. */
static int64_t value_of_shapes(const apply_run *r, const graph *a, const graph *b, int value) {
  for (int i = 0; i < a->n_params && i < b->n_params; i++) {
    const param *p = &a->params[i], *q = &b->params[i];
    const tensor *t = tensor_find(r->weights, p->name);
    if (!t || strcmp(p->name, q->name) || t->rank != (p->vector ? 1 : 2)) continue;
    for (int k = 0; k < t->rank; k++) {
      const int64_t was = k ? p->cols : p->rows, step = (k ? q->cols : q->rows) - was;
      if (step > 0 && (t->shape[k] - was) % step == 0) return (t->shape[k] - was) / step + value;
    }
  }
  return value_of_output(r, a, b, value);
}

/* Leaves *value as it is when the weights do not say it. */
static unroll_status find_size(apply_run *r, const program *net, const sizes *z, double *number, int *whole, int most,
                               unroll_error *err) {
  graph g[2];
  unroll_status s[2] = {UNROLL_OK, UNROLL_OK};
  const int value = number ? (int)*number : *whole;
  for (int i = 0; i < 2; i++) {
    if (number)
      *number = value + i;
    else
      *whole = value + i;
    s[i] = build(r, &g[i], net, z, err);
  }
  int64_t found = s[0] || s[1] ? 0 : value_of_shapes(r, &g[0], &g[1], value);
  if (found < 1 || found > most) found = value;
  if (number)
    *number = (double)found;
  else
    *whole = (int)found;
  graph_free(&g[0]);
  graph_free(&g[1]);
  if (s[0] == UNROLL_FAILED || s[1] == UNROLL_FAILED) return UNROLL_FAILED;
  return UNROLL_OK; /* what is wrong with the net will be said when it is built for good */
}

static const setting *find_setting(const apply_options *o, const char *name) {
  for (int i = 0; i < o->n_settings; i++)
    if (!strcmp(o->settings[i].name, name)) return &o->settings[i];
  return NULL;
}

static bool is_symbols(const char *name) {
  const data_kind *k = kind_find(name);
  return k && kind_is_symbols(k);
}

/* Numbers are as wide as their tensor, unless the net says how wide they are. */
static void bind_numbers(const apply_run *r, const program *net, sizes *z) {
  for (int i = 0; i < net->n_statements; i++) {
    const statement *d = &net->statements[i];
    const bool open = d->kind == STATEMENT_DATA && d->value && d->value->kind == EXPR_NAME && !strcmp(d->value->name, "numbers");
    const int width = open ? width_of(r, d->name) : 0;
    if (width) z->bindings[z->n_bindings++] = (binding){.name = d->name, .width = width};
  }
}

static void bind_symbols(const program *net, sizes *z) {
  for (int i = 0; i < net->n_statements && z->n_bindings < MAX_UNKNOWN; i++) {
    const statement *d = &net->statements[i];
    if (d->kind == STATEMENT_DATA && d->value && d->value->name && is_symbols(d->value->name))
      z->bindings[z->n_bindings++] = (binding){.name = d->name, .width = FIRST_GUESS};
  }
  z->n_symbols = z->n_bindings;
}

/* The inputs of a cell are those that a first graph finds. */
static unroll_status bind_cell(apply_run *r, const program *net, sizes *z, unroll_error *err) {
  graph g;
  const int x = find_setting(r->o, "input") ? 0 : width_of(r, "x");
  if (x) z->bindings[z->n_bindings++] = (binding){.name = "x", .width = x};
  unroll_status s = build(r, &g, net, z, err);
  if (s == UNROLL_BAD_INPUT && z->hidden >= 0 && x) { /* a cell whose input must be as wide as its state */
    graph_free(&g);
    z->settings[z->hidden].number = x;
    s = build(r, &g, net, z, err);
  }
  for (int i = 0; i < g.n_data && s == UNROLL_OK && i < MAX_UNKNOWN; i++) {
    const int width = strcmp(g.data[i].name, "x") ? width_of(r, g.data[i].name) : 0;
    const char *name = arena_text(&r->memory, g.data[i].name, strlen(g.data[i].name));
    if (!name) s = error_memory(err);
    if (name && width) z->bindings[z->n_bindings++] = (binding){.name = name, .width = width};
  }
  graph_free(&g);
  return s;
}

/* Settings of a cell that some weight's shape follows from. */
static unroll_status find_settings(apply_run *r, const program *net, sizes *z, unroll_error *err) {
  unroll_status s = UNROLL_OK;
  if (z->hidden >= 0) s = find_size(r, net, z, &z->settings[z->hidden].number, NULL, MAX_HIDDEN, err);
  for (int i = 0; i < net->n_statements && s == UNROLL_OK; i++) {
    const statement *d = &net->statements[i];
    if (d->kind != STATEMENT_SETTING || d->word || find_setting(r->o, d->name)) continue;
    if (!(d->number >= 1 && d->number <= MAX_HIDDEN) || d->number != (double)(int)d->number) continue;
    z->settings[z->n_settings] = (setting){.name = d->name, .number = d->number};
    s = find_size(r, net, z, &z->settings[z->n_settings++].number, NULL, MAX_HIDDEN, err);
  }
  return s;
}

static unroll_status build_sized(apply_run *r, const program *net, unroll_error *err) {
  const bool cell = is_cell(net);
  const apply_options *o = r->o;
  sizes z = {.hidden = -1, .n_settings = o->n_settings};
  z.settings = arena_alloc(&r->memory, (size_t)o->n_settings + (size_t)net->n_statements + 2, sizeof *z.settings);
  z.bindings = arena_alloc(&r->memory, (size_t)net->n_statements + MAX_UNKNOWN + 2, sizeof *z.bindings);
  if (!z.settings || !z.bindings) return error_memory(err);
  for (int i = 0; i < o->n_settings; i++) z.settings[i] = o->settings[i];
  if (cell && !find_setting(o, "hidden")) {
    z.hidden = z.n_settings++;
    z.settings[z.hidden] = (setting){.name = "hidden", .number = FIRST_GUESS};
  }
  unroll_status s = UNROLL_OK;
  if (cell) {
    s = bind_cell(r, net, &z, err);
    if (s == UNROLL_OK) s = find_settings(r, net, &z, err);
  } else {
    bind_symbols(net, &z);
    bind_numbers(r, net, &z);
  }
  for (int i = 0; i < z.n_symbols && s == UNROLL_OK; i++) s = find_size(r, net, &z, NULL, &z.bindings[i].width, MAX_WIDTH, err);
  return s == UNROLL_OK ? build(r, &r->g, net, &z, err) : s;
}

/* --- outputs and states --- */

static const char *joined(apply_run *r, const char *a, const char *b, const char *c) {
  text t = {0};
  text_format(&t, "%s%s%s", a, b, c);
  const char *copy = t.failed || !t.data ? NULL : arena_text(&r->memory, t.data, t.length);
  text_free(&t);
  return copy;
}

static unroll_status add_output(apply_run *r, const char *name, int number, unroll_error *err) {
  if (!name) return error_memory(err);
  if (number == NODE_NONE || r->g.nodes[number].space == SPACE_PARAM) return UNROLL_OK; /* the same whatever the data */
  r->outputs[r->n_outputs++] = (output){name, number};
  return UNROLL_OK;
}

/* Of a cell its output; of a net each variable of its own, and the arguments of the distributions. */
static unroll_status find_outputs(apply_run *r, unroll_error *err) {
  const graph *g = &r->g;
  r->outputs = arena_alloc(&r->memory, (size_t)g->n_nodes + (size_t)g->n_losses + 1, sizeof *r->outputs);
  if (!r->outputs) return error_memory(err);
  if (g->output) return add_output(r, g->output, g->output_node, err);
  unroll_status s = UNROLL_OK;
  for (int i = 0; i < g->n_nodes && s == UNROLL_OK; i++)
    if (g->nodes[i].name && !strchr(g->nodes[i].name, '.')) s = add_output(r, g->nodes[i].name, i, err);
  for (int i = 0; i < g->n_losses && s == UNROLL_OK; i++)
    s = add_output(r, joined(r, "output.", g->data[g->losses[i].data].name, ""), g->losses[i].prediction, err);
  return s;
}

static bool has_state(const apply_run *r, const char *name, int lag) {
  for (int i = 0; i < r->n_states; i++)
    if (!strcmp(r->states[i].name, name) && r->states[i].lag == lag) return true;
  return false;
}

/* What is shifted, and how often: h[t-2] shifts a shift. */
static state state_of(const graph *g, int shift) {
  const node *s = &g->nodes[shift];
  state y = {.shift = shift, .from = s->in[0], .dir = s->dir, .axis = s->axis, .width = s->width, .lag = 1, .initial = -1};
  while (y.from >= 0 && g->nodes[y.from].op == OP_SHIFT && g->nodes[y.from].dir == y.dir) {
    y.from = g->nodes[y.from].in[0];
    y.lag++;
  }
  if (y.from >= 0) y.name = g->output && y.from == g->output_node ? g->output : g->nodes[y.from].name;
  return y;
}

/* All named values that are read at an earlier step, or in a recurrence that runs backward at a later one. A stream is a pass like
 * any other here: nothing comes from the pass before. */
static unroll_status find_states(apply_run *r, unroll_error *err) {
  const graph *g = &r->g;
  for (int i = 0; i < g->n_nodes; i++) {
    node *n = &g->nodes[i];
    if (n->op == OP_SHIFT && n->in[1] >= 0 && g->nodes[n->in[1]].op == OP_CARRY) n->in[1] = NODE_NONE;
  }
  r->states = arena_alloc(&r->memory, (size_t)g->n_nodes + 1, sizeof *r->states);
  if (!r->states) return error_memory(err);
  for (int i = 0; i < g->n_nodes; i++) {
    if (g->nodes[i].op != OP_SHIFT) continue;
    const state y = state_of(g, i);
    if (y.name && !has_state(r, y.name, y.lag)) r->states[r->n_states++] = y;
  }
  return UNROLL_OK;
}

/* --- ports --- */

static unroll_status add_port(apply_run *r, port p, unroll_error *err) {
  if (!p.name) return error_memory(err);
  p.given = tensor_find(r->inputs, p.name);
  r->ports[r->n_ports++] = p;
  return UNROLL_OK;
}

static unroll_status add_state_ports(apply_run *r, int number, unroll_error *err) {
  state *y = &r->states[number];
  const node *shift = &r->g.nodes[y->shift];
  char at[24];
  unroll_status s = UNROLL_OK;
  port p = {.space = SPACE_STATIC, .axis = -1, .width = y->width, .data = -1, .state = number};
  if (shift->in[1] == NODE_NONE) {
    snprintf(at, sizeof at, "[%d]", 1 - y->lag);
    p.kind = PORT_INITIAL;
    p.name = joined(r, y->name, at, "");
    y->initial = r->n_ports;
    s = add_port(r, p, err);
  }
  if (s != UNROLL_OK || y->lag > 1 || !r->o->gradient) return s;
  p.kind = PORT_FINAL;
  p.name = joined(r, "d.", y->name, "[T]");
  return add_port(r, p, err);
}

/* Nodes that the values to be written are made of. */
static void mark_needed(const apply_run *r, bool *needed, int *stack) {
  const graph *g = &r->g;
  int n = 0;
  for (int i = 0; i < r->n_outputs; i++)
    if (!needed[r->outputs[i].node]) needed[stack[n++] = r->outputs[i].node] = true;
  for (int i = 0; i < r->n_states; i++)
    if (!needed[r->states[i].from]) needed[stack[n++] = r->states[i].from] = true;
  while (n) {
    const node *x = &g->nodes[stack[--n]];
    for (int k = 0; k < NODE_INPUTS; k++)
      if (x->in[k] >= 0 && !needed[x->in[k]]) needed[stack[n++] = x->in[k]] = true;
  }
}

static unroll_status add_data_ports(apply_run *r, unroll_error *err) {
  const graph *g = &r->g;
  bool *needed = arena_alloc(&r->memory, (size_t)g->n_nodes + 1, sizeof *needed);
  int *stack = arena_alloc(&r->memory, (size_t)g->n_nodes + 1, sizeof *stack);
  if (!needed || !stack) return error_memory(err);
  mark_needed(r, needed, stack);
  for (int i = 0; i < g->n_data; i++) {
    const data_info *d = &g->data[i];
    port p = {.kind = PORT_DATA,
              .name = d->name,
              .space = d->space,
              .axis = d->axis,
              .width = d->width,
              .data = i,
              .index = is_symbols(d->kind)};
    for (int k = 0; k < g->n_nodes; k++) {
      const node *n = &g->nodes[k];
      if (needed[k] && n->op != OP_MASK && n->op != OP_CARRY && n->op != OP_SETTING && n->slot >= 0 && g->inputs[n->slot].data == i)
        p.required = true;
    }
    const unroll_status s = add_port(r, p, err);
    if (s != UNROLL_OK) return s;
  }
  return UNROLL_OK;
}

static unroll_status add_ports(apply_run *r, unroll_error *err) {
  r->ports = arena_alloc(&r->memory, (size_t)r->g.n_data + 2 * (size_t)r->n_states + (size_t)r->n_outputs + 1, sizeof *r->ports);
  if (!r->ports) return error_memory(err);
  unroll_status s = add_data_ports(r, err);
  for (int i = 0; i < r->n_states && s == UNROLL_OK; i++) s = add_state_ports(r, i, err);
  for (int i = 0; i < r->n_outputs && s == UNROLL_OK && r->o->gradient; i++) {
    const node *n = &r->g.nodes[r->outputs[i].node];
    s = add_port(r,
                 (port){.kind = PORT_COTANGENT,
                        .name = joined(r, "d.", r->outputs[i].name, ""),
                        .space = n->space,
                        .axis = n->axis,
                        .width = n->width,
                        .data = -1,
                        .state = i},
                 err);
  }
  return s;
}

/* Without any cotangent the losses are differentiated, and then all that is predicted must be there. */
static bool has_cotangent(const apply_run *r) {
  for (int i = 0; i < r->n_ports; i++)
    if ((r->ports[i].kind == PORT_COTANGENT || r->ports[i].kind == PORT_FINAL) && r->ports[i].given) return true;
  return false;
}

static void choose_losses(apply_run *r) {
  const bool all = r->o->gradient && !has_cotangent(r);
  for (int i = 0; i < r->g.n_losses; i++) {
    port *p = &r->ports[r->g.losses[i].data]; /* ports begin with the data variables */
    p->required = p->required || all;
    r->lost[i] = p->given != NULL;
  }
  for (int i = 0; i < r->n_ports && all && r->g.n_losses == 0; i++)
    if (r->ports[i].kind == PORT_COTANGENT) r->ports[i].required = true;
}

/* --- the graph --- */

/* An INPUT node for a port, with data of its own. */
static int input_node(apply_run *r, port *p, enum space space, int axis) {
  graph *g = &r->g;
  g->data[g->n_data] =
      (data_info){.name = p->name, .kind = "numbers", .width = p->width, .space = space, .axis = space == SPACE_STEP ? axis : -1};
  p->data = g->n_data++;
  node n = {.op = OP_INPUT, .space = space, .axis = g->data[p->data].axis, .width = p->width, .param = -1};
  for (int k = 0; k < NODE_INPUTS; k++) n.in[k] = NODE_NONE;
  n.slot = graph_input(g, p->data, 0);
  return graph_failed(g) ? NODE_NONE : graph_node(g, n);
}

/* States start from their tensors; for the gradient also where there is none, from zeros. */
static void start_states(apply_run *r) {
  for (int i = 0; i < r->n_states && !graph_failed(&r->g); i++) {
    const state *y = &r->states[i];
    if (y->initial < 0) continue;
    port *p = &r->ports[y->initial];
    const int start = p->given || r->o->gradient ? input_node(r, p, SPACE_STATIC, -1) : NODE_NONE;
    r->g.nodes[y->shift].in[1] = start;
    if (start != NODE_NONE) r->wanted[r->n_wanted++] = (wanting){.port = y->initial, .node = start};
  }
}

static void want_data(apply_run *r) {
  for (int i = 0; i < r->g.n_nodes; i++) {
    const node *n = &r->g.nodes[i];
    if (n->op != OP_INPUT) continue;
    const input *in = &r->g.inputs[n->slot];
    if (r->ports[in->data].given && !in->seen) r->wanted[r->n_wanted++] = (wanting){.port = in->data, .lag = in->lag, .node = i};
  }
}

static int loss_scale(graph *g) {
  node n = {.op = OP_LOSS_SCALE, .space = SPACE_PARAM, .axis = -1, .width = 1, .param = -1, .slot = -1};
  for (int k = 0; k < NODE_INPUTS; k++) n.in[k] = NODE_NONE;
  return graph_node(g, n);
}

static unroll_status differentiate(apply_run *r, unroll_error *err) {
  graph *g = &r->g;
  const int n = r->n_wanted;
  seed *seeds = arena_alloc(&r->memory, (size_t)r->n_ports + (size_t)g->n_losses + 1, sizeof *seeds);
  int *nodes = arena_alloc(&r->memory, (size_t)n + 1, sizeof *nodes), n_seeds = 0;
  int *adjoints = arena_alloc(&r->memory, (size_t)n + 1, sizeof *adjoints);
  if (!seeds || !nodes || !adjoints) return error_memory(err);
  for (int i = 0; i < r->n_ports && !graph_failed(g); i++) {
    port *p = &r->ports[i];
    if (!p->given || (p->kind != PORT_COTANGENT && p->kind != PORT_FINAL)) continue;
    const int at = p->kind == PORT_FINAL ? r->states[p->state].from : r->outputs[p->state].node;
    const node y = g->nodes[at];
    seeds[n_seeds++] = (seed){at, input_node(r, p, y.space, y.axis)};
  }
  if (!n_seeds)
    for (int i = 0; i < g->n_losses; i++) seeds[n_seeds++] = (seed){g->losses[i].node, loss_scale(g)};
  for (int i = 0; i < n; i++) nodes[i] = r->wanted[i].node;
  if (graph_failed(g)) return error_memory(err);
  const unroll_status s = graph_differentiate_wanting(g, seeds, n_seeds, nodes, adjoints, n, err);
  for (int i = 0; i < n; i++) r->wanted[i].adjoint = s == UNROLL_OK ? adjoints[i] : NODE_NONE;
  return s;
}

static unroll_status complete_graph(apply_run *r, unroll_error *err) {
  graph *g = &r->g;
  data_info *data = arena_alloc(&g->memory, (size_t)g->n_data + (size_t)r->n_ports + 1, sizeof *data);
  r->wanted = arena_alloc(&r->memory, (size_t)g->n_nodes + (size_t)r->n_states + 1, sizeof *r->wanted);
  if (!data || !r->wanted) return error_memory(err);
  if (g->n_data) memcpy(data, g->data, (size_t)g->n_data * sizeof *data);
  g->data = data;
  if (r->o->gradient) want_data(r);
  start_states(r);
  if (graph_failed(g)) return error_memory(err);
  return r->o->gradient ? differentiate(r, err) : UNROLL_OK;
}

/* --- together --- */

static unroll_status prepare(apply_run *r, const program *net, unroll_error *err) {
  unroll_status s = build_sized(r, net, err);
  if (s != UNROLL_OK) return s;
  r->lost = arena_alloc(&r->memory, (size_t)r->g.n_losses + 1, sizeof *r->lost);
  r->axes = arena_alloc(&r->memory, (size_t)r->g.n_axes + 1, sizeof *r->axes);
  if (!r->lost || !r->axes) return error_memory(err);
  s = find_outputs(r, err);
  if (s == UNROLL_OK) s = find_states(r, err);
  if (s == UNROLL_OK) s = add_ports(r, err);
  if (s == UNROLL_OK) choose_losses(r);
  if (s == UNROLL_OK) s = apply_check_weights(r, err);
  if (s == UNROLL_OK) s = apply_bind(r, err);
  return s == UNROLL_OK ? complete_graph(r, err) : s;
}

unroll_status apply_net(const program *net, const tensor_file *weights, const tensor_file *inputs, const apply_options *options,
                        apply_result *result, unroll_error *err) {
  apply_run r = {.o = options, .weights = weights, .inputs = inputs};
  *result = (apply_result){0};
  unroll_status s = prepare(&r, net, err);
  if (s == UNROLL_OK) s = apply_pass(&r, result, err);
  graph_free(&r.g);
  arena_free(&r.memory);
  return s;
}

void apply_free(apply_result *result) {
  arena_free(&result->memory);
  *result = (apply_result){0};
}
