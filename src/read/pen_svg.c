/* pen_svg.c - drawings as an SVG file: one, or a sheet of many.
 *
 * All numbers are whole ones, so no locale can change them. The largest drawing is SIDE units wide or high, and each field of
 * the sheet has room for it. */
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "read/pen.h"

enum { SIDE = 2000, MARGIN = SIDE / 20, LETTERS = SIDE / 14 };

typedef struct box {
  double low[2], high[2];
} box;

static box box_of(const pen *p) {
  box b = {{HUGE_VAL, HUGE_VAL}, {-HUGE_VAL, -HUGE_VAL}};
  double at[2] = {0};
  for (int64_t i = 0; i < p->n; i++)
    for (int c = 0; c < 2; c++) {
      at[c] += (double)p->points[3 * i + c];
      b.low[c] = fmin(b.low[c], at[c]);
      b.high[c] = fmax(b.high[c], at[c]);
    }
  return b;
}

static void quote(text *out, const char *s) {
  for (; *s; s++) {
    const unsigned char c = (unsigned char)*s;
    if (c == '<' || c == '>' || c == '&')
      text_format(out, "&#%d;", c);
    else
      text_add(out, c < 32 ? " " : s, 1);
  }
}

/* A path of one drawing, whose corner comes to x, y. */
static void draw(text *out, const pen *p, const box *b, double scale, int x, int y) {
  double at[2] = {0};
  bool moves = true;
  text_format(out, "<path d=\"");
  for (int64_t i = 0; i < p->n; i++) {
    const float *point = p->points + 3 * i;
    for (int c = 0; c < 2; c++) at[c] += (double)point[c];
    const long px = x + lrint((at[0] - b->low[0]) * scale), py = y + lrint((at[1] - b->low[1]) * scale);
    text_format(out, "%c%ld %ld", moves ? 'M' : 'L', px, py);
    if (moves && point[2] > 0.5f) text_format(out, "h0"); /* a dot */
    moves = point[2] > 0.5f;
  }
  text_format(out, "\"/>\n");
}

unroll_status pen_svg(text *out, const pen *drawings, const char *const *titles, int n, int columns, unroll_error *err) {
  double size[2] = {0};
  bool named = false;
  for (int i = 0; i < n; i++) {
    const box b = box_of(&drawings[i]);
    for (int c = 0; c < 2 && drawings[i].n; c++) size[c] = fmax(size[c], b.high[c] - b.low[c]);
    named = named || (titles && titles[i]);
  }
  const double side = fmax(size[0], size[1]);
  if (!isfinite(side)) return error_set(err, UNROLL_BAD_INPUT, "a drawing with points that are no numbers");
  const double scale = side > 0 ? SIDE / side : 1;
  const int each[2] = {(int)ceil(size[0] * scale) + 2 * MARGIN, (int)ceil(size[1] * scale) + 2 * MARGIN + (named ? LETTERS : 0)};
  const int rows = (n + columns - 1) / columns, wide = each[0] * (n < columns ? n : columns), high = each[1] * rows;
  const int pixels = n == 1 ? 800 : 200 * (n < columns ? n : columns); /* the width at first sight */
  text_format(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n", pixels,
              (int)ceil((double)pixels * high / (wide ? wide : 1)), wide, high);
  text_format(out, "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n");
  text_format(out, "<g fill=\"none\" stroke=\"black\" stroke-width=\"%d\" stroke-linecap=\"round\" stroke-linejoin=\"round\">\n",
              SIDE / 100);
  for (int i = 0; i < n; i++) {
    const box b = box_of(&drawings[i]);
    if (drawings[i].n) draw(out, &drawings[i], &b, scale, i % columns * each[0] + MARGIN, i / columns * each[1] + MARGIN);
  }
  text_format(out, "</g>\n");
  for (int i = 0; i < n && named; i++) {
    if (!titles[i]) continue;
    text_format(out, "<text x=\"%d\" y=\"%d\" font-size=\"%d\" font-family=\"sans-serif\">", i % columns * each[0] + MARGIN,
                (i / columns + 1) * each[1] - MARGIN / 2, LETTERS);
    quote(out, titles[i]);
    text_format(out, "</text>\n");
  }
  text_format(out, "</svg>\n");
  return out->failed ? error_memory(err) : UNROLL_OK;
}
