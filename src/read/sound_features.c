/* sound_features.c - see sound_features.h for the recipe. */
#include "read/sound_features.h"
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "base/same.h"
#include "read/fft.h"

enum { MOST_BANDS = 512, MOST_STACK = 4096, MOST_WINDOW = 1 << 16, LEAST_FFT = 4 };
static const double LOWEST = 80, HIGHEST = 0.475, PREEMPHASIS = 0.97, UNIT = 32768;

typedef sound_band band;

struct sound_maker {
  sound_form form;
  int window, step, size; /* samples; of the transform */
  fft *fft;
  double *shape;   /* [window] */
  double *frame;   /* [size] */
  double *power;   /* [size / 2 + 1] */
  double *energy;  /* [mel] logarithms */
  double *cosines; /* [mfcc][mel] */
  double *weights;
  band *bands; /* [mel] */
};

sound_form sound_form_of(int rate) { return (sound_form){.rate = rate, .mel = 40, .stack = 1, .window = 25, .step = 10}; }

/* --- sizes --- */

static int samples_of(const sound_form *f, double milliseconds) { return (int)(f->rate * milliseconds / 1000 + 0.5); }

static int size_of(int window) {
  int n = LEAST_FFT;
  while (n < window) n *= 2;
  return n;
}

static int base_width(const sound_form *f) { return f->raw ? 1 : f->mfcc ? f->mfcc : f->mel; }
static int frame_width(const sound_form *f) { return base_width(f) * (1 + f->delta); }
int sound_form_width(const sound_form *f) { return frame_width(f) * f->stack; }

static int64_t frames_of(const sound_form *f, int64_t n) {
  const int window = samples_of(f, f->window), step = samples_of(f, f->step);
  return f->raw ? n : n <= window ? 1 : 1 + (n - window) / step;
}

sound_sizes sound_form_sizes(const sound_form *f) {
  const int window = samples_of(f, f->window);
  return (sound_sizes){window, samples_of(f, f->step), size_of(window)};
}

int64_t sound_form_steps(const sound_form *f, int64_t n) {
  const int64_t steps = frames_of(f, n) / f->stack;
  return steps ? steps : 1;
}

int64_t sound_form_begin(const sound_form *f, int64_t t) { return f->raw ? t : t * samples_of(f, f->step); }
int sound_form_window(const sound_form *f) { return f->raw ? 1 : samples_of(f, f->window); }

double sound_form_seconds(const sound_form *f) { return (double)f->stack * (f->raw ? 1 : samples_of(f, f->step)) / f->rate; }

/* The frequency of point i of mel + 2. */
static double point(const sound_form *f, int i) {
  const double low = same_log(1 + LOWEST / 700), high = same_log(1 + HIGHEST * f->rate / 700);
  return 700 * (same_exp(low + (high - low) * i / (f->mel + 1)) - 1);
}

/* Weights of band b into w, if there is room given; the bins are the same each time. */
static band band_of(const sound_form *f, int size, int b, double *w) {
  const double left = point(f, b), top = point(f, b + 1), right = point(f, b + 2);
  band out = {0};
  for (int k = 0; k <= size / 2; k++) {
    const double hertz = (double)k * f->rate / size;
    if (hertz <= left || hertz >= right) continue;
    if (!out.n) out.first = k;
    if (w) w[out.n] = hertz <= top ? (hertz - left) / (top - left) : (right - hertz) / (right - top);
    out.n++;
  }
  return out;
}

