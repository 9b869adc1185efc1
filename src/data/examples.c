/* examples.c - see examples.h. */
#include "data/examples.h"
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/sort.h"
#include "data/calendar.h"
#include "data/stretch.h"
#include "read/midi.h"

static bool init_axis(examples *f, int a) {
  f->active[a] = mem_zero((size_t)f->max_steps + 1, sizeof **f->active);
  f->first[a] = mem_zero((size_t)f->max_steps + 1, sizeof **f->first);
  f->order[a] = mem_zero((size_t)f->max_rows, sizeof **f->order);
  return f->active[a] && f->first[a] && f->order[a];
}

static bool init_input(examples *f, int i) {
  const input *in = &f->g->inputs[i];
  const size_t rows = (size_t)(in->space == SPACE_STEP ? f->max_cells : f->max_rows) + 1;
  size_t numbers;
  if (in->index) return (f->index[i] = mem_zero(rows, sizeof **f->index)) != NULL;
  if (__builtin_mul_overflow(rows, (size_t)in->width, &numbers)) return false;
  return (f->number[i] = mem_zero(numbers, sizeof **f->number)) != NULL;
}

static bool init_windows(examples *f) {
  f->windows = mem_zero((size_t)f->max_rows, sizeof *f->windows);
  f->scale_at = mem_zero((size_t)f->s->n + 1, sizeof *f->scale_at);
  if (!f->windows || !f->scale_at) return false;
  for (int i = 0; i < f->s->n; i++) {
    f->scale_at[i] = calendar_scales(f->s, i) ? f->n_scales : -1;
    if (f->scale_at[i] >= 0) f->n_scales += f->s->list[i].width;
  }
  return (f->scales = mem_zero((size_t)f->max_rows * 2 * (size_t)f->n_scales + 1, sizeof *f->scales)) != NULL;
}

unroll_status examples_init(examples *f, const graph *g, const schema *s, const dataset *d, int rows, int steps, int64_t cells,
                            bool windowed, unroll_error *err) {
  *f = (examples){.g = g, .s = s, .d = d, .max_rows = rows, .max_steps = steps, .max_cells = cells};
  if (g->n_losses < 1) return error_set(err, UNROLL_USAGE, "the net predicts nothing: it has no line with '~'");
  const size_t axes = (size_t)g->n_axes + 1, inputs = (size_t)g->n_inputs + 1;
  f->list = mem_zero((size_t)rows, sizeof *f->list);
  f->keys = mem_zero((size_t)rows, sizeof *f->keys);
  f->place = mem_zero((size_t)rows, sizeof *f->place);
  f->shift = mem_zero((size_t)rows, sizeof *f->shift);
  f->axes = mem_zero(axes, sizeof *f->axes);
  f->active = mem_zero(axes, sizeof *f->active);
  f->first = mem_zero(axes, sizeof *f->first);
  f->order = mem_zero(axes, sizeof *f->order);
  f->index = mem_zero(inputs, sizeof *f->index);
  f->number = mem_zero(inputs, sizeof *f->number);
  bool full = f->list && f->keys && f->place && f->shift && f->axes && f->active && f->first && f->order && f->index && f->number;
  for (int a = 0; full && a < g->n_axes; a++) full = init_axis(f, a);
  for (int i = 0; full && i < g->n_inputs; i++) full = init_input(f, i);
  full = full && (!windowed || init_windows(f));
  if (full) return UNROLL_OK;
  examples_free(f);
  return error_memory(err);
}

unroll_status examples_stretch(examples *f, unroll_error *err) {
  const size_t rows = (size_t)f->max_rows;
  f->times = mem_zero(rows, sizeof *f->times);
  f->pace = mem_zero(rows, sizeof *f->pace);
  f->last = mem_zero(rows, sizeof *f->last);
  f->stretched = mem_zero((size_t)f->g->n_axes + 1, sizeof *f->stretched);
  if (!f->times || !f->pace || !f->last || !f->stretched) return error_memory(err);
  for (int a = 0; a < f->g->n_axes; a++) f->stretched[a] = stretch_takes(f->g, f->s, a);
  return UNROLL_OK;
}

