/* pen_xml.c - SVG, InkML and the XML of IAM-OnDB through expat, where it was found.
 *
 * Of SVG what is drawn with lines is read: path, line, polyline and polygon, with their transforms. Of InkML the traces, of
 * IAM-OnDB the strokes. A file that defines entities is refused: nothing is expanded. */
#include "base/error.h"
#include "base/memory.h"
#include "read/pen.h"

#ifdef UNROLL_EXPAT
#include <math.h>
#include <string.h>
#include <expat.h>

enum { MOST_DEEP = 64 };
enum kind { KIND_NONE, KIND_SVG, KIND_INK, KIND_STROKES };

typedef struct reader {
  XML_Parser parser;
  sketch *to;
  enum kind kind;
  int depth, hidden; /* hidden: the depth from which nothing is drawn, or 0 */
  double matrix[MOST_DEEP + 1][6];
  int x, y, channels; /* InkML: which value of a point is which */
  bool in_format, has_format, in_trace, in_stroke, first;
  text trace;
  unroll_status status;
  unroll_error *err, own;
} reader;

/* --- errors --- */

static void stop(reader *r, unroll_status status) {
  if (!status || r->status) return;
  r->status = status;
  const int line = (int)XML_GetCurrentLineNumber(r->parser), column = (int)XML_GetCurrentColumnNumber(r->parser) + 1;
  if (status == UNROLL_BAD_INPUT)
    error_at(r->err, status, NULL, NULL, line, column, "%s", r->own.message);
  else
    error_memory(r->err);
  XML_StopParser(r->parser, XML_FALSE);
}
static void refuse(reader *r, const char *what) { stop(r, error_set(&r->own, UNROLL_BAD_INPUT, "%s", what)); }

/* --- SVG --- */

static const char *attribute(const char **list, const char *name) {
  for (; *list; list += 2)
    if (!strcmp(*list, name)) return list[1];
  return NULL;
}
static const char *local(const char *name) { /* without a prefix */
  const char *colon = strrchr(name, ':');
  return colon ? colon + 1 : name;
}
static bool one_of(const char *name, const char *const *list) {
  for (; *list; list++)
    if (!strcmp(name, *list)) return true;
  return false;
}

/* m = m times by: `by` comes first. */
static void then(double m[6], const double by[6]) {
  const double a[6] = {m[0] * by[0] + m[2] * by[1], m[1] * by[0] + m[3] * by[1],        m[0] * by[2] + m[2] * by[3],
                       m[1] * by[2] + m[3] * by[3], m[0] * by[4] + m[2] * by[5] + m[4], m[1] * by[4] + m[3] * by[5] + m[5]};
  memcpy(m, a, sizeof a);
}

/* Numbers with white space or commas between them, up to `end`. Their count, or -1. */
static int numbers(const char *at, const char *end, double *out, int most) {
  int n = 0;
  for (;;) {
    while (at < end && strchr(" \t\r\n,", *at)) at++;
    if (at == end) return n;
    const char *from = at;
    while (at < end && !strchr(" \t\r\n,", *at) && (at == from || *at != '-' || at[-1] == 'e' || at[-1] == 'E')) at++;
    if (n == most || text_number(from, (size_t)(at - from), &out[n++])) return -1;
  }
}

/* One of transform="translate(1,2) scale(3)". */
static bool apply(double m[6], const char *name, size_t length, double *x, int n) {
  const double pi = acos(-1), t = n ? x[0] * pi / 180 : 0;
  const char *const names[] = {"matrix", "translate", "scale", "rotate", "skewX", "skewY"};
  int which = 0;
  while (which < 6 && (strlen(names[which]) != length || strncmp(names[which], name, length))) which++;
  if (which == 1 && n == 1) x[n++] = 0;
  if (which == 2 && n == 1) x[n++] = x[0];
  if (which == 0 && n == 6) return then(m, x), true;
  if (which == 1 && n == 2) return then(m, (const double[6]){1, 0, 0, 1, x[0], x[1]}), true;
  if (which == 2 && n == 2) return then(m, (const double[6]){x[0], 0, 0, x[1], 0, 0}), true;
  if (which == 4 && n == 1) return then(m, (const double[6]){1, 0, tan(t), 1, 0, 0}), true;
  if (which == 5 && n == 1) return then(m, (const double[6]){1, tan(t), 0, 1, 0, 0}), true;
  if (which != 3 || (n != 1 && n != 3)) return false;
  if (n == 3) then(m, (const double[6]){1, 0, 0, 1, x[1], x[2]});
  then(m, (const double[6]){cos(t), sin(t), -sin(t), cos(t), 0, 0});
  if (n == 3) then(m, (const double[6]){1, 0, 0, 1, -x[1], -x[2]});
  return true;
}

