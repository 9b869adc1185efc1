/* listen.c - see listen.h. Steps go through the net up to CHUNK at a time. Its states are carried from one pass to the next. So
 * are the last steps of its input where equations look back at them. */
#include "use/listen.h"
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "data/cell.h"
#include "dist/distribution.h"
#include "graph/cut.h"
#include "read/sound_stream.h"
#include "run/make.h"

enum { CHUNK = 16, LARGEST_HEAD = 1 << 16 };
enum head { HEAD_UNKNOWN, HEAD_DONE };

struct listener {
  const model *m;
  const variable *sound, *said;
  sound_form form;
  sound_stream *stream;
  cut c;
  plan *plan;
  run *run;
  distribution logits;
  int lags;       /* the most that an equation looks back */
  float *steps;   /* [lags + CHUNK][width]: those before, then those of a pass */
  float **number; /* [inputs] */
  batch b;
  batch_axis *axes;
  int active[CHUNK];
  int64_t first[CHUNK + 1];
  int last; /* of the path */
  int64_t heard;
  enum head head;
  text bytes;   /* the head so far; half a sample */
  int64_t left; /* bytes of samples that the head promises; -1: all that come */
};

/* --- what can be heard so --- */

bool listen_is_for(const model *m) {
  int sounds = 0, texts = 0, others = 0;
  for (int i = 0; i < m->schema.n; i++) {
    const variable *v = &m->schema.list[i];
    const bool is_sound = v->form.of == &data_kinds[KIND_audio] && !v->predicted;
    sounds += is_sound;
    texts += v->over >= 0;
    others += !is_sound && v->over < 0;
  }
  return sounds == 1 && texts == 1 && !others;
}

static unroll_status cut_out(listener *l, unroll_error *err) {
  unroll_status status = cut_graph(&l->c, &l->m->g, l->said->over, err);
  if (status) return status;
  const graph *d = &l->c.decoder;
  bool forward = l->c.heads.n_losses == 1;
  for (int i = 0; i < l->c.n_boundary; i++) forward = false;
  for (int i = 0; i < d->n_carries; i++) forward &= l->c.starts[i] == NODE_NONE;
  for (int i = 0; i < d->n_inputs; i++) {
    forward &= d->inputs[i].data >= 0 && !d->inputs[i].index;
    if (d->inputs[i].lag > l->lags) l->lags = d->inputs[i].lag;
  }
  if (forward) return UNROLL_OK;
  return error_set(
      err, UNROLL_USAGE,
      "the net needs all of '%s' before it can say anything, because something in it goes backward or looks at all steps: a "
      "recording that still goes on is for nets in one direction",
      l->sound->form.name);
}

/* --- making --- */

static unroll_status make_room(listener *l, unroll_error *err) {
  const graph *d = &l->c.decoder;
  const plan_options how = {
      .precision = l->m->precision, .max_rows = 1, .max_steps = CHUNK, .keep = l->logits.nodes, .n_keep = l->logits.n_args};
  const unroll_status status = run_make(&l->run, &l->plan, d, &how, l->m->weights, NULL, err);
  if (status) return status;
  const size_t width = (size_t)l->sound->width;
  l->steps = mem_zero((size_t)(l->lags + CHUNK) * width, sizeof *l->steps);
  l->axes = mem_zero((size_t)d->n_axes + 1, sizeof *l->axes);
  l->number = mem_zero((size_t)d->n_inputs + 1, sizeof *l->number);
  if (!l->steps || !l->axes || !l->number) return error_memory(err);
  for (int i = 0; i < d->n_inputs; i++) l->number[i] = l->steps + (size_t)(l->lags - d->inputs[i].lag) * width;
  for (int t = 0; t < CHUNK; t++) l->active[t] = 1, l->first[t + 1] = t + 1;
  for (int a = 0; a < d->n_axes; a++) l->axes[a] = (batch_axis){.active = l->active, .first = l->first};
  l->b = (batch){.rows = 1, .axes = l->axes, .number = (const float *const *)l->number, .loss_scale = 1, .varying = d->varying};
  l->last = l->said->words.n; /* the blank */
  run_carry_reset(l->run);
  return UNROLL_OK;
}

