/* series.c - see series.h. */
#include "cli/series.h"
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "cli/output.h"
#include "cli/terminal.h"

/* The columns are those that the model was trained with, unless others are given. */
static const char *series_column(const series_printer *p) { return p->rows->o->series ? p->rows->o->series : p->form->series; }
static const char *time_column(const series_printer *p) { return p->rows->o->time ? p->rows->o->time : p->form->time; }

static void entry_name(const unroll_value *v, int entry, char out[80]) {
  snprintf(out, 80, v->width == 1 ? "%.63s" : "%.63s%d", v->name, entry + 1);
}

static double quantile(const unroll_value *v, int64_t step, int level, int entry) {
  return v->quantiles[(step * v->n_levels + level) * v->width + entry];
}

/* --- CSV --- */

static void add_head(const series_printer *p, const unroll_value *v, text *out) {
  if (series_column(p)) text_add_field(out, series_column(p), strlen(series_column(p))), text_add(out, ",", 1);
  text_add_field(out, time_column(p), strlen(time_column(p)));
  text_format(out, ",variable,mean");
  for (int i = 0; i < v->n_levels; i++) text_format(out, ",%.15g", v->levels[i]);
}

static void add_line(const series_printer *p, const unroll_row *row, const unroll_value *v, int64_t step, int entry, text *out) {
  char name[80];
  if (series_column(p)) text_add_field(out, row->series, strlen(row->series)), text_add(out, ",", 1);
  entry_name(v, entry, name);
  text_format(out, "%s,%s,", row->times[step], name);
  text_add_number(out, v->numbers[step * v->width + entry]);
  for (int i = 0; i < v->n_levels; i++) {
    text_add(out, ",", 1);
    text_add_number(out, quantile(v, step, i, entry));
  }
}

/* --- JSON --- */

static json_t *line_json(const series_printer *p, const unroll_row *row, const unroll_value *v, int64_t step, int entry) {
  char name[80], level[32];
  json_t *quantiles = json_object();
  entry_name(v, entry, name);
  for (int i = 0; i < v->n_levels; i++) {
    snprintf(level, sizeof level, "%.15g", v->levels[i]);
    json_object_set_new(quantiles, level, json_number(quantile(v, step, i, entry)));
  }
  json_t *out = json_pack("{s:s, s:s, s:o, s:o}", "time", row->times[step], "variable", name, "mean",
                          json_number(v->numbers[step * v->width + entry]), "quantiles", quantiles);
  if (out && series_column(p)) json_object_set_new(out, "series", output_json_text(row->series, strlen(row->series)));
  return out;
}

int series_print(void *context, const unroll_result *r) {
  series_printer *p = context;
  unroll_row row;
  unroll_value v;
  int enough = 0;
  unroll_row_init(&row);
  unroll_value_init(&v);
  unroll_result_row(r, 0, &row, NULL);
  for (int k = 0; k < unroll_result_variables(r); k++) {
    unroll_result_value(r, 0, unroll_result_variable(r, k), &v, NULL);
    if (!p->begun && !p->rows->list) {
      text head = {0};
      add_head(p, &v, &head);
      enough |= row_put(p->rows, &head);
    }
    p->begun = true;
    for (int64_t i = 0; i < v.steps * v.width && !enough; i++) {
      const int64_t step = i / v.width;
      const int entry = (int)(i % v.width);
      text line = {0};
      if (!p->rows->list) add_line(p, &row, &v, step, entry, &line);
      enough = p->rows->list ? row_put_json(p->rows, line_json(p, &row, &v, step, entry)) : row_put(p->rows, &line);
    }
  }
  return enough;
}
