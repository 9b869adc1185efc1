/* midi.h - notes: standard MIDI files 0 and 1, and piano rolls.
 *
 * A file is a list of notes in ticks, with the tempo and the metre at each time. A roll is a matrix: a row is a step, a fixed part
 * of a quarter note, a column is a key of the piano. Channel 10 holds drums, which are left out. Everything is untrusted. */
#ifndef READ_MIDI_H
#define READ_MIDI_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unroll.h>
#include "base/text.h"

enum {
  MIDI_MAX_BYTES = 16 << 20,
  MIDI_DRUMS = 9,
  MIDI_TEMPO = 500000 /* microseconds a quarter note, where a file says nothing */
};

typedef struct midi_note {
  int64_t begin, end; /* ticks; until the key is let go */
  int64_t heard;      /* until the pedal lets it go, too */
  uint8_t key, velocity, channel;
} midi_note;

typedef struct midi_change {
  int64_t tick;
  int value, of; /* tempo: microseconds a quarter note; metre: `value` notes, `of` which make a whole one */
} midi_change;

typedef struct midi {
  int division;     /* ticks a quarter note */
  midi_note *notes; /* [n_notes] by begin, then key */
  int64_t n_notes, note_room;
  midi_change *tempos, *metres; /* by tick */
  int64_t n_tempos, tempo_room, n_metres, metre_room;
  int64_t end;   /* the last tick of the longest track */
  int64_t drums; /* notes left out */
} midi;

/* UNROLL_BAD_INPUT with track and byte in the message. A note that is never ended lasts to the end of its track. midi_free in any
 * case. */
unroll_status midi_decode(midi *m, const unsigned char *data, size_t size, unroll_error *err);
void midi_free(midi *m);
/* When a tick is heard, by the tempo changes before it. */
double midi_seconds(const midi *m, int64_t tick);

enum { ROLL_KEYS = 88, ROLL_LOWEST = 21, ROLL_MAX_GRID = 96, ROLL_MAX_STEPS = 1 << 20 };
enum { ROLL_SOUNDS = 1, ROLL_STRUCK = 2 };

typedef struct roll {
  int grid;      /* steps a quarter note */
  int tempo;     /* microseconds a quarter note, the mean of the piece */
  int beats, of; /* the metre at the start: 3 of 4 */
  int64_t steps;
  uint8_t *keys;   /* [steps][ROLL_KEYS]: 0, ROLL_SOUNDS, or ROLL_SOUNDS | ROLL_STRUCK where a note begins */
  int64_t outside; /* notes that no piano has */
} roll;

/* Steps of a piece to the end of its last note, before any roll is made. `pedal`: notes last as long as they are heard. */
int64_t roll_steps(const midi *m, int grid, bool pedal);
/* Notes begin and end at the nearest step and last one at least. roll_free in any case. */
unroll_status roll_of_midi(roll *r, const midi *m, int grid, bool pedal, unroll_error *err);
/* A file of format 0. A key that sounds on without being struck is one note. */
unroll_status roll_write(text *out, const roll *r, unroll_error *err);
void roll_free(roll *r);

/* What of a step stays when a piece is heard higher or lower. All are 0 or 1. First: whether two keys sound that are 1, 2 ...
 * ROLL_SPAN half tones apart. Then: whether 0, 1 ... keys sound, the last of them ROLL_MANY or more. Then the way from the highest
 * key struck before to the highest one struck now. It goes from ROLL_LEAP down to as much up, and farther ones count as that. Last
 * the same for the lowest. */
enum { ROLL_SPAN = 36, ROLL_MANY = 9, ROLL_LEAP = 12, ROLL_LEAPS = 2 * ROLL_LEAP + 1 };
enum { ROLL_INTERVALS = ROLL_SPAN + ROLL_MANY + 1 + 2 * ROLL_LEAPS }; /* 96 */
/* out is [r->steps] rows, `apart` numbers from one to the next. */
void roll_intervals(float *out, ptrdiff_t apart, const roll *r);
#endif
