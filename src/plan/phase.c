/* phase.c - which stages go together through time, and in which direction.
 *
 * The idea: a pass can be cut into windows of steps, which run one after the other and need memory for one window only. Such a
 * walk over all windows is a sweep. What has no step comes before, between or after sweeps, so phases alternate. Phase 0 is
 * what needs no step of the axis that is cut. Phase 1 is the first sweep, phase 2 what needs a sum or an end of it, phase 3 the
 * second sweep, and so on. Even sweeps, from 0, go from the first step to the last, the others back. A value that looks at the
 * step before, in its own sweep, needs one that goes forwards. So a recurrence runs in sweep 0 and its gradient in sweep 1. One
 * that starts at the last step runs in sweep 1 and its gradient in sweep 2. What nobody needs early is done late, because an
 * early sweep's values have to be computed again, or kept, for a later one. So the logits over a vocabulary and all that
 * follows from them belong to sweep 1.
 *
 * Every plan has phases, cut or not. Its stages are in their order, and sums over rows go in the direction of their sweep. So a
 * pass in windows has the bits of a pass in one. A net that needs all steps at once on every axis (attention to them) has none.
 */
#include "base/error.h"
#include "plan/internal.h"

enum { PHASES_MOST = 16 };

typedef struct phases {
  struct plan *p;
  int axis;
  int bad; /* a value that no window can have; -1: none */
  const char *why;
} phases;

bool plan_in_windows(const struct plan *p, const value *v) { return p->cut >= 0 && v->space == SPACE_STEP && v->axis == p->cut; }

/* One result, without steps, of all steps. */
bool plan_reduces(const struct plan *p, const value *v) {
  return v->kind == VALUE_STAGE && v->in[0] >= 0 && !plan_in_windows(p, v) && plan_in_windows(p, &p->values[v->in[0]]);
}

static int available_in(const struct plan *p, int number) {
  const value *v = &p->values[number];
  return value_always_there(v) ? 0 : v->phase + plan_reduces(p, v);
}

typedef struct reading {
  const struct plan *p;
  int phase;
  bool windows;
} reading;

static void look(void *context, int reader, int read) {
  (void)reader;
  reading *r = context;
  const int at = available_in(r->p, read);
  if (at > r->phase) r->phase = at;
  r->windows = r->windows || plan_in_windows(r->p, &r->p->values[read]);
}

/* The gradient of the largest of all steps goes to the first that is, and hands on what has found none. */
static bool goes_forwards(const struct plan *p, const value *v) {
  return v->kind == VALUE_STAGE && v->op == OP_MAX_TIME_GRAD && plan_in_windows(p, v);
}

/* The earliest phase of a value, by what it reads. */
static int earliest(const struct plan *p, int number) {
  const value *v = &p->values[number];
  reading r = {p, 0, false};
  plan_reads(p, number, look, &r);
  const bool sweeps = plan_in_windows(p, v) || plan_reduces(p, v);
  int phase = r.phase + (r.phase % 2 != sweeps);
  if (goes_forwards(p, v) && phase / 2 % 2) phase += 2;
  if (sweeps && v->kind == VALUE_VIEW && v->op == OP_SHIFT && v->in[0] >= 0 && plan_in_windows(p, &p->values[v->in[0]])) {
    const int at = p->values[v->in[0]].phase;
    const bool forwards = at / 2 % 2 == 0;
    if (at >= phase && forwards != (v->dir > 0)) phase = at + 2;
  }
  return phase;
}

/* Two look-ups in one table would add to the same rows, in another order when cut. */
static bool looked_up_twice(const struct plan *p, int number) {
  const value *v = &p->values[number];
  for (int i = 0; i < number; i++) {
    const value *u = &p->values[i];
    if (u->kind == VALUE_STAGE && u->op == OP_EMBED_T && u->phase == v->phase && plan_reduces(p, u) &&
        p->g->nodes[u->node].param == p->g->nodes[v->node].param)
      return true;
  }
  return false;
}

static const char *refusal(const struct plan *p, int number) {
  const value *v = &p->values[number];
  bool windows = plan_in_windows(p, v) || (v->kind == VALUE_STAGE && v->over == p->cut);
  if (v->kind == VALUE_DEAD) return NULL;
  for (int i = 0; i < NODE_INPUTS; i++)
    if (v->in[i] >= 0) windows = windows || plan_in_windows(p, &p->values[v->in[i]]);
  if (!windows) return NULL;
  if (v->kind == VALUE_STAGE && (v->op == OP_CTC || v->op == OP_CTC_GRAD)) return "ctc needs all steps at once";
  if (v->kind == VALUE_STAGE && (v->over >= 0 || plan_others[v->op]->steps_operand >= 0))
    return "attention needs all steps at once";
  if (v->phase >= PHASES_MOST) return "what goes forwards and what goes back need each other too often";
  if (v->kind != VALUE_STAGE) return NULL;
  if (v->op == OP_CONV_OUTER || v->op == OP_SUM_POSITIONS) return "the gradient of a convolution needs all steps at once";
  if (v->op == OP_REVERSE) return "reverse needs all steps at once";
  if (v->op == OP_BATCH_STATS || v->op == OP_BATCH_SUMS) return "batchnorm needs all steps at once";
  return v->op == OP_EMBED_T && looked_up_twice(p, number) ? "one table is looked up in two places" : NULL;
}

