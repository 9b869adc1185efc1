/* onnx_write.c - a model as an ONNX file: what goes in, the blocks of flow.h one after the other, what comes out. What a reader of
 * the file should know is metadata. */
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "io/json.h"
#include "port/fold.h"
#include "port/onnx_write.h"

enum { IR_VERSION = 8, OPSET = 17 };
static const size_t MOST_BYTES = ((size_t)1 << 31) - 1; /* of a message */

static const node *at(const onnx_export *o, int x) { return &o->g->nodes[x]; }
static const variable *variable_of(const onnx_export *o, int data) { return &o->m->schema.list[data]; }

/* --- what goes in --- */

static const char *steps_name(onnx_export *o, int axis) {
  for (int i = 0; i < o->g->n_data; i++)
    if (o->g->data[i].space == SPACE_STEP && o->g->data[i].axis == axis) return ox_format(o, "%.200s_steps", o->g->data[i].name);
  return "steps";
}

/* An input: [steps, batch, ...], or without steps. */
static void put_input(onnx_export *o, const input *in, const char *name) {
  const variable *v = variable_of(o, in->data);
  const picture_shape *p = &v->shape;
  const char *axes[6] = {NULL};
  int64_t sizes[6] = {0};
  int rank = 0;
  if (in->space == SPACE_STEP) axes[rank++] = steps_name(o, in->axis);
  axes[rank++] = "batch";
  if (!in->index && p->channels > 0) {
    sizes[rank++] = p->channels;
    sizes[rank++] = p->rows;
    sizes[rank++] = p->columns;
  } else if (!in->index)
    sizes[rank++] = in->width;
  ox_put_info(&o->inputs, 11, name, in->index ? ONNX_INT64 : ONNX_FLOAT, axes, sizes, rank);
}

static bool is_scaled(const variable *v) {
  for (int j = 0; v->mean && j < v->width; j++)
    if (v->mean[j] != 0 || v->deviation[j] != 1) return true;
  return false;
}

static const char *doubles(onnx_export *o, const char *name, const double *x, int n) {
  const int64_t shape[] = {n};
  name = ox_named(o, name);
  if (!o->status) ox_put_tensor(o, name, ONNX_DOUBLE, shape, 1, x);
  return name;
}

static const char *cast(onnx_export *o, const char *x, int type) {
  text a = {0};
  ox_put_int(&a, "to", type);
  return ONNX(o, "Cast", NULL, &a, x);
}

/* Numbers as the net takes them. In double precision, for a mean may be large beside the deviation. Before the first step there is
 * none, NaN, and the net takes 0. */
static const char *standardised(onnx_export *o, const input *in, const char *x) {
  const variable *v = variable_of(o, in->data);
  const char *name = o->g->data[in->data].name;
  if (is_scaled(v)) {
    const char *mean = doubles(o, ox_format(o, "%.200s.mean", name), v->mean, v->width);
    const char *deviation = doubles(o, ox_format(o, "%.200s.deviation", name), v->deviation, v->width);
    const char *away = ONNX(o, "Sub", NULL, NULL, cast(o, x, ONNX_DOUBLE), mean);
    x = cast(o, ONNX(o, "Div", NULL, NULL, away, deviation), ONNX_FLOAT);
  }
  if (!in->lag) return x;
  return ONNX(o, "Where", NULL, NULL, ONNX(o, "IsNaN", NULL, NULL, x), ox_number(o, 0), x);
}

/* From [.., channels, rows, columns] to a row of numbers, pixel after pixel. */
static const char *pixels(onnx_export *o, const input *in, const char *x) {
  static const int64_t turned[] = {0, 1, 3, 4, 2}, flat[] = {0, 0, -1};
  const bool steps = in->space == SPACE_STEP;
  int64_t perm[5];
  for (int i = 0; i < 5 - !steps; i++) perm[i] = turned[i + !steps] - !steps;
  text a = {0};
  ox_put_ints(&a, "perm", perm, 5 - !steps);
  return ONNX(o, "Reshape", NULL, NULL, ONNX(o, "Transpose", NULL, &a, x), ox_wholes(o, flat + !steps, 2 + steps));
}

