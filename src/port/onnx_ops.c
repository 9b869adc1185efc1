/* onnx_ops.c - an operator of the graph becomes nodes of ONNX: a row each, as in ops.def. */
#include <ctype.h>
#include <string.h>
#include "base/error.h"
#include "port/forms.h"
#include "port/onnx_write.h"

static const node *at(const onnx_export *o, int x) { return &o->g->nodes[x]; }
static const char *called(const onnx_export *o, int x) { return at(o, x)->name; }
/* Rows and columns of what has all axes of its node, where it is written. */
static int rank_of(const onnx_export *o, int x) {
  const enum space space = at(o, x)->space;
  return space == SPACE_PARAM ? 0 : space == SPACE_STEP && o->block < 0 ? 2 : 1;
}
static void set_full(onnx_export *o, int x, const char *name) { ox_set(o, x, name, rank_of(o, x), at(o, x)->width); }
static text *int_attribute(text *a, const char *name, int64_t x) {
  ox_put_int(a, name, x);
  return a;
}

/* --- on single numbers: the row of forms.c, read --- */

typedef struct form_reader {
  onnx_export *o;
  const char *at, *x, *y, *wanted;
} form_reader;

static const char *read_form(form_reader *r, const char *wanted) {
  char word[32];
  size_t n = 0;
  while (*r->at == ' ' || *r->at == ',') r->at++;
  if (isdigit((unsigned char)*r->at)) {
    double value = 0;
    while (isdigit((unsigned char)r->at[n]) || r->at[n] == '.') n++;
    text_number(r->at, n, &value);
    r->at += n;
    return ox_number(r->o, value);
  }
  while (isalnum((unsigned char)*r->at) && n + 1 < sizeof word) word[n++] = *r->at++;
  word[n] = 0;
  if (*r->at != '(') return *word == 'y' ? r->y : r->x;
  const char *in[4] = {NULL};
  r->at++;
  for (n = 0; *r->at != ')' && n < 3; n++) in[n] = read_form(r, NULL);
  r->at++;
  text a = {0};
  if (strcmp(word, "float") != 0) return ox_add(r->o, word, wanted, NULL, in);
  return ox_add(r->o, "Cast", wanted, int_attribute(&a, "to", ONNX_FLOAT), in);
}

static const char *form(onnx_export *o, int x, const char *a, const char *b) {
  form_reader r = {.o = o, .at = port_forms[at(o, x)->op].onnx, .x = a, .y = b};
  return read_form(&r, called(o, x));
}

static void write_elementwise(onnx_export *o, int x) {
  const node *n = at(o, x);
  const onnx_picture *p = graph_ops[n->op].inputs == 1 ? ox_only_picture(o, n->in[0]) : NULL;
  if (p) {
    const onnx_picture shape = *p;
    ox_set_picture(o, x, form(o, x, p->name, NULL), shape.channels, shape.rows, shape.columns);
    return;
  }
  const onnx_value a = ox_see(o, n->in[0]), b = graph_ops[n->op].inputs == 2 ? ox_see(o, n->in[1]) : a;
  ox_set(o, x, form(o, x, a.name, b.name), a.rank > b.rank ? a.rank : b.rank, a.columns > b.columns ? a.columns : b.columns);
}

/* --- leaves --- */

static void write_const(onnx_export *o, int x) { ox_set(o, x, ox_number(o, at(o, x)->value), 0, 1); }
static void write_setting(onnx_export *o, int x) { ox_set(o, x, ox_number(o, o->g->varying[at(o, x)->slot]), 0, 1); }
static void write_mask(onnx_export *o, int x) { ox_set(o, x, ox_number(o, 1), 0, 1); }

static void write_vector(onnx_export *o, int x) {
  const param *p = &o->g->params[at(o, x)->param];
  const int64_t shape[] = {p->rows};
  ox_set(o, x, ox_floats(o, p->name, shape, 1, o->m->weights + p->offset), 0, p->rows);
}

static void write_length(onnx_export *o, int x) {
  text a = {0};
  const char *n = ONNX(o, "Cast", "length", int_attribute(&a, "to", ONNX_FLOAT), ox_steps(o, at(o, x)->axis));
  ox_set(o, x, n, 0, 1);
}

/* --- products --- */

