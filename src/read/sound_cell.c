/* sound_cell.c - see sound_cell.h. */
#include "read/sound_cell.h"
#include <inttypes.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"

struct sound_reader {
  sound_form form;
  sound_maker *maker;
  char *path, *data; /* the last file */
  size_t size;
  uint64_t hash[2]; /* of the file, once `hashed` */
  bool hashed;
  float *samples, *resampled; /* of the last cell */
  float *joined;              /* of the last cell of several files, at the form's rate */
};

unroll_status sound_reader_new(sound_reader **out, const sound_form *f, unroll_error *err) {
  sound_reader *r = *out = mem_zero(1, sizeof *r);
  if (!r) return error_memory(err);
  r->form = *f;
  const unroll_status status = sound_maker_new(&r->maker, f, err);
  if (!status) return UNROLL_OK;
  sound_reader_free(r);
  *out = NULL;
  return status;
}

void sound_reader_free(sound_reader *r) {
  if (!r) return;
  sound_maker_free(r->maker);
  mem_free(r->path);
  mem_free(r->data);
  mem_free(r->samples);
  mem_free(r->resampled);
  mem_free(r->joined);
  mem_free(r);
}

/* --- names --- */

/* Seconds with digits and a point only: no sign, no exponent. */
static bool seconds(const char *s, size_t size, double *out) {
  for (size_t i = 0; i < size; i++)
    if ((s[i] < '0' || s[i] > '9') && s[i] != '.') return false;
  return size > 0 && size < 16 && !text_number(s, size, out);
}

/* FILE#start-end: the times, and *size without them. A # without times behind it belongs to the name. */
static bool range_of(const char *name, size_t *size, double *start, double *end) {
  size_t mark = *size, dash = *size;
  while (mark > 0 && name[mark - 1] != '#') {
    if (name[--mark] == '-') dash = mark;
  }
  if (mark < 2 || dash == *size || !seconds(name + mark, dash - mark, start) || !seconds(name + dash + 1, *size - dash - 1, end))
    return false;
  *size = mark - 1;
  return true;
}

/* --- files --- */

/* The file is the last one from now on. Takes over `path`. */
static unroll_status load(sound_reader *r, char *path, unroll_error *err) {
  if (r->path && !strcmp(r->path, path)) return mem_free(path), UNROLL_OK;
  mem_free(r->path);
  mem_free(r->data);
  r->path = path;
  r->hashed = false;
  const unroll_status status = file_read_regular(path, SOUND_MAX_BYTES, &r->data, &r->size, err);
  if (!status) return UNROLL_OK;
  mem_free(r->path);
  r->path = NULL;
  return status;
}

static unroll_status cut(const sound_form *f, sound_cell *c, double start, double end, unroll_error *err) {
  const double rate = c->of.rate, length = (double)c->of.frames / rate;
  if (end <= start) return error_set(err, UNROLL_BAD_INPUT, "the part %g-%g is empty: it is START-END in seconds", start, end);
  if (end * rate >= (double)c->of.frames + 0.5)
    return error_set(err, UNROLL_BAD_INPUT, "the part %g-%g ends beyond the recording, which has %.6g seconds", start, end, length);
  c->from = (int64_t)(start * rate + 0.5);
  c->n = (int64_t)(end * rate + 0.5) - c->from;
  if (c->n < 1 || sound_resampled(c->n, c->of.rate, f->rate) < 1)
    return error_set(err, UNROLL_BAD_INPUT, "the part %g-%g has no samples", start, end);
  return UNROLL_OK;
}

static unroll_status too_many(int64_t n, unroll_error *err) {
  return error_set(err, UNROLL_BAD_INPUT,
                   "%" PRId64 " samples are more than the %d that are read at once: name parts, as in FILE#0-60", n,
                   SOUND_MAX_SAMPLES);
}

static unroll_status open_one(sound_reader *r, sound_cell *c, const char *beside, const char *name, size_t size,
                              unroll_error *err) {
  double start = 0, end = 0;
  *c = (sound_cell){0};
  const bool part = range_of(name, &size, &start, &end);
  char *path = file_beside(beside, name, size);
  if (!path) return error_memory(err);
  unroll_status status = load(r, path, err);
  if (!status) status = sound_open(&c->of, (const unsigned char *)r->data, r->size, err);
  c->n = c->of.frames;
  if (!status && part) status = cut(&r->form, c, start, end, err);
  if (!status) {
    c->resampled = sound_resampled(c->n, c->of.rate, r->form.rate);
    if (c->n > SOUND_MAX_SAMPLES || c->resampled > SOUND_MAX_SAMPLES)
      status = too_many(c->n > c->resampled ? c->n : c->resampled, err);
    else if (c->resampled < 1)
      status = error_set(err, UNROLL_BAD_INPUT, "the recording is shorter than a sample at %d a second", r->form.rate);
    else
      c->steps = sound_form_steps(&r->form, c->resampled);
  }
  return status;
}

