/* distribution.c - see distribution.h. One line of the graph as a distribution, and vectors of numbers entry by entry. What one
 * distribution alone knows is in the file of its name. */
#include "dist/distribution.h"
#include <math.h>
#include "base/error.h"
#include "dist/form.h"

enum { MAX_ENTRIES = 256 }; /* of a mixture: as in graph/build_vector.c */

#define SYMBOLS(name, aligned, arguments, term) extern const distribution_form form_##name;
#define NUMBERS(name, support, arguments, mean, equations) extern const distribution_form form_##name;
#define VECTORS(name, support) extern const distribution_form form_##name;
#include "graph/distributions.def"
#undef SYMBOLS
#undef NUMBERS
#undef VECTORS
static const distribution_form *const forms[DISTRIBUTION_COUNT] = {
#define SYMBOLS(name, aligned, arguments, term) &form_##name,
#define NUMBERS(name, support, arguments, mean, equations) &form_##name,
#define VECTORS(name, support) &form_##name,
#include "graph/distributions.def"
#undef SYMBOLS
#undef NUMBERS
#undef VECTORS
};

unroll_status distribution_of(distribution *d, const graph *g, int number, const variable *v, unroll_error *err) {
  const loss *l = &g->losses[number];
  const distribution_form *form = forms[l->distribution - graph_distributions];
  if (!form->symbols && !form->number && !form->vector && l->distribution->aligned) /* a row of the table without its file */
    return error_set(err, UNROLL_FAILED, "'%s' has no form", l->distribution->name);
  *d = (distribution){.row = l->distribution,
                      .form = form,
                      .width = g->data[l->data].width,
                      .n_args = l->n_args,
                      .numbers = l->numbers,
                      .n_numbers = l->n_numbers,
                      .has_levels = form->vector && form->vector->levels};
  for (int k = 0; k < l->n_args; k++) {
    const node *n = graph_at(g, l->args[k]);
    d->nodes[k] = l->args[k];
    d->widths[k] = n->width;
    d->spaces[k] = n->space;
  }
  if (v && v->mean) {
    d->mean = v->mean;
    d->deviation = v->deviation;
  }
  return UNROLL_OK;
}

bool distribution_is_symbols(const distribution *d) { return d->form->symbols; }

prediction distribution_at(const distribution *d, const run *r, int64_t step, int64_t row) {
  prediction p = {{NULL}};
  for (int k = 0; k < d->n_args; k++) {
    ptrdiff_t stride;
    const float *x = run_value(r, d->nodes[k], &stride);
    p.args[k] = x + (d->spaces[k] == SPACE_STEP ? step : d->spaces[k] == SPACE_STATIC ? row : 0) * stride;
  }
  return p;
}

bool distribution_finite(const distribution *d, const prediction *p) {
  if (distribution_is_symbols(d)) return distribution_can_draw(d, p); /* a symbol may be impossible */
  for (int k = 0; k < d->n_args; k++)
    for (int j = 0; j < d->widths[k]; j++)
      if (!isfinite(p->args[k][j])) return false;
  return true;
}

/* --- draws --- */

double draw_temperature_of_bias(double bias) { return 1 / (1 + bias); }

unroll_status distribution_check_choice(const distribution *d, const draw_choice *how, unroll_error *err) {
  const distribution_form *f = d->form;
  const bool heats = f->symbols || (f->number && f->number->heat) || (f->vector && f->vector->heats);
  if (how->biased && !(f->vector && f->vector->biased))
    return error_set(err, UNROLL_USAGE, "a bias is for mixture(), and this model draws from %s(): that has a temperature at most",
                     d->row->name);
  if (heats || how->temperature == 0 || how->temperature == 1) return UNROLL_OK;
  return error_set(err, UNROLL_USAGE, "draws from %s() have no temperature but 1, and 0 for the likeliest", d->row->name);
}

/* --- one entry --- */

static double argument(const distribution *d, const prediction *p, int k, int j) {
  return (double)p->args[k][d->widths[k] == 1 ? 0 : j];
}

static void arguments_of(const distribution *d, const prediction *p, int j, double a[DISTRIBUTION_ARGS]) {
  for (int k = 0; k < DISTRIBUTION_ARGS; k++) a[k] = k < d->n_args ? argument(d, p, k, j) : 0;
}

