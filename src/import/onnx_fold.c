/* onnx_fold.c - nodes of ONNX whose inputs are constants are computed here: weights that are transposed, sizes that follow from
 * shapes. NaN is a size that is not known, and what is computed of it is not known either. */
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "import/onnx.h"

enum { MOST = 1 << 26 }; /* numbers of a result */

/* NULL: out of memory, or o->too_large. */
static array *make(onnx *o, int rank, const int64_t *shape, bool whole) {
  array *y = arena_alloc(&o->l->memory, 1, sizeof *y);
  int64_t count = 1;
  if (!y || rank > ARRAY_RANK) return NULL;
  for (int i = 0; i < rank; i++) {
    o->too_large |= shape[i] < 0 || shape[i] > MOST || __builtin_mul_overflow(count, shape[i], &count) || count > MOST;
    if (o->too_large) return NULL;
    y->shape[i] = shape[i];
  }
  y->rank = rank;
  y->count = count;
  y->whole = whole;
  y->x = arena_alloc(&o->l->memory, (size_t)count + 1, sizeof *y->x);
  return y->x ? y : NULL;
}

static unroll_status give(onnx *o, const onnx_node *n, int i, const array *y) {
  if (!y && o->too_large) return onnx_refuse(o, n, "computes a constant of more than 2^26 numbers");
  return y && onnx_set(o, n->out[i], &(onnx_value){.layer = -1, .constant = y}) ? UNROLL_OK : error_memory(o->err);
}

/* y of this shape takes its entry at i from x at offset + sum of i * stride. */
static array *view(onnx *o, const array *x, int rank, const int64_t *shape, const int64_t *stride, int64_t offset) {
  array *y = make(o, rank, shape, x->whole);
  int64_t at[ARRAY_RANK] = {0}, from = offset;
  for (int64_t i = 0; y && i < y->count; i++) {
    y->x[i] = x->x[from];
    for (int k = rank - 1; k >= 0; k--) {
      from += stride[k];
      if (++at[k] < shape[k]) break;
      from -= stride[k] * shape[k];
      at[k] = 0;
    }
  }
  return y;
}

static void strides_of(const array *x, int64_t out[ARRAY_RANK]) {
  int64_t s = 1;
  for (int i = x->rank - 1; i >= 0; i--) {
    out[i] = s;
    s *= x->shape[i];
  }
}

static int64_t axis_in(int64_t axis, int rank) { return axis < 0 ? axis + rank : axis; }

/* --- two by two --- */

static double two(const char *op, double a, double b, bool whole) {
  if (!strcmp(op, "Add")) return a + b;
  if (!strcmp(op, "Sub")) return a - b;
  if (!strcmp(op, "Mul")) return a * b;
  if (!strcmp(op, "Div")) return whole ? trunc(a / b) : a / b;
  if (!strcmp(op, "Pow")) return pow(a, b);
  if (isnan(a) || isnan(b)) return (double)NAN;
  if (!strcmp(op, "Min")) return a < b ? a : b;
  if (!strcmp(op, "Max")) return a > b ? a : b;
  if (!strcmp(op, "Less")) return a < b;
  if (!strcmp(op, "Greater")) return a > b;
  if (!strcmp(op, "And")) return a > 0 && b > 0;
  if (!strcmp(op, "Or")) return a > 0 || b > 0;
  return !(a < b) && !(a > b); /* Equal */
}

static double single(const char *op, double a) {
  if (!strcmp(op, "Neg")) return -a;
  if (!strcmp(op, "Abs")) return fabs(a);
  if (!strcmp(op, "Sqrt")) return sqrt(a);
  if (!strcmp(op, "Exp")) return exp(a);
  if (!strcmp(op, "Floor")) return floor(a);
  if (!strcmp(op, "Ceil")) return ceil(a);
  if (!strcmp(op, "Reciprocal")) return 1 / a;
  return isnan(a) ? a : !(a > 0); /* Not */
}

/* Where an entry of a broadcast result lies in x. */
static bool broadcast(const array *x, int rank, int64_t *shape, int64_t stride[ARRAY_RANK]) {
  int64_t own[ARRAY_RANK];
  strides_of(x, own);
  for (int i = 0; i < rank; i++) {
    const int k = i - (rank - x->rank);
    const int64_t n = k < 0 ? 1 : x->shape[k];
    if (n != 1 && shape[i] != 1 && shape[i] != n) return false;
    if (n != 1) shape[i] = n;
    stride[i] = n == 1 ? 0 : own[k];
  }
  return true;
}

