/* around.c - see layers.h. Steps before and behind, side by side: what a convolution over the steps looks at.
 *
 * Here a sequence keeps its steps. Behind a pool another program has fewer. Then the values that it has stand at some of the steps:
 * from step `late` on at every `rate`-th. Between them there is something that nothing may look at. */
#include "import/layers.h"
#include <stdio.h>
#include <string.h>

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

int layers_ticks(layers *l, int at) {
  const int late = l->list[at].late, rate = l->list[at].rate;
  float *w = layers_numbers(l, l->list[at].width), *b = layers_numbers(l, 1);
  const int one = w && b ? layers_add(l, LAYER_LINEAR, "one", at) : -1;
  if (one < 0) return -1;
  b[0] = 1;
  layer *y = layers_vector(l, one, 1);
  y->W = w;
  y->b = b;
  y->late = y->rate = 0;
  const int valid = layers_shift(l, "valid", one, late);
  if (rate < 2 || valid < 0) return valid;
  const int clock = layers_add(l, LAYER_CLOCK, "clock", valid),
            first = clock < 0 ? -1 : layers_add(l, LAYER_APPLY, "begins", clock);
  const int tick = first < 0 ? -1 : layers_add(l, LAYER_BINARY, "tick", valid);
  if (tick < 0) return -1;
  layers_at(l, clock)->first = rate;
  layers_at(l, first)->function = "less(%s, 1.5)";
  layers_at(l, tick)->function = "*";
  layers_at(l, tick)->in[layers_at(l, tick)->n_in++] = first;
  return tick;
}

int layers_window(layers *l, const char *name, int at, int size, bool mean) {
  const int rate = l->list[at].rate > 1 ? l->list[at].rate : 1;
  int sum = at;
  for (int j = 1; j < size; j++) {
    const int other = layers_shift(l, name, at, j * rate), next = other < 0 ? -1 : layers_add(l, LAYER_BINARY, name, sum);
    if (next < 0) return -1;
    layers_at(l, next)->function = mean ? "+" : "max";
    layers_at(l, next)->in[layers_at(l, next)->n_in++] = other;
    sum = next;
  }
  if (!mean || size < 2) return sum;
  char own[32];
  snprintf(own, sizeof own, "%%s / %d", size);
  const char *function = arena_text(&l->memory, own, strlen(own));
  sum = function ? layers_add(l, LAYER_APPLY, name, sum) : -1;
  if (sum >= 0) layers_at(l, sum)->function = function;
  return sum;
}
