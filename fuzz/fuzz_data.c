/* fuzz_data.c - libFuzzer target: any bytes are read as a text or refused with a place; what was read makes batches in which every
 * symbol is there once. The first byte says how: bit 0 lines, bit 1 bytes, bit 2 a vocabulary of the first half only, bits 3 to 5
 * words, in small letters, spaced. */
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "data/batch.h"
#include "../tests/data/plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good) {
  if (!good) abort();
}

static void run_batches(const part *p, int rows) {
  static input inputs[2] = {{.lag = 0, .index = true, .width = 1, .space = SPACE_STEP},
                            {.lag = 1, .index = true, .width = 1, .space = SPACE_STEP}};
  static data_info info = {.name = "token"};
  static loss losses[1] = {{.slot = 0}};
  const graph g = {.inputs = inputs, .n_inputs = 2, .data = &info, .n_data = 1, .losses = losses, .n_losses = 1, .n_axes = 1};
  batcher *b;
  int64_t seen = 0;
  variable one = plain_variable(&(data_form){.name = "token", .of = &data_kinds[KIND_chars]}, NULL);
  const schema s = {.list = &one, .n = 1};
  const batch_options o = {.rows = rows, .steps = 5, .seed = 1, .shuffle = true, .schema = &s};
  if (p->n_symbols == 0 || batcher_new(&b, &g, p, &o, NULL)) return;
  for (int64_t i = 0; i < batcher_count(b); i++) {
    const batch *x = batcher_get(b, 3, i);
    seen += batcher_symbols(b);
    check(batcher_symbols(b) <= batcher_cells(b) && x->rows <= batcher_rows(b) && x->axes[0].steps <= batcher_steps(b));
    for (int64_t k = 0; k < batcher_symbols(b); k++) check(x->index[0][k] >= 0 && x->index[1][k] >= -1);
  }
  check(seen == p->n_symbols);
  batcher_free(b);
}

static unroll_status collect(vocabulary *v, const dataset *d, const data_form *f, int64_t n) {
  lexicon all = {0};
  const int32_t *codes = d->columns[0].symbols;
  if (f->unit != UNIT_WORDS) return vocabulary_collect(v, f->unit, f->lines, &codes, &n, 1, NULL);
  unroll_status status = vocabulary_count_words(&all, &d->columns[0].words, f->lines) ? UNROLL_OK : UNROLL_FAILED;
  if (!status) status = vocabulary_of_words(v, UNIT_WORDS, f->lines, &all, 7, NULL);
  lexicon_free(&all);
  return status;
}

static void use(dataset *d, const data_form *f, bool half) {
  vocabulary v;
  part p[3];
  const int64_t n = half ? d->n_symbols / 2 : d->n_symbols;
  unroll_error err;
  if (collect(&v, d, f, n)) return;
  const unroll_status status = plain_encode(d, f, &v, &err);
  check(status == UNROLL_OK || (half && status == UNROLL_BAD_INPUT && err.line > 0 && err.column > 0));
  if (!status) {
    for (int64_t i = 0; i < d->n_symbols; i++) check(d->columns[0].symbols[i] >= 0 && d->columns[0].symbols[i] < v.n);
    if (!part_split(&p[0], &p[1], &p[2], d, 0.3, 0.1, 5, NULL)) {
      check(p[0].n_symbols + p[1].n_symbols + p[2].n_symbols == d->n_symbols);
      for (int i = 0; i < 3; i++) {
        run_batches(&p[i], 3);
        part_free(&p[i]);
      }
    }
  }
  vocabulary_free(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  data_form form = {
      .name = "token", .of = &data_kinds[KIND_chars], .lines = data[0] & 1, .unit = data[0] & 2 ? UNIT_BYTES : UNIT_CHARS};
  if (data[0] & 8)
    form = (data_form){.name = "token",
                       .of = &data_kinds[KIND_words],
                       .unit = UNIT_WORDS,
                       .lines = form.lines,
                       .lower = data[0] & 16,
                       .spaced = data[0] & 32};
  dataset d;
  unroll_error err = {0};
  const unroll_status status = dataset_parse(&d, &form, "fuzz", (const char *)data + 1, size - 1, &err);
  if (status)
    check(status == UNROLL_BAD_INPUT && err.code == status && err.message[0] &&
          (size <= 4 || err.line > 0 || form.unit == UNIT_WORDS));
  else {
    check(d.first[d.n_sequences] == d.n_symbols);
    use(&d, &form, data[0] & 4);
    dataset_free(&d);
  }
  check(mem_live() == 0);
  return 0;
}