static array *elementwise(onnx *o, const onnx_node *n, const array *const *in, int n_in, bool *fits) {
  int64_t shape[ARRAY_RANK], stride[3][ARRAY_RANK];
  int rank = 0;
  bool whole = true;
  for (int i = 0; i < n_in; i++) {
    if (in[i]->rank > rank) rank = in[i]->rank;
    whole &= in[i]->whole || (n_in == 3 && i == 0);
  }
  for (int i = 0; i < rank; i++) shape[i] = 1;
  for (int i = 0; i < n_in; i++)
    if (!(*fits = broadcast(in[i], rank, shape, stride[i]))) return NULL;
  const array *v[3] = {NULL, NULL, NULL};
  for (int i = 0; i < n_in; i++)
    if (!(v[i] = view(o, in[i], rank, shape, stride[i], 0))) return NULL;
  array *y = make(o, rank, shape, whole);
  for (int64_t i = 0; y && i < y->count; i++) {
    const double a = (double)v[0]->x[i];
    y->x[i] = n_in == 1   ? (float)single(n->op, a)
              : n_in == 2 ? (float)two(n->op, a, (double)v[1]->x[i], whole)
              : isnan(a)  ? NAN
                          : v[a > 0 ? 1 : 2]->x[i];
  }
  return y;
}

/* --- shapes --- */

static array *reshaped(onnx *o, const array *x, int rank, const int64_t *shape, bool *fits) {
  int64_t count = 1;
  for (int i = 0; i < rank; i++) *fits = *fits && shape[i] >= 0 && !__builtin_mul_overflow(count, shape[i], &count);
  *fits = *fits && rank <= ARRAY_RANK && count == x->count;
  array *y = *fits ? make(o, rank, shape, x->whole) : NULL;
  if (y && count) memcpy(y->x, x->x, (size_t)count * sizeof *y->x);
  return y;
}

static array *change_shape(onnx *o, const onnx_node *n, const array *x, bool *fits) {
  int64_t given[ONNX_RANK], shape[ARRAY_RANK + ONNX_RANK], rest = 1;
  const bool reshape = !strcmp(n->op, "Reshape"), adds = !strcmp(n->op, "Unsqueeze");
  const int count = onnx_numbers(o, n, reshape ? "shape" : "axes", 1, given);
  int rank = 0, open = -1;
  if (reshape) {
    for (int i = 0; i < count; i++) {
      shape[rank] = given[i] == 0 && i < x->rank ? x->shape[i] : given[i];
      if (shape[rank] < 0)
        open = rank;
      else if (__builtin_mul_overflow(rest, shape[rank], &rest))
        *fits = false;
      rank++;
    }
    if (open >= 0) shape[open] = *fits && rest > 0 ? x->count / rest : -1;
    *fits = *fits && count >= 0;
    return reshaped(o, x, rank, shape, fits);
  }
  if (adds && count < 0) *fits = false;
  const int all = x->rank + (adds && *fits ? count : 0);
  bool named[ARRAY_RANK + ONNX_RANK] = {false};
  for (int i = 0; i < count; i++) {
    const int64_t at = axis_in(given[i], all);
    if (at < 0 || at >= all || named[at] || (!adds && x->shape[at] != 1)) *fits = false;
    if (*fits) named[at] = true;
  }
  for (int i = 0, from = 0; i < all && *fits; i++) {
    if (adds)
      shape[rank++] = named[i] ? 1 : x->shape[from++];
    else if (!(named[i] || (count < 0 && x->shape[i] == 1)))
      shape[rank++] = x->shape[i];
  }
  return reshaped(o, x, rank, shape, fits);
}

static array *transposed(onnx *o, const onnx_node *n, const array *x, bool *fits) {
  int64_t perm[ONNX_RANK], own[ARRAY_RANK], shape[ARRAY_RANK], stride[ARRAY_RANK];
  const int count = onnx_wholes(n, "perm", perm);
  bool taken[ARRAY_RANK] = {false};
  strides_of(x, own);
  for (int i = 0; i < x->rank; i++) {
    const int64_t from = count == x->rank ? perm[i] : x->rank - 1 - i;
    if (!(*fits = from >= 0 && from < x->rank && !taken[from])) return NULL;
    taken[from] = true;
    shape[i] = x->shape[from];
    stride[i] = own[from];
  }
  return view(o, x, x->rank, shape, stride, 0);
}

