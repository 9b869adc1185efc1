/* draw.c - a value as its kind is looked at: what is read is text, what is seen or heard is drawn. */
#include <math.h>
#include <string.h>
#include "report/png.h"
#include "report/sheet.h"

enum { MOST_SIDE = 96, MOST_FRAMES = 8, MOST_HEAT = 256, MOST_POINTS = 4000, MOST_ROLL = 192 };

static bool is(const unroll_variable *v, const char *sort) { return v->sort && !strcmp(v->sort, sort); }

bool draw_is_media(const unroll_variable *v) { return is(v, "picture") || is(v, "pen") || is(v, "keys") || v->file != NULL; }

/* --- heat --- */

void draw_heat(text *out, const double *x, int64_t steps, int width, double middle, const char *alt) {
  const int rows = width < MOST_HEAT ? width : MOST_HEAT, height = rows < 8 ? 24 : rows < 96 ? 3 * rows / 2 + 20 : rows;
  double most = 0;
  uint8_t *levels = mem_zero((size_t)rows + 1, (size_t)steps + 1);
  for (int64_t t = 0; t < steps; t++)
    for (int u = 0; u < rows; u++)
      if (isfinite(x[t * width + u])) most = fmax(most, fabs(x[t * width + u] - middle));
  for (int u = 0; u < rows && levels; u++)
    for (int64_t t = 0; t < steps; t++) levels[u * steps + t] = (uint8_t)png_level(x[t * width + u] - middle, most);
  html_add(out, "<img alt=\"");
  html_string(out, alt);
  text_format(out, "\" width=\"%lld\" height=\"%d\" style=\"height:%dpx\" src=\"", (long long)steps, rows, height);
  if (levels)
    png_heat(out, levels, rows, (int)steps);
  else
    out->failed = 1;
  html_add(out, "\">");
  mem_free(levels);
}

void draw_heard(text *out, const unroll_variable *v, const double *x, int64_t steps, int width) {
  double *turned = v->file && !strcmp(v->file, "recording") ? mem_zero((size_t)steps + 1, (size_t)width * sizeof *turned) : NULL;
  for (int64_t i = 0; turned && i < steps * width; i++) turned[i] = x[i - i % width + width - 1 - i % width];
  draw_heat(out, turned ? turned : x, steps, width, 0, v->name);
  mem_free(turned);
}

/* --- pictures --- */

static uint8_t byte_of(double x) { return (uint8_t)lround(255 * fmax(0, fmin(1, isnan(x) ? 0 : x))); }

/* By how many pixels a large one is made smaller. */
static int shrinks(const unroll_variable *v) { return (v->rows > v->columns ? v->rows : v->columns) / MOST_SIDE + 1; }

/* [rows][columns][channels], by areas if it is large. */
bool draw_picture(text *out, const unroll_variable *v, const double *x) {
  const int by = shrinks(v), rows = v->rows / by, columns = v->columns / by, channels = v->channels;
  if (rows < 1 || columns < 1 || (channels != 1 && channels != 3)) return false;
  uint8_t *pixels = mem_zero((size_t)rows * (size_t)columns, (size_t)channels);
  out->failed |= !pixels;
  for (int i = 0; i < rows && pixels; i++)
    for (int j = 0; j < columns; j++)
      for (int c = 0; c < channels; c++) {
        double sum = 0;
        for (int a = 0; a < by; a++)
          for (int b = 0; b < by; b++) sum += x[((int64_t)(i * by + a) * v->columns + j * by + b) * channels + c];
        pixels[((int64_t)i * columns + j) * channels + c] = byte_of(sum / (by * by));
      }
  if (pixels) png_picture(out, pixels, rows, columns, channels);
  mem_free(pixels);
  return true;
}

static void picture(text *out, const unroll_variable *v, const double *x, const char *alt) {
  const size_t before = out->length;
  html_add(out, "<img alt=\"");
  html_string(out, alt);
  text_format(out, "\" width=\"%d\" height=\"%d\" src=\"", v->columns / shrinks(v), v->rows / shrinks(v));
  if (draw_picture(out, v, x)) {
    html_add(out, "\">");
    return;
  }
  out->length = before;
  text_format(out, "<p class=\"soft\">%d channels of %d by %d</p>", v->channels, v->rows, v->columns);
}

/* --- drawings: dx, dy, pen up --- */

