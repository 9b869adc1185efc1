/* session_plan.c - what a session runs, and what it reads whole before its first step. That may be a sentence that is
 * translated, or the text of a tagger that looks both ways. Plans have room for sequences of some length. Longer ones are planned
 * for when they are set. */
#include <string.h>
#include "api/session.h"
#include "base/memory.h"
#include "run/make.h"

/* --- what is read whole --- */

unroll_status session_find_whole(unroll_session *s, unroll_error *err) {
  const graph *g = &s->m->m.g;
  bool *seen = mem_zero((size_t)g->n_nodes + 1, sizeof *seen);
  int *todo = mem_zero((size_t)g->n_nodes + 1, sizeof *todo), n = 0;
  unroll_status status = seen && todo ? UNROLL_OK : error_memory(err);
#define LOOK(i)                                                                                                                    \
  do {                                                                                                                             \
    const int look_ = (i);                                                                                                         \
    if (look_ >= 0 && !seen[look_]) seen[look_] = true, todo[n++] = look_;                                                         \
  } while (0)
  for (int i = 0; i < s->c.n_boundary && !status; i++) LOOK(s->c.boundary[i].node);
  for (int i = 0; i < s->c.decoder.n_carries && !status; i++) LOOK(s->c.starts[i]);
  while (n && !status) {
    const node *x = &g->nodes[todo[--n]];
    if ((x->op == OP_INPUT || x->op == OP_EMBED) && x->space == SPACE_STEP) {
      track *t = &s->tracks[g->inputs[x->slot].data];
      if (t->fed || variable_is_end(t->v))
        status = error_set(err, UNROLL_USAGE, "the net reads all of '%s' before its first step, so it cannot be run step by step",
                           t->v->form.name);
      t->whole = t->used = s->reads = true;
      s->given.columns[t->data].there = true;
    }
    for (int a = 0; a < NODE_INPUTS; a++) LOOK(x->in[a]);
  }
#undef LOOK
  mem_free(seen);
  mem_free(todo);
  return status;
}

int64_t session_most_steps(const unroll_session *s, int row, const char **name) {
  for (int i = 0; i < s->m->m.g.n_data; i++) {
    const track *t = &s->tracks[i];
    if (!t->whole || t->v->axis != s->c.axis) continue;
    if (name) *name = t->v->form.name;
    return s->given.columns[i].first[row + 1] - s->given.columns[i].first[row];
  }
  return INT64_MAX;
}

/* What shares an axis has as many steps in every row that is set. */
static unroll_status check_steps(const unroll_session *s, int number, int row, unroll_error *err) {
  const column_values *c = &s->given.columns[number];
  for (int i = 0; i < s->m->m.g.n_data; i++) {
    const track *t = &s->tracks[i];
    const column_values *d = &s->given.columns[i];
    if (i == number || !t->whole || !t->set[row] || t->v->axis != s->tracks[number].v->axis) continue;
    const int64_t n = c->first[row + 1] - c->first[row], m = d->first[row + 1] - d->first[row];
    if (n != m)
      return error_set(err, UNROLL_USAGE, "'%s' has %lld steps, but '%s' has %lld, and the net needs as many",
                       s->tracks[number].v->form.name, (long long)n, t->v->form.name, (long long)m);
  }
  return UNROLL_OK;
}

/* A block with the n values of one row in the place of those it has. */
static void *replace(const column_values *c, const void *old, const void *new, size_t one, int row, int rows, int64_t n) {
  const size_t before = (size_t)c->first[row] * one, size = (size_t)n * one, after = (size_t)c->first[row + 1] * one,
               all = (size_t)c->first[rows] * one;
  char *to = mem_alloc(before + size + (all - after) + 1);
  if (!to) return NULL;
  if (before) memcpy(to, old, before);
  if (size) memcpy(to + before, new, size);
  if (all > after) memcpy(to + before + size, (const char *)old + after, all - after);
  return to;
}

unroll_status session_reach(unroll_session *s, unroll_error *err) {
  int64_t steps = s->p.steps, cells = s->p.cells;
  for (int a = 0; a < s->m->m.g.n_axes; a++) {
    int64_t all = 0;
    for (int r = 0; r < s->rows; r++) {
      const int64_t n = dataset_length(&s->given, &s->m->m.schema, a, r);
      steps = n > steps ? n : steps;
      all += n;
    }
    cells = all > cells ? all : cells;
  }
  if (steps == s->p.steps && cells == s->p.cells) return UNROLL_OK;
  if (steps > s->p.steps && steps < 2 * (int64_t)s->p.steps) steps = 2 * (int64_t)s->p.steps;
  if (cells > s->p.cells && cells < 2 * s->p.cells) cells = 2 * s->p.cells;
  return session_plan(s, (int)steps, cells > steps ? cells : steps, err);
}

