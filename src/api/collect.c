/* collect.c - see collect.h. */
#include "api/collect.h"
#include "use/evaluate.h"

unroll_status collect_begin(collector *c, const ask *a, const unroll_options *o, unroll_error *err) {
  const graph *g = &a->m.g;
  *c = (collector){.a = a, .m = &a->m, .d = &a->d, .r = result_new(g->n_losses, o)};
  bool full = c->r != NULL;
  for (int k = 0; k < g->n_losses && full; k++) full = result_name(c->r, k, g->data[g->losses[k].data].name);
  return full ? UNROLL_OK : error_memory(err);
}

unroll_status collect_end(collector *c, unroll_status status, unroll_result **out, unroll_error *err) {
  figures f = {0};
  if (!status && (!result_left_out(c->r, &f, c->d) || f.failed || !result_figures(c->r, &f))) status = error_memory(err);
  figures_free(&f);
  if (status)
    unroll_result_free(c->r);
  else
    *out = c->r;
  return status;
}

char *collect_text(unroll_result *r, const char *s) {
  const size_t n = strlen(s);
  char *copy = result_alloc(r, n + 1, 1);
  return copy ? memcpy(copy, s, n + 1) : NULL;
}

unroll_status collect_gaps(collector *c, int64_t example, unroll_error *err) {
  const dataset *d = c->d;
  unroll_status status = UNROLL_OK;
  while (c->gaps < d->n_gaps && d->gaps[c->gaps].before <= example && !status) {
    const example_gap *gap = &d->gaps[c->gaps];
    result_row *row = result_add(c->r);
    if (!row) return error_memory(err);
    row->row.example = gap->before + c->gaps++;
    row->row.left_out = collect_text(c->r, gap->why >= 0 ? d->bad.first[gap->why].message : "cannot be read");
    status = row->row.left_out ? result_hand(c->r) : error_memory(err);
  }
  return status;
}

result_row *collect_row(collector *c, const decoded *d) {
  result_row *row = result_add(c->r);
  bool full = row != NULL;
  if (!full) return NULL;
  row->row.example = d->example + c->gaps;
  row->row.number = d->number;
  row->row.log2_p = d->log_probability * BITS_PER_NAT;
  row->row.ended = d->ended;
  for (int k = 0; k < d->n_parts && full; k++) {
    const decoded_part *p = &d->parts[k];
    unroll_value *v = &row->values[p->loss];
    if (p->ends) continue;
    v->steps = d->n;
    if (p->words) {
      full = result_symbols(c->r, v, p->words, p->symbols, d->n);
      continue;
    }
    v->width = p->width;
    v->numbers = result_copy(c->r, p->numbers, (size_t)d->n * (size_t)p->width, sizeof *p->numbers, &full);
  }
  return full ? row : NULL;
}

unroll_status collect_decoded(void *context, const decoded *d, unroll_error *err) {
  collector *c = context;
  const unroll_status status = collect_gaps(c, d->example, err);
  if (status) return status;
  return collect_row(c, d) ? result_hand(c->r) : error_memory(err);
}