/* The samples of the cell at the form's rate, valid until the next cell. */
static unroll_status take(sound_reader *r, const sound_cell *c, const float **out, unroll_error *err) {
  const bool other = c->of.rate != r->form.rate;
  float *x = mem_resize(r->samples, (size_t)c->n * sizeof *x);
  if (x) r->samples = x;
  float *y = other ? mem_resize(r->resampled, (size_t)c->resampled * sizeof *y) : x;
  if (y && other) r->resampled = y;
  if (!x || !y) return error_memory(err);
  const unroll_status status = sound_read(&c->of, x, c->from, c->n, err);
  *out = y;
  return status || !other ? status : sound_resample(y, x, c->n, c->of.rate, r->form.rate, err);
}

/* --- several files --- */

static const char PLUS[] = " + ";

/* Where the first of the files ends. */
static size_t first_of(const char *name, size_t size) {
  for (size_t i = 0; i + 3 <= size; i++)
    if (!memcmp(name + i, PLUS, 3)) return i;
  return size;
}

/* A sign at one end, with nothing behind or before it. */
static bool lacks_name(const char *name, size_t size) {
  return size >= 2 && (!memcmp(name, PLUS + 1, 2) || !memcmp(name + size - 2, PLUS, 2));
}

/* Is there a file whose name has the sign in it? */
static bool is_name(const char *beside, const char *name, size_t size) {
  double start, end;
  (void)range_of(name, &size, &start, &end);
  char *path = file_beside(beside, name, size);
  const bool there = path && file_exists(path);
  mem_free(path);
  return there;
}

/* Adds a file to those before it, which have c->resampled samples. */
static unroll_status join(sound_reader *r, sound_cell *c, const char *beside, const char *name, size_t size, unroll_error *err) {
  const int64_t before = c->resampled;
  unroll_error own = {0};
  const float *x = NULL;
  while (size && name[0] == ' ') name++, size--;
  while (size && name[size - 1] == ' ') size--;
  unroll_status status = size ? open_one(r, c, beside, name, size, &own) : error_set(&own, UNROLL_BAD_INPUT, "a name is missing");
  if (!status) status = take(r, c, &x, &own);
  if (status == UNROLL_BAD_INPUT)
    return error_set(err, status, "'%.*s': %.300s", (int)(size < 200 ? size : 200), name, own.message);
  if (status) return error_memory(err);
  const int64_t n = c->resampled;
  if (before + n > SOUND_MAX_SAMPLES) return too_many(before + n, err);
  float *all = mem_resize(r->joined, (size_t)(before + n) * sizeof *all);
  if (!all) return error_memory(err);
  memcpy(all + before, x, (size_t)n * sizeof *all);
  r->joined = all;
  c->resampled = before + n;
  return UNROLL_OK;
}

unroll_status sound_cell_open(sound_reader *r, sound_cell *c, const char *beside, const char *name, size_t size,
                              unroll_error *err) {
  size_t end = first_of(name, size);
  const bool lacks = lacks_name(name, size);
  if ((end == size && !lacks) || is_name(beside, name, size)) return open_one(r, c, beside, name, size, err);
  if (lacks) return error_set(err, UNROLL_BAD_INPUT, "a name is missing beside '+'");
  *c = (sound_cell){0};
  for (size_t begin = 0;; begin = end + 3, end = begin + first_of(name + begin, size - begin)) {
    const unroll_status status = join(r, c, beside, name + begin, end - begin, err);
    if (status) return status;
    if (end == size) break;
  }
  c->joined = true;
  c->steps = sound_form_steps(&r->form, c->resampled);
  return UNROLL_OK;
}

/* Whoever changes a value that comes out of a recording counts this up. */
enum { RECIPE = 1 };

void sound_cell_hash(sound_reader *r, const sound_cell *c, uint64_t hash[2]) {
  const sound_form *f = &r->form;
  const int64_t recipe[] = {RECIPE, f->rate, f->raw, f->mel, f->mfcc, f->delta, f->stack, f->scale};
  const double times[] = {f->window, f->step};
  const int64_t part[] = {(int64_t)c->of.by, c->from, c->n, c->joined};
  hash_both(hash, recipe, sizeof recipe);
  hash_both(hash, times, sizeof times);
  if (c->joined) {
    hash_both(hash, r->joined, (size_t)c->resampled * sizeof *r->joined);
    return;
  }
  if (!r->hashed) {
    r->hash[0] = r->hash[1] = 0;
    hash_both(r->hash, r->data, r->size);
    r->hashed = true;
  }
  hash_both(hash, r->hash, sizeof r->hash);
  hash_both(hash, part, sizeof part);
}

unroll_status sound_cell_read(sound_reader *r, const sound_cell *c, float *out, unroll_error *err) {
  const float *x = r->joined;
  const unroll_status status = c->joined ? UNROLL_OK : take(r, c, &x, err);
  if (!status) sound_make(r->maker, out, x, c->resampled);
  return status;
}
