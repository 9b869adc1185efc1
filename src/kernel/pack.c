/* pack.c - weights into panels: see the end of kernel.h for the layout.
 *
 * pack_cols copies pieces of rows. pack_rows is a transpose, done 16 steps of k at a time so that each piece of a row is read as
 * one cache line; a step's 16 lanes are written together. */
#include "kernel/kernel.h"
#include <string.h>

void pack_rows(float *out, int vectors, int v, const float *w, ptrdiff_t row, int first, int count, int k0, int k_count) {
  const ptrdiff_t step = (ptrdiff_t)vectors * LANES;
  const int lanes = count < LANES ? count : LANES;
  w += first * row + k0;
  out += v * LANES;
  int k = 0;
  for (; lanes == LANES && k + LANES <= k_count; k += LANES) {
    float t[LANES][LANES];
    for (int l = 0; l < LANES; l++) memcpy(t[l], w + l * row + k, sizeof t[l]);
    for (int i = 0; i < LANES; i++)
      for (int l = 0; l < LANES; l++) out[(k + i) * step + l] = t[l][i];
  }
  for (; k < k_count; k++)
    for (int l = 0; l < LANES; l++) out[k * step + l] = l < lanes ? w[l * row + k] : 0.0f;
}

void pack_cols(float *out, int vectors, int v, const float *w, ptrdiff_t row, int first, int count, int k0, int k_count) {
  const ptrdiff_t step = (ptrdiff_t)vectors * LANES;
  w += k0 * row + first;
  out += v * LANES;
  if (count >= LANES)
    for (int k = 0; k < k_count; k++) memcpy(out + k * step, w + k * row, sizeof *w * LANES);
  else
    for (int k = 0; k < k_count; k++)
      for (int l = 0; l < LANES; l++) out[k * step + l] = l < count ? w[k * row + l] : 0.0f;
}
