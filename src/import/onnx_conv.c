/* onnx_conv.c - convolutions, pools and batch normalization of ONNX.
 *
 * Along the steps a convolution is a product with the steps around. Of a picture that goes in it stays a convolution, where both
 * look at squares. Whatever else has fixed sizes, as the samples of a frame, is a product with one matrix: that of the
 * convolution, with zeros. */
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "import/onnx.h"

enum { MOST_MATRIX = 1 << 24, MOST_TAPS = LAYER_INPUTS, MOST_APART = 4096 /* steps */ };

typedef struct window { /* along one axis */
  int in, out, size, stride, dilation, before, after;
} window;

typedef struct area {
  window h, w;
  int c; /* channels that go in */
  bool picture, time;
} area;

/* -1: it is too large, or negative. */
static int whole(const int64_t *list, int count, int i, int missing) {
  if (i >= count) return missing;
  return list[i] >= 0 && list[i] < 1 << 20 ? (int)list[i] : -1;
}

/* Zeros around, and how many positions there are. False: none. */
static bool place(const onnx_node *n, window *w, int axis, int axes, bool time) {
  int64_t strides[ONNX_RANK], dilations[ONNX_RANK], pads[ONNX_RANK];
  w->stride = whole(strides, onnx_wholes(n, "strides", strides), axis, 1);
  w->dilation = whole(dilations, onnx_wholes(n, "dilations", dilations), axis, 1);
  const int count = onnx_wholes(n, "pads", pads);
  w->before = count == 2 * axes ? whole(pads, count, axis, 0) : 0;
  w->after = count == 2 * axes ? whole(pads, count, axes + axis, 0) : 0;
  if (w->before < 0 || w->after < 0 || w->stride < 1 || w->dilation < 1 || w->size < 1 || w->size > 1 << 16 ||
      w->dilation > 1 << 12)
    return false;
  const int reach = w->dilation * (w->size - 1) + 1;
  const bool upper = onnx_word(n, "auto_pad", "SAME_UPPER");
  if (upper || onnx_word(n, "auto_pad", "SAME_LOWER")) {
    const int out = time ? 1 : (w->in + w->stride - 1) / w->stride, wanted = time ? 1 : w->in;
    const int all = (out - 1) * w->stride + reach - wanted, pad = all < 0 ? 0 : all;
    w->before = upper ? pad / 2 : pad - pad / 2;
    w->after = pad - w->before;
  }
  if (time) return true;
  const int room = w->in + w->before + w->after - reach;
  w->out = room < 0 ? 0 : room / w->stride + 1;
  if (onnx_whole(n, "ceil_mode", 0) && room >= 0 && room % w->stride &&
      room / w->stride * w->stride + w->stride < w->in + w->before)
    w->out++;
  return w->out > 0;
}

/* The axes that a window moves over: [sequences, channels, columns] or [..., rows, columns]. */
static unroll_status read_area(onnx *o, const onnx_node *n, const onnx_value *x, const int64_t *size, int axes, area *a) {
  const int rank = (int)strlen(x->axes);
  *a = (area){.h = {.in = 1, .out = 1, .size = 1, .stride = 1, .dilation = 1}};
  if (rank != axes + 2 || strchr("FCHWD", x->axes[0])) return onnx_refuse(o, n, "reads an array of other axes");
  a->time = axes == 1 && x->axes[2] == 'T';
  const char *order = axes == 1 ? "CW" : "CHW";
  int known = 0;
  for (int i = 1; i < rank; i++) {
    const bool one = x->axes[i] == '1', own = x->axes[i] == order[i - 1], vector = x->axes[i] == 'F';
    if (i == 2 && a->time) continue;
    if (!one && !own && !vector) return onnx_refuse(o, n, "reads an array whose axes are not channels, rows and columns");
    known += vector;
  }
  if (known > 1) return onnx_refuse(o, n, "reads an array of other axes");
  a->c = (int)onnx_size(o, x, 1);
  if (axes == 2) {
    a->h.in = (int)onnx_size(o, x, 2);
    a->h.size = (int)size[0];
    if (!place(n, &a->h, 0, axes, false)) return onnx_refuse(o, n, "has no position in its picture");
  }
  a->w.in = a->time ? 0 : (int)onnx_size(o, x, axes + 1);
  a->w.size = (int)size[axes - 1];
  if (!place(n, &a->w, axes - 1, axes, a->time)) return onnx_refuse(o, n, "has no position in its picture");
  a->picture = axes == 2 && o->l->list[x->layer].channels > 0 && !strcmp(x->axes + 1, "CHW");
  return UNROLL_OK;
}

