/* crop.c - see crop.h. */
#include "data/crop.h"
#include "base/error.h"
#include "base/memory.h"

static unroll_status check(const part *p, const graph *g, const schema *s, unroll_error *err) {
  const char *why = s->time.time                           ? "this one is for series with dates, which have windows of their own"
                    : p->data->stream || schema_streams(s) ? "this one reads a stream"
                    : g->n_axes != 1                       ? "this one has not just one time axis"
                                                           : NULL;
  return why ? error_set(err, UNROLL_USAGE, "option 'crop' is for nets of examples with steps, and %s", why) : UNROLL_OK;
}

bool crop_votes(const graph *g, const schema *s) {
  for (int k = 0; k < g->n_losses; k++) {
    const variable *v = &s->list[g->losses[k].data];
    if (v->step || v->form.unit == UNIT_NUMBERS) return false;
  }
  return true;
}

/* How many pieces an example of `length` steps has. */
static int64_t count_of(int64_t length, int64_t steps, int64_t apart) {
  return length <= steps ? 1 : 1 + (length - steps + apart - 1) / apart;
}

static int64_t predicted(const graph *g, const schema *s, int64_t count) {
  int64_t n = 0;
  for (int k = 0; k < g->n_losses; k++) n += s->list[g->losses[k].data].step ? count : 1;
  return n;
}

/* Pieces of all examples in the place of these; `drawn`: one of each, which may begin anywhere. */
static unroll_status crop(part *p, const graph *g, const schema *s, int64_t steps, int64_t apart, bool drawn, unroll_error *err) {
  int64_t n = 0, k = 0, symbols = 0;
  const unroll_status status = check(p, g, s, err);
  if (status) return status;
  for (int64_t i = 0; i < p->n; i++) n += drawn ? 1 : count_of(dataset_length(p->data, s, 0, p->list[i]), steps, apart);
  int64_t *list = mem_zero((size_t)n + 1, sizeof *list);
  series_window *windows = mem_zero((size_t)n + 1, sizeof *windows);
  if (!list || !windows) {
    mem_free(list);
    mem_free(windows);
    return error_memory(err);
  }
  for (int64_t i = 0; i < p->n; i++) {
    const int64_t length = dataset_length(p->data, s, 0, p->list[i]), count = length < steps ? length : steps,
                  rest = length - count;
    const int64_t pieces = drawn ? 1 : count_of(length, steps, apart);
    for (int64_t j = 0; j < pieces; j++) {
      list[k] = p->list[i];
      windows[k++] =
          (series_window){.from = pieces > 1 ? j * rest / (pieces - 1) : 0, .spread = drawn ? rest : 0, .count = (int)count};
      symbols += predicted(g, s, count);
    }
  }
  mem_free(p->list);
  mem_free(p->windows);
  p->list = list;
  p->windows = windows;
  p->n = n;
  p->n_symbols = symbols;
  return UNROLL_OK;
}

unroll_status crop_drawn(part *p, const graph *g, const schema *s, int64_t steps, unroll_error *err) {
  return crop(p, g, s, steps, steps, true, err);
}

unroll_status crop_all(part *p, const graph *g, const schema *s, int64_t steps, int64_t apart, unroll_error *err) {
  return crop(p, g, s, steps, apart, false, err);
}