unroll_status examples_warp(examples *f, unroll_error *err) {
  f->warps = mem_zero((size_t)f->max_rows, sizeof *f->warps);
  f->warped = mem_zero((size_t)f->s->n + 1, sizeof *f->warped);
  if (!f->warps || !f->warped) return error_memory(err);
  for (int i = 0; i < f->s->n; i++) f->warped[i] = warp_takes(f->g, f->s, i);
  return UNROLL_OK;
}

void examples_free(examples *f) {
  for (int a = 0; f->g && a < f->g->n_axes; a++) {
    if (f->active) mem_free(f->active[a]);
    if (f->first) mem_free(f->first[a]);
    if (f->order) mem_free(f->order[a]);
  }
  for (int i = 0; f->g && i < f->g->n_inputs; i++) {
    if (f->index) mem_free(f->index[i]);
    if (f->number) mem_free(f->number[i]);
  }
  mem_free(f->list);
  mem_free(f->windows);
  mem_free(f->scales);
  mem_free(f->scale_at);
  mem_free(f->keys);
  mem_free(f->place);
  mem_free(f->shift);
  mem_free(f->times);
  mem_free(f->stretched);
  mem_free(f->warps);
  mem_free(f->warped);
  mem_free(f->pace);
  mem_free(f->last);
  mem_free(f->axes);
  mem_free(f->active);
  mem_free(f->first);
  mem_free(f->order);
  mem_free(f->index);
  mem_free(f->number);
  *f = (examples){0};
}

/* Steps of row b on an axis. */
static int64_t length_at(const examples *f, int a, int b) {
  if (f->windows) return f->windows[b].count;
  return f->stretched && f->stretched[a] ? stretch_length(f->d, f->s, a, f->list[b], f->times[b])
                                         : dataset_length(f->d, f->s, a, f->list[b]);
}

/* Rows that are sorted by this come with the longest first, and equal ones in their order. */
static uint64_t length_key(int64_t length, int row) { return (uint64_t)(MAX_STREAM - length) << 32 | (uint64_t)row; }
static int key_length(uint64_t key) { return MAX_STREAM - (int)(key >> 32); }
static int key_row(uint64_t key) { return (int)(key & UINT32_MAX); }

/* Sequences by decreasing length, equal ones in the order of the batch's rows. */
static void fill_axis(examples *f, int a, int n) {
  batch_axis *axis = &f->axes[a];
  bool moved = false;
  for (int b = 0; b < n; b++) f->keys[b] = length_key(length_at(f, a, b), b);
  sort_keys(f->keys, (size_t)n);
  for (int b = 0; b < n; b++) {
    f->order[a][b] = key_row(f->keys[b]);
    moved |= f->order[a][b] != b;
  }
  int active = n;
  axis->steps = n ? key_length(f->keys[0]) : 0;
  f->first[a][0] = 0;
  for (int t = 0; t < axis->steps; t++) {
    while (key_length(f->keys[active - 1]) <= t) active--;
    f->active[a][t] = active;
    f->first[a][t + 1] = f->first[a][t] + active;
  }
  axis->active = f->active[a];
  axis->first = f->first[a];
  axis->order = moved ? f->order[a] : NULL;
}

/* A step of a piece of music, `by` half tones higher; keys that no piano has are left out, and intervals stay. */
static void copy_keys(float *out, const float *keys, int width, int by) {
  const int moved = width / ROLL_KEYS * ROLL_KEYS - (width % ROLL_KEYS ? ROLL_KEYS : 0);
  memcpy(out, keys, (size_t)width * sizeof *out);
  for (int k = 0; k < moved; k++) {
    const int from = k % ROLL_KEYS - by;
    out[k] = from >= 0 && from < ROLL_KEYS ? keys[k - by] : 0;
  }
}