unroll_status sound_form_check(const sound_form *f, unroll_error *err) {
  if (f->rate < 1000 || f->rate > 192000)
    return error_set(err, UNROLL_BAD_INPUT, "%d samples a second: 1000 to 192000 are possible", f->rate);
  if (f->delta < 0 || f->delta > 2) return error_set(err, UNROLL_BAD_INPUT, "delta = %d: 0, 1 or 2 are possible", f->delta);
  if (f->stack < 1 || f->stack > MOST_STACK)
    return error_set(err, UNROLL_BAD_INPUT, "stack = %d: 1 to %d frames are possible", f->stack, MOST_STACK);
  if (f->raw && (f->mfcc || f->delta)) return error_set(err, UNROLL_BAD_INPUT, "raw samples have neither mfcc nor delta");
  if (f->raw) return UNROLL_OK;
  if (!(f->window > 0 && f->step > 0 && f->window * f->rate / 1000 <= MOST_WINDOW && f->step * f->rate / 1000 <= MOST_WINDOW) ||
      samples_of(f, f->window) < 2 || samples_of(f, f->step) < 1)
    return error_set(err, UNROLL_BAD_INPUT, "windows of %g ms each %g ms: a window has 2 to %d samples, a step 1 to %d", f->window,
                     f->step, MOST_WINDOW, MOST_WINDOW);
  if (f->mel < 1 || f->mel > MOST_BANDS)
    return error_set(err, UNROLL_BAD_INPUT, "mel = %d: 1 to %d are possible", f->mel, MOST_BANDS);
  if (f->mfcc < 0 || f->mfcc > f->mel)
    return error_set(err, UNROLL_BAD_INPUT, "mfcc = %d: at most as many as bands, which are %d", f->mfcc, f->mel);
  const int size = size_of(samples_of(f, f->window));
  for (int b = 0; b < f->mel; b++)
    if (!band_of(f, size, b, NULL).n)
      return error_set(err, UNROLL_BAD_INPUT, "mel = %d: band %d is narrower than the spectrum of a window of %g ms tells apart",
                       f->mel, b + 1, f->window);
  return UNROLL_OK;
}

/* --- tables --- */

static unroll_status make_bands(sound_maker *m, unroll_error *err) {
  int n = 0;
  for (int b = 0; b < m->form.mel; b++) {
    m->bands[b] = band_of(&m->form, m->size, b, NULL);
    m->bands[b].at = n;
    n += m->bands[b].n;
  }
  m->weights = mem_zero((size_t)n, sizeof *m->weights);
  if (!m->weights) return error_memory(err);
  for (int b = 0; b < m->form.mel; b++) band_of(&m->form, m->size, b, m->weights + m->bands[b].at);
  return UNROLL_OK;
}

static double cosine(double turns) { return same_cos_turn(turns - floor(turns)); }

static void make_tables(sound_maker *m) {
  const int mel = m->form.mel;
  for (int i = 0; i < m->window; i++) m->shape[i] = 0.54 - 0.46 * cosine((double)i / (m->window - 1));
  for (int j = 0; j < m->form.mfcc; j++)
    for (int b = 0; b < mel; b++) m->cosines[j * mel + b] = sqrt((j ? 2.0 : 1.0) / mel) * cosine(0.5 * j * (b + 0.5) / mel);
}

unroll_status sound_maker_new(sound_maker **out, const sound_form *f, unroll_error *err) {
  sound_maker *m = *out = mem_zero(1, sizeof *m);
  if (!m) return error_memory(err);
  m->form = *f;
  if (f->raw) return UNROLL_OK;
  m->window = samples_of(f, f->window);
  m->step = samples_of(f, f->step);
  m->size = size_of(m->window);
  m->shape = mem_zero((size_t)m->window, sizeof *m->shape);
  m->frame = mem_zero((size_t)m->size, sizeof *m->frame);
  m->power = mem_zero((size_t)m->size / 2 + 1, sizeof *m->power);
  m->energy = mem_zero((size_t)f->mel, sizeof *m->energy);
  m->cosines = mem_zero((size_t)(f->mfcc * f->mel) + 1, sizeof *m->cosines);
  m->bands = mem_zero((size_t)f->mel, sizeof *m->bands);
  const bool room = m->shape && m->frame && m->power && m->energy && m->cosines && m->bands;
  unroll_status status = room ? make_bands(m, err) : error_memory(err);
  if (!status) status = fft_new(&m->fft, m->size, err);
  if (!status) return make_tables(m), UNROLL_OK;
  sound_maker_free(m);
  *out = NULL;
  return status;
}

