/* decode_feed.c - batches of the decoder's graph: rows that are hypotheses of examples, one step or many. */
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "use/decoder.h"

/* --- room --- */

static bool init_axis(feed *f, const decoder *s, int a, int rows, int steps) {
  const size_t t = (size_t)(a == s->c.axis ? steps : s->source->steps) + 1;
  f->active[a] = mem_zero(t, sizeof **f->active);
  f->first[a] = mem_zero(t + 1, sizeof **f->first);
  f->order[a] = mem_zero((size_t)rows, sizeof **f->order);
  return f->active[a] && f->first[a] && f->order[a];
}

static bool init_input(feed *f, const decoder *s, int i, int rows, int steps) {
  const input *in = &s->c.decoder.inputs[i];
  size_t cells = (size_t)rows, numbers;
  if (in->space == SPACE_STEP && in->axis == s->c.axis) cells *= (size_t)steps;
  if (in->space == SPACE_STEP && in->axis != s->c.axis) {
    cells = (size_t)s->source->cells * (size_t)(rows / s->group);
    f->used[in->axis] = true;
  }
  if (in->index) return (f->index[i] = mem_zero(cells + 1, sizeof **f->index)) != NULL;
  if (__builtin_mul_overflow(cells + 1, (size_t)in->width, &numbers)) return false;
  return (f->number[i] = mem_zero(numbers, sizeof **f->number)) != NULL;
}

unroll_status feed_init(feed *f, const decoder *s, int rows, int steps, unroll_error *err) {
  const graph *g = &s->c.decoder;
  const size_t axes = (size_t)g->n_axes + 1, inputs = (size_t)g->n_inputs + 1;
  f->axes = mem_zero(axes, sizeof *f->axes);
  f->active = mem_zero(axes, sizeof *f->active);
  f->order = mem_zero(axes, sizeof *f->order);
  f->first = mem_zero(axes, sizeof *f->first);
  f->used = mem_zero(axes, sizeof *f->used);
  f->index = mem_zero(inputs, sizeof *f->index);
  f->number = mem_zero(inputs, sizeof *f->number);
  f->rows = mem_zero((size_t)rows, sizeof *f->rows);
  f->begin = mem_zero((size_t)s->group + 1, sizeof *f->begin);
  f->until = mem_zero((size_t)s->group + 1, sizeof *f->until);
  bool full = f->axes && f->active && f->order && f->first && f->used && f->index && f->number && f->rows && f->begin && f->until;
  for (int a = 0; full && a < g->n_axes; a++) full = init_axis(f, s, a, rows, steps);
  for (int i = 0; full && i < g->n_inputs; i++) full = init_input(f, s, i, rows, steps);
  if (!full) return error_memory(err);
  f->b = (batch){
      .axes = f->axes, .index = (const int32_t *const *)f->index, .number = (const float *const *)f->number, .varying = g->varying};
  for (int a = 0; a < g->n_axes; a++) f->axes[a] = (batch_axis){.active = f->active[a], .first = f->first[a]};
  return UNROLL_OK;
}

void feed_free(feed *f, const decoder *s) {
  for (int a = 0; a < s->c.decoder.n_axes; a++) {
    if (f->active) mem_free(f->active[a]);
    if (f->order) mem_free(f->order[a]);
    if (f->first) mem_free(f->first[a]);
  }
  for (int i = 0; i < s->c.decoder.n_inputs; i++) {
    if (f->index) mem_free(f->index[i]);
    if (f->number) mem_free(f->number[i]);
  }
  mem_free(f->axes);
  mem_free(f->active);
  mem_free(f->order);
  mem_free(f->first);
  mem_free(f->used);
  mem_free(f->index);
  mem_free(f->number);
  mem_free(f->rows);
  mem_free(f->begin);
  mem_free(f->until);
  *f = (feed){0};
}

/* --- what the encoder says --- */

static int example_at(const batch_axis *a, int sequence) { return a->order ? a->order[sequence] : sequence; }

/* The decoder may have the decoded axis twice: see cut.h. */
static const batch_axis *whole_axis(const decoder *s, int a) { return &s->b->axes[a < s->m->g.n_axes ? a : s->c.axis]; }

/* The axis of the whole batch with each example as often as it has rows. */
static void repeat_axis(feed *f, const decoder *s, int a) {
  const batch_axis *whole = whole_axis(s, a);
  int rows = 0;
  f->until[0] = 0;
  for (int q = 0; q < s->n; q++) {
    const int e = example_at(whole, q);
    for (int r = f->begin[e]; r < f->begin[e + 1]; r++) f->order[a][rows++] = r;
    f->until[q + 1] = rows;
  }
  f->axes[a].steps = whole->steps;
  f->axes[a].order = f->order[a];
  f->first[a][0] = 0;
  for (int t = 0; t < whole->steps; t++) {
    f->active[a][t] = f->until[whole->active[t]];
    f->first[a][t + 1] = f->first[a][t] + f->active[a][t];
  }
}

static void copy_numbers(float *to, int64_t i, const float *from, int64_t k, ptrdiff_t stride, int width) {
  memcpy(to + i * width, from + k * stride, (size_t)width * sizeof *to);
}