unroll_status session_set_whole(unroll_session *s, int number, int row, const int32_t *symbols, const float *numbers, int64_t n,
                                unroll_error *err) {
  column_values *c = &s->given.columns[number];
  const variable *v = s->tracks[number].v;
  const int64_t old = c->first[row + 1] - c->first[row];
  if (n >= MAX_LINE) return error_set(err, UNROLL_USAGE, "'%s' has more than a million steps", v->form.name);
  void *now = symbols ? (void *)c->symbols : (void *)c->numbers;
  void *to = symbols ? replace(c, c->symbols, symbols, sizeof *symbols, row, s->rows, n)
                     : replace(c, c->numbers, numbers, (size_t)v->width * sizeof *numbers, row, s->rows, n);
  if (!to) return error_memory(err);
  if (symbols)
    c->symbols = to;
  else
    c->numbers = to;
  for (int r = row + 1; r <= s->rows; r++) c->first[r] += n - old;
  unroll_status status = check_steps(s, number, row, err);
  if (!status) status = session_reach(s, err);
  if (status) { /* as it was */
    for (int r = row + 1; r <= s->rows; r++) c->first[r] -= n - old;
    if (symbols)
      c->symbols = now;
    else
      c->numbers = now;
    mem_free(to);
    return status;
  }
  mem_free(now);
  s->tracks[number].set[row] = true;
  return UNROLL_OK;
}

/* --- plans --- */

static void free_inputs(int32_t **index, float **number, int n) {
  for (int i = 0; i < n; i++) {
    if (index) mem_free(index[i]);
    if (number) mem_free(number[i]);
  }
  mem_free(index);
  mem_free(number);
}

static void plans_free(session_plans *p, int inputs) {
  free_inputs(p->index, p->number, inputs);
  examples_free(&p->before);
  run_free(p->encoder);
  run_free(p->stepper);
  plan_free(p->encode);
  plan_free(p->step);
  *p = (session_plans){0};
}

void session_plans_free(unroll_session *s) { plans_free(&s->p, s->c.decoder.n_inputs); }

/* Does an input hold all steps of an axis that is read whole? */
static bool is_whole(const unroll_session *s, const input *in) { return in->space == SPACE_STEP && in->axis != s->c.axis; }

static bool make_inputs(const unroll_session *s, session_plans *p) {
  const graph *d = &s->c.decoder;
  p->index = mem_zero((size_t)d->n_inputs + 1, sizeof *p->index);
  p->number = mem_zero((size_t)d->n_inputs + 1, sizeof *p->number);
  bool full = p->index && p->number;
  for (int i = 0; i < d->n_inputs && full; i++) {
    const input *in = &d->inputs[i];
    const size_t rows = is_whole(s, in) ? (size_t)p->cells : (size_t)s->rows;
    if (in->index)
      full = (p->index[i] = mem_zero(rows, sizeof **p->index)) != NULL;
    else
      full = (p->number[i] = mem_zero(rows * (size_t)in->width, sizeof **p->number)) != NULL;
  }
  return full;
}

static unroll_status plan_encoder(const unroll_session *s, session_plans *p, int *keep, unroll_error *err) {
  int n = 0;
  for (int i = 0; i < s->c.n_boundary; i++) keep[n++] = s->c.boundary[i].node;
  for (int i = 0; i < s->c.decoder.n_carries; i++)
    if (s->c.starts[i] != NODE_NONE) keep[n++] = s->c.starts[i];
  if (!n) return UNROLL_OK;
  const int rows = s->rows > SESSION_ROWS ? s->rows : SESSION_ROWS;
  const plan_options options = {.precision = s->m->m.precision,
                                .max_rows = rows,
                                .max_steps = p->steps,
                                .max_cells = p->cells > rows ? p->cells : rows,
                                .keep = keep,
                                .n_keep = n};
  const unroll_status status = run_make(&p->encoder, &p->encode, &s->c.encoder, &options, s->m->m.weights, NULL, err);
  return status ? status
                : examples_init(&p->before, &s->m->m.g, &s->m->m.schema, &s->given, s->rows, p->steps, p->cells, false, err);
}

static unroll_status plan_step(const unroll_session *s, session_plans *p, int *keep, unroll_error *err) {
  const int axes = s->c.decoder.n_axes;
  int n = 0;
  int64_t *cells = mem_zero((size_t)axes + 1, sizeof *cells);
  if (!cells) return error_memory(err);
  for (int k = 0; k < s->n_heads; k++)
    for (int i = 0; i < s->heads[k].d.n_args; i++) keep[n++] = s->heads[k].d.nodes[i];
  for (int a = 0; a < axes; a++) cells[a] = a == s->c.axis ? s->step_rows : p->cells;
  plan_options options = {.precision = s->m->m.precision, .max_rows = s->step_rows, .max_steps = 1, .keep = keep, .n_keep = n};
  if (s->reads) {
    options.max_steps = p->steps;
    options.max_cells = p->cells > s->step_rows ? p->cells : s->step_rows;
    options.axis_cells = cells;
  }
  const unroll_status status = run_make(&p->stepper, &p->step, &s->c.decoder, &options, s->m->m.weights, NULL, err);
  mem_free(cells);
  return status;
}

static unroll_status make_states(unroll_session *s, const session_plans *p, unroll_error *err) {
  if (s->carry) return UNROLL_OK;
  s->states = (size_t)run_carry_size(p->stepper);
  s->carry = mem_zero(s->states + 1, sizeof *s->carry);
  s->states_now = mem_zero(s->states + 1, sizeof *s->states_now);
  return s->carry && s->states_now ? UNROLL_OK : error_memory(err);
}

