/* run.c - `unroll run`: a cell or net on given tensors, so that anyone can verify it against anything. The work is in
 * verify/apply.h. */
#include <string.h>
#include "api/inspect.h"
#include "graph/settings.h"
#include "base/error.h"
#include "cli/commands.h"
#include "verify/apply.h"

static unroll_status check_options_given(const options *o, unroll_error *err) {
  if (!o->weights) return error_set(err, UNROLL_USAGE, "which weights? Give a file with --weights");
  if (!o->inputs) return error_set(err, UNROLL_USAGE, "on which inputs? Give a file with --inputs");
  if (!o->output) return error_set(err, UNROLL_USAGE, "where to? Give a file with -o");
  const size_t n = strlen(o->arguments[0]);
  if (n > 12 && !strcmp(o->arguments[0] + n - 12, ".safetensors"))
    return error_set(err, UNROLL_USAGE, "'%s' is no net; give the net or cell, and this file with --weights", o->arguments[0]);
  return UNROLL_OK;
}

static unroll_status save(const inspection *x, const apply_result *result, const char *path, unroll_error *err) {
  const char *const keys[] = {"format", "layout", "net"};
  const char *const values[] = {"unroll run", "[T, B, N]; beyond a sequence's length: 0", x->m.net_text};
  return tensor_file_save(path, result->tensors, result->count, keys, values, 3, err);
}

unroll_status command_run(const options *o, unroll_error *err) {
  arena memory = {0};
  setting *settings = NULL;
  int n_settings = 0;
  inspection x;
  tensor_file weights = {0}, inputs = {0};
  apply_result result = {0};
  unroll_status status = check_options_given(o, err);
  if (status) return status;
  status = inspect_parse(&x, o->arguments[0], err);
  if (!status) status = settings_parse(&settings, &n_settings, o->sets.items, o->sets.n, &memory, err);
  if (!status) status = tensor_file_load(&weights, o->weights, err);
  if (!status) status = tensor_file_load(&inputs, o->inputs, err);
  if (!status) {
    const apply_options how = {.settings = settings,
                               .n_settings = n_settings,
                               .find_cell = model_find_cell,
                               .context = &x.m,
                               .weights_name = o->weights,
                               .inputs_name = o->inputs,
                               .gradient = o->gradient,
                               .reference = o->reference};
    status = apply_net(x.m.net, &weights, &inputs, &how, &result, err);
  }
  if (!status) status = save(&x, &result, o->output, err);
  apply_free(&result);
  tensor_file_free(&inputs);
  tensor_file_free(&weights);
  inspect_close(&x);
  arena_free(&memory);
  return status;
}
