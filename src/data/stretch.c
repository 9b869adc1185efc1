/* stretch.c - see stretch.h. */
#include "data/stretch.h"
#include "base/error.h"
#include "base/random.h"
#include "kernel/kernel.h"

bool stretch_takes(const graph *g, const schema *s, int axis) {
  bool any = false;
  for (int i = 0; i < s->n; i++) {
    const variable *v = &s->list[i];
    if (!v->step || v->axis != axis || v->over >= 0) continue;
    if (v->form.of->sort != KIND_NUMBERS) return false;
    for (int k = 0; k < g->n_losses; k++)
      if (g->losses[k].data == i) return false;
    any = true;
  }
  return any;
}

unroll_status stretch_check(const graph *g, const part *p, const schema *s, unroll_error *err) {
  bool any = false;
  for (int a = 0; a < g->n_axes; a++) any |= stretch_takes(g, s, a);
  const char *why = p->windows                             ? "not for windows or pieces of examples"
                    : p->data->stream || schema_streams(s) ? "not for streams"
                    : !any ? "for sequences of numbers that are only read, as sound is, and this net has none"
                           : NULL;
  return why ? error_set(err, UNROLL_USAGE, "option 'stretch' is %s", why) : UNROLL_OK;
}

double stretch_draw(double most, uint64_t key, int64_t epoch, int64_t example) {
  const double at = 2 * random_uniform(key, RANDOM_STRETCH, (uint64_t)epoch << 32 | (uint64_t)example >> 32, (uint32_t)example) - 1;
  return at < 0 ? 1 / (1 - at * most) : 1 + at * most;
}

int64_t stretch_length(const dataset *d, const schema *s, int axis, int64_t example, double times) {
  const int64_t length = dataset_length(d, s, axis, example);
  const double wanted = (double)length * times + 0.5;
  int64_t least = 2;
  if (length <= least) return length;
  for (int i = 0; i < s->n; i++) {
    const column_values *c = &d->columns[i];
    if (s->list[i].over != axis || !c->there) continue;
    const int64_t needed = ctc_least_steps(c->symbols + c->first[example], c->first[example + 1] - c->first[example]);
    if (needed > least) least = needed;
  }
  if (least > length) least = length;
  if (wanted < (double)least) return least;
  return wanted < MAX_LINE ? (int64_t)wanted : MAX_LINE;
}