/* [in, out]: what a row is multiplied by. */
static const char *matrix(onnx_export *o, const node *n, int K) {
  const param *p = &o->g->params[n->param];
  const int N = n->width;
  float *w = mem_alloc(((size_t)K * (size_t)N + 1) * sizeof *w);
  if (!w) return ox_fail_memory(o), "";
  for (int k = 0; k < K; k++)
    for (int j = 0; j < N; j++)
      w[(size_t)k * (size_t)N + (size_t)j] =
          o->m->weights[p->offset + (n->op == OP_MATVEC ? (int64_t)j * p->cols + n->c0 + k : (int64_t)k * p->cols + n->c0 + j)];
  const int64_t shape[] = {K, N};
  const char *name = ox_floats(o, p->name, shape, 2, w);
  mem_free(w);
  return name;
}

static void write_product(onnx_export *o, int x) {
  const node *n = at(o, x);
  const char *in = ox_wide(o, n->in[0]);
  const int rank = ox_see(o, n->in[0]).rank, block = ox_leave(o);
  const char *w = matrix(o, n, at(o, n->in[0])->width);
  ox_return(o, block);
  ox_set(o, x, ONNX(o, "MatMul", called(o, x), NULL, in, w), rank, n->width);
}

/* The table has a row of zeros in the end, which the index -1 means. */
static void write_embed(onnx_export *o, int x) {
  const node *n = at(o, x);
  const param *p = &o->g->params[n->param];
  const size_t count = (size_t)p->rows * (size_t)p->cols;
  float *w = mem_zero(count + (size_t)p->cols, sizeof *w);
  if (!w) {
    ox_fail_memory(o);
    return;
  }
  memcpy(w, o->m->weights + p->offset, count * sizeof *w);
  const int64_t shape[] = {p->rows + 1, p->cols};
  const char *rows_of = ox_floats(o, p->name, shape, 2, w);
  mem_free(w);
  set_full(o, x, ONNX(o, "Gather", called(o, x), NULL, rows_of, o->given[n->slot]));
}

/* --- width --- */

static void write_concat(onnx_export *o, int x) {
  const node *n = at(o, x);
  text a = {0};
  const char *left = ox_full(o, n->in[0], n->space, n->axis), *right = ox_full(o, n->in[1], n->space, n->axis);
  set_full(o, x, ONNX(o, "Concat", called(o, x), int_attribute(&a, "axis", -1), left, right));
}

static const char *columns(onnx_export *o, const char *x, const char *wanted, int from, int to) {
  const int64_t start[] = {from}, end[] = {to}, axis[] = {-1};
  return ONNX(o, "Slice", wanted, NULL, x, ox_wholes(o, start, 1), ox_wholes(o, end, 1), ox_wholes(o, axis, 1));
}

static void write_slice(onnx_export *o, int x) {
  const node *n = at(o, x);
  const onnx_value v = ox_see(o, n->in[0]);
  if (v.columns == 1 && at(o, n->in[0])->width > 1)
    ox_set(o, x, v.name, v.rank, 1);
  else
    ox_set(o, x, columns(o, v.name, called(o, x), n->c0, n->c0 + n->width), v.rank, n->width);
}

static void write_pad(onnx_export *o, int x) {
  const node *n = at(o, x);
  const int K = at(o, n->in[0])->width;
  const char *in = ox_full(o, n->in[0], n->space, n->axis);
  int64_t pads[6] = {0};
  const int rank = rank_of(o, x);
  pads[rank] = n->c0;
  pads[2 * rank + 1] = n->width - K - n->c0;
  set_full(o, x, ONNX(o, "Pad", called(o, x), NULL, in, ox_wholes(o, pads, 2 * (rank + 1))));
}

/* From a row comes one number. */
static void write_row_sum(onnx_export *o, int x) {
  static const int64_t axis[] = {-1};
  const int in = at(o, x)->in[0];
  const char *row = ox_wide(o, in);
  ox_set(o, x, ONNX(o, "ReduceSum", called(o, x), NULL, row, ox_wholes(o, axis, 1)), ox_see(o, in).rank, 1);
}

static void write_log_sum_exp(onnx_export *o, int x) {
  static const int64_t axis[] = {-1};
  const int in = at(o, x)->in[0];
  const char *row = ox_wide(o, in);
  text a = {0};
  ox_put_ints(&a, "axes", axis, 1);
  ox_set(o, x, ONNX(o, "ReduceLogSumExp", called(o, x), &a, row), ox_see(o, in).rank, 1);
}

static void write_same(onnx_export *o, int x) {
  const onnx_value v = ox_see(o, at(o, x)->in[0]);
  ox_set(o, x, v.name, v.rank, v.columns);
}

