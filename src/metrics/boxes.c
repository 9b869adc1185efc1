/* boxes.c - see boxes.h. Boxes are sorted by frame; things get numbers 0, 1 ... in the order of their first box. */
#include "metrics/boxes.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include "base/error.h"
#include "base/memory.h"

double box_overlap(const box *a, const box *b) {
  const double w = fmin(a->left + a->width, b->left + b->width) - fmax(a->left, b->left);
  const double h = fmin(a->top + a->height, b->top + b->height) - fmax(a->top, b->top);
  const double both = w > 0 && h > 0 ? w * h : 0, any = a->width * a->height + b->width * b->height - both;
  return any > 0 ? both / any : 0;
}

double box_distance(const box *a, const box *b) {
  return hypot(a->left + a->width / 2 - b->left - b->width / 2, a->top + a->height / 2 - b->top - b->height / 2);
}

/* --- assignment: shortest paths that grow a matching row by row, with potentials u of rows and v of columns --- */

/* Finds the column at which the path of row i ends. */
static int grow_path(const double *cost, int m, double *u, double *v, int *row_of, int *from, double *least, bool *used) {
  int j = 0;
  for (int k = 0; k <= m; k++) least[k] = (double)INFINITY, used[k] = false;
  do {
    const int i = row_of[j];
    double step = (double)INFINITY;
    int next = 0;
    used[j] = true;
    for (int k = 1; k <= m; k++) {
      if (used[k]) continue;
      const double rest = cost[(int64_t)(i - 1) * m + k - 1] - u[i] - v[k];
      if (rest < least[k]) least[k] = rest, from[k] = j;
      if (least[k] < step) step = least[k], next = k;
    }
    for (int k = 0; k <= m; k++)
      if (used[k])
        u[row_of[k]] += step, v[k] -= step;
      else
        least[k] -= step;
    j = next;
  } while (row_of[j]);
  return j;
}

bool assign_columns(int *column, const double *cost, int n, int m) {
  double *room = mem_zero((size_t)n + 1 + 2 * ((size_t)m + 1), sizeof *room);
  int *numbers = mem_zero(2 * ((size_t)m + 1), sizeof *numbers);
  bool *used = mem_zero((size_t)m + 1, sizeof *used);
  const bool full = room && numbers && used;
  double *u = room, *v = full ? room + n + 1 : NULL, *least = full ? v + m + 1 : NULL;
  int *row_of = numbers, *from = full ? numbers + m + 1 : NULL; /* rows and columns from 1 on; column 0 holds the new row */
  for (int i = 1; i <= n && full; i++) {
    row_of[0] = i;
    for (int j = grow_path(cost, m, u, v, row_of, from, least, used); j; j = from[j]) row_of[j] = row_of[from[j]];
  }
  for (int j = 1; j <= m && full; j++)
    if (row_of[j]) column[row_of[j] - 1] = j - 1;
  mem_free(room);
  mem_free(numbers);
  mem_free(used);
  return full;
}

/* --- tracking --- */

typedef struct side { /* the true boxes, or the guessed ones */
  tracked_box *boxes; /* by frame */
  int *number;        /* of the thing of each box */
  int64_t n, n_things;
  int *last; /* of true things: the guess it was matched with, or -1 */
} side;

