/* sound_write.h - recordings as WAV files of 16 bits and one channel. */
#ifndef READ_SOUND_WRITE_H
#define READ_SOUND_WRITE_H
#include <stdint.h>
#include <unroll.h>
#include "base/text.h"

/* A head for n samples, and samples behind it, from -1 to 1: louder ones are cut off, as NaN is silence. */
unroll_status sound_write_head(text *out, int rate, int64_t n, unroll_error *err);
void sound_write_samples(text *out, const double *x, int64_t n);
#endif
