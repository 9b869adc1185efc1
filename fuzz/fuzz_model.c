/* fuzz_model.c - libFuzzer target: any bytes are loaded as a model or refused; one that was loaded can be used. */
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "use/generate.h"
#include "use/score.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good) {
  if (!good) abort();
}

static unroll_status take(void *context, const generated *g, unroll_error *err) {
  (void)err;
  *(int64_t *)context += g->n;
  return UNROLL_OK;
}

/* Small ones only: what a net may take in memory and time is not this target's question. */
static void use(const model *m) {
  generate_options o;
  int64_t drawn = 0;
  unroll_error err = {0};
  if (m->g.n_weights > 4096 || m->g.n_nodes > 1000) return;
  for (int i = 0; i < m->schema.n; i++)
    if (m->schema.list[i].words.n > 320) return;
  for (int i = 0; i < m->g.n_nodes; i++)
    if (m->g.nodes[i].width > 4096 && graph_steps_axis(m->g.nodes[i].width) < 0) return;
  generate_defaults(&o, m);
  o.length = 4;
  unroll_status status = generate(m, &o, NULL, &(generate_sink){.context = &drawn, .emit = take}, &err);
  check(status ? err.message[0] != 0 : drawn <= 4);
  dataset d;
  score_total total;
  if (!schema_is_text(&m->schema) || dataset_parse(&d, &m->schema.list->form, "fuzz", "ab\nba\n", 6, NULL)) return;
  if (!dataset_encode(&d, &m->schema, NULL)) {
    dataset_measure(&d, &m->schema, &m->g);
    status = score(m, &d, NULL, &(score_sink){.per_symbol = true}, &total, &err);
    check(status ? err.message[0] != 0 : total.symbols == d.n_symbols);
  }
  dataset_free(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tensor_file f;
  model m;
  unroll_error err = {0};
  if (!tensor_file_parse(&f, "fuzz", data, size, NULL)) {
    const unroll_status status = model_from_tensors(&m, "fuzz", &f, size % 2 == 0, &err);
    if (status)
      check(err.code == status && err.message[0] && !m.weights);
    else {
      use(&m);
      model_free(&m);
    }
    tensor_file_free(&f);
  }
  check(mem_live() == 0);
  return 0;
}
