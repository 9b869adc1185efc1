/* task_track.c - made-up films: a shape is shown by a box in the first frame, and it has to be followed.
 *
 * A film has a ground of smooth greys, up to three other shapes and the one that is followed. All move, bounce, turn a little and
 * change in size; the camera moves too. Some of the others go by in front, so that what is followed is hidden for a while. Places
 * are in sixteenths of a pixel, all sums in integers: the films are the same on every machine. */
#include <inttypes.h>
#include <stdbool.h>
#include "data/dice.h"
#include "data/task.h"

enum { ROWS = 30, COLUMNS = 40, UNIT = 16, GRAINS = 4, MESH = 4, OTHERS = 3, SHARE = 10000 };

/* From a to b, both included. */
static int between(dice *d, int a, int b) { return a + (int)dice_below(d, (uint32_t)(b - a + 1)); }

typedef struct shape {
  int x, y, w, h;     /* the middle and the sides, in units */
  int dx, dy;         /* a frame */
  int grey[2], bands; /* two greys in bands; 0: across, 1: along, 2: one grey */
  bool round;
} shape;

typedef struct film {
  shape list[OTHERS + 1]; /* the last but `above` of them is followed */
  int n, above;
  int ground[MESH + 1][MESH + 1], pan_x, pan_y, noise;
} film;

static shape new_shape(dice *d) {
  shape s = {.w = between(d, 2 * UNIT, 13 * UNIT), .h = between(d, 3 * UNIT, 16 * UNIT)};
  s.x = between(d, s.w / 2, COLUMNS * UNIT - s.w / 2);
  s.y = between(d, s.h / 2, ROWS * UNIT - s.h / 2);
  s.dx = between(d, -20, 20);
  s.dy = between(d, -16, 16);
  s.grey[0] = between(d, 0, 99);
  s.grey[1] = between(d, 0, 99);
  s.bands = between(d, 0, 2);
  s.round = between(d, 0, 1);
  return s;
}

static film new_film(dice *d) {
  film f = {.n = 1 + between(d, 0, OTHERS)};
  const int dark = between(d, 0, 60), wide = between(d, 0, 39);
  for (int i = 0; i <= MESH; i++)
    for (int j = 0; j <= MESH; j++) f.ground[i][j] = dark + between(d, 0, wide);
  for (int i = 0; i < f.n; i++) f.list[i] = new_shape(d);
  f.above = between(d, 0, f.n - 1);
  f.noise = between(d, 0, 3);
  return f;
}

static int clamp(int x, int low, int high) { return x < low ? low : x > high ? high : x; }

/* One coordinate a frame later: within the picture, turning round at its sides. */
static void advance(int *x, int *v, int side, int end, int drift) {
  const int low = side / 2, high = end - side / 2;
  *x += *v + drift;
  if ((*x < low && *v < 0) || (*x > high && *v > 0)) *v = -*v;
  *x = clamp(*x, low, high);
}

static void next_frame(film *f, dice *d) {
  const int turn_x = between(d, -2, 2), turn_y = between(d, -1, 1);
  f->pan_x = clamp(f->pan_x + turn_x, -8, 8);
  f->pan_y = clamp(f->pan_y + turn_y, -4, 4);
  for (int i = 0; i < f->n; i++) {
    shape *s = &f->list[i];
    s->dx = clamp(s->dx + between(d, -2, 2), -24, 24);
    s->dy = clamp(s->dy + between(d, -2, 2), -20, 20);
    s->w = clamp(s->w + between(d, -2, 2), UNIT, 16 * UNIT);
    s->h = clamp(s->h + between(d, -2, 2), UNIT, 20 * UNIT);
    advance(&s->x, &s->dx, s->w, COLUMNS * UNIT, f->pan_x);
    advance(&s->y, &s->dy, s->h, ROWS * UNIT, f->pan_y);
  }
}

/* Is this place, in units, on the shape? Its grey then. */
static bool meets(const shape *s, int x, int y, int *grey) {
  const int u = x - s->x, v = y - s->y;
  if (2 * u < -s->w || 2 * u >= s->w || 2 * v < -s->h || 2 * v >= s->h) return false;
  const int64_t a = 2 * (int64_t)u * s->h, b = 2 * (int64_t)v * s->w, c = (int64_t)s->w * s->h;
  if (s->round && a * a + b * b > c * c) return false;
  const int third = s->bands == 0 ? (6 * u + 3 * s->w) / (2 * s->w) : s->bands == 1 ? (6 * v + 3 * s->h) / (2 * s->h) : 0;
  *grey = s->grey[third == 1];
  return true;
}

/* The ground at a pixel: linear between the knots of the mesh. */
static int ground_at(const film *f, int x, int y) {
  const int i = y * MESH / ROWS, j = x * MESH / COLUMNS, b = y * MESH % ROWS, a = x * MESH % COLUMNS;
  const int up = f->ground[i][j] * (COLUMNS - a) + f->ground[i][j + 1] * a;
  const int down = f->ground[i + 1][j] * (COLUMNS - a) + f->ground[i + 1][j + 1] * a;
  return (up * (ROWS - b) + down * b) / (ROWS * COLUMNS);
}

/* The mean of the grains of a pixel, in hundredths. */
static int pixel(const film *f, int x, int y) {
  const int ground = ground_at(f, x, y);
  int sum = 0;
  for (int k = 0; k < GRAINS * GRAINS; k++) {
    const int step = UNIT / GRAINS, u = x * UNIT + k % GRAINS * step + step / 2, v = y * UNIT + k / GRAINS * step + step / 2;
    int grey = ground;
    for (int i = f->n - 1; i >= 0 && !meets(&f->list[i], u, v, &grey); i--) {
    }
    sum += grey;
  }
  return sum / (GRAINS * GRAINS);
}

static void add_frame(const film *f, dice *d, text *out) {
  for (int y = 0; y < ROWS; y++)
    for (int x = 0; x < COLUMNS; x++) {
      const int level = clamp(pixel(f, x, y) + between(d, -f->noise, f->noise), 0, 99);
      text_format(out, "%s.%02d", x + y ? ";" : "", level);
    }
}

static void add_share(text *out, int64_t units, int all, const char *after) {
  text_format(out, "0.%04" PRId64 "%s", units * SHARE / ((int64_t)all * UNIT), after);
}

/* Left, top, width and height, as shares of the picture. */
static void add_box(const shape *s, text *out) {
  add_share(out, s->x - s->w / 2, COLUMNS, ";");
  add_share(out, s->y - s->h / 2, ROWS, ";");
  add_share(out, s->w, COLUMNS, ";");
  add_share(out, s->h, ROWS, "");
}

void task_track(uint64_t seed, int64_t number, int length, text *out) {
  dice d = {seed, number, 0};
  film f = new_film(&d);
  const shape *followed = &f.list[f.n - 1 - f.above];
  text boxes = {0};
  for (int t = 0; t < length; t++) {
    if (t) text_add(out, " ", 1), text_add(&boxes, " ", 1), next_frame(&f, &d);
    add_frame(&f, &d, out);
    add_box(followed, &boxes);
  }
  size_t first = 0;
  while (first < boxes.length && boxes.data[first] != ' ') first++;
  text_format(out, "\t%.*s\t%s\n", (int)first, boxes.data ? boxes.data : "", boxes.data ? boxes.data : "");
  out->failed |= boxes.failed;
  text_free(&boxes);
}
