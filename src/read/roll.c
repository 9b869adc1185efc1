/* roll.c - piano rolls: notes of a MIDI file on a grid, and a grid as a MIDI file. */
#include <inttypes.h>
#include <math.h>
#include "base/error.h"
#include "base/memory.h"
#include "read/midi.h"

static int64_t step_of(const midi *m, int64_t tick, int grid) { return (2 * tick * grid + m->division) / (2 * m->division); }

static int64_t last_step(const midi *m, const midi_note *n, int grid, bool pedal) {
  const int64_t begin = step_of(m, n->begin, grid), end = step_of(m, pedal ? n->heard : n->end, grid);
  return end > begin ? end : begin + 1;
}
static bool on_piano(const midi_note *n) { return n->key >= ROLL_LOWEST && n->key < ROLL_LOWEST + ROLL_KEYS; }

int64_t roll_steps(const midi *m, int grid, bool pedal) {
  int64_t most = 0;
  for (int64_t i = 0; i < m->n_notes; i++) {
    const int64_t last = on_piano(&m->notes[i]) ? last_step(m, &m->notes[i], grid, pedal) : 0;
    if (last > most) most = last;
  }
  return most;
}

/* The mean tempo, so that the roll takes as long as the piece. */
static int mean_tempo(const midi *m, int64_t steps, int grid) {
  const double tempo = steps ? 1e6 * grid * midi_seconds(m, steps * m->division / grid) / (double)steps : MIDI_TEMPO;
  return tempo < 1 ? 1 : tempo > 0xFFFFFF ? 0xFFFFFF : (int)lrint(tempo);
}

unroll_status roll_of_midi(roll *r, const midi *m, int grid, bool pedal, unroll_error *err) {
  *r = (roll){.grid = grid, .beats = 4, .of = 4, .steps = roll_steps(m, grid, pedal)};
  if (m->n_metres && m->metres[0].tick == 0) r->beats = m->metres[0].value, r->of = m->metres[0].of;
  if (!r->steps) return error_set(err, UNROLL_BAD_INPUT, "the piece has no note of a piano");
  if (r->steps > ROLL_MAX_STEPS)
    return error_set(err, UNROLL_BAD_INPUT, "the piece has %" PRId64 " steps, more than %d", r->steps, ROLL_MAX_STEPS);
  r->tempo = mean_tempo(m, r->steps, grid);
  r->keys = mem_zero((size_t)r->steps, ROLL_KEYS);
  if (!r->keys) return error_memory(err);
  for (int64_t i = 0; i < m->n_notes; i++) {
    const midi_note *n = &m->notes[i];
    if (!on_piano(n)) {
      r->outside++;
      continue;
    }
    const int64_t begin = step_of(m, n->begin, grid), end = last_step(m, n, grid, pedal);
    for (int64_t t = begin; t < end; t++)
      r->keys[t * ROLL_KEYS + n->key - ROLL_LOWEST] |= t == begin ? ROLL_SOUNDS | ROLL_STRUCK : ROLL_SOUNDS;
  }
  return UNROLL_OK;
}

void roll_free(roll *r) {
  mem_free(r->keys);
  *r = (roll){0};
}

/* --- writing --- */

static void put(text *out, uint32_t x, int bytes) {
  for (int i = bytes - 1; i >= 0; i--) text_add(out, (const char[]){(char)(x >> 8 * i & 255)}, 1);
}

/* A number with seven bits a byte. */
static void variable(text *out, uint32_t x) {
  for (int i = 3; i >= 0; i--)
    if (i == 0 || x >> 7 * i) put(out, (x >> 7 * i & 127) | (i ? 128 : 0), 1);
}

static void write_head(text *out, const roll *r, int division) {
  int power = 0;
  while (power < 7 && 1 << power < r->of) power++;
  text_add(out, "MThd", 4);
  put(out, 6, 4);
  put(out, 0, 2); /* format */
  put(out, 1, 2); /* tracks */
  put(out, (uint32_t)division, 2);
  text_add(out, "MTrk\0\0\0\0\0\xFF\x51\x03", 12);
  put(out, (uint32_t)r->tempo, 3);
  text_add(out, "\0\xFF\x58\x04", 4);
  put(out, (uint32_t)r->beats, 1);
  put(out, (uint32_t)power, 1);
  text_add(out, "\x18\x08\0\xC0\0", 5); /* clocks of the metronome; a piano */
}

unroll_status roll_write(text *out, const roll *r, unroll_error *err) {
  const int each = r->grid < 480 ? 480 / r->grid : 1, volume = 80; /* ticks a step */
  const size_t before = out->length, of_head = 22;
  uint32_t ticks = 0;
  bool sounds[ROLL_KEYS] = {false};
  write_head(out, r, each * r->grid);
  for (int64_t t = 0; t <= r->steps; t++, ticks += (uint32_t)each)
    for (int on = 0; on < 2; on++) /* what ends comes first */
      for (int k = 0; k < ROLL_KEYS; k++) {
        const int key = t < r->steps ? r->keys[t * ROLL_KEYS + k] : 0;
        const bool begins = key && (!sounds[k] || key & ROLL_STRUCK), ends = sounds[k] && (!key || key & ROLL_STRUCK);
        if (on ? !begins : !ends) continue;
        variable(out, ticks);
        put(out, on ? 0x90 : 0x80, 1);
        put(out, (uint32_t)(ROLL_LOWEST + k), 1);
        put(out, (uint32_t)(on ? volume : 64), 1);
        sounds[k] = on;
        ticks = 0;
      }
  text_add(out, "\0\xFF\x2F\0", 4);
  if (out->failed) return error_memory(err);
  const size_t length = out->length - before - of_head;
  for (int i = 0; i < 4; i++) out->data[before + of_head - 4 + (size_t)i] = (char)(length >> 8 * (3 - i) & 255);
  return UNROLL_OK;
}
