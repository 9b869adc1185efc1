/* onnx_node.c - names, nodes, constants and shapes of an ONNX graph. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/hash.h"
#include "port/onnx_write.h"

void ox_fail_memory(onnx_export *o) {
  if (!o->status) o->status = error_memory(o->err);
}

void ox_cannot(onnx_export *o, int x, const char *why) {
  const node *n = &o->g->nodes[x];
  const char *name = n->name ? n->name : *graph_ops[n->op].text ? graph_ops[n->op].text : graph_ops[n->op].name;
  if (o->status) return;
  if (n->source)
    o->status = error_at(o->err, UNROLL_USAGE, n->source->file, n->source->text, n->at.line, n->at.column,
                         "'%s' cannot be written as ONNX: %s", name, why);
  else
    o->status = error_set(o->err, UNROLL_USAGE, "'%s' cannot be written as ONNX: %s", name, why);
}

/* --- names --- */

static size_t place_of(const onnx_export *o, const char *name) {
  size_t i = (size_t)hash_bytes(0, name, strlen(name)) & (o->cap_names - 1);
  while (o->names[i] && strcmp(o->names[i], name) != 0) i = (i + 1) & (o->cap_names - 1);
  return i;
}

static bool more_names(onnx_export *o) {
  if (2 * o->n_names < o->cap_names) return true;
  const char **old = o->names;
  const size_t n = o->cap_names;
  const char **bigger = mem_zero(n ? 2 * n : 256, sizeof *bigger);
  if (!bigger) return false;
  o->names = bigger;
  o->cap_names = n ? 2 * n : 256;
  for (size_t i = 0; i < n; i++)
    if (old[i]) o->names[place_of(o, old[i])] = old[i];
  mem_free(old);
  return true;
}

static bool is_taken(const onnx_export *o, const char *name) { return o->cap_names && o->names[place_of(o, name)]; }

const char *ox_format(onnx_export *o, const char *format, ...) {
  char s[256];
  va_list list;
  va_start(list, format);
  vsnprintf(s, sizeof s, format, list);
  va_end(list);
  const char *kept = arena_text(&o->memory, s, strlen(s));
  if (!kept) ox_fail_memory(o);
  return kept ? kept : "";
}

const char *ox_named(onnx_export *o, const char *wanted) {
  if (o->status) return "";
  if (!more_names(o)) return ox_fail_memory(o), "";
  const char *name = ox_format(o, "%.200s", wanted);
  for (int i = 2; !o->status && is_taken(o, name); i++) name = ox_format(o, "%.200s_%d", wanted, i);
  if (o->status) return "";
  o->names[place_of(o, name)] = name;
  o->n_names++;
  return name;
}

/* --- attributes and nodes --- */

enum { TYPE_FLOAT = 1, TYPE_INT = 2, TYPE_STRING = 3, TYPE_GRAPH = 5, TYPE_INTS = 7, TYPE_STRINGS = 8 };

static void close_attribute(text *a, text *one, int type) {
  proto_put_whole(one, 20, type);
  proto_put_piece(a, 5, one);
}

void ox_put_int(text *a, const char *name, int64_t x) {
  text one = {0};
  proto_put_text(&one, 1, name);
  proto_put_whole(&one, 3, x);
  close_attribute(a, &one, TYPE_INT);
}

void ox_put_ints(text *a, const char *name, const int64_t *x, int n) {
  text one = {0};
  proto_put_text(&one, 1, name);
  for (int i = 0; i < n; i++) proto_put_whole(&one, 8, x[i]);
  close_attribute(a, &one, TYPE_INTS);
}

void ox_put_string(text *a, const char *name, const char *s) {
  text one = {0};
  proto_put_text(&one, 1, name);
  proto_put_text(&one, 4, s);
  close_attribute(a, &one, TYPE_STRING);
}

void ox_put_strings(text *a, const char *name, const char *const *s, int n) {
  text one = {0};
  proto_put_text(&one, 1, name);
  for (int i = 0; i < n; i++) proto_put_text(&one, 9, s[i]);
  close_attribute(a, &one, TYPE_STRINGS);
}

void ox_put_float(text *a, const char *name, double x) {
  text one = {0};
  proto_put_text(&one, 1, name);
  proto_put_real(&one, 2, (float)x);
  close_attribute(a, &one, TYPE_FLOAT);
}

