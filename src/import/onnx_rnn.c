/* onnx_rnn.c - LSTM, GRU and RNN of ONNX. Gates are i o f c, z r h; matrices are [directions, gates * hidden, in]. */
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "import/onnx.h"

enum { MOST_FUNCTIONS = 6 };

/* Names of functions, in order: per direction two or three. "" where the default holds. */
static unroll_status functions(const onnx *o, const onnx_node *n, int count, const char **out) {
  proto m = onnx_attribute(n, "activations");
  proto_field f;
  bool bad = false;
  int k = 0;
  const double alpha = onnx_real(n, "activation_alpha", (double)NAN);
  while (proto_next(&m, &f, &bad)) {
    if (f.number != 9 || f.type != 2 || k == count) continue;
    const char *name = proto_text(f.piece, &o->l->memory);
    if (!name) return error_memory(o->err);
    out[k] =
        layers_function(!strcmp(name, "Affine") || !strcmp(name, "ThresholdedRelu") || !strcmp(name, "ScaledTanh") ? "?" : name);
    if (!out[k]) return onnx_refuse(o, n, "has an activation that is not known");
    k++;
  }
  if (!isnan(alpha)) return onnx_refuse(o, n, "has activation_alpha, which is not understood");
  return UNROLL_OK;
}

typedef struct sizes {
  int gates, hidden, in, directions;
} sizes;

static bool is_shape(const array *a, int rank, int64_t d, int64_t rows, int64_t cols) {
  return a && a->rank == rank && a->shape[0] == d && a->shape[1] == rows && (rank < 3 || a->shape[2] == cols);
}

static bool is_zero(const array *a) {
  for (int64_t i = 0; i < a->count; i++)
    if (a->x[i] < 0 || a->x[i] > 0) return false;
  return true;
}

static const array *constant(onnx *o, const onnx_node *n, int i) {
  const onnx_value *v = i < n->n_in && *n->in[i] ? onnx_find(o, n->in[i]) : NULL;
  return v ? v->constant : NULL;
}

/* A state before the first step: given from outside, or zeros. */
static unroll_status check_start(onnx *o, const onnx_node *n, int i) {
  const onnx_value *v = i < n->n_in && *n->in[i] ? onnx_find(o, n->in[i]) : NULL;
  if (!v) return UNROLL_OK;
  if (v->constant) return is_zero(v->constant) ? UNROLL_OK : onnx_refuse(o, n, "starts from numbers that are not 0");
  return v->layer < 0 ? UNROLL_OK : onnx_refuse(o, n, "starts from what another layer ends with");
}

static unroll_status fill(onnx *o, const onnx_node *n, int d, const sizes *z, const char *const *f, cell *c) {
  static const int lstm[4] = {0, 2, 3, 1}, gru[3] = {0, 1, 2}; /* i f g o of i o f c; z r c of z r h */
  const array *w = constant(o, n, 1), *r = constant(o, n, 2), *b = constant(o, n, 3), *p = constant(o, n, 7);
  const int h = z->hidden, g = z->gates;
  for (int k = 0; k < g; k++) {
    const int from = g == 4 ? lstm[k] : g == 3 ? gru[k] : 0;
    const bool apart = g == 3 && k == 2 && c->reset_after;
    float *bias = layers_numbers(o->l, h), *own = layers_numbers(o->l, h);
    if (!bias || !own) return error_memory(o->err);
    for (int i = 0; b && i < h; i++) {
      const float *at = b->x + (int64_t)d * 2 * g * h;
      bias[i] = at[from * h + i] + (apart ? 0 : at[(g + from) * h + i]);
      own[i] = at[(g + from) * h + i];
    }
    c->W[k] = w->x + ((int64_t)d * g + from) * h * z->in;
    c->U[k] = r->x + ((int64_t)d * g + from) * h * h;
    c->b[k] = bias;
    if (apart) c->bu = own;
  }
  static const int peepholes[3] = {0, 2, 1}; /* i f o of i o f */
  for (int k = 0; p && k < 3; k++) c->p[k] = p->x + ((int64_t)d * 3 + peepholes[k]) * h;
  (void)f;
  return UNROLL_OK;
}

static unroll_status one_way(onnx *o, const onnx_node *n, int d, bool backward, const sizes *z, const char *const *f, int at,
                             int *out) {
  cell *c = arena_alloc(&o->l->memory, 1, sizeof *c);
  if (!c) return error_memory(o->err);
  const int per = z->gates == 4 ? 3 : z->gates == 3 ? 2 : 1;
  const char *const *own = f + d * per;
  *c = (cell){.type = z->gates == 4   ? CELL_LSTM
                      : z->gates == 3 ? CELL_GRU
                                      : CELL_RNN,
              .inputs = z->in,
              .hidden = z->hidden,
              .out = z->hidden,
              .backward = backward,
              .reset_after = z->gates == 3 && onnx_whole(n, "linear_before_reset", 0) != 0,
              .input_forget = z->gates == 4 && onnx_whole(n, "input_forget", 0) != 0,
              .clip = onnx_real(n, "clip", 0),
              .gate = own[0],
              .act = per == 1 ? own[0] : own[1],
              .out_act = per == 3 ? own[2] : own[0]};
  const unroll_status status = fill(o, n, d, z, f, c);
  if (status) return status;
  *out = layers_add(o->l, LAYER_RECURRENT, *n->name ? n->name : n->op, at);
  if (*out < 0) return error_memory(o->err);
  o->l->list[*out].cell = c;
  o->l->list[*out].width = z->hidden;
  return UNROLL_OK;
}

