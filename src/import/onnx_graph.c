/* onnx_graph.c - the graph of an ONNX file: its constants, what goes in, its nodes in their order, what comes out.
 *
 * Whether what goes in is [sequences, steps, ...] or [steps, sequences, ...], or one step of a sequence, the file does not say. So
 * this is tried. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "import/onnx.h"

enum { DEEPEST = 16 };

#define BAD(...) error_at(o->err, UNROLL_BAD_INPUT, o->a->file, NULL, 0, 0, __VA_ARGS__)

static const onnx_reading readings[] = {
    {"BF", "BTF", "BT", false, NULL},
    {"BF", "TBF", "TB", false, "arrays are [steps, sequences, ...]"},
    {"BF", "BFT", "BT", false, "arrays are [sequences, numbers, steps]"},
    {"TF", "BTF", "BT", false, "arrays are [steps, numbers]: one sequence"},
    {"BF", "BCW", "B1", true, "one pass of it is one step here: the states that go in and come out are those of the net"},
    {"BF", "BCW", "BT", false, "arrays are [sequences, channels, columns]: there are no steps"},
};

bool onnx_is(const void *data, size_t size) {
  const unsigned char *p = data; /* ir_version comes first, and then a text or another number */
  return size > 16 && p[0] == 8 && p[1] > 0 && p[1] < 32 && (p[2] == 0x12 || p[2] == 0x3a || p[2] == 0x28 || p[2] == 0x1a);
}

static unroll_status read_node(const onnx *o, proto m, onnx_node *n) {
  proto_field f;
  bool bad = false;
  *n = (onnx_node){.message = m, .op = "", .name = ""};
  while (proto_next(&m, &f, &bad)) {
    if (f.type != 2) continue;
    const char *s = f.number <= 4 ? proto_text(f.piece, &o->l->memory) : "";
    if (!s) return error_memory(o->err);
    if ((f.number == 1 && n->n_in == ONNX_INPUTS) || (f.number == 2 && n->n_out == ONNX_OUTPUTS))
      return BAD("a node reads more than %d values, or gives more than %d", ONNX_INPUTS, ONNX_OUTPUTS);
    if (f.number == 1) n->in[n->n_in++] = s;
    if (f.number == 2) n->out[n->n_out++] = s;
    if (f.number == 3) n->name = s;
    if (f.number == 4) n->op = s;
  }
  return bad ? BAD("this ONNX file is damaged") : UNROLL_OK;
}

/* --- constants --- */

/* The list of arrays moves when it grows, and layers keep what they are given: so each value has a copy of its own. */
static unroll_status add_constant(onnx *o, const char *name, proto m) {
  arrays list = {.memory = &o->l->memory, .file = o->a->file};
  array *own = arena_alloc(&o->l->memory, 1, sizeof *own);
  unroll_status status = own ? proto_tensor(&list, name, m, o->err) : error_memory(o->err);
  if (!status) *own = list.list[0];
  if (!status && !onnx_set(o, name, &(onnx_value){.layer = -1, .constant = own})) status = error_memory(o->err);
  arrays_free(&list);
  return status;
}

/* A number, or a list of them, that an attribute has. */
static unroll_status add_numbers(onnx *o, const onnx_node *n) {
  static const struct {
    const char *name;
    unsigned field;
    bool whole, many;
  } forms[] = {{"value_float", 2, false, false},
               {"value_int", 3, true, false},
               {"value_floats", 7, false, true},
               {"value_ints", 8, true, true}};
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    const proto m = onnx_attribute(n, forms[i].name);
    if (!m.size || !n->n_out) continue;
    const int64_t most = (int64_t)m.size;
    array *own = arena_alloc(&o->l->memory, 1, sizeof *own);
    float *x = layers_numbers(o->l, most);
    int64_t *wholes = arena_alloc(&o->l->memory, (size_t)most + 1, sizeof *wholes);
    if (!own || !x || !wholes) return error_memory(o->err);
    int count = 1;
    if (forms[i].whole) {
      count = proto_wholes(m, forms[i].field, wholes, most > 1 << 20 ? 1 << 20 : (int)most);
      for (int k = 0; k < count; k++) x[k] = (float)wholes[k];
    } else if (!forms[i].many)
      x[0] = (float)onnx_real(n, forms[i].name, 0);
    else
      return onnx_refuse(o, n, "is of a form that is not read");
    *own = (array){.rank = forms[i].many, .shape = {count}, .count = count, .x = x, .whole = forms[i].whole};
    if (!forms[i].many) own->count = 1;
    return onnx_set(o, n->out[0], &(onnx_value){.layer = -1, .constant = own}) ? UNROLL_OK : error_memory(o->err);
  }
  return onnx_refuse(o, n, "is of a form that is not read");
}