static void write_softmax(onnx_export *o, int x) {
  const int in = at(o, x)->in[0];
  text a = {0};
  const char *row = graph_steps_axis(at(o, in)->width) < 0 ? ox_wide(o, in) : ox_see(o, in).name;
  ox_set(o, x, ONNX(o, "Softmax", called(o, x), int_attribute(&a, "axis", -1), row), ox_see(o, in).rank, at(o, x)->width);
}

/* --- norms --- */

static void write_layernorm_scale(onnx_export *o, int x) {
  static const int64_t axis[] = {-1};
  const int in = at(o, x)->in[0];
  const char *row = ox_wide(o, in);
  text a = {0}, b = {0};
  ox_put_ints(&a, "axes", axis, 1);
  ox_put_ints(&b, "axes", axis, 1);
  const char *away = ONNX(o, "Sub", NULL, NULL, row, ONNX(o, "ReduceMean", NULL, &a, row));
  const char *variance = ONNX(o, "ReduceMean", NULL, &b, ONNX(o, "Mul", NULL, NULL, away, away));
  const char *root = ONNX(o, "Sqrt", NULL, NULL, ONNX(o, "Add", NULL, NULL, variance, ox_number(o, 1e-5)));
  ox_set(o, x, ONNX(o, "Reciprocal", called(o, x), NULL, root), ox_see(o, in).rank, 1);
}

static void write_layernorm(onnx_export *o, int x) {
  const int in = at(o, x)->in[0], width = at(o, x)->width;
  const char *row = ox_wide(o, in);
  const int64_t size[] = {width};
  float *ones = mem_alloc((size_t)width * sizeof *ones);
  if (!ones) {
    ox_fail_memory(o);
    return;
  }
  for (int i = 0; i < width; i++) ones[i] = 1;
  text a = {0};
  ox_put_float(&a, "epsilon", 1e-5);
  const char *gain = ox_floats(o, "ones", size, 1, ones);
  mem_free(ones);
  ox_set(o, x, ONNX(o, "LayerNormalization", called(o, x), int_attribute(&a, "axis", -1), row, gain), ox_see(o, in).rank, width);
}

static void write_nothing(onnx_export *o, int x) { (void)o, (void)x; }

/* By mean and variance of training. */
static void write_batchnorm(onnx_export *o, int x) {
  static const int64_t merge[] = {-1, 0};
  const node *n = at(o, x);
  const patches *p = &n->patches;
  const param *mean = &o->g->params[at(o, n->in[1])->param], *variance = mean + 1;
  const int64_t size[] = {p->channels};
  const bool square = n->width > p->channels;
  const int rank = rank_of(o, x);
  const char *gain = ox_wide(o, n->in[2]), *bias = ox_wide(o, n->in[3]);
  const char *m = ox_floats(o, mean->name, size, 1, o->m->weights + mean->offset);
  const char *v = ox_floats(o, variance->name, size, 1, o->m->weights + variance->offset);
  const char *in = square ? ox_picture_of(o, n->in[0], p) : ox_full(o, n->in[0], n->space, n->axis);
  const int64_t rows[] = {merge[0], p->channels};
  text a = {0};
  ox_put_float(&a, "epsilon", n->value);
  const char *flat = square || rank < 2 ? in : ONNX(o, "Reshape", NULL, NULL, in, ox_wholes(o, rows, 2));
  const char *y = ONNX(o, "BatchNormalization", called(o, x), &a, flat, gain, bias, m, v);
  if (square)
    ox_set_picture(o, x, y, p->channels, p->rows, p->columns);
  else
    set_full(o, x, rank < 2 ? y : ONNX(o, "Reshape", NULL, NULL, y, ONNX(o, "Shape", NULL, NULL, in)));
}

/* --- pictures --- */

static void write_conv(onnx_export *o, int x) {
  const node *n = at(o, x);
  const patches *p = &n->patches;
  const param *w = &o->g->params[n->param];
  const int S = p->size, C = p->channels / p->groups, front = p->border / 2;
  const int64_t shape[] = {w->rows, C, S, S}, pads[] = {front, front, p->border - front, p->border - front};
  const int64_t strides[] = {p->stride, p->stride}, kernel[] = {S, S};
  float *turned = mem_alloc(((size_t)w->rows * (size_t)w->cols + 1) * sizeof *turned), *to = turned;
  if (!turned) {
    ox_fail_memory(o);
    return;
  }
  for (int k = 0; k < w->rows; k++)
    for (int c = 0; c < C; c++)
      for (int i = 0; i < S * S; i++) *to++ = o->m->weights[w->offset + (int64_t)k * w->cols + (int64_t)i * C + c];
  const char *name = ox_floats(o, w->name, shape, 4, turned);
  mem_free(turned);
  text a = {0};
  ox_put_ints(&a, "kernel_shape", kernel, 2);
  ox_put_ints(&a, "pads", pads, 4);
  ox_put_ints(&a, "strides", strides, 2);
  ox_put_int(&a, "group", p->groups);
  const char *in = ox_picture_of(o, n->in[0], p), *bias;
  if (at(o, n->in[1])->width == w->rows)
    bias = ox_wide(o, n->in[1]);
  else
    bias = ONNX(o, "Expand", NULL, NULL, ox_see(o, n->in[1]).name, ox_wholes(o, &(const int64_t){w->rows}, 1));
  ox_set_picture(o, x, ONNX(o, "Conv", called(o, x), &a, in, name, bias), w->rows, patches_along(p->rows, p),
                 patches_along(p->columns, p));
}

