/* reference.c - the graph, interpreted in double precision: the oracle of every test and of `unroll check`.
 *
 * The idea: a value is (node, step). It is computed when somebody asks for it, after what it depends on; a STEP node at step t
 * is active[t] rows, any other node has the single step 0. SHIFT asks for its neighbour in time, so recurrences in either
 * direction need no order found beforehand. An explicit stack takes the place of recursion: thousands of steps are fine.
 * One function per operator, named after it, so a row of ops.def without one does not compile.
 * Not here: speed, sharing of buffers, anything from plan and run. */
#include "verify/reference.h"
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "base/special.h"
#include "run/mask.h"
#include "verify/reference_ctc.h"
#include "verify/reference_picture.h"

enum { WAITING = 1, DONE = 2 }; /* a value that waits for others; 0: never asked for */

typedef struct place {
  int node, t;
} place;

typedef struct owner {
  arena memory; /* everything of the last pass except the carry */
  int64_t carry_count;
} owner;

typedef struct eval {
  reference *r;
  const graph *g;
  const batch *b;
  const double *weights;
  const double *const *numbers;
  int training;
  int *over;             /* [n_nodes] the axis whose steps are the columns, or -1 */
  unsigned char **state; /* [n_nodes][steps] */
  float *drawn;          /* a row of a mask, as wide as the widest node */
  reference_ctc ctc;     /* room for the largest alignment */
  place *stack;
  size_t depth, capacity;
} eval;

/* --- rows and elements --- */

static const batch_axis *axis_of(const eval *e, int number) { return &e->b->axes[e->g->nodes[number].axis]; }
static int steps_of(const eval *e, int number) { return e->g->nodes[number].space == SPACE_STEP ? axis_of(e, number)->steps : 1; }

static int64_t rows_of(const eval *e, const node *n) {
  if (n->space == SPACE_PARAM) return 1;
  if (n->space == SPACE_STATIC) return e->b->rows;
  const batch_axis *a = &e->b->axes[n->axis];
  return a->steps > 0 ? a->first[a->steps] : 0;
}

/* The batch row of sequence b of an axis. */
static int batch_row(const batch_axis *a, int b) { return a->order ? a->order[b] : b; }

/* Entry j of a row of input k; PARAM inputs have one row for all, inputs of width 1 one entry for all columns. */
static double at(const eval *e, const node *n, int k, int64_t row, int j) {
  const node *x = &e->g->nodes[n->in[k]];
  return e->r->values[n->in[k]][(x->space == SPACE_PARAM ? 0 : row) * x->width + (x->width == 1 ? 0 : j)];
}
static int width_in(const eval *e, const node *n, int k) { return e->g->nodes[n->in[k]].width; }
/* How many columns of a row count: fewer than there are where a column is a step and the sequence is shorter than others. */
static int columns_of(const eval *e, const node *n, int64_t row, int t);
static const double *weights_of(const eval *e, const node *n) { return e->weights + e->g->params[n->param].offset; }

/* The rows that one call computes: y is the first one, `first` its number in the node's matrix. */
typedef struct rows {
  double *y;
  int64_t first, count;
  int t;
} rows;

#define EACH_ROW(i, q) for (int64_t i = (q)->first; i < (q)->first + (q)->count; i++)
#define EACH_COLUMN(j, n) for (int j = 0; j < (n)->width; j++)
#define Y(i, j) q->y[((i)-q->first) * n->width + (j)]

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

#define UNARY(name, text, dx)                                                                                                      \
  static void eval_##name(const eval *e, const node *n, rows *q) {                                                                 \
    EACH_ROW(i, q) EACH_COLUMN(j, n) Y(i, j) = f_##name(at(e, n, 0, i, j));                                                        \
  }
#define BINARY(name, text, da, db)                                                                                                 \
  static void eval_##name(const eval *e, const node *n, rows *q) {                                                                 \
    EACH_ROW(i, q) EACH_COLUMN(j, n) Y(i, j) = f_##name(at(e, n, 0, i, j), at(e, n, 1, i, j));                                     \
  }
#define OTHER(name, text, inputs)
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

/* Row i of input k as it is stored. */
static const double *row_in(const eval *e, const node *n, int k, int64_t i) {
  return e->r->values[n->in[k]] + i * width_in(e, n, k);
}
static int channels_of(const eval *e, const node *n) { return e->g->params[n->param].rows; }

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

