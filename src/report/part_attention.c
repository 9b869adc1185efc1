/* part_attention.c - where attention looked. Over a text it is a table. A picture is light where the net looked (Xu et al. 2015).
 * A recording has its spectrum above the weights. */
#include <math.h>
#include <string.h>
#include "report/png.h"
#include "report/sheet.h"

enum { MOST_SIDE = 60, MOST_LOOKS = 24, MOST_COLUMNS = 1200, SHOWN = 3 };

/* A symbol of a step, or the number of the step. */
static void step_name(sheet *s, int64_t row, const char *name, int64_t step) {
  const unroll_variable *of = sheet_variable(s, name);
  unroll_value v;
  size_t n = 0;
  const bool there = of && of->symbols && sheet_value(s->traced, row, name, &v) && v.symbols;
  const char *label = there && step < v.steps ? sheet_label(s, name, v.symbols[step], &n) : NULL;
  if (there)
    html_symbol(&s->body, label ? label : "", label ? n : 0);
  else
    text_format(&s->body, "%lld", (long long)step + 1);
}

static void heading(sheet *s, const unroll_named *x, int64_t row) {
  text_format(&s->body, "<h3>Example %lld, ", (long long)row + 1);
  html_string(&s->body, x->name);
  html_add(&s->body, "</h3>\n");
}

/* --- over a text --- */

static void add_map(sheet *s, const unroll_named *x, int64_t row) {
  text *out = &s->body;
  unroll_value v;
  if (!sheet_value(s->traced, row, x->name, &v) || !v.numbers || v.steps < 1 || v.width < 1) return;
  const int64_t steps = v.steps < MOST_SIDE ? v.steps : MOST_SIDE;
  const int width = v.width < MOST_SIDE ? v.width : MOST_SIDE;
  heading(s, x, row);
  html_add(out, "<div class=\"wide\"><table class=\"attention\"><thead><tr><th></th>");
  for (int k = 0; k < width; k++) {
    html_add(out, "<th scope=\"col\">");
    step_name(s, row, x->over, k);
    html_add(out, "</th>");
  }
  html_add(out, "</tr></thead><tbody>\n");
  for (int64_t t = 0; t < steps; t++) {
    html_add(out, "<tr><th scope=\"row\">");
    if (x->has_steps) step_name(s, row, x->along, t);
    html_add(out, "</th>");
    for (int k = 0; k < width; k++) {
      const double w = v.numbers[t * v.width + k];
      text_format(out, "<td class=\"cold\" style=\"--A:%.2f\" title=\"%.3f\"></td>", isfinite(w) ? w : 0, isfinite(w) ? w : 0);
    }
    html_add(out, "</tr>\n");
  }
  html_add(out, "</tbody></table></div>\n");
  if (steps < v.steps || width < v.width)
    text_format(out, "<p class=\"soft\">The first %d by %lld steps.</p>\n", width, (long long)steps);
}

/* --- over a picture --- */

static void add_back(text *out, const unroll_variable *of, const double *x) {
  html_add(out, " style=\"--P:url(");
  if (!draw_picture(out, of, x)) html_add(out, "data:,");
  html_add(out, ")\"");
}

static bool is_whole(const unroll_variable *of) { return of && !of->has_steps; }

/* The picture as a property of the element that begins; each look has it as its background, so it is there once. */
static void begin_looks(sheet *s, const unroll_named *x, int64_t row) {
  const unroll_variable *of = sheet_variable(s, x->over);
  unroll_value v;
  html_add(&s->body, "<div class=\"looks\"");
  if (is_whole(of) && sheet_value(s->traced, row, x->over, &v) && v.numbers) add_back(&s->body, of, v.numbers);
  html_add(&s->body, ">\n");
}

static void add_look(sheet *s, const unroll_named *x, int64_t row, const unroll_value *v, int64_t t) {
  text *out = &s->body;
  const double *weights = v->numbers + t * v->width;
  const unroll_variable *of = sheet_variable(s, x->over);
  unroll_value picture;
  double most = 0;
  uint8_t *levels = mem_zero((size_t)v->width + 1, 1);
  out->failed |= !levels;
  for (int k = 0; k < v->width; k++)
    if (isfinite(weights[k])) most = fmax(most, weights[k]);
  for (int k = 0; k < v->width && levels; k++) levels[k] = (uint8_t)png_level(weights[k], most);
  html_add(out, "<figure><div class=\"look\"");
  if (of && of->has_steps && sheet_value(s->traced, row, x->over, &picture) && picture.numbers && t < picture.steps)
    add_back(out, of, picture.numbers + t * picture.width);
  text_format(out, "><img alt=\"where it looked\" style=\"aspect-ratio:%d/%d\" src=\"", x->columns, x->rows);
  if (levels) png_shade(out, levels, x->rows, x->columns);
  html_add(out, "\"></div><figcaption>");
  step_name(s, row, x->along, t);
  text_format(out, " <span class=\"soft\">%.2f</span></figcaption></figure>\n", most);
  mem_free(levels);
}

