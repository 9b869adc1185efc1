/* fuzz_export.c - libFuzzer target: the model of fuzz_predict.c as a C file, as LaTeX and as a drawing, or refused with a message.
 * What is written must be a whole text. */
#include "scene.h"

static void look(char *s, unroll_status status, const unroll_error *err) {
  scene_check(status ? err->code == status && err->message[0] && !s : s && s[0]);
  unroll_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const forms[] = {"latex", "mathml", "dot"};
  const sections s = scene_cut(data, size, 3);
  unroll_table *t;
  unroll_model *m = scene_model(&s, &t);
  unroll_error err = {0};
  if (m) {
    const char *path = scene_path("out.c");
    const unroll_status status = unroll_export(m, "c", path, NULL, &err);
    scene_check(status ? err.code == status && err.message[0] : access(path, R_OK) == 0);
    remove(path);
    for (int i = 0; i < 3; i++) {
      char *out = NULL;
      const unroll_status typeset = unroll_typeset(scene_path("net.net"), NULL, 0, forms[i], &out, &err);
      look(out, typeset, &err);
    }
  }
  unroll_model_free(m);
  unroll_table_free(t);
  scene_check(mem_live() == 0);
  return 0;
}
