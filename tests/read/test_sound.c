/* test_sound.c - recordings from bytes: what they become, what is refused, no allocation too few. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/memory.h"
#include "read/sound.h"

/* libsndfile 1.2 loses a block when the head of an Ogg file is damaged. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void) { return "leak:vorbis_info_init"; }

#define BYTES(s) (const unsigned char *)(s), sizeof(s) - 1
/* The head of a WAV file with a format chunk of 16 bytes: kind, channels, rate, bytes a second (not looked at), block, bits. */
#define HEAD(kind, channels, rate, block, bits)                                                                                    \
  "RIFF\0\0\0\0WAVEfmt \20\0\0\0" kind "\0" channels "\0" rate "\0\0\0\0" block "\0" bits "\0"
#define AT8000 "\100\037\0\0"
#define DATA(size) "data" size "\0\0\0"
#define PCM16 HEAD("\1", "\1", AT8000, "\2", "\20")

static const struct {
  const unsigned char *data;
  size_t size;
  int rate, frames;
  float want[4];
} good_rows[] = {
    {BYTES(PCM16 DATA("\6") "\0\100\0\200\0\0"), 8000, 3, {0.5f, -1, 0}},
    {BYTES(HEAD("\1", "\1", AT8000, "\1", "\10") DATA("\4") "\0\200\300\100"), 8000, 4, {-1, 0, 0.5f, -0.5f}},
    {BYTES(HEAD("\1", "\1", "\104\254\0\0", "\3", "\30") DATA("\6") "\0\0\100\0\0\340"), 44100, 2, {0.5f, -0.25f}},
    {BYTES(HEAD("\1", "\1", AT8000, "\4", "\40") DATA("\10") "\0\0\0\100\0\0\0\200"), 8000, 2, {0.5f, -1}},
    {BYTES(HEAD("\1", "\1", AT8000, "\2", "\14") DATA("\2") "\0\100"), 8000, 1, {0.5f}}, /* 12 bits in 16 */
    {BYTES(HEAD("\3", "\1", AT8000, "\4", "\40") DATA("\10") "\0\0\0\77\0\0\200\277"), 8000, 2, {0.5f, -1}},
    {BYTES(HEAD("\3", "\1", AT8000, "\10", "\100") DATA("\10") "\0\0\0\0\0\0\340\77"), 8000, 1, {0.5f}},
    {BYTES(HEAD("\1", "\2", AT8000, "\4", "\20") DATA("\10") "\0\100\0\40\0\300\0\300"), 8000, 2, {0.375f, -0.5f}}, /* the mean */
    {BYTES(PCM16 "LIST\3\0\0\0abc\0" DATA("\2") "\0\100LIST\0\0\0\0"), 8000, 1, {0.5f}},
    {BYTES(PCM16 "data\377\377\377\377\0\100\0\300\7"), 8000, 2, {0.5f, -0.5f}}, /* written into a pipe */
    {BYTES("RIFF\0\0\0\0WAVEfmt \50\0\0\0\376\377\1\0" AT8000
           "\0\0\0\0\2\0\20\0\26\0\20\0\4\0\0\0\1\0\0\0\0\0\20\0\200\0\0\252\0\70\233\161" DATA("\2") "\0\100"),
     8000,
     1,
     {0.5f}}, /* extensible */
};

static unroll_status read_all(const unsigned char *data, size_t size, float *out, int room, sound *s, unroll_error *err) {
  const unroll_status status = sound_open(s, data, size, err);
  if (status) return status;
  return sound_read(s, out, 0, s->frames < room ? s->frames : room, err);
}

