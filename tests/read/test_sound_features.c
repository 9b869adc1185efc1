/* test_sound_features.c - features beside those of numpy, the same bits everywhere, and the cells of tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "base/memory.h"
#include "read/sound_cell.h"
#include "sound_vectors.h"

/* As in sound_oracle.py. */
static void signal_of(float *x, int n, int rate) {
  const double pi = 3.14159265358979323846, length = (double)n / rate;
  for (int i = 0; i < n; i++) {
    const double t = (double)i / rate, chirp = 2 * pi * (200 * t + 0.5 * (0.42 * rate - 200) / length * t * t);
    const double y = 0.5 * sin(2 * pi * 440 * t) + 0.25 * sin(chirp);
    x[i] = (float)(i >= n - n / 5 ? 0 : i >= n / 2 ? 1e-3 * y : y);
  }
}

static void test_vectors(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof sound_vectors / sizeof *sound_vectors; i++) {
    const sound_form *f = &sound_vectors[i].form;
    float x[5000], out[5000];
    sound_maker *m;
    unroll_error err = {0};
    signal_of(x, sound_vectors[i].n, f->rate);
    if (sound_form_check(f, &err)) fail_msg("row %zu: %s", i, err.message);
    assert_int_equal(sound_form_width(f), sound_vectors[i].width);
    assert_int_equal(sound_form_steps(f, sound_vectors[i].n), sound_vectors[i].steps);
    assert_int_equal(sound_maker_new(&m, f, &err), UNROLL_OK);
    sound_make(m, out, x, sound_vectors[i].n);
    for (int k = 0; k < sound_vectors[i].steps * sound_vectors[i].width; k++) {
      const double want = (double)sound_vectors[i].want[k], error = fabs((double)out[k] - want);
      if (!(error <= 1e-4 * (fabs(want) > 1 ? fabs(want) : 1)))
        fail_msg("row %zu, number %d: %g, not %g", i, k, (double)out[k], want);
    }
    sound_maker_free(m);
  }
}

/* Integers in, so that nothing but the library's own arithmetic decides. */
static void test_bits(void **state) {
  (void)state;
  static const sound_form forms[] = {
      {.rate = 16000, .mel = 40, .stack = 1, .window = 25, .step = 10, .scale = SOUND_SCALE_EACH},
      {.rate = 8000, .mel = 26, .stack = 1, .window = 25, .step = 10, .mfcc = 13, .delta = 2, .scale = SOUND_SCALE_ALL},
  };
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    float x[4000], out[4000];
    uint32_t draw = 1;
    sound_maker *m;
    for (int k = 0; k < 4000; k++) {
      draw = draw * 1664525 + 1013904223;
      x[k] = (float)((int)(draw >> 16) - 32768) / (float)(32768 << (k / 500));
    }
    assert_int_equal(sound_maker_new(&m, &forms[i], NULL), UNROLL_OK);
    sound_make(m, out, x, 4000);
    const int64_t n = sound_form_steps(&forms[i], 4000) * sound_form_width(&forms[i]);
    for (int64_t k = 0; k < n; k++) {
      uint32_t bits;
      memcpy(&bits, &out[k], sizeof bits);
      hash = (hash ^ bits) * 1099511628211u;
    }
    sound_maker_free(m);
  }
  if (hash != 0x594704f77650296b) fail_msg("%llx", (unsigned long long)hash);
}

static const struct {
  sound_form form;
  const char *message;
} bad_forms[] = {
    {{.rate = 0}, "0 samples a second: 1000 to 192000 are possible"},
    {{.rate = 8000, .mel = 20}, "stack = 0: 1 to 4096 frames are possible"},
    {{.rate = 8000, .stack = 5000}, "stack = 5000: 1 to 4096 frames are possible"},
    {{.rate = 8000, .stack = 1, .raw = true, .delta = 1}, "raw samples have neither mfcc nor delta"},
    {{.rate = 8000, .stack = 1, .mel = 0, .window = 25, .step = 10}, "mel = 0: 1 to 512 are possible"},
    {{.rate = 8000, .stack = 1, .mel = 200, .window = 25, .step = 10},
     "mel = 200: band 1 is narrower than the spectrum of a window of 25 ms"},
    {{.rate = 8000, .stack = 1, .mel = 20, .mfcc = 21, .window = 25, .step = 10},
     "mfcc = 21: at most as many as bands, which are 20"},
    {{.rate = 8000, .stack = 1, .mel = 20, .delta = 3, .window = 25, .step = 10}, "delta = 3: 0, 1 or 2 are possible"},
    {{.rate = 8000, .stack = 1, .mel = 20, .window = 0.1, .step = 10}, "a window has 2 to 65536 samples"},
    {{.rate = 8000, .stack = 1, .mel = 20, .window = 25, .step = 0}, "a window has 2 to 65536 samples"},
    {{.rate = 8000, .stack = 1, .mel = 20, .window = 1e30, .step = 10}, "a window has 2 to 65536 samples"},
    {{.rate = 8000, .stack = 1, .mel = 20, .window = (double)NAN, .step = 10}, "a window has 2 to 65536 samples"},
    {{.rate = 8000, .stack = 1, .mel = 20, .window = 25, .step = 1e9}, "a window has 2 to 65536 samples"},
};

