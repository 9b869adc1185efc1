/* options.c - see options.h. */
#include "api/options.h"
#include <math.h>
#include <string.h>
#include "api/api.h"
#include "base/budget.h"
#include "base/error.h"
#include "base/text.h"

static const option_row rows[] = {
#define OPTION(...) OPTION_ROW(call_options, __VA_ARGS__),
#define OPTION_FOR(...) OPTION_ROW(call_options, __VA_ARGS__),
#include "option/options.def"
};
enum { ROWS = sizeof rows / sizeof *rows };

static const struct {
  const char *name;
  uint32_t bit;
} commands[] = {
#define COMMAND(name, least, most, summary, usage, text) {#name, IN(name)},
#include "option/commands.def"
};

static void unset(call_options *o) {
  *o = (call_options){0};
  for (int i = 0; i < ROWS; i++) {
    void *at = (char *)o + rows[i].at;
    if (rows[i].kind == OPTION_WHOLE || rows[i].kind == OPTION_BYTES) *(int64_t *)at = -1;
    if (rows[i].kind == OPTION_REAL) *(double *)at = (double)NAN;
  }
}

unroll_options *unroll_options_new(const char *command) {
  unroll_options *o = command ? mem_zero(1, sizeof *o) : NULL;
  for (size_t i = 0; o && i < N_COMMANDS; i++)
    if (!strcmp(commands[i].name, command)) o->bit = commands[i].bit;
  if (!o || !o->bit) {
    mem_free(o);
    return NULL;
  }
  unset(&o->o);
  train_defaults(&o->train);
  return o;
}

void unroll_options_free(unroll_options *o) {
  if (!o) return;
  arena_free(&o->memory);
  mem_free(o);
}

/* The row of a command's option; *near: of all, the nearest name. */
static const option_row *find(const unroll_options *o, const char *name, const char **near) {
  const char *names[ROWS];
  size_t n = 0;
  for (int i = 0; i < ROWS; i++) {
    if (!rows[i].name || !(rows[i].commands & o->bit)) continue;
    if (option_find(&rows[i], 1, name)) return &rows[i];
    names[n++] = rows[i].name;
  }
  *near = text_nearest(name, names, n);
  return NULL;
}

/* They are of the process, not of a call. */
static void take_limit(const option_row *row, const call_options *o) {
  if (!strcmp(row->field, "max_memory")) budget_set((uint64_t)o->max_memory);
  if (!strcmp(row->field, "max_operations")) budget_set_operations((int)o->max_operations);
}

unroll_status unroll_options_set(unroll_options *o, const char *name, const char *value, unroll_error *err) {
  const char *near;
  if (!o || !name) return error_set(err, UNROLL_USAGE, "no options, or no name of one");
  const option_row *row = find(o, name, &near);
  if (o->bit == IN(train) && (!row || option_find(train_option_rows, TRAIN_OPTIONS, name)))
    return train_options_set(&o->train, name, value, &o->memory, err);
  if (!row)
    return error_set(err, UNROLL_USAGE, "unknown option '%s'%s%s%s", name, near ? "; did you mean '" : "", near ? near : "",
                     near ? "'?" : "");
  call_options before = o->o;
  const unroll_status status = option_set(row, &o->o, value, &o->memory, err);
  if (status) o->o = before;
  if (!status) take_limit(row, &o->o);
  return status;
}

unroll_status unroll_limit(const char *name, const char *value, unroll_error *err) {
  static const char *const names[] = {"max-memory", "max-operations"};
  unroll_options o = {.bit = IN(explain)};
  const char *near;
  if (!name) return api_null(err);
  const option_row *row = find(&o, name, &near);
  const bool memory = row && !strcmp(row->name, names[0]);
  if (!memory && !(row && !strcmp(row->name, names[1]))) {
    near = text_nearest(name, names, 2);
    return error_set(err, UNROLL_USAGE, "there is no limit '%s'; there are 'max-memory' and 'max-operations'%s%s%s", name,
                     near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
  }
  unset(&o.o);
  if (!value) {
    if (memory)
      budget_set(0);
    else
      budget_set_operations(0);
    return UNROLL_OK;
  }
  const unroll_status status = option_set(row, &o.o, value, &o.memory, err);
  if (!status) take_limit(row, &o.o);
  arena_free(&o.memory);
  return status;
}

void unroll_options_set_stop(unroll_options *o, volatile sig_atomic_t *stop) {
  if (o) o->stop = stop;
}

void unroll_options_set_rows(unroll_options *o, unroll_row_call *call, void *context) {
  if (!o) return;
  o->rows = call;
  o->context = context;
}

unroll_status call_take(call_options *o, const unroll_options *given, uint32_t bit, unroll_error *err) {
  unset(o);
  if (!given) return UNROLL_OK;
  if (given->bit != bit) return error_set(err, UNROLL_USAGE, "these are the options of another command");
  *o = given->o;
  return UNROLL_OK;
}
