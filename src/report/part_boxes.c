/* part_boxes.c - films in which a net says where something is: frames with the true box and the one that the model says. */
#include <math.h>
#include <string.h>
#include "report/sheet.h"

enum { FILMS = 3, FRAMES = 16, BOX = 4 };

typedef struct boxes_film { /* [steps][width] of the frames that are shown, and boxes of all steps */
  double *frames, *truth, *said;
  int64_t steps, example;
} boxes_film;

typedef struct boxes_part {
  sheet *s;
  const unroll_variable *film, *box;
  boxes_film list[FILMS];
  int n;
  bool failed;
} boxes_part;

static int64_t shown_of(int64_t steps) { return steps < FRAMES ? steps : FRAMES; }
/* Frame k of those that are shown: the first, the last, and between them at even distances. */
static int64_t frame_at(int64_t steps, int64_t k) {
  const int64_t n = shown_of(steps);
  return n < 2 ? 0 : k * (steps - 1) / (n - 1);
}

static double *copy(boxes_part *p, const double *x, int64_t n) {
  double *to = mem_zero((size_t)n + 1, sizeof *to);
  p->failed |= !to;
  if (to) memcpy(to, x, (size_t)n * sizeof *to);
  return to;
}

static int take_given(void *context, const unroll_result *r) {
  boxes_part *p = context;
  unroll_value film;
  unroll_row row;
  unroll_row_init(&row);
  if (unroll_result_row(r, 0, &row, NULL)) return 0;
  if (!sheet_value(r, 0, p->film->name, &film) || !film.numbers || film.steps < 1) return 0;
  boxes_film *f = &p->list[p->n++];
  *f = (boxes_film){.steps = film.steps, .example = row.example};
  f->frames = mem_zero((size_t)(shown_of(f->steps) * film.width) + 1, sizeof *f->frames);
  p->failed |= !f->frames;
  for (int64_t k = 0; f->frames && k < shown_of(f->steps); k++)
    memcpy(f->frames + k * film.width, film.numbers + frame_at(f->steps, k) * film.width, (size_t)film.width * sizeof *f->frames);
  return p->n == FILMS || p->failed;
}

/* The boxes of a row, to the film of the same example. */
static int take(boxes_part *p, const unroll_result *r, bool said) {
  unroll_value box;
  unroll_row row;
  unroll_row_init(&row);
  if (unroll_result_row(r, 0, &row, NULL)) return 0;
  for (int i = 0; i < p->n; i++) {
    boxes_film *f = &p->list[i];
    double **to = said ? &f->said : &f->truth;
    if (f->example == row.example && !*to && sheet_value(r, 0, p->box->name, &box) && box.numbers && box.steps == f->steps)
      *to = copy(p, box.numbers, BOX * f->steps);
  }
  return p->failed || row.example >= p->list[p->n - 1].example;
}
static int take_truth(void *context, const unroll_result *r) { return take(context, r, false); }
static int take_said(void *context, const unroll_result *r) { return take(context, r, true); }

/* Boxes are shares of the picture where none reaches far beyond 1, else pixels. */
static bool are_shares(const boxes_film *f) {
  const double *x = f->truth ? f->truth : f->said;
  for (int64_t i = 0; x && i < BOX * f->steps; i++)
    if (fabs(x[i]) > 2) return false;
  return true;
}

static void add_box(text *out, const double *x, double across, double down, const char *kind) {
  for (int k = 0; k < BOX; k++)
    if (!(fabs(x[k]) < 1e6)) return;
  text_format(out, "<rect class=\"%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>", kind, x[0] * across, x[1] * down,
              fmax(x[2], 0) * across, fmax(x[3], 0) * down);
}

/* The area of both together over the area that either covers; NAN where a box has none. */
static double overlap(const double *a, const double *b) {
  const double wide = fmin(a[0] + a[2], b[0] + b[2]) - fmax(a[0], b[0]), high = fmin(a[1] + a[3], b[1] + b[3]) - fmax(a[1], b[1]);
  const double both = wide > 0 && high > 0 ? wide * high : 0;
  return both / (a[2] * a[3] + b[2] * b[3] - both);
}

