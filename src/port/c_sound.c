/* c_sound.c - what makes numbers of a recording: the recipe of read/sound_features.h, as C. */
#include <string.h>
#include "base/same.h"
#include "data/cell.h"
#include "port/c_internal.h"
#include "read/sound_features.h"

/* What all recordings share. */
static const char spectrum[] =
    "/* x, n numbers, becomes a scratch; power: |its Fourier transform|^2 of 0 .. n / 2. turn[k]: cos and -sin of 2 pi k / n.\n"
    " * Pairs of numbers are taken as complex, so that half the length does. */\n"
    "static void front_spectrum(FRONT_REAL *x, FRONT_REAL *power, const FRONT_REAL (*turn)[2], int n) {\n"
    "  const int half = n / 2;\n"
    "  for (int i = 1, j = 0; i < half; i++) {\n"
    "    int bit = half / 2;\n"
    "    for (; j & bit; bit /= 2) j ^= bit;\n"
    "    j ^= bit;\n"
    "    for (int k = 0; k < 2 && i < j; k++) {\n"
    "      const FRONT_REAL other = x[2 * i + k];\n"
    "      x[2 * i + k] = x[2 * j + k];\n"
    "      x[2 * j + k] = other;\n"
    "    }\n"
    "  }\n"
    "  for (int size = 2; size <= half; size *= 2)\n"
    "    for (int from = 0; from < half; from += size)\n"
    "      for (int k = 0; k < size / 2; k++) {\n"
    "        FRONT_REAL *a = x + 2 * (from + k), *b = a + size;\n"
    "        const FRONT_REAL c = turn[k * (n / size)][0], s = turn[k * (n / size)][1];\n"
    "        const FRONT_REAL re = b[0] * c - b[1] * s, im = b[0] * s + b[1] * c;\n"
    "        b[0] = a[0] - re;\n"
    "        b[1] = a[1] - im;\n"
    "        a[0] += re;\n"
    "        a[1] += im;\n"
    "      }\n"
    "  for (int k = 0; k <= half; k++) {\n"
    "    const FRONT_REAL *a = x + 2 * (k % half), *b = x + 2 * ((half - k) % half);\n"
    "    const FRONT_REAL c = k < half ? turn[k][0] : -1, s = k < half ? turn[k][1] : 0;\n"
    "    const FRONT_REAL re = (a[1] + b[1]) / 2, im = (b[0] - a[0]) / 2; /* of the odd numbers */\n"
    "    const FRONT_REAL x0 = (a[0] + b[0]) / 2 + re * c - im * s, x1 = (a[1] - b[1]) / 2 + re * s + im * c;\n"
    "    power[k] = x0 * x0 + x1 * x1;\n"
    "  }\n"
    "}\n";

/* Of a recording, by the name @, which is NAME_VARIABLE. */
static const char frame[] =
    "/* A frame: @_WINDOW samples from x[1] on, x[0] the one before; the last may be missing. */\n"
    "static void @_frame(@_ear *ear, const float *x, int there, int first, float *out) {\n"
    "  for (int i = 0; i < @_SIZE; i++) ear->frame[i] = 0;\n"
    "  for (int i = 0; i < @_WINDOW && i < there; i++)\n"
    "    ear->frame[i] = @_shape[i] * ((FRONT_REAL)x[i + 1] - (i || !first ? (FRONT_REAL)0.97 * (FRONT_REAL)x[i] : 0));\n"
    "  front_spectrum(ear->frame, ear->power, @_turn, @_SIZE);\n"
    "  for (int b = 0; b < @_MEL; b++) {\n"
    "    FRONT_REAL sum = 0;\n"
    "    for (int k = 0; k < @_bands[b][1]; k++) sum += @_weights[@_bands[b][2] + k] * ear->power[@_bands[b][0] + k];\n"
    "    ear->energy[b] = sum > 1 ? logf((float)sum) : 0.0f;\n"
    "  }\n";
static const char frame_mel[] = "  for (int b = 0; b < @_MEL; b++) out[b] = ear->energy[b];\n}\n";
static const char frame_mfcc[] = "  for (int j = 0; j < @_BASE; j++) {\n"
                                 "    FRONT_REAL sum = 0;\n"
                                 "    for (int b = 0; b < @_MEL; b++) sum += @_cosines[j][b] * (FRONT_REAL)ear->energy[b];\n"
                                 "    out[j] = (float)sum;\n"
                                 "  }\n}\n";

