/* predict.c - `unroll predict`: what a model says about each example of its data; of series with dates, how they go on. */
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/listen.h"
#include "cli/row.h"
#include "cli/series.h"
#include "cli/terminal.h"

/* With --output all is in the file. */
static int print(void *context, const unroll_result *r) {
  const row_printer *p = context;
  return p->o->output ? 0 : row_print(context, r);
}

unroll_status command_predict(const options *o, unroll_error *err) {
  unroll_model *m = NULL;
  unroll_options *how = NULL;
  unroll_table *t = NULL;
  unroll_result *r = NULL;
  unroll_series form;
  row_printer p = {.o = o, .list = o->json ? json_array() : NULL, .numbered = o->best > 1 || o->samples >= 0};
  series_printer s = {.rows = &p, .form = &form};
  unroll_status status = unroll_model_load(&m, o->arguments[0], err);
  unroll_series_init(&form);
  p.m = m;
  if (!status) status = unroll_model_series(m, &form, err);
  if (!status && listens(m, o)) {
    status = predict_listen(m, o, err);
    unroll_model_free(m);
    json_decref(p.list);
    return status;
  }
  if (!status) status = data_options_of(&how, "predict", o, err);
  if (!status) status = data_table(&t, o, 1, err);
  if (!status && form.time) unroll_options_set_rows(how, series_print, &s);
  if (!status && !form.time) unroll_options_set_rows(how, print, &p);
  if (!status) status = unroll_predict(m, t, how, &r, err);
  if (r) data_left_out(r);
  status = row_status(&p, status, err);
  if (!status && o->json) {
    json_t *out = json_pack("{s:O}", form.time ? "forecasts" : "predictions", p.list);
    data_left_out_json(out, r);
    status = output_json(out, err);
  }
  json_decref(p.list);
  unroll_result_free(r);
  unroll_table_free(t);
  unroll_options_free(how);
  unroll_model_free(m);
  return status;
}