static void give(onnx_export *o, int x) {
  const node *n = at(o, x);
  const input *in = &o->g->inputs[n->slot];
  const char *data = o->g->data[in->data].name;
  if (in->seen) {
    ox_cannot(o, x, "whether a value was observed is not known there");
    return;
  }
  if (!o->given[n->slot]) {
    const char *name = in->lag == 0   ? data
                       : in->lag == 1 ? ox_format(o, "%.200s_before", data)
                                      : ox_format(o, "%.200s_%d_before", data, in->lag);
    o->given[n->slot] = ox_named(o, name);
    put_input(o, in, o->given[n->slot]);
  }
  if (n->op != OP_INPUT) return;
  const picture_shape *p = &variable_of(o, in->data)->shape;
  const char *value = o->given[n->slot];
  const bool whole = p->channels > 0 && !is_scaled(variable_of(o, in->data)) && !in->lag && in->space != SPACE_STEP;
  if (whole) { /* a convolution takes it as it is */
    ox_set_picture(o, x, value, p->channels, p->rows, p->columns);
    return;
  }
  if (p->channels > 0) value = pixels(o, in, value);
  ox_set(o, x, standardised(o, in, value), in->space == SPACE_STEP ? 2 : 1, in->width);
}

/* --- states --- */

static const char *state_name(const onnx_export *o, int x, int *back) {
  *back = 1;
  for (x = at(o, x)->in[0]; at(o, x)->op == OP_SHIFT && !at(o, x)->name; x = at(o, x)->in[0]) ++*back;
  x = at(o, x)->name ? x : port_flow_plain(o->g, x);
  return at(o, x)->name ? at(o, x)->name : "state";
}

const char *ox_start(onnx_export *o, int x, const char **end) {
  const node *n = at(o, x);
  const int init = n->in[1], W = n->width;
  const int64_t zero_shape[] = {1, W}, sizes[] = {0, W};
  const bool given = init == NODE_NONE || at(o, init)->op == OP_CARRY;
  *end = NULL;
  if (!given) return ox_full(o, init, SPACE_STATIC, -1);
  text a = {0};
  ox_put_int(&a, "axis", 0);
  const char *shape = ONNX(o, "Concat", "shape", &a, ox_batch(o), ox_wholes(o, &sizes[1], 1));
  if (n->dir < 0) return ONNX(o, "Expand", NULL, NULL, ox_number(o, 0), shape);
  int back;
  const char *base = state_name(o, x, &back);
  if (back > 1) base = ox_format(o, "%.180s_%d", base, back);
  float *zeros = mem_zero((size_t)W, sizeof *zeros);
  if (!zeros) {
    ox_fail_memory(o);
    return "";
  }
  const char *name = ox_floats(o, ox_format(o, "%.200s_start", base), zero_shape, 2, zeros);
  mem_free(zeros);
  *end = ox_named(o, ox_format(o, "%.200s_end", base));
  ox_put_info(&o->inputs, 11, name, ONNX_FLOAT, (const char *const[]){"states", NULL}, sizes, 2);
  ox_put_info(&o->ends_out, 12, *end, ONNX_FLOAT, (const char *const[]){"batch", NULL}, sizes, 2);
  return ONNX(o, "Expand", NULL, NULL, name, shape);
}

/* --- what comes out --- */

static bool is_symbols(const loss *l) { return l->distribution->support == SUPPORT_SYMBOLS; }
static bool is_bits(const loss *l) { return l->distribution->support == SUPPORT_BIT; }

static const char *argument_name(onnx_export *o, const loss *l, int k) {
  const char *data = o->g->data[l->data].name;
  if (is_symbols(l) || is_bits(l)) return ox_format(o, "%.200s_p", data);
  if (k < l->distribution->n_args) return ox_format(o, "%.150s_%s", data, l->distribution->args[k].name);
  return ox_format(o, "%.150s_%s%d", data, l->distribution->name, k + 1);
}

/* Before the equations, which may have such names too. */
static void name_outputs(onnx_export *o) {
  for (int i = 0; i < o->g->n_losses; i++)
    for (int k = 0; k < o->g->losses[i].n_args; k++)
      o->handed[i * LOSS_ARGS + k] = ox_named(o, argument_name(o, &o->g->losses[i], k));
}

/* Means, locations and scales in the units of the data. */
static const char *in_units(onnx_export *o, const loss *l, int k, const char *x) {
  const variable *v = variable_of(o, l->data);
  const char *arg = k < l->distribution->n_args ? l->distribution->args[k].name : "", *name = o->g->data[l->data].name;
  const bool place = !strcmp(arg, "mean") || !strcmp(arg, "location");
  if (!is_scaled(v) || (!place && strcmp(arg, "scale") != 0)) return x;
  x = ONNX(o, "Mul", NULL, NULL, cast(o, x, ONNX_DOUBLE), doubles(o, ox_format(o, "%.200s.unit", name), v->deviation, v->width));
  if (place) x = ONNX(o, "Add", NULL, NULL, x, doubles(o, ox_format(o, "%.200s.center", name), v->mean, v->width));
  return cast(o, x, ONNX_FLOAT);
}