void ox_put_graph(text *a, const char *name, text *body) {
  text one = {0};
  proto_put_text(&one, 1, name);
  proto_put_piece(&one, 6, body);
  close_attribute(a, &one, TYPE_GRAPH);
}

void ox_put(onnx_export *o, const char *op, text *attributes, const char *const *in, int n_in, const char *const *out, int n_out) {
  text n = {0};
  for (int i = 0; i < n_in; i++) proto_put_text(&n, 1, in[i]);
  for (int i = 0; i < n_out; i++) proto_put_text(&n, 2, out[i]);
  proto_put_text(&n, 3, ox_format(o, "%.200s/%s", n_out ? out[0] : "", op));
  proto_put_text(&n, 4, op);
  if (attributes && attributes->length) text_add(&n, attributes->data, attributes->length);
  if (attributes) n.failed |= attributes->failed;
  text *into = o->block < 0 ? &o->top : &o->body;
  proto_put_piece(into, 1, &n);
  if (attributes) text_free(attributes);
  if (into->failed) ox_fail_memory(o);
}

const char *ox_add(onnx_export *o, const char *op, const char *wanted, text *attributes, const char *const *in) {
  int n = 0;
  while (in[n]) n++;
  const char *out = ox_named(o, wanted ? wanted : op);
  ox_put(o, op, attributes, in, n, &out, 1);
  return out;
}

/* --- constants --- */

void ox_put_tensor(onnx_export *o, const char *name, int type, const int64_t *shape, int rank, const void *x) {
  text t = {0};
  size_t bytes = type == ONNX_FLOAT ? 4 : 8;
  for (int i = 0; i < rank; i++) {
    proto_put_whole(&t, 1, shape[i]);
    bytes *= (size_t)shape[i];
  }
  proto_put_whole(&t, 2, type);
  proto_put_text(&t, 8, name);
  proto_put_bytes(&t, 9, x, bytes);
  proto_put_piece(&o->initializers, 5, &t);
  if (o->initializers.failed) ox_fail_memory(o);
}

const char *ox_floats(onnx_export *o, const char *wanted, const int64_t *shape, int rank, const float *x) {
  const char *name = ox_named(o, wanted);
  if (!o->status) ox_put_tensor(o, name, ONNX_FLOAT, shape, rank, x);
  return name;
}

/* Equal constants are one. */
static const char *constant(onnx_export *o, const char *name, int type, int n, const void *x) {
  const int64_t shape[1] = {n};
  if (o->status) return "";
  if (is_taken(o, name)) return o->names[place_of(o, name)];
  name = ox_named(o, name);
  if (!o->status) ox_put_tensor(o, name, type, shape, 1, x);
  return name;
}

const char *ox_wholes(onnx_export *o, const int64_t *x, int n) {
  char name[200] = "#sizes";
  for (int i = 0; i < n; i++) {
    const size_t length = strlen(name);
    snprintf(name + length, sizeof name - length, "_%lld", (long long)x[i]);
  }
  return constant(o, name, ONNX_INT64, n, x);
}

const char *ox_number(onnx_export *o, double x) {
  const float value = (float)x;
  char name[64];
  snprintf(name, sizeof name, "#%.9g", (double)value);
  return constant(o, name, ONNX_FLOAT, 1, &value);
}

void ox_put_info(text *m, uint32_t field, const char *name, int type, const char *const *axes, const int64_t *sizes, int rank) {
  text shape = {0}, array = {0}, of = {0}, info = {0};
  for (int i = 0; i < rank; i++) {
    text d = {0};
    if (axes && axes[i])
      proto_put_text(&d, 2, axes[i]);
    else
      proto_put_whole(&d, 1, sizes[i]);
    proto_put_piece(&shape, 1, &d);
  }
  proto_put_whole(&array, 1, type);
  proto_put_piece(&array, 2, &shape);
  proto_put_piece(&of, 1, &array);
  proto_put_text(&info, 1, name);
  proto_put_piece(&info, 2, &of);
  proto_put_piece(m, field, &info);
}

/* --- values and shapes --- */

int ox_leave(onnx_export *o) {
  const int block = o->block;
  o->block = -1;
  return block;
}
void ox_return(onnx_export *o, int block) { o->block = block; }

