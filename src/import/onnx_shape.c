/* onnx_shape.c - operators of ONNX that move, split and join axes. Most of them move letters; where numbers change their place a
 * product with a matrix of zeros and ones moves them. */
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "import/onnx.h"

enum { MOST_MOVED = 1 << 24 }; /* numbers of such a matrix */

/* A layer whose entry i is entry from[i] of another. */
static unroll_status move(onnx *o, const onnx_node *n, int of, const int *from, int out, int *moved) {
  const int in = o->l->list[of].width;
  if ((int64_t)in * out > MOST_MOVED) return onnx_refuse(o, n, "moves more numbers than is understood");
  float *w = layers_numbers(o->l, (int64_t)in * out);
  if (!w) return error_memory(o->err);
  for (int i = 0; i < out; i++)
    if (from[i] >= 0) w[(int64_t)i * in + from[i]] = 1;
  return onnx_linear(o, n, of, out, w, NULL, moved);
}

static unroll_status take_part(onnx *o, const onnx_node *n, int of, int first, int width, int *out) {
  const int all = o->l->list[of].width;
  *out = of;
  if (first == 0 && width == all) return UNROLL_OK;
  if (all % width || first % width) {
    int *from = arena_alloc(&o->l->memory, (size_t)width + 1, sizeof *from);
    if (!from) return error_memory(o->err);
    for (int i = 0; i < width; i++) from[i] = first + i;
    return move(o, n, of, from, width, out);
  }
  *out = layers_add(o->l, LAYER_PART, onnx_name(n), of);
  if (*out < 0) return error_memory(o->err);
  layers_vector(o->l, *out, width)->first = first;
  return UNROLL_OK;
}

static unroll_status join(onnx *o, const onnx_node *n, const int *list, int count, int *out) {
  *out = list[0];
  if (count < 2) return UNROLL_OK;
  if (count > LAYER_INPUTS) return onnx_refuse(o, n, "puts too much together");
  *out = layers_add(o->l, LAYER_CONCAT, onnx_name(n), list[0]);
  if (*out < 0) return error_memory(o->err);
  layer *c = layers_vector(o->l, *out, o->l->list[list[0]].width);
  for (int i = 1; i < count; i++) {
    const layer *other = &o->l->list[list[i]];
    c->in[c->n_in++] = list[i];
    if (c->steps && other->steps && (c->late != other->late || (c->rate != other->rate && (c->rate > 1 || other->rate > 1))))
      return onnx_refuse(o, n, "puts together steps of which there are not the same number");
    if (!c->steps) c->late = other->late, c->rate = other->rate;
    c->steps |= other->steps;
    if (!layers_widen(c, other->width)) return onnx_refuse(o, n, "gives too many numbers");
  }
  return UNROLL_OK;
}

unroll_status onnx_settle(onnx *o, const onnx_node *n, onnx_value *x) {
  if (!x->flat) return UNROLL_OK;
  const int all = o->l->list[x->layer].width, pixels = all / x->flat;
  int *from = arena_alloc(&o->l->memory, (size_t)all + 1, sizeof *from);
  if (!from) return error_memory(o->err);
  for (int c = 0; c < x->flat; c++)
    for (int p = 0; p < pixels; p++) from[c * pixels + p] = p * x->flat + c;
  x->flat = 0;
  return move(o, n, x->layer, from, all, &x->layer);
}

/* --- axes --- */

unroll_status onnx_transpose(onnx *o, const onnx_node *n, const onnx_value *x) {
  int64_t perm[ONNX_RANK];
  onnx_value y = *x;
  const int rank = (int)strlen(x->axes), count = onnx_wholes(n, "perm", perm);
  bool taken[ONNX_RANK] = {false};
  for (int i = 0; i < rank; i++) {
    const int64_t from = count == rank ? perm[i] : rank - 1 - i;
    if (from < 0 || from >= rank || taken[from]) return onnx_refuse(o, n, "has a bad perm");
    taken[from] = true;
    y.axes[i] = x->axes[from];
  }
  return onnx_give(o, n, &y);
}

static void remove_axis(onnx_value *v, int axis) { memmove(v->axes + axis, v->axes + axis + 1, strlen(v->axes + axis)); }

