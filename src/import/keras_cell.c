/* keras_cell.c - recurrences and products in the layout of Keras: matrices are [in, out], gates side by side. */
#include <inttypes.h>
#include <string.h>
#include "base/error.h"
#include "import/keras.h"

#define BAD(...) error_at(err, UNROLL_BAD_INPUT, a->file, NULL, 0, 0, __VA_ARGS__)

static unroll_status check(const arrays *a, const array *x, int64_t rows, int64_t cols, unroll_error *err) {
  char is[96];
  array_shape(x, is);
  if (x->rank == 2 && x->shape[0] == rows && x->shape[1] == cols) return UNROLL_OK;
  if (x->rank == 2 && x->shape[1] == rows && x->shape[0] == cols)
    return BAD("'%.100s' is %s, and must be %" PRId64 " x %" PRId64 ": it is transposed", x->name, is, rows, cols);
  return BAD("'%.100s' is %s, and must be %" PRId64 " x %" PRId64, x->name, is, rows, cols);
}

/* Gate k of [rows, gates * units] as [units, rows]. */
static float *gate_of(layers *l, const array *x, int rows, int gates, int units, int k) {
  float *y = layers_numbers(l, (int64_t)rows * units);
  for (int u = 0; y && u < units; u++)
    for (int r = 0; r < rows; r++) y[(int64_t)u * rows + r] = x->x[(int64_t)r * gates * units + k * units + u];
  return y;
}

/* The same of a kernel for cuDNN: the numbers of the gate [rows, units], row after row, are those of [units, rows]. */
static float *gate_flat(layers *l, const array *x, int rows, int gates, int units, int k) {
  float *y = layers_numbers(l, (int64_t)rows * units);
  for (int64_t i = 0; y && i < (int64_t)rows * units; i++) y[i] = x->x[i / units * gates * units + k * units + i % units];
  return y;
}

static const float *bias_of(layers *l, const array *b, int row, int other, int gates, int units, int k) {
  float *y = layers_numbers(l, units);
  for (int u = 0; y && b && u < units; u++) {
    y[u] = b->x[(int64_t)row * gates * units + k * units + u];
    if (other >= 0) y[u] += b->x[(int64_t)other * gates * units + k * units + u];
  }
  return y;
}

unroll_status keras_recurrent(layers *l, const arrays *a, const keras_cell *k, const char *name, int at, bool backward, int *out,
                              unroll_error *err) {
  const int gates = k->type == CELL_LSTM ? 4 : k->type == CELL_GRU ? 3 : 1, in = l->list[at].width, n = k->units;
  const bool two = k->cudnn || (k->type == CELL_GRU && k->reset_after); /* rows of bias */
  char is[96] = "";
  if (!k->kernel || !k->recurrent) return BAD("the layer '%.60s' lacks its %s", name, k->kernel ? "recurrent_kernel" : "kernel");
  unroll_status status = check(a, k->kernel, in, (int64_t)gates * n, err);
  if (!status) status = check(a, k->recurrent, n, (int64_t)gates * n, err);
  if (status) return status;
  if (k->bias && k->bias->count != (int64_t)(1 + two) * gates * n) {
    array_shape(k->bias, is);
    return BAD("'%.100s' is %s, and must have %d numbers", k->bias->name, is, (1 + two) * gates * n);
  }
  cell *c = arena_alloc(&l->memory, 1, sizeof *c);
  if (!c) return error_memory(err);
  *c = (cell){.type = k->type,
              .inputs = in,
              .hidden = n,
              .out = n,
              .backward = backward,
              .reset_after = k->reset_after,
              .gate = k->gate,
              .act = k->act,
              .out_act = k->act};
  for (int g = 0; g < gates; g++) {
    const bool apart = k->type == CELL_GRU && g == 2 && k->reset_after;
    c->W[g] = k->cudnn ? gate_flat(l, k->kernel, in, gates, n, g) : gate_of(l, k->kernel, in, gates, n, g);
    c->U[g] = k->cudnn ? gate_flat(l, k->recurrent, n, gates, n, g) : gate_of(l, k->recurrent, n, gates, n, g);
    c->b[g] = bias_of(l, k->bias, 0, two && !apart ? 1 : -1, gates, n, g);
    if (apart) c->bu = bias_of(l, k->bias, k->bias ? 1 : 0, -1, gates, n, g);
    if (!c->W[g] || !c->U[g] || !c->b[g] || (apart && !c->bu)) return error_memory(err);
  }
  *out = layers_add(l, LAYER_RECURRENT, name, at);
  if (*out < 0) return error_memory(err);
  l->list[*out].cell = c;
  l->list[*out].width = n;
  l->list[*out].channels = 0;
  return UNROLL_OK;
}

unroll_status keras_conv_1d(layers *l, const arrays *a, const keras_around *c, const char *name, int at, int *out,
                            unroll_error *err) {
  const array *w = c->kernel, *b = c->bias;
  const int64_t in = l->list[at].width, size = w && w->rank == 3 ? w->shape[0] : 0, n = size ? w->shape[2] : 0;
  if (size < 1 || size > LAYER_INPUTS || n < 1 || c->groups < 1 || in % c->groups || n % c->groups ||
      w->shape[1] != in / c->groups || (b && b->count != n) || in * size > MOST_WIDTH || n > MOST_WIDTH || in * size * n > 1 << 28)
    return BAD("the layer '%.60s' has no good kernel, or looks at more than %d steps", name, LAYER_INPUTS);
  const int64_t own = in / c->groups, per = n / c->groups;
  float *x = layers_numbers(l, n * size * in);
  const int around = x ? layers_around(l, name, at, c->before, (int)size, c->dilation) : -1;
  *out = around < 0 ? -1 : layers_add(l, LAYER_LINEAR, name, around);
  if (*out < 0) return error_memory(err);
  for (int64_t r = 0; r < n; r++)
    for (int64_t j = 0; j < size; j++)
      for (int64_t k = 0; k < own; k++) x[(r * size + j) * in + r / per * own + k] = w->x[(j * own + k) * n + r];
  layer *y = layers_vector(l, *out, (int)n);
  y->W = x;
  y->b = b ? b->x : NULL;
  return UNROLL_OK;
}

unroll_status keras_dense(layers *l, const arrays *a, const array *kernel, const array *bias, const char *name, int at, int *out,
                          unroll_error *err) {
  if (!kernel) return BAD("the layer '%.60s' lacks its kernel", name);
  const int64_t units = kernel->rank == 2 ? kernel->shape[1] : 0;
  if (units < 1 || units > 1 << 24) return BAD("'%.100s' is no matrix", kernel->name);
  const unroll_status status = check(a, kernel, l->list[at].width, units, err);
  if (status) return status;
  if (bias && bias->count != units)
    return BAD("'%.100s' has %" PRId64 " numbers, and must have %" PRId64, bias->name, bias->count, units);
  const float *w = layers_turned(l, kernel->x, (int)units, l->list[at].width);
  *out = w ? layers_add(l, LAYER_LINEAR, name, at) : -1;
  if (*out < 0) return error_memory(err);
  layer *d = layers_at(l, *out);
  d->W = w;
  d->b = bias ? bias->x : NULL;
  d->width = (int)units;
  d->channels = 0;
  return UNROLL_OK;
}

unroll_status keras_apply(layers *l, const char *function, const char *name, int at, int *out, unroll_error *err) {
  *out = at;
  if (!function) return error_memory(err);
  if (!*function) return UNROLL_OK;
  *out = layers_add(l, LAYER_APPLY, name, at);
  if (*out < 0) return error_memory(err);
  l->list[*out].function = function;
  return UNROLL_OK;
}