/* How many numbers go in and come out. False: the matrix between them is larger than is understood. */
static bool matrix_fits(const area *a, int channels, int64_t *in, int64_t *out) {
  *in = (int64_t)a->h.in * a->w.in * a->c; /* a layer has them */
  *out = (int64_t)a->h.out * a->w.out;
  if (*out > MOST_MATRIX / channels) return false;
  *out *= channels;
  return *in <= MOST_MATRIX / *out;
}

static unroll_status give_picture(onnx *o, const onnx_node *n, const onnx_value *x, int at, const area *a, int channels) {
  onnx_value y = *x;
  y.layer = at;
  y.c = channels;
  y.h = a->h.out;
  y.w = a->w.out;
  y.flat = 0;
  y.state = false;
  strcpy(y.axes + 1, strlen(x->axes) == 4 ? "CHW" : "CW");
  return onnx_give(o, n, &y);
}

/* --- convolutions --- */

/* `off` steps fewer than x has, and of these every stride-th: where they stand (around.c). */
static unroll_status fewer(onnx *o, const onnx_node *n, const onnx_value *x, int off, int stride, int made) {
  const layer from = o->l->list[x->layer];
  const int rate = from.rate > 1 ? from.rate : 1;
  if (stride > MOST_APART / rate || off > MOST_APART / rate || from.late > MOST_APART)
    return onnx_refuse(o, n, "looks further back than is understood");
  o->l->list[made].late = from.late + off * rate;
  o->l->list[made].rate = rate * stride;
  return UNROLL_OK;
}

/* What is made stands where its last tap looks, or before that by the zeros behind. So there are as many steps as there must be. */
static unroll_status over_time(onnx *o, const onnx_node *n, const onnx_value *x, const area *a, const array *w, const float *b,
                               int groups) {
  const int k = a->w.size, in = a->c, out = (int)w->shape[0], own = in / groups, d = a->w.dilation;
  const int before = a->w.before + x->pad[0], after = a->w.after + x->pad[1];
  const int rate = o->l->list[x->layer].rate > 1 ? o->l->list[x->layer].rate : 1, off = d * (k - 1) - before - after;
  if (off < 0)
    return onnx_refuse(o, n, "is a convolution over the steps after which there are more of them: it has too many zeros around");
  if (a->w.stride > 1 && (onnx_word(n, "auto_pad", "SAME_UPPER") || onnx_word(n, "auto_pad", "SAME_LOWER")))
    return onnx_refuse(o, n, "has a stride and 'same', by which the length of a sequence says what is looked at");
  if (k > MOST_TAPS || d > MOST_APART / rate || (int64_t)in * k > MOST_WIDTH || (int64_t)out * in * k > MOST_MATRIX)
    return onnx_refuse(o, n, "looks at more steps than is understood");
  float *m = layers_numbers(o->l, (int64_t)out * in * k);
  if (!m) return error_memory(o->err);
  for (int r = 0; r < out; r++)
    for (int c = 0; c < own; c++)
      for (int j = 0; j < k; j++)
        m[((int64_t)r * k + j) * in + r / (out / groups) * own + c] = w->x[((int64_t)r * own + c) * k + j];
  int from = x->layer;
  unroll_status status = UNROLL_OK;
  if (before && o->l->list[from].late) status = onnx_masked(o, n, from, &from); /* zeros before the first step */
  if (status) return status;
  const int at = layers_around(o->l, onnx_name(n), from, (off + before) * rate, k, d * rate);
  if (at < 0) return error_memory(o->err);
  onnx_value y = *x;
  y.pad[0] = y.pad[1] = 0;
  y.state = false;
  status = onnx_linear(o, n, at, out, m, b, &y.layer);
  if (!status) status = fewer(o, n, x, off, a->w.stride, y.layer);
  strcpy(y.axes + 1, "FT");
  return status ? status : onnx_give(o, n, &y);
}

