/* apply_run.c - `unroll run`: tensors -> batch -> pass -> tensors.
 *
 * Everything with time is [T, B, N] (symbols: [T, B]), sequence b in column b. What lies beyond a sequence's length is not read,
 * and written as 0. All values are held in double; the planned pass gets them rounded. */
#include "verify/apply_run.h"
#include <inttypes.h>
#include <string.h>
#include "base/error.h"
#include "verify/reference.h"
#include "run/make.h"

/* --- the batch --- */

typedef struct pass {
  apply_run *r;
  batch b;
  batch_axis *axes;
  double **exact; /* [n_inputs] numbers, as in batch.h */
  float **single;
  int32_t **index;
  double *weights;
  float *rounded;
  graph view; /* the graph, with only those losses that are computed and no carries */
  reference ref;
  plan *planned;
  run *running;
} pass;

static int batch_row(const batch_axis *a, int b) { return a->order ? a->order[b] : b; }
static int64_t rows_of(const pass *p, enum space space, int axis) {
  if (space == SPACE_PARAM) return 1;
  return space == SPACE_STATIC ? p->r->B : p->axes[axis].first[p->axes[axis].steps];
}

static unroll_status read_symbol(const apply_run *r, const port *from, int64_t place, int32_t *out, unroll_error *err) {
  const int64_t k = apply_whole(from->given, place);
  if (k < -1 || k >= from->width)
    return error_at(err, UNROLL_BAD_INPUT, r->o->inputs_name, NULL, 0, 0,
                    "the tensor '%s' has the symbol %" PRId64 " at [%" PRId64 ", %" PRId64
                    "]; the net knows 0 to %d, and -1 for none",
                    from->name, k, place / r->B, place % r->B, from->width - 1);
  *out = (int32_t)k;
  return UNROLL_OK;
}

/* One row of an input: sequence b (of the tensors) at time t, which may lie before the start. */
static unroll_status fill_row(pass *p, int slot, const port *from, int64_t row, int t, int b, unroll_error *err) {
  const input *in = &p->r->g.inputs[slot];
  const int64_t place = (int64_t)t * p->r->B + b;
  if (in->index) {
    p->index[slot][row] = -1;
    return from->given && t >= 0 ? read_symbol(p->r, from, place, &p->index[slot][row], err) : UNROLL_OK;
  }
  double *out = p->exact[slot] + row * in->width;
  if (in->seen) return *out = from->given && t >= 0 ? 1 : 0, UNROLL_OK;
  for (int j = 0; j < in->width && from->given && t >= 0; j++) out[j] = apply_number(from->given, place * in->width + j);
  return UNROLL_OK;
}

static unroll_status fill_input(pass *p, int slot, unroll_error *err) {
  const input *in = &p->r->g.inputs[slot];
  const port *from = NULL;
  for (int i = 0; i < p->r->n_ports && !from; i++)
    if (p->r->ports[i].data == in->data) from = &p->r->ports[i];
  const size_t count = (size_t)rows_of(p, in->space, in->axis) + 1;
  if (in->index)
    p->index[slot] = arena_alloc(&p->r->memory, count, sizeof **p->index);
  else
    p->exact[slot] = arena_alloc(&p->r->memory, count * (size_t)in->width, sizeof **p->exact);
  if (!p->index[slot] && !p->exact[slot]) return error_memory(err);
  unroll_status s = UNROLL_OK;
  if (in->space != SPACE_STEP) {
    for (int b = 0; b < p->r->B && s == UNROLL_OK; b++) s = fill_row(p, slot, from, b, 0, b, err);
    return s;
  }
  const batch_axis *a = &p->axes[in->axis];
  const int *lengths = p->r->axes[in->axis].lengths;
  for (int t = 0; t < a->steps; t++)
    for (int i = 0; i < a->active[t] && s == UNROLL_OK; i++) {
      const int b = batch_row(a, i);
      if (from->kind != PORT_FINAL)
        s = fill_row(p, slot, from, a->first[t] + i, t - in->lag, b, err);
      else if (t == (p->r->states[from->state].dir > 0 ? lengths[b] - 1 : 0))
        s = fill_row(p, slot, from, a->first[t] + i, 0, b, err);
    }
  return s;
}

