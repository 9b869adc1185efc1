/* task.c - `unroll task`: made-up data that tells cells apart, on standard output. The data is made in data/task.h. */
#include "data/task.h"
#include <inttypes.h>
#include <stdio.h>
#include "base/error.h"
#include "cli/commands.h"
#include "cli/terminal.h"

enum { MANY = 10000 };

static unroll_status no_task(const char *name, unroll_error *err) {
  const char *names[16];
  size_t n = 0;
  for (const task *t = tasks; t->name && n < 16; t++) names[n++] = t->name;
  const char *near = text_nearest(name, names, n);
  if (near) return error_set(err, UNROLL_USAGE, "there is no task '%s'; did you mean '%s'?", name, near);
  return error_set(err, UNROLL_USAGE, "there is no task '%s'; there are adding, copy, arithmetic and xml", name);
}

unroll_status command_task(const options *o, unroll_error *err) {
  const task *t = task_find(o->arguments[0]);
  if (!t) return no_task(o->arguments[0], err);
  if (!t->length && o->length >= 0) return error_set(err, UNROLL_USAGE, "the task '%s' has no length to choose", t->name);
  if (o->length >= 0 && o->length < t->least)
    return error_set(err, UNROLL_USAGE, "--length of the task '%s' is at least %d, not %" PRId64, t->name, t->least, o->length);
  const int64_t count = o->count >= 0 ? o->count : MANY;
  const int length = o->length >= 0 ? (int)o->length : t->length;
  const uint64_t key = o->seed >= 0 ? (uint64_t)o->seed : 1;
  text out = {0};
  fputs(t->header, stdout);
  for (int64_t i = 0; i < count && !out.failed && !ferror(stdout) && !*signals_flag(); i++) {
    out.length = 0;
    task_sequence(t, key, i, length, &out);
    if (!out.failed) fwrite(out.data, 1, out.length, stdout);
  }
  const bool failed = out.failed != 0;
  text_free(&out);
  if (failed) return error_memory(err);
  return *signals_flag() ? error_set(err, UNROLL_INTERRUPTED, "interrupted") : UNROLL_OK;
}
