/* cut.c - a shard's part of a batch, as a batch of its own. It has the rows b with b % S == s, in the order of the whole. Of
 * rows in order of decreasing length each shard so gets some of every length. */
#include <string.h>
#include "base/memory.h"
#include "run/internal.h"

static bool init_input(cutting *c, const frozen *f, int i) {
  const struct frozen_input *in = &f->inputs[i];
  const size_t n = (size_t)(in->of_steps ? f->max_cells : f->max_rows) + 1;
  if (in->index) return (c->index[i] = mem_zero(n, sizeof **c->index)) != NULL;
  return (c->number[i] = mem_zero(n * (size_t)in->width, sizeof **c->number)) != NULL;
}

static bool init_axis(cutting *c, const frozen *f, int a) {
  c->active[a] = mem_zero((size_t)f->max_steps + 1, sizeof **c->active);
  c->first[a] = mem_zero((size_t)f->max_steps + 2, sizeof **c->first);
  c->order[a] = mem_zero((size_t)f->max_rows + 1, sizeof **c->order);
  c->whole[a] = mem_zero((size_t)f->max_rows + 1, sizeof **c->whole);
  return c->active[a] && c->first[a] && c->order[a] && c->whole[a];
}

bool cutting_init(cutting *c, const frozen *f) {
  const size_t axes = (size_t)f->n_axes + 1, inputs = (size_t)f->n_inputs + 1;
  c->axes = mem_zero(axes, sizeof *c->axes);
  c->active = mem_zero(axes, sizeof *c->active);
  c->order = mem_zero(axes, sizeof *c->order);
  c->whole = mem_zero(axes, sizeof *c->whole);
  c->first = mem_zero(axes, sizeof *c->first);
  c->index = mem_zero(inputs, sizeof *c->index);
  c->number = mem_zero(inputs, sizeof *c->number);
  bool full = c->axes && c->active && c->order && c->whole && c->first && c->index && c->number;
  for (int a = 0; full && a < f->n_axes; a++) full = init_axis(c, f, a);
  for (int i = 0; full && i < f->n_inputs; i++) full = init_input(c, f, i);
  return full;
}

void cutting_free(cutting *c, const frozen *f) {
  for (int a = 0; a < f->n_axes; a++) {
    if (c->active) mem_free(c->active[a]);
    if (c->first) mem_free(c->first[a]);
    if (c->order) mem_free(c->order[a]);
    if (c->whole) mem_free(c->whole[a]);
  }
  for (int i = 0; i < f->n_inputs; i++) {
    if (c->index) mem_free(c->index[i]);
    if (c->number) mem_free(c->number[i]);
  }
  mem_free(c->axes);
  mem_free(c->active);
  mem_free(c->order);
  mem_free(c->whole);
  mem_free(c->first);
  mem_free(c->index);
  mem_free(c->number);
  *c = (cutting){0};
}

static void cut_axis(cutting *c, const frozen *f, int a, const batch *whole, int shard) {
  const batch_axis *from = &whole->axes[a];
  int n = 0, t = 0;
  for (int q = 0; q < whole->rows; q++) {
    const int row = from->order ? from->order[q] : q;
    if (row % f->shards != shard) continue;
    c->whole[a][n] = q;
    c->order[a][n++] = row / f->shards;
  }
  for (c->first[a][0] = 0; t < from->steps; t++) {
    while (n > 0 && c->whole[a][n - 1] >= from->active[t]) n--;
    if (!n) break;
    c->active[a][t] = n;
    c->first[a][t + 1] = c->first[a][t] + n;
  }
  c->axes[a] = (batch_axis){
      .steps = t, .active = c->active[a], .first = c->first[a], .whole = c->whole[a], .order = from->order ? c->order[a] : NULL};
}

static void cut_row(cutting *c, const frozen *f, int i, const batch *whole, int64_t to, int64_t from) {
  const size_t width = (size_t)f->inputs[i].width;
  if (f->inputs[i].index)
    c->index[i][to] = whole->index[i][from];
  else
    memcpy(c->number[i] + to * f->inputs[i].width, whole->number[i] + from * f->inputs[i].width, width * sizeof(float));
}

static void cut_input(cutting *c, const frozen *f, int i, const batch *whole, int shard) {
  const struct frozen_input *in = &f->inputs[i];
  if (!in->of_steps) {
    for (int b = 0; b < c->b.rows; b++) cut_row(c, f, i, whole, b, b * f->shards + shard);
    return;
  }
  const batch_axis *a = &c->axes[in->axis];
  const int64_t *first = whole->axes[in->axis].first;
  for (int t = 0; t < a->steps; t++)
    for (int q = 0; q < a->active[t]; q++) cut_row(c, f, i, whole, a->first[t] + q, first[t] + a->whole[q]);
}

void cutting_make(cutting *c, const frozen *f, const batch *whole, int shard) {
  c->b = *whole;
  c->b.shard = shard;
  c->b.shards = f->shards;
  c->b.rows = (whole->rows - shard + f->shards - 1) / f->shards;
  c->b.axes = c->axes;
  c->b.index = (const int32_t *const *)c->index;
  c->b.number = (const float *const *)c->number;
  for (int a = 0; a < f->n_axes; a++) cut_axis(c, f, a, whole, shard);
  for (int i = 0; i < f->n_inputs; i++) cut_input(c, f, i, whole, shard);
}