static void add_frame(boxes_part *p, const boxes_film *f, int64_t k) {
  text *out = &p->s->body;
  const int rows = p->film->rows, columns = p->film->columns;
  const int64_t at = frame_at(f->steps, k);
  const bool shares = are_shares(f);
  const double across = shares ? columns : 1, down = shares ? rows : 1;
  html_add(out, "<figure>");
  text_format(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"frame %lld\"><image width=\"%d\" height=\"%d\" href=\"",
              columns, rows, (long long)at + 1, columns, rows);
  if (!draw_picture(out, p->film, f->frames + k * (int64_t)rows * columns * p->film->channels)) html_add(out, "data:,");
  html_add(out, "\"/>");
  if (f->truth) add_box(out, f->truth + BOX * at, across, down, "true");
  if (f->said) add_box(out, f->said + BOX * at, across, down, "said");
  text_format(out, "</svg><figcaption>%lld", (long long)at + 1);
  const double iou = f->truth && f->said ? overlap(f->truth + BOX * at, f->said + BOX * at) : (double)NAN;
  if (isfinite(iou)) text_format(out, ": IoU %.2f", iou);
  html_add(out, "</figcaption></figure>\n");
}

static void add_film(boxes_part *p, const boxes_film *f) {
  text *out = &p->s->body;
  double sum = 0;
  for (int64_t t = 0; f->truth && f->said && t < f->steps; t++) {
    const double iou = overlap(f->truth + BOX * t, f->said + BOX * t);
    sum += isfinite(iou) ? iou : 0;
  }
  text_format(out, "<h3>Example %lld: %lld frames", (long long)f->example + 1, (long long)f->steps);
  if (f->truth && f->said) text_format(out, ", mean IoU %.3f", sum / (double)f->steps);
  html_add(out, "</h3>\n<div class=\"boxes\">\n");
  for (int64_t k = 0; k < shown_of(f->steps); k++) add_frame(p, f, k);
  html_add(out, "</div>\n");
}

static unroll_status collect(boxes_part *p, unroll_error *err) {
  sheet *s = p->s;
  const char *names[] = {p->film->name};
  unroll_error e = {0};
  unroll_result *r = NULL;
  unroll_options *o = sheet_options(s, "trace");
  if (!o) return error_memory(err);
  unroll_options_set_rows(o, take_given, p);
  unroll_status status = unroll_trace(s->r->m, s->r->t, names, 1, o, &r, &e);
  unroll_options_free(o);
  unroll_result_free(r);
  r = NULL;
  for (int said = 0; said < 2 && !status && p->n && !p->failed; said++) {
    o = sheet_options(s, said ? "predict" : "score");
    if (!o) return error_memory(err);
    unroll_options_set_rows(o, said ? take_said : take_truth, p);
    status = said ? unroll_predict(s->r->m, s->r->t, o, &r, &e) : unroll_score_table(s->r->m, s->r->t, o, &r, &e);
    unroll_options_free(o);
    unroll_result_free(r);
    r = NULL;
    if (!said && status == UNROLL_BAD_INPUT) status = UNROLL_OK; /* nothing is known of what is true */
  }
  if (p->failed) return error_memory(err);
  if (status && err) *err = e;
  return sheet_failed(s, "boxes", status, &e);
}

unroll_status part_boxes(sheet *s, unroll_error *err) {
  boxes_part p = {.s = s};
  for (int i = 0; i < s->n_variables; i++) {
    const unroll_variable *v = &s->variables[i];
    if (!strcmp(v->sort, "picture") && v->has_steps && v->rows > 0 && !v->predicted) p.film = v;
    if (!strcmp(v->sort, "box") && v->has_steps && v->predicted) p.box = v;
  }
  if (!s->r->t || !p.film || !p.box) return UNROLL_OK;
  const unroll_status status = collect(&p, err);
  if (!status && p.n) {
    sheet_part(s, "boxes", "Boxes");
    html_add(&s->body, "<p class=\"soft\">");
    if (p.list[0].truth) html_add(&s->body, "<span class=\"box true\"></span> true, ");
    html_add(&s->body, "<span class=\"box said\"></span> the model says.</p>\n");
    for (int i = 0; i < p.n; i++) add_film(&p, &p.list[i]);
  }
  for (int i = 0; i < p.n; i++) {
    mem_free(p.list[i].frames);
    mem_free(p.list[i].truth);
    mem_free(p.list[i].said);
  }
  return status;
}
