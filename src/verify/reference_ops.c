/* reference_ops.c - every operator in double precision, as plainly as possible. Each has one function, named after it, so that
 * a row of ops.def without one does not compile. */
#include <math.h>
#include <string.h>
#include "base/special.h"
#include "run/mask.h"
#include "verify/reference_internal.h"
#include "verify/reference_picture.h"

/* How many columns of a row count: fewer than there are where a column is a step and the sequence is shorter than others. */
static int columns_of(const eval *e, const node *n, int64_t row, int t);

/* --- elementwise --- */

static double f_NEG(double x) { return -x; }
static double f_SIGMOID(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }
static double f_TANH(double x) { return tanh(x); }
static double f_RELU(double x) { return x > 0 ? x : 0; }
static double f_STEP(double x) { return x > 0; }
static double f_EXP(double x) { return exp(x); }
static double f_LOG(double x) { return log(x); }
static double f_SOFTPLUS(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }
static double f_ABS(double x) { return fabs(x); }
static double f_SIGN(double x) { return (x > 0) - (x < 0); }
static double f_SQRT(double x) { return sqrt(x); }
static double f_SQUARE(double x) { return x * x; }
static double f_HARD_SIGMOID(double x) { return fmax(0, fmin(1, 0.2 * x + 0.5)); }
static double f_NORMAL_CDF(double x) { return 0.5 * erfc(-x * sqrt(0.5)); }
static double f_GELU(double x) { return x * f_NORMAL_CDF(x); }
static double f_SIN(double x) { return sin(x); }
static double f_COS(double x) { return cos(x); }
static double f_ADD(double a, double b) { return a + b; }
static double f_SUB(double a, double b) { return a - b; }
static double f_MUL(double a, double b) { return a * b; }
static double f_DIV(double a, double b) { return a / b; }
static double f_MIN(double a, double b) { return b < a ? b : a; }
static double f_MAX(double a, double b) { return a < b ? b : a; }
static double f_LESS(double a, double b) { return a < b; }
static double f_LGAMMA(double x) { return special_lgamma(x); }
static double f_DIGAMMA(double x) { return special_digamma(x); }
static double f_LOG1P_SQUARE(double x) { return fabs(x) > 1e100 ? 2 * log(fabs(x)) : log1p(x * x); }
static double f_LOG_BEND(double x) { return special_log_bend(x); }
static double f_HOLD(double x) { return x; }
static double f_LBETA(double a, double b) { return special_lbeta(a, b); }
static double f_DIGAMMA_RISE(double a, double b) { return special_digamma_rise(a, b); }

#define UNARY(name, text, dx, y)                                                                                                   \
  static void eval_##name(const eval *e, const node *n, rows *q) {                                                                 \
    EACH_ROW(i, q) EACH_COLUMN(j, n) Y(i, j) = f_##name(at(e, n, 0, i, j));                                                        \
  }
#define BINARY(name, text, da, db, y)                                                                                              \
  static void eval_##name(const eval *e, const node *n, rows *q) {                                                                 \
    EACH_ROW(i, q) EACH_COLUMN(j, n) Y(i, j) = f_##name(at(e, n, 0, i, j), at(e, n, 1, i, j));                                     \
  }
#define OTHER(name, text, inputs, back, form)
#include "graph/ops.def"
#undef UNARY
#undef BINARY
#undef OTHER

/* --- leaves --- */

static void eval_CONST(const eval *e, const node *n, rows *q) {
  (void)e;
  EACH_ROW(i, q) EACH_COLUMN(j, n) Y(i, j) = n->value;
}

static void eval_SETTING(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q) EACH_COLUMN(j, n) Y(i, j) = e->g->varying[n->slot];
}

static void eval_VECTOR(const eval *e, const node *n, rows *q) { EACH_ROW(i, q) EACH_COLUMN(j, n) Y(i, j) = weights_of(e, n)[j]; }

static void eval_INPUT(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q) EACH_COLUMN(j, n) {
    const int64_t k = i * n->width + j;
    Y(i, j) = e->numbers ? e->numbers[n->slot][k] : (double)e->b->number[n->slot][k];
  }
}