static const char scale[] = "/* Columns from .. to - 1 as (x - mean) / (deviation + 1e-5). */\n"
                            "static void @_scale(float *out, long frames, int from, int to) {\n"
                            "  const FRONT_REAL count = (FRONT_REAL)frames * (FRONT_REAL)(to - from);\n"
                            "  FRONT_REAL mean = 0, squares = 0;\n"
                            "  for (long t = 0; t < frames; t++)\n"
                            "    for (int j = from; j < to; j++) mean += (FRONT_REAL)out[t * @_FRAME + j] / count;\n"
                            "  for (long t = 0; t < frames; t++)\n"
                            "    for (int j = from; j < to; j++) {\n"
                            "      const FRONT_REAL off = (FRONT_REAL)out[t * @_FRAME + j] - mean;\n"
                            "      squares += off * off / count;\n"
                            "    }\n"
                            "  const FRONT_REAL spread = (FRONT_REAL)sqrtf((float)squares) + (FRONT_REAL)1e-5;\n"
                            "  for (long t = 0; t < frames; t++)\n"
                            "    for (int j = from; j < to; j++)\n"
                            "      out[t * @_FRAME + j] = (float)(((FRONT_REAL)out[t * @_FRAME + j] - mean) / spread);\n"
                            "}\n";

static const char differences[] =
    "/* Columns from @_BASE more on as the differences of those before. */\n"
    "static void @_differences(float *out, long frames, int from) {\n"
    "  for (long t = 0; t < frames; t++)\n"
    "    for (int j = from; j < from + @_BASE; j++) {\n"
    "      FRONT_REAL sum = 0;\n"
    "      for (int k = 1; k <= 2; k++) {\n"
    "        const long after = t + k < frames ? t + k : frames - 1, before = t - k > 0 ? t - k : 0;\n"
    "        sum += (FRONT_REAL)k * ((FRONT_REAL)out[after * @_FRAME + j] - (FRONT_REAL)out[before * @_FRAME + j]);\n"
    "      }\n"
    "      out[t * @_FRAME + @_BASE + j] = (float)(sum / 10);\n"
    "    }\n"
    "}\n";

static const char whole[] = "long @_steps(long n) {\n"
                            "  const long frames = n <= @_WINDOW ? 1 : 1 + (n - @_WINDOW) / @_STEP, steps = frames / @_STACK;\n"
                            "  return n < 1 ? 0 : steps ? steps : 1;\n"
                            "}\n"
                            "long @_features(@_ear *ear, const float *samples, long n, float *out, long most) {\n"
                            "  const long steps = @_steps(n), frames = steps * @_STACK;\n"
                            "  if (steps > most) return -2;\n"
                            "  for (long t = 0; t < frames; t++) {\n"
                            "    const long from = t * @_STEP, left = n - from;\n"
                            "    float *to = out + t * @_FRAME;\n"
                            "    if (t && left < @_WINDOW) { /* of a recording that is too short for a step */\n"
                            "      for (int j = 0; j < @_BASE; j++) to[j] = to[j - @_FRAME];\n"
                            "      continue;\n"
                            "    }\n"
                            "    const int there = left < @_WINDOW ? (int)left : @_WINDOW;\n"
                            "    ear->samples[0] = from ? samples[from - 1] : 0.0f;\n"
                            "    for (int i = 0; i < there; i++) ear->samples[i + 1] = samples[from + i];\n"
                            "    @_frame(ear, ear->samples, there, !from, to);\n"
                            "  }\n";

static const char stream[] = "void @_begin(@_ear *ear) {\n"
                             "  ear->there = ear->skip = ear->stacked = 0;\n"
                             "  ear->first = 1;\n"
                             "}\n"
                             "int @_listen(@_ear *ear, float sample, float *out) {\n"
                             "  if (ear->skip) { /* between two windows */\n"
                             "    ear->skip--;\n"
                             "    ear->samples[0] = sample;\n"
                             "    return 0;\n"
                             "  }\n"
                             "  ear->samples[++ear->there] = sample;\n"
                             "  if (ear->there < @_WINDOW) return 0;\n"
                             "  @_frame(ear, ear->samples, @_WINDOW, ear->first, out + ear->stacked * @_FRAME);\n"
                             "  const int kept = @_WINDOW > @_STEP ? @_WINDOW - @_STEP : 0;\n"
                             "  for (int i = 0; i <= kept; i++) ear->samples[i] = ear->samples[@_WINDOW - kept + i];\n"
                             "  ear->there = kept;\n"
                             "  ear->skip = @_STEP > @_WINDOW ? @_STEP - @_WINDOW : 0;\n"
                             "  ear->first = 0;\n"
                             "  ear->stacked = (ear->stacked + 1) % @_STACK;\n"
                             "  return !ear->stacked;\n"
                             "}\n";

/* The text with the name for @; logf and sqrtf may be our own. */
static void put(c_export *c, int data, const char *code, text *out) {
  text named = {0};
  for (; *code; code++)
    if (*code == '@')
      text_format(&named, "%s_%s", c->name, c->g->data[data].name);
    else
      text_add(&named, code, 1);
  out->failed |= named.failed;
  if (named.data) c_code(c, named.data, out);
  text_free(&named);
}