unroll_status onnx_squeeze(onnx *o, const onnx_node *n, const onnx_value *x) {
  int64_t axes[ONNX_RANK];
  onnx_value y = *x;
  bool gone[ONNX_RANK + 1] = {false};
  const int count = onnx_numbers(o, n, "axes", 1, axes), rank = (int)strlen(x->axes);
  for (int i = 0; i < rank; i++) gone[i] = count < 0 && fabs(onnx_size(o, x, i) - 1) < 0.5 && x->axes[i] != 'F';
  for (int i = 0; i < count; i++) {
    const int at = onnx_axis(x, axes[i]);
    if (at < 0) return onnx_refuse(o, n, "has a bad axis");
    if (!(fabs(onnx_size(o, x, at) - 1) < 0.5)) return onnx_refuse(o, n, "takes away an axis of more than one entry");
    gone[at] = true;
  }
  for (int i = rank - 1; i >= 0; i--) {
    if (!gone[i]) continue;
    if (x->axes[i] == 'D') y.layer = x->parts[0];
    remove_axis(&y, i);
  }
  if (!strchr(y.axes, 'D')) y.n_parts = 0;
  onnx_normalize(&y);
  return onnx_give(o, n, &y);
}

unroll_status onnx_unsqueeze(onnx *o, const onnx_node *n, const onnx_value *x) {
  int64_t axes[ONNX_RANK];
  onnx_value y = *x;
  bool fresh[2 * ONNX_RANK] = {false};
  const int count = onnx_numbers(o, n, "axes", 1, axes), rank = (int)strlen(x->axes) + count;
  if (count < 1 || rank > ONNX_RANK) return onnx_refuse(o, n, "makes too many axes");
  for (int i = 0; i < count; i++) {
    const int64_t at = axes[i] < 0 ? axes[i] + rank : axes[i];
    if (at < 0 || at >= rank) return onnx_refuse(o, n, "has a bad axis");
    fresh[at] = true;
  }
  for (int i = 0, from = 0; i < rank; i++) y.axes[i] = fresh[i] || !x->axes[from] ? '1' : x->axes[from++];
  y.axes[rank] = 0;
  return onnx_give(o, n, &y);
}

/* --- reshape: sizes of both sides side by side --- */

typedef struct aim {
  double size[ONNX_RANK]; /* NaN: not known */
  int rank;
  bool kept;   /* the first axis is that of what goes in */
  bool traced; /* sizes of steps and sequences are numbers of the example that a program was watched with */
} aim;

/* An axis of `has` entries as one that is wanted with `size`. */
static bool fits_size(const aim *a, double has, double size) {
  return isnan(has) ? isnan(size) || a->traced : isnan(size) || fabs(has - size) < 0.5;
}

static bool read_aim(const onnx *o, const onnx_node *n, const onnx_value *x, aim *a) {
  if (!strcmp(n->op, "Flatten")) {
    *a = (aim){.size = {(double)NAN, (double)NAN}, .rank = 2, .kept = true};
    return onnx_whole(n, "axis", 1) == 1;
  }
  int64_t given[ONNX_RANK];
  const array *shape = onnx_constant(o, n, 1);
  const int count = shape ? (int)(shape->count <= ONNX_RANK ? shape->count : -1) : onnx_wholes(n, "shape", given);
  for (int i = 0; i < count; i++) {
    const double s = shape ? (double)shape->x[i] : (double)given[i];
    const bool copies = fabs(s) < 0.5 && i < (int)strlen(x->axes);
    a->kept |= copies && i == 0;
    a->size[i] = copies ? onnx_size(o, x, i) : s < 0 ? (double)NAN : s;
  }
  a->rank = count;
  return count > 0;
}