static void eval_CARRY(const eval *e, const node *n, rows *q) {
  const double *c = e->r->carry;
  for (int k = 0; k < n->slot; k++) c += (int64_t)e->b->rows * e->g->carries[k].width;
  EACH_ROW(i, q) EACH_COLUMN(j, n) Y(i, j) = c[i * n->width + j];
}

static void eval_MASK(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q) {
    if (e->training) {
      const mask_draw d = mask_row_of(e->b->seed, e->b->step, n->slot, q->t, (int)(i - q->first), n->value);
      mask_row(e->drawn, &d, n->width);
    }
    EACH_COLUMN(j, n) Y(i, j) = e->training ? (double)e->drawn[j] : 1;
  }
}

static void eval_LOSS_SCALE(const eval *e, const node *n, rows *q) { EACH_ROW(i, q) EACH_COLUMN(j, n) Y(i, j) = e->b->loss_scale; }

/* --- products --- */

/* y = W[:, c0 : c0+K] x */
static void eval_MATVEC(const eval *e, const node *n, rows *q) {
  const int K = width_in(e, n, 0), cols = e->g->params[n->param].cols;
  const double *W = weights_of(e, n) + n->c0;
  EACH_ROW(i, q) EACH_COLUMN(j, n) {
    double sum = 0;
    for (int k = 0; k < K; k++) sum += W[(int64_t)j * cols + k] * at(e, n, 0, i, k);
    Y(i, j) = sum;
  }
}

/* x = W[:, c0 : c0+N]' y */
static void eval_MATVEC_T(const eval *e, const node *n, rows *q) {
  const int K = width_in(e, n, 0), cols = e->g->params[n->param].cols;
  const double *W = weights_of(e, n) + n->c0;
  EACH_ROW(i, q) EACH_COLUMN(j, n) {
    double sum = 0;
    for (int k = 0; k < K; k++) sum += W[(int64_t)k * cols + j] * at(e, n, 0, i, k);
    Y(i, j) = sum;
  }
}

static void eval_OUTER(const eval *e, const node *n, rows *q) { (void)e, (void)n, (void)q; }   /* add_outer below */
static void eval_EMBED_T(const eval *e, const node *n, rows *q) { (void)e, (void)n, (void)q; } /* add_embed below */

static void eval_SUM_ROWS(const eval *e, const node *n, rows *q) {
  const int64_t count = e->r->rows[n->in[0]];
  EACH_COLUMN(j, n) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += at(e, n, 0, i, j);
    Y(0, j) = sum;
  }
}

static void eval_EMBED(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q) {
    const int32_t k = e->b->index[n->slot][i];
    EACH_COLUMN(j, n) Y(i, j) = k < 0 ? 0 : weights_of(e, n)[(int64_t)k * e->g->params[n->param].cols + j];
  }
}

/* --- width --- */

static void eval_CONCAT(const eval *e, const node *n, rows *q) {
  const int left = width_in(e, n, 0);
  EACH_ROW(i, q) EACH_COLUMN(j, n) Y(i, j) = j < left ? at(e, n, 0, i, j) : at(e, n, 1, i, j - left);
}

static void eval_SLICE(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q) EACH_COLUMN(j, n) Y(i, j) = at(e, n, 0, i, n->c0 + j);
}

static void eval_PAD(const eval *e, const node *n, rows *q) {
  const int K = width_in(e, n, 0);
  EACH_ROW(i, q) EACH_COLUMN(j, n) Y(i, j) = j >= n->c0 && j < n->c0 + K ? at(e, n, 0, i, j - n->c0) : 0;
}

static void eval_ROW_SUM(const eval *e, const node *n, rows *q) {
  const int K = width_in(e, n, 0);
  EACH_ROW(i, q) {
    double sum = 0;
    for (int k = 0; k < K; k++) sum += at(e, n, 0, i, k);
    Y(i, 0) = sum;
  }
}

static void eval_REPEAT(const eval *e, const node *n, rows *q) { EACH_ROW(i, q) EACH_COLUMN(j, n) Y(i, j) = at(e, n, 0, i, j); }

