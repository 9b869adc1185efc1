/* export.c - `unroll export`: a model for other programs. */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/data.h"

unroll_status command_export(const options *o, unroll_error *err) {
  unroll_model *m = NULL;
  unroll_options *how = NULL;
  if (!o->output) return error_set(err, UNROLL_USAGE, "where to? -o FILE");
  unroll_status status = unroll_model_load(&m, o->arguments[1], err);
  if (!status) status = data_options_of(&how, "export", o, err);
  if (!status) status = unroll_export(m, o->arguments[0], o->output, how, err);
  unroll_options_free(how);
  unroll_model_free(m);
  return status;
}
