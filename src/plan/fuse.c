/* fuse.c - a convolution, the relu of it and the pool of that become one value.
 *
 * What a convolution gives is many times what a pool leaves of it. So the whole is computed line by line of the picture, and
 * only the pool's result is written. For the gradient it is written together with where each number came from: its picks.
 * Weight gradients and the adjoint then read the gradient of the pool's result and the picks. Of the gradient of the
 * convolution itself nearly all numbers are zero, and it never exists. */
#include "base/error.h"
#include "plan/internal.h"

typedef struct fusing {
  struct plan *p;
  const bool *kept;
} fusing;

static value *reader_of(const fusing *f, int number, int i) {
  return &f->p->values[f->p->readers[f->p->values[number].first_reader + i]];
}
static int reader_number(const fusing *f, int number, int i) { return f->p->readers[f->p->values[number].first_reader + i]; }
static bool is_op(const value *v, enum op op) { return v->kind != VALUE_DEAD && v->op == op; }

/* The one reader of `number` that is a relu, where all others only ask where it is above zero; else -1. */
static int relu_of(const fusing *f, int number) {
  int relu = -1;
  for (int i = 0; i < f->p->values[number].n_readers; i++) {
    const value *r = reader_of(f, number, i);
    if (!is_op(r, OP_STEP) && (relu >= 0 || !is_op(r, OP_RELU))) return -1;
    if (is_op(r, OP_RELU)) relu = reader_number(f, number, i);
  }
  return relu;
}

/* relu(x) is above zero where x is. */
static void take_relu(const fusing *f, int conv, int relu) {
  value *from = &f->p->values[conv], *to = &f->p->values[relu];
  for (int i = 0; i < from->n_readers; i++)
    if (reader_number(f, conv, i) != relu) reader_of(f, conv, i)->in[0] = relu;
  to->kind = VALUE_STAGE;
  to->op = OP_CONV;
  to->node = from->node;
  to->relu = true;
  for (int i = 0; i < NODE_INPUTS; i++) to->in[i] = from->in[i];
  from->kind = VALUE_DEAD;
}

/* Squares that lie side by side. Picks are floats, and places of patches 32 bits: is the picture small enough for both? */
static bool apart(const fusing *f, const value *conv, const value *pool) {
  const patches *q = &f->p->g->nodes[pool->node].patches, *of = &f->p->g->nodes[conv->node].patches;
  const int64_t line = ((int64_t)of->columns + of->border) * of->channels, lines = (int64_t)of->rows + of->border;
  return q->stride == q->size && !q->border && line * q->size * of->stride < 1 << 24 && line * lines < INT32_MAX;
}

/* Does `step` say where `conv` is above zero, and does nobody but `number` times it read the gradient `number`? Then what they
 * make is the gradient of the convolution: its number, else -1. */
static int masked(const fusing *f, int conv, int number) {
  if (f->p->values[number].n_readers != 1 || f->kept[number]) return -1;
  const int times = reader_number(f, number, 0);
  const value *m = &f->p->values[times];
  if (!is_op(m, OP_MUL)) return -1;
  const value *step = &f->p->values[m->in[m->in[0] == number]];
  return is_op(step, OP_STEP) && step->in[0] == conv ? times : -1;
}

/* Is the gradient read by the convolution's own gradients only? */
static bool goes_back(const fusing *f, int number) {
  if (f->kept[number]) return false;
  for (int i = 0; i < f->p->values[number].n_readers; i++) {
    const value *r = reader_of(f, number, i);
    if ((!is_op(r, OP_CONV_OUTER) && !is_op(r, OP_CONV_T) && !is_op(r, OP_SUM_POSITIONS)) || r->in[0] != number) return false;
  }
  return true;
}

/* The gradient of `conv` by way of the gradient `number` of its pool; -1: that goes elsewhere, too. */
static int gradient_of(const fusing *f, int conv, int number) {
  const int back = f->p->values[conv].relu ? masked(f, conv, number) : number;
  return back >= 0 && goes_back(f, back) ? back : -1;
}

/* All who read a step(conv) are such products. */
static bool only_masks(const fusing *f, int conv, int step) {
  if (f->kept[step]) return false;
  for (int i = 0; i < f->p->values[step].n_readers; i++) {
    const value *m = reader_of(f, step, i);
    const int other = is_op(m, OP_MUL) ? m->in[m->in[0] == step] : -1;
    if (other < 0 || !is_op(&f->p->values[other], OP_POOL_GRAD) || f->p->values[other].in[0] != conv) return false;
  }
  return true;
}

/* The one pool that reads `conv`, where everything else that does is its gradient; else -1. */
static int pool_of(const fusing *f, int conv) {
  const value *v = &f->p->values[conv];
  int pool = -1;
  for (int i = 0; i < v->n_readers; i++)
    if (is_op(reader_of(f, conv, i), OP_POOL)) {
      if (pool >= 0) return -1;
      pool = reader_number(f, conv, i);
    }
  if (pool < 0 || !apart(f, v, &f->p->values[pool])) return -1;
  for (int i = 0; i < v->n_readers; i++) {
    const int number = reader_number(f, conv, i);
    const value *r = &f->p->values[number];
    const bool step = v->relu && is_op(r, OP_STEP) && only_masks(f, conv, number);
    const bool back = is_op(r, OP_POOL_GRAD) && r->in[0] == conv && r->in[1] == pool && gradient_of(f, conv, number) >= 0;
    if (number != pool && !step && !back) return -1;
  }
  return pool;
}

static void take_gradient(const fusing *f, int conv, int pool, int number) {
  const value *g = &f->p->values[number];
  const int back = gradient_of(f, conv, number), dy = g->in[2];
  for (int i = 0; i < f->p->values[back].n_readers; i++) {
    value *r = reader_of(f, back, i);
    r->in[0] = dy;
    r->in[2] = pool;
    r->pool = f->p->values[pool].node + 1;
  }
  f->p->values[pool].picks = true;
  f->p->values[back].kind = VALUE_DEAD;
}

static void take_pool(const fusing *f, int conv, int pool) {
  value *from = &f->p->values[conv], *to = &f->p->values[pool];
  for (int i = 0; i < from->n_readers; i++)
    if (is_op(reader_of(f, conv, i), OP_POOL_GRAD)) take_gradient(f, conv, pool, reader_number(f, conv, i));
  for (int i = 0; i < from->n_readers; i++)
    if (reader_number(f, conv, i) != pool) reader_of(f, conv, i)->kind = VALUE_DEAD;
  to->op = OP_CONV;
  to->pool = to->node + 1;
  to->node = from->node;
  to->relu = from->relu;
  for (int i = 0; i < NODE_INPUTS; i++) to->in[i] = from->in[i];
  from->kind = VALUE_DEAD;
}

unroll_status plan_fuse(struct plan *p, const bool *kept, unroll_error *err) {
  const fusing f = {p, kept};
  unroll_status s = plan_find_readers(p, err);
  for (int i = 0; i < p->n_values && !s; i++) {
    const int relu = is_op(&p->values[i], OP_CONV) && !p->values[i].relu && !kept[i] ? relu_of(&f, i) : -1;
    if (relu >= 0) take_relu(&f, i, relu);
  }
  if (!s) s = plan_find_readers(p, err);
  for (int i = 0; i < p->n_values && !s; i++) {
    const int pool = is_op(&p->values[i], OP_CONV) && !p->values[i].pool && !kept[i] ? pool_of(&f, i) : -1;
    if (pool >= 0) take_pool(&f, i, pool);
  }
  return s;
}