/* The sum over j of exp(x_j - largest) of N columns of a row of input k */
static double exp_sum(const eval *e, const node *n, int k, int64_t row, int N, double *largest) {
  double sum = 0;
  *largest = -HUGE_VAL;
  for (int j = 0; j < N; j++) *largest = fmax(*largest, at(e, n, k, row, j));
  for (int j = 0; j < N; j++) sum += exp(at(e, n, k, row, j) - *largest);
  return sum;
}

static void eval_LOG_SUM_EXP(const eval *e, const node *n, rows *q) {
  double largest;
  EACH_ROW(i, q) {
    const double sum = exp_sum(e, n, 0, i, width_in(e, n, 0), &largest);
    Y(i, 0) = largest + log(sum);
  }
}

static void eval_SOFTMAX(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q) {
    const int columns = columns_of(e, n, i, q->t);
    double largest;
    const double sum = exp_sum(e, n, 0, i, columns, &largest);
    for (int j = 0; j < columns; j++) Y(i, j) = exp(at(e, n, 0, i, j) - largest) / sum;
  }
}

/* y * (dy - sum(y * dy)) */
static void eval_SOFTMAX_GRAD(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q) {
    double dot = 0;
    EACH_COLUMN(j, n) dot += at(e, n, 0, i, j) * at(e, n, 1, i, j);
    EACH_COLUMN(j, n) Y(i, j) = at(e, n, 0, i, j) * (at(e, n, 1, i, j) - dot);
  }
}

static double mean_of(const eval *e, const node *n, int64_t row) {
  const int N = width_in(e, n, 0);
  double sum = 0;
  for (int j = 0; j < N; j++) sum += at(e, n, 0, row, j);
  return sum / N;
}

static void eval_LAYERNORM_SCALE(const eval *e, const node *n, rows *q) {
  const int N = width_in(e, n, 0);
  EACH_ROW(i, q) {
    double mean = mean_of(e, n, i), squares = 0;
    for (int j = 0; j < N; j++) squares += f_SQUARE(at(e, n, 0, i, j) - mean);
    Y(i, 0) = 1 / sqrt(squares / N + 1e-5);
  }
}

static void eval_LAYERNORM(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q) {
    const double mean = mean_of(e, n, i);
    EACH_COLUMN(j, n) Y(i, j) = (at(e, n, 0, i, j) - mean) * at(e, n, 1, i, 0);
  }
}

/* dx = (dy - mean(dy) - y mean(y dy)) scale; inputs scale, y, dy */
static void eval_LAYERNORM_GRAD(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q) {
    double dy = 0, ydy = 0;
    EACH_COLUMN(j, n) {
      dy += at(e, n, 2, i, j) / n->width;
      ydy += at(e, n, 1, i, j) * at(e, n, 2, i, j) / n->width;
    }
    EACH_COLUMN(j, n) Y(i, j) = (at(e, n, 2, i, j) - dy - at(e, n, 1, i, j) * ydy) * at(e, n, 0, i, 0);
  }
}

/* --- pictures --- */

/* y = bias + W patch */
static void eval_CONV(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q) {
    EACH_COLUMN(j, n) Y(i, j) = at(e, n, 1, 0, j % channels_of(e, n));
    reference_conv(&n->patches, channels_of(e, n), weights_of(e, n), row_in(e, n, 0, i), &Y(i, 0));
  }
}

static void eval_CONV_T(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q) reference_conv_back(&n->patches, channels_of(e, n), weights_of(e, n), row_in(e, n, 0, i), &Y(i, 0));
}

static void eval_CONV_OUTER(const eval *e, const node *n, rows *q) { (void)e, (void)n, (void)q; } /* add_conv below */

static void eval_SUM_POSITIONS(const eval *e, const node *n, rows *q) {
  for (int64_t i = 0; i < e->r->rows[n->in[0]]; i++)
    for (int k = 0; k < width_in(e, n, 0); k++) Y(0, k % n->width) += at(e, n, 0, i, k);
}

static void eval_POOL(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q) EACH_COLUMN(j, n) Y(i, j) = row_in(e, n, 0, i)[reference_largest(&n->patches, row_in(e, n, 0, i), j)];
}

