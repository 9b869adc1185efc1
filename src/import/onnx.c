/* onnx.c - graphs of ONNX: each operator is a row, and what is none is refused with its node.
 *
 * Operators work on arrays with numbered axes; here axes have meanings. So each value has letters for its axes (onnx.h), which
 * transpositions move and recurrences ask for. Whether what goes in is [sequences, steps, ...] or [steps, sequences, ...] is tried.
 */
#include "import/onnx.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"

#define BAD(...) error_at(o->err, UNROLL_BAD_INPUT, o->a->file, NULL, 0, 0, __VA_ARGS__)

bool onnx_is(const void *data, size_t size) {
  const unsigned char *p = data; /* ir_version comes first, and then a text or another number */
  return size > 16 && p[0] == 8 && p[1] > 0 && p[1] < 32 && (p[2] == 0x12 || p[2] == 0x3a || p[2] == 0x28 || p[2] == 0x1a);
}

unroll_status onnx_refuse(const onnx *o, const onnx_node *n, const char *why) {
  return BAD("the node '%.60s' (%.40s) %s", *n->name ? n->name : n->n_out ? n->out[0] : "", n->op, why);
}

/* --- attributes and values --- */

proto onnx_attribute(const onnx_node *n, const char *name) {
  proto m = n->message;
  proto_field f;
  bool bad = false;
  while (proto_next(&m, &f, &bad)) {
    if (f.number != 5 || f.type != 2) continue;
    const proto own = proto_piece(f.piece, 1);
    if (own.size == strlen(name) && !memcmp(own.at, name, (size_t)own.size)) return f.piece;
  }
  return (proto){NULL, 0};
}

int64_t onnx_whole(const onnx_node *n, const char *name, int64_t missing) {
  return proto_whole(onnx_attribute(n, name), 3, missing);
}
int onnx_wholes(const onnx_node *n, const char *name, int64_t out[ONNX_RANK]) {
  return proto_wholes(onnx_attribute(n, name), 8, out, ONNX_RANK);
}

double onnx_real(const onnx_node *n, const char *name, double missing) {
  proto m = onnx_attribute(n, name);
  proto_field f;
  bool bad = false;
  while (proto_next(&m, &f, &bad)) {
    if (f.number != 2 && f.number != 7) continue;
    if (f.type == 2 && f.piece.size < 4) continue;
    uint32_t bits = (uint32_t)f.value;
    float x;
    if (f.type == 2) memcpy(&bits, f.piece.at, 4);
    memcpy(&x, &bits, sizeof x);
    return (double)x;
  }
  return missing;
}

onnx_value *onnx_find(const onnx *o, const char *name) {
  for (int i = 0; i < o->n; i++)
    if (!strcmp(o->values[i].name, name)) return &o->values[i];
  return NULL;
}

onnx_value *onnx_set(onnx *o, const char *name, const onnx_value *as) {
  if (o->n == o->room) {
    onnx_value *list = mem_resize(o->values, (size_t)(2 * o->room + 64) * sizeof *list);
    if (!list) return NULL;
    o->values = list;
    o->room = 2 * o->room + 64;
  }
  onnx_value *v = &o->values[o->n++];
  *v = *as;
  v->name = name;
  return v;
}

/* A value of sizes, which no layer needs. */
static unroll_status set_idle(onnx *o, const onnx_node *n) {
  const onnx_value v = {.layer = -1};
  for (int i = 0; i < n->n_out; i++)
    if (*n->out[i] && !onnx_set(o, n->out[i], &v)) return error_memory(o->err);
  return UNROLL_OK;
}

static unroll_status set_as(onnx *o, const onnx_node *n, const onnx_value *v) {
  return n->n_out && onnx_set(o, n->out[0], v) ? UNROLL_OK : error_memory(o->err);
}