/* Numbers of the graph and of its nodes; of the outermost once for all attempts. */
static unroll_status read_constants(onnx *o, proto all) {
  proto_field f;
  bool bad = false;
  unroll_status status = UNROLL_OK;
  while (!status && proto_next(&all, &f, &bad)) {
    onnx_node n;
    if (f.type != 2) continue;
    if (f.number == 5) {
      const char *name = proto_text(proto_piece(f.piece, 8), &o->l->memory);
      status = name ? add_constant(o, name, f.piece) : error_memory(o->err);
    } else if (f.number == 1 && proto_is(proto_piece(f.piece, 4), "Constant")) {
      status = read_node(o, f.piece, &n);
      const proto value = proto_piece(onnx_attribute(&n, "value"), 5);
      if (!status && value.size && n.n_out)
        status = add_constant(o, n.out[0], value);
      else if (!status)
        status = add_numbers(o, &n);
    }
  }
  return !status && bad ? BAD("this ONNX file is damaged") : status;
}

/* --- what goes in --- */

/* Is it what a recurrence begins with? */
static bool is_start(const onnx *o, proto all, const char *name) {
  proto_field f;
  bool bad = false;
  while (proto_next(&all, &f, &bad)) {
    const proto op = f.number == 1 && f.type == 2 ? proto_piece(f.piece, 4) : (proto){NULL, 0};
    if (!proto_is(op, "LSTM") && !proto_is(op, "GRU") && !proto_is(op, "RNN")) continue;
    proto_field in;
    proto m = f.piece;
    for (int i = 0; proto_next(&m, &in, &bad);) {
      if (in.number != 1 || in.type != 2) continue;
      if (i++ >= 4 && proto_is(in.piece, name)) return true;
    }
  }
  (void)o;
  return false;
}

static unroll_status add_data(onnx *o, const char *name, bool symbols, int rank, const int64_t *dims) {
  onnx_value v = {.layer = -1};
  if (symbols && rank > 2) return BAD("the input '%.60s' has symbols with %d axes", name, rank);
  if (rank > 4) return BAD("the input '%.60s' has %d axes", name, rank);
  if (symbols && rank == 1)
    strcpy(v.axes, o->how->stepwise ? "B" : "T");
  else
    strcpy(v.axes, symbols ? o->how->symbols : rank == 2 ? o->how->rank2 : rank == 3 ? o->how->rank3 : "BCHW");
  v.layer = layers_add(o->l, symbols ? LAYER_SYMBOLS : LAYER_NUMBERS, "input", -1);
  if (v.layer < 0) return error_memory(o->err);
  layer *l = layers_at(o->l, v.layer);
  strcpy(l->name, "x");
  l->width = 1;
  l->steps = o->how->stepwise || strchr(v.axes, 'T');
  for (int i = 0; !symbols && i < rank; i++) {
    const char letter = v.axes[i];
    if (letter == 'B' || letter == 'T') continue;
    const int64_t wide = dims[i] < 1 && i == rank - 1 ? o->l->open_width : dims[i];
    if (wide < 1 || wide > 1 << 20) return BAD("the input '%.60s' has no width that is known: option 'width' says it", name);
    if (letter == 'F') l->width = (int)wide;
    if (letter == 'C') v.c = (int)wide;
    if (letter == 'H') v.h = (int)wide;
    if (letter == 'W') v.w = (int)wide;
  }
  if (v.c && !v.h) v.h = 1;
  if (v.c && !layers_picture(l, v.c, v.h, v.w)) return BAD("the input '%.60s' has too many numbers", name);
  if (v.c && rank == 3) { /* channels and columns: a vector of both */
    l->channels = l->rows = l->columns = 0;
    if (v.c == 1) v.axes[1] = '1';
  }
  o->l->channels_first |= v.c > 1;
  if (v.c && rank == 3) l->grid[0] = v.c, l->grid[1] = v.h, l->grid[2] = v.w;
  if (rank != 4 && v.c == 1) v.c = v.h = v.w = 0, v.axes[2] = 'F';
  return onnx_set(o, name, &v) ? UNROLL_OK : error_memory(o->err);
}

