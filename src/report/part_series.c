/* part_series.c - series with dates: what comes next, with intervals. The last horizon is shown as if it had not been there,
 * beside the last value and the season's (naive). What a call predicts follows from the table alone. So the back-test's table
 * is the data without the last values of what is predicted. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "report/sheet.h"

enum { MOST_SERIES = 4, MOST_WIDTH = 4, MOST_HISTORY = 400 };

typedef struct series_part {
  sheet *s;
  unroll_series form;
  int64_t horizon, season;
} series_part;

static const unroll_variable *predicted(const sheet *s) {
  for (int i = 0; i < s->n_variables; i++)
    if (s->variables[i].predicted && s->variables[i].width > 0) return &s->variables[i];
  return NULL;
}

/* Steps that are known: without those at the end in which nothing is. */
static int64_t known_steps(const unroll_value *x) {
  int64_t n = x->steps;
  for (; n > 0; n--)
    for (int k = 0; k < x->width; k++)
      if (isfinite(x->numbers[(n - 1) * x->width + k])) return n;
  return n;
}

/* --- the chart of a series --- */

static void add_chart(const series_part *p, int64_t row, const unroll_result *forecasts, int64_t at, bool back) {
  sheet *s = p->s;
  const unroll_variable *v = predicted(s);
  unroll_row dates, future;
  unroll_value x, f;
  unroll_row_init(&dates);
  unroll_row_init(&future);
  if (unroll_result_row(s->data, row, &dates, NULL) || !sheet_value(s->data, row, v->name, &x) || !x.numbers) return;
  if (unroll_result_row(forecasts, at, &future, NULL) || !sheet_value(forecasts, at, v->name, &f) || !f.numbers || f.steps < 1)
    return;
  const int64_t end = known_steps(&x) - (back ? f.steps : 0), most = p->form.context > 3 * f.steps ? p->form.context : 3 * f.steps;
  const int64_t from = end > most ? end - most : 0, history = end - from < MOST_HISTORY ? end - from : MOST_HISTORY,
                n = history + f.steps;
  if (history < 1) return;
  const int64_t first = end - history;
  double *all = mem_zero((size_t)n, 7 * sizeof *all);
  const char **texts = mem_zero((size_t)n + 1, sizeof *texts);
  s->body.failed |= !all || !texts;
  for (int k = 0; all && texts && k < x.width && k < MOST_WIDTH; k++) {
    double *at_x = all, *truth = all + n, *mean = all + 2 * n, *low = all + 3 * n, *high = all + 4 * n, *naive = all + 5 * n,
           *season = all + 6 * n;
    for (int64_t t = 0; t < n; t++) {
      const int64_t step = first + t, h = t - history;
      at_x[t] = (double)t;
      texts[t] = h < 0 && dates.times ? dates.times[step] : h >= 0 && future.times ? future.times[h] : "";
      truth[t] = (h < 0 || back) && step < x.steps ? x.numbers[step * x.width + k] : (double)NAN;
      const bool now = h >= 0 && h < f.steps;
      mean[t] = now ? f.numbers[h * f.width + k] : (double)NAN;
      low[t] = now && f.n_levels > 1 ? f.quantiles[(h * f.n_levels) * f.width + k] : (double)NAN;
      high[t] = now && f.n_levels > 1 ? f.quantiles[(h * f.n_levels + f.n_levels - 1) * f.width + k] : (double)NAN;
      naive[t] = now && back ? x.numbers[(end - 1) * x.width + k] : (double)NAN;
      const int64_t before = p->season > 0 ? step - p->season * (1 + h / p->season) : -1;
      season[t] = now && back && p->season > 1 && before >= 0 ? x.numbers[before * x.width + k] : (double)NAN;
    }
    text title = {0};
    text_format(&title, "%s", *future.series ? future.series : v->name);
    if (x.width > 1) text_format(&title, ", entry %d", k + 1);
    if (back) text_format(&title, ": the last steps, held back");
    const svg_line lines[] = {{.name = "data", .x = at_x, .y = truth, .n = (size_t)n, .colour = 7},
                              {.name = "forecast", .x = at_x, .y = mean, .n = (size_t)n, .low = low, .high = high, .colour = 0},
                              {.name = "the last value", .x = at_x, .y = naive, .n = (size_t)n, .colour = 3},
                              {.name = "a season ago", .x = at_x, .y = season, .n = (size_t)n, .colour = 2}};
    if (title.data)
      svg_chart(&s->body, lines, back ? p->season > 1 ? 4 : 3 : 2,
                &(svg_form){.title = title.data, .x_texts = texts, .n_x_texts = (size_t)n, .width = 620, .height = 260});
    s->body.failed |= title.failed;
    text_free(&title);
  }
  mem_free(all);
  mem_free(texts);
}

static void add_charts(const series_part *p, const unroll_result *forecasts, bool back) {
  for (int64_t at = 0; at < unroll_result_rows(forecasts) && at < MOST_SERIES; at++) {
    unroll_row f;
    unroll_row_init(&f);
    unroll_result_row(forecasts, at, &f, NULL);
    if (f.example < unroll_result_rows(p->s->data)) add_chart(p, f.example, forecasts, at, back);
  }
}

/* --- the table that lacks its end --- */

typedef struct cut_table {
  int64_t n; /* rows */
  const char **times, **series;
  double *numbers;
} cut_table;

