/* reference_picture.c - convolution and pool in double precision, as they are defined.
 *
 * A row of a patch, as far as it is inside the picture, is a run of numbers. So are its weights for one channel. The three
 * products of a convolution go over the same runs. */
#include "verify/reference_picture.h"

typedef struct patch_run {
  int64_t y, x, w; /* columns of y and x, entry of W */
  int n;
} patch_run;
typedef void run_use(const patch_run *q, const double *with, const double *from, double *to);

/* Calls use for all positions, rows of patches and channels of y. The runs of groups of channels of x are as short as a
 * pixel. */
static void each_run(const patches *p, int O, run_use *use, const double *with, const double *from, double *to) {
  const int R = patches_along(p->rows, p), K = patches_along(p->columns, p), before = p->border / 2;
  const int C = p->channels / p->groups, pixels = p->groups > 1 ? 1 : p->size;
  for (int r = 0; r < R; r++)
    for (int k = 0; k < K; k++)
      for (int i = 0; i < p->size; i++)
        for (int first = 0; first < p->size; first += pixels) {
          const int row = r * p->stride + i - before, left = k * p->stride + first - before, j0 = left < 0 ? -left : 0;
          const int j1 = left + pixels > p->columns ? p->columns - left : pixels;
          if (row < 0 || row >= p->rows || j1 <= j0) continue;
          for (int o = 0; o < O; o++)
            use(&(patch_run){.y = ((int64_t)r * K + k) * O + o,
                             .x = ((int64_t)row * p->columns + left + j0) * p->channels + o / (O / p->groups) * C,
                             .w = (((int64_t)o * p->size + i) * p->size + first + j0) * C,
                             .n = (j1 - j0) * C},
                with, from, to);
        }
}

static void use_forward(const patch_run *q, const double *W, const double *x, double *y) {
  double sum = 0;
  for (int i = 0; i < q->n; i++) sum += W[q->w + i] * x[q->x + i];
  y[q->y] += sum;
}
static void use_back(const patch_run *q, const double *W, const double *dy, double *dx) {
  for (int i = 0; i < q->n; i++) dx[q->x + i] += W[q->w + i] * dy[q->y];
}
static void use_outer(const patch_run *q, const double *dy, const double *x, double *dW) {
  for (int i = 0; i < q->n; i++) dW[q->w + i] += dy[q->y] * x[q->x + i];
}

void reference_conv(const patches *p, int O, const double *W, const double *x, double *y) { each_run(p, O, use_forward, W, x, y); }
void reference_conv_back(const patches *p, int O, const double *W, const double *dy, double *dx) {
  each_run(p, O, use_back, W, dy, dx);
}
void reference_conv_outer(const patches *p, int O, const double *dy, const double *x, double *dW) {
  each_run(p, O, use_outer, dy, x, dW);
}

/* Where in x the first number of a square is, of column y of the pooled picture. */
static int64_t square_of(const patches *p, int y) {
  const int K = patches_along(p->columns, p), c = y % p->channels, k = y / p->channels % K, r = y / p->channels / K;
  return ((int64_t)r * p->stride * p->columns + k * p->stride) * p->channels + c;
}

int64_t reference_largest(const patches *p, const double *x, int y) {
  const int64_t first = square_of(p, y);
  int64_t best = first;
  for (int i = 0; i < p->size; i++)
    for (int j = 0; j < p->size; j++) {
      const int64_t at = first + ((int64_t)i * p->columns + j) * p->channels;
      if (x[at] > x[best]) best = at;
    }
  return best;
}

double reference_mean(const patches *p, const double *x, int y) {
  double sum = 0;
  for (int i = 0; i < p->size; i++)
    for (int j = 0; j < p->size; j++) sum += x[square_of(p, y) + ((int64_t)i * p->columns + j) * p->channels];
  return sum / p->size / p->size;
}

void reference_mean_back(const patches *p, double dy, int y, double *dx) {
  for (int i = 0; i < p->size; i++)
    for (int j = 0; j < p->size; j++) dx[square_of(p, y) + ((int64_t)i * p->columns + j) * p->channels] += dy / p->size / p->size;
}