static void test_bad_forms(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bad_forms / sizeof *bad_forms; i++) {
    unroll_error err = {0};
    assert_int_equal(sound_form_check(&bad_forms[i].form, &err), UNROLL_BAD_INPUT);
    if (!strstr(err.message, bad_forms[i].message)) fail_msg("row %zu: %s", i, err.message);
  }
  assert_int_equal(sound_form_check(&(sound_form){.rate = 8000, .stack = 1, .raw = true}, NULL), UNROLL_OK);
  assert_int_equal(sound_form_width(&(sound_form){.rate = 8000, .stack = 1, .raw = true}), 1);
}

/* --- cells --- */

static char folder[64];

static void path_in(char path[128], const char *name) { snprintf(path, 128, "%s/%s", folder, name); }

/* 16 bits, one channel; sample i is i. */
static void write_wav(const char *name, int rate, int n) {
  unsigned char head[44] = "RIFF\0\0\0\0WAVEfmt \20\0\0\0\1\0\1\0\0\0\0\0\0\0\0\0\2\0\20\0data";
  char path[128];
  path_in(path, name);
  head[24] = (unsigned char)rate, head[25] = (unsigned char)(rate >> 8);
  head[40] = (unsigned char)(2 * n), head[41] = (unsigned char)(2 * n >> 8);
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  fwrite(head, 1, sizeof head, f);
  for (int i = 0; i < n; i++) fputc(i & 255, f), fputc(i >> 8, f);
  assert_int_equal(fclose(f), 0);
}

static int setup(void **state) {
  (void)state;
  char path[128];
  snprintf(folder, sizeof folder, "/tmp/unroll-sound-XXXXXX");
  if (!mkdtemp(folder)) return -1;
  write_wav("a.wav", 1000, 100);
  write_wav("b#1.wav", 1000, 10);
  write_wav("c + d.wav", 1000, 10);
  write_wav("fast.wav", 2000, 400);
  path_in(path, "pipe");
  if (mkfifo(path, 0600)) return -1;
  path_in(path, "folder");
  if (mkdir(path, 0700)) return -1;
  path_in(path, "huge.wav");
  FILE *f = fopen(path, "wb");
  if (!f || ftruncate(fileno(f), (off_t)SOUND_MAX_BYTES + 1) || fclose(f)) return -1;
  path_in(path, "text.wav");
  f = fopen(path, "wb");
  return !f || fputs("a text\n", f) < 0 || fclose(f);
}

static int teardown(void **state) {
  (void)state;
  static const char *const names[] = {"a.wav", "b#1.wav", "fast.wav", "c + d.wav", "pipe", "folder", "huge.wav", "text.wav"};
  char path[128];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    path_in(path, names[i]);
    if (remove(path)) return -1;
  }
  return rmdir(folder);
}

static unroll_status read_cell(sound_reader *r, const char *name, sound_cell *c, float out[512], unroll_error *err) {
  char beside[128];
  path_in(beside, "table.tsv");
  const unroll_status status = sound_cell_open(r, c, beside, name, strlen(name), err);
  if (status) return status;
  assert_true(c->steps > 0 && c->steps <= 512);
  return sound_cell_read(r, c, out, err);
}

static const struct {
  const char *name;
  int steps, first, last; /* samples of 16 bits */
} good_cells[] = {
    {"a.wav", 100, 0, 99},          {"a.wav#0-0.1", 100, 0, 99},     {"a.wav#0.02-0.05", 30, 20, 49},
    {"a.wav#.099-0.1", 1, 99, 99},  {"b#1.wav", 10, 0, 9},           {"b#1.wav#0.001-0.003", 2, 1, 2},
    {"a.wav#0-0.1004", 100, 0, 99}, {"b#1.wav + a.wav", 110, 0, 99}, {"a.wav#0.02-0.05 + b#1.wav  +  a.wav#0.01-0.012", 42, 20, 11},
    {"c + d.wav", 10, 0, 9},
};