unroll_status listen_new(listener **out, const model *m, unroll_error *err) {
  *out = NULL;
  if (!listen_is_for(m))
    return error_set(err, UNROLL_USAGE,
                     "a recording that still goes on is for models of one recording, and nothing else, whose text ctc predicts");
  listener *l = mem_zero(1, sizeof *l);
  if (!l) return error_memory(err);
  l->m = m;
  l->left = -1;
  for (int i = 0; i < m->schema.n; i++) *(m->schema.list[i].over >= 0 ? &l->said : &l->sound) = &m->schema.list[i];
  unroll_status status = cell_sound_form(&l->form, l->sound, err);
  if (!status) status = cut_out(l, err);
  if (!status) status = sound_stream_new(&l->stream, &l->form, err);
  if (!status) status = distribution_of(&l->logits, &l->c.heads, 0, l->said, err);
  if (!status) status = make_room(l, err);
  if (status)
    listen_free(l);
  else
    *out = l;
  return status;
}

void listen_free(listener *l) {
  if (!l) return;
  run_free(l->run);
  plan_free(l->plan);
  sound_stream_free(l->stream);
  cut_free(&l->c);
  mem_free(l->steps);
  mem_free(l->axes);
  mem_free(l->number);
  text_free(&l->bytes);
  mem_free(l);
}

/* --- steps --- */

static void say(listener *l, int32_t symbol, text *to) {
  const enum symbol_unit unit = l->said->words.unit;
  if ((unit == UNIT_WORDS || unit == UNIT_LABELS) && l->heard) text_add(to, " ", 1);
  const size_t at = to->length;
  vocabulary_add_text(&l->said->words, symbol, to);
  if (unit == UNIT_BPE && !l->heard && !to->failed && to->data[at] == ' ') { /* the space before the first word */
    memmove(to->data + at, to->data + at + 1, to->length - at);
    to->length--;
  }
  l->heard++;
}

/* n steps that lie behind the earlier ones. */
static unroll_status pass(listener *l, int n, text *to, unroll_error *err) {
  const int width = l->logits.widths[0];
  ptrdiff_t stride;
  for (int a = 0; a < l->c.decoder.n_axes; a++) l->axes[a].steps = a == l->c.axis ? n : 0;
  run_pass(l->run, &l->b, 0);
  const float *x = run_value(l->run, l->logits.nodes[0], &stride);
  for (int t = 0; t < n; t++, x += stride) {
    int best = 0;
    for (int k = 0; k < width; k++) {
      if (isnan(x[k]) || x[k] == INFINITY) return error_set(err, UNROLL_FAILED, "the model's output is not finite");
      if (x[k] > x[best]) best = k;
    }
    if (best != l->last && best != width - 1) say(l, best, to);
    l->last = best;
  }
  const size_t each = (size_t)l->sound->width;
  memmove(l->steps, l->steps + (size_t)n * each, (size_t)l->lags * each * sizeof *l->steps);
  return to->failed ? error_memory(err) : UNROLL_OK;
}

static unroll_status run_steps(listener *l, bool ends, text *to, unroll_error *err) {
  const size_t width = (size_t)l->sound->width;
  const variable *v = l->sound;
  unroll_status status = UNROLL_OK;
  for (int n = CHUNK; n == CHUNK && !status;) {
    for (n = 0; n < CHUNK; n++) {
      float *x = l->steps + (size_t)(l->lags + n) * width;
      if (!sound_stream_next(l->stream, x, ends)) break;
      for (size_t j = 0; j < width && v->mean; j++) x[j] = (float)(((double)x[j] - v->mean[j]) / v->deviation[j]);
    }
    if (n) status = pass(l, n, to, err);
  }
  return status;
}

/* --- samples --- */

static uint32_t little(const char *p, int bytes) {
  uint32_t x = 0;
  for (int i = 0; i < bytes; i++) x |= (uint32_t)(unsigned char)p[i] << 8 * i;
  return x;
}

