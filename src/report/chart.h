/* chart.h - curves as text: two by four points of braille in each letter. */
#ifndef REPORT_CHART_H
#define REPORT_CHART_H
#include <stdbool.h>
#include <stddef.h>
#include "base/text.h"

typedef struct curve {
  char label;          /* stands behind its last point */
  const double *x, *y; /* [n]; points that are not finite are left out */
  size_t n;
} curve;

typedef struct chart_form {
  int columns, rows; /* of letters, for the whole chart: at least 30 by 4 */
  bool log;          /* the logarithm of y, where all of it is positive */
  bool color;        /* ANSI colours, one a curve */
  const char *x_name;
} chart_form;

/* Adds the chart, lines ending with newlines. Nothing where no curve has a point. */
void chart_draw(const curve *curves, int n, const chart_form *form, text *out);
#endif
