/* Moving pictures: blocks of bytes, IDX, folders, GIFs with an encoder of the test's own, films; frames by their times; damaged
 * files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "read/video.h"

static char folder[] = "/tmp/unroll-video-XXXXXX";
static int enter_folder(void **state) {
  (void)state;
  return !mkdtemp(folder) || chdir(folder);
}
static int leave_folder(void **state) {
  (void)state;
  char command[100];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return chdir("/") || system(command);
}

static void put(const char *name, const void *data, size_t size) {
  FILE *f = fopen(name, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(data, 1, size, f), size);
  fclose(f);
}
#define PUT(name, s) put(name, s, sizeof(s) - 1)

static bool not_built(const unroll_error *err) {
  return strstr(err->message, "built without") != NULL || strstr(err->message, "is not there to read it") != NULL;
}

/* All frames of a file; *n: their number. The numbers of each are the same, so the first entry says which frame it is. */
static unroll_status read_all(const char *name, const video_form *form, float *out, int64_t room, int64_t *n, unroll_error *err) {
  video *v;
  const int64_t each = (int64_t)form->shape.channels * form->shape.rows * form->shape.columns;
  unroll_status status = video_open(&v, name, form, n, err);
  for (int64_t i = 0; i < *n && !status; i++) {
    assert_true((i + 1) * each <= room);
    status = video_next(v, out + i * each, err);
  }
  if (!status) assert_int_equal(video_next(v, out, NULL), UNROLL_BAD_INPUT); /* and no more */
  video_close(v);
  return status;
}

/* --- GIFs: a small encoder --- */

typedef struct packer {
  text bytes;
  uint32_t held;
  int n;
} packer;

static void code(packer *p, int value, int width) {
  p->held |= (uint32_t)value << p->n;
  for (p->n += width; p->n >= 8; p->n -= 8, p->held >>= 8) text_add(&p->bytes, (const char[]){(char)(p->held & 255)}, 1);
}

/* LZW of indices below 2^bits, into blocks of 255 bytes. */
static void pack(text *out, const unsigned char *x, size_t n, int bits) {
  static int prefix[4096];
  static unsigned char suffix[4096];
  const int clear = 1 << bits;
  int used = clear + 2, width = bits + 1, at = x[0];
  packer p = {0};
  code(&p, clear, width);
  for (size_t i = 1; i < n; i++) {
    int k = clear + 2;
    while (k < used && (prefix[k] != at || suffix[k] != x[i])) k++;
    if (k < used) {
      at = k;
      continue;
    }
    code(&p, at, width);
    if (used == 4096) {
      code(&p, clear, width);
      used = clear + 2, width = bits + 1;
    } else {
      prefix[used] = at;
      suffix[used] = x[i];
      if (used++ == 1 << width) width++;
    }
    at = x[i];
  }
  code(&p, at, width);
  code(&p, clear + 1, width > 12 ? 12 : width);
  code(&p, 0, 7);
  text_add(out, (const char[]){(char)bits}, 1);
  for (size_t i = 0; i < p.bytes.length; i += 255) {
    const size_t here = p.bytes.length - i < 255 ? p.bytes.length - i : 255;
    text_add(out, (const char[]){(char)here}, 1);
    text_add(out, p.bytes.data + i, here);
  }
  text_add(out, "", 1);
  text_free(&p.bytes);
}

/* The head with a palette of 4: black, a fifth of white, two fifths, white. */
static void gif_head(text *out, int columns, int rows) {
  const char size[4] = {(char)columns, 0, (char)rows, 0};
  text_add(out, "GIF89a", 6);
  text_add(out, size, 4);
  text_add(out, "\x81\0\0\0\0\0\x33\x33\x33\x66\x66\x66\xFF\xFF\xFF", 15);
}
static void gif_frame(text *out, int delay, int disposal, int transparent, int left, int top, int columns, int rows,
                      bool interlaced, const char *x) {
  const char control[8] = {0x21, (char)0xF9, 4, (char)(disposal << 2 | (transparent >= 0)), (char)delay, 0, (char)transparent, 0};
  const char image[10] = {0x2C, (char)left, 0, (char)top, 0, (char)columns, 0, (char)rows, 0, interlaced ? 0x40 : 0};
  text_add(out, control, 8);
  text_add(out, image, 10);
  pack(out, (const unsigned char *)x, (size_t)(columns * rows), 2);
}

static void check_gif(const text *gif, const video_form *form, const char *want, int64_t frames) {
  float out[200];
  int64_t n;
  unroll_error err = {0};
  put("a.gif", gif->data, gif->length);
  if (read_all("a.gif", form, out, 200, &n, &err)) fail_msg("%s", err.message);
  assert_int_equal(n, frames);
  for (size_t i = 0; i < strlen(want); i++)
    if (fabsf(out[i] - (float)(want[i] == '3' ? 5 : want[i] - '0') / 5) > 1e-6f) fail_msg("number %zu is %g", i, (double)out[i]);
}

