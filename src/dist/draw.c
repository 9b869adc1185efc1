/* draw.c - numbers for draws. See form.h. */
#include <math.h>
#include "base/random.h"
#include "dist/form.h"

double draw_uniform(draw_place *at) { return random_uniform(at->seed, at->stream, at->step, at->place++); }
double draw_normal(draw_place *at) { return random_normal(at->seed, at->stream, at->step, at->place++); }

draw_place draw_inner(const draw_place *at, uint32_t number) {
  uint32_t x[4];
  random_block(at->seed, at->stream, at->step, at->place, x);
  return (draw_place){.seed = (uint64_t)x[0] << 32 | x[1], .stream = at->stream, .step = ((uint64_t)x[2] << 32 | x[3]) + number};
}

/* (Marsaglia & Tsang 2000). Below shape 1 that of shape + 1 times u^(1 / shape). */
double draw_gamma(double shape, draw_place *at) {
  if (!(shape > 0)) return (double)NAN;
  if (shape < 1) {
    const double u = 1 - draw_uniform(at);
    return draw_gamma(shape + 1, at) * pow(u, 1 / shape);
  }
  const double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
  for (;;) {
    const double x = draw_normal(at), u = 1 - draw_uniform(at), root = 1 + c * x, v = root * root * root;
    if (v > 0 && log(u) < 0.5 * x * x + d - d * v + d * log(v)) return d * v;
    if (!(shape < (double)INFINITY)) return (double)NAN;
  }
}