static void pen(text *out, const double *x, int64_t steps, int width) {
  double at[2] = {0}, least[2] = {0}, most[2] = {0};
  const int64_t n = steps < MOST_POINTS ? steps : MOST_POINTS;
  for (int64_t t = 0; t < n; t++)
    for (int k = 0; k < 2; k++) {
      if (isfinite(x[t * width + k])) at[k] += x[t * width + k];
      least[k] = fmin(least[k], at[k]);
      most[k] = fmax(most[k], at[k]);
    }
  const double size = fmax(1e-6, fmax(most[0] - least[0], most[1] - least[1])), scale = 100 / size;
  if (!(size < 1e30)) {
    html_add(out, "<p class=\"soft\">points that are not finite</p>");
    return;
  }
  text_format(out, "<svg viewBox=\"-4 -4 %.0f %.0f\" role=\"img\" aria-label=\"drawing\"><path d=\"",
              (most[0] - least[0]) * scale + 8, (most[1] - least[1]) * scale + 8);
  bool down = false;
  at[0] = at[1] = 0;
  for (int64_t t = 0; t < n; t++) {
    for (int k = 0; k < 2; k++)
      if (isfinite(x[t * width + k])) at[k] += x[t * width + k];
    text_format(out, "%s%.1f %.1f", down ? "L" : "M", (at[0] - least[0]) * scale, (at[1] - least[1]) * scale);
    down = !(width > 2 && x[t * width + 2] > 0.5);
  }
  html_add(out, "\"/></svg>");
}

/* --- piano rolls --- */

static void roll(text *out, const double *x, int64_t steps, int width) {
  const int keys = width < 88 ? width : 88;
  const int64_t n = steps < MOST_ROLL ? steps : MOST_ROLL;
  int low = keys, high = -1;
  for (int64_t t = 0; t < n; t++)
    for (int k = 0; k < keys; k++)
      if (x[t * width + k] > 0.5) low = k < low ? k : low, high = k > high ? k : high;
  if (high < 0) {
    html_add(out, "<p class=\"soft\">silence</p>");
    return;
  }
  low = low > 1 ? low - 2 : 0;
  high = high < keys - 2 ? high + 2 : keys - 1;
  text_format(out, "<svg class=\"roll\" viewBox=\"0 0 %lld %d\" role=\"img\" aria-label=\"piano roll\">", (long long)n * 4,
              (high - low + 1) * 4);
  for (int k = low; k <= high; k++)
    for (int64_t t = 0, to; t < n; t = to) {
      to = t + 1;
      if (!(x[t * width + k] > 0.5)) continue;
      while (to < n && x[to * width + k] > 0.5) to++;
      text_format(out, "<rect x=\"%lld\" y=\"%d\" width=\"%.1f\" height=\"3.4\"/>", (long long)t * 4, (high - k) * 4,
                  (double)(to - t) * 4 - 0.6);
    }
  html_add(out, "</svg>");
}

/* --- numbers --- */

static void curves(text *out, const double *x, int64_t steps, int width) {
  double *at = mem_zero((size_t)steps + 1, (size_t)(width + 1) * sizeof *at);
  svg_line lines[7] = {0};
  out->failed |= !at;
  for (int64_t t = 0; at && t < steps; t++) {
    at[t] = (double)t + 1;
    for (int k = 0; k < width; k++) at[(k + 1) * steps + t] = x[t * width + k];
  }
  for (int k = 0; k < width; k++) lines[k] = (svg_line){.x = at, .y = at + (k + 1) * steps, .n = (size_t)steps, .colour = k};
  if (at) svg_chart(out, lines, width, &(svg_form){.title = "", .width = 320, .height = 130});
  mem_free(at);
}

static void numbers(text *out, const unroll_value *x) {
  const int64_t n = x->steps * x->width;
  for (int64_t i = 0; i < n && i < 8; i++) {
    if (i) html_add(out, "; ");
    html_number(out, x->numbers[i]);
  }
  if (n > 8) html_add(out, "; …");
}

void draw_value(const sheet *s, text *out, const unroll_variable *v, const unroll_value *x) {
  (void)s;
  if (x->symbols || v->symbols) {
    if (!x->text || !x->length)
      html_add(out, "<span class=\"soft\">–</span>");
    else
      html_short(out, x->text, x->length, 240);
    return;
  }
  if (!x->numbers || x->steps < 1 || x->width < 1) {
    html_add(out, "<span class=\"soft\">–</span>");
    return;
  }
  if (is(v, "picture") && v->rows > 0 && (int64_t)v->rows * v->columns * v->channels == x->width) {
    for (int64_t t = 0; t < x->steps && t < MOST_FRAMES; t++) picture(out, v, x->numbers + t * x->width, v->name);
  } else if (is(v, "pen")) {
    pen(out, x->numbers, x->steps, x->width);
  } else if (is(v, "keys")) {
    roll(out, x->numbers, x->steps, x->width);
  } else if (x->steps > 2 && x->width <= 7) {
    curves(out, x->numbers, x->steps, x->width);
  } else if (x->steps > 1 && x->width > 7) {
    draw_heard(out, v, x->numbers, x->steps < 600 ? x->steps : 600, x->width);
  } else {
    numbers(out, x);
  }
}