/* Letters for the sizes from `to` on: those that are left of x in their order, with axes of one entry wherever they are wanted. */
static bool match_from(const onnx *o, const onnx_value *x, int from, const aim *a, int to, char *axes) {
  const int rank = (int)strlen(x->axes);
  const double size = from < rank ? onnx_size(o, x, from) : 0;
  axes[to] = 0;
  if (from == rank && to == a->rank) return true;
  if (from < rank && to < a->rank && fits_size(a, size, a->size[to]) && match_from(o, x, from + 1, a, to + 1, axes)) {
    axes[to] = x->axes[from];
    return true;
  }
  if (from < rank && fabs(size - 1) < 0.5 && match_from(o, x, from + 1, a, to, axes)) return true;
  if (to < a->rank && fabs(a->size[to] - 1) < 0.5 && match_from(o, x, from, a, to + 1, axes)) {
    axes[to] = '1';
    return true;
  }
  return false;
}

static bool match(const onnx *o, const onnx_value *x, const aim *a, onnx_value *y) {
  char axes[ONNX_RANK + 1];
  if (!match_from(o, x, 0, a, 0, axes)) return false;
  for (int i = 0; i < a->rank; i++) /* one number a step is no step of its own */
    if (axes[i] == 'T' && fabs(a->size[i] - 1) < 0.5 && strchr(x->axes, 'F') && !strchr(axes, 'F')) return false;
  memcpy(y->axes, axes, (size_t)a->rank + 1);
  return true;
}

/* Takes `letters` together to one letter, if they stand there. */
static bool merge(onnx_value *y, const char *letters, char to) {
  char *at = strstr(y->axes, letters);
  if (!at) return false;
  *at = to;
  memmove(at + 1, at + strlen(letters), strlen(at + strlen(letters)) + 1);
  return true;
}

/* A picture becomes a vector: in its own order, or channel after channel. */
static bool flatten(onnx_value *y) {
  static const struct {
    const char *letters;
    bool own;
  } rows[] = {{"CHW", false}, {"CW", false}, {"HWC", true}, {"WC", true}, {"HW", true}, {"CH", false}, {"HC", true}};
  char letters[ONNX_RANK + 1];
  int k = 0;
  for (const char *s = y->axes; *s; s++)
    if (*s != '1') letters[k++] = *s;
  letters[k] = 0;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (!strstr(letters, rows[i].letters)) continue;
    strcpy(y->axes, letters);
    merge(y, rows[i].letters, 'F');
    if (strpbrk(y->axes, "CHW")) continue;
    y->flat = rows[i].own || y->c < 2 || y->h * y->w < 2 ? 0 : y->c;
    y->c = y->h = y->w = 0;
    return true;
  }
  return false;
}

/* The numbers of a vector as a picture of one row: channel after channel. */
static unroll_status unflatten(onnx *o, const onnx_node *n, const onnx_value *x, const aim *a, bool *done) {
  onnx_value y = *x;
  const int rank = (int)strlen(x->axes), last = a->rank - 1;
  *done = false;
  if (rank < 1 || x->axes[rank - 1] != 'F' || a->rank != rank + 1) return UNROLL_OK;
  const double all = onnx_size(o, x, rank - 1);
  double c = a->size[last - 1], w = a->size[last];
  if (isnan(c)) c = all / w;
  if (isnan(w)) w = all / c;
  if (!(c >= 1 && w >= 1) || fabs(c * w - all) > 0.5) return UNROLL_OK;
  for (int i = 0; i < last - 1; i++)
    if (!fits_size(a, onnx_size(o, x, i), a->size[i])) return UNROLL_OK;
  y.c = (int)c;
  y.h = 1;
  y.w = (int)w;
  y.axes[last - 1] = 'C';
  y.axes[last] = 'W';
  y.axes[last + 1] = 0;
  *done = true;
  unroll_status status = onnx_settle(o, n, &y);
  if (status) return status;
  if (y.c > 1 && y.w > 1) {
    int *from = arena_alloc(&o->l->memory, (size_t)all + 1, sizeof *from);
    if (!from) return error_memory(o->err);
    for (int p = 0; p < y.w; p++)
      for (int k = 0; k < y.c; k++) from[p * y.c + k] = k * y.w + p;
    status = move(o, n, y.layer, from, (int)all, &y.layer);
    if (status) return status;
  }
  return onnx_give(o, n, &y);
}

static unroll_status merge_parts(onnx *o, const onnx_node *n, onnx_value *y) {
  const unroll_status status = join(o, n, y->parts, y->n_parts, &y->layer);
  y->n_parts = 0;
  return status;
}