static void add_looks(sheet *s, const unroll_named *x, int64_t row) {
  unroll_value v;
  if (!sheet_value(s->traced, row, x->name, &v) || !v.numbers || v.steps < 1 || v.width != x->rows * x->columns) return;
  heading(s, x, row);
  begin_looks(s, x, row);
  for (int64_t t = 0; t < v.steps && t < MOST_LOOKS; t++) add_look(s, x, row, &v, t);
  html_add(&s->body, "</div>\n");
  if (v.steps > MOST_LOOKS) text_format(&s->body, "<p class=\"soft\">The first %d steps.</p>\n", MOST_LOOKS);
}

/* --- over a recording, or other numbers at each step --- */

/* What is looked at, from left to right: the frames of a film, where they are few enough to be seen, else a spectrum. */
static void add_above(sheet *s, const unroll_variable *of, const unroll_value *x, int columns) {
  text *out = &s->body;
  const int64_t n = x->steps < columns ? x->steps : columns;
  const bool film = !strcmp(of->sort, "picture") && (int64_t)of->rows * of->columns * of->channels == x->width && n <= MOST_SIDE;
  if (!film) {
    draw_heard(out, of, x->numbers, n, x->width);
    return;
  }
  html_add(out, "<div class=\"frames\">");
  for (int64_t t = 0; t < n; t++) {
    const size_t before = out->length;
    html_add(out, "<img alt=\"\" src=\"");
    if (draw_picture(out, of, x->numbers + t * x->width))
      html_add(out, "\">");
    else
      out->length = before;
  }
  html_add(out, "</div>");
}

static void add_spectrum(sheet *s, const unroll_named *x, int64_t row) {
  text *out = &s->body;
  unroll_value v, heard;
  if (!sheet_value(s->traced, row, x->name, &v) || !v.numbers || v.steps < 1 || v.width < 1) return;
  const int columns = v.width < MOST_COLUMNS ? v.width : MOST_COLUMNS, rows = v.steps < MOST_SIDE ? (int)v.steps : MOST_SIDE;
  uint8_t *levels = mem_zero((size_t)rows, (size_t)columns);
  heading(s, x, row);
  html_add(out, "<div class=\"wide\"><div class=\"heard\"><div></div><div>");
  if (sheet_value(s->traced, row, x->over, &heard) && heard.numbers && heard.steps > 0)
    add_above(s, sheet_variable(s, x->over), &heard, columns);
  html_add(out, "</div><div class=\"names\" aria-hidden=\"true\">");
  for (int t = 0; t < rows; t++) {
    double most = 0;
    html_add(out, "<span>");
    if (x->has_steps) step_name(s, row, x->along, t);
    html_add(out, "</span>");
    for (int k = 0; k < columns; k++)
      if (isfinite(v.numbers[(int64_t)t * v.width + k])) most = fmax(most, v.numbers[(int64_t)t * v.width + k]);
    for (int k = 0; k < columns && levels; k++)
      levels[(int64_t)t * columns + k] = (uint8_t)png_level(v.numbers[(int64_t)t * v.width + k], most);
  }
  html_add(out, "</div><img alt=\"where it looked\" src=\"");
  if (levels)
    png_heat(out, levels, rows, columns);
  else
    out->failed = 1;
  text_format(out, "\" style=\"height:%dpx\"></div></div>\n", 18 * rows);
  if (rows < v.steps || columns < v.width) text_format(out, "<p class=\"soft\">The first %d by %d steps.</p>\n", columns, rows);
  mem_free(levels);
}

/* --- which --- */

typedef struct looking { /* a kind of attention, by what it looks at */
  void (*add)(sheet *s, const unroll_named *x, int64_t row);
  const char *says;
} looking;

static const looking *looking_of(const sheet *s, const unroll_named *x) {
  static const looking map = {add_map, "A row for each step that looks, a column for each step that is looked at: the darker, the "
                                       "more it weighs."},
                       looks = {add_looks, "What is looked at is light; the number is the largest weight."},
                       spectrum = {add_spectrum,
                                   "Above what is heard or seen, from left to right; below a row for each step that looks: the "
                                   "redder, the more it weighs there, of its own largest weight."};
  const unroll_variable *over = sheet_variable(s, x->over);
  return x->rows ? &looks : over && !over->symbols ? &spectrum : &map;
}

unroll_status part_attention(sheet *s, unroll_error *err) {
  const looking *last = NULL;
  unroll_value v;
  (void)err;
  for (int i = 0; i < s->n_named && s->traced; i++) {
    const unroll_named *x = &s->named[i];
    if ((!x->over && !x->rows) || !sheet_value(s->traced, 0, x->name, &v)) continue;
    if (!last) sheet_part(s, "attention", "Attention");
    const looking *how = looking_of(s, x);
    if (how != last) text_format(&s->body, "<p class=\"soft\">%s</p>\n", how->says);
    last = how;
    for (int64_t row = 0; row < SHOWN && row < unroll_result_rows(s->traced); row++) how->add(s, x, row);
  }
  if (!last && s->traced) sheet_left_out(s, "attention", "the net has none");
  return UNROLL_OK;
}