static void gifs_are_read(void **state) {
  (void)state;
  text gif = {0};
  /* the second is laid over the first, but for what is transparent, and is cleared after; the third restores; the last one stays */
  gif_head(&gif, 3, 2);
  gif_frame(&gif, 10, 0, -1, 0, 0, 3, 2, false, "\1\2\3\3\2\1");
  gif_frame(&gif, 20, 2, 0, 1, 0, 2, 1, false, "\0\1");
  gif_frame(&gif, 0, 3, -1, 0, 1, 1, 1, false, "\0");
  text_add(&gif, "\x21\xFE\4note\0", 8); /* a comment */
  gif_frame(&gif, 10, 0, -1, 2, 1, 1, 1, false, "\3");
  text_add(&gif, ";", 1);
  check_gif(&gif, &(video_form){{1, 2, 3}, 0, 0, -1},
            "123321"
            "121321"
            "100021"
            "100323",
            4);
  check_gif(&gif, &(video_form){{1, 2, 3}, 0, 2, 3}, "100021", 1);
  /* they begin at 0, 0.1, 0.3 and 0.4 seconds; the end is at 0.5 */
  check_gif(&gif, &(video_form){{1, 2, 3}, 10, 0, -1},
            "123321"
            "121321"
            "121321"
            "100021"
            "100323",
            5);
  check_gif(&gif, &(video_form){{1, 2, 3}, 4, 0, -1},
            "123321"
            "121321",
            2);
  check_gif(&gif, &(video_form){{1, 2, 3}, 0.1, 0, -1}, "123321", 1);
  text_free(&gif);
  gif_head(&gif, 1, 9); /* rows 0, 8, 4, 2, 6, 1, 3, 5, 7 */
  gif_frame(&gif, 10, 0, -1, 0, 0, 1, 9, true, "\0\1\2\3\0\1\2\3\0");
  text_add(&gif, ";", 1);
  check_gif(&gif, &(video_form){{1, 9, 1}, 0, 0, -1}, "013223001", 1);
  text_free(&gif);
  assert_int_equal(mem_live(), 0);
}

/* Noise fills the table of texts and begins it anew; stripes make texts that name themselves. */
static void long_texts_are_unpacked(void **state) {
  (void)state;
  enum { SIDE = 120 };
  static char x[SIDE * SIDE];
  static float out[SIDE * SIDE];
  for (int noise = 0; noise < 2; noise++) {
    text gif = {0};
    uint32_t random = 1;
    int64_t n;
    unroll_error err = {0};
    for (int i = 0; i < SIDE * SIDE; i++)
      x[i] = (char)(noise ? (random = random * 1664525 + 1013904223) >> 30 : (unsigned)i / 50 % 2);
    gif_head(&gif, SIDE, SIDE);
    gif_frame(&gif, 10, 0, -1, 0, 0, SIDE, SIDE, false, x);
    text_add(&gif, ";", 1);
    put("b.gif", gif.data, gif.length);
    if (read_all("b.gif", &(video_form){{1, SIDE, SIDE}, 0, 0, -1}, out, SIDE * SIDE, &n, &err)) fail_msg("%s", err.message);
    for (int i = 0; i < SIDE * SIDE; i++)
      if (fabsf(out[i] - (x[i] == 3 ? 1 : (float)x[i] / 5)) > 1e-6f) fail_msg("number %d is %g", i, (double)out[i]);
    text_free(&gif);
  }
}

/* --- the others --- */

static const struct {
  const char *name;
  video_form form;
  int frames;
  float want[8];
} good[] = {
    {"block", {{1, 1, 2}, 0, 0, -1}, 3, {0, 1, 0.2f, 1, 0.4f, 1}},
    {"block", {{1, 1, 2}, 25, 1, 3}, 2, {0.2f, 1, 0.4f, 1}},
    {"block", {{3, 2, 1}, 0, 0, -1}, 1, {0, 1, 0.2f, 1, 0.4f, 1}},
    {"idx", {{1, 1, 2}, 0, 0, -1}, 2, {0, 1, 0.2f, 0.4f}},
    {"idx", {{1, 1, 1}, 0, 1, -1}, 1, {0.3f}},
    {"frames", {{1, 1, 1}, 0, 0, -1}, 4, {0, 0.2f, 0.4f, 1}},
    {"frames", {{1, 1, 1}, 5, 3, -1}, 1, {1}},
    {"film.y4m", {{1, 2, 2}, 0, 0, -1}, 3, {0, 0, 0, 0, 1, 1, 1, 1}},
    {"film.y4m", {{1, 1, 1}, 5, 0, -1}, 2, {0, 0}}, /* at 0.0 and 0.2 seconds of 0.3 */
};