/* *done: it was understood. */
static unroll_status reshape_to(onnx *o, const onnx_node *n, const onnx_value *x, const aim *a, bool *done) {
  onnx_value y = *x;
  *done = true;
  if (match(o, x, a, &y)) {
    if (!strchr(y.axes, 'D') && x->n_parts) y.layer = x->parts[0], y.n_parts = 0;
    onnx_normalize(&y);
    return onnx_give(o, n, &y);
  }
  onnx_value joined = *x;
  if (merge(&joined, "DF", 'F')) { /* directions side by side */
    int width = 0;
    for (int i = 0; i < x->n_parts; i++) width += o->l->list[x->parts[i]].width;
    const int at = (int)(strchr(joined.axes, 'F') - joined.axes);
    if (at < a->rank && fits_size(a, width, a->size[at])) {
      const unroll_status status = merge_parts(o, n, &joined);
      const onnx_value wide = joined;
      if (status) return status;
      if (match(o, &wide, a, &joined)) return onnx_give(o, n, &joined);
    }
  }
  onnx_value flat = *x;
  if (flatten(&flat) && match(o, &flat, a, &y)) {
    flat.flat = flat.flat ? flat.flat : x->flat;
    strcpy(flat.axes, y.axes);
    return onnx_give(o, n, &flat);
  }
  static const char *const pairs[] = {"BT", "TB"};
  for (int i = 0; i < 2; i++) { /* all steps of all sequences below each other, and back again */
    onnx_value m = *x;
    if (!a->kept && merge(&m, pairs[i], 'M') && match(o, &m, a, &y)) {
      strcpy(y.merged, pairs[i]);
      return onnx_give(o, n, &y);
    }
    m = *x;
    char *at = strchr(m.axes, 'M');
    if (!at || strcmp(x->merged, pairs[i]) || strlen(m.axes) == ONNX_RANK) continue;
    memmove(at + 2, at + 1, strlen(at + 1) + 1);
    memcpy(at, pairs[i], 2);
    if (match(o, &m, a, &y)) return onnx_give(o, n, &y);
  }
  return unflatten(o, n, x, a, done);
}

unroll_status onnx_reshape(onnx *o, const onnx_node *n, const onnx_value *x) {
  aim a = {.rank = 0};
  if (!read_aim(o, n, x, &a)) return onnx_refuse(o, n, "has no shape that is understood");
  for (int k = 0; k < 2; k++) {
    bool done;
    a.traced = k;
    const unroll_status status = reshape_to(o, n, x, &a, &done);
    if (status || done) return status;
  }
  return onnx_refuse(o, n, "changes the shape in a way that is not understood");
}

/* --- parts --- */

/* Entries a to b of an axis. */
static unroll_status cut(onnx *o, const onnx_node *n, onnx_value *y, int axis, int64_t a, int64_t b) {
  const double all = onnx_size(o, y, axis);
  const char letter = y->axes[axis];
  if (letter == 'T' && a == -1 && b > 1000000) return onnx_over(o, n, y, axis, "last", true);
  if (isnan(all)) return a == 0 && b > 1000000 ? UNROLL_OK : onnx_refuse(o, n, "takes some steps or sequences of several");
  if (a < 0) a += (int64_t)all;
  if (b < 0) b += (int64_t)all;
  if (b > (int64_t)all) b = (int64_t)all;
  if (a < 0 || a >= b) return onnx_refuse(o, n, "takes an empty part");
  if (a == 0 && b == (int64_t)all) return UNROLL_OK;
  if (letter == 'D') {
    memmove(y->parts, y->parts + a, (size_t)(b - a) * sizeof *y->parts);
    y->n_parts = (int)(b - a);
    y->layer = y->parts[0];
    return UNROLL_OK;
  }
  if (letter == 'F') return take_part(o, n, y->layer, (int)a, (int)(b - a), &y->layer);
  if (!strchr("CHW", letter)) return onnx_refuse(o, n, "takes a part of an axis that is not understood");
  const int size[3] = {y->h, y->w, y->c};
  int first[3] = {0, 0, 0}, many[3] = {y->h, y->w, y->c}, k = 0;
  const int which = letter == 'H' ? 0 : letter == 'W' ? 1 : 2;
  first[which] = (int)a;
  many[which] = (int)(b - a);
  const int out = many[0] * many[1] * many[2];
  int *from = arena_alloc(&o->l->memory, (size_t)out + 1, sizeof *from);
  if (!from) return error_memory(o->err);
  for (int i = 0; i < many[0]; i++)
    for (int j = 0; j < many[1]; j++)
      for (int c = 0; c < many[2]; c++) from[k++] = ((first[0] + i) * size[1] + first[1] + j) * size[2] + first[2] + c;
  y->h = many[0];
  y->w = many[1];
  y->c = many[2];
  return move(o, n, y->layer, from, out, &y->layer);
}

