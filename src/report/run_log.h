/* run_log.h - what a run of training wrote down: the columns of its log.jsonl, and what it was asked for. */
#ifndef REPORT_RUN_LOG_H
#define REPORT_RUN_LOG_H
#include <stdint.h>
#include <unroll.h>
#include "base/memory.h"
#include "base/text.h"

typedef struct log_column {
  const char *name;
  double *values; /* [n_records]; NaN: not in that record */
} log_column;

typedef struct asked { /* an option or setting of the run */
  const char *name, *value;
} asked;

typedef struct run_log {
  const char *name; /* as given */
  const char *equations;
  size_t n_records;
  int n_columns;
  log_column *columns; /* in the order in which they first occur */
  int n_asked;
  asked *asked;
  int64_t written; /* when the log was last written, seconds since 1970 */
  arena memory;
} run_log;

/* `path`: the folder of a run, or its log.jsonl. UNROLL_BAD_INPUT with file and line for what is no log. A last line without an
 * end, of a run that is under way, is left out. A run that has just begun has no record. Without a checkpoint beside it nothing is
 * known of what was asked for. */
unroll_status run_log_read(run_log *log, const char *path, unroll_error *err);
void run_log_free(run_log *log);

const log_column *run_log_column(const run_log *log, const char *name); /* NULL: there is none */
/* The last value of a column, or the least; *at (or NULL) is its record. NaN: there is none. */
double run_log_last(const run_log *log, const char *name, size_t *at);
double run_log_least(const run_log *log, const char *name, size_t *at);

/* All records of all runs, with the name of the run in front. */
void run_log_csv(const run_log *logs, int n, text *out);
#endif
