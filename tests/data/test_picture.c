/* test_picture.c - pictures from bytes and from the cells of a table: what they become, what is refused, no allocation too few. */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/file.h"
#include "read/picture.h"
#include "tables.h"

/* 3 x 2 grey: 0 51 102, 153 204 255; 2 x 1 red and (0, 51, 255); 1 x 1 (255, 51, 0) without any opacity loss */
static const unsigned char grey_png[] = {137, 80,  78, 71,  13,  10, 26, 10, 0,  0,  0,   13,  73,  72,  68, 82, 0,   0,  0,
                                         3,   0,   0,  0,   2,   8,  0,  0,  0,  0,  184, 31,  57,  198, 0,  0,  0,   16, 73,
                                         68,  65,  84, 120, 218, 99, 96, 48, 78, 99, 152, 121, 230, 63,  0,  7,  154, 2,  254,
                                         7,   179, 80, 87,  0,   0,  0,  0,  73, 69, 78,  68,  174, 66,  96, 130};
static const unsigned char colour_png[] = {137, 80, 78, 71, 13,  10,  26,  10, 0,   0,   0,   13,  73, 72,  68,  82, 0,  0,
                                           0,   2,  0,  0,  0,   1,   8,   2,  0,   0,   0,   123, 64, 232, 221, 0,  0,  0,
                                           15,  73, 68, 65, 84,  120, 218, 99, 248, 207, 192, 192, 96, 252, 31,  0,  7,  102,
                                           2,   50, 40, 60, 218, 51,  0,   0,  0,   0,   73,  69,  78, 68,  174, 66, 96, 130};
static const unsigned char alpha_png[] = {137, 80,  78,  71, 13, 10,  26,  10, 0,   0,   0,   13,  73,  72,  68,  82,  0, 0,
                                          0,   1,   0,   0,  0,  1,   8,   6,  0,   0,   0,   31,  21,  196, 137, 0,   0, 0,
                                          13,  73,  68,  65, 84, 120, 218, 99, 248, 111, 204, 240, 31,  0,   5,   153, 2, 50,
                                          217, 246, 214, 31, 0,  0,   0,   0,  73,  69,  78,  68,  174, 66,  96,  130};
/* 8 x 8: left half 51, right half 204; all (200, 100, 50) */
static const unsigned char grey_jpeg[] = {
    255, 216, 255, 224, 0,   16,  74,  70, 73,  70,  0, 1,  1,  0,  0, 1,   0,   1,   0,   0,   255, 219, 0,   67, 0, 1, 1, 1, 1,
    1,   1,   1,   1,   1,   1,   1,   1,  1,   1,   1, 1,  1,  1,  1, 1,   1,   1,   1,   1,   1,   1,   1,   1,  1, 1, 1, 1, 1,
    1,   1,   1,   1,   1,   1,   1,   1,  1,   1,   1, 1,  1,  1,  1, 1,   1,   1,   1,   1,   1,   1,   1,   1,  1, 1, 1, 1, 1,
    1,   1,   255, 192, 0,   11,  8,   0,  8,   0,   8, 1,  1,  17, 0, 255, 196, 0,   20,  0,   1,   0,   0,   0,  0, 0, 0, 0, 0,
    0,   0,   0,   0,   0,   0,   0,   3,  255, 196, 0, 24, 16, 0,  2, 3,   0,   0,   0,   0,   0,   0,   0,   0,  0, 0, 0, 0, 0,
    0,   10,  72,  136, 199, 255, 218, 0,  8,   1,   1, 0,  0,  63, 0, 53,  212, 152, 117, 247, 110, 63,  255, 217};
