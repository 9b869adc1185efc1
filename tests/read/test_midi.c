/* Standard MIDI files: notes, pedal, tempo and metre; what is wrong with a file; piano rolls there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>
#include <cmocka.h>
#include "base/memory.h"
#include "read/midi.h"

/* A head: format, tracks, ticks a quarter note; a track with its length in one byte. */
#define HEAD(format, tracks, division) "MThd\0\0\0\6\0" format "\0" tracks "\0" division
#define TRACK(length) "MTrk\0\0\0" length
#define END "\0\xFF\x2F\0"
#define BYTES(s) (const unsigned char *)(s), sizeof(s) - 1

/* --- notes --- */

static const struct {
  const unsigned char *data;
  size_t size;
  int n;
  midi_note notes[3];
} good[] = {
    {BYTES(HEAD("\0", "\1", "\4") TRACK("\14") "\0\x90\x3C\x40"
                                               "\4\x80\x3C\0" END),
     1,
     {{0, 4, 4, 60, 64, 0}}},
    /* running status; a note of no velocity ends one */
    {BYTES(HEAD("\0", "\1", "\4") TRACK("\21") "\1\x91\x3C\x40"
                                               "\4\x3E\x41"
                                               "\4\x3C\0"
                                               "\1\x3E\0"
                                               "\0\xFF\x2F\0"),
     2,
     {{1, 9, 9, 60, 64, 1}, {5, 10, 10, 62, 65, 1}}},
    /* struck again before it was let go */
    {BYTES(HEAD("\0", "\1", "\4") TRACK("\16") "\0\x90\x3C\x40"
                                               "\4\x3C\x41"
                                               "\2\x3C\0" END),
     2,
     {{0, 4, 4, 60, 64, 0}, {4, 6, 6, 60, 65, 0}}},
    /* the pedal holds the first until it goes up, the second until it is struck again, the third to the end */
    {BYTES(HEAD("\0", "\1", "\4") TRACK("\32") "\0\xB0\x40\x7F"
                                               "\0\x90\x3C\x40"
                                               "\2\x3C\0"
                                               "\2\xB0\x40\0"
                                               "\0\x90\x3C\x41"
                                               "\1\x3C\0" END),
     2,
     {{0, 2, 4, 60, 64, 0}, {4, 5, 5, 60, 65, 0}}},
    {BYTES(HEAD("\0", "\1", "\4") TRACK("\25") "\0\xB0\x40\x7F"
                                               "\0\x90\x3C\x40"
                                               "\2\x3C\0"
                                               "\2\x3C\x41"
                                               "\1\x3C\0"
                                               "\7\xFF\x2F\0"),
     2,
     {{0, 2, 4, 60, 64, 0}, {4, 5, 12, 60, 65, 0}}},
    /* never ended; all notes off */
    {BYTES(HEAD("\0", "\1", "\4") TRACK("\10") "\0\x90\x3C\x40"
                                               "\x81\0\xFF\x2F"),
     0,
     {{0}}},
    {BYTES(HEAD("\0", "\1", "\4") TRACK("\11") "\0\x90\x3C\x40"
                                               "\x81\0\xFF\x2F\0"),
     1,
     {{0, 128, 128, 60, 64, 0}}},
    {BYTES(HEAD("\0", "\1", "\4") TRACK("\14") "\0\x90\x3C\x40"
                                               "\3\xB0\x7B\0"
                                               "\5\xFF\x2F\0"),
     1,
     {{0, 3, 3, 60, 64, 0}}},
    /* drums; events that are passed over; a chunk of another kind */
    {BYTES(HEAD("\0", "\1", "\4") "XYZ?\0\0\0\2ab" TRACK("\37") "\0\x99\x3C\x40"
                                                                "\0\xF0\3abc"
                                                                "\0\xC0\5"
                                                                "\0\xFF\1\2hi"
                                                                "\2\x90\x3C\x40"
                                                                "\1\xE0\1\2" END),
     1,
     {{2, 3, 3, 60, 64, 0}}},
    /* two tracks: the same channel, each with its own note */
    {BYTES(HEAD("\1", "\2", "\4") TRACK("\14") "\1\x90\x3C\x40"
                                               "\4\x80\x3C\0" END TRACK("\14") "\0\x90\x3C\x41"
                                                                               "\4\x80\x3C\0" END),
     2,
     {{0, 4, 4, 60, 65, 0}, {1, 5, 5, 60, 64, 0}}},
};