/* Can rows and columns be looked at in squares, with as many zeros on all sides? *size, *pad: of these. */
static bool squares(const area *a, int *size, int *pad) {
  const window *h = &a->h, *w = &a->w;
  const int reach_h = h->dilation * (h->size - 1) + 1, reach_w = w->dilation * (w->size - 1) + 1;
  *size = reach_h > reach_w ? reach_h : reach_w;
  const int more_h = *size - reach_h, more_w = *size - reach_w;
  *pad = h->before + more_h / 2;
  const bool even = h->before == h->after && w->before == w->after && more_h % 2 == 0 && more_w % 2 == 0;
  return even && h->stride == w->stride && *pad == w->before + more_w / 2 && *size <= 64 && *size <= h->in && *size <= w->in &&
         *pad < *size;
}

static unroll_status in_squares(onnx *o, const onnx_node *n, const onnx_value *x, const area *a, const array *w, const float *b,
                                int groups, int size, int pad) {
  const int out = (int)w->shape[0], own = a->c / groups;
  const int top = (size - a->h.dilation * (a->h.size - 1) - 1) / 2, left = (size - a->w.dilation * (a->w.size - 1) - 1) / 2;
  float *m = layers_numbers(o->l, (int64_t)out * size * size * own), *zeros = layers_numbers(o->l, out);
  if (!m || !zeros) return error_memory(o->err);
  for (int r = 0; r < out; r++)
    for (int c = 0; c < own; c++)
      for (int i = 0; i < a->h.size; i++)
        for (int j = 0; j < a->w.size; j++) {
          const int row = top + i * a->h.dilation, column = left + j * a->w.dilation;
          m[(((int64_t)r * size + row) * size + column) * own + c] = w->x[(((int64_t)r * own + c) * a->h.size + i) * a->w.size + j];
        }
  const int layer_at = layers_add(o->l, LAYER_CONV, onnx_name(n), x->layer);
  if (layer_at < 0) return error_memory(o->err);
  layer *l = layers_at(o->l, layer_at);
  l->W = m;
  l->b = b ? b : zeros;
  l->size = size;
  l->stride = a->h.stride;
  l->pad = pad;
  l->groups = groups;
  if (!layers_picture(l, out, a->h.out, a->w.out)) return onnx_refuse(o, n, "gives too many numbers");
  return give_picture(o, n, x, layer_at, a, out);
}

/* The matrix from all numbers of the picture to all of the next; entry(context, ...) is what a position adds. */
typedef float (*entry)(const void *context, int out, int in, int row, int column);

static unroll_status as_matrix(onnx *o, const onnx_node *n, const onnx_value *x, const area *a, int channels, const float *b,
                               entry of, const void *context) {
  int64_t in, out;
  if (!matrix_fits(a, channels, &in, &out))
    return onnx_refuse(o, n, "is larger than is understood, where it is no convolution in squares");
  float *m = layers_numbers(o->l, in * out), *bias = b ? layers_numbers(o->l, out) : NULL;
  if (!m || (b && !bias)) return error_memory(o->err);
  for (int64_t r = 0; r < out; r++) {
    const int k = (int)(r % channels), column = (int)(r / channels % a->w.out), row = (int)(r / channels / a->w.out);
    if (b) bias[r] = b[k];
    for (int i = 0; i < a->h.size; i++)
      for (int j = 0; j < a->w.size; j++) {
        const int y = row * a->h.stride - a->h.before + i * a->h.dilation,
                  z = column * a->w.stride - a->w.before + j * a->w.dilation;
        if (y < 0 || y >= a->h.in || z < 0 || z >= a->w.in) continue;
        for (int c = 0; c < a->c; c++) m[r * in + ((int64_t)y * a->w.in + z) * a->c + c] = of(context, k, c, i, j);
      }
  }
  int at;
  const unroll_status status = onnx_linear(o, n, x->layer, (int)out, m, bias, &at);
  return status ? status : give_picture(o, n, x, at, a, channels);
}

