/* flow.c - behind unroll.h: how gradients flow back over the steps. */
#include "use/flow.h"
#include "api/ask.h"
#include "api/result.h"

enum { LAGS = 50 };

static unroll_status add_states(unroll_result *r, const flow *f, unroll_error *err) {
  if (!result_name(r, 0, "norms")) return error_memory(err);
  for (int i = 0; i < f->n_states; i++) {
    bool full = true;
    result_row *row = result_add(r);
    if (!row) return error_memory(err);
    row->row.example = i;
    row->row.series = arena_text(&r->memory, f->states[i].name, strlen(f->states[i].name));
    row->values[0].steps = f->lags + 1;
    row->values[0].width = 1;
    row->values[0].numbers = result_copy(r, f->states[i].norms, (size_t)f->lags + 1, sizeof *f->states[i].norms, &full);
    if (!full || !row->row.series) return error_memory(err);
  }
  return UNROLL_OK;
}

static unroll_status add_figures(unroll_result *r, const flow *f, unroll_error *err) {
  figures list = {0};
  figures_add(&list, 0, "exponent", FIGURE_NUMBER, f->exponent);
  const int all = f->n_matrices ? figures_part(&list, 0, "matrices") : 0;
  for (int i = 0; i < f->n_matrices; i++) {
    const int one = figures_part(&list, all, figures_name(&list, f->matrices[i].name));
    figures_add(&list, one, "spectral_radius", FIGURE_NUMBER, f->matrices[i].radius);
    figures_add(&list, one, "largest", FIGURE_NUMBER, f->matrices[i].largest);
    figures_add(&list, one, "least", FIGURE_NUMBER, f->matrices[i].least);
  }
  return result_figures(r, &list) ? UNROLL_OK : error_memory(err);
}

unroll_status unroll_flow(const unroll_model *m, const unroll_table *t, const unroll_options *o, unroll_result **out,
                          unroll_error *err) {
  ask a;
  flow f = {0};
  unroll_result *r = NULL;
  if (!out) return api_null(err);
  *out = NULL;
  unroll_status status = ask_begin(&a, m, t, o, IN(flow), err);
  if (!status && a.m.schema.time.time && t)
    status = error_set(err, UNROLL_USAGE, "this model is for series with dates, of which windows are predicted");
  if (!status && t) status = ask_read(&a, BIND_TRUTH, err);
  if (!status) status = flow_find(&f, &a.m, t ? &a.d : NULL, (int)ask_or(a.o.lags, LAGS), ask_seed(&a.o), a.workers, err);
  if (!status && !(r = result_new(1, NULL))) status = error_memory(err);
  if (!status) status = add_states(r, &f, err);
  if (!status) status = add_figures(r, &f, err);
  flow_free(&f);
  ask_end(&a);
  if (status)
    unroll_result_free(r);
  else
    *out = r;
  return status;
}
