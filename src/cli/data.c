/* data.c - see data.h. */
#include "cli/data.h"
#include <inttypes.h>
#include <string.h>
#include "base/error.h"
#include "cli/terminal.h"

unroll_status data_paths(const options *o, int first, text *out, unroll_error *err) {
  int inputs = 0;
  *out = (text){0};
  for (int i = first; i < o->n_arguments; i++) {
    const char *path = o->arguments[i];
    if (strchr(path, '\n')) return error_set(err, UNROLL_USAGE, "the name of a file has a newline in it");
    inputs += !strcmp(path, "-");
    text_format(out, "%s%s", i > first ? "\n" : "", path);
  }
  if (inputs > 1) return error_set(err, UNROLL_USAGE, "standard input can be read once only");
  return out->failed ? error_memory(err) : UNROLL_OK;
}

unroll_status data_options_typed(unroll_options **out, const char *name, const options *o, unroll_error *err) {
  unroll_options *all = *out = unroll_options_new(name);
  unroll_status status = all ? UNROLL_OK : error_memory(err);
  for (int i = 0; i < o->n_typed && !status; i++) status = unroll_options_set(all, o->typed[i].name, o->typed[i].value, err);
  return status;
}

unroll_status data_options_of(unroll_options **out, const char *name, const options *o, unroll_error *err) {
  const unroll_status status = data_options_typed(out, name, o, err);
  if (!status) unroll_options_set_stop(*out, signals_flag());
  return status;
}

unroll_status data_table(unroll_table **out, const options *o, int first, unroll_error *err) {
  text paths = {0};
  unroll_table *t = *out = unroll_table_new();
  unroll_status status = data_paths(o, first, &paths, err);
  text_free(&paths);
  if (!status && !t) status = error_memory(err);
  for (int i = first; i < o->n_arguments && !status; i++) status = unroll_table_read(t, o->arguments[i], err);
  return status;
}

void data_left_out(const unroll_result *r) {
  unroll_error e;
  for (int i = 0; !unroll_result_left_out(r, i, &e, NULL); i++) {
    if (e.line > 0)
      terminal_warn("%s:%d: left out: %s", e.file, e.line, e.message);
    else
      terminal_warn("%s: %s left out", e.file, e.message);
  }
}

void data_left_out_json(json_t *out, const unroll_result *r) {
  const double n = unroll_result_find(r, NULL, "bad_rows");
  if (n > 0) json_object_set_new(out, "bad_rows", json_integer((json_int_t)n));
}