static bool is_inner(const onnx_export *o, int x) { return port_flow_within(&o->f, o->block, x); }

void ox_set(onnx_export *o, int x, const char *name, int rank, int columns) {
  *(o->block < 0 ? &o->values[x] : &o->inner[x]) = (onnx_value){.name = name, .rank = rank, .columns = columns};
}

/* Nodes of graphs have names in the language; the others are called by their operators. */
static const char *called(const onnx_export *o, int x) { return o->g->nodes[x].name; }

static const char *dimension(onnx_export *o, int width) {
  const int axis = graph_steps_axis(width);
  const int64_t size = width;
  return axis < 0 ? ox_wholes(o, &size, 1) : ox_steps(o, axis);
}

/* [steps, batch, width], or without the first `3 - rank - 1` of these. */
static const char *shape_of(onnx_export *o, int rank, int axis, int width) {
  text a = {0};
  const int block = ox_leave(o);
  const char *last = dimension(o, width);
  if (rank) {
    ox_put_int(&a, "axis", 0);
    last = rank == 1 ? ONNX(o, "Concat", "shape", &a, ox_batch(o), last)
                     : ONNX(o, "Concat", "shape", &a, ox_steps(o, axis), ox_batch(o), last);
  }
  ox_return(o, block);
  return last;
}

static const char *flatten(onnx_export *o, int x, const onnx_picture *p) {
  static const int64_t perm[] = {0, 2, 3, 1};
  const node *n = &o->g->nodes[x];
  const int64_t flat[] = {-1, n->width};
  const bool steps = n->space == SPACE_STEP && o->block < 0;
  text a = {0};
  ox_put_ints(&a, "perm", perm, 4);
  const char *turned = ONNX(o, "Transpose", NULL, &a, p->name);
  return ONNX(o, "Reshape", called(o, x), NULL, turned, steps ? shape_of(o, 2, n->axis, n->width) : ox_wholes(o, flat, 2));
}

/* A step reads x, which is there for all steps. */
static onnx_value slice(onnx_export *o, int x, const onnx_value *all) {
  if (o->n_slices == o->cap_slices) {
    const int room = 2 * o->cap_slices + 16;
    const char **bigger = mem_resize(o->slices, (size_t)room * sizeof *bigger);
    if (!bigger) return ox_fail_memory(o), *all;
    o->slices = bigger;
    o->cap_slices = room;
  }
  const int64_t sizes[] = {0, all->columns};
  const bool free_width = graph_steps_axis(all->columns) >= 0;
  const onnx_value v = {ox_named(o, ox_format(o, "%.200s.t", all->name)), 1, all->columns};
  o->slices[o->n_slices++] = all->name;
  ox_put_info(&o->body_inputs, 11, v.name, ONNX_FLOAT, (const char *const[]){"batch", free_width ? "width" : NULL}, sizes, 2);
  o->inner[x] = v;
  return v;
}

onnx_value ox_see(onnx_export *o, int x) {
  const node *n = &o->g->nodes[x];
  if (o->block >= 0) {
    if (!o->inner[x].name && o->inside[x].name) ox_set(o, x, flatten(o, x, &o->inside[x]), 1, n->width);
    if (o->inner[x].name) return o->inner[x];
  }
  if (!o->values[x].name && o->pictures[x].name) {
    const int block = ox_leave(o);
    ox_set(o, x, flatten(o, x, &o->pictures[x]), n->space == SPACE_STEP ? 2 : 1, n->width);
    ox_return(o, block);
  }
  const onnx_value v = o->values[x];
  if (!v.name && !o->status) ox_cannot(o, x, "it is needed before it is there");
  if (o->block >= 0 && v.rank == 2 && n->space == SPACE_STEP) {
    if (n->axis == o->f.blocks[o->block].axis) return slice(o, x, &v);
    ox_cannot(o, x, "a step of one sequence needs all of another");
  }
  return v.name ? v : (onnx_value){"", 0, 1};
}

static const char *expanded(onnx_export *o, const onnx_value *v, int rank, int axis, int width) {
  if (v->rank >= rank && v->columns == width) return v->name;
  return ONNX(o, "Expand", NULL, NULL, v->name, shape_of(o, rank, axis, width));
}

const char *ox_wide(onnx_export *o, int x) {
  const onnx_value v = ox_see(o, x);
  return expanded(o, &v, 0, -1, o->g->nodes[x].width);
}

