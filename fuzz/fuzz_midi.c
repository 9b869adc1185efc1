/* fuzz_midi.c - libFuzzer target: any bytes are read as a MIDI file and put on a grid, or refused with a message. What is written
 * of the grid is read as the same. The first byte says which grid. */
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "read/midi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good) {
  if (!good) abort();
}

static void there_and_back(const roll *r) {
  midi m;
  roll back;
  text out = {0};
  check(!roll_write(&out, r, NULL));
  check(!midi_decode(&m, (const unsigned char *)out.data, out.length, NULL));
  check(!roll_of_midi(&back, &m, r->grid, false, NULL));
  check(back.steps == r->steps && !memcmp(back.keys, r->keys, (size_t)r->steps * ROLL_KEYS));
  roll_free(&back);
  midi_free(&m);
  text_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  const int grid = 1 + data[0] % ROLL_MAX_GRID;
  const bool pedal = data[0] > 127;
  midi m;
  roll r = {0};
  unroll_error err = {0};
  unroll_status status = midi_decode(&m, data + 1, size - 1, &err);
  for (int64_t i = 0; !status && i < m.n_notes; i++)
    check(m.notes[i].begin <= m.notes[i].end && m.notes[i].end <= m.notes[i].heard && m.notes[i].heard <= m.end);
  if (!status && roll_steps(&m, grid, pedal) < 5000) { /* what is longer takes time only */
    status = roll_of_midi(&r, &m, grid, pedal, &err);
    if (!status) there_and_back(&r);
  }
  check(!status || (status == UNROLL_BAD_INPUT && err.code == status && err.message[0]));
  roll_free(&r);
  midi_free(&m);
  check(mem_live() == 0);
  return 0;
}