static void test_wav(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof good_rows / sizeof *good_rows; i++) {
    float out[4];
    sound s;
    unroll_error err = {0};
    if (read_all(good_rows[i].data, good_rows[i].size, out, 4, &s, &err)) fail_msg("row %zu: %s", i, err.message);
    assert_int_equal(s.rate, good_rows[i].rate);
    assert_int_equal(s.frames, good_rows[i].frames);
    for (int k = 0; k < good_rows[i].frames; k++)
      if (out[k] != good_rows[i].want[k]) fail_msg("row %zu: sample %d is %g", i, k, (double)out[k]);
    if (good_rows[i].frames < 2) continue;
    assert_int_equal(sound_read(&s, out, 1, 1, &err), UNROLL_OK);
    assert_true(out[0] == good_rows[i].want[1]);
  }
}

static const struct {
  const unsigned char *data;
  size_t size;
  const char *message;
} bad_rows[] = {
    {BYTES(""), "the file is empty"},
    {BYTES("hello, this is no sound\n"), "this is no recording: it is text"},
    {BYTES("\xFF\xD8\xFF\xE0\0\20JFIF"), "this is no recording: it is a JPEG picture"},
    {BYTES("\x89PNG\r\n\32\n"), "this is no recording: it is a PNG picture"},
    {BYTES("PK\3\4\24\0"), "this is no recording: it is a ZIP archive"},
    {BYTES("\x1F\x8B\10"), "gzip"},
    {BYTES("\0\0\0\40ftypM4A \0\0\0\0"), "an MP4 film or sound"},
    {BYTES("MThd\0\0\0\6"), "a MIDI file"},
    {BYTES("RIFF\0\0\0\0AVI LIST"), "it is an AVI film"},
    {BYTES("\0\1\2\3"), "this is no recording; WAV, FLAC, OGG and MP3 can be read"},
    {BYTES("\377\376h\0i\0"), "this is no recording: it is a text in UTF-16"}, /* and not MPEG */
    {BYTES("RIFF\0\0\0\0WAVE"), "the head of this WAV file is cut off"},
    {BYTES("RIFF\0\0\0\0WAVEfmt \20\0\0\0\1\0"), "the head of this WAV file is cut off"},
    {BYTES(PCM16), "a WAV file without samples"},
    {BYTES(PCM16 "LIST\377\377\377\377abc"), "a WAV file without samples"},
    {BYTES(PCM16 DATA("\0")), "a recording without samples"},
    {BYTES(PCM16 "data\377\377\377\377"), "a recording without samples"},
    {BYTES(PCM16 DATA("\6") "\0\100\0\200"), "the recording is cut off: 4 of 6 bytes are there"},
    {BYTES(PCM16 "data\0\0\0\200\0\100"), "the recording is cut off: 2 of 2147483648 bytes are there"},
    {BYTES(PCM16 DATA("\3") "\0\100\0"), "ends in the middle of a sample"},
    {BYTES(HEAD("\1", "\0", AT8000, "\0", "\20") DATA("\2") "\0\100"), "0 channels, and 1 to 64 can be read"},
    {BYTES(HEAD("\1", "\1", "\0\0\0\0", "\2", "\20") DATA("\2") "\0\100"), "0 samples a second"},
    {BYTES(HEAD("\1", "\1", "\377\377\377\377", "\2", "\20") DATA("\2") "\0\100"), "4294967295 samples a second"},
    {BYTES(HEAD("\1", "\1", AT8000, "\1", "\4") DATA("\2") "\0\100"), "samples of 4 bits are not read"},
    {BYTES(HEAD("\1", "\1", AT8000, "\10", "\100") DATA("\10") "12345678"), "samples of 64 bits are not read"},
    {BYTES(HEAD("\1", "\1", AT8000, "\4", "\20") DATA("\4") "1234"), "contradicts itself: 4 bytes for 1 channels of 16 bits"},
    {BYTES(HEAD("\3", "\1", AT8000, "\4", "\40") DATA("\10") "\0\0\0\77\0\0\300\177"),
     "sample 2 of the recording is no finite number"},
};

static void test_bad(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bad_rows / sizeof *bad_rows; i++) {
    float out[8];
    sound s;
    unroll_error err = {0};
    assert_int_equal(read_all(bad_rows[i].data, bad_rows[i].size, out, 8, &s, &err), UNROLL_BAD_INPUT);
    if (!strstr(err.message, bad_rows[i].message)) fail_msg("row %zu: %s", i, err.message);
  }
}