/* inputs x, y, dy */
static void eval_POOL_GRAD(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q)
  for (int y = 0; y < width_in(e, n, 1); y++) Y(i, reference_largest(&n->patches, row_in(e, n, 0, i), y)) += at(e, n, 2, i, y);
}

static void eval_POOL_MEAN(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q) EACH_COLUMN(j, n) Y(i, j) = reference_mean(&n->patches, row_in(e, n, 0, i), j);
}

static void eval_POOL_MEAN_GRAD(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q)
  for (int y = 0; y < width_in(e, n, 0); y++) reference_mean_back(&n->patches, at(e, n, 0, i, y), y, &Y(i, 0));
}

/* --- positions of a picture: column p C + c is channel c of position p --- */

static void eval_MATCH(const eval *e, const node *n, rows *q) {
  const int C = width_in(e, n, 0);
  EACH_ROW(i, q) EACH_COLUMN(p, n) for (int c = 0; c < C; c++) Y(i, p) += at(e, n, 0, i, c) * at(e, n, 1, i, p * C + c);
}

static void eval_BLEND(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q)
  EACH_COLUMN(c, n) for (int p = 0; p < width_in(e, n, 0); p++) Y(i, c) += at(e, n, 0, i, p) * at(e, n, 1, i, p * n->width + c);
}

static void eval_PAINT(const eval *e, const node *n, rows *q) {
  const int C = width_in(e, n, 1);
  EACH_ROW(i, q) EACH_COLUMN(j, n) Y(i, j) = at(e, n, 0, i, j / C) * at(e, n, 1, i, j % C);
}

/* --- batch normalization: columns j, j + C, ... of all rows are channel j --- */

static double channel_mean(const eval *e, const node *n, int j) {
  const int64_t rows_in = e->r->rows[n->in[0]];
  double sum = 0;
  for (int64_t i = 0; i < rows_in; i++)
    for (int k = j; k < width_in(e, n, 0); k += n->patches.channels) sum += at(e, n, 0, i, k);
  return sum * n->patches.channels / ((double)rows_in * width_in(e, n, 0));
}

static void eval_BATCH_STATS(const eval *e, const node *n, rows *q) {
  const int C = n->patches.channels;
  if (!e->training || n->in[0] == NODE_NONE) {
    EACH_COLUMN(j, n) Y(0, j) = weights_of(e, n)[j]; /* the variances follow the means */
    return;
  }
  const int64_t rows_in = e->r->rows[n->in[0]];
  for (int j = 0; j < C; j++) {
    double squares = 0;
    if (rows_in) Y(0, j) = channel_mean(e, n, j);
    for (int64_t i = 0; i < rows_in; i++)
      for (int k = j; k < width_in(e, n, 0); k += C) squares += f_SQUARE(at(e, n, 0, i, k) - Y(0, j));
    Y(0, C + j) = rows_in ? squares * C / ((double)rows_in * width_in(e, n, 0)) : 1;
  }
}

/* What x becomes before gain and bias; inputs x, stats. */
static double normalized(const eval *e, const node *n, int64_t i, int k) {
  const int C = n->patches.channels;
  return (at(e, n, 0, i, k) - at(e, n, 1, 0, k % C)) / sqrt(at(e, n, 1, 0, C + k % C) + n->value);
}

static void eval_BATCHNORM(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q) EACH_COLUMN(j, n) {
    const int c = j % n->patches.channels;
    Y(i, j) = normalized(e, n, i, j) * at(e, n, 2, 0, c) + at(e, n, 3, 0, c);
  }
}

/* inputs x, stats, dy */
static void eval_BATCH_SUMS(const eval *e, const node *n, rows *q) {
  const int C = n->patches.channels;
  for (int64_t i = 0; i < e->r->rows[n->in[0]]; i++)
    for (int k = 0; k < width_in(e, n, 0); k++) {
      Y(0, k % C) += at(e, n, 2, i, k);
      Y(0, C + k % C) += at(e, n, 2, i, k) * normalized(e, n, i, k);
    }
}

