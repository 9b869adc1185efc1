/* Attention: a row against steps that lie anywhere, against double and against the portable table; padding holds NaN. */
#include "tables.h"

enum { STEPS = 11, WIDE = 112, SIZE = 64 * WIDE };
static const int widths[] = {1, 2, 15, 16, 17, 31, 48, 63, 64, 65, 100};
static const int step_counts[] = {0, 1, 3, 4, 5, 8, 11};
static const int64_t first[STEPS] = {0, 5, 9, 13, 17, 20, 23, 25, 27, 29, 30}; /* not evenly apart */

enum function { DOTS, MIX, ADDITIVE, ADDITIVE_GRAD, ADDITIVE_MIX, FUNCTIONS };

typedef struct given {
  float x[WIDE], v[WIDE], w[STEPS], y[SIZE], out[WIDE + LANES];
} given;

static void start(given *d, int n) {
  numbers(d->x, WIDE, 1, -1, 1);
  numbers(d->v, WIDE, 2, -1, 1);
  numbers(d->w, STEPS, 3, 0, 1);
  numbers(d->y, SIZE, 4, -1, 1);
  for (int j = n; j < WIDE; j++) d->x[j] = d->v[j] = NAN;
  for (int i = 0; i < SIZE; i++)
    if (i % WIDE >= n) d->y[i] = NAN;
  for (int i = 0; i < WIDE + LANES; i++) d->out[i] = 5;
}

static void call(const kernels *t, enum function f, given *d, int steps, int n) {
  const step_rows y = {.p = d->y + 2 * WIDE, .row = WIDE, .first = first, .n = steps};
  if (f == DOTS) t->dots(&(float *){d->out}, &(const float *){d->x}, 1, &y, n);
  if (f == MIX) t->mix(&(float *){d->out}, &(const float *){d->w}, 1, &y, n);
  if (f == ADDITIVE) t->additive(d->out, d->x, &y, d->v, n);
  if (f == ADDITIVE_GRAD) t->additive_grad(d->out, d->w, d->x, &y, d->v, n);
  if (f == ADDITIVE_MIX) t->additive_mix(d->out, d->w, d->x, &y, n);
}

/* Entry k of the result, and the sum of the sizes of its terms. */
static double exact(const given *d, enum function f, int steps, int n, int k, double *size) {
  const int by_step = f == DOTS || f == ADDITIVE;
  double sum = 0;
  *size = 0;
  for (int q = 0; q < (by_step ? n : steps); q++) {
    const int i = by_step ? k : q, j = by_step ? q : k;
    const double y = (double)d->y[(2 + first[i]) * WIDE + j], x = (double)d->x[j], w = (double)d->w[i], u = tanh(x + y);
    const double term = f == DOTS            ? x * y
                        : f == MIX           ? w * y
                        : f == ADDITIVE      ? (double)d->v[j] * u
                        : f == ADDITIVE_GRAD ? (double)d->v[j] * w * (1 - u * u)
                                             : w * u;
    sum += term;
    *size += fabs(term);
  }
  return sum;
}

static void check(enum function f, int steps, int n) {
  static given d, portable;
  const int count = f == DOTS || f == ADDITIVE ? steps : n;
  for (int s = 0; s < ISAS; s++) {
    const kernels *t = kernel_table_of(all_isas[s]);
    if (!t) continue;
    start(&d, n);
    call(t, f, &d, steps, n);
    if (all_isas[s] == CPU_PORTABLE) portable = d;
    for (int k = 0; k < count; k++) {
      double size, want = exact(&d, f, steps, n, k, &size);
      if (!(fabs((double)d.out[k] - want) <= 1e-6 * size + 1e-30))
        fail_msg("function %d, %d steps, width %d, entry %d: %g, not %g", (int)f, steps, n, k, (double)d.out[k], want);
      if (!same(d.out[k], portable.out[k])) fail_msg("function %d, %d steps, width %d: other bits", (int)f, steps, n);
    }
    for (int k = (count + LANES - 1) / LANES * LANES; k < WIDE + LANES; k++) assert_true(d.out[k] == 5);
    if (f == DOTS || f == ADDITIVE)
      for (int k = count; k < WIDE; k++) assert_true(d.out[k] == 5);
  }
}

