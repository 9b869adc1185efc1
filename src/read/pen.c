/* pen.c - which reader a drawing needs, offsets as text, and sketches as points. */
#include "read/pen.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"

void pen_free(pen *p) {
  mem_free(p->points);
  *p = (pen){0};
}

void pen_merge(pen *p, int every) {
  int64_t n = 0;
  int count = 0;
  float sum[2] = {0};
  for (int64_t i = 0; i < p->n; i++) {
    const float *x = p->points + 3 * i;
    const bool starts = i == 0 || x[-1] > 0; /* the way to a stroke is a point of its own */
    for (int c = 0; c < 2; c++) sum[c] += x[c];
    if (++count < every && !starts && x[2] == 0) continue;
    const float merged[3] = {sum[0], sum[1], x[2]};
    memcpy(p->points + 3 * n++, merged, sizeof merged);
    sum[0] = sum[1] = 0;
    count = 0;
  }
  p->n = n;
}

/* --- offsets as text --- */

typedef struct scan {
  const char *data;
  size_t size, at;
  int line;     /* where it began, for messages */
  size_t first; /* the byte that this line begins with */
} scan;

static bool white(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static unroll_status bad(const scan *s, unroll_error *err, const char *what) {
  int line = s->line;
  size_t first = s->first;
  for (size_t i = first; i < s->at && i < s->size; i++)
    if (s->data[i] == '\n') line++, first = i + 1;
  return error_at(err, UNROLL_BAD_INPUT, NULL, NULL, line, (int)(s->at - first) + 1, "%s", what);
}

/* A point from here on, as dx,dy,end. */
static unroll_status point(scan *s, float out[3], unroll_error *err) {
  for (int c = 0; c < 3; c++) {
    size_t end = s->at;
    double x;
    while (end < s->size && !white(s->data[end]) && s->data[end] != ',') end++;
    if (text_number(s->data + s->at, end - s->at, &x) || fabs(x) > 1e9)
      return bad(s, err, "a point is dx,dy,end: no number is here");
    if (c == 2 && x != 0 && x != 1) return bad(s, err, "the third number of a point is 1 where a stroke ends, else 0");
    out[c] = (float)x;
    s->at = end;
    if (c < 2 && (s->at == s->size || s->data[s->at++] != ',')) return bad(s, err, "a point is dx,dy,end: numbers are missing");
  }
  return s->at < s->size && s->data[s->at] == ',' ? bad(s, err, "a point has more than three numbers") : UNROLL_OK;
}

unroll_status pen_lines_of(pen_lines *l, const char *data, size_t size, unroll_error *err) {
  int64_t room = 0, here = 0;
  int number = 1;
  *l = (pen_lines){0};
  for (size_t i = 0; i < size; i++) {
    if (!white(data[i]) && (i == 0 || white(data[i - 1])) && here++ == 0) {
      if (l->n == room) {
        pen_line *larger = mem_resize(l->starts, (size_t)(room = room ? 2 * room : 16) * sizeof *larger);
        if (!larger) return error_memory(err);
        l->starts = larger;
      }
      l->starts[l->n++] = (pen_line){i, number};
    }
    if (here > l->most) l->most = here;
    if (data[i] == '\n') here = 0, number++;
  }
  return UNROLL_OK;
}

/* Points up to the end of s. */
static unroll_status points(pen *p, scan *s, unroll_error *err) {
  int64_t room = 0;
  while (s->at < s->size) {
    if (white(s->data[s->at])) {
      s->at++;
      continue;
    }
    if (p->n == PEN_MAX_POINTS) return bad(s, err, "a drawing has at most 1048576 points");
    if (p->n == room) {
      float *larger = mem_resize(p->points, (size_t)(room = room ? 2 * room : 64) * 3 * sizeof *larger);
      if (!larger) return error_memory(err);
      p->points = larger;
    }
    const unroll_status status = point(s, p->points + 3 * p->n, err);
    if (status) return status;
    p->n++;
  }
  p->points[3 * p->n - 1] = 1;
  return UNROLL_OK;
}

static unroll_status offsets(pen *p, const char *data, size_t size, const pen_lines *lines, int64_t number, unroll_error *err) {
  scan s = {data, size, 0, 1, 0};
  if (!lines->n) return error_set(err, UNROLL_BAD_INPUT, "the file is empty");
  if (number >= lines->n)
    return error_set(err, UNROLL_BAD_INPUT, "there is no drawing %" PRId64 ": the file has %" PRId64 " (0 is the first)", number,
                     lines->n);
  if (number < 0 && lines->n > 1 && lines->most > 1)
    return error_set(err, UNROLL_BAD_INPUT, "a file with many drawings, one a line: say which one, as in FILE#0");
  if (number >= 0) {
    s.at = s.first = lines->starts[number].at;
    s.line = lines->starts[number].number;
    while (s.first > 0 && data[s.first - 1] != '\n') s.first--;
    const char *end = memchr(data + s.at, '\n', size - s.at);
    if (end) s.size = (size_t)(end - data);
  }
  return points(p, &s, err);
}

/* --- sketches --- */

unroll_status sketch_add(sketch *s, enum pen_do what, const double x[6], unroll_error *err) {
  if (s->n == PEN_MAX_POINTS) return error_set(err, UNROLL_BAD_INPUT, "a drawing has at most %d points", PEN_MAX_POINTS);
  for (int i = 0; i < (what == PEN_CURVE ? 6 : 2); i++)
    if (!(fabs(x[i]) <= 1e9)) return error_set(err, UNROLL_BAD_INPUT, "a point is too far away");
  if (s->n == s->room) {
    pen_act *larger = mem_resize(s->acts, (size_t)(s->room = s->room ? 2 * s->room : 64) * sizeof *larger);
    if (!larger) return error_memory(err);
    s->acts = larger;
  }
  pen_act *act = &s->acts[s->n++];
  *act = (pen_act){.what = what};
  memcpy(act->x, x, (what == PEN_CURVE ? 6 : 2) * sizeof *x);
  return UNROLL_OK;
}

/* The larger side of what all points and handles lie in. */
static double extent(const sketch *s) {
  double low[2] = {HUGE_VAL, HUGE_VAL}, high[2] = {-HUGE_VAL, -HUGE_VAL};
  for (int64_t i = 0; i < s->n; i++)
    for (int k = 0; k < (s->acts[i].what == PEN_CURVE ? 6 : 2); k++) {
      low[k % 2] = fmin(low[k % 2], s->acts[i].x[k]);
      high[k % 2] = fmax(high[k % 2], s->acts[i].x[k]);
    }
  return fmax(high[0] - low[0], high[1] - low[1]);
}

/* Lines that a cubic needs: its second differences bound how far it is from n chords, d / n^2 * 3 / 4. */
static int chords(const double from[2], const double x[6], double tolerance) {
  double most = 0;
  for (int i = 0; i < 2; i++) {
    const double *a = i ? x : from, *b = i ? x + 2 : x, *c = i ? x + 4 : x + 2;
    most = fmax(most, hypot(a[0] - 2 * b[0] + c[0], a[1] - 2 * b[1] + c[1]));
  }
  const double n = ceil(sqrt(0.75 * most / tolerance));
  return n >= 1 ? (int)fmin(n, 64) : 1;
}

typedef struct path { /* points as they come, with the last one's place */
  pen *p;
  int64_t room;
  double at[2];
} path;

static unroll_status go(path *to, double x, double y, unroll_error *err) {
  pen *p = to->p;
  if (p->n == PEN_MAX_POINTS) return error_set(err, UNROLL_BAD_INPUT, "a drawing has at most %d points", PEN_MAX_POINTS);
  if (p->n == to->room) {
    float *larger = mem_resize(p->points, (size_t)(to->room = to->room ? 2 * to->room : 256) * 3 * sizeof *larger);
    if (!larger) return error_memory(err);
    p->points = larger;
  }
  float *out = p->points + 3 * p->n;
  out[0] = p->n ? (float)(x - to->at[0]) : 0;
  out[1] = p->n ? (float)(y - to->at[1]) : 0;
  out[2] = 0;
  p->n++;
  to->at[0] = x;
  to->at[1] = y;
  return UNROLL_OK;
}

static unroll_status go_along(path *to, const double x[6], double tolerance, unroll_error *err) {
  const double from[2] = {to->at[0], to->at[1]};
  const int n = chords(from, x, tolerance);
  unroll_status status = UNROLL_OK;
  for (int i = 1; i <= n && !status; i++) {
    const double t = (double)i / n, u = 1 - t;
    double at[2];
    for (int c = 0; c < 2; c++)
      at[c] = u * u * u * from[c] + 3 * u * u * t * x[c] + 3 * u * t * t * x[2 + c] + t * t * t * x[4 + c];
    status = i < n ? go(to, at[0], at[1], err) : go(to, x[4], x[5], err);
  }
  return status;
}

unroll_status pen_of_sketch(pen *p, const sketch *s, unroll_error *err) {
  const double side = extent(s), tolerance = side > 0 ? side / 400 : 1;
  path to = {.p = p};
  unroll_status status = UNROLL_OK;
  for (int64_t i = 0; i < s->n && !status; i++) {
    const pen_act *a = &s->acts[i];
    const bool draws = i + 1 < s->n && (s->acts[i + 1].what == PEN_LINE || s->acts[i + 1].what == PEN_CURVE);
    if (a->what == PEN_MOVE && !draws) continue; /* draws nothing */
    status = a->what == PEN_CURVE ? go_along(&to, a->x, tolerance, err) : go(&to, a->x[0], a->x[1], err);
    if (!draws && !status) p->points[3 * p->n - 1] = 1;
  }
  if (!status && !p->n) status = error_set(err, UNROLL_BAD_INPUT, "nothing is drawn in this file");
  return status;
}

/* --- which reader --- */

unroll_status pen_decode(pen *p, const char *data, size_t size, const pen_lines *lines, int64_t number, unroll_error *err) {
  *p = (pen){0};
  size_t at = size >= 3 && !memcmp(data, "\xEF\xBB\xBF", 3) ? 3 : 0;
  while (at < size && white(data[at])) at++;
  const bool wide = size >= 2 && (!memcmp(data, "\xFF\xFE", 2) || !memcmp(data, "\xFE\xFF", 2)); /* UTF-16 */
  if (!wide && (at == size || data[at] != '<')) return offsets(p, data, size, lines, number, err);
  if (number >= 0) return error_set(err, UNROLL_BAD_INPUT, "this file holds one drawing, so none has a number");
  sketch s = {0};
  unroll_status status = sketch_xml(&s, data, size, err);
  if (!status) status = pen_of_sketch(p, &s, err);
  mem_free(s.acts);
  return status;
}
