/* cell_sound.c - cells that name recordings: FILE, or FILE#start-end in seconds; samples as a WAV file. */
#include "base/error.h"
#include "base/memory.h"
#include "data/cell.h"
#include "read/sound_cell.h"
#include "read/sound_write.h"

typedef struct sounds {
  sound_reader *reader;
  sound_cell opened; /* last */
} sounds;

/* The arguments are those of the kind's row. */
unroll_status cell_sound_form(sound_form *f, const variable *v, unroll_error *err) {
  enum { RATE, MEL, WINDOW, STEP, MFCC, DELTA, STACK };
  const bool level = form_has(&v->form, "level"), even = form_has(&v->form, "even");
  unroll_error own = {0};
  *f = (sound_form){.rate = (int)v->args[RATE],
                    .raw = form_has(&v->form, "raw"),
                    .mel = (int)v->args[MEL],
                    .mfcc = (int)v->args[MFCC],
                    .delta = (int)v->args[DELTA],
                    .stack = (int)v->args[STACK],
                    .window = v->args[WINDOW],
                    .step = v->args[STEP],
                    .scale = level  ? SOUND_SCALE_ALL
                             : even ? SOUND_SCALE_EACH
                                    : SOUND_AS_IS};
  if (level && even) return error_set(err, UNROLL_BAD_INPUT, "'%s': 'level' and 'even' do not go together", v->form.name);
  const unroll_status status = sound_form_check(f, &own);
  if (status) return error_set(err, status, "'%s': %.300s", v->form.name, own.message);
  return sound_form_width(f) == v->width
             ? UNROLL_OK
             : error_set(err, UNROLL_BAD_INPUT, "'%s' is %d wide, but of recordings come %d numbers a step", v->form.name, v->width,
                         sound_form_width(f));
}

static void end(void *state) {
  if (state) sound_reader_free(((sounds *)state)->reader);
  mem_free(state);
}

static unroll_status begin(void **state, const variable *v, unroll_error *err) {
  sound_form f;
  unroll_status status = cell_sound_form(&f, v, err);
  if (status) return status;
  sounds *s = mem_zero(1, sizeof *s);
  if (!s) return error_memory(err);
  status = sound_reader_new(&s->reader, &f, err);
  if (status) return end(s), status;
  *state = s;
  return UNROLL_OK;
}

static unroll_status open_one(void *state, const char *beside, const char *name, size_t size, int64_t *steps, unroll_error *err) {
  sounds *s = state;
  const unroll_status status = sound_cell_open(s->reader, &s->opened, beside, name, size, err);
  *steps = s->opened.steps;
  return status;
}

static unroll_status read_one(void *state, float *out, unroll_error *err) {
  sounds *s = state;
  return sound_cell_read(s->reader, &s->opened, out, err);
}

static void identify(void *state, uint64_t hash[2]) {
  sounds *s = state;
  sound_cell_hash(s->reader, &s->opened, hash);
}

static double seconds(const variable *v) {
  sound_form f;
  return cell_sound_form(&f, v, NULL) ? 0 : sound_form_seconds(&f);
}

/* Samples as they are become a recording; features, and samples of which nobody knows how loud they were, do not. */
static bool is_samples(const variable *v) {
  return form_has(&v->form, "raw") && !form_has(&v->form, "level") && !form_has(&v->form, "even");
}

/* The recordings one after the other. */
static unroll_status write_sounds(text *out, const variable *v, const cell_values *list, int n, unroll_error *err) {
  sound_form f;
  int64_t all = 0;
  unroll_status status = cell_sound_form(&f, v, err);
  for (int i = 0; i < n; i++) all += list[i].steps * v->width;
  if (!status) status = sound_write_head(out, f.rate, all, err);
  for (int i = 0; i < n && !status; i++) sound_write_samples(out, list[i].numbers, list[i].steps * v->width);
  return !status && out->failed ? error_memory(err) : status;
}

const cell_reader cell_sounds = {.begin = begin,
                                 .open = open_one,
                                 .read = read_one,
                                 .identify = identify,
                                 .end = end,
                                 .seconds = seconds,
                                 .write = write_sounds,
                                 .writes = is_samples};