static void (*const evaluate[OP_COUNT])(const eval *, const node *, rows *) = {
#define UNARY(name, text, dx) [OP_##name] = eval_##name,
#define BINARY(name, text, da, db) [OP_##name] = eval_##name,
#define OTHER(name, text, inputs) [OP_##name] = eval_##name,
#include "graph/ops.def"
#undef UNARY
#undef BINARY
#undef OTHER
};

/* --- the order: on demand --- */

static bool push(eval *e, int number, int t) {
  if (e->depth == e->capacity) {
    const size_t capacity = e->capacity ? 2 * e->capacity : 1024;
    place *grown = mem_resize(e->stack, capacity * sizeof *grown);
    if (!grown) return false;
    e->stack = grown;
    e->capacity = capacity;
  }
  e->stack[e->depth++] = (place){number, t};
  return true;
}

static bool need(eval *e, int number, int t) {
  if (number == NODE_NONE) return true;
  if (e->g->nodes[number].space != SPACE_STEP) t = 0;
  return e->state[number][t] == DONE || push(e, number, t);
}

static bool need_all(eval *e, int number) {
  for (int t = steps_of(e, number); t-- > 0;)
    if (!need(e, number, t)) return false;
  return true;
}

/* Pushes what (node, t) depends on and is not computed yet. False: out of memory. */
static bool need_inputs(eval *e, const node *n, int t) {
  bool ok = true;
  switch (n->op) {
  case OP_SHIFT: {
    const batch_axis *a = &e->b->axes[n->axis];
    const int from = t - n->dir;
    const bool inside = from >= 0 && from < a->steps;
    if (inside && a->active[from] > 0) ok = need(e, n->in[0], from);
    if (ok && (!inside || a->active[from] < a->active[t])) ok = need(e, n->in[1], 0);
    return ok;
  }
  case OP_EDGE:
  case OP_SUM_TIME:
  case OP_MAX_TIME:
  case OP_MAX_TIME_GRAD:
  case OP_CTC:
  case OP_CTC_GRAD:
  case OP_SUM_ROWS:
  case OP_SUM_POSITIONS:
  case OP_OUTER:
  case OP_EMBED_T:
  case OP_CONV_OUTER:
    for (int k = 0; k < NODE_INPUTS && ok; k++) ok = n->in[k] == NODE_NONE || need_all(e, n->in[k]);
    return ok;
  case OP_COLLECT:
    return need_all(e, n->in[0]) && need_all(e, n->in[1]);
  case OP_DOTS:
  case OP_MIX:
  case OP_ADDITIVE:
    return need(e, n->in[0], t) && need_all(e, n->in[1]) && need(e, n->in[2], 0);
  case OP_ADDITIVE_COLLECT:
    return need_all(e, n->in[0]) && need(e, n->in[1], t) && need_all(e, n->in[2]) && need(e, n->in[3], 0);
  case OP_ADDITIVE_GRAD:
  case OP_ADDITIVE_MIX:
    return need(e, n->in[0], t) && need(e, n->in[1], t) && need_all(e, n->in[2]) && need(e, n->in[3], 0);
  default:
    for (int k = 0; k < NODE_INPUTS && ok; k++) ok = need(e, n->in[k], t);
    return ok;
  }
}

static void compute(eval *e, int number, int t) {
  const node *n = &e->g->nodes[number];
  rows q = {.t = t, .count = e->r->rows[number]};
  if (n->space == SPACE_STEP) {
    q.first = e->b->axes[n->axis].first[t];
    q.count = e->b->axes[n->axis].active[t];
  }
  q.y = e->r->values[number] ? e->r->values[number] + q.first * n->width : NULL;
  evaluate[n->op](e, n, &q);
}

/* Computes (node, t) and everything below it. */
static unroll_status demand(eval *e, int number, int t, unroll_error *err) {
  e->depth = 0;
  if (!need(e, number, t)) return error_memory(err);
  while (e->depth > 0) {
    const place p = e->stack[e->depth - 1];
    unsigned char *state = &e->state[p.node][p.t];
    if (*state == DONE) {
      e->depth--;
      continue;
    }
    const size_t depth = e->depth;
    if (!need_inputs(e, &e->g->nodes[p.node], p.t)) return error_memory(err);
    if (e->depth == depth) {
      compute(e, p.node, p.t);
      *state = DONE;
      e->depth--;
    } else if (*state == WAITING) {
      return error_set(err, UNROLL_FAILED, "node %d (%s) depends on itself within a step", p.node,
                       e->g->nodes[p.node].name ? e->g->nodes[p.node].name : graph_ops[e->g->nodes[p.node].op].name);
    }
    *state = *state == DONE ? DONE : WAITING;
  }
  return UNROLL_OK;
}

