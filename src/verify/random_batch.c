/* random_batch.c - made-up data and weights for a graph. */
#include "verify/random_batch.h"
#include <math.h>
#include "base/error.h"
#include "base/random.h"

/* Sequences by decreasing length, equal ones in the order of batch rows; false when that is the order they have. */
static bool sort_by_length(int *order, const int *lengths, int rows) {
  bool moved = false;
  for (int i = 0; i < rows; i++) {
    int j = i;
    for (; j > 0 && lengths[order[j - 1]] < lengths[i]; j--) order[j] = order[j - 1];
    order[j] = i;
    moved = moved || j != i;
  }
  return moved;
}

static bool fill_axis(random_batch *r, batch_axis *a, const int *lengths, int rows) {
  int *order = arena_alloc(&r->memory, (size_t)rows + 1, sizeof *order);
  for (int b = 0; b < rows; b++) a->steps = lengths[b] > a->steps ? lengths[b] : a->steps;
  int *active = arena_alloc(&r->memory, (size_t)a->steps + 1, sizeof *active);
  int64_t *first = arena_alloc(&r->memory, (size_t)a->steps + 1, sizeof *first);
  if (!order || !active || !first) return false;
  for (int b = 0; b < rows; b++)
    for (int t = 0; t < lengths[b]; t++) active[t]++;
  for (int t = 0; t < a->steps; t++) first[t + 1] = first[t] + active[t];
  a->order = sort_by_length(order, lengths, rows) ? order : NULL;
  a->active = active;
  a->first = first;
  return true;
}

/* Numbers from -1 to 1; what is predicted as a bit or a count is one. */
static float made_up(enum support support, double u) {
  switch (support) {
  case SUPPORT_BIT:
    return u < 0.5 ? 0.0f : 1.0f;
  case SUPPORT_COUNT:
    return (float)(int)(6 * u * u);
  case SUPPORT_REAL:
  case SUPPORT_PEN:
  case SUPPORT_SYMBOLS:
    break;
  }
  return (float)(2 * u - 1);
}

static enum support support_of(const graph *g, int data) {
  for (int i = 0; i < g->n_losses; i++)
    if (g->losses[i].data == data) return g->losses[i].distribution->support;
  return SUPPORT_REAL;
}

/* The entries of one row of an input: batch row b at time t (0 for static data). */
static void fill_row(random_batch *r, const graph *g, int number, int64_t row, int b, int64_t t, uint64_t key) {
  const input *in = &g->inputs[number];
  const enum support support = support_of(g, in->data);
  const uint64_t step = (uint64_t)in->data << 40 | (uint64_t)(t < 0 ? 0 : t);
  if (in->index) {
    const uint32_t symbols = in->width > 0 ? (uint32_t)in->width : 1;
    r->index[number][row] = t < 0 ? -1 : (int32_t)random_below(key, RANDOM_TEST, step, (uint32_t)b, symbols);
    return;
  }
  for (int j = 0; j < in->width; j++) {
    const double u =
        random_uniform(key, RANDOM_TEST, step + ((uint64_t)in->seen << 60), (uint32_t)b * (uint32_t)in->width + (uint32_t)j);
    r->number[number][row * in->width + j] = t < 0 ? 0.0f : in->seen ? (u < 0.75 ? 1.0f : 0.0f) : made_up(support, u);
  }
}

static bool fill_input(random_batch *r, const graph *g, int number, int from, uint64_t key) {
  const input *in = &g->inputs[number];
  const batch_axis *a = in->space == SPACE_STEP ? &r->axes[in->axis] : NULL;
  const int64_t count = a ? a->first[a->steps] : r->b.rows;
  if (in->index)
    r->index[number] = arena_alloc(&r->memory, (size_t)count + 1, sizeof **r->index);
  else
    r->number[number] = arena_alloc(&r->memory, (size_t)(count + 1) * (size_t)in->width, sizeof **r->number);
  if (!r->index[number] && !r->number[number]) return false;
  if (!a)
    for (int b = 0; b < r->b.rows; b++) fill_row(r, g, number, b, b, 0, key);
  for (int t = 0; a && t < a->steps; t++)
    for (int b = 0; b < a->active[t]; b++)
      fill_row(r, g, number, a->first[t] + b, a->order ? a->order[b] : b, (int64_t)from + t - in->lag, key);
  return true;
}

