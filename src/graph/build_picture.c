/* build_picture.c - conv, pool, match, blend, across, down and batchnorm: functions of pictures, which are values that know their
 * channels, rows and columns.
 *
 * A picture is one row of numbers. Its rows come one after the other, in each the columns, and at each position its channels
 * side by side. Data of the kind image is one; conv and pool make pictures, and everything elementwise keeps them. */
#include "graph/build_internal.h"
#include <string.h>

bool build_fits(const int shape[3], int *pixels) {
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
  if (!build_fits(shape, &pixels)) return FAIL(b, s, e->at, "this picture is too large: more than %d numbers", MAX_WIDTH);
  const int width = width_known(b, pixels, build_text(b, "%d channels of %d x %d", shape[0], shape[1], shape[2]));
  const int t = width == WIDTH_FREE ? TERM_NONE : term_add(b, s, e, kind, width, args, n);
  if (t != TERM_NONE) memcpy(b->terms[t].shape, shape, sizeof b->terms[t].shape);
  return t;
}

/* The arguments after the third or second, in any order: words, and numbers by name. */
typedef struct further {
  const char *name;
  int least, most, *value; /* a number; NULL: a word */
  bool *flag;
} further;

static bool build_further(builder *b, scope *s, const expr *e, int from, const further *known, const char *expected) {
  for (int i = from; i < e->n_args; i++) {
    const char *name = e->arg_names ? e->arg_names[i] : NULL, *word = !name && is_flag(e->args[i]) ? e->args[i]->name : NULL;
    const further *f = known;
    while (f->name && strcmp(f->name, name ? name : word ? word : "") != 0) f++;
    if (name && (!f->name || !f->value)) return FAIL(b, s, e->arg_at[i], "'%s' has no argument '%s'", e->name, name), false;
    if (!name && (!f->name || f->value)) return FAIL(b, s, e->args[i]->at, "expected %s", expected), false;
    if (f->value && !build_integer(b, s, e->args[i], build_text(b, "'%s'", f->name), f->least, f->most, f->value)) return false;
    if (f->flag) *f->flag = true;
  }
  return true;
}

/* pool(x, size), pool(x, size, mean, stride = 2): the largest of each channel in squares, or their mean. Rows and columns that
 * fill no square are left out. */
int build_pool(builder *b, scope *s, const expr *e) {
  int size = 0, stride = 0;
  bool mean = false;
  const further known[] = {{"stride", 1, 1024, &stride, NULL}, {"mean", 0, 0, NULL, &mean}, {0}};
  if (e->n_args < 2 || e->n_args > 4) return FAIL(b, s, e->at, "'pool' takes 2 to 4 arguments, not %d", e->n_args);
  for (int i = 0; i < 2; i++)
    if (e->arg_names && e->arg_names[i])
      return FAIL(b, s, e->arg_at[i], "'pool' has no argument '%s' in this place", e->arg_names[i]);
  if (!build_integer(b, s, e->args[1], "the size", 1, MAX_SIZE, &size) ||
      !build_further(b, s, e, 2, known, "'mean', or stride = and a number"))
    return TERM_NONE;
  const int x = picture_argument(b, s, e, "square", size);
  if (x == TERM_NONE) return TERM_NONE;
  const int *of = b->terms[x].shape;
  const patches p = {
      .rows = of[1], .columns = of[2], .channels = of[0], .size = size, .stride = stride ? stride : size, .groups = 1};
  const int shape[] = {p.channels, patches_along(p.rows, &p), patches_along(p.columns, &p)};
  const int t = picture_term(b, s, e, TERM_POOL, shape, &x, 1);
  if (t == TERM_NONE) return TERM_NONE;
  b->terms[t].patches = p;
  b->terms[t].value = mean;
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
  if (__builtin_mul_overflow(p->size * p->size, p->channels / p->groups, &columns) || columns > MAX_WIDTH)
    return FAIL(b, s, e->at, "too many weights");
  const int rows = width_known(b, channels, build_text(b, "the channels in line %d", e->at.line));
  const char *name = weight_name(b, s, "conv"), *bias_name = build_text(b, "%s_bias", name);
  const int weights = add_weight(b, s, e, name, false, rows, width_known(b, columns, "size x size x channels"));
  const int bias = weights < 0 ? -1 : add_weight(b, s, e, bias_name, true, rows, rows);
  if (bias < 0 || (args[1] = term_add(b, s, e, TERM_VECTOR, rows, NULL, 0)) == TERM_NONE) return -1;
  b->terms[args[1]].weight = bias;
  return weights;
}

