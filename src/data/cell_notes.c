/* cell_notes.c - cells that name pieces of music: MIDI files, which become steps of 88 keys that sound or do not. With `struck`, 88
 * more say which of them are struck at the step. With `intervals`, 96 more say what does not depend on the key of the piece. */
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/cell.h"
#include "read/midi.h"
#include "read/named.h"

typedef struct pieces {
  int grid;
  bool pedal, struck, intervals;
  roll opened;
} pieces;

static void end(void *state) {
  if (state) roll_free(&((pieces *)state)->opened);
  mem_free(state);
}

static unroll_status begin(void **state, const variable *v, unroll_error *err) {
  const double grid = v->args[0];
  if (grid > ROLL_MAX_GRID)
    return error_set(err, UNROLL_BAD_INPUT, "'%s': a quarter note has at most %d steps, not %.0f", v->form.name, ROLL_MAX_GRID,
                     grid);
  pieces *s = mem_zero(1, sizeof *s);
  if (!s) return error_memory(err);
  *s = (pieces){.grid = (int)grid,
                .pedal = form_has(&v->form, "pedal"),
                .struck = form_has(&v->form, "struck"),
                .intervals = form_has(&v->form, "intervals")};
  *state = s;
  return UNROLL_OK;
}

static unroll_status open_one(void *state, const char *beside, const char *name, size_t size, int64_t *steps, unroll_error *err) {
  pieces *s = state;
  char *data = NULL, *path = named_path(beside, name, size);
  midi m = {0};
  if (!path) return error_memory(err);
  roll_free(&s->opened);
  unroll_status status = file_read_regular(path, MIDI_MAX_BYTES, &data, &size, err);
  mem_free(path);
  if (!status) status = midi_decode(&m, (const unsigned char *)data, size, err);
  if (!status) status = roll_of_midi(&s->opened, &m, s->grid, s->pedal, err);
  midi_free(&m);
  mem_free(data);
  *steps = s->opened.steps;
  return status;
}

static unroll_status read_one(void *state, float *out, unroll_error *err) {
  const pieces *s = state;
  const int keys = s->struck ? 2 * ROLL_KEYS : ROLL_KEYS, width = keys + (s->intervals ? ROLL_INTERVALS : 0);
  (void)err;
  for (int64_t t = 0; t < s->opened.steps; t++)
    for (int k = 0; k < keys; k++)
      out[t * width + k] = (s->opened.keys[t * ROLL_KEYS + k % ROLL_KEYS] & (k < ROLL_KEYS ? ROLL_SOUNDS : ROLL_STRUCK)) != 0;
  if (s->intervals) roll_intervals(out + keys, width, &s->opened);
  return UNROLL_OK;
}

/* The pieces one after the other, with four quarter notes between them. */
static unroll_status write_pieces(text *out, const variable *v, const cell_values *list, int n, unroll_error *err) {
  const int grid = (int)v->args[0], rest = 4 * grid;
  roll r = {.grid = grid, .tempo = MIDI_TEMPO, .beats = 4, .of = 4};
  for (int i = 0; i < n; i++) r.steps += list[i].steps + (i ? rest : 0);
  if (r.steps > ROLL_MAX_STEPS) return error_set(err, UNROLL_USAGE, "more than %d steps of music", ROLL_MAX_STEPS);
  r.keys = mem_zero((size_t)r.steps + 1, ROLL_KEYS);
  if (!r.keys) return error_memory(err);
  uint8_t *at = r.keys;
  const bool knows = form_has(&v->form, "struck");
  for (int i = 0; i < n; i++, at += rest * ROLL_KEYS)
    for (int64_t t = 0; t < list[i].steps; t++)
      for (int k = 0; k < ROLL_KEYS; k++) {
        const double *x = list[i].numbers + t * v->width;
        const bool struck = knows && x[ROLL_KEYS + k] > 0.5;
        *at++ = struck ? ROLL_SOUNDS | ROLL_STRUCK : x[k] > 0.5 ? ROLL_SOUNDS : 0;
      }
  const unroll_status status = roll_write(out, &r, err);
  roll_free(&r);
  return status;
}

const cell_reader cell_pieces = {.begin = begin, .open = open_one, .read = read_one, .end = end, .write = write_pieces};