static const unsigned char colour_jpeg[] = {
    255, 216, 255, 224, 0,   16,  74,  70, 73, 70, 0, 1, 1,   0,   0,   1,  0,  1,  0, 0,   255, 219, 0,   67, 0,   1,  1,   1,   1,
    1,   1,   1,   1,   1,   1,   1,   1,  1,  1,  1, 1, 1,   1,   1,   1,  1,  1,  1, 1,   1,   1,   1,   1,  1,   1,  1,   1,   1,
    1,   1,   1,   1,   1,   1,   1,   1,  1,  1,  1, 1, 1,   1,   1,   1,  1,  1,  1, 1,   1,   1,   1,   1,  1,   1,  1,   1,   1,
    1,   1,   255, 219, 0,   67,  1,   1,  1,  1,  1, 1, 1,   1,   1,   1,  1,  1,  1, 1,   1,   1,   1,   1,  1,   1,  1,   1,   1,
    1,   1,   1,   1,   1,   1,   1,   1,  1,  1,  1, 1, 1,   1,   1,   1,  1,  1,  1, 1,   1,   1,   1,   1,  1,   1,  1,   1,   1,
    1,   1,   1,   1,   1,   1,   1,   1,  1,  1,  1, 1, 1,   255, 192, 0,  17, 8,  0, 8,   0,   8,   3,   1,  34,  0,  2,   17,  1,
    3,   17,  1,   255, 196, 0,   21,  0,  1,  1,  0, 0, 0,   0,   0,   0,  0,  0,  0, 0,   0,   0,   0,   0,  0,   6,  255, 196, 0,
    20,  16,  1,   0,   0,   0,   0,   0,  0,  0,  0, 0, 0,   0,   0,   0,  0,  0,  0, 255, 196, 0,   20,  1,  1,   0,  0,   0,   0,
    0,   0,   0,   0,   0,   0,   0,   0,  0,  0,  0, 9, 255, 196, 0,   20, 17, 1,  0, 0,   0,   0,   0,   0,  0,   0,  0,   0,   0,
    0,   0,   0,   0,   0,   255, 218, 0,  12, 3,  1, 0, 2,   17,  3,   17, 0,  63, 0, 159, 0,   87,  155, 7,  255, 217};

#define BYTES(s) (const unsigned char *)(s), sizeof(s) - 1
#define ALL(a) (a), sizeof(a)
#define IDX "\0\0\010\003\0\0\0\002\0\0\0\001\0\0\0\002"

static const struct good {
  const unsigned char *data;
  size_t size;
  int number;
  picture_shape shape;
  double want[8];
} good_rows[] = {
    {BYTES("P2 # a comment\n2 2 # another\n10\n0 1\n2 10\n"), -1, {1, 2, 2}, {0, 0.1, 0.2, 1}},
    {BYTES("P3 1 2 255 255 0 51\n102 255 0"), -1, {3, 2, 1}, {1, 0, 0.2, 0.4, 1, 0}},
    {BYTES("P5 2 1 255\n\377\063"), -1, {1, 1, 2}, {1, 0.2}},
    {BYTES("P5\n2 1\n65535\n\377\377\0\0"), -1, {1, 1, 2}, {1, 0}},
    {BYTES("P6 1 1 255 \377\0\063"), -1, {3, 1, 1}, {1, 0, 0.2}},
    {BYTES("P5 1 1 255\nn"), -1, {3, 1, 1}, {110. / 255, 110. / 255, 110. / 255}}, /* grey as colours */
    {BYTES("P3 1 1 1 1 0 1"), -1, {1, 1, 1}, {0.413}},                             /* colours as grey */
    {BYTES("P2 4 2 10 0 2 4 6 2 4 10 8"), -1, {1, 1, 2}, {0.2, 0.7}},              /* smaller */
    {BYTES("P2 2 1 10 0 10"), -1, {1, 1, 4}, {0, 0, 1, 1}},                        /* larger */
    {BYTES("P2 3 1 10 0 3 9"), -1, {1, 1, 2}, {0.1, 0.7}},                         /* parts of pixels */
    {BYTES(IDX "\0\063\377\0"), 0, {1, 1, 2}, {0, 0.2}},
    {BYTES(IDX "\0\063\377\0"), 1, {1, 1, 2}, {1, 0}},
    {BYTES("\0\063\377\0\063\377"), 1, {3, 1, 1}, {0, 0.2, 1}}, /* a block of bytes */
    {BYTES("\0\063\377\0"), 0, {2, 2, 1}, {0, 0.2, 1, 0}},
    {ALL(grey_png), -1, {1, 2, 3}, {0, 0.2, 0.4, 0.6, 0.8, 1}},
    {ALL(colour_png), -1, {3, 1, 2}, {1, 0, 0, 0, 0.2, 1}},
    {ALL(alpha_png), -1, {3, 1, 1}, {1, 0.2, 0}},
    {ALL(grey_jpeg), -1, {1, 1, 2}, {0.2, 0.8}},
    {ALL(colour_jpeg), -1, {3, 1, 1}, {200. / 255, 100. / 255, 50. / 255}},
};