static void notes_are_read(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    midi m;
    unroll_error err = {0};
    const unroll_status status = midi_decode(&m, good[i].data, good[i].size, &err);
    if (!good[i].n) {
      assert_int_equal(status, UNROLL_BAD_INPUT);
    } else {
      if (status || m.n_notes != good[i].n) fail_msg("row %zu: %d notes, %s", i, (int)m.n_notes, err.message);
      for (int k = 0; k < good[i].n; k++) {
        const midi_note *a = &m.notes[k], *b = &good[i].notes[k];
        if (a->begin != b->begin || a->end != b->end || a->heard != b->heard || a->key != b->key || a->velocity != b->velocity ||
            a->channel != b->channel)
          fail_msg("row %zu, note %d: %d to %d (%d), key %d", i, k, (int)a->begin, (int)a->end, (int)a->heard, a->key);
      }
    }
    midi_free(&m);
  }
  assert_int_equal(mem_live(), 0);
}

static void tempo_and_metre_are_read(void **state) {
  (void)state;
  midi m;
  unroll_error err = {0};
  /* 3 of 8; after 8 ticks (2 quarters of 0.5 s) a quarter lasts 0.25 s */
  assert_int_equal(midi_decode(&m,
                               BYTES(HEAD("\0", "\1", "\4") TRACK("\23") "\0\xFF\x58\4\3\3\x18\x08"
                                                                         "\x08\xFF\x51\3\x03\xD0\x90"
                                                                         "\4\xFF\x2F\0"),
                               &err),
                   UNROLL_OK);
  assert_int_equal(m.n_metres, 1);
  assert_int_equal(m.metres[0].value, 3);
  assert_int_equal(m.metres[0].of, 8);
  assert_int_equal(m.n_tempos, 1);
  assert_int_equal(m.tempos[0].value, 250000);
  assert_int_equal(m.end, 12);
  assert_true(fabs(midi_seconds(&m, 8) - 1) < 1e-12);
  assert_true(fabs(midi_seconds(&m, 12) - 1.25) < 1e-12);
  midi_free(&m);
}