/* A step of a stretched row, between two of the example. */
static void fill_between(const examples *f, int i, float *out, int b, int64_t t) {
  const column_values *c = &f->d->columns[f->g->inputs[i].data];
  const int width = f->g->inputs[i].width;
  const double at = (double)t * f->pace[b];
  const int64_t before = at < (double)f->last[b] ? (int64_t)at : f->last[b], after = before < f->last[b] ? before + 1 : before;
  const float share = (float)(at - (double)before);
  const float *x = c->numbers + column_place(c, f->place[b] + before) * width,
              *y = c->numbers + column_place(c, f->place[b] + after) * width;
  for (int j = 0; j < width; j++) out[j] = x[j] + share * (y[j] - x[j]);
}

/* Row `row` of an input of numbers is step t of example b of the batch, counted from the beginning of the example. */
static void fill_numbers(const examples *f, int i, int64_t row, int b, int64_t t) {
  const input *in = &f->g->inputs[i];
  const column_values *c = &f->d->columns[in->data];
  float *out = f->number[i] + row * in->width;
  if (in->seen) {
    *out = c->there && t >= 0 && column_seen(c, f->place[b] + t) ? 1 : 0;
    return;
  }
  const bool expected =
      in->lag && in->lag <= OWN_MEAN_STEPS && f->g->data[in->data].own_mean && t >= (f->windows ? f->windows[b].from : 0);
  if (!c->there || t < 0 || (expected && !column_seen(c, f->place[b] + t))) {
    memset(out, 0, (size_t)in->width * sizeof *out);
    return;
  }
  if (f->stretched && in->space == SPACE_STEP && f->stretched[in->axis]) {
    fill_between(f, i, out, b, t);
    return;
  }
  const float *numbers = c->numbers + column_place(c, f->place[b] + t) * in->width;
  if (f->shift[b] && f->s->list[in->data].form.of->sort == KIND_KEYS)
    copy_keys(out, numbers, in->width, f->shift[b]);
  else if (f->warped && f->warped[in->data])
    warp_picture(out, numbers, &f->s->list[in->data].shape, &f->warps[b]);
  else
    memcpy(out, numbers, (size_t)in->width * sizeof *out);
  const int scale = f->scale_at ? f->scale_at[in->data] : -1;
  if (scale < 0) return;
  const double *mean = f->scales + ((int64_t)b * f->n_scales + scale) * 2, *deviation = mean + in->width;
  for (int j = 0; j < in->width; j++)
    out[j] = (float)((column_unscaled(c, &f->s->list[in->data], f->place[b] + t, j) - mean[j]) / deviation[j]);
}

/* A rare word is <unk> half of the times, the same times wherever it is read. */
static int32_t symbol_at(const examples *f, int data, int64_t place) {
  const int32_t symbol = f->d->columns[data].symbols[place];
  if (!f->rare || !f->rare[data] || !f->rare[data][symbol]) return symbol;
  const uint64_t at = (uint64_t)place, step = (f->rare_epoch * MAX_FORMS + (uint64_t)data) << 16 | at >> 32;
  return random_bits(f->rare_seed, RANDOM_RARE, step, (uint32_t)at) & 1 ? symbol : vocabulary_unknown(&f->s->list[data].words);
}

static void fill_row(const examples *f, int i, int64_t row, int b, int64_t t) {
  const input *in = &f->g->inputs[i];
  const column_values *c = &f->d->columns[in->data];
  if (in->index)
    f->index[i][row] = c->there && t >= 0 ? symbol_at(f, in->data, f->place[b] + t) : -1;
  else
    fill_numbers(f, i, row, b, t);
}

/* Does row b of the batch get its values here? */
static bool is_own(const examples *f, int b) { return !f->shards || (b % f->shards >= f->own[0] && b % f->shards < f->own[1]); }