static void write_pool(onnx_export *o, int x) {
  const node *n = at(o, x);
  const patches *p = &n->patches;
  const int front = p->border / 2;
  const int64_t strides[] = {p->stride, p->stride}, kernel[] = {p->size, p->size};
  const int64_t pads[] = {front, front, p->border - front, p->border - front};
  text a = {0};
  ox_put_ints(&a, "kernel_shape", kernel, 2);
  ox_put_ints(&a, "pads", pads, 4);
  ox_put_ints(&a, "strides", strides, 2);
  const char *in = ox_picture_of(o, n->in[0], p);
  ox_set_picture(o, x, ONNX(o, n->op == OP_POOL ? "MaxPool" : "AveragePool", called(o, x), &a, in), p->channels,
                 patches_along(p->rows, p), patches_along(p->columns, p));
}

/* x as rows of positions, [.., positions, channels]. */
static const char *positions(onnx_export *o, int x, enum space space, int axis, int channels) {
  const int64_t shape[] = {0, 0, at(o, x)->width / channels, channels};
  const char *in = ox_full(o, x, space, axis);
  return space == SPACE_STEP && o->block < 0 ? ONNX(o, "Reshape", NULL, NULL, in, ox_wholes(o, shape, 4))
                                             : ONNX(o, "Reshape", NULL, NULL, in, ox_wholes(o, shape + 1, 3));
}

/* match and blend: of two operands, one has all channels or positions, the other all of both. */
static void write_over_positions(onnx_export *o, int x) {
  const node *n = at(o, x);
  const bool match = n->op == OP_MATCH, steps = n->space == SPACE_STEP && o->block < 0;
  const int channels = match ? at(o, n->in[0])->width : n->width;
  const char *in = ox_full(o, n->in[0], n->space, n->axis), *all = positions(o, n->in[1], n->space, n->axis, channels);
  text a = {0};
  ox_put_string(&a, "equation", match ? (steps ? "tnc,tnpc->tnp" : "nc,npc->np") : (steps ? "tnp,tnpc->tnc" : "np,npc->nc"));
  set_full(o, x, ONNX(o, "Einsum", called(o, x), &a, in, all));
}

/* --- time --- */

static void write_reverse(onnx_export *o, int x) {
  static const int64_t start[] = {-1}, end[] = {INT64_MIN + 1}, axis[] = {0}, step[] = {-1};
  const node *n = at(o, x);
  const char *in = ox_full(o, n->in[0], SPACE_STEP, n->axis);
  set_full(o, x,
           ONNX(o, "Slice", called(o, x), NULL, in, ox_wholes(o, start, 1), ox_wholes(o, end, 1), ox_wholes(o, axis, 1),
                ox_wholes(o, step, 1)));
}

static void write_edge(onnx_export *o, int x) {
  const node *n = at(o, x);
  if (o->ends[n->in[0]] && port_flow_is_end(&o->f, x)) {
    set_full(o, x, o->ends[n->in[0]]);
    return;
  }
  const onnx_value v = ox_see(o, n->in[0]);
  if (v.rank < 2) {
    ox_set(o, x, v.name, v.rank, v.columns);
    return;
  }
  const int64_t place = n->dir > 0 ? 0 : -1, axis[] = {0};
  text a = {0};
  ox_put_int(&a, "axis", 0);
  const char *one = ONNX(o, "Gather", NULL, &a, v.name, ox_wholes(o, &place, 1));
  ox_set(o, x, ONNX(o, "Squeeze", called(o, x), NULL, one, ox_wholes(o, axis, 1)), 1, v.columns);
}