unroll_status onnx_slice(onnx *o, const onnx_node *n, const onnx_value *x) {
  int64_t starts[ONNX_RANK], ends[ONNX_RANK], axes[ONNX_RANK], steps[ONNX_RANK];
  const int count = onnx_numbers(o, n, "starts", 1, starts), many = onnx_numbers(o, n, "ends", 2, ends);
  const int named = onnx_numbers(o, n, "axes", 3, axes), stepped = onnx_numbers(o, n, "steps", 4, steps);
  onnx_value y = *x;
  if (count < 0 || many != count || (named >= 0 && named != count)) return onnx_refuse(o, n, "has bounds that are not constant");
  for (int i = 0; i < count; i++) {
    const int axis = onnx_axis(x, named < 0 ? i : axes[i]);
    if (axis < 0 || (stepped == count && steps[i] != 1))
      return onnx_refuse(o, n, "takes every second entry, or turns an axis round");
    const unroll_status status = cut(o, n, &y, axis, starts[i], ends[i]);
    if (status) return status;
  }
  return onnx_give(o, n, &y);
}

unroll_status onnx_split(onnx *o, const onnx_node *n, const onnx_value *x) {
  int64_t sizes[ONNX_RANK], at = 0;
  const int count = onnx_numbers(o, n, "split", 1, sizes), axis = onnx_axis(x, onnx_whole(n, "axis", 0));
  const double all = axis < 0 ? (double)NAN : onnx_size(o, x, axis);
  if (isnan(all)) return onnx_refuse(o, n, "splits steps or sequences");
  for (int i = 0; i < n->n_out; i++) {
    onnx_value y = *x;
    const int64_t each = count == n->n_out ? sizes[i] : ((int64_t)all + n->n_out - 1) / n->n_out, left = (int64_t)all - at;
    if (each < 1) return onnx_refuse(o, n, "gives an empty part");
    const int64_t end = at + (each < left ? each : left);
    const unroll_status status = cut(o, n, &y, axis, at, end);
    if (status) return status;
    if (*n->out[i] && !onnx_set(o, n->out[i], &y)) return error_memory(o->err);
    at = end;
  }
  return UNROLL_OK;
}

/* Rows of a table by symbols. */
static unroll_status look_up(onnx *o, const onnx_node *n, const array *w, const onnx_value *i) {
  onnx_value y = *i;
  if (w->rank != 2 || onnx_whole(n, "axis", 0) || w->shape[0] < 1 || w->shape[0] > 1 << 24 || w->shape[1] < 1 ||
      w->shape[1] > 1 << 20)
    return onnx_refuse(o, n, "looks up in what is no table");
  if (o->l->list[i->layer].width > 1 && o->l->list[i->layer].width != w->shape[0])
    return onnx_refuse(o, n, "looks the same symbols up in a table of another size");
  o->l->list[i->layer].width = (int)w->shape[0];
  y.layer = layers_add(o->l, LAYER_EMBED, *n->name ? n->name : "embedding", i->layer);
  if (y.layer < 0) return error_memory(o->err);
  layers_vector(o->l, y.layer, (int)w->shape[1])->W = w->x;
  if (strlen(y.axes) == ONNX_RANK) return onnx_refuse(o, n, "makes too many axes");
  strcat(y.axes, "F");
  return onnx_give(o, n, &y);
}