bool c_has_sound(const c_export *c, int data) {
  const variable *v = &c->m->schema.list[data];
  return c->data[data].used && v->form.of->sort == KIND_NUMBERS && !strcmp(v->form.kind, "audio") && !form_has(&v->form, "raw");
}

/* A frame needs no other one: then sound may come sample by sample. */
static bool streams(const sound_form *f) { return !f->delta && f->scale == SOUND_AS_IS; }

static sound_form form_of(const c_export *c, int data) {
  sound_form f = {0};
  c->out->source.failed |= cell_sound_form(&f, &c->m->schema.list[data], NULL) != UNROLL_OK;
  return f;
}

void c_sound_header(c_export *c, text *out) {
  for (int i = 0; i < c->g->n_data; i++) {
    if (!c_has_sound(c, i)) continue;
    const sound_form f = form_of(c, i);
    const sound_sizes s = sound_form_sizes(&f);
    put(c, i, "/* A recording, ", out);
    text_format(out, "%d samples a second from -1 to 1. FRONT_REAL may be float, on machines that have no double. */\n", f.rate);
    put(c, i, "#ifndef FRONT_REAL\n#define FRONT_REAL double\n#endif\nenum { @_WINDOW = ", out);
    text_format(out, "%d, ", s.window);
    put(c, i, "@_STEP = ", out);
    text_format(out, "%d, ", s.step);
    put(c, i, "@_SIZE = ", out);
    text_format(out, "%d, ", s.size);
    put(c, i, "@_MEL = ", out);
    text_format(out, "%d, ", f.mel);
    put(c, i, "@_BASE = ", out);
    text_format(out, "%d, ", f.mfcc ? f.mfcc : f.mel);
    put(c, i, "@_FRAME = ", out);
    text_format(out, "%d, ", (f.mfcc ? f.mfcc : f.mel) * (1 + f.delta));
    put(c, i, "@_STACK = ", out);
    text_format(out, "%d };\n", f.stack);
    put(c, i,
        "typedef struct @_ear {\n  FRONT_REAL frame[@_SIZE], power[@_SIZE / 2 + 1];\n  float energy[@_MEL], samples[@_WINDOW + "
        "1];\n"
        "  int there, skip, stacked, first;\n} @_ear;\n"
        "/* Steps of n samples, and their numbers, @_FRAME * @_STACK each: how many steps, or -2 where they are more than `most`. "
        "*/\n"
        "long @_steps(long n);\nlong @_features(@_ear *ear, const float *samples, long n, float *out, long most);\n",
        out);
    if (streams(&f))
      put(c, i,
          "/* Sample by sample, as from a microphone: 1 when the numbers of a step are in out, else 0. */\n"
          "void @_begin(@_ear *ear);\nint @_listen(@_ear *ear, float sample, float *out);\n",
          out);
  }
}

static void put_table(c_export *c, int data, const char *name, const char *size, const double *x, int n, int columns, text *out) {
  put(c, data, "static const FRONT_REAL @", out);
  text_format(out, "_%s", name);
  put(c, data, size, out);
  text_format(out, " = {\n  ");
  for (int i = 0; i < n; i++) {
    if (columns && i % columns == 0) text_format(out, "{");
    text_format(out, "(FRONT_REAL)%.17g", x[i]);
    if (columns && i % columns == columns - 1) text_format(out, "}");
    if (i + 1 < n) text_format(out, i % 4 == 3 ? ",\n  " : ", ");
  }
  text_format(out, "\n};\n");
}

static void tables(c_export *c, int data, const sound_form *f, const sound_tables *t, text *out) {
  const sound_sizes s = sound_form_sizes(f);
  double *x = arena_alloc(&c->memory, (size_t)(s.window + s.size) + 1, sizeof *x);
  out->failed |= !x;
  if (!x) return;
  for (int i = 0; i < s.window; i++) x[i] = 32768 * t->shape[i];
  put_table(c, data, "shape", "[@_WINDOW]", x, s.window, 0, out);
  for (int k = 0; k < s.size / 2; k++) {
    x[2 * k] = same_cos_turn((double)k / s.size);
    x[2 * k + 1] = same_cos_turn((double)k / s.size + 0.25); /* cos(a + 90 degrees) is -sin(a) */
  }
  put_table(c, data, "turn", "[@_SIZE / 2][2]", x, s.size, 2, out);
  put(c, data,
      "/* Of each band: the first bin, how many, and where its weights begin. */\nstatic const int @_bands[@_MEL][3] = {\n ", out);
  for (int b = 0; b < f->mel; b++)
    text_format(out, "%s{%d, %d, %d}%s",
                b % 6 ? " "
                : b   ? "\n  "
                      : " ",
                t->bands[b].first, t->bands[b].n, t->bands[b].at, b + 1 < f->mel ? "," : "");
  text_format(out, "\n};\n");
  put_table(c, data, "weights", "[]", t->weights, t->bands[f->mel - 1].at + t->bands[f->mel - 1].n, 0, out);
  if (f->mfcc) put_table(c, data, "cosines", "[@_BASE][@_MEL]", t->cosines, f->mfcc * f->mel, f->mel, out);
}