/* A tone of 440 Hz, amplitude 0.5; the mean with a second channel of half the amplitude is 0.375. */
static const struct {
  const char *name;
  int rate, frames;
  double amplitude, error;
} files[] = {
    {"tone.flac", 8000, 800, 0.5, 1e-4},     {"tone.ogg", 8000, 800, 0.5, 0.05},  {"tone.mp3", 16000, 1600, 0.5, 0.05},
    {"stereo.aiff", 8000, 200, 0.375, 1e-4}, {"mulaw.wav", 8000, 200, 0.5, 0.02}, {"opus.ogg", 48000, 4800, 0.5, 0.1},
};

static bool not_built(const unroll_error *err) { return strstr(err->message, "built without") != NULL; }

static void load(const char *name, char **data, size_t *size) {
  char path[512];
  unroll_error err = {0};
  snprintf(path, sizeof path, "%s/tests/read/sounds/%s", UNROLL_SOURCE_DIR, name);
  if (file_read(path, data, size, &err)) fail_msg("%s: %s", path, err.message);
}

static void test_files(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char *data;
    size_t size;
    float out[4800];
    sound s;
    unroll_error err = {0};
    load(files[i].name, &data, &size);
    if (read_all((unsigned char *)data, size, out, 4800, &s, &err)) {
      if (!not_built(&err)) fail_msg("%s: %s", files[i].name, err.message);
      mem_free(data);
      continue;
    }
    assert_int_equal(s.rate, files[i].rate);
    assert_int_equal(s.frames, files[i].frames);
    double worst = 0;
    for (int k = s.rate / 100; k < s.frames - s.rate / 100; k++) {
      const double want = files[i].amplitude * sin(2 * 3.14159265358979323846 * 440 * k / s.rate),
                   error = fabs((double)out[k] - want);
      if (error > worst) worst = error;
    }
    if (worst > files[i].error) fail_msg("%s: %g beside the tone", files[i].name, worst);
    float part[100];
    assert_int_equal(sound_read(&s, part, 50, 100, &err), UNROLL_OK);
    for (int k = 0; k < 100; k++) assert_true(fabs((double)(part[k] - out[50 + k])) < 1e-3 + files[i].error / 5);
    mem_free(data);
  }
}

/* No beginning of a file, and no byte that is changed, does harm; what is read is all there and finite. */
static void harmless(const unsigned char *from, size_t size, const char *name, bool all_refused) {
  for (size_t n = 0; n < 2 * size; n++) {
    const bool cut = n < size;
    const size_t length = cut ? n : size;
    unsigned char *copy = mem_alloc(length + 1);
    float out[64];
    sound s;
    unroll_error err = {0};
    memcpy(copy, from, length);
    if (!cut) copy[n - size] ^= 0x55;
    const unroll_status status = read_all(copy, length, out, 64, &s, &err);
    if (status && (status != UNROLL_BAD_INPUT || !err.message[0])) fail_msg("%s: status %d", name, status);
    if (cut && all_refused && !status) fail_msg("%s is read after %zu bytes", name, n);
    mem_free(copy);
  }
}

/* And nothing is printed: what libraries would say goes nowhere else. */
static void test_damaged(void **state) {
  (void)state;
  const size_t longest = 700; /* of the others the head is enough */
  FILE *said = tmpfile();
  const int old = dup(STDERR_FILENO);
  assert_true(said && old >= 0 && dup2(fileno(said), STDERR_FILENO) >= 0);
  for (size_t i = 0; i < 9; i++) harmless(good_rows[i].data, good_rows[i].size - (i == 8 ? 8 : 0), "wav", true);
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char *data;
    size_t size;
    load(files[i].name, &data, &size);
    harmless((unsigned char *)data, size < longest ? size : longest, files[i].name, false);
    mem_free(data);
  }
  fflush(stderr);
  dup2(old, STDERR_FILENO);
  close(old);
  assert_int_equal(lseek(fileno(said), 0, SEEK_END), 0);
  fclose(said);
  assert_int_equal(mem_live(), 0);
}