static array *sliced(onnx *o, const onnx_node *n, const array *x, bool *fits) {
  int64_t starts[ONNX_RANK], ends[ONNX_RANK], axes[ONNX_RANK], steps[ONNX_RANK], own[ARRAY_RANK], shape[ARRAY_RANK], offset = 0;
  const int count = onnx_numbers(o, n, "starts", 1, starts), many = onnx_numbers(o, n, "ends", 2, ends);
  const int named = onnx_numbers(o, n, "axes", 3, axes), stepped = onnx_numbers(o, n, "steps", 4, steps);
  bool taken[ARRAY_RANK] = {false};
  *fits = count >= 0 && many == count && (named < 0 || named == count);
  strides_of(x, own);
  memcpy(shape, x->shape, sizeof shape);
  for (int i = 0; i < count && *fits; i++) {
    const int64_t at = axis_in(named < 0 ? i : axes[i], x->rank), step = stepped == count ? steps[i] : 1;
    if (!(*fits = at >= 0 && at < x->rank && !taken[at] && step && step > -(1 << 30) && step < 1 << 30)) return NULL;
    taken[at] = true;
    const int64_t size = x->shape[at], least = step < 0 ? -1 : 0, most = step < 0 ? size - 1 : size;
    int64_t a = starts[i] < 0 ? starts[i] + size : starts[i], b = ends[i] < 0 ? ends[i] + size : ends[i];
    a = a < least ? least : a > most ? most : a;
    b = b < least ? least : b > most ? most : b;
    shape[at] = step > 0 ? (b - a + step - 1) / step : (a - b - step - 1) / -step;
    if (shape[at] < 0) shape[at] = 0;
    if (shape[at]) offset += a * own[at];
    own[at] *= step;
  }
  return *fits ? view(o, x, x->rank, shape, own, offset) : NULL;
}

static array *gathered(onnx *o, const onnx_node *n, const array *x, const array *index, bool *fits) {
  const int64_t axis = axis_in(onnx_whole(n, "axis", 0), x->rank);
  int64_t shape[2 * ARRAY_RANK], inner = 1, outer = 1;
  int rank = 0;
  if (!(*fits = axis >= 0 && axis < x->rank && x->rank + index->rank - 1 <= ARRAY_RANK)) return NULL;
  for (int i = 0; i < axis; i++) outer *= shape[rank++] = x->shape[i];
  for (int i = 0; i < index->rank; i++) shape[rank++] = index->shape[i];
  for (int i = (int)axis + 1; i < x->rank; i++) inner *= shape[rank++] = x->shape[i];
  array *y = make(o, rank, shape, x->whole);
  for (int64_t a = 0; y && y->count && a < outer; a++)
    for (int64_t i = 0; i < index->count; i++) {
      const double k = (double)index->x[i] < 0 ? (double)index->x[i] + (double)x->shape[axis] : (double)index->x[i];
      if (!(*fits = k >= 0 && k < (double)x->shape[axis])) return NULL;
      for (int64_t b = 0; b < inner; b++)
        y->x[(a * index->count + i) * inner + b] = x->x[(a * x->shape[axis] + (int64_t)k) * inner + b];
    }
  return y;
}

static array *joined(onnx *o, const onnx_node *n, const array *const *in, int n_in, bool *fits) {
  const int64_t axis = axis_in(onnx_whole(n, "axis", 0), in[0]->rank);
  int64_t shape[ARRAY_RANK], outer = 1;
  bool whole = true;
  if (!(*fits = axis >= 0 && axis < in[0]->rank)) return NULL;
  memcpy(shape, in[0]->shape, sizeof shape);
  shape[axis] = 0;
  for (int i = 0; i < n_in; i++) {
    if (!(*fits = in[i] != NULL)) return NULL;
    whole &= in[i]->whole;
    for (int k = 0; k < in[0]->rank; k++)
      if (in[i]->rank != in[0]->rank || (k != axis && in[i]->shape[k] != shape[k])) *fits = false;
    if (!*fits || __builtin_add_overflow(shape[axis], in[i]->shape[axis], &shape[axis])) return NULL;
  }
  for (int i = 0; i < axis; i++) outer *= shape[i];
  array *y = make(o, in[0]->rank, shape, whole);
  float *to = y ? y->x : NULL;
  for (int64_t a = 0; y && a < outer; a++)
    for (int i = 0; i < n_in; i++) {
      const int64_t row = in[i]->count / outer;
      if (row) memcpy(to, in[i]->x + a * row, (size_t)row * sizeof *to);
      to += row;
    }
  return y;
}

