/* Packing: every lane and step, against the definition. */
#include "tables.h"

static void panels(void **state) {
  (void)state;
  enum { ROWS = 45, COLS = 70, MOST = COLS * PANEL_VECTORS * LANES };
  static float w[ROWS * COLS];
  static _Alignas(64) float out[MOST];
  static pack_function *const packs[] = {pack_rows, pack_cols, pack_rows_past, pack_cols_past};
  numbers(w, ROWS * COLS, 1, -1, 1);
  static const struct {
    int first, count, k0, k_count;
  } cases[] = {{0, 16, 0, 45}, {16, 16, 3, 16}, {29, 16, 1, 40}, {32, 13, 0, 45},
               {44, 1, 5, 33}, {3, 0, 0, 7},    {0, 16, 0, 0},   {8, 15, 44, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int kind = 0; kind < 4; kind++)
      for (int vectors = 1; vectors <= PANEL_VECTORS; vectors++)
        for (int v = 0; v < vectors; v++) {
          for (int j = 0; j < MOST; j++) out[j] = 77;
          packs[kind](out, vectors, v, w, COLS, cases[i].first, cases[i].count, cases[i].k0, cases[i].k_count);
          pack_past_end();
          for (int j = 0; j < MOST; j++) {
            const int k = j / (vectors * LANES), lane = j % LANES;
            float want = 77;
            if (j / LANES % vectors == v && k < cases[i].k_count) {
              const int line = cases[i].first + lane, step = cases[i].k0 + k;
              want = lane >= cases[i].count ? 0 : kind % 2 ? w[step * COLS + line] : w[line * COLS + step];
            }
            assert_true(out[j] == want);
          }
        }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(panels)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