/* The first input that is no state is what goes in, by its rank and type. */
static unroll_status add_input(onnx *o, proto all, proto m, int *count) {
  const char *name = proto_text(proto_piece(m, 1), &o->l->memory);
  const proto type = proto_piece(proto_piece(m, 2), 1);
  proto shape = proto_piece(type, 2);
  const int64_t element = proto_whole(type, 1, 1);
  proto_field f;
  bool bad = false;
  int rank = 0;
  int64_t dims[ONNX_RANK];
  if (!name) return error_memory(o->err);
  if (onnx_find(o, name)) return UNROLL_OK; /* of old files: an initializer */
  while (proto_next(&shape, &f, &bad) && rank < ONNX_RANK)
    if (f.number == 1 && f.type == 2) dims[rank++] = proto_whole(f.piece, 1, 0);
  const bool symbols = element == 6 || element == 7;
  const onnx_value idle = {.layer = -1, .state = true};
  if (*count > 0 || rank < (symbols ? 1 : 2) || is_start(o, all, name)) /* a state, a length, a rate */
    return onnx_set(o, name, &idle) ? UNROLL_OK : error_memory(o->err);
  (*count)++;
  return add_data(o, name, symbols, rank, dims);
}

/* --- nodes --- */

static unroll_status read_nodes(onnx *o, proto all);

/* One of two graphs, by a condition. Where that is not known it is the first that is understood. */
static unroll_status choose(onnx *o, const onnx_node *n) {
  const array *condition = onnx_constant(o, n, 0);
  const bool known = condition && condition->count == 1 && !isnan(condition->x[0]);
  const int first = known && !(condition->x[0] > 0);
  unroll_status status = UNROLL_OK;
  unroll_error other = {0}, *err = o->err;
  if (o->depth == DEEPEST) return onnx_refuse(o, n, "has graphs that are nested too deep");
  for (int k = first; k < (known ? first + 1 : 2); k++) {
    const proto g = proto_piece(onnx_attribute(n, k ? "else_branch" : "then_branch"), 6);
    const int values = o->n, list = o->l->n;
    if (k > first) o->err = &other;
    o->depth++;
    status = read_constants(o, g);
    if (!status) status = read_nodes(o, g);
    o->depth--;
    o->err = err;
    proto m = g;
    proto_field f;
    bool bad = false;
    for (int i = 0; !status && i < n->n_out && proto_next(&m, &f, &bad);) {
      if (f.number != 12 || f.type != 2) continue;
      const char *name = proto_text(proto_piece(f.piece, 1), &o->l->memory);
      const onnx_value *v = name ? onnx_find(o, name) : NULL;
      if (!v) return name ? onnx_refuse(o, n, "gives what no node in it gives") : error_memory(o->err);
      const onnx_value copy = *v;
      if (!onnx_set(o, n->out[i++], &copy)) return error_memory(o->err);
    }
    if (!status && !known && o->l->n > list)
      text_format(&o->l->told, "the node '%.60s' (If): its %s is taken, for the condition is not known\n",
                  *n->name   ? n->name
                  : n->n_out ? n->out[0]
                             : "",
                  k ? "else_branch" : "then_branch");
    if (status != UNROLL_BAD_INPUT) return status;
    o->n = values;
    o->l->n = list;
  }
  return status;
}

static unroll_status read_nodes(onnx *o, proto all) {
  proto_field f;
  bool bad = false;
  unroll_status status = UNROLL_OK;
  while (!status && proto_next(&all, &f, &bad)) {
    onnx_node n;
    if (f.number != 1 || f.type != 2) continue;
    status = read_node(o, f.piece, &n);
    if (!status) status = strcmp(n.op, "If") ? onnx_node_read(o, &n) : choose(o, &n);
    o->done += !status;
  }
  return !status && bad ? BAD("this ONNX file is damaged") : status;
}

/* --- what comes out --- */

