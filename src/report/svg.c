/* svg.c - see svg.h. */
#include "report/svg.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "report/html.h"

enum { LEFT = 58, BOTTOM = 34, TOP = 26, RIGHT = 10, MOST_POINTS = 480 };

typedef struct plane {
  double x0, x1, y0, y1; /* y: logarithms where `log` */
  int width, height;
  bool log;
} plane;

static bool usable(const plane *p, double x, double y) { return isfinite(x) && isfinite(y) && (!p->log || y > 0); }
static double scaled(const plane *p, double y) { return p->log ? log10(y) : y; }
static double across(const plane *p, double x) { return LEFT + (x - p->x0) / (p->x1 - p->x0) * (p->width - LEFT - RIGHT); }
static double down(const plane *p, double y) {
  return p->height - BOTTOM - (scaled(p, y) - p->y0) / (p->y1 - p->y0) * (p->height - BOTTOM - TOP);
}

static void widen(plane *p, double x, double y) {
  if (!usable(p, x, y)) return;
  p->x0 = fmin(p->x0, x);
  p->x1 = fmax(p->x1, x);
  p->y0 = fmin(p->y0, scaled(p, y));
  p->y1 = fmax(p->y1, scaled(p, y));
}

static bool find_range(plane *p, const svg_line *lines, int n, bool square) {
  p->x0 = p->y0 = (double)INFINITY;
  p->x1 = p->y1 = -(double)INFINITY;
  for (int k = 0; k < n; k++)
    for (size_t i = 0; i < lines[k].n; i++) {
      widen(p, lines[k].x[i], lines[k].y[i]);
      if (lines[k].low) widen(p, lines[k].x[i], lines[k].low[i]);
      if (lines[k].high) widen(p, lines[k].x[i], lines[k].high[i]);
    }
  if (!(p->x0 <= p->x1)) return false;
  if (square) p->x0 = p->y0 = 0, p->x1 = p->y1 = 1;
  if (!(p->x1 > p->x0)) p->x0 -= 0.5, p->x1 += 0.5;
  if (!(p->y1 - p->y0 > 1e-9 * fmax(1, fabs(p->y1))))
    p->y0 -= p->log ? 0.5 : fmax(1e-3, 0.1 * fabs(p->y0)), p->y1 += p->log ? 0.5 : fmax(1e-3, 0.1 * fabs(p->y1));
  return isfinite(p->x1 - p->x0) && isfinite(p->y1 - p->y0);
}

/* The distance of ticks: 1, 2 or 5 times a power of ten. */
static double tick(double range, int most) {
  const double raw = range / most, power = pow(10, floor(log10(raw)));
  return raw <= power ? power : raw <= 2 * power ? 2 * power : raw <= 5 * power ? 5 * power : 10 * power;
}

static void short_number(text *out, double x) {
  if (fabs(x) >= 1e6 || (x != 0 && fabs(x) < 1e-3))
    text_format(out, "%.0e", x);
  else
    text_format(out, "%.6g", fabs(x) < 1e-12 ? 0 : x);
}

static void y_tick(text *out, const plane *p, double y, bool power) {
  const double at = down(p, y);
  text_format(out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text class=\"y\" x=\"%d\" y=\"%.1f\">", LEFT, at, p->width - RIGHT,
              LEFT - 6, at + 4);
  if (power)
    text_format(out, "10<tspan dy=\"-4\" class=\"up\">%.0f</tspan>", log10(y));
  else
    short_number(out, y);
  html_add(out, "</text>");
}

/* Powers of ten; less than two of them apart 1, 2 and 5 times these; of a short stretch as on a plain axis. */
static void log_ticks(text *out, const plane *p) {
  const double range = p->y1 - p->y0, step = fmax(1, ceil(range / 5));
  static const double times[] = {1, 2, 5};
  const double low = pow(10, p->y0), high = pow(10, p->y1), each = tick(high - low, 4);
  for (double y = ceil(low / each) * each; range < 0.8 && y <= high && y + each > y; y += each) y_tick(out, p, y, false);
  for (double y = floor(p->y0); range >= 0.8 && range < 2 && y <= p->y1; y++)
    for (int k = 0; k < 3; k++) {
      const double at = y + log10(times[k]);
      if (at >= p->y0 - 1e-9 && at <= p->y1 + 1e-9) y_tick(out, p, pow(10, at), false);
    }
  for (double y = ceil(p->y0 / step - 1e-9) * step; range >= 2 && y <= p->y1 + 1e-9 * step; y += step)
    y_tick(out, p, pow(10, y), true);
}

static void y_axis(text *out, const plane *p) {
  const double step = tick(p->y1 - p->y0, 5);
  if (p->log) {
    log_ticks(out, p);
    return;
  }
  for (double y = ceil(p->y0 / step - 1e-9) * step; y <= p->y1 + 1e-9 * step; y += step) {
    y_tick(out, p, y, false);
    if (!(y + step > y)) break;
  }
}

