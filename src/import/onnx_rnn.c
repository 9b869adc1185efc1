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
  while (proto_next(&m, &f, &bad)) {
    if (f.number != 9 || f.type != 2 || k == count) continue;
    const char *name = proto_text(f.piece, &o->l->memory);
    if (!name) return error_memory(o->err);
    out[k] =
        layers_function(!strcmp(name, "Affine") || !strcmp(name, "ThresholdedRelu") || !strcmp(name, "ScaledTanh") ? "?" : name);
    if (!out[k]) return onnx_refuse(o, n, "has an activation that is not known");
    k++;
  }
  if (!isnan(onnx_real(n, "activation_alpha", (double)NAN)))
    return onnx_refuse(o, n, "has activation_alpha, which is not understood");
  if (!isnan(onnx_real(n, "activation_beta", (double)NAN)))
    return onnx_refuse(o, n, "has activation_beta, which is not understood");
  return UNROLL_OK;
}

typedef struct sizes {
  int gates, hidden, in, directions;
} sizes;

static bool is_shape(const array *a, int rank, int64_t d, int64_t rows, int64_t cols) {
  return a && a->rank == rank && a->shape[0] == d && a->shape[1] == rows && (rank < 3 || a->shape[2] == cols);
}

/* A state before the first step: given from outside, zeros, or numbers. *row: [hidden] of a direction; NULL: zeros. */
static unroll_status check_start(onnx *o, const onnx_node *n, int i, const sizes *z, int d, const float **row) {
  onnx_value v;
  *row = NULL;
  if (!onnx_input(o, n, i, &v)) return UNROLL_OK;
  if (!v.constant) return v.layer < 0 ? UNROLL_OK : onnx_refuse(o, n, "starts from what another layer ends with");
  const array *c = v.constant;
  const int h = z->hidden, rank = c->rank;
  const int64_t rows = rank == 3 ? c->shape[onnx_whole(n, "layout", 0) ? 0 : 1] : 1;
  if (c->count != 1 && (rank != 3 || c->shape[2] != h || c->count != (int64_t)z->directions * rows * h || rows < 1))
    return onnx_refuse(o, n, "starts from numbers of another shape than directions x sequences x hidden");
  float *x = layers_numbers(o->l, h);
  bool zero = true;
  if (!x) return error_memory(o->err);
  for (int64_t r = 0; r < rows; r++)
    for (int k = 0; k < h; k++) {
      const int64_t at = c->count == 1 ? 0 : (onnx_whole(n, "layout", 0) ? r * z->directions + d : d * rows + r) * h + k;
      if (r && (c->x[at] < x[k] || c->x[at] > x[k]))
        return onnx_refuse(o, n, "starts from numbers that differ from sequence to sequence");
      x[k] = c->x[at];
      zero &= !(x[k] < 0 || x[k] > 0);
    }
  if (!zero) *row = x;
  return UNROLL_OK;
}

static unroll_status fill(onnx *o, const onnx_node *n, int d, const sizes *z, cell *c) {
  static const int lstm[4] = {0, 2, 3, 1}, gru[3] = {0, 1, 2}; /* i f g o of i o f c; z r c of z r h */
  const array *w = onnx_constant(o, n, 1), *r = onnx_constant(o, n, 2), *b = onnx_constant(o, n, 3), *p = onnx_constant(o, n, 7);
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
  const unroll_status status = check_start(o, n, 5, z, d, &c->h0);
  return status || g < 4 ? status : check_start(o, n, 6, z, d, &c->c0);
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
  const unroll_status status = fill(o, n, d, z, c);
  if (status) return status;
  c->held = !onnx_every_step(o, at); /* where there is no step it holds its state */
  const int tick = c->held ? layers_ticks(o->l, at) : at;
  *out = tick < 0 ? -1 : layers_add(o->l, LAYER_RECURRENT, onnx_name(n), at);
  if (*out < 0) return error_memory(o->err);
  layer *l = layers_vector(o->l, *out, z->hidden);
  l->cell = c;
  if (c->held) l->in[l->n_in++] = tick;
  return UNROLL_OK;
}

