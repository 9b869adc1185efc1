/* log.c - `unroll log`: runs of training side by side. */
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "report/events.h"
#include "report/runs.h"

enum { MOST_RUNS = 1000 };

/* The name of a run's folder below --tensorboard: its own name, made different from those before it. */
static unroll_status write_events(const run_log *logs, int n, const char *folder, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  for (int r = 0; r < n && !status; r++) {
    text path = {0};
    size_t length = strlen(logs[r].name);
    while (length > 1 && logs[r].name[length - 1] == '/') length--;
    const char *begin = logs[r].name + length;
    while (begin > logs[r].name && begin[-1] != '/') begin--;
    const int size = (int)(logs[r].name + length - begin);
    bool taken = false;
    for (int q = 0; q < n; q++) {
      const size_t other = strlen(logs[q].name);
      taken |= q != r && other >= (size_t)size && !strncmp(logs[q].name + other - size, begin, (size_t)size);
    }
    text_format(&path, taken ? "%s/%.*s-%d" : "%s/%.*s", folder, size, begin, r + 1);
    status = path.failed ? error_memory(err) : events_write(&logs[r], path.data, err);
    text_free(&path);
  }
  if (!status) terminal_note("wrote %s; to see it: tensorboard --logdir %s", folder, folder);
  return status;
}

static json_t *run_json(const run_log *log) {
  json_t *run = json_object(), *records = json_array(), *asked_for = json_object();
  json_object_set_new(run, "run", json_string(log->name));
  for (int i = 0; i < log->n_asked; i++) json_object_set_new(asked_for, log->asked[i].name, json_string(log->asked[i].value));
  for (size_t i = 0; i < log->n_records; i++) {
    json_t *record = json_object();
    for (int c = 0; c < log->n_columns; c++) {
      const double x = log->columns[c].values[i];
      if (x == x) json_object_set_new(record, log->columns[c].name, json_number(x));
    }
    json_array_append_new(records, record);
  }
  json_object_set_new(run, "options", asked_for);
  json_object_set_new(run, "records", records);
  return run;
}

static unroll_status print_json(const run_log *logs, int n, unroll_error *err) {
  json_t *runs = json_array(), *out = json_object();
  for (int r = 0; r < n; r++) json_array_append_new(runs, run_json(&logs[r]));
  json_object_set_new(out, "runs", runs);
  return output_json(out, err);
}

static unroll_status print_text(const run_log *logs, int n, const options *o, unroll_error *err) {
  const chart_form form = terminal_chart("step", false);
  text out = {0};
  unroll_status status = UNROLL_OK;
  if (o->csv) {
    run_log_csv(logs, n, &out);
  } else {
    runs_table(logs, n, &out);
    text_format(&out, "\n");
    status = runs_chart(logs, n, o->column_of, &form, &out, err);
  }
  if (!status && out.failed) status = error_memory(err);
  if (!status) fputs(out.data, stdout);
  text_free(&out);
  return status;
}

unroll_status command_log(const options *o, unroll_error *err) {
  if (o->n_arguments > MOST_RUNS) return error_set(err, UNROLL_USAGE, "at most %d runs at a time", MOST_RUNS);
  if (o->csv + o->json + (o->tensorboard != NULL) > 1)
    return error_set(err, UNROLL_USAGE, "--csv, --json and --tensorboard exclude each other");
  run_log *logs = mem_zero((size_t)o->n_arguments, sizeof *logs);
  unroll_status status = logs ? UNROLL_OK : error_memory(err);
  int n = 0;
  while (!status && n < o->n_arguments) {
    status = run_log_read(&logs[n], o->arguments[n], err);
    if (!status && !logs[n].n_records)
      status = error_at(err, UNROLL_BAD_INPUT, o->arguments[n], NULL, 0, 0, "the log has no record yet");
    n++;
  }
  if (!status && o->tensorboard)
    status = write_events(logs, n, o->tensorboard, err);
  else if (!status)
    status = o->json ? print_json(logs, n, err) : print_text(logs, n, o, err);
  for (int i = 0; i < n; i++) run_log_free(&logs[i]);
  mem_free(logs);
  return status;
}
