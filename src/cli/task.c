/* task.c - `unroll task`: made-up data that tells cells apart, on standard output. The data is made in data/task.h. */
#include "data/task.h"
#include <inttypes.h>
#include <stdio.h>
#include "base/error.h"
#include "cli/commands.h"
#include "cli/terminal.h"

enum { MANY = 10000 };

static const option_row rows[] = {
    {OPTION_INTEGER, "count", 'n', offsetof(options, count), "N", 1, 1e12, false, "sequences [10000]"},
    {OPTION_INTEGER, "length", 0, offsetof(options, length), "T", 1, TASK_MAX_LENGTH, false,
     "adding: steps [200]; copy: steps to wait [100]"},
    {OPTION_INTEGER, "seed", 0, offsetof(options, seed), "N", 0, MOST_COUNT, false, "the same seed gives the same data [1]"},
    {.kind = OPTION_END},
};

static unroll_status no_task(const char *name, unroll_error *err) {
  const char *names[16];
  size_t n = 0;
  for (const task *t = tasks; t->name && n < 16; t++) names[n++] = t->name;
  const char *near = text_nearest(name, names, n);
  if (near) return error_set(err, UNROLL_USAGE, "there is no task '%s'; did you mean '%s'?", name, near);
  return error_set(err, UNROLL_USAGE, "there is no task '%s'; there are adding, copy, arithmetic and xml", name);
}

static unroll_status run(const options *o, unroll_error *err) {
  const task *t = task_find(o->arguments[0]);
  if (!t) return no_task(o->arguments[0], err);
  if (!t->length && o->length >= 0) return error_set(err, UNROLL_USAGE, "the task '%s' has no length to choose", t->name);
  if (o->length >= 0 && o->length < t->least)
    return error_set(err, UNROLL_USAGE, "--length of the task '%s' is at least %d, not %" PRId64, t->name, t->least, o->length);
  const int64_t count = o->count >= 0 ? o->count : MANY;
  const int length = o->length >= 0 ? (int)o->length : t->length;
  const uint64_t seed = o->seed >= 0 ? (uint64_t)o->seed : 1;
  text out = {0};
  fputs(t->header, stdout);
  for (int64_t i = 0; i < count && !out.failed && !ferror(stdout) && !*signals_flag(); i++) {
    out.length = 0;
    task_sequence(t, seed, i, length, &out);
    if (!out.failed) fwrite(out.data, 1, out.length, stdout);
  }
  const bool failed = out.failed != 0;
  text_free(&out);
  if (failed) return error_memory(err);
  return *signals_flag() ? error_set(err, UNROLL_INTERRUPTED, "interrupted") : UNROLL_OK;
}

const command command_task = {
    .name = "task",
    .usage = "adding|copy|arithmetic|xml [options]",
    .summary = "made-up data that tells cells apart",
    .text = "Writes made-up sequences to standard output:\n"
            "    adding      a table id,x1,x2,y with a row a step: y is the sum of the two x1 whose x2 is 1\n"
            "    copy        a line each: 10 symbols, a wait, the signal |, and the same 10 symbols\n"
            "    arithmetic  a stream as 3e36d9-h1h39f94eeh43keg3c=-13991064. in which only the answer can be predicted\n"
            "    xml         a stream of nested tags with random names\n"
            "For instance:\n"
            "    unroll task xml | unroll train language - -o xml",
    .rows = rows,
    .least = 1,
    .most = 1,
    .run = run,
};