static unroll_status last_of(onnx *o, int at, bool backward, int *out) {
  *out = layers_add(o->l, LAYER_OVER, "end", at);
  if (*out < 0) return error_memory(o->err);
  layer *l = layers_at(o->l, *out);
  l->function = backward ? "first" : "last";
  l->steps = false;
  l->late = l->rate = 0;
  return UNROLL_OK;
}

/* alone: what goes in is one sequence, whose axis has one entry. */
static unroll_status set_outputs(onnx *o, const onnx_node *n, const int ends[2], const sizes *z, bool reverse, bool batch_first,
                                 bool alone) {
  const bool one = o->how->stepwise; /* a pass is a step: what comes out of it is its last one too */
  onnx_value y = {.layer = ends[0], .parts = {ends[0], ends[1]}, .n_parts = z->directions}, h = y;
  strcpy(y.axes, batch_first ? (one ? "B1DF" : "BTDF") : one ? "1DBF" : "TDBF");
  char *sequences = strchr(y.axes, 'B');
  if (alone) *sequences = '1';
  if (n->n_out > 0 && *n->out[0] && !onnx_set(o, n->out[0], &y)) return error_memory(o->err);
  for (int d = 0; d < z->directions && !one && n->n_out > 1 && *n->out[1]; d++) {
    const unroll_status status = last_of(o, ends[d], reverse || d == 1, &h.parts[d]);
    if (status) return status;
  }
  h.layer = h.parts[0];
  h.state = true;
  strcpy(h.axes, batch_first ? "BDF" : "DBF");
  if (n->n_out > 1 && *n->out[1] && !onnx_set(o, n->out[1], &h)) return error_memory(o->err);
  const onnx_value c = {.layer = -1, .state = true};
  return n->n_out > 2 && *n->out[2] && !onnx_set(o, n->out[2], &c) ? error_memory(o->err) : UNROLL_OK;
}

/* A picture of one pixel is a vector. */
static void as_vector(onnx_value *x) {
  if (x->h * x->w != 1) return;
  for (char *s = x->axes; *s; s++) *s = *s == 'C' ? 'F' : *s == 'H' || *s == 'W' ? '1' : *s;
  x->c = x->h = x->w = 0;
}

unroll_status onnx_recurrent(onnx *o, const onnx_node *n, const onnx_value *given) {
  onnx_value own = *given;
  const onnx_value *x = &own;
  const char *f[MOST_FUNCTIONS];
  const array *w = onnx_constant(o, n, 1), *r = onnx_constant(o, n, 2), *b = onnx_constant(o, n, 3), *p = onnx_constant(o, n, 7);
  const proto direction = proto_piece(onnx_attribute(n, "direction"), 4);
  const bool reverse = proto_is(direction, "reverse"), both = proto_is(direction, "bidirectional");
  const bool batch_first = onnx_whole(n, "layout", 0) == 1;
  sizes z = {.gates = !strcmp(n->op, "LSTM") ? 4 : !strcmp(n->op, "GRU") ? 3 : 1, .directions = both ? 2 : 1};
  const char *wanted = o->how->stepwise ? (batch_first ? "B1F" : "1BF") : batch_first ? "BTF" : "TBF";
  as_vector(&own);
  const bool alone = !o->how->stepwise && !strcmp(x->axes, batch_first ? "1TF" : "T1F");
  if (strcmp(x->axes, wanted) != 0 && !alone)
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
  if (!status && both && o->how->stepwise) status = onnx_refuse(o, n, "looks backward, and a pass is one step");
  int ends[2] = {0, 0};
  const int at = x->layer;
  for (int d = 0; d < z.directions && !status; d++) status = one_way(o, n, d, reverse || d == 1, &z, f, at, &ends[d]);
  return status ? status : set_outputs(o, n, ends, &z, reverse, batch_first, alone);
}
