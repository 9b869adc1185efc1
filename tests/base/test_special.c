/* Functions of statistics against values worked out with 40 digits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <cmocka.h>
#include "base/special.h"

static void near(double got, double want, double relative) {
  if (!(fabs(got - want) <= relative * fabs(want) + 1e-300)) fail_msg("%.17g instead of %.17g", got, want);
}
#define EACH(rows) for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)

static void gamma_functions(void **state) {
  (void)state;
  static const double digamma[][2] = {
      {1.0e-8, -100000000.57721565},
      {0.01, -100.56088545786867},
      {0.5, -1.9635100260214235},
      {1.0, -0.57721566490153286},
      {1.4, -0.061384544585116146},
      {1.5, 0.036489973978576521},
      {2.0, 0.42278433509846714},
      {3.75, 1.1825373886117962},
      {9.99, 2.2507003728312011},
      {10.0, 2.2517525890667211},
      {37.5, 3.6109483445963384},
      {1000000.0, 13.815510057964191},
      {1000000000000000.0, 34.538776394910685},
  };
  EACH(digamma) near(special_digamma(digamma[i][0]), digamma[i][1], 1e-13);
  near(special_lgamma(0.5), 0.57236494292470009, 1e-14);
  assert_true(special_lgamma(0) == (double)INFINITY && isnan(special_lgamma(-0.5)));
  assert_true(special_lgamma(1) == 0 && special_lgamma(2) == 0);
  assert_true(special_digamma(0) == -(double)INFINITY && isnan(special_digamma(-1.5)) && isnan(special_digamma((double)NAN)));
  assert_true(special_digamma((double)INFINITY) == (double)INFINITY);
}

static void differences(void **state) {
  (void)state;
  static const double rise[][3] = {
      {0.001, 0.5, 998.61698830979387},           {0.5, 0.5, 1.3862943611198906},
      {3.0, 0.001, 0.00039485702976262452},       {9.5, 40.0, 1.6940997743234222},
      {25.0, 0.5, 0.020199960031945758},          {1000000.0, 0.5, 5.00000125e-7},
      {1000000000000.0, 3.0, 2.999999999997e-12}, {7.0, 1000000000.0, 18.850481508347944},
  };
  static const double lbeta[][3] = {
      {0.001, 0.002, 7.3132171044172354},
      {0.5, 0.5, 1.1447298858494002},
      {1.0, 1.0, 0.0},
      {2.0, 1.0, -0.69314718055994531},
      {9.5, 3.0, -6.3518669105792319},
      {30.0, 40.0, -48.301749095916125},
      {0.5, 1000000000.0, -9.7892679754235055},
      {1000000.0, 1000000.0, -1386300.0033629211},
      {3.0, 1000000000000000.0, -102.92318200417211},
      {1.0e-10, 5.0, 23.025850929732124},
      {11.0, 10.0, -14.4293764075965},
  };
  EACH(rise) near(special_digamma_rise(rise[i][0], rise[i][1]), rise[i][2], 1e-13);
  EACH(lbeta) {
    const double *r = lbeta[i];
    assert_true(fabs(special_lbeta(r[0], r[1]) - r[2]) <= 1e-14 * (fabs(r[2]) + 10));
    assert_true(special_lbeta(r[0], r[1]) == special_lbeta(r[1], r[0]));
  }
  assert_true(special_lbeta(0, 1) == (double)INFINITY && isnan(special_lbeta(0, 0)) && isnan(special_lbeta(1, -1)) &&
              special_digamma_rise(0, 1) == (double)INFINITY);
}

static void shares(void **state) {
  (void)state;
  static const double beta[][4] = {
      {0.5, 0.5, 0.25, 0.33333333333333333},       {2.0, 3.0, 0.4, 0.5248},
      {1.5, 0.5, 0.999, 0.95974334188496821},      {50.0, 60.0, 0.4, 0.12470685834310026},
      {10000.0, 0.5, 0.9999, 0.15729401776332864}, {3.0, 100000.0, 4.0e-5, 0.76191427732302543},
      {0.5, 200.0, 0.001, 0.47275589297476464},
  };
  static const double normal[][2] = {
      {-30.0, 4.9067139271481871e-198}, {-5.0, 2.8665157187919391e-7}, {-1.0, 0.15865525393145705}, {0.0, 0.5},
      {0.5, 0.6914624612740131},        {2.0, 0.97724986805182079},    {6.0, 0.99999999901341235},
  };
  static const double quantile[][2] = {
      {1.0e-300, -37.047096299361199},
      {1.0e-10, -6.3613409024040562},
      {0.02, -2.0537489106318231},
      {0.3, -0.52440051270804078},
      {0.5, 0.0},
      {0.75, 0.67448975019608174},
      {0.999, 3.0902323061678135},
  };
  EACH(beta) near(special_beta_share(beta[i][0], beta[i][1], beta[i][2]), beta[i][3], 1e-11);
  EACH(normal) near(special_normal_share(normal[i][0]), normal[i][1], 1e-13);
  EACH(quantile) assert_true(fabs(special_normal_quantile(quantile[i][0]) - quantile[i][1]) <= 1e-13 * (1 + fabs(quantile[i][1])));
  assert_true(special_beta_share(2, 3, 0) == 0 && special_beta_share(2, 3, 1) == 1 && isnan(special_beta_share(2, 3, 1.5)));
  assert_true(special_normal_quantile(0) == -(double)INFINITY && special_normal_quantile(1) == (double)INFINITY);
  assert_true(isnan(special_normal_quantile(1.1)) && isnan(special_normal_quantile(-0.1)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gamma_functions),
      cmocka_unit_test(differences),
      cmocka_unit_test(shares),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
