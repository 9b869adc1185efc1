/* fft.c - see fft.h. The transform is kissfft's, which is compiled in here: nothing is planned by measuring, so that its sums have
 * one order. Its tables get our own cosine, and it prints nothing (NDEBUG) and allocates nothing. */
#include "read/fft.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "base/same.h"

static double cos_of(double x) {
  const double turn = x * 0.15915494309189535;
  return same_cos_turn(turn - floor(turn));
}
static double sin_of(double x) { return cos_of(x - 1.5707963267948966); }

#ifndef NDEBUG
#define NDEBUG
#endif
#define kiss_fft_scalar double
#define cos cos_of
#define sin sin_of
#include <kissfft/kiss_fft.c>
#include <kissfft/kiss_fftr.c>
#undef cos
#undef sin

struct fft {
  kiss_fftr_cfg plan;
  kiss_fft_cpx *out; /* [n / 2 + 1] */
  int half;
};

unroll_status fft_new(fft **out, int n, unroll_error *err) {
  size_t size = 0;
  kiss_fftr_alloc(n, 0, NULL, &size);
  fft *f = *out = mem_zero(1, sizeof *f);
  void *room = mem_zero(1, size);
  if (f) {
    f->half = n / 2;
    f->out = mem_zero((size_t)f->half + 1, sizeof *f->out);
    f->plan = room;
  }
  if (!f || !room || !f->out) {
    if (f)
      fft_free(f);
    else
      mem_free(room);
    *out = NULL;
    return error_memory(err);
  }
  kiss_fftr_alloc(n, 0, room, &size);
  return UNROLL_OK;
}

void fft_free(fft *f) {
  if (!f) return;
  mem_free(f->plan);
  mem_free(f->out);
  mem_free(f);
}

void fft_power(fft *f, double *power, const double *x) {
  kiss_fftr(f->plan, x, f->out);
  for (int k = 0; k <= f->half; k++) power[k] = f->out[k].r * f->out[k].r + f->out[k].i * f->out[k].i;
}
