/* task.c - `unroll task`: made-up data that tells cells apart, on standard output. */
#include <stdio.h>
#include "base/error.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/terminal.h"

enum { MANY = 10000 };

unroll_status command_task(const options *o, unroll_error *err) {
  const int64_t count = o->count >= 0 ? o->count : MANY;
  unroll_options *how = NULL;
  unroll_status status = data_options_typed(&how, "task", o, err);
  for (int64_t i = 0; i < count && !status && !ferror(stdout) && !*signals_flag(); i++) {
    char *sequence = NULL;
    size_t n = 0;
    status = unroll_task(o->arguments[0], how, i, 1, &sequence, &n, err);
    if (!status) fwrite(sequence, 1, n, stdout);
    unroll_free(sequence);
  }
  unroll_options_free(how);
  if (status) return status;
  return *signals_flag() ? error_set(err, UNROLL_INTERRUPTED, "interrupted") : UNROLL_OK;
}
