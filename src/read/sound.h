/* sound.h - recordings from the bytes of files. WAV is read here; FLAC, Ogg, AIFF and rarer kinds of WAV by libsndfile, MP3 by
 * libmpg123, where these were found.
 *
 * What a file is follows from its first bytes, never from its name. Everything is untrusted: sizes are checked before memory is
 * taken, and what a file promises and does not hold is an error. */
#ifndef READ_SOUND_H
#define READ_SOUND_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unroll.h>

enum {
  SOUND_MAX_BYTES = 1 << 30,   /* of a file */
  SOUND_MAX_SAMPLES = 1 << 26, /* of what is read at once, per channel */
  SOUND_MAX_RATE = 768000,
  SOUND_MAX_CHANNELS = 64
};

enum sound_by { SOUND_BY_US, SOUND_BY_SNDFILE, SOUND_BY_MPG123 };
typedef struct sound { /* a recording; owns nothing */
  const unsigned char *data;
  size_t size;
  int rate, channels; /* samples a second, of each channel */
  int64_t frames;     /* samples of each channel */
  enum sound_by by;   /* who reads it */
  size_t at;          /* of a plain WAV: where its samples begin */
  int bits;           /* of each of these ... */
  bool real;          /* ... which are floating point */
} sound;

/* Reads the head. UNROLL_BAD_INPUT with a message that says what is wrong but not where. The data must stay as long as *s is
 * used. */
unroll_status sound_open(sound *s, const unsigned char *data, size_t size, unroll_error *err);
/* Samples from .. from + n - 1 as numbers from -1 to 1; of several channels the mean. */
unroll_status sound_read(const sound *s, float *out, int64_t from, int64_t n, unroll_error *err);

/* How many samples n become at another rate: n to / from, rounded. */
int64_t sound_resampled(int64_t n, int from, int to);
/* To another rate: out[sound_resampled(n, from, to)]. Around the samples there is silence. */
unroll_status sound_resample(float *out, const float *x, int64_t n, int from, int to, unroll_error *err);

/* Parts of the above: what libraries read. */
unroll_status sound_library_open(sound *s, unroll_error *err);
unroll_status sound_library_read(const sound *s, float *out, int64_t from, int64_t n, unroll_error *err);
unroll_status sound_mp3_open(sound *s, unroll_error *err);
unroll_status sound_mp3_read(const sound *s, float *out, int64_t from, int64_t n, unroll_error *err);
#endif