static void transform(reader *r, double m[6], const char *at) {
  for (;;) {
    at += strspn(at, " \t\r\n,");
    if (!*at) return;
    const size_t length = strcspn(at, " \t\r\n(");
    const char *open = at + length + strspn(at + length, " \t\r\n"), *close = strchr(open, ')');
    double x[6];
    const int n = *open == '(' && close ? numbers(open + 1, close, x, 6) : -1;
    if (n < 0 || !apply(m, at, length, x, n)) {
      refuse(r, "a transform that SVG does not have");
      return;
    }
    at = close + 1;
  }
}

static void shape(reader *r, const char *name, const char **list, const double m[6]) {
  const char *d = attribute(list, "d"), *points = attribute(list, "points");
  text t = {0};
  if (!strcmp(name, "path") && d) {
    stop(r, sketch_path(r->to, d, strlen(d), m, &r->own));
  } else if ((!strcmp(name, "polyline") || !strcmp(name, "polygon")) && points && points[strspn(points, " \t\r\n")]) {
    text_format(&t, "M%s%s", points, name[4] == 'g' ? "Z" : "");
  } else if (!strcmp(name, "line")) {
    static const char *const names[] = {"x1", "y1", "x2", "y2"};
    for (int i = 0; i < 4; i++) {
      const char *x = attribute(list, names[i]);
      text_format(&t, "%s %s", i == 0 ? "M" : i == 2 ? "L" : "", x ? x : "0");
    }
  }
  if (t.failed)
    stop(r, error_memory(&r->own));
  else if (t.length)
    stop(r, sketch_path(r->to, t.data, t.length, m, &r->own));
  text_free(&t);
}

static void svg_begins(reader *r, const char *name, const char **list) {
  static const char *const unseen[] = {"defs", "clipPath", "mask", "symbol", "marker", "pattern", NULL};
  double *m = r->matrix[r->depth];
  memcpy(m, r->matrix[r->depth - 1], sizeof r->matrix[0]);
  if (r->hidden) return;
  if (one_of(name, unseen)) {
    r->hidden = r->depth;
    return;
  }
  const char *t = attribute(list, "transform");
  if (t) transform(r, m, t);
  if (!r->status) shape(r, name, list, m);
}

/* --- InkML and IAM-OnDB --- */

static void ink_begins(reader *r, const char *name, const char **list) {
  const char *which = attribute(list, "name"), *type = attribute(list, "type");
  if (!strcmp(name, "traceFormat") && !r->has_format) r->in_format = r->has_format = true;
  if (!strcmp(name, "channel") && r->in_format && which) {
    if (!strcmp(which, "X")) r->x = r->channels;
    if (!strcmp(which, "Y")) r->y = r->channels;
    if (r->channels < 1000) r->channels++;
  }
  if (strcmp(name, "trace") || (type && !strcmp(type, "penUp"))) return;
  r->in_trace = true;
  r->trace.length = 0;
}

static void ink_ends(reader *r, const char *name) {
  if (!strcmp(name, "traceFormat")) r->in_format = false;
  if (strcmp(name, "trace") || !r->in_trace) return;
  r->in_trace = false;
  if (r->trace.failed)
    stop(r, error_memory(&r->own));
  else if (r->trace.length)
    stop(r, sketch_trace(r->to, r->trace.data, r->trace.length, r->x, r->y, &r->own));
}

