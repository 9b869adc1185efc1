/* attend.c - attention: each row against all steps that its example has on another axis.
 *
 * The rows of a stage are those of a query (of a key, where the gradient is collected). The other side is a whole matrix. In it
 * the example is another sequence: axes have orders of their own. Every row has one fixed order of its sums. Outside loops the
 * work goes sequence by sequence, so that the other side's steps stay in cache for all rows that meet them. A thread takes
 * every n-th sequence. It takes a few rows of a sequence at once, so that what is read serves all of them. */
#include "run/internal.h"

static const int64_t no_steps[1] = {0};

/* A stage with its matrices resolved: row i of the own side is at p + i * row. */
typedef struct sides {
  rows out, in[4]; /* of the other side: all of it */
  int other;       /* which input that is; -1: none */
} sides;

/* Some rows of the own side: out[c] from weights[c] and x[c], with the steps y of the other side. */
typedef struct attend_part {
  const kernels *k;
  const stage *s;
  const sides *m;
  const step_rows *y;
  float **out;
  const float **weights, **x;
  int count;
} attend_part;

static void scores(const attend_part *p) { p->k->dots(p->out, p->weights, p->count, p->y, p->s->in_width); }
static void mixture(const attend_part *p) { p->k->mix(p->out, p->weights, p->count, p->y, p->s->width); }
static void additive(const attend_part *p) {
  for (int c = 0; c < p->count; c++) p->k->additive(p->out[c], p->weights[c], p->y, p->m->in[2].p, p->s->in_width);
}
static void additive_grad(const attend_part *p) {
  for (int c = 0; c < p->count; c++) p->k->additive_grad(p->out[c], p->weights[c], p->x[c], p->y, p->m->in[3].p, p->s->width);
}
static void additive_mix(const attend_part *p) {
  for (int c = 0; c < p->count; c++) p->k->additive_mix(p->out[c], p->weights[c], p->x[c], p->y, p->s->width);
}
static void shares(const attend_part *p) {
  for (int c = 0; c < p->count && p->y->n; c++) p->k->softmax(p->out[c], p->m->out.row, p->weights[c], p->m->in[0].row, 1, p->y->n);
}
static void shares_grad(const attend_part *p) {
  for (int c = 0; c < p->count && p->y->n; c++)
    p->k->softmax_grad(p->out[c], p->m->out.row, p->weights[c], p->m->in[0].row, p->x[c], p->m->in[1].row, 1, p->y->n);
}

/* A stage of the way ATTEND. It says its arithmetic, which input is the other side (-1: none), and whether that side's rows
 * have the weights as a column. */
typedef struct attention {
  void (*rows)(const attend_part *p);
  int other;
  bool by_column;
} attention;
static const attention attend_DOTS = {scores, 1, false};
static const attention attend_MIX = {mixture, 1, false};
static const attention attend_COLLECT = {mixture, 1, true};
static const attention attend_ADDITIVE = {additive, 1, false};
static const attention attend_ADDITIVE_GRAD = {additive_grad, 2, false};
static const attention attend_ADDITIVE_COLLECT = {additive_grad, 2, true};
static const attention attend_ADDITIVE_MIX = {additive_mix, 2, false};
static const attention attend_WEIGHTS = {shares, -1, false};
static const attention attend_WEIGHTS_GRAD = {shares_grad, -1, false};

#define ATTEND_OF_TILE(name)
#define ATTEND_OF_LOOP(name)
#define ATTEND_OF_OUTER(name)
#define ATTEND_OF_ROWS(name)
#define ATTEND_OF_ATTEND(name) [STAGE_##name] = &attend_##name,
#define ATTEND_OF_CTC(name)
#define ATTEND_OF_WHOLE(name)
#define STAGE(name, text, way, rest, writes, products) ATTEND_OF_##way(name)
static const attention *const attentions[STAGE_KINDS] = {
#include "plan/stages.def"
};

static sides resolve(const run *r, const worker *w, const stage *s, const where *here) {
  sides m = {.out = run_at(r, w, &s->out, here, 0), .other = attentions[s->kind]->other};
  const where all = {NULL, -1, false};
  for (int i = 0; i < 4; i++) {
    const bool own = i != m.other && !(i == 0 && attentions[s->kind]->by_column);
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

/* `count` rows of the own side that meet the same steps y of the other, those of its sequence q. They are row first[i] + row at
 * step t + i of their own sequence. first NULL: one row. */
static void some_rows(const run *r, const worker *w, const stage *s, const sides *m, const step_rows *y, int64_t q,
                      const int64_t *first, int64_t row, int t, int count) {
  const attention *how = attentions[s->kind];
  float *out[ATTEND_ROWS];
  const float *x[ATTEND_ROWS], *weights[ATTEND_ROWS];
  for (int c = 0; c < count; c++) {
    const int64_t own = first ? first[c] + row : row;
    out[c] = at(m->out, own);
    weights[c] = at(m->in[0], own);
    x[c] = at(m->in[1], own);
    if (how->by_column) weights[c] = w->column + (int64_t)c * r->f->max_steps;
  }
  for (int i = 0; i < y->n && how->by_column; i++)
    for (int c = 0; c < count; c++) w->column[(int64_t)c * r->f->max_steps + i] = at(m->in[0], q + y->first[i])[t + c];
  how->rows(&(attend_part){.k = r->k, .s = s, .m = m, .y = y, .out = out, .weights = weights, .x = x, .count = count});
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