static unroll_status make_batch(pass *p, unroll_error *err) {
  apply_run *r = p->r;
  const size_t n = (size_t)r->g.n_inputs + 1;
  p->axes = arena_alloc(&r->memory, (size_t)r->g.n_axes + 1, sizeof *p->axes);
  p->exact = arena_alloc(&r->memory, n, sizeof *p->exact);
  p->single = arena_alloc(&r->memory, n, sizeof *p->single);
  p->index = arena_alloc(&r->memory, n, sizeof *p->index);
  p->weights = arena_alloc(&r->memory, (size_t)r->g.n_weights + 1, sizeof *p->weights);
  if (!p->axes || !p->exact || !p->single || !p->index || !p->weights) return error_memory(err);
  for (int i = 0; i < r->g.n_axes; i++) p->axes[i] = r->axes[i].steps;
  for (int i = 0; i < r->g.n_params; i++) {
    const tensor *t = tensor_find(r->weights, r->g.params[i].name);
    for (int64_t k = 0; k < t->count; k++) p->weights[r->g.params[i].offset + k] = apply_number(t, k);
  }
  p->b = (batch){.rows = r->B, .axes = p->axes, .loss_scale = 1, .seed = 1, .step = 1, .varying = r->g.varying};
  for (int i = 0; i < r->g.n_inputs; i++) {
    const unroll_status s = fill_input(p, i, err);
    if (s != UNROLL_OK) return s;
  }
  p->b.index = (const int32_t *const *)p->index;
  p->b.number = (const float *const *)p->single;
  return UNROLL_OK;
}

/* --- the pass --- */

/* All values that are read afterwards; returns how many. */
static int list_values(const pass *p, int *out) {
  const apply_run *r = p->r;
  int n = 0;
  for (int i = 0; i < r->n_outputs; i++) out[n++] = r->outputs[i].node;
  for (int i = 0; i < r->n_states; i++) out[n++] = r->states[i].from;
  for (int i = 0; i < r->n_wanted; i++)
    if (r->o->gradient && r->wanted[i].adjoint != NODE_NONE) out[n++] = r->wanted[i].adjoint;
  return n;
}

/* The reference computes what losses are made of: here all values that are asked for pass for one. */
static unroll_status run_exact(pass *p, const int *values, int n, unroll_error *err) {
  loss *asked = arena_alloc(&p->r->memory, (size_t)n + (size_t)p->view.n_losses + 1, sizeof *asked);
  if (!asked) return error_memory(err);
  for (int i = 0; i < n; i++) asked[i] = (loss){.node = values[i], .prediction = NODE_NONE};
  for (int i = 0; i < p->view.n_losses; i++) asked[n + i] = (loss){.node = p->view.losses[i].node, .prediction = NODE_NONE};
  graph view = p->view;
  view.losses = asked;
  view.n_losses += n;
  const unroll_status s = reference_pass(&p->ref, &view, p->weights, &p->b, (const double *const *)p->exact, 0, err);
  p->ref.g = &p->view;
  return s;
}

static unroll_status run_single(pass *p, const int *values, int n, unroll_error *err) {
  const graph *g = &p->view;
  p->rounded = mem_aligned((size_t)g->n_weights + 1, sizeof *p->rounded);
  if (!p->rounded) return error_memory(err);
  for (int64_t i = 0; i < g->n_weights; i++) p->rounded[i] = (float)p->weights[i];
  for (int i = 0; i < g->n_inputs; i++) {
    if (!p->exact[i]) continue;
    const int64_t count = rows_of(p, g->inputs[i].space, g->inputs[i].axis) * g->inputs[i].width;
    p->single[i] = arena_alloc(&p->r->memory, (size_t)count + 1, sizeof **p->single);
    if (!p->single[i]) return error_memory(err);
    for (int64_t k = 0; k < count; k++) p->single[i][k] = (float)p->exact[i][k];
  }
  plan_options o = {
      .max_rows = p->r->B, .max_steps = 1, .max_cells = 1, .gradient = p->r->o->gradient, .keep = values, .n_keep = n};
  for (int i = 0; i < g->n_axes; i++) {
    const batch_axis *a = &p->axes[i];
    if (a->steps > o.max_steps) o.max_steps = a->steps;
    if (a->first[a->steps] > o.max_cells) o.max_cells = a->first[a->steps];
  }
  const unroll_status s = run_make(&p->running, &p->planned, g, &o, p->rounded, NULL, err);
  if (s == UNROLL_OK) run_pass(p->running, &p->b, 0);
  return s;
}

/* --- results --- */

typedef struct rows { /* a node's matrix in either precision */
  const double *exact;
  const float *single;
  ptrdiff_t row;
} rows;

