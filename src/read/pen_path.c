/* pen_path.c - SVG path data and InkML traces: numbers and letters in a row, without the XML around them. */
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "read/pen.h"

/* --- numbers --- */

typedef struct scan {
  const char *data;
  size_t size, at;
  unroll_error *err;
} scan;

static unroll_status bad(const scan *s, const char *what) {
  return error_set(s->err, UNROLL_BAD_INPUT, "character %zu of the path: %s", s->at + 1, what);
}
static bool white(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool digit(char c) { return c >= '0' && c <= '9'; }
static char here(const scan *s) { return s->at < s->size ? s->data[s->at] : 0; }
static void skip(scan *s) {
  while (white(here(s))) s->at++;
}
static void skip_comma(scan *s) {
  skip(s);
  if (here(s) == ',') s->at++;
  skip(s);
}

/* The longest number from here on; what follows may touch it, as in 1.5.5-3. */
static unroll_status number(scan *s, double *out) {
  size_t i = s->at;
  if (i < s->size && (s->data[i] == '+' || s->data[i] == '-')) i++;
  while (i < s->size && digit(s->data[i])) i++;
  if (i < s->size && s->data[i] == '.') i++;
  while (i < s->size && digit(s->data[i])) i++;
  if (i < s->size && (s->data[i] == 'e' || s->data[i] == 'E')) {
    size_t k = i + 1;
    if (k < s->size && (s->data[k] == '+' || s->data[k] == '-')) k++;
    if (k < s->size && digit(s->data[k])) {
      while (k < s->size && digit(s->data[k])) k++;
      i = k;
    }
  }
  if (text_number(s->data + s->at, i - s->at, out) || fabs(*out) > 1e9) return bad(s, "no number, or one that is too large");
  s->at = i;
  return UNROLL_OK;
}

/* --- SVG path data --- */

typedef struct drawer {
  scan s;
  sketch *to;
  const double *matrix;
  double at[2], start[2], handle[2]; /* handle: the last one of the curve before */
  char before;                       /* the command before, as a large letter */
} drawer;

static unroll_status add(drawer *d, enum pen_do what, const double x[6]) {
  const int n = what == PEN_CURVE ? 3 : 1;
  double y[6] = {0};
  for (int i = 0; i < n; i++) {
    y[2 * i] = d->matrix[0] * x[2 * i] + d->matrix[2] * x[2 * i + 1] + d->matrix[4];
    y[2 * i + 1] = d->matrix[1] * x[2 * i] + d->matrix[3] * x[2 * i + 1] + d->matrix[5];
  }
  memcpy(d->at, x + 2 * (n - 1), sizeof d->at);
  return sketch_add(d->to, what, y, d->s.err);
}

static unroll_status curve(drawer *d, double a, double b, double c, double e, double x, double y) {
  d->handle[0] = c;
  d->handle[1] = e;
  return add(d, PEN_CURVE, (const double[6]){a, b, c, e, x, y});
}

/* A curve with one handle is a cubic whose handles are two thirds of the way to it. */
static unroll_status quadratic(drawer *d, double a, double b, double x, double y) {
  const double *p = d->at;
  const unroll_status status =
      curve(d, p[0] + 2. / 3 * (a - p[0]), p[1] + 2. / 3 * (b - p[1]), x + 2. / 3 * (a - x), y + 2. / 3 * (b - y), x, y);
  d->handle[0] = a;
  d->handle[1] = b;
  return status;
}

/* A part of an ellipse (SVG 1.1, F.6): from end points to its middle and angles, then a cubic for each quarter. */
static unroll_status arc(drawer *d, double rx, double ry, double turn, bool large, bool sweep, double x, double y) {
  const double pi = acos(-1), c = cos(turn * pi / 180), s = sin(turn * pi / 180);
  const double hx = (d->at[0] - x) / 2, hy = (d->at[1] - y) / 2;
  const double px = c * hx + s * hy, py = -s * hx + c * hy;
  rx = fabs(rx), ry = fabs(ry);
  if (rx < 1e-12 || ry < 1e-12) return add(d, PEN_LINE, (const double[6]){x, y});
  if (px == 0 && py == 0) return UNROLL_OK; /* SVG leaves it out */
  const double off = px * px / (rx * rx) + py * py / (ry * ry);
  if (off > 1) rx *= sqrt(off), ry *= sqrt(off);
  const double k = (off > 1 ? 0 : sqrt(1 / off - 1)) * (large == sweep ? -1 : 1);
  const double mx = k * rx * py / ry, my = -k * ry * px / rx;
  const double cx = c * mx - s * my + (d->at[0] + x) / 2, cy = s * mx + c * my + (d->at[1] + y) / 2;
  const double from = atan2((py - my) / ry, (px - mx) / rx), to = atan2((-py - my) / ry, (-px - mx) / rx);
  double angle = to - from;
  if (sweep && angle < 0) angle += 2 * pi;
  if (!sweep && angle > 0) angle -= 2 * pi;
  const int n = (int)ceil(fabs(angle) / (pi / 2) - 1e-9);
  const double each = angle / (n ? n : 1), h = 4. / 3 * tan(each / 4);
  unroll_status status = UNROLL_OK;
  for (int i = 0; i < n && !status; i++) {
    const double a = from + i * each, b = a + each;
    const double e[6] = {cos(a) - h * sin(a), sin(a) + h * cos(a), cos(b) + h * sin(b), sin(b) - h * cos(b), cos(b), sin(b)};
    double z[6];
    for (int m = 0; m < 3; m++) {
      z[2 * m] = cx + c * rx * e[2 * m] - s * ry * e[2 * m + 1];
      z[2 * m + 1] = cy + s * rx * e[2 * m] + c * ry * e[2 * m + 1];
    }
    if (i == n - 1) z[4] = x, z[5] = y;
    status = add(d, PEN_CURVE, z);
  }
  return status;
}

/* Numbers after a command, each with a comma or white space before it if need be. x and y by turns, or all x, or all y, are made
 * absolute. The flags of an arc are single digits. */
static unroll_status arguments(drawer *d, char command, int n, bool relative, double x[7]) {
  for (int i = 0; i < n; i++) {
    if (i) skip_comma(&d->s);
    if (command == 'A' && (i == 3 || i == 4)) {
      const char flag = here(&d->s);
      if (flag != '0' && flag != '1') return bad(&d->s, "a flag of an arc is 0 or 1");
      x[i] = flag - '0';
      d->s.at++;
      continue;
    }
    const unroll_status status = number(&d->s, &x[i]);
    if (status) return status;
    if (relative && (command != 'A' || i >= 5))
      x[i] += d->at[command == 'V' ? 1 : command == 'A' ? i - 5 : command == 'H' ? 0 : i % 2];
  }
  return UNROLL_OK;
}

static unroll_status draw(drawer *d, char command, const double x[7]) {
  const double *p = d->at, smooth[2] = {2 * p[0] - d->handle[0], 2 * p[1] - d->handle[1]};
  const bool cubic = d->before == 'C' || d->before == 'S', square = d->before == 'Q' || d->before == 'T';
  switch (command) {
  case 'M':
    memcpy(d->start, x, sizeof d->start);
    return add(d, PEN_MOVE, x);
  case 'L':
    return add(d, PEN_LINE, x);
  case 'H':
    return add(d, PEN_LINE, (const double[6]){x[0], p[1]});
  case 'V':
    return add(d, PEN_LINE, (const double[6]){p[0], x[0]});
  case 'C':
    return curve(d, x[0], x[1], x[2], x[3], x[4], x[5]);
  case 'S':
    return curve(d, cubic ? smooth[0] : p[0], cubic ? smooth[1] : p[1], x[0], x[1], x[2], x[3]);
  case 'Q':
    return quadratic(d, x[0], x[1], x[2], x[3]);
  case 'T':
    return quadratic(d, square ? smooth[0] : p[0], square ? smooth[1] : p[1], x[0], x[1]);
  default:
    return arc(d, x[0], x[1], x[2], x[3] > 0, x[4] > 0, x[5], x[6]);
  }
}

static unroll_status close_path(drawer *d) {
  const bool there = d->at[0] == d->start[0] && d->at[1] == d->start[1];
  const double home[6] = {d->start[0], d->start[1]};
  return there && d->before != 'M' ? UNROLL_OK : add(d, PEN_LINE, home);
}

/* After Z a path may go on without M, from where it was closed. */
static unroll_status begin_anew(drawer *d) { return add(d, PEN_MOVE, (const double[6]){d->start[0], d->start[1]}); }

unroll_status sketch_path(sketch *to, const char *data, size_t size, const double matrix[6], unroll_error *err) {
  static const char letters[] = "MLHVCSQTA";
  static const int counts[] = {2, 2, 1, 1, 6, 4, 4, 2, 7};
  drawer d = {.s = {data, size, 0, err}, .to = to, .matrix = matrix};
  unroll_status status = UNROLL_OK;
  char command = 0;
  bool small = false;
  for (skip(&d.s); d.s.at < size && !status; skip(&d.s)) {
    const char c = here(&d.s);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter) {
      small = c >= 'a';
      command = small ? (char)(c - 'a' + 'A') : c;
      d.s.at++;
      skip(&d.s);
    } else if (command == 'M') { /* more points after the first are lines */
      command = 'L';
      skip_comma(&d.s);
    } else if (command && command != 'Z') {
      skip_comma(&d.s);
    }
    const char *which = command && command != 'Z' ? strchr(letters, command) : NULL;
    if (!d.before && command != 'M') return bad(&d.s, "a path begins with M");
    if (command == 'Z' && letter) {
      status = close_path(&d);
    } else if (!which) {
      if (letter) d.s.at--;
      return bad(&d.s, letter ? "no command of a path" : "a command is missing");
    } else {
      double x[7];
      if (d.before == 'Z' && command != 'M') status = begin_anew(&d);
      if (!status) status = arguments(&d, command, counts[which - letters], small, x);
      if (!status) status = draw(&d, command, x);
    }
    d.before = command;
  }
  return status;
}