/* --- what is needed, and whether it can be computed --- */

static bool mark(const graph *g, unsigned char *needed, int *stack, int root) {
  int depth = 0;
  if (root < 0 || root >= g->n_nodes) return root == NODE_NONE;
  if (!needed[root]) needed[root] = 1, stack[depth++] = root;
  while (depth > 0) {
    const node *n = &g->nodes[stack[--depth]];
    for (int k = 0; k < NODE_INPUTS; k++) {
      if (n->in[k] == NODE_NONE) continue;
      if (n->in[k] < 0 || n->in[k] >= g->n_nodes) return false;
      if (!needed[n->in[k]]) needed[n->in[k]] = 1, stack[depth++] = n->in[k];
    }
  }
  return true;
}

/* All nodes that losses, outputs, carries and gradients are made of; a graph with none of these is needed whole. */
static bool mark_needed(const graph *g, unsigned char *needed, int *stack) {
  bool ok = true;
  for (int i = 0; i < g->n_losses; i++)
    ok = ok && mark(g, needed, stack, g->losses[i].node) && mark(g, needed, stack, g->losses[i].prediction);
  for (int i = 0; i < g->n_carries; i++) ok = ok && mark(g, needed, stack, g->carries[i].edge);
  for (int i = 0; i < g->n_gradients; i++) ok = ok && mark(g, needed, stack, g->gradients[i].node);
  if (g->output) ok = ok && mark(g, needed, stack, g->output_node);
  if (!g->n_losses && !g->n_carries && !g->n_gradients && !g->output)
    for (int i = 0; i < g->n_nodes; i++) ok = ok && mark(g, needed, stack, i);
  return ok;
}

/* Symbols and numbers that a node reads from the batch are there and in range. */
static unroll_status check_node(const eval *e, int number, unroll_error *err) {
  const graph *g = e->g;
  const node *n = &g->nodes[number];
  const int64_t count = n->slot >= 0 ? rows_of(e, n) : 0; /* CTC looks at another axis */
  if (n->op == OP_INPUT && count > 0 && !(e->numbers ? e->numbers[n->slot] != NULL : e->b->number[n->slot] != NULL))
    return error_set(err, UNROLL_FAILED, "the batch brings no numbers for input %d", n->slot);
  if (n->op == OP_EMBED || n->op == OP_CROSS_ENTROPY) {
    const int32_t *index = e->b->index[n->slot];
    if (!index && count > 0) return error_set(err, UNROLL_FAILED, "the batch brings no symbols for input %d", n->slot);
    const int symbols = n->op == OP_EMBED ? g->params[n->param].rows : width_in(e, n, 0);
    for (int64_t i = 0; i < count; i++)
      if (index[i] < -1 || index[i] >= symbols)
        return error_set(err, UNROLL_FAILED, "symbol %d of input %d is not in -1 .. %d", (int)index[i], n->slot, symbols - 1);
  }
  if (n->op == OP_CTC) {
    const int64_t symbols = rows_of(e, &(node){.space = g->inputs[n->slot].space, .axis = g->inputs[n->slot].axis});
    for (int64_t i = 0; i < symbols; i++) {
      const int32_t k = e->b->index[n->slot] ? e->b->index[n->slot][i] : -2;
      if (k < -1 || k >= width_in(e, n, 0) - 1)
        return error_set(err, UNROLL_FAILED, "symbol %d of input %d is not in -1 .. %d", (int)k, n->slot, width_in(e, n, 0) - 2);
    }
  }
  for (int k = 0; k < NODE_INPUTS; k++) {
    const node *x = n->in[k] == NODE_NONE ? NULL : &g->nodes[n->in[k]];
    const bool elementwise = graph_ops[n->op].kind != OP_KIND_OTHER;
    if (x && elementwise && ((x->width != n->width && x->width != 1) || (x->space != n->space && x->space != SPACE_PARAM)))
      return error_set(err, UNROLL_FAILED, "node %d (%s): input %d does not fit in width or space", number, graph_ops[n->op].name,
                       k);
  }
  return UNROLL_OK;
}

/* --- gradients --- */

