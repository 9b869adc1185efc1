/* sound_mp3.c - MP3 through libmpg123, where it was found. libsndfile reads MP3 too, but lets libmpg123 write to standard error.
 * The decoder is the portable one, whose sums do not depend on the processor. */
#include "base/error.h"
#include "read/sound.h"

#ifdef UNROLL_MPG123
#include <inttypes.h>
#include <mpg123.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef struct stream { /* bytes as a file */
  const unsigned char *data;
  off_t size, at;
} stream;

static ssize_t get(void *user, void *out, size_t count) {
  stream *s = user;
  const size_t left = (size_t)(s->size - s->at), n = count < left ? count : left;
  memcpy(out, s->data + s->at, n);
  s->at += (off_t)n;
  return (ssize_t)n;
}
static off_t seek(void *user, off_t offset, int whence) {
  stream *s = user;
  off_t at;
  if (__builtin_add_overflow(whence == SEEK_SET ? 0 : whence == SEEK_CUR ? s->at : s->size, offset, &at)) return -1;
  if (at < 0 || at > s->size) return -1;
  return s->at = at;
}

/* *m is NULL, or for mpg123_delete. */
static unroll_status start(mpg123_handle **m, const sound *s, stream *in, long *rate, int *channels, unroll_error *err) {
  int kind;
  *in = (stream){s->data, (off_t)s->size, 0};
  *m = mpg123_new("generic", NULL);
  if (!*m) return error_set(err, UNROLL_FAILED, "libmpg123 does not start");
  const bool good = mpg123_param(*m, MPG123_ADD_FLAGS, MPG123_QUIET | MPG123_FORCE_FLOAT, 0) == MPG123_OK &&
                    mpg123_replace_reader_handle(*m, get, seek, NULL) == MPG123_OK && mpg123_open_handle(*m, in) == MPG123_OK &&
                    mpg123_scan(*m) == MPG123_OK && mpg123_getformat(*m, rate, channels, &kind) == MPG123_OK;
  if (!good) return error_set(err, UNROLL_BAD_INPUT, "a damaged MP3 file: %.150s", mpg123_strerror(*m));
  if (kind != MPG123_ENC_FLOAT_32 || *channels < 1 || *channels > 2 || *rate < 1 || *rate > SOUND_MAX_RATE)
    return error_set(err, UNROLL_BAD_INPUT, "an MP3 file with %d channels of %ld samples a second", *channels, *rate);
  return UNROLL_OK;
}

unroll_status sound_mp3_open(sound *s, unroll_error *err) {
  stream in;
  mpg123_handle *m;
  long rate;
  int channels;
  const unroll_status status = start(&m, s, &in, &rate, &channels, err);
  if (!status) {
    s->by = SOUND_BY_MPG123;
    s->rate = (int)rate;
    s->channels = channels;
    s->frames = mpg123_length(m);
  }
  mpg123_delete(m);
  return status;
}

unroll_status sound_mp3_read(const sound *s, float *out, int64_t from, int64_t n, unroll_error *err) {
  enum { PIECE = 512 };
  float piece[2 * PIECE];
  stream in;
  mpg123_handle *m;
  long rate;
  int channels;
  int64_t done = 0;
  unroll_status status = start(&m, s, &in, &rate, &channels, err);
  bool good = !status && channels == s->channels && mpg123_seek(m, from, SEEK_SET) == from;
  while (good && done < n) {
    const size_t each = (size_t)channels * sizeof *piece, want = n - done < PIECE ? (size_t)(n - done) : PIECE;
    size_t got = 0;
    good = mpg123_read(m, (unsigned char *)piece, want * each, &got) == MPG123_OK && got > 0;
    got /= each;
    for (size_t i = 0; good && i < got; i++) out[done++] = channels == 1 ? piece[i] : (piece[2 * i] + piece[2 * i + 1]) / 2;
  }
  if (!status && !good)
    status = error_set(err, UNROLL_BAD_INPUT, "the recording is cut off or damaged after %" PRId64 " of %" PRId64 " samples",
                       from + done, s->frames);
  mpg123_delete(m);
  return status;
}
#else
unroll_status sound_mp3_open(sound *s, unroll_error *err) {
  (void)s;
  return error_set(err, UNROLL_BAD_INPUT, "an MP3 file, and this program was built without libmpg123");
}
unroll_status sound_mp3_read(const sound *s, float *out, int64_t from, int64_t n, unroll_error *err) {
  (void)out, (void)from, (void)n;
  return sound_mp3_open((sound *)s, err);
}
#endif
