/* warp.c - see warp.h. */
#include "data/warp.h"
#include "base/error.h"
#include "base/random.h"

bool warp_takes(const graph *g, const schema *s, int i) {
  for (int k = 0; k < g->n_losses; k++)
    if (g->losses[k].data == i) return false;
  return s->list[i].form.of->sort == KIND_PICTURE;
}

unroll_status warp_check(const graph *g, const schema *s, unroll_error *err) {
  bool any = false, boxes = false;
  for (int i = 0; i < s->n; i++) any |= warp_takes(g, s, i);
  for (int k = 0; k < g->n_losses; k++) boxes |= s->list[g->losses[k].data].form.of->sort == KIND_BOX;
  if (any && !boxes) return UNROLL_OK;
  return error_set(err, UNROLL_USAGE, "option 'warp' is for pictures that are only read, and this net %s",
                   any ? "predicts boxes, which would not move with them" : "reads none");
}

static double draw(double most, uint64_t key, int64_t epoch, int64_t example, int number) {
  const uint64_t step = ((uint64_t)epoch * 6 + (uint64_t)number) << 32 | (uint64_t)example >> 32;
  return most * (2 * random_uniform(key, RANDOM_WARP, step, (uint32_t)example) - 1);
}

warp warp_draw(double most, uint64_t key, int64_t epoch, int64_t example) {
  warp w;
  for (int i = 0; i < 3; i++) {
    w.row[i] = (i == 0) + draw(most, key, epoch, example, i);
    w.column[i] = (i == 1) + draw(most, key, epoch, example, 3 + i);
  }
  return w;
}

/* The pixel before `at`, the one after, and the share of the latter. */
typedef struct between {
  int before, after;
  float share;
} between;

static between find(double at, int pixels) {
  if (!(at > 0)) return (between){0, 0, 0};
  if (at >= pixels - 1) return (between){pixels - 1, pixels - 1, 0};
  const int before = (int)at;
  return (between){before, before + 1, (float)(at - before)};
}

void warp_picture(float *out, const float *from, const picture_shape *shape, const warp *w) {
  const double rows = 0.5 * (shape->rows - 1), columns = 0.5 * (shape->columns - 1);
  for (int i = 0; i < shape->rows; i++)
    for (int k = 0; k < shape->columns; k++, out += shape->channels) {
      const double y = rows > 0 ? i / rows - 1 : 0, x = columns > 0 ? k / columns - 1 : 0;
      const between r = find((w->row[0] * y + w->row[1] * x + w->row[2] + 1) * rows, shape->rows);
      const between c = find((w->column[0] * y + w->column[1] * x + w->column[2] + 1) * columns, shape->columns);
      const float *above = from + (int64_t)r.before * shape->columns * shape->channels,
                  *below = from + (int64_t)r.after * shape->columns * shape->channels;
      for (int j = 0; j < shape->channels; j++) {
        const int64_t left = (int64_t)c.before * shape->channels + j, right = (int64_t)c.after * shape->channels + j;
        const float top = above[left] + c.share * (above[right] - above[left]);
        out[j] = top + r.share * (below[left] + c.share * (below[right] - below[left]) - top);
      }
    }
}