/* inputs x, stats, dy, sums */
static void eval_BATCHNORM_GRAD(const eval *e, const node *n, rows *q) {
  const int C = n->patches.channels;
  const double m = (double)e->r->rows[n->in[0]] * n->width / C;
  EACH_ROW(i, q) EACH_COLUMN(j, n) {
    const int c = j % C;
    const double scale = weights_of(e, n)[c] / sqrt(at(e, n, 1, 0, C + c) + n->value);
    const double pull = e->training ? (at(e, n, 3, 0, c) + at(e, n, 3, 0, C + c) * normalized(e, n, i, j)) / m : 0;
    Y(i, j) = scale * (at(e, n, 2, i, j) - pull);
  }
}

/* --- time --- */

/* The number of steps of sequence b. */
static int length_of(const batch_axis *a, int b) {
  int t = 0;
  while (t < a->steps && a->active[t] > b) t++;
  return t;
}

static void eval_SHIFT(const eval *e, const node *n, rows *q) {
  const batch_axis *a = &e->b->axes[n->axis];
  EACH_ROW(i, q) {
    const int b = (int)(i - q->first), from = q->t - n->dir;
    const bool outside = from < 0 || from >= a->steps || a->active[from] <= b;
    EACH_COLUMN(j, n) {
      const int k = outside; /* in[0] is x, in[1] init */
      const int64_t row = outside ? batch_row(a, b) : a->first[from] + b;
      Y(i, j) = n->in[k] == NODE_NONE ? 0 : at(e, n, k, row, j);
    }
  }
}

static void eval_REVERSE(const eval *e, const node *n, rows *q) {
  const batch_axis *a = &e->b->axes[n->axis];
  EACH_ROW(i, q) {
    const int b = (int)(i - q->first), from = length_of(a, b) - 1 - q->t;
    EACH_COLUMN(j, n) Y(i, j) = at(e, n, 0, a->first[from] + b, j);
  }
}

static void eval_EDGE(const eval *e, const node *n, rows *q) {
  const batch_axis *a = axis_of(e, n->in[0]);
  (void)q->count; /* rows of sequences without steps stay zero */
  for (int b = 0; a->steps > 0 && b < a->active[0]; b++) {
    const int t = n->dir > 0 ? 0 : length_of(a, b) - 1;
    EACH_COLUMN(j, n) Y(batch_row(a, b), j) = at(e, n, 0, a->first[t] + b, j);
  }
}

static void eval_SPREAD(const eval *e, const node *n, rows *q) {
  const batch_axis *a = &e->b->axes[n->axis];
  EACH_ROW(i, q) EACH_COLUMN(j, n) Y(i, j) = at(e, n, 0, batch_row(a, (int)(i - q->first)), j);
}

static void eval_SUM_TIME(const eval *e, const node *n, rows *q) {
  const batch_axis *a = axis_of(e, n->in[0]);
  for (int t = 0; t < a->steps; t++)
    for (int b = 0; b < a->active[t]; b++) EACH_COLUMN(j, n) Y(batch_row(a, b), j) += at(e, n, 0, a->first[t] + b, j);
}

static void eval_LENGTH(const eval *e, const node *n, rows *q) {
  const batch_axis *a = &e->b->axes[n->axis];
  EACH_ROW(i, q) Y(batch_row(a, (int)i), 0) = fmax(1, length_of(a, (int)i));
}

static void eval_MAX_TIME(const eval *e, const node *n, rows *q) {
  const batch_axis *a = axis_of(e, n->in[0]);
  for (int t = 0; t < a->steps; t++)
    for (int b = 0; b < a->active[t]; b++) EACH_COLUMN(j, n) {
        double *y = &Y(batch_row(a, b), j), x = at(e, n, 0, a->first[t] + b, j);
        if (t == 0 || x > *y) *y = x;
      }
}

/* dy at the first step where x is y; inputs x, y, dy */
static void eval_MAX_TIME_GRAD(const eval *e, const node *n, rows *q) {
  const batch_axis *a = &e->b->axes[n->axis];
  EACH_ROW(i, q) EACH_COLUMN(j, n) {
    const int b = (int)(i - q->first), row = batch_row(a, b);
    bool earlier = false;
    for (int t = 0; t < q->t; t++) earlier = earlier || at(e, n, 0, a->first[t] + b, j) == at(e, n, 1, row, j);
    Y(i, j) = !earlier && at(e, n, 0, i, j) == at(e, n, 1, row, j) ? at(e, n, 2, row, j) : 0;
  }
}

