/* unfit.c - texts that ctc cannot align: a step says one symbol or the blank, and between equal symbols there must be a blank. */
#include <inttypes.h>
#include "base/error.h"
#include "data/schema.h"
#include "kernel/kernel.h"

/* The variable whose steps an axis has, for messages. */
static const char *read_on(const schema *s, const dataset *d, int axis) {
  for (int i = 0; i < s->n; i++)
    if (s->list[i].axis == axis && d->columns[i].there) return s->list[i].form.name;
  return "what is read";
}

static unroll_status set_aside(dataset *d, const schema *s, int i, int64_t example, int64_t n, int64_t needed, unroll_error *err) {
  const variable *v = &s->list[i];
  unroll_error message = {0}, *e = bad_rows_place(&d->bad, &message);
  if (!e || (d->aside && d->aside[example])) return dataset_set_aside(d, example, NULL, err);
  const int64_t row = d->row_of[example];
  int64_t shown;
  const char *file = dataset_place(d, row, &shown);
  const int line = d->line_of[row] < INT32_MAX ? (int)d->line_of[row] : INT32_MAX;
  if (d->by_line) shown = line;
  error_at(e, UNROLL_BAD_INPUT, file, NULL, 1, 0,
           "row %" PRId64 ": '%s' has %" PRId64 " symbols and needs %" PRId64 " steps, but '%s' has %" PRId64
           ": ctc takes at least a step for each symbol, and one more between equal ones",
           shown, v->form.name, n, needed, read_on(s, d, v->over), dataset_length(d, s, v->over, example));
  e->line = line;
  return dataset_set_aside(d, example, e, err);
}

unroll_status dataset_set_unfit_aside(dataset *d, const schema *s, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  for (int i = 0; i < s->n; i++) {
    const column_values *c = &d->columns[i];
    if (s->list[i].over < 0 || !c->there) continue;
    for (int64_t e = 0; e < d->n_sequences && !status; e++) {
      const int64_t n = c->first[e + 1] - c->first[e], needed = ctc_least_steps(c->symbols + c->first[e], n);
      if (needed > dataset_length(d, s, s->list[i].over, e)) status = set_aside(d, s, i, e, n, needed, err);
    }
  }
  return status;
}
