/* session.c - behind unroll.h: sequences under way, a step at a time, of any net.
 *
 * The net is cut (graph/cut.h) into what a step needs and what is known before the first. That are values without steps, from which
 * recurrences may start, and sequences that are read whole. A step is one pass of one step, and allocates nothing. What is
 * predicted is set after its step, and what is given before it. */
#include "api/session.h"
#include <stdio.h>
#include <string.h>
#include "base/memory.h"
#include "run/make.h"

enum { MOST_ROWS = 65536, FIRST_STEPS = 32 /* room for what is read whole, until there is more */ };

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
  for (int i = 0; i < d->n_inputs; i++) {
    const input *in = &d->inputs[i];
    if (in->data < 0) continue;
    track *t = &s->tracks[in->data];
    t->used = true;
    if (t->whole) continue;
    t->now |= t->fed && in->lag == 0;
    t->lags = in->lag > t->lags ? in->lag : t->lags;
  }
  for (int i = 0; i < g->n_inputs && s->p.encoder; i++)
    if (s->tracks[g->inputs[i].data].still && !s->tracks[g->inputs[i].data].fed) s->tracks[g->inputs[i].data].used = true;
  s->alone = true;
  for (int i = 0; i < g->n_data; i++) {
    track *t = &s->tracks[i];
    if (t->fed && !t->lags) t->lags = 1;
    s->again |= t->now;
    if (!t->used) continue;
    s->alone &= t->fed;
    if (t->whole) continue;
    const size_t cells = (size_t)s->rows * (size_t)(t->lags + 1);
    if (t->v->form.unit != UNIT_NUMBERS)
      t->symbols = mem_zero(cells, sizeof *t->symbols);
    else
      t->numbers = mem_zero(cells * (size_t)g->data[i].width, sizeof *t->numbers);
    if (!t->symbols && !t->numbers) return error_memory(err);
    if (!t->still) continue;
    s->given.columns[i].symbols = t->symbols; /* borrowed */
    s->given.columns[i].numbers = t->numbers;
    s->given.columns[i].there = true;
  }
  return UNROLL_OK;
}

static unroll_status begin_tracks(unroll_session *s, unroll_error *err) {
  const graph *g = &s->m->m.g;
  const size_t n = (size_t)g->n_data + 1, rows = (size_t)s->rows;
  s->tracks = mem_zero(n, sizeof *s->tracks);
  s->given = (dataset){.n_sequences = s->rows, .columns = mem_zero(n, sizeof *s->given.columns), .n_columns = g->n_data};
  s->place = mem_zero(rows, sizeof *s->place);
  if (!s->tracks || !s->given.columns || !s->place) return error_memory(err);
  for (int i = 0; i < g->n_data; i++) {
    track *t = &s->tracks[i];
    *t = (track){.v = &s->m->m.schema.list[i], .data = i, .fed = predicted(g, i), .still = g->data[i].space != SPACE_STEP};
    t->set = mem_zero(rows, sizeof *t->set);
    s->given.columns[i].first = mem_zero(rows + 1, sizeof *s->given.columns[i].first);
    if (!t->set || !s->given.columns[i].first) return error_memory(err);
    for (int r = 0; r <= s->rows && t->still; r++) s->given.columns[i].first[r] = r;
  }
  return UNROLL_OK;
}

static unroll_status make_batch(unroll_session *s, unroll_error *err) {
  const graph *d = &s->c.decoder;
  s->axes = mem_zero((size_t)d->n_axes + 1, sizeof *s->axes);
  if (!s->axes) return error_memory(err);
  s->active[0] = s->rows;
  s->first[1] = s->rows;
  for (int a = 0; a < d->n_axes; a++) s->axes[a] = (batch_axis){.steps = a == s->c.axis, .active = s->active, .first = s->first};
  s->b = (batch){.rows = s->rows,
                 .axes = s->axes,
                 .index = (const int32_t *const *)s->p.index,
                 .number = (const float *const *)s->p.number,
                 .loss_scale = 1,
                 .varying = d->varying};
  return UNROLL_OK;
}

