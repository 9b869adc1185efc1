/* window.c - a pass in windows of steps: what is computed again, and what one window leaves to the next.
 *
 * In a sweep (phase.c) every window runs the stages of that sweep. What an earlier sweep computed and this one reads is no
 * longer there. It is computed again for the window, except where the window was the last one to run. A recurrence can begin in
 * the middle. For every window the rows that its neighbour looks at, of the last step or the first, are kept. Sums, ends and
 * weight gradients have one result for all windows, and are never computed twice. What needs no step is computed once and
 * outlives the sweeps: its matrix is shared with nothing.
 *
 * Chunks are windows in which nothing is computed again. What another sweep or a neighbour window reads has a matrix of all
 * steps, and only the rest has one of a chunk's. They need more memory than windows and no more time; often less, for what a
 * stage leaves to the next is in the caches. */
#include "base/error.h"
#include "plan/internal.h"

static int sweep_of(const value *v) { return v->phase / 2; }

/* A value of the steps of the axis, whose matrix has the rows of one window. */
static bool computed_in_windows(const struct plan *p, int number) {
  const value *v = &p->values[number];
  return v->kind != VALUE_DEAD && !value_always_there(v) && plan_in_windows(p, v);
}

typedef struct marking {
  struct plan *p;
  bool *needed; /* by the sweep */
  int sweep;
  bool changed;
} marking;

static void mark(void *context, int reader, int read) {
  (void)reader;
  marking *m = context;
  if (!computed_in_windows(m->p, read) || sweep_of(&m->p->values[read]) >= m->sweep || m->needed[read]) return;
  m->needed[read] = m->changed = true;
}

/* Is the value computed by a stage, rather than seen through? */
static bool has_stage(const value *v) { return v->kind != VALUE_VIEW || v->copied; }

static void find_again(marking *m) {
  struct plan *p = m->p;
  do {
    m->changed = false;
    for (int i = p->n_values - 1; i >= 0; i--) {
      const value *v = &p->values[i];
      if (v->kind == VALUE_DEAD) continue;
      if (computed_in_windows(p, i) && has_stage(v) && !m->needed[i] && (p->groups[v->stage].again >> m->sweep & 1))
        m->needed[i] = true; /* its stage is run anyway */
      const bool own = sweep_of(v) == m->sweep && (plan_reduces(p, v) || computed_in_windows(p, i));
      if (!own && !m->needed[i]) continue;
      if (m->needed[i] && has_stage(v) && !(p->groups[v->stage].again >> m->sweep & 1)) {
        p->groups[v->stage].again |= 1u << m->sweep;
        m->changed = true; /* its other members are needed too */
      }
      plan_reads(p, i, mark, m);
    }
  } while (m->changed);
}

/* Rows for each window; where no later sweep comes back to them, for two by turns. */
static unroll_status add_bound(struct plan *p, const value *v, struct value_bound *b, unroll_error *err) {
  int64_t floats;
  const int windows = (p->out.max_steps + p->options.window - 1) / p->options.window;
  if (b->slots) return UNROLL_OK;
  b->slots = sweep_of(v) == p->out.n_sweeps - 1 ? 2 : windows;
  if (__builtin_mul_overflow((int64_t)b->slots * p->out.max_rows, v->row, &floats)) floats = -1;
  return plan_request(p, floats, &b->offset, 0, p->n_groups, err);
}

unroll_status plan_windows(struct plan *p, unroll_error *err) {
  for (int i = 0; i < p->n_groups; i++)
    if (p->groups[i].phase % 2 && p->groups[i].phase / 2 >= p->out.n_sweeps) p->out.n_sweeps = p->groups[i].phase / 2 + 1;
  if (!p->options.window || p->keeps) return UNROLL_OK; /* nothing is computed again */
  marking m = {.p = p};
  for (m.sweep = 1; m.sweep < p->out.n_sweeps; m.sweep++) {
    m.needed = mem_zero((size_t)p->n_values + 1, sizeof *m.needed);
    if (!m.needed) return error_memory(err);
    find_again(&m);
    mem_free(m.needed);
  }
  return UNROLL_OK;
}

