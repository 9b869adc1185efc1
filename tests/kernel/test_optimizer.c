/* Updates, clipping and sums of squares for any length and alignment; then the table's own business. */
#include "tables.h"
#include "kernel/optimizer.h"

enum { MOST = 9000 };
static const int lengths[] = {0, 1, 5, 15, 16, 17, 100, 1000};
typedef struct flat {
  float w[1100], g[1100], m[1100], v[1100];
} flat;

static void start(flat *f, double g_size) {
  numbers(f->w, 1100, 1, -1, 1);
  numbers(f->g, 1100, 2, -g_size, g_size);
  numbers(f->m, 1100, 3, -1, 1);
  numbers(f->v, 1100, 4, 0, 1);
}

static const adam_step adam = {0.01f, 0.9f, 0.999f, 1e-8f, 1.5f, 2.5f, 1e-3f, 0.5f, 0.25f};
static const rmsprop_step rmsprop = {0.01f, 0.99f, 1e-8f, 0.9f, 1e-3f, 0.5f, 0.25f};
static const sgd_step sgd = {0.1f, 0.9f, 1e-3f, 0.5f, 0.25f};

/* which 0: Adam, 1: RMSprop, 2: SGD, 3 and 4: RMSprop and SGD without momentum */
static void update(const kernels *t, int which, flat *f, int from, int n) {
  if (which == 0) t->adam(f->w + from, f->g + from, f->m + from, f->v + from, n, &adam);
  if (which == 1 || which == 3) t->rmsprop(f->w + from, f->g + from, f->v + from, which == 1 ? f->m + from : NULL, n, &rmsprop);
  if (which == 2 || which == 4) t->sgd(f->w + from, f->g + from, which == 2 ? f->m + from : NULL, n, &sgd);
}
static void reference(int which, const flat *f, int i, double *w, double *m, double *v) {
  const double g = 0.5 * (double)f->g[i] + 0.25 * (double)f->w[i];
  *w = (double)f->w[i];
  *m = (double)f->m[i];
  *v = (double)f->v[i];
  double step;
  if (which == 0) {
    *m = (double)adam.beta1 * *m + (1 - (double)adam.beta1) * g;
    *v = (double)adam.beta2 * *v + (1 - (double)adam.beta2) * g * g;
    step = 0.01 * *m * 1.5 / (sqrt(*v * 2.5) + 1e-8);
  } else if (which == 1 || which == 3) {
    *v = 0.99 * *v + (1 - (double)rmsprop.alpha) * g * g;
    step = g / (sqrt(*v) + 1e-8);
    if (which == 1) step = *m = 0.9 * *m + step;
    step *= 0.01;
  } else {
    step = g;
    if (which == 2) step = *m = 0.9 * *m + g;
    step *= 0.1;
  }
  *w += -1e-3 * *w - step;
}

static void updates(void **state) {
  (void)state;
  static flat before, portable, f;
  for (int which = 0; which < 5; which++)
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
      for (int from = 0; from < 4; from++) {
        const int n = lengths[l];
        start(&before, 2);
        start(&portable, 2);
        update(kernel_table_of(CPU_PORTABLE), which, &portable, from, n);
        for (int i = 0; i < 1100; i++) {
          double w, m, v;
          reference(which, &before, i, &w, &m, &v);
          if (i < from || i >= from + n) {
            assert_true(same(portable.w[i], before.w[i]) && same(portable.m[i], before.m[i]) && same(portable.v[i], before.v[i]));
            continue;
          }
          assert_true(fabs((double)portable.w[i] - w) < 3e-7 * (1 + fabs(w)));
          assert_true(fabs((double)portable.m[i] - m) < 5e-7 * (1 + fabs(m)) && fabs((double)portable.v[i] - v) < 3e-7);
        }
        for (int s = 1; s < ISAS; s++) {
          const kernels *t = kernel_table_of(all_isas[s]);
          if (!t) continue;
          start(&f, 2);
          update(t, which, &f, from, n);
          assert_memory_equal(&f, &portable, sizeof f);
        }
      }
}

