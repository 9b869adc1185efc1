/* sound.c - what a file is, and plain WAV: integers of 8 to 32 bits and floating point, strictly. */
#include "read/sound.h"
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include "base/error.h"
#include "base/known.h"

/* No codec makes more samples of a byte, so that what a short file promises takes little memory. */
enum { SAMPLES_PER_BYTE = 8192 };

static uint32_t little(const unsigned char *p, int bytes) {
  uint32_t x = 0;
  for (int i = 0; i < bytes; i++) x |= (uint32_t)p[i] << 8 * i;
  return x;
}

static uint32_t big(const unsigned char *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

/* --- what the file is --- */

static const char *const of_library[] = {"RIFX", "RF64", "fLaC", "OggS", "FORM", ".snd"};
static bool has(const unsigned char *data, size_t size, size_t at, const char *bytes) {
  const size_t length = strlen(bytes);
  return size >= at + length && !memcmp(data + at, bytes, length);
}

static bool is_of_library(const unsigned char *data, size_t size) {
  for (size_t i = 0; i < sizeof of_library / sizeof *of_library; i++)
    if (has(data, size, 0, of_library[i])) return true;
  return false;
}

/* Tags, or the head of an MPEG frame: 11 bits that are set, then layer 2 or 3. */
static bool is_mpeg(const unsigned char *data, size_t size) {
  if (has(data, size, 0, "ID3")) return true;
  return size >= 4 && data[0] == 0xFF && (data[1] & 0xE0) == 0xE0 && ((data[1] & 6) == 2 || (data[1] & 6) == 4);
}

static bool is_text(const unsigned char *data, size_t size) {
  for (size_t i = 0; i < size && i < 512; i++)
    if ((data[i] < ' ' && (data[i] < '\t' || data[i] > '\r')) || data[i] == 127) return false;
  return true;
}

/* --- WAV --- */

static unroll_status bad_head(unroll_error *err) {
  return error_set(err, UNROLL_BAD_INPUT, "the head of this WAV file is cut off");
}

/* The chunk `name`; *size is what it says itself, which may be more than there is. NULL: there is none. */
static const unsigned char *chunk(const sound *s, const char *name, uint32_t *size) {
  for (size_t at = 12; s->size - at >= 8;) {
    *size = little(s->data + at + 4, 4);
    if (!memcmp(s->data + at, name, 4)) return s->data + at + 8;
    const size_t next = at + 8 + (size_t)*size + (*size & 1);
    if (next > s->size) break;
    at = next;
  }
  return NULL;
}

static unroll_status check_format(const sound *s, uint32_t block, unroll_error *err) {
  if (s->channels < 1 || s->channels > SOUND_MAX_CHANNELS)
    return error_set(err, UNROLL_BAD_INPUT, "%d channels, and 1 to %d can be read", s->channels, SOUND_MAX_CHANNELS);
  if (s->rate < 1 || s->rate > SOUND_MAX_RATE)
    return error_set(err, UNROLL_BAD_INPUT, "%u samples a second, and 1 to %d can be read", (unsigned)s->rate, SOUND_MAX_RATE);
  const bool good = s->real ? s->bits == 32 || s->bits == 64 : s->bits >= 8 && s->bits <= 32;
  if (!good) return error_set(err, UNROLL_BAD_INPUT, "samples of %d bits are not read in a WAV file", s->bits);
  if (block != (uint32_t)(s->channels * ((s->bits + 7) / 8)))
    return error_set(err, UNROLL_BAD_INPUT, "the head of this WAV file contradicts itself: %u bytes for %d channels of %d bits",
                     block, s->channels, s->bits);
  return UNROLL_OK;
}

static unroll_status wav_open(sound *s, unroll_error *err) {
  uint32_t size, left;
  const unsigned char *f = chunk(s, "fmt ", &size), *end = s->data + s->size;
  if (!f || size < 16 || end - f < (ptrdiff_t)size) return bad_head(err);
  uint32_t kind = little(f, 2);
  if (kind == 0xFFFE && size >= 26) kind = little(f + 24, 2);
  if (kind != 1 && kind != 3) return sound_library_open(s, err);
  s->channels = (int)little(f + 2, 2);
  s->rate = (int)little(f + 4, 4);
  s->bits = (int)little(f + 14, 2);
  s->real = kind == 3;
  const uint32_t block = little(f + 12, 2);
  unroll_status status = check_format(s, block, err);
  if (status) return status;
  const unsigned char *samples = chunk(s, "data", &size);
  if (!samples) return error_set(err, UNROLL_BAD_INPUT, "a WAV file without samples");
  left = (uint32_t)(end - samples);
  if (size == UINT32_MAX) size = left - left % block; /* written into a pipe: up to the end */
  if (size > left) return error_set(err, UNROLL_BAD_INPUT, "the recording is cut off: %u of %u bytes are there", left, size);
  if (size % block) return error_set(err, UNROLL_BAD_INPUT, "the recording ends in the middle of a sample");
  s->at = (size_t)(samples - s->data);
  s->frames = size / block;
  return UNROLL_OK;
}

/* --- files that libraries read: is all there that the head promises? They read what is left without a word --- */

/* Where the first frame of an MP3 file begins: behind the tag, if there is one. */
static uint64_t behind_tag(const unsigned char *data, size_t size) {
  if (!has(data, size, 0, "ID3") || size < 10) return 0;
  const uint64_t tag =
      (uint64_t)(data[6] & 127) << 21 | (uint32_t)(data[7] & 127) << 14 | (uint32_t)(data[8] & 127) << 7 | (data[9] & 127);
  return 10 + tag + (data[5] & 16 ? 10 : 0);
}

/* The size that the first frame says, where encoders have left a table of contents in it (Xing, Info, VBRI); else 0. */
static uint64_t promised_mp3(const unsigned char *data, size_t size) {
  const uint64_t begin = behind_tag(data, size);
  if (begin > size || size - begin < 4) return 0;
  const unsigned char *f = data + begin;
  const size_t left = size - (size_t)begin;
  const bool first = (f[1] >> 3 & 3) == 3, mono = f[3] >> 6 == 3; /* MPEG 1, or the rates below it */
  const size_t at = 4 + (size_t)(first ? (mono ? 17 : 32) : (mono ? 9 : 17));
  if (has(f, left, 36, "VBRI") && left >= 50) return begin + big(f + 46);
  if (!has(f, left, at, "Xing") && !has(f, left, at, "Info")) return 0;
  if (left < at + 16 || !(f[at + 7] & 2)) return 0;
  return begin + big(f + at + 8 + (f[at + 7] & 1 ? 4 : 0));
}

/* How many bytes the whole file has by its head; 0: it does not say. */
static uint64_t promised(const unsigned char *data, size_t size) {
  if (size < 12) return 0;
  const bool riff = has(data, size, 0, "RIFF"), au = has(data, size, 0, ".snd");
  const uint32_t said = riff ? little(data + 4, 4) : big(data + (au ? 8 : 4));
  if (is_mpeg(data, size)) return promised_mp3(data, size);
  if ((!riff && !au && !has(data, size, 0, "FORM")) || said == 0 || said == UINT32_MAX) return 0;
  return said + (au ? (uint64_t)big(data + 4) : 8) - (said & !au); /* the last chunk may lack its filler */
}

/* --- any file --- */

static unroll_status no_recording(const unsigned char *data, size_t size, unroll_error *err) {
  const known_file *k = known_find((const char *)data, size);
  const char *what = k ? k->is : has(data, size, 0, "RIFF") ? "a RIFF file, but no WAV" : is_text(data, size) ? "text" : NULL;
  return error_set(err, UNROLL_BAD_INPUT, "this is no recording%s%s; WAV, FLAC, OGG and MP3 can be read", what ? ": it is " : "",
                   what ? what : "");
}

unroll_status sound_open(sound *s, const unsigned char *data, size_t size, unroll_error *err) {
  *s = (sound){.data = data, .size = size};
  unroll_status status;
  if (!size) return error_set(err, UNROLL_BAD_INPUT, "the file is empty");
  if (has(data, size, 0, "RIFF") && has(data, size, 8, "WAVE"))
    status = wav_open(s, err);
  else if (is_of_library(data, size))
    status = sound_library_open(s, err);
  else if (is_mpeg(data, size))
    status = sound_mp3_open(s, err);
  else
    return no_recording(data, size, err);
  if (status) return status;
  if (s->frames < 1) return error_set(err, UNROLL_BAD_INPUT, "a recording without samples");
  const uint64_t whole = s->by == SOUND_BY_US ? 0 : promised(data, size);
  if (whole > size)
    return error_set(err, UNROLL_BAD_INPUT, "the recording is cut off: %zu of %" PRIu64 " bytes are there", size, whole);
  if (s->by != SOUND_BY_US && s->frames / SAMPLES_PER_BYTE > (int64_t)size)
    return error_set(err, UNROLL_BAD_INPUT, "the recording is cut off: %zu bytes do not hold %" PRId64 " samples", size, s->frames);
  return UNROLL_OK;
}

static float sample(const sound *s, const unsigned char *p) {
  if (s->real) {
    const uint32_t low = little(p, 4);
    float x;
    double y;
    if (s->bits == 32) return memcpy(&x, &low, sizeof x), x;
    const uint64_t all = low | (uint64_t)little(p + 4, 4) << 32;
    return memcpy(&y, &all, sizeof y), (float)y;
  }
  const int bytes = (s->bits + 7) / 8;
  if (bytes == 1) return (float)(p[0] - 128) / 128;
  const uint32_t high = little(p, bytes) << (32 - 8 * bytes); /* the sign to where that of 32 bits is */
  return (float)((double)(int32_t)high / 2147483648.0);
}

unroll_status sound_read(const sound *s, float *out, int64_t from, int64_t n, unroll_error *err) {
  if (n > SOUND_MAX_SAMPLES)
    return error_set(err, UNROLL_BAD_INPUT, "%" PRId64 " samples are more than the %d that are read at once", n, SOUND_MAX_SAMPLES);
  if (s->by != SOUND_BY_US) {
    const unroll_status status = (s->by == SOUND_BY_MPG123 ? sound_mp3_read : sound_library_read)(s, out, from, n, err);
    if (status) return status;
  } else {
    const size_t each = (size_t)(s->bits + 7) / 8;
    const unsigned char *p = s->data + s->at + (size_t)from * each * (size_t)s->channels;
    for (int64_t i = 0; i < n; i++) {
      float sum = 0;
      for (int c = 0; c < s->channels; c++, p += each) sum += sample(s, p);
      out[i] = sum / (float)s->channels;
    }
  }
  for (int64_t i = 0; i < n; i++)
    if (!isfinite(out[i]))
      return error_set(err, UNROLL_BAD_INPUT, "sample %" PRId64 " of the recording is no finite number", from + i + 1);
  return UNROLL_OK;
}
