/* fuzz_sound.c - libFuzzer target: any bytes are read as a recording and become features, or are refused with a message. The first
 * byte says which features. */
#include <math.h>
#include <stdlib.h>
#include "base/memory.h"
#include "read/sound.h"
#include "read/sound_features.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libsndfile 1.2 loses a block when the head of an Ogg file is damaged. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void) { return "leak:vorbis_info_init"; }

static void check(int good) {
  if (!good) abort();
}

enum { MOST = 2000 };

static void features(const float *x, int64_t n, int which) {
  const bool raw = which % 8 == 0;
  const sound_form form = {.rate = 8000,
                           .stack = 1,
                           .raw = raw,
                           .mel = 8,
                           .mfcc = raw ? 0 : which / 8 % 4,
                           .delta = raw ? 0 : which / 32 % 3,
                           .window = 25,
                           .step = 10,
                           .scale = (enum sound_scale)(which % 3)};
  sound_maker *m = NULL;
  check(sound_form_check(&form, NULL) == UNROLL_OK && sound_maker_new(&m, &form, NULL) == UNROLL_OK);
  const int64_t count = sound_form_steps(&form, n) * sound_form_width(&form);
  float *out = mem_alloc((size_t)count * sizeof *out);
  check(out != NULL);
  sound_make(m, out, x, n);
  for (int64_t i = 0; i < count; i++) check(isfinite(out[i]));
  mem_free(out);
  sound_maker_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  static float x[MOST], y[MOST * 64];
  sound s;
  unroll_error err = {0};
  unroll_status status = sound_open(&s, data + 1, size - 1, &err);
  if (!status) {
    check(s.rate > 0 && s.rate <= SOUND_MAX_RATE && s.channels > 0 && s.channels <= SOUND_MAX_CHANNELS && s.frames > 0);
    const int64_t n = s.frames < MOST ? s.frames : MOST;
    status = sound_read(&s, x, s.frames > n ? (s.frames - n) / 2 : 0, n, &err);
    if (!status) features(x, n, data[0]);
    if (!status && s.rate >= 1000 && sound_resampled(n, s.rate, 8000) > 0) {
      unroll_error other;
      (void)sound_resample(y, x, n, s.rate, 8000, &other);
    }
  }
  check(!status || (status == UNROLL_BAD_INPUT && err.code == status && err.message[0]));
  check(mem_live() == 0);
  return 0;
}