/* Rows of a variable, a column for each entry; of what is predicted the last `horizon` steps of each series are missing. */
static unroll_status add_columns(const series_part *p, unroll_table *t, const cut_table *c, const unroll_variable *v,
                                 unroll_error *err) {
  const unroll_result *data = p->s->data;
  unroll_status status = UNROLL_OK;
  unroll_value x;
  for (int k = 0; k < v->width && !status; k++) {
    char name[300];
    int64_t at = 0;
    for (int64_t row = 0; row < unroll_result_rows(data); row++) {
      const bool there = sheet_value(data, row, v->name, &x) && x.numbers;
      const int64_t known = there ? known_steps(&x) : 0;
      for (int64_t i = 0; there && i < x.steps && at < c->n; i++)
        c->numbers[at++] = v->predicted && i >= known - p->horizon ? (double)NAN : x.numbers[i * x.width + k];
    }
    if (at != c->n) return error_set(err, UNROLL_USAGE, "its variables have different numbers of steps");
    snprintf(name, sizeof name, v->width > 1 ? "%.200s%d" : "%.200s", v->name, k + 1);
    status = unroll_table_add_numbers(t, name, c->numbers, c->n, err);
  }
  return status;
}

static unroll_status make_table(const series_part *p, unroll_table *t, unroll_error *err) {
  sheet *s = p->s;
  cut_table c = {0};
  unroll_value x;
  for (int64_t row = 0; row < unroll_result_rows(s->data); row++)
    if (sheet_value(s->data, row, predicted(s)->name, &x)) c.n += x.steps;
  c.times = mem_zero((size_t)c.n + 1, sizeof *c.times);
  c.series = mem_zero((size_t)c.n + 1, sizeof *c.series);
  c.numbers = mem_zero((size_t)c.n + 1, sizeof *c.numbers);
  unroll_status status = c.times && c.series && c.numbers ? UNROLL_OK : error_memory(err);
  int64_t at = 0;
  for (int64_t row = 0; row < unroll_result_rows(s->data) && !status; row++) {
    unroll_row r;
    unroll_row_init(&r);
    unroll_result_row(s->data, row, &r, NULL);
    if (!sheet_value(s->data, row, predicted(s)->name, &x)) continue;
    for (int64_t i = 0; i < x.steps && r.times; i++, at++) {
      c.times[at] = r.times[i];
      c.series[at] = r.series;
    }
  }
  if (!status) status = unroll_table_add_texts(t, p->form.time, c.times, NULL, c.n, err);
  if (!status && p->form.series) status = unroll_table_add_texts(t, p->form.series, c.series, NULL, c.n, err);
  for (int i = 0; i < s->n_variables && !status; i++) {
    if (!s->variables[i].width || !strcmp(s->variables[i].sort, "time")) continue;
    status = add_columns(p, t, &c, &s->variables[i], err);
  }
  mem_free(c.times);
  mem_free(c.series);
  mem_free(c.numbers);
  return status;
}

static unroll_status forecast(const series_part *p, const unroll_table *t, bool typed, unroll_result **out, unroll_error *err) {
  unroll_options *o = typed ? sheet_options(p->s, "predict") : unroll_options_new("predict");
  if (!o) return error_memory(err);
  if (!typed) sheet_set_number(o, "horizon", p->horizon);
  unroll_options_set_stop(o, p->s->r->stop);
  sheet_set(o, "quantiles", "0.1,0.5,0.9");
  const unroll_status status = unroll_predict(p->s->r->m, t, o, out, err);
  unroll_options_free(o);
  return status;
}

unroll_status part_series(sheet *s, unroll_error *err) {
  series_part p = {.s = s};
  unroll_error e = {0};
  unroll_result *r = NULL;
  if (!s->timed) {
    sheet_left_out(s, "forecasts", "the net is not for series with dates");
    return UNROLL_OK;
  }
  if (!s->data || !predicted(s)) return UNROLL_OK;
  unroll_series_init(&p.form);
  unroll_model_series(s->r->m, &p.form, NULL);
  p.horizon = p.form.horizon;
  p.season = s->figures ? (int64_t)fmax(0, unroll_result_find(s->figures, "", "season")) : 0;
  for (int i = 0; i < s->r->n_asked; i++) {
    double x;
    if (!strcmp(s->r->asked[i].name, "horizon") && !text_number(s->r->asked[i].value, strlen(s->r->asked[i].value), &x))
      p.horizon = (int64_t)x;
  }
  unroll_status status = forecast(&p, s->r->t, true, &r, &e);
  if (!status) {
    sheet_part(s, "forecasts", "Forecasts");
    html_add(&s->body, "<p class=\"soft\">The line is the mean; 80 % of what comes should lie within the band.</p>\n");
    add_charts(&p, r, false);
    if (unroll_result_rows(r) > MOST_SERIES) text_format(&s->body, "<p class=\"soft\">The first %d series.</p>\n", MOST_SERIES);
  }
  unroll_result_free(r);
  r = NULL;
  if (status && err) *err = e;
  status = sheet_failed(s, "forecasts", status, &e);
  if (status) return status;
  unroll_table *t = unroll_table_new();
  status = t ? make_table(&p, t, &e) : error_memory(&e);
  if (!status) status = forecast(&p, t, false, &r, &e);
  if (!status) {
    html_add(&s->body, "<h3>Beside what came</h3>\n");
    add_charts(&p, r, true);
  }
  unroll_result_free(r);
  unroll_table_free(t);
  if (status && err) *err = e;
  return sheet_failed(s, "a forecast beside what came", status, &e);
}
