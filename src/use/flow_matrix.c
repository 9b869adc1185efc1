/* flow_matrix.c - spectral radius and singular values of a square matrix. */
#include <math.h>
#include <string.h>
#include "base/random.h"
#include "use/flow.h"

static double norm(const double *x, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += x[i] * x[i];
  return sqrt(sum);
}

/* y = W x, then y = y / |y|; returns the logarithm of |W x|, minus infinity where it is 0. */
static double apply(const float *w, int n, const double *x, double *y) {
  for (int i = 0; i < n; i++) {
    double sum = 0;
    for (int j = 0; j < n; j++) sum += (double)w[(size_t)i * (size_t)n + (size_t)j] * x[j];
    y[i] = sum;
  }
  const double length = norm(y, n);
  for (int i = 0; i < n && length > 0; i++) y[i] /= length;
  return log(length);
}

/* The mean growth of the second half of the iterations. A pair of complex eigenvalues makes single steps differ; their mean is the
 * logarithm of its absolute value. */
double flow_radius(const float *w, int n) {
  enum { STEPS = 600, SKIPPED = 300 };
  double *x = mem_zero(2 * (size_t)n + 1, sizeof *x), *y = x + n, sum = 0;
  if (!x) return (double)NAN;
  for (int i = 0; i < n; i++) x[i] = 2 * random_uniform(7, RANDOM_INIT, 0, (uint32_t)i) - 1;
  for (int s = 0; s < STEPS; s++) {
    const double grown = apply(w, n, x, y);
    if (s >= SKIPPED) sum += grown;
    if (isinf(grown)) { /* nilpotent */
      sum = grown;
      break;
    }
    memcpy(x, y, (size_t)n * sizeof *x);
  }
  mem_free(x);
  return exp(sum / (STEPS - SKIPPED));
}

/* Makes rows p and q orthogonal. Returns how far they were from it: the cosine between them. */
static double rotate(double *a, double *b, int n) {
  double aa = 0, bb = 0, ab = 0;
  for (int i = 0; i < n; i++) {
    aa += a[i] * a[i];
    bb += b[i] * b[i];
    ab += a[i] * b[i];
  }
  const double least = sqrt(aa * bb);
  if (!(fabs(ab) > 1e-12 * least)) return 0;
  const double zeta = (bb - aa) / (2 * ab), t = (zeta >= 0 ? 1 : -1) / (fabs(zeta) + sqrt(1 + zeta * zeta));
  const double c = 1 / sqrt(1 + t * t), s = c * t;
  for (int i = 0; i < n; i++) {
    const double old = a[i];
    a[i] = c * old - s * b[i];
    b[i] = s * old + c * b[i];
  }
  return fabs(ab) / least;
}

void flow_singular(const float *w, int n, double *largest, double *least) {
  enum { SWEEPS = 30 };
  double *a = mem_zero((size_t)n * (size_t)n + 1, sizeof *a);
  *largest = *least = (double)NAN;
  if (!a) return;
  for (size_t i = 0; i < (size_t)n * (size_t)n; i++) a[i] = (double)w[i];
  for (int sweep = 0; sweep < SWEEPS; sweep++) {
    double worst = 0;
    for (int p = 0; p < n; p++)
      for (int q = p + 1; q < n; q++) worst = fmax(worst, rotate(a + (size_t)p * (size_t)n, a + (size_t)q * (size_t)n, n));
    if (worst < 1e-9) break;
  }
  for (int p = 0; p < n; p++) {
    const double length = norm(a + (size_t)p * (size_t)n, n);
    *largest = p ? fmax(*largest, length) : length;
    *least = p ? fmin(*least, length) : length;
  }
  mem_free(a);
}
