/* picture.h - pictures from files: PGM and PPM, PNG and JPEG where the libraries are there. IDX and raw blocks of bytes have
 * many pictures in one file.
 *
 * What a file is follows from its first bytes, never from its name. A block is a file with nothing but bytes: one picture of
 * the wanted shape after the other, in the order of a picture's values. Everything is untrusted: sizes are capped and checked
 * first. */
#ifndef READ_PICTURE_H
#define READ_PICTURE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unroll.h>

enum { PICTURE_MAX_SIDE = 1 << 16, PICTURE_MAX_PIXELS = 1 << 26 };

typedef struct picture {       /* as it is in the file */
  int rows, columns, channels; /* 1: grey; 3: red, green, blue; others from IDX and blocks */
  int most;                    /* the number for white */
  uint16_t *pixels;            /* [rows][columns][channels], a block for mem_free */
} picture;

typedef struct picture_shape {
  int channels, rows, columns;
} picture_shape;

/* Picture `number` of a file's bytes; -1: the only one. UNROLL_BAD_INPUT with a message that says what is wrong but not where.
 * picture_free in any case. */
unroll_status picture_decode(picture *p, const unsigned char *data, size_t size, int64_t number, const picture_shape *wanted,
                             unroll_error *err);
/* To numbers from 0 to 1 [rows][columns][channels] of the wanted shape. Another size is brought to it by areas: a pixel becomes the
 * mean of what it covers. Of colours the grey is 0.299 red + 0.587 green + 0.114 blue; grey as colours is three times the same. */
unroll_status picture_fit(float *out, const picture *p, const picture_shape *wanted, unroll_error *err);
void picture_free(picture *p);

/* Parts of picture_decode. `picture_room` checks the sizes. */
unroll_status picture_room(picture *p, int64_t rows, int64_t columns, int channels, int most, unroll_error *err);
unroll_status picture_pnm(picture *p, const unsigned char *data, size_t size, unroll_error *err);
unroll_status picture_png(picture *p, const unsigned char *data, size_t size, unroll_error *err);
unroll_status picture_jpeg(picture *p, const unsigned char *data, size_t size, unroll_error *err);
#endif