static void fill_input(const examples *f, int i, int n) {
  const input *in = &f->g->inputs[i];
  const column_values *c = &f->d->columns[in->data];
  for (int b = 0; b < n; b++) f->place[b] = c->there ? c->first[f->list[b]] : 0;
  if (in->space != SPACE_STEP) {
    for (int b = 0; b < n; b++)
      if (is_own(f, b)) fill_row(f, i, b, b, 0);
    return;
  }
  const batch_axis *axis = &f->axes[in->axis];
  for (int b = 0; f->stretched && f->stretched[in->axis] && b < n; b++) {
    const int64_t steps = length_at(f, in->axis, b);
    f->last[b] = dataset_length(f->d, f->s, in->axis, f->list[b]) - 1;
    f->pace[b] = steps > 1 ? (double)f->last[b] / (double)(steps - 1) : 0;
  }
  for (int t = 0; t < axis->steps; t++)
    for (int q = 0; q < axis->active[t]; q++) {
      const int b = f->order[in->axis][q];
      if (is_own(f, b)) fill_row(f, i, axis->first[t] + q, b, t - in->lag + (f->windows ? f->windows[b].from : 0));
    }
}

static void find_scales(examples *f, int n) {
  for (int b = 0; b < n; b++) {
    const series_window *w = &f->windows[b];
    if (!is_own(f, b)) continue;
    const int most = w->count < f->s->time.context ? w->count : f->s->time.context, context = w->context ? w->context : most;
    for (int i = 0; i < f->s->n; i++) {
      if (f->scale_at[i] < 0) continue;
      double *mean = f->scales + ((int64_t)b * f->n_scales + f->scale_at[i]) * 2;
      calendar_scale(f->d, f->s, i, f->list[b], w->from, context, mean, mean + f->s->list[i].width);
    }
  }
}

int64_t examples_predicted(const examples *f, int k) {
  const variable *v = &f->s->list[f->g->losses[k].data];
  return v->step ? f->axes[v->axis].first[f->axes[v->axis].steps] : f->b.rows;
}

int64_t examples_rows(const examples *f, int k) {
  return f->s->list[f->g->losses[k].data].over >= 0 ? f->b.rows : examples_predicted(f, k);
}

void examples_where(const examples *f, int k, int64_t row, int *in_batch, int *step) {
  const variable *v = &f->s->list[f->g->losses[k].data];
  *step = 0;
  *in_batch = (int)row;
  if (!v->step || v->over >= 0) return;
  const batch_axis *axis = &f->axes[v->axis];
  int low = 0, high = axis->steps - 1;
  while (low < high) {
    const int middle = low + (high - low + 1) / 2;
    if (axis->first[middle] <= row)
      low = middle;
    else
      high = middle - 1;
  }
  *step = low;
  *in_batch = f->order[v->axis][row - axis->first[*step]];
}

/* Predictions of loss k that do not count, because their truth was not observed. */
static int64_t unseen(const examples *f, int k) {
  const int data = f->g->losses[k].data;
  int64_t n = 0;
  for (int b = 0; b < f->b.rows && f->windows && f->d->columns[data].seen; b++)
    n += dataset_unseen(f->d, f->s, data, f->list[b], f->windows[b].from, f->windows[b].from + f->windows[b].count);
  return n;
}

void examples_fill(examples *f, int n) {
  f->b.rows = n;
  f->b.axes = f->axes; /* the struct may have been moved since examples_init */
  f->b.index = (const int32_t *const *)f->index;
  f->b.number = (const float *const *)f->number;
  if (f->n_scales) find_scales(f, n);
  for (int a = 0; a < f->g->n_axes; a++) fill_axis(f, a, n);
  for (int i = 0; i < f->g->n_inputs; i++) fill_input(f, i, n);
  f->predicted = 0;
  for (int k = 0; k < f->g->n_losses; k++) f->predicted += examples_predicted(f, k) - unseen(f, k);
  f->b.varying = f->g->varying;
  f->b.loss_scale = f->predicted > 0 ? 1.0 / (double)f->predicted : 0;
}
