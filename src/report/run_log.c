/* run_log.c - see run_log.h. Any key of a record that has a number is a column: a new one needs no change here. */
#include "report/run_log.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/error.h"
#include "base/file.h"
#include "io/json.h"
#include "io/safetensors.h"

enum { MAX_COLUMNS = 256 }; /* more are passed over */

static bool is_folder(const char *path) {
  struct stat s;
  return !stat(path, &s) && S_ISDIR(s.st_mode);
}

static log_column *column(run_log *log, const char *name, size_t records) {
  for (int i = 0; i < log->n_columns; i++)
    if (!strcmp(log->columns[i].name, name)) return &log->columns[i];
  log_column *grown = arena_alloc(&log->memory, (size_t)log->n_columns + 1, sizeof *grown);
  double *values = arena_alloc(&log->memory, records, sizeof *values);
  const char *copy = arena_text(&log->memory, name, strlen(name));
  if (!grown || !values || !copy) return NULL;
  for (size_t i = 0; i < records; i++) values[i] = (double)NAN;
  if (log->n_columns) memcpy(grown, log->columns, (size_t)log->n_columns * sizeof *grown);
  grown[log->n_columns] = (log_column){copy, values};
  log->columns = grown;
  return &log->columns[log->n_columns++];
}

static unroll_status take_record(run_log *log, const char *line, size_t size, size_t number, size_t records, const char *path,
                                 unroll_error *err) {
  json_error_t error;
  int starved = 0;
  json_t *j = json_read(line, size, &error, &starved);
  if (!json_is_object(j) || !json_is_integer(json_object_get(j, "step"))) {
    json_decref(j);
    if (starved) return error_memory(err);
    return error_at(err, UNROLL_BAD_INPUT, path, NULL, (int)number + 1, 0,
                    "this is no record of a log of training: an object with a \"step\" is expected");
  }
  const char *key;
  json_t *value;
  unroll_status status = UNROLL_OK;
  json_object_foreach(j, key, value) {
    if (!json_is_number(value) || (log->n_columns == MAX_COLUMNS && !run_log_column(log, key))) continue;
    log_column *c = column(log, key, records);
    if (!c) {
      status = error_memory(err);
      break;
    }
    c->values[log->n_records] = json_number_value(value);
  }
  json_decref(j);
  if (!status) log->n_records++;
  return status;
}

static unroll_status read_records(run_log *log, const char *path, unroll_error *err) {
  char *data = NULL;
  size_t size = 0, records = 0, number = 0;
  unroll_status status = file_read(path, &data, &size, err);
  if (status) return status;
  for (size_t i = 0; i < size; i++) records += data[i] == '\n';
  for (const char *s = data, *end; !status && (end = memchr(s, '\n', size - (size_t)(s - data))); s = end + 1, number++)
    status = take_record(log, s, (size_t)(end - s), number, records, path, err);
  mem_free(data);
  return status;
}