static void test_cut_flac(void **state) {
  (void)state;
  char *data;
  size_t size;
  float out[800];
  sound s;
  unroll_error err = {0};
  load("tone.flac", &data, &size);
  const unroll_status status = read_all((unsigned char *)data, size - 100, out, 800, &s, &err);
  assert_int_equal(status, UNROLL_BAD_INPUT);
  if (!not_built(&err) && !strstr(err.message, "cut off or damaged after")) fail_msg("%s", err.message);
  /* the number of samples in the head, of which 160 bytes cannot hold so many */
  memcpy(data + 21, "\364\0\0\0\0", 5);
  data[21] |= 0x0F;
  assert_int_equal(sound_open(&s, (unsigned char *)data, 160, &err), UNROLL_BAD_INPUT);
  if (!not_built(&err) && !strstr(err.message, "160 bytes do not hold")) fail_msg("%s", err.message);
  mem_free(data);
}

/* What libraries would read up to the end that is left: the head says how much there was. */
static void test_cut(void **state) {
  (void)state;
  static const char *const names[] = {"stereo.aiff", "mulaw.wav", "tone.mp3", "tone.mp3"};
  static const char tag[] = "ID3\4\0\0\0\0\0\5hello";
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char *data;
    size_t size;
    float out[1600];
    sound s;
    unroll_error err = {0};
    load(names[i], &data, &size);
    if (i == 3) { /* with a tag before it */
      data = mem_resize(data, size + sizeof tag);
      memmove(data + sizeof tag - 1, data, size);
      memcpy(data, tag, sizeof tag - 1);
      size += sizeof tag - 1;
    }
    if (read_all((unsigned char *)data, size, out, 1600, &s, &err)) {
      if (!not_built(&err)) fail_msg("%s: %s", names[i], err.message);
    } else
      for (size_t k = 2; k < 100; k++) {
        char whole[64];
        snprintf(whole, sizeof whole, "the recording is cut off: %zu of ", size - k);
        assert_int_equal(sound_open(&s, (unsigned char *)data, size - k, &err), UNROLL_BAD_INPUT);
        if (!strstr(err.message, whole)) fail_msg("%s without %zu bytes: %s", names[i], k, err.message);
      }
    mem_free(data);
  }
}

/* A tone at another rate is the tone. */
static void test_resample(void **state) {
  (void)state;
  static const int rates[][2] = {{16000, 8000}, {8000, 16000}, {44100, 16000}, {11025, 8000}};
  for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
    const int from = rates[i][0], to = rates[i][1];
    const int64_t n = from / 10, m = sound_resampled(n, from, to);
    float x[8820], y[8820];
    unroll_error err = {0};
    assert_true(m == to / 10 || m == to / 10 + 1);
    for (int64_t k = 0; k < n; k++) x[k] = (float)sin(2 * 3.14159265358979323846 * 440 * (double)k / from);
    if (sound_resample(y, x, n, from, to, &err)) {
      assert_true(not_built(&err));
      continue;
    }
    for (int64_t k = m / 3; k < m - m / 3; k++)
      if (fabs((double)y[k] - sin(2 * 3.14159265358979323846 * 440 * (double)k / to)) > 1e-3)
        fail_msg("%d to %d: %d", from, to, (int)k);
  }
  assert_int_equal(sound_resampled(5, 8000, 8000), 5);
  assert_int_equal(sound_resampled(5, 8000, 4000), 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_wav),      cmocka_unit_test(test_bad), cmocka_unit_test(test_files),    cmocka_unit_test(test_damaged),
      cmocka_unit_test(test_cut_flac), cmocka_unit_test(test_cut), cmocka_unit_test(test_resample),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
