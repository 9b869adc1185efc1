/* fuzz_decode.c - libFuzzer target: as fuzz_predict.c, of nets that generate: a beam search with all its hypotheses, draws, and
 * what was generated against the truth. */
#include "scene.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const search[][2] = {{"length", "6"}, {"beam", "3"}, {"n-best", "3"}, {NULL, NULL}};
  static const char *const draws[][2] = {{"length", "6"}, {"samples", "3"}, {NULL, NULL}};
  static const char *const truth[][2] = {{"length", "6"}, {"decode", "yes"}, {NULL, NULL}};
  const sections s = scene_cut(data, size, 3);
  unroll_table *t;
  unroll_model *m = scene_model(&s, &t);
  if (m) {
    unroll_options *predict = scene_asked("predict", search, s.at[0], s.size[0]), *draw = scene_asked("predict", draws, "", 0),
                   *eval = scene_asked("eval", truth, s.at[0], s.size[0]);
    scene_ask(unroll_predict, m, t, predict);
    scene_ask(unroll_predict, m, t, draw);
    scene_ask(unroll_evaluate, m, t, eval);
    unroll_options_free(predict);
    unroll_options_free(draw);
    unroll_options_free(eval);
  }
  unroll_model_free(m);
  unroll_table_free(t);
  scene_check(mem_live() == 0);
  return 0;
}
