/* build_picture.c - conv and pool: functions of pictures, which are values that know their channels, rows and columns.
 *
 * A picture is a row of numbers: row after row, in a row column after column, and for each of these positions its channels side by
 * side. Data of the kind image is one; conv and pool make pictures, and everything elementwise keeps them. */
#include "graph/build_internal.h"
#include <string.h>

static bool fits(const int shape[3], int *pixels) {
  return !__builtin_mul_overflow(shape[0], shape[1], pixels) && !__builtin_mul_overflow(*pixels, shape[2], pixels) &&
         *pixels <= MAX_WIDTH;
}

/* The first argument: a picture with at least `size` rows and columns. */
static int picture_argument(builder *b, scope *s, const expr *e, const char *what, int size) {
  const int x = build_value(b, s, e->args[0]);
  if (x == TERM_NONE) return TERM_NONE;
  const int *shape = b->terms[x].shape;
  if (!shape[0])
    return FAIL(b, s, e->args[0]->at, "'%s' takes a picture (data of the kind image, or made of such), and '%s' is none", e->name,
                build_describe(b, e->args[0]));
  if (size <= shape[1] && size <= shape[2]) return x;
  return FAIL(b, s, e->args[e->n_args > 2 ? 2 : 1]->at, "the %s is %d x %d, and '%s' has only %d x %d pixels", what, size, size,
              build_describe(b, e->args[0]), shape[1], shape[2]);
}

/* A term for a picture of this shape. */
static int picture_term(builder *b, scope *s, const expr *e, enum term_kind kind, const int shape[3], const int *args, int n) {
  int pixels = 0;
  if (!fits(shape, &pixels)) return FAIL(b, s, e->at, "this picture is too large: more than %d numbers", MAX_WIDTH);
  const int width = width_known(b, pixels, build_text(b, "%d channels of %d x %d", shape[0], shape[1], shape[2]));
  const int t = width == WIDTH_FREE ? TERM_NONE : term_add(b, s, e, kind, width, args, n);
  if (t != TERM_NONE) memcpy(b->terms[t].shape, shape, sizeof b->terms[t].shape);
  return t;
}

/* pool(x, size): the largest of each channel in squares side by side; rows and columns that fill no square are left out. */
int build_pool(builder *b, scope *s, const expr *e) {
  int size = 0;
  if (!build_args(b, s, e, 2, 2) || !build_integer(b, s, e->args[1], "the size", 1, MAX_SIZE, &size)) return TERM_NONE;
  const int x = picture_argument(b, s, e, "square", size);
  if (x == TERM_NONE) return TERM_NONE;
  const int *of = b->terms[x].shape;
  const patches p = {.rows = of[1], .columns = of[2], .channels = of[0], .size = size};
  const int t = picture_term(b, s, e, TERM_POOL, (const int[]){p.channels, p.rows / size, p.columns / size}, &x, 1);
  if (t != TERM_NONE) b->terms[t].patches = p;
  return t;
}

/* "u.conv" of the equation of u, "u.conv2" if it has another one; "conv" in a line with ~. */
static const char *weight_name(builder *b, const scope *s, const char *what) {
  const char *of = b->running ? b->running->full : s->path;
  for (int number = 1;; number++) {
    const char *name = build_text(b, number == 1 ? "%s%s%s" : "%s%s%s%d", of, *of ? "." : "", what, number);
    bool taken = false;
    for (int i = 0; i < b->n_weights && !taken; i++) taken = !strcmp(b->weights[i].name, name);
    if (!taken || b->status != UNROLL_OK) return name;
  }
}

static int add_weight(builder *b, scope *s, const expr *e, const char *name, bool vector, int rows, int cols) {
  if (rows == WIDTH_FREE || cols == WIDTH_FREE) return -1;
  if (!build_grow(b, (void **)&b->weights, b->n_weights, &b->cap_weights, sizeof *b->weights)) return -1;
  b->weights[b->n_weights] = (weight){.name = name,
                                      .role = vector ? PARAM_BIAS : PARAM_INPUT_MATRIX,
                                      .vector = vector,
                                      .rows = rows,
                                      .cols = cols,
                                      .in = s,
                                      .at = e->at,
                                      .param = -1};
  return b->n_weights++;
}

/* The matrix and the bias, which is args[1]; returns the matrix's number or -1. */
static int conv_weights(builder *b, scope *s, const expr *e, int channels, const patches *p, int args[2]) {
  int columns = 0;
  if (__builtin_mul_overflow(p->size * p->size, p->channels, &columns) || columns > MAX_WIDTH)
    return FAIL(b, s, e->at, "too many weights");
  const int rows = width_known(b, channels, build_text(b, "the channels in line %d", e->at.line));
  const char *name = weight_name(b, s, "conv"), *bias_name = build_text(b, "%s_bias", name);
  const int weights = add_weight(b, s, e, name, false, rows, width_known(b, columns, "size x size x channels"));
  const int bias = weights < 0 ? -1 : add_weight(b, s, e, bias_name, true, rows, rows);
  if (bias < 0 || (args[1] = term_add(b, s, e, TERM_VECTOR, rows, NULL, 0)) == TERM_NONE) return -1;
  b->terms[args[1]].weight = bias;
  return weights;
}

/* conv(x, channels, size) or conv(x, channels, size, valid): `size` may be called kernel. */
int build_conv(builder *b, scope *s, const expr *e) {
  int channels = 0, size = 0, args[2];
  bool valid = false;
  if (e->n_args < 3 || e->n_args > 4)
    return FAIL(b, s, e->at, "'conv' takes a picture, a number of channels and the size of the kernel, as in conv(x, 16, 5)");
  for (int i = 0; i < e->n_args; i++) {
    const char *name = e->arg_names ? e->arg_names[i] : NULL;
    if (name && (i != 2 || strcmp(name, "kernel") != 0)) return FAIL(b, s, e->arg_at[i], "'conv' has no argument '%s'", name);
  }
  if (e->n_args == 4 && !(valid = is_flag(e->args[3]) && !strcmp(e->args[3]->name, "valid")))
    return FAIL(b, s, e->args[3]->at, "expected 'valid': only where the kernel lies inside the picture");
  if (!build_integer(b, s, e->args[1], "the number of channels", 1, MAX_SIZE, &channels) ||
      !build_integer(b, s, e->args[2], "the size of the kernel", 1, 1024, &size))
    return TERM_NONE;
  args[0] = picture_argument(b, s, e, "kernel", size);
  if (args[0] == TERM_NONE) return TERM_NONE;
  const int *of = b->terms[args[0]].shape;
  const patches p = {.rows = of[1], .columns = of[2], .channels = of[0], .size = size, .border = valid ? 0 : size - 1};
  const int weights = conv_weights(b, s, e, channels, &p, args);
  if (weights < 0) return TERM_NONE;
  const int shape[] = {channels, patches_conv(p.rows, &p), patches_conv(p.columns, &p)};
  const int t = picture_term(b, s, e, TERM_CONV, shape, args, 2);
  if (t == TERM_NONE) return TERM_NONE;
  b->terms[t].weight = weights;
  b->terms[t].patches = p;
  return t;
}
