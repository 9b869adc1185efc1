/* chart.c - see chart.h. The plane is letters of 2 x 4 points; each letter has the colour of the curve that came last. */
#include "report/chart.h"
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "base/memory.h"

enum { AXIS = 10, BRAILLE = 0x2800 }; /* letters left of the plane: numbers and a line */

typedef struct plane {
  int columns, rows;
  uint8_t *dots;  /* [rows][columns] */
  uint8_t *owner; /* curve + 1 */
  char *letters;  /* labels, over the dots; 0: none */
  double x0, x1, y0, y1;
  bool log;
} plane;

static bool usable(const plane *p, double x, double y) { return isfinite(x) && isfinite(y) && (!p->log || y > 0); }
static double scaled(const plane *p, double y) { return p->log ? log10(y) : y; }

static void dot(plane *p, int curve_number, int x, int y) {
  static const uint8_t bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
  if (x < 0 || y < 0 || x >= 2 * p->columns || y >= 4 * p->rows) return;
  const int at = y / 4 * p->columns + x / 2;
  p->dots[at] |= bits[y % 4][x % 2];
  p->owner[at] = (uint8_t)(curve_number % 250 + 1);
}

static void line(plane *p, int number, int x0, int y0, int x1, int y1) {
  const int dx = x1 > x0 ? x1 - x0 : x0 - x1, dy = y1 > y0 ? y1 - y0 : y0 - y1, steps = dx > dy ? dx : dy;
  for (int i = 0; i <= steps; i++)
    dot(p, number, steps ? x0 + (int)lround((double)(x1 - x0) * i / steps) : x0,
        steps ? y0 + (int)lround((double)(y1 - y0) * i / steps) : y0);
}

static bool find_range(plane *p, const curve *curves, int n) {
  p->x0 = p->y0 = (double)INFINITY;
  p->x1 = p->y1 = -(double)INFINITY;
  for (int c = 0; c < n; c++)
    for (size_t i = 0; i < curves[c].n; i++) {
      if (!usable(p, curves[c].x[i], curves[c].y[i])) continue;
      p->x0 = fmin(p->x0, curves[c].x[i]);
      p->x1 = fmax(p->x1, curves[c].x[i]);
      p->y0 = fmin(p->y0, scaled(p, curves[c].y[i]));
      p->y1 = fmax(p->y1, scaled(p, curves[c].y[i]));
    }
  return p->x0 <= p->x1;
}

static int across(const plane *p, double x) {
  return p->x1 > p->x0 ? (int)lround((x - p->x0) / (p->x1 - p->x0) * (2 * p->columns - 1)) : 0;
}

static int down(const plane *p, double y) {
  const int last = 4 * p->rows - 1;
  return p->y1 > p->y0 ? last - (int)lround((scaled(p, y) - p->y0) / (p->y1 - p->y0) * last) : last / 2;
}

/* The label stands right of the last point, or as near above or below as there is room. */
static void label(plane *p, const curve *c, int number, int x, int y) {
  const int column = x / 2 + 1 < p->columns ? x / 2 + 1 : p->columns - 1;
  int row = y / 4;
  for (int off = 0; off < 2 * p->rows; off++) {
    const int near = y / 4 + (off % 2 ? -(off + 1) / 2 : off / 2);
    if (near < 0 || near >= p->rows || p->letters[near * p->columns + column]) continue;
    row = near;
    break;
  }
  p->letters[row * p->columns + column] = c->label;
  p->owner[row * p->columns + column] = (uint8_t)(number % 250 + 1);
}

static void draw(plane *p, const curve *c, int number) {
  int x = 0, y = 0;
  bool begun = false;
  for (size_t i = 0; i < c->n; i++) {
    if (!usable(p, c->x[i], c->y[i])) continue;
    const int next_x = across(p, c->x[i]), next_y = down(p, c->y[i]);
    if (begun)
      line(p, number, x, y, next_x, next_y);
    else
      dot(p, number, next_x, next_y);
    begun = true;
    x = next_x;
    y = next_y;
  }
  if (begun && c->label) label(p, c, number, x, y);
}

static void axis_number(double x, char out[16]) {
  snprintf(out, 16, fabs(x) >= 1e5 || (x != 0 && fabs(x) < 1e-3) ? "%.1e" : "%.4g", x);
}

static void print_row(const plane *p, int row, bool color, text *out) {
  char number[16] = "";
  const double share = p->rows > 1 ? 1 - (double)row / (p->rows - 1) : 0.5, value = p->y0 + share * (p->y1 - p->y0);
  if (row == 0 || row == p->rows - 1 || (row == p->rows / 2 && p->rows > 4)) axis_number(p->log ? pow(10, value) : value, number);
  text_format(out, "%*s ┤", AXIS - 2, number);
  int last = 0;
  for (int i = 0; i < p->columns; i++) {
    const int at = row * p->columns + i, owner = color ? p->owner[at] : 0;
    char letter[4];
    if (owner != last && color) text_format(out, owner ? "\x1b[3%dm" : "\x1b[0m", (owner - 1) % 6 + 1);
    last = owner;
    if (p->letters[at])
      text_add(out, p->letters + at, 1);
    else
      text_add(out, letter, (size_t)utf8_encode((uint32_t)(p->dots[at] ? BRAILLE + p->dots[at] : ' '), letter));
  }
  if (last) text_format(out, "\x1b[0m");
  while (!color && out->length && out->data[out->length - 1] == ' ') out->data[--out->length] = 0;
  text_add(out, "\n", 1);
}

static void print(const plane *p, const chart_form *f, text *out) {
  char from[16], to[16];
  for (int row = 0; row < p->rows; row++) print_row(p, row, f->color, out);
  text_format(out, "%*s └", AXIS - 2, "");
  for (int i = 0; i < p->columns; i++) text_format(out, "─");
  axis_number(p->x0, from);
  axis_number(p->x1, to);
  const int room = p->columns - (int)strlen(from) - (int)strlen(to), name = (int)strlen(f->x_name);
  const int before = room > name ? (room - name) / 2 : 0, after = room > name ? room - name - before : 1;
  text_format(out, "\n%*s%s%*s%s%*s%s\n", AXIS, "", from, before, "", room > name ? f->x_name : "", after, "", to);
}

void chart_draw(const curve *curves, int n, const chart_form *f, text *out) {
  plane p = {.columns = f->columns > 30 ? f->columns - AXIS : 30 - AXIS, .rows = f->rows > 4 ? f->rows - 2 : 2, .log = f->log};
  if (!find_range(&p, curves, n)) return;
  const size_t cells = (size_t)p.columns * (size_t)p.rows;
  p.dots = mem_zero(cells, 1);
  p.owner = mem_zero(cells, 1);
  p.letters = mem_zero(cells, 1);
  if (p.dots && p.owner && p.letters) {
    for (int c = 0; c < n; c++) draw(&p, &curves[c], c);
    print(&p, f, out);
  } else {
    out->failed = 1;
  }
  mem_free(p.dots);
  mem_free(p.owner);
  mem_free(p.letters);
}
