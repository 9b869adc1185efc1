/* decode_source.c - where the decoder's examples come from: a table, or nothing but a beginning. */
#include <string.h>
#include "base/error.h"
#include "data/examples.h"
#include "graph/cut.h"
#include "use/decode.h"

/* --- a table --- */

static const batch *fill_table(void *context, int64_t first, int n) {
  examples *e = context;
  for (int i = 0; i < n; i++) e->list[i] = first + i;
  examples_fill(e, n);
  return &e->b;
}

/* Bounds on batches of `group` examples in the order of the data. */
static void bounds(decode_source *source, const model *m, const dataset *d, int group) {
  source->steps = 1;
  source->cells = 1;
  for (int a = 0; a < m->g.n_axes; a++) {
    int64_t cells = 0;
    for (int64_t i = 0; i < d->n_sequences; i++) {
      const int64_t n = dataset_length(d, &m->schema, a, i);
      cells = i % group ? cells + n : n;
      if (n > source->steps) source->steps = (int)n;
      if (cells > source->cells) source->cells = cells;
    }
  }
}

unroll_status decode_table(const model *m, const dataset *d, const int64_t *known, const decode_options *o, pool *workers,
                           const decode_sink *sink, unroll_error *err) {
  examples e = {0};
  const int group = decode_group(o);
  decode_source source = {.context = &e, .fill = fill_table, .n = d->n_sequences, .known = known};
  bounds(&source, m, d, group);
  unroll_status status = examples_init(&e, &m->g, &m->schema, d, group, source.steps, source.cells, false, err);
  if (status) return status;
  status = decode(m, o, &source, workers, sink, err);
  examples_free(&e);
  return status;
}

/* --- nothing --- */

typedef struct beginning {
  batch b;
  batch_axis *axes;
  int *active;
  int64_t *first;
  int32_t **index;
  float **number;
} beginning;

static const batch *fill_beginning(void *context, int64_t first, int n) {
  (void)first, (void)n;
  return &((const beginning *)context)->b;
}

static bool beginning_init(beginning *s, const graph *g, int axis, const int32_t *symbols, int64_t n) {
  const size_t inputs = (size_t)g->n_inputs + 1, steps = (size_t)n;
  s->axes = mem_zero((size_t)g->n_axes + 1, sizeof *s->axes);
  s->active = mem_zero(steps + 1, sizeof *s->active);
  s->first = mem_zero(steps + 2, sizeof *s->first);
  s->index = mem_zero(inputs, sizeof *s->index);
  s->number = mem_zero(inputs, sizeof *s->number);
  if (!s->axes || !s->active || !s->first || !s->index || !s->number) return false;
  for (int64_t t = 0; t < n; t++) {
    s->active[t] = 1;
    s->first[t + 1] = t + 1;
  }
  for (int a = 0; a < g->n_axes; a++)
    s->axes[a] = (batch_axis){.steps = a == axis ? (int)n : 0, .active = s->active, .first = s->first};
  for (int i = 0; i < g->n_inputs; i++) {
    const input *in = &g->inputs[i];
    if (in->index && !(s->index[i] = mem_zero(steps + 1, sizeof **s->index))) return false;
    if (!in->index && !(s->number[i] = mem_zero((steps + 1) * (size_t)in->width, sizeof **s->number))) return false;
    for (int64_t t = 0; in->index && t < n + 1; t++)
      s->index[i][t] = in->space == SPACE_STEP && in->axis == axis && t < n && t >= in->lag ? symbols[t - in->lag] : -1;
  }
  s->b = (batch){.rows = 1, .axes = s->axes, .index = (const int32_t *const *)s->index, .number = (const float *const *)s->number};
  return true;
}

static void beginning_free(beginning *s, const graph *g) {
  for (int i = 0; i < g->n_inputs; i++) {
    if (s->index) mem_free(s->index[i]);
    if (s->number) mem_free(s->number[i]);
  }
  mem_free(s->axes);
  mem_free(s->active);
  mem_free(s->first);
  mem_free(s->index);
  mem_free(s->number);
}

static bool is_predicted(const graph *g, int data) {
  for (int k = 0; k < g->n_losses; k++)
    if (g->losses[k].data == data) return true;
  return false;
}

static unroll_status check_nothing(const model *m, int64_t n, unroll_error *err) {
  const graph *g = &m->g;
  for (int i = 0; i < g->n_inputs; i++)
    if (!is_predicted(g, g->inputs[i].data))
      return error_set(
          err, UNROLL_USAGE,
          "this net generates from data ('%s'): option 'text' gives it, or 'predict' reads a table, with option 'samples' "
          "where it is to draw",
          g->data[g->inputs[i].data].name);
  if (n > 0 && (g->n_data != 1 || !g->inputs[0].index))
    return error_set(err, UNROLL_USAGE, "a text to begin with is for nets that generate one text");
  return UNROLL_OK;
}

unroll_status decode_nothing(const model *m, const int32_t *symbols, int64_t n, const decode_options *o, pool *workers,
                             const decode_sink *sink, unroll_error *err) {
  beginning s = {0};
  int axis;
  unroll_status status = cut_axis(&axis, &m->g, err);
  if (!status && axis >= 0) status = check_nothing(m, n, err); /* decode() refuses the others */
  if (status) return status;
  if (n >= INT32_MAX - 1) return error_set(err, UNROLL_USAGE, "the text to begin with is too long");
  if (!beginning_init(&s, &m->g, axis, symbols, n)) status = error_memory(err);
  const decode_source source = {
      .context = &s, .fill = fill_beginning, .n = 1, .known = &n, .steps = n > 1 ? (int)n : 1, .cells = n > 1 ? n : 1};
  if (!status) status = decode(m, o, &source, workers, sink, err);
  beginning_free(&s, &m->g);
  return status;
}
