/* Drawings: offsets as text, SVG paths, InkML, IAM-OnDB; what is wrong with a file; merging; sheets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/memory.h"
#include "read/pen.h"

#define SVG(inside) "<svg xmlns='http://www.w3.org/2000/svg'>" inside "</svg>"
#define PATH(d) SVG("<path d='" d "'/>")
#define INK(inside) "<?xml version='1.0'?>\n<inkml:ink xmlns:inkml='http://www.w3.org/2003/InkML'>" inside "</inkml:ink>"

static bool not_built(const unroll_error *err) { return strstr(err->message, "built without") != NULL; }

/* A file's text, with its lines. */
static unroll_status decode(pen *p, const char *data, size_t size, int64_t number, unroll_error *err) {
  pen_lines lines;
  unroll_status status = pen_lines_of(&lines, data, size, err);
  *p = (pen){0};
  if (!status) status = pen_decode(p, data, size, &lines, number, err);
  mem_free(lines.starts);
  return status;
}

static const struct {
  const char *text;
  int number, n;
  float points[6][3];
} good[] = {
    {"1,2,0 3,-4,1", -1, 2, {{1, 2, 0}, {3, -4, 1}}},
    {"1,2,0\n0.5,-4e1,0\n", -1, 2, {{1, 2, 0}, {0.5f, -40, 1}}}, /* the last point ends its stroke, whatever it says */
    {"1,2,0 3,4,1\n\n 5,6,1 7,8,1\n", 0, 2, {{1, 2, 0}, {3, 4, 1}}},
    {"1,2,0 3,4,1\n\n 5,6,1 7,8,1\n", 1, 2, {{5, 6, 1}, {7, 8, 1}}},
    {PATH("M10 20L13 24"), -1, 2, {{0, 0, 0}, {3, 4, 1}}},
    {PATH("M 1,1 h2 v3 H1 V2 z"), -1, 6, {{0, 0, 0}, {2, 0, 0}, {0, 3, 0}, {-2, 0, 0}, {0, -2, 0}, {0, -1, 1}}},
    {PATH("m1 1 2 3 4-5.5.5.25M 0 0"), -1, 4, {{0, 0, 0}, {2, 3, 0}, {4, -5.5f, 0}, {0.5f, 0.25f, 1}}},
    {PATH("M0 0L1 0M5 5l1 1"), -1, 4, {{0, 0, 0}, {1, 0, 1}, {4, 5, 0}, {1, 1, 1}}},
    {PATH("M0 0l1 0zl0 1"), -1, 5, {{0, 0, 0}, {1, 0, 0}, {-1, 0, 1}, {0, 0, 0}, {0, 1, 1}}},
    {SVG("<g transform='translate(10,0) scale(2)'><path d='M0 0L1 2'/></g><line x2='3' y2='1'/>"),
     -1,
     4,
     {{0, 0, 0}, {2, 4, 1}, {-12, -4, 0}, {3, 1, 1}}},
    {SVG("<polyline points='0,0 1,0 1,1'/>"), -1, 3, {{0, 0, 0}, {1, 0, 0}, {0, 1, 1}}},
    {SVG("<polygon points='0,0 1,0 1,1'/>"), -1, 4, {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {-1, -1, 1}}},
    {SVG("<polygon points=''/><defs><path d='M0 0L9 9'/></defs><path d='M0 0L1 1'/>"), -1, 2, {{0, 0, 0}, {1, 1, 1}}},
    {SVG("<path transform='rotate(90)' d='M0 0L1 0'/>"), -1, 2, {{0, 0, 0}, {0, 1, 1}}},
    {SVG("<path transform='rotate(90,1,1) matrix(1 0 0 1 0-1)' d='M0 0L1 0'/>"), -1, 2, {{0, 0, 0}, {0, 1, 1}}},
    {SVG("<path transform='skewX(45)' d='M0 0L0 1'/>"), -1, 2, {{0, 0, 0}, {1, 1, 1}}},
    {INK("<inkml:trace>1 2, 4 6,\n5 5</inkml:trace><inkml:trace>0 0</inkml:trace>"),
     -1,
     4,
     {{0, 0, 0}, {3, 4, 0}, {1, -1, 1}, {-5, -5, 1}}},
    {INK("<inkml:traceFormat><inkml:channel name='T'/><inkml:channel name='Y'/><inkml:channel name='X'/></inkml:traceFormat>"
         "<inkml:trace>0 2 1, ? 6 4</inkml:trace>"),
     -1,
     2,
     {{0, 0, 0}, {3, 4, 1}}},
    /* the values themselves, then differences, then differences of these */
    {INK("<inkml:trace>10 20,'1'2,3-4,\"1\"1,*5,!0!0</inkml:trace>"),
     -1,
     6,
     {{0, 0, 0}, {1, 2, 0}, {3, -4, 0}, {4, -3, 0}, {5, 2, 0}, {-23, -17, 1}}},
    {INK("<inkml:trace type='penUp'>5 5,6 6</inkml:trace><inkml:trace>1 2</inkml:trace>"), -1, 1, {{0, 0, 1}}},
    {"<WhiteboardCaptureSession><StrokeSet><Stroke><Point x='1' y='2' time='0'/><Point x='4' y='1'/></Stroke>"
     "<Stroke><Point x='0' y='0'/></Stroke></StrokeSet></WhiteboardCaptureSession>",
     -1,
     3,
     {{0, 0, 0}, {3, -1, 1}, {-4, -1, 1}}},
};