static unroll_status decode(const unsigned char *data, size_t size, int number, const picture_shape *shape, float *out,
                            unroll_error *err) {
  picture p;
  unroll_status status = picture_decode(&p, data, size, number, shape, err);
  if (!status) status = picture_fit(out, &p, shape, err);
  picture_free(&p);
  return status;
}

static bool not_built(const unroll_error *err) { return strstr(err->message, "built without") != NULL; }

static void test_good(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof good_rows / sizeof *good_rows; i++) {
    const struct good *g = &good_rows[i];
    const bool jpeg = g->data[0] == 0xFF;
    float out[8] = {0};
    unroll_error err = {0};
    if (decode(g->data, g->size, g->number, &g->shape, out, &err) != UNROLL_OK) {
      if (!not_built(&err)) fail_msg("row %zu: %s", i, err.message);
      continue;
    }
    for (int k = 0; k < g->shape.rows * g->shape.columns * g->shape.channels; k++)
      if (fabs((double)out[k] - g->want[k]) > (jpeg ? 0.01 : 1e-6)) fail_msg("row %zu: number %d is %g", i, k, (double)out[k]);
  }
  assert_int_equal(mem_live(), 0);
}

static const struct {
  const unsigned char *data;
  size_t size;
  int number;
  const char *message;
} bad_files[] = {
    {BYTES(""), -1, "the file is empty"},
    {BYTES("P4 1 1 \0"), -1, "of the PNM files PGM and PPM are read (P2, P3, P5, P6), not P4"},
    {BYTES("P5 2 1 255\nx"), -1, "cut off"},
    {BYTES("P5 1 1 255\nxx"), -1, "something follows the picture"},
    {BYTES("P5 1 1 10\nx"), -1, "number 1 of the picture is above 10"},
    {BYTES("P5 0 1 255\nx"), -1, "a picture without pixels"},
    {BYTES("P5 1 1 0\nx"), -1, "the head of a PGM or PPM file is wrong"},
    {BYTES("P5 1 1 65536\nx"), -1, "the head of a PGM or PPM file is wrong"},
    {BYTES("P5 99999999999 1 255\nx"), -1, "the head of a PGM or PPM file is wrong"},
    {BYTES("P5 65000 65000 255\nx"), -1, "cut off"},
    {BYTES("P2 2 1 255\n1"), -1, "the picture is cut off"},
    {BYTES("P2 2 1 255\n1 256"), -1, "number 2 of the picture is none from 0 to 255"},
    {BYTES("P2 2 1 255\n1 -2"), -1, "number 2 of the picture is none from 0 to 255"},
    {BYTES("P2 1 1 255\n1 2"), -1, "something follows the picture"},
    {BYTES("P5 1 1 255"), -1, "cut off"},
    {BYTES("hello"), -1, "this is no PGM, PPM, PNG or JPEG picture"},
    {BYTES("\x1f\x8b\010"), -1, "packed by gzip"},
    {BYTES("hello"), 0, "5 bytes are not a number of pictures of 1 x 2 x 1 bytes"},
    {BYTES("hell"), 2, "there is no picture 2: the file has 2 (0 is the first)"},
    {BYTES(IDX "\0\063\377\0"), -1, "an IDX file holds many pictures: say which one, as in FILE#0"},
    {BYTES(IDX "\0\063\377\0"), 2, "there is no picture 2"},
    {BYTES(IDX "\0\063\377"), 0, "longer or shorter than its sizes say"},
    {BYTES(IDX "\0\063\377\0\0"), 0, "longer or shorter than its sizes say"},
    {BYTES("\0\0\010\003\377\377\377\377\377\377\377\377\377\377\377\377"), 0, "no picture's"},
    {BYTES("\0\0\010\003\0\0"), 0, "an IDX file of pictures has bytes in 3 or 4 dimensions"},
    {BYTES("\x89PNG\r\n\x1a\n"), -1, "PNG"},
    {BYTES("\xFF\xD8\xFF"), -1, "JPEG"},
};

