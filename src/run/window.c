/* window.c - a pass in windows or chunks of steps: see plan/window.c for the idea.
 *
 * A window is a batch of its own, whose steps and rows begin where the window begins. The session has what a stage must know of
 * the rest. That is whether there are steps before, how many rows go on after, and where its rows and steps are in the
 * whole. */
#include <string.h>
#include "base/memory.h"
#include "run/internal.h"

bool run_window_memory(run *r) {
  const frozen *f = r->f;
  window *w = &r->window;
  if (!f->window) return true;
  w->axes = mem_zero((size_t)f->n_axes + 1, sizeof *w->axes);
  w->first = mem_zero((size_t)f->window + 2, sizeof *w->first);
  w->at = mem_zero((size_t)f->n_stages + 1, sizeof *w->at);
  return w->axes && w->first && w->at;
}

void run_window_free(run *r) {
  mem_free(r->window.axes);
  mem_free(r->window.first);
  mem_free(r->window.at);
}

static int window_count(const run *r) {
  const int steps = r->whole->axes[r->f->cut].steps;
  return (steps + r->f->window - 1) / r->f->window;
}

bool run_in_windows(const run *r) { return r->f->window && window_count(r) > 1; }

/* Everything at once again. */
static void leave(run *r) {
  window *w = &r->window;
  r->b = r->whole;
  w->row = 0;
  w->step = w->after = 0;
  w->before = false;
  w->begins = w->ends = true;
}

/* Window number `number`, the i-th of the n of a sweep. */
static void enter(run *r, int sweep, int number, int i, int n) {
  const frozen *f = r->f;
  window *w = &r->window;
  const batch_axis *a = &r->whole->axes[f->cut];
  const int from = number * f->window, steps = a->steps - from < f->window ? a->steps - from : f->window;
  memcpy(w->axes, r->whole->axes, (size_t)f->n_axes * sizeof *w->axes);
  int64_t *const first = w->first + 1; /* the step before too */
  for (int t = from ? -1 : 0; t <= steps; t++) first[t] = a->first[from + t] - a->first[from];
  w->axes[f->cut] = (batch_axis){.steps = steps, .active = a->active + from, .first = first, .whole = a->whole, .order = a->order};
  w->batch = *r->whole;
  w->batch.axes = w->axes;
  w->row = a->first[from];
  w->step = from;
  w->number = number;
  w->before = from > 0;
  w->after = from + steps < a->steps ? a->active[from + steps] : 0;
  w->begins = i == 0;
  w->ends = i == n - 1;
  r->b = &w->batch;
  w->again = i > 0;
  for (int k = 0; k < f->n_stages; k++) /* what the sweep before has left of this window: all that is needed, or nothing */
    if (f->stages[k].again >> sweep & 1 && w->at[k] != number) w->again = true;
  for (int k = 0; k < f->n_stages; k++) {
    const bool runs = f->stages[k].phase == 2 * sweep + 1 || (w->again && f->stages[k].again >> sweep & 1);
    if (runs || i == 0) w->at[k] = runs ? number : -1;
  }
}

static bool has_sweep(const run *r, int sweep) {
  for (int k = 0; k < r->f->n_stages; k++)
    if (r->f->stages[k].phase == 2 * sweep + 1) return true;
  return false;
}

rows run_bound(const run *r, const place *at, int shift, int64_t row) {
  const int neighbour = r->window.number - shift;
  return (rows){r->arena + at->bound + ((neighbour % at->slots) * (int64_t)r->f->max_rows + row) * at->row, at->row};
}

/* Keeps what the neighbour windows will look at. */
static void keep_bounds(run *r, const stage *s) {
  const batch_axis *a = &r->b->axes[r->f->cut];
  for (int i = 0; i < s->n_bounds; i++) {
    const struct stage_bound *b = &s->bounds[i];
    const int t = b->first ? 0 : a->steps - 1;
    const float *from = r->arena + b->from + a->first[t] * b->row;
    float *to = r->arena + b->to + (r->window.number % b->slots) * (int64_t)r->f->max_rows * b->row;
    memcpy(to, from, (size_t)(a->active[t] * b->row) * sizeof *to);
  }
}

static void meet(run *r, worker *w, int threads) {
  if (threads > 1) barrier_wait(&r->meet, threads, &w->sense);
}

static void run_phase(run *r, worker *w, int phase, stage_visit *visit, void *context, int thread, int threads) {
  for (int i = 0; i < r->f->n_stages; i++) {
    const stage *s = &r->f->stages[i];
    const bool mine = s->phase == phase;
    if (!mine && !(phase % 2 && r->window.again && s->again >> phase / 2 & 1)) continue;
    if (s->kind == STAGE_ADD && !r->window.ends) continue;
    visit(context, r, w, i, thread, threads);
    if (!mine || !s->n_bounds) continue;
    if (thread == 0) keep_bounds(r, s);
    meet(r, w, threads);
  }
}

void run_windows(run *r, worker *w, stage_visit *visit, void *context, int thread, int threads) {
  const int n = window_count(r);
  if (thread == 0)
    for (int k = 0; k < r->f->n_stages; k++) r->window.at[k] = -1;
  run_phase(r, w, 0, visit, context, thread, threads);
  for (int sweep = 0; sweep < r->f->n_sweeps; sweep++) {
    for (int i = 0; i < n && has_sweep(r, sweep); i++) {
      meet(r, w, threads);
      if (thread == 0) enter(r, sweep, sweep % 2 ? n - 1 - i : i, i, n);
      meet(r, w, threads);
      run_phase(r, w, 2 * sweep + 1, visit, context, thread, threads);
    }
    meet(r, w, threads);
    if (thread == 0) leave(r);
    meet(r, w, threads);
    run_phase(r, w, 2 * sweep + 2, visit, context, thread, threads);
  }
}