unroll_status session_plan(unroll_session *s, int steps, int64_t cells, unroll_error *err) {
  session_plans p = {.steps = steps, .cells = cells};
  int *keep =
      mem_zero((size_t)s->c.n_boundary + (size_t)s->c.decoder.n_carries + (size_t)s->n_heads * (LOSS_ARGS + 1) + 1, sizeof *keep);
  unroll_status status = keep ? plan_encoder(s, &p, keep, err) : error_memory(err);
  if (!status) status = plan_step(s, &p, keep, err);
  if (!status && !make_inputs(s, &p)) status = error_memory(err);
  if (!status) status = make_states(s, &p, err);
  mem_free(keep);
  if (status) {
    plans_free(&p, s->c.decoder.n_inputs);
    return status;
  }
  bool any = false;
  for (int r = 0; r < s->rows; r++) any |= s->made[r] > 0;
  if (any) { /* the states go on, and what the last step said stays */
    session_refresh(s);
    if (!s->brought) session_arguments(s, s->args);
    s->brought = true;
    run_carry_get(s->p.stepper, s->states_now);
    run_carry_set(p.stepper, s->states_now);
  }
  plans_free(&s->p, s->c.decoder.n_inputs);
  s->p = p;
  s->b.index = (const int32_t *const *)s->p.index;
  s->b.number = (const float *const *)s->p.number;
  return UNROLL_OK;
}

/* --- before the first step --- */

/* All rows on an axis: the numbers of a value of the encoder, as they lie. */
static void copy_rows(const unroll_session *s, const cut_boundary *b, int64_t n) {
  const int width = s->c.decoder.inputs[b->slot].width;
  ptrdiff_t stride;
  const float *x = run_value(s->p.encoder, b->node, &stride);
  if (s->m->m.g.nodes[b->node].space == SPACE_PARAM) stride = 0;
  for (int64_t r = 0; r < n; r++) memcpy(s->p.number[b->slot] + r * width, x + r * stride, (size_t)width * sizeof *x);
}

void session_encode(unroll_session *s) {
  examples *e = &s->p.before;
  const int axis = s->c.axis, rows = s->active[0];
  for (int r = 0; r < rows; r++) e->list[r] = r;
  examples_fill(e, rows);
  run_pass(s->p.encoder, &e->b, 0);
  for (int a = 0; a < s->c.decoder.n_axes; a++)
    if (a != axis) s->axes[a] = e->axes[a < s->m->m.g.n_axes ? a : axis];
  for (int q = 0; q < rows; q++) s->place[e->axes[axis].order ? e->axes[axis].order[q] : q] = q;
  for (int i = 0; i < s->c.n_boundary; i++) {
    const input *in = &s->c.decoder.inputs[s->c.boundary[i].slot];
    const batch_axis *a = in->space == SPACE_STEP ? &s->axes[in->axis] : NULL;
    if (!a)
      copy_rows(s, &s->c.boundary[i], rows);
    else if (in->axis != axis)
      copy_rows(s, &s->c.boundary[i], a->first[a->steps]);
  }
}

/* What input i of a step sees of a variable that was read whole. */
static void fill_whole(unroll_session *s, int i) {
  const input *in = &s->c.decoder.inputs[i];
  const column_values *c = &s->given.columns[in->data];
  for (int r = 0; r < s->rows; r++) {
    const int64_t t = s->made[r] - 1 - in->lag, at = c->first[r] + t;
    float *x = in->index ? NULL : s->p.number[i] + (int64_t)r * in->width;
    if (in->index)
      s->p.index[i][r] = t >= 0 ? c->symbols[at] : -1;
    else if (in->seen)
      *x = t >= 0 ? 1 : 0;
    else if (t >= 0)
      memcpy(x, c->numbers + at * in->width, (size_t)in->width * sizeof *x);
    else
      memset(x, 0, (size_t)in->width * sizeof *x);
  }
}

void session_fill_step(unroll_session *s) {
  const graph *d = &s->c.decoder;
  const batch_axis *a = &s->p.before.axes[s->c.axis];
  for (int i = 0; i < d->n_inputs; i++)
    if (d->inputs[i].data >= 0 && s->tracks[d->inputs[i].data].whole) fill_whole(s, i);
  for (int i = 0; i < s->c.n_boundary; i++) {
    const cut_boundary *b = &s->c.boundary[i];
    const input *in = &d->inputs[b->slot];
    ptrdiff_t stride;
    if (in->space != SPACE_STEP || in->axis != s->c.axis) continue;
    const float *x = run_value(s->p.encoder, b->node, &stride);
    for (int r = 0; r < s->active[0]; r++)
      if (s->made[r]) /* a row that was reset has no step to see yet */
        memcpy(s->p.number[b->slot] + (int64_t)r * in->width, x + (a->first[s->made[r] - 1] + s->place[r]) * stride,
               (size_t)in->width * sizeof *x);
  }
}
