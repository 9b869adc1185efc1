/* import.c - `unroll import`: a model of another program. */
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "cli/commands.h"
#include "cli/terminal.h"

/* The options as they were typed, but for --verify, whose second part is the last argument. */
static unroll_status take_options(unroll_options **out, const options *o, unroll_error *err) {
  unroll_options *t = *out = unroll_options_new("import");
  unroll_status status = t ? UNROLL_OK : error_memory(err);
  for (int i = 0; i < o->n_typed && !status; i++) {
    text both = {0};
    const char *name = o->typed[i].name, *value = o->typed[i].value;
    if (!strcmp(name, "verify")) text_format(&both, "%s\n%s", value, o->arguments[o->n_arguments - 1]);
    status = both.failed ? error_memory(err) : unroll_options_set(t, name, both.data ? both.data : value, err);
    text_free(&both);
  }
  return status;
}

static void tell(const char *notes) {
  for (const char *line = notes; *line; line += strcspn(line, "\n"), line += *line == '\n')
    progress_line("%.*s", (int)strcspn(line, "\n"), line);
}

unroll_status command_import(const options *o, unroll_error *err) {
  unroll_options *t = NULL;
  unroll_model *m = NULL;
  char *notes = NULL;
  const int n = o->n_arguments - (o->verify != NULL);
  if (!o->output) return error_set(err, UNROLL_USAGE, "where to? Give a file with -o");
  if (n < 1) return error_set(err, UNROLL_USAGE, "--verify takes INPUTS and, as the last argument, OUTPUTS");
  unroll_status status = take_options(&t, o, err);
  if (!status) status = unroll_import(&m, (const char *const *)o->arguments, n, t, &notes, err);
  if (!status && !o->quiet) tell(notes);
  if (!status && !o->net_to && !o->quiet) fputs(unroll_model_equations(m), stdout);
  unroll_free(notes);
  unroll_model_free(m);
  unroll_options_free(t);
  return status;
}