/* The arguments of conv but the picture: channels, and what is in `p` beside the picture's own sizes. */
static bool conv_arguments(builder *b, scope *s, const expr *e, int *channels, patches *p) {
  int pad = -1;
  bool valid = false;
  const further known[] = {{"stride", 1, 1024, &p->stride, NULL},
                           {"pad", 0, 1023, &pad, NULL},
                           {"groups", 1, MAX_SIZE, &p->groups, NULL},
                           {"valid", 0, 0, NULL, &valid},
                           {0}};
  if (e->n_args < 3 || e->n_args > 7)
    return FAIL(b, s, e->at, "'conv' takes a picture, a number of channels and the size of the kernel, as in conv(x, 16, 5)"),
           false;
  for (int i = 0; i < 3; i++) {
    const char *name = e->arg_names ? e->arg_names[i] : NULL;
    if (name && (i != 2 || strcmp(name, "kernel") != 0))
      return FAIL(b, s, e->arg_at[i], "'conv' has no argument '%s'%s", name, i == 2 ? "" : " in this place"), false;
  }
  if (!build_integer(b, s, e->args[1], "the number of channels", 1, MAX_SIZE, channels) ||
      !build_integer(b, s, e->args[2], "the size of the kernel", 1, 1024, &p->size) ||
      !build_further(b, s, e, 3, known, "'valid': only where the kernel lies inside the picture; or stride =, pad =, groups ="))
    return false;
  if (valid && pad > 0)
    return FAIL(b, s, e->at, "'valid' is without zeros around the picture, and pad = %d is with them", pad), false;
  if (pad >= p->size) return FAIL(b, s, e->at, "pad = %d is not less than the size of the kernel, %d", pad, p->size), false;
  p->border = pad >= 0 ? 2 * pad : valid ? 0 : p->size - 1;
  return true;
}

/* conv(x, channels, size), with valid, stride =, pad = and groups = behind; `size` may be called kernel. */
int build_conv(builder *b, scope *s, const expr *e) {
  int channels = 0, args[2];
  patches p = {.stride = 1, .groups = 1};
  if (!conv_arguments(b, s, e, &channels, &p)) return TERM_NONE;
  args[0] = picture_argument(b, s, e, "kernel", p.size);
  if (args[0] == TERM_NONE) return TERM_NONE;
  const int *of = b->terms[args[0]].shape;
  p.channels = of[0];
  p.rows = of[1];
  p.columns = of[2];
  if (p.channels % p.groups || channels % p.groups)
    return FAIL(b, s, e->at, "%d groups do not divide %d channels into %d", p.groups, p.channels, channels);
  const int weights = conv_weights(b, s, e, channels, &p, args);
  if (weights < 0) return TERM_NONE;
  const int shape[] = {channels, patches_along(p.rows, &p), patches_along(p.columns, &p)};
  const int t = picture_term(b, s, e, TERM_CONV, shape, args, 2);
  if (t == TERM_NONE) return TERM_NONE;
  b->terms[t].weight = weights;
  b->terms[t].patches = p;
  return t;
}

/* match(q, x): at each position of the picture x its channels times q, a picture of one channel. blend(w, x): the sum of the
 * positions by the weights w, a number for each channel. */
int build_positions(builder *b, scope *s, const expr *e, enum op op) {
  const bool match = op == OP_MATCH;
  if (!build_args(b, s, e, 2, 2)) return TERM_NONE;
  int args[] = {build_value(b, s, e->args[0]), TERM_NONE};
  if (args[0] != TERM_NONE) args[1] = build_value(b, s, e->args[1]);
  if (args[1] == TERM_NONE) return TERM_NONE;
  int shape[3];
  memcpy(shape, b->terms[args[1]].shape, sizeof shape);
  const int positions = shape[1] * shape[2], wanted = match ? shape[0] : positions;
  if (!shape[0])
    return FAIL(b, s, e->args[1]->at,
                "'%s' takes a picture as its second argument (data of the kind image, or made of such), and "
                "'%s' is none",
                e->name, build_describe(b, e->args[1]));
  const int first = b->terms[args[0]].width; /* free: a number, the same for all */
  const char *why = build_text(b, "the %s of '%s'", match ? "channels" : "positions", build_describe(b, e->args[1]));
  if (first != WIDTH_FREE && !width_unify(b, first, width_known(b, wanted, why)))
    return FAIL(b, s, e->args[0]->at, "'%s' is %d wide (%s), and '%s' has %d %s", build_describe(b, e->args[0]),
                width_value(b, first), width_why(b, first), build_describe(b, e->args[1]), wanted,
                match ? "channels" : "positions");
  const int map[] = {1, shape[1], shape[2]};
  const int t = match ? picture_term(b, s, e, TERM_POSITIONS, map, args, 2)
                      : term_add(b, s, e, TERM_POSITIONS, width_known(b, shape[0], why), args, 2);
  if (t != TERM_NONE) b->terms[t].op = op;
  return t;
}

