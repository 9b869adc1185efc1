/* inspect.c - see inspect.h. */
#include "api/inspect.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"

enum { MAX_NAMES = 256 };

/* A plain name that is neither built in nor a file. */
static unroll_status no_such_name(const char *name, unroll_error *err) {
  const char *names[MAX_NAMES];
  size_t n = 0;
  for (const builtin *b = lang_nets; b->name && n < MAX_NAMES; b++) names[n++] = b->name;
  for (const builtin *b = lang_cells; b->name && n < MAX_NAMES; b++) names[n++] = b->name;
  const char *near = text_nearest(name, names, n);
  return error_set(err, UNROLL_BAD_INPUT, "there is no built-in net or cell and no file '%s'%s%s%s", name,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "; 'unroll list' shows the built-in ones");
}

/* Is there nothing to learn from: no data, nothing predicted? */
static bool is_cell(const program *net) {
  for (int i = 0; i < net->n_statements; i++)
    if (net->statements[i].kind == STATEMENT_DATA || net->statements[i].kind == STATEMENT_DISTRIBUTION) return false;
  return true;
}

unroll_status inspect_parse(inspection *x, const char *name, unroll_error *err) {
  *x = (inspection){0};
  graph_init(&x->own);
  if (text_ends(name, ".safetensors")) {
    const unroll_status status = model_load(&x->m, name, true, err);
    if (!status) x->g = &x->m.g;
    return status;
  }
  const builtin *cell = lang_builtin_cell(name);
  if (cell) {
    x->m.net_file = cell->file;
    x->m.net_text = cell->text;
  } else {
    const unroll_status status = model_find_net(name, &x->m.memory, &x->m.net_file, &x->m.net_text, err);
    if (status == UNROLL_BAD_INPUT && !strpbrk(name, "/.") && access(name, F_OK)) return no_such_name(name, err);
    if (status) return status;
  }
  program *net = NULL;
  const unroll_status status = lang_parse(&net, x->m.net_file, x->m.net_text, &x->m.memory, err);
  if (status) return status;
  x->m.net = net;
  x->cell = is_cell(net);
  return UNROLL_OK;
}

/* A cell alone predicts nothing. What would come from above, the derivative of the loss by its output, becomes data named dh_out.
 */
static unroll_status differentiate_cell(graph *g, unroll_error *err) {
  const node *y = graph_at(g, g->output_node);
  char name[96];
  const int n = snprintf(name, sizeof name, "d%.64s_out", g->output);
  data_info *data = arena_alloc(&g->memory, (size_t)g->n_data + 1, sizeof *data);
  const char *copy = arena_text(&g->memory, name, (size_t)n);
  if (!data || !copy) return error_memory(err);
  if (g->n_data) memcpy(data, g->data, (size_t)g->n_data * sizeof *data);
  data[g->n_data] = (data_info){.name = copy, .kind = "numbers", .width = y->width, .space = y->space, .axis = y->axis};
  g->data = data;
  node from = *y;
  from.op = OP_INPUT;
  for (int i = 0; i < NODE_INPUTS; i++) from.in[i] = NODE_NONE;
  from.dir = from.c0 = 0;
  from.param = -1;
  from.value = 0;
  from.name = NULL;
  from.slot = graph_input(g, g->n_data++, 0);
  const seed from_above = {.node = g->output_node, .cotangent = graph_node(g, from)};
  if (graph_failed(g)) return error_memory(err);
  return graph_differentiate_from(g, &from_above, 1, err);
}

unroll_status inspect_build(inspection *x, const setting *settings, int n_settings, unroll_error *err) {
  if (x->g) {
    if (n_settings) return error_set(err, UNROLL_USAGE, "the settings of a trained model are fixed");
    return UNROLL_OK;
  }
  const build_options options = {.settings = settings, .n_settings = n_settings, .find_cell = model_find_cell, .context = &x->m};
  unroll_status status = graph_build(&x->own, x->m.net, &options, err);
  if (!status) status = x->cell ? differentiate_cell(&x->own, err) : graph_differentiate(&x->own, err);
  if (!status) x->g = &x->own;
  return status;
}

void inspect_close(inspection *x) {
  graph_free(&x->own);
  model_free(&x->m);
}

void inspect_parameters(const inspection *x, text *out) {
  const graph *g = x->g;
  size_t widest = 4;
  for (int i = 0; i < g->n_params; i++)
    if (strlen(g->params[i].name) > widest) widest = strlen(g->params[i].name);
  for (int i = 0; i < g->n_params; i++) {
    const param *p = &g->params[i];
    char shape[48];
    if (p->vector)
      snprintf(shape, sizeof shape, "%d", p->rows);
    else
      snprintf(shape, sizeof shape, "%d x %d", p->rows, p->cols);
    text_format(out, "  %-*s  %12s  %10" PRId64 "\n", (int)widest, p->name, shape, (int64_t)p->rows * p->cols);
  }
  text_format(out, "  %-*s  %12s  %10" PRId64 "\n", (int)widest, "all", "", g->n_weights);
}

unroll_status inspect_plan(const inspection *x, int rows, int steps, int shards, plan **out, unroll_error *err) {
  plan_options options = {.max_rows = rows, .max_steps = steps, .gradient = 1};
  *out = NULL;
  const unroll_status status = plan_shards(&options.shards, shards, x->g, &options, err);
  return status ? status : plan_new(out, x->g, &options, err);
}

static void print_data(const inspection *x, text *out) {
  const graph *g = x->g;
  const int n = x->cell ? g->n_data - 1 : g->n_data; /* the last one of a cell stands for the derivative from above */
  text_format(out, x->cell ? "\nInputs (with the widths that are assumed here):\n" : "\nData:\n");
  for (int i = 0; i < n; i++) {
    const data_info *d = &g->data[i];
    text_format(out, "  %s : %s, %d %s, %s\n", d->name, d->kind, d->width, kind_is_symbols(kind_find(d->kind)) ? "symbols" : "wide",
                d->space == SPACE_STEP ? "at every step" : "once a sequence");
  }
}

void inspect_print(const inspection *x, const plan *p, text *out) {
  const graph *g = x->g;
  text_format(out, "# %s\n", x->m.net_file ? x->m.net_file : "");
  for (int i = 0; i < g->n_settings; i++) {
    if (g->settings[i].word)
      text_format(out, "%s = %s\n", g->settings[i].name, g->settings[i].word);
    else
      text_format(out, "%s = %g\n", g->settings[i].name, g->settings[i].number);
  }
  print_data(x, out);
  text_format(out, "\nParameters:\n");
  inspect_parameters(x, out);
  text_format(out, "\nEquations:\n");
  graph_print_forward(g, out);
  text_format(out, "\nGradient (' transposes, dx is the derivative of the loss by x):\n");
  graph_print_gradient(g, out);
  if (!p) return;
  text_format(out, "\nPlan:\n");
  plan_print(p, out);
}
