/* session.c - behind unroll.h: sequences under way, a step at a time, of any net.
 *
 * The net is cut (graph/cut.h) into what a step needs and what is known before the first: values without steps, from which
 * recurrences may start. A step is one pass of one step, and allocates nothing. What is predicted is set after its step, and what
 * is given before it. */
#include "api/session.h"
#include <stdio.h>
#include <string.h>
#include "base/memory.h"
#include "run/make.h"

enum { MOST_ROWS = 65536, LEAST_ROWS = 16 /* of a batch: the bits must not tell how many rows there are */ };

/* --- what can be run so --- */

static bool predicted(const graph *g, int data) {
  for (int k = 0; k < g->n_losses; k++)
    if (g->losses[k].data == data) return true;
  return false;
}

/* The axis that is walked along. */
static unroll_status find_axis(const graph *g, int *axis, unroll_error *err) {
  unroll_status status = cut_axis(axis, g, err);
  for (int k = 0; k < g->n_losses && !status; k++) {
    const data_info *d = &g->data[g->losses[k].data];
    if (d->space != SPACE_STEP || !g->losses[k].distribution->aligned) continue;
    if (*axis >= 0 && *axis != d->axis)
      status = error_set(err, UNROLL_USAGE, "'%s' has steps of its own, and a session makes those of one sequence", d->name);
    *axis = d->axis;
  }
  if (!status && *axis < 0) status = error_set(err, UNROLL_USAGE, "the model predicts nothing step by step");
  return status;
}

/* What is known before the first step must not be a sequence. */
static unroll_status check_before(const unroll_session *s, unroll_error *err) {
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
    if ((x->op == OP_INPUT || x->op == OP_EMBED) && x->space == SPACE_STEP)
      status = error_set(err, UNROLL_USAGE, "the net reads all of '%s' before its first step, so it cannot be run step by step",
                         g->data[g->inputs[x->slot].data].name);
    for (int a = 0; a < NODE_INPUTS; a++) LOOK(x->in[a]);
  }
#undef LOOK
  mem_free(seen);
  mem_free(todo);
  return status;
}

static unroll_status check(const unroll_model *m, unroll_error *err) {
  const graph *g = &m->m.g;
  if (m->m.schema.time.scaling != SCALING_NONE)
    return error_set(err, UNROLL_USAGE, "the numbers of this model are scaled by what a window of a series knows: see predict");
  for (int i = 0; i < g->n_inputs; i++)
    if (g->inputs[i].lag > SESSION_HISTORY)
      return error_set(err, UNROLL_USAGE, "a session looks back at most %d steps, the net %d", SESSION_HISTORY, g->inputs[i].lag);
  return UNROLL_OK;
}

/* --- making --- */

static unroll_status make_tracks(unroll_session *s, unroll_error *err) {
  const graph *g = &s->m->m.g, *d = &s->c.decoder;
  s->tracks = mem_zero((size_t)g->n_data + 1, sizeof *s->tracks);
  if (!s->tracks) return error_memory(err);
  for (int i = 0; i < g->n_data; i++) {
    track *t = &s->tracks[i];
    *t = (track){.v = &s->m->m.schema.list[i], .data = i, .fed = predicted(g, i), .still = g->data[i].space != SPACE_STEP};
    t->set = mem_zero((size_t)s->rows, sizeof *t->set);
    if (!t->set) return error_memory(err);
  }
  for (int i = 0; i < d->n_inputs; i++) {
    const input *in = &d->inputs[i];
    if (in->data < 0) continue;
    track *t = &s->tracks[in->data];
    t->used = true;
    t->now |= t->fed && in->lag == 0;
    t->lags = in->lag > t->lags ? in->lag : t->lags;
  }
  for (int i = 0; i < g->n_inputs && s->encoder; i++)
    if (s->tracks[g->inputs[i].data].still && !s->tracks[g->inputs[i].data].fed) s->tracks[g->inputs[i].data].used = true;
  s->alone = true;
  for (int i = 0; i < g->n_data; i++) {
    track *t = &s->tracks[i];
    if (t->fed && !t->lags) t->lags = 1;
    s->again |= t->now;
    if (!t->used) continue;
    s->alone &= t->fed;
    const size_t cells = (size_t)s->rows * (size_t)(t->lags + 1);
    if (t->v->form.unit != UNIT_NUMBERS)
      t->symbols = mem_zero(cells, sizeof *t->symbols);
    else
      t->numbers = mem_zero(cells * (size_t)g->data[i].width, sizeof *t->numbers);
    if (!t->symbols && !t->numbers) return error_memory(err);
  }
  return UNROLL_OK;
}

