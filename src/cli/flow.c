/* flow.c - `unroll flow`: vanishing and exploding gradients as a table, a chart, or JSON. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/figures.h"
#include "cli/terminal.h"
#include "report/chart.h"
#include "report/runs.h"

/* What an untrained net is built from: of the options that were typed, and checked by that, those that training has too. */
static unroll_status untrained(unroll_model **m, const options *o, const unroll_table *t, unroll_error *err) {
  unroll_options *train = unroll_options_new("train");
  unroll_status status = train ? unroll_options_set(train, "net", o->arguments[0], err) : error_memory(err);
  for (int i = 0; i < o->n_typed && !status; i++) {
    const unroll_status known = unroll_options_set(train, o->typed[i].name, o->typed[i].value, NULL);
    if (known && known != UNROLL_USAGE) status = error_memory(err);
  }
  if (!status) status = unroll_untrained(train, t, m, err);
  unroll_options_free(train);
  return status;
}

/* --- what is shown --- */

typedef struct shown_state {
  const char *name;
  const double *norms;
  int64_t n;
} shown_state;

static shown_state state_at(const unroll_result *r, int64_t i) {
  unroll_row row;
  unroll_value v;
  unroll_row_init(&row);
  unroll_value_init(&v);
  unroll_result_row(r, i, &row, NULL);
  unroll_result_value(r, i, "norms", &v, NULL);
  return (shown_state){row.series, v.numbers, v.steps};
}

static void print_table(const unroll_result *r, text *out) {
  static const int64_t shown[] = {0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10000, 100000};
  const int64_t n = unroll_result_rows(r), lags = state_at(r, 0).n;
  int widest = 5;
  for (int64_t i = 0; i < n; i++) widest = (int)strlen(state_at(r, i).name) > widest ? (int)strlen(state_at(r, i).name) : widest;
  text_format(out, "gradient of one loss by each state, k steps before\n   %-*s", widest, "state");
  for (size_t k = 0; k < sizeof shown / sizeof *shown && shown[k] < lags; k++)
    text_format(out, "  %*s%lld", shown[k] < 10 ? 6 : 5, "k=", (long long)shown[k]);
  text_format(out, "\n");
  for (int64_t i = 0; i < n; i++) {
    const shown_state s = state_at(r, i);
    text_format(out, "%c  %-*s", runs_letter((int)i), widest, s.name);
    for (size_t k = 0; k < sizeof shown / sizeof *shown && shown[k] < s.n; k++) {
      char x[24] = "-";
      if (!isnan(s.norms[shown[k]])) snprintf(x, sizeof x, "%.2g", s.norms[shown[k]]);
      text_format(out, "  %*s", shown[k] >= 100 ? 8 : 7, x);
    }
    text_format(out, "\n");
  }
}

static void print_matrices(const unroll_result *r, text *out) {
  const double exponent = unroll_result_find(r, "", "exponent");
  bool head = false;
  for (int i = 0; i < unroll_result_figures(r); i++) {
    unroll_figure f;
    unroll_figure_init(&f);
    unroll_result_figure(r, i, &f, NULL);
    if (strcmp(f.name, "spectral_radius") != 0) continue;
    if (!head) text_format(out, "\n%-24s  %15s  %28s\n", "matrix on a state", "spectral radius", "singular values from .. to");
    head = true;
    text_format(out, "%-24s  %15.4g  %15.4g .. %.4g\n", f.of + strlen("matrices/"), f.value, unroll_result_find(r, f.of, "least"),
                unroll_result_find(r, f.of, "largest"));
  }
  if (isnan(exponent)) return;
  text_format(out, "\na small change of the state %s: times %.4g a step (largest Lyapunov exponent %.4g)\n",
              exponent > 0.005    ? "grows"
              : exponent < -0.005 ? "fades"
                                  : "stays",
              exp(exponent), exponent);
}

static unroll_status draw(const unroll_result *r, text *out, unroll_error *err) {
  const int64_t n = unroll_result_rows(r), lags = state_at(r, 0).n;
  const chart_form form = terminal_chart("steps back", true);
  curve *curves = mem_zero((size_t)n, sizeof *curves);
  double *x = mem_zero((size_t)lags + 1, sizeof *x);
  if (curves && x) {
    for (int64_t k = 0; k < lags; k++) x[k] = (double)k;
    for (int64_t i = 0; i < n; i++) curves[i] = (curve){runs_letter((int)i), x, state_at(r, i).norms, (size_t)lags};
    text_format(out, "\n");
    chart_draw(curves, (int)n, &form, out);
  }
  const bool full = curves && x;
  mem_free(curves);
  mem_free(x);
  return full && !out->failed ? UNROLL_OK : error_memory(err);
}

static unroll_status print_text(const unroll_result *r, unroll_error *err) {
  text out = {0};
  print_table(r, &out);
  unroll_status status = draw(r, &out, err);
  if (!status) print_matrices(r, &out);
  if (!status && out.failed) status = error_memory(err);
  if (!status) fputs(out.data, stdout);
  text_free(&out);
  return status;
}

static unroll_status print_json(const unroll_result *r, unroll_error *err) {
  json_t *out = json_object(), *states = json_array(), *matrices = json_object();
  for (int64_t i = 0; i < unroll_result_rows(r); i++) {
    const shown_state s = state_at(r, i);
    json_t *norms = json_array();
    for (int64_t k = 0; k < s.n; k++) json_array_append_new(norms, json_number(s.norms[k]));
    json_array_append_new(states, json_pack("{s:s, s:o}", "name", s.name, "norms", norms));
  }
  for (int i = 0; i < unroll_result_figures(r); i++) {
    unroll_figure f;
    unroll_figure_init(&f);
    unroll_result_figure(r, i, &f, NULL);
    if (!strcmp(f.name, "exponent")) continue;
    const char *name = f.of + strlen("matrices/");
    if (!json_object_get(matrices, name)) json_object_set_new(matrices, name, json_object());
    json_object_set_new(json_object_get(matrices, name), f.name, json_number(f.value));
  }
  json_object_set_new(out, "states", states);
  json_object_set_new(out, "exponent", json_number(unroll_result_find(r, "", "exponent")));
  json_object_set_new(out, "matrices", matrices);
  return output_json(out, err);
}

unroll_status command_flow(const options *o, unroll_error *err) {
  unroll_model *m = NULL;
  unroll_options *how = NULL;
  unroll_table *t = NULL;
  unroll_result *r = NULL;
  unroll_status status = o->n_arguments > 1 ? data_table(&t, o, 1, err) : UNROLL_OK;
  if (!status && text_ends(o->arguments[0], ".safetensors"))
    status = unroll_model_load(&m, o->arguments[0], err);
  else if (!status)
    status = untrained(&m, o, t, err);
  if (!status) status = data_options_of(&how, "flow", o, err);
  if (!status) status = unroll_flow(m, t, how, &r, err);
  if (!status) status = o->json ? print_json(r, err) : print_text(r, err);
  unroll_result_free(r);
  unroll_table_free(t);
  unroll_options_free(how);
  unroll_model_free(m);
  return status;
}