/* dW[:, c0 : c0+K] += sum over rows of dy x' */
static void add_outer(const eval *e, const node *n) {
  const int64_t a = e->r->rows[n->in[0]], b = e->r->rows[n->in[1]], count = a > b ? a : b;
  const int K = width_in(e, n, 1), N = width_in(e, n, 0), cols = e->g->params[n->param].cols;
  double *dW = e->r->gradient + e->g->params[n->param].offset + n->c0;
  for (int64_t i = 0; i < count; i++)
    for (int j = 0; j < N; j++)
      for (int k = 0; k < K; k++) dW[(int64_t)j * cols + k] += at(e, n, 0, i, j) * at(e, n, 1, i, k);
}

/* dE[index, :] += dy */
static void add_embed(const eval *e, const node *n) {
  const int N = width_in(e, n, 0), cols = e->g->params[n->param].cols;
  double *dE = e->r->gradient + e->g->params[n->param].offset;
  for (int64_t i = 0; i < e->r->rows[n->in[0]]; i++) {
    const int32_t k = e->b->index[n->slot][i];
    for (int j = 0; j < N && k >= 0; j++) dE[(int64_t)k * cols + j] += at(e, n, 0, i, j);
  }
}

/* dW += sum over rows and positions of dy patch' */
static void add_conv(const eval *e, const node *n) {
  double *dW = e->r->gradient + e->g->params[n->param].offset;
  for (int64_t i = 0; i < e->r->rows[n->in[0]]; i++)
    reference_conv_outer(&n->patches, channels_of(e, n), row_in(e, n, 0, i), row_in(e, n, 1, i), dW);
}

static void add_gradients(const eval *e) {
  for (int i = 0; i < e->g->n_gradients; i++) {
    const gradient *d = &e->g->gradients[i];
    const node *n = &e->g->nodes[d->node];
    if (n->op == OP_OUTER) {
      add_outer(e, n);
    } else if (n->op == OP_EMBED_T) {
      add_embed(e, n);
    } else if (n->op == OP_CONV_OUTER) {
      add_conv(e, n);
    } else {
      double *to = e->r->gradient + e->g->params[d->param].offset;
      EACH_COLUMN(j, n) to[j] += e->r->values[d->node][j];
    }
  }
}

/* --- a pass --- */

/* New states from the EDGE nodes; the old ones were read by now. */
static void advance_carries(const eval *e) {
  double *to = e->r->carry;
  for (int i = 0; i < e->g->n_carries; i++) {
    const int64_t count = (int64_t)e->b->rows * e->g->carries[i].width;
    if (count > 0) memcpy(to, e->r->values[e->g->carries[i].edge], (size_t)count * sizeof *to);
    to += count;
  }
}

static unroll_status begin(reference *r, const graph *g, const batch *b, unroll_error *err) {
  if (!r->owner && !(r->owner = mem_zero(1, sizeof(owner)))) return error_memory(err);
  owner *o = r->owner;
  arena_free(&o->memory);
  o->memory = (arena){0};
  r->g = g;
  r->values = arena_alloc(&o->memory, (size_t)g->n_nodes + 1, sizeof *r->values);
  r->rows = arena_alloc(&o->memory, (size_t)g->n_nodes + 1, sizeof *r->rows);
  r->gradient = arena_alloc(&o->memory, (size_t)g->n_weights + 1, sizeof *r->gradient);
  int64_t states = 0;
  for (int i = 0; i < g->n_carries; i++) states += (int64_t)b->rows * g->carries[i].width;
  if (!r->carry || states != o->carry_count) {
    mem_free(r->carry);
    r->carry = mem_zero((size_t)states + 1, sizeof *r->carry);
    o->carry_count = states;
  }
  return r->values && r->rows && r->gradient && r->carry ? UNROLL_OK : error_memory(err);
}

/* Room for every alignment of the graph. */
static bool room_for_alignments(eval *e, arena *memory) {
  size_t logits = 0, states = 0, symbols = 0;
  for (int i = 0; i < e->g->n_nodes; i++) {
    const node *n = &e->g->nodes[i];
    if (n->op != OP_CTC && n->op != OP_CTC_GRAD) continue;
    const input *in = &e->g->inputs[n->slot];
    const node *x = &e->g->nodes[n->in[0]];
    const size_t T = (size_t)e->b->axes[x->axis].steps, U = in->space == SPACE_STEP ? (size_t)e->b->axes[in->axis].steps : 1;
    if (T * (size_t)x->width > logits) logits = T * (size_t)x->width;
    if (T * (2 * U + 1) > states) states = T * (2 * U + 1);
    if (U > symbols) symbols = U;
  }
  e->ctc.p = arena_alloc(memory, logits + 1, sizeof *e->ctc.p);
  e->ctc.forward = arena_alloc(memory, states + 1, sizeof *e->ctc.forward);
  e->ctc.back = arena_alloc(memory, states + 1, sizeof *e->ctc.back);
  e->ctc.symbols = arena_alloc(memory, symbols + 1, sizeof *e->ctc.symbols);
  return e->ctc.p && e->ctc.forward && e->ctc.back && e->ctc.symbols;
}