/* Between the units of the net and those of the data. */
static double unscaled(const distribution *d, int j, double x) { return d->mean ? x * d->deviation[j] + d->mean[j] : x; }
static double scaled(const distribution *d, int j, double y) { return d->mean ? (y - d->mean[j]) / d->deviation[j] : y; }

/* --- all entries --- */

static void unscale(const distribution *d, double *out) {
  for (int j = 0; j < d->width; j++) out[j] = unscaled(d, j, out[j]);
}

void distribution_draw(const distribution *d, const prediction *p, const draw_choice *how, const draw_place *at, double *out) {
  const number_form *f = d->form->number;
  double a[DISTRIBUTION_ARGS];
  if (!f) d->form->vector->draw(d, p, how, at, out);
  for (int j = 0; f && j < d->width; j++) {
    draw_place own = draw_inner(at, (uint32_t)j);
    arguments_of(d, p, j, a);
    if (f->heat && how->temperature != 1) f->heat(a, how->temperature);
    out[j] = f->draw(a, &own);
  }
  unscale(d, out);
}

void distribution_mean(const distribution *d, const prediction *p, double *out) {
  double a[DISTRIBUTION_ARGS];
  for (int j = 0; j < d->width; j++) {
    arguments_of(d, p, j, a);
    out[j] = d->form->number ? d->form->number->mean(a) : d->form->vector->mean(d, p, j);
  }
  unscale(d, out);
}

void distribution_mode(const distribution *d, const prediction *p, double *out) {
  double a[DISTRIBUTION_ARGS];
  if (d->form->vector) d->form->vector->mode(d, p, out);
  for (int j = 0; d->form->number && j < d->width; j++) {
    arguments_of(d, p, j, a);
    out[j] = d->form->number->mode(a);
  }
  unscale(d, out);
}

static double quantile_of(const distribution *d, const prediction *p, int j, double level) {
  double a[DISTRIBUTION_ARGS];
  if (!(level >= 0 && level <= 1)) return (double)NAN;
  if (d->form->vector) return d->form->vector->quantile(d, p, j, level);
  arguments_of(d, p, j, a);
  for (int k = 0; k < d->n_args; k++)
    if (isnan(a[k])) return a[k];
  return d->form->number->quantile(a, level);
}

void distribution_quantile(const distribution *d, const prediction *p, double level, double *out) {
  for (int j = 0; j < d->width; j++) out[j] = quantile_of(d, p, j, level);
  unscale(d, out);
}

void distribution_cdf(const distribution *d, const prediction *p, const double *y, double *out) {
  double a[DISTRIBUTION_ARGS];
  for (int j = 0; j < d->width; j++) {
    const double x = scaled(d, j, y[j]);
    arguments_of(d, p, j, a);
    out[j] = d->form->number ? d->form->number->cdf(a, x) : d->form->vector->cdf(d, p, j, x);
  }
}

double distribution_log_density(const distribution *d, const prediction *p, const double *y) {
  double sum = 0, x[MAX_ENTRIES], a[DISTRIBUTION_ARGS];
  if (d->form->vector && !d->form->vector->log_density) return (double)NAN;
  for (int j = 0; j < d->width; j++) {
    const double at = scaled(d, j, y[j]);
    arguments_of(d, p, j, a);
    if (d->form->number)
      sum += d->form->number->log_density(a, at);
    else
      x[j] = at;
    if (d->mean) sum -= log(d->deviation[j]);
  }
  return d->form->vector ? sum + d->form->vector->log_density(d, p, x) : sum;
}

double distribution_pinball(const distribution *d, const prediction *p, const double *y) {
  double sum = 0;
  for (int i = 0; i < d->n_numbers; i++)
    for (int j = 0; j < d->width; j++) {
      const double away = y[j] - unscaled(d, j, (double)p->args[0][i * d->width + j]);
      sum += away * (away > 0 ? d->numbers[i] : d->numbers[i] - 1);
    }
  return sum;
}

void distribution_scaled(const distribution *d, const double *y, float *out) {
  for (int j = 0; j < d->width; j++) out[j] = (float)scaled(d, j, y[j]);
}