static void write_over_time(onnx_export *o, int x) {
  static const int64_t axis[] = {0};
  const node *n = at(o, x);
  const char *in = ox_full(o, n->in[0], SPACE_STEP, n->axis);
  text a = {0};
  ox_put_int(&a, "keepdims", 0);
  if (n->op == OP_MAX_TIME) ox_put_ints(&a, "axes", axis, 1);
  set_full(o, x,
           n->op == OP_MAX_TIME ? ONNX(o, "ReduceMax", called(o, x), &a, in)
                                : ONNX(o, "ReduceSum", called(o, x), &a, in, ox_wholes(o, axis, 1)));
}

/* --- attention --- */

static void write_attention(onnx_export *o, int x) {
  const node *n = at(o, x);
  const bool steps = n->space == SPACE_STEP && o->block < 0, dots = n->op == OP_DOTS;
  const char *in = ox_full(o, n->in[0], n->space, n->axis), *all = ox_whole(o, n->in[1]);
  text a = {0};
  ox_put_string(&a, "equation", dots ? (steps ? "tnw,snw->tns" : "nw,snw->ns") : (steps ? "tns,snw->tnw" : "ns,snw->nw"));
  set_full(o, x, ONNX(o, "Einsum", called(o, x), &a, in, all));
}

static void write_additive(onnx_export *o, int x) {
  const node *n = at(o, x);
  const bool steps = n->space == SPACE_STEP && o->block < 0;
  const int64_t axis[] = {1};
  const char *in = ox_full(o, n->in[0], n->space, n->axis), *all = ox_whole(o, n->in[1]), *v = ox_wide(o, n->in[2]);
  if (steps) in = ONNX(o, "Unsqueeze", NULL, NULL, in, ox_wholes(o, axis, 1));
  text a = {0};
  ox_put_string(&a, "equation", steps ? "tsnw,w->tns" : "snw,w->ns");
  const char *bent = ONNX(o, "Tanh", NULL, NULL, ONNX(o, "Add", NULL, NULL, in, all));
  set_full(o, x, ONNX(o, "Einsum", called(o, x), &a, bent, v));
}

/* --- the table: what is no row here or in forms.c cannot be written --- */

typedef void write_row(onnx_export *o, int x);
static write_row *const rows[OP_COUNT] = {
    [OP_CONST] = write_const,
    [OP_SETTING] = write_setting,
    [OP_VECTOR] = write_vector,
    [OP_MASK] = write_mask,
    [OP_INPUT] = write_nothing,
    [OP_CARRY] = write_nothing,
    [OP_MATVEC] = write_product,
    [OP_MATVEC_T] = write_product,
    [OP_CONV] = write_conv,
    [OP_POOL] = write_pool,
    [OP_POOL_MEAN] = write_pool,
    [OP_MATCH] = write_over_positions,
    [OP_BLEND] = write_over_positions,
    [OP_BATCH_STATS] = write_nothing,
    [OP_BATCHNORM] = write_batchnorm,
    [OP_EMBED] = write_embed,
    [OP_CONCAT] = write_concat,
    [OP_SLICE] = write_slice,
    [OP_PAD] = write_pad,
    [OP_ROW_SUM] = write_row_sum,
    [OP_LOG_SUM_EXP] = write_log_sum_exp,
    [OP_REPEAT] = write_same,
    [OP_SOFTMAX] = write_softmax,
    [OP_LAYERNORM_SCALE] = write_layernorm_scale,
    [OP_LAYERNORM] = write_layernorm,
    [OP_SHIFT] = ox_write_shift,
    [OP_REVERSE] = write_reverse,
    [OP_EDGE] = write_edge,
    [OP_SPREAD] = write_same,
    [OP_SUM_TIME] = write_over_time,
    [OP_LENGTH] = write_length,
    [OP_MAX_TIME] = write_over_time,
    [OP_HOLD] = write_same,
    [OP_DOTS] = write_attention,
    [OP_MIX] = write_attention,
    [OP_ADDITIVE] = write_additive,
};

bool ox_knows(enum op op) { return rows[op] || port_forms[op].onnx; }

void ox_write_node(onnx_export *o, int x) {
  const int plain = port_flow_plain(o->g, x);
  if (o->status) return;
  if (plain != x) {
    const onnx_picture *p = ox_only_picture(o, plain);
    if (p) {
      ox_set_picture(o, x, p->name, p->channels, p->rows, p->columns);
      return;
    }
    const onnx_value v = ox_see(o, plain);
    ox_set(o, x, v.name, v.rank, v.columns);
  } else if (rows[at(o, x)->op])
    rows[at(o, x)->op](o, x);
  else
    write_elementwise(o, x);
}
