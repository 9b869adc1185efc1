/* midi.c - standard MIDI files: chunks, the events of a track, and which note an event ends.
 *
 * A track is read in one go. `open` knows the note that each key of each channel sounds, `held` those that only the pedal holds.
 * Of the events all but notes, pedal, tempo, metre and "all off" are passed over. */
#include "read/midi.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"

typedef struct track {
  midi *m;
  const unsigned char *data; /* of the whole file */
  size_t at, end;
  int number; /* from 1 */
  int64_t tick;
  bool pedal[16];
  int64_t open[16][128], held[16][128]; /* numbers of notes, or -1 */
  unroll_error *err;
} track;

static unroll_status bad(const track *t, const char *what) {
  return error_set(t->err, UNROLL_BAD_INPUT, "track %d, byte %zu: %s", t->number, t->at, what);
}

/* Room for one more in a growing list. */
static void *grown(void *list, int64_t n, int64_t *room, size_t size) {
  if (n < *room) return list;
  const int64_t more = *room ? 2 * *room : 64;
  void *larger = mem_resize(list, (size_t)more * size);
  if (larger) *room = more;
  return larger;
}

/* --- notes --- */

static unroll_status strike(track *t, int channel, int key, int velocity) {
  midi *m = t->m;
  if (channel == MIDI_DRUMS) return m->drums++, UNROLL_OK;
  midi_note *list = grown(m->notes, m->n_notes, &m->note_room, sizeof *list);
  if (!list) return error_memory(t->err);
  m->notes = list;
  list[m->n_notes] = (midi_note){t->tick, t->tick, t->tick, (uint8_t)key, (uint8_t)velocity, (uint8_t)channel};
  t->open[channel][key] = m->n_notes++;
  return UNROLL_OK;
}

static void silence(track *t, int channel, int key) {
  int64_t *held = &t->held[channel][key];
  if (*held >= 0) t->m->notes[*held].heard = t->tick;
  *held = -1;
}

static void let_go(track *t, int channel, int key) {
  int64_t *open = &t->open[channel][key];
  if (*open < 0) return;
  t->m->notes[*open].end = t->m->notes[*open].heard = t->tick;
  silence(t, channel, key);
  if (t->pedal[channel]) t->held[channel][key] = *open;
  *open = -1;
}

static void all_off(track *t, int channel) {
  for (int key = 0; key < 128; key++) let_go(t, channel, key);
}
static void pedal_up(track *t, int channel) {
  t->pedal[channel] = false;
  for (int key = 0; key < 128; key++) silence(t, channel, key);
}

static unroll_status note_on(track *t, int channel, int key, int velocity) {
  let_go(t, channel, key);
  if (!velocity) return UNROLL_OK;
  silence(t, channel, key); /* struck again: the string sounds anew */
  return strike(t, channel, key, velocity);
}

enum { CONTROL_PEDAL = 64, CONTROL_SOUND_OFF = 120, CONTROL_NOTES_OFF = 123 };

static void control(track *t, int channel, int which, int value) {
  if (which == CONTROL_PEDAL && value >= 64) t->pedal[channel] = true;
  if (which == CONTROL_PEDAL && value < 64) pedal_up(t, channel);
  if (which == CONTROL_SOUND_OFF || which >= CONTROL_NOTES_OFF) all_off(t, channel);
  if (which == CONTROL_SOUND_OFF) /* the pedal holds nothing any more, but stays down */
    for (int key = 0; key < 128; key++) silence(t, channel, key);
}

/* --- events --- */

/* A number of up to four bytes, seven bits in each. */
static unroll_status variable(track *t, uint32_t *out) {
  *out = 0;
  for (int i = 0; i < 4; i++) {
    if (t->at == t->end) return bad(t, "the track is cut off in a number");
    const unsigned char c = t->data[t->at++];
    *out = *out << 7 | (c & 127);
    if (c < 128) return UNROLL_OK;
  }
  return bad(t, "a number has more than four bytes");
}

