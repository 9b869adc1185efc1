/* build.c - layers -> a model. The net's text is parsed as any other, and its variables get their symbols. Each parameter
 * gets its numbers by name. A parameter without numbers, and numbers without a parameter, are errors. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "import/import.h"
#include "import/symbols.h"

/* --- weights by name --- */

static unroll_status put_weight(model *m, const param *p, const net_weight *w, const char *file, unroll_error *err) {
  const int cols = p->vector ? 0 : p->cols;
  if (w->rows != p->rows || w->cols != cols)
    return error_at(err, UNROLL_BAD_INPUT, file, NULL, 0, 0, "%s is %d x %d in the net, and the numbers for it are %d x %d",
                    p->name, p->rows, p->cols, w->rows, w->cols ? w->cols : 1);
  memcpy(m->weights + p->offset, w->x, (size_t)p->rows * (size_t)p->cols * sizeof *m->weights);
  return UNROLL_OK;
}

static const net_weight *find_weight(const net_text *n, const char *name) {
  for (int i = 0; i < n->n_weights; i++)
    if (!strcmp(n->weights[i].name, name)) return &n->weights[i];
  return NULL;
}

static unroll_status put_weights(model *m, const net_text *n, const char *file, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  for (int i = 0; i < m->g.n_params && !status; i++) {
    const param *p = &m->g.params[i];
    const net_weight *w = find_weight(n, p->name);
    status = w ? put_weight(m, p, w, file, err)
               : error_at(err, UNROLL_BAD_INPUT, file, NULL, 0, 0, "the parameter %s of the net is not in the file", p->name);
  }
  const int bad = status ? -1 : model_first_bad(m, m->weights);
  return bad < 0 ? status
                 : error_at(err, UNROLL_BAD_INPUT, file, NULL, 0, 0, "%s holds a number that is not finite", m->g.params[bad].name);
}

/* What the net does not use is said. */
static void tell_left(const model *m, const net_text *n, text *told) {
  int left = 0;
  for (int i = 0; i < n->n_weights; i++) {
    bool there = false;
    for (int k = 0; k < m->g.n_params; k++) there |= !strcmp(m->g.params[k].name, n->weights[i].name);
    if (!there) text_format(told, "%s%s", left++ ? ", " : "left, as the net does not have it: ", n->weights[i].name);
  }
  if (left) text_format(told, "\n");
}

/* --- the model --- */

static unroll_status set_variables(model *m, const net_symbols *symbols, int n_symbols, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  for (int i = 0; i < m->schema.n && !status; i++) {
    variable *v = &m->schema.list[i];
    for (int k = 0; k < n_symbols && !status; k++)
      if (!strcmp(symbols[k].variable, v->form.name)) status = symbols_set(v, &symbols[k], err);
  }
  return status;
}

static unroll_status make_model(model *m, const char *file, const net_text *n, const net_symbols *symbols, int n_symbols,
                                unroll_error *err) {
  unroll_status status = model_begin(m, file, n->text.data, err);
  for (int i = 0; i < n->n_cells && !status; i++) status = model_add_cell(m, n->cells[i].name, n->cells[i].text.data, err);
  if (!status) status = set_variables(m, symbols, n_symbols, err);
  if (!status) status = model_build(m, NULL, 0, false, err);
  return status;
}

/* A net of the caller in the place of the one that was written. */
static unroll_status take_equations(net_text *n, const char *path, unroll_error *err) {
  arena memory = {0};
  const char *file, *source;
  unroll_status status = model_find_net(path, &memory, &file, &source, err);
  if (!status) {
    text_free(&n->text);
    n->text = (text){0};
    text_format(&n->text, "%s", source);
    if (n->text.failed) status = error_memory(err);
  }
  arena_free(&memory);
  return status;
}

static bool add_spares(net_text *n, const layers *l) {
  if (!l->n_spare) return true;
  net_weight *list = mem_resize(n->weights, (size_t)(n->n_weights + l->n_spare) * sizeof *list);
  if (!list) return false;
  n->weights = list;
  n->weights_room = n->n_weights + l->n_spare;
  for (int i = 0; i < l->n_spare; i++) {
    net_weight *w = &n->weights[n->n_weights++];
    *w = (net_weight){.rows = l->spare[i].rows, .cols = l->spare[i].cols, .x = l->spare[i].x};
    snprintf(w->name, sizeof w->name, "%s", l->spare[i].name);
  }
  return true;
}

/* Symbols of a net of the caller of which nothing else is known: as many as what comes out has numbers. */
static unroll_status plan_rest(symbol_plan *p, const layers *l, const net_text *n, const import_options *o, unroll_error *err) {
  arena memory = {0};
  program *net;
  int width = l->n_outputs ? l->list[l->outputs[0].layer].width : 0;
  for (int i = 0; i < l->n_spare; i++)
    if (l->spare[i].cols && !strstr(l->spare[i].name, ".")) width = l->spare[i].rows;
  unroll_status status = lang_parse(&net, o->equations, n->text.data, &memory, err);
  for (int i = 0; !status && i < net->n_statements; i++) {
    const statement *d = &net->statements[i];
    const char *kind = d->kind == STATEMENT_DATA && d->value ? d->value->name : NULL;
    bool there = !kind || strcmp(kind, "category") || !width;
    for (int k = 0; k < p->n_symbols && !there; k++) there = !strcmp(p->symbols[k].variable, d->name);
    if (!there && p->n_symbols <= NET_OUTPUTS) status = symbols_of_labels(p, d->name, width, o, err);
  }
  arena_free(&memory);
  return status;
}

unroll_status import_build(imported *out, const layers *l, const char *file, const import_options *o, unroll_error *err) {
  symbol_plan plan;
  const char *name = o->equations ? o->equations : "imported.net";
  unroll_status status = symbols_plan(&plan, l, o, err);
  const write_options how = {.language = plan.language, .input_kind = plan.input_kind, .file = file};
  if (!status) status = net_write(&out->net, &plan.l, &how, err);
  if (!status && o->equations) status = add_spares(&out->net, l) ? take_equations(&out->net, o->equations, err) : error_memory(err);
  if (!status && o->equations) status = plan_rest(&plan, l, &out->net, o, err);
  if (!status) status = make_model(&out->m, name, &out->net, plan.symbols, plan.n_symbols, err);
  if (!status) status = put_weights(&out->m, &out->net, file, err);
  if (!status && o->equations) tell_left(&out->m, &out->net, &out->told);
  if (plan.told.data) text_add(&out->told, plan.told.data, plan.told.length);
  if (!status && (plan.told.failed || out->told.failed)) status = error_memory(err);
  symbols_plan_free(&plan);
  return status;
}
