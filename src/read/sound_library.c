/* sound_library.c - recordings that libsndfile reads, and other rates through libsamplerate, where they were found. */
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include "base/error.h"
#include "read/sound.h"

#ifdef UNROLL_SNDFILE
#include <sndfile.h>

typedef struct stream { /* bytes as a file */
  const unsigned char *data;
  sf_count_t size, at;
} stream;

static sf_count_t get_length(void *user) { return ((stream *)user)->size; }
static sf_count_t tell(void *user) { return ((stream *)user)->at; }
static sf_count_t seek(sf_count_t offset, int whence, void *user) {
  stream *s = user;
  const sf_count_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? s->at : s->size;
  sf_count_t at;
  if (__builtin_add_overflow(base, offset, &at) || at < 0 || at > s->size) return -1;
  return s->at = at;
}
static sf_count_t get(void *out, sf_count_t count, void *user) {
  stream *s = user;
  const sf_count_t n = count < s->size - s->at ? count : s->size - s->at;
  if (n <= 0) return 0;
  memcpy(out, s->data + s->at, (size_t)n);
  s->at += n;
  return n;
}
static sf_count_t put(const void *from, sf_count_t count, void *user) {
  (void)from, (void)count, (void)user;
  return 0;
}

static SNDFILE *library(const sound *s, stream *in, SF_INFO *info, unroll_error *err) {
  static SF_VIRTUAL_IO calls = {get_length, seek, get, put, tell};
  *in = (stream){s->data, (sf_count_t)s->size, 0};
  *info = (SF_INFO){0};
  SNDFILE *file = sf_open_virtual(&calls, SFM_READ, info, in);
  if (!file) error_set(err, UNROLL_BAD_INPUT, "a damaged recording: %.150s", sf_strerror(NULL));
  return file;
}

unroll_status sound_library_open(sound *s, unroll_error *err) {
  stream in;
  SF_INFO info;
  SNDFILE *file = library(s, &in, &info, err);
  if (!file) return UNROLL_BAD_INPUT;
  sf_close(file);
  if (info.channels < 1 || info.channels > SOUND_MAX_CHANNELS || info.samplerate < 1 || info.samplerate > SOUND_MAX_RATE)
    return error_set(err, UNROLL_BAD_INPUT, "%d channels with %d samples a second; up to %d channels and %d can be read",
                     info.channels, info.samplerate, SOUND_MAX_CHANNELS, SOUND_MAX_RATE);
  s->by = SOUND_BY_SNDFILE;
  s->rate = info.samplerate;
  s->channels = info.channels;
  s->frames = info.frames;
  return UNROLL_OK;
}

unroll_status sound_library_read(const sound *s, float *out, int64_t from, int64_t n, unroll_error *err) {
  enum { PIECE = 64 };
  float piece[PIECE * SOUND_MAX_CHANNELS];
  stream in;
  SF_INFO info;
  int64_t done = 0;
  SNDFILE *file = library(s, &in, &info, err);
  if (!file) return UNROLL_BAD_INPUT;
  bool good = info.channels == s->channels && (from == 0 || sf_seek(file, from, SEEK_SET) == from);
  while (good && done < n) {
    const int64_t want = n - done < PIECE ? n - done : PIECE, got = sf_readf_float(file, piece, want);
    good = got == want && !sf_error(file);
    for (int64_t i = 0; i < got && good; i++) {
      float sum = 0;
      for (int c = 0; c < s->channels; c++) sum += piece[i * s->channels + c];
      out[done++] = sum / (float)s->channels;
    }
  }
  if (!good)
    error_set(err, UNROLL_BAD_INPUT, "the recording is cut off or damaged after %" PRId64 " of %" PRId64 " samples", from + done,
              s->frames);
  sf_close(file);
  return good ? UNROLL_OK : UNROLL_BAD_INPUT;
}
#else
unroll_status sound_library_open(sound *s, unroll_error *err) {
  (void)s;
  return error_set(err, UNROLL_BAD_INPUT, "this program was built without libsndfile: of recordings it reads plain WAV only");
}
unroll_status sound_library_read(const sound *s, float *out, int64_t from, int64_t n, unroll_error *err) {
  (void)out, (void)from, (void)n;
  return sound_library_open((sound *)s, err);
}
#endif

int64_t sound_resampled(int64_t n, int from, int to) { return from == to ? n : (int64_t)((double)n * to / from + 0.5); }

#ifdef UNROLL_SAMPLERATE
#include <samplerate.h>
unroll_status sound_resample(float *out, const float *x, int64_t n, int from, int to, unroll_error *err) {
  const int64_t wanted = sound_resampled(n, from, to);
  SRC_DATA d = {
      .data_in = x, .data_out = out, .input_frames = (long)n, .output_frames = (long)wanted, .src_ratio = (double)to / from};
  const int failed = src_simple(&d, SRC_SINC_MEDIUM_QUALITY, 1);
  if (failed) return error_set(err, UNROLL_BAD_INPUT, "from %d samples a second to %d: %.100s", from, to, src_strerror(failed));
  for (int64_t i = d.output_frames_gen; i < wanted; i++) out[i] = 0;
  return UNROLL_OK;
}
#else
unroll_status sound_resample(float *out, const float *x, int64_t n, int from, int to, unroll_error *err) {
  (void)out, (void)x, (void)n;
  return error_set(err, UNROLL_BAD_INPUT,
                   "the recording has %d samples a second, not %d, and this program was built without libsamplerate", from, to);
}
#endif