/* Whole numbers of an attribute, or of a constant input. -1: neither. */
static int numbers(const onnx *o, const onnx_node *n, const char *name, int at, int64_t out[ONNX_RANK]) {
  const onnx_value *v = at < n->n_in && *n->in[at] ? onnx_find(o, n->in[at]) : NULL;
  if (v && v->constant) {
    const int count = v->constant->count < ONNX_RANK ? (int)v->constant->count : ONNX_RANK;
    for (int i = 0; i < count; i++)
      out[i] = v->constant->x[i] > 1e9f ? 1000000000 : v->constant->x[i] < -1e9f ? -1000000000 : (int64_t)v->constant->x[i];
    return count;
  }
  const int count = onnx_attribute(n, name).size ? onnx_wholes(n, name, out) : -1;
  return v ? -1 : count;
}

static int axis_of(const onnx_value *v, int64_t axis) {
  const int rank = (int)strlen(v->axes);
  if (axis < 0) axis += rank;
  return axis < 0 || axis >= rank ? -1 : (int)axis;
}

/* --- operators --- */

/* `function` NULL: out of memory. */
static unroll_status apply(onnx *o, const onnx_node *n, const onnx_value *x, const char *function) {
  onnx_value y = *x;
  if (!function) return error_memory(o->err);
  y.layer = layers_add(o->l, LAYER_APPLY, *n->name ? n->name : n->op, x->layer);
  if (y.layer < 0) return error_memory(o->err);
  o->l->list[y.layer].function = function;
  return set_as(o, n, &y);
}

/* *known: the operator is one; its function may then be NULL, out of memory. */
static const char *function_of(onnx *o, const onnx_node *n, bool *known) {
  static const char *const rows[] = {"Relu", "Sigmoid", "Tanh", "Selu", "Softplus", "Softsign", "Exp", "Log",
                                     "Abs",  "Sqrt",    "Neg",  "Sin",  "Cos",      "Mish",     "Gelu"};
  char own[80] = "";
  *known = true;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (!strcmp(rows[i], n->op)) return layers_function(n->op);
  if (!strcmp(n->op, "Elu")) snprintf(own, sizeof own, "elu(%%s, %.9g)", onnx_real(n, "alpha", 1));
  if (!strcmp(n->op, "LeakyRelu")) snprintf(own, sizeof own, "leaky_relu(%%s, %.9g)", onnx_real(n, "alpha", 0.01));
  if (!strcmp(n->op, "HardSigmoid"))
    snprintf(own, sizeof own, "clip(%.9g * %%s + %.9g, 0, 1)", onnx_real(n, "alpha", 0.2), onnx_real(n, "beta", 0.5));
  *known = *own != 0;
  return *known ? arena_text(&o->l->memory, own, strlen(own)) : NULL;
}

/* x times a constant [in, out]. */
static unroll_status times(onnx *o, const onnx_node *n, const onnx_value *x, const array *w, bool turned) {
  const int rank = (int)strlen(x->axes), in = o->l->list[x->layer].width;
  onnx_value y = *x;
  if (!w || w->rank != 2 || rank < 1 || x->axes[rank - 1] != 'F' || w->shape[turned] != in || w->shape[!turned] < 1 ||
      w->shape[!turned] > 1 << 24)
    return onnx_refuse(o, n, "multiplies by what is no constant matrix of as many rows as there are numbers");
  const int out = (int)w->shape[!turned];
  const float *m = turned ? w->x : layers_turned(o->l, w->x, out, in);
  if (x->flat && m) { /* channel after channel -> pixel after pixel */
    const int pixels = in / x->flat;
    float *t = layers_numbers(o->l, (int64_t)out * in);
    for (int r = 0; t && r < out; r++)
      for (int c = 0; c < x->flat; c++)
        for (int p = 0; p < pixels; p++) t[(int64_t)r * in + p * x->flat + c] = m[(int64_t)r * in + c * pixels + p];
    m = t;
  }
  y.layer = m ? layers_add(o->l, LAYER_LINEAR, *n->name ? n->name : "dense", x->layer) : -1;
  if (y.layer < 0) return error_memory(o->err);
  y.flat = 0;
  o->l->list[y.layer].W = m;
  o->l->list[y.layer].width = out;
  o->l->list[y.layer].channels = 0;
  return set_as(o, n, &y);
}