static const struct {
  const unsigned char *data;
  size_t size;
  const char *message;
} broken[] = {
    {BYTES(""), "the file is empty"},
    {BYTES("RIFF\0\0\0\0RMIDdata"), "this is no MIDI file: it does not begin with MThd"},
    {BYTES("MThd\0\0\0\6\0\0\0\1\0"), "this is no MIDI file"},
    {BYTES("MThd\0\0\0\5\0\0\0\1\0\4"), "the head of the MIDI file is wrong"},
    {BYTES("MThd\xFF\xFF\xFF\xFF\0\0\0\1\0\4"), "the head of the MIDI file is wrong"},
    {BYTES(HEAD("\2", "\1", "\4")), "a MIDI file of format 2: 0 and 1 are read"},
    {BYTES("MThd\0\0\0\6\0\0\0\1\xE7\x28"), "counts time in parts of a second (SMPTE)"},
    {BYTES("MThd\0\0\0\6\0\0\0\1\0\0"), "a quarter note has no ticks"},
    {BYTES(HEAD("\0", "\1", "\4")), "the file is cut off: it has 0 of 1 tracks"},
    {BYTES(HEAD("\1", "\2", "\4") TRACK("\4") END), "the file is cut off: it has 1 of 2 tracks"},
    {BYTES(HEAD("\0", "\1", "\4") TRACK("\5") END), "track 1, byte 22: the file is cut off: 4 of 5 bytes"},
    {BYTES(HEAD("\0", "\1", "\4") "MTrk\xFF\xFF\xFF\xFF" END), "track 1, byte 22: the file is cut off: 4 of 4294967295 bytes"},
    {BYTES(HEAD("\0", "\1", "\4") TRACK("\1") "\x81"), "track 1, byte 23: the track is cut off in a number"},
    {BYTES(HEAD("\0", "\1", "\4") TRACK("\5") "\x81\x81\x81\x81\0"), "track 1, byte 26: a number has more than four bytes"},
    {BYTES(HEAD("\0", "\1", "\4") TRACK("\1") "\0"), "track 1, byte 23: the track is cut off in an event"},
    {BYTES(HEAD("\0", "\1", "\4") TRACK("\3") "\0\x90\x3C"), "track 1, byte 25: the track is cut off in an event"},
    {BYTES(HEAD("\0", "\1", "\4") TRACK("\4") "\0\x90\x3C\x80"), "track 1, byte 25: an event lacks a byte"},
    {BYTES(HEAD("\0", "\1", "\4") TRACK("\2") "\0\x3C"), "track 1, byte 23: an event without its kind"},
    {BYTES(HEAD("\0", "\1", "\4") TRACK("\7") "\0\xF0\1a\0\x3C\0"), "track 1, byte 27: an event without its kind"},
    {BYTES(HEAD("\0", "\1", "\4") TRACK("\2") "\0\xF1"), "track 1, byte 23: an event that no file has"},
    {BYTES(HEAD("\0", "\1", "\4") TRACK("\3") "\0\xFF\1"), "track 1, byte 25: the track is cut off in a number"},
    {BYTES(HEAD("\0", "\1", "\4") TRACK("\5") "\0\xFF\1\2a"), "track 1, byte 26: an event is longer than its track"},
    {BYTES(HEAD("\0", "\1", "\4") TRACK("\6") "\0\xF0\xFF\xFF\xFF\x7F"), "track 1, byte 28: an event is longer than its track"},
};

static void broken_files_are_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    midi m;
    unroll_error err = {0};
    const unroll_status status = midi_decode(&m, broken[i].data, broken[i].size, &err);
    if (status != UNROLL_BAD_INPUT || !strstr(err.message, broken[i].message))
      fail_msg("row %zu: %d, '%s'", i, (int)status, err.message);
    midi_free(&m);
  }
  assert_int_equal(mem_live(), 0);
}

/* --- rolls --- */

static midi_note note(int64_t begin, int64_t end, int64_t heard, int key) {
  return (midi_note){begin, end, heard, (uint8_t)key, 64, 0};
}

static void notes_come_to_the_grid(void **state) {
  (void)state;
  /* 4 steps a quarter of 12 ticks: a step has 3. The second is too short for a step, the third is struck again at once. */
  midi_note notes[] = {note(0, 5, 14, 21), note(4, 4, 4, 108), note(6, 9, 9, 60), note(9, 13, 13, 60), note(0, 99, 99, 109)};
  const midi m = {.division = 12, .notes = notes, .n_notes = 5, .end = 99};
  roll r;
  unroll_error err = {0};
  assert_int_equal(roll_steps(&m, 4, false), 4);
  assert_int_equal(roll_of_midi(&r, &m, 4, false, &err), UNROLL_OK);
  assert_int_equal(r.steps, 4);
  assert_int_equal(r.outside, 1);
  assert_int_equal(r.tempo, 500000);
  static const uint8_t low[] = {3, 1, 0, 0}, middle[] = {0, 0, 3, 3}, high[] = {0, 3, 0, 0};
  for (int t = 0; t < 4; t++)
    for (int k = 0; k < ROLL_KEYS; k++)
      assert_int_equal(r.keys[t * ROLL_KEYS + k], k == 0                  ? low[t]
                                                  : k == 60 - ROLL_LOWEST ? middle[t]
                                                  : k == ROLL_KEYS - 1    ? high[t]
                                                                          : 0);
  roll_free(&r);
  assert_int_equal(roll_of_midi(&r, &m, 4, true, &err), UNROLL_OK); /* with pedal the first lasts to tick 14 */
  assert_int_equal(r.steps, 5);
  assert_int_equal(r.keys[4 * ROLL_KEYS], ROLL_SOUNDS);
  roll_free(&r);
}