static int by_frame(const void *a, const void *b) {
  const tracked_box *x = a, *y = b;
  return x->frame != y->frame ? (x->frame > y->frame) - (x->frame < y->frame) : (x->thing > y->thing) - (x->thing < y->thing);
}
static int by_thing(const void *a, const void *b) {
  const int64_t *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

static void side_free(side *s) {
  mem_free(s->boxes);
  mem_free(s->number);
  mem_free(s->last);
}

static bool side_new(side *s, const tracked_box *boxes, int64_t n) {
  int64_t *things = mem_alloc(((size_t)n + 1) * sizeof *things);
  *s = (side){.n = n};
  s->boxes = mem_alloc(((size_t)n + 1) * sizeof *s->boxes);
  s->number = mem_alloc(((size_t)n + 1) * sizeof *s->number);
  s->last = mem_alloc(((size_t)n + 1) * sizeof *s->last);
  const bool full = things && s->boxes && s->number && s->last;
  for (int64_t i = 0; i < n && full; i++) s->boxes[i] = boxes[i], things[i] = boxes[i].thing, s->last[i] = -1;
  if (full) {
    qsort(s->boxes, (size_t)n, sizeof *s->boxes, by_frame);
    qsort(things, (size_t)n, sizeof *things, by_thing);
    for (int64_t i = 0; i < n; i++)
      if (!i || things[i] != things[i - 1]) things[s->n_things++] = things[i];
    for (int64_t i = 0; i < n; i++) {
      const int64_t *at = bsearch(&s->boxes[i].thing, things, (size_t)s->n_things, sizeof *things, by_thing);
      s->number[i] = (int)(at - things);
    }
  }
  mem_free(things);
  return full;
}

typedef struct frame { /* the boxes of one frame */
  const side *truth, *guess;
  int64_t t, g; /* the first of each */
  int n, m;
  double least;
  double *overlap; /* [n, m] */
  int *match;      /* [n] guess of this frame, or -1 */
  bool *taken;     /* [m] */
} frame;

static int count_frame(const side *s, int64_t from, int64_t number) {
  int64_t end = from;
  while (end < s->n && s->boxes[end].frame == number) end++;
  return (int)(end - from);
}

static double overlap_of(const frame *f, int i, int j) { return f->overlap[(int64_t)i * f->m + j]; }

/* What was a pair stays one. */
static void keep_pairs(frame *f) {
  for (int i = 0; i < f->n; i++) {
    f->match[i] = -1;
    for (int j = 0; j < f->m; j++)
      if (!f->taken[j] && f->truth->last[f->truth->number[f->t + i]] == f->guess->number[f->g + j] &&
          overlap_of(f, i, j) >= f->least)
        f->match[i] = j, f->taken[j] = true;
  }
}

/* The rest: a pair that overlaps enough is worth more than any overlap. Rows without one get a column beyond the m. */
static bool find_pairs(frame *f) {
  const int m = f->m + f->n;
  double *cost = mem_zero((size_t)f->n * (size_t)m + 1, sizeof *cost);
  int *column = mem_zero((size_t)f->n + 1, sizeof *column);
  const bool full = cost && column;
  for (int i = 0; i < f->n && full; i++)
    for (int j = 0; j < f->m; j++)
      if (f->match[i] < 0 && !f->taken[j] && overlap_of(f, i, j) >= f->least)
        cost[(int64_t)i * m + j] = -(double)f->n - 1 - overlap_of(f, i, j);
  const bool done = full && assign_columns(column, cost, f->n, m);
  for (int i = 0; i < f->n && done; i++)
    if (f->match[i] < 0 && cost[(int64_t)i * m + column[i]] < 0) f->match[i] = column[i];
  mem_free(cost);
  mem_free(column);
  return done;
}

/* One frame: pairs and switches; `together` counts frames in which a thing and a guess overlap enough. */
static bool add_frame(tracking *out, frame *f, int64_t *together) {
  f->overlap = mem_alloc(((size_t)f->n * (size_t)f->m + 1) * sizeof *f->overlap);
  f->match = mem_alloc(((size_t)f->n + 1) * sizeof *f->match);
  f->taken = mem_zero((size_t)f->m + 1, sizeof *f->taken);
  bool ok = f->overlap && f->match && f->taken;
  for (int i = 0; i < f->n && ok; i++)
    for (int j = 0; j < f->m; j++) {
      const double o = box_overlap(&f->truth->boxes[f->t + i].at, &f->guess->boxes[f->g + j].at);
      f->overlap[(int64_t)i * f->m + j] = o;
      together[f->truth->number[f->t + i] * f->guess->n_things + f->guess->number[f->g + j]] += o >= f->least;
    }
  if (ok) keep_pairs(f);
  ok = ok && find_pairs(f);
  for (int i = 0; i < f->n && ok; i++) {
    if (f->match[i] < 0) continue;
    int *last = &f->truth->last[f->truth->number[f->t + i]];
    const int now = f->guess->number[f->g + f->match[i]];
    out->matches++;
    out->motp += overlap_of(f, i, f->match[i]);
    out->switches += *last >= 0 && *last != now;
    *last = now;
  }
  mem_free(f->overlap);
  mem_free(f->match);
  mem_free(f->taken);
  return ok;
}

/* The most frames that can agree when each thing has one guess for all frames. */
static bool best_identity(int64_t *sum, const int64_t *together, int64_t n, int64_t m) {
  const int most = (int)(n > m ? n : m);
  double *cost = mem_zero((size_t)most * (size_t)most + 1, sizeof *cost);
  int *column = mem_zero((size_t)most + 1, sizeof *column);
  const bool full = cost && column;
  for (int64_t i = 0; i < n && full; i++)
    for (int64_t j = 0; j < m; j++) cost[i * most + j] = -(double)together[i * m + j];
  const bool done = full && assign_columns(column, cost, most, most);
  *sum = 0;
  for (int64_t i = 0; i < n && done; i++)
    if (column[i] < m) *sum += together[i * m + column[i]];
  mem_free(cost);
  mem_free(column);
  return done;
}

static bool measure(tracking *out, const side *truth, const side *guess, double least) {
  int64_t *together = mem_zero((size_t)truth->n_things * (size_t)guess->n_things + 1, sizeof *together);
  bool ok = together != NULL;
  for (int64_t t = 0, g = 0; ok && (t < truth->n || g < guess->n);) {
    const bool by_truth = g >= guess->n || (t < truth->n && truth->boxes[t].frame < guess->boxes[g].frame);
    const int64_t number = by_truth ? truth->boxes[t].frame : guess->boxes[g].frame;
    frame f = {.truth = truth, .guess = guess, .t = t, .g = g, .least = least};
    f.n = count_frame(truth, t, number);
    f.m = count_frame(guess, g, number);
    ok = add_frame(out, &f, together);
    t += f.n;
    g += f.m;
  }
  ok = ok && best_identity(&out->identity, together, truth->n_things, guess->n_things);
  mem_free(together);
  return ok;
}

unroll_status tracking_measure(tracking *out, const tracked_box *truth, int64_t n_truth, const tracked_box *guess, int64_t n_guess,
                               double least, unroll_error *err) {
  side t, g = {0};
  *out = (tracking){.boxes = n_truth, .guesses = n_guess};
  const bool room = side_new(&t, truth, n_truth) && side_new(&g, guess, n_guess);
  const bool ok = room && measure(out, &t, &g, least);
  side_free(&t);
  side_free(&g);
  if (!ok) return error_memory(err);
  out->misses = n_truth - out->matches;
  out->false_positives = n_guess - out->matches;
  out->motp = out->matches ? out->motp / (double)out->matches : (double)NAN;
  out->mota = n_truth ? 1 - (double)(out->misses + out->false_positives + out->switches) / (double)n_truth : (double)NAN;
  out->idf1 = n_truth + n_guess ? 2 * (double)out->identity / (double)(n_truth + n_guess) : (double)NAN;
  return UNROLL_OK;
}