static void test_bad(void **state) {
  (void)state;
  const picture_shape shape = {1, 1, 2};
  for (size_t i = 0; i < sizeof bad_files / sizeof *bad_files; i++) {
    float out[2];
    unroll_error err = {0};
    assert_int_equal(decode(bad_files[i].data, bad_files[i].size, bad_files[i].number, &shape, out, &err), UNROLL_BAD_INPUT);
    if (!strstr(err.message, bad_files[i].message)) fail_msg("row %zu: %s", i, err.message);
  }
  float out[4];
  unroll_error err = {0};
  assert_int_equal(decode(BYTES("P5 1 1 255\nx"), -1, &(picture_shape){4, 1, 1}, out, &err), UNROLL_BAD_INPUT);
  assert_string_equal(err.message, "the picture has 1 channel, but 4 are wanted");
  assert_int_equal(mem_live(), 0);
}

/* Every beginning of a file is refused, and no byte that is changed does harm. */
static void test_damaged(void **state) {
  (void)state;
  static const struct {
    const unsigned char *data;
    size_t size;
  } files[] = {{ALL(grey_png)}, {ALL(alpha_png)}, {ALL(grey_jpeg)}, {ALL(colour_jpeg)}, {BYTES("P5 2 2 255\nabcd")}};
  const picture_shape shape = {1, 2, 2};
  float out[4];
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    for (size_t n = 1; n < files[i].size; n++) {
      unsigned char *beginning = mem_alloc(n);
      memcpy(beginning, files[i].data, n);
      if (decode(beginning, n, -1, &shape, out, NULL) != UNROLL_BAD_INPUT) fail_msg("file %zu is read after %zu bytes", i, n);
      mem_free(beginning);
    }
    for (size_t n = 0; n < files[i].size; n++) {
      unsigned char *all = mem_alloc(files[i].size);
      memcpy(all, files[i].data, files[i].size);
      all[n] ^= 0x55;
      const unroll_status status = decode(all, files[i].size, -1, &shape, out, NULL);
      assert_true(status == UNROLL_OK || status == UNROLL_BAD_INPUT);
      mem_free(all);
    }
  }
  assert_int_equal(mem_live(), 0);
}

static void test_memory(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof good_rows / sizeof *good_rows; i++)
    for (long n = 1;; n++) {
      float out[8];
      unroll_error err = {0};
      mem_fail_after(n, 0);
      const unroll_status status =
          decode(good_rows[i].data, good_rows[i].size, good_rows[i].number, &good_rows[i].shape, out, &err);
      mem_fail_after(0, 0);
      assert_int_equal(mem_live(), 0);
      if (status == UNROLL_OK || not_built(&err)) break;
      assert_int_equal(status, UNROLL_FAILED);
    }
}

/* --- cells --- */

#define PICTURE "data p : image(1, 1, 2)\ndata label : category\nlabel ~ softmax(W p + b)\n"
#define FRAMES "data p : image(1, 1, 2)\ndata label : category\nlabel ~ softmax(W last(rnn(p, 2)) + b)\n"

static void put(const char *name, const void *data, size_t size) {
  file_writer *w;
  assert_int_equal(file_begin(&w, name, NULL), UNROLL_OK);
  assert_int_equal(file_add(w, data, size, NULL), UNROLL_OK);
  assert_int_equal(file_commit(w, NULL), UNROLL_OK);
}

/* An array of NumPy, version 1. Of "turned.npy" the first axis runs fastest. */
static void put_array(const char *name, const char *type, const char *shape, const void *data, size_t size) {
  char all[256] = "\x93NUMPY\1\0";
  const int n = snprintf(all + 10, 200, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", type,
                         strcmp(name, "turned.npy") ? "False" : "True", shape);
  all[8] = (char)n;
  memcpy(all + 10 + n, data, size);
  put(name, all, 10 + (size_t)n + size);
}

