/* onnx.c - operators of ONNX: each is a row, and what is none is refused with its node. */
#include "import/onnx.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"

const char *onnx_name(const onnx_node *n) { return *n->name ? n->name : n->op; }

unroll_status onnx_refuse(const onnx *o, const onnx_node *n, const char *why) {
  return error_at(o->err, UNROLL_BAD_INPUT, o->a->file, NULL, 0, 0, "the node '%.60s' (%.40s) %s",
                  *n->name   ? n->name
                  : n->n_out ? n->out[0]
                             : "",
                  n->op, why);
}

/* --- attributes and values --- */

proto onnx_attribute(const onnx_node *n, const char *name) {
  proto m = n->message;
  proto_field f;
  bool bad = false;
  while (proto_next(&m, &f, &bad))
    if (f.number == 5 && f.type == 2 && proto_is(proto_piece(f.piece, 1), name)) return f.piece;
  return (proto){NULL, 0};
}

int64_t onnx_whole(const onnx_node *n, const char *name, int64_t missing) {
  return proto_whole(onnx_attribute(n, name), 3, missing);
}
int onnx_wholes(const onnx_node *n, const char *name, int64_t out[ONNX_RANK]) {
  const proto m = onnx_attribute(n, name);
  return m.size ? proto_wholes(m, 8, out, ONNX_RANK) : -1;
}
bool onnx_word(const onnx_node *n, const char *name, const char *is) {
  return proto_is(proto_piece(onnx_attribute(n, name), 4), is);
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

/* The last of that name: graphs within graphs have their own. */
onnx_value *onnx_find(const onnx *o, const char *name) {
  for (int i = o->n - 1; i >= 0; i--)
    if (!strcmp(o->values[i].name, name)) return &o->values[i];
  return NULL;
}

bool onnx_input(const onnx *o, const onnx_node *n, int i, onnx_value *v) {
  const onnx_value *found = i < n->n_in && *n->in[i] ? onnx_find(o, n->in[i]) : NULL;
  if (found) *v = *found;
  return found;
}

const array *onnx_constant(const onnx *o, const onnx_node *n, int i) {
  onnx_value v;
  return onnx_input(o, n, i, &v) ? v.constant : NULL;
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

unroll_status onnx_give(onnx *o, const onnx_node *n, const onnx_value *v) {
  if (!n->n_out) return onnx_refuse(o, n, "gives nothing");
  return onnx_set(o, n->out[0], v) ? UNROLL_OK : error_memory(o->err);
}

int onnx_numbers(const onnx *o, const onnx_node *n, const char *name, int at, int64_t out[ONNX_RANK]) {
  const array *c = onnx_constant(o, n, at);
  if (!c) return onnx_wholes(n, name, out);
  const int count = c->count < ONNX_RANK ? (int)c->count : ONNX_RANK;
  for (int i = 0; i < count; i++) {
    if (isnan(c->x[i])) return -1;
    out[i] = c->x[i] > 1e9f ? 1000000000 : c->x[i] < -1e9f ? -1000000000 : (int64_t)c->x[i];
  }
  return count;
}

int onnx_axis(const onnx_value *v, int64_t axis) {
  const int rank = (int)strlen(v->axes);
  if (axis < 0) axis += rank;
  return axis < 0 || axis >= rank ? -1 : (int)axis;
}

double onnx_size(const onnx *o, const onnx_value *v, int axis) {
  switch (v->axes[axis]) {
  case '1':
    return 1;
  case 'F':
    return o->l->list[v->layer].width;
  case 'D':
    return v->n_parts;
  case 'C':
    return v->c;
  case 'H':
    return v->h;
  case 'W':
    return v->w;
  default:
    return (double)NAN;
  }
}

void onnx_normalize(onnx_value *v) {
  char *at = strpbrk(v->axes, "CHW");
  if (at && !strpbrk(at + 1, "CHW")) *at = 'F';
  if (!strpbrk(v->axes, "CHW")) v->c = v->h = v->w = 0;
}

/* --- products and functions --- */

unroll_status onnx_linear(onnx *o, const onnx_node *n, int from, int out, const float *W, const float *b, int *at) {
  *at = layers_add(o->l, LAYER_LINEAR, onnx_name(n), from);
  if (*at < 0) return error_memory(o->err);
  layer *l = layers_vector(o->l, *at, out);
  l->W = W;
  l->b = b;
  return UNROLL_OK;
}

/* `function` NULL: out of memory. */
unroll_status onnx_apply(onnx *o, const onnx_node *n, const onnx_value *x, const char *function) {
  onnx_value y = *x;
  if (!function) return error_memory(o->err);
  y.state = false;
  y.layer = *function ? layers_add(o->l, LAYER_APPLY, onnx_name(n), x->layer) : x->layer;
  if (y.layer < 0) return error_memory(o->err);
  if (*function) o->l->list[y.layer].function = function;
  return onnx_give(o, n, &y);
}

static const char *const around = "reads steps to which zeros were added";

/* x times a constant [in, out]. */
static unroll_status times(onnx *o, const onnx_node *n, const onnx_value *x, const array *w, bool turned, const array *b) {
  const int rank = (int)strlen(x->axes), in = o->l->list[x->layer].width;
  onnx_value y = *x;
  while (w && w->rank > 2 && w->shape[0] == 1) { /* [1, in, out] */
    array *less = arena_alloc(&o->l->memory, 1, sizeof *less);
    if (!less) return error_memory(o->err);
    *less = *w;
    memmove(less->shape, less->shape + 1, sizeof less->shape - sizeof *less->shape);
    less->rank--;
    w = less;
  }
  if (!w || w->rank != 2 || rank < 1 || x->axes[rank - 1] != 'F' || w->shape[turned] != in || w->shape[!turned] < 1 ||
      w->shape[!turned] > MOST_WIDTH)
    return onnx_refuse(o, n, "multiplies by what is no constant matrix of as many rows as there are numbers");
  const int out = (int)w->shape[!turned];
  if (b && b->count != out) return onnx_refuse(o, n, "has a bias of another size");
  if (b && (x->pad[0] || x->pad[1])) return onnx_refuse(o, n, around);
  const float *m = turned ? w->x : layers_turned(o->l, w->x, out, in);
  if (x->flat && m) { /* channel after channel -> pixel after pixel */
    const int pixels = in / x->flat;
    float *t = layers_numbers(o->l, (int64_t)out * in);
    for (int r = 0; t && r < out; r++)
      for (int c = 0; c < x->flat; c++)
        for (int p = 0; p < pixels; p++) t[(int64_t)r * in + p * x->flat + c] = m[(int64_t)r * in + c * pixels + p];
    m = t;
  }
  if (!m) return error_memory(o->err);
  y.flat = 0;
  y.state = false;
  const unroll_status status = onnx_linear(o, n, x->layer, out, m, b ? b->x : NULL, &y.layer);
  return status ? status : onnx_give(o, n, &y);
}

static unroll_status matmul(onnx *o, const onnx_node *n, const onnx_value *x) {
  return times(o, n, x, onnx_constant(o, n, 1), false, NULL);
}

static unroll_status gemm(onnx *o, const onnx_node *n, const onnx_value *x) {
  const array *bias = onnx_constant(o, n, 2);
  const bool plain =
      fabs(onnx_real(n, "alpha", 1) - 1) < 1e-9 && fabs(onnx_real(n, "beta", 1) - 1) < 1e-9 && !onnx_whole(n, "transA", 0);
  if (!plain) return onnx_refuse(o, n, "is no product with a constant matrix");
  return times(o, n, x, onnx_constant(o, n, 1), onnx_whole(n, "transB", 0) != 0, bias);
}

static unroll_status function(onnx *o, const onnx_node *n, const onnx_value *x) {
  static const char *const squares = "square(%s)", *const roots = "sqrt(%s)";
  char own[80] = "";
  const array *low = onnx_constant(o, n, 1), *high = onnx_constant(o, n, 2);
  const char *known = layers_function(n->op);
  if (x->pad[0] || x->pad[1]) return onnx_refuse(o, n, around); /* what it makes of zeros need not be zeros */
  if (!strcmp(n->op, "Elu"))
    snprintf(own, sizeof own, "elu(%%s, %.9g)", onnx_real(n, "alpha", 1));
  else if (!strcmp(n->op, "LeakyRelu"))
    snprintf(own, sizeof own, "leaky_relu(%%s, %.9g)", onnx_real(n, "alpha", 0.01));
  else if (!strcmp(n->op, "HardSigmoid"))
    snprintf(own, sizeof own, "clip(%.9g * %%s + %.9g, 0, 1)", onnx_real(n, "alpha", 0.2), onnx_real(n, "beta", 0.5));
  else if (!strcmp(n->op, "HardSwish"))
    snprintf(own, sizeof own, "%%s * clip(%%s / 6 + 0.5, 0, 1)");
  else if (!strcmp(n->op, "Reciprocal"))
    snprintf(own, sizeof own, "1 / %%s");
  else if (!strcmp(n->op, "Clip")) {
    const double a = low ? (double)low->x[0] : onnx_real(n, "min", (double)NAN),
                 b = high ? (double)high->x[0] : onnx_real(n, "max", (double)NAN);
    if (!isnan(a) && !isnan(b))
      snprintf(own, sizeof own, "clip(%%s, %.9g, %.9g)", a, b);
    else if (!isnan(a) || !isnan(b))
      snprintf(own, sizeof own, isnan(b) ? "max(%%s, %.9g)" : "min(%%s, %.9g)", isnan(b) ? a : b);
    else
      return onnx_apply(o, n, x, "");
  } else if (!strcmp(n->op, "Pow")) {
    const double p = low && low->count == 1 ? (double)low->x[0] : 0;
    if (fabs(p - 2) < 1e-9) return onnx_apply(o, n, x, squares);
    if (fabs(p - 0.5) < 1e-9) return onnx_apply(o, n, x, roots);
    if (!low || low->count != 1) return onnx_refuse(o, n, "has a power that is no constant number");
    snprintf(own, sizeof own, "%%s^(%.9g)", p);
  } else if (known)
    return onnx_apply(o, n, x, known);
  else
    return onnx_refuse(o, n, "is not understood");
  return onnx_apply(o, n, x, arena_text(&o->l->memory, own, strlen(own)));
}

static unroll_status softmax(onnx *o, const onnx_node *n, const onnx_value *x) {
  const int axis = onnx_axis(x, onnx_whole(n, "axis", -1));
  if (axis < 0 || x->axes[axis] != 'F') return onnx_refuse(o, n, "is about another axis than the numbers");
  return onnx_apply(o, n, x, strcmp(n->op, "Softmax") ? "log(softmax(%s))" : "softmax(%s)");
}

/* --- two layers, or a layer and a constant --- */

const float *onnx_spread(onnx *o, const onnx_value *x, const array *c, bool *starved) {
  const int rank = (int)strlen(x->axes), all = o->l->list[x->layer].width;
  int64_t own = 1, step[4] = {0, 0, 0, 0}; /* of F or C, of W, of H */
  *starved = false;
  if (c->rank > rank) return NULL;
  for (int i = c->rank - 1; i >= 0; i--) {
    const int axis = i + rank - c->rank;
    const char letter = x->axes[axis];
    const int which = letter == 'F' || letter == 'C' ? 0 : letter == 'W' ? 1 : letter == 'H' ? 2 : 3;
    if (c->shape[i] != 1 && (which == 3 || !(fabs((double)c->shape[i] - onnx_size(o, x, axis)) < 0.5))) return NULL;
    step[which] = c->shape[i] == 1 ? 0 : own;
    own *= c->shape[i];
  }
  float *y = layers_numbers(o->l, all);
  *starved = !y;
  const int channels = x->c ? x->c : all, columns = x->w ? x->w : 1;
  for (int i = 0; y && i < all; i++)
    y[i] = c->x[i % channels * step[0] + i / channels % columns * step[1] + i / channels / columns * step[2]];
  return y;
}

static unroll_status with_constant(onnx *o, const onnx_node *n, const onnx_value *x, const array *c, const char *sign,
                                   bool turned) {
  onnx_value y = *x;
  const bool commutes = *sign != '-' && *sign != '/', call = *sign == 'm';
  y.state = false;
  if (*sign != '*' && (x->pad[0] || x->pad[1])) return onnx_refuse(o, n, around);
  for (int64_t i = 0; i < c->count; i++)
    if (isnan(c->x[i])) return onnx_refuse(o, n, "has a constant of which a number is not known");
  if (c->count == 1) {
    char own[64];
    if (call) snprintf(own, sizeof own, "%s(%%s, %.9g)", sign, (double)c->x[0]);
    if (!call && !turned) snprintf(own, sizeof own, "%%s %s %.9g", sign, (double)c->x[0]);
    if (!call && turned) snprintf(own, sizeof own, "%.9g %s %%s", (double)c->x[0], sign);
    return onnx_apply(o, n, x, arena_text(&o->l->memory, own, strlen(own)));
  }
  int rank = (int)strlen(y.axes);
  for (int i = 0; c->rank > rank && c->shape[i] == 1 && rank < ONNX_RANK; i++, rank++) { /* axes of one entry in front */
    memmove(y.axes + 1, y.axes, (size_t)rank + 1);
    y.axes[0] = '1';
  }
  bool starved;
  const float *v = onnx_spread(o, &y, c, &starved);
  if (!v) return starved ? error_memory(o->err) : onnx_refuse(o, n, "has a constant of another size than its numbers");
  const layer from = o->l->list[x->layer];
  if (from.kind == LAYER_LINEAR && !from.b && *sign == '+') { /* a new product: others may read that without the bias */
    const unroll_status status = onnx_linear(o, n, from.in[0], from.width, from.W, v, &y.layer);
    return status ? status : onnx_give(o, n, &y);
  }
  int at = x->layer;
  if (turned && !commutes) { /* c - x = -x + c, c / x = 1 / x * c */
    at = layers_add(o->l, LAYER_APPLY, onnx_name(n), at);
    if (at < 0) return error_memory(o->err);
    o->l->list[at].function = *sign == '-' ? "-(%s)" : "1 / %s";
    sign = *sign == '-' ? "+" : "*";
  }
  y.layer = layers_add(o->l, LAYER_BINARY, onnx_name(n), at);
  if (y.layer < 0) return error_memory(o->err);
  o->l->list[y.layer].function = sign;
  o->l->list[y.layer].b = v;
  return onnx_give(o, n, &y);
}

/* The axes of both, of which one may lack what the other has. False: they do not go together. */
static bool joint(const onnx *o, const onnx_value *a, const onnx_value *b, onnx_value *y) {
  const int ra = (int)strlen(a->axes), rb = (int)strlen(b->axes), rank = ra > rb ? ra : rb;
  *y = a->c || !b->c ? *a : *b;
  if ((a->c && b->c && (a->c != b->c || a->h != b->h || a->w != b->w)) || a->n_parts > 1 || b->n_parts > 1 ||
      a->pad[0] != b->pad[0] || a->pad[1] != b->pad[1])
    return false;
  for (int i = 0; i < rank; i++) {
    const int ka = i - (rank - ra), kb = i - (rank - rb);
    const char la = ka < 0 ? '1' : a->axes[ka], lb = kb < 0 ? '1' : b->axes[kb];
    const bool one_a = la == '1' || (la == 'F' && o->l->list[a->layer].width == 1),
               one_b = lb == '1' || (lb == 'F' && o->l->list[b->layer].width == 1);
    if (la != lb && !one_a && !one_b) return false;
    y->axes[i] = one_a && lb != 'D' ? lb : la;
  }
  y->axes[rank] = 0;
  return true;
}

unroll_status onnx_pair(onnx *o, const onnx_node *n, const onnx_value *a, const onnx_value *b, const char *sign) {
  onnx_value y;
  if (a->constant || b->constant)
    return with_constant(o, n, a->constant ? b : a, a->constant ? a->constant : b->constant, sign, a->constant);
  const layer la = o->l->list[a->layer], lb = o->l->list[b->layer];
  if (!joint(o, a, b, &y) || (la.width != lb.width && la.width != 1 && lb.width != 1))
    return onnx_refuse(o, n, "puts together arrays of different shapes");
  y.state = false;
  y.n_parts = 0;
  if (la.steps && lb.steps && (la.late != lb.late || (la.rate != lb.rate && (la.rate > 1 || lb.rate > 1))))
    return onnx_refuse(o, n, "puts together steps of which there are not the same number");
  const bool wide = la.width >= lb.width;
  y.layer = layers_add(o->l, LAYER_BINARY, onnx_name(n), wide ? a->layer : b->layer);
  if (y.layer < 0) return error_memory(o->err);
  layer *l = layers_at(o->l, y.layer);
  l->in[0] = a->layer;
  l->in[l->n_in++] = b->layer;
  l->steps = la.steps || lb.steps;
  l->late = la.steps ? la.late : lb.late;
  l->rate = la.steps ? la.rate : lb.rate;
  l->function = sign;
  return onnx_give(o, n, &y);
}

static const char *sign_of(const char *op) {
  static const char *const rows[][2] = {{"Add", "+"}, {"Sub", "-"}, {"Mul", "*"}, {"Div", "/"}, {"Max", "max"}, {"Min", "min"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (!strcmp(rows[i][0], op)) return rows[i][1];
  return NULL;
}

/* --- over an axis --- */

static int both(onnx *o, const onnx_node *n, int a, int b, const char *sign) {
  const int at = a < 0 || b < 0 ? -1 : layers_add(o->l, LAYER_BINARY, onnx_name(n), a);
  if (at < 0) return -1;
  layer *l = layers_at(o->l, at);
  l->in[l->n_in++] = b;
  l->function = sign;
  return at;
}

unroll_status onnx_masked(onnx *o, const onnx_node *n, int at, int *out) {
  *out = both(o, n, at, layers_ticks(o->l, at), "*");
  return *out < 0 ? error_memory(o->err) : UNROLL_OK;
}

static int over(onnx *o, int at, const char *function_name) {
  at = at < 0 ? -1 : layers_add(o->l, LAYER_OVER, "end", at);
  if (at < 0) return -1;
  layer *l = layers_at(o->l, at);
  l->function = function_name;
  l->steps = false;
  l->late = l->rate = 0;
  return at;
}

/* The sum, the mean or the largest of the steps that are there. */
static unroll_status over_some(onnx *o, const onnx_node *n, int at, const char *function_name, int *out) {
  const bool max = !strcmp(function_name, "max"), mean = !strcmp(function_name, "mean");
  const layer from = o->l->list[at];
  if (!strcmp(function_name, "last") && (from.rate < 2 || (from.kind == LAYER_RECURRENT && !from.cell->backward))) {
    *out = over(o, at, function_name); /* a recurrence holds what it has */
    return *out < 0 ? error_memory(o->err) : UNROLL_OK;
  }
  if (!max && !mean && strcmp(function_name, "sum") != 0)
    return onnx_refuse(o, n, "takes one step of those that a pool or a stride leaves");
  const int ticks = layers_ticks(o->l, at), low = max && ticks >= 0 ? layers_add(o->l, LAYER_APPLY, "low", ticks) : -1;
  if (low >= 0) layers_at(o->l, low)->function = "(%s - 1) * 1e30";
  *out = over(o, both(o, n, at, max ? low : ticks, max ? "+" : "*"), max ? "max" : "sum");
  if (mean) *out = both(o, n, *out, over(o, ticks, "sum"), "/");
  return *out < 0 ? error_memory(o->err) : UNROLL_OK;
}

unroll_status onnx_over(onnx *o, const onnx_node *n, onnx_value *x, int axis, const char *function_name, bool keeps) {
  if (axis < 0 || x->axes[axis] != 'T') return onnx_refuse(o, n, "is about another axis than the steps");
  if (x->pad[0] || x->pad[1]) return onnx_refuse(o, n, around);
  unroll_status status = UNROLL_OK;
  if (onnx_every_step(o, x->layer))
    x->layer = over(o, x->layer, function_name);
  else
    status = over_some(o, n, x->layer, function_name, &x->layer);
  if (status) return status;
  if (x->layer < 0) return error_memory(o->err);
  x->state = false;
  if (keeps)
    x->axes[axis] = '1';
  else
    memmove(x->axes + axis, x->axes + axis + 1, strlen(x->axes + axis));
  return UNROLL_OK;
}

static unroll_status reduce(onnx *o, const onnx_node *n, const onnx_value *x) {
  int64_t axes[ONNX_RANK];
  onnx_value y = *x;
  const bool keeps = onnx_whole(n, "keepdims", 1) != 0, max = !strcmp(n->op, "ReduceMax"), mean = !strcmp(n->op, "ReduceMean");
  const int count = onnx_numbers(o, n, "axes", 1, axes);
  bool named[ONNX_RANK + 1] = {false};
  if (count < 1) return onnx_refuse(o, n, "is about no axis that is known");
  for (int i = 0; i < count; i++) {
    const int axis = onnx_axis(x, axes[i]);
    if (axis < 0) return onnx_refuse(o, n, "has a bad axis");
    named[axis] = true;
  }
  for (int axis = (int)strlen(x->axes) - 1; axis >= 0; axis--) {
    unroll_status status = UNROLL_OK;
    if (!named[axis]) continue;
    if (x->axes[axis] == 'T')
      status = onnx_over(o, n, &y, axis, max ? "max" : mean ? "mean" : "sum", keeps);
    else if (max)
      status = onnx_refuse(o, n, "is about another axis than the steps");
    else
      status = onnx_collapse(o, n, &y, axis, mean, keeps);
    if (status) return status;
  }
  return onnx_give(o, n, &y);
}

static unroll_status layer_norm(onnx *o, const onnx_node *n, const onnx_value *x) {
  const array *gain = onnx_constant(o, n, 1), *bias = onnx_constant(o, n, 2);
  const int rank = (int)strlen(x->axes), width = o->l->list[x->layer].width;
  onnx_value y = *x;
  if (rank < 1 || x->axes[rank - 1] != 'F' || onnx_axis(x, onnx_whole(n, "axis", -1)) != rank - 1 || !gain ||
      gain->count != width || (bias && bias->count != width))
    return onnx_refuse(o, n, "is about other axes than the numbers");
  y.layer = layers_add(o->l, LAYER_NORM, onnx_name(n), x->layer);
  if (y.layer < 0) return error_memory(o->err);
  layer *l = layers_at(o->l, y.layer);
  l->gain = gain->x;
  l->bias = bias ? bias->x : NULL;
  l->epsilon = onnx_real(n, "epsilon", 1e-5);
  y.state = false;
  return onnx_give(o, n, &y);
}

static unroll_status same(onnx *o, const onnx_node *n, const onnx_value *x) { return onnx_give(o, n, x); }

static unroll_status cast(onnx *o, const onnx_node *n, const onnx_value *x) {
  const int64_t to = onnx_whole(n, "to", 1);
  const bool real = to == 1 || to == 10 || to == 11 || to == 16; /* floats of 32, 16, 64 bits, bfloat16 */
  return real || o->l->list[x->layer].kind == LAYER_SYMBOLS ? onnx_give(o, n, x)
                                                            : onnx_refuse(o, n, "makes whole numbers of others");
}

/* --- which operator is what --- */

typedef unroll_status (*operation)(onnx *o, const onnx_node *n, const onnx_value *x);

static const struct {
  const char *op;
  operation does;
  bool raw;      /* takes vectors in whatever order their numbers are, and steps with zeros around */
  uint64_t free; /* inputs behind the first that need be no constants, as bits */
} rows[] = {{"LSTM", onnx_recurrent, false, 0x70}, /* lengths, and where it starts */
            {"GRU", onnx_recurrent, false, 0x70},
            {"RNN", onnx_recurrent, false, 0x70},
            {"Identity", same, true, 0},
            {"Cast", cast, true, 0},
            {"Dropout", same, true, 6},
            {"MatMul", matmul, true, 0},
            {"Gemm", gemm, true, 0},
            {"Transpose", onnx_transpose, true, 0},
            {"Squeeze", onnx_squeeze, true, 0},
            {"Unsqueeze", onnx_unsqueeze, true, 0},
            {"Reshape", onnx_reshape, true, 0},
            {"Flatten", onnx_reshape, true, 0},
            {"Slice", onnx_slice, false, 0},
            {"Split", onnx_split, false, 0},
            {"Concat", onnx_concat, false, UINT64_MAX},
            {"Pad", onnx_pad, true, 0},
            {"Conv", onnx_conv, true, 0},
            {"MaxPool", onnx_pool, false, 0},
            {"AveragePool", onnx_pool, false, 0},
            {"GlobalMaxPool", onnx_pool, false, 0},
            {"GlobalAveragePool", onnx_pool, false, 0},
            {"ReduceMean", reduce, false, 0},
            {"ReduceMax", reduce, false, 0},
            {"ReduceSum", reduce, false, 0},
            {"Softmax", softmax, false, 0},
            {"LogSoftmax", softmax, false, 0},
            {"BatchNormalization", onnx_batchnorm, false, 0},
            {"LayerNormalization", layer_norm, false, 0}};
static const char *const functions[] = {"Relu", "Sigmoid", "Tanh",        "Selu",      "Softplus",  "Softsign",  "Exp",  "Log",
                                        "Abs",  "Sqrt",    "Neg",         "Sin",       "Cos",       "Mish",      "Gelu", "Elu",
                                        "Clip", "Pow",     "HardSigmoid", "HardSwish", "LeakyRelu", "Reciprocal"};

static unroll_status set_idle(onnx *o, const onnx_node *n) {
  const onnx_value v = {.layer = -1, .state = true};
  for (int i = 0; i < n->n_out; i++)
    if (*n->out[i] && !onnx_set(o, n->out[i], &v)) return error_memory(o->err);
  return UNROLL_OK;
}

static unroll_status elementwise(onnx *o, const onnx_node *n, onnx_value *x) {
  onnx_value y;
  const char *sign = sign_of(n->op);
  if (n->n_in == 1) return onnx_give(o, n, x); /* Max and Min of one */
  if (n->n_in != 2 || !onnx_input(o, n, 1, &y)) return onnx_refuse(o, n, "has other than two inputs");
  if ((x->layer < 0 && !x->constant) || (y.layer < 0 && !y.constant)) return onnx_refuse(o, n, "reads what is not understood");
  unroll_status status = x->constant ? UNROLL_OK : onnx_settle(o, n, x);
  if (!status && !y.constant) status = onnx_settle(o, n, &y);
  return status ? status : onnx_pair(o, n, x, &y, sign);
}

static unroll_status of_row(onnx *o, const onnx_node *n, onnx_value *x, operation does, bool raw, uint64_t unbound) {
  for (int i = 1; i < n->n_in; i++) /* an input that is there must not count as one that is left out */
    if (*n->in[i] && !(unbound >> i & 1) && !onnx_constant(o, n, i))
      return onnx_refuse(o, n, "reads what is no constant where only a constant is understood");
  if (!raw && (x->pad[0] || x->pad[1])) return onnx_refuse(o, n, around);
  const unroll_status status = raw ? UNROLL_OK : onnx_settle(o, n, x);
  return status ? status : does(o, n, x);
}

/* NULL: it may be read. */
static const char *never_read(const char *op) {
  static const char *const loops[] = {"Scan", "Loop"};
  static const char *const quantized[] = {"DynamicQuantize", "QLinear",        "QGemm",           "MatMulInteger",
                                          "ConvInteger",     "QuantizeLinear", "DequantizeLinear"};
  for (size_t i = 0; i < sizeof loops / sizeof *loops; i++)
    if (!strcmp(loops[i], op)) return "repeats a graph of its own: recurrences are read as LSTM, GRU and RNN only";
  for (size_t i = 0; i < sizeof quantized / sizeof *quantized; i++)
    if (!strncmp(quantized[i], op, strlen(quantized[i]))) return "has quantized numbers: the model before quantization is read";
  return NULL;
}

unroll_status onnx_node_read(onnx *o, const onnx_node *n) {
  bool idle = true, done;
  onnx_value x = {.layer = -1}, v;
  if (!strcmp(n->op, "Constant")) return UNROLL_OK; /* it is there already */
  for (int i = 0; i < n->n_in; i++) {
    if (!*n->in[i]) continue;
    if (!onnx_input(o, n, i, &v)) return onnx_refuse(o, n, "reads what no node before it gives");
    idle &= v.layer < 0;
  }
  unroll_status status = onnx_fold(o, n, &done);
  if (status || done) return status;
  const bool there = onnx_input(o, n, 0, &x);
  const char *why = never_read(n->op);
  if (why) return onnx_refuse(o, n, why);
  if (idle) return set_idle(o, n); /* sizes and states before the first step */
  if (!strcmp(n->op, "Gather")) return x.constant ? onnx_gather(o, n, &x) : of_row(o, n, &x, onnx_gather, false, 0);
  if (sign_of(n->op)) return elementwise(o, n, &x);
  if (!strcmp(n->op, "Concat") && there && x.layer < 0) return onnx_concat(o, n, &x);
  if (!there || x.layer < 0) return onnx_refuse(o, n, "reads what is not understood");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (!strcmp(rows[i].op, n->op)) return of_row(o, n, &x, rows[i].does, rows[i].raw, rows[i].free);
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (!strcmp(functions[i], n->op)) return of_row(o, n, &x, function, true, 0);
  return onnx_refuse(o, n, "is not understood");
}