/* A size that is not known is 1. */
static bool size_of(float x, int64_t *size) {
  if (!isnan(x) && !(x >= 0 && x <= (float)MOST)) return false;
  *size = isnan(x) ? 1 : (int64_t)x;
  return true;
}

/* Along axes whose size is not known a constant has one entry: it is spread where it is used. */
static array *expanded(onnx *o, const array *x, const array *to, bool *fits) {
  int64_t shape[ARRAY_RANK], stride[ARRAY_RANK];
  int rank = (int)to->count;
  if (!(*fits = to->count <= ARRAY_RANK)) return NULL;
  for (int i = 0; i < rank; i++)
    if (!(*fits = size_of(to->x[i], &shape[i]))) return NULL;
  for (int i = rank; i < x->rank; i++) { /* the shape may be the shorter one */
    memmove(shape + 1, shape, (size_t)i * sizeof *shape);
    shape[0] = 1;
  }
  if (rank < x->rank) rank = x->rank;
  *fits = broadcast(x, rank, shape, stride);
  return *fits ? view(o, x, rank, shape, stride, 0) : NULL;
}

static array *filled(onnx *o, const onnx_node *n, const array *to, bool *fits) {
  int64_t shape[ARRAY_RANK];
  const int rank = (int)to->count;
  const proto value = proto_piece(onnx_attribute(n, "value"), 5);
  float x = 0;
  bool whole = false;
  if (!(*fits = to->count <= ARRAY_RANK)) return NULL;
  if (value.size) {
    arrays own = {.memory = &o->l->memory, .file = o->a->file};
    const unroll_status status = proto_tensor(&own, "value", value, o->err);
    if (!status && own.list[0].count) x = own.list[0].x[0];
    if (!status) whole = own.list[0].whole;
    arrays_free(&own);
    *fits = !status || status == UNROLL_FAILED;
    if (status) return NULL;
  }
  for (int i = 0; i < rank; i++)
    if (!(*fits = size_of(to->x[i], &shape[i]))) return NULL;
  array *y = make(o, rank, shape, whole);
  for (int64_t i = 0; y && i < y->count; i++) y->x[i] = x;
  return y;
}

static array *ranged(onnx *o, const array *const *in, bool *fits) {
  const double a = (double)in[0]->x[0], b = (double)in[1]->x[0], d = (double)in[2]->x[0], count = ceil((b - a) / d);
  if (!(*fits = count < 1e6)) return NULL; /* NaN: neither */
  array *y = make(o, 1, &(int64_t){count > 0 ? (int64_t)count : 0}, in[0]->whole);
  for (int64_t i = 0; y && i < y->count; i++) y->x[i] = (float)(a + (double)i * d);
  return y;
}

static array *cast(onnx *o, const onnx_node *n, const array *x) {
  const int64_t to = onnx_whole(n, "to", 1);
  const bool whole = !(to == 1 || to == 10 || to == 11 || to == 16), truth = to == 9;
  array *y = make(o, x->rank, x->shape, whole || (x->whole && !strcmp(n->op, "Identity")));
  for (int64_t i = 0; y && i < y->count; i++)
    y->x[i] = isnan(x->x[i]) || !strcmp(n->op, "Identity") ? x->x[i]
              : truth                                      ? (float)(x->x[i] < 0 || x->x[i] > 0)
              : whole                                      ? truncf(x->x[i])
                                                           : x->x[i];
  return y;
}

static unroll_status split(onnx *o, const onnx_node *n, const array *x, bool *fits) {
  const int64_t axis = axis_in(onnx_whole(n, "axis", 0), x->rank);
  int64_t sizes[ONNX_RANK], own[ARRAY_RANK], at = 0;
  if (!(*fits = axis >= 0 && axis < x->rank && n->n_out > 0)) return UNROLL_OK;
  const int count = onnx_numbers(o, n, "split", 1, sizes);
  strides_of(x, own);
  const int64_t each = (x->shape[axis] + n->n_out - 1) / n->n_out; /* the last may have fewer */
  for (int i = 0; i < n->n_out; i++) {
    int64_t shape[ARRAY_RANK];
    memcpy(shape, x->shape, sizeof shape);
    shape[axis] = count == n->n_out ? sizes[i] : i == n->n_out - 1 ? x->shape[axis] - at : each;
    if (!(*fits = shape[axis] >= 0 && shape[axis] <= x->shape[axis] - at)) return UNROLL_OK;
    const unroll_status status = give(o, n, i, view(o, x, x->rank, shape, own, at * own[axis]));
    if (status) return status;
    at += shape[axis];
  }
  return UNROLL_OK;
}