/* A layer and a constant of one number or of one for each entry; or two layers. */
static unroll_status binary(onnx *o, const onnx_node *n, const onnx_value *a, const onnx_value *b) {
  static const char *const rows[][2] = {{"Add", "+"}, {"Sub", "-"}, {"Mul", "*"}, {"Div", "/"}};
  const char *sign = "+";
  for (size_t i = 0; i < 4; i++)
    if (!strcmp(rows[i][0], n->op)) sign = rows[i][1];
  const bool turned = a->constant != NULL;
  const onnx_value *x = turned ? b : a;
  const array *c = turned ? a->constant : b->constant;
  onnx_value y = *x;
  const layer from = o->l->list[x->layer];
  if (!c) {
    if (strcmp(a->axes, b->axes) || o->l->list[a->layer].width != o->l->list[b->layer].width)
      return onnx_refuse(o, n, "puts together arrays of different shapes");
    y.layer = layers_add(o->l, LAYER_BINARY, *n->name ? n->name : n->op, a->layer);
    if (y.layer < 0) return error_memory(o->err);
    layer *l = layers_at(o->l, y.layer);
    l->in[l->n_in++] = b->layer;
    l->function = sign;
    return set_as(o, n, &y);
  }
  if (c->count == 1) {
    char own[64];
    if (!turned) snprintf(own, sizeof own, "%%s %s %.9g", sign, (double)c->x[0]);
    if (turned) snprintf(own, sizeof own, "%.9g %s %%s", (double)c->x[0], sign);
    return apply(o, n, x, arena_text(&o->l->memory, own, strlen(own)));
  }
  const bool commutes = *sign == '+' || *sign == '*';
  if (c->count != from.width || from.channels || (turned && !commutes))
    return onnx_refuse(o, n, "has a constant of another size than its numbers");
  if (from.kind == LAYER_LINEAR && !from.b && *sign == '+') { /* a new product: others may read that without the bias */
    y.layer = layers_add(o->l, LAYER_LINEAR, from.name, from.in[0]);
    if (y.layer < 0) return error_memory(o->err);
    layer *l = layers_at(o->l, y.layer);
    l->W = from.W;
    l->b = c->x;
    l->width = from.width;
    l->channels = 0;
    return set_as(o, n, &y);
  }
  y.layer = layers_add(o->l, LAYER_BINARY, *n->name ? n->name : n->op, x->layer);
  if (y.layer < 0) return error_memory(o->err);
  o->l->list[y.layer].function = sign;
  o->l->list[y.layer].b = c->x;
  return set_as(o, n, &y);
}

static unroll_status transpose(onnx *o, const onnx_node *n, const onnx_value *x) {
  int64_t perm[ONNX_RANK];
  onnx_value y = *x;
  const int rank = (int)strlen(x->axes), count = onnx_wholes(n, "perm", perm);
  for (int i = 0; i < rank; i++) {
    const int64_t from = count == rank ? perm[i] : rank - 1 - i;
    if (from < 0 || from >= rank) return onnx_refuse(o, n, "has a bad perm");
    y.axes[i] = x->axes[from];
  }
  return set_as(o, n, &y);
}

static unroll_status squeeze(onnx *o, const onnx_node *n, const onnx_value *x, bool adds) {
  int64_t axes[ONNX_RANK];
  onnx_value y = *x;
  const int count = numbers(o, n, "axes", 1, axes), rank = (int)strlen(x->axes);
  if (count != 1) return onnx_refuse(o, n, "is about other than one axis");
  const int64_t at = axes[0] < 0 ? axes[0] + rank + adds : axes[0];
  if (at < 0 || at >= rank + adds || rank + adds > ONNX_RANK) return onnx_refuse(o, n, "has a bad axis");
  if (!adds && x->axes[at] != '1' && (x->axes[at] != 'D' || x->directions > 1))
    return onnx_refuse(o, n, "takes away an axis of more than one entry");
  if (adds) {
    memmove(y.axes + at + 1, x->axes + at, (size_t)(rank - at) + 1);
    y.axes[at] = '1';
  } else
    memmove(y.axes + at, x->axes + at + 1, (size_t)(rank - at));
  return set_as(o, n, &y);
}