static unroll_status check_format(const listener *l, const char *p, unroll_error *err) {
  const unsigned kind = little(p, 2), channels = little(p + 2, 2), rate = little(p + 4, 4), bits = little(p + 14, 2);
  if ((kind == 1 || kind == 0xFFFE) && channels == 1 && rate == (unsigned)l->form.rate && bits == 16) return UNROLL_OK;
  return error_set(err, UNROLL_BAD_INPUT,
                   "a recording that still goes on needs samples of 16 bits, one channel and %d a second; these are of %u bits, %u "
                   "channel%s and %u a "
                   "second%s",
                   l->form.rate, bits, channels, channels == 1 ? "" : "s", rate, kind == 1 || kind == 0xFFFE ? "" : ", packed");
}

/* The head of a WAV file, if there is one, as far as it has come: *samples is where the samples begin; 0: not yet. */
static unroll_status find_samples(listener *l, bool ends, size_t *samples, unroll_error *err) {
  const char *s = l->bytes.data;
  const size_t size = l->bytes.length;
  bool format = false;
  *samples = 0;
  if (size < 4 && !ends) return UNROLL_OK;
  l->head = HEAD_DONE;
  if (size < 4 || memcmp(s, "RIFF", 4) != 0) return UNROLL_OK;
  for (size_t at = 12; size >= 12 && size - at >= 8;) {
    const uint32_t length = little(s + at + 4, 4);
    if (!memcmp(s + at, "data", 4)) {
      *samples = at + 8;
      if (length && length != UINT32_MAX) l->left = length;
      return format ? UNROLL_OK : error_set(err, UNROLL_BAD_INPUT, "a WAV file that does not say what its samples are");
    }
    if (length > LARGEST_HEAD || at > LARGEST_HEAD) return error_set(err, UNROLL_BAD_INPUT, "the head of this WAV file has no end");
    if (size - at - 8 < length) break;
    if (!memcmp(s + at, "fmt ", 4)) {
      const unroll_status status =
          length < 16 ? error_set(err, UNROLL_BAD_INPUT, "the head of this WAV file is cut off") : check_format(l, s + at + 8, err);
      if (status) return status;
      format = true;
    }
    if (size - at - 8 < length + (length & 1)) break;
    at += 8 + length + (length & 1);
  }
  l->head = HEAD_UNKNOWN;
  return ends ? error_set(err, UNROLL_BAD_INPUT, "the head of this WAV file is cut off") : UNROLL_OK;
}

/* Whole samples of l->bytes; half a one stays. */
static unroll_status take_samples(listener *l, size_t from, unroll_error *err) {
  float x[256];
  const char *p = l->bytes.data;
  size_t at = from;
  unroll_status status = UNROLL_OK;
  if (l->left >= 0 && (size_t)l->left < l->bytes.length - at) l->bytes.length = at + (size_t)l->left;
  if (l->left >= 0) l->left -= (int64_t)((l->bytes.length - at) & ~(size_t)1);
  while (l->bytes.length - at >= 2 && !status) {
    int n = 0;
    for (; n < 256 && l->bytes.length - at >= 2; at += 2) x[n++] = (float)(int16_t)little(p + at, 2) / 32768;
    status = sound_stream_add(l->stream, x, n, err);
  }
  const size_t rest = l->bytes.length - at;
  if (rest) memmove(l->bytes.data, p + at, rest);
  l->bytes.length = rest;
  return status;
}

unroll_status listen_take(listener *l, const void *bytes, size_t size, bool ends, text *to, unroll_error *err) {
  size_t from = 0;
  unroll_status status = UNROLL_OK;
  text_add(&l->bytes, size ? bytes : "", size);
  if (l->bytes.failed) return error_memory(err);
  if (l->head == HEAD_UNKNOWN) status = find_samples(l, ends, &from, err);
  if (!status && l->head == HEAD_DONE) status = take_samples(l, from, err);
  return status ? status : run_steps(l, ends, to, err);
}