unroll_status onnx_gather(onnx *o, const onnx_node *n, const onnx_value *x) {
  onnx_value i, y = *x;
  const bool there = onnx_input(o, n, 1, &i);
  if (there && x->constant && i.layer >= 0 && o->l->list[i.layer].kind == LAYER_SYMBOLS) return look_up(o, n, x->constant, &i);
  if (!there || x->layer < 0 || !i.constant || i.constant->count != 1) return onnx_refuse(o, n, "looks up what is not understood");
  const int axis = onnx_axis(x, onnx_whole(n, "axis", 0));
  if (axis < 0) return onnx_refuse(o, n, "has a bad axis");
  const double all = onnx_size(o, x, axis), at = (double)i.constant->x[0];
  if (x->axes[axis] == 'T') {
    if (!(fabs(at) < 0.5 || fabs(at + 1) < 0.5)) return onnx_refuse(o, n, "takes another step than the first and the last");
    const unroll_status status = onnx_over(o, n, &y, axis, at < 0 ? "last" : "first", i.constant->rank > 0);
    return status ? status : onnx_give(o, n, &y);
  }
  if (!(all >= 1) || !(at >= -all && at < all)) return onnx_refuse(o, n, "takes one of several sequences");
  const int64_t k = (int64_t)(at < 0 ? at + all : at);
  const unroll_status status = cut(o, n, &y, axis, k, k + 1);
  if (status) return status;
  if (!i.constant->rank) {
    if (y.axes[axis] == 'F') return onnx_give(o, n, &y); /* one number keeps its axis */
    remove_axis(&y, axis);
    if (!strchr(y.axes, 'D')) y.n_parts = 0;
    onnx_normalize(&y);
  }
  return onnx_give(o, n, &y);
}

/* --- together --- */

static bool same_but(const onnx_value *a, const onnx_value *b, char letter) {
  const bool sizes = (letter == 'C' || a->c == b->c) && (letter == 'H' || a->h == b->h) && (letter == 'W' || a->w == b->w);
  return !strcmp(a->axes, b->axes) && sizes && a->flat == b->flat && !a->pad[0] && !b->pad[0] && !a->pad[1] && !b->pad[1];
}

unroll_status onnx_concat(onnx *o, const onnx_node *n, const onnx_value *x) {
  onnx_value y = *x, v;
  int list[ONNX_INPUTS], idle = 0;
  for (int i = 0; i < n->n_in; i++) {
    if (!onnx_input(o, n, i, &v)) return onnx_refuse(o, n, "puts together what is not there");
    if (v.layer >= 0) {
      const unroll_status status = onnx_settle(o, n, &v);
      if (status) return status;
    }
    list[i] = v.layer;
    idle += v.layer < 0;
  }
  if (idle) { /* a state of the graph among them: nothing here reads these */
    const onnx_value none = {.layer = -1, .state = true};
    bool states = true;
    for (int i = 0; i < n->n_in; i++) states &= onnx_input(o, n, i, &v) && (v.state || v.layer < 0);
    return states ? onnx_give(o, n, &none) : onnx_refuse(o, n, "puts together a layer and what is none");
  }
  const int axis = onnx_axis(x, onnx_whole(n, "axis", 0));
  if (axis < 0) return onnx_refuse(o, n, "has a bad axis");
  const char letter = x->axes[axis];
  for (int i = 1; i < n->n_in; i++) {
    onnx_input(o, n, i, &v);
    v.flat = 0;
    if (!same_but(x, &v, letter)) return onnx_refuse(o, n, "puts together arrays of different axes");
    y.state &= v.state;
    if (letter == 'D' || letter == '1') continue;
    if (letter == 'W') y.w += v.w;
    if (letter == 'H') y.h += v.h;
  }
  if (letter == 'D' || letter == '1') {
    y.n_parts = 0;
    for (int i = 0; i < n->n_in; i++) {
      onnx_input(o, n, i, &v);
      const int own = letter == 'D' ? v.n_parts : 1;
      if (y.n_parts + own > ONNX_PARTS) return onnx_refuse(o, n, "puts too much together");
      for (int k = 0; k < own; k++) y.parts[y.n_parts++] = letter == 'D' ? v.parts[k] : list[i];
    }
    if (letter == '1' && (strchr(y.axes, 'D') || o->how->stepwise)) return onnx_refuse(o, n, "puts together along a new axis");
    y.axes[axis] = 'D';
    return onnx_give(o, n, &y);
  }
  /* pixel after pixel: rows follow each other, and so do columns where there is one row */
  if (letter != 'F' && letter != 'H' && !(letter == 'W' && x->h == 1) && !(letter == 'C' && x->h * x->w == 1))
    return onnx_refuse(o, n, "puts together along another axis than the numbers");
  const unroll_status status = join(o, n, list, n->n_in, &y.layer);
  if (letter == 'C') y.c = o->l->list[y.layer].width;
  return status ? status : onnx_give(o, n, &y);
}