void c_sound(c_export *c, text *out) {
  bool any = false;
  for (int i = 0; i < c->g->n_data; i++) {
    if (!c_has_sound(c, i)) continue;
    const sound_form f = form_of(c, i);
    sound_maker *m;
    if (sound_maker_new(&m, &f, NULL)) {
      out->failed = 1;
      return;
    }
    if (!any) text_format(out, "\n/* --- from sound to numbers --- */\n%s", spectrum);
    any = true;
    const sound_tables t = sound_maker_tables(m);
    tables(c, i, &f, &t, out);
    put(c, i, frame, out);
    put(c, i, f.mfcc ? frame_mfcc : frame_mel, out);
    if (f.scale != SOUND_AS_IS) put(c, i, scale, out);
    if (f.delta) put(c, i, differences, out);
    put(c, i, whole, out);
    if (f.scale == SOUND_SCALE_ALL) put(c, i, "  @_scale(out, frames, 0, @_BASE);\n", out);
    if (f.scale == SOUND_SCALE_EACH) put(c, i, "  for (int j = 0; j < @_BASE; j++) @_scale(out, frames, j, j + 1);\n", out);
    if (f.delta) put(c, i, "  @_differences(out, frames, 0);\n", out);
    if (f.delta > 1) put(c, i, "  @_differences(out, frames, @_BASE);\n", out);
    text_format(out, "  return steps;\n}\n");
    if (streams(&f)) put(c, i, stream, out);
    sound_maker_free(m);
  }
}

/* A made-up recording, the same here and in the file. */
static float made_up(long i) { return (float)((i * i * 7 + i * 13 + i / 50 * 31) % 201 - 100) / 128.0f; }

/* Of each recording: its features from the library, and by the file's functions. */
void c_sound_test(c_export *c, text *before, text *inside) {
  for (int i = 0; i < c->g->n_data; i++) {
    if (!c_has_sound(c, i)) continue;
    const sound_form f = form_of(c, i);
    const sound_sizes s = sound_form_sizes(&f);
    const long n = s.window + (long)s.step * (5 * f.stack - 1) + s.step / 2;
    const int64_t count = sound_form_steps(&f, n) * sound_form_width(&f);
    sound_maker *m = NULL;
    float *x = arena_alloc(&c->memory, (size_t)(n + count), sizeof *x), *y = x + n;
    if (!x || sound_maker_new(&m, &f, NULL)) {
      before->failed = 1;
      return;
    }
    for (long k = 0; k < n; k++) x[k] = made_up(k);
    sound_make(m, y, x, n);
    sound_maker_free(m);
    put(c, i, "static @_ear @_test_ear;\nstatic float @_test_sound[", before);
    text_format(before, "%ld], ", n);
    put(c, i, "@_got[", before);
    text_format(before, "%lld];\n", (long long)count);
    put(c, i, "static const float @_wanted[", before);
    text_format(before, "%lld] = {\n  ", (long long)count);
    for (int64_t k = 0; k < count; k++) {
      c_number(before, (double)y[k]);
      if (k + 1 < count) text_format(before, k % 8 == 7 ? ",\n  " : ", ");
    }
    text_format(before, "\n};\n");
    text_format(inside, "  for (long i = 0; i < %ld; i++)\n    ", n);
    put(c, i, "@_test_sound[i] = (float)((i * i * 7 + i * 13 + i / 50 * 31) % 201 - 100) / 128.0f;\n", inside);
    put(c, i, "  failed |= @_features(&@_test_ear, @_test_sound, ", inside);
    text_format(inside, "%ld, ", n);
    put(c, i, "@_got, ", inside);
    text_format(inside, "%lld) != %lld;\n", (long long)sound_form_steps(&f, n), (long long)sound_form_steps(&f, n));
    put(c, i, "  failed |= differ(@_got, @_wanted, ", inside);
    text_format(inside, "%lld, 1.0f);\n", (long long)count);
    if (!streams(&f)) continue;
    put(c, i, "  @_begin(&@_test_ear);\n  for (long i = 0, step = 0; i < ", inside);
    text_format(inside, "%ld; i++)\n", n);
    put(c, i, "    if (@_listen(&@_test_ear, @_test_sound[i], @_got))\n", inside);
    put(c, i, "      failed |= differ(@_got, @_wanted + step++ * @_FRAME * @_STACK, @_FRAME * @_STACK, 1.0f);\n", inside);
  }
}