static void put_output(onnx_export *o, int loss_number, int k) {
  const loss *l = &o->g->losses[loss_number];
  const data_info *d = &o->g->data[l->data];
  const node *n = at(o, l->args[k]);
  const bool vector = is_symbols(l) || !l->distribution->n_args;
  const enum space space = d->space == SPACE_STEP && l->distribution->aligned ? SPACE_STEP
                           : n->space == SPACE_PARAM                          ? SPACE_STATIC
                                                                              : n->space;
  const int axis = n->space == SPACE_STEP ? n->axis : d->axis, width = vector ? n->width : d->width;
  const char *x = ox_full(o, l->args[k], space, axis);
  if (width != n->width) {
    const int64_t size[] = {width};
    x = ONNX(o, "Expand", NULL, NULL, x, ox_wholes(o, size, 1));
  }
  x = in_units(o, l, k, x);
  const char *name = o->handed[loss_number * LOSS_ARGS + k], *in[] = {x};
  text a = {0};
  if (is_symbols(l)) ox_put_int(&a, "axis", -1);
  ox_put(o, is_symbols(l) ? "Softmax" : is_bits(l) ? "Sigmoid" : "Identity", &a, in, 1, &name, 1);
  const char *axes[3] = {NULL};
  int64_t sizes[3] = {0};
  int rank = 0;
  if (space == SPACE_STEP) axes[rank++] = steps_name(o, axis);
  axes[rank++] = "batch";
  sizes[rank++] = width;
  ox_put_info(&o->outputs, 12, name, ONNX_FLOAT, axes, sizes, rank);
}

/* --- metadata --- */

static void put_property(text *m, const char *key, const char *value) {
  text entry = {0};
  proto_put_text(&entry, 1, key);
  proto_put_text(&entry, 2, value);
  proto_put_piece(m, 14, &entry);
}

static void put_json(onnx_export *o, text *m, const char *key, json_t *j) {
  char *s = json_write(j, JSON_COMPACT | JSON_REAL_PRECISION(17));
  if (s)
    put_property(m, key, s);
  else
    ox_fail_memory(o);
  mem_free(s);
  json_decref(j);
}

/* A text; what is no UTF-8, bytes and pieces of characters, is a list of its bytes. */
static json_t *symbol(const char *s, size_t n) {
  if (utf8_valid(s, n) == n) return json_stringn(s, n);
  json_t *bytes = json_array();
  for (size_t i = 0; i < n; i++) json_array_append_new(bytes, json_integer((unsigned char)s[i]));
  return bytes;
}

static void put_variable(onnx_export *o, text *m, int i, const port_symbols *symbols) {
  const variable *v = variable_of(o, i);
  const char *name = o->g->data[i].name;
  text kind = {0};
  lang_print_expr(o->g->data[i].at->value, &kind);
  for (int k = 0; k < o->g->data[i].n_words; k++) text_format(&kind, " %s", o->g->data[i].words[k]);
  put_property(m, ox_format(o, "unroll.data.%.200s", name), kind.data ? kind.data : "");
  m->failed |= kind.failed;
  text_free(&kind);
  if (symbols && symbols[i].n > 0) {
    json_t *list = json_array();
    for (int k = 0; k < symbols[i].n; k++) json_array_append_new(list, symbol(symbols[i].texts[k], symbols[i].lengths[k]));
    put_json(o, m, ox_format(o, "unroll.symbols.%.200s", name), list);
  }
  if (!is_scaled(v)) return;
  json_t *mean = json_array(), *deviation = json_array();
  for (int j = 0; j < v->width; j++) {
    json_array_append_new(mean, json_real(v->mean[j]));
    json_array_append_new(deviation, json_real(v->deviation[j]));
  }
  put_json(o, m, ox_format(o, "unroll.mean.%.200s", name), mean);
  put_json(o, m, ox_format(o, "unroll.deviation.%.200s", name), deviation);
}

static void put_metadata(onnx_export *o, text *m, const port_symbols *symbols) {
  static const char *const scalings[] = {[SCALING_SERIES] = "series", [SCALING_LEVEL] = "level"};
  text equations = {0};
  json_t *cells = json_object();
  graph_print_forward(o->g, &equations);
  put_property(m, "unroll.equations", equations.data ? equations.data : "");
  m->failed |= equations.failed;
  text_free(&equations);
  put_property(m, "unroll.net", o->m->net_text);
  for (int i = 0; i < o->m->n_cells; i++) json_object_set_new(cells, o->m->cells[i].name, json_string(o->m->cells[i].text));
  put_json(o, m, "unroll.cells", cells);
  if (o->m->schema.time.scaling != SCALING_NONE) put_property(m, "unroll.scaling", scalings[o->m->schema.time.scaling]);
  for (int i = 0; i < o->g->n_data; i++) put_variable(o, m, i, symbols);
  for (int i = 0; i < o->g->n_losses; i++)
    put_property(m, ox_format(o, "unroll.predicts.%.200s", o->g->data[o->g->losses[i].data].name),
                 o->g->losses[i].distribution->name);
}