unroll_status plan_window_memory(struct plan *p, unroll_error *err) {
  unroll_status s = UNROLL_OK;
  for (int i = 0; p->options.window && i < p->n_values && !s; i++) {
    value *v = &p->values[i], *from = v->in[0] >= 0 ? &p->values[v->in[0]] : NULL;
    if (!plan_in_windows(p, v) || !from || v->kind == VALUE_DEAD) continue;
    if (v->kind == VALUE_STAGE && v->op == OP_MAX_TIME_GRAD) s = add_bound(p, v, &v->left, err);
    if (v->kind == VALUE_VIEW && v->op == OP_SHIFT && computed_in_windows(p, v->in[0]) && !from->outlives)
      s = add_bound(p, from, &from->bound[v->dir < 0], err);
  }
  return s;
}

/* Is it read by another sweep, or by a neighbour window? */
static bool read_elsewhere(const struct plan *p, const value *v) {
  for (int i = 0; i < v->n_readers; i++) {
    const value *r = &p->values[p->readers[v->first_reader + i]];
    if (r->kind == VALUE_VIEW || sweep_of(r) != sweep_of(v)) return true;
  }
  return false;
}

/* A chunk costs and saves. Every chunk reads the panels of all products again, and what only it needs comes from the caches
 * instead of memory. A chunk has rows enough that the first is less than the second. */
int plan_chunk(const struct plan *p, bool *fast) {
  enum { ROWS = 256, FLOATS = 1 << 21 }; /* of matrices that one sweep alone needs: fewer stay in the caches, chunks or not */
  const int64_t unit = p->options.precision == PRECISION_BF16 ? PLAN_STEPS_OF_PAIRS : 1;
  int64_t own = 0, panels = 0, rows = ROWS;
  for (int i = 0; p->cut >= 0 && i < p->n_values; i++) {
    const value *v = &p->values[i];
    if (v->kind == VALUE_DEAD) continue;
    if (computed_in_windows(p, i) && v->stored && !v->per_step && v->home < 0 && !plan_kept(p, i) && !read_elsewhere(p, v))
      own += v->row;
    for (int k = 0; k < v->n_products; k++) panels += (int64_t)v->width * v->products[k].k;
  }
  if (own * p->out.max_cells < FLOATS) return 0;
  if (panels / own > rows) rows = (panels / own + OUTER_ROWS - 1) / OUTER_ROWS * OUTER_ROWS; /* whole blocks of weight gradients */
  *fast = rows <= OUTER_ROWS;
  const int64_t steps = rows > p->out.max_rows ? rows / p->out.max_rows : 1, even = (steps + unit - 1) / unit * unit;
  return even <= p->out.max_steps / 2 ? (int)even : 0;
}

bool plan_outlives_sweeps(const struct plan *p, int number) {
  const value *v = &p->values[number];
  if (!p->options.window) return false;
  if (plan_in_windows(p, v)) return plan_kept(p, number) || (p->keeps && read_elsewhere(p, v));
  return plan_reduces(p, v) || plan_kept(p, number) || v->dies >= p->n_groups || p->groups[v->dies].phase != v->phase;
}

unroll_status plan_window_check(struct plan *p, unroll_error *err) {
  if (!p->options.window && p->options.chunk && p->cut >= 0) {
    p->keeps = true;
    p->options.window = p->out.window = p->options.chunk;
  }
  if (!p->options.window) return UNROLL_OK;
  if (p->options.window < 1) return error_set(err, UNROLL_USAGE, "a window has at least one step");
  if (p->options.precision == PRECISION_BF16 && p->options.window % PLAN_STEPS_OF_PAIRS)
    return error_set(err, UNROLL_USAGE, "with bf16 a window has a multiple of %d steps", PLAN_STEPS_OF_PAIRS);
  if (p->cut >= 0) return UNROLL_OK;
  if (p->uncut < 0) { /* a pass without steps is as large as a window of it */
    p->options.window = p->out.window = 0;
    return UNROLL_OK;
  }
  /* the equation: of the value, or of what it is the gradient of */
  const node *n = &p->g->nodes[p->values[p->uncut].node];
  const param *w = n->param >= 0 ? &p->g->params[n->param] : NULL;
  if (!n->source && w && w->source)
    return lang_error(w->source, w->at, err, "a pass of this net cannot be cut into windows of steps: %s", p->uncut_why);
  if (n->source)
    return lang_error(n->source, n->at, err, "a pass of this net cannot be cut into windows of steps: %s", p->uncut_why);
  return error_set(err, UNROLL_BAD_INPUT, "a pass of this net cannot be cut into windows of steps: %s", p->uncut_why);
}