/* --- attention --- */

/* What a row of node n meets: the sequence of the same example on axis `over`, or its only row (over -1). */
typedef struct other {
  const batch_axis *a; /* NULL: one row */
  int sequence, steps;
} other;

static other other_of(const eval *e, const node *n, int over, int64_t row, int t) {
  const batch_axis *own = n->space == SPACE_STEP ? &e->b->axes[n->axis] : NULL;
  const int example = own ? batch_row(own, (int)(row - own->first[t])) : (int)row;
  other o = {over < 0 ? NULL : &e->b->axes[over], example, 1};
  if (over < 0) return o;
  for (o.sequence = 0; batch_row(o.a, o.sequence) != example;) o.sequence++;
  o.steps = length_of(o.a, o.sequence);
  return o;
}
static int64_t other_row(other o, int i) { return o.a ? o.a->first[i] + o.sequence : o.sequence; }
static int over_input(const eval *e, const node *n, int k) {
  const node *y = &e->g->nodes[n->in[k]];
  return y->space == SPACE_STEP ? y->axis : -1;
}

static int columns_of(const eval *e, const node *n, int64_t row, int t) {
  const int over = e->over[n - e->g->nodes];
  return over < 0 ? n->width : other_of(e, n, over, row, t).steps;
}

static void eval_DOTS(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q) {
    const other o = other_of(e, n, over_input(e, n, 1), i, q->t);
    for (int s = 0; s < o.steps; s++)
      for (int j = 0; j < width_in(e, n, 0); j++) Y(i, s) += at(e, n, 0, i, j) * at(e, n, 1, other_row(o, s), j);
  }
}

static void eval_MIX(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q) {
    const other o = other_of(e, n, over_input(e, n, 1), i, q->t);
    for (int s = 0; s < o.steps; s++) EACH_COLUMN(j, n) Y(i, j) += at(e, n, 0, i, s) * at(e, n, 1, other_row(o, s), j);
  }
}

static void eval_COLLECT(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q) {
    const other o = other_of(e, n, over_input(e, n, 1), i, q->t);
    for (int s = 0; s < o.steps; s++)
      EACH_COLUMN(j, n) Y(i, j) += at(e, n, 0, other_row(o, s), q->t) * at(e, n, 1, other_row(o, s), j);
  }
}

static void eval_ADDITIVE(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q) {
    const other o = other_of(e, n, over_input(e, n, 1), i, q->t);
    for (int s = 0; s < o.steps; s++)
      for (int j = 0; j < width_in(e, n, 0); j++)
        Y(i, s) += at(e, n, 2, 0, j) * tanh(at(e, n, 0, i, j) + at(e, n, 1, other_row(o, s), j));
  }
}

/* v * sum of w (1 - tanh(x + y)^2); inputs w, x, y, v. The weights are those of this row, or in this step's column of the others.
 */
static void additive_grad(const eval *e, const node *n, rows *q, bool column) {
  EACH_ROW(i, q) {
    const other o = other_of(e, n, over_input(e, n, 2), i, q->t);
    for (int s = 0; s < o.steps; s++) EACH_COLUMN(j, n) {
        const double w = column ? at(e, n, 0, other_row(o, s), q->t) : at(e, n, 0, i, s);
        Y(i, j) += at(e, n, 3, 0, j) * w * (1 - f_SQUARE(tanh(at(e, n, 1, i, j) + at(e, n, 2, other_row(o, s), j))));
      }
  }
}
static void eval_ADDITIVE_GRAD(const eval *e, const node *n, rows *q) { additive_grad(e, n, q, false); }
static void eval_ADDITIVE_COLLECT(const eval *e, const node *n, rows *q) { additive_grad(e, n, q, true); }

static void eval_ADDITIVE_MIX(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q) {
    const other o = other_of(e, n, over_input(e, n, 2), i, q->t);
    for (int s = 0; s < o.steps; s++)
      EACH_COLUMN(j, n) Y(i, j) += at(e, n, 0, i, s) * tanh(at(e, n, 1, i, j) + at(e, n, 2, other_row(o, s), j));
  }
}