/* Directions side by side, a picture as a vector, or nothing at all. */
static unroll_status reshape(onnx *o, const onnx_node *n, const onnx_value *x) {
  int64_t shape[ONNX_RANK];
  onnx_value y = *x;
  const bool flatten = !strcmp(n->op, "Flatten");
  const int count = flatten ? 2 : numbers(o, n, "shape", 1, shape), rank = (int)strlen(x->axes);
  const layer from = o->l->list[x->layer];
  if (rank >= 2 && count == rank - 1 && !strcmp(x->axes + rank - 2, "DF"))
    strcpy(y.axes + rank - 2, "F");
  else if (!strcmp(x->axes, "BCHW") && count == 2) {
    strcpy(y.axes, "BF");
    y.flat = from.channels;
  } else if (count != rank || (!flatten && shape[rank - 1] != -1 && shape[rank - 1] != 0 && shape[rank - 1] != from.width))
    return onnx_refuse(o, n, "changes the shape in a way that is not understood");
  return set_as(o, n, &y);
}

static unroll_status over(onnx *o, const onnx_node *n, const onnx_value *x, int axis, const char *function, bool keeps) {
  onnx_value y = *x;
  if (axis < 0 || x->axes[axis] != 'T') return onnx_refuse(o, n, "is about another axis than the steps");
  y.layer = layers_add(o->l, LAYER_OVER, "end", x->layer);
  if (y.layer < 0) return error_memory(o->err);
  o->l->list[y.layer].function = function;
  o->l->list[y.layer].steps = false;
  if (keeps)
    y.axes[axis] = '1';
  else
    memmove(y.axes + axis, x->axes + axis + 1, strlen(x->axes + axis));
  return set_as(o, n, &y);
}

static unroll_status gather(onnx *o, const onnx_node *n) {
  const onnx_value *x = onnx_find(o, n->in[0]), *i = onnx_find(o, n->in[1]);
  if (x->constant && i->layer >= 0 && o->l->list[i->layer].kind == LAYER_SYMBOLS) {
    onnx_value y = *i;
    const array *w = x->constant;
    if (w->rank != 2 || onnx_whole(n, "axis", 0) || w->shape[0] < 1 || w->shape[0] > 1 << 24 || w->shape[1] < 1 ||
        w->shape[1] > 1 << 20)
      return onnx_refuse(o, n, "looks up in what is no table");
    if (o->l->list[i->layer].width > 1 && o->l->list[i->layer].width != w->shape[0])
      return onnx_refuse(o, n, "looks the same symbols up in a table of another size");
    o->l->list[i->layer].width = (int)w->shape[0];
    y.layer = layers_add(o->l, LAYER_EMBED, *n->name ? n->name : "embedding", i->layer);
    if (y.layer < 0) return error_memory(o->err);
    o->l->list[y.layer].W = w->x;
    o->l->list[y.layer].width = (int)w->shape[1];
    if (strlen(y.axes) == ONNX_RANK) return onnx_refuse(o, n, "makes too many axes");
    strcat(y.axes, "F");
    return set_as(o, n, &y);
  }
  if (x->layer < 0 || !i->constant || i->constant->count != 1) return onnx_refuse(o, n, "looks up what is not understood");
  const bool last = i->constant->x[0] < 0, first = i->constant->x[0] < 0.5f && !last;
  if (!first && !(last && i->constant->x[0] > -1.5f)) return onnx_refuse(o, n, "takes another step than the first and the last");
  const int axis = axis_of(x, onnx_whole(n, "axis", 0));
  return over(o, n, x, axis, last ? "last" : "first", i->constant->rank > 0);
}

/* [-1:] of the steps. */
static unroll_status slice(onnx *o, const onnx_node *n, const onnx_value *x) {
  int64_t starts[ONNX_RANK], ends[ONNX_RANK], axes[ONNX_RANK] = {0};
  const int count = numbers(o, n, "starts", 1, starts), many = numbers(o, n, "ends", 2, ends);
  const bool given = numbers(o, n, "axes", 3, axes) == 1;
  if (count != 1 || many != 1 || starts[0] != -1 || ends[0] < 1000000) return onnx_refuse(o, n, "takes other than the last step");
  return over(o, n, x, axis_of(x, given ? axes[0] : 0), "last", true);
}