typedef struct kernel_of {
  const array *w;
  int own, per, rows, columns; /* channels that one sees; results of a group */
} kernel_of;

static float kernel_entry(const void *context, int out, int in, int row, int column) {
  const kernel_of *k = context;
  const int c = in - out / k->per * k->own;
  if (c < 0 || c >= k->own) return 0;
  return k->w->x[(((int64_t)out * k->own + c) * k->rows + row) * k->columns + column];
}

unroll_status onnx_conv(onnx *o, const onnx_node *n, const onnx_value *given) {
  onnx_value own = *given;
  const onnx_value *x = &own;
  const array *w = onnx_constant(o, n, 1), *b = onnx_constant(o, n, 2);
  const int64_t groups = onnx_whole(n, "group", 1);
  area a;
  int size, pad;
  if (!w || (w->rank != 3 && w->rank != 4))
    return onnx_refuse(o, n, "has no constant weights, or ones of other than one or two axes");
  for (int i = 0; i < w->rank; i++)
    if (w->shape[i] < 1 || w->shape[i] > 1 << 20) return onnx_refuse(o, n, "has bad weights");
  unroll_status status = onnx_settle(o, n, &own);
  if (!status) status = read_area(o, n, x, w->shape + 2, w->rank - 2, &a);
  if (status) return status;
  if (groups < 1 || groups > w->shape[0] || w->shape[0] % groups || w->shape[1] * groups != a.c || (b && b->count != w->shape[0]))
    return onnx_refuse(o, n, "has weights of another size than its channels");
  const float *bias = b ? b->x : NULL;
  if (a.time) return over_time(o, n, x, &a, w, bias, (int)groups);
  if (a.picture && squares(&a, &size, &pad)) return in_squares(o, n, x, &a, w, bias, (int)groups, size, pad);
  const kernel_of k = {w, (int)w->shape[1], (int)(w->shape[0] / groups), a.h.size, a.w.size};
  return as_matrix(o, n, x, &a, (int)w->shape[0], bias, kernel_entry, &k);
}

/* --- pools --- */

/* Of each window the entry at (i, j), or the nearest to it that is in the picture. */
static unroll_status tap(onnx *o, const onnx_node *n, const onnx_value *x, const area *a, int i, int j, int *out) {
  int64_t in, all;
  if (!matrix_fits(a, a->c, &in, &all)) return onnx_refuse(o, n, "is larger than is understood, where it is no pool of squares");
  float *m = layers_numbers(o->l, in * all);
  if (!m) return error_memory(o->err);
  for (int64_t r = 0; r < all; r++) {
    int y = (int)(r / a->c / a->w.out) * a->h.stride - a->h.before + i,
        z = (int)(r / a->c % a->w.out) * a->w.stride - a->w.before + j;
    y = y < 0 ? 0 : y >= a->h.in ? a->h.in - 1 : y;
    z = z < 0 ? 0 : z >= a->w.in ? a->w.in - 1 : z;
    m[r * in + ((int64_t)y * a->w.in + z) * a->c + r % a->c] = 1;
  }
  return onnx_linear(o, n, x->layer, (int)all, m, NULL, out);
}

static unroll_status largest(onnx *o, const onnx_node *n, const onnx_value *x, const area *a) {
  int at = -1;
  if ((int64_t)a->h.size * a->w.size > MOST_TAPS || a->h.dilation > 1 || a->w.dilation > 1 || a->h.before >= a->h.size ||
      a->w.before >= a->w.size || a->h.after >= a->h.size || a->w.after >= a->w.size)
    return onnx_refuse(o, n, "is a pool of another form than is understood");
  for (int i = 0; i < a->h.size; i++)
    for (int j = 0; j < a->w.size; j++) {
      int one;
      const unroll_status status = tap(o, n, x, a, i, j, &one);
      if (status) return status;
      if (at < 0) {
        at = one;
        continue;
      }
      const int next = layers_add(o->l, LAYER_BINARY, onnx_name(n), at);
      if (next < 0) return error_memory(o->err);
      layer *l = layers_at(o->l, next);
      l->function = "max";
      l->in[l->n_in++] = one;
      at = next;
    }
  return give_picture(o, n, x, at, a, a->c);
}

