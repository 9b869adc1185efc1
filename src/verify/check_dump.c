/* check_dump.c - one run as safetensors, so that anyone can verify it elsewhere.
 *
 * Everything with time is [T, B, N] (or [T, B] for symbols), sequence b in column b. What lies beyond a sequence's length is -1
 * or 0. The metadata holds the equations.
 *
 *   lengths                       int32 [B]; lengths.2 for a second time axis
 *   input.NAME, input.NAME.lag1   int32 symbols, -1 before the start; or float numbers
 *   weight.P                      float, as in the model: y = W x with W [out, in]
 *   mask.M                        double: dropout masks, already divided by the share that is kept
 *   output.NAME                   double: the argument of the distribution of NAME, e.g. logits
 *   loss.NAME                     double, scalar: nats, summed over all symbols
 *   gradient.P                    double: of loss_scale times the sum of all losses; loss_scale is a scalar of its own
 *   single.output.NAME, single.loss.NAME, single.gradient.P
 *                                 float: the same from the planned single-precision pass
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "io/safetensors.h"
#include "verify/check_run.h"

typedef struct dump {
  const check_run *c;
  arena memory;
  tensor *tensors;
  size_t count;
  bool failed;
} dump;

static const size_t type_size[] = {[TENSOR_F32] = 4, [TENSOR_F64] = 8, [TENSOR_I32] = 4};

/* A tensor of `rank` dimensions, named by the format; its data is zero and the caller's to fill. NULL: out of memory. */
static __attribute__((format(printf, 5, 6))) void *add(dump *d, enum tensor_type type, int rank, const int64_t *shape,
                                                       const char *format, ...) {
  char name[256];
  va_list args;
  va_start(args, format);
  vsnprintf(name, sizeof name, format, args);
  va_end(args);
  tensor *t = &d->tensors[d->count];
  *t = (tensor){.type = type, .rank = rank, .count = 1};
  for (int i = 0; i < rank; i++) t->count *= t->shape[i] = shape[i];
  t->bytes = (size_t)t->count * type_size[type];
  void *data = arena_alloc(&d->memory, (size_t)t->count + 1, type_size[type]);
  t->data = data;
  t->name = arena_text(&d->memory, name, strlen(name));
  if (!data || !t->name)
    d->failed = true;
  else
    d->count++;
  return d->failed ? NULL : data;
}

/* How a matrix of a node or input lies in the dump. */
typedef struct layout {
  const batch_axis *axis; /* NULL: static */
  int64_t shape[3];
  int rank;
  int64_t rows;
} layout;

static layout layout_of(const check_run *c, enum space space, int axis, int width) {
  const int B = c->batch.b.rows;
  if (space == SPACE_PARAM) return (layout){.shape = {1, width}, .rank = 2, .rows = 1};
  if (space == SPACE_STATIC) return (layout){.shape = {B, width}, .rank = 2, .rows = B};
  const batch_axis *a = &c->batch.axes[axis];
  return (layout){.axis = a, .shape = {a->steps, B, width}, .rank = 3, .rows = a->first[a->steps]};
}

/* Copies rows of `bytes` bytes, `from_row` apart, to their places. */
static void place_rows(void *to, const void *from, size_t from_row, size_t bytes, const layout *l) {
  if (!to) return;
  char *out = to;
  const char *in = from;
  if (!l->axis) {
    for (int64_t i = 0; i < l->rows; i++) memcpy(out + (size_t)i * bytes, in + (size_t)i * from_row, bytes);
    return;
  }
  const batch_axis *a = l->axis;
  for (int t = 0; t < a->steps; t++)
    for (int b = 0; b < a->active[t]; b++) {
      const int64_t place = t * l->shape[1] + (a->order ? a->order[b] : b);
      memcpy(out + (size_t)place * bytes, in + (size_t)(a->first[t] + b) * from_row, bytes);
    }
}