static void test_cells(void **state) {
  (void)state;
  sound_reader *r;
  assert_int_equal(sound_reader_new(&r, &(sound_form){.rate = 1000, .raw = true, .stack = 1}, NULL), UNROLL_OK);
  for (size_t i = 0; i < sizeof good_cells / sizeof *good_cells; i++) {
    sound_cell c;
    float out[512];
    unroll_error err = {0};
    if (read_cell(r, good_cells[i].name, &c, out, &err)) fail_msg("%s: %s", good_cells[i].name, err.message);
    assert_int_equal(c.steps, good_cells[i].steps);
    assert_int_equal(32768 * (double)out[0], good_cells[i].first);
    assert_int_equal(32768 * (double)out[c.steps - 1], good_cells[i].last);
  }
  sound_cell c;
  float out[512];
  unroll_error err = {0};
  if (!read_cell(r, "fast.wav", &c, out, &err)) {
    assert_int_equal(c.steps, 200);
    assert_true(fabs((double)out[100] * 32768 - 200) < 1);
  } else
    assert_non_null(strstr(err.message, "built without libsamplerate"));
  char path[128];
  path_in(path, "a.wav");
  assert_int_equal(read_cell(r, path, &c, out, &err), UNROLL_OK); /* a full path */
  sound_reader_free(r);
}

static const struct {
  const char *name, *message;
} bad_cells[] = {
    {"none.wav", "cannot open: No such file or directory"},
    {"", "is a folder, not a file"},
    {"folder", "is a folder, not a file"},
    {"pipe", "is no regular file"},
    {"huge.wav", "the file is larger than 1024 MB"},
    {"text.wav", "this is no recording: it is text"},
    {"a.wav#0-0.2", "the part 0-0.2 ends beyond the recording, which has 0.1 seconds"},
    {"a.wav#0.05-0.05", "the part 0.05-0.05 is empty"},
    {"a.wav#0.05-0.01", "the part 0.05-0.01 is empty"},
    {"a.wav#0.05-0.0501", "the part 0.05-0.0501 has no samples"},
    {"a.wav#x-y", "cannot open"},
    {"a.wav#1", "cannot open"},
    {"a.wav + none.wav", "'none.wav': cannot open: No such file or directory"},
    {"none.wav + a.wav", "'none.wav': cannot open: No such file or directory"},
    {"a.wav + text.wav + a.wav", "'text.wav': this is no recording: it is text"},
    {"a.wav + a.wav#0-0.2", "'a.wav#0-0.2': the part 0-0.2 ends beyond the recording"},
    {"a.wav + ", "'': a name is missing"},
    {"a.wav +", "a name is missing beside '+'"},
    {"+ a.wav", "a name is missing beside '+'"},
    {"a.wav +  + a.wav", "'': a name is missing"},
};

static void test_bad_cells(void **state) {
  (void)state;
  sound_reader *r;
  const sound_form form = {.rate = 1000, .raw = true, .stack = 1};
  assert_int_equal(sound_reader_new(&r, &form, NULL), UNROLL_OK);
  for (size_t i = 0; i < sizeof bad_cells / sizeof *bad_cells; i++) {
    sound_cell c;
    float out[512];
    unroll_error err = {0};
    assert_int_equal(read_cell(r, bad_cells[i].name, &c, out, &err), UNROLL_BAD_INPUT);
    if (!strstr(err.message, bad_cells[i].message)) fail_msg("%s: %s", bad_cells[i].name, err.message);
  }
  sound_reader_free(r);
}

/* Every allocation and every operation on a file fails once. */
static void test_failures(void **state) {
  (void)state;
  static const sound_form forms[] = {{.rate = 2000, .mel = 4, .mfcc = 2, .stack = 1, .window = 25, .step = 10},
                                     {.rate = 1000, .raw = true, .stack = 1}};
  for (int i = 0; i < 4; i++)
    for (long n = 1;; n++) {
      sound_reader *r;
      sound_cell c;
      float out[512];
      unroll_error err = {0};
      (i < 2 ? mem_fail_after : file_fail_after)(n, 0);
      unroll_status status = sound_reader_new(&r, &forms[i % 2], &err);
      if (!status) status = read_cell(r, "a.wav#0-0.09", &c, out, &err);
      if (!status) status = read_cell(r, "a.wav#0-0.09 + b#1.wav", &c, out, &err);
      mem_fail_after(0, 0);
      file_fail_after(0, 0);
      sound_reader_free(r);
      assert_int_equal(mem_live(), 0);
      if (!status || strstr(err.message, "built without")) break;
      assert_int_equal(status, i < 2 ? UNROLL_FAILED : UNROLL_BAD_INPUT);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_vectors), cmocka_unit_test(test_bits),      cmocka_unit_test(test_bad_forms),
      cmocka_unit_test(test_cells),   cmocka_unit_test(test_bad_cells), cmocka_unit_test(test_failures),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