/* The graph with the widths that this batch gives to rows of steps. */
static bool settle_widths(eval *e, graph *settled, arena *memory) {
  const graph *g = e->g;
  node *nodes = arena_alloc(memory, (size_t)g->n_nodes + 1, sizeof *nodes);
  e->over = arena_alloc(memory, (size_t)g->n_nodes + 1, sizeof *e->over);
  if (!nodes || !e->over) return false;
  for (int i = 0; i < g->n_nodes; i++) {
    nodes[i] = g->nodes[i];
    e->over[i] = graph_steps_axis(nodes[i].width);
    if (e->over[i] >= 0) nodes[i].width = e->b->axes[e->over[i]].steps;
  }
  *settled = *g;
  settled->nodes = nodes;
  e->g = settled;
  return true;
}

/* Room for the values of all needed nodes; those that are not needed keep NULL. */
static unroll_status prepare(eval *e, arena *memory, const unsigned char *needed, unroll_error *err) {
  for (int i = 0; i < e->g->n_nodes; i++) {
    const node *n = &e->g->nodes[i];
    if (!needed[i]) continue;
    unroll_status s = check_node(e, i, err);
    if (s != UNROLL_OK) return s;
    e->r->rows[i] = rows_of(e, n);
    e->state[i] = arena_alloc(memory, (size_t)steps_of(e, i) + 1, 1);
    if (!e->state[i]) return error_memory(err);
    if (n->op == OP_OUTER || n->op == OP_EMBED_T || n->op == OP_CONV_OUTER) continue;
    e->r->values[i] = arena_alloc(memory, (size_t)(e->r->rows[i] + 1) * (size_t)n->width, sizeof(double));
    if (!e->r->values[i]) return error_memory(err);
  }
  return UNROLL_OK;
}

unroll_status reference_pass(reference *r, const graph *g, const double *weights, const batch *b, const double *const *numbers,
                             int training, unroll_error *err) {
  unroll_status s = begin(r, g, b, err);
  if (s != UNROLL_OK) return s;
  arena *memory = &((owner *)r->owner)->memory;
  eval e = {.r = r, .g = g, .b = b, .weights = weights, .numbers = numbers, .training = training};
  graph settled;
  int widest = 1;
  if (!settle_widths(&e, &settled, memory)) return error_memory(err);
  g = &settled;
  for (int i = 0; i < g->n_nodes; i++) widest = g->nodes[i].width > widest ? g->nodes[i].width : widest;
  e.drawn = arena_alloc(memory, (size_t)widest, sizeof *e.drawn);
  unsigned char *needed = arena_alloc(memory, (size_t)g->n_nodes + 1, 1);
  int *stack = arena_alloc(memory, (size_t)g->n_nodes + 1, sizeof *stack);
  e.state = arena_alloc(memory, (size_t)g->n_nodes + 1, sizeof *e.state);
  if (!needed || !stack || !e.state || !e.drawn || !room_for_alignments(&e, memory)) return error_memory(err);
  if (!mark_needed(g, needed, stack)) return error_set(err, UNROLL_FAILED, "the graph refers to a node that does not exist");
  s = prepare(&e, memory, needed, err);
  for (int i = 0; i < g->n_nodes && s == UNROLL_OK; i++)
    for (int t = 0; needed[i] && t < steps_of(&e, i) && s == UNROLL_OK; t++) s = demand(&e, i, t, err);
  mem_free(e.stack);
  if (s != UNROLL_OK) return s;
  add_gradients(&e);
  advance_carries(&e);
  return UNROLL_OK;
}

double reference_loss(const reference *r, int number) {
  const int n = r->g->losses[number].node;
  double sum = 0;
  for (int64_t i = 0; i < r->rows[n]; i++) sum += r->values[n][i];
  return sum;
}

void reference_free(reference *r) {
  if (r->owner) arena_free(&((owner *)r->owner)->memory);
  mem_free(r->owner);
  mem_free(r->carry);
  *r = (reference){0};
}