static bool make_inputs(const graph *g, int32_t ***index, float ***number, size_t rows) {
  *index = mem_zero((size_t)g->n_inputs + 1, sizeof **index);
  *number = mem_zero((size_t)g->n_inputs + 1, sizeof **number);
  bool full = *index && *number;
  for (int i = 0; i < g->n_inputs && full; i++) {
    const input *in = &g->inputs[i];
    if (in->index)
      full = ((*index)[i] = mem_zero(rows, sizeof ***index)) != NULL;
    else
      full = ((*number)[i] = mem_zero(rows * (size_t)in->width, sizeof ***number)) != NULL;
  }
  return full;
}

static unroll_status make_batch(unroll_session *s, unroll_error *err) {
  const graph *d = &s->c.decoder;
  s->axes = mem_zero((size_t)d->n_axes + 1, sizeof *s->axes);
  if (!s->axes || !make_inputs(d, &s->index, &s->number, (size_t)s->rows)) return error_memory(err);
  s->active[0] = s->rows;
  s->first[1] = s->rows;
  for (int a = 0; a < d->n_axes; a++) s->axes[a] = (batch_axis){.steps = a == s->c.axis, .active = s->active, .first = s->first};
  s->b = (batch){.rows = s->rows,
                 .axes = s->axes,
                 .index = (const int32_t *const *)s->index,
                 .number = (const float *const *)s->number,
                 .loss_scale = 1,
                 .varying = d->varying};
  return UNROLL_OK;
}

static unroll_status make_heads(unroll_session *s, int *keep, int *n_keep, unroll_error *err) {
  const graph *h = &s->c.heads;
  unroll_status status = UNROLL_OK;
  size_t widest = 1, scratch = 0;
  s->heads = mem_zero((size_t)h->n_losses + 1, sizeof *s->heads);
  if (!s->heads) return error_memory(err);
  for (int k = 0; k < h->n_losses && !status; k++) {
    session_head *one = &s->heads[s->n_heads++];
    one->data = h->losses[k].data;
    status = distribution_of(&one->d, h, k, &s->m->m.schema.list[one->data], err);
    for (int i = 0; i < one->d.n_args && !status; i++) {
      keep[(*n_keep)++] = one->d.nodes[i];
      s->args_size += (size_t)s->rows * (size_t)one->d.widths[i];
    }
    if ((size_t)one->d.width > widest) widest = (size_t)one->d.width;
    if (distribution_scratch(&one->d) > scratch) scratch = distribution_scratch(&one->d);
  }
  if (status) return status;
  s->log_p = mem_zero(widest, sizeof *s->log_p);
  s->shares = mem_zero(widest, sizeof *s->shares);
  s->numbers = mem_zero(widest, sizeof *s->numbers);
  s->scratch = mem_alloc(scratch + widest * sizeof(double) + 1);
  s->args = mem_zero(s->args_size + 1, sizeof *s->args);
  return s->log_p && s->shares && s->numbers && s->scratch && s->args ? UNROLL_OK : error_memory(err);
}

static unroll_status plan_encoder(unroll_session *s, int *keep, unroll_error *err) {
  int n = 0;
  for (int i = 0; i < s->c.n_boundary; i++) keep[n++] = s->c.boundary[i].node;
  for (int i = 0; i < s->c.decoder.n_carries; i++)
    if (s->c.starts[i] != NODE_NONE) keep[n++] = s->c.starts[i];
  if (!n) return UNROLL_OK;
  const int rows = s->rows > LEAST_ROWS ? s->rows : LEAST_ROWS;
  const plan_options options = {
      .precision = s->m->m.precision, .max_rows = rows, .max_steps = 1, .max_cells = rows, .keep = keep, .n_keep = n};
  unroll_status status = run_make(&s->encoder, &s->encode, &s->c.encoder, &options, s->m->m.weights, NULL, err);
  if (!status && !make_inputs(&s->m->m.g, &s->index_before, &s->number_before, (size_t)s->rows)) status = error_memory(err);
  return status;
}

