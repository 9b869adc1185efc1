/* sound_write.c - see sound_write.h. */
#include "read/sound_write.h"
#include <math.h>
#include "base/error.h"

static void add_number(text *out, uint32_t x, int bytes) {
  char b[4];
  for (int i = 0; i < bytes; i++) b[i] = (char)(unsigned char)(x >> 8 * i);
  text_add(out, b, (size_t)bytes);
}

unroll_status sound_write_head(text *out, int rate, int64_t n, unroll_error *err) {
  enum { HEAD = 36, PCM = 1, CHANNELS = 1, BYTES = 2 };
  if (n < 0 || n > (UINT32_MAX - HEAD) / BYTES) return error_set(err, UNROLL_USAGE, "too many samples for a WAV file");
  const uint32_t size = (uint32_t)n * BYTES;
  text_add(out, "RIFF", 4);
  add_number(out, HEAD + size, 4);
  text_add(out, "WAVEfmt ", 8);
  add_number(out, 16, 4);
  add_number(out, PCM, 2);
  add_number(out, CHANNELS, 2);
  add_number(out, (uint32_t)rate, 4);
  add_number(out, (uint32_t)rate * BYTES, 4);
  add_number(out, BYTES, 2);
  add_number(out, 8 * BYTES, 2);
  text_add(out, "data", 4);
  add_number(out, size, 4);
  return UNROLL_OK;
}

void sound_write_samples(text *out, const double *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const double loud = isnan(x[i]) ? 0 : fmax(-32768, fmin(32767, rint(32768 * x[i])));
    add_number(out, (uint32_t)(int32_t)loud, 2);
  }
}
