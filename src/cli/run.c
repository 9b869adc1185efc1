/* run.c - `unroll run`: a cell or net on given tensors, so that anyone can verify it against anything. */
#include <string.h>
#include "base/error.h"
#include "cli/commands.h"
#include "cli/data.h"

static unroll_status check_options_given(const options *o, unroll_error *err) {
  if (!o->weights) return error_set(err, UNROLL_USAGE, "which weights? Give a file with --weights");
  if (!o->inputs) return error_set(err, UNROLL_USAGE, "on which inputs? Give a file with --inputs");
  if (!o->output) return error_set(err, UNROLL_USAGE, "where to? Give a file with -o");
  if (text_ends(o->arguments[0], ".safetensors"))
    return error_set(err, UNROLL_USAGE, "'%s' is no net; give the net or cell, and this file with --weights", o->arguments[0]);
  return UNROLL_OK;
}

unroll_status command_run(const options *o, unroll_error *err) {
  unroll_options *how = NULL;
  unroll_status status = check_options_given(o, err);
  if (!status) status = data_options_typed(&how, "run", o, err);
  if (!status) status = unroll_run(o->arguments[0], how, err);
  unroll_options_free(how);
  return status;
}
