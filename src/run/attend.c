/* attend.c - attention: each row against all steps that its example has on another axis.
 *
 * The rows of a stage are those of a query (of a key, where the gradient is collected); the other side is a whole matrix, in
 * which the example is another sequence: axes have orders of their own. Every row has one fixed order of its sums. Outside loops
 * the work goes sequence by sequence, so that the other side's steps stay in cache for all rows that meet them; a thread takes
 * every n-th sequence. */
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

/* Row `row` of the own side: at step t of its sequence, of example `example`. */
static void one_row(const run *r, const worker *w, const stage *s, const sides *m, int64_t row, int t, int example) {
  const kernels *k = r->k;
  float *out = at(m->out, row), *weights = at(m->in[0], row);
  step_rows y = {.first = no_steps, .n = 1};
  int64_t q = example;
  if (s->over >= 0) {
    q = r->sequence[(int64_t)s->over * r->f->max_rows + example];
    y.n = r->length[(int64_t)s->over * r->f->max_rows + q];
    y.first = r->b->axes[s->over].first;
  }
  if (m->other >= 0) {
    y.p = at(m->in[m->other], q);
    y.row = m->in[m->other].row;
  }
  if (by_column(s->kind)) {
    weights = w->column;
    for (int i = 0; i < y.n; i++) weights[i] = at(m->in[0], q + y.first[i])[t];
  }
  switch (s->kind) {
  case STAGE_DOTS:
    k->dots(out, at(m->in[0], row), &y, s->in_width);
    break;
  case STAGE_MIX:
  case STAGE_COLLECT:
    k->mix(out, weights, &y, s->width);
    break;
  case STAGE_ADDITIVE:
    k->additive(out, at(m->in[0], row), &y, m->in[2].p, s->in_width);
    break;
  case STAGE_ADDITIVE_GRAD:
  case STAGE_ADDITIVE_COLLECT:
    k->additive_grad(out, weights, at(m->in[1], row), &y, m->in[3].p, s->width);
    break;
  case STAGE_ADDITIVE_MIX:
    k->additive_mix(out, weights, at(m->in[1], row), &y, s->width);
    break;
  case STAGE_WEIGHTS:
    if (y.n) k->softmax(out, m->out.row, weights, m->in[0].row, 1, y.n);
    break;
  default:
    if (y.n) k->softmax_grad(out, m->out.row, weights, m->in[0].row, at(m->in[1], row), m->in[1].row, 1, y.n);
  }
}

static int example_of(const batch_axis *a, int64_t sequence) { return a->order ? a->order[sequence] : (int)sequence; }

void run_attend(const run *r, const worker *w, const stage *s, const where *here, int64_t row0, int64_t row1) {
  const sides m = resolve(r, w, s, here);
  for (int64_t i = row0; i < row1; i++) one_row(r, w, s, &m, i, here->t, example_of(here->axis, i));
}

void run_attend_all(const run *r, const worker *w, const stage *s, int thread, int threads) {
  const batch_axis *a = s->of_steps ? &r->b->axes[s->axis] : NULL;
  const where here = {a, -1, false};
  const sides m = resolve(r, w, s, &here);
  for (int64_t q = thread; q < r->b->rows; q += threads) {
    if (!a) {
      one_row(r, w, s, &m, q, 0, (int)q);
      continue;
    }
    const int length = r->length[(int64_t)s->axis * r->f->max_rows + q], example = example_of(a, q);
    for (int t = 0; t < length; t++) one_row(r, w, s, &m, a->first[t] + q, t, example);
  }
}