static unroll_status mean_of(onnx *o, const onnx_node *n, const onnx_value *x, const area *a, bool all) {
  int64_t in, out;
  if (!matrix_fits(a, a->c, &in, &out)) return onnx_refuse(o, n, "is larger than is understood, where it is no pool of squares");
  float *m = layers_numbers(o->l, in * out);
  if (!m) return error_memory(o->err);
  for (int64_t r = 0; r < out; r++) {
    const int top = (int)(r / a->c / a->w.out) * a->h.stride - a->h.before,
              left = (int)(r / a->c % a->w.out) * a->w.stride - a->w.before;
    int count = 0;
    for (int pass = 0; pass < 2; pass++)
      for (int i = 0; i < a->h.size; i++)
        for (int j = 0; j < a->w.size; j++) {
          const int y = top + i * a->h.dilation, z = left + j * a->w.dilation;
          const bool inside = y >= 0 && y < a->h.in && z >= 0 && z < a->w.in;
          const bool zero = y < a->h.in + a->h.after && z < a->w.in + a->w.after; /* ceil_mode goes beyond the zeros */
          if (!pass) count += inside || (all && zero);
          if (pass && inside) m[r * in + ((int64_t)y * a->w.in + z) * a->c + r % a->c] = 1 / (float)count;
        }
  }
  int at;
  const unroll_status status = onnx_linear(o, n, x->layer, (int)out, m, NULL, &at);
  return status ? status : give_picture(o, n, x, at, a, a->c);
}

static unroll_status pool_over_time(onnx *o, const onnx_node *n, const onnx_value *x, const window *w, bool mean) {
  onnx_value y = *x;
  if (w->before || w->after || w->dilation > 1 || (w->stride > 1 && onnx_whole(n, "ceil_mode", 0)))
    return onnx_refuse(o, n, "is a pool over the steps of another form than is understood: without zeros around");
  if (w->size > MOST_TAPS || w->size < 2) return onnx_refuse(o, n, "is a pool over the steps of a size that is not understood");
  y.layer = layers_window(o->l, onnx_name(n), x->layer, w->size, mean);
  if (y.layer < 0) return error_memory(o->err);
  y.state = false;
  const unroll_status status = fewer(o, n, x, w->size - 1, w->stride, y.layer);
  return status ? status : onnx_give(o, n, &y);
}

unroll_status onnx_pool(onnx *o, const onnx_node *n, const onnx_value *x) {
  const bool global = !strncmp(n->op, "Global", 6), max = strstr(n->op, "Max") != NULL;
  int64_t size[ONNX_RANK];
  const int axes = (int)strlen(x->axes) - 2;
  area a;
  if (axes != 1 && axes != 2) return onnx_refuse(o, n, "reads an array of other axes");
  if (global && axes == 1 && x->axes[2] == 'T') {
    onnx_value y = *x;
    const unroll_status status = onnx_over(o, n, &y, 2, max ? "max" : "mean", true);
    return status ? status : onnx_give(o, n, &y);
  }
  for (int i = 0; global && i < axes; i++) size[i] = isnan(onnx_size(o, x, i + 2)) ? 1 : (int64_t)onnx_size(o, x, i + 2);
  if (!global && onnx_wholes(n, "kernel_shape", size) != axes) return onnx_refuse(o, n, "has no kernel_shape");
  const unroll_status status = read_area(o, n, x, size, axes, &a);
  if (status) return status;
  if (a.time && a.w.size == 1 && a.w.stride == 1 && !a.w.before && !a.w.after) return onnx_give(o, n, x);
  if (a.time) return pool_over_time(o, n, x, &a.w, !max);
  if (a.picture && !a.h.before && !a.h.after && !a.w.before && !a.w.after && a.h.size == a.w.size && a.h.stride == a.w.stride &&
      a.h.dilation == 1 && a.w.dilation == 1 && a.h.out == (a.h.in - a.h.size) / a.h.stride + 1 &&
      a.w.out == (a.w.in - a.w.size) / a.w.stride + 1) {
    const int at = layers_add(o->l, LAYER_POOL, onnx_name(n), x->layer);
    if (at < 0) return error_memory(o->err);
    layer *l = layers_at(o->l, at);
    l->function = max ? "max" : "mean";
    l->size = a.h.size;
    l->stride = a.h.stride;
    layers_picture(l, a.c, a.h.out, a.w.out);
    return give_picture(o, n, x, at, &a, a.c);
  }
  return max ? largest(o, n, x, &a) : mean_of(o, n, x, &a, onnx_whole(n, "count_include_pad", 0) != 0);
}

