/* sound_features.h - what a net hears of a recording: log-mel energies, cepstral coefficients, or the samples themselves.
 *
 * The recipe, for samples x[i] in 16-bit units (1 becomes 32768), W = window and H = step in samples, N the next power of two:
 *   y[0] = x[0], y[i] = x[i] - 0.97 x[i - 1]                                  over the whole recording
 *   frame t: y[t H .. t H + W - 1] times 0.54 - 0.46 cos(2 pi i / (W - 1))    no padding: 1 + (n - W) / H frames, at least one
 *   P[k] = |DFT of N of the frame, zeros behind it|^2                         k = 0 .. N / 2
 *   mel(f) = 2595 log10(1 + f / 700); `mel` + 2 points, as far apart in mel, from 80 Hz to 0.475 of the rate
 *   E[b] = sum of P[k] weighed by the triangle with its corners at points b, b + 1, b + 2 and height 1, at the frequency of k
 *   log-mel: log max(E[b], 1)
 *   mfcc: c[j] = sqrt(2 / mel) sum over b of log-mel[b] cos(pi j (b + 1/2) / mel), c[0] divided by sqrt(2)
 *   scaled, if wanted: (value - mean) / (deviation + 1e-5) of the recording, over all values or over each coefficient's
 *   delta: d[t] = sum over k = 1, 2 of k (c[t + k] - c[t - k]) / 10, ends repeated; a second one of the first
 *   stack: so many frames, or raw samples, one after the other are a step. Those at the end that fill no step are left out before
 *   anything is scaled; a recording too short for one step repeats its last frame
 * All in double precision, each sum in one order. */
#ifndef READ_SOUND_FEATURES_H
#define READ_SOUND_FEATURES_H
#include <stdbool.h>
#include <stdint.h>
#include <unroll.h>

enum sound_scale { SOUND_AS_IS, SOUND_SCALE_ALL, SOUND_SCALE_EACH };

typedef struct sound_form {
  int rate;            /* samples a second */
  bool raw;            /* the samples, from -1 to 1, one a step */
  int mel;             /* bands */
  int mfcc;            /* coefficients; 0: the bands */
  int delta;           /* 0, 1 or 2: differences beside the values */
  int stack;           /* frames of a step, at least 1 */
  double window, step; /* milliseconds */
  enum sound_scale scale;
} sound_form;

/* rate, 40 bands, windows of 25 ms each 10 ms. */
sound_form sound_form_of(int rate);
/* UNROLL_BAD_INPUT with what is wrong. Every other function needs a good form. */
unroll_status sound_form_check(const sound_form *f, unroll_error *err);
int sound_form_width(const sound_form *f);                /* numbers a step */
int64_t sound_form_steps(const sound_form *f, int64_t n); /* of n > 0 samples at the form's rate */
double sound_form_seconds(const sound_form *f);           /* from one step to the next */

typedef struct sound_sizes { /* samples; of the transform */
  int window, step, size;
} sound_sizes;
sound_sizes sound_form_sizes(const sound_form *f); /* not of raw samples */

typedef struct sound_maker sound_maker; /* tables, and room for a frame */
unroll_status sound_maker_new(sound_maker **out, const sound_form *f, unroll_error *err);
void sound_maker_free(sound_maker *m);
typedef struct sound_band { /* weights of the bins first .. first + n - 1 */
  int first, n, at;         /* in `weights` from `at` on */
} sound_band;
typedef struct sound_tables { /* [window], [mfcc][mel], those of all bands, [mel] */
  const double *shape, *cosines, *weights;
  const sound_band *bands;
} sound_tables;
sound_tables sound_maker_tables(const sound_maker *m); /* which live as long as m; not of raw samples */
/* out[steps][width] of n > 0 samples. */
void sound_make(sound_maker *m, float *out, const float *x, int64_t n);
/* One frame, or raw sample, before anything is scaled: that which begins at sample `from` of x[n]. */
void sound_make_frame(sound_maker *m, float *out, const float *x, int64_t from, int64_t n);
/* Where frame t begins, and how many samples it takes. */
int64_t sound_form_begin(const sound_form *f, int64_t t);
int sound_form_window(const sound_form *f);
#endif
