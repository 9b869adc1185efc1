/* fft.h - the power spectrum of real numbers, in double precision, with the same bits on every machine. */
#ifndef READ_FFT_H
#define READ_FFT_H
#include <unroll.h>

typedef struct fft fft;
/* n: a power of 2, 4 to 2^16. */
unroll_status fft_new(fft **out, int n, unroll_error *err);
void fft_free(fft *f);
/* power[0 .. n / 2]: |sum over i of x[i] exp(-2 pi sqrt(-1) i k / n)|^2. */
void fft_power(fft *f, double *power, const double *x);
#endif