/* --- losses --- */

static void eval_CROSS_ENTROPY(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q) {
    const int32_t k = e->b->index[n->slot][i];
    double largest;
    const double sum = exp_sum(e, n, 0, i, width_in(e, n, 0), &largest);
    Y(i, 0) = k < 0 ? 0 : log(sum) + (largest - at(e, n, 0, i, k));
  }
}

static void eval_CLASS_WEIGHT(const eval *e, const node *n, rows *q) {
  const float *weights = e->g->data[e->g->inputs[n->slot].data].weights;
  EACH_ROW(i, q) {
    const int32_t k = e->b->index[n->slot][i];
    Y(i, 0) = k < 0 ? 0 : weights ? (double)weights[k] : 1;
  }
}

/* (softmax(x) - onehot(index)) * dl */
static void eval_CROSS_ENTROPY_GRAD(const eval *e, const node *n, rows *q) {
  EACH_ROW(i, q) {
    const int32_t k = e->b->index[n->slot][i];
    double largest;
    const double sum = exp_sum(e, n, 0, i, n->width, &largest);
    EACH_COLUMN(j, n) Y(i, j) = k < 0 ? 0 : (exp(at(e, n, 0, i, j) - largest) / sum - (j == k)) * at(e, n, 2, i, 0);
  }
}

/* The loss of a sequence of n's axis against the symbols of its example; what is left in e->ctc is about it. Infinite: no
 * alignment. */
static double align(const eval *e, reference_ctc *c, const node *n, int sequence) {
  const node *x = &e->g->nodes[n->in[0]];
  const batch_axis *a = &e->b->axes[x->axis];
  const input *in = &e->g->inputs[n->slot];
  other own = {NULL, batch_row(a, sequence), 1};
  if (in->space == SPACE_STEP) {
    own = (other){&e->b->axes[in->axis], 0, 0};
    while (batch_row(own.a, own.sequence) != batch_row(a, sequence)) own.sequence++;
    own.steps = length_of(own.a, own.sequence);
  }
  *c = e->ctc;
  c->T = length_of(a, sequence);
  c->K = x->width;
  for (int t = 0; t < c->T; t++)
    for (int k = 0; k < c->K; k++) c->p[(int64_t)t * c->K + k] = at(e, n, 0, a->first[t] + sequence, k);
  for (int i = 0; i < own.steps; i++) {
    const int32_t symbol = e->b->index[n->slot][other_row(own, i)];
    if (symbol >= 0) c->symbols[c->n++] = symbol;
  }
  return reference_ctc_loss(c);
}

static void eval_CTC(const eval *e, const node *n, rows *q) {
  reference_ctc c;
  EACH_ROW(i, q) {
    const double nats = align(e, &c, n, (int)i);
    Y(batch_row(&e->b->axes[n->axis], (int)i), 0) = isinf(nats) ? 0 : nats;
  }
}

/* (softmax(x) - share of each symbol in all alignments) * dl; inputs x, the loss, dl */
static void eval_CTC_GRAD(const eval *e, const node *n, rows *q) {
  const batch_axis *a = &e->b->axes[n->axis];
  reference_ctc c;
  EACH_ROW(i, q) {
    const int b = (int)(i - q->first);
    const bool none = isinf(align(e, &c, n, b));
    EACH_COLUMN(j, n)
    Y(i, j) = none ? 0 : (exp(c.p[(int64_t)q->t * c.K + j]) - reference_ctc_share(&c, q->t, j)) * at(e, n, 2, batch_row(a, b), 0);
  }
}

void (*const reference_evaluate[OP_COUNT])(const eval *, const node *, rows *) = {
#define UNARY(name, text, dx, y) [OP_##name] = eval_##name,
#define BINARY(name, text, da, db, y) [OP_##name] = eval_##name,
#define OTHER(name, text, inputs, back, form) [OP_##name] = eval_##name,
#include "graph/ops.def"
#undef UNARY
#undef BINARY
#undef OTHER
};