sound_tables sound_maker_tables(const sound_maker *m) { return (sound_tables){m->shape, m->cosines, m->weights, m->bands}; }

void sound_maker_free(sound_maker *m) {
  if (!m) return;
  fft_free(m->fft);
  mem_free(m->shape);
  mem_free(m->frame);
  mem_free(m->power);
  mem_free(m->energy);
  mem_free(m->cosines);
  mem_free(m->weights);
  mem_free(m->bands);
  mem_free(m);
}

/* --- features --- */

void sound_make_frame(sound_maker *m, float *out, const float *x, int64_t from, int64_t n) {
  const int mel = m->form.mel;
  if (m->form.raw) {
    *out = x[from];
    return;
  }
  memset(m->frame, 0, (size_t)m->size * sizeof *m->frame);
  for (int i = 0; i < m->window && from + i < n; i++) {
    const int64_t k = from + i;
    m->frame[i] = m->shape[i] * UNIT * ((double)x[k] - (k ? PREEMPHASIS * (double)x[k - 1] : 0));
  }
  fft_power(m->fft, m->power, m->frame);
  for (int b = 0; b < mel; b++) {
    const band *of = &m->bands[b];
    double sum = 0;
    for (int k = 0; k < of->n; k++) sum += m->weights[of->at + k] * m->power[of->first + k];
    m->energy[b] = sum > 1 ? same_log(sum) : 0;
    if (!m->form.mfcc) out[b] = (float)m->energy[b];
  }
  for (int j = 0; j < m->form.mfcc; j++) {
    double sum = 0;
    for (int b = 0; b < mel; b++) sum += m->cosines[j * mel + b] * m->energy[b];
    out[j] = (float)sum;
  }
}

/* Columns from .. to - 1 of [steps][width] as (x - mean) / (deviation + 1e-5). */
static void scale(float *out, int64_t steps, int width, int from, int to) {
  const double count = (double)steps * (to - from);
  double sum = 0, squares = 0;
  for (int64_t t = 0; t < steps; t++)
    for (int j = from; j < to; j++) sum += (double)out[t * width + j];
  const double mean = sum / count;
  for (int64_t t = 0; t < steps; t++)
    for (int j = from; j < to; j++) squares += ((double)out[t * width + j] - mean) * ((double)out[t * width + j] - mean);
  const double deviation = sqrt(squares / count) + 1e-5;
  for (int64_t t = 0; t < steps; t++)
    for (int j = from; j < to; j++) out[t * width + j] = (float)(((double)out[t * width + j] - mean) / deviation);
}

/* Columns to .. to + n - 1 as the differences of those from `from` on. */
static void differences(float *out, int64_t steps, int width, int from, int to, int n) {
  for (int64_t t = 0; t < steps; t++)
    for (int j = 0; j < n; j++) {
      double sum = 0;
      for (int k = 1; k <= 2; k++) {
        const int64_t after = t + k < steps ? t + k : steps - 1, before = t - k > 0 ? t - k : 0;
        sum += k * ((double)out[after * width + from + j] - (double)out[before * width + from + j]);
      }
      out[t * width + to + j] = (float)(sum / 10);
    }
}

/* A step of stacked frames is these frames one after the other in memory, so all here goes by frames. */
void sound_make(sound_maker *m, float *out, const float *x, int64_t n) {
  const sound_form *f = &m->form;
  const int64_t frames = sound_form_steps(f, n) * f->stack, there = frames_of(f, n);
  const int base = base_width(f), width = frame_width(f);
  for (int64_t t = 0; t < frames; t++) {
    if (t >= there)
      memcpy(out + t * width, out + (t - 1) * width, (size_t)width * sizeof *out);
    else
      sound_make_frame(m, out + t * width, x, sound_form_begin(f, t), n);
  }
  if (f->scale == SOUND_SCALE_ALL) scale(out, frames, width, 0, base);
  for (int j = 0; j < base && f->scale == SOUND_SCALE_EACH; j++) scale(out, frames, width, j, j + 1);
  for (int d = 0; d < f->delta; d++) differences(out, frames, width, d * base, (d + 1) * base, base);
}