/* Zeros, or what stands at the edge: of steps they are only noted, of numbers they are made. */
unroll_status onnx_pad(onnx *o, const onnx_node *n, const onnx_value *x) {
  int64_t given[2 * ONNX_RANK] = {0}, pads[ONNX_RANK][2] = {{0}};
  onnx_value y = *x;
  const int rank = (int)strlen(x->axes);
  const array *list = onnx_constant(o, n, 1), *axes = onnx_constant(o, n, 3), *value = onnx_constant(o, n, 2);
  const int count = axes ? (int)(axes->count <= rank ? axes->count : -1) : rank;
  const bool reflects = onnx_word(n, "mode", "reflect"), repeats = onnx_word(n, "mode", "edge");
  if (onnx_word(n, "mode", "wrap")) return onnx_refuse(o, n, "adds what stands at the other end");
  if (!list || count < 0 || list->count != 2 * count || (value && (value->count != 1 || fabsf(value->x[0]) > 0)))
    return onnx_refuse(o, n, "adds other than constant numbers of zeros");
  for (int i = 0; i < 2 * count; i++) {
    if (!(list->x[i] >= 0 && list->x[i] < 1e6f)) return onnx_refuse(o, n, "takes away what it should add");
    given[i] = (int64_t)list->x[i];
  }
  for (int i = 0; i < count; i++) {
    const int axis = axes ? onnx_axis(x, (int64_t)axes->x[i]) : i;
    if (axis < 0) return onnx_refuse(o, n, "has a bad axis");
    pads[axis][0] = given[i];
    pads[axis][1] = given[count + i];
  }
  for (int i = 0; i < rank; i++) {
    const char letter = x->axes[i];
    const int a = (int)pads[i][0], b = (int)pads[i][1];
    if (!a && !b) continue;
    if (letter == 'T' && !reflects && !repeats) {
      if (y.pad[0] > MOST_WIDTH || y.pad[1] > MOST_WIDTH) return onnx_refuse(o, n, "adds more steps than is understood");
      y.pad[0] += a;
      y.pad[1] += b;
      continue;
    }
    const bool columns = letter == 'W' && y.h == 1;
    if (letter != 'F' && !columns) return onnx_refuse(o, n, "adds to an axis that is not understood");
    unroll_status status = onnx_settle(o, n, &y);
    if (status) return status;
    const int c = columns ? y.c : 1, w = columns ? y.w : o->l->list[y.layer].width, all = a + w + b;
    if ((reflects && (a >= w || b >= w)) || (int64_t)all * c > MOST_WIDTH) return onnx_refuse(o, n, "adds more than there is");
    int *from = arena_alloc(&o->l->memory, (size_t)all * (size_t)c + 1, sizeof *from);
    if (!from) return error_memory(o->err);
    for (int p = 0; p < all; p++) {
      int q = p - a;
      if (reflects) q = q < 0 ? -q : q >= w ? 2 * w - 2 - q : q;
      if (repeats) q = q < 0 ? 0 : q >= w ? w - 1 : q;
      for (int k = 0; k < c; k++) from[p * c + k] = q < 0 || q >= w ? -1 : q * c + k;
    }
    if (columns) y.w = all;
    status = move(o, n, y.layer, from, all * c, &y.layer);
    if (status) return status;
  }
  return onnx_give(o, n, &y);
}