static rows rows_at(const pass *p, int number) {
  rows q = {.row = p->r->g.nodes[number].width};
  if (p->running)
    q.single = run_value(p->running, number, &q.row);
  else
    q.exact = p->ref.values[number];
  return q;
}

static double value_at(const rows *q, int64_t row, int j) {
  return q->exact ? q->exact[row * q->row + j] : (double)q->single[row * q->row + j];
}

/* A new tensor of zeros, as doubles until finish_tensors. NULL: out of memory. */
static double *add_tensor(apply_result *out, const char *a, const char *b, const char *c, const shape *s) {
  text name = {0};
  text_format(&name, "%s%s%s", a, b, c);
  tensor *t = &out->tensors[out->count];
  *t = (tensor){.type = TENSOR_F64, .rank = s->rank, .count = 1};
  for (int i = 0; i < s->rank; i++) t->count *= t->shape[i] = s->n[i];
  double *data = arena_alloc(&out->memory, (size_t)t->count + 1, sizeof *data);
  t->name = name.data && !name.failed ? arena_text(&out->memory, name.data, name.length) : NULL;
  t->data = data;
  t->bytes = (size_t)t->count * sizeof *data;
  text_free(&name);
  if (!data || !t->name) return NULL;
  out->count++;
  return data;
}

static shape shape_like(const apply_run *r, enum space space, int axis, int width) {
  shape s = {0};
  if (space == SPACE_STEP) shape_add(&s, r->axes[axis].T, "");
  shape_add(&s, r->B, "");
  shape_add(&s, width, "");
  return s;
}

/* Adds a node's matrix, `lag` steps earlier, to a tensor of its space. */
static void add_rows(const pass *p, double *out, int number, int lag) {
  const node *n = &p->r->g.nodes[number];
  const rows q = rows_at(p, number);
  const int B = p->r->B;
  if (n->space != SPACE_STEP) {
    for (int64_t i = 0; i < B; i++)
      for (int j = 0; j < n->width; j++) out[i * n->width + j] += value_at(&q, i, j);
    return;
  }
  const batch_axis *a = &p->axes[n->axis];
  for (int t = lag; t < a->steps; t++)
    for (int i = 0; i < a->active[t]; i++) {
      const int64_t place = (int64_t)(t - lag) * B + batch_row(a, i);
      for (int j = 0; j < n->width; j++) out[place * n->width + j] += value_at(&q, a->first[t] + i, j);
    }
}

/* A state after each sequence's last step; of one without steps it is what it started from. */
static void final_rows(const pass *p, double *out, const state *y) {
  const batch_axis *a = &p->axes[y->axis];
  const rows q = rows_at(p, y->from);
  const port *start = y->initial >= 0 ? &p->r->ports[y->initial] : NULL;
  for (int i = 0; i < p->r->B; i++) {
    const int b = batch_row(a, i), length = p->r->axes[y->axis].lengths[b], t = y->dir > 0 ? length - 1 : 0;
    for (int j = 0; j < y->width; j++) {
      const int64_t place = (int64_t)b * y->width + j;
      if (length > 0)
        out[place] = value_at(&q, a->first[t] + i, j);
      else if (start && start->given)
        out[place] = apply_number(start->given, place);
    }
  }
}

static bool write_values(const pass *p, apply_result *out) {
  const apply_run *r = p->r;
  double *to;
  for (int i = 0; i < r->n_outputs; i++) {
    const node *n = &r->g.nodes[r->outputs[i].node];
    const shape s = shape_like(r, n->space, n->axis, n->width);
    if (!(to = add_tensor(out, r->outputs[i].name, "", "", &s))) return false;
    add_rows(p, to, r->outputs[i].node, 0);
  }
  for (int i = 0; i < r->n_states; i++) {
    const state *y = &r->states[i];
    const shape s = shape_like(r, SPACE_STATIC, -1, y->width);
    if (y->lag > 1) continue;
    if (!(to = add_tensor(out, y->name, "[T]", "", &s))) return false;
    final_rows(p, to, y);
  }
  for (int i = 0; i < p->view.n_losses; i++) {
    const char *name = r->g.data[p->view.losses[i].data].name;
    if (!(to = add_tensor(out, "loss.", name, "", &(shape){0}))) return false;
    if (p->running) {
      *to = run_loss(p->running, i);
    } else {
      const int number = p->view.losses[i].node;
      for (int64_t k = 0; k < p->ref.rows[number]; k++) *to += p->ref.values[number][k];
    }
  }
  return true;
}