/* --- InkML --- */

typedef struct channel {
  char mode; /* '!' the value itself, '\'' its difference, '"' the difference of that */
  double value, speed, change;
} channel;

/* A value, or what it changes by; '*' is the last one again. */
static unroll_status value_of(scan *s, channel *c, bool wanted) {
  double x;
  if (here(s) == '!' || here(s) == '\'' || here(s) == '"') c->mode = s->data[s->at++];
  skip(s);
  if (here(s) == '*') {
    x = c->mode == '!' ? c->value : c->mode == '\'' ? c->speed : c->change;
    s->at++;
  } else if (here(s) == '?' || here(s) == 'T' || here(s) == 'F' || here(s) == '#') {
    if (wanted) return bad(s, "a point lacks its place");
    for (s->at++; (here(s) >= '0' && here(s) <= '9') || (here(s) >= 'A' && here(s) <= 'F');) s->at++;
    return UNROLL_OK;
  } else {
    const unroll_status status = number(s, &x);
    if (status) return status;
  }
  c->change = c->mode == '"' ? x : 0;
  c->speed = c->mode == '"' ? c->speed + x : c->mode == '\'' ? x : 0;
  c->value = c->mode == '!' ? x : c->value + c->speed;
  return UNROLL_OK;
}

unroll_status sketch_trace(sketch *to, const char *data, size_t size, int x, int y, unroll_error *err) {
  enum { MOST = 32 };
  scan s = {data, size, 0, err};
  channel list[MOST];
  const int64_t before = to->n;
  unroll_status status = UNROLL_OK;
  for (int i = 0; i < MOST; i++) list[i] = (channel){.mode = '!'};
  for (skip(&s); s.at < size && !status;) {
    int n = 0;
    for (; s.at < size && here(&s) != ',' && !status; skip(&s), n++)
      status = n < MOST ? value_of(&s, &list[n], n == x || n == y) : bad(&s, "a point has more than 32 values");
    if (!status && (n <= x || n <= y)) status = bad(&s, "a point lacks its place");
    const double place[6] = {list[x].value, list[y].value};
    if (!status) status = sketch_add(to, to->n == before ? PEN_DOT : PEN_LINE, place, err);
    if (here(&s) == ',') s.at++;
    skip(&s);
  }
  return status;
}