/* Without a gradient: as with zeros. */
static void no_gradient(void **state) {
  (void)state;
  static flat zeros, none;
  for (int s = 0; s < ISAS; s++) {
    const kernels *t = kernel_table_of(all_isas[s]);
    if (!t) continue;
    for (int which = 0; which < 5; which++) {
      start(&zeros, 0);
      start(&none, 0);
      memset(zeros.g, 0, sizeof zeros.g);
      update(t, which, &zeros, 3, 1000);
      flat *f = &none;
      if (which == 0) t->adam(f->w + 3, NULL, f->m + 3, f->v + 3, 1000, &adam);
      if (which == 1 || which == 3) t->rmsprop(f->w + 3, NULL, f->v + 3, which == 1 ? f->m + 3 : NULL, 1000, &rmsprop);
      if (which == 2 || which == 4) t->sgd(f->w + 3, NULL, which == 2 ? f->m + 3 : NULL, 1000, &sgd);
      assert_memory_equal(zeros.w, none.w, sizeof none.w);
      assert_memory_equal(zeros.m, none.m, sizeof none.m);
      assert_memory_equal(zeros.v, none.v, sizeof none.v);
    }
  }
}

static void corrections(void **state) {
  (void)state;
  adam_step s = {0};
  adam_corrections(&s, 0.9, 0.999, 1);
  assert_true(fabs((double)s.correction1 - 10) < 1e-5 && fabs((double)s.correction2 - 1000) < 1e-3);
  adam_corrections(&s, 0.9, 0.999, 100000);
  assert_true(s.correction1 == 1.0f && s.correction2 == 1.0f);
}

static void clipping(void **state) {
  (void)state;
  static flat f;
  for (int s = 0; s < ISAS; s++) {
    const kernels *t = kernel_table_of(all_isas[s]);
    for (size_t l = 0; t && l < sizeof lengths / sizeof *lengths; l++) {
      start(&f, 2);
      f.g[1] = NAN;
      f.g[3] = -INFINITY;
      t->clip_value(f.g + 1, lengths[l], 0.75f);
      for (int i = 0; i < 1100; i++) {
        float want = i == 1 ? NAN : i == 3 ? -INFINITY : number(2, (uint32_t)i, -2, 2);
        if (i >= 1 && i < 1 + lengths[l]) want = want < -0.75f ? -0.75f : want > 0.75f ? 0.75f : want;
        assert_true(same(f.g[i], want));
      }
    }
  }
}

static void squares(void **state) {
  (void)state;
  static float g[MOST];
  static const int sizes[] = {0, 1, 15, 16, 17, 4095, 4096, 4097, 8192, 9000};
  numbers(g, MOST, 5, -3, 3);
  for (int s = 0; s < ISAS; s++) {
    const kernels *t = kernel_table_of(all_isas[s]);
    for (size_t l = 0; t && l < sizeof sizes / sizeof *sizes; l++) {
      const double got = t->sum_squares(g, NULL, sizes[l]), first = t->sum_squares(g, NULL, sizes[l] < 4096 ? sizes[l] : 4096);
      double want = 0;
      for (int i = 0; i < sizes[l]; i++) want += (double)g[i] * (double)g[i];
      assert_true(fabs(got - want) <= 1e-13 * want);
      assert_true(got == kernel_table_of(CPU_PORTABLE)->sum_squares(g, NULL, sizes[l]));
      if (sizes[l] > 4096 && sizes[l] <= 8192) assert_true(got == first + t->sum_squares(g + 4096, NULL, sizes[l] - 4096));
    }
    if (!t) continue;
    uint8_t touched[MOST / UNIT + 1];
    for (int i = 0; i < MOST; i++) {
      touched[i / UNIT] = i / UNIT % 5 < 2;
      if (!touched[i / UNIT]) g[i] = 0;
    }
    assert_true(t->sum_squares(g, touched, MOST) == t->sum_squares(g, NULL, MOST));
    g[3 * UNIT] = NAN; /* is not looked at */
    assert_true(isfinite(t->sum_squares(g, touched, MOST)));
    numbers(g, MOST, 5, -3, 3);
    g[4500] = NAN;
    assert_true(isnan(t->sum_squares(g, NULL, MOST)) && isfinite(t->sum_squares(g, NULL, 4500)));
    g[4500] = INFINITY;
    assert_true(isinf(t->sum_squares(g, NULL, MOST)));
    g[4500] = FLT_MAX;
    assert_true(isfinite(t->sum_squares(g, NULL, MOST)));
    g[4500] = number(5, 4500, -3, 3);
  }
}

static void tables(void **state) {
  (void)state;
  assert_non_null(kernel_table());
  assert_non_null(kernel_table_of(CPU_PORTABLE));
  for (int s = 0; s < ISAS; s++) {
    const kernels *t = kernel_table_of(all_isas[s]);
    if (!t) continue;
    assert_int_equal(t->isa, all_isas[s]);
    assert_true(t->peak(0.002) > 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(updates),  cmocka_unit_test(no_gradient), cmocka_unit_test(corrections),
                                     cmocka_unit_test(clipping), cmocka_unit_test(squares),     cmocka_unit_test(tables)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