static void make_files(void) {
  PUT("block", "\0\377\063\377\146\377");
  PUT("idx", "\0\0\10\3\0\0\0\2\0\0\0\1\0\0\0\2\0\377\063\146");
  assert_int_equal(mkdir("frames", 0700), 0);
  PUT("frames/f1.pgm", "P2 1 1 5 0");
  PUT("frames/f2.pgm", "P2 1 1 5 1");
  PUT("frames/f10.pgm", "P2 1 1 5 2");
  PUT("frames/g.pgm", "P2 1 1 5 5");
  PUT("film.y4m", "YUV4MPEG2 W2 H2 F10:1 Ip A1:1 Cmono\nFRAME\n\0\0\0\0FRAME\n\377\377\377\377FRAME\n\0\0\0\0");
}

static void frames_are_read(void **state) {
  (void)state;
  make_files();
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    float out[16] = {0};
    int64_t n;
    unroll_error err = {0};
    if (read_all(good[i].name, &good[i].form, out, 16, &n, &err)) {
      if (not_built(&err)) continue;
      fail_msg("row %zu: %s", i, err.message);
    }
    assert_int_equal(n, good[i].frames);
    const picture_shape s = good[i].form.shape;
    for (int64_t k = 0; k < n * s.channels * s.rows * s.columns && k < 8; k++)
      if (fabsf(out[k] - good[i].want[k]) > 1e-6f) fail_msg("row %zu: number %d is %g", i, (int)k, (double)out[k]);
  }
  assert_int_equal(mem_live(), 0);
}

static const struct {
  const char *name;
  video_form form;
  const char *message;
} bad[] = {
    {"none", {{1, 1, 1}, 0, 0, -1}, "cannot open"},
    {"empty", {{1, 1, 1}, 0, 0, -1}, "the file is empty"},
    {"pipe", {{1, 1, 1}, 0, 0, -1}, "is no regular file"},
    {"nothing", {{1, 1, 1}, 0, 0, -1}, "there is no frame in it"},
    {"block", {{1, 2, 2}, 0, 0, -1}, "this is no GIF or film, and 6 bytes are not a number of frames of 2 x 2 x 1 bytes"},
    {"block", {{1, 1, 2}, 0, 3, -1}, "there are no frames 3 to 2: it has 3 (0 is the first)"},
    {"block", {{1, 1, 2}, 0, 1, 4}, "there are no frames 1 to 3: it has 3 (0 is the first)"},
    {"block", {{1, 1, 2}, 0, 2, 2}, "there are no frames 2 to 1"},
    {"short.idx", {{1, 1, 1}, 0, 0, -1}, "longer or shorter than its sizes say"},
    {"huge.idx", {{1, 1, 1}, 0, 0, -1}, "the sizes in this IDX file are no picture's"},
    {"none.idx", {{1, 1, 1}, 0, 0, -1}, "there is no frame in it"},
    {"two channels.idx", {{1, 1, 1}, 0, 0, -1}, "the picture has 2 channels, but 1 are wanted"},
    {"mixed", {{1, 1, 1}, 0, 0, -1}, "'b.txt': this is no PGM, PPM, PNG or JPEG picture"},
    {"version.gif", {{1, 1, 1}, 0, 0, -1}, "a GIF of an unknown version"},
    {"head.gif", {{1, 1, 1}, 0, 0, -1}, "the GIF is cut off"},
    {"flat.gif", {{1, 1, 1}, 0, 0, -1}, "a picture without pixels"},
    {"large.gif", {{1, 1, 1}, 0, 0, -1}, "a picture of 65535 x 65535 pixels is too large"},
    {"kind.gif", {{1, 1, 1}, 0, 0, -1}, "the GIF has a block of an unknown kind"},
    {"outside.gif", {{1, 1, 1}, 0, 0, -1}, "a frame of the GIF does not fit into its picture"},
    {"colours.gif", {{1, 1, 1}, 0, 0, -1}, "a frame of the GIF has no colours"},
    {"packed.gif", {{1, 1, 1}, 0, 0, -1}, "a frame of the GIF is packed in an unknown way"},
    {"damaged.gif", {{1, 1, 1}, 0, 0, -1}, "frame 0 of the GIF is damaged"},
    {"no frames.gif", {{1, 1, 1}, 0, 0, -1}, "there is no frame in it"},
    {"head.y4m", {{1, 2, 2}, 0, 0, -1}, "the film cannot be read"},
    {"film.mp4", {{1, 2, 2}, 0, 0, -1}, "the film cannot be read"},
};