/* What ctc aligns with n steps has at most (n + 1) / 2 symbols: then it fits, whatever it repeats. */
static void shorten(random_batch *r, const graph *g, int rows) {
  for (int i = 0; i < g->n_nodes; i++) {
    const node *n = &g->nodes[i];
    if (n->op != OP_CTC || g->inputs[n->slot].space != SPACE_STEP) continue;
    int *symbols = r->lengths[g->inputs[n->slot].axis];
    for (int b = 0; b < rows; b++) {
      const int most = (r->lengths[n->axis][b] + 1) / 2;
      if (symbols[b] > most) symbols[b] = most;
    }
  }
}

static unroll_status make(random_batch *out, const graph *g, int rows, const int *lengths, int from, uint64_t key,
                          unroll_error *err) {
  *out = (random_batch){0};
  const size_t axes = (size_t)g->n_axes + 1, inputs = (size_t)g->n_inputs + 1;
  out->axes = arena_alloc(&out->memory, axes, sizeof *out->axes);
  out->lengths = arena_alloc(&out->memory, axes, sizeof *out->lengths);
  out->index = arena_alloc(&out->memory, inputs, sizeof *out->index);
  out->number = arena_alloc(&out->memory, inputs, sizeof *out->number);
  bool ok = out->axes && out->lengths && out->index && out->number;
  out->b = (batch){.rows = rows, .axes = out->axes, .seed = key, .step = 1, .varying = g->varying};
  for (int a = 0; a < g->n_axes && ok; a++) {
    ok = (out->lengths[a] = arena_alloc(&out->memory, (size_t)rows + 1, sizeof **out->lengths)) != NULL;
    for (int b = 0; b < rows && ok; b++) out->lengths[a][b] = lengths[(b + a) % rows];
  }
  if (ok) shorten(out, g, rows);
  for (int a = 0; a < g->n_axes && ok; a++) ok = fill_axis(out, &out->axes[a], out->lengths[a], rows);
  for (int i = 0; i < g->n_inputs && ok; i++) ok = fill_input(out, g, i, from, key);
  if (!ok) {
    random_batch_free(out);
    return error_memory(err);
  }
  out->b.index = (const int32_t *const *)out->index;
  out->b.number = (const float *const *)out->number;
  int64_t predicted = 0;
  for (int i = 0; i < g->n_losses; i++) {
    const node *n = &g->nodes[g->losses[i].node];
    predicted += n->space == SPACE_STEP ? out->axes[n->axis].first[out->axes[n->axis].steps] : rows;
  }
  out->b.loss_scale = predicted > 0 ? 1.0 / (double)predicted : 1.0;
  return UNROLL_OK;
}

unroll_status random_batch_new(random_batch *out, const graph *g, int rows, const int *lengths, uint64_t key, unroll_error *err) {
  return make(out, g, rows, lengths, 0, key, err);
}

unroll_status random_batch_part(random_batch *out, const graph *g, int rows, int from, int steps, uint64_t key, unroll_error *err) {
  *out = (random_batch){0};
  int *lengths = mem_zero((size_t)rows + 1, sizeof *lengths);
  if (!lengths) return error_memory(err);
  for (int b = 0; b < rows; b++) lengths[b] = steps;
  const unroll_status s = make(out, g, rows, lengths, from, key, err);
  mem_free(lengths);
  return s;
}

void random_batch_free(random_batch *r) {
  arena_free(&r->memory);
  *r = (random_batch){0};
}

void random_weights(float *weights, const graph *g, uint64_t key) {
  for (int p = 0; p < g->n_params; p++) {
    const param *w = &g->params[p];
    const bool matrix = !w->vector && w->role != PARAM_EMBEDDING;
    const double scale = matrix ? 1 / sqrt((double)w->cols) : 0.5;
    for (int64_t i = 0; i < (int64_t)w->rows * w->cols; i++)
      weights[w->offset + i] =
          (float)(scale * (2 * random_uniform(key, RANDOM_TEST, (uint64_t)p << 40 | 1ull << 39, (uint32_t)i) - 1));
    for (int64_t i = 0; i < w->rows && w->role == PARAM_RUNNING; i++)
      weights[w->offset + i] += (float)w->init_value; /* variances */
  }
}