static void long_and_empty_pieces_are_refused(void **state) {
  (void)state;
  midi_note notes[] = {note(0, (int64_t)1 << 50, (int64_t)1 << 50, 60)};
  midi m = {.division = 1, .notes = notes, .n_notes = 1};
  roll r;
  unroll_error err = {0};
  assert_int_equal(roll_of_midi(&r, &m, ROLL_MAX_GRID, false, &err), UNROLL_BAD_INPUT);
  assert_string_equal(err.message, "the piece has 108086391056891904 steps, more than 1048576");
  roll_free(&r);
  notes[0] = note(0, 4, 4, 120);
  assert_int_equal(roll_of_midi(&r, &m, 4, false, &err), UNROLL_BAD_INPUT);
  assert_string_equal(err.message, "the piece has no note of a piano");
  roll_free(&r);
  assert_int_equal(mem_live(), 0);
}

static const struct {
  int grid, tempo, beats, of;
  int64_t steps;
  uint8_t low[6], high[6];
} rolls[] = {
    {1, 500000, 4, 4, 3, {3, 1, 1}, {0, 3, 3}},
    {4, 250000, 3, 4, 6, {3, 0, 3, 1, 1, 3}, {0, 0, 0, 0, 3, 1}},
    {96, 1000000, 6, 8, 2, {3, 3}, {0, 3}},
    {7, 123457, 12, 16, 1, {3}, {0}},
};

/* What was written is read again, with tempo and metre. */
static void rolls_are_written(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rolls / sizeof *rolls; i++) {
    uint8_t keys[6 * ROLL_KEYS] = {0};
    for (int64_t t = 0; t < rolls[i].steps; t++) {
      keys[t * ROLL_KEYS] = rolls[i].low[t];
      keys[t * ROLL_KEYS + ROLL_KEYS - 1] = rolls[i].high[t];
    }
    const roll r = {rolls[i].grid, rolls[i].tempo, rolls[i].beats, rolls[i].of, rolls[i].steps, keys, 0};
    text out = {0};
    midi m;
    roll back;
    unroll_error err = {0};
    assert_int_equal(roll_write(&out, &r, &err), UNROLL_OK);
    if (midi_decode(&m, (const unsigned char *)out.data, out.length, &err)) fail_msg("row %zu: %s", i, err.message);
    assert_int_equal(roll_of_midi(&back, &m, r.grid, false, &err), UNROLL_OK);
    assert_int_equal(back.steps, r.steps);
    assert_memory_equal(back.keys, keys, (size_t)r.steps * ROLL_KEYS);
    assert_int_equal(back.tempo, r.tempo);
    assert_int_equal(back.beats, r.beats);
    assert_int_equal(back.of, r.of);
    roll_free(&back);
    midi_free(&m);
    text_free(&out);
  }
  assert_int_equal(mem_live(), 0);
}

/* A key that sounds on without being struck is one note, also where nobody says what is struck. */
static void what_sounds_on_is_one_note(void **state) {
  (void)state;
  uint8_t keys[4 * ROLL_KEYS] = {0};
  keys[0] = keys[ROLL_KEYS] = keys[3 * ROLL_KEYS] = ROLL_SOUNDS;
  const roll r = {1, 500000, 4, 4, 4, keys, 0};
  text out = {0};
  midi m;
  unroll_error err = {0};
  assert_int_equal(roll_write(&out, &r, &err), UNROLL_OK);
  assert_int_equal(midi_decode(&m, (const unsigned char *)out.data, out.length, &err), UNROLL_OK);
  assert_int_equal(m.n_notes, 2);
  assert_int_equal(m.notes[0].end, 960);
  assert_int_equal(m.notes[1].begin, 1440);
  midi_free(&m);
  text_free(&out);
}