static unroll_status make_heads(unroll_session *s, unroll_error *err) {
  const graph *h = &s->c.heads;
  unroll_status status = UNROLL_OK;
  size_t widest = 1, scratch = 0;
  s->heads = mem_zero((size_t)h->n_losses + 1, sizeof *s->heads);
  if (!s->heads) return error_memory(err);
  for (int k = 0; k < h->n_losses && !status; k++) {
    session_head *one = &s->heads[s->n_heads++];
    one->data = h->losses[k].data;
    status = distribution_of(&one->d, h, k, &s->m->m.schema.list[one->data], err);
    for (int i = 0; i < one->d.n_args && !status; i++) s->args_size += (size_t)s->rows * (size_t)one->d.widths[i];
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

static unroll_status prepare(unroll_session *s, unroll_error *err) {
  const graph *g = &s->m->m.g;
  int axis;
  unroll_status status = check(s->m, err);
  if (!status) status = find_axis(g, &axis, err);
  if (!status) status = cut_graph(&s->c, g, axis, err);
  if (!status) status = begin_tracks(s, err);
  if (!status) status = session_find_whole(s, err);
  if (!status) status = make_heads(s, err);
  s->step_rows = s->rows == 1 || s->rows > SESSION_ROWS ? s->rows : SESSION_ROWS;
  s->made = mem_zero((size_t)s->rows, sizeof *s->made);
  if (!status && !s->made) status = error_memory(err);
  if (!status) status = session_plan(s, s->reads ? FIRST_STEPS : 1, s->rows * (int64_t)(s->reads ? FIRST_STEPS : 1), err);
  if (!status) status = make_tracks(s, err);
  if (!status) status = make_batch(s, err);
  return !status && s->rows == 1 && !s->reads ? run_stay(s->p.stepper, &s->b, err) : status;
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

void unroll_session_free(unroll_session *s) {
  if (!s) return;
  session_plans_free(s);
  for (int i = 0; s->tracks && s->given.columns && i < s->m->m.g.n_data; i++) {
    if (s->tracks[i].still) s->given.columns[i].symbols = NULL, s->given.columns[i].numbers = NULL;
    mem_free(s->tracks[i].symbols);
    mem_free(s->tracks[i].numbers);
    mem_free(s->tracks[i].set);
  }
  dataset_free(&s->given);
  mem_free(s->tracks);
  mem_free(s->place);
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
  if (s->reads) session_fill_step(s);
  for (int i = 0; i < d->n_inputs; i++) {
    const input *in = &d->inputs[i];
    if (in->data < 0) continue;
    const track *t = &s->tracks[in->data];
    const size_t cells = (size_t)s->rows, at = (size_t)in->lag * cells;
    if (t->whole) continue;
    if (in->seen) /* whatever is set is observed */
      for (size_t r = 0; r < cells; r++) s->p.number[i][r] = s->made[r] >= in->lag ? 1 : 0;
    else if (in->index)
      for (size_t r = 0; r < cells; r++) s->p.index[i][r] = t->symbols[at + r];
    else
      memcpy(s->p.number[i], t->numbers + at * (size_t)in->width, cells * (size_t)in->width * sizeof **s->p.number);
  }
}

/* Values become those of a step before. */
static void age(unroll_session *s, const track *t) {
  const size_t cells = (size_t)s->rows;
  if (t->still || t->whole || !t->used) return;
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

/* The states of the rows that have made no step. */
static void start_states(unroll_session *s) {
  const graph *d = &s->c.decoder;
  float *to = s->states_now;
  run_carry_get(s->p.stepper, to);
  for (int c = 0; c < d->n_carries; c++) {
    const int from = s->c.starts[c];
    const size_t width = (size_t)d->carries[c].width;
    ptrdiff_t stride = 0;
    const float *x = from == NODE_NONE ? NULL : run_value(s->p.encoder, from, &stride);
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
  run_carry_set(s->p.stepper, s->states_now);
}

static void pass(unroll_session *s) {
  fill_inputs(s);
  run_pass(s->p.stepper, &s->b, 0);
  s->looked = s->brought = s->stale = false;
}

void session_refresh(unroll_session *s) {
  if (!s->stale) return;
  run_carry_set(s->p.stepper, s->carry);
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
  if (fresh && s->p.encoder) session_encode(s);
  if (fresh) start_states(s);
  for (int r = 0; r < s->active[0]; r++) s->made[r]++;
  if (s->again) run_carry_get(s->p.stepper, s->carry);
  pass(s);
  for (int i = 0; i < n; i++) {
    track *t = &s->tracks[i];
    if (t->still || t->whole) continue;
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
  for (int r = 0; r < s->active[0] && s->reads; r++) {
    const char *name;
    const int64_t most = session_most_steps(s, r, &name);
    if (s->made[r] >= most)
      return error_set(err, UNROLL_USAGE, "'%s' of row %d has %lld steps, and all of them were made", name, r, (long long)most);
  }
  advance(s);
  return UNROLL_OK;
}

static void clear_row(unroll_session *s, int row) {
  for (int i = 0; i < s->m->m.g.n_data; i++) {
    const track *t = &s->tracks[i];
    const size_t width = (size_t)s->m->m.g.data[i].width;
    t->set[row] = false;
    for (int k = 0; k <= t->lags && t->used && !t->whole; k++) {
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
  run_carry_reset(s->p.stepper);
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
  for (int i = 0; i < s->c.decoder.n_inputs; i++) s->p.index[i][0] = x[s->c.decoder.inputs[i].lag];
  run_pass(s->p.stepper, &s->b, 0);
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