static unroll_status concat(onnx *o, const onnx_node *n) {
  const onnx_value *x = onnx_find(o, n->in[0]);
  onnx_value y = *x;
  const int axis = axis_of(x, onnx_whole(n, "axis", 0));
  if (axis < 0 || x->axes[axis] != 'F') return onnx_refuse(o, n, "puts together along another axis than the numbers");
  y.layer = layers_add(o->l, LAYER_CONCAT, *n->name ? n->name : "both", x->layer);
  if (y.layer < 0) return error_memory(o->err);
  for (int i = 1; i < n->n_in; i++) {
    const onnx_value *v = onnx_find(o, n->in[i]);
    if (v->layer < 0 || strcmp(v->axes, x->axes)) return onnx_refuse(o, n, "puts together arrays of different axes");
    layer *c = layers_at(o->l, y.layer);
    if (c->n_in == LAYER_INPUTS) return onnx_refuse(o, n, "puts too much together");
    c->in[c->n_in++] = v->layer;
    if (!layers_widen(c, o->l->list[v->layer].width)) return onnx_refuse(o, n, "gives too many numbers");
  }
  return set_as(o, n, &y);
}

static bool is_one_of(const char *op, const char *list) {
  const size_t n = strlen(op);
  if (!n) return false;
  for (const char *at = strstr(list, op); at; at = strstr(at + 1, op))
    if ((at == list || at[-1] == ' ') && (at[n] == ' ' || !at[n])) return true;
  return false;
}

static unroll_status gemm(onnx *o, const onnx_node *n, const onnx_value *x) {
  const onnx_value *w = onnx_find(o, n->in[1]), *c = n->n_in > 2 && *n->in[2] ? onnx_find(o, n->in[2]) : NULL;
  const bool plain =
      fabs(onnx_real(n, "alpha", 1) - 1) < 1e-9 && fabs(onnx_real(n, "beta", 1) - 1) < 1e-9 && !onnx_whole(n, "transA", 0);
  if (!plain || (c && !c->constant)) return onnx_refuse(o, n, "is no product with a constant matrix");
  const array *bias = c ? c->constant : NULL; /* values move when one is added */
  const unroll_status status = times(o, n, x, w->constant, onnx_whole(n, "transB", 0) != 0);
  if (status || !bias) return status;
  layer *l = layers_at(o->l, o->values[o->n - 1].layer);
  if (bias->count != l->width) return onnx_refuse(o, n, "has a bias of another size");
  l->b = bias->x;
  return UNROLL_OK;
}

static unroll_status one(onnx *o, const onnx_node *n) {
  const onnx_value *x = n->n_in && *n->in[0] ? onnx_find(o, n->in[0]) : NULL,
                   *y = n->n_in > 1 && *n->in[1] ? onnx_find(o, n->in[1]) : NULL;
  bool idle = true;
  if (!strcmp(n->op, "Constant")) return UNROLL_OK; /* it is there already */
  for (int i = 0; i < n->n_in; i++) {
    const onnx_value *v = *n->in[i] ? onnx_find(o, n->in[i]) : NULL;
    if (*n->in[i] && !v) return onnx_refuse(o, n, "reads what no node before it gives");
    idle &= !v || v->layer < 0;
  }
  if (is_one_of(n->op, "LSTM GRU RNN")) return onnx_recurrent(o, n);
  if (!strcmp(n->op, "Shape")) return set_idle(o, n);
  if (is_one_of(n->op, "Identity Cast Dropout") && x)
    return set_as(o, n,
                  &(onnx_value){.constant = x->constant,
                                .layer = x->layer,
                                .directions = x->directions,
                                .flat = x->flat,
                                .state = x->state,
                                .axes = {x->axes[0], x->axes[1], x->axes[2], x->axes[3], x->axes[4], x->axes[5], 0}});
  if (idle) return set_idle(o, n); /* sizes and states before the first step */
  if (!strcmp(n->op, "Gather") && x && y) return gather(o, n);
  if (is_one_of(n->op, "Add Sub Mul Div") && x && y && (x->layer >= 0 || x->constant) && (y->layer >= 0 || y->constant))
    return binary(o, n, x, y);
  if (!x || x->layer < 0) return onnx_refuse(o, n, "reads what is not understood");
  if (!strcmp(n->op, "MatMul")) return times(o, n, x, y ? y->constant : NULL, false);
  if (!strcmp(n->op, "Gemm") && y) return gemm(o, n, x);
  if (!strcmp(n->op, "Transpose")) return transpose(o, n, x);
  if (!strcmp(n->op, "Squeeze")) return squeeze(o, n, x, false);
  if (!strcmp(n->op, "Unsqueeze")) return squeeze(o, n, x, true);
  if (is_one_of(n->op, "Reshape Flatten")) return reshape(o, n, x);
  if (!strcmp(n->op, "Slice")) return slice(o, n, x);
  if (!strcmp(n->op, "Concat")) return concat(o, n);
  if (is_one_of(n->op, "ReduceMean ReduceMax")) {
    int64_t axes[ONNX_RANK];
    if (numbers(o, n, "axes", 1, axes) != 1) return onnx_refuse(o, n, "is about other than one axis");
    return over(o, n, x, axis_of(x, axes[0]), strcmp(n->op, "ReduceMax") ? "mean" : "max", onnx_whole(n, "keepdims", 1) != 0);
  }
  if (!strcmp(n->op, "Softmax")) {
    const int axis = axis_of(x, onnx_whole(n, "axis", -1));
    return axis >= 0 && x->axes[axis] == 'F' ? apply(o, n, x, "softmax(%s)")
                                             : onnx_refuse(o, n, "is about another axis than the numbers");
  }
  bool known;
  const char *f = function_of(o, n, &known);
  return known ? apply(o, n, x, f) : onnx_refuse(o, n, "is not understood");
}

