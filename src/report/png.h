/* png.h - pictures and heat maps as data URIs: PNG without compression, which needs no library. */
#ifndef REPORT_PNG_H
#define REPORT_PNG_H
#include <stdint.h>
#include "base/text.h"

/* [rows][columns][channels] bytes, 1 (grey) or 3 channels. */
void png_picture(text *out, const uint8_t *pixels, int rows, int columns, int channels);

enum { PNG_LEVELS = 15 }; /* 7: nothing; below it blue, above it red, more and more opaque, for light and dark pages */
/* [rows][columns] levels. */
void png_heat(text *out, const uint8_t *levels, int rows, int columns);
/* The same of levels from 7 on, as a shade to lie over a picture: the largest leaves it as it is. */
void png_shade(text *out, const uint8_t *levels, int rows, int columns);
/* The level of x within -most .. most; NaN is 0. */
int png_level(double x, double most);
#endif