static unroll_status plan_step(unroll_session *s, const int *keep, int n, unroll_error *err) {
  s->step_rows = s->rows == 1 || s->rows > LEAST_ROWS ? s->rows : LEAST_ROWS;
  const plan_options options = {
      .precision = s->m->m.precision, .max_rows = s->step_rows, .max_steps = 1, .keep = keep, .n_keep = n};
  const unroll_status status = run_make(&s->stepper, &s->step, &s->c.decoder, &options, s->m->m.weights, NULL, err);
  if (status) return status;
  s->states = (size_t)run_carry_size(s->stepper);
  s->carry = mem_zero(s->states + 1, sizeof *s->carry);
  s->states_now = mem_zero(s->states + 1, sizeof *s->states_now);
  s->made = mem_zero((size_t)s->rows, sizeof *s->made);
  return s->carry && s->states_now && s->made ? UNROLL_OK : error_memory(err);
}

static unroll_status prepare(unroll_session *s, unroll_error *err) {
  const graph *g = &s->m->m.g;
  int axis, n = 0, *keep = NULL;
  unroll_status status = check(s->m, err);
  if (!status) status = find_axis(g, &axis, err);
  if (!status) status = cut_graph(&s->c, g, axis, err);
  if (!status) status = check_before(s, err);
  if (status) return status;
  keep =
      mem_zero((size_t)s->c.n_boundary + (size_t)s->c.decoder.n_carries + (size_t)g->n_losses * (LOSS_ARGS + 1) + 1, sizeof *keep);
  status = keep ? plan_encoder(s, keep, err) : error_memory(err);
  if (!status) status = make_tracks(s, err);
  if (!status) status = make_heads(s, keep, &n, err);
  if (!status) status = plan_step(s, keep, n, err);
  if (!status) status = make_batch(s, err);
  if (!status && s->rows == 1) status = run_stay(s->stepper, &s->b, err);
  mem_free(keep);
  return status;
}

unroll_status unroll_session_new_rows(unroll_session **out, const unroll_model *m, int rows, unroll_error *err) {
  if (!out) return api_null(err);
  *out = NULL;
  if (!m) return api_null(err);
  if (rows < 1 || rows > MOST_ROWS) return error_set(err, UNROLL_USAGE, "a session has 1 to %d rows", MOST_ROWS);
  unroll_session *s = mem_zero(1, sizeof *s);
  if (!s) return error_memory(err);
  s->m = m;
  s->rows = rows;
  const unroll_status status = prepare(s, err);
  if (status) {
    unroll_session_free(s);
    return status;
  }
  unroll_session_reset(s);
  *out = s;
  return UNROLL_OK;
}

unroll_status unroll_session_new(unroll_session **out, const unroll_model *m, unroll_error *err) {
  return unroll_session_new_rows(out, m, 1, err);
}

static void free_inputs(int32_t **index, float **number, int n) {
  for (int i = 0; i < n; i++) {
    if (index) mem_free(index[i]);
    if (number) mem_free(number[i]);
  }
  mem_free(index);
  mem_free(number);
}

void unroll_session_free(unroll_session *s) {
  if (!s) return;
  free_inputs(s->index, s->number, s->c.decoder.n_inputs);
  free_inputs(s->index_before, s->number_before, s->m->m.g.n_inputs);
  for (int i = 0; s->tracks && i < s->m->m.g.n_data; i++) {
    mem_free(s->tracks[i].symbols);
    mem_free(s->tracks[i].numbers);
    mem_free(s->tracks[i].set);
  }
  mem_free(s->tracks);
  run_free(s->encoder);
  run_free(s->stepper);
  plan_free(s->encode);
  plan_free(s->step);
  cut_free(&s->c);
  mem_free(s->heads);
  mem_free(s->axes);
  mem_free(s->made);
  mem_free(s->carry);
  mem_free(s->log_p);
  mem_free(s->args);
  mem_free(s->shares);
  mem_free(s->numbers);
  mem_free(s->states_now);
  mem_free(s->scratch);
  mem_free(s);
}

/* --- steps --- */

static void fill_inputs(unroll_session *s) {
  const graph *d = &s->c.decoder;
  for (int i = 0; i < d->n_inputs; i++) {
    const input *in = &d->inputs[i];
    if (in->data < 0) continue;
    const track *t = &s->tracks[in->data];
    const size_t cells = (size_t)s->rows, at = (size_t)in->lag * cells;
    if (in->seen) /* whatever is set is observed */
      for (size_t r = 0; r < cells; r++) s->number[i][r] = s->made[r] >= in->lag ? 1 : 0;
    else if (in->index)
      for (size_t r = 0; r < cells; r++) s->index[i][r] = t->symbols[at + r];
    else
      memcpy(s->number[i], t->numbers + at * (size_t)in->width, cells * (size_t)in->width * sizeof **s->number);
  }
}

