/* frame.c - the one place where rows of text become a batch: who is active when, and the symbols of every input. */
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "data/batch.h"

static unroll_status check_graph(const graph *g, unroll_error *err) {
  if (g->n_data != 1)
    return error_set(err, UNROLL_USAGE, "nets with %d variables of data cannot be run yet, only with one", g->n_data);
  if (g->n_axes != 1) return error_set(err, UNROLL_USAGE, "nets with %d time axes cannot be run yet, only with one", g->n_axes);
  if (g->n_losses < 1) return error_set(err, UNROLL_USAGE, "the net predicts nothing: it has no line with '~'");
  for (int i = 0; i < g->n_inputs; i++)
    if (!g->inputs[i].index || g->inputs[i].space != SPACE_STEP || g->inputs[i].lag < 0)
      return error_set(err, UNROLL_USAGE, "the net uses '%s' in a way that has no reader yet", g->data[g->inputs[i].data].name);
  return UNROLL_OK;
}

unroll_status frame_init(frame *f, const graph *g, int rows, int steps, int64_t cells, unroll_error *err) {
  *f = (frame){.g = g, .max_rows = rows, .max_steps = steps, .max_cells = cells};
  const unroll_status status = check_graph(g, err);
  if (status) return status;
  f->active = mem_zero((size_t)steps + 1, sizeof *f->active);
  f->first = mem_zero((size_t)steps + 1, sizeof *f->first);
  f->rows = mem_zero((size_t)rows, sizeof *f->rows);
  f->index = mem_zero((size_t)g->n_inputs + 1, sizeof *f->index);
  f->target = mem_zero((size_t)g->n_inputs + 1, sizeof *f->target);
  const float **number = mem_zero((size_t)g->n_inputs + 1, sizeof *number);
  f->b.number = number;
  bool full = f->active && f->first && f->rows && f->index && f->target && number;
  for (int i = 0; full && i < g->n_inputs; i++) full = (f->index[i] = mem_zero((size_t)cells + 1, sizeof **f->index)) != NULL;
  if (!full) {
    frame_free(f);
    return error_memory(err);
  }
  for (int i = 0; i < g->n_losses; i++)
    if (g->losses[i].slot >= 0) f->target[g->losses[i].slot] = true;
  f->axis.active = f->active;
  f->axis.first = f->first;
  f->b.axes = &f->axis;
  f->b.index = (const int32_t *const *)f->index;
  return UNROLL_OK;
}

void frame_free(frame *f) {
  for (int i = 0; f->index && i < f->g->n_inputs; i++) mem_free(f->index[i]);
  mem_free(f->index);
  mem_free((void *)f->b.number);
  mem_free(f->active);
  mem_free(f->first);
  mem_free(f->target);
  mem_free(f->rows);
  *f = (frame){0};
}

static void fill_input(const frame *f, int32_t *out, int lag, bool blank) {
  for (int t = 0; t < f->axis.steps; t++) {
    int32_t *row = out + f->first[t];
    for (int b = 0; b < f->active[t]; b++) {
      const int64_t place = f->rows[b].from + t - lag;
      row[b] = blank || place < 0 ? -1 : f->rows[b].text[place];
    }
  }
}

void frame_fill(frame *f, int n, bool counted) {
  int active = n;
  f->b.axes = &f->axis; /* the frame may have been moved since frame_init */
  f->b.rows = n;
  f->axis.steps = n > 0 ? f->rows[0].count : 0;
  f->first[0] = 0;
  for (int t = 0; t < f->axis.steps; t++) {
    while (active > 0 && f->rows[active - 1].count <= t) active--;
    f->active[t] = active;
    f->first[t + 1] = f->first[t] + active;
  }
  for (int i = 0; i < f->g->n_inputs; i++) fill_input(f, f->index[i], f->g->inputs[i].lag, f->target[i] && !counted);
  const int64_t cells = f->first[f->axis.steps];
  f->b.varying = f->g->varying;
  f->b.loss_scale = cells > 0 ? 1.0 / (double)cells : 0;
}