static void put_tensors(const char *name, const char *head, const void *data, size_t size) {
  char all[512] = {0};
  const size_t n = strlen(head);
  all[0] = (char)(n & 255);
  all[1] = (char)(n >> 8);
  memcpy(all + 8, head, n);
  memcpy(all + 8 + n, data, size);
  put(name, all, 8 + n + size);
}

static int enter_folder(void **state) {
  static char folder[] = "/tmp/unroll-pictures-XXXXXX";
  *state = mkdtemp(folder);
  if (!*state || chdir(folder)) return 1;
  put("a b#.pgm", "P5 2 1 255\n\0\063", 13);
  put("c.pgm", "P2 2 1 10 10 5", 14);
  put("two.idx", IDX "\0\063\377\0", 20);
  put("bytes", "\0\063\377\0", 4);
  put("broken.pgm", "P5 2 1 255\n\0", 12);
  put_array("a.npy", "<f4", "(2, 1, 2)", "\0\0\200\77\0\0\0\300\0\0\0\77\0\0\100\100", 16);
  put_array("turned.npy", "<i2", "(2, 2)", "\1\0\2\0\3\0\4\0", 8);
  put_array("wide.npy", "<f8", "(1, 3)", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24);
  put_array("nan.npy", "<f2", "(1, 2)", "\0\76\0\176", 4);
  put_tensors("t.safetensors",
              "{\"first\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[0,16]},"
              "\"x\":{\"dtype\":\"F16\",\"shape\":[2,2],\"data_offsets\":[16,24]}}",
              "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\74\0\300\0\70\0\102", 24);
  put_tensors("two.safetensors",
              "{\"x\":{\"dtype\":\"U8\",\"shape\":[1,2],\"data_offsets\":[0,2]},"
              "\"y\":{\"dtype\":\"U8\",\"shape\":[1,1,2],\"data_offsets\":[2,4]}}",
              "abcd", 4);
  return 0;
}
static int leave_folder(void **state) {
  static const char *const names[] = {"a b#.pgm",   "c.pgm",    "two.idx", "bytes",         "broken.pgm",     "a.npy",
                                      "turned.npy", "wide.npy", "nan.npy", "t.safetensors", "two.safetensors"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) unlink(names[i]);
  return chdir("/") || rmdir(*state);
}

static const struct {
  const char *net, *series, *csv;
  int64_t steps;
  double numbers[8];
  int64_t stored; /* that are kept; 0: as many as there are */
} cell_rows[] = {
    {PICTURE, NULL, "p,label\na b#.pgm,x\n c.pgm ,y\n", 2, {0, 0.2, 1, 0.5}, 0},
    {PICTURE, NULL, "p,label\ntwo.idx#1,x\ntwo.idx#0,y\nbytes#1,x\n", 3, {1, 0, 0, 0.2, 1, 0}, 0},
    {PICTURE, NULL, "p,label\n0.5;-3,x\nc.pgm,y\n", 2, {0.5, -3, 1, 0.5}, 0},
    {PICTURE, NULL, "p1,p2,label\n7,8,x\n", 1, {7, 8}, 0},
    {FRAMES, NULL, "p,label\nbytes#0 c.pgm  two.idx#1,x\n", 3, {0, 0.2, 1, 0.5, 1, 0}, 0},
    {FRAMES, "s", "s,p,label\n1,bytes#1,\n1,a b#.pgm,x\n", 2, {1, 0, 0, 0.2}, 0},
    {PICTURE, NULL, "p,label\na.npy#1,x\na.npy#0,y\nturned.npy#0,x\n", 3, {0.5, 3, 1, -2, 1, 3}, 0},
    {PICTURE, NULL, "p,label\nt.safetensors#1,x\nt.safetensors#0,y\n", 2, {0.5, 3, 1, -2}, 0},
    {PICTURE, NULL, "p,label\nc.pgm,x\nbytes#1,y\nc.pgm,y\nc.pgm,x\n", 4, {1, 0.5, 1, 0, 1, 0.5, 1, 0.5}, 2},
    {PICTURE, NULL, "p,label\nc.pgm,x\n3;4,y\nc.pgm,y\n", 3, {1, 0.5, 3, 4, 1, 0.5}, 2},
    {FRAMES, NULL, "p,label\nbytes#0 c.pgm bytes#0,x\nc.pgm,y\n", 4, {0, 0.2, 1, 0.5, 0, 0.2, 1, 0.5}, 2},
};