/* What a cotangent of the final state says about a sequence without steps goes to the initial state as it is. */
static void pass_through(const apply_run *r, int number, double *out) {
  const port *from = NULL;
  const state *y = &r->states[number];
  for (int i = 0; i < r->n_ports; i++)
    if (r->ports[i].kind == PORT_FINAL && r->ports[i].state == number) from = &r->ports[i];
  if (!from || !from->given) return;
  for (int b = 0; b < r->B; b++)
    for (int j = 0; j < y->width && r->axes[y->axis].lengths[b] == 0; j++)
      out[(int64_t)b * y->width + j] = apply_number(from->given, (int64_t)b * y->width + j);
}

static bool write_gradients(const pass *p, apply_result *out) {
  const apply_run *r = p->r;
  const float *single = p->running ? run_gradient(p->running) : NULL;
  for (int i = 0; i < r->g.n_params; i++) {
    const param *w = &r->g.params[i];
    shape s = {0};
    shape_add(&s, w->rows, "");
    if (!w->vector) shape_add(&s, w->cols, "");
    double *to = add_tensor(out, "d.", w->name, "", &s);
    for (int64_t k = 0; to && k < (int64_t)w->rows * w->cols; k++)
      to[k] = single ? (double)single[w->offset + k] : p->ref.gradient[w->offset + k];
    if (!to) return false;
  }
  for (int i = 0; i < r->n_ports; i++) {
    const port *from = &r->ports[i];
    const bool initial = from->kind == PORT_INITIAL;
    if (!initial && (from->kind != PORT_DATA || from->index || !from->given)) continue;
    const shape s = shape_like(r, from->space, from->axis, from->width);
    double *to = add_tensor(out, "d.", from->name, "", &s);
    if (!to) return false;
    for (int k = 0; k < r->n_wanted; k++)
      if (r->wanted[k].port == i && r->wanted[k].adjoint != NODE_NONE) add_rows(p, to, r->wanted[k].adjoint, r->wanted[k].lag);
    if (initial && r->states[from->state].lag == 1) pass_through(r, from->state, to);
  }
  return true;
}

/* Single precision is written as such. */
static bool finish_tensors(apply_result *out) {
  for (size_t i = 0; i < out->count; i++) {
    tensor *t = &out->tensors[i];
    const double *from = t->data;
    float *to = arena_alloc(&out->memory, (size_t)t->count + 1, sizeof *to);
    if (!to) return false;
    for (int64_t k = 0; k < t->count; k++) to[k] = (float)from[k];
    t->type = TENSOR_F32;
    t->data = to;
    t->bytes = (size_t)t->count * sizeof *to;
  }
  return true;
}

static unroll_status run_both(pass *p, apply_result *out, unroll_error *err) {
  const apply_run *r = p->r;
  unroll_status s = make_batch(p, err);
  if (s != UNROLL_OK) return s;
  int *values = arena_alloc(&p->r->memory, (size_t)(r->n_outputs + r->n_states + r->n_wanted) + 1, sizeof *values);
  loss *losses = arena_alloc(&p->r->memory, (size_t)r->g.n_losses + 1, sizeof *losses);
  const size_t most = (size_t)(r->n_outputs + r->n_states + r->n_ports) + (size_t)(r->g.n_losses + r->g.n_params);
  out->tensors = arena_alloc(&out->memory, most + 1, sizeof *out->tensors);
  if (!values || !losses || !out->tensors) return error_memory(err);
  p->view = r->g;
  p->view.losses = losses;
  p->view.n_losses = p->view.n_carries = 0;
  for (int i = 0; i < r->g.n_losses; i++)
    if (r->lost[i]) losses[p->view.n_losses++] = r->g.losses[i];
  const int n = list_values(p, values);
  s = r->o->reference ? run_exact(p, values, n, err) : run_single(p, values, n, err);
  if (s != UNROLL_OK) return s;
  const bool done = write_values(p, out) && (!r->o->gradient || write_gradients(p, out)) && (!p->running || finish_tensors(out));
  return done ? UNROLL_OK : error_memory(err);
}

unroll_status apply_pass(apply_run *r, apply_result *result, unroll_error *err) {
  pass p = {.r = r};
  const unroll_status s = run_both(&p, result, err);
  run_free(p.running);
  plan_free(p.planned);
  reference_free(&p.ref);
  mem_free_aligned(p.rounded);
  return s;
}