unroll_status onnx_collapse(onnx *o, const onnx_node *n, onnx_value *x, int axis, bool mean, bool keeps) {
  const char letter = x->axes[axis];
  const int c = letter == 'C' ? 1 : x->c, h = letter == 'H' ? 1 : x->h, w = letter == 'W' ? 1 : x->w;
  unroll_status status;
  if (letter == 'F') {
    const int all = o->l->list[x->layer].width, out = 1;
    float *m = layers_numbers(o->l, all);
    if (!m) return error_memory(o->err);
    for (int i = 0; i < all; i++) m[i] = mean ? 1 / (float)all : 1;
    status = onnx_linear(o, n, x->layer, out, m, NULL, &x->layer);
  } else if (strchr("CHW", letter)) {
    const int64_t in = (int64_t)x->c * x->h * x->w, out = (int64_t)c * h * w;
    if (in * out > MOST_MATRIX) return onnx_refuse(o, n, "is larger than is understood");
    float *m = layers_numbers(o->l, in * out);
    if (!m) return error_memory(o->err);
    for (int i = 0; i < x->h; i++)
      for (int j = 0; j < x->w; j++)
        for (int k = 0; k < x->c; k++)
          m[((((int64_t)(h > 1 ? i : 0) * w + (w > 1 ? j : 0)) * c) + (c > 1 ? k : 0)) * in + ((int64_t)i * x->w + j) * x->c + k] =
              mean ? (float)out / (float)in : 1;
    status = onnx_linear(o, n, x->layer, (int)out, m, NULL, &x->layer);
    x->c = c;
    x->h = h;
    x->w = w;
  } else
    return onnx_refuse(o, n, "is about an axis that is not understood");
  x->axes[axis] = letter == 'F' ? '1' : letter;
  x->state = false;
  if (!keeps) {
    memmove(x->axes + axis, x->axes + axis + 1, strlen(x->axes + axis));
    onnx_normalize(x);
  }
  return status;
}

/* --- batch normalization --- */

unroll_status onnx_batchnorm(onnx *o, const onnx_node *n, const onnx_value *x) {
  const array *in[4];
  onnx_value y = *x;
  const int rank = (int)strlen(x->axes);
  const double size = rank > 1 ? onnx_size(o, x, 1) : (double)NAN, epsilon = onnx_real(n, "epsilon", 1e-5);
  for (int i = 0; i < 4; i++)
    if (!(in[i] = onnx_constant(o, n, i + 1)) || !(fabs((double)in[i]->count - size) < 0.5))
      return onnx_refuse(o, n, "is about another axis than the numbers, or has no constants for them");
  const bool grid = x->axes[1] == 'C' && !o->l->list[x->layer].channels;
  if (!grid && x->axes[1] != 'F' && x->axes[1] != 'C') return onnx_refuse(o, n, "is about another axis than the numbers");
  const int all = o->l->list[x->layer].width, c = (int)size;
  float *wide[4];
  for (int i = 0; i < 4; i++) {
    wide[i] = layers_numbers(o->l, all);
    if (!wide[i]) return error_memory(o->err);
    for (int k = 0; k < (grid ? all : c); k++) wide[i][k] = in[i]->x[k % c];
  }
  y.layer = layers_add(o->l, LAYER_BATCHNORM, onnx_name(n), x->layer);
  if (y.layer < 0) return error_memory(o->err);
  layer *l = layers_at(o->l, y.layer);
  l->gain = wide[0];
  l->bias = wide[1];
  l->mean = wide[2];
  l->variance = wide[3];
  l->epsilon = epsilon;
  y.state = false;
  return onnx_give(o, n, &y);
}
