/* svg.h - charts as SVG elements of a page: lines, bands around them, points, over numbers or dates. Colours are those of
 * page.css, so a chart fits light, dark and paper. */
#ifndef REPORT_SVG_H
#define REPORT_SVG_H
#include <stdbool.h>
#include <stddef.h>
#include "base/text.h"

typedef struct svg_line {
  const char *name;
  const double *x, *y; /* [n]; points that are not finite are left out, and the line is broken there */
  size_t n;
  const double *low, *high; /* [n] a band; NULL: none */
  bool dots;                /* points without a line */
  int colour;               /* 0 .. 6; 7: grey */
} svg_line;

typedef struct svg_form {
  const char *title, *x_name, *y_name;
  bool log;                   /* the logarithm of y; what is not above 0 is left out */
  const char *const *x_texts; /* [n_x_texts] what whole x mean, as dates; NULL: numbers */
  size_t n_x_texts;
  int width, height; /* 0: 480 by 220 */
  bool square;       /* both axes from 0 to 1 */
} svg_form;

/* False, and nothing is added: no line has a point. Long lines are thinned to means of neighbours. */
bool svg_chart(text *out, const svg_line *lines, int n, const svg_form *form);
#endif