/* A vector of the channels: its term. */
static int channel_vector(builder *b, scope *s, const expr *e, const char *name, int rows, double init) {
  const int w = add_weight(b, s, e, name, true, rows, rows), t = w < 0 ? TERM_NONE : term_add(b, s, e, TERM_VECTOR, rows, NULL, 0);
  if (t == TERM_NONE) return TERM_NONE;
  b->terms[t].weight = w;
  b->weights[w].init = INIT_NUMBER;
  b->weights[w].init_value = init;
  return t;
}

/* across(x), down(x): where the positions of a picture lie, as shares of its width and height: a map that no training moves. */
int build_places(builder *b, scope *s, const expr *e, enum init_kind kind) {
  if (!build_args(b, s, e, 1, 1)) return TERM_NONE;
  const int x = picture_argument(b, s, e, "picture", 1);
  if (x == TERM_NONE) return TERM_NONE;
  const int map[] = {1, b->terms[x].shape[1], b->terms[x].shape[2]};
  const int rows = width_known(b, map[1] * map[2], build_text(b, "the positions of '%s'", build_describe(b, e->args[0])));
  const int v = rows == WIDTH_FREE ? TERM_NONE : channel_vector(b, s, e, weight_name(b, s, e->name), rows, map[2]);
  if (v == TERM_NONE) return TERM_NONE;
  b->weights[b->n_weights - 1].role = PARAM_PLACE;
  b->weights[b->n_weights - 1].init = kind;
  const int t = term_unary(b, s, e, OP_HOLD, v);
  if (t != TERM_NONE) memcpy(b->terms[t].shape, map, sizeof map);
  return t;
}

/* batchnorm(x), batchnorm(x, epsilon = 0.001): of the channels of a picture, or of each number of any other row. */
int build_batchnorm(builder *b, scope *s, const expr *e) {
  double epsilon = 1e-5;
  const bool named = e->n_args == 2 && e->arg_names && e->arg_names[1] && !strcmp(e->arg_names[1], "epsilon");
  if (e->n_args < 1 || e->n_args > 2 || (e->n_args == 2 && !named))
    return FAIL(b, s, e->at, "'batchnorm' takes a value, and epsilon = where that is not 0.00001");
  if (named && !(build_number(b, s, e->args[1], &epsilon) && epsilon > 0 && epsilon <= 1))
    return FAIL(b, s, e->args[1]->at, "epsilon must be a number above 0 and up to 1");
  int args[3] = {build_value(b, s, e->args[0])};
  if (args[0] == TERM_NONE) return TERM_NONE;
  if (b->terms[args[0]].width == WIDTH_FREE) return FAIL(b, s, e->at, "a number has no channels");
  int shape[3];
  memcpy(shape, b->terms[args[0]].shape, sizeof shape);
  const int rows =
      shape[0] ? width_known(b, shape[0], build_text(b, "the channels in line %d", e->at.line)) : b->terms[args[0]].width;
  const char *name = weight_name(b, s, "batchnorm");
  if (rows == WIDTH_FREE || (args[1] = channel_vector(b, s, e, name, rows, 1)) == TERM_NONE ||
      (args[2] = channel_vector(b, s, e, build_text(b, "%s_bias", name), rows, 0)) == TERM_NONE)
    return TERM_NONE;
  const int running = b->n_weights;
  for (int k = 0; k < 2; k++) {
    const int w = add_weight(b, s, e, build_text(b, "%s_%s", name, k ? "variance" : "mean"), true, rows, rows);
    if (w < 0) return TERM_NONE;
    b->weights[w].role = PARAM_RUNNING;
    b->weights[w].init = INIT_NUMBER;
    b->weights[w].init_value = k;
  }
  const int t = term_add(b, s, e, TERM_BATCHNORM, b->terms[args[0]].width, args, 3);
  if (t == TERM_NONE) return TERM_NONE;
  memcpy(b->terms[t].shape, shape, sizeof shape);
  b->terms[t].weight = running;
  b->terms[t].value = epsilon;
  b->terms[t].patches = (patches){.channels = shape[0], .rows = shape[1], .columns = shape[2], .size = 1, .stride = 1, .groups = 1};
  return t;
}