static void test_cells(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cell_rows / sizeof *cell_rows; i++) {
    loaded x;
    unroll_error err = {0};
    if (load(&x, cell_rows[i].net, cell_rows[i].csv, cell_rows[i].series, &err)) fail_msg("row %zu: %s", i, err.message);
    const column_values *c = &x.d.columns[0];
    assert_int_equal(c->n, cell_rows[i].steps);
    assert_int_equal(c->stored, cell_rows[i].stored ? cell_rows[i].stored : c->n);
    for (int64_t k = 0; k < 2 * c->n; k++) {
      const double y = column_unscaled(c, &x.s.list[0], k / 2, (int)(k % 2));
      if (fabs(y - cell_rows[i].numbers[k]) > 1e-6) fail_msg("row %zu: number %d is %g", i, (int)k, y);
    }
    loaded_free(&x);
  }
  assert_int_equal(mem_live(), 0);
}

static const struct {
  const char *net, *series, *csv;
  int line, column;
  const char *message;
} bad_cells[] = {
    {PICTURE, NULL, "p,label\nc.pgm,x\nnone.pgm,y\n", 3, 1, "row 3, column 'p': 'none.pgm': "},
    {PICTURE, NULL, "p,label\nbroken.pgm,x\n", 2, 1, "row 2, column 'p': 'broken.pgm': the picture is cut off: 1 of 2 bytes"},
    {PICTURE, NULL, "label,p\nx,bytes#2\n", 2, 3, "row 2, column 'p': 'bytes#2': there is no picture 2: the file has 2"},
    {PICTURE, NULL, "p,label\nbytes,x\n", 2, 1, "of a file of bytes say which picture, as in FILE#0"},
    {PICTURE, NULL, "p,label\ntwo.idx,x\n", 2, 1, "an IDX file holds many pictures"},
    {PICTURE, NULL, "p,label\n,x\n", 2, 1, "empty: a picture is missing"},
    {PICTURE, NULL, "p,label\n1;2;3,x\n", 2, 1, "'1;2;3' has more than 2 numbers"},
    {PICTURE, NULL, "p,label\n.,x\n", 2, 1, "row 2, column 'p': '.': "},
    {PICTURE, NULL, "p,label\na.npy,x\n", 2, 1, "an array holds many pictures: say which one, as in FILE#0"},
    {PICTURE, NULL, "p,label\na.npy#2,x\n", 2, 1, "there is no picture 2: the array has 2"},
    {PICTURE, NULL, "p,label\nwide.npy#0,x\n", 2, 1, "a row of the array has 3 numbers, and 1 x 2 x 1 are wanted"},
    {PICTURE, NULL, "p,label\nnan.npy#0,x\n", 2, 1, "picture 0 has a number that is not finite"},
    {PICTURE, NULL, "p,label\ntwo.safetensors#0,x\n", 2, 1, "more than one tensor has rows of 1 x 2 x 1 numbers"},
    {PICTURE, NULL, "p,label\nc.pgm,x\nc.pgm,y\nc.pgm z,y\n", 4, 1, "row 4, column 'p': 'c.pgm z': "},
    {FRAMES, NULL, "p,label\nc.pgm none,x\n", 2, 7, "row 2, column 'p': 'none': "},
};

static void test_bad_cells(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bad_cells / sizeof *bad_cells; i++) {
    loaded x;
    unroll_error err = {0};
    const unroll_status status = load(&x, bad_cells[i].net, bad_cells[i].csv, bad_cells[i].series, &err);
    if (status != UNROLL_BAD_INPUT || err.line != bad_cells[i].line || err.column != bad_cells[i].column ||
        !strstr(err.message, bad_cells[i].message) || strcmp(err.file, "test.csv"))
      fail_msg("row %zu: %d, %s:%d:%d: %s", i, (int)status, err.file, err.line, err.column, err.message);
    loaded_free(&x);
  }
  assert_int_equal(mem_live(), 0);
}