static void add_inputs(dump *d) {
  const check_run *c = d->c;
  for (int a = 0; a < c->g.n_axes; a++) {
    const int64_t shape[] = {c->batch.b.rows};
    int32_t *out = a == 0 ? add(d, TENSOR_I32, 1, shape, "lengths") : add(d, TENSOR_I32, 1, shape, "lengths.%d", a + 1);
    for (int b = 0; out && b < c->batch.b.rows; b++) out[b] = c->batch.lengths[a][b];
  }
  for (int i = 0; i < c->g.n_inputs; i++) {
    const input *in = &c->g.inputs[i];
    char lag[24] = "";
    if (in->lag > 0) snprintf(lag, sizeof lag, ".lag%d", in->lag);
    const layout l = layout_of(c, in->space, in->axis, in->index ? 1 : in->width);
    char name[160];
    snprintf(name, sizeof name, "%s%s", c->g.data[in->data].name, in->seen ? ".seen" : "");
    if (in->index) {
      int32_t *out = add(d, TENSOR_I32, l.rank - 1, l.shape, "input.%s%s", name, lag);
      if (!out) return;
      for (int64_t k = 0; k < d->tensors[d->count - 1].count; k++) out[k] = -1;
      place_rows(out, c->batch.index[i], sizeof *out, sizeof *out, &l);
    } else {
      const size_t row = (size_t)in->width * sizeof(float);
      place_rows(add(d, TENSOR_F32, l.rank, l.shape, "input.%s%s", name, lag), c->batch.number[i], row, row, &l);
    }
  }
  for (int i = 0; i < c->g.n_nodes; i++) {
    const node *n = &c->g.nodes[i];
    if (n->op != OP_MASK || !c->ref.values[i]) continue;
    const layout l = layout_of(c, n->space, n->axis, n->width);
    const size_t row = (size_t)n->width * sizeof(double);
    place_rows(add(d, TENSOR_F64, l.rank, l.shape, "mask.%d", n->slot), c->ref.values[i], row, row, &l);
  }
}

static void add_params(dump *d) {
  const check_run *c = d->c;
  const float *single = run_gradient(c->single);
  for (int p = 0; p < c->g.n_params && !d->failed; p++) {
    const param *w = &c->g.params[p];
    const int rank = w->vector ? 1 : 2;
    const int64_t shape[] = {w->rows, w->cols};
    float *value = add(d, TENSOR_F32, rank, shape, "weight.%s", w->name);
    double *exact = add(d, TENSOR_F64, rank, shape, "gradient.%s", w->name);
    float *rounded = add(d, TENSOR_F32, rank, shape, "single.gradient.%s", w->name);
    for (int64_t k = 0; k < (int64_t)w->rows * w->cols && !d->failed; k++) {
      value[k] = c->weights[w->offset + k];
      exact[k] = c->ref.gradient[w->offset + k];
      rounded[k] = single[w->offset + k];
    }
  }
}

static void add_outputs(dump *d) {
  const check_run *c = d->c;
  for (int i = 0; i < c->g.n_losses && !d->failed; i++) {
    const char *name = c->g.data[c->g.losses[i].data].name;
    double *exact = add(d, TENSOR_F64, 0, NULL, "loss.%s", name);
    float *rounded = add(d, TENSOR_F32, 0, NULL, "single.loss.%s", name);
    if (d->failed) return;
    *exact = reference_loss(&c->ref, i);
    *rounded = (float)run_loss(c->single, i);
    const int number = c->g.losses[i].prediction;
    if (number == NODE_NONE) continue;
    const node *n = &c->g.nodes[number];
    const layout l = layout_of(c, n->space, n->axis, n->width);
    const size_t width = (size_t)n->width;
    place_rows(add(d, TENSOR_F64, l.rank, l.shape, "output.%s", name), c->ref.values[number], width * sizeof(double),
               width * sizeof(double), &l);
    ptrdiff_t row;
    const float *p = run_value(c->single, number, &row);
    place_rows(add(d, TENSOR_F32, l.rank, l.shape, "single.output.%s", name), p, (size_t)row * sizeof(float), width * sizeof(float),
               &l);
  }
  double *scale = add(d, TENSOR_F64, 0, NULL, "loss_scale");
  if (scale) *scale = c->batch.b.loss_scale;
}

unroll_status check_dump(const char *path, const check_run *c, unroll_error *err) {
  dump d = {.c = c};
  const int most = c->g.n_axes + c->g.n_inputs + c->g.n_nodes + 3 * c->g.n_params + 4 * c->g.n_losses + 1;
  unroll_status s = UNROLL_OK;
  d.tensors = arena_alloc(&d.memory, (size_t)most, sizeof *d.tensors);
  if (!d.tensors) return error_memory(err);
  add_inputs(&d);
  add_params(&d);
  add_outputs(&d);
  const char *const keys[] = {"unroll", "layout", "net"};
  const char *const values[] = {"check", "[T, B, N]; beyond a sequence's length: -1 or 0", c->g.net->text};
  s = d.failed ? error_memory(err) : tensor_file_save(path, d.tensors, d.count, keys, values, 3, err);
  arena_free(&d.memory);
  return s;
}