/* Three steps: keys 40, 44 and 47 are struck, 44 and 47 sound on, then 20 and 76 are struck with them. The fourth is silent. */
static void intervals_say_what_no_key_changes(void **state) {
  (void)state;
  enum { STRUCK = ROLL_SOUNDS | ROLL_STRUCK, COUNT = ROLL_SPAN, TOP = ROLL_SPAN + ROLL_MANY + 1, LOW = TOP + ROLL_LEAPS };
  static const int expected[4][12] = {{4 - 1, 3 - 1, 7 - 1, COUNT + 3, -1},
                                      {3 - 1, COUNT + 2, -1},
                                      {3 - 1, 24 - 1, 27 - 1, 29 - 1, 32 - 1, COUNT + 4, TOP + 24, LOW + 0, -1},
                                      {COUNT + 0, -1}};
  for (int by = 0; by <= 11; by += 11) {
    uint8_t keys[4 * ROLL_KEYS] = {0};
    float out[4][ROLL_INTERVALS + 2];
    const roll r = {.steps = 4, .keys = keys};
    keys[40 + by] = keys[44 + by] = keys[47 + by] = STRUCK;
    keys[ROLL_KEYS + 44 + by] = keys[ROLL_KEYS + 47 + by] = ROLL_SOUNDS;
    keys[2 * ROLL_KEYS + 44 + by] = keys[2 * ROLL_KEYS + 47 + by] = ROLL_SOUNDS;
    keys[2 * ROLL_KEYS + 20 + by] = keys[2 * ROLL_KEYS + 76 + by] = STRUCK;
    for (int t = 0; t < 4; t++)
      for (int k = 0; k < ROLL_INTERVALS + 2; k++) out[t][k] = 5;
    roll_intervals(out[0], ROLL_INTERVALS + 2, &r);
    for (int t = 0; t < 4; t++)
      for (int k = 0; k < ROLL_INTERVALS + 2; k++) {
        float true_one = k < ROLL_INTERVALS ? 0 : 5;
        for (int i = 0; expected[t][i] >= 0; i++)
          if (expected[t][i] == k) true_one = 1;
        if (out[t][k] != true_one) fail_msg("step %d, number %d: %g", t, k, (double)out[t][k]);
      }
  }
  assert_int_equal(ROLL_INTERVALS, 96);
}

static void every_allocation_fails_once(void **state) {
  (void)state;
  for (long n = 1;; n++) {
    midi m;
    roll r = {0};
    text out = {0};
    mem_fail_after(n, 0);
    unroll_status status = midi_decode(&m, good[1].data, good[1].size, NULL);
    if (!status) status = roll_of_midi(&r, &m, 4, false, NULL);
    if (!status) status = roll_write(&out, &r, NULL);
    mem_fail_after(0, 0);
    midi_free(&m);
    roll_free(&r);
    text_free(&out);
    assert_int_equal(mem_live(), 0);
    if (!status) break;
    assert_int_equal(status, UNROLL_FAILED);
    assert_true(n < 30);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(notes_are_read),
      cmocka_unit_test(tempo_and_metre_are_read),
      cmocka_unit_test(broken_files_are_refused),
      cmocka_unit_test(notes_come_to_the_grid),
      cmocka_unit_test(long_and_empty_pieces_are_refused),
      cmocka_unit_test(rolls_are_written),
      cmocka_unit_test(what_sounds_on_is_one_note),
      cmocka_unit_test(intervals_say_what_no_key_changes),
      cmocka_unit_test(every_allocation_fails_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