/* Values become those of a step before. */
static void age(unroll_session *s, const track *t) {
  const size_t cells = (size_t)s->rows;
  if (t->still || !t->used) return;
  for (int k = t->lags; k > 0; k--) {
    if (t->symbols)
      for (size_t r = 0; r < cells; r++) t->symbols[(size_t)k * cells + r] = t->symbols[(size_t)(k - 1) * cells + r];
    else {
      const size_t size = cells * (size_t)s->m->m.g.data[t->data].width;
      memcpy(t->numbers + (size_t)k * size, t->numbers + (size_t)(k - 1) * size, size * sizeof *t->numbers);
    }
  }
}

static void forget_now(unroll_session *s, const track *t) {
  const size_t cells = (size_t)s->rows;
  for (size_t r = 0; t->symbols && r < cells; r++) t->symbols[r] = -1;
  if (t->numbers) memset(t->numbers, 0, cells * (size_t)s->m->m.g.data[t->data].width * sizeof *t->numbers);
}

static void run_encoder(unroll_session *s) {
  const graph *g = &s->m->m.g;
  for (int i = 0; i < g->n_inputs; i++) {
    const input *in = &g->inputs[i];
    const track *t = &s->tracks[in->data];
    if (!t->still || t->fed) continue;
    if (in->seen)
      for (int r = 0; r < s->rows; r++) s->number_before[i][r] = 1;
    else if (in->index)
      memcpy(s->index_before[i], t->symbols, (size_t)s->rows * sizeof **s->index_before);
    else
      memcpy(s->number_before[i], t->numbers, (size_t)s->rows * (size_t)in->width * sizeof **s->number_before);
  }
  s->axes[s->c.axis].steps = 0;
  s->before = s->b;
  s->before.index = (const int32_t *const *)s->index_before;
  s->before.number = (const float *const *)s->number_before;
  run_pass(s->encoder, &s->before, 0);
  s->axes[s->c.axis].steps = 1;
  for (int i = 0; i < s->c.n_boundary; i++) {
    const cut_boundary *b = &s->c.boundary[i];
    const int width = s->c.decoder.inputs[b->slot].width;
    ptrdiff_t stride;
    const float *x = run_value(s->encoder, b->node, &stride);
    if (g->nodes[b->node].space == SPACE_PARAM) stride = 0;
    for (int r = 0; r < s->rows; r++) memcpy(s->number[b->slot] + (ptrdiff_t)r * width, x + r * stride, (size_t)width * sizeof *x);
  }
}

/* The states of the rows that have made no step. */
static void start_states(unroll_session *s) {
  const graph *d = &s->c.decoder;
  float *to = s->states_now;
  run_carry_get(s->stepper, to);
  for (int c = 0; c < d->n_carries; c++) {
    const int from = s->c.starts[c];
    const size_t width = (size_t)d->carries[c].width;
    ptrdiff_t stride = 0;
    const float *x = from == NODE_NONE ? NULL : run_value(s->encoder, from, &stride);
    if (x && s->m->m.g.nodes[from].space == SPACE_PARAM) stride = 0;
    for (int r = 0; r < s->rows; r++) {
      if (s->made[r]) continue;
      if (x)
        memcpy(to + (size_t)r * width, x + r * stride, width * sizeof *to);
      else
        memset(to + (size_t)r * width, 0, width * sizeof *to);
    }
    to += (size_t)s->step_rows * width;
  }
  run_carry_set(s->stepper, s->states_now);
}

static void pass(unroll_session *s) {
  fill_inputs(s);
  run_pass(s->stepper, &s->b, 0);
  s->looked = s->brought = s->stale = false;
}

void session_refresh(unroll_session *s) {
  if (!s->stale) return;
  run_carry_set(s->stepper, s->carry);
  pass(s);
}