/* Is it an equation of the text? */
static bool has_source(const struct plan *p, int number) {
  const node *n = &p->g->nodes[p->values[number].node];
  return n->source || (n->param >= 0 && p->g->params[n->param].source);
}

/* Raises phases until they hold; p->cut is the axis. */
static void find_earliest(phases *f) {
  struct plan *p = f->p;
  bool changed = true, too_many = false;
  for (int i = 0; i < p->n_values; i++) p->values[i].phase = plan_in_windows(p, &p->values[i]);
  while (changed && !too_many) { /* phases only rise, and not for ever */
    changed = false;
    for (int i = 0; i < p->n_order; i++) {
      value *v = &p->values[p->order[i]];
      const int phase = earliest(p, p->order[i]);
      if (phase <= v->phase) continue;
      changed = true;
      v->phase = phase;
      for (int k = 0; v->loop >= 0 && k < p->loops[v->loop].n_members; k++) {
        value *m = &p->values[p->loops[v->loop].members[k]];
        if (m->kind != VALUE_VIEW && m->phase < phase) m->phase = phase;
      }
      if (phase >= PHASES_MOST) too_many = true;
    }
  }
  f->bad = -1;
  for (int i = 0; i < p->n_values && (f->bad < 0 || !has_source(p, f->bad)); i++) { /* an equation of the text, if there is one */
    const char *why = refusal(p, i);
    if (why && (f->bad < 0 || has_source(p, i))) f->bad = i, f->why = why;
  }
}

/* A value that only a later sweep reads is computed in that one. */
static void find_latest(struct plan *p) {
  int last = 0;
  for (int i = 0; i < p->n_order; i++)
    if (plan_in_windows(p, &p->values[p->order[i]]) && p->values[p->order[i]].phase > last) last = p->values[p->order[i]].phase;
  for (int i = p->n_order - 1; i >= 0; i--) {
    value *v = &p->values[p->order[i]];
    if (!plan_in_windows(p, v) || v->loop >= 0 || goes_forwards(p, v) || (v->kind == VALUE_VIEW && v->op == OP_SHIFT)) continue;
    int phase = last;
    for (int k = 0; k < v->n_readers; k++) {
      const value *r = &p->values[p->readers[v->first_reader + k]];
      const int at = r->kind == VALUE_VIEW && r->op == OP_SHIFT ? v->phase : r->phase;
      if (at < phase) phase = at;
    }
    if (phase > v->phase && phase % 2) v->phase = phase;
  }
}

/* The last sweep that needs `operand` for something else than the sum `number`, itself or through a view. */
static int last_needed(const struct plan *p, int operand, int number) {
  const value *o = &p->values[operand];
  int last = o->phase;
  for (int i = 0; i < o->n_readers; i++) {
    const int reader = p->readers[o->first_reader + i];
    const value *r = &p->values[reader];
    const int phase = r->kind == VALUE_VIEW ? last_needed(p, reader, number) : r->phase;
    if (reader != number && phase > last && phase % 2) last = phase;
  }
  return last;
}

/* A sum for a parameter goes with the last sweep that needs both its operands. An earlier one would have them computed, or
 * kept, for both. */
static bool sum_late(struct plan *p) {
  bool changed = false;
  for (int i = 0; i < p->n_values; i++) {
    value *v = &p->values[i];
    int phase = PHASES_MOST;
    if (v->kind != VALUE_STAGE || (v->op != OP_OUTER && v->op != OP_SUM_ROWS) || !plan_reduces(p, v)) continue;
    for (int k = 0; k < NODE_INPUTS; k++)
      if (v->in[k] >= 0 && plan_in_windows(p, &p->values[v->in[k]])) {
        const int last = last_needed(p, v->in[k], i);
        if (last < phase) phase = last;
      }
    for (int k = 0; k < v->n_readers; k++) {
      const value *r = &p->values[p->readers[v->first_reader + k]];
      if (r->phase <= phase) phase = r->phase - 1;
    }
    if (phase % 2 == 0 || phase <= v->phase) continue;
    v->phase = phase;
    changed = true;
  }
  return changed;
}

static int64_t width_of_axis(const struct plan *p, int axis) {
  int64_t n = 0;
  for (int i = 0; i < p->n_values; i++) {
    const value *v = &p->values[i];
    if (v->kind != VALUE_DEAD && v->space == SPACE_STEP && v->axis == axis) n += v->width;
  }
  return n;
}

unroll_status plan_phases(struct plan *p, unroll_error *err) {
  int best = -1, worst = -1;
  int64_t best_width = 0, worst_width = -1;
  unroll_status s = plan_find_readers(p, err);
  if (s) return s;
  for (int a = 0; a < p->g->n_axes; a++) {
    const int64_t width = width_of_axis(p, a);
    phases f = {.p = p, .axis = a};
    p->cut = a;
    find_earliest(&f);
    if (f.bad < 0 && width > best_width) best = a, best_width = width;
    if (f.bad >= 0 && width > worst_width) worst = f.bad, worst_width = width, p->uncut_why = f.why;
  }
  p->cut = best;
  p->uncut = worst;
  if (best >= 0) {
    find_earliest(&(phases){.p = p, .axis = best});
    find_latest(p);
    if (sum_late(p)) find_latest(p);
  } else
    for (int i = 0; i < p->n_values; i++) p->values[i].phase = 0;
  return UNROLL_OK;
}
