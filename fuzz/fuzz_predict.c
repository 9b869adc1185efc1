/* fuzz_predict.c - libFuzzer target: options, a net and a table (scene.h) become a model as training would begin with it, and its
 * predictions, figures and scores, or are refused with a message. */
#include "scene.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const sections s = scene_cut(data, size, 3);
  unroll_table *t;
  unroll_model *m = scene_model(&s, &t);
  if (m) {
    unroll_options *predict = scene_asked("predict", NULL, s.at[0], s.size[0]),
                   *eval = scene_asked("eval", NULL, s.at[0], s.size[0]), *score = scene_asked("score", NULL, s.at[0], s.size[0]);
    scene_ask(unroll_predict, m, t, predict);
    scene_ask(unroll_evaluate, m, t, eval);
    scene_ask(unroll_score_table, m, t, score);
    unroll_options_free(predict);
    unroll_options_free(eval);
    unroll_options_free(score);
  }
  unroll_model_free(m);
  unroll_table_free(t);
  scene_check(mem_live() == 0);
  return 0;
}
