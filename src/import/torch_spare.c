/* torch_spare.c - weights of modules for a net of the caller, where a state dict does not say how modules follow each other. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "import/cell_text.h"
#include "import/torch_modules.h"

/* Numbers of a convolution: [out, in, rows, columns] -> [out, rows, columns, in]. */
static unroll_status spare_conv(torch *t, const module *m) {
  const array *w = m->weight;
  char name[128];
  const int64_t n = w->shape[0], c = w->shape[1], k = w->shape[2];
  if (w->shape[3] != k)
    return BAD(t, "the convolution '%s' looks at %" PRId64 " x %" PRId64 " pixels, which is no square", m->name, k, w->shape[3]);
  float *x = layers_numbers(t->l, w->count), *zeros = layers_numbers(t->l, n);
  if (!x || !zeros) return error_memory(t->err);
  for (int64_t o = 0; o < n; o++)
    for (int64_t i = 0; i < c; i++)
      for (int64_t p = 0; p < k * k; p++) x[(o * k * k + p) * c + i] = w->x[(o * c + i) * k * k + p];
  snprintf(name, sizeof name, "%.100s.conv", m->name);
  bool full = layers_spare(t->l, name, (int)n, (int)(k * k * c), x);
  snprintf(name, sizeof name, "%.100s.conv_bias", m->name);
  full = full && layers_spare(t->l, name, (int)n, 0, m->bias ? m->bias->x : zeros);
  return full ? UNROLL_OK : error_memory(t->err);
}

/* Of a module that stands in no layer: its numbers by the names that a net has, where its variable is called as the module. */
static unroll_status spare_other(torch *t, const module *m) {
  char name[128], own[64];
  size_t n = 0;
  bool full = true;
  for (const char *s = m->name; *s && n < sizeof own - 1; s++)
    if (*s != '_' && *s != '.') own[n++] = *s;
  own[n] = 0;
#define SPARE(format, rows, cols, numbers)                                                                                         \
  (snprintf(name, sizeof name, format, own), full = full && layers_spare(t->l, name, rows, cols, numbers))
  if (m->kind == M_EMBEDDING) SPARE("E%s", (int)m->weight->shape[0], m->out, m->weight->x);
  if (m->kind == M_LINEAR) SPARE("W%s", m->out, m->in, m->weight->x);
  if (m->kind == M_LAYERNORM) SPARE("gain%s", m->out, 0, m->weight->x);
  if (m->kind != M_BATCHNORM && m->bias) SPARE("b%s", m->out, 0, m->bias->x);
  if (m->kind == M_BATCHNORM) {
    SPARE("%s.batchnorm", m->out, 0, m->weight->x);
    SPARE("%s.batchnorm_bias", m->out, 0, m->bias->x);
    SPARE("%s.batchnorm_mean", m->out, 0, m->mean->x);
    SPARE("%s.batchnorm_variance", m->out, 0, m->variance->x);
  }
#undef SPARE
  return full ? UNROLL_OK : error_memory(t->err);
}

/* After convolutions a vector has channel after channel, and here pixel after pixel. */
static unroll_status turn_flat(torch *t, int number) {
  module *m = &t->list[number];
  int channels = 0;
  for (int i = 0; i < number; i++) {
    if (t->list[i].kind == M_CONV) channels = t->list[i].out;
    if (t->list[i].kind == M_LINEAR || t->list[i].layers) channels = 0;
  }
  if (m->kind != M_LINEAR || !channels || m->in % channels) return UNROLL_OK;
  const int pixels = m->in / channels;
  float *x = layers_numbers(t->l, m->weight->count);
  if (!x) return error_memory(t->err);
  for (int r = 0; r < m->out; r++)
    for (int c = 0; c < channels; c++)
      for (int p = 0; p < pixels; p++) x[(int64_t)r * m->in + p * channels + c] = m->weight->x[(int64_t)r * m->in + c * pixels + p];
  m->weight->x = x;
  return UNROLL_OK;
}

static unroll_status spare_recurrent(torch *t, const module *m) {
  for (int k = 0; k < m->layers; k++)
    for (int d = 0; d < 1 + m->both; d++) {
      cell c;
      char name[128], own[64];
      const unroll_status status = torch_fill_cell(t, m, k, d == 1, k ? out_of(m) : m->in, &c);
      if (status) return status;
      const cell_parameters p = cell_parameters_of(&c);
      if (m->both)
        snprintf(own, sizeof own, "%.40s%s%d", m->name, d ? "back" : "", k + 1);
      else
        snprintf(own, sizeof own, k ? "%.40s.%d" : "%.40s", m->name, k + 1);
      for (int i = 0; i < p.n; i++) {
        snprintf(name, sizeof name, "%s.%s", own, p.list[i].name);
        if (!layers_spare(t->l, name, p.list[i].rows, p.list[i].cols, p.list[i].x)) return error_memory(t->err);
      }
    }
  return UNROLL_OK;
}

unroll_status torch_spare_all(torch *t) {
  unroll_status status = UNROLL_OK;
  for (int i = 0; i < t->n && !status; i++) {
    const module *m = &t->list[i];
    status = turn_flat(t, i);
    if (!status) status = m->kind == M_CONV ? spare_conv(t, m) : m->layers ? spare_recurrent(t, m) : spare_other(t, m);
    if (!status) torch_tell(t, m);
  }
  return status;
}