static unroll_status add_outputs(onnx *o, proto all) {
  for (int pass = 0; pass < 2 && !o->l->n_outputs; pass++) { /* states where there is nothing else */
    proto m = all;
    proto_field f;
    bool bad = false;
    while (proto_next(&m, &f, &bad)) {
      if (f.number != 12 || f.type != 2) continue;
      const char *name = proto_text(proto_piece(f.piece, 1), &o->l->memory);
      const onnx_value *v = name ? onnx_find(o, name) : NULL;
      if (v && v->constant && !pass) text_format(&o->l->told, "output %.60s: the same whatever goes in, left out\n", name);
      if (!v || (!v->state && !v->constant && v->layer < 0)) return BAD("the output '%.60s' is not understood", name ? name : "");
      if (v->layer < 0 || (v->state && !pass) || o->l->n_outputs == NET_OUTPUTS) continue;
      if (v->n_parts > 1) return BAD("the output '%.60s' has directions or layers on an axis of their own", name);
      if (v->pad[0] || v->pad[1]) return BAD("the output '%.60s' has more steps than what goes in", name);
      if (o->l->list[v->layer].steps && !onnx_every_step(o, v->layer))
        return BAD("the output '%.60s' has fewer steps than what goes in, by a pool, a stride or a convolution without zeros",
                   name);
      onnx_value own = *v;
      const onnx_node last = {.op = "output", .name = name};
      const unroll_status status = onnx_settle(o, &last, &own);
      if (status) return status;
      o->l->outputs[o->l->n_outputs++].layer = own.layer;
      layer *l = &o->l->list[own.layer];
      if (own.c) l->grid[0] = own.c, l->grid[1] = own.h, l->grid[2] = own.w;
    }
  }
  return o->l->n_outputs ? UNROLL_OK : BAD("nothing comes out of this graph");
}

static unroll_status read_graph(onnx *o, proto all) {
  proto_field f;
  bool bad = false;
  int inputs = 0;
  unroll_status status = UNROLL_OK;
  for (proto m = all; !status && proto_next(&m, &f, &bad);)
    if (f.number == 11 && f.type == 2) status = add_input(o, all, f.piece, &inputs);
  if (!status && bad) status = BAD("this ONNX file is damaged");
  if (!status) status = read_nodes(o, all);
  return status ? status : add_outputs(o, all);
}

unroll_status layers_of_onnx(layers *l, arrays *a, const void *data, size_t size, unroll_error *err) {
  const proto all = proto_piece((proto){data, size}, 7);
  if (!all.size) return error_at(err, UNROLL_BAD_INPUT, a->file, NULL, 0, 0, "this ONNX file has no graph");
  onnx o = {.l = l, .a = a, .err = err};
  unroll_error other = {0};
  unroll_status status = read_constants(&o, all);
  int came = -1; /* nodes until the attempt failed whose error is told: that which came furthest */
  const onnx_reading *found = NULL;
  o.n_constants = o.n;
  for (size_t i = 0; i < sizeof readings / sizeof *readings && !found && (!status || status == UNROLL_BAD_INPUT); i++) {
    if (status && came < 0) break; /* the constants are bad */
    text_free(&l->told);
    l->told = (text){0};
    o.how = &readings[i];
    o.err = &other;
    o.n = o.n_constants;
    o.done = o.depth = 0;
    l->n = l->n_outputs = 0;
    l->channels_first = false;
    status = read_graph(&o, all);
    if (!status) found = &readings[i];
    if (status && (o.done > came || status != UNROLL_BAD_INPUT)) {
      if (err) *err = other;
      came = o.done;
    }
  }
  mem_free(o.values);
  if (status) return status;
  if (found->told) text_format(&l->told, "%s\n", found->told);
  for (int i = 0; i < l->n; i++)
    if (l->list[i].kind == LAYER_RECURRENT)
      text_format(&l->told, "%s: %s, %d -> %d%s\n", l->list[i].name,
                  l->list[i].cell->type == CELL_LSTM  ? "LSTM"
                  : l->list[i].cell->type == CELL_GRU ? "GRU"
                                                      : "RNN",
                  l->list[i].cell->inputs, l->list[i].width, l->list[i].cell->backward ? ", backward" : "");
  l->source = "ONNX graph";
  return UNROLL_OK;
}
