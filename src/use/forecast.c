/* forecast.c - see forecast.h. An origin is an example of the decoder: a window of the series whose context is known. A net that
 * does not feed back what it predicts needs no decoder: all steps are drawn after one pass. */
#include "use/forecast.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/random.h"
#include "data/calendar.h"
#include "data/examples.h"
#include "ranks/ranks.h"
#include "run/make.h"
#include "use/decode.h"
#include "use/share.h"
#include "dist/distribution.h"

typedef struct forecaster {
  const model *m;
  const dataset *d;
  const forecast_origin *origins;
  int64_t n;
  const forecast_options *o;
  const forecast_sink *sink;
  examples e;
  int64_t *known, *length; /* [n] */
  distribution *heads;     /* [n_losses] */
  forecast_part *parts;    /* [n_losses] */
  double **draws, **means; /* [n_losses] [horizon][width][samples], [horizon][width] */
  double *scale;           /* [2][widest] mean and deviation of an origin's window */
} forecaster;

double forecast_quantile(const double *draws, int64_t n, double level) {
  const double at = level * (double)(n - 1);
  const int64_t low = (int64_t)at < n - 1 ? (int64_t)at : n - 1, high = low + 1 < n ? low + 1 : low;
  return draws[low] + (at - (double)low) * (draws[high] - draws[low]);
}

/* --- data --- */

static unroll_status check_data(const dataset *d, const model *m, unroll_error *err) {
  char here[TIME_TEXT], there[TIME_TEXT];
  const time_grid *g = &m->schema.time.grid;
  if (time_same_step(g, &d->calendar.grid)) return UNROLL_OK;
  time_write_step(&d->calendar.grid, here);
  time_write_step(g, there);
  return error_at(err, UNROLL_BAD_INPUT, d->name, NULL, 0, 0, "the step of its dates is %s, but the model was trained on one of %s",
                  here, there);
}

static unroll_status take_column(char **to, const char *given, unroll_error *err) {
  char *copy = given ? mem_text(given) : NULL;
  if (!given) return UNROLL_OK;
  if (!copy) return error_memory(err);
  mem_free(*to);
  *to = copy;
  return UNROLL_OK;
}

unroll_status forecast_read(dataset *d, model *m, const char *paths, const data_options *given, const char *time, int future,
                            unroll_error *err) {
  series_form *f = &m->schema.time;
  *d = (dataset){0};
  if (!f->time) return error_set(err, UNROLL_USAGE, "only a model that was trained with option 'time' makes forecasts");
  unroll_status status = take_column(&f->series, given ? given->series : NULL, err);
  if (!status) status = take_column(&f->time, time, err);
  f->future = future;
  data_options how = given ? *given : (data_options){0};
  how.wanted = BIND_TRUTH;
  how.series = f->series;
  if (!status) status = dataset_read(d, &m->schema, paths, &how, err);
  if (!status) status = check_data(d, m, err);
  if (!status) status = dataset_encode(d, &m->schema, err);
  if (!status && dataset_has_gaps(d, &m->schema)) status = model_see_gaps(m, err);
  if (!status) dataset_measure(d, &m->schema, &m->g);
  return status;
}

/* --- memory --- */

static unroll_status begin(forecaster *s, int group, unroll_error *err) {
  const graph *g = &s->m->g;
  const size_t losses = (size_t)g->n_losses + 1;
  const int steps = s->m->schema.time.context + s->o->horizon;
  int widest = 1;
  unroll_status status = examples_init(&s->e, g, &s->m->schema, s->d, group, steps, (int64_t)group * steps, true, err);
  if (status) return status;
  s->known = mem_zero((size_t)s->n + 1, sizeof *s->known);
  s->length = mem_zero((size_t)s->n + 1, sizeof *s->length);
  s->heads = mem_zero(losses, sizeof *s->heads);
  s->parts = mem_zero(losses, sizeof *s->parts);
  s->draws = mem_zero(losses, sizeof *s->draws);
  s->means = mem_zero(losses, sizeof *s->means);
  if (!s->known || !s->length || !s->heads || !s->parts || !s->draws || !s->means) return error_memory(err);
  for (int k = 0; k < g->n_losses; k++) {
    const variable *v = &s->m->schema.list[g->losses[k].data];
    size_t numbers;
    status = distribution_of(&s->heads[k], g, k, v, err);
    if (!status && !s->heads[k].row->aligned)
      return error_set(err, UNROLL_USAGE, "'%s' is predicted by %s, which forecasts nothing", v->form.name, s->heads[k].row->name);
    if (status) return status;
    if (__builtin_mul_overflow((size_t)s->o->horizon * (size_t)v->width, (size_t)s->o->samples, &numbers)) return error_memory(err);
    s->draws[k] = mem_zero(numbers, sizeof **s->draws);
    s->means[k] = mem_zero((size_t)s->o->horizon * (size_t)v->width, sizeof **s->means);
    if (!s->draws[k] || !s->means[k]) return error_memory(err);
    s->parts[k] = (forecast_part){.v = v, .data = g->losses[k].data, .mean = s->means[k], .draws = s->draws[k]};
    if (v->width > widest) widest = v->width;
  }
  s->scale = mem_zero((size_t)widest, 2 * sizeof *s->scale);
  if (!s->scale) return error_memory(err);
  for (int64_t i = 0; i < s->n; i++) {
    s->known[i] = s->origins[i].at < s->m->schema.time.context ? s->origins[i].at : s->m->schema.time.context;
    s->length[i] = s->o->horizon;
  }
  return UNROLL_OK;
}

