/* around.c - see layers.h. Steps before and behind, side by side: what a convolution over the steps looks at. */
#include "import/layers.h"

int layers_shift(layers *l, const char *name, int from, int steps) {
  int at = from;
  for (int k = 0; steps && k < 3 && at >= 0; k++) {
    if (k != 1 && steps > 0) continue;
    at = layers_add(l, k == 1 ? LAYER_SHIFT : LAYER_OVER, name, at);
    if (at < 0) break;
    layers_at(l, at)->function = "reverse";
    layers_at(l, at)->first = steps < 0 ? -steps : steps;
  }
  return at;
}

int layers_around(layers *l, const char *name, int from, int before, int size, int dilation) {
  int taps[LAYER_INPUTS] = {0};
  const int width = l->list[from].width;
  for (int j = 0; j < size; j++) {
    taps[j] = layers_shift(l, name, from, before - j * dilation);
    if (taps[j] < 0) return -1;
  }
  if (size < 2) return taps[0];
  const int at = layers_add(l, LAYER_CONCAT, "around", taps[0]);
  if (at < 0) return -1;
  layer *all = layers_vector(l, at, width * size);
  for (int j = 1; j < size; j++) all->in[all->n_in++] = taps[j];
  return at;
}
