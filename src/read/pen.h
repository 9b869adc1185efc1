/* pen.h - drawings of a pen: offsets as text, InkML, SVG and the XML of IAM-OnDB; and drawings as SVG.
 *
 * A drawing is a list of points, each dx, dy and whether its stroke ends there. The pen comes to the first point of a stroke
 * without touching the paper. What a file is follows from its first bytes, never from its name. Everything is untrusted. */
#ifndef READ_PEN_H
#define READ_PEN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unroll.h>
#include "base/text.h"

enum { PEN_MAX_BYTES = 64 << 20, PEN_MAX_POINTS = 1 << 20 };

typedef struct pen {
  float *points; /* [n][3] dx, dy, 1 at the end of a stroke */
  int64_t n;
} pen;

/* Where the lines of a text that are not empty begin. Found once, drawing n of many is read at once. */
typedef struct pen_line {
  size_t at;
  int number; /* in the file, from 1 */
} pen_line;
typedef struct pen_lines {
  pen_line *starts; /* [n] a block for mem_free */
  int64_t n;
  int64_t most; /* points on one line, from their white space */
} pen_lines;
unroll_status pen_lines_of(pen_lines *l, const char *data, size_t size, unroll_error *err);

/* Drawing `number` of a file's text, which has one a line; -1: the only one. UNROLL_BAD_INPUT with line and column of the file in
 * *err, which names no file. pen_free in any case. */
unroll_status pen_decode(pen *p, const char *data, size_t size, const pen_lines *lines, int64_t number, unroll_error *err);
/* Each `every` successive points of a stroke become one. */
void pen_merge(pen *p, int every);
void pen_free(pen *p);

/* A sheet of drawings, row by row; all in the same scale. Titles may be NULL, or some of them. */
unroll_status pen_svg(text *out, const pen *drawings, const char *const *titles, int n, int columns, unroll_error *err);

/* Parts of pen_decode. A sketch is what the pen does, in the units of a file: lines and curves. */
enum pen_do { PEN_MOVE, PEN_DOT /* a stroke of one point */, PEN_LINE, PEN_CURVE /* cubic */ };
typedef struct pen_act {
  enum pen_do what;
  double x[6]; /* where it ends; of a curve two points before */
} pen_act;
typedef struct sketch {
  pen_act *acts;
  int64_t n, room;
} sketch;
unroll_status sketch_add(sketch *s, enum pen_do what, const double x[6], unroll_error *err);
/* The acts of SVG path data (M L H V C S Q T A Z and their small letters). `to`: a, b, c, d, e, f as in SVG's matrix(). The message
 * says the character, not the line. */
unroll_status sketch_path(sketch *s, const char *data, size_t size, const double to[6], unroll_error *err);
unroll_status sketch_xml(sketch *s, const char *data, size_t size, unroll_error *err);
/* A trace of InkML: values with commas between points; number x and y of a point's values are its place. */
unroll_status sketch_trace(sketch *s, const char *data, size_t size, int x, int y, unroll_error *err);
/* Curves become lines that are off by less than a 400th of the sketch. */
unroll_status pen_of_sketch(pen *p, const sketch *s, unroll_error *err);
#endif