/* --- the graph --- */

static unroll_status read_node(const onnx *o, proto m, onnx_node *n) {
  proto_field f;
  bool bad = false;
  *n = (onnx_node){.message = m, .op = "", .name = ""};
  while (proto_next(&m, &f, &bad)) {
    if (f.type != 2) continue;
    const char *s = f.number <= 4 ? proto_text(f.piece, &o->l->memory) : "";
    if (!s) return error_memory(o->err);
    if (f.number == 1 && n->n_in == ONNX_INPUTS) return BAD("a node reads more than %d values", ONNX_INPUTS);
    if (f.number == 1) n->in[n->n_in++] = s;
    if (f.number == 2 && n->n_out < 4) n->out[n->n_out++] = s;
    if (f.number == 3) n->name = s;
    if (f.number == 4) n->op = s;
  }
  return bad ? BAD("this ONNX file is damaged") : UNROLL_OK;
}

/* What goes in, by its rank and type. More than one input of numbers: states. */
static unroll_status add_input(onnx *o, proto m, int *count) {
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
  onnx_value v = {.layer = -1};
  const bool symbols = element == 6 || element == 7;
  if ((*count)++ > 0 || rank < (symbols ? 1 : 2)) /* a state, a length, a rate */
    return onnx_set(o, name, &v) ? UNROLL_OK : error_memory(o->err);
  const int64_t width = symbols ? 1 : rank == 4 ? dims[1] : dims[rank - 1];
  if (rank > 4 || width < 1 || width > 1 << 20) return BAD("the input '%.60s' has no width that is known", name);
  strcpy(v.axes, symbols         ? (rank == 1       ? "T"
                                    : o->time_first ? "TB"
                                                    : "BT")
                 : rank == 2     ? "BF"
                 : rank == 4     ? "BCHW"
                 : o->time_first ? "TBF"
                                 : "BTF");
  v.layer = layers_add(o->l, symbols ? LAYER_SYMBOLS : LAYER_NUMBERS, "input", -1);
  if (v.layer < 0) return error_memory(o->err);
  layer *l = layers_at(o->l, v.layer);
  strcpy(l->name, "x");
  l->width = (int)width;
  l->steps = rank != 4 && (symbols || rank == 3);
  if (rank == 4) return BAD("the input '%.60s' is a picture, which is not understood yet", name);
  return onnx_set(o, name, &v) ? UNROLL_OK : error_memory(o->err);
}

