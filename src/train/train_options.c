/* train_options.c - the options of training as a table of rows: defaults, checks, copies; options and state of a run as JSON, for
 * its checkpoints. */
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "graph/settings.h"
#include "train/trainer.h"

const option_row train_option_rows[TRAIN_OPTIONS] = {
#define TRAIN_OPTION(...) OPTION_ROW(train_options, __VA_ARGS__),
#include "option/options.def"
};

/* A number of the state: whole ones from 0; reals that may be NaN, which is null. */
#define WHOLE_STATE(name) OPTION_ROW(train_state, name, WHOLE, NULL, 0, NULL, FROM(0, 9e18), NULL, NULL, KEPT, 0, NULL)
#define REAL_STATE(name, least)                                                                                                    \
  OPTION_ROW(train_state, name, REAL, NULL, 0, NULL, FROM(least, (double)INFINITY), NULL, NULL, KEPT, 0, NULL)
static const option_row state_rows[] = {
    WHOLE_STATE(step),
    WHOLE_STATE(updates),
    WHOLE_STATE(lowered),
    WHOLE_STATE(waiting),
    WHOLE_STATE(worse),
    WHOLE_STATE(last_valid),
    WHOLE_STATE(last_record),
    WHOLE_STATE(skipped),
    WHOLE_STATE(skipped_in_row),
    WHOLE_STATE(symbols),
    WHOLE_STATE(interval_symbols),
    REAL_STATE(interval_nats, -(double)INFINITY),
    REAL_STATE(best, -(double)INFINITY),
    REAL_STATE(valid_loss, -(double)INFINITY),
    REAL_STATE(loss, -(double)INFINITY),
    REAL_STATE(grad_norm, -(double)INFINITY),
    REAL_STATE(rate, -(double)INFINITY),
    REAL_STATE(seconds, 0),
    OPTION_ROW(train_state, stopped, FLAG, NULL, 0, NULL, ANY, NULL, NULL, KEPT, 0, NULL),
};
enum { STATE_ROWS = sizeof state_rows / sizeof *state_rows };

void train_defaults(train_options *o) {
  *o = (train_options){0};
  option_defaults(train_option_rows, TRAIN_OPTIONS, o);
}

static unroll_status unknown_name(const char *name, unroll_error *err) {
  const char *names[TRAIN_OPTIONS];
  for (int i = 0; i < TRAIN_OPTIONS; i++)
    names[i] = train_option_rows[i].name ? train_option_rows[i].name : train_option_rows[i].field;
  const char *near = text_nearest(name, names, TRAIN_OPTIONS);
  return error_set(err, UNROLL_USAGE, "unknown option '%s'%s%s%s", name, near ? "; did you mean '" : "", near ? near : "",
                   near ? "'?" : "");
}

unroll_status train_options_set(train_options *o, const char *name, const char *value, arena *memory, unroll_error *err) {
  const option_row *row = option_find(train_option_rows, TRAIN_OPTIONS, name);
  if (!row) return unknown_name(name, err);
  const unroll_status status = option_set(row, o, value, memory, err);
  if (!status) o->given[row - train_option_rows] = true;
  return status;
}

char *train_options_text(const train_options *o) { return option_write_json(train_option_rows, TRAIN_OPTIONS, o); }
char *train_state_text(const train_state *s) { return option_write_json(state_rows, STATE_ROWS, s); }

unroll_status train_options_parse(trainer *t, const char *file, const char *source, unroll_error *err) {
  train_defaults(&t->o);
  const unroll_status status =
      option_read_json(train_option_rows, TRAIN_OPTIONS, &t->o, false, &t->memory, file, "options", source, err);
  if (!t->o.shards) t->o.shards = 1; /* before there were any */
  return status;
}

unroll_status train_state_parse(train_state *s, const char *file, const char *source, unroll_error *err) {
  *s = (train_state){0};
  return option_read_json(state_rows, STATE_ROWS, s, true, NULL, file, "state", source, err);
}

/* The settings of the option, after those that the caller has made. */
static unroll_status take_settings(trainer *t, unroll_error *err) {
  setting *list, *all;
  int n;
  if (!t->o.sets.n) return UNROLL_OK;
  const unroll_status status = settings_parse(&list, &n, t->o.sets.items, t->o.sets.n, &t->memory, err);
  if (status) return status;
  all = arena_alloc(&t->memory, (size_t)(t->o.n_settings + n) + 1, sizeof *all);
  if (!all) return error_memory(err);
  for (int i = 0; i < t->o.n_settings; i++) all[i] = t->o.settings[i];
  for (int i = 0; i < n; i++) all[t->o.n_settings + i] = list[i];
  t->o.settings = all;
  t->o.n_settings += n;
  return UNROLL_OK;
}

unroll_status train_options_copy(trainer *t, const train_options *o, unroll_error *err) {
  t->o = *o;
  for (int i = 0; i < TRAIN_OPTIONS; i++)
    if (!option_copy(&train_option_rows[i], &t->o, o, &t->memory)) return error_memory(err);
  return take_settings(t, err);
}

unroll_status train_options_may_change(const train_options *change, unroll_error *err) {
  for (int i = 0; i < TRAIN_OPTIONS; i++) {
    const option_row *row = &train_option_rows[i];
    if (change->given[i] && (row->resume == OPTION_KEPT || row->resume == OPTION_MODEL))
      return error_set(
          err, UNROLL_USAGE,
          "option '%s' cannot be given with option 'resume': a resumed run goes on with the options it was started with",
          row->name ? row->name : row->field);
  }
  return UNROLL_OK;
}

unroll_status train_options_change(trainer *t, const train_options *change, unroll_error *err) {
  train_options first;
  train_defaults(&first);
  if (change->epochs || change->steps) t->o.epochs = t->o.steps = 0; /* together they say when training ends */
  for (int i = 0; i < TRAIN_OPTIONS; i++) {
    const option_row *row = &train_option_rows[i];
    const bool changed = change->given[i] || !option_equal(row, change, &first);
    if (row->resume == OPTION_FREE && changed && !option_copy(row, &t->o, change, &t->memory)) return error_memory(err);
  }
  return train_options_check(&t->o, err);
}

unroll_status train_options_check(const train_options *o, unroll_error *err) {
  if (!o->net) return error_set(err, UNROLL_USAGE, "no net to train");
  if (!o->data && !o->source) return error_set(err, UNROLL_USAGE, "no data to train on");
  for (int i = 0; i < TRAIN_OPTIONS; i++) {
    const unroll_status status = option_check(&train_option_rows[i], o, err);
    if (status) return status;
  }
  if (o->min_rate > o->rate)
    return error_set(err, UNROLL_USAGE, "option 'min-lr' is above the learning rate: %g and %g", o->min_rate, o->rate);
  const char *timed = o->scale ? "scale" : o->fill ? "fill" : o->context ? "context" : o->horizon ? "horizon" : NULL;
  if (timed && !o->time)
    return error_set(err, UNROLL_USAGE, "option '%s' is for series with dates: name their column with option 'time'", timed);
  return UNROLL_OK;
}