const char *ox_full(onnx_export *o, int x, enum space space, int axis) {
  const onnx_value v = ox_see(o, x);
  const int rank = space == SPACE_PARAM ? 0 : space == SPACE_STEP && o->block < 0 ? 2 : 1;
  return expanded(o, &v, rank, axis, o->g->nodes[x].width);
}

const char *ox_all(onnx_export *o, int x) { return ox_full(o, x, o->g->nodes[x].space, o->g->nodes[x].axis); }

const char *ox_whole(onnx_export *o, int x) {
  const int64_t axes[] = {0};
  const node *n = &o->g->nodes[x];
  if (is_inner(o, x)) ox_cannot(o, x, "a step needs all steps of its own recurrence");
  const int block = ox_leave(o);
  const char *name = ox_full(o, x, n->space == SPACE_STEP ? SPACE_STEP : SPACE_STATIC, n->axis);
  if (n->space != SPACE_STEP) name = ONNX(o, "Unsqueeze", NULL, NULL, name, ox_wholes(o, axes, 1));
  ox_return(o, block);
  return name;
}

/* An axis of the first input that has it. */
static const char *size_of(onnx_export *o, const char *wanted, int axis) {
  for (int i = 0; i < o->g->n_inputs; i++) {
    const input *in = &o->g->inputs[i];
    const int at = axis < 0 ? in->space == SPACE_STEP : 0;
    if (!o->given[i] || (axis >= 0 && (in->space != SPACE_STEP || in->axis != axis))) continue;
    text a = {0};
    ox_put_int(&a, "start", at);
    ox_put_int(&a, "end", at + 1);
    const int block = ox_leave(o);
    const char *name = ONNX(o, "Shape", wanted, &a, o->given[i]);
    ox_return(o, block);
    return name;
  }
  if (!o->status)
    o->status = error_set(o->err, UNROLL_USAGE,
                          axis < 0 ? "nothing goes into this net, so ONNX cannot say how many sequences there are"
                                   : "nothing goes into this net at the steps of one of its sequences, so ONNX "
                                     "cannot say how many there are");
  return "";
}

const char *ox_batch(onnx_export *o) {
  if (!o->batch) o->batch = size_of(o, "batch", -1);
  return o->batch;
}

const char *ox_steps(onnx_export *o, int axis) {
  if (!o->steps[axis]) o->steps[axis] = size_of(o, "steps", axis);
  return o->steps[axis];
}

/* --- pictures --- */

void ox_set_picture(onnx_export *o, int x, const char *name, int channels, int rows, int columns) {
  *(o->block < 0 ? &o->pictures[x] : &o->inside[x]) =
      (onnx_picture){.name = name, .channels = channels, .rows = rows, .columns = columns};
}

const onnx_picture *ox_only_picture(onnx_export *o, int x) {
  const onnx_picture *p = o->block < 0 ? &o->pictures[x] : &o->inside[x];
  const onnx_value *v = o->block < 0 ? &o->values[x] : &o->inner[x];
  return p->name && !v->name ? p : NULL;
}

const char *ox_picture_of(onnx_export *o, int x, const patches *p) {
  static const int64_t perm[] = {0, 3, 1, 2};
  const int64_t shape[] = {-1, p->rows, p->columns, p->channels};
  const int block = o->block;
  if (!is_inner(o, x) && o->g->nodes[x].space != SPACE_STEP) ox_leave(o); /* the same at all steps */
  const onnx_picture *there = o->block < 0 ? &o->pictures[x] : &o->inside[x];
  const char *name = there->name;
  if (!name || there->channels != p->channels || there->rows != p->rows || there->columns != p->columns) {
    text a = {0};
    const enum space space = o->g->nodes[x].space == SPACE_STEP ? SPACE_STEP : SPACE_STATIC;
    const char *rows = ONNX(o, "Reshape", NULL, NULL, ox_full(o, x, space, o->g->nodes[x].axis), ox_wholes(o, shape, 4));
    ox_put_ints(&a, "perm", perm, 4);
    name = ONNX(o, "Transpose", NULL, &a, rows);
    ox_set_picture(o, x, name, p->channels, p->rows, p->columns);
  }
  ox_return(o, block);
  return name;
}