static void x_axis(text *out, const plane *p, const svg_form *f) {
  const int most = f->x_texts ? 3 : 6;
  double step = tick(p->x1 - p->x0, most);
  if (f->x_texts && step < 1) step = 1;
  for (double x = ceil(p->x0 / step - 1e-9) * step; x <= p->x1 + 1e-9 * step; x += step) {
    if (f->x_texts && (x < 0 || x >= (double)f->n_x_texts || x != floor(x))) continue;
    text_format(out, "<text class=\"x\" x=\"%.1f\" y=\"%d\">", across(p, x), p->height - BOTTOM + 16);
    if (f->x_texts)
      html_short(out, f->x_texts[(size_t)x], strlen(f->x_texts[(size_t)x]), 19);
    else
      short_number(out, x);
    html_add(out, "</text>");
    if (!(x + step > x)) break;
  }
  if (f->x_name) {
    text_format(out, "<text class=\"x name\" x=\"%d\" y=\"%d\">", (LEFT + p->width) / 2, p->height - 4);
    html_string(out, f->x_name);
    html_add(out, "</text>");
  }
}

/* The mean of points from .. to - 1 of a line's `of`. */
static double mean_of(const plane *p, const svg_line *l, const double *of, size_t from, size_t to) {
  double sum = 0;
  size_t n = 0;
  for (size_t i = from; i < to; i++)
    if (usable(p, l->x[i], of[i])) sum += of[i], n++;
  return n ? sum / (double)n : (double)NAN;
}

static void path(text *out, const plane *p, const svg_line *l, const double *of, size_t each) {
  bool open = false;
  html_add(out, "<path d=\"");
  for (size_t i = 0; i < l->n; i += each) {
    const size_t to = i + each < l->n ? i + each : l->n;
    const double x = mean_of(p, l, l->x, i, to), y = mean_of(p, l, of, i, to);
    if (usable(p, x, y)) text_format(out, "%s%.1f %.1f", open ? "L" : "M", across(p, x), down(p, y));
    open = usable(p, x, y);
  }
  html_add(out, "\"/>");
}

static void band(text *out, const plane *p, const svg_line *l) {
  size_t n = 0;
  html_add(out, "<path class=\"band\" d=\"");
  for (size_t i = 0; i < l->n; i++)
    if (usable(p, l->x[i], l->low[i]) && usable(p, l->x[i], l->high[i]))
      text_format(out, "%s%.1f %.1f", n++ ? "L" : "M", across(p, l->x[i]), down(p, l->high[i]));
  for (size_t i = l->n; i-- > 0;)
    if (usable(p, l->x[i], l->low[i]) && usable(p, l->x[i], l->high[i]))
      text_format(out, "L%.1f %.1f", across(p, l->x[i]), down(p, l->low[i]));
  html_add(out, n ? "Z\"/>" : "\"/>");
}

static void draw(text *out, const plane *p, const svg_line *l) {
  const size_t each = l->n > MOST_POINTS ? (l->n + MOST_POINTS - 1) / MOST_POINTS : 1;
  size_t finite = 0;
  text_format(out, "<g class=\"c%d\">", l->colour);
  if (l->low && l->high) band(out, p, l);
  for (size_t i = 0; i < l->n; i++) finite += usable(p, l->x[i], l->y[i]);
  if (!l->dots && finite > 1) path(out, p, l, l->y, each);
  for (size_t i = 0; i < l->n && (l->dots || finite == 1); i++)
    if (usable(p, l->x[i], l->y[i]))
      text_format(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.2\"/>", across(p, l->x[i]), down(p, l->y[i]));
  html_add(out, "</g>");
}

static void legend(text *out, const svg_line *lines, int n) {
  html_add(out, "<figcaption class=\"legend\">");
  for (int k = 0; k < n; k++) {
    if (!lines[k].name) continue;
    text_format(out, "<span class=\"c%d\">", lines[k].colour);
    html_string(out, lines[k].name);
    html_add(out, "</span> ");
  }
  html_add(out, "</figcaption>");
}

bool svg_chart(text *out, const svg_line *lines, int n, const svg_form *f) {
  plane p = {.width = f->width ? f->width : 480, .height = f->height ? f->height : 220, .log = f->log};
  if (!find_range(&p, lines, n, f->square)) return false;
  html_add(out, "<figure class=\"chart\">");
  text_format(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", p.width, p.height);
  html_string(out, f->title);
  html_add(out, "\">");
  text_format(out, "<text class=\"title\" x=\"%d\" y=\"15\">", LEFT);
  html_string(out, f->title);
  html_add(out, "</text>");
  y_axis(out, &p);
  x_axis(out, &p, f);
  text_format(out, "<path class=\"axis\" d=\"M%d %dV%dH%d\"/>", LEFT, TOP, p.height - BOTTOM, p.width - RIGHT);
  for (int k = 0; k < n; k++) draw(out, &p, &lines[k]);
  html_add(out, "</svg>");
  legend(out, lines, n);
  html_add(out, "</figure>\n");
  return true;
}