static void advance(unroll_session *s) {
  const int n = s->m->m.g.n_data;
  if (s->again) {
    session_refresh(s);
    for (int i = 0; i < n; i++)
      if (s->tracks[i].now) forget_now(s, &s->tracks[i]);
  }
  bool fresh = false;
  for (int r = 0; r < s->active[0]; r++) fresh |= s->made[r] == 0;
  if (fresh && s->encoder) run_encoder(s);
  if (fresh) start_states(s);
  for (int r = 0; r < s->active[0]; r++) s->made[r]++;
  if (s->again) run_carry_get(s->stepper, s->carry);
  pass(s);
  for (int i = 0; i < n; i++) {
    track *t = &s->tracks[i];
    if (t->still) continue;
    age(s, t);
    if (t->used) memset(t->set, 0, (size_t)s->rows * sizeof *t->set);
  }
}

static unroll_status not_set(const unroll_session *s, const track *t, int row, unroll_error *err) {
  char of[32] = "";
  if (s->rows > 1) snprintf(of, sizeof of, " of row %d", row);
  return error_set(err, UNROLL_USAGE, t->fed ? "'%s'%s has no value for the step before: set it, or draw it" : "'%s'%s is not set",
                   t->v->form.name, of);
}

unroll_status unroll_session_step(unroll_session *s, unroll_error *err) {
  if (!s) return api_null(err);
  for (int i = 0; i < s->m->m.g.n_data; i++) {
    const track *t = &s->tracks[i];
    for (int r = 0; t->used && r < s->active[0]; r++)
      if (!t->set[r] && !(t->fed && !s->made[r])) return not_set(s, t, r, err);
  }
  advance(s);
  return UNROLL_OK;
}

static void clear_row(unroll_session *s, int row) {
  for (int i = 0; i < s->m->m.g.n_data; i++) {
    const track *t = &s->tracks[i];
    const size_t width = (size_t)s->m->m.g.data[i].width;
    t->set[row] = false;
    for (int k = 0; k <= t->lags && t->used; k++) {
      const size_t at = (size_t)k * (size_t)s->rows + (size_t)row;
      if (t->symbols)
        t->symbols[at] = -1;
      else
        memset(t->numbers + at * width, 0, width * sizeof *t->numbers);
    }
  }
  s->made[row] = 0;
}

unroll_status unroll_session_use(unroll_session *s, int rows, unroll_error *err) {
  if (!s) return api_null(err);
  if (rows < 1 || rows > s->rows) return error_set(err, UNROLL_USAGE, "the session has 1 to %d rows", s->rows);
  session_refresh(s);
  for (int r = rows; r < s->rows; r++) clear_row(s, r);
  s->active[0] = s->b.rows = rows;
  s->first[1] = rows;
  return UNROLL_OK;
}

void unroll_session_reset(unroll_session *s) {
  if (!s) return;
  for (int r = 0; r < s->rows; r++) clear_row(s, r);
  run_carry_reset(s->stepper);
  s->stale = s->looked = s->brought = false;
  if (s->alone) advance(s);
}

unroll_status unroll_session_reset_row(unroll_session *s, int row, unroll_error *err) {
  if (!s) return api_null(err);
  if (row < 0 || row >= s->rows) return error_set(err, UNROLL_USAGE, "the session has rows 0 to %d", s->rows - 1);
  session_refresh(s);
  clear_row(s, row);
  return UNROLL_OK;
}

/* --- one text --- */

bool session_is_text(const unroll_session *s) {
  return s->rows == 1 && schema_is_text(&s->m->m.schema) && s->n_heads == 1 && s->alone;
}

/* advance() of one row of one variable, as fast as can be. */
static void feed(unroll_session *s, int32_t symbol) {
  int32_t *x = s->tracks[0].symbols;
  if (x) x[1] = symbol;
  for (int i = 0; i < s->c.decoder.n_inputs; i++) s->index[i][0] = x[s->c.decoder.inputs[i].lag];
  run_pass(s->stepper, &s->b, 0);
  s->looked = s->brought = false;
  for (int k = s->tracks[0].lags; k > 0 && x; k--) x[k] = x[k - 1];
  s->tracks[0].set[0] = false;
  s->made[0]++;
}

unroll_status unroll_session_feed(unroll_session *s, int symbol, unroll_error *err) {
  if (!s) return api_null(err);
  if (!session_is_text(s))
    return error_set(err, UNROLL_USAGE, "to feed symbols is for models of one text: set values, and make a step");
  if (symbol < 0 || symbol >= s->tracks[0].v->words.n)
    return error_set(err, UNROLL_USAGE, "there is no symbol %d; the model knows 0 to %d", symbol, s->tracks[0].v->words.n - 1);
  feed(s, symbol);
  return UNROLL_OK;
}