static void drawings_are_read(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    pen p;
    unroll_error err = {0};
    const unroll_status status = decode(&p, good[i].text, strlen(good[i].text), good[i].number, &err);
    if (status && not_built(&err)) continue;
    if (status || p.n != good[i].n) fail_msg("row %zu: %d points, '%s'", i, (int)p.n, err.message);
    for (int k = 0; k < 3 * good[i].n; k++)
      if (fabsf(p.points[k] - good[i].points[k / 3][k % 3]) > 1e-6f)
        fail_msg("row %zu: number %d is %g", i, k, (double)p.points[k]);
    pen_free(&p);
  }
  assert_int_equal(mem_live(), 0);
}

/* A curve's points lie on it, its ends are exact. Each row: a path whose points are all at `radius` from x, y. */
static const struct {
  const char *d;
  double x, y, radius, end_x, end_y; /* the end as seen from the start */
  int least, most;
} circles[] = {
    {PATH("M1 0A1 1 0 0 1 -1 0"), 0, 0, 1, -2, 0, 12, 50},
    {PATH("M1 0A1 1 0 0 0 -1 0"), 0, 0, 1, -2, 0, 12, 50},
    {PATH("M0 0a1 1 0 1 1 1 1"), 1, 0, 1, 1, 1, 12, 60},
    {PATH("M0 0a1 1 0 0 0 1 1"), 1, 0, 1, 1, 1, 6, 30},
    {PATH("M0 0a.1.1 0 112 0"), 1, 0, 1, 2, 0, 12, 50},
    {PATH("M0 0a50 50 30 01 100 0"), 50, 0, 50, 100, 0, 12, 50},
    {PATH("M0 1C.5523 1 1 .5523 1 0"), 0, 0, 1, 1, -1, 6, 30},
    {PATH("M0 1c.5523 0 1-.4477 1-1S.5523-1 0-1"), 0, 0, 1, 0, -2, 12, 50},
};

static void curves_are_followed(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof circles / sizeof *circles; i++) {
    pen p;
    unroll_error err = {0};
    double at[2] = {0}, start[2];
    const char *first = strchr(strstr(circles[i].d, " d='"), 'M') + 1;
    assert_int_equal(sscanf(first, "%lf%lf", &start[0], &start[1]), 2);
    if (decode(&p, circles[i].d, strlen(circles[i].d), -1, &err)) {
      if (!not_built(&err)) fail_msg("row %zu: %s", i, err.message);
      continue;
    }
    for (int64_t k = 0; k < p.n; k++) {
      for (int c = 0; c < 2; c++) at[c] += (double)p.points[3 * k + c];
      const double r = hypot(start[0] + at[0] - circles[i].x, start[1] + at[1] - circles[i].y);
      if (fabs(r / circles[i].radius - 1) > 1e-3) fail_msg("row %zu: point %d is %g away", i, (int)k, r);
    }
    assert_true(fabs(at[0] - circles[i].end_x) < 1e-5 && fabs(at[1] - circles[i].end_y) < 1e-5);
    if (p.n < circles[i].least || p.n > circles[i].most) fail_msg("row %zu: %d points", i, (int)p.n);
    pen_free(&p);
  }
}

/* Curves with one handle: y = x^2, and on with the handle mirrored. */
static void parabolas_are_followed(void **state) {
  (void)state;
  static const char path[] = PATH("M-1 1Q0-1 1 1T3 1");
  pen p;
  unroll_error err = {0};
  double x = -1, y = 1;
  if (decode(&p, path, sizeof path - 1, -1, &err)) {
    assert_true(not_built(&err));
    return;
  }
  for (int64_t k = 0; k < p.n; k++) {
    x += (double)p.points[3 * k];
    y += (double)p.points[3 * k + 1];
    assert_true(fabs(x <= 1 ? y - x * x : y - 2 + (x - 2) * (x - 2)) < 1e-5);
  }
  assert_true(fabs(x - 3) < 1e-5);
  pen_free(&p);
}