/* --- the file --- */

static unroll_status begin(onnx_export *o) {
  const graph *g = o->g;
  const size_t n = (size_t)g->n_nodes + 1;
  int *roots = arena_alloc(&o->memory, (size_t)g->n_losses * LOSS_ARGS + 1, sizeof *roots), n_roots = 0;
  o->values = arena_alloc(&o->memory, n, sizeof *o->values);
  o->inner = arena_alloc(&o->memory, n, sizeof *o->inner);
  o->pictures = arena_alloc(&o->memory, n, sizeof *o->pictures);
  o->inside = arena_alloc(&o->memory, n, sizeof *o->inside);
  o->ends = arena_alloc(&o->memory, n, sizeof *o->ends);
  o->given = arena_alloc(&o->memory, (size_t)g->n_inputs + 1, sizeof *o->given);
  o->handed = arena_alloc(&o->memory, (size_t)g->n_losses * LOSS_ARGS + 1, sizeof *o->handed);
  o->steps = arena_alloc(&o->memory, (size_t)g->n_axes + 1, sizeof *o->steps);
  if (!roots || !o->values || !o->inner || !o->pictures || !o->inside || !o->ends || !o->given || !o->handed || !o->steps)
    return error_memory(o->err);
  for (int i = 0; i < g->n_losses; i++)
    for (int k = 0; k < g->losses[i].n_args; k++) roots[n_roots++] = g->losses[i].args[k];
  return port_flow_new(&o->f, g, roots, n_roots, o->err);
}

/* Before anything is written. */
static void check(onnx_export *o) {
  for (int i = 0; i < o->g->n_nodes; i++)
    if (o->cells.live[i] && !ox_knows(at(o, i)->op)) ox_cannot(o, i, "ONNX has no operators for it");
}

static void finish(onnx_export *o, const port_symbols *symbols, const char *version, text *out) {
  text net = {0}, opset = {0};
  const char *slash = strrchr(o->m->net_file, '/');
  const text *const parts[] = {&o->top, &o->initializers, &o->inputs, &o->outputs, &o->ends_out}; /* states come last */
  for (int i = 0; i < 5; i++) {
    if (i == 1) proto_put_text(&net, 2, slash ? slash + 1 : o->m->net_file);
    text_add(&net, parts[i]->data ? parts[i]->data : "", parts[i]->length);
    net.failed |= parts[i]->failed;
  }
  proto_put_whole(out, 1, IR_VERSION);
  proto_put_text(out, 2, "unroll");
  proto_put_text(out, 3, version);
  proto_put_piece(out, 7, &net);
  proto_put_text(&opset, 1, "");
  proto_put_whole(&opset, 2, OPSET);
  proto_put_piece(out, 8, &opset);
  put_metadata(o, out, symbols);
  if (out->failed) ox_fail_memory(o);
  if (!o->status && out->length > MOST_BYTES)
    o->status = error_set(o->err, UNROLL_USAGE, "an ONNX file has less than 2 GiB, and this model has more");
}

unroll_status port_write_onnx(text *out, const model *m, const port_symbols *symbols, const char *version, unroll_error *err) {
  model folded;
  onnx_export o = {.m = &folded, .g = &folded.g, .block = -1, .err = err};
  if (port_fold(&folded, m, &o.memory) < 0) {
    arena_free(&o.memory);
    return error_memory(err);
  }
  json_setup();
  o.status = m->g.n_losses ? begin(&o) : error_set(err, UNROLL_USAGE, "the net predicts nothing, so there is nothing to write");
  if (!o.status) o.status = cell_plan_new(&o.cells, &o.f, NULL, &o.memory, err);
  if (!o.status) check(&o);
  for (int i = 0; i < m->g.n_nodes && !o.status; i++)
    if (o.cells.live[i] && (at(&o, i)->op == OP_INPUT || at(&o, i)->op == OP_EMBED)) give(&o, i);
  if (!o.status) name_outputs(&o);
  for (int i = 0; i < o.f.n_blocks && !o.status; i++) ox_write_block(&o, i);
  for (int i = 0; i < m->g.n_losses && !o.status; i++)
    for (int k = 0; k < m->g.losses[i].n_args && !o.status; k++) put_output(&o, i, k);
  if (!o.status) finish(&o, symbols, version, out);
  text *const parts[] = {&o.top, &o.body, &o.initializers, &o.inputs, &o.outputs, &o.ends_out, &o.body_inputs};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) text_free(parts[i]);
  mem_free(o.names);
  mem_free(o.slices);
  port_flow_free(&o.f);
  arena_free(&o.memory);
  return o.status;
}
