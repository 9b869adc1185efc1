/* series.c - what a model remembers of the series it was trained on, as JSON in its file: {"series": column} or, of dates,
 *   {"time": column, "series": column or null, "step": so many, "unit": "seconds", "month_end": false, "day": N,
 *    "context": N, "horizon": N, "scale": "none", "fill": "none", "trained": {name of each series: [its last
 *    time that was trained on, that by which the model was chosen]}} */
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "io/json.h"
#include "model/model.h"

static const char *const units[] = {"ones", "seconds", "months"}, *const scales[] = {"none", "series", "level"};
static const char *const fills[] = {"none", "last", "zero", "mean"};

char *model_series_text(const series_form *f) {
  char at[TIME_TEXT], by[TIME_TEXT];
  if (!f->time) {
    json_t *only = json_pack("{s:s}", "series", f->series);
    char *one = only ? json_write(only, JSON_COMPACT) : NULL;
    json_decref(only);
    return one;
  }
  json_t *j = json_object(), *trained = json_object();
  int bad = !j || !trained;
  for (int32_t i = 0; i < f->names.n && !bad; i++) {
    time_write(&f->grid, f->trained[i], at);
    time_write(&f->grid, f->chosen[i], by);
    bad |= json_object_set_new(trained, lexicon_text(&f->names, i, NULL), json_pack("[s, s]", at, by));
  }
  bad |= json_object_set_new(j, "trained", trained);
  bad |= json_object_set_new(j, "time", json_string(f->time));
  bad |= json_object_set_new(j, "series", f->series ? json_string(f->series) : json_null());
  bad |= json_object_set_new(j, "step", json_integer(f->grid.step));
  bad |= json_object_set_new(j, "unit", json_string(units[f->grid.unit]));
  bad |= json_object_set_new(j, "month_end", json_boolean(f->grid.month_end));
  bad |= json_object_set_new(j, "day", json_integer(f->grid.day));
  bad |= json_object_set_new(j, "fill", json_string(fills[f->fill]));
  bad |= json_object_set_new(j, "context", json_integer(f->context));
  bad |= json_object_set_new(j, "horizon", json_integer(f->horizon));
  bad |= json_object_set_new(j, "scale", json_string(scales[f->scaling]));
  char *s = bad ? NULL : json_write(j, JSON_COMPACT);
  json_decref(j);
  return s;
}

static int find(const char *const *list, int n, const char *word) {
  for (int i = 0; i < n; i++)
    if (word && !strcmp(list[i], word)) return i;
  return -1;
}

static bool count_of(const json_t *j, int64_t most, int64_t *out) {
  *out = json_integer_value(j);
  return json_is_integer(j) && *out >= 1 && *out <= most;
}

/* 0: good; 1: bad; -1: out of memory. */
static int read_trained(series_form *f, const json_t *j) {
  const char *name;
  json_t *value;
  if (!json_is_object(j)) return 1;
  f->trained = mem_zero(json_object_size(j) + 1, sizeof *f->trained);
  f->chosen = mem_zero(json_object_size(j) + 1, sizeof *f->chosen);
  if (!f->trained || !f->chosen) return -1;
  json_object_foreach((json_t *)j, name, value) {
    time_grid g;
    const char *s = json_string_value(json_array_get(value, 0)), *by = json_string_value(json_array_get(value, 1));
    if (!s || time_read(s, strlen(s), &g, &f->trained[f->names.n])) return 1;
    if (!by || time_read(by, strlen(by), &g, &f->chosen[f->names.n])) return 1;
    f->grid.written = g.written;
    f->grid.with_t = g.with_t;
    f->grid.with_z = g.with_z;
    if (lexicon_add(&f->names, name, strlen(name)) < 0) return -1;
  }
  return f->names.n < 1;
}

static int read_form(series_form *f, const json_t *j) {
  const json_t *time = json_object_get(j, "time"), *series = json_object_get(j, "series");
  const json_t *month_end = json_object_get(j, "month_end");
  const int unit = find(units, 3, json_string_value(json_object_get(j, "unit")));
  const json_t *day = json_object_get(j, "day"), *fill = json_object_get(j, "fill"); /* older models have neither */
  const int filled = fill ? find(fills, 4, json_string_value(fill)) : FILL_NONE;
  const int scale = find(scales, 3, json_string_value(json_object_get(j, "scale")));
  int64_t context, horizon;
  if (!time && json_is_string(series)) return (f->series = mem_text(json_string_value(series))) ? 0 : -1;
  if (!json_is_string(time) || !(json_is_string(series) || json_is_null(series)) || !json_is_boolean(month_end)) return 1;
  if (unit < 0 || scale < 0 || !count_of(json_object_get(j, "step"), INT64_MAX, &f->grid.step)) return 1;
  if (!count_of(json_object_get(j, "context"), 1 << 20, &context) || !count_of(json_object_get(j, "horizon"), 1 << 20, &horizon))
    return 1;
  if (filled < 0 || (day && !(json_is_integer(day) && json_integer_value(day) >= 0 && json_integer_value(day) <= 31))) return 1;
  f->fill = (enum series_fill)filled;
  f->grid.day = (int)json_integer_value(day);
  f->context = (int)context;
  f->horizon = (int)horizon;
  f->grid.unit = (enum time_unit)unit;
  f->grid.month_end = json_is_true(month_end);
  f->scaling = (enum scaling)scale;
  f->time = mem_text(json_string_value(time));
  f->series = json_is_string(series) ? mem_text(json_string_value(series)) : NULL;
  if (!f->time || (json_is_string(series) && !f->series)) return -1;
  return read_trained(f, json_object_get(j, "trained"));
}

unroll_status model_read_series(model *m, const tensor_file *f, const char *name, unroll_error *err) {
  const char *value = tensor_metadata(f, "series");
  json_error_t error;
  int starved;
  if (!value) return UNROLL_OK;
  json_t *j = json_read(value, strlen(value), &error, &starved);
  if (!j && starved) return error_memory(err);
  const int bad = json_is_object(j) ? read_form(&m->schema.time, j) : 1;
  json_decref(j);
  if (bad < 0) return error_memory(err);
  return bad ? error_at(err, UNROLL_BAD_INPUT, name, NULL, 0, 0, "the metadata 'series' is not that of a model of series")
             : UNROLL_OK;
}