static const struct {
  const char *text;
  int number, line, column;
  const char *message;
} bad[] = {
    {"", -1, 0, 0, "the file is empty"},
    {" \n", -1, 0, 0, "the file is empty"},
    {"1,2,0\n3,x,1", -1, 2, 3, "a point is dx,dy,end: no number is here"},
    {"1,2,0 3,4,1\n\n  1,2,0 3,4", 1, 3, 12, "numbers are missing"},
    {"1,2,0 3,4", -1, 1, 10, "a point is dx,dy,end: numbers are missing"},
    {"1,2,0 3,4,1,5", -1, 1, 12, "a point has more than three numbers"},
    {"1,2,2", -1, 1, 5, "the third number of a point is 1 where a stroke ends, else 0"},
    {"1,2,nan", -1, 1, 5, "no number is here"},
    {"1e300,2,1", -1, 1, 1, "no number is here"},
    {"1,2,0 3,4,1\n1,2,0", -1, 0, 0, "many drawings, one a line: say which one, as in FILE#0"},
    {"1,2,0 3,4,1\n1,2,0", 2, 0, 0, "there is no drawing 2: the file has 2 (0 is the first)"},
    {SVG(""), 0, 0, 0, "this file holds one drawing"},
    {SVG(""), -1, 0, 0, "nothing is drawn in this file"},
    {PATH("M1 1"), -1, 0, 0, "nothing is drawn in this file"},
    {"<svg>\n<path d='L1 1'/></svg>", -1, 2, 1, "character 2 of the path: a path begins with M"},
    {PATH("1 1"), -1, 1, 41, "character 1 of the path: a path begins with M"},
    {PATH("M1"), -1, 1, 41, "character 3 of the path: no number"},
    {PATH("M1 1L2 2 3"), -1, 1, 41, "character 11 of the path: no number"},
    {PATH("M1 1X2 2"), -1, 1, 41, "character 5 of the path: no command of a path"},
    {PATH("M1 1z2 2"), -1, 1, 41, "character 6 of the path: a command is missing"},
    {PATH("M1 1A1 1 0 2 0 1 1"), -1, 1, 41, "a flag of an arc is 0 or 1"},
    {PATH("M1e10 1"), -1, 1, 41, "character 2 of the path: no number, or one that is too large"},
    {SVG("<path transform='scale(1e9)' d='M1e9 1L1 1'/>"), -1, 1, 41, "a point is too far away"},
    {SVG("<g transform='turn(3)'/>"), -1, 1, 41, "a transform that SVG does not have"},
    {SVG("<g transform='scale(1 2'/>"), -1, 1, 41, "a transform that SVG does not have"},
    {SVG("<g transform='scale(1 2 3)'/>"), -1, 1, 41, "a transform that SVG does not have"},
    {"<svg><path></svg>", -1, 1, 14, "damaged XML: mismatched tag"},
    {"<svg>", -1, 1, 6, "damaged XML: no element found"},
    {"<html/>", -1, 1, 1, "this XML is neither SVG nor InkML"},
    {"<!DOCTYPE svg [<!ENTITY a 'b'><!ENTITY c '&a;&a;'>]><svg>&c;</svg>", -1, 1, 27, "entities are not read"},
    {"<svg>&lol;</svg>", -1, 1, 6, "damaged XML: undefined entity"},
    {INK("<inkml:trace>1 2, 3</inkml:trace>"), -1, 2, 74, "character 7 of the path: a point lacks its place"},
    {INK("<inkml:trace>1 ?</inkml:trace>"), -1, 2, 71, "character 3 of the path: a point lacks its place"},
    {INK("<inkml:trace>1 a</inkml:trace>"), -1, 2, 71, "character 3 of the path: no number"},
    {"<WhiteboardCaptureSession><Stroke><Point x='1'/></Stroke></WhiteboardCaptureSession>", -1, 1, 35,
     "a point without numbers x and y"},
};

static void broken_files_are_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    pen p;
    unroll_error err = {0};
    const unroll_status status = decode(&p, bad[i].text, strlen(bad[i].text), bad[i].number, &err);
    if (status && not_built(&err)) continue;
    if (status != UNROLL_BAD_INPUT || !strstr(err.message, bad[i].message) || err.line != bad[i].line ||
        err.column != bad[i].column)
      fail_msg("row %zu: %d, %d:%d, '%s'", i, (int)status, err.line, err.column, err.message);
    pen_free(&p);
  }
  assert_int_equal(mem_live(), 0);
}