static void test_cell_memory(void **state) {
  (void)state;
  for (long n = 1;; n++) {
    loaded x;
    mem_fail_after(n, 0);
    const unroll_status status =
        load(&x, PICTURE, "p,label\nc.pgm,x\ntwo.idx#1,y\nbytes#0,x\nc.pgm,y\na.npy#1,y\nt.safetensors#0,x\n", NULL, NULL);
    mem_fail_after(0, 0);
    loaded_free(&x);
    assert_int_equal(mem_live(), 0);
    if (status == UNROLL_OK) break;
    assert_int_equal(status, UNROLL_FAILED);
  }
}

/* Rows that are left out do not move the pictures of others, which share them; what batches get is what each row names. */
static void test_shared(void **state) {
  (void)state;
  static const char csv[] = "p,label\nc.pgm,x\nnone.pgm,x\nbytes#1,y\nc.pgm,y\nnone.pgm,y\nbytes#1,x\n";
  static const double want[4][2] = {{1, 0.5}, {1, 0}, {1, 0.5}, {1, 0}};
  loaded x;
  unroll_error err = {0};
  graph g;
  if (load_codes(&x, PICTURE, "test.csv", "p,label\nc.pgm,x\n", 16, NULL, &err)) fail_msg("%s", err.message);
  dataset_free(&x.d);
  table_free(&x.t);
  char *copy = mem_text(csv);
  assert_int_equal(table_parse(&x.t, "test.csv", copy, strlen(csv), &err), UNROLL_OK);
  x.t.skip = true;
  if (dataset_bind(&x.d, &x.t, &x.s, NULL, BIND_TRAINING, &err)) fail_msg("%s", err.message);
  if (schema_collect(&x.s, &x.d, 1, &err) || dataset_encode(&x.d, &x.s, &err)) fail_msg("%s", err.message);
  if (dataset_settle(&x.d, &x.s, &err)) fail_msg("%s", err.message);
  assert_int_equal(loaded_graph(&x, &g, &err), UNROLL_OK);
  dataset_measure(&x.d, &x.s, &g);
  assert_int_equal(x.d.n_sequences, 4);
  assert_int_equal(x.d.columns[0].stored, 2);
  part all;
  examples f;
  assert_int_equal(part_whole(&all, &x.d, &err), UNROLL_OK);
  if (examples_init(&f, &g, &x.s, &x.d, 4, 1, 4, false, &err)) fail_msg("%s", err.message);
  for (int i = 0; i < 4; i++) f.list[i] = 3 - i;
  examples_fill(&f, 4);
  int k = 0;
  while (g.inputs[k].data) k++;
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 2; j++) assert_true(fabs((double)f.number[k][2 * i + j] - want[3 - i][j]) < 1e-6);
  examples_free(&f);
  part_free(&all);
  graph_free(&g);
  loaded_free(&x);
  assert_int_equal(mem_live(), 0);
}

static uint64_t hash_of(const char *csv) {
  loaded x;
  unroll_error err = {0};
  if (load_codes(&x, PICTURE, "test.csv", csv, strlen(csv), NULL, &err)) fail_msg("%s", err.message);
  const uint64_t hash = dataset_hash_files(&x.d, &x.s);
  loaded_free(&x);
  return hash;
}

/* The table says the same, and a file that it names does not. */
static void test_hash(void **state) {
  (void)state;
  static const char csv[] = "p,label\nc.pgm,x\nbytes#1,y\nc.pgm,y\n", turned[] = "p,label\nbytes#1,x\nc.pgm,y\nbytes#1,y\n";
  const uint64_t before = hash_of(csv), other_rows = hash_of(turned);
  put("c.pgm", "P2 2 1 10 10 6", 14);
  const uint64_t changed = hash_of(csv);
  put("c.pgm", "P2 2 1 10 10 5", 14);
  assert_true(before != changed);
  assert_true(before != other_rows);
  assert_true(before == hash_of(csv));
  assert_int_equal(mem_live(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_good),        cmocka_unit_test(test_bad),    cmocka_unit_test(test_damaged),
      cmocka_unit_test(test_memory),      cmocka_unit_test(test_cells),  cmocka_unit_test(test_bad_cells),
      cmocka_unit_test(test_cell_memory), cmocka_unit_test(test_shared), cmocka_unit_test(test_hash),
  };
  return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
