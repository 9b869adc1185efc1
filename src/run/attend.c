/* attend.c - attention: each row against all steps that its example has on another axis.
 *
 * The rows of a stage are those of a query (of a key, where the gradient is collected); the other side is a whole matrix, in
 * which the example is another sequence: axes have orders of their own. Every row has one fixed order of its sums. Outside loops
 * the work goes sequence by sequence, so that the other side's steps stay in cache for all rows that meet them; a thread takes
 * every n-th sequence, and a few rows of it at once, so that what is read serves all of them. */
#include "run/internal.h"

static const int64_t no_steps[1] = {0};

/* A stage with its matrices resolved: row i of the own side is at p + i * row. */
typedef struct sides {
  rows out, in[4]; /* of the other side: all of it */
  int other;       /* which input that is; -1: none */
} sides;

static int other_input(enum stage_kind kind) {
  switch (kind) {
  case STAGE_DOTS:
  case STAGE_MIX:
  case STAGE_COLLECT:
  case STAGE_ADDITIVE:
    return 1;
  case STAGE_ADDITIVE_GRAD:
  case STAGE_ADDITIVE_COLLECT:
  case STAGE_ADDITIVE_MIX:
    return 2;
  default:
    return -1;
  }
}

/* Weights that lie in a column of the other side's rows. */
static bool by_column(enum stage_kind kind) { return kind == STAGE_COLLECT || kind == STAGE_ADDITIVE_COLLECT; }

static sides resolve(const run *r, const worker *w, const stage *s, const where *here) {
  sides m = {.out = run_at(r, w, &s->out, here, 0), .other = other_input(s->kind)};
  const where all = {NULL, -1, false};
  for (int i = 0; i < 4; i++) {
    const bool own = i != m.other && !(i == 0 && by_column(s->kind));
    m.in[i] = run_at(r, w, &s->in[i], own ? here : &all, 0);
    if (!m.in[i].p) m.in[i] = (rows){r->zeros, 0}; /* a view's missing step */
  }
  return m;
}

static float *at(rows x, int64_t i) { return x.p + i * x.row; }

/* The steps of the other side's sequence that belong to an example. */
static step_rows other_steps(const run *r, const stage *s, const sides *m, int example, int64_t *sequence) {
  step_rows y = {.first = no_steps, .n = 1};
  *sequence = example;
  if (s->over >= 0) {
    *sequence = r->sequence[(int64_t)s->over * r->f->max_rows + example];
    y.n = r->length[(int64_t)s->over * r->f->max_rows + *sequence];
    y.first = r->b->axes[s->over].first;
  }
  if (m->other >= 0) {
    y.p = at(m->in[m->other], *sequence);
    y.row = m->in[m->other].row;
  }
  return y;
}

/* Rows of the own side that meet the same steps y of the other, those of its sequence q: row first[i] + row at step t + i of their
 * own sequence, `count` of them; first NULL: one row. */
static void some_rows(const run *r, const worker *w, const stage *s, const sides *m, const step_rows *y, int64_t q,
                      const int64_t *first, int64_t row, int t, int count) {
  const kernels *k = r->k;
  float *out[ATTEND_ROWS];
  const float *x[ATTEND_ROWS], *weights[ATTEND_ROWS];
  for (int c = 0; c < count; c++) {
    const int64_t own = first ? first[c] + row : row;
    out[c] = at(m->out, own);
    weights[c] = at(m->in[0], own);
    x[c] = at(m->in[1], own);
    if (by_column(s->kind)) weights[c] = w->column + (int64_t)c * r->f->max_steps;
  }
  for (int i = 0; i < y->n && by_column(s->kind); i++)
    for (int c = 0; c < count; c++) w->column[(int64_t)c * r->f->max_steps + i] = at(m->in[0], q + y->first[i])[t + c];
  switch (s->kind) {
  case STAGE_DOTS:
    k->dots(out, weights, count, y, s->in_width);
    return;
  case STAGE_MIX:
  case STAGE_COLLECT:
    k->mix(out, weights, count, y, s->width);
    return;
  default:
    break;
  }
  for (int c = 0; c < count; c++) switch (s->kind) {
    case STAGE_ADDITIVE:
      k->additive(out[c], weights[c], y, m->in[2].p, s->in_width);
      break;
    case STAGE_ADDITIVE_GRAD:
    case STAGE_ADDITIVE_COLLECT:
      k->additive_grad(out[c], weights[c], x[c], y, m->in[3].p, s->width);
      break;
    case STAGE_ADDITIVE_MIX:
      k->additive_mix(out[c], weights[c], x[c], y, s->width);
      break;
    case STAGE_WEIGHTS:
      if (y->n) k->softmax(out[c], m->out.row, weights[c], m->in[0].row, 1, y->n);
      break;
    default:
      if (y->n) k->softmax_grad(out[c], m->out.row, weights[c], m->in[0].row, x[c], m->in[1].row, 1, y->n);
    }
}

static int example_of(const batch_axis *a, int64_t sequence) { return a->order ? a->order[sequence] : (int)sequence; }

void run_attend(const run *r, const worker *w, const stage *s, const where *here, int64_t row0, int64_t row1) {
  const sides m = resolve(r, w, s, here);
  for (int64_t i = row0; i < row1; i++) {
    int64_t q;
    const step_rows y = other_steps(r, s, &m, example_of(here->axis, i), &q);
    some_rows(r, w, s, &m, &y, q, NULL, i, here->t, 1);
  }
}

void run_attend_all(const run *r, const worker *w, const stage *s, int thread, int threads) {
  const batch_axis *a = s->of_steps ? &r->b->axes[s->axis] : NULL;
  const where here = {a, -1, false};
  const sides m = resolve(r, w, s, &here);
  for (int64_t i = thread; i < r->b->rows; i += threads) {
    int64_t q;
    const step_rows y = other_steps(r, s, &m, a ? example_of(a, i) : (int)i, &q);
    if (!a) {
      some_rows(r, w, s, &m, &y, q, NULL, i, 0, 1);
      continue;
    }
    const int length = r->length[(int64_t)s->axis * r->f->max_rows + i];
    for (int t = 0; t < length; t += ATTEND_ROWS)
      some_rows(r, w, s, &m, &y, q, a->first + t, i, t, length - t < ATTEND_ROWS ? length - t : ATTEND_ROWS);
  }
}