static void broken_files_are_refused(void **state) {
  (void)state;
  PUT("empty", "");
  assert_int_equal(mkfifo("pipe", 0600), 0);
  assert_int_equal(mkdir("nothing", 0700) || mkdir("mixed", 0700), 0);
  PUT("mixed/a.pgm", "P2 1 1 5 0");
  PUT("mixed/b.txt", "hello");
  PUT("short.idx", "\0\0\10\3\0\0\0\2\0\0\0\1\0\0\0\2\0\377\063");
  PUT("huge.idx", "\0\0\10\3\377\377\377\377\377\377\377\377\377\377\377\377");
  PUT("none.idx", "\0\0\10\4\0\0\0\0\0\0\377\377\0\0\377\377\0\0\20\0");
  PUT("two channels.idx", "\0\0\10\4\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\2ab");
  PUT("version.gif", "GIF88a\1\0\1\0\0\0\0;");
  PUT("head.gif", "GIF89a\1\0\1\0\200\0\0\0\0");
  PUT("flat.gif", "GIF89a\1\0\0\0\0\0\0;");
  PUT("large.gif", "GIF89a\377\377\377\377\0\0\0;");
  PUT("kind.gif", "GIF89a\1\0\1\0\0\0\0?");
  PUT("outside.gif", "GIF89a\1\0\1\0\200\0\0\0\0\0\1\1\1,\1\0\0\0\1\0\1\0\0\2\2\104\1\0;");
  PUT("colours.gif", "GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2\104\1\0;");
  PUT("packed.gif", "GIF89a\1\0\1\0\200\0\0\0\0\0\1\1\1,\0\0\0\0\1\0\1\0\0\11\2\104\1\0;");
  PUT("damaged.gif", "GIF89a\1\0\1\0\200\0\0\0\0\0\1\1\1,\0\0\0\0\1\0\1\0\0\2\1\377\0;");
  PUT("no frames.gif", "GIF89a\1\0\1\0\0\0\0;");
  PUT("head.y4m", "YUV4MPEG2 W2 H2");
  PUT("film.mp4", "\0\0\0\20ftypisom\0\0\0\0");
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    float out[16];
    int64_t n;
    unroll_error err = {0};
    const unroll_status status = read_all(bad[i].name, &bad[i].form, out, 16, &n, &err);
    if (status && not_built(&err)) continue;
    if (status != UNROLL_BAD_INPUT || !strstr(err.message, bad[i].message))
      fail_msg("row %zu: %d, '%s'", i, (int)status, err.message);
  }
  assert_int_equal(mem_live(), 0);
}

/* Each beginning of a GIF is refused, no changed byte does harm. */
static void damaged_gifs_do_no_harm(void **state) {
  (void)state;
  const video_form form = {{1, 2, 2}, 0, 0, -1};
  float out[400];
  text gif = {0};
  int64_t n;
  gif_head(&gif, 3, 2);
  gif_frame(&gif, 10, 0, -1, 0, 0, 3, 2, false, "\1\2\3\3\2\1");
  gif_frame(&gif, 20, 3, 0, 1, 0, 2, 1, false, "\0\1");
  text_add(&gif, ";", 1);
  for (size_t size = 0; size < gif.length; size++) {
    put("c.gif", gif.data, size);
    if (read_all("c.gif", &form, out, 400, &n, NULL) != UNROLL_BAD_INPUT && size >= 6) fail_msg("%zu bytes are enough", size);
  }
  for (size_t i = 0; i < gif.length; i++)
    for (int k = 0; k < 3; k++) {
      const char was = gif.data[i];
      gif.data[i] ^= (char)(k == 0 ? 0x55 : k == 1 ? 1 : 0x80);
      put("c.gif", gif.data, gif.length);
      gif.data[i] = was;
      const unroll_status status = read_all("c.gif", &form, out, 400, &n, NULL);
      assert_true(status == UNROLL_OK || status == UNROLL_BAD_INPUT);
    }
  text_free(&gif);
  assert_int_equal(mem_live(), 0);
}

static void every_allocation_fails_once(void **state) {
  (void)state;
  static const char *const names[] = {"block", "idx", "frames", "a.gif", "film.y4m"};
  const video_form form = {{1, 1, 2}, 0, 0, -1};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    for (long n = 1;; n++) {
      float out[100];
      int64_t frames;
      unroll_error err = {0};
      mem_fail_after(n, 0);
      const unroll_status status = read_all(names[i], &form, out, 100, &frames, &err);
      mem_fail_after(0, 0);
      assert_int_equal(mem_live(), 0);
      if (!status || not_built(&err)) break;
      if (status != UNROLL_FAILED) fail_msg("%s, allocation %ld: %d, '%s'", names[i], n, (int)status, err.message);
      assert_true(n < 200);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gifs_are_read),           cmocka_unit_test(long_texts_are_unpacked),
      cmocka_unit_test(frames_are_read),         cmocka_unit_test(broken_files_are_refused),
      cmocka_unit_test(damaged_gifs_do_no_harm), cmocka_unit_test(every_allocation_fails_once),
  };
  return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