/* The list of arrays moves when it grows, and layers keep what they are given: so each value has a copy of its own. */
static unroll_status add_constant(onnx *o, const char *name, proto m) {
  array *own = arena_alloc(&o->l->memory, 1, sizeof *own);
  const unroll_status status = own ? proto_tensor(o->a, name, m, o->err) : error_memory(o->err);
  if (status) return status;
  *own = o->a->list[o->a->n - 1];
  return onnx_set(o, name, &(onnx_value){.layer = -1, .constant = own}) ? UNROLL_OK : error_memory(o->err);
}

/* Numbers of the graph and of its nodes, once for all attempts. */
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
      if (!status && (!value.size || !n.n_out)) status = onnx_refuse(o, &n, "is of a form that is not read");
      if (!status) status = add_constant(o, n.out[0], value);
    }
  }
  o->n_constants = o->n;
  return !status && bad ? BAD("this ONNX file is damaged") : status;
}

static unroll_status read_graph(onnx *o, proto all) {
  proto_field f;
  bool bad = false;
  int inputs = 0, outputs = 0;
  unroll_status status = UNROLL_OK;
  for (int pass = 0; pass < 3 && !status; pass++) { /* inputs, nodes, outputs */
    static const uint32_t wanted[] = {11, 1, 12};
    proto m = all;
    while (!status && proto_next(&m, &f, &bad)) {
      if (f.number != wanted[pass] || f.type != 2) continue;
      onnx_node n;
      if (pass == 0) {
        status = add_input(o, f.piece, &inputs);
      } else if (pass == 1) {
        status = read_node(o, f.piece, &n);
        if (!status) status = one(o, &n);
      } else {
        const char *name = proto_text(proto_piece(f.piece, 1), &o->l->memory);
        const onnx_value *v = name ? onnx_find(o, name) : NULL;
        if (!v || (!v->state && v->layer < 0)) return BAD("the output '%.60s' is not understood", name ? name : "");
        if ((v->state && outputs) || v->layer < 0 || o->l->n_outputs == NET_OUTPUTS) continue; /* a state */
        o->l->outputs[o->l->n_outputs++].layer = v->layer;
        outputs++;
      }
    }
  }
  if (!status && bad) status = BAD("this ONNX file is damaged");
  if (!status && !o->l->n_outputs) status = BAD("nothing comes out of this graph");
  return status;
}

static unroll_status attempt(onnx *o, proto all, bool time_first, unroll_error *err) {
  o->time_first = time_first;
  o->err = err;
  o->n = o->n_constants;
  o->l->n = o->l->n_outputs = 0;
  return read_graph(o, all);
}

unroll_status layers_of_onnx(layers *l, arrays *a, const void *data, size_t size, unroll_error *err) {
  const proto all = proto_piece((proto){data, size}, 7);
  if (!all.size) return error_at(err, UNROLL_BAD_INPUT, a->file, NULL, 0, 0, "this ONNX file has no graph");
  unroll_error other = {0};
  onnx o = {.l = l, .a = a, .err = err};
  unroll_status status = read_constants(&o, all);
  const bool read = !status;
  if (read) status = attempt(&o, all, false, err);
  if (read && status == UNROLL_BAD_INPUT) {
    const int came = l->n; /* layers until it failed */
    const unroll_status turned = attempt(&o, all, true, &other);
    if (!turned) text_format(&l->told, "arrays are [steps, sequences, ...]\n");
    if (turned && l->n > came && err) *err = other; /* what stopped the attempt that came further */
    if (turned != UNROLL_BAD_INPUT) status = turned;
  }
  mem_free(o.values);
  for (int i = 0; i < a->n; i++) a->list[i].used = true;
  for (int i = 0; i < l->n && !status; i++)
    if (l->list[i].kind == LAYER_RECURRENT)
      text_format(&l->told, "%s: %s, %d -> %d%s\n", l->list[i].name,
                  l->list[i].cell->type == CELL_LSTM  ? "LSTM"
                  : l->list[i].cell->type == CELL_GRU ? "GRU"
                                                      : "RNN",
                  l->list[i].cell->inputs, l->list[i].width, l->list[i].cell->backward ? ", backward" : "");
  l->source = "ONNX graph";
  return status;
}