static void deep_and_long_files_are_refused(void **state) {
  (void)state;
  text t = {0};
  pen p;
  unroll_error err = {0};
  for (int i = 0; i < 100000; i++) text_format(&t, i ? "<g>" : "<svg>");
  assert_int_equal(decode(&p, t.data, t.length, -1, &err), UNROLL_BAD_INPUT);
  if (!not_built(&err)) assert_string_equal(err.message, "elements more than 64 deep");
  pen_free(&p);
  t.length = 0;
  for (int i = 0; i <= PEN_MAX_POINTS; i++) text_format(&t, i ? "L0 %d" : "<svg><path d='M0 %d", i % 7);
  text_format(&t, "'/></svg>");
  assert_int_equal(decode(&p, t.data, t.length, -1, &err), UNROLL_BAD_INPUT);
  if (!not_built(&err)) assert_string_equal(err.message, "a drawing has at most 1048576 points");
  pen_free(&p);
  text_free(&t);
  assert_int_equal(mem_live(), 0);
}

static void points_are_merged(void **state) {
  (void)state;
  float points[8][3] = {{5, 5, 0}, {1, 0, 0}, {1, 1, 0}, {1, 2, 0}, {1, 3, 1}, {9, 9, 0}, {2, 2, 1}, {7, 7, 1}};
  static const float want[6][3] = {{5, 5, 0}, {2, 1, 0}, {2, 5, 1}, {9, 9, 0}, {2, 2, 1}, {7, 7, 1}};
  pen p = {&points[0][0], 8};
  pen_merge(&p, 2);
  assert_int_equal(p.n, 6);
  assert_memory_equal(points, want, sizeof want);
  pen_merge(&p, 1);
  assert_int_equal(p.n, 6);
  assert_memory_equal(points, want, sizeof want);
}

/* What was drawn is read again: one drawing in its corner, a sheet of three in two columns. */
static void sheets_are_drawn(void **state) {
  (void)state;
  float points[5][3] = {{3, 4, 0}, {10, 0, 0}, {0, 20, 1}, {-5, -5, 0}, {1, 0, 1}}, dot[1][3] = {{0, 0, 1}};
  const pen p = {&points[0][0], 5};
  pen back;
  text t = {0};
  unroll_error err = {0};
  assert_int_equal(pen_svg(&t, &p, NULL, 1, 1, &err), UNROLL_OK);
  assert_non_null(strstr(t.data, "viewBox=\"0 0 1200 2200\""));
  assert_non_null(strstr(t.data, "<path d=\"M100 100L1100 100L1100 2100M600 1600L700 1600\"/>"));
  if (!decode(&back, t.data, t.length, -1, &err)) {
    assert_int_equal(back.n, 5);
    for (int i = 3; i < 15; i++) assert_true(fabsf(back.points[i] - (i % 3 == 2 ? 1 : 100) * points[i / 3][i % 3]) < 1e-3f);
  } else {
    assert_true(not_built(&err));
  }
  pen_free(&back);
  text_free(&t);

  const pen list[3] = {p, {&dot[0][0], 1}, {NULL, 0}};
  const char *const titles[3] = {"a<b&c\x01", NULL, "last"};
  assert_int_equal(pen_svg(&t, list, titles, 3, 2, &err), UNROLL_OK);
  assert_non_null(strstr(t.data, "viewBox=\"0 0 2400 4684\""));
  assert_non_null(strstr(t.data, "<path d=\"M1300 100h0\"/>"));
  assert_non_null(strstr(t.data, ">a&#60;b&#38;c </text>"));
  assert_non_null(strstr(t.data, "<text x=\"100\" y=\"4634\""));
  text_free(&t);

  points[1][0] = HUGE_VALF;
  assert_int_equal(pen_svg(&t, &p, NULL, 1, 1, &err), UNROLL_BAD_INPUT);
  text_free(&t);
  assert_int_equal(mem_live(), 0);
}

static void every_allocation_fails_once(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    for (long n = 1;; n++) {
      pen p;
      text t = {0};
      unroll_error err = {0};
      mem_fail_after(n, 0);
      unroll_status status = decode(&p, good[i].text, strlen(good[i].text), good[i].number, &err);
      if (!status) status = pen_svg(&t, &p, NULL, 1, 1, &err);
      mem_fail_after(0, 0);
      pen_free(&p);
      text_free(&t);
      assert_int_equal(mem_live(), 0);
      if (!status || not_built(&err)) break;
      if (status != UNROLL_FAILED) fail_msg("row %zu, allocation %ld: %d, '%s'", i, n, (int)status, err.message);
      assert_true(n < 1000);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(drawings_are_read),
      cmocka_unit_test(curves_are_followed),
      cmocka_unit_test(parabolas_are_followed),
      cmocka_unit_test(broken_files_are_refused),
      cmocka_unit_test(deep_and_long_files_are_refused),
      cmocka_unit_test(points_are_merged),
      cmocka_unit_test(sheets_are_drawn),
      cmocka_unit_test(every_allocation_fails_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
