/* roll_intervals.c - see midi.h. */
#include <string.h>
#include "read/midi.h"

/* The highest and the lowest key of a step that has `what`; false: none has. */
static bool outer(const uint8_t *keys, int what, int out[2]) {
  out[0] = out[1] = -1;
  for (int k = 0; k < ROLL_KEYS; k++)
    if (keys[k] & what) {
      out[0] = k;
      if (out[1] < 0) out[1] = k;
    }
  return out[0] >= 0;
}

static void put_chord(float *out, const uint8_t *keys) {
  int sounding[ROLL_KEYS], n = 0;
  for (int k = 0; k < ROLL_KEYS; k++)
    if (keys[k] & ROLL_SOUNDS) sounding[n++] = k;
  for (int i = 0; i < n; i++)
    for (int j = i + 1; j < n && sounding[j] - sounding[i] <= ROLL_SPAN; j++) out[sounding[j] - sounding[i] - 1] = 1;
  out[ROLL_SPAN + (n < ROLL_MANY ? n : ROLL_MANY)] = 1;
}

void roll_intervals(float *out, ptrdiff_t apart, const roll *r) {
  int before[2], now[2];
  bool begun = false;
  for (int64_t t = 0; t < r->steps; t++, out += apart) {
    const uint8_t *keys = r->keys + t * ROLL_KEYS;
    memset(out, 0, ROLL_INTERVALS * sizeof *out);
    put_chord(out, keys);
    if (!outer(keys, ROLL_STRUCK, now)) continue;
    for (int i = 0; i < 2 && begun; i++) {
      const int leap = now[i] - before[i], kept = leap > ROLL_LEAP ? ROLL_LEAP : leap < -ROLL_LEAP ? -ROLL_LEAP : leap;
      out[ROLL_SPAN + ROLL_MANY + 1 + i * ROLL_LEAPS + ROLL_LEAP + kept] = 1;
    }
    memcpy(before, now, sizeof before);
    begun = true;
  }
}
