/* fuzz_forecast.c - libFuzzer target: as fuzz_predict.c, of series with dates: forecasts, back-tests. The column of dates is t
 * unless the options say otherwise. */
#include "scene.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const quick[][2] = {{"samples", "4"}, {NULL, NULL}};
  const sections s = scene_cut(data, size, 3);
  unroll_table *t;
  unroll_model *m = scene_model(&s, &t);
  if (m && m->m.schema.time.time) {
    unroll_options *predict = scene_asked("predict", quick, s.at[0], s.size[0]),
                   *eval = scene_asked("eval", quick, s.at[0], s.size[0]);
    scene_ask(unroll_predict, m, t, predict);
    scene_ask(unroll_evaluate, m, t, eval);
    unroll_options_free(predict);
    unroll_options_free(eval);
  }
  unroll_model_free(m);
  unroll_table_free(t);
  scene_check(mem_live() == 0);
  return 0;
}