static unroll_status last_of(onnx *o, int at, bool backward, int *out) {
  *out = layers_add(o->l, LAYER_OVER, "end", at);
  if (*out < 0) return error_memory(o->err);
  o->l->list[*out].function = backward ? "first" : "last";
  o->l->list[*out].steps = false;
  return UNROLL_OK;
}

static unroll_status join(onnx *o, const int parts[2], int count, int *out) {
  *out = parts[0];
  if (count < 2) return UNROLL_OK;
  *out = layers_add(o->l, LAYER_CONCAT, "both", parts[0]);
  if (*out < 0) return error_memory(o->err);
  layer *c = layers_at(o->l, *out);
  c->in[c->n_in++] = parts[1];
  if (!layers_widen(c, c->width)) return error_set(o->err, UNROLL_BAD_INPUT, "'%s' has too many numbers", c->name);
  return UNROLL_OK;
}

static unroll_status set_outputs(onnx *o, const onnx_node *n, const int ends[2], const sizes *z, bool reverse, bool batch_first) {
  int all, last, lasts[2] = {0, 0};
  unroll_status status = join(o, ends, z->directions, &all);
  for (int d = 0; d < z->directions && !status && n->n_out > 1 && *n->out[1]; d++)
    status = last_of(o, ends[d], reverse || d == 1, &lasts[d]);
  onnx_value y = {.layer = all, .directions = z->directions};
  strcpy(y.axes, batch_first ? "BTDF" : "TDBF");
  if (!status && n->n_out > 0 && *n->out[0] && !onnx_set(o, n->out[0], &y)) status = error_memory(o->err);
  if (!status && n->n_out > 1 && *n->out[1]) {
    status = join(o, lasts, z->directions, &last);
    onnx_value h = {.layer = last, .directions = z->directions, .state = true};
    strcpy(h.axes, batch_first ? "BDF" : "DBF");
    if (!status && !onnx_set(o, n->out[1], &h)) status = error_memory(o->err);
  }
  const onnx_value c = {.layer = -1, .state = true};
  if (!status && n->n_out > 2 && *n->out[2] && !onnx_set(o, n->out[2], &c)) status = error_memory(o->err);
  return status;
}

unroll_status onnx_recurrent(onnx *o, const onnx_node *n) {
  const char *f[MOST_FUNCTIONS];
  const onnx_value *x = n->n_in > 2 ? onnx_find(o, n->in[0]) : NULL;
  const array *w = constant(o, n, 1), *r = constant(o, n, 2), *b = constant(o, n, 3), *p = constant(o, n, 7);
  const proto direction = proto_piece(onnx_attribute(n, "direction"), 4);
  const bool reverse = direction.size == 7 && !memcmp(direction.at, "reverse", 7), both = direction.size == 13;
  const bool batch_first = onnx_whole(n, "layout", 0) == 1;
  sizes z = {.gates = !strcmp(n->op, "LSTM") ? 4 : !strcmp(n->op, "GRU") ? 3 : 1, .directions = both ? 2 : 1};
  if (!x || x->layer < 0) return onnx_refuse(o, n, "reads what is no layer");
  if (strcmp(x->axes, batch_first ? "BTF" : "TBF"))
    return onnx_refuse(o, n, "reads an array whose axes are not steps, sequences and numbers");
  if (!w || !r || r->rank != 3 || r->shape[2] < 1 || r->shape[2] > 1 << 20) return onnx_refuse(o, n, "has no constant W or R");
  z.hidden = (int)r->shape[2];
  z.in = o->l->list[x->layer].width;
  if (!is_shape(w, 3, z.directions, (int64_t)z.gates * z.hidden, z.in) ||
      !is_shape(r, 3, z.directions, (int64_t)z.gates * z.hidden, z.hidden))
    return onnx_refuse(o, n, "has W or R of another shape than directions x gates * hidden x numbers");
  if (b && !is_shape(b, 2, z.directions, 2 * (int64_t)z.gates * z.hidden, 0)) return onnx_refuse(o, n, "has B of another shape");
  if (p && !is_shape(p, 2, z.directions, 3 * (int64_t)z.hidden, 0)) return onnx_refuse(o, n, "has P of another shape");
  for (int i = 0; i < MOST_FUNCTIONS; i++)
    f[i] = z.gates == 4 ? (i % 3 ? "tanh(%s)" : "sigmoid(%s)") : z.gates == 3 ? (i % 2 ? "tanh(%s)" : "sigmoid(%s)") : "tanh(%s)";
  unroll_status status = functions(o, n, z.directions * (z.gates == 4 ? 3 : z.gates == 3 ? 2 : 1), f);
  if (!status) status = check_start(o, n, 5);
  if (!status) status = check_start(o, n, 6);
  int ends[2] = {0, 0};
  const int at = x->layer;
  for (int d = 0; d < z.directions && !status; d++) status = one_way(o, n, d, reverse || d == 1, &z, f, at, &ends[d]);
  return status ? status : set_outputs(o, n, ends, &z, reverse, batch_first);
}