static unroll_status add_change(track *t, midi_change **list, int64_t *n, int64_t *room, int value, int of) {
  midi_change *larger = grown(*list, *n, room, sizeof *larger);
  if (!larger) return error_memory(t->err);
  *list = larger;
  larger[(*n)++] = (midi_change){t->tick, value, of};
  return UNROLL_OK;
}

enum { META = 0xFF, META_END = 0x2F, META_TEMPO = 0x51, META_METRE = 0x58, SYSTEM = 0xF0, SYSTEM_MORE = 0xF7 };

static unroll_status meta(track *t, bool *ended) {
  uint32_t size;
  if (t->at == t->end) return bad(t, "the track is cut off in an event");
  const int kind = t->data[t->at++];
  const unroll_status status = variable(t, &size);
  if (status) return status;
  if (size > t->end - t->at) return bad(t, "an event is longer than its track");
  const unsigned char *x = t->data + t->at;
  t->at += size;
  midi *m = t->m;
  *ended = kind == META_END;
  if (kind == META_TEMPO && size >= 3) {
    const int tempo = x[0] << 16 | x[1] << 8 | x[2];
    return tempo ? add_change(t, &m->tempos, &m->n_tempos, &m->tempo_room, tempo, 0) : UNROLL_OK;
  }
  if (kind == META_METRE && size >= 2 && x[0] && x[1] < 8)
    return add_change(t, &m->metres, &m->n_metres, &m->metre_room, x[0], 1 << x[1]);
  return UNROLL_OK;
}

static unroll_status voice(track *t, int status) {
  const int channel = status & 15, kind = status >> 4, n = kind == 0xC || kind == 0xD ? 1 : 2;
  int x[2] = {0};
  for (int i = 0; i < n; i++, t->at++) {
    if (t->at == t->end) return bad(t, "the track is cut off in an event");
    if (t->data[t->at] > 127) return bad(t, "an event lacks a byte");
    x[i] = t->data[t->at];
  }
  if (kind == 0x9) return note_on(t, channel, x[0], x[1]);
  if (kind == 0x8) let_go(t, channel, x[0]);
  if (kind == 0xB) control(t, channel, x[0], x[1]);
  return UNROLL_OK;
}

static unroll_status event(track *t, int *running, bool *ended) {
  uint32_t size;
  unroll_status status = variable(t, &size); /* ticks since the last one */
  if (status) return status;
  t->tick += size;
  if (t->at == t->end) return bad(t, "the track is cut off in an event");
  const int c = t->data[t->at];
  if (c == META) return t->at++, meta(t, ended);
  if (c == SYSTEM || c == SYSTEM_MORE) {
    t->at++;
    *running = 0;
    status = variable(t, &size);
    if (!status && size > t->end - t->at) status = bad(t, "an event is longer than its track");
    if (!status) t->at += size;
    return status;
  }
  if (c > SYSTEM) return bad(t, "an event that no file has");
  if (c < 128 && !*running) return bad(t, "an event without its kind");
  if (c >= 128) *running = c, t->at++;
  return voice(t, *running);
}

static unroll_status read_track(track *t) {
  bool ended = false;
  int running = 0;
  unroll_status status = UNROLL_OK;
  memset(t->open, -1, sizeof t->open);
  memset(t->held, -1, sizeof t->held);
  while (!status && !ended && t->at < t->end) status = event(t, &running, &ended);
  for (int channel = 0; channel < 16; channel++) {
    all_off(t, channel);
    pedal_up(t, channel);
  }
  if (t->tick > t->m->end) t->m->end = t->tick;
  return status;
}

/* --- the file --- */

static uint32_t big(const unsigned char *x, int bytes) {
  uint32_t n = 0;
  for (int i = 0; i < bytes; i++) n = n << 8 | x[i];
  return n;
}

