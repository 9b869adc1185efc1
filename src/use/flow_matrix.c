/* flow_matrix.c - spectral radius and singular values of a square matrix. The radius comes from powers. For the others reflections
 * leave two diagonals (Golub & Kahan 1965). Their largest and least value are found by counting (Sturm). */
#include <math.h>
#include <string.h>
#include "base/random.h"
#include "use/flow.h"

/* In four sums, so that none waits for the one before. */
static double dot(const double *a, const double *b, int n) {
  double sums[4] = {0};
  int i = 0;
  for (; i + 4 <= n; i += 4)
    for (int k = 0; k < 4; k++) sums[k] += a[i + k] * b[i + k];
  for (; i < n; i++) sums[0] += a[i] * b[i];
  return sums[0] + sums[1] + (sums[2] + sums[3]);
}

static double norm(const double *x, int n) { return sqrt(dot(x, x, n)); }

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

/* x becomes the v of the reflection 1 - scale v v' that leaves of x its first entry alone, which is returned. */
static double reflection(double *x, int n, double *scale) {
  const double length = n > 0 ? norm(x, n) : 0;
  *scale = 0;
  if (!(length > 0)) return 0;
  const double alpha = x[0] > 0 ? -length : length;
  x[0] -= alpha;
  *scale = 2 / dot(x, x, n);
  return alpha;
}

/* How many of the values +-s of the matrix with these two diagonals, which alternate in b, [2 n - 1], are below x > 0. */
static int count_below(const double *b, int n, double x) {
  double q = -x;
  int count = 1;
  for (int i = 0; i < 2 * n - 1; i++) {
    q = -x - b[i] * b[i] / (q != 0 ? q : 1e-300);
    count += q < 0;
  }
  return count;
}

/* Where the count becomes `wanted`. */
static double find(const double *b, int n, double most, int wanted) {
  double low = 0, high = most;
  for (int i = 0; i < 100 && low < high; i++) {
    const double middle = low + (high - low) / 2;
    if (count_below(b, n, middle) >= wanted)
      high = middle;
    else
      low = middle;
  }
  return high;
}

/* a, [n][n], loses all but two diagonals, which alternate in b. v and u, [n], are scratch. */
static void bidiagonal(double *a, int n, double *b, double *restrict v, double *restrict u) {
  for (int k = 0; k < n; k++) {
    const int m = n - k;
    double scale;
    for (int i = 0; i < m; i++) v[i] = a[(size_t)(k + i) * (size_t)n + (size_t)k];
    b[2 * k] = reflection(v, m, &scale);
    memset(u, 0, (size_t)n * sizeof *u);
    for (int i = 0; i < m; i++) {
      const double *row = a + (size_t)(k + i) * (size_t)n + k;
      for (int j = 0; j < m; j++) u[j] += v[i] * row[j];
    }
    for (int i = 0; i < m; i++) {
      double *row = a + (size_t)(k + i) * (size_t)n + k;
      const double by = scale * v[i];
      for (int j = 0; j < m; j++) row[j] -= by * u[j];
    }
    if (m == 1) return;
    double *first = a + (size_t)k * (size_t)n + k + 1;
    b[2 * k + 1] = reflection(first, m - 1, &scale);
    for (int i = 1; i < m; i++) {
      double *row = a + (size_t)(k + i) * (size_t)n + k + 1;
      const double by = scale * dot(row, first, m - 1);
      for (int j = 0; j < m - 1; j++) row[j] -= by * first[j];
    }
  }
}

void flow_singular(const float *w, int n, double *largest, double *least) {
  const size_t all = (size_t)n * (size_t)n;
  double *a = mem_zero(all + 4 * (size_t)n + 1, sizeof *a), *b = a + all, most = 0;
  *largest = *least = (double)NAN;
  if (!a || n < 1) {
    mem_free(a);
    return;
  }
  for (size_t i = 0; i < all; i++) a[i] = (double)w[i];
  bidiagonal(a, n, b, b + 2 * n, b + 3 * n);
  for (int i = 0; i < 2 * n - 1; i++) most = fmax(most, fabs(b[i]));
  if (isfinite(most)) {
    *largest = find(b, n, 2 * most, 2 * n);
    *least = find(b, n, 2 * most, n + 1);
  }
  mem_free(a);
}