/* Many rows at once have the bits of each alone. */
static void rows_together(void **state) {
  (void)state;
  enum { ROWS = ATTEND_ROWS + 2 };
  static given one, many[ROWS];
  for (int s = 0; s < ISAS; s++) {
    const kernels *t = kernel_table_of(all_isas[s]);
    for (int f = DOTS; t && f <= MIX; f++)
      for (size_t c = 0; c < sizeof step_counts / sizeof *step_counts; c++)
        for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
          float *out[ROWS];
          const float *x[ROWS];
          for (int r = 0; r < ROWS; r++) {
            start(&many[r], widths[i]);
            for (int j = 0; j < WIDE; j++) many[r].x[j] += (float)r;
            for (int j = 0; j < STEPS; j++) many[r].w[j] += (float)r;
            out[r] = many[r].out;
            x[r] = f == DOTS ? many[r].x : many[r].w;
          }
          const step_rows y = {.p = many[0].y + 2 * WIDE, .row = WIDE, .first = first, .n = step_counts[c]};
          (f == DOTS ? t->dots : t->mix)(out, x, ROWS, &y, widths[i]);
          for (int r = 0; r < ROWS; r++) {
            one = many[r];
            for (int k = 0; k < WIDE + LANES; k++) one.out[k] = 5;
            call(t, (enum function)f, &one, step_counts[c], widths[i]);
            assert_memory_equal(one.out, many[r].out, sizeof one.out);
          }
        }
  }
}

/* Sum and largest over time, back too, against plain loops; the gradient goes to the first that is largest. */
static void over_time(void **state) {
  (void)state;
  static given d;
  for (int s = 0; s < ISAS; s++) {
    const kernels *t = kernel_table_of(all_isas[s]);
    for (size_t c = 0; t && c < sizeof step_counts / sizeof *step_counts; c++)
      for (size_t k = 0; k < sizeof widths / sizeof *widths; k++) {
        const int n = widths[k], steps = step_counts[c];
        start(&d, n);
        for (int i = 0; i < SIZE; i++) d.y[i] = i % WIDE < n ? floorf(4 * d.y[i]) : NAN; /* equal ones occur */
        const step_rows x = {.p = d.y + 2 * WIDE, .row = WIDE, .first = first, .n = steps};
        for (int back = 0; back < 2; back++) {
          float sum[WIDE], most[WIDE];
          for (int j = 0; j < WIDE; j++) sum[j] = most[j] = d.x[j];
          t->sum_time(sum, &x, back, n);
          t->max_time(most, &x, back, n);
          for (int j = 0; j < WIDE; j++) {
            float want_sum = d.x[j], want_most = d.x[j];
            for (int i = 0; j < n && i < steps; i++) {
              const float one = x.p[first[back ? steps - 1 - i : i] * WIDE + j];
              want_sum += one;
              want_most = one > want_most ? one : want_most;
            }
            assert_true(same(sum[j], want_sum) && same(most[j], want_most));
          }
        }
        static float dx[SIZE];
        float left[LANES], most[LANES];
        const int few = n < LANES ? n : LANES;
        for (int i = 0; i < SIZE; i++) dx[i] = 7;
        for (int j = 0; j < LANES; j++) left[j] = d.v[j], most[j] = -9;
        t->max_time(most, &x, 0, few);
        t->max_time_grad(dx, WIDE, left, &x, most, few);
        for (int j = 0; j < LANES; j++) {
          float rest = d.v[j];
          for (int i = 0; i < steps; i++) {
            const int here = j < few && x.p[first[i] * WIDE + j] >= most[j];
            assert_true(dx[first[i] * WIDE + j] == (j >= few ? 7.0f : here ? rest : 0.0f));
            if (here) rest = 0;
          }
          assert_true(same(left[j], rest));
        }
      }
  }
}

static void every_function(void **state) {
  (void)state;
  for (int f = 0; f < FUNCTIONS; f++)
    for (size_t s = 0; s < sizeof step_counts / sizeof *step_counts; s++)
      for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) check((enum function)f, step_counts[s], widths[w]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_function), cmocka_unit_test(rows_together),
                                     cmocka_unit_test(over_time)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