static int by_begin(const void *a, const void *b) {
  const midi_note *x = a, *y = b;
  if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
  if (x->key != y->key) return x->key - y->key;
  if (x->end != y->end) return x->end < y->end ? -1 : 1;
  if (x->heard != y->heard) return x->heard < y->heard ? -1 : 1;
  if (x->channel != y->channel) return x->channel - y->channel;
  return x->velocity - y->velocity;
}
static int by_tick(const void *a, const void *b) {
  const midi_change *x = a, *y = b;
  if (x->tick != y->tick) return x->tick < y->tick ? -1 : 1;
  return x->value != y->value ? x->value - y->value : x->of - y->of;
}
static void sort(void *list, int64_t n, size_t size, int (*order)(const void *, const void *)) {
  if (n > 1) qsort(list, (size_t)n, size, order);
}

static unroll_status head(midi *m, const unsigned char *data, size_t size, size_t *at, int *tracks, unroll_error *err) {
  if (!size) return error_set(err, UNROLL_BAD_INPUT, "the file is empty");
  if (size < 14 || memcmp(data, "MThd", 4))
    return error_set(err, UNROLL_BAD_INPUT, "this is no MIDI file: it does not begin with MThd");
  const uint32_t length = big(data + 4, 4), format = big(data + 8, 2), division = big(data + 12, 2);
  *tracks = (int)big(data + 10, 2);
  if (length < 6 || length > size - 8) return error_set(err, UNROLL_BAD_INPUT, "the head of the MIDI file is wrong");
  if (format > 1)
    return error_set(err, UNROLL_BAD_INPUT, "a MIDI file of format %u: 0 and 1 are read, in which all tracks are one piece",
                     format);
  if (division & 0x8000)
    return error_set(err, UNROLL_BAD_INPUT, "this MIDI file counts time in parts of a second (SMPTE), not in quarter notes");
  if (!division) return error_set(err, UNROLL_BAD_INPUT, "in this MIDI file a quarter note has no ticks");
  m->division = (int)division;
  *at = 8 + length;
  return UNROLL_OK;
}

unroll_status midi_decode(midi *m, const unsigned char *data, size_t size, unroll_error *err) {
  size_t at = 0;
  int tracks = 0;
  *m = (midi){0};
  unroll_status status = head(m, data, size, &at, &tracks, err);
  if (status) return status;
  track *t = mem_alloc(sizeof *t);
  if (!t) return error_memory(err);
  for (int number = 1; !status && number <= tracks;) {
    if (size - at < 8) {
      status = error_set(err, UNROLL_BAD_INPUT, "the file is cut off: it has %d of %d tracks", number - 1, tracks);
      break;
    }
    const uint32_t length = big(data + at + 4, 4);
    const bool is_track = !memcmp(data + at, "MTrk", 4); /* other chunks are passed over */
    at += 8;
    if (length > size - at) {
      status = error_set(err, UNROLL_BAD_INPUT, "track %d, byte %zu: the file is cut off: %zu of %" PRIu32 " bytes", number, at,
                         size - at, length);
      break;
    }
    *t = (track){.m = m, .data = data, .at = at, .end = at + length, .number = number, .err = err};
    if (is_track) status = read_track(t);
    number += is_track;
    at += length;
  }
  mem_free(t);
  sort(m->notes, m->n_notes, sizeof *m->notes, by_begin);
  sort(m->tempos, m->n_tempos, sizeof *m->tempos, by_tick);
  sort(m->metres, m->n_metres, sizeof *m->metres, by_tick);
  return status;
}

void midi_free(midi *m) {
  mem_free(m->notes);
  mem_free(m->tempos);
  mem_free(m->metres);
  *m = (midi){0};
}

double midi_seconds(const midi *m, int64_t tick) {
  double seconds = 0;
  int64_t from = 0;
  int tempo = MIDI_TEMPO;
  for (int64_t i = 0; i < m->n_tempos && m->tempos[i].tick < tick; i++) {
    seconds += (double)(m->tempos[i].tick - from) * tempo;
    from = m->tempos[i].tick;
    tempo = m->tempos[i].value;
  }
  return (seconds + (double)(tick - from) * tempo) / (1e6 * m->division);
}