/* The members of an object, as texts. */
static bool take_asked(run_log *log, const char *object) {
  json_error_t error;
  int starved = 0;
  json_t *j = object ? json_read(object, strlen(object), &error, &starved) : NULL;
  const size_t n = json_object_size(j);
  asked *grown = arena_alloc(&log->memory, (size_t)log->n_asked + n, sizeof *grown);
  bool good = grown && !starved;
  const char *key;
  json_t *value;
  if (good && log->n_asked) memcpy(grown, log->asked, (size_t)log->n_asked * sizeof *grown);
  if (good) log->asked = grown;
  json_object_foreach(j, key, value) {
    char *plain =
        good && !json_is_string(value) ? json_write(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    const char *shown = json_is_string(value) ? json_string_value(value) : plain;
    const char *name = good ? arena_text(&log->memory, key, strlen(key)) : NULL;
    const char *copy = name && shown ? arena_text(&log->memory, shown, strlen(shown)) : NULL;
    mem_free(plain);
    if (!copy) good = false;
    if (good) log->asked[log->n_asked++] = (asked){name, copy};
  }
  json_decref(j);
  return good;
}

/* A checkpoint that is damaged, or of another kind, is no reason to show nothing of the log. */
static unroll_status read_asked(run_log *log, const char *folder, unroll_error *err) {
  tensor_file f = {0};
  text path = {0};
  text_format(&path, "%s/checkpoint.safetensors", folder);
  if (path.failed) return error_memory(err);
  unroll_status status = tensor_file_load(&f, path.data, NULL);
  text_free(&path);
  if (status) return status == UNROLL_FAILED ? error_memory(err) : UNROLL_OK;
  const char *net = tensor_metadata(&f, "net");
  bool good = take_asked(log, tensor_metadata(&f, "options")) && take_asked(log, tensor_metadata(&f, "settings"));
  if (good && net) good = (log->equations = arena_text(&log->memory, net, strlen(net))) != NULL;
  tensor_file_free(&f);
  return good ? UNROLL_OK : error_memory(err);
}

unroll_status run_log_read(run_log *log, const char *path, unroll_error *err) {
  struct stat s;
  text file = {0};
  const bool folder = is_folder(path);
  *log = (run_log){0};
  log->name = arena_text(&log->memory, path, strlen(path));
  text_format(&file, folder ? "%s/log.jsonl" : "%s", path);
  unroll_status status = file.failed || !log->name ? error_memory(err) : read_records(log, file.data, err);
  if (!status && !stat(file.data, &s)) log->written = s.st_mtime;
  if (!status && folder) status = read_asked(log, path, err);
  text_free(&file);
  return status;
}

void run_log_free(run_log *log) { arena_free(&log->memory); }

const log_column *run_log_column(const run_log *log, const char *name) {
  for (int i = 0; i < log->n_columns; i++)
    if (!strcmp(log->columns[i].name, name)) return &log->columns[i];
  return NULL;
}

static double chosen(const run_log *log, const char *name, bool least, size_t *at) {
  const log_column *c = run_log_column(log, name);
  double value = (double)NAN;
  for (size_t i = 0; c && i < log->n_records; i++) {
    if (isnan(c->values[i]) || (least && !isnan(value) && c->values[i] >= value)) continue;
    value = c->values[i];
    if (at) *at = i;
  }
  return value;
}

double run_log_last(const run_log *log, const char *name, size_t *at) { return chosen(log, name, false, at); }
double run_log_least(const run_log *log, const char *name, size_t *at) { return chosen(log, name, true, at); }

static bool is_earlier_column(const run_log *logs, int run, const char *name) {
  for (int r = 0; r < run; r++)
    if (run_log_column(&logs[r], name)) return true;
  return false;
}

static void csv_row(const run_log *logs, int n, int run, size_t record, text *out) {
  text_add_field(out, logs[run].name, strlen(logs[run].name));
  for (int r = 0; r < n; r++)
    for (int i = 0; i < logs[r].n_columns; i++) {
      const char *name = logs[r].columns[i].name;
      if (is_earlier_column(logs, r, name)) continue;
      const log_column *c = run_log_column(&logs[run], name);
      text_add(out, ",", 1);
      if (c && !isnan(c->values[record])) text_add_digits(out, c->values[record], 9);
    }
  text_add(out, "\n", 1);
}

void run_log_csv(const run_log *logs, int n, text *out) {
  text_format(out, "run");
  for (int r = 0; r < n; r++)
    for (int i = 0; i < logs[r].n_columns; i++)
      if (!is_earlier_column(logs, r, logs[r].columns[i].name)) {
        text_add(out, ",", 1);
        text_add_field(out, logs[r].columns[i].name, strlen(logs[r].columns[i].name));
      }
  text_add(out, "\n", 1);
  for (int r = 0; r < n; r++)
    for (size_t i = 0; i < logs[r].n_records; i++) csv_row(logs, n, r, i, out);
}