/* The sizes of a layer, as far as they are known. */
static unroll_status shape_of(onnx *o, const onnx_node *n, const onnx_value *v) {
  const int64_t rank = v->constant ? v->constant->rank : (int64_t)strlen(v->axes);
  int64_t from = onnx_whole(n, "start", 0), to = onnx_whole(n, "end", rank);
  from = from < 0 ? from + rank : from;
  to = to < 0 ? to + rank : to > rank ? rank : to;
  from = from < 0 ? 0 : from;
  const int64_t count = to > from ? to - from : 0;
  array *y = make(o, 1, &count, true);
  for (int i = 0; y && i < count; i++)
    y->x[i] = v->constant ? (float)v->constant->shape[from + i] : (float)onnx_size(o, v, (int)from + i);
  return give(o, n, 0, y);
}

static bool is_one_of(const char *op, const char *const *rows, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!strcmp(rows[i], op)) return true;
  return false;
}

unroll_status onnx_fold(onnx *o, const onnx_node *n, bool *done) {
  static const char *const pairs[] = {"Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Less", "Greater", "And", "Or", "Equal"};
  static const char *const singles[] = {"Neg", "Abs", "Sqrt", "Exp", "Floor", "Ceil", "Reciprocal", "Not"};
  const array *in[ONNX_INPUTS], *y = NULL;
  onnx_value first;
  bool fits = true;
  *done = false;
  if (!n->n_out || !n->n_in) return UNROLL_OK;
  if (!strcmp(n->op, "Shape") && onnx_input(o, n, 0, &first) && (first.layer >= 0 || first.constant)) {
    *done = true;
    return shape_of(o, n, &first);
  }
  for (int i = 0; i < n->n_in; i++) {
    in[i] = onnx_constant(o, n, i);
    if (*n->in[i] && !in[i]) return UNROLL_OK;
  }
  if (!in[0]) return UNROLL_OK;
  if (!strcmp(n->op, "Split")) {
    const unroll_status status = split(o, n, in[0], &fits);
    *done = fits;
    return status;
  }
  if (n->n_in == 2 && in[1] && is_one_of(n->op, pairs, sizeof pairs / sizeof *pairs))
    y = elementwise(o, n, in, 2, &fits);
  else if (n->n_in == 1 && is_one_of(n->op, singles, sizeof singles / sizeof *singles))
    y = elementwise(o, n, in, 1, &fits);
  else if (!strcmp(n->op, "Where") && n->n_in == 3 && in[1] && in[2])
    y = elementwise(o, n, in, 3, &fits);
  else if (!strcmp(n->op, "Unsqueeze") || !strcmp(n->op, "Squeeze") || !strcmp(n->op, "Reshape"))
    y = change_shape(o, n, in[0], &fits);
  else if (!strcmp(n->op, "Transpose"))
    y = transposed(o, n, in[0], &fits);
  else if (!strcmp(n->op, "Slice"))
    y = sliced(o, n, in[0], &fits);
  else if (!strcmp(n->op, "Gather") && n->n_in == 2 && in[1])
    y = gathered(o, n, in[0], in[1], &fits);
  else if (!strcmp(n->op, "Concat"))
    y = joined(o, n, in, n->n_in, &fits);
  else if (!strcmp(n->op, "Expand") && n->n_in == 2 && in[1])
    y = expanded(o, in[0], in[1], &fits);
  else if (!strcmp(n->op, "ConstantOfShape"))
    y = filled(o, n, in[0], &fits);
  else if (!strcmp(n->op, "Range") && n->n_in == 3 && in[1] && in[2] && in[0]->count && in[1]->count && in[2]->count)
    y = ranged(o, in, &fits);
  else if (!strcmp(n->op, "Cast") || !strcmp(n->op, "Identity"))
    y = cast(o, n, in[0]);
  else
    return UNROLL_OK; /* not computed: idle */
  if (!fits) return onnx_refuse(o, n, "has constants that do not go together");
  *done = true;
  return give(o, n, 0, y);
}