static void forecaster_free(forecaster *s) {
  examples_free(&s->e);
  for (int k = 0; s->draws && s->means && k < s->m->g.n_losses; k++) {
    mem_free(s->draws[k]);
    mem_free(s->means[k]);
  }
  mem_free(s->draws);
  mem_free(s->means);
  mem_free(s->known);
  mem_free(s->length);
  mem_free(s->heads);
  mem_free(s->parts);
  mem_free(s->scale);
}

/* --- windows in, draws out --- */

static const batch *fill(void *context, int64_t first, int n) {
  forecaster *s = context;
  for (int i = 0; i < n; i++) {
    const forecast_origin *o = &s->origins[first + i];
    const int known = (int)s->known[first + i];
    s->e.list[i] = o->example;
    s->e.windows[i] = (series_window){.from = o->at - known, .count = known + s->o->horizon, .context = known};
  }
  examples_fill(&s->e, n);
  return &s->e.b;
}

/* Path `number` of loss k at step h, in the units of the net where it is scaled by windows. */
static void put(forecaster *s, int k, int h, int64_t number, const double *x) {
  const int width = s->parts[k].v->width;
  for (int j = 0; j < width; j++) s->draws[k][((int64_t)h * width + j) * s->o->samples + number] = x[j];
}

/* How many numbers s->draws[k] has. */
static size_t draws_of(const forecaster *s, int k) {
  return (size_t)s->o->horizon * (size_t)s->parts[k].v->width * (size_t)s->o->samples;
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* All paths of an origin are there. */
static unroll_status finish(forecaster *s, int64_t number, unroll_error *err) {
  const forecast_origin *o = &s->origins[number];
  const int64_t samples = s->o->samples, known = s->known[number];
  for (int k = 0; k < s->m->g.n_losses; k++) {
    const variable *v = s->parts[k].v;
    const bool scaled = calendar_scales(&s->m->schema, s->parts[k].data);
    double *mean = s->scale, *deviation = s->scale + v->width;
    if (scaled) calendar_scale(s->d, &s->m->schema, s->parts[k].data, o->example, o->at - known, known, mean, deviation);
    for (int64_t i = 0; i < (int64_t)s->o->horizon * v->width; i++) {
      double *x = s->draws[k] + i * samples, sum = 0;
      for (int64_t n = 0; n < samples; n++) {
        if (scaled) x[n] = x[n] * deviation[i % v->width] + mean[i % v->width];
        if (!isfinite(x[n])) return error_set(err, UNROLL_FAILED, "what the model draws is not finite");
        sum += x[n];
      }
      s->means[k][i] = sum / (double)samples;
      qsort(x, (size_t)samples, sizeof *x, compare);
    }
  }
  const forecast_result r = {
      .number = number, .origin = *o, .horizon = s->o->horizon, .samples = samples, .parts = s->parts, .n = s->m->g.n_losses};
  return s->sink->emit(s->sink->context, &r, err);
}

/* --- nets that feed back --- */

static unroll_status take(void *context, const decoded *d, unroll_error *err) {
  forecaster *s = context;
  for (int i = 0; i < d->n_parts; i++)
    for (int h = 0; h < s->o->horizon && h < d->n; h++)
      put(s, d->parts[i].loss, h, d->number, d->parts[i].numbers + (int64_t)h * d->parts[i].width);
  if (d->n != s->o->horizon)
    return error_set(err, UNROLL_FAILED, "a forecast of %d steps ended after %" PRId64, s->o->horizon, d->n);
  return d->number + 1 == s->o->samples ? finish(s, d->example, err) : UNROLL_OK;
}

static unroll_status run_decoder(forecaster *s, const decode_options *o, pool *workers, unroll_error *err) {
  const decode_source source = {.context = s,
                                .fill = fill,
                                .n = s->n,
                                .known = s->known,
                                .length = s->length,
                                .steps = s->e.max_steps,
                                .cells = s->e.max_cells};
  const decode_sink sink = {.context = s, .emit = take, .stop = s->sink->stop};
  return decode(s->m, o, &source, workers, &sink, err);
}

/* --- nets that do not --- */

static void draw_all(forecaster *s, const run *r, int k, int row, int64_t number) {
  const distribution *d = &s->heads[k];
  const batch_axis *axis = &s->e.axes[s->parts[k].v->axis];
  const draw_choice as_it_says = {.temperature = 1};
  double *x = s->scale; /* [width] */
  int at = 0;
  while ((axis->order ? axis->order[at] : at) != row) at++;
  for (int h = 0; h < s->o->horizon; h++) {
    const prediction p = distribution_at(d, r, axis->first[s->known[number] + h] + at, row);
    for (int64_t n = 0; n < s->o->samples; n++) {
      const draw_place place = {.seed = s->o->seed + (uint64_t)k,
                                .stream = RANDOM_SAMPLE,
                                .step = (uint64_t)(number * s->o->samples + n),
                                .place = (uint32_t)h};
      distribution_draw(d, &p, &as_it_says, &place, x);
      put(s, k, h, n, x);
    }
  }
}

typedef struct once { /* a run of all steps of a group of origins */
  forecaster *s;
  run *r;
  int group;
} once;

static int group_at(const once *o, int64_t first) { return (int)(o->s->n - first < o->group ? o->s->n - first : o->group); }

/* The draws of the origins of a group, one after the other. */
static unroll_status make_draws(void *context, int64_t number, text *out, unroll_error *err) {
  const once *o = context;
  forecaster *s = o->s;
  const int64_t first = number * o->group;
  const int n = group_at(o, first);
  (void)err;
  run_pass(o->r, fill(s, first, n), 0);
  for (int i = 0; i < n; i++)
    for (int k = 0; k < s->m->g.n_losses; k++) {
      draw_all(s, o->r, k, i, first + i);
      share_add(out, s->draws[k], draws_of(s, k) * sizeof **s->draws);
    }
  return UNROLL_OK;
}

static unroll_status take_draws(void *context, int64_t number, const text *bytes, unroll_error *err) {
  const once *o = context;
  forecaster *s = o->s;
  const int64_t first = number * o->group;
  unroll_status status = UNROLL_OK;
  size_t at = 0;
  for (int i = 0; i < group_at(o, first) && !status; i++) {
    for (int k = 0; k < s->m->g.n_losses; k++) {
      const size_t size = draws_of(s, k) * sizeof **s->draws;
      memcpy(s->draws[k], share_next(bytes, &at, size), size);
    }
    status = finish(s, first + i, err);
  }
  return status;
}

static unroll_status run_alone(const once *o, unroll_error *err) {
  forecaster *s = o->s;
  unroll_status status = UNROLL_OK;
  for (int64_t first = 0; first < s->n && !status; first += o->group) {
    const int n = group_at(o, first);
    if (s->sink->stop && *s->sink->stop) status = error_set(err, UNROLL_INTERRUPTED, "interrupted");
    if (!status) run_pass(o->r, fill(s, first, n), 0);
    for (int i = 0; i < n && !status; i++) {
      for (int k = 0; k < s->m->g.n_losses; k++) draw_all(s, o->r, k, i, first + i);
      status = finish(s, first + i, err);
    }
  }
  return status;
}

static unroll_status run_once(forecaster *s, int group, pool *workers, unroll_error *err) {
  int keep[LOSS_ARGS * MAX_FORMS], n_keep = 0;
  const ranks *here = ranks_here();
  const int64_t each = here ? (s->n + here->count - 1) / here->count : s->n;
  once o = {.s = s, .group = each > 0 && each < group ? (int)each : group};
  const shared_work work = {.context = &o, .make = make_draws, .take = take_draws, .stop = s->sink->stop};
  plan *p = NULL;
  for (int k = 0; k < s->m->g.n_losses; k++)
    for (int i = 0; i < s->heads[k].n_args; i++) keep[n_keep++] = s->heads[k].nodes[i];
  const plan_options options = {.precision = s->m->precision,
                                .max_rows = o.group,
                                .max_steps = s->e.max_steps,
                                .max_cells = s->e.max_cells,
                                .keep = keep,
                                .n_keep = n_keep};
  unroll_status status = run_make(&o.r, &p, &s->m->g, &options, s->m->weights, workers, err);
  if (!status) status = here ? share_work(here, &work, (s->n + o.group - 1) / o.group, err) : run_alone(&o, err);
  run_free(o.r);
  plan_free(p);
  return status;
}

unroll_status forecast(const model *m, const dataset *d, const forecast_origin *origins, int64_t n, const forecast_options *o,
                       pool *workers, const forecast_sink *sink, unroll_error *err) {
  forecaster s = {.m = m, .d = d, .origins = origins, .n = n, .o = o, .sink = sink};
  decode_options how;
  decode_defaults(&how);
  how.samples = o->samples;
  how.seed = o->seed;
  if (o->rows > 0) how.rows = o->rows;
  if (o->horizon < 1 || o->samples < 1) return error_set(err, UNROLL_USAGE, "a forecast needs at least one step and one path");
  const bool fed_back = decode_is_for(&m->g);
  const int group = fed_back ? decode_group(&how) : how.rows;
  unroll_status status = begin(&s, group, err);
  if (!status) status = fed_back ? run_decoder(&s, &how, workers, err) : run_once(&s, group, workers, err);
  forecaster_free(&s);
  return status;
}