static void set_boundary(feed *f, const decoder *s, const cut_boundary *b) {
  const input *in = &s->c.decoder.inputs[b->slot];
  float *to = f->number[b->slot];
  ptrdiff_t stride;
  const float *from = run_value(s->encoder, b->node, &stride);
  if (in->space != SPACE_STEP)
    for (int r = 0; r < f->b.rows; r++) copy_numbers(to, r, from, f->rows[r].example, stride, in->width);
  if (in->space != SPACE_STEP || in->axis == s->c.axis) return;
  const batch_axis *whole = whole_axis(s, in->axis);
  int64_t out = 0;
  for (int t = 0; t < whole->steps; t++)
    for (int q = 0; q < whole->active[t]; q++) {
      const int e = example_at(whole, q);
      for (int r = f->begin[e]; r < f->begin[e + 1]; r++) copy_numbers(to, out++, from, whole->first[t] + q, stride, in->width);
    }
}

void feed_set_rows(feed *f, const decoder *s, int n) {
  f->b.rows = n;
  memset(f->begin, 0, ((size_t)s->n + 1) * sizeof *f->begin);
  for (int r = 0; r < n; r++) f->begin[f->rows[r].example + 1]++;
  for (int e = 0; e < s->n; e++) f->begin[e + 1] += f->begin[e];
  for (int a = 0; a < s->c.decoder.n_axes; a++)
    if (f->used[a] && a != s->c.axis) repeat_axis(f, s, a);
  for (int i = 0; i < s->c.n_boundary; i++) set_boundary(f, s, &s->c.boundary[i]);
}

/* --- steps --- */

static const head *head_of(const decoder *s, int data) {
  for (int k = 0; k < s->n_heads; k++)
    if (s->heads[k].data == data) return &s->heads[k];
  return NULL;
}

/* The row of the whole graph's STEP matrices that is step `place` of an example, or -1. */
static int64_t whole_row(const decoder *s, int example, int64_t place) {
  const batch_axis *a = &s->b->axes[s->c.axis];
  const int q = s->place[s->c.axis * s->group + example];
  return place >= 0 && place < a->steps && q < a->active[place] ? a->first[place] + q : -1;
}

/* Does the source say that what head h predicts was not observed at a row of the whole graph? */
static bool unseen(const decoder *s, const head *h, int64_t row) {
  return h->seen >= 0 && row >= 0 && s->b->number[h->seen][row] == 0;
}

/* Row `to` of input i is `place` of a row. */
static void set_value(feed *f, const decoder *s, int i, int64_t to, const feed_row *r, int64_t place) {
  const input *in = &s->c.decoder.inputs[i];
  const head *h = in->data >= 0 ? head_of(s, in->data) : NULL;
  int slot = s->whole_slot[i];
  int64_t from = whole_row(s, r->example, place);
  if (h) { /* what is predicted: the true value where it is known, then what was drawn */
    const int64_t at = place - in->lag, drawn = at - s->known[r->example];
    if (drawn >= 0 && r->history >= 0 && in->seen) {
      f->number[i][to] = 1;
      return;
    }
    if (drawn >= 0 && r->history >= 0) {
      const values *v = &s->now.heads[h - s->heads];
      const int64_t cell = r->history * s->room + drawn;
      if (in->index)
        f->index[i][to] = v->symbols[cell];
      else
        copy_numbers(f->number[i], to, v->numbers, cell, in->width, in->width);
      return;
    }
    if (at >= 0 &&
        !(in->seen && h->seen < 0)) { /* before its beginning: what the source says, which of a window of a series is there */
      from = drawn < 0 ? whole_row(s, r->example, at) : -1;
      slot = in->seen ? h->seen : h->slot;
      if (!in->seen && in->lag && in->lag <= OWN_MEAN_STEPS && s->m->g.data[in->data].own_mean && unseen(s, h, from)) from = -1;
    }
  }
  if (in->data < 0) {
    ptrdiff_t stride;
    for (int k = 0; k < s->c.n_boundary; k++)
      if (s->c.boundary[k].slot == i) {
        const float *x = run_value(s->encoder, s->c.boundary[k].node, &stride);
        if (from >= 0) copy_numbers(f->number[i], to, x, from, stride, in->width);
      }
  } else if (in->index) {
    f->index[i][to] = from >= 0 ? s->b->index[slot][from] : -1;
  } else if (from >= 0) {
    copy_numbers(f->number[i], to, s->b->number[slot], from, in->width, in->width);
  } else {
    memset(f->number[i] + to * in->width, 0, (size_t)in->width * sizeof **f->number);
  }
}

/* Rows by decreasing number of steps. */
static void order_rows(feed *f, int a) {
  int *order = f->order[a];
  bool moved = false;
  for (int r = 0; r < f->b.rows; r++) {
    int k = r;
    for (; k > 0 && f->rows[order[k - 1]].count < f->rows[r].count; k--) order[k] = order[k - 1];
    moved |= k != r;
    order[k] = r;
  }
  f->axes[a].order = moved ? order : NULL;
}

void feed_set_steps(feed *f, const decoder *s) {
  const int a = s->c.axis;
  order_rows(f, a);
  int active = f->b.rows;
  f->axes[a].steps = active > 0 ? f->rows[f->order[a][0]].count : 0;
  f->first[a][0] = 0;
  for (int t = 0; t < f->axes[a].steps; t++) {
    while (f->rows[f->order[a][active - 1]].count <= t) active--;
    f->active[a][t] = active;
    f->first[a][t + 1] = f->first[a][t] + active;
  }
  for (int i = 0; i < s->c.decoder.n_inputs; i++) {
    const input *in = &s->c.decoder.inputs[i];
    if (in->space != SPACE_STEP || in->axis != a) continue;
    for (int t = 0; t < f->axes[a].steps; t++)
      for (int q = 0; q < f->active[a][t]; q++) {
        const feed_row *r = &f->rows[f->order[a][q]];
        set_value(f, s, i, f->first[a][t] + q, r, r->from + t);
      }
  }
}
