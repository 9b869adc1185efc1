/* sound_stream.c - see sound_stream.h. The samples that later frames need are kept, and one before them for the pre-emphasis. */
#include "read/sound_stream.h"
#include <string.h>
#include "base/error.h"
#include "base/memory.h"

struct sound_stream {
  sound_form form;
  sound_maker *maker;
  float *x; /* [n] samples `from` .. from + n - 1 */
  int64_t from, n, room;
  int64_t frames, steps; /* made */
  float *row;            /* frames of the next step, `have` of them */
  int have;
};

unroll_status sound_stream_new(sound_stream **out, const sound_form *f, unroll_error *err) {
  *out = NULL;
  if (f->scale != SOUND_AS_IS)
    return error_set(err, UNROLL_USAGE, "'%s' scales by all of a recording, so nothing can be heard before its end",
                     f->scale == SOUND_SCALE_ALL ? "level" : "even");
  if (f->delta) return error_set(err, UNROLL_USAGE, "'delta' needs later frames, so nothing can be heard before them");
  sound_stream *s = mem_zero(1, sizeof *s);
  if (!s) return error_memory(err);
  s->form = *f;
  s->row = mem_zero((size_t)sound_form_width(f), sizeof *s->row);
  const unroll_status status = s->row ? sound_maker_new(&s->maker, f, err) : error_memory(err);
  if (status) return sound_stream_free(s), status;
  *out = s;
  return UNROLL_OK;
}

void sound_stream_free(sound_stream *s) {
  if (!s) return;
  sound_maker_free(s->maker);
  mem_free(s->x);
  mem_free(s->row);
  mem_free(s);
}

unroll_status sound_stream_add(sound_stream *s, const float *x, int64_t n, unroll_error *err) {
  const int64_t first = sound_form_begin(&s->form, s->frames) - 1, over = first > s->from ? first - s->from : 0;
  if (n < 1) return UNROLL_OK;
  if (over > 0) { /* a step may be longer than a window, so that it begins beyond what is there */
    const int64_t gone = over < s->n ? over : s->n;
    memmove(s->x, s->x + gone, (size_t)(s->n - gone) * sizeof *s->x);
    s->n -= gone;
    s->from += gone;
  }
  if (s->n + n > s->room) {
    float *grown = mem_resize(s->x, (size_t)(s->n + n) * 2 * sizeof *grown);
    if (!grown) return error_memory(err);
    s->x = grown;
    s->room = 2 * (s->n + n);
  }
  memcpy(s->x + s->n, x, (size_t)n * sizeof *x);
  s->n += n;
  return UNROLL_OK;
}

/* The next frame into the row. */
static bool next_frame(sound_stream *s, bool ends) {
  const int64_t begin = sound_form_begin(&s->form, s->frames), there = s->from + s->n;
  const bool alone = ends && !s->frames && there > 0; /* shorter than a window */
  const int width = sound_form_width(&s->form) / s->form.stack;
  if (there < begin + sound_form_window(&s->form) && !alone) return false;
  const int64_t before = begin > 0;
  sound_make_frame(s->maker, s->row + s->have * width, s->x + (begin - before - s->from), before, there - begin + before);
  s->frames++;
  s->have++;
  return true;
}

bool sound_stream_next(sound_stream *s, float *out, bool ends) {
  const int stack = s->form.stack, width = sound_form_width(&s->form) / stack;
  while (s->have < stack && next_frame(s, ends)) continue;
  if (ends && !s->steps)
    for (; s->have > 0 && s->have < stack; s->have++)
      memcpy(s->row + s->have * width, s->row + (s->have - 1) * width, (size_t)width * sizeof *s->row);
  if (s->have < stack) return false;
  memcpy(out, s->row, (size_t)(stack * width) * sizeof *out);
  s->have = 0;
  s->steps++;
  return true;
}