static void stroke_begins(reader *r, const char *name, const char **list) {
  if (!strcmp(name, "Stroke")) r->in_stroke = r->first = true;
  if (strcmp(name, "Point") || !r->in_stroke) return;
  const char *x = attribute(list, "x"), *y = attribute(list, "y");
  double at[6];
  if (!x || !y || text_number(x, strlen(x), at) || text_number(y, strlen(y), at + 1)) {
    refuse(r, "a point without numbers x and y");
    return;
  }
  stop(r, sketch_add(r->to, r->first ? PEN_DOT : PEN_LINE, at, &r->own));
  r->first = false;
}

/* --- expat --- */

static void begins(void *data, const char *full, const char **list) {
  reader *r = data;
  const char *name = local(full);
  if (r->status) return;
  if (++r->depth > MOST_DEEP) {
    refuse(r, "elements more than 64 deep");
    return;
  }
  if (r->depth == 1) {
    r->kind = !strcmp(name, "svg")                        ? KIND_SVG
              : !strcmp(name, "ink")                      ? KIND_INK
              : !strcmp(name, "WhiteboardCaptureSession") ? KIND_STROKES
                                                          : KIND_NONE;
    if (!r->kind) refuse(r, "this XML is neither SVG nor InkML");
  }
  if (r->kind == KIND_SVG) svg_begins(r, name, list);
  if (r->kind == KIND_INK) ink_begins(r, name, list);
  if (r->kind == KIND_STROKES) stroke_begins(r, name, list);
}

static void ends(void *data, const char *full) {
  reader *r = data;
  if (r->status) return;
  if (r->hidden == r->depth) r->hidden = 0;
  r->depth--;
  if (r->kind == KIND_INK) ink_ends(r, local(full));
  if (!strcmp(local(full), "Stroke")) r->in_stroke = false;
}

static void hears(void *data, const char *s, int n) {
  reader *r = data;
  if (r->in_trace && !r->status) text_add(&r->trace, s, (size_t)n);
}

static void entity(void *data, const XML_Char *name, int is_parameter, const XML_Char *value, int length, const XML_Char *base,
                   const XML_Char *system, const XML_Char *public, const XML_Char *notation) {
  (void)name, (void)is_parameter, (void)value, (void)length, (void)base, (void)system, (void)public, (void)notation;
  refuse(data, "entities are not read");
}

unroll_status sketch_xml(sketch *s, const char *data, size_t size, unroll_error *err) {
  const XML_Memory_Handling_Suite heap = {mem_alloc, mem_resize, mem_free};
  reader *r = mem_zero(1, sizeof *r);
  if (!r) return error_memory(err);
  *r = (reader){.to = s, .y = 1, .err = err, .matrix = {{1, 0, 0, 1, 0, 0}}};
  r->parser = XML_ParserCreate_MM(NULL, &heap, NULL);
  if (!r->parser) {
    mem_free(r);
    return error_memory(err);
  }
  XML_SetHashSalt(r->parser, 0x554E524F4C4CUL); /* else it asks the system for chance */
  XML_SetUserData(r->parser, r);
  XML_SetElementHandler(r->parser, begins, ends);
  XML_SetCharacterDataHandler(r->parser, hears);
  XML_SetEntityDeclHandler(r->parser, entity);
  if (XML_Parse(r->parser, data, (int)size, 1) != XML_STATUS_OK && !r->status) {
    const enum XML_Error e = XML_GetErrorCode(r->parser);
    error_set(&r->own, UNROLL_BAD_INPUT, "damaged XML: %s", XML_ErrorString(e));
    stop(r, e == XML_ERROR_NO_MEMORY ? UNROLL_FAILED : UNROLL_BAD_INPUT);
  }
  const unroll_status status = r->status;
  XML_ParserFree(r->parser);
  text_free(&r->trace);
  mem_free(r);
  return status;
}
#else
unroll_status sketch_xml(sketch *s, const char *data, size_t size, unroll_error *err) {
  (void)s, (void)data, (void)size;
  return error_set(err, UNROLL_BAD_INPUT,
                   "an SVG or InkML file, and this program was built without expat; offsets as text can be read");
}
#endif
