/* Spectral radius and singular values of matrices that are known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "use/flow.h"

static void known(void **state) {
  static const struct {
    int n;
    float w[9];
    double radius, largest, least;
  } rows[] = {{1, {-3}, 3, 3, 3},
              {2, {0, -2, 2, 0}, 2, 2, 2},                 /* a rotation: both eigenvalues are imaginary */
              {2, {0, 1, 0, 0}, 0, 1, 0},                  /* 0 after two steps */
              {2, {2, 1, 0, 0.5f}, 2, 2.247679, 0.444903}, /* singular values: roots of s^4 - 5.25 s^2 + 1 */
              {3, {1, 0, 0, 0, -4, 0, 0, 0, 2}, 4, 4, 1},
              {3, {0, 0, 0, 0, 0, 0, 0, 0, 0}, 0, 0, 0}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    double largest, least;
    flow_singular(rows[i].w, rows[i].n, &largest, &least);
    assert_true(fabs(flow_radius(rows[i].w, rows[i].n) - rows[i].radius) < 2e-3 * rows[i].radius + 1e-9);
    assert_true(fabs(largest - rows[i].largest) < 1e-4 && fabs(least - rows[i].least) < 1e-4);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(known)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
